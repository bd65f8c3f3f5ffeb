// Package routes is the step that leads traffic into a peering connection, and
// away from it again: a route in each wanted table of either side to each
// wanted block of the other.
package routes

import (
	"context"
	"fmt"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Cloud is what the step needs of the cloud.
type Cloud interface {
	RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error)
	PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error)
	RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error)
	RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error)
	CreateRoutes(ctx context.Context, region string, routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error)
	RepointRoute(ctx context.Context, region, entryID string, hop interconnect.NextHop) error
	DeleteRoutes(ctx context.Context, region string, routes []interconnect.RouteEntry) ([]interconnect.RouteFailure, error)
}

// Step is the routes step.
type Step struct {
	cloud Cloud
	hops  map[interconnect.Type]findHops

	adding   lanes[interconnect.NewRoute]
	removing lanes[interconnect.RouteEntry]
}

// New returns the step on a cloud.
func New(cloud Cloud) *Step {
	s := &Step{cloud: cloud, hops: map[interconnect.Type]findHops{
		interconnect.TypeExpressConnect: routerInterfaces,
		interconnect.TypeVpcPeering:     peeringConnection,
	}}
	s.adding.fit, s.removing.fit = adds, removes
	return s
}

// Step names the step.
func (s *Step) Step() interconnect.Step { return interconnect.Routes }

// Run makes the routes that are wanted, or removes what is not. It has no part
// in a check.
func (s *Step) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	switch {
	case t.Message.Action == interconnect.Connect && t.Want != nil:
		return s.connect(ctx, t)
	case t.Message.Action == interconnect.Prune && t.Scope != nil:
		return s.prune(ctx, t)
	}
	return chain.DoneWith()
}

// maxRounds is how often one run looks and acts: a round is one call per VPC.
const maxRounds = 4

// sides is what each side has, the initiator's first.
type sides[T any] [2]T

func (s *sides[T]) at(r interconnect.Role) *T {
	if r == interconnect.Initiator {
		return &s[0]
	}
	return &s[1]
}

// wanted reads the entries of the tables that are to have routes, side by side
// with where those are to lead. A table that is gone has no entries.
func (s *Step) wanted(ctx context.Context, t *chain.Task, find func(context.Context) error) (sides[[]interconnect.RouteEntry], error) {
	var all sides[[]interconnect.RouteEntry]
	var reads []func(context.Context) error
	if find != nil {
		reads = append(reads, find)
	}
	for _, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) (err error) {
			*all.at(role), err = s.entriesOf(ctx, t, t.Want.Side(role).RegionID, t.Want.Side(role).RouteTableIDs)
			return err
		})
	}
	return all, t.Together(ctx, reads...)
}

// unwanted reads the entries of the other tables of some VPCs: a task in one of
// them keeps the cloud from taking a change in any.
func (s *Step) unwanted(ctx context.Context, t *chain.Task, roles []interconnect.Role) (sides[[]interconnect.RouteEntry], error) {
	var all sides[[]interconnect.RouteEntry]
	var reads []func(context.Context) error
	for _, role := range roles {
		side := t.Want.Side(role)
		reads = append(reads, func(ctx context.Context) error {
			tables, err := s.cloud.RouteTables(ctx, side.RegionID, side.VpcID)
			if err != nil && !interconnect.IsGone(err) {
				return err
			}
			var ids []string
			for _, table := range tables {
				if !slices.Contains(side.RouteTableIDs, table.ID) {
					ids = append(ids, table.ID)
				}
			}
			*all.at(role), err = s.entriesOf(ctx, t, side.RegionID, ids)
			return err
		})
	}
	return all, t.Together(ctx, reads...)
}

// entriesOf reads the entries of tables, side by side.
func (s *Step) entriesOf(ctx context.Context, t *chain.Task, region string, tables []string) ([]interconnect.RouteEntry, error) {
	each := make([][]interconnect.RouteEntry, len(tables))
	var reads []func(context.Context) error
	for i, id := range tables {
		reads = append(reads, func(ctx context.Context) (err error) {
			each[i], err = s.cloud.RouteEntries(ctx, region, id)
			if interconnect.IsGone(err) {
				return nil
			}
			return err
		})
	}
	err := t.Together(ctx, reads...)
	return slices.Concat(each...), err
}

// entries reads all entries of all tables of both VPCs. A VPC or a table that
// is gone has none.
func (s *Step) entries(ctx context.Context, t *chain.Task, c *interconnect.Connection) (sides[[]interconnect.RouteEntry], error) {
	var all sides[[]interconnect.RouteEntry]
	var reads []func(context.Context) error
	for _, role := range interconnect.Roles {
		side := c.Side(role)
		reads = append(reads, func(ctx context.Context) error {
			tables, err := s.cloud.RouteTables(ctx, side.RegionID, side.VpcID)
			if err != nil && !interconnect.IsGone(err) {
				return err
			}
			var ids []string
			for _, table := range tables {
				ids = append(ids, table.ID)
			}
			*all.at(role), err = s.entriesOf(ctx, t, side.RegionID, ids)
			return err
		})
	}
	return all, t.Together(ctx, reads...)
}

// busy says which entry of a VPC a task runs on, or "". Until it is through,
// the cloud takes no other change of that VPC's routes.
func busy(entries []interconnect.RouteEntry) string {
	if unsettled := interconnect.Unsettled(entries); len(unsettled) > 0 {
		e := unsettled[0]
		return fmt.Sprintf("the route to %s in route table %s, which is %s", e.Destination, e.RouteTableID, e.Status)
	}
	return ""
}
