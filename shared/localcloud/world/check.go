package world

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/yamlfile"
)

// checker looks at a world as it was read, and gathers what is wrong with it.
type checker struct {
	f      *yamlfile.File
	w      *World
	errs   []error
	ids    map[string]string // id -> path of what has it
	groups map[string]string // security group -> VPC
}

// check refuses a world that does not hold together. It may well be one that
// the cloud's API would not have made: overlapping VPCs, odd routes, half a
// peering connection are what worlds are for.
func check(f *yamlfile.File, w *World) error {
	c := &checker{f: f, w: w, ids: map[string]string{}, groups: map[string]string{}}
	if w.Account != "" && !digits.MatchString(w.Account) {
		c.fail("account", "is to be digits")
	}
	for i, u := range w.Users {
		at := fmt.Sprintf("users[%d]", i)
		c.needed(at+".name", u.Name)
		c.needed(at+".accessKeyId", u.AccessKeyID)
		c.needed(at+".accessKeySecret", u.AccessKeySecret)
	}
	known := fieldsOf(engine.Quotas{})
	for k, n := range w.Quotas {
		c.known("quotas."+k, k, known)
		if n < 1 {
			c.fail("quotas."+k, "at least 1 is needed")
		}
	}
	known = fieldsOf(engine.Switches{})
	for k := range w.Switches {
		c.known("switches."+k, k, known)
	}
	if len(w.Regions) == 0 {
		c.fail("regions", "at least one is needed")
	}
	for i, r := range w.Regions {
		c.id(fmt.Sprintf("regions[%d]", i), r.ID, "")
	}
	for _, v := range w.VPCs {
		for _, g := range v.SecurityGroups {
			c.groups[g.ID] = v.ID
		}
	}
	for i := range w.VPCs {
		c.vpc(fmt.Sprintf("vpcs[%d]", i), &w.VPCs[i])
	}
	for i := range w.RouterInterfaces {
		c.routerInterface(fmt.Sprintf("routerInterfaces[%d]", i), &w.RouterInterfaces[i])
	}
	for i := range w.PeerConnections {
		c.peerConnection(fmt.Sprintf("peerConnections[%d]", i), &w.PeerConnections[i])
	}
	return errors.Join(c.errs...)
}

var digits = regexp.MustCompile(`^[0-9]+$`)

func (c *checker) fail(path, format string, args ...any) {
	c.errs = append(c.errs, c.f.Errorf(path, format, args...))
}

func (c *checker) needed(path, value string) bool {
	if value == "" {
		c.fail(path, "is needed")
	}
	return value != ""
}

func (c *checker) known(path, value string, all []string) {
	if !slices.Contains(all, value) {
		c.fail(path, "is not one of %s", strings.Join(all, ", "))
	}
}

// id holds an id to its prefix, and ids apart.
func (c *checker) id(at, id, prefix string) {
	if !c.needed(at+".id", id) {
		return
	}
	if !strings.HasPrefix(id, prefix) {
		c.fail(at+".id", "%q does not start with %s", id, prefix)
	}
	if other := c.ids[id]; other != "" {
		c.fail(at+".id", "%q is %s's already", id, other)
	}
	c.ids[id] = at
}

// block reads a CIDR block.
func (c *checker) block(path, s string) (netip.Prefix, bool) {
	if !c.needed(path, s) {
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		c.fail(path, "%q is no CIDR block", s)
	case p != p.Masked():
		c.fail(path, "%s has bits behind its length: %s is meant, or another", s, p.Masked())
	default:
		return p, true
	}
	return p, false
}

func (c *checker) ports(path, s string) {
	if _, ok := engine.ParsePortRange(s); s != "" && !ok {
		c.fail(path, "%q is no port range: from/to, or -1/-1 for all", s)
	}
}

func (c *checker) vpc(at string, v *VPC) {
	c.id(at, v.ID, "vpc-")
	i := slices.IndexFunc(c.w.Regions, func(r Region) bool { return r.ID == v.Region })
	if i < 0 {
		c.fail(at+".region", "%q is not among the regions", v.Region)
		return
	}
	zones := c.w.Regions[i].Zones
	var blocks []netip.Prefix
	if p, ok := c.block(at+".cidrBlock", v.CidrBlock); ok {
		blocks = append(blocks, p)
	}
	for i, b := range v.SecondaryBlocks {
		if p, ok := c.block(fmt.Sprintf("%s.secondaryCidrBlocks[%d]", at, i), b); ok {
			blocks = append(blocks, p)
		}
	}
	for i, b := range v.UserBlocks {
		c.block(fmt.Sprintf("%s.userCidrs[%d]", at, i), b)
	}
	for i, n := range v.Cens {
		c.needed(fmt.Sprintf("%s.cens[%d].id", at, i), n.ID)
	}
	tables, acls, switches := c.routeTables(at, v), []string{}, map[string]netip.Prefix{}
	for i, a := range v.NetworkACLs {
		c.acl(fmt.Sprintf("%s.networkAcls[%d]", at, i), a)
		acls = append(acls, a.ID)
	}
	for i, s := range v.VSwitches {
		at := fmt.Sprintf("%s.vSwitches[%d]", at, i)
		c.id(at, s.ID, "vsw-")
		c.known(at+".zone", s.Zone, zones)
		if p, ok := c.block(at+".cidrBlock", s.CidrBlock); ok {
			switches[s.ID] = p
			if !slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return b.Contains(p.Addr()) && b.Bits() <= p.Bits() }) {
				c.fail(at+".cidrBlock", "%s is in none of the VPC's blocks", s.CidrBlock)
			}
		}
		if s.RouteTableID != "" {
			c.known(at+".routeTableId", s.RouteTableID, tables)
		}
		if s.NetworkACLID != "" {
			c.known(at+".networkAclId", s.NetworkACLID, acls)
		}
	}
	for i, g := range v.SecurityGroups {
		c.group(fmt.Sprintf("%s.securityGroups[%d]", at, i), g)
	}
	for i := range v.Instances {
		c.instance(fmt.Sprintf("%s.instances[%d]", at, i), v, &v.Instances[i], switches)
	}
}

func (c *checker) routeTables(at string, v *VPC) (ids []string) {
	system := false
	for i, t := range v.RouteTables {
		at := fmt.Sprintf("%s.routeTables[%d]", at, i)
		c.id(at, t.ID, "vtb-")
		ids = append(ids, t.ID)
		c.known(at+".type", t.Type, []string{"", "System", "Custom"})
		c.known(at+".associateType", t.AssociateType, []string{"", "VSwitch", "Gateway"})
		if t.Type == "System" && system {
			c.fail(at+".type", "a VPC has one system table")
		}
		system = system || t.Type == "System"
		for j, r := range t.Routes {
			at := fmt.Sprintf("%s.routes[%d]", at, j)
			c.block(at+".destination", r.Destination)
			if r.ID != "" {
				c.id(at, r.ID, "rte-")
			}
			if len(r.NextHops) == 0 {
				c.fail(at+".nextHops", "at least one is needed")
			}
			for k, h := range r.NextHops {
				c.needed(fmt.Sprintf("%s.nextHops[%d].type", at, k), h.Type)
			}
		}
	}
	return ids
}

func (c *checker) acl(at string, a NetworkACL) {
	c.id(at, a.ID, "nacl-")
	for name, list := range map[string][]ACLEntry{"ingress": a.Ingress, "egress": a.Egress} {
		for i, e := range list {
			at := fmt.Sprintf("%s.%s[%d]", at, name, i)
			c.known(at+".policy", e.Policy, []string{"accept", "drop"})
			c.known(at+".protocol", e.Protocol, []string{"all", "icmp", "tcp", "udp", "gre"})
			c.ports(at+".port", e.Port)
			c.block(at+".cidrBlock", e.Peer)
		}
	}
}

func (c *checker) group(at string, g SecurityGroup) {
	c.id(at, g.ID, "sg-")
	c.known(at+".type", g.Type, []string{"", engine.GroupNormal, engine.GroupEnterprise})
	for i, r := range g.Rules {
		at := fmt.Sprintf("%s.rules[%d]", at, i)
		if r.ID != "" {
			c.id(at, r.ID, "sgr-")
		}
		c.known(at+".direction", r.Direction, []string{"ingress", "egress"})
		c.known(at+".protocol", r.Protocol, []string{"TCP", "UDP", "ICMP", "ICMPv6", "GRE", "ALL"})
		c.known(at+".policy", r.Policy, []string{"", "accept", "drop"})
		c.ports(at+".portRange", r.PortRange)
		c.ports(at+".sourcePortRange", r.SourcePorts)
		if r.Priority < 0 || r.Priority > 100 {
			c.fail(at+".priority", "1 to 100 are allowed")
		}
		switch {
		case (r.CidrBlock == "") == (r.GroupID == ""):
			c.fail(at, "either cidrBlock or securityGroupId is needed")
		case r.CidrBlock != "":
			c.block(at+".cidrBlock", r.CidrBlock)
		case c.groups[r.GroupID] == "":
			c.fail(at+".securityGroupId", "there is no security group %s", r.GroupID)
		}
		if r.OwnBlock != "" {
			c.block(at+".ownCidrBlock", r.OwnBlock)
		}
	}
}

func (c *checker) instance(at string, v *VPC, i *Instance, switches map[string]netip.Prefix) {
	c.id(at, i.ID, "i-")
	block, ok := switches[i.VSwitchID]
	if !ok {
		c.fail(at+".vSwitchId", "%q is no vSwitch of %s", i.VSwitchID, v.ID)
	}
	if i.PrivateIP != "" {
		a, err := netip.ParseAddr(i.PrivateIP)
		if err != nil || ok && !block.Contains(a) {
			c.fail(at+".privateIp", "%q is no address of the vSwitch", i.PrivateIP)
		}
	}
	if len(i.SecurityGroups) == 0 {
		c.fail(at+".securityGroupIds", "at least one is needed")
	}
	for j, g := range i.SecurityGroups {
		if c.groups[g] != v.ID {
			c.fail(fmt.Sprintf("%s.securityGroupIds[%d]", at, j), "%q is no security group of %s", g, v.ID)
		}
	}
	c.known(at+".status", i.Status, []string{"", engine.InstancePending, engine.InstanceStarting, engine.InstanceRunning, engine.InstanceStopping, engine.InstanceStopped})
	at += ".guest"
	c.known(at+".os", i.Guest.OS, []string{"", "linux", "windows"})
	c.known(at+".cloudAssistant", i.Guest.CloudAssistant, []string{"", "online", "offline", "hangs"})
	c.known(at+".reversePath", i.Guest.ReversePath, []string{"", engine.ReversePathLoose, engine.ReversePathStrict})
	if mtu := i.Guest.MTU; mtu != 0 && (mtu < engine.LeastMTU || mtu > engine.DefaultMTU) {
		c.fail(at+".mtu", "%d to %d bytes are possible", engine.LeastMTU, engine.DefaultMTU)
	}
	for j, p := range i.Guest.DropTCP {
		c.ports(fmt.Sprintf("%s.dropTcp[%d]", at, j), p)
	}
	for j, r := range i.Guest.Routes {
		c.block(fmt.Sprintf("%s.routes[%d].destination", at, j), r.Destination)
		c.needed(fmt.Sprintf("%s.routes[%d].device", at, j), r.Device)
	}
}

func (c *checker) routerInterface(at string, r *RouterInterface) {
	c.id(at, r.ID, "ri-")
	if !slices.ContainsFunc(c.w.VPCs, func(v VPC) bool { return v.ID == r.VpcID }) {
		c.fail(at+".vpcId", "there is no VPC %q", r.VpcID)
	}
	c.known(at+".role", r.Role, []string{"InitiatingSide", "AcceptingSide"})
	c.known(at+".status", r.Status, []string{
		"", "Idle", "Connecting", "AcceptingConnecting", "Activating", "Active", "Modifying", "Deactivating", "Inactive", "Deleting",
	})
	c.known(at+".businessStatus", r.BusinessStatus, []string{"", "Normal", "FinancialLocked", "SecurityLocked"})
	c.needed(at+".spec", r.Spec)
}

func (c *checker) peerConnection(at string, p *PeerConnection) {
	c.id(at, p.ID, "pcc-")
	for key, id := range map[string]string{"vpcId": p.VpcID, "acceptingVpcId": p.AcceptingVpcID} {
		if !slices.ContainsFunc(c.w.VPCs, func(v VPC) bool { return v.ID == id }) {
			c.fail(at+"."+key, "there is no VPC %q", id)
		}
	}
	if p.VpcID != "" && p.VpcID == p.AcceptingVpcID {
		c.fail(at+".acceptingVpcId", "a VPC is not joined with itself")
	}
	if p.Bandwidth < -1 {
		c.fail(at+".bandwidth", "Mb/s are needed, or -1 for no limit")
	}
	c.known(at+".linkType", p.LinkType, []string{"", "Gold", "Platinum"})
	c.known(at+".status", p.Status, []string{"", "Creating", "Accepting", "Updating", "Rejected", "Expired", "Activated", "Deleting", "Deleted"})
	c.known(at+".businessStatus", p.BusinessStatus, []string{"", "Normal", "FinancialLocked"})
}

// fieldsOf lists the names of a struct's fields as the world file spells them.
func fieldsOf(s any) []string {
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(s)) {
		out = append(out, small(f.Name))
	}
	return out
}

func small(name string) string {
	r := []rune(name)
	r[0] = unicode.ToLower(r[0])
	return string(r)
}
