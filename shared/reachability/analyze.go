package reachability

import (
	"fmt"
	"net/netip"
	"slices"

	"vpcinterconnect/shared/interconnect"
)

// The protocols that packets have.
const (
	icmp = "ICMP"
	tcp  = "TCP"
	udp  = "UDP"
)

// end is one end of an exchange: an instance, or an address of which no
// instance is known.
type end struct {
	role     interconnect.Role
	side     *Side
	address  netip.Addr
	instance *interconnect.Instance // nil: none is known
	vSwitch  *interconnect.VSwitch  // nil: none is known
}

// analysis follows one packet, and then its reply.
type analysis struct {
	picture *Picture
	packet  Packet
	from    end
	to      end
	path    *Path
}

// Analyze follows a packet and its reply through a Picture. Security groups
// remember what they let pass, so they are asked about the packet only; network
// ACLs and routes are asked about both.
func Analyze(p *Picture, k Packet) Path {
	path := Path{Packet: k}
	a := &analysis{picture: p, packet: k, path: &path}
	if a.ends() {
		a.follow()
	}
	path.Result = Passes
	for _, h := range path.Hops {
		switch {
		case h.State == Blocks:
			path.Result = Blocks
		case h.State == Unknown && path.Result == Passes:
			path.Result = Unknown
		}
	}
	return path
}

// ends finds out who talks to whom. false: there is nothing to follow.
func (a *analysis) ends() bool {
	found := false
	if a.from, found = a.find(a.packet.From); !found {
		a.absent(a.packet.From)
		return false
	}
	if a.packet.To != "" {
		if a.to, found = a.find(a.packet.To); !found {
			a.absent(a.packet.To)
			return false
		}
	} else {
		a.to = a.at(a.packet.Address)
	}
	for _, e := range []*end{&a.from, &a.to} {
		if !e.address.IsValid() {
			a.add(Hop{
				Layer: LayerInstance, Side: e.role, Way: Out, State: Blocks, Resource: e.instance.ID,
				Sentence: fmt.Sprintf("Instance %s has no private address yet.", e.instance.ID),
				Mend:     fmt.Sprintf("Wait until instance %s has been made, and start it if it does not run.", e.instance.ID),
			})
			return false
		}
	}
	return true
}

// find looks an instance up by its id, on both sides.
func (a *analysis) find(id string) (end, bool) {
	for _, role := range interconnect.Roles {
		s := a.picture.Side(role)
		for n := range s.Instances {
			if i := &s.Instances[n]; i.ID == id {
				return end{role: role, side: s, address: i.PrivateIP.Unmap(), instance: i, vSwitch: s.vSwitch(i.VSwitchID)}, true
			}
		}
	}
	return end{}, false
}

// absent says that an instance is on neither side, unless not all was read.
func (a *analysis) absent(id string) {
	h := Hop{
		Layer: LayerInstance, Way: Out, State: Blocks, Resource: id,
		Sentence: fmt.Sprintf("There is no instance %s in either VPC.", id),
		Mend:     "Name an instance that exists.",
	}
	for _, role := range interconnect.Roles {
		if why, ok := a.picture.Side(role).Unread[UnreadInstances]; ok {
			h.State, h.Side, h.Mend = Unknown, role, ""
			h.Sentence = fmt.Sprintf("Of instance %s nothing is known, for the instances of the %s's VPC could not be read: %s.", id, role, why)
		}
	}
	a.add(h)
}

// at finds out whose an address is, as seen from the sender: its own VPC's
// vSwitches come first, since their routes do.
func (a *analysis) at(address netip.Addr) end {
	address = address.Unmap()
	roles := []interconnect.Role{a.from.role, a.from.role.Other()}
	for _, role := range roles {
		s := a.picture.Side(role)
		for n := range s.VSwitches {
			v := &s.VSwitches[n]
			if !v.CidrBlock.Contains(address) {
				continue
			}
			e := end{role: role, side: s, address: address, vSwitch: v}
			for m := range s.Instances {
				if i := &s.Instances[m]; i.VSwitchID == v.ID && i.PrivateIP.Unmap() == address {
					e.instance = i
				}
			}
			return e
		}
	}
	for _, role := range roles {
		if block := a.picture.Side(role).block(address); block.IsValid() {
			return end{role: role, side: a.picture.Side(role), address: address}
		}
	}
	return end{role: a.from.role.Other(), side: a.picture.Side(a.from.role.Other()), address: address}
}

func (a *analysis) add(h ...Hop) { a.path.Hops = append(a.path.Hops, h...) }

// flow is a packet or its reply, as rules see it.
type flow struct {
	protocol    string
	source      end
	target      end
	sourcePorts ports
	targetPorts ports
	way         Way
}

// follow asks layer by layer.
func (a *analysis) follow() {
	out := flow{protocol: a.packet.Protocol, source: a.from, target: a.to, sourcePorts: everyPort, targetPorts: everyPort, way: Out}
	if a.packet.Protocol != icmp {
		out.sourcePorts, out.targetPorts = clientPorts, ports{a.packet.Port, a.packet.Port}
	}
	back := flow{protocol: out.protocol, source: a.to, target: a.from, sourcePorts: out.targetPorts, targetPorts: out.sourcePorts, way: Back}

	a.add(running(a.from))
	if a.from.instance == a.to.instance {
		return // over its own loopback
	}
	a.add(a.groupHop(interconnect.Egress, out))
	a.carry(out)
	if a.to.instance == nil {
		a.add(a.nobody())
		if a.to.vSwitch == nil {
			return // nor is it known what its answer would meet
		}
	} else {
		a.add(a.groupHop(interconnect.Ingress, out), running(a.to))
	}
	a.carry(back)
}

// carry asks what lies between two ends: the ACL of the source's vSwitch, its
// route table, what joins the VPCs, the ACL of the target's vSwitch.
func (a *analysis) carry(f flow) {
	neighbours := f.source.vSwitch != nil && f.target.vSwitch != nil && f.source.vSwitch.ID == f.target.vSwitch.ID
	if neighbours {
		return // within a vSwitch neither ACLs nor routes are asked
	}
	a.add(aclHop(interconnect.Egress, f)...)
	a.add(a.routed(f)...)
	a.add(aclHop(interconnect.Ingress, f)...)
}

// running is the hop of an instance itself.
func running(e end) Hop {
	h := Hop{Layer: LayerInstance, Side: e.role, Way: Out, State: Passes, Resource: e.instance.ID, Sentence: fmt.Sprintf("Instance %s runs.", e.instance.ID)}
	if !e.instance.Running {
		h.State = Blocks
		h.Sentence = fmt.Sprintf("Instance %s of the %s's VPC does not run.", e.instance.ID, e.role)
		h.Mend = fmt.Sprintf("Start instance %s.", e.instance.ID)
	}
	return h
}

// nobody is the hop of an address that no instance has.
func (a *analysis) nobody() Hop {
	e := a.to
	h := Hop{Layer: LayerInstance, Side: e.role, Way: Out, State: Unknown, Sentence: fmt.Sprintf("No instance of the %s's VPC has the address %s; whether something else answers there is not known.", e.role, e.address)}
	_, partial := e.side.Unread[UnreadVSwitches]
	switch {
	case e.vSwitch == nil && partial:
		h.Sentence = fmt.Sprintf("Whose the address %s is is not known, for the vSwitches of the %s's VPC could not be read.", e.address, e.role)
	case e.vSwitch == nil:
		h.State, h.Resource = Blocks, e.side.VPC.ID
		h.Sentence = fmt.Sprintf("The address %s is in no vSwitch of %s.", e.address, e.side.VPC.ID)
		h.Mend = "Name an address that is in use."
	}
	return h
}

// vSwitch returns a vSwitch of the side by its id, or nil.
func (s *Side) vSwitch(id string) *interconnect.VSwitch {
	if n := slices.IndexFunc(s.VSwitches, func(v interconnect.VSwitch) bool { return v.ID == id }); n >= 0 {
		return &s.VSwitches[n]
	}
	return nil
}

// block returns the VPC's block that holds an address; not valid if none does.
func (s *Side) block(address netip.Addr) netip.Prefix {
	if !s.VPC.CidrBlock.IsValid() {
		return netip.Prefix{}
	}
	for _, b := range s.VPC.Blocks() {
		if b.Contains(address) {
			return b
		}
	}
	return netip.Prefix{}
}
