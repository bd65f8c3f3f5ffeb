package kernel

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vpcinterconnect/shared/localcloud/dataplane"
)

// A probe sends one packet from an instance, and learns what comes of it. It is
// many times faster than a script: a socket is opened in the instance's
// namespace, and used from here.
type probe struct {
	dataplane.Packet
	fate   dataplane.Fate // what has come of it so far
	source netip.Addr
	fd     int
	id     uint16
	over   bool
}

// clientPort is the port that the data plane thinks clients have.
const clientPort = 40000

// try sends all probes at once. It waits until each of those that are expected
// to be answered has been, for at most patience, and then for as long as grace,
// for answers that nobody expects.
func (n *Network) try(t testing.TB, probes []*probe, expected func(*probe) bool, patience, grace time.Duration) {
	byInstance := map[string][]*probe{}
	for k, p := range probes {
		p.fd, p.id, p.over, p.fate = -1, uint16(k+1), false, dataplane.Lost
		byInstance[p.From] = append(byInstance[p.From], p)
	}
	for from, list := range byInstance {
		require.NoError(t, inside(n.Namespace(from), func() error {
			for _, p := range list {
				if err := p.open(); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, p := range probes {
		p.send()
	}
	begun := time.Now()
	quiet := begun
	for {
		var waiting []unix.PollFd
		var whose []*probe
		missing := false
		for _, p := range probes {
			if !p.over {
				waiting, whose = append(waiting, unix.PollFd{Fd: int32(p.fd), Events: p.events()}), append(whose, p)
				missing = missing || expected(p)
			}
		}
		now := time.Now()
		if missing {
			quiet = now
		}
		if len(waiting) == 0 || missing && now.Sub(begun) > patience || !missing && now.Sub(quiet) > grace {
			break
		}
		_, err := unix.Poll(waiting, 5)
		if err != nil {
			require.ErrorIs(t, err, unix.EINTR)
		}
		for k := range waiting {
			if waiting[k].Revents != 0 {
				whose[k].look()
			}
		}
	}
	for _, p := range probes {
		if p.fd >= 0 {
			_ = unix.Close(p.fd)
		}
	}
}

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
	if err := unix.Connect(p.fd, &unix.SockaddrInet4{Addr: p.To.As4(), Port: p.Port}); err != nil && err != unix.EINPROGRESS {
		p.failed(err)
		return
	}
	if p.Protocol != "ICMP" {
		return
	}
	echo := make([]byte, 64) // with the IP header 84 bytes, as ping's
	echo[0] = 8
	binary.BigEndian.PutUint16(echo[4:], p.id)
	binary.BigEndian.PutUint16(echo[6:], 1)
	var sum uint32
	for k := 0; k < len(echo); k += 2 {
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
	switch err {
	case unix.ECONNREFUSED:
		p.fate = dataplane.Refused
	case unix.EHOSTUNREACH:
		p.fate = dataplane.Unreachable
	case unix.ENETUNREACH:
		p.fate = dataplane.NoRoute
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
		if err == unix.EAGAIN || err == unix.EINTR {
			return // there will be more, or the rest
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
