// Package cloudevents is any ticket system that sends CloudEvents (version 1.0,
// structured), and takes them: what happens to a ticket comes as events, and what
// is to be said of it goes back as events. Such a ticket cannot be read, so an
// event has all of it, and whoever approves a plan names its hash.
//
// Both ways an event is signed: X-Signature is sha256=<hex>, the HMAC-SHA256 of
// X-Timestamp (Unix seconds), a full stop and the raw body.
package cloudevents

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/rest"
)

// Config is what the configuration says of it.
type Config struct {
	Sources []string        `json:"sources"`       // of events that are taken
	URL     string          `json:"url,omitempty"` // where comments go; default: nowhere, they are logged
	Request tickets.Mapping `json:"request"`       // fields are those of an event's data.fields
}

// Check says what is wrong with the configuration, naming the key.
func (c *Config) Check() error {
	if c.URL != "" {
		if _, err := rest.ParseURL(c.URL); err != nil {
			return fmt.Errorf("url: %w", err)
		}
	}
	if len(c.Sources) == 0 {
		return fmt.Errorf("sources: at least one is needed")
	}
	if err := c.Request.Check(); err != nil {
		return fmt.Errorf("request.%w", err)
	}
	return nil
}

const (
	mediaType       = "application/cloudevents+json"
	signatureHeader = "X-Signature"
	timeHeader      = "X-Timestamp"
	window          = 5 * time.Minute
)

// What an event's data says that a ticket is.
const (
	stateRequested = "requested" // to be planned
	stateApproved  = "approved"  // data.planHash names what was approved
	stateClosed    = "closed"    // the connection is to go
)

// data is an event's data.
type data struct {
	Ticket   string                     `json:"ticket"`
	State    string                     `json:"state"`
	By       person                     `json:"by"`                 // who did that
	Reporter person                     `json:"reporter,omitzero"`  // who wants the connection; default: By
	PlanHash string                     `json:"planHash,omitempty"` // as the comment with the plan had it
	Fields   map[string]json.RawMessage `json:"fields"`
}

type person struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

// Gate takes events.
type Gate struct {
	Config  *Config
	Secrets tickets.Secrets
}

// Receive takes an event.
func (g *Gate) Receive(header http.Header, body []byte, now time.Time) (tickets.Delivery, error) {
	var d tickets.Delivery
	at := header.Get(timeHeader)
	if !g.Secrets.Signed(header.Get(signatureHeader), signedText(at, body)) {
		return d, fmt.Errorf("%w: %s is not the event's", tickets.ErrStranger, signatureHeader)
	}
	if err := tickets.Recent(at, now, window); err != nil {
		return d, err
	}
	if media, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || media != mediaType {
		return d, fmt.Errorf("%w: its content type is not %s", tickets.ErrMalformed, mediaType)
	}
	var e struct {
		SpecVersion string `json:"specversion"`
		ID          string `json:"id"`
		Source      string `json:"source"`
		Type        string `json:"type"`
		Data        data   `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.SpecVersion != "1.0" || e.ID == "" || e.Source == "" || e.Type == "" {
		return d, fmt.Errorf("%w: it is no CloudEvent of version 1.0", tickets.ErrMalformed)
	}
	if !slices.Contains(g.Config.Sources, e.Source) {
		return tickets.Delivery{Ignored: "it is of another source"}, nil
	}
	if !slices.Contains([]string{stateRequested, stateApproved, stateClosed}, e.Data.State) {
		return tickets.Delivery{Ignored: "nothing is done in this state"}, nil
	}
	// Only what is mapped travels on, however long a description is.
	fields := map[string]json.RawMessage{}
	for _, f := range g.Config.Request.Fields() {
		if v, ok := e.Data.Fields[f]; ok {
			fields[f] = v
		}
	}
	e.Data.Fields = fields
	event, err := json.Marshal(e.Data)
	if err != nil || strings.ContainsAny(string(event), "\uFFFE\uFFFF") { // no queue takes those
		return d, fmt.Errorf("%w: its data cannot be read", tickets.ErrMalformed)
	}
	return tickets.Delivery{Key: e.Data.Ticket, Event: event}, nil
}

// signedText is what a signature is made of.
func signedText(at string, body []byte) []byte {
	return append([]byte(at+"."), body...)
}

// Desk makes tickets of events, and sends comments as events.
type Desk struct {
	c      *Config
	client *rest.Client
	secret string
	source string
	clock  func() time.Time
}

// NewDesk returns the desk of a deployment. Events are signed by the first
// secret.
func NewDesk(c *Config, secrets tickets.Secrets, prefix string) (*Desk, error) {
	d := &Desk{c: c, source: "/vpcinterconnect/" + prefix, clock: time.Now}
	if len(secrets) > 0 {
		d.secret = secrets[0]
	}
	if c.URL == "" {
		return d, nil
	}
	var err error
	d.client, err = rest.New(c.URL, "", "")
	return d, err
}

// Ticket makes a ticket of an event, or, without one, of its key alone.
func (d *Desk) Ticket(_ context.Context, key string, event json.RawMessage) (*tickets.Ticket, error) {
	t := &tickets.Ticket{Key: key, Address: key, Fields: map[string][]string{}}
	if len(event) == 0 {
		return t, nil
	}
	var e data
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("the event cannot be read: %w", err)
	}
	for name, raw := range e.Fields {
		t.Fields[name] = tickets.Values(raw)
	}
	by := tickets.Person(e.By)
	if t.Reporter = by; e.Reporter.ID != "" {
		t.Reporter = tickets.Person(e.Reporter)
	}
	did := &tickets.Decision{By: by, PlanHash: e.PlanHash}
	switch e.State {
	case stateApproved:
		t.Approval = did
	case stateClosed:
		t.Closing = did
	}
	return t, nil
}

// Said knows of nothing: comments that were sent cannot be read back.
func (d *Desk) Said(context.Context, *tickets.Ticket) ([]tickets.Said, error) { return nil, nil }

// Say sends a comment. Its id is the comment's marker: whoever takes it drops
// what has an id that is known.
func (d *Desk) Say(ctx context.Context, t *tickets.Ticket, c tickets.Comment) error {
	if d.client == nil {
		return nil
	}
	about := map[string]string{"ticket": t.Key, "connectionId": c.Marker.ConnectionID, "kind": string(c.Marker.Kind), "text": c.Text()}
	if c.Marker.Kind == tickets.KindPlan && len(c.Marker.Details) > 1 {
		about["planHash"] = c.Marker.Details[1]
	}
	now := d.clock().UTC()
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": c.Marker.String(), "source": d.source, "type": "vpcinterconnect.ticket.comment",
		"subject": t.Key, "time": now.Format(time.RFC3339), "datacontenttype": "application/json", "data": about,
	})
	if err != nil { // texts cannot fail
		return err
	}
	at := strconv.FormatInt(now.Unix(), 10)
	return d.client.Do(ctx, http.MethodPost, "", nil, http.Header{
		"Content-Type": {mediaType}, timeHeader: {at}, signatureHeader: {"sha256=" + hex.EncodeToString(tickets.Sum(d.secret, signedText(at, body)))},
	}, body, nil)
}

// Finish does nothing: the ticket's own system hears that it is connected.
func (d *Desk) Finish(context.Context, *tickets.Ticket) (string, error) { return "", nil }
