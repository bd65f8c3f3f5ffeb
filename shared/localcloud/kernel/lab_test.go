package kernel

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func block(s string) netip.Prefix { return netip.MustParsePrefix(s) }
func addr(s string) netip.Addr    { return netip.MustParseAddr(s) }

// lab is a small world: two VPCs in two regions, joined by router interfaces,
// with rules for pings both ways and for TCP 5432 of vpc-b, on which i-b
// listens.
//
//	vpc-a cn-qingdao 192.168.0.0/16      vpc-b cn-beijing 172.16.0.0/16
//	  vsw-a1 .1.0/24  i-a1 192.168.1.10    vsw-b 172.16.1.0/24  i-b 172.16.1.10
//	  vsw-a2 .2.0/24  i-a2 192.168.2.10
type lab struct {
	*testing.T
	*engine.Engine
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

func newLab(t *testing.T, o engine.Options) *lab {
	t.Helper()
	l := &lab{t, engine.New(o)}
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
	l.route("vtb-a", "172.16.0.0/16", "ri-a")
	l.route("vtb-b", "192.168.0.0/16", "ri-b")
	icmp := func(from string) engine.SecurityRule {
		return engine.SecurityRule{ID: "sgr-" + from, Protocol: "ICMP", Peer: block(from)}
	}
	for _, g := range []engine.SecurityGroup{
		{ID: "sg-a", VpcID: "vpc-a", Rules: []engine.SecurityRule{icmp("172.16.0.0/16")}},
		{ID: "sg-a2", VpcID: "vpc-a"},
		{ID: "sg-b", VpcID: "vpc-b", Rules: []engine.SecurityRule{
			icmp("192.168.0.0/16"),
			{ID: "sgr-tcp", Protocol: "TCP", Ports: engine.PortRange{From: 5432, To: 5433}, Peer: block("192.168.0.0/16")},
		}},
	} {
		must[engine.SecurityGroup](t)(l.AddSecurityGroup(g))
	}
	l.instance("i-a1", "vsw-a1", "192.168.1.10", "sg-a")
	l.instance("i-a2", "vsw-a2", "192.168.2.10", "sg-a2")
	l.instance("i-b", "vsw-b", "172.16.1.10", "sg-b")
	l.guest("i-b", func(g *engine.GuestFacts) { g.ListenTCP = []int{5432} })
	return l
}

func (l *lab) route(table, to, hop string) {
	l.Helper()
	must[engine.RouteEntry](l.T)(l.AddRouteEntry(engine.RouteEntry{
		TableID: table, Destination: block(to), NextHops: []engine.NextHop{{Type: "RouterInterface", ID: hop}},
	}))
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

// network opens a network for a test, which is skipped where that cannot be.
func network(t *testing.T, o Options) *Network {
	t.Helper()
	o.Warn = func(err error) { t.Error(err) }
	n, err := Open(o)
	if errors.Is(err, ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

func (l *lab) run(n *Network, instance, script string) engine.Execution {
	return n.Run(engine.Script{Topology: l.Topology(), InstanceID: instance, Content: script, Timeout: 20 * time.Second})
}

// rules replaces a group's rules, as a person at the console would.
func (l *lab) rules(group string, rules ...engine.SecurityRule) {
	l.Helper()
	require.NoError(l.T, l.EditGroup(group, func(g *engine.SecurityGroup) { g.Rules = rules }))
}

func (l *lab) call(product, version, action string, parameters map[string]string) {
	l.Helper()
	r := l.Call(engine.Call{Product: product, Version: version, Action: action, Parameters: parameters})
	require.Nil(l.T, r.Err, action)
}
