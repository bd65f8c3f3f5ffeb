package chain_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
)

var errDown = errors.New("down")

// stage is a deployment in memory: records, queues, a clock, and for each step
// a script of what it does.
type stage struct {
	t       *testing.T
	now     time.Time
	records *records
	queues  *queues
	steps   map[interconnect.Step]*script
	logs    *bytes.Buffer
	serial  int // of checks
}

func newStage(t *testing.T) *stage {
	s := &stage{
		t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		records: &records{all: map[string]interconnect.Record{}},
		queues:  &queues{}, steps: map[interconnect.Step]*script{}, logs: &bytes.Buffer{},
	}
	for _, step := range interconnect.Steps {
		s.steps[step] = &script{step: step}
	}
	s.records.put("a", 1, func(*interconnect.Record) {})
	return s
}

func (s *stage) handler(step interconnect.Step) *chain.Handler {
	return &chain.Handler{
		Runner: s.steps[step], Records: s.records, Queues: s.queues, Prefix: "vi", Function: "vi-" + string(step),
		Clock: func() time.Time { return s.now },
		Log:   slog.New(slog.NewJSONHandler(s.logs, nil)),
	}
}

// deliver hands bodies to a step's function, as an event of as many messages.
func (s *stage) deliver(step interconnect.Step, bodies ...string) error {
	return s.handler(step).Handle(context.Background(), event(bodies...))
}

func (s *stage) mustDeliver(step interconnect.Step, m chain.Message) {
	s.t.Helper()
	require.NoError(s.t, s.deliver(step, string(m.Body())))
}

// play delivers what is on the queues, oldest first, moving the clock on by
// each delay, until nothing is left or most messages were delivered.
func (s *stage) play(most int) (delivered int) {
	s.t.Helper()
	for ; delivered < most; delivered++ {
		m, ok := s.queues.pop()
		if !ok {
			return delivered
		}
		s.now = s.now.Add(m.delay)
		require.NoError(s.t, s.deliver(stepOf(m.queue), string(m.body)))
	}
	return delivered
}

func event(bodies ...string) []byte {
	list := []any{}
	for i, b := range bodies {
		list = append(list, map[string]any{
			"id": "e", "specversion": "1.0", "type": "mns:Queue:SendMessage",
			"subject": "acs:mns:cn-qingdao:1234567890123456:queues/vi-peering",
			"data":    map[string]any{"messageId": string(rune('0' + i)), "messageBody": b},
		})
	}
	out, _ := json.Marshal(list)
	return out
}

func stepOf(queue string) interconnect.Step { return interconnect.Step(queue) }

// script is a step that does what it is told, in order; the last entry stays.
type script struct {
	step interconnect.Step
	mu   sync.Mutex // of seen and runs
	do   []func(ctx context.Context, t *chain.Task) chain.Outcome
	seen []chain.Task
	runs int
}

func (s *script) Step() interconnect.Step { return s.step }

func (s *script) Run(ctx context.Context, t *chain.Task) chain.Outcome {
	s.mu.Lock()
	s.seen = append(s.seen, *t)
	n := s.runs
	s.runs++
	s.mu.Unlock()
	if len(s.do) == 0 {
		if s.step == interconnect.Verification {
			return verdict(interconnect.VerdictConnected)
		}
		return chain.DoneWith(string(s.step) + "-1")
	}
	return s.do[min(n, len(s.do)-1)](ctx, t)
}

// says scripts outcomes that need no call.
func (s *script) says(outcomes ...chain.Outcome) {
	for _, o := range outcomes {
		s.do = append(s.do, func(context.Context, *chain.Task) chain.Outcome { return o })
	}
}

// mutates scripts one run that makes a call and then returns.
func (s *script) mutates(made *int, then func(err error) chain.Outcome) {
	s.do = append(s.do, func(ctx context.Context, t *chain.Task) chain.Outcome {
		return then(t.Mutate(ctx, chain.Call{Action: "CreateThing", Resource: "thing-1", Do: func(context.Context) error {
			*made++
			return nil
		}}))
	})
}

func orDone(err error) chain.Outcome {
	if err != nil {
		return chain.FromError(err)
	}
	return chain.DoneWith("thing-1")
}

func verdict(v interconnect.VerdictOutcome) chain.Outcome {
	o := chain.DoneWith()
	o.Verdict = &interconnect.Verdict{Outcome: v}
	return o
}

func drifted(v interconnect.VerdictOutcome, k interconnect.DriftKind) chain.Outcome {
	o := verdict(v)
	o.Verdict.SetDrift([]interconnect.Drift{{Kind: k, Side: interconnect.Acceptor, Resource: "vtb-2", Sentence: "Something differs."}})
	return o
}

// records keeps records in memory. It fails where told to.
type records struct {
	mu        sync.Mutex
	all       map[string]interconnect.Record
	getErrs   []error // of the next reads; nil: none
	listErr   error
	statusErr error
	onGet     func(n int) // before the n-th read, from 1
	gets      int
	puts      int
	frozen    string
	frozenErr error
}

func (r *records) put(id string, generation int, change func(*interconnect.Record)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := interconnect.Record{
		ID: id, Generation: generation, Steps: map[interconnect.Step]interconnect.StepStatus{},
		Wanted: interconnect.Wanted{By: "test", Connection: &interconnect.Connection{
			ID: id, Type: interconnect.TypeExpressConnect, OnFailure: interconnect.OnFailureRollback,
			Initiator: interconnect.Side{RegionID: "cn-qingdao", VpcID: "vpc-1"},
			Acceptor:  interconnect.Side{RegionID: "cn-beijing", VpcID: "vpc-2"},
		}},
	}
	if old, ok := r.all[id]; ok {
		rec.Steps, rec.LastConnected = old.Steps, old.LastConnected
	}
	change(&rec)
	r.all[id] = rec
}

func clone(rec interconnect.Record) interconnect.Record {
	steps := map[interconnect.Step]interconnect.StepStatus{}
	for k, v := range rec.Steps {
		steps[k] = v
	}
	rec.Steps = steps
	return rec
}

func (r *records) Get(_ context.Context, id string) (*interconnect.Record, error) {
	r.mu.Lock()
	r.gets++
	n, before := r.gets, r.onGet
	r.mu.Unlock()
	if before != nil {
		before(n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.getErrs) > 0 {
		err := r.getErrs[0]
		r.getErrs = r.getErrs[1:]
		if err != nil {
			return nil, err
		}
	}
	rec, ok := r.all[id]
	if !ok {
		return nil, nil
	}
	rec = clone(rec)
	return &rec, nil
}

func (r *records) List(context.Context) ([]interconnect.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listErr != nil {
		return nil, r.listErr
	}
	var all []interconnect.Record
	for _, rec := range r.all {
		all = append(all, clone(rec))
	}
	return all, nil
}

func (r *records) PutStatus(_ context.Context, id string, step interconnect.Step, s interconnect.StepStatus) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.statusErr != nil {
		return r.statusErr
	}
	r.puts++
	if r.all[id].Steps[step].Generation <= s.Generation {
		r.all[id].Steps[step] = s
	}
	return nil
}

func (r *records) PutConnected(_ context.Context, id string, c *interconnect.Connection) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts++
	rec := r.all[id]
	rec.LastConnected = c
	r.all[id] = rec
	return nil
}

func (r *records) Frozen(context.Context) (string, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frozen, r.frozen != "", r.frozenErr
}

// sent is one message on a queue.
type sent struct {
	queue string
	body  []byte
	delay time.Duration
}

// queues keeps messages in memory. It fails on the queues named.
type queues struct {
	mu   sync.Mutex
	log  []sent // all that was ever sent
	left []sent // still to be delivered; none of outcomes and dead letters
	down map[string]int
}

func (q *queues) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.down[queue] > 0 {
		q.down[queue]--
		return errDown
	}
	m := sent{queue, append([]byte(nil), body...), delay}
	q.log = append(q.log, m)
	if queue != chain.OutcomesQueue && queue != chain.DeadLettersQueue {
		q.left = append(q.left, m)
	}
	return nil
}

func (q *queues) pop() (sent, bool) {
	if len(q.left) == 0 {
		return sent{}, false
	}
	m := q.left[0]
	q.left = q.left[1:]
	return m, true
}

// on returns what was sent to one queue.
func (q *queues) on(queue string) []sent {
	var found []sent
	for _, m := range q.log {
		if m.queue == queue {
			found = append(found, m)
		}
	}
	return found
}

// names lists the queues of the chain's own messages, in order of sending.
func (q *queues) names() []string {
	names := []string{}
	for _, m := range q.log {
		if m.queue != chain.OutcomesQueue && m.queue != chain.DeadLettersQueue {
			names = append(names, m.queue)
		}
	}
	return names
}

func (m sent) message(t *testing.T) chain.Message {
	t.Helper()
	parsed, err := chain.ParseMessage(m.body)
	require.NoError(t, err)
	return parsed
}

// only returns the one message that the chain sent.
func (s *stage) only() (sent, chain.Message) {
	s.t.Helper()
	require.Len(s.t, s.queues.names(), 1, "messages: %v", s.queues.names())
	m := s.queues.left[0]
	return m, m.message(s.t)
}

// announcements are what was told of steps' ends and of checks.
func (s *stage) announcements() []chain.Announcement {
	return s.told(func(a chain.Announcement) bool { return a.Type != chain.TypeState })
}

// told returns the announcements that are meant. All are held to the schema.
func (s *stage) told(meant func(chain.Announcement) bool) []chain.Announcement {
	s.t.Helper()
	var all []chain.Announcement
	for _, m := range s.queues.on(chain.OutcomesQueue) {
		a, err := chaintest.Outcome(m.body)
		require.NoError(s.t, err, "%s", m.body)
		if meant(a) {
			all = append(all, a)
		}
	}
	return all
}

func (s *stage) status(step interconnect.Step) interconnect.StepStatus {
	return s.records.all["a"].Steps[step]
}

// message returns a message of connection a, generation 1.
func message(a interconnect.Action, change ...func(*chain.Message)) chain.Message {
	m := chain.Message{Schema: chain.SchemaVersion, ConnectionID: "a", Generation: 1, Action: a, Trace: "trace"}
	for _, c := range change {
		c(&m)
	}
	return m
}

func sentence(s string) interconnect.Problem { return interconnect.Problem{Sentence: s} }
