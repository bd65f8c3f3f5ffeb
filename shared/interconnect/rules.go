package interconnect

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// MaxRuleBatch is how many rules one authorize or revoke call takes.
const MaxRuleBatch = 100

// Words of a rule, as Rule spells them.
const (
	policyAccept    = "accept"
	policyDrop      = "drop"
	highestPriority = 1
	protocolAll     = "ALL"
)

// ruleKey is what makes two accepting rules equal. Priority and description
// are no part of it.
type ruleKey struct {
	group     string
	direction Direction
	protocol  string
	ports     string
	block     netip.Prefix
	peer      string
}

func (r *Rule) key() ruleKey {
	return ruleKey{r.GroupID, r.Direction, strings.ToUpper(r.Protocol), r.PortRange, r.PeerBlock.Masked(), r.PeerGroupID}
}

// WantedRules lists the rules that c needs in the groups of one side: what
// each group lets in from the other side and, where the group is an advanced
// one, which denies egress unless a rule allows it, what it lets out: to the
// other side's blocks, on what the other side's groups let in, or, if the
// other side names no group, on the group's own list. A nil c needs none.
func WantedRules(c *Connection, side Role) []Rule {
	if c == nil {
		return nil
	}
	here, there := c.Side(side), c.Side(side.Other())
	var out []Rule
	for _, g := range here.SecurityGroups {
		for _, a := range g.Allow {
			out = append(out, peers(rule(g.ID, Ingress, a), g.Authorization, there)...)
		}
		if !g.Advanced {
			continue
		}
		for _, a := range letIn(there, g) {
			out = append(out, peers(rule(g.ID, Egress, a), ByCidrBlock, there)...)
		}
	}
	slices.SortStableFunc(out, compareRules)
	return slices.CompactFunc(out, func(a, b Rule) bool { return a.key() == b.key() })
}

// letIn lists what a side's groups let in; if it has none, what own does.
func letIn(side *Side, own SecurityGroup) []Allow {
	if len(side.SecurityGroups) == 0 {
		return own.Allow
	}
	var out []Allow
	for _, g := range side.SecurityGroups {
		out = append(out, g.Allow...)
	}
	return out
}

func rule(group string, d Direction, a Allow) Rule {
	return Rule{GroupID: group, Direction: d, Protocol: strings.ToUpper(a.Protocol), PortRange: a.PortRange, Policy: policyAccept, Priority: highestPriority}
}

// peers makes a rule of each block, or each group, of the other side.
func peers(r Rule, by Authorization, there *Side) []Rule {
	var out []Rule
	if by == BySecurityGroup {
		for _, g := range there.SecurityGroups {
			r.PeerGroupID = g.ID
			out = append(out, r)
		}
		return out
	}
	for _, b := range there.CidrBlocks {
		r.PeerBlock = b.Masked()
		out = append(out, r)
	}
	return out
}

func compareRules(a, b Rule) int {
	return cmp.Or(
		cmp.Compare(a.GroupID, b.GroupID), cmp.Compare(b.Direction, a.Direction), // ingress before egress
		cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.PortRange, b.PortRange),
		compareBlocks(a.PeerBlock, b.PeerBlock), cmp.Compare(a.PeerGroupID, b.PeerGroupID),
		cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.ID, b.ID),
	)
}

// RuleDiff is how the groups' rules differ from what is wanted. Each wanted
// rule is in exactly one of Missing and Present.
type RuleDiff struct {
	Missing   []Rule // as they are to be authorized, our mark as description
	Present   []Rule // as found, whoever made them
	Overruled []Rule // the rules that drop some of what a wanted rule lets through
}

// DiffRules compares the wanted rules with those that exist. An equal rule is
// enough at whatever priority, unless a drop comes before it that ours, at the
// highest priority, would come before.
func DiffRules(m Mark, wanted, existing []Rule) RuleDiff {
	var d RuleDiff
	dropping := map[string]bool{}
	for _, w := range wanted {
		best, found := bestEqual(w, existing)
		if !found || best.Priority > highestPriority && len(overruling(best, existing)) > len(overruling(w, existing)) {
			best, w.Description = w, m.String()
			d.Missing = append(d.Missing, w)
		} else {
			d.Present = append(d.Present, best)
		}
		for _, drop := range overruling(best, existing) {
			if !dropping[drop.ID] {
				dropping[drop.ID] = true
				d.Overruled = append(d.Overruled, drop)
			}
		}
	}
	return d
}

// bestEqual returns the accepting rule equal to w that comes first.
func bestEqual(w Rule, existing []Rule) (Rule, bool) {
	var equal []Rule
	for _, e := range existing {
		if e.Policy == policyAccept && e.key() == w.key() {
			equal = append(equal, e)
		}
	}
	if len(equal) == 0 {
		return Rule{}, false
	}
	return slices.MinFunc(equal, compareRules), true
}

// overruling lists the dropping rules that come before the accepting rule r,
// or stand beside it: at equal priority a drop wins.
func overruling(r Rule, existing []Rule) []Rule {
	var out []Rule
	for _, e := range existing {
		if e.Policy == policyDrop && e.GroupID == r.GroupID && e.Direction == r.Direction && e.Priority <= r.Priority &&
			sharesProtocol(e, r) && sharesPorts(e, r) && sharesPeer(e, r) {
			out = append(out, e)
		}
	}
	return out
}

func sharesProtocol(a, b Rule) bool {
	return a.Protocol == protocolAll || b.Protocol == protocolAll || strings.EqualFold(a.Protocol, b.Protocol)
}

func sharesPorts(a, b Rule) bool {
	fromA, toA, okA := parsePorts(a.PortRange)
	fromB, toB, okB := parsePorts(b.PortRange)
	return !okA || !okB || fromA <= toB && fromB <= toA // one without ports is about all of them
}

func sharesPeer(a, b Rule) bool {
	if a.PeerBlock.IsValid() && b.PeerBlock.IsValid() {
		return a.PeerBlock.Overlaps(b.PeerBlock)
	}
	return a.PeerGroupID != "" && a.PeerGroupID == b.PeerGroupID
}

// PrunableRules lists the rules that a prune removes.
func PrunableRules(p Pruning, existing []Rule) []Rule {
	wanted, needed := ruleKeys(p.Wanted), ruleKeys(p.Live)
	var out []Rule
	for _, e := range existing {
		if p.left(e.Description, wanted[e.key()]) && !needed[e.key()] {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, compareRules)
	return out
}

func ruleKeys(connections []*Connection) map[ruleKey]bool {
	keys := map[ruleKey]bool{}
	for _, c := range connections {
		for _, role := range Roles {
			for _, w := range WantedRules(c, role) {
				keys[w.key()] = true
			}
		}
	}
	return keys
}

// Peer names whom a rule is about: a block, a group, or "another kind of peer".
func (r *Rule) Peer() string {
	switch {
	case r.PeerBlock.IsValid():
		return r.PeerBlock.String()
	case r.PeerGroupID != "":
		return r.PeerGroupID
	}
	return "another kind of peer"
}
