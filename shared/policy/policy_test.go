package policy_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

func blocks(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// question is about the tutorial's pair: production in Qingdao, test in Beijing.
func question() policy.Question {
	return policy.Question{
		Token: "payments-ci",
		Connection: &interconnect.Connection{
			ID:        "a",
			Initiator: interconnect.Side{RegionID: "cn-qingdao", VpcID: "vpc-1", CidrBlocks: blocks("192.168.0.0/16")},
			Acceptor: interconnect.Side{RegionID: "cn-beijing", VpcID: "vpc-2", CidrBlocks: blocks("172.16.0.0/16"),
				SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-2", Allow: []interconnect.Allow{{Protocol: "TCP", PortRange: "5432/5440"}, {Protocol: "ICMP", PortRange: "-1/-1"}}}}},
		},
		Tags: map[interconnect.Role]map[string]string{interconnect.Initiator: {"env": "production"}, interconnect.Acceptor: {"env": "test"}},
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rules string
		want  policy.Decision
		rule  string // the first finding's
	}{
		"without rules everything is allowed":            {``, policy.Allowed, ""},
		"a rule about other VPCs":                        {`{"name": "r", "effect": "forbid", "between": [{"vpc": "vpc-9"}]}`, policy.Allowed, ""},
		"a VPC is forbidden":                             {`{"name": "r", "effect": "forbid", "between": [{"vpc": "vpc-2"}]}`, policy.Refused, "r"},
		"a pair is forbidden whichever side comes first": {`{"name": "r", "effect": "forbid", "between": [{"region": "cn-beijing"}, {"region": "cn-q*"}]}`, policy.Refused, "r"},
		"both sides have to fit":                         {`{"name": "r", "effect": "forbid", "between": [{"region": "cn-beijing"}, {"region": "cn-beijing"}]}`, policy.Allowed, ""},
		"production and what is not production": {`{"name": "r", "effect": "forbid", "between": [{"tags": {"env": "prod*"}}, {"not": {"tags": {"env": "prod*"}}}]}`,
			policy.Refused, "r"},
		"a tag that is not there":                    {`{"name": "r", "effect": "forbid", "between": [{"tags": {"team": "*"}}]}`, policy.Allowed, ""},
		"a block that is touched is forbidden":       {`{"name": "r", "effect": "forbid", "between": [{"blocks": ["172.16.5.0/24"]}]}`, policy.Refused, "r"},
		"a block that is touched is not yet allowed": {`{"name": "r", "effect": "allow", "between": [{"blocks": ["172.16.5.0/24"]}]}`, policy.Refused, "(none)"},
		"a block that holds all is allowed":          {`{"name": "r", "effect": "allow", "between": [{"blocks": ["172.16.0.0/12"]}]}`, policy.Allowed, "r"},
		"another token is allowed":                   {`{"name": "r", "effect": "allow", "tokens": ["network-*"]}`, policy.Refused, "(none)"},
		"this token is allowed":                      {`{"name": "r", "effect": "allow", "tokens": ["payments-*"]}`, policy.Allowed, "r"},
		"what is allowed may be forbidden too":       {`{"name": "r", "effect": "allow"}, {"name": "s", "effect": "forbid", "between": [{"vpc": "vpc-1"}]}`, policy.Refused, "s"},
		"a port within what is forbidden":            {`{"name": "r", "effect": "forbid", "open": [{"protocol": "TCP", "portRange": "5440/6000"}]}`, policy.Refused, "r"},
		"no port of what is forbidden":               {`{"name": "r", "effect": "forbid", "open": [{"protocol": "UDP"}, {"protocol": "tcp", "portRange": "22/22"}]}`, policy.Allowed, ""},
		"opens more than the limit":                  {`{"name": "r", "effect": "limit", "open": [{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "5432/5432"}]}`, policy.Refused, "r"},
		"opens no more than the limit":               {`{"name": "r", "effect": "limit", "open": [{"protocol": "ICMP"}, {"protocol": "TCP"}]}`, policy.Allowed, ""},
		"a limit for other VPCs":                     {`{"name": "r", "effect": "limit", "between": [{"vpc": "vpc-9"}], "open": []}`, policy.Allowed, ""},
		"has to be approved":                         {`{"name": "r", "effect": "approve", "approvers": ["security"]}`, policy.NeedsApproval, "r"},
		"an approver asks":                           {`{"name": "r", "effect": "approve", "approvers": ["payments-ci"]}`, policy.Allowed, ""},
		"refused comes before approval":              {`{"name": "r", "effect": "approve", "approvers": ["security"]}, {"name": "s", "effect": "forbid"}`, policy.Refused, "s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse([]byte(`{"owner": "the network team", "rules": [` + c.rules + `]}`))
			require.NoError(t, err)
			v := p.Judge(question())
			require.Equal(t, c.want, v.Decision, v)
			if c.rule == "" {
				require.Empty(t, v.Findings)
				return
			}
			require.Equal(t, c.rule, v.Findings[0].Rule)
			require.Equal(t, "the network team", v.Findings[0].Owner)
			if c.want != policy.Allowed {
				require.Contains(t, v.Findings[0].Sentence, "the network team can change that")
			}
		})
	}
}

func TestAFindingNamesTheFieldAndTheReason(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse([]byte(`{"rules": [{"name": "databases", "effect": "limit", "open": [{"protocol": "ICMP"}], "why": "Databases are reached through the proxy", "owner": "dba"}]}`))
	require.NoError(t, err)
	f := p.Judge(question()).Findings[0]
	require.Equal(t, "/acceptor/securityGroups", f.Field)
	require.Equal(t, "The rule databases does not let TCP 5432/5440 of sg-2 be opened. Databases are reached through the proxy. dba can change that.", f.Sentence)
}

func TestTheWholeInternetIsRefusedByEveryPolicy(t *testing.T) {
	t.Parallel()
	q := question()
	q.Connection.Acceptor.CidrBlocks = blocks("0.0.0.0/0")
	for _, text := range []string{``, `{"rules": [{"name": "all", "effect": "allow"}]}`} {
		p, err := policy.Parse([]byte(text))
		require.NoError(t, err)
		v := p.Judge(q)
		require.Equal(t, policy.Refused, v.Decision)
		require.Equal(t, "/acceptor/cidrBlocks", v.Findings[0].Field)
		require.Contains(t, v.Findings[0].Sentence, "Nobody can change that")
	}
}

func TestWhoApprovesIsNamedOnlyWhereEveryRuleIsContent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ rules, approver, want string }{
		"nobody has to":                 {``, "security", ""},
		"whoever asks may":              {`{"name": "r", "effect": "approve", "approvers": ["payments-ci"]}`, "", "payments-ci"},
		"somebody else does":            {`{"name": "r", "effect": "approve", "approvers": ["security"]}`, "security", "security"},
		"one of two rules is not":       {`{"name": "r", "effect": "approve", "approvers": ["security"]}, {"name": "s", "effect": "approve", "approvers": ["audit"]}`, "security", ""},
		"an approver has no say beyond": {`{"name": "r", "effect": "approve", "approvers": ["security"]}, {"name": "s", "effect": "forbid"}`, "security", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse([]byte(`{"rules": [` + c.rules + `]}`))
			require.NoError(t, err)
			q := question()
			q.Approver = c.approver
			require.Equal(t, c.want, p.Judge(q).ApprovedBy)
		})
	}
}

func TestWhatIsRecordedWasApproved(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse([]byte(`{"rules": [{"name": "r", "effect": "approve", "approvers": ["security"]}]}`))
	require.NoError(t, err)
	q := question()
	q.Recorded = true
	require.Equal(t, policy.Allowed, p.Judge(q).Decision)
}

func TestTakingAwayNeedsAnAllowRuleOnly(t *testing.T) {
	t.Parallel()
	p, err := policy.Parse([]byte(`{"rules": [
	  {"name": "theirs", "effect": "allow", "tokens": ["payments-*"], "between": [{"tags": {"team": "payments"}}, {"not": {"tags": {"env": "x"}}}]},
	  {"name": "never", "effect": "forbid"}, {"name": "asked", "effect": "approve", "approvers": ["security"]}]}`))
	require.NoError(t, err)
	q := question()
	require.Equal(t, policy.Allowed, p.MayRemove(q).Decision, "a VPC that is gone has no tags")
	q.Token = "orders-ci"
	require.Equal(t, policy.Refused, p.MayRemove(q).Decision)
	q.Token = "payments-ci"
	require.Equal(t, policy.Refused, p.Judge(q).Decision)
}

func TestAPolicyThatCouldBeMisreadIsAnError(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`{`, `[]`, `{"rules": []} {}`, `{"rule": []}`, `{"rules": [{"effect": "allow"}]}`,
		`{"rules": [{"name": "a", "effect": "allow"}, {"name": "a", "effect": "forbid"}]}`,
		`{"rules": [{"name": "a", "effect": "deny"}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "amid": []}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"vpc": "a"}, {"vpc": "b"}, {"vpc": "c"}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"vpc": "[a"}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"tags": {"a": "[a"}}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"blocks": ["10.0.0.1/8"]}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"blocks": ["10.0.0.0"]}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "between": [{"not": {"not": {"not": {"vpc": "a"}}}}]}]}`,
		`{"rules": [{"name": "a", "effect": "forbid", "tokens": [""]}]}`,
		`{"rules": [{"name": "a", "effect": "approve"}]}`, `{"rules": [{"name": "a", "effect": "forbid", "approvers": ["b"]}]}`,
		`{"rules": [{"name": "a", "effect": "allow", "open": [{"protocol": "TCP"}]}]}`,
		`{"rules": [{"name": "a", "effect": "limit", "open": [{"protocol": "SCTP"}]}]}`,
		`{"rules": [{"name": "a", "effect": "limit", "open": [{"protocol": "TCP", "portRange": "9/1"}]}]}`,
		`{"rules": [{"name": "a", "effect": "limit", "open": [{"protocol": "ICMP", "portRange": "1/1"}]}]}`,
	} {
		_, err := policy.Parse([]byte(bad))
		require.Error(t, err, bad)
	}
	p, err := policy.Parse(nil)
	require.NoError(t, err)
	require.Empty(t, p.Rules)
}
