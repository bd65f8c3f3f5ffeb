package reachability_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/kernel"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/localcloud/worlds"
	"vpcinterconnect/shared/reachability"
)

// This file has the kernel judge the two others: what a real packet does in a
// network that is built as the world says (see package kernel).

var (
	judged    = flag.Int("judge", 6, "how many random worlds the kernel is asked about")
	judgeSeed = flag.Uint64("judge-seed", 1, "the number of the first")
)

// breaksPerWorld is how often a drawn world is broken and judged anew.
const breaksPerWorld = 2

// kernelNetwork opens a network, without the distance between regions.
func kernelNetwork(t *testing.T) *kernel.Network {
	t.Helper()
	n, err := kernel.Open(kernel.Options{Instant: true, Warn: func(err error) { t.Error(err) }})
	if errors.Is(err, kernel.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, n.Close()) })
	return n
}

// came tells whether something came back.
func came(f dataplane.Fate) bool { return f == dataplane.Answered || f == dataplane.Refused }

// atOnce is a fate as one learns it at once: that nobody is there, it takes the
// kernel three seconds to say.
func atOnce(f dataplane.Fate) dataplane.Fate {
	if f == dataplane.Unreachable {
		return dataplane.Lost
	}
	return f
}

// sent sends packets, and once more those that should bring something back and
// did not: a busy machine may lose one.
func sent(t *testing.T, n *kernel.Network, packets []dataplane.Packet, expected func(dataplane.Packet) bool) []dataplane.Fate {
	t.Helper()
	wait := kernel.Patience{Awaited: expected, For: 5 * time.Second, After: 30 * time.Millisecond}
	fates, err := n.Deliver(packets, wait)
	require.NoError(t, err)
	var late []int
	var again []dataplane.Packet
	for k, p := range packets {
		if expected(p) && !came(fates[k]) {
			late, again = append(late, k), append(again, p)
		}
	}
	if len(again) > 0 {
		second, err := n.Deliver(again, wait)
		require.NoError(t, err)
		for k, f := range second {
			fates[late[k]] = f
		}
	}
	return fates
}

func TestWorkedWorldsOnTheKernel(t *testing.T) {
	t.Parallel()
	n := kernelNetwork(t)
	for number, c := range worked {
		kind := c.kind
		if kind == "" { // the two in turn: TestWorkedWorlds has both
			kind = []interconnect.Type{ec, peer}[number%2]
		}
		w := connected(kind)
		if c.change != nil {
			c.change(w)
		}
		s := stage(t, w)
		k := c.packet
		if k.From == "" {
			k = ping("i-a", "i-b")
		}
		require.NoError(t, n.Apply(s.topology), c.name)
		fates := sent(t, n, []dataplane.Packet{packetOf(s, k)}, func(dataplane.Packet) bool { return came(c.fate) })
		require.Equal(t, atOnce(c.fate), fates[0], "%s, %s", kind, c.name)
	}
}

// TestJudge compares what the kernel does with what the other two say would
// happen, for each pair of instances, both ways, ICMP and TCP, in worlds that
// are drawn and broken. One network becomes one world after the other, so that
// each is reached by a difference. make judge N=1000 is the long run.
func TestJudge(t *testing.T) {
	t.Parallel()
	n := kernelNetwork(t)
	var count struct{ worlds, packets, arrived, analysed int }
	begun := time.Now()
	for number := *judgeSeed; number < *judgeSeed+uint64(*judged); number++ {
		r := rand.New(rand.NewPCG(number, 10))
		w := judgedWorld(number, r)
		story := []string{fmt.Sprintf("world %d", number)}
		for k := range 1 + breaksPerWorld {
			if k > 0 {
				story = append(story, worlds.Break(r, w))
			}
			s := stage(t, w)
			require.NoError(t, n.Apply(s.topology))
			c := newComparison(s)
			if wrong := c.run(t, n); len(wrong) > 0 {
				text, err := w.Marshal()
				require.NoError(t, err)
				t.Fatalf("%s (again: -judge 1 -judge-seed %d):\n%s\n\nThe world:\n%s", strings.Join(story, "; "), number, strings.Join(wrong, "\n"), text)
			}
			count.worlds++
			count.packets += len(c.packets)
			count.arrived += c.arrived
			count.analysed += c.analysed
		}
	}
	t.Logf("%d worlds, each broken %d times: %d judged, %.1f a second; %d packets, of which %d brought something back and %d were analysed too; no disagreement",
		*judged, breaksPerWorld, count.worlds, float64(count.worlds)/time.Since(begun).Seconds(), count.packets, count.arrived, count.analysed)
	require.Greater(t, count.arrived, count.packets/20, "hardly any packet arrives")
	require.Less(t, count.arrived, count.packets*19/20, "hardly any packet is stopped")
}

// A judge that can find nothing wrong is none: here the kernel is built after
// another world than the others are asked about.
func TestTheJudgeSeesADifference(t *testing.T) {
	t.Parallel()
	n := kernelNetwork(t)
	s := stage(t, connected(ec))
	for _, c := range []struct {
		broken func(w *world.World)
		says   []string
	}{
		{func(w *world.World) { system(w, 1).Routes = nil }, []string{
			"ICMP from i-a to 172.16.1.10 0: the kernel says lost, the data plane answered", "ICMP from i-a to 172.16.1.10 0: the kernel says lost, the analysis passes",
			"ICMP from i-b to 192.168.1.10 0: the kernel says lost, the data plane answered",
		}},
		{func(w *world.World) { rulesOf(w, 1, in("ALL", "0.0.0.0/0")) }, []string{
			"TCP from i-a to 172.16.1.10 22: the kernel says refused, the data plane lost", "TCP from i-a2 to 172.16.1.10 22: the kernel says refused, the analysis blocks",
		}},
	} {
		w := connected(ec)
		c.broken(w)
		require.NoError(t, n.Apply(stage(t, w).topology))
		wrong := strings.Join(newComparison(s).run(t, n), "\n")
		for _, part := range c.says {
			require.Contains(t, wrong, part)
		}
	}
	require.NoError(t, n.Apply(s.topology))
	require.Empty(t, newComparison(s).run(t, n))
}

// judgedWorld is a world as the analysis is held against, or one with guests
// that have troubles of their own. Of several next hops one is left: which of
// them a flow takes is every network's own affair.
func judgedWorld(number uint64, r *rand.Rand) *world.World {
	w := worlds.Draw(r)
	if number%2 == 0 {
		w = worldNumber(number)
	}
	for v := range w.VPCs {
		for t := range w.VPCs[v].RouteTables {
			for e := range w.VPCs[v].RouteTables[t].Routes {
				route := &w.VPCs[v].RouteTables[t].Routes[e]
				route.NextHops = route.NextHops[:1]
			}
		}
	}
	return w
}

// comparison is what is asked about one world.
type comparison struct {
	*scene
	packets           []dataplane.Packet
	verdicts          map[dataplane.Packet]dataplane.Verdict
	paths             map[dataplane.Packet]reachability.Path
	arrived, analysed int
}

func newComparison(s *scene) *comparison {
	c := &comparison{scene: s, verdicts: map[dataplane.Packet]dataplane.Verdict{}, paths: map[dataplane.Packet]reachability.Path{}}
	for _, from := range s.topology.Instances {
		for _, to := range s.topology.Instances {
			if from.ID == to.ID || from.Status != engine.InstanceRunning {
				continue
			}
			c.packets = append(c.packets, dataplane.Packet{From: from.ID, To: to.PrivateIP, Protocol: "ICMP"})
			for _, port := range worlds.Ports {
				c.packets = append(c.packets, dataplane.Packet{From: from.ID, To: to.PrivateIP, Protocol: "TCP", Port: port})
			}
		}
	}
	for _, p := range c.packets {
		c.verdicts[p] = dataplane.Deliver(s.topology, p)
	}
	for _, k := range s.packets(worlds.Ports...) {
		c.paths[packetOf(s, k)] = reachability.Analyze(s.picture, k)
	}
	return c
}

// run asks the kernel, and returns what the judges do not agree about.
func (c *comparison) run(t *testing.T, n *kernel.Network) (wrong []string) {
	fates := sent(t, n, c.packets, func(p dataplane.Packet) bool { return came(c.verdicts[p].Fate) })
	for k, p := range c.packets {
		fate, v := fates[k], c.verdicts[p]
		if came(fate) {
			c.arrived++
		}
		if fate != atOnce(v.Fate) {
			wrong = append(wrong, fmt.Sprintf("%s from %s to %s %d: the kernel says %s, the data plane %s %s", p.Protocol, p.From, p.To, p.Port, fate, v.Fate, v.Where))
		}
		path, known := c.paths[p]
		if !known || path.Result == reachability.Unknown {
			continue
		}
		c.analysed++
		// What the analysis lets pass may still end inside a guest.
		inGuest := v.Fate != dataplane.Answered && v.Fate != dataplane.Refused && c.guestStops(p)
		if passes := path.Result == reachability.Passes; passes != came(fate) && !(passes && inGuest) {
			wrong = append(wrong, fmt.Sprintf("%s from %s to %s %d: the kernel says %s, the analysis %s: %+v", p.Protocol, p.From, p.To, p.Port, fate, path.Result, path.Stop()))
		}
	}
	return wrong
}

// guestStops tells whether the data plane would let a packet through if nothing
// were wrong inside any guest.
func (c *comparison) guestStops(p dataplane.Packet) bool {
	t := *c.topology
	t.Instances = nil
	for _, i := range c.topology.Instances {
		i.Guest = engine.GuestFacts{ListenTCP: i.Guest.ListenTCP}
		t.Instances = append(t.Instances, i)
	}
	return came(dataplane.Deliver(&t, p).Fate)
}
