package kernel

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/localcloud/worlds"
)

var (
	judgeWorlds = flag.Int("judge", 8, "how many random worlds the judges are asked about")
	judgeSeed   = flag.Uint64("judge-seed", 1, "seed of the first")
)

// breaksPerWorld is how often a drawn world is broken, and judged anew.
const breaksPerWorld = 2

// TestJudge compares what the kernel does with what the others say would
// happen, for each pair of instances, both ways, ICMP and TCP. One network
// becomes one world after the other, so that each is reached by a difference.
func TestJudge(t *testing.T) {
	n := network(t, Options{Instant: true})
	begun, count, packets := time.Now(), 0, 0
	for seed := *judgeSeed; seed < *judgeSeed+uint64(*judgeWorlds); seed++ {
		r := rand.New(rand.NewPCG(seed, 0))
		w := worlds.Draw(r)
		story := []string{fmt.Sprintf("seed %d", seed)}
		for k := range 1 + breaksPerWorld {
			if k > 0 {
				story = append(story, worlds.Break(r, w))
			}
			topology := grown(t, w)
			require.NoError(t, n.Apply(topology))
			asked, wrong := judge(t, n, topology)
			packets += asked
			count++
			if len(wrong) > 0 {
				text, err := w.Marshal()
				require.NoError(t, err)
				t.Fatalf("%s:\n%s\n\nin this world:\n%s", strings.Join(story, "; "), strings.Join(wrong, "\n"), text)
			}
		}
	}
	took := time.Since(begun)
	t.Logf("%d worlds, each broken %d times: %d judged, %d packets, no disagreement; %.1f worlds a second",
		*judgeWorlds, breaksPerWorld, count, packets, float64(count)/took.Seconds())
}

// grown is a world's topology.
func grown(t testing.TB, w *world.World) *engine.Topology {
	t.Helper()
	e := engine.New(w.Options(engine.Options{}))
	require.NoError(t, w.Apply(e))
	return e.Topology()
}

// judge asks about each pair of running instances. It returns how many packets
// were sent, and what the judges do not agree about.
func judge(t testing.TB, n *Network, topology *engine.Topology) (asked int, wrong []string) {
	var probes []*probe
	for _, from := range topology.Instances {
		for _, to := range topology.Instances {
			if from.Status != engine.InstanceRunning || from.ID == to.ID {
				continue
			}
			add := func(protocol string, port int) {
				probes = append(probes, &probe{
					Packet: dataplane.Packet{From: from.ID, To: to.PrivateIP, Protocol: protocol, Port: port}, source: from.PrivateIP,
				})
			}
			add("ICMP", 0)
			for _, port := range worlds.Ports {
				add("TCP", port)
			}
		}
	}
	verdicts := make(map[*probe]dataplane.Verdict, len(probes))
	for _, p := range probes {
		verdicts[p] = dataplane.Deliver(topology, p.Packet)
	}
	arrives := func(p *probe) bool {
		f := verdicts[p].Fate
		return f == dataplane.Answered || f == dataplane.Refused
	}
	n.try(t, probes, arrives, 2*time.Second, 30*time.Millisecond)
	for _, p := range probes {
		if v := verdicts[p]; seen(p.fate) != seen(v.Fate) {
			wrong = append(wrong, fmt.Sprintf("%s from %s to %s %d: the data plane says %s (%s), the kernel %s", p.Protocol, p.From, p.To, p.Port, v.Fate, v.Where, p.fate))
		}
	}
	return len(probes), wrong
}

// seen is a fate as far as one learns it at once: that a neighbour is not there
// takes the kernel three seconds to say.
func seen(f dataplane.Fate) dataplane.Fate {
	if f == dataplane.Unreachable {
		return dataplane.Lost
	}
	return f
}

var _ = netip.Addr{}
