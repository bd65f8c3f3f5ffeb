package engine

// Judge decides whether a role may make a call, going by the role's policy
// documents and the session policy that its key was narrowed with ("" for
// none). nil means that it may. It runs under the engine's lock: it must not
// call the engine.
type Judge func(c Call, policies []string, session string) *Denial

// Denial is the refusal of a call that lacks a permission.
type Denial struct {
	Error  Error
	Detail AccessDeniedDetail
}

// AccessDeniedDetail is what an error answer says about a permission that
// lacks, as RAM documents it.
type AccessDeniedDetail struct {
	AuthAction               string // e.g. vpc:CreateRouteEntries
	AuthPrincipalDisplayName string
	AuthPrincipalOwnerId     string
	AuthPrincipalType        string // AssumedRoleUser
	NoPermissionType         string // ImplicitDeny or ExplicitDeny
	PolicyType               string
}

// Denied asks Options.Judge about a request that does not come through Call, as
// MNS's own wire has them (product "MNS"; parameters RegionId and QueueName).
func (e *Engine) Denied(c Call) *Denial {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.denied(c)
}

// denied judges roles only: the account may do everything, and so may a RAM
// user here, for whom the local cloud has no policies.
func (e *Engine) denied(c Call) *Denial {
	if e.opt.Judge == nil || c.Caller.Type != CallerRole {
		return nil
	}
	return e.opt.Judge(c, e.roles[c.Caller.Name].Policies, e.credentials[c.Caller.AccessKeyID].Policy)
}
