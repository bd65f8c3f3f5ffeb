package chain

import (
	"context"
	"errors"
	"sync"
)

// Together makes reads that do not need each other side by side, and joins
// their errors.
func (t *Task) Together(ctx context.Context, reads ...func(ctx context.Context) error) error {
	errs := make([]error, len(reads))
	var group sync.WaitGroup
	for i, read := range reads {
		group.Go(func() { errs[i] = read(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}
