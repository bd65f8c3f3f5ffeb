package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Call is one API call as the wire decoded it: parameters flat, as sent
// (InstanceId.1, Permissions.2.IpProtocol), without the protocol's own
// (Action, Version, Format, AccessKeyId, Signature, ...).
type Call struct {
	Product    string // Vpc, Ecs, ...
	Version    string // 2016-04-28, ...
	Action     string
	Parameters map[string]string
	Caller     Caller
}

// Result is what became of a call.
type Result struct {
	RequestID string
	Response  any                 // marshals to the documented JSON; nil if Err is set
	Err       *Error              // nil on success
	Drop      bool                // the wire is to close the connection without an answer
	Fault     string              // what Faults did to the call, for the record; "" if nothing
	Denied    *AccessDeniedDetail // of an Err that is for want of a permission; else nil
}

// Position is where a parameter is sent.
type Position string

// The two positions of RPC parameters.
const (
	Query Position = "Query"
	Body  Position = "Body"
)

// Parameter describes one parameter of an action, as the published metadata
// does. A list has Members if its elements are objects.
type Parameter struct {
	Name     string
	Type     string // String, Integer (Long is published apart), Boolean, or RepeatList
	Position Position
	Required bool
	Max      int // of a list: most elements; 0 unlimited
	Members  []Parameter
}

// Action is one API action.
type Action struct {
	Product    string
	Version    string
	Name       string
	Write      bool
	PerMinute  int // published rate limit per account, region and 60 s; 0: none published
	Parameters []Parameter

	run    func(e *Engine, t *tx, p reflect.Value) (any, error)
	typ    reflect.Type
	answer reflect.Type
}

// AnswerType returns the struct that a success marshals from.
func (a Action) AnswerType() reflect.Type { return a.answer }

// tx is one call being carried out. Reads look at the world as of seen, writes
// at the present.
type tx struct {
	now    time.Time
	seen   time.Time
	region string
	caller Caller
	action *Action
}

// product is a set of actions under one name and version. Each product's files
// declare theirs as a table of read and write entries.
type product struct{ name, version string }

// read declares an action that only looks. P's fields are its parameters (see
// describe); R embeds Answer and marshals to the documented response, no field
// left out.
func read[P, R any](p product, name string, perMinute int, f func(*Engine, *tx, *P) (*R, error)) Action {
	return declare(p, name, false, perMinute, f)
}

// write declares an action that changes something.
func write[P, R any](p product, name string, perMinute int, f func(*Engine, *tx, *P) (*R, error)) Action {
	return declare(p, name, true, perMinute, f)
}

func declare[P, R any](p product, name string, isWrite bool, perMinute int, f func(*Engine, *tx, *P) (*R, error)) Action {
	typ := reflect.TypeFor[P]()
	return Action{
		Product: p.name, Version: p.version, Name: name, Write: isWrite, PerMinute: perMinute,
		Parameters: describe(typ), typ: typ, answer: reflect.TypeFor[R](),
		run: func(e *Engine, t *tx, v reflect.Value) (any, error) {
			r, err := f(e, t, v.Interface().(*P))
			if err != nil {
				return nil, err
			}
			return r, nil
		},
	}
}

// actions is every action that the engine knows, by product and name.
var actions = func() map[[2]string]*Action {
	m := map[[2]string]*Action{}
	for _, list := range catalogue() {
		for _, a := range list {
			k := [2]string{strings.ToLower(a.Product), a.Name}
			if m[k] != nil {
				panic("action declared twice: " + a.Product + " " + a.Name)
			}
			m[k] = &a
		}
	}
	return m
}()

// Actions returns every action that the engine knows, sorted.
func Actions() []Action {
	out := make([]Action, 0, len(actions))
	for _, a := range actions {
		out = append(out, *a)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Product+out[i].Name < out[j].Product+out[j].Name
	})
	return out
}

// Find returns an action by product (any case) and name.
func Find(productName, name string) (Action, bool) {
	a := actions[[2]string{strings.ToLower(productName), name}]
	if a == nil {
		return Action{}, false
	}
	return *a, true
}

// Call carries out one API call: validation, rate limit, client token, the
// action itself, and whatever Faults does to it.
func (e *Engine) Call(c Call) Result {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	defer e.changed()
	res := Result{RequestID: e.newUUID()}
	a := actions[[2]string{strings.ToLower(c.Product), c.Action}]
	if a == nil {
		res.Err = errUnknownAction(c)
		return res
	}
	if c.Version != a.Version {
		res.Err = &Error{400, "InvalidVersion", fmt.Sprintf("Specified parameter Version is not valid: %s has %s.", a.Product, a.Version)}
		return res
	}
	if d := e.denied(c); d != nil {
		res.Err, res.Denied = &d.Error, &d.Detail
		return res
	}
	var fault Fault
	if e.opt.Faults != nil {
		fault = e.opt.Faults.Call(a.Product, a.Name, a.Write)
	}
	if fault.Refuse != nil {
		res.Err, res.Fault = fault.Refuse, "refused"
		return res
	}
	res.Response, res.Err = e.carryOut(a, c, fault)
	if r, ok := res.Response.(interface{ setRequestID(string) }); ok {
		r.setRequestID(res.RequestID)
	}
	switch {
	case fault.Drop:
		res.Drop, res.Fault = true, "answer lost"
	case fault.Answer != nil && res.Err == nil:
		res.Response, res.Err, res.Fault = nil, fault.Answer, "done but reported failed"
	case fault.Lag > 0 && !a.Write:
		res.Fault = "read lags " + fault.Lag.String()
	}
	return res
}

func (e *Engine) carryOut(a *Action, c Call, fault Fault) (any, *Error) {
	p := reflect.New(a.typ)
	if err := decode(a, c.Parameters, p.Elem(), e.opt.Switches); err != nil {
		return nil, e.spell(err)
	}
	t := &tx{now: e.now, seen: e.now.Add(-fault.Lag), region: c.Parameters["RegionId"], caller: c.Caller, action: a}
	if t.seen.Before(e.begun) {
		t.seen = e.begun
	}
	if fault.Lag == 0 {
		t.seen = latest
	}
	if err := e.checkRegion(a, t.region); err != nil {
		return nil, err
	}
	if err := e.checkRate(a, t); err != nil {
		return nil, err
	}
	key, sum := tokenKey{a.Product, a.Name, t.region, c.Parameters["ClientToken"]}, [32]byte{}
	if len(key.token) > 64 {
		return nil, &Error{400, "InvalidClientToken.Malformed", "A client token has at most 64 ASCII characters."}
	}
	if key.token != "" {
		sum = digest(c.Parameters)
		if use, ok := e.tokens[key]; ok {
			if use.sum != sum {
				return nil, errTokenMismatch(a)
			}
			return clone(use.answer), nil
		}
	}
	r, err := a.run(e, t, p)
	if err != nil {
		var known *Error
		if errors.As(err, &known) {
			return nil, e.spell(known)
		}
		return nil, &Error{500, "InternalError", err.Error()}
	}
	if key.token != "" {
		e.tokens[key] = tokenUse{sum: sum, answer: clone(r)}
	}
	return r, nil
}

// spell gives an error the code or status that Switches choose.
func (e *Engine) spell(err *Error) *Error {
	var name string
	if e.opt.Switches.ParameterErrorsAre400 && strings.HasPrefix(err.Code, "Entity") {
		return &Error{400, err.Code, err.Message}
	}
	if e.opt.Switches.MissingParameterNamed && err.Code == "MissingParameter" {
		if _, scan := fmt.Sscanf(err.Message, missingMessage, &name); scan == nil {
			return &Error{400, "Missing" + name, name + " is mandatory for this action."}
		}
	}
	return err
}

// clone copies an answer one level deep, so that its request id can differ.
func clone(r any) any {
	v := reflect.New(reflect.TypeOf(r).Elem())
	v.Elem().Set(reflect.ValueOf(r).Elem())
	return v.Interface()
}

// A client token is remembered for as long as the engine lives; the real
// retention is UNCONFIRMED.
type tokenKey struct{ product, action, region, token string }

type tokenUse struct {
	sum    [32]byte
	answer any
}

func digest(p map[string]string) [32]byte {
	keys := make([]string, 0, len(p))
	for k := range p {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	h := sha256.New()
	for _, k := range keys {
		fmt.Fprintf(h, "%q=%q\n", k, p[k])
	}
	return [32]byte(h.Sum(nil))
}

type rateKey struct{ product, action, region string }

// checkRate enforces the published limits over a sliding minute.
func (e *Engine) checkRate(a *Action, t *tx) *Error {
	if e.opt.NoRates || a.PerMinute == 0 {
		return nil
	}
	k := rateKey{a.Product, a.Name, t.region}
	recent := e.rates[k]
	for len(recent) > 0 && t.now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	if len(recent) >= a.PerMinute {
		e.rates[k] = recent
		return &Error{400, "Throttling.User", "Request was denied due to user flow control."}
	}
	e.rates[k] = append(recent, t.now)
	return nil
}

// describe reads an action's parameters off its parameter struct: one field a
// parameter, the field's name being the parameter's unless the tag `api` gives
// another. Further words of the tag: required, body, max=N. Strings, ints and
// bools may be pointers where absent and zero differ. A slice is a repeated
// parameter (Name.1, or Name.1.Member for structs).
func describe(t reflect.Type) []Parameter {
	var out []Parameter
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			out = append(out, describe(f.Type)...)
			continue
		}
		p := Parameter{Name: f.Name, Position: Query}
		for j, word := range strings.Split(f.Tag.Get("api"), ",") {
			switch {
			case j == 0 && word != "":
				p.Name = word
			case word == "required":
				p.Required = true
			case word == "body":
				p.Position = Body
			case strings.HasPrefix(word, "max="):
				p.Max, _ = strconv.Atoi(word[4:])
			}
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch ft.Kind() {
		case reflect.String:
			p.Type = "String"
		case reflect.Int, reflect.Int64:
			p.Type = "Integer"
		case reflect.Bool:
			p.Type = "Boolean"
		case reflect.Slice:
			p.Type = "RepeatList"
			if ft.Elem().Kind() == reflect.Struct {
				p.Members = describe(ft.Elem())
			}
		default:
			panic("parameter of a kind that the wire does not have: " + f.Name)
		}
		out = append(out, p)
	}
	return out
}

// UnknownAccessKey is what a request gets whose access key the cloud does not
// know; its HTTP status differs between documents.
func (e *Engine) UnknownAccessKey() *Error {
	status := 404
	if e.opt.Switches.UnknownAccessKeyIs400 {
		status = 400
	}
	return &Error{status, "InvalidAccessKeyId.NotFound", "Specified access key is not found."}
}
