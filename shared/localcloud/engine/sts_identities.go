package engine

import (
	"fmt"
	"strings"
	"time"
)

// The three kinds of caller, as GetCallerIdentity names them.
const (
	CallerAccount = "Account"
	CallerUser    = "RAMUser"
	CallerRole    = "AssumedRoleUser"
)

// Credential is an access key: a long-lived one of the account or of a RAM
// user, or a temporary one of a role, which has a token and an end.
type Credential struct {
	AccessKeyID string
	Secret      string
	Token       string    // "" if the key is long-lived
	Expires     time.Time // zero if the key is long-lived
	Policy      string    // the session policy (JSON) that AssumeRole narrowed the key with; "" for none
	Caller      Caller
}

// RoleSpec says what a role is to be.
type RoleSpec struct {
	Name       string
	Trust      []string      // who may assume it: services (fc.aliyuncs.com) and RAM ARNs (acs:ram::<account>:root)
	Policies   []string      // policy documents, JSON
	MaxSession time.Duration // longest session by AssumeRole; 0: an hour, which is the documented default
}

// Role is a RAM role.
type Role struct {
	RoleSpec
	ID  string
	ARN string
}

type stsState struct {
	users       map[string]user
	roles       map[string]Role
	credentials map[string]Credential
}

type user struct {
	name string
	id   string
}

func (e *Engine) initSts() {
	e.users = map[string]user{}
	e.roles = map[string]Role{}
	e.credentials = map[string]Credential{}
}

// AddUser gives a RAM user, made if need be, or the account itself (name ""),
// an access key. An empty key id or secret is drawn.
func (e *Engine) AddUser(name, accessKeyID, secret string) Credential {
	e.mu.Lock()
	defer e.mu.Unlock()
	if accessKeyID == "" {
		accessKeyID = "LTAI" + e.newSecret(20)
	}
	if secret == "" {
		secret = e.newSecret(30)
	}
	c := Credential{AccessKeyID: accessKeyID, Secret: secret, Caller: Caller{
		AccountID: e.opt.AccountID, Type: CallerAccount, AccessKeyID: accessKeyID,
	}}
	if name != "" {
		if _, ok := e.users[name]; !ok {
			e.users[name] = user{name: name, id: e.newNumber("2", 18)}
		}
		c.Caller.Type, c.Caller.Name = CallerUser, name
	}
	e.credentials[accessKeyID] = c
	return c
}

// AddKey makes a key of another cloud known as one of the account's, so that
// what is signed with it is taken here too. token is "" for a long-lived key.
func (e *Engine) AddKey(accessKeyID, secret, token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.credentials[accessKeyID] = Credential{AccessKeyID: accessKeyID, Secret: secret, Token: token, Caller: Caller{
		AccountID: e.opt.AccountID, Type: CallerAccount, AccessKeyID: accessKeyID,
	}}
}

// AddRole makes a role, or gives one that exists other trust and policies.
func (e *Engine) AddRole(s RoleSpec) Role {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.MaxSession == 0 {
		s.MaxSession = time.Hour
	}
	r := Role{RoleSpec: s, ID: e.roles[s.Name].ID, ARN: e.arn("role/" + s.Name)}
	if r.ID == "" {
		r.ID = e.newNumber("3", 18)
	}
	e.roles[s.Name] = r
	return r
}

// Role returns a role by name or ARN.
func (e *Engine) Role(nameOrARN string) (Role, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.role(nameOrARN)
}

func (e *Engine) role(nameOrARN string) (Role, bool) {
	r, ok := e.roles[strings.TrimPrefix(nameOrARN, e.arn("role/"))]
	return r, ok
}

// RoleCredentials issues a temporary key of a role to a cloud service, as
// Function Compute gets one for each function. ttl 0 means an hour.
func (e *Engine) RoleCredentials(nameOrARN, session string, ttl time.Duration) (Credential, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	r, ok := e.role(nameOrARN)
	if !ok {
		return Credential{}, &Error{404, "EntityNotExist.Role", "The specified Role does not exist: " + nameOrARN + "."}
	}
	if ttl == 0 {
		ttl = time.Hour
	}
	return e.issue(r, session, "", ttl), nil
}

// Credential returns the key that an access key id belongs to. One that has
// expired is still known for an hour, so that its user is told so.
func (e *Engine) Credential(accessKeyID string) (Credential, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.credentials[accessKeyID]
	return c, ok
}

// Now returns the cloud's time.
func (e *Engine) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.clock.Now()
}

// issue makes a temporary key of a role.
func (e *Engine) issue(r Role, session, policy string, ttl time.Duration) Credential {
	for id, c := range e.credentials {
		if !c.Expires.IsZero() && e.now.Sub(c.Expires) > time.Hour {
			delete(e.credentials, id)
		}
	}
	id := "STS." + e.newSecret(25)
	c := Credential{
		AccessKeyID: id,
		Secret:      e.newSecret(44),
		Token:       "CAIS" + e.newSecret(120),
		Expires:     e.now.Add(ttl).Truncate(time.Second),
		Policy:      policy,
		Caller: Caller{
			AccountID: e.opt.AccountID, Type: CallerRole, Name: r.Name, Session: session, AccessKeyID: id,
		},
	}
	e.credentials[id] = c
	return c
}

func (e *Engine) newSecret(n int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[e.rng.IntN(len(letters))]
	}
	return string(b)
}

// newNumber returns a decimal id of n digits that begins with head.
func (e *Engine) newNumber(head string, n int) string {
	return head + fmt.Sprintf("%0*d", n-len(head), e.rng.Uint64())[:n-len(head)]
}
