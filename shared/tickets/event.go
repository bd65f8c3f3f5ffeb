package tickets

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// TypeTouched is the type of the event that says that a ticket was touched: it
// is to be read, and what it wants to be done.
const TypeTouched = "vpcinterconnect.ticket.touched"

// Event is a message of the queue of tickets: that a ticket was touched, or an
// announcement of the chain that could not be told yet. It goes round again with
// its attempts counted. Announcements come on the queue of outcomes first.
type Event struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Subject     string          `json:"subject"`
	Time        time.Time       `json:"time"`
	ContentType string          `json:"datacontenttype"`
	Attempts    int             `json:"attempts,omitempty"` // that failed; an extension of ours
	Waits       int             `json:"waits,omitempty"`    // in a row, for another run or for the record; likewise
	Data        json.RawMessage `json:"data"`
}

// touched is the data of an event of the types TypeTouched and TypeSwept.
type touched struct {
	ConnectionID string          `json:"connectionId"`
	Ticket       string          `json:"ticket"`
	Event        json.RawMessage `json:"event,omitempty"` // what came of it, where the ticket itself cannot be read
}

// touch makes the event of a delivery.
func touch(prefix, id, trace string, d Delivery, now time.Time) Event {
	data, err := json.Marshal(touched{ConnectionID: id, Ticket: d.Key, Event: d.Event})
	if err != nil { // it was parsed before
		panic(err)
	}
	return Event{
		SpecVersion: "1.0", ID: id + "/ticket/" + trace, Source: "/vpcinterconnect/" + prefix, Type: TypeTouched,
		Subject: id, Time: now.UTC(), ContentType: "application/json", Data: data,
	}
}

// body is the event as it travels.
func (e Event) body() []byte {
	text, err := json.Marshal(e)
	if err != nil { // it was parsed before, or made of plain text
		panic(err)
	}
	return text
}

// parseEvent reads a message. An error means that nobody of this version
// understands it.
func parseEvent(body []byte) (Event, chain.Change, touched, error) {
	var e Event
	var change chain.Change
	var t touched
	if err := json.Unmarshal(body, &e); err != nil {
		return e, change, t, fmt.Errorf("not an event: %w", err)
	}
	if e.SpecVersion != "1.0" || e.ID == "" || !strings.HasPrefix(e.Type, "vpcinterconnect.") {
		return e, change, t, fmt.Errorf("not an event of this project")
	}
	var err error
	if e.Type == TypeTouched || e.Type == TypeSwept {
		err = json.Unmarshal(e.Data, &t)
		change.ConnectionID = t.ConnectionID
	} else {
		err = json.Unmarshal(e.Data, &change)
	}
	switch {
	case err != nil:
		return e, change, t, fmt.Errorf("the event's data cannot be read: %w", err)
	case !interconnect.ValidID(change.ConnectionID):
		return e, change, t, fmt.Errorf("%.64q is no connection id", change.ConnectionID)
	}
	return e, change, t, nil
}

// backoffs are the pauses after the first, second, ... attempt that failed. A
// ticket system that is down for ten minutes is told within a minute after.
var backoffs = []time.Duration{
	2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// waits are the pauses while another run handles the ticket, or a record reads
// old. They grow, since queues deliver twice now and then, and each copy waits on.
var waits = []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

// backoff is the pause after an attempt that failed; n counts it.
func backoff(n int) time.Duration { return backoffs[min(max(n, 1), len(backoffs))-1] }

const (
	// maxAttempts is how often an event is tried: about two days, as long as
	// the queue keeps it with something to spare.
	maxAttempts = 300
	// patience is after how many attempts a failure of the cloud is told on the
	// ticket, so that its reporter does not wait for nothing.
	patience = 5
	// lag is how long a record may read older than what an event tells.
	lag = time.Minute
)
