package shared_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/trigger"
)

// counter is a ticket system with one ticket, in memory.
type counter struct {
	ticket tickets.Ticket
	said   []tickets.Said
	now    time.Time
}

func (c *counter) Ticket(context.Context, string, json.RawMessage) (*tickets.Ticket, error) {
	t := c.ticket
	return &t, nil
}
func (c *counter) Said(context.Context, *tickets.Ticket) ([]tickets.Said, error) { return c.said, nil }
func (c *counter) Say(_ context.Context, _ *tickets.Ticket, m tickets.Comment) error {
	c.now = c.now.Add(time.Second)
	c.said = append(c.said, tickets.Said{Marker: m.Marker, At: c.now})
	return nil
}
func (c *counter) Finish(context.Context, *tickets.Ticket) (string, error) { return "", nil }

// approve approves whatever plan is on the ticket.
func (c *counter) approve() {
	c.now = c.now.Add(time.Second)
	c.ticket.Approval = &tickets.Decision{By: tickets.Person{ID: "bob"}, At: c.now}
	c.ticket.Closing = nil
	c.now = c.now.Add(time.Second)
}

func (c *counter) close() {
	c.ticket.Approval, c.ticket.Closing = nil, &tickets.Decision{By: tickets.Person{ID: "bob"}, At: c.now}
}

// byTicket has the tickets function do all that it can do.
func (r *rehearsal) byTicket() {
	t := r.t
	desk := &counter{now: r.Now(), ticket: tickets.Ticket{Key: "NET-1", Reporter: tickets.Person{ID: "ann"}, Fields: map[string][]string{"type": {"ExpressConnect"}}}}
	mapping := tickets.Mapping{
		"initiator.regionId": {Value: "cn-qingdao"}, "initiator.vpcId": {Value: "vpc-m5e1qingdao000000vpc1"}, "initiator.securityGroups": {Value: "sg-m5e1qingdao0000group"},
		"acceptor.regionId": {Value: "cn-beijing"}, "acceptor.vpcId": {Value: "vpc-2ze2beijing000000vpc2"}, "acceptor.securityGroups": {Value: "sg-2ze2beijing0000group"},
		"type": {Field: "type"},
	}
	worker := func() (*tickets.Worker, *tickets.Leases) {
		cloud, kept, queues := r.clients("tickets")
		log := slog.New(slog.DiscardHandler)
		leases := &tickets.Leases{Store: cloud, Prefix: testPrefix, Clock: r.Now}
		return &tickets.Worker{
			Counters: map[tickets.System]*tickets.Counter{tickets.Jira: {Desk: desk, Mapping: mapping}},
			Intake:   &intake.Intake{Cloud: cloud, Records: kept, Queues: queues, Prefix: testPrefix, Clock: r.Now, Log: log},
			Planner:  &intake.Planner{Cloud: cloud, Records: kept, Prefix: testPrefix, Policy: policy.Policy{}, Clock: r.Now, Log: log},
			Records:  kept, Queues: queues, Leases: leases, Prefix: testPrefix, Clock: r.Now, Log: log,
		}, leases
	}
	handle := func(body string) {
		w, _ := worker()
		require.NoError(t, w.Handle(context.Background(), []trigger.QueueMessage{{Queue: testPrefix + "-tickets", Body: []byte(body)}}))
	}
	touch := func() {
		handle(`{"specversion": "1.0", "id": "x", "type": "` + tickets.TypeTouched + `", "data": {"connectionId": "jira-net-1", "ticket": "NET-1"}}`)
	}
	settle := func() {
		r.settle()
		for _, name := range []string{chain.OutcomesQueue, chain.TicketsQueue} {
			q := engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + name}
			for {
				list, err := r.engine.ReceiveMessages(q, 16, 0)
				require.NoError(t, err)
				if len(list) == 0 {
					break
				}
				for _, m := range list {
					handle(m.Body)
					require.NoError(t, r.engine.DeleteMessage(q, m.ReceiptHandle))
				}
			}
		}
	}

	touch()
	desk.approve()
	touch()
	desk.close() // before anything was made
	touch()
	settle()
	require.Equal(t, interconnect.StateDisconnected, r.state("jira-net-1"))
	for range 2 { // the second time, it was Connected before
		desk.approve()
		touch()
		r.endTooLate("jira-net-1")
		settle()
		require.Equal(t, interconnect.StateConnected, r.state("jira-net-1"))
		desk.close()
		touch()
		settle()
		require.Equal(t, interconnect.StateDisconnected, r.state("jira-net-1"))
	}
	w, leases := worker()
	_, err := w.Sweep(context.Background())
	require.NoError(t, err)
	// A run that died leaves its lease: it holds others up until it runs out.
	_, ok, err := leases.Take(context.Background(), "jira-net-1", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	touch()
	r.pass(2 * time.Minute)
	settle()
	_, ok, err = leases.Take(context.Background(), "jira-net-1", time.Minute)
	require.NoError(t, err)
	require.True(t, ok, "the lease was taken over, and given back")
	handle("not an event")

	var kinds []tickets.Kind
	for _, s := range desk.said {
		kinds = append(kinds, s.Marker.Kind)
	}
	for _, k := range []tickets.Kind{tickets.KindPlan, tickets.KindAccepted, tickets.KindStep, tickets.KindVerdict, tickets.KindDisconnected} {
		require.Contains(t, kinds, k)
	}
	r.pass(15 * 24 * time.Hour)
	r.sweep()
}
