package chain_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func TestWaiting(t *testing.T) {
	t.Parallel()
	t.Run("it is looked at again in growing steps, stable for a connection, and given up with the last answer", func(t *testing.T) {
		t.Parallel()
		delays := func() (all []time.Duration, s *stage) {
			s = newStage(t)
			busy := chain.FromError(&interconnect.CloudError{Class: interconnect.Busy, Action: "CreateRouteEntries", Code: "TaskConflict", Message: "The operation is too frequent.", RequestID: "r-9"})
			s.steps[interconnect.Routes].says(busy)
			s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
			for len(s.queues.left) > 0 && s.queues.left[0].queue == "routes" {
				all = append(all, s.queues.left[0].delay)
				s.play(1)
			}
			return all, s
		}
		first, s := delays()
		second, _ := delays()
		require.Equal(t, first, second)
		require.Equal(t, time.Second, first[0])
		for i, d := range first {
			require.LessOrEqual(t, d, 15*time.Second)
			require.Equal(t, d.Truncate(time.Second), d)
			if i > 8 {
				require.GreaterOrEqual(t, d, 13*time.Second)
			}
		}
		got := s.status(interconnect.Routes)
		require.Equal(t, interconnect.Failed, got.Progress)
		require.Equal(t, "TaskConflict", got.Problem.Code)
		require.Equal(t, "r-9", got.Problem.RequestID)
		require.Contains(t, got.Problem.Sentence, "too frequent")
		require.Regexp(t, `waiting for 10m\d*s`, got.Problem.Sentence)
		require.GreaterOrEqual(t, got.Took, 10*time.Minute)
		require.Equal(t, "security-groups", s.queues.left[0].queue, "it is rolled back")
	})
	for name, c := range map[string]struct{ after, want time.Duration }{
		"a moment that the step names is waited for": {41500 * time.Millisecond, 42 * time.Second},
		"but not longer than a minute at once":       {time.Hour, time.Minute},
		"nor shorter than without":                   {10 * time.Millisecond, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.steps[interconnect.Peering].says(chain.WaitUntil(s.now.Add(c.after), "the minute to end"))
			s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
			out, _ := s.only()
			require.Equal(t, c.want, out.delay)
		})
	}
	t.Run("a run that changed something is looked at again soon", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		made := 0
		s.steps[interconnect.Peering].mutates(&made, func(error) chain.Outcome { return chain.WaitFor("states") })
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Waits = 30 }))
		out, m := s.only()
		require.Equal(t, time.Second, out.delay)
		require.Zero(t, m.Waits, "nothing has been looked for in vain yet")
	})
	t.Run("a turn that does not come is waited for as anything else", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		out := chain.WaitFor("the VPC")
		out.Turn = 4 * time.Second
		s.steps[interconnect.Routes].says(out)
		s.mustDeliver(interconnect.Routes, message(interconnect.Prune, func(m *chain.Message) { m.Waits = 150 }))
		sent, _ := s.only()
		require.Greater(t, sent.delay, 10*time.Second)
	})
	t.Run("those who wait for a turn look soon, and not all at one moment", func(t *testing.T) {
		t.Parallel()
		seen := map[time.Duration]int{}
		for hops := range 40 {
			s := newStage(t)
			o := chain.WaitFor("another's task")
			o.Turn = 4 * time.Second
			s.steps[interconnect.Routes].says(o)
			s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Waits, m.Hops = 30, hops }))
			out, _ := s.only()
			seen[out.delay]++
		}
		require.Len(t, seen, 4)
		for delay := range seen {
			require.Contains(t, []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}, delay)
		}
	})
	t.Run("what is known to take its time is not looked for before, and soon after", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		made := 0
		s.steps[interconnect.Peering].mutates(&made, func(error) chain.Outcome { return chain.WaitAtLeast(6500*time.Millisecond, "the interfaces") })
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		out, m := s.only()
		require.Equal(t, 7*time.Second, out.delay, "queues count whole seconds")
		require.Zero(t, m.Waits)
	})
	t.Run("the status says so at most once a minute, unless there is news", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(chain.WaitFor("states"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		began := s.now
		for s.now.Sub(began) < 3*time.Minute {
			s.play(1)
		}
		require.InDelta(t, 4, s.records.puts, 1)
		require.Equal(t, "states", s.status(interconnect.Peering).Note)
		require.Equal(t, began, s.status(interconnect.Peering).Since)
		require.Empty(t, s.announcements(), "waiting is no transition")

		s.steps[interconnect.Peering].do = nil
		s.steps[interconnect.Peering].says(chain.WaitFor("states"))
		s.now = s.now.Add(time.Minute)
		s.play(2) // the second one has nothing to say
		puts := s.records.puts
		s.steps[interconnect.Peering].do = nil
		s.steps[interconnect.Peering].says(chain.RetryAfter(interconnect.Problem{Sentence: "Odd.", Code: "Odd"}, nil))
		s.play(1)
		require.Equal(t, puts+1, s.records.puts)
	})
	t.Run("a prune is not given up by time, but ends after its hops for the sweep to try again", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(chain.WaitFor("a route still points there"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Prune))
		require.Equal(t, chain.MaxHops, s.play(1000))
		require.Equal(t, interconnect.Failed, s.status(interconnect.Peering).Progress)
		require.Equal(t, interconnect.CodeTooManyHops, s.status(interconnect.Peering).Problem.Code)
	})
}

func TestRetrying(t *testing.T) {
	t.Parallel()
	flaky := chain.FromError(&interconnect.CloudError{Class: interconnect.Transient, Action: "DescribeRouterInterfaces", Code: "ServiceUnavailable"})
	t.Run("an attempt is spent each time, and the last one's answer rejects", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(flaky)
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.play(chain.MaxAttempts - 1)
		require.Equal(t, chain.MaxAttempts, s.steps[interconnect.Peering].runs)
		got := s.status(interconnect.Peering)
		require.Equal(t, interconnect.Failed, got.Progress)
		require.Contains(t, got.Problem.Sentence, "8 attempts")
		require.Equal(t, "ServiceUnavailable", got.Problem.Code)
	})
	t.Run("a prune that keeps failing ends with what is left, for the sweep to try hourly", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		left := flaky
		left.Leftovers = []interconnect.Problem{{Sentence: "Still there.", Resource: "ri-1"}}
		s.steps[interconnect.Peering].says(left)
		s.mustDeliver(interconnect.Peering, message(interconnect.Prune))
		s.play(chain.MaxAttempts - 1)
		names := s.queues.names()
		require.Equal(t, "verification", names[len(names)-1], "the last step lists what is left")
		got := s.status(interconnect.Peering)
		require.Equal(t, interconnect.Failed, got.Progress)
		require.Equal(t, "ri-1", got.Leftovers[0].Resource)
		require.Contains(t, got.Problem.Sentence, "every hour")
		require.Equal(t, "a/1/14", s.announcements()[0].ID)
	})
	t.Run("a success afterwards clears the problem", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(flaky, chain.DoneWith("ri-1"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, "ServiceUnavailable", s.status(interconnect.Peering).Problem.Code)
		s.play(1)
		require.Nil(t, s.status(interconnect.Peering).Problem)
	})
	t.Run("a step that panics has failed an attempt", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].do = append(s.steps[interconnect.Peering].do, func(context.Context, *chain.Task) chain.Outcome { panic("index out of range") })
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		_, m := s.only()
		require.Equal(t, 1, m.Attempts)
		require.Contains(t, s.status(interconnect.Peering).Problem.Sentence, "index out of range")
	})
	t.Run("a step of no known outcome rejects", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(chain.Outcome{})
		s.mustDeliver(interconnect.Peering, message(interconnect.Prune))
		require.Equal(t, interconnect.Failed, s.status(interconnect.Peering).Progress)
	})
}
