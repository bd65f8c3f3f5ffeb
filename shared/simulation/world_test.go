package simulation

import (
	"net/netip"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

const (
	prefix = "vi"
	home   = "cn-qingdao" // where the deployment is
	away   = "cn-beijing"
)

// functions are the deployment's, by the queue that each reads.
var functions = []string{"intake", "peering", "routes", "security-groups", "verification"}

// build makes the world that the plan describes.
func build(p *plan, account string, w *weather, now engine.Clock) *engine.Engine {
	e := engine.New(engine.Options{
		Clock: now, Seed: p.seed, AccountID: account, Faults: w, Switches: p.switches, NoRates: !p.rateCaps,
		Guest: dataplane.Guests{},
	})
	e.AddRegion(engine.Region{ID: home, Zones: []string{home + "-a"}})
	e.AddRegion(engine.Region{ID: away, Zones: []string{away + "-a"}})
	block := netip.MustParsePrefix
	third := block("10.0.0.0/16")
	if p.sharedRule {
		third = block("172.16.0.0/16")
	}
	for _, v := range []engine.VPC{
		{ID: "vpc-a", RegionID: home, RouterID: "vrt-a", Block: block("192.168.0.0/16")},
		{ID: "vpc-b", RegionID: away, RouterID: "vrt-b", Block: block("172.16.0.0/16")},
		{ID: "vpc-c", RegionID: away, RouterID: "vrt-c", Block: third},
	} {
		_, _, err := e.AddVPC(v, "vtb-"+v.ID[4:])
		must(err)
	}
	_, err := e.AddRouteTable(engine.RouteTable{ID: "vtb-a2", VpcID: "vpc-a"})
	must(err)
	sub := func(b netip.Prefix, third byte) netip.Prefix {
		a := b.Addr().As4()
		a[2] = third
		return netip.PrefixFrom(netip.AddrFrom4(a), 24)
	}
	for _, s := range []engine.VSwitch{
		{ID: "vsw-a", VpcID: "vpc-a", ZoneID: home + "-a", Block: block("192.168.0.0/24")},
		{ID: "vsw-a2", VpcID: "vpc-a", ZoneID: home + "-a", Block: block("192.168.1.0/24"), RouteTableID: "vtb-a2"},
		{ID: "vsw-b", VpcID: "vpc-b", ZoneID: away + "-a", Block: block("172.16.0.0/24")},
		{ID: "vsw-c", VpcID: "vpc-c", ZoneID: away + "-a", Block: sub(third, 0)},
	} {
		_, err := e.AddVSwitch(s)
		must(err)
	}
	kind := engine.GroupNormal
	if p.advanced {
		kind = engine.GroupEnterprise
	}
	decoy := func(text string) engine.SecurityRule {
		return engine.SecurityRule{Protocol: "TCP", Ports: engine.PortRange{From: 22, To: 22}, Peer: block("203.0.113.0/24"), Description: text}
	}
	rules := []engine.SecurityRule{decoy("somebody's"), {Protocol: "TCP", Ports: engine.PortRange{From: 23, To: 23}, Peer: block("172.16.0.0/16"), Description: "interconnect.other.one"}}
	if p.equals {
		rules = append(rules, engine.SecurityRule{Protocol: "ICMP", Peer: block("172.16.0.0/16"), Description: "made by hand"})
	}
	for _, g := range []engine.SecurityGroup{
		{ID: "sg-a", VpcID: "vpc-a", Rules: rules},
		{ID: "sg-b", VpcID: "vpc-b", Type: kind, Rules: []engine.SecurityRule{decoy("interconnect.vi")}},
		{ID: "sg-c", VpcID: "vpc-c"},
	} {
		_, err := e.AddSecurityGroup(g)
		must(err)
	}
	for _, i := range []engine.Instance{
		{ID: "i-a", VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, Guest: engine.GuestFacts{AgentOnline: true}},
		{ID: "i-a2", VSwitchID: "vsw-a2", SecurityGroupIDs: []string{"sg-a"}, Guest: engine.GuestFacts{AgentOnline: true}},
		{ID: "i-b", VSwitchID: "vsw-b", SecurityGroupIDs: []string{"sg-b"}, Guest: engine.GuestFacts{AgentOnline: !p.offline}},
		{ID: "i-c", VSwitchID: "vsw-c", SecurityGroupIDs: []string{"sg-c"}, Guest: engine.GuestFacts{AgentOnline: true}},
	} {
		_, err := e.AddInstance(i)
		must(err)
	}
	addHandMade(e, p)
	addPeerings(e, p)
	addDeployment(e)
	return e
}

// addHandMade adds what somebody made before us.
func addHandMade(e *engine.Engine, p *plan) {
	_, err := e.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: netip.MustParsePrefix("198.51.100.0/24"),
		NextHops: []engine.NextHop{{Type: "Instance", ID: "i-a2"}}, Name: "somebody's"})
	must(err)
	switch p.handMade {
	case 1:
		one, _, err := e.AddRouterInterfacePair(engine.RouterInterface{ID: "ri-hand-a", VpcID: "vpc-a", Name: "by-hand"}, engine.RouterInterface{ID: "ri-hand-b", VpcID: "vpc-b", Name: "by-hand"})
		must(err)
		if p.equals {
			_, err := e.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: netip.MustParsePrefix("172.16.0.0/16"),
				NextHops: []engine.NextHop{{Type: "RouterInterface", ID: one.ID}}, Name: "by-hand"})
			must(err)
		}
	case 2:
		_, err := e.AddRouterInterface(engine.RouterInterface{ID: "ri-hand-a", VpcID: "vpc-a", Status: "Idle", Name: "interconnect.other.one",
			OppositeRegionID: away, OppositeRouterID: "vrt-b"})
		must(err)
	}
}

// addDeployment adds the queues and roles of template.yml.
func addDeployment(e *engine.Engine) {
	dead := engine.DefaultQueueAttributes()
	dead.MessageRetentionPeriod = 604800
	for _, name := range []string{chain.DeadLettersQueue, chain.OutcomesQueue} {
		_, err := e.CreateQueue(queueRef(name), dead)
		must(err)
	}
	for _, s := range chain.Stages(interconnect.Connect) {
		a := engine.DefaultQueueAttributes()
		a.VisibilityTimeout, a.MessageRetentionPeriod = 360, 345600
		a.DeadLetter = engine.DeadLetterPolicy{Enabled: true, Target: prefix + "-" + chain.DeadLettersQueue, MaxReceiveCount: 5}
		_, err := e.CreateQueue(queueRef(s.Queue), a)
		must(err)
	}
	for _, f := range functions {
		e.AddRole(engine.RoleSpec{Name: prefix + "-" + f, Policies: []string{`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}})
	}
}

func queueRef(name string) engine.QueueRef {
	return engine.QueueRef{Region: home, Name: prefix + "-" + name}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
