package engine

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ecs is ECS's name and version on the wire; Cloud Assistant is part of it.
var ecs = product{"Ecs", "2014-05-26"}

// ecsPerMinute is enforced for each ECS action per region: the published
// range is 500 to 1,000 calls in 60 s; which action has which is UNCONFIRMED.
const ecsPerMinute = 500

// ecsState is ECS's part of the world.
type ecsState struct {
	groups      table[SecurityGroup]
	instances   table[Instance]
	invocations table[invocation]
	stops       map[[2]string]func() // kill a LiveGuest's scripts, by invocation and instance
}

func (e *Engine) initEcs() {
	e.groups = newTable[SecurityGroup]()
	e.instances = newTable[Instance]()
	e.invocations = newTable[invocation]()
	e.stops = map[[2]string]func(){}
	e.tenants = append(e.tenants, e.ecsTenants)
}

// ecsTenants tells the VPC service what of ECS is in VPCs and vSwitches.
func (e *Engine) ecsTenants() []tenant {
	var out []tenant
	for _, i := range e.instances.list(latest, nil) {
		out = append(out, tenant{"Instance", i.ID, i.VpcID, i.VSwitchID})
	}
	for _, g := range e.groups.list(latest, nil) {
		out = append(out, tenant{"SecurityGroup", g.ID, g.VpcID, ""})
	}
	return out
}

// ecsActions is every ECS action of this cloud.
func ecsActions() []Action {
	return slices.Concat(ecsRegionActions(), ecsGroupActions(), ecsRuleActions(), ecsInstanceActions(), ecsCommandActions())
}

// ecsRead declares a read whose parameters marked `ecs:"refused"` are refused
// when given.
func ecsRead[P, R any](name string, f func(*Engine, *tx, *P) (*R, error)) Action {
	return read(ecs, name, ecsPerMinute, refusing(name, f))
}

// ecsWrite is ecsRead's counterpart for actions that change something.
func ecsWrite[P, R any](name string, f func(*Engine, *tx, *P) (*R, error)) Action {
	return write(ecs, name, ecsPerMinute, refusing(name, f))
}

func refusing[P, R any](action string, f func(*Engine, *tx, *P) (*R, error)) func(*Engine, *tx, *P) (*R, error) {
	return func(e *Engine, t *tx, p *P) (*R, error) {
		if name := refusedParameter(reflect.ValueOf(p).Elem()); name != "" {
			return nil, unsupported(action + "'s parameter " + name)
		}
		return f(e, t, p)
	}
}

// refusedParameter returns the name of a parameter that was given although it
// is documented but not implemented; "" if there is none.
func refusedParameter(v reflect.Value) string {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		nested := []reflect.Value{}
		if f.Anonymous {
			nested = append(nested, v.Field(i))
		}
		if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
			for j := range v.Field(i).Len() {
				nested = append(nested, v.Field(i).Index(j))
			}
		}
		for _, n := range nested {
			if name := refusedParameter(n); name != "" {
				return name
			}
		}
		if f.Tag.Get("ecs") == "refused" && !v.Field(i).IsZero() {
			name, _, _ := strings.Cut(f.Tag.Get("api"), ",")
			if name == "" {
				name = f.Name
			}
			return name
		}
	}
	return ""
}

// ecsOldTag is a tag whose members may be written in lower case, as the older
// actions allow.
type ecsOldTag struct {
	Key        string
	Value      string
	LowerKey   string `api:"key"`
	LowerValue string `api:"value"`
}

// ecsTags is how ECS answers tags.
type ecsTags struct{ Tag []ecsTagAnswer }

type ecsTagAnswer struct {
	Key, Value, TagKey, TagValue string
	ResourceTypeCount            struct {
		Instance, Image, Ddh, SnapshotPolicy, Securitygroup, Snapshot int
		ReservedInstance, LaunchTemplate, Eni, Disk, KeyPair, Volume  int
	}
}

func answerTags(tags []Tag) ecsTags {
	out := ecsTags{Tag: []ecsTagAnswer{}}
	for _, t := range tags {
		out.Tag = append(out.Tag, ecsTagAnswer{Key: t.Key, Value: t.Value, TagKey: t.Key, TagValue: t.Value})
	}
	return out
}

// tagsOf reads tags off a request that has them in either case.
func tagsOf(in []ecsOldTag) ([]Tag, error) {
	var out []Tag
	for _, t := range in {
		key, value := t.Key, t.Value
		if key == "" {
			key, value = t.LowerKey, t.LowerValue
		}
		out = append(out, Tag{key, value})
	}
	return out, checkTags(out)
}

// checkTags holds the documented form of tags: a key of 1 to 64 characters that
// is not the cloud's own, a value of at most 128, no key twice.
func checkTags(tags []Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len(t.Key) > 64 || strings.HasPrefix(t.Key, "acs:") || strings.HasPrefix(t.Key, "aliyun") || strings.Contains(t.Key, "http://") || strings.Contains(t.Key, "https://"):
			return &Error{400, "InvalidTagKey.Malformed", "The specified Tag.N.Key is not valid."}
		case len(t.Value) > 128 || strings.Contains(t.Value, "http://") || strings.Contains(t.Value, "https://"):
			return &Error{400, "InvalidTagValue.Malformed", "The specified Tag.N.Value is not valid."}
		case seen[t.Key]:
			return &Error{400, "Duplicate.TagKey", "The Tag.N.Key contain duplicate key."}
		}
		seen[t.Key] = true
	}
	return nil
}

// ecsPaging are the two ways in which ECS lists are read. With MaxResults or
// NextToken the other two are of no effect.
type ecsPaging struct {
	PageNumber int
	PageSize   int
	MaxResults int
	NextToken  string
}

// ecsPage is one page of a list.
type ecsPage[T any] struct {
	items        []T
	total        int
	number, size int
	next         string
}

// paginate cuts the page that was asked for out of all items.
func paginate[T any](all []T, q ecsPaging, byDefault, most int) (ecsPage[T], error) {
	p := ecsPage[T]{total: len(all)}
	start := 0
	if q.MaxResults != 0 || q.NextToken != "" {
		p.size = q.MaxResults
		if p.size == 0 {
			p.size = byDefault
		}
		if p.size < 1 || p.size > most {
			return p, &Error{400, "InvalidParameter.MaxResults", fmt.Sprintf("The specified parameter MaxResults is not valid: 1 to %d.", most)}
		}
		if q.NextToken != "" {
			n, err := readToken(q.NextToken)
			if err != nil {
				return p, &Error{400, "InvalidParameter.NextToken", "The specified parameter NextToken is not valid."}
			}
			start = n
		}
	} else {
		p.number, p.size = max(q.PageNumber, 1), q.PageSize
		if p.size == 0 {
			p.size = byDefault
		}
		if q.PageNumber < 0 {
			return p, &Error{403, "InvalidParam.PageNumber", "The specified parameter is invalid."}
		}
		if p.size < 1 || p.size > most {
			return p, &Error{403, "InvalidParam.PageSize", "The specified parameter is invalid."}
		}
		start = (p.number - 1) * p.size
	}
	start = min(start, len(all))
	end := min(start+p.size, len(all))
	p.items = all[start:end]
	if p.number == 0 && end < len(all) {
		p.next = base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(end)))
	}
	return p, nil
}

func readToken(s string) (int, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, err
	}
	rest, ok := strings.CutPrefix(string(b), "after:")
	if !ok {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.Atoi(rest)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// wildcard matches a name against a pattern with asterisks.
func wildcard(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, parts[len(parts)-1])
}

// ecsMinute is the coarser of the two forms in which ECS writes times; the other
// is fmtTime's.
func ecsMinute(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

// parseBlock reads an IPv4 or IPv6 address or block; an address is a block of
// one.
func parseBlock(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	return netip.Prefix{}, false
}

// orEmpty makes a nil list marshal as [].
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
