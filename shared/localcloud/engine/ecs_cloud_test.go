package engine_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// ecsCloud is the pair of VPCs with a group and an instance in the first one.
type ecsCloud struct{ *pair }

// playedGuest is a guest whose scripts come to what the test says.
type playedGuest struct {
	engine.Execution
	ran []engine.Script
}

func (s *playedGuest) Run(script engine.Script) engine.Execution {
	s.ran = append(s.ran, script)
	return s.Execution
}

func newECSCloud(t *testing.T, change ...func(*engine.Options)) *ecsCloud {
	c := &ecsCloud{newPair(t, change...)}
	_, err := c.AddSecurityGroup(engine.SecurityGroup{ID: "sg-a", VpcID: "vpc-a", Name: "web"})
	require.NoError(t, err)
	_, err = c.AddInstance(engine.Instance{ID: "i-a", VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, Guest: engine.GuestFacts{AgentOnline: true}})
	require.NoError(t, err)
	return c
}

// pass lets time pass, and what is due in it happen.
func (c *ecsCloud) pass(d time.Duration) {
	c.pair.pass(d)
	c.Settle()
}

func (c *ecsCloud) raw(region, action string, parameters ...string) engine.Result {
	c.t.Helper()
	p := map[string]string{"RegionId": region}
	for i := 0; i < len(parameters); i += 2 {
		p[parameters[i]] = parameters[i+1]
	}
	return c.Call(engine.Call{Product: "Ecs", Version: "2014-05-26", Action: action, Parameters: p})
}

func (c *ecsCloud) ok(region, action string, parameters ...string) tree {
	c.t.Helper()
	r := c.raw(region, action, parameters...)
	if r.Err != nil {
		require.NoError(c.t, r.Err, action)
	}
	text, err := json.Marshal(r.Response)
	require.NoError(c.t, err)
	require.NotContains(c.t, string(text), "null", "%s answers null somewhere", action)
	var m tree
	require.NoError(c.t, json.Unmarshal(text, &m.v))
	require.NotEmpty(c.t, m.at("RequestId"))
	return m
}

func (c *ecsCloud) refused(status int, code, region, action string, parameters ...string) {
	c.t.Helper()
	r := c.raw(region, action, parameters...)
	require.NotNil(c.t, r.Err, "%s succeeds, wanted %s", action, code)
	require.Equal(c.t, code, r.Err.Code, r.Err.Message)
	require.Equal(c.t, status, r.Err.Status, code)
	require.NotEmpty(c.t, r.Err.Message)
}

// permission spells one permission: name, value, name, value.
func permission(n int, parameters ...string) []string {
	out := []string{"SecurityGroupId", "sg-a"}
	for i := 0; i < len(parameters); i += 2 {
		out = append(out, fmt.Sprintf("Permissions.%d.%s", n, parameters[i]), parameters[i+1])
	}
	return out
}

// pingFrom is the permission that lets pings in from a block.
func pingFrom(block string, more ...string) []string {
	return permission(1, append([]string{"IpProtocol", "ICMP", "PortRange", "-1/-1", "SourceCidrIp", block}, more...)...)
}

// rulesOf returns a group's rules as the API tells them.
func (c *ecsCloud) rulesOf(group string, more ...string) []map[string]any {
	c.t.Helper()
	a := c.ok(qingdao, "DescribeSecurityGroupAttribute", append([]string{"SecurityGroupId", group, "NicType", "intranet"}, more...)...)
	var out []map[string]any
	for n := range a.size("Permissions.Permission") {
		out = append(out, a.get(fmt.Sprintf("Permissions.Permission.%d", n)).(map[string]any))
	}
	return out
}

// second adds a group beside sg-a.
func (c *ecsCloud) second(g engine.SecurityGroup) engine.SecurityGroup {
	c.t.Helper()
	if g.VpcID == "" {
		g.VpcID = "vpc-a"
	}
	g, err := c.AddSecurityGroup(g)
	require.NoError(c.t, err)
	return g
}

func (c *ecsCloud) vpcOfTheSameRegion() {
	c.t.Helper()
	_, _, err := c.AddVPC(engine.VPC{ID: "vpc-c", RegionID: qingdao, Block: netip.MustParsePrefix("10.0.0.0/8")}, "")
	require.NoError(c.t, err)
	c.second(engine.SecurityGroup{ID: "sg-c", VpcID: "vpc-c"})
}

// lagsBehind makes every read see the world as it was some time ago.
type lagsBehind time.Duration

func (l lagsBehind) Call(string, string, bool) engine.Fault {
	return engine.Fault{Lag: time.Duration(l)}
}
func (lagsBehind) Slow(time.Duration) time.Duration { return 0 }
