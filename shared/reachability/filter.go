package reachability

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// lowestPriority is the largest priority number that a rule can have.
const lowestPriority = 100

// filterRule is a rule of a security group or of a network ACL, held against a
// flow.
type filterRule struct {
	match    match
	accept   bool
	id       string // "" of what stands for rules that could not be read
	holder   string // the group or ACL
	priority int    // security groups only
}

// decide goes through rules in the order in which they are tried. It returns
// what becomes of the flow, the rule that decides (nil: what is not spoken of
// does), and the first rule of which it is not known whether it is about the
// flow, if that matters.
func decide(rules []filterRule, unspoken bool) (s State, decides, doubt *filterRule) {
	accepted, dropped := false, false
	note := func(accept bool) {
		accepted, dropped = accepted || accept, dropped || !accept
	}
	for n := range rules {
		r := &rules[n]
		if r.match == no {
			continue
		}
		note(r.accept)
		if r.match == yes {
			decides = r
			break
		}
		if doubt == nil {
			doubt = r
		}
	}
	if decides == nil {
		note(unspoken)
	}
	switch {
	case accepted && dropped:
		return Unknown, decides, doubt
	case accepted:
		return Passes, decides, nil
	}
	return Blocks, decides, nil
}

// what names a flow's kind.
func (f flow) what() string {
	p := f.targetPorts
	switch {
	case f.protocol == icmp:
		return "pings"
	case f.way == Back:
		return fmt.Sprintf("%s to the client's port", f.protocol)
	}
	return fmt.Sprintf("%s port %d", f.protocol, p.from)
}

// asRule names a flow as a rule's form asks for it: protocol and ports.
func (f flow) asRule() string {
	if f.protocol == icmp {
		return icmp
	}
	return fmt.Sprintf("%s %d/%d", f.protocol, f.targetPorts.from, f.targetPorts.to)
}

// known are the protocols that rules name, and whether they carry ours.
var known = []string{"ALL", icmp, tcp, udp, "GRE", "ICMPV6"}

func protocolMatch(rule, packet string) match {
	switch {
	case rule == "ALL" || rule == packet:
		return yes
	case slices.Contains(known, rule):
		return no
	}
	return maybe // a number, say
}

// aspect is a flow as the filter at one of its ends sees it.
type aspect struct {
	ingress    bool
	own, peer  end
	in, toward string // the words for it: in, from; out, to
}

func (f flow) aspect(d interconnect.Direction) aspect {
	if d == interconnect.Ingress {
		return aspect{true, f.target, f.source, "in", "from"}
	}
	return aspect{false, f.source, f.target, "out", "to"}
}

// groupHop asks the security groups of an instance. The rules of all its groups
// count together: the smallest priority number decides, and of equal ones a
// drop. What no rule speaks of leaves a basic group and not an advanced one; it
// gets in only between members of one basic group that are not kept apart. A
// group stands for the addresses of its members.
func (a *analysis) groupHop(d interconnect.Direction, f flow) Hop {
	x := f.aspect(d)
	own, peer := x.own, x.peer
	h := Hop{Layer: LayerEgress, Side: own.role, Way: f.way}
	if x.ingress {
		h.Layer = LayerIngress
	}
	var rules []filterRule
	var inner string // a group whose members both are
	var unread []string
	advanced := ""
	for _, id := range own.instance.SecurityGroupIDs {
		n := slices.IndexFunc(own.side.Groups, func(g interconnect.Group) bool { return g.ID == id })
		if n < 0 {
			unread = append(unread, id)
			// It may hold the strongest rule of either kind.
			rules = append(rules, filterRule{maybe, false, "", id, 1}, filterRule{maybe, true, "", id, 1})
			continue
		}
		g := &own.side.Groups[n]
		if g.Advanced {
			advanced = g.ID
		} else if !g.Isolated && x.ingress {
			switch a.member(id, peer.address) {
			case yes:
				inner = g.ID
			case maybe: // members reach each other where no rule speaks
				rules = append(rules, filterRule{maybe, true, "", id, lowestPriority + 1})
			}
		}
		for _, r := range g.Rules {
			if r.Direction == d {
				rules = append(rules, filterRule{a.groupMatch(&r, f, x), r.Policy == "accept", r.ID, g.ID, r.Priority})
			}
		}
	}
	slices.SortStableFunc(rules, func(a, b filterRule) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(dropFirst(a), dropFirst(b)))
	})
	unspoken := advanced == "" && (!x.ingress || inner != "")
	state, decides, doubt := decide(rules, unspoken)
	h.State = state
	first := editable(own)
	asked := fmt.Sprintf("%s %s %s", f.what(), x.toward, peer.address)
	add := fmt.Sprintf("an %s rule to security group %s that accepts %s %s %s", d, cmp.Or(advanced, first), f.asRule(), x.toward, netip.PrefixFrom(peer.address, peer.address.BitLen()))
	switch {
	case state == Unknown && slices.Contains(unread, doubt.holder):
		h.Resource = doubt.holder
		h.Sentence = fmt.Sprintf("Security group %s of instance %s could not be read%s.", doubt.holder, own.instance.ID, because(own.side, doubt.holder))
	case state == Unknown && doubt.id == "":
		h.Resource = doubt.holder
		h.Sentence = fmt.Sprintf("Whether %s is a member of security group %s too is not known, for not all instances could be read.", peer.address, doubt.holder)
	case state == Unknown:
		h.Resource = doubt.id
		h.Sentence = fmt.Sprintf("Whether rule %s of security group %s is about %s cannot be told from what the cloud reports.", doubt.id, doubt.holder, asked)
		switch {
		case doubt.priority > 1:
			h.Mend = fmt.Sprintf("Add %s with a priority number below %d.", add, doubt.priority)
		case doubt.accept:
			h.Mend = fmt.Sprintf("Add %s.", add)
		default:
			h.Mend = fmt.Sprintf("Look at rule %s of security group %s, and replace it if it is about %s.", doubt.id, doubt.holder, asked)
		}
	case state == Passes && decides != nil:
		h.Resource = decides.id
		h.Sentence = fmt.Sprintf("Rule %s of security group %s lets %s %s.", decides.id, decides.holder, asked, x.in)
	case state == Passes && x.ingress:
		h.Resource = inner
		h.Sentence = fmt.Sprintf("Both instances are in security group %s, whose members reach each other.", inner)
	case state == Passes:
		h.Resource = first
		h.Sentence = fmt.Sprintf("No rule of the security groups of %s is about %s, and basic groups let everything out.", own.instance.ID, asked)
	case decides != nil:
		h.Resource = decides.id
		h.Sentence = fmt.Sprintf("Rule %s of security group %s drops %s, with priority %d.", decides.id, decides.holder, asked, decides.priority)
		h.Mend = mendDrop(decides, rules, unspoken, d, fmt.Sprintf("accepts %s %s %s", f.asRule(), x.toward, peer.address))
	case x.ingress || advanced == "":
		h.Resource = first
		h.Sentence = fmt.Sprintf("No rule of the security groups of %s lets %s %s.", own.instance.ID, asked, x.in)
		h.Mend = fmt.Sprintf("Add %s.", add)
	default:
		h.Resource = advanced
		h.Sentence = fmt.Sprintf("Security group %s is an advanced one, which lets nothing out that no rule accepts, and none accepts %s.", advanced, asked)
		h.Mend = fmt.Sprintf("Add %s.", add)
	}
	return h
}

// editable is the group of an instance to which a rule is best added: the first
// that does not belong to a cloud product.
func editable(e end) string {
	ids := e.instance.SecurityGroupIDs
	for _, id := range ids {
		if !slices.ContainsFunc(e.side.Groups, func(g interconnect.Group) bool { return g.ID == id && g.ServiceManaged }) {
			return id
		}
	}
	return strings.Join(ids[:min(len(ids), 1)], "")
}

// mendDrop says how to get past a rule that drops.
func mendDrop(drop *filterRule, rules []filterRule, unspoken bool, d interconnect.Direction, accepts string) string {
	for _, r := range rules {
		if r.accept && r.match == yes {
			return fmt.Sprintf("Delete %s rule %s of security group %s, or give it a larger priority number than rule %s of %s has, which is %d.", d, drop.id, drop.holder, r.id, r.holder, r.priority)
		}
	}
	if unspoken {
		return fmt.Sprintf("Delete %s rule %s of security group %s.", d, drop.id, drop.holder)
	}
	return fmt.Sprintf("Replace %s rule %s of security group %s by one that %s.", d, drop.id, drop.holder, accepts)
}

// dropFirst puts drop before accept: at equal priorities it wins.
func dropFirst(r filterRule) int {
	if r.accept {
		return 1
	}
	return 0
}

// groupMatch holds a security group's rule against a flow. The port of a rule
// is the target's in both directions.
func (a *analysis) groupMatch(r *interconnect.Rule, f flow, x aspect) match {
	m := least(protocolMatch(strings.ToUpper(r.Protocol), f.protocol), portMatch(r.PortRange, f.targetPorts))
	block, group := r.PeerBlock, r.PeerGroupID
	if n := r.Narrow; n != (interconnect.Narrow{}) {
		block, group = n.PeerBlock, n.PeerGroupID
		m = least(m, portMatch(n.SourcePorts, f.sourcePorts))
		if n.OwnBlock.IsValid() && !n.OwnBlock.Contains(x.own.address) || n.PeerIPv6 {
			return no
		}
	}
	switch {
	case block.IsValid():
		if !block.Contains(x.peer.address) {
			return no
		}
		return m
	case group == "":
		return least(m, maybe) // a prefix list, or nothing that is known
	}
	return least(m, a.member(group, x.peer.address))
}

// member tells whether an address is that of a member of a group, running or
// not.
func (a *analysis) member(group string, address netip.Addr) match {
	m := no
	for _, role := range interconnect.Roles {
		s := a.picture.Side(role)
		for _, i := range s.Instances {
			if i.PrivateIP.Unmap() == address && slices.Contains(i.SecurityGroupIDs, group) {
				return yes
			}
		}
		if _, unread := s.Unread[UnreadInstances]; unread {
			m = maybe
		}
	}
	return m
}

// aclHop asks the network ACL of the vSwitch at one end, if one is bound. Its
// rules are tried in order, and what none of them accepts is dropped.
func aclHop(d interconnect.Direction, f flow) []Hop {
	x := f.aspect(d)
	e, peer := x.own, x.peer
	h := Hop{Layer: LayerAcl, Side: e.role, Way: f.way, State: Unknown}
	if e.vSwitch == nil {
		if e.instance == nil {
			return nil
		}
		h.Sentence = fmt.Sprintf("Whether a network ACL is bound to the vSwitch of %s is not known%s.", e.instance.ID, because(e.side, UnreadVSwitches))
		return []Hop{h}
	}
	id := e.vSwitch.NetworkAclID
	if id == "" {
		return nil
	}
	h.Resource = id
	n := slices.IndexFunc(e.side.Acls, func(a interconnect.NetworkAcl) bool { return a.ID == id })
	if n < 0 {
		h.Sentence = fmt.Sprintf("Network ACL %s of vSwitch %s could not be read%s.", id, e.vSwitch.ID, because(e.side, id))
		return []Hop{h}
	}
	list := e.side.Acls[n].Egress
	if x.ingress {
		list = e.side.Acls[n].Ingress
	}
	rules := make([]filterRule, len(list))
	for n, r := range list {
		m := least(protocolMatch(strings.ToUpper(r.Protocol), f.protocol), portMatch(r.PortRange, f.targetPorts))
		if !r.Peer.IsValid() || !r.Peer.Contains(peer.address) {
			m = no
		}
		rules[n] = filterRule{match: m, accept: r.Accept, id: cmp.Or(r.ID, r.Name, strconv.Itoa(n+1)), holder: id}
	}
	state, decides, doubt := decide(rules, false)
	h.State = state
	asked := fmt.Sprintf("%s %s %s", f.what(), x.toward, peer.address)
	accept := fmt.Sprintf("an %s rule to network ACL %s that accepts %s %s %s", d, id, f.asRule(), x.toward, netip.PrefixFrom(peer.address, peer.address.BitLen()))
	switch {
	case state == Passes:
		if decides != nil {
			h.Sentence = fmt.Sprintf("Rule %s of network ACL %s lets %s %s.", decides.id, id, asked, x.in)
		} else {
			h.Sentence = fmt.Sprintf("Network ACL %s lets %s %s.", id, asked, x.in)
		}
	case state == Unknown:
		h.Sentence = fmt.Sprintf("Rule %s of network ACL %s is about a part only of %s; which port it is, the client's system chooses.", doubt.id, id, asked)
		h.Mend = fmt.Sprintf("Add %s before rule %s.", accept, doubt.id)
	case decides != nil:
		h.Sentence = fmt.Sprintf("Rule %s of network ACL %s drops %s.", decides.id, id, asked)
		h.Mend = fmt.Sprintf("Add %s before rule %s.", accept, decides.id)
	default:
		h.Sentence = fmt.Sprintf("No rule of network ACL %s lets %s %s.", id, asked, x.in)
		h.Mend = fmt.Sprintf("Add %s.", accept)
	}
	if f.way == Back && state != Passes {
		h.Sentence += " It has no memory: a reply needs a rule of its own."
	}
	return []Hop{h}
}

// because says why something was not read, if that is told.
func because(s *Side, key string) string {
	if why := s.Unread[key]; why != "" {
		return ": " + why
	}
	return ""
}
