package desk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// JiraOptions set a Jira up.
type JiraOptions struct {
	Cloud       bool   // else Data Center
	Account     Person // whose token is used
	User        string // its e-mail address; Cloud only
	Token       string
	Transitions map[string]string // from id to the status that it leads to
	Hurry       float64           // divides the pauses between deliveries; 0: 1
	NewestFirst bool              // an issue's changelog begins with its newest change
}

// Jira is a stand-in for one. It is an http.Handler.
type Jira struct {
	o      JiraOptions
	out    *sender
	mu     sync.Mutex
	issues map[string]*jiraIssue
	next   map[string]int // numbers, by project
	ids    int
	down   bool
	hook   string
	secret string
}

type jiraIssue struct {
	id, key   string
	fields    map[string]any
	status    string
	labels    []string
	reporter  Person
	created   time.Time
	comments  []jiraComment
	histories []map[string]any
}

type jiraComment struct {
	id   string
	by   Person
	at   time.Time
	body any // text, or a document
}

// repeatedAnswers are those after which Jira delivers again, besides 5xx.
var repeatedAnswers = map[int]bool{408: true, 409: true, 425: true, 429: true}

// NewJira returns one without issues.
func NewJira(o JiraOptions) *Jira {
	pauses := make([]time.Duration, 5) // up to five repeats, 5 to 15 minutes apart
	for i := range pauses {
		pauses[i] = time.Duration(float64(5*time.Minute+time.Duration(i)*150*time.Second) / max(o.Hurry, 1))
	}
	return &Jira{o: o, issues: map[string]*jiraIssue{}, next: map[string]int{}, ids: 10000,
		out: newSender(20*time.Second, pauses, func(status int) bool { return status >= 500 || repeatedAnswers[status] })}
}

// Hook has an administrator's webhook send to a URL, signed by a secret.
func (j *Jira) Hook(url, secret string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.hook, j.secret = url, secret
}

// Down has it answer 503 to everything; it goes on sending what people do.
func (j *Jira) Down(down bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.down = down
}

// Close stops deliveries.
func (j *Jira) Close() { j.out.close() }

// Deliveries lists all attempts to deliver.
func (j *Jira) Deliveries() []Delivery { return j.out.deliveries() }

// Create makes an issue, as somebody does in a browser.
func (j *Jira) Create(by Person, project, kind, summary string, fields map[string]any) (key string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.next[project]++
	j.ids++
	i := &jiraIssue{id: strconv.Itoa(j.ids), key: fmt.Sprintf("%s-%d", project, j.next[project]), status: "Open", reporter: by, created: time.Now().UTC(), fields: map[string]any{}}
	maps.Copy(i.fields, fields)
	i.fields["summary"], i.fields["project"], i.fields["issuetype"] = summary, map[string]any{"key": project}, map[string]any{"name": kind}
	j.issues[i.key] = i
	j.tell(i, by, "jira:issue_created", "issue_created", nil, nil)
	return i.key
}

// Edit changes fields of an issue; labels are a []string.
func (j *Jira) Edit(by Person, key string, fields map[string]any) { j.change(by, key, "", fields) }

// Move brings an issue to a status.
func (j *Jira) Move(by Person, key, status string) { j.change(by, key, status, nil) }

func (j *Jira) change(by Person, key, status string, fields map[string]any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.changeLocked(by, j.issues[key], status, fields)
}

func (j *Jira) changeLocked(by Person, i *jiraIssue, status string, fields map[string]any) {
	var items []map[string]any
	item := func(field, from, to string) {
		items = append(items, map[string]any{"field": field, "fieldId": field, "fieldtype": "jira", "from": nil, "fromString": from, "to": nil, "toString": to})
	}
	if status != "" && status != i.status {
		item("status", i.status, status)
		i.status = status
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if labels, ok := fields[name].([]string); ok && name == "labels" {
			item(name, strings.Join(i.labels, " "), strings.Join(labels, " "))
			i.labels = labels
			continue
		}
		item(name, fmt.Sprint(i.fields[name]), fmt.Sprint(fields[name]))
		i.fields[name] = fields[name]
	}
	if len(items) == 0 {
		return
	}
	j.ids++
	log := map[string]any{"id": strconv.Itoa(j.ids), "items": items}
	i.histories = append(i.histories, map[string]any{"id": log["id"], "author": j.person(by), "created": jiraTime(time.Now()), "items": items})
	j.tell(i, by, "jira:issue_updated", "issue_generic", log, nil)
}

// Say writes a comment, as somebody does in a browser.
func (j *Jira) Say(by Person, key, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.say(by, j.issues[key], text)
}

func (j *Jira) say(by Person, i *jiraIssue, body any) jiraComment {
	j.ids++
	c := jiraComment{strconv.Itoa(j.ids), by, time.Now().UTC(), body}
	i.comments = append(i.comments, c)
	j.tell(i, by, "comment_created", "issue_commented", nil, j.comment(c))
	j.tell(i, by, "jira:issue_updated", "issue_commented", nil, j.comment(c))
	return c
}

// Comments lists an issue's comments as their reader sees them.
func (j *Jira) Comments(key string) []Note {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Note
	for _, c := range j.issues[key].comments {
		out = append(out, Note{c.by, c.at, shown(c.body)})
	}
	return out
}

// Status is an issue's status.
func (j *Jira) Status(key string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.issues[key].status
}

func jiraTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func (j *Jira) person(p Person) map[string]any {
	if j.o.Cloud {
		return map[string]any{"accountId": p.ID, "displayName": p.Name, "active": true, "accountType": "atlassian"}
	}
	return map[string]any{"name": p.ID, "key": p.ID, "displayName": p.Name, "active": true}
}

func (j *Jira) comment(c jiraComment) map[string]any {
	return map[string]any{"id": c.id, "author": j.person(c.by), "updateAuthor": j.person(c.by), "body": c.body, "created": jiraTime(c.at), "updated": jiraTime(c.at)}
}

// all are an issue's fields.
func (j *Jira) all(i *jiraIssue) map[string]any {
	f := maps.Clone(i.fields)
	f["status"] = map[string]any{"name": i.status, "id": "1"}
	f["labels"] = append([]string{}, i.labels...)
	f["reporter"], f["creator"], f["created"] = j.person(i.reporter), j.person(i.reporter), jiraTime(i.created)
	return f
}

// tell sends a webhook.
func (j *Jira) tell(i *jiraIssue, by Person, event, kind string, changelog, comment map[string]any) {
	if j.hook == "" {
		return
	}
	payload := map[string]any{
		"timestamp": time.Now().UnixMilli(), "webhookEvent": event, "issue_event_type_name": kind, "user": j.person(by),
		"issue": map[string]any{"id": i.id, "key": i.key, "self": "https://jira.example.com/rest/api/2/issue/" + i.id, "fields": j.all(i)},
	}
	if changelog != nil {
		payload["changelog"] = changelog
	}
	if comment != nil {
		payload["comment"] = comment
	}
	body, err := json.Marshal(payload)
	if err != nil {
		panic(err) // the fields are a test's
	}
	j.ids++
	id, secret := fmt.Sprintf("webhook-%d", j.ids), j.secret
	j.out.send(j.hook, event, body, func(retry int) http.Header {
		h := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Atlassian HttpClient 0.17.3 / JIRA"},
			"X-Atlassian-Webhook-Identifier": {id}, "X-Atlassian-Webhook-Flow": {"Primary"}}
		if retry > 0 {
			h.Set("X-Atlassian-Webhook-Retry", strconv.Itoa(retry))
		}
		if secret != "" {
			mac := hmac.New(sha256.New, []byte(secret))
			mac.Write(body)
			h.Set("X-Hub-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
		}
		return h
	})
}
