package routes

import (
	"context"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// ways are where the routes of a connection lead.
type ways struct {
	hops sides[interconnect.NextHop]
	dead func(interconnect.RouteEntry) bool // as in cuts
}

// findHops finds each side's next hop into the peering connection anew; wait
// says what is missing, if the connection carries no traffic.
type findHops func(ctx context.Context, s *Step, t *chain.Task) (w ways, wait string, err error)

// oneThenBoth reads the initiator's side, and the acceptor's too unless that tells
// enough.
func oneThenBoth[E any](t *chain.Task, read func(side *interconnect.Side) ([]E, error), enough func(seen []E) bool) ([]E, error) {
	seen, err := read(&t.Want.Initiator)
	if err != nil || enough(seen) {
		return seen, err
	}
	more, err := read(&t.Want.Acceptor)
	return append(seen, more...), err
}

// routerInterfaces finds the pair of router interfaces as the peering step
// does. The initiator's side names both where they carry traffic.
func routerInterfaces(ctx context.Context, s *Step, t *chain.Task) (w ways, wait string, err error) {
	var pair interconnect.InterfacePair
	known := false
	seen, err := oneThenBoth(t, func(side *interconnect.Side) ([]interconnect.RouterInterface, error) {
		return s.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
	}, func(seen []interconnect.RouterInterface) bool {
		pair, known = interconnect.ActiveFromOneSide(t.Want, interconnect.Initiator, seen)
		return known
	})
	if err != nil {
		return w, "", err
	}
	if !known {
		pair = interconnect.FindPair(t.Want, t.Prefix, seen).Kept
	}
	if !pair.Active() {
		return w, "the router interfaces to be Active on both sides", nil
	}
	for _, role := range interconnect.Roles {
		*w.hops.at(role) = interconnect.NextHop{Type: interconnect.HopRouterInterface, ID: pair.Side(role).ID}
	}
	return w, "", nil
}

// peeringConnection finds the VPC peering connection as the peering step does:
// it is the next hop of both sides, so that either's answer tells of it.
func peeringConnection(ctx context.Context, s *Step, t *chain.Task) (w ways, wait string, err error) {
	find := func(seen []interconnect.PeeringConnection) interconnect.FoundPeering {
		return interconnect.FindPeering(t.Want, t.Prefix, seen)
	}
	seen, err := oneThenBoth(t, func(side *interconnect.Side) ([]interconnect.PeeringConnection, error) {
		return s.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
	}, func(seen []interconnect.PeeringConnection) bool { return find(seen).Carries() })
	if err != nil {
		return w, "", err
	}
	found := find(seen)
	if !found.Carries() {
		return w, "the VPC peering connection to be Activated", nil
	}
	for _, role := range interconnect.Roles {
		*w.hops.at(role) = interconnect.NextHop{Type: interconnect.HopVpcPeer, ID: found.Kept.ID}
	}
	w.dead = func(e interconnect.RouteEntry) bool {
		return e.NextHopType == interconnect.HopVpcPeer && !slices.ContainsFunc(seen, func(p interconnect.PeeringConnection) bool {
			return p.ID == e.NextHopID && p.Works()
		})
	}
	return w, "", nil
}
