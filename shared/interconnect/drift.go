package interconnect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// DriftKind says how something differs from what was asked for.
type DriftKind string

// The kinds of drift, the gravest first.
const (
	DriftMissing   DriftKind = "missing"   // wanted, and not there
	DriftChanged   DriftKind = "changed"   // of this deployment, there, and not as wanted
	DriftForeign   DriftKind = "foreign"   // not this deployment's, and in the way
	DriftUncovered DriftKind = "uncovered" // came to a VPC after the request, which does not cover it: told, not connected
)

// Drift is one difference between what exists and what is wanted.
type Drift struct {
	Kind     DriftKind `json:"kind"`
	Side     Role      `json:"side,omitempty"`
	Resource string    `json:"id,omitempty"`     // the thing; of one that is missing, what it is missing in
	Sentence string    `json:"what"`             // in one sentence
	ByHand   bool      `json:"byHand,omitempty"` // of missing and changed: it is not for this deployment to mend
}

// mendable tells whether connecting again mends it.
func (d Drift) mendable() bool {
	return (d.Kind == DriftMissing || d.Kind == DriftChanged) && !d.ByHand
}

// Around is what the two VPCs have around a connection.
type Around struct {
	Blocks    map[Role][]netip.Prefix // of the VPCs
	VSwitches map[Role][]VSwitch
}

// FindDrift compares what exists with what a live record wants. It goes by the
// functions by which the steps act, so that what it calls mendable is what a
// connect would do. What merely takes its time is no drift.
func FindDrift(p Planning, around Around) []Drift {
	c := p.Record.Wanted.Connection
	if !p.Record.Live() {
		return nil
	}
	plan := p.connect(c)
	var out []Drift
	for _, t := range plan.Added {
		out = append(out, Drift{Kind: DriftMissing, Side: t.Side, Resource: t.In, Sentence: t.missing()})
	}
	for _, t := range plan.Repointed {
		out = append(out, Drift{Kind: DriftChanged, Side: t.Side, Resource: t.ID, Sentence: fmt.Sprintf("The %s is not as wanted; what mends it: %s.", t.name(), t.Change)})
	}
	out = append(out, p.joints(c, plan)...)
	for _, t := range plan.Foreign {
		if !slices.ContainsFunc(plan.Kept, func(k Thing) bool { return k.ID == t.ID }) {
			out = append(out, Drift{Kind: DriftForeign, Side: t.Side, Resource: t.ID, Sentence: fmt.Sprintf("The %s is not this deployment's, and stands in the way.", t.name())})
		}
	}
	out = append(out, p.strays(c)...)
	out = append(out, uncovered(c, around)...)
	slices.SortStableFunc(out, func(a, b Drift) int { return cmp.Compare(driftOrder[a.Kind], driftOrder[b.Kind]) })
	return slices.CompactFunc(out, func(a, b Drift) bool { return a.Kind == b.Kind && a.Resource == b.Resource && a.Sentence == b.Sentence })
}

var driftOrder = map[DriftKind]int{DriftMissing: 0, DriftChanged: 1, DriftForeign: 2, DriftUncovered: 3}

// name says what a thing is, as it is found.
func (t Thing) name() string {
	switch t.Kind {
	case KindRoute:
		return fmt.Sprintf("route %s to %s in route table %s, by %s,", t.ID, t.What, t.In, t.LeadsTo)
	case KindRule:
		return fmt.Sprintf("rule %s of security group %s (%s)", t.ID, t.In, t.What)
	case KindRouterInterface:
		return fmt.Sprintf("router interface %s, which is %s,", t.ID, t.Status)
	}
	return fmt.Sprintf("VPC peering connection %s, which is %s,", t.ID, t.Status)
}

// missing says that a thing is not there.
func (t Thing) missing() string {
	switch t.Kind {
	case KindRoute:
		return fmt.Sprintf("Route table %s has no route to %s.", t.In, t.What)
	case KindRule:
		return fmt.Sprintf("Security group %s has no rule for %s.", t.In, t.What)
	case KindRouterInterface:
		return fmt.Sprintf("Router %s has no router interface to the other side.", t.In)
	}
	return fmt.Sprintf("VPC %s has no VPC peering connection to the other side.", t.In)
}

// joints tells of what joins the two VPCs, is not in order, and is nothing that
// a connect changes: it is locked, or on its way down.
func (p Planning) joints(c *Connection, plan Changes) []Drift {
	var out []Drift
	told := func(id string) bool {
		return slices.ContainsFunc(append(slices.Clone(plan.Repointed), plan.Foreign...), func(t Thing) bool { return t.ID == id })
	}
	odd := func(side Role, id, kind, status, business string) {
		if business != businessNormal && business != "" {
			out = append(out, Drift{Kind: DriftChanged, Side: side, Resource: id, ByHand: true,
				Sentence: fmt.Sprintf("The %s %s is %s: its business status is the account's to mend.", kind, id, business)})
		} else if status != "" && !told(id) {
			out = append(out, Drift{Kind: DriftChanged, Side: side, Resource: id, Sentence: fmt.Sprintf("The %s %s is %s.", kind, id, status)})
		}
	}
	if c.Type == TypeVpcPeering {
		if kept := FindPeering(c, p.Prefix, p.Seen.Peerings).Kept; kept != nil {
			odd(thingOfPeering(c, p.Prefix, *kept).Side, kept.ID, "VPC peering connection", "", kept.BusinessStatus)
		}
		return out
	}
	found := FindPair(c, p.Prefix, p.Seen.Interfaces)
	for _, i := range found.Kept.all() {
		status := ""
		if i.Status == statusInactive || i.Status == "Deactivating" {
			status = i.Status
		}
		odd(roleAt(c, i), i.ID, "router interface", status, i.BusinessStatus)
	}
	return out
}

// strays lists the routes that are not this deployment's and lead a part of a
// connected block elsewhere: the longer prefix wins.
func (p Planning) strays(c *Connection) []Drift {
	var out []Drift
	for _, role := range Roles {
		for _, e := range p.entries(role) {
			if e.Type != "Custom" || owner(p.Prefix, e.Name) != "" || !slices.Contains(c.Side(role).RouteTableIDs, e.RouteTableID) {
				continue
			}
			within := slices.ContainsFunc(c.Side(role.Other()).CidrBlocks, func(b netip.Prefix) bool {
				return e.Destination.IsValid() && b.Bits() < e.Destination.Bits() && b.Overlaps(e.Destination)
			})
			if within {
				out = append(out, Drift{Kind: DriftForeign, Side: role, Resource: e.ID,
					Sentence: fmt.Sprintf("The %s is not this deployment's, and leads a part of the other side elsewhere.", p.route(e).name())})
			}
		}
	}
	return out
}

// uncovered lists what the VPCs have by now that the request neither covers nor
// has left out.
func uncovered(c *Connection, around Around) []Drift {
	var out []Drift
	for _, role := range Roles {
		side := c.Side(role)
		for _, b := range around.Blocks[role] {
			if !withinAny(b, side.CidrBlocks) && !slices.Contains(side.Omits, b.String()) {
				out = append(out, Drift{Kind: DriftUncovered, Side: role, Resource: side.VpcID,
					Sentence: fmt.Sprintf("VPC %s has got the block %s, which is not connected: ask for the connection again to have it in.", side.VpcID, b)})
			}
		}
		for _, v := range around.VSwitches[role] {
			inside := slices.ContainsFunc(side.CidrBlocks, v.CidrBlock.Overlaps)
			if inside && v.RouteTableID != "" && !slices.Contains(side.RouteTableIDs, v.RouteTableID) && !slices.Contains(side.Omits, v.RouteTableID) {
				out = append(out, Drift{Kind: DriftUncovered, Side: role, Resource: v.ID,
					Sentence: fmt.Sprintf("vSwitch %s is served by route table %s, which gets no routes: ask for the connection again with that table.", v.ID, v.RouteTableID)})
			}
		}
	}
	return out
}

// Omitted lists the blocks of a VPC, and the tables that serve its vSwitches,
// which a side leaves out: what it knew of, and did not want.
func Omitted(side *Side, blocks []netip.Prefix, vswitches []VSwitch) []string {
	var out []string
	for _, b := range blocks {
		if !withinAny(b, side.CidrBlocks) {
			out = append(out, b.String())
		}
	}
	for _, v := range vswitches {
		if v.RouteTableID != "" && !slices.Contains(side.RouteTableIDs, v.RouteTableID) {
			out = append(out, v.RouteTableID)
		}
	}
	return sortedIDs(out)
}

// Contested tells whether a route that the connection wants is there under
// another connection's mark. Then it takes the other records to tell whether
// that one is still wanted: FindDrift needs Others.
func (p Planning) Contested() bool {
	c := p.Record.Wanted.Connection
	wanted := routeKeys([]*Connection{c})
	return slices.ContainsFunc(p.Seen.Entries, func(e RouteEntry) bool {
		o := owner(p.Prefix, e.Name)
		return o != "" && o != c.ID && wanted[e.key()]
	})
}
