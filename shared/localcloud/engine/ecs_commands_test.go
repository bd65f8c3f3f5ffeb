package engine_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

func in64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// script is a RunCommand of a script on i-a, and what is changed of it.
func script(text string, more ...string) []string {
	return append([]string{"Type", "RunShellScript", "CommandContent", in64(text), "ContentEncoding", "Base64", "InstanceId.1", "i-a"}, more...)
}

// commands is an ecsCloud whose guest does what the test says.
func commands(t *testing.T, e engine.Execution, change ...func(*engine.Options)) (*ecsCloud, *playedGuest) {
	guest := &playedGuest{Execution: e}
	return newECSCloud(t, append(change, func(o *engine.Options) { o.Guest = guest })...), guest
}

// result returns what became of a command on i-a: status, error code, record status.
func (c *ecsCloud) result(invoke string) [3]string {
	c.t.Helper()
	a := c.ok(qingdao, "DescribeInvocationResults", "InvokeId", invoke, "InstanceId", "i-a", "ContentEncoding", "PlainText")
	at := func(f string) string { return a.at("Invocation.InvocationResults.InvocationResult.0." + f) }
	return [3]string{at("InvocationStatus"), at("ErrorCode"), at("InvokeRecordStatus")}
}

func TestACommandsLife(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{Output: "pong\n", Took: 3 * time.Second})
	run := c.ok(qingdao, "RunCommand", script("ping", "Name", "interconnect.vi.x", "Timeout", "30", "Tag.1.Key", "a")...)
	invoke := run.at("InvokeId")
	require.True(t, strings.HasPrefix(invoke, "t-"))
	require.True(t, strings.HasPrefix(run.at("CommandId"), "c-"))
	require.Equal(t, [3]string{"Pending", "", "Running"}, c.result(invoke))
	require.Empty(t, guest.ran, "it is not delivered yet")
	c.pass(time.Second)
	require.Equal(t, [3]string{"Running", "", "Running"}, c.result(invoke))
	require.Len(t, guest.ran, 1)
	require.Equal(t, []any{"ping", 30 * time.Second, "i-a"}, []any{guest.ran[0].Content, guest.ran[0].Timeout, guest.ran[0].InstanceID})
	require.Len(t, guest.ran[0].Topology.Instances, 1)
	c.pass(3 * time.Second)
	require.Equal(t, [3]string{"Success", "", "Finished"}, c.result(invoke))

	get := func(more ...string) tree { return c.ok(qingdao, "DescribeInvocations", more...) }
	a := get("InvokeId", invoke, "IncludeOutput", "true")
	require.Equal(t, in64("pong\n"), a.at("Invocations.Invocation.0.InvokeInstances.InvokeInstance.0.Output"), "Base64 unless told otherwise")
	require.Equal(t, in64("ping"), a.at("Invocations.Invocation.0.CommandContent"))
	require.Equal(t, []any{"Success", "Finished", "interconnect.vi.x"}, []any{a.at("Invocations.Invocation.0.InvocationStatus"), a.at("Invocations.Invocation.0.InvokeStatus"), a.at("Invocations.Invocation.0.CommandName")})
	require.Equal(t, "pong\n", get("InstanceId", "i-a", "IncludeOutput", "true", "ContentEncoding", "PlainText").at("Invocations.Invocation.0.InvokeInstances.InvokeInstance.0.Output"))
	require.Empty(t, get("InvokeId", invoke).at("Invocations.Invocation.0.InvokeInstances.InvokeInstance.0.Output"))
	c.refused(400, "MissingParameter", qingdao, "DescribeInvocations", "IncludeOutput", "true")
	for _, f := range [][]string{{"CommandName", "interconnect.vi.x"}, {"InvokeStatus", "Finished"}, {"InvokeStatus", "Success"}, {"CommandType", "RunShellScript"}, {"CommandId", run.at("CommandId")}, {"Tag.1.Key", "a"}, {"RepeatMode", "Once"}} {
		require.Equal(t, 1, get(f...).size("Invocations.Invocation"), "%v", f)
	}
	for _, f := range [][]string{{"CommandName", "interconnect"}, {"InvokeStatus", "Running"}, {"InstanceId", "i-none"}, {"Tag.1.Key", "b"}} {
		require.Zero(t, get(f...).size("Invocations.Invocation"), "%v", f)
	}
	c.pass(31 * 24 * time.Hour)
	require.Zero(t, get().size("Invocations.Invocation"), "results are kept for 30 days")
}

func TestHowCommandsEnd(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name  string
		done  engine.Execution
		more  []string
		guest func(*engine.GuestFacts)
		after func(c *ecsCloud, invoke string) // once it runs
		wait  time.Duration
		want  [3]string
	}{
		{name: "with another exit code than 0 it failed", done: engine.Execution{ExitCode: 1}, want: [3]string{"Failed", "ExitCodeNonzero", "Finished"}},
		{name: "past its timeout it is killed", done: engine.Execution{Took: time.Hour}, more: []string{"Timeout", "10"}, wait: 12 * time.Second, want: [3]string{"Timeout", "ExecutionTimeout", "Failed"}},
		{name: "within its timeout it runs on", done: engine.Execution{Took: time.Hour}, wait: 50 * time.Second, want: [3]string{"Running", "", "Running"}},
		{name: "the timeout is 60 s unless told otherwise", done: engine.Execution{Took: time.Hour}, wait: 62 * time.Second, want: [3]string{"Timeout", "ExecutionTimeout", "Failed"}},
		{name: "without an agent it is not delivered", guest: func(g *engine.GuestFacts) { g.AgentOnline = false }, want: [3]string{"Aborted", "ClientNotRunning", "Failed"}},
		{name: "an agent that hangs gets it for a minute", guest: func(g *engine.GuestFacts) { g.AgentHangs = true }, wait: 58 * time.Second, want: [3]string{"Pending", "", "Running"}},
		{name: "after a minute it is given up", guest: func(g *engine.GuestFacts) { g.AgentHangs = true }, wait: 61 * time.Second, want: [3]string{"Aborted", "DeliveryTimeout", "Failed"}},
		{name: "a user that is not there", more: []string{"Username", "ann"}, want: [3]string{"Error", "AccountNotExists", "Failed"}},
		{name: "an instance that stops takes it along", done: engine.Execution{Took: time.Hour}, after: func(c *ecsCloud, _ string) { c.ok(qingdao, "StopInstance", "InstanceId", "i-a") },
			want: [3]string{"Error", "InstanceNotRunning", "Failed"}},
		{name: "an instance that is released takes it along", done: engine.Execution{Took: time.Hour}, after: func(c *ecsCloud, _ string) { c.ok(qingdao, "DeleteInstance", "InstanceId", "i-a", "Force", "true") },
			want: [3]string{"Error", "InstanceReleased", "Failed"}},
		{name: "stopped while it runs it is terminated", done: engine.Execution{Took: time.Hour}, after: func(c *ecsCloud, invoke string) { c.ok(qingdao, "StopInvocation", "InvokeId", invoke) },
			wait: 3 * time.Second, want: [3]string{"Terminated", "ExecutionInterrupted", "Stopped"}},
		{name: "stopped after its end it stays as it is", after: func(c *ecsCloud, invoke string) {
			c.ok(qingdao, "StopInvocation", "InvokeId", invoke, "InstanceId.1", "i-a")
		},
			want: [3]string{"Success", "", "Finished"}},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c, _ := commands(t, r.done)
			if r.guest != nil {
				require.NoError(t, c.SetGuest("i-a", r.guest))
			}
			invoke := c.ok(qingdao, "RunCommand", script("x", r.more...)...).at("InvokeId")
			c.pass(time.Second)
			if r.after != nil {
				r.after(c, invoke)
			}
			c.pass(r.wait)
			require.Equal(t, r.want, c.result(invoke))
		})
	}
}

func TestACommandThatHasNotStarted(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{})
	one := c.ok(qingdao, "RunCommand", script("x")...).at("InvokeId")
	two := c.ok(qingdao, "RunCommand", script("x")...).at("InvokeId")
	c.ok(qingdao, "StopInvocation", "InvokeId", one)
	c.ok(qingdao, "StopInstance", "InstanceId", "i-a")
	c.pass(2 * time.Second)
	require.Equal(t, [3]string{"Cancelled", "", "Stopped"}, c.result(one))
	require.Equal(t, [3]string{"Pending", "", "Running"}, c.result(two))
	c.pass(time.Minute)
	require.Equal(t, [3]string{"Aborted", "DeliveryTimeout", "Failed"}, c.result(two), "it could not be delivered within a minute")
	require.Empty(t, guest.ran)
	c.refused(404, "InvalidInvokeId.NotFound", qingdao, "StopInvocation", "InvokeId", "t-none")
}

func TestCommandsThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name   string
		p      []string
		status int
		code   string
	}{
		{"a type that there is not", append(script("x"), "Type", "RunPython"), 403, "InvalidCmdType.NotFound"},
		{"a Windows type on Linux", append(script("x"), "Type", "RunPowerShellScript"), 403, "InvalidInstance.NotMatch"},
		{"no instance", []string{"Type", "RunShellScript", "CommandContent", "x"}, 400, "MissingParam.InstanceId"},
		{"one of the instances is not there", script("x", "InstanceId.2", "i-none"), 404, "InvalidInstance.NotFound"},
		{"one of the instances is stopped", script("x", "InstanceId.2", "i-off"), 403, "InvalidInstance.NotMatch"},
		{"content that is not Base64", append(script("x"), "CommandContent", "ping!"), 403, "CmdContent.DecodeError"},
		{"content of more than 24 KB", script(strings.Repeat("x", 19<<10)), 403, "CmdContent.ExceedLimit"},
		{"content of more than 18 KB to keep", script(strings.Repeat("x", 14<<10), "KeepCommand", "true"), 403, "CmdContent.ExceedLimit"},
		{"an encoding that there is not", append(script("x"), "ContentEncoding", "Hex"), 400, "InvalidParameter"},
		{"a long name", script("x", "Name", strings.Repeat("n", 129)), 403, "CmdName.ExceedLimit"},
		{"a timeout of 9 s", script("x", "Timeout", "9"), 400, "InvalidParameter.Timeout"},
		{"a mode that there is not", script("x", "RepeatMode", "Often"), 404, "InvalidRepeatMode.NotFound"},
		{"a schedule", script("x", "RepeatMode", "Period"), 400, "UnsupportedParameter"},
		{"a way to stop that there is not", script("x", "TerminationMode", "Softly"), 404, "InvalidTerminationMode.NotFound"},
		{"tags and instances", script("x", "ResourceTag.1.Key", "a"), 400, "InvalidResourceTag.ConflictWithInstanceIds"},
		{"tags that no instance has", []string{"Type", "RunShellScript", "CommandContent", "x", "ResourceTag.1.Key", "a"}, 400, "InvalidResourceTag.InstanceNotFound"},
		{"custom parameters", script("x", "EnableParameter", "true", "Parameters", "{}"), 400, "UnsupportedParameter"},
		{"another working directory", script("x", "WorkingDir", "/srv"), 400, "UnsupportedParameter"},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c, guest := commands(t, engine.Execution{})
			_, err := c.AddInstance(engine.Instance{ID: "i-off", VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, Status: engine.InstanceStopped})
			require.NoError(t, err)
			p := map[string]string{}
			var order []string
			for i := 0; i < len(r.p); i += 2 {
				p[r.p[i]] = r.p[i+1]
			}
			for k, v := range p {
				order = append(order, k, v)
			}
			c.refused(r.status, r.code, qingdao, "RunCommand", order...)
			c.pass(time.Minute)
			require.Empty(t, guest.ran, "nothing runs anywhere")
		})
	}
}

func TestPlainTextIsTheDefaultOfWhatIsSent(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{})
	c.ok(qingdao, "RunCommand", "Type", "RunShellScript", "CommandContent", "echo aGk=", "InstanceId.1", "i-a")
	c.pass(time.Second)
	require.Equal(t, "echo aGk=", guest.ran[0].Content)
}

func TestADryRunOfACommandRunsNothing(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{})
	require.Empty(t, c.ok(qingdao, "RunCommand", script("x", "RepeatMode", "DryRun")...).at("InvokeId"))
	require.NoError(t, c.SetGuest("i-a", func(g *engine.GuestFacts) { g.AgentOnline = false }))
	c.refused(403, "InvalidInstance.NotMatch", qingdao, "RunCommand", script("x", "RepeatMode", "DryRun")...)
	c.pass(time.Minute)
	require.Empty(t, guest.ran)
	require.Zero(t, c.ok(qingdao, "DescribeInvocations").size("Invocations.Invocation"))
}

func TestWhetherAnOfflineAgentRefusesACommand(t *testing.T) {
	t.Parallel()
	c, _ := commands(t, engine.Execution{}, func(o *engine.Options) { o.Switches.OfflineAgentRefusesCommand = true })
	require.NoError(t, c.SetGuest("i-a", func(g *engine.GuestFacts) { g.AgentOnline = false }))
	c.refused(403, "InvalidInstance.NotMatch", qingdao, "RunCommand", script("x")...)
}

func TestACommandsClientToken(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{})
	one := c.ok(qingdao, "RunCommand", script("x", "ClientToken", "t")...).at("InvokeId")
	require.Equal(t, one, c.ok(qingdao, "RunCommand", script("x", "ClientToken", "t")...).at("InvokeId"))
	c.pass(time.Second)
	require.Len(t, guest.ran, 1)
}

func TestLongOutputIsCut(t *testing.T) {
	t.Parallel()
	c, _ := commands(t, engine.Execution{Output: strings.Repeat("x", 25<<10)})
	invoke := c.ok(qingdao, "RunCommand", script("x")...).at("InvokeId")
	c.pass(time.Second)
	a := c.ok(qingdao, "DescribeInvocationResults", "InvokeId", invoke, "ContentEncoding", "PlainText")
	require.Len(t, a.at("Invocation.InvocationResults.InvocationResult.0.Output"), 24<<10)
	require.EqualValues(t, 1<<10, a.get("Invocation.InvocationResults.InvocationResult.0.Dropped"))
}

func TestACommandOnSeveralInstances(t *testing.T) {
	t.Parallel()
	c, guest := commands(t, engine.Execution{})
	for n, online := range []bool{true, false} {
		_, err := c.AddInstance(engine.Instance{ID: fmt.Sprint("i-", n), VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, Tags: []engine.Tag{{Key: "t", Value: "1"}}, Guest: engine.GuestFacts{AgentOnline: online}})
		require.NoError(t, err)
	}
	overall := func(more ...string) [2]string {
		c.ok(qingdao, "RunCommand", append([]string{"Type", "RunShellScript", "CommandContent", "x"}, more...)...)
		c.pass(time.Second)
		a := c.ok(qingdao, "DescribeInvocations")
		return [2]string{a.at("Invocations.Invocation.0.InvocationStatus"), a.at("Invocations.Invocation.0.InvokeStatus")}
	}
	require.Equal(t, [2]string{"PartialFailed", "PartialFailed"}, overall("ResourceTag.1.Key", "t"))
	require.Equal(t, [2]string{"Failed", "Failed"}, overall("InstanceId.1", "i-1"))
	require.Equal(t, [2]string{"Success", "Finished"}, overall("InstanceId.1", "i-0", "InstanceId.2", "i-a", "InstanceId.3", "i-a"))
	guest.ExitCode = 1
	require.Equal(t, [2]string{"Failed", "Finished"}, overall("InstanceId.1", "i-0"), "in the older words a script that ended has finished")
	a := c.ok(qingdao, "DescribeInvocations", "MaxResults", "2")
	require.Equal(t, 2, a.size("Invocations.Invocation"))
	require.Equal(t, 2, c.ok(qingdao, "DescribeInvocations", "MaxResults", "2", "NextToken", a.at("NextToken")).size("Invocations.Invocation"))
	require.Equal(t, 6, c.ok(qingdao, "DescribeInvocationResults").size("Invocation.InvocationResults.InvocationResult"))
}

func TestCloudAssistantStatus(t *testing.T) {
	t.Parallel()
	c, _ := commands(t, engine.Execution{})
	for _, i := range []engine.Instance{{ID: "i-off", Status: engine.InstanceStopped, Guest: engine.GuestFacts{AgentOnline: true}}, {ID: "i-win", Guest: engine.GuestFacts{OS: "windows"}}} {
		i.VSwitchID, i.SecurityGroupIDs = "vsw-a", []string{"sg-a"}
		_, err := c.AddInstance(i)
		require.NoError(t, err)
	}
	c.ok(qingdao, "RunCommand", script("x")...)
	c.pass(time.Second)
	a := c.ok(qingdao, "DescribeCloudAssistantStatus", "InstanceId.1", "i-a", "InstanceId.2", "i-off", "InstanceId.3", "i-win", "MaxResults", "1")
	require.Equal(t, 3, a.size("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus"), "with instances named, pages are of no effect")
	for n, want := range []string{"true", "false", "false"} {
		require.Equal(t, want, a.at(fmt.Sprintf("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus.%d.CloudAssistantStatus", n)))
	}
	require.EqualValues(t, 1, a.get("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus.0.InvocationCount"))
	require.Equal(t, "2026-03-01T08:00:01Z", a.at("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus.0.LastHeartbeatTime"))
	require.Equal(t, 1, c.ok(qingdao, "DescribeCloudAssistantStatus", "OSType", "Windows").size("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus"))
	require.Equal(t, 2, c.ok(qingdao, "DescribeCloudAssistantStatus", "MaxResults", "2").size("InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus"))
	c.refused(404, "InvalidInstance.NotFound", qingdao, "DescribeCloudAssistantStatus", "InstanceId.1", "i-none")
	c.refused(404, "InvalidInstance.NotFound", beijing, "DescribeCloudAssistantStatus", "InstanceId.1", "i-a")
}

// The engine with the data plane: a ping shows the world as it is when the
// script starts, not when it was asked for.
func TestAPingSeesTheWorldAsItIsWhenItStarts(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t, func(o *engine.Options) { o.Guest = dataplane.Guests{} })
	_, err := c.AddInstance(engine.Instance{ID: "i-2", VSwitchID: "vsw-a", SecurityGroupIDs: []string{c.second(engine.SecurityGroup{ID: "sg-2"}).ID}})
	require.NoError(t, err)
	ping := func() string {
		return c.ok(qingdao, "RunCommand", script("ping -c 4 -i 0.2 -W 2 192.168.1.2")...).at("InvokeId")
	}
	before := ping()
	c.pass(time.Second)
	after := ping()
	c.ok(qingdao, "AuthorizeSecurityGroup", "SecurityGroupId", "sg-2", "Permissions.1.IpProtocol", "ICMP", "Permissions.1.PortRange", "-1/-1", "Permissions.1.SourceCidrIp", "192.168.1.0/24")
	c.pass(10 * time.Second)
	require.Equal(t, [3]string{"Failed", "ExitCodeNonzero", "Finished"}, c.result(before))
	require.Equal(t, [3]string{"Success", "", "Finished"}, c.result(after))
	a := c.ok(qingdao, "DescribeInvocationResults", "InvokeId", after, "ContentEncoding", "PlainText")
	require.Contains(t, a.at("Invocation.InvocationResults.InvocationResult.0.Output"), "4 packets transmitted, 4 received, 0% packet loss")
}
