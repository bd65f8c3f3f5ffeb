package tickets

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// System is a ticket system, by the name that it has in paths, in the
// configuration and as the one who asks for a ticket's connection.
type System string

// The ticket systems. CloudEvents is any that sends and takes those.
const (
	Jira        System = "jira"
	ServiceNow  System = "servicenow"
	CloudEvents System = "cloudevents"
)

// Person is somebody whom the ticket system knows.
type Person struct {
	ID   string // for policies: account id or user name
	Name string // for people
}

// String is the person's name, or what else there is.
func (p Person) String() string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

// Ticket is a ticket as it is now.
type Ticket struct {
	Key      string              // for people and for the connection's id
	Address  string              // what its Desk finds it by
	Reporter Person              // who wants the connection
	Fields   map[string][]string // values of the fields that the mapping names
	Approval *Decision           // that made it approved; nil: it is not
	Closing  *Decision           // that closed it so that the connection is to go; nil: it is not
}

// Decision is what somebody did with a ticket. At is by the ticket system's
// clock, as Said's.
type Decision struct {
	By       Person
	At       time.Time
	PlanHash string // of the plan that was decided on, if the system says so itself
}

// Said is a comment of ours that is on a ticket.
type Said struct {
	Marker Marker
	At     time.Time
}

// Desk is where a system's tickets are read and written to. Errors that may
// pass are *Unreachable.
type Desk interface {
	// Ticket reads a ticket; event is what came of it, where the system's
	// tickets cannot be read. nil without an error: there is no such ticket, or
	// it is none that this deployment is to look at.
	Ticket(ctx context.Context, key string, event json.RawMessage) (*Ticket, error)
	// Said reads our own comments, the oldest first.
	Said(ctx context.Context, t *Ticket) ([]Said, error)
	// Say writes a comment.
	Say(ctx context.Context, t *Ticket, c Comment) error
	// Finish moves the ticket on, once its connection is proven, if so
	// configured. note says what kept it from that. Twice does no harm.
	Finish(ctx context.Context, t *Ticket) (note string, err error)
}

// Gate is where a system's deliveries come in.
type Gate interface {
	// Receive authenticates a delivery, and only then reads it. The error is
	// ErrStranger or ErrMalformed, wrapped.
	Receive(header http.Header, body []byte, now time.Time) (Delivery, error)
}

// Delivery is what a ticket system has sent.
type Delivery struct {
	Key     string          // of the ticket that it is about
	Ignored string          // why there is nothing to do, if so
	Event   json.RawMessage // to be given to the Desk
}

// Counter is one ticket system as it is configured.
type Counter struct {
	Gate    Gate
	Desk    Desk
	Mapping Mapping
	Blind   bool // its comments cannot be read back: each event is told as it comes, and whoever gets them drops repeats
}

// Unreachable says that a ticket system could not be asked for now.
type Unreachable struct {
	Err   error
	After time.Duration // the system's own wish; 0: none
}

func (e *Unreachable) Error() string { return e.Err.Error() }
func (e *Unreachable) Unwrap() error { return e.Err }

// identity is how a system's keys become ids of connections.
type identity struct {
	prefix string
	key    *regexp.Regexp
	encode func(string) string
	decode func(string) string
}

// Each encoding can be undone: a broken connection has to find its ticket. In
// Jira's keys, an underscore becomes two hyphens; the last hyphen is the one
// before the number.
var identities = map[System]identity{
	Jira: {"jira-", regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,15}-[1-9][0-9]{0,9}$`),
		func(k string) string { return strings.ToLower(strings.ReplaceAll(k, "_", "--")) },
		func(s string) string {
			at := strings.LastIndex(s, "-")
			if at < 0 {
				return ""
			}
			return strings.ToUpper(strings.ReplaceAll(s[:at], "--", "_") + s[at:])
		}},
	ServiceNow:  {"snow-", regexp.MustCompile(`^[A-Z]{2,10}[0-9]{1,20}$`), strings.ToLower, strings.ToUpper},
	CloudEvents: {"ce-", regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`), strings.Clone, strings.Clone},
}

// Systems are all of them.
var Systems = []System{Jira, ServiceNow, CloudEvents}

// ConnectionID is the id of a ticket's connection. ok is false for what cannot
// be a ticket's key.
func ConnectionID(s System, key string) (id string, ok bool) {
	i, known := identities[s]
	if !known || !i.key.MatchString(key) {
		return "", false
	}
	id = i.prefix + i.encode(key)
	return id, interconnect.ValidID(id)
}

// TicketOf is the ticket that a connection's id was made of.
func TicketOf(id string) (s System, key string, ok bool) {
	for _, s := range Systems {
		rest, has := strings.CutPrefix(id, identities[s].prefix)
		if !has {
			continue
		}
		key := identities[s].decode(rest)
		if back, ok := ConnectionID(s, key); ok && back == id {
			return s, key, true
		}
	}
	return "", "", false
}

// Condition tells by a ticket's fields whether something holds: one of the
// fields has one of the values. An empty one never holds.
type Condition map[string][]string

// Holds tells whether a field's values make the condition hold. Case does not
// count, as people type labels.
func (c Condition) Holds(field string, values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return slices.ContainsFunc(c[field], func(want string) bool { return strings.EqualFold(want, strings.TrimSpace(v)) })
	})
}

// Met tells whether any field makes the condition hold.
func (c Condition) Met(fields map[string][]string) bool {
	for field := range c {
		if c.Holds(field, fields[field]) {
			return true
		}
	}
	return false
}
