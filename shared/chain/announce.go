package chain

import (
	"context"
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// Schema is the JSON schema of an Announcement.
//
//go:embed outcomes.json
var Schema []byte

// Types of outcome messages.
const (
	TypeStepDone   = typePrefix + "step.done"
	TypeStepFailed = typePrefix + "step.failed"
	TypeState      = typePrefix + "state.changed"    // with no step's end: what is wanted was recorded, a step began, nothing goes on
	TypeVerdict    = typePrefix + "verdict.changed"  // a check or a repair found something else than the check before
	TypeFlapping   = typePrefix + "verdict.flapping" // likewise, and so often that the next changes are counted, and not told
	TypeSteady     = typePrefix + "verdict.steady"   // what flapped has been the same for some checks
	TypeExpiring   = typePrefix + "connection.expiring"
)

const typePrefix = "vpcinterconnect."

// Announcement is a message on the outcomes queue: a CloudEvent (version 1.0,
// structured) about one transition. Consumers drop what has an ID that they
// know: it is made of the connection's id, the generation and the sequence.
// Schema describes it whole.
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
	Sequence     int                    `json:"sequence"`      // the transition's place in the table; of a check, a repair and a step that began, a number of its own; 0: recorded; below 0: of a notice
	State        interconnect.State     `json:"state"`         // the connection's, after this
	Was          interconnect.State     `json:"was,omitempty"` // before, if that was another
	Why          string                 `json:"why,omitempty"` // of TypeState, in a sentence
	Action       interconnect.Action    `json:"action,omitempty"`
	Target       interconnect.Target    `json:"target,omitempty"`
	Step         interconnect.Step      `json:"step,omitempty"`
	Progress     interconnect.Progress  `json:"progress,omitempty"`
	Next         interconnect.Action    `json:"next,omitempty"` // what the chain goes on with; "": it ended
	Problem      *interconnect.Problem  `json:"problem,omitempty"`
	Leftovers    []interconnect.Problem `json:"leftovers,omitempty"`
	Verdict      *interconnect.Verdict  `json:"verdict,omitempty"`
	Swings       *interconnect.Swings   `json:"swings,omitempty"`   // of TypeFlapping and TypeSteady: since when, and how often it changed
	Repair       bool                   `json:"repair,omitempty"`   // of a repair that a check began
	By           string                 `json:"by,omitempty"`       // who asked
	ExpiresAt    time.Time              `json:"expiresAt,omitzero"` // of TypeExpiring
	Trace        string                 `json:"trace,omitempty"`
}

// ExpiryNotice is the n-th announcement (from 1, of interconnect.Notices) that a
// connection expires: a body for OutcomesQueue.
func ExpiryNotice(prefix string, r *interconnect.Record, n int, now time.Time) []byte {
	return announcement(prefix, TypeExpiring, now, Change{
		ConnectionID: r.ID, Generation: r.Generation, Sequence: -n, State: interconnect.Overall(r, now), By: r.Wanted.By, ExpiresAt: r.Wanted.ExpiresAt,
	}).body()
}

// RecordedNotice is the announcement that a generation was recorded: a body for
// OutcomesQueue. was is the state before, "" where there was no record.
func RecordedNotice(prefix string, r *interconnect.Record, was interconnect.State, now time.Time) []byte {
	c := Change{ConnectionID: r.ID, Generation: r.Generation, State: interconnect.Overall(r, now), By: r.Wanted.By}
	if was != c.State {
		c.Was = was
	}
	return announcement(prefix, TypeState, now, c).body()
}

// stuckSequence is where the numbers of StuckNotice begin, downwards: below
// those of ExpiryNotice.
const stuckSequence = -10

// StuckNotice is the announcement that nothing goes on: a body for
// OutcomesQueue. For each point at which a generation can stand still it has an
// ID of its own.
func StuckNotice(prefix string, r *interconnect.Record, now time.Time) []byte {
	return announcement(prefix, TypeState, now, Change{
		ConnectionID: r.ID, Generation: r.Generation, Sequence: stuckSequence - interconnect.StepsDone(r), State: interconnect.Overall(r, now), By: r.Wanted.By,
		Why: fmt.Sprintf("Its first message was sent %d times, and no step was done since.", interconnect.SendLimit),
	}).body()
}

func (a Announcement) body() []byte {
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

// kind says what is to be told of an outcome, "" if nothing is. was and is are
// the connection's states before and after it.
func (s situation) kind(d decision, was, is interconnect.State) (string, *interconnect.Swings) {
	switch {
	case d.outcome.Kind == KindDrop:
	case d.announce && d.outcome.Kind == KindReject:
		return TypeStepFailed, nil
	case s.looks() && d.announce && d.outcome.Verdict != nil:
		counted, swung := s.swing(d.outcome.Verdict)
		switch swung {
		case interconnect.SwungOver:
			return TypeVerdict, nil
		case interconnect.SwungOften:
			return TypeFlapping, counted
		case interconnect.SwungSteady:
			return TypeSteady, s.entry().Swings
		}
	case s.looks(): // how far a repair is tells nobody anything
	case d.announce:
		return TypeStepDone, nil
	case was != is:
		return TypeState, nil
	}
	return "", nil
}

// announce tells whoever listens about a transition. One that cannot be sent is
// logged: it must not stop the chain.
func (h *Handler) announce(ctx context.Context, log *slog.Logger, s situation, d decision) {
	was, is := s.states(d)
	kind, swings := s.kind(d, was, is)
	if kind == "" {
		return
	}
	change := Change{
		ConnectionID: s.m.ConnectionID, Generation: s.m.Generation, Sequence: s.sequence(kind, d.outcome, is), State: is,
		Action: s.m.Action, Target: s.m.Target, Step: s.stage().Step, Progress: progress(d.outcome.Kind),
		Problem: d.outcome.Problem, Leftovers: d.outcome.Leftovers, Verdict: d.outcome.Verdict,
		Swings: swings, Repair: s.m.Repair, By: s.rec.Wanted.By, Trace: s.m.Trace,
	}
	if was != is {
		change.Was = was
	}
	if kind == TypeState {
		change.Why = d.outcome.Note
	}
	if d.next != nil {
		change.Next = d.next.Action
	}
	a := announcement(h.Prefix, kind, s.now, change)
	if err := h.Queues.Send(ctx, OutcomesQueue, a.body(), 0); err != nil {
		log.Error("outcome not announced", "id", a.ID, "error", err.Error())
	}
}

// states are the connection's before and after an outcome.
func (s situation) states(d decision) (was, is interconnect.State) {
	was = interconnect.Overall(s.rec, s.now)
	if !d.news {
		return was, was
	}
	after := *s.rec
	after.Steps = maps.Clone(s.rec.Steps)
	if after.Steps == nil {
		after.Steps = map[interconnect.Step]interconnect.StepStatus{}
	}
	after.Steps[s.stage().Step] = d.status
	return was, interconnect.Overall(&after, s.now)
}

// sequence numbers a transition by its place in the table, so that a repeat has
// the same number. Checks and repairs come again and again, and a step may begin
// more than once: theirs is made of the run that they are part of, and of what
// it came to.
func (s situation) sequence(kind string, out Outcome, is interconnect.State) int {
	n := 0
	for _, r := range runs {
		if r.action == s.m.Action && r.target == s.m.Target {
			break
		}
		n += 2 * len(table[r.action])
	}
	n += 2*s.at + 1
	if out.Kind == KindReject {
		n++
	}
	if !s.looks() && kind != TypeState {
		return n
	}
	text := fmt.Sprint(s.m.Trace, kind, s.stage().Step)
	if out.Verdict != nil {
		text += out.Verdict.Finding()
	}
	if kind == TypeState {
		text += fmt.Sprint(s.m.Hops, is)
	}
	sum := fnv.New32a()
	sum.Write([]byte(text))
	return n + 1 + int(sum.Sum32()>>1)
}
