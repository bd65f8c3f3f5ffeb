package intake

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// Live is what exists of a connection now, read from the cloud.
type Live struct {
	At        time.Time            `json:"at"`
	Initiator LiveSide             `json:"initiator"`
	Acceptor  LiveSide             `json:"acceptor"`
	Things    []interconnect.Thing `json:"things"`             // of the connection, those there are
	Missing   []interconnect.Thing `json:"missing"`            // wanted, and not there, or not as wanted
	Foreign   []interconnect.Thing `json:"foreign"`            // in use or in the way, and not made by this deployment
	Leftovers []interconnect.Thing `json:"leftovers"`          // there, and no longer wanted
	Drift     []interconnect.Drift `json:"drift"`              // how what exists differs from what is wanted, told apart
	Conflicts []string             `json:"conflicts"`          // why what is missing cannot be made
	Notes     []string             `json:"notes,omitempty"`    // what is waited for, and what is in the way
	Problems  []string             `json:"problems,omitempty"` // reads that failed; then it is not said what is missing
}

// LiveSide is one VPC as it is now.
type LiveSide struct {
	RegionID    string      `json:"regionId"`
	VpcID       string      `json:"vpcId"`
	CidrBlocks  []string    `json:"cidrBlocks"` // of the VPC; none if it is not there
	VSwitches   []LiveBlock `json:"vSwitches"`
	RouteTables []LiveTable `json:"routeTables"`
}

// LiveBlock is a vSwitch.
type LiveBlock struct {
	ID           string `json:"id"`
	ZoneID       string `json:"zoneId,omitempty"`
	CidrBlock    string `json:"cidrBlock"`
	RouteTableID string `json:"routeTableId"`
	NetworkACL   string `json:"networkAclId,omitempty"`
}

// LiveTable is a route table, with those of its routes that somebody made.
type LiveTable struct {
	ID        string      `json:"id"`
	System    bool        `json:"system"`
	Connected bool        `json:"connected"` // the connection wants routes in it
	Routes    []LiveRoute `json:"routes"`
}

// LiveRoute is a custom entry of a route table.
type LiveRoute struct {
	ID          string `json:"id,omitempty"`
	Destination string `json:"destination"`
	NextHop     string `json:"nextHop"`
	Status      string `json:"status"`
}

// Live reads what exists of a recorded connection. What cannot be read is
// said in the answer: everything else may still help.
func (p *Planner) Live(ctx context.Context, r *interconnect.Record, others []interconnect.Record) *Live {
	l := &Live{At: p.Clock()}
	var parts [2]*liveSide
	var group sync.WaitGroup
	for i, role := range interconnect.Roles {
		group.Go(func() { parts[i] = p.liveSide(ctx, r, role) })
	}
	group.Wait()
	l.Initiator, l.Acceptor = parts[0].shown, parts[1].shown
	seen := interconnect.Seen{Tables: map[string]interconnect.Role{}, Groups: map[string]interconnect.Role{}}
	for i, role := range interconnect.Roles {
		part := parts[i]
		for _, t := range part.tables {
			seen.Tables[t.ID] = role
		}
		for _, id := range part.groups {
			seen.Groups[id] = role
		}
		seen.Interfaces = append(seen.Interfaces, part.interfaces...)
		seen.Peerings = append(seen.Peerings, part.peerings...)
		seen.Entries = append(seen.Entries, part.entries...)
		seen.Rules = append(seen.Rules, part.rules...)
		l.Problems = append(l.Problems, part.problems...)
	}
	planning := interconnect.Planning{Prefix: p.Prefix, Record: r, Others: others, Seen: seen, Prune: true}
	l.compare(interconnect.PlanChanges(planning))
	l.Drift = []interconnect.Drift{}
	if len(l.Problems) == 0 {
		around := interconnect.Around{Blocks: map[interconnect.Role][]netip.Prefix{}, VSwitches: map[interconnect.Role][]interconnect.VSwitch{}}
		for i, role := range interconnect.Roles {
			around.Blocks[role], around.VSwitches[role] = parts[i].blocks(), parts[i].vswitches
		}
		l.Drift = append(l.Drift, interconnect.FindDrift(planning, around)...)
	}
	return l
}

// compare sorts changes into what is there, missing, left over and foreign.
func (l *Live) compare(c interconnect.Changes) {
	l.Things, l.Missing, l.Foreign, l.Leftovers, l.Conflicts = []interconnect.Thing{}, []interconnect.Thing{}, []interconnect.Thing{}, []interconnect.Thing{}, []string{}
	l.Things = append(append(l.Things, c.Kept...), c.Repointed...)
	l.Leftovers = append(l.Leftovers, c.Removed...)
	l.Foreign = append(l.Foreign, c.Foreign...)
	l.Notes = c.Notes
	if len(l.Problems) > 0 {
		return // what was not read would seem to be missing
	}
	l.Missing = append(append(l.Missing, c.Added...), c.Repointed...)
	for _, conflict := range c.Conflicts {
		l.Conflicts = append(l.Conflicts, conflict.Sentence)
	}
}

// liveSide is what was read of one side.
type liveSide struct {
	shown      LiveSide
	vpcs       []interconnect.VPC // none if it is not there
	vswitches  []interconnect.VSwitch
	tables     []interconnect.RouteTable
	groups     []string
	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	entries    []interconnect.RouteEntry
	rules      []interconnect.Rule

	mu       sync.Mutex
	problems []string
}

// livePart reads a list of one side, and notes if it cannot be read.
func livePart[T any](ctx context.Context, p *Planner, s *liveSide, target *[]T, call func() ([]T, error)) func() error {
	return func() error {
		list, err := again(ctx, p, func() ([]T, error) { return unlessGone(call()) })
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.problems = append(s.problems, err.Error())
		}
		*target = append(*target, list...)
		return nil
	}
}

func (p *Planner) liveSide(ctx context.Context, r *interconnect.Record, role interconnect.Role) *liveSide {
	side := r.Wanted.Connection.Side(role)
	s := &liveSide{shown: LiveSide{RegionID: side.RegionID, VpcID: side.VpcID, CidrBlocks: []string{}, VSwitches: []LiveBlock{}, RouteTables: []LiveTable{}}}
	s.groups = interconnect.NewPruning(p.Prefix, r, r.Wanted.Connection, nil, nil).Groups(role, r.Wanted.Former)
	reads := []func() error{
		livePart(ctx, p, s, &s.vpcs, func() ([]interconnect.VPC, error) {
			vpc, err := p.Cloud.VPC(ctx, side.RegionID, side.VpcID)
			if err != nil {
				return nil, err
			}
			return []interconnect.VPC{*vpc}, nil
		}),
		livePart(ctx, p, s, &s.vswitches, func() ([]interconnect.VSwitch, error) { return p.Cloud.VSwitches(ctx, side.RegionID, side.VpcID) }),
		livePart(ctx, p, s, &s.interfaces, func() ([]interconnect.RouterInterface, error) {
			return p.Cloud.RouterInterfaces(ctx, side.RegionID, side.VRouterID)
		}),
		livePart(ctx, p, s, &s.peerings, func() ([]interconnect.PeeringConnection, error) {
			return p.Cloud.PeeringConnections(ctx, side.RegionID, side.VpcID)
		}),
		func() error {
			_ = livePart(ctx, p, s, &s.tables, func() ([]interconnect.RouteTable, error) { return p.Cloud.RouteTables(ctx, side.RegionID, side.VpcID) })()
			var tables []func() error
			for _, t := range s.tables {
				tables = append(tables, livePart(ctx, p, s, &s.entries, func() ([]interconnect.RouteEntry, error) { return p.Cloud.RouteEntries(ctx, side.RegionID, t.ID) }))
			}
			return sideBySide(tables...)
		},
	}
	for _, id := range s.groups {
		reads = append(reads, livePart(ctx, p, s, &s.rules, func() ([]interconnect.Rule, error) { return p.Cloud.Rules(ctx, side.RegionID, id) }))
	}
	_ = sideBySide(reads...) // what failed is in problems
	slices.Sort(s.problems)
	s.show(side)
	return s
}

// blocks are those of the VPC, if it is there.
func (s *liveSide) blocks() []netip.Prefix {
	var out []netip.Prefix
	for i := range s.vpcs {
		out = append(out, s.vpcs[i].Blocks()...)
	}
	return out
}

// show fills what the answer shows of the VPC itself.
func (s *liveSide) show(side *interconnect.Side) {
	for _, b := range s.blocks() {
		s.shown.CidrBlocks = append(s.shown.CidrBlocks, b.String())
	}
	for _, v := range s.vswitches {
		s.shown.VSwitches = append(s.shown.VSwitches, LiveBlock{ID: v.ID, ZoneID: v.ZoneID, CidrBlock: v.CidrBlock.String(), RouteTableID: v.RouteTableID, NetworkACL: v.NetworkAclID})
	}
	for _, t := range s.tables {
		table := LiveTable{ID: t.ID, System: t.System, Connected: slices.Contains(side.RouteTableIDs, t.ID), Routes: []LiveRoute{}}
		for _, e := range s.entries {
			if e.RouteTableID == t.ID && e.Type == "Custom" {
				table.Routes = append(table.Routes, LiveRoute{ID: e.ID, Destination: e.Destination.String(), NextHop: strings.TrimSpace(e.NextHopType + " " + e.NextHopID), Status: e.Status})
			}
		}
		s.shown.RouteTables = append(s.shown.RouteTables, table)
	}
}
