package simulation

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// types is which connection types a seed's requests name. It is drawn apart
// from the plan, so that the other draws of a seed stay what they are.
type types int

const (
	interfacesOnly types = iota
	peeringsOnly
	left    // to be chosen
	changed // from request to request
)

func (p *plan) types() types {
	// Every other seed is of one type; the rest by turns.
	switch p.seed % 6 {
	case 1, 3, 5:
		return interfacesOnly
	case 0:
		return peeringsOnly
	case 2:
		return left
	}
	return changed
}

// retype gives a request the type that the plan has for it. What only router
// interfaces have goes where it is left to be chosen.
func (p *plan) retype(r *interconnect.Request, variant int) {
	t := p.types()
	switch {
	case t == peeringsOnly, t == changed && variant%2 == 0:
		r.Type, r.Specification = interconnect.TypeVpcPeering, ""
		if variant >= 2 {
			r.Bandwidth = new(100 * variant)
		}
	case t == left:
		r.Type, r.Specification = interconnect.TypeAuto, ""
	}
}

// mayRefuse tells whether the cloud may refuse a connection for what else joins
// its VPCs.
func (p *plan) mayRefuse() bool {
	return p.switches.PeeringBesideInterfacesRefused && (p.types() == changed || p.types() == peeringsOnly && p.handMade != 0)
}

// addPeerings adds a peering connection that somebody made before us.
func addPeerings(e *engine.Engine, p *plan) {
	if p.types() == interfacesOnly || p.seed/6%4 != 0 {
		return
	}
	status := []string{engine.PeerActivated, engine.PeerActivated, engine.PeerRejected, engine.PeerExpired}[p.seed/24%4]
	_, err := e.AddPeerConnection(engine.PeerConnection{ID: "pcc-hand", VpcID: "vpc-b", AcceptingVpcID: "vpc-a", Name: "by-hand", Status: status})
	must(err)
}

func ourPeering(p engine.PeerConnection) bool {
	if _, ok := interconnect.ParseMark(p.Name); ok {
		return ours(p.Name)
	}
	return slices.ContainsFunc(p.Tags, func(t engine.Tag) bool { return ours(t.Value) })
}

// otherPeerings spells out the peering connections that are not ours.
func (s *sim) otherPeerings(out map[string]string) {
	for _, p := range s.engine.PeerSnapshot().PeerConnections {
		if !ourPeering(p) {
			out[p.ID] = fmt.Sprintf("%+v", p)
		}
	}
}

// peerings are ours, without those that are there no more.
func (s *sim) peerings() (out []engine.PeerConnection) {
	for _, p := range s.engine.PeerSnapshot().PeerConnections {
		if ourPeering(p) && p.Status != engine.PeerDeleted {
			out = append(out, p)
		}
	}
	return out
}

func joins(p engine.PeerConnection, c *interconnect.Connection) bool {
	return joinsVPCs(p, c.Initiator.VpcID, c.Acceptor.VpcID)
}

func joinsVPCs(p engine.PeerConnection, a, b string) bool {
	return p.VpcID == a && p.AcceptingVpcID == b || p.VpcID == b && p.AcceptingVpcID == a
}

// hopOf is what carries a connection's packets out of one side; "" if nothing
// does.
func (s *sim) hopOf(c *interconnect.Connection, role interconnect.Role) string {
	t := s.engine.Topology()
	if c.Type == interconnect.TypeVpcPeering {
		for _, p := range t.PeerConnections {
			// A late change of ours may just be landing: that carries packets, too.
			if joins(p, c) && (p.Status == engine.PeerActivated || p.Status == engine.PeerUpdating) {
				return p.ID
			}
		}
		return ""
	}
	for _, i := range t.RouterInterfaces {
		if i.RouterID == c.Side(role).VRouterID && i.OppositeRouterID == c.Side(role.Other()).VRouterID && i.Status == "Active" {
			return i.ID
		}
	}
	return ""
}

// checkPeerings looks whether all peering connections of ours are wanted, or
// told of, and that a pair has one.
func (s *sim) checkPeerings(when string, wanted []*interconnect.Connection, told map[string]bool) {
	pairs := map[string]string{}
	for _, p := range s.peerings() {
		needed := slices.ContainsFunc(wanted, func(c *interconnect.Connection) bool { return c.Type == interconnect.TypeVpcPeering && joins(p, c) })
		if !needed && !told[p.ID] {
			s.violate("%s nothing of ours is left that no record wants, untold: peering connection %+v", when, p)
		}
		key := interconnect.Pair(p.RegionID, p.VpcID, p.AcceptingRegionID, p.AcceptingVpcID)
		if other := pairs[key]; other != "" && !s.judge.heldByHand[other] && !s.judge.heldByHand[p.ID] {
			s.violate("%s a pair of VPCs has one peering connection: %s and %s", when, other, p.ID)
		}
		pairs[key] = p.ID
	}
}

func TestSeedsDrawEveryType(t *testing.T) {
	t.Parallel()
	drawn := map[types]int{}
	for seed := range uint64(seedsInTests) {
		p := draw(seed + 1)
		drawn[p.types()]++
	}
	for _, k := range []types{interfacesOnly, peeringsOnly, left, changed} {
		require.Greater(t, drawn[k], seedsInTests/10)
	}
}
