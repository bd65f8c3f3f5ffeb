// Package peering is the step that joins two VPCs, and parts them again: it
// makes the peering connection of the type asked for and hands back until it
// carries traffic.
//
// A connection type is a file here with its kind, and a row in New; a kind and
// a row in interconnect (what a request may say of the type, what of it joins
// two VPCs already; how its plan reads); and a row in the routes step (its next
// hop). Nowhere else is a type compared: rules, verification, the order of the
// steps and what removes are the same for all.
//
// What Cen, the next type, will need: it is for three VPCs and more, so what
// joins a pair is one CEN with an attachment of each VPC, and parts of it serve
// other pairs too. Its kind
//
//   - connects by finding the CEN that both VPCs are in, else one that bears our
//     prefix, else making one; a transit router in each region, an attachment of
//     each VPC to its region's router (with a vSwitch in each of the router's
//     zones, which the request or the VPC has to give), association with and
//     propagation to the router's route table, and between regions a peer
//     attachment with a bandwidth. Each is made with a token and a mark of its
//     own, and waited for: attaching takes minutes, where the other types take
//     seconds, so the step's time limit has to come from the type;
//   - prunes in the reverse order, from propagation to the CEN itself, and each
//     part only if it is ours and no live record, of any pair, needs it: the
//     pruning's Live is asked per VPC and per region, not per pair;
//   - adopts a CEN of somebody else's as it is, and adds attachments of ours to
//     it only where a request names that CEN.
//
// Its routes lead to an Attachment, each side to its own. The CEN may bring
// routes by itself, which the routes step passes over as it does today; with
// automatic publication on, those steps would find all present.
package peering

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

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

	PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error)
	CreatePeeringConnection(ctx context.Context, region string, n interconnect.NewPeeringConnection) (string, error)
	ModifyPeeringConnection(ctx context.Context, region, id, name string, bandwidth int, link string) error
	DeletePeeringConnection(ctx context.Context, region, id string) error
}

// kind is how peering connections of one type are made and removed.
type kind interface {
	connect(ctx context.Context, t *chain.Task) chain.Outcome
	prune(ctx context.Context, t *chain.Task, others readOthers) chain.Outcome
}

// readOthers reads the other live records, once for all types of one run: a type
// is looked at only after the one before it had nothing to remove.
type readOthers func(ctx context.Context) ([]interconnect.Record, error)

// Step is the peering step.
type Step struct {
	kinds map[interconnect.Type]kind
}

// New returns the step on a cloud.
func New(cloud Cloud) *Step {
	return &Step{kinds: map[interconnect.Type]kind{
		interconnect.TypeExpressConnect: expressConnect{cloud},
		interconnect.TypeVpcPeering:     vpcPeering{cloud},
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
	var once sync.Once
	var records []interconnect.Record
	var err error
	others := func(ctx context.Context) ([]interconnect.Record, error) {
		once.Do(func() { records, err = t.Others(ctx) })
		return records, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.kinds)) {
		if out := s.kinds[name].prune(ctx, t, others); out.Kind != chain.KindDone {
			return out
		}
	}
	return chain.DoneWith()
}
