package interconnect

import (
	"fmt"
	"slices"
	"strings"
)

// Seen is what exists on both sides, as far as a connection is concerned.
type Seen struct {
	Interfaces []RouterInterface   // at both routers
	Peerings   []PeeringConnection // of both VPCs
	Entries    []RouteEntry        // of both VPCs' tables
	Rules      []Rule              // of both sides' groups
	Tables     map[string]Role     // whose a table is
	Groups     map[string]Role     // whose a security group is
}

// Kinds of things that a connection is made of.
const (
	KindRouterInterface   = "router-interface"
	KindPeeringConnection = "vpc-peering-connection"
	KindRoute             = "route"
	KindRule              = "security-group-rule"
)

// Thing is one thing in the cloud that a connection is made of, or would be.
type Thing struct {
	Kind    string `json:"kind"`
	Side    Role   `json:"side"`
	ID      string `json:"id,omitempty"`      // "" while it is not there
	In      string `json:"in"`                // the router, VPC, route table or security group that it is in
	What    string `json:"what,omitempty"`    // specification, bandwidth, destination, or protocol, ports and peer
	Status  string `json:"status,omitempty"`  // the cloud's word
	LeadsTo string `json:"leadsTo,omitempty"` // a route's next hop, an interface's opposite
	Owner   string `json:"owner,omitempty"`   // the connection that bears it in its mark; "" if this deployment did not make it
	Change  string `json:"change,omitempty"`  // what is done to it, in words
}

// Changes are how what exists differs from what is wanted, thing by thing.
type Changes struct {
	Kept      []Thing        `json:"kept"`
	Added     []Thing        `json:"added"`
	Repointed []Thing        `json:"repointed"` // routes that will lead elsewhere, interfaces that will be altered
	Removed   []Thing        `json:"removed"`
	Conflicts []FieldProblem `json:"conflicts"`       // why it cannot be made
	Cuts      []string       `json:"cuts,omitempty"`  // moments at which traffic that passes now, and still should, does not
	Notes     []string       `json:"notes,omitempty"` // what is waited for, and what else is in the way
	Foreign   []Thing        `json:"-"`               // in use or in the way, and not this deployment's
}

// Planning is what changes are computed from: the record as it would be, all
// other records, and what exists.
type Planning struct {
	Prefix string
	Record *Record
	Others []Record
	Seen   Seen
	Prune  bool // look for what is no longer wanted even where no prune is to come
}

// comingHop is the id of a next hop that is yet to be made.
const comingHop = "(to be made)"

// joint is what a type's own plan comes to: the next hops, and what is to be
// done about whatever joins the two VPCs.
type joint struct {
	hops map[Role]NextHop
	Changes
}

// joints is how each type joins two VPCs, and what of its things goes in a
// prune. A new type is a row here, as in kinds.
var joints = map[Type]struct {
	plan     func(c *Connection, prefix string, seen *Seen) joint
	prunable func(p Pruning, c *Connection, seen *Seen) []Thing
}{
	TypeExpressConnect: {interfacesJoint, prunableInterfaces},
	TypeVpcPeering:     {peeringJoint, prunablePeerings},
}

// PlanChanges says what carrying out the record would do to what exists. It
// goes by the same functions as the steps do, and makes no choice of its own:
// connect first, which adds and repoints, then prune, which removes.
func PlanChanges(p Planning) Changes {
	c := p.Record.Wanted.Connection
	out := newChanges()
	if p.Record.Live() {
		out = p.connect(c)
	}
	if p.Prune || !p.Record.Live() || len(p.Record.Wanted.Former) > 0 {
		p.prune(c, &out)
	}
	return out
}

func newChanges() Changes {
	return Changes{Kept: []Thing{}, Added: []Thing{}, Repointed: []Thing{}, Removed: []Thing{}, Conflicts: []FieldProblem{}}
}

// connect plans what the connect action does.
func (p Planning) connect(c *Connection) Changes {
	mark := Mark{Prefix: p.Prefix, ConnectionID: c.ID}
	join, known := joints[c.Type]
	if !known {
		out := newChanges()
		out.Conflicts = append(out.Conflicts, FieldProblem{Field: "/type", Sentence: fmt.Sprintf("Nothing is known of connections of the type %q.", c.Type)})
		return out
	}
	joined := join.plan(c, p.Prefix, &p.Seen)
	out := joined.Changes
	pruning := NewPruning(p.Prefix, p.Record, c, nil, p.Others)
	var rules []Rule
	for _, role := range Roles {
		diff := DiffRoutes(mark, WantedRoutes(c, role), joined.hops[role], p.entries(role)).Inherit(pruning)
		out.addRoutes(p, role, joined.hops[role], diff)
		rules = append(rules, WantedRules(c, role)...)
	}
	diff := DiffRules(mark, rules, p.Seen.Rules)
	for _, r := range diff.Present {
		out.keep(p.rule(r))
	}
	for _, r := range diff.Missing {
		out.Added = append(out.Added, p.rule(r))
	}
	for _, r := range diff.Overruled {
		out.Notes = append(out.Notes, fmt.Sprintf("Rule %s of security group %s drops %s %s %s at priority %d and comes before what is wanted; it is kept.", r.ID, r.GroupID, r.Direction, r.Protocol, r.Peer(), r.Priority))
		out.Foreign = append(out.Foreign, p.rule(r))
	}
	return out
}

func (c *Changes) keep(t Thing) {
	c.Kept = append(c.Kept, t)
	if t.Owner == "" {
		c.Foreign = append(c.Foreign, t)
	}
}

func (c *Changes) addRoutes(p Planning, role Role, next NextHop, diff RouteDiff) {
	for _, r := range diff.Create {
		c.Added = append(c.Added, Thing{Kind: KindRoute, Side: role, In: r.RouteTableID, What: r.Destination.String(),
			LeadsTo: strings.TrimSpace(next.Type + " " + next.ID), Owner: p.Record.ID})
	}
	for _, e := range append(slices.Clone(diff.Present), diff.Unsettled...) {
		c.keep(p.route(e))
	}
	for _, e := range diff.Repoint {
		t := p.route(e)
		t.Change = "leads to " + next.Type + " " + next.ID
		c.Repointed = append(c.Repointed, t)
		if e.NextHopType != next.Type {
			c.Cuts = append(c.Cuts, fmt.Sprintf("The route to %s in route table %s leads to a %s and is led to a %s: should the cloud refuse that, it is deleted and made anew, and traffic stops meanwhile.", e.Destination, e.RouteTableID, e.NextHopType, next.Type))
		}
	}
	for _, e := range diff.Conflicts {
		c.Foreign = append(c.Foreign, p.route(e))
		c.Conflicts = append(c.Conflicts, FieldProblem{Field: field(role.Other(), "cidrBlocks"), Sentence: fmt.Sprintf(
			"The route table %s of %s has a route to %s by the %s already; remove that route, or name other blocks.", e.RouteTableID, p.Record.Wanted.Connection.Side(role).VpcID, e.Destination, hop(&e))})
	}
}

// prune plans what the prune action does after it.
func (p Planning) prune(c *Connection, out *Changes) {
	var want *Connection
	if p.Record.Live() {
		want = c
	}
	pruning := NewPruning(p.Prefix, p.Record, c, want, p.Others)
	for _, k := range kinds {
		for _, thing := range joints[k.name].prunable(pruning, c, &p.Seen) {
			if !slices.ContainsFunc(out.Removed, func(t Thing) bool { return t.ID == thing.ID }) {
				out.Removed = append(out.Removed, thing)
			}
		}
	}
	for _, e := range PrunableRoutes(pruning, p.Seen.Entries) {
		out.Removed = append(out.Removed, p.route(e))
	}
	for _, r := range PrunableRules(pruning, p.Seen.Rules) {
		out.Removed = append(out.Removed, p.rule(r))
	}
}

// entries returns the entries of one side's tables.
func (p Planning) entries(role Role) []RouteEntry {
	var out []RouteEntry
	for _, e := range p.Seen.Entries {
		if p.Seen.Tables[e.RouteTableID] == role {
			out = append(out, e)
		}
	}
	return out
}

func (p Planning) route(e RouteEntry) Thing {
	return Thing{Kind: KindRoute, Side: p.Seen.Tables[e.RouteTableID], ID: e.ID, In: e.RouteTableID, What: e.Destination.String(),
		Status: e.Status, LeadsTo: hop(&e), Owner: owner(p.Prefix, e.Name)}
}

func (p Planning) rule(r Rule) Thing {
	return Thing{Kind: KindRule, Side: p.Seen.Groups[r.GroupID], ID: r.ID, In: r.GroupID,
		What: strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Direction, r.Protocol, portsInWords(r.PortRange), r.Peer())), Owner: owner(p.Prefix, r.Description)}
}

func portsInWords(ports string) string {
	if ports == noPorts {
		return "any"
	}
	return ports
}

// owner returns whose a thing is of this deployment's connections.
func owner(prefix, text string) string {
	if m, ok := ParseMark(text); ok && m.Prefix == prefix {
		return m.ConnectionID
	}
	return ""
}
