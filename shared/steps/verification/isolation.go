package verification

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

const (
	// leftoverPatience is how long what was removed may still be listed. The
	// chain removes what stays longer once more, which does no harm where it is
	// only listed late.
	leftoverPatience = 30 * time.Second
	// maxLeftovers is how many a status lists.
	maxLeftovers = 10
)

// isolated proves a disconnect: nothing of ours is left, by two looks, and no
// ping passes.
func (s *Step) isolated(ctx context.Context, t *chain.Task) chain.Outcome {
	sweep := sweep{step: s, task: t}
	joined := func() string {
		return interconnect.JoinedBy(t.Scope, t.Prefix, sweep.seen.interfaces, sweep.seen.peerings)
	}
	p := s.prober(t, trial{connection: t.Scope, enough: func(f *found) bool { return !f.passes() }, before: func() (bool, *chain.Outcome) {
		out := sweep.first(ctx)
		return joined() != "", out
	}})
	f, out := p.probe(ctx)
	if out == nil && !f.sent() {
		out = sweep.first(ctx) // perhaps nothing was started, so that this was not yet
	}
	if out == nil {
		out = sweep.last(ctx)
	}
	if out != nil {
		return *out
	}
	v := interconnect.Verdict{At: t.Now, Pings: f.pings}
	why := f.unsent()
	switch joined := joined(); {
	case f.passes() && joined != "":
		v.Outcome, v.Why = interconnect.VerdictConnected, fmt.Sprintf("Nothing of ours is left, but %s, which this deployment did not make, still joins the two VPCs.", joined)
	case f.passes():
		v.Outcome, v.Why = interconnect.VerdictConnected, "Nothing of ours is left, but a ping still passes: something else joins the two VPCs, such as a CEN or a VPC peering connection."
	case why != "" && !silent(f):
		v.Outcome, v.Why = interconnect.VerdictUnproven, "Nothing of ours is left, but no ping could show it. "+why
	default:
		v.Outcome = interconnect.VerdictIsolated
	}
	return done(v)
}

// silent tells whether a ping was sent that got no answer: then none passes
// either way, for a ping needs both.
func silent(f *found) bool {
	return slices.ContainsFunc(f.probes, func(p reachability.Probe) bool {
		return p.Fate == reachability.Silent || p.Fate == reachability.Unreachable
	})
}

// sweep is the two looks at whether everything is gone that a prune removes.
// The first is right before the pings are started: that they were is the sign
// that all was well. The second is late enough that nothing can appear any more,
// by a call made before the generation was written, or, of a rollback, by a call
// of the connect that failed. In between there is nothing to look for.
type sweep struct {
	step *Step
	task *chain.Task
	seen observed // of both sides, as last seen
}

// first returns the outcome to return if something is left, else nil.
func (w *sweep) first(ctx context.Context) *chain.Outcome { return w.look(ctx) }

// last returns the outcome to return until the second look was well.
func (w *sweep) last(ctx context.Context) *chain.Outcome {
	t := w.task
	since, before := t.Record.UpdatedAt, "the request"
	if t.Message.Target == interconnect.TargetConnected {
		since, before = t.Started(), "the rollback"
	}
	if t.Now.Sub(since) < interconnect.Landing {
		out := chain.WaitUntil(since.Add(interconnect.Landing), "the minute to end in which a call made before "+before+" may still take effect")
		return &out
	}
	return w.look(ctx)
}

// look looks once. What is left after a while is for the next prune, and for
// whoever reads the status.
func (w *sweep) look(ctx context.Context) *chain.Outcome {
	left, err := w.leftovers(ctx)
	switch {
	case err != nil:
		return outcome(err)
	case len(left) == 0:
		return nil
	}
	if w.task.Elapsed() < leftoverPatience {
		// Nothing needs anybody's attention yet, so these are no leftovers.
		out := chain.WaitFor(fmt.Sprintf("%d things of ours to go, such as %s", len(left), left[0].Resource))
		return &out
	}
	out := chain.RejectWith(interconnect.Problem{
		Sentence: fmt.Sprintf("%d things of ours are still there, such as %s. They are removed with the next try; if they stay, remove them by hand.", len(left), left[0].Resource),
		Resource: left[0].Resource,
	}, nil)
	out.Leftovers = left[:min(len(left), maxLeftovers)]
	return &out
}

// leftovers reads everything that may bear our mark on either side, and lists
// what a prune should have removed.
func (w *sweep) leftovers(ctx context.Context) ([]interconnect.Problem, error) {
	s, t := w.step, w.task
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
	w.seen = observed{
		interfaces: append(seen[0].interfaces, seen[1].interfaces...), peerings: append(seen[0].peerings, seen[1].peerings...),
		entries: append(seen[0].entries, seen[1].entries...), rules: append(seen[0].rules, seen[1].rules...),
	}
	var left []interconnect.Problem
	add := func(id, format string, args ...any) {
		left = append(left, interconnect.Problem{Sentence: fmt.Sprintf(format, args...), Resource: id})
	}
	for _, i := range interconnect.PrunableInterfaces(p, w.seen.interfaces) {
		add(i.ID, "Router interface %s is still there (%s).", i.ID, i.Status)
	}
	for _, x := range interconnect.PrunablePeerings(p, w.seen.peerings) {
		add(x.ID, "VPC peering connection %s is still there (%s).", x.ID, x.Status)
	}
	for _, e := range interconnect.PrunableRoutes(p, w.seen.entries) {
		add(e.ID, "The route to %s in route table %s is still there (%s).", e.Destination, e.RouteTableID, e.Status)
	}
	for _, r := range interconnect.PrunableRules(p, w.seen.rules) {
		add(r.ID, "Rule %s of security group %s is still there.", r.ID, r.GroupID)
	}
	return left, nil
}

// observed is what was seen of one side, or of both.
type observed struct {
	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	entries    []interconnect.RouteEntry
	rules      []interconnect.Rule
}

// observe reads one side. What is gone has nothing.
func (s *Step) observe(ctx context.Context, t *chain.Task, side *interconnect.Side, groups []string) (o observed, err error) {
	err = t.Together(ctx,
		func(ctx context.Context) (err error) {
			o.interfaces, err = s.cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
			return there(err)
		},
		func(ctx context.Context) (err error) {
			o.peerings, err = s.cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
			return there(err)
		},
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

// there lets pass that what was asked about is gone.
func there(err error) error {
	if interconnect.IsGone(err) {
		return nil
	}
	return err
}
