package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func TestRouterInterfaceLifecycle(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, a := p.interfaces()
	require.Equal(t, "Idle", p.status(qingdao, i))
	require.Equal(t, "Idle", p.status(beijing, a))

	p.ok(qingdao, "ConnectRouterInterface", "RouterInterfaceId", i)
	for _, step := range []struct {
		after               time.Duration
		initiator, acceptor string
	}{
		{0, "Connecting", "AcceptingConnecting"},
		{7500 * time.Millisecond, "Activating", "Activating"},
		{2500 * time.Millisecond, "Active", "Activating"},
		{1500 * time.Millisecond, "Active", "Active"},
	} {
		p.pass(step.after)
		require.Equal(t, step.initiator, p.status(qingdao, i))
		require.Equal(t, step.acceptor, p.status(beijing, a))
	}

	d := p.ok(qingdao, "DescribeRouterInterfaces", "Filter.1.Key", "RouterInterfaceId", "Filter.1.Value.1", i)
	for field, want := range map[string]string{
		"OppositeInterfaceStatus": "Active", "OppositeInterfaceSpec": "Negative", "OppositeVpcInstanceId": "vpc-b",
		"ConnectedTime": "2026-03-01T08:00:10Z", "VpcInstanceId": "vpc-a", "BusinessStatus": "Normal", "ChargeType": "AfterPay",
	} {
		require.Equal(t, want, d.at("RouterInterfaceSet.RouterInterfaceType.0."+field), field)
	}
	require.EqualValues(t, 2, d.get("RouterInterfaceSet.RouterInterfaceType.0.Bandwidth"))

	p.ok(qingdao, "DeactivateRouterInterface", "RouterInterfaceId", i)
	require.Equal(t, "Deactivating", p.status(qingdao, i))
	p.pass(transition)
	require.Equal(t, "Inactive", p.status(qingdao, i))
	require.Equal(t, "Active", p.status(beijing, a), "each side is deactivated for itself")
	p.ok(qingdao, "ActivateRouterInterface", "RouterInterfaceId", i)
	p.pass(transition)
	require.Equal(t, "Active", p.status(qingdao, i))

	p.ok(qingdao, "DeactivateRouterInterface", "RouterInterfaceId", i)
	p.pass(transition)
	p.ok(qingdao, "DeleteRouterInterface", "RouterInterfaceId", i)
	require.Equal(t, "Deleting", p.status(qingdao, i))
	p.pass(transition)
	require.Empty(t, p.status(qingdao, i), "a missing interface is described as an empty one")
	require.Equal(t, "Deleted", p.ok(beijing, "DescribeRouterInterfaceAttribute", "InstanceId", a).at("OppositeInterfaceStatus"))
	p.refused("InvalidInstanceId.NotFound", qingdao, "DeleteRouterInterface", "RouterInterfaceId", i)
}

func TestRouterInterfaceWrongOrder(t *testing.T) {
	t.Parallel()
	id := "RouterInterfaceId"
	for name, test := range map[string]func(p *pair){
		"connecting before the sides name each other": func(p *pair) {
			i := p.create("InitiatingSide", "Mini.2")
			p.create("AcceptingSide", "Negative")
			p.refused("IncorrectOppositeInterfaceInfo.NotSet", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting when only the initiating side names its opposite": func(p *pair) {
			i, a := p.create("InitiatingSide", "Mini.2"), p.create("AcceptingSide", "Negative")
			p.name(qingdao, i, a, "vrt-b")
			p.refused("IncorrectOppositeInterfaceInfo.NotSet", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting after modifying without the opposite router's type, which defaults to VBR": func(p *pair) {
			i, a := p.interfaces()
			p.ok(qingdao, "ModifyRouterInterfaceAttribute", id, i, "OppositeInterfaceId", a)
			p.refused("IncorrectOppositeInterfaceInfo", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting with another account as the owner": func(p *pair) {
			i, a := p.interfaces()
			p.ok(qingdao, "ModifyRouterInterfaceAttribute", id, i, "OppositeInterfaceId", a, "OppositeRouterType", "VRouter", "OppositeInterfaceOwnerId", "42")
			p.refused("IncorrectOppositeInterfaceInfo", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting from the accepting side": func(p *pair) {
			_, a := p.interfaces()
			p.refused("IncorrectRole.NotInitiatingSide", beijing, "ConnectRouterInterface", id, a)
		},
		"connecting twice": func(p *pair) {
			i, _ := p.connected()
			p.refused("IncorrectRIStatus", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting a second pair of the same routers": func(p *pair) {
			p.connected()
			i, _ := p.interfaces()
			p.refused("Forbidden.OnlyOneConnection", qingdao, "ConnectRouterInterface", id, i)
		},
		"connecting a second pair while the first one is connecting": func(p *pair) {
			i, _ := p.interfaces()
			second, _ := p.interfaces()
			p.ok(qingdao, "ConnectRouterInterface", id, i)
			p.refused("Forbidden.OnlyOneConnection", qingdao, "ConnectRouterInterface", id, second)
		},
		"connecting in another region than the interface's": func(p *pair) {
			i, _ := p.interfaces()
			p.refused("InvalidRouterInterfaceId.NotFound", beijing, "ConnectRouterInterface", id, i)
		},
		"connecting while some interface of the account is locked for money": func(p *pair) {
			i, a := p.interfaces()
			require.NoError(p.t, p.SetBusinessStatus(a, "FinancialLocked"))
			p.refused("Forbidden.BillsOutstanding", qingdao, "ConnectRouterInterface", id, i)
		},
		"changing the opposite of a connected interface": func(p *pair) {
			i, _ := p.connected()
			p.refused("IncorrectStatus", qingdao, "ModifyRouterInterfaceAttribute", id, i, "OppositeInterfaceId", "ri-x", "OppositeRouterType", "VRouter")
			p.ok(qingdao, "ModifyRouterInterfaceAttribute", id, i, "Name", "another name")
		},
		"deactivating what is not active": func(p *pair) {
			i, _ := p.interfaces()
			p.refused("IncorrectRIStatus", qingdao, "DeactivateRouterInterface", id, i)
		},
		"activating what is active": func(p *pair) {
			i, _ := p.connected()
			p.refused("IncorrectRIStatus", qingdao, "ActivateRouterInterface", id, i)
		},
		"deleting what is active": func(p *pair) {
			i, _ := p.connected()
			p.refused("IncorrectStatus", qingdao, "DeleteRouterInterface", id, i)
		},
		"deleting what a route leads to": func(p *pair) {
			i, _ := p.connected()
			p.ok(qingdao, "CreateRouteEntry", "RouteTableId", "vtb-a", "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "RouterInterface", "NextHopId", i)
			p.pass(transition)
			p.ok(qingdao, "DeactivateRouterInterface", id, i)
			p.pass(transition)
			p.refused("DependencyViolation.RouterInterfaceReferedByRouteEntry", qingdao, "DeleteRouterInterface", id, i)
		},
		"deleting a VPC that has a router interface": func(p *pair) {
			p.create("AcceptingSide", "Negative")
			p.refused("DependencyViolation.RouterInterface", beijing, "DeleteVpc", "VpcId", "vpc-b")
		},
		"changing the specification of the accepting side": func(p *pair) {
			_, a := p.connected()
			p.refused("LinkRole.NotSupport", beijing, "ModifyRouterInterfaceSpec", id, a, "Spec", "Small.1")
		},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(newPair(t)) })
	}
}

func TestRouterInterfaceCreation(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"Role": "InitiatingSide", "Spec": "Mini.2", "RouterType": "VRouter", "RouterId": "vrt-a", "OppositeRegionId": beijing,
	}
	for name, test := range map[string]struct{ field, value, code string }{
		"a role that there is not":                         {"Role", "Both", "InvalidRole.ValueNotSupported"},
		"a specification that there is not":                {"Spec", "Mini.3", "InvalidSpec.ValudNotSupported"},
		"an initiating side without bandwidth":             {"Spec", "Negative", "InvalidSpec.ValudNotSupported"},
		"an unknown router":                                {"RouterId", "vrt-x", "InvalidRouterId.NotFound"},
		"a router of another region":                       {"RouterId", "vrt-b", "InvalidRouterId.NotFound"},
		"an opposite region that there is not":             {"OppositeRegionId", "cn-nowhere", "InvalidOppositeRegionId.NotFound"},
		"a border router, which this cloud does not have":  {"RouterType", "VBR", "UnsupportedParameter"},
		"prepaid, which this cloud does not have":          {"InstanceChargeType", "PrePaid", "UnsupportedParameter"},
		"a name that starts with a digit":                  {"Name", "1st", "InvalidName.Malformd"},
		"a description that starts with http":              {"Description", "http://x", "InvalidDescription.Malformed"},
		"no role":                                          {"Role", "", "MissingParameter"},
		"a parameter that is not published":                {"Colour", "red", "UnsupportedParameter"},
		"a number where a flag belongs":                    {"AutoPay", "7", "InvalidParameter"},
		"a client token of more than 64 characters":        {"ClientToken", fmt.Sprintf("%065d", 1), "InvalidClientToken.Malformed"},
		"an opposite router's type that there is not":      {"OppositeRouterType", "Hub", "InvalidOppositeRouterType.ValueNotSupported"},
		"a fast link, which this cloud does not implement": {"FastLinkMode", "true", "UnsupportedParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			args := []string{test.field, test.value}
			for k, v := range good {
				if k != test.field {
					args = append(args, k, v)
				}
			}
			p.refused(test.code, qingdao, "CreateRouterInterface", args...)
			require.Empty(t, p.VPCSnapshot().RouterInterfaces)
		})
	}
	t.Run("the accepting side's specification is Negative", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		p.refused("InvalidSpec.ValudNotSupported", beijing, "CreateRouterInterface", "Role", "AcceptingSide", "Spec", "Mini.2",
			"RouterType", "VRouter", "RouterId", "vrt-b", "OppositeRegionId", qingdao)
	})
	t.Run("a router has five interfaces at most unless the world says otherwise", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		for range 5 {
			p.create("InitiatingSide", "Mini.2")
		}
		p.refused("QuotaExceeded.RouterInterface", qingdao, "CreateRouterInterface", "Role", "InitiatingSide", "Spec", "Mini.2",
			"RouterType", "VRouter", "RouterId", "vrt-a", "OppositeRegionId", beijing)
		more := newPair(t, func(o *engine.Options) { o.Quotas.RouterInterfacesPerRouter = 6 })
		for range 6 {
			more.create("InitiatingSide", "Mini.2")
		}
	})
	t.Run("a VPC in a CEN gets no router interface", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		_, _, err := p.AddVPC(engine.VPC{ID: "vpc-c", RouterID: "vrt-c", RegionID: qingdao, Block: p.a.Block, Cens: []engine.CenAttachment{{CenID: "cen-1"}}}, "")
		require.NoError(t, err)
		p.refused("IncorrectStatus.CenStatus", qingdao, "CreateRouterInterface", "Role", "InitiatingSide", "Spec", "Mini.2",
			"RouterType", "VRouter", "RouterId", "vrt-c", "OppositeRegionId", beijing)
		require.Equal(t, "Attached", p.ok(qingdao, "DescribeVpcs", "VpcId", "vpc-c").at("Vpcs.Vpc.0.CenStatus"))
		require.Equal(t, "cen-1", p.ok(qingdao, "DescribeVpcAttribute", "VpcId", "vpc-c").at("AssociatedCens.AssociatedCen.0.CenId"))
	})
}

func TestRouterInterfaceSpecChange(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, _ := p.connected()
	p.refused("InvalidSpec.ValudNotSupported", qingdao, "ModifyRouterInterfaceSpec", "RouterInterfaceId", i, "Spec", "Mini.9")
	require.Equal(t, "Small.1", p.ok(qingdao, "ModifyRouterInterfaceSpec", "RouterInterfaceId", i, "Spec", "Small.1").at("Spec"))
	require.Equal(t, "Modifying", p.status(qingdao, i))
	p.pass(transition)
	require.Equal(t, "Active", p.status(qingdao, i))
	require.EqualValues(t, 10, p.ok(qingdao, "DescribeRouterInterfaceAttribute", "InstanceId", i).get("Bandwidth"))
}

func TestDescribeRouterInterfacesFilters(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, a := p.interfaces()
	count := func(region string, args ...string) int {
		return p.ok(region, "DescribeRouterInterfaces", args...).size("RouterInterfaceSet.RouterInterfaceType")
	}
	require.Equal(t, 1, count(qingdao), "per region")
	require.Equal(t, 1, count(qingdao, "Filter.1.Key", "RouterInterfaceId", "Filter.1.Value.1", "ri-x", "Filter.1.Value.2", i), "values of one filter: or")
	require.Equal(t, 0, count(qingdao, "Filter.1.Key", "RouterId", "Filter.1.Value.1", "vrt-a", "Filter.2.Key", "Status", "Filter.2.Value.1", "Active"), "filters: and")
	require.Equal(t, 1, count(beijing, "Filter.1.Key", "OppositeInterfaceId", "Filter.1.Value.1", i, "Filter.2.Key", "RouterInterfaceId", "Filter.2.Value.1", a))
	p.refused("InvalidFilterKey.ValueNotSupported", qingdao, "DescribeRouterInterfaces", "Filter.1.Key", "VpcId", "Filter.1.Value.1", "vpc-a")
	p.refused("InvalidParam.NotNull", qingdao, "DescribeRouterInterfaces", "Filter.1.Key", "Status")
	p.refused("UnsupportedParameter", qingdao, "DescribeRouterInterfaces", "Filter.1.Key", "Status", "Filter.1.Value.1", "Idle", "Filter.1.Values", "x")
	p.refused("InvalidParameter", qingdao, "DescribeRouterInterfaces", "PageSize", "51")
}

func TestSwitchesOfRouterInterfaces(t *testing.T) {
	t.Parallel()
	with := func(f func(*engine.Switches)) func(*engine.Options) {
		return func(o *engine.Options) { f(&o.Switches) }
	}
	create := []string{"Role", "InitiatingSide", "Spec", "Mini.2", "RouterType", "VRouter", "RouterId", "vrt-a", "OppositeRegionId", beijing}
	t.Run("RouterInterfaceClosed", func(t *testing.T) {
		t.Parallel()
		newPair(t).ok(qingdao, "CreateRouterInterface", create...)
		newPair(t, with(func(s *engine.Switches) { s.RouterInterfaceClosed = true })).refused("COMMODITY.INVALID_COMPONENT", qingdao, "CreateRouterInterface", create...)
	})
	t.Run("InterfaceStatusCodeOld", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, with(func(s *engine.Switches) { s.InterfaceStatusCodeOld = true }))
		p.refused("IncorrectStatus", qingdao, "DeactivateRouterInterface", "RouterInterfaceId", p.create("InitiatingSide", "Mini.2"))
	})
	t.Run("OneSideOppositeEnough", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, with(func(s *engine.Switches) { s.OneSideOppositeEnough = true }))
		i, a := p.create("InitiatingSide", "Mini.2"), p.create("AcceptingSide", "Negative")
		p.name(qingdao, i, a, "vrt-b")
		p.ok(qingdao, "ConnectRouterInterface", "RouterInterfaceId", i)
		p.pass(2 * transition)
		require.Equal(t, "Active", p.status(beijing, a))
	})
	t.Run("RouteToInactiveInterfaceAllowed", func(t *testing.T) {
		t.Parallel()
		route := func(p *pair) []string {
			return []string{"RouteTableId", "vtb-a", "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "RouterInterface", "NextHopId", p.create("InitiatingSide", "Mini.2")}
		}
		p := newPair(t)
		p.refused("IncorrectStatus.RouterInterface", qingdao, "CreateRouteEntry", route(p)...)
		p = newPair(t, with(func(s *engine.Switches) { s.RouteToInactiveInterfaceAllowed = true }))
		p.ok(qingdao, "CreateRouteEntry", route(p)...)
	})
	t.Run("TagRouterInterfaceRefused", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, with(func(s *engine.Switches) { s.TagRouterInterfaceRefused = true }))
		p.refused("InvalidResourceType.NotSupport", qingdao, "CreateRouterInterface", append(create, "Tags.1.Key", "k", "Tags.1.Value", "v")...)
		p.refused("InvalidResourceType.NotSupport", qingdao, "TagResourcesForExpressConnect", "ResourceType", "ROUTERINTERFACE",
			"ResourceId.1", p.create("InitiatingSide", "Mini.2"), "Tag.1.Key", "k")
	})
}

func TestExpressConnectTags(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i := p.create("InitiatingSide", "Mini.2", "Tags.1.Key", "owner", "Tags.1.Value", "us")
	kind := []string{"ResourceType", "ROUTERINTERFACE"}
	p.ok(qingdao, "TagResourcesForExpressConnect", append(kind, "ResourceId.1", i, "Tag.1.Key", "owner", "Tag.1.Value", "them", "Tag.2.Key", "env")...)
	list := func(args ...string) tree {
		return p.ok(qingdao, "ListTagResourcesForExpressConnect", append(kind, args...)...)
	}
	require.Equal(t, 2, list("ResourceId.1", i).size("TagResources.TagResource"))
	require.Equal(t, 0, list("Tag.1.Key", "owner", "Tag.1.Value", "us").size("TagResources.TagResource"))
	first := list("ResourceId.1", i, "MaxResults", "1")
	require.Equal(t, 1, first.size("TagResources.TagResource"))
	rest := list("ResourceId.1", i, "MaxResults", "1", "NextToken", first.at("NextToken"))
	require.Equal(t, "env", rest.at("TagResources.TagResource.0.TagKey"))
	require.Empty(t, rest.at("NextToken"))
	require.Equal(t, 1, p.ok(qingdao, "DescribeRouterInterfaces", "Tags.1.Key", "env").size("RouterInterfaceSet.RouterInterfaceType"))
	p.ok(qingdao, "UntagResourcesForExpressConnect", append(kind, "ResourceId.1", i, "TagKey.1", "owner")...)
	require.Equal(t, 1, list("ResourceId.1", i).size("TagResources.TagResource"))
	p.ok(qingdao, "UntagResourcesForExpressConnect", append(kind, "ResourceId.1", i, "All", "true")...)
	require.Equal(t, 0, list("ResourceId.1", i).size("TagResources.TagResource"))
	p.refused("InvalidResourceId.NotFound", qingdao, "TagResourcesForExpressConnect", append(kind, "ResourceId.1", "ri-x", "Tag.1.Key", "k")...)
	p.refused("UnsupportedParameter", qingdao, "TagResourcesForExpressConnect", "ResourceType", "PHYSICALCONNECTION", "ResourceId.1", i, "Tag.1.Key", "k")
}
