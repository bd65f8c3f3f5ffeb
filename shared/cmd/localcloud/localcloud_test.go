package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

func command(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	c := root()
	c.SetOut(&out)
	c.SetErr(io.Discard)
	c.SetArgs(args)
	err := c.ExecuteContext(ctx)
	return out.String(), err
}

func TestTheBuiltInRequestIsTheTutorials(t *testing.T) {
	t.Parallel()
	text, r, err := requestBody("", "", world.Default())
	require.NoError(t, err)
	require.JSONEq(t, `{
	  "id": "tutorial", "type": "ExpressConnect", "specification": "Mini.2",
	  "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-m5e1qingdao000000vpc1",
	    "securityGroups": [{"securityGroupId": "sg-m5e1qingdao0000group", "authorization": "CidrBlock", "allow": [{"protocol": "ICMP"}]}]},
	  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2ze2beijing000000vpc2",
	    "securityGroups": [{"securityGroupId": "sg-2ze2beijing0000group", "authorization": "CidrBlock", "allow": [{"protocol": "ICMP"}]}]}
	}`, string(text))
	require.Equal(t, "vpc-2ze2beijing000000vpc2", r.Acceptor.VpcID)

	text, _, err = requestBody("", "VpcPeering", world.Default())
	require.NoError(t, err)
	require.NotContains(t, string(text), "Mini.2", "that is a router interface's")
	_, _, err = requestBody("", "", &world.World{VPCs: world.Default().VPCs[:1]})
	require.ErrorContains(t, err, "--request")
}

func TestARequestFromAFileIsSentAsItIs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "r.json")
	text := `{"id": "x",  "unknown": 12345678901234567890, "initiator": {"vpcId": "vpc-a"}}`
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	got, r, err := requestBody(file, "", world.Default())
	require.NoError(t, err)
	require.Equal(t, text, string(got))
	require.Equal(t, "vpc-a", r.Initiator.VpcID)
	got, _, err = requestBody(file, "auto", world.Default())
	require.NoError(t, err)
	require.JSONEq(t, `{"id": "x", "type": "auto", "unknown": 12345678901234567890, "initiator": {"vpcId": "vpc-a"}}`, string(got))
	require.Contains(t, string(got), "12345678901234567890")
}

func TestTheWorldCommandPrintsWorldsThatLoad(t *testing.T) {
	t.Parallel()
	names, err := command(t.Context(), "world", "--example", "list")
	require.NoError(t, err)
	for _, args := range append([]string{""}, strings.Fields(names)...) {
		list := []string{"world"}
		if args != "" {
			list = append(list, "--example", args)
		}
		text, err := command(t.Context(), list...)
		require.NoError(t, err)
		_, err = world.Load("printed", []byte(text))
		require.NoError(t, err)
	}
	_, err = command(t.Context(), "world", "--world", "nowhere.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// scripted is an intake that answers by a script: a line a request, its last
// line for ever.
func scripted(t *testing.T, answers ...string) client {
	t.Helper()
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		status, body, _ := strings.Cut(answers[0], " ")
		if len(answers) > 1 {
			answers = answers[1:]
		}
		if r.Header.Get("Authorization") != "Bearer tok" {
			status = "401"
		}
		w.WriteHeader(map[string]int{"202": 202, "200": 200, "401": 401, "422": 422, "503": 503}[status])
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return client{s.URL, "tok"}
}

func followed(t *testing.T, answers ...string) (answer, string, error) {
	t.Helper()
	var out bytes.Buffer
	r := newRun(show.NewPrinter(&out, 0, time.Now), []byte("{}"), request{})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	go func() { // a step runs all the time
		for ctx.Err() == nil {
			select {
			case r.seen.changed <- struct{}{}:
			case <-ctx.Done():
			}
		}
	}()
	a, _, err := r.connect(ctx, scripted(t, answers...))
	return a, out.String(), err
}

func TestARunFollowsItsConnectionToItsEnd(t *testing.T) {
	t.Parallel()
	waiting := `{"id":"a","generation":1,"state":"Connecting","steps":[{"step":"peering","progress":"waiting","note":"for the interface"}]}`
	done := `{"id":"a","generation":1,"state":"Connected","ended":true,"steps":[{"step":"peering","progress":"done","tookMs":1200,"resources":["ri-1","ri-2"]}]}`
	a, out, err := followed(t,
		`503 {"detail":"busy"}`, `202 {"id":"a","generation":1,"state":"Pending","warnings":[{"field":"/x","detail":"odd"}]}`,
		"200 "+waiting, `503 {}`, "200 "+waiting, "200 "+done)
	require.NoError(t, err)
	require.Equal(t, "Connected", a.State)
	require.Equal(t, 1, strings.Count(out, "waits: for the interface"), "the same is said once:\n%s", out)
	require.Contains(t, out, "took the request: connection a, generation 1")
	require.Contains(t, out, "warning: /x odd")
	require.Contains(t, out, "done in 1.2s: ri-1, ri-2")
	require.Contains(t, out, "asked again: 503")
}

func TestARequestWhoseFirstMessageIsLostIsPostedAgain(t *testing.T) {
	t.Parallel()
	pending := answer{Steps: []stepAnswer{{Progress: "pending"}, {Progress: "pending"}}}
	require.True(t, pending.untouched())
	pending.Steps[0].Progress = "waiting"
	require.False(t, pending.untouched(), "a step has begun")
}

func TestARunThatIsRefusedSaysWhichFieldAndWhy(t *testing.T) {
	t.Parallel()
	_, _, err := followed(t, `422 {"title":"Unprocessable","detail":"see the fields","errors":[{"field":"/acceptor/vpcId","detail":"There is no such VPC."}]}`)
	require.ErrorContains(t, err, "/acceptor/vpcId: There is no such VPC.")
}

func TestARunThatEndsOtherwiseIsNoSuccess(t *testing.T) {
	t.Parallel()
	a, out, err := followed(t, `202 {"id":"a","state":"Pending"}`,
		`200 {"id":"a","state":"Failed","ended":true,"steps":[{"step":"routes","progress":"failed","problem":{"detail":"The table is full.","code":"Quota"}}]}`)
	require.NoError(t, err)
	require.Equal(t, "Failed", a.State)
	require.Contains(t, out, "failed: The table is full.")
}

// small is a project of one tiny function, in the folder that the test works
// in, and the flags that start it.
func small(t *testing.T) (flags []string) {
	t.Helper()
	dir := t.TempDir()
	built := filepath.Join(dir, "built")
	here, err := os.Getwd()
	require.NoError(t, err)
	build := exec.Command("go", "build", "-o", filepath.Join(built, "intake", "main"), "../../localcloud/fc/testdata/probe")
	build.Dir = here
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for name, text := range map[string]string{
		"s.yaml": `edition: 3.0.0
name: small
resources:
  intake:
    component: fc3
    props: {region: cn-shanghai, functionName: f, runtime: go1, handler: main, code: ./f, timeout: 5, role: 'acs:ram::1234567890123456:role/r',
      triggers: [{triggerName: h, triggerType: http, triggerConfig: {authType: anonymous, methods: [GET, POST]}}]}
`,
		"template.yml": `ROSTemplateFormatVersion: '2015-09-01'
Resources:
  R:
    Type: ALIYUN::RAM::Role
    Properties: {RoleName: r, AssumeRolePolicyDocument: {Version: '1', Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: [fc.aliyuncs.com]}}]}}
`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	t.Chdir(dir)
	return []string{"--build-dir", built}
}

func TestUpStaysUpUntilInterruptedAndSaysHowToReachIt(t *testing.T) {
	flags := small(t)
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var out string
	go func() {
		var err error
		out, err = command(ctx, append([]string{"up", "--endpoints", "e.json", "--record", "r.jsonl", "--seed", "7"}, flags...)...)
		ended <- err
	}()
	var e stack.Endpoints
	require.Eventually(t, func() bool {
		text, err := os.ReadFile("e.json")
		return err == nil && json.Unmarshal(text, &e) == nil
	}, 20*time.Second, 10*time.Millisecond)
	info, err := os.Stat("e.json")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds a secret")
	for name, v := range map[string]string{
		"openapi": e.OpenAPI, "mns": e.MNS, "intake": e.Intake, "accountId": e.AccountID,
		"accessKeyId": e.AccessKeyID, "accessKeySecret": e.AccessKeySecret, "apiToken": e.APIToken,
	} {
		require.NotEmpty(t, v, name)
	}
	require.Equal(t, []string{"cn-beijing", "cn-hangzhou", "cn-qingdao", "cn-shanghai"}, e.Regions)

	res, err := http.Post(e.Intake, "text/plain", strings.NewReader("do:context"))
	require.NoError(t, err)
	res.Body.Close()
	_, err = http.Get(e.OpenAPI + "/?Action=DescribeVpcs&Version=2016-04-28")
	require.NoError(t, err)
	running, err := command(t.Context(), "world", "--endpoints", "e.json")
	require.NoError(t, err)
	require.Contains(t, running, "vpc-m5e1qingdao000000vpc1")

	interrupt()
	require.NoError(t, <-ended)
	require.Contains(t, out, "--seed 7")
	_, err = http.Get(e.OpenAPI)
	require.Error(t, err)

	text, err := os.ReadFile("r.jsonl")
	require.NoError(t, err)
	var line map[string]any
	require.NoError(t, json.Unmarshal(bytes.SplitN(text, []byte("\n"), 2)[0], &line))
	for _, k := range []string{"product", "version", "action", "parameters", "role", "status", "code", "time"} {
		require.Contains(t, line, k)
	}
	require.Equal(t, "DescribeVpcs", line["action"])
	require.NotContains(t, string(text), e.AccessKeySecret)
}

func TestPingsAreShownInTheOrderOfTheVerdict(t *testing.T) {
	t.Parallel()
	r := newRun(show.NewPrinter(io.Discard, 0, time.Now), nil, request{})
	for _, id := range []string{"i-c", "i-a", "i-b"} {
		r.seen.ran(engine.Script{InstanceID: id, Content: "ping 1\n"}, engine.Execution{Output: id})
	}
	var ids []string
	for _, p := range r.seen.pings([]string{"i-b", "i-x"}) {
		ids = append(ids, p.InstanceID)
	}
	require.Equal(t, []string{"i-b", "i-a", "i-c"}, ids)
}
