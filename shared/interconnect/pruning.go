package interconnect

import (
	"fmt"
	"slices"
)

// Pruning says what may be removed for one connection, and what must stay. A
// thing goes only if it bears a mark of this deployment, and the mark is this
// connection's or the thing equals one that this connection wanted, and no
// live desired state needs it.
//
// Routes and rules may serve several connections, and bear the mark of the one
// that came first. When that one needs them no longer it leaves them to the
// others. So one goes as well if its owner's last word is said, and that does not
// need it either: whoever comes across it then is the last who can know.
type Pruning struct {
	Mark   Mark
	Wanted []*Connection // what this connection wanted, now or formerly
	Live   []*Connection // what must stay: live desired states, this connection's own included
	Ended  []string      // ids of other connections of which nothing is under way
}

// NewPruning gathers what a prune of the record r down to want (nil: to
// nothing) goes by. scope is the connection as last desired; others are all
// other records.
//
// Another record's last connected state counts as needed too: it may be rolling
// back to it.
func NewPruning(prefix string, r *Record, scope, want *Connection, others []Record) Pruning {
	p := Pruning{Mark: Mark{Prefix: prefix, ConnectionID: r.ID}}
	p.Wanted = appendSet(p.Wanted, scope, r.LastConnected)
	p.Live = appendSet(p.Live, want)
	for i := range others {
		o := &others[i]
		if o.ID == r.ID {
			continue
		}
		if o.Live() {
			p.Live = appendSet(p.Live, o.needed()...)
		}
		if Ended(o) {
			p.Ended = append(p.Ended, o.ID)
		}
	}
	return p
}

// needed are the desired states of a live record that others leave alone. A
// generation that failed and is rolled back needs nothing any more: what it has
// in common with another connection would stay behind when that goes, for its
// own removal has passed.
func (r *Record) needed() []*Connection {
	p := r.phase()
	if r.Wanted.Connection.OnFailure != OnFailureKeep && (p == phaseUndoing || p == phaseUndone) {
		return []*Connection{r.LastConnected}
	}
	return []*Connection{r.Wanted.Connection, r.LastConnected}
}

// liveOf returns the live desired states of a type.
func (p Pruning) liveOf(t Type) []*Connection {
	var out []*Connection
	for _, c := range p.Live {
		if c.Type == t {
			out = append(out, c)
		}
	}
	return out
}

func appendSet(list []*Connection, more ...*Connection) []*Connection {
	for _, c := range more {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}

// owned tells whether a thing with this mark in its name or description may
// be this connection's to remove. wanted tells whether it equals a thing that
// this connection wanted.
func (p Pruning) owned(text string, wanted bool) bool {
	m, ok := p.Mark.ours(text)
	return ok && (m.ConnectionID == p.Mark.ConnectionID || wanted)
}

// left is owned for what may serve several connections, unless one needs it.
func (p Pruning) left(text string, wanted bool) bool {
	m, ok := p.Mark.ours(text)
	return p.owned(text, wanted) || ok && slices.Contains(p.Ended, m.ConnectionID)
}

// Groups lists the security groups of one side that may hold rules of this
// connection: those of its desired states and of earlier generations.
func (p Pruning) Groups(role Role, former []Place) []string {
	var out []string
	seen := map[string]bool{"": true}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, c := range p.Wanted {
		for _, g := range c.Side(role).SecurityGroups {
			add(g.ID)
		}
	}
	for _, place := range former {
		if place.Role == role {
			add(place.Group)
		}
	}
	return out
}

// few is how many ids a step's status lists: an entry of the Parameter Store
// is 4,096 characters.
const few = 30

// Few shortens a list of ids to what a step's status can hold, saying how many
// more there are.
func Few(ids []string) []string {
	if len(ids) <= few {
		return ids
	}
	return append(ids[:few:few], fmt.Sprintf("and %d more", len(ids)-few))
}
