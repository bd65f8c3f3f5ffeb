// Package jira is Jira as a ticket system: its webhooks come in at a Gate, its
// issues are read and commented on at a Desk. Jira Cloud is called by version 3
// of its interface, whose comments are documents; Data Center by version 2,
// whose comments are wiki text.
package jira

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/rest"
)

// Config is what the configuration says of Jira.
type Config struct {
	URL        string            `json:"url"`                  // such as https://example.atlassian.net
	Edition    string            `json:"edition"`              // cloud or datacenter
	User       string            `json:"user,omitempty"`       // cloud: the e-mail address whose API token is used; datacenter: none, its token stands alone
	Account    string            `json:"account"`              // our own account: its id (cloud) or user name (datacenter)
	Projects   []string          `json:"projects"`             // whose issues are looked at
	IssueTypes []string          `json:"issueTypes,omitempty"` // default: all
	Request    tickets.Mapping   `json:"request"`
	Approved   tickets.Condition `json:"approved"`
	Closed     tickets.Condition `json:"closed,omitempty"` // default: closing an issue does nothing
	Done       *Done             `json:"done,omitempty"`   // default: an issue stays where it is
}

// Done is where an issue goes once its connection is proven.
type Done struct {
	Transition string `json:"transition"` // its id
	Status     string `json:"status"`     // that it leads to
}

// Check says what is wrong with the configuration, naming the key.
func (c *Config) Check() error {
	if _, err := rest.ParseURL(c.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	switch {
	case c.Edition != "cloud" && c.Edition != "datacenter":
		return errors.New("edition: it is cloud or datacenter")
	case c.Edition == "cloud" && c.User == "":
		return errors.New("user: Jira Cloud's API tokens belong to an e-mail address; give it")
	case c.Edition == "datacenter" && c.User != "":
		return errors.New("user: Data Center's personal access tokens stand alone; leave it out")
	case c.Account == "":
		return errors.New("account: our own account is needed, so that its comments are known and its changes are not answered")
	case len(c.Projects) == 0:
		return errors.New("projects: at least one is needed")
	case len(c.Approved) == 0:
		return errors.New("approved: say which field's value means that an issue is approved")
	case c.Done != nil && (c.Done.Transition == "" || c.Done.Status == ""):
		return errors.New("done: it needs a transition's id, and the status that it leads to")
	case c.Done != nil && c.Closed.Holds("status", []string{c.Done.Status}):
		return fmt.Errorf("done.status: %s is also one that disconnects, in closed", c.Done.Status)
	}
	if err := c.Request.Check(); err != nil {
		return fmt.Errorf("request.%w", err)
	}
	return nil
}

// Desk reads and writes issues.
type Desk struct {
	c      *Config
	client *rest.Client
	api    string // path of the interface's version
}

// NewDesk returns the desk; token is an API token or a personal access token.
func NewDesk(c *Config, token string) (*Desk, error) {
	client, err := rest.New(c.URL, c.User, token)
	if err != nil {
		return nil, err
	}
	d := &Desk{c: c, client: client, api: "/rest/api/2"}
	if c.Edition == "cloud" {
		d.api = "/rest/api/3"
	}
	return d, nil
}

// user is somebody, as either edition spells it.
type user struct {
	AccountID   string `json:"accountId"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

func (u user) person() tickets.Person {
	return tickets.Person{ID: cmp.Or(u.AccountID, u.Name), Name: u.DisplayName}
}

func (u user) is(account string) bool {
	return account != "" && (u.AccountID == account || u.Name == account)
}

// moment is a time as Jira spells it.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%.40q is no time", s)
}

// issue is an issue as it is answered, with its changes.
type issue struct {
	Key       string                     `json:"key"`
	Fields    map[string]json.RawMessage `json:"fields"`
	Changelog struct {
		Histories []history `json:"histories"`
	} `json:"changelog"`
}

type history struct {
	Author  user   `json:"author"`
	Created moment `json:"created"`
	Items   []struct {
		Field   string `json:"field"`
		FieldID string `json:"fieldId"`
		From    string `json:"fromString"`
		To      string `json:"toString"`
	} `json:"items"`
}

// basics are the fields that are read whatever the mapping says. A description
// is not among them, however long it is.
var basics = []string{"project", "issuetype", "status", "labels", "reporter", "creator", "created"}

// Ticket reads an issue.
func (d *Desk) Ticket(ctx context.Context, key string, _ json.RawMessage) (*tickets.Ticket, error) {
	fields := append(slices.Clone(basics), d.c.Request.Fields()...)
	for _, c := range []tickets.Condition{d.c.Approved, d.c.Closed} {
		for f := range c {
			fields = append(fields, f)
		}
	}
	slices.Sort(fields)
	var i issue
	err := d.client.Do(ctx, http.MethodGet, d.api+"/issue/"+url.PathEscape(key), url.Values{
		"fields": {strings.Join(slices.Compact(fields), ",")}, "expand": {"changelog"},
	}, nil, nil, &i)
	if rest.StatusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if i.Key != key { // an issue that was moved answers by its new key
		return nil, nil
	}
	return d.read(&i)
}

func (d *Desk) read(i *issue) (*tickets.Ticket, error) {
	var own struct {
		Project, IssueType struct{ Key, Name string }
		Reporter, Creator  *user
		Created            moment
	}
	for name, into := range map[string]any{
		"project": &own.Project, "issuetype": &own.IssueType, "reporter": &own.Reporter, "creator": &own.Creator, "created": &own.Created,
	} {
		if raw, ok := i.Fields[name]; ok && string(raw) != "null" {
			if err := json.Unmarshal(raw, into); err != nil {
				return nil, fmt.Errorf("the field %s of %s cannot be read: %w", name, i.Key, err)
			}
		}
	}
	if !d.c.ours(own.Project.Key, own.IssueType.Name) {
		return nil, nil
	}
	t := &tickets.Ticket{Key: i.Key, Address: i.Key, Fields: map[string][]string{}}
	for name, raw := range i.Fields {
		t.Fields[name] = tickets.Values(raw)
	}
	first := tickets.Decision{At: own.Created.Time}
	if own.Creator != nil {
		first.By = own.Creator.person()
	}
	t.Reporter = first.By
	if own.Reporter != nil {
		t.Reporter = own.Reporter.person()
	}
	t.Approval = decision(d.c.Approved, t.Fields, i.Changelog.Histories, first)
	t.Closing = decision(d.c.Closed, t.Fields, i.Changelog.Histories, first)
	return t, nil
}

// ours tells whether an issue of a project and a type is looked at.
func (c *Config) ours(project, kind string) bool {
	return slices.Contains(c.Projects, project) && (len(c.IssueTypes) == 0 || slices.Contains(c.IssueTypes, kind))
}

// decision finds who made a condition hold, and when: the newest change that
// did, or, where none is listed, whoever made the issue. nil if it does not
// hold.
func decision(c tickets.Condition, fields map[string][]string, changes []history, first tickets.Decision) *tickets.Decision {
	if !c.Met(fields) {
		return nil
	}
	found := first
	for _, h := range changes {
		for _, item := range h.Items {
			field := cmp.Or(item.FieldID, item.Field)
			// Labels are listed with blanks between: one that was there before
			// was not added by this change.
			to, from := list(field, item.To), list(field, item.From)
			if c.Holds(field, to) && !c.Holds(field, from) && !h.Created.Before(found.At) {
				found = tickets.Decision{By: h.Author.person(), At: h.Created.Time}
			}
		}
	}
	return &found
}

func list(field, text string) []string {
	if field == "labels" {
		return strings.Fields(text)
	}
	return []string{text}
}

// pageSize is how many comments one answer brings.
const pageSize = 100

// Said reads our own comments.
func (d *Desk) Said(ctx context.Context, t *tickets.Ticket) ([]tickets.Said, error) {
	var out []tickets.Said
	for at := 0; ; {
		var page struct {
			Total    int `json:"total"`
			Comments []struct {
				Author  user            `json:"author"`
				Body    json.RawMessage `json:"body"`
				Created moment          `json:"created"`
			} `json:"comments"`
		}
		if err := d.client.Do(ctx, http.MethodGet, d.api+"/issue/"+url.PathEscape(t.Address)+"/comment", url.Values{
			"startAt": {strconv.Itoa(at)}, "maxResults": {strconv.Itoa(pageSize)},
		}, nil, nil, &page); err != nil {
			return nil, err
		}
		for _, c := range page.Comments {
			if m, ok := tickets.FindMarker(strings.Join(tickets.Values(c.Body), "\n")); ok && c.Author.is(d.c.Account) {
				out = append(out, tickets.Said{Marker: m, At: c.Created.Time})
			}
		}
		if at += len(page.Comments); len(page.Comments) == 0 || at >= page.Total {
			break
		}
	}
	slices.SortStableFunc(out, func(a, b tickets.Said) int { return a.At.Compare(b.At) })
	return out, nil
}

// Say writes a comment.
func (d *Desk) Say(ctx context.Context, t *tickets.Ticket, c tickets.Comment) error {
	var body any = wiki(c)
	if d.c.Edition == "cloud" {
		body = document(c)
	}
	text, err := json.Marshal(map[string]any{"body": body})
	if err != nil { // texts cannot fail
		return err
	}
	return d.client.Do(ctx, http.MethodPost, d.api+"/issue/"+url.PathEscape(t.Address)+"/comment", nil, nil, text, nil)
}

// Finish moves an issue to its last status.
func (d *Desk) Finish(ctx context.Context, t *tickets.Ticket) (string, error) {
	if d.c.Done == nil || slices.Contains(t.Fields["status"], d.c.Done.Status) {
		return "", nil
	}
	text, err := json.Marshal(map[string]any{"transition": map[string]string{"id": d.c.Done.Transition}})
	if err != nil { // texts cannot fail
		return "", err
	}
	err = d.client.Do(ctx, http.MethodPost, d.api+"/issue/"+url.PathEscape(t.Address)+"/transitions", nil, nil, text, nil)
	switch rest.StatusOf(err) {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusConflict, http.StatusForbidden:
		var down *tickets.Unreachable
		if !errors.As(err, &down) {
			return fmt.Sprintf("The issue could not be moved to %s; do that by hand.", d.c.Done.Status), nil
		}
	}
	return "", err
}

// document is a comment in Atlassian's document format. Its texts are texts,
// whatever they look like.
func document(c tickets.Comment) any {
	type node map[string]any
	paragraph := func(text string) node {
		return node{"type": "paragraph", "content": []node{{"type": "text", "text": text}}}
	}
	var content []node
	for _, b := range c.Blocks {
		if !b.List {
			for _, l := range b.Lines {
				content = append(content, paragraph(cmp.Or(l, " ")))
			}
			continue
		}
		var items []node
		for _, l := range b.Lines {
			items = append(items, node{"type": "listItem", "content": []node{paragraph(cmp.Or(l, " "))}})
		}
		content = append(content, node{"type": "bulletList", "content": items})
	}
	content = append(content, node{"type": "codeBlock", "content": []node{{"type": "text", "text": c.Marker.String()}}})
	return node{"type": "doc", "version": 1, "content": content}
}

// marked are the characters that mean something in wiki text and can be escaped;
// the escape character itself cannot, and two of them are a line break.
var marked = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[-#*_+?!^~|%{}\[\]()@\\]`) })

// wiki is a comment as wiki text. Whatever could mean something is escaped, so
// that it is shown as it was typed.
func wiki(c tickets.Comment) string {
	escape := func(s string) string {
		return marked().ReplaceAllStringFunc(s, func(c string) string {
			if c == `\` {
				return "&#92;"
			}
			return `\` + c
		})
	}
	var parts []string
	for _, b := range c.Blocks {
		lines := make([]string, len(b.Lines))
		for i, l := range b.Lines {
			if lines[i] = escape(l); b.List {
				lines[i] = "* " + lines[i]
			}
		}
		parts = append(parts, strings.Join(lines, "\n"))
	}
	return strings.Join(append(parts, "{noformat}"+c.Marker.String()+"{noformat}"), "\n\n")
}
