package dataplane

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"vpcinterconnect/shared/localcloud/engine"
)

// groups asks an instance's security groups about a flow in one direction. The
// rules of all its groups are sorted together: the smallest priority decides,
// and of equal ones drop. What no rule matches falls to the default of the
// groups' type. A group stands for the addresses of its members.
func (w world) groups(i *engine.Instance, egress bool, f flow) *stop {
	direction, peer, own := "in", f.source, f.target
	if egress {
		direction, peer, own = "out", f.target, f.source
	}
	var matching []engine.SecurityRule
	enterprise, inner := false, false
	for _, id := range i.SecurityGroupIDs {
		g := find(w.SecurityGroups, func(g *engine.SecurityGroup) bool { return g.ID == id })
		if g == nil {
			continue
		}
		enterprise = enterprise || g.Type == engine.GroupEnterprise
		inner = inner || g.Type == engine.GroupNormal && !g.Isolated && w.member(g.ID, peer)
		for _, r := range g.Rules {
			if r.Egress == egress && w.matches(r, f, peer, own) {
				matching = append(matching, r)
			}
		}
	}
	if len(matching) > 0 {
		first := slices.MinFunc(matching, func(a, b engine.SecurityRule) int {
			return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(weight(a), weight(b)))
		})
		if first.Drop {
			return lost("rule %s (priority %d) of %s drops it on the way %s", first.ID, first.Priority, i.ID, direction)
		}
		return nil
	}
	if !enterprise && (egress || inner) {
		return nil
	}
	return lost("no security group rule of %s lets it %s", i.ID, direction)
}

// member tells whether an address is that of a member of a group, running or
// not.
func (w world) member(group string, a netip.Addr) bool {
	return find(w.Instances, func(i *engine.Instance) bool {
		return i.PrivateIP == a && slices.Contains(i.SecurityGroupIDs, group)
	}) != nil
}

// weight puts drop before accept.
func weight(r engine.SecurityRule) int {
	if r.Drop {
		return 0
	}
	return 1
}

func (w world) matches(r engine.SecurityRule, f flow, peer, own netip.Addr) bool {
	switch {
	case r.Protocol != "ALL" && !strings.EqualFold(r.Protocol, f.protocol):
		return false
	case !r.Ports.Has(f.dport) || !r.SourcePorts.Has(f.sport):
		return false
	case r.Own.IsValid() && !r.Own.Contains(own):
		return false
	case r.PeerGroupID != "":
		return w.member(r.PeerGroupID, peer)
	}
	return r.Peer.Contains(peer)
}

// acl asks the network ACL of a vSwitch, if one is bound, about a flow that
// crosses the vSwitch's edge. It is stateless, so answers are asked about too;
// its entries are tried in order, and what none matches is dropped.
func (w world) acl(s *engine.VSwitch, egress bool, f flow) *stop {
	if s.NetworkACLID == "" {
		return nil
	}
	a := find(w.NetworkACLs, func(a *engine.NetworkACL) bool { return a.ID == s.NetworkACLID })
	if a == nil {
		return nil
	}
	entries, peer, direction := a.Ingress, f.source, "into"
	if egress {
		entries, peer, direction = a.Egress, f.target, "out of"
	}
	for _, e := range entries {
		ports, ok := engine.ParsePortRange(e.Port)
		if !ok {
			ports = engine.AnyPort
		}
		if (strings.EqualFold(e.Protocol, "all") || strings.EqualFold(e.Protocol, f.protocol)) && ports.Has(f.dport) && e.Peer.Contains(peer) {
			if strings.EqualFold(e.Policy, "drop") {
				return lost("network ACL %s drops it on the way %s vSwitch %s", a.ID, direction, s.ID)
			}
			return nil
		}
	}
	return lost("network ACL %s lets nothing of this kind %s vSwitch %s", a.ID, direction, s.ID)
}
