package interconnect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// MaxRouteBatch is how many entries CreateRouteEntries and DeleteRouteEntries
// take in one call.
const MaxRouteBatch = 50

// WantedRoute is a route that a connection needs: in one table of one side, to
// one block of the other.
type WantedRoute struct {
	Role         Role // the side whose table it is
	RegionID     string
	RouteTableID string
	Destination  netip.Prefix
}

type routeKey struct {
	table       string
	destination netip.Prefix
}

func (w WantedRoute) key() routeKey { return routeKey{w.RouteTableID, w.Destination.Masked()} }
func (e *RouteEntry) key() routeKey { return routeKey{e.RouteTableID, e.Destination.Masked()} }

// WantedRoutes lists the routes that c needs in the tables of one side, by
// table and destination. A nil c needs none.
func WantedRoutes(c *Connection, side Role) []WantedRoute {
	if c == nil {
		return nil
	}
	var out []WantedRoute
	for _, table := range c.Side(side).RouteTableIDs {
		for _, block := range c.Side(side.Other()).CidrBlocks {
			out = append(out, WantedRoute{Role: side, RegionID: c.Side(side).RegionID, RouteTableID: table, Destination: block.Masked()})
		}
	}
	slices.SortFunc(out, func(a, b WantedRoute) int {
		return cmp.Or(cmp.Compare(a.RouteTableID, b.RouteTableID), compareBlocks(a.Destination, b.Destination))
	})
	return slices.Compact(out)
}

// RouteDiff is how a side's tables differ from what is wanted. Each wanted
// route is in exactly one of its lists.
type RouteDiff struct {
	Create    []NewRoute
	Repoint   []RouteEntry // this connection's own, leading elsewhere
	Conflicts []RouteEntry // not this connection's, leading elsewhere
	Unsettled []RouteEntry // a task runs on them
	Present   []RouteEntry // as wanted, whoever made them
}

// Complete tells whether every wanted route is there and settled.
func (d RouteDiff) Complete() bool {
	return len(d.Create)+len(d.Repoint)+len(d.Conflicts)+len(d.Unsettled) == 0
}

// DiffRoutes compares a side's wanted routes, all leading to hop, with the
// entries of its tables. Entries that a CEN, an ECR or BGP brought are passed
// over: they do not stand in the way of a custom one.
func DiffRoutes(m Mark, wanted []WantedRoute, hop NextHop, entries []RouteEntry) RouteDiff {
	at := map[routeKey]RouteEntry{}
	for _, e := range entries {
		if e.Type == "Custom" || e.Type == "System" || e.Type == "" {
			at[e.key()] = e
		}
	}
	var d RouteDiff
	for _, w := range wanted {
		e, found := at[w.key()]
		owner, ours := m.ours(e.Name)
		switch {
		case !found:
			d.Create = append(d.Create, NewRoute{
				RouteTableID: w.RouteTableID, Destination: w.Destination, NextHop: hop, Name: m.String(), Description: m.String(),
			})
		case !e.Settled():
			d.Unsettled = append(d.Unsettled, e)
		case e.NextHopID == hop.ID && e.NextHopType == hop.Type:
			d.Present = append(d.Present, e)
		case ours && owner == m:
			d.Repoint = append(d.Repoint, e)
		default:
			d.Conflicts = append(d.Conflicts, e)
		}
	}
	return d
}

// Inherit moves to Repoint the conflicts that are leftovers of this deployment:
// routes that another connection made and that none needs any more. p says
// what is needed.
func (d RouteDiff) Inherit(p Pruning) RouteDiff {
	free := map[string]bool{}
	for _, e := range PrunableRoutes(p, d.Conflicts) {
		free[e.ID] = true
	}
	conflicts := d.Conflicts
	d.Conflicts, d.Repoint = nil, slices.Clip(d.Repoint)
	for _, e := range conflicts {
		if free[e.ID] {
			d.Repoint = append(d.Repoint, e)
		} else {
			d.Conflicts = append(d.Conflicts, e)
		}
	}
	return d
}

// PrunableRoutes lists the entries that a prune removes, by table and
// destination.
func PrunableRoutes(p Pruning, entries []RouteEntry) []RouteEntry {
	wanted, needed := routeKeys(p.Wanted), routeKeys(p.Live)
	var out []RouteEntry
	for _, e := range entries {
		if p.left(e.Name, wanted[e.key()]) && !needed[e.key()] {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b RouteEntry) int {
		return cmp.Or(cmp.Compare(a.RouteTableID, b.RouteTableID), compareBlocks(a.Destination, b.Destination), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func routeKeys(connections []*Connection) map[routeKey]bool {
	keys := map[routeKey]bool{}
	for _, c := range connections {
		for _, role := range Roles {
			for _, w := range WantedRoutes(c, role) {
				keys[w.key()] = true
			}
		}
	}
	return keys
}

// Unsettled lists the entries on which a task runs. While there is one, no
// other task on that VPC's routes is accepted.
func Unsettled(entries []RouteEntry) []RouteEntry {
	var out []RouteEntry
	for _, e := range entries {
		if !e.Settled() {
			out = append(out, e)
		}
	}
	return out
}

// PointingTo lists the entries whose next hop is one of ids. While there are
// any, the cloud does not let it go.
func PointingTo(entries []RouteEntry, ids ...string) []RouteEntry {
	var out []RouteEntry
	for _, e := range entries {
		if slices.Contains(ids, e.NextHopID) {
			out = append(out, e)
		}
	}
	return out
}

// CustomEntries counts the entries of a table that count against its quota.
func CustomEntries(entries []RouteEntry, table string) int {
	n := 0
	for _, e := range entries {
		if e.RouteTableID == table && e.Type == "Custom" {
			n++
		}
	}
	return n
}

// Describe names an entry for a sentence: destination, table and next hop.
func (e *RouteEntry) Describe() string {
	return fmt.Sprintf("the route to %s in route table %s, which leads to %s %s", e.Destination, e.RouteTableID, e.NextHopType, e.NextHopID)
}
