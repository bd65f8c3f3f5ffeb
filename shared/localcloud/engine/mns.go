package engine

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// QueueRef names a queue. All queues are the main account's.
type QueueRef struct {
	Region string
	Name   string
}

func (r QueueRef) key() string { return r.Region + "/" + r.Name }

// QueueAttributes are what the owner of a queue chooses. Start from
// DefaultQueueAttributes: zero is out of range for most.
type QueueAttributes struct {
	DelaySeconds           int // 0 to 604800
	MaximumMessageSize     int // bytes, 1024 to 65536
	MessageRetentionPeriod int // seconds, 60 to 604800
	VisibilityTimeout      int // seconds, 1 to 43200
	PollingWaitSeconds     int // 0 to 30
	LoggingEnabled         bool
	DeadLetter             DeadLetterPolicy
}

// DeadLetterPolicy moves a message that was received too often to another
// queue of the region.
type DeadLetterPolicy struct {
	Enabled         bool
	Target          string // a queue's name; its ARN is understood too
	MaxReceiveCount int    // 1 to 1000
}

// DefaultQueueAttributes are the documented defaults.
func DefaultQueueAttributes() QueueAttributes {
	return QueueAttributes{
		MaximumMessageSize:     65536,
		MessageRetentionPeriod: 345600,
		VisibilityTimeout:      30,
	}
}

// QueueNumbers are a queue's numbers as a request gives them, all or some; for
// their ranges see QueueAttributes.
type QueueNumbers struct {
	DelaySeconds           *int
	MaximumMessageSize     *int
	MessageRetentionPeriod *int
	VisibilityTimeout      *int
	PollingWaitSeconds     *int
}

// Over writes what was given over a queue's attributes.
func (n QueueNumbers) Over(a *QueueAttributes) {
	for _, x := range []struct{ from, to *int }{
		{n.DelaySeconds, &a.DelaySeconds},
		{n.MaximumMessageSize, &a.MaximumMessageSize},
		{n.MessageRetentionPeriod, &a.MessageRetentionPeriod},
		{n.VisibilityTimeout, &a.VisibilityTimeout},
		{n.PollingWaitSeconds, &a.PollingWaitSeconds},
	} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
}

// QueueDescription is a queue as the API describes it.
type QueueDescription struct {
	QueueRef
	QueueAttributes
	CreateTime     int64 // as the APIs write it: Unix milliseconds, or see Switches.QueueTimesInSeconds
	LastModifyTime int64
	Active         int // messages that can be received
	Inactive       int // received and invisible
	Delayed        int // not visible yet
}

type mnsState struct {
	queues  table[*queue]
	deleted map[string]time.Time // when a queue of that key was deleted
}

type queue struct {
	ref      QueueRef
	attrs    QueueAttributes
	created  time.Time
	modified time.Time
	messages []*message // oldest first
	serial   uint64     // of the newest message
}

func (e *Engine) initMns() {
	e.queues = newTable[*queue]()
	e.deleted = map[string]time.Time{}
}

// defaultQueuesPerRegion is the documented quota.
const defaultQueuesPerRegion = 1000

// recently is how long a deleted queue's name stays taken, if
// Switches.QueueNameCoolsDown; the real time is UNCONFIRMED.
const recently = time.Minute

// mns runs f as one step of the cloud. Watchers hear of it only if something
// changed: an empty receive must not wake those who wait for a message.
func (e *Engine) mns(f func() (changed bool)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	timers := len(e.timers)
	e.advance()
	if f() || len(e.timers) != timers {
		e.changed()
	}
}

// CreateQueue makes a queue. It returns false if the queue exists with the same
// attributes, and QueueAlreadyExist if with others.
func (e *Engine) CreateQueue(r QueueRef, a QueueAttributes) (created bool, err error) {
	e.mns(func() bool {
		created, err = e.createQueue(r, a)
		return created
	})
	return created, err
}

func (e *Engine) createQueue(r QueueRef, a QueueAttributes) (bool, error) {
	if err := e.checkQueue(r, &a); err != nil {
		return false, err
	}
	if !slices.ContainsFunc(e.regions, func(x Region) bool { return x.ID == r.Region }) {
		return false, &Error{400, "InvalidRequestURL", fmt.Sprintf("Http request URL format invalid: there is no region %q.", r.Region)}
	}
	if q, ok := e.queues.get(latest, r.key()); ok {
		if q.attrs == a {
			return false, nil
		}
		return false, &Error{409, "QueueAlreadyExist", "The queue you want to create is already exist."}
	}
	if at, ok := e.deleted[r.key()]; ok && e.opt.Switches.QueueNameCoolsDown && e.now.Sub(at) < recently {
		return false, &Error{409, "QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name."}
	}
	most := e.opt.Quotas.QueuesPerRegion
	if most == 0 {
		most = defaultQueuesPerRegion
	}
	if len(e.queues.list(latest, func(q *queue) bool { return q.ref.Region == r.Region })) >= most {
		return false, &Error{400, "QueueNumExceededLimit", fmt.Sprintf("A region can have %d queues.", most)}
	}
	e.queues.put(e.now, r.key(), &queue{ref: r, attrs: a, created: e.now, modified: e.now})
	return true, nil
}

// SetQueueAttributes changes what f changes of a queue's attributes.
func (e *Engine) SetQueueAttributes(r QueueRef, f func(*QueueAttributes)) (err error) {
	e.mns(func() bool {
		err = e.setQueueAttributes(r, f)
		return err == nil
	})
	return err
}

func (e *Engine) setQueueAttributes(r QueueRef, f func(*QueueAttributes)) error {
	q, err := e.queue(latest, r)
	if err != nil {
		return err
	}
	a := q.attrs
	f(&a)
	if err := e.checkQueue(r, &a); err != nil {
		return err
	}
	q.attrs, q.modified = a, e.now
	return nil
}

// DeleteQueue deletes a queue and its messages. Deleting one that does not
// exist succeeds, as the data plane's does.
func (e *Engine) DeleteQueue(r QueueRef) {
	e.mns(func() bool { return e.deleteQueue(r) == nil })
}

func (e *Engine) deleteQueue(r QueueRef) error {
	if _, err := e.queue(latest, r); err != nil {
		return err
	}
	e.queues.remove(e.now, r.key())
	e.deleted[r.key()] = e.now
	return nil
}

// Queue describes a queue.
func (e *Engine) Queue(r QueueRef) (d QueueDescription, err error) {
	e.mns(func() bool {
		var q *queue
		if q, err = e.queue(latest, r); err == nil {
			d = e.describeQueue(q)
		}
		return false
	})
	return d, err
}

// Queues describes a region's queues whose names begin with a prefix, by name.
func (e *Engine) Queues(region, prefix string) (all []QueueDescription) {
	e.mns(func() bool {
		all = e.listQueues(latest, region, prefix)
		return false
	})
	return all
}

func (e *Engine) listQueues(asOf time.Time, region, prefix string) []QueueDescription {
	byName := map[string]QueueDescription{}
	for _, q := range e.queues.list(asOf, nil) {
		if q.ref.Region == region && strings.HasPrefix(q.ref.Name, prefix) {
			byName[q.ref.Name] = e.describeQueue(q)
		}
	}
	out := make([]QueueDescription, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		out = append(out, byName[name])
	}
	return out
}

func (e *Engine) describeQueue(q *queue) QueueDescription {
	e.settleQueue(q)
	d := QueueDescription{
		QueueRef: q.ref, QueueAttributes: q.attrs,
		CreateTime: q.created.UnixMilli(), LastModifyTime: q.modified.UnixMilli(),
	}
	if e.opt.Switches.QueueTimesInSeconds {
		d.CreateTime, d.LastModifyTime = q.created.Unix(), q.modified.Unix()
	}
	if e.opt.Switches.MessageCountsWithdrawn {
		return d
	}
	for _, m := range q.messages {
		switch {
		case !m.visible.After(e.now):
			d.Active++
		case m.dequeues > 0:
			d.Inactive++
		default:
			d.Delayed++
		}
	}
	return d
}

// queue finds a queue, expired and dead messages gone.
func (e *Engine) queue(asOf time.Time, r QueueRef) (*queue, error) {
	if err := checkQueueName(r.Name); err != nil {
		return nil, err
	}
	q, ok := e.queues.get(asOf, r.key())
	if !ok {
		return nil, &Error{404, "QueueNotExist", "The queue name you provided is not exist."}
	}
	e.settleQueue(q)
	return q, nil
}

var queueName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

func checkQueueName(name string) error {
	switch {
	case name == "" || len(name) > 120:
		return &Error{400, "QueueNameLengthError", "Queue name length must be between 1 and 120."}
	case !queueName.MatchString(name):
		return &Error{400, "InvalidQueueName", "The queue name you provided is invalid. QueueName should start with alpha or digit and contain only alpha, digit or -."}
	}
	return nil
}

// checkQueue checks a queue's name and attributes, and writes a dead-letter
// target that is an ARN as the name that it means.
func (e *Engine) checkQueue(r QueueRef, a *QueueAttributes) error {
	if err := checkQueueName(r.Name); err != nil {
		return err
	}
	for _, x := range []struct {
		name             string
		value, low, high int
		unit             string
	}{
		{"DelaySeconds", a.DelaySeconds, 0, 604800, "seconds"},
		{"MaximumMessageSize", a.MaximumMessageSize, 1024, 65536, "bytes"},
		{"MessageRetentionPeriod", a.MessageRetentionPeriod, 60, 604800, "seconds"},
		{"VisibilityTimeout", a.VisibilityTimeout, 1, 43200, "seconds"},
		{"PollingWaitSeconds", a.PollingWaitSeconds, 0, 30, "seconds"},
	} {
		if err := checkRange(x.name, x.value, x.low, x.high, x.unit); err != nil {
			return err
		}
	}
	if !a.DeadLetter.Enabled {
		return nil
	}
	d := &a.DeadLetter
	d.Target = d.Target[strings.LastIndexByte(d.Target, '/')+1:]
	if err := checkRange("MaxReceiveCount", d.MaxReceiveCount, 1, 1000, "receives"); err != nil {
		return err
	}
	if d.Target == r.Name {
		return errArgument("A queue cannot be its own dead-letter queue.")
	}
	if _, ok := e.queues.get(latest, QueueRef{r.Region, d.Target}.key()); !ok {
		return errArgument(fmt.Sprintf("The dead-letter queue %q does not exist in this region.", d.Target))
	}
	return nil
}

func checkRange(name string, value, low, high int, unit string) error {
	if value < low || value > high {
		return errArgument(fmt.Sprintf("The value of %s must be between %d and %d %s.", name, low, high, unit))
	}
	return nil
}

func errArgument(message string) *Error { return &Error{400, "InvalidArgument", message} }
