package interconnect

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Difference is a field of a request in which two desired states differ.
type Difference struct {
	Field   string   `json:"field"`             // as FieldProblem's, a list's without an index
	Added   []string `json:"added,omitempty"`   // values that are new
	Removed []string `json:"removed,omitempty"` // values that are gone
	Gone    int      `json:"gone,omitempty"`    // how many are gone, where it is not known what they were
}

// facet is one value of a request: a field that holds no list has one, a list
// has one for each item.
type facet struct{ field, value string }

// posting are the fields that say how a request is to be taken, not what is
// wanted.
var posting = []string{"/planHash", "/allowCut"}

// facets takes a request apart. Which fields it has is told by its JSON, so
// that none is forgotten.
func facets(r *Request) []facet {
	text, err := json.Marshal(r)
	if err != nil {
		return nil // strings and numbers cannot fail
	}
	var out []facet
	var walk func(path string, text json.RawMessage)
	walk = func(path string, text json.RawMessage) {
		var members map[string]json.RawMessage
		var items []json.RawMessage
		switch {
		case slices.Contains(posting, path):
		case json.Unmarshal(text, &members) == nil:
			for name, member := range members {
				walk(child(path, name), member)
			}
		case json.Unmarshal(text, &items) == nil:
			for _, i := range items {
				out = append(out, facet{path, plain(i)})
			}
		default:
			out = append(out, facet{path, plain(text)})
		}
	}
	walk("", text)
	slices.SortFunc(out, func(a, b facet) int { return strings.Compare(a.field+" "+a.value, b.field+" "+b.value) })
	return out
}

// plain spells a string without its quotes, and everything else as JSON.
func plain(text json.RawMessage) string {
	var s string
	if json.Unmarshal(text, &s) == nil {
		return s
	}
	return string(text)
}

// Differences lists in which fields two requests differ, sorted by field.
func Differences(was, is *Request) []Difference {
	return differ(facets(is), facets(was), func(d *Difference, gone facet) { d.Removed = append(d.Removed, gone.value) })
}

// differ lists what is in is alone and, by gone, what is in was alone.
func differ(is, was []facet, gone func(d *Difference, f facet)) []Difference {
	list := []Difference{}
	at := func(field string) *Difference {
		i := slices.IndexFunc(list, func(d Difference) bool { return d.Field == field })
		if i < 0 {
			list = append(list, Difference{Field: field})
			i = len(list) - 1
		}
		return &list[i]
	}
	for _, f := range is {
		if !slices.Contains(was, f) {
			at(f.field).Added = append(at(f.field).Added, f.value)
		}
	}
	for _, f := range was {
		if !slices.Contains(is, f) {
			gone(at(f.field), f)
		}
	}
	slices.SortFunc(list, func(a, b Difference) int { return strings.Compare(a.Field, b.Field) })
	return list
}

// Outline is what a plan's hash is made of: the resolved requests, and what is
// in their way.
type Outline struct {
	Requests  []*Request
	Conflicts []FieldProblem
}

func (o Outline) facets() []facet {
	var out []facet
	for _, r := range o.Requests {
		prefix := ""
		if len(o.Requests) > 1 {
			prefix = "/connections/" + r.ID
		}
		for _, f := range facets(r) {
			out = append(out, facet{prefix + f.field, f.value})
		}
	}
	for _, p := range o.Conflicts {
		out = append(out, facet{"conflicts", p.Error()})
	}
	return out
}

// fragment is how many bytes of a facet's hash a plan's hash holds: enough to
// tell which facets of a plan are new. Whether anything changed, the whole's
// hash decides.
const fragment = 3

// Hash spells the plan's hash: one of the whole, a dot, and fragments of the
// hashes of its facets, so that what has changed since can be named without
// having been stored.
func (o Outline) Hash() string {
	whole := sha256.New()
	var parts []byte
	for _, f := range o.facets() {
		one := f.sum()
		whole.Write(one[:])
		parts = append(parts, one[:fragment]...)
	}
	return hex.EncodeToString(whole.Sum(nil)[:16]) + "." + base64.RawURLEncoding.EncodeToString(parts)
}

func (f facet) sum() [sha256.Size]byte {
	return sha256.Sum256([]byte(fmt.Sprintf("%d:%s%s", len(f.field), f.field, f.value)))
}

// Compare tells what has changed since a plan's hash was made: nothing, if the
// list is nil. ok is false where the text is no plan's hash.
func (o Outline) Compare(hash string) (changed []Difference, ok bool) {
	whole, rest, found := strings.Cut(hash, ".")
	parts, err := base64.RawURLEncoding.DecodeString(rest)
	if sum, herr := hex.DecodeString(whole); !found || err != nil || herr != nil || len(sum) != 16 || len(parts)%fragment != 0 || len(parts) == 0 {
		return nil, false
	}
	if hash == o.Hash() {
		return nil, true
	}
	known := map[string]int{}
	for part := range slices.Chunk(parts, fragment) {
		known[string(part)]++
	}
	var added []facet
	for _, f := range o.facets() {
		sum := f.sum()
		if part := string(sum[:fragment]); known[part] > 0 {
			known[part]--
		} else {
			added = append(added, f)
		}
	}
	changed = differ(added, nil, nil)
	gone := 0
	for _, n := range known {
		gone += n
	}
	if gone > 0 || len(changed) == 0 {
		changed = append(changed, Difference{Field: "", Gone: gone})
	}
	return changed, true
}
