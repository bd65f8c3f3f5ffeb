package engine_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func (p *pair) route(dest, hop string, more ...string) []string {
	return append([]string{"RouteTableId", "vtb-a", "DestinationCidrBlock", dest, "NextHopType", "RouterInterface", "NextHopId", hop}, more...)
}

func (p *pair) routes(args ...string) tree {
	p.t.Helper()
	return p.ok(qingdao, "DescribeRouteEntryList", append([]string{"RouteTableId", "vtb-a", "MaxResult", "100"}, args...)...)
}

func (p *pair) customRoutes() int {
	p.t.Helper()
	return p.routes("RouteEntryType", "Custom").size("RouteEntrys.RouteEntry")
}

func TestRouteEntryLifecycle(t *testing.T) {
	t.Parallel()
	for _, names := range []struct {
		created       bool
		pending, done string
	}{{false, "Pending", "Available"}, {true, "Creating", "Created"}} {
		t.Run("a route that is made ends "+names.done, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, func(o *engine.Options) { o.Switches.RouteStatusCreated = names.created })
			i, _ := p.connected()
			id := p.ok(qingdao, "CreateRouteEntry", p.route("172.16.0.0/16", i, "RouteEntryName", "to-b", "Description", "there")...).at("RouteEntryId")
			entry := func() tree { return p.routes("RouteEntryId", id) }
			require.Equal(t, names.pending, entry().at("RouteEntrys.RouteEntry.0.Status"))
			p.refused("TaskConflict", qingdao, "CreateRouteEntry", p.route("172.17.0.0/16", i)...)
			p.refused("IncorrcetRouteEntryStatus", qingdao, "DeleteRouteEntry", "RouteEntryId", id)
			p.pass(transition)
			for field, want := range map[string]string{
				"Status": names.done, "Type": "Custom", "RouteEntryName": "to-b", "DestinationCidrBlock": "172.16.0.0/16",
				"NextHops.NextHop.0.NextHopId": i, "NextHops.NextHop.0.NextHopType": "RouterInterface",
				"NextHops.NextHop.0.NextHopRelatedInfo.InstanceId": "vpc-b", "NextHopType": "",
			} {
				require.Equal(t, want, entry().at("RouteEntrys.RouteEntry.0."+field), field)
			}
			p.refused("RouterEntryConflict.Duplicated", qingdao, "CreateRouteEntry", p.route("172.16.0.0/16", i)...)
			p.ok(qingdao, "DeleteRouteEntry", "RouteTableId", "vtb-a", "DestinationCidrBlock", "172.16.0.0/16", "NextHopId", i)
			require.Equal(t, "Deleting", entry().at("RouteEntrys.RouteEntry.0.Status"))
			p.pass(transition)
			require.Zero(t, p.customRoutes())
			p.refused("InvalidRouteEntry.NotFound", qingdao, "DeleteRouteEntry", "RouteEntryId", id)
		})
	}
}

func TestOneRouteTaskPerVPC(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, a := p.connected()
	p.ok(qingdao, "CreateRouteEntry", p.route("172.16.0.0/16", i)...)
	other := p.ok(qingdao, "CreateRouteTable", "VpcId", "vpc-a").at("RouteTableId")
	p.refused("TaskConflict", qingdao, "CreateRouteEntries", batch("vtb-a", i, "172.20.0.0/16")...)
	p.refused("TaskConflict", qingdao, "DeleteRouteEntries", "RouteEntries.1.RouteTableId", "vtb-a", "RouteEntries.1.DstCidrBlock", "172.16.0.0/16")
	p.refused("TaskConflict", qingdao, "DeleteVSwitch", "VSwitchId", "vsw-a")
	p.ok(beijing, "CreateRouteEntry", "RouteTableId", "vtb-b", "DestinationCidrBlock", "192.168.0.0/16", "NextHopType", "RouterInterface", "NextHopId", a)
	p.pass(transition)
	p.ok(qingdao, "CreateRouteEntry", "RouteTableId", other, "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "RouterInterface", "NextHopId", i)
	p.refused("TaskConflict", qingdao, "CreateRouteEntry", p.route("172.21.0.0/16", i)...)
}

func batch(table, hop string, destinations ...string) []string {
	var args []string
	for n, d := range destinations {
		prefix := fmt.Sprintf("RouteEntries.%d.", n+1)
		args = append(args, prefix+"RouteTableId", table, prefix+"DstCidrBlock", d, prefix+"NextHop", hop, prefix+"NextHopType", "RouterInterface")
	}
	return args
}

// Sources of the destination rules: facts C; the vSwitch is 192.168.1.0/24.
func TestRouteDestinations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ dest, single, batch string }{
		"the other VPC's block":                         {"172.16.0.0/16", "", ""},
		"a bare address is a /32":                       {"172.16.0.9", "", ""},
		"a vSwitch's own block":                         {"192.168.1.0/24", "RouterEntryConflict.Duplicated|InvalidCidrBlock.Overlapped", "InvalidCidrBlock.Overlapped"},
		"a part of a vSwitch's block":                   {"192.168.1.128/25", "InvalidCidrBlock.Overlapped", "InvalidCidrBlock.Overlapped"},
		"a block that contains a vSwitch":               {"192.168.0.0/16", "", "InvalidCidrBlock.Overlapped"},
		"the default route":                             {"0.0.0.0/0", "", "InvalidCidrBlock.Overlapped"},
		"the cloud services' block":                     {"100.64.0.0/10", "InvalidCidrBlock.Overlapped", "InvalidCidrBlock.Overlapped"},
		"a part of the cloud services' block":           {"100.100.0.0/16", "", "InvalidCidrBlock.Overlapped"},
		"a block with host bits":                        {"172.16.0.1/16", "InvalidCidrBlock.Malformed", "InvalidCidrBlock.Malformed"},
		"no block at all":                               {"somewhere", "InvalidCidrBlock.Malformed", "InvalidCidrBlock.Malformed"},
		"a part of the VPC's block that no vSwitch has": {"192.168.9.0/24", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			i, _ := p.connected()
			if test.single == "" {
				p.ok(qingdao, "CreateRouteEntry", p.route(test.dest, i)...)
			} else {
				r := p.raw(qingdao, "CreateRouteEntry", p.route(test.dest, i)...)
				require.NotNil(t, r.Err)
				require.Contains(t, test.single, r.Err.Code)
			}
			p = newPair(t)
			i, _ = p.connected()
			answer := p.ok(qingdao, "CreateRouteEntries", batch("vtb-a", i, test.dest)...)
			require.Equal(t, test.batch, answer.at("FailedRouteEntries.0.FailedCode"))
		})
	}
}

func TestRouteBatches(t *testing.T) {
	t.Parallel()
	t.Run("a batch answers 200 with what failed beside what did not", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		i, _ := p.connected()
		p.ok(qingdao, "CreateRouteEntry", p.route("172.16.0.0/16", i)...)
		p.pass(transition)
		answer := p.ok(qingdao, "CreateRouteEntries", batch("vtb-a", i, "172.16.0.0/16", "172.17.0.0/16", "172.17.0.0/16", "10.0.0.0/8")...)
		require.EqualValues(t, 2, answer.get("SuccessCount"))
		require.EqualValues(t, 2, answer.get("FailedCount"))
		require.Equal(t, 2, answer.size("RouteEntryIds"))
		require.Equal(t, "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", answer.at("FailedRouteEntries.0.FailedCode"))
		require.Equal(t, "172.17.0.0/16", answer.at("FailedRouteEntries.1.DstCidrBlock"))
		p.pass(transition)
		require.Equal(t, 3, p.customRoutes())

		gone := p.ok(qingdao, "DeleteRouteEntries",
			"RouteEntries.1.RouteTableId", "vtb-a", "RouteEntries.1.DstCidrBlock", "10.0.0.0/8", "RouteEntries.1.NextHop", i,
			"RouteEntries.2.RouteTableId", "vtb-a", "RouteEntries.2.DstCidrBlock", "11.0.0.0/8",
			"RouteEntries.3.RouteTableId", "vtb-a", "RouteEntries.3.DstCidrBlock", "172.17.0.0/16", "RouteEntries.3.NextHop", "ri-x",
			"RouteEntries.4.RouteTableId", "vtb-a", "RouteEntries.4.DstCidrBlock", "192.168.1.0/24")
		require.EqualValues(t, 1, gone.get("SuccessCount"))
		require.Equal(t, "VPC_ROUTER_ENTRY_NOT_EXIST", gone.at("FailedRouteEntries.0.FailedCode"))
		require.Equal(t, "VPC_ROUTER_ENTRY_NOT_EXIST", gone.at("FailedRouteEntries.1.FailedCode"), "another next hop is another route")
		require.Equal(t, "OperationDenied.SystemRouteEntry", gone.at("FailedRouteEntries.2.FailedCode"))
		p.pass(transition)
		require.Equal(t, 2, p.customRoutes())
	})
	t.Run("a batch has 50 entries at most", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		i, _ := p.connected()
		var blocks []string
		for n := range 51 {
			blocks = append(blocks, fmt.Sprintf("10.%d.0.0/16", n))
		}
		p.refused("InvalidParameter", qingdao, "CreateRouteEntries", batch("vtb-a", i, blocks...)...)
		p.ok(qingdao, "CreateRouteEntries", batch("vtb-a", i, blocks[:50]...)...)
	})
	t.Run("a missing member is named", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		err := p.refused("MissingParameter", qingdao, "CreateRouteEntries", "RouteEntries.1.RouteTableId", "vtb-a",
			"RouteEntries.1.DstCidrBlock", "10.0.0.0/8", "RouteEntries.1.NextHopType", "RouterInterface")
		require.Contains(t, err.Message, "RouteEntries.1.NextHop")
		p.refused("UnsupportedParameter", qingdao, "CreateRouteEntries", append(batch("vtb-a", "ri", "10.0.0.0/8"), "RouteEntries.1.Describption", "x")...)
	})
	t.Run("a full table refuses the entry that is too many", func(t *testing.T) {
		t.Parallel()
		p := newPair(t, func(o *engine.Options) { o.Quotas.RouteEntriesPerTable = 2 })
		i, _ := p.connected()
		answer := p.ok(qingdao, "CreateRouteEntries", batch("vtb-a", i, "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")...)
		require.EqualValues(t, 2, answer.get("SuccessCount"))
		require.Equal(t, "QuotaExceeded", answer.at("FailedRouteEntries.0.FailedCode"))
		p.pass(transition)
		p.refused("QuotaExceeded", qingdao, "CreateRouteEntry", p.route("10.3.0.0/16", i)...)
	})
}

func TestRouteNextHops(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		code string
	}{
		"a router interface that there is not":        {[]string{"NextHopType", "RouterInterface", "NextHopId", "ri-x"}, "InvalidNextHopId.NotFound"},
		"a router interface of the other VPC":         {[]string{"NextHopType", "RouterInterface", "NextHopId", "acceptor"}, "InvalidNextHopId.NotFound"},
		"an instance that there is not":               {[]string{"NextHopId", "i-x"}, "InvalidNextHopId.NotFound"},
		"a kind that there is not":                    {[]string{"NextHopType", "Tunnel", "NextHopId", "t-1"}, "InvalidNextHopType.NotSupport"},
		"a kind that this cloud does not have":        {[]string{"NextHopType", "NatGateway", "NextHopId", "ngw-1"}, "UnsupportedParameter"},
		"none":                                        {nil, "MissingParameter"},
		"one and a list":                              {[]string{"NextHopId", "i-x", "NextHopList.1.NextHopId", "ri-x"}, "InvalidParameter"},
		"a list with something other than interfaces": {[]string{"NextHopList.1.NextHopId", "i-x", "NextHopList.1.NextHopType", "Instance"}, "InvalidNextHopType.NotSupport"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			_, a := p.connected()
			args := []string{"RouteTableId", "vtb-a", "DestinationCidrBlock", "172.16.0.0/16"}
			for _, s := range test.args {
				if s == "acceptor" {
					s = a
				}
				args = append(args, s)
			}
			p.refused(test.code, qingdao, "CreateRouteEntry", args...)
		})
	}
	t.Run("a dry run makes nothing", func(t *testing.T) {
		t.Parallel()
		p := newPair(t)
		i, _ := p.connected()
		p.refused("DryRunOperation", qingdao, "CreateRouteEntry", p.route("172.16.0.0/16", i, "DryRun", "true")...)
		require.Zero(t, p.customRoutes())
	})
}

func TestModifyRouteEntryRepointsWithoutAGap(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, _ := p.connected()
	old, err := p.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: netip.MustParsePrefix("172.16.0.0/16"), NextHops: []engine.NextHop{{Type: "HaVip", ID: "havip-1"}}})
	require.NoError(t, err)
	p.ok(qingdao, "ModifyRouteEntry", "RouteEntryId", old.ID, "NewNextHopType", "RouterInterface", "NewNextHopId", i, "RouteEntryName", "new")
	entry := p.routes("RouteEntryId", old.ID)
	require.Equal(t, "Modifying", entry.at("RouteEntrys.RouteEntry.0.Status"))
	require.Equal(t, "havip-1", entry.at("RouteEntrys.RouteEntry.0.NextHops.NextHop.0.NextHopId"))
	p.refused("TaskConflict", qingdao, "CreateRouteEntry", p.route("10.0.0.0/8", i)...)
	p.pass(transition)
	entry = p.routes("RouteEntryId", old.ID)
	require.Equal(t, i, entry.at("RouteEntrys.RouteEntry.0.NextHops.NextHop.0.NextHopId"))
	require.Equal(t, "new", entry.at("RouteEntrys.RouteEntry.0.RouteEntryName"))
}

func TestRouteEntryListFiltersAndPages(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	i, _ := p.connected()
	p.ok(qingdao, "CreateRouteEntries", batch("vtb-a", i, "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")...)
	p.pass(transition)
	size := func(args ...string) int { return p.routes(args...).size("RouteEntrys.RouteEntry") }
	require.Equal(t, 5, size(), "three of ours, one of the vSwitch, one of the cloud services")
	require.Equal(t, 2, size("RouteEntryType", "System"))
	require.Equal(t, 1, size("DestinationCidrBlock", "10.1.0.0/16"))
	require.Equal(t, 2, size("DestCidrBlockList.1", "10.1.0.0/16", "DestCidrBlockList.2", "100.64.0.0/10"))
	require.Equal(t, 3, size("NextHopId", i))
	require.Equal(t, 0, size("IpVersion", "ipv6"))
	seen, token := 0, ""
	for {
		page := p.ok(qingdao, "DescribeRouteEntryList", "RouteTableId", "vtb-a", "MaxResult", "2", "NextToken", token)
		seen += page.size("RouteEntrys.RouteEntry")
		if token = page.at("NextToken"); token == "" {
			break
		}
	}
	require.Equal(t, 5, seen)
	p.refused("InvalidRouteTableId.NotFound", qingdao, "DescribeRouteEntryList", "RouteTableId", "vtb-x")
	p.refused("UnsupportedParameter", qingdao, "DescribeRouteEntryList", "RouteTableId", "vtb-a", "MaxResults", "10")
}
