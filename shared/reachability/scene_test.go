package reachability_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/reachability"
	"vpcinterconnect/shared/trigger"
)

// The sides of every world of these tests, and a VPC beside them.
const (
	vpcA, regionA = "vpc-a", "cn-qingdao"
	vpcB, regionB = "vpc-b", "cn-beijing"
	vpcC          = "vpc-c"
)

// scene is a world that exists: in the local cloud, and as a Picture.
type scene struct {
	engine   *engine.Engine
	topology *engine.Topology
	picture  *reachability.Picture
}

// stage puts a world into a local cloud that stands still. The sides are its
// first two VPCs.
func stage(t require.TestingT, w *world.World) *scene {
	e := engine.New(w.Options(engine.Options{NoRates: true}))
	require.NoError(t, w.Apply(e))
	s := &scene{engine: e, topology: e.Topology()}
	s.picture = pictureOf(s.topology)
	return s
}

// pictureOf says what the cloud would report of the two sides. It takes what
// there is from the engine itself, for random worlds are many; a test holds it
// against what the real client reads of the same worlds, by the API.
func pictureOf(t *engine.Topology) *reachability.Picture {
	return &reachability.Picture{Initiator: sideOf(t, t.VPCs[0].ID), Acceptor: sideOf(t, t.VPCs[1].ID)}
}

func sideOf(t *engine.Topology, vpcID string) (s reachability.Side) {
	for _, v := range t.VPCs {
		if v.ID == vpcID {
			s.RegionID = v.RegionID
			s.VPC = interconnect.VPC{ID: v.ID, RegionID: v.RegionID, VRouterID: v.RouterID, CidrBlock: v.Block, SecondaryBlocks: v.Secondary, UserBlocks: v.UserBlocks, Available: true}
		}
	}
	for _, v := range t.VSwitches {
		if v.VpcID == vpcID {
			s.VSwitches = append(s.VSwitches, interconnect.VSwitch{ID: v.ID, VpcID: vpcID, CidrBlock: v.Block, RouteTableID: v.RouteTableID, NetworkAclID: v.NetworkACLID})
		}
	}
	for _, r := range t.RouteTables {
		if r.VpcID == vpcID {
			s.Tables = append(s.Tables, interconnect.RouteTable{ID: r.ID, VpcID: vpcID, System: r.Type == "System", Gateway: r.AssociateType == "Gateway"})
		}
	}
	for _, e := range t.RouteEntries {
		if e.VpcID == vpcID {
			var ids []string
			for _, h := range e.NextHops {
				ids = append(ids, h.ID)
			}
			s.Entries = append(s.Entries, interconnect.RouteEntry{
				ID: e.ID, RouteTableID: e.TableID, Destination: e.Destination, NextHopType: e.NextHops[0].Type, NextHopID: strings.Join(ids, ","), Type: e.Type, Status: e.Status,
			})
		}
	}
	for _, r := range t.RouterInterfaces {
		if r.VpcID == vpcID {
			s.Interfaces = append(s.Interfaces, interconnect.RouterInterface{
				ID: r.ID, RegionID: r.RegionID, RouterID: r.RouterID, Role: r.Role, Status: r.Status, BusinessStatus: r.BusinessStatus,
				OppositeRouterID: r.OppositeRouterID, OppositeRegionID: r.OppositeRegionID, OppositeID: r.OppositeID,
			})
		}
	}
	for _, p := range t.PeerConnections {
		if p.VpcID == vpcID || p.AcceptingVpcID == vpcID {
			s.Peerings = append(s.Peerings, interconnect.PeeringConnection{
				ID: p.ID, RegionID: p.RegionID, VpcID: p.VpcID, AcceptingRegionID: p.AcceptingRegionID, AcceptingVpcID: p.AcceptingVpcID,
				Status: p.Status, BusinessStatus: p.BusinessStatus,
			})
		}
	}
	for _, a := range t.NetworkACLs {
		if a.VpcID == vpcID {
			s.Acls = append(s.Acls, interconnect.NetworkAcl{ID: a.ID, VpcID: vpcID, Ingress: aclRules(a.Ingress), Egress: aclRules(a.Egress)})
		}
	}
	for _, g := range t.SecurityGroups {
		if g.VpcID == vpcID {
			s.Groups = append(s.Groups, groupOf(g))
		}
	}
	for _, i := range t.Instances {
		if i.VpcID == vpcID {
			s.Instances = append(s.Instances, interconnect.Instance{
				ID: i.ID, VpcID: vpcID, VSwitchID: i.VSwitchID, PrivateIP: i.PrivateIP, Running: i.Status == engine.InstanceRunning,
				OSType: i.Guest.OS, SecurityGroupIDs: i.SecurityGroupIDs,
			})
		}
	}
	return s
}

func aclRules(list []engine.ACLEntry) (out []interconnect.AclRule) {
	for _, e := range list {
		out = append(out, interconnect.AclRule{ID: e.ID, Name: e.Name, Accept: e.Policy == "accept", Protocol: strings.ToUpper(e.Protocol), PortRange: e.Port, Peer: e.Peer})
	}
	return out
}

func groupOf(g engine.SecurityGroup) interconnect.Group {
	out := interconnect.Group{
		GroupFacts: interconnect.GroupFacts{ID: g.ID, VpcID: g.VpcID, Advanced: g.Type == engine.GroupEnterprise, ServiceManaged: g.ServiceManaged}, Isolated: g.Isolated,
	}
	for _, r := range g.Rules {
		x := interconnect.Rule{
			ID: r.ID, GroupID: g.ID, Direction: interconnect.Ingress, Protocol: r.Protocol, PortRange: r.Ports.String(),
			PeerBlock: r.Peer, PeerGroupID: r.PeerGroupID, Policy: "accept", Priority: r.Priority,
		}
		if r.Egress {
			x.Direction = interconnect.Egress
		}
		if r.Drop {
			x.Policy = "drop"
		}
		if r.SourcePorts != engine.AnyPort || r.Own.IsValid() && r.Own.Bits() > 0 {
			x.Narrow = interconnect.Narrow{PeerBlock: r.Peer, PeerGroupID: r.PeerGroupID}
			if x.PeerBlock, x.PeerGroupID = (netip.Prefix{}), ""; r.SourcePorts != engine.AnyPort {
				x.Narrow.SourcePorts = r.SourcePorts.String()
			}
			if r.Own.IsValid() && r.Own.Bits() > 0 {
				x.Narrow.OwnBlock = r.Own
			}
		}
		out.Rules = append(out.Rules, x)
	}
	return out
}

// read reads the two sides by the API, with the client that the functions use.
func (s *scene) read(t require.TestingT) *reachability.Picture {
	key := s.engine.AddUser("reader", "", "")
	cloud := alicloud.New(
		trigger.Invocation{Region: regionA, Credentials: trigger.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: key.Secret}},
		alicloud.Options{Endpoint: "http://cloud.test", Transport: openapi.InProcess(openapi.New(openapi.Options{Engine: s.engine}))},
	)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	side := func(r interconnect.Role) reachability.Side {
		known := s.picture.Side(r)
		return readSide(ctx, t, cloud, known.RegionID, known.VPC.ID)
	}
	return &reachability.Picture{Initiator: side(initiator), Acceptor: side(acceptor)}
}

func readSide(ctx context.Context, t require.TestingT, c *alicloud.Cloud, region, vpcID string) reachability.Side {
	v, err := c.VPC(ctx, region, vpcID)
	require.NoError(t, err)
	s := reachability.Side{RegionID: region, VPC: *v}
	s.VSwitches, err = c.VSwitches(ctx, region, vpcID)
	require.NoError(t, err)
	s.Tables, err = c.RouteTables(ctx, region, vpcID)
	require.NoError(t, err)
	for _, table := range s.Tables {
		entries, err := c.RouteEntries(ctx, region, table.ID)
		require.NoError(t, err)
		s.Entries = append(s.Entries, entries...)
	}
	s.Interfaces, err = c.RouterInterfaces(ctx, region, v.VRouterID)
	require.NoError(t, err)
	s.Peerings, err = c.PeeringConnections(ctx, region, vpcID)
	require.NoError(t, err)
	seen := map[string]bool{"": true}
	for _, w := range s.VSwitches {
		if id := w.NetworkAclID; !seen[id] {
			seen[id] = true
			a, err := c.NetworkAcl(ctx, region, id)
			require.NoError(t, err)
			s.Acls = append(s.Acls, *a)
		}
	}
	groups, err := c.SecurityGroups(ctx, region, vpcID)
	require.NoError(t, err)
	for _, g := range groups {
		rules, isolated, err := c.GroupRules(ctx, region, g.ID)
		require.NoError(t, err)
		s.Groups = append(s.Groups, interconnect.Group{GroupFacts: g, Isolated: isolated, Rules: rules})
	}
	s.Instances, err = c.Instances(ctx, region, vpcID)
	require.NoError(t, err)
	return s
}

// packets are all that instances of the two sides can ask of each other, on
// these ports.
func (s *scene) packets(ports ...int) (out []reachability.Packet) {
	var ids []string
	for _, i := range s.topology.Instances {
		if i.VpcID == s.picture.Initiator.VPC.ID || i.VpcID == s.picture.Acceptor.VPC.ID {
			ids = append(ids, i.ID)
		}
	}
	for _, from := range ids {
		for _, to := range ids {
			if from == to {
				continue
			}
			out = append(out, reachability.Packet{From: from, To: to, Protocol: "ICMP"})
			for _, p := range ports {
				out = append(out, reachability.Packet{From: from, To: to, Protocol: "TCP", Port: p})
			}
		}
	}
	return out
}

// connected is the tutorial's world after the tutorial: two VPCs joined, routes
// on both sides, rules for pings and for PostgreSQL.
//
//	vpc-a cn-qingdao 192.168.0.0/16       vpc-b cn-beijing 172.16.0.0/16
//	  vsw-a  .1.0/24  i-a  192.168.1.10     vsw-b  172.16.1.0/24  i-b 172.16.1.10
//	  vsw-a2 .2.0/24  i-a2 192.168.2.10
func connected(kind interconnect.Type) *world.World {
	hop := func(id string) []world.NextHop { return []world.NextHop{{Type: "RouterInterface", ID: id}} }
	rules := func(n, from string) []world.Rule {
		return []world.Rule{
			{ID: "sgr-" + n, Direction: "ingress", Protocol: "ICMP", CidrBlock: from},
			{ID: "sgr-" + n + "-sql", Direction: "ingress", Protocol: "TCP", PortRange: "5432/5432", CidrBlock: from},
		}
	}
	guest := world.Guest{CloudAssistant: "online", ListenTCP: []int{5432}}
	w := &world.World{
		Regions: []world.Region{{ID: regionA, Zones: []string{"cn-qingdao-b"}}, {ID: regionB, Zones: []string{"cn-beijing-h"}}},
		VPCs: []world.VPC{{
			ID: vpcA, Region: regionA, CidrBlock: "192.168.0.0/16", RouterID: "vrt-a",
			RouteTables: []world.RouteTable{{ID: "vtb-a", Type: "System", Routes: []world.Route{{ID: "rte-a", Destination: "172.16.0.0/16", NextHops: hop("ri-a")}}}},
			VSwitches: []world.VSwitch{
				{ID: "vsw-a", Zone: "cn-qingdao-b", CidrBlock: "192.168.1.0/24"},
				{ID: "vsw-a2", Zone: "cn-qingdao-b", CidrBlock: "192.168.2.0/24"},
			},
			SecurityGroups: []world.SecurityGroup{{ID: "sg-a", Rules: rules("a", "172.16.0.0/16")}},
			Instances: []world.Instance{
				{ID: "i-a", VSwitchID: "vsw-a", PrivateIP: "192.168.1.10", SecurityGroups: []string{"sg-a"}, Guest: guest},
				{ID: "i-a2", VSwitchID: "vsw-a2", PrivateIP: "192.168.2.10", SecurityGroups: []string{"sg-a"}, Guest: guest},
			},
		}, {
			ID: vpcB, Region: regionB, CidrBlock: "172.16.0.0/16", RouterID: "vrt-b",
			RouteTables:    []world.RouteTable{{ID: "vtb-b", Type: "System", Routes: []world.Route{{ID: "rte-b", Destination: "192.168.0.0/16", NextHops: hop("ri-b")}}}},
			VSwitches:      []world.VSwitch{{ID: "vsw-b", Zone: "cn-beijing-h", CidrBlock: "172.16.1.0/24"}},
			SecurityGroups: []world.SecurityGroup{{ID: "sg-b", Rules: rules("b", "192.168.0.0/16")}},
			Instances:      []world.Instance{{ID: "i-b", VSwitchID: "vsw-b", PrivateIP: "172.16.1.10", SecurityGroups: []string{"sg-b"}, Guest: guest}},
		}},
	}
	if kind == interconnect.TypeVpcPeering {
		w.PeerConnections = []world.PeerConnection{{ID: "pcc-1", VpcID: vpcA, AcceptingVpcID: vpcB}}
		for n := range w.VPCs {
			w.VPCs[n].RouteTables[0].Routes[0].NextHops = []world.NextHop{{Type: "VpcPeer", ID: "pcc-1"}}
		}
		return w
	}
	w.RouterInterfaces = []world.RouterInterface{
		{ID: "ri-a", VpcID: vpcA, Role: "InitiatingSide", Spec: "Mini.2", Opposite: &world.Opposite{ID: "ri-b"}},
		{ID: "ri-b", VpcID: vpcB, Role: "AcceptingSide", Spec: "Negative", Opposite: &world.Opposite{ID: "ri-a"}},
	}
	return w
}

func TestAWorkedWorldIsAsConnectedAsItLooks(t *testing.T) {
	t.Parallel()
	for _, kind := range []interconnect.Type{interconnect.TypeExpressConnect, interconnect.TypeVpcPeering} {
		s := stage(t, connected(kind))
		for _, k := range s.packets(5432) {
			path := reachability.Analyze(s.picture, k)
			if strings.HasPrefix(k.From, "i-a") == strings.HasPrefix(k.To, "i-a") {
				continue // within a VPC the rules let nothing in but between members
			}
			require.Equal(t, reachability.Passes, path.Result, "%s: %+v: %+v", kind, k, path.Hops)
			require.Nil(t, path.Stop())
			require.Nil(t, path.Doubt())
		}
	}
}
