package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/kernel"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// A command of Cloud Assistant runs in the kernel's network: what it printed is
// its result, and when the cloud is closed nothing of the network is left.
func TestACommandRunsOnTheKernelsNetwork(t *testing.T) {
	t.Parallel()
	var ran atomic.Pointer[engine.Execution]
	s, err := stack.New(context.Background(), stack.Options{
		Dir: project(t, sYAML, templateYML), Code: built, World: world.Default(), Kernel: true,
		Ran: func(_ engine.Script, x engine.Execution) { ran.Store(&x) },
	})
	if errors.Is(err, kernel.ErrUnavailable) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(s.Close)
	call := func(action string, more map[string]string) map[string]any {
		parameters := map[string]string{"RegionId": "cn-qingdao"}
		for k, v := range more {
			parameters[k] = v
		}
		r := s.Engine.Call(engine.Call{Product: "Ecs", Version: "2014-05-26", Action: action, Parameters: parameters})
		require.Nil(t, r.Err)
		text, err := json.Marshal(r.Response)
		require.NoError(t, err)
		var out map[string]any
		require.NoError(t, json.Unmarshal(text, &out))
		return out
	}
	const instance = "i-m5e1qingdao000000ecs1"
	invoke := call("RunCommand", map[string]string{
		"Type": "RunShellScript", "InstanceId.1": instance, "CommandContent": "ping -c 2 -i 0.2 192.168.1.10; cat /proc/net/dev | grep -c eth0; exit 3",
	})["InvokeId"].(string)
	var result map[string]any
	require.Eventually(t, func() bool {
		a := call("DescribeInvocationResults", map[string]string{"InvokeId": invoke, "InstanceId": instance, "ContentEncoding": "PlainText"})
		result = a["Invocation"].(map[string]any)["InvocationResults"].(map[string]any)["InvocationResult"].([]any)[0].(map[string]any)
		return result["InvocationStatus"] == "Failed"
	}, 20*time.Second, 50*time.Millisecond, "%v", result)
	require.EqualValues(t, 3, result["ExitCode"])
	require.Contains(t, result["Output"], "2 packets transmitted, 2 received, 0% packet loss")
	require.Contains(t, result["Output"], "\n1\n")
	require.Equal(t, result["Output"], ran.Load().Output, "who looks on sees the same")

	mine := func() []string {
		all, err := filepath.Glob("/run/netns/" + s.Endpoints.Namespaces + "*")
		require.NoError(t, err)
		return all
	}
	require.Len(t, mine(), 4, "two vRouters and two instances")
	s.Close()
	require.Empty(t, mine())
	_, err = os.Stat("/run/localcloud/" + s.Endpoints.Namespaces[:len(s.Endpoints.Namespaces)-1])
	require.ErrorIs(t, err, os.ErrNotExist)
}
