package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// Types of outcome messages.
const (
	TypeStepDone   = typePrefix + "step.done"
	TypeStepFailed = typePrefix + "step.failed"
	TypeVerdict    = typePrefix + "verdict.changed"
	TypeExpiring   = typePrefix + "connection.expiring"
)

const typePrefix = "vpcinterconnect."

// Announcement is a message on the outcomes queue: a CloudEvent (version 1.0,
// structured) about one transition. Consumers drop what has an ID that they
// know: it is made of the connection's id, the generation and the sequence.
type Announcement struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        Change    `json:"data"`
}

// Change is what an Announcement tells.
type Change struct {
	ConnectionID string                 `json:"connectionId"`
	Generation   int                    `json:"generation"`
	Sequence     int                    `json:"sequence"` // the transition's place in the table; of a check, a number of its own; below 0: of a notice
	Action       interconnect.Action    `json:"action,omitempty"`
	Target       interconnect.Target    `json:"target,omitempty"`
	Step         interconnect.Step      `json:"step,omitempty"`
	Progress     interconnect.Progress  `json:"progress,omitempty"`
	Next         interconnect.Action    `json:"next,omitempty"` // what the chain goes on with; "": it ended
	Problem      *interconnect.Problem  `json:"problem,omitempty"`
	Leftovers    []interconnect.Problem `json:"leftovers,omitempty"`
	Verdict      *interconnect.Verdict  `json:"verdict,omitempty"`
	By           string                 `json:"by,omitempty"`       // who asked
	ExpiresAt    time.Time              `json:"expiresAt,omitzero"` // of TypeExpiring
	Trace        string                 `json:"trace,omitempty"`
}

// ExpiryNotice is the n-th announcement (from 1, of interconnect.Notices) that a
// connection expires: a body for OutcomesQueue.
func ExpiryNotice(prefix string, r *interconnect.Record, n int, now time.Time) []byte {
	a := announcement(prefix, TypeExpiring, now, Change{
		ConnectionID: r.ID, Generation: r.Generation, Sequence: -n, By: r.Wanted.By, ExpiresAt: r.Wanted.ExpiresAt,
	})
	body, err := json.Marshal(a)
	if err != nil { // only a time beyond year 9999 could do that
		panic(err)
	}
	return body
}

// announcement puts a change into its envelope.
func announcement(prefix, kind string, now time.Time, c Change) Announcement {
	return Announcement{
		SpecVersion: "1.0", ContentType: "application/json", Time: now,
		ID:      fmt.Sprintf("%s/%d/%d", c.ConnectionID, c.Generation, c.Sequence),
		Source:  "/vpcinterconnect/" + prefix,
		Type:    kind,
		Subject: c.ConnectionID, Data: c,
	}
}

// announce tells whoever listens about a transition. One that cannot be sent is
// logged: it must not stop the chain.
func (h *Handler) announce(ctx context.Context, log *slog.Logger, s situation, d decision) {
	change := Change{
		ConnectionID: s.m.ConnectionID, Generation: s.m.Generation, Sequence: s.sequence(d.outcome.Kind),
		Action: s.m.Action, Target: s.m.Target, Step: s.stage().Step, Progress: progress(d.outcome.Kind),
		Problem: d.outcome.Problem, Leftovers: d.outcome.Leftovers, Verdict: d.outcome.Verdict,
		By: s.rec.Wanted.By, Trace: s.m.Trace,
	}
	if d.next != nil {
		change.Next = d.next.Action
	}
	kind := TypeStepDone
	switch {
	case change.Progress == interconnect.Failed:
		kind = TypeStepFailed
	case s.m.Action == interconnect.Verify:
		kind = TypeVerdict
	}
	a := announcement(h.Prefix, kind, s.now, change)
	body, err := json.Marshal(a)
	if err == nil {
		err = h.Queues.Send(ctx, OutcomesQueue, body, 0)
	}
	if err != nil {
		log.Error("outcome not announced", "id", a.ID, "error", err.Error())
	}
}

// sequence numbers a transition by its place in the table, so that a repeat has
// the same number. Checks come again and again: theirs is made of their trace.
func (s situation) sequence(k Kind) int {
	n := 0
	for _, r := range runs {
		if r.action == s.m.Action && r.target == s.m.Target {
			break
		}
		n += 2 * len(table[r.action])
	}
	n += 2*s.at + 1
	if k == KindReject {
		n++
	}
	if s.m.Action == interconnect.Verify {
		sum := fnv.New32a()
		sum.Write([]byte(s.m.Trace))
		n += 1 + int(sum.Sum32()>>1)
	}
	return n
}
