package engine_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func callOpen(e *engine.Engine, action string, p ...string) engine.Result {
	m := map[string]string{"RegionId": home}
	for i := 0; i < len(p); i += 2 {
		m[p[i]] = p[i+1]
	}
	return e.Call(asCall(engine.Credential{}, "Mns-open", "2022-01-19", action, m))
}

func openOK(t *testing.T, e *engine.Engine, action string, p ...string) map[string]any {
	t.Helper()
	r := callOpen(e, action, p...)
	require.Nil(t, r.Err)
	m := asMap(t, r.Response)
	require.EqualValues(t, 200, m["Code"])
	require.Equal(t, true, m["Success"])
	return m["Data"].(map[string]any)
}

func TestTheControlPlaneAndTheDataPlaneShareTheQueues(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	openOK(t, e, "CreateQueue", "QueueName", "dead")
	openOK(t, e, "CreateQueue", "QueueName", "q", "VisibilityTimeout", "120", "EnableLogging", "true",
		"DlqPolicy", `{"Enabled":true,"DeadLetterTargetQueue":"dead","MaxReceiveCount":4}`)
	send(t, e, ref("q"), "1")
	send(t, e, ref("q"), "2")
	_, err := e.ReceiveMessages(ref("q"), 1, 0)
	require.NoError(t, err)
	ten := 10
	_, err = e.SendMessage(ref("q"), engine.Outgoing{Body: "3", DelaySeconds: &ten})
	require.NoError(t, err)

	got := openOK(t, e, "GetQueueAttributes", "QueueName", "q")
	for k, want := range map[string]any{
		"QueueName": "q", "VisibilityTimeout": 120., "LoggingEnabled": true, "MaximumMessageSize": 65536.,
		"ActiveMessages": 1., "InactiveMessages": 1., "DelayMessages": 1.,
		"DlqPolicy": map[string]any{"Enabled": true, "DeadLetterTargetQueue": "dead", "MaxReceiveCount": 4.},
	} {
		require.Equal(t, want, got[k], k)
	}
	openOK(t, e, "SetQueueAttributes", "QueueName", "q", "DelaySeconds", "7")
	got = openOK(t, e, "GetQueueAttributes", "QueueName", "q")
	require.Equal(t, 7., got["DelaySeconds"])
	require.Equal(t, 120., got["VisibilityTimeout"], "what is not named stays")

	openOK(t, e, "DeleteQueue", "QueueName", "q")
	for _, action := range []string{"GetQueueAttributes", "SetQueueAttributes", "DeleteQueue"} {
		r := callOpen(e, action, "QueueName", "q")
		require.Equal(t, "QueueNotExist", r.Err.Code, action)
		require.Equal(t, 404, r.Err.Status)
	}
}

func TestMakingAQueueThroughTheControlPlane(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	openOK(t, e, "CreateQueue", "QueueName", "q")
	openOK(t, e, "CreateQueue", "QueueName", "q")
	for name, tc := range map[string]struct {
		p    []string
		code string
	}{
		"another of the name":          {[]string{"QueueName", "q", "DelaySeconds", "1"}, "QueueAlreadyExist"},
		"no name":                      {nil, "MissingParameter"},
		"a name that is none":          {[]string{"QueueName", "a_b"}, "InvalidQueueName"},
		"a delay that is none":         {[]string{"QueueName", "r", "DelaySeconds", "soon"}, "InvalidParameter"},
		"a delay that is too long":     {[]string{"QueueName", "r", "DelaySeconds", "604801"}, "InvalidArgument"},
		"a policy that is none":        {[]string{"QueueName", "r", "DlqPolicy", "yes"}, "InvalidArgument"},
		"a kind that is not here":      {[]string{"QueueName", "r", "QueueType", "fifo"}, "UnsupportedParameter"},
		"a region that does not exist": {[]string{"QueueName", "r", "RegionId", "mars"}, "InvalidRegionId.NotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := callOpen(e, "CreateQueue", tc.p...)
			require.NotNil(t, r.Err)
			require.Equal(t, tc.code, r.Err.Code)
		})
	}
	require.Equal(t, "InvalidArgument", callOpen(e, "SetQueueAttributes", "QueueName", "q", "DlqPolicy", "yes").Err.Code)
}

func TestListingQueues(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	for i := range 12 {
		openOK(t, e, "CreateQueue", "QueueName", fmt.Sprintf("vi-%02d", i))
	}
	openOK(t, e, "CreateQueue", "QueueName", "other")
	got := openOK(t, e, "ListQueue", "QueueName", "vi-", "PageNum", "2", "PageSize", "5")
	for k, want := range map[string]any{"Total": 12., "Pages": 3., "Size": 5., "PageNum": 2., "PageSize": 5.} {
		require.Equal(t, want, got[k], k)
	}
	require.Equal(t, "vi-05", got["PageData"].([]any)[0].(map[string]any)["QueueName"])
	require.Equal(t, 10., openOK(t, e, "ListQueue")["Size"])
	require.Empty(t, openOK(t, e, "ListQueue", "PageNum", "9")["PageData"])
	require.Equal(t, "InvalidArgument", callOpen(e, "ListQueue", "PageSize", "51").Err.Code)
	require.Equal(t, "InvalidArgument", callOpen(e, "ListQueue", "PageNum", "0").Err.Code)
}

func TestTheSwitchesOfAQueuesDescription(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		s              engine.Switches
		created, alive float64
	}{
		"by default":                      {engine.Switches{}, 1795435200000, 1},
		"times in seconds":                {engine.Switches{QueueTimesInSeconds: true}, 1795435200, 1},
		"no numbers of messages any more": {engine.Switches{MessageCountsWithdrawn: true}, 1795435200000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := cloudByHand(engine.Options{Switches: tc.s})
			send(t, e, withQueue(t, e, "q", nil), "x")
			got := openOK(t, e, "GetQueueAttributes", "QueueName", "q")
			require.Equal(t, tc.created, got["CreateTime"])
			require.Equal(t, tc.alive, got["ActiveMessages"])
		})
	}
}
