package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"vpcinterconnect/shared/interconnect"
)

const (
	// pollEvery is how often is looked whether a state has changed.
	pollEvery = 2 * time.Second
	// patience is how long is waited for one thing to go.
	patience = 3 * time.Minute
)

// remove removes orphans by id, in the order in which they were found: what
// leads somewhere before what it leads to. One that cannot be removed does not
// keep the others.
func (s *search) remove(ctx context.Context, out io.Writer, found []interconnect.Orphan, ids []string) error {
	var errs []error
	for _, id := range ids {
		if !slices.ContainsFunc(found, func(o interconnect.Orphan) bool { return o.ID == id }) {
			errs = append(errs, fmt.Errorf("%s is none of the orphans listed", id))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("nothing was removed: %w", errors.Join(errs...))
	}
	before := s.generations()
	for _, o := range found {
		if !slices.Contains(ids, o.ID) {
			continue
		}
		if err := s.removeOne(ctx, &o); err != nil {
			fmt.Fprintf(out, "%s stays: %v\n", o.ID, err)
			errs = append(errs, fmt.Errorf("%s: %w", o.ID, err))
			continue
		}
		fmt.Fprintf(out, "%s is removed.\n", o.ID)
	}
	// As after a prune: who came meanwhile may have counted on what is gone.
	if err := s.readRecords(ctx); err != nil {
		return errors.Join(append(errs, err)...)
	}
	for id, generation := range s.generations() {
		if before[id] != generation {
			fmt.Fprintf(out, "%s has changed meanwhile: ask for it again, so that it makes anew what may have gone.\n", id)
		}
	}
	return errors.Join(errs...)
}

// generations lists the live records' generations.
func (s *search) generations() map[string]int {
	out := map[string]int{}
	for _, r := range s.records {
		if r.Live() {
			out[r.ID] = r.Generation
		}
	}
	return out
}

// removeOne takes the steps that remove a thing, looking again before each.
func (s *search) removeOne(ctx context.Context, o *interconnect.Orphan) error {
	for end := s.now().Add(patience); ; {
		now, err := s.still(ctx, o)
		switch {
		case err != nil:
			return err
		case now == nil:
			return nil
		case now.Going:
			return fmt.Errorf("its connection %s is %s, and may be about to remove it itself", now.Mark.ConnectionID, now.State)
		}
		wait, err := s.step(ctx, now)
		switch {
		case err != nil && !interconnect.Stale(err) && interconnect.ClassOf(err) != interconnect.Busy && interconnect.ClassOf(err) != interconnect.Throttled:
			return err
		case !s.now().Before(end):
			return fmt.Errorf("it is still there after %s (%s); see in the console what holds it up", patience, wait)
		}
		if err := s.pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// still reads anew what decides about an orphan: nil if it is gone. One that a
// record wants by now is an error, and so is a freeze.
func (s *search) still(ctx context.Context, o *interconnect.Orphan) (*interconnect.Orphan, error) {
	reason, frozen, err := s.deployment.records.Frozen(ctx)
	if err != nil {
		return nil, err
	}
	if frozen {
		return nil, fmt.Errorf("changes are frozen (%s): thaw first", reason)
	}
	if err := s.readRecords(ctx); err != nil {
		return nil, err
	}
	regions, present, err := s.around(ctx, o)
	if err != nil {
		return nil, err
	}
	for _, now := range interconnect.Orphans(s.prefix, s.records, regions, s.now()) {
		if now.ID == o.ID {
			s.regions = regions
			return &now, nil
		}
	}
	if present {
		return nil, errors.New("it is no orphan any more")
	}
	return nil, nil
}

// around reads what stands around an orphan, and tells whether that is there: of
// a rule its group's rules, of a route its table's, of what routes lead to the
// regions of both sides.
func (s *search) around(ctx context.Context, o *interconnect.Orphan) (seen []interconnect.RegionSeen, present bool, err error) {
	switch {
	case o.Rule != nil:
		rules, err := s.cloud.Rules(ctx, o.RegionID, o.Rule.GroupID)
		present = slices.ContainsFunc(rules, func(r interconnect.Rule) bool { return r.ID == o.ID })
		return []interconnect.RegionSeen{{RegionID: o.RegionID, Rules: rules}}, present, orGone(err)
	case o.Route != nil:
		routes, err := s.cloud.RouteEntries(ctx, o.RegionID, o.Route.RouteTableID)
		present = slices.ContainsFunc(routes, func(e interconnect.RouteEntry) bool { return e.ID == o.ID })
		return []interconnect.RegionSeen{{RegionID: o.RegionID, Routes: routes}}, present, orGone(err)
	}
	other := ""
	if o.Interface != nil {
		other = o.Interface.OppositeRegionID
	} else {
		other = o.Peering.AcceptingRegionID
	}
	ids := []string{o.RegionID, other}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id == "" {
			continue
		}
		g, err := s.region(ctx, id)
		if err != nil {
			return nil, false, fmt.Errorf("reading region %s: %w", id, err)
		}
		present = present || slices.ContainsFunc(g.Interfaces, func(i interconnect.RouterInterface) bool { return i.ID == o.ID }) ||
			slices.ContainsFunc(g.Peerings, func(p interconnect.PeeringConnection) bool { return p.ID == o.ID && p.Status != "Deleted" })
		seen = append(seen, *g)
	}
	return seen, present, nil
}

// step takes the next step towards the end of a thing, or says what it waits
// for.
//
// Died after it, or reported failed but done: the next look shows it.
func (s *search) step(ctx context.Context, o *interconnect.Orphan) (wait string, err error) {
	switch {
	case o.Rule != nil:
		return "to go", s.cloud.Revoke(ctx, o.RegionID, o.Rule.GroupID, o.Rule.Direction, []string{o.ID})
	case o.Route != nil:
		if !o.Route.Settled() {
			return "the route is " + o.Route.Status, nil
		}
		failed, err := s.cloud.DeleteRoutes(ctx, o.RegionID, []interconnect.RouteEntry{*o.Route})
		if err == nil && len(failed) > 0 {
			err = failed[0].Err
		}
		return "to go", err
	}
	var entries []interconnect.RouteEntry
	for _, g := range s.regions {
		entries = append(entries, g.Routes...)
	}
	if pointing := interconnect.PointingTo(entries, o.Hops()...); len(pointing) > 0 {
		return "", fmt.Errorf("it is where %s goes: remove that first", pointing[0].Describe())
	}
	if o.Peering != nil {
		if gone, wait := interconnect.PlanPeeringRemoval([]interconnect.PeeringConnection{*o.Peering}); len(gone) == 0 {
			return wait, nil
		}
		return "to go", s.cloud.DeletePeeringConnection(ctx, o.RegionID, o.ID)
	}
	plan := interconnect.PlanRemoval(&interconnect.Connection{}, []interconnect.RouterInterface{*o.Interface})
	switch {
	case len(plan.Moves) == 0:
		return plan.Wait, nil
	case plan.Moves[0].Kind == interconnect.MoveDeactivate:
		return "to be deactivated", s.cloud.DeactivateRouterInterface(ctx, o.RegionID, o.ID)
	}
	return "to go", s.cloud.DeleteRouterInterface(ctx, o.RegionID, o.ID)
}
