package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	localmns "vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
)

// sim is one run of one seed.
type sim struct {
	plan          plan
	wiring        wiring
	account       string
	rng           *rand.Rand // the scheduler's
	engine        *engine.Engine
	weather       *weather
	queues        http.RoundTripper // carries messages out at once
	credentials   map[string]engine.Credential
	checkInterval time.Duration

	gate      gate
	running   []*invocation
	late      []lateCall
	serial    int
	nextSweep time.Time
	started   time.Time
	calm      bool
	crashes   int

	judge judge

	mute     bool // no trace is kept: a run that is of interest is run again
	byHand   int  // things that somebody has made
	trace    []string
	violated string
	stats    stats
}

type stats struct{ messages, calls, changes int }

// lateCall arrives after its caller has given up.
type lateCall struct {
	at time.Time
	c  *call
}

// result is what a run came to.
type result struct {
	violated string
	trace    []string
	stats    stats
}

// runs numbers the runs of this process. Each has an account of its own, since
// the SDKs keep clients by endpoint, and theirs must not outlive a bubble.
var runs atomic.Int64

// run runs a plan in a bubble.
func run(t *testing.T, p plan, w wiring) result { return runIn(t, p, w, false) }

// runMute does so without a trace, unless a promise is broken.
func runMute(t *testing.T, p plan, w wiring) result {
	r := runIn(t, p, w, true)
	if r.violated == "" {
		return r
	}
	return run(t, p, w)
}

func runIn(t *testing.T, p plan, w wiring, mute bool) (r result) {
	account := fmt.Sprintf("1%015d", runs.Add(1))
	synctest.Test(t, func(*testing.T) {
		s := newSim(p, w, account)
		s.mute = mute
		s.live()
		r = result{violated: s.violated, trace: s.trace, stats: s.stats}
	})
	return r
}

func newSim(p plan, w wiring, account string) *sim {
	s := &sim{plan: p, wiring: w, account: account, rng: rand.New(rand.NewPCG(p.seed, 0x7363686564)), checkInterval: p.every(), credentials: map[string]engine.Credential{}}
	s.weather = newWeather(&s.plan)
	s.engine = build(&s.plan, account, s.weather, engine.SystemClock{})
	for _, f := range functions {
		c, err := s.engine.RoleCredentials(prefix+"-"+f, "simulation", 1000*time.Hour)
		must(err)
		s.credentials[f] = c
	}
	s.queues = openapi.InProcess(localmns.New(localmns.Options{Engine: s.engine}))
	time.Sleep(time.Minute) // a read that lags sees the world, not its making
	s.started, s.nextSweep = time.Now(), time.Now().Add(time.Minute)
	s.judge.init(s)
	return s
}

// cloudOf is the cloud without the gate, for a function's role.
func (s *sim) cloudOf(function string) cloud {
	c := engine.Caller{AccountID: s.account, Type: engine.CallerRole, Name: prefix + "-" + function, Session: "simulation", AccessKeyID: s.credentials[function].AccessKeyID}
	return cloud{s.engine, s.queues, c}
}

// say adds a line to the trace.
func (s *sim) say(format string, args ...any) {
	if s.mute {
		return
	}
	s.trace = append(s.trace, fmt.Sprintf("%10.3f ", time.Since(s.started).Seconds())+fmt.Sprintf(format, args...))
}

// hands numbers the things that somebody makes by hand.
func (s *sim) hands() int {
	s.byHand++
	return s.byHand
}

// violate notes the first promise that was broken.
func (s *sim) violate(format string, args ...any) {
	if s.violated == "" {
		s.violated = fmt.Sprintf(format, args...)
		s.say("VIOLATED: %s", s.violated)
	}
}

// start starts a function.
func (s *sim) start(function, what string, body func(*invocation) func(context.Context) error) *invocation {
	s.serial++
	v := &invocation{id: s.serial, function: function, what: what, ends: time.Now().Add(functionTimeout)}
	if !s.calm {
		if s.rng.Float64() < s.plan.crash && s.crashes < mostCrashes {
			s.crashes++
			v.crashAt, v.crashLate = 1+s.rng.IntN(25), s.rng.IntN(2) == 0
		}
		v.stalled = s.rng.Float64() < s.plan.stall
	}
	s.running = append(s.running, v)
	s.say("#%d %s starts: %s", v.id, function, what)
	do := body(v)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				v.mu.Lock()
				defer v.mu.Unlock()
				v.finished, v.err = true, fmt.Errorf("panic: %v", p)
			}
		}()
		ctx, cancel := context.WithDeadline(context.Background(), v.ends.Add(-functionMargin))
		defer cancel()
		err := do(ctx)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.finished, v.err = true, err
	}()
	return v
}

// reap takes leave of the functions that have finished.
func (s *sim) reap() {
	var left []*invocation
	for _, v := range s.running {
		if !v.isFinished() {
			left = append(left, v)
			continue
		}
		if v.dead || !time.Now().Before(v.ends) {
			v.err = errDead
		}
		slices.SortFunc(v.said, compareSaid)
		for _, said := range v.said {
			s.say("#%d   %s", v.id, said.line)
		}
		outcome := "ends"
		if v.err != nil {
			outcome = fmt.Sprintf("fails: %.200v", v.err)
			if strings.HasPrefix(v.err.Error(), "panic") {
				s.violate("no function panics: %v", v.err)
			}
		}
		s.say("#%d %s %s", v.id, v.function, outcome)
		if v.done != nil {
			v.done()
		}
	}
	s.running = left
}

// mostInBatch is how many messages a function gets at once: as s.yaml has it.
const mostInBatch = 16

// deliver hands a queue's next messages to its function.
func (s *sim) deliver(queue string) {
	ref := queueRef(queue)
	most := 1
	if s.plan.batches && s.wiring.message == nil {
		most = mostInBatch
	}
	received, err := s.engine.ReceiveMessages(ref, most, 0)
	must(err)
	var batch []engine.Message
	var events [][]byte
	var bodies []string
	looks := true
	for _, m := range received {
		s.stats.messages++
		s.judge.delivered(s, queue, m.Body)
		if !s.calm && s.rng.Float64() < s.plan.lose {
			s.say("lost, of %s: %.200s", queue, m.Body)
			_ = s.engine.DeleteMessage(ref, m.ReceiptHandle)
			continue
		}
		batch, events, bodies = append(batch, m), append(events, event(queue, m.ID, m.Body)), append(bodies, m.Body)
		var parsed chain.Message
		looks = looks && json.Unmarshal([]byte(m.Body), &parsed) == nil && parsed.Action == interconnect.Verify
	}
	if len(batch) == 0 {
		return
	}
	v := s.start(queue, strings.Join(bodies, " and "), func(v *invocation) func(context.Context) error {
		return s.stepFunction(v, events...)
	})
	v.verify = looks
	v.done = func() {
		for _, m := range batch {
			if v.err == nil {
				_ = s.engine.DeleteMessage(ref, m.ReceiptHandle) // late: it comes again
				continue
			}
			// Pushed again soon, as the trigger's retries do, or by the queue.
			if s.rng.Float64() < 0.7 {
				_, _, _ = s.engine.ChangeVisibility(ref, m.ReceiptHandle, time.Duration(1+s.rng.IntN(20))*time.Second)
			}
		}
	}
}

// sweep runs the timer's function.
func (s *sim) sweep() {
	s.nextSweep = time.Now().Add(time.Minute)
	s.start("intake", "sweep", func(v *invocation) func(context.Context) error {
		return s.intakeFunction(v, func(ctx context.Context, in *intake.Intake) error {
			_, err := in.Sweep(ctx)
			return err
		})
	})
}

// pass lets one waiting call through.
func (s *sim) pass(c *call) {
	took := time.Duration(2+s.rng.IntN(40)) * time.Millisecond
	if !s.calm && s.rng.Float64() < s.plan.slow {
		took = time.Duration(s.rng.IntN(6000)) * time.Millisecond
	}
	time.Sleep(took)
	synctest.Wait()
	v := c.by
	v.calls++
	switch {
	case v.isDead():
		s.gate.take(c)
		c.answer <- answer{err: errDead}
		return
	case v.calls == v.crashAt && !v.crashLate:
		s.say("#%d dies before %s", v.id, c)
		v.die()
		s.gate.take(c)
		c.answer <- answer{err: errDead}
		return
	case !s.calm && c.changes() && s.rng.Float64() < s.plan.late:
		s.gate.take(c)
		within := max(time.Until(v.ends), time.Millisecond)
		at := time.Now().Add(time.Duration(s.rng.Int64N(int64(within))))
		s.say("#%d late by %s: %s", v.id, time.Until(at), c)
		s.late = append(s.late, lateCall{at, c})
		return // its caller waits until it gives up
	}
	s.gate.take(c)
	a := s.carry(c)
	if v.calls == v.crashAt {
		s.say("#%d dies after it", v.id)
		v.die()
		a = answer{err: errDead}
	}
	c.answer <- a
}

// carry has the cloud carry out a call, under the judge's eyes.
func (s *sim) carry(c *call) answer {
	s.stats.calls++
	check := s.judge.before(s, c)
	a := c.carry(s.cloudOf(c.by.function))
	outcome := "no answer"
	if a.err == nil {
		outcome = fmt.Sprint(a.status)
		if a.status >= 300 {
			outcome += " " + errorCode(a)
		}
	}
	s.say("#%d %s -> %s", c.by.id, c, outcome)
	check(a)
	return a
}

// quiet tells whether nothing is under way: no function, no message, no call.
func (s *sim) quiet() bool {
	return len(s.running) == 0 && len(s.late) == 0 && s.nextVisible().IsZero()
}

// nextVisible is when the next message can be received; zero: there is none.
func (s *sim) nextVisible() (at time.Time) {
	for _, q := range functions[1:] {
		all, err := s.engine.QueueMessages(queueRef(q))
		must(err)
		for _, m := range all {
			if at.IsZero() || m.NextVisible.Before(at) {
				at = m.NextVisible
			}
		}
	}
	return at
}

// visible lists the queues that have a message to deliver.
func (s *sim) visible() (out []string) {
	for _, q := range functions[1:] {
		if got, err := s.engine.PeekMessages(queueRef(q), 1); err == nil && len(got) > 0 {
			out = append(out, q)
		}
	}
	return out
}

// mostCrashes bounds how many functions of a run may die on the way. One that
// dies after it sent its follow-up begins a second chain beside the first.
const mostCrashes = 10

// mostRunning is how many functions run side by side at most.
const mostRunning = 4

// step does one thing; deadline bounds how far it lets time go by.
func (s *sim) step(deadline time.Time) {
	synctest.Wait()
	s.reap()
	now := time.Now()
	s.arrive(now)
	if !now.Before(s.nextSweep) {
		s.sweep()
		return
	}
	if !s.calm && s.rng.Float64() < s.plan.purge {
		q := functions[1+s.rng.IntN(len(functions)-1)]
		s.say("the queue %s is purged", q)
		must(s.engine.PurgeQueue(queueRef(q)))
	}
	var open []*call
	for _, c := range s.gate.waiting() {
		if !c.by.stalled {
			open = append(open, c)
		}
	}
	queues := s.visible()
	more := len(queues) > 0 && len(s.running) < mostRunning
	switch {
	case len(open) > 0 && (!more || s.rng.Float64() >= s.plan.crowd/4):
		s.pass(open[s.rng.IntN(len(open))])
	case more:
		s.deliver(queues[s.rng.IntN(len(queues))])
	default:
		s.idle(deadline)
	}
}

// arrive carries out the late calls whose time has come.
func (s *sim) arrive(now time.Time) {
	var left []lateCall
	due := []lateCall{}
	for _, l := range s.late {
		if l.at.After(now) {
			left = append(left, l)
		} else {
			due = append(due, l)
		}
	}
	s.late = left
	for _, l := range due {
		s.say("arrives late:")
		s.carry(l.c)
	}
}

// idle lets time go by until something is due.
func (s *sim) idle(deadline time.Time) {
	until := s.nextSweep
	sooner := func(t time.Time) {
		if !t.IsZero() && t.Before(until) {
			until = t
		}
	}
	sooner(s.nextVisible())
	sooner(deadline)
	for _, l := range s.late {
		sooner(l.at)
	}
	if len(s.running) > 0 {
		sooner(time.Now().Add(time.Second)) // they wait for their own time-outs
	}
	if d := time.Until(until); d > 0 {
		time.Sleep(d)
	} else if s.nextVisible().Before(time.Now().Add(time.Millisecond)) {
		time.Sleep(100 * time.Millisecond) // more messages than functions may run
	}
}

func errorCode(a answer) string {
	body := string(a.body)
	for _, mark := range []string{`"Code":"`, "<Code>"} {
		if _, rest, ok := strings.Cut(body, mark); ok {
			end := strings.IndexAny(rest, `"<`)
			return rest[:max(end, 0)]
		}
	}
	return ""
}
