package bench

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
)

// Call is one API request of a function.
type Call struct {
	By       string // function: intake, peering, ...
	Product  string
	Action   string
	Region   string
	About    string // the first thing that it names, "" if none
	Write    bool
	Code     string    // of a refusal
	Sent     time.Time // when the function sent it
	Answered time.Time
}

// Took is from the request to its answer.
func (c Call) Took() time.Duration { return c.Answered.Sub(c.Sent) }

// Store tells whether the call is one to the Parameter Store: the record's own
// bookkeeping, which changes no network.
func (c Call) Store() bool { return strings.EqualFold(c.Product, "oos") }

// Send is one message put on a queue.
type Send struct {
	By       string
	Queue    string // with the deployment's prefix
	Sent     time.Time
	Answered time.Time
}

// Run is one invocation of a function.
type Run struct {
	Function  string
	RequestID string
	Began     time.Time
	Ended     time.Time
	Step      *StepLine // what a step said of it; nil of intake
}

// StepLine is a function's own log line of a step that ran.
type StepLine struct {
	Time       time.Time `json:"time"`
	Msg        string    `json:"msg"`
	RequestID  string    `json:"requestId"`
	Connection string    `json:"connection"`
	Step       string    `json:"step"`
	Do         string    `json:"do"` // connect, prune, verify
	Outcome    string    `json:"outcome"`
	Verdict    string    `json:"verdict"`
	Next       string    `json:"next"`  // queue of the follow-up, without the deployment's prefix; "" if the chain ended
	Delay      float64   `json:"delay"` // of the follow-up, in seconds
}

// State is something that came to a state by itself, after the call that asked
// for it was answered.
type State struct {
	What string // interface, route or ping
	ID   string
	Is   string // the cloud's word for the state; "" for gone
	At   time.Time
}

// Recording is what happened within a stretch of time.
type Recording struct {
	From, To time.Time
	Calls    []Call // in the order in which they were sent
	Sends    []Send
	Runs     []Run
	States   []State
}

// Took is how long the stretch is.
func (r Recording) Took() time.Duration { return r.To.Sub(r.From) }

// Recorder collects what happens. Its methods may be called from many
// goroutines.
type Recorder struct {
	latency time.Duration

	mu     sync.Mutex
	calls  []Call
	sends  []Send
	runs   map[string]*Run
	lines  []StepLine
	states []State
	known  map[string]string // the last state of each thing
	told   chan struct{}
}

// Init makes a Recorder ready for a cloud whose API calls take latency on their
// way: the cloud notes a request when it has arrived.
func (r *Recorder) Init(latency time.Duration) {
	r.latency, r.runs, r.known, r.told = latency, map[string]*Run{}, map[string]string{}, make(chan struct{}, 1)
}

// News has something in it when something may have come to an end since it was
// last emptied.
func (r *Recorder) News() <-chan struct{} { return r.told }

func (r *Recorder) locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *Recorder) tell() {
	select {
	case r.told <- struct{}{}:
	default:
	}
}

// about are the parameters that say what a call is about, in the order in which
// they are looked for.
var about = []string{
	"Name", "Path", "RouterInterfaceId", "RouteEntries.1.RouteTableId", "RouteTableId", "Filter.1.Value.1", "SecurityGroupId",
	"InstanceId.1", "InstanceId", "VpcId", "RouterId", "VpcId.1",
}

// Call hears of each OpenAPI request.
func (r *Recorder) Call(c openapi.Record) {
	a, _ := engine.Find(c.Product, c.Action)
	one := Call{
		By: functionOf(c.Role), Product: c.Product, Action: c.Action, Region: c.Region, Write: a.Write, Code: c.Code,
		Sent: c.Time.Add(-r.latency), Answered: c.Time.Add(c.Took),
	}
	for _, k := range about {
		if v := c.Parameters[k]; v != "" {
			one.About = v
			break
		}
	}
	r.locked(func() { r.calls = append(r.calls, one) })
	if one.Write && one.Store() {
		r.tell()
	}
}

// functionOf is the function of a role: vi-peering's is peering.
func functionOf(role string) string { return role[strings.LastIndex(role, "-")+1:] }

// Message hears of each MNS request.
func (r *Recorder) Message(m mns.Record) {
	if m.Action != "SendMessage" || m.Code != "" {
		return
	}
	r.locked(func() {
		r.sends = append(r.sends, Send{functionOf(m.Role), m.Parameters["QueueName"], m.Time, m.Time.Add(m.Took)})
	})
}

// Happened hears of what Function Compute does.
func (r *Recorder) Happened(e fc.Event) {
	r.locked(func() {
		switch e.Kind {
		case fc.EventStarted:
			r.runs[e.RequestID] = &Run{Function: e.Function, RequestID: e.RequestID, Began: e.Time}
		case fc.EventEnded:
			if run := r.runs[e.RequestID]; run != nil {
				run.Ended = e.Time
			}
		}
	})
	if e.Kind == fc.EventEnded {
		r.tell()
	}
}

// Ran hears of each script that was started in an instance.
func (r *Recorder) Ran(s engine.Script, x engine.Execution, started time.Time) {
	r.Is("ping", fmt.Sprint(s.InstanceID, started.UnixNano()), "ended", started.Add(x.Took))
}

// Printed hears of each line that a function prints.
func (r *Recorder) Printed(l fc.Line) {
	var s StepLine
	if json.Unmarshal([]byte(l.Text), &s) == nil && s.Msg == "step" {
		r.locked(func() { r.lines = append(r.lines, s) })
		r.tell()
	}
}

// Is hears what state something is in; what is not news is dropped.
func (r *Recorder) Is(what, id, state string, at time.Time) {
	r.locked(func() {
		key := what + " " + id
		if was, known := r.known[key]; known && was == state {
			return
		}
		r.known[key] = state
		r.states = append(r.states, State{what, id, state, at})
	})
}

// Ended returns when the step of verification wrote what a run of do for a
// connection came to, after from; false if it has not.
func (r *Recorder) Ended(connection, do string, from time.Time) (at time.Time, verdict string, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if l.Connection != connection || l.Do != do || l.Step != "verification" || l.Outcome != "done" || l.Time.Before(from) {
			continue
		}
		for _, c := range r.calls {
			if c.By == "verification" && c.Store() && c.Write && c.Code == "" && c.Answered.After(l.Time) && strings.HasSuffix(c.About, "/"+connection+"/verification") {
				at, verdict, ended = c.Answered, l.Verdict, true
			}
		}
	}
	return at, verdict, ended
}

// Between returns what happened within a stretch of time. Of intake's runs only
// those count that began in its first moments: the request itself, not who
// looks on nor the sweep.
func (r *Recorder) Between(from, to time.Time, asked ...Window) Recording {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Recording{From: from, To: to}
	within := func(by string, at time.Time) bool {
		if at.Before(from) || at.After(to) {
			return false
		}
		return by != "intake" || slices.ContainsFunc(asked, func(w Window) bool { return !at.Before(w.From) && !at.After(w.To) })
	}
	for _, c := range r.calls {
		if within(c.By, c.Sent) {
			out.Calls = append(out.Calls, c)
		}
	}
	for _, s := range r.sends {
		if within(s.By, s.Sent) {
			out.Sends = append(out.Sends, s)
		}
	}
	lines := map[string]*StepLine{}
	for i := range r.lines {
		lines[r.lines[i].RequestID] = &r.lines[i]
	}
	for _, run := range r.runs {
		if within(run.Function, run.Began) {
			one := *run
			one.Step = lines[run.RequestID]
			if one.Ended.IsZero() {
				one.Ended = to // the last one may still have been ending
			}
			out.Runs = append(out.Runs, one)
		}
	}
	for _, s := range r.states {
		if within("", s.At) {
			out.States = append(out.States, s)
		}
	}
	slices.SortStableFunc(out.Calls, func(a, b Call) int { return a.Sent.Compare(b.Sent) })
	slices.SortStableFunc(out.Sends, func(a, b Send) int { return a.Sent.Compare(b.Sent) })
	slices.SortStableFunc(out.Runs, func(a, b Run) int { return a.Began.Compare(b.Began) })
	slices.SortStableFunc(out.States, func(a, b State) int { return a.At.Compare(b.At) })
	return out
}

// Window is when somebody asked intake for something, and was answered.
type Window struct{ From, To time.Time }
