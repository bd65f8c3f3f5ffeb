package reachability_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"vpcinterconnect/shared/localcloud/world"
)

// draw makes random worlds of two VPCs to be judged, and a third beside them.
// Most of what it draws is as a connected pair would have it, so that about as
// many packets pass as are stopped, and are stopped anywhere.
type draw struct {
	*rand.Rand
	w      *world.World
	serial int
}

func randomWorld(seed uint64) *world.World {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, 8)), w: &world.World{}}
	d.w.Regions = []world.Region{{ID: regionA, Zones: []string{"cn-qingdao-b"}}, {ID: regionB, Zones: []string{"cn-beijing-h"}}}
	d.w.VPCs = []world.VPC{
		d.vpc(vpcA, regionA, "cn-qingdao-b", 1), d.vpc(vpcB, regionB, "cn-beijing-h", 2),
		{ID: vpcC, Region: regionB, CidrBlock: "10.3.0.0/16", RouterID: "vrt-vpc-c"},
	}
	hops := d.joints()
	for n := range 2 {
		d.routes(n, hops[n])
	}
	for n := range 2 {
		d.groups(n)
		d.instances(n)
	}
	return d.w
}

// pick draws one; what is given more than once is drawn more often.
func pick[T any](d *draw, of ...T) T { return of[d.IntN(len(of))] }

// once is true with a chance of 1 in n.
func (d *draw) once(n int) bool { return d.IntN(n) == 0 }

func (d *draw) id(prefix string) string {
	d.serial++
	return fmt.Sprintf("%s-%d", prefix, d.serial)
}

// vpc draws a VPC 10.n.0.0/16 with vSwitches, tables and ACLs.
func (d *draw) vpc(id, region, zone string, n int) world.VPC {
	v := world.VPC{ID: id, Region: region, CidrBlock: fmt.Sprintf("10.%d.0.0/16", n), RouterID: "vrt-" + id}
	blocks := []string{fmt.Sprintf("10.%d.1.0/24", n), fmt.Sprintf("10.%d.2.0/24", n), fmt.Sprintf("10.%d.128.0/20", n)}
	if d.once(4) {
		v.SecondaryBlocks = []string{fmt.Sprintf("10.%d.0.0/16", 10+n)}
		blocks = append(blocks, fmt.Sprintf("10.%d.1.0/24", 10+n))
	}
	v.RouteTables = []world.RouteTable{{ID: d.id("vtb"), Type: "System"}}
	if d.once(3) {
		v.RouteTables = append(v.RouteTables, world.RouteTable{ID: d.id("vtb")})
	}
	for range d.IntN(3) {
		v.NetworkACLs = append(v.NetworkACLs, world.NetworkACL{ID: d.id("nacl"), Ingress: d.aclRules(), Egress: d.aclRules()})
	}
	d.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	for _, b := range blocks[:1+d.IntN(2)] {
		s := world.VSwitch{ID: d.id("vsw"), Zone: zone, CidrBlock: b, RouteTableID: v.RouteTables[d.IntN(len(v.RouteTables))].ID}
		if len(v.NetworkACLs) > 0 && d.once(2) {
			s.NetworkACLID = v.NetworkACLs[d.IntN(len(v.NetworkACLs))].ID
		}
		v.VSwitches = append(v.VSwitches, s)
	}
	return v
}

// block draws a block that may hold an instance of either VPC, or none.
func (d *draw) block() string {
	n := 1 + d.IntN(2)
	return pick(d, "0.0.0.0/0", "0.0.0.0/0", "10.0.0.0/8", fmt.Sprintf("10.%d.0.0/16", n), fmt.Sprintf("10.%d.0.0/16", n),
		fmt.Sprintf("10.%d.1.0/24", n), fmt.Sprintf("10.%d.2.0/24", n), fmt.Sprintf("10.%d.128.0/20", n), fmt.Sprintf("10.%d.1.%d/32", n, 10+d.IntN(3)),
		fmt.Sprintf("10.%d.0.0/16", 10+n), "172.31.0.0/16")
}

func (d *draw) aclRules() (out []world.ACLEntry) {
	for range d.IntN(3) {
		e := world.ACLEntry{Policy: pick(d, "accept", "accept", "drop"), Protocol: pick(d, "all", "icmp", "tcp", "udp", "gre"), Peer: d.block()}
		if e.Protocol == "tcp" || e.Protocol == "udp" {
			e.Port = pick(d, "22/22", "5432/5432", "1/65535", "1/1024", "1024/65535", "32768/61000", "50000/65535", "32768/40000", "4000/6000")
		}
		out = append(out, e)
	}
	if !d.once(4) {
		out = append(out, world.ACLEntry{Policy: "accept", Protocol: "all", Peer: "0.0.0.0/0"})
	}
	return out
}

// joints draws what joins the VPCs, and says for both sides what routes may
// lead to: first what leads to the other side, then what does not.
func (d *draw) joints() (hops [2][]world.NextHop) {
	add := func(n int, kind, id string) { hops[n] = append(hops[n], world.NextHop{Type: kind, ID: id}) }
	pair := func(n, m int) {
		x, y := d.id("ri"), d.id("ri")
		for _, r := range []world.RouterInterface{
			{ID: x, VpcID: d.w.VPCs[n].ID, Role: "InitiatingSide", Spec: "Mini.2", Opposite: &world.Opposite{ID: y}},
			{ID: y, VpcID: d.w.VPCs[m].ID, Role: "AcceptingSide", Spec: "Negative", Opposite: &world.Opposite{ID: x}},
		} {
			if d.once(12) {
				r.Status = pick(d, "Idle", "Connecting", "AcceptingConnecting", "Activating", "Modifying", "Deactivating", "Inactive", "Deleting")
			}
			if d.once(24) {
				r.BusinessStatus = pick(d, "FinancialLocked", "SecurityLocked")
			}
			if d.once(40) {
				r.Opposite = pick(d, nil, &world.Opposite{ID: "ri-gone", Region: regionA, RouterID: "vrt-vpc-a"})
			}
			if d.once(60) {
				continue // somebody deleted it
			}
			d.w.RouterInterfaces = append(d.w.RouterInterfaces, r)
		}
		for i, id := range []string{x, y} {
			if at := []int{n, m}[i]; at < 2 {
				add(at, "RouterInterface", id)
			}
		}
	}
	peering := func(n, m int) {
		p := world.PeerConnection{ID: d.id("pcc"), VpcID: d.w.VPCs[n].ID, AcceptingVpcID: d.w.VPCs[m].ID}
		if d.once(12) {
			p.Status = pick(d, "Creating", "Accepting", "Updating", "Rejected", "Expired", "Deleting", "Deleted")
		}
		if d.once(24) {
			p.BusinessStatus = "FinancialLocked"
		}
		d.w.PeerConnections = append(d.w.PeerConnections, p)
		for _, at := range []int{n, m} {
			if at < 2 {
				add(at, "VpcPeer", p.ID)
			}
		}
	}
	switch d.IntN(5) {
	case 0, 1:
		pair(0, 1)
	case 2, 3:
		n := d.IntN(2)
		peering(n, 1-n)
	default:
		pair(1, 0)
		peering(0, 1)
	}
	if d.once(3) {
		pair(d.IntN(2), 2)
	}
	if d.once(3) {
		peering(2, d.IntN(2))
	}
	return hops
}

// routes draws the routes of a side: in most tables the way to the other VPC,
// then others, more specific and wider ones.
func (d *draw) routes(n int, hops []world.NextHop) {
	other := 2 - n
	elsewhere := []world.NextHop{{Type: "RouterInterface", ID: "ri-gone"}, {Type: "VpcPeer", ID: "pcc-gone"}, {Type: "NatGateway", ID: "ngw-1"}, {Type: "Instance", ID: "i-appliance"}}
	for t := range d.w.VPCs[n].RouteTables {
		table := &d.w.VPCs[n].RouteTables[t]
		seen := map[string]bool{}
		add := func(to string, hop ...world.NextHop) {
			if seen[to] {
				return
			}
			seen[to] = true
			r := world.Route{ID: d.id("rte"), Destination: to, NextHops: hop}
			if d.once(15) {
				r.Status = pick(d, "Pending", "Creating", "Modifying", "Deleting", "Created")
			}
			table.Routes = append(table.Routes, r)
		}
		whole := hops[:1]
		if last := hops[len(hops)-1]; len(hops) > 1 && d.once(2) && last.Type == "RouterInterface" && hops[0].Type == last.Type {
			whole = []world.NextHop{hops[0], last} // several next hops: of interfaces only
		}
		if !d.once(12) {
			add(fmt.Sprintf("10.%d.0.0/16", other), whole...)
		}
		if !d.once(3) {
			add(fmt.Sprintf("10.%d.0.0/16", 10+other), hops[0])
		}
		for range d.IntN(3) {
			to := pick(d, "0.0.0.0/0", "10.0.0.0/8", fmt.Sprintf("10.%d.1.0/24", other), fmt.Sprintf("10.%d.2.0/24", other), fmt.Sprintf("10.%d.128.0/18", other),
				fmt.Sprintf("10.%d.1.%d/32", other, 10+d.IntN(3)), "10.3.0.0/16", "172.31.0.0/16")
			add(to, pick(d, append(slices.Clone(hops), elsewhere[d.IntN(len(elsewhere))])...))
		}
	}
}

func (d *draw) groups(n int) {
	v := &d.w.VPCs[n]
	for range 1 + d.IntN(3) {
		g := world.SecurityGroup{ID: d.id("sg")}
		if d.once(4) {
			g.Type = "enterprise"
		}
		g.Isolated = g.Type == "" && d.once(3)
		v.SecurityGroups = append(v.SecurityGroups, g)
	}
	for i := range v.SecurityGroups {
		g := &v.SecurityGroups[i]
		if !d.once(6) { // what a connection needs
			g.Rules = append(g.Rules, world.Rule{ID: d.id("sgr"), Direction: "ingress", Protocol: pick(d, "ICMP", "ALL", "TCP"), CidrBlock: pick(d, "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0"), Priority: 1 + d.IntN(3)})
			if g.Type != "" {
				g.Rules = append(g.Rules, world.Rule{ID: d.id("sgr"), Direction: "egress", Protocol: "ALL", CidrBlock: "0.0.0.0/0", Priority: 1 + d.IntN(3)})
			}
		}
		for range d.IntN(4) {
			g.Rules = append(g.Rules, d.rule(v, g))
		}
	}
}

func (d *draw) rule(v *world.VPC, g *world.SecurityGroup) world.Rule {
	r := world.Rule{
		ID: d.id("sgr"), Direction: pick(d, "ingress", "ingress", "egress"), Protocol: pick(d, "ICMP", "TCP", "UDP", "GRE", "ALL", "ICMPv6"),
		Policy: pick(d, "accept", "drop"), Priority: 1 + d.IntN(3), CidrBlock: d.block(),
	}
	if r.Protocol == "TCP" || r.Protocol == "UDP" {
		r.PortRange = pick(d, "22/22", "5432/5432", "1/65535", "1/1024", "4000/6000")
		if d.once(5) {
			r.SourcePorts = pick(d, "1/1024", "1024/65535", "30000/65535", "50000/65535", "1/65535")
		}
	}
	if d.once(8) {
		r.OwnBlock = d.block()
	}
	if g.Type == "" && d.once(3) { // an advanced group names no groups
		r.CidrBlock, r.GroupID = "", v.SecurityGroups[d.IntN(len(v.SecurityGroups))].ID
	}
	return r
}

func (d *draw) instances(n int) {
	v := &d.w.VPCs[n]
	for k := range 1 + d.IntN(2) {
		s := v.VSwitches[d.IntN(len(v.VSwitches))]
		first := v.SecurityGroups[d.IntN(len(v.SecurityGroups))]
		i := world.Instance{
			ID: d.id("i"), VSwitchID: s.ID, PrivateIP: s.CidrBlock[:len(s.CidrBlock)-len("0/24")] + fmt.Sprint(10+k), SecurityGroups: []string{first.ID},
			Guest: world.Guest{ListenTCP: []int{5432}},
		}
		for _, g := range v.SecurityGroups { // of one type: an instance is in basic groups or in advanced ones
			if g.ID != first.ID && g.Type == first.Type && d.once(3) {
				i.SecurityGroups = append(i.SecurityGroups, g.ID)
			}
		}
		if d.once(16) {
			i.Status = "Stopped"
		}
		v.Instances = append(v.Instances, i)
	}
}
