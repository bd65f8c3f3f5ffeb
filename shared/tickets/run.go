package tickets

import (
	"context"
	"errors"
	"log/slog"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// errLagging says that a record reads older than what an event tells.
var errLagging = errors.New("the record reads older than the event")

// run handles one ticket because of one event.
type run struct {
	*Worker
	teller
	system  System
	counter *Counter
	event   Event
	change  chain.Change
	key     string
	log     *slog.Logger

	ticket *Ticket
	talk   conversation
	record *interconnect.Record
}

// do reads the ticket and the record, does what the ticket wants, and says what
// is to be said. What it does comes before what it says: a ticket system that
// breaks down in between delays comments only.
func (r *run) do(ctx context.Context, t touched) error {
	isTouched := r.event.Type == TypeTouched
	var err error
	if r.ticket, err = r.counter.Desk.Ticket(ctx, r.key, t.Event); err != nil {
		return err
	}
	if r.ticket == nil {
		r.log.Info("ticket ignored", "why", "there is no such ticket, or it is none of this deployment's")
		return nil
	}
	said, err := r.counter.Desk.Said(ctx, r.ticket)
	if err != nil {
		return err
	}
	r.talk = about(said, r.prefix, r.id)
	if len(r.talk) == 0 && !isTouched && !r.counter.Blind {
		return nil // somebody gave a connection the name of a ticket's
	}
	if r.record, err = r.Records.Get(ctx, r.id); err != nil {
		return err
	}
	if r.record == nil && !isTouched || r.record != nil && r.record.Generation < r.change.Generation {
		return errLagging
	}
	var list []due
	if isTouched {
		if list, err = r.decide(ctx); err != nil {
			return err
		}
	}
	return r.tell(ctx, append(list, r.news(isTouched)...))
}

// news lists what record and event have to tell.
func (r *run) news(isTouched bool) []due {
	var list []due
	var verdicts []interconnect.Verdict
	generation := r.change.Generation
	if r.record != nil {
		switch {
		case !r.counter.Blind:
			list, verdicts = r.recorded(r.record, r.ticket.Approval), found(r.record, r.talk)
			if isTouched || generation == 0 {
				generation = r.record.Generation
			}
		case isTouched:
			list = []due{r.accepted(r.record, r.ticket.Approval)}
		}
	}
	if isTouched {
		return append(list, r.verdicts(generation, verdicts, r.talk)...)
	}
	more, verdict := r.happened(r.event.Type, r.event.Time, &r.change, r.record)
	if r.record != nil && r.record.Generation != generation {
		// The event is of an earlier generation than the record's.
		list = append(list, r.verdicts(r.record.Generation, verdicts, r.talk)...)
		verdicts = nil
	}
	if verdict != nil {
		verdicts = append(verdicts, *verdict)
	}
	return append(append(list, more...), r.verdicts(generation, verdicts, r.talk)...)
}

// tell writes what is not on the ticket yet, the oldest first.
func (r *run) tell(ctx context.Context, list []due) error {
	written := map[string]bool{}
	for _, d := range inOrder(list) {
		c := d.c
		mark := c.Marker.String()
		// A plan may come back to what it was: then it is told once more.
		if written[mark] || c.Marker.Kind != KindPlan && r.talk.has(c.Marker) {
			continue
		}
		if c.Proven && r.ticket.Approval != nil {
			note, err := r.counter.Desk.Finish(ctx, r.ticket)
			if err != nil {
				return err
			}
			if note != "" {
				c.say("%s", note)
			}
		}
		if err := r.counter.Desk.Say(ctx, r.ticket, c); err != nil {
			return err
		}
		written[mark] = true
		r.log.Info("commented", "marker", mark)
	}
	return nil
}
