package intake

import (
	"cmp"
	"fmt"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Answer is a connection as the API shows it.
type Answer struct {
	ID          string                 `json:"id"`
	Generation  int                    `json:"generation"`
	State       interconnect.State     `json:"state"`
	Why         string                 `json:"why,omitempty"` // one sentence, unless all is well
	Request     *interconnect.Request  `json:"request"`       // as resolved; can be posted back
	RequestedBy string                 `json:"requestedBy,omitempty"`
	ApprovedBy  string                 `json:"approvedBy,omitempty"`
	RequestedAt time.Time              `json:"requestedAt"`
	Ended       bool                   `json:"ended"`            // nothing more happens to this generation by itself
	Frozen      string                 `json:"frozen,omitempty"` // why nothing is changed for now, here or at any other connection; checks go on
	Steps       []StepAnswer           `json:"steps"`            // in the order in which a connection is made
	Verdict     *interconnect.Verdict  `json:"verdict,omitempty"`
	Leftovers   []interconnect.Problem `json:"leftovers,omitempty"` // what could not be removed
	Warnings    []interconnect.Warning `json:"warnings,omitempty"`

	Difference []interconnect.Difference `json:"difference,omitempty"` // to what was desired before this request
	History    []interconnect.Verdict    `json:"history,omitempty"`    // verdicts, the newest first
	Live       *Live                     `json:"live,omitempty"`       // what exists now
}

// StepAnswer is a step's progress with the newest generation.
type StepAnswer struct {
	Step      interconnect.Step     `json:"step"`
	Action    interconnect.Action   `json:"action,omitempty"`
	Progress  interconnect.Progress `json:"progress"` // pending until the step has begun
	Since     *time.Time            `json:"since,omitempty"`
	TookMs    int64                 `json:"tookMs,omitempty"`
	Note      string                `json:"note,omitempty"`
	Problem   *interconnect.Problem `json:"problem,omitempty"`
	Resources []string              `json:"resources,omitempty"`
}

// progressPending is the progress of a step that has not begun.
const progressPending interconnect.Progress = "pending"

// answer shows a record.
func answer(r *interconnect.Record, now time.Time, warnings []interconnect.Warning) *Answer {
	a := &Answer{
		ID:          r.ID,
		Generation:  r.Generation,
		State:       interconnect.Overall(r, now),
		Request:     interconnect.RequestOf(r.Wanted.Connection),
		RequestedBy: r.Wanted.By,
		ApprovedBy:  r.Wanted.ApprovedBy,
		RequestedAt: r.Wanted.At,
		Ended:       interconnect.Ended(r),
		Leftovers:   r.Leftovers(),
		Warnings:    warnings,
	}
	a.Request.NotBefore, a.Request.ExpiresAt = r.Wanted.Window.At(now).Fields()
	for _, step := range interconnect.Steps {
		a.Steps = append(a.Steps, stepAnswer(r, step))
	}
	last, ok := r.Steps[interconnect.Verification]
	if ok && last.Generation == r.Generation && len(last.Verdicts) > 0 && (a.Ended || last.Progress == interconnect.Done) {
		a.Verdict = &last.Verdicts[0]
	}
	a.Why = why(r, a)
	if interconnect.Held(r, now) {
		a.Why = interconnect.HeldUntil(r)
	}
	return a
}

func stepAnswer(r *interconnect.Record, step interconnect.Step) StepAnswer {
	s, ok := r.Steps[step]
	if !ok || s.Generation != r.Generation {
		return StepAnswer{Step: step, Progress: progressPending}
	}
	return StepAnswer{
		Step: step, Action: s.Action, Progress: s.Progress, Since: &s.Since, TookMs: s.Took.Milliseconds(),
		Note: s.Note, Problem: cmp.Or(s.Problem, s.Cause), Resources: s.Resources,
	}
}

// why says in a sentence what keeps a connection from being well.
func why(r *interconnect.Record, a *Answer) string {
	switch a.State {
	case interconnect.StateBlocked, interconnect.StateUnproven:
		if a.Verdict != nil {
			return a.Verdict.Why
		}
		if s := r.Steps[interconnect.Verification]; s.Problem != nil {
			return s.Problem.Sentence
		}
	case interconnect.StateFailed, interconnect.StateNeedsAttention:
		step, s := stuck(r)
		if cause, c := failure(r); c != nil && a.State == interconnect.StateFailed {
			step, s.Problem = cause, c
		}
		switch {
		case s.Problem != nil:
			return fmt.Sprintf("Step %s: %s", step, s.Problem.Sentence)
		case len(a.Leftovers) > 0:
			return fmt.Sprintf("Step %s could not remove everything: %s", step, a.Leftovers[0].Sentence)
		case s.Note != "":
			return fmt.Sprintf("Step %s has not got further; it waits: %s", step, s.Note)
		}
		return fmt.Sprintf("Step %s has not answered; look at its function's log and at the dead letters.", step)
	}
	return ""
}

// failure finds why the newest generation's connect failed and is rolled back,
// whatever the removal meets.
func failure(r *interconnect.Record) (interconnect.Step, *interconnect.Problem) {
	for _, step := range interconnect.Steps {
		if s, ok := r.Steps[step]; ok && s.Generation == r.Generation && s.Cause != nil {
			return step, s.Cause
		}
	}
	return "", nil
}

// stuck finds the step that holds a generation up: one that failed, else one
// that has a problem, else the first that is not done with what is to be done.
func stuck(r *interconnect.Record) (interconnect.Step, interconnect.StepStatus) {
	_, m := chain.FirstMessage(r, "")
	var stages []interconnect.Step
	for _, stage := range chain.Stages(m.Action) {
		stages = append(stages, stage.Step)
	}
	wanted := []func(s interconnect.StepStatus, current bool) bool{
		func(s interconnect.StepStatus, current bool) bool {
			return current && s.Progress == interconnect.Failed
		},
		func(s interconnect.StepStatus, current bool) bool { return current && len(s.Leftovers) > 0 },
		func(s interconnect.StepStatus, current bool) bool { return current && s.Problem != nil },
		func(s interconnect.StepStatus, current bool) bool {
			return !current || s.Action != m.Action || s.Progress != interconnect.Done
		},
	}
	for _, want := range wanted {
		for _, step := range stages {
			s, ok := r.Steps[step]
			current := ok && s.Generation == r.Generation
			if !current {
				s = interconnect.StepStatus{}
			}
			if want(s, current) {
				return step, s
			}
		}
	}
	last := stages[len(stages)-1]
	return last, r.Steps[last]
}
