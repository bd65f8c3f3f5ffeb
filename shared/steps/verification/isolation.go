package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

const (
	// lateFor is how long after a generation was written, or given up, a call
	// made before may still take effect: the longest that a step's function runs.
	lateFor = time.Minute
	// leftoverPatience is how long what was removed may still be listed. The
	// chain removes what stays longer once more, which does no harm where it is
	// only listed late.
	leftoverPatience = 30 * time.Second
	// maxLeftovers is how many a status lists.
	maxLeftovers = 10
)

// isolated proves a disconnect: nothing of ours is left, by two reads, the
// second long enough after the request that nothing late can appear any more,
// and no ping passes.
func (s *Step) isolated(ctx context.Context, t *chain.Task) chain.Outcome {
	if out, ok := s.swept(ctx, t); !ok {
		return out
	}
	joined, err := s.joinedByOthers(ctx, t)
	if err != nil {
		return chain.FromError(err)
	}
	pings, why, out := s.ping(ctx, t, t.Scope, func(pings []interconnect.Ping) bool { return joined != "" || !passes(pings) })
	if out != nil {
		return *out
	}
	if out, ok := s.stillSwept(ctx, t); !ok {
		return out
	}
	v := interconnect.Verdict{At: t.Now, Pings: pings}
	switch {
	case why != "":
		v.Outcome, v.Why = interconnect.VerdictUnproven, "Nothing of ours is left, but no ping could show it. "+why
	case passes(pings) && joined != "":
		v.Outcome, v.Why = interconnect.VerdictConnected, fmt.Sprintf("Nothing of ours is left, but %s, which this deployment did not make, still joins the two VPCs.", joined)
	case passes(pings):
		v.Outcome, v.Why = interconnect.VerdictConnected, "Nothing of ours is left, but a ping still passes: something else joins the two VPCs, such as a CEN or a VPC peering connection."
	case judge(pings) == interconnect.VerdictBlocked:
		v.Outcome = interconnect.VerdictIsolated
	default:
		v.Outcome, v.Why = interconnect.VerdictUnproven, explain(interconnect.VerdictUnproven, pings)
	}
	return done(v)
}

// passes tells whether something came back.
func passes(pings []interconnect.Ping) bool {
	for _, p := range pings {
		if p.Received > 0 {
			return true
		}
	}
	return false
}

// stillSwept is the second look of a prune, late enough that nothing can appear
// any more: a call made before the generation was written, or, of a rollback, a
// call of the connect that failed.
func (s *Step) stillSwept(ctx context.Context, t *chain.Task) (chain.Outcome, bool) {
	since, before := t.Record.UpdatedAt, "the request"
	if t.Message.Target == interconnect.TargetConnected {
		since, before = startedAt(t), "the rollback"
	}
	if t.Now.Sub(since) < lateFor {
		return chain.WaitFor("the minute to end in which a call made before " + before + " may still take effect"), false
	}
	return s.swept(ctx, t)
}

// swept looks once whether everything is gone that a prune removes. What is
// left after a while is for the next prune, and for whoever reads the status.
func (s *Step) swept(ctx context.Context, t *chain.Task) (chain.Outcome, bool) {
	left, err := s.leftovers(ctx, t)
	switch {
	case err != nil:
		return chain.FromError(err), false
	case len(left) == 0:
		return chain.Outcome{}, true
	}
	if t.Now.Sub(startedAt(t)) < leftoverPatience {
		// Nothing needs anybody's attention yet, so these are no leftovers.
		return chain.WaitFor(fmt.Sprintf("%d things of ours to go, such as %s", len(left), left[0].Resource)), false
	}
	out := chain.RejectWith(interconnect.Problem{
		Sentence: fmt.Sprintf("%d things of ours are still there, such as %s. They are removed with the next try; if they stay, remove them by hand.", len(left), left[0].Resource),
		Resource: left[0].Resource,
	}, nil)
	out.Leftovers = left[:min(len(left), maxLeftovers)]
	return out, false
}

// leftovers reads everything that may bear our mark on either side, and lists
// what a prune should have removed.
func (s *Step) leftovers(ctx context.Context, t *chain.Task) ([]interconnect.Problem, error) {
	others, err := t.Others(ctx)
	if err != nil {
		return nil, err
	}
	p := interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, others)
	var seen [2]observed
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) (err error) {
			seen[i], err = s.observe(ctx, t, t.Scope.Side(role), p.Groups(role, t.Record.Wanted.Former))
			return err
		})
	}
	if err := t.Together(ctx, reads...); err != nil {
		return nil, err
	}
	var left []interconnect.Problem
	add := func(id, format string, args ...any) {
		left = append(left, interconnect.Problem{Sentence: fmt.Sprintf(format, args...), Resource: id})
	}
	for _, i := range interconnect.PrunableInterfaces(p, append(seen[0].interfaces, seen[1].interfaces...)) {
		add(i.ID, "Router interface %s is still there (%s).", i.ID, i.Status)
	}
	for _, x := range interconnect.PrunablePeerings(p, append(seen[0].peerings, seen[1].peerings...)) {
		add(x.ID, "VPC peering connection %s is still there (%s).", x.ID, x.Status)
	}
	for _, e := range interconnect.PrunableRoutes(p, append(seen[0].entries, seen[1].entries...)) {
		add(e.ID, "The route to %s in route table %s is still there (%s).", e.Destination, e.RouteTableID, e.Status)
	}
	for _, r := range interconnect.PrunableRules(p, append(seen[0].rules, seen[1].rules...)) {
		add(r.ID, "Rule %s of security group %s is still there.", r.ID, r.GroupID)
	}
	return left, nil
}

// observed is what one side has.
type observed struct {
	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	entries    []interconnect.RouteEntry
	rules      []interconnect.Rule
}

// observe reads one side. What is gone has nothing.
func (s *Step) observe(ctx context.Context, t *chain.Task, side *interconnect.Side, groups []string) (o observed, err error) {
	err = t.Together(ctx,
		func(ctx context.Context) error { return s.observeJoints(ctx, t, side, &o) },
		func(ctx context.Context) error {
			tables, err := s.cloud.RouteTables(ctx, side.RegionID, side.VpcID)
			for _, table := range tables {
				var entries []interconnect.RouteEntry
				if entries, err = s.cloud.RouteEntries(ctx, side.RegionID, table.ID); there(err) != nil {
					return err
				}
				o.entries = append(o.entries, entries...)
			}
			return there(err)
		},
		func(ctx context.Context) error {
			for _, g := range groups {
				rules, err := s.cloud.Rules(ctx, side.RegionID, g)
				if there(err) != nil {
					return err
				}
				o.rules = append(o.rules, rules...)
			}
			return nil
		},
	)
	return o, err
}

// observeJoints reads what may join one side to the other.
func (s *Step) observeJoints(ctx context.Context, t *chain.Task, side *interconnect.Side, o *observed) error {
	return t.Together(ctx,
		func(ctx context.Context) (err error) {
			o.interfaces, err = s.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
			return there(err)
		},
		func(ctx context.Context) (err error) {
			o.peerings, err = s.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
			return there(err)
		},
	)
}

// there lets pass that what was asked about is gone.
func there(err error) error {
	if interconnect.IsGone(err) {
		return nil
	}
	return err
}

// joinedByOthers names what somebody else made and joins the two VPCs, or "".
func (s *Step) joinedByOthers(ctx context.Context, t *chain.Task) (string, error) {
	var seen [2]observed
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) error { return s.observeJoints(ctx, t, t.Scope.Side(role), &seen[i]) })
	}
	if err := t.Together(ctx, reads...); err != nil {
		return "", err
	}
	return interconnect.JoinedBy(t.Scope, t.Prefix, slices.Concat(seen[0].interfaces, seen[1].interfaces), slices.Concat(seen[0].peerings, seen[1].peerings)), nil
}
