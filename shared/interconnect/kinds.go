package interconnect

import (
	"slices"
	"strings"
)

// kind is what checking and resolving a request has to know of a connection
// type. A further type is a file with its kind, and a row below.
type kind struct {
	name  Type
	hop   string // type of the next hop of its routes
	alone bool   // what joins two VPCs by another type says nothing of a request that names this one

	// validate looks at a request that names the type for fields that it does
	// not have.
	validate func(r *Request, p *problems)
	// joins tells what of the type already joins the two VPCs of c: in words
	// ("the ..."), and how much it is worth to adopt it. Of c it needs the pair
	// and the id, of f the prefix and what was seen of the type.
	joins func(c *Connection, f *Facts) (what string, w worth)
	// hops returns the ids by which a side's routes may lead to the other side
	// already.
	hops func(c *Connection, f *Facts, role Role) []string
	// resolve spells the type's own fields out, and looks for what the cloud
	// would refuse.
	resolve func(v *resolver)
	// quota warns of the type's own limits on a side.
	quota func(v *resolver, role Role)
}

// worth is how much what joins two VPCs already is worth to be adopted.
type worth int

const (
	nothing worth = iota
	begun         // ours, and not ready
	carries       // carries traffic, whoever made it
)

// kinds are the connection types. Of what joins two VPCs equally well, auto
// adopts the earlier in the list.
var kinds = []*kind{&vpcPeeringKind, &expressConnectKind}

// fallbackType is what auto makes where nothing joins two VPCs: what every
// account can buy.
const fallbackType = TypeVpcPeering

func kindOf(t Type) *kind {
	if at := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == t }); at >= 0 {
		return kinds[at]
	}
	return nil
}

func typeNames() string {
	names := []string{string(TypeAuto)}
	for _, k := range kinds {
		names = append(names, string(k.name))
	}
	return strings.Join(names, ", ")
}

// open tells whether a request leaves the type to be chosen.
func (t Type) open() bool { return t == "" || t == TypeAuto }

// Matters tells whether a request of type t is checked against what joins the
// two VPCs by the type other.
func Matters(t, other Type) bool {
	k := kindOf(t)
	return t == other || k == nil || !k.alone
}

func validateType(r *Request, p *problems) {
	k := kindOf(r.Type)
	switch {
	case r.Type.open():
	case k == nil:
		p.add("/type", "%q is not a connection type; use one of %s.", short(string(r.Type)), typeNames())
	default:
		k.validate(r, p)
	}
}

// ChooseType says of which type a request's connection is to be, and, if the
// request leaves that open, why: a recorded connection keeps its type; else what
// already joins the two VPCs is adopted, whoever made it; else it is VpcPeering.
func ChooseType(r *Request, f *Facts) (Type, string) {
	switch {
	case !r.Type.open():
		return r.Type, ""
	case kindOf(f.Recorded) != nil:
		return f.Recorded, "the connection is of this type already"
	}
	c := pairOf(r, f)
	chosen, why, best := fallbackType, "nothing joins the two VPCs yet, and it is the type that every account can buy", nothing
	for _, k := range kinds {
		if what, w := k.joins(c, f); w > best {
			chosen, why, best = k.name, "the two VPCs are joined already, by "+what, w
		}
	}
	return chosen, why
}

// JoinedBy names what joins the two VPCs of c, whoever made it, or "".
func JoinedBy(c *Connection, prefix string, interfaces []RouterInterface, peerings []PeeringConnection) string {
	f := &Facts{Prefix: prefix, Initiator: SideFacts{Interfaces: interfaces, Peerings: peerings}}
	for _, k := range kinds {
		if what, w := k.joins(c, f); w == carries {
			return what
		}
	}
	return ""
}

// pairOf is a connection as far as it takes to find what joins its VPCs.
func pairOf(r *Request, f *Facts) *Connection {
	c := &Connection{ID: r.ID}
	if c.ID == "" {
		c.ID = DefaultID(r)
	}
	for _, role := range Roles {
		*c.Side(role) = Side{RegionID: r.Side(role).RegionID, VpcID: r.Side(role).VpcID}
		if vpc := f.Side(role).VPC; vpc != nil {
			c.Side(role).VRouterID = vpc.VRouterID
		}
	}
	return c
}

// chooseType sets the connection's type. A CEN that joins the two is told, and
// nothing is made beside it unless a type is named.
func (v *resolver) chooseType() {
	t, why := ChooseType(v.r, v.f)
	v.c.Type = t
	if !v.r.Type.open() {
		return
	}
	if v.f.Recorded != "" {
		return
	}
	if _, w := kindOf(t).joins(pairOf(v.r, v.f), v.f); w == nothing {
		if cen := v.sharedCEN(); cen != "" {
			v.add("/type", "The CEN %s joins the VPCs %s and %s already, so nothing is made; use it, or name the type VpcPeering for a connection beside it.",
				cen, v.f.Initiator.VPC.ID, v.f.Acceptor.VPC.ID)
			return
		}
	}
	v.warn("/type", "%s was chosen: %s.", t, why)
}

// sharedCEN returns a CEN that both VPCs are in, or "".
func (v *resolver) sharedCEN() string {
	for _, id := range sortedIDs(v.f.Initiator.VPC.CenIDs) {
		if slices.Contains(v.f.Acceptor.VPC.CenIDs, id) {
			return id
		}
	}
	return ""
}
