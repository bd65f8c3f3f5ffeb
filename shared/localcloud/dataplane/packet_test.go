package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/localcloud/engine"
)

const toB, toA1, toA2 = "172.16.1.10", "192.168.1.10", "192.168.2.10"

// each case is worked out by hand from what Alibaba Cloud publishes; the
// comment names the page of the help center, by its title, where not obvious.
var cases = []struct {
	name  string
	world func(l *lab) // what is different in the lab
	from  string
	to    string
	port  int // 0: a ping
	fate  Fate
	where string // part of what is said of it
	back  bool
}{
	// Express Connect, "Interconnect two VPCs under the same account".
	{name: "a ping from the initiator's VPC reaches the acceptor's", from: "i-a1", to: toB, fate: Answered},
	{name: "a ping from the acceptor's VPC reaches the initiator's", from: "i-b", to: toA1, fate: Answered},
	{name: "without a route on the near side the ping does not leave the VPC", world: func(l *lab) { l.without("vtb-a", "172.16.0.0/16") },
		from: "i-a1", to: toB, fate: Lost, where: "vtb-a has no route to 172.16.1.10"},
	{name: "without a route on the far side it is the answer that is lost", world: func(l *lab) { l.without("vtb-b", "192.168.0.0/16") },
		from: "i-a1", to: toB, fate: Lost, where: "vtb-b has no route to 192.168.1.10", back: true},
	{name: "a route that is still being made carries nothing", world: func(l *lab) {
		l.without("vtb-a", "172.16.0.0/16")
		must[engine.RouteEntry](l.T)(l.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: block("172.16.0.0/16"), Status: engine.StatusPending,
			NextHops: []engine.NextHop{{Type: "RouterInterface", ID: "ri-a"}}}))
	}, from: "i-a1", to: toB, fate: Lost, where: "no route"},

	// VPC, "Route tables": the most specific route that covers an address wins.
	{name: "the longest prefix wins over a wider route", world: func(l *lab) { l.route("vtb-a", "172.16.1.0/24", "RouterInterface", "ri-none") },
		from: "i-a1", to: toB, fate: Lost, where: "ri-none is not there"},
	{name: "a narrower route elsewhere does not matter", world: func(l *lab) { l.route("vtb-a", "172.16.9.0/24", "RouterInterface", "ri-none") },
		from: "i-a1", to: toB, fate: Answered},
	{name: "a vSwitch is served by its custom table, not by the system table", world: func(l *lab) {
		must[engine.RouteTable](l.T)(l.AddRouteTable(engine.RouteTable{ID: "vtb-own", VpcID: "vpc-a"}))
		require.NoError(l.T, l.AssociateVSwitch("vsw-a1", "vtb-own"))
	}, from: "i-a1", to: toB, fate: Lost, where: "vtb-own has no route"},
	{name: "the other vSwitch keeps the system table", world: func(l *lab) {
		must[engine.RouteTable](l.T)(l.AddRouteTable(engine.RouteTable{ID: "vtb-own", VpcID: "vpc-a"}))
		require.NoError(l.T, l.AssociateVSwitch("vsw-a1", "vtb-own"))
		l.rules("sg-a2", icmpFrom("172.16.0.0/16"))
	}, from: "i-a2", to: toB, fate: Answered},
	{name: "a next hop of another kind is not followed in silence", world: func(l *lab) { l.route("vtb-a", "172.16.1.0/24", "VpnGateway", "vpn-1") },
		from: "i-a1", to: toB, fate: Lost, where: "VpnGateway, through which this cloud carries nothing"},
	{name: "within a VPC the system routes lead from vSwitch to vSwitch", world: func(l *lab) { l.rules("sg-a2", icmpFrom("192.168.1.0/24")) },
		from: "i-a1", to: toA2, fate: Answered},
	{name: "an address that nobody has answers nothing", from: "i-a1", to: "172.16.1.99", fate: Lost, where: "nobody in vSwitch vsw-b has 172.16.1.99"},
	{name: "an address of the VPC's block without a vSwitch answers nothing", from: "i-a1", to: "172.16.77.1", fate: Lost, where: "no vSwitch of vpc-b"},

	// Express Connect, DescribeRouterInterfaces: Status and BusinessStatus.
	{name: "an interface that was deactivated carries nothing", world: func(l *lab) { l.deactivate("ri-a") },
		from: "i-a1", to: toB, fate: Lost, where: "ri-a is Inactive"},
	{name: "nor does it if the other side was deactivated", world: func(l *lab) { l.deactivate("ri-b") },
		from: "i-a1", to: toB, fate: Lost, where: "ri-b is Inactive"},
	{name: "an interface that is locked for an unpaid bill carries nothing", world: func(l *lab) { require.NoError(l.T, l.SetBusinessStatus("ri-b", "FinancialLocked")) },
		from: "i-a1", to: toB, fate: Lost, where: "ri-b is locked: FinancialLocked"},
	{name: "a route to the other side's own interface leads nowhere", world: func(l *lab) {
		l.without("vtb-a", "172.16.0.0/16")
		l.route("vtb-a", "172.16.0.0/16", "RouterInterface", "ri-b")
	}, from: "i-a1", to: toB, fate: Lost, where: "ri-b is not there"},
	{name: "what came in from one VPC does not go on to a third", world: func(l *lab) {
		_, _, err := l.AddVPC(engine.VPC{ID: "vpc-c", RegionID: "cn-beijing", Block: block("10.0.0.0/8")}, "vtb-c")
		require.NoError(l.T, err)
		_, _, err = l.AddRouterInterfacePair(engine.RouterInterface{ID: "ri-bc", VpcID: "vpc-b"}, engine.RouterInterface{ID: "ri-cb", VpcID: "vpc-c"})
		require.NoError(l.T, err)
		l.route("vtb-b", "10.0.0.0/8", "RouterInterface", "ri-bc")
		l.route("vtb-a", "10.0.0.0/8", "RouterInterface", "ri-a")
	}, from: "i-a1", to: "10.1.1.1", fate: Lost, where: "no vSwitch of vpc-b"},

	// VPC, "VPC peering connections".
	{name: "a peering connection carries both ways", world: func(l *lab) { l.peered(engine.PeerConnection{}) }, from: "i-a1", to: toB, fate: Answered},
	{name: "the accepting side reaches the other by the same connection", world: func(l *lab) { l.peered(engine.PeerConnection{}) }, from: "i-b", to: toA1, fate: Answered},
	{name: "a peering connection that nobody accepted yet carries nothing", world: func(l *lab) { l.peered(engine.PeerConnection{Status: engine.PeerAccepting}) },
		from: "i-a1", to: toB, fate: Lost, where: "pcc-1 is Accepting"},
	{name: "a peering connection that is locked carries nothing", world: func(l *lab) { l.peered(engine.PeerConnection{BusinessStatus: "FinancialLocked"}) },
		from: "i-a1", to: toB, fate: Lost, where: "pcc-1 is locked"},

	// ECS, "Security group rules" and "Basic and advanced security groups".
	{name: "a normal group without a rule lets nothing in from elsewhere", world: func(l *lab) { l.rules("sg-b") },
		from: "i-a1", to: toB, fate: Lost, where: "no security group rule of i-b lets it in"},
	{name: "a normal group without a rule lets everything out", world: func(l *lab) { l.rules("sg-a") },
		from: "i-a1", to: toB, fate: Answered},
	{name: "groups are stateful: the answer needs no rule", world: func(l *lab) {
		l.rules("sg-a", engine.SecurityRule{Protocol: "ALL", Peer: block("172.16.0.0/16"), Drop: true})
	},
		from: "i-a1", to: toB, fate: Answered},
	{name: "a rule for pings lets no TCP in", world: func(l *lab) { l.rules("sg-b", icmpFrom("192.168.0.0/16")) },
		from: "i-a1", to: toB, port: 5432, fate: Lost, where: "lets it in"},
	{name: "a port within the rule's range gets in", from: "i-a1", to: toB, port: 5432, fate: Answered},
	{name: "a port outside of the rule's range does not", from: "i-a1", to: toB, port: 5433, fate: Lost, where: "lets it in"},
	{name: "a rule for all protocols lets both in", world: func(l *lab) { l.rules("sg-b", engine.SecurityRule{Protocol: "ALL", Peer: block("0.0.0.0/0")}) },
		from: "i-a1", to: toB, port: 5432, fate: Answered},
	{name: "a port on which nothing listens is refused, which proves the way", world: func(l *lab) { l.rules("sg-b", engine.SecurityRule{Protocol: "ALL", Peer: block("0.0.0.0/0")}) },
		from: "i-a1", to: toB, port: 80, fate: Refused, where: "nothing listens on TCP 80"},
	{name: "a rule for another block lets nothing in", world: func(l *lab) { l.rules("sg-b", icmpFrom("192.168.2.0/24")) },
		from: "i-a1", to: toB, fate: Lost, where: "lets it in"},
	{name: "at equal priority drop wins over accept", world: func(l *lab) {
		l.rules("sg-b", icmpFrom("192.168.0.0/16"), engine.SecurityRule{ID: "sgr-drop", Protocol: "ICMP", Peer: block("192.168.0.0/16"), Drop: true})
	}, from: "i-a1", to: toB, fate: Lost, where: "rule sgr-drop (priority 1)"},
	{name: "a smaller priority wins over a drop", world: func(l *lab) {
		l.rules("sg-b", icmpFrom("192.168.0.0/16"), engine.SecurityRule{Protocol: "ICMP", Peer: block("192.168.0.0/16"), Drop: true, Priority: 2})
	}, from: "i-a1", to: toB, fate: Answered},
	{name: "a drop of smaller priority in a second group wins over an accept in the first", world: func(l *lab) {
		l.group(engine.SecurityGroup{ID: "sg-b2", VpcID: "vpc-b", Rules: []engine.SecurityRule{{ID: "sgr-first", Protocol: "ALL", Peer: block("0.0.0.0/0"), Drop: true}}})
		l.rules("sg-b", engine.SecurityRule{Protocol: "ICMP", Peer: block("192.168.0.0/16"), Priority: 50})
		l.instance("i-b2", "vsw-b", "172.16.1.11", "sg-b", "sg-b2")
	}, from: "i-a1", to: "172.16.1.11", fate: Lost, where: "rule sgr-first (priority 1)"},
	{name: "an egress rule that drops stops what goes out", world: func(l *lab) {
		l.rules("sg-a", engine.SecurityRule{ID: "sgr-out", Egress: true, Protocol: "ICMP", Peer: block("172.16.0.0/16"), Drop: true})
	}, from: "i-a1", to: toB, fate: Lost, where: "rule sgr-out (priority 1) of i-a1 drops it on the way out"},
	{name: "members of one normal group reach each other", world: func(l *lab) { l.instance("i-a3", "vsw-a2", "192.168.2.30", "sg-a2") },
		from: "i-a2", to: "192.168.2.30", fate: Answered},
	{name: "members of an isolated group do not", world: func(l *lab) {
		require.NoError(l.T, l.EditGroup("sg-a2", func(g *engine.SecurityGroup) { g.Isolated = true }))
		l.instance("i-a3", "vsw-a2", "192.168.2.30", "sg-a2")
	}, from: "i-a2", to: "192.168.2.30", fate: Lost, where: "lets it in"},
	{name: "a rule that drops wins over the group's own inner access", world: func(l *lab) {
		l.rules("sg-a2", engine.SecurityRule{Protocol: "ICMP", Peer: block("192.168.0.0/16"), Drop: true, Priority: 100})
		l.instance("i-a3", "vsw-a2", "192.168.2.30", "sg-a2")
	}, from: "i-a2", to: "192.168.2.30", fate: Lost, where: "drops it"},
	{name: "a rule that names a group lets that group's members in", world: func(l *lab) {
		l.rules("sg-a2", engine.SecurityRule{Protocol: "ICMP", PeerGroupID: "sg-a"})
	}, from: "i-a1", to: toA2, fate: Answered},
	{name: "a rule that names a group lets nobody else in", world: func(l *lab) {
		l.rules("sg-a2", engine.SecurityRule{Protocol: "ICMP", PeerGroupID: "sg-a"})
	}, from: "i-b", to: toA2, fate: Lost, where: "no security group rule of i-a2"},
	{name: "an advanced group without a rule lets nothing out", world: func(l *lab) { l.advanced() },
		from: "i-adv", to: toB, fate: Lost, where: "no security group rule of i-adv lets it out"},
	{name: "an advanced group with an egress rule lets it out", world: func(l *lab) {
		l.advanced(engine.SecurityRule{Egress: true, Protocol: "ICMP", Peer: block("172.16.0.0/16")})
	}, from: "i-adv", to: toB, fate: Answered},
	{name: "members of one advanced group do not reach each other by default", world: func(l *lab) {
		l.advanced(engine.SecurityRule{Egress: true, Protocol: "ALL", Peer: block("0.0.0.0/0")})
		l.instance("i-adv2", "vsw-a1", "192.168.1.41", "sg-adv")
	}, from: "i-adv", to: "192.168.1.41", fate: Lost, where: "no security group rule of i-adv2"},

	// VPC, "Network ACLs": stateless, in order, the last word is drop.
	{name: "an ACL that lets nothing in stops the ping at the far vSwitch", world: func(l *lab) { l.acl("vpc-b", nil, everything) },
		from: "i-a1", to: "172.16.2.10", fate: Lost, where: "lets nothing of this kind into vSwitch vsw-acl"},
	{name: "an ACL that lets nothing out stops the answer, for it is stateless", world: func(l *lab) { l.acl("vpc-b", everything, nil) },
		from: "i-a1", to: "172.16.2.10", fate: Lost, where: "lets nothing of this kind out of vSwitch vsw-acl", back: true},
	{name: "an ACL that lets both ways through lets the ping through", world: func(l *lab) { l.acl("vpc-b", everything, everything) },
		from: "i-a1", to: "172.16.2.10", fate: Answered},
	{name: "an ACL's first entry that matches decides", world: func(l *lab) {
		l.acl("vpc-b", append([]engine.ACLEntry{{Policy: "drop", Protocol: "icmp", Port: "-1/-1", Peer: block("192.168.1.0/24")}}, everything...), everything)
	}, from: "i-a1", to: "172.16.2.10", fate: Lost, where: "drops it on the way into"},
	{name: "an ACL that lets out only low ports stops a TCP answer to a client's port", world: func(l *lab) {
		l.acl("vpc-b", everything, []engine.ACLEntry{{Policy: "accept", Protocol: "tcp", Port: "1/1024", Peer: block("0.0.0.0/0")}})
	}, from: "i-a1", to: "172.16.2.10", port: 5432, fate: Lost, where: "out of vSwitch", back: true},
	{name: "an ACL does not filter within its vSwitch", world: func(l *lab) {
		l.acl("vpc-b", nil, nil)
		l.instance("i-acl2", "vsw-acl", "172.16.2.11", "sg-b")
	}, from: "i-acl2", to: "172.16.2.10", fate: Answered},

	// VPC FAQ, "Why can two VPCs not communicate after peering?": container
	// bridges and firewalls inside the instance.
	{name: "a container bridge over the peer's block keeps the ping inside", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: block("172.16.0.0/12"), Device: "docker0"}}
		})
	}, from: "i-a1", to: toB, fate: Unreachable, where: "to docker0"},
	{name: "an interface that is down sends nothing", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) { g.InterfaceDown = true })
	}, from: "i-a1", to: toB, fate: NoRoute, where: "interface of i-a1 is down"},
	{name: "an interface that is down takes nothing", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) { g.InterfaceDown = true })
	}, from: "i-a1", to: toB, fate: Lost, where: "interface of i-b is down"},
	{name: "an interface takes no packet that is larger than its MTU", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) { g.MTU = 68 })
	}, from: "i-a1", to: toB, fate: Lost, where: "interface of i-b takes 68 bytes"},
	{name: "an interface cuts what it sends to its own MTU, and its answers come back too large", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) { g.MTU = 68 })
	}, from: "i-a1", to: toB, fate: Lost, where: "interface of i-a1 takes 68 bytes", back: true},
	{name: "two small MTUs suit each other", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) { g.MTU = 68 })
		l.guest("i-b", func(g *engine.GuestFacts) { g.MTU = 68 })
	}, from: "i-a1", to: toB, fate: Answered},
	{name: "a TCP connection begins with packets that fit every MTU", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) { g.MTU = 68 })
	}, from: "i-a1", to: toB, port: 5432, fate: Answered},
	{name: "a guest that is strict drops what it would answer by a bridge", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) {
			g.ReversePath = engine.ReversePathStrict
			g.Routes = []engine.GuestRoute{{Destination: block("192.168.1.0/24"), Device: "docker0"}}
		})
	}, from: "i-a1", to: toB, fate: Lost, where: "i-b drops what it would answer another way"},
	{name: "a container bridge over another block does no harm", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: block("172.17.0.0/16"), Device: "docker0"}}
		})
	}, from: "i-a1", to: toB, fate: Answered},
	{name: "a container bridge at the far end swallows the answer", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: block("192.168.0.0/16"), Device: "br-1"}}
		})
	}, from: "i-a1", to: toB, fate: Lost, where: "inside i-b", back: true},
	{name: "a bridge wider than the vSwitch does not cover the vSwitch", world: func(l *lab) {
		l.instance("i-a4", "vsw-a1", "192.168.1.11", "sg-a")
		l.guest("i-a1", func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: block("192.168.0.0/16"), Device: "br-1"}}
		})
	}, from: "i-a1", to: "192.168.1.11", fate: Answered},
	{name: "a guest's firewall that drops pings stops them", world: func(l *lab) { l.guest("i-b", func(g *engine.GuestFacts) { g.DropICMP = true }) },
		from: "i-a1", to: toB, fate: Lost, where: "firewall inside i-b drops pings"},
	{name: "and lets TCP pass", world: func(l *lab) { l.guest("i-b", func(g *engine.GuestFacts) { g.DropICMP = true }) },
		from: "i-a1", to: toB, port: 5432, fate: Answered},
	{name: "a guest's firewall that drops a port stops it", world: func(l *lab) {
		l.guest("i-b", func(g *engine.GuestFacts) { g.DropTCP = []engine.PortRange{{From: 5000, To: 6000}} })
	}, from: "i-a1", to: toB, port: 5432, fate: Lost, where: "drops TCP 5432"},
	{name: "an instance reaches itself whatever its rules say", world: func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) { g.DropICMP = true })
	}, from: "i-a1", to: toA1, fate: Answered},
	{name: "a stopped instance answers nothing", world: func(l *lab) {
		must[engine.Instance](l.T)(l.AddInstance(engine.Instance{ID: "i-off", VSwitchID: "vsw-b", PrivateIP: addr("172.16.1.20"), SecurityGroupIDs: []string{"sg-b"}, Status: engine.InstanceStopped}))
	}, from: "i-a1", to: "172.16.1.20", fate: Lost, where: "i-off is Stopped"},
}

var everything = []engine.ACLEntry{{Policy: "accept", Protocol: "all", Port: "-1/-1", Peer: netip.MustParsePrefix("0.0.0.0/0")}}

func TestDeliver(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, engine.Options{})
			if c.world != nil {
				c.world(l)
			}
			p := Packet{From: c.from, To: addr(c.to), Protocol: "ICMP"}
			if c.port != 0 {
				p.Protocol, p.Port = "TCP", c.port
			}
			v := Deliver(l.Topology(), p)
			require.Equal(t, c.fate.String(), v.Fate.String(), "%+v", v)
			require.Contains(t, v.Where, c.where)
			require.Equal(t, c.back, v.Back)
			if c.fate == Answered {
				require.Empty(t, v.Where)
			}
		})
	}
}

func (l *lab) deactivate(id string) {
	l.Helper()
	r := l.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: "DeactivateRouterInterface",
		Parameters: map[string]string{"RegionId": map[string]string{"ri-a": "cn-qingdao", "ri-b": "cn-beijing"}[id], "RouterInterfaceId": id}})
	require.Nil(l.T, r.Err)
	l.settle()
}

func (l *lab) without(table, destination string) {
	l.Helper()
	r := l.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: "DeleteRouteEntry",
		Parameters: map[string]string{"RegionId": map[string]string{"vtb-a": "cn-qingdao", "vtb-b": "cn-beijing"}[table], "RouteTableId": table, "DestinationCidrBlock": destination}})
	require.Nil(l.T, r.Err)
	l.settle()
}

// peered takes the router interfaces' routes away and joins the VPCs by a
// peering connection instead.
func (l *lab) peered(p engine.PeerConnection) {
	l.Helper()
	p.ID, p.VpcID, p.AcceptingVpcID = "pcc-1", "vpc-a", "vpc-b"
	must[engine.PeerConnection](l.T)(l.AddPeerConnection(p))
	l.without("vtb-a", "172.16.0.0/16")
	l.without("vtb-b", "192.168.0.0/16")
	l.route("vtb-a", "172.16.0.0/16", "VpcPeer", "pcc-1")
	l.route("vtb-b", "192.168.0.0/16", "VpcPeer", "pcc-1")
}

// advanced adds an advanced group with rules, and an instance in it.
func (l *lab) advanced(rules ...engine.SecurityRule) {
	l.Helper()
	l.group(engine.SecurityGroup{ID: "sg-adv", VpcID: "vpc-a", Type: engine.GroupEnterprise, Rules: rules})
	l.instance("i-adv", "vsw-a1", "192.168.1.40", "sg-adv")
}

// acl adds a vSwitch with an ACL, and the instance 172.16.2.10 in it.
func (l *lab) acl(vpc string, ingress, egress []engine.ACLEntry) {
	l.Helper()
	must[engine.NetworkACL](l.T)(l.AddNetworkACL(engine.NetworkACL{ID: "nacl-1", VpcID: vpc, Ingress: ingress, Egress: egress}))
	must[engine.VSwitch](l.T)(l.AddVSwitch(engine.VSwitch{ID: "vsw-acl", VpcID: vpc, ZoneID: "cn-beijing-a", Block: block("172.16.2.0/24"), NetworkACLID: "nacl-1"}))
	l.instance("i-acl", "vsw-acl", "172.16.2.10", "sg-b")
	l.guest("i-acl", func(g *engine.GuestFacts) { g.ListenTCP = []int{5432} })
}

func TestDeliverNamesWhatThePacketPassed(t *testing.T) {
	t.Parallel()
	v := Deliver(newLab(t, engine.Options{}).Topology(), Packet{From: "i-a1", To: addr(toB), Protocol: "ICMP"})
	require.Equal(t, []string{
		"instance i-a1", "route 172.16.0.0/16 in vtb-a to RouterInterface ri-a", "router interfaces ri-a and ri-b", "vSwitch vsw-b", "instance i-b",
		"instance i-b", "route 192.168.0.0/16 in vtb-b to RouterInterface ri-b", "router interfaces ri-b and ri-a", "vSwitch vsw-a1", "instance i-a1",
	}, v.Hops)
}

func TestTimesArePlausible(t *testing.T) {
	t.Parallel()
	ms := func(a, b string) float64 { return float64(2*OneWay(a, b).Microseconds()) / 1000 }
	require.InDelta(t, 0.3, ms("cn-qingdao", "cn-qingdao"), 0.01)
	require.InDelta(t, 10, ms("cn-qingdao", "cn-beijing"), 8)
	require.InDelta(t, 140, ms("cn-shanghai", "us-west-1"), 40)
	require.Equal(t, ms("cn-beijing", "eu-central-1"), ms("eu-central-1", "cn-beijing"))
	require.Greater(t, ms("cn-unheard-of", "cn-beijing"), 1.0)
}

// Whatever is sent, the answer is the same for the same picture, and says where
// the packet stopped if it did.
func TestDeliverIsAPureFunction(t *testing.T) {
	t.Parallel()
	top := newLab(t, engine.Options{}).Topology()
	rapid.Check(t, func(t *rapid.T) {
		p := Packet{
			From:     rapid.SampledFrom([]string{"i-a1", "i-a2", "i-b", "i-none"}).Draw(t, "from"),
			To:       netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "to"))),
			Protocol: rapid.SampledFrom([]string{"ICMP", "TCP"}).Draw(t, "protocol"),
			Port:     rapid.IntRange(1, 65535).Draw(t, "port"),
		}
		first := Deliver(top, p)
		require.Equal(t, first, Deliver(top, p))
		if first.Fate != Answered {
			require.NotEmpty(t, strings.TrimSpace(first.Where))
		}
	})
}
