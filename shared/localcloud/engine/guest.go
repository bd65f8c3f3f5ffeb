package engine

import (
	"net/netip"
	"time"
)

// Guest runs a Cloud Assistant script inside an instance: what the script
// prints, how it exits, and how long it takes on the cloud's clock. The data
// plane is one; the Linux kernel, a LiveGuest, is another. Run is called under the engine's
// lock: it must not call the engine.
type Guest interface {
	Run(s Script) Execution
}

// LiveGuest is a Guest whose scripts take the machine's time instead of the
// cloud's. Start returns at once and calls done, from another goroutine, when
// the script has ended; stop kills it, and may come late or twice. Both Start
// and stop are called under the engine's lock.
type LiveGuest interface {
	Guest
	Start(s Script, done func(Execution)) (stop func())
}

// Script is one command on one instance.
type Script struct {
	Topology   *Topology
	InstanceID string
	Content    string // decoded
	Timeout    time.Duration
	Start      time.Time
}

// Execution is what became of a script. One that took as long as its timeout
// was killed by it.
type Execution struct {
	Output   string
	ExitCode int
	Took     time.Duration
}

// GuestFacts is what is true inside an instance, where no API reaches. The zero
// value is a Linux guest without Cloud Assistant and without a firewall.
type GuestFacts struct {
	OS          string       // linux (also "") or windows
	AgentOnline bool         // Cloud Assistant's agent is there and answers
	AgentHangs  bool         // it is online, but takes no command
	DropICMP    bool         // the guest's firewall drops pings
	DropTCP     []PortRange  // and these ports
	ListenTCP   []int        // ports that something listens on
	Routes      []GuestRoute // of the guest's own, beside the one to its vSwitch and the default route

	InterfaceDown bool   // its network interface is down
	MTU           int    // of its network interface, in bytes; 0: DefaultMTU
	ReversePath   string // what it does with a packet whose answer would leave another way
}

// Linux's rp_filter in a guest: one that is strict drops what it could not
// answer by the way by which it came. "" is loose.
const (
	ReversePathStrict = "strict"
	ReversePathLoose  = "loose"
)

// A network interface's largest packet, in bytes: as Ethernet has it, and the
// least that IPv4 can live with.
const (
	DefaultMTU = 1500
	LeastMTU   = 68
)

// GuestRoute is a route inside a guest: a container bridge, for one. What it
// covers does not leave the instance through its network interface.
type GuestRoute struct {
	Destination netip.Prefix
	Device      string // docker0, for one
}
