package intake_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

// sweepFor sweeps every minute for so long, and returns what was done.
func (h *house) sweepFor(d time.Duration) (sent, checked, deleted int) {
	for range int(d / time.Minute) {
		h.time = h.time.Add(time.Minute)
		report, err := h.Sweep(context.Background())
		require.NoError(h.t, err)
		sent, checked, deleted = sent+len(report.Sent), checked+len(report.Checked), deleted+len(report.Deleted)
	}
	return sent, checked, deleted
}

func TestTheSweepSendsASilentGenerationsMessageAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	sent, _, _ := h.sweepFor(2 * time.Minute)
	require.Zero(t, sent)
	sent, _, _ = h.sweepFor(time.Minute)
	require.Equal(t, 1, sent)
	require.Equal(t, interconnect.Connect, h.sent[1].Action)
	require.Equal(t, 1, h.sent[1].Generation)
	require.NotEqual(t, h.sent[0].Trace, h.sent[1].Trace)
	require.Equal(t, interconnect.SweepStatus{Generation: 1, Sends: 1, SentAt: h.time}, h.records["a"].Sweep)

	// A sign of life is worth three minutes.
	h.time = h.time.Add(time.Minute)
	h.step("a", interconnect.Peering, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Waiting})
	sent, _, _ = h.sweepFor(2 * time.Minute)
	require.Zero(t, sent)
}

func TestAfterFiveSendsItNeedsAttentionAndIsTriedHourly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	sent, _, _ := h.sweepFor(15 * time.Minute)
	require.Equal(t, 5, sent)
	require.Equal(t, interconnect.StatePending, h.do("GET", "/connections/a", "").State)
	sent, _, _ = h.sweepFor(3 * time.Minute)
	require.Zero(t, sent)
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateNeedsAttention, a.State)
	require.Contains(t, a.Why, "Step peering")
	sent, _, _ = h.sweepFor(4 * time.Hour)
	require.Equal(t, 4, sent)
	require.Len(t, h.changes, 2, "that it was recorded, and, once, that it stands still")
	require.Equal(t, interconnect.StateNeedsAttention, h.changes[1].Data.State)
	require.NotEmpty(t, h.changes[1].Data.Why)
}

func TestADisconnectThatIsStuckIsPrunedHourly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.do("DELETE", "/connections/a", "")
	h.step("a", interconnect.Routes, interconnect.StepStatus{Action: interconnect.Prune, Progress: interconnect.Failed, Problem: &interconnect.Problem{Sentence: "Denied."}})
	require.Equal(t, interconnect.StateNeedsAttention, h.do("GET", "/connections/a", "").State)
	before := len(h.sent)
	sent, _, _ := h.sweepFor(3 * time.Hour)
	require.Equal(t, 3, sent)
	require.Len(t, h.changes, 2, "that it needs attention, the step has told")
	for _, m := range h.sent[before:] {
		require.Equal(t, interconnect.Prune, m.Action)
		require.Equal(t, interconnect.TargetDesired, m.Target)
	}
}

func TestARollbackThatFellSilentIsContinued(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.step("a", interconnect.SecurityGroups, interconnect.StepStatus{Action: interconnect.Prune, Target: interconnect.TargetConnected, Progress: interconnect.Done})
	require.Equal(t, interconnect.StateFailed, h.do("GET", "/connections/a", "").State)
	sent, _, _ := h.sweepFor(3 * time.Minute)
	require.Equal(t, 1, sent)
	require.Equal(t, interconnect.Prune, h.sent[1].Action)
	require.Equal(t, interconnect.TargetConnected, h.sent[1].Target)
}

func TestWhatExistsIsCheckedOnceASlot(t *testing.T) {
	t.Parallel()
	for _, outcome := range []interconnect.VerdictOutcome{interconnect.VerdictConnected, interconnect.VerdictBlocked, interconnect.VerdictUnproven} {
		h := newHouse(t)
		h.do("POST", "/connections", tutorial)
		h.end("a", interconnect.Connect, outcome)
		checks := 0
		for range 60 {
			sent, checked, _ := h.sweepFor(time.Minute)
			require.Zero(t, sent)
			checks += checked
			if checked > 0 {
				h.step("a", interconnect.Verification, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Done, Verdicts: []interconnect.Verdict{{Outcome: outcome}}})
			}
		}
		require.Equal(t, 12, checks, outcome)
		traces := map[string]bool{}
		for _, m := range h.sent[1:] {
			require.Equal(t, interconnect.Verify, m.Action)
			traces[m.Trace] = true
		}
		require.Len(t, traces, 12, "each check is one of its own")
	}
}

func TestChecksAreSpreadAlwaysInTheSameWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := map[string]time.Duration{} // when a connection's check begins, after its interval's start
	perSecond := map[time.Duration]int{}
	const connections, interval = 200, intake.DefaultCheckInterval
	h.do("POST", "/connections", tutorial)
	one := h.records["a"]
	delete(h.records, "a")
	for n := range connections {
		r := *one
		r.ID, r.Steps = fmt.Sprintf("c%d", n), map[interconnect.Step]interconnect.StepStatus{}
		h.records[r.ID] = &r
		h.end(r.ID, interconnect.Connect, interconnect.VerdictConnected)
	}
	h.time = h.time.Truncate(interval)
	for minute := range 4 * 5 {
		h.sent, h.delays = nil, nil
		h.sweepFor(time.Minute)
		for i, m := range h.sent {
			require.Less(t, h.delays[i], time.Minute)
			began := (h.time.Add(h.delays[i]).Sub(h.time.Truncate(interval)) + interval) % interval
			if minute >= 5 { // the first interval is that in which all were made at once
				if was, known := at[m.ConnectionID]; known {
					require.Equal(t, was, began, "%s", m.ConnectionID)
				}
				at[m.ConnectionID] = began
				if minute < 10 {
					perSecond[began]++
				}
			}
			h.step(m.ConnectionID, interconnect.Verification, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Done, Verdicts: []interconnect.Verdict{{Outcome: interconnect.VerdictConnected}}})
		}
	}
	require.Len(t, at, connections, "none is missed")
	for second, n := range perSecond {
		require.LessOrEqual(t, n, 6, "at %s", second)
	}
}

func TestACheckThatIsNotAnsweredIsSentAgainUnderTheSameName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.sweepFor(10 * time.Minute)
	traces := map[string]int{}
	for _, m := range h.sent[1:] {
		traces[m.Trace]++
	}
	require.LessOrEqual(t, len(traces), 3)
	require.Greater(t, len(h.sent), len(traces)+1)
}

func TestNothingIsCheckedThatDoesNotExistOrIsNotToBeChecked(t *testing.T) {
	t.Parallel()
	undo := func(h *house) {
		for _, step := range interconnect.Steps {
			h.step("a", step, interconnect.StepStatus{Action: interconnect.Prune, Target: interconnect.TargetConnected, Progress: interconnect.Done})
		}
	}
	for name, set := range map[string]func(h *house){
		"a connection that failed":       undo,
		"a connection that is gone":      func(h *house) { h.do("DELETE", "/connections/a", ""); h.end("a", interconnect.Prune, "") },
		"a deployment that checks never": func(h *house) { h.end("a", interconnect.Connect, interconnect.VerdictConnected); h.CheckInterval = -1 },
	} {
		h := newHouse(t)
		h.do("POST", "/connections", tutorial)
		set(h)
		sent, checked, _ := h.sweepFor(2 * time.Hour)
		require.Zero(t, sent, name)
		require.Zero(t, checked, name)
	}
}

func TestTombstonesGoAfterFourteenDays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.do("DELETE", "/connections/a", "")
	h.end("a", interconnect.Prune, interconnect.VerdictIsolated)
	ended := h.time
	h.time = ended.Add(intake.TombstoneLife - 2*time.Minute)
	_, _, deleted := h.sweepFor(time.Minute)
	require.Zero(t, deleted)
	require.Equal(t, interconnect.StateDisconnected, h.do("GET", "/connections/a", "").State)
	_, _, deleted = h.sweepFor(time.Minute)
	require.Equal(t, 1, deleted)
	require.Equal(t, 404, h.do("GET", "/connections/a", "").status)
}

func TestOneRecordsFailureDoesNotKeepTheSweepFromOthers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.do("POST", "/connections", other)
	h.time = h.time.Add(4 * time.Minute)
	h.fail["PutSweep"] = errors.New("not written")
	h.fail["List"] = errors.New("the entry /vi/x/request cannot be understood")
	report, err := h.Sweep(context.Background())
	require.ErrorContains(t, err, "a: not written")
	require.ErrorContains(t, err, "b: not written")
	require.ErrorContains(t, err, "/vi/x/request")
	require.Equal(t, []string{"a", "b"}, report.Sent)

	h.fail["Send"] = errors.New("no queue")
	h.time = h.time.Add(4 * time.Minute)
	report, err = h.Sweep(context.Background())
	require.ErrorContains(t, err, "no queue")
	require.Empty(t, report.Sent)
}

func TestTheSweepStopsBeforeItsTimeIsOver(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := h.Sweep(ctx)
	require.ErrorContains(t, err, "0 of 1 records")
}

func TestEveryConnectionHasOneCheckInEveryIntervalAndTheyAreSpread(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHouse(t)
		h.CheckInterval = time.Duration(rapid.IntRange(1, 120).Draw(rt, "minutes")) * time.Minute
		h.do("POST", "/connections", tutorial)
		h.end("a", interconnect.Connect, interconnect.VerdictConnected)
		checks := 0
		for range int(3 * h.CheckInterval / time.Minute) {
			_, checked, _ := h.sweepFor(time.Minute)
			checks += checked
			if checked > 0 {
				h.end("a", interconnect.Connect, interconnect.VerdictConnected)
			}
		}
		require.Equal(rt, 3, checks, fmt.Sprint(h.CheckInterval))
	})
}
