package dataplane

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// clock is a time that tests set.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func block(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr    { return netip.MustParseAddr(s) }

// lab is a small world under test: the tutorial's two VPCs, joined, with a
// second vSwitch and instance on the initiator's side.
//
//	vpc-a cn-qingdao 192.168.0.0/16      vpc-b cn-beijing 172.16.0.0/16
//	  vsw-a1 .1.0/24  i-a1 192.168.1.10    vsw-b 172.16.1.0/24  i-b 172.16.1.10
//	  vsw-a2 .2.0/24  i-a2 192.168.2.10
type lab struct {
	*testing.T
	*engine.Engine
	clock *clock
}

// settle lets everything that is under way come to its end.
func (l *lab) settle() { l.clock.now = l.clock.now.Add(time.Minute) }

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// icmpFrom is a rule that lets pings in from a block.
func icmpFrom(s string) engine.SecurityRule {
	return engine.SecurityRule{ID: "sgr-icmp-" + s, Protocol: "ICMP", Peer: block(s)}
}

func newLab(t *testing.T, o engine.Options) *lab {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o.Clock = c
	l := &lab{t, engine.New(o), c}
	l.AddRegion(engine.Region{ID: "cn-qingdao", Zones: []string{"cn-qingdao-b"}})
	l.AddRegion(engine.Region{ID: "cn-beijing", Zones: []string{"cn-beijing-a"}})
	for _, v := range []engine.VPC{
		{ID: "vpc-a", RegionID: "cn-qingdao", RouterID: "vrt-a", Block: block("192.168.0.0/16")},
		{ID: "vpc-b", RegionID: "cn-beijing", RouterID: "vrt-b", Block: block("172.16.0.0/16")},
	} {
		_, _, err := l.AddVPC(v, "vtb-"+v.ID[4:])
		require.NoError(t, err)
	}
	for _, s := range []engine.VSwitch{
		{ID: "vsw-a1", VpcID: "vpc-a", ZoneID: "cn-qingdao-b", Block: block("192.168.1.0/24")},
		{ID: "vsw-a2", VpcID: "vpc-a", ZoneID: "cn-qingdao-b", Block: block("192.168.2.0/24")},
		{ID: "vsw-b", VpcID: "vpc-b", ZoneID: "cn-beijing-a", Block: block("172.16.1.0/24")},
	} {
		must[engine.VSwitch](t)(l.AddVSwitch(s))
	}
	_, _, err := l.AddRouterInterfacePair(engine.RouterInterface{ID: "ri-a", VpcID: "vpc-a"}, engine.RouterInterface{ID: "ri-b", VpcID: "vpc-b"})
	require.NoError(t, err)
	l.route("vtb-a", "172.16.0.0/16", "RouterInterface", "ri-a")
	l.route("vtb-b", "192.168.0.0/16", "RouterInterface", "ri-b")
	l.group(engine.SecurityGroup{ID: "sg-a", VpcID: "vpc-a", Rules: []engine.SecurityRule{icmpFrom("172.16.0.0/16")}})
	l.group(engine.SecurityGroup{ID: "sg-a2", VpcID: "vpc-a"})
	l.group(engine.SecurityGroup{ID: "sg-b", VpcID: "vpc-b", Rules: []engine.SecurityRule{
		icmpFrom("192.168.0.0/16"),
		{ID: "sgr-tcp", Protocol: "TCP", Ports: engine.PortRange{From: 5432, To: 5432}, Peer: block("192.168.0.0/16")},
	}})
	l.instance("i-a1", "vsw-a1", "192.168.1.10", "sg-a")
	l.instance("i-a2", "vsw-a2", "192.168.2.10", "sg-a2")
	l.instance("i-b", "vsw-b", "172.16.1.10", "sg-b")
	l.guest("i-b", func(g *engine.GuestFacts) { g.ListenTCP = []int{5432} })
	return l
}

func (l *lab) route(table, to, hopType, hop string) {
	l.Helper()
	must[engine.RouteEntry](l.T)(l.AddRouteEntry(engine.RouteEntry{TableID: table, Destination: block(to), NextHops: []engine.NextHop{{Type: hopType, ID: hop}}}))
}

func (l *lab) group(g engine.SecurityGroup) {
	l.Helper()
	must[engine.SecurityGroup](l.T)(l.AddSecurityGroup(g))
}

func (l *lab) instance(id, vSwitch, ip string, groups ...string) {
	l.Helper()
	must[engine.Instance](l.T)(l.AddInstance(engine.Instance{
		ID: id, HostName: "host-" + id, VSwitchID: vSwitch, PrivateIP: addr(ip), SecurityGroupIDs: groups,
		Guest: engine.GuestFacts{AgentOnline: true},
	}))
}

func (l *lab) guest(id string, f func(*engine.GuestFacts)) {
	l.Helper()
	require.NoError(l.T, l.SetGuest(id, f))
}

// rules replaces a group's rules, as a person at the console would.
func (l *lab) rules(group string, rules ...engine.SecurityRule) {
	l.Helper()
	for n := range rules {
		r := &rules[n]
		if r.Priority == 0 {
			r.Priority = 1
		}
		if r.Ports == (engine.PortRange{}) {
			r.Ports = engine.AnyPort
		}
		r.SourcePorts = engine.AnyPort
	}
	require.NoError(l.T, l.EditGroup(group, func(g *engine.SecurityGroup) { g.Rules = rules }))
}
