package ram

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Policy is a policy document. RAM's language: any statement that denies wins;
// else one that allows is needed.
type Policy struct{ statements []statement }

type statement struct {
	deny       bool
	actions    []string
	except     bool // actions lists what it is not about (NotAction)
	resources  []string
	conditions []condition
}

type condition struct {
	operator string
	key      string
	values   []string
}

// operators are those of RAM's that are known here: whether a value that the
// request has fits one that the policy has, and whether the condition holds if
// none fits.
var operators = map[string]struct {
	fits   func(has, want string) bool
	negate bool
}{
	"StringEquals":              {func(a, b string) bool { return a == b }, false},
	"StringNotEquals":           {func(a, b string) bool { return a == b }, true},
	"StringEqualsIgnoreCase":    {strings.EqualFold, false},
	"StringNotEqualsIgnoreCase": {strings.EqualFold, true},
	"StringLike":                {func(a, b string) bool { return match(b, a) }, false},
	"StringNotLike":             {func(a, b string) bool { return match(b, a) }, true},
	"Bool":                      {strings.EqualFold, false},
}

// texts is one text or a list of them.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// document is a policy as it is written.
type document struct {
	Version   string
	Statement []struct {
		Effect    string
		Action    texts
		NotAction texts
		Resource  texts
		Condition map[string]map[string]texts
	}
}

// Parse reads a policy document. What it does not know it refuses: a policy
// that is misread is worse than none.
func Parse(text string) (*Policy, error) {
	var d document
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("a policy that cannot be read: %w", err)
	}
	if d.Version != "1" {
		return nil, fmt.Errorf("a policy of version %q: there is only 1", d.Version)
	}
	p := &Policy{}
	for i, s := range d.Statement {
		out := statement{deny: s.Effect == "Deny", actions: s.Action, resources: s.Resource}
		if len(s.NotAction) > 0 {
			out.actions, out.except = s.NotAction, true
		}
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return nil, fmt.Errorf("statement %d: Effect is Allow or Deny, not %q", i+1, s.Effect)
		case (len(s.Action) == 0) == (len(s.NotAction) == 0):
			return nil, fmt.Errorf("statement %d: either Action or NotAction is needed", i+1)
		case len(s.Resource) == 0:
			return nil, fmt.Errorf("statement %d: Resource is needed", i+1)
		}
		for _, a := range out.actions {
			if a != "*" && !strings.Contains(a, ":") {
				return nil, fmt.Errorf("statement %d: the action %q has no service; the form is vpc:CreateRouteEntries", i+1, a)
			}
		}
		for _, r := range out.resources {
			if r != "*" && !strings.HasPrefix(r, "acs:") {
				return nil, fmt.Errorf("statement %d: the resource %q is no ARN", i+1, r)
			}
		}
		for operator, keys := range s.Condition {
			if _, ok := operators[operator]; !ok {
				return nil, fmt.Errorf("statement %d: the condition operator %s is not implemented", i+1, operator)
			}
			for key, values := range keys {
				out.conditions = append(out.conditions, condition{operator, key, values})
			}
		}
		p.statements = append(p.statements, out)
	}
	return p, nil
}

// Verdict is what policies say of an action on a resource.
type Verdict string

// The verdicts, the two refusals under RAM's names.
const (
	Allowed      Verdict = "Allow"
	ImplicitDeny Verdict = "ImplicitDeny" // nothing allows it
	ExplicitDeny Verdict = "ExplicitDeny" // a statement denies it
)

// Decide says what a set of policies makes of an action on a resource. context
// holds the values of condition keys.
func Decide(policies []*Policy, action, resource string, context map[string]string) Verdict {
	verdict := ImplicitDeny
	for _, p := range policies {
		for _, s := range p.statements {
			if !s.about(action, resource, context) {
				continue
			}
			if s.deny {
				return ExplicitDeny
			}
			verdict = Allowed
		}
	}
	return verdict
}

func (s *statement) about(action, resource string, context map[string]string) bool {
	named := slices.ContainsFunc(s.actions, func(p string) bool { return match(strings.ToLower(p), strings.ToLower(action)) })
	return named != s.except &&
		slices.ContainsFunc(s.resources, func(p string) bool { return match(p, resource) }) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(context) })
}

// holds tells whether a condition is met. One about a key that the request has
// no value for is not, unless it is a negation.
func (c condition) holds(context map[string]string) bool {
	op := operators[c.operator]
	has, ok := context[c.key]
	if !ok {
		return op.negate
	}
	return slices.ContainsFunc(c.values, func(want string) bool { return op.fits(has, want) }) != op.negate
}

// Grant is an action that policies allow on the resources of one pattern.
type Grant struct{ Action, Resource string }

// Grants lists what a policy's statements allow, one by one.
func (p *Policy) Grants() []Grant {
	var out []Grant
	for _, s := range p.statements {
		if s.deny {
			continue
		}
		for _, a := range s.actions {
			if s.except {
				a = "not " + a
			}
			for _, r := range s.resources {
				out = append(out, Grant{a, r})
			}
		}
	}
	return out
}

// Covers tells whether a grant allows an action on a resource.
func (g Grant) Covers(action, resource string) bool {
	return match(strings.ToLower(g.Action), strings.ToLower(action)) && match(g.Resource, resource)
}

// match tells whether a pattern, in which * stands for any text and ? for any
// one character, fits a text.
func match(pattern, text string) bool {
	star, from := -1, 0
	i, j := 0, 0
	for j < len(text) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			star, from = i, j
			i++
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == text[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[i:], "*") == ""
}
