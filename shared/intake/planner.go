package intake

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// Recorded is what is read of the records.
type Recorded interface {
	Get(ctx context.Context, id string) (*interconnect.Record, error)
	List(ctx context.Context) ([]interconnect.Record, error)
}

// Planner looks at requests and says what would come of them. It holds nothing
// that is able to write: neither the cloud, nor the records, nor a queue.
type Planner struct {
	Cloud   Cloud
	Records Recorded
	Prefix  string
	Account string // as in Intake
	Policy  policy.Policy

	Clock func() time.Time
	Pause func(context.Context, time.Duration) error
	Log   *slog.Logger
}

// planner returns the part of the intake that only reads.
func (in *Intake) planner() *Planner {
	return &Planner{Cloud: in.Cloud, Records: in.Records, Prefix: in.Prefix, Account: in.Account, Policy: in.Policy, Clock: in.now, Pause: in.Pause, Log: in.log()}
}

func (p *Planner) log() *slog.Logger { return p.Log }

func (p *Planner) pause(ctx context.Context, d time.Duration) error { return wait(ctx, p.Pause, d) }

// read reads a record, nil if there is none.
func (p *Planner) read(ctx context.Context, id string) (*interconnect.Record, error) {
	return again(ctx, p, func() (*interconnect.Record, error) { return p.Records.Get(ctx, id) })
}

// prospect is a request that was looked at: what it resolves to, and what that
// was judged by.
type prospect struct {
	asked      interconnect.Request
	facts      interconnect.Facts
	records    []interconnect.Record
	record     *interconnect.Record // of the connection; nil if there is none
	connection *interconnect.Connection
	window     interconnect.Window
	warnings   []interconnect.Warning
	approvedBy string // set by the guard: who approved it, where the policy wants that
}

// look checks a request against the cloud and the records, and resolves it. The
// error is a *Refusal; the prospect then holds what was found out before.
func (p *Planner) look(ctx context.Context, r *interconnect.Request) (*prospect, error) {
	s := &prospect{asked: *r}
	if list := interconnect.Validate(r); len(list) > 0 {
		return s, refuse(http.StatusBadRequest, list...)
	}
	o, err, rest := p.observe(ctx, r)
	if err != nil {
		return s, refuseError(err)
	}
	s.facts, s.records = o.facts, o.records
	record, refusal := place(&s.asked, o.records)
	if refusal != nil {
		return s, refusal
	}
	if rest != nil && s.facts.Initiator.VPC != nil && s.facts.Acceptor.VPC != nil {
		return s, refuseError(rest)
	}
	if record != nil && record.Live() {
		s.facts.Recorded = recordedType(record)
	}
	c, warnings, list := interconnect.Resolve(&s.asked, &s.facts)
	if len(list) > 0 {
		return s, refuse(http.StatusUnprocessableEntity, list...)
	}
	listed := record
	if listed != nil {
		rest = p.observeOther(ctx, r, &s.facts)
	}
	if record, refusal = p.newest(ctx, record, c); refusal != nil {
		return s, refusal
	}
	if listed == nil && record != nil { // recorded meanwhile
		rest = p.observeOther(ctx, r, &s.facts)
	}
	if rest != nil {
		return s, refuseError(rest)
	}
	if turned(record, c) {
		c.Initiator, c.Acceptor = c.Acceptor, c.Initiator
		s.facts.Initiator, s.facts.Acceptor = s.facts.Acceptor, s.facts.Initiator
		warnings = append(warnings, interconnect.Warning{Sentence: fmt.Sprintf(
			"The connection was made with %s as its initiator, and stays so; to turn the sides round, disconnect it first.", c.Initiator.VpcID)})
	}
	window := r.Window()
	if list := interconnect.RefuseWindow(window, record, p.Clock()); len(list) > 0 {
		return s, refuse(http.StatusUnprocessableEntity, list...)
	}
	s.record, s.connection, s.window, s.warnings = record, c, window, warnings
	return s, nil
}

// recordedType is the type that a live connection has where the request leaves
// it open: of what failed, that to which it was rolled back, if any.
func recordedType(r *interconnect.Record) interconnect.Type {
	switch {
	case !failed(r):
		return r.Wanted.Connection.Type
	case r.LastConnected != nil:
		return r.LastConnected.Type
	}
	return ""
}

// unchanged tells whether exactly this is wanted already.
func (s *prospect) unchanged(now time.Time) bool {
	return s.record != nil && interconnect.SameWanted(s.record, s.connection) && s.record.Wanted.Same(s.window, now) && !failed(s.record)
}

// coming is the record as it would be if the request were taken.
func (s *prospect) coming(now time.Time) *interconnect.Record {
	r := interconnect.Record{ID: s.connection.ID, Generation: generation(s.record) + 1, Wanted: interconnect.NextWanted(s.record, s.connection), UpdatedAt: now}
	if s.unchanged(now) {
		r.Wanted.Former = s.record.Wanted.Former
	}
	if s.record != nil && !s.record.Wanted.Disconnect {
		r.LastConnected = s.record.LastConnected
	}
	return &r
}

// others are all other records.
func (s *prospect) others() []interconnect.Record {
	var out []interconnect.Record
	for _, r := range s.records {
		if r.ID != s.connection.ID {
			out = append(out, r)
		}
	}
	return out
}

// changes plans what carrying out the request does to what was seen.
func (s *prospect) changes(prefix string, now time.Time, seen interconnect.Seen) interconnect.Changes {
	return interconnect.PlanChanges(interconnect.Planning{Prefix: prefix, Record: s.coming(now), Others: s.others(), Seen: seen})
}

// seen is what the request's own checks have read.
func (s *prospect) seen() interconnect.Seen {
	seen := interconnect.Seen{Tables: map[string]interconnect.Role{}, Groups: map[string]interconnect.Role{}}
	for _, role := range interconnect.Roles {
		f := s.facts.Side(role)
		seen.Interfaces = append(seen.Interfaces, f.Interfaces...)
		seen.Peerings = append(seen.Peerings, f.Peerings...)
		for _, id := range s.connection.Side(role).RouteTableIDs {
			seen.Tables[id] = role
			seen.Entries = append(seen.Entries, f.Entries[id]...)
		}
		for _, g := range s.connection.Side(role).SecurityGroups {
			seen.Groups[g.ID] = role
		}
	}
	return seen
}

// outline is what the hash of the request's plan is made of.
func (s *prospect) outline(conflicts []interconnect.FieldProblem) interconnect.Outline {
	return interconnect.Outline{Requests: []*interconnect.Request{requestOf(s.connection, s.window)}, Conflicts: conflicts}
}

// requestOf spells a desired state and its window out as a request.
func requestOf(c *interconnect.Connection, w interconnect.Window) *interconnect.Request {
	r := interconnect.RequestOf(c)
	r.NotBefore, r.ExpiresAt = w.Fields()
	return r
}

// question is what the policy is asked.
func (s *prospect) question(by Asker, now time.Time) policy.Question {
	q := policy.Question{Token: by.Token, Approver: by.Approver, Connection: s.connection, Recorded: s.unchanged(now), Tags: map[interconnect.Role]map[string]string{}}
	for _, role := range interconnect.Roles {
		if vpc := s.facts.Side(role).VPC; vpc != nil {
			q.Tags[role] = vpc.Tags
		}
	}
	return q
}

// guard refuses what the policy does not allow, what is not as it was when it
// was planned, and what cuts traffic without leave.
func (p *Planner) guard(s *prospect, by Asker) error {
	now := p.Clock()
	verdict := p.Policy.Judge(s.question(by, now))
	if err := refuseVerdict(verdict); err != nil {
		return err
	}
	s.approvedBy = verdict.ApprovedBy
	changes := s.changes(p.Prefix, now, s.seen())
	if s.asked.PlanHash != "" {
		if err := refuseHash(s.outline(changes.Conflicts), s.asked.PlanHash); err != nil {
			return err
		}
	}
	if len(changes.Cuts) > 0 && !s.asked.AllowCut && !s.unchanged(now) {
		return refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/allowCut", Sentence: strings.Join(changes.Cuts, " ") +
			" If that may be, ask again with \"allowCut\": true."})
	}
	return nil
}

// refuseHash refuses what has changed since its plan was made.
func refuseHash(o interconnect.Outline, hash string) error {
	changed, ok := o.Compare(hash)
	switch {
	case !ok:
		return refuse(http.StatusBadRequest, interconnect.FieldProblem{Field: "/planHash", Sentence: "This is no plan's hash; give it as the dry run answered it, or leave it out."})
	case changed == nil:
		return nil
	}
	r := refuse(http.StatusConflict, interconnect.FieldProblem{Field: "/planHash", Sentence: "What would be made is not what was planned: " + inWords(changed) +
		" Make a new plan by POST /connections?dryRun=true, and decide on that."})
	r.Difference, r.PlanHash = changed, o.Hash()
	return r
}

// inWords says what has changed since a plan was made.
func inWords(list []interconnect.Difference) string {
	var parts []string
	for _, d := range list {
		if len(d.Added) > 0 {
			parts = append(parts, fmt.Sprintf("%s has %s now.", d.Field, strings.Join(d.Added, ", ")))
		}
		if d.Gone > 0 {
			parts = append(parts, fmt.Sprintf("%d of what was planned is no longer so.", d.Gone))
		}
	}
	if len(parts) == 0 {
		return "its parts are in another order."
	}
	return strings.Join(parts, " ")
}

// mayRemove refuses a disconnect to a token that may not ask for the connection
// either.
func (p *Planner) mayRemove(r *interconnect.Record, by Asker) error {
	return refuseVerdict(p.Policy.MayRemove(policy.Question{Token: by.Token, Connection: r.Wanted.Connection}))
}

func refuseVerdict(v policy.Verdict) error {
	if v.Decision == policy.Allowed {
		return nil
	}
	r := &Refusal{Status: http.StatusForbidden, Findings: v.Findings, Detail: v.Findings[0].Sentence}
	if len(v.Findings) > 1 {
		r.Detail += fmt.Sprintf(" And %d more: see policy.", len(v.Findings)-1)
	}
	for _, f := range v.Findings {
		if f.Field != "" {
			r.Problems = append(r.Problems, interconnect.FieldProblem{Field: f.Field, Sentence: f.Sentence})
		}
	}
	return r
}
