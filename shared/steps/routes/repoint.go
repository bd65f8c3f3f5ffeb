package routes

import (
	"context"
	"errors"
	"fmt"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// cuts is about entries that the cloud will not lead to a next hop of another
// type, or to a peering connection at all: whether it does is published both ways.
// They are deleted, and the next look makes them anew, which cuts traffic
// meanwhile.
type cuts struct {
	refused sides[bool]                        // on this side it will not
	dead    func(interconnect.RouteEntry) bool // whether an entry leads to what carries no traffic; nil: none is known to
}

// may tells whether an entry may be deleted to lead it elsewhere: one that works is
// not, to lead it to another next hop of the same type.
func (c *cuts) may(e interconnect.RouteEntry, hop interconnect.NextHop) bool {
	return e.NextHopType != hop.Type || c.dead != nil && c.dead(e)
}

// repoint leads entries of this connection's elsewhere: one at a time and
// without a gap, or, where that is refused, by deleting them all at once.
//
// Neither call takes a token. Died after it, or reported failed but done: the
// next look finds the entries led elsewhere, or gone, and a twin's second call
// changes nothing.
func (s *Step) repoint(side *interconnect.Side, role interconnect.Role, entries []interconnect.RouteEntry, hop interconnect.NextHop, cut *cuts) (chain.Call, string) {
	refused := cut.refused.at(role)
	if *refused {
		var batch []interconnect.RouteEntry
		for _, e := range entries {
			if cut.may(e, hop) && len(batch) < interconnect.MaxRouteBatch {
				batch = append(batch, e)
			}
		}
		if len(batch) > 0 {
			return chain.Call{
				Action: "DeleteRouteEntries", Resource: side.VpcID,
				Do: func(ctx context.Context) error {
					failed, err := s.cloud.DeleteRoutes(ctx, side.RegionID, batch)
					for _, f := range failed {
						if f.Err != nil {
							err = errors.Join(err, f.Err)
						}
					}
					return err
				},
			}, fmt.Sprint("cut", batch)
		}
	}
	entry := entries[0]
	return chain.Call{
		Action: "ModifyRouteEntry", Resource: entry.ID,
		Do: func(ctx context.Context) error {
			err := s.cloud.RepointRoute(ctx, side.RegionID, entry.ID, hop)
			if cut.may(entry, hop) && interconnect.ClassOf(err) == interconnect.Permanent {
				*refused = true
				return &cutError{err}
			}
			return err
		},
	}, entry.ID
}

// leadBack finds the routes that a rollback has to lead back: after a request
// that changed the type the connection's routes lead to what is taken away
// again. Of a request that kept the type there are none. It returns them by
// side, and none where what was there before is not there any more.
func (s *Step) leadBack(ctx context.Context, t *chain.Task) (func(interconnect.Role, []interconnect.RouteEntry) (interconnect.RouteDiff, interconnect.NextHop), error) {
	none := func(interconnect.Role, []interconnect.RouteEntry) (d interconnect.RouteDiff, h interconnect.NextHop) {
		return d, h
	}
	failed := t.Record.Wanted.Connection
	if t.Want == nil || failed == nil || failed.Type == t.Want.Type {
		return none, nil
	}
	find, ok := s.hops[t.Want.Type]
	if !ok {
		return none, nil
	}
	ways, wait, err := find(ctx, s, t)
	if err != nil || wait != "" {
		return none, err
	}
	mark := interconnect.Mark{Prefix: t.Prefix, ConnectionID: t.Want.ID}
	return func(role interconnect.Role, entries []interconnect.RouteEntry) (interconnect.RouteDiff, interconnect.NextHop) {
		hop := *ways.hops.at(role)
		return interconnect.DiffRoutes(mark, interconnect.WantedRoutes(t.Want, role), hop, entries), hop
	}, nil
}

// cutError is a refusal that is got round by deleting the entry.
type cutError struct{ error }

func (e *cutError) Unwrap() error { return e.error }

// onlyCuts tells whether all that err holds is got round that way.
func onlyCuts(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !onlyCuts(e) {
				return false
			}
		}
		return len(joined.Unwrap()) > 0
	}
	var cut *cutError
	return errors.As(err, &cut)
}
