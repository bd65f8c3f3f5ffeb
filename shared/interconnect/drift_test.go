package interconnect

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drifting is a connection of both sides as it was made, and what is around.
func drifting(kind Type) (Planning, Around) {
	prefix := netip.MustParsePrefix
	side := func(n, region, block string) Side {
		return Side{RegionID: region, VpcID: "vpc-" + n, VRouterID: "vrt-" + n, CidrBlocks: []netip.Prefix{prefix(block)}, RouteTableIDs: []string{"vtb-" + n},
			SecurityGroups: []SecurityGroup{{ID: "sg-" + n, Authorization: ByCidrBlock, Allow: []Allow{{"ICMP", "-1/-1"}}}}}
	}
	c := &Connection{ID: "a", Type: kind, Initiator: side("1", "cn-a", "10.1.0.0/16"), Acceptor: side("2", "cn-b", "10.2.0.0/16"), Specification: "Mini.2", Repair: RepairAuto}
	if kind != TypeExpressConnect {
		c.Specification = ""
	}
	const mark = "interconnect.vi.a"
	seen := Seen{Tables: map[string]Role{"vtb-1": Initiator, "vtb-2": Acceptor}, Groups: map[string]Role{"sg-1": Initiator, "sg-2": Acceptor}}
	hops := map[Role]NextHop{Initiator: {HopVpcPeer, "pcc-1"}, Acceptor: {HopVpcPeer, "pcc-1"}}
	if kind == TypeExpressConnect {
		hops = map[Role]NextHop{Initiator: {HopRouterInterface, "ri-1"}, Acceptor: {HopRouterInterface, "ri-2"}}
		seen.Interfaces = []RouterInterface{
			{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Role: roleInitiating, Specification: "Mini.2", Status: statusActive, BusinessStatus: businessNormal, Name: mark},
			{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-1", Specification: "Negative", Status: statusActive, BusinessStatus: businessNormal, Name: mark},
		}
	} else {
		seen.Peerings = []PeeringConnection{{ID: "pcc-1", VpcID: "vpc-1", AcceptingVpcID: "vpc-2", Status: peeringActivated, BusinessStatus: businessNormal, Name: mark}}
	}
	for _, role := range Roles {
		for _, w := range WantedRoutes(c, role) {
			seen.Entries = append(seen.Entries, RouteEntry{ID: "rte-" + w.RouteTableID, RouteTableID: w.RouteTableID, Destination: w.Destination,
				NextHopType: hops[role].Type, NextHopID: hops[role].ID, Type: "Custom", Name: mark, Status: "Available"})
		}
		for _, r := range WantedRules(c, role) {
			r.ID, r.Description = "sgr-"+r.GroupID, mark
			seen.Rules = append(seen.Rules, r)
		}
	}
	around := Around{Blocks: map[Role][]netip.Prefix{Initiator: c.Initiator.CidrBlocks, Acceptor: c.Acceptor.CidrBlocks},
		VSwitches: map[Role][]VSwitch{Initiator: {{ID: "vsw-1", CidrBlock: prefix("10.1.1.0/24"), RouteTableID: "vtb-1"}}, Acceptor: {{ID: "vsw-2", CidrBlock: prefix("10.2.1.0/24"), RouteTableID: "vtb-2"}}}}
	r := &Record{ID: "a", Generation: 1, Wanted: Wanted{Connection: c}}
	return Planning{Prefix: "vi", Record: r, Seen: seen}, around
}

func TestDriftIsToldApart(t *testing.T) {
	t.Parallel()
	type change func(p *Planning, a *Around)
	both := []Type{TypeExpressConnect, TypeVpcPeering}
	for name, tt := range map[string]struct {
		types    []Type
		change   change
		kind     DriftKind // "": no drift
		side     Role
		id       string
		mendable bool
	}{
		"nothing": {both, func(*Planning, *Around) {}, "", "", "", false},
		"a route that was deleted": {both, func(p *Planning, _ *Around) { p.Seen.Entries = p.Seen.Entries[:1] },
			DriftMissing, Acceptor, "vtb-2", true},
		"a rule that was removed": {both, func(p *Planning, _ *Around) { p.Seen.Rules = p.Seen.Rules[1:] },
			DriftMissing, Initiator, "sg-1", true},
		"a rule that was removed, and an equal one of somebody else": {both, func(p *Planning, _ *Around) { p.Seen.Rules[0].Description = "by hand" },
			"", "", "", false},
		"a pair of interfaces that was deleted": {both[:1], func(p *Planning, _ *Around) { p.Seen.Interfaces = nil },
			DriftMissing, Initiator, "vrt-1", true},
		"a peering connection that was deleted": {both[1:], func(p *Planning, _ *Around) { p.Seen.Peerings = nil },
			DriftMissing, Initiator, "vpc-1", true},
		"our route, led elsewhere": {both, func(p *Planning, _ *Around) {
			p.Seen.Entries[1].NextHopType, p.Seen.Entries[1].NextHopID = "Instance", "i-9"
		},
			DriftChanged, Acceptor, "rte-vtb-2", true},
		"an interface that was deactivated": {both[:1], func(p *Planning, _ *Around) { p.Seen.Interfaces[1].Status = statusInactive },
			DriftChanged, Acceptor, "ri-2", true},
		"a specification that was changed": {both[:1], func(p *Planning, _ *Around) { p.Seen.Interfaces[0].Specification = "Small.1" },
			DriftChanged, Initiator, "ri-1", true},
		"an interface that is locked": {both[:1], func(p *Planning, _ *Around) { p.Seen.Interfaces[0].BusinessStatus = "FinancialLocked" },
			DriftChanged, Initiator, "ri-1", false},
		"a peering connection that is locked": {both[1:], func(p *Planning, _ *Around) { p.Seen.Peerings[0].BusinessStatus = "FinancialLocked" },
			DriftChanged, Initiator, "pcc-1", false},
		"somebody's route in the place of ours": {both, func(p *Planning, _ *Around) {
			p.Seen.Entries[0].Name, p.Seen.Entries[0].NextHopType, p.Seen.Entries[0].NextHopID = "by hand", "Instance", "i-9"
		}, DriftForeign, Initiator, "rte-vtb-1", false},
		"somebody's route to a part of the other side": {both, func(p *Planning, _ *Around) {
			p.Seen.Entries = append(p.Seen.Entries, RouteEntry{ID: "rte-9", RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("10.2.1.0/24"), NextHopType: "Instance", NextHopID: "i-9", Type: "Custom", Status: "Available"})
		}, DriftForeign, Initiator, "rte-9", false},
		"somebody's route to elsewhere": {both, func(p *Planning, _ *Around) {
			p.Seen.Entries = append(p.Seen.Entries, RouteEntry{ID: "rte-9", RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHopType: "Instance", NextHopID: "i-9", Type: "Custom", Status: "Available"})
		}, "", "", "", false},
		"a drop beside our rule": {both, func(p *Planning, _ *Around) {
			p.Seen.Rules = append(p.Seen.Rules, Rule{ID: "sgr-9", GroupID: "sg-2", Direction: Ingress, Protocol: "ALL", PortRange: noPorts, PeerBlock: netip.MustParsePrefix("10.0.0.0/8"), Policy: policyDrop, Priority: 1})
		}, DriftForeign, Acceptor, "sgr-9", false},
		"a block that came later": {both, func(_ *Planning, a *Around) {
			a.Blocks[Acceptor] = append(a.Blocks[Acceptor], netip.MustParsePrefix("10.3.0.0/16"))
		}, DriftUncovered, Acceptor, "vpc-2", false},
		"a block that the request left out": {both, func(p *Planning, a *Around) {
			a.Blocks[Acceptor] = append(a.Blocks[Acceptor], netip.MustParsePrefix("10.3.0.0/16"))
			p.Record.Wanted.Connection.Acceptor.Omits = []string{"10.3.0.0/16"}
		}, "", "", "", false},
		"a vSwitch on another table": {both, func(_ *Planning, a *Around) { a.VSwitches[Initiator][0].RouteTableID = "vtb-9" },
			DriftUncovered, Initiator, "vsw-1", false},
		"a vSwitch outside the connected blocks, on another table": {both, func(_ *Planning, a *Around) {
			a.VSwitches[Initiator] = append(a.VSwitches[Initiator], VSwitch{ID: "vsw-9", CidrBlock: netip.MustParsePrefix("10.9.1.0/24"), RouteTableID: "vtb-9"})
		}, "", "", "", false},
		"an interface on its way up": {both[:1], func(p *Planning, _ *Around) { p.Seen.Interfaces[1].Status = "Activating" }, "", "", "", false},
		"a route on its way":         {both, func(p *Planning, _ *Around) { p.Seen.Entries[0].Status = "Modifying" }, "", "", "", false},
	} {
		for _, kind := range tt.types {
			t.Run(name+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				p, around := drifting(kind)
				tt.change(&p, &around)
				got := FindDrift(p, around)
				if tt.kind == "" {
					require.Empty(t, got)
					return
				}
				require.NotEmpty(t, got)
				require.Equal(t, tt.kind, got[0].Kind, "%+v", got)
				require.Equal(t, tt.side, got[0].Side)
				require.Equal(t, tt.id, got[0].Resource)
				require.Contains(t, got[0].Sentence, tt.id, "it is named")
				v := Verdict{}
				v.SetDrift(got)
				require.Equal(t, tt.mendable, v.Mendable(), "%+v", got)
			})
		}
	}
}

func TestWhatIsGoingDoesNotDrift(t *testing.T) {
	t.Parallel()
	p, around := drifting(TypeVpcPeering)
	p.Record.Wanted.Disconnect, p.Seen = true, Seen{}
	require.Empty(t, FindDrift(p, around))
}

func TestARouteUnderAnotherMarkNeedsTheOthers(t *testing.T) {
	t.Parallel()
	p, around := drifting(TypeVpcPeering)
	require.False(t, p.Contested())
	p.Seen.Entries[0].Name, p.Seen.Entries[0].NextHopID = "interconnect.vi.b", "pcc-9"
	require.True(t, p.Contested())
	require.Equal(t, DriftChanged, FindDrift(p, around)[0].Kind, "nobody wants it: it is taken over")
	p.Others = []Record{{ID: "b", Wanted: Wanted{Connection: p.Record.Wanted.Connection}}}
	require.Equal(t, DriftForeign, FindDrift(p, around)[0].Kind, "another connection's")
}

func TestWhatARequestLeavesOutIsRemembered(t *testing.T) {
	t.Parallel()
	prefix := netip.MustParsePrefix
	side := &Side{CidrBlocks: []netip.Prefix{prefix("10.1.1.0/24"), prefix("10.2.0.0/16")}, RouteTableIDs: []string{"vtb-1"}}
	got := Omitted(side, []netip.Prefix{prefix("10.1.0.0/16"), prefix("10.2.0.0/16")}, []VSwitch{{RouteTableID: "vtb-1"}, {RouteTableID: "vtb-2"}, {RouteTableID: "vtb-2"}, {}})
	require.Equal(t, []string{"10.1.0.0/16", "vtb-2"}, got)
}

func TestAVerdictIsAlwaysToldOnceForEachFinding(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var s *Swings
		told, last, changes := 0, 0, 0
		for _, finding := range rapid.SliceOfN(rapid.IntRange(0, 2), 1, 200).Draw(rt, "findings") {
			if finding != last {
				changes++
			}
			var swung Swung
			s, swung = s.Swing(finding != last, time.Unix(0, 0))
			last = finding
			if swung != SwungNot {
				told++
			}
			if s == nil && changes > 0 && swung == SwungNot && told == 0 {
				rt.Fatal("a change was never told")
			}
			if s != nil && (s.Same >= SteadyAfter || s.Flapping != (s.Changes >= FlapAfter)) {
				rt.Fatalf("%+v", s)
			}
		}
		if told > changes+changes/FlapAfter {
			rt.Fatalf("%d told for %d changes", told, changes)
		}
	})
}
