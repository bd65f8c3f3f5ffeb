package ram_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/ram"
)

const allowRoutes = `{"Version":"1","Statement":[{"Effect":"Allow","Action":["vpc:CreateRouteEntries","vpc:Describe*"],"Resource":["acs:vpc:*:12:routetable/vtb-?"]}]}`

func TestDecide(t *testing.T) {
	t.Parallel()
	const table = "acs:vpc:cn-x:12:routetable/vtb-1"
	one := func(statement string) string { return `{"Version":"1","Statement":[` + statement + `]}` }
	secure := map[string]string{"acs:SecureTransport": "true"}
	for name, c := range map[string]struct {
		policies []string
		action   string
		resource string
		context  map[string]string
		want     ram.Verdict
	}{
		"an action that is listed":              {[]string{allowRoutes}, "vpc:CreateRouteEntries", table, nil, ram.Allowed},
		"an action by a pattern":                {[]string{allowRoutes}, "vpc:DescribeRouteEntryList", table, nil, ram.Allowed},
		"an action in other letters":            {[]string{allowRoutes}, "VPC:createRouteEntries", table, nil, ram.Allowed},
		"an action that is not listed":          {[]string{allowRoutes}, "vpc:DeleteRouteEntries", table, nil, ram.ImplicitDeny},
		"a resource that does not fit":          {[]string{allowRoutes}, "vpc:CreateRouteEntries", table + "2", nil, ram.ImplicitDeny},
		"a resource in other letters":           {[]string{allowRoutes}, "vpc:CreateRouteEntries", strings.ToUpper(table), nil, ram.ImplicitDeny},
		"no policy":                             {nil, "vpc:CreateRouteEntries", table, nil, ram.ImplicitDeny},
		"one text in place of a list":           {[]string{one(`{"Effect":"Allow","Action":"vpc:*","Resource":"*"}`)}, "vpc:X", table, nil, ram.Allowed},
		"a denial wins over what allows":        {[]string{allowRoutes, one(`{"Effect":"Deny","Action":"*","Resource":"acs:vpc:*"}`)}, "vpc:CreateRouteEntries", table, nil, ram.ExplicitDeny},
		"all but one action, another":           {[]string{one(`{"Effect":"Allow","NotAction":"vpc:A","Resource":"*"}`)}, "vpc:B", table, nil, ram.Allowed},
		"all but one action, that one":          {[]string{one(`{"Effect":"Allow","NotAction":"vpc:A","Resource":"*"}`)}, "vpc:A", table, nil, ram.ImplicitDeny},
		"a condition that is met":               {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"true"}}}`)}, "vpc:A", table, secure, ram.Allowed},
		"a condition that is not met":           {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"false"}}}`)}, "vpc:A", table, secure, ram.ImplicitDeny},
		"a condition on what the request lacks": {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"v"}}}`)}, "vpc:A", table, nil, ram.ImplicitDeny},
		"a negation on what the request lacks":  {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"k":"v"}}}`)}, "vpc:A", table, nil, ram.Allowed},
		"a condition by a pattern":              {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"k":["a*","b*"]}}}`)}, "vpc:A", table, map[string]string{"k": "bc"}, ram.Allowed},
		"of two conditions one is not met":      {[]string{one(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"k":"b*"},"Bool":{"x":"true"}}}`)}, "vpc:A", table, map[string]string{"k": "bc"}, ram.ImplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var set []*ram.Policy
			for _, text := range c.policies {
				p, err := ram.Parse(text)
				require.NoError(t, err)
				set = append(set, p)
			}
			require.Equal(t, c.want, ram.Decide(set, c.action, c.resource, c.context))
		})
	}
}

func TestPoliciesThatAreNotUnderstoodAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ statement, want string }{
		"no effect":                 {`{"Action":"*","Resource":"*"}`, "Effect is Allow or Deny"},
		"no action":                 {`{"Effect":"Allow","Resource":"*"}`, "either Action or NotAction"},
		"both kinds of action":      {`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}`, "either Action or NotAction"},
		"no resource":               {`{"Effect":"Allow","Action":"*"}`, "Resource is needed"},
		"an action without service": {`{"Effect":"Allow","Action":"CreateVpc","Resource":"*"}`, "has no service"},
		"a resource that is no ARN": {`{"Effect":"Allow","Action":"*","Resource":"vtb-1"}`, "is no ARN"},
		"a key that there is not":   {`{"Effect":"Allow","Action":"*","Resource":"*","Resources":"*"}`, "Resources"},
		"an operator not known":     {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Stringequals":{"k":"v"}}}`, "Stringequals is not implemented"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ram.Parse(`{"Version":"1","Statement":[` + c.statement + `]}`)
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := ram.Parse(`{"Version":"2012-10-17","Statement":[]}`)
	require.ErrorContains(t, err, "there is only 1")
}

func TestNeedsNamesEveryResourceOfACall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		product, call string
		parameters    map[string]string
		action        string
		resources     []string
	}{
		"one of a list for each table, and once": {"Vpc", "CreateRouteEntries",
			map[string]string{"RouteEntries.1.RouteTableId": "vtb-a", "RouteEntries.2.RouteTableId": "vtb-b", "RouteEntries.3.RouteTableId": "vtb-a", "RouteEntries.1.NextHop": "ri-1"},
			"vpc:CreateRouteEntries", []string{"acs:vpc:cn-x:12:routetable/vtb-a", "acs:vpc:cn-x:12:routetable/vtb-b"}},
		"instance and command": {"Ecs", "RunCommand", map[string]string{"InstanceId.1": "i-1"},
			"ecs:RunCommand", []string{"acs:ecs:cn-x:12:command/*", "acs:ecs:cn-x:12:instance/i-1"}},
		"a parameter's name, with its first slash and without": {"oos", "UpdateParameter", map[string]string{"Name": "/vi/a/request"},
			"oos:UpdateParameter", []string{"acs:oos:cn-x:12:parameter//vi/a/request", "acs:oos:cn-x:12:parameter/vi/a/request"}},
		"an action on everything":  {"Ecs", "AuthorizeSecurityGroup", map[string]string{"SecurityGroupId": "sg-1"}, "ecs:AuthorizeSecurityGroup", []string{"*"}},
		"what the call leaves out": {"Ecs", "DescribeInvocations", nil, "ecs:DescribeInvocations", []string{"acs:ecs:cn-x:12:command/*", "acs:ecs:cn-x:12:instance/*"}},
		"a batch is a send":        {"mns", "BatchSendMessage", map[string]string{"QueueName": "vi-q"}, "mns:SendMessage", []string{"acs:mns:cn-x:12:/queues/vi-q/messages"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := map[string]string{"RegionId": "cn-x"}
			for k, v := range c.parameters {
				p[k] = v
			}
			needs, ok := ram.Needs(engine.Call{Product: c.product, Action: c.call, Parameters: p, Caller: engine.Caller{AccountID: "12"}})
			require.True(t, ok)
			require.Equal(t, []ram.Permission{{Action: c.action, Resources: c.resources}}, needs)
		})
	}
}

// Every action of the table is one that the API has.
func TestTheTableFitsTheEngine(t *testing.T) {
	t.Parallel()
	var known []string
	for _, row := range ram.Actions() {
		product, action, _ := strings.Cut(row, "/")
		_, inEngine := engine.Find(product, action)
		require.True(t, inEngine || publishedElsewhere(t, product, action), "%s is no action", row)
		known = append(known, row)
	}
	require.Contains(t, known, "Vpc/CreateRouteEntries")
}

func publishedElsewhere(t *testing.T, product, action string) bool {
	t.Helper()
	if product == "MNS" {
		return action == "SendMessage" || action == "BatchSendMessage"
	}
	data := filepath.Join("..", "..", "..", "..", "shared", "data", "api-meta")
	if _, err := os.Stat(data); err != nil {
		t.Logf("the published metadata is not here: %s %s is taken on trust", product, action)
		return true
	}
	_, err := os.Stat(filepath.Join(data, strings.ToLower(product), action+".json"))
	return err == nil
}

func cloud(t *testing.T, policies ...string) (*engine.Engine, *ram.Judge, engine.Credential) {
	t.Helper()
	judge := ram.New()
	e := engine.New(engine.Options{Judge: judge.Judge, AccountID: "12"})
	e.AddRegion(engine.Region{ID: "cn-x"})
	role := e.AddRole(engine.RoleSpec{Name: "r", Policies: policies, Trust: []string{"acs:ram::12:root"}})
	key, err := e.RoleCredentials(role.ARN, "s", time.Hour)
	require.NoError(t, err)
	return e, judge, key
}

func create(caller engine.Caller, table string) engine.Call {
	return engine.Call{Product: "Vpc", Version: "2016-04-28", Action: "CreateRouteEntries", Caller: caller, Parameters: map[string]string{
		"RegionId": "cn-x", "RouteEntries.1.RouteTableId": table, "RouteEntries.1.DstCidrBlock": "10.0.0.0/8",
		"RouteEntries.1.NextHop": "ri-1", "RouteEntries.1.NextHopType": "RouterInterface",
	}}
}

func TestARoleDoesOnlyWhatItsPolicyAllows(t *testing.T) {
	t.Parallel()
	e, judge, key := cloud(t, allowRoutes)
	r := e.Call(create(key.Caller, "vtb-22"))
	require.Equal(t, &engine.Error{Status: 403, Code: "Forbidden.RAM", Message: r.Err.Message}, r.Err)
	require.Equal(t, &engine.AccessDeniedDetail{
		AuthAction: "vpc:CreateRouteEntries", AuthPrincipalDisplayName: "r:s", AuthPrincipalOwnerId: "12",
		AuthPrincipalType: "AssumedRoleUser", NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
	}, r.Denied)
	require.Empty(t, judge.Used())

	r = e.Call(create(key.Caller, "vtb-2"))
	require.Nil(t, r.Denied, "allowed, and refused for another reason: there is no such table")
	require.Equal(t, []ram.Use{{Role: "r", Action: "vpc:CreateRouteEntries", Resource: "acs:vpc:cn-x:12:routetable/vtb-2"}}, judge.Used())

	for name, caller := range map[string]engine.Caller{"the account": e.AddUser("", "", "").Caller, "a user": e.AddUser("ann", "", "").Caller} {
		require.Nil(t, e.Call(create(caller, "vtb-22")).Denied, name)
	}
}

func TestEachProductRefusesWithItsOwnCode(t *testing.T) {
	t.Parallel()
	e, _, key := cloud(t)
	for call, code := range map[[3]string]string{
		{"Ecs", "2014-05-26", "DescribeSecurityGroups"}: "Forbidden.RAM",
		{"oos", "2019-06-01", "GetParameter"}:           "NoPermission",
		{"Sts", "2015-04-01", "GetCallerIdentity"}:      "NoPermission",
	} {
		r := e.Call(engine.Call{Product: call[0], Version: call[1], Action: call[2], Caller: key.Caller, Parameters: map[string]string{"RegionId": "cn-x"}})
		require.NotNil(t, r.Err, call)
		require.Equal(t, 403, r.Err.Status)
		require.Equal(t, code, r.Err.Code)
	}
	d := e.Denied(engine.Call{Product: "MNS", Action: "SendMessage", Caller: key.Caller, Parameters: map[string]string{"QueueName": "q"}})
	require.Equal(t, "AccessDenied", d.Error.Code)
}

func TestASessionPolicyNarrowsARole(t *testing.T) {
	t.Parallel()
	e, _, _ := cloud(t, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	ann := e.AddUser("ann", "", "")
	r := e.Call(engine.Call{Product: "Sts", Version: "2015-04-01", Action: "AssumeRole", Caller: ann.Caller, Parameters: map[string]string{
		"RoleArn": "acs:ram::12:role/r", "RoleSessionName": "narrow", "Policy": allowRoutes,
	}})
	require.Nil(t, r.Err)
	text, err := json.Marshal(r.Response)
	require.NoError(t, err)
	var given struct {
		Credentials struct {
			AccessKeyID string `json:"AccessKeyId"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &given))
	key, ok := e.Credential(given.Credentials.AccessKeyID)
	require.True(t, ok)
	require.Nil(t, e.Call(create(key.Caller, "vtb-2")).Denied)
	require.NotNil(t, e.Call(create(key.Caller, "vtb-22")).Denied)
}

func TestACallThatNothingIsKnownOfIsRefused(t *testing.T) {
	t.Parallel()
	e, _, key := cloud(t, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	r := e.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: "DeleteVpc", Caller: key.Caller, Parameters: map[string]string{"RegionId": "cn-x", "VpcId": "vpc-1"}})
	require.NotNil(t, r.Denied)
	require.Contains(t, r.Err.Message, "does not know which permission")
}
