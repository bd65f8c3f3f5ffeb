package mns

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// operation is one of the service's actions.
type operation struct {
	action string
	write  bool
	query  []string // names, in lower case, that its URL may have
	run    func(*Handler, *request) (reply, error)
}

// operations is the table of actions by the shape of their requests.
var operations = map[string]operation{
	"GET queues":                      {"ListQueue", false, nil, (*Handler).listQueue},
	"PUT queue":                       {"CreateQueue", true, []string{"metaoverride"}, (*Handler).createQueue},
	"PUT queue metaoverride":          {"SetQueueAttributes", true, []string{"metaoverride"}, (*Handler).setQueueAttributes},
	"GET queue":                       {"GetQueueAttributes", false, nil, (*Handler).getQueueAttributes},
	"DELETE queue":                    {"DeleteQueue", true, nil, (*Handler).deleteQueue},
	"POST messages":                   {"SendMessage", true, nil, (*Handler).sendMessage},
	"POST messages Messages":          {"BatchSendMessage", true, nil, (*Handler).batchSendMessage},
	"GET messages":                    {"ReceiveMessage", true, []string{"waitseconds", "peekonly"}, (*Handler).receive},
	"GET messages numofmessages":      {"BatchReceiveMessage", true, []string{"numofmessages", "waitseconds", "peekonly"}, (*Handler).receive},
	"GET messages peek":               {"PeekMessage", false, []string{"peekonly"}, (*Handler).peek},
	"GET messages peek numofmessages": {"BatchPeekMessage", false, []string{"numofmessages", "peekonly"}, (*Handler).peek},
	"DELETE messages":                 {"DeleteMessage", true, []string{"receipthandle"}, (*Handler).deleteMessage},
	"DELETE messages ReceiptHandles":  {"BatchDeleteMessage", true, nil, (*Handler).batchDeleteMessage},
	"PUT messages":                    {"ChangeMessageVisibility", true, []string{"receipthandle", "visibilitytimeout"}, (*Handler).changeVisibility},
	"POST service":                    {"OpenService", true, nil, (*Handler).openService},
}

// shape is a request's method, path and, where those are shared, what tells
// the actions apart: a word of the query, or the body's root.
func (r *request) shape() string {
	path := strings.Join(r.parts, "/")
	shape := r.Method
	switch n := len(r.parts); {
	case path == "queues":
		shape += " queues"
	case n == 2 && r.parts[0] == "queues":
		shape += " queue"
		if r.query["metaoverride"] == "true" {
			shape += " metaoverride"
		}
	case n == 3 && r.parts[0] == "queues" && r.parts[2] == "messages":
		shape += " messages"
		if r.query["peekonly"] == "true" {
			shape += " peek"
		}
		if _, many := r.query["numofmessages"]; many {
			shape += " numofmessages"
		}
		if root := r.root(); root == "Messages" || root == "ReceiptHandles" {
			shape += " " + root
		}
	case path == "commonbuy/openservice":
		shape += " service"
	}
	return shape
}

func (r *request) operation() (operation, error) {
	op, ok := operations[r.shape()]
	if !ok {
		return operation{}, refuse(400, "InvalidRequestURL", "Http request URL format invalid, or of a part of the service that this cloud does not implement: "+r.Method+" "+r.URL.Path+".")
	}
	for name := range r.query {
		if !slices.Contains(op.query, name) {
			return op, errQuery(name)
		}
	}
	return op, nil
}

// root is the name of the body's document, "" if it has none.
func (r *request) root() string {
	d := xml.NewDecoder(bytes.NewReader(r.body))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if start, ok := t.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

// decode reads the body and refuses what it has too much.
func (r *request) decode(v any, beyond func() unknown) error {
	if err := xml.Unmarshal(r.body, v); err != nil {
		return refuse(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema.")
	}
	if u := beyond(); len(u) > 0 {
		return refuse(400, "MalformedXML", fmt.Sprintf("The XML you provided did not validate against our published schema, or has what this cloud does not implement: element %s.", u[0].XMLName.Local))
	}
	return nil
}

// attributes reads a queue document; apply writes what it has over attributes.
func (r *request) attributes() (apply func(*engine.QueueAttributes), err error) {
	var d attributesRequest
	if len(r.body) > 0 {
		if err := r.decode(&d, d.unknown); err != nil {
			return nil, err
		}
	}
	return func(a *engine.QueueAttributes) {
		d.Over(a)
		if d.LoggingEnabled != nil {
			a.LoggingEnabled = *d.LoggingEnabled
		}
	}, nil
}

func (h *Handler) createQueue(r *request) (reply, error) {
	apply, err := r.attributes()
	if err != nil {
		return reply{}, err
	}
	a := engine.DefaultQueueAttributes()
	apply(&a)
	created, err := h.engine.CreateQueue(r.queue(), a)
	if err != nil {
		return reply{}, err
	}
	if !created {
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{status: http.StatusCreated, location: r.queueURL(r.queue().Name)}, nil
}

func (r *request) queueURL(name string) string {
	return "http://" + r.Host + r.prefix + "/queues/" + name
}

func (h *Handler) setQueueAttributes(r *request) (reply, error) {
	apply, err := r.attributes()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, h.engine.SetQueueAttributes(r.queue(), apply)
}

func (h *Handler) getQueueAttributes(r *request) (reply, error) {
	q, err := h.engine.Queue(r.queue())
	return reply{status: http.StatusOK, document: queueDocument{queueElements: queueElementsOf(q)}}, err
}

func (h *Handler) deleteQueue(r *request) (reply, error) {
	h.engine.DeleteQueue(r.queue())
	return reply{status: http.StatusNoContent}, nil
}

// mostListed is how many queues one listing has, and its default.
const mostListed = 1000

func (h *Handler) listQueue(r *request) (reply, error) {
	most := mostListed
	if s := r.Header.Get("x-mns-ret-number"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > mostListed {
			return reply{}, errRange("x-mns-ret-number", 1, mostListed)
		}
		most = n
	}
	marker := r.Header.Get("x-mns-marker")
	var d queuesDocument
	for _, q := range h.engine.Queues(r.region, r.Header.Get("x-mns-prefix")) {
		if q.Name < marker {
			continue
		}
		if len(d.Queue) == most {
			d.NextMarker = q.Name
			break
		}
		one := listedQueue{QueueURL: r.queueURL(q.Name)}
		if r.Header.Get("x-mns-with-meta") == "true" {
			elements := queueElementsOf(q)
			one.queueElements = &elements
		}
		d.Queue = append(d.Queue, one)
	}
	return reply{status: http.StatusOK, document: d}, nil
}

func (h *Handler) sendMessage(r *request) (reply, error) {
	var d sendRequest
	if err := r.decode(&d, d.unknown); err != nil {
		return reply{}, err
	}
	sent, err := h.engine.SendMessage(r.queue(), d.outgoing())
	return reply{status: http.StatusCreated, document: sentDocument{sentElements: sentElementsOf(sent)}}, err
}

func (h *Handler) batchSendMessage(r *request) (reply, error) {
	var d sendAllRequest
	if err := r.decode(&d, d.unknown); err != nil {
		return reply{}, err
	}
	var all []engine.Outgoing
	for _, m := range d.Message {
		all = append(all, m.outgoing())
	}
	sent, err := h.engine.SendMessages(r.queue(), all...)
	answer := reply{status: http.StatusCreated}
	var out sentAllDocument
	for _, s := range sent {
		out.Message = append(out.Message, sentElementsOf(s))
		if s.Err != nil {
			answer.status = http.StatusInternalServerError
		}
	}
	answer.document = out
	return answer, err
}

// number reads a number of the query; what is out of range is an invalid
// argument.
func (r *request) number(name string, ifNone, low, high int) (int, error) {
	s, ok := r.query[name]
	if !ok {
		return ifNone, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > high {
		return 0, errRange(name, low, high)
	}
	return n, nil
}

func errRange(name string, low, high int) error {
	return refuse(400, "InvalidArgument", fmt.Sprintf("The value of %s must be between %d and %d.", name, low, high))
}

func (h *Handler) receive(r *request) (reply, error) {
	n, err := r.number("numofmessages", 1, 1, engine.MostMessages)
	if err != nil {
		return reply{}, err
	}
	q, err := h.engine.Queue(r.queue())
	if err != nil {
		return reply{}, err
	}
	wait, err := r.number("waitseconds", q.PollingWaitSeconds, 0, 30)
	if err != nil {
		return reply{}, err
	}
	var got []engine.Message
	h.poll(r.Context(), time.Duration(wait)*time.Second, func() bool {
		got, err = h.engine.ReceiveMessages(r.queue(), n, 0)
		return err != nil || len(got) > 0
	})
	return r.messages(got, err)
}

func (h *Handler) peek(r *request) (reply, error) {
	n, err := r.number("numofmessages", 1, 1, engine.MostMessages)
	if err != nil {
		return reply{}, err
	}
	got, err := h.engine.PeekMessages(r.queue(), n)
	return r.messages(got, err)
}

// messages answers with one message or with a list, as was asked.
func (r *request) messages(got []engine.Message, err error) (reply, error) {
	switch _, many := r.query["numofmessages"]; {
	case err != nil:
		return reply{}, err
	case len(got) == 0:
		return reply{}, refuse(404, "MessageNotExist", "Message not exist.")
	case !many:
		return reply{status: http.StatusOK, document: messageDocument{messageElements: messageElementsOf(got[0])}}, nil
	}
	var d messagesDocument
	for _, m := range got {
		d.Message = append(d.Message, messageElementsOf(m))
	}
	return reply{status: http.StatusOK, document: d}, nil
}

func (r *request) handle() (string, error) {
	if h := r.query["receipthandle"]; h != "" {
		return h, nil
	}
	return "", refuse(400, "MissingReceiptHandle", "ReceiptHandle is required.")
}

func (h *Handler) deleteMessage(r *request) (reply, error) {
	handle, err := r.handle()
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, h.engine.DeleteMessage(r.queue(), handle)
}

func (h *Handler) batchDeleteMessage(r *request) (reply, error) {
	var d deleteAllRequest
	if err := r.decode(&d, d.unknown); err != nil {
		return reply{}, err
	}
	if len(d.ReceiptHandle) < 1 || len(d.ReceiptHandle) > engine.MostMessages {
		return reply{}, errRange("the number of ReceiptHandle", 1, engine.MostMessages)
	}
	if _, err := h.engine.Queue(r.queue()); err != nil {
		return reply{}, err
	}
	var failed undeletedDocument
	for _, handle := range d.ReceiptHandle {
		if err := h.engine.DeleteMessage(r.queue(), handle); err != nil {
			e := apiError(err)
			failed.Error = append(failed.Error, undeleted{ErrorCode: e.Code, ErrorMessage: e.Message, ReceiptHandle: handle})
		}
	}
	if len(failed.Error) > 0 {
		return reply{status: http.StatusNotFound, document: failed}, nil
	}
	return reply{status: http.StatusNoContent}, nil
}

func (h *Handler) changeVisibility(r *request) (reply, error) {
	handle, err := r.handle()
	if err != nil {
		return reply{}, err
	}
	if r.query["visibilitytimeout"] == "" {
		return reply{}, refuse(400, "MissingVisibilityTimeout", "VisibilityTimeout is required.")
	}
	n, err := r.number("visibilitytimeout", 0, 1, 43200)
	if err != nil {
		return reply{}, err
	}
	fresh, next, err := h.engine.ChangeVisibility(r.queue(), handle, time.Duration(n)*time.Second)
	return reply{status: http.StatusOK, document: changeVisibilityDocument{ReceiptHandle: fresh, NextVisibleTime: next.UnixMilli()}}, err
}

// openService activates the service for the account; here it always is.
func (h *Handler) openService(*request) (reply, error) {
	return reply{status: http.StatusOK, document: openServiceDocument{OrderId: h.engine.NewRequestID()}}, nil
}
