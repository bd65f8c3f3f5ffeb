package alicloud_test

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func TestAnswersBecomeDomainTypes(t *testing.T) {
	t.Parallel()
	ctx, cloud := t.Context(), newFake(t).cloud()

	account, err := cloud.AccountID(ctx)
	require.NoError(t, err)
	require.Equal(t, "1234567890123456", account)

	vpc, err := cloud.VPC(ctx, region, "vpc-1")
	require.NoError(t, err)
	require.Equal(t, &interconnect.VPC{
		ID: "vpc-1", RegionID: region, OwnerID: "1234567890123456", VRouterID: "vrt-1", CidrBlock: prefix("192.168.0.0/16"),
		SecondaryBlocks: []netip.Prefix{prefix("10.1.0.0/16")}, UserBlocks: []netip.Prefix{prefix("10.9.0.0/24")}, Available: true, CenIDs: []string{"cen-1"},
	}, vpc)

	vswitches, err := cloud.VSwitches(ctx, region, "vpc-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.VSwitch{{ID: "vsw-1", VpcID: "vpc-1", ZoneID: "cn-qingdao-b", CidrBlock: prefix("192.168.1.0/24"), RouteTableID: "vtb-1"}}, vswitches)

	tables, err := cloud.RouteTables(ctx, region, "vpc-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.RouteTable{{ID: "vtb-1", VpcID: "vpc-1", System: true, VSwitchIDs: []string{"vsw-1"}}}, tables)

	entries, err := cloud.RouteEntries(ctx, region, "vtb-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.RouteEntry{{
		ID: "rte-1", RouteTableID: "vtb-1", Destination: prefix("172.16.0.0/16"), NextHopType: "RouterInterface", NextHopID: "ri-1",
		Type: "Custom", Name: "interconnect.vi.a", Status: "Available",
	}}, entries)

	interfaces, err := cloud.RouterInterfaces(ctx, region, "vrt-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.RouterInterface{{
		ID: "ri-1", RegionID: region, RouterID: "vrt-1", RouterType: "VRouter", Role: "InitiatingSide", Specification: "Mini.2", Status: "Active",
		BusinessStatus: "Normal", Name: "interconnect.vi.a", OppositeRegionID: "cn-beijing", OppositeRouterID: "vrt-2", OppositeRouterType: "VRouter",
		OppositeID: "ri-2", OppositeOwnerID: "1234567890123456", OppositeStatus: "Active", CreatedAt: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
		Tags: map[string]string{"vpc-interconnect": "interconnect.vi.a"},
	}}, interfaces)

	peerings, err := cloud.PeeringConnections(ctx, region, "vpc-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.PeeringConnection{{
		ID: "pcc-1", RegionID: region, VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2", Bandwidth: 100, LinkType: "Platinum",
		Status: "Activated", BusinessStatus: "Normal", Name: "interconnect.vi.a", CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Tags: map[string]string{"vpc-interconnect": "interconnect.vi.a"},
	}}, peerings)

	group, err := cloud.SecurityGroup(ctx, region, "sg-1")
	require.NoError(t, err)
	require.Equal(t, &interconnect.GroupFacts{ID: "sg-1", VpcID: "vpc-1", Advanced: true, ServiceManaged: true, RuleCount: 3}, group)

	instances, err := cloud.InstancesByID(ctx, region, []string{"i-1"})
	require.NoError(t, err)
	require.Equal(t, []interconnect.Instance{{
		ID: "i-1", VpcID: "vpc-1", VSwitchID: "vsw-1", PrivateIP: netip.MustParseAddr("192.168.1.10"), Running: true, OSType: "linux", SecurityGroupIDs: []string{"sg-1"},
	}}, instances)

	online, err := cloud.AgentsOnline(ctx, region, []string{"i-1", "i-2"})
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"i-1": true, "i-2": false}, online)

	former, err := cloud.ParameterAt(ctx, "/vi/a/request", 3)
	require.NoError(t, err)
	require.Equal(t, interconnect.Parameter{Name: "/vi/a/request", Value: "{}", Version: 3, Updated: "2026-01-02T03:04:05Z"}, former)

	parameters, err := cloud.ParametersByName(ctx, []string{"/vi/a/request"})
	require.NoError(t, err)
	require.Equal(t, []interconnect.Parameter{{Name: "/vi/a/request", Value: "{}", Version: 3, Updated: "2026-01-02T03:04:05Z"}}, parameters)
}

func TestASecurityGroupThatIsNotListedIsGone(t *testing.T) {
	t.Parallel()
	_, err := newFake(t).cloud().SecurityGroup(t.Context(), region, "sg-other")
	require.True(t, interconnect.IsGone(err))
}

func TestAVPCThatWasNotAskedForIsAnError(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.on("DescribeVpcAttribute", says(200, strings.Replace(second2(canned["DescribeVpcAttribute"](request{})), `"VpcId":""`, `"VpcId":"vpc-2"`, 1)))
	_, err := f.cloud().VPC(t.Context(), region, "vpc-1")
	require.ErrorContains(t, err, `told of "vpc-2"`)
}

func second2(_ int, s string) string { return s }

func TestPartsThatCannotBeUnderstoodAreErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ drive, action, from, to string }{
		"a vSwitch without a block":                {"VSwitches", "DescribeVSwitches", "192.168.1.0/24", "nonsense"},
		"a vSwitch that no table serves":           {"VSwitches", "DescribeVSwitches", "vtb-1", ""},
		"a table without an id":                    {"RouteTables", "DescribeRouteTableList", `"vtb-1"`, `""`},
		"a route to nowhere":                       {"RouteEntries", "DescribeRouteEntryList", "172.16.0.0/16", ""},
		"a route without a status":                 {"RouteEntries", "DescribeRouteEntryList", "Available", ""},
		"a custom route without an id":             {"RouteEntries", "DescribeRouteEntryList", "rte-1", ""},
		"an interface without a status":            {"RouterInterfaces", "DescribeRouterInterfaces", `"Status":"Active"`, `"Status":""`},
		"an interface made at no time":             {"RouterInterfaces", "DescribeRouterInterfaces", "2026-01-02T03:04Z", "yesterday"},
		"a peering of nowhere":                     {"PeeringConnections", "ListVpcPeerConnections", `"vpc-2"`, `""`},
		"a peering made at no time":                {"PeeringConnections", "ListVpcPeerConnections", "2026-01-02T03:04:05Z", "yesterday"},
		"a rule without a priority":                {"Rules", "DescribeSecurityGroupAttribute", `"Priority":"1"`, `"Priority":""`},
		"a rule in no direction":                   {"Rules", "DescribeSecurityGroupAttribute", "ingress", "sideways"},
		"a rule for no block":                      {"Rules", "DescribeSecurityGroupAttribute", "172.16.0.0/16", "172.16/16"},
		"an instance with no address at all":       {"Instances", "DescribeInstances", "192.168.1.10", "ten"},
		"an invocation without a status":           {"Invocations", "DescribeInvocations", `"InvocationStatus":"Failed"`, `"InvocationStatus":""`},
		"an invocation made at no time":            {"Invocations", "DescribeInvocations", "2026-01-02T03:04:05Z", "yesterday"},
		"a former entry without a version":         {"ParameterAt", "GetParameter", `"ParameterVersion":3`, `"ParameterVersion":0`},
		"an entry by name without a version":       {"ParametersByName", "GetParameters", `"ParameterVersion":3`, `"ParameterVersion":0`},
		"an entry of the store without a name":     {"ParametersByPath", "GetParametersByPath", "/vi/a/request", ""},
		"a VPC of nobody":                          {"VPC", "DescribeVpcAttribute", `"OwnerId":1234567890123456`, `"OwnerId":0`},
		"a VPC without a router":                   {"VPC", "DescribeVpcAttribute", "vrt-1", ""},
		"a VPC with a secondary block that is off": {"VPC", "DescribeVpcAttribute", "10.1.0.0/16", "10.1.0.0/99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := canned[c.action]
			f := newFake(t).on(c.action, func(r request) (int, string) {
				status, body := whole(r)
				require.Contains(t, body, c.from)
				return status, strings.ReplaceAll(body, c.from, c.to)
			})
			err := drives[c.drive](t.Context(), f.cloud())
			require.ErrorContains(t, err, "cannot be understood")
			require.Equal(t, interconnect.Transient, interconnect.ClassOf(err))
		})
	}
}

func TestListingsAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	t.Run("by page number", func(t *testing.T) {
		t.Parallel()
		const total = 120
		f := newFake(t).on("DescribeRouteTableList", func(r request) (int, string) {
			page, _ := strconv.Atoi(r.params.Get("PageNumber"))
			size, _ := strconv.Atoi(r.params.Get("PageSize"))
			var items []string
			for i := (page - 1) * size; i < min(page*size, total); i++ {
				items = append(items, fmt.Sprintf(`{"RouteTableId":"vtb-%d","VpcId":"vpc-1","RouteTableType":"Custom"}`, i))
			}
			return 200, fmt.Sprintf(`{"RequestId":"r","TotalCount":%d,"RouterTableList":{"RouterTableListType":[%s]}}`, total, strings.Join(items, ","))
		})
		tables, err := f.cloud().RouteTables(t.Context(), region, "vpc-1")
		require.NoError(t, err)
		require.Len(t, tables, total)
		require.Equal(t, "vtb-119", tables[total-1].ID)
		require.Len(t, f.received(), 3)
	})
	t.Run("by token", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("GetParametersByPath", func(r request) (int, string) {
			n, _ := strconv.Atoi(r.params.Get("NextToken"))
			next := ""
			if n < 4 {
				next = strconv.Itoa(n + 1)
			}
			return 200, fmt.Sprintf(`{"RequestId":"r","NextToken":%q,"Parameters":[{"Name":"/vi/%d/request","ParameterVersion":1}]}`, next, n)
		})
		all, err := f.cloud().ParametersByPath(t.Context(), "/vi")
		require.NoError(t, err)
		require.Len(t, all, 5)
	})
	t.Run("a token that does not advance is an error", func(t *testing.T) {
		t.Parallel()
		f := newFake(t).on("DescribeInstances", says(200, `{"RequestId":"r","NextToken":"x","Instances":{"Instance":[]}}`))
		_, err := f.cloud().Instances(t.Context(), region, "vpc-1")
		require.ErrorContains(t, err, "does not advance")
		require.Len(t, f.received(), 2)
	})
	t.Run("a listing that never ends is an error", func(t *testing.T) {
		t.Parallel()
		f := newFake(t)
		f.on("DescribeInstances", func(r request) (int, string) {
			n, _ := strconv.Atoi(r.params.Get("NextToken"))
			return 200, fmt.Sprintf(`{"RequestId":"r","NextToken":"%d","Instances":{"Instance":[]}}`, n+1)
		})
		_, err := f.cloud().Instances(t.Context(), region, "vpc-1")
		require.ErrorContains(t, err, "pages")
	})
}

func TestRulesOfKindsThatWeNeverMakeHaveNoPeer(t *testing.T) {
	t.Parallel()
	rule := `{"SecurityGroupRuleId":"sgr","Direction":%q,"IpProtocol":"TCP","PortRange":"1/65535","Policy":"Drop","Priority":"100",%s}`
	for name, c := range map[string]struct {
		direction, fields string
		block             string
		group             string
		narrow            interconnect.Narrow
	}{
		"an ingress rule by block":              {"ingress", `"SourceCidrIp":"10.0.0.7/8"`, "10.0.0.0/8", "", interconnect.Narrow{}},
		"a rule by a single address":            {"ingress", `"SourceCidrIp":"10.0.0.7"`, "10.0.0.7/32", "", interconnect.Narrow{}},
		"an ingress rule by group":              {"ingress", `"SourceGroupId":"sg-9"`, "", "sg-9", interconnect.Narrow{}},
		"an egress rule by block":               {"egress", `"DestCidrIp":"10.0.0.0/8"`, "10.0.0.0/8", "", interconnect.Narrow{}},
		"an egress rule by group":               {"egress", `"DestGroupId":"sg-9"`, "", "sg-9", interconnect.Narrow{}},
		"the block counts where both are given": {"ingress", `"SourceCidrIp":"10.0.0.0/8","SourceGroupId":"sg-9"`, "10.0.0.0/8", "", interconnect.Narrow{}},
		"a prefix list":                         {"ingress", `"SourcePrefixListId":"pl-1"`, "", "", interconnect.Narrow{PeerPrefixID: "pl-1"}},
		"an IPv6 block":                         {"ingress", `"Ipv6SourceCidrIp":"2001:db8::/32"`, "", "", interconnect.Narrow{PeerIPv6: true}},
		"a rule for a part of our own side":     {"ingress", `"SourceCidrIp":"10.0.0.0/8","DestCidrIp":"192.168.1.7/32"`, "", "", interconnect.Narrow{PeerBlock: prefix("10.0.0.0/8"), OwnBlock: prefix("192.168.1.7/32")}},
		"a rule for all of our own side":        {"ingress", `"SourceCidrIp":"10.0.0.0/8","DestCidrIp":"0.0.0.0/0"`, "10.0.0.0/8", "", interconnect.Narrow{}},
		"a rule for some source ports":          {"ingress", `"SourceCidrIp":"10.0.0.0/8","SourcePortRange":"53/53"`, "", "", interconnect.Narrow{PeerBlock: prefix("10.0.0.0/8"), SourcePorts: "53/53"}},
		"a rule for any source port":            {"ingress", `"SourceCidrIp":"10.0.0.0/8","SourcePortRange":"-1/-1"`, "10.0.0.0/8", "", interconnect.Narrow{}},
		"a group, for some source ports":        {"egress", `"DestGroupId":"sg-9","SourcePortRange":"53/53"`, "", "", interconnect.Narrow{PeerGroupID: "sg-9", SourcePorts: "53/53"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"RequestId":"r","Permissions":{"Permission":[`+rule+`]}}`, c.direction, c.fields)
			rules, err := newFake(t).on("DescribeSecurityGroupAttribute", says(200, body)).cloud().Rules(t.Context(), region, "sg-1")
			require.NoError(t, err)
			want := interconnect.Rule{
				ID: "sgr", GroupID: "sg-1", Direction: interconnect.Direction(c.direction), Protocol: "TCP", PortRange: "1/65535",
				PeerGroupID: c.group, Policy: "drop", Priority: 100, Narrow: c.narrow,
			}
			if c.block != "" {
				want.PeerBlock = prefix(c.block)
			}
			require.Equal(t, []interconnect.Rule{want}, rules)
		})
	}
}

func TestRoutesOfOtherKindsAreReadToo(t *testing.T) {
	t.Parallel()
	body := `{"RequestId":"r","RouteEntrys":{"RouteEntry":[
		{"RouteEntryId":"","DestinationCidrBlock":"192.168.1.0/24","Status":"Available","Type":"System","NextHopType":"local"},
		{"RouteEntryId":"rte-2","DestinationCidrBlock":"2001:db8::/56","Status":"Available","Type":"Custom","NextHops":{"NextHop":[{"NextHopId":"ipv6gw-1","NextHopType":"IPv6Gateway"}]}},
		{"RouteEntryId":"rte-3","DestinationCidrBlock":"pl-1","Status":"Pending","Type":"Custom","NextHops":{"NextHop":[{"NextHopId":"i-1","NextHopType":"Instance"}]}},
		{"RouteEntryId":"rte-4","DestinationCidrBlock":"10.0.0.0/8","Status":"Available","Type":"Custom","NextHops":{"NextHop":[{"NextHopId":"ri-1","NextHopType":"RouterInterface"},{"NextHopId":"ri-2","NextHopType":"RouterInterface"}]}}]}}`
	got, err := newFake(t).on("DescribeRouteEntryList", says(200, body)).cloud().RouteEntries(t.Context(), region, "vtb-1")
	require.NoError(t, err)
	require.Equal(t, []interconnect.RouteEntry{
		{RouteTableID: "vtb-1", Destination: prefix("192.168.1.0/24"), NextHopType: "local", Type: "System", Status: "Available"},
		{ID: "rte-2", RouteTableID: "vtb-1", Destination: prefix("2001:db8::/56"), NextHopType: "IPv6Gateway", NextHopID: "ipv6gw-1", Type: "Custom", Status: "Available"},
		{ID: "rte-3", RouteTableID: "vtb-1", NextHopType: "Instance", NextHopID: "i-1", Type: "Custom", Status: "Pending"},
		{ID: "rte-4", RouteTableID: "vtb-1", Destination: prefix("10.0.0.0/8"), NextHopType: "RouterInterface", NextHopID: "ri-1,ri-2", Type: "Custom", Status: "Available"},
	}, got)
}

func TestWhatABatchRefusesIsToldEntryByEntry(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("CreateRouteEntries", says(200, `{"RequestId":"r-5","SuccessCount":0,"FailedCount":2,"FailedRouteEntries":[
		{"DstCidrBlock":"172.16.0.0/16","NextHop":"ri-1","FailedCode":"VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE","FailedMessage":"it is there"},
		{"DstCidrBlock":"172.17.0.0/16","NextHop":"ri-1","FailedCode":"QuotaExceeded.RouteEntry","FailedMessage":"full"}]}`))
	failures, err := f.cloud().CreateRoutes(t.Context(), region, make([]interconnect.NewRoute, 2))
	require.NoError(t, err)
	require.Len(t, failures, 2)
	require.Equal(t, prefix("172.16.0.0/16"), failures[0].Destination)
	require.Equal(t, interconnect.Exists, failures[0].Err.Class)
	require.Equal(t, "r-5", failures[0].Err.RequestID)
	require.Equal(t, interconnect.Quota, failures[1].Err.Class)

	f.on("CreateRouteEntries", says(200, `{"RequestId":"r-5","SuccessCount":0,"FailedCount":2,"FailedRouteEntries":[]}`))
	_, err = f.cloud().CreateRoutes(t.Context(), region, make([]interconnect.NewRoute, 2))
	require.ErrorContains(t, err, "2 entries failed, 0 are told")
}

func TestCallsThatTheAPIWouldNotTakeAreNotMade(t *testing.T) {
	t.Parallel()
	for name, drive := range map[string]func(c *alicloud.Cloud) error{
		"too many routes to create": func(c *alicloud.Cloud) error {
			return second(c.CreateRoutes(t.Context(), region, make([]interconnect.NewRoute, alicloud.MaxRouteBatch+1)))
		},
		"no routes to create": func(c *alicloud.Cloud) error { return second(c.CreateRoutes(t.Context(), region, nil)) },
		"too many routes to delete": func(c *alicloud.Cloud) error {
			return second(c.DeleteRoutes(t.Context(), region, make([]interconnect.RouteEntry, alicloud.MaxRouteBatch+1)))
		},
		"a route to delete without an id": func(c *alicloud.Cloud) error {
			return second(c.DeleteRoutes(t.Context(), region, []interconnect.RouteEntry{{RouteTableID: "vtb-1"}}))
		},
		"too many rules": func(c *alicloud.Cloud) error {
			return c.Authorize(t.Context(), region, "sg-1", interconnect.Ingress, make([]interconnect.Rule, alicloud.MaxRuleBatch+1))
		},
		"too many egress rules": func(c *alicloud.Cloud) error {
			return c.Authorize(t.Context(), region, "sg-1", interconnect.Egress, make([]interconnect.Rule, alicloud.MaxRuleBatch+1))
		},
		"no rules to revoke": func(c *alicloud.Cloud) error { return c.Revoke(t.Context(), region, "sg-1", interconnect.Ingress, nil) },
		"a rule without an id": func(c *alicloud.Cloud) error {
			return c.Revoke(t.Context(), region, "sg-1", interconnect.Egress, []string{""})
		},
		"no specification to take": func(c *alicloud.Cloud) error { return c.ModifySpecification(t.Context(), region, "ri-1", "") },
	} {
		f := newFake(t)
		err := drive(f.cloud())
		require.ErrorContains(t, err, "not called", name)
		require.Equal(t, interconnect.Permanent, interconnect.ClassOf(err), name)
		require.Empty(t, f.received(), name)
	}
}

func TestWhatIsSentForEachSide(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	_, err := f.cloud().CreateRouterInterface(t.Context(), region, interconnect.NewRouterInterface{
		Role: interconnect.Acceptor, Specification: "Mini.2", RouterID: "vrt-2", OppositeRegionID: "cn-beijing", OppositeRouterID: "vrt-1", Token: "tok",
	})
	require.NoError(t, err)
	require.Equal(t, "AcceptingSide", f.last().Get("Role"))
	require.Equal(t, "Negative", f.last().Get("Spec"))
	require.Equal(t, "VRouter", f.last().Get("RouterType"))
	require.Equal(t, "VRouter", f.last().Get("OppositeRouterType"))
	require.Equal(t, "PostPaid", f.last().Get("InstanceChargeType"))
	require.Equal(t, "tok", f.last().Get("ClientToken"))

	require.NoError(t, drives["CreateRouterInterface"](t.Context(), f.cloud()))
	require.Equal(t, "InitiatingSide", f.last().Get("Role"))
	require.Equal(t, "Mini.2", f.last().Get("Spec"))
	require.Equal(t, "a", f.last().Get("Tags.1.Key"), "in a stable order, for a token to hold")
	require.Equal(t, "k", f.last().Get("Tags.2.Key"))

	require.NoError(t, drives["SetOpposite"](t.Context(), f.cloud()))
	require.Equal(t, "VRouter", f.last().Get("OppositeRouterType"))

	for _, without := range []string{"DeleteRouterInterface", "Authorize", "Revoke"} {
		require.NoError(t, drives[without](t.Context(), f.cloud()))
		require.False(t, f.last().Has("ClientToken"), without)
	}

	require.NoError(t, drives["Authorize"](t.Context(), f.cloud()))
	got := f.last()
	require.Equal(t, "172.16.0.0/16", got.Get("Permissions.1.SourceCidrIp"))
	require.Equal(t, "interconnect.vi.a", got.Get("Permissions.1.Description"))
	require.Equal(t, "sg-2", got.Get("Permissions.2.SourceGroupId"))
	require.Equal(t, "accept", got.Get("Permissions.2.Policy"))
	require.Equal(t, "1", got.Get("Permissions.2.Priority"))
	require.Equal(t, "intranet", got.Get("Permissions.2.NicType"))

	require.NoError(t, drives["RunCommand"](t.Context(), f.cloud()))
	script, err := base64.StdEncoding.DecodeString(f.last().Get("CommandContent"))
	require.NoError(t, err)
	require.Equal(t, "ping -c 4 192.0.2.1", string(script))
	require.Equal(t, "30", f.last().Get("Timeout"))
}

func TestTheNewestInvocationsAreFoundInEitherOrder(t *testing.T) {
	t.Parallel()
	const total = 230
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, newestFirst := range map[string]bool{"newest first": true, "oldest first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).on("DescribeInvocations", func(r request) (int, string) {
				page, _ := strconv.Atoi(r.params.Get("PageNumber"))
				size, _ := strconv.Atoi(r.params.Get("PageSize"))
				var items []string
				for i := (page - 1) * size; i < min(page*size, total); i++ {
					n := i
					if newestFirst {
						n = total - 1 - i
					}
					items = append(items, fmt.Sprintf(`{"InvokeId":"t-%d","CommandName":"n","CreationTime":%q,"InvocationStatus":"Success","InvokeInstances":{"InvokeInstance":[{"InstanceId":"i-1","InvocationStatus":"Success"}]}}`,
						n, start.Add(time.Duration(n)*time.Minute).Format(time.RFC3339)))
				}
				return 200, fmt.Sprintf(`{"RequestId":"r","TotalCount":%d,"Invocations":{"Invocation":[%s]}}`, total, strings.Join(items, ","))
			})
			got, err := f.cloud().Invocations(t.Context(), region, "i-1")
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(got), 50)
			for i := range 50 {
				require.Equal(t, fmt.Sprintf("t-%d", total-1-i), got[i].ID)
			}
		})
	}
}

func TestInvocationsAreReadHoweverTheirOutputComes(t *testing.T) {
	t.Parallel()
	const ping = "2 packets transmitted, 2 received, 0% packet loss\n"
	for name, c := range map[string]struct {
		status, output string
		want           string
		finished       bool
	}{
		"base64":                             {"Success", base64.StdEncoding.EncodeToString([]byte(ping)), ping, true},
		"plain text":                         {"Success", ping, ping, true},
		"no output yet":                      {"Running", "", "", false},
		"not delivered yet":                  {"Pending", "", "", false},
		"a status that nobody knows ends it": {"Vanished", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"RequestId":"r","TotalCount":1,"Invocations":{"Invocation":[{"InvokeId":"t-1","CommandName":"n","CreationTime":"2026-01-02T03:04:05Z","InvocationStatus":"PartialFailed","CommandContent":"cGluZyAtYyA0IDEwLjAuMC4x",
				"InvokeInstances":{"InvokeInstance":[{"InstanceId":"i-other","InvocationStatus":"Failed","Output":"b3RoZXI="},{"InstanceId":"i-1","InvocationStatus":%q,"ExitCode":0,"Output":%q}]}}]}}`, c.status, c.output)
			got, err := newFake(t).on("DescribeInvocations", says(200, body)).cloud().Invocations(t.Context(), region, "i-1")
			require.NoError(t, err)
			require.Equal(t, []interconnect.Invocation{{
				ID: "t-1", CommandName: "n", InstanceID: "i-1", Script: "ping -c 4 10.0.0.1", Status: c.status, Finished: c.finished, Output: c.want,
				CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			}}, got)
		})
	}
}
