package reachability

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// GuestRoute is where a guest sends what is for an address, as `ip route get`
// prints it.
type GuestRoute struct {
	Kind   string     // "" for an ordinary route; local, broadcast, unreachable, blackhole, prohibit, ...
	Device string     // eth0, docker0, ...; "" if the guest has no route
	Via    netip.Addr // gateway; not valid: the guest takes the address for a neighbour on the device
	Source netip.Addr // the address it would send from; not valid if not told
}

// noRoute is what ip says where it has no route, or one that refuses.
var noRoute = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^RTNETLINK answers: (Network is unreachable|No route to host|Invalid argument|Permission denied)\s*$`)
})

// refusals are the kinds of route that ip names by an error.
var refusals = map[string]string{
	"Network is unreachable": "unreachable", "No route to host": "unreachable",
	"Invalid argument": "blackhole", "Permission denied": "prohibit",
}

// routeKinds are the words that ip puts before an address, of a route that is
// not an ordinary one.
var routeKinds = map[string]bool{
	"unicast": true, "local": true, "broadcast": true, "anycast": true, "multicast": true,
	"throw": true, "unreachable": true, "prohibit": true, "blackhole": true, "nat": true,
}

// ParseRouteGet reads what `ip route get` prints. The error says what is wrong
// with output that is none of ip's.
func ParseRouteGet(output string) (GuestRoute, error) {
	if m := noRoute().FindStringSubmatch(output); m != nil {
		return GuestRoute{Kind: refusals[m[1]]}, nil
	}
	for line := range strings.Lines(output) {
		if r, ok := routeLine(strings.Fields(line)); ok {
			return r, nil
		}
	}
	return GuestRoute{}, fmt.Errorf("this is not what ip route get prints: %.120q", output)
}

// routeLine reads "[kind] address [from ...] [via gateway] dev device [src address] ...".
func routeLine(words []string) (r GuestRoute, ok bool) {
	if len(words) > 0 && routeKinds[words[0]] {
		r.Kind, words = words[0], words[1:]
	}
	if r.Kind == "unicast" {
		r.Kind = ""
	}
	if len(words) == 0 {
		return r, false
	}
	if _, err := netip.ParseAddr(words[0]); err != nil {
		return r, false
	}
	for n := 1; n+1 < len(words); n++ {
		value := words[n+1]
		switch words[n] {
		case "via":
			if value == "inet" || value == "inet6" { // a gateway of the other family names it first
				continue
			}
			r.Via, _ = netip.ParseAddr(value)
		case "inet", "inet6":
			r.Via, _ = netip.ParseAddr(value)
		case "dev":
			r.Device = value
		case "src":
			r.Source, _ = netip.ParseAddr(value)
		}
	}
	return r, r.Device != "" || r.Kind != ""
}
