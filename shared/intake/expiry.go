package intake

import (
	"context"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// byExpiry is who asks for the disconnect of what has expired.
const byExpiry = "expiry"

// notice tells on the outcomes that a connection is about to expire, where that
// is due. Died before it is remembered, it is told again, with the same id.
func (in *Intake) notice(ctx context.Context, r *interconnect.Record, now time.Time, report *SweepReport) error {
	n, due := interconnect.NoticeDue(r, now)
	if !due {
		return nil
	}
	if err := in.Queues.Send(ctx, chain.OutcomesQueue, chain.ExpiryNotice(in.Prefix, r, n, now), 0); err != nil {
		return err
	}
	report.Told = append(report.Told, r.ID)
	r.Sweep = interconnect.Told(r, n)
	return in.Records.PutSweep(ctx, r.ID, r.Sweep)
}

// expire has a connection taken away whose time is over. The record is read
// once more right before: somebody may have prolonged it meanwhile; and who does so
// between that and the write prevails, too. Of twins that do this at once both
// record the same, and the first ends it.
func (in *Intake) expire(ctx context.Context, listed *interconnect.Record, report *SweepReport) error {
	r, err := in.read(ctx, listed.ID)
	if err != nil {
		return err
	}
	if r == nil || r.Generation != listed.Generation {
		return nil // the next sweep looks again
	}
	t, err := in.disconnectRecord(ctx, r, byExpiry, r.Generation)
	if err != nil || t.Record.Live() {
		return err
	}
	report.Expired = append(report.Expired, r.ID)
	return nil
}
