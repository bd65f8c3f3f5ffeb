package interconnect_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

var (
	hop  = interconnect.NextHop{Type: interconnect.HopRouterInterface, ID: "ri-1"}
	mark = interconnect.Mark{Prefix: "vi", ConnectionID: "a"}
)

func TestWantedRoutes(t *testing.T) {
	t.Parallel()
	c := tutorial()
	c.Initiator.RouteTableIDs = []string{"vtb-1b", "vtb-1"}
	c.Acceptor.CidrBlocks = blocks("172.16.0.0/16", "10.2.0.0/16")

	want := func(table, block string) interconnect.WantedRoute {
		return interconnect.WantedRoute{Role: interconnect.Initiator, RegionID: "cn-qingdao", RouteTableID: table, Destination: netip.MustParsePrefix(block)}
	}
	require.Equal(t, []interconnect.WantedRoute{
		want("vtb-1", "10.2.0.0/16"), want("vtb-1", "172.16.0.0/16"), want("vtb-1b", "10.2.0.0/16"), want("vtb-1b", "172.16.0.0/16"),
	}, interconnect.WantedRoutes(c, interconnect.Initiator))
	require.Len(t, interconnect.WantedRoutes(c, interconnect.Acceptor), 1)
	require.Empty(t, interconnect.WantedRoutes(nil, interconnect.Initiator))
}

func TestDiffRoutes(t *testing.T) {
	t.Parallel()
	entry := func(change func(*interconnect.RouteEntry)) interconnect.RouteEntry {
		e := interconnect.RouteEntry{
			ID: "rte-1", RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("172.16.0.0/16"),
			NextHopType: hop.Type, NextHopID: hop.ID, Type: "Custom", Name: mark.String(), Status: "Available",
		}
		change(&e)
		return e
	}
	tests := map[string]struct {
		entry                                          interconnect.RouteEntry
		create, repoint, conflicts, unsettled, present int
	}{
		"a route that is missing is made":              {entry: entry(func(e *interconnect.RouteEntry) { e.RouteTableID = "vtb-9" }), create: 1},
		"a route of ours is left as it is":             {entry: entry(func(*interconnect.RouteEntry) {}), present: 1},
		"Created is as good a word as Available":       {entry: entry(func(e *interconnect.RouteEntry) { e.Status = "Created" }), present: 1},
		"an equal route by hand is used":               {entry: entry(func(e *interconnect.RouteEntry) { e.Name = "by hand" }), present: 1},
		"a route on which a task runs is waited for":   {entry: entry(func(e *interconnect.RouteEntry) { e.Status = "Creating" }), unsettled: 1},
		"a route that is being deleted is waited for":  {entry: entry(func(e *interconnect.RouteEntry) { e.Status, e.NextHopID = "Deleting", "ri-old" }), unsettled: 1},
		"ours that leads elsewhere is led back":        {entry: entry(func(e *interconnect.RouteEntry) { e.NextHopID = "ri-old" }), repoint: 1},
		"one by hand that leads elsewhere is in a way": {entry: entry(func(e *interconnect.RouteEntry) { e.NextHopID, e.Name = "ri-9", "" }), conflicts: 1},
		"another connection's is in a way":             {entry: entry(func(e *interconnect.RouteEntry) { e.NextHopID, e.Name = "ri-9", "interconnect.vi.b" }), conflicts: 1},
		"several next hops are not ours":               {entry: entry(func(e *interconnect.RouteEntry) { e.NextHopID, e.Name = "ri-1,ri-9", "" }), conflicts: 1},
		"what a CEN brought is not in the way":         {entry: entry(func(e *interconnect.RouteEntry) { e.NextHopID, e.Type = "cen", "CEN" }), create: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := interconnect.DiffRoutes(mark, interconnect.WantedRoutes(tutorial(), interconnect.Initiator), hop, []interconnect.RouteEntry{tt.entry})
			require.Equal(t, []int{tt.create, tt.repoint, tt.conflicts, tt.unsettled, tt.present},
				[]int{len(d.Create), len(d.Repoint), len(d.Conflicts), len(d.Unsettled), len(d.Present)})
			require.Equal(t, tt.present == 1, d.Complete())
		})
	}
}

func TestRoutesThatAreMadeBearTheMark(t *testing.T) {
	t.Parallel()
	d := interconnect.DiffRoutes(mark, interconnect.WantedRoutes(tutorial(), interconnect.Initiator), hop, nil)
	require.Equal(t, []interconnect.NewRoute{{
		RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("172.16.0.0/16"), NextHop: hop,
		Name: "interconnect.vi.a", Description: "interconnect.vi.a",
	}}, d.Create)
}

// drawEntries draws what may be in the tables: at most one entry for each
// table and destination, as the cloud has it.
func drawEntries(t *rapid.T) []interconnect.RouteEntry {
	var out []interconnect.RouteEntry
	for _, table := range []string{"vtb-1", "vtb-1x", "vtb-2", "vtb-2x"} {
		for _, d := range blocks("172.16.0.0/16", "172.16.1.0/24", "10.2.0.0/16", "192.168.0.0/16", "192.168.0.0/24", "10.1.0.0/16", "10.9.0.0/16") {
			if rapid.Bool().Draw(t, "there") {
				out = append(out, interconnect.RouteEntry{
					ID: numbered("rte", len(out)), RouteTableID: table, Destination: d,
					NextHopType: hop.Type, NextHopID: rapid.SampledFrom([]string{hop.ID, "ri-9"}).Draw(t, "hop"),
					Type: "Custom", Name: drawMark(t), Status: "Available",
				})
			}
		}
	}
	return out
}

func applyRoutes(d interconnect.RouteDiff, entries []interconnect.RouteEntry) []interconnect.RouteEntry {
	entries = slices.Clone(entries)
	for i := range entries {
		if slices.ContainsFunc(d.Repoint, func(e interconnect.RouteEntry) bool { return e.ID == entries[i].ID }) {
			entries[i].NextHopType, entries[i].NextHopID = hop.Type, hop.ID
		}
	}
	for i, n := range d.Create {
		entries = append(entries, interconnect.RouteEntry{
			ID: numbered("new", i), RouteTableID: n.RouteTableID, Destination: n.Destination,
			NextHopType: n.NextHop.Type, NextHopID: n.NextHop.ID, Type: "Custom", Name: n.Name, Status: "Created",
		})
	}
	return entries
}

func TestApplyingARouteDiffReachesWhatIsWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, entries := drawConnection(t, "a"), drawEntries(t)
		wanted := interconnect.WantedRoutes(c, interconnect.Initiator)
		d := interconnect.DiffRoutes(mark, wanted, hop, entries)
		require.Len(t, wanted, len(d.Create)+len(d.Repoint)+len(d.Conflicts)+len(d.Unsettled)+len(d.Present))
		for _, e := range d.Repoint {
			require.Equal(t, mark.String(), e.Name, "only what is ours is changed")
		}
		again := interconnect.DiffRoutes(mark, wanted, hop, applyRoutes(d, entries))
		require.Empty(t, again.Create)
		require.Empty(t, again.Repoint)
		require.Equal(t, d.Conflicts, again.Conflicts)
		require.Equal(t, len(d.Conflicts) == 0, again.Complete())
	})
}

func TestAPruneOfRoutesTakesOnlyWhatIsOursAndNotNeeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		p, live := drawPruning(t)
		gone := interconnect.PrunableRoutes(p, entries)
		for _, e := range gone {
			m, ok := interconnect.ParseMark(e.Name)
			require.True(t, ok, "an entry without a mark is somebody else's")
			require.Equal(t, "vi", m.Prefix)
			for _, c := range live {
				for _, role := range interconnect.Roles {
					for _, w := range interconnect.WantedRoutes(c, role) {
						require.False(t, w.RouteTableID == e.RouteTableID && w.Destination == e.Destination, "a live record needs it")
					}
				}
			}
		}
		rest := slices.DeleteFunc(slices.Clone(entries), func(e interconnect.RouteEntry) bool {
			return slices.ContainsFunc(gone, func(g interconnect.RouteEntry) bool { return g.ID == e.ID })
		})
		require.Empty(t, interconnect.PrunableRoutes(p, rest))
		if len(live) == 0 {
			for _, e := range rest {
				require.NotEqual(t, "interconnect.vi.a", e.Name, "with nothing live, nothing of this connection stays")
			}
		}
	})
}

// drawPruning draws a prune of connection a, and what must stay.
func drawPruning(t *rapid.T) (interconnect.Pruning, []*interconnect.Connection) {
	scope := drawConnection(t, "a")
	var want *interconnect.Connection
	var live []*interconnect.Connection
	if rapid.Bool().Draw(t, "keeps some") {
		want = drawConnection(t, "a")
		live = append(live, want)
	}
	var others []interconnect.Record
	if rapid.Bool().Draw(t, "another is live") {
		other := record(drawConnection(t, "b"))
		others = append(others, other)
		live = append(live, other.Wanted.Connection)
	}
	self := record(scope)
	return interconnect.NewPruning("vi", &self, scope, want, others), live
}

func TestUnsettledEntriesAndFullTablesAreCounted(t *testing.T) {
	t.Parallel()
	entries := []interconnect.RouteEntry{
		{ID: "1", RouteTableID: "vtb-1", Type: "Custom", Status: "Available"},
		{ID: "2", RouteTableID: "vtb-1", Type: "Custom", Status: "Pending"},
		{ID: "3", RouteTableID: "vtb-1", Type: "System", Status: "Created"},
		{ID: "4", RouteTableID: "vtb-2", Type: "Custom", Status: "Deleting"},
	}
	require.Equal(t, 2, interconnect.CustomEntries(entries, "vtb-1"))
	require.Equal(t, []interconnect.RouteEntry{entries[1], entries[3]}, interconnect.Unsettled(entries))
}
