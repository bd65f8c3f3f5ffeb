// Package securitygroups is the step that opens security groups to the other
// side, in what was asked for and no more, and closes them again.
package securitygroups

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Cloud is what the step needs of the cloud.
type Cloud interface {
	Rules(ctx context.Context, region, groupID string) ([]interconnect.Rule, error)
	Authorize(ctx context.Context, region, groupID string, d interconnect.Direction, rules []interconnect.Rule) error
	Revoke(ctx context.Context, region, groupID string, d interconnect.Direction, ruleIDs []string) error
}

// Step is the security groups step.
type Step struct{ cloud Cloud }

// New returns the step on a cloud.
func New(cloud Cloud) *Step { return &Step{cloud} }

// Step names the step.
func (s *Step) Step() interconnect.Step { return interconnect.SecurityGroups }

// Run adds the rules that are wanted, or removes what is not. It has no part in
// a check.
func (s *Step) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	switch {
	case t.Message.Action == interconnect.Connect && t.Want != nil:
		return s.connect(ctx, t)
	case t.Message.Action == interconnect.Prune && t.Scope != nil:
		return s.prune(ctx, t)
	}
	return chain.DoneWith()
}

// maxRounds is how often one run looks and acts: a round is one call for each
// group and direction.
const maxRounds = 4

// group is where a security group is.
type group struct{ region, id string }

// connect authorizes the rules that are missing and is done when a read shows
// all of them. Rules are read first, since the cloud takes an equal rule
// without a word and does not add it: such a rule is somebody else's.
func (s *Step) connect(ctx context.Context, t *chain.Task) chain.Outcome {
	var wanted []interconnect.Rule
	var groups []group
	for _, role := range interconnect.Roles {
		wanted = append(wanted, interconnect.WantedRules(t.Want, role)...)
		for _, g := range t.Want.Side(role).SecurityGroups {
			groups = append(groups, group{t.Want.Side(role).RegionID, g.ID})
		}
	}
	mark := interconnect.Mark{Prefix: t.Prefix, ConnectionID: t.Want.ID}
	before := ""
	for range maxRounds {
		existing, err := s.read(ctx, t, groups, false)
		if err != nil {
			return chain.FromError(err)
		}
		diff := interconnect.DiffRules(mark, wanted, existing)
		present := ids(mark, diff.Present)
		if len(diff.Missing) == 0 {
			out := chain.DoneWith(interconnect.Few(present)...)
			out.Note = overruled(diff.Overruled)
			return out
		}
		calls, asks := batches(groups, diff.Missing, "AuthorizeSecurityGroup", s.authorize)
		if asks == before {
			return waiting("the rules just added to be seen", present)
		}
		before = asks
		if err := t.Mutate(ctx, calls...); err != nil {
			return failed(err, present)
		}
	}
	return chain.WaitFor("the rules to be added")
}

// prune removes the owned rules that nothing live needs, by their ids, until no
// read shows them any more.
func (s *Step) prune(ctx context.Context, t *chain.Task) chain.Outcome {
	var groups []group // they do not depend on the other records
	for _, role := range interconnect.Roles {
		for _, id := range interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, nil).Groups(role, t.Record.Wanted.Former) {
			groups = append(groups, group{t.Scope.Side(role).RegionID, id})
		}
	}
	var others []interconnect.Record
	var existing []interconnect.Rule
	if err := t.Together(ctx,
		func(ctx context.Context) (err error) { others, err = t.Others(ctx); return err },
		func(ctx context.Context) (err error) { existing, err = s.read(ctx, t, groups, true); return err },
	); err != nil {
		return chain.FromError(err)
	}
	p := interconnect.NewPruning(t.Prefix, &t.Record, t.Scope, t.Want, others)
	before := ""
	for round := range maxRounds {
		if round > 0 {
			var err error
			if existing, err = s.read(ctx, t, groups, true); err != nil {
				return chain.FromError(err)
			}
		}
		gone := interconnect.PrunableRules(p, existing)
		if len(gone) == 0 {
			return chain.DoneWith()
		}
		calls, asks := batches(groups, gone, "RevokeSecurityGroup", s.revoke)
		if asks == before {
			return chain.WaitFor("the rules just removed to go")
		}
		before = asks
		if err := t.Mutate(ctx, calls...); err != nil {
			out := failed(err, nil)
			if out.Kind == chain.KindReject && out.Problem != nil {
				out.Leftovers = leftovers(gone, *out.Problem)
			}
			return out
		}
	}
	return chain.WaitFor("the rules to go")
}

// read reads the rules of the groups side by side; with goneIsEmpty, a group
// that is gone has none.
func (s *Step) read(ctx context.Context, t *chain.Task, groups []group, goneIsEmpty bool) ([]interconnect.Rule, error) {
	each := make([][]interconnect.Rule, len(groups))
	var reads []func(context.Context) error
	for i, g := range groups {
		reads = append(reads, func(ctx context.Context) (err error) {
			each[i], err = s.cloud.Rules(ctx, g.region, g.id)
			if goneIsEmpty && interconnect.IsGone(err) {
				return nil
			}
			return err
		})
	}
	err := t.Together(ctx, reads...)
	return slices.Concat(each...), err
}

// batches makes one call for each group and direction, and spells what they
// ask for. More rules than a call takes follow in the next round.
func batches(groups []group, rules []interconnect.Rule, action string, do func(g group, d interconnect.Direction, rules []interconnect.Rule) func(context.Context) error) (calls []chain.Call, asks string) {
	for _, g := range groups {
		for _, d := range []interconnect.Direction{interconnect.Ingress, interconnect.Egress} {
			var batch []interconnect.Rule
			for _, r := range rules {
				if r.GroupID == g.id && r.Direction == d && len(batch) < interconnect.MaxRuleBatch {
					batch = append(batch, r)
				}
			}
			if len(batch) == 0 {
				continue
			}
			name := action
			if d == interconnect.Egress {
				name += "Egress"
			}
			calls = append(calls, chain.Call{Action: name, Resource: g.id, Do: do(g, d, batch)})
			asks += fmt.Sprint(batch)
		}
	}
	return calls, asks
}

// authorize adds rules. Died after it, or reported failed but done, or done by
// a twin as well: the cloud takes an equal rule only once.
func (s *Step) authorize(g group, d interconnect.Direction, rules []interconnect.Rule) func(context.Context) error {
	return func(ctx context.Context) error { return s.cloud.Authorize(ctx, g.region, g.id, d, rules) }
}

// revoke removes rules by id. Died after it, or reported failed but done, or
// done by a twin: the ids are gone, and the next look shows what is left.
func (s *Step) revoke(g group, d interconnect.Direction, rules []interconnect.Rule) func(context.Context) error {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	return func(ctx context.Context) error { return s.cloud.Revoke(ctx, g.region, g.id, d, ids) }
}

// failed makes an outcome of failed calls. A group that cannot name another is
// told so: a block in its place would let in more than was asked for.
func failed(err error, present []string) chain.Outcome {
	if interconnect.Stale(err) && !notFound(err) {
		return waiting("reads that are behind: "+err.Error(), present)
	}
	var cloud *interconnect.CloudError
	if errors.As(err, &cloud) && strings.HasSuffix(cloud.Code, "GroupId.Mismatch") {
		return chain.RejectWith(interconnect.Problem{
			Sentence: "The cloud does not let these security groups name each other, because they are not in one VPC: use the authorization CidrBlock for them, which lets in the other side's blocks instead.",
			Code:     cloud.Code, RequestID: cloud.RequestID,
		}, err)
	}
	out := chain.FromError(err)
	out.Resources = interconnect.Few(present)
	return out
}

// notFound tells a group, or a group's peer, that is not there from a rule that
// is not: the former does not come back by waiting.
func notFound(err error) bool {
	var cloud *interconnect.CloudError
	return errors.As(err, &cloud) && cloud.Class == interconnect.Gone && strings.HasPrefix(cloud.Action, "Authorize")
}

func waiting(note string, present []string) chain.Outcome {
	out := chain.WaitFor(note)
	out.Resources = interconnect.Few(present)
	return out
}

// overruled says in a sentence which rules drop what ours let through. They
// are kept: somebody put them there.
func overruled(drops []interconnect.Rule) string {
	if len(drops) == 0 {
		return ""
	}
	d := drops[0]
	sentence := fmt.Sprintf("rule %s of group %s drops %s %s %s at priority %d and comes before ours", d.ID, d.GroupID, d.Direction, d.Protocol, d.Peer(), d.Priority)
	if len(drops) > 1 {
		sentence += fmt.Sprintf("; so do %d more", len(drops)-1)
	}
	return sentence
}

// leftovers lists the rules that stay, each with the cloud's error.
func leftovers(rules []interconnect.Rule, why interconnect.Problem) []interconnect.Problem {
	const most = 10 // an entry of the Parameter Store is 4,096 characters
	var out []interconnect.Problem
	for _, r := range rules[:min(len(rules), most)] {
		left := why
		left.Resource = r.ID
		left.Sentence = fmt.Sprintf("Rule %s of security group %s (%s %s %s) could not be removed. %s", r.ID, r.GroupID, r.Direction, r.Protocol, r.Peer(), why.Sentence)
		out = append(out, left)
	}
	return out
}

// ids lists rules, telling those apart that this deployment did not make.
func ids(m interconnect.Mark, rules []interconnect.Rule) []string {
	var out []string
	for _, r := range rules {
		id := r.ID
		if owner, ok := interconnect.ParseMark(r.Description); !ok || owner.Prefix != m.Prefix {
			id += " (not ours)"
		}
		out = append(out, id)
	}
	return out
}
