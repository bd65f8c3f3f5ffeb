package chain

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// traceForm is what a trace may look like: it goes into names of commands and
// into log lines.
var traceForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`) })

// longestTrace is how long a trace may be.
const longestTrace = 64

// ParseMessage reads a message's body. An error means that nobody of this
// version can understand the message: it belongs to the dead letters.
func ParseMessage(body []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, fmt.Errorf("not a message: %w", err)
	}
	switch {
	case m.Schema != SchemaVersion:
		return Message{}, fmt.Errorf("schema version %d is not %d", m.Schema, SchemaVersion)
	case !interconnect.ValidID(m.ConnectionID):
		return Message{}, fmt.Errorf("%.64q is no connection id", m.ConnectionID)
	case m.Generation < 1:
		return Message{}, fmt.Errorf("generation %d is below 1", m.Generation)
	case table[m.Action] == nil:
		return Message{}, fmt.Errorf("%.64q is no action", m.Action)
	case m.Target != interconnect.TargetDesired && (m.Target != interconnect.TargetConnected || m.Action != interconnect.Prune):
		return Message{}, fmt.Errorf("%.64q is no target of %s", m.Target, m.Action)
	case m.Attempts < 0 || m.Waits < 0 || m.Hops < 0 || m.Rounds < 0:
		return Message{}, fmt.Errorf("a counter is negative")
	case len(m.Trace) > longestTrace, !traceForm().MatchString(m.Trace):
		return Message{}, fmt.Errorf("%.80q is no trace id", m.Trace)
	}
	return m, nil
}

// Body returns the message as it travels.
func (m Message) Body() []byte {
	body, err := json.Marshal(m)
	if err != nil { // only a time beyond year 9999 could do that
		panic(err)
	}
	return body
}

// FirstMessage returns the message that starts, or starts again, what the
// record's newest generation wants, and the queue it goes to: a disconnect and
// a rollback under way prune, anything else connects. Sending it twice, or
// beside a chain that still runs, does no harm.
func FirstMessage(r *interconnect.Record, trace string) (queue string, m Message) {
	m = Message{Schema: SchemaVersion, ConnectionID: r.ID, Generation: r.Generation, Action: interconnect.Connect, Trace: trace}
	switch {
	case !r.Live():
		m.Action = interconnect.Prune
	case rollingBack(r):
		m.Action, m.Target = interconnect.Prune, interconnect.TargetConnected
	}
	return table[m.Action][0].Queue, m
}

// RepairMessage returns the message that connects again without ever rolling
// back, and the queue it goes to.
func RepairMessage(r *interconnect.Record, trace string) (queue string, m Message) {
	m = Message{Schema: SchemaVersion, ConnectionID: r.ID, Generation: r.Generation, Action: interconnect.Connect, Repair: true, Trace: trace}
	return table[m.Action][0].Queue, m
}

// CheckMessage returns the message that checks a connection, and the queue it
// goes to. One trace is one check: repeats of it find the same pings.
func CheckMessage(r *interconnect.Record, trace string) (queue string, m Message) {
	m = Message{Schema: SchemaVersion, ConnectionID: r.ID, Generation: r.Generation, Action: interconnect.Verify, Trace: trace}
	return table[m.Action][0].Queue, m
}

// rollingBack tells whether this generation's connect was given up and is rolled
// back. From then on no connect of the generation may add.
func rollingBack(r *interconnect.Record) bool {
	for _, s := range r.Steps {
		if s.Generation != r.Generation {
			continue
		}
		if s.Action == interconnect.Prune && s.Target == interconnect.TargetConnected ||
			s.Action == interconnect.Connect && s.Progress == interconnect.Failed && r.Wanted.Connection.OnFailure == interconnect.OnFailureRollback {
			return true
		}
	}
	return false
}

// overtaken tells whether the record has moved on from what the message wants.
func overtaken(r *interconnect.Record, m Message) bool {
	if r.Generation != m.Generation {
		return r.Generation > m.Generation
	}
	return m.Action == interconnect.Connect && r.Live() && rollingBack(r)
}

// pointless says why a message of the record's own generation has nothing to
// do there, or "".
func pointless(r *interconnect.Record, m Message) string {
	switch {
	case r.Wanted.Connection == nil:
		return "the record holds no connection"
	case m.Action != interconnect.Prune && !r.Live():
		return "nothing is desired any more"
	case m.Action == interconnect.Connect && !m.Repair && interconnect.Ended(r) && interconnect.Overall(r, r.UpdatedAt) == interconnect.StateFailed:
		return "this generation has failed; asking again makes a new one"
	}
	return ""
}

// twin tells whether the step has handled a message of the same run that is as
// far as this one or further, and has handed on what follows, or whether another
// run waits at the same stage, which will look there, and at all that follows,
// later than this one would. Queues deliver twice, and what was sent though that
// was reported failed is sent again: if every twin went on, each of its hops
// doubled some of them again. What is dropped here is lost only if the other's
// follow-up was lost as well, and then the sweep begins anew.
func twin(r *interconnect.Record, m Message, step interconnect.Step, now time.Time) bool {
	s := r.Steps[step]
	switch {
	case s.Generation != m.Generation:
		return false
	case m.Repair: // the entry counts the hops of the generation's own chain
		return s.Trace == m.Trace
	case s.Action != m.Action || s.Target != m.Target:
		return false
	case s.Trace == m.Trace:
		return m.Hops < s.Hops || s.Progress == interconnect.Waiting && m.SaidAt.Before(s.UpdatedAt) && alive(s, now)
	}
	// The rounds of a run have one beginning, and the one before waits for nothing.
	// What was begun because something has changed looks for itself: an entry may
	// be behind.
	return !m.Woken && s.Progress == interconnect.Waiting && origin(s.Trace) != origin(m.Trace) && alive(s, now)
}

// alive tells whether a run that waits has said so of late.
func alive(s interconnect.StepStatus, now time.Time) bool { return now.Sub(s.UpdatedAt) < aliveFor }

// origin is the trace of the run that a run began with.
func origin(trace string) string {
	first, _, _ := strings.Cut(trace, ".")
	return first
}

// follow returns the message with which the chain goes on: at another stage,
// or with another action, counting starts anew.
func (m Message) follow(a interconnect.Action, t interconnect.Target) Message {
	n := Message{
		Schema: SchemaVersion, ConnectionID: m.ConnectionID, Generation: m.Generation,
		Action: a, Target: t, Hops: m.Hops + 1, Trace: m.Trace, Repair: m.Repair, Rounds: m.Rounds, Woken: m.Woken, BeganAt: m.BeganAt, Cause: m.Cause,
	}
	if a != m.Action {
		// A prune after a connect pings anew: its checks must not be answered
		// with the connect's.
		n.Hops, n.Rounds, n.Repair, n.BeganAt, n.Trace = 0, 0, false, time.Time{}, retrace(m.Trace, string(a))
	}
	return n
}

// anew returns the message with which the action begins once more. Its checks
// ping anew.
func (m Message) anew() Message {
	n := m.follow(m.Action, m.Target)
	n.Rounds++
	n.BeganAt = time.Time{}
	n.Trace = retrace(m.Trace, fmt.Sprintf("%s-%d", m.Action, n.Rounds))
	return n
}

// again returns the same message, to be seen once more at the same stage.
func (m Message) again() Message {
	m.Hops++
	return m
}

// retrace names a run that another run started: the first run's trace with
// one suffix, so that both are found together.
func retrace(trace, suffix string) string {
	base := origin(trace)
	if room := longestTrace - len(suffix) - 1; len(base) > room {
		base = base[:room]
	}
	return base + "." + suffix
}

// wakened names a run that another run began at some time: each time it is another
// run, so that nobody takes one for the other's twin.
func wakened(trace, why string, now time.Time) string {
	return retrace(trace, why+"-"+strconv.FormatInt(now.UnixMilli(), 36))
}

// started sets, at the first handling, when the stage began and when it is
// given up, and moves both on by the time that a freeze took: what a step
// measures from its beginning is as if there had been none.
func (m Message) started(s Stage, at int, now time.Time) Message {
	if at == 0 && m.BeganAt.IsZero() {
		m.BeganAt = now
	}
	if m.StartedAt.IsZero() {
		m.StartedAt = now
		if s.GiveUp > 0 {
			m.GiveUpAt = now.Add(s.GiveUp)
		}
	}
	if !m.FrozenSince.IsZero() {
		if took := now.Sub(m.FrozenSince); took > 0 {
			m.StartedAt = m.StartedAt.Add(took)
			if !m.GiveUpAt.IsZero() {
				m.GiveUpAt = m.GiveUpAt.Add(took)
			}
		}
		m.FrozenSince = time.Time{}
	}
	m.LaggingSince = time.Time{}
	return m
}
