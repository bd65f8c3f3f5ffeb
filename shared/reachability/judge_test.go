package reachability_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/localcloud/worlds"
	"vpcinterconnect/shared/reachability"
)

// fateOf is a data plane's fate as a probe learns it.
var fateOf = map[dataplane.Fate]reachability.Fate{
	dataplane.Answered: reachability.Answered, dataplane.Refused: reachability.Refused,
	dataplane.Lost: reachability.Silent, dataplane.Unreachable: reachability.Unreachable, dataplane.NoRoute: reachability.Unreachable,
}

// probe sends a packet from one instance to another, for real.
func (s *scene) probe(t require.TestingT, from, to, protocol string, port int) (reachability.Probe, dataplane.Verdict) {
	b := reachability.Probe{Sender: from, Target: to, Protocol: protocol, Port: port}
	for _, i := range s.topology.Instances {
		if i.ID == to {
			b.Address = i.PrivateIP
		}
		if i.ID == from {
			b.From = acceptor
			if i.VpcID == s.picture.Initiator.VPC.ID {
				b.From = initiator
			}
		}
	}
	v := dataplane.Deliver(s.topology, dataplane.Packet{From: from, To: b.Address, Protocol: protocol, Port: port})
	b.Fate = fateOf[v.Fate]
	return b, v
}

// looks asks two guests where they would send what is for the other.
func (s *scene) looks(t require.TestingT, a, b string) (out []reachability.Look) {
	addresses := map[string]engine.Instance{}
	for _, i := range s.topology.Instances {
		addresses[i.ID] = i
	}
	for _, e := range [][2]string{{a, b}, {b, a}} {
		to := addresses[e[1]].PrivateIP
		r, err := reachability.ParseRouteGet(s.run(e[0], "ip route get "+to.String()).Output)
		require.NoError(t, err)
		out = append(out, reachability.Look{Instance: e[0], Address: to, Route: r})
	}
	return out
}

func bridge(n int, to, device string) func(*world.World) {
	return func(w *world.World) {
		w.VPCs[n].Instances[0].Guest.Routes = []world.GuestRoute{{Destination: to, Device: device}}
	}
}

func notSent(why string, from ...string) func(b *reachability.Probe) {
	return func(b *reachability.Probe) {
		if slices.Contains(from, b.Sender) {
			b.Fate, b.Why = reachability.NotSent, why
		}
	}
}

var findings = []struct {
	name    string
	change  func(w *world.World)          // of the connected world
	stale   func(p *reachability.Picture) // what was read is not what there is
	probes  func(b *reachability.Probe)   // changes what each probe came to
	ports   []int                         // TCP ports that are tried too, from i-a
	noLooks bool                          // nobody looked into the guests
	outcome reachability.Outcome
	at      *reachability.Hop // of Mend, a part
	certain bool
	why     string   // a part
	more    []string // ids
}{
	{name: "everything passes", ports: []int{5432}, outcome: reachability.Connected},
	{name: "a refused port proves the way", change: func(w *world.World) { w.VPCs[1].Instances[0].Guest.ListenTCP = nil }, ports: []int{5432}, outcome: reachability.Connected},
	{name: "one side's rule is gone", change: func(w *world.World) { rulesOf(w, 1) },
		outcome: reachability.OneWay, at: hop(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule"), certain: true, why: "There is no answer to pings from i-a to i-b. No rule of the security groups of i-b"},
	{name: "the other side's rule is gone", change: func(w *world.World) { rulesOf(w, 0) },
		outcome: reachability.OneWay, at: hop(reachability.LayerIngress, initiator, out, "sg-a", "Add an ingress rule"), certain: true, why: "from i-b to i-a"},
	{name: "a route is gone", change: func(w *world.World) { system(w, 1).Routes = nil },
		outcome: reachability.Blocked, at: hop(reachability.LayerRoute, acceptor, back, "vtb-b", "Add a route"), certain: true},
	{name: "two things are broken", change: func(w *world.World) { system(w, 0).Routes = nil; rulesOf(w, 1) },
		outcome: reachability.Blocked, at: hop(reachability.LayerRoute, initiator, out, "vtb-a", "Add a route"), certain: true, more: []string{"sg-b"}},
	{name: "a port is not let in, pings are", ports: []int{22},
		outcome: reachability.Blocked, at: hop(reachability.LayerIngress, acceptor, out, "sg-b", "accepts TCP 22/22"), certain: true, why: "TCP connections to port 22 from i-a to i-b"},
	{name: "an answered ping refutes that there is no route, so it is the rule", stale: func(p *reachability.Picture) { p.Initiator.Entries = p.Initiator.Entries[:1] }, ports: []int{22},
		outcome: reachability.Blocked, at: hop(reachability.LayerIngress, acceptor, out, "sg-b", "accepts TCP 22/22"), certain: true},
	{name: "what was read is older than what there is", stale: func(p *reachability.Picture) { p.Acceptor.Groups[0].Rules = nil },
		outcome: reachability.Connected, why: "although by what the cloud reports it should not"},
	{name: "a route leads to a VPN gateway", change: func(w *world.World) { route(w, 0, "rte-vpn", "172.16.1.0/24", "VpnGateway", "vpn-1") },
		outcome: reachability.Blocked, at: hop(reachability.LayerRoute, initiator, out, "rte-vpn", "Delete route entry rte-vpn"), why: "cannot be told"},

	{name: "Docker's bridge covers the peer's block", change: bridge(0, "172.16.0.0/12", "docker0"),
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, initiator, out, "i-a", "/etc/docker/daemon.json"), certain: true, why: "to its own device docker0, which Docker has made"},
	{name: "a bridge covers the sender's address, so that replies get lost", change: bridge(1, "192.168.0.0/20", "virbr0"),
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, acceptor, back, "i-b", "Give virbr0 inside instance i-b"), certain: true, why: "libvirt"},
	{name: "the same, and nobody looked", change: bridge(0, "172.16.0.0/12", "docker0"), noLooks: true,
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, acceptor, out, "i-b", "whether a container bridge or a VPN inside either instance covers"), why: "something inside i-b"},
	{name: "a firewall inside the target", change: func(w *world.World) { w.VPCs[1].Instances[0].Guest.DropICMP = true },
		outcome: reachability.OneWay, at: hop(reachability.LayerGuest, acceptor, out, "i-b", "Have the firewall inside i-b accept pings from i-a."), why: "a firewall inside i-b drops it"},
	{name: "addresses that are not private, which public instances look for elsewhere", change: func(w *world.World) {
		w.VPCs[1].CidrBlock, w.VPCs[1].VSwitches[0].CidrBlock, w.VPCs[1].Instances[0].PrivateIP = "30.0.0.0/8", "30.1.1.0/24", "30.1.1.10"
		system(w, 0).Routes[0].Destination = "30.0.0.0/8"
		addRule(w, 0, world.Rule{Direction: "ingress", Protocol: "ICMP", CidrBlock: "30.0.0.0/8"})
	}, probes: func(b *reachability.Probe) { b.Fate = reachability.Silent },
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, acceptor, out, "i-b", "If i-a has a public address, give VPC vpc-a an IPv4 gateway."), why: "sends what is for 30.1.1.10 to the internet"},
	{name: "the same, and the VPC knows the block as its user's", change: func(w *world.World) {
		w.VPCs[1].CidrBlock, w.VPCs[1].VSwitches[0].CidrBlock, w.VPCs[1].Instances[0].PrivateIP = "30.0.0.0/8", "30.1.1.0/24", "30.1.1.10"
		w.VPCs[0].UserBlocks = []string{"30.0.0.0/8"}
		system(w, 0).Routes[0].Destination = "30.0.0.0/8"
		addRule(w, 0, world.Rule{Direction: "ingress", Protocol: "ICMP", CidrBlock: "30.0.0.0/8"})
	}, probes: func(b *reachability.Probe) { b.Fate = reachability.Silent },
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, acceptor, out, "i-b", "Have the firewall inside i-b accept pings from i-a."), why: "so that a firewall inside i-b drops it."},
	{name: "a firewall inside the target drops a port", change: func(w *world.World) { w.VPCs[1].Instances[0].Guest.DropTCP = []string{"5432/5432"} }, ports: []int{5432},
		outcome: reachability.Blocked, at: hop(reachability.LayerGuest, acceptor, out, "i-b", "accept TCP port 5432 from i-a."), why: "a firewall inside i-b"},
	{name: "a bridge, and a rule that is gone", change: func(w *world.World) { bridge(0, "172.16.0.0/12", "docker0")(w); rulesOf(w, 1) },
		outcome: reachability.Blocked, at: hop(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule"), certain: true, more: []string{"i-a"}},

	{name: "Cloud Assistant is offline on both sides", probes: notSent("Cloud Assistant is offline.", "i-a", "i-b"),
		outcome: reachability.Unproven, why: "Nothing could be sent: Cloud Assistant is offline. By what the cloud reports everything passes."},
	{name: "Cloud Assistant is offline on one side", probes: notSent("Cloud Assistant is offline on i-a", "i-a"),
		outcome: reachability.Unproven, why: "Not everything could be sent: Cloud Assistant is offline on i-a."},
	{name: "offline, and the configuration stops it", change: func(w *world.World) { system(w, 0).Routes = nil }, probes: notSent("offline", "i-a", "i-b"),
		outcome: reachability.Unproven, at: hop(reachability.LayerRoute, initiator, out, "vtb-a", "Add a route"), certain: true, why: "By what the cloud reports, pings from i-a to i-b stop: Route table vtb-a"},
	{name: "offline on one side, and the other side's pings fail", change: func(w *world.World) { rulesOf(w, 0) }, probes: notSent("offline", "i-a"),
		outcome: reachability.Blocked, at: hop(reachability.LayerIngress, initiator, out, "sg-a", "Add an ingress rule"), certain: true},
	{name: "offline, and not all can be told", change: func(w *world.World) { route(w, 0, "rte-vpn", "172.16.1.0/24", "VpnGateway", "vpn-1") }, probes: notSent("offline", "i-a", "i-b"),
		outcome: reachability.Unproven, why: "Whether pings from i-a to i-b pass cannot be told from what the cloud reports: The route to 172.16.1.0/24"},
	{name: "a stopped instance cannot be pinged", change: func(w *world.World) { w.VPCs[1].Instances[0].Status = "Stopped" }, probes: notSent("i-b does not run", "i-a", "i-b"), noLooks: true,
		outcome: reachability.Unproven, at: hop(reachability.LayerInstance, acceptor, out, "i-b", "Start instance i-b."), certain: true},
}

func hop(l reachability.Layer, side interconnect.Role, way reachability.Way, id, mend string) *reachability.Hop {
	h := at(l, side, way, id, mend)
	return &h
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, c := range findings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := connected(ec)
			if c.change != nil {
				c.change(w)
			}
			s := stage(t, w)
			if c.stale != nil {
				c.stale(s.picture)
			}
			there, _ := s.probe(t, "i-a", "i-b", "ICMP", 0)
			home, _ := s.probe(t, "i-b", "i-a", "ICMP", 0)
			probes := []reachability.Probe{there, home}
			for _, p := range c.ports {
				b, _ := s.probe(t, "i-a", "i-b", "TCP", p)
				probes = append(probes, b)
			}
			if c.probes != nil {
				all(probes, c.probes)
			}
			var looks []reachability.Look
			if !c.noLooks {
				looks = s.looks(t, "i-a", "i-b")
			}
			f := reachability.Judge(s.picture, probes, looks)
			require.Equal(t, c.outcome, f.Outcome, "%+v", f)
			require.Equal(t, c.certain, f.Certain)
			require.Contains(t, f.Why, c.why)
			require.Equal(t, c.outcome == reachability.Connected && c.why == "", f.Why == "")
			if c.at == nil {
				require.Nil(t, f.At)
			} else {
				require.NotNil(t, f.At)
				require.Equal(t, [...]any{c.at.Layer, c.at.Side, c.at.Way, c.at.Resource}, [...]any{f.At.Layer, f.At.Side, f.At.Way, f.At.Resource}, "%+v", f)
				require.Contains(t, f.At.Mend, c.at.Mend)
			}
			var more []string
			for _, h := range f.More {
				more = append(more, h.Resource)
			}
			require.Equal(t, c.more, more)
		})
	}
}

func TestAGuestThatRefusesAnAddressIsNamed(t *testing.T) {
	t.Parallel()
	s := stage(t, connected(ec))
	for name, c := range map[string]struct {
		route     reachability.GuestRoute
		why, mend string
	}{
		"no route":             {reachability.GuestRoute{Kind: "unreachable"}, "has no usable route to 172.16.1.10 (unreachable)", "default route"},
		"the address is its":   {reachability.GuestRoute{Kind: "local", Device: "lo"}, "has the address 172.16.1.10 itself, on lo", "Take the address 172.16.1.10 from lo inside instance i-a."},
		"a VPN takes it":       {reach("tun0", "10.8.0.1", "10.8.0.6"), "to its own device tun0, which a VPN has made", "Give tun0"},
		"on a device of eth's": {reach("eth1", "", "192.168.1.10"), "to its own device eth1,", "Give eth1"},
	} {
		b, _ := s.probe(t, "i-a", "i-b", "ICMP", 0)
		b.Fate = reachability.Unreachable
		f := reachability.Judge(s.picture, []reachability.Probe{b}, []reachability.Look{{Instance: "i-a", Address: b.Address, Route: c.route}})
		require.Equal(t, reachability.LayerGuest, f.At.Layer, name)
		require.True(t, f.Certain, name)
		require.Contains(t, f.Why, c.why, name)
		require.Contains(t, f.At.Mend, c.mend, name)
	}
	// Nothing can be looked at is nothing seen.
	f := reachability.Judge(s.picture, nil, nil)
	require.Equal(t, reachability.Unproven, f.Outcome)
	require.Nil(t, f.At)
}

// inGuests are the data plane's words for what is wrong inside a guest.
var inGuests = regexp.MustCompile(`inside |network interface of|would answer another way`)

// TestFindingsOfRandomWorlds judges random worlds with something wrong inside
// guests too, as a check does: by pings both ways and a look into each guest.
func TestFindingsOfRandomWorlds(t *testing.T) {
	t.Parallel()
	count := map[reachability.Outcome]int{}
	guests := 0
	for n := range uint64(200) {
		r := rand.New(rand.NewPCG(n, 11))
		w := worlds.Draw(r)
		if n%2 == 0 { // what is inside guests seldom shows, since something else stops most packets
			sick := &w.VPCs[r.IntN(2)]
			for i := range sick.Instances {
				other := w.VPCs[0].CidrBlock
				if sick == &w.VPCs[0] {
					other = w.VPCs[1].CidrBlock
				}
				sick.Instances[i].Guest.DropICMP = r.IntN(2) == 0
				sick.Instances[i].Guest.Routes = []world.GuestRoute{{Destination: other, Device: "docker0"}}[:r.IntN(2)]
			}
		}
		s := stage(t, w)
		var a, b string
		for _, i := range s.topology.Instances {
			switch i.VpcID {
			case s.picture.Initiator.VPC.ID:
				a = i.ID
			case s.picture.Acceptor.VPC.ID:
				b = i.ID
			}
		}
		there, v := s.probe(t, a, b, "ICMP", 0)
		home, x := s.probe(t, b, a, "ICMP", 0)
		f := reachability.Judge(s.picture, []reachability.Probe{there, home}, s.looks(t, a, b))
		count[f.Outcome]++
		gotThere, gotHome := there.Fate.Got(), home.Fate.Got()
		want := reachability.Blocked
		if gotThere && gotHome {
			want = reachability.Connected
		} else if gotThere != gotHome {
			want = reachability.OneWay
		}
		require.Equal(t, want, f.Outcome, "world %d", n)
		if f.Outcome == reachability.Connected {
			require.Nil(t, f.At)
			require.Empty(t, f.Why, "world %d: %s", n, f.Why)
			continue
		}
		require.NotNil(t, f.At, "world %d", n)
		require.NotEmpty(t, f.At.Mend, "world %d: %+v", n, f.At)
		// What stops a packet by the data plane's own account is told: the layer,
		// or that it is inside a guest.
		var stops []string
		for k, d := range []dataplane.Verdict{v, x} {
			if got := []bool{gotThere, gotHome}[k]; !got {
				stops = append(stops, d.Where)
			}
		}
		told := append([]reachability.Hop{*f.At}, f.More...)
		require.True(t, slices.ContainsFunc(stops, func(where string) bool {
			if inGuests.MatchString(where) {
				guests++
				return slices.ContainsFunc(told, func(h reachability.Hop) bool { return h.Layer == reachability.LayerGuest }) ||
					f.Certain && !strings.Contains(where, "a route inside") // no look shows a firewall, and something else is in the reply's way
			}
			for _, l := range layerOf {
				if l.says.MatchString(where) {
					return slices.ContainsFunc(told, func(h reachability.Hop) bool { return slices.Contains(l.layer, h.Layer) }) || !f.Certain
				}
			}
			return false
		}), "world %d: %v: %+v", n, stops, f)
	}
	for _, o := range []reachability.Outcome{reachability.Connected, reachability.OneWay, reachability.Blocked} {
		require.Greater(t, count[o], 15, "hardly any world is %s: %v", o, count)
	}
	require.Greater(t, guests, 10, "hardly any packet is stopped inside a guest")
}
