package routes

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// lanes have the runs of one invocation share a VPC's task for routes. A VPC
// takes one task at a time, and a task takes a batch of entries: where many
// connections share a VPC, those whose messages came together need one task
// instead of one each. E is what is asked for: a route to add, or an entry to
// remove.
type lanes[E any] struct {
	mu  sync.Mutex
	of  map[string]*lane[E]                         // by region and VPC
	fit func(e E, f interconnect.RouteFailure) bool // whether a failure is of e
}

// lane is the way to one VPC.
type lane[E any] struct {
	coming int // runs that may yet ask
	asks   []*ask[E]
}

// ask is what one run asks for.
type ask[E any] struct {
	routes []E
	lead   chan struct{} // sent on: nobody else is coming, so this one makes the call
	done   chan struct{} // closed: failed and err are what came of it
	failed []interconnect.RouteFailure
	err    error
}

// gather is how long an ask waits at most for runs that may yet ask.
const gather = 500 * time.Millisecond

// task makes the call.
type task[E any] func(ctx context.Context, region string, routes []E) ([]interconnect.RouteFailure, error)

// seat is a run's place in the lanes to its VPCs.
type seat[E any] struct {
	lanes  *lanes[E]
	coming map[string]bool
}

// adds tells whether an answer's failure is of a route that was to be added: it
// names destination and next hop, and each connection has next hops of its own.
func adds(r interconnect.NewRoute, f interconnect.RouteFailure) bool {
	return r.Destination.Masked() == f.Destination.Masked() && (f.NextHopID == "" || r.NextHop.ID == f.NextHopID)
}

// removes is likewise of an entry that was to be removed.
func removes(e interconnect.RouteEntry, f interconnect.RouteFailure) bool {
	return e.Destination == f.Destination && (f.NextHopID == "" || e.NextHopID == f.NextHopID)
}

func laneTo(side *interconnect.Side) string { return side.RegionID + " " + side.VpcID }

// seat is the place of a run for which nobody waits.
func (l *lanes[E]) seat() *seat[E] { return &seat[E]{lanes: l, coming: map[string]bool{}} }

// join takes a place in the lanes of both sides: others wait a little for what the
// run asks. It is to be left.
func (l *lanes[E]) join(c *interconnect.Connection) *seat[E] {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.seat()
	for _, role := range interconnect.Roles {
		key := laneTo(c.Side(role))
		l.to(key).coming++
		s.coming[key] = true
	}
	return s
}

// to returns the lane to a VPC, made if need be.
func (l *lanes[E]) to(key string) *lane[E] {
	if l.of == nil {
		l.of = map[string]*lane[E]{}
	}
	if l.of[key] == nil {
		l.of[key] = &lane[E]{}
	}
	return l.of[key]
}

// leave says that the run asks for nothing more.
func (s *seat[E]) leave() {
	s.lanes.mu.Lock()
	defer s.lanes.mu.Unlock()
	for key := range s.coming {
		s.passed(key)
		if on := s.lanes.of[key]; on.coming == 0 && len(on.asks) > 0 {
			select {
			case on.asks[0].lead <- struct{}{}:
			default: // it knows already
			}
		}
	}
	for key, on := range s.lanes.of {
		if on.coming == 0 && len(on.asks) == 0 {
			delete(s.lanes.of, key)
		}
	}
}

// passed notes that the run is not waited for any more.
func (s *seat[E]) passed(key string) {
	if s.coming[key] {
		delete(s.coming, key)
		s.lanes.of[key].coming--
	}
}

// ask has a call made for routes of one VPC, together with those that the other
// runs in the lane ask for. It returns what came of its own, as if it had been
// alone.
func (s *seat[E]) ask(ctx context.Context, side *interconnect.Side, routes []E, call task[E]) ([]interconnect.RouteFailure, error) {
	l, key := s.lanes, laneTo(side)
	own := &ask[E]{routes: routes, lead: make(chan struct{}, 1), done: make(chan struct{})}
	l.mu.Lock()
	s.passed(key)
	on := l.to(key)
	on.asks = append(on.asks, own)
	alone := on.coming == 0
	l.mu.Unlock()
	if !alone {
		patience := time.NewTimer(gather)
		defer patience.Stop()
		select {
		case <-own.lead:
		case <-own.done:
		case <-patience.C:
		}
	}
	l.mu.Lock()
	asks := on.asks
	if !slices.Contains(asks, own) { // another run makes the call, or has made it
		l.mu.Unlock()
		<-own.done
		return own.failed, own.err
	}
	on.asks = nil
	l.mu.Unlock()
	for len(asks) > 0 {
		n := fitting(asks)
		l.together(ctx, side.RegionID, asks[:n], call)
		asks = asks[n:]
	}
	return own.failed, own.err
}

// fitting is how many asks go into one call, at least one.
func fitting[E any](asks []*ask[E]) int {
	n, routes := 0, 0
	for _, a := range asks {
		if routes += len(a.routes); n > 0 && routes > interconnect.MaxRouteBatch {
			break
		}
		n++
	}
	return n
}

var errUnasked = errors.New("the call that was made for several connections broke off")

// common are the classes of errors that are no fault of one connection's
// entries.
var common = map[interconnect.Class]bool{
	interconnect.Busy: true, interconnect.Throttled: true, interconnect.Transient: true, interconnect.Denied: true,
}

// together makes one call for several asks. If it is refused for what may be
// one's fault, each is asked for by itself: nobody fails for another's.
func (l *lanes[E]) together(ctx context.Context, region string, asks []*ask[E], call task[E]) {
	var all []E
	for _, a := range asks {
		all = append(all, a.routes...)
	}
	for _, a := range asks {
		a.err = errUnasked
		defer close(a.done) // whatever becomes of the call
	}
	failed, err := call(ctx, region, all)
	var cloud *interconnect.CloudError
	apart := len(asks) > 1 && errors.As(err, &cloud) && !common[cloud.Class]
	for _, a := range asks {
		if apart {
			a.failed, a.err = call(ctx, region, a.routes)
		} else {
			a.failed, a.err = l.theirs(a, asks, failed), err
		}
	}
}

// theirs are the failures of what one asked for, and those that cannot be told to
// be of anybody: nobody is to miss one.
func (l *lanes[E]) theirs(own *ask[E], asks []*ask[E], failed []interconnect.RouteFailure) (out []interconnect.RouteFailure) {
	for _, f := range failed {
		of := func(a *ask[E]) bool { return slices.ContainsFunc(a.routes, func(r E) bool { return l.fit(r, f) }) }
		if of(own) || !slices.ContainsFunc(asks, of) {
			out = append(out, f)
		}
	}
	return out
}
