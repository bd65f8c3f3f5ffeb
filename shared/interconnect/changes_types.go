package interconnect

import (
	"fmt"
	"strings"
)

func thingOfInterface(c *Connection, prefix string, i RouterInterface) Thing {
	t := Thing{Kind: KindRouterInterface, Side: roleAt(c, i), ID: i.ID, In: i.RouterID, What: i.Specification, Status: i.Status, LeadsTo: i.OppositeID}
	if m, ok := OwnerOf(&i); ok && m.Prefix == prefix {
		t.Owner = m.ConnectionID
	}
	return t
}

// interfacesJoint joins two VPCs by a pair of router interfaces.
func interfacesJoint(c *Connection, prefix string, seen *Seen) joint {
	found := FindPair(c, prefix, seen.Interfaces)
	plan := PlanPair(c, found, false)
	j := joint{hops: map[Role]NextHop{}, Changes: newChanges()}
	created, altered := map[Role]bool{}, map[string]Move{}
	for _, m := range plan.Moves {
		if m.Kind == MoveCreate {
			created[m.Role] = true
			what := acceptorSpecification
			if m.Initiating {
				what = c.Specification
			}
			j.Added = append(j.Added, Thing{Kind: KindRouterInterface, Side: m.Role, In: c.Side(m.Role).VRouterID, What: what, Owner: c.ID})
		} else {
			altered[m.Interface.ID] = m
		}
	}
	for _, role := range Roles {
		j.hops[role] = NextHop{Type: HopRouterInterface, ID: comingHop}
		i := found.Kept.Side(role)
		if i == nil {
			continue
		}
		t := thingOfInterface(c, prefix, *i)
		if !created[role] {
			j.hops[role] = NextHop{Type: HopRouterInterface, ID: i.ID}
		}
		move, changes := altered[i.ID]
		switch {
		case changes && move.Kind == MoveModify:
			t.Change = fmt.Sprintf("specification becomes %s", c.Specification)
			j.Repointed = append(j.Repointed, t)
			if found.Kept.Active() {
				j.Cuts = append(j.Cuts, fmt.Sprintf("Changing the specification of router interface %s from %s to %s takes it out of the state Active for some seconds: traffic between %s and %s may stop meanwhile.", i.ID, i.Specification, c.Specification, c.Initiator.VpcID, c.Acceptor.VpcID))
			}
		case changes:
			t.Change = string(move.Kind)
			j.Repointed = append(j.Repointed, t)
		default:
			j.keep(t)
		}
	}
	for _, i := range found.Extra {
		j.Removed = append(j.Removed, thingOfInterface(c, prefix, i))
	}
	for _, i := range found.Foreign {
		j.Foreign = append(j.Foreign, thingOfInterface(c, prefix, i))
	}
	if plan.Problem != nil {
		j.Conflicts = append(j.Conflicts, FieldProblem{Sentence: plan.Problem.Sentence})
	}
	if plan.Wait != "" {
		j.Notes = append(j.Notes, "Waits: "+plan.Wait+".")
	}
	return j
}

// acceptorSpecification is the specification of every accepting interface.
const acceptorSpecification = "Negative"

func prunableInterfaces(p Pruning, c *Connection, seen *Seen) []Thing {
	var out []Thing
	for _, i := range PrunableInterfaces(p, seen.Interfaces) {
		out = append(out, thingOfInterface(c, p.Mark.Prefix, i))
	}
	return out
}

func thingOfPeering(c *Connection, prefix string, p PeeringConnection) Thing {
	t := Thing{Kind: KindPeeringConnection, Side: Initiator, ID: p.ID, In: p.VpcID, What: linkInWords(p.Bandwidth, p.LinkType), Status: p.Status, LeadsTo: p.AcceptingVpcID}
	if p.VpcID == c.Acceptor.VpcID {
		t.Side = Acceptor
	}
	if m, ok := OwnerOfPeering(&p); ok && m.Prefix == prefix {
		t.Owner = m.ConnectionID
	}
	return t
}

func linkInWords(mbps int, link string) string {
	if mbps <= 0 {
		return link
	}
	return strings.TrimSpace(fmt.Sprintf("%d Mb/s %s", mbps, link))
}

// peeringJoint joins two VPCs by a VPC peering connection.
func peeringJoint(c *Connection, prefix string, seen *Seen) joint {
	found := FindPeering(c, prefix, seen.Peerings)
	plan := PlanPeering(c, found)
	j := joint{hops: map[Role]NextHop{}, Changes: newChanges()}
	id := comingHop
	switch {
	case plan.Move == MoveCreate:
		j.Added = append(j.Added, Thing{Kind: KindPeeringConnection, Side: Initiator, In: c.Initiator.VpcID, What: linkInWords(c.Bandwidth, c.LinkType), LeadsTo: c.Acceptor.VpcID, Owner: c.ID})
	case found.Kept != nil:
		id = found.Kept.ID
		t := thingOfPeering(c, prefix, *found.Kept)
		if plan.Move == MoveModify {
			// The cloud keeps it Updating meanwhile, and traffic passes.
			t.Change = "becomes " + linkInWords(c.Bandwidth, c.LinkType)
			j.Repointed = append(j.Repointed, t)
		} else {
			j.keep(t)
		}
	}
	for _, role := range Roles {
		j.hops[role] = NextHop{Type: HopVpcPeer, ID: id}
	}
	for _, p := range found.Extra {
		j.Removed = append(j.Removed, thingOfPeering(c, prefix, p))
	}
	if plan.Problem != nil {
		j.Conflicts = append(j.Conflicts, FieldProblem{Sentence: plan.Problem.Sentence})
	}
	if plan.Wait != "" {
		j.Notes = append(j.Notes, "Waits: "+plan.Wait+".")
	}
	return j
}

func prunablePeerings(p Pruning, c *Connection, seen *Seen) []Thing {
	var out []Thing
	for _, x := range PrunablePeerings(p, seen.Peerings) {
		out = append(out, thingOfPeering(c, p.Mark.Prefix, x))
	}
	return out
}
