package trigger

import (
	"log/slog"
	"time"
)

// Invocation is what Function Compute says about one invocation. Clients are
// built from it, anew each time: its credentials are the role's, and expire.
type Invocation struct {
	RequestID    string
	FunctionName string
	Region       string // of the deployment
	AccountID    string
	Credentials  Credentials
	Deadline     time.Time
}

// Credentials are the function role's temporary keys.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// Kind is what delivered an event.
type Kind string

// The kinds of trigger.
const (
	KindHTTP  Kind = "http"
	KindTimer Kind = "timer"
	KindQueue Kind = "queue"
)

// Event is a decoded event: exactly one of HTTP, Timer and Queue is set, by Kind.
type Event struct {
	Kind  Kind
	HTTP  *HTTPEvent
	Timer *TimerEvent
	Queue []QueueMessage
}

// HTTPEvent is a request to the HTTP trigger, its body decoded.
type HTTPEvent struct {
	Method    string
	RawPath   string // URL-encoded
	Path      string
	Query     map[string]string
	Header    map[string]string // keys as received; look them up without regard to case
	Body      []byte
	SourceIP  string
	RequestID string
}

// TimerEvent is a tick of a timer trigger.
type TimerEvent struct {
	Name    string
	Payload string
	At      time.Time
}

// QueueMessage is one message of a queue, however it was wrapped.
type QueueMessage struct {
	ID    string // MNS message id; "" if the event does not say
	Queue string // name of the queue, from the event's subject; "" if the event does not say
	Body  []byte // of the message, base64 undone
}

// redacted stands for credentials wherever they are printed or logged.
const redacted = "[credentials]"

// String, GoString and LogValue keep credentials out of every log line.
func (Credentials) String() string { return redacted }

// GoString keeps credentials out of %#v.
func (Credentials) GoString() string { return redacted }

// LogValue keeps credentials out of structured logs.
func (Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON keeps credentials out of JSON.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
