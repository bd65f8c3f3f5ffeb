package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// evaluate carries out the template's functions, Ref, Fn::GetAtt, Fn::Sub and
// Fn::Join, wherever they are in v.
func (t *template) evaluate(at string, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for k, arg := range v {
				if k == "Ref" || strings.HasPrefix(k, "Fn::") {
					return t.call(at+"."+k, k, arg)
				}
			}
		}
		out := make(map[string]any, len(v))
		for _, k := range sortedKeys(v) {
			e, err := t.evaluate(at+"."+k, v[k])
			if err != nil {
				return nil, err
			}
			out[k] = e
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			e, err := t.evaluate(fmt.Sprintf("%s[%d]", at, i), v[i])
			if err != nil {
				return nil, err
			}
			out[i] = e
		}
		return out, nil
	}
	return v, nil
}

func (t *template) call(at, name string, arg any) (any, error) {
	switch name {
	case "Ref":
		return t.ref(at, fmt.Sprint(arg))
	case "Fn::GetAtt":
		if l, ok := arg.([]any); ok && len(l) == 2 {
			return t.attribute(at, fmt.Sprint(l[0]), fmt.Sprint(l[1]))
		}
		return nil, t.f.Errorf(at, "a list of a resource and its attribute is needed")
	case "Fn::Sub":
		return t.sub(at, arg)
	case "Fn::Join":
		return t.join(at, arg)
	}
	return nil, t.f.Errorf(at, "is not implemented: Ref, Fn::GetAtt, Fn::Sub and Fn::Join are")
}

// ref is a parameter's value, or what Ref gives of a resource: its name.
func (t *template) ref(at, name string) (any, error) {
	if v, ok := t.params[name]; ok {
		return v, nil
	}
	r, ok := t.file.Resources[name]
	if !ok {
		return nil, t.f.Errorf(at, "there is no parameter or resource %s", name)
	}
	kind, ok := rosTypes[r.Type]
	if !ok || len(kind.attributes) == 0 {
		return nil, t.f.Errorf(at, "resource %s of type %s has no name to refer to", name, r.Type)
	}
	return t.attribute(at, name, kind.attributes[0])
}

func (t *template) attribute(at, id, attribute string) (any, error) {
	r, ok := t.file.Resources[id]
	if !ok {
		return nil, t.f.Errorf(at, "there is no resource %s", id)
	}
	if !slices.Contains(rosTypes[r.Type].attributes, attribute) {
		return nil, t.f.Errorf(at, "%s has no attribute %s, or it is not implemented", r.Type, attribute)
	}
	key := id + "." + attribute
	if t.busy[key] {
		return nil, t.f.Errorf(at, "%s needs itself", key)
	}
	t.busy[key] = true
	defer delete(t.busy, key)
	property := attribute
	switch attribute {
	case "QueueUrl", "ARN.WithSlash":
		property = "QueueName"
	case "Arn":
		property = "RoleName"
	}
	v, err := t.evaluate("Resources."+id+".Properties."+property, r.Properties[property])
	if err != nil {
		return nil, err
	}
	switch attribute {
	case "QueueUrl":
		return fmt.Sprintf("https://%s.mns.%s.aliyuncs.com/queues/%v", t.pseudo.AccountID, t.pseudo.Region, v), nil
	case "ARN.WithSlash":
		return fmt.Sprintf("acs:mns:%s:%s:/queues/%v", t.pseudo.Region, t.pseudo.AccountID, v), nil
	case "Arn":
		return fmt.Sprintf("acs:ram::%s:role/%s", t.pseudo.AccountID, strings.ToLower(fmt.Sprint(v))), nil
	}
	return v, nil
}

// substitution is ${Name}, ${Resource.Attribute} or ${ALIYUN::Region}; ${!x}
// stands for the text ${x}.
var substitution = regexp.MustCompile(`\$\{(!?[^{}]*)\}`)

func (t *template) sub(at string, arg any) (any, error) {
	text, local := "", map[string]any{}
	switch a := arg.(type) {
	case string:
		text = a
	case []any:
		ok := len(a) == 2
		if ok {
			text, ok = a[0].(string)
		}
		if ok {
			v, err := t.evaluate(at+"[1]", a[1])
			if err != nil {
				return nil, err
			}
			local, ok = v.(map[string]any)
		}
		if !ok {
			return nil, t.f.Errorf(at, "a text, or a list of a text and a mapping, is needed")
		}
	default:
		return nil, t.f.Errorf(at, "a text, or a list of a text and a mapping, is needed")
	}
	var problem error
	out := substitution.ReplaceAllStringFunc(text, func(s string) string {
		name := s[2 : len(s)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if v, ok := local[name]; ok {
			return fmt.Sprint(v)
		}
		v, err := t.named(at, name)
		if err != nil {
			if problem == nil {
				problem = err
			}
			return s
		}
		return fmt.Sprint(v)
	})
	return out, problem
}

func (t *template) named(at, name string) (any, error) {
	if _, ok := t.params[name]; ok {
		return t.ref(at, name)
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return t.attribute(at, id, attribute)
	}
	return t.ref(at, name)
}

func (t *template) join(at string, arg any) (any, error) {
	l, ok := arg.([]any)
	if !ok || len(l) != 2 {
		return nil, t.f.Errorf(at, "a list of a separator and a list is needed")
	}
	v, err := t.evaluate(at+"[1]", l[1])
	if err != nil {
		return nil, err
	}
	parts, ok := v.([]any)
	if !ok {
		return nil, t.f.Errorf(at+"[1]", "a list is needed")
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = fmt.Sprint(p)
	}
	return strings.Join(texts, fmt.Sprint(l[0])), nil
}
