package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"vpcinterconnect/shared/localcloud/dataplane"
)

// Deliver sends packets from instances, all at once, and says what has become
// of each, as the data plane's function of that name does of its world. It is
// many times faster than scripts are: its sockets are opened in the instances'
// namespaces, and used from here.
//
// That a neighbour is not there, the kernel says after three seconds: who does
// not wait that long learns that the packet is lost.
func (n *Network) Deliver(packets []dataplane.Packet, wait Patience) ([]dataplane.Fate, error) {
	probes, byInstance := make([]*probe, len(packets)), map[string][]*probe{}
	defer func() {
		for _, p := range probes {
			if p != nil && p.fd >= 0 {
				_ = unix.Close(p.fd) // nothing was left in it
			}
		}
	}()
	n.mu.Lock()
	for k, packet := range packets {
		g := n.now.guests[packet.From]
		if g == nil {
			continue // who does not run sends nothing
		}
		probes[k] = &probe{Packet: packet, source: g.address, fd: -1, id: uint16(k + 1)}
		byInstance[packet.From] = append(byInstance[packet.From], probes[k])
	}
	n.mu.Unlock()
	for from, list := range byInstance {
		if err := inside(n.Namespace(from), func() error {
			for _, p := range list {
				if err := p.open(); err != nil {
					return fmt.Errorf("a socket in %s: %w", from, err)
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	fates := make([]dataplane.Fate, len(packets))
	waiting := probes[:0:0]
	for _, p := range probes {
		if p != nil {
			p.send()
			waiting = append(waiting, p)
		}
	}
	if err := listen(waiting, wait); err != nil {
		return nil, err
	}
	for k, p := range probes {
		if p != nil {
			fates[k] = p.fate
		}
	}
	return fates, nil
}

// listen waits for what comes back to probes.
func listen(probes []*probe, wait Patience) error {
	begun := time.Now()
	quiet := begun
	for {
		var on []unix.PollFd
		var whose []*probe
		missing := false
		for _, p := range probes {
			if !p.over {
				on, whose = append(on, unix.PollFd{Fd: int32(p.fd), Events: p.events()}), append(whose, p)
				missing = missing || wait.Awaited(p.Packet)
			}
		}
		now := time.Now()
		if missing {
			quiet = now
		}
		if len(on) == 0 || missing && now.Sub(begun) > wait.For || !missing && now.Sub(quiet) > wait.After {
			return nil
		}
		if _, err := unix.Poll(on, 5); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for k := range on {
			if on[k].Revents != 0 {
				whose[k].look()
			}
		}
	}
}

// probe is a packet that is sent.
type probe struct {
	dataplane.Packet
	source netip.Addr
	fd     int
	id     uint16         // of an echo request
	fate   dataplane.Fate // so far
	over   bool           // nothing more can come
}

// clientPort is the port that the data plane thinks clients have.
const clientPort = 40000

func (p *probe) events() int16 {
	if p.Protocol == "TCP" {
		return unix.POLLOUT
	}
	return unix.POLLIN
}

// open opens the socket, in the thread's namespace.
func (p *probe) open() (err error) {
	if p.Protocol == "ICMP" {
		p.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		return err
	}
	if p.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		return err
	}
	// Closing resets the connection, so that the port is free at once.
	if err := unix.SetsockoptLinger(p.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.Bind(p.fd, &unix.SockaddrInet4{Addr: p.source.As4(), Port: clientPort})
}

func (p *probe) send() {
	if err := unix.Connect(p.fd, &unix.SockaddrInet4{Addr: p.To.As4(), Port: p.Port}); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		p.failed(err)
		return
	}
	if p.Protocol != "ICMP" {
		return
	}
	size := p.Size
	if size == 0 {
		size = 84 // as ping's
	}
	const ipHeader, icmpHeader = 20, 8
	echo := make([]byte, max(size-ipHeader, icmpHeader))
	echo[0] = 8
	binary.BigEndian.PutUint16(echo[4:], p.id)
	binary.BigEndian.PutUint16(echo[6:], 1)
	var sum uint32
	for k := 0; k+1 < icmpHeader; k += 2 { // the rest is zero
		sum += uint32(echo[k])<<8 | uint32(echo[k+1])
	}
	for sum>>16 > 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(echo[2:], ^uint16(sum))
	if _, err := unix.Write(p.fd, echo); err != nil {
		p.failed(err)
	}
}

func (p *probe) failed(err error) {
	p.over = true
	for code, fate := range map[error]dataplane.Fate{
		unix.ECONNREFUSED: dataplane.Refused, unix.EHOSTUNREACH: dataplane.Unreachable, unix.ENETUNREACH: dataplane.NoRoute,
	} {
		if errors.Is(err, code) {
			p.fate = fate
		}
	}
}

// look takes what the socket has.
func (p *probe) look() {
	if p.Protocol == "TCP" {
		code, err := unix.GetsockoptInt(p.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		switch {
		case err != nil:
			p.failed(err)
		case code != 0:
			p.failed(unix.Errno(code))
		default:
			p.over, p.fate = true, dataplane.Answered
		}
		return
	}
	buffer := make([]byte, 2048)
	for {
		n, err := unix.Read(p.fd, buffer)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			return // there will be more
		}
		if err != nil {
			p.failed(err)
			return
		}
		header := int(buffer[0]&15) * 4
		if n >= header+8 && buffer[header] == 0 && binary.BigEndian.Uint16(buffer[header+4:]) == p.id {
			p.over, p.fate = true, dataplane.Answered
			return
		}
	}
}
