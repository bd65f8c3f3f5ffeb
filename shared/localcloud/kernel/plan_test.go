package kernel

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

func TestThePlanOfTwoJoinedVPCs(t *testing.T) {
	t.Parallel()
	p := newPlan(newLab(t, engine.Options{}).Topology())
	require.Equal(t, []string{"vpc-a", "vpc-b"}, sortedKeys(p.routers))
	require.Equal(t, []string{"i-a1", "i-a2", "i-b"}, sortedKeys(p.guests))
	require.Equal(t, map[string]*wire{"ri-a": {
		ends: [2]string{"vpc-a", "vpc-b"}, device: short("w", "ri-a"), mbps: 2, delay: dataplane.OneWay("cn-qingdao", "cn-beijing"),
	}}, p.wires)

	table, one, two := tableNumber("vtb-a"), p.guests["i-a1"].port, p.guests["i-a2"].port
	r := p.routers["vpc-a"]
	want := []string{
		fmt.Sprintf("priority 1000 iif %s lookup %d", one, table), fmt.Sprintf("priority 1000 iif %s lookup %d", two, table), "priority 2000 lookup 100",
	}
	require.ElementsMatch(t, want, r.rules)
	require.Equal(t, map[string]string{
		"192.168.1.10/32 table 100":                   "dev " + one,
		"192.168.2.10/32 table 100":                   "dev " + two,
		"0.0.0.0/0 table 100":                         "blackhole",
		fmt.Sprintf("0.0.0.0/0 table %d", table):      "blackhole",
		fmt.Sprintf("172.16.0.0/16 table %d", table):  "dev " + short("w", "ri-a"),
		fmt.Sprintf("192.168.1.0/24 table %d", table): "throw",
		fmt.Sprintf("192.168.2.0/24 table %d", table): "throw",
		fmt.Sprintf("100.64.0.0/10 table %d", table):  "blackhole",
	}, r.routes)

	g := p.guests["i-b"]
	require.Equal(t, []string{
		"link set dev eth0 down", "link set dev eth0 mtu 1500 arp off up", "address replace 172.16.1.10/24 dev eth0",
		"route replace default via 172.16.1.253 dev eth0 onlink",
	}, g.eth0)
	require.Equal(t, []int{5432}, g.listen)
	require.Empty(t, g.firewall)
	require.Empty(t, g.bridges)
}

func TestWhereARouteLeads(t *testing.T) {
	t.Parallel()
	toB := fmt.Sprintf("172.16.0.0/16 table %d", tableNumber("vtb-a"))
	for _, c := range []struct {
		name   string
		change func(t *engine.Topology)
		leads  string
	}{
		{"over the wire", func(*engine.Topology) {}, "dev " + short("w", "ri-a")},
		{"nowhere, if the near interface is not Active", func(t *engine.Topology) { t.RouterInterfaces[0].Status = "Inactive" }, "blackhole"},
		{"nowhere, if the far interface is locked", func(t *engine.Topology) { t.RouterInterfaces[1].BusinessStatus = "FinancialLocked" }, "blackhole"},
		{"nowhere, if the far interface names another", func(t *engine.Topology) { t.RouterInterfaces[1].OppositeID = "ri-x" }, "blackhole"},
		{"nowhere, if the interface is gone", func(t *engine.Topology) { t.RouterInterfaces = t.RouterInterfaces[1:] }, "blackhole"},
		{"nowhere, if the interface is the other VPC's", func(t *engine.Topology) { entryToB(t).NextHops[0].ID = "ri-b" }, "blackhole"},
		{"nowhere, to what this cloud has not", func(t *engine.Topology) { entryToB(t).NextHops[0] = engine.NextHop{Type: "NatGateway", ID: "ngw-1"} }, "blackhole"},
		{"to the VPC's own addresses", func(t *engine.Topology) { entryToB(t).NextHops[0] = engine.NextHop{Type: "local"} }, "throw"},
		{"nowhere yet, while it is being made", func(t *engine.Topology) { entryToB(t).Status = engine.StatusPending }, ""},
		{"over a peering connection", func(t *engine.Topology) {
			t.PeerConnections = []engine.PeerConnection{{ID: "pcc-1", VpcID: "vpc-b", AcceptingVpcID: "vpc-a", Status: engine.PeerUpdating, BusinessStatus: "Normal", Bandwidth: -1}}
			entryToB(t).NextHops[0] = engine.NextHop{Type: "VpcPeer", ID: "pcc-1"}
		}, "dev " + short("w", "pcc-1")},
		{"nowhere, if the peering connection is not activated", func(t *engine.Topology) {
			t.PeerConnections = []engine.PeerConnection{{ID: "pcc-1", VpcID: "vpc-b", AcceptingVpcID: "vpc-a", Status: "Accepting", BusinessStatus: "Normal"}}
			entryToB(t).NextHops[0] = engine.NextHop{Type: "VpcPeer", ID: "pcc-1"}
		}, "blackhole"},
		{"over those of several hops that carry", func(t *engine.Topology) {
			e := entryToB(t)
			e.NextHops = append(e.NextHops, engine.NextHop{Type: "RouterInterface", ID: "ri-gone"}, e.NextHops[0])
		}, "nexthop dev " + short("w", "ri-a") + " nexthop dev " + short("w", "ri-a")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			topology := newLab(t, engine.Options{}).Topology()
			c.change(topology)
			require.Equal(t, c.leads, newPlan(topology).routers["vpc-a"].routes[toB])
		})
	}
}

// entryToB is the lab's route from vpc-a to vpc-b, which the test alone has.
func entryToB(t *engine.Topology) *engine.RouteEntry {
	n := slices.IndexFunc(t.RouteEntries, func(e engine.RouteEntry) bool { return e.TableID == "vtb-a" && e.Type == "Custom" })
	t.RouteEntries[n].NextHops = slices.Clone(t.RouteEntries[n].NextHops)
	return &t.RouteEntries[n]
}

func TestWhatIsNotRunningHasNoNamespace(t *testing.T) {
	t.Parallel()
	topology := newLab(t, engine.Options{}).Topology()
	topology.Instances[0].Status = engine.InstanceStopped
	p := newPlan(topology)
	require.Equal(t, []string{"i-a2", "i-b"}, sortedKeys(p.guests))
	require.NotContains(t, p.routers["vpc-a"].routes, "192.168.1.10/32 table 100")
}

func TestWhatAGuestIsMadeOf(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	l.guest("i-a1", func(g *engine.GuestFacts) {
		g.DropICMP, g.DropTCP = true, []engine.PortRange{{From: 1, To: 1023}, engine.AnyPort}
		g.InterfaceDown, g.MTU, g.ReversePath = true, 68, engine.ReversePathStrict
		g.Routes = []engine.GuestRoute{
			{Destination: block("172.16.0.0/12"), Device: "docker0"}, {Destination: block("10.9.0.0/16"), Device: "docker0"},
			{Destination: block("10.0.0.0/8"), Device: "a name; reboot"}, {Destination: block("10.1.1.1/32"), Device: "br1"},
			{Destination: block("192.168.1.0/24"), Device: "br2"},
		}
	})
	g := newPlan(l.Topology()).guests["i-a1"]
	require.Equal(t, "link set dev eth0 mtu 68 arp off up", g.eth0[1])
	require.Equal(t, "link set dev eth0 down", g.eth0[len(g.eth0)-1])
	require.Equal(t, "1", g.settings["conf/eth0/rp_filter"])
	other := short("b", "a name; reboot")
	require.Equal(t, map[string][]string{
		"docker0": {"link add dev docker0 type bridge", "link set dev docker0 up", "address add 172.16.0.1/12 dev docker0", "address add 10.9.0.1/16 dev docker0"},
		other:     {"link add dev " + other + " type bridge", "link set dev " + other + " up", "address add 10.0.0.1/8 dev " + other},
		"br1":     {"link add dev br1 type bridge", "link set dev br1 up", "route add 10.1.1.1/32 dev br1"},
	}, g.bridges, "its own vSwitch needs no other route, and no name gets into a command that is not a device's")
	require.Contains(t, g.firewall, "icmp type echo-request drop")
	require.Contains(t, g.firewall, "ip protocol tcp th dport 1-1023 drop")
	require.Contains(t, g.firewall, "\t\tip protocol tcp drop")
}

func TestHowARuleIsMatched(t *testing.T) {
	t.Parallel()
	b := builder{Topology: &engine.Topology{}}
	any := engine.AnyPort
	ssh := engine.PortRange{From: 22, To: 22}
	for _, c := range []struct {
		name  string
		rule  engine.SecurityRule
		match string // "": nothing can match it
	}{
		{"ICMP from a block", engine.SecurityRule{Protocol: "ICMP", Ports: any, SourcePorts: any, Peer: block("10.0.0.0/8")}, "ip protocol icmp ip saddr 10.0.0.0/8"},
		{"TCP to a block", engine.SecurityRule{Egress: true, Protocol: "TCP", Ports: ssh, SourcePorts: any, Peer: block("10.0.0.0/8")}, "ip protocol tcp th dport 22-22 ip daddr 10.0.0.0/8"},
		{"from certain ports to a part of one's own side", engine.SecurityRule{Protocol: "UDP", Ports: ssh, SourcePorts: ssh, Peer: block("0.0.0.0/0"), Own: block("10.1.0.0/16")},
			"ip protocol udp th dport 22-22 th sport 22-22 ip daddr 10.1.0.0/16 ip saddr 0.0.0.0/0"},
		{"all protocols", engine.SecurityRule{Protocol: "ALL", Ports: any, SourcePorts: any, Peer: block("10.0.0.0/8")}, "ip saddr 10.0.0.0/8"},
		{"all protocols that have ports", engine.SecurityRule{Protocol: "ALL", Ports: any, SourcePorts: ssh, Peer: block("10.0.0.0/8")}, "ip protocol { tcp, udp } th sport 22-22 ip saddr 10.0.0.0/8"},
		{"ICMP has no ports", engine.SecurityRule{Protocol: "ICMP", Ports: any, SourcePorts: ssh, Peer: block("10.0.0.0/8")}, ""},
		{"IPv6 is not carried", engine.SecurityRule{Protocol: "ICMPv6", Ports: any, SourcePorts: any, Peer: block("10.0.0.0/8")}, ""},
		{"nor is it from an IPv6 block", engine.SecurityRule{Protocol: "ALL", Ports: any, SourcePorts: any, Peer: block("::/0")}, ""},
		{"a group without members", engine.SecurityRule{Protocol: "ALL", Ports: any, SourcePorts: any, PeerGroupID: "sg-x"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			match, possible := b.ruleMatch(c.rule)
			require.Equal(t, c.match != "", possible)
			if possible {
				require.Equal(t, c.match, match)
			}
		})
	}
}

func TestAGroupStandsForItsMembersAddresses(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	l.rules("sg-a",
		engine.SecurityRule{Protocol: "ALL", Ports: engine.AnyPort, SourcePorts: engine.AnyPort, PeerGroupID: "sg-a2", Priority: 2},
		engine.SecurityRule{Protocol: "ALL", Ports: engine.AnyPort, SourcePorts: engine.AnyPort, PeerGroupID: "sg-b", Priority: 2, Drop: true})
	l.instance("i-b2", "vsw-b", "172.16.1.11", "sg-b")
	topology := l.Topology()
	topology.Instances[3].Status = engine.InstanceStopped // it is a member all the same
	p := newPlan(topology)
	_, rules, found := strings.Cut(p.routers["vpc-a"].filter, "chain "+p.guests["i-a1"].port+"_in {\n")
	require.True(t, found)
	rules, _, _ = strings.Cut(rules, "}\n\tchain")
	require.Equal(t, []string{
		"ip saddr { 172.16.1.10, 172.16.1.11 } drop", // of equal priority, drop comes first
		"ip saddr { 192.168.2.10 } return",
		"ip saddr { 192.168.1.10 } return", // members of a basic group reach each other
		"drop",
	}, strings.FieldsFunc(strings.ReplaceAll(rules, "\t", ""), func(r rune) bool { return r == '\n' }))
}

func TestNamesOfNamespaces(t *testing.T) {
	t.Parallel()
	require.Equal(t, "i-m5e1", spelt("i-m5e1"))
	for _, id := range []string{"i-../../etc", "i-" + strings.Repeat("x", 200), "i-a b", ""} {
		require.Regexp(t, `^x[0-9a-f]{12}$`, spelt(id))
	}
	require.Len(t, short("w", "x"), 13)
}

// Whatever a vRouter's routing is, the difference to another turns it into that
// one; and nothing is done where there is none.
func TestRoutingDifferencesLeadWhereTheyShould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) *router {
			where := rapid.SampledFrom([]string{"10.0.0.0/8 table 7", "10.1.0.0/16 table 7", "0.0.0.0/0 table 8", "10.0.0.0/8 table 8"})
			what := rapid.SampledFrom([]string{"blackhole", "throw", "dev w1", "dev w2", "nexthop dev w1 nexthop dev w2"})
			return &router{
				routes: rapid.MapOf(where, what).Draw(t, label),
				rules:  rapid.SliceOfDistinct(rapid.SampledFrom([]string{"priority 1 lookup 7", "priority 1 iif p1 lookup 8", "priority 2 lookup 9"}), func(s string) string { return s }).Draw(t, label+" rules"),
			}
		}
		from, to := draw("from"), draw("to")
		routes, rules := maps.Clone(from.routes), slices.Clone(from.rules)
		if routes == nil {
			routes = map[string]string{}
		}
		for _, c := range routingDifference(from, to) {
			verb, rest, _ := strings.Cut(c, " ")
			act, rest, _ := strings.Cut(rest, " ")
			switch verb + " " + act {
			case "rule add":
				require.NotContains(t, rules, rest)
				rules = append(rules, rest)
			case "rule del":
				require.Contains(t, rules, rest)
				rules = slices.DeleteFunc(rules, func(r string) bool { return r == rest })
			default:
				where, what := readRoute(rest)
				if act == "del" {
					require.Equal(t, routes[where], what)
					delete(routes, where)
					continue
				}
				require.Equal(t, "replace", act)
				require.NotEqual(t, routes[where], what)
				routes[where] = what
			}
		}
		require.Equal(t, len(to.routes), len(routes))
		for where, what := range to.routes {
			require.Equal(t, what, routes[where])
		}
		require.ElementsMatch(t, to.rules, rules)
		require.Empty(t, routingDifference(to, to))
	})
}

// readRoute takes a route apart as ip would: the type, if there is one, comes
// first, then destination and table, then the rest.
func readRoute(s string) (where, what string) {
	f := strings.Fields(s)
	if f[0] == "blackhole" || f[0] == "throw" {
		return strings.Join(f[1:], " "), f[0]
	}
	return strings.Join(f[:3], " "), strings.Join(f[3:], " ")
}

func TestWhatHasToBeMadeAnewIsTakenAwayFirst(t *testing.T) {
	t.Parallel()
	is := newPlan(newLab(t, engine.Options{}).Topology())
	_, changed := is.without(is)
	require.False(t, changed)

	want := newPlan(newLab(t, engine.Options{}).Topology())
	want.guests["i-a1"].address = addr("192.168.1.11")
	want.wires["ri-a"].mbps = 5
	rest, changed := is.without(want)
	require.True(t, changed)
	require.Equal(t, []string{"i-a2", "i-b"}, sortedKeys(rest.guests))
	require.Empty(t, rest.wires)
	for _, what := range rest.routers["vpc-a"].routes {
		require.NotContains(t, []string{"dev " + is.guests["i-a1"].port, "dev " + short("w", "ri-a")}, what)
	}
}

func TestAChangedBridgeIsMadeAnewAndOthersStay(t *testing.T) {
	t.Parallel()
	from := &guest{bridges: map[string][]string{"a": {"make a"}, "b": {"make b"}, "c": {"make c"}}}
	to := &guest{bridges: map[string][]string{"a": {"make a"}, "b": {"make b", "more"}, "d": {"make d"}}}
	require.Equal(t, []string{"link del dev b", "link del dev c", "make b", "more", "make d"}, bridgesDifference(from, to))
}
