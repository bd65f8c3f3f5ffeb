package chain

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

// Burier is who put a message on the dead-letter queue.
type Burier string

// Who puts messages there, each in a form of its own.
const (
	ByFunction Burier = "function" // could not understand it: a DeadLetter
	ByStream   Burier = "stream"   // EventBridge could not push it: the event as the function would have got it
	ByQueue    Burier = "queue"    // it was received too often: the body alone
	ByStranger Burier = "stranger" // nobody knows: no form that is known
)

// Letter is a message of the dead-letter queue, read.
type Letter struct {
	By        Burier
	Queue     string // where the message was, without the deployment's prefix; "" if that is not told
	Reason    string // why it was given up
	Body      []byte // the message's
	MessageID string // where it was
	At        time.Time
	Function  string

	Message *Message // if it is one of the chain's
	To      string   // the queue to send it to again; "" if it must not be
	Again   []byte   // what to send there
	Flaw    string   // why it must not be sent again, in a sentence
}

// ReadLetters reads the body of a message of the dead-letter queue, whoever put
// it there: an event may hold several messages. prefix is the deployment's.
func ReadLetters(prefix string, body []byte) []Letter {
	var letters []Letter
	if l, ok := ownLetter(body); ok {
		letters = []Letter{l}
	} else if bare := unwrapped(body); known(bare) {
		letters = []Letter{{By: ByQueue, Body: bare, Reason: "The queue gave it up: it was received again and again without being deleted."}}
	} else if e, err := trigger.Decode(body); err == nil && e.Kind == trigger.KindQueue && len(e.Queue) > 0 {
		for _, m := range e.Queue {
			letters = append(letters, Letter{
				By: ByStream, Queue: m.Queue, Body: m.Body, MessageID: m.ID,
				Reason: "EventBridge gave it up: its pushes to the function failed.",
			})
		}
	} else {
		letters = []Letter{{By: ByStranger, Body: body, Reason: "It has no form that is known."}}
	}
	for i := range letters {
		letters[i].Queue = strings.TrimPrefix(letters[i].Queue, prefix+"-")
		letters[i].validate()
	}
	return letters
}

// ownLetter reads what bury wrote.
func ownLetter(body []byte) (Letter, bool) {
	var form struct {
		Reason *string `json:"reason"`
		Size   *int    `json:"size"`
		Queue  *string `json:"queue"`
	}
	var d DeadLetter
	if json.Unmarshal(body, &form) != nil || form.Reason == nil || form.Size == nil || form.Queue == nil || json.Unmarshal(body, &d) != nil {
		return Letter{}, false
	}
	l := Letter{By: ByFunction, Queue: d.Queue, Reason: d.Reason, Body: d.Bytes, MessageID: d.MessageID, At: d.At, Function: d.Function}
	if len(l.Body) == 0 {
		l.Body = []byte(d.Body)
	}
	if len(l.Body) < d.Size {
		l.Flaw = fmt.Sprintf("Of its %d bytes only %d were kept.", d.Size, len(l.Body))
	}
	return l, true
}

// unwrapped takes a body out of base64, in which the console sends.
func unwrapped(body []byte) []byte {
	if out, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(body))); err == nil && len(out) > 0 {
		return out
	}
	return body
}

// known tells whether a body is that of a message of this project.
func known(body []byte) bool {
	_, err := ParseMessage(body)
	return err == nil || parseAnnouncement(body) == nil
}

// parseAnnouncement checks the body of a message of the outcomes queue, or of
// the tickets queue, whose messages have its form.
func parseAnnouncement(body []byte) error {
	var a Announcement
	switch err := json.Unmarshal(body, &a); {
	case err != nil:
		return fmt.Errorf("not an outcome: %w", err)
	case a.SpecVersion != "1.0" || a.ID == "" || !strings.HasPrefix(a.Type, typePrefix) || !interconnect.ValidID(a.Data.ConnectionID):
		return errors.New("not an outcome of a connection")
	}
	return nil
}

// validate finds out whether the message can be sent again, and where to: to
// the queue that it came from, or, if that is not told, to the first of its
// action, which does no harm.
func (l *Letter) validate() {
	m, err := ParseMessage(l.Body)
	announced := parseAnnouncement(l.Body) == nil
	if err == nil {
		l.Message = &m
	}
	if l.Flaw != "" {
		return
	}
	switch {
	case announced && (l.Queue == "" || l.Queue == OutcomesQueue || l.Queue == TicketsQueue):
		l.To, l.Again = cmp.Or(l.Queue, OutcomesQueue), l.Body
	case announced:
		l.Flaw = fmt.Sprintf("An outcome does not belong on the queue %.60q.", l.Queue)
	case err != nil:
		l.Flaw = fmt.Sprintf("It cannot be understood: %s.", clip(err.Error()))
	case l.Queue == "":
		l.To, l.Again = table[m.Action][0].Queue, m.renewed(l.At).Body()
	case !slices.ContainsFunc(table[m.Action], func(s Stage) bool { return s.Queue == l.Queue }):
		l.Flaw = fmt.Sprintf("The action %s has no step that reads the queue %.60q.", m.Action, l.Queue)
	default:
		l.To, l.Again = l.Queue, m.renewed(l.At).Body()
	}
}

// renewed returns the message as if it had just come to its stage: what it was
// given to end is long over, and must not count as a failure now. at is when it was
// given up.
func (m Message) renewed(at time.Time) Message {
	n := m.follow(m.Action, m.Target)
	n.Hops, n.Trace, n.Woken = 0, wakened(m.Trace, fmt.Sprintf("redriven-%d", m.Hops), at), true
	return n
}

// NotNeeded says why the record has no use for a message, or "". A message that
// is not needed does no harm either: its step would drop it.
func NotNeeded(r *interconnect.Record, m Message, now time.Time) string {
	switch {
	case r == nil:
		return "There is no record of the connection any more."
	case r.Generation < m.Generation:
		return fmt.Sprintf("The record is at generation %d only: it was deleted and made anew.", r.Generation)
	case overtaken(r, m):
		return fmt.Sprintf("The record has moved on, to generation %d.", r.Generation)
	case pointless(r, m) != "":
		return "There, " + pointless(r, m) + "."
	case interconnect.Held(r, now):
		return interconnect.HeldUntil(r)
	case m.Action != interconnect.Verify && !m.Repair && interconnect.Ended(r):
		return "Its generation has ended without it."
	}
	return ""
}
