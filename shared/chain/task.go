package chain

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

const (
	// DefaultCallTimeout is a mutating call's own timeout unless it says
	// otherwise.
	DefaultCallTimeout = 15 * time.Second
	// reserve is what must be left of an invocation after a call's timeout: to
	// look once more, to send the follow-up, to write the status.
	reserve = 5 * time.Second
)

// run is what a Task knows of the invocation that it is part of.
type run struct {
	records Records
	message Message
	step    interconnect.Step
	log     *slog.Logger

	mu       sync.Mutex
	mutated  bool                 // a mutating call was made, whatever came of it
	failed   bool                 // one of them failed
	frozen   bool                 // a freeze stopped the run
	newest   *interconnect.Record // set if the run found itself superseded
	asked    bool                 // Others was called
	othersAt map[string]int       // the other records' generations, live or not, as Others last read them
}

// Mutate makes a group of mutating calls, side by side. Right before, it looks
// once whether the request is still the newest, whether changes are frozen and
// whether time is left. All failures are joined; FromError makes an outcome of
// them.
func (t *Task) Mutate(ctx context.Context, calls ...Call) error {
	if len(calls) == 0 {
		return nil
	}
	if t.run != nil {
		if err := t.run.look(ctx); err != nil {
			return err
		}
		if err := enoughTime(ctx, calls); err != nil {
			return err
		}
		t.run.note(func(r *run) { r.mutated = true })
	}
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for i, c := range calls {
		group.Go(func() { errs[i] = t.call(ctx, c) })
	}
	group.Wait()
	err := errors.Join(errs...)
	if err != nil && t.run != nil {
		t.run.note(func(r *run) { r.failed = true })
	}
	return err
}

// Started is when the step first handled the message.
func (t *Task) Started() time.Time {
	if t.Message.StartedAt.IsZero() {
		return t.Now
	}
	return t.Message.StartedAt
}

// Elapsed is for how long the step has been at it.
func (t *Task) Elapsed() time.Duration { return t.Now.Sub(t.Started()) }

// Others returns all other records, live or not, read anew. A prune removes
// nothing that a live one needs; on an error it must not remove anything.
func (t *Task) Others(ctx context.Context) ([]interconnect.Record, error) {
	if t.run == nil {
		return nil, nil
	}
	all, err := t.run.records.List(ctx)
	if err != nil {
		return nil, &recordError{err}
	}
	generations := make(map[string]int, len(all))
	var others []interconnect.Record
	for _, r := range all {
		generations[r.ID] = r.Generation
		if r.ID != t.Message.ConnectionID {
			others = append(others, r)
		}
	}
	t.run.note(func(r *run) { r.asked, r.othersAt = true, generations })
	return others, nil
}

func (r *run) note(f func(r *run)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

// look reads the record again, and the freeze.
func (r *run) look(ctx context.Context) error {
	now, err := r.records.Get(ctx, r.message.ConnectionID)
	switch {
	case err != nil:
		return &recordError{err}
	case now == nil || now.Generation < r.message.Generation:
		return errLagging
	case overtaken(now, r.message):
		r.note(func(r *run) { r.newest = now })
		return ErrSuperseded
	}
	f, ok := r.records.(Freezer)
	if !ok || r.step == interconnect.Verification { // a ping changes nothing
		return nil
	}
	reason, frozen, err := f.Frozen(ctx)
	if err != nil {
		return &recordError{err}
	}
	if frozen {
		r.note(func(r *run) { r.frozen = true })
		return &frozenError{reason}
	}
	return nil
}

// enoughTime tells whether the slowest of the calls, and what comes after it,
// fits into what is left of the invocation.
func enoughTime(ctx context.Context, calls []Call) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	// The run's own deadline is already earlier than the invocation's by the
	// reserve.
	for _, c := range calls {
		if time.Until(deadline) < c.timeout() {
			return ErrNoTime
		}
	}
	return nil
}

func (c Call) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultCallTimeout
}

// call makes one call and writes its audit line.
func (t *Task) call(ctx context.Context, c Call) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.timeout())
	defer cancel()
	err := t.guarded(ctx, c.Action, c.Do)

	attrs := []any{"action", c.Action, "resource", c.Resource, "ms", time.Since(began).Milliseconds(), "ok", err == nil}
	var cloud *interconnect.CloudError
	if errors.As(err, &cloud) {
		attrs = append(attrs, "class", cloud.Class, "code", cloud.Code, "cloudRequestId", cloud.RequestID, "unknown", cloud.Unknown)
	} else if err != nil {
		attrs = append(attrs, "error", err.Error())
	}
	t.logger().Info("audit", attrs...)
	return err
}

func (t *Task) logger() *slog.Logger {
	if t.Log == nil {
		return slog.Default()
	}
	return t.Log
}
