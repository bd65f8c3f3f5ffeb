package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// Parse reads a policy from JSON, strictly: an unknown field or a rule that
// could never be about anything is an error, for nobody would notice that it
// protects nothing. Empty text is the zero Policy.
func Parse(text []byte) (*Policy, error) {
	p := &Policy{}
	if len(bytes.TrimSpace(text)) == 0 {
		return p, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("the policy cannot be read: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("the policy is followed by something else; it is one JSON object")
	}
	seen := map[string]bool{}
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.Name == "" || seen[r.Name] {
			return nil, fmt.Errorf("rule %d of the policy has no name of its own; answers name the rule that decides", i+1)
		}
		seen[r.Name] = true
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("the policy's rule %s: %w", r.Name, err)
		}
	}
	return p, nil
}

func (r *Rule) check() error {
	switch {
	case !slices.Contains([]Effect{Allow, Forbid, Limit, Approve}, r.Effect):
		return fmt.Errorf("%q is no effect; use one of allow, forbid, limit, approve", r.Effect)
	case len(r.Between) > 2:
		return fmt.Errorf("between names %d sides; a connection has two", len(r.Between))
	case (r.Effect == Approve) != (len(r.Approvers) > 0):
		return fmt.Errorf("approvers belong to a rule of the effect approve, and to no other")
	case r.Effect == Allow && len(r.Open) > 0:
		return fmt.Errorf("what may be opened is said by a rule of the effect limit")
	}
	for _, p := range slices.Concat(r.Tokens, r.Approvers) {
		if err := pattern(p); err != nil {
			return err
		}
	}
	for i := range r.Between {
		if err := r.Between[i].check(1); err != nil {
			return err
		}
	}
	for i := range r.Open {
		if err := r.Open[i].check(); err != nil {
			return err
		}
	}
	return nil
}

func pattern(p string) error {
	if _, err := path.Match(p, ""); err != nil || p == "" {
		return fmt.Errorf("%q is no pattern; write a name, with * for any part of it", p)
	}
	return nil
}

func (s *Selector) check(depth int) error {
	if depth > 3 {
		return fmt.Errorf("not is nested too deeply")
	}
	if s.Region == "" && s.VPC == "" && len(s.Tags) == 0 && len(s.Blocks) == 0 && s.Not == nil {
		return fmt.Errorf("a side in between names nothing; write {\"vpc\": \"*\"} for any VPC")
	}
	for _, p := range []string{s.Region, s.VPC} {
		if p != "" {
			if err := pattern(p); err != nil {
				return err
			}
		}
	}
	for _, p := range s.Tags {
		if err := pattern(p); err != nil {
			return err
		}
	}
	for _, b := range s.Blocks {
		if !b.Addr().Is4() || b != b.Masked() {
			return fmt.Errorf("%s is not an IPv4 block in its one spelling", b)
		}
	}
	if s.Not != nil {
		return s.Not.check(depth + 1)
	}
	return nil
}

// noPorts is the port range of a protocol without ports.
const noPorts = "-1/-1"

func (p *Ports) check() error {
	p.Protocol = strings.ToUpper(p.Protocol)
	switch p.Protocol {
	case "ICMP", "GRE", "ALL":
		if p.PortRange != "" && p.PortRange != noPorts {
			return fmt.Errorf("%s has no ports; leave the port range out", p.Protocol)
		}
	case "TCP", "UDP":
		if _, _, ok := span(p.PortRange); !ok && p.PortRange != "" {
			return fmt.Errorf("%q is not a port range; write one like \"443/443\", or leave it out for every port", p.PortRange)
		}
	default:
		return fmt.Errorf("%q is not a protocol; use one of TCP, UDP, ICMP, GRE, ALL", p.Protocol)
	}
	return nil
}

// span reads a range of ports; of none, all.
func span(s string) (from, to int, ok bool) {
	if s == "" || s == noPorts {
		return 1, 65535, true
	}
	a, b, found := strings.Cut(s, "/")
	from, err := strconv.Atoi(a)
	to, err2 := strconv.Atoi(b)
	return from, to, found && err == nil && err2 == nil && from >= 1 && to <= 65535 && from <= to
}

func (p Ports) shares(a interconnect.Allow) bool {
	if p.Protocol == "ALL" || a.Protocol == "ALL" {
		return true
	}
	f, t, _ := span(p.PortRange)
	af, at, _ := span(a.PortRange)
	return p.Protocol == a.Protocol && f <= at && af <= t
}

func (p Ports) contains(a interconnect.Allow) bool {
	if p.Protocol == "ALL" {
		return true
	}
	f, t, _ := span(p.PortRange)
	af, at, _ := span(a.PortRange)
	return p.Protocol == a.Protocol && f <= af && at <= t
}
