package mns

import (
	"context"
	"sync"
	"time"
)

// bell wakes everybody who waits when something has happened.
type bell struct {
	mu   sync.Mutex
	rung chan struct{}
}

func newBell() *bell { return &bell{rung: make(chan struct{})} }

// ring returns at once and calls nobody: it runs under the engine's lock.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.rung)
	b.rung = make(chan struct{})
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rung
}

// shortestWait keeps a waiter from spinning on an event that is due this very
// moment.
const shortestWait = time.Millisecond

// poll calls try until it is done, a time of the cloud's clock has come, or the
// client has gone. Between the calls it sleeps: until somebody does something
// to the cloud, or the cloud's own next event.
func (h *Handler) poll(ctx context.Context, limit time.Duration, try func() (done bool)) {
	until := h.engine.Now().Add(limit)
	for {
		rung := h.bell.next() // before try, so that nothing falls in between
		if try() {
			return
		}
		now := h.engine.Now()
		if !now.Before(until) {
			return
		}
		wait := until.Sub(now)
		if at, ok := h.engine.NextEvent(); ok && at.Before(until) {
			wait = max(at.Sub(now), shortestWait)
		}
		select {
		case <-rung:
		case <-h.opt.After(wait):
		case <-ctx.Done():
			return
		}
	}
}
