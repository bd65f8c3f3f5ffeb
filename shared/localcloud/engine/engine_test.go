package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// scripted is Faults that a test writes down call by call.
type scripted struct {
	next engine.Fault
	slow time.Duration
}

func (s *scripted) Call(string, string, bool) engine.Fault {
	f := s.next
	s.next = engine.Fault{}
	return f
}

func (s *scripted) Slow(time.Duration) time.Duration { return s.slow }

func TestFaultsHitCalls(t *testing.T) {
	t.Parallel()
	down := &engine.Error{Status: 503, Code: "ServiceUnavailable", Message: "down"}
	setup := func(t *testing.T) (*vpcCloud, *scripted) {
		f := &scripted{}
		return newVPCCloud(t, func(o *engine.Options) { o.Faults = f }), f
	}
	vpcs := func(c *vpcCloud) int { return len(c.VPCSnapshot().VPCs) }
	t.Run("a refused call does nothing", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		f.next = engine.Fault{Refuse: down}
		require.Equal(t, "refused", c.raw(qingdao, "CreateVpc").Fault)
		require.Zero(t, vpcs(c))
	})
	t.Run("a misleading answer comes from a call that was carried out", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		f.next = engine.Fault{Answer: down}
		r := c.raw(qingdao, "CreateVpc")
		require.Equal(t, down, r.Err)
		require.Nil(t, r.Response)
		require.Equal(t, 1, vpcs(c))
	})
	t.Run("a call that fails by itself keeps its own error", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		f.next = engine.Fault{Answer: down}
		c.refused("InvalidVpcID.NotFound", qingdao, "DeleteVpc", "VpcId", "vpc-x")
	})
	t.Run("a lost answer comes from a call that was carried out", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		f.next = engine.Fault{Drop: true}
		require.True(t, c.raw(qingdao, "CreateVpc").Drop)
		require.Equal(t, 1, vpcs(c))
	})
	t.Run("a lagging read sees the past, a write and the next read do not", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		id := c.ok(qingdao, "CreateVpc").at("VpcId")
		c.pass(time.Second)
		f.next = engine.Fault{Lag: 2 * time.Second}
		require.EqualValues(t, 0, c.ok(qingdao, "DescribeVpcs").get("TotalCount"))
		require.EqualValues(t, 1, c.ok(qingdao, "DescribeVpcs").get("TotalCount"))
		f.next = engine.Fault{Lag: 2 * time.Second}
		c.ok(qingdao, "ModifyVpcAttribute", "VpcId", id, "VpcName", "new")
	})
	t.Run("slow states take longer", func(t *testing.T) {
		t.Parallel()
		c, f := setup(t)
		f.slow = transition
		id := c.ok(qingdao, "CreateVpc").at("VpcId")
		c.pass(transition)
		require.Equal(t, "Pending", c.ok(qingdao, "DescribeVpcAttribute", "VpcId", id).at("Status"))
		c.pass(transition)
		require.Equal(t, "Available", c.ok(qingdao, "DescribeVpcAttribute", "VpcId", id).at("Status"))
	})
	t.Run("connecting right after modifying can still see the opposite side unset", func(t *testing.T) {
		t.Parallel()
		f := &scripted{slow: time.Second}
		p := newPair(t, func(o *engine.Options) { o.Faults = f })
		i, _ := p.interfaces()
		p.refused("IncorrectOppositeInterfaceInfo.NotSet", qingdao, "ConnectRouterInterface", "RouterInterfaceId", i)
		p.pass(time.Second)
		p.ok(qingdao, "ConnectRouterInterface", "RouterInterfaceId", i)
	})
}

func TestSeedReplaysFaults(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (out []string) {
		c := newVPCCloud(t, func(o *engine.Options) {
			o.Seed, o.Faults = seed, engine.Hostile(seed, engine.UsualRates)
		})
		for range 300 {
			for _, action := range []string{"CreateVpc", "DescribeVpcs"} {
				r := c.raw(qingdao, action)
				out = append(out, r.RequestID+" "+r.Fault)
				c.pass(100 * time.Millisecond)
			}
		}
		return out
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	kinds := map[string]bool{}
	for _, line := range first {
		kinds[line[37:min(len(line), 45)]] = true
	}
	for _, kind := range []string{"", "refused", "done but", "answer l", "read lag"} {
		require.Contains(t, kinds, kind, "300 calls see every kind of fault")
	}
}

func TestClientTokens(t *testing.T) {
	t.Parallel()
	c := newVPCCloud(t)
	first := c.ok(qingdao, "CreateVpc", "ClientToken", "t1", "VpcName", "a")
	again := c.ok(qingdao, "CreateVpc", "ClientToken", "t1", "VpcName", "a")
	require.Equal(t, first.at("VpcId"), again.at("VpcId"), "same parameters: same answer")
	require.NotEqual(t, first.at("RequestId"), again.at("RequestId"))
	c.refused("IdempotentParameterMismatch", qingdao, "CreateVpc", "ClientToken", "t1", "VpcName", "b")
	require.NotEqual(t, first.at("VpcId"), c.ok(beijing, "CreateVpc", "ClientToken", "t1", "VpcName", "a").at("VpcId"), "a token is of its region")
	c.refused("InvalidVpcID.NotFound", qingdao, "CreateVSwitch", "ClientToken", "t2", "VpcId", "vpc-x", "ZoneId", "cn-qingdao-b", "CidrBlock", "192.168.1.0/24")
	c.pass(transition)
	c.refused("InvalidCidrBlock.Mismatch", qingdao, "CreateVSwitch", "ClientToken", "t2", "VpcId", first.at("VpcId"), "ZoneId", "cn-qingdao-b", "CidrBlock", "10.0.0.0/24")
}

func TestPublishedRatesThrottle(t *testing.T) {
	t.Parallel()
	c := newVPCCloud(t, func(o *engine.Options) { o.NoRates = false })
	call := func(region string) string {
		if err := c.raw(region, "ConnectRouterInterface", "RouterInterfaceId", "ri-x").Err; err != nil {
			return err.Code
		}
		return ""
	}
	for range 300 {
		require.Equal(t, "InvalidRouterInterfaceId.NotFound", call(qingdao))
	}
	require.Equal(t, "Throttling.User", call(qingdao))
	require.Equal(t, "InvalidRouterInterfaceId.NotFound", call(beijing), "per region")
	c.pass(59 * time.Second)
	require.Equal(t, "Throttling.User", call(qingdao))
	c.pass(time.Second)
	require.Equal(t, "InvalidRouterInterfaceId.NotFound", call(qingdao))

	for action, rate := range map[string]int{"DescribeVpcs": 0, "CreateVSwitch": 300, "DeleteRouteEntries": 300, "ModifyRouteEntry": 300} {
		a, known := engine.Find("Vpc", action)
		require.True(t, known)
		require.Equal(t, rate, a.PerMinute, action)
	}
	for action, rate := range map[string]int{"CreateVpcPeerConnection": 360, "ListVpcPeerConnections": 360, "TagResources": 1000} {
		a, known := engine.Find("VpcPeer", action)
		require.True(t, known)
		require.Equal(t, rate, a.PerMinute, action)
	}
}

func TestParametersAreChecked(t *testing.T) {
	t.Parallel()
	c := newVPCCloud(t)
	c.refused("UnsupportedParameter", qingdao, "DescribeVpcs", "Vpcid", "vpc-1")
	c.refused("UnsupportedParameter", qingdao, "DescribeVpcs", "Tag.1.Kee", "x")
	c.refused("UnsupportedParameter", qingdao, "DescribeVpcs", "Tag.0.Key", "x")
	c.refused("UnsupportedParameter", qingdao, "DescribeVpcs", "Tag", "x")
	c.refused("InvalidParameter", qingdao, "DescribeVpcs", "PageNumber", "one")
	c.refused("InvalidParameter", qingdao, "DescribeVpcs", "IsDefault", "maybe")
	c.refused("MissingParameter", "", "DescribeVpcs")
	c.refused("InvalidAction.NotFound", qingdao, "DescribeVpc")
	require.Equal(t, "InvalidVersion", c.Call(engine.Call{Product: "Vpc", Version: "2015-01-01", Action: "DescribeVpcs"}).Err.Code)
	c.ok(qingdao, "DescribeVpcs", "OwnerId", "0", "ResourceOwnerAccount", "")

	named := newVPCCloud(t, func(o *engine.Options) { o.Switches.MissingParameterNamed = true })
	named.refused("MissingVpcId", qingdao, "DescribeVpcAttribute")
	lax := newVPCCloud(t, func(o *engine.Options) { o.Switches.UnknownParametersIgnored = true })
	lax.ok(qingdao, "DescribeVpcs", "Vpcid", "vpc-1")
}

func TestTimersGoOffInOrder(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, _ := p.interfaces()
	p.ok(qingdao, "ConnectRouterInterface", "RouterInterfaceId", i)
	at, ok := p.NextEvent()
	require.True(t, ok)
	require.Equal(t, 7500*time.Millisecond, at.Sub(p.clock.now))
	p.pass(time.Hour) // one jump: the chain of transitions still has its own times
	require.Equal(t, "2026-03-01T08:00:10Z", p.ok(qingdao, "DescribeRouterInterfaceAttribute", "InstanceId", i).at("ConnectedTime"))
	_, ok = p.NextEvent()
	require.False(t, ok)
	changes := 0
	p.Watch(func() { changes++ })
	p.Settle()
	require.Equal(t, 1, changes)
}
