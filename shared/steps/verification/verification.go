// Package verification is the step that finds out whether traffic flows: an
// instance on each side pings the other and connects to the ports that the
// request opens. What does not pass is looked for in what the cloud reports of
// both sides, so that the verdict names the thing that stops packets and the
// mend; a check also compares what exists with what is wanted. After a disconnect
// the step proves the opposite, and that nothing of ours is left.
package verification

import (
	"context"
	"slices"
	"strings"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// Cloud is what the step needs of the cloud. Only RunCommand is more than a
// look, and what it runs changes nothing.
type Cloud interface {
	Instances(ctx context.Context, region, vpcID string) ([]interconnect.Instance, error)
	InstancesByID(ctx context.Context, region string, ids []string) ([]interconnect.Instance, error)
	AgentsOnline(ctx context.Context, region string, instanceIDs []string) (map[string]bool, error)
	RunCommand(ctx context.Context, region string, c interconnect.Command) (string, error)
	Invocations(ctx context.Context, region, instanceID string) ([]interconnect.Invocation, error)

	RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error)
	PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error)
	RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error)
	RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error)
	Rules(ctx context.Context, region, groupID string) ([]interconnect.Rule, error)

	VPC(ctx context.Context, region, id string) (*interconnect.VPC, error)
	VSwitches(ctx context.Context, region, vpcID string) ([]interconnect.VSwitch, error)
	SecurityGroups(ctx context.Context, region, vpcID string) ([]interconnect.GroupFacts, error)
	GroupRules(ctx context.Context, region, groupID string) (rules []interconnect.Rule, isolated bool, err error)
	NetworkAcl(ctx context.Context, region, id string) (*interconnect.NetworkAcl, error)
}

// Step is the verification step.
type Step struct{ cloud Cloud }

// New returns the step on a cloud.
func New(cloud Cloud) *Step { return &Step{cloud} }

// Step names the step.
func (s *Step) Step() interconnect.Step { return interconnect.Verification }

// Run gives a verdict: of a connection, whether the pings pass both ways; of a
// disconnect, whether none does any more.
func (s *Step) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	switch {
	case t.Scope == nil:
		return chain.DoneWith()
	case t.Message.Action != interconnect.Prune && t.Want != nil:
		return s.connected(ctx, t, nil)
	case t.Message.Action == interconnect.Prune && t.Want != nil:
		sweep := sweep{step: s, task: t}
		found := s.connected(ctx, t, func() (bool, *chain.Outcome) { return false, sweep.first(ctx) })
		if found.Kind != chain.KindDone {
			return found
		}
		if out := sweep.last(ctx); out != nil {
			return *out
		}
		return found
	case t.Message.Action == interconnect.Prune:
		return s.isolated(ctx, t)
	}
	return chain.DoneWith()
}

// connected probes both ways; what fails is tried again for a while, since a
// route or a rule that was just made may need a moment to take effect.
func (s *Step) connected(ctx context.Context, t *chain.Task, before func() (bool, *chain.Outcome)) chain.Outcome {
	p := s.prober(t, trial{connection: t.Want, ports: true, enough: (*found).settled, before: before})
	f, out := p.probe(ctx)
	if out != nil {
		return *out
	}
	checks := t.Message.Action == interconnect.Verify || t.Message.Repair
	compare := checks && t.Want.Repair != interconnect.RepairOff
	if f.passed() {
		v := interconnect.Verdict{At: t.Now, Outcome: interconnect.VerdictConnected, Pings: f.pings, Ports: f.ports}
		if !compare {
			return done(v)
		}
		drift, known, out := s.asMade(ctx, t)
		if out != nil {
			return *out
		}
		if known && !slices.ContainsFunc(drift, amiss) {
			v.SetDrift(drift)
			return done(v)
		}
	}
	if f.recalled { // to follow packets takes more of the instances than the commands tell
		if f, out = p.thorough(ctx); out != nil {
			return *out
		}
	}
	v, out := s.verdict(ctx, t, f, compare)
	if out != nil {
		return *out
	}
	return done(v)
}

// verdict makes one verdict of what the probes found and of what the cloud
// reports; compare has it say how that differs from what is wanted, too.
func (s *Step) verdict(ctx context.Context, t *chain.Task, f *found, compare bool) (v interconnect.Verdict, out *chain.Outcome) {
	v = interconnect.Verdict{At: t.Now, Outcome: interconnect.VerdictConnected, Pings: f.pings, Ports: f.ports}
	p, out := s.picture(ctx, t, f)
	if out != nil {
		return v, out
	}
	explain(&v, reachability.Judge(p, f.judged(p), f.looks))
	if why := f.unsent(); v.Outcome == interconnect.VerdictUnproven && v.Stop == nil && !strings.Contains(v.Why, strings.TrimSuffix(why, ".")) {
		v.Why = strings.TrimSpace(why + " " + v.Why)
	}
	if !compare {
		return v, nil
	}
	drift, known := s.drift(ctx, t, p)
	v.SetDrift(drift)
	switch {
	case !known:
		v.Why = strings.TrimSpace(v.Why + " What exists could not be compared with what is wanted: not all could be read.")
	case v.Outcome == interconnect.VerdictConnected && v.Mendable():
		v.Why = strings.TrimSpace("Packets pass, but not all is as it was made: " + drift[0].Sentence + " " + v.Why)
	}
	return v, nil
}

// judged are the probes that can be judged. An end without an instance is stood
// for by one of the picture that is not really there; without even that, no
// packet can be followed.
func (f *found) judged(p *reachability.Picture) []reachability.Probe {
	first := func(role interconnect.Role) *interconnect.Instance {
		if all := p.Side(role).Instances; len(all) > 0 {
			return &all[0]
		}
		return nil
	}
	var out []reachability.Probe
	for _, b := range f.probes {
		if i := first(b.From); b.Sender == "" && i != nil {
			b.Sender = i.ID
		}
		if i := first(b.From.Other()); b.Target == "" && i != nil {
			b.Target, b.Address = i.ID, i.PrivateIP
		}
		if b.Sender != "" && b.Target != "" {
			out = append(out, b)
		}
	}
	return out
}

// outcomes are the verdicts by what was found.
var outcomes = map[reachability.Outcome]interconnect.VerdictOutcome{
	reachability.Connected: interconnect.VerdictConnected, reachability.OneWay: interconnect.VerdictOneWay,
	reachability.Blocked: interconnect.VerdictBlocked, reachability.Unproven: interconnect.VerdictUnproven,
}

// alsoMend is how many further things that are in the way a verdict names.
const alsoMend = 2

// explain puts a finding into a verdict: what was found, the very thing at which
// it stops, and what to change.
func explain(v *interconnect.Verdict, found reachability.Finding) {
	v.Outcome, v.Why = outcomes[found.Outcome], found.Why
	v.Analyzed = found.Outcome == reachability.Unproven
	h := found.At
	if h == nil {
		return
	}
	v.Stop = &interconnect.Stop{
		Layer: string(h.Layer), Side: h.Side, Back: h.Way == reachability.Back, Resource: h.Resource, Mend: h.Mend, Likely: !found.Certain,
	}
	mends := []string{h.Mend}
	for _, more := range found.More {
		if more.Mend != "" && !slices.Contains(mends, more.Mend) && len(mends) <= alsoMend {
			mends = append(mends, more.Mend)
		}
	}
	for _, mend := range mends {
		v.Why = strings.TrimSpace(v.Why + " " + mend)
	}
}

func done(v interconnect.Verdict) chain.Outcome {
	out := chain.DoneWith()
	for _, p := range v.Pings {
		if !slices.Contains(out.Resources, p.InstanceID) {
			out.Resources = append(out.Resources, p.InstanceID)
		}
	}
	out.Verdict = &v
	return out
}
