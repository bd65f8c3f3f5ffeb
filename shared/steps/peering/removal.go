package peering

import (
	"context"
	"fmt"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// This file holds what all types share: how long they wait, and that nothing
// goes while routes lead to it.

const (
	// lagAllowance is how long a thing that is not listed may be a read that
	// lags; after it the thing is taken to be gone.
	lagAllowance = 20 * time.Second
	// tidyAllowance is how long a connection that works waits for interfaces
	// that are too many to go.
	tidyAllowance = 2 * time.Minute
	// routesAllowance is how long a removal waits for routes of ours to go that
	// the step before has removed, or could not remove.
	routesAllowance = 2 * time.Minute
	// maxRounds is how often one run looks and acts.
	maxRounds = 6
)

// blocked is about routes that still lead to a thing that is to go, of a kind
// named in words. Ours are on their way, unless the step before could not
// remove them; somebody else's stay until they are removed by hand, and the
// thing with them, for removing it would cut them off.
func blocked(t *chain.Task, what string, pointing []interconnect.RouteEntry) chain.Outcome {
	mine := func(entry interconnect.RouteEntry) bool {
		m, ok := interconnect.ParseMark(entry.Name)
		return ok && m.Prefix == t.Prefix
	}
	for _, entry := range pointing {
		if patient(t) || mine(entry) && t.Elapsed() < routesAllowance {
			return chain.WaitFor(entry.Describe() + ", to go")
		}
	}
	problem := func(entry interconnect.RouteEntry) interconnect.Problem {
		sentence := "%s %s cannot be removed: it is the next hop of %s and which this deployment did not make. Delete that route, or lead it elsewhere."
		if mine(entry) {
			sentence = "%s %s cannot be removed before %s, which could not be removed either."
		}
		return interconnect.Problem{Sentence: fmt.Sprintf(sentence, what, entry.NextHopID, entry.Describe()), Resource: entry.NextHopID}
	}
	out := chain.RejectWith(problem(pointing[0]), nil)
	for _, entry := range pointing {
		out.Leftovers = append(out.Leftovers, problem(entry))
	}
	return out
}

// routeEntries reads the routes of both VPCs. A VPC or table that is gone has none.
func routeEntries(ctx context.Context, t *chain.Task, cloud Cloud, c *interconnect.Connection) ([]interconnect.RouteEntry, error) {
	var at [2][]interconnect.RouteEntry
	read := func(n int, side *interconnect.Side) func(context.Context) error {
		return func(ctx context.Context) error {
			tables, err := cloud.RouteTables(ctx, side.RegionID, side.VpcID)
			if err != nil && !interconnect.IsGone(err) {
				return err
			}
			for _, table := range tables {
				entries, err := cloud.RouteEntries(ctx, side.RegionID, table.ID)
				if err != nil && !interconnect.IsGone(err) {
					return err
				}
				at[n] = append(at[n], entries...)
			}
			return nil
		}
	}
	err := t.Together(ctx, read(0, &c.Initiator), read(1, &c.Acceptor))
	return append(at[0], at[1]...), err
}

func patient(t *chain.Task) bool { return t.Elapsed() < lagAllowance }
