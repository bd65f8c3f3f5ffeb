package routes

import (
	"context"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// findHops finds each side's next hop into the peering connection anew; wait
// says what is missing, if the connection carries no traffic.
type findHops func(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error)

// oneThenBoth reads one side, and the other too unless that tells enough.
func oneThenBoth(enough func() bool, reads [2]func() error) error {
	if err := reads[0](); err != nil || enough() {
		return err
	}
	return reads[1]()
}

// routerInterfaces finds the pair of router interfaces as the peering step
// does. The initiator's side names both where they carry traffic.
func routerInterfaces(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error) {
	var seen sides[[]interconnect.RouterInterface]
	var reads [2]func() error
	for n, role := range interconnect.Roles {
		side := t.Want.Side(role)
		reads[n] = func() (err error) {
			*seen.at(role), err = s.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
			return err
		}
	}
	var pair interconnect.InterfacePair
	known := false
	err = oneThenBoth(func() bool {
		pair, known = interconnect.ActiveFromOneSide(t.Want, interconnect.Initiator, seen[0])
		return known
	}, reads)
	if err != nil {
		return hops, "", err
	}
	if !known {
		pair = interconnect.FindPair(t.Want, t.Prefix, append(seen[0], seen[1]...)).Kept
	}
	if !pair.Active() {
		return hops, "the router interfaces to be Active on both sides", nil
	}
	for _, role := range interconnect.Roles {
		*hops.at(role) = interconnect.NextHop{Type: interconnect.HopRouterInterface, ID: pair.Side(role).ID}
	}
	return hops, "", nil
}

// peeringConnection finds the VPC peering connection as the peering step does:
// it is the next hop of both sides, so that either's answer tells of it.
func peeringConnection(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error) {
	var seen sides[[]interconnect.PeeringConnection]
	var reads [2]func() error
	for n, role := range interconnect.Roles {
		side := t.Want.Side(role)
		reads[n] = func() (err error) {
			*seen.at(role), err = s.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
			return err
		}
	}
	find := func() interconnect.FoundPeering {
		return interconnect.FindPeering(t.Want, t.Prefix, append(seen[0], seen[1]...))
	}
	if err := oneThenBoth(func() bool { return find().Carries() }, reads); err != nil {
		return hops, "", err
	}
	found := find()
	if !found.Carries() {
		return hops, "the VPC peering connection to be Activated", nil
	}
	for _, role := range interconnect.Roles {
		*hops.at(role) = interconnect.NextHop{Type: interconnect.HopVpcPeer, ID: found.Kept.ID}
	}
	return hops, "", nil
}
