// Package verification is the step that finds out whether traffic flows: an
// instance on each side pings the other. After a disconnect it proves the
// opposite, and that nothing of ours is left.
package verification

import (
	"context"
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
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

// connected pings both ways; what fails is tried again for a while, since a
// route or a rule that was just made may need a moment to take effect.
func (s *Step) connected(ctx context.Context, t *chain.Task, before func() (bool, *chain.Outcome)) chain.Outcome {
	pings, why, out := s.ping(ctx, t, t.Want, func(pings []interconnect.Ping) bool { return judge(pings) == interconnect.VerdictConnected }, before)
	if out != nil {
		return *out
	}
	v := interconnect.Verdict{At: t.Now, Outcome: interconnect.VerdictUnproven, Pings: pings, Why: why}
	if why == "" {
		v.Outcome = judge(pings)
		v.Why = explain(v.Outcome, pings)
	}
	return done(v)
}

// judge turns the pings of both directions into a verdict. A ping without a
// reply is a finding; a ping that could not be run is none.
func judge(pings []interconnect.Ping) interconnect.VerdictOutcome {
	verdict := interconnect.VerdictConnected
	for _, p := range pings {
		switch {
		case p.Error == "" && p.Received == 0:
			return interconnect.VerdictBlocked
		case p.Error != "":
			verdict = interconnect.VerdictUnproven
		}
	}
	return verdict
}

// explain says in a sentence what keeps a verdict from being connected.
func explain(v interconnect.VerdictOutcome, pings []interconnect.Ping) string {
	var bad []string
	for _, p := range pings {
		way := fmt.Sprintf("from the %s's instance %s (%s) to %s", p.From, p.InstanceID, p.Source, p.Target)
		switch {
		case p.Error != "":
			bad = append(bad, way+" could not be run: "+p.Error)
		case p.Received == 0:
			bad = append(bad, way+" gets no reply")
		}
	}
	switch v {
	case interconnect.VerdictConnected:
		return ""
	case interconnect.VerdictBlocked:
		return "The ping " + strings.Join(bad, ", and the one ") + ": check the security groups of both instances, their own firewalls, and the network ACLs of their vSwitches."
	}
	return "The ping " + strings.Join(bad, ", and the one ") + "."
}

func done(v interconnect.Verdict) chain.Outcome {
	out := chain.DoneWith()
	for _, p := range v.Pings {
		out.Resources = append(out.Resources, p.InstanceID)
	}
	out.Verdict = &v
	return out
}

// startedAt is when this step first handled the message.
func startedAt(t *chain.Task) time.Time {
	if t.Message.StartedAt.IsZero() {
		return t.Now
	}
	return t.Message.StartedAt
}
