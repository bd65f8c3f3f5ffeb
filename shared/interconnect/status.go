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
	Finding    string        `json:"finding,omitempty"` // verification only: Finding of the newest verdict, as it was before it was shortened
	Swings     *Swings       `json:"swings,omitempty"`  // verification only: how its verdict has changed of late
	Repairs    int           `json:"repairs,omitempty"` // verification only: repairs that checks have begun in a row, none of which has helped yet
	Hops       int           `json:"hops,omitempty"`    // of what the last run handed on: what has fewer, and the same trace, is its twin
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
	Overtook   bool        `json:"overtook,omitempty"`   // a call of the generation before may have been on its way; see Landing
	Ends       int         `json:"ends,omitempty"`       // the generation that nobody asked to end, but time, or another request; another one's successor it is not
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
	Told       int       `json:"told,omitempty"`  // notices given that it will expire
	Stuck      int       `json:"stuck,omitempty"` // 1 + the steps that were done when it was last told that the generation stands still
}

// Live tells whether the record desires anything.
func (r *Record) Live() bool { return r.Wanted.Connection != nil && !r.Wanted.Disconnect }
