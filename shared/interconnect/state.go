package interconnect

import (
	"slices"
	"time"
)

// When the sweep acts on a generation that does not end, and when a human has
// to (README, rule 0).
const (
	SilenceLimit   = 3 * time.Minute // without a sign of life: its first message is sent again
	SendLimit      = 5               // such sends without a step done: needs attention
	AttentionRetry = time.Hour       // how often what needs attention is tried again
)

// CodeTooManyHops is the code of the problem that a chain without an end leaves
// on the step that it was at. Nothing is undone then: a human is needed.
const CodeTooManyHops = "TooManyHops"

// current returns the step's status if it is of the record's generation, else
// none.
func (r *Record) current(s Step) (StepStatus, bool) {
	if st, ok := r.Steps[s]; ok && st.Generation == r.Generation {
		return st, true
	}
	return StepStatus{}, false
}

// swept returns what the sweep remembers of the record's generation.
func (r *Record) swept() SweepStatus {
	if r.Sweep.Generation != r.Generation {
		return SweepStatus{Generation: r.Generation}
	}
	return r.Sweep
}

// phase is what the chain is at, as the steps' entries tell.
type phase string

const (
	phaseMaking   phase = "making"   // connect, or the prune of what a changed request no longer wants
	phaseMade     phase = "made"     // ended: connected, and nothing former left
	phaseUndoing  phase = "undoing"  // the connect failed; prune to the last desired state that was Connected
	phaseUndone   phase = "undone"   // ended: failed
	phaseRemoving phase = "removing" // disconnect
	phaseRemoved  phase = "removed"  // ended: disconnected
)

// phase reads the phase off the entries. Verification comes last in every
// action, so its entry says whether an action has ended, whichever of the
// others' entries were lost on the way.
func (r *Record) phase() phase {
	last, _ := r.current(Verification)
	ended := func(a Action, t Target) bool {
		if last.Action != a || last.Target != t {
			return false
		}
		// A verification that could not look undoes nothing: the connect has
		// ended, unproven.
		return last.Progress == Done || a == Connect && last.Progress == Failed
	}
	if !r.Live() {
		if ended(Prune, TargetDesired) && len(r.leftovers()) == 0 {
			return phaseRemoved
		}
		return phaseRemoving
	}
	switch {
	case last.Action == Verify, // only what has ended is checked
		ended(Connect, TargetDesired) && len(r.Wanted.Former) == 0,
		ended(Prune, TargetDesired) && len(r.leftovers()) == 0:
		return phaseMade
	case ended(Prune, TargetConnected) && len(r.leftovers()) == 0:
		return phaseUndone
	}
	failed := false
	for _, s := range Steps {
		st, ok := r.current(s)
		if ok && st.Action == Prune && st.Target == TargetConnected {
			return phaseUndoing
		}
		failed = failed || ok && st.Action == Connect && st.Progress == Failed && !st.lost()
	}
	switch {
	case failed && r.Wanted.Connection.OnFailure == OnFailureKeep:
		return phaseUndone
	case failed:
		return phaseUndoing
	}
	return phaseMaking
}

// lost tells whether the chain went round without end at the step.
func (s *StepStatus) lost() bool {
	return s.Progress == Failed && s.Problem != nil && s.Problem.Code == CodeTooManyHops
}

// leftovers lists what the current generation's prunes could not remove. Of
// what a step and the look at the end both name, the step knows the error.
func (r *Record) leftovers() []Problem {
	var all []Problem
	for _, s := range Steps {
		st, ok := r.current(s)
		if !ok || st.Action != Prune {
			continue
		}
		for _, left := range st.Leftovers {
			if left.Resource == "" || !slices.ContainsFunc(all, func(p Problem) bool { return p.Resource == left.Resource }) {
				all = append(all, left)
			}
		}
	}
	return all
}

// Leftovers lists what the newest generation's removal could not remove.
func (r *Record) Leftovers() []Problem { return r.leftovers() }

// Ended tells whether the newest generation's chain has ended: nothing more
// will happen unless somebody asks, or a check finds something.
func Ended(r *Record) bool {
	switch r.phase() {
	case phaseMade, phaseUndone, phaseRemoved:
		return true
	}
	return false
}

// Overall computes the state that a record shows (README, rule 10).
func Overall(r *Record, now time.Time) State {
	p := r.phase()
	if !Ended(r) && r.needsAttention(now) {
		return StateNeedsAttention
	}
	switch p {
	case phaseMade:
		return r.verdictState()
	case phaseUndoing, phaseUndone:
		return StateFailed
	case phaseRemoving:
		return StateDisconnecting
	case phaseRemoved:
		return StateDisconnected
	}
	for _, s := range Steps {
		if _, ok := r.current(s); ok {
			return StateConnecting
		}
	}
	return StatePending
}

// verdictState is the state of what is made: what the newest verdict says.
func (r *Record) verdictState() State {
	last, _ := r.current(Verification)
	if len(last.Verdicts) == 0 {
		return StateUnproven
	}
	switch last.Verdicts[0].Outcome {
	case VerdictConnected:
		return StateConnected
	case VerdictBlocked, VerdictOneWay, VerdictIsolated:
		return StateBlocked
	default:
		return StateUnproven
	}
}

// needsAttention tells whether a generation that has not ended needs a human:
// a prune that failed or left something, a chain that did not come to an end,
// or the sweep's sends that led to nothing.
func (r *Record) needsAttention(now time.Time) bool { return r.stepFailed() || r.standsStill(now) }

// stepFailed tells whether a step has said that a human is needed.
func (r *Record) stepFailed() bool {
	for _, s := range Steps {
		st, ok := r.current(s)
		if ok && (st.lost() || st.Action == Prune && (st.Progress == Failed || len(st.Leftovers) > 0)) {
			return true
		}
	}
	return false
}

// standsStill tells whether the sweep's sends led to nothing.
func (r *Record) standsStill(now time.Time) bool {
	sweep := r.swept()
	if sweep.Sends < SendLimit || StepsDone(r) > sweep.Done {
		return false
	}
	sign := r.lastSign()
	if sweep.Sends == SendLimit && sweep.SentAt.After(sign) {
		sign = sweep.SentAt // the last send gets its chance
	}
	return now.Sub(sign) >= SilenceLimit
}

// StuckUntold tells whether a generation stands still, which no step will say
// for itself, and that is yet to be told where it stands.
func StuckUntold(r *Record, now time.Time) bool {
	return !Ended(r) && !r.stepFailed() && r.standsStill(now) && r.swept().Stuck != StepsDone(r)+1
}

// ToldStuck is what the sweep is to remember once it has told so.
func ToldStuck(r *Record) SweepStatus {
	s := r.swept()
	s.Stuck = StepsDone(r) + 1
	return s
}

// StepsDone measures how far the newest generation's chain is, so that the
// sweep can tell progress from noise: a step done counts one, a step that has
// gone on to the prune after it counts as done before.
func StepsDone(r *Record) int {
	n := 0
	for _, s := range Steps {
		st, ok := r.current(s)
		if !ok {
			continue
		}
		if st.Progress == Done {
			n++
		}
		if r.Live() && st.Action == Prune {
			n++
		}
	}
	return n
}

// lastSign is when the newest generation last showed a sign of life.
func (r *Record) lastSign() time.Time {
	last := r.UpdatedAt
	for _, s := range Steps {
		if st, ok := r.current(s); ok && st.UpdatedAt.After(last) {
			last = st.UpdatedAt
		}
	}
	return last
}

// Silent tells whether the sweep is to send the newest generation's message
// again: it has not ended, and has shown no sign of life for SilenceLimit, or,
// where it needs attention, has not been tried for AttentionRetry. What had to
// wait for its window has shown none yet when that begins.
func Silent(r *Record, now time.Time) bool {
	if Ended(r) || Held(r, now) {
		return false
	}
	last, limit := r.lastSign(), SilenceLimit
	sweep := r.swept()
	if sweep.SentAt.After(last) {
		last = sweep.SentAt
	}
	if last.Before(r.Wanted.NotBefore) {
		return true
	}
	if r.needsAttention(now) {
		limit = AttentionRetry
	}
	return now.Sub(last) >= limit
}

// Sent is what the sweep is to remember after it has sent the newest
// generation's message again at the given time.
func Sent(r *Record, at time.Time) SweepStatus {
	s := r.swept()
	if done := StepsDone(r); done > s.Done {
		s.Done, s.Sends = done, 0
	}
	s.Sends++
	s.SentAt = at
	return s
}
