package chain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func TestAConnectGoesThroughItsStagesAndEnds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	s.play(10)

	require.Equal(t, []string{"routes", "security-groups", "verification"}, s.queues.names())
	for i, a := range s.announcements() {
		require.Equal(t, fmt.Sprintf("a/1/%d", 2*i+1), a.ID)
		require.Equal(t, chain.TypeStepDone, a.Type)
		require.Equal(t, interconnect.Done, a.Data.Progress)
	}
	require.Len(t, s.announcements(), 4)
	require.Empty(t, s.announcements()[3].Data.Next, "the last one says that the chain ended")
	for _, step := range interconnect.Steps {
		require.Equal(t, interconnect.Done, s.status(step).Progress, step)
		require.Equal(t, 1, s.steps[step].runs, step)
	}
	require.Equal(t, []string{"peering-1"}, s.status(interconnect.Peering).Resources)
	require.NotNil(t, s.records.all["a"].LastConnected)
	require.Equal(t, interconnect.VerdictConnected, s.status(interconnect.Verification).Verdicts[0].Outcome)
}

func TestACountOnTheMessageStartsAnewAtEachStage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) {
		m.Attempts, m.Waits, m.Hops, m.StartedAt, m.GiveUpAt = 3, 4, 7, s.now, s.now.Add(time.Hour)
	}))
	_, m := s.only()
	require.Equal(t, message(interconnect.Connect, func(m *chain.Message) { m.Hops, m.BeganAt = 8, s.now }), m)
}

func TestWhatFollowsAnActionsEnd(t *testing.T) {
	t.Parallel()
	former := func(r *interconnect.Record) {
		r.Wanted.Former = []interconnect.Place{{Role: interconnect.Initiator, Table: "vtb-old"}}
	}
	keep := func(r *interconnect.Record) { r.Wanted.Connection.OnFailure = interconnect.OnFailureKeep }
	none := func(*interconnect.Record) {}
	auto := func(failed int) func(*interconnect.Record) {
		return func(r *interconnect.Record) {
			r.Wanted.Connection.Repair = interconnect.RepairAuto
			last := interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done}
			for range failed {
				last.Verdicts = append(last.Verdicts, interconnect.Verdict{Outcome: interconnect.VerdictBlocked})
				last.Repairs++
			}
			last.Verdicts = append(last.Verdicts, interconnect.Verdict{Outcome: interconnect.VerdictConnected})
			r.Steps = map[interconnect.Step]interconnect.StepStatus{interconnect.Verification: last}
		}
	}
	no := chain.RejectWith(sentence("No."), nil)
	repair := func(m *chain.Message) { m.Repair = true }
	for _, c := range []struct {
		name   string
		record func(*interconnect.Record)
		step   interconnect.Step
		action interconnect.Action
		change func(*chain.Message)
		says   chain.Outcome
		queue  string // "": the chain ends
		next   interconnect.Action
		target interconnect.Target
	}{
		{"a connect that changes nothing former ends", none, interconnect.Verification, interconnect.Connect, nil, verdict("connected"), "", "", ""},
		{"a changed request is pruned after its connect", former, interconnect.Verification, interconnect.Connect, nil, verdict("connected"), "security-groups", interconnect.Prune, ""},
		{"a changed request is pruned even if the ping fails", former, interconnect.Verification, interconnect.Connect, nil, verdict("blocked"), "security-groups", interconnect.Prune, ""},
		{"a rejected connect is rolled back", none, interconnect.Routes, interconnect.Connect, nil, no, "security-groups", interconnect.Prune, interconnect.TargetConnected},
		{"a rejected connect that is to be kept ends", keep, interconnect.Routes, interconnect.Connect, nil, no, "", "", ""},
		{"a rejected repair goes on, to mend what can be mended", none, interconnect.Routes, interconnect.Connect, repair, no, "security-groups", interconnect.Connect, ""},
		{"a rejected prune goes on, to remove the rest and list what is left", none, interconnect.Routes, interconnect.Prune, nil, no, "peering", interconnect.Prune, ""},
		{"a prune that left something ends", none, interconnect.Verification, interconnect.Prune, nil, no, "", "", ""},
		{"a prune goes on to routes", none, interconnect.SecurityGroups, interconnect.Prune, nil, chain.DoneWith(), "routes", interconnect.Prune, ""},
		{"a prune goes on to peering", none, interconnect.Routes, interconnect.Prune, nil, chain.DoneWith(), "peering", interconnect.Prune, ""},
		{"a prune is verified", none, interconnect.Peering, interconnect.Prune, nil, chain.DoneWith(), "verification", interconnect.Prune, ""},
		{"a prune ends verified", former, interconnect.Verification, interconnect.Prune, nil, verdict("isolated"), "", "", ""},
		{"a check ends", former, interconnect.Verification, interconnect.Verify, nil, verdict("connected"), "", "", ""},
		{"a check that finds nothing wrong repairs nothing", auto(0), interconnect.Verification, interconnect.Verify, nil, verdict("connected"), "", "", ""},
		{"a check that finds it blocked only says so", none, interconnect.Verification, interconnect.Verify, nil, verdict("blocked"), "", "", ""},
		{"a check that finds it blocked by what is not ours repairs nothing", auto(0), interconnect.Verification, interconnect.Verify, nil, drifted("blocked", interconnect.DriftForeign), "", "", ""},
		{"a check that finds something of ours missing has it repaired, if that is asked for", auto(0), interconnect.Verification, interconnect.Verify, nil, drifted("blocked", interconnect.DriftMissing), "peering", interconnect.Connect, ""},
		{"it is repaired although pings pass", auto(0), interconnect.Verification, interconnect.Verify, nil, drifted("connected", interconnect.DriftChanged), "peering", interconnect.Connect, ""},
		{"what came to a VPC later is told only", auto(0), interconnect.Verification, interconnect.Verify, nil, drifted("connected", interconnect.DriftUncovered), "", "", ""},
		{"something of ours that is missing is told only, unless repairs are asked for", none, interconnect.Verification, interconnect.Verify, nil, drifted("blocked", interconnect.DriftMissing), "", "", ""},
		{"a repair that has not helped twice is tried a third time", auto(2), interconnect.Verification, interconnect.Verify, nil, drifted("blocked", interconnect.DriftMissing), "peering", interconnect.Connect, ""},
		{"a repair that has not helped three times is not tried again", auto(3), interconnect.Verification, interconnect.Verify, nil, drifted("blocked", interconnect.DriftMissing), "", "", ""},
		{"a repair of a changed request removes nothing", former, interconnect.Verification, interconnect.Connect, repair, verdict("connected"), "", "", ""},
		{"a repair that has not helped ends blocked", auto(1), interconnect.Verification, interconnect.Connect, repair, verdict("blocked"), "", "", ""},
		{"a rejected verification proves nothing and undoes nothing", none, interconnect.Verification, interconnect.Connect, nil, no, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.records.put("a", 1, c.record)
			s.steps[c.step].says(c.says)
			m := message(c.action)
			if c.change != nil {
				c.change(&m)
			}
			s.mustDeliver(c.step, m)
			if c.queue == "" {
				require.Empty(t, s.queues.names())
				return
			}
			out, next := s.only()
			require.Equal(t, c.queue, out.queue)
			require.Equal(t, c.next, next.Action)
			require.Equal(t, c.target, next.Target)
			require.Equal(t, 1, next.Generation)
			if c.next != c.action {
				require.NotEqual(t, "trace", next.Trace, "the prune's pings must not be answered with the connect's")
				require.True(t, strings.HasPrefix(next.Trace, "trace"), next.Trace)
			}
		})
	}
}

func TestARollbackKeepsTheFailuresProblemInSight(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps[interconnect.Routes].says(chain.RejectWith(interconnect.Problem{Sentence: "The table is full.", Code: "QuotaExceeded"}, nil),
		chain.RetryAfter(sentence("The cloud is busy."), nil), chain.DoneWith())
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	s.play(20)

	require.Equal(t, []string{"routes", "security-groups", "routes", "routes", "peering", "verification"}, s.queues.names())
	got := s.status(interconnect.Routes)
	require.Equal(t, interconnect.Done, got.Progress)
	require.Equal(t, interconnect.TargetConnected, got.Target)
	require.Equal(t, "QuotaExceeded", got.Cause.Code)
	require.Nil(t, got.Problem, "what the removal met has passed")
	require.Nil(t, s.status(interconnect.Peering).Cause)
	seen := s.steps[interconnect.Peering].seen
	require.Nil(t, seen[len(seen)-1].Want, "nothing was connected before, so nothing may stay")
	require.NotNil(t, seen[len(seen)-1].Scope)

	t.Run("a late repeat of the connect adds nothing any more", func(t *testing.T) {
		before := s.steps[interconnect.Routes].runs
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect))
		require.Equal(t, before, s.steps[interconnect.Routes].runs)
	})
	t.Run("the sweep goes on with the rollback", func(t *testing.T) {
		rec := s.records.all["a"]
		queue, m := chain.FirstMessage(&rec, "again")
		require.Equal(t, "security-groups", queue)
		require.Equal(t, interconnect.TargetConnected, m.Target)
	})
}

func TestAMessageAndItsRecordsGeneration(t *testing.T) {
	t.Parallel()
	at2 := func(m *chain.Message) { m.Generation = 2 }

	t.Run("a message of an older generation is dropped", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("a", 2, func(*interconnect.Record) {})
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Empty(t, s.queues.log)
		require.Zero(t, s.steps[interconnect.Peering].runs)
	})
	for _, id := range []string{"a", "missing"} {
		t.Run("a message waits a minute for the record of "+id+" and is dropped then", func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			began := s.now
			s.mustDeliver(interconnect.Peering, message(interconnect.Connect, at2, func(m *chain.Message) { m.ConnectionID = id }))
			require.Positive(t, s.play(100))
			require.Zero(t, s.steps[interconnect.Peering].runs)
			require.GreaterOrEqual(t, s.now.Sub(began), time.Minute)
			require.Less(t, s.now.Sub(began), 80*time.Second)
			require.Contains(t, s.logs.String(), "dropped")
		})
	}
	t.Run("a record that comes late is acted on with its whole time", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Peering].says(chain.WaitFor("states"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect, at2))
		s.play(3)
		s.records.put("a", 2, func(*interconnect.Record) {})
		s.play(1)
		m := s.queues.left[0].message(t)
		require.Equal(t, s.now, m.StartedAt)
		require.Equal(t, s.now.Add(10*time.Minute), m.GiveUpAt)
		require.True(t, m.LaggingSince.IsZero())
	})
	t.Run("a generation that has failed and is kept as it is: a connect that comes again is dropped", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.Connection.OnFailure = interconnect.OnFailureKeep })
		s.steps[interconnect.Peering].says(chain.RejectWith(interconnect.Problem{Sentence: "No."}, nil))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, 1, s.steps[interconnect.Peering].runs)
	})
	t.Run("nothing desired: a connect and a check are dropped, a prune is run", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.Disconnect = true })
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.mustDeliver(interconnect.Verification, message(interconnect.Verify))
		require.Empty(t, s.queues.log)
		s.mustDeliver(interconnect.Peering, message(interconnect.Prune))
		require.Nil(t, s.steps[interconnect.Peering].seen[0].Want)
		require.NotNil(t, s.steps[interconnect.Peering].seen[0].Scope)
	})
}

func TestARecordThatCannotBeReadCostsTimeOnly(t *testing.T) {
	t.Parallel()
	t.Run("the message comes back, and is acted on when it can be", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.getErrs = []error{errDown, &interconnect.CloudError{Class: interconnect.Throttled, Action: "GetParametersByPath"}, nil}
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.play(2)
		require.Equal(t, []string{"peering", "peering", "routes"}, s.queues.names())
	})
	t.Run("after the last attempt it is dropped", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		for range 50 {
			s.records.getErrs = append(s.records.getErrs, errDown)
		}
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, chain.MaxAttempts-1, s.play(100))
		require.Contains(t, s.logs.String(), "cannot be read")
	})
}

func TestARollbackHasHopsOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps[interconnect.Routes].says(chain.RejectWith(sentence("No."), nil))
	s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Hops = chain.MaxHops }))
	_, m := s.only()
	require.Zero(t, m.Hops)
}

func TestTooManyHopsEndAConnectWithoutRollingItBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Hops = chain.MaxHops }))
	require.Empty(t, s.queues.left)
	require.Equal(t, interconnect.Failed, s.status(interconnect.Peering).Progress)
	require.Equal(t, interconnect.CodeTooManyHops, s.status(interconnect.Peering).Problem.Code)
	require.Equal(t, chain.TypeStepFailed, s.announcements()[0].Type)
}

func TestStagesCannotBeChangedFromOutside(t *testing.T) {
	t.Parallel()
	chain.Stages(interconnect.Connect)[0].Queue = "elsewhere"
	require.Equal(t, "peering", chain.Stages(interconnect.Connect)[0].Queue)
	require.Equal(t, []string{"peering", "routes", "security-groups", "verification", "outcomes", "tickets", "dead-letters"}, chain.QueueNames())
	require.Nil(t, chain.Stages("explode"))
}

// TestEveryChainEnds draws outcomes and faults; whatever comes, the messages
// come to an end, none is lost without a word, and all can be read.
func TestEveryChainEnds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t)
		kinds := rapid.SampledFrom([]chain.Outcome{
			chain.DoneWith("x"), chain.DoneWith("x"), chain.DoneWith("x"), chain.WaitFor("w"),
			chain.RetryAfter(sentence("r"), errDown), chain.RejectWith(sentence("no"), nil),
		})
		if rapid.Bool().Draw(rt, "former") {
			s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.Former = []interconnect.Place{{Table: "vtb-old"}} })
		}
		for _, step := range interconnect.Steps {
			s.steps[step].do = []func(context.Context, *chain.Task) chain.Outcome{func(context.Context, *chain.Task) chain.Outcome {
				return kinds.Draw(rt, string(step))
			}}
		}
		rec := s.records.all["a"]
		queue, first := chain.FirstMessage(&rec, "t")
		require.NoError(rt, s.queues.Send(context.Background(), queue, first.Body(), 0))
		for n := 0; len(s.queues.left) > 0; n++ {
			require.Less(rt, n, 3*chain.MaxHops, "the chain does not end")
			m, _ := s.queues.pop()
			s.now = s.now.Add(m.delay)
			if rapid.IntRange(0, 9).Draw(rt, "down") == 0 {
				s.queues.down = map[string]int{rapid.SampledFrom(chain.QueueNames()).Draw(rt, "queue"): 1}
			}
			err := s.deliver(stepOf(m.queue), string(m.body))
			s.queues.down = nil
			if err != nil {
				require.ErrorIs(rt, err, errDown)
				s.queues.left = append(s.queues.left, m) // delivered again
			}
		}
		require.Empty(rt, s.queues.on(chain.DeadLettersQueue))
		ended := false
		for _, st := range s.records.all["a"].Steps {
			require.Contains(rt, []interconnect.Progress{interconnect.Done, interconnect.Failed}, st.Progress)
			ended = ended || st.Progress == interconnect.Failed || s.status(interconnect.Verification).Progress == interconnect.Done
		}
		require.True(rt, ended)
	})
}

func TestTheFunctionsEventSamplesAreUnderstood(t *testing.T) {
	t.Parallel()
	folders := map[string]interconnect.Step{
		"peering": interconnect.Peering, "routes": interconnect.Routes,
		"securitygroups": interconnect.SecurityGroups, "verification": interconnect.Verification,
	}
	for folder, step := range folders {
		for _, action := range []interconnect.Action{interconnect.Connect, interconnect.Prune} {
			event, err := os.ReadFile(filepath.Join("..", "..", "functions", folder, "testdata", string(action)+".json"))
			require.NoError(t, err)
			s := newStage(t)
			s.records.put("orders-to-billing", 1, func(*interconnect.Record) {})
			require.NoError(t, s.handler(step).Handle(context.Background(), event))
			require.Len(t, s.steps[step].seen, 1, folder)
			require.Equal(t, action, s.steps[step].seen[0].Message.Action)
		}
	}
}

func TestAnOrdinaryMessageIsSmall(t *testing.T) {
	t.Parallel()
	m := message(interconnect.Connect, func(m *chain.Message) {
		m.ConnectionID, m.Trace = strings.Repeat("a", 48), strings.Repeat("t", 64)
		m.StartedAt, m.GiveUpAt, m.FrozenSince, m.LaggingSince = time.Now(), time.Now(), time.Now(), time.Now()
	})
	require.Less(t, len(m.Body()), 1024)
	got, err := chain.ParseMessage(m.Body())
	require.NoError(t, err)
	again, _ := json.Marshal(got)
	require.JSONEq(t, string(m.Body()), string(again))
	require.False(t, errors.Is(err, errDown))
}
