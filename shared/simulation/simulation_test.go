package simulation

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	soakSeeds = flag.Int("seeds", 0, "how many seeds TestSoak runs; 0: none")
	soakFirst = flag.Uint64("first", 1, "the first of them")
)

// Under the race detector a seed takes many times as long, so that an ordinary
// test run with it takes fewer: what seeds find does not depend on it.
var (
	underRace    = false
	seedsInTests = 200
	replays      = 12
)

// tail is how many lines of a trace a failure shows.
const tail = 60

func TestMain(m *testing.M) {
	debug.SetGCPercent(800) // a run makes much garbage, and keeps little
	os.Exit(m.Run())
}

func TestACalmConnectEndsConnectedInVirtualTime(t *testing.T) {
	t.Parallel()
	p := plan{seed: 1, script: []entry{{do: "ask", id: "one"}}, length: 2 * time.Minute}
	r := run(t, p, wiring{})
	require.Empty(t, r.violated, "%s", strings.Join(last(r.trace), "\n"))
	require.Contains(t, strings.Join(r.trace, "\n"), "one is Connected (generation 1)")
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	n := seedsInTests
	if testing.Short() {
		n /= 10
	}
	soak(t, 1, n)
}

// TestSoak runs as many seeds as asked: make soak SEEDS=n.
func TestSoak(t *testing.T) {
	if *soakSeeds == 0 {
		t.Skip("make soak SEEDS=n runs it")
	}
	soak(t, *soakFirst, *soakSeeds)
}

// TestReplay runs one seed and prints its trace: SEED=n.
func TestReplay(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		t.Skip("SEED=n go test -run TestReplay -v ./shared/simulation replays a seed")
	}
	p := draw(seed)
	r := run(t, p, wiring{})
	t.Logf("%+v\n%s", p, strings.Join(r.trace, "\n"))
	require.Empty(t, r.violated)
}

func TestASeedReplaysToTheLetter(t *testing.T) {
	t.Parallel()
	for seed := uint64(1001); seed <= uint64(1000+replays); seed++ {
		a, b := run(t, draw(seed), wiring{}), run(t, draw(seed), wiring{})
		// Each run has an account of its own, of equal length.
		for i := range min(len(a.trace), len(b.trace)) {
			require.Equal(t, anonymous(a.trace[i]), anonymous(b.trace[i]), "seed %d, line %d", seed, i)
		}
		require.Len(t, b.trace, len(a.trace), "seed %d", seed)
	}
}

// soak runs seeds side by side and fails with those that break a promise.
func soak(t *testing.T, first uint64, n int) {
	t.Helper()
	began := time.Now()
	var next, done, messages, calls, changes atomic.Int64
	var failed atomic.Int64
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for failed.Load() < 10 {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				seed := first + uint64(i)
				r := runMute(t, draw(seed), wiring{})
				messages.Add(int64(r.stats.messages))
				calls.Add(int64(r.stats.calls))
				changes.Add(int64(r.stats.changes))
				if r.violated != "" {
					failed.Add(1)
					t.Errorf("seed %d breaks a promise: %s\n%s\n\nSEED=%d go test -run TestReplay -v ./shared/simulation", seed, r.violated, strings.Join(last(r.trace), "\n"), seed)
				}
				if d := done.Add(1); n > 1000 && d%1000 == 0 {
					fmt.Printf("%d seeds, %.1f a second\n", d, float64(d)/time.Since(began).Seconds())
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	t.Logf("%d seeds in %.1f s (%.1f a second): %d messages, %d API calls, %d of them changing a network; %d seeds broke a promise",
		done.Load(), took.Seconds(), float64(done.Load())/took.Seconds(), messages.Load(), calls.Load(), changes.Load(), failed.Load())
}

func last(trace []string) []string {
	out := []string{}
	for _, line := range trace[max(len(trace)-tail, 0):] {
		if r := []rune(line); len(r) > 260 {
			line = string(r[:260]) + "..."
		}
		out = append(out, line)
	}
	return out
}

// anonymous takes the run's own account out of a line.
func anonymous(line string) string {
	for n := runs.Load(); n > 0; n-- {
		line = strings.ReplaceAll(line, fmt.Sprintf("1%015d", n), "ACCOUNT")
	}
	return line
}
