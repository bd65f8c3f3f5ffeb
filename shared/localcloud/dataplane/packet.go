package dataplane

import (
	"cmp"
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
	Size     int    // ICMP: bytes, headers included; 0: 84, as ping sends
}

// Fate is what becomes of a packet, as its sender learns it.
type Fate int

// The fates. Lost is silence: the sender learns nothing and waits.
const (
	Lost        Fate = iota
	Answered         // an echo reply; an open port
	Refused          // a TCP port on which nothing listens
	Unreachable      // the sender's own guest says that nobody is there
	NoRoute          // the sender's own guest knows no way there
)

func (f Fate) String() string {
	return [...]string{"lost", "answered", "refused", "unreachable", "no route"}[f]
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
	size             int // bytes
	sender, receiver *engine.Instance
}

// back is the answer's flow.
func (f flow) back() flow {
	return flow{f.protocol, f.target, f.source, f.dport, f.sport, f.size, f.receiver, f.sender}
}

// ephemeralPort is what clients' ports look like: Linux picks from 32768 up.
const ephemeralPort = 40000

// Sizes of packets: what ping sends unless told otherwise, and the first of a
// TCP connection.
const (
	pingSize = 84
	synSize  = 60
)

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
	f := flow{protocol: p.Protocol, source: sender.PrivateIP, target: p.To.Unmap(), sender: sender, size: cmp.Or(p.Size, pingSize)}
	if p.Protocol == "TCP" {
		f.sport, f.dport, f.size = ephemeralPort, p.Port, synSize
	}
	v := Verdict{}
	if f.target == sender.PrivateIP || f.target.IsLoopback() {
		f.receiver = sender
		return w.receive(f, &v)
	}
	if s := w.leaveGuest(f, &v); s != nil {
		return v.stopped(s)
	}
	if s := w.groups(sender, true, f); s != nil {
		return v.stopped(s)
	}
	var s *stop
	if f.receiver, s = w.carry(f, &v); s != nil {
		return v.stopped(s)
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
	answer := f.back()
	_, otherWay := w.device(answer)
	switch {
	case f.sender == f.receiver: // over the loopback, which firewalls let pass
	case guest.InterfaceDown:
		return v.stopped(lost("the network interface of %s is down", f.receiver.ID))
	case tooLarge(f):
		return v.stopped(lost("the network interface of %s takes %d bytes", f.receiver.ID, mtu(f.receiver)))
	case otherWay && guest.ReversePath == engine.ReversePathStrict:
		return v.stopped(lost("%s drops what it would answer another way", f.receiver.ID))
	case f.protocol == "ICMP" && guest.DropICMP:
		return v.stopped(lost("the firewall inside %s drops pings", f.receiver.ID))
	case f.protocol == "TCP" && slices.ContainsFunc(guest.DropTCP, func(r engine.PortRange) bool { return r.Has(f.dport) }):
		return v.stopped(lost("the firewall inside %s drops TCP %d", f.receiver.ID, f.dport))
	}
	v.pass("instance %s", f.receiver.ID)
	if f.sender != f.receiver {
		v.Back = true
		if s := w.leaveGuest(answer, v); s != nil {
			s.fate = Lost // it is not the sender who hears of it
			return v.stopped(s)
		}
		if _, s := w.carry(answer, v); s != nil {
			s.fate = Lost
			return v.stopped(s)
		}
		if tooLarge(answer) {
			return v.stopped(lost("the network interface of %s takes %d bytes", f.sender.ID, mtu(f.sender)))
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

// mtu is the largest packet that an instance's interface takes.
func mtu(i *engine.Instance) int { return cmp.Or(i.Guest.MTU, engine.DefaultMTU) }

// tooLarge reports whether a packet is one that the receiver's interface does
// not take: the sender cuts it to its own size, not to the receiver's.
func tooLarge(f flow) bool { return min(f.size, mtu(f.sender)) > mtu(f.receiver) }

// device is the guest's own route, a container bridge's for one, that takes a
// flow before it leaves the guest: false if there is none.
func (w world) device(f flow) (engine.GuestRoute, bool) {
	best := w.vSwitch(f.sender.VSwitchID).Block.Bits()
	if !w.vSwitch(f.sender.VSwitchID).Block.Contains(f.target) {
		best = 0
	}
	var found engine.GuestRoute
	for _, r := range f.sender.Guest.Routes {
		if r.Destination.Contains(f.target) && r.Destination.Bits() > best {
			found, best = r, r.Destination.Bits()
		}
	}
	return found, found.Device != ""
}

// leaveGuest sends a flow out of its sender: what a container bridge or another
// route of the guest's own covers does not leave.
func (w world) leaveGuest(f flow, v *Verdict) *stop {
	if bridge, covers := w.device(f); covers {
		return &stop{
			where: fmt.Sprintf("a route inside %s sends %s to %s (%s)", f.sender.ID, f.target, bridge.Device, bridge.Destination),
			fate:  Unreachable, by: bridge.Destination.Masked().Addr().Next(),
		}
	}
	if f.sender.Guest.InterfaceDown {
		return &stop{where: fmt.Sprintf("the network interface of %s is down", f.sender.ID), fate: NoRoute}
	}
	v.pass("instance %s", f.sender.ID)
	return nil
}
