package alicloud

import (
	"context"

	"vpcinterconnect/shared/interconnect"
)

// What a region has, whichever VPC it is in. An operator's searches need this;
// functions, which know where to look, do not.

// RegionRouterInterfaces returns a region's router interfaces.
func (c *Cloud) RegionRouterInterfaces(ctx context.Context, region string) ([]interconnect.RouterInterface, error) {
	return c.routerInterfaces(ctx, region, nil)
}

// RegionPeeringConnections returns the VPC peering connections of a region's
// VPCs.
func (c *Cloud) RegionPeeringConnections(ctx context.Context, region string) ([]interconnect.PeeringConnection, error) {
	return c.peeringConnections(ctx, region, nil)
}

// RegionRouteTables returns the route tables of a region's vRouters.
func (c *Cloud) RegionRouteTables(ctx context.Context, region string) ([]interconnect.RouteTable, error) {
	return c.routeTables(ctx, region, "")
}

// RegionSecurityGroups returns a region's security groups without their rules,
// of VPCs and, where there still are such, of the classic network.
func (c *Cloud) RegionSecurityGroups(ctx context.Context, region string) ([]interconnect.GroupFacts, error) {
	return c.securityGroups(ctx, region, "")
}
