package interconnect

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// RegionSeen is what was seen of a region, whoever made it.
type RegionSeen struct {
	RegionID   string
	Interfaces []RouterInterface
	Peerings   []PeeringConnection
	Routes     []RouteEntry
	Rules      []Rule
}

// Orphan is a thing that bears a mark of the deployment and that no live record
// wants. Exactly one of Interface, Peering, Route and Rule is set.
type Orphan struct {
	RegionID string
	ID       string
	Mark     Mark
	State    State // of the mark's record; "" if there is none
	Going    bool  // its record's own chain is at work, and may be about to remove it

	Interface *RouterInterface
	Peering   *PeeringConnection
	Route     *RouteEntry
	Rule      *Rule
}

// Orphans finds what bears a mark of the deployment and no live record wants, by
// the rules of a prune, which is what would remove it. Rules and routes come
// before what they need.
func Orphans(prefix string, records []Record, regions []RegionSeen, now time.Time) []Orphan {
	var live []*Connection
	byID := map[string]*Record{}
	for i := range records {
		r := &records[i]
		byID[r.ID] = r
		if r.Live() {
			live = appendSet(live, r.Wanted.Connection, r.LastConnected)
		}
	}
	var all RegionSeen
	for _, g := range regions {
		all.Interfaces = append(all.Interfaces, g.Interfaces...)
		all.Peerings = append(all.Peerings, g.Peerings...)
	}
	var out []Orphan
	for _, m := range marksOf(prefix, regions) {
		p := Pruning{Mark: m, Live: live}
		add := func(o Orphan) {
			o.Mark = m
			if r := byID[m.ConnectionID]; r != nil {
				o.State = Overall(r, now)
				o.Going = !Ended(r) && o.State != StateNeedsAttention
			}
			out = append(out, o)
		}
		for _, g := range regions {
			for _, r := range PrunableRules(p, g.Rules) {
				add(Orphan{RegionID: g.RegionID, ID: r.ID, Rule: &r})
			}
			for _, e := range PrunableRoutes(p, g.Routes) {
				add(Orphan{RegionID: g.RegionID, ID: e.ID, Route: &e})
			}
		}
		for _, i := range PrunableInterfaces(p, all.Interfaces) {
			add(Orphan{RegionID: i.RegionID, ID: i.ID, Interface: &i})
		}
		for _, x := range PrunablePeerings(p, all.Peerings) {
			add(Orphan{RegionID: x.RegionID, ID: x.ID, Peering: &x})
		}
	}
	slices.SortStableFunc(out, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.RegionID, b.RegionID), cmp.Compare(a.Mark.ConnectionID, b.Mark.ConnectionID))
	})
	return out
}

// marksOf lists the deployment's marks that are to be seen.
func marksOf(prefix string, regions []RegionSeen) []Mark {
	seen := map[Mark]bool{}
	note := func(m Mark, ok bool) {
		if ok && m.Prefix == prefix {
			seen[m] = true
		}
	}
	for _, g := range regions {
		for i := range g.Interfaces {
			note(OwnerOf(&g.Interfaces[i]))
		}
		for i := range g.Peerings {
			note(OwnerOfPeering(&g.Peerings[i]))
		}
		for _, e := range g.Routes {
			note(ParseMark(e.Name))
		}
		for _, r := range g.Rules {
			note(ParseMark(r.Description))
		}
	}
	var out []Mark
	for m := range seen {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Mark) int { return cmp.Compare(a.ConnectionID, b.ConnectionID) })
	return out
}

// rank orders kinds by what has to go before what.
func (o *Orphan) rank() int {
	switch {
	case o.Rule != nil:
		return 0
	case o.Route != nil:
		return 1
	}
	return 2
}

// Describe says what an orphan is.
func (o *Orphan) Describe() string {
	switch {
	case o.Rule != nil:
		return fmt.Sprintf("rule of security group %s: %s %s %s, %s", o.Rule.GroupID, o.Rule.Direction, o.Rule.Protocol, o.Rule.PortRange, o.Rule.Peer())
	case o.Route != nil:
		return fmt.Sprintf("route in table %s: %s to %s %s", o.Route.RouteTableID, o.Route.Destination, o.Route.NextHopType, o.Route.NextHopID)
	case o.Peering != nil:
		return fmt.Sprintf("VPC peering connection of %s with %s in %s, %s", o.Peering.VpcID, o.Peering.AcceptingVpcID, o.Peering.AcceptingRegionID, o.Peering.Status)
	}
	return fmt.Sprintf("router interface of %s, its opposite %s in %s, %s", o.Interface.RouterID, cmp.Or(o.Interface.OppositeID, "not set"), o.Interface.OppositeRegionID, o.Interface.Status)
}

// Hops lists the ids by which routes lead to the orphan: while there are any,
// removing it cuts them off.
func (o *Orphan) Hops() []string {
	switch {
	case o.Interface != nil && o.Interface.OppositeID != "":
		return []string{o.ID, o.Interface.OppositeID}
	case o.Interface != nil || o.Peering != nil:
		return []string{o.ID}
	}
	return nil
}
