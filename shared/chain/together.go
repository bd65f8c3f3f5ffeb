package chain

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Together makes reads that do not need each other side by side, and joins
// their errors.
func (t *Task) Together(ctx context.Context, reads ...func(ctx context.Context) error) error {
	errs := make([]error, len(reads))
	var group sync.WaitGroup
	for i, read := range reads {
		group.Go(func() { errs[i] = t.guarded(ctx, "a read", read) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// guarded makes an error of a panic. In a goroutine of its own nobody else
// could, and the process would end with every invocation in it.
func (t *Task) guarded(ctx context.Context, what string, do func(ctx context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v", what, p)
			t.logger().Error("panic", "in", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return do(ctx)
}
