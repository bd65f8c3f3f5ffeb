package reachability_test

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/localcloud/worlds"
	"vpcinterconnect/shared/reachability"
)

var (
	howMany  = flag.Int("worlds", 300, "how many random worlds the analysis and the data plane are to agree on")
	worldOne = flag.Uint64("world", 0, "the number of one random world to judge and print, instead")
)

// tally counts what the analysis says, so that a test in which all is unknown,
// or all passes, does not pass for agreement.
type tally struct {
	packets int
	results map[reachability.State]int
	layers  map[reachability.Layer]int // of what stops
}

func newTally() *tally {
	return &tally{results: map[reachability.State]int{}, layers: map[reachability.Layer]int{}}
}

// disagreement judges every packet of a world by both, and says where they
// differ: "" nowhere.
func disagreement(s *scene, n *tally) string {
	for _, k := range s.packets(22, 5432) {
		path := reachability.Analyze(s.picture, k)
		v := dataplane.Deliver(s.topology, packetOf(s, k))
		n.packets++
		n.results[path.Result]++
		came := v.Fate == dataplane.Answered || v.Fate == dataplane.Refused
		switch path.Result {
		case reachability.Passes:
			if !came {
				return fmt.Sprintf("%+v: the analysis lets it pass, the data plane does not: %s", k, v.Where)
			}
		case reachability.Blocks:
			n.layers[path.Stop().Layer]++
			if came {
				return fmt.Sprintf("%+v: the data plane lets it pass, the analysis does not: %+v", k, *path.Stop())
			}
			if !names(path, v) {
				return fmt.Sprintf("%+v: both stop it, but the data plane says: %s (back: %v), the analysis: %+v", k, v.Where, v.Back, path.Hops)
			}
		}
	}
	return ""
}

// layerOf reads off the data plane's words which layer has stopped a packet.
var layerOf = []struct {
	says  *regexp.Regexp
	layer []reachability.Layer
}{
	{regexp.MustCompile(`^network ACL`), []reachability.Layer{reachability.LayerAcl}},
	{regexp.MustCompile(`^(rule .* drops it on the way|no security group rule .* lets it) out`), []reachability.Layer{reachability.LayerEgress}},
	{regexp.MustCompile(`^(rule .* drops it on the way|no security group rule .* lets it) in`), []reachability.Layer{reachability.LayerIngress}},
	{regexp.MustCompile(`^route table|^the route`), []reachability.Layer{reachability.LayerRoute}},
	// What is not there is the connection's end as well as the route's fault.
	{regexp.MustCompile(`^(router interface|peering connection)`), []reachability.Layer{reachability.LayerPeering, reachability.LayerRoute}},
	// A packet that ends in a third VPC was led there by a route.
	{regexp.MustCompile(`^no vSwitch of`), []reachability.Layer{reachability.LayerRoute}},
	{regexp.MustCompile(`^instance`), []reachability.Layer{reachability.LayerInstance}},
}

// names tells whether the layer at which the data plane stops a packet is among
// those that the analysis says block it, or of which it cannot tell.
func names(path reachability.Path, v dataplane.Verdict) bool {
	way := reachability.Out
	if v.Back {
		way = reachability.Back
	}
	for _, l := range layerOf {
		if l.says.MatchString(v.Where) {
			return slices.ContainsFunc(path.Hops, func(h reachability.Hop) bool {
				return h.State != reachability.Passes && h.Way == way && slices.Contains(l.layer, h.Layer)
			})
		}
	}
	return false
}

// worldNumber draws a world: every second one is of those that all judges of
// reachability are compared on, without what is inside guests, where no
// analysis sees; the others have all that a configuration may have.
func worldNumber(n uint64) *world.World {
	if n%2 == 0 {
		return randomWorld(n)
	}
	w := worlds.Draw(rand.New(rand.NewPCG(n, 9)))
	for n := range w.VPCs {
		v := &w.VPCs[n]
		for i := range v.Instances {
			v.Instances[i].Guest = world.Guest{ListenTCP: v.Instances[i].Guest.ListenTCP}
		}
		// CreateRouteEntry takes no block that is a vSwitch's, or inside of one;
		// what such an entry would do is nowhere said.
		for t := range v.RouteTables {
			v.RouteTables[t].Routes = slices.DeleteFunc(v.RouteTables[t].Routes, func(r world.Route) bool {
				return slices.ContainsFunc(v.VSwitches, func(s world.VSwitch) bool { return inside(r.Destination, s.CidrBlock) })
			})
		}
	}
	return w
}

// inside tells whether block a is b or a part of it.
func inside(a, b string) bool {
	x, y := netip.MustParsePrefix(a), netip.MustParsePrefix(b)
	return y.Contains(x.Addr()) && y.Bits() <= x.Bits()
}

// TestRandomWorlds holds the analysis against the data plane, which shares no
// code with it. make worlds N=10000 is the long run.
func TestRandomWorlds(t *testing.T) {
	t.Parallel()
	if *worldOne > 0 {
		w := worldNumber(*worldOne)
		text, err := w.Marshal()
		require.NoError(t, err)
		t.Logf("%s", text)
		require.Empty(t, disagreement(stage(t, w), newTally()))
		return
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	all, next, failed := newTally(), uint64(0), false
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			mine := newTally()
			for {
				mu.Lock()
				next++
				n := next
				stop := failed || n > uint64(*howMany)
				mu.Unlock()
				if stop {
					break
				}
				if why := disagreement(stage(t, worldNumber(n)), mine); why != "" {
					mu.Lock()
					failed = true
					mu.Unlock()
					report(t, n, why)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all.packets += mine.packets
			for k, n := range mine.results {
				all.results[k] += n
			}
			for k, n := range mine.layers {
				all.layers[k] += n
			}
		})
	}
	wg.Wait()
	if failed {
		return
	}
	t.Logf("%d worlds, %d packets: %v; stopped at: %v", *howMany, all.packets, all.results, all.layers)
	require.Less(t, all.results[reachability.Unknown], all.packets/6, "too much is left open")
	for _, r := range []reachability.State{reachability.Passes, reachability.Blocks} {
		require.Greater(t, all.results[r], all.packets/6, "hardly any packet %s", r)
	}
	for _, l := range []reachability.Layer{reachability.LayerInstance, reachability.LayerEgress, reachability.LayerRoute, reachability.LayerPeering, reachability.LayerAcl, reachability.LayerIngress} {
		require.Greater(t, all.layers[l], all.packets/200, "hardly any packet stops at the %s", l)
	}
}

// TestAPictureIsWhatTheAPIReports holds the short way from the engine to a
// Picture against the long one: what the client of the functions reads by the
// API, of worked worlds and of random ones.
func TestAPictureIsWhatTheAPIReports(t *testing.T) {
	t.Parallel()
	var all []*world.World
	for n, c := range worked {
		kind := cmp.Or(c.kind, []interconnect.Type{ec, peer}[n%2])
		w := connected(kind)
		if c.change != nil {
			c.change(w)
		}
		all = append(all, w)
	}
	for n := range uint64(20) {
		all = append(all, worldNumber(1_000_000+n))
	}
	for n, w := range all {
		s := stage(t, w)
		read := s.read(t)
		for _, k := range s.packets(22, 5432) {
			short, long := reachability.Analyze(s.picture, k), reachability.Analyze(read, k)
			require.Equal(t, short, long, "world %d, %+v", n, k)
		}
	}
}

// report prints a world on which the two disagree, as small as it gets, as a
// world file.
func report(t *testing.T, n uint64, why string) {
	w := worldNumber(n)
	for smaller := true; smaller; {
		smaller = false
		for _, less := range shrunk(w) {
			e := disagreementOf(less)
			if e != "" {
				w, why, smaller = less, e, true
				break
			}
		}
	}
	text, err := w.Marshal()
	require.NoError(t, err)
	t.Errorf("world %d: %s\nThe world (again: -world %d; made smaller here):\n%s", n, why, n, text)
}

// disagreementOf is disagreement of a world that may not stand at all.
func disagreementOf(w *world.World) string {
	text, err := w.Marshal()
	if err != nil {
		return ""
	}
	if _, err := world.Load("world", text); err != nil || len(w.VPCs) < 2 {
		return ""
	}
	var quiet quiet
	s := stage(&quiet, w)
	if quiet {
		return ""
	}
	return disagreement(s, newTally())
}

// quiet is a test that notes only that it failed.
type quiet bool

func (q *quiet) Errorf(string, ...any) { *q = true }
func (q *quiet) FailNow()              { *q = true }
