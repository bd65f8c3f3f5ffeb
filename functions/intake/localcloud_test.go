package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/trigger"
)

// local is the intake on a calm local cloud with the tutorial's world, through
// the real packages and the wire. Its queues swallow messages.
type local struct {
	t      *testing.T
	in     *intake.Intake
	engine *engine.Engine

	mu    sync.Mutex
	calls []openapi.Record
}

type swallow struct{}

func (swallow) Send(context.Context, string, []byte, time.Duration) error { return nil }

func newLocal(t *testing.T) *local {
	t.Helper()
	w := world.Default()
	e := engine.New(w.Options(engine.Options{Seed: 1, NoRates: true}))
	require.NoError(t, w.Apply(e))
	e.AddUser("tester", "tester-key", "tester-secret")
	l := &local{t: t, engine: e}
	server := httptest.NewServer(openapi.New(openapi.Options{Engine: e, Record: func(r openapi.Record) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.calls = append(l.calls, r)
	}}))
	t.Cleanup(server.Close)
	inv := trigger.Invocation{Region: "cn-hangzhou", Credentials: trigger.Credentials{AccessKeyID: "tester-key", AccessKeySecret: "tester-secret"}}
	cloud := alicloud.NewReader(inv, alicloud.Options{Endpoint: server.URL})
	l.in = &intake.Intake{
		Cloud: cloud, Records: records.New(cloud.Parameters(), "vi"), Queues: swallow{}, Prefix: "vi",
		Tokens: []intake.Token{{Name: "someone", Hash: sha256.Sum256([]byte("open sesame"))}},
		Log:    slog.New(slog.DiscardHandler),
	}
	return l
}

// do asks the API, and returns what it answered and which changes were made.
func (l *local) do(method, path, body string) (status int, answer map[string]any, changes []string) {
	l.t.Helper()
	l.mu.Lock()
	l.calls = nil
	l.mu.Unlock()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer open sesame")
	w := httptest.NewRecorder()
	l.in.ServeHTTP(w, r)
	require.NoError(l.t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.calls {
		reads := []string{"Describe", "Get", "List"}
		if !slices.ContainsFunc(reads, func(verb string) bool { return strings.HasPrefix(c.Action, verb) }) {
			changes = append(changes, c.Action)
		}
	}
	return w.Code, answer, changes
}

const localRequest = `{"id": "a", "type": "ExpressConnect",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-m5e1qingdao000000vpc1",
    "securityGroups": [{"securityGroupId": "sg-m5e1qingdao0000group"}], "probe": {"instanceId": "i-m5e1qingdao000000ecs1"}},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2ze2beijing000000vpc2",
    "securityGroups": [{"securityGroupId": "sg-2ze2beijing0000group"}]}}`

func TestTheTutorialsRequestIsTakenByTheLocalCloud(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	status, a, changes := l.do("POST", "/connections", localRequest)
	require.Equal(t, 202, status, a)
	require.Equal(t, []string{"CreateParameter"}, changes)
	require.Nil(t, a["warnings"])
	acceptor := a["request"].(map[string]any)["acceptor"].(map[string]any)
	require.Equal(t, []any{"172.16.0.0/16"}, acceptor["cidrBlocks"])
	require.Equal(t, []any{"vtb-2ze2beijing000000vpc2"}, acceptor["routeTableIds"])

	status, a, changes = l.do("POST", "/connections", localRequest)
	require.Equal(t, 200, status, a)
	require.Empty(t, changes)

	status, a, changes = l.do("POST", "/connections", strings.Replace(localRequest, `"id": "a"`, `"id": "a", "specification": "Small.1"`, 1))
	require.Equal(t, 202, status, a)
	require.Equal(t, float64(2), a["generation"])
	require.Equal(t, []string{"UpdateParameter"}, changes)

	status, a, _ = l.do("DELETE", "/connections/a", "")
	require.Equal(t, 202, status)
	require.Equal(t, "Disconnecting", a["state"])
	status, a, _ = l.do("GET", "/connections/a", "")
	require.Equal(t, 200, status)
	require.Equal(t, float64(3), a["generation"])
}

func TestTheLocalCloudsAnswersBecomeRefusals(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	for name, c := range map[string]struct{ from, to, field string }{
		"an unknown VPC":             {"vpc-2ze2beijing000000vpc2", "vpc-nowhere", "/acceptor/vpcId"},
		"a VPC of the wrong region":  {"cn-beijing", "cn-qingdao", "/acceptor/vpcId"},
		"a region that there is not": {"cn-beijing", "cn-nowhere", "/acceptor/regionId"},
		"an unknown security group":  {"sg-2ze2beijing0000group", "sg-nowhere", "/acceptor/securityGroups/0/securityGroupId"},
		"an unknown instance":        {"i-m5e1qingdao000000ecs1", "i-nowhere", "/initiator/probe/instanceId"},
	} {
		status, a, changes := l.do("POST", "/connections", strings.Replace(localRequest, c.from, c.to, 1))
		require.Equal(t, 422, status, "%s: %v", name, a)
		require.Equal(t, c.field, a["field"], name)
		require.Empty(t, changes, name)
	}
}

func TestAPlanOnTheLocalCloudWritesNothingAndComesTrue(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	status, plan, changes := l.do("POST", "/connections?dryRun=true", localRequest)
	require.Equal(t, 200, status, plan)
	require.Empty(t, changes)
	require.Equal(t, "create", plan["would"])
	require.Len(t, plan["added"], 6, "two router interfaces, two routes, two rules")
	require.Empty(t, plan["conflicts"])
	radius := plan["blastRadius"].([]any)
	require.NotEmpty(t, radius)
	require.Equal(t, []any{"i-m5e1qingdao000000ecs1"}, radius[0].(map[string]any)["sources"])

	agreed := strings.Replace(localRequest, `"id": "a"`, `"id": "a", "planHash": "`+plan["planHash"].(string)+`"`, 1)
	status, a, changes := l.do("POST", "/connections", agreed)
	require.Equal(t, 202, status, a)
	require.Equal(t, []string{"CreateParameter"}, changes)

	status, a, changes = l.do("GET", "/connections/a", "")
	require.Equal(t, 200, status, a)
	require.Empty(t, changes)
	live := a["live"].(map[string]any)
	require.Nil(t, live["problems"])
	require.Len(t, live["missing"], 6, "what was planned is what is missing")
	require.Empty(t, live["leftovers"])
}

func TestAPlanIsRefusedAfterABlockWasAddedToAVPC(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	_, plan, _ := l.do("POST", "/connections?dryRun=true", localRequest)
	call(t, l.engine, "cn-beijing", "AssociateVpcCidrBlock", map[string]string{"VpcId": "vpc-2ze2beijing000000vpc2", "SecondaryCidrBlock": "10.66.0.0/16"})
	status, a, changes := l.do("POST", "/connections", strings.Replace(localRequest, `"id": "a"`, `"id": "a", "planHash": "`+plan["planHash"].(string)+`"`, 1))
	require.Equal(t, 409, status, a)
	require.Equal(t, "/planHash", a["field"])
	require.Contains(t, a["detail"], "/acceptor/cidrBlocks has 10.66.0.0/16 now")
	require.Empty(t, changes)
}

// call makes a call as the account's owner would in the console.
func call(t *testing.T, e *engine.Engine, region, action string, parameters map[string]string) {
	t.Helper()
	parameters["RegionId"] = region
	got := e.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: action, Parameters: parameters, Caller: e.AddUser("", "", "").Caller})
	require.Nil(t, got.Err, action)
}

func TestTwoHundredConnectionsAreListedWithinASecondAndTheCloudsRates(t *testing.T) {
	t.Parallel()
	l := newLocal(t)
	_, a, _ := l.do("POST", "/connections", localRequest)
	require.Equal(t, "a", a["id"])
	recorded, err := l.in.Records.Get(context.Background(), "a")
	require.NoError(t, err)
	kept := l.in.Records.(*records.Records)
	for i := range 199 {
		id := fmt.Sprintf("c-%03d", i)
		_, err := kept.PutRequest(context.Background(), id, recorded.Wanted)
		require.NoError(t, err)
		require.NoError(t, kept.PutStatus(context.Background(), id, interconnect.Verification, interconnect.StepStatus{Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done}))
	}
	took := time.Hour
	for range 3 { // other tests run beside this one
		began := time.Now()
		status, list, _ := l.do("GET", "/connections", "")
		took = min(took, time.Since(began))
		require.Equal(t, 200, status)
		require.Len(t, list["connections"], 200)
	}
	if !raced { // the race detector's time is not a user's
		require.Less(t, took, time.Second)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	reads := map[string]int{}
	for _, c := range l.calls {
		reads[c.Action]++
	}
	require.Len(t, reads, 1, "one recursive read, which tells whether changes are frozen: %v", reads)
	require.LessOrEqual(t, reads["GetParametersByPath"], 9, "a page holds 50 entries")
}

// raced tells whether the race detector slows what is timed: race_test.go.
var raced = false
