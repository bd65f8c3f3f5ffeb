package verification

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// aroundEvery is how often the schedule's checks look, while all is well, at what
// the VPCs have around the connection: blocks and vSwitches come seldom, and what
// came is told, not mended.
const aroundEvery = time.Hour

// asMade compares, of a connection whose packets pass, what exists with what was
// made, by the least that shows it: what joins the two VPCs, the tables that get
// routes, the groups that get rules. Where that is not as it was made, or not all
// could be read, the picture decides what there is to say.
func (s *Step) asMade(ctx context.Context, t *chain.Task) (drift []interconnect.Drift, known bool, out *chain.Outcome) {
	p := &reachability.Picture{}
	var reads []func(context.Context) error
	for _, role := range interconnect.Roles {
		r := reading{step: s, task: t, end: &end{role: role, side: t.Want.Side(role)}, side: p.Side(role)}
		reads = append(reads, func(ctx context.Context) error { return r.own(ctx, t.Want.Type, aroundDue(t)) })
	}
	if err := t.Together(ctx, reads...); err != nil {
		return nil, false, outcome(err)
	}
	drift, known = s.drift(ctx, t, p)
	return drift, known, nil
}

// amiss tells whether a difference is of what was made, or in its way.
func amiss(d interconnect.Drift) bool { return d.Kind != interconnect.DriftUncovered }

// aroundDue tells whether a check looks at what the VPCs have around the
// connection. One that somebody asks for does, and so does one of the schedule for
// as long as the last found anything amiss; else one in each hour since the request
// was recorded, for which the same was read.
func aroundDue(t *chain.Task) bool {
	st := entry(t)
	if !t.Message.Scheduled() || len(st.Verdicts) == 0 {
		return true
	}
	last, began := &st.Verdicts[0], t.Record.UpdatedAt
	well := last.Outcome == interconnect.VerdictConnected && len(last.Drift) == 0 && last.More == 0
	return !well || t.Now.Sub(began)/aroundEvery != last.At.Sub(began)/aroundEvery
}

// unreadVPC is the key of a side's VPC in what could not be read of it.
const unreadVPC = "VPC"

// own reads what a connection of a type is made of on one side, and, if told, what
// is around it.
func (r *reading) own(ctx context.Context, kind interconnect.Type, around bool) error {
	s, want := r.side, r.end.side
	s.RegionID, s.VPC.ID, s.Unread = want.RegionID, want.VpcID, map[string]string{}
	entries := make([][]interconnect.RouteEntry, len(want.RouteTableIDs))
	rules := make([][]interconnect.Rule, len(want.SecurityGroups))
	var all []piece
	if join, ok := joined[kind]; ok {
		all = append(all, piece{string(kind), func(failed *error) func(context.Context) error { return join(r, failed) }})
	}
	for n, id := range want.RouteTableIDs {
		all = append(all, r.entries(id, &entries[n]))
	}
	for n, g := range want.SecurityGroups {
		all = append(all, piece{g.ID, func(failed *error) func(context.Context) error {
			return part(failed, &rules[n], func(ctx context.Context) ([]interconnect.Rule, error) {
				return r.step.cloud.Rules(ctx, want.RegionID, g.ID)
			})
		}})
	}
	if around {
		all = append(all, piece{unreadVPC, r.vpc}, piece{reachability.UnreadVSwitches, r.vswitches})
	}
	if err := r.pieces(ctx, all); err != nil {
		return err
	}
	for n, g := range want.SecurityGroups {
		s.Groups = append(s.Groups, interconnect.Group{GroupFacts: interconnect.GroupFacts{ID: g.ID, VpcID: want.VpcID}, Rules: rules[n]})
	}
	s.Entries = slices.Concat(entries...)
	return nil
}

// joined reads, by a connection's type, what joins the two VPCs.
var joined = map[interconnect.Type]func(r *reading, failed *error) func(context.Context) error{
	interconnect.TypeExpressConnect: (*reading).interfaces,
	interconnect.TypeVpcPeering:     (*reading).peerings,
}

// drift compares the picture with what the record wants. It is nil, and known
// false, where not enough could be read.
func (s *Step) drift(ctx context.Context, t *chain.Task, p *reachability.Picture) (drift []interconnect.Drift, known bool) {
	seen := interconnect.Seen{Tables: map[string]interconnect.Role{}, Groups: map[string]interconnect.Role{}}
	around := interconnect.Around{Blocks: map[interconnect.Role][]netip.Prefix{}, VSwitches: map[interconnect.Role][]interconnect.VSwitch{}}
	for _, role := range interconnect.Roles {
		side := p.Side(role)
		if len(side.Unread) > 0 {
			return nil, false
		}
		for _, id := range t.Want.Side(role).RouteTableIDs {
			seen.Tables[id] = role
		}
		for _, table := range side.Tables {
			seen.Tables[table.ID] = role
		}
		seen.Interfaces = append(seen.Interfaces, side.Interfaces...)
		seen.Peerings = append(seen.Peerings, side.Peerings...)
		seen.Entries = append(seen.Entries, side.Entries...)
		for _, g := range side.Groups {
			seen.Groups[g.ID] = role
			seen.Rules = append(seen.Rules, g.Rules...)
		}
		if side.VPC.CidrBlock.IsValid() {
			around.Blocks[role] = side.VPC.Blocks()
		}
		around.VSwitches[role] = side.VSwitches
	}
	planning := interconnect.Planning{Prefix: t.Prefix, Record: &t.Record, Seen: seen}
	if planning.Contested() {
		others, err := t.Others(ctx)
		if err != nil {
			return nil, false
		}
		planning.Others = others
	}
	return interconnect.FindDrift(planning, around), true
}
