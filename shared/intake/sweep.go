package intake

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// TombstoneLife is how long the record of a connection that is gone is kept:
// longer than any message lives.
const TombstoneLife = 14 * 24 * time.Hour

// sweepReserve is how much of an invocation is left when a sweep stops: the
// next goes on.
const sweepReserve = 5 * time.Second

// SweepReport is what a sweep did.
type SweepReport struct {
	Records int      // read
	Sent    []string // ids whose first message was sent again
	Checked []string // ids that a check was sent for
	Deleted []string // ids whose tombstone was removed
	Told    []string // ids of which it was told that they expire
	Expired []string // ids whose time was over, so that their disconnect began
}

// Sweep looks at every record once. It sends the first message again for each
// generation that is silent, or whose window has begun, a check for each
// connection that is due, removes old tombstones, and ends what expires. One record's failure does not keep it from the
// others; all are joined in the error. Sweeping twice at once sends messages
// twice, which changes nothing.
func (in *Intake) Sweep(ctx context.Context) (SweepReport, error) {
	var report SweepReport
	records, err := in.Records.List(ctx)
	errs := []error{err}
	report.Records = len(records)
	for i := range records {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < sweepReserve {
			errs = append(errs, fmt.Errorf("the sweep ran out of time after %d of %d records", i, len(records)))
			break
		}
		if err := in.sweepOne(ctx, &records[i], &report); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", records[i].ID, err))
		}
	}
	in.log().Info("swept", "records", report.Records, "sent", report.Sent, "checked", report.Checked, "deleted", report.Deleted, "told", report.Told, "expired", report.Expired)
	return report, errors.Join(errs...)
}

func (in *Intake) sweepOne(ctx context.Context, r *interconnect.Record, report *SweepReport) error {
	now := in.now()
	if err := in.notice(ctx, r, now, report); err != nil {
		return err
	}
	if interconnect.Overall(r, now) == interconnect.StateNeedsAttention { // an alarm goes by this line
		in.log().Warn("needs attention", "connection", r.ID, "generation", r.Generation, "by", r.Wanted.By)
	}
	if err := in.tellStuck(ctx, r, now); err != nil {
		return err
	}
	switch {
	case interconnect.Expired(r, now):
		return in.expire(ctx, r, report)
	case removed(r):
		if now.Sub(lastSaid(r)) < TombstoneLife {
			return nil
		}
		deleted, err := in.Records.Delete(ctx, r.ID, r.Generation)
		if err != nil || !deleted {
			return err
		}
		report.Deleted = append(report.Deleted, r.ID)
	case interconnect.Silent(r, now):
		queue, m := chain.FirstMessage(r, in.trace())
		if err := in.Queues.Send(ctx, queue, m.Body(), 0); err != nil {
			return err
		}
		report.Sent = append(report.Sent, r.ID)
		// If this fails the message is sent once more in a minute.
		return in.Records.PutSweep(ctx, r.ID, interconnect.Sent(r, now))
	case in.due(r, now):
		queue, m := chain.CheckMessage(r, chain.ScheduledTrace(in.slot(r.ID, now)))
		if err := in.Queues.Send(ctx, queue, m.Body(), spread(in.slot(r.ID, now))); err != nil {
			return err
		}
		report.Checked = append(report.Checked, r.ID)
	}
	return nil
}

// tellStuck tells on the outcomes, once, that nothing goes on. Died before it is
// remembered, it is told again, with the same id.
func (in *Intake) tellStuck(ctx context.Context, r *interconnect.Record, now time.Time) error {
	if !interconnect.StuckUntold(r, now) {
		return nil
	}
	if err := in.Queues.Send(ctx, chain.OutcomesQueue, chain.StuckNotice(in.Prefix, r, now), 0); err != nil {
		return err
	}
	r.Sweep = interconnect.ToldStuck(r)
	return in.Records.PutSweep(ctx, r.ID, r.Sweep)
}

// lastSaid is when anything was last recorded of a connection.
func lastSaid(r *interconnect.Record) time.Time {
	last := r.UpdatedAt
	for _, s := range r.Steps {
		if s.UpdatedAt.After(last) {
			last = s.UpdatedAt
		}
	}
	return last
}

// checked are the states in which a connection exists, so that it can break.
var checked = map[interconnect.State]bool{
	interconnect.StateConnected: true,
	interconnect.StateUnproven:  true,
	interconnect.StateBlocked:   true,
}

// due tells whether a connection's check of the present time slot is yet to
// come: verification has not said anything since the slot began.
func (in *Intake) due(r *interconnect.Record, now time.Time) bool {
	if in.CheckInterval < 0 || !interconnect.Ended(r) || !checked[interconnect.Overall(r, now)] {
		return false
	}
	return r.Steps[interconnect.Verification].UpdatedAt.Before(in.slot(r.ID, now))
}

// slot returns the start of the present time slot of a connection's checks.
// Each connection's slots begin at an offset of their own, always the same, so
// that checks spread over the interval.
func (in *Intake) slot(id string, now time.Time) time.Time {
	interval := in.CheckInterval
	if interval <= 0 {
		interval = DefaultCheckInterval
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	offset := time.Duration(h.Sum64() % uint64(interval)).Truncate(time.Second)
	return now.Add(-offset).Truncate(interval).Add(offset)
}

// spreadOver is the time over which a sweep spreads the checks that it sends: as
// much of the minute to the next sweep as leaves it time to see them done.
const spreadOver = 45 * time.Second

// spread is how long after the sweep a slot's check begins. Slots begin at any
// second of a minute, and the sweep comes once a minute: without it all checks
// of a minute would begin in one moment.
func spread(slot time.Time) time.Duration {
	return (time.Duration(slot.Second()) * spreadOver / 60).Truncate(time.Second) // queues count whole seconds
}
