package routes

import (
	"fmt"
	"sync"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// failures are the entries of a run's batches that the cloud refused. An answer
// names destinations but no tables, so what a failure is worth is decided by
// reading the tables back: an entry that is there is there.
type failures struct {
	mu   sync.Mutex // the calls of both sides run side by side
	list []failure
}

type failure struct {
	role interconnect.Role
	interconnect.RouteFailure
}

func (f *failures) add(role interconnect.Role, more []interconnect.RouteFailure) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range more {
		f.list = append(f.list, failure{role, one})
	}
}

// any tells whether something was refused.
func (f *failures) any() bool { return len(f.list) > 0 }

func (f *failures) note() string {
	return fmt.Sprintf("the route to %s: %v", f.list[0].Destination, f.list[0].Err)
}

// outcome says what the refusals come to, of those of one side that are still
// missing: wait, or give up with a sentence. That an entry is there already,
// or a thing gone, only says that the reads are behind.
func (f *failures) outcome(role interconnect.Role, diff interconnect.RouteDiff, entries []interconnect.RouteEntry) (chain.Outcome, bool) {
	for _, one := range f.list {
		table, missing := missingIn(diff, entries, one)
		if one.role != role || !missing || one.Err == nil || interconnect.Stale(one.Err) {
			continue
		}
		out := chain.FromError(one.Err)
		if out.Kind != chain.KindReject {
			continue
		}
		problem := chain.ProblemOf(one.Err)
		problem.Resource = table
		switch one.Err.Class {
		case interconnect.Quota:
			problem.Sentence = fmt.Sprintf("Route table %s of the %s's VPC takes no more entries; it holds %d custom ones. Delete those that are not needed, or have the quota of custom routes per table raised, then ask again.",
				table, role, interconnect.CustomEntries(entries, table))
		default:
			problem.Sentence = fmt.Sprintf("The route to %s cannot be added to route table %s: %s", one.Destination, table, problem.Sentence)
		}
		return chain.RejectWith(problem, one.Err), true
	}
	return chain.Outcome{}, false
}

// missingIn returns the table that lacks what was refused; of several the
// fullest, since a full table is the refusal that is told of a table.
func missingIn(diff interconnect.RouteDiff, entries []interconnect.RouteEntry, one failure) (table string, missing bool) {
	most := -1
	for _, r := range diff.Create {
		if n := interconnect.CustomEntries(entries, r.RouteTableID); r.Destination == one.Destination.Masked() && n > most {
			table, missing, most = r.RouteTableID, true, n
		}
	}
	return table, missing
}
