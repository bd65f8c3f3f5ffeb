package dataplane

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// Packet is what an instance sends: an echo request, or the first packet of a
// TCP connection.
type Packet struct {
	From     string // id of the instance that sends it
	To       netip.Addr
	Protocol string // ICMP or TCP
	Port     int    // TCP: the port at the destination
}

// Fate is what becomes of a packet, as its sender learns it.
type Fate int

// The fates. Lost is silence: the sender learns nothing and waits.
const (
	Lost        Fate = iota
	Answered         // an echo reply; an open port
	Refused          // a TCP port on which nothing listens
	Unreachable      // the sender's own guest says that nobody is there
)

func (f Fate) String() string {
	return [...]string{"lost", "answered", "refused", "unreachable"}[f]
}

// Verdict is a packet's fate and the way there.
type Verdict struct {
	Fate  Fate
	Where string        // what decided: the rule, the route, the interface, ... that stopped it; "" if answered
	Back  bool          // the request arrived; it was the answer that was stopped
	Hops  []string      // what it passed, in order, the answer's way included
	RTT   time.Duration // there and back, without jitter; 0 unless something came back
	By    netip.Addr    // Unreachable: the address that says so
}

// flow is a packet with all that the world's tables are asked about.
type flow struct {
	protocol         string
	source, target   netip.Addr
	sport, dport     int // 0 for ICMP
	sender, receiver *engine.Instance
}

// back is the answer's flow.
func (f flow) back() flow {
	return flow{f.protocol, f.target, f.source, f.dport, f.sport, f.receiver, f.sender}
}

// ephemeralPort is what clients' ports look like: Linux picks from 32768 up.
const ephemeralPort = 40000

// stop is why a packet goes no further.
type stop struct {
	where string
	fate  Fate
	by    netip.Addr
}

func lost(format string, args ...any) *stop { return &stop{where: fmt.Sprintf(format, args...)} }

// Deliver decides about a packet. It reads the topology only, and gives the
// same answer for the same one.
func Deliver(t *engine.Topology, p Packet) Verdict {
	w := world{t}
	sender := w.instance(p.From)
	if sender == nil || sender.Status != engine.InstanceRunning {
		return Verdict{Where: "instance " + p.From + " is not running"}
	}
	f := flow{protocol: p.Protocol, source: sender.PrivateIP, target: p.To.Unmap(), sender: sender}
	if p.Protocol == "TCP" {
		f.sport, f.dport = ephemeralPort, p.Port
	}
	v := Verdict{}
	if f.target == sender.PrivateIP || f.target.IsLoopback() {
		f.receiver = sender
		return w.receive(f, &v)
	}
	if s := w.leaveGuest(f, &v); s != nil {
		return v.stopped(s)
	}
	// Who has the target's address is looked up first, for a rule may name its
	// group; that nobody has it is reported after the rules have let it out.
	var nobody *stop
	f.receiver, nobody = w.carry(f, &v)
	if s := w.groups(sender, true, f); s != nil {
		v.Hops = v.Hops[:1]
		return v.stopped(s)
	}
	if nobody != nil {
		return v.stopped(nobody)
	}
	if s := w.groups(f.receiver, false, f); s != nil {
		return v.stopped(s)
	}
	return w.receive(f, &v)
}

func (v *Verdict) stopped(s *stop) Verdict {
	v.Fate, v.Where, v.By = s.fate, s.where, s.by
	return *v
}

func (v *Verdict) pass(format string, args ...any) {
	v.Hops = append(v.Hops, fmt.Sprintf(format, args...))
}

// receive is what the destination's guest does with the packet, and the way of
// its answer back. Security groups are stateful: they let an answer pass.
func (w world) receive(f flow, v *Verdict) Verdict {
	guest := f.receiver.Guest
	switch {
	case f.sender == f.receiver: // over the loopback, which firewalls let pass
	case f.protocol == "ICMP" && guest.DropICMP:
		return v.stopped(lost("the firewall inside %s drops pings", f.receiver.ID))
	case f.protocol == "TCP" && slices.ContainsFunc(guest.DropTCP, func(r engine.PortRange) bool { return r.Has(f.dport) }):
		return v.stopped(lost("the firewall inside %s drops TCP %d", f.receiver.ID, f.dport))
	}
	v.pass("instance %s", f.receiver.ID)
	if f.sender != f.receiver {
		v.Back = true
		answer := f.back()
		if s := w.leaveGuest(answer, v); s != nil {
			s.fate = Lost // it is not the sender who hears of it
			return v.stopped(s)
		}
		if _, s := w.carry(answer, v); s != nil {
			s.fate = Lost
			return v.stopped(s)
		}
		v.pass("instance %s", f.sender.ID)
		v.Back = false
		v.RTT = 2 * OneWay(f.sender.RegionID, f.receiver.RegionID)
	}
	v.Fate = Answered
	if f.protocol == "TCP" && !slices.Contains(guest.ListenTCP, f.dport) {
		v.Fate, v.Where = Refused, fmt.Sprintf("nothing listens on TCP %d in %s", f.dport, f.receiver.ID)
	}
	return *v
}

// leaveGuest looks the destination up in the guest's own routes: what a
// container bridge or another route of its own covers does not leave.
func (w world) leaveGuest(f flow, v *Verdict) *stop {
	best := w.vSwitch(f.sender.VSwitchID).Block.Bits()
	if !w.vSwitch(f.sender.VSwitchID).Block.Contains(f.target) {
		best = 0
	}
	var bridge *engine.GuestRoute
	for n, r := range f.sender.Guest.Routes {
		if r.Destination.Contains(f.target) && r.Destination.Bits() > best {
			bridge, best = &f.sender.Guest.Routes[n], r.Destination.Bits()
		}
	}
	if bridge == nil {
		v.pass("instance %s", f.sender.ID)
		return nil
	}
	return &stop{
		where: fmt.Sprintf("a route inside %s sends %s to %s (%s)", f.sender.ID, f.target, bridge.Device, bridge.Destination),
		fate:  Unreachable, by: bridge.Destination.Masked().Addr().Next(),
	}
}
