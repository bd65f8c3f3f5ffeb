package chain

import (
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// decision is what comes of an outcome.
type decision struct {
	outcome  Outcome  // as it counts: a wait past its time is a rejection
	queue    string   // where next goes
	next     *Message // nil: this chain of messages ends here
	delay    time.Duration
	announce bool // the step has ended here

	status interconnect.StepStatus // the step's entry after this
	news   bool                    // it says more than the one that is there
}

// situation is what a decision stands on.
type situation struct {
	m   Message // as handled
	at  int     // its stage's place in the action
	rec *interconnect.Record
	run *run
	now time.Time

	cohort string // names those that were handled together
}

// decide says how the chain goes on after an outcome. It is pure.
func (s situation) decide(out Outcome) decision {
	d := s.goOn(out)
	if d.status, d.news = s.status(d); d.news && d.status.Progress == interconnect.Waiting && s.keepsOn(d) {
		d.next.SaidAt = d.status.UpdatedAt
	}
	return d
}

// keepsOn tells whether what follows is of the same run of the same action.
func (s situation) keepsOn(d decision) bool {
	return d.next != nil && d.next.Action == s.m.Action && d.next.Trace == s.m.Trace
}

func (s situation) goOn(out Outcome) decision {
	switch out.Kind {
	case KindDone:
		return s.finish(out)
	case KindWait:
		return s.wait(out)
	case KindRetry:
		return s.retry(out)
	case KindReject:
		return s.reject(out)
	case KindDrop:
		return s.makeWay(out)
	}
	return s.reject(RejectWith(interconnect.Problem{Sentence: fmt.Sprintf("The step returned the unknown outcome %.20q. Report it as a defect.", out.Kind)}, out.Err))
}

func (s situation) stage() Stage { return table[s.m.Action][s.at] }

// finish goes on with the action's next stage; after connect's last, a changed
// request prunes what its former generations left. A repair removes nothing. A
// connect that overtook another generation goes round once more before that.
func (s situation) finish(out Outcome) decision {
	d := decision{outcome: out, announce: true}
	switch {
	case s.at+1 < len(table[s.m.Action]):
		return s.handOn(d, s.m.follow(s.m.Action, s.m.Target), s.at+1)
	case s.unsettled():
		again := WaitFor("the minute to end in which a call of the request before this one may still take effect; then all is looked at once more")
		return s.handOn(decision{outcome: again, delay: s.until(s.rec.SettledAt())}, s.m.anew(), 0)
	case s.m.Action == interconnect.Connect && !s.m.Repair && len(s.rec.Wanted.Former) > 0:
		return s.handOn(d, s.m.follow(interconnect.Prune, interconnect.TargetDesired), 0)
	case !s.mendable(out):
	case s.entry().Repairs >= repairTries:
		v := *out.Verdict
		v.Why = strings.TrimSpace(fmt.Sprintf("%s It was connected again after %d checks in a row, which has not helped: it is left as it is until nothing of its own is amiss.", v.Why, repairTries))
		d.outcome.Verdict = &v
	default:
		queue, repair := RepairMessage(s.rec, retrace(s.m.Trace, "repair"))
		d.queue, d.next = queue, &repair
	}
	return d
}

// repairTries is how many checks in a row may have a connection repaired.
const repairTries = 3

// mendable tells whether a check found something of ours missing or changed that
// the connection is to be made again for, which adds what is missing and removes
// nothing. What has not helped a few times is somebody else's to mend.
func (s situation) mendable(out Outcome) bool {
	return s.m.Action == interconnect.Verify && out.Verdict != nil && out.Verdict.Mendable() && s.rec.Wanted.Connection.Repair == interconnect.RepairAuto
}

// entry is what this step last said of the message's generation.
func (s situation) entry() interconnect.StepStatus {
	if st := s.rec.Steps[s.stage().Step]; st.Generation == s.m.Generation {
		return st
	}
	return interconnect.StepStatus{}
}

// looks tells whether the message is a check's, or a repair's that a check
// began: neither is a part of the generation's own chain.
func (s situation) looks() bool { return s.m.Action == interconnect.Verify || s.m.Repair }

// repeats tells whether the entry is of this very run: then it is written a
// second time, and nothing in it is counted again.
func (s situation) repeats(was interconnect.StepStatus) bool {
	return was.Trace == s.m.Trace && was.Progress != interconnect.Waiting && len(was.Verdicts) > 0
}

// swing compares what a check or a repair found with what was found before.
func (s situation) swing(v *interconnect.Verdict) (*interconnect.Swings, interconnect.Swung) {
	was := s.rec.Steps[s.stage().Step]
	if was.Generation != s.m.Generation {
		was.Swings = nil
	}
	changed := len(was.Verdicts) == 0
	if !changed && was.Finding != "" {
		changed = was.Finding != v.Finding()
	} else if !changed {
		changed = was.Verdicts[0].Outcome != v.Outcome
	}
	if !changed && s.repeats(was) {
		return was.Swings, interconnect.SwungNot
	}
	return was.Swings.Swing(changed, s.now)
}

// wait sends the same message again later, unless its time is over. A freeze
// costs the connection nothing: neither hops nor time.
func (s situation) wait(out Outcome) decision {
	next := s.m.again()
	if s.run.frozen {
		next.Hops, next.FrozenSince = s.m.Hops, s.now
		return decision{outcome: out, queue: s.stage().Queue, next: &next, delay: frozenDelay}
	}
	if s.late() {
		return s.giveUp(out)
	}
	soon := s.m.Waits
	next.Waits, next.Attempts = soon+1, 0
	if s.run.mutated && !s.run.failed {
		soon, next.Waits = 0, 0 // what was just changed has not been looked for in vain
	}
	delay := waitDelay(s.m.ConnectionID, soon)
	if out.Turn > 0 && s.m.Waits < mostTurns {
		delay = turn(s.cohort, out.Turn)
	}
	delay = max(delay, s.until(out.Until), s.until(s.now.Add(out.Least)))
	return s.handOn(decision{outcome: out, delay: delay}, next, s.at)
}

// until is the delay to a moment, if it is to come.
func (s situation) until(moment time.Time) time.Duration {
	d := min(max(moment.Sub(s.now), 0), longestWait)
	return (d + time.Second - 1).Truncate(time.Second) // queues count whole seconds
}

// unsettled tells whether a connect has found in place what a call of the
// generation before may since have undone: it began before none can land any more.
// That it goes round again is not left to a message alone: the generation has not
// ended before it did.
func (s situation) unsettled() bool {
	return s.m.Action == interconnect.Connect && !s.m.Repair && s.rec.Wanted.Overtook && s.m.BeganAt.Before(s.rec.SettledAt())
}

// retry sends the same message again after a backoff, unless its attempts or
// its time are over.
func (s situation) retry(out Outcome) decision {
	next := s.m.again()
	next.Attempts, next.Waits = s.m.Attempts+1, 0
	if next.Attempts >= MaxAttempts || s.late() {
		return s.giveUp(out)
	}
	return s.handOn(decision{outcome: out, delay: backoff(next.Attempts)}, next, s.at)
}

func (s situation) late() bool { return !s.m.GiveUpAt.IsZero() && !s.now.Before(s.m.GiveUpAt) }

// handOn sends the chain to a stage of next's action, or ends it where it has
// gone on for too long.
func (s situation) handOn(d decision, next Message, at int) decision {
	if next.Hops > MaxHops {
		return decision{announce: true, outcome: RejectWith(interconnect.Problem{
			Code:     interconnect.CodeTooManyHops,
			Sentence: fmt.Sprintf("The connection's messages were handed on more than %d times without coming to an end. Look at the steps' last words in the log, and ask again.", MaxHops),
		}, d.outcome.Err)}
	}
	d.queue, d.next = table[next.Action][at].Queue, &next
	return d
}

// giveUp rejects what waited or failed for too long, with its last answer and
// how long that lasted.
func (s situation) giveUp(last Outcome) decision {
	var p interconnect.Problem
	if last.Problem != nil {
		p = *last.Problem
	}
	said := p.Sentence
	if said == "" {
		said = last.Note
	}
	lasted := s.now.Sub(s.m.StartedAt).Round(time.Second)
	if last.Kind == KindRetry {
		p.Sentence = fmt.Sprintf("Given up after %d attempts in %s. The last one: %s", s.m.Attempts+1, lasted, said)
	} else {
		p.Sentence = fmt.Sprintf("Given up after waiting for %s: %s. See in the console what holds it up, and ask again.", lasted, clip(said))
	}
	if s.m.Action == interconnect.Prune {
		p.Sentence += " The removal is tried again every hour."
	}
	last.Kind, last.Problem, last.Note = KindReject, &p, ""
	return s.reject(last)
}

// reject ends the chain, or rolls a failed connect back; a prune or a repair goes on. What
// only looks undoes nothing: it ends in the verdict that nothing is proven.
func (s situation) reject(out Outcome) decision {
	if s.stage().Observe {
		out.Kind = KindDone
		out.Verdict = &interconnect.Verdict{At: s.now, Outcome: interconnect.VerdictUnproven}
		if out.Problem != nil {
			out.Verdict.Why = out.Problem.Sentence
		}
		return s.finish(out)
	}
	if s.worthAnotherRound(out) {
		again := WaitFor("what is left is removed once more: " + out.Leftovers[0].Sentence)
		return s.handOn(decision{outcome: again}, s.m.anew(), 0)
	}
	d := decision{outcome: out, announce: true}
	if next := s.at + 1; (s.m.Action == interconnect.Prune || s.m.Repair) && next < len(table[s.m.Action]) {
		// What one step cannot remove, or mend, does not keep the others from
		// theirs, and the last one tells what is left.
		return s.handOn(d, s.m.follow(s.m.Action, s.m.Target), next)
	}
	if s.m.Action == interconnect.Connect && !s.m.Repair && s.rec.Wanted.Connection.OnFailure == interconnect.OnFailureRollback {
		back := s.m.follow(interconnect.Prune, interconnect.TargetConnected)
		if out.Problem != nil {
			back.Cause = &Cause{s.stage().Step, *out.Problem}
		}
		return s.handOn(d, back, 0)
	}
	return d
}

// worthAnotherRound tells whether what a stage finds left over is to be removed
// once more at once: something came late, such as what a call of the former
// generation made. What a step could not remove in this round waits for the
// sweep: it would be refused again.
func (s situation) worthAnotherRound(out Outcome) bool {
	if len(out.Leftovers) == 0 || s.m.Rounds >= s.stage().Rounds {
		return false
	}
	for _, before := range table[s.m.Action][:s.at] {
		st := s.rec.Steps[before.Step]
		if st.Generation == s.m.Generation && st.Action == s.m.Action && st.Target == s.m.Target && st.Progress == interconnect.Failed {
			return false
		}
	}
	return true
}

// makeWay sends the newest generation's first message in place of this one,
// unless that has to wait for its window.
func (s situation) makeWay(out Outcome) decision {
	d := decision{outcome: out}
	if s.run.newest != nil && !interconnect.Held(s.run.newest, s.now) {
		queue, first := FirstMessage(s.run.newest, wakened(s.m.Trace, fmt.Sprintf("g%d", s.run.newest.Generation), s.now))
		first.Woken = true
		d.queue, d.next = queue, &first
	}
	return d
}

// CodeTooManyHops is the code of the problem that a chain without an end leaves
// on its step: whoever sees it is needed.
const CodeTooManyHops = interconnect.CodeTooManyHops
