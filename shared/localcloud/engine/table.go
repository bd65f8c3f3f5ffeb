package engine

import (
	"slices"
	"time"
)

// table holds one kind of resource with its recent past, so that a read may
// lag: a reader that sees the world as of some seconds ago sees all of a row
// as it was then.
type table[T any] struct {
	rows  map[string]*row[T]
	order []string // ids in order of creation: what lists are sorted by
	dead  int      // rows that were removed since the last sweep
}

type row[T any] struct{ versions []version[T] }

type version[T any] struct {
	at    time.Time
	value *T // nil: deleted
}

// longestLag bounds how far back a lagging read can see.
const longestLag = 10 * time.Second

// sweepAfter is how many removed rows a table keeps before it forgets them.
const sweepAfter = 256

func newTable[T any]() table[T] { return table[T]{rows: map[string]*row[T]{}} }

// put writes v as the row's value from at on. Values are never changed in
// place: slices and maps inside v must not be shared with an older value that
// is then written to.
func (t *table[T]) put(at time.Time, id string, v T) {
	r := t.rows[id]
	if r == nil {
		r = &row[T]{}
		t.rows[id] = r
		t.order = append(t.order, id)
	}
	r.versions = append(r.versions, version[T]{at, &v})
	r.forget(at.Add(-longestLag))
}

// forget drops the versions that nobody who looks at the world as of before or
// later can see.
func (r *row[T]) forget(before time.Time) {
	first := 0
	for i, v := range r.versions {
		if !v.at.After(before) {
			first = i
		}
	}
	if first > 0 {
		r.versions = slices.Clone(r.versions[first:])
	}
}

// update changes a copy of the row's present value; it does nothing if the row
// is not there.
func (t *table[T]) update(at time.Time, id string, f func(*T)) {
	v, ok := t.get(latest, id)
	if !ok {
		return
	}
	f(&v)
	t.put(at, id, v)
}

// remove deletes the row from at on.
func (t *table[T]) remove(at time.Time, id string) {
	r := t.rows[id]
	if r == nil || r.versions[len(r.versions)-1].value == nil {
		return
	}
	r.versions = append(r.versions, version[T]{at: at})
	if t.dead++; t.dead >= sweepAfter {
		t.sweep(at.Add(-longestLag))
	}
}

// latest, as a time to look at, means: the present, whatever the clock says.
var latest = time.Unix(1<<40, 0)

// get returns the row as of a time.
func (t *table[T]) get(asOf time.Time, id string) (T, bool) {
	var zero T
	r := t.rows[id]
	if r == nil {
		return zero, false
	}
	for i := len(r.versions) - 1; i >= 0; i-- {
		v := r.versions[i]
		if v.at.After(asOf) {
			continue
		}
		if v.value == nil {
			return zero, false
		}
		return *v.value, true
	}
	return zero, false
}

// list returns the rows as of a time that f accepts (nil: all), oldest first.
func (t *table[T]) list(asOf time.Time, f func(T) bool) []T {
	var out []T
	for _, id := range t.order {
		if v, ok := t.get(asOf, id); ok && (f == nil || f(v)) {
			out = append(out, v)
		}
	}
	return out
}

// sweep forgets rows that were deleted before a time.
func (t *table[T]) sweep(before time.Time) {
	t.dead = 0
	kept := make([]string, 0, len(t.order))
	for _, id := range t.order {
		vs := t.rows[id].versions
		last := vs[len(vs)-1]
		if last.value == nil && last.at.Before(before) {
			delete(t.rows, id)
			continue
		}
		if last.value == nil {
			t.dead++
		}
		kept = append(kept, id)
	}
	t.order = kept
}
