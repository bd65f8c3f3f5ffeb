package interconnect

import "time"

// Action is what a chain of messages is to do (README, rule 3).
type Action string

// Connect only adds and repoints. Prune removes what is owned and in no live
// desired state. Verify only looks.
const (
	Connect Action = "connect"
	Prune   Action = "prune"
	Verify  Action = "verify"
)

// Target says down to which desired state a prune removes.
type Target string

// A prune goes down to the newest desired state, or, to roll back a failed
// connect, to the last one that was Connected (none: nothing).
const (
	TargetDesired   Target = ""
	TargetConnected Target = "connected"
)

// Progress is how far a step is with an action.
type Progress string

// A step's progress.
const (
	Waiting Progress = "waiting" // for the cloud; or an attempt failed and another will follow
	Done    Progress = "done"
	Failed  Progress = "failed" // for good
)

// StepStatus is what a step last wrote about itself: the record's entry
// /<prefix>/<id>/<step>.
type StepStatus struct {
	Generation int           `json:"gen"`
	Action     Action        `json:"action"`
	Target     Target        `json:"target,omitempty"`
	Progress   Progress      `json:"progress"`
	Since      time.Time     `json:"since"`              // of this progress
	UpdatedAt  time.Time     `json:"updated"`            // the last sign of life
	Took       time.Duration `json:"took,omitempty"`     // from the action's first message at this step to Done or Failed
	Note       string        `json:"note,omitempty"`     // what it waits for, in words
	Problem    *Problem      `json:"problem,omitempty"`  // of the last attempt that failed
	Cause      *Problem      `json:"cause,omitempty"`    // why this generation's connect failed here, kept while and after it is rolled back
	Resources  []string      `json:"ids,omitempty"`      // ids of what exists for this connection at this step
	Leftovers  []Problem     `json:"left,omitempty"`     // what a prune could not remove
	Verdicts   []Verdict     `json:"verdicts,omitempty"` // verification only: the newest first, at most 20
	Trace      string        `json:"trace,omitempty"`
	Hops       int           `json:"hops,omitempty"` // of what the last run handed on: what has fewer, and the same trace, is its twin
}

// Verdict is what verification found.
type Verdict struct {
	At      time.Time      `json:"at"`
	Outcome VerdictOutcome `json:"outcome"`
	Pings   []Ping         `json:"pings,omitempty"`
	Why     string         `json:"why,omitempty"` // one sentence, unless connected
}

// VerdictOutcome is the verdict in a word.
type VerdictOutcome string

// What verification can find.
const (
	VerdictConnected VerdictOutcome = "connected" // pings pass both ways
	VerdictBlocked   VerdictOutcome = "blocked"   // a ping fails
	VerdictUnproven  VerdictOutcome = "unproven"  // no instance or no Cloud Assistant to ping from
	VerdictIsolated  VerdictOutcome = "isolated"  // after a disconnect: no ping passes, as it should be
)

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

// State is a connection's overall state (README, rule 10), computed on read.
type State string

// The states.
const (
	StatePending        State = "Pending"
	StateConnecting     State = "Connecting"
	StateConnected      State = "Connected"
	StateUnproven       State = "Unproven"
	StateBlocked        State = "Blocked"
	StateFailed         State = "Failed"
	StateDisconnecting  State = "Disconnecting"
	StateDisconnected   State = "Disconnected"
	StateNeedsAttention State = "NeedsAttention"
)

// Record is everything that is stored about one connection.
type Record struct {
	ID            string
	Generation    int         // the request entry's ParameterVersion
	Wanted        Wanted      // the request entry
	UpdatedAt     time.Time   // when this generation was written
	LastConnected *Connection // the last desired state that was Connected; nil if none
	Steps         map[Step]StepStatus
	Sweep         SweepStatus
}

// Wanted is the request entry: what is desired, or that nothing is.
type Wanted struct {
	Connection *Connection `json:"connection,omitempty"` // as last desired; kept after a disconnect so that prune knows where to look
	Disconnect bool        `json:"disconnect,omitempty"` // nothing is desired
	Former     []Place     `json:"former,omitempty"`     // tables and groups of earlier generations that may still hold things of ours
	By         string      `json:"by,omitempty"`         // who asked
	ApprovedBy string      `json:"approvedBy,omitempty"` // who approved it, where the policy wants that
	At         time.Time   `json:"at"`
	Window
}

// Place is a route table or a security group of one side.
type Place struct {
	Role  Role   `json:"role"`
	Table string `json:"table,omitempty"`
	Group string `json:"group,omitempty"`
}

// SweepStatus is what the sweep remembers of a generation that does not end.
type SweepStatus struct {
	Generation int       `json:"gen"`
	Sends      int       `json:"sends"` // first messages sent again since a step was last done
	Done       int       `json:"done"`  // steps done when last sent
	SentAt     time.Time `json:"sent"`
	Told       int       `json:"told,omitempty"` // notices given that it will expire
}

// Live tells whether the record desires anything.
func (r *Record) Live() bool { return r.Wanted.Connection != nil && !r.Wanted.Disconnect }
