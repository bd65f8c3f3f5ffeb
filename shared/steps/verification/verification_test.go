package verification_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/verification"
)

func TestAPingEachWay(t *testing.T) {
	t.Parallel()
	for _, a := range []interconnect.Action{interconnect.Connect, interconnect.Verify} {
		c := newCloud().made()
		v := verdict(t, c, task(a))
		require.Equal(t, interconnect.VerdictConnected, v.Outcome)
		require.Empty(t, v.Why)
		require.Empty(t, v.Drift)
		require.Equal(t, []interconnect.Ping{
			{From: interconnect.Initiator, InstanceID: "i-1", Source: "192.168.0.10", Target: "172.16.0.10", Sent: 4, Received: 4, MinMs: 28, AvgMs: 28.1, MaxMs: 28.3},
			{From: interconnect.Acceptor, InstanceID: "i-2", Source: "172.16.0.10", Target: "192.168.0.10", Sent: 4, Received: 4, MinMs: 28, AvgMs: 28.1, MaxMs: 28.3},
		}, v.Pings)
		require.Len(t, c.commands, 2)
		for _, cmd := range c.commands {
			require.LessOrEqual(t, len(cmd.Name), 128)
			require.True(t, strings.HasPrefix(cmd.Name, mark+"."))
		}

		require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(a)).Outcome)
		require.Len(t, c.commands, 2, "the same message again runs nothing again")
	}
}

func TestEachCheckPingsAnew(t *testing.T) {
	t.Parallel()
	c := newCloud()
	first, second := task(interconnect.Verify), task(interconnect.Verify)
	second.Message.Trace = "another"
	require.Equal(t, interconnect.VerdictConnected, verdict(t, c, first).Outcome)
	c.answer = func(string, int) (string, int, string) { return noReply, 1, "" }
	require.Equal(t, interconnect.VerdictBlocked, verdict(t, c, second).Outcome, "not answered with the ping of before")
}

func TestAMessageThatComesAgainMuchLaterPingsAnew(t *testing.T) {
	t.Parallel()
	c := newCloud()
	require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(interconnect.Connect)).Outcome)
	c.answer = func(string, int) (string, int, string) { return noReply, 1, "" }
	c.late = 6 * time.Minute
	again := task(interconnect.Connect)
	again.Now = again.Now.Add(c.late)
	again.Message.StartedAt = again.Now.Add(-c.late) // it was handled before, and comes once more
	require.Equal(t, interconnect.VerdictBlocked, verdict(t, c, again).Outcome, "what was true six minutes ago is no answer")
}

func TestAPingThatPassesLaterIsConnected(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.answer = func(from string, try int) (string, int, string) {
		if from == "i-2" && try < 3 {
			return noReply, 1, ""
		}
		return reply, 0, ""
	}
	require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(interconnect.Connect)).Outcome)
	require.Len(t, c.commands, 8)
}

func TestAPingThatPassesOneWayOnly(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.answer = func(from string, _ int) (string, int, string) {
		if from == "i-2" {
			return noReply, 1, ""
		}
		return reply, 0, ""
	}
	job := task(interconnect.Connect)
	v := verdict(t, c, job)
	require.Equal(t, interconnect.VerdictOneWay, v.Outcome)
	require.Contains(t, v.Why, "from i-2 to i-1")
	require.InDelta(t, 60, job.Now.Sub(chaintest.Start).Seconds(), 5)
}

func TestWhatCloudAssistantCannotRunProvesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		output string
		exit   int
		code   string
		says   string
	}{
		"the agent stopped": {"", 0, "ClientNotRunning", "ClientNotRunning"},
		"it took too long":  {"", 0, "ExecutionTimeout", "ExecutionTimeout"},
		"there is no ping":  {"sh: 1: ping: not found", 127, "", "127"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.answer = func(string, int) (string, int, string) { return tt.output, tt.exit, tt.code }
			v := verdict(t, c, task(interconnect.Connect))
			require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
			require.Contains(t, v.Why, tt.says)
		})
	}
}

func TestOneWayWithoutReplyCountsMoreThanOneThatCouldNotBeRun(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.answer = func(from string, _ int) (string, int, string) {
		if from == "i-1" {
			return "", 0, "ClientNotRunning"
		}
		return noReply, 1, ""
	}
	require.Equal(t, interconnect.VerdictBlocked, verdict(t, c, task(interconnect.Connect)).Outcome)
}

func TestWhichInstanceIsTheProbe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(c *cloud, want *interconnect.Connection)
		probe  string // the initiator's; "": none
		why    string
	}{
		"the one that is there": {func(*cloud, *interconnect.Connection) {}, "i-1", ""},
		"the lowest id of two": {func(c *cloud, _ *interconnect.Connection) {
			other := c.instances[0]
			other.ID, other.PrivateIP = "i-0", netip.MustParseAddr("192.168.0.9")
			c.instances = append(c.instances, other)
		}, "i-0", ""},
		"one in a group of the request before a lower id": {func(c *cloud, _ *interconnect.Connection) {
			other := c.instances[0]
			other.ID, other.SecurityGroupIDs = "i-0", []string{"sg-other"}
			c.instances = append(c.instances, other)
		}, "i-1", ""},
		"one outside the groups if there is no other": {func(c *cloud, _ *interconnect.Connection) { c.instances[0].SecurityGroupIDs = nil }, "i-1", ""},
		"none that is stopped":                        {func(c *cloud, _ *interconnect.Connection) { c.instances[0].Running = false }, "", "initiator"},
		"none that runs Windows":                      {func(c *cloud, _ *interconnect.Connection) { c.instances[0].OSType = "windows" }, "", "Linux"},
		"none whose agent is offline":                 {func(c *cloud, _ *interconnect.Connection) { c.offline = []string{"i-1"} }, "", "Cloud Assistant"},
		"none outside the blocks":                     {func(c *cloud, _ *interconnect.Connection) { c.instances[0].PrivateIP = netip.MustParseAddr("10.0.0.1") }, "", "blocks"},
		"the one that the request names":              {func(_ *cloud, want *interconnect.Connection) { want.Initiator.ProbeID = "i-1" }, "i-1", ""},
		"not another in place of a named one":         {func(_ *cloud, want *interconnect.Connection) { want.Initiator.ProbeID = "i-9" }, "", "i-9"},
		"a named one that is stopped": {func(c *cloud, want *interconnect.Connection) {
			want.Initiator.ProbeID, c.instances[0].Running = "i-1", false
		}, "", "not running"},
		"a named one of another VPC": {func(_ *cloud, want *interconnect.Connection) { want.Initiator.ProbeID = "i-2" }, "", "not in VPC vpc-1"},
		"a named one that is offline": {func(c *cloud, want *interconnect.Connection) {
			want.Initiator.ProbeID, c.offline = "i-1", []string{"i-1"}
		}, "", "not online"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, job := newCloud(), task(interconnect.Connect)
			tt.change(c, job.Want)
			v := verdict(t, c, job)
			if tt.probe != "" {
				require.Equal(t, interconnect.VerdictConnected, v.Outcome, v.Why)
				require.Equal(t, tt.probe, v.Pings[0].InstanceID)
				return
			}
			require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
			require.True(t, v.Analyzed)
			require.Contains(t, v.Why, tt.why)
			for _, cmd := range c.commands {
				require.Equal(t, "i-2", cmd.InstanceID, "the other side pings all the same, once, if there is what it can ping")
			}
			require.LessOrEqual(t, c.calls, 1)
		})
	}
}

func TestRunCommandThatFails(t *testing.T) {
	t.Parallel()
	t.Run("for good leaves it unproven", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.before = func() error { return fail(interconnect.Denied, "RunCommand", "Forbidden.RAM") }
		v := verdict(t, c, task(interconnect.Connect))
		require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
		require.Contains(t, v.Why, "Forbidden.RAM")
	})
	t.Run("for now is waited for", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.before = func() error { return fail(interconnect.Throttled, "RunCommand", "Throttling") }
		require.Equal(t, chain.KindWait, verification.New(c).Run(context.Background(), task(interconnect.Connect)).Kind)
	})
	t.Run("but was done is found again", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.after = func() error { return fail(interconnect.Transient, "RunCommand", "InternalError.Dispatch") }
		require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(interconnect.Connect)).Outcome)
		require.Len(t, c.commands, 2)
	})
	t.Run("and is listed late runs once all the same", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.lag = 4
		require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(interconnect.Connect)).Outcome)
		require.Len(t, c.commands, 2)
	})
}

func TestADisconnectIsProved(t *testing.T) {
	t.Parallel()
	silent := func(string, int) (string, int, string) { return noReply, 1, "" }
	t.Run("nothing left, no ping passes, a minute after the request", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.answer = silent
		job := disconnecting()
		v := verdict(t, c, job)
		require.Equal(t, interconnect.VerdictIsolated, v.Outcome)
		require.GreaterOrEqual(t, job.Now.Sub(job.Record.UpdatedAt), time.Minute)
		require.Len(t, c.commands, 2)
		require.Equal(t, int32(4), c.looks.Load(), "it looks before the pings and at the end, not while it waits")
	})
	t.Run("a ping that still passes is tried again, then told", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		v := verdict(t, c, disconnecting())
		require.Equal(t, interconnect.VerdictConnected, v.Outcome)
		require.Contains(t, v.Why, "something else joins")
	})
	t.Run("what somebody else made and joins them is named", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.interfaces = []interconnect.RouterInterface{
			{ID: "ri-x", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-y", Status: "Active"},
			{ID: "ri-y", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-x", Status: "Active"},
		}
		v := verdict(t, c, disconnecting())
		require.Equal(t, interconnect.VerdictConnected, v.Outcome)
		require.Contains(t, v.Why, "ri-x")
	})
	t.Run("so is a peering that somebody else made", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.peerings = []interconnect.PeeringConnection{{ID: "pcc-x", VpcID: "vpc-2", AcceptingVpcID: "vpc-1", Status: "Activated"}}
		v := verdict(t, c, disconnecting())
		require.Equal(t, interconnect.VerdictConnected, v.Outcome)
		require.Contains(t, v.Why, "pcc-x")
	})
	t.Run("without a probe it is not shown", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.instances = nil
		v := verdict(t, c, disconnecting())
		require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
		require.Contains(t, v.Why, "Nothing of ours is left")
	})
	for name, leave := range map[string]func(c *cloud){
		"an interface": func(c *cloud) {
			c.interfaces = []interconnect.RouterInterface{{ID: "left", RouterID: "vrt-1", OppositeRouterID: "vrt-2", Name: mark, Status: "Idle"}}
		},
		"a peering": func(c *cloud) {
			c.peerings = []interconnect.PeeringConnection{{ID: "left", VpcID: "vpc-1", AcceptingVpcID: "vpc-2", Name: mark, Status: "Activated"}}
		},
		"a route": func(c *cloud) {
			c.entries = []interconnect.RouteEntry{{ID: "left", RouteTableID: "vtb-2", Destination: netip.MustParsePrefix("10.0.0.0/8"), Name: mark, Status: "Available"}}
		},
		"a rule": func(c *cloud) { c.rules = []interconnect.Rule{{ID: "left", GroupID: "sg-1", Description: mark}} },
	} {
		t.Run(name+" of ours that stays is listed", func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.answer = silent
			leave(c)
			out, err := chaintest.Drive(verification.New(c), disconnecting(), c.tick)
			require.NoError(t, err)
			require.Equal(t, chain.KindReject, out.Kind)
			require.Len(t, out.Leftovers, 1)
			require.Equal(t, "left", out.Leftovers[0].Resource)
		})
		t.Run(name+" of ours that goes late is waited for", func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.answer = silent
			leave(c)
			job := disconnecting()
			out, err := chaintest.Drive(verification.New(c), job, func() {
				c.tick()
				if c.ticks == 30 {
					c.interfaces, c.peerings, c.entries, c.rules = nil, nil, nil, nil
				}
			})
			require.NoError(t, err)
			require.Equal(t, chain.KindDone, out.Kind)
			require.Equal(t, interconnect.VerdictIsolated, out.Verdict.Outcome)
		})
	}
	t.Run("something late that lands within the minute is seen", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.answer = silent
		out, err := chaintest.Drive(verification.New(c), disconnecting(), func() {
			c.tick()
			if c.ticks == 50 {
				c.rules = []interconnect.Rule{{ID: "late", GroupID: "sg-1", Description: mark}}
			}
		})
		require.NoError(t, err)
		require.Equal(t, chain.KindReject, out.Kind)
		require.Equal(t, "late", out.Leftovers[0].Resource)
	})
}

func TestAPruneLooksASecondTimeWhenNothingLateCanAppear(t *testing.T) {
	t.Parallel()
	for name, rollback := range map[string]bool{"a changed request: a minute after it was written": false, "a rollback: a minute after it came here": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			job := task(interconnect.Prune)
			job.Record.UpdatedAt = chaintest.Start
			if rollback {
				job.Message.Target = interconnect.TargetConnected
				job.Record.UpdatedAt = chaintest.Start.Add(-time.Hour)
			}
			verdict(t, c, job)
			require.GreaterOrEqual(t, job.Now.Sub(chaintest.Start), time.Minute)
		})
	}
}

func TestAPruneOfAChangedRequestPingsOnceMore(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.rules = []interconnect.Rule{{
		ID: "sgr-1", GroupID: "sg-1", Direction: interconnect.Ingress, Protocol: "ICMP", PortRange: "-1/-1",
		PeerBlock: netip.MustParsePrefix("172.16.0.0/16"), Policy: "accept", Priority: 1, Description: mark,
	}}
	require.Equal(t, interconnect.VerdictConnected, verdict(t, c, task(interconnect.Connect)).Outcome)
	job := task(interconnect.Prune)
	require.Equal(t, interconnect.VerdictConnected, verdict(t, c, job).Outcome)
	require.Len(t, c.commands, 4)
	require.Less(t, job.Now.Sub(chaintest.Start), 90*time.Second)
	require.Equal(t, interconnect.Verification, verification.New(c).Step())
}
