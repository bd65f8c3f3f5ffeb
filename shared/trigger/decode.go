package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxWrapping is how deep JSON text may be wrapped in JSON strings.
const maxWrapping = 3

var errUnknown = errors.New("the event is of no known trigger")

// Decode tells apart and decodes what a trigger delivered: an HTTP request, a
// timer tick, or queue messages. Queue messages come as one CloudEvent, an
// array of them, an array of JSON strings that hold them, or their data alone;
// the body is text or JSON, raw or in base64.
//
// An event that is nothing known is an error. An array's element that is not
// understood becomes a QueueMessage with the element as its Body: its consumer
// cannot understand it either and says so, and nothing is lost.
func Decode(event []byte) (Event, error) {
	return decode(bytes.TrimSpace(bytes.TrimPrefix(event, []byte("\xef\xbb\xbf"))), 0)
}

func decode(event []byte, depth int) (Event, error) {
	if len(event) == 0 {
		return Event{}, errors.New("the event is empty")
	}
	switch event[0] {
	case '[':
		var elements []json.RawMessage
		if err := json.Unmarshal(event, &elements); err != nil {
			return Event{}, fmt.Errorf("the event is no JSON: %w", err)
		}
		e := Event{Kind: KindQueue, Queue: make([]QueueMessage, 0, len(elements))}
		for _, raw := range elements {
			e.Queue = append(e.Queue, element(raw))
		}
		return e, nil
	case '"':
		var inner string
		if err := json.Unmarshal(event, &inner); err != nil {
			return Event{}, fmt.Errorf("the event is no JSON: %w", err)
		}
		if depth >= maxWrapping {
			return Event{}, errUnknown
		}
		return decode([]byte(strings.TrimSpace(inner)), depth+1)
	case '{':
		return decodeObject(event)
	}
	return Event{}, errUnknown
}

// shape holds what tells the events apart.
type shape struct {
	RequestContext *struct {
		HTTP *struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
	TriggerTime *string         `json:"triggerTime"`
	TriggerName *string         `json:"triggerName"`
	Data        json.RawMessage `json:"data"`
	MessageBody json.RawMessage `json:"messageBody"`
}

func decodeObject(event []byte) (Event, error) {
	var s shape
	if err := json.Unmarshal(event, &s); err != nil {
		return Event{}, fmt.Errorf("the event is no JSON of a known form: %w", err)
	}
	switch {
	case s.RequestContext != nil && s.RequestContext.HTTP != nil && s.RequestContext.HTTP.Method != "":
		h, err := decodeHTTP(event)
		if err != nil {
			return Event{}, err
		}
		return Event{Kind: KindHTTP, HTTP: h}, nil
	case s.TriggerTime != nil && s.TriggerName != nil:
		t, err := decodeTimer(event)
		if err != nil {
			return Event{}, err
		}
		return Event{Kind: KindTimer, Timer: t}, nil
	}
	m, ok := queueMessage(event, 0)
	if !ok {
		return Event{}, errUnknown
	}
	return Event{Kind: KindQueue, Queue: []QueueMessage{m}}, nil
}

// element decodes one element of an array, or keeps it as it is.
func element(raw json.RawMessage) QueueMessage {
	if m, ok := queueMessage(raw, 0); ok {
		return m
	}
	return QueueMessage{Body: raw}
}

// queueMessage decodes a CloudEvent, its data alone, or a JSON string of
// either.
func queueMessage(raw []byte, depth int) (QueueMessage, bool) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || depth > maxWrapping {
		return QueueMessage{}, false
	}
	if raw[0] == '"' {
		var inner string
		if json.Unmarshal(raw, &inner) != nil {
			return QueueMessage{}, false
		}
		return queueMessage([]byte(inner), depth+1)
	}
	var e struct {
		Subject     string          `json:"subject"`
		Data        json.RawMessage `json:"data"`
		MessageID   string          `json:"messageId"`
		MessageBody json.RawMessage `json:"messageBody"`
	}
	if raw[0] != '{' || json.Unmarshal(raw, &e) != nil {
		return QueueMessage{}, false
	}
	if len(e.MessageBody) == 0 {
		if len(e.Data) == 0 {
			return QueueMessage{}, false
		}
		m, ok := queueMessage(e.Data, depth+1)
		if ok && m.Queue == "" {
			m.Queue = queueName(e.Subject)
		}
		return m, ok
	}
	body, ok := messageBody(e.MessageBody)
	return QueueMessage{ID: e.MessageID, Queue: queueName(e.Subject), Body: body}, ok
}

// messageBody returns a message's body: text as it is, or out of base64 if that
// makes JSON of it (the console writes base64, our own functions do not), or
// the JSON that the event's sender parsed it into.
func messageBody(raw json.RawMessage) ([]byte, bool) {
	switch raw[0] {
	case '{', '[':
		return raw, true
	case '"':
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, false
		}
		if body, ok := fromBase64(text); ok {
			return body, true
		}
		return []byte(text), true
	}
	return nil, false
}

func fromBase64(text string) ([]byte, bool) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] == '{' || text[0] == '[' {
		return nil, false
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		body, err := encoding.DecodeString(text)
		if trimmed := bytes.TrimSpace(body); err == nil && len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
			return body, true
		}
	}
	return nil, false
}

// queueName returns the queue of a subject such as
// acs:mns:cn-qingdao:1234567890123456:queues/vi-routes, or "".
func queueName(subject string) string {
	_, name, found := strings.Cut(subject, "queues/")
	if !found {
		return ""
	}
	name, _, _ = strings.Cut(name, "/")
	return name
}

func decodeHTTP(event []byte) (*HTTPEvent, error) {
	var w struct {
		RawPath         string            `json:"rawPath"`
		Body            string            `json:"body"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
		Headers         map[string]string `json:"headers"`
		QueryParameters map[string]string `json:"queryParameters"`
		RequestContext  struct {
			RequestID string `json:"requestId"`
			HTTP      struct {
				Method   string `json:"method"`
				Path     string `json:"path"`
				SourceIP string `json:"sourceIp"`
			} `json:"http"`
		} `json:"requestContext"`
	}
	if err := json.Unmarshal(event, &w); err != nil {
		return nil, fmt.Errorf("the HTTP event is malformed: %w", err)
	}
	h := &HTTPEvent{
		Method: w.RequestContext.HTTP.Method, RawPath: w.RawPath, Path: w.RequestContext.HTTP.Path,
		Query: w.QueryParameters, Header: w.Headers, Body: []byte(w.Body),
		SourceIP: w.RequestContext.HTTP.SourceIP, RequestID: w.RequestContext.RequestID,
	}
	if w.IsBase64Encoded {
		body, err := base64.StdEncoding.DecodeString(w.Body)
		if err != nil {
			return nil, fmt.Errorf("the HTTP event's body is no base64: %w", err)
		}
		h.Body = body
	}
	if h.Query == nil {
		h.Query = map[string]string{}
	}
	if h.Header == nil {
		h.Header = map[string]string{}
	}
	return h, nil
}

func decodeTimer(event []byte) (*TimerEvent, error) {
	var w struct {
		Time    time.Time       `json:"triggerTime"`
		Name    string          `json:"triggerName"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(event, &w); err != nil {
		return nil, fmt.Errorf("the timer event is malformed: %w", err)
	}
	t := &TimerEvent{Name: w.Name, At: w.Time}
	// The payload is a string, even where it holds JSON.
	if len(w.Payload) > 0 && json.Unmarshal(w.Payload, &t.Payload) != nil {
		t.Payload = string(w.Payload)
	}
	return t, nil
}
