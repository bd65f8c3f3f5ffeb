package servicenow_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/servicenow"
)

const (
	password = "password-of-our-account"
	secret   = "a secret of the business rule"
)

var (
	own  = desk.Person{ID: "vpc.interconnect", Name: "VPC Interconnect"}
	ann  = desk.Person{ID: "ann", Name: "Ann"}
	bob  = desk.Person{ID: "bob", Name: "Bob"}
	noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func config() *servicenow.Config {
	return &servicenow.Config{
		URL: "https://example.service-now.com", User: own.ID, Account: own.ID, Table: "sc_req_item", Items: []string{"VPC connection"},
		Request: tickets.Mapping{
			"initiator.regionId": {Field: "variables.r1"}, "initiator.vpcId": {Field: "variables.v1"},
			"acceptor.regionId": {Field: "variables.r2"}, "acceptor.vpcId": {Field: "variables.v2"},
		},
		Approved: tickets.Condition{"approval": {"approved"}}, Closed: tickets.Condition{"state": {"Closed Incomplete", "7"}},
		Done: &servicenow.Done{Fields: map[string]string{"state": "3"}},
	}
}

func open(t *testing.T, change func(c *servicenow.Config)) (*desk.ServiceNow, *servicenow.Desk) {
	t.Helper()
	s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: password, Table: "sc_req_item"})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := config()
	c.URL = server.URL
	if change != nil {
		change(c)
	}
	require.NoError(t, c.Check())
	d, err := servicenow.NewDesk(c, password)
	require.NoError(t, err)
	return s, d
}

func create(s *desk.ServiceNow) string {
	return s.Create(ann, "VPC connection", map[string]string{"r1": "cn-qingdao", "v1": "vpc-1", "r2": "cn-beijing", "v2": "vpc-2"})
}

func read(t *testing.T, d *servicenow.Desk, key string) *tickets.Ticket {
	t.Helper()
	ticket, err := d.Ticket(context.Background(), key, nil)
	require.NoError(t, err)
	require.NotNil(t, ticket)
	return ticket
}

func TestAnItemIsReadWithItsDecisions(t *testing.T) {
	t.Parallel()
	s, d := open(t, nil)
	key := create(s)
	ticket := read(t, d, key)
	require.Equal(t, tickets.Person{ID: "ann", Name: "Ann"}, ticket.Reporter)
	require.Equal(t, []string{"cn-qingdao"}, ticket.Fields["variables.r1"])
	require.Nil(t, ticket.Approval)

	s.Approve(bob, key)
	ticket = read(t, d, key)
	require.Equal(t, tickets.Person{ID: "bob", Name: "Bob"}, ticket.Approval.By)
	require.WithinDuration(t, time.Now(), ticket.Approval.At, time.Minute)
	require.Nil(t, ticket.Closing)

	s.Edit(ann, key, map[string]string{"state": "4", "state!": "Closed Incomplete"})
	ticket = read(t, d, key)
	require.Equal(t, "ann", ticket.Closing.By.ID, "what people see may be configured, too")
	require.NotNil(t, ticket.Approval)
}

func TestAnApprovalByAFieldIsWhoeverSetItAsTheAuditHasIt(t *testing.T) {
	t.Parallel()
	s, d := open(t, func(c *servicenow.Config) { c.Approved = tickets.Condition{"variables.ok": {"yes"}} })
	key := create(s)
	s.Edit(bob, key, map[string]string{"variables.ok": "yes"})
	s.Edit(ann, key, map[string]string{"short_description": "x"})
	require.Equal(t, "bob", read(t, d, key).Approval.By.ID)
}

func TestWhatIsNoneOfOursIsNoTicket(t *testing.T) {
	t.Parallel()
	for _, is404 := range []bool{false, true} {
		s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: password, Table: "sc_req_item", EmptyIs404: is404})
		server := httptest.NewServer(s)
		defer server.Close()
		c := config()
		c.URL = server.URL
		d, err := servicenow.NewDesk(c, password)
		require.NoError(t, err)
		noneOfOurs(t, s, d)
		said, err := d.Said(context.Background(), read(t, d, create(s)))
		require.NoError(t, err)
		require.Empty(t, said, "a new item has no notes, whichever way that is answered")
	}
}

func noneOfOurs(t *testing.T, s *desk.ServiceNow, d *servicenow.Desk) {
	t.Helper()
	for name, key := range map[string]string{"another item": s.Create(ann, "A laptop", nil), "no item": "RITM9999999"} {
		ticket, err := d.Ticket(context.Background(), key, nil)
		require.NoError(t, err, name)
		require.Nil(t, ticket, name)
	}
}

func TestVariablesThatTheInterfaceDoesNotGiveCanBeFieldsOfTheTable(t *testing.T) {
	t.Parallel()
	s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: password, Table: "sc_req_item", NoVariables: true})
	server := httptest.NewServer(s)
	defer server.Close()
	c := config()
	c.URL, c.Request["acceptor.vpcId"] = server.URL, tickets.Source{Field: "u_vpc"}
	d, err := servicenow.NewDesk(c, password)
	require.NoError(t, err)
	key := create(s)
	s.Edit(ann, key, map[string]string{"u_vpc": "vpc-2"})
	ticket := read(t, d, key)
	require.Equal(t, []string{"vpc-2"}, ticket.Fields["u_vpc"])
	_, flaws := c.Request.Request("snow-ritm1", ticket.Fields)
	require.NotEmpty(t, flaws)
	require.Contains(t, flaws[0].Sentence, "It is empty", "what is not given is asked for by name")
}

func TestANoteIsReadAsItWasWrittenAndItsCodeIsNotRun(t *testing.T) {
	t.Parallel()
	for _, journal := range []string{"work_notes", "comments"} {
		s, d := open(t, func(c *servicenow.Config) { c.Journal = journal })
		key := create(s)
		ticket := read(t, d, key)
		c := tickets.Comment{
			Marker: tickets.Marker{Prefix: "vi", ConnectionID: "snow-ritm1", Kind: tickets.KindPlan, Details: []string{"abc", "86110c9a.nc_M-W"}},
			Blocks: []tickets.Block{{Lines: []string{"[code]<script>alert(1)</script>[/CODE]"}}},
		}
		require.NoError(t, d.Say(context.Background(), ticket, c))
		require.NotContains(t, s.Notes(key)[0].Text, "[code]")
		require.NotContains(t, s.Notes(key)[0].Text, "[/CODE]")
		s.Edit(ann, key, map[string]string{journal: "vpc-interconnect/vi/snow-ritm1/plan/abc/99999999.AAAA"})
		said, err := d.Said(context.Background(), ticket)
		require.NoError(t, err)
		require.Len(t, said, 1)
		require.Equal(t, c.Marker, said[0].Marker)
	}
}

func TestAProvenItemIsFinishedOnce(t *testing.T) {
	t.Parallel()
	s, d := open(t, nil)
	key := create(s)
	note, err := d.Finish(context.Background(), read(t, d, key))
	require.NoError(t, err)
	require.Empty(t, note)
	require.Equal(t, "3", s.Value(key, "state"))
	n := len(s.Deliveries())
	_, err = d.Finish(context.Background(), read(t, d, key))
	require.NoError(t, err)
	require.Len(t, s.Deliveries(), n)
}

func TestASystemThatIsDownMayBeUpLater(t *testing.T) {
	t.Parallel()
	s, d := open(t, nil)
	key := create(s)
	ticket := read(t, d, key)
	s.Down(true)
	var down *tickets.Unreachable
	_, err := d.Ticket(context.Background(), key, nil)
	require.ErrorAs(t, err, &down)
	require.ErrorAs(t, d.Say(context.Background(), ticket, tickets.Comment{}), &down)
	require.NotContains(t, err.Error(), password)
}

func TestCallsAreAuthenticBeforeTheyAreRead(t *testing.T) {
	t.Parallel()
	sound := `{"table": "sc_req_item", "number": "RITM0010042", "updated_by": "ann"}`
	for name, c := range map[string]struct {
		secret, body string
		at           time.Time
		key          string
		err          error
		ignored      bool
	}{
		"a sound one":          {secret, sound, noon, "RITM0010042", nil, false},
		"no secret":            {"", sound, noon, "", tickets.ErrStranger, false},
		"a wrong secret":       {secret + "x", sound, noon, "", tickets.ErrStranger, false},
		"an old one":           {secret, sound, noon.Add(-6 * time.Minute), "", tickets.ErrStranger, false},
		"one of the future":    {secret, sound, noon.Add(6 * time.Minute), "", tickets.ErrStranger, false},
		"garbage of strangers": {"", "{", noon, "", tickets.ErrStranger, false},
		"garbage of ours":      {secret, "{", noon, "", tickets.ErrMalformed, false},
		"no number":            {secret, `{"table": "sc_req_item"}`, noon, "", tickets.ErrMalformed, false},
		"another table":        {secret, `{"table": "incident", "number": "INC1"}`, noon, "", nil, true},
		"our own doing":        {secret, `{"table": "sc_req_item", "number": "RITM1", "updated_by": "vpc.interconnect"}`, noon, "", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &servicenow.Gate{Config: config(), Secrets: tickets.Secrets{secret}}
			d, err := g.Receive(http.Header{"X-Shared-Secret": {c.secret}, "X-Timestamp": {strconv.FormatInt(c.at.Unix(), 10)}}, []byte(c.body), noon)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.key, d.Key)
			require.Equal(t, c.ignored, d.Ignored != "")
		})
	}
}

func TestTheConfigurationIsCheckedKeyByKey(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(c *servicenow.Config){
		"url: ":                                 func(c *servicenow.Config) { c.URL = "" },
		"account: ":                             func(c *servicenow.Config) { c.Account = "" },
		"table: ":                               func(c *servicenow.Config) { c.Table = "sc_req_item/../sys_user" },
		"journal: ":                             func(c *servicenow.Config) { c.Journal = "description" },
		"approved: ":                            func(c *servicenow.Config) { c.Approved = nil },
		"done.fields: ":                         func(c *servicenow.Config) { c.Done.Fields = nil },
		"done.fields.state!":                    func(c *servicenow.Config) { c.Done.Fields = map[string]string{"state!": "3"} },
		"done.fields.state: 7 also disconnects": func(c *servicenow.Config) { c.Done.Fields["state"] = "7" },
		"request.initiator.vpcId: ":             func(c *servicenow.Config) { delete(c.Request, "initiator.vpcId") },
	} {
		c := config()
		change(c)
		require.ErrorContains(t, c.Check(), want)
	}
}
