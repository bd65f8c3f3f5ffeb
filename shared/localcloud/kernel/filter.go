package kernel

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"vpcinterconnect/shared/localcloud/engine"
)

// answers lets pass what is sent back in a flow that was let pass. Whoever began
// the flow is judged anew by each packet, so that a rule that goes ends what it
// had allowed, and what is still allowed goes on.
const answers = "ct direction reply ct state established,related accept"

// replaced wraps a table's chains so that nft puts them in the place of those
// that are there, in one transaction.
func replaced(table, chains string) string {
	gone := fmt.Sprintf("table ip %s {}\ndelete table ip %s\n", table, table)
	if chains == "" {
		return gone
	}
	return gone + fmt.Sprintf("table ip %s {\n%s\n}\n", table, chains)
}

// filter writes a vRouter's nftables. Network ACLs come first and know no
// state: an answer is judged like a question. Then the security groups, for
// those who began a flow: the sender's on the way out, the receiver's on the way
// in.
func (b *builder) filter(vpcID string) string {
	var chains, acls, in, out []string
	for n := range b.VSwitches {
		s := &b.VSwitches[n]
		ports := b.ports(func(i *engine.Instance) bool { return i.VSwitchID == s.ID })
		a := slices.IndexFunc(b.NetworkACLs, func(a engine.NetworkACL) bool { return a.ID == s.NetworkACLID })
		if s.VpcID != vpcID || a < 0 || ports == "" {
			continue
		}
		name := short("a", s.ID)
		acls = append(acls,
			fmt.Sprintf("iifname %s ip daddr != %s jump %s_out", ports, s.Block.Masked(), name),
			fmt.Sprintf("oifname %s iifname != %s jump %s_in", ports, ports, name))
		chains = append(chains, chain(name+"_out", append(aclRules(b.NetworkACLs[a].Egress, "daddr"), "drop")))
		chains = append(chains, chain(name+"_in", append(aclRules(b.NetworkACLs[a].Ingress, "saddr"), "drop")))
	}
	for _, i := range b.running {
		if i.VpcID != vpcID {
			continue
		}
		port := b.guests[i.ID].port
		chains = append(chains, chain(port+"_out", b.groupRules(i, true)), chain(port+"_in", b.groupRules(i, false)))
		out = append(out, fmt.Sprintf("%q : jump %s_out", port, port))
		in = append(in, fmt.Sprintf("%q : jump %s_in", port, port))
	}
	groups := []string{"type filter hook forward priority 0; policy accept;", answers}
	if len(in) > 0 {
		groups = append(groups, "iifname vmap { "+strings.Join(out, ", ")+" }", "oifname vmap { "+strings.Join(in, ", ")+" }")
	}
	chains = append(chains, chain("acls", append([]string{"type filter hook forward priority -10; policy accept;"}, acls...)), chain("groups", groups))
	return replaced("cloud", strings.Join(chains, "\n"))
}

func chain(name string, rules []string) string {
	return "\tchain " + name + " {\n\t\t" + strings.Join(rules, "\n\t\t") + "\n\t}"
}

// ports is the set of the ports of running instances that f accepts, "" if
// there is none.
func (b *builder) ports(f func(*engine.Instance) bool) string {
	var names []string
	for _, i := range b.running {
		if f(i) {
			names = append(names, fmt.Sprintf("%q", b.guests[i.ID].port))
		}
	}
	return set(names)
}

func set(elements []string) string {
	if len(elements) == 0 {
		return ""
	}
	return "{ " + strings.Join(elements, ", ") + " }"
}

// aclRules are a network ACL's entries, in their order.
func aclRules(entries []engine.ACLEntry, peer string) []string {
	var out []string
	for _, e := range entries {
		ports, ok := engine.ParsePortRange(e.Port)
		if !ok {
			ports = engine.AnyPort
		}
		kind, ok := protocol(e.Protocol, ports, engine.AnyPort)
		if !ok || !e.Peer.IsValid() || !e.Peer.Addr().Is4() {
			continue
		}
		verdict := "return"
		if strings.EqualFold(e.Policy, "drop") {
			verdict = "drop"
		}
		out = append(out, words(kind, fmt.Sprintf("ip %s %s", peer, e.Peer.Masked()), verdict))
	}
	return out
}

// protocol is the match for a protocol and its ports; false if no packet that
// this network carries can match.
func protocol(name string, ports, sources engine.PortRange) (string, bool) {
	name = strings.ToLower(name)
	match := ""
	for _, side := range []struct {
		word string
		r    engine.PortRange
	}{{"dport", ports}, {"sport", sources}} {
		if side.r != engine.AnyPort {
			match = words(match, fmt.Sprintf("th %s %d-%d", side.word, side.r.From, side.r.To))
		}
	}
	switch name {
	case "all":
		if match == "" {
			return "", true
		}
		return "ip protocol { tcp, udp } " + match, true
	case "tcp", "udp":
		return words("ip protocol "+name, match), true
	case "icmp", "gre":
		return "ip protocol " + name, match == "" // neither has ports
	}
	return "", false
}

// words joins what is not empty.
func words(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// groupRules is what all of an instance's groups say together of one
// direction: the smallest priority decides, of equal ones drop; what no rule
// matches falls to the groups' type.
func (b *builder) groupRules(i *engine.Instance, egress bool) []string {
	var rules []engine.SecurityRule
	var inner []string // groups whose members reach each other
	enterprise := false
	for _, g := range b.SecurityGroups {
		if !slices.Contains(i.SecurityGroupIDs, g.ID) {
			continue
		}
		enterprise = enterprise || g.Type == engine.GroupEnterprise
		if g.Type == engine.GroupNormal && !g.Isolated {
			inner = append(inner, g.ID)
		}
		for _, r := range g.Rules {
			if r.Egress == egress {
				rules = append(rules, r)
			}
		}
	}
	dropFirst := map[bool]int{true: 0, false: 1}
	slices.SortStableFunc(rules, func(x, y engine.SecurityRule) int {
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), cmp.Compare(dropFirst[x.Drop], dropFirst[y.Drop]))
	})
	var out []string
	for _, r := range rules {
		verdict := "return"
		if r.Drop {
			verdict = "drop"
		}
		if match, possible := b.ruleMatch(r); possible {
			out = append(out, words(match, verdict))
		}
	}
	switch {
	case enterprise:
	case egress:
		return append(out, "return")
	default:
		for _, id := range inner {
			out = append(out, b.members(id, "saddr")+" return") // at least itself is one
		}
	}
	return append(out, "drop")
}

// ruleMatch is the match for what a rule is about; false if no packet that this
// network carries can be.
func (b *builder) ruleMatch(r engine.SecurityRule) (string, bool) {
	kind, ok := protocol(r.Protocol, r.Ports, r.SourcePorts)
	peer, own := "saddr", "daddr"
	if r.Egress {
		peer, own = own, peer
	}
	if r.Own.IsValid() {
		ok = ok && r.Own.Addr().Is4()
		kind = words(kind, fmt.Sprintf("ip %s %s", own, r.Own.Masked()))
	}
	if r.PeerGroupID != "" {
		members := b.members(r.PeerGroupID, peer)
		return words(kind, members), ok && members != ""
	}
	ok = ok && r.Peer.IsValid() && r.Peer.Addr().Is4()
	return words(kind, fmt.Sprintf("ip %s %s", peer, r.Peer.Masked())), ok
}

// members match packets whose side, saddr or daddr, is a member of a group, for
// which its addresses stand; "" if it has none.
func (b *builder) members(groupID, side string) string {
	var addresses []string
	for n := range b.Instances {
		if i := &b.Instances[n]; slices.Contains(i.SecurityGroupIDs, groupID) && i.PrivateIP.Is4() {
			addresses = append(addresses, i.PrivateIP.String())
		}
	}
	if len(addresses) == 0 {
		return ""
	}
	slices.Sort(addresses)
	return fmt.Sprintf("ip %s %s", side, set(slices.Compact(addresses)))
}

// firewall writes the chains of a guest's own firewall: what it keeps out of
// what others begin. It lets its own loopback pass. "" is none.
func firewall(g engine.GuestFacts) string {
	if !g.DropICMP && len(g.DropTCP) == 0 {
		return ""
	}
	rules := []string{"type filter hook input priority 0; policy accept;", `iifname "lo" accept`, answers}
	if g.DropICMP {
		rules = append(rules, "icmp type echo-request drop")
	}
	for _, r := range g.DropTCP {
		match, _ := protocol("tcp", r, engine.AnyPort)
		rules = append(rules, match+" drop")
	}
	return chain("input", rules)
}
