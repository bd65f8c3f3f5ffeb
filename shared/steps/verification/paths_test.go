package verification_test

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/verification"
)

// life is a connection's record and queue, with the step behind them.
type life struct {
	t      *testing.T
	c      *cloud
	memory *chaintest.Memory
	now    time.Time
}

func live(t *testing.T, c *cloud, change func(want *interconnect.Connection)) *life {
	want := chaintest.Tutorial()
	if change != nil {
		change(want)
	}
	return &life{t, c, chaintest.NewMemory(chaintest.Record(want)), chaintest.Start}
}

// handle delivers a message, and returns what the step handed back.
func (l *life) handle(m chain.Message) []chain.Message {
	l.t.Helper()
	h := chaintest.Handler(verification.New(l.c), l.memory, l.now)
	require.NoError(l.t, h.Handle(context.Background(), chaintest.Event("verification", m.Body())))
	var back []chain.Message
	for _, sent := range l.memory.Take() {
		if sent.Queue != "verification" {
			continue
		}
		next, err := chain.ParseMessage(sent.Body)
		require.NoError(l.t, err)
		back = append(back, next)
	}
	return back
}

// run delivers a message and what it comes back as, until its step has ended.
func (l *life) run(m chain.Message) interconnect.Verdict {
	l.t.Helper()
	for n := 0; ; n++ {
		require.Less(l.t, n, 100, "it ends")
		back := l.handle(m)
		l.pass(time.Second)
		if len(back) == 0 {
			break
		}
		m = back[0]
	}
	r, err := l.memory.Get(context.Background(), "orders-to-billing")
	require.NoError(l.t, err)
	st := r.Steps[interconnect.Verification]
	require.NotEmpty(l.t, st.Verdicts)
	return st.Verdicts[0]
}

// pass lets time pass, for commands as well.
func (l *life) pass(d time.Duration) {
	l.now = l.now.Add(d)
	l.c.mu.Lock()
	l.c.late = l.now.Sub(chaintest.Start)
	l.c.mu.Unlock()
	l.c.tick()
}

func (l *life) message(a interconnect.Action, trace string) chain.Message {
	r, err := l.memory.Get(context.Background(), "orders-to-billing")
	require.NoError(l.t, err)
	m := chaintest.Message(*r, a)
	m.Trace = trace
	return m
}

// connect connects, and forgets what that took.
func (l *life) connect() *life {
	l.t.Helper()
	require.Equal(l.t, interconnect.VerdictConnected, l.run(l.message(interconnect.Connect, "made")).Outcome)
	l.c.reads.take()
	l.c.commands = nil
	return l
}

// check has the schedule check the connection.
func (l *life) check() interconnect.Verdict {
	l.t.Helper()
	return l.run(l.message(interconnect.Verify, chain.ScheduledTrace(l.now)))
}

// asked has somebody check it.
func (l *life) asked() interconnect.Verdict {
	l.t.Helper()
	return l.run(l.message(interconnect.Verify, fmt.Sprintf("asked-%d", l.now.Unix())))
}

func TestWhatIsReadWhileAllIsWell(t *testing.T) {
	t.Parallel()
	results := map[string]int{"Invocations": 2}
	made := map[string]int{"Invocations": 2, "RouterInterfaces": 2, "RouteEntries": 2, "Rules": 2}
	with := func(more map[string]int, to map[string]int) map[string]int {
		out := map[string]int{}
		for _, m := range []map[string]int{to, more} {
			for k, n := range m {
				out[k] += n
			}
		}
		return out
	}
	around := map[string]int{"VPC": 2, "VSwitches": 2}
	instances := map[string]int{"Instances": 2}
	off := func(want *interconnect.Connection) { want.Repair = interconnect.RepairOff }
	ports := func(want *interconnect.Connection) {
		want.Acceptor.SecurityGroups[0].Allow = append(slices.Clone(want.Acceptor.SecurityGroups[0].Allow), port("22"))
	}
	for name, tt := range map[string]struct {
		change func(want *interconnect.Connection)
		do     func(l *life)
		reads  map[string]int
	}{
		"by a connect: where from and where to, and what came of it": {nil, func(l *life) {
			l.run(l.message(interconnect.Connect, "again"))
		}, with(instances, results)},
		"by a check: what came of it, and what was made":          {nil, func(l *life) { l.check() }, made},
		"by one that compares nothing: what came of it":           {off, func(l *life) { l.check() }, results},
		"once in an hour: also what is around":                    {nil, func(l *life) { l.pass(time.Hour); l.check() }, with(around, made)},
		"and not again in that hour":                              {nil, func(l *life) { l.pass(time.Hour); l.check(); l.c.reads.take(); l.pass(5 * time.Minute); l.check() }, made},
		"when somebody asks: also what is around":                 {nil, func(l *life) { l.asked() }, with(around, made)},
		"where ports are connected to: the instances, for groups": {ports, func(l *life) { l.check() }, with(instances, made)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			if tt.change != nil {
				c.rules = append(c.rules, interconnect.Rule{ID: "sgr-22", GroupID: "sg-2", Direction: interconnect.Ingress, Protocol: "TCP", PortRange: "22/22",
					PeerBlock: netip.MustParsePrefix("192.168.0.0/16"), Policy: "accept", Priority: 1, Description: mark})
				c.answer = func(string, int) (string, int, string) { return reply + "tcp-port 22 0\n", 0, "" }
			}
			l := live(t, c, tt.change).connect()
			l.pass(5 * time.Minute)
			tt.do(l)
			by, _ := c.reads.take()
			require.Equal(t, tt.reads, by)
			r, err := l.memory.Get(context.Background(), "orders-to-billing")
			require.NoError(t, err)
			v := r.Steps[interconnect.Verification].Verdicts[0]
			require.Equal(t, interconnect.VerdictConnected, v.Outcome)
			require.Len(t, v.Pings, 2)
			require.Empty(t, v.Why)
		})
	}
}

// What a check finds is the same whether the schedule had it made, by few reads,
// or somebody, who has all looked at.
func TestAScheduledCheckTellsTheSameDrift(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *cloud){
		"a route is gone":         func(c *cloud) { c.entries = c.entries[1:] },
		"a route leads elsewhere": func(c *cloud) { c.entries[0].NextHopID = "ri-9" },
		"a rule is gone":          func(c *cloud) { c.rules = c.rules[1:] },
		"a rule drops beside ours": func(c *cloud) {
			drop := c.rules[1]
			drop.ID, drop.Policy, drop.Description = "sgr-x", "drop", ""
			c.rules = append(c.rules, drop)
		},
		"the specification is another": func(c *cloud) { c.interfaces[0].Specification = "Small.1" },
		"an interface is not active":   func(c *cloud) { c.interfaces[1].Status = "Inactive" },
		"an interface is locked":       func(c *cloud) { c.interfaces[1].BusinessStatus = "FinancialLocked" },
		"an interface is gone":         func(c *cloud) { c.interfaces = c.interfaces[:1] },
		"somebody's route is longer": func(c *cloud) {
			c.entries = append(c.entries, interconnect.RouteEntry{ID: "rte-x", RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("172.16.0.0/24"), NextHopType: "Instance", NextHopID: "i-9", Type: "Custom", Status: "Available"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told [2][]interconnect.Drift
			for n, check := range []func(*life) interconnect.Verdict{(*life).check, (*life).asked} {
				l := live(t, newCloud().made(), nil).connect()
				change(l.c)
				v := check(l)
				require.Equal(t, interconnect.VerdictConnected, v.Outcome)
				require.NotEmpty(t, v.Drift)
				told[n] = v.Drift
			}
			require.Equal(t, told[1], told[0])
		})
	}
}

func TestWhatCameToAVPCIsToldWithinTheHourAndThenByEachCheck(t *testing.T) {
	t.Parallel()
	l := live(t, newCloud().made(), nil).connect()
	l.c.blocks = map[string][]netip.Prefix{"vpc-2": {netip.MustParsePrefix("10.8.0.0/16")}}
	at := time.Duration(0)
	for ; len(l.check().Drift) == 0; at += 5 * time.Minute {
		require.Less(t, at, time.Hour)
		l.pass(5 * time.Minute)
	}
	require.Positive(t, at, "not at once, when nobody asks")
	for range 3 {
		l.pass(5 * time.Minute)
		v := l.check()
		require.Len(t, v.Drift, 1, "it is no news that comes and goes")
		require.Equal(t, interconnect.DriftUncovered, v.Drift[0].Kind)
	}
	l.c.reads.take()
	l.check()
	by, all := l.c.reads.take()
	require.Equal(t, 12, all, "to tell it takes no more than to find it: %v", by)
	l.c.blocks = nil
	require.Empty(t, l.check().Drift)
}

func TestWhatTheLastCheckKnewOfItsInstancesHasChanged(t *testing.T) {
	t.Parallel()
	third := func(c *cloud) interconnect.Instance {
		i := c.instances[1]
		i.ID, i.PrivateIP = "i-3", netip.MustParseAddr("172.16.0.11")
		return i
	}
	for name, tt := range map[string]struct {
		change  func(c *cloud)
		outcome interconnect.VerdictOutcome
		pings   []string // "from>to", of those that were sent
		says    string
		named   string // "": the same where the request names it
	}{
		"another one is there in its place": {func(c *cloud) { c.instances[1] = third(c) }, interconnect.VerdictConnected, []string{"i-1>172.16.0.11", "i-3>192.168.0.10"}, "", ""},
		"it is gone":                        {func(c *cloud) { c.instances = c.instances[:1] }, interconnect.VerdictUnproven, nil, "there is no running Linux instance", "instance i-2, is not there"},
		"it is stopped":                     {func(c *cloud) { c.instances[1].Running = false }, interconnect.VerdictUnproven, nil, "The closest is i-2, which is not running", "instance i-2, is not running"},
		"its agent is offline, and refuses": {func(c *cloud) { c.offline = []string{"i-2"} }, interconnect.VerdictUnproven, []string{"i-1>172.16.0.10"}, "Cloud Assistant is not online on the acceptor's probe, instance i-2: start its agent", ""},
		"its agent is offline, and fails": {func(c *cloud) { c.offline, c.accepts = []string{"i-2"}, true }, interconnect.VerdictUnproven, []string{"i-1>172.16.0.10"},
			"Cloud Assistant is not online on the acceptor's probe, instance i-2: start its agent", ""},
		"its agent is offline, and another's is not": {func(c *cloud) { c.instances, c.offline = append(c.instances, third(c)), []string{"i-2"} }, interconnect.VerdictConnected,
			[]string{"i-1>172.16.0.11", "i-3>192.168.0.10"}, "", ""},
		"a better one has come": {func(c *cloud) {
			i := third(c)
			i.ID = "i-0"
			c.instances = append(c.instances, i)
		}, interconnect.VerdictConnected, []string{"i-1>172.16.0.10", "i-2>192.168.0.10"}, "", ""},
	} {
		for _, named := range []bool{false, true} {
			if named && tt.outcome == interconnect.VerdictConnected {
				continue // what is named is taken, or nothing
			}
			t.Run(fmt.Sprintf("%s (named: %t)", name, named), func(t *testing.T) {
				t.Parallel()
				l := live(t, newCloud().made(), func(want *interconnect.Connection) {
					if named {
						want.Initiator.ProbeID, want.Acceptor.ProbeID = "i-1", "i-2"
					}
				}).connect()
				l.pass(5 * time.Minute)
				tt.change(l.c)
				v := l.check()
				require.Equal(t, tt.outcome, v.Outcome, v.Why)
				says := tt.says
				if named {
					says = cmp.Or(tt.named, says)
				}
				require.Contains(t, v.Why, says)
				var pings []string
				for _, p := range v.Pings {
					if p.Sent > 0 {
						pings = append(pings, p.InstanceID+">"+p.Target)
					}
				}
				if tt.pings != nil {
					require.Equal(t, tt.pings, pings)
				}
				require.LessOrEqual(t, len(l.c.commands), 4)
			})
		}
	}
}

func TestAnAgentThatIsOfflineLeavesAConnectUnproven(t *testing.T) {
	t.Parallel()
	for name, accepts := range map[string]bool{"where the start is refused": false, "where the command fails": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			c.offline, c.accepts = []string{"i-1"}, accepts
			v := live(t, c, nil).run(chaintest.Message(chaintest.Record(chaintest.Tutorial()), interconnect.Connect))
			require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
			require.Contains(t, v.Why, "Cloud Assistant is not online on the initiator's probe, instance i-1: start its agent, or name another instance.")
			for _, cmd := range c.commands {
				require.True(t, cmd.InstanceID == "i-2" || accepts)
			}
			require.Len(t, c.commands, map[bool]int{false: 1, true: 2}[accepts])
		})
	}
}

func TestATokenThatWasUsedOtherwiseIsLookedFor(t *testing.T) {
	t.Parallel()
	for _, class := range []interconnect.Class{interconnect.Exists, interconnect.Busy} {
		c := newCloud().made()
		c.after = func() error { return fail(class, "RunCommand", "IdempotentParameterMismatch") }
		require.Equal(t, interconnect.VerdictConnected, live(t, c, nil).run(chaintest.Message(chaintest.Record(chaintest.Tutorial()), interconnect.Connect)).Outcome)
		require.Len(t, c.commands, 2)
	}
	t.Run("also while it is not listed yet", func(t *testing.T) {
		t.Parallel()
		c := newCloud().made()
		c.lag = 4
		c.after = func() error { return fail(interconnect.Exists, "RunCommand", "IdempotentParameterMismatch") }
		require.Equal(t, interconnect.VerdictConnected, live(t, c, nil).run(chaintest.Message(chaintest.Record(chaintest.Tutorial()), interconnect.Connect)).Outcome)
		require.Len(t, c.commands, 2)
	})
}

func TestWhatTheCommandsTellIsTriedAgainAsAnyOther(t *testing.T) {
	t.Parallel()
	t.Run("a packet that was lost", func(t *testing.T) {
		t.Parallel()
		l := live(t, newCloud().made(), nil).connect()
		l.c.answer = func(_ string, try int) (string, int, string) {
			if try == 0 {
				return noReply, 1, ""
			}
			return reply, 0, ""
		}
		require.Equal(t, interconnect.VerdictConnected, l.check().Outcome)
		require.Len(t, l.c.commands, 4)
	})
	t.Run("what was true three minutes ago", func(t *testing.T) {
		t.Parallel()
		l := live(t, newCloud().made(), nil).connect()
		back := l.handle(l.message(interconnect.Verify, "long"))
		require.Len(t, back, 1)
		l.pass(3 * time.Minute)
		l.c.answer = func(string, int) (string, int, string) { return noReply, 1, "" }
		require.Equal(t, interconnect.VerdictBlocked, l.run(back[0]).Outcome)
	})
	t.Run("a ping that still passes right after a disconnect", func(t *testing.T) {
		t.Parallel()
		r := chaintest.Record(chaintest.Tutorial())
		r.Generation, r.Wanted.Disconnect = 2, true
		l := &life{t, newCloud(), chaintest.NewMemory(r), chaintest.Start}
		l.c.answer = func(_ string, try int) (string, int, string) {
			if try == 0 {
				return reply, 0, ""
			}
			return noReply, 1, ""
		}
		require.Equal(t, interconnect.VerdictIsolated, l.run(l.message(interconnect.Prune, "gone")).Outcome)
		require.Len(t, l.c.commands, 4)
		by, _ := l.c.reads.take()
		require.Equal(t, 6, by["RouterInterfaces"], "of both sides: before each try, and at the end")
	})
}

func TestResultsAreFoundByTheCommandsAlone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		action interconnect.Action
		change func(want *interconnect.Connection)
	}{
		"of a connect":                {interconnect.Connect, nil},
		"of a check":                  {interconnect.Verify, nil},
		"of instances that are named": {interconnect.Verify, func(want *interconnect.Connection) { want.Initiator.ProbeID, want.Acceptor.ProbeID = "i-1", "i-2" }},
		"of several that are named": {interconnect.Connect, func(want *interconnect.Connection) {
			want.Acceptor.ProbeID, want.Acceptor.Targets = "i-2", []string{"i-3"}
		}},
		"of a check of several, named": {interconnect.Verify, func(want *interconnect.Connection) {
			want.Acceptor.ProbeID, want.Acceptor.Targets = "i-2", []string{"i-3"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			third := c.instances[1]
			third.ID, third.PrivateIP = "i-3", netip.MustParseAddr("172.16.0.11")
			if tt.change != nil {
				c.instances = append(c.instances, third)
			}
			c.answer = func(from string, _ int) (string, int, string) {
				return reply + "next-target 172.16.0.11\n" + reply, 0, ""
			}
			l := live(t, c, tt.change).connect()
			first := l.message(tt.action, "another")
			back := l.handle(first)
			require.Len(t, back, 1)
			c.instances = nil // whatever is read now says that nobody is there
			l.pass(time.Second)
			c.reads.take()
			v := l.run(back[0])
			require.Equal(t, interconnect.VerdictConnected, v.Outcome, v.Why)
			by, _ := c.reads.take()
			require.Equal(t, 2, by["Invocations"])
			require.Zero(t, by["Instances"]+by["InstancesByID"]+by["AgentsOnline"])
		})
	}
}

func TestATwinOfAFirstMessageStartsNothingMore(t *testing.T) {
	t.Parallel()
	for name, apart := range map[string]time.Duration{"at once": 0, "a moment later": 700 * time.Millisecond} {
		for _, a := range []interconnect.Action{interconnect.Connect, interconnect.Verify} {
			t.Run(fmt.Sprintf("%s, %s", a, name), func(t *testing.T) {
				t.Parallel()
				l := live(t, newCloud().made(), nil).connect()
				m := l.message(a, "twins")
				one := l.handle(m)
				l.now = l.now.Add(apart)
				two := l.handle(m)
				l.pass(time.Second)
				require.Len(t, one, 1)
				for _, back := range append(two, one...) {
					require.Equal(t, interconnect.VerdictConnected, l.run(back).Outcome)
				}
				require.Len(t, l.c.commands, 2)
			})
		}
	}
}

func TestAScriptOfOtherInstancesIsNoAnswer(t *testing.T) {
	t.Parallel()
	l := live(t, newCloud().made(), nil).connect()
	m := l.message(interconnect.Verify, "moved")
	back := l.handle(m)
	require.Len(t, back, 1)
	// The acceptor's instance went before its command was started: what the
	// initiator's prints is of an address that stands for nobody any more.
	l.c.invocations = slices.DeleteFunc(l.c.invocations, func(v interconnect.Invocation) bool {
		return v.InstanceID == "i-2" && v.CommandName[len(v.CommandName)-2:] == ".0"
	})
	l.c.instances[1].ID, l.c.instances[1].PrivateIP = "i-3", netip.MustParseAddr("172.16.0.11")
	l.c.answer = func(from string, _ int) (string, int, string) {
		if from == "i-1" && len(l.c.commands) > 2 {
			return noReply, 1, ""
		}
		return reply, 0, ""
	}
	l.pass(time.Second)
	v := l.run(back[0])
	require.NotEqual(t, interconnect.VerdictConnected, v.Outcome, "%+v", v.Pings)
	for _, p := range v.Pings {
		require.NotEqual(t, "172.16.0.10", p.Target)
	}
}
