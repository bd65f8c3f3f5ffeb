package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"vpcinterconnect/shared/tickets"
)

// window is how old a webhook may be. Jira repeats one up to five times, up to
// 15 minutes apart, with the timestamp of the first.
const window = 2 * time.Hour

// signatureHeader bears sha256=<hex>: the HMAC of the raw body.
const signatureHeader = "X-Hub-Signature"

// events are the webhooks after which an issue is looked at.
var events = map[string]bool{"jira:issue_created": true, "jira:issue_updated": true}

// Gate takes Jira's webhooks.
type Gate struct {
	Config  *Config
	Secrets tickets.Secrets
}

// Receive takes a webhook.
func (g *Gate) Receive(header http.Header, body []byte, now time.Time) (tickets.Delivery, error) {
	var d tickets.Delivery
	if !g.Secrets.Signed(header.Get(signatureHeader), body) {
		return d, fmt.Errorf("%w: %s is not the body's", tickets.ErrStranger, signatureHeader)
	}
	var hook struct {
		Timestamp int64  `json:"timestamp"` // Unix milliseconds
		Event     string `json:"webhookEvent"`
		User      *user  `json:"user"`
		Issue     *struct {
			Key    string `json:"key"`
			Fields struct {
				Project   struct{ Key string }
				IssueType struct{ Name string }
			} `json:"fields"`
		} `json:"issue"`
	}
	if err := json.Unmarshal(body, &hook); err != nil {
		return d, fmt.Errorf("%w: it is no webhook of Jira's", tickets.ErrMalformed)
	}
	if err := tickets.Recent(strconv.FormatInt(hook.Timestamp/1000, 10), now, window); err != nil {
		return d, err
	}
	switch {
	case !events[hook.Event]:
		return tickets.Delivery{Ignored: "nothing is done after this event"}, nil
	case hook.Issue == nil || hook.Issue.Key == "":
		return d, fmt.Errorf("%w: it names no issue", tickets.ErrMalformed)
	case hook.User != nil && hook.User.is(g.Config.Account):
		return tickets.Delivery{Ignored: "it was our own doing"}, nil
	case !g.Config.ours(hook.Issue.Fields.Project.Key, hook.Issue.Fields.IssueType.Name):
		return tickets.Delivery{Ignored: "it is of another project, or another type"}, nil
	}
	return tickets.Delivery{Key: hook.Issue.Key}, nil
}
