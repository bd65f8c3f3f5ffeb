package tickets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// decide does what the ticket wants: it takes the connection away, carries out
// the plan that was approved, or plans anew. It returns what that has to tell,
// besides what the record tells.
func (r *run) decide(ctx context.Context) ([]due, error) {
	if r.ticket.Closing != nil {
		return r.close(ctx)
	}
	request, flaws := r.counter.Mapping.Request(r.id, r.ticket.Fields)
	if len(flaws) > 0 {
		return r.problem("The ticket cannot be planned yet. Mend this, and it is planned by itself:", flawLines(flaws)), nil
	}
	asked := hash(mustJSON(request))
	request.RequestedBy = named(r.ticket.Reporter)
	newest, planned := r.talk.newest(KindPlan)
	approval := r.ticket.Approval
	if approval != nil && !r.carriedOut() {
		agreed := approval.PlanHash
		if agreed == "" && planned && newest.At.Before(approval.At) {
			agreed = newest.Marker.detail(1)
		}
		if agreed != "" && r.recordedAlready(agreed) {
			return nil, nil
		}
		if agreed != "" {
			return r.carryOut(ctx, request, asked, agreed)
		}
		if !planned || newest.Marker.detail(0) != asked {
			return r.plan(ctx, request, asked, tooEarly)
		}
		if newest.Marker.detail(2) == approvedAt(approval) {
			return nil, nil // the plan itself says that it waits for another approval
		}
		return r.problem(tooEarly, nil), nil
	}
	if planned && newest.Marker.detail(0) == asked {
		return nil, nil // what the ticket asks for is planned, or there already
	}
	return r.plan(ctx, request, asked, "")
}

// approvedAt names an approval in a marker.
func approvedAt(d *Decision) string { return strconv.FormatInt(d.At.UnixMilli(), 10) }

// tooEarly is why a plan needs another approval that was approved unseen.
const tooEarly = "It was approved before this plan was here. Look at the plan, and approve it once more."

// recordedAlready tells whether a plan was recorded, though that is not on the
// ticket yet: the run before this one was cut short. A failure that was told
// needs another approval, which then means another attempt.
func (r *run) recordedAlready(agreed string) bool {
	if r.counter.Blind || r.record == nil || !r.record.Live() || r.talk.has(r.about(KindFailed, r.record.Generation, r.now(), nil, func(*Comment) {}).c.Marker) {
		return false
	}
	is := interconnect.RequestOf(r.record.Wanted.Connection)
	is.NotBefore, is.ExpiresAt = r.record.Wanted.Fields()
	return interconnect.Outline{Requests: []*interconnect.Request{is}}.Hash() == agreed
}

// carriedOut tells whether what the newest approval approved was recorded.
func (r *run) carriedOut() bool {
	accepted, ok := r.talk.newest(KindAccepted)
	return ok && !accepted.At.Before(r.ticket.Approval.At)
}

// close has the connection taken away, if it came of this ticket.
func (r *run) close(ctx context.Context) ([]due, error) {
	if _, ours := r.talk.newest(KindAccepted); r.record == nil || !r.record.Live() || !ours && !r.counter.Blind {
		return nil, nil
	}
	taken, err := r.Intake.Disconnect(ctx, r.id, intake.Asker{Token: string(r.system)})
	if err != nil {
		return r.refused(ctx, err, "The ticket was closed, but the connection may not be taken away.")
	}
	r.record = &taken.Record
	return nil, nil
}

// asker is who stands behind what the ticket wants.
func (r *run) asker() intake.Asker {
	a := intake.Asker{Token: string(r.system)}
	if r.ticket.Approval != nil {
		a.Approver = string(r.system) + ":" + r.ticket.Approval.By.ID
	}
	return a
}

// carryOut asks for exactly what was planned. If the world has moved since, the
// difference is told with a new plan.
func (r *run) carryOut(ctx context.Context, request *interconnect.Request, asked, agreed string) ([]due, error) {
	with := *request
	with.PlanHash = agreed
	taken, err := r.Intake.Ask(ctx, &with, r.asker())
	var refusal *intake.Refusal
	switch {
	case err == nil:
		r.record = &taken.Record
		return nil, nil
	case errors.As(err, &refusal) && refusal.Status == http.StatusConflict && refusal.PlanHash != "":
		lines := differences(refusal.Difference)
		how := "The approved plan was not carried out, because the world or the ticket has moved since: " + strings.Join(lines, "; ") + ". This is the plan now; approve it once more."
		return r.plan(ctx, request, asked, how)
	}
	by := "The plan was approved by " + r.ticket.Approval.By.String() + ", but cannot be carried out."
	return r.refused(ctx, err, by)
}

// plan tells what would come of the ticket, and asks for it at once where the
// policy lets the ticket system without anybody's approval. why says why it is
// to be approved once more, if so.
func (r *run) plan(ctx context.Context, request *interconnect.Request, asked, why string) ([]due, error) {
	at := r.now()
	plan, err := r.Planner.Plan(ctx, request, intake.Asker{Token: string(r.system)})
	if err != nil {
		return r.refused(ctx, err, "The ticket cannot be planned. Mend this; then edit the ticket, or comment on it:")
	}
	if plan.Policy == nil || len(plan.Conflicts) > 0 || plan.Policy.Decision == policy.Refused || plan.NeedsAllowCut && !request.AllowCut && plan.Would != "keep" {
		var lines []string
		if plan.Policy != nil && plan.Policy.Decision == policy.Refused {
			lines = findings(plan.Policy.Findings)
		}
		lines = append(lines, flawLines(r.counter.Mapping.Locate(plan.Conflicts))...)
		if plan.NeedsAllowCut && !request.AllowCut {
			lines = append(lines, plan.Cuts...)
		}
		return r.problem("What the ticket asks for cannot be made. Mend this; then edit the ticket, or comment on it, and it is planned again:", lines), nil
	}
	if newest, ok := r.talk.newest(KindPlan); plan.Would == "keep" || ok && newest.Marker.detail(0) == asked && newest.Marker.detail(1) == plan.PlanHash {
		return nil, nil
	}
	free := (why == "" || why == tooEarly) && explicit(plan.Policy)
	how := why
	switch {
	case free:
		how = "It is made at once: " + strings.Join(findings(plan.Policy.Findings), " ")
	case plan.Policy.Decision == policy.NeedsApproval:
		how += " It is made, exactly so, once the ticket is approved. " + strings.Join(findings(plan.Policy.Findings), " ")
	case how == "":
		how = "It is made, exactly so, once the ticket is approved. If anything changes until then, nothing is made, and the difference is told here."
	}
	c := r.comment(KindPlan, asked, plan.PlanHash)
	if why != "" && r.ticket.Approval != nil {
		c.Marker.Details = append(c.Marker.Details, approvedAt(r.ticket.Approval))
	}
	planWords(&c, plan, strings.TrimSpace(how))
	out := []due{{at, ranks[KindPlan], c}}
	if !free {
		return out, nil
	}
	with := *request
	with.PlanHash = plan.PlanHash
	taken, err := r.Intake.Ask(ctx, &with, intake.Asker{Token: string(r.system)})
	if err != nil {
		more, err := r.refused(ctx, err, "The plan cannot be carried out.")
		return append(out, more...), err
	}
	r.record = &taken.Record
	return out, nil
}

// explicit tells whether a rule of the policy allows a request, so that nobody
// has to approve it. Where no rule says anything, somebody has to.
func explicit(v *policy.Verdict) bool {
	return v != nil && v.Decision == policy.Allowed && len(v.Findings) > 0
}

// refused tells why intake refuses. What may pass is tried again, and told only
// if it stays.
func (r *run) refused(ctx context.Context, err error, title string) ([]due, error) {
	var refusal *intake.Refusal
	if !errors.As(err, &refusal) {
		return nil, err
	}
	if refusal.Status >= http.StatusInternalServerError {
		if r.event.Attempts >= patience {
			c := r.comment(KindProblem, hash([]byte(title)))
			c.say("%s It is tried again.", title)
			c.say("%s", refusal.Detail)
			return nil, errors.Join(r.tell(ctx, []due{{r.now(), ranks[KindProblem], c}}), err)
		}
		return nil, fmt.Errorf("intake answers %d: %w", refusal.Status, err)
	}
	lines := findings(refusal.Findings)
	if len(lines) == 0 {
		lines = flawLines(r.counter.Mapping.Locate(refusal.Problems))
	}
	if len(lines) == 0 {
		lines = []string{refusal.Detail}
	}
	return r.problem(title, lines), nil
}

// problem is a comment about what its reader can mend. The same problem is told
// again only after another approval.
func (r *run) problem(title string, lines []string) []due {
	var c Comment
	if c.list(title, lines); len(lines) == 0 {
		c.say("%s", title)
	}
	of := c.Text()
	if a := r.ticket.Approval; a != nil {
		of += a.At.String()
	}
	c.Marker = r.comment(KindProblem, hash([]byte(of))).Marker
	return []due{{r.now(), ranks[KindProblem], c}}
}

// hash is a short hash, for markers.
func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil { // texts and numbers cannot fail
		panic(err)
	}
	return text
}

// unnameable are the characters that a record does not take in a name.
var unnameable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^\p{L}\p{N} ._@+-]+`) })

// named is a person's name as a record takes it: at most 64 bytes.
func named(p Person) string {
	name := strings.Join(strings.Fields(unnameable().ReplaceAllString(p.String(), " ")), " ")
	if r := []rune(name); len(r) > 64 {
		name = strings.TrimSpace(string(r[:64]))
	}
	return name
}
