package fc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// Cloud is what Function Compute needs of the cloud around it.
type Cloud interface {
	AccountID() string
	// Assume issues a temporary key of a role.
	Assume(roleARN, session string, ttl time.Duration) (Credentials, error)
	// Receive takes at most n messages off a queue, hidden for the queue's
	// visibility timeout; none is no error.
	Receive(queue string, n int) ([]Message, error)
	// Delete removes a received message by its handle.
	Delete(queue, handle string) error
	// Send puts a message on a queue.
	Send(queue string, body []byte) error
}

// Credentials are a role's temporary keys.
type Credentials struct{ AccessKeyID, AccessKeySecret, SecurityToken string }

// Message is a message received from a queue.
type Message struct {
	ID       string
	Handle   string
	Body     []byte
	Enqueued time.Time
}

// roleTTL is for how long a function's keys are valid (facts A5).
const roleTTL = 36 * time.Hour

// Options set a platform up. The zero value is calm and runs by the real
// clock.
type Options struct {
	// Code is the folder that holds <function>/main, <function> being the
	// resource's key in s.yaml.
	Code string
	// Environment is added to every function's, and wins over s.yaml's; the
	// inner maps are of single functions, by resource key.
	Environment map[string]string
	Overrides   map[string]map[string]string

	ColdStart time.Duration // added before an instance takes its first event
	Idle      time.Duration // after which an instance is reclaimed; 0: 5 minutes
	Parallel  int           // pushes of one queue at a time; 0: 4
	// DeleteFirst deletes a queue message before it is pushed instead of after
	// it succeeded: when the cloud does it is UNCONFIRMED (facts D3).
	DeleteFirst bool
	// EventsAsText makes each event of a stream's array a string that holds
	// JSON, and BodiesAsJSON delivers a message's body that is JSON as it is
	// instead of as a string. Both are seen with other sources than queues
	// (facts D2).
	EventsAsText, BodiesAsJSON bool
	// Base64Bodies delivers every HTTP body in base64; else binary ones only.
	Base64Bodies bool
	Chaos        Chaos

	// Hurry divides every pause of the platform's own: between retries, ticks
	// of timers, batch windows, idle time. 0 means 1. Function timeouts are
	// not changed.
	Hurry float64

	Log     func(Line)  // each line that a function prints; nil: dropped
	Observe func(Event) // what happens; must return at once and not call the platform; nil: dropped
}

// Chaos is what goes wrong by a seed. Rates are between 0 and 1.
type Chaos struct {
	Seed      uint64
	PushTwice float64 // of a push that succeeded: the same is pushed again
	Crash     float64 // of an invocation: the process is killed in its midst
}

// Line is a line of a function's output.
type Line struct {
	Time     time.Time
	Function string // resource key
	Instance string
	Text     string
}

// EventKind says what happened.
type EventKind string

// What an Event can be.
const (
	EventColdStart  EventKind = "cold start"
	EventStarted    EventKind = "started"
	EventEnded      EventKind = "ended"
	EventCrashed    EventKind = "crashed"
	EventRetry      EventKind = "retry"
	EventDeadLetter EventKind = "dead letter"
	EventDiscarded  EventKind = "discarded"
	EventStopped    EventKind = "stream stopped"
)

// Event is something that happened on the platform.
type Event struct {
	Time      time.Time
	Kind      EventKind
	Function  string // resource key
	Instance  string
	RequestID string
	Took      time.Duration // of EventEnded
	Error     string        // of EventEnded and what follows from it; "" for success
}

// Platform runs functions.
type Platform struct {
	cloud     Cloud
	opt       Options
	functions map[string]*function
	order     []string
	start     time.Time

	ctx     context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup
	closing sync.Once
	fork    *spawner
	front   []*front

	mu  sync.Mutex
	rng *rand.Rand
}

// New prepares a platform for the functions. Their binaries must be there.
func New(cloud Cloud, functions []manifest.Function, o Options) (*Platform, error) {
	if o.Hurry == 0 {
		o.Hurry = 1
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	p := &Platform{
		cloud: cloud, opt: o, functions: map[string]*function{}, start: time.Now(),
		rng: rand.New(rand.NewPCG(o.Chaos.Seed, 0xfc)),
	}
	for _, m := range functions {
		f := &function{Function: m, p: p, binary: filepath.Join(o.Code, m.ID, filepath.FromSlash(m.Handler)), all: map[*instance]bool{}}
		if abs, err := filepath.Abs(f.binary); err == nil {
			f.binary = abs
		}
		if info, err := os.Stat(f.binary); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return nil, fmt.Errorf("function %s: %s is not an executable file", m.ID, f.binary)
		}
		p.functions[m.ID] = f
		p.order = append(p.order, m.ID)
	}
	return p, nil
}

// Start opens the triggers. They stay open until Close, or until ctx ends.
func (p *Platform) Start(ctx context.Context) error {
	p.ctx, p.stop = context.WithCancel(ctx)
	p.fork = newSpawner()
	for _, id := range p.order {
		f := p.functions[id]
		if f.HTTP != nil {
			fr, err := p.listen(f)
			if err != nil {
				p.Close()
				return err
			}
			p.front = append(p.front, fr)
		}
		for _, t := range f.Timers {
			if t.Enabled {
				p.goWork(func() { p.runTimer(f, t) })
			}
		}
		for _, t := range f.Queues {
			if t.Enabled {
				p.runStream(f, t)
			}
		}
	}
	p.goWork(p.reclaim)
	return nil
}

// Close stops the triggers, kills every process, and waits until all are gone.
func (p *Platform) Close() {
	if p.stop == nil {
		return
	}
	p.closing.Do(p.close)
}

func (p *Platform) close() {
	p.stop()
	for _, fr := range p.front {
		fr.close()
	}
	for _, f := range p.functions {
		f.killAll()
	}
	p.work.Wait()
	p.fork.close()
}

// URL returns the base URL of a function's HTTP trigger, "" if it has none.
func (p *Platform) URL(id string) string {
	for _, fr := range p.front {
		if fr.f.ID == id {
			return fr.url
		}
	}
	return ""
}

// Result is what became of an invocation.
type Result struct {
	RequestID string
	Payload   []byte        // of the function; nil if it failed
	Failure   *Failure      // nil if it succeeded
	Took      time.Duration // of the last attempt, as billed
	Cold      bool
}

// Failure is how an invocation failed.
type Failure struct {
	Kind    FailureKind
	Message string
	Type    string // the function's own error type
}

func (f *Failure) Error() string { return string(f.Kind) + ": " + f.Message }

// FailureKind says who failed.
type FailureKind string

// The kinds of failure. The platform's own (throttled, stopped) are no fault
// of the function.
const (
	FailureHandled   FailureKind = "HandledInvocationError" // the function said so
	FailureTimeout   FailureKind = "InvocationTimeout"
	FailureExited    FailureKind = "FunctionExited" // the process died
	FailureThrottled FailureKind = "ResourceThrottled"
	FailureStopped   FailureKind = "PlatformStopped"
)

// Invoke invokes a function and waits for its answer.
func (p *Platform) Invoke(id string, event []byte) Result {
	f := p.functions[id]
	if f == nil {
		return Result{Failure: &Failure{FailureHandled, "there is no function " + id, ""}}
	}
	if len(event) > maxSync {
		return Result{Failure: &Failure{FailureHandled, fmt.Sprintf("an event of %d bytes is over 32 MB", len(event)), ""}}
	}
	return f.invoke(event, 0)
}

// The limits of payloads (facts A6).
const (
	maxSync  = 32 << 20
	maxAsync = 128 << 10
)

func (p *Platform) goWork(f func()) {
	p.work.Add(1)
	go func() {
		defer p.work.Done()
		f()
	}()
}

// pause waits for d, divided by Hurry; false if the platform stopped first.
func (p *Platform) pause(d time.Duration) bool {
	t := time.NewTimer(time.Duration(float64(d) / p.opt.Hurry))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// now is the time as hurried.
func (p *Platform) now() time.Time {
	return p.start.Add(time.Duration(float64(time.Since(p.start)) * p.opt.Hurry))
}

// chance draws by the seed.
func (p *Platform) chance(rate float64) bool {
	return rate > 0 && p.draw() < rate
}

func (p *Platform) draw() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.Float64()
}

func (p *Platform) observe(e Event) {
	if p.opt.Observe != nil {
		e.Time = time.Now()
		p.opt.Observe(e)
	}
}

// reclaim ends instances that have been idle for long.
func (p *Platform) reclaim() {
	for p.pause(p.opt.Idle / 4) {
		for _, f := range p.functions {
			f.reclaim(time.Duration(float64(p.opt.Idle) / p.opt.Hurry))
		}
	}
}

var errStopped = errors.New("the platform stopped")
