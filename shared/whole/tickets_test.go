package whole_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/samples"
)

const hookSecret = "the secret of the webhook"

var (
	bot = desk.Person{ID: "557058:vpc-interconnect", Name: "VPC Interconnect"}
	ann = desk.Person{ID: "ann", Name: "Ann"}
	bob = desk.Person{ID: "bob", Name: "Bob"}
)

// jiraCloud is a local cloud beside a stand-in for Jira, both configured by the
// sample.
type jiraCloud struct {
	*cloud
	*desk.Jira
}

func withJira(t *testing.T, start func(*testing.T, stack.Options) *cloud) *jiraCloud {
	t.Helper()
	j := desk.NewJira(desk.JiraOptions{Cloud: true, Account: bot, User: "vpc-interconnect@example.com", Token: "token", Transitions: map[string]string{"31": "Done"}, Hurry: 100})
	server := httptest.NewServer(j)
	t.Cleanup(server.Close)
	t.Cleanup(j.Close)
	text, err := samples.Files.ReadFile("jira.json")
	require.NoError(t, err)
	c := start(t, stack.Options{Variables: map[string]string{
		"TICKETS": strings.Replace(string(text), "https://example.atlassian.net", server.URL, 1), "JIRA_TOKEN": "token", "JIRA_WEBHOOK_SECRET": hookSecret,
	}})
	j.Hook(c.Functions.URL("tickets")+"/tickets/jira", hookSecret)
	return &jiraCloud{c, j}
}

// order makes a ticket about the tutorial's two VPCs.
func (j *jiraCloud) order(change map[string]any) (key string) {
	fields := map[string]any{
		"customfield_10010": map[string]any{"value": "cn-qingdao"}, "customfield_10011": vpc1, "customfield_10013": group1, "customfield_10014": "ICMP",
		"customfield_10020": map[string]any{"value": "cn-beijing"}, "customfield_10021": vpc2, "customfield_10023": group2, "customfield_10024": "ICMP",
	}
	for k, v := range change {
		fields[k] = v
	}
	return j.Create(ann, "NET", "VPC connection", "<script>alert(1)</script>", fields)
}

// kinds are what our comments on a ticket are, the oldest first; a step's and a
// verdict's is what it is about.
func (j *jiraCloud) kinds(key string) (out []string) {
	for _, n := range j.Comments(key) {
		m, ok := tickets.FindMarker(n.Text)
		switch {
		case !ok || n.By != bot:
		case m.Kind == tickets.KindStep, m.Kind == tickets.KindVerdict:
			out = append(out, m.Details[1])
		default:
			out = append(out, string(m.Kind))
		}
	}
	return out
}

// says waits until a ticket's comments contain all of some kinds.
func (j *jiraCloud) says(key string, within time.Duration, kinds ...string) {
	j.t.Helper()
	require.Eventually(j.t, func() bool {
		got := j.kinds(key)
		for _, k := range kinds {
			if i := slices.Index(got, k); i < 0 {
				return false
			} else {
				got = slices.Delete(got, i, i+1)
			}
		}
		return true
	}, within, 100*time.Millisecond, "of %v there is %v", kinds, j.kinds(key))
}

// approves is what somebody does who has read the plan.
func (j *jiraCloud) approves(key string) {
	time.Sleep(20 * time.Millisecond)
	j.Move(bob, key, "Approved")
}

// once asserts that no comment is there twice.
func (j *jiraCloud) once(key string) {
	j.t.Helper()
	seen := map[string]bool{}
	for _, n := range j.Comments(key) {
		m, _ := tickets.FindMarker(n.Text)
		require.False(j.t, seen[m.String()], "%s is there twice", m)
		seen[m.String()] = true
	}
}

// deliver posts a body to the function, signed, as Jira would.
func (j *jiraCloud) deliver(path string, body []byte, header http.Header) (status int, took time.Duration) {
	j.t.Helper()
	began := time.Now()
	r, err := http.NewRequest("POST", j.Functions.URL("tickets")+path, bytes.NewReader(body))
	require.NoError(j.t, err)
	r.Header = header
	res, err := http.DefaultClient.Do(r)
	require.NoError(j.t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(j.t, err)
	return res.StatusCode, time.Since(began)
}

func sign(body []byte) http.Header {
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	return http.Header{"Content-Type": {"application/json"}, "X-Hub-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
}

var made = []string{"plan", "accepted", "peering", "routes", "security-groups", "connected"}

func TestATicketIsPlannedApprovedConnectedAndClosed(t *testing.T) {
	t.Parallel()
	j := withJira(t, calm)
	key := j.order(map[string]any{"description": strings.Repeat("x", 1<<20)})
	j.says(key, 20*time.Second, "plan")
	require.Empty(t, j.changes(), "nothing is made before it is approved")
	plan := j.Comments(key)[0].Text
	require.Contains(t, plan, vpc1)
	require.Contains(t, plan, "i-m5e1qingdao000000ecs1 to i-2ze2beijing000000ecs2 (172.16.1.10) on ICMP")

	j.approves(key)
	j.says(key, 60*time.Second, made...)
	require.Equal(t, made, j.kinds(key), "the oldest first")
	require.Equal(t, "Done", j.Status(key))
	r := j.ask("GET", "/connections/jira-net-1", "")
	require.Equal(t, interconnect.StateConnected, r.State)
	require.Equal(t, "jira for Ann", r.RequestedBy)

	j.wrongDeliveries()

	j.Move(ann, key, "Cancelled")
	j.says(key, 20*time.Second, append(slices.Clone(made), "accepted")...)
	require.Equal(t, interconnect.StateDisconnecting, j.ask("GET", "/connections/jira-net-1?live=false", "").State)
	if *long { // that nothing is left is certain after a minute only
		j.says(key, 3*time.Minute, "disconnected")
		j.asBefore()
	}
	j.once(key)
	for _, d := range j.Deliveries() {
		require.Contains(t, []int{200, 202}, d.Status)
		if raced == "" {
			require.Less(t, d.Elapsed, 2*time.Second) // a second, and a cold start on a busy machine
		}
	}
}

// wrongDeliveries sends what must be refused, or must do no harm.
func (j *jiraCloud) wrongDeliveries() {
	t := j.t
	t.Helper()
	sound := j.Deliveries()[0].Body
	change := func(f func(map[string]any)) []byte {
		var w map[string]any
		require.NoError(t, json.Unmarshal(sound, &w))
		f(w)
		body, err := json.Marshal(w)
		require.NoError(t, err)
		return body
	}
	flipped := slices.Clone(sound)
	flipped[len(flipped)/2] ^= 1
	old := change(func(w map[string]any) { w["timestamp"] = time.Now().Add(-24 * time.Hour).UnixMilli() })
	foreign := change(func(w map[string]any) {
		w["issue"].(map[string]any)["fields"].(map[string]any)["project"] = map[string]any{"key": "HR"}
	})
	for name, c := range map[string]struct {
		path   string
		body   []byte
		header http.Header
		status int
	}{
		"the same again":             {"/tickets/jira", sound, sign(sound), 202},
		"a flipped bit":              {"/tickets/jira", flipped, sign(sound), 401},
		"no signature":               {"/tickets/jira", sound, http.Header{}, 401},
		"an old timestamp":           {"/tickets/jira", old, sign(old), 401},
		"another project's ticket":   {"/tickets/jira", foreign, sign(foreign), 200},
		"signed garbage":             {"/tickets/jira", []byte("{"), sign([]byte("{")), 400},
		"a system that is not there": {"/tickets/servicenow", sound, sign(sound), 404},
	} {
		status, _ := j.deliver(c.path, c.body, c.header)
		require.Equal(t, c.status, status, name)
	}
	lacking := j.order(map[string]any{"customfield_10021": "", "customfield_10024": "<script>"})
	j.says(lacking, 20*time.Second, "problem")
	text := j.Comments(lacking)[0].Text
	require.Contains(t, text, "Acceptor's VPC (customfield_10021): It is empty")
	require.Contains(t, text, "Open towards the acceptor (customfield_10024)")
}

func TestTheSameDeliveriesAnyNumberOfTimesAreOneConnection(t *testing.T) {
	t.Parallel()
	unhurried(t)
	j := withJira(t, start)
	key := j.order(nil)
	j.says(key, 2*time.Minute, "plan")
	j.approves(key)
	j.Edit(ann, key, map[string]any{"customfield_99999": "unrelated"})
	require.Eventually(t, func() bool { return len(j.Deliveries()) >= 3 }, time.Minute, 100*time.Millisecond)
	var bodies [][]byte
	for _, d := range j.Deliveries() {
		for range 5 {
			bodies = append(bodies, d.Body)
		}
	}
	rand.New(rand.NewPCG(j.seed, 1)).Shuffle(len(bodies), func(a, b int) { bodies[a], bodies[b] = bodies[b], bodies[a] })
	var wg sync.WaitGroup
	for _, b := range bodies {
		wg.Go(func() { j.deliver("/tickets/jira", b, sign(b)) })
	}
	wg.Wait()
	j.says(key, 4*time.Minute, made...)
	time.Sleep(5 * time.Second) // for what is still under way
	j.once(key)
	require.Equal(t, 1, j.ask("GET", "/connections/jira-net-1?live=false", "").Generation)
}

func TestAConnectionGoesOnWhileJiraIsDownAndAllIsToldAfterwards(t *testing.T) {
	t.Parallel()
	unhurried(t)
	j := withJira(t, calm)
	key := j.order(nil)
	j.says(key, 20*time.Second, "plan")
	j.approves(key)
	j.says(key, 20*time.Second, "accepted")
	j.Down(true)
	j.reaches("jira-net-1", interconnect.StateConnected, time.Minute)
	down := 10 * time.Second
	if *long {
		down = 10 * time.Minute
	}
	time.Sleep(down)
	before := j.kinds(key)
	j.Down(false)
	j.says(key, 90*time.Second, made...)
	require.Less(t, len(before), len(made))
	require.Equal(t, made, j.kinds(key), "the oldest first")
	j.once(key)
}

func TestABrokenConnectionIsToldOnItsTicketAndItsHealingToo(t *testing.T) {
	t.Parallel()
	unhurried(t)
	j := withJira(t, calm)
	key := j.order(nil)
	j.says(key, 20*time.Second, "plan")
	j.approves(key)
	j.says(key, time.Minute, made...)

	entries, err := j.byHand().RouteEntries(context.Background(), "cn-beijing", table2)
	require.NoError(t, err)
	at := slices.IndexFunc(entries, func(e interconnect.RouteEntry) bool { return e.Destination.String() == "192.168.0.0/16" })
	require.GreaterOrEqual(t, at, 0)
	check := func(want ...string) {
		t.Helper()
		for range 2 { // the second finds the same, and tells nothing
			n := len(j.ask("GET", "/connections/jira-net-1?live=false", "").History)
			require.Equal(t, 202, j.ask("POST", "/connections/jira-net-1/verifications", "").status)
			require.Eventually(t, func() bool { return len(j.ask("GET", "/connections/jira-net-1?live=false", "").History) > n }, 30*time.Second, 100*time.Millisecond)
		}
		j.says(key, 30*time.Second, want...)
	}
	j.deleteRoute("cn-beijing", table2, "192.168.0.0/16")
	check(append(slices.Clone(made), "blocked")...)
	broken := j.Comments(key)[len(made)].Text
	require.Contains(t, broken, "Broken")
	require.Contains(t, broken, "To mend it:")

	e := entries[at]
	failed, err := j.byHand().CreateRoutes(context.Background(), "cn-beijing", []interconnect.NewRoute{
		{RouteTableID: table2, Destination: e.Destination, Name: e.Name, NextHop: interconnect.NextHop{Type: e.NextHopType, ID: e.NextHopID}},
	})
	require.NoError(t, err)
	require.Empty(t, failed)
	check(append(slices.Clone(made), "blocked", "connected")...)
	require.Equal(t, append(slices.Clone(made), "blocked", "connected"), j.kinds(key), "each once")
	require.Contains(t, j.Comments(key)[len(made)+1].Text, "Healed")
}

func TestServiceNowsItemsGoTheSameWay(t *testing.T) {
	t.Parallel()
	unhurried(t)
	own := desk.Person{ID: "vpc.interconnect", Name: "VPC Interconnect"}
	s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: "password", Table: "sc_req_item"})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	t.Cleanup(s.Close)
	text, err := samples.Files.ReadFile("servicenow.json")
	require.NoError(t, err)
	c := calm(t, stack.Options{Variables: map[string]string{
		"TICKETS": strings.Replace(string(text), "https://example.service-now.com", server.URL, 1), "SERVICENOW_PASSWORD": "password", "SERVICENOW_SECRET": hookSecret,
	}})
	s.Rule(c.Functions.URL("tickets")+"/tickets/servicenow", hookSecret)
	number := s.Create(ann, "VPC connection", map[string]string{
		"initiator_region": "cn-qingdao", "initiator_vpc": vpc1, "initiator_groups": group1, "acceptor_region": "cn-beijing", "acceptor_vpc": vpc2, "acceptor_groups": group2,
	})
	notes := func(n int) func() bool { return func() bool { return len(s.Notes(number)) >= n } }
	require.Eventually(t, notes(1), 20*time.Second, 100*time.Millisecond)
	time.Sleep(1100 * time.Millisecond) // its times have seconds
	s.Approve(bob, number)
	require.Eventually(t, notes(6), time.Minute, 100*time.Millisecond)
	require.Equal(t, "3", s.Value(number, "state"))
	id, ok := tickets.ConnectionID(tickets.ServiceNow, number)
	require.True(t, ok)
	require.Equal(t, interconnect.StateConnected, c.ask("GET", "/connections/"+id, "").State)
	for _, d := range s.Deliveries() {
		_, err := strconv.Atoi(d.Header.Get("X-Timestamp"))
		require.NoError(t, err)
		require.Contains(t, []int{200, 202}, d.Status)
	}
}

func TestTheCommandShowsATicketsWholeWay(t *testing.T) {
	t.Parallel()
	unhurried(t)
	command := filepath.Join(t.TempDir(), "localcloud")
	build := exec.Command("go", "build", "-o", command, "./shared/cmd/localcloud")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	systems := map[string][]string{"jira": {"run-ticket"}}
	if *long {
		systems["jira-datacenter"] = []string{"run-ticket", "--system", "jira-datacenter"}
		systems["servicenow"] = []string{"run-ticket", "--system", "servicenow"}
		systems["hostile"] = []string{"run-ticket", "--seed", "7"}
	}
	for name, args := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := exec.Command(command, append(args, "--build-dir", built)...)
			run.Dir = root
			out, err := run.CombinedOutput()
			require.NoError(t, err, string(out))
			at := 0
			for _, part := range []string{"makes the ticket", "Plan: the connection", "approves the plan", "Accepted", "1 of 4", "2 of 4", "3 of 4", "Connected", "4 of 4 came back", "4 of 4 came back", "is done."} {
				next := strings.Index(string(out[at:]), part)
				require.GreaterOrEqual(t, next, 0, "%q is not there, or not in its place:\n%s", part, out)
				at += next + len(part)
			}
			require.NotContains(t, string(out), "vpc-interconnect/", "what is for machines is not shown")
		})
	}
}
