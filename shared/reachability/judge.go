package reachability

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// Judge makes one finding of what probes found, what was seen inside guests,
// and what an analysis of each probe's packet says. Where probes and analysis
// differ the probes are right; where probes fail and the analysis lets them
// pass, it is something inside a guest, which a look may show.
func Judge(p *Picture, probes []Probe, looks []Look) Finding {
	j := judge{picture: p, looks: looks, proven: map[pair]bool{}}
	var failed, unsent []*Probe
	for n := range probes {
		switch b := &probes[n]; {
		case b.Fate.Got():
			j.proven[pairOf(b)] = true
		case b.Fate == NotSent:
			unsent = append(unsent, b)
		default:
			failed = append(failed, b)
		}
	}
	switch {
	case len(failed) > 0:
		return j.failed(probes, failed)
	case len(unsent) > 0 || len(probes) == 0:
		return j.unproven(unsent, len(j.proven) > 0)
	}
	return j.connected(probes)
}

// pair is two ends, whoever asks.
type pair struct{ a, b string }

func pairOf(b *Probe) pair {
	x, y := b.Sender, cmp.Or(b.Target, b.Address.String())
	if y < x {
		x, y = y, x
	}
	return pair{x, y}
}

type judge struct {
	picture *Picture
	looks   []Look
	proven  map[pair]bool // something was answered between them, so there is a way there and back
}

// analyze follows a probe's packet.
func (j *judge) analyze(b *Probe) Path {
	return Analyze(j.picture, Packet{From: b.Sender, To: b.Target, Address: b.Address, Protocol: b.Protocol, Port: b.Port})
}

// stops lists what blocks a probe by the analysis, and doubts what may, and what
// would mend that; both without what an answered probe between the same two has
// shown to work.
func (j *judge) stops(b *Probe, path Path) []Hop  { return j.hops(b, path, Blocks) }
func (j *judge) doubts(b *Probe, path Path) []Hop { return j.hops(b, path, Unknown) }

func (j *judge) hops(b *Probe, path Path, s State) []Hop {
	return slices.DeleteFunc(slices.Clone(path.Hops), func(h Hop) bool {
		carries := h.Layer == LayerInstance || h.Layer == LayerRoute || h.Layer == LayerPeering
		return h.State != s || h.Mend == "" || carries && j.proven[pairOf(b)]
	})
}

func (j *judge) connected(probes []Probe) Finding {
	f := Finding{Outcome: Connected}
	for n := range probes {
		path := j.analyze(&probes[n])
		if stops := j.stops(&probes[n], path); len(stops) > 0 {
			f.Why = "Everything passes, although by what the cloud reports it should not: " + stops[0].Sentence
			break
		}
	}
	return f
}

// unproven is a finding without a probe, or with some that could not be sent.
func (j *judge) unproven(unsent []*Probe, some bool) Finding {
	f := Finding{Outcome: Unproven}
	what := "Nothing could be sent"
	if some {
		what = "Not everything could be sent"
	}
	if len(unsent) > 0 && unsent[0].Why != "" {
		what += ": " + strings.TrimSuffix(unsent[0].Why, ".")
	}
	unknown := ""
	for _, b := range unsent {
		path := j.analyze(b)
		if stops := j.stops(b, path); len(stops) > 0 {
			f.At, f.Certain, f.More = &stops[0], true, rest(append(stops, j.doubts(b, path)...))
			f.Why = fmt.Sprintf("%s. By what the cloud reports, %s stop: %s", what, named(b), stops[0].Sentence)
			return f
		}
		if d := path.Doubt(); d != nil && unknown == "" {
			unknown = fmt.Sprintf(" Whether %s pass cannot be told from what the cloud reports: %s", named(b), d.Sentence)
		}
	}
	f.Why = what + "."
	switch {
	case unknown != "":
		f.Why += unknown
	case len(unsent) > 0:
		f.Why += " By what the cloud reports everything passes."
	}
	return f
}

// named says what a probe is.
func named(b *Probe) string {
	kind := "pings"
	if b.Protocol != icmp {
		kind = fmt.Sprintf("%s connections to port %d", b.Protocol, b.Port)
	}
	return fmt.Sprintf("%s from %s to %s", kind, b.Sender, cmp.Or(b.Target, b.Address.String()))
}

// failed is a finding of probes of which some were not answered.
func (j *judge) failed(probes []Probe, failed []*Probe) Finding {
	f := Finding{Outcome: Blocked}
	for _, role := range interconnect.Roles {
		if silent(probes, role) && answered(probes, role.Other()) {
			f.Outcome = OneWay
		}
	}
	// What is certain of any failed probe says more than what is left of another.
	var about *Probe
	for _, b := range failed {
		at, more, certain := j.cause(b)
		if about == nil || certain && !f.Certain {
			about, f.At, f.More, f.Certain = b, at, more, certain
		}
	}
	f.Why = fmt.Sprintf("There is no answer to %s. %s", named(about), f.At.Sentence)
	return f
}

// silent tells whether nothing that a side asked was answered.
func silent(probes []Probe, role interconnect.Role) bool {
	sent := false
	for _, b := range probes {
		if b.From == role && b.Fate != NotSent {
			sent = true
			if b.Fate.Got() {
				return false
			}
		}
	}
	return sent
}

// answered tells whether all that a side asked was answered.
func answered(probes []Probe, role interconnect.Role) bool {
	got := false
	for _, b := range probes {
		if b.From == role && b.Fate != NotSent {
			got = true
			if !b.Fate.Got() {
				return false
			}
		}
	}
	return got
}

// cause says why a probe failed: what the analysis says, what was seen inside
// a guest, what the analysis is not sure of, and at last what is left.
func (j *judge) cause(b *Probe) (at *Hop, more []Hop, certain bool) {
	path := j.analyze(b)
	found := append(j.stops(b, path), j.seen(b)...)
	certain = len(found) > 0
	if found = append(found, j.doubts(b, path)...); len(found) > 0 {
		return &found[0], rest(found), certain
	}
	h := j.left(b)
	if doubt := path.Doubt(); doubt != nil && doubt.Mend == "" {
		h.Sentence += " Not all could be judged: " + doubt.Sentence
	}
	return &h, nil, false
}

// rest lists what else is in the way, each thing once.
func rest(hops []Hop) []Hop {
	var out []Hop
	for n, h := range hops {
		if !slices.ContainsFunc(hops[:n], func(o Hop) bool { return o.Layer == h.Layer && o.Resource == h.Resource }) {
			out = append(out, h)
		}
	}
	return out[1:]
}

// left is what is left when the configuration lets everything pass, and no look
// shows a route that leads astray: a firewall inside the target.
func (j *judge) left(b *Probe) Hop {
	role := b.From.Other()
	target := cmp.Or(b.Target, b.Address.String())
	kind := "pings"
	if b.Protocol != icmp {
		kind = fmt.Sprintf("%s port %d", b.Protocol, b.Port)
	}
	h := Hop{
		Layer: LayerGuest, Side: role, Way: Out, State: Unknown, Resource: b.Target,
		Sentence: fmt.Sprintf("The configuration lets it pass, so that something inside %s drops it, such as a firewall of its own.", target),
		Mend:     fmt.Sprintf("Have the firewall inside %s accept %s from %s, and see whether a container bridge or a VPN inside either instance covers the other's address.", target, kind, b.Sender),
	}
	_, here := j.look(b.Sender, b)
	_, there := j.look(b.Target, b)
	if here && there {
		h.Sentence = fmt.Sprintf("The configuration lets it pass, and both instances send to the other as they should, so that a firewall inside %s drops it.", target)
		h.Mend = fmt.Sprintf("Have the firewall inside %s accept %s from %s.", target, kind, b.Sender)
	}
	for _, e := range [][2]string{{b.Sender, target}, {target, b.Sender}} {
		if i, side := j.instance(e[0]); i != nil {
			if to := j.addressOf(e[1]); to.IsValid() && !to.IsPrivate() && !contains(side.VPC.UserBlocks, to) {
				h.Sentence += fmt.Sprintf(" Or %s has a public address too, and sends what is for %s to the internet, for that is no private address.", e[0], to)
				h.Mend += fmt.Sprintf(" If %s has a public address, give VPC %s an IPv4 gateway.", e[0], side.VPC.ID)
			}
		}
	}
	return h
}

func contains(blocks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return b.Contains(a) })
}
