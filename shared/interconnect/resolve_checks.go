package interconnect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// This file holds what Resolve looks at across both sides, and what it warns
// of.

func (v *resolver) warn(field, format string, args ...any) {
	v.warnings = append(v.warnings, Warning{Field: field, Sentence: fmt.Sprintf(format, args...)})
}

// checkOverlap refuses blocks of the two sides that share addresses. VPCs that
// overlap can still be connected where the blocks named, their vSwitches', do
// not.
func (v *resolver) checkOverlap() {
	a, b := &v.c.Initiator, &v.c.Acceptor
	x, y, found := overlap(a.CidrBlocks, b.CidrBlocks)
	if !found {
		return
	}
	at := field(Acceptor, "cidrBlocks")
	if i := slices.Index(v.r.Acceptor.CidrBlocks, y.String()); i >= 0 {
		at = item(at, i)
	}
	v.add(at, "%s of %s and %s of %s share addresses, so neither can route to the other; name blocks of vSwitches that do not overlap as cidrBlocks of both sides.", y, b.VpcID, x, a.VpcID)
}

// checkRoutes looks at every route that the side's tables are to get.
func (v *resolver) checkRoutes(role Role) {
	side, other, facts := v.c.Side(role), v.c.Side(role.Other()), v.f.Side(role)
	at := field(role.Other(), "cidrBlocks")
	refused := map[netip.Prefix]bool{}
	for _, destination := range other.CidrBlocks {
		if why := RefuseDestination(destination, facts.VSwitches); why != "" {
			refused[destination] = true
			v.add(at, "%s of the VPC %s, so it cannot be routed to %s from there; name other blocks.", why, side.VpcID, other.VpcID)
		}
	}
	kind := kindOf(v.c.Type)
	hops := kind.hops(v.c, v.f, role)
	elsewhere := ""
	for _, table := range side.RouteTableIDs {
		for _, e := range facts.Entries[table] {
			for _, destination := range other.CidrBlocks {
				switch {
				case refused[destination] || slices.Contains(hops, e.NextHopID):
				case v.ours(&e):
					if e.Destination == destination && e.NextHopType != kind.hop {
						elsewhere = hop(&e)
					}
				case e.Destination == destination:
					v.add(at, "The route table %s of %s has a route to %s by the %s already; remove that route, or name other blocks.", table, side.VpcID, destination, hop(&e))
				case e.Type == "Custom" && Within(e.Destination, destination):
					v.warn(at, "The route table %s of %s sends %s, a part of %s, to the %s: that traffic will not take the connection.", table, side.VpcID, e.Destination, destination, hop(&e))
				}
			}
		}
	}
	if elsewhere != "" {
		v.warn(field(role, "routeTableIds"), "Routes of %s lead to the %s and are led to the new connection of type %s without a gap. Should the cloud refuse that, they are deleted and made anew, which cuts traffic for some seconds.", side.VpcID, elsewhere, v.c.Type)
	}
}

// ours tells whether a route entry is this connection's own: connecting
// repoints it.
func (v *resolver) ours(e *RouteEntry) bool {
	m, ok := ParseMark(e.Name)
	return ok && m.Prefix == v.f.Prefix && m.ConnectionID == v.c.ID
}

func hop(e *RouteEntry) string {
	return strings.TrimSpace(orElse(e.NextHopType, "next hop") + " " + e.NextHopID)
}

func (v *resolver) warnGroups(role Role) {
	groups := v.c.Side(role).SecurityGroups
	if len(groups) == 0 {
		v.warn(field(role, "securityGroups"), "No security group is named, so none is opened on this side; the ping that proves the connection needs one that lets ICMP in.")
		return
	}
	pings := func(g SecurityGroup) bool {
		return slices.ContainsFunc(g.Allow, func(a Allow) bool { return a.Protocol == "ICMP" || a.Protocol == "ALL" })
	}
	if !slices.ContainsFunc(groups, pings) {
		v.warn(field(role, "securityGroups"), "No group of this side lets ICMP in; the ping that proves the connection needs it.")
	}
	for i, g := range v.r.Side(role).SecurityGroups {
		if g.Authorization != BySecurityGroup {
			continue
		}
		for _, other := range v.c.Side(role.Other()).SecurityGroups {
			if other.Advanced {
				v.warn(item(field(role, "securityGroups"), i)+"/authorization", "%s is an advanced group, which the cloud may refuse as the source of a rule; if it does, use CidrBlock.", other.ID)
			}
		}
	}
}

func (v *resolver) warnProbe(role Role) {
	side := v.c.Side(role)
	for n, id := range v.r.Side(role).ProbeIDs() {
		instance := v.instance(role, id)
		if instance == nil {
			continue
		}
		path := probeField(role, v.r.Side(role).Probe, n)
		if !instance.Running {
			v.warn(path, "The instance %s is not running: the connection will be made, but cannot be proven with it.", instance.ID)
		}
		inGroup := func(g SecurityGroup) bool { return slices.Contains(instance.SecurityGroupIDs, g.ID) }
		if len(side.SecurityGroups) > 0 && !slices.ContainsFunc(side.SecurityGroups, inGroup) {
			v.warn(path, "The instance %s is in none of this side's security groups, so their rules do not let the ping in.", instance.ID)
		}
	}
}

// warnNetwork warns of what else may keep packets from arriving.
func (v *resolver) warnNetwork(role Role) {
	side, facts := v.c.Side(role), v.f.Side(role)
	for _, b := range side.CidrBlocks {
		if !withinAny(b, privateBlocks) && !withinAny(b, facts.VPC.UserBlocks) {
			v.warn(field(role, "cidrBlocks"), "%s is not a private block (RFC 1918), nor a user CIDR block of the VPC: instances with a public address send traffic for it to the internet.", b)
		}
	}
	var filtered []string
	for _, sw := range facts.VSwitches {
		if sw.NetworkAclID != "" && slices.ContainsFunc(side.CidrBlocks, sw.CidrBlock.Overlaps) {
			filtered = append(filtered, sw.ID)
		}
	}
	if len(filtered) > 0 {
		v.warn(field(role, "vpcId"), "A network ACL filters the vSwitches %s: see that it lets the other side's traffic through, it is not changed.", strings.Join(sortedIDs(filtered), ", "))
	}
}

// Documented defaults of quotas that can be raised per account and cannot be
// read, so that coming near them only warns.
const (
	quotaRoutesPerTable      = 200 // custom entries of a route table
	quotaInterfacesPerRouter = 5   // router interfaces of a VPC's router
	quotaRulesPerGroup       = 200 // rules of a group, the older figure; the newer is 1,000 over all groups of an instance
)

func (v *resolver) warnQuotas(role Role) {
	side, other, facts := v.c.Side(role), v.c.Side(role.Other()), v.f.Side(role)
	kindOf(v.c.Type).quota(v, role)
	for _, table := range side.RouteTableIDs {
		have, missing := 0, len(other.CidrBlocks)
		for _, e := range facts.Entries[table] {
			if e.Type == "Custom" {
				have++
			}
			if slices.Contains(other.CidrBlocks, e.Destination) {
				missing--
			}
		}
		v.warnQuota(field(role, "routeTableIds"), "The route table "+table, "custom entries", have, missing, quotaRoutesPerTable)
	}
	for _, g := range side.SecurityGroups {
		at := slices.IndexFunc(facts.Groups, func(f GroupFacts) bool { return f.ID == g.ID })
		peers := len(other.CidrBlocks)
		if g.Authorization == BySecurityGroup {
			peers = len(other.SecurityGroups)
		}
		v.warnQuota(field(role, "securityGroups"), "The security group "+g.ID, "rules", facts.Groups[at].RuleCount, peers*len(g.Allow), quotaRulesPerGroup)
	}
}

func (v *resolver) warnQuota(at, who, what string, have, more, quota int) {
	if more <= 0 || have+more <= quota*9/10 {
		return
	}
	v.warn(at, "%s has %d %s and up to %d are to be added; the documented default limit is %d. If yours is not higher, raise it in the quota centre.", who, have, what, more, quota)
}
