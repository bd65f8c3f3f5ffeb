package kernel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sortedKeys are a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// newcomers are the keys that b has and a has not.
func newcomers[K cmp.Ordered, A, B any](a map[K]A, b map[K]B) []K {
	var out []K
	for _, k := range sortedKeys(b) {
		if _, there := a[k]; !there {
			out = append(out, k)
		}
	}
	return out
}

// routingDifference are the ip commands that turn one vRouter's routing into
// another's. What is new comes before what is old goes, so that nothing falls
// into a gap. Devices that routes name are there.
func routingDifference(from, to *router) []string {
	var out []string
	for _, where := range sortedKeys(to.routes) {
		if to.routes[where] != from.routes[where] {
			out = append(out, "route replace "+asRoute(where, to.routes[where]))
		}
	}
	for _, r := range to.rules {
		if !slices.Contains(from.rules, r) {
			out = append(out, "rule add "+r)
		}
	}
	for _, r := range from.rules {
		if !slices.Contains(to.rules, r) {
			out = append(out, "rule del "+r)
		}
	}
	for _, where := range newcomers(to.routes, from.routes) {
		out = append(out, "route del "+asRoute(where, from.routes[where]))
	}
	return out
}

// asRoute writes a route as ip takes it: the type, if it is one without a
// device, comes first.
func asRoute(where, what string) string {
	if what == "blackhole" || what == "throw" {
		return what + " " + where
	}
	return where + " " + what
}

// bridgesDifference are the ip commands that turn one guest's bridges into
// another's.
func bridgesDifference(from, to *guest) []string {
	var out []string
	for _, device := range sortedKeys(from.bridges) {
		if !slices.Equal(from.bridges[device], to.bridges[device]) {
			out = append(out, "link del dev "+device)
		}
	}
	for _, device := range sortedKeys(to.bridges) {
		if !slices.Equal(from.bridges[device], to.bridges[device]) {
			out = append(out, to.bridges[device]...)
		}
	}
	return out
}

// shaping are tc's words for a device's bandwidth in Mb/s. The bucket holds
// what passes in 10 ms, and no less than some packets.
func shaping(device string, mbps int) string {
	return fmt.Sprintf("qdisc replace dev %s root tbf rate %dmbit burst %d latency 100ms", device, mbps, max(mbps*1000*1000/8/100, 6000))
}

// without is the plan less the guests and wires that cannot become what another
// plan wants of them, and less the routes that lead to them: they have to be
// made anew. false: there are none.
func (p plan) without(want plan) (plan, bool) {
	out := plan{routers: map[string]*router{}, guests: map[string]*guest{}, wires: map[string]*wire{}}
	gone := map[string]bool{}
	for id, g := range p.guests {
		if to := want.guests[id]; to != nil && to.link != g.link {
			gone[g.port] = true
		} else {
			out.guests[id] = g
		}
	}
	for id, w := range p.wires {
		if to := want.wires[id]; to != nil && *to != *w {
			gone[w.device] = true
		} else {
			out.wires[id] = w
		}
	}
	leadsThere := func(word string) bool { return gone[word] }
	for id, r := range p.routers {
		kept := &router{routes: map[string]string{}, rules: r.rules, filter: r.filter}
		for where, what := range r.routes {
			if !slices.ContainsFunc(strings.Fields(what), leadsThere) {
				kept.routes[where] = what
			}
		}
		out.routers[id] = kept
	}
	return out, len(gone) > 0
}
