package engine

import "time"

// Courier is what Faults may be besides: it decides what queues do to the
// messages in them. MNS promises each message at least once and no strict
// order, so all of this is within the contract.
type Courier interface {
	// Late is asked once per message sent: how much later than asked it can
	// first be received.
	Late(queue string) time.Duration
	// RefuseEntry is asked once per message of a batch: whether it is refused
	// while the rest is taken.
	RefuseEntry(queue string) bool
	// Pick is asked once per message received: which of the n that wait, the
	// best first, it is.
	Pick(queue string, n int) int
	// Again is asked once per message received: whether, and after how long,
	// it can be received once more whatever its receiver does.
	Again(queue string) (after time.Duration, again bool)
}

// courier returns the one that Faults is, or one that does as told.
func (e *Engine) courier() Courier {
	if c, ok := e.opt.Faults.(Courier); ok {
		return c
	}
	return calmCourier{}
}

type calmCourier struct{}

func (calmCourier) Late(string) time.Duration          { return 0 }
func (calmCourier) RefuseEntry(string) bool            { return false }
func (calmCourier) Pick(string, int) int               { return 0 }
func (calmCourier) Again(string) (time.Duration, bool) { return 0, false }

// Admit asks Faults about one request that does not come through Call, as MNS's
// own wire has them (product "MNS", action "SendMessage", ...), and draws its
// request id.
func (e *Engine) Admit(product, action string, write bool) (requestID string, f Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.opt.Faults != nil {
		f = e.opt.Faults.Call(product, action, write)
	}
	return e.newUUID(), f
}

// NewRequestID draws the id of a request that is refused before Admit.
func (e *Engine) NewRequestID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.newUUID()
}
