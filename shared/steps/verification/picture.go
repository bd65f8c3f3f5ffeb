package verification

import (
	"context"
	"slices"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// readFor is how long a read of the picture that fails for the moment is tried
// again, before the verdict does without.
const readFor = 2 * time.Minute

// picture reads what the cloud reports of both sides, as far as it decides about
// packets between the probes or is of the connection. What cannot be read for
// the moment is an outcome to return; what cannot be read at all is noted.
func (s *Step) picture(ctx context.Context, t *chain.Task, f *found) (*reachability.Picture, *chain.Outcome) {
	p := &reachability.Picture{}
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) error {
			r := reading{step: s, task: t, end: &f.ends[i], side: p.Side(role)}
			return r.all(ctx)
		})
	}
	return p, outcome(t.Together(ctx, reads...))
}

// reading reads one side.
type reading struct {
	step *Step
	task *chain.Task
	end  *end
	side *reachability.Side
}

// all reads the parts side by side, then those that the first ones name.
func (r *reading) all(ctx context.Context) error {
	s, want := r.side, r.end.side
	cloud, region := r.step.cloud, want.RegionID
	s.RegionID, s.VPC.ID, s.Unread = region, want.VpcID, map[string]string{}
	var facts []interconnect.GroupFacts
	var noFacts error
	if err := r.pieces(ctx, []piece{
		{unreadVPC, r.vpc},
		{reachability.UnreadVSwitches, r.vswitches},
		{"route tables", func(failed *error) func(context.Context) error {
			return part(failed, &s.Tables, func(ctx context.Context) ([]interconnect.RouteTable, error) {
				return cloud.RouteTables(ctx, region, want.VpcID)
			})
		}},
		{reachability.UnreadInterfaces, r.interfaces},
		{reachability.UnreadPeerings, r.peerings},
		{"security groups", func(*error) func(context.Context) error { // each group tells that it is not known
			return part(&noFacts, &facts, func(ctx context.Context) ([]interconnect.GroupFacts, error) {
				return cloud.SecurityGroups(ctx, region, want.VpcID)
			})
		}},
	}); err != nil {
		return err
	}
	r.instances()
	return r.details(ctx, facts, noFacts)
}

// piece is a part of what is read of a side: the key by which it is noted if it
// cannot be read, and what makes the read, which keeps its failure.
type piece struct {
	key  string
	read func(failed *error) func(context.Context) error
}

// pieces reads parts side by side. It notes those that cannot be read, and returns
// a failure that may pass.
func (r *reading) pieces(ctx context.Context, all []piece) error {
	failed := make([]error, len(all))
	reads := make([]func(context.Context) error, len(all))
	for n, p := range all {
		reads[n] = p.read(&failed[n])
	}
	r.task.Together(ctx, reads...) //nolint:errcheck // each failure is in failed
	for n, p := range all {
		if err := r.note(failed[n], p.key); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) vpc(failed *error) func(context.Context) error {
	return func(ctx context.Context) error {
		v, err := r.step.cloud.VPC(ctx, r.end.side.RegionID, r.end.side.VpcID)
		if *failed = there(err); err == nil {
			r.side.VPC = *v
		}
		return nil
	}
}

func (r *reading) vswitches(failed *error) func(context.Context) error {
	return part(failed, &r.side.VSwitches, func(ctx context.Context) ([]interconnect.VSwitch, error) {
		return r.step.cloud.VSwitches(ctx, r.end.side.RegionID, r.end.side.VpcID)
	})
}

func (r *reading) interfaces(failed *error) func(context.Context) error {
	return part(failed, &r.side.Interfaces, func(ctx context.Context) ([]interconnect.RouterInterface, error) {
		return r.step.cloud.RouterInterfaces(ctx, r.end.side.RegionID, r.end.side.VRouterID)
	})
}

func (r *reading) peerings(failed *error) func(context.Context) error {
	return part(failed, &r.side.Peerings, func(ctx context.Context) ([]interconnect.PeeringConnection, error) {
		return r.step.cloud.PeeringConnections(ctx, r.end.side.RegionID, r.end.side.VpcID)
	})
}

// entries reads a table's entries.
func (r *reading) entries(table string, into *[]interconnect.RouteEntry) piece {
	return piece{table, func(failed *error) func(context.Context) error {
		return part(failed, into, func(ctx context.Context) ([]interconnect.RouteEntry, error) {
			return r.step.cloud.RouteEntries(ctx, r.end.side.RegionID, table)
		})
	}}
}

// part reads a list; what is gone has nothing.
func part[T any](failed *error, into *[]T, call func(context.Context) ([]T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		list, err := call(ctx)
		*failed, *into = there(err), list
		return nil
	}
}

// note keeps that something could not be read, or returns what may pass.
func (r *reading) note(err error, key string) error {
	if err == nil {
		return nil
	}
	if interconnect.Passes(err) && r.task.Elapsed() < readFor {
		return err
	}
	why := err.Error()
	if o := chain.FromError(err); o.Problem != nil {
		why = o.Problem.Sentence
	}
	r.side.Unread[key] = why
	return nil
}

// instances puts those that stand for the side into the picture. Where there is
// none, one that might be there stands for it: what decides about its packets is
// known all the same.
func (r *reading) instances() {
	s, e := r.side, r.end
	for _, t := range e.targets {
		if t.VpcID != "" {
			s.Instances = append(s.Instances, t.Instance)
		}
	}
	if len(e.targets) > 0 {
		return
	}
	for _, v := range s.VSwitches {
		if !slices.ContainsFunc(e.side.CidrBlocks, v.CidrBlock.Overlaps) || !v.CidrBlock.IsValid() {
			continue
		}
		i := interconnect.Instance{
			ID: anyIn + v.ID, VpcID: v.VpcID, VSwitchID: v.ID, Running: true, OSType: "linux",
			PrivateIP: v.CidrBlock.Masked().Addr().Next(),
		}
		for _, g := range e.side.SecurityGroups {
			i.SecurityGroupIDs = append(i.SecurityGroupIDs, g.ID)
		}
		s.Instances = append(s.Instances, i)
		return
	}
}

// anyIn begins the name of an instance that is not there.
const anyIn = "any instance in "

// details reads the entries of the tables, the groups and the network ACLs that
// decide about the instances' packets, or are of the connection.
func (r *reading) details(ctx context.Context, facts []interconnect.GroupFacts, noFacts error) error {
	s, want := r.side, r.end.side
	tables, acls, groups := slices.Clone(want.RouteTableIDs), []string{}, []string{}
	for _, g := range want.SecurityGroups {
		groups = append(groups, g.ID)
	}
	for _, i := range s.Instances {
		groups = append(groups, i.SecurityGroupIDs...)
		for _, v := range s.VSwitches {
			if v.ID == i.VSwitchID {
				tables, acls = append(tables, v.RouteTableID), append(acls, v.NetworkAclID)
			}
		}
	}
	tables, acls, groups = known(tables), known(acls), known(groups)
	entries := make([][]interconnect.RouteEntry, len(tables))
	lists := make([]*interconnect.NetworkAcl, len(acls))
	rules := make([]*interconnect.Group, len(groups))
	cloud, region := r.step.cloud, want.RegionID
	var all []piece
	for n, id := range tables {
		all = append(all, r.entries(id, &entries[n]))
	}
	for n, id := range acls {
		all = append(all, piece{id, func(failed *error) func(context.Context) error {
			return func(ctx context.Context) error {
				lists[n], *failed = cloud.NetworkAcl(ctx, region, id)
				return nil
			}
		}})
	}
	for n, id := range groups {
		all = append(all, piece{id, func(failed *error) func(context.Context) error {
			return func(ctx context.Context) error {
				rules[n], *failed = r.group(ctx, id, facts, noFacts)
				return nil
			}
		}})
	}
	if err := r.pieces(ctx, all); err != nil {
		return err
	}
	s.Entries = slices.Concat(entries...)
	for _, a := range lists {
		if a != nil {
			s.Acls = append(s.Acls, *a)
		}
	}
	for _, g := range rules {
		if g != nil {
			s.Groups = append(s.Groups, *g)
		}
	}
	return nil
}

// group reads a security group's rules, and puts them to what is known of it.
func (r *reading) group(ctx context.Context, id string, facts []interconnect.GroupFacts, noFacts error) (*interconnect.Group, error) {
	rules, isolated, err := r.step.cloud.GroupRules(ctx, r.end.side.RegionID, id)
	if err == nil {
		err = noFacts
	}
	if err != nil {
		return nil, err
	}
	g := &interconnect.Group{GroupFacts: interconnect.GroupFacts{ID: id, VpcID: r.end.side.VpcID}, Isolated: isolated, Rules: rules}
	if at := slices.IndexFunc(facts, func(f interconnect.GroupFacts) bool { return f.ID == id }); at >= 0 {
		g.GroupFacts = facts[at]
	}
	return g, nil
}

// known sorts ids, each once.
func known(ids []string) []string {
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
}
