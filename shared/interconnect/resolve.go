package interconnect

import (
	"net/netip"
	"slices"
	"strings"
)

// Facts are what intake read from the cloud for one request.
type Facts struct {
	Account   string // main account id of the deployment, from STS
	Prefix    string // of the deployment: tells its own routes from others'
	Recorded  Type   // of the connection as it is recorded; "" if nothing is
	Initiator SideFacts
	Acceptor  SideFacts
}

// SideFacts are what was read about one side. VPC is nil where the region has
// no such VPC, and everything else is empty then.
type SideFacts struct {
	VPC        *VPC
	NoVPC      *CloudError             // with VPC nil: the answer that says so
	VSwitches  []VSwitch               // of the VPC
	Tables     []RouteTable            // of the VPC; where the request names none, they need not be read if vSwitches name those that serve them
	Entries    map[string][]RouteEntry // by table: of the tables that the request names, or that serve a vSwitch
	Groups     []GroupFacts            // of the VPC; read only if the request names groups
	Instances  []Instance              // those of the side's region that the request names
	Interfaces []RouterInterface       // of the VPC's router
	Peerings   []PeeringConnection     // of the VPC
}

// Side returns what was read about the side in the given role.
func (f *Facts) Side(role Role) *SideFacts {
	if role == Initiator {
		return &f.Initiator
	}
	return &f.Acceptor
}

// ChosenTables returns the ids of the route tables that are to get routes on a
// side: those that the request names, or else every one that serves a vSwitch.
// A VPC without a vSwitch has its system table chosen, which will serve the
// first.
func ChosenTables(s *RequestSide, tables []RouteTable, vswitches []VSwitch) []string {
	if s.RouteTableIDs != nil {
		return sortedIDs(s.RouteTableIDs)
	}
	var ids []string
	for _, v := range vswitches {
		if v.RouteTableID != "" {
			ids = append(ids, v.RouteTableID)
		}
	}
	for _, t := range tables {
		if len(t.VSwitchIDs) > 0 || (t.System && len(vswitches) == 0) {
			ids = append(ids, t.ID)
		}
	}
	return sortedIDs(ids)
}

func sortedIDs(ids []string) []string { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// Resolve spells a valid request out against what was read from the cloud, and
// looks for everything that would make it fail later. It returns a connection
// or problems, never both. Equal requests and facts give equal connections, in
// whatever order they list things.
func Resolve(r *Request, f *Facts) (*Connection, []Warning, []FieldProblem) {
	v := resolver{r: r, f: f}
	for _, role := range []Role{Initiator, Acceptor} {
		v.checkVPC(role)
	}
	if len(v.list) > 0 {
		return nil, nil, v.list
	}
	c := &Connection{
		ID:        r.ID,
		OnFailure: orElse(r.OnFailure, OnFailureRollback),
		Repair:    orElse(r.Repair, RepairReport),
	}
	if c.ID == "" {
		c.ID = DefaultID(r)
	}
	v.c = c
	for _, role := range []Role{Initiator, Acceptor} {
		*c.Side(role) = v.side(role)
	}
	v.chooseType()
	kindOf(c.Type).resolve(&v)
	v.checkOverlap()
	for _, role := range []Role{Initiator, Acceptor} {
		v.checkRoutes(role)
		v.warnGroups(role)
		v.warnProbe(role)
		v.warnNetwork(role)
		v.warnQuotas(role)
	}
	if len(v.list) > 0 {
		return nil, nil, v.list
	}
	return c, v.warnings, nil
}

func orElse[T ~string](value, fallback T) T {
	if value == "" {
		return fallback
	}
	return value
}

// resolver is one run of Resolve.
type resolver struct {
	r *Request
	f *Facts
	c *Connection
	problems
	warnings []Warning
}

// field returns the path of one of a side's fields.
func field(role Role, name string) string { return "/" + string(role) + "/" + name }

func (v *resolver) checkVPC(role Role) {
	s, facts := v.r.Side(role), v.f.Side(role)
	switch {
	case s.Account != "" && s.Account != v.f.Account:
		v.add(field(role, "account"), "The account %s is not the deployment's, %s; VPCs of other accounts cannot be connected yet.", s.Account, v.f.Account)
	case facts.VPC == nil:
		requestID := ""
		if facts.NoVPC != nil {
			requestID = facts.NoVPC.RequestID
		}
		v.addAnswered(requestID, field(role, "vpcId"), "There is no VPC %s in the region %s; correct the VPC's id or its region.", s.VpcID, s.RegionID)
	case facts.VPC.RegionID != "" && facts.VPC.RegionID != s.RegionID:
		v.add(field(role, "regionId"), "The VPC %s is in the region %s; give that region.", s.VpcID, facts.VPC.RegionID)
	case facts.VPC.OwnerID != v.f.Account:
		v.add(field(role, "vpcId"), "The VPC %s belongs to the account %s, not to the deployment's, %s; VPCs of other accounts cannot be connected yet.", s.VpcID, facts.VPC.OwnerID, v.f.Account)
	case !facts.VPC.Available:
		v.add(field(role, "vpcId"), "The VPC %s is not available yet; ask again when it is.", s.VpcID)
	}
}

// side spells one side out.
func (v *resolver) side(role Role) Side {
	s, facts := v.r.Side(role), v.f.Side(role)
	side := Side{
		Account:        v.f.Account,
		RegionID:       s.RegionID,
		VpcID:          s.VpcID,
		VRouterID:      facts.VPC.VRouterID,
		CidrBlocks:     v.blocks(role),
		RouteTableIDs:  v.tables(role),
		SecurityGroups: v.groups(role),
	}
	v.probe(role, &side)
	side.Omits = Omitted(&side, facts.VPC.Blocks(), facts.VSwitches)
	return side
}

func (v *resolver) blocks(role Role) []netip.Prefix {
	s, vpc := v.r.Side(role), v.f.Side(role).VPC
	if s.CidrBlocks == nil {
		return sortedBlocks(vpc.Blocks())
	}
	own := append(vpc.Blocks(), vpc.UserBlocks...)
	var out []netip.Prefix
	for i, text := range s.CidrBlocks {
		b, err := ParseBlock(text)
		if err != nil { // Validate has refused it
			v.add(item(field(role, "cidrBlocks"), i), "%s.", err)
			continue
		}
		if !withinAny(b, own) {
			v.add(item(field(role, "cidrBlocks"), i), "%s is not inside the VPC %s, whose blocks are %s; name a block of this VPC, or of one of its vSwitches.", b, s.VpcID, joinBlocks(own))
			continue
		}
		if !slices.ContainsFunc(v.f.Side(role).VSwitches, func(sw VSwitch) bool { return sw.CidrBlock.Overlaps(b) }) {
			v.warn(item(field(role, "cidrBlocks"), i), "No vSwitch of %s has addresses in %s: nothing there can answer.", s.VpcID, b)
		}
		out = append(out, b)
	}
	return sortedBlocks(out)
}

func (v *resolver) tables(role Role) []string {
	s, facts := v.r.Side(role), v.f.Side(role)
	for i, id := range s.RouteTableIDs {
		at := slices.IndexFunc(facts.Tables, func(t RouteTable) bool { return t.ID == id })
		switch {
		case at < 0:
			v.add(item(field(role, "routeTableIds"), i), "%s is not a route table of the VPC %s; name one of %s, or leave the field out.", id, s.VpcID, tableIDs(facts.Tables))
		case facts.Tables[at].Gateway:
			v.add(item(field(role, "routeTableIds"), i), "%s is a gateway's route table, which serves no vSwitch; name one that does, or leave the field out.", id)
		}
	}
	chosen := ChosenTables(s, facts.Tables, facts.VSwitches)
	if len(chosen) == 0 {
		v.add(field(role, "routeTableIds"), "The VPC %s has no route table that serves a vSwitch; create a vSwitch in it first.", s.VpcID)
	}
	return chosen
}

func tableIDs(tables []RouteTable) string {
	var ids []string
	for _, t := range tables {
		if !t.Gateway {
			ids = append(ids, t.ID)
		}
	}
	return strings.Join(sortedIDs(ids), ", ")
}

func (v *resolver) groups(role Role) []SecurityGroup {
	s, facts := v.r.Side(role), v.f.Side(role)
	var out []SecurityGroup
	for i, g := range s.SecurityGroups {
		path := item(field(role, "securityGroups"), i)
		at := slices.IndexFunc(facts.Groups, func(f GroupFacts) bool { return f.ID == g.SecurityGroupID })
		if at < 0 {
			v.add(path+"/securityGroupId", "%s is not a security group of the VPC %s; name one of this VPC's groups.", g.SecurityGroupID, s.VpcID)
			continue
		}
		group := facts.Groups[at]
		switch {
		case group.ServiceManaged:
			v.add(path+"/securityGroupId", "%s is managed by a cloud product, so its rules cannot be changed; name another group.", group.ID)
		case g.Authorization == BySecurityGroup && group.Advanced:
			v.add(path+"/authorization", "%s is an advanced group, whose rules cannot name security groups; use CidrBlock.", group.ID)
		}
		out = append(out, SecurityGroup{
			ID:            group.ID,
			Authorization: orElse(g.Authorization, ByCidrBlock),
			Advanced:      group.Advanced,
			Allow:         v.allow(g.Allow, path+"/allow"),
		})
	}
	slices.SortFunc(out, func(a, b SecurityGroup) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (v *resolver) allow(list []RequestAllow, path string) []Allow {
	if list == nil {
		return []Allow{{Protocol: "ICMP", PortRange: noPorts}}
	}
	var out []Allow
	for i, a := range list {
		if resolved, ok := resolveAllow(a, item(path, i), &v.problems); ok {
			out = append(out, resolved)
		}
	}
	slices.SortFunc(out, func(a, b Allow) int {
		return strings.Compare(a.Protocol+" "+a.PortRange, b.Protocol+" "+b.PortRange)
	})
	return slices.Compact(out)
}

// probe spells out what proves a side.
func (v *resolver) probe(role Role, side *Side) {
	s := v.r.Side(role)
	for n, id := range s.ProbeIDs() {
		path := probeField(role, s.Probe, n)
		switch instance := v.instance(role, id); {
		case instance == nil:
			v.add(path, "There is no instance %s in the region %s; name one of the VPC %s, or leave the probe out.", id, s.RegionID, s.VpcID)
		case instance.VpcID != s.VpcID:
			v.add(path, "The instance %s is in the VPC %s; name one of the VPC %s, or leave the probe out.", id, orElse(instance.VpcID, "(none)"), s.VpcID)
		}
		if n == 0 {
			side.ProbeID = id
		} else {
			side.Targets = append(side.Targets, id)
		}
	}
	if s.Probe != nil && s.Probe.Packets != nil && *s.Probe.Packets != DefaultPackets {
		side.Packets = *s.Probe.Packets
	}
}

// probeField is the path of the n-th instance that a probe names.
func probeField(role Role, p *RequestProbe, n int) string {
	if p.InstanceIDs != nil {
		return item(field(role, "probe/instanceIds"), n)
	}
	return field(role, "probe/instanceId")
}

func (v *resolver) instance(role Role, id string) *Instance {
	list := v.f.Side(role).Instances
	if at := slices.IndexFunc(list, func(i Instance) bool { return i.ID == id }); at >= 0 {
		return &list[at]
	}
	return nil
}
