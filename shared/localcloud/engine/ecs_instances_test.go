package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// newInstance is a RunInstances that succeeds, and what is changed of it.
func newInstance(more ...string) []string {
	return append([]string{"VSwitchId", "vsw-a", "SecurityGroupId", "sg-a", "ImageId", "aliyun_3", "InstanceType", "ecs.g7.large"}, more...)
}

func (c *ecsCloud) status(id string) string {
	c.t.Helper()
	return c.ok(qingdao, "DescribeInstances", "InstanceIds", fmt.Sprintf("[%q]", id)).at("Instances.Instance.0.Status")
}

func TestAnInstancesLife(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	id := c.ok(qingdao, "RunInstances", newInstance("InstanceName", "db", "PrivateIpAddress", "192.168.1.77")...).at("InstanceIdSets.InstanceIdSet.0")
	require.Equal(t, "Pending", c.status(id))
	c.refused(403, "IncorrectInstanceStatus", qingdao, "StopInstance", "InstanceId", id)
	c.refused(403, "IncorrectInstanceStatus.Initializing", qingdao, "DeleteInstance", "InstanceId", id, "Force", "true")
	c.pass(2 * time.Second)
	require.Equal(t, "Starting", c.status(id))
	c.pass(3 * time.Second)
	require.Equal(t, "Running", c.status(id))
	c.refused(403, "IncorrectInstanceStatus", qingdao, "StartInstance", "InstanceId", id)
	c.refused(403, "IncorrectInstanceStatus", qingdao, "DeleteInstance", "InstanceId", id)
	c.ok(qingdao, "StopInstance", "InstanceId", id)
	require.Equal(t, "Stopping", c.status(id))
	c.pass(transition)
	require.Equal(t, "Stopped", c.status(id))
	c.ok(qingdao, "StartInstance", "InstanceId", id)
	c.pass(transition)
	c.ok(qingdao, "StopInstance", "InstanceId", id)
	c.pass(transition)
	c.ok(qingdao, "DeleteInstance", "InstanceId", id)
	require.Empty(t, c.status(id))
	c.refused(404, "InvalidInstanceId.NotFound", qingdao, "DeleteInstance", "InstanceId", id)
	c.refused(404, "InvalidInstanceId.NotFound", beijing, "StopInstance", "InstanceId", "i-a")
}

func TestAnInstanceThatSomethingNeedsIsNotDeleted(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	require.Equal(t, "DependencyViolation", c.pair.raw(qingdao, "DeleteVSwitch", "VSwitchId", "vsw-a").Err.Code, "nor is the vSwitch that it is in")
	_, err := c.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: c.b.Block, NextHops: []engine.NextHop{{Type: "Instance", ID: "i-a"}}})
	require.NoError(t, err)
	c.refused(400, "DependencyViolation.RouteEntry", qingdao, "DeleteInstance", "InstanceId", "i-a", "Force", "true")
	id := c.ok(qingdao, "RunInstances", newInstance("DeletionProtection", "true")...).at("InstanceIdSets.InstanceIdSet.0")
	c.pass(transition)
	c.refused(403, "InvalidOperation.DeletionProtection", qingdao, "DeleteInstance", "InstanceId", id, "Force", "true")
}

func TestInstancesThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name   string
		p      []string
		status int
		code   string
	}{
		{"no image", []string{"VSwitchId", "vsw-a", "SecurityGroupId", "sg-a", "InstanceType", "ecs.g7.large"}, 400, "MissingParameter"},
		{"no group", []string{"VSwitchId", "vsw-a", "ImageId", "x", "InstanceType", "ecs.g7.large"}, 400, "MissingParameter"},
		{"a vSwitch that is not there", append(newInstance(), "VSwitchId", "vsw-none"), 404, "InvalidVSwitchId.NotFound"},
		{"a group that is not there", append(newInstance(), "SecurityGroupId", "sg-none"), 400, "InvalidSecurityGroupId.NotFound"},
		{"a group of another VPC", append(newInstance(), "SecurityGroupId", "sg-c"), 400, "InvalidParameter.Mismatch"},
		{"groups of two types", newInstance("SecurityGroupIds.1", "sg-e"), 403, "InvalidOperation.InvalidSecurityGroupType"},
		{"another zone than the vSwitch's", newInstance("ZoneId", "cn-qingdao-c"), 400, "InvalidParameter.Mismatch"},
		{"an address outside of the vSwitch", newInstance("PrivateIpAddress", "192.168.2.5"), 400, "InvalidPrivateIpAddress"},
		{"one of the cloud's own addresses", newInstance("PrivateIpAddress", "192.168.1.253"), 400, "InvalidPrivateIpAddress"},
		{"an address that is taken", newInstance("PrivateIpAddress", "192.168.1.1"), 400, "InvalidPrivateIpAddress.Duplicated"},
		{"no address at all", newInstance("PrivateIpAddress", "here"), 400, "InvalidPrivateIpAddress.Malformed"},
		{"too many", newInstance("Amount", "101"), 400, "InvalidMaxAmount.Malformed"},
		{"a subscription", newInstance("InstanceChargeType", "PrePaid"), 400, "UnsupportedParameter"},
		{"a dry run", newInstance("DryRun", "true"), 400, "DryRunOperation"},
		{"a parameter that this cloud does not have", newInstance("UserData", "x"), 400, "UnsupportedParameter"},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := newECSCloud(t)
			c.vpcOfTheSameRegion()
			c.second(engine.SecurityGroup{ID: "sg-e", Type: engine.GroupEnterprise})
			c.refused(r.status, r.code, qingdao, "RunInstances", r.p...)
		})
	}
}

func TestInstancesGetFreeAddresses(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	ids := c.ok(qingdao, "RunInstances", newInstance("Amount", "100", "Tag.1.Key", "batch", "Tag.1.Value", "1")...)
	require.Equal(t, 100, ids.size("InstanceIdSets.InstanceIdSet"))
	c.ok(qingdao, "RunInstances", newInstance("Amount", "100")...)
	require.Equal(t, 51, c.ok(qingdao, "RunInstances", newInstance("Amount", "100", "MinAmount", "1")...).size("InstanceIdSets.InstanceIdSet"),
		"a /24 has 252 addresses to give, of which i-a has one")
	c.refused(400, "QuotaExceeded.PrivateIpAddress", qingdao, "RunInstances", newInstance()...)
	seen := map[string]bool{}
	for page := 1; page <= 3; page++ {
		a := c.ok(qingdao, "DescribeInstances", "PageSize", "100", "PageNumber", fmt.Sprint(page))
		for n := range a.size("Instances.Instance") {
			seen[a.at(fmt.Sprintf("Instances.Instance.%d.VpcAttributes.PrivateIpAddress.IpAddress.0", n))] = true
		}
	}
	require.Len(t, seen, 252)
}

func TestListingInstances(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.pass(time.Hour)
	c.ok(qingdao, "RunInstances", newInstance("InstanceName", "web-1", "InstanceType", "ecs.t6-c1m1.large", "Tag.1.Key", "tier", "Tag.1.Value", "web", "ResourceGroupId", "rg-1")...)
	count := func(more ...string) int {
		return c.ok(qingdao, "DescribeInstances", more...).size("Instances.Instance")
	}
	require.Equal(t, 2, count())
	for _, f := range [][]string{
		{"InstanceName", "web-*"}, {"InstanceName", "*b-1"}, {"Status", "Pending"}, {"InstanceType", "ecs.t6-c1m1.large"}, {"InstanceTypeFamily", "ecs.t6-c1m1"},
		{"Tag.1.Key", "tier"}, {"Tag.1.key", "tier", "Tag.1.value", "web"}, {"PrivateIpAddresses", `["192.168.1.2"]`}, {"ResourceGroupId", "rg-1"},
		{"Filter.1.Key", "CreationStartTime", "Filter.1.Value", "2026-03-01T08:30Z"}, {"MaxResults", "1"}, {"ImageId", "aliyun_3"},
	} {
		require.Equal(t, 1, count(f...), "%v", f)
	}
	for _, f := range [][]string{
		{"VpcId", "vpc-a"}, {"VSwitchId", "vsw-a"}, {"ZoneId", "cn-qingdao-b"}, {"SecurityGroupId", "sg-a"}, {"InstanceNetworkType", "vpc"},
		{"InstanceChargeType", "PostPaid"}, {"DeviceAvailable", "true"}, {"Filter.2.Key", "CreationEndTime", "Filter.2.Value", "2026-03-02T00:00Z"},
	} {
		require.Equal(t, 2, count(f...), "%v", f)
	}
	for _, f := range [][]string{{"VpcId", "vpc-b"}, {"InstanceIds", "[]"}, {"Tag.1.Key", "none"}, {"InstanceNetworkType", "classic"}, {"InstanceChargeType", "PrePaid"}, {"Status", "Stopped"}} {
		require.Zero(t, count(f...), "%v", f)
	}
	for _, f := range [][]string{{"EipAddresses", `["1.2.3.4"]`}, {"KeyPairName", "k"}, {"Filter.3.Key", "ExpiredStartTime"}, {"Filter.1.Key", "Whatever", "Filter.1.Value", "x"}, {"LockReason", "security"}} {
		c.refused(400, "UnsupportedParameter", qingdao, "DescribeInstances", f...)
	}
	c.refused(400, "InvalidParameter", qingdao, "DescribeInstances", "InstanceIds", "i-a")
	c.refused(400, "InvalidParameter.MaxResults", qingdao, "DescribeInstances", "MaxResults", "101")
	c.refused(403, "InvalidParam.PageSize", qingdao, "DescribeInstances", "PageSize", "101")
}

func TestRegionsAndZones(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	require.Equal(t, 2, c.ok("", "DescribeRegions").size("Regions.Region"))
	z := c.ok(qingdao, "DescribeZones")
	require.Equal(t, []any{"cn-qingdao-b", "cn-qingdao-c"}, []any{z.at("Zones.Zone.0.ZoneId"), z.at("Zones.Zone.1.ZoneId")})
	c.refused(404, "InvalidRegionId.NotFound", "cn-nowhere", "DescribeZones")
}

func TestWorldsMayNotContradictThemselves(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	for _, i := range []engine.Instance{
		{ID: "i-a", VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}},
		{VSwitchID: "vsw-none", SecurityGroupIDs: []string{"sg-a"}},
		{VSwitchID: "vsw-a"},
		{VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-none"}},
		{VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, PrivateIP: c.b.Block.Addr()},
	} {
		_, err := c.AddInstance(i)
		require.Error(t, err)
	}
	for _, g := range []engine.SecurityGroup{
		{ID: "sg-a", VpcID: "vpc-a"}, {VpcID: "vpc-none"}, {VpcID: "vpc-a", Rules: []engine.SecurityRule{{Protocol: "ALL"}}},
		{VpcID: "vpc-a", Rules: []engine.SecurityRule{{Protocol: "ALL", Peer: c.b.Block, PeerGroupID: "sg-a"}}},
	} {
		_, err := c.AddSecurityGroup(g)
		require.Error(t, err)
	}
	require.Error(t, c.SetGuest("i-none", func(*engine.GuestFacts) {}))
	require.Error(t, c.EditGroup("sg-none", func(*engine.SecurityGroup) {}))
}
