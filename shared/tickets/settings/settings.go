// Package settings reads the configuration of the ticket systems: JSON, strictly,
// with errors that name line or key. What is secret is not in it, but in
// variables of its own.
//
//	{"jira": {...}, "servicenow": {...}, "cloudevents": {...}}
//
// A system that is left out is not served. The folder samples beside this one
// has a configuration for each.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"

	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/cloudevents"
	"vpcinterconnect/shared/tickets/jira"
	"vpcinterconnect/shared/tickets/servicenow"
)

// Settings are the configured systems; nil for one that is not.
type Settings struct {
	Jira        *jira.Config        `json:"jira,omitempty"`
	ServiceNow  *servicenow.Config  `json:"servicenow,omitempty"`
	CloudEvents *cloudevents.Config `json:"cloudevents,omitempty"`
}

// Parse reads a configuration. Empty text is one without any system.
func Parse(text []byte) (*Settings, error) {
	s := &Settings{}
	if len(bytes.TrimSpace(text)) == 0 {
		return s, nil
	}
	if err := strict(text, s); err != nil {
		return nil, err
	}
	if s.Jira != nil {
		if err := s.Jira.Check(); err != nil {
			return nil, fmt.Errorf("jira.%w", err)
		}
	}
	if s.ServiceNow != nil {
		if err := s.ServiceNow.Check(); err != nil {
			return nil, fmt.Errorf("servicenow.%w", err)
		}
	}
	if s.CloudEvents != nil {
		if err := s.CloudEvents.Check(); err != nil {
			return nil, fmt.Errorf("cloudevents.%w", err)
		}
	}
	return s, nil
}

var unknownField = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`unknown field "(.*)"`) })

// strict decodes one JSON value without unknown or repeated keys, and says at
// which line something is wrong.
func strict(text []byte, into any) error {
	line := func(offset int64) int {
		return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
	}
	if at, key := repeated(text); key != "" {
		return fmt.Errorf("line %d: the key %q is there twice", line(at), key)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: it is no JSON: %w", line(syntax.Offset), err)
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s: a %s does not belong there", line(kind.Offset), kind.Field, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: it ends too early", line(int64(len(text))))
	case err != nil:
		if m := unknownField().FindStringSubmatch(err.Error()); m != nil {
			return fmt.Errorf("line %d: there is no key %q", line(keyAt(text, m[1])), m[1])
		}
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("line %d: something follows the configuration; it is one JSON object", line(d.InputOffset()))
	}
	return nil
}

// keyAt finds where a key stands first.
func keyAt(text []byte, key string) int64 {
	quoted, err := json.Marshal(key)
	if err != nil {
		return 0
	}
	at := regexp.MustCompile(regexp.QuoteMeta(string(quoted)) + `\s*:`).FindIndex(text)
	if at == nil {
		return 0
	}
	return int64(at[0])
}

// repeated finds a key that an object has twice: the decoder would take the
// last, and nobody would know. Text that is no JSON has none.
func repeated(text []byte) (at int64, key string) {
	d := json.NewDecoder(bytes.NewReader(text))
	type level struct {
		keys map[string]bool // nil in a list
		key  bool            // a key comes next
	}
	var stack []level
	for {
		token, err := d.Token()
		if err != nil {
			return 0, ""
		}
		top := len(stack) - 1
		if name, is := token.(string); is && top >= 0 && stack[top].key {
			if stack[top].keys[name] {
				return d.InputOffset(), name
			}
			stack[top].keys[name], stack[top].key = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{keys: map[string]bool{}, key: true})
			continue
		case json.Delim('['):
			stack = append(stack, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:top]
		}
		if top = len(stack) - 1; top >= 0 && stack[top].keys != nil {
			stack[top].key = true // a value is over
		}
	}
}

// Secrets are what must be in no configuration. Each list may hold two, with a
// comma between, while one replaces the other.
type Secrets struct {
	JiraWebhook string // signs Jira's webhooks
	JiraToken   string // what we log in to Jira with
	ServiceNow  string // the business rule's shared secret
	Password    string // what we log in to ServiceNow with
	CloudEvents string // signs events, theirs and ours
}

// Counters sets up what is configured. The error names the variable that lacks.
func (s *Settings) Counters(secrets Secrets, prefix string) (map[tickets.System]*tickets.Counter, error) {
	out := map[tickets.System]*tickets.Counter{}
	parse := func(variable, list string) (tickets.Secrets, error) {
		parsed, err := tickets.ParseSecrets(list)
		if err != nil {
			return nil, fmt.Errorf("the environment variable %s: %w", variable, err)
		}
		return parsed, nil
	}
	need := func(variable, value string) error {
		if value == "" {
			return fmt.Errorf("the environment variable %s: there is none", variable)
		}
		return nil
	}
	if c := s.Jira; c != nil {
		hooks, err := parse("JIRA_WEBHOOK_SECRET", secrets.JiraWebhook)
		if err != nil {
			return nil, err
		}
		desk, err := jira.NewDesk(c, secrets.JiraToken)
		if err := errors.Join(need("JIRA_TOKEN", secrets.JiraToken), err); err != nil {
			return nil, err
		}
		out[tickets.Jira] = &tickets.Counter{Gate: &jira.Gate{Config: c, Secrets: hooks}, Desk: desk, Mapping: c.Request}
	}
	if c := s.ServiceNow; c != nil {
		shared, err := parse("SERVICENOW_SECRET", secrets.ServiceNow)
		if err != nil {
			return nil, err
		}
		desk, err := servicenow.NewDesk(c, secrets.Password)
		if err := errors.Join(need("SERVICENOW_PASSWORD", secrets.Password), err); err != nil {
			return nil, err
		}
		out[tickets.ServiceNow] = &tickets.Counter{Gate: &servicenow.Gate{Config: c, Secrets: shared}, Desk: desk, Mapping: c.Request}
	}
	if c := s.CloudEvents; c != nil {
		signing, err := parse("CLOUDEVENTS_SECRET", secrets.CloudEvents)
		if err != nil {
			return nil, err
		}
		desk, err := cloudevents.NewDesk(c, signing, prefix)
		if err != nil {
			return nil, err
		}
		out[tickets.CloudEvents] = &tickets.Counter{Gate: &cloudevents.Gate{Config: c, Secrets: signing}, Desk: desk, Mapping: c.Request, Blind: true}
	}
	return out, nil
}
