package interconnect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// recorded is a record of generation 3, written at noon, that desires a
// connection.
func recorded(steps map[Step]StepStatus) *Record {
	return &Record{
		ID: "a", Generation: 3, UpdatedAt: noon,
		Wanted: Wanted{Connection: &Connection{ID: "a", OnFailure: OnFailureRollback}},
		Steps:  steps,
	}
}

func status(a Action, p Progress) StepStatus {
	return StepStatus{Generation: 3, Action: a, Progress: p, UpdatedAt: noon}
}

func proven(a Action, o VerdictOutcome) StepStatus {
	s := status(a, Done)
	s.Verdicts = []Verdict{{Outcome: o}, {Outcome: VerdictConnected}}
	return s
}

func undo(p Progress) StepStatus {
	s := status(Prune, p)
	s.Target = TargetConnected
	return s
}

func left(s StepStatus) StepStatus {
	s.Leftovers = []Problem{{Sentence: "It would not go."}}
	return s
}

func endless() StepStatus {
	s := status(Connect, Failed)
	s.Problem = &Problem{Code: CodeTooManyHops}
	return s
}

func old(s StepStatus) StepStatus {
	s.Generation = 2
	return s
}

// all gives every step the same status.
func all(s StepStatus) map[Step]StepStatus {
	return map[Step]StepStatus{Peering: s, Routes: s, SecurityGroups: s, Verification: s}
}

func with(steps map[Step]StepStatus, step Step, s StepStatus) map[Step]StepStatus {
	steps[step] = s
	return steps
}

func TestTheStateIsReadOffTheEntries(t *testing.T) {
	t.Parallel()
	connected := with(all(status(Connect, Done)), Verification, proven(Connect, VerdictConnected))
	for name, c := range map[string]struct {
		record *Record
		change func(r *Record)
		state  State
		ended  bool
	}{
		"nothing has happened":                        {recorded(nil), nil, StatePending, false},
		"only the generation before has happened":     {recorded(all(old(proven(Connect, VerdictConnected)))), nil, StatePending, false},
		"the first step waits":                        {recorded(map[Step]StepStatus{Peering: status(Connect, Waiting)}), nil, StateConnecting, false},
		"the last step waits":                         {recorded(with(all(status(Connect, Done)), Verification, status(Connect, Waiting))), nil, StateConnecting, false},
		"pings pass":                                  {recorded(connected), nil, StateConnected, true},
		"pings pass, and an entry was lost":           {recorded(map[Step]StepStatus{Verification: proven(Connect, VerdictConnected)}), nil, StateConnected, true},
		"a ping fails":                                {recorded(with(all(status(Connect, Done)), Verification, proven(Connect, VerdictBlocked))), nil, StateBlocked, true},
		"nothing to ping from":                        {recorded(with(all(status(Connect, Done)), Verification, proven(Connect, VerdictUnproven))), nil, StateUnproven, true},
		"verified without a verdict":                  {recorded(all(status(Connect, Done))), nil, StateUnproven, true},
		"verification could not look":                 {recorded(with(all(status(Connect, Done)), Verification, status(Connect, Failed))), nil, StateUnproven, true},
		"a check found it blocked":                    {recorded(with(all(status(Connect, Done)), Verification, proven(Verify, VerdictBlocked))), nil, StateBlocked, true},
		"a check is under way":                        {recorded(with(all(status(Connect, Done)), Verification, StepStatus{Generation: 3, Action: Verify, Progress: Waiting, Verdicts: []Verdict{{Outcome: VerdictConnected}}})), nil, StateConnected, true},
		"connected, former places to clean":           {recorded(connected), former, StateConnecting, false},
		"connected, former places being cleaned":      {recorded(with(all(status(Connect, Done)), SecurityGroups, status(Prune, Waiting))), former, StateConnecting, false},
		"connected, and former places clean":          {recorded(with(all(status(Prune, Done)), Verification, proven(Prune, VerdictConnected))), former, StateConnected, true},
		"connected, but something former stays":       {recorded(with(all(status(Prune, Done)), Routes, left(status(Prune, Done)))), former, StateNeedsAttention, false},
		"connected, but cleaning failed":              {recorded(with(all(status(Connect, Done)), Routes, status(Prune, Failed))), former, StateNeedsAttention, false},
		"a step failed, rollback to come":             {recorded(map[Step]StepStatus{Peering: status(Connect, Done), Routes: status(Connect, Failed)}), nil, StateFailed, false},
		"a step failed, nothing to be rolled back":    {recorded(map[Step]StepStatus{Peering: status(Connect, Done), Routes: status(Connect, Failed)}), keep, StateFailed, true},
		"a step went round without end":               {recorded(map[Step]StepStatus{Peering: endless()}), nil, StateNeedsAttention, false},
		"a step went round without end, all is kept":  {recorded(map[Step]StepStatus{Peering: endless()}), keep, StateNeedsAttention, false},
		"rolling back":                                {recorded(map[Step]StepStatus{Peering: status(Connect, Done), Routes: undo(Waiting), SecurityGroups: undo(Done)}), nil, StateFailed, false},
		"rolled back":                                 {recorded(all(undo(Done))), nil, StateFailed, true},
		"rolled back, an entry of the connect stays":  {recorded(with(all(undo(Done)), Routes, status(Connect, Failed))), nil, StateFailed, true},
		"rolled back, but something stays":            {recorded(with(all(undo(Done)), Peering, left(undo(Done)))), nil, StateNeedsAttention, false},
		"rollback failed":                             {recorded(map[Step]StepStatus{SecurityGroups: undo(Done), Routes: undo(Failed)}), nil, StateNeedsAttention, false},
		"to be disconnected, nothing has happened":    {recorded(nil), disconnect, StateDisconnecting, false},
		"to be disconnected, once connected":          {recorded(all(old(proven(Connect, VerdictConnected)))), disconnect, StateDisconnecting, false},
		"disconnecting":                               {recorded(map[Step]StepStatus{SecurityGroups: status(Prune, Done), Routes: status(Prune, Waiting)}), disconnect, StateDisconnecting, false},
		"disconnected":                                {recorded(with(all(status(Prune, Done)), Verification, proven(Prune, VerdictIsolated))), disconnect, StateDisconnected, true},
		"disconnected, and an entry was lost":         {recorded(map[Step]StepStatus{Verification: proven(Prune, VerdictIsolated)}), disconnect, StateDisconnected, true},
		"disconnected, but something stays":           {recorded(with(all(status(Prune, Done)), Routes, left(status(Prune, Done)))), disconnect, StateNeedsAttention, false},
		"a disconnect's step failed":                  {recorded(map[Step]StepStatus{SecurityGroups: status(Prune, Failed)}), disconnect, StateNeedsAttention, false},
		"a disconnect's proof failed":                 {recorded(with(all(status(Prune, Done)), Verification, status(Prune, Failed))), disconnect, StateNeedsAttention, false},
		"what stayed was of the generation before":    {recorded(all(left(old(status(Prune, Done))))), disconnect, StateDisconnecting, false},
		"five sends led nowhere":                      {recorded(nil), sent(5, 4*time.Minute), StateNeedsAttention, false},
		"the fifth send has its chance":               {recorded(nil), sent(5, time.Minute), StatePending, false},
		"the hourly send does not hide it":            {recorded(nil), sent(6, time.Minute), StateNeedsAttention, false},
		"four sends led nowhere":                      {recorded(nil), sent(4, 4*time.Minute), StatePending, false},
		"five sends, and then a step was done":        {recorded(map[Step]StepStatus{Peering: status(Connect, Done)}), sent(5, 4*time.Minute), StateConnecting, false},
		"five sends, and a step is alive":             {recorded(map[Step]StepStatus{Peering: alive(status(Connect, Waiting))}), sent(5, 4*time.Minute), StateConnecting, false},
		"five sends of the generation before":         {recorded(nil), func(r *Record) { sent(5, 4*time.Minute)(r); r.Sweep.Generation = 2 }, StatePending, false},
		"five sends, and yet it ended":                {recorded(connected), sent(5, 4*time.Minute), StateConnected, true},
		"five sends of a disconnect":                  {recorded(nil), func(r *Record) { sent(5, 4*time.Minute)(r); disconnect(r) }, StateNeedsAttention, false},
		"a ping passes where nothing should be":       {recorded(with(all(status(Connect, Done)), Verification, proven(Connect, VerdictIsolated))), nil, StateBlocked, true},
		"it was connected before it was disconnected": {recorded(connected), disconnect, StateDisconnecting, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := *c.record
			if c.change != nil {
				c.change(&r)
			}
			require.Equal(t, c.state, Overall(&r, noon.Add(10*time.Minute)))
			require.Equal(t, c.ended, Ended(&r))
		})
	}
}

func former(r *Record) { r.Wanted.Former = []Place{{Role: Initiator, Table: "vtb-old"}} }
func keep(r *Record) {
	r.Wanted.Connection = &Connection{ID: "a", OnFailure: OnFailureKeep}
}
func disconnect(r *Record) { r.Wanted.Disconnect = true }
func alive(s StepStatus) StepStatus {
	s.UpdatedAt = noon.Add(9 * time.Minute)
	return s
}

// sent says that the sweep has sent n times, the last time so long before the
// look ten minutes past noon.
func sent(n int, ago time.Duration) func(*Record) {
	return func(r *Record) {
		r.Sweep = SweepStatus{Generation: 3, Sends: n, SentAt: noon.Add(10*time.Minute - ago)}
	}
}

func TestAGenerationIsSilentAfterThreeMinutesWithoutASign(t *testing.T) {
	t.Parallel()
	waiting := func(at time.Duration) *Record {
		s := status(Connect, Waiting)
		s.UpdatedAt = noon.Add(at)
		return recorded(map[Step]StepStatus{Peering: s})
	}
	stuck := func(n int) *Record {
		r := recorded(nil)
		r.Sweep = SweepStatus{Generation: 3, Sends: n, SentAt: noon.Add(20 * time.Minute)}
		return r
	}
	for name, c := range map[string]struct {
		record *Record
		first  time.Duration // after noon, when it is silent first
	}{
		"since it was written":                {recorded(nil), 3 * time.Minute},
		"since a step's last sign":            {waiting(time.Minute), 4 * time.Minute},
		"since the sweep's last send":         {stuck(2), 23 * time.Minute},
		"since the fifth send, an hour":       {stuck(5), 80 * time.Minute},
		"since a failed prune, an hour":       {recorded(map[Step]StepStatus{Routes: undo(Failed)}), time.Hour},
		"however old the generation before":   {recorded(all(old(alive(status(Connect, Waiting))))), 3 * time.Minute},
		"never, for what has ended":           {recorded(all(undo(Done))), 0},
		"never, for what has ended connected": {recorded(map[Step]StepStatus{Verification: proven(Connect, VerdictBlocked)}), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.first == 0 {
				require.False(t, Silent(c.record, noon.Add(1000*time.Hour)))
				return
			}
			require.False(t, Silent(c.record, noon.Add(c.first-time.Second)))
			require.True(t, Silent(c.record, noon.Add(c.first)))
		})
	}
}

func TestTheSweepCountsSendsSinceAStepWasLastDone(t *testing.T) {
	t.Parallel()
	r := recorded(nil)
	now := noon
	send := func() {
		now = now.Add(3 * time.Minute)
		r.Sweep = Sent(r, now)
	}
	for range 5 {
		require.Equal(t, StatePending, Overall(r, now))
		send()
	}
	require.Equal(t, SweepStatus{Generation: 3, Sends: 5, SentAt: now}, r.Sweep)
	require.Equal(t, StateNeedsAttention, Overall(r, now.Add(3*time.Minute)))

	r.Steps = map[Step]StepStatus{Peering: status(Connect, Done)}
	require.Equal(t, StateConnecting, Overall(r, now.Add(3*time.Minute)))
	send()
	require.Equal(t, SweepStatus{Generation: 3, Sends: 1, Done: 1, SentAt: now}, r.Sweep)

	// A step that is done over and over again is no progress.
	for range 4 {
		r.Steps[Peering] = status(Connect, Waiting)
		send()
		r.Steps[Peering] = status(Connect, Done)
	}
	require.Equal(t, 5, r.Sweep.Sends)
	require.Equal(t, StateNeedsAttention, Overall(r, now.Add(3*time.Minute)))

	r.Generation = 4
	send()
	require.Equal(t, SweepStatus{Generation: 4, Sends: 1, SentAt: now}, r.Sweep)
}

// anyRecord draws entries without sense: whatever is stored has a state.
func anyRecord(t *rapid.T) *Record {
	r := recorded(map[Step]StepStatus{})
	if rapid.Bool().Draw(t, "disconnect") {
		disconnect(r)
	}
	if rapid.Bool().Draw(t, "former") {
		former(r)
	}
	if rapid.Bool().Draw(t, "keep") {
		keep(r)
	}
	for _, step := range Steps {
		if !rapid.Bool().Draw(t, "has") {
			continue
		}
		s := status(rapid.SampledFrom([]Action{Connect, Prune, Verify}).Draw(t, "action"), rapid.SampledFrom([]Progress{Waiting, Done, Failed}).Draw(t, "progress"))
		s.Generation = rapid.IntRange(2, 3).Draw(t, "generation")
		s.UpdatedAt = noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "updated")) * time.Second)
		if s.Action == Prune && rapid.Bool().Draw(t, "rollback") {
			s.Target = TargetConnected
		}
		if rapid.Bool().Draw(t, "left") {
			s = left(s)
		}
		if step == Verification && rapid.Bool().Draw(t, "verdict") {
			s.Verdicts = []Verdict{{Outcome: rapid.SampledFrom([]VerdictOutcome{VerdictConnected, VerdictBlocked, VerdictUnproven, VerdictIsolated}).Draw(t, "outcome")}}
		}
		r.Steps[step] = s
	}
	r.Sweep = SweepStatus{Generation: rapid.IntRange(2, 3).Draw(t, "sweepGeneration"), Sends: rapid.IntRange(0, 8).Draw(t, "sends"), SentAt: noon}
	return r
}

func TestEveryRecordHasAStateThatFitsWhetherItEnded(t *testing.T) {
	t.Parallel()
	ends := map[State]bool{StateConnected: true, StateUnproven: true, StateBlocked: true, StateFailed: true, StateDisconnected: true}
	open := map[State]bool{StatePending: true, StateConnecting: true, StateDisconnecting: true, StateNeedsAttention: true, StateFailed: true}
	rapid.Check(t, func(t *rapid.T) {
		r := anyRecord(t)
		now := noon.Add(time.Duration(rapid.IntRange(0, 7200).Draw(t, "now")) * time.Second)
		state := Overall(r, now)
		if Ended(r) {
			require.True(t, ends[state], state)
			require.False(t, Silent(r, now))
		} else {
			require.True(t, open[state], state)
			require.True(t, Silent(r, now.Add(4*time.Hour)), "what has not ended is never forgotten")
		}
		removing := state == StateDisconnected || state == StateDisconnecting
		require.False(t, removing && r.Live(), state)
		require.Equal(t, r.Live() && state == StateConnected, state == StateConnected)
	})
}
