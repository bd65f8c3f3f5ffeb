package kernel

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vpcinterconnect/shared/localcloud/engine"
)

// line is a wire that is laid: a tun device in each of two vRouters'
// namespaces, and this process between them, which hands packets on when the
// way between the regions is over. (tc's netem would do the same; many kernels
// are built without it.) The devices go with the process, however it ends. What
// it carries is some hundred Mb/s: a specification above that gets no more.
type line struct {
	device string
	ends   [2]*os.File
	done   sync.WaitGroup
}

// underWay is how many packets a line holds in each direction; what comes on
// top is lost, as it is in a router whose buffer is full.
const underWay = 4096

// lay makes a wire's devices and begins to carry. namespaces are those of the
// wire's ends.
func lay(w wire, namespaces [2]string, instant bool) (*line, error) {
	l := &line{device: w.device}
	for n, name := range namespaces {
		if err := inside(name, func() (err error) {
			if l.ends[n], err = openTun(w.device); err != nil {
				return err
			}
			if err := ip([]string{fmt.Sprintf("link set dev %s mtu %d up", w.device, engine.DefaultMTU)}); err != nil {
				return err
			}
			return l.shape(w.mbps)
		}); err != nil {
			l.cut()
			return nil, fmt.Errorf("wire %s: %w", w.device, err)
		}
	}
	for n := range l.ends {
		var delay time.Duration
		if !instant {
			delay = w.delay
		}
		l.carry(l.ends[n], l.ends[1-n], delay)
	}
	return l, nil
}

// shape holds this thread's end of the line to a bandwidth.
func (l *line) shape(mbps int) error {
	if mbps == 0 {
		return nil
	}
	return tc([]string{shaping(l.device, mbps)})
}

// cut ends the line, and its devices with it.
func (l *line) cut() {
	for _, f := range l.ends {
		if f != nil {
			_ = f.Close() // what is under way is lost, as it should be
		}
	}
	l.done.Wait()
}

// tunPath is where tun devices are made.
const tunPath = "/dev/net/tun"

// openTun makes a tun device in the thread's namespace.
func openTun(device string) (*os.File, error) {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tunPath, err)
	}
	request, err := unix.NewIfreq(device)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
		// A process that is just being started has all files of ours open for a
		// moment, and may so keep the device of a line that was cut.
		for n := 0; n < 500 && errors.Is(err, unix.EBUSY); n++ {
			time.Sleep(2 * time.Millisecond)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
		}
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("tun device %s: %w", device, err)
	}
	// Only now can Go's poller wait for it: a tun without a device is always ready.
	return os.NewFile(uintptr(fd), device), nil
}

// packet is one that is under way.
type packet struct {
	bytes []byte
	due   time.Time
}

// carry hands on what comes out of one end to the other, delay later.
func (l *line) carry(from, to *os.File, delay time.Duration) {
	way := make(chan packet, underWay)
	l.done.Add(2)
	go func() {
		defer l.done.Done()
		defer close(way)
		buffer := make([]byte, 1<<16)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return // the end is closed, or its namespace is gone
			}
			p := packet{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}
			select {
			case way <- p:
			default:
			}
		}
	}()
	go func() {
		defer l.done.Done()
		closed := false
		for p := range way {
			if closed {
				continue
			}
			// Go's own timers may be a millisecond late.
			if wait := unix.NsecToTimespec(int64(time.Until(p.due))); wait.Nano() > 0 {
				_ = unix.Nanosleep(&wait, nil) // a signal may cut it short
			}
			// A device that is down, or full, loses a packet; one that is closed ends.
			_, err := to.Write(p.bytes)
			closed = errors.Is(err, os.ErrClosed)
		}
	}()
}
