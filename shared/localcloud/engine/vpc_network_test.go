package engine_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func TestWorldIsBuiltAndTakenDownThroughTheAPI(t *testing.T) {
	t.Parallel()
	c := newVPCCloud(t)
	require.Equal(t, 2, c.ok(qingdao, "DescribeZones").size("Zones.Zone"))
	require.Equal(t, 2, c.ok(qingdao, "DescribeRegions").size("Regions.Region"))
	made := c.ok(qingdao, "CreateVpc", "CidrBlock", "192.168.0.0/16", "VpcName", "one")
	vpc, system := made.at("VpcId"), made.at("RouteTableId")
	require.Equal(t, "Pending", c.ok(qingdao, "DescribeVpcAttribute", "VpcId", vpc).at("Status"))
	subnet := []string{"VpcId", vpc, "ZoneId", "cn-qingdao-b", "CidrBlock", "192.168.1.0/24"}
	c.refused("IncorrectVpcStatus", qingdao, "CreateVSwitch", subnet...)
	c.pass(transition)
	vSwitch := c.ok(qingdao, "CreateVSwitch", subnet...).at("VSwitchId")
	c.pass(transition)
	d := c.ok(qingdao, "DescribeVSwitchAttributes", "VSwitchId", vSwitch)
	require.Equal(t, "Available", d.at("Status"))
	require.Equal(t, system, d.at("RouteTable.RouteTableId"))
	require.EqualValues(t, 252, d.get("AvailableIpAddressCount"))

	custom := c.ok(qingdao, "CreateRouteTable", "VpcId", vpc, "RouteTableName", "own").at("RouteTableId")
	c.pass(transition)
	c.ok(qingdao, "AssociateRouteTable", "RouteTableId", custom, "VSwitchId", vSwitch)
	c.refused("IncorrectVSwitchStatus", qingdao, "AssociateRouteTable", "RouteTableId", custom, "VSwitchId", vSwitch)
	c.pass(transition)
	list := c.ok(qingdao, "DescribeRouteTableList", "VpcId", vpc, "RouteTableType", "Custom")
	require.Equal(t, vSwitch, list.at("RouterTableList.RouterTableListType.0.VSwitchIds.VSwitchId.0"))
	require.Equal(t, 2, c.ok(qingdao, "DescribeRouteEntryList", "RouteTableId", custom).size("RouteEntrys.RouteEntry"), "a new table has the system routes")
	require.Equal(t, 2, c.ok(qingdao, "DescribeVRouters").size("VRouters.VRouter.0.RouteTableIds.RouteTableId"))

	c.refused("DependencyViolation.VSwitch", qingdao, "DeleteVpc", "VpcId", vpc)
	c.refused("DependencyViolation.RouteTable", qingdao, "DeleteVSwitch", "VSwitchId", vSwitch)
	c.refused("DependencyViolation.VSwitch", qingdao, "DeleteRouteTable", "RouteTableId", custom)
	c.refused("OperationDenied.SystemRouteTable", qingdao, "DeleteRouteTable", "RouteTableId", system)
	c.ok(qingdao, "UnassociateRouteTable", "RouteTableId", custom, "VSwitchId", vSwitch)
	c.pass(transition)
	c.ok(qingdao, "DeleteVSwitch", "VSwitchId", vSwitch)
	c.pass(transition)
	require.Empty(t, c.ok(qingdao, "DescribeVSwitchAttributes", "VSwitchId", vSwitch).at("VSwitchId"), "gone is described as empty")
	c.refused("DependencyViolation.RouteTable", qingdao, "DeleteVpc", "VpcId", vpc)
	c.ok(qingdao, "DeleteRouteTable", "RouteTableId", custom)
	c.pass(transition)
	c.ok(qingdao, "DeleteVpc", "VpcId", vpc)
	c.pass(transition)
	c.refused("InvalidVpcID.NotFound", qingdao, "DescribeVpcAttribute", "VpcId", vpc)
	s := c.VPCSnapshot()
	require.Empty(t, s.VPCs)
	require.Empty(t, s.RouteTables)
	require.Empty(t, s.RouteEntries)
}

func TestNetworksThatAreRefused(t *testing.T) {
	t.Parallel()
	subnet := func(block string, more ...string) []string {
		return append([]string{"VpcId", "vpc-a", "ZoneId", "cn-qingdao-b", "CidrBlock", block}, more...)
	}
	for name, test := range map[string]struct {
		action, code string
		args         []string
	}{
		"a VPC in the cloud services' block":             {"CreateVpc", "InvalidCidrBlock.Malformed", []string{"CidrBlock", "100.64.0.0/16"}},
		"a VPC of a single address":                      {"CreateVpc", "InvalidCidrBlock.Malformed", []string{"CidrBlock", "10.0.0.0/32"}},
		"a VPC whose block has host bits":                {"CreateVpc", "InvalidCidrBlock.Malformed", []string{"CidrBlock", "10.0.0.1/16"}},
		"a VPC with IPv6, which this cloud does not do":  {"CreateVpc", "UnsupportedParameter", []string{"EnableIpv6", "true"}},
		"a vSwitch outside of its VPC":                   {"CreateVSwitch", "InvalidCidrBlock.Mismatch", subnet("10.0.0.0/24")},
		"a vSwitch that overlaps another":                {"CreateVSwitch", "InvalidCidrBlock.Overlapped", subnet("192.168.0.0/20")},
		"a vSwitch larger than a /16":                    {"CreateVSwitch", "InvalidCidrBlock.Malformed", subnet("192.168.0.0/15")},
		"a vSwitch in an unknown VPC":                    {"CreateVSwitch", "InvalidVpcID.NotFound", []string{"VpcId", "vpc-x", "ZoneId", "cn-qingdao-b", "CidrBlock", "192.168.2.0/24"}},
		"a vSwitch in a VPC of another region":           {"CreateVSwitch", "InvalidVpcID.NotFound", []string{"VpcId", "vpc-b", "ZoneId", "cn-qingdao-b", "CidrBlock", "172.16.2.0/24"}},
		"a vSwitch in a zone of another region":          {"CreateVSwitch", "InvalidZoneId.NotFound", []string{"VpcId", "vpc-a", "ZoneId", "cn-beijing-a", "CidrBlock", "192.168.2.0/24"}},
		"a secondary block that overlaps the primary":    {"AssociateVpcCidrBlock", "InvalidCidrBlock.Overlapped", []string{"VpcId", "vpc-a", "SecondaryCidrBlock", "192.168.128.0/17"}},
		"dropping a secondary block that there is not":   {"UnassociateVpcCidrBlock", "InvalidCidrBlock.NotFound", []string{"VpcId", "vpc-a", "SecondaryCidrBlock", "10.0.0.0/8"}},
		"a vSwitch without a zone":                       {"CreateVSwitch", "MissingParameter", []string{"VpcId", "vpc-a", "CidrBlock", "192.168.2.0/24"}},
		"a dry run of deleting a vSwitch that is in use": {"DeleteVSwitch", "DryRunOperation", []string{"VSwitchId", "vsw-a", "DryRun", "true"}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); newPair(t).refused(test.code, qingdao, test.action, test.args...) })
	}
}

func TestSecondaryBlocks(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.ok(qingdao, "AssociateVpcCidrBlock", "VpcId", "vpc-a", "SecondaryCidrBlock", "10.9.0.0/16")
	require.Equal(t, "10.9.0.0/16", p.ok(qingdao, "DescribeVpcs").at("Vpcs.Vpc.0.SecondaryCidrBlocks.SecondaryCidrBlock.0"))
	p.ok(qingdao, "CreateVSwitch", "VpcId", "vpc-a", "ZoneId", "cn-qingdao-b", "CidrBlock", "10.9.1.0/24")
	p.pass(transition)
	p.refused("DependencyViolation.VSwitch", qingdao, "UnassociateVpcCidrBlock", "VpcId", "vpc-a", "SecondaryCidrBlock", "10.9.0.0/16")
	p.ok(qingdao, "AssociateVpcCidrBlock", "VpcId", "vpc-a", "SecondaryCidrBlock", "10.10.0.0/16")
	p.ok(qingdao, "UnassociateVpcCidrBlock", "VpcId", "vpc-a", "SecondaryCidrBlock", "10.10.0.0/16")
	require.Len(t, p.VPCSnapshot().VPCs[0].Secondary, 1)
}

func TestDescribeVpcsFiltersAndPages(t *testing.T) {
	t.Parallel()
	c := newVPCCloud(t, func(o *engine.Options) { o.Quotas.VpcsPerRegion = 12 })
	for range 11 {
		c.ok(qingdao, "CreateVpc", "VpcName", "same", "Tag.1.Key", "k", "Tag.1.Value", "v")
	}
	c.ok(qingdao, "CreateVpc", "VpcName", "other")
	c.refused("QuotaExceeded.Vpc", qingdao, "CreateVpc")
	first := c.ok(qingdao, "DescribeVpcs")
	require.EqualValues(t, 12, first.get("TotalCount"))
	require.Equal(t, 10, first.size("Vpcs.Vpc"))
	require.Equal(t, 2, c.ok(qingdao, "DescribeVpcs", "PageNumber", "2").size("Vpcs.Vpc"))
	require.Equal(t, 0, c.ok(qingdao, "DescribeVpcs", "PageNumber", "3").size("Vpcs.Vpc"))
	require.EqualValues(t, 1, c.ok(qingdao, "DescribeVpcs", "VpcName", "other").get("TotalCount"))
	require.EqualValues(t, 11, c.ok(qingdao, "DescribeVpcs", "Tag.1.Key", "k").get("TotalCount"))
	require.EqualValues(t, 2, c.ok(qingdao, "DescribeVpcs", "VpcId", first.at("Vpcs.Vpc.0.VpcId")+","+first.at("Vpcs.Vpc.1.VpcId")).get("TotalCount"))
	require.EqualValues(t, 0, c.ok(qingdao, "DescribeVpcs", "VpcId", "vpc-unknown").get("TotalCount"), "an unknown id is an empty list")
	require.EqualValues(t, 0, c.ok(beijing, "DescribeVpcs").get("TotalCount"))
	c.refused("InvalidRegionId.NotFound", "cn-nowhere", "DescribeVpcs")
}

func TestNetworkACLs(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	id := p.ok(qingdao, "CreateNetworkAcl", "VpcId", "vpc-a", "NetworkAclName", "guard").at("NetworkAclId")
	get := func() tree { return p.ok(qingdao, "DescribeNetworkAclAttributes", "NetworkAclId", id) }
	require.Equal(t, "accept", get().at("NetworkAclAttribute.IngressAclEntries.IngressAclEntry.0.Policy"))
	update := []string{"NetworkAclId", id, "UpdateIngressAclEntries", "true",
		"IngressAclEntries.1.Policy", "drop", "IngressAclEntries.1.Protocol", "icmp", "IngressAclEntries.1.SourceCidrIp", "172.16.0.0/16"}
	p.ok(qingdao, "UpdateNetworkAclEntries", append(update, "IngressAclEntries.1.Port", "-1/-1")...)
	require.Equal(t, "drop", get().at("NetworkAclAttribute.IngressAclEntries.IngressAclEntry.0.Policy"))
	require.Equal(t, "accept", get().at("NetworkAclAttribute.EgressAclEntries.EgressAclEntry.0.Policy"), "the direction that is not updated stays")
	p.refused("InvalidParameter", qingdao, "UpdateNetworkAclEntries", append(update, "IngressAclEntries.1.Port", "1/2")...)

	bind := []string{"NetworkAclId", id, "Resource.1.ResourceId", "vsw-a", "Resource.1.ResourceType", "VSwitch"}
	p.ok(qingdao, "AssociateNetworkAcl", bind...)
	p.pass(transition)
	require.Equal(t, id, p.ok(qingdao, "DescribeVSwitches", "VpcId", "vpc-a").at("VSwitches.VSwitch.0.NetworkAclId"))
	require.Equal(t, "vsw-a", p.ok(qingdao, "DescribeNetworkAcls", "VpcId", "vpc-a").at("NetworkAcls.NetworkAcl.0.Resources.Resource.0.ResourceId"))
	require.Equal(t, "1", p.ok(qingdao, "DescribeVpcs").at("Vpcs.Vpc.0.NetworkAclNum"))
	p.refused("DependencyViolation.VSwitch", qingdao, "DeleteNetworkAcl", "NetworkAclId", id)
	p.refused("DependencyViolation.NetworkAcl", qingdao, "DeleteVSwitch", "VSwitchId", "vsw-a")
	p.ok(qingdao, "UnassociateNetworkAcl", bind...)
	p.pass(transition)
	p.ok(qingdao, "DeleteNetworkAcl", "NetworkAclId", id)
	p.refused("InvalidNetworkAcl.NotFound", qingdao, "DescribeNetworkAclAttributes", "NetworkAclId", id)
}

func TestWorldsThatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	block := netip.MustParsePrefix("10.0.0.0/8")
	for name, build := range map[string]func() error{
		"a VPC in an unknown region": func() error {
			_, _, err := p.AddVPC(engine.VPC{RegionID: "cn-nowhere", Block: block}, "")
			return err
		},
		"a VPC with an id that is taken": func() error {
			_, _, err := p.AddVPC(engine.VPC{ID: "vsw-a", RegionID: qingdao, Block: block}, "")
			return err
		},
		"a vSwitch in an unknown VPC": func() error {
			_, err := p.AddVSwitch(engine.VSwitch{VpcID: "vpc-x", Block: block})
			return err
		},
		"a vSwitch served by another VPC's table": func() error {
			_, err := p.AddVSwitch(engine.VSwitch{VpcID: "vpc-a", Block: block, RouteTableID: "vtb-b"})
			return err
		},
		"a route in an unknown table": func() error {
			_, err := p.AddRouteEntry(engine.RouteEntry{TableID: "vtb-x", Destination: block})
			return err
		},
		"a pair with an unknown VPC": func() error {
			_, _, err := p.AddRouterInterfacePair(engine.RouterInterface{VpcID: "vpc-a"}, engine.RouterInterface{VpcID: "vpc-x"})
			return err
		},
	} {
		require.Error(t, build(), name)
	}
	i, a, err := p.AddRouterInterfacePair(engine.RouterInterface{ID: "ri-i", VpcID: "vpc-a"}, engine.RouterInterface{ID: "ri-a", VpcID: "vpc-b"})
	require.NoError(t, err)
	require.Equal(t, "Active", p.status(qingdao, i.ID))
	require.Equal(t, "Active", p.status(beijing, a.ID))
	custom, err := p.AddRouteTable(engine.RouteTable{ID: "vtb-own", VpcID: "vpc-a"})
	require.NoError(t, err)
	require.NoError(t, p.AssociateVSwitch("vsw-a", custom.ID))
	require.Error(t, p.AssociateVSwitch("vsw-a", "vtb-b"))
	require.Equal(t, "vtb-own", p.ok(qingdao, "DescribeVSwitches").at("VSwitches.VSwitch.0.RouteTable.RouteTableId"))
}
