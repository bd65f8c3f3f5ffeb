package chain_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func TestATwinOfWhatWasHandedOnIsDropped(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome chain.Outcome
		change  func(*chain.Message)
		runs    int
	}{
		"after the step was done":                 {chain.DoneWith("routes-1"), func(*chain.Message) {}, 1},
		"while the step waits":                    {chain.WaitFor("states"), func(*chain.Message) {}, 1},
		"of a run that another began":             {chain.DoneWith("routes-1"), func(m *chain.Message) { m.Woken = true }, 1},
		"of a repair":                             {chain.DoneWith("routes-1"), func(m *chain.Message) { m.Repair = true }, 1},
		"not of a repair that is yet to find out": {chain.WaitFor("states"), func(m *chain.Message) { m.Repair = true }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.steps[interconnect.Routes].says(c.outcome)
			m := message(interconnect.Connect, func(m *chain.Message) { m.Hops = 3 }, c.change)
			s.mustDeliver(interconnect.Routes, m)
			s.mustDeliver(interconnect.Routes, m)
			require.Equal(t, c.runs, s.steps[interconnect.Routes].runs)
			require.Len(t, s.queues.left, c.runs)
		})
	}
	t.Run("of copies that wait side by side the one goes on that says so", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		step := s.steps[interconnect.Routes]
		step.says(chain.WaitFor("states"))
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		_, m := s.only()
		s.mustDeliver(interconnect.Routes, m)
		s.mustDeliver(interconnect.Routes, m) // sent twice, since the first time was reported failed
		require.Equal(t, 3, step.runs)
		require.Len(t, s.queues.left, 3)
		one, other := s.queues.left[1].message(t), s.queues.left[2].message(t)
		other.Hops++ // it is ahead
		s.now = s.now.Add(time.Minute)
		s.mustDeliver(interconnect.Routes, one)
		require.Equal(t, 4, step.runs)
		goesOn := s.queues.left[3].message(t)
		s.mustDeliver(interconnect.Routes, other)
		require.Equal(t, 4, step.runs, "the other has said since that it waits")
		s.mustDeliver(interconnect.Routes, goesOn)
		require.Equal(t, 5, step.runs)
	})
	t.Run("another run's message is one while that waits at the stage", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		step := s.steps[interconnect.Routes]
		step.says(chain.WaitFor("states"))
		other := message(interconnect.Connect, func(m *chain.Message) { m.Trace = "sweep" })
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		s.mustDeliver(interconnect.Routes, other)
		require.Equal(t, 1, step.runs)
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Trace = "trace.connect-1" }))
		require.Equal(t, 2, step.runs, "its own next round is none")
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Trace, m.Woken = "other.wake", true }))
		require.Equal(t, 3, step.runs, "nor what was begun because something has changed")
		s.now = s.now.Add(2 * time.Minute)
		s.mustDeliver(interconnect.Routes, other)
		require.Equal(t, 4, step.runs, "nor is one that has not been heard of for long")
	})
	t.Run("another run's message is not", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Trace = "sweep" }))
		require.Equal(t, 2, s.steps[interconnect.Routes].runs)
	})
	t.Run("nor what another run began twice", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		overtake := func() {
			s.records.put("a", 1, func(*interconnect.Record) {})
			s.steps[interconnect.Routes].do = []func(context.Context, *chain.Task) chain.Outcome{func(context.Context, *chain.Task) chain.Outcome {
				s.records.put("a", 2, func(*interconnect.Record) {})
				return chain.FromError(chain.ErrSuperseded)
			}}
			s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
			s.now = s.now.Add(time.Second)
		}
		overtake()
		overtake()
		require.Len(t, s.queues.left, 2)
		first, second := s.queues.left[0].message(t), s.queues.left[1].message(t)
		require.Equal(t, 2, first.Generation)
		require.NotEqual(t, first.Trace, second.Trace, "each looks at what was done until then")
	})
	t.Run("nor one whose follow-up could not be sent", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queues.down = map[string]int{"security-groups": 1}
		m := message(interconnect.Connect)
		require.Error(t, s.deliver(interconnect.Routes, string(m.Body())))
		s.mustDeliver(interconnect.Routes, m)
		require.Equal(t, []string{"security-groups"}, s.queues.names())
	})
}

func TestMessagesThatAllComeTwiceDoNotMultiply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, step := range interconnect.Steps[:3] {
		s.steps[step].says(chain.WaitFor("a"), chain.WaitFor("b"), chain.DoneWith("x"))
	}
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	delivered := 0
	for ; delivered < 1000; delivered++ {
		m, ok := s.queues.pop()
		if !ok {
			break
		}
		s.now = s.now.Add(m.delay)
		require.NoError(t, s.deliver(stepOf(m.queue), string(m.body)))
		require.NoError(t, s.deliver(stepOf(m.queue), string(m.body)))
	}
	require.Equal(t, interconnect.Done, s.status(interconnect.Verification).Progress)
	require.Less(t, delivered, 25, "ten hops, doubled each, would be a thousand")
}

func TestAttemptsCountFailuresInARow(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	retry, wait := chain.RetryAfter(sentence("The cloud failed."), nil), chain.WaitFor("states")
	for range 5 {
		s.steps[interconnect.Routes].says(retry, retry, wait)
	}
	s.steps[interconnect.Routes].says(chain.DoneWith("routes-1"))
	s.mustDeliver(interconnect.Routes, message(interconnect.Prune))
	s.play(16)
	require.Equal(t, interconnect.Done, s.status(interconnect.Routes).Progress)
}

func TestAChainEndsOnlyWhenItsEndIsWrittenDown(t *testing.T) {
	t.Parallel()
	t.Run("the last step's message comes again until it is", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.statusErr = &interconnect.CloudError{Class: interconnect.Throttled, Message: "too many"}
		s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
		s.play(3)
		require.Equal(t, 4, s.steps[interconnect.Verification].runs)
		s.records.statusErr = nil
		s.play(10)
		require.Equal(t, interconnect.Done, s.status(interconnect.Verification).Progress)
		require.Empty(t, s.queues.left)
	})
	t.Run("unless it never can be", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.statusErr = &interconnect.CloudError{Class: interconnect.Denied, Message: "no"}
		s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
		require.Empty(t, s.queues.left)
	})
	t.Run("an earlier step's goes on: the next one mends it", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.statusErr = &interconnect.CloudError{Class: interconnect.Throttled, Message: "too many"}
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Equal(t, []string{"security-groups"}, s.queues.names())
	})
}

func TestARollbackKnowsItsCauseThoughTheRecordReadsLate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps[interconnect.Routes].says(chain.RejectWith(sentence("The table is full."), nil), chain.DoneWith())
	s.records.statusErr = &interconnect.CloudError{Class: interconnect.Throttled, Message: "too many"}
	s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
	s.records.statusErr = nil
	s.play(20)
	require.Equal(t, "The table is full.", s.status(interconnect.Routes).Cause.Sentence)
}

func TestWhatIsWokenAfterItsEndLooksLikeARepairAndTellsNoSecondStory(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	done := interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done, Since: s.now, UpdatedAt: s.now, Trace: "first"}
	s.records.put("a", 1, func(r *interconnect.Record) {
		for _, step := range interconnect.Steps {
			r.Steps[step] = done
		}
		require.True(t, interconnect.Ended(r))
	})
	s.steps[interconnect.Peering].says(chain.WaitFor("states"))
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Woken = true }))
	require.Equal(t, 1, s.steps[interconnect.Peering].runs)
	require.Equal(t, done, s.status(interconnect.Peering))
	_, m := s.only()
	require.True(t, m.Repair)
}

func TestAnotherConnectionIsWokenWhenARemovalThatGotNoAnswerHasLanded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		delay time.Duration
	}{
		"it was carried out": {nil, 0},
		"it got no answer":   {&interconnect.CloudError{Class: interconnect.Transient, Action: "RevokeSecurityGroup", Unknown: true}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.steps[interconnect.SecurityGroups].do = append(s.steps[interconnect.SecurityGroups].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
				_, err := task.Others(ctx)
				require.NoError(t, err)
				err = task.Mutate(ctx, chain.Call{Action: "RevokeSecurityGroup", Do: func(context.Context) error {
					s.records.put("b", 1, func(*interconnect.Record) {})
					return c.err
				}})
				return chain.FromError(err)
			})
			s.mustDeliver(interconnect.SecurityGroups, message(interconnect.Prune))
			woken := s.queues.on("peering")
			require.Len(t, woken, 1)
			require.Equal(t, "b", woken[0].message(t).ConnectionID)
			require.Equal(t, c.delay, woken[0].delay)
		})
	}
}
