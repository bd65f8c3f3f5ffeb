package engine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var sts = product{"Sts", "2015-04-01"}

func stsActions() []Action {
	return []Action{
		read(sts, "GetCallerIdentity", 0, getCallerIdentity),
		write(sts, "AssumeRole", 0, assumeRole),
	}
}

// timeFormat is how RPC APIs write times: UTC, to the second.
const timeFormat = "2006-01-02T15:04:05Z"

type getCallerIdentityParameters struct{}

type callerIdentity struct {
	Answer
	IdentityType string
	AccountId    string
	UserId       string
	PrincipalId  string
	RoleId       string
	Arn          string
}

// getCallerIdentity says who signed the call. A call that nobody signed, as a
// simulator may make it, is the account's own.
func getCallerIdentity(e *Engine, t *tx, _ *getCallerIdentityParameters) (*callerIdentity, error) {
	c := t.caller
	id := &callerIdentity{IdentityType: c.Type, AccountId: e.opt.AccountID, Arn: e.callerARN(c)}
	switch c.Type {
	case CallerUser:
		id.UserId = e.users[c.Name].id
		id.PrincipalId = id.UserId
	case CallerRole:
		id.RoleId = e.roles[c.Name].ID
		id.PrincipalId = id.RoleId + ":" + c.Session
	default:
		id.IdentityType = CallerAccount
		id.UserId, id.PrincipalId = e.opt.AccountID, e.opt.AccountID
	}
	return id, nil
}

// callerARN names a caller as STS and RAM do.
func (e *Engine) callerARN(c Caller) string {
	switch c.Type {
	case CallerUser:
		return e.arn("user/" + c.Name)
	case CallerRole:
		return e.arn("assumed-role/" + c.Name + "/" + c.Session)
	default:
		return e.arn("root")
	}
}

func (e *Engine) arn(what string) string { return "acs:ram::" + e.opt.AccountID + ":" + what }

type assumeRoleParameters struct {
	DurationSeconds *int64
	ExternalId      string
	Policy          string
	RoleArn         string `api:",required"`
	RoleSessionName string `api:",required"`
	SourceIdentity  string
}

type assumedRole struct {
	Answer
	SourceIdentity  string
	AssumedRoleUser assumedRoleUser
	Credentials     stsCredentials
}

type assumedRoleUser struct {
	AssumedRoleId string
	Arn           string
}

type stsCredentials struct {
	SecurityToken   string
	AccessKeyId     string
	AccessKeySecret string
	Expiration      string
}

// sessionName is the documented form of a role session's name.
var sessionName = regexp.MustCompile(`^[a-zA-Z0-9.@_-]{2,64}$`)

func assumeRole(e *Engine, t *tx, p *assumeRoleParameters) (*assumedRole, error) {
	if t.caller.Type == CallerAccount || t.caller.Type == "" {
		return nil, &Error{403, "NoPermission", "Roles may not be assumed by root accounts."}
	}
	if !sessionName.MatchString(p.RoleSessionName) {
		return nil, errWronglyFormed("RoleSessionName")
	}
	name, ok := strings.CutPrefix(p.RoleArn, e.arn("role/"))
	if !ok && !strings.HasPrefix(p.RoleArn, "acs:ram::") {
		return nil, errWronglyFormed("RoleArn")
	}
	r, known := e.roles[name]
	if !known {
		return nil, &Error{404, "EntityNotExist.Role", "The specified Role does not exist: " + p.RoleArn + "."}
	}
	if !e.trusts(r, t.caller) {
		return nil, &Error{403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM."}
	}
	ttl := time.Hour
	if p.DurationSeconds != nil {
		ttl = time.Duration(*p.DurationSeconds) * time.Second
	}
	if ttl < 15*time.Minute || ttl > r.MaxSession {
		return nil, errWronglyFormed("DurationSeconds")
	}
	if p.Policy != "" && !json.Valid([]byte(p.Policy)) {
		return nil, &Error{400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check."}
	}
	c := e.issue(r, p.RoleSessionName, p.Policy, ttl)
	return &assumedRole{
		SourceIdentity: p.SourceIdentity,
		AssumedRoleUser: assumedRoleUser{
			AssumedRoleId: r.ID + ":" + p.RoleSessionName,
			Arn:           r.ARN + "/" + p.RoleSessionName,
		},
		Credentials: stsCredentials{
			SecurityToken:   c.Token,
			AccessKeyId:     c.AccessKeyID,
			AccessKeySecret: c.Secret,
			Expiration:      c.Expires.UTC().Format(timeFormat),
		},
	}, nil
}

// trusts says whether a role's trust lets a RAM identity assume it.
func (e *Engine) trusts(r Role, c Caller) bool {
	who := e.arn("user/" + c.Name)
	if c.Type == CallerRole {
		who = e.arn("role/" + c.Name)
	}
	for _, t := range r.Trust {
		if t == who || t == e.arn("root") {
			return true
		}
	}
	return false
}

func errWronglyFormed(parameter string) *Error {
	return &Error{400, "InvalidParameter." + parameter, fmt.Sprintf("The parameter %s is wrongly formed.", parameter)}
}
