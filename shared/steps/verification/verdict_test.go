package verification_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
)

func silent(string, int) (string, int, string) { return noReply, 1, "" }

func TestABlockedVerdictNamesTheThingItsIDAndTheMend(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change  func(c *cloud)
		answer  func(from string, try int) (string, int, string)
		outcome interconnect.VerdictOutcome
		layer   string
		side    interconnect.Role
		id      string
		drift   interconnect.DriftKind // the first; "": none
		likely  bool
	}{
		"a route that is gone": {func(c *cloud) { c.entries = c.entries[1:] }, silent,
			interconnect.VerdictBlocked, "route", interconnect.Initiator, "vtb-1", interconnect.DriftMissing, false},
		"a rule that is gone": {func(c *cloud) { c.rules = c.rules[:1] }, func(from string, _ int) (string, int, string) {
			if from == "i-1" {
				return noReply, 1, ""
			}
			return reply, 0, ""
		}, interconnect.VerdictOneWay, "security group ingress", interconnect.Acceptor, "sg-2", interconnect.DriftMissing, false},
		"an interface that is not active": {func(c *cloud) { c.interfaces[1].Status, c.interfaces[0].OppositeStatus = "Inactive", "Inactive" }, silent,
			interconnect.VerdictBlocked, "peering", interconnect.Acceptor, "ri-2", interconnect.DriftChanged, false},
		"a network ACL": {func(c *cloud) { c.acls = map[string]string{"vsw-2": "nacl-1"} }, silent,
			interconnect.VerdictBlocked, "network ACL", interconnect.Acceptor, "nacl-1", "", false},
		"a bridge inside a guest": {func(*cloud) {}, func(from string, _ int) (string, int, string) {
			if from == "i-1" {
				return noReply + "172.16.0.10 dev docker0 src 172.16.0.1 uid 0\n    cache\n", 0, ""
			}
			return noReply + "192.168.0.10 via 172.16.0.253 dev eth0 src 172.16.0.10 uid 0\n    cache\n", 0, ""
		}, interconnect.VerdictBlocked, "guest", interconnect.Initiator, "i-1", "", false},
		"a firewall inside a guest, when all else is ruled out": {func(*cloud) {}, silent,
			interconnect.VerdictBlocked, "guest", interconnect.Acceptor, "i-2", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			tt.change(c)
			c.answer = tt.answer
			v := verdict(t, c, task(interconnect.Verify))
			require.Equal(t, tt.outcome, v.Outcome, v.Why)
			require.NotNil(t, v.Stop)
			require.Equal(t, tt.layer, v.Stop.Layer, v.Why)
			require.Equal(t, tt.side, v.Stop.Side)
			require.Equal(t, tt.id, v.Stop.Resource)
			require.Equal(t, tt.likely, v.Stop.Likely)
			require.Contains(t, v.Why, tt.id)
			require.NotEmpty(t, v.Stop.Mend)
			require.Contains(t, v.Why, v.Stop.Mend)
			if tt.drift == "" {
				require.Empty(t, v.Drift)
				return
			}
			require.Equal(t, tt.drift, v.Drift[0].Kind)
			require.True(t, v.Mendable())
		})
	}
}

func TestDriftIsFoundThoughPingsPass(t *testing.T) {
	t.Parallel()
	later := func(c *cloud) {
		c.blocks = map[string][]netip.Prefix{"vpc-2": {netip.MustParsePrefix("10.8.0.0/16")}}
	}
	less := func(c *cloud) { c.rules = c.rules[1:] }
	for name, tt := range map[string]struct {
		change func(c *cloud)
		repair interconnect.Repair
		check  bool
		drift  interconnect.DriftKind
	}{
		"a rule that somebody's wider one replaces":  {less, interconnect.RepairAuto, true, interconnect.DriftMissing},
		"reported if that is asked for":              {less, interconnect.RepairReport, true, interconnect.DriftMissing},
		"not looked for if that is asked for":        {less, interconnect.RepairOff, true, ""},
		"nor by the connect itself, that just ended": {less, interconnect.RepairAuto, false, ""},
		"a block that came later":                    {later, interconnect.RepairReport, true, interconnect.DriftUncovered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			tt.change(c)
			job := task(interconnect.Connect)
			if tt.check {
				job = task(interconnect.Verify)
			}
			job.Want.Repair = tt.repair
			v := verdict(t, c, job)
			require.Equal(t, interconnect.VerdictConnected, v.Outcome)
			require.Nil(t, v.Stop)
			if tt.drift == "" {
				require.Empty(t, v.Drift)
				return
			}
			require.Equal(t, tt.drift, v.Drift[0].Kind)
			if v.Mendable() {
				require.Contains(t, v.Why, v.Drift[0].Sentence)
			}
		})
	}
}

// opened is the tutorial's connection with TCP ports, and several probes.
func opened(allow ...interconnect.Allow) *interconnect.Connection {
	c := chaintest.Tutorial()
	c.Acceptor.SecurityGroups[0].Allow = allow
	return c
}

func port(n string) interconnect.Allow {
	return interconnect.Allow{Protocol: "TCP", PortRange: n + "/" + n}
}

var ping = interconnect.Allow{Protocol: "ICMP", PortRange: "-1/-1"}

func TestThePortsOfTheRequestAreConnectedTo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		allow   []interconnect.Allow
		exits   string // of each port, at i-2
		pings   int    // from i-1
		outcome interconnect.VerdictOutcome
		fates   []interconnect.PortFate
	}{
		"open":                                   {[]interconnect.Allow{ping, port("5432")}, "tcp-port 5432 0\n", 1, interconnect.VerdictConnected, []interconnect.PortFate{"open"}},
		"nothing listens, which proves as much":  {[]interconnect.Allow{ping, port("5432")}, "bash: connect: Connection refused\ntcp-port 5432 1\n", 1, interconnect.VerdictConnected, []interconnect.PortFate{"refused"}},
		"one of two gets no answer":              {[]interconnect.Allow{ping, port("5432"), port("80")}, "tcp-port 80 0\ntcp-port 5432 124\n", 1, interconnect.VerdictBlocked, []interconnect.PortFate{"open", "filtered"}},
		"no ping where none is let in":           {[]interconnect.Allow{port("5432")}, "tcp-port 5432 0\n", 0, interconnect.VerdictConnected, []interconnect.PortFate{"open"}},
		"a guest without bash, but with a ping":  {[]interconnect.Allow{ping, port("5432")}, "tcp-port 5432 127\n", 1, interconnect.VerdictConnected, []interconnect.PortFate{"untried"}},
		"a guest without bash, and without ping": {[]interconnect.Allow{port("5432")}, "tcp-port 5432 127\n", 0, interconnect.VerdictUnproven, []interconnect.PortFate{"untried"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			for _, a := range tt.allow {
				c.rules = append(c.rules, interconnect.Rule{ID: "sgr-" + a.PortRange, GroupID: "sg-2", Direction: interconnect.Ingress, Protocol: a.Protocol, PortRange: a.PortRange,
					PeerBlock: netip.MustParsePrefix("192.168.0.0/16"), Policy: "accept", Priority: 1, Description: mark})
			}
			c.answer = func(from string, _ int) (string, int, string) {
				if from == "i-2" {
					return reply, 0, ""
				}
				return strings.Repeat(reply, tt.pings) + tt.exits, 0, ""
			}
			v := verdict(t, c, chaintest.Task(chaintest.Record(opened(tt.allow...)), interconnect.Connect))
			require.Equal(t, tt.outcome, v.Outcome, v.Why)
			var fates []interconnect.PortFate
			for _, p := range v.Ports {
				require.Equal(t, interconnect.Initiator, p.From)
				require.Equal(t, "172.16.0.10", p.Target)
				fates = append(fates, p.Fate)
			}
			require.Equal(t, tt.fates, fates)
			require.Len(t, v.Pings, tt.pings+1)
			if tt.outcome == interconnect.VerdictBlocked {
				require.Contains(t, v.Why, "5432")
			}
		})
	}
}

func TestSeveralInstancesAreProbed(t *testing.T) {
	t.Parallel()
	c := newCloud().made()
	second := c.instances[1]
	second.ID, second.PrivateIP = "i-3", netip.MustParseAddr("172.16.0.11")
	c.instances = append(c.instances, second)
	want := chaintest.Tutorial()
	want.Acceptor.ProbeID, want.Acceptor.Targets, want.Initiator.Packets = "i-2", []string{"i-3"}, 7
	c.answer = func(from string, _ int) (string, int, string) {
		if from == "i-2" {
			return reply, 0, ""
		}
		return reply + "next-target 172.16.0.11\n" + noReply, 0, ""
	}
	v := verdict(t, c, chaintest.Task(chaintest.Record(want), interconnect.Verify))
	require.Equal(t, interconnect.VerdictBlocked, v.Outcome)
	require.Contains(t, v.Why, "from i-1 to i-3")
	require.Len(t, v.Pings, 3)
	for _, cmd := range c.commands {
		require.NotEqual(t, "i-3", cmd.InstanceID, "the first pings")
		if cmd.InstanceID == "i-1" {
			require.Contains(t, cmd.Script, "ping -c 7 ")
			require.Contains(t, cmd.Script, "172.16.0.11")
		}
	}
}

func TestWithoutAnInstanceTheAnalysisSpeaksAndSaysSo(t *testing.T) {
	t.Parallel()
	nobody := func(c *cloud) { c.instances = c.instances[1:] }
	for name, tt := range map[string]struct {
		change func(c *cloud)
		layer  string // "": nothing stops it
		id     string
	}{
		"all passes by the configuration": {nobody, "", ""},
		"a route is gone":                 {func(c *cloud) { nobody(c); c.entries = slices.Delete(c.entries, 1, 2) }, "route", "vtb-2"},
		"an interface is not active": {func(c *cloud) {
			nobody(c)
			c.interfaces[0].Status, c.interfaces[1].OppositeStatus = "Inactive", "Inactive"
		}, "peering", "ri-1"},
		"the only instance is stopped": {func(c *cloud) { c.instances[0].Running = false }, "instance", "i-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud().made()
			tt.change(c)
			v := verdict(t, c, task(interconnect.Verify))
			require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
			require.True(t, v.Analyzed)
			require.Contains(t, v.Why, "what the cloud reports", v.Why)
			if tt.layer == "" {
				require.Nil(t, v.Stop, v.Why)
				return
			}
			require.NotNil(t, v.Stop, v.Why)
			require.Equal(t, tt.layer, v.Stop.Layer)
			require.Equal(t, tt.id, v.Stop.Resource)
		})
	}
}

func TestWhatCannotBeReadIsSaidAndComparesNothing(t *testing.T) {
	t.Parallel()
	c := newCloud().made()
	c.acls = map[string]string{"vsw-1": "nacl-1"}
	c.unread = map[string]error{"nacl-1": fail(interconnect.Denied, "DescribeNetworkAclAttributes", "Forbidden.RAM")}
	c.rules = c.rules[1:]
	v := verdict(t, c, task(interconnect.Verify))
	require.Equal(t, interconnect.VerdictConnected, v.Outcome)
	require.Empty(t, v.Drift, "what was not read would seem to be missing")
	require.Contains(t, v.Why, "could not be compared")

	busy := newCloud().made()
	busy.unread = map[string]error{"VPC": fail(interconnect.Throttled, "DescribeVpcAttribute", "Throttling")}
	job := task(interconnect.Verify)
	v = verdict(t, busy, job)
	require.Contains(t, v.Why, "could not be compared", "it is not waited for without end")
	require.InDelta(t, 120, job.Now.Sub(chaintest.Start).Seconds(), 5)
}
