package whole_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/bench"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/stack"
)

// TestAConnectionTakesNoMoreCallsThanItNeeds keeps what make bench counts from
// growing. A count that has to grow is raised here, with the reason in the
// README's table of reads. States come at once, so that a step may see them a
// look sooner than in the bench, and never later.
func TestAConnectionTakesNoMoreCallsThanItNeeds(t *testing.T) {
	t.Parallel()
	// A ping takes a second, and so does the wait for it: with calls that take a
	// moment it has ended at the first look.
	const latency = 30 * time.Millisecond
	var seen bench.Recorder
	seen.Init(latency)
	c := calm(t, stack.Options{Message: seen.Message, Hurry: 1, Latency: latency})
	asked := time.Now()
	r := c.post(tutorial)
	window := bench.Window{From: asked, To: time.Now()}
	require.Equal(t, 202, r.status, r.text)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	for _, call := range c.requests() {
		seen.Call(call)
	}
	for _, line := range c.printed() {
		seen.Printed(line)
	}
	for _, event := range c.happened() {
		seen.Happened(event)
	}
	end, verdict, ended := seen.Ended("tutorial", "connect", asked)
	require.True(t, ended)
	require.Equal(t, "connected", verdict)

	got := seen.Between(asked, end, window)
	require.Equal(t, 11, bench.Sum(got.Writes()), "%v", got.Writes())
	for _, most := range []struct {
		what string
		n    int
		of   []bench.Count
	}{
		{"reads of intake's checks", 10, by(got.Reads(), "intake")},
		{"reads of peering", 4, by(got.Reads(), "peering")},
		{"reads of routes", 8, by(got.Reads(), "routes")},
		{"reads of security groups", 4, by(got.Reads(), "securitygroups")},
		{"reads of verification", 4, by(got.Reads(), "verification")},
		{"reads and writes of the record", 30, got.Bookkeeping()},
	} {
		require.LessOrEqual(t, bench.Sum(most.of), most.n, "%s: %v", most.what, most.of)
		require.NotZero(t, bench.Sum(most.of), most.what)
	}
	hops := len(got.Hops())
	require.LessOrEqual(t, hops, 7, "%v", got.Hops())
	require.GreaterOrEqual(t, hops, 4, "each step is told")
	for _, read := range got.Reads() {
		require.NotEmpty(t, read.Why, "%s calls %s: say what for", read.By, read.Action)
	}
	path := bench.Critical(bench.Connect, got, bench.Connected)
	require.Greater(t, len(path.Links), 20, "the table of what needs what knows this run: %v", path.Steps())
	require.Less(t, path.Takes, got.Took())
}

// happened returns what Function Compute has done so far.
func (c *cloud) happened() []fc.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]fc.Event(nil), c.events...)
}

func by(counts []bench.Count, function string) (out []bench.Count) {
	for _, c := range counts {
		if c.By == function {
			out = append(out, c)
		}
	}
	return out
}
