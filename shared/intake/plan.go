package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// Plan is what a dry run answers: what would come of a request. Nothing is
// written for it.
type Plan struct {
	ID         string                    `json:"id,omitempty"`
	Would      string                    `json:"would"`             // create, change, keep, refuse
	Status     int                       `json:"status"`            // that the request itself would be answered with
	Request    *interconnect.Request     `json:"request,omitempty"` // as resolved; missing where it cannot be
	Difference []interconnect.Difference `json:"difference,omitempty"`
	interconnect.Changes
	NeedsAllowCut bool                   `json:"needsAllowCut,omitempty"`
	Warnings      []interconnect.Warning `json:"warnings"`
	Policy        *policy.Verdict        `json:"policy,omitempty"`
	BlastRadius   []interconnect.Reach   `json:"blastRadius"`
	PlanHash      string                 `json:"planHash"` // to be given with the request itself

	outline interconnect.Outline
	seen    *prospect
}

// What would come of a request.
const (
	wouldCreate = "create"
	wouldChange = "change"
	wouldKeep   = "keep"
	wouldRefuse = "refuse"
)

// Plan says what would come of a request. Whatever in the world speaks against
// it is a conflict of the plan; a request that is malformed, or that could not
// be looked at, is a *Refusal.
func (p *Planner) Plan(ctx context.Context, r *interconnect.Request, by Asker) (*Plan, error) {
	s, err := p.look(ctx, r)
	var refusal *Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal) && len(refusal.Problems) > 0 && (refusal.Status == http.StatusConflict || refusal.Status == http.StatusUnprocessableEntity):
		return refusedPlan(s, refusal), nil
	default:
		return nil, err
	}
	now := p.Clock()
	around, err := p.observeAround(ctx, s)
	if err != nil {
		return nil, refuseError(err)
	}
	changes := s.changes(p.Prefix, now, around.seen)
	verdict := p.Policy.Judge(s.question(by, now))
	plan := &Plan{
		ID: s.connection.ID, Would: wouldCreate, Status: http.StatusAccepted, Request: requestOf(s.connection, s.window), Changes: changes,
		Warnings: append(append([]interconnect.Warning{}, s.warnings...), charges(s.connection, changes.Added)...),
		Policy:   &verdict, BlastRadius: interconnect.BlastRadius(s.connection, around.members, around.seen.Rules, missingRules(p.Prefix, s, around.seen.Rules)),
		outline: s.outline(changes.Conflicts), seen: s,
	}
	plan.Warnings = append(plan.Warnings, around.warnings...)
	switch {
	case s.unchanged(now):
		plan.Would, plan.Status = wouldKeep, http.StatusOK
	case s.record != nil && !removed(s.record):
		plan.Would = wouldChange
		if s.record.Live() {
			plan.Difference = interconnect.Differences(requestOf(s.record.Wanted.Connection, s.record.Wanted.Window), plan.Request)
		}
	}
	plan.NeedsAllowCut = len(changes.Cuts) > 0
	plan.PlanHash = plan.outline.Hash()
	if err := p.guard(s, by); err != nil && errors.As(err, &refusal) {
		plan.Would, plan.Status = wouldRefuse, refusal.Status
	}
	return plan, nil
}

// refusedPlan is the plan of a request that cannot be resolved.
func refusedPlan(s *prospect, r *Refusal) *Plan {
	plan := &Plan{ID: s.asked.ID, Would: wouldRefuse, Status: r.Status, Warnings: []interconnect.Warning{}, BlastRadius: []interconnect.Reach{}, seen: s}
	plan.Changes = interconnect.Changes{Kept: []interconnect.Thing{}, Added: []interconnect.Thing{}, Repointed: []interconnect.Thing{}, Removed: []interconnect.Thing{}, Conflicts: r.Problems}
	plan.outline = interconnect.Outline{Requests: []*interconnect.Request{&s.asked}, Conflicts: r.Problems}
	plan.PlanHash = plan.outline.Hash()
	return plan
}

// missingRules are the rules that the connection adds.
func missingRules(prefix string, s *prospect, existing []interconnect.Rule) []interconnect.Rule {
	var wanted []interconnect.Rule
	for _, role := range interconnect.Roles {
		wanted = append(wanted, interconnect.WantedRules(s.connection, role)...)
	}
	return interconnect.DiffRules(interconnect.Mark{Prefix: prefix, ConnectionID: s.connection.ID}, wanted, existing).Missing
}

// charges warns of what costs money as long as it is there.
func charges(c *interconnect.Connection, added []interconnect.Thing) []interconnect.Warning {
	makes := func(kind string) bool {
		return slices.ContainsFunc(added, func(t interconnect.Thing) bool { return t.Kind == kind })
	}
	warn := func(field, format string, args ...any) []interconnect.Warning {
		return []interconnect.Warning{{Field: field, Sentence: fmt.Sprintf(format, args...)}}
	}
	switch {
	case makes(interconnect.KindRouterInterface) && c.CrossRegion():
		return warn("/specification", "Router interfaces between regions are charged by the specification, %s, from when they are made until they are deleted.", c.Specification)
	case makes(interconnect.KindRouterInterface):
		return warn("/specification", "Whether router interfaces within a region are charged depends on the account's price list; look it up before.")
	case makes(interconnect.KindPeeringConnection) && c.CrossRegion():
		return warn("/type", "Traffic that leaves a region through a VPC peering connection is charged by volume (CDT).")
	}
	return nil
}

// around is what a plan looks at beyond a request's own checks.
type around struct {
	seen     interconnect.Seen
	members  map[interconnect.Role]*interconnect.Members
	warnings []interconnect.Warning
}

// mostGroups is how many security groups of a side are read for its blast
// radius: each is a call.
const mostGroups = 30

// observeAround reads instances, all security groups that decide about their
// traffic, and the places where something may be removed.
func (p *Planner) observeAround(ctx context.Context, s *prospect) (*around, error) {
	a := &around{seen: s.seen(), members: map[interconnect.Role]*interconnect.Members{}}
	var parts [2]around
	var reads []func() error
	for i, role := range interconnect.Roles {
		reads = append(reads, func() (err error) {
			parts[i], err = p.observeSideAround(ctx, s, role)
			return err
		})
	}
	err := sideBySide(reads...)
	for i, role := range interconnect.Roles {
		a.members[role] = parts[i].members[role]
		a.warnings = append(a.warnings, parts[i].warnings...)
		a.seen.Entries = append(a.seen.Entries, parts[i].seen.Entries...)
		a.seen.Rules = append(a.seen.Rules, parts[i].seen.Rules...)
		for id := range parts[i].seen.Groups {
			a.seen.Groups[id] = role
		}
		for id := range parts[i].seen.Tables {
			a.seen.Tables[id] = role
		}
	}
	return a, err
}

func (p *Planner) observeSideAround(ctx context.Context, s *prospect, role interconnect.Role) (around, error) {
	side, facts := s.connection.Side(role), s.facts.Side(role)
	field := "/" + string(role) + "/vpcId"
	out := around{members: map[interconnect.Role]*interconnect.Members{}, seen: interconnect.Seen{Tables: map[string]interconnect.Role{}, Groups: map[string]interconnect.Role{}}}
	m := &interconnect.Members{VSwitches: facts.VSwitches, Advanced: map[string]bool{}}
	out.members[role] = m
	var groups []interconnect.GroupFacts
	reads := []func() error{
		into(ctx, p, &m.Instances, field, func() ([]interconnect.Instance, error) { return p.Cloud.Instances(ctx, side.RegionID, side.VpcID) }),
		into(ctx, p, &groups, field, func() ([]interconnect.GroupFacts, error) {
			return p.Cloud.SecurityGroups(ctx, side.RegionID, side.VpcID)
		}),
	}
	tables := facts.Tables
	if tables == nil { // the request's own checks could do without
		reads = append(reads, into(ctx, p, &tables, "/"+string(role)+"/routeTableIds", func() ([]interconnect.RouteTable, error) {
			return p.Cloud.RouteTables(ctx, side.RegionID, side.VpcID)
		}))
	}
	if err := sideBySide(reads...); err != nil {
		return out, err
	}
	for _, g := range groups {
		m.Advanced[g.ID] = g.Advanced
	}
	ids := s.groupsOf(p.Prefix, role, p.Clock())
	for _, i := range m.Instances {
		ids = append(ids, i.SecurityGroupIDs...)
	}
	ids = distinct(ids)
	if len(ids) > mostGroups {
		out.warnings = append(out.warnings, interconnect.Warning{Field: field, Sentence: fmt.Sprintf(
			"The instances of %s have %d security groups, and %d are looked at: the blast radius may be larger than shown.", side.VpcID, len(ids), mostGroups)})
		ids = ids[:mostGroups]
	}
	rules := make([][]interconnect.Rule, len(ids))
	reads = nil
	for i, id := range ids {
		out.seen.Groups[id] = role
		reads = append(reads, into(ctx, p, &rules[i], field, func() ([]interconnect.Rule, error) { return unlessGone(p.Cloud.Rules(ctx, side.RegionID, id)) }))
	}
	var entries [][]interconnect.RouteEntry
	for _, t := range tables {
		if slices.Contains(side.RouteTableIDs, t.ID) || t.Gateway {
			continue
		}
		out.seen.Tables[t.ID] = role
		entries = append(entries, nil)
		target := len(entries) - 1
		reads = append(reads, func() error {
			list, err := again(ctx, p, func() ([]interconnect.RouteEntry, error) {
				return unlessGone(p.Cloud.RouteEntries(ctx, side.RegionID, t.ID))
			})
			entries[target] = list
			return err
		})
	}
	err := sideBySide(reads...)
	out.seen.Rules, out.seen.Entries = slices.Concat(rules...), slices.Concat(entries...)
	return out, err
}

// groupsOf lists the groups of a side that hold, or may hold, rules of the
// connection.
func (s *prospect) groupsOf(prefix string, role interconnect.Role, now time.Time) []string {
	coming := s.coming(now)
	return interconnect.NewPruning(prefix, coming, s.connection, s.connection, nil).Groups(role, coming.Wanted.Former)
}

// unlessGone takes a thing that is gone for one that is empty.
func unlessGone[T any](list []T, err error) ([]T, error) {
	if interconnect.IsGone(err) {
		return nil, nil
	}
	return list, err
}

// distinct returns each text once, in the order in which they come first.
func distinct(list []string) []string {
	seen := map[string]bool{"": true}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
