package intake_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

func TestAConnectionIsShownWithWhatExistsIsMissingAndIsForeign(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined("by hand", "Mini.2")
	h.route("vtb-1", "172.16.0.0/16", ours, "ri-1")
	h.route("vtb-1", "10.9.0.0/16", ours, "ri-1") // nobody wants it any more
	a := h.do("GET", "/connections/a", "")
	require.Len(t, a.History, 1)
	require.NotNil(t, a.Live)
	require.Equal(t, h.time, a.Live.At)
	require.Equal(t, []string{"172.16.0.0/16"}, a.Live.Acceptor.CidrBlocks)
	require.Equal(t, "vsw-1", a.Live.Initiator.VSwitches[0].ID)
	require.Len(t, a.Live.Initiator.RouteTables[0].Routes, 2)
	require.True(t, a.Live.Initiator.RouteTables[0].Connected)
	require.Equal(t, map[string]int{"router-interface": 2, "route": 1}, kinds(a.Live.Things))
	require.Equal(t, map[string]int{"router-interface": 2}, kinds(a.Live.Foreign), "somebody else made them, and we use them")
	require.Len(t, a.Live.Missing, 1)
	require.Equal(t, "vtb-2", a.Live.Missing[0].In)
	require.Len(t, a.Live.Leftovers, 1)
	require.Equal(t, "10.9.0.0/16", a.Live.Leftovers[0].What)

	h.calls = nil
	a = h.do("GET", "/connections/a?live=false", "")
	require.Nil(t, a.Live)
	require.Empty(t, h.calls, "the cloud is not asked")
}

func TestWhatCannotBeReadIsSaidAndNotTakenToBeMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.fail["RouterInterfaces cn-beijing"] = &interconnect.CloudError{Class: interconnect.Denied, Action: "DescribeRouterInterfaces", Code: "Forbidden.RAM"}
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, 200, a.status)
	require.Contains(t, a.Live.Problems[0], "Forbidden.RAM")
	require.Empty(t, a.Live.Missing)

	delete(h.fail, "RouterInterfaces cn-beijing")
	delete(h.vpcs, "cn-beijing/vpc-2") // somebody deleted it
	h.fail["VSwitches cn-beijing"] = &interconnect.CloudError{Class: interconnect.Gone, Action: "DescribeVSwitches", Code: "InvalidVpcId.NotFound"}
	h.vpcs["cn-beijing/vpc-2"] = nil
	require.Equal(t, 200, h.do("GET", "/connections/a?live=false", "").status)
}

func TestAfterADisconnectWhatIsLeftIsShown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined(ours, "Mini.2")
	h.route("vtb-1", "172.16.0.0/16", ours, "ri-1")
	h.do("DELETE", "/connections/a", "")
	a := h.do("GET", "/connections/a", "")
	require.Empty(t, a.Live.Missing)
	require.Equal(t, map[string]int{"router-interface": 2, "route": 1}, kinds(a.Live.Leftovers))
}

func TestACheckIsStartedOnRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusConflict, h.do("POST", "/connections/a/verifications", "").status, "it is not made yet")
	h.end("a", interconnect.Connect, interconnect.VerdictBlocked)
	a := h.do("POST", "/connections/a/verifications", "")
	require.Equal(t, http.StatusAccepted, a.status)
	last := h.sent[len(h.sent)-1]
	require.Equal(t, "verification", h.sentQueues[len(h.sent)-1])
	require.Equal(t, chain.Message{Schema: 1, ConnectionID: "a", Generation: 1, Action: interconnect.Verify, Trace: last.Trace}, last)
	require.Contains(t, a.body, last.Trace)
	require.Equal(t, http.StatusNotFound, h.do("POST", "/connections/b/verifications", "").status)

	h.fail["Send"] = errors.New("no queue")
	require.Equal(t, http.StatusServiceUnavailable, h.do("POST", "/connections/a/verifications", "").status)
}

func (h *house) list(query string) ([]string, intake.List) {
	h.t.Helper()
	a := h.do("GET", "/connections"+query, "")
	require.Equal(h.t, 200, a.status, a.body)
	var list intake.List
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &list))
	ids := []string{}
	for _, c := range list.Connections {
		ids = append(ids, c.ID)
	}
	return ids, list
}

func TestAListIsNarrowedDownAndPaged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.do("POST", "/connections", other)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	for query, want := range map[string][]string{
		"": {"a", "b"}, "?state=Connected": {"a"}, "?state=Pending": {"b"}, "?state=Failed": {}, "?region=cn-beijing": {"a", "b"}, "?region=cn-x": {},
		"?vpc=vpc-3": {"b"}, "?vpc=vpc-1&state=Pending": {"b"}, "?after=a": {"b"}, "?after=b": {},
	} {
		ids, _ := h.list(query)
		require.Equal(t, want, ids, query)
	}
	ids, list := h.list("?limit=1&region=cn-beijing")
	require.Equal(t, []string{"a"}, ids)
	ids, list = h.list(strings.TrimPrefix(list.Next, "/connections"))
	require.Equal(t, []string{"b"}, ids)
	require.Empty(t, list.Next)
	for _, bad := range []string{"?limit=0", "?limit=501", "?limit=x", "?state=connected", "?states=Connected", "?limit=1&limit=2", "?region=%zz"} {
		require.Equal(t, http.StatusBadRequest, h.do("GET", "/connections"+bad, "").status, bad)
	}
}

func TestATokenThatMayOnlyReadChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.Tokens = append(h.Tokens, intake.Token{Name: "viewer", Hash: sha256.Sum256([]byte("peek")), ReadOnly: true})
	before := len(h.sent)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/connections", "", 200}, {"GET", "/connections/a", "", 200}, {"GET", "/openapi.json", "", 200},
		{"POST", "/connections?dryRun=true", changed, 200},
		{"POST", "/connections", changed, 403}, {"POST", "/connections?dryRun=false", changed, 403}, {"DELETE", "/connections/a", "", 403}, {"POST", "/connections/a/verifications", "", 403},
		{"POST", "/connections?dryRun=yes", changed, 400},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Authorization", "Bearer peek")
		require.Equal(t, c.status, h.ask(r).status, "%s %s", c.method, c.path)
	}
	require.Len(t, h.sent, before)
	require.Equal(t, 1, h.records["a"].Generation)
}

func TestTokensHaveRoles(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0a", 32)
	tokens, err := intake.ParseTokens("one:read-only:" + sum + ",two:read-write:" + sum + ",three:" + sum)
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, false}, []bool{tokens[0].ReadOnly, tokens[1].ReadOnly, tokens[2].ReadOnly})
	for _, bad := range []string{"one:admin:" + sum, "one::" + sum, "one:read-only:", "one:read-only:x:" + sum} {
		_, err = intake.ParseTokens(bad)
		require.Error(t, err, bad)
	}
}

func TestNothingOfTheInputIsReflectedAsHTML(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	deep := strings.Repeat(`{"initiator":`, 5000) + "1" + strings.Repeat("}", 5000)
	for name, body := range map[string]string{
		"HTML in an id":        strings.Replace(tutorial, `"a"`, `"<script>alert(1)</script>"`, 1),
		"HTML in a field":      `{"<img src=x onerror=alert(1)>": 1}`,
		"control characters":   strings.Replace(tutorial, `"a"`, `"a\u0000\u001b[31m\u202e"`, 1),
		"deeply nested":        deep,
		"a body of 5 MB":       `{"id": "` + strings.Repeat("a", 5<<20) + `"}`,
		"raw control bytes":    "{\"id\": \"a\x00\"}",
		"something else":       "[1, 2]",
		"an HTML VPC":          strings.Replace(tutorial, "vpc-1", "<b>vpc</b>", 1),
		"an unknown in a side": strings.Replace(tutorial, `"vpcId"`, `"<i>"`, 1),
	} {
		a := h.do("POST", "/connections", body)
		require.GreaterOrEqual(t, a.status, 400, name)
		require.Less(t, a.status, 500, name)
		require.NotContains(t, a.body, "<", name)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	}
	require.NotContains(t, h.do("GET", "/connections/%3Cscript%3E", "").body, "<")
	require.NotContains(t, h.do("GET", "/connections?%3Cscript%3E=1", "").body, "<")
	require.Empty(t, h.records)
}

func TestTwoHundredConnectionsAreListedFast(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", opening)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	for i := range 200 {
		rec := *h.records["a"]
		rec.ID = fmt.Sprintf("c-%03d", i)
		h.records[rec.ID] = &rec
	}
	r := httptest.NewRequest("GET", "/connections", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	began := time.Now()
	h.ServeHTTP(httptest.NewRecorder(), r)
	require.Less(t, time.Since(began), time.Second)
	ids, list := h.list("")
	require.Len(t, ids, 201)
	require.Empty(t, list.Next)
}
