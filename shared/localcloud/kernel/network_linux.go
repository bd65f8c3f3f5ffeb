package kernel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"vpcinterconnect/shared/localcloud/engine"
)

// Network is one local cloud's network in the kernel. It is the engine's guest
// too: it runs scripts in the instances.
type Network struct {
	options Options
	run     *run

	mu     sync.Mutex // of what follows: one change at a time
	now    plan       // what the kernel holds
	lines  map[string]*line
	doors  map[string]*doors // by instance: what listens in it
	aside  sync.Mutex        // of doors, while several guests change at once
	closed bool

	ctx     context.Context // ends with the network
	cancel  context.CancelFunc
	scripts sync.WaitGroup
	present func() *engine.Topology // nil: nobody is followed
}

// tools are the programs that this package needs, beside bash and ping, which
// scripts do.
var tools = []string{"ip", "tc", "nft"}

// possible says what this machine lacks, as an ErrUnavailable.
func possible() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it needs root", ErrUnavailable)
	}
	for _, t := range tools {
		if _, err := exec.LookPath(t); err != nil {
			return fmt.Errorf("%w: it needs the program %s (Debian: apt-get install iproute2 nftables iputils-ping)", ErrUnavailable, t)
		}
	}
	err := onThread(func() error { return unix.Unshare(unix.CLONE_NEWNET) })
	if err == nil {
		_, err = os.Stat(tunPath)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Open makes an empty network. It sweeps first (see Sweep). Close is needed.
func Open(o Options) (*Network, error) {
	if err := possible(); err != nil {
		return nil, err
	}
	if _, err := Sweep(); err != nil {
		return nil, err
	}
	r, err := claimRun()
	if err != nil {
		return nil, err
	}
	n := &Network{options: o, run: r, now: emptyPlan(), lines: map[string]*line{}, doors: map[string]*doors{}}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := os.Mkdir(r.root(), 0o700); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func emptyPlan() plan {
	return plan{routers: map[string]*router{}, guests: map[string]*guest{}, wires: map[string]*wire{}}
}

// Namespace is the name of a VPC's or an instance's network namespace, for
// "ip netns exec": Prefix, then the id, if that has no characters which a file's
// name may not have.
func (n *Network) Namespace(id string) string { return n.Prefix() + spelt(id) }

// Prefix is what the names of the network's namespaces begin with.
func (n *Network) Prefix() string { return n.run.name + "-" }

// Apply makes the kernel hold what a topology says. Should the kernel not be as
// it was left (a script may have removed its interface), all is made anew.
func (n *Network) Apply(t *engine.Topology) error {
	want := newPlan(t)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return errors.New("the network is closed")
	}
	err := n.change(want)
	if err == nil {
		return nil
	}
	if again := errors.Join(n.clear(), n.change(want)); again != nil {
		return errors.Join(err, again)
	}
	n.warn(fmt.Errorf("the network was made anew: %w", err))
	return nil
}

func (n *Network) warn(err error) {
	if n.options.Warn != nil {
		n.options.Warn(err)
	}
}

// change goes from what is to what is wanted. What has to be made anew is taken
// away first.
func (n *Network) change(want plan) error {
	if rest, changed := n.now.without(want); changed {
		if err := n.step(rest); err != nil {
			return err
		}
	}
	return n.step(want)
}

// step applies a difference: first what is new, then what changes, then what
// goes.
func (n *Network) step(want plan) error {
	for _, f := range []func(plan) error{n.build, n.route, n.furnish, n.demolish} {
		if err := f(want); err != nil {
			return err
		}
	}
	n.now = want
	return nil
}

// each does something about several namespaces, some at a time.
func each(ids []string, f func(id string) error) error {
	var g errgroup.Group
	g.SetLimit(4)
	for _, id := range ids {
		g.Go(func() error { return f(id) })
	}
	return g.Wait()
}

// build makes the namespaces, links and wires that are new.
func (n *Network) build(want plan) error {
	routers, guests := newcomers(n.now.routers, want.routers), newcomers(n.now.guests, want.guests)
	for _, id := range routers {
		n.now.routers[id] = &router{}
	}
	for _, id := range guests {
		n.now.guests[id] = &guest{link: want.guests[id].link}
	}
	if err := each(slices.Concat(routers, guests), func(id string) error { return createNamespace(n.Namespace(id)) }); err != nil {
		return err
	}
	if err := each(routers, func(id string) error {
		return inside(n.Namespace(id), func() error { return set4(forwarding) })
	}); err != nil {
		return err
	}
	links := map[string][]string{}
	for _, id := range guests {
		g := want.guests[id]
		links[g.vpcID] = append(links[g.vpcID],
			fmt.Sprintf("link add %s address %s type veth peer name eth0 address %s netns %s", g.port, g.mac, g.mac, n.Namespace(id)),
			fmt.Sprintf("link set dev %s arp off up", g.port))
	}
	if err := each(sortedKeys(links), func(id string) error {
		return inside(n.Namespace(id), func() error { return ip(links[id]) })
	}); err != nil {
		return err
	}
	for _, id := range sortedKeys(want.wires) {
		w := want.wires[id]
		if n.lines[id] != nil {
			continue
		}
		carried := *w
		if n.options.Instant {
			carried.mbps = 0
		}
		l, err := lay(carried, [2]string{n.Namespace(w.ends[0]), n.Namespace(w.ends[1])}, n.options.Instant)
		if err != nil {
			return err
		}
		n.lines[id] = l
	}
	return nil
}

// forwarding are a vRouter's settings below /proc/sys/net/ipv4.
var forwarding = map[string]string{
	"ip_forward": "1", "conf/all/rp_filter": "0", "conf/default/rp_filter": "0",
	"conf/all/send_redirects": "0", "conf/default/send_redirects": "0",
}

// set4 writes the thread's namespace's settings.
func set4(settings map[string]string) error {
	for _, name := range sortedKeys(settings) {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(settings[name]), 0); err != nil {
			return err
		}
	}
	return nil
}

// route brings the vRouters' routing and filters up to date.
func (n *Network) route(want plan) error {
	return each(sortedKeys(want.routers), func(id string) error {
		is, to := n.now.routers[id], want.routers[id]
		commands := routingDifference(is, to)
		if len(commands) == 0 && is.filter == to.filter {
			return nil
		}
		return inside(n.Namespace(id), func() error {
			if err := ip(commands); err != nil || is.filter == to.filter {
				return err
			}
			return nft(to.filter)
		})
	})
}

// furnish brings the guests' insides up to date.
func (n *Network) furnish(want plan) error {
	if err := each(sortedKeys(want.guests), func(id string) error { return n.furnishOne(id, want.guests[id]) }); err != nil {
		return err
	}
	ports := map[string][]string{} // by VPC: whose guests have come up
	for id, g := range want.guests {
		if g.up && !slices.Equal(n.now.guests[id].eth0, g.eth0) {
			ports[g.vpcID] = append(ports[g.vpcID], g.port)
		}
	}
	return each(sortedKeys(ports), func(vpc string) error {
		return inside(n.Namespace(vpc), func() error { return awaitLinks(ports[vpc]) })
	})
}

func (n *Network) furnishOne(id string, to *guest) error {
	is := n.now.guests[id]
	var commands, links []string
	if !slices.Equal(is.eth0, to.eth0) {
		if is.eth0 == nil {
			commands = append(commands, "link set dev lo up")
		}
		commands = append(commands, to.eth0...)
		if to.up {
			links = []string{"eth0"}
		}
	}
	commands = append(commands, bridgesDifference(is, to)...)
	filtered, set := is.firewall == to.firewall, maps.Equal(is.settings, to.settings)
	if len(commands) == 0 && filtered && set && slices.Equal(is.listen, to.listen) {
		return nil
	}
	return inside(n.Namespace(id), func() error {
		if !set {
			if err := set4(to.settings); err != nil {
				return err
			}
		}
		if err := errors.Join(ip(commands), awaitLinks(links)); err != nil {
			return err
		}
		if !filtered {
			if err := nft(replaced("guest", to.firewall)); err != nil {
				return err
			}
		}
		return n.doorsOf(id).listen(to.listen)
	})
}

// demolish takes away what is no longer wanted.
func (n *Network) demolish(want plan) error {
	for _, id := range newcomers(want.wires, n.lines) {
		n.lines[id].cut()
		delete(n.lines, id)
	}
	for _, id := range newcomers(want.guests, n.now.guests) {
		g := n.now.guests[id]
		n.shut(id)
		// The kernel takes its time over a namespace; the link goes at once.
		if n.now.routers[g.vpcID] != nil {
			if err := inside(n.Namespace(g.vpcID), func() error { return ip([]string{"link del dev " + g.port}) }); err != nil {
				return err
			}
		}
		if err := deleteNamespace(n.Namespace(id)); err != nil {
			return err
		}
	}
	for _, id := range newcomers(want.routers, n.now.routers) {
		if err := deleteNamespace(n.Namespace(id)); err != nil {
			return err
		}
	}
	return nil
}

// clear takes everything away, whatever state it is in.
func (n *Network) clear() error {
	for id, l := range n.lines {
		l.cut()
		delete(n.lines, id)
	}
	for id := range n.doors {
		n.shut(id)
	}
	var errs []error
	for _, id := range slices.Concat(sortedKeys(n.now.guests), sortedKeys(n.now.routers)) {
		errs = append(errs, deleteNamespace(n.Namespace(id)))
	}
	n.now = emptyPlan()
	return errors.Join(errs...)
}

// Follow keeps the kernel in step with an engine until Close: a change shows
// within some tens of milliseconds. Scripts then run when the kernel is as the
// engine is.
func (n *Network) Follow(e *engine.Engine) error {
	n.present = e.Topology
	if err := n.Apply(e.Topology()); err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	e.Watch(func() {
		select {
		case changed <- struct{}{}:
		default: // it is known already
		}
	})
	n.scripts.Add(1)
	go func() {
		defer n.scripts.Done()
		for n.wait(e, changed) {
			if err := n.Apply(e.Topology()); err != nil && n.ctx.Err() == nil {
				n.warn(err)
			}
		}
	}()
	return nil
}

// settleTime gathers changes that come close together.
const settleTime = 5 * time.Millisecond

// wait returns when something may have changed: because somebody called, or
// because time has passed. It is false when the network goes down.
func (n *Network) wait(e *engine.Engine, changed <-chan struct{}) bool {
	due := time.Hour
	if at, ok := e.NextEvent(); ok {
		due = max(time.Until(at), 0)
	}
	select {
	case <-changed:
	case <-time.After(due):
	case <-n.ctx.Done():
		return false
	}
	select {
	case <-time.After(settleTime):
	case <-n.ctx.Done():
		return false
	}
	select {
	case <-changed:
	default:
	}
	return true
}

// Start runs a script in an instance when the kernel is as the engine is.
func (n *Network) Start(s engine.Script, done func(engine.Execution)) (stop func()) {
	ctx, cancel := context.WithCancel(n.ctx)
	n.scripts.Add(1)
	go func() {
		defer n.scripts.Done()
		defer cancel()
		x := n.execute(ctx, s)
		if n.ctx.Err() == nil {
			done(x)
		}
	}()
	return cancel
}

// Run runs a script in an instance and waits for its end.
func (n *Network) Run(s engine.Script) engine.Execution { return n.execute(n.ctx, s) }

func (n *Network) execute(ctx context.Context, s engine.Script) engine.Execution {
	t := s.Topology
	if n.present != nil {
		t = n.present() // newer, if anything
	}
	err := n.Apply(t)
	if err == nil {
		n.mu.Lock()
		g := n.now.guests[s.InstanceID]
		n.mu.Unlock()
		if g == nil {
			return engine.Execution{Output: "localcloud: this instance has no network\n", ExitCode: 1}
		}
		var x engine.Execution
		if x, err = runScript(ctx, n.Namespace(s.InstanceID), n.run.root(), g.hostName, s); err == nil {
			return x
		}
	}
	n.warn(err)
	return engine.Execution{Output: fmt.Sprintf("localcloud: %s\n", err), ExitCode: 1}
}

// Close ends scripts and removes everything from the kernel.
func (n *Network) Close() error {
	n.cancel()
	n.scripts.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	return errors.Join(n.clear(), n.run.release())
}
