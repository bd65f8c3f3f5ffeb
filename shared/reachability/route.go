package reachability

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// Next hops by which one VPC leads into another.
const (
	hopInterface = "RouterInterface"
	hopPeering   = "VpcPeer"
	hopLocal     = "local"
)

// routed asks the table of the source's vSwitch where the target is, and what
// the route leads to whether it carries.
func (a *analysis) routed(f flow) []Hop {
	h := Hop{Layer: LayerRoute, Side: f.source.role, Way: f.way, State: Unknown}
	if f.source.vSwitch == nil {
		h.Sentence = fmt.Sprintf("Which route table serves %s is not known%s.", f.source.address, because(f.source.side, UnreadVSwitches))
		return []Hop{h}
	}
	table := f.source.vSwitch.RouteTableID
	h.Resource = table
	entries := entriesOf(f.source.side, table)
	if why, unread := f.source.side.Unread[table]; unread || len(entries) == 0 {
		// Even an empty table has the system's entries.
		h.Sentence = fmt.Sprintf("Route table %s, which serves vSwitch %s, could not be read%s.", table, f.source.vSwitch.ID, becauseOf(why))
		return []Hop{h}
	}
	best, changing := choose(entries, f.target.address)
	switch {
	case best == nil && changing != nil:
		h.State, h.Resource = Blocks, changing.ID
		h.Sentence = fmt.Sprintf("The route to %s in route table %s is %s and carries nothing yet.", changing.Destination, table, changing.Status)
		h.Mend = fmt.Sprintf("Wait until route entry %s is Available, or delete it and add it again.", changing.ID)
		return []Hop{h}
	case best == nil:
		h.State = Blocks
		h.Sentence = fmt.Sprintf("Route table %s, which serves vSwitch %s, has no route to %s.", table, f.source.vSwitch.ID, f.target.address)
		h.Mend = a.mendNoRoute(f, table)
		return []Hop{h}
	}
	hops := a.lead(f, best, h)
	if n := slices.IndexFunc(entries, func(e interconnect.RouteEntry) bool {
		return !e.Destination.IsValid() && (e.NextHopType != best.NextHopType || e.NextHopID != best.NextHopID)
	}); n >= 0 && hops[0].State == Passes {
		hops[0].State, hops[0].Resource = Unknown, nameOf(&entries[n])
		hops[0].Sentence = fmt.Sprintf("Route entry %s of route table %s is for a prefix list, which may hold %s.", nameOf(&entries[n]), table, f.target.address)
		hops[0].Mend = fmt.Sprintf("Look at the prefix list of route entry %s; the route to %s serves what it does not hold.", nameOf(&entries[n]), best.Destination)
	}
	if !best.Settled() && hops[0].State == Passes {
		hops[0].State = Unknown
		hops[0].Sentence = fmt.Sprintf("The route to %s in route table %s is %s: whether it leads to its old or its new next hop is not known.", best.Destination, table, best.Status)
		hops[0].Mend = fmt.Sprintf("Wait until route entry %s is Available.", best.ID)
	}
	if changing != nil && hops[0].State == Passes {
		hops[0].State, hops[0].Resource = Unknown, changing.ID
		hops[0].Sentence = fmt.Sprintf("The route to %s in route table %s is %s; until it is done, %s leads there.", changing.Destination, table, changing.Status, best.Destination)
		hops[0].Mend = fmt.Sprintf("Wait until route entry %s is Available.", changing.ID)
	}
	return hops
}

func becauseOf(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

func entriesOf(s *Side, table string) []interconnect.RouteEntry {
	var out []interconnect.RouteEntry
	for _, e := range s.Entries {
		if e.RouteTableID == table {
			out = append(out, e)
		}
	}
	return out
}

// choose returns the entry that decides: of those that are there and cover the
// address, the one with the longest prefix, and of equal ones a static one. One
// that is being modified is there. changing is an entry that is being made, or
// deleted, and would come before it.
func choose(entries []interconnect.RouteEntry, to netip.Addr) (best, changing *interconnect.RouteEntry) {
	for n := range entries {
		e := &entries[n]
		if !e.Destination.IsValid() || !e.Destination.Contains(to) {
			continue
		}
		if e.Settled() || e.Status == "Modifying" {
			best = better(best, e)
		} else {
			changing = better(changing, e)
		}
	}
	if best != nil && changing != nil && changing.Destination.Bits() < best.Destination.Bits() {
		changing = nil
	}
	return best, changing
}

func better(a, b *interconnect.RouteEntry) *interconnect.RouteEntry {
	if a == nil || cmp.Or(cmp.Compare(b.Destination.Bits(), a.Destination.Bits()), cmp.Compare(static(b), static(a))) > 0 {
		return b
	}
	return a
}

// static is 1 for what somebody entered or the system made, 0 for what was
// learned: static routes win.
func static(e *interconnect.RouteEntry) int {
	switch e.Type {
	case "Custom", "System":
		return 1
	}
	return 0
}

// nameOf names an entry: some of the system's have no id.
func nameOf(e *interconnect.RouteEntry) string { return cmp.Or(e.ID, e.RouteTableID) }

// lead follows an entry. h is the hop of the route, to be completed.
func (a *analysis) lead(f flow, e *interconnect.RouteEntry, h Hop) []Hop {
	h.State, h.Resource = Passes, nameOf(e)
	side := f.source.side
	route := fmt.Sprintf("The route to %s in route table %s", e.Destination, e.RouteTableID)
	if strings.EqualFold(e.NextHopType, hopLocal) {
		h.Sentence = route + " stays within the VPC."
		if f.target.role != f.source.role {
			h.State = Blocks
			for _, v := range side.VSwitches {
				if v.CidrBlock.Contains(f.target.address) {
					h.Resource = v.ID
				}
			}
			h.Sentence = fmt.Sprintf("%s stays within %s: its own vSwitch %s has the address %s too.", route, side.VPC.ID, h.Resource, f.target.address)
			h.Mend = fmt.Sprintf("Use an address outside %s, which both VPCs have.", e.Destination)
		}
		return []Hop{h}
	}
	if e.NextHopType != hopInterface && e.NextHopType != hopPeering {
		h.State = Unknown
		h.Sentence = fmt.Sprintf("%s leads to the %s %s, and what becomes of packets there cannot be told.", route, e.NextHopType, e.NextHopID)
		h.Mend = a.mendElsewhere(f, e)
		return []Hop{h}
	}
	h.Sentence = fmt.Sprintf("%s leads to %s.", route, e.NextHopID)
	var hops []Hop
	for _, id := range strings.Split(e.NextHopID, ",") {
		hop := Hop{Layer: LayerPeering, Side: f.source.role, Way: f.way, Resource: id}
		if e.NextHopType == hopInterface {
			a.overInterface(f, id, &hop)
		} else {
			a.overPeering(f, id, &hop)
		}
		hops = append(hops, hop)
	}
	hops = several(hops)
	if !slices.ContainsFunc(hops, func(h Hop) bool { return h.Layer == LayerPeering }) {
		return hops // the route is to blame, not what it leads to
	}
	return append([]Hop{h}, hops...)
}

// several is what a packet meets that takes one of several next hops, nobody
// knows which: what all of them do, or, if they differ, the doubt.
func several(hops []Hop) []Hop {
	is := func(s State) func(Hop) bool { return func(h Hop) bool { return h.State == s } }
	passing := slices.ContainsFunc(hops, is(Passes)) || slices.ContainsFunc(hops, is(Unknown))
	switch n := slices.IndexFunc(hops, is(Blocks)); {
	case n >= 0 && passing:
		hops[n].State = Unknown
		hops[n].Sentence += " It is one of several next hops of the same route, and which one a packet takes is not known."
		return hops[n : n+1]
	case n >= 0:
		return hops
	}
	if n := slices.IndexFunc(hops, is(Unknown)); n >= 0 {
		return hops[n : n+1]
	}
	return hops[:1]
}

// overInterface asks a pair of router interfaces. The hop given is completed;
// it becomes one of LayerRoute where the route itself is wrong.
func (a *analysis) overInterface(f flow, id string, h *Hop) {
	side, other := f.source.side, f.target.side
	get := func(s *Side, id string) *interconnect.RouterInterface {
		if n := slices.IndexFunc(s.Interfaces, func(r interconnect.RouterInterface) bool { return r.ID == id }); n >= 0 {
			return &s.Interfaces[n]
		}
		return nil
	}
	unread := func(s *Side) bool { _, ok := s.Unread[UnreadInterfaces]; return ok }
	near := get(side, id)
	if near == nil || differ(near.RouterID, side.VPC.VRouterID) {
		if near == nil && unread(side) {
			h.State, h.Sentence = Unknown, fmt.Sprintf("Router interface %s could not be read%s.", id, because(side, UnreadInterfaces))
			return
		}
		a.wrongRoute(f, h, fmt.Sprintf("router interface %s, which the VPC does not have", id))
		return
	}
	if near.OppositeID == "" {
		h.State = Blocks
		h.Sentence = fmt.Sprintf("Router interface %s is %s and has no opposite.", near.ID, near.Status)
		h.Mend = fmt.Sprintf("Give router interface %s its opposite, and connect it.", near.ID)
		return
	}
	// What leads to a third VPC is the route's fault, whatever state it is in.
	if f.target.role == f.source.role || differ(near.OppositeRouterID, other.VPC.VRouterID) {
		a.wrongRoute(f, h, fmt.Sprintf("router interface %s, which leads into another VPC", id))
		return
	}
	far := get(other, near.OppositeID)
	if far == nil && !unread(other) {
		h.State = Blocks
		h.Sentence = fmt.Sprintf("The opposite %s of router interface %s is gone.", near.OppositeID, near.ID)
		h.Mend = fmt.Sprintf("Delete router interface %s, and make the connection anew.", near.ID)
		return
	}
	if far != nil && far.OppositeID != near.ID {
		h.State, h.Resource = Blocks, far.ID
		h.Sentence = fmt.Sprintf("Router interface %s does not have %s as its opposite.", far.ID, near.ID)
		h.Mend = fmt.Sprintf("Have router interface %s name %s as its opposite, and connect it.", far.ID, near.ID)
		return
	}
	judgeInterface(near, f.source.role, h)
	if h.State == Blocks {
		return
	}
	if far == nil {
		h.State, h.Sentence = Unknown, fmt.Sprintf("The opposite %s of router interface %s could not be read%s.", near.OppositeID, near.ID, because(other, UnreadInterfaces))
		return
	}
	farHop := *h
	farHop.Resource = far.ID
	judgeInterface(far, f.target.role, &farHop)
	if farHop.State == Blocks || farHop.State == Unknown && h.State == Passes {
		*h = farHop
	}
	if h.State == Passes {
		h.Sentence = fmt.Sprintf("Router interfaces %s and %s are Active.", near.ID, far.ID)
	}
}

// differ tells whether two ids are known to be two.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// judgeInterface says of one router interface whether it carries.
func judgeInterface(r *interconnect.RouterInterface, role interconnect.Role, h *Hop) {
	h.Resource, h.Side, h.State = r.ID, role, Blocks
	h.Sentence = fmt.Sprintf("Router interface %s of the %s's side is %s.", r.ID, role, r.Status)
	switch r.Status {
	case "Active":
		h.State = Passes
	case "Modifying", "Activating": // a changed specification passes through these too
		h.State = Unknown
		h.Mend = fmt.Sprintf("Wait until router interface %s is Active.", r.ID)
	case "Inactive":
		h.Mend = fmt.Sprintf("Activate router interface %s.", r.ID)
	case "Idle":
		h.Mend = fmt.Sprintf("Connect router interface %s, from the initiating side.", r.ID)
	case "Deleting":
		h.Mend = "Make the connection anew."
	default:
		h.Mend = fmt.Sprintf("Wait until router interface %s is Active.", r.ID)
	}
	if h.State == Blocks {
		return
	}
	lock(fmt.Sprintf("router interface %s", r.ID), r.BusinessStatus, h)
}

// lock judges a business status: Normal, or a lock, under which nothing is
// carried.
func lock(what, status string, h *Hop) {
	switch status {
	case "Normal", "":
		return
	case "FinancialLocked":
		h.Mend = fmt.Sprintf("Pay the account's overdue bills, which unlocks %s.", what)
	default:
		h.Mend = fmt.Sprintf("Have Alibaba Cloud unlock %s: open a ticket.", what)
	}
	h.State = Blocks
	h.Sentence = fmt.Sprintf("%s is locked: its business status is %s.", strings.ToUpper(what[:1])+what[1:], status)
}

// overPeering asks a VPC peering connection, one thing for both sides.
func (a *analysis) overPeering(f flow, id string, h *Hop) {
	side, other := f.source.side, f.target.side
	var p *interconnect.PeeringConnection
	for _, s := range []*Side{side, other} {
		if n := slices.IndexFunc(s.Peerings, func(p interconnect.PeeringConnection) bool { return p.ID == id }); n >= 0 && p == nil {
			p = &s.Peerings[n]
		}
	}
	if p == nil {
		for _, s := range []*Side{side, other} {
			if _, unread := s.Unread[UnreadPeerings]; unread {
				h.State, h.Sentence = Unknown, fmt.Sprintf("VPC peering connection %s could not be read%s.", id, because(s, UnreadPeerings))
				return
			}
		}
	}
	joins := func(x, y *Side) bool { return p != nil && p.VpcID == x.VPC.ID && p.AcceptingVpcID == y.VPC.ID }
	switch {
	case p == nil || p.VpcID != side.VPC.ID && p.AcceptingVpcID != side.VPC.ID:
		a.wrongRoute(f, h, fmt.Sprintf("VPC peering connection %s, which the VPC does not have", id))
		return
	case !joins(side, other) && !joins(other, side):
		a.wrongRoute(f, h, fmt.Sprintf("VPC peering connection %s, which leads into another VPC", id))
		return
	}
	h.State = Blocks
	h.Sentence = fmt.Sprintf("VPC peering connection %s is %s.", id, p.Status)
	anew := fmt.Sprintf("Make a new VPC peering connection, and lead the routes there that lead to %s.", id)
	switch p.Status {
	case "Activated":
		h.State = Passes
	case "Updating": // between acceptance and activation too
		h.State = Unknown
		h.Mend = fmt.Sprintf("Wait until VPC peering connection %s is Activated.", id)
	case "Accepting":
		h.Mend = fmt.Sprintf("Accept VPC peering connection %s on the accepting side.", id)
	case "Creating":
		h.Mend = fmt.Sprintf("Wait until VPC peering connection %s is Activated.", id)
	default: // Rejected, Expired, Deleting, Deleted
		h.Mend = anew
	}
	if h.State != Blocks {
		lock("VPC peering connection "+id, p.BusinessStatus, h)
	}
}

// wrongRoute says that a route leads to what does not lead to the target.
func (a *analysis) wrongRoute(f flow, h *Hop, leadsTo string) {
	e, _ := choose(entriesOf(f.source.side, f.source.vSwitch.RouteTableID), f.target.address)
	h.Layer, h.State, h.Resource = LayerRoute, Blocks, nameOf(e)
	h.Sentence = fmt.Sprintf("The route to %s in route table %s leads to %s.", e.Destination, e.RouteTableID, leadsTo)
	h.Mend = a.mendElsewhere(f, e)
}

// mendElsewhere is for a route that does not lead to the other side.
func (a *analysis) mendElsewhere(f flow, e *interconnect.RouteEntry) string {
	entry := fmt.Sprintf("route entry %s (%s) of route table %s", nameOf(e), e.Destination, e.RouteTableID)
	joint := a.joint(f)
	// A wider entry takes over, once this one is gone.
	rest := slices.DeleteFunc(entriesOf(f.source.side, e.RouteTableID), func(o interconnect.RouteEntry) bool { return o.Destination == e.Destination })
	wider, _ := choose(rest, f.target.address)
	switch {
	case wider != nil && joint != "" && strings.HasSuffix(joint, " "+wider.NextHopID):
		return fmt.Sprintf("Delete %s: the route to %s leads to %s.", entry, wider.Destination, joint)
	case joint != "":
		return fmt.Sprintf("Have %s lead to %s.", entry, joint)
	}
	return fmt.Sprintf("Connect the two VPCs, and have %s lead to the connection.", entry)
}

// mendNoRoute is for a table that has none.
func (a *analysis) mendNoRoute(f flow, table string) string {
	block := f.target.side.block(f.target.address)
	if !block.IsValid() {
		block = netip.PrefixFrom(f.target.address, f.target.address.BitLen())
	}
	joint := a.joint(f)
	if joint == "" {
		return fmt.Sprintf("Connect the two VPCs, and add a route to %s to route table %s that leads to the connection.", block, table)
	}
	return fmt.Sprintf("Add a route to %s to route table %s that leads to %s.", block, table, joint)
}

// joint names what joins the source's VPC with the target's, as a next hop of
// the source's side; one that carries if there is one. "" if nothing does.
func (a *analysis) joint(f flow) string {
	side, other := f.source.side, f.target.side
	idle := ""
	for _, r := range side.Interfaces {
		if !differ(r.RouterID, side.VPC.VRouterID) && !differ(r.OppositeRouterID, other.VPC.VRouterID) && r.OppositeID != "" {
			name := "router interface " + r.ID
			if r.Status == "Active" {
				return name
			}
			idle = cmp.Or(idle, name)
		}
	}
	for _, p := range slices.Concat(side.Peerings, other.Peerings) {
		ends := []string{p.VpcID, p.AcceptingVpcID}
		if slices.Contains(ends, side.VPC.ID) && slices.Contains(ends, other.VPC.ID) {
			name := "VPC peering connection " + p.ID
			switch p.Status {
			case "Activated":
				return name
			case "Creating", "Accepting", "Updating":
				idle = cmp.Or(idle, name)
			}
		}
	}
	return idle
}
