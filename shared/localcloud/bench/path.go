package bench

import (
	"slices"
	"strings"
	"time"
)

// Row is one thing that a run cannot do without: a call, calls made side by
// side, or a change of state that takes its time.
type Row struct {
	Name string
	Why  string // why the run needs it

	// A call: of which function, and which of those it made.
	By, Action string // of several actions, with spaces between, any
	About      string // the call's About ends so; "" for any
	Pick       pick
	Of         string // the row that pick is about, if it is about one

	// A change of state: when the last of What that came to be Is did so, after
	// what it needs. Or a fixed time, For.
	What, Is string
	For      time.Duration

	Needs []string // rows that have to have ended; of a row that did not happen, what that one needs
}

// pick says which of the calls that match a row is meant.
type pick int

const (
	first  pick = iota
	last        // of all
	before      // the last one that was answered when Of's was sent
	after       // the first one that was sent when Of's was answered
)

// Link is a row as it happened.
type Link struct {
	Row
	Calls []Call // side by side; none of a change of state
	Takes time.Duration
	From  time.Duration // on the path, since its beginning
	To    time.Duration
}

// Path is the longest chain of rows that need each other: what the run would
// have taken, had every call been sent the moment it could be.
type Path struct {
	Links []Link
	Takes time.Duration
}

// Critical returns the longest path through a table to its row named end, with
// each row as long as it took in a recording.
func Critical(table []Row, r Recording, end string) Path {
	found := map[string]*Link{}
	// Rows that are about others, by their place or their beginning, after those.
	for _, which := range []func(Row) bool{
		func(row Row) bool { return row.Of == "" && row.What == "" },
		func(row Row) bool { return row.Of != "" },
		func(row Row) bool { return row.What != "" },
	} {
		for _, row := range table {
			if l, ok := r.find(row, found); which(row) && ok {
				found[row.Name] = l
			}
		}
	}
	// What a row needs comes before it in the table.
	came := map[string]string{} // by which of its needs a row is reached last
	for _, row := range table {
		l := found[row.Name]
		if l == nil {
			continue
		}
		for _, need := range needs(table, found, row) {
			if n := found[need]; n.To > l.From || came[row.Name] == "" && n.To == l.From {
				l.From, came[row.Name] = n.To, need
			}
		}
		l.To = l.From + l.Takes
	}
	var p Path
	for l := found[end]; l != nil; l = found[came[l.Name]] {
		p.Links = append(p.Links, *l)
		p.Takes = max(p.Takes, l.To)
	}
	slices.Reverse(p.Links)
	return p
}

// Reached returns how long the run itself took until what ends the path.
func (p Path) Reached(r Recording) time.Duration {
	if len(p.Links) == 0 {
		return 0
	}
	return answered(p.Links[len(p.Links)-1].Calls).Sub(r.From)
}

// needs lists the rows that happened and that a row stands on: through one that
// did not happen, what that one needs.
func needs(table []Row, found map[string]*Link, row Row) []string {
	var out []string
	for _, need := range row.Needs {
		if found[need] != nil {
			out = append(out, need)
			continue
		}
		if i := slices.IndexFunc(table, func(r Row) bool { return r.Name == need }); i >= 0 {
			out = append(out, needs(table, found, table[i])...)
		}
	}
	return out
}

// find finds a row in a recording; false if it did not happen.
func (r Recording) find(row Row, found map[string]*Link) (*Link, bool) {
	l := &Link{Row: row}
	switch {
	case row.For > 0:
		l.Takes = row.For
		return l, true
	case row.What != "":
		for _, need := range row.Needs {
			asked := found[need]
			if asked == nil || len(asked.Calls) == 0 {
				continue
			}
			began := answered(asked.Calls)
			for _, s := range r.States {
				if s.What == row.What && s.Is == row.Is && s.At.After(began) && (l.Takes == 0 || s.At.Sub(began) < l.Takes+together) {
					l.Takes = max(l.Takes, s.At.Sub(began))
				}
			}
		}
		return l, l.Takes > 0
	}
	var matching []Call
	for _, c := range r.Calls {
		if c.By == row.By && slices.Contains(strings.Fields(row.Action), c.Action) && strings.HasSuffix(c.About, row.About) {
			matching = append(matching, c)
		}
	}
	chosen, ok := choose(matching, row, found[row.Of])
	if !ok {
		return nil, false
	}
	for _, c := range matching {
		if c.Sent.Before(chosen.Answered) && chosen.Sent.Before(c.Answered) { // side by side
			l.Calls = append(l.Calls, c)
			l.Takes = max(l.Takes, c.Took())
		}
	}
	return l, true
}

// together is within what time things that were asked for at once come to their
// state one after the other.
const together = 2 * time.Second

func choose(matching []Call, row Row, of *Link) (Call, bool) {
	if row.Of != "" {
		if of == nil || len(of.Calls) == 0 {
			return Call{}, false
		}
		began, ended := of.Calls[0].Sent, answered(of.Calls)
		if row.Pick == before {
			matching = slices.DeleteFunc(matching, func(c Call) bool { return c.Answered.After(began) })
		} else {
			matching = slices.DeleteFunc(matching, func(c Call) bool { return c.Sent.Before(ended) })
		}
	}
	switch {
	case len(matching) == 0:
		return Call{}, false
	case row.Pick == first || row.Pick == after:
		return matching[0], true
	}
	return matching[len(matching)-1], true
}

func answered(calls []Call) (at time.Time) {
	for _, c := range calls {
		if c.Answered.After(at) {
			at = c.Answered
		}
	}
	return at
}
