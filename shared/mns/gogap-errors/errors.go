// Package errors is what the MNS SDK needs of github.com/gogap/errors, whose place
// it takes by go.mod's replace: errors with a code, made from a text with places
// for parameters.
//
// The original renders its texts with text/template, which calls methods by name.
// A linker that meets such a call anywhere keeps every exported method of every
// type: a quarter of each function's binary, and as much of its cold start.
package errors

import (
	"fmt"
	"reflect"
	"strings"
)

// Params are what a text's places are filled with, by name.
type Params map[string]any

// ErrCode is an error with a code.
type ErrCode interface {
	error
	Code() uint64
	Namespace() string
}

// ErrCodeTemplate makes errors of one code.
type ErrCodeTemplate struct {
	namespace string
	code      uint64
	text      string
}

// TN returns the template of a code in a namespace. The text's places are
// {{.name}}, or {{.name.Field}} for a field of a struct.
func TN(namespace string, code uint64, text string) ErrCodeTemplate {
	return ErrCodeTemplate{namespace, code, text}
}

// New makes an error.
func (t *ErrCodeTemplate) New(params ...Params) ErrCode {
	all := Params{}
	for _, p := range params {
		for name, value := range p {
			all[name] = value
		}
	}
	return &errorCode{t.namespace, t.code, render(t.text, all)}
}

// IsEqual tells whether err is of the template's code.
func (t *ErrCodeTemplate) IsEqual(err error) bool {
	e, ok := err.(ErrCode)
	return ok && e.Code() == t.code && e.Namespace() == t.namespace
}

type errorCode struct {
	namespace string
	code      uint64
	message   string
}

func (e *errorCode) Code() uint64      { return e.code }
func (e *errorCode) Namespace() string { return e.namespace }
func (e *errorCode) Error() string {
	return fmt.Sprintf("%s, Id: %s#%d", e.message, e.namespace, e.code)
}

// missing stands where a place has nothing to be filled with.
const missing = "<no value>"

// render fills the places of a text.
func render(text string, params Params) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{.")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		path, after, closed := strings.Cut(rest, "}}")
		if !closed {
			b.WriteString("{{." + rest)
			return b.String()
		}
		b.WriteString(look(params, strings.Split(path, ".")))
		text = after
	}
}

// look finds what a place is to be filled with.
func look(params Params, path []string) string {
	value, ok := params[path[0]]
	if !ok || value == nil {
		return missing
	}
	v := reflect.ValueOf(value)
	for _, field := range path[1:] {
		if v = reflect.Indirect(v); v.Kind() != reflect.Struct {
			return missing
		}
		if v = v.FieldByName(field); !v.IsValid() || !v.CanInterface() {
			return missing
		}
	}
	return fmt.Sprint(v.Interface())
}
