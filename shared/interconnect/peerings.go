package interconnect

import (
	"cmp"
	"fmt"
	"slices"
)

// HopVpcPeer is the type of a next hop that is a VPC peering connection.
const HopVpcPeer = "VpcPeer"

// Statuses of a VPC peering connection, as PeeringConnection spells them.
const (
	peeringActivated = "Activated"
	peeringUpdating  = "Updating"
)

// peeringAbsent are the statuses of a peering connection that is as good as
// not there: it joins nothing, and stands in nobody's way.
var peeringAbsent = map[string]bool{"Rejected": true, "Expired": true, "Deleted": true}

// peeringRank says how far a peering connection is, by its status.
var peeringRank = map[string]int{peeringActivated: 3, peeringUpdating: 3, "Creating": 2, "Accepting": 1}

// FoundPeering is what joins a connection's two VPCs by VPC peering, sorted
// out.
type FoundPeering struct {
	Kept  *PeeringConnection  // to be used, or waited for: nil if there is none
	Ours  bool                // this deployment made Kept
	Extra []PeeringConnection // ours too, and too many
}

// FindPeering sorts out the VPC peering connections seen at a connection's two
// VPCs.
//
// The one that carries traffic is kept, whoever made it, ours before others';
// else the one that is furthest, and of equals the one with the smallest
// creation time and id: every reader that sees the same comes to the same
// choice.
func FindPeering(c *Connection, prefix string, seen []PeeringConnection) FoundPeering {
	var at []PeeringConnection
	for _, p := range seen {
		known := slices.ContainsFunc(at, func(o PeeringConnection) bool { return o.ID == p.ID })
		if p.joins(c) && !peeringAbsent[p.Status] && !known {
			at = append(at, p)
		}
	}
	ours := func(p *PeeringConnection) int {
		if m, marked := OwnerOfPeering(p); marked && m.Prefix == prefix {
			return 1
		}
		return 0
	}
	slices.SortFunc(at, func(a, b PeeringConnection) int {
		return cmp.Or(cmp.Compare(peeringRank[b.Status], peeringRank[a.Status]), cmp.Compare(ours(&b), ours(&a)), comparePeeringAge(a, b))
	})
	var f FoundPeering
	for i := range at {
		switch p := &at[i]; {
		case i == 0:
			f.Kept, f.Ours = p, ours(p) == 1
		case ours(p) == 1:
			f.Extra = append(f.Extra, *p)
		}
	}
	return f
}

func comparePeeringAge(a, b PeeringConnection) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// Active tells whether it is settled and carries traffic.
func (p *PeeringConnection) Active() bool { return p.Status == peeringActivated }

// Works tells whether it carries traffic, which it does while it is changed, too.
func (p *PeeringConnection) Works() bool { return p.Active() || p.Status == peeringUpdating }

// joins tells whether the peering connection is of the connection's two VPCs.
// Which of them asked for it is its own affair.
func (p *PeeringConnection) joins(c *Connection) bool {
	a, b := &c.Initiator, &c.Acceptor
	return p.VpcID == a.VpcID && p.AcceptingVpcID == b.VpcID || p.VpcID == b.VpcID && p.AcceptingVpcID == a.VpcID
}

// Carries tells whether a peering connection was found that carries traffic,
// and takes routes.
func (f FoundPeering) Carries() bool { return f.Kept != nil && f.Kept.Active() }

// PeeringPlan is what to do next about a VPC peering connection: make a move
// (MoveCreate, MoveModify), or wait, or give up; all empty, it is as wanted.
type PeeringPlan struct {
	Move    MoveKind
	Wait    string
	Problem *Problem
}

// PlanPeering says what to do next so that the two VPCs are joined.
func PlanPeering(c *Connection, f FoundPeering) PeeringPlan {
	p := f.Kept
	switch {
	case p == nil:
		return PeeringPlan{Move: MoveCreate}
	case p.BusinessStatus != businessNormal && p.BusinessStatus != "":
		return PeeringPlan{Problem: &Problem{
			Sentence: fmt.Sprintf("VPC peering connection %s is %s: settle the account's bills in the console, then ask again.", p.ID, p.BusinessStatus),
			Resource: p.ID,
		}}
	case !p.Active():
		return PeeringPlan{Wait: p.describe()}
	case f.Ours && c.CrossRegion() && p.differs(c):
		return PeeringPlan{Move: MoveModify}
	}
	return PeeringPlan{}
}

// differs tells whether bandwidth or link type are other than asked for. What
// is not asked for stays as it is; a link type that the cloud does not tell is
// taken to be right.
func (p *PeeringConnection) differs(c *Connection) bool {
	return c.Bandwidth != 0 && p.Bandwidth != c.Bandwidth || c.LinkType != "" && p.LinkType != "" && p.LinkType != c.LinkType
}

func (p *PeeringConnection) describe() string {
	return fmt.Sprintf("VPC peering connection %s is %s", p.ID, p.Status)
}

// PlanPeeringRemoval says which of the peering connections can be deleted now;
// if none, what to wait for. A change that is under way is waited for.
func PlanPeeringRemoval(gone []PeeringConnection) (remove []PeeringConnection, wait string) {
	for _, p := range gone {
		switch p.Status {
		case "Creating", peeringUpdating, statusDeleting:
			wait = p.describe()
		default:
			remove = append(remove, p)
		}
	}
	return remove, wait
}

// PrunablePeerings lists the VPC peering connections that a prune removes, of
// those seen at the connection's two VPCs.
func PrunablePeerings(p Pruning, seen []PeeringConnection) []PeeringConnection {
	needed := map[string]bool{}
	for _, live := range p.liveOf(TypeVpcPeering) {
		if kept := FindPeering(live, p.Mark.Prefix, seen).Kept; kept != nil {
			needed[kept.ID] = true
		}
	}
	var out []PeeringConnection
	for _, x := range seen {
		owner, marked := OwnerOfPeering(&x)
		wanted := slices.ContainsFunc(p.Wanted, x.joins)
		if marked && p.owned(owner.String(), wanted) && !needed[x.ID] && !peeringAbsent[x.Status] {
			needed[x.ID] = true // listed: both regions' reads may show it
			out = append(out, x)
		}
	}
	slices.SortFunc(out, comparePeeringAge)
	return out
}
