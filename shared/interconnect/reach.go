package interconnect

import (
	"cmp"
	"net/netip"
	"slices"
)

// Members are the instances of one side, and what decides about their traffic.
type Members struct {
	Instances []Instance
	VSwitches []VSwitch
	Advanced  map[string]bool // by security group: it denies egress unless a rule allows it
}

// Opening is a protocol and ports on which instances of one side reach an
// instance of the other.
type Opening struct {
	From      Role   `json:"from"`
	Target    string `json:"target"`  // instance
	Address   string `json:"address"` // of the target
	Protocol  string `json:"protocol"`
	PortRange string `json:"portRange"`
	Added     bool   `json:"added"` // by a rule that this connection adds; else a rule there is, which a route makes count
}

// Reach is an opening and the instances that it lets through: a part of a
// connection's blast radius.
type Reach struct {
	Opening
	Sources []string `json:"sources"` // instances, sorted
}

// BlastRadius lists which instances would reach which, and on what, once c is
// made: those with addresses in the connected blocks, and behind the connected
// tables, as the rules of their groups let them, those that exist and those
// that are added. What network ACLs and guests' firewalls refuse is not looked
// at, so more may be listed than is open, never less.
func BlastRadius(c *Connection, members map[Role]*Members, existing, added []Rule) []Reach {
	rules := append(slices.Clone(existing), added...)
	out := []Reach{}
	for _, from := range Roles {
		sources := connected(c, from, members[from])
		for _, target := range connected(c, from.Other(), members[from.Other()]) {
			sourcesOf := map[Opening][]string{}
			for n, r := range rules {
				if r.Direction != Ingress || r.Policy != policyAccept || !slices.Contains(target.SecurityGroupIDs, r.GroupID) {
					continue
				}
				o := Opening{From: from, Target: target.ID, Address: target.PrivateIP.String(), Protocol: r.Protocol, PortRange: r.PortRange, Added: n >= len(existing)}
				for _, s := range sources {
					if concerns(r, s) && !shut(r, target, s, rules) && sends(r, s, target, members[from].Advanced, rules) {
						sourcesOf[o] = append(sourcesOf[o], s.ID)
					}
				}
			}
			for o, ids := range sourcesOf {
				out = append(out, Reach{Opening: o, Sources: sortedIDs(ids)})
			}
		}
	}
	slices.SortFunc(out, func(a, b Reach) int {
		return cmp.Or(cmp.Compare(b.From, a.From), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.PortRange, b.PortRange), cmp.Compare(b2i(a.Added), b2i(b.Added)))
	})
	return out
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// connected returns the instances of a side that packets of the connection can
// come from and go to.
func connected(c *Connection, role Role, m *Members) []Instance {
	if m == nil {
		return nil
	}
	side := c.Side(role)
	served := map[string]bool{}
	for _, v := range m.VSwitches {
		served[v.ID] = slices.Contains(side.RouteTableIDs, v.RouteTableID)
	}
	var out []Instance
	for _, i := range m.Instances {
		inBlocks := slices.ContainsFunc(side.CidrBlocks, func(b netip.Prefix) bool { return i.PrivateIP.IsValid() && b.Contains(i.PrivateIP) })
		if inBlocks && served[i.VSwitchID] {
			out = append(out, i)
		}
	}
	return out
}

// concerns tells whether a rule's peer is the instance.
func concerns(r Rule, i Instance) bool {
	if r.PeerGroupID != "" {
		return slices.Contains(i.SecurityGroupIDs, r.PeerGroupID)
	}
	return r.PeerBlock.IsValid() && r.PeerBlock.Contains(i.PrivateIP)
}

// shut tells whether a drop comes before all that the accepting rule r lets
// through between an instance and its peer. A drop of a part leaves the rest.
func shut(r Rule, own, peer Instance, rules []Rule) bool {
	return slices.ContainsFunc(rules, func(d Rule) bool {
		return d.Policy == policyDrop && d.Direction == r.Direction && slices.Contains(own.SecurityGroupIDs, d.GroupID) &&
			d.Priority <= r.Priority && concerns(d, peer) && covers(d, r)
	})
}

// covers tells whether rule a is about all protocols and ports of b.
func covers(a, b Rule) bool {
	if a.Protocol == protocolAll {
		return true
	}
	fromA, toA, okA := parsePorts(a.PortRange)
	fromB, toB, okB := parsePorts(b.PortRange)
	return sharesProtocol(a, b) && b.Protocol != protocolAll && (!okA || okB && fromA <= fromB && toB <= toA)
}

// sends tells whether the source's own groups let any of what r lets in leave
// for the target.
func sends(r Rule, source, target Instance, advanced map[string]bool, rules []Rule) bool {
	open := false
	for _, g := range source.SecurityGroupIDs {
		open = open || !advanced[g]
	}
	out := r
	out.Direction = Egress
	for _, e := range rules {
		if e.Direction != Egress || !slices.Contains(source.SecurityGroupIDs, e.GroupID) || !concerns(e, target) || !sharesProtocol(e, r) || !sharesPorts(e, r) {
			continue
		}
		if e.Policy == policyAccept && !shut(e, source, target, rules) {
			return true
		}
	}
	// What no rule speaks of leaves a basic group, and has the lowest priority.
	out.Priority = lowestPriority + 1
	return open && !shut(out, source, target, rules)
}

// lowestPriority is the lowest that a rule can have.
const lowestPriority = 100
