package peering

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// expressConnect joins two VPCs by a pair of router interfaces.
type expressConnect struct {
	cloud Cloud
}

// connect looks what joins the two routers and carries it on from there, until
// both sides are Active. Whatever state an earlier run, or a twin, left behind
// is a state like any other.
func (e expressConnect) connect(ctx context.Context, t *chain.Task) chain.Outcome {
	before := ""
	for range maxRounds {
		seen, err := e.interfaces(ctx, t, t.Want)
		if err != nil {
			return chain.FromError(err)
		}
		made := ""
		found := interconnect.FindPair(t.Want, t.Prefix, seen)
		plan := interconnect.PlanPair(t.Want, found, patient(t))
		switch {
		case plan.Problem != nil:
			return chain.RejectWith(*plan.Problem, nil)
		case plan.Wait != "":
			return waiting(plan.Wait, found)
		case len(plan.Moves) == 0:
			return e.settle(ctx, t, found)
		}
		// What was just done and does not show yet is not done again.
		if now := spell(plan.Moves); now == before {
			return waiting(now+" to be seen", found)
		} else {
			before = now
		}
		switch plan.Moves[0].Kind {
		case interconnect.MoveCreate:
			if made, err = e.create(ctx, t, found.Kept, plan.Moves); err == nil && made != "" {
				// Both sides were just given each other: a look would show the same.
				err = t.Mutate(ctx, e.connectCall(initiatingSide(t.Want, plan.Moves), made))
			}
		default:
			err = t.Mutate(ctx, e.calls(t.Want, found.Kept, plan.Moves)...)
		}
		switch {
		case err != nil:
			return failed(err, found)
		case made != "" || plan.Moves[0].Kind == interconnect.MoveConnect:
			return connecting(t.Want, found)
		}
	}
	return chain.WaitFor("the router interfaces to change their state")
}

// prune removes the owned interfaces that nothing live needs: deactivated on
// both sides, then deleted, until no read shows them any more.
//
// What a call changes takes its time, so that one run makes one kind of move.
func (e expressConnect) prune(ctx context.Context, t *chain.Task, read readOthers) chain.Outcome {
	var others []interconnect.Record
	var seen []interconnect.RouterInterface
	if err := t.Together(ctx,
		func(ctx context.Context) (err error) { others, err = read(ctx); return err },
		func(ctx context.Context) (err error) { seen, err = e.interfaces(ctx, t, t.Scope); return err },
	); err != nil {
		return chain.FromError(err)
	}
	p := interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, others)
	gone := interconnect.PrunableInterfaces(p, seen)
	if len(gone) == 0 {
		return chain.DoneWith()
	}
	plan := interconnect.PlanRemoval(t.Scope, gone)
	if plan.Wait != "" {
		return chain.WaitFor(plan.Wait)
	}
	entries, err := routeEntries(ctx, t, e.cloud, t.Scope)
	if err != nil {
		return chain.FromError(err)
	}
	if pointing := interconnect.Pointing(entries, gone); len(pointing) > 0 {
		return blocked(t, "Router interface", pointing)
	}
	if err := t.Mutate(ctx, e.calls(t.Scope, interconnect.InterfacePair{}, plan.Moves)...); err != nil {
		out := failed(err, interconnect.FoundPair{})
		if out.Kind == chain.KindReject && out.Problem != nil {
			out.Leftovers = leftovers(gone, *out.Problem)
		}
		return out
	}
	return chain.WaitFor(spell(plan.Moves) + " to take effect")
}

// leftovers lists the interfaces that stay, each with the cloud's error.
func leftovers(interfaces []interconnect.RouterInterface, why interconnect.Problem) []interconnect.Problem {
	var out []interconnect.Problem
	for _, i := range interfaces {
		p := why
		p.Resource, p.Sentence = i.ID, fmt.Sprintf("Router interface %s (%s) could not be removed. %s", i.ID, i.Status, why.Sentence)
		out = append(out, p)
	}
	return out
}

// settle is reached when the pair carries traffic. Interfaces of ours that are
// too many, made by twins that could not see each other, are removed as long
// as no route leads to them; that the connection works does not depend on it.
func (e expressConnect) settle(ctx context.Context, t *chain.Task, found interconnect.FoundPair) chain.Outcome {
	done := chain.DoneWith(resources(found.Kept)...)
	if len(found.Extra) == 0 {
		return done
	}
	entries, err := routeEntries(ctx, t, e.cloud, t.Want)
	if err != nil {
		return chain.FromError(err)
	}
	var free []interconnect.RouterInterface
	for _, i := range found.Extra {
		if len(interconnect.Pointing(entries, []interconnect.RouterInterface{i})) == 0 {
			free = append(free, i)
		} else {
			done.Note = fmt.Sprintf("router interface %s is one too many and stays while routes lead to it", i.ID)
		}
	}
	if len(free) == 0 {
		return done
	}
	if t.Elapsed() > tidyAllowance {
		done.Note = fmt.Sprintf("router interface %s is one too many and has not gone yet", free[0].ID)
		return done
	}
	plan := interconnect.PlanRemoval(t.Want, free)
	if len(plan.Moves) > 0 {
		if err := t.Mutate(ctx, e.calls(t.Want, interconnect.InterfacePair{}, plan.Moves)...); err != nil {
			if out := failed(err, found); out.Kind != chain.KindReject {
				return out
			}
			done.Note, done.Err = fmt.Sprintf("router interface %s is one too many and cannot be removed", free[0].ID), err
			return done
		}
	}
	return waiting(fmt.Sprintf("router interface %s, one too many, to go", free[0].ID), found)
}

// interfaces reads the interfaces at both routers.
func (e expressConnect) interfaces(ctx context.Context, t *chain.Task, c *interconnect.Connection) ([]interconnect.RouterInterface, error) {
	var at [2][]interconnect.RouterInterface
	read := func(n int, side *interconnect.Side) func(context.Context) error {
		return func(ctx context.Context) (err error) {
			at[n], err = e.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
			return err
		}
	}
	err := t.Together(ctx, read(0, &c.Initiator), read(1, &c.Acceptor))
	return append(at[0], at[1]...), err
}

// calls makes calls of moves, other than creations.
//
// None of these calls takes a token. Died after one, or reported failed but
// done: the next look shows the state that it led to. A twin that makes it
// too is told that the state is wrong, and looks again.
func (e expressConnect) calls(c *interconnect.Connection, pair interconnect.InterfacePair, moves []interconnect.Move) []chain.Call {
	var calls []chain.Call
	for _, m := range moves {
		side, id := c.Side(m.Role), m.Interface.ID
		call := chain.Call{Resource: id}
		switch m.Kind {
		case interconnect.MoveSetOpposite:
			call = e.setOpposite(c, m.Role, id, pair.Side(m.Role.Other()).ID)
		case interconnect.MoveConnect:
			call = e.connectCall(side, id)
		case interconnect.MoveActivate:
			call.Action = "ActivateRouterInterface"
			call.Do = func(ctx context.Context) error { return e.cloud.ActivateRouterInterface(ctx, side.RegionID, id) }
		case interconnect.MoveModify:
			call.Action = "ModifyRouterInterfaceSpec"
			call.Do = func(ctx context.Context) error {
				return e.cloud.ModifySpecification(ctx, side.RegionID, id, c.Specification)
			}
		case interconnect.MoveDeactivate:
			call.Action = "DeactivateRouterInterface"
			call.Do = func(ctx context.Context) error { return e.cloud.DeactivateRouterInterface(ctx, side.RegionID, id) }
		case interconnect.MoveDelete:
			call.Action = "DeleteRouterInterface"
			call.Do = func(ctx context.Context) error { return e.cloud.DeleteRouterInterface(ctx, side.RegionID, id) }
		default:
			continue
		}
		calls = append(calls, call)
	}
	return calls
}

func (e expressConnect) setOpposite(c *interconnect.Connection, role interconnect.Role, id, oppositeID string) chain.Call {
	side, there := c.Side(role), c.Side(role.Other())
	return chain.Call{
		Action: "ModifyRouterInterfaceAttribute", Resource: id,
		Do: func(ctx context.Context) error {
			return e.cloud.SetOpposite(ctx, side.RegionID, id, interconnect.Opposite{
				InterfaceID: oppositeID, RouterID: there.VRouterID, OwnerID: there.Account,
			})
		},
	}
}

// failed makes an outcome of failed calls. That a thing is gone, or there
// already, says that the reads were behind: the next run looks again.
func failed(err error, found interconnect.FoundPair) chain.Outcome {
	if interconnect.Stale(err) {
		out := waiting("reads that are behind: "+err.Error(), found)
		out.Err = err
		return out
	}
	if p, ok := notForSale(err, found); ok {
		return chain.RejectWith(p, err)
	}
	out := chain.FromError(err)
	out.Resources = resources(found.Kept)
	return out
}

// How long two router interfaces take to be Active once they are connected: 6 to
// 7 s from one's creation, as the published sample of DescribeRouterInterfaces
// has it. In another region the accepting side shows it later, by up to 10 s
// (terraform-provider-alicloud, pull request 9889); a second is the least that
// queues count.
const (
	connectsIn   = 7 * time.Second
	showsAfterIn = time.Second
)

// connecting waits for interfaces that were just told to connect.
func connecting(c *interconnect.Connection, found interconnect.FoundPair) chain.Outcome {
	least := connectsIn
	if c.CrossRegion() {
		least += showsAfterIn
	}
	out := chain.WaitAtLeast(least, "the router interfaces to be Active")
	out.Resources = resources(found.Kept)
	return out
}

func waiting(note string, found interconnect.FoundPair) chain.Outcome {
	out := chain.WaitFor(note)
	out.Resources = resources(found.Kept)
	return out
}

// connectCall has the initiating side of a pair connect to the other.
func (e expressConnect) connectCall(side *interconnect.Side, id string) chain.Call {
	return chain.Call{Action: "ConnectRouterInterface", Resource: id, Do: func(ctx context.Context) error {
		return e.cloud.ConnectRouterInterface(ctx, side.RegionID, id)
	}}
}

// initiatingSide is where the initiating one of the interfaces is made.
func initiatingSide(c *interconnect.Connection, moves []interconnect.Move) *interconnect.Side {
	for _, m := range moves {
		if m.Initiating {
			return c.Side(m.Role)
		}
	}
	return &c.Initiator
}

// resources lists a pair's ids, the initiator's side first.
func resources(p interconnect.InterfacePair) []string {
	var ids []string
	for _, role := range interconnect.Roles {
		if i := p.Side(role); i != nil && p.Ours {
			ids = append(ids, i.ID)
		} else if i != nil {
			ids = append(ids, i.ID+" (not ours)")
		}
	}
	return ids
}

// spell names moves in words.
func spell(moves []interconnect.Move) string {
	words := make([]string, len(moves))
	for i, m := range moves {
		what := "the " + string(m.Role) + "'s router interface"
		if m.Interface != nil {
			what = "router interface " + m.Interface.ID
		}
		words[i] = string(m.Kind) + " " + what
	}
	return strings.Join(words, ", ")
}
