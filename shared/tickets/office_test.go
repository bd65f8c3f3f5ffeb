package tickets_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/trigger"
)

const id = "jira-net-1"

// office is everything around a worker, in memory: a ticket system with one
// ticket, an intake that makes connections as told, records and queues.
type office struct {
	t     *testing.T
	clock *clock
	store *store

	mu       sync.Mutex
	ticket   *tickets.Ticket
	notes    []tickets.Said
	texts    []string
	down     error        // what the ticket system answers
	finished int          // times that the ticket was finished
	finish   string       // what keeps it from that
	plan     *intake.Plan // that the planner makes
	refusal  error        // that the intake answers with
	asked    []string     // plan hashes that were asked for
	askers   []intake.Asker
	removed  []intake.Asker
	record   *interconnect.Record
	queued   []queued
	queueErr error
}

type queued struct {
	queue string
	body  []byte
	delay time.Duration
}

func newOffice(t *testing.T) *office {
	t.Helper()
	return &office{t: t, clock: newClock(), store: newStore(),
		ticket: &tickets.Ticket{Key: "NET-1", Reporter: tickets.Person{ID: "ann", Name: "Ann <b>Lee</b>"}, Fields: fields()},
		plan:   planned("1111"),
	}
}

// planned is a plan with a hash, that waits for an approval.
func planned(hash string) *intake.Plan {
	return &intake.Plan{ID: id, Would: "create", Status: 202, PlanHash: hash, Policy: &policy.Verdict{Decision: policy.Allowed},
		Request: &interconnect.Request{ID: id, Type: interconnect.TypeVpcPeering}}
}

func (o *office) now() time.Time { return o.clock.now() }

func (o *office) reach() error { return o.down }

func (o *office) Ticket(context.Context, string, json.RawMessage) (*tickets.Ticket, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ticket == nil {
		return nil, o.reach()
	}
	t := *o.ticket
	return &t, o.reach()
}

func (o *office) Said(context.Context, *tickets.Ticket) ([]tickets.Said, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]tickets.Said(nil), o.notes...), o.reach()
}

func (o *office) Say(_ context.Context, _ *tickets.Ticket, c tickets.Comment) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.reach(); err != nil {
		return err
	}
	o.clock.pass(time.Second)
	o.notes = append(o.notes, tickets.Said{Marker: c.Marker, At: o.now()})
	o.texts = append(o.texts, c.Text())
	return nil
}

func (o *office) Finish(context.Context, *tickets.Ticket) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.finished++
	return o.finish, o.reach()
}

func (o *office) Plan(context.Context, *interconnect.Request, intake.Asker) (*intake.Plan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.plan, nil
}

// Ask records what was asked for, as intake does: the same again changes
// nothing, and another plan than there is now is refused.
func (o *office) Ask(_ context.Context, r *interconnect.Request, by intake.Asker) (*intake.Taken, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refusal != nil {
		return nil, o.refusal
	}
	if r.PlanHash != o.plan.PlanHash {
		return nil, &intake.Refusal{Status: http.StatusConflict, PlanHash: o.plan.PlanHash, Detail: "not what was planned",
			Difference: []interconnect.Difference{{Field: "/acceptor/cidrBlocks", Added: []string{"10.66.0.0/16"}}}}
	}
	o.asked, o.askers = append(o.asked, r.PlanHash), append(o.askers, by)
	if o.record == nil || !o.record.Live() {
		generation := 1
		if o.record != nil {
			generation = o.record.Generation + 1
		}
		o.record = &interconnect.Record{ID: id, Generation: generation, UpdatedAt: o.now(), Steps: map[interconnect.Step]interconnect.StepStatus{},
			Wanted: interconnect.Wanted{By: by.Token + " for " + r.RequestedBy, At: o.now(), Connection: &interconnect.Connection{ID: id, OnFailure: interconnect.OnFailureRollback}}}
	}
	return &intake.Taken{Record: *o.record}, nil
}

func (o *office) Disconnect(_ context.Context, _ string, by intake.Asker) (*intake.Taken, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refusal != nil {
		return nil, o.refusal
	}
	o.removed = append(o.removed, by)
	gone := *o.record
	gone.Generation++
	gone.Wanted.Disconnect, gone.Wanted.At = true, o.now()
	o.record = &gone
	return &intake.Taken{Record: gone}, nil
}

func (o *office) Get(context.Context, string) (*interconnect.Record, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.record == nil {
		return nil, nil
	}
	r := *o.record
	return &r, nil
}

func (o *office) List(ctx context.Context) ([]interconnect.Record, error) {
	r, err := o.Get(ctx, id)
	if r == nil {
		return nil, err
	}
	return []interconnect.Record{*r}, err
}

func (o *office) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.queueErr != nil {
		return o.queueErr
	}
	o.queued = append(o.queued, queued{queue, body, delay})
	return nil
}

func (o *office) worker() *tickets.Worker {
	return &tickets.Worker{
		Counters: map[tickets.System]*tickets.Counter{tickets.Jira: {Desk: o, Mapping: mapping()}},
		Intake:   o, Planner: o, Records: o, Queues: o, Leases: &tickets.Leases{Store: o.store, Prefix: "vi", Clock: o.now, Pause: nopause},
		Prefix: "vi", Function: "vi-tickets", Clock: o.now, Pause: nopause, Log: slog.New(slog.DiscardHandler),
	}
}

// handle has a worker handle a message.
func (o *office) handle(body []byte) {
	o.t.Helper()
	require.NoError(o.t, o.worker().Handle(context.Background(), []trigger.QueueMessage{{ID: "m", Queue: "vi-tickets", Body: body}}))
}

func touchedEvent(n int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s/ticket/%d","type":"%s","time":"2026-11-20T12:00:00Z","data":{"connectionId":"%s","ticket":"NET-1"}}`, id, n, tickets.TypeTouched, id)
}

func (o *office) touch() { o.t.Helper(); o.handle(touchedEvent(1)) }

// tell gives the worker an outcome.
func (o *office) tell(kind string, c chain.Change) {
	o.t.Helper()
	c.ConnectionID = id
	data, err := json.Marshal(c)
	require.NoError(o.t, err)
	body, err := json.Marshal(tickets.Event{SpecVersion: "1.0", ID: fmt.Sprintf("%s/%d/%d", id, c.Generation, c.Sequence), Type: kind, Subject: id, Time: o.now(), Data: data})
	require.NoError(o.t, err)
	o.handle(body)
}

// again handles what was queued for later, as if its time had come, until
// nothing is queued any more.
func (o *office) again() {
	o.t.Helper()
	for n := 0; ; n++ {
		require.Less(o.t, n, 500, "it comes to no end")
		o.mu.Lock()
		list := o.queued
		o.queued = nil
		o.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, q := range list {
			require.Equal(o.t, chain.TicketsQueue, q.queue)
			o.clock.pass(q.delay)
			o.handle(q.body)
		}
	}
}

func (o *office) approve(by string) {
	o.clock.pass(time.Second)
	o.ticket.Approval = &tickets.Decision{By: tickets.Person{ID: by, Name: strings.ToUpper(by)}, At: o.now()}
	o.clock.pass(time.Second)
}

// said are the kinds of comments so far.
func (o *office) said() []string {
	var out []string
	for _, n := range o.notes {
		out = append(out, string(n.Marker.Kind))
	}
	return out
}

func (o *office) last() string { return o.texts[len(o.texts)-1] }

func step(s interconnect.Step) chain.Change {
	return chain.Change{Generation: 1, Action: interconnect.Connect, Step: s, Progress: interconnect.Done, Next: interconnect.Connect}
}

func verdict(o *office, outcome interconnect.VerdictOutcome) chain.Change {
	c := step(interconnect.Verification)
	c.Next = ""
	c.Verdict = &interconnect.Verdict{At: o.now(), Outcome: outcome, Why: "Because.", Pings: []interconnect.Ping{
		{From: interconnect.Initiator, InstanceID: "i-a", Source: "10.1.0.1", Target: "10.2.0.1", Sent: 4, Received: 4},
		{From: interconnect.Acceptor, InstanceID: "i-b", Source: "10.2.0.1", Target: "10.1.0.1", Sent: 4, Received: 4},
	}}
	return c
}
