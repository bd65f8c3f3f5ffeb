// Package servicenow is ServiceNow as a ticket system: a business rule's calls
// come in at a Gate, records are read and written to at a Desk, by the Table
// interface.
package servicenow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/rest"
)

// Config is what the configuration says of ServiceNow.
type Config struct {
	URL      string            `json:"url"`               // such as https://example.service-now.com
	User     string            `json:"user,omitempty"`    // with a password; without a user the secret is an OAuth token
	Account  string            `json:"account"`           // our own user name
	Table    string            `json:"table"`             // such as sc_req_item
	Items    []string          `json:"items,omitempty"`   // names of the catalog items that are looked at; default: all
	Journal  string            `json:"journal,omitempty"` // work_notes, the default, or comments, which the requester reads too
	Request  tickets.Mapping   `json:"request"`           // a catalog item's variables are fields such as variables.vpc
	Approved tickets.Condition `json:"approved"`
	Closed   tickets.Condition `json:"closed,omitempty"` // default: closing a record does nothing
	Done     *Done             `json:"done,omitempty"`   // default: a record stays as it is
}

// Done is what a record's fields become once its connection is proven.
type Done struct {
	Fields map[string]string `json:"fields"`
}

var tableForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9_]{0,79}$`) })

// Check says what is wrong with the configuration, naming the key.
func (c *Config) Check() error {
	if _, err := rest.ParseURL(c.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	switch {
	case c.Account == "":
		return errors.New("account: our own user name is needed, so that our notes are known and our changes are not answered")
	case !tableForm().MatchString(c.Table):
		return errors.New("table: it is a table's name, such as sc_req_item")
	case c.Journal != "" && c.Journal != "work_notes" && c.Journal != "comments":
		return errors.New("journal: it is work_notes or comments")
	case len(c.Approved) == 0:
		return errors.New("approved: say which field's value means that a record is approved")
	case c.Done != nil && len(c.Done.Fields) == 0:
		return errors.New("done.fields: say what becomes of which field")
	}
	for f, v := range c.doneFields() {
		if !tableForm().MatchString(f) {
			return fmt.Errorf("done.fields.%.40s: it is no field's name", f)
		}
		if c.Closed.Holds(f, []string{v}) {
			return fmt.Errorf("done.fields.%s: %s also disconnects, in closed", f, v)
		}
	}
	if err := c.Request.Check(); err != nil {
		return fmt.Errorf("request.%w", err)
	}
	return nil
}

func (c *Config) doneFields() map[string]string {
	if c.Done == nil {
		return nil
	}
	return c.Done.Fields
}

func (c *Config) journal() string {
	if c.Journal == "" {
		return "work_notes"
	}
	return c.Journal
}

// Desk reads and writes records.
type Desk struct {
	c      *Config
	client *rest.Client
}

// NewDesk returns the desk; secret is a password, or an OAuth token.
func NewDesk(c *Config, secret string) (*Desk, error) {
	client, err := rest.New(c.URL, c.User, secret)
	if err != nil {
		return nil, err
	}
	return &Desk{c, client}, nil
}

// value is a field as it is answered by sysparm_display_value=all.
type value struct {
	Value   string `json:"value"`
	Display string `json:"display_value"`
}

// row is a record.
type row map[string]value

// rows reads records of a table that fit a query.
func (d *Desk) rows(ctx context.Context, table, query string, fields []string) ([]row, error) {
	var answer struct {
		Result []row `json:"result"`
	}
	err := d.client.Do(ctx, http.MethodGet, "/api/now/table/"+table, url.Values{
		"sysparm_query": {query}, "sysparm_fields": {strings.Join(fields, ",")},
		"sysparm_display_value": {"all"}, "sysparm_exclude_reference_link": {"true"}, "sysparm_limit": {"1000"},
	}, nil, nil, &answer)
	if rest.StatusOf(err) == http.StatusNotFound { // no record fits
		return nil, nil
	}
	return answer.Result, err
}

// at reads a time in UTC, as values have it.
func (r row) at(field string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", r[field].Value)
	if err != nil {
		return time.Time{}
	}
	return t
}

var idForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{32}$`) })

// basics are the fields that are read whatever the mapping says.
var basics = []string{"sys_id", "number", "cat_item", "opened_by.user_name", "opened_by.name", "sys_created_by", "sys_created_on", "sys_updated_by", "sys_updated_on"}

// Ticket reads a record by its number.
func (d *Desk) Ticket(ctx context.Context, key string, _ json.RawMessage) (*tickets.Ticket, error) {
	fields := append(slices.Clone(basics), d.c.Request.Fields()...)
	for _, c := range []tickets.Condition{d.c.Approved, d.c.Closed} {
		for f := range c {
			fields = append(fields, f)
		}
	}
	for f := range d.c.doneFields() {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	found, err := d.rows(ctx, d.c.Table, "number="+key, slices.Compact(fields))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	r := found[0]
	if !idForm().MatchString(r["sys_id"].Value) {
		return nil, fmt.Errorf("%s has no sys_id that is one", key)
	}
	if len(d.c.Items) > 0 && !slices.Contains(d.c.Items, r["cat_item"].Display) {
		return nil, nil
	}
	t := &tickets.Ticket{
		Key: key, Address: r["sys_id"].Value, Fields: map[string][]string{},
		Reporter: tickets.Person{ID: r["opened_by.user_name"].Value, Name: r["opened_by.name"].Value},
	}
	shown := map[string][]string{} // people configure what they see, or what is stored
	for f, v := range r {
		t.Fields[f] = []string{v.Value}
		shown[f] = []string{v.Value, v.Display}
	}
	if d.c.Closed.Met(shown) {
		t.Closing = &tickets.Decision{By: tickets.Person{ID: r["sys_updated_by"].Value}, At: r.at("sys_updated_on")}
	}
	if d.c.Approved.Met(shown) {
		if t.Approval, err = d.approval(ctx, r); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// approval finds who approved a record, and when: of ServiceNow's own approvals
// the newest, else the newest change that made the condition hold, as far as the
// table is audited. Where neither tells, whoever made the record.
func (d *Desk) approval(ctx context.Context, r row) (*tickets.Decision, error) {
	id := r["sys_id"].Value
	found := &tickets.Decision{By: tickets.Person{ID: r["sys_created_by"].Value}, At: r.at("sys_created_on")}
	own, err := d.rows(ctx, "sysapproval_approver", "sysapproval="+id+"^state=approved", []string{"approver.user_name", "approver.name", "sys_updated_on"})
	if err != nil {
		return nil, err
	}
	if len(d.c.Approved["approval"]) > 0 && len(own) > 0 {
		for _, a := range own {
			if at := a.at("sys_updated_on"); !at.Before(found.At) {
				found = &tickets.Decision{By: tickets.Person{ID: a["approver.user_name"].Value, Name: a["approver.name"].Value}, At: at}
			}
		}
		return found, nil
	}
	changes, err := d.rows(ctx, "sys_audit", "documentkey="+id, []string{"fieldname", "oldvalue", "newvalue", "user", "sys_created_on"})
	if status := rest.StatusOf(err); status == http.StatusForbidden || status == http.StatusUnauthorized {
		return found, nil // our account may not read the audit: then only ServiceNow's own approvals count
	}
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		field, at := c["fieldname"].Value, c.at("sys_created_on")
		if d.c.Approved.Holds(field, []string{c["newvalue"].Value}) && !d.c.Approved.Holds(field, []string{c["oldvalue"].Value}) && !at.Before(found.At) {
			found = &tickets.Decision{By: tickets.Person{ID: c["user"].Value}, At: at}
		}
	}
	return found, nil
}

// Said reads our own notes.
func (d *Desk) Said(ctx context.Context, t *tickets.Ticket) ([]tickets.Said, error) {
	notes, err := d.rows(ctx, "sys_journal_field", "element_id="+t.Address+"^element="+d.c.journal()+"^ORDERBYsys_created_on", []string{"value", "sys_created_by", "sys_created_on"})
	if err != nil {
		return nil, err
	}
	var out []tickets.Said
	for _, n := range notes {
		if m, ok := tickets.FindMarker(n["value"].Value); ok && n["sys_created_by"].Value == d.c.Account {
			out = append(out, tickets.Said{Marker: m, At: n.at("sys_created_on")})
		}
	}
	slices.SortStableFunc(out, func(a, b tickets.Said) int { return a.At.Compare(b.At) })
	return out, nil
}

// code opens and closes what a journal shows as HTML.
var code = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\[(/?code)\]`) })

// Say writes a note.
func (d *Desk) Say(ctx context.Context, t *tickets.Ticket, c tickets.Comment) error {
	text := code().ReplaceAllString(c.Text(), "[ $1 ]")
	return d.patch(ctx, t, map[string]string{d.c.journal(): text + "\n\n" + c.Marker.String()})
}

// Finish gives a record's fields their last values.
func (d *Desk) Finish(ctx context.Context, t *tickets.Ticket) (string, error) {
	change := map[string]string{}
	for f, v := range d.c.doneFields() {
		if !slices.Contains(t.Fields[f], v) {
			change[f] = v
		}
	}
	if len(change) == 0 {
		return "", nil
	}
	err := d.patch(ctx, t, change)
	var down *tickets.Unreachable
	if status := rest.StatusOf(err); (status == http.StatusBadRequest || status == http.StatusForbidden) && !errors.As(err, &down) {
		return "The record could not be finished; do that by hand.", nil
	}
	return "", err
}

func (d *Desk) patch(ctx context.Context, t *tickets.Ticket, fields map[string]string) error {
	body, err := json.Marshal(fields)
	if err != nil { // texts cannot fail
		return err
	}
	return d.client.Do(ctx, http.MethodPatch, "/api/now/table/"+d.c.Table+"/"+t.Address, url.Values{"sysparm_fields": {"sys_id"}}, nil, body, nil)
}
