package routes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// connect adds the routes that are missing and leads those of ours that lead
// elsewhere back, one call at a time per VPC, both VPCs at once, and is done
// when a read shows all of them settled. A run looks again only where something
// was refused.
func (s *Step) connect(ctx context.Context, t *chain.Task) chain.Outcome {
	find, ok := s.hops[t.Want.Type]
	if !ok {
		return chain.RejectWith(interconnect.Problem{Sentence: fmt.Sprintf("There are no routes for connections of the type %q; ask for another type.", t.Want.Type)}, nil)
	}
	var hops sides[interconnect.NextHop]
	var cut cuts
	wait := ""
	first := func(ctx context.Context) error {
		w, missing, err := find(ctx, s, t)
		hops, cut.dead, wait = w.hops, w.dead, missing
		return err
	}
	seat := s.adding.join(t.Want)
	defer seat.leave()
	mark := interconnect.Mark{Prefix: t.Prefix, ConnectionID: t.Want.ID}
	var refused failures
	before := ""
	for round := range maxRounds {
		var entries sides[[]interconnect.RouteEntry]
		var err error
		if queued := ""; round > 0 {
			entries, err = s.wanted(ctx, t, nil)
		} else if entries, queued, err = s.firstLook(ctx, t, first); queued != "" {
			return inLine(queued, nil)
		}
		switch {
		case err != nil:
			return chain.FromError(err)
		case wait != "":
			return chain.WaitFor(wait)
		}
		var diffs sides[interconnect.RouteDiff]
		complete, held := true, ""
		var present []string
		var open []interconnect.Role // sides on which something is to be changed, and may be
		for _, role := range interconnect.Roles {
			here := *entries.at(role)
			diff := interconnect.DiffRoutes(mark, interconnect.WantedRoutes(t.Want, role), *hops.at(role), here)
			if len(diff.Conflicts) > 0 {
				if diff, err = s.inherit(ctx, t, diff); err != nil {
					return chain.FromError(err)
				}
			}
			if len(diff.Conflicts) > 0 {
				return conflict(role, diff.Conflicts[0], *hops.at(role))
			}
			if out, failed := refused.outcome(role, diff, here); failed {
				return out
			}
			*diffs.at(role) = diff
			complete = complete && diff.Complete()
			present = append(present, ids(mark, diff.Present)...)
			if len(diff.Create)+len(diff.Repoint) == 0 {
				if len(diff.Unsettled) > 0 {
					held = busy(diff.Unsettled)
				}
				continue
			}
			if on := busy(here); on != "" {
				held = on
				continue
			}
			open = append(open, role)
		}
		elsewhere, err := s.unwanted(ctx, t, open)
		if err != nil {
			return chain.FromError(err)
		}
		var calls []chain.Call
		asks := ""
		for _, role := range open {
			if on := busy(*elsewhere.at(role)); on != "" {
				held = on
				continue
			}
			call, asked := s.change(t.Want.Side(role), role, *diffs.at(role), *hops.at(role), &refused, &cut, seat)
			calls, asks = append(calls, call), asks+asked
		}
		switch {
		case complete:
			return chain.DoneWith(interconnect.Few(present)...)
		case len(calls) == 0:
			return inLine(held, present)
		case refused.any():
			return waiting(refused.note(), present)
		case asks == before:
			// What was just asked for and does not show yet is not asked for
			// again at once.
			return waiting("the routes just asked for to be seen", present)
		}
		before = asks
		switch err := t.Mutate(ctx, calls...); {
		case err == nil && !refused.any():
			return waiting("the routes just asked for to be settled", present) // a task takes longer than a look
		case err != nil && !onlyCuts(err):
			for _, role := range interconnect.Roles {
				if out, failed := refused.outcome(role, *diffs.at(role), *entries.at(role)); failed {
					return out
				}
			}
			if interconnect.Stale(err) {
				return waiting("reads that are behind: "+err.Error(), present)
			}
			out := chain.FromError(err)
			out.Resources = interconnect.Few(present)
			if interconnect.ClassOf(err) == interconnect.Busy {
				out.Turn = turnWithin
			}
			return out
		}
	}
	return chain.WaitFor("the routes to be made")
}

// firstLook reads entries and finds where routes are to lead. A run that comes
// back in vain looks first whether another connection's task still runs: many
// may wait for one VPC, and have nothing else to look for until then.
func (s *Step) firstLook(ctx context.Context, t *chain.Task, find func(context.Context) error) (entries sides[[]interconnect.RouteEntry], queued string, err error) {
	if t.Message.Waits == 0 {
		entries, err = s.wanted(ctx, t, find)
		return entries, "", err
	}
	if entries, err = s.wanted(ctx, t, nil); err != nil {
		return entries, "", err
	}
	for _, role := range interconnect.Roles {
		for _, e := range interconnect.Unsettled(*entries.at(role)) {
			if m, ok := interconnect.ParseMark(e.Name); !ok || m.ConnectionID != t.Want.ID {
				return entries, busy([]interconnect.RouteEntry{e}), nil
			}
		}
	}
	return entries, "", find(ctx)
}

// turnWithin is after how long a VPC is looked at again at the latest whose
// routes another connection changes: a task takes a second or two, and a VPC for
// which all wait ever longer would stand idle.
const turnWithin = 4 * time.Second

// inLine waits for a task.
func inLine(on string, present []string) chain.Outcome {
	out := waiting(on, present)
	out.Turn = turnWithin
	return out
}

// change makes the one call that a VPC takes at a time, and spells what it asks
// for.
//
// Neither call takes a token. Died after it, or reported failed but done: the
// next look finds the entries. A twin's second entry to the same destination
// is refused by the cloud, and a second repointing changes nothing.
func (s *Step) change(side *interconnect.Side, role interconnect.Role, diff interconnect.RouteDiff, hop interconnect.NextHop, refused *failures, cut *cuts, seat *seat[interconnect.NewRoute]) (chain.Call, string) {
	if len(diff.Repoint) > 0 {
		return s.repoint(side, role, diff.Repoint, hop, cut)
	}
	batch := diff.Create[:min(len(diff.Create), interconnect.MaxRouteBatch)]
	return chain.Call{
		Action: "CreateRouteEntries", Resource: side.VpcID,
		Do: func(ctx context.Context) error {
			failed, err := seat.ask(ctx, side, batch, s.cloud.CreateRoutes)
			if cloud := new(interconnect.CloudError); errors.As(err, &cloud) && cloud.Class == interconnect.Quota {
				failed = []interconnect.RouteFailure{{Destination: batch[0].Destination, Err: cloud}} // of the whole batch
			}
			refused.add(role, failed)
			return err
		},
	}, fmt.Sprint(batch)
}

// inherit looks whether a route that another connection of this deployment made
// is still needed by one: a leftover of one that is not is led our way.
func (s *Step) inherit(ctx context.Context, t *chain.Task, diff interconnect.RouteDiff) (interconnect.RouteDiff, error) {
	ours := false
	for _, e := range diff.Conflicts {
		m, ok := interconnect.ParseMark(e.Name)
		ours = ours || ok && m.Prefix == t.Prefix
	}
	if !ours {
		return diff, nil
	}
	others, err := t.Others(ctx)
	if err != nil {
		return diff, err
	}
	return diff.Inherit(interconnect.NewPruning(t.Prefix, &t.Record, t.Want, nil, others)), nil
}

func conflict(role interconnect.Role, e interconnect.RouteEntry, hop interconnect.NextHop) chain.Outcome {
	return chain.RejectWith(interconnect.Problem{
		Sentence: fmt.Sprintf("Route table %s of the %s's VPC already has a route to %s that leads to %s %s instead of %s, and that this connection did not make: delete it, or leave that block out of the request.",
			e.RouteTableID, role, e.Destination, e.NextHopType, e.NextHopID, hop.ID),
		Resource: e.RouteTableID,
	}, nil)
}

func waiting(note string, present []string) chain.Outcome {
	out := chain.WaitFor(note)
	out.Resources = interconnect.Few(present)
	return out
}

// ids lists entries, telling those apart that this deployment did not make.
func ids(m interconnect.Mark, entries []interconnect.RouteEntry) []string {
	var out []string
	for _, e := range entries {
		id := e.ID
		if owner, ok := interconnect.ParseMark(e.Name); !ok || owner.Prefix != m.Prefix {
			id += " (not ours)"
		}
		out = append(out, id)
	}
	return out
}
