package interconnect

import (
	"fmt"
	"slices"
)

// Documented limits of VPC peering.
const (
	quotaPeeringsWithinRegion  = 10   // of a VPC
	quotaPeeringsAcrossRegions = 20   // of a VPC
	quotaPeeringBandwidth      = 1024 // Mb/s of one connection across regions
)

// LinkTypes are those of a VPC peering connection across regions, the cloud's
// default first.
var LinkTypes = []string{"Gold", "Platinum"}

// vpcPeeringKind is the VPC peering connection.
var vpcPeeringKind = kind{
	name: TypeVpcPeering,
	hop:  HopVpcPeer,

	validate: func(r *Request, p *problems) {
		if r.Specification != "" {
			p.add("/specification", "A VPC peering connection has no specification; leave the field out, or give a bandwidth in Mb/s if the sides' regions differ.")
		}
	},
	joins: func(c *Connection, f *Facts) (string, worth) {
		found := FindPeering(c, f.Prefix, peeringsOf(f))
		if found.Kept == nil || found.Kept.Status == statusDeleting {
			return "", nothing
		}
		what := fmt.Sprintf("the VPC peering connection %s", found.Kept.ID)
		if found.Kept.Works() || !found.Ours {
			return what, carries
		}
		return what, begun
	},
	hops: func(c *Connection, f *Facts, _ Role) []string {
		var ids []string
		for _, p := range peeringsOf(f) {
			if p.joins(c) && !peeringAbsent[p.Status] {
				ids = append(ids, p.ID)
			}
		}
		return ids
	},
	resolve: func(v *resolver) {
		if v.r.Specification != "" && v.r.Type.open() {
			v.add("/specification", "A specification is a router interface's, and VpcPeering was chosen; leave it out, or name the type ExpressConnect.")
		}
		if v.r.Bandwidth != nil {
			v.c.Bandwidth = *v.r.Bandwidth
		}
		v.c.LinkType = v.r.LinkType
		if v.c.Bandwidth > quotaPeeringBandwidth {
			v.warn("/bandwidth", "The documented default limit of a VPC peering connection across regions is %d Mb/s. If yours is not higher, raise it in the quota centre.", quotaPeeringBandwidth)
		}
		found := FindPeering(v.c, v.f.Prefix, peeringsOf(v.f))
		if found.Kept != nil && !found.Ours && (v.c.Bandwidth != 0 || v.c.LinkType != "") {
			v.warn("/bandwidth", "The VPC peering connection %s was not made by this deployment, so its bandwidth and link type stay as they are.", found.Kept.ID)
		}
		if ids := slices.Concat(facing(v.f, Initiator), facing(v.f, Acceptor)); found.Kept == nil && len(ids) > 0 {
			v.warn("/type", "Router interface %s leads to the other VPC already; the cloud may refuse a VPC peering connection beside it. If it does, nothing is changed.", ids[0])
		}
		if cen := v.sharedCEN(); cen != "" && found.Kept == nil {
			v.warn("/type", "The CEN %s joins the two VPCs already; the routes of the VPC peering connection will take precedence over its own where they are as specific.", cen)
		}
	},
	quota: func(v *resolver, role Role) {
		if FindPeering(v.c, v.f.Prefix, peeringsOf(v.f)).Kept != nil {
			return
		}
		what, quota, have := "VPC peering connections within its region", quotaPeeringsWithinRegion, 0
		if v.c.CrossRegion() {
			what, quota = "VPC peering connections across regions", quotaPeeringsAcrossRegions
		}
		for _, p := range v.f.Side(role).Peerings {
			if !peeringAbsent[p.Status] && (p.RegionID != p.AcceptingRegionID) == v.c.CrossRegion() {
				have++
			}
		}
		v.warnQuota(field(role, "vpcId"), "The VPC "+v.c.Side(role).VpcID, what, have, 1, quota)
	},
}

func peeringsOf(f *Facts) []PeeringConnection {
	return slices.Concat(f.Initiator.Peerings, f.Acceptor.Peerings)
}

// validateLink looks at bandwidth and link type, which only a connection
// across regions has.
func validateLink(r *Request, p *problems) {
	within := r.Initiator.RegionID != "" && r.Initiator.RegionID == r.Acceptor.RegionID
	switch {
	case r.Bandwidth == nil:
	case within:
		p.add("/bandwidth", "Within a region a VPC peering connection has no limit; leave the bandwidth out.")
	case *r.Bandwidth < 1 || *r.Bandwidth > maxBandwidth:
		p.add("/bandwidth", "%d is not a bandwidth; give a whole number of Mb/s from 1 up.", *r.Bandwidth)
	}
	switch {
	case r.LinkType == "":
	case within:
		p.add("/linkType", "Within a region a VPC peering connection has no link type; leave it out.")
	case !slices.Contains(LinkTypes, r.LinkType):
		p.add("/linkType", "%q is not a link type; use one of Gold, Platinum.", short(r.LinkType))
	}
}

// maxBandwidth keeps a request's bandwidth a number that the API takes.
const maxBandwidth = 1 << 30
