package routes

import (
	"context"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// findHops finds each side's next hop into the peering connection anew; wait
// says what is missing, if the connection carries no traffic.
type findHops func(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error)

// routerInterfaces finds the pair of router interfaces as the peering step
// does.
func routerInterfaces(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error) {
	var seen sides[[]interconnect.RouterInterface]
	var reads []func(context.Context) error
	for _, role := range interconnect.Roles {
		side := t.Want.Side(role)
		reads = append(reads, func(ctx context.Context) (err error) {
			*seen.at(role), err = s.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
			return err
		})
	}
	if err := t.Together(ctx, reads...); err != nil {
		return hops, "", err
	}
	pair := interconnect.FindPair(t.Want, t.Prefix, append(seen[0], seen[1]...)).Kept
	if !pair.Active() {
		return hops, "the router interfaces to be Active on both sides", nil
	}
	for _, role := range interconnect.Roles {
		*hops.at(role) = interconnect.NextHop{Type: interconnect.HopRouterInterface, ID: pair.Side(role).ID}
	}
	return hops, "", nil
}

// peeringConnection finds the VPC peering connection as the peering step does:
// it is the next hop of both sides.
func peeringConnection(ctx context.Context, s *Step, t *chain.Task) (hops sides[interconnect.NextHop], wait string, err error) {
	var seen sides[[]interconnect.PeeringConnection]
	var reads []func(context.Context) error
	for _, role := range interconnect.Roles {
		side := t.Want.Side(role)
		reads = append(reads, func(ctx context.Context) (err error) {
			*seen.at(role), err = s.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
			return err
		})
	}
	if err := t.Together(ctx, reads...); err != nil {
		return hops, "", err
	}
	found := interconnect.FindPeering(t.Want, t.Prefix, append(seen[0], seen[1]...))
	if !found.Carries() {
		return hops, "the VPC peering connection to be Activated", nil
	}
	for _, role := range interconnect.Roles {
		*hops.at(role) = interconnect.NextHop{Type: interconnect.HopVpcPeer, ID: found.Kept.ID}
	}
	return hops, "", nil
}
