package routes

import (
	"context"
	"fmt"
	"sync"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// prune removes the owned routes that nothing live needs, from every table of
// both VPCs, one batch at a time per VPC, both VPCs at once, until no read
// shows them any more. A run looks again only where something was refused.
func (s *Step) prune(ctx context.Context, t *chain.Task) chain.Outcome {
	var others []interconnect.Record
	var back func(interconnect.Role, []interconnect.RouteEntry) (interconnect.RouteDiff, interconnect.NextHop)
	var entries sides[[]interconnect.RouteEntry]
	if err := t.Together(ctx,
		func(ctx context.Context) (err error) { others, err = t.Others(ctx); return err },
		func(ctx context.Context) (err error) { back, err = s.leadBack(ctx, t); return err },
		func(ctx context.Context) (err error) { entries, err = s.entries(ctx, t, t.Scope); return err },
	); err != nil {
		return chain.FromError(err)
	}
	seat := s.removing.join(t.Scope)
	defer seat.leave()
	p := interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, others)
	var refused refusals
	var cut cuts
	before := ""
	for round := range maxRounds {
		if round > 0 {
			var err error
			if entries, err = s.entries(ctx, t, t.Scope); err != nil {
				return chain.FromError(err)
			}
		}
		var calls []chain.Call
		held, left, asks := "", 0, ""
		for _, role := range interconnect.Roles {
			gone := interconnect.PrunableRoutes(p, *entries.at(role))
			diff, hop := back(role, *entries.at(role))
			todo := len(gone) + len(diff.Repoint) + len(diff.Create) + len(diff.Unsettled)
			left += todo
			if todo == 0 {
				continue
			}
			if on := busy(*entries.at(role)); on != "" {
				held = on
				continue
			}
			if len(gone) == 0 {
				call, asked := s.change(t.Want.Side(role), role, diff, hop, &failures{}, &cut, s.adding.seat())
				calls, asks = append(calls, call), asks+asked
				continue
			}
			batch := gone[:min(len(gone), interconnect.MaxRouteBatch)]
			calls, asks = append(calls, s.remove(t.Scope.Side(role), batch, &refused, seat)), asks+fmt.Sprint(batch)
		}
		switch {
		case left == 0:
			return chain.DoneWith()
		case len(calls) == 0:
			return inLine(held, nil)
		}
		if out, ok := refused.outcome(); ok {
			return out
		}
		if asks == before {
			return chain.WaitFor("the routes just removed to go")
		}
		before = asks
		switch err := t.Mutate(ctx, calls...); {
		case err == nil && len(refused.list) == 0:
			return chain.WaitFor("the routes just removed to go") // a task takes longer than a look
		case err != nil && !onlyCuts(err):
			if interconnect.Stale(err) {
				return chain.WaitFor("reads that are behind: " + err.Error())
			}
			return leftOver(chain.FromError(err), p, entries)
		}
	}
	return chain.WaitFor("the routes to go")
}

// leftOver lists, of a removal that is given up, each route that stays.
func leftOver(out chain.Outcome, p interconnect.Pruning, entries sides[[]interconnect.RouteEntry]) chain.Outcome {
	if out.Kind != chain.KindReject || out.Problem == nil {
		return out
	}
	const most = 10 // an entry of the Parameter Store is 4,096 characters
	for _, role := range interconnect.Roles {
		for _, e := range interconnect.PrunableRoutes(p, *entries.at(role)) {
			if len(out.Leftovers) < most {
				left := *out.Problem
				left.Resource, left.Sentence = e.ID, fmt.Sprintf("The route to %s in route table %s could not be removed. %s", e.Destination, e.RouteTableID, left.Sentence)
				out.Leftovers = append(out.Leftovers, left)
			}
		}
	}
	return out
}

// remove deletes a batch of entries of one VPC, by id.
//
// Died after it, or reported failed but done: the next look finds them gone. A
// twin's second deletion is told that they are gone.
func (s *Step) remove(side *interconnect.Side, batch []interconnect.RouteEntry, refused *refusals, seat *seat[interconnect.RouteEntry]) chain.Call {
	return chain.Call{
		Action: "DeleteRouteEntries", Resource: side.VpcID,
		Do: func(ctx context.Context) error {
			failed, err := seat.ask(ctx, side, batch, s.cloud.DeleteRoutes)
			refused.add(batch, failed)
			return err
		},
	}
}

// refusals are the entries of a run's batches that the cloud would not delete.
type refusals struct {
	mu   sync.Mutex
	list []refusal
}

type refusal struct {
	interconnect.RouteFailure
	entryID string // "" where the answer fits several entries: it does not name the table
}

func (r *refusals) add(batch []interconnect.RouteEntry, more []interconnect.RouteFailure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range more {
		one := refusal{RouteFailure: f}
		for _, e := range batch {
			if !removes(e, f) {
				continue
			}
			if one.entryID != "" {
				one.entryID = ""
				break
			}
			one.entryID = e.ID
		}
		r.list = append(r.list, one)
	}
}

// outcome says what the refusals come to, if there are any: wait, retry, or
// give up, the entries being left over.
func (r *refusals) outcome() (chain.Outcome, bool) {
	if len(r.list) == 0 {
		return chain.Outcome{}, false
	}
	gravest := chain.WaitFor("routes to go that are gone already")
	var left []interconnect.Problem
	for _, one := range r.list {
		if one.Err == nil || interconnect.Stale(one.Err) {
			continue
		}
		out := chain.FromError(one.Err)
		if out.Kind == chain.KindReject {
			problem := chain.ProblemOf(one.Err)
			problem.Resource, problem.Sentence = one.entryID, fmt.Sprintf("The route to %s cannot be removed: %s", one.Destination, problem.Sentence)
			left = append(left, problem)
			out.Problem = &problem
			gravest = out
		} else if gravest.Kind == chain.KindWait {
			gravest = out
		}
	}
	gravest.Leftovers = left
	return gravest, true
}
