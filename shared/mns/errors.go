package mns

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Class says what to do about an error of a queue.
type Class string

// The classes of errors.
const (
	QueueMissing Class = "queue missing"
	Denied       Class = "denied"
	Throttled    Class = "throttled"
	Transient    Class = "transient" // may pass
	Invalid      Class = "invalid"   // refused, and would be again
)

// Error is what a call ended in. Its text holds no secret.
type Error struct {
	Class     Class
	Operation string // e.g. SendMessage
	Queue     string // full name
	Code      string // MNS's; "" if no answer came
	Message   string
	RequestID string
	Unknown   bool // the call may have been carried out all the same
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s %s: %s", e.Operation, e.Queue, e.Class)
	if e.Code != "" {
		s += ": " + e.Code
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RequestID != "" {
		s += " (request id " + e.RequestID + ")"
	}
	return s
}

// classes holds the codes of the data plane that mean something to us; the rest
// goes by status: HTTP 500 and above may pass, anything else is invalid.
var classes = map[string]Class{
	"QueueNotExist":         QueueMissing,
	"QueueDeletedRecently":  QueueMissing,
	"AccessDenied":          Denied,
	"InvalidAccessKeyId":    Denied,
	"SignatureDoesNotMatch": Denied,
	"TimeExpired":           Transient, // the clock of a function that was frozen may lag for a moment
	"QpsLimitExceeded":      Throttled,
	"InternalError":         Transient,
}

// codeEmpty says that a queue holds no message, or not the one asked for.
const codeEmpty = "MessageNotExist"

// refusal is the body of an answer that is none of success. A batch's has the
// same in a list.
type refusal struct {
	Code      string `xml:"Code"`
	Message   string `xml:"Message"`
	RequestID string `xml:"RequestId"`
}

// fromAnswer makes an error of an answer that is none of success.
func fromAnswer(status int, requestID string, body []byte) *Error {
	var r refusal
	e := &Error{Class: Invalid, RequestID: requestID, Unknown: status >= 500}
	if status >= 500 {
		e.Class = Transient
	}
	if err := xml.NewDecoder(bytes.NewReader(body)).Decode(&r); err != nil || r.Code == "" {
		e.Message = fmt.Sprintf("HTTP %d with a body that is no MNS error", status)
		return e
	}
	e.Code, e.Message = r.Code, r.Message
	if e.RequestID == "" {
		e.RequestID = r.RequestID
	}
	if c, ok := classes[r.Code]; ok {
		e.Class = c
	}
	return e
}
