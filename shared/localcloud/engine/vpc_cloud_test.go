package engine_test

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// stopped is a clock that moves when told.
type stopped struct{ now time.Time }

func (c *stopped) Now() time.Time { return c.now }

// vpcCloud is a cloud with two regions and a clock in hand.
type vpcCloud struct {
	*engine.Engine
	t     *testing.T
	clock *stopped
}

const (
	qingdao    = "cn-qingdao"
	beijing    = "cn-beijing"
	transition = 10 * time.Second
)

func newVPCCloud(t *testing.T, change ...func(*engine.Options)) *vpcCloud {
	clock := &stopped{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	o := engine.Options{Clock: clock, Transition: transition, NoRates: true}
	for _, f := range change {
		f(&o)
	}
	c := &vpcCloud{engine.New(o), t, clock}
	c.AddRegion(engine.Region{ID: qingdao, Zones: []string{"cn-qingdao-b", "cn-qingdao-c"}})
	c.AddRegion(engine.Region{ID: beijing, Zones: []string{"cn-beijing-a"}})
	return c
}

func (c *vpcCloud) pass(d time.Duration) { c.clock.now = c.clock.now.Add(d) }

// raw makes a call: parameters as name, value, name, value.
func (c *vpcCloud) raw(region, action string, parameters ...string) engine.Result {
	c.t.Helper()
	p := map[string]string{"RegionId": region}
	for i := 0; i < len(parameters); i += 2 {
		p[parameters[i]] = parameters[i+1]
	}
	return c.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: action, Parameters: p})
}

// ok makes a call that is to succeed.
func (c *vpcCloud) ok(region, action string, parameters ...string) tree {
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

// refused makes a call that is to fail with a code.
func (c *vpcCloud) refused(code, region, action string, parameters ...string) *engine.Error {
	c.t.Helper()
	r := c.raw(region, action, parameters...)
	require.NotNil(c.t, r.Err, "%s succeeds, wanted %s", action, code)
	require.Equal(c.t, code, r.Err.Code, r.Err.Message)
	return r.Err
}

// tree is decoded JSON, read by paths as "Vpcs.Vpc.0.Status".
type tree struct{ v any }

func (t tree) get(path string) any {
	v := t.v
	for part := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (t tree) at(path string) string {
	s, _ := t.get(path).(string)
	return s
}

func (t tree) size(path string) int {
	l, _ := t.get(path).([]any)
	return len(l)
}

// pair is the tutorial's two VPCs.
type pair struct {
	*vpcCloud
	a, b   engine.VPC
	ta, tb engine.RouteTable
	sa     engine.VSwitch
}

func newPair(t *testing.T, change ...func(*engine.Options)) *pair {
	p := &pair{vpcCloud: newVPCCloud(t, change...)}
	var err error
	p.a, p.ta, err = p.AddVPC(engine.VPC{ID: "vpc-a", RouterID: "vrt-a", RegionID: qingdao, Block: netip.MustParsePrefix("192.168.0.0/16")}, "vtb-a")
	require.NoError(t, err)
	p.b, p.tb, err = p.AddVPC(engine.VPC{ID: "vpc-b", RouterID: "vrt-b", RegionID: beijing, Block: netip.MustParsePrefix("172.16.0.0/16")}, "vtb-b")
	require.NoError(t, err)
	p.sa, err = p.AddVSwitch(engine.VSwitch{ID: "vsw-a", VpcID: "vpc-a", ZoneID: "cn-qingdao-b", Block: netip.MustParsePrefix("192.168.1.0/24")})
	require.NoError(t, err)
	return p
}

// interfaces creates both sides and lets them name each other.
func (p *pair) interfaces() (initiator, acceptor string) {
	p.t.Helper()
	initiator = p.create("InitiatingSide", "Mini.2")
	acceptor = p.create("AcceptingSide", "Negative")
	p.name(qingdao, initiator, acceptor, "vrt-b")
	p.name(beijing, acceptor, initiator, "vrt-a")
	return initiator, acceptor
}

func (p *pair) create(role, spec string, more ...string) string {
	p.t.Helper()
	region, router, other := qingdao, "vrt-a", beijing
	if role == "AcceptingSide" {
		region, router, other = beijing, "vrt-b", qingdao
	}
	args := append([]string{"Role", role, "Spec", spec, "RouterType", "VRouter", "RouterId", router, "OppositeRegionId", other}, more...)
	return p.ok(region, "CreateRouterInterface", args...).at("RouterInterfaceId")
}

func (p *pair) name(region, id, opposite, router string) {
	p.t.Helper()
	p.ok(region, "ModifyRouterInterfaceAttribute", "RouterInterfaceId", id, "OppositeInterfaceId", opposite,
		"OppositeRouterId", router, "OppositeRouterType", "VRouter", "OppositeInterfaceOwnerId", p.AccountID())
}

func (p *pair) status(region, id string) string {
	p.t.Helper()
	return p.ok(region, "DescribeRouterInterfaceAttribute", "InstanceId", id).at("Status")
}

// connected is a pair whose interfaces are Active.
func (p *pair) connected() (initiator, acceptor string) {
	p.t.Helper()
	initiator, acceptor = p.interfaces()
	p.ok(qingdao, "ConnectRouterInterface", "RouterInterfaceId", initiator)
	p.pass(2 * transition)
	require.Equal(p.t, "Active", p.status(qingdao, initiator))
	return initiator, acceptor
}
