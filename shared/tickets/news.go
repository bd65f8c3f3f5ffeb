package tickets

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// due is a comment that belongs on the ticket, with when what it tells
// happened.
type due struct {
	at   time.Time
	rank int // of what happened at the same moment
	c    Comment
}

// ranks order what happened at the same moment.
var ranks = map[Kind]int{
	KindPlan: 1, KindAccepted: 2, KindStep: 3, KindVerdict: 4, KindFailed: 5, KindRolledBack: 6, KindProblem: 7,
	KindFlapping: 8, KindSteady: 8, KindExpiring: 9, KindAttention: 10, KindDisconnected: 11,
}

// teller makes comments about one connection.
type teller struct {
	prefix, id string
	moment     time.Time
}

func (t teller) comment(k Kind, details ...string) Comment {
	return Comment{Marker: Marker{Prefix: t.prefix, ConnectionID: t.id, Kind: k, Details: details}}
}

// about makes a comment of one generation.
func (t teller) about(k Kind, generation int, at time.Time, details []string, text func(*Comment)) due {
	c := t.comment(k, append([]string{strconv.Itoa(generation)}, details...)...)
	text(&c)
	return due{at, ranks[k], c}
}

// accepted tells that a generation was recorded.
func (t teller) accepted(r *interconnect.Record, approval *Decision) due {
	return t.about(KindAccepted, r.Generation, r.Wanted.At, nil, func(c *Comment) {
		by := "It was asked for by " + r.Wanted.By
		if approval != nil && approval.By.String() != "" && r.Live() {
			by += " and approved by " + approval.By.String()
		}
		if !r.Live() {
			c.say("The connection %s is being taken away (generation %d). %s.", r.ID, r.Generation, by)
			return
		}
		c.say("Accepted: the connection %s is being made (generation %d). %s.", r.ID, r.Generation, by)
		if interconnect.Held(r, t.moment) {
			c.say("%s", interconnect.HeldUntil(r))
		}
	})
}

func (t teller) step(generation int, step interconnect.Step, at time.Time, resources []string) due {
	return t.about(KindStep, generation, at, []string{string(step)}, func(c *Comment) {
		c.say("%s.", stepWords[step])
		c.list("What there is of it:", resources)
	})
}

func (t teller) failed(generation int, step interconnect.Step, at time.Time, p *interconnect.Problem, rollback bool) due {
	return t.about(KindFailed, generation, at, nil, func(c *Comment) {
		c.say("Failed at %s. %s", cmp.Or(stepNames[step], string(step)), problemWords(p))
		if rollback {
			c.say("What was made is taken back. Mend the cause; then change the ticket, or approve it once more.")
		} else {
			c.say("What was made stays, as the request wants it. Mend the cause; then change the ticket, or approve it once more.")
		}
	})
}

func (t teller) attention(generation int, at time.Time, why string) due {
	return t.about(KindAttention, generation, at, nil, func(c *Comment) {
		c.say("This needs attention: it does not get on by itself.")
		if why != "" {
			c.say("%s", why)
		}
	})
}

func (t teller) rolledBack(generation int, at time.Time) due {
	return t.about(KindRolledBack, generation, at, nil, func(c *Comment) { c.say("What was made has been taken back.") })
}

func (t teller) disconnected(generation int, at time.Time) due {
	return t.about(KindDisconnected, generation, at, nil, func(c *Comment) {
		c.say("Disconnected: nothing that was made for the connection %s is left.", t.id)
	})
}

func (t teller) expiring(generation, notice int, at, expires time.Time) due {
	return t.about(KindExpiring, generation, at, []string{strconv.Itoa(notice)}, func(c *Comment) {
		c.say("The connection is taken away at %s. To keep it, give a later time and have that approved.", clock(expires))
	})
}

// verdicts tells what verification found since it was last told of: each change,
// once. A verdict older than what was told is no news.
func (t teller) verdicts(generation int, found []interconnect.Verdict, talk conversation) []due {
	last, at := talk.told(generation)
	slices.SortStableFunc(found, func(a, b interconnect.Verdict) int { return a.At.Compare(b.At) })
	var out []due
	for i := range found {
		v := &found[i]
		if v.Outcome == last || !v.At.Truncate(time.Millisecond).After(at) {
			continue
		}
		before := last
		d := t.about(KindVerdict, generation, v.At, []string{string(v.Outcome), strconv.FormatInt(v.At.UnixMilli(), 10)}, func(c *Comment) {
			verdictWords(c, v, before)
			c.Proven = v.Outcome == interconnect.VerdictConnected
		})
		out = append(out, d)
		last, at = v.Outcome, v.At.Truncate(time.Millisecond)
	}
	return out
}

// flapping tells that a verdict changes so often that its changes are not told
// any more; steady, that it has stopped to.
func (t teller) flapping(k Kind, generation int, at time.Time, s *interconnect.Swings, v *interconnect.Verdict) due {
	return t.about(k, generation, at, []string{strconv.FormatInt(s.Since.UnixMilli(), 10)}, func(c *Comment) {
		if k == KindFlapping {
			c.say("Flapping: since %s checks have found something else %d times. Further changes are not told until it is steady.", clock(s.Since), s.Changes)
		} else {
			c.say("Steady again, after %d changes since %s.", s.Changes, clock(s.Since))
		}
		if v != nil && v.Why != "" {
			c.say("%s", v.Why)
		}
	})
}

// recorded lists the comments that a record calls for, whatever events were
// lost. Verdicts are not among them.
func (t teller) recorded(r *interconnect.Record, approval *Decision) []due {
	out := []due{t.accepted(r, approval)}
	for _, step := range interconnect.Steps {
		s, ok := r.Steps[step]
		if !ok || s.Generation != r.Generation {
			continue
		}
		switch {
		case s.Action == interconnect.Connect && s.Progress == interconnect.Done && stepWords[step] != "":
			out = append(out, t.step(r.Generation, step, s.Since, s.Resources))
		case s.Action == interconnect.Connect && s.Progress == interconnect.Failed && step != interconnect.Verification:
			out = append(out, t.failed(r.Generation, step, s.Since, s.Problem, r.Wanted.Connection.OnFailure == interconnect.OnFailureRollback))
		case s.Cause != nil:
			out = append(out, t.failed(r.Generation, step, s.Since, s.Cause, true))
		}
	}
	last := r.Steps[interconnect.Verification].UpdatedAt
	switch interconnect.Overall(r, t.moment) {
	case interconnect.StateNeedsAttention:
		why := ""
		if left := r.Leftovers(); len(left) > 0 {
			why = problemWords(&left[0])
		}
		out = append(out, t.attention(r.Generation, t.moment, why))
	case interconnect.StateDisconnected:
		out = append(out, t.disconnected(r.Generation, last))
	case interconnect.StateFailed:
		if interconnect.Ended(r) && r.Wanted.Connection.OnFailure == interconnect.OnFailureRollback {
			out = append(out, t.rolledBack(r.Generation, last))
		}
	}
	if r.Sweep.Generation == r.Generation && r.Sweep.Told > 0 && r.Live() {
		out = append(out, t.expiring(r.Generation, r.Sweep.Told, t.moment, r.Wanted.ExpiresAt))
	}
	return out
}

// found are the verdicts of a record's newest generation: all that it keeps, or,
// once it was told that they change too often to be told, the newest alone. As
// long as they do there is none.
func found(r *interconnect.Record, talk conversation) []interconnect.Verdict {
	s := r.Steps[interconnect.Verification]
	if !r.Live() || s.Swings != nil && s.Swings.Flapping {
		return nil
	}
	var out []interconnect.Verdict
	for _, v := range s.Verdicts {
		if !v.At.Before(r.Wanted.At) {
			out = append(out, v)
		}
	}
	if flapped, ok := talk.newest(KindFlapping); ok && flapped.Marker.generation() == r.Generation {
		out = out[:min(len(out), 1)]
	}
	return out
}

// happened lists the comments that an event calls for, and the verdict that it
// tells. The record r, nil if there is none, may not show yet what the event
// tells, for statuses are written after, or not any more.
func (t teller) happened(kind string, at time.Time, c *chain.Change, r *interconnect.Record) (out []due, verdict *interconnect.Verdict) {
	pruned := c.Action == interconnect.Prune && c.Step == interconnect.Verification && c.Next == "" && len(c.Leftovers) == 0
	switch kind {
	case chain.TypeExpiring:
		return []due{t.expiring(c.Generation, -c.Sequence, at, c.ExpiresAt)}, nil
	case chain.TypeFlapping:
		if c.Swings != nil {
			out = append(out, t.flapping(KindFlapping, c.Generation, at, c.Swings, c.Verdict))
		}
		return out, nil
	case chain.TypeSteady:
		if c.Swings != nil {
			out = append(out, t.flapping(KindSteady, c.Generation, at, c.Swings, nil))
		}
	case chain.TypeState:
		if c.State == interconnect.StateNeedsAttention {
			out = append(out, t.attention(c.Generation, at, c.Why))
		}
		return out, nil
	case chain.TypeStepFailed:
		switch {
		case c.Action == interconnect.Connect && c.Step != interconnect.Verification:
			return []due{t.failed(c.Generation, c.Step, at, c.Problem, c.Next == interconnect.Prune)}, nil
		case c.Action == interconnect.Prune:
			why := problemWords(c.Problem)
			for _, l := range c.Leftovers {
				why = fmt.Sprintf("%s %s", why, problemWords(&l))
			}
			return []due{t.attention(c.Generation, at, why)}, nil
		}
	case chain.TypeStepDone:
		switch {
		case c.Action == interconnect.Connect && stepWords[c.Step] != "":
			return []due{t.step(c.Generation, c.Step, at, nil)}, nil
		case pruned && c.Target == interconnect.TargetConnected:
			return []due{t.rolledBack(c.Generation, at)}, nil
		case pruned && r != nil && r.Generation == c.Generation && !r.Live():
			return []due{t.disconnected(c.Generation, at)}, nil
		}
	}
	if c.Verdict == nil || c.Action == interconnect.Prune {
		return out, nil
	}
	v := *c.Verdict
	if v.At.IsZero() {
		v.At = at
	}
	return out, &v
}

// stages order what making a connection tells. When a step says that it was done
// may be late, for it may have been run once more.
var stages = map[string]int{
	string(KindAccepted): 1, string(interconnect.Peering): 2, string(interconnect.Routes): 3, string(interconnect.SecurityGroups): 4, string(KindVerdict): 5,
}

// stage is the place of a comment among those of its generation; 0 for others.
func (d due) stage() int {
	if d.c.Marker.Kind == KindStep {
		return stages[d.c.Marker.detail(1)]
	}
	return stages[string(d.c.Marker.Kind)]
}

// inOrder sorts comments by when what they tell happened, which for a stage of a
// generation is not after the next stage's.
func inOrder(list []due) []due {
	for stage := len(stages) - 1; stage > 0; stage-- {
		for i := range list {
			for _, next := range list {
				later := list[i].stage() == stage && next.stage() > stage && next.c.Marker.generation() == list[i].c.Marker.generation()
				if later && next.at.Before(list[i].at) {
					list[i].at = next.at
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b due) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank), cmp.Compare(a.stage(), b.stage()))
	})
	return list
}
