package interconnect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tutorialFacts are what the cloud says of the tutorial's two VPCs.
func tutorialFacts() *Facts {
	side := func(n, region, cidr, sub string) SideFacts {
		return SideFacts{
			VPC:       &VPC{ID: "vpc-" + n, RegionID: region, OwnerID: "1234", VRouterID: "vrt-" + n, CidrBlock: block(cidr), Available: true},
			VSwitches: []VSwitch{{ID: "vsw-" + n, VpcID: "vpc-" + n, CidrBlock: block(sub), RouteTableID: "vtb-" + n}},
			Tables:    []RouteTable{{ID: "vtb-" + n, VpcID: "vpc-" + n, System: true, VSwitchIDs: []string{"vsw-" + n}}},
			Entries:   map[string][]RouteEntry{"vtb-" + n: {{Destination: block(sub), NextHopType: "local", Type: "System"}}},
			Groups:    []GroupFacts{{ID: "sg-" + n, VpcID: "vpc-" + n, RuleCount: 2}},
			Instances: []Instance{{ID: "i-" + n, VpcID: "vpc-" + n, Running: true, SecurityGroupIDs: []string{"sg-" + n}}},
		}
	}
	return &Facts{Account: "1234", Prefix: "vi",
		Initiator: side("1", "cn-qingdao", "192.168.0.0/16", "192.168.1.0/24"),
		Acceptor:  side("2", "cn-beijing", "172.16.0.0/16", "172.16.1.0/24"),
	}
}

// pinging is the tutorial's request, type, groups and all, so that nothing is warned
// of.
func pinging() *Request {
	r := small()
	r.Type = TypeExpressConnect
	r.Initiator.SecurityGroups = []RequestGroup{{SecurityGroupID: "sg-1"}}
	r.Acceptor.SecurityGroups = []RequestGroup{{SecurityGroupID: "sg-2"}}
	return r
}

func TestTheTutorialsRequestIsSpelledOut(t *testing.T) {
	t.Parallel()
	c, warnings, list := Resolve(pinging(), tutorialFacts())
	require.Empty(t, list)
	require.Empty(t, warnings)
	icmp := []Allow{{"ICMP", "-1/-1"}}
	require.Equal(t, &Connection{
		ID: DefaultID(pinging()), Type: TypeExpressConnect, Specification: "Mini.2", OnFailure: OnFailureRollback, Repair: RepairReport,
		Initiator: Side{Account: "1234", RegionID: "cn-qingdao", VpcID: "vpc-1", VRouterID: "vrt-1", CidrBlocks: blocksOf("192.168.0.0/16"),
			RouteTableIDs: []string{"vtb-1"}, SecurityGroups: []SecurityGroup{{ID: "sg-1", Authorization: ByCidrBlock, Allow: icmp}}},
		Acceptor: Side{Account: "1234", RegionID: "cn-beijing", VpcID: "vpc-2", VRouterID: "vrt-2", CidrBlocks: blocksOf("172.16.0.0/16"),
			RouteTableIDs: []string{"vtb-2"}, SecurityGroups: []SecurityGroup{{ID: "sg-2", Authorization: ByCidrBlock, Allow: icmp}}},
	}, c)
}

func TestEveryTableThatServesAVSwitchAndEverySecondaryBlockIsTaken(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	a := &f.Acceptor
	a.VPC.SecondaryBlocks = blocksOf("10.9.0.0/16")
	a.VPC.UserBlocks = blocksOf("30.0.0.0/8")
	a.VSwitches = append(a.VSwitches, VSwitch{ID: "vsw-3", CidrBlock: block("10.9.1.0/24"), RouteTableID: "vtb-custom"})
	a.Tables = append(a.Tables, RouteTable{ID: "vtb-custom", VSwitchIDs: []string{"vsw-3"}}, RouteTable{ID: "vtb-unused"}, RouteTable{ID: "vtb-gw", Gateway: true})
	c, _, list := Resolve(pinging(), f)
	require.Empty(t, list)
	require.Equal(t, []string{"vtb-2", "vtb-custom"}, c.Acceptor.RouteTableIDs)
	require.Equal(t, blocksOf("10.9.0.0/16", "172.16.0.0/16"), c.Acceptor.CidrBlocks)
}

func TestAVPCWithoutAVSwitchGetsRoutesInItsSystemTable(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	f.Initiator.VSwitches = nil
	f.Initiator.Tables = []RouteTable{{ID: "vtb-1", System: true}, {ID: "vtb-9"}}
	c, _, list := Resolve(pinging(), f)
	require.Empty(t, list)
	require.Equal(t, []string{"vtb-1"}, c.Initiator.RouteTableIDs)
}

func TestAResolvedConnectionResolvesToItself(t *testing.T) {
	t.Parallel()
	r := pinging()
	r.Initiator.SecurityGroups[0].Allow = []RequestAllow{{"udp", "53/53"}, {"TCP", "1/65535"}, {"all", ""}}
	r.Initiator.Probe = &RequestProbe{InstanceID: "i-1"}
	c, _, list := Resolve(r, tutorialFacts())
	require.Empty(t, list)
	require.Empty(t, Validate(RequestOf(c)))
	again, _, list := Resolve(RequestOf(c), tutorialFacts())
	require.Empty(t, list)
	require.Equal(t, c, again)
}

func TestTheOrderOfListsMakesNoDifference(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	a := &f.Acceptor
	for i := range 5 {
		n := fmt.Sprint(i)
		a.VSwitches = append(a.VSwitches, VSwitch{ID: "vsw-b" + n, CidrBlock: block("172.16.1" + n + ".0/24"), RouteTableID: "vtb-b" + n})
		a.Tables = append(a.Tables, RouteTable{ID: "vtb-b" + n, VSwitchIDs: []string{"vsw-b" + n}})
		a.Groups = append(a.Groups, GroupFacts{ID: "sg-b" + n})
		a.VPC.SecondaryBlocks = append(a.VPC.SecondaryBlocks, block("10."+n+".0.0/16"))
	}
	request := func() *Request {
		r := pinging()
		for i := range 5 {
			r.Acceptor.SecurityGroups = append(r.Acceptor.SecurityGroups, RequestGroup{SecurityGroupID: fmt.Sprint("sg-b", i),
				Allow: []RequestAllow{{"ICMP", ""}, {"TCP", "22/22"}, {"UDP", "53/53"}}})
		}
		return r
	}
	want, _, list := Resolve(request(), f)
	require.Empty(t, list)
	rapid.Check(t, func(t *rapid.T) {
		r, g := request(), *f
		r.Acceptor.SecurityGroups = rapid.Permutation(r.Acceptor.SecurityGroups).Draw(t, "groups")
		for i := range r.Acceptor.SecurityGroups {
			if allow := r.Acceptor.SecurityGroups[i].Allow; allow != nil {
				r.Acceptor.SecurityGroups[i].Allow = rapid.Permutation(allow).Draw(t, "allow")
			}
		}
		g.Acceptor.Tables = rapid.Permutation(a.Tables).Draw(t, "tables")
		g.Acceptor.VSwitches = rapid.Permutation(a.VSwitches).Draw(t, "vswitches")
		vpc := *a.VPC
		vpc.SecondaryBlocks = rapid.Permutation(vpc.SecondaryBlocks).Draw(t, "blocks")
		g.Acceptor.VPC = &vpc
		got, _, list := Resolve(r, &g)
		require.Empty(t, list)
		require.Equal(t, want, got)
	})
}

// overlapping makes both VPCs 192.168.0.0/16, with vSwitches that do not
// overlap.
func overlapping(f *Facts) {
	f.Acceptor.VPC.CidrBlock = block("192.168.0.0/16")
	f.Acceptor.VSwitches[0].CidrBlock = block("192.168.2.0/24")
	f.Acceptor.Entries = nil
}

func TestOverlappingVPCsAreConnectedByVSwitchesThatDoNot(t *testing.T) {
	t.Parallel()
	f, r := tutorialFacts(), pinging()
	overlapping(f)
	r.Initiator.CidrBlocks = []string{"192.168.1.0/24"}
	r.Acceptor.CidrBlocks = []string{"192.168.2.0/24"}
	c, _, list := Resolve(r, f)
	require.Empty(t, list)
	require.Equal(t, blocksOf("192.168.2.0/24"), c.Acceptor.CidrBlocks)
}

func TestResolvingNamesTheFieldThatWouldFailLater(t *testing.T) {
	t.Parallel()
	named := func(where *[]string, list ...string) { *where = list }
	for name, c := range map[string]struct {
		change      func(r *Request, f *Facts)
		field, says string
	}{
		"a VPC that is not there": {func(_ *Request, f *Facts) {
			f.Acceptor = SideFacts{NoVPC: &CloudError{RequestID: "req-7"}}
		}, "/acceptor/vpcId", "no VPC vpc-2 in the region cn-beijing"},
		"a VPC of another region":  {func(_ *Request, f *Facts) { f.Acceptor.VPC.RegionID = "cn-hangzhou" }, "/acceptor/regionId", "cn-hangzhou"},
		"a VPC of another account": {func(_ *Request, f *Facts) { f.Initiator.VPC.OwnerID = "99" }, "/initiator/vpcId", "belongs to the account 99"},
		"another account by name":  {func(r *Request, _ *Facts) { r.Acceptor.Account = "99" }, "/acceptor/account", "cannot be connected yet"},
		"a VPC that is being made": {func(_ *Request, f *Facts) { f.Acceptor.VPC.Available = false }, "/acceptor/vpcId", "not available yet"},
		"VPCs that overlap":        {func(_ *Request, f *Facts) { overlapping(f) }, "/acceptor/cidrBlocks", "share addresses"},
		"a secondary block that overlaps": {func(_ *Request, f *Facts) {
			f.Acceptor.VPC.SecondaryBlocks = blocksOf("192.168.128.0/17")
		}, "/acceptor/cidrBlocks", "192.168.128.0/17 of vpc-2 and 192.168.0.0/16 of vpc-1"},
		"overlapping VPCs with one side named": {func(r *Request, f *Facts) {
			overlapping(f)
			named(&r.Acceptor.CidrBlocks, "192.168.2.0/24")
		}, "/acceptor/cidrBlocks/0", "share addresses"},
		"a named block that is another's vSwitch": {func(r *Request, f *Facts) {
			overlapping(f)
			f.Acceptor.VSwitches[0].CidrBlock = block("192.168.1.0/25")
			named(&r.Initiator.CidrBlocks, "192.168.7.0/24")
			named(&r.Acceptor.CidrBlocks, "192.168.1.0/25")
		}, "/acceptor/cidrBlocks", "is inside 192.168.1.0/24, the block of vSwitch vsw-1"},
		"a named block outside the VPC": {func(r *Request, _ *Facts) { named(&r.Acceptor.CidrBlocks, "172.17.0.0/16") }, "/acceptor/cidrBlocks/0", "not inside the VPC vpc-2, whose blocks are 172.16.0.0/16"},
		"a route table of nobody":       {func(r *Request, _ *Facts) { named(&r.Initiator.RouteTableIDs, "vtb-1", "vtb-2") }, "/initiator/routeTableIds/1", "name one of vtb-1"},
		"a gateway's route table": {func(r *Request, f *Facts) {
			f.Initiator.Tables = append(f.Initiator.Tables, RouteTable{ID: "vtb-gw", Gateway: true})
			named(&r.Initiator.RouteTableIDs, "vtb-gw")
		}, "/initiator/routeTableIds/0", "serves no vSwitch"},
		"a VPC with no table that serves": {func(_ *Request, f *Facts) { f.Initiator.Tables, f.Initiator.VSwitches = nil, nil }, "/initiator/routeTableIds", "create a vSwitch"},
		"a security group of nobody":      {func(_ *Request, f *Facts) { f.Acceptor.Groups = nil }, "/acceptor/securityGroups/0/securityGroupId", "of the VPC vpc-2"},
		"a group that a product manages":  {func(_ *Request, f *Facts) { f.Acceptor.Groups[0].ServiceManaged = true }, "/acceptor/securityGroups/0/securityGroupId", "managed by a cloud product"},
		"an advanced group by security group": {func(r *Request, f *Facts) {
			r.Initiator.SecurityGroups[0].Authorization = BySecurityGroup
			f.Initiator.Groups[0].Advanced = true
		}, "/initiator/securityGroups/0/authorization", "use CidrBlock"},
		"a probe that is not there": {func(r *Request, f *Facts) { r.Acceptor.Probe = &RequestProbe{InstanceID: "i-9"} }, "/acceptor/probe/instanceId", "no instance i-9 in the region cn-beijing"},
		"a probe of another VPC": {func(r *Request, f *Facts) {
			r.Acceptor.Probe = &RequestProbe{InstanceID: "i-2"}
			f.Acceptor.Instances[0].VpcID = "vpc-3"
		}, "/acceptor/probe/instanceId", "is in the VPC vpc-3"},
		"two VPCs of one CEN": {func(_ *Request, f *Facts) {
			f.Initiator.VPC.CenIDs, f.Acceptor.VPC.CenIDs = []string{"cen-1"}, []string{"cen-0", "cen-1"}
		}, "/acceptor/vpcId", "CEN cen-1 joins the VPCs vpc-1 and vpc-2 already"},
		"a VPC of a CEN":             {func(_ *Request, f *Facts) { f.Initiator.VPC.CenIDs = []string{"cen-1"} }, "/initiator/vpcId", "Express Connect refuses"},
		"a route that is in the way": {func(_ *Request, f *Facts) { inTheWay(f, RouteEntry{NextHopType: "Instance", NextHopID: "i-fw"}) }, "/acceptor/cidrBlocks", "route to 172.16.0.0/16 by the Instance i-fw already"},
		"another connection's route": {func(_ *Request, f *Facts) {
			inTheWay(f, RouteEntry{NextHopType: "RouterInterface", NextHopID: "ri-9", Name: Mark{"vi", "other"}.String()})
		}, "/acceptor/cidrBlocks", "ri-9"},
		"another deployment's route": {func(_ *Request, f *Facts) {
			inTheWay(f, RouteEntry{NextHopType: "RouterInterface", NextHopID: "ri-9", Name: Mark{"vj", DefaultID(pinging())}.String()})
		}, "/acceptor/cidrBlocks", "ri-9"},
		"a destination around a vSwitch": {func(_ *Request, f *Facts) {
			f.Initiator.VSwitches[0].CidrBlock = block("172.16.200.0/24") // of a block that the VPC no longer shows
		}, "/acceptor/cidrBlocks", "contains 172.16.200.0/24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f := pinging(), tutorialFacts()
			if strings.Contains(name, "by security group") {
				r.Acceptor.RegionID, f.Acceptor.VPC.RegionID = r.Initiator.RegionID, r.Initiator.RegionID
			}
			c.change(r, f)
			require.Empty(t, Validate(r))
			got, _, list := Resolve(r, f)
			require.Nil(t, got)
			require.NotEmpty(t, list)
			require.Equal(t, c.field, list[0].Field)
			require.Contains(t, list[0].Sentence, c.says)
			if f.Acceptor.NoVPC != nil {
				require.Equal(t, "req-7", list[0].RequestID)
			}
		})
	}
}

// inTheWay puts an entry to the acceptor's block into the initiator's table.
func inTheWay(f *Facts, e RouteEntry) {
	e.Destination, e.Type = block("172.16.0.0/16"), "Custom"
	f.Initiator.Entries["vtb-1"] = append(f.Initiator.Entries["vtb-1"], e)
}

// joinedBy gives both sides an interface that leads to the other.
func joinedBy(f *Facts) {
	f.Initiator.Interfaces = []RouterInterface{{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2"}}
	f.Acceptor.Interfaces = []RouterInterface{{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1"}}
}

func TestWhatIsThereAlreadyAndEqualIsFine(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *Facts){
		"a route that leads to the other VPC, whoever made it": func(f *Facts) {
			joinedBy(f)
			inTheWay(f, RouteEntry{NextHopType: "RouterInterface", NextHopID: "ri-1"})
		},
		"this connection's own route, wherever it leads": func(f *Facts) {
			inTheWay(f, RouteEntry{NextHopType: "RouterInterface", NextHopID: "ri-gone", Name: Mark{"vi", DefaultID(pinging())}.String()})
		},
		"a wider route": func(f *Facts) {
			f.Initiator.Entries["vtb-1"] = append(f.Initiator.Entries["vtb-1"], RouteEntry{Destination: block("0.0.0.0/0"), NextHopType: "NatGateway", Type: "Custom"})
		},
		"a CEN, where interfaces join the two already": func(f *Facts) {
			joinedBy(f)
			f.Initiator.VPC.CenIDs = []string{"cen-1"}
		},
		"a route in a table that is not chosen": func(f *Facts) {
			f.Initiator.Entries["vtb-x"] = []RouteEntry{{Destination: block("172.16.0.0/16"), NextHopType: "Instance", Type: "Custom"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := tutorialFacts()
			change(f)
			_, warnings, list := Resolve(pinging(), f)
			require.Empty(t, list)
			require.Empty(t, warnings)
		})
	}
}

func TestWhatMayGoWrongIsWarnedOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(r *Request, f *Facts)
		field, says string
	}{
		"no security group": {func(r *Request, _ *Facts) { r.Initiator.SecurityGroups = nil }, "/initiator/securityGroups", "ICMP"},
		"no ICMP":           {func(r *Request, _ *Facts) { r.Acceptor.SecurityGroups[0].Allow = []RequestAllow{{"TCP", "22/22"}} }, "/acceptor/securityGroups", "ICMP"},
		"a part of the way routed elsewhere": {func(_ *Request, f *Facts) {
			f.Initiator.Entries["vtb-1"] = []RouteEntry{{Destination: block("172.16.3.0/24"), NextHopType: "VpnGateway", NextHopID: "vpn-1", Type: "Custom"}}
		}, "/acceptor/cidrBlocks", "172.16.3.0/24, a part of 172.16.0.0/16, to the VpnGateway vpn-1"},
		"a probe that is stopped": {func(r *Request, f *Facts) {
			r.Initiator.Probe = &RequestProbe{InstanceID: "i-1"}
			f.Initiator.Instances[0].Running = false
		}, "/initiator/probe/instanceId", "not running"},
		"a probe in another group": {func(r *Request, f *Facts) {
			r.Initiator.Probe = &RequestProbe{InstanceID: "i-1"}
			f.Initiator.Instances[0].SecurityGroupIDs = nil
		}, "/initiator/probe/instanceId", "none of this side's security groups"},
		"a block of the internet":           {func(_ *Request, f *Facts) { f.Acceptor.VPC.CidrBlock = block("30.0.0.0/16") }, "/acceptor/cidrBlocks", "RFC 1918"},
		"a network ACL":                     {func(_ *Request, f *Facts) { f.Acceptor.VSwitches[0].NetworkAclID = "nacl-1" }, "/acceptor/vpcId", "vsw-2"},
		"a block without a vSwitch":         {func(r *Request, _ *Facts) { r.Acceptor.CidrBlocks = []string{"172.16.9.0/24"} }, "/acceptor/cidrBlocks/0", "nothing there can answer"},
		"a route table that is nearly full": {func(_ *Request, f *Facts) { f.Acceptor.Entries["vtb-2"] = customEntries(180) }, "/acceptor/routeTableIds", "180 custom entries"},
		"a route table past the default":    {func(_ *Request, f *Facts) { f.Acceptor.Entries["vtb-2"] = customEntries(300) }, "/acceptor/routeTableIds", "quota centre"},
		"a router with many interfaces":     {func(_ *Request, f *Facts) { f.Initiator.Interfaces = make([]RouterInterface, 4) }, "/initiator/vpcId", "4 router interfaces"},
		"a group with many rules":           {func(_ *Request, f *Facts) { f.Initiator.Groups[0].RuleCount = 180 }, "/initiator/securityGroups", "180 rules"},
		"an advanced group as a source": {func(r *Request, f *Facts) {
			r.Acceptor.RegionID, f.Acceptor.VPC.RegionID = "cn-qingdao", "cn-qingdao"
			r.Initiator.SecurityGroups[0].Authorization = BySecurityGroup
			f.Acceptor.Groups[0].Advanced = true
		}, "/initiator/securityGroups/0/authorization", "sg-2 is an advanced group"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f := pinging(), tutorialFacts()
			c.change(r, f)
			got, warnings, list := Resolve(r, f)
			require.Empty(t, list)
			require.NotNil(t, got)
			at := slices.IndexFunc(warnings, func(w Warning) bool { return w.Field == c.field && strings.Contains(w.Sentence, c.says) })
			require.GreaterOrEqual(t, at, 0, "%v", warnings)
		})
	}
}

func customEntries(n int) []RouteEntry {
	var list []RouteEntry
	for i := range n {
		list = append(list, RouteEntry{Destination: block(fmt.Sprintf("10.%d.%d.0/24", i/256, i%256)), Type: "Custom"})
	}
	return list
}

func TestAProbeOfSeveralInstancesAndPacketsIsSpelledOutAndBack(t *testing.T) {
	t.Parallel()
	packets := 10
	for name, probe := range map[string]*RequestProbe{
		"several instances": {InstanceIDs: []string{"i-2", "i-3"}}, "packets alone": {Packets: &packets},
		"both": {InstanceIDs: []string{"i-2", "i-3"}, Packets: &packets}, "one and packets": {InstanceID: "i-3", Packets: &packets},
	} {
		r, f := pinging(), tutorialFacts()
		other := f.Acceptor.Instances[0]
		other.ID = "i-3"
		f.Acceptor.Instances = append(f.Acceptor.Instances, other)
		r.Acceptor.Probe = probe
		c, _, problems := Resolve(r, f)
		require.Empty(t, problems, name)
		back := RequestOf(c)
		require.Equal(t, probe, back.Acceptor.Probe, name)
		again, _, problems := Resolve(back, f)
		require.Empty(t, problems, name)
		require.Equal(t, c, again, name)
	}
}

func TestWhatIsKnownAndNotWantedIsRemembered(t *testing.T) {
	t.Parallel()
	r, f := pinging(), tutorialFacts()
	c, _, problems := Resolve(r, f)
	require.Empty(t, problems)
	require.Empty(t, c.Acceptor.Omits, "all is wanted")
	f.Acceptor.VPC.SecondaryBlocks = append(f.Acceptor.VPC.SecondaryBlocks, block("10.77.0.0/16"))
	r.Acceptor.CidrBlocks = []string{f.Acceptor.VPC.CidrBlock.String()}
	c, _, problems = Resolve(r, f)
	require.Empty(t, problems)
	require.Equal(t, []string{"10.77.0.0/16"}, c.Acceptor.Omits)
}
