package interconnect_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

// planned is a connection of two VPCs as a record wants it.
func planned(kind interconnect.Type, blocks ...string) *interconnect.Connection {
	c := &interconnect.Connection{
		ID: "a", Type: kind,
		Initiator: interconnect.Side{RegionID: "cn-a", VpcID: "vpc-1", VRouterID: "vrt-1", CidrBlocks: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}, RouteTableIDs: []string{"vtb-1"}},
		Acceptor:  interconnect.Side{RegionID: "cn-b", VpcID: "vpc-2", VRouterID: "vrt-2", RouteTableIDs: []string{"vtb-2"}},
	}
	if kind == interconnect.TypeExpressConnect {
		c.Specification = "Mini.2"
	}
	for _, b := range blocks {
		c.Acceptor.CidrBlocks = append(c.Acceptor.CidrBlocks, netip.MustParsePrefix(b))
	}
	return c
}

var tables = map[string]interconnect.Role{"vtb-1": interconnect.Initiator, "vtb-2": interconnect.Acceptor}

func planOf(c *interconnect.Connection, seen interconnect.Seen) interconnect.Changes {
	seen.Tables = tables
	return interconnect.PlanChanges(interconnect.Planning{Prefix: "vi", Seen: seen, Record: &interconnect.Record{ID: c.ID, Generation: 1, Wanted: interconnect.Wanted{Connection: c}}})
}

func entry(id, table, destination, name, hopType, hop string) interconnect.RouteEntry {
	return interconnect.RouteEntry{ID: id, RouteTableID: table, Destination: netip.MustParsePrefix(destination), NextHopType: hopType, NextHopID: hop, Type: "Custom", Name: name, Status: "Available"}
}

func TestAPlanOfAPeeringConnection(t *testing.T) {
	t.Parallel()
	c := planned(interconnect.TypeVpcPeering, "172.16.0.0/16")
	fresh := planOf(c, interconnect.Seen{})
	require.Len(t, fresh.Added, 3)
	require.Equal(t, interconnect.KindPeeringConnection, fresh.Added[0].Kind)
	require.Equal(t, "VpcPeer (to be made)", fresh.Added[1].LeadsTo)

	foreign := interconnect.PeeringConnection{ID: "pcc-1", VpcID: "vpc-2", AcceptingVpcID: "vpc-1", RegionID: "cn-b", AcceptingRegionID: "cn-a", Status: "Activated", Name: "by hand"}
	adopted := planOf(c, interconnect.Seen{Peerings: []interconnect.PeeringConnection{foreign}})
	require.Equal(t, "pcc-1", adopted.Kept[0].ID)
	require.Equal(t, interconnect.Acceptor, adopted.Kept[0].Side)
	require.Equal(t, "pcc-1", adopted.Foreign[0].ID)
	require.Len(t, adopted.Added, 2)

	c.Bandwidth = 500
	ours := foreign
	ours.Name, ours.Bandwidth = "interconnect.vi.a", 100
	changed := planOf(c, interconnect.Seen{Peerings: []interconnect.PeeringConnection{ours}})
	require.Equal(t, "becomes 500 Mb/s", changed.Repointed[0].Change)
	require.Empty(t, changed.Cuts)
}

func TestAChangeOfTypeMayCut(t *testing.T) {
	t.Parallel()
	c := planned(interconnect.TypeVpcPeering, "172.16.0.0/16")
	p := planOf(c, interconnect.Seen{Entries: []interconnect.RouteEntry{entry("rte-1", "vtb-1", "172.16.0.0/16", "interconnect.vi.a", "RouterInterface", "ri-1")}})
	require.Len(t, p.Repointed, 1)
	require.Len(t, p.Cuts, 1)
	require.Contains(t, p.Cuts[0], "RouterInterface and is led to a VpcPeer")
}

func TestARouteOfSomebodyElseIsAConflict(t *testing.T) {
	t.Parallel()
	c := planned(interconnect.TypeExpressConnect, "172.16.0.0/16")
	p := planOf(c, interconnect.Seen{Entries: []interconnect.RouteEntry{entry("rte-1", "vtb-1", "172.16.0.0/16", "by hand", "Instance", "i-1")}})
	require.Equal(t, "/acceptor/cidrBlocks", p.Conflicts[0].Field)
	require.Contains(t, p.Conflicts[0].Sentence, "Instance i-1")
	require.Equal(t, "rte-1", p.Foreign[0].ID)

	// A leftover of a connection that is gone is led our way instead.
	p = planOf(c, interconnect.Seen{Entries: []interconnect.RouteEntry{entry("rte-1", "vtb-1", "172.16.0.0/16", "interconnect.vi.gone", "RouterInterface", "ri-9")}})
	require.Empty(t, p.Conflicts)
	require.Len(t, p.Repointed, 1)
}

func TestARuleThatDropsIsToldAndKept(t *testing.T) {
	t.Parallel()
	c := planned(interconnect.TypeExpressConnect, "172.16.0.0/16")
	c.Acceptor.SecurityGroups = []interconnect.SecurityGroup{{ID: "sg-2", Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{{Protocol: "TCP", PortRange: "80/80"}}}}
	drop := interconnect.Rule{ID: "sgr-1", GroupID: "sg-2", Direction: interconnect.Ingress, Protocol: "ALL", PortRange: "-1/-1", PeerBlock: netip.MustParsePrefix("0.0.0.0/0"), Policy: "drop", Priority: 1}
	p := planOf(c, interconnect.Seen{Rules: []interconnect.Rule{drop}, Groups: map[string]interconnect.Role{"sg-2": interconnect.Acceptor}})
	require.Contains(t, p.Notes[0], "sgr-1")
	require.Equal(t, "ingress ALL any 0.0.0.0/0", p.Foreign[0].What)
	require.Equal(t, "ingress TCP 80/80 192.168.0.0/16", p.Added[len(p.Added)-1].What)
}

func TestAPlanNeverRemovesWhatItKeepsOrAddsWhatIsThere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := rapid.SampledFrom([]string{"172.16.0.0/16", "172.16.0.0/24", "172.17.0.0/16", "10.0.0.0/8"})
		blocks := rapid.SliceOfNDistinct(pick, 1, 3, rapid.ID[string]).Draw(t, "blocks")
		c := planned(interconnect.TypeExpressConnect, blocks...)
		var entries []interconnect.RouteEntry
		for i, b := range rapid.SliceOfNDistinct(pick, 0, 4, rapid.ID[string]).Draw(t, "entries") {
			name := rapid.SampledFrom([]string{"interconnect.vi.a", "interconnect.vi.b", "by hand", "interconnect.other.a"}).Draw(t, "name")
			entries = append(entries, entry(fmt.Sprint("rte-", i), "vtb-1", b, name, "RouterInterface", rapid.SampledFrom([]string{"ri-1", "ri-9"}).Draw(t, "hop")))
		}
		p := interconnect.PlanChanges(interconnect.Planning{Prefix: "vi", Prune: true, Record: &interconnect.Record{ID: "a", Wanted: interconnect.Wanted{Connection: c}},
			Seen: interconnect.Seen{Tables: tables, Entries: entries, Interfaces: []interconnect.RouterInterface{
				{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Status: "Active", Role: "InitiatingSide", Specification: "Mini.2"},
				{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-1", Status: "Active", Role: "AcceptingSide"},
			}}})
		removed := func(id string) bool {
			return slices.ContainsFunc(p.Removed, func(t interconnect.Thing) bool { return t.ID == id })
		}
		for _, t2 := range append(slices.Clone(p.Kept), p.Repointed...) {
			if removed(t2.ID) {
				t.Fatalf("%s is kept and removed", t2.ID)
			}
		}
		for _, gone := range p.Removed {
			if gone.Owner == "" {
				t.Fatalf("%s is somebody else's, and would be removed", gone.ID)
			}
		}
		for _, e := range entries {
			for _, added := range p.Added {
				if added.Kind == interconnect.KindRoute && added.In == e.RouteTableID && added.What == e.Destination.String() {
					t.Fatalf("%s is there, and would be added", e.Destination)
				}
			}
		}
	})
}

func TestAHashTellsWhatIsNewAndHowMuchIsGone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pick := rapid.SampledFrom([]string{"172.16.0.0/16", "172.17.0.0/16", "172.18.0.0/16", "10.0.0.0/8"})
		draw := func(name string) interconnect.Outline {
			return interconnect.Outline{Requests: []*interconnect.Request{interconnect.RequestOf(planned(interconnect.TypeExpressConnect, rapid.SliceOfNDistinct(pick, 1, 4, rapid.ID[string]).Draw(t, name)...))}}
		}
		was, is := draw("was"), draw("is")
		changed, ok := is.Compare(was.Hash())
		if !ok {
			t.Fatal("a hash is one")
		}
		a, b := was.Requests[0].Acceptor.CidrBlocks, is.Requests[0].Acceptor.CidrBlocks
		var added []string
		gone := 0
		for _, s := range b {
			if !slices.Contains(a, s) {
				added = append(added, s)
			}
		}
		for _, s := range a {
			if !slices.Contains(b, s) {
				gone++
			}
		}
		var gotAdded []string
		gotGone := 0
		for _, d := range changed {
			gotAdded, gotGone = append(gotAdded, d.Added...), gotGone+d.Gone
		}
		slices.Sort(added)
		slices.Sort(gotAdded)
		if !slices.Equal(added, gotAdded) || gone != gotGone {
			t.Fatalf("added %v, told %v; gone %d, told %d", added, gotAdded, gone, gotGone)
		}
	})
}

func TestHowARequestIsPostedIsNoPartOfItsHash(t *testing.T) {
	t.Parallel()
	r := interconnect.RequestOf(planned(interconnect.TypeExpressConnect, "172.16.0.0/16"))
	hash := interconnect.Outline{Requests: []*interconnect.Request{r}}.Hash()
	r.PlanHash, r.AllowCut = hash, true
	require.Equal(t, hash, interconnect.Outline{Requests: []*interconnect.Request{r}}.Hash())
	conflict := interconnect.Outline{Requests: []*interconnect.Request{r}, Conflicts: []interconnect.FieldProblem{{Field: "/x", Sentence: "In the way."}}}
	changed, ok := conflict.Compare(hash)
	require.True(t, ok)
	require.Equal(t, []interconnect.Difference{{Field: "conflicts", Added: []string{"/x: In the way."}}}, changed)
}

func TestABlastRadiusHeedsDropsAndAdvancedGroups(t *testing.T) {
	t.Parallel()
	c := planned(interconnect.TypeExpressConnect, "172.16.0.0/16")
	instance := func(id, address, vswitch, group string) interconnect.Instance {
		return interconnect.Instance{ID: id, PrivateIP: netip.MustParseAddr(address), VSwitchID: vswitch, SecurityGroupIDs: []string{group}}
	}
	members := func() map[interconnect.Role]*interconnect.Members {
		return map[interconnect.Role]*interconnect.Members{
			interconnect.Initiator: {Advanced: map[string]bool{}, VSwitches: []interconnect.VSwitch{{ID: "vsw-1", RouteTableID: "vtb-1"}}, Instances: []interconnect.Instance{instance("i-1", "192.168.0.1", "vsw-1", "sg-1")}},
			interconnect.Acceptor: {Advanced: map[string]bool{}, VSwitches: []interconnect.VSwitch{{ID: "vsw-2", RouteTableID: "vtb-2"}, {ID: "vsw-x", RouteTableID: "vtb-x"}},
				Instances: []interconnect.Instance{instance("i-2", "172.16.0.1", "vsw-2", "sg-2"), instance("i-3", "172.16.0.2", "vsw-x", "sg-2"), instance("i-4", "172.31.0.2", "vsw-2", "sg-2")}},
		}
	}
	rule := func(group string, d interconnect.Direction, protocol, ports, block, policy string, priority int) interconnect.Rule {
		return interconnect.Rule{GroupID: group, Direction: d, Protocol: protocol, PortRange: ports, PeerBlock: netip.MustParsePrefix(block), Policy: policy, Priority: priority}
	}
	web := rule("sg-2", interconnect.Ingress, "TCP", "80/80", "192.168.0.0/16", "accept", 1)
	for name, c2 := range map[string]struct {
		more     []interconnect.Rule
		advanced bool
		reached  bool
	}{
		"only what is behind a connected table, in a connected block": {nil, false, true},
		"a drop of all before it":                                     {[]interconnect.Rule{rule("sg-2", interconnect.Ingress, "ALL", "-1/-1", "0.0.0.0/0", "drop", 1)}, false, false},
		"a drop of a part leaves the rest":                            {[]interconnect.Rule{rule("sg-2", interconnect.Ingress, "TCP", "81/90", "0.0.0.0/0", "drop", 1)}, false, true},
		"a drop behind it":                                            {[]interconnect.Rule{rule("sg-2", interconnect.Ingress, "ALL", "-1/-1", "0.0.0.0/0", "drop", 2)}, false, true},
		"a drop for others":                                           {[]interconnect.Rule{rule("sg-2", interconnect.Ingress, "ALL", "-1/-1", "10.0.0.0/8", "drop", 1)}, false, true},
		"the source may not send":                                     {[]interconnect.Rule{rule("sg-1", interconnect.Egress, "ALL", "-1/-1", "0.0.0.0/0", "drop", 100)}, false, false},
		"an advanced source sends nothing":                            {nil, true, false},
		"an advanced source that may":                                 {[]interconnect.Rule{rule("sg-1", interconnect.Egress, "TCP", "1/100", "172.16.0.0/16", "accept", 1)}, true, true},
		"an advanced source that may elsewhat":                        {[]interconnect.Rule{rule("sg-1", interconnect.Egress, "UDP", "1/100", "172.16.0.0/16", "accept", 1)}, true, false},
	} {
		m := members()
		m[interconnect.Initiator].Advanced["sg-1"] = c2.advanced
		got := interconnect.BlastRadius(c, m, c2.more, []interconnect.Rule{web})
		if !c2.reached {
			require.Empty(t, got, name)
			continue
		}
		require.Equal(t, []interconnect.Reach{{Sources: []string{"i-1"}, Opening: interconnect.Opening{From: interconnect.Initiator, Target: "i-2", Address: "172.16.0.1", Protocol: "TCP", PortRange: "80/80", Added: true}}}, got, name)
	}
}
