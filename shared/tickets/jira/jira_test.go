package jira_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/jira"
)

const (
	token  = "token-of-our-account"
	secret = "a secret of the webhook"
)

var (
	own  = desk.Person{ID: "557058:own", Name: "VPC Interconnect"}
	ann  = desk.Person{ID: "ann", Name: "Ann"}
	bob  = desk.Person{ID: "bob", Name: "Bob"}
	noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func config(edition string) *jira.Config {
	c := &jira.Config{
		URL: "https://example.atlassian.net", Edition: edition, Account: own.ID, Projects: []string{"NET"}, IssueTypes: []string{"VPC connection"},
		Request: tickets.Mapping{
			"initiator.regionId": {Field: "customfield_1"}, "initiator.vpcId": {Field: "customfield_2"},
			"acceptor.regionId": {Field: "customfield_3"}, "acceptor.vpcId": {Field: "customfield_4"},
		},
		Approved: tickets.Condition{"status": {"Approved"}, "labels": {"network-ok"}}, Closed: tickets.Condition{"status": {"Cancelled"}},
		Done: &jira.Done{Transition: "31", Status: "Done"},
	}
	if edition == "cloud" {
		c.User = "own@example.com"
	}
	return c
}

// both runs a test with each edition's stand-in.
func both(t *testing.T, test func(t *testing.T, j *desk.Jira, d *jira.Desk)) {
	for _, edition := range []string{"cloud", "datacenter"} {
		t.Run(edition, func(t *testing.T) {
			t.Parallel()
			j := desk.NewJira(desk.JiraOptions{Cloud: edition == "cloud", NewestFirst: edition == "cloud", Account: own, User: "own@example.com", Token: token, Transitions: map[string]string{"31": "Done"}})
			server := httptest.NewServer(j)
			t.Cleanup(server.Close)
			c := config(edition)
			c.URL = server.URL
			require.NoError(t, c.Check())
			d, err := jira.NewDesk(c, token)
			require.NoError(t, err)
			test(t, j, d)
		})
	}
}

func create(j *desk.Jira) string {
	return j.Create(ann, "NET", "VPC connection", "<script>alert(1)</script>", map[string]any{
		"customfield_1": map[string]any{"value": "cn-qingdao"}, "customfield_2": "vpc-1", "customfield_3": map[string]any{"value": "cn-beijing"}, "customfield_4": "vpc-2",
		"description": strings.Repeat("x", 1<<20),
	})
}

func read(t *testing.T, d *jira.Desk, key string) *tickets.Ticket {
	t.Helper()
	ticket, err := d.Ticket(context.Background(), key, nil)
	require.NoError(t, err)
	require.NotNil(t, ticket)
	return ticket
}

func TestAnIssueIsReadWithItsDecisions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		ticket := read(t, d, key)
		require.Equal(t, tickets.Person{ID: "ann", Name: "Ann"}, ticket.Reporter)
		require.Equal(t, []string{"cn-qingdao"}, ticket.Fields["customfield_1"])
		require.NotContains(t, ticket.Fields, "description", "it is not even read")
		require.Nil(t, ticket.Approval)
		require.Nil(t, ticket.Closing)

		before := time.Now().Add(-time.Second)
		j.Move(bob, key, "Approved")
		ticket = read(t, d, key)
		require.Equal(t, tickets.Person{ID: "bob", Name: "Bob"}, ticket.Approval.By)
		require.True(t, ticket.Approval.At.After(before))

		j.Edit(ann, key, map[string]any{"customfield_4": "vpc-3"})
		again := read(t, d, key)
		require.Equal(t, ticket.Approval, again.Approval, "another change is not another approval")

		j.Move(ann, key, "Cancelled")
		ticket = read(t, d, key)
		require.Nil(t, ticket.Approval)
		require.Equal(t, "ann", ticket.Closing.By.ID)
	})
}

func TestALabelIsApprovedByWhoAddedItNotByWhoAddedAnother(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		j.Edit(bob, key, map[string]any{"labels": []string{"network-ok"}})
		j.Edit(ann, key, map[string]any{"labels": []string{"network-ok", "urgent"}})
		require.Equal(t, "bob", read(t, d, key).Approval.By.ID)
		j.Edit(ann, key, map[string]any{"labels": []string{"urgent"}})
		require.Nil(t, read(t, d, key).Approval)
	})
}

func TestWhatIsNoneOfOursIsNoTicket(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		for name, key := range map[string]string{
			"another project": j.Create(ann, "HR", "VPC connection", "x", nil), "another type": j.Create(ann, "NET", "Bug", "x", nil), "no issue": "NET-404",
		} {
			ticket, err := d.Ticket(context.Background(), key, nil)
			require.NoError(t, err, name)
			require.Nil(t, ticket, name)
		}
	})
}

func TestACommentIsReadAsItWasWrittenWhateverIsInIt(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		ticket := read(t, d, key)
		nasty := `<script>alert(1)</script> {code}x{code} *bold* [link|http://x] !img! @bob \\ h1. {noformat} -strike- {color:red}`
		c := tickets.Comment{
			Marker: tickets.Marker{Prefix: "vi", ConnectionID: "jira-net-1", Kind: tickets.KindPlan, Details: []string{"abc", "86110c9a.nc_M-W"}},
			Blocks: []tickets.Block{{Lines: []string{nasty}}, {List: true, Lines: []string{"one " + nasty, "two"}}},
		}
		require.NoError(t, d.Say(context.Background(), ticket, c))
		shown := j.Comments(key)[0].Text
		require.Contains(t, strings.ReplaceAll(shown, "{noformat}", ""), strings.ReplaceAll(nasty, "{noformat}", ""))
		require.Contains(t, shown, "* one")

		// Markers that others write do not count.
		j.Say(ann, key, "vpc-interconnect/vi/jira-net-1/plan/abc/99999999.AAAA")
		said, err := d.Said(context.Background(), ticket)
		require.NoError(t, err)
		require.Len(t, said, 1)
		require.Equal(t, c.Marker, said[0].Marker)
		require.WithinDuration(t, time.Now(), said[0].At, time.Minute)
	})
}

func TestAllCommentsAreReadHoweverMany(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		ticket := read(t, d, key)
		for range 130 {
			j.Say(ann, key, "chat")
		}
		require.NoError(t, d.Say(context.Background(), ticket, tickets.Comment{Marker: tickets.Marker{Prefix: "vi", ConnectionID: "a", Kind: tickets.KindAccepted, Details: []string{"1"}}, Blocks: []tickets.Block{{Lines: []string{"x"}}}}))
		for range 130 {
			j.Say(ann, key, "chat")
		}
		said, err := d.Said(context.Background(), ticket)
		require.NoError(t, err)
		require.Len(t, said, 1)
	})
}

func TestAProvenIssueIsMovedOnceAndWhatKeepsItIsSaid(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		note, err := d.Finish(context.Background(), read(t, d, key))
		require.NoError(t, err)
		require.Empty(t, note)
		require.Equal(t, "Done", j.Status(key))
		note, err = d.Finish(context.Background(), read(t, d, key))
		require.NoError(t, err)
		require.Empty(t, note)
		stale := read(t, d, key)
		stale.Fields["status"] = []string{"Approved"} // somebody else moved it meanwhile
		note, err = d.Finish(context.Background(), stale)
		require.NoError(t, err)
		require.Contains(t, note, "could not be moved to Done")
	})
}

func TestASystemThatIsDownMayBeUpLater(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, j *desk.Jira, d *jira.Desk) {
		key := create(j)
		ticket := read(t, d, key)
		j.Down(true)
		var down *tickets.Unreachable
		_, err := d.Ticket(context.Background(), key, nil)
		require.ErrorAs(t, err, &down)
		require.Equal(t, time.Second, down.After)
		_, err = d.Said(context.Background(), ticket)
		require.ErrorAs(t, err, &down)
		_, err = d.Finish(context.Background(), ticket)
		require.ErrorAs(t, err, &down)
	})
	c := config("datacenter")
	c.URL = "http://127.0.0.1:1"
	d, err := jira.NewDesk(c, token)
	require.NoError(t, err)
	var down *tickets.Unreachable
	_, err = d.Ticket(context.Background(), "NET-1", nil)
	require.ErrorAs(t, err, &down)
	require.NotContains(t, err.Error(), token)
}

func TestAWrongTokenIsAnErrorThatDoesNotShowIt(t *testing.T) {
	t.Parallel()
	j := desk.NewJira(desk.JiraOptions{Account: own, Token: token})
	server := httptest.NewServer(j)
	defer server.Close()
	c := config("datacenter")
	c.URL = server.URL
	d, err := jira.NewDesk(c, "another token")
	require.NoError(t, err)
	_, err = d.Ticket(context.Background(), "NET-1", nil)
	require.ErrorContains(t, err, "401")
	require.NotContains(t, err.Error(), "another token")
}

func TestARedirectIsNotFollowedWithOurCredentials(t *testing.T) {
	t.Parallel()
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer server.Close()
	c := config("datacenter")
	c.URL = server.URL
	d, err := jira.NewDesk(c, token)
	require.NoError(t, err)
	_, err = d.Ticket(context.Background(), "NET-1", nil)
	require.ErrorContains(t, err, "302")
	require.False(t, followed)
}

// webhook is a sound one, changed as a test wants it.
func webhook(change func(map[string]any)) []byte {
	w := map[string]any{
		"timestamp": noon.UnixMilli(), "webhookEvent": "jira:issue_updated", "issue_event_type_name": "issue_generic", "user": map[string]any{"accountId": "ann"},
		"issue": map[string]any{"id": "1", "key": "NET-12", "fields": map[string]any{"project": map[string]any{"key": "NET"}, "issuetype": map[string]any{"name": "VPC connection"}, "summary": "<script>"}},
	}
	if change != nil {
		change(w)
	}
	body, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	return body
}

func TestWebhooksAreAuthenticBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	issue := func(w map[string]any) map[string]any { return w["issue"].(map[string]any) }
	for name, c := range map[string]struct {
		body   []byte
		sign   func(body []byte) string // nil: rightly
		key    string
		err    error
		ignore string
	}{
		"a sound one":         {body: webhook(nil), key: "NET-12"},
		"one that came late":  {body: webhook(func(w map[string]any) { w["timestamp"] = noon.Add(-75 * time.Minute).UnixMilli() }), key: "NET-12"},
		"one of yesterday":    {body: webhook(func(w map[string]any) { w["timestamp"] = noon.Add(-24 * time.Hour).UnixMilli() }), err: tickets.ErrStranger},
		"one of tomorrow":     {body: webhook(func(w map[string]any) { w["timestamp"] = noon.Add(24 * time.Hour).UnixMilli() }), err: tickets.ErrStranger},
		"one without a time":  {body: webhook(func(w map[string]any) { delete(w, "timestamp") }), err: tickets.ErrStranger},
		"no signature":        {body: webhook(nil), sign: func([]byte) string { return "" }, err: tickets.ErrStranger},
		"another's signature": {body: webhook(nil), sign: func(b []byte) string { return "sha256=" + hex.EncodeToString(tickets.Sum("another secret, long", b)) }, err: tickets.ErrStranger},
		"unsigned garbage":    {body: []byte("{"), sign: func([]byte) string { return "sha256=00" }, err: tickets.ErrStranger},
		"signed garbage":      {body: []byte("{"), err: tickets.ErrMalformed},
		"no issue":            {body: webhook(func(w map[string]any) { delete(w, "issue") }), err: tickets.ErrMalformed},
		"our own doing":       {body: webhook(func(w map[string]any) { w["user"] = map[string]any{"accountId": own.ID} }), ignore: "our own"},
		"a comment":           {body: webhook(func(w map[string]any) { w["webhookEvent"] = "comment_created" }), ignore: "nothing is done"},
		"another project":     {body: webhook(func(w map[string]any) { issue(w)["fields"].(map[string]any)["project"] = map[string]any{"key": "HR"} }), ignore: "another project"},
		"another type": {body: webhook(func(w map[string]any) {
			issue(w)["fields"].(map[string]any)["issuetype"] = map[string]any{"name": "Bug"}
		}), ignore: "another type"},
		"a megabyte of text": {body: webhook(func(w map[string]any) {
			issue(w)["fields"].(map[string]any)["description"] = strings.Repeat("x", 1<<20)
		}), key: "NET-12"},
		"fields that are no such": {body: webhook(func(w map[string]any) { issue(w)["fields"] = "none" }), err: tickets.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &jira.Gate{Config: config("cloud"), Secrets: tickets.Secrets{"an older one, still taken", secret}}
			sign := c.sign
			if sign == nil {
				sign = func(b []byte) string { return "sha256=" + hex.EncodeToString(tickets.Sum(secret, b)) }
			}
			d, err := g.Receive(http.Header{"X-Hub-Signature": {sign(c.body)}}, c.body, noon)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.key, d.Key)
			require.Contains(t, d.Ignored, c.ignore)
			require.Equal(t, c.ignore != "", d.Ignored != "")
			require.Empty(t, d.Event, "nothing of it is believed but the key")
		})
	}
}

func TestTheConfigurationIsCheckedKeyByKey(t *testing.T) {
	t.Parallel()
	require.NoError(t, func() error { c := config("cloud"); return c.Check() }())
	for want, change := range map[string]func(c *jira.Config){
		"url: ":                    func(c *jira.Config) { c.URL = "http://jira.example.com" },
		"url: \"ftp":               func(c *jira.Config) { c.URL = "ftp://jira.example.com" },
		"url: \"https://a:b@":      func(c *jira.Config) { c.URL = "https://a:b@jira.example.com" },
		"edition: ":                func(c *jira.Config) { c.Edition = "server" },
		"user: Jira Cloud":         func(c *jira.Config) { c.User = "" },
		"user: Data Center":        func(c *jira.Config) { c.Edition = "datacenter" },
		"account: ":                func(c *jira.Config) { c.Account = "" },
		"projects: ":               func(c *jira.Config) { c.Projects = nil },
		"approved: ":               func(c *jira.Config) { c.Approved = nil },
		"done: ":                   func(c *jira.Config) { c.Done.Transition = "" },
		"done.status: Done":        func(c *jira.Config) { c.Closed = tickets.Condition{"status": {"done"}} },
		"request.acceptor.vpcId: ": func(c *jira.Config) { delete(c.Request, "acceptor.vpcId") },
	} {
		c := config("cloud")
		change(c)
		require.ErrorContains(t, c.Check(), want)
	}
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, strings.Repeat("<html>", 100_000))
	}))
	defer server.Close()
	c := config("datacenter")
	c.URL = server.URL
	d, err := jira.NewDesk(c, token)
	require.NoError(t, err)
	_, err = d.Ticket(context.Background(), "NET-1", nil)
	require.Less(t, len(err.Error()), 600)
	require.True(t, errors.As(err, new(*tickets.Unreachable)))
}
