package reachability

import (
	"net/netip"

	"vpcinterconnect/shared/interconnect"
)

// Probe is one packet, or some of the same, that were really sent from an
// instance of one side to one of the other, and what came of it.
type Probe struct {
	From     interconnect.Role // side of the sender
	Sender   string            // instance
	Target   string            // instance; "" if only the address is known
	Address  netip.Addr        // of the target
	Protocol string            // ICMP or TCP
	Port     int               // TCP: the target's
	Fate     Fate
	Why      string // NotSent: why; else what the probe said, if anything
}

// Fate is what a sender learns of its probe.
type Fate string

// The fates. Refused proves the way there and back: the target's own system
// answers that nothing listens. Some is loss.
const (
	Answered    Fate = "answered"
	Some        Fate = "some"    // of several, not all were answered
	Refused     Fate = "refused" // TCP: the target answers that nothing listens
	Silent      Fate = "silent"  // nothing came back
	Unreachable Fate = "unreachable"
	NotSent     Fate = "not sent" // no instance, no Cloud Assistant, or the command did not run
)

// Got tells whether the fate proves that packets pass both ways.
func (f Fate) Got() bool { return f == Answered || f == Some || f == Refused }

// Look is what was seen inside a guest: where it would send packets for an
// address of the other side.
type Look struct {
	Instance string
	Address  netip.Addr
	Route    GuestRoute
}

// Outcome is a Finding in a word.
type Outcome string

// The outcomes.
const (
	Connected Outcome = "connected" // every probe passes
	OneWay    Outcome = "one way"   // what one side asks is answered, what the other asks is not
	Blocked   Outcome = "blocked"   // probes of both sides fail, or of the only one that has any
	Unproven  Outcome = "unproven"  // nothing could be sent, so that the analysis alone speaks
)

// Finding is one verdict of probes, analyses and looks.
type Finding struct {
	Outcome Outcome `json:"outcome"`
	// At is where it stops: of an analysis, or LayerGuest where the
	// configuration lets everything pass, and probes fail all the same. nil if
	// nothing does, or nobody can tell.
	At *Hop `json:"at,omitempty"`
	// Certain: what At says is what the analysis proves or a look has seen, not
	// merely what is left when all else was ruled out.
	Certain bool `json:"certain,omitempty"`
	// More is what else is in the way, each thing once, to be mended as well; what
	// may be in the way has the state unknown.
	More []Hop  `json:"more,omitempty"`
	Why  string `json:"why,omitempty"` // one or two sentences, unless simply connected
}
