package desk_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/desk"
)

var (
	own = desk.Person{ID: "own", Name: "Own"}
	ann = desk.Person{ID: "ann", Name: "Ann"}
)

// receiver answers deliveries with one status after the other, its last for
// ever.
func receiver(t *testing.T, statuses ...int) (url string, calls *atomic.Int32, last *atomic.Pointer[http.Request]) {
	t.Helper()
	calls, last = &atomic.Int32{}, &atomic.Pointer[http.Request]{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		last.Store(r)
		n := int(calls.Add(1))
		w.WriteHeader(statuses[min(n, len(statuses))-1])
	}))
	t.Cleanup(s.Close)
	return s.URL, calls, last
}

func TestJiraDeliversAgainAfterSomeAnswersOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int
		attempts int32
	}{
		"taken at once":           {[]int{202}, 1},
		"refused for good":        {[]int{401}, 1},
		"ignored":                 {[]int{200}, 1},
		"down, then up":           {[]int{503, 500, 202}, 3},
		"throttled, then taken":   {[]int{429, 202}, 2},
		"in conflict, then taken": {[]int{409, 202}, 2},
		"down for ever":           {[]int{503}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, calls, last := receiver(t, c.statuses...)
			j := desk.NewJira(desk.JiraOptions{Cloud: true, Account: own, Hurry: 30_000})
			t.Cleanup(j.Close)
			j.Hook(url, "secret")
			j.Create(ann, "NET", "Task", "x", nil)
			require.Eventually(t, func() bool { return len(j.Deliveries()) == int(c.attempts) }, 5*time.Second, 5*time.Millisecond)
			time.Sleep(60 * time.Millisecond)
			require.Equal(t, c.attempts, calls.Load())
			ids := map[string]bool{}
			for i, d := range j.Deliveries() {
				require.Equal(t, i, d.Retry)
				ids[d.Header.Get("X-Atlassian-Webhook-Identifier")] = true
			}
			require.Len(t, ids, 1, "repeats have the identifier of the first")
			body, _ := io.ReadAll(last.Load().Body)
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write(body)
			require.Equal(t, "sha256="+hex.EncodeToString(mac.Sum(nil)), last.Load().Header.Get("X-Hub-Signature"))
			var w struct{ WebhookEvent string }
			require.NoError(t, json.Unmarshal(body, &w))
			require.Equal(t, "jira:issue_created", w.WebhookEvent)
		})
	}
}

func TestServiceNowDeliversOnceWhateverTheAnswer(t *testing.T) {
	t.Parallel()
	url, calls, last := receiver(t, 503)
	s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: "p", Table: "sc_req_item"})
	s.Rule(url, "secret")
	s.Create(ann, "VPC connection", nil)
	require.Eventually(t, func() bool { return len(s.Deliveries()) == 1 }, 5*time.Second, 5*time.Millisecond)
	s.Close()
	require.Equal(t, int32(1), calls.Load())
	require.Equal(t, "secret", last.Load().Header.Get("X-Shared-Secret"))
	require.Equal(t, "ServiceNow/1.0", last.Load().Header.Get("User-Agent"))
}

func TestACommentOfOursIsSentBackAsAnyOther(t *testing.T) {
	t.Parallel()
	url, _, _ := receiver(t, 200)
	j := desk.NewJira(desk.JiraOptions{Account: own, Token: "t"})
	t.Cleanup(j.Close)
	key := j.Create(ann, "NET", "Task", "x", nil)
	j.Hook(url, "")
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/rest/api/2/issue/"+key+"/comment", strings.NewReader(`{"body": "hello"}`))
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("Content-Type", "application/json")
	j.ServeHTTP(w, r)
	require.Equal(t, 201, w.Code)
	require.Eventually(t, func() bool { return len(j.Deliveries()) == 2 }, 5*time.Second, 5*time.Millisecond)
	events := map[string]bool{}
	for _, d := range j.Deliveries() {
		events[d.Event] = true
		require.Empty(t, d.Header.Get("X-Hub-Signature"), "without a secret nothing is signed")
	}
	require.Equal(t, map[string]bool{"comment_created": true, "jira:issue_updated": true}, events)
}

func TestJiraRefusesWhatJiraWouldRefuse(t *testing.T) {
	t.Parallel()
	cloud := desk.NewJira(desk.JiraOptions{Cloud: true, Account: own, User: "u", Token: "t", Transitions: map[string]string{"31": "Done"}})
	center := desk.NewJira(desk.JiraOptions{Account: own, Token: "t"})
	for _, j := range []*desk.Jira{cloud, center} {
		require.Equal(t, "NET-1", j.Create(ann, "NET", "Task", "x", nil))
	}
	for name, c := range map[string]struct {
		j                  *desk.Jira
		method, path, body string
		status             int
	}{
		"no such issue":                       {cloud, "GET", "/rest/api/3/issue/NET-9", "", 404},
		"no such version at Data Center":      {center, "GET", "/rest/api/3/issue/NET-1", "", 404},
		"a text where a document belongs":     {cloud, "POST", "/rest/api/3/issue/NET-1/comment", `{"body": "x"}`, 400},
		"a document where a text belongs":     {center, "POST", "/rest/api/2/issue/NET-1/comment", `{"body": {"type": "doc", "version": 1}}`, 400},
		"a document with an unknown part":     {cloud, "POST", "/rest/api/3/issue/NET-1/comment", `{"body": {"type": "doc", "version": 1, "content": [{"type": "blink"}]}}`, 400},
		"an empty text in a document":         {cloud, "POST", "/rest/api/3/issue/NET-1/comment", `{"body": {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}}`, 400},
		"a comment that is too long":          {center, "POST", "/rest/api/2/issue/NET-1/comment", `{"body": "` + strings.Repeat("x", 32768) + `"}`, 400},
		"a transition that there is not":      {cloud, "POST", "/rest/api/3/issue/NET-1/transitions", `{"transition": {"id": "99"}}`, 400},
		"a transition":                        {cloud, "POST", "/rest/api/3/issue/NET-1/transitions", `{"transition": {"id": "31"}}`, 204},
		"a parameter that is not built":       {cloud, "GET", "/rest/api/3/issue/NET-1?properties=x", "", 400},
		"a method that is not built":          {cloud, "DELETE", "/rest/api/3/issue/NET-1", "", 405},
		"a body that is no JSON, said or not": {center, "POST", "/rest/api/2/issue/NET-1/comment", "x", 400},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			if c.j == cloud {
				r.SetBasicAuth("u", "t")
			} else {
				r.Header.Set("Authorization", "Bearer t")
			}
			c.j.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body.String())
		})
	}
}

// get reads JSON from a stand-in.
func get(t *testing.T, h http.Handler, path string, auth func(*http.Request), into any) int {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	auth(r)
	h.ServeHTTP(w, r)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), into))
	return w.Code
}

func TestAnIssuesChangesHaveAnOrder(t *testing.T) {
	t.Parallel()
	for _, newest := range []bool{false, true} {
		j := desk.NewJira(desk.JiraOptions{Account: own, Token: "t", NewestFirst: newest})
		key := j.Create(ann, "NET", "Task", "x", nil)
		j.Move(ann, key, "Approved")
		j.Move(ann, key, "Open")
		var issue struct {
			Changelog struct {
				Histories []struct{ Items []map[string]any }
			}
		}
		get(t, j, "/rest/api/2/issue/"+key+"?expand=changelog", func(r *http.Request) { r.Header.Set("Authorization", "Bearer t") }, &issue)
		require.Len(t, issue.Changelog.Histories, 2)
		first := map[bool]string{false: "Approved", true: "Open"}[newest]
		require.Equal(t, first, issue.Changelog.Histories[0].Items[0]["toString"])
	}
}

func table(t *testing.T, o desk.ServiceNowOptions, query, fields string) (status int, result []map[string]map[string]string) {
	t.Helper()
	o.Account, o.Password, o.Table = own, "p", "sc_req_item"
	s := desk.NewServiceNow(o)
	require.Equal(t, "RITM0000001", s.Create(ann, "VPC connection", map[string]string{"vpc": "vpc-1"}))
	var answer struct {
		Result []map[string]map[string]string `json:"result"`
	}
	status = get(t, s, "/api/now/table/sc_req_item?sysparm_display_value=all&sysparm_fields="+fields+"&sysparm_query="+query, func(r *http.Request) { r.SetBasicAuth(own.ID, "p") }, &answer)
	return status, answer.Result
}

func TestAListThatNothingFits(t *testing.T) {
	t.Parallel()
	for is404, status := range map[bool]int{false: 200, true: 404} {
		got, rows := table(t, desk.ServiceNowOptions{EmptyIs404: is404}, "number=RITM9", "number")
		require.Equal(t, status, got)
		require.Empty(t, rows)
	}
}

func TestVariablesOfACatalogItem(t *testing.T) {
	t.Parallel()
	_, rows := table(t, desk.ServiceNowOptions{}, "number=RITM0000001", "number,variables.vpc")
	require.Equal(t, "vpc-1", rows[0]["variables.vpc"]["value"])
	_, rows = table(t, desk.ServiceNowOptions{NoVariables: true}, "number=RITM0000001", "number,variables.vpc")
	require.NotContains(t, rows[0], "variables.vpc")
	require.Contains(t, rows[0], "number")
}
