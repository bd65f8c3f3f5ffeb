package interconnect

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// marked returns what a connection has in its two regions, all of one mark.
func marked(c *Connection, mark, suffix string) []RegionSeen {
	var out []RegionSeen
	for _, role := range Roles {
		side, other := c.Side(role), c.Side(role.Other())
		seen := RegionSeen{RegionID: side.RegionID, Interfaces: []RouterInterface{{
			ID: "ri-" + string(role) + suffix, RegionID: side.RegionID, RouterID: side.VRouterID, OppositeRouterID: other.VRouterID,
			OppositeID: "ri-" + string(role.Other()) + suffix, OppositeRegionID: other.RegionID, Status: statusActive, Name: mark,
		}}}
		for _, w := range WantedRoutes(c, role) {
			seen.Routes = append(seen.Routes, RouteEntry{ID: "rte-" + string(role) + suffix, RouteTableID: w.RouteTableID, Destination: w.Destination,
				NextHopID: seen.Interfaces[0].ID, NextHopType: HopRouterInterface, Type: "Custom", Name: mark, Status: "Available"})
		}
		for i, w := range WantedRules(c, role) {
			w.ID, w.Description = "sgr-"+string(role)+suffix+string(rune('a'+i)), mark
			seen.Rules = append(seen.Rules, w)
		}
		out = append(out, seen)
	}
	return out
}

func orphanIDs(list []Orphan) []string {
	var out []string
	for _, o := range list {
		out = append(out, o.ID)
	}
	slices.Sort(out)
	return out
}

func TestOnlyWhatBearsOurMarkAndNobodyWantsIsAnOrphan(t *testing.T) {
	t.Parallel()
	c := resolved(t, twoGroups)
	c.ID, c.Type = "a", TypeExpressConnect
	live := Record{ID: "a", Generation: 1, UpdatedAt: noon, Wanted: Wanted{Connection: c, At: noon}, Steps: map[Step]StepStatus{}}
	gone := live
	gone.Generation, gone.Wanted.Disconnect = 2, true
	goneFor := func(p Progress) Record {
		r := gone
		r.Steps = map[Step]StepStatus{Verification: {Generation: 2, Action: Prune, Progress: p, UpdatedAt: noon}}
		return r
	}
	all := orphanIDs(Orphans("vi", nil, marked(c, "interconnect.vi.a", ""), noon))
	require.GreaterOrEqual(t, len(all), 6)
	rolledBack := gone
	rolledBack.ID, rolledBack.Wanted.Connection = "b", &Connection{ID: "b", Type: TypeExpressConnect}
	rolledBack.Wanted.Disconnect, rolledBack.LastConnected = false, c

	for name, c := range map[string]struct {
		mark    string
		records []Record
		want    bool
		state   State
		going   bool
	}{
		"what has no record":                   {"interconnect.vi.a", nil, true, "", false},
		"what a live record wants":             {"interconnect.vi.a", []Record{live}, false, "", false},
		"what another live record wants":       {"interconnect.vi.other", []Record{live}, false, "", false},
		"what a record may be rolled back to":  {"interconnect.vi.a", []Record{rolledBack}, false, "", false},
		"what a disconnect has left":           {"interconnect.vi.a", []Record{goneFor(Done)}, true, StateDisconnected, false},
		"what a disconnect is about to remove": {"interconnect.vi.a", []Record{goneFor(Waiting)}, true, StateDisconnecting, true},
		"what a disconnect could not remove":   {"interconnect.vi.a", []Record{goneFor(Failed)}, true, StateNeedsAttention, false},
		"what another deployment made":         {"interconnect.v.a", nil, false, "", false},
		"what bears no mark":                   {"made by hand", nil, false, "", false},
		"what looks like a mark":               {"interconnect.vi.a.b", nil, false, "", false},
	} {
		found := Orphans("vi", c.records, marked(resolvedFor(t), c.mark, ""), noon.Add(time.Minute))
		if !c.want {
			require.Empty(t, orphanIDs(found), name)
			continue
		}
		require.Equal(t, all, orphanIDs(found), name)
		for _, o := range found {
			require.Equal(t, c.state, o.State, name)
			require.Equal(t, c.going, o.Going, name)
			require.NotEmpty(t, o.Describe())
			require.NotEmpty(t, o.RegionID)
		}
		require.NotNil(t, found[0].Rule, "%s: what leads somewhere comes first", name)
		require.NotNil(t, found[len(found)-1].Interface, name)
	}
}

func resolvedFor(t *testing.T) *Connection {
	c := resolved(t, twoGroups)
	c.ID, c.Type = "a", TypeExpressConnect
	return c
}

func TestASecondPairOfALiveConnectionIsAnOrphan(t *testing.T) {
	t.Parallel()
	c := resolvedFor(t)
	live := Record{ID: "a", Generation: 1, UpdatedAt: noon, Wanted: Wanted{Connection: c, At: noon},
		Steps: map[Step]StepStatus{Verification: {Generation: 1, Action: Connect, Progress: Done, UpdatedAt: noon}}}
	seen := marked(c, "interconnect.vi.a", "")
	for i := range seen {
		extra := seen[i].Interfaces[0]
		extra.ID, extra.OppositeID, extra.Status, extra.CreatedAt = extra.ID+"2", extra.OppositeID+"2", statusIdle, noon
		seen[i].Interfaces = append(seen[i].Interfaces, extra)
	}
	require.Equal(t, []string{"ri-acceptor2", "ri-initiator2"}, orphanIDs(Orphans("vi", []Record{live}, seen, noon)))
	require.Equal(t, []string{"ri-initiator2", "ri-acceptor2"}, func() []string {
		o := Orphan{ID: "ri-initiator2", Interface: &seen[0].Interfaces[1]}
		return o.Hops()
	}())
}
