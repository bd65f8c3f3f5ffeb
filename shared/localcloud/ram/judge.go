package ram

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"vpcinterconnect/shared/localcloud/engine"
)

// Use is a permission that a role made use of.
type Use struct{ Role, Action, Resource string }

func (u Use) String() string { return u.Role + ": " + u.Action + " on " + u.Resource }

// Judge judges calls, and remembers what was allowed. It may be used from many
// goroutines.
type Judge struct {
	mu     sync.Mutex
	used   map[Use]bool
	parsed map[string]*Policy
}

// New returns a judge.
func New() *Judge { return &Judge{used: map[Use]bool{}, parsed: map[string]*Policy{}} }

// Used lists what was allowed so far, sorted.
func (j *Judge) Used() []Use {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.SortedFunc(maps.Keys(j.used), func(a, b Use) int { return strings.Compare(a.String(), b.String()) })
}

// context is what conditions are held against. The local cloud's plain HTTP
// stands for the real one's HTTPS.
var context = map[string]string{"acs:SecureTransport": "true"}

// Judge is an engine.Judge. A call is allowed if the role's policies allow its
// action on all of its resources, and so does the session policy, if there is
// one.
func (j *Judge) Judge(c engine.Call, policies []string, session string) *engine.Denial {
	j.mu.Lock()
	defer j.mu.Unlock()
	own, err := j.parse(policies...)
	if err != nil {
		return deny(c, c.Action, ImplicitDeny, err.Error())
	}
	narrowed := own
	if session != "" {
		if narrowed, err = j.parse(session); err != nil {
			return deny(c, c.Action, ImplicitDeny, err.Error())
		}
	}
	needs, known := Needs(c)
	if !known {
		return deny(c, c.Product+":"+c.Action, ImplicitDeny, "the local cloud does not know which permission this call needs")
	}
	var uses []Use
	for _, need := range needs {
		for _, r := range need.Resources {
			for _, set := range [][]*Policy{own, narrowed} {
				if v := Decide(set, need.Action, r, context); v != Allowed {
					return deny(c, need.Action, v, "")
				}
			}
			uses = append(uses, Use{c.Caller.Name, need.Action, r})
		}
	}
	for _, u := range uses {
		j.used[u] = true
	}
	return nil
}

func (j *Judge) parse(documents ...string) ([]*Policy, error) {
	var out []*Policy
	for _, d := range documents {
		p := j.parsed[d]
		if p == nil {
			var err error
			if p, err = Parse(d); err != nil {
				return nil, err
			}
			j.parsed[d] = p
		}
		out = append(out, p)
	}
	return out, nil
}

// refusals are the documented codes and messages by product.
var refusals = map[string]engine.Error{
	"vpc":     {Status: 403, Code: "Forbidden.RAM", Message: "User not authorized to operate on the specified resource, or this API doesn't support RAM."},
	"ecs":     {Status: 403, Code: "Forbidden.RAM", Message: "User not authorized to operate on the specified resource, or this API doesn't support RAM."},
	"vpcpeer": {Status: 403, Code: "Forbidden.NoPermission", Message: "You are not authorized to do this action. You should be authorized by RAM."},
	"mns":     {Status: 403, Code: "AccessDenied", Message: "The OwnerId that your Access Key Id associated to is forbidden for this operation."},
	"":        {Status: 403, Code: "NoPermission", Message: "You are not authorized to do this action. You should be authorized by RAM."},
}

// deny makes the refusal of a call; why is what this cloud has to say itself.
func deny(c engine.Call, action string, v Verdict, why string) *engine.Denial {
	e, ok := refusals[strings.ToLower(c.Product)]
	if !ok {
		e = refusals[""]
	}
	if why != "" {
		e.Message = fmt.Sprintf("%s (local cloud: %s)", e.Message, why)
	}
	return &engine.Denial{Error: e, Detail: engine.AccessDeniedDetail{
		AuthAction: action, AuthPrincipalDisplayName: c.Caller.Name + ":" + c.Caller.Session, AuthPrincipalOwnerId: c.Caller.AccountID,
		AuthPrincipalType: c.Caller.Type, NoPermissionType: string(v), PolicyType: "AccountLevelIdentityBasedPolicy",
	}}
}
