package interconnect

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"
)

// Verdict is what verification found.
type Verdict struct {
	At       time.Time      `json:"at"`
	Outcome  VerdictOutcome `json:"outcome"`
	Pings    []Ping         `json:"pings,omitempty"`
	Ports    []PortProbe    `json:"ports,omitempty"`    // TCP ports that were connected to
	Stop     *Stop          `json:"stop,omitempty"`     // what keeps packets from passing, where that is known
	Drift    []Drift        `json:"drift,omitempty"`    // how what exists differs from what is wanted, the gravest first
	More     int            `json:"more,omitempty"`     // differences that are left out of Drift for want of room
	Analyzed bool           `json:"analyzed,omitempty"` // nothing could be sent: what is said rests on the analysis alone
	Why      string         `json:"why,omitempty"`      // one or two sentences, unless connected
}

// VerdictOutcome is the verdict in a word.
type VerdictOutcome string

// What verification can find.
const (
	VerdictConnected VerdictOutcome = "connected" // what is to pass passes both ways
	VerdictBlocked   VerdictOutcome = "blocked"   // what is to pass does not
	VerdictOneWay    VerdictOutcome = "one-way"   // one side reaches the other, and is not reached
	VerdictUnproven  VerdictOutcome = "unproven"  // no instance or no Cloud Assistant to ping from
	VerdictIsolated  VerdictOutcome = "isolated"  // after a disconnect: no ping passes, as it should be
)

// Fails tells whether probes were sent and did not pass as they should.
func (o VerdictOutcome) Fails() bool { return o == VerdictBlocked || o == VerdictOneWay }

// Stop is the very thing at which packets stop.
type Stop struct {
	Layer    string `json:"layer"`            // as package reachability names them
	Side     Role   `json:"side"`             // whose it is
	Back     bool   `json:"back,omitempty"`   // it stops the reply
	Resource string `json:"id,omitempty"`     // the rule, route, interface, connection, ACL, table, group or instance
	Mend     string `json:"mend,omitempty"`   // what to change, in one imperative sentence
	Likely   bool   `json:"likely,omitempty"` // what is left when all else was ruled out, not what was seen
}

// Ping is one direction's ping, parsed.
type Ping struct {
	From       Role    `json:"from"`
	InstanceID string  `json:"instance"`
	Source     string  `json:"source"`
	Target     string  `json:"target"`
	Sent       int     `json:"sent"`
	Received   int     `json:"received"`
	LossPct    float64 `json:"loss"`
	MinMs      float64 `json:"min,omitempty"` // round-trip times in milliseconds; 0 if nothing was received
	AvgMs      float64 `json:"avg,omitempty"`
	MaxMs      float64 `json:"max,omitempty"`
	Error      string  `json:"error,omitempty"` // Cloud Assistant's error, if the command did not run
}

// PortProbe is one TCP connect from a side's probe to a port of the other's.
type PortProbe struct {
	From   Role     `json:"from"`
	Target string   `json:"target"` // address
	Port   int      `json:"port"`
	Fate   PortFate `json:"fate"`
	Error  string   `json:"error,omitempty"` // of PortUntried: why
}

// PortFate is what became of a connect.
type PortFate string

// The fates of a connect. One that is refused has reached the other side:
// nothing listens there, which is not the network's affair.
const (
	PortOpen        PortFate = "open"
	PortRefused     PortFate = "refused"
	PortFiltered    PortFate = "filtered" // no answer
	PortUnreachable PortFate = "unreachable"
	PortUntried     PortFate = "untried"
)

// Swings is how the verdict of a connection has changed of late, so that one
// that flaps is told of once. It counts checks, not time: how often there is
// one is a setting.
type Swings struct {
	Changes  int       `json:"n"`              // changes of the finding since it was last steady
	Since    time.Time `json:"since"`          // the first of them
	Same     int       `json:"same,omitempty"` // checks in a row, the last ones, that found what the one before did
	Flapping bool      `json:"flapping,omitempty"`
}

// When a connection counts as flapping, and when as steady again.
const (
	FlapAfter   = 4 // changes, each no more than SteadyAfter checks after the last
	SteadyAfter = 5 // checks in a row that find the same
)

// Swung is what a check's verdict means for whoever is told of changes.
type Swung string

// What a check's verdict can mean.
const (
	SwungNot    Swung = ""        // nothing is to be told
	SwungOver   Swung = "changed" // it found something else than the last one
	SwungOften  Swung = "flaps"   // likewise, and so often that it is not told any more until it is steady
	SwungSteady Swung = "steady"  // it flapped, and has been the same for a while
)

// Swing counts a check's verdict: changed says whether it found something else
// than the one before. It returns what to remember, nil for nothing, and what
// to tell.
func (s *Swings) Swing(changed bool, at time.Time) (*Swings, Swung) {
	var n Swings
	if s != nil {
		n = *s
	}
	if !changed {
		if s == nil {
			return nil, SwungNot
		}
		n.Same++
		switch {
		case n.Same < SteadyAfter:
			return &n, SwungNot
		case n.Flapping:
			return nil, SwungSteady
		}
		return nil, SwungNot
	}
	if n.Changes == 0 {
		n.Since = at
	}
	n.Changes++
	n.Same = 0
	switch {
	case n.Flapping:
		return &n, SwungNot
	case n.Changes >= FlapAfter:
		n.Flapping = true
		return &n, SwungOften
	}
	return &n, SwungOver
}

// Finding spells what two verdicts have in common if nothing has changed
// between them: the outcome, where packets stop, and how what exists differs
// from what is wanted. It is short, to be kept, and good for comparing only.
func (v *Verdict) Finding() string {
	text := string(v.Outcome)
	if v.Stop != nil {
		text += fmt.Sprint(" at ", v.Stop.Layer, v.Stop.Side, v.Stop.Resource, v.Stop.Back)
	}
	for _, d := range v.Drift {
		text += fmt.Sprint(", ", d.Kind, d.Side, d.Resource, d.Sentence)
	}
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, text, " and ", v.More)
	return strconv.FormatUint(h.Sum64(), 36)
}

// Mendable tells whether something of this deployment is missing or changed
// that connecting again would mend.
func (v *Verdict) Mendable() bool {
	return slices.ContainsFunc(v.Drift, func(d Drift) bool { return d.mendable() })
}

// Brief is a verdict as it is kept once a newer one is there: what was found,
// without what one would do about it.
func (v Verdict) Brief() Verdict {
	v.Ports, v.Drift, v.More = nil, nil, 0
	if v.Stop != nil {
		s := *v.Stop
		s.Mend = ""
		v.Stop = &s
	}
	return v
}

// MaxDrift is how many differences a verdict spells out.
const MaxDrift = 6

// SetDrift keeps the gravest differences, and counts the others.
func (v *Verdict) SetDrift(all []Drift) {
	n := min(len(all), MaxDrift)
	v.Drift, v.More = all[:n:n], len(all)-n
}
