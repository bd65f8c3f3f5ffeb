package cloudevents_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/cloudevents"
)

const secret = "a secret of the events"

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func config() *cloudevents.Config {
	return &cloudevents.Config{Sources: []string{"/change-desk"}, Request: tickets.Mapping{
		"initiator.regionId": {Field: "r1"}, "initiator.vpcId": {Field: "v1"}, "acceptor.regionId": {Field: "r2"}, "acceptor.vpcId": {Field: "v2"},
	}}
}

func event(data string) string {
	return `{"specversion": "1.0", "id": "1", "source": "/change-desk", "type": "change.updated", "data": ` + data + `}`
}

// signed are the headers of an event.
func signed(body string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return http.Header{"Content-Type": {"application/cloudevents+json; charset=utf-8"}, "X-Timestamp": {stamp},
		"X-Signature": {"sha256=" + hex.EncodeToString(tickets.Sum(secret, []byte(stamp+"."+body)))}}
}

func TestEventsAreAuthenticBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	requested := event(`{"ticket": "chg-42", "state": "requested", "by": {"id": "ann"}, "fields": {"v1": "vpc-1", "description": "` + strings.Repeat("x", 1<<20) + `"}}`)
	for name, c := range map[string]struct {
		body   string
		change func(h http.Header)
		key    string
		err    error
	}{
		"a sound one":              {body: requested, key: "chg-42"},
		"a flipped bit":            {body: requested, change: func(h http.Header) { h.Set("X-Signature", h.Get("X-Signature")[:70]+"0") }, err: tickets.ErrStranger},
		"another time than signed": {body: requested, change: func(h http.Header) { h.Set("X-Timestamp", "1") }, err: tickets.ErrStranger},
		"another type of content":  {body: requested, change: func(h http.Header) { h.Set("Content-Type", "application/json") }, err: tickets.ErrMalformed},
		"garbage":                  {body: "{", err: tickets.ErrMalformed},
		"what no queue can carry":  {body: event("{\"ticket\": \"chg-42\", \"state\": \"requested\", \"fields\": {\"v1\": \"\uFFFE\"}}"), err: tickets.ErrMalformed},
		"another version":          {body: strings.Replace(requested, "1.0", "0.3", 1), err: tickets.ErrMalformed},
		"another source":           {body: strings.Replace(requested, "/change-desk", "/elsewhere", 1)},
		"another state":            {body: event(`{"ticket": "chg-42", "state": "assigned"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := signed(c.body, noon)
			if c.change != nil {
				c.change(h)
			}
			d, err := (&cloudevents.Gate{Config: config(), Secrets: tickets.Secrets{secret}}).Receive(h, []byte(c.body), noon)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.key, d.Key)
			require.Equal(t, c.key == "", d.Ignored != "")
			require.Less(t, len(d.Event), 1000, "what is not mapped does not travel")
		})
	}
	_, err := (&cloudevents.Gate{Config: config(), Secrets: tickets.Secrets{secret}}).Receive(signed(requested, noon.Add(-time.Hour)), []byte(requested), noon)
	require.ErrorIs(t, err, tickets.ErrStranger)
}

func TestAnEventIsTheTicket(t *testing.T) {
	t.Parallel()
	d, err := cloudevents.NewDesk(config(), tickets.Secrets{secret}, "vi")
	require.NoError(t, err)
	ticket, err := d.Ticket(context.Background(), "chg-42", json.RawMessage(`{"state": "approved", "by": {"id": "bob"}, "reporter": {"id": "ann", "name": "Ann"}, "planHash": "ab.cd", "fields": {"v1": "vpc-1"}}`))
	require.NoError(t, err)
	require.Equal(t, "Ann", ticket.Reporter.Name)
	require.Equal(t, &tickets.Decision{By: tickets.Person{ID: "bob"}, PlanHash: "ab.cd"}, ticket.Approval)
	require.Equal(t, []string{"vpc-1"}, ticket.Fields["v1"])
	ticket, err = d.Ticket(context.Background(), "chg-42", json.RawMessage(`{"state": "closed", "by": {"id": "bob"}}`))
	require.NoError(t, err)
	require.NotNil(t, ticket.Closing)
	ticket, err = d.Ticket(context.Background(), "chg-42", nil)
	require.NoError(t, err)
	require.Nil(t, ticket.Approval)
}

func TestAPlanGoesBackSignedWithItsHash(t *testing.T) {
	t.Parallel()
	var got struct {
		ID, Subject, Type string
		Data              map[string]string
	}
	var header http.Header
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	c := config()
	c.URL = server.URL + "/events"
	require.NoError(t, c.Check())
	d, err := cloudevents.NewDesk(c, tickets.Secrets{secret}, "vi")
	require.NoError(t, err)
	m := tickets.Marker{Prefix: "vi", ConnectionID: "ce-chg-42", Kind: tickets.KindPlan, Details: []string{"abc", "ab.cd"}}
	require.NoError(t, d.Say(context.Background(), &tickets.Ticket{Key: "chg-42"}, tickets.Comment{Marker: m, Blocks: []tickets.Block{{Lines: []string{"Plan"}}}}))
	require.NoError(t, json.Unmarshal(body, &got))
	require.Equal(t, m.String(), got.ID, "repeats are told by it")
	require.Equal(t, "chg-42", got.Subject)
	require.Equal(t, map[string]string{"ticket": "chg-42", "connectionId": "ce-chg-42", "kind": "plan", "text": "Plan", "planHash": "ab.cd"}, got.Data)
	require.True(t, tickets.Secrets{secret}.Signed(header.Get("X-Signature"), []byte(header.Get("X-Timestamp")+"."+string(body))))
	require.Equal(t, "application/cloudevents+json", header.Get("Content-Type"))
}

func TestTheConfigurationIsCheckedKeyByKey(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(c *cloudevents.Config){
		"url: ":              func(c *cloudevents.Config) { c.URL = "http://example.com" },
		"sources: ":          func(c *cloudevents.Config) { c.Sources = nil },
		"request.acceptor.v": func(c *cloudevents.Config) { delete(c.Request, "acceptor.vpcId") },
	} {
		c := config()
		change(c)
		require.ErrorContains(t, c.Check(), want)
	}
}
