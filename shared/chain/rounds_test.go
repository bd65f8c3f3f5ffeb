package chain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// left is what verification says of a prune after which something is there.
func left(id string) chain.Outcome {
	out := chain.RejectWith(interconnect.Problem{Sentence: "Something is still there.", Resource: id}, nil)
	out.Leftovers = []interconnect.Problem{{Sentence: id + " is still there.", Resource: id}}
	return out
}

func disconnected(s *stage) {
	s.records.put("a", 2, func(r *interconnect.Record) { r.Wanted.Disconnect = true })
}

func prune(change ...func(*chain.Message)) chain.Message {
	m := message(interconnect.Prune, change...)
	m.Generation = 2
	return m
}

func TestWhatCameLateIsRemovedAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	disconnected(s)
	isolated := verdict(interconnect.VerdictIsolated)
	s.steps[interconnect.Verification].says(left("ri-late"), isolated)
	began := s.now
	s.mustDeliver(interconnect.SecurityGroups, prune())
	s.play(3)

	got := s.status(interconnect.Verification)
	require.Equal(t, interconnect.Waiting, got.Progress)
	require.Contains(t, got.Note, "ri-late")
	rec := s.records.all["a"]
	require.Equal(t, interconnect.StateDisconnecting, interconnect.Overall(&rec, s.now), "nobody is needed yet")

	first, next := s.queues.left[0], s.queues.left[0].message(t)
	require.Equal(t, "security-groups", first.queue)
	require.Zero(t, first.delay)
	require.Equal(t, 1, next.Rounds)
	require.NotEqual(t, "trace", next.Trace, "its ping must not be answered with the former round's")
	s.play(10)
	require.Equal(t, 2, s.steps[interconnect.Peering].runs)
	require.Equal(t, began, s.now)
	rec = s.records.all["a"]
	require.True(t, interconnect.Ended(&rec))
	for _, a := range s.announcements() {
		require.Equal(t, interconnect.Done, a.Data.Progress, "no failure is told of")
	}
}

func TestWhatStaysAfterThreeRoundsNeedsAttention(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	disconnected(s)
	s.steps[interconnect.Verification].says(left("ri-1"))
	s.mustDeliver(interconnect.SecurityGroups, prune())
	s.play(100)
	require.Empty(t, s.queues.left)
	require.Equal(t, 4, s.steps[interconnect.Verification].runs)
	rec := s.records.all["a"]
	require.Equal(t, interconnect.StateNeedsAttention, interconnect.Overall(&rec, s.now))
	require.Equal(t, []interconnect.Problem{{Sentence: "ri-1 is still there.", Resource: "ri-1"}}, rec.Leftovers())
	require.False(t, interconnect.Silent(&rec, s.now.Add(interconnect.AttentionRetry-1)))
	require.True(t, interconnect.Silent(&rec, s.now.Add(interconnect.AttentionRetry)))

	t.Run("an hour later the sweep's message has all rounds again", func(t *testing.T) {
		_, m := chain.FirstMessage(&rec, "hourly")
		require.Zero(t, m.Rounds)
	})
}

func TestWhatAStepWasRefusedIsNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	disconnected(s)
	denied := chain.RejectWith(interconnect.Problem{Sentence: "Denied.", Code: "Forbidden.RAM", RequestID: "req-1", Resource: "sgr-1"}, nil)
	denied.Leftovers = []interconnect.Problem{{Sentence: "Rule sgr-1 could not be removed: Forbidden.RAM.", Code: "Forbidden.RAM", RequestID: "req-1", Resource: "sgr-1"}}
	s.steps[interconnect.SecurityGroups].says(denied)
	seen := left("sgr-1")
	seen.Leftovers = append(seen.Leftovers, interconnect.Problem{Sentence: "ri-2 is still there.", Resource: "ri-2"})
	s.steps[interconnect.Verification].says(seen)
	s.mustDeliver(interconnect.SecurityGroups, prune())
	s.play(100)

	require.Equal(t, []string{"routes", "peering", "verification"}, s.queues.names(), "the others remove theirs, once")
	rec := s.records.all["a"]
	require.Equal(t, interconnect.StateNeedsAttention, interconnect.Overall(&rec, s.now))
	require.Equal(t, []interconnect.Problem{
		{Sentence: "Rule sgr-1 could not be removed: Forbidden.RAM.", Code: "Forbidden.RAM", RequestID: "req-1", Resource: "sgr-1"},
		{Sentence: "ri-2 is still there.", Resource: "ri-2"},
	}, rec.Leftovers(), "resource by resource, with the cloud's error where there is one")

	// When the permission is there, the hourly try ends it.
	s.steps[interconnect.SecurityGroups].do, s.steps[interconnect.Verification].do = nil, nil
	s.steps[interconnect.Verification].says(verdict(interconnect.VerdictIsolated))
	queue, m := chain.FirstMessage(&rec, "hourly")
	s.mustDeliver(stepOf(queue), m)
	s.play(10)
	rec = s.records.all["a"]
	require.Equal(t, interconnect.StateDisconnected, interconnect.Overall(&rec, s.now))
	require.Empty(t, rec.Leftovers())
}

func TestARollbackThatLeavesSomethingListsIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps[interconnect.Routes].says(
		chain.RejectWith(interconnect.Problem{Sentence: "The table is full.", Code: "QuotaExceeded"}, nil),
		left("rte-1"))
	s.steps[interconnect.Verification].says(left("rte-1"))
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	s.play(100)
	rec := s.records.all["a"]
	require.Equal(t, interconnect.StateNeedsAttention, interconnect.Overall(&rec, s.now))
	require.Len(t, rec.Leftovers(), 1)
	_, m := chain.FirstMessage(&rec, "hourly")
	require.Equal(t, interconnect.Prune, m.Action)
	require.Equal(t, interconnect.TargetConnected, m.Target, "what is tried again is the rollback")

	s.steps[interconnect.Routes].do = nil
	s.steps[interconnect.Verification].do = nil
	s.steps[interconnect.Verification].says(verdict(interconnect.VerdictIsolated))
	s.mustDeliver(interconnect.SecurityGroups, m)
	s.play(10)
	rec = s.records.all["a"]
	require.Equal(t, interconnect.StateFailed, interconnect.Overall(&rec, s.now))
	require.True(t, interconnect.Ended(&rec))
	require.Empty(t, rec.Leftovers())
}

// A call of the generation before may land after this one has found in place what
// it undoes.
func TestAConnectThatOvertookGoesRoundOnceMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		overtook, repair bool
		age              time.Duration // of the generation
		again            bool
	}{
		"when nothing can land any more":              {overtook: true, age: 20 * time.Second, again: true},
		"not if it began only then":                   {overtook: true, age: time.Minute},
		"not if the one before had ended long ago":    {age: 20 * time.Second},
		"not a repair, which is no part of the chain": {overtook: true, repair: true, age: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.records.put("a", 1, func(r *interconnect.Record) {
				r.UpdatedAt, r.Wanted.Overtook = s.now.Add(-c.age), c.overtook
			})
			s.steps[interconnect.Verification].says(verdict(interconnect.VerdictConnected))
			s.mustDeliver(interconnect.Peering, message(interconnect.Connect, func(m *chain.Message) { m.Repair = c.repair }))
			s.play(3)
			rec := s.records.all["a"]
			if !c.again {
				require.Empty(t, s.queues.left)
				return
			}
			require.False(t, interconnect.Ended(&rec), "the sweep sends it again if the message is lost")
			require.Equal(t, interconnect.StateConnecting, interconnect.Overall(&rec, s.now))
			require.Contains(t, s.status(interconnect.Verification).Note, "may still take effect")

			out := s.queues.left[0]
			m := out.message(t)
			require.Equal(t, "peering", out.queue)
			require.Equal(t, time.Minute-c.age, out.delay)
			require.Equal(t, interconnect.Connect, m.Action)
			require.NotEqual(t, "trace", m.Trace, "its ping must not be answered with the former round's")
			s.now = s.now.Add(out.delay)
			s.play(10)
			require.Equal(t, 2, s.steps[interconnect.Routes].runs)
			require.Equal(t, 2, s.steps[interconnect.Verification].runs)
			require.Empty(t, s.queues.left)
			rec = s.records.all["a"]
			require.Equal(t, interconnect.StateConnected, interconnect.Overall(&rec, s.now))
		})
	}
}
