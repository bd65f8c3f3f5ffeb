package chain

import (
	"hash/fnv"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// The queues that no step reads, without the deployment's prefix.
const (
	OutcomesQueue    = "outcomes"
	TicketsQueue     = "tickets"
	DeadLettersQueue = "dead-letters"
)

// Stage is one row of the table: a step's place in an action.
type Stage struct {
	Step    interconnect.Step
	Queue   string        // where the step's messages wait, without the deployment's prefix
	GiveUp  time.Duration // from the first handling to the rejection of what still waits; zero: never given up
	Observe bool          // the step only looks: its rejection is the verdict unproven and undoes nothing
	Rounds  int           // how often what it finds left over is removed once more, from the first stage on, before that is a rejection
}

// The table of the README's rule 3: each action's stages in order.
//
// Connect goes upwards from the peering connection. Prune goes the other way,
// since a router interface cannot go while a route points to it.
var table = map[interconnect.Action][]Stage{
	interconnect.Connect: {
		{Step: interconnect.Peering, Queue: "peering", GiveUp: 10 * time.Minute},
		{Step: interconnect.Routes, Queue: "routes", GiveUp: 10 * time.Minute},
		{Step: interconnect.SecurityGroups, Queue: "security-groups", GiveUp: 3 * time.Minute},
		{Step: interconnect.Verification, Queue: "verification", GiveUp: 5 * time.Minute, Observe: true},
	},
	interconnect.Prune: {
		{Step: interconnect.SecurityGroups, Queue: "security-groups"},
		{Step: interconnect.Routes, Queue: "routes"},
		{Step: interconnect.Peering, Queue: "peering"},
		{Step: interconnect.Verification, Queue: "verification", Rounds: 3},
	},
	interconnect.Verify: {
		{Step: interconnect.Verification, Queue: "verification", GiveUp: 5 * time.Minute, Observe: true},
	},
}

// runs lists every way in which an action can run, in the order in which their
// outcomes are numbered.
var runs = []struct {
	action interconnect.Action
	target interconnect.Target
}{
	{interconnect.Connect, interconnect.TargetDesired},
	{interconnect.Prune, interconnect.TargetDesired},
	{interconnect.Prune, interconnect.TargetConnected},
	{interconnect.Verify, interconnect.TargetDesired},
}

// Stages returns an action's stages in order, or nil for an unknown action.
func Stages(a interconnect.Action) []Stage {
	return append([]Stage(nil), table[a]...)
}

// QueueNames returns the names of all queues of a deployment, without its prefix.
func QueueNames() []string {
	var names []string
	for _, s := range table[interconnect.Connect] {
		names = append(names, s.Queue)
	}
	return append(names, OutcomesQueue, TicketsQueue, DeadLettersQueue)
}

// place finds a step in an action's stages.
func place(a interconnect.Action, step interconnect.Step) (index int, found bool) {
	for i, s := range table[a] {
		if s.Step == step {
			return i, true
		}
	}
	return 0, false
}

// queueOf returns the queue that a step reads.
func queueOf(step interconnect.Step) string {
	for _, s := range table[interconnect.Connect] {
		if s.Step == step {
			return s.Queue
		}
	}
	return string(step)
}

// Limits that hold for every stage.
const (
	// MaxAttempts is how often a step is tried before what it meets counts as
	// permanent.
	MaxAttempts = 8
	// maxLag is how long a message waits for a record that reads older than
	// itself, or not at all.
	maxLag = time.Minute
	// frozenDelay is how often a message looks whether a freeze is over.
	frozenDelay = 15 * time.Second
	// mostTurns is how often a message comes for its turn soon: for some minutes.
	// What is in its way then does not move, and it waits as for anything else.
	mostTurns = 150
	// longestWait is how long a message waits for a moment that its step named:
	// less than the silence after which the sweep takes it for lost.
	longestWait = time.Minute
	// statusEvery is how often a step that keeps waiting says so.
	statusEvery = time.Minute
	// aliveFor is for how long after that it counts as waiting: less than the
	// silence after which the sweep begins anew.
	aliveFor = 2 * time.Minute
)

var (
	// waits are the seconds between looks at something that takes its time.
	waits = []int{1, 1, 2, 3, 5, 8, 13, 15}
	// backoffs are the seconds after the first, second, ... attempt that failed.
	backoffs = []int{1, 2, 4, 8, 16, 32, 60}
)

// waitDelay returns the n-th delay (from 0) of the schedule for a connection.
// Queues count whole seconds, so the jitter chooses between a delay and its
// neighbour; it is stable per connection, so that a replay waits alike.
func waitDelay(id string, n int) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(id))
	late := int(h.Sum32()>>(uint(n)%32)) & 1
	last := len(waits) - 1
	if n+late >= last {
		return time.Duration(waits[last-(1-late)]) * time.Second
	}
	return time.Duration(waits[n+late]) * time.Second
}

// turn returns when to look whether it is a connection's turn: within most, and
// at another moment for each cohort and each time, though the same in a replay.
// Those who met once would meet again otherwise. Those who were handled together
// come again together, since they can share a turn.
func turn(cohort string, most time.Duration) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(cohort))
	return time.Duration(1+h.Sum32()%uint32(max(most/time.Second, 1))) * time.Second
}

// backoff returns the delay after an attempt that failed; attempts counts it.
func backoff(attempts int) time.Duration {
	return time.Duration(backoffs[min(max(attempts, 1), len(backoffs))-1]) * time.Second
}
