package mns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"

	"vpcinterconnect/shared/trigger"
)

// Limits of the service (MNS, "Limits").
const (
	// MaxBody is the largest message body, in bytes.
	MaxBody = 64 << 10
	// MaxDelay is the longest time for which a message can be hidden.
	MaxDelay = 7 * 24 * time.Hour
	// maxPeek is how many messages one look returns at most.
	maxPeek = 16
	// maxPoll is the longest time for which a receive can wait.
	maxPoll = 30 * time.Second
)

// priority is the service's default. The SDK sends 0, which is out of range.
const priority = 8

// defaultTimeout is how long one request may take.
const defaultTimeout = 10 * time.Second

var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`) })

// longestName is how long a queue's name may be.
const longestName = 120

// Options say where the queues are.
type Options struct {
	Endpoint  string            // https://<account id>.mns.<region>.aliyuncs.com
	Prefix    string            // of the deployment; a queue's full name is <prefix>-<queue>
	Transport http.RoundTripper // nil: the network
	Timeout   time.Duration     // of one request; zero: 10 s
}

// Client works on a deployment's queues with one invocation's credentials. It
// may be used from many goroutines.
type Client struct {
	endpoint    string
	prefix      string
	credentials trigger.Credentials
	transport   http.RoundTripper
	timeout     time.Duration
}

// Message is a message as a queue gives it.
type Message struct {
	ID           string
	Handle       string // to delete it by, until NextVisible; "" after a Peek
	Body         []byte
	Enqueued     time.Time
	FirstDequeue time.Time
	DequeueCount int
}

// New returns a client for an invocation. Bad options are an error.
func New(inv trigger.Invocation, o Options) (*Client, error) {
	at, err := endpoint(o.Endpoint)
	switch {
	case err != nil:
		return nil, err
	case inv.Credentials.AccessKeyID == "" || inv.Credentials.AccessKeySecret == "":
		return nil, errors.New("the invocation has no credentials: give the function a role")
	case o.Prefix == "":
		return nil, errors.New("the deployment's prefix is missing")
	}
	c := &Client{endpoint: at, prefix: o.Prefix, credentials: inv.Credentials, transport: o.Transport, timeout: o.Timeout}
	if c.transport == nil {
		c.transport = shared
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	return c, nil
}

// Send puts body on the queue, to be seen after delay (rounded up to whole
// seconds). If no answer comes it sends once more: a message that arrives twice
// changes nothing, one that is lost costs minutes.
func (c *Client) Send(ctx context.Context, queue string, body []byte, delay time.Duration) error {
	const operation = "SendMessage"
	if err := c.sendable(operation, queue, body, delay); err != nil {
		return err
	}
	request := ali_mns.MessageSendRequest{
		MessageBody:  string(body),
		DelaySeconds: int64((delay + time.Second - 1) / time.Second),
		Priority:     priority,
	}
	send := func() error {
		return c.call(ctx, operation, queue, c.timeout, func(q ali_mns.AliMNSQueue) error {
			_, err := q.SendMessage(request)
			return err
		})
	}
	err := send()
	var e *Error
	if errors.As(err, &e) && e.Unknown && ctx.Err() == nil {
		err = send()
	}
	return err
}

// sendable refuses what the service would refuse, or the SDK garble.
func (c *Client) sendable(operation, queue string, body []byte, delay time.Duration) error {
	message := ""
	switch {
	case len(body) == 0:
		message = "the body is empty"
	case len(body) > MaxBody:
		message = fmt.Sprintf("the body has %d bytes, more than %d", len(body), MaxBody)
	case !xmlSafe(body):
		message = "the body holds characters that XML cannot carry: send JSON"
	case delay < 0 || delay > MaxDelay:
		message = fmt.Sprintf("a delay of %s is not within 0 to %s", delay, MaxDelay)
	default:
		return nil
	}
	return &Error{Class: Invalid, Operation: operation, Queue: c.name(queue), Message: message}
}

// xmlSafe tells whether XML 1.0 can carry a text unchanged.
func xmlSafe(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	return !strings.ContainsFunc(string(b), func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
	})
}

// Receive takes the next message and hides it for the queue's visibility
// timeout. It waits up to wait (whole seconds, at most 30) for one to come; nil
// without an error means that none did.
func (c *Client) Receive(ctx context.Context, queue string, wait time.Duration) (*Message, error) {
	wait = min(max(wait, 0), maxPoll).Truncate(time.Second)
	var got *Message
	err := c.call(ctx, "ReceiveMessage", queue, c.timeout+wait, func(q ali_mns.AliMNSQueue) error {
		answers, errs := make(chan ali_mns.MessageReceiveResponse, 1), make(chan error, 1)
		if wait > 0 {
			q.ReceiveMessage(answers, errs, int64(wait/time.Second))
		} else {
			q.ReceiveMessage(answers, errs) // a zero would make it return at once
		}
		select {
		case a := <-answers:
			got = &Message{ID: a.MessageId, Handle: a.ReceiptHandle, Body: []byte(a.MessageBody),
				Enqueued: millis(a.EnqueueTime), FirstDequeue: millis(a.FirstDequeueTime), DequeueCount: int(a.DequeueCount)}
			return nil
		case err := <-errs:
			return err
		default:
			return errors.New("the SDK returned nothing")
		}
	})
	if empty(err) {
		return nil, nil
	}
	return got, err
}

// Peek looks at the next messages, at most 16, and leaves them where they are.
func (c *Client) Peek(ctx context.Context, queue string, most int) ([]Message, error) {
	var got []Message
	err := c.call(ctx, "BatchPeekMessage", queue, c.timeout, func(q ali_mns.AliMNSQueue) error {
		answers, errs := make(chan ali_mns.BatchMessageReceiveResponse, 1), make(chan error, 1)
		q.BatchPeekMessage(answers, errs, int32(min(max(most, 1), maxPeek)))
		select {
		case batch := <-answers:
			for _, a := range batch.Messages {
				got = append(got, Message{ID: a.MessageId, Body: []byte(a.MessageBody),
					Enqueued: millis(a.EnqueueTime), FirstDequeue: millis(a.FirstDequeueTime), DequeueCount: int(a.DequeueCount)})
			}
			return nil
		case err := <-errs:
			return err
		default:
			return errors.New("the SDK returned nothing")
		}
	})
	if empty(err) {
		return nil, nil
	}
	return got, err
}

// Delete removes a message that was received. One that is gone already is no
// error.
func (c *Client) Delete(ctx context.Context, queue, handle string) error {
	if handle == "" {
		return &Error{Class: Invalid, Operation: "DeleteMessage", Queue: c.name(queue), Message: "the receipt handle is empty"}
	}
	err := c.call(ctx, "DeleteMessage", queue, c.timeout, func(q ali_mns.AliMNSQueue) error { return q.DeleteMessage(handle) })
	if empty(err) {
		return nil
	}
	return err
}

// call makes one call of the SDK. Queue objects are not shared: their rate
// monitor races.
func (c *Client) call(ctx context.Context, operation, queue string, timeout time.Duration, do func(ali_mns.AliMNSQueue) error) (err error) {
	name := c.name(queue)
	if len(name) > longestName || !nameForm().MatchString(name) {
		return &Error{Class: Invalid, Operation: operation, Queue: fmt.Sprintf("%.130q", name), Message: "that is no queue name"}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", operation, name, ctx.Err())
	}
	defer func() {
		if p := recover(); p != nil { // the line is lost with it
			err = &Error{Class: Transient, Operation: operation, Queue: name, Message: "the SDK panicked", Unknown: true}
		}
	}()
	l := take(c.endpoint)
	l.ctx, l.credentials, l.transport = ctx, c.credentials, c.transport
	failure := do(ali_mns.NewMNSQueue(name, l.sdk))
	err = l.verdict(operation, name, failure)
	l.put(c.endpoint)
	return err
}

// verdict makes our error of what the SDK returned. Its own words hold bodies,
// hosts and stacks; only ours get out.
func (l *line) verdict(operation, queue string, failure error) error {
	switch {
	case l.refused != nil:
		e := *l.refused
		e.Operation, e.Queue = operation, queue
		return &e
	case l.err != nil && l.ctx.Err() != nil && errors.Is(l.err, l.ctx.Err()):
		return &Error{Class: Transient, Operation: operation, Queue: queue, Message: "no answer in time", Unknown: true}
	case l.err != nil:
		return &Error{Class: Transient, Operation: operation, Queue: queue, Message: l.err.Error(), Unknown: true}
	case failure != nil:
		return &Error{Class: Transient, Operation: operation, Queue: queue, Message: "the answer could not be understood", Unknown: true}
	}
	return nil
}

func (c *Client) name(queue string) string { return c.prefix + "-" + queue }

func empty(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == codeEmpty
}

// millis reads the service's times: milliseconds since 1970; 0 is none.
func millis(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
