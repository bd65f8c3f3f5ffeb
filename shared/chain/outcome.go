package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// Errors of Mutate that are no answer of the cloud's.
var (
	// ErrSuperseded says that the record is newer than the message.
	ErrSuperseded = errors.New("superseded by a newer request")
	// ErrNoTime says that this invocation has too little time left for a
	// mutating call.
	ErrNoTime = errors.New("too little time left in this invocation")
)

// errLagging says that the record reads older than the message, or not at all.
var errLagging = errors.New("the record cannot be read back yet")

// frozenError says that changes are frozen.
type frozenError struct{ reason string }

func (e *frozenError) Error() string {
	if e.reason == "" {
		return "changes are frozen"
	}
	return "changes are frozen: " + e.reason
}

// recordError wraps a failure to read the records. Whatever its class, it says
// nothing about the connection, so it never rejects one.
type recordError struct{ err error }

func (e *recordError) Error() string { return "reading the records: " + e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// DoneWith says that the step is done; resources are the ids of what exists.
func DoneWith(resources ...string) Outcome {
	return Outcome{Kind: KindDone, Resources: resources}
}

// WaitFor says that the cloud needs time; note says for what, in words.
func WaitFor(note string) Outcome { return Outcome{Kind: KindWait, Note: note} }

// WaitAtLeast makes the outcome of a step that has just asked for something of
// which is known how long it takes at the least: to look before is in vain, for
// the step and for the cloud's rate limits.
func WaitAtLeast(d time.Duration, note string) Outcome {
	return Outcome{Kind: KindWait, Least: d, Note: note}
}

// WaitUntil makes the outcome of a step that waits for a moment that it knows:
// to look before then would be in vain.
func WaitUntil(at time.Time, note string) Outcome {
	return Outcome{Kind: KindWait, Note: note, Until: at}
}

// RetryAfter says that an attempt failed in a way that may pass.
func RetryAfter(p interconnect.Problem, err error) Outcome {
	return Outcome{Kind: KindRetry, Problem: &p, Err: err}
}

// RejectWith says that the step will fail the same way again.
func RejectWith(p interconnect.Problem, err error) Outcome {
	return Outcome{Kind: KindReject, Problem: &p, Err: err}
}

// severity orders kinds: of several errors the one that decides is the one
// that waiting helps least.
var severity = map[Kind]int{KindWait: 1, KindRetry: 2, KindReject: 3, KindDrop: 4}

// FromError turns an error of Mutate, of Others or of a read into an outcome,
// by the class of the cloud's answer. Of joined errors the gravest decides.
func FromError(err error) Outcome {
	if err == nil {
		return RetryAfter(interconnect.Problem{Sentence: "The step reported a failure without an error. It is tried again; if that does not help, report it as a defect."}, nil)
	}
	all := flatten(err)
	// Of several failures those that say that the cloud is not as it was read
	// count only if there are no others: the next run reads it anew.
	if lasting := slices.DeleteFunc(slices.Clone(all), interconnect.Stale); len(lasting) > 0 {
		all = lasting
	}
	var worst Outcome
	for _, one := range all {
		if o := fromOne(one); severity[o.Kind] > severity[worst.Kind] {
			worst = o
		}
	}
	worst.Err = err
	return worst
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range j.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	return []error{err}
}

func fromOne(err error) Outcome {
	var frozen *frozenError
	var record *recordError
	var cloud *interconnect.CloudError
	switch {
	case errors.Is(err, ErrSuperseded):
		return Outcome{Kind: KindDrop, Note: err.Error()}
	case errors.As(err, &frozen):
		return WaitFor(frozen.Error())
	case errors.Is(err, errLagging), errors.Is(err, ErrNoTime):
		return WaitFor(err.Error())
	case errors.As(err, &record):
		return fromRecords(record)
	case errors.As(err, &cloud):
		return fromCloud(cloud)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return WaitFor(ErrNoTime.Error())
	}
	return RetryAfter(interconnect.Problem{Sentence: fmt.Sprintf("Something unexpected failed: %s. It is tried again; if it stays, report it as a defect.", clip(err.Error()))}, err)
}

func fromRecords(e *recordError) Outcome {
	switch interconnect.ClassOf(e.err) {
	case interconnect.Busy, interconnect.Throttled:
		return WaitFor(e.Error())
	}
	p := interconnect.Problem{Sentence: fmt.Sprintf("The record could not be read: %s. It is tried again; check that the function's role may read the Parameter Store.", clip(e.err.Error()))}
	var c *interconnect.CloudError
	if errors.As(e.err, &c) {
		if c.Permission != "" {
			p.Sentence = fmt.Sprintf("The record could not be read: %s. It is tried again; allow the function's role %s.", clip(e.err.Error()), c.Permission)
		}
		p.Code, p.RequestID = c.Code, c.RequestID
	}
	return RetryAfter(p, e)
}

// byClass says what a class of answers means and what to do about it. The verb
// %[1]s is the action, %[2]s the cloud's own words.
var byClass = map[interconnect.Class]struct {
	kind     Kind
	sentence string
}{
	interconnect.Busy:      {KindWait, "%[1]s has to wait for another task: %[2]s."},
	interconnect.Throttled: {KindWait, "%[1]s is called too often for now: %[2]s."},
	interconnect.Transient: {KindRetry, "%[1]s failed for now: %[2]s. It is tried again; if it stays, look at the cloud's status page."},
	interconnect.Gone:      {KindReject, "%[1]s was asked about something that is not there: %[2]s. See what was deleted, correct the request, and ask again."},
	interconnect.Exists:    {KindReject, "%[1]s found something else in its place: %[2]s. Remove it or ask for something that does not collide, and ask again."},
	interconnect.Denied:    {KindReject, "%[1]s is denied to the function's role: %[2]s. Grant the role this action, and ask again."},
	interconnect.Quota:     {KindReject, "%[1]s reached a limit of the account: %[2]s. Remove what is not needed or have the quota raised, and ask again."},
	interconnect.Permanent: {KindReject, "%[1]s was refused: %[2]s. Correct what it names, and ask again."},
}

func fromCloud(e *interconnect.CloudError) Outcome {
	row, ok := byClass[e.Class]
	if !ok {
		row = byClass[interconnect.Permanent]
	}
	p := ProblemOf(e)
	o := Outcome{Kind: row.kind, Problem: &p, Err: e}
	if row.kind == KindWait {
		o.Note = p.Sentence
	}
	return o
}

// ProblemOf returns a cloud error as it is stored and shown.
func ProblemOf(e *interconnect.CloudError) interconnect.Problem {
	row, ok := byClass[e.Class]
	if !ok {
		row = byClass[interconnect.Permanent]
	}
	words := e.Code
	switch {
	case words == "":
		words = e.Message
	case e.Message != "":
		words += " (" + e.Message + ")"
	}
	if words == "" {
		words = "no answer"
	}
	sentence := fmt.Sprintf(row.sentence, e.Action, clip(words))
	if e.Permission != "" {
		sentence = fmt.Sprintf("%s is denied to the function's role: %s. Allow the role %s, and ask again.", e.Action, clip(words), e.Permission)
	}
	return interconnect.Problem{
		Sentence:  sentence,
		Code:      e.Code,
		RequestID: e.RequestID,
	}
}

// clip keeps a text short enough for a record's entry, and without the full
// stop that the sentence around it brings.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	for len(s) > 1 && s[len(s)-1] == '.' && s[len(s)-2] != '.' {
		s = s[:len(s)-1]
	}
	return s
}
