package interconnect

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a request's JSON.
const (
	MaxRequestBytes = 64 << 10
	maxRequestDepth = 10
)

// DecodeRequest reads a request strictly: no unknown or repeated field, no
// null, nothing after the value, at most MaxRequestBytes. Field names are
// case-sensitive. It returns a request or problems, never both.
func DecodeRequest(body []byte) (*Request, []FieldProblem) {
	var p problems
	root, ok := parse(body, &p)
	if !ok {
		return nil, p.list
	}
	var r Request
	fill(reflect.ValueOf(&r).Elem(), root, "", &p)
	if len(p.list) > 0 {
		return nil, p.list
	}
	return &r, nil
}

// parse reads a body as one JSON value, strictly.
func parse(body []byte, p *problems) (node, bool) {
	switch {
	case len(body) > MaxRequestBytes:
		p.add("", "The request is %d bytes long; send at most %d.", len(body), MaxRequestBytes)
		return node{}, false
	case len(bytes.TrimSpace(body)) == 0:
		p.add("", "The request is empty; send a JSON object with an initiator and an acceptor.")
		return node{}, false
	case !utf8.Valid(body):
		p.add("", "The request is not valid UTF-8; encode it as UTF-8.")
		return node{}, false
	}
	// A first look settles the syntax and that nothing follows the value, so
	// that the walk below meets neither.
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		line := 0
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at := min(max(int(syntax.Offset), 0), len(body))
			line = 1 + bytes.Count(body[:at], []byte("\n"))
		}
		p.add("", "The request is not one JSON value: %s (line %d). Correct it and send it again.", err, line)
		return node{}, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	walk := reader{d: d, p: p}
	root := walk.node("", 0)
	return root, len(p.list) == 0
}

// node is a JSON value whose object members keep their order and repeats.
type node struct {
	kind   string // object, list, string, or what else it is
	text   string // of a string, a number or a boolean
	names  []string
	values []node // of names, or the list's items
}

// reader walks over JSON that is known to be valid.
type reader struct {
	d       *json.Decoder
	p       *problems
	stopped bool // no use in reading on: too deep, or enough problems
}

func (r *reader) stop(path, format string, args ...any) {
	r.p.add(path, format, args...)
	r.stopped = true
}

// token reads the next token. Valid JSON has one wherever it is called; if
// not, that is reported like any other problem.
func (r *reader) token(path string) json.Token {
	t, err := r.d.Token()
	if err != nil {
		r.stop(path, "The value cannot be read; correct it and send it again.")
	}
	return t
}

func (r *reader) node(path string, depth int) node {
	if depth > maxRequestDepth {
		r.stop(path, "The value is nested more than %d levels deep; a request never is.", maxRequestDepth)
		return node{}
	}
	switch t := r.token(path).(type) {
	case json.Delim:
		if t == '[' {
			return r.list(path, depth)
		}
		return r.object(path, depth)
	case string:
		return node{kind: "string", text: t}
	case json.Number:
		return node{kind: "number", text: t.String()}
	case bool:
		return node{kind: "boolean", text: strconv.FormatBool(t)}
	default:
		return node{kind: "null"}
	}
}

func (r *reader) more() bool { return !r.stopped && r.d.More() }

func (r *reader) list(path string, depth int) node {
	n := node{kind: "list"}
	for r.more() {
		n.values = append(n.values, r.node(item(path, len(n.values)), depth+1))
	}
	r.close(path)
	return n
}

func (r *reader) object(path string, depth int) node {
	n := node{kind: "object"}
	seen := map[string]bool{}
	for r.more() {
		name, _ := r.token(path).(string)
		field := child(path, name)
		if seen[name] {
			r.stop(field, "The field is given twice; give it once.")
		}
		seen[name] = true
		n.names = append(n.names, name)
		n.values = append(n.values, r.node(field, depth+1))
	}
	r.close(path)
	return n
}

// close reads the bracket that ends a list or an object.
func (r *reader) close(path string) {
	if !r.stopped {
		r.token(path)
	}
}

// fill puts a node into a Go value made of structs, pointers, slices, strings,
// whole numbers and booleans: the kinds that a request is made of.
func fill(v reflect.Value, n node, path string, p *problems) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n, path, p)
	case reflect.String:
		if want(n, "string", path, p) {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if want(n, "boolean", path, p) {
			v.SetBool(n.text == "true")
		}
	case reflect.Int:
		if want(n, "number", path, p) {
			if i, err := strconv.Atoi(n.text); err == nil {
				v.SetInt(int64(i))
			} else {
				p.add(path, "%s is not a whole number, or too large; a whole number belongs here.", short(n.text))
			}
		}
	case reflect.Slice:
		if want(n, "list", path, p) {
			list := reflect.MakeSlice(v.Type(), len(n.values), len(n.values))
			for i, value := range n.values {
				fill(list.Index(i), value, item(path, i), p)
			}
			v.Set(list)
		}
	case reflect.Struct:
		if want(n, "object", path, p) {
			fillStruct(v, n, path, p)
		}
	default:
		panic("interconnect: a request has no fields of kind " + v.Kind().String())
	}
}

func fillStruct(v reflect.Value, n node, path string, p *problems) {
	fields := map[string]int{}
	var known []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = i
		known = append(known, name)
	}
	for i, name := range n.names {
		index, ok := fields[name]
		if !ok {
			p.add(child(path, name), "There is no such field; there are %s.", strings.Join(known, ", "))
			continue
		}
		fill(v.Field(index), n.values[i], child(path, name), p)
	}
}

func want(n node, kind, path string, p *problems) bool {
	switch {
	case n.kind == kind:
		return true
	case n.kind == "null":
		p.add(path, "The value is null; leave the field out to get its default.")
	default:
		p.add(path, "The value is %s; %s belongs here.", article(n.kind), article(kind))
	}
	return false
}

func article(kind string) string {
	if kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}
