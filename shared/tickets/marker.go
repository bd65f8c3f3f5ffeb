package tickets

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// Marker says what a comment is, for those who read it back: this deployment, a
// connection, a kind and its details. It is the comment's last line:
//
//	vpc-interconnect/vi/jira-net-12/step/1/routes
//
// Only what our own account has written counts: anybody may write such a line.
type Marker struct {
	Prefix       string // of the deployment
	ConnectionID string
	Kind         Kind
	Details      []string
}

// Kind is a kind of comment.
type Kind string

// The kinds, with their details. g is a generation.
const (
	KindPlan         Kind = "plan"         // hash of what the ticket asks for, hash of the plan, and the approval that came too early for it, if one did
	KindProblem      Kind = "problem"      // hash of what is wrong
	KindAccepted     Kind = "accepted"     // g
	KindStep         Kind = "step"         // g, step
	KindVerdict      Kind = "verdict"      // g, outcome, time in Unix milliseconds
	KindFlapping     Kind = "flapping"     // g, since when in Unix milliseconds
	KindSteady       Kind = "steady"       // likewise
	KindFailed       Kind = "failed"       // g
	KindRolledBack   Kind = "rolled-back"  // g
	KindAttention    Kind = "attention"    // g
	KindExpiring     Kind = "expiring"     // g, number of the notice
	KindDisconnected Kind = "disconnected" // g
)

var markerForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`vpc-interconnect/([a-z0-9-]+)/([a-z0-9-]+)/([a-z-]+)((?:/[A-Za-z0-9._-]+)+)`)
})

// String spells the marker.
func (m Marker) String() string {
	return strings.Join(append([]string{"vpc-interconnect", m.Prefix, m.ConnectionID, string(m.Kind)}, m.Details...), "/")
}

// FindMarker finds the last marker in a comment's text.
func FindMarker(text string) (Marker, bool) {
	all := markerForm().FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return Marker{}, false
	}
	m := all[len(all)-1]
	return Marker{Prefix: m[1], ConnectionID: m[2], Kind: Kind(m[3]), Details: strings.Split(m[4][1:], "/")}, true
}

// detail is the n-th detail, or "".
func (m Marker) detail(n int) string {
	if n < len(m.Details) {
		return m.Details[n]
	}
	return ""
}

// generation is the generation that the comment is about; 0 for other kinds.
func (m Marker) generation() int {
	if m.Kind == KindPlan || m.Kind == KindProblem {
		return 0
	}
	g, _ := strconv.Atoi(m.detail(0))
	return g
}

// verdict is what a comment of the kind KindVerdict told.
func (m Marker) verdict() (outcome interconnect.VerdictOutcome, at time.Time) {
	ms, _ := strconv.ParseInt(m.detail(2), 10, 64)
	return interconnect.VerdictOutcome(m.detail(1)), time.UnixMilli(ms).UTC()
}

// conversation is what has been said on a ticket about its connection, the
// oldest first.
type conversation []Said

// about narrows comments down to those of one deployment and connection.
func about(all []Said, prefix, id string) conversation {
	var out conversation
	for _, s := range all {
		if s.Marker.Prefix == prefix && s.Marker.ConnectionID == id {
			out = append(out, s)
		}
	}
	return out
}

// has tells whether a comment with the marker is there.
func (c conversation) has(m Marker) bool {
	for _, s := range c {
		if s.Marker.String() == m.String() {
			return true
		}
	}
	return false
}

// newest returns the newest comment of a kind.
func (c conversation) newest(k Kind) (Said, bool) {
	for i := len(c) - 1; i >= 0; i-- {
		if c[i].Marker.Kind == k {
			return c[i], true
		}
	}
	return Said{}, false
}

// told is the newest verdict that was told of a generation.
func (c conversation) told(generation int) (outcome interconnect.VerdictOutcome, at time.Time) {
	for _, s := range c {
		if s.Marker.Kind != KindVerdict || s.Marker.generation() != generation {
			continue
		}
		if o, t := s.Marker.verdict(); !t.Before(at) {
			outcome, at = o, t
		}
	}
	return outcome, at
}
