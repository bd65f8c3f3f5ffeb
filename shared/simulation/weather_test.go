package simulation

import (
	"math/rand/v2"
	"reflect"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// plan is what a seed has drawn: the world, and what may go wrong in it.
type plan struct {
	seed     uint64
	rates    engine.Rates
	switches engine.Switches

	crash    float64 // share of invocations that die on the way
	stall    float64 // share of invocations whose calls get no answer
	late     float64 // share of calls that change something which arrive only after their caller gave up
	lose     float64 // share of messages that vanish
	purge    float64 // share of moments at which a queue is emptied
	crowd    float64 // how eagerly messages are delivered beside running functions
	slow     float64 // share of calls that take seconds
	stuck    float64 // share of asynchronous changes that take longer than anything waits
	misled   bool    // every first call of an action that changes something is done, but reported failed
	conflict float64 // share of route calls that meet another task
	rateCaps bool    // the published rate limits hold

	advanced   bool // one group is an advanced one
	sharedRule bool // the two connections need one equal rule
	handMade   int  // what somebody has made between the first two VPCs: 0 nothing, 1 a pair in use, 2 an idle interface
	equals     bool // a route and a rule equal to ours are there already
	offline    bool // an instance has no Cloud Assistant
	keep       bool // onFailure: keep
	hasty      bool // what is asked for is taken back at once
	brief      bool // a short life: little happens, and nobody asks once more
	batches    bool // a function gets up to 16 messages of its queue at once
	replays    bool // old messages come again at its end
	ends       bool // and then everything is disconnected
	script     []entry
	length     time.Duration // of the storm
	further
}

// draw makes a seed's plan.
func draw(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 0x73696d756c617465))
	share := func(p, most float64) float64 {
		hit, far := r.Float64() < p, r.Float64()
		if !hit {
			return 0
		}
		return far * most
	}
	chance := func(p float64) bool { return r.Float64() < p }
	p := plan{seed: seed}
	p.rates = engine.Rates{
		Lagging: share(0.6, 0.5), Lag: 3 * time.Second,
		Throttled: share(0.4, 0.1), Refused: share(0.4, 0.06), Misleading: share(0.4, 0.06), Lost: share(0.4, 0.06),
		Slow: share(0.5, 0.4), Slower: 4, Settling: 2 * time.Second,
		Late: share(0.4, 0.2), LateBy: 20 * time.Second, Disorder: share(0.5, 0.5),
		Repeated: share(0.5, 0.3), RepeatedIn: 30 * time.Second,
	}
	v := reflect.ValueOf(&p.switches).Elem()
	for i := range v.NumField() {
		name, on := v.Type().Field(i).Name, chance(0.3)
		if name == "RouterInterfaceClosed" {
			on = on && chance(0.1) // little can be done where it is so
		}
		v.Field(i).SetBool(on)
	}
	p.crash, p.stall, p.late = share(0.5, 0.2), share(0.3, 0.06), share(0.5, 0.2)
	p.lose, p.purge = share(0.4, 0.1), share(0.2, 0.01)
	p.crowd, p.slow, p.stuck = share(0.8, 0.5), share(0.4, 0.1), share(0.1, 0.1)
	p.misled, p.conflict, p.rateCaps = chance(0.15), share(0.4, 0.3), chance(0.3)
	p.advanced, p.sharedRule, p.equals = chance(0.3), chance(0.3), chance(0.3)
	p.offline, p.keep = chance(0.1), chance(0.1)
	if chance(0.2) {
		p.handMade = 1 + r.IntN(2)
	}
	p.brief, p.hasty = chance(0.9), chance(0.15)
	if p.hasty && chance(0.5) {
		p.late = 0.3
	}
	p.script, p.length = drawScript(r, &p)
	p.replays, p.ends = !p.brief || chance(0.25), !p.brief || chance(0.3) // what a short life finds, it finds before
	p.batches = chance(0.5)
	p.drawFurther()
	return p
}

// gentle tells whether all that goes wrong passes by waiting: nothing then is
// a reason for a connect to fail.
func (p *plan) gentle() bool {
	r := p.rates
	return r.Refused+r.Misleading+r.Lost+p.stuck+p.late+p.stall+p.crash == 0 && !p.misled && !p.rateCaps &&
		p.handMade != 2 && !p.switches.RouterInterfaceClosed && !p.mayRefuse()
}

// blind tells whether of two that ask for one pair at the same moment neither
// may see the other, or live to withdraw: then both stay, and share what they
// make.
func (p *plan) blind() bool { return p.rates.Lagging+p.crash+p.stall > 0 }

// weather is what goes wrong inside the cloud. The engine asks it in the order
// of the calls, which is the scheduler's.
type weather struct {
	engine.Faults
	engine.Courier
	rng      *rand.Rand
	plan     *plan
	calm     bool            // nothing goes wrong any more
	watching bool            // the judge reads: it sees the present
	denied   map[string]bool // actions for which the roles have no permission now
	repeats  int
	told     map[string]bool // actions whose first call was reported failed
}

func newWeather(p *plan) *weather {
	h := engine.Hostile(p.seed, p.rates)
	return &weather{
		Faults: h, Courier: h.(engine.Courier), plan: p, denied: map[string]bool{}, told: map[string]bool{},
		rng: rand.New(rand.NewPCG(p.seed, 0x77656174686572)),
	}
}

func (w *weather) Call(product, action string, write bool) engine.Fault {
	if w.watching {
		return engine.Fault{}
	}
	if w.denied[action] {
		return engine.Fault{Refuse: &engine.Error{Status: 403, Code: "Forbidden.RAM", Message: "User not authorized to operate on the specified resource, or this API doesn't support RAM."}}
	}
	if w.calm {
		return engine.Fault{}
	}
	f := w.Faults.Call(product, action, write)
	if f.Refuse == nil && (action == "CreateRouteEntries" || action == "DeleteRouteEntries") && w.rng.Float64() < w.plan.conflict {
		f.Refuse = &engine.Error{Status: 400, Code: "TaskConflict", Message: "The operation conflicts with another task."}
	}
	if f.Refuse == nil && write && w.plan.misled && !w.told[action] {
		w.told[action] = true
		f = engine.Fault{Answer: &engine.Error{Status: 500, Code: "InternalError", Message: "The request processing has failed due to some unknown error."}}
	}
	return f
}

func (w *weather) Slow(usual time.Duration) time.Duration {
	if w.calm {
		return 0
	}
	if usual > 0 && w.rng.Float64() < w.plan.stuck && !w.watching { // what somebody does by hand comes to its end
		return 15 * time.Minute // longer than anything waits
	}
	return w.Faults.Slow(usual)
}

func (w *weather) Late(queue string) time.Duration {
	if w.calm {
		return 0
	}
	return w.Courier.Late(queue)
}

func (w *weather) Again(queue string) (time.Duration, bool) {
	if w.calm || w.repeats >= mostRepeats {
		return 0, false
	}
	after, again := w.Courier.Again(queue)
	if again {
		w.repeats++
	}
	return after, again
}

// mostRepeats bounds how many messages of a run come again by themselves: each
// begins a chain that goes on beside the first, and may be repeated in turn.
const mostRepeats = 5
