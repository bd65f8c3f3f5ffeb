package reachability_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/reachability"
)

// Outputs of ip from iproute2, as its versions since CentOS 6 print them, and
// from busybox.
var routeGets = []struct {
	name, output string
	want         reachability.GuestRoute
	kind         string
}{
	{"by the gateway", "172.16.1.10 via 192.168.1.253 dev eth0 src 192.168.1.10 uid 0 \n    cache \n", reach("eth0", "192.168.1.253", "192.168.1.10"), ""},
	{"by the gateway, as old versions print it", "172.16.1.10 via 192.168.1.253 dev eth0  src 192.168.1.10 \n    cache  mtu 1500 advmss 1460 hoplimit 64\n", reach("eth0", "192.168.1.253", "192.168.1.10"), ""},
	{"from a bridge", "172.16.1.10 dev docker0 src 172.16.0.1 uid 0 \n    cache \n", reach("docker0", "", "172.16.0.1"), ""},
	{"through a container", "172.16.1.10 via 172.17.0.2 dev br-0a1b2c3d4e5f src 172.17.0.1 uid 0 \n    cache \n", reach("br-0a1b2c3d4e5f", "172.17.0.2", "172.17.0.1"), ""},
	{"its own address", "local 172.16.1.10 dev lo src 172.16.1.10 uid 0 \n    cache <local> \n", reach("lo", "", "172.16.1.10"), "local"},
	{"a broadcast", "broadcast 172.16.1.10 dev docker0 src 172.16.1.1 uid 0 \n    cache <local,brd> \n", reach("docker0", "", "172.16.1.1"), "broadcast"},
	{"by a gateway of IPv6", "172.16.1.10 via inet6 fe80::1 dev eth0 src 192.168.1.10 uid 0 \n", reach("eth0", "fe80::1", "192.168.1.10"), ""},
	{"with a table and a mark", "172.16.1.10 from 192.168.1.10 via 192.168.1.253 dev eth0 table 100 mark 0x1 uid 0 \n    cache \n", reach("eth0", "192.168.1.253", ""), ""},
	{"no route", "RTNETLINK answers: Network is unreachable\n", reachability.GuestRoute{}, "unreachable"},
	{"an unreachable route", "RTNETLINK answers: No route to host\n", reachability.GuestRoute{}, "unreachable"},
	{"a blackhole", "RTNETLINK answers: Invalid argument\n", reachability.GuestRoute{}, "blackhole"},
	{"a route that is prohibited", "RTNETLINK answers: Permission denied\n", reachability.GuestRoute{}, "prohibit"},
	{"after what the shell says", "bash: warning: setlocale: LC_ALL: cannot change locale\n172.16.1.10 via 192.168.1.253 dev eth0 src 192.168.1.10\n", reach("eth0", "192.168.1.253", "192.168.1.10"), ""},
}

func reach(device, via, source string) (r reachability.GuestRoute) {
	r.Device = device
	r.Via, _ = netip.ParseAddr(via)
	r.Source, _ = netip.ParseAddr(source)
	return r
}

func TestParseRouteGet(t *testing.T) {
	t.Parallel()
	for _, c := range routeGets {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := reachability.ParseRouteGet(c.output)
			require.NoError(t, err)
			c.want.Kind = c.kind
			require.Equal(t, c.want, got)
		})
	}
	for _, output := range []string{"", "\n", "bash: ip: command not found\n", "172.16.1.10", "Error: any valid prefix is expected rather than \"x\".\n", "eth0 dev eth0"} {
		_, err := reachability.ParseRouteGet(output)
		require.ErrorContains(t, err, "not what ip route get prints", "%q", output)
	}
}

func FuzzParseRouteGet(f *testing.F) {
	for _, c := range routeGets {
		f.Add(c.output)
	}
	f.Fuzz(func(t *testing.T, output string) {
		r, err := reachability.ParseRouteGet(output)
		if err == nil {
			require.True(t, r.Device != "" || r.Kind != "", "%+v of %q", r, output)
		}
	})
}

// TestGuestsPrintWhatIPPrints reads what the local cloud's guests print.
func TestGuestsPrintWhatIPPrints(t *testing.T) {
	t.Parallel()
	w := connected(ec)
	w.VPCs[0].Instances[1].Guest.Routes = []world.GuestRoute{{Destination: "172.16.0.0/12", Device: "docker0"}}
	w.VPCs[1].Instances[0].Guest.InterfaceDown = true
	s := stage(t, w)
	for from, want := range map[string]reachability.GuestRoute{
		"i-a":  reach("eth0", "192.168.1.253", "192.168.1.10"),
		"i-a2": reach("docker0", "", "172.16.0.1"),
		"i-b":  {Kind: "unreachable"},
	} {
		to := "172.16.1.10"
		if from == "i-b" {
			to = "192.168.1.10"
		}
		route, err := reachability.ParseRouteGet(s.run(from, "ip route get "+to).Output)
		require.NoError(t, err)
		require.Equal(t, want, route, from)
	}
}

func (s *scene) run(instance, script string) engine.Execution {
	return dataplane.Guests{}.Run(engine.Script{Topology: s.topology, InstanceID: instance, Content: script, Timeout: time.Minute, Start: time.Unix(0, 0)})
}
