package whole_test

import (
	"fmt"
	"testing"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
)

// TestSeeds makes the tutorial's connection, and takes it away, under one seed
// after the other, and tells how long each took.
func TestSeeds(t *testing.T) {
	t.Parallel()
	for s := max(1, *seed); s < max(1, *seed)+*seeds; s++ {
		t.Run(fmt.Sprintf("seed %d", s), func(t *testing.T) {
			t.Parallel()
			c := start(t, stack.Options{Seed: s})
			began := time.Now()
			c.post(tutorial)
			c.reaches("tutorial", interconnect.StateConnected, 3*time.Minute)
			made := time.Since(began)
			c.drop("tutorial")
			c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
			c.asBefore()
			t.Logf("seed %d: connected in %.1f s, away in %.1f s", s, made.Seconds(), (time.Since(began) - made).Seconds())
		})
	}
}
