package simulation

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

// This file tests the simulator: each wrong implementation of a narrow
// interface is caught by some seed, none of which finds anything wrong with the
// right one.

// wrongCloud is a cloud of which some methods are wrong.
type wrongCloud struct {
	stepCloud
	create func(n interconnect.NewRouterInterface) interconnect.NewRouterInterface
	made   func(routes []interconnect.NewRoute) []interconnect.NewRoute
	hide   bool // failures of a batch of routes are not told
	lie    bool // a read shows the routes that were asked for as made
	force  bool // a route that is in the way is led our way, whosever it is
	ours   bool // every route, rule and interface bears our mark
	rules  func(interconnect.Rule) interconnect.Rule
	repair func(err error) error
	pings  bool // every ping is answered

	mu    *sync.Mutex
	asked *[]interconnect.NewRoute
}

func (c wrongCloud) CreateRouterInterface(ctx context.Context, region string, n interconnect.NewRouterInterface) (string, error) {
	if c.create != nil {
		n = c.create(n)
	}
	id, err := c.stepCloud.CreateRouterInterface(ctx, region, n)
	return id, c.mend(err)
}

func (c wrongCloud) mend(err error) error {
	if c.repair != nil && err != nil {
		return c.repair(err)
	}
	return err
}

func (c wrongCloud) CreateRoutes(ctx context.Context, region string, routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
	if c.made != nil {
		routes = c.made(routes)
	}
	if c.lie {
		c.mu.Lock()
		*c.asked = append(*c.asked, routes...)
		c.mu.Unlock()
	}
	failed, err := c.stepCloud.CreateRoutes(ctx, region, routes)
	if c.hide {
		return nil, nil
	}
	return failed, c.mend(err)
}

func (c wrongCloud) RouteEntries(ctx context.Context, region, table string) ([]interconnect.RouteEntry, error) {
	list, err := c.stepCloud.RouteEntries(ctx, region, table)
	if c.lie {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, r := range *c.asked {
			if r.RouteTableID == table && !slices.ContainsFunc(list, func(e interconnect.RouteEntry) bool { return e.Destination == r.Destination }) {
				list = append(list, interconnect.RouteEntry{ID: "rte-read-back-left-out", RouteTableID: table, Destination: r.Destination, NextHopType: r.NextHop.Type,
					NextHopID: r.NextHop.ID, Type: "Custom", Name: r.Name, Status: "Available"})
			}
		}
	}
	for i := range list {
		mine := list[i].Type == "Custom" && (c.ours || c.force && list[i].NextHopType == "Instance")
		if mine && !strings.HasPrefix(list[i].Name, "interconnect.vi") {
			list[i].Name = c.mark()
		}
	}
	return list, err
}

func (c wrongCloud) mark() string {
	return interconnect.Mark{Prefix: prefix, ConnectionID: "one"}.String()
}

func (c wrongCloud) RouterInterfaces(ctx context.Context, region, router string) ([]interconnect.RouterInterface, error) {
	list, err := c.stepCloud.RouterInterfaces(ctx, region, router)
	for i := range list {
		if c.ours && !strings.HasPrefix(list[i].Name, "interconnect.vi") {
			list[i].Name = c.mark()
		}
	}
	return list, err
}

func (c wrongCloud) Rules(ctx context.Context, region, group string) ([]interconnect.Rule, error) {
	list, err := c.stepCloud.Rules(ctx, region, group)
	for i := range list {
		if c.ours && list[i].PeerBlock.IsValid() {
			list[i].Description = c.mark()
		}
	}
	return list, err
}

func (c wrongCloud) Authorize(ctx context.Context, region, group string, d interconnect.Direction, rules []interconnect.Rule) error {
	if c.rules != nil {
		rules = slices.Clone(rules)
		for i := range rules {
			rules[i] = c.rules(rules[i])
		}
	}
	return c.mend(c.stepCloud.Authorize(ctx, region, group, d, rules))
}

func (c wrongCloud) Invocations(ctx context.Context, region, instance string) ([]interconnect.Invocation, error) {
	list, err := c.stepCloud.Invocations(ctx, region, instance)
	for i := range list {
		if c.pings && list[i].Finished {
			list[i].ErrorCode, list[i].ExitCode = "", 0
			list[i].Output = "4 packets transmitted, 4 received, 0% packet loss, time 600ms\nrtt min/avg/max/mdev = 1.0/1.0/1.0/0.0 ms\n"
		}
	}
	return list, err
}

// wrongStore is a store of which some methods are wrong.
type wrongStore struct {
	store
	get     func(*interconnect.Record) *interconnect.Record
	list    func([]interconnect.Record) []interconnect.Record
	thawed  bool // a freeze is not seen
	amnesia bool // a step's status is not written
	former  bool // places of former generations are not remembered
	settled bool // that another generation was overtaken is not remembered
}

func (s wrongStore) Get(ctx context.Context, id string) (*interconnect.Record, error) {
	r, err := s.store.Get(ctx, id)
	if s.get != nil && r != nil {
		r = s.get(r)
	}
	return r, err
}

func (s wrongStore) List(ctx context.Context) ([]interconnect.Record, error) {
	list, err := s.store.List(ctx)
	if s.list != nil {
		list = s.list(list)
	}
	return list, err
}

func (s wrongStore) Frozen(ctx context.Context) (string, bool, error) {
	if s.thawed {
		return "", false, nil
	}
	return s.store.Frozen(ctx)
}

func (s wrongStore) PutStatus(ctx context.Context, id string, step interconnect.Step, st interconnect.StepStatus) error {
	if s.amnesia {
		return nil
	}
	return s.store.PutStatus(ctx, id, step, st)
}

func (s wrongStore) PutRequest(ctx context.Context, id string, w interconnect.Wanted) (int, error) {
	if s.former {
		w.Former = nil
	}
	if s.settled {
		w.Overtook = false
	}
	return s.store.PutRequest(ctx, id, w)
}

// wrongStep is a step that is wrong before or after it runs.
type wrongStep struct {
	chain.Runner
	before func(*chain.Task) *chain.Outcome
	after  func(*chain.Task, chain.Outcome) chain.Outcome
}

func (s wrongStep) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	if s.before != nil {
		if out := s.before(t); out != nil {
			return *out
		}
	}
	out := s.Runner.Run(ctx, t)
	if s.after != nil {
		out = s.after(t, out)
	}
	return out
}

// wrongQueues lose, or change, what is sent.
type wrongQueues struct {
	chain.Queues
	drop func(queue string, body []byte) bool
}

func (q wrongQueues) Send(ctx context.Context, queue string, body []byte, delay time.Duration) error {
	if q.drop != nil && q.drop(queue, body) {
		return nil
	}
	return q.Queues.Send(ctx, queue, body, delay)
}

func cloudOf(c wrongCloud) func() wiring {
	return func() wiring {
		c := c
		c.mu, c.asked = &sync.Mutex{}, &[]interconnect.NewRoute{}
		return wiring{cloud: func(real stepCloud) stepCloud { c.stepCloud = real; return c }}
	}
}

func storeOf(w wrongStore) func() wiring {
	return func() wiring {
		return wiring{store: func(real store) store { w.store = real; return w }}
	}
}

func stepOf(w wrongStep) func() wiring {
	return func() wiring {
		return wiring{runner: func(real chain.Runner) chain.Runner { w.Runner = real; return w }}
	}
}

// wrongs are the wrong implementations, each by what is wrong.
func wrongs() map[string]func() wiring {
	return map[string]func() wiring{
		"the ownership check always says ours": cloudOf(wrongCloud{ours: true}),
		"a token changes at each call": func() wiring {
			var n atomic.Int64
			return cloudOf(wrongCloud{create: func(i interconnect.NewRouterInterface) interconnect.NewRouterInterface {
				i.Token = interconnect.ClientToken(i.Token, fmt.Sprint(n.Add(1)))
				return i
			}})()
		},
		"interfaces do not bear our mark": cloudOf(wrongCloud{create: func(i interconnect.NewRouterInterface) interconnect.NewRouterInterface {
			i.Name, i.Description, i.Tags = "peering", "peering", nil
			return i
		}}),
		"peering connections do not bear our mark": func() wiring {
			return wiring{cloud: func(real stepCloud) stepCloud { return unmarked{real} }}
		},
		"routes do not bear our mark": cloudOf(wrongCloud{made: func(routes []interconnect.NewRoute) []interconnect.NewRoute {
			routes = slices.Clone(routes)
			for i := range routes {
				routes[i].Name, routes[i].Description = "route", "route"
			}
			return routes
		}}),
		"a rule lets in everything": cloudOf(wrongCloud{rules: func(r interconnect.Rule) interconnect.Rule {
			r.Protocol, r.PortRange, r.PeerBlock = "ALL", "-1/-1", netip.MustParsePrefix("0.0.0.0/0")
			return r
		}}),
		"the read back after a batch of routes is left out": cloudOf(wrongCloud{lie: true, hide: true}),
		"a route that is in the way is repointed unchecked": cloudOf(wrongCloud{force: true}),
		"a busy answer counts as permanent": cloudOf(wrongCloud{repair: func(err error) error {
			if interconnect.ClassOf(err) == interconnect.Busy || interconnect.ClassOf(err) == interconnect.Throttled {
				return &interconnect.CloudError{Class: interconnect.Permanent, Action: "CreateRouteEntries", Code: "TaskConflict"}
			}
			return err
		}}),
		"every ping counts as answered": cloudOf(wrongCloud{pings: true}),
		"the generation check is left out": func() wiring {
			return wiring{message: func(m chain.Message, s store) store {
				return wrongStore{store: s, get: func(r *interconnect.Record) *interconnect.Record {
					r.Generation = m.Generation
					if m.Action != interconnect.Prune {
						r.Wanted.Disconnect = false
					}
					return r
				}}
			}}
		},
		"a prune ignores other live records": func() wiring {
			return wiring{message: func(_ chain.Message, s store) store {
				return wrongStore{store: s, list: func([]interconnect.Record) []interconnect.Record { return nil }}
			}}
		},
		"intake does not look for another connection of the pair": func() wiring {
			return wiring{intake: func(what string, in *intake.Intake) {
				if !strings.HasPrefix(what, "ask") {
					return
				}
				in.Records = wrongStore{store: in.Records.(store), list: func([]interconnect.Record) []interconnect.Record { return nil }}
			}}
		},
		"a freeze is not honoured":                        storeOf(wrongStore{thawed: true}),
		"a step's status is never written":                storeOf(wrongStore{amnesia: true}),
		"places of former generations are not remembered": storeOf(wrongStore{former: true}),
		"what was overtaken counts as settled":            storeOf(wrongStore{settled: true}),
		"a wait never ends": stepOf(wrongStep{after: func(t *chain.Task, out chain.Outcome) chain.Outcome {
			if out.Kind == chain.KindDone && t.Message.Action == interconnect.Connect {
				return chain.WaitFor("nothing")
			}
			return out
		}}),
		"the follow-up is sent without the effect": func() wiring {
			return wiring{runner: func(real chain.Runner) chain.Runner {
				return wrongStep{Runner: real, before: func(t *chain.Task) *chain.Outcome {
					if t.Message.Action == interconnect.Connect && real.Step() == interconnect.SecurityGroups {
						out := chain.DoneWith()
						return &out
					}
					return nil
				}}
			}}
		},
		"a rollback goes down to nothing": stepOf(wrongStep{before: func(t *chain.Task) *chain.Outcome {
			if t.Message.Target == interconnect.TargetConnected {
				t.Want = nil
			}
			return nil
		}}),
		"a disconnect does not look a second time": stepOf(wrongStep{before: func(t *chain.Task) *chain.Outcome {
			t.Record.UpdatedAt = t.Record.UpdatedAt.Add(-time.Hour)
			return nil
		}}),
		"a disconnect is believed, not proven": stepOf(wrongStep{after: func(t *chain.Task, out chain.Outcome) chain.Outcome {
			if t.Message.Action == interconnect.Prune && out.Kind == chain.KindWait {
				return chain.DoneWith()
			}
			return out
		}}),
		"a check has nothing mended": stepOf(wrongStep{after: func(t *chain.Task, out chain.Outcome) chain.Outcome {
			if t.Message.Action == interconnect.Verify && out.Verdict != nil {
				v := *out.Verdict
				v.Drift, out.Verdict = nil, &v
			}
			return out
		}}),
		"a rejection counts as done": stepOf(wrongStep{after: func(_ *chain.Task, out chain.Outcome) chain.Outcome {
			if out.Kind == chain.KindReject || out.Kind == chain.KindRetry {
				return chain.DoneWith()
			}
			return out
		}}),
		"intake sends nothing but its first message": func() wiring {
			var mu sync.Mutex
			sent := map[string]bool{} // by connection and generation
			return wiring{intake: func(_ string, in *intake.Intake) {
				in.Queues = wrongQueues{Queues: in.Queues, drop: func(_ string, body []byte) bool {
					m, err := chain.ParseMessage(body)
					if err != nil {
						return false // an outcome
					}
					mu.Lock()
					defer mu.Unlock()
					key := fmt.Sprint(m.ConnectionID, m.Generation)
					again := sent[key]
					sent[key] = true
					return again
				}}
			}}
		},
	}
}

// caught names, for each wrong implementation, a seed that is known to catch
// it. The search begins there, and goes on from 1 if that seed, after some
// change, no longer does.
var caught = map[string]uint64{
	"a check has nothing mended":                              12,
	"a disconnect does not look a second time":                6,
	"a freeze is not honoured":                                31,
	"a route that is in the way is repointed unchecked":       2,
	"a rule lets in everything":                               15,
	"a token changes at each call":                            15,
	"a wait never ends":                                       16,
	"every ping counts as answered":                           9,
	"intake does not look for another connection of the pair": 55,
	"intake sends nothing but its first message":              19,
	"peering connections do not bear our mark":                6,
	"places of former generations are not remembered":         17,
	"the generation check is left out":                        15,
	"the ownership check always says ours":                    2,
}

// emphasis is what seeds are to have more of than usual, for what is rare.
var emphasis = map[string]func(*plan){
	"a disconnect does not look a second time": hastyAndLate,
	"a busy answer counts as permanent":        contended,
	"what was overtaken counts as settled":     takenBackTwice,
	"a rollback goes down to nothing":          changeThatFails,
	"intake does not look for another connection of the pair": func(p *plan) {
		*p = plan{seed: p.seed, brief: true, length: 3 * time.Minute, script: []entry{{do: "ask", id: "one"}, {at: time.Minute, do: "ask", id: "rival"}}}
	},
}

// contended has the cloud busy at every other route call, and nothing else go
// wrong.
func contended(p *plan) {
	*p = plan{seed: p.seed, conflict: 0.5, brief: true, length: 5 * time.Minute, script: []entry{{do: "ask", id: "one"}, {at: time.Minute, do: "ask", id: "two"}}}
}

// changeThatFails has a change of what is connected denied.
func changeThatFails(p *plan) {
	authorize := slices.Index(denials, "AuthorizeSecurityGroup")
	*p = plan{seed: p.seed, brief: true, length: 5 * time.Minute, script: []entry{
		{do: "ask", id: "one"}, {at: time.Minute, do: "deny", id: "one", variant: authorize}, {at: 2 * time.Minute, do: "ask", id: "one", variant: 1},
	}}
}

// hastyAndLate has a connection taken back while calls of its making are still
// on their way.
func hastyAndLate(p *plan) {
	p.late, p.crash, p.stall, p.lose, p.purge, p.stuck = 0.4, 0, 0, 0, 0, 0
	p.brief, p.handMade = true, 0
	p.script = []entry{{do: "ask", id: "one"}, {at: time.Duration(1+p.seed%30) * time.Second, do: "disconnect", id: "one"}}
}

// takenBackTwice has a disconnect overtaken by a new request, and calls be late.
func takenBackTwice(p *plan) {
	hastyAndLate(p)
	at := 40 * time.Second
	p.length = 2 * time.Minute
	p.script = []entry{{do: "ask", id: "one"}, {at: at, do: "disconnect", id: "one"}, {at: at + time.Duration(1+p.seed%20)*time.Second, do: "ask", id: "one"}}
}

// mostSeeds is within how many seeds each wrong implementation is caught.
const mostSeeds = 1000

func TestEachWrongImplementationIsCaughtBySomeSeed(t *testing.T) {
	t.Parallel()
	if testing.Short() || underRace {
		t.Skip("it runs many seeds: make simulate")
	}
	all := wrongs()
	require.GreaterOrEqual(t, len(all), 12)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drawn := func(seed uint64) plan {
				p := draw(seed)
				if change := emphasis[name]; change != nil {
					change(&p)
				}
				return p
			}
			seeds := []uint64{max(caught[name], 1)}
			for seed := uint64(1); seed <= mostSeeds; seed++ {
				seeds = append(seeds, seed)
			}
			for _, seed := range seeds {
				if r := runMute(t, drawn(seed), all[name]()); r.violated != "" {
					t.Logf("%-60s seed %4d: %.140s", name, seed, r.violated)
					right := run(t, drawn(seed), wiring{})
					require.Empty(t, right.violated, "the right implementation is not accused")
					return
				}
			}
			t.Errorf("none of %d seeds catches it", mostSeeds)
		})
	}
}
