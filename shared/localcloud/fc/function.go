package fc

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// maxInstances is an account's default limit in a region (facts A6).
const maxInstances = 100

// function is one function with its instances.
type function struct {
	manifest.Function
	p      *Platform
	binary string

	mu     sync.Mutex
	idle   []*instance // the most recently used last
	all    map[*instance]bool
	closed bool
	stats  Stats
}

var errThrottled = errors.New("every instance that may run does")

// invoke runs one event, in an idle instance or a new one. retry counts
// asynchronous retries.
func (f *function) invoke(event []byte, retry int) Result {
	inv := &invocation{id: uuid.NewString(), event: event, retry: retry, done: make(chan outcome, 1)}
	for {
		i, cold, err := f.acquire()
		if err != nil {
			return f.refused(inv, err)
		}
		o, took := i.run(inv)
		if o.untaken && !cold {
			continue // an idle instance had died; the event never reached it
		}
		r := f.finish(i, inv, o, took)
		r.Cold = cold
		if !i.gone() {
			f.release(i)
		}
		return r
	}
}

func (f *function) refused(inv *invocation, err error) Result {
	kind := FailureExited
	switch {
	case errors.Is(err, errThrottled):
		kind = FailureThrottled
	case errors.Is(err, errStopped):
		kind = FailureStopped
	}
	f.count(func(s *Stats) { s.Refused++ })
	return Result{RequestID: inv.id, Failure: &Failure{Kind: kind, Message: err.Error()}}
}

// acquire returns an instance for one event: the idle one used last, or a new
// one.
func (f *function) acquire() (i *instance, cold bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.p.ctx.Err() != nil {
		return nil, false, errStopped
	}
	for len(f.idle) > 0 {
		i = f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !i.gone() {
			return i, false, nil
		}
	}
	limit := maxInstances
	if f.Instances > 0 {
		limit = min(limit, f.Instances)
	}
	if len(f.all) >= limit {
		return nil, false, errThrottled
	}
	i, err = f.born()
	if err != nil {
		return nil, false, err
	}
	f.all[i] = true
	f.stats.ColdStarts++
	f.p.observe(Event{Kind: EventColdStart, Function: f.ID, Instance: i.id})
	return i, true, nil
}

// release makes an instance available again.
func (f *function) release(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i.idleSince = time.Now()
	if f.all[i] && !i.gone() {
		f.idle = append(f.idle, i)
	}
}

// forget is called when an instance's process has ended.
func (f *function) forget(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, i)
	f.idle = slices.DeleteFunc(f.idle, func(o *instance) bool { return o == i })
}

func (f *function) reclaim(idle time.Duration) {
	f.mu.Lock()
	var old []*instance
	for _, i := range f.idle {
		if time.Since(i.idleSince) > idle {
			old = append(old, i)
		}
	}
	f.idle = slices.DeleteFunc(f.idle, func(i *instance) bool { return slices.Contains(old, i) })
	f.mu.Unlock()
	for _, i := range old {
		i.kill()
	}
}

func (f *function) killAll() {
	f.mu.Lock()
	f.closed = true
	all := make([]*instance, 0, len(f.all))
	for i := range f.all {
		all = append(all, i)
	}
	f.mu.Unlock()
	for _, i := range all {
		i.kill()
	}
}

func (f *function) count(change func(*Stats)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.stats)
}

// Stats is what a function has done so far.
type Stats struct {
	Function    string        `json:"function"` // resource key
	Invocations int           `json:"invocations"`
	Failures    int           `json:"failures"` // timeouts and crashes included
	Timeouts    int           `json:"timeouts"`
	Crashes     int           `json:"crashes"` // processes that ended by themselves or were killed from outside
	Refused     int           `json:"refused"` // no instance could be had
	ColdStarts  int           `json:"coldStarts"`
	DeadLetters int           `json:"deadLetters"`
	Billed      time.Duration `json:"-"`        // each invocation rounded up to a millisecond
	BilledMs    int64         `json:"billedMs"` // the same in milliseconds
	MemoryMB    int           `json:"memoryMB"`
	CPU         float64       `json:"cpu"`
}

// Stats returns each function's, in the order of s.yaml's keys.
func (p *Platform) Stats() []Stats {
	var out []Stats
	for _, id := range p.order {
		f := p.functions[id]
		f.mu.Lock()
		s := f.stats
		f.mu.Unlock()
		s.Function, s.MemoryMB, s.CPU, s.BilledMs = id, f.MemoryMB, f.CPU, s.Billed.Milliseconds()
		out = append(out, s)
	}
	return out
}

// Process is a running instance.
type Process struct {
	Function string
	Instance string
	PID      int
	Busy     bool
}

// Processes returns the running instances, for those who want to kill one.
func (p *Platform) Processes() []Process {
	var out []Process
	for _, id := range p.order {
		f := p.functions[id]
		f.mu.Lock()
		for i := range f.all {
			out = append(out, Process{id, i.id, i.cmd.Process.Pid, !slices.Contains(f.idle, i)})
		}
		f.mu.Unlock()
	}
	return out
}
