package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

// Handler runs one step on what its queue delivers. One is made for each
// invocation, since its clients hold the invocation's credentials.
type Handler struct {
	Runner   Runner
	Records  Records
	Queues   Queues
	Prefix   string           // the deployment
	Function string           // the function's name, for dead letters
	Journal  Journal          // nil: a message's log line tells no calls
	Clock    func() time.Time // nil: the wall clock
	Log      *slog.Logger     // nil: the default logger
}

// Journal returns a context, and what returns the calls made with it so far, with
// the cloud's request ids.
type Journal func(ctx context.Context) (context.Context, func() []string)

// Handle runs the step on the messages of an event, side by side: most of the
// time they wait for the cloud. It returns an error only if something could not
// be handed on, so that the event is delivered again; messages that were handed
// on then come again too, which changes nothing more.
func (h *Handler) Handle(ctx context.Context, event []byte) error {
	e, err := trigger.Decode(event)
	if err == nil && e.Kind != trigger.KindQueue {
		err = fmt.Errorf("a step's function handles queue messages, this is of kind %s", e.Kind)
	}
	if err != nil {
		return h.bury(ctx, trigger.QueueMessage{Body: event}, err)
	}
	errs, cohort := make([]error, len(e.Queue)), ""
	for _, q := range e.Queue {
		if m, err := ParseMessage(q.Body); err == nil {
			cohort = fmt.Sprintf("%s %d", m.ConnectionID, m.Hops)
			break
		}
	}
	var group sync.WaitGroup
	for i, m := range e.Queue {
		group.Go(func() { errs[i] = h.one(ctx, m, cohort) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// one handles one message of the queue. A panic fails it, and not those beside it.
func (h *Handler) one(ctx context.Context, q trigger.QueueMessage, cohort string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.log().Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	m, err := ParseMessage(q.Body)
	if err != nil {
		return h.bury(ctx, q, err)
	}
	at, ok := place(m.Action, h.Runner.Step())
	if !ok {
		return h.bury(ctx, q, fmt.Errorf("%s has no stage %s", m.Action, h.Runner.Step()))
	}
	log := h.log().With("connection", m.ConnectionID, "generation", m.Generation, "step", h.Runner.Step(),
		"do", m.Action, "trace", m.Trace, "hops", m.Hops)
	if m.Target != interconnect.TargetDesired {
		log = log.With("target", m.Target)
	}

	calls := func() []string { return nil }
	if h.Journal != nil {
		ctx, calls = h.Journal(ctx)
	}
	rec, err := h.Records.Get(ctx, m.ConnectionID)
	now := h.now()
	if err != nil {
		return h.unread(ctx, log, m, err)
	}
	if rec == nil || rec.Generation < m.Generation {
		return h.lagging(ctx, log, m, now)
	}
	reason := pointless(rec, m)
	switch {
	case overtaken(rec, m):
		reason = "the record has moved on"
	case interconnect.Held(rec, now):
		reason = "its window has not begun; the sweep sends it then"
	case reason == "":
		if m.Woken && m.Action == interconnect.Connect && interconnect.Ended(rec) {
			m.Repair = true // that generation's own chain has told its end
		}
		if twin(rec, m, h.Runner.Step(), now) {
			reason = "its twin was handled"
		}
	}
	if reason != "" {
		log.Info("dropped", "why", reason, "recordGeneration", rec.Generation)
		return nil
	}
	m = m.started(table[m.Action][at], at, now)
	return h.act(ctx, log, situation{m: m, at: at, rec: rec, now: now, cohort: cohort}, calls)
}

// act runs the step and hands the chain on: effects, outcome message,
// follow-up message, status, in this order. Whatever fails after a follow-up is
// logged only.
func (h *Handler) act(ctx context.Context, log *slog.Logger, s situation, calls func() []string) error {
	m, rec := s.m, s.rec
	log = log.With("by", rec.Wanted.By) // whoever asked answers for what the step does
	if rec.Wanted.ApprovedBy != "" {
		log = log.With("approvedBy", rec.Wanted.ApprovedBy)
	}
	t := h.task(m, rec, s.now, log)
	began := time.Now()
	out := h.lookBack(ctx, t, h.try(ctx, t))
	s.m, s.run, s.now = t.Message, t.run, h.now()
	d := s.decide(out)

	h.announce(ctx, log, s, d)
	var err error
	if d.next != nil {
		err = h.send(ctx, d.queue, *d.next, d.delay)
	}
	line := []any{"outcome", d.outcome.Kind, "ms", time.Since(began).Milliseconds(), "mutated", t.run.mutated}
	if d.next != nil {
		line = append(line, "next", d.queue, "delay", d.delay.Seconds())
	}
	if d.outcome.Verdict != nil {
		line = append(line, "verdict", d.outcome.Verdict.Outcome, "verdictWhy", d.outcome.Verdict.Why)
	}
	if made := calls(); made != nil {
		line = append(line, "calls", made)
	}
	log.Info("step", append(line, words(d.outcome)...)...)
	if err != nil {
		return fmt.Errorf("handing on %s at %s: %w", m.ConnectionID, h.Runner.Step(), err)
	}
	if err := h.remember(ctx, log, s, d); err == nil || d.next != nil || s.m.Hops >= MaxHops {
		return nil
	}
	// Nobody comes after this step who would mend the record: the chain has not
	// ended before that is written.
	next := s.m.again()
	next.Waits++
	if err := h.send(ctx, s.stage().Queue, next, waitDelay(m.ConnectionID, s.m.Waits)); err != nil {
		return fmt.Errorf("handing back %s at %s: %w", m.ConnectionID, h.Runner.Step(), err)
	}
	return nil
}

// task makes what the step is given.
func (h *Handler) task(m Message, rec *interconnect.Record, now time.Time, log *slog.Logger) *Task {
	t := &Task{Message: m, Record: *rec, Scope: rec.Wanted.Connection, Prefix: h.Prefix, Now: now, Log: log}
	if rec.Live() {
		t.Want = rec.Wanted.Connection
	}
	if m.Target == interconnect.TargetConnected {
		t.Want = rec.LastConnected
	}
	t.run = &run{records: h.Records, message: m, step: h.Runner.Step(), log: log}
	return t
}

// try runs the step within what is left of the invocation, less the reserve. A
// panic is an attempt that failed.
func (h *Handler) try(ctx context.Context, t *Task) (out Outcome) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-reserve))
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			t.Log.Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			out = RetryAfter(interconnect.Problem{Sentence: fmt.Sprintf("The step failed in an unexpected way: %s. It is tried again; if it stays, report it as a defect.", clip(fmt.Sprint(p)))}, nil)
		}
	}()
	out = h.Runner.Run(ctx, t)
	if out.Kind == KindRetry && ctx.Err() != nil {
		// What was cut off for lack of time did not fail.
		out = Outcome{Kind: KindWait, Note: ErrNoTime.Error(), Err: out.Err, Resources: out.Resources}
	}
	return out
}

// lookBack reads the record once more after the last mutating call. A step that
// finds itself superseded makes way; one that cannot look does so next time.
func (h *Handler) lookBack(ctx context.Context, t *Task, out Outcome) Outcome {
	r := t.run
	owed := t.Message.Recheck
	t.Message.Recheck = false
	if out.Kind != KindDrop && !r.mutated && !owed {
		return out
	}
	if r.newest == nil {
		now, err := h.Records.Get(ctx, t.Message.ConnectionID)
		switch {
		case err != nil || now == nil || now.Generation < t.Message.Generation:
			return later(t, out, "the record cannot be read back", err)
		case overtaken(now, t.Message):
			r.newest = now
		case out.Kind == KindDrop:
			return later(t, out, "the step was stopped, yet nothing newer is there", nil)
		}
	}
	if r.newest != nil {
		return Outcome{Kind: KindDrop, Note: ErrSuperseded.Error(), Err: out.Err}
	}
	if t.Message.Action == interconnect.Prune && (r.asked || owed) {
		if err := h.wake(ctx, t); err != nil {
			return later(t, out, "the other records cannot be read back", err)
		}
	}
	return out
}

// later notes that a look is owed, which the same message's next run makes
// good: what was done so far waits for it. A rejection does not wait.
func later(t *Task, out Outcome, why string, err error) Outcome {
	t.Log.Warn("look back", "why", why, "error", text(err))
	t.Message.Recheck = true
	if out.Kind == KindRetry || out.Kind == KindReject {
		return out
	}
	return Outcome{Kind: KindWait, Note: why, Err: err, Resources: out.Resources}
}

// wake sends the first message of every other connection that came up, or
// changed, while this prune removed something: it may have taken for granted
// what is gone now.
func (h *Handler) wake(ctx context.Context, t *Task) error {
	all, err := h.Records.List(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		o := &all[i]
		if o.ID == t.Message.ConnectionID || !o.Live() || interconnect.Held(o, t.Now) || !neighbours(o.Wanted.Connection, t.Scope) {
			continue
		}
		if g, known := t.run.othersAt[o.ID]; known && g == o.Generation {
			continue
		}
		queue, m := FirstMessage(o, wakened(t.Message.Trace, "wake", t.Now))
		m.Woken = true
		var delay time.Duration
		if t.run.failed {
			delay = interconnect.Landing // what got no answer may yet take effect
		}
		if err := h.send(ctx, queue, m, delay); err != nil {
			return err
		}
		t.Log.Info("woken", "other", o.ID, "otherGeneration", o.Generation)
	}
	return nil
}

// neighbours tells whether two connections share a VPC.
func neighbours(a, b *interconnect.Connection) bool {
	for _, x := range []string{a.Initiator.VpcID, a.Acceptor.VpcID} {
		if x == b.Initiator.VpcID || x == b.Acceptor.VpcID {
			return true
		}
	}
	return false
}

// lagging lets a message wait for a record that reads older than itself. What
// never comes is dropped: if it was wanted, the sweep starts it again.
func (h *Handler) lagging(ctx context.Context, log *slog.Logger, m Message, now time.Time) error {
	if m.LaggingSince.IsZero() {
		m.LaggingSince = now
	}
	if now.Sub(m.LaggingSince) >= maxLag || m.Hops >= MaxHops {
		log.Warn("dropped", "why", "the record stayed older than the message, or missing", "since", m.LaggingSince)
		return nil
	}
	log.Info("waiting", "for", "the record", "since", m.LaggingSince)
	next := m.again()
	next.Waits++
	return h.send(ctx, queueOf(h.Runner.Step()), next, waitDelay(m.ConnectionID, m.Waits))
}

// unread hands a message back whose record could not be read. After the last
// attempt it is dropped: the sweep, which reads the same records, sends anew.
func (h *Handler) unread(ctx context.Context, log *slog.Logger, m Message, err error) error {
	out := FromError(&recordError{err})
	next := m.again()
	var delay time.Duration
	if out.Kind == KindWait {
		next.Waits++
		delay = waitDelay(m.ConnectionID, m.Waits)
	} else {
		next.Attempts++
		delay = backoff(next.Attempts)
	}
	if next.Attempts >= MaxAttempts || next.Hops > MaxHops {
		log.Error("dropped", "why", "the record cannot be read", "error", err.Error())
		return nil
	}
	log.Warn("waiting", "for", "the record", "error", err.Error(), "delay", delay.Seconds())
	return h.send(ctx, queueOf(h.Runner.Step()), next, delay)
}

func (h *Handler) send(ctx context.Context, queue string, m Message, delay time.Duration) error {
	return h.Queues.Send(ctx, queue, m.Body(), delay)
}

func (h *Handler) now() time.Time {
	if h.Clock == nil {
		return time.Now().UTC()
	}
	return h.Clock().UTC()
}

func (h *Handler) log() *slog.Logger {
	if h.Log == nil {
		return slog.Default()
	}
	return h.Log
}

// words returns an outcome's words for the log.
func words(o Outcome) []any {
	var w []any
	if o.Note != "" {
		w = append(w, "note", o.Note)
	}
	if o.Problem != nil {
		w = append(w, "problem", o.Problem.Sentence, "code", o.Problem.Code, "cloudRequestId", o.Problem.RequestID)
	}
	if o.Err != nil {
		w = append(w, "error", o.Err.Error())
	}
	return w
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
