package reachability_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/reachability"
)

// Where the answers of the worked worlds come from: pages of Alibaba Cloud's
// help center and API reference, by title.
const (
	srcTables   = "VPC, Route tables: a vSwitch's traffic goes by the table that it is associated with; the longest prefix decides"
	srcEntries  = "VPC, CreateRouteEntry: an entry is not there when its id is; only Available ones are"
	srcACL      = "VPC, Network ACLs: rules by ascending priority, the first that matches decides; the port is the destination's; stateless; what is denied is dropped in silence"
	srcACLEdge  = "VPC, Network ACL overview: without rules all is denied; traffic within a vSwitch is not filtered"
	srcRI       = "Express Connect, DescribeRouterInterfaces: Status, BusinessStatus"
	srcPeer     = "VPC, VPC peering connections: only Activated ones carry; routes on both sides; not transitive; states"
	srcPeerLock = "VPC, GetVpcPeerConnectionAttribute: BizStatus FinancialLocked"
	srcRules    = "ECS, Security group rules: of all groups of the instance, by priority, of equal ones deny first; stateful"
	srcGroups   = "ECS, Basic and advanced security groups: basic: out all, in only members; advanced: nothing either way"
	srcIsolated = "ECS, Network isolation within a basic security group: internal policies have the lowest priority"
	srcManaged  = "ECS, Managed security groups: only the cloud product edits them"
	srcQuintet  = "ECS, Security group quintuple rules: source port and own address narrow a rule"
	srcFAQ      = "VPC, FAQ, VPC peering does not work: route tables, groups, ACLs; the block of a Docker or Kubernetes network inside an instance"
	srcInstance = "ECS, Instance lifecycle: Stopped instances do not communicate"
)

// worked is the table of worked worlds. Each is the connected world with a
// change, and what becomes of a packet, worked out by hand from the source
// named. Both judges have to give that answer: the analysis with the layer, the
// side, the way and the id; the data plane by whether something comes back.
var worked = []struct {
	name   string
	source string
	kind   interconnect.Type // "": of both kinds
	change func(w *world.World)
	packet reachability.Packet // zero: a ping from i-a to i-b

	result reachability.State
	at     reachability.Hop // what stops it, or leaves it unknown; of Sentence and Mend, a part
	fate   dataplane.Fate
}{
	{name: "the connected world", source: srcPeer, result: passes, fate: answered},
	{name: "a port that the rules let in", source: srcRules, packet: sql("i-a", "i-b"), result: passes, fate: answered},
	{name: "a port that nothing listens on", source: srcRules, change: func(w *world.World) { w.VPCs[1].Instances[0].Guest.ListenTCP = nil },
		packet: sql("i-b", "i-a"), result: passes, fate: answered},

	// Route tables.
	{name: "the route of the near side is deleted", source: srcTables, change: func(w *world.World) { system(w, 0).Routes = nil },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "vtb-a", "Add a route to 172.16.0.0/16 to route table vtb-a that leads to "), fate: lost},
	{name: "the route of the far side is deleted", source: srcTables, change: func(w *world.World) { system(w, 1).Routes = nil },
		result: blocks, at: at(reachability.LayerRoute, acceptor, back, "vtb-b", "Add a route to 192.168.0.0/16 to route table vtb-b that leads to "), fate: lost},
	{name: "a vSwitch is put on a custom table", source: srcTables, change: func(w *world.World) { ownTable(w, "vtb-own"); w.VPCs[0].VSwitches[0].RouteTableID = "vtb-own" },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "vtb-own", "Add a route to 172.16.0.0/16 to route table vtb-own"), fate: lost},
	{name: "the other vSwitch keeps its table", source: srcTables, change: func(w *world.World) { ownTable(w, "vtb-own"); w.VPCs[0].VSwitches[0].RouteTableID = "vtb-own" },
		packet: ping("i-a2", "i-b"), result: passes, fate: answered},
	{name: "a custom table with the route", source: srcTables, change: func(w *world.World) {
		ownTable(w, "vtb-own", world.Route{Destination: "172.16.1.0/24", NextHops: system(w, 0).Routes[0].NextHops})
		w.VPCs[0].VSwitches[0].RouteTableID = "vtb-own"
	}, result: passes, fate: answered},
	{name: "a more specific route to an interface that is gone", source: srcTables, change: func(w *world.World) { route(w, 0, "rte-spec", "172.16.1.0/24", "RouterInterface", "ri-gone") },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "rte-spec", "Delete route entry rte-spec (172.16.1.0/24) of route table vtb-a: the route to 172.16.0.0/16 leads to "), fate: lost},
	{name: "a more specific route into a third VPC", source: srcPeer, change: func(w *world.World) { third(w); route(w, 0, "rte-spec", "172.16.1.0/24", "RouterInterface", "ri-ac") },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "rte-spec", "Delete route entry rte-spec"), fate: lost},
	{name: "a more specific route to a peering connection of a third VPC", source: srcPeer, change: func(w *world.World) { third(w); route(w, 1, "rte-spec", "192.168.1.0/24", "VpcPeer", "pcc-bc") },
		result: blocks, at: at(reachability.LayerRoute, acceptor, back, "rte-spec", "Delete route entry rte-spec"), fate: lost},
	{name: "a more specific route to a VPN gateway, which nobody can look into", source: srcTables, change: func(w *world.World) { route(w, 0, "rte-spec", "172.16.1.0/24", "VpnGateway", "vpn-1") },
		result: unknown, at: at(reachability.LayerRoute, initiator, out, "rte-spec", "Delete route entry rte-spec"), fate: lost},
	{name: "a more specific route for another part of the peer's block", source: srcTables, change: func(w *world.World) { route(w, 0, "rte-spec", "172.16.9.0/24", "RouterInterface", "ri-gone") },
		result: passes, fate: answered},
	{name: "a default route does not matter beside a longer one", source: srcTables, change: func(w *world.World) { route(w, 0, "rte-default", "0.0.0.0/0", "NatGateway", "ngw-1") },
		result: passes, fate: answered},
	{name: "only a default route to a NAT gateway is left", source: srcTables, change: func(w *world.World) {
		system(w, 0).Routes = nil
		route(w, 0, "rte-default", "0.0.0.0/0", "NatGateway", "ngw-1")
	},
		result: unknown, at: at(reachability.LayerRoute, initiator, out, "rte-default", "Have route entry rte-default (0.0.0.0/0) of route table vtb-a lead to "), fate: lost},
	{name: "a route that is still being made", source: srcEntries, change: func(w *world.World) { system(w, 0).Routes[0].Status = "Pending" },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "rte-a", "Wait until route entry rte-a is Available"), fate: lost},
	{name: "vSwitches of a VPC reach each other by its own routes", source: srcTables, packet: ping("i-a", "i-a2"), result: passes, fate: answered},

	// What joins the VPCs.
	{name: "the near router interface is deactivated", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[0].Status = "Inactive" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "Activate router interface ri-a."), fate: lost},
	{name: "the far router interface is deactivated", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[1].Status = "Inactive" },
		result: blocks, at: at(reachability.LayerPeering, acceptor, out, "ri-b", "Activate router interface ri-b."), fate: lost},
	{name: "a router interface that was never connected", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[0].Status, w.RouterInterfaces[1].Status = "Idle", "Idle" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "Connect router interface ri-a"), fate: lost},
	{name: "the near router interface is locked for its bill", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[0].BusinessStatus = "FinancialLocked" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "Pay the account's overdue bills"), fate: lost},
	{name: "the far router interface is locked for its bill", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[1].BusinessStatus = "FinancialLocked" },
		result: blocks, at: at(reachability.LayerPeering, acceptor, out, "ri-b", "Pay the account's overdue bills"), fate: lost},
	{name: "a router interface is locked for security", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[0].BusinessStatus = "SecurityLocked" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "open a ticket"), fate: lost},
	{name: "a router interface without an opposite", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces[0].Opposite, w.RouterInterfaces[0].Status = nil, "Idle" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "Give router interface ri-a its opposite"), fate: lost},
	{name: "the opposite router interface is gone", source: srcRI, kind: ec, change: func(w *world.World) { w.RouterInterfaces = w.RouterInterfaces[:1] },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "ri-a", "make the connection anew"), fate: lost},
	{name: "a VPC peering connection is locked for its bill", source: srcPeerLock, kind: peer, change: func(w *world.World) { w.PeerConnections[0].BusinessStatus = "FinancialLocked" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "pcc-1", "Pay the account's overdue bills"), fate: lost},
	{name: "a VPC peering connection that nobody has accepted", source: srcPeer, kind: peer, change: func(w *world.World) { w.PeerConnections[0].Status = "Accepting" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "pcc-1", "Accept VPC peering connection pcc-1"), fate: lost},
	{name: "a VPC peering connection that was rejected", source: srcPeer, kind: peer, change: func(w *world.World) { w.PeerConnections[0].Status = "Rejected" },
		result: blocks, at: at(reachability.LayerPeering, initiator, out, "pcc-1", "Make a new VPC peering connection"), fate: lost},
	{name: "a VPC peering connection is deleted", source: srcPeer, kind: peer, change: func(w *world.World) { w.PeerConnections = nil },
		result: blocks, at: at(reachability.LayerRoute, initiator, out, "rte-a", "Connect the two VPCs"), fate: lost},

	// Security groups.
	{name: "our rule is removed", source: srcGroups, change: func(w *world.World) { rulesOf(w, 1, w.VPCs[1].SecurityGroups[0].Rules[1]) },
		result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule to security group sg-b that accepts ICMP from 192.168.1.10/32."), fate: lost},
	{name: "a rule for pings is none for TCP", source: srcRules, packet: reachability.Packet{From: "i-a", To: "i-b", Protocol: "TCP", Port: 22},
		result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "accepts TCP 22/22 from 192.168.1.10/32."), fate: lost},
	{name: "the first of two groups belongs to a cloud product, and is not edited", source: srcManaged, change: func(w *world.World) {
		rulesOf(w, 1)
		w.VPCs[1].SecurityGroups = append(w.VPCs[1].SecurityGroups, world.SecurityGroup{ID: "sg-product", ServiceManaged: true})
		w.VPCs[1].Instances[0].SecurityGroups = []string{"sg-product", "sg-b"}
	}, result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule to security group sg-b"), fate: lost},
	{name: "a rule for another block", source: srcRules, change: func(w *world.World) { rulesOf(w, 1, in("ICMP", "192.168.2.0/24")) },
		result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule"), fate: lost},
	{name: "a drop of higher priority is added", source: srcRules, change: func(w *world.World) {
		w.VPCs[1].SecurityGroups[0].Rules[0].Priority = 10
		addRule(w, 1, world.Rule{ID: "sgr-drop", Direction: "ingress", Protocol: "ICMP", Policy: "drop", Priority: 5, CidrBlock: "192.168.0.0/16"})
	}, result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sgr-drop", "Delete ingress rule sgr-drop of security group sg-b, or give it a larger priority number than rule sgr-b of sg-b has, which is 10."), fate: lost},
	{name: "a drop of equal priority is added", source: srcRules, change: func(w *world.World) {
		addRule(w, 1, world.Rule{ID: "sgr-drop", Direction: "ingress", Protocol: "ALL", Policy: "drop", CidrBlock: "0.0.0.0/0"})
	}, result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sgr-drop", "Delete ingress rule sgr-drop"), fate: lost},
	{name: "a drop of lower priority is added", source: srcRules, change: func(w *world.World) {
		addRule(w, 1, world.Rule{ID: "sgr-drop", Direction: "ingress", Protocol: "ALL", Policy: "drop", Priority: 2, CidrBlock: "0.0.0.0/0"})
	}, result: passes, fate: answered},
	{name: "a drop in another group of the same instance", source: srcRules, change: func(w *world.World) {
		w.VPCs[1].SecurityGroups = append(w.VPCs[1].SecurityGroups, world.SecurityGroup{ID: "sg-b2", Rules: []world.Rule{{ID: "sgr-other", Direction: "ingress", Protocol: "ICMP", Policy: "drop", CidrBlock: "192.168.1.0/24"}}})
		w.VPCs[1].Instances[0].SecurityGroups = []string{"sg-b", "sg-b2"}
	}, result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sgr-other", "Delete ingress rule sgr-other of security group sg-b2"), fate: lost},
	{name: "an egress drop", source: srcRules, change: func(w *world.World) {
		addRule(w, 0, world.Rule{ID: "sgr-out", Direction: "egress", Protocol: "ICMP", Policy: "drop", CidrBlock: "172.16.0.0/16"})
	}, result: blocks, at: at(reachability.LayerEgress, initiator, out, "sgr-out", "Delete egress rule sgr-out of security group sg-a."), fate: lost},
	{name: "an ingress drop of the reply is not asked", source: srcRules, change: func(w *world.World) {
		addRule(w, 0, world.Rule{ID: "sgr-in", Direction: "ingress", Protocol: "ALL", Policy: "drop", CidrBlock: "0.0.0.0/0"})
	}, result: passes, fate: answered},
	{name: "an advanced group without egress", source: srcGroups, change: func(w *world.World) { w.VPCs[0].SecurityGroups[0].Type = "enterprise" },
		result: blocks, at: at(reachability.LayerEgress, initiator, out, "sg-a", "Add an egress rule to security group sg-a that accepts ICMP to 172.16.1.10/32."), fate: lost},
	{name: "an advanced group with egress", source: srcGroups, change: func(w *world.World) {
		w.VPCs[0].SecurityGroups[0].Type = "enterprise"
		addRule(w, 0, world.Rule{ID: "sgr-out", Direction: "egress", Protocol: "ICMP", CidrBlock: "172.16.0.0/16"})
	}, result: passes, fate: answered},
	{name: "the target's advanced group needs no egress for replies", source: srcRules, change: func(w *world.World) { w.VPCs[1].SecurityGroups[0].Type = "enterprise" },
		result: passes, fate: answered},
	{name: "members of an isolated group", source: srcIsolated, change: func(w *world.World) { w.VPCs[0].SecurityGroups[0].Isolated = true },
		packet: ping("i-a", "i-a2"), result: blocks, at: at(reachability.LayerIngress, initiator, out, "sg-a", "Add an ingress rule to security group sg-a"), fate: lost},
	{name: "a rule opens an isolated group", source: srcIsolated, change: func(w *world.World) {
		w.VPCs[0].SecurityGroups[0].Isolated = true
		addRule(w, 0, world.Rule{ID: "sgr-own", Direction: "ingress", Protocol: "ICMP", GroupID: "sg-a", Priority: 100})
	}, packet: ping("i-a", "i-a2"), result: passes, fate: answered},
	{name: "a drop of the lowest priority comes before what members may", source: srcIsolated, change: func(w *world.World) {
		addRule(w, 0, world.Rule{ID: "sgr-drop", Direction: "ingress", Protocol: "ALL", Policy: "drop", Priority: 100, CidrBlock: "192.168.0.0/16"})
	}, packet: ping("i-a", "i-a2"), result: blocks, at: at(reachability.LayerIngress, initiator, out, "sgr-drop", "Delete ingress rule sgr-drop"), fate: lost},
	{name: "members of an advanced group", source: srcGroups, change: func(w *world.World) {
		w.VPCs[0].SecurityGroups[0].Type = "enterprise"
		addRule(w, 0, world.Rule{ID: "sgr-out", Direction: "egress", Protocol: "ALL", CidrBlock: "0.0.0.0/0"})
	}, packet: ping("i-a", "i-a2"), result: blocks, at: at(reachability.LayerIngress, initiator, out, "sg-a", "Add an ingress rule"), fate: lost},
	{name: "a rule for some source ports is not about others", source: srcQuintet, change: func(w *world.World) {
		rulesOf(w, 1, world.Rule{ID: "sgr-quint", Direction: "ingress", Protocol: "TCP", PortRange: "5432/5432", SourcePorts: "1/1024", CidrBlock: "192.168.0.0/16"})
	}, packet: sql("i-a", "i-b"), result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule"), fate: lost},
	{name: "a rule for another address of the group's own side", source: srcQuintet, change: func(w *world.World) {
		rulesOf(w, 1, world.Rule{ID: "sgr-quint", Direction: "ingress", Protocol: "ICMP", OwnBlock: "172.16.2.0/24", CidrBlock: "192.168.0.0/16"})
	}, result: blocks, at: at(reachability.LayerIngress, acceptor, out, "sg-b", "Add an ingress rule"), fate: lost},

	// Network ACLs.
	{name: "an ACL without rules", source: srcACLEdge, change: func(w *world.World) { acl(w, 0, nil, nil) },
		result: blocks, at: at(reachability.LayerAcl, initiator, out, "nacl", "Add an egress rule to network ACL nacl that accepts ICMP to 172.16.1.10/32."), fate: lost},
	{name: "an ACL that drops pings on the far side", source: srcACL, change: func(w *world.World) {
		acl(w, 1, []world.ACLEntry{{Policy: "drop", Protocol: "icmp", Peer: "192.168.0.0/16"}, everything}, []world.ACLEntry{everything})
	}, result: blocks, at: at(reachability.LayerAcl, acceptor, out, "nacl", "Add an ingress rule to network ACL nacl that accepts ICMP from 192.168.1.10/32 before rule "), fate: lost},
	{name: "of two rules of an ACL the first decides", source: srcACL, change: func(w *world.World) {
		acl(w, 1, []world.ACLEntry{{Policy: "accept", Protocol: "icmp", Peer: "192.168.1.0/24"}, {Policy: "drop", Protocol: "all", Peer: "0.0.0.0/0"}}, []world.ACLEntry{everything})
	}, result: passes, fate: answered},
	{name: "an ACL has no memory: the reply has to be let out", source: srcACL, change: func(w *world.World) { acl(w, 1, []world.ACLEntry{everything}, nil) },
		result: blocks, at: at(reachability.LayerAcl, acceptor, back, "nacl", "Add an egress rule to network ACL nacl that accepts ICMP to 192.168.1.10/32."), fate: lost},
	{name: "an ACL that lets replies to low ports only come back", source: srcACL, change: func(w *world.World) {
		acl(w, 0, []world.ACLEntry{{Policy: "accept", Protocol: "tcp", Port: "1/1024", Peer: "0.0.0.0/0"}}, []world.ACLEntry{everything})
	}, packet: sql("i-a", "i-b"), result: blocks, at: at(reachability.LayerAcl, initiator, back, "nacl", "accepts TCP 32768/60999 from 172.16.1.10/32"), fate: lost},
	{name: "an ACL that lets the clients' ports come back", source: srcACL, change: func(w *world.World) {
		acl(w, 0, []world.ACLEntry{{Policy: "accept", Protocol: "tcp", Port: "32768/61000", Peer: "0.0.0.0/0"}}, []world.ACLEntry{everything})
	}, packet: sql("i-a", "i-b"), result: passes, fate: answered},
	{name: "an ACL that lets a part of the clients' ports come back", source: srcACL, change: func(w *world.World) {
		acl(w, 0, []world.ACLEntry{{Policy: "accept", Protocol: "tcp", Port: "50000/65535", Peer: "0.0.0.0/0"}}, []world.ACLEntry{everything})
	}, packet: sql("i-a", "i-b"), result: unknown, at: at(reachability.LayerAcl, initiator, back, "nacl", "accepts TCP 32768/60999"), fate: lost},
	{name: "an ACL does not filter within its vSwitch", source: srcACLEdge, change: func(w *world.World) {
		acl(w, 0, nil, nil)
		w.VPCs[0].Instances[1].VSwitchID, w.VPCs[0].Instances[1].PrivateIP = "vsw-a", "192.168.1.11"
	}, packet: ping("i-a", "i-a2"), result: passes, fate: answered},
	{name: "an ACL filters between vSwitches of a VPC", source: srcACL, change: func(w *world.World) { acl(w, 0, nil, []world.ACLEntry{everything}) },
		packet: ping("i-a", "i-a2"), result: blocks, at: at(reachability.LayerAcl, initiator, back, "nacl", "Add an ingress rule"), fate: lost},

	// Instances.
	{name: "the target is stopped", source: srcInstance, change: func(w *world.World) { w.VPCs[1].Instances[0].Status = "Stopped" },
		result: blocks, at: at(reachability.LayerInstance, acceptor, out, "i-b", "Start instance i-b."), fate: lost},
	{name: "the sender is stopped", source: srcInstance, change: func(w *world.World) { w.VPCs[0].Instances[0].Status = "Stopped" },
		result: blocks, at: at(reachability.LayerInstance, initiator, out, "i-a", "Start instance i-a."), fate: lost},
	{name: "the target is gone", source: srcInstance, change: func(w *world.World) { w.VPCs[1].Instances = nil },
		result: blocks, at: at(reachability.LayerInstance, "", out, "i-b", "Name an instance that exists."), fate: lost},
	{name: "an address in no vSwitch", source: srcTables, packet: reachability.Packet{From: "i-a", Address: address("172.16.77.1"), Protocol: "ICMP"},
		result: blocks, at: at(reachability.LayerInstance, acceptor, out, vpcB, "Name an address that is in use."), fate: lost},
	{name: "an address of the peer's vSwitch that no instance has", source: srcTables, packet: reachability.Packet{From: "i-a", Address: address("172.16.1.99"), Protocol: "ICMP"},
		result: unknown, at: at(reachability.LayerInstance, acceptor, out, "", ""), fate: lost},
	{name: "an instance by its address", source: srcTables, packet: reachability.Packet{From: "i-a", Address: address("172.16.1.10"), Protocol: "ICMP"}, result: passes, fate: answered},
	{name: "an address that both VPCs have stays at home", source: srcTables, change: func(w *world.World) {
		w.VPCs[0].SecondaryBlocks = []string{"172.16.0.0/16"}
		w.VPCs[0].VSwitches = append(w.VPCs[0].VSwitches, world.VSwitch{ID: "vsw-same", Zone: "cn-qingdao-b", CidrBlock: "172.16.1.0/24"})
	}, result: blocks, at: at(reachability.LayerRoute, initiator, out, "vsw-same", "Use an address outside 172.16.1.0/24, which both VPCs have."), fate: lost},

	// What no API reports: the analysis cannot see it, and says that it passes.
	{name: "a container bridge over the peer's block", source: srcFAQ, change: func(w *world.World) {
		w.VPCs[0].Instances[0].Guest.Routes = []world.GuestRoute{{Destination: "172.16.0.0/12", Device: "docker0"}}
	}, result: passes, fate: dataplane.Unreachable},
	{name: "a firewall inside the target", source: srcFAQ, change: func(w *world.World) { w.VPCs[1].Instances[0].Guest.DropICMP = true }, result: passes, fate: lost},
}

func TestWorkedWorlds(t *testing.T) {
	t.Parallel()
	for _, c := range worked {
		for _, kind := range []interconnect.Type{ec, peer} {
			if c.kind != "" && c.kind != kind {
				continue
			}
			t.Run(string(kind)+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				require.NotEmpty(t, c.source)
				w := connected(kind)
				if c.change != nil {
					c.change(w)
				}
				s := stage(t, w)
				k := c.packet
				if k.From == "" {
					k = ping("i-a", "i-b")
				}
				path := reachability.Analyze(s.picture, k)
				require.Equal(t, c.result, path.Result, "%+v", path.Hops)
				judged := path.Stop()
				if c.result == unknown {
					judged = path.Doubt()
				}
				if c.result == passes {
					require.Nil(t, judged)
				} else {
					require.NotNil(t, judged)
					require.Equal(t, [...]any{c.at.Layer, c.at.Side, c.at.Way, c.at.Resource}, [...]any{judged.Layer, judged.Side, judged.Way, judged.Resource}, "%+v", *judged)
					require.Contains(t, judged.Mend, c.at.Mend)
					require.NotEmpty(t, judged.Sentence)
				}
				v := dataplane.Deliver(s.topology, packetOf(s, k))
				require.Equal(t, c.fate, v.Fate, "%s: %v", v.Where, v.Hops)
				if c.result == blocks {
					require.Equal(t, c.at.Way == back, v.Back, v.Where)
				}
			})
		}
	}
}
