package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
)

// doors are what listens in a guest. A server here takes whatever it is sent,
// to the end, and says nothing.
type doors struct {
	listeners map[int]net.Listener
	callers   sync.WaitGroup
	mu        sync.Mutex
	open      map[net.Conn]bool
	closed    bool
}

// doorsOf are a guest's doors, which has none at first.
func (n *Network) doorsOf(id string) *doors {
	n.aside.Lock()
	defer n.aside.Unlock()
	if n.doors[id] == nil {
		n.doors[id] = &doors{listeners: map[int]net.Listener{}, open: map[net.Conn]bool{}}
	}
	return n.doors[id]
}

// listen makes a guest listen on exactly some ports. The thread is in the
// guest's namespace.
func (d *doors) listen(ports []int) error {
	for port, l := range d.listeners {
		if !slices.Contains(ports, port) {
			_ = l.Close() // nothing to lose
			delete(d.listeners, port)
		}
	}
	for _, port := range ports {
		if d.listeners[port] != nil {
			continue
		}
		// One that is known to be IPv4 needs no look at this machine's name service.
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			return err
		}
		d.listeners[port] = l
		d.callers.Add(1)
		go d.serve(l)
	}
	return nil
}

func (d *doors) serve(l net.Listener) {
	defer d.callers.Done()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		d.callers.Add(1)
		go func() {
			defer d.callers.Done()
			defer func() { _ = c.Close() }()
			if d.hold(c) {
				_, _ = io.Copy(io.Discard, c) // however it ends, it has ended
				d.drop(c)
			}
		}()
	}
}

// hold keeps a connection so that shut closes it; false if that has been.
func (d *doors) hold(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.open[c] = true
	}
	return !d.closed
}

func (d *doors) drop(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, c)
}

// shut closes all of a guest's doors.
func (n *Network) shut(id string) {
	d := n.doors[id]
	if d == nil {
		return
	}
	delete(n.doors, id)
	for _, l := range d.listeners {
		_ = l.Close()
	}
	d.mu.Lock()
	d.closed = true
	for c := range d.open {
		_ = c.Close()
	}
	d.mu.Unlock()
	d.callers.Wait()
}
