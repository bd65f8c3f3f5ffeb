package chain_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func (s *stage) letters() []chain.DeadLetter {
	var all []chain.DeadLetter
	for _, m := range s.queues.on(chain.DeadLettersQueue) {
		var l chain.DeadLetter
		require.NoError(s.t, json.Unmarshal(m.body, &l))
		all = append(all, l)
	}
	return all
}

func TestWhatCannotBeUnderstoodIsBuriedAndLoggedOnce(t *testing.T) {
	t.Parallel()
	good := message(interconnect.Connect)
	with := func(change func(*chain.Message)) string {
		m := good
		change(&m)
		return string(m.Body())
	}
	for name, body := range map[string]string{
		"text that is no JSON":         "hello",
		"JSON that is no object":       "[1]",
		"an empty object":              "{}",
		"a message cut off":            string(good.Body())[:40],
		"two messages in one":          string(good.Body()) + string(good.Body()),
		"another schema version":       with(func(m *chain.Message) { m.Schema = 2 }),
		"no connection id":             with(func(m *chain.Message) { m.ConnectionID = "" }),
		"an id with a slash":           with(func(m *chain.Message) { m.ConnectionID = "a/b" }),
		"an id far too long":           with(func(m *chain.Message) { m.ConnectionID = strings.Repeat("a", 300) }),
		"generation 0":                 with(func(m *chain.Message) { m.Generation = 0 }),
		"an unknown action":            with(func(m *chain.Message) { m.Action = "explode" }),
		"an action without this stage": with(func(m *chain.Message) { m.Action = interconnect.Verify }),
		"a target of a connect":        with(func(m *chain.Message) { m.Target = interconnect.TargetConnected }),
		"an unknown target":            with(func(m *chain.Message) { m.Action, m.Target = interconnect.Prune, "moon" }),
		"a negative counter":           with(func(m *chain.Message) { m.Waits = -1 }),
		"no trace":                     with(func(m *chain.Message) { m.Trace = "" }),
		"a trace with a shell in it":   with(func(m *chain.Message) { m.Trace = "$(reboot)" }),
		"a counter out of range":       `{"schema":1,"connectionId":"a","generation":99999999999999999999,"action":"connect","trace":"t"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			require.NoError(t, s.deliver(interconnect.Peering, body, string(good.Body())))
			letters := s.letters()
			require.Len(t, letters, 1)
			require.Equal(t, body, letters[0].Body)
			require.Equal(t, len(body), letters[0].Size)
			require.Equal(t, "peering", letters[0].Queue)
			require.Equal(t, "vi-peering", letters[0].Function)
			require.Equal(t, s.now, letters[0].At)
			require.Equal(t, "0", letters[0].MessageID)
			require.NotEmpty(t, letters[0].Reason)
			require.Equal(t, 1, strings.Count(s.logs.String(), "dead letter"))
			require.Equal(t, []string{"routes"}, s.queues.names(), "the next message is handled")
		})
	}
}

func TestAnEventThatIsNoQueuesIsBuriedWhole(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]string{
		"no JSON":      "hello",
		"empty":        "",
		"a timer tick": `{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"sweep","payload":""}`,
		"an unknown":   `{"hello":"world"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			require.NoError(t, s.handler(interconnect.Routes).Handle(context.Background(), []byte(e)))
			require.Len(t, s.letters(), 1)
			require.Equal(t, e, s.letters()[0].Body)
			require.Equal(t, "routes", s.letters()[0].Queue)
		})
	}
}

func TestADeadLetterAlwaysFitsIntoAQueuesMessage(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"long":                      strings.Repeat("x", 64<<10),
		"long, and no text":         strings.Repeat("\xff", 64<<10),
		"long, of control letters":  strings.Repeat("\x01", 64<<10),
		"long, of wide letters":     strings.Repeat("中", 20<<10),
		"long, of quotation marks":  strings.Repeat(`"`, 64<<10),
		"what XML cannot carry":     "\uFFFE",
		"an invalid byte in a text": "abc\xffdef",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			require.NoError(t, s.handler(interconnect.Routes).Handle(context.Background(), []byte(body)))
			sent := s.queues.on(chain.DeadLettersQueue)
			require.Len(t, sent, 1)
			require.LessOrEqual(t, len(sent[0].body), 60<<10)
			require.NotContains(t, string(sent[0].body), "\uFFFE")
			l := s.letters()[0]
			require.Equal(t, len(body), l.Size)
			require.True(t, strings.HasPrefix(body, l.Body) && strings.HasPrefix(body, string(l.Bytes)))
			require.Positive(t, len(l.Body)+len(l.Bytes))
		})
	}
}

func TestOneMessagesFailureLosesNoOther(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, id := range []string{"b", "c"} {
		s.records.put(id, 1, func(*interconnect.Record) {})
	}
	s.queues.down = map[string]int{"routes": 1}
	bodies := []string{}
	for _, id := range []string{"a", "b", "c"} {
		bodies = append(bodies, string(message(interconnect.Connect, func(m *chain.Message) { m.ConnectionID = id }).Body()))
	}
	require.ErrorIs(t, s.deliver(interconnect.Peering, bodies...), errDown)
	require.Len(t, s.queues.on("routes"), 2)

	require.NoError(t, s.deliver(interconnect.Peering, bodies...), "all come again")
	seen := map[string]bool{}
	for _, m := range s.queues.on("routes") {
		seen[m.message(t).ConnectionID] = true
	}
	require.Len(t, seen, 3)
}

// TestWhereAStepMayDie lets each thing fail that a step does, in turn.
func TestWhereAStepMayDie(t *testing.T) {
	t.Parallel()
	t.Run("the outcome message: the chain goes on", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queues.down = map[string]int{"outcomes": 1}
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, []string{"routes"}, s.queues.names())
		require.Equal(t, interconnect.Done, s.status(interconnect.Peering).Progress)
		require.Contains(t, s.logs.String(), "outcome not announced")
	})
	t.Run("the follow-up: an error, no status, and the same message does it all again", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queues.down = map[string]int{"routes": 1}
		m := string(message(interconnect.Connect).Body())
		require.ErrorIs(t, s.deliver(interconnect.Peering, m), errDown)
		require.Zero(t, s.records.puts)
		require.NoError(t, s.deliver(interconnect.Peering, m))
		require.Equal(t, []string{"routes"}, s.queues.names())
		ids := map[string]int{}
		for _, a := range s.announcements() {
			ids[a.ID]++
		}
		require.Equal(t, map[string]int{"a/1/1": 2}, ids, "a repeat is to be known as one")
	})
	t.Run("the status: success all the same", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.records.statusErr = errDown
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		require.Equal(t, []string{"routes"}, s.queues.names())
		require.Contains(t, s.logs.String(), `"entry":"peering"`)
	})
	t.Run("the dead letter: an error, so that the message comes again", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queues.down = map[string]int{"dead-letters": 1}
		require.ErrorIs(t, s.deliver(interconnect.Peering, "hello"), errDown)
		require.NoError(t, s.deliver(interconnect.Peering, "hello"))
		require.Len(t, s.letters(), 1)
	})
	t.Run("the last stage has no follow-up, so it always succeeds", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.queues.down = map[string]int{"outcomes": 1}
		s.records.statusErr = errDown
		s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
	})
}

func TestEachDeliveryMayComeTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	require.NoError(t, s.queues.Send(context.Background(), "peering", message(interconnect.Connect).Body(), 0))
	for n := 0; len(s.queues.left) > 0 && n < 100; n++ {
		m, _ := s.queues.pop()
		for range 2 {
			require.NoError(t, s.deliver(stepOf(m.queue), string(m.body)))
		}
	}
	ids := map[string]bool{}
	for _, a := range s.announcements() {
		ids[a.ID] = true
	}
	require.Len(t, ids, 4)
	require.Len(t, s.status(interconnect.Verification).Verdicts, 1, "one check has one verdict")
	for _, step := range interconnect.Steps {
		require.Equal(t, interconnect.Done, s.status(step).Progress)
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	check := func(trace string) chain.Message {
		return message(interconnect.Verify, func(m *chain.Message) { m.Trace = trace })
	}
	t.Run("a verdict is announced when it changes, and kept", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Verification].says(verdict("connected"), verdict("connected"), verdict("blocked"), verdict("blocked"))
		s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
		made := s.status(interconnect.Verification)
		for _, trace := range []string{"c1", "c2", "c3"} {
			s.mustDeliver(interconnect.Verification, check(trace))
		}
		require.Len(t, s.announcements(), 2)
		require.Equal(t, chain.TypeVerdict, s.announcements()[1].Type)
		require.Equal(t, interconnect.VerdictBlocked, s.announcements()[1].Data.Verdict.Outcome)
		s.steps[interconnect.Verification].says(verdict("connected"))
		s.mustDeliver(interconnect.Verification, check("c4"))
		require.Len(t, s.announcements(), 3)
		require.NotEqual(t, s.announcements()[1].ID, s.announcements()[2].ID, "a consumer must not take one check for another")
		got := s.status(interconnect.Verification)
		require.Len(t, got.Verdicts, 5)
		require.Equal(t, made.Action, got.Action, "a check says nothing about how far the connect is")
		require.Equal(t, made.Since, got.Since)
	})
	t.Run("at most twenty verdicts are kept, the newest first", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		for n := range 30 {
			s.mustDeliver(interconnect.Verification, check("c"+strconv.Itoa(n)))
		}
		require.Len(t, s.status(interconnect.Verification).Verdicts, 20)
	})
	t.Run("a check that waits writes nothing", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Verification].says(chain.WaitFor("the ping"))
		s.mustDeliver(interconnect.Verification, check("c"))
		require.Zero(t, s.records.puts)
		require.Empty(t, s.announcements())
	})
	t.Run("a check that cannot look finds nothing proven and says why", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Verification].says(chain.RejectWith(sentence("Cloud Assistant is denied."), nil))
		s.mustDeliver(interconnect.Verification, check("c"))
		v := s.status(interconnect.Verification).Verdicts[0]
		require.Equal(t, interconnect.VerdictUnproven, v.Outcome)
		require.Equal(t, "Cloud Assistant is denied.", v.Why)
	})
	t.Run("what was found connected is what a rollback goes back to", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.steps[interconnect.Verification].says(verdict("unproven"), verdict("connected"), verdict("connected"))
		s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
		require.Nil(t, s.records.all["a"].LastConnected)
		s.mustDeliver(interconnect.Verification, check("c1"))
		require.NotNil(t, s.records.all["a"].LastConnected)
		puts := s.records.puts
		s.mustDeliver(interconnect.Verification, check("c2"))
		require.Equal(t, puts+1, s.records.puts, "it is written once")

		s.records.put("a", 2, func(*interconnect.Record) {})
		s.steps[interconnect.Routes].says(chain.RejectWith(sentence("No."), nil), chain.DoneWith())
		s.mustDeliver(interconnect.Routes, message(interconnect.Connect, func(m *chain.Message) { m.Generation = 2 }))
		s.play(2)
		require.NotNil(t, s.steps[interconnect.Routes].seen[1].Want)
	})
	t.Run("a repair leaves the steps' progress alone", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.play(10)
		s.steps[interconnect.Peering].do = nil
		s.steps[interconnect.Peering].says(chain.RejectWith(sentence("No."), nil))
		rec := s.records.all["a"]
		_, m := chain.RepairMessage(&rec, "r1")
		s.mustDeliver(interconnect.Peering, m)
		s.play(10)
		require.Empty(t, s.queues.left)
		for _, step := range interconnect.Steps {
			require.Equal(t, interconnect.Done, s.status(step).Progress)
		}
		require.Equal(t, "No.", s.status(interconnect.Peering).Problem.Sentence)
	})
	t.Run("its message names the queue it goes to", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		rec := s.records.all["a"]
		queue, m := chain.CheckMessage(&rec, "slot-7")
		require.Equal(t, "verification", queue)
		require.Equal(t, interconnect.Verify, m.Action)
	})
}

func TestTheMessagesOfAnEventAreHandledSideBySide(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	bodies := []string{}
	for _, id := range []string{"a", "b", "c"} {
		s.records.put(id, 1, func(*interconnect.Record) {})
		m := message(interconnect.Connect)
		m.ConnectionID = id
		bodies = append(bodies, string(m.Body()))
	}
	here := make(chan struct{}, 3)
	s.steps[interconnect.Routes].do = []func(context.Context, *chain.Task) chain.Outcome{func(ctx context.Context, task *chain.Task) chain.Outcome {
		here <- struct{}{}
		for len(here) < 3 { // each waits for the others
			select {
			case <-ctx.Done():
				return chain.RejectWith(sentence("It was alone."), nil)
			case <-time.After(time.Millisecond):
			}
		}
		if task.Message.ConnectionID == "b" {
			panic("b")
		}
		return chain.DoneWith()
	}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	require.NoError(t, s.handler(interconnect.Routes).Handle(ctx, event(bodies...)))
	next := map[string]string{}
	for _, out := range s.queues.left {
		if out.queue != chain.OutcomesQueue {
			next[out.message(t).ConnectionID] = out.queue
		}
	}
	require.Equal(t, map[string]string{"a": "security-groups", "b": "routes", "c": "security-groups"}, next, "what fails one leaves the others alone")
}
