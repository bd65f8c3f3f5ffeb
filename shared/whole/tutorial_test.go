package whole_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
)

func TestTheTutorialsConnectionFromZeroToConnected(t *testing.T) {
	t.Parallel()
	c := start(t, stack.Options{})
	r := c.post(tutorial)
	require.Equal(t, 202, r.status, r.text)
	r = c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	t.Log(r.text)

	require.Len(t, r.Verdict.Pings, 2)
	for _, p := range r.Verdict.Pings {
		require.Positive(t, p.Sent)
		require.Equal(t, p.Sent, p.Received)
	}
	require.GreaterOrEqual(t, strings.Count(strings.Join(c.outputs, "\n"), " 0% packet loss"), 2)
}

func TestTheWorldAfterTheRunHasTheConnectionAndNothingElse(t *testing.T) {
	t.Parallel()
	c := start(t, stack.Options{})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)

	o := c.untouched()
	require.Len(t, o.interfaces, 2)
	specs := map[string]string{}
	for _, r := range o.interfaces {
		require.Equal(t, "Active", r.Status)
		specs[r.VpcID] = r.Spec
	}
	require.Equal(t, map[string]string{vpc1: "Mini.2", vpc2: "Negative"}, specs)
	for table, to := range map[string]string{table1: "172.16.0.0/16", table2: "192.168.0.0/16"} {
		require.Len(t, o.routes[table], 1)
		require.Equal(t, to, o.routes[table][0].Destination)
		require.Equal(t, "RouterInterface", o.routes[table][0].NextHops[0].Type)
	}
	for group, from := range map[string]string{group1: "172.16.0.0/16", group2: "192.168.0.0/16"} {
		require.Len(t, o.rules[group], 1)
		r := o.rules[group][0]
		require.Equal(t, []string{"ingress", "ICMP", "accept", from}, []string{r.Direction, r.Protocol, r.Policy, r.CidrBlock})
	}

	before := c.changes()
	r := c.post(tutorial)
	require.Equal(t, 200, r.status, r.text)
	require.Equal(t, 1, r.Generation)
	time.Sleep(time.Second)
	require.Equal(t, before, c.changes(), "the same request again changes nothing")

	r = c.drop("tutorial")
	require.Equal(t, 202, r.status, r.text)
	r = c.reaches("tutorial", interconnect.StateDisconnected, 2*time.Minute)
	t.Log(r.text)
	require.Equal(t, interconnect.VerdictIsolated, r.Verdict.Outcome)
	require.Empty(t, r.Leftovers)
	c.asBefore()

	r = c.post(tutorial)
	require.Equal(t, 202, r.status, "what was taken away can be asked for again")
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
}
