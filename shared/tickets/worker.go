package tickets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

// Asker is what the worker needs of the intake: policy, plans and hashes are
// the same whoever asks.
type Asker interface {
	Ask(ctx context.Context, r *interconnect.Request, by intake.Asker) (*intake.Taken, error)
	Disconnect(ctx context.Context, id string, by intake.Asker) (*intake.Taken, error)
}

// Planner says what would come of a request.
type Planner interface {
	Plan(ctx context.Context, r *interconnect.Request, by intake.Asker) (*intake.Plan, error)
}

// Records is what the worker reads of the records. A missing one is (nil, nil).
// With an error, List may return those that could be read all the same.
type Records interface {
	Get(ctx context.Context, id string) (*interconnect.Record, error)
	List(ctx context.Context) ([]interconnect.Record, error)
}

// Queues sends messages. Queue is a name without the deployment's prefix.
type Queues interface {
	Send(ctx context.Context, queue string, body []byte, delay time.Duration) error
}

// Leaser keeps runs that handle the same ticket apart; Leases does.
type Leaser interface {
	Take(ctx context.Context, id string, term time.Duration) (release func(), ok bool, err error)
}

// Worker handles what the queues of outcomes and of tickets deliver.
type Worker struct {
	Counters map[System]*Counter
	Intake   Asker
	Planner  Planner
	Records  Records
	Queues   Queues
	Leases   Leaser
	Prefix   string           // the deployment
	Function string           // the function's name, for dead letters
	Term     time.Duration    // the longest that one run takes; 0: 75 s
	Clock    func() time.Time // nil: the wall clock
	Log      *slog.Logger     // nil: the default logger

	Pause func(context.Context, time.Duration) error // waits between attempts; nil: really
}

// Handle handles each message of a queue's event. It returns an error only if
// something could not be handed on, so that it is delivered again; messages
// that were handled then come again too, which changes nothing more.
func (w *Worker) Handle(ctx context.Context, messages []trigger.QueueMessage) error {
	var errs []error
	for _, m := range messages {
		e, change, t, err := parseEvent(m.Body)
		if err != nil {
			err = w.bury(ctx, m, err)
		} else {
			err = w.one(ctx, e, change, t)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// one handles one event, and sends it again, to be seen later, if it could not
// be done with.
func (w *Worker) one(ctx context.Context, e Event, change chain.Change, t touched) error {
	id := change.ConnectionID
	system, key, ok := TicketOf(id)
	counter := w.Counters[system]
	if !ok || counter == nil {
		return nil // most connections have no ticket
	}
	log := w.log().With("connection", id, "ticket", key, "event", e.Type, "attempts", e.Attempts)
	release, ok, err := w.take(ctx, id)
	switch {
	case err != nil:
		return w.later(ctx, log, e, fmt.Errorf("taking the lease: %w", err))
	case !ok:
		return w.wait(ctx, e)
	}
	defer release()
	run := &run{Worker: w, system: system, counter: counter, event: e, change: change, key: key, log: log,
		teller: teller{prefix: w.Prefix, id: id, moment: w.now()}}
	if err := run.do(ctx, t); err != nil {
		if errors.Is(err, errLagging) && w.now().Sub(e.Time) < lag {
			return w.wait(ctx, e)
		}
		return w.later(ctx, log, e, err)
	}
	return nil
}

// pauses are those between attempts of what may succeed a moment later. They are
// few and short: what takes longer is handed back.
var pauses = []time.Duration{200 * time.Millisecond, 600 * time.Millisecond}

// take takes the ticket's lease.
func (w *Worker) take(ctx context.Context, id string) (release func(), ok bool, err error) {
	for n := 0; ; n++ {
		release, ok, err = w.Leases.Take(ctx, id, w.term())
		if err == nil || n == len(pauses) || w.pause(ctx, pauses[n]) != nil {
			return release, ok, err
		}
	}
}

// wait sends an event again that has to wait for another run, or for the record.
func (w *Worker) wait(ctx context.Context, e Event) error {
	pause := waits[min(e.Waits, len(waits)-1)]
	e.Waits++
	return w.send(ctx, e, pause)
}

// later sends an event again after a failed attempt. In the end it is given up:
// whatever comes next about the ticket tells what is missing.
func (w *Worker) later(ctx context.Context, log *slog.Logger, e Event, why error) error {
	e.Attempts++
	e.Waits = 0
	if e.Attempts >= maxAttempts {
		log.Error("ticket given up", "error", why.Error())
		return nil
	}
	delay := backoff(e.Attempts)
	var down *Unreachable
	if errors.As(why, &down) && down.After > delay {
		delay = min(down.After, 15*time.Minute)
	}
	log.Warn("ticket not told yet", "error", why.Error(), "delay", delay.Seconds())
	return w.send(ctx, e, delay)
}

func (w *Worker) send(ctx context.Context, e Event, delay time.Duration) error {
	for n := 0; ; n++ {
		err := w.Queues.Send(ctx, chain.TicketsQueue, e.body(), delay)
		switch {
		case err == nil:
			return nil
		case n == len(pauses) || w.pause(ctx, pauses[n]) != nil:
			return fmt.Errorf("handing back an event: %w", err)
		}
	}
}

func (w *Worker) pause(ctx context.Context, d time.Duration) error { return wait(ctx, w.Pause, d) }

// bury puts a message that cannot be understood on the dead-letter queue, in
// the form in which the chain's steps do.
func (w *Worker) bury(ctx context.Context, m trigger.QueueMessage, why error) error {
	const kept = 8 << 10
	letter := chain.DeadLetter{Queue: strings.TrimPrefix(m.Queue, w.Prefix+"-"), Reason: why.Error(), Size: len(m.Body), MessageID: m.ID, At: w.now(), Function: w.Function}
	letter.Bytes = m.Body[:min(len(m.Body), kept)]
	if utf8.Valid(m.Body) && len(m.Body) <= kept {
		letter.Body, letter.Bytes = string(m.Body), nil
	}
	body, err := json.Marshal(letter)
	if err == nil {
		w.log().Error("dead letter", "queue", letter.Queue, "reason", letter.Reason, "size", letter.Size, "messageId", m.ID)
		err = w.Queues.Send(ctx, chain.DeadLettersQueue, body, 0)
	}
	if err != nil {
		return fmt.Errorf("burying a message: %w", err)
	}
	return nil
}

func (w *Worker) term() time.Duration {
	if w.Term > 0 {
		return w.Term
	}
	return 75 * time.Second
}

func (w *Worker) now() time.Time {
	if w.Clock != nil {
		return w.Clock().UTC()
	}
	return time.Now().UTC()
}

func (w *Worker) log() *slog.Logger {
	if w.Log != nil {
		return w.Log
	}
	return slog.Default()
}
