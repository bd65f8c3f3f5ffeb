package whole_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
)

func TestWhatCannotBeUnderstoodIsBuriedAndTheNextMessageHandled(t *testing.T) {
	t.Parallel()
	c := calm(t, stack.Options{}) // a hostile cloud delivers twice, which is two letters
	queue := func(name string) engine.QueueRef { return engine.QueueRef{Region: "cn-hangzhou", Name: "vi-" + name} }
	read := []string{"peering", "routes", "security-groups", "verification"}
	for _, q := range read {
		_, err := c.Engine.SendMessage(queue(q), engine.Outgoing{Body: "no JSON, but " + q})
		require.NoError(t, err)
	}
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)

	buried, err := c.Engine.QueueMessages(queue("dead-letters"))
	require.NoError(t, err)
	require.Len(t, buried, len(read))
	bodies := map[string]string{}
	for _, m := range buried {
		var l chain.DeadLetter
		require.NoError(t, json.Unmarshal([]byte(m.Body), &l), m.Body)
		bodies[l.Queue] = l.Body
		require.NotEmpty(t, l.Reason)
		t.Log(m.Body)
	}
	logged := map[string]int{}
	for _, l := range c.printed() {
		if strings.Contains(l.Text, `"msg":"dead letter"`) {
			logged[l.Function]++
		}
	}
	require.Equal(t, map[string]int{"peering": 1, "routes": 1, "securitygroups": 1, "verification": 1}, logged)
	for _, q := range read {
		require.Equal(t, "no JSON, but "+q, bodies[q])
	}
	left, err := c.Engine.QueueMessages(queue("peering"))
	require.NoError(t, err)
	require.Empty(t, left)
	time.Sleep(time.Second)
	buried, _ = c.Engine.QueueMessages(queue("dead-letters"))
	require.Len(t, buried, len(read), "it stays that")
}
