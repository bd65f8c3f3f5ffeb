package tickets

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"vpcinterconnect/shared/interconnect"
)

// Mapping says where a ticket has what a request needs, by target (see
// Targets).
type Mapping map[string]Source

// Source is a field of the ticket, or a value that is the same for all tickets.
type Source struct {
	Field string `json:"field,omitempty"` // the system's own name of it
	Label string `json:"label,omitempty"` // as people see it; default: Field
	Value string `json:"value,omitempty"` // instead of a field, or where the field is empty
}

// name is what people call the field.
func (s Source) name() string {
	switch {
	case s.Label != "" && s.Field != "":
		return fmt.Sprintf("%s (%s)", s.Label, s.Field)
	case s.Field != "":
		return s.Field
	}
	return "the configuration"
}

// target is a part of a request that a ticket's field can hold.
type target struct {
	pointer  string // of the request's field, as interconnect.FieldProblem has it
	required bool
	set      func(r *interconnect.Request, values []string) error
}

// targets are all parts. A list's values may stand in one field, with commas,
// semicolons, line breaks or blanks between.
var targets = func() map[string]target {
	all := map[string]target{
		"type":          one("/type", func(r *interconnect.Request, v string) error { r.Type = interconnect.Type(v); return nil }),
		"specification": one("/specification", func(r *interconnect.Request, v string) error { r.Specification = v; return nil }),
		"linkType":      one("/linkType", func(r *interconnect.Request, v string) error { r.LinkType = v; return nil }),
		"onFailure":     one("/onFailure", func(r *interconnect.Request, v string) error { r.OnFailure = interconnect.OnFailure(v); return nil }),
		"repair":        one("/repair", func(r *interconnect.Request, v string) error { r.Repair = interconnect.Repair(v); return nil }),
		"notBefore":     one("/notBefore", func(r *interconnect.Request, v string) error { r.NotBefore = v; return nil }),
		"expiresAt":     one("/expiresAt", func(r *interconnect.Request, v string) error { r.ExpiresAt = v; return nil }),
		"bandwidth": one("/bandwidth", func(r *interconnect.Request, v string) error {
			n, err := strconv.ParseFloat(v, 64) // Jira's number fields are decimal
			if err != nil || n != float64(int(n)) {
				return fmt.Errorf("%q is no whole number of Mb/s", short(v))
			}
			mbps := int(n)
			r.Bandwidth = &mbps
			return nil
		}),
		"allowCut": one("/allowCut", func(r *interconnect.Request, v string) error {
			yes, known := truths[strings.ToLower(v)]
			if !known {
				return fmt.Errorf("%q is neither yes nor no", short(v))
			}
			r.AllowCut = yes
			return nil
		}),
	}
	for _, role := range interconnect.Roles {
		at := "/" + string(role)
		side := func(r *interconnect.Request) *interconnect.RequestSide { return r.Side(role) }
		for name, t := range map[string]target{
			"regionId": one(at+"/regionId", func(r *interconnect.Request, v string) error { side(r).RegionID = v; return nil }),
			"vpcId":    one(at+"/vpcId", func(r *interconnect.Request, v string) error { side(r).VpcID = v; return nil }),
			"probe": one(at+"/probe", func(r *interconnect.Request, v string) error {
				side(r).Probe = &interconnect.RequestProbe{InstanceID: v}
				return nil
			}),
			"cidrBlocks":    many(at+"/cidrBlocks", func(r *interconnect.Request, v []string) error { side(r).CidrBlocks = v; return nil }),
			"routeTableIds": many(at+"/routeTableIds", func(r *interconnect.Request, v []string) error { side(r).RouteTableIDs = v; return nil }),
			"securityGroups": many(at+"/securityGroups", func(r *interconnect.Request, v []string) error {
				for _, id := range v {
					side(r).SecurityGroups = append(side(r).SecurityGroups, interconnect.RequestGroup{SecurityGroupID: id})
				}
				return nil
			}),
			"allow": {pointer: at + "/securityGroups", set: func(r *interconnect.Request, v []string) error { return allow(side(r), v) }},
		} {
			t.required = name == "regionId" || name == "vpcId"
			all[string(role)+"."+name] = t
		}
	}
	return all
}()

var truths = map[string]bool{"yes": true, "true": true, "1": true, "on": true, "no": false, "false": false, "0": false, "off": false}

func one(pointer string, set func(*interconnect.Request, string) error) target {
	return target{pointer: pointer, set: func(r *interconnect.Request, values []string) error {
		if len(values) > 1 {
			return fmt.Errorf("it has %d values, and one is needed", len(values))
		}
		return set(r, values[0])
	}}
}

func many(pointer string, set func(*interconnect.Request, []string) error) target {
	return target{pointer: pointer, set: func(r *interconnect.Request, values []string) error {
		var list []string
		for _, v := range values {
			list = append(list, strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(",; \t\r\n", c) })...)
		}
		return set(r, list)
	}}
}

// portForm is how people write what a group is to let in: ICMP, TCP 443,
// tcp/8000-8080, UDP 53/53.
var portForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?i)([a-z]+)(?:\s*[/ :]\s*([0-9]{1,5})(?:\s*[-/]\s*([0-9]{1,5}))?)?$`)
})

// allow reads what all groups of a side are to let in: entries with commas,
// semicolons or line breaks between. What is no known protocol or port,
// interconnect refuses.
func allow(s *interconnect.RequestSide, values []string) error {
	if len(s.SecurityGroups) == 0 {
		return fmt.Errorf("ports are named, but no security group that is to let them in")
	}
	var list []interconnect.RequestAllow
	for _, v := range values {
		for _, entry := range strings.FieldsFunc(v, func(c rune) bool { return strings.ContainsRune(",;\r\n", c) }) {
			if entry = strings.TrimSpace(entry); entry == "" {
				continue
			}
			m := portForm().FindStringSubmatch(entry)
			if m == nil {
				return fmt.Errorf("%q cannot be read; write for example ICMP, TCP 443 or TCP 8000-8080", short(entry))
			}
			a := interconnect.RequestAllow{Protocol: strings.ToUpper(m[1])}
			if m[2] != "" {
				to := m[3]
				if to == "" {
					to = m[2]
				}
				a.PortRange = m[2] + "/" + to
			}
			list = append(list, a)
		}
	}
	for i := range s.SecurityGroups {
		s.SecurityGroups[i].Allow = list
	}
	return nil
}

// Targets lists what a mapping can name, sorted.
func Targets() []string { return slices.Sorted(maps.Keys(targets)) }

// Check says what is wrong with a mapping, key by key.
func (m Mapping) Check() error {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		s := m[name]
		switch _, known := targets[name]; {
		case !known:
			return fmt.Errorf("%s: a request has no such part; there are %s", name, strings.Join(Targets(), ", "))
		case s.Field == "" && s.Value == "":
			return fmt.Errorf("%s: it needs a field, or a value", name)
		case s.Field == "" && s.Label != "":
			return fmt.Errorf("%s: a label is a field's", name)
		}
	}
	for _, name := range Targets() {
		if _, mapped := m[name]; targets[name].required && !mapped {
			return fmt.Errorf("%s: it is needed, and not there", name)
		}
	}
	return nil
}

// Fields lists the fields that the mapping reads, sorted.
func (m Mapping) Fields() []string {
	var out []string
	for _, s := range m {
		if s.Field != "" {
			out = append(out, s.Field)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Flaw is what is wrong with one field of a ticket, and what to do.
type Flaw struct {
	Field    string // as people call it
	Sentence string
}

// Request makes a request of a ticket's fields, or says which of them are to be
// mended. Who asked, and what the cloud says, are not looked at.
func (m Mapping) Request(id string, fields map[string][]string) (*interconnect.Request, []Flaw) {
	r := &interconnect.Request{ID: id}
	var flaws []Flaw
	for _, name := range m.order() {
		s, t := m[name], targets[name]
		values := filled(fields[s.Field])
		if s.Field == "" || len(values) == 0 && s.Value != "" {
			values = []string{s.Value}
		}
		switch {
		case len(values) > 0:
			if err := t.set(r, values); err != nil {
				flaws = append(flaws, Flaw{s.name(), fmt.Sprintf("%s.", capital(err.Error()))})
			}
		case t.required:
			flaws = append(flaws, Flaw{s.name(), fmt.Sprintf("It is empty; give the %s.", describe(name))})
		}
	}
	if len(flaws) > 0 {
		return nil, flaws
	}
	if list := interconnect.Validate(r); len(list) > 0 {
		return nil, m.Locate(list)
	}
	return r, nil
}

// order lists the mapped targets, groups before what they are to let in.
func (m Mapping) order() []string {
	names := slices.Sorted(maps.Keys(m))
	slices.SortStableFunc(names, func(a, b string) int {
		late := func(s string) int { return strings.Count(s, ".allow") }
		return late(a) - late(b)
	})
	return names
}

// Locate turns problems of a request into those of the ticket's fields.
func (m Mapping) Locate(list []interconnect.FieldProblem) []Flaw {
	var out []Flaw
	for _, p := range list {
		out = append(out, Flaw{m.fieldOf(p.Field), p.Sentence})
	}
	return out
}

// fieldOf finds the field that holds what a pointer names: that of the longest
// target above it. "" if none does.
func (m Mapping) fieldOf(pointer string) string {
	best, length := "", 0
	for _, name := range m.order() {
		at := targets[name].pointer
		inside := pointer == at || strings.HasPrefix(pointer, at+"/")
		// Of a group's parts, what it lets in has a field of its own.
		if inside && strings.HasSuffix(name, ".allow") && !strings.Contains(pointer, "/allow") {
			continue
		}
		if inside && len(at) >= length {
			best, length = m[name].name(), len(at)
		}
	}
	return best
}

func filled(values []string) []string {
	var out []string
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// describe says in words what a target is.
func describe(name string) string {
	side, part, _ := strings.Cut(name, ".")
	what := map[string]string{"regionId": "region, such as cn-qingdao", "vpcId": "VPC's id, such as vpc-m5e1"}[part]
	return side + "'s " + what
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// short cuts what a stranger typed to a length that can be shown.
func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
