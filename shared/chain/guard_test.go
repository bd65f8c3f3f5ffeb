package chain_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func TestAStepThatIsSupersededMakesWayForTheNewestGeneration(t *testing.T) {
	t.Parallel()
	disconnect := func(s *stage) {
		s.records.put("a", 2, func(r *interconnect.Record) { r.Wanted.Disconnect = true })
	}
	requireNewest := func(t *testing.T, s *stage) {
		t.Helper()
		out, m := s.only()
		require.Equal(t, "security-groups", out.queue)
		require.Zero(t, out.delay)
		require.Equal(t, 2, m.Generation)
		require.Equal(t, interconnect.Prune, m.Action)
		require.Empty(t, s.announcements())
		require.Zero(t, s.records.puts, "a superseded step writes no status")
	}
	t.Run("before a mutating call: the call is not made", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.steps[interconnect.Peering].do = append(s.steps[interconnect.Peering].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			disconnect(s)
			err := task.Mutate(ctx, chain.Call{Action: "CreateThing", Do: func(context.Context) error { made++; return nil }})
			require.ErrorIs(t, err, chain.ErrSuperseded)
			return chain.FromError(err)
		})
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Zero(t, made)
		requireNewest(t, s)
	})
	t.Run("after the last mutating call: the newest cleans up what landed late", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.steps[interconnect.Peering].mutates(&made, func(err error) chain.Outcome { disconnect(s); return orDone(err) })
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, 1, made)
		requireNewest(t, s)
	})
	t.Run("a step that changed nothing goes on: the next one drops", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].do = append(s.steps[interconnect.Peering].do, func(context.Context, *chain.Task) chain.Outcome {
			disconnect(s)
			return chain.DoneWith()
		})
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, 1, s.play(10))
		require.Zero(t, s.steps[interconnect.Routes].runs)
	})
	t.Run("a record that cannot be read back before a call holds the call back", func(t *testing.T) {
		t.Parallel()
		for _, failure := range []error{errDown, &interconnect.CloudError{Class: interconnect.Denied, Action: "GetParametersByPath", Code: "Forbidden"}} {
			s, made := newStage(t), 0
			s.records.getErrs = []error{nil, failure}
			s.steps[interconnect.Peering].mutates(&made, orDone)
			s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
			require.Zero(t, made)
			out, m := s.only()
			require.Equal(t, "peering", out.queue)
			require.Equal(t, 1, m.Attempts, "it says nothing about the connection, so it never rejects one")
		}
	})
	t.Run("a record that reads older before a call makes it wait", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.put("a", 3, func(*interconnect.Record) {})
		s.records.onGet = func(n int) {
			if n == 2 {
				s.records.put("a", 2, func(*interconnect.Record) {})
			}
		}
		s.steps[interconnect.Peering].mutates(&made, orDone)
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Generation = 3 }))
		require.Zero(t, made)
		_, m := s.only()
		require.Equal(t, 1, m.Waits)
		require.Zero(t, m.Attempts)
	})
	t.Run("a look that is owed is made once", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(chain.WaitFor("states"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Recheck = true }))
		_, m := s.only()
		require.False(t, m.Recheck)
		require.Equal(t, 2, s.records.gets)
	})
	t.Run("a look back that fails is owed, and made good", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.getErrs = []error{nil, nil, errDown}
		s.steps[interconnect.Peering].mutates(&made, orDone)
		s.steps[interconnect.Peering].says(chain.DoneWith("thing-1"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		out, m := s.only()
		require.Equal(t, "peering", out.queue)
		require.True(t, m.Recheck)
		require.Equal(t, interconnect.Waiting, s.status(interconnect.Peering).Progress)
		// The request changes after the run that looks next has read it.
		s.records.gets = 0
		s.records.onGet = func(n int) {
			if n == 2 {
				disconnect(s)
			}
		}
		s.play(1)
		require.Equal(t, "security-groups", s.queues.left[0].queue)
		require.Equal(t, 2, s.queues.left[0].message(t).Generation)
	})
}

func TestAFreezeHoldsChangesAndLetsLooksGoOn(t *testing.T) {
	t.Parallel()
	t.Run("it costs neither hops nor time, and thaws into the rest", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.frozen = "night shift"
		for range 200 {
			s.steps[interconnect.Routes].mutates(&made, orDone)
		}
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		began := s.now
		s.play(100)
		require.Zero(t, made)
		require.Greater(t, s.now.Sub(began), 20*time.Minute)
		require.Contains(t, s.status(interconnect.Routes).Note, "night shift")
		require.Equal(t, interconnect.Waiting, s.status(interconnect.Routes).Progress)
		m := s.queues.left[0].message(t)
		require.Zero(t, m.Hops)
		require.False(t, m.FrozenSince.IsZero())
		s.records.frozen = ""
		s.play(1)
		require.Equal(t, 1, made)
		require.Equal(t, "security-groups", s.queues.left[0].queue)
	})
	t.Run("the time after the thaw is the time that was left", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.frozen = "x"
		s.steps[interconnect.Routes].mutates(&made, orDone)
		s.steps[interconnect.Routes].says(chain.WaitFor("states"))
		until := s.now.Add(time.Minute)
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.StartedAt, m.GiveUpAt = s.now, until }))
		s.now = s.now.Add(time.Hour)
		s.play(1)
		m := s.queues.left[0].message(t)
		require.Equal(t, until.Add(time.Hour+15*time.Second), m.GiveUpAt)
		require.Equal(t, time.Minute, m.GiveUpAt.Sub(m.StartedAt), "a step does not take the freeze for time that it waited")
	})
	t.Run("a ping is no change", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.frozen = "x"
		s.steps[interconnect.Verification].mutates(&made, orDone)
		s.mustDeliver(interconnect.Verification, message(interconnect.Verify))
		require.Equal(t, 1, made)
	})
	t.Run("a switch that cannot be read holds changes too", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.frozenErr = errDown
		s.steps[interconnect.Routes].mutates(&made, orDone)
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Zero(t, made)
	})
}

func TestMutate(t *testing.T) {
	t.Parallel()
	t.Run("calls of a group run side by side, and all failures come back", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		meet := make(chan struct{})
		quota := &interconnect.CloudError{Class: interconnect.Quota, Action: "CreateRouteEntries", Code: "QuotaExceeded"}
		s.steps[interconnect.Routes].do = append(s.steps[interconnect.Routes].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			err := task.Mutate(ctx,
				chain.Call{Action: "CreateRouteEntries", Resource: "vpc-1", Do: func(context.Context) error {
					meet <- struct{}{}
					return &interconnect.CloudError{Class: interconnect.Busy, Action: "CreateRouteEntries", Code: "TaskConflict"}
				}},
				chain.Call{Action: "CreateRouteEntries", Resource: "vpc-2", Do: func(context.Context) error { <-meet; return quota }},
			)
			require.ErrorIs(t, err, quota)
			return chain.FromError(err)
		})
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Equal(t, interconnect.Failed, s.status(interconnect.Routes).Progress, "the gravest answer decides")
		require.Equal(t, "QuotaExceeded", s.status(interconnect.Routes).Problem.Code)
		audits := 0
		for line := range strings.Lines(s.logs.String()) {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
			if entry["msg"] == "audit" {
				audits++
				require.Equal(t, "a", entry["connection"])
				require.InDelta(t, 1, entry["generation"], 0)
				require.Equal(t, "trace", entry["trace"])
				require.Contains(t, []any{"vpc-1", "vpc-2"}, entry["resource"])
			}
		}
		require.Equal(t, 2, audits)
	})
	t.Run("no call starts with too little time left; the message comes back at once", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.steps[interconnect.Routes].mutates(&made, func(err error) chain.Outcome {
			require.ErrorIs(t, err, chain.ErrNoTime)
			return orDone(err)
		})
		ctx, cancel := context.WithTimeout(context.Background(), chain.DefaultCallTimeout+4*time.Second)
		defer cancel()
		require.NoError(t, s.handler(interconnect.Routes).Handle(ctx, event(string(message(interconnect.Connect).Body()))))
		require.Zero(t, made)
		out, m := s.only()
		require.Equal(t, "routes", out.queue)
		require.Equal(t, time.Second, out.delay)
		require.Zero(t, m.Attempts)
	})
	t.Run("a short call still starts", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.steps[interconnect.Routes].do = append(s.steps[interconnect.Routes].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			return orDone(task.Mutate(ctx, chain.Call{Action: "X", Timeout: time.Second, Do: func(context.Context) error { made++; return nil }}))
		})
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.handler(interconnect.Routes).Handle(ctx, event(string(message(interconnect.Connect).Body()))))
		require.Equal(t, 1, made)
	})
	t.Run("a call that panics is an error", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Routes].do = append(s.steps[interconnect.Routes].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			return chain.FromError(task.Mutate(ctx, chain.Call{Action: "X", Do: func(context.Context) error { panic("odd answer") }}))
		})
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Contains(t, s.status(interconnect.Routes).Problem.Sentence, "odd answer")
	})
	t.Run("without calls nothing is looked at", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.frozen = "x"
		s.steps[interconnect.Routes].do = append(s.steps[interconnect.Routes].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			return orDone(task.Mutate(ctx))
		})
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Equal(t, 1, s.records.gets)
	})
	t.Run("a task made by hand just makes the calls", func(t *testing.T) {
		t.Parallel()
		task, made := &chain.Task{}, 0
		require.NoError(t, task.Mutate(context.Background(), chain.Call{Action: "X", Do: func(context.Context) error { made++; return nil }}))
		require.Equal(t, 1, made)
		others, err := task.Others(context.Background())
		require.NoError(t, err)
		require.Empty(t, others)
	})
	t.Run("a read that was cut off for lack of time did not fail", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Routes].do = append(s.steps[interconnect.Routes].do, func(ctx context.Context, _ *chain.Task) chain.Outcome {
			<-ctx.Done()
			return chain.FromError(&interconnect.CloudError{Class: interconnect.Transient, Action: "DescribeRouteEntryList", Message: "no answer"})
		})
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second+50*time.Millisecond)
		defer cancel()
		require.NoError(t, s.handler(interconnect.Routes).Handle(ctx, event(string(message(interconnect.Connect).Body()))))
		_, m := s.only()
		require.Zero(t, m.Attempts)
	})
}

func TestAPruneAndTheOtherConnections(t *testing.T) {
	t.Parallel()
	looksThenRemoves := func(s *stage, during func(), seen *[]interconnect.Record) {
		step := s.steps[interconnect.SecurityGroups]
		step.do = append(step.do, func(ctx context.Context, task *chain.Task) chain.Outcome {
			others, err := task.Others(ctx)
			if err != nil {
				return chain.FromError(err)
			}
			*seen = others
			return orDone(task.Mutate(ctx, chain.Call{Action: "RevokeSecurityGroup", Do: func(context.Context) error { during(); return nil }}))
		})
	}
	t.Run("it sees the others, not itself", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("b", 1, func(*interconnect.Record) {})
		s.records.put("c", 1, func(r *interconnect.Record) { r.Wanted.Disconnect = true })
		var seen []interconnect.Record
		looksThenRemoves(s, func() {}, &seen)
		s.mustDeliver(interconnect.SecurityGroups, message(interconnect.Prune))
		require.Len(t, seen, 2)
		require.NotEqual(t, seen[0].Live(), seen[1].Live())
		require.Equal(t, []string{"routes"}, s.queues.names())
	})
	t.Run("one that came up meanwhile is sent its first message", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("b", 1, func(*interconnect.Record) {})
		s.records.put("old", 4, func(*interconnect.Record) {})
		var seen []interconnect.Record
		looksThenRemoves(s, func() {
			s.records.put("b", 2, func(*interconnect.Record) {})
			s.records.put("new", 1, func(*interconnect.Record) {})
			s.records.put("far", 1, func(r *interconnect.Record) {
				r.Wanted.Connection.Initiator.VpcID, r.Wanted.Connection.Acceptor.VpcID = "vpc-8", "vpc-9"
			})
		}, &seen)
		s.mustDeliver(interconnect.SecurityGroups, message(interconnect.Prune))
		woken := map[string]interconnect.Action{}
		for _, m := range s.queues.on("peering") {
			woken[m.message(t).ConnectionID] = m.message(t).Action
		}
		require.Equal(t, map[string]interconnect.Action{"b": interconnect.Connect, "new": interconnect.Connect}, woken)
	})
	t.Run("records that cannot be listed let nothing be removed", func(t *testing.T) {
		t.Parallel()
		s, removed := newStage(t), false
		s.records.listErr = errDown
		var seen []interconnect.Record
		looksThenRemoves(s, func() { removed = true }, &seen)
		s.mustDeliver(interconnect.SecurityGroups, message(interconnect.Prune))
		require.False(t, removed)
		_, m := s.only()
		require.Equal(t, 1, m.Attempts)
	})
	t.Run("records that cannot be listed afterwards are owed a look", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		var seen []interconnect.Record
		looksThenRemoves(s, func() {
			s.records.put("new", 1, func(*interconnect.Record) {})
			s.records.listErr = errDown
		}, &seen)
		s.steps[interconnect.SecurityGroups].says(chain.DoneWith())
		s.mustDeliver(interconnect.SecurityGroups, message(interconnect.Prune))
		_, m := s.only()
		require.True(t, m.Recheck)
		s.records.listErr = nil
		s.play(1)
		require.Equal(t, []string{"security-groups", "peering", "routes"}, s.queues.names())
	})
}

func TestFromError(t *testing.T) {
	t.Parallel()
	cloud := func(c interconnect.Class) error {
		return &interconnect.CloudError{Class: c, Action: "CreateThing", Code: "Some.Code", Message: "Words of the cloud.", RequestID: "r-1"}
	}
	for _, c := range []struct {
		name string
		err  error
		kind chain.Kind
		says string
	}{
		{"busy waits", cloud(interconnect.Busy), chain.KindWait, "wait"},
		{"throttled waits", cloud(interconnect.Throttled), chain.KindWait, "too often"},
		{"transient retries", cloud(interconnect.Transient), chain.KindRetry, "again"},
		{"gone rejects", cloud(interconnect.Gone), chain.KindReject, "not there"},
		{"exists rejects", cloud(interconnect.Exists), chain.KindReject, "in its place"},
		{"denied rejects", cloud(interconnect.Denied), chain.KindReject, "Grant"},
		{"quota rejects", cloud(interconnect.Quota), chain.KindReject, "raised"},
		{"permanent rejects", cloud(interconnect.Permanent), chain.KindReject, "refused"},
		{"a class unheard of rejects", cloud("odd"), chain.KindReject, "refused"},
		{"superseded drops", errors.Join(cloud(interconnect.Quota), chain.ErrSuperseded), chain.KindDrop, "superseded"},
		{"no time waits", chain.ErrNoTime, chain.KindWait, "time"},
		{"a deadline waits", context.DeadlineExceeded, chain.KindWait, "time"},
		{"anything else retries", errDown, chain.KindRetry, "down"},
		{"no error at all retries", nil, chain.KindRetry, "defect"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := chain.FromError(c.err)
			require.Equal(t, c.kind, o.Kind)
			words := o.Note
			if o.Problem != nil {
				words = o.Problem.Sentence
				require.True(t, strings.HasSuffix(words, "."), words)
				require.NotContains(t, words, "..", words)
			}
			require.Contains(t, words, c.says)
			if c.err != nil {
				require.ErrorIs(t, o.Err, c.err)
			}
			var ce *interconnect.CloudError
			if o.Problem != nil && errors.As(c.err, &ce) {
				require.Equal(t, "Some.Code", o.Problem.Code)
				require.Equal(t, "r-1", o.Problem.RequestID)
			}
		})
	}
}

func TestAWindowThatHasNotBegunHoldsAGenerationsMessages(t *testing.T) {
	t.Parallel()
	later := func(s *stage) func(*interconnect.Record) {
		return func(r *interconnect.Record) { r.Wanted.NotBefore = s.now.Add(time.Hour) }
	}
	t.Run("its own are dropped, the sweep sends them when it begins", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("a", 1, later(s))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Zero(t, s.steps[interconnect.Peering].runs)
		require.Empty(t, s.queues.names())
		s.now = s.now.Add(time.Hour)
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, 1, s.steps[interconnect.Peering].runs)
	})
	t.Run("a step that makes way for it sends nothing", func(t *testing.T) {
		t.Parallel()
		s, made := newStage(t), 0
		s.records.onGet = func(n int) {
			if n == 2 {
				s.records.put("a", 2, later(s))
			}
		}
		s.steps[interconnect.Peering].mutates(&made, orDone)
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Zero(t, made)
		require.Empty(t, s.queues.names())
	})
}

func TestAFreezeInTheMiddleEndsAsItWouldHave(t *testing.T) {
	t.Parallel()
	// end plays an action to its end, frozen for an hour before the given step
	// if there is one, and returns what the steps did and how the record stands.
	end := func(t *testing.T, action interconnect.Action, before interconnect.Step) (made map[interconnect.Step]int, state interconnect.State, ended bool) {
		s := newStage(t)
		if action == interconnect.Prune {
			s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.Disconnect = true })
		}
		made = map[interconnect.Step]int{}
		for _, step := range interconnect.Steps[:3] {
			s.steps[step].do = append(s.steps[step].do, func(ctx context.Context, task *chain.Task) chain.Outcome {
				return orDone(task.Mutate(ctx, chain.Call{Action: "ChangeThing", Resource: "thing", Do: func(context.Context) error {
					made[step]++
					return nil
				}}))
			})
		}
		rec := s.records.all["a"]
		queue, first := chain.FirstMessage(&rec, "trace")
		s.mustDeliver(stepOf(queue), first)
		for len(s.queues.left) > 0 {
			if s.queues.left[0].queue == string(before) {
				s.records.frozen = "the network is being moved"
				s.play(4 * 60)
				require.Zero(t, made[before], "nothing is changed while it is frozen")
				s.records.frozen, before = "", ""
			}
			s.play(1)
		}
		rec = s.records.all["a"]
		return made, interconnect.Overall(&rec, s.now), interconnect.Ended(&rec)
	}
	for _, action := range []interconnect.Action{interconnect.Connect, interconnect.Prune} {
		made, state, ended := end(t, action, "")
		require.True(t, ended)
		for _, before := range []interconnect.Step{interconnect.Routes} {
			frozenMade, frozenState, frozenEnded := end(t, action, before)
			require.Equal(t, made, frozenMade, action)
			require.Equal(t, state, frozenState, action)
			require.Equal(t, ended, frozenEnded, action)
		}
	}
}
