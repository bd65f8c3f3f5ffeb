package reachability

import (
	"slices"

	"vpcinterconnect/shared/interconnect"
)

// Layer is a kind of thing that decides about a packet.
type Layer string

// The layers, in the order in which a packet meets them. Peering is what joins
// the two VPCs, whatever its type.
const (
	LayerInstance Layer = "instance" // the sender or the target itself
	LayerEgress   Layer = "security group egress"
	LayerRoute    Layer = "route"
	LayerPeering  Layer = "peering"
	LayerAcl      Layer = "network ACL"
	LayerIngress  Layer = "security group ingress"
	LayerGuest    Layer = "guest" // inside an instance, where no API reaches: in a Finding only
)

// Way says whether a hop is the packet's or its reply's.
type Way string

// The two ways.
const (
	Out  Way = "out"
	Back Way = "back"
)

// State is what a hop, or a whole path, does.
type State string

// The states. Unknown is everything that the Picture does not settle: a part
// that could not be read, an appliance that routes as it likes, a change under
// way.
const (
	Passes  State = "passes"
	Blocks  State = "blocks"
	Unknown State = "unknown"
)

// Hop is what one layer does with the packet.
type Hop struct {
	Layer    Layer             `json:"layer"`
	Side     interconnect.Role `json:"side"` // whose layer it is
	Way      Way               `json:"way"`
	State    State             `json:"state"`
	Resource string            `json:"id,omitempty"`   // what decided: a rule, route entry, interface, connection, ACL, table, group, instance
	Sentence string            `json:"why"`            // what it does and why, in one sentence
	Mend     string            `json:"mend,omitempty"` // unless it passes: the change that mends it, in one imperative sentence; "" if nobody can tell
}

// Path is a packet's way and its reply's: the hops in order. All hops that the
// Picture allows to judge are there, those after one that blocks too, so that
// whoever mends knows all that is to be mended.
type Path struct {
	Packet Packet `json:"-"`
	Hops   []Hop  `json:"hops"`
	Result State  `json:"result"` // Blocks if any hop blocks; else Unknown if any is unknown
}

// Stop returns the first hop that blocks, or nil.
func (p *Path) Stop() *Hop { return p.first(Blocks) }

// Doubt returns the first hop that is unknown, or nil; one that a change would
// make certain comes before one of which nothing is known.
func (p *Path) Doubt() *Hop {
	if i := slices.IndexFunc(p.Hops, func(h Hop) bool { return h.State == Unknown && h.Mend != "" }); i >= 0 {
		return &p.Hops[i]
	}
	return p.first(Unknown)
}

func (p *Path) first(s State) *Hop {
	if i := slices.IndexFunc(p.Hops, func(h Hop) bool { return h.State == s }); i >= 0 {
		return &p.Hops[i]
	}
	return nil
}
