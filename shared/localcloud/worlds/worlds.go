// Package worlds draws small random worlds, most of them nearly in order, and
// breaks them, for those who compare judges of reachability: what the judges
// are asked about is the same for all.
package worlds

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"vpcinterconnect/shared/localcloud/world"
)

// Ports are the TCP ports about which rules, listeners and firewalls of drawn
// worlds are.
var Ports = []int{22, 5432}

var regions = []string{"cn-qingdao", "cn-beijing", "cn-shenzhen"}

// drawer draws one world.
type drawer struct {
	*rand.Rand
	w *world.World
}

// Draw draws a world: two or three VPCs, joined in pairs, with what may stand
// between their instances. The same r gives the same world.
func Draw(r *rand.Rand) *world.World {
	d := drawer{r, &world.World{}}
	for _, id := range regions {
		d.w.Regions = append(d.w.Regions, world.Region{ID: id, Zones: []string{id + "-a"}})
	}
	count := 2 + d.IntN(2)
	for n := 1; n <= count; n++ {
		d.w.VPCs = append(d.w.VPCs, d.vpc(n))
	}
	for n := range d.w.VPCs {
		d.groups(n)
	}
	for b := 1; b < count; b++ {
		d.join(d.IntN(b), b)
	}
	for range d.IntN(3) {
		d.Break()
	}
	return d.w
}

// Break breaks one thing in a world, or mends one by chance, and says which.
func Break(r *rand.Rand, w *world.World) string { return (&drawer{r, w}).Break() }

// chance is true once in n times.
func (d *drawer) chance(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d *drawer, all []T) T { return all[d.IntN(len(all))] }

// vpc draws a VPC with the block 10.n.0.0/16.
func (d *drawer) vpc(n int) world.VPC {
	region := pick(d, regions)
	v := world.VPC{ID: fmt.Sprint("vpc-", n), Region: region, RouterID: fmt.Sprint("vrt-", n), CidrBlock: fmt.Sprintf("10.%d.0.0/16", n)}
	v.RouteTables = []world.RouteTable{{ID: fmt.Sprintf("vtb-%d-system", n), Type: "System"}}
	if d.chance(2) {
		v.RouteTables = append(v.RouteTables, world.RouteTable{ID: fmt.Sprintf("vtb-%d-custom", n)})
	}
	if d.chance(3) {
		v.NetworkACLs = []world.NetworkACL{{ID: fmt.Sprint("nacl-", n), Ingress: d.entries(), Egress: d.entries()}}
	}
	for g := range 1 + d.IntN(2) {
		v.SecurityGroups = append(v.SecurityGroups, world.SecurityGroup{
			ID: fmt.Sprintf("sg-%d-%d", n, g), Type: []string{"normal", "normal", "enterprise"}[d.IntN(3)], Isolated: d.chance(4),
		})
	}
	for s := range 1 + d.IntN(2) {
		sw := world.VSwitch{
			ID: fmt.Sprintf("vsw-%d-%d", n, s), Zone: region + "-a", CidrBlock: fmt.Sprintf("10.%d.%d.0/24", n, s),
			RouteTableID: pick(d, v.RouteTables).ID,
		}
		if len(v.NetworkACLs) > 0 && d.chance(2) {
			sw.NetworkACLID = v.NetworkACLs[0].ID
		}
		v.VSwitches = append(v.VSwitches, sw)
		for i := range 1 + d.IntN(2) {
			v.Instances = append(v.Instances, d.instance(v, fmt.Sprintf("i-%d-%d-%d", n, s, i), sw.ID, fmt.Sprintf("10.%d.%d.%d", n, s, 10+i)))
		}
	}
	return v
}

func (d *drawer) instance(v world.VPC, id, vSwitch, address string) world.Instance {
	i := world.Instance{ID: id, VSwitchID: vSwitch, PrivateIP: address, Guest: world.Guest{CloudAssistant: "online"}}
	// The groups of an instance are of one type.
	first := pick(d, v.SecurityGroups)
	for _, g := range v.SecurityGroups {
		if g.ID == first.ID || g.Type == first.Type && d.chance(3) {
			i.SecurityGroups = append(i.SecurityGroups, g.ID)
		}
	}
	for _, p := range Ports {
		if d.chance(2) {
			i.Guest.ListenTCP = append(i.Guest.ListenTCP, p)
		}
	}
	return i
}

// block draws a block that some rule, route or entry may be about.
func (d *drawer) block() string {
	n := 1 + d.IntN(3)
	return pick(d, []string{
		"0.0.0.0/0", "10.0.0.0/8", fmt.Sprintf("10.%d.0.0/16", n), fmt.Sprintf("10.%d.0.0/16", n),
		fmt.Sprintf("10.%d.%d.0/24", n, d.IntN(2)), fmt.Sprintf("10.%d.0.10/32", n),
	})
}

func (d *drawer) policy() string { return []string{"accept", "accept", "accept", "drop"}[d.IntN(4)] }

func (d *drawer) ports() string {
	return pick(d, []string{"22/22", "5432/5432", "1/65535", "1024/65535"})
}

// entries draws an ACL's: some, and most often one that lets all pass.
func (d *drawer) entries() []world.ACLEntry {
	var out []world.ACLEntry
	for range d.IntN(3) {
		e := world.ACLEntry{Policy: d.policy(), Protocol: pick(d, []string{"all", "icmp", "tcp"}), Peer: d.block()}
		if e.Protocol == "tcp" {
			e.Port = d.ports()
		}
		out = append(out, e)
	}
	if !d.chance(4) {
		out = append(out, world.ACLEntry{Policy: "accept", Protocol: "all", Peer: "0.0.0.0/0"})
	}
	return out
}

// groups draws the rules of a VPC's groups: most let the others in.
func (d *drawer) groups(n int) {
	v := &d.w.VPCs[n]
	for g := range v.SecurityGroups {
		group := &v.SecurityGroups[g]
		if !d.chance(5) {
			group.Rules = append(group.Rules, world.Rule{Direction: "ingress", Protocol: "ICMP", CidrBlock: "10.0.0.0/8"})
		}
		if group.Type == "enterprise" && !d.chance(4) {
			group.Rules = append(group.Rules, world.Rule{Direction: "egress", Protocol: "ALL", CidrBlock: "0.0.0.0/0"})
		}
		for range d.IntN(4) {
			group.Rules = append(group.Rules, d.rule(v))
		}
	}
}

func (d *drawer) rule(v *world.VPC) world.Rule {
	r := world.Rule{
		Direction: pick(d, []string{"ingress", "ingress", "egress"}), Protocol: pick(d, []string{"ICMP", "TCP", "TCP", "ALL"}),
		Policy: d.policy(), Priority: 1 + d.IntN(3),
	}
	if r.Protocol == "TCP" {
		r.PortRange = d.ports()
	}
	if d.chance(4) {
		r.GroupID = pick(d, v.SecurityGroups).ID
	} else {
		r.CidrBlock = d.block()
	}
	return r
}

// join joins two VPCs and has most tables lead over to the other.
func (d *drawer) join(a, b int) {
	one, other := &d.w.VPCs[a], &d.w.VPCs[b]
	hops := [2]world.NextHop{{Type: "VpcPeer"}, {Type: "VpcPeer"}}
	if d.chance(2) {
		id := fmt.Sprintf("pcc-%d-%d", a+1, b+1)
		hops[0].ID, hops[1].ID = id, id
		d.w.PeerConnections = append(d.w.PeerConnections, world.PeerConnection{ID: id, VpcID: one.ID, AcceptingVpcID: other.ID})
	} else {
		ids := [2]string{fmt.Sprintf("ri-%d-%d", a+1, b+1), fmt.Sprintf("ri-%d-%d", b+1, a+1)}
		for n := range hops {
			hops[n] = world.NextHop{Type: "RouterInterface", ID: ids[n]}
		}
		d.w.RouterInterfaces = append(d.w.RouterInterfaces,
			world.RouterInterface{ID: ids[0], VpcID: one.ID, Role: "InitiatingSide", Spec: "Mini.2", Opposite: &world.Opposite{ID: ids[1]}},
			world.RouterInterface{ID: ids[1], VpcID: other.ID, Role: "AcceptingSide", Spec: "Negative", Opposite: &world.Opposite{ID: ids[0]}})
	}
	for n, v := range []*world.VPC{one, other} {
		to := []*world.VPC{other, one}[n].CidrBlock
		for t := range v.RouteTables {
			if !d.chance(8) {
				v.RouteTables[t].Routes = append(v.RouteTables[t].Routes, world.Route{Destination: to, NextHops: []world.NextHop{hops[n]}})
			}
		}
	}
}

// hop draws a next hop of a VPC: one that it has, or one that is not there.
func (d *drawer) hop(v *world.VPC) world.NextHop {
	all := []world.NextHop{{Type: "Instance", ID: "i-elsewhere"}, {Type: "RouterInterface", ID: "ri-gone"}}
	for _, r := range d.w.RouterInterfaces {
		if r.VpcID == v.ID {
			all = append(all, world.NextHop{Type: "RouterInterface", ID: r.ID})
		}
	}
	for _, p := range d.w.PeerConnections {
		if p.VpcID == v.ID || p.AcceptingVpcID == v.ID {
			all = append(all, world.NextHop{Type: "VpcPeer", ID: p.ID})
		}
	}
	return pick(d, all)
}

// Break breaks one thing. See the function.
func (d *drawer) Break() string {
	for {
		if what := pick(d, breaks)(d); what != "" {
			return what
		}
	}
}

// breaks are ways to break a world; "" is a world that does not have what to
// break.
var breaks = []func(d *drawer) string{
	(*drawer).loseRoute, (*drawer).addRoute, (*drawer).otherTable, (*drawer).interfaceState, (*drawer).peeringState,
	(*drawer).addRule, (*drawer).loseRule, (*drawer).bindACL, (*drawer).changeEntries, (*drawer).guest, (*drawer).guest, (*drawer).stop,
}

// some draws one of a list, nil of none.
func some[T any](d *drawer, list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[d.IntN(len(list))]
}

func (d *drawer) someVPC() *world.VPC { return &d.w.VPCs[d.IntN(len(d.w.VPCs))] }

func (d *drawer) loseRoute() string {
	t := some(d, d.someVPC().RouteTables)
	if t == nil || len(t.Routes) == 0 {
		return ""
	}
	n := d.IntN(len(t.Routes))
	gone := t.Routes[n]
	t.Routes = slices.Delete(t.Routes, n, n+1)
	return "route " + gone.Destination + " of " + t.ID + " deleted"
}

func (d *drawer) addRoute() string {
	v := d.someVPC()
	t := some(d, v.RouteTables)
	if t == nil {
		return ""
	}
	r := world.Route{Destination: d.block(), NextHops: []world.NextHop{d.hop(v)}, Status: pick(d, []string{"", "", "Available", "Modifying", "Deleting", "Pending"})}
	// As the API has it, a table has one entry for a destination, and none for a
	// vSwitch's block or a part of one.
	taken := slices.ContainsFunc(t.Routes, func(o world.Route) bool { return o.Destination == r.Destination })
	to := netip.MustParsePrefix(r.Destination)
	for _, s := range v.VSwitches {
		block := netip.MustParsePrefix(s.CidrBlock)
		taken = taken || block.Contains(to.Addr()) && block.Bits() <= to.Bits()
	}
	if taken {
		return ""
	}
	t.Routes = append(t.Routes, r)
	return fmt.Sprintf("route %s to %s added to %s", r.Destination, r.NextHops[0].ID, t.ID)
}

func (d *drawer) otherTable() string {
	v := d.someVPC()
	s, t := some(d, v.VSwitches), some(d, v.RouteTables)
	if s == nil || t == nil {
		return ""
	}
	s.RouteTableID = t.ID
	return s.ID + " is served by " + s.RouteTableID
}

func (d *drawer) interfaceState() string {
	r := some(d, d.w.RouterInterfaces)
	if r == nil {
		return ""
	}
	r.Status = pick(d, []string{"Active", "Inactive", "Idle", "Connecting", "Activating", "Deactivating", "Modifying"})
	r.BusinessStatus = pick(d, []string{"Normal", "Normal", "FinancialLocked", "SecurityLocked"})
	return r.ID + " is " + r.Status + ", " + r.BusinessStatus
}

func (d *drawer) peeringState() string {
	p := some(d, d.w.PeerConnections)
	if p == nil {
		return ""
	}
	p.Status = pick(d, []string{"Activated", "Activated", "Updating", "Accepting", "Rejected", "Expired"})
	p.BusinessStatus = pick(d, []string{"Normal", "Normal", "FinancialLocked"})
	return p.ID + " is " + p.Status + ", " + p.BusinessStatus
}

func (d *drawer) addRule() string {
	v := d.someVPC()
	g := some(d, v.SecurityGroups)
	if g == nil {
		return ""
	}
	g.Rules = append(g.Rules, d.rule(v))
	return "a rule added to " + g.ID
}

func (d *drawer) loseRule() string {
	g := some(d, d.someVPC().SecurityGroups)
	if g == nil || len(g.Rules) == 0 {
		return ""
	}
	n := d.IntN(len(g.Rules))
	g.Rules = slices.Delete(g.Rules, n, n+1)
	return "a rule removed from " + g.ID
}

func (d *drawer) bindACL() string {
	v := d.someVPC()
	s, a := some(d, v.VSwitches), some(d, v.NetworkACLs)
	if s == nil || a == nil {
		return ""
	}
	s.NetworkACLID = pick(d, []string{"", a.ID})
	return s.ID + " has the network ACL " + s.NetworkACLID
}

func (d *drawer) changeEntries() string {
	a := some(d, d.someVPC().NetworkACLs)
	if a == nil {
		return ""
	}
	a.Ingress, a.Egress = d.entries(), d.entries()
	return a.ID + " has other entries"
}

func (d *drawer) stop() string {
	i := some(d, d.someVPC().Instances)
	if i == nil {
		return ""
	}
	i.Status = pick(d, []string{"Running", "Running", "Stopped", "Starting"})
	return i.ID + " is " + i.Status
}

// guest changes what is true inside an instance.
func (d *drawer) guest() string {
	i := some(d, d.someVPC().Instances)
	if i == nil {
		return ""
	}
	g := &i.Guest
	return i.ID + ": " + pick(d, []func() string{
		func() string { g.DropICMP = !g.DropICMP; return fmt.Sprint("drops pings: ", g.DropICMP) },
		func() string { g.DropTCP = []string{d.ports()}; return "drops TCP " + g.DropTCP[0] },
		func() string { g.DropTCP = nil; return "drops no TCP" },
		func() string { g.InterfaceDown = d.chance(2); return fmt.Sprint("interface down: ", g.InterfaceDown) },
		func() string { g.MTU = pick(d, []int{0, 68}); return fmt.Sprint("MTU ", g.MTU) },
		func() string { g.ReversePath = pick(d, []string{"strict", "loose"}); return g.ReversePath },
		func() string { g.Routes = nil; return "has no bridge" },
		func() string {
			to := fmt.Sprintf("10.%d.%s", 1+d.IntN(3), pick(d, []string{"0.0/16", "0.0/24", "1.0/24", "0.8/29"}))
			g.Routes = append(g.Routes[:len(g.Routes):len(g.Routes)], world.GuestRoute{Destination: to, Device: fmt.Sprintf("docker%d", len(g.Routes))})
			return "has a bridge over " + to
		},
		func() string { g.ListenTCP = []int{pick(d, Ports)}; return fmt.Sprint("listens on ", g.ListenTCP) },
	})()
}
