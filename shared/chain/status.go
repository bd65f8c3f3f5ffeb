package chain

import (
	"context"
	"encoding/json"
	"log/slog"

	"vpcinterconnect/shared/interconnect"
)

// maxVerdicts is how many verdicts a record keeps.
const maxVerdicts = 20

// writes is how often an entry is tried to be written.
const writes = 3

// remember writes what the step came to. It comes last. An error means that it
// may be written later; what cannot be is logged only.
func (h *Handler) remember(ctx context.Context, log *slog.Logger, s situation, d decision) error {
	if d.outcome.Kind == KindDrop {
		return nil
	}
	write := func(entry string, f func() error) error {
		var err error
		for range writes {
			if err = f(); err == nil || !interconnect.Passes(err) || ctx.Err() != nil {
				break
			}
		}
		if err != nil {
			log.Error("status", "entry", entry, "error", err.Error())
		}
		if !interconnect.Passes(err) {
			return nil
		}
		return err
	}
	if v := d.outcome.Verdict; v != nil && v.Outcome == interconnect.VerdictConnected && s.m.Action != interconnect.Prune && !equal(s.rec.LastConnected, s.rec.Wanted.Connection) {
		put := func() error { return h.Records.PutConnected(ctx, s.m.ConnectionID, s.rec.Wanted.Connection) }
		if err := write("connected", put); err != nil {
			return err
		}
	}
	if !d.news {
		return nil
	}
	step := s.stage().Step
	return write(string(step), func() error { return h.Records.PutStatus(ctx, s.m.ConnectionID, step, d.status) })
}

// equal tells whether two connections are the same desired state.
func equal(a, b *interconnect.Connection) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// status makes the step's entry anew from the one that was there; write is
// false where the entry says enough already.
func (s situation) status(d decision) (status interconnect.StepStatus, write bool) {
	step := s.stage().Step
	was := s.rec.Steps[step]
	if s.looks() {
		return s.checked(was, d)
	}
	same := was.Generation == s.m.Generation && was.Action == s.m.Action && was.Target == s.m.Target
	status = interconnect.StepStatus{
		Generation: s.m.Generation, Action: s.m.Action, Target: s.m.Target,
		Progress: progress(d.outcome.Kind), Since: s.now, UpdatedAt: s.now,
		Note: d.outcome.Note, Problem: d.outcome.Problem,
		Resources: d.outcome.Resources, Leftovers: d.outcome.Leftovers,
		Verdicts: verdicts(was, d.outcome.Verdict, s), Trace: s.m.Trace, Hops: s.m.Hops + 1,
	}
	if s.keepsOn(d) {
		status.Hops = d.next.Hops // not one more, if it was frozen
	}
	if v := d.outcome.Verdict; v != nil {
		status.Finding = v.Finding()
	}
	if same && was.Progress == status.Progress {
		status.Since = was.Since
	}
	if status.Progress == interconnect.Waiting {
		if same && was.Progress == interconnect.Waiting && !news(was, status) && s.now.Sub(was.UpdatedAt) < statusEvery {
			return status, false
		}
		if same {
			s.carry(was, &status)
		}
	} else {
		status.Took = s.now.Sub(s.m.StartedAt)
	}
	if s.m.Target == interconnect.TargetConnected && was.Generation == s.m.Generation {
		status.Cause = was.Cause // why it is rolled back stays in sight
		if was.Action == interconnect.Connect && was.Progress == interconnect.Failed {
			status.Cause = was.Problem
		}
	}
	if s.m.Cause != nil && s.m.Cause.Step == step {
		status.Cause = &s.m.Cause.Problem
	}
	return status, true
}

// carry keeps in a waiting step's entry what the last runs learnt.
func (s situation) carry(was interconnect.StepStatus, status *interconnect.StepStatus) {
	if status.Problem == nil {
		status.Problem = was.Problem
	}
	if status.Resources == nil {
		status.Resources = was.Resources
	}
	if status.Leftovers == nil {
		status.Leftovers = was.Leftovers
	}
}

// news tells whether an entry of a step that keeps waiting has a new problem.
func news(was, is interconnect.StepStatus) bool {
	if is.Problem == nil {
		return false
	}
	return was.Problem == nil || was.Problem.Code != is.Problem.Code
}

// checked adds what a check or a repair found to the entry. Neither says
// anything about how far the generation's own chain is, so that is left alone.
func (s situation) checked(was interconnect.StepStatus, d decision) (interconnect.StepStatus, bool) {
	if d.outcome.Kind == KindWait || d.outcome.Kind == KindRetry {
		return was, false
	}
	if was.Generation != s.m.Generation {
		if d.outcome.Kind == KindReject {
			return was, false // as the generation's own this would have it rolled back
		}
		was = interconnect.StepStatus{
			Generation: s.m.Generation, Action: s.m.Action, Progress: progress(d.outcome.Kind),
			Since: s.now, Took: s.now.Sub(s.m.StartedAt), Verdicts: was.Verdicts, Trace: was.Trace,
		}
	}
	s.count(&was, d)
	was.Verdicts = verdicts(was, d.outcome.Verdict, s)
	if was.Action != interconnect.Prune {
		was.Problem = d.outcome.Problem
	}
	was.UpdatedAt, was.Trace = s.now, s.m.Trace
	return was, true
}

// count keeps in the entry how verdicts change, and how often repairs were begun
// in vain. It is bounded, whatever comes.
func (s situation) count(was *interconnect.StepStatus, d decision) {
	v := d.outcome.Verdict
	if v == nil {
		return
	}
	was.Swings, _ = s.swing(v)
	switch {
	case d.next != nil && d.next.Repair:
		if !s.repeats(*was) {
			was.Repairs++
		}
	case s.m.Action == interconnect.Verify && !v.Mendable():
		was.Repairs = 0
	}
	was.Finding = v.Finding()
}

// verdicts puts a verdict before the known ones. One check has one verdict: its
// repeats replace it.
func verdicts(was interconnect.StepStatus, v *interconnect.Verdict, s situation) []interconnect.Verdict {
	known := was.Verdicts
	if v == nil {
		return known
	}
	one := *v
	if one.At.IsZero() {
		one.At = s.now
	}
	if s.repeats(was) {
		known = known[1:]
	}
	all := []interconnect.Verdict{one}
	for _, older := range known[:min(len(known), maxVerdicts-1)] {
		all = append(all, older.Brief())
	}
	return all
}

func progress(k Kind) interconnect.Progress {
	switch k {
	case KindDone:
		return interconnect.Done
	case KindReject:
		return interconnect.Failed
	}
	return interconnect.Waiting
}
