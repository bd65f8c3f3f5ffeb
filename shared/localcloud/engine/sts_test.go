package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func asCall(c engine.Credential, productName, version, action string, p map[string]string) engine.Call {
	if p == nil {
		p = map[string]string{}
	}
	return engine.Call{Product: productName, Version: version, Action: action, Parameters: p, Caller: c.Caller}
}

func callSts(e *engine.Engine, c engine.Credential, action string, p map[string]string) engine.Result {
	return e.Call(asCall(c, "Sts", "2015-04-01", action, p))
}

func TestGetCallerIdentityNamesEachKindOfCaller(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	role := e.AddRole(engine.RoleSpec{Name: "vi-peering"})
	assumed, err := e.RoleCredentials(role.ARN, "vi-peering", time.Hour)
	require.NoError(t, err)
	me := engine.DefaultAccountID
	for name, tc := range map[string]struct {
		key             engine.Credential
		kind, arn, role string
	}{
		"the account":                {e.AddUser("", "", ""), "Account", "acs:ram::" + me + ":root", ""},
		"a user":                     {e.AddUser("ann", "", ""), "RAMUser", "acs:ram::" + me + ":user/ann", ""},
		"a role":                     {assumed, "AssumedRoleUser", "acs:ram::" + me + ":assumed-role/vi-peering/vi-peering", role.ID},
		"nobody, so the account too": {engine.Credential{}, "Account", "acs:ram::" + me + ":root", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := callSts(e, tc.key, "GetCallerIdentity", nil)
			require.Nil(t, r.Err)
			got := asMap(t, r.Response)
			require.Equal(t, tc.kind, got["IdentityType"])
			require.Equal(t, me, got["AccountId"])
			require.Equal(t, tc.arn, got["Arn"])
			require.Equal(t, tc.role, got["RoleId"])
			require.NotEmpty(t, got["PrincipalId"])
			require.Equal(t, r.RequestID, got["RequestId"])
		})
	}
}

func TestAssumeRoleGivesAKeyThatEnds(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	ann := e.AddUser("ann", "", "")
	role := e.AddRole(engine.RoleSpec{Name: "reader", Trust: []string{"acs:ram::" + e.AccountID() + ":root"}})
	r := callSts(e, ann, "AssumeRole", map[string]string{"RoleArn": role.ARN, "RoleSessionName": "s1", "DurationSeconds": "900"})
	require.Nil(t, r.Err)
	got := asMap(t, r.Response)
	given := got["Credentials"].(map[string]any)
	require.Equal(t, "2026-11-23T12:15:00Z", given["Expiration"])
	require.Equal(t, map[string]any{"AssumedRoleId": role.ID + ":s1", "Arn": role.ARN + "/s1"}, got["AssumedRoleUser"])

	c, ok := e.Credential(given["AccessKeyId"].(string))
	require.True(t, ok)
	require.Equal(t, given["AccessKeySecret"], c.Secret)
	require.Equal(t, given["SecurityToken"], c.Token)
	require.Equal(t, "reader", c.Caller.Name)
	require.Equal(t, clock.Now().Add(15*time.Minute), c.Expires)

	clock.advance(16 * time.Minute)
	_, err := e.RoleCredentials("reader", "s2", time.Minute)
	require.NoError(t, err)
	_, ok = e.Credential(c.AccessKeyID)
	require.True(t, ok, "one that has just expired is known, to be told so")
	clock.advance(time.Hour)
	_, err = e.RoleCredentials("reader", "s3", time.Minute)
	require.NoError(t, err)
	_, ok = e.Credential(c.AccessKeyID)
	require.False(t, ok)
}

func TestWhoMayNotAssumeARole(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	root, ann, bob := e.AddUser("", "", ""), e.AddUser("ann", "", ""), e.AddUser("bob", "", "")
	role := e.AddRole(engine.RoleSpec{Name: "reader", Trust: []string{"acs:ram::" + e.AccountID() + ":user/ann"}})
	for name, tc := range map[string]struct {
		key    engine.Credential
		change map[string]string
		code   string
	}{
		"the account itself":           {root, nil, "NoPermission"},
		"a user that is not trusted":   {bob, nil, "NoPermission"},
		"a role that does not exist":   {ann, map[string]string{"RoleArn": role.ARN + "s"}, "EntityNotExist.Role"},
		"a role of another form":       {ann, map[string]string{"RoleArn": "reader"}, "InvalidParameter.RoleArn"},
		"a session without a name":     {ann, map[string]string{"RoleSessionName": ""}, "MissingParameter"},
		"a session of a name of one":   {ann, map[string]string{"RoleSessionName": "s"}, "InvalidParameter.RoleSessionName"},
		"for less than 15 minutes":     {ann, map[string]string{"DurationSeconds": "899"}, "InvalidParameter.DurationSeconds"},
		"for longer than the role has": {ann, map[string]string{"DurationSeconds": "3601"}, "InvalidParameter.DurationSeconds"},
		"with a policy that is none":   {ann, map[string]string{"Policy": "all"}, "InvalidParameter.PolicyGrammar"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := map[string]string{"RoleArn": role.ARN, "RoleSessionName": "session"}
			for k, v := range tc.change {
				p[k] = v
			}
			r := callSts(e, tc.key, "AssumeRole", p)
			require.NotNil(t, r.Err)
			require.Equal(t, tc.code, r.Err.Code)
		})
	}
}

func TestRolesCanBeChangedAndKeepTheirId(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	first := e.AddRole(engine.RoleSpec{Name: "r"})
	second := e.AddRole(engine.RoleSpec{Name: "r", Policies: []string{"{}"}})
	require.Equal(t, first.ID, second.ID)
	got, ok := e.Role(first.ARN)
	require.True(t, ok)
	require.Equal(t, second, got)
	_, err := e.RoleCredentials("none", "s", 0)
	require.Equal(t, "EntityNotExist.Role", code(err))
}
