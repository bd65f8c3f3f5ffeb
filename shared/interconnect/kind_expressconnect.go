package interconnect

import (
	"fmt"
	"slices"
	"strings"
)

// expressConnectKind is Express Connect between VPCs: a pair of router
// interfaces.
var expressConnectKind = kind{
	name:  TypeExpressConnect,
	hop:   HopRouterInterface,
	alone: true,

	validate: func(r *Request, p *problems) {
		if r.Bandwidth != nil {
			p.add("/bandwidth", "Router interfaces have a specification instead of a bandwidth; choose one of %s as specification.", specificationNames())
		}
		if r.LinkType != "" {
			p.add("/linkType", "Router interfaces have no link type; leave the field out, or ask for the type VpcPeering.")
		}
	},
	joins: func(c *Connection, f *Facts) (string, worth) {
		pair := FindPair(c, f.Prefix, slices.Concat(f.Initiator.Interfaces, f.Acceptor.Interfaces)).Kept
		ids := make([]string, 0, len(Roles))
		for _, i := range pair.all() {
			ids = append(ids, i.ID)
		}
		what := fmt.Sprintf("the router interfaces %s", strings.Join(ids, " and "))
		switch {
		case pair.Active():
			return what, carries
		case len(ids) > 0:
			return what, begun
		}
		return "", nothing
	},
	hops: func(_ *Connection, f *Facts, role Role) []string { return facing(f, role) },
	resolve: func(v *resolver) {
		v.c.Specification = v.specification()
		if v.r.Bandwidth != nil || v.r.LinkType != "" {
			v.add("/bandwidth", "Bandwidth and link type are a VPC peering connection's, and the two VPCs have router interfaces; leave them out, or name the type VpcPeering.")
		}
		v.checkCEN()
	},
	quota: func(v *resolver, role Role) {
		if len(facing(v.f, role)) == 0 {
			v.warnQuota(field(role, "vpcId"), "The VPC "+v.c.Side(role).VpcID, "router interfaces", len(v.f.Side(role).Interfaces), 1, quotaInterfacesPerRouter)
		}
	},
}

// facing returns the ids of a side's router interfaces that lead to the other
// side's router.
func facing(f *Facts, role Role) []string {
	other := f.Side(role.Other()).VPC
	var ids []string
	for _, ri := range f.Side(role).Interfaces {
		if ri.OppositeRouterID == other.VRouterID && other.VRouterID != "" {
			ids = append(ids, ri.ID)
		}
	}
	return ids
}

// specification is what the request asks for. If it leaves the type and this
// open, a pair that is there keeps what it has.
func (v *resolver) specification() string {
	if v.r.Specification == "" && v.r.Type.open() {
		for _, i := range slices.Concat(v.f.Initiator.Interfaces, v.f.Acceptor.Interfaces) {
			if _, known := Specifications[i.Specification]; known && i.Role == roleInitiating && slices.Contains(slices.Concat(facing(v.f, Initiator), facing(v.f, Acceptor)), i.ID) {
				return i.Specification
			}
		}
	}
	return orElse(v.r.Specification, DefaultSpecification)
}

// checkCEN refuses what Express Connect refuses: a VPC that is in a CEN gets
// no new peering connection. Interfaces that join the two already stay usable.
func (v *resolver) checkCEN() {
	if len(facing(v.f, Initiator)) > 0 {
		return
	}
	if id := v.sharedCEN(); id != "" {
		v.add(field(Acceptor, "vpcId"), "The CEN %s joins the VPCs %s and %s already; use it, or detach one of them from it first.", id, v.f.Initiator.VPC.ID, v.f.Acceptor.VPC.ID)
		return
	}
	for _, role := range Roles {
		if vpc := v.f.Side(role).VPC; len(vpc.CenIDs) > 0 {
			v.add(field(role, "vpcId"), "The VPC %s is in the CEN %s, so Express Connect refuses it a peering connection; ask for the type VpcPeering, or detach the VPC first.", vpc.ID, strings.Join(sortedIDs(vpc.CenIDs), ", "))
		}
	}
}
