package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// TypeSwept is the type of the event that has a ticket told what it may lack.
const TypeSwept = "vpcinterconnect.ticket.swept"

// recent is for how long after something happened a sweep looks whether the
// ticket was told. Outcomes are sent once, and may be lost; the record is not.
const recent = 10 * time.Minute

// Sweep queues an event for each ticket of whose connection there is recent news:
// whatever of it is not on the ticket yet is written then. It returns the
// connections.
func (w *Worker) Sweep(ctx context.Context) ([]string, error) {
	if len(w.Counters) == 0 {
		return []string{}, nil
	}
	records, err := w.Records.List(ctx)
	errs := []error{err}
	now := w.now()
	swept := []string{}
	for i := range records {
		r := &records[i]
		system, key, ok := TicketOf(r.ID)
		counter := w.Counters[system]
		if !ok || counter == nil || counter.Blind || now.Sub(lastNews(r)) > recent {
			continue
		}
		e := touch(w.Prefix, r.ID, fmt.Sprintf("sweep-%d", now.Unix()), Delivery{Key: key}, now)
		e.Type = TypeSwept
		if err := w.Queues.Send(ctx, chain.TicketsQueue, e.body(), 0); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.ID, err))
			continue
		}
		swept = append(swept, r.ID)
	}
	w.log().Info("tickets swept", "records", len(records), "sent", swept)
	return swept, errors.Join(errs...)
}

// lastNews is when something happened to a connection that a ticket is told.
func lastNews(r *interconnect.Record) time.Time {
	last := r.UpdatedAt
	later := func(t time.Time) {
		if t.After(last) {
			last = t
		}
	}
	for _, s := range r.Steps {
		later(s.Since)
		if len(s.Verdicts) > 0 && (len(s.Verdicts) == 1 || s.Verdicts[0].Outcome != s.Verdicts[1].Outcome) {
			later(s.Verdicts[0].At)
		}
	}
	if r.Sweep.Told > 0 || r.Sweep.Stuck > 0 {
		later(r.Sweep.SentAt)
	}
	return last
}
