package engine

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Clock tells the engine the time.
type Clock interface{ Now() time.Time }

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the machine's time.
func (SystemClock) Now() time.Time { return time.Now() }

// Options set an engine up. The zero value is a calm cloud on the machine's
// clock.
type Options struct {
	Clock     Clock  // nil: SystemClock
	Seed      uint64 // of ids, jitter and whatever else is drawn
	AccountID string // main account id; "" means DefaultAccountID
	Faults    Faults // nil: nothing goes wrong

	// Transition is how long an asynchronous state takes (a router interface's
	// Connecting to Active, for one: 6 to 7 s in the real cloud). Shorter ones
	// (a route entry, a VPC) take a fixed part of it.
	Transition time.Duration

	Switches Switches // readings of what is UNCONFIRMED; zero: each switch's default
	Quotas   Quotas   // zero fields: the documented defaults
	NoRates  bool     // published rate limits are not enforced

	Judge Judge // says what roles may do; nil: everything

	Guest Guest // runs Cloud Assistant's scripts; nil: every command fails with ClientNotRunning
}

// DefaultAccountID is the account that owns everything unless told otherwise.
const DefaultAccountID = "1234567890123456"

// DefaultTransition is what a router interface's connect takes.
const DefaultTransition = 6500 * time.Millisecond

// Engine is the cloud. Its methods may be called from many goroutines; calls
// are carried out one at a time.
type Engine struct {
	mu     sync.Mutex
	opt    Options
	clock  Clock
	rng    *rand.Rand
	now    time.Time // of the call or timer that is being carried out
	begun  time.Time // no read sees the world as it was before
	timers timers
	serial uint64

	tokens map[tokenKey]tokenUse
	rates  map[rateKey][]time.Time
	watch  []func()

	state // each product's tables
}

// New returns an empty cloud: no VPC, no queue, one account.
func New(o Options) *Engine {
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.AccountID == "" {
		o.AccountID = DefaultAccountID
	}
	if o.Transition == 0 {
		o.Transition = DefaultTransition
	}
	e := &Engine{
		opt:    o,
		clock:  o.Clock,
		rng:    rand.New(rand.NewPCG(o.Seed, o.Seed^0x9e3779b97f4a7c15)),
		now:    o.Clock.Now(),
		tokens: map[tokenKey]tokenUse{},
		rates:  map[rateKey][]time.Time{},
	}
	e.initState()
	return e
}

// AccountID returns the main account's id.
func (e *Engine) AccountID() string { return e.opt.AccountID }

// Do runs f as one step of the cloud: under its lock, after everything that is
// due has happened.
func (e *Engine) Do(f func(now time.Time)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	f(e.now)
	e.changed()
}

// Begin says that what exists now has been there for long: no read, however far
// it lags, sees the world without it.
func (e *Engine) Begin() { e.Do(func(now time.Time) { e.begun = now }) }

// NextEvent returns when the engine's next asynchronous change is due.
func (e *Engine) NextEvent() (time.Time, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.timers) == 0 {
		return time.Time{}, false
	}
	return e.timers[0].at, true
}

// Settle carries out everything that is due by now. Calls do so by themselves;
// it is for those who look without calling.
func (e *Engine) Settle() { e.Do(func(time.Time) {}) }

// Watch calls f after every step that may have changed something. f runs under
// the engine's lock: it must return at once and not call the engine.
func (e *Engine) Watch(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watch = append(e.watch, f)
}

func (e *Engine) changed() {
	for _, f := range e.watch {
		f()
	}
}

// advance carries out due timers in order of time, then sets now.
func (e *Engine) advance() {
	now := e.clock.Now()
	for len(e.timers) > 0 && !e.timers[0].at.After(now) {
		t := heap.Pop(&e.timers).(timer)
		if t.at.After(e.now) {
			e.now = t.at
		}
		t.do()
	}
	if now.After(e.now) {
		e.now = now
	}
}

// after carries f out when d has passed. Slow transitions are drawn by Faults.
func (e *Engine) after(d time.Duration, f func()) {
	if e.opt.Faults != nil {
		d += e.opt.Faults.Slow(d)
	}
	e.serial++
	heap.Push(&e.timers, timer{at: e.now.Add(d), serial: e.serial, do: f})
}

// newID returns a fresh id with the product's prefix: "ri" gives ri-… .
// The documented ids are region-specific strings of letters and digits.
func (e *Engine) newID(prefix string) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 20)
	for i := range b {
		b[i] = letters[e.rng.IntN(len(letters))]
	}
	return prefix + "-" + string(b)
}

// newUUID returns a request id in the form in which the cloud writes them.
func (e *Engine) newUUID() string {
	return fmt.Sprintf("%08X-%04X-%04X-%04X-%012X", e.rng.Uint32(), e.rng.IntN(1<<16),
		0x4000|e.rng.IntN(1<<12), 0x8000|e.rng.IntN(1<<14), e.rng.Uint64()&(1<<48-1))
}

type timer struct {
	at     time.Time
	serial uint64 // keeps timers of one instant in the order in which they were set
	do     func()
}

type timers []timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	if !t[i].at.Equal(t[j].at) {
		return t[i].at.Before(t[j].at)
	}
	return t[i].serial < t[j].serial
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push and Pop are heap's.
func (t *timers) Push(x any) { *t = append(*t, x.(timer)) }

// Pop is heap's.
func (t *timers) Pop() any {
	old := *t
	x := old[len(old)-1]
	*t = old[:len(old)-1]
	return x
}
