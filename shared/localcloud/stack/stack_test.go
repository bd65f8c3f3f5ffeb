package stack_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// built is the folder of a small function, under the names that s.yaml gives.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stack")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	for _, name := range []string{"intake", "worker"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name, "main"), "../fc/testdata/probe").CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s%s\n", out, err)
			return 1
		}
	}
	return m.Run()
}

const sYAML = `edition: 3.0.0
name: small
vars:
  account: ${env('ALIBABA_CLOUD_ACCOUNT_ID', '1')}
  prefix: ${env('PREFIX', 'vi')}
resources:
  intake:
    component: fc3
    props:
      region: cn-shanghai
      functionName: ${vars.prefix}-intake
      runtime: go1
      handler: main
      code: ./intake
      timeout: 5
      role: acs:ram::${vars.account}:role/${vars.prefix}-intake
      environmentVariables: {API_TOKENS: "${env('API_TOKENS', '')}", PREFIX: "${vars.prefix}"}
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig: {authType: anonymous, methods: [GET, POST]}
  worker:
    component: fc3
    props:
      region: cn-shanghai
      functionName: ${vars.prefix}-worker
      runtime: go1
      handler: main
      code: ./worker
      timeout: 5
      role: acs:ram::${vars.account}:role/${vars.prefix}-intake
      triggers:
        - triggerName: queue
          triggerType: eventbridge
          triggerConfig:
            eventSourceConfig:
              eventSourceType: MNS
              eventSourceParameters:
                sourceMNSParameters: {QueueName: "${vars.prefix}-work", IsBase64Decode: false}
`

const templateYML = `ROSTemplateFormatVersion: '2015-09-01'
Parameters:
  Prefix: {Type: String, Default: vi}
Resources:
  Work:
    Type: ALIYUN::MNS::Queue
    Properties:
      QueueName: {'Fn::Sub': '${Prefix}-work'}
      VisibilityTimeout: 77
      DlqPolicy: {Enabled: true, DeadLetterTargetQueue: {'Fn::GetAtt': [Dead, QueueName]}, MaxReceiveCount: 3}
  Dead:
    Type: ALIYUN::MNS::Queue
    Properties: {QueueName: {'Fn::Sub': '${Prefix}-zz-dead'}}
  Role:
    Type: ALIYUN::RAM::Role
    Properties:
      RoleName: {'Fn::Sub': '${Prefix}-intake'}
      AssumeRolePolicyDocument:
        Version: '1'
        Statement: [{Effect: Allow, Action: sts:AssumeRole, Principal: {Service: [fc.aliyuncs.com]}}]
`

func project(t *testing.T, s, template string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"s.yaml": s, "template.yml": template} {
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		}
	}
	return dir
}

func started(t *testing.T, o stack.Options) *stack.Stack {
	t.Helper()
	o.Code, o.World = built, world.Default()
	s, err := stack.New(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestFunctionsFindTheCloud(t *testing.T) {
	t.Parallel()
	s := started(t, stack.Options{Dir: project(t, sYAML, templateYML), Variables: map[string]string{"PREFIX": "my", "API_TOKENS": "ann:0a"}})
	res, err := http.Post(s.Endpoints.Intake, "text/plain", strings.NewReader("do:context"))
	require.NoError(t, err)
	defer res.Body.Close()
	var seen struct {
		Env           []string
		Key, Function string
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&seen))
	sum := sha256.Sum256([]byte(s.Endpoints.APIToken))
	require.Subset(t, seen.Env, []string{
		"OPENAPI_ENDPOINT=" + s.Endpoints.OpenAPI, "MNS_ENDPOINT=" + s.Endpoints.MNS, "PREFIX=my",
		"API_TOKENS=local:" + hex.EncodeToString(sum[:]) + ",ann:0a",
	})
	key, ok := s.Engine.Credential(seen.Key)
	require.True(t, ok, "its key is one of the cloud's")
	require.Equal(t, "my-intake", key.Caller.Name, "of its role")
	require.True(t, strings.HasPrefix(s.Endpoints.MNS, "http://localhost:"))
	require.True(t, strings.HasSuffix(s.Endpoints.MNS, "/"+s.Endpoints.AccountID+".mns.cn-shanghai.aliyuncs.com"))
	require.Contains(t, s.Endpoints.Regions, "cn-shanghai", "the deployment's region is there though the world has none")
}

func TestQueuesAreThoseOfTheTemplateAndArePushed(t *testing.T) {
	t.Parallel()
	s := started(t, stack.Options{Dir: project(t, sYAML, templateYML)})
	ref := engine.QueueRef{Region: "cn-shanghai", Name: "vi-work"}
	d, err := s.Engine.Queue(ref)
	require.NoError(t, err)
	require.Equal(t, 77, d.VisibilityTimeout)
	require.Equal(t, engine.DeadLetterPolicy{Enabled: true, Target: "vi-zz-dead", MaxReceiveCount: 3}, d.DeadLetter)

	_, err = s.Engine.SendMessage(ref, engine.Outgoing{Body: "x"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left, err := s.Engine.QueueMessages(ref)
		return err == nil && len(left) == 0 && s.Functions.Stats()[1].Invocations > 0
	}, 10*time.Second, 20*time.Millisecond, "it is pushed and deleted")
}

func TestTheWorldCanBeReadWhileItRuns(t *testing.T) {
	t.Parallel()
	s := started(t, stack.Options{Dir: project(t, sYAML, templateYML)})
	res, err := http.Get(s.Endpoints.World)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	w, err := world.Load("running", text)
	require.NoError(t, err)
	require.Equal(t, s.Start, w)
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	t.Parallel()
	s := started(t, stack.Options{Dir: project(t, sYAML, templateYML), Hostile: true, Seed: 4})
	res, err := http.Post(s.Endpoints.Intake, "text/plain", bytes.NewReader([]byte("x")))
	require.NoError(t, err)
	res.Body.Close()
	processes := s.Functions.Processes()
	require.NotEmpty(t, processes)
	s.Close()
	s.Close() // again: nothing more
	for _, p := range processes {
		require.ErrorIs(t, syscall.Kill(p.PID, 0), syscall.ESRCH)
	}
	for _, url := range []string{s.Endpoints.OpenAPI, s.Endpoints.Intake, s.Endpoints.World} {
		_, err := http.Get(url)
		require.Error(t, err, url)
	}
}

func TestWhatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ s, template, want string }{
		"no template":                    {sYAML, "", "template.yml"},
		"a typo in s.yaml":               {strings.Replace(sYAML, "handler", "handlr", 1), templateYML, "s.yaml:13: resources.intake.props.handlr"},
		"functions in two regions":       {strings.Replace(sYAML, "region: cn-shanghai", "region: cn-beijing", 1), templateYML, "one region"},
		"a function that is not built":   {strings.ReplaceAll(sYAML, "worker:", "unbuilt:"), templateYML, "function unbuilt"},
		"a queue policy without a queue": {sYAML, strings.Replace(templateYML, "[Dead, QueueName]", "[Deaf, QueueName]", 1), "there is no resource Deaf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := stack.New(context.Background(), stack.Options{Dir: project(t, c.s, c.template), Code: built, World: world.Default()})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestARoleThatDoesNotTrustFunctionComputeIsOfNoUse(t *testing.T) {
	t.Parallel()
	s := started(t, stack.Options{Dir: project(t, sYAML, strings.Replace(templateYML, "fc.aliyuncs.com", "ecs.aliyuncs.com", 1))})
	r := s.Functions.Invoke("worker", []byte("x"))
	require.ErrorContains(t, r.Failure, "does not trust fc.aliyuncs.com")
}
