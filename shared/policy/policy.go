// Package policy decides whether a connection may be asked for, by rules that a
// deployment is configured with, and says which rule decided and who can
// change it.
package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// Policy is what a deployment allows. The zero Policy allows everything that
// is not forbidden everywhere. As JSON:
//
//	{"owner": "the network team", "rules": [
//	  {"name": "payments-for-payments", "effect": "allow", "tokens": ["payments-*"],
//	   "between": [{"tags": {"team": "payments"}}, {"region": "cn-*"}]},
//	  {"name": "production-stays-apart", "effect": "forbid",
//	   "between": [{"tags": {"env": "production"}}, {"not": {"tags": {"env": "production"}}}]},
//	  {"name": "ports", "effect": "limit", "open": [{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "443/443"}]},
//	  {"name": "two-persons", "effect": "approve", "between": [{"vpc": "vpc-vault"}], "approvers": ["security"]}]}
type Policy struct {
	Owner string `json:"owner,omitempty"` // who can change it, where a rule does not say
	Rules []Rule `json:"rules"`
}

// Effect is what a rule does to a request that it is about.
type Effect string

// The effects. Where there is any allow rule, a request needs one.
const (
	Allow   Effect = "allow"
	Forbid  Effect = "forbid"
	Limit   Effect = "limit"   // it may open nothing but what the rule lists
	Approve Effect = "approve" // only the approvers' tokens may ask for it
)

// Rule is one rule. It is about a request that fits all conditions it has.
type Rule struct {
	Name      string     `json:"name"`
	Effect    Effect     `json:"effect"`
	Tokens    []string   `json:"tokens,omitempty"`    // who asks: names, * for any part
	Between   []Selector `json:"between,omitempty"`   // one: either side fits; two: one side fits each
	Open      []Ports    `json:"open,omitempty"`      // forbid, approve: it opens any of these; limit: it may open these alone
	Approvers []string   `json:"approvers,omitempty"` // approve: whose tokens may, as in tokens
	Why       string     `json:"why,omitempty"`
	Owner     string     `json:"owner,omitempty"` // who can change it
}

// Selector picks VPCs. One fits if it fits all that is given.
type Selector struct {
	Region string            `json:"region,omitempty"` // * for any part
	VPC    string            `json:"vpc,omitempty"`    // id, * for any part
	Tags   map[string]string `json:"tags,omitempty"`   // of the VPC; * for any part of a value
	Blocks []netip.Prefix    `json:"blocks,omitempty"` // allow: all blocks that are opened are inside; else any of them shares an address
	Not    *Selector         `json:"not,omitempty"`    // and it does not fit this
}

// Ports are a protocol and, for TCP and UDP, a range of ports, as in a request.
type Ports struct {
	Protocol  string `json:"protocol"` // TCP, UDP, ICMP, GRE, ALL
	PortRange string `json:"portRange,omitempty"`
}

// Question is a request to be judged.
type Question struct {
	Token      string // whose token came with it
	Approver   string // who approves it, where that is not who asks; else the token counts
	Connection *interconnect.Connection
	Tags       map[interconnect.Role]map[string]string // of the two VPCs
	Recorded   bool                                    // exactly this is wanted already, so it was approved
}

// Decision is what a judgement comes to.
type Decision string

// The decisions.
const (
	Allowed       Decision = "allowed"
	Refused       Decision = "refused"
	NeedsApproval Decision = "needs approval"
)

// Verdict is a judgement, and the rules that led to it.
type Verdict struct {
	Decision Decision  `json:"decision"`
	Findings []Finding `json:"findings"` // why not; or, where it is allowed, which rule allows it
	// ApprovedBy is who approves a request that a rule wants approved; empty
	// where none does.
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// Finding is what one rule says.
type Finding struct {
	Rule     string `json:"rule"`
	Effect   Effect `json:"effect"`
	Field    string `json:"field,omitempty"` // of the request
	Sentence string `json:"detail"`
	Owner    string `json:"owner,omitempty"` // who can change the rule
}

// Judge judges a request: whatever refuses it is listed, not only the first.
func (p *Policy) Judge(q Question) Verdict {
	v := Verdict{Decision: Allowed, Findings: p.everywhere(q)}
	var waits, allows []Finding
	restricted := false
	for i := range p.Rules {
		r := &p.Rules[i]
		restricted = restricted || r.Effect == Allow
		if !r.about(q) {
			continue
		}
		switch r.Effect {
		case Forbid:
			v.Findings = append(v.Findings, p.finding(r, r.field(q), "forbids it"))
		case Limit:
			for _, f := range r.beyond(q) {
				v.Findings = append(v.Findings, p.finding(r, f.field, "does not let "+f.what+" be opened"))
			}
		case Approve:
			switch approver := cmp.Or(q.Approver, q.Token); {
			case q.Recorded:
			case named(r.Approvers, approver):
				v.ApprovedBy = approver
			default:
				waits = append(waits, p.finding(r, "", "wants it approved: one of "+strings.Join(r.Approvers, ", ")+" has to post it, best with the plan's hash"))
			}
		case Allow:
			allows = append(allows, p.finding(r, "", "allows it"))
		}
	}
	if restricted && len(allows) == 0 {
		v.Findings = append(v.Findings, Finding{Rule: "(none)", Effect: Allow, Owner: p.Owner,
			Sentence: fmt.Sprintf("No rule allows %s to connect these VPCs.", q.Token) + asked(p.Owner)})
	}
	if len(v.Findings)+len(waits) > 0 {
		v.ApprovedBy = "" // one approval does not stand for the others
	}
	switch {
	case len(v.Findings) > 0:
		v.Decision = Refused
		v.Findings = append(v.Findings, waits...)
	case len(waits) > 0:
		v.Decision, v.Findings = NeedsApproval, waits
	default:
		v.Findings = append([]Finding{}, allows...)
	}
	return v
}

// MayRemove tells whether a token may have a connection taken away: it needs an
// allow rule where there are any. A VPC may be gone, so its tags do not count,
// and what is forbidden may always be taken away.
func (p *Policy) MayRemove(q Question) Verdict {
	only := Policy{Owner: p.Owner}
	q.Tags, q.Recorded = nil, true
	for _, r := range p.Rules {
		if r.Effect == Allow {
			only.Rules = append(only.Rules, r)
		}
	}
	return only.Judge(q)
}

func (p *Policy) finding(r *Rule, field, what string) Finding {
	f := Finding{Rule: r.Name, Effect: r.Effect, Field: field, Owner: r.Owner}
	if f.Owner == "" {
		f.Owner = p.Owner
	}
	f.Sentence = fmt.Sprintf("The rule %s %s.", r.Name, what)
	if r.Why != "" {
		f.Sentence += " " + strings.TrimSuffix(r.Why, ".") + "."
	}
	if r.Effect != Allow {
		f.Sentence += asked(f.Owner)
	}
	return f
}

func asked(owner string) string {
	if owner == "" {
		return " Whoever runs this deployment can change that."
	}
	return " " + owner + " can change that."
}

// everywhere is what no deployment allows: a side that is the whole internet.
func (p *Policy) everywhere(q Question) []Finding {
	out := []Finding{}
	for _, role := range interconnect.Roles {
		for _, b := range q.Connection.Side(role).CidrBlocks {
			if b.Bits() == 0 {
				out = append(out, Finding{Rule: "(built in)", Effect: Forbid, Field: "/" + string(role) + "/cidrBlocks",
					Sentence: fmt.Sprintf("%s is every address there is; name the blocks that are meant. Nobody can change that.", b)})
			}
		}
	}
	return out
}

// about tells whether the request fits the rule's conditions.
func (r *Rule) about(q Question) bool {
	if len(r.Tokens) > 0 && !named(r.Tokens, q.Token) {
		return false
	}
	if r.Effect != Limit && len(r.Open) > 0 && len(r.opened(q)) == 0 {
		return false
	}
	fits := func(s *Selector, role interconnect.Role) bool {
		return s.fits(q.Connection.Side(role), q.Tags[role], q.Tags == nil, r.Effect == Allow)
	}
	a, b := interconnect.Initiator, interconnect.Acceptor
	switch len(r.Between) {
	case 0:
		return true
	case 1:
		return fits(&r.Between[0], a) || fits(&r.Between[0], b)
	default:
		return fits(&r.Between[0], a) && fits(&r.Between[1], b) || fits(&r.Between[0], b) && fits(&r.Between[1], a)
	}
}

func named(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// matches compares with a pattern in which * stands for any part.
func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}

func (s *Selector) fits(side *interconnect.Side, tags map[string]string, unknownTags, wholly bool) bool {
	if s.Region != "" && !matches(s.Region, side.RegionID) || s.VPC != "" && !matches(s.VPC, side.VpcID) {
		return false
	}
	for key, pattern := range s.Tags {
		if value, has := tags[key]; !unknownTags && (!has || !matches(pattern, value)) {
			return false
		}
	}
	if len(s.Blocks) > 0 && !s.holds(side.CidrBlocks, wholly) {
		return false
	}
	if s.Not != nil && unknownTags && len(s.Not.Tags) > 0 {
		return true
	}
	return s.Not == nil || !s.Not.fits(side, tags, unknownTags, wholly)
}

// holds tells whether the selector's blocks hold all of the side's, or touch
// any of them.
func (s *Selector) holds(blocks []netip.Prefix, wholly bool) bool {
	touched := func(b netip.Prefix) bool {
		return slices.ContainsFunc(s.Blocks, func(own netip.Prefix) bool {
			if wholly {
				return interconnect.Within(b, own)
			}
			return own.Overlaps(b)
		})
	}
	if wholly {
		return !slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return !touched(b) })
	}
	return slices.ContainsFunc(blocks, touched)
}

// opening is a protocol and ports that a request opens in a group.
type opening struct{ field, what string }

// opened lists what the request opens of the rule's protocols and ports.
func (r *Rule) opened(q Question) []opening {
	return r.openings(q, func(p Ports, a interconnect.Allow) bool { return p.shares(a) }, true)
}

// beyond lists what the request opens that is not inside the rule's protocols
// and ports.
func (r *Rule) beyond(q Question) []opening {
	return r.openings(q, func(p Ports, a interconnect.Allow) bool { return p.contains(a) }, false)
}

func (r *Rule) openings(q Question, test func(Ports, interconnect.Allow) bool, want bool) []opening {
	var out []opening
	for _, role := range interconnect.Roles {
		for _, g := range q.Connection.Side(role).SecurityGroups {
			for _, a := range g.Allow {
				if slices.ContainsFunc(r.Open, func(p Ports) bool { return test(p, a) }) == want {
					out = append(out, opening{"/" + string(role) + "/securityGroups", strings.TrimSuffix(a.Protocol+" "+a.PortRange, " -1/-1") + " of " + g.ID})
				}
			}
		}
	}
	return out
}

// field names what a rule about ports objects to.
func (r *Rule) field(q Question) string {
	if opened := r.opened(q); len(r.Open) > 0 && len(opened) > 0 {
		return opened[0].field
	}
	return ""
}
