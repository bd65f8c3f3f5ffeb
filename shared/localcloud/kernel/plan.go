package kernel

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

// plan is all that the kernel is to hold for a topology.
type plan struct {
	routers map[string]*router // by VPC
	guests  map[string]*guest  // by instance
	wires   map[string]*wire   // by peering connection, or by the first of two router interfaces
}

// router is a vRouter's namespace.
type router struct {
	routes map[string]string // "10.0.0.0/8 table 7" -> "dev w1", "blackhole", ...
	rules  []string          // which table decides for a port
	filter string            // nftables: network ACLs and security groups
}

// guest is a running instance's namespace.
type guest struct {
	link
	hostName string
	settings map[string]string   // below /proc/sys/net/ipv4
	up       bool                // eth0
	eth0     []string            // ip commands that bring eth0 into its state, whatever that was
	bridges  map[string][]string // by device: ip commands that make it
	firewall string              // nftables' chains
	listen   []int               // TCP ports
}

// link is what cannot be changed about a guest without making it anew.
type link struct {
	vpcID   string
	port    string // the vRouter's end; the guest's is eth0
	mac     string // of both ends
	address netip.Addr
}

// wire joins two vRouters: a device of the same name in each.
type wire struct {
	ends   [2]string // VPCs
	device string
	mbps   int           // each way; 0: unlimited
	delay  time.Duration // one way
}

const (
	// localTable has a VPC's own addresses: what a route to "local", or a packet
	// that came from another VPC, goes by.
	localTable = 100
	// The order of the rules: the tables of vSwitches, then localTable.
	portPriority, localPriority = 1000, 2000

	// mostHostName is the length of the longest host name that Linux takes.
	mostHostName = 64
)

// builder works a plan out.
type builder struct {
	*engine.Topology
	plan
	running  []*engine.Instance
	vSwitch  map[string]*engine.VSwitch
	vpc      map[string]*engine.VPC
	hopWires map[string]string // "vpc hop" -> the wire that carries it
}

// newPlan works out what the kernel is to hold for a topology.
func newPlan(t *engine.Topology) plan {
	b := builder{
		Topology: t,
		plan:     plan{routers: map[string]*router{}, guests: map[string]*guest{}, wires: map[string]*wire{}},
		vSwitch:  map[string]*engine.VSwitch{}, vpc: map[string]*engine.VPC{}, hopWires: map[string]string{},
	}
	for n := range t.VSwitches {
		b.vSwitch[t.VSwitches[n].ID] = &t.VSwitches[n]
	}
	for n := range t.VPCs {
		b.vpc[t.VPCs[n].ID] = &t.VPCs[n]
	}
	for n := range t.Instances {
		i := &t.Instances[n]
		if s := b.vSwitch[i.VSwitchID]; i.Status == engine.InstanceRunning && s != nil && s.Block.Contains(i.PrivateIP) {
			b.running = append(b.running, i)
			b.guests[i.ID] = newGuest(i, s.Block)
		}
	}
	b.peerings()
	b.interfaces()
	for n := range t.VPCs {
		v := &t.VPCs[n]
		b.routers[v.ID] = &router{routes: map[string]string{}}
		b.tables(v.ID, b.routers[v.ID])
		b.routers[v.ID].filter = b.filter(v.ID)
	}
	return b.plan
}

// short makes a name of at most 15 characters, all that a device's may have,
// of an id of any length.
func short(letter, id string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return fmt.Sprintf("%s%012x", letter, h.Sum64()>>16)
}

var plain = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,60}$`)

// spelt is an id as a part of a namespace's name.
func spelt(id string) string {
	if plain.MatchString(id) {
		return id
	}
	return short("x", id)
}

// peerings plans a wire for each peering connection that carries traffic.
func (b *builder) peerings() {
	for _, p := range b.PeerConnections {
		usable := p.Status == engine.PeerActivated || p.Status == engine.PeerUpdating
		if usable && p.BusinessStatus == "Normal" {
			b.wire(p.ID, [2]string{p.VpcID, p.AcceptingVpcID}, max(p.Bandwidth, 0))
			b.hopWires[p.VpcID+" VpcPeer "+p.ID], b.hopWires[p.AcceptingVpcID+" VpcPeer "+p.ID] = p.ID, p.ID
		}
	}
}

// interfaces plans a wire for each pair of router interfaces that carries
// traffic: both Active, neither locked, each the other's opposite.
func (b *builder) interfaces() {
	for n := range b.RouterInterfaces {
		near := &b.RouterInterfaces[n]
		k := slices.IndexFunc(b.RouterInterfaces, func(r engine.RouterInterface) bool { return r.ID == near.OppositeID })
		if k < 0 || k == n {
			continue
		}
		far := &b.RouterInterfaces[k]
		carries := func(r *engine.RouterInterface) bool { return r.Status == "Active" && r.BusinessStatus == "Normal" }
		if far.OppositeID != near.ID || !carries(near) || !carries(far) {
			continue
		}
		first, second := near, far
		if k < n {
			first, second = far, near
		}
		// The accepting side's specification is Negative, which has no bandwidth.
		b.wire(first.ID, [2]string{first.VpcID, second.VpcID}, max(engine.Specs[near.Spec], engine.Specs[far.Spec]))
		b.hopWires[near.VpcID+" RouterInterface "+near.ID] = first.ID
	}
}

func (b *builder) wire(id string, vpcs [2]string, mbps int) {
	one, other := b.vpc[vpcs[0]], b.vpc[vpcs[1]]
	if one == nil || other == nil || one == other {
		return
	}
	b.wires[id] = &wire{ends: vpcs, device: short("w", id), mbps: mbps, delay: dataplane.OneWay(one.RegionID, other.RegionID)}
}

// settled are the states in which a route entry carries traffic.
var settled = []string{engine.StatusAvailable, engine.StatusCreated, engine.StatusModifying}

// tables plans a vRouter's routing. Each port's vSwitch names the table that
// decides; where that says "local", and for whatever comes in over a wire, the
// VPC's own addresses do: nothing is carried on to a third VPC. What no route
// covers is dropped in silence.
func (b *builder) tables(vpcID string, r *router) {
	used := map[string]bool{}
	for _, i := range b.running {
		if i.VpcID != vpcID {
			continue
		}
		table := b.vSwitch[i.VSwitchID].RouteTableID
		used[table] = true
		port := b.guests[i.ID].port
		r.rules = append(r.rules, fmt.Sprintf("priority %d iif %s lookup %d", portPriority, port, tableNumber(table)))
		r.routes[fmt.Sprintf("%s/32 table %d", i.PrivateIP, localTable)] = "dev " + port
	}
	r.rules = append(r.rules, fmt.Sprintf("priority %d lookup %d", localPriority, localTable))
	slices.Sort(r.rules)
	r.routes[fmt.Sprintf("0.0.0.0/0 table %d", localTable)] = "blackhole"
	for table := range used {
		r.routes[fmt.Sprintf("0.0.0.0/0 table %d", tableNumber(table))] = "blackhole"
	}
	seen := map[string]bool{}
	for _, e := range b.RouteEntries {
		if !used[e.TableID] || !e.Destination.Addr().Is4() || !slices.Contains(settled, e.Status) || len(e.NextHops) == 0 {
			continue
		}
		if key := fmt.Sprintf("%s table %d", e.Destination, tableNumber(e.TableID)); !seen[key] {
			seen[key] = true
			r.routes[key] = b.nextHop(vpcID, e.NextHops)
		}
	}
}

// tableNumber is a route table's in the kernel.
func tableNumber(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return 1000 + h.Sum32()%(1<<30)
}

// nextHop is where a route leads, in ip's words. With several next hops the
// kernel spreads flows over those that carry traffic.
func (b *builder) nextHop(vpcID string, hops []engine.NextHop) string {
	var devices []string
	for _, h := range hops {
		if h.Type == "local" {
			return "throw" // to the next rule, which is localTable's
		}
		if w := b.wires[b.hopWires[vpcID+" "+h.Type+" "+h.ID]]; w != nil {
			devices = append(devices, w.device)
		}
	}
	switch len(devices) {
	case 0:
		return "blackhole"
	case 1:
		return "dev " + devices[0]
	}
	return "nexthop dev " + strings.Join(devices, " nexthop dev ")
}

// newGuest plans an instance's inside.
func newGuest(i *engine.Instance, vSwitch netip.Prefix) *guest {
	vSwitch = vSwitch.Masked()
	mac := fnv.New32a()
	_, _ = mac.Write([]byte(i.ID))
	m := mac.Sum32()
	g := &guest{
		link: link{i.VpcID, short("p", i.ID), fmt.Sprintf("00:16:3e:%02x:%02x:%02x", byte(m>>16), byte(m>>8), byte(m)), i.PrivateIP},
		up:   !i.Guest.InterfaceDown, hostName: i.HostName[:min(len(i.HostName), mostHostName)], bridges: map[string][]string{}, firewall: firewall(i.Guest), listen: i.Guest.ListenTCP,
	}
	mtu := cmp.Or(i.Guest.MTU, engine.DefaultMTU)
	gateway := fmt.Sprintf("via %s dev eth0 onlink", thirdLast(vSwitch))
	if thirdLast(vSwitch) == i.PrivateIP {
		gateway = "dev eth0"
	}
	g.eth0 = []string{
		"link set dev eth0 down",
		fmt.Sprintf("link set dev eth0 mtu %d arp off up", mtu),
		fmt.Sprintf("address replace %s/%d dev eth0", i.PrivateIP, vSwitch.Bits()),
		"route replace default " + gateway,
	}
	if !g.up {
		g.eth0 = append(g.eth0, "link set dev eth0 down")
	}
	strict := "0"
	if i.Guest.ReversePath == "strict" {
		strict = "1"
	}
	g.settings = map[string]string{
		"conf/all/rp_filter": strict, "conf/eth0/rp_filter": strict,
		// Pings have the kernel tell them apart, not their process ids, which are
		// the same in every script.
		"ping_group_range": "0 2147483647",
	}
	for _, r := range i.Guest.Routes {
		g.bridge(r, vSwitch)
	}
	return g
}

// thirdLast is the address of a vSwitch's gateway: the third last of its block.
func thirdLast(block netip.Prefix) netip.Addr {
	b := block.Addr().As4()
	for bit := block.Bits(); bit < 32; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(b).Prev().Prev()
}

var deviceName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$`)

// bridge plans a bridge without ports, as container engines make them, over a
// block. It has the block's first address, unless that is the guest's own.
func (g *guest) bridge(r engine.GuestRoute, vSwitch netip.Prefix) {
	d := r.Destination.Masked()
	if d.Bits() == 0 || d == vSwitch {
		return // the routes that are there already are as good
	}
	device := r.Device
	if !deviceName.MatchString(device) || device == "eth0" || device == "lo" {
		device = short("b", r.Device)
	}
	if g.bridges[device] == nil {
		g.bridges[device] = []string{"link add dev " + device + " type bridge", "link set dev " + device + " up"}
	}
	first := d.Addr().Next()
	if d.Bits() < 31 && first != g.address {
		g.bridges[device] = append(g.bridges[device], fmt.Sprintf("address add %s/%d dev %s", first, d.Bits(), device))
		return
	}
	g.bridges[device] = append(g.bridges[device], fmt.Sprintf("route add %s dev %s", d, device))
}
