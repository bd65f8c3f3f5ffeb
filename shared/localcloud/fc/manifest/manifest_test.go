package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, dir, parent, "no go.mod above the test")
		dir = parent
	}
}

func noEnv(string) (string, bool) { return "", false }

func TestTheProjectsOwnFilesAreReadAndAgree(t *testing.T) {
	t.Parallel()
	s, err := os.ReadFile(filepath.Join(root(t), "s.yaml"))
	require.NoError(t, err)
	functions, err := manifest.Functions("s.yaml", s, noEnv)
	require.NoError(t, err)
	ros, err := os.ReadFile(filepath.Join(root(t), "template.yml"))
	require.NoError(t, err)
	base, err := manifest.Template("template.yml", ros, manifest.Pseudo{Region: "cn-hangzhou", AccountID: "1234567890123456", StackName: "vi"})
	require.NoError(t, err)

	queues, roles := map[string]manifest.Queue{}, map[string]bool{}
	for _, q := range base.Queues {
		queues[q.Name] = q
	}
	for _, r := range base.Roles {
		roles["acs:ram::1234567890123456:role/"+r.Name] = true
		require.NotEmpty(t, r.Policies)
	}
	require.NotEmpty(t, functions)
	for _, f := range functions {
		require.True(t, roles[f.Role], "%s runs as %s, which template.yml does not make", f.Name, f.Role)
		for _, q := range f.Queues {
			require.Contains(t, queues, q.Queue)
			require.Contains(t, queues, q.DeadLetters)
			longest := 4*f.Timeout + 3*20*time.Second
			require.GreaterOrEqual(t, time.Duration(*queues[q.Queue].VisibilityTimeout)*time.Second, longest,
				"a message of %s may come back while it is still being retried", q.Queue)
		}
	}
}

const oneFunction = `edition: 3.0.0
name: x
vars:
  region: ${env('REGION', 'cn-hangzhou')}
  name: ${vars.region}-f
resources:
  f:
    component: fc3
    props:
      region: ${vars.region}
      functionName: ${vars.name}
      runtime: go1
      handler: main
      code: ./f
      timeout: 5
      role: acs:ram::1:role/r
`

func TestFunctionsExpandsVariables(t *testing.T) {
	t.Parallel()
	fs, err := manifest.Functions("s.yaml", []byte(oneFunction), noEnv)
	require.NoError(t, err)
	require.Equal(t, []manifest.Function{{
		ID: "f", Name: "cn-hangzhou-f", Region: "cn-hangzhou", Runtime: "go1", Handler: "main", Code: "f", Timeout: 5 * time.Second,
		MemoryMB: 512, DiskMB: 512, CPU: 0.35, Role: "acs:ram::1:role/r", Async: manifest.Async{Retries: 3, MaxAge: 24 * time.Hour},
	}}, fs)
	fs, err = manifest.Functions("s.yaml", []byte(oneFunction), func(k string) (string, bool) { return "cn-" + strings.ToLower(k), true })
	require.NoError(t, err)
	require.Equal(t, "cn-region-f", fs[0].Name)
}

func TestFunctionsRefusesWhatItWouldNotActOn(t *testing.T) {
	t.Parallel()
	trigger := func(lines ...string) string {
		return oneFunction + "      triggers:\n        - triggerName: t\n          " + strings.Join(lines, "\n          ") + "\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"an unknown property":             {oneFunction + "      memorysize: 512\n", "s.yaml:17: resources.f.props.memorysize: "},
		"a property not implemented":      {oneFunction + "      vpcConfig: {}\n", "resources.f.props.vpcConfig: "},
		"an initializer":                  {oneFunction + "      instanceLifecycleConfig: {}\n", "resources.f.props.instanceLifecycleConfig: "},
		"a variable that is not there":    {strings.Replace(oneFunction, "./f", "${vars.code}", 1), "s.yaml:14: resources.f.props.code: there is no text at vars.code"},
		"a variable that needs itself":    {strings.Replace(oneFunction, "${env('REGION', 'cn-hangzhou')}", "${vars.name}", 1), "needs itself"},
		"a kind of variable not known":    {strings.Replace(oneFunction, "./f", "${file('x')}", 1), "${file('x')} is not implemented"},
		"an environment without default":  {strings.Replace(oneFunction, "./f", "${env('X')}", 1), "environment variable X is not set"},
		"another edition":                 {strings.Replace(oneFunction, "3.0.0", "1.0.0", 1), "s.yaml:1: edition: "},
		"another runtime":                 {strings.Replace(oneFunction, "go1", "python3", 1), "s.yaml:12: resources.f.props.runtime: "},
		"another component":               {strings.Replace(oneFunction, "fc3", "fc", 1), "resources.f.component: "},
		"a role in capitals":              {strings.Replace(oneFunction, "role/r", "role/R", 1), "resources.f.props.role: "},
		"memory that is no step of 64":    {oneFunction + "      memorySize: 500\n", "resources.f.props.memorySize: "},
		"an environment variable FC_X":    {oneFunction + "      environmentVariables: {FC_X: y}\n", "resources.f.props.environmentVariables.FC_X: "},
		"no handler":                      {strings.Replace(oneFunction, "handler: main", "description: x", 1), "resources.f.props.handler: is needed"},
		"an unknown trigger":              {trigger("triggerType: oss", "triggerConfig: {}"), "resources.f.props.triggers[0].triggerType: "},
		"a typo in a trigger":             {trigger("triggerType: http", "triggerConfig: {authTypo: x}"), "resources.f.props.triggers[0].triggerConfig.authTypo: "},
		"a timer's key in an http one":    {trigger("triggerType: http", "triggerConfig: {authType: anonymous, methods: [GET], payload: x}"), "triggerConfig.payload: is a key of triggers of type timer"},
		"function authentication":         {trigger("triggerType: http", "triggerConfig: {authType: function, methods: [GET]}"), "triggerConfig.authType: "},
		"a method that is none":           {trigger("triggerType: http", "triggerConfig: {authType: anonymous, methods: [GOT]}"), "triggerConfig.methods: "},
		"a timer of five fields":          {trigger("triggerType: timer", "triggerConfig: {enable: true, cronExpression: '0 0 8 * *'}"), "triggerConfig.cronExpression: "},
		"a timer in seconds":              {trigger("triggerType: timer", "triggerConfig: {enable: true, cronExpression: '@every 30s'}"), "triggerConfig.cronExpression: "},
		"a timer that does not say if on": {trigger("triggerType: timer", "triggerConfig: {cronExpression: '@every 1m'}"), "triggerConfig.enable: "},
		"a filter on events":              {trigger("triggerType: eventbridge", "triggerConfig: {eventRuleFilterPattern: '{\"a\":1}', eventSourceConfig: {eventSourceType: MNS, eventSourceParameters: {sourceMNSParameters: {QueueName: q}}}}"), "triggerConfig.eventRuleFilterPattern: "},
		"an event source that is no MNS":  {trigger("triggerType: eventbridge", "triggerConfig: {eventSourceConfig: {eventSourceType: Kafka}}"), "eventSourceConfig.eventSourceType: "},
		"a queue of another region":       {trigger("triggerType: eventbridge", "triggerConfig: {eventSourceConfig: {eventSourceType: MNS, eventSourceParameters: {sourceMNSParameters: {QueueName: q, RegionId: cn-x}}}}"), "sourceMNSParameters.RegionId: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := manifest.Functions("s.yaml", []byte(c.text), noEnv)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestTheOlderFormOfAQueueTriggerIsEventDriven(t *testing.T) {
	t.Parallel()
	fs, err := manifest.Functions("s.yaml", []byte(oneFunction+`      triggers:
        - triggerName: q
          triggerType: eventbridge
          triggerConfig:
            eventSourceConfig:
              eventSourceType: MNS
              eventSourceParameters:
                sourceMNSParameters: {QueueName: work}
`), noEnv)
	require.NoError(t, err)
	require.Equal(t, []manifest.QueueTrigger{{Name: "q", Region: "cn-hangzhou", Queue: "work", Base64Decode: true, Enabled: true, Batch: 1}}, fs[0].Queues)
}

func TestSchedulesAreInUTCUnlessTheySayOtherwise(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for expression, want := range map[string]time.Time{
		"@every 5m":                         at.Add(5 * time.Minute),
		"0 0 8 * * *":                       time.Date(2026, 3, 4, 8, 0, 0, 0, time.UTC),
		"CRON_TZ=Asia/Shanghai 0 0 4 5 * *": time.Date(2026, 3, 4, 20, 0, 0, 0, time.UTC),
	} {
		s, err := manifest.Schedule(expression)
		require.NoError(t, err, expression)
		require.True(t, want.Equal(s.Next(at)), "%s: %s", expression, s.Next(at))
	}
}

const ros = `ROSTemplateFormatVersion: '2015-09-01'
Parameters:
  Prefix: {Type: String, Default: vi, AllowedPattern: '[a-z]+'}
Resources:
  Dead:
    Type: ALIYUN::MNS::Queue
    Properties:
      QueueName: {'Fn::Join': ['-', [{Ref: Prefix}, dead]]}
  Work:
    Type: ALIYUN::MNS::Queue
    DependsOn: Dead
    Properties:
      QueueName: {'Fn::Sub': ['${Prefix}-${What}', {What: work}]}
      VisibilityTimeout: 90
      DlqPolicy: {Enabled: true, DeadLetterTargetQueue: {'Fn::GetAtt': [Dead, QueueName]}, MaxReceiveCount: 3}
  Doer:
    Type: ALIYUN::RAM::Role
    Properties:
      RoleName: doer
      AssumeRolePolicyDocument: {Version: '1'}
      Policies:
        - PolicyName: p
          PolicyDocument: {Version: '1', Statement: [{Effect: Allow, Action: 'mns:SendMessage', Resource: {'Fn::Sub': 'acs:mns:${ALIYUN::Region}:${ALIYUN::TenantId}:/queues/${Work}/messages'}}]}
`

func TestTemplateEvaluatesFunctions(t *testing.T) {
	t.Parallel()
	base, err := manifest.Template("t.yml", []byte(ros), manifest.Pseudo{Region: "cn-x", AccountID: "12", Parameters: map[string]string{"Prefix": "my"}})
	require.NoError(t, err)
	visibility := 90
	require.Equal(t, &manifest.Base{
		Queues: []manifest.Queue{{Name: "my-dead"}, {Name: "my-work", VisibilityTimeout: &visibility, DeadLetters: "my-dead", MaxReceiveCount: 3}},
		Roles: []manifest.Role{{Name: "doer", Trust: []byte(`{"Version":"1"}`), Policies: []manifest.Policy{
			{Name: "p", Document: []byte(`{"Statement":[{"Action":"mns:SendMessage","Effect":"Allow","Resource":"acs:mns:cn-x:12:/queues/my-work/messages"}],"Version":"1"}`)},
		}}},
	}, base)
}

func TestTemplateRefusesWhatItWouldNotActOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"an unknown type":              {"ALIYUN::RAM::Role", "ALIYUN::RAM::User", "t.yml:17: Resources.Doer.Type: "},
		"an unknown property":          {"VisibilityTimeout", "VisibilityTimeOut", "t.yml:14: Resources.Work.Properties.VisibilityTimeOut: "},
		"a missing property":           {"RoleName: doer", "Description: x", "Resources.Doer.Properties.RoleName: is needed"},
		"a number out of its range":    {"90", "0", "Resources.Work.Properties.VisibilityTimeout: 1 to 43200"},
		"a reference to nothing":       {"Ref: Prefix", "Ref: Prefex", "there is no parameter or resource Prefex"},
		"an attribute that is none":    {"[Dead, QueueName]", "[Dead, QueuName]", "has no attribute QueuName"},
		"a function not implemented":   {"'Fn::Join': ['-', [{Ref: Prefix}, dead]]", "'Fn::If': [a, b, c]", "Fn::If: is not implemented"},
		"a circle":                     {"QueueName: {'Fn::Join': ['-', [{Ref: Prefix}, dead]]}", "QueueName: {Ref: Dead}", "needs itself"},
		"its own dead letters":         {"[Dead, QueueName]", "[Work, QueueName]", "another queue is needed"},
		"a parameter out of pattern":   {"Default: vi", "Default: VI", "t.yml:3: Parameters.Prefix: "},
		"a dependency that is nothing": {"DependsOn: Dead", "DependsOn: Deaf", "there is no resource Deaf"},
		"an unknown section":           {"Resources:", "Mappings: {}\nResources:", "t.yml:4: Mappings: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, ros, c.old)
			_, err := manifest.Template("t.yml", []byte(strings.Replace(ros, c.old, c.new, 1)), manifest.Pseudo{Region: "cn-x", AccountID: "12"})
			require.ErrorContains(t, err, c.want)
		})
	}
}
