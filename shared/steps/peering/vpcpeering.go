package peering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// besideInterfaces is what the cloud may answer where router interfaces join
// the two VPCs; when it does is not published.
const besideInterfaces = "ResourceAlreadyExist.RouterInterface"

// vpcPeering joins two VPCs by a VPC peering connection: one thing for both
// sides, which the account that has both accepts by itself.
type vpcPeering struct {
	cloud Cloud
}

// connect looks what joins the two VPCs and waits, or asks for it, until it is
// Activated. One that somebody else made is used as it is. What was asked for
// takes its time, so that one run makes one move.
func (v vpcPeering) connect(ctx context.Context, t *chain.Task) chain.Outcome {
	seen, err := v.look(ctx, t)
	if err != nil {
		return chain.FromError(err)
	}
	found := interconnect.FindPeering(t.Want, t.Prefix, seen)
	plan := interconnect.PlanPeering(t.Want, found)
	switch {
	case plan.Problem != nil:
		return chain.RejectWith(*plan.Problem, nil)
	case plan.Wait != "":
		return heldUp(plan.Wait, found)
	case plan.Move == "":
		return v.settle(ctx, t, found)
	}
	asked := peeringResources(found)
	if plan.Move == interconnect.MoveCreate {
		asked, err = v.create(ctx, t, seen)
	} else {
		err = t.Mutate(ctx, v.modify(t, found.Kept.RegionID, found.Kept.ID))
	}
	if err != nil {
		return v.failed(err, found)
	}
	out := chain.WaitFor("the VPC peering connection to be Activated")
	out.Resources = asked
	return out
}

// create asks for the connection.
//
// A client token names it, so it does not matter who calls, how often, and
// whether an answer is lost. A token whose connection is gone would return that
// one for as long as the cloud remembers it; then the next token in the row is
// taken. Only the cloud's word, some time after this step began, makes a
// connection count as gone; and the cloud takes one connection of two VPCs, so
// a token too many makes nothing. It returns the connection's id, if it has one.
func (v vpcPeering) create(ctx context.Context, t *chain.Task, seen []interconnect.PeeringConnection) (ids []string, err error) {
	first := firstToken(&t.Record)
	for k := first; k < first+maxTokens; k++ {
		id, request := "", newPeering(t, k)
		err := t.Mutate(ctx, chain.Call{
			Action: "CreateVpcPeerConnection", Resource: t.Want.Initiator.VpcID,
			Do: func(ctx context.Context) (err error) {
				id, err = v.cloud.CreatePeeringConnection(ctx, t.Want.Initiator.RegionID, request)
				return err
			},
		})
		switch {
		case usedUp(err):
		case err != nil:
			return nil, err
		case slices.ContainsFunc(seen, func(p interconnect.PeeringConnection) bool { return p.ID == id }): // as deleted, say
		case patient(t):
			return []string{id}, nil // it may only not be known everywhere yet
		default:
			// A change goes by what is, not by a read that lags.
			err := t.Mutate(ctx, v.modify(t, t.Want.Initiator.RegionID, id))
			if !interconnect.IsGone(err) {
				return []string{id}, nil
			}
		}
		if patient(t) {
			return nil, nil
		}
	}
	return nil, nil
}

// usedUp tells whether a token was used for something else before.
func usedUp(err error) bool {
	var cloud *interconnect.CloudError
	return interconnect.ClassOf(err) == interconnect.Exists && errors.As(err, &cloud) && !existsAlready(cloud)
}

// existsAlready tells whether the cloud says that something joins the two VPCs
// already.
func existsAlready(e *interconnect.CloudError) bool {
	return e.Code == besideInterfaces || e.Code == "ResourceAlreadyExist.VpcPeer"
}

func newPeering(t *chain.Task, token int) interconnect.NewPeeringConnection {
	c := t.Want
	mark := interconnect.Mark{Prefix: t.Prefix, ConnectionID: c.ID}
	return interconnect.NewPeeringConnection{
		VpcID:             c.Initiator.VpcID,
		AcceptingAccount:  c.Acceptor.Account,
		AcceptingRegionID: c.Acceptor.RegionID,
		AcceptingVpcID:    c.Acceptor.VpcID,
		Bandwidth:         c.Bandwidth,
		LinkType:          c.LinkType,
		Name:              mark.String(),
		Description:       mark.String(),
		Tags:              mark.Tags(),
		Token:             interconnect.ClientToken(t.Prefix, c.ID, string(interconnect.Initiator), "vpc-peering", strconv.Itoa(token)),
	}
}

// modify gives a connection of ours its mark as its name, and the bandwidth and
// link type that are asked for. It takes no token: done twice it is the same.
func (v vpcPeering) modify(t *chain.Task, region, id string) chain.Call {
	c, name := t.Want, interconnect.Mark{Prefix: t.Prefix, ConnectionID: t.Want.ID}.String()
	return chain.Call{
		Action: "ModifyVpcPeerConnection", Resource: id,
		Do: func(ctx context.Context) error {
			return v.cloud.ModifyPeeringConnection(ctx, region, id, name, c.Bandwidth, c.LinkType)
		},
	}
}

// remove deletes a connection, never by force: that would take the routes of
// others with it. It takes no token. Died after it, or reported failed but
// done: the next look finds it gone. A twin's second deletion is told so.
func (v vpcPeering) remove(p interconnect.PeeringConnection) chain.Call {
	return chain.Call{
		Action: "DeleteVpcPeerConnection", Resource: p.ID,
		Do: func(ctx context.Context) error { return v.cloud.DeletePeeringConnection(ctx, p.RegionID, p.ID) },
	}
}

// prune removes the owned connections that nothing live needs, one at a time,
// as the cloud takes them, until no read shows them any more. Each takes its
// time, so that one run removes one.
func (v vpcPeering) prune(ctx context.Context, t *chain.Task, read readOthers) chain.Outcome {
	var others []interconnect.Record
	var seen []interconnect.PeeringConnection
	if err := t.Together(ctx,
		func(ctx context.Context) (err error) { others, err = read(ctx); return err },
		func(ctx context.Context) (err error) { seen, err = v.peerings(ctx, t, t.Scope); return err },
	); err != nil {
		return chain.FromError(err)
	}
	p := interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, others)
	gone := interconnect.PrunablePeerings(p, seen)
	if len(gone) == 0 {
		return chain.DoneWith()
	}
	now, wait := interconnect.PlanPeeringRemoval(gone)
	if len(now) == 0 {
		return chain.WaitFor(wait)
	}
	entries, err := routeEntries(ctx, t, v.cloud, t.Scope)
	if err != nil {
		return chain.FromError(err)
	}
	if pointing := interconnect.PointingTo(entries, peeringIDs(gone)...); len(pointing) > 0 {
		return blocked(t, "VPC peering connection", pointing)
	}
	if err := t.Mutate(ctx, v.remove(now[0])); err != nil {
		out := v.failed(err, interconnect.FoundPeering{})
		if out.Kind == chain.KindReject && out.Problem != nil {
			for _, x := range gone {
				left := *out.Problem
				left.Resource, left.Sentence = x.ID, fmt.Sprintf("VPC peering connection %s (%s) could not be removed. %s", x.ID, x.Status, left.Sentence)
				out.Leftovers = append(out.Leftovers, left)
			}
		}
		return out
	}
	return chain.WaitFor("VPC peering connection " + now[0].ID + " to go")
}

// settle is reached when the connection carries traffic. Others of ours, should
// the cloud have let twins make them, are removed as long as no route leads to
// them; that the connection works does not depend on it.
func (v vpcPeering) settle(ctx context.Context, t *chain.Task, found interconnect.FoundPeering) chain.Outcome {
	done := chain.DoneWith(peeringResources(found)...)
	if len(found.Extra) == 0 {
		return done
	}
	entries, err := routeEntries(ctx, t, v.cloud, t.Want)
	if err != nil {
		return chain.FromError(err)
	}
	x := found.Extra[0]
	now, _ := interconnect.PlanPeeringRemoval([]interconnect.PeeringConnection{x})
	switch {
	case len(interconnect.PointingTo(entries, x.ID)) > 0:
		done.Note = fmt.Sprintf("VPC peering connection %s is one too many and stays while routes lead to it", x.ID)
		return done
	case t.Elapsed() > tidyAllowance:
		done.Note = fmt.Sprintf("VPC peering connection %s is one too many and has not gone yet", x.ID)
		return done
	case len(now) > 0:
		if err := t.Mutate(ctx, v.remove(x)); err != nil {
			if out := v.failed(err, found); out.Kind != chain.KindReject {
				return out
			}
			done.Note, done.Err = fmt.Sprintf("VPC peering connection %s is one too many and cannot be removed", x.ID), err
			return done
		}
	}
	return heldUp(fmt.Sprintf("VPC peering connection %s, one too many, to go", x.ID), found)
}

// look reads what joins the two VPCs: before anything is made, of both; when it
// is waited for, of the initiator's, whose answer tells all once it shows it, a
// peering connection being one thing for both sides.
func (v vpcPeering) look(ctx context.Context, t *chain.Task) ([]interconnect.PeeringConnection, error) {
	if t.Elapsed() == 0 {
		return v.peerings(ctx, t, t.Want)
	}
	var seen []interconnect.PeeringConnection
	for _, role := range interconnect.Roles {
		side := t.Want.Side(role)
		at, err := v.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
		if err != nil && !interconnect.IsGone(err) {
			return nil, err
		}
		seen = append(seen, at...)
		if interconnect.FindPeering(t.Want, t.Prefix, seen).Kept != nil {
			break
		}
	}
	return seen, nil
}

// peerings reads the peering connections of both VPCs. Both regions are asked:
// whether the accepting one shows them is not published.
func (v vpcPeering) peerings(ctx context.Context, t *chain.Task, c *interconnect.Connection) ([]interconnect.PeeringConnection, error) {
	var at [2][]interconnect.PeeringConnection
	read := func(n int, side *interconnect.Side) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			at[n], err = v.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
			if interconnect.IsGone(err) { // the VPC is
				return nil
			}
			return err
		}
	}
	err := t.Together(ctx, read(0, &c.Initiator), read(1, &c.Acceptor))
	return append(at[0], at[1]...), err
}

// failed makes an outcome of failed calls. That a thing is gone, or there
// already, says that the reads were behind: the next run looks again. Router
// interfaces in the way are seen by no further look.
func (v vpcPeering) failed(err error, found interconnect.FoundPeering) chain.Outcome {
	var cloud *interconnect.CloudError
	if errors.As(err, &cloud) && cloud.Code == besideInterfaces {
		return chain.RejectWith(interconnect.Problem{
			Sentence: "The cloud refuses a VPC peering connection while router interfaces join the two VPCs: disconnect what joins them by Express Connect, then ask for VpcPeering; or stay with ExpressConnect.",
			Code:     cloud.Code, RequestID: cloud.RequestID,
		}, err)
	}
	if interconnect.Stale(err) {
		out := heldUp("reads that are behind: "+err.Error(), found)
		out.Err = err
		return out
	}
	out := chain.FromError(err)
	out.Resources = peeringResources(found)
	return out
}

func heldUp(note string, found interconnect.FoundPeering) chain.Outcome {
	out := chain.WaitFor(note)
	out.Resources = peeringResources(found)
	return out
}

func peeringResources(f interconnect.FoundPeering) []string {
	switch {
	case f.Kept == nil:
		return nil
	case f.Ours:
		return []string{f.Kept.ID}
	}
	return []string{f.Kept.ID + " (not ours)"}
}

func peeringIDs(list []interconnect.PeeringConnection) []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return ids
}
