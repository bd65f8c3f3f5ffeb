package chain

import (
	"context"
	"log/slog"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// SchemaVersion is the version of Message. A message of another version is
// treated as one that cannot be understood.
const SchemaVersion = 1

// MaxHops is how often a message may be handed on before a human is needed.
const MaxHops = 500

// Message is what travels on the queues: intent, no facts (README, rule 2).
type Message struct {
	Schema       int                 `json:"schema"`
	ConnectionID string              `json:"connectionId"`
	Generation   int                 `json:"generation"`
	Action       interconnect.Action `json:"action"`
	Target       interconnect.Target `json:"target,omitempty"`
	Attempts     int                 `json:"attempts,omitempty"` // spent by Retry in a row, at this step
	Waits        int                 `json:"waits,omitempty"`    // Wait outcomes in a row at this step: index of the delay schedule
	Hops         int                 `json:"hops"`
	StartedAt    time.Time           `json:"startedAt,omitzero"` // when this step first handled it; zero on arrival at a step
	GiveUpAt     time.Time           `json:"giveUpAt,omitzero"`  // set with StartedAt; zero: never given up
	Trace        string              `json:"trace"`              // names this run of the chain, in every log line and check

	Repair       bool      `json:"repair,omitempty"`      // a connect that repairs: it never rolls back
	LaggingSince time.Time `json:"laggingSince,omitzero"` // since when the record reads older than the message, or not at all
	FrozenSince  time.Time `json:"frozenSince,omitzero"`  // when the last run met a freeze; the next one adds the time since then to StartedAt and GiveUpAt
	Rounds       int       `json:"rounds,omitempty"`      // how often this action began anew: something was left over, or a late call may have undone something
	SaidAt       time.Time `json:"saidAt,omitzero"`       // when a run of this message last wrote that the step waits; of several copies the one goes on that wrote last
	BeganAt      time.Time `json:"beganAt,omitzero"`      // when the action's first stage first handled it, in this round
	Cause        *Cause    `json:"cause,omitempty"`       // of a rollback
	Woken        bool      `json:"woken,omitempty"`       // another run began this one: where its generation has ended it looks, and tells no second story
	Recheck      bool      `json:"recheck,omitempty"`     // the look after the last mutating call failed: the next run looks again
}

// Cause is why a rollback rolls back: where its connect failed, and of what. It
// travels with the rollback, since a read of the record that lags would lose it.
type Cause struct {
	Step    interconnect.Step    `json:"step"`
	Problem interconnect.Problem `json:"problem"`
}

// Runner is a step of the chain: it observes, diffs, acts, and returns one
// outcome. Running it twice, late, or beside its twin changes nothing more.
type Runner interface {
	Step() interconnect.Step
	Run(ctx context.Context, t *Task) Outcome
}

// Outcome is what a step's run came to: exactly one of Done, Wait, Retry and
// Reject makes one.
type Outcome struct {
	Kind    Kind
	Note    string                // what it waits for, in words
	Until   time.Time             // of a Wait: before then there is nothing to look for; zero: nobody knows
	Least   time.Duration         // of a Wait: how long what was just asked for takes at the least, as far as is known
	Turn    time.Duration         // of a Wait for a turn that many may wait for: a look comes within this time, at another moment for each; zero: it waits ever longer
	Problem *interconnect.Problem // of Retry and Reject; of a Wait, the busy answer, if one came
	Err     error                 // for the log

	// What the step learnt, for its status entry.
	Resources []string
	Leftovers []interconnect.Problem // prune: what could not be removed
	Verdict   *interconnect.Verdict  // verification
}

// Kind is the kind of an outcome.
type Kind string

// The kinds of the README's rule 4.
const (
	KindDone   Kind = "done"   // on to the next step
	KindWait   Kind = "wait"   // the same message later; no attempt spent
	KindRetry  Kind = "retry"  // the same message after a backoff; an attempt spent
	KindReject Kind = "reject" // permanent
	KindDrop   Kind = "drop"   // superseded: the newest generation's message takes over
)

// Call is one mutating call of a step. Resource is what it changes, for the
// audit line.
type Call struct {
	Action   string
	Resource string
	Timeout  time.Duration // the call's own; zero: DefaultCallTimeout
	Do       func(ctx context.Context) error
}

// Task is what a step's run is given. One that is made by hand, as a step's
// tests may do, has no record to look at: its Mutate just makes the calls and
// its Others finds none.
type Task struct {
	Message Message
	Record  interconnect.Record      // as read at the start of this run
	Want    *interconnect.Connection // what is desired: Record's connection; for a prune what may stay, nil if nothing
	Scope   *interconnect.Connection // where to look: the connection as last desired, also when nothing is desired any more
	Prefix  string                   // the deployment
	Now     time.Time
	Log     *slog.Logger

	run *run
}

// Records is what the chain needs of the record.
type Records interface {
	// Get reads everything about one connection. A missing record is
	// (nil, nil).
	Get(ctx context.Context, id string) (*interconnect.Record, error)
	// List reads all records.
	List(ctx context.Context) ([]interconnect.Record, error)
	// PutStatus writes a step's entry, unless the entry there is of a newer
	// generation.
	PutStatus(ctx context.Context, id string, step interconnect.Step, s interconnect.StepStatus) error
	// PutConnected keeps the desired state that was found Connected, to roll
	// back to.
	PutConnected(ctx context.Context, id string, c *interconnect.Connection) error
}

// Freezer is what a Records may also be: one switch that makes every step wait
// before its next mutating call. Steps that only look go on.
type Freezer interface {
	// Frozen tells why nothing may be changed for now.
	Frozen(ctx context.Context) (reason string, frozen bool, err error)
}

// Queues sends messages. Queue is a name without the deployment's prefix.
type Queues interface {
	// Send puts body on the queue, to be seen after delay (whole seconds).
	Send(ctx context.Context, queue string, body []byte, delay time.Duration) error
}
