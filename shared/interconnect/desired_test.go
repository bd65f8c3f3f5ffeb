package interconnect_test

import (
	"fmt"
	"net/netip"

	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

// tutorial is the tutorial's connection, as intake would record it.
func tutorial() *interconnect.Connection {
	return &interconnect.Connection{
		ID: "a", Type: interconnect.TypeExpressConnect, Specification: "Mini.2",
		Initiator: interconnect.Side{
			Account: "1", RegionID: "cn-qingdao", VpcID: "vpc-1", VRouterID: "vrt-1",
			CidrBlocks: blocks("192.168.0.0/16"), RouteTableIDs: []string{"vtb-1"},
			SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-1", Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{icmp}}},
		},
		Acceptor: interconnect.Side{
			Account: "1", RegionID: "cn-beijing", VpcID: "vpc-2", VRouterID: "vrt-2",
			CidrBlocks: blocks("172.16.0.0/16"), RouteTableIDs: []string{"vtb-2"},
			SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-2", Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{icmp, postgres}}},
		},
	}
}

var (
	icmp     = interconnect.Allow{Protocol: "ICMP", PortRange: "-1/-1"}
	postgres = interconnect.Allow{Protocol: "TCP", PortRange: "5432/5432"}
)

func blocks(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// record is a live record that wants c.
func record(c *interconnect.Connection) interconnect.Record {
	return interconnect.Record{ID: c.ID, Generation: 1, Wanted: interconnect.Wanted{Connection: c}}
}

// drawConnection draws a connection between the tutorial's two routers, with
// few tables, blocks, groups and rules, so that two draws have some in common.
func drawConnection(t *rapid.T, id string) *interconnect.Connection {
	c := tutorial()
	c.ID = id
	side := func(s *interconnect.Side, n string, blocks []netip.Prefix) {
		s.CidrBlocks = rapid.SliceOfNDistinct(rapid.SampledFrom(blocks), 1, 3, rapid.ID).Draw(t, id+n+" blocks")
		s.RouteTableIDs = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"vtb-" + n, "vtb-" + n + "x"}), 0, 2, rapid.ID).Draw(t, id+n+" tables")
		s.SecurityGroups = nil
		for _, g := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"sg-" + n, "sg-" + n + "x"}), 0, 2, rapid.ID).Draw(t, id+n+" groups") {
			s.SecurityGroups = append(s.SecurityGroups, interconnect.SecurityGroup{
				ID:            g,
				Authorization: rapid.SampledFrom([]interconnect.Authorization{interconnect.ByCidrBlock, interconnect.BySecurityGroup}).Draw(t, "by"),
				Advanced:      rapid.Bool().Draw(t, "advanced"),
				Allow:         rapid.SliceOfNDistinct(rapid.SampledFrom([]interconnect.Allow{icmp, postgres}), 1, 2, rapid.ID).Draw(t, "allow"),
			})
		}
	}
	side(&c.Initiator, "1", blocks("192.168.0.0/16", "192.168.0.0/24", "10.1.0.0/16"))
	side(&c.Acceptor, "2", blocks("172.16.0.0/16", "172.16.1.0/24", "10.2.0.0/16"))
	return c
}

// drawMark draws the name of something that may be there: ours, another
// connection's, another deployment's, or a person's.
func drawMark(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"interconnect.vi.a", "interconnect.vi.b", "interconnect.vi.gone", "interconnect.other.a", "", "by hand", "interconnect.vi.a.x",
	}).Draw(t, "mark")
}

func numbered(prefix string, n int) string { return fmt.Sprintf("%s-%03d", prefix, n) }
