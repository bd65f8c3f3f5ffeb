package dataplane

import (
	"slices"

	"vpcinterconnect/shared/localcloud/engine"
)

// world looks things up in a topology.
type world struct{ *engine.Topology }

func find[T any](all []T, f func(*T) bool) *T {
	for n := range all {
		if f(&all[n]) {
			return &all[n]
		}
	}
	return nil
}

func (w world) instance(id string) *engine.Instance {
	return find(w.Instances, func(i *engine.Instance) bool { return i.ID == id })
}

// vSwitch returns a vSwitch; of one that is not there, one without a block.
func (w world) vSwitch(id string) *engine.VSwitch {
	if s := find(w.VSwitches, func(s *engine.VSwitch) bool { return s.ID == id }); s != nil {
		return s
	}
	return &engine.VSwitch{}
}

// carry takes a flow from the sender's network interface to the receiver's:
// the sender's network ACL, the route table of its vSwitch, what lies between
// the VPCs, the receiver's network ACL.
func (w world) carry(f flow, v *Verdict) (*engine.Instance, *stop) {
	from := w.vSwitch(f.sender.VSwitchID)
	vpcID := f.sender.VpcID
	if !from.Block.Contains(f.target) {
		if s := w.acl(from, true, f); s != nil {
			return nil, s
		}
	}
	route, s := w.route(from.RouteTableID, f)
	if s != nil {
		return nil, s
	}
	hop := chooseHop(route, f)
	v.pass("route %s in %s to %s %s", route.Destination, route.TableID, hop.Type, hop.ID)
	if hop.Type != "local" {
		cross, known := crossings[hop.Type]
		if !known {
			return nil, lost("the route %s in %s leads to a %s, through which this cloud carries nothing", route.Destination, route.TableID, hop.Type)
		}
		if vpcID, s = cross(w, vpcID, hop.ID, v); s != nil {
			return nil, s
		}
	}
	return w.arrive(vpcID, from, f, v)
}

// settled are the states in which a route entry carries traffic. One that is
// being made does not yet, one that is being deleted no more.
var settled = []string{engine.StatusAvailable, engine.StatusCreated, engine.StatusModifying}

// route is the entry with the longest prefix that covers the target.
func (w world) route(tableID string, f flow) (*engine.RouteEntry, *stop) {
	var best *engine.RouteEntry
	for n := range w.RouteEntries {
		r := &w.RouteEntries[n]
		if r.TableID == tableID && r.Destination.Contains(f.target) && slices.Contains(settled, r.Status) && len(r.NextHops) > 0 &&
			(best == nil || r.Destination.Bits() > best.Destination.Bits()) {
			best = r
		}
	}
	if best == nil {
		return nil, lost("route table %s has no route to %s", tableID, f.target)
	}
	return best, nil
}

// chooseHop picks one of an entry's next hops: with several, by the flow's
// addresses, so that a flow keeps its way.
func chooseHop(r *engine.RouteEntry, f flow) engine.NextHop {
	a, b := f.source.As4(), f.target.As4()
	return r.NextHops[int(a[3]+b[3])%len(r.NextHops)]
}

// crossings are the kinds of next hop that lead into another VPC: each gives
// the VPC in which a packet comes out.
var crossings = map[string]func(w world, vpcID, hopID string, v *Verdict) (string, *stop){
	"RouterInterface": world.routerInterface,
	"VpcPeer":         world.peering,
}

// peering crosses a VPC peering connection, one instance with both VPCs. While
// one is being changed it carries on.
func (w world) peering(vpcID, id string, v *Verdict) (string, *stop) {
	p := find(w.PeerConnections, func(p *engine.PeerConnection) bool { return p.ID == id })
	switch {
	case p == nil || p.VpcID != vpcID && p.AcceptingVpcID != vpcID:
		return "", lost("peering connection %s is not there", id)
	case p.Status != engine.PeerActivated && p.Status != engine.PeerUpdating:
		return "", lost("peering connection %s is %s", id, p.Status)
	case p.BusinessStatus != "Normal":
		return "", lost("peering connection %s is locked: %s", id, p.BusinessStatus)
	}
	v.pass("peering connection %s", id)
	if p.VpcID == vpcID {
		return p.AcceptingVpcID, nil
	}
	return p.VpcID, nil
}

// routerInterface crosses a pair of router interfaces: both Active, neither
// locked, each the other's opposite.
func (w world) routerInterface(vpcID, id string, v *Verdict) (string, *stop) {
	get := func(id string) *engine.RouterInterface {
		return find(w.RouterInterfaces, func(r *engine.RouterInterface) bool { return r.ID == id })
	}
	near := get(id)
	if near == nil || near.VpcID != vpcID {
		return "", lost("router interface %s is not there", id)
	}
	far := get(near.OppositeID)
	if far == nil || far.OppositeID != near.ID {
		return "", lost("router interface %s has no opposite", id)
	}
	for _, r := range []*engine.RouterInterface{near, far} {
		if r.Status != "Active" {
			return "", lost("router interface %s is %s", r.ID, r.Status)
		}
		if r.BusinessStatus != "Normal" {
			return "", lost("router interface %s is locked: %s", r.ID, r.BusinessStatus)
		}
	}
	v.pass("router interfaces %s and %s", near.ID, far.ID)
	return far.VpcID, nil
}

// arrive finds the instance that has the target's address in a VPC. What came
// in from another VPC goes to the VPC's own vSwitches, never on to a third.
func (w world) arrive(vpcID string, from *engine.VSwitch, f flow, v *Verdict) (*engine.Instance, *stop) {
	to := find(w.VSwitches, func(s *engine.VSwitch) bool { return s.VpcID == vpcID && s.Block.Contains(f.target) })
	if to == nil {
		return nil, lost("no vSwitch of %s has %s", vpcID, f.target)
	}
	if to.ID != from.ID {
		if s := w.acl(to, false, f); s != nil {
			return nil, s
		}
	}
	v.pass("vSwitch %s", to.ID)
	i := find(w.Instances, func(i *engine.Instance) bool { return i.VSwitchID == to.ID && i.PrivateIP == f.target })
	switch {
	case i == nil:
		return nil, lost("nobody in vSwitch %s has %s", to.ID, f.target)
	case i.Status != engine.InstanceRunning:
		return nil, lost("instance %s is %s", i.ID, i.Status)
	}
	return i, nil
}
