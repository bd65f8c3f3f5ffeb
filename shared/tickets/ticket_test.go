package tickets_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/tickets"
)

func TestAConnectionFindsItsTicketAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		system  tickets.System
		key, id string
	}{
		"an issue of Jira's":                   {tickets.Jira, "NET-12", "jira-net-12"},
		"a project with an underscore":         {tickets.Jira, "NET_OPS-7", "jira-net--ops-7"},
		"a project that ends in an underscore": {tickets.Jira, "A_-1", "jira-a---1"},
		"a requested item of ServiceNow's":     {tickets.ServiceNow, "RITM0010042", "snow-ritm0010042"},
		"a ticket of CloudEvents":              {tickets.CloudEvents, "chg-42", "ce-chg-42"},
		"no issue: lower case":                 {tickets.Jira, "net-12", ""},
		"no issue: a path":                     {tickets.Jira, "NET-12/../13", ""},
		"no issue: number nought":              {tickets.Jira, "NET-0", ""},
		"no item: a query":                     {tickets.ServiceNow, "RITM1^ORnumber=RITM2", ""},
		"no ticket: nothing":                   {tickets.CloudEvents, "", ""},
		"no system":                            {"bugzilla", "NET-12", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, ok := tickets.ConnectionID(c.system, c.key)
			require.Equal(t, c.id, id)
			require.Equal(t, c.id != "", ok)
			if !ok {
				return
			}
			system, key, ok := tickets.TicketOf(id)
			require.True(t, ok)
			require.Equal(t, c.system, system)
			require.Equal(t, c.key, key)
		})
	}
	for _, id := range []string{"orders-to-billing", "jira", "jira-", "jira-net", "jira-net-012", "snow-42", "ce-", "ce-a-"} {
		_, key, ok := tickets.TicketOf(id)
		require.False(t, ok, "%s: %s", id, key)
	}
}

func TestTwoTicketsNeverShareAConnection(t *testing.T) {
	t.Parallel()
	key := rapid.StringMatching(`[A-Z][A-Z0-9_]{0,6}-[1-9][0-9]{0,3}`)
	rapid.Check(t, func(rt *rapid.T) {
		a, b := key.Draw(rt, "a"), key.Draw(rt, "b")
		idA, okA := tickets.ConnectionID(tickets.Jira, a)
		idB, okB := tickets.ConnectionID(tickets.Jira, b)
		if !okA || !okB {
			rt.Fatalf("%s %s", a, b)
		}
		if (a == b) != (idA == idB) {
			rt.Fatalf("%s and %s become %s and %s", a, b, idA, idB)
		}
		if _, back, ok := tickets.TicketOf(idA); !ok || back != a || !interconnect.ValidID(idA) {
			rt.Fatalf("%s comes back as %s", a, back)
		}
	})
}

func TestConditionsDoNotMindHowPeopleType(t *testing.T) {
	t.Parallel()
	c := tickets.Condition{"status": {"Approved"}, "labels": {"network-ok"}}
	for name, f := range map[string]struct {
		fields map[string][]string
		want   bool
	}{
		"the value":            {map[string][]string{"status": {"Approved"}}, true},
		"in lower case":        {map[string][]string{"status": {"approved "}}, true},
		"one of several":       {map[string][]string{"status": {"Open"}, "labels": {"urgent", "network-ok"}}, true},
		"in another field":     {map[string][]string{"summary": {"Approved"}}, false},
		"a part of a value":    {map[string][]string{"status": {"Not Approved"}}, false},
		"nothing":              {nil, false},
		"an empty field of it": {map[string][]string{"status": {""}}, false},
	} {
		require.Equal(t, f.want, c.Met(f.fields), name)
	}
	require.False(t, tickets.Condition(nil).Met(map[string][]string{"status": {"Closed"}}))
}

func TestAMarkerIsFoundInWhateverIsAroundIt(t *testing.T) {
	t.Parallel()
	m := tickets.Marker{Prefix: "vi", ConnectionID: "jira-net-12", Kind: tickets.KindPlan, Details: []string{"0123abcd", "86110c9a.nc_M-W"}}
	require.Equal(t, "vpc-interconnect/vi/jira-net-12/plan/0123abcd/86110c9a.nc_M-W", m.String())
	for name, text := range map[string]string{
		"alone":                  m.String(),
		"below a text":           "Plan: ...\n\n" + m.String(),
		"in wiki text":           "Plan\n\n{noformat}" + m.String() + "{noformat}",
		"below a quoted one":     "vpc-interconnect/vi/jira-net-1/step/1/routes said so\n" + m.String(),
		"with a line break more": m.String() + "\r\n",
	} {
		found, ok := tickets.FindMarker(text)
		require.True(t, ok, name)
		require.Equal(t, m, found, name)
	}
	for _, text := range []string{"", "vpc-interconnect", "vpc-interconnect/vi", "see https://example.com/vpc-interconnect/readme"} {
		_, ok := tickets.FindMarker(text)
		require.False(t, ok, text)
	}
}

func TestValuesAreTakenOutOfWhateverHoldsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		want []string
	}{
		"a text":        {`"cn-qingdao"`, []string{"cn-qingdao"}},
		"an option":     {`{"value": "cn-qingdao", "id": "10100"}`, []string{"cn-qingdao"}},
		"a status":      {`{"name": "Approved", "id": "3"}`, []string{"Approved"}},
		"a number":      {`1024`, []string{"1024"}},
		"a large one":   {`123456789`, []string{"123456789"}},
		"a truth":       {`true`, []string{"true"}},
		"a list":        {`[{"value": "a"}, "b"]`, []string{"a", "b"}},
		"nothing":       {`null`, nil},
		"no JSON":       {`{`, nil},
		"a document":    {`{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "one"}]}, {"type": "paragraph", "content": [{"type": "text", "text": "two"}]}]}`, []string{"one\ntwo"}},
		"an empty one":  {`{"type": "doc", "version": 1, "content": []}`, []string{""}},
		"a stray thing": {`{"self": "https://example.com"}`, nil},
	} {
		require.Equal(t, c.want, tickets.Values([]byte(c.raw)), name)
	}
	deep := ""
	for range 5000 {
		deep += "["
	}
	require.Empty(t, tickets.Values([]byte(deep)))
}
