package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/cloudevents"
	"vpcinterconnect/shared/tickets/jira"
	"vpcinterconnect/shared/tickets/samples"
	"vpcinterconnect/shared/tickets/servicenow"
	"vpcinterconnect/shared/tickets/settings"
	"vpcinterconnect/shared/trigger"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	id     = "jira-net-12"
	secret = "correct horse battery"
)

// mocks are everything around the function.
type mocks struct{ mock.Mock }

func got[T any](a mock.Arguments) (T, error) {
	v, _ := a.Get(0).(T)
	return v, a.Error(1)
}

func (m *mocks) Ticket(_ context.Context, key string, _ json.RawMessage) (*tickets.Ticket, error) {
	return got[*tickets.Ticket](m.Called(key))
}

func (m *mocks) Said(context.Context, *tickets.Ticket) ([]tickets.Said, error) {
	return got[[]tickets.Said](m.Called())
}

func (m *mocks) Say(_ context.Context, _ *tickets.Ticket, c tickets.Comment) error {
	return m.Called(c.Marker.String()).Error(0)
}

func (m *mocks) Finish(context.Context, *tickets.Ticket) (string, error) {
	return got[string](m.Called())
}

func (m *mocks) Ask(_ context.Context, r *interconnect.Request, by intake.Asker) (*intake.Taken, error) {
	return got[*intake.Taken](m.Called(r.PlanHash, by))
}

func (m *mocks) Disconnect(_ context.Context, id string, by intake.Asker) (*intake.Taken, error) {
	return got[*intake.Taken](m.Called(id, by))
}

func (m *mocks) Plan(_ context.Context, r *interconnect.Request, by intake.Asker) (*intake.Plan, error) {
	return got[*intake.Plan](m.Called(r.ID, by))
}

func (m *mocks) Get(_ context.Context, id string) (*interconnect.Record, error) {
	return got[*interconnect.Record](m.Called(id))
}

func (m *mocks) List(context.Context) ([]interconnect.Record, error) {
	return got[[]interconnect.Record](m.Called())
}

func (m *mocks) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	var e struct{ Type, Subject string }
	_ = json.Unmarshal(body, &e) // what is no event has neither
	return m.Called(queue, e.Type, e.Subject, delay).Error(0)
}

func (m *mocks) Take(context.Context, string, time.Duration) (func(), bool, error) {
	return func() {}, true, nil
}

// configured are the samples' systems.
func configured(t *testing.T) *settings.Settings {
	t.Helper()
	var all settings.Settings
	for _, name := range []string{"jira.json", "servicenow.json", "cloudevents.json"} {
		text, err := samples.Files.ReadFile(name)
		require.NoError(t, err)
		s, err := settings.Parse(text)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &all))
		require.NotNil(t, s)
	}
	return &all
}

// invoke gives the function a sample event.
func (m *mocks) invoke(t *testing.T, sample string) ([]byte, error) {
	t.Helper()
	event, err := os.ReadFile(filepath.Join("testdata", sample))
	require.NoError(t, err)
	s, secrets := configured(t), tickets.Secrets{secret}
	counters := map[tickets.System]*tickets.Counter{
		tickets.Jira:        {Gate: &jira.Gate{Config: s.Jira, Secrets: secrets}, Desk: m, Mapping: s.Jira.Request},
		tickets.ServiceNow:  {Gate: &servicenow.Gate{Config: s.ServiceNow, Secrets: secrets}, Desk: m, Mapping: s.ServiceNow.Request},
		tickets.CloudEvents: {Gate: &cloudevents.Gate{Config: s.CloudEvents, Secrets: secrets}, Desk: m, Mapping: s.CloudEvents.Request, Blind: true},
	}
	clock, log := func() time.Time { return noon }, slog.New(slog.DiscardHandler)
	f := function(func(trigger.Invocation) (*parts, error) {
		return &parts{
			door: &tickets.Door{Counters: counters, Queues: m, Prefix: "vi", Clock: clock, Log: log},
			worker: &tickets.Worker{Counters: counters, Intake: m, Planner: m, Records: m, Queues: m, Leases: m, Prefix: "vi", Clock: clock, Log: log,
				Pause: func(context.Context, time.Duration) error { return nil }},
		}, nil
	})
	return f(context.Background(), trigger.Invocation{RequestID: "req-1", FunctionName: "vi-tickets"}, event)
}

func TestDeliveriesAreQueuedAndAnswered(t *testing.T) {
	t.Parallel()
	for sample, want := range map[string]struct {
		status     int
		connection string // "": nothing is queued
	}{
		"http-jira.json":                {202, id},
		"http-jira-base64.json":         {202, id},
		"http-jira-flipped.json":        {401, ""},
		"http-jira-old.json":            {401, ""},
		"http-servicenow.json":          {202, "snow-ritm0010042"},
		"http-servicenow-stranger.json": {401, ""},
		"http-cloudevents.json":         {202, "ce-chg-42"},
	} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			var m mocks // any call that is not expected would panic
			if want.connection != "" {
				m.On("Send", chain.TicketsQueue, tickets.TypeTouched, want.connection, time.Duration(0)).Return(nil)
			}
			for range 2 { // again: queued again, which changes nothing
				answer, err := m.invoke(t, sample)
				require.NoError(t, err)
				var response struct {
					StatusCode int    `json:"statusCode"`
					Body       string `json:"body"`
				}
				require.NoError(t, json.Unmarshal(answer, &response))
				require.Equal(t, want.status, response.StatusCode, response.Body)
				require.NotContains(t, response.Body, secret)
			}
			m.AssertExpectations(t)
		})
	}
}

// ticket is the one that the samples are about.
func ticket(approved bool) *tickets.Ticket {
	t := &tickets.Ticket{Key: "NET-12", Address: "NET-12", Reporter: tickets.Person{ID: "ann"}, Fields: map[string][]string{
		"customfield_10010": {"cn-qingdao"}, "customfield_10011": {"vpc-1"}, "customfield_10020": {"cn-beijing"}, "customfield_10021": {"vpc-2"},
	}}
	if approved {
		t.Approval = &tickets.Decision{By: tickets.Person{ID: "bob"}, At: noon.Add(-time.Minute)}
	}
	return t
}

func mark(k tickets.Kind, details ...string) tickets.Marker {
	return tickets.Marker{Prefix: "vi", ConnectionID: id, Kind: k, Details: details}
}

func recorded() *interconnect.Record {
	return &interconnect.Record{ID: id, Generation: 1, UpdatedAt: noon, Wanted: interconnect.Wanted{By: "jira for ann", At: noon, Connection: &interconnect.Connection{ID: id}}}
}

// planned has the ticket planned, and returns the comment's marker.
func (m *mocks) planned(t *testing.T) tickets.Marker {
	t.Helper()
	m.On("Ticket", "NET-12").Return(ticket(false), nil).Once()
	m.On("Get", id).Return(nil, nil).Once()
	m.On("Said").Return(nil, nil).Once()
	m.On("Plan", id, intake.Asker{Token: "jira"}).Return(&intake.Plan{ID: id, Would: "create", PlanHash: "ab.cd", Policy: &policy.Verdict{Decision: policy.Allowed}, Request: &interconnect.Request{}}, nil).Once()
	var said string
	m.On("Say", mock.MatchedBy(func(mark string) bool { said = mark; return strings.Contains(mark, "/plan/") })).Return(nil).Once()
	_, err := m.invoke(t, "queue-touched.json")
	require.NoError(t, err)
	written, ok := tickets.FindMarker(said)
	require.True(t, ok)
	require.Equal(t, "ab.cd", written.Details[1])
	return written
}

func TestATouchedTicketIsPlannedOnce(t *testing.T) {
	t.Parallel()
	var m mocks
	plan := m.planned(t)
	m.On("Ticket", "NET-12").Return(ticket(false), nil)
	m.On("Get", id).Return(nil, nil)
	m.On("Said").Return([]tickets.Said{{Marker: plan, At: noon}}, nil)
	_, err := m.invoke(t, "queue-touched.json")
	require.NoError(t, err)
	m.AssertExpectations(t)
}

func TestAnApprovedTicketIsAskedForByItsPlanAndItsApprover(t *testing.T) {
	t.Parallel()
	var m mocks
	plan := tickets.Said{Marker: m.planned(t), At: noon.Add(-time.Hour)}
	m.On("Ticket", "NET-12").Return(ticket(true), nil)
	m.On("Said").Return([]tickets.Said{plan}, nil).Once()
	m.On("Get", id).Return(nil, nil).Once()
	m.On("Ask", "ab.cd", intake.Asker{Token: "jira", Approver: "jira:bob"}).Return(&intake.Taken{Record: *recorded(), Changed: true}, nil).Once()
	m.On("Say", mark(tickets.KindAccepted, "1").String()).Return(nil).Once()
	_, err := m.invoke(t, "queue-touched.json")
	require.NoError(t, err)

	m.On("Said").Return([]tickets.Said{plan, {Marker: mark(tickets.KindAccepted, "1"), At: noon}}, nil)
	m.On("Get", id).Return(recorded(), nil)
	_, err = m.invoke(t, "queue-touched.json")
	require.NoError(t, err)
	m.AssertExpectations(t)
}

func TestAnOutcomeIsToldOnceAndKeptWhileNobodyListens(t *testing.T) {
	t.Parallel()
	var m mocks
	accepted := []tickets.Said{{Marker: mark(tickets.KindAccepted, "1"), At: noon}}
	m.On("Get", id).Return(recorded(), nil)
	m.On("Ticket", "NET-12").Return(nil, &tickets.Unreachable{Err: http.ErrServerClosed}).Once()
	m.On("Send", chain.TicketsQueue, chain.TypeStepDone, id, 2*time.Second).Return(nil).Once()
	_, err := m.invoke(t, "queue-outcome.json")
	require.NoError(t, err)

	m.On("Ticket", "NET-12").Return(ticket(true), nil)
	m.On("Said").Return(accepted, nil).Once()
	m.On("Say", mark(tickets.KindStep, "1", "peering").String()).Return(nil).Once()
	_, err = m.invoke(t, "queue-outcome.json")
	require.NoError(t, err)

	m.On("Said").Return(append(accepted, tickets.Said{Marker: mark(tickets.KindStep, "1", "peering"), At: noon}), nil)
	_, err = m.invoke(t, "queue-outcome.json")
	require.NoError(t, err)
	m.AssertExpectations(t)
}

func TestWhatIsNoEventIsBuriedAndOthersConnectionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	var m mocks
	m.On("Send", chain.DeadLettersQueue, "", "", time.Duration(0)).Return(nil).Once()
	_, err := m.invoke(t, "queue-stranger.json")
	require.NoError(t, err)
	m.AssertExpectations(t)

	var down mocks
	down.On("Send", chain.DeadLettersQueue, "", "", time.Duration(0)).Return(http.ErrServerClosed)
	_, err = down.invoke(t, "queue-stranger.json")
	require.ErrorContains(t, err, "burying", "then it is delivered again")
}

func TestTheTimerSweeps(t *testing.T) {
	t.Parallel()
	var m mocks
	other := *recorded()
	other.ID = "orders-to-billing"
	m.On("List").Return([]interconnect.Record{*recorded(), other}, nil)
	m.On("Send", chain.TicketsQueue, tickets.TypeSwept, id, time.Duration(0)).Return(nil)
	for range 2 {
		answer, err := m.invoke(t, "timer.json")
		require.NoError(t, err)
		require.JSONEq(t, `{"sent": ["`+id+`"]}`, string(answer))
	}
	m.AssertExpectations(t)
}

func TestTheEnvironmentIsReadStrictly(t *testing.T) {
	t.Parallel()
	text, err := samples.Files.ReadFile("jira.json")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "tickets.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	good := map[string]string{
		"PREFIX": "vi", "MNS_ENDPOINT": "https://1234567890123456.mns.cn-hangzhou.aliyuncs.com", "TICKETS": string(text),
		"JIRA_WEBHOOK_SECRET": secret, "JIRA_TOKEN": "a token", "POLICY": `{"rules": [{"name": "r", "effect": "forbid"}]}`,
	}
	inv := trigger.Invocation{Region: "cn-hangzhou", FunctionName: "vi-tickets", Credentials: trigger.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}}
	with := func(name, value string) func(string) string {
		return func(n string) string {
			if n == name {
				return value
			}
			return good[n]
		}
	}
	for _, value := range []string{string(text), file} {
		p, err := build(inv, with("TICKETS", value))
		require.NoError(t, err)
		require.Len(t, p.door.Counters, 1)
		require.NotNil(t, p.worker.Counters[tickets.Jira])
	}
	p, err := build(inv, with("TICKETS", ""))
	require.NoError(t, err)
	require.Empty(t, p.door.Counters, "without a configuration nothing is served")
	for name, value := range map[string]string{
		"PREFIX": "", "TICKETS": `{"jira": {}}`, "JIRA_WEBHOOK_SECRET": "horse", "JIRA_TOKEN": "", "POLICY": "{", "MNS_ENDPOINT": "ftp://nowhere",
	} {
		_, err := build(inv, with(name, value))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "horse")
	}
	_, err = build(inv, with("TICKETS", file+".gone"))
	require.ErrorContains(t, err, "TICKETS")
	_, err = function(nil)(context.Background(), trigger.Invocation{}, []byte(`"hello"`))
	require.Error(t, err)
}
