package engine

import (
	"container/heap"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Outgoing is a message that somebody sends.
type Outgoing struct {
	Body         string
	DelaySeconds *int // nil: the queue's
	Priority     int  // 1 (first) to 16; 0: the default, 8
}

// Sent is a message that a queue took.
type Sent struct {
	MessageID     string
	BodyMD5       string // upper-case hex
	ReceiptHandle string // only of a delayed message
	Err           *Error // in a batch: why this one was not taken
}

// Message is a message that was received or looked at.
type Message struct {
	ID            string
	Body          string
	BodyMD5       string // upper-case hex
	ReceiptHandle string // "" if peeked at
	Enqueued      time.Time
	FirstDequeued time.Time // Enqueued if it never was
	NextVisible   time.Time // when it can be received again; zero if peeked at
	DequeueCount  int
	Priority      int
}

// MostMessages is how many messages a batch may have.
const MostMessages = 16

// MostBytes is how long the bodies of one request may be together.
const MostBytes = 65536

const (
	defaultPriority = 8
	lowestPriority  = 16
	longestDelay    = 604800
)

type message struct {
	serial       uint64 // order of sending
	id           string
	body         string
	priority     int
	enqueued     time.Time
	firstDequeue time.Time
	visible      time.Time
	dequeues     int
	handle       string // the one receipt handle that is good, until visible
}

// SendMessage puts one message into a queue.
func (e *Engine) SendMessage(r QueueRef, m Outgoing) (Sent, error) {
	all, err := e.send(r, false, m)
	if err != nil {
		return Sent{}, err
	}
	return all[0], nil
}

// SendMessages puts up to 16 messages into a queue. Hostile clouds may refuse
// some of a batch: see Sent.Err.
func (e *Engine) SendMessages(r QueueRef, m ...Outgoing) ([]Sent, error) {
	return e.send(r, true, m...)
}

func (e *Engine) send(r QueueRef, batch bool, all ...Outgoing) (sent []Sent, err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err != nil {
			return false
		}
		if err = e.checkOutgoing(q, all); err != nil {
			return false
		}
		c := e.courier()
		for _, m := range all {
			if batch && c.RefuseEntry(r.Name) {
				sent = append(sent, Sent{Err: &Error{500, "InternalError", "Internal error."}})
				continue
			}
			sent = append(sent, e.enqueue(q, m, c.Late(r.Name)))
		}
		return true
	})
	return sent, err
}

func (e *Engine) checkOutgoing(q *queue, all []Outgoing) error {
	if err := checkRange("the number of messages", len(all), 1, MostMessages, "messages"); err != nil {
		return err
	}
	total := 0
	for _, m := range all {
		total += len(m.Body)
		switch {
		case m.Body == "":
			return errArgument("The value of MessageBody must not be empty.")
		case m.Priority == 0 && e.opt.Switches.PriorityZeroRefused, m.Priority < 0, m.Priority > lowestPriority:
			return checkRange("Priority", -1, 1, lowestPriority, "(1 is the highest)")
		case m.DelaySeconds != nil:
			if err := checkRange("DelaySeconds", *m.DelaySeconds, 0, longestDelay, "seconds"); err != nil {
				return err
			}
		}
		if len(m.Body) > q.attrs.MaximumMessageSize {
			return checkRange("MessageBody", len(m.Body), 1, q.attrs.MaximumMessageSize, "bytes")
		}
	}
	return checkRange("all MessageBody", total, 1, MostBytes, "bytes")
}

func (e *Engine) enqueue(q *queue, o Outgoing, late time.Duration) Sent {
	delay := q.attrs.DelaySeconds
	if o.DelaySeconds != nil {
		delay = *o.DelaySeconds
	}
	if o.Priority == 0 {
		o.Priority = defaultPriority
	}
	m := e.place(q, &message{
		id: e.newMessageID(), body: o.Body, priority: o.Priority, enqueued: e.now,
		visible: e.now.Add(time.Duration(delay)*time.Second + late),
	})
	sent := Sent{MessageID: m.id, BodyMD5: bodyMD5(m.body)}
	if delay > 0 {
		m.handle = e.newHandle(m)
		sent.ReceiptHandle = m.handle
	}
	return sent
}

// place puts a message at the queue's end and looks at it again when it
// becomes visible.
func (e *Engine) place(q *queue, m *message) *message {
	q.serial++
	m.serial = q.serial
	q.messages = append(q.messages, m)
	e.wakeAt(q, m.visible)
	return m
}

// wakeAt settles a queue at a time, so that whoever waits for the next event
// finds the message then. It is not drawn out by Faults: Courier does that.
func (e *Engine) wakeAt(q *queue, at time.Time) {
	if at.After(e.now) {
		e.serial++
		heap.Push(&e.timers, timer{at: at, serial: e.serial, do: func() { e.settleQueue(q) }})
	}
}

// settleQueue drops messages older than the retention period and moves those
// that were received too often.
func (e *Engine) settleQueue(q *queue) {
	retention := time.Duration(q.attrs.MessageRetentionPeriod) * time.Second
	d := q.attrs.DeadLetter
	kept := q.messages[:0]
	for _, m := range q.messages {
		if e.now.Sub(m.enqueued) >= retention {
			continue
		}
		if d.Enabled && m.dequeues >= d.MaxReceiveCount && !m.visible.After(e.now) {
			// It keeps the time of its first sending: the retention period
			// is not counted anew.
			if dead, ok := e.queues.get(latest, QueueRef{q.ref.Region, d.Target}.key()); ok {
				e.place(dead, &message{id: e.newMessageID(), body: m.body, priority: m.priority, enqueued: m.enqueued, visible: m.visible})
				continue
			}
		}
		kept = append(kept, m)
	}
	clear(q.messages[len(kept):])
	q.messages = kept
}

// ReceiveMessages hands out up to n messages (1 to 16) and hides each for a
// visibility timeout (0: the queue's). It does not wait: with none to hand out
// it returns none.
func (e *Engine) ReceiveMessages(r QueueRef, n int, visibility time.Duration) (got []Message, err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err != nil {
			return false
		}
		if err = checkRange("numOfMessages", n, 1, MostMessages, "messages"); err != nil {
			return false
		}
		if visibility == 0 {
			visibility = time.Duration(q.attrs.VisibilityTimeout) * time.Second
		}
		c := e.courier()
		for ready := e.ready(q); len(got) < n && len(ready) > 0; {
			i := c.Pick(r.Name, len(ready))
			m := ready[i]
			ready = append(ready[:i:i], ready[i+1:]...)
			if after, again := c.Again(r.Name); again {
				twin := *m
				twin.handle, twin.visible = "", e.now.Add(after)
				e.place(q, &twin)
			}
			got = append(got, e.handOut(q, m, visibility))
		}
		return len(got) > 0
	})
	return got, err
}

// ready returns the messages that can be received, the best first: by priority,
// then by age.
func (e *Engine) ready(q *queue) []*message {
	var out []*message
	for _, m := range q.messages {
		if !m.visible.After(e.now) {
			out = append(out, m)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].priority < out[j].priority })
	return out
}

func (e *Engine) handOut(q *queue, m *message, visibility time.Duration) Message {
	if m.dequeues == 0 {
		m.firstDequeue = e.now
	}
	m.dequeues++
	e.hide(q, m, visibility)
	out := m.look()
	out.ReceiptHandle, out.NextVisible = m.handle, m.visible
	return out
}

// hide makes a message invisible from now on, under a new handle.
func (e *Engine) hide(q *queue, m *message, d time.Duration) {
	m.visible = e.now.Add(d)
	m.handle = e.newHandle(m)
	e.wakeAt(q, m.visible)
}

func (m *message) look() Message {
	first := m.firstDequeue
	if m.dequeues == 0 {
		first = m.enqueued
	}
	return Message{
		ID: m.id, Body: m.body, BodyMD5: bodyMD5(m.body), Enqueued: m.enqueued,
		FirstDequeued: first, DequeueCount: m.dequeues, Priority: m.priority,
	}
}

// PeekMessages looks at up to n messages (1 to 16) that could be received.
func (e *Engine) PeekMessages(r QueueRef, n int) (got []Message, err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err != nil {
			return false
		}
		if err = checkRange("numOfMessages", n, 1, MostMessages, "messages"); err != nil {
			return false
		}
		for _, m := range e.ready(q) {
			if len(got) < n {
				got = append(got, m.look())
			}
		}
		return false
	})
	return got, err
}

// QueueMessages looks at all messages of a queue, whether or not they could be
// received, in order of sending; no API has it.
func (e *Engine) QueueMessages(r QueueRef) (all []Message, err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err == nil {
			for _, m := range q.messages {
				got := m.look()
				got.NextVisible = m.visible
				all = append(all, got)
			}
		}
		return false
	})
	return all, err
}

// PurgeQueue drops all messages of a queue; no API has it.
func (e *Engine) PurgeQueue(r QueueRef) (err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err == nil {
			q.messages = nil
		}
		return err == nil
	})
	return err
}

// DeleteMessage deletes the message that a receipt handle stands for.
func (e *Engine) DeleteMessage(r QueueRef, handle string) (err error) {
	e.mns(func() bool {
		var q *queue
		var i int
		if q, i, err = e.held(r, handle); err != nil {
			return false
		}
		q.messages = append(q.messages[:i:i], q.messages[i+1:]...)
		return true
	})
	return err
}

// ChangeVisibility hides a received message for d (1 s to 12 h) from now on,
// and returns the handle that is good from now on.
func (e *Engine) ChangeVisibility(r QueueRef, handle string, d time.Duration) (newHandle string, next time.Time, err error) {
	e.mns(func() bool {
		var q *queue
		var i int
		if q, i, err = e.held(r, handle); err != nil {
			return false
		}
		if err = checkRange("VisibilityTimeout", int(d/time.Second), 1, 43200, "seconds"); err != nil {
			return false
		}
		m := q.messages[i]
		e.hide(q, m, d)
		newHandle, next = m.handle, m.visible
		return true
	})
	return newHandle, next, err
}

// held finds the message that a handle stands for. A handle is good until the
// message becomes visible again or gets another handle.
func (e *Engine) held(r QueueRef, handle string) (*queue, int, error) {
	q, err := e.queue(latest, r)
	if err != nil {
		return nil, 0, err
	}
	serial, ok := handleSerial(handle)
	if ok && serial <= q.serial {
		for i, m := range q.messages {
			if m.serial == serial {
				if m.handle == handle && m.visible.After(e.now) {
					return q, i, nil
				}
				return nil, 0, errHandle()
			}
		}
		return nil, 0, errNoMessage()
	}
	return nil, 0, errHandle()
}

func errHandle() *Error {
	return &Error{400, "ReceiptHandleError", "The receipt handle you provide is not valid."}
}

func errNoMessage() *Error { return &Error{404, "MessageNotExist", "Message not exist."} }

// newHandle draws a receipt handle. Its form is like the real one's: base64,
// with characters that a URL has to escape.
func (e *Engine) newHandle(m *message) string {
	return "1-" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d-%d-%s", m.serial, m.dequeues, e.newSecret(9)))
}

func handleSerial(handle string) (uint64, bool) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(handle, "1-"))
	if err != nil {
		return 0, false
	}
	head, _, _ := strings.Cut(string(b), "-")
	n, err := strconv.ParseUint(head, 10, 64)
	return n, err == nil && n > 0
}

func (e *Engine) newMessageID() string {
	return fmt.Sprintf("%016X%016X", e.rng.Uint64(), e.rng.Uint64())
}

func bodyMD5(body string) string { return fmt.Sprintf("%X", md5.Sum([]byte(body))) }
