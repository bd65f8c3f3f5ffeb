package interconnect

import (
	"errors"
	"fmt"
)

// Class says what to do about an error that the cloud answered. The table
// from action and code to class is alicloud's; steps act on the class alone.
type Class string

// The classes of the README's rule 9.
const (
	Busy      Class = "busy"      // another task runs there: wait, spending no attempt
	Throttled Class = "throttled" // called too often: wait
	Transient Class = "transient" // may pass: retry, spending an attempt
	Gone      Class = "gone"      // the thing is not there
	Exists    Class = "exists"    // an equal thing, or one in its place, is there: read back and compare
	Denied    Class = "denied"    // the caller's role may not
	Quota     Class = "quota"     // a limit of the account is reached
	Permanent Class = "permanent" // will fail the same way again
)

// CloudError is an error that a call to the cloud ended in. Its text is safe
// to show: it holds no secret and no signature.
type CloudError struct {
	Class      Class
	Action     string // e.g. CreateRouteEntries
	Code       string // the cloud's error code; "" if no answer came
	Message    string // the cloud's message, redacted
	RequestID  string // the cloud's request id; "" if no answer came
	HTTPStatus int    // 0 if no answer came
	Unknown    bool   // the call may have been carried out all the same (no answer, or HTTP 5xx)
	Permission string // of class Denied, where it is known: what the caller's policy has to allow, e.g. vpc:CreateRouteEntries on acs:vpc:cn-qingdao:*:routetable/vtb-1
}

func (e *CloudError) Error() string {
	s := e.Action + ": "
	if e.Code != "" {
		s += e.Code + ": "
	}
	s += e.Message
	if e.RequestID != "" {
		s += fmt.Sprintf(" (request id %s)", e.RequestID)
	}
	return s
}

// ClassOf returns the class of err, or "" if err is no CloudError.
func ClassOf(err error) Class {
	var c *CloudError
	if errors.As(err, &c) {
		return c.Class
	}
	return ""
}

// IsGone tells whether err says that the thing is not there.
func IsGone(err error) bool { return ClassOf(err) == Gone }

// Passes tells whether err may be gone a moment later.
func Passes(err error) bool {
	switch ClassOf(err) {
	case Busy, Throttled, Transient:
		return true
	}
	return false
}

// Problem is an error as it is stored and shown: one plain sentence with what
// to do next, and the cloud's request id.
type Problem struct {
	Sentence  string `json:"sentence"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	Resource  string `json:"resource,omitempty"` // id of what it is about
}

// Stale tells whether all that err holds says that the cloud is not as it was
// read: a thing is gone, or there already. Then reading again decides, not the
// error.
func Stale(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !Stale(e) {
				return false
			}
		}
		return len(joined.Unwrap()) > 0
	}
	c := ClassOf(err)
	return c == Gone || c == Exists
}
