package reachability_test

import (
	"net/netip"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/reachability"
)

// Short names, so that a row of a table fits on a line or two.
const (
	ec        = interconnect.TypeExpressConnect
	peer      = interconnect.TypeVpcPeering
	initiator = interconnect.Initiator
	acceptor  = interconnect.Acceptor
	out       = reachability.Out
	back      = reachability.Back
	passes    = reachability.Passes
	blocks    = reachability.Blocks
	unknown   = reachability.Unknown
	answered  = dataplane.Answered
	lost      = dataplane.Lost
)

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

func at(l reachability.Layer, side interconnect.Role, way reachability.Way, id, mend string) reachability.Hop {
	return reachability.Hop{Layer: l, Side: side, Way: way, Resource: id, Mend: mend}
}

func ping(from, to string) reachability.Packet {
	return reachability.Packet{From: from, To: to, Protocol: "ICMP"}
}

func sql(from, to string) reachability.Packet {
	return reachability.Packet{From: from, To: to, Protocol: "TCP", Port: 5432}
}

// packetOf is an analysis's packet as the data plane is asked about it.
func packetOf(s *scene, k reachability.Packet) dataplane.Packet {
	p := dataplane.Packet{From: k.From, To: k.Address, Protocol: k.Protocol, Port: k.Port}
	for _, i := range s.topology.Instances {
		if i.ID == k.To {
			p.To = i.PrivateIP
		}
	}
	if !p.To.IsValid() { // of an instance that is gone: the address it had
		p.To = address("172.16.1.10")
	}
	return p
}

// The changes that worked worlds are made of. side is 0 for the initiator's
// VPC, 1 for the acceptor's.

func system(w *world.World, side int) *world.RouteTable { return &w.VPCs[side].RouteTables[0] }

func route(w *world.World, side int, id, to, hopType, hop string) {
	t := system(w, side)
	t.Routes = append(t.Routes, world.Route{ID: id, Destination: to, NextHops: []world.NextHop{{Type: hopType, ID: hop}}})
}

func ownTable(w *world.World, id string, routes ...world.Route) {
	w.VPCs[0].RouteTables = append(w.VPCs[0].RouteTables, world.RouteTable{ID: id, Routes: routes})
}

// third adds a VPC that is joined with both others.
func third(w *world.World) {
	w.VPCs = append(w.VPCs, world.VPC{ID: vpcC, Region: regionB, CidrBlock: "10.0.0.0/8", RouterID: "vrt-c"})
	w.RouterInterfaces = append(w.RouterInterfaces,
		world.RouterInterface{ID: "ri-ac", VpcID: vpcA, Role: "InitiatingSide", Spec: "Mini.2", Opposite: &world.Opposite{ID: "ri-ca"}},
		world.RouterInterface{ID: "ri-ca", VpcID: vpcC, Role: "AcceptingSide", Spec: "Negative", Opposite: &world.Opposite{ID: "ri-ac"}})
	w.PeerConnections = append(w.PeerConnections, world.PeerConnection{ID: "pcc-bc", VpcID: vpcB, AcceptingVpcID: vpcC})
}

func in(protocol, block string) world.Rule {
	return world.Rule{ID: "sgr-in", Direction: "ingress", Protocol: protocol, CidrBlock: block}
}

func rulesOf(w *world.World, side int, rules ...world.Rule) {
	w.VPCs[side].SecurityGroups[0].Rules = rules
}

func addRule(w *world.World, side int, r world.Rule) {
	g := &w.VPCs[side].SecurityGroups[0]
	g.Rules = append(g.Rules, r)
}

var everything = world.ACLEntry{Policy: "accept", Protocol: "all", Peer: "0.0.0.0/0"}

// acl binds a network ACL to a side's first vSwitch.
func acl(w *world.World, side int, ingress, egress []world.ACLEntry) {
	w.VPCs[side].NetworkACLs = []world.NetworkACL{{ID: "nacl", Ingress: ingress, Egress: egress}}
	w.VPCs[side].VSwitches[0].NetworkACLID = "nacl"
}
