package whole_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
)

// kill ends processes of functions with kill -9 at seeded moments, most of them
// while they work, until the returned function is called: that returns how
// often each was hit. None is hit more than twice: a message whose pushes all
// fail is a dead letter, which only the sweep makes good.
func (c *cloud) kill() func() map[string]int {
	rng := rand.New(rand.NewPCG(c.seed, 9))
	stop, done := make(chan struct{}), make(chan map[string]int)
	go func() {
		hit := map[string]int{}
		defer func() { done <- hit }()
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rng.IntN(30)) * time.Millisecond):
			}
			for _, p := range c.Functions.Processes() {
				if (p.Busy || rng.IntN(20) == 0) && hit[p.Function] < 2 && syscall.Kill(p.PID, syscall.SIGKILL) == nil {
					hit[p.Function]++
				}
			}
		}
	}()
	return func() map[string]int {
		close(stop)
		return <-done
	}
}

func TestFunctionsThatAreKilledCostTimeOnly(t *testing.T) {
	t.Parallel()
	c := start(t, stack.Options{})
	stop := c.kill()
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 4*time.Minute)
	hit := stop()
	t.Log("connecting, killed: ", hit)
	for _, f := range []string{"intake", "peering", "routes", "securitygroups", "verification"} {
		require.Positive(t, hit[f], f)
	}
	c.untouched()

	stop = c.kill()
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 5*time.Minute)
	t.Log("disconnecting, killed: ", stop())
	c.asBefore()
}

func TestPurgedQueuesCostTimeOnly(t *testing.T) {
	onlyLong(t)
	t.Parallel()
	c := start(t, stack.Options{})
	c.post(tutorial)
	time.Sleep(time.Duration(rand.New(rand.NewPCG(c.seed, 5)).IntN(4000)) * time.Millisecond)
	const region = "cn-hangzhou"
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); { // whatever is under way as well
		for _, q := range c.Engine.Queues(region, "vi-") {
			require.NoError(t, c.Engine.PurgeQueue(engine.QueueRef{Region: region, Name: q.Name}))
		}
	}
	began := time.Now()
	c.reaches("tutorial", interconnect.StateConnected, 8*time.Minute)
	t.Logf("connected %s after the queues were purged", time.Since(began).Round(time.Second))
}
