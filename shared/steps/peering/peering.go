// Package peering is the step that joins two VPCs, and parts them again: it
// makes the peering connection of the type asked for and hands back until it
// carries traffic.
package peering

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Cloud is what the step needs of the cloud, of all connection types.
type Cloud interface {
	RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error)
	RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error)
	RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error)

	CreateRouterInterface(ctx context.Context, region string, n interconnect.NewRouterInterface) (string, error)
	SetOpposite(ctx context.Context, region, interfaceID string, o interconnect.Opposite) error
	ConnectRouterInterface(ctx context.Context, region, id string) error
	ActivateRouterInterface(ctx context.Context, region, id string) error
	DeactivateRouterInterface(ctx context.Context, region, id string) error
	DeleteRouterInterface(ctx context.Context, region, id string) error
	ModifySpecification(ctx context.Context, region, id, specification string) error
}

// kind is how peering connections of one type are made and removed.
type kind interface {
	connect(ctx context.Context, t *chain.Task) chain.Outcome
	prune(ctx context.Context, t *chain.Task) chain.Outcome
}

// Step is the peering step.
type Step struct {
	kinds map[interconnect.Type]kind
}

// New returns the step on a cloud.
func New(cloud Cloud) *Step {
	return &Step{kinds: map[interconnect.Type]kind{
		interconnect.TypeExpressConnect: expressConnect{cloud},
	}}
}

// Step names the step.
func (s *Step) Step() interconnect.Step { return interconnect.Peering }

// Run makes the peering connection that is wanted, or removes what is not. It
// has no part in a check: whether traffic passes is verification's to say.
func (s *Step) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	switch {
	case t.Message.Action == interconnect.Connect && t.Want != nil:
		k, ok := s.kinds[t.Want.Type]
		if !ok {
			return chain.RejectWith(interconnect.Problem{
				Sentence: fmt.Sprintf("Connections of the type %q cannot be made; ask for one of %v.", t.Want.Type, slices.Sorted(maps.Keys(s.kinds))),
			}, nil)
		}
		return k.connect(ctx, t)
	case t.Message.Action == interconnect.Prune:
		return s.prune(ctx, t)
	}
	return chain.DoneWith()
}

// prune removes what is not wanted of every type: a connection's type may have
// changed.
func (s *Step) prune(ctx context.Context, t *chain.Task) chain.Outcome {
	if t.Scope == nil {
		return chain.DoneWith()
	}
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		if out := s.kinds[name].prune(ctx, t); out.Kind != chain.KindDone {
			return out
		}
	}
	return chain.DoneWith()
}
