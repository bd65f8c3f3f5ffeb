package intake

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"vpcinterconnect/shared/interconnect"
)

// BatchAnswer answers a batch, connection by connection, in the order in which
// it spells them out.
type BatchAnswer struct {
	Results  []Result `json:"results"`
	PlanHash string   `json:"planHash,omitempty"` // of a dry run: of the whole batch
}

// Result is what became of one connection of a batch.
type Result struct {
	Status     int      `json:"status"` // of HTTP, as if it had been asked for alone
	ID         string   `json:"id,omitempty"`
	Initiator  string   `json:"initiator"` // VPC
	Acceptor   string   `json:"acceptor"`  // VPC
	Connection *Answer  `json:"connection,omitempty"`
	Plan       *Plan    `json:"plan,omitempty"`
	Problem    *Problem `json:"problem,omitempty"`
}

// abreast is how many connections of a batch are looked at side by side.
const abreast = 16

func (in *Intake) answerBatch(w http.ResponseWriter, r *http.Request, do func(context.Context, *interconnect.Batch, Asker) (*BatchAnswer, error), b *interconnect.Batch, by Asker) error {
	a, err := do(r.Context(), b, by)
	if err != nil {
		return err
	}
	write(w, http.StatusMultiStatus, "application/json", a)
	return nil
}

// expand spells a batch out and looks for what its own members have against
// each other's names.
func expand(b *interconnect.Batch) ([]interconnect.Member, error) {
	members, list := b.Expand()
	if len(list) > 0 {
		return nil, refuse(http.StatusBadRequest, list...)
	}
	return members, nil
}

// inParallel does a thing for each index, a few side by side.
func inParallel(n int, do func(i int)) {
	slots := make(chan struct{}, abreast)
	var reads []func() error
	for i := range n {
		reads = append(reads, func() error {
			slots <- struct{}{}
			defer func() { <-slots }()
			do(i)
			return nil
		})
	}
	_ = sideBySide(reads...) // none fails
}

// PlanAll says what would come of a batch. Its answers are plans; what speaks
// against a connection because of another one is a conflict of both.
func (p *Planner) PlanAll(ctx context.Context, b *interconnect.Batch, by Asker) (*BatchAnswer, error) {
	members, err := expand(b)
	if err != nil {
		return nil, err
	}
	planner := p.remembering(ctx)
	plans, refusals := make([]*Plan, len(members)), make([]error, len(members))
	inParallel(len(members), func(i int) { plans[i], refusals[i] = planner.Plan(ctx, &members[i].Request, by) })
	clashes := clashing(members, func(i int) *interconnect.Connection {
		if plans[i] == nil {
			return nil
		}
		return plans[i].seen.connection
	})
	answer := &BatchAnswer{}
	var whole interconnect.Outline
	for i := range members {
		result := resultOf(&members[i])
		result.Plan = plans[i]
		switch plan := plans[i]; {
		case plan == nil:
			result.Status, result.Problem = refusedMember(&members[i], refusals[i])
		default:
			plan.Conflicts = append(plan.Conflicts, clashes[i]...)
			if len(clashes[i]) > 0 {
				plan.Would, plan.Status = wouldRefuse, http.StatusConflict
			}
			result.ID, result.Status = plan.ID, http.StatusOK
			whole.Requests = append(whole.Requests, plan.outline.Requests...)
			whole.Conflicts = append(whole.Conflicts, plan.Conflicts...)
		}
		answer.Results = append(answer.Results, result)
	}
	if len(whole.Requests) > 0 {
		answer.PlanHash = whole.Hash()
	}
	return answer, nil
}

func resultOf(m *interconnect.Member) Result {
	return Result{ID: m.Request.ID, Initiator: m.Request.Initiator.VpcID, Acceptor: m.Request.Acceptor.VpcID}
}

// refusedMember makes a problem of a refusal, with its fields where they are in
// the batch.
func refusedMember(m *interconnect.Member, err error) (int, *Problem) {
	var r *Refusal
	if !errors.As(err, &r) {
		r = refuseError(err)
	}
	located := *r
	located.Problems = slices.Clone(r.Problems)
	for i := range located.Problems {
		located.Problems[i].Field = m.Locate(located.Problems[i].Field)
	}
	return r.Status, problemOf(&located)
}

// clashing lists what speaks against each connection because of another one of
// the batch.
func clashing(members []interconnect.Member, connection func(i int) *interconnect.Connection) [][]interconnect.FieldProblem {
	out := make([][]interconnect.FieldProblem, len(members))
	for i := range members {
		for j := range members {
			a, b := connection(i), connection(j)
			if i == j || a == nil || b == nil {
				continue
			}
			if field, why := interconnect.Clash(a, b); why != "" {
				out[i] = append(out[i], interconnect.FieldProblem{Field: field, Sentence: why})
			}
		}
	}
	return out
}

// AskAll takes a batch. All connections are checked, against each other too,
// before any is written; if one is refused, none is. Then each is taken by
// itself: what fails is answered for that one alone, and asking for the batch
// again changes nothing for the others.
func (in *Intake) AskAll(ctx context.Context, b *interconnect.Batch, by Asker) (*BatchAnswer, error) {
	members, err := expand(b)
	if err != nil {
		return nil, err
	}
	planner := in.planner().remembering(ctx)
	seen, refusals := make([]*prospect, len(members)), make([]error, len(members))
	inParallel(len(members), func(i int) {
		if seen[i], refusals[i] = planner.look(ctx, &members[i].Request); refusals[i] == nil {
			refusals[i] = planner.guard(seen[i], by)
		}
	})
	connection := func(i int) *interconnect.Connection { return seen[i].connection }
	for i, clashes := range clashing(members, connection) {
		if refusals[i] == nil && len(clashes) > 0 {
			refusals[i] = refuse(http.StatusConflict, clashes...)
		}
	}
	refused := slices.ContainsFunc(refusals, func(err error) bool { return err != nil })
	if b.PlanHash != "" && !refused {
		if err := refuseHash(planner.wholeOutline(seen), b.PlanHash); err != nil {
			return nil, err
		}
	}
	var taken []*Taken
	if !refused {
		taken = in.takeAll(ctx, seen, by, refusals)
	}
	whole := &BatchAnswer{}
	for i := range members {
		result := resultOf(&members[i])
		switch {
		case refusals[i] != nil:
			result.Status, result.Problem = refusedMember(&members[i], refusals[i])
		case refused:
			result.ID, result.Status = seen[i].connection.ID, http.StatusFailedDependency
			result.Problem = problemOf(&Refusal{Status: http.StatusFailedDependency, Detail: "Nothing speaks against this one, but others of the batch were refused, so nothing was written; correct those, or leave them out."})
		default:
			result.ID, result.Status = seen[i].connection.ID, http.StatusOK
			if taken[i].Changed {
				result.Status = http.StatusAccepted
			}
			result.Connection = answer(&taken[i].Record, in.now(), taken[i].Warnings)
			result.Connection.Difference = taken[i].Difference
		}
		whole.Results = append(whole.Results, result)
	}
	return whole, nil
}

// takeAll records the connections of a batch and tells the first steps, a few
// side by side. The records are read back once for all of them: whoever has
// asked for one of the pairs at the same moment is in them.
func (in *Intake) takeAll(ctx context.Context, seen []*prospect, by Asker, refusals []error) []*Taken {
	taken := make([]*Taken, len(seen))
	inParallel(len(seen), func(i int) { taken[i], refusals[i] = in.record(ctx, seen[i], by) })
	var records []interconnect.Record
	if slices.ContainsFunc(taken, func(t *Taken) bool { return t != nil && t.anew }) {
		records = in.readBack(ctx)
	}
	inParallel(len(seen), func(i int) {
		if refusals[i] == nil {
			refusals[i] = in.start(ctx, taken[i], records)
		}
	})
	return taken
}

// wholeOutline is what the hash of a batch's plan is made of.
func (p *Planner) wholeOutline(seen []*prospect) interconnect.Outline {
	var whole interconnect.Outline
	for _, s := range seen {
		o := s.outline(s.changes(p.Prefix, p.Clock(), s.seen()).Conflicts)
		whole.Requests = append(whole.Requests, o.Requests...)
		whole.Conflicts = append(whole.Conflicts, o.Conflicts...)
	}
	return whole
}
