// Package chaintest is what tests of steps and of their functions stand on:
// records and queues in memory, a connection to work on, and a loop that runs a
// step until it ends.
package chaintest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Prefix is the deployment's.
const Prefix = "vi"

// Start is when tests begin.
var Start = time.Date(2026, 4, 8, 6, 0, 0, 0, time.UTC)

// Tutorial returns the tutorial's connection, as intake records it.
func Tutorial() *interconnect.Connection {
	allow := []interconnect.Allow{{Protocol: "ICMP", PortRange: "-1/-1"}}
	side := func(region, n, block string) interconnect.Side {
		return interconnect.Side{
			Account: "1234567890123456", RegionID: region, VpcID: "vpc-" + n, VRouterID: "vrt-" + n,
			CidrBlocks: []netip.Prefix{netip.MustParsePrefix(block)}, RouteTableIDs: []string{"vtb-" + n},
			SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-" + n, Authorization: interconnect.ByCidrBlock, Allow: allow}},
		}
	}
	return &interconnect.Connection{
		ID: "orders-to-billing", Type: interconnect.TypeExpressConnect, Specification: "Mini.2",
		Initiator: side("cn-qingdao", "1", "192.168.0.0/16"), Acceptor: side("cn-beijing", "2", "172.16.0.0/16"),
		OnFailure: interconnect.OnFailureRollback, Repair: interconnect.RepairReport,
	}
}

// Record returns a record of generation 1 that wants c.
func Record(c *interconnect.Connection) interconnect.Record {
	return interconnect.Record{
		ID: c.ID, Generation: 1, UpdatedAt: Start, Wanted: interconnect.Wanted{Connection: c, By: "a test", At: Start},
		Steps: map[interconnect.Step]interconnect.StepStatus{},
	}
}

// Task returns a task made by hand, as the chain would make it for the record:
// its Mutate makes the calls without looking at anything.
func Task(r interconnect.Record, a interconnect.Action) *chain.Task {
	t := &chain.Task{
		Message: Message(r, a), Record: r, Scope: r.Wanted.Connection, Prefix: Prefix, Now: Start,
		Log: slog.New(slog.DiscardHandler),
	}
	t.Message.StartedAt = Start
	if r.Live() {
		t.Want = r.Wanted.Connection
	}
	return t
}

// Message returns the first message of an action.
func Message(r interconnect.Record, a interconnect.Action) chain.Message {
	return chain.Message{Schema: chain.SchemaVersion, ConnectionID: r.ID, Generation: r.Generation, Action: a, Trace: "trace-" + string(a)}
}

// Drive runs a step until it is done or rejects, a second after the other, and
// returns what it came to. Between is called after each run.
func Drive(step chain.Runner, t *chain.Task, between func()) (chain.Outcome, error) {
	for range 200 {
		out := step.Run(context.Background(), t)
		if out.Kind == chain.KindDone || out.Kind == chain.KindReject {
			return out, nil
		}
		t.Now = t.Now.Add(time.Second)
		between()
	}
	return chain.Outcome{}, fmt.Errorf("no end after %s", t.Now.Sub(Start))
}

// Handler returns the handler of a step on records and queues in memory, at the
// time given.
func Handler(step chain.Runner, m *Memory, now time.Time) *chain.Handler {
	return &chain.Handler{
		Runner: step, Records: m, Queues: m, Prefix: Prefix, Function: Prefix + "-" + string(step.Step()),
		Clock: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	}
}

// Event wraps a message's body into what a queue's trigger delivers.
func Event(queue string, body []byte) []byte {
	out, err := json.Marshal([]any{map[string]any{
		"id": "45ef4de1-7c35-447a-bd93-fab000000000", "source": "MNS-" + Prefix + "-" + queue, "specversion": "1.0",
		"type": "mns:Queue:SendMessage", "subject": "acs:mns:cn-qingdao:1234567890123456:queues/" + Prefix + "-" + queue,
		"data": map[string]any{"requestId": "606EA3074344430D4C810000", "messageId": "C6DB60D1574661357FA2272774450000", "messageBody": string(body)},
	}})
	if err != nil {
		panic(err)
	}
	return out
}

// Memory is records and queues in memory.
type Memory struct {
	mu      sync.Mutex
	records map[string]interconnect.Record
	sent    []Sent
}

// Sent is a message that was sent.
type Sent struct {
	Queue string
	Body  []byte
	Delay time.Duration
}

// NewMemory returns a memory that holds the records.
func NewMemory(records ...interconnect.Record) *Memory {
	m := &Memory{records: map[string]interconnect.Record{}}
	for _, r := range records {
		m.records[r.ID] = r
	}
	return m
}

func clone(r interconnect.Record) interconnect.Record {
	r.Steps = maps.Clone(r.Steps)
	if r.Steps == nil {
		r.Steps = map[interconnect.Step]interconnect.StepStatus{}
	}
	return r
}

// Get returns one record.
func (m *Memory) Get(_ context.Context, id string) (*interconnect.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[id]
	if !ok {
		return nil, nil
	}
	r = clone(r)
	return &r, nil
}

// List returns all records.
func (m *Memory) List(context.Context) ([]interconnect.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []interconnect.Record
	for _, r := range m.records {
		all = append(all, clone(r))
	}
	return all, nil
}

// PutStatus keeps a step's entry.
func (m *Memory) PutStatus(_ context.Context, id string, step interconnect.Step, s interconnect.StepStatus) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := clone(m.records[id])
	r.Steps[step] = s
	m.records[id] = r
	return nil
}

// PutConnected keeps the state to roll back to.
func (m *Memory) PutConnected(_ context.Context, id string, c *interconnect.Connection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.records[id]
	r.LastConnected = c
	m.records[id] = r
	return nil
}

// Send keeps a message.
func (m *Memory) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = append(m.sent, Sent{queue, append([]byte(nil), body...), delay})
	return nil
}

// Take returns what was sent since it was last asked, but for what goes to
// outcomes.
func (m *Memory) Take() []Sent {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Sent
	for _, s := range m.sent {
		if s.Queue != chain.OutcomesQueue {
			out = append(out, s)
		}
	}
	m.sent = nil
	return out
}

// Play delivers an event twice, as queues do at least once, then each message
// that the step hands back to its own queue for as long as it has not ended, at
// most a few. It returns the queues that the last delivery sent to, of those that
// sent anything.
func Play(h *chain.Handler, m *Memory, event []byte) (next []string, err error) {
	own := string(h.Runner.Step())
	todo := [][]byte{event, event}
	for n := 0; n < len(todo) && n < 8; n++ {
		if err := h.Handle(context.Background(), todo[n]); err != nil {
			return nil, err
		}
		sent := m.Take()
		if len(sent) > 0 {
			next = nil
		}
		for _, s := range sent {
			next = append(next, s.Queue)
			if back, err := chain.ParseMessage(s.Body); err == nil && s.Queue == own && !back.Woken {
				todo = append(todo, Event(own, s.Body))
			}
		}
	}
	return next, nil
}
