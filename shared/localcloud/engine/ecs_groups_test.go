package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func TestAuthorizingTwiceAddsOneRule(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16", "Description", "first")...)
	first := c.rulesOf("sg-a")
	require.Len(t, first, 1)
	c.pass(time.Minute)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16", "Description", "second", "Policy", "accept", "NicType", "intranet", "Priority", "1")...)
	require.Equal(t, first, c.rulesOf("sg-a"), "the call succeeds, and nothing is added or changed")
	require.Equal(t, "first", first[0]["Description"])
	require.Equal(t, "Accept", first[0]["Policy"])
	require.Equal(t, "1", first[0]["Priority"])
	require.Equal(t, "intranet", first[0]["NicType"])
	require.Equal(t, "ingress", first[0]["Direction"])
	require.Equal(t, "172.16.0.0/16", first[0]["SourceCidrIp"])
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16", "Policy", "drop")...)
	require.Len(t, c.rulesOf("sg-a"), 2, "another policy is another rule")
}

func TestWhetherPriorityIsPartOfARule(t *testing.T) {
	t.Parallel()
	for reading, rules := range map[bool]int{false: 2, true: 1} {
		c := newECSCloud(t, func(o *engine.Options) { o.Switches.RuleIdentityWithoutPriority = reading })
		c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16")...)
		c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16", "Priority", "2")...)
		require.Len(t, c.rulesOf("sg-a"), rules)
	}
}

func TestBatchesAreAllOrNothing(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	good := pingFrom("172.16.0.0/16")
	bad := permission(2, "IpProtocol", "TCP", "PortRange", "0/99999", "SourceCidrIp", "172.16.0.0/16")
	c.refused(400, "InvalidIpProtocol.Malformed", qingdao, "AuthorizeSecurityGroup", append(good, bad...)...)
	require.Empty(t, c.rulesOf("sg-a"))
	c.ok(qingdao, "AuthorizeSecurityGroup", append(good, permission(2, "IpProtocol", "tcp", "PortRange", "22/22", "SourceCidrIp", "10.0.0.1")...)...)
	rules := c.rulesOf("sg-a")
	require.Len(t, rules, 2)
	require.Equal(t, "TCP", rules[1]["IpProtocol"], "the protocol may be written in lower case")
	require.Equal(t, "10.0.0.1", rules[1]["SourceCidrIp"], "an address is shown as it was sent")
}

func TestTheOldFlatFormOfARule(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	flat := []string{"SecurityGroupId", "sg-a", "IpProtocol", "tcp", "PortRange", "22/22", "SourceCidrIp", "10.0.0.0/8"}
	c.ok(qingdao, "AuthorizeSecurityGroup", flat...)
	require.Len(t, c.rulesOf("sg-a"), 1)
	c.refused(400, "UnsupportedParameter", qingdao, "AuthorizeSecurityGroup", append(flat, pingFrom("10.0.0.0/8")...)...)
	c.ok(qingdao, "RevokeSecurityGroup", flat...)
	require.Empty(t, c.rulesOf("sg-a"))
}

func TestRevoking(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("172.16.0.0/16")...)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.0.0.0/8")...)
	c.ok(qingdao, "AuthorizeSecurityGroupEgress", permission(1, "IpProtocol", "ALL", "PortRange", "-1/-1", "DestCidrIp", "10.0.0.0/8")...)
	id := c.rulesOf("sg-a")[0]["SecurityGroupRuleId"].(string)
	out := c.rulesOf("sg-a", "Direction", "egress")[0]["SecurityGroupRuleId"].(string)

	c.ok(qingdao, "RevokeSecurityGroup", pingFrom("192.0.2.0/24")...)
	require.Len(t, c.rulesOf("sg-a"), 3, "a permission that no rule matches is revoked in silence")
	c.refused(400, "InvalidParam.SecurityGroupRuleId", qingdao, "RevokeSecurityGroup", "SecurityGroupId", "sg-a", "SecurityGroupRuleId.1", "sgr-none")
	c.refused(400, "InvalidParam.SecurityGroupRuleId", qingdao, "RevokeSecurityGroup", "SecurityGroupId", "sg-a", "SecurityGroupRuleId.1", id, "SecurityGroupRuleId.2", out)
	require.Len(t, c.rulesOf("sg-a"), 3, "a rule of the other direction is unknown, and nothing of the batch goes")

	c.ok(qingdao, "RevokeSecurityGroup", "SecurityGroupId", "sg-a", "SecurityGroupRuleId.1", id)
	c.refused(400, "InvalidParam.SecurityGroupRuleId", qingdao, "RevokeSecurityGroup", "SecurityGroupId", "sg-a", "SecurityGroupRuleId.1", id)
	c.ok(qingdao, "RevokeSecurityGroup", pingFrom("10.0.0.0/8", "Description", "whatever")...)
	c.ok(qingdao, "RevokeSecurityGroupEgress", "SecurityGroupId", "sg-a", "SecurityGroupRuleId.1", out)
	require.Empty(t, c.rulesOf("sg-a"))
}

func TestRulesThatAreRefused(t *testing.T) {
	t.Parallel()
	tcp := func(more ...string) []string {
		return append([]string{"IpProtocol", "TCP", "PortRange", "22/22"}, more...)
	}
	from := func(more ...string) []string { return tcp(append([]string{"SourceCidrIp", "10.0.0.0/8"}, more...)...) }
	for _, r := range []struct {
		name   string
		p      []string
		status int
		code   string
	}{
		{"a protocol that there is not", []string{"IpProtocol", "SCTP", "PortRange", "-1/-1", "SourceCidrIp", "10.0.0.0/8"}, 400, "InvalidIpProtocol.ValueNotSupported"},
		{"no protocol", []string{"PortRange", "22/22", "SourceCidrIp", "10.0.0.0/8"}, 400, "InvalidIpProtocol.ValueNotSupported"},
		{"no ports", []string{"IpProtocol", "TCP", "SourceCidrIp", "10.0.0.0/8"}, 400, "InvalidIpProtocol.Malformed"},
		{"one port instead of a range", []string{"IpProtocol", "TCP", "PortRange", "22", "SourceCidrIp", "10.0.0.0/8"}, 400, "InvalidIpProtocol.Malformed"},
		{"a range backwards", []string{"IpProtocol", "TCP", "PortRange", "30/20", "SourceCidrIp", "10.0.0.0/8"}, 400, "InvalidIpProtocol.Malformed"},
		{"every port of TCP as -1/-1", []string{"IpProtocol", "TCP", "PortRange", "-1/-1", "SourceCidrIp", "10.0.0.0/8"}, 400, "OperationDenied"},
		{"ports of ICMP", []string{"IpProtocol", "ICMP", "PortRange", "1/65535", "SourceCidrIp", "10.0.0.0/8"}, 400, "OperationDenied"},
		{"no source", tcp(), 400, "MissingParameter.Source"},
		{"a source that is no block", tcp("SourceCidrIp", "10.0.0.0/40"), 400, "InvalidSourceCidrIp.Malformed"},
		{"an IPv6 block as IPv4", tcp("SourceCidrIp", "2001:db8::/32"), 400, "InvalidSourceCidrIp.Malformed"},
		{"an IPv4 block as IPv6", tcp("Ipv6SourceCidrIp", "10.0.0.0/8"), 400, "InvalidParam.Ipv6SourceCidrIp"},
		{"ICMP from an IPv6 block", []string{"IpProtocol", "ICMP", "PortRange", "-1/-1", "Ipv6SourceCidrIp", "2001:db8::/32"}, 400, "InvalidParam.Ipv4ProtocolConflictWithIpv6Address"},
		{"a policy that there is not", from("Policy", "allow"), 400, "InvalidPolicy.Malformed"},
		{"a priority that is no number", from("Priority", "high"), 400, "InvalidPriority.Malformed"},
		{"priority 0", from("Priority", "0"), 400, "InvalidPriority.ValueNotSupported"},
		{"priority 101", from("Priority", "101"), 400, "InvalidPriority.ValueNotSupported"},
		{"the classic network's card", from("NicType", "internet"), 400, "InvalidNicType.ValueNotSupported"},
		{"a description that is a link", from("Description", "http://example.com"), 400, "InvalidSecurityGroupDiscription.Malformed"},
		{"source ports that are none", from("SourcePortRange", "x"), 400, "InvalidSourcePortRange.Malformed"},
		{"a group that is not there", tcp("SourceGroupId", "sg-none"), 404, "InvalidSourceGroupId.NotFound"},
		{"a group of another region", tcp("SourceGroupId", "sg-b"), 404, "InvalidSourceGroupId.NotFound"},
		{"a group of another account", tcp("SourceGroupId", "sg-2", "SourceGroupOwnerId", "99"), 404, "InvalidSourceGroupId.NotFound"},
		{"the group itself", tcp("SourceGroupId", "sg-a"), 403, "InvalidParamter.Conflict"},
		{"a prefix list", tcp("SourcePrefixListId", "pl-1"), 404, "InvalidPrefixListId.NotFound"},
		{"a destination that is the source", from("DestCidrIp", "10.0.0.0/8"), 400, "InvalidParamter.Conflict"},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := newECSCloud(t)
			c.second(engine.SecurityGroup{ID: "sg-2"})
			c.second(engine.SecurityGroup{ID: "sg-b", VpcID: "vpc-b"})
			c.refused(r.status, r.code, qingdao, "AuthorizeSecurityGroup", permission(1, r.p...)...)
			require.Empty(t, c.rulesOf("sg-a"))
		})
	}
}

func TestRulesThatAreTaken(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.second(engine.SecurityGroup{ID: "sg-2", Name: "two"})
	for n, p := range [][]string{
		{"IpProtocol", "udp", "PortRange", "53/53", "SourceCidrIp", "10.0.0.0/8", "SourcePortRange", "1024/65535", "DestCidrIp", "192.168.1.0/24", "Policy", "Drop", "Priority", "100"},
		{"IpProtocol", "All", "PortRange", "-1/-1", "SourceGroupId", "sg-2"},
		{"IpProtocol", "TCP", "PortRange", "80/80", "Ipv6SourceCidrIp", "2001:db8::/32"},
		{"IpProtocol", "GRE", "PortRange", "-1/-1", "SourceCidrIp", "10.0.0.0/8", "SourceGroupId", "sg-2"},
	} {
		c.ok(qingdao, "AuthorizeSecurityGroup", permission(n+1, p...)...)
	}
	c.ok(qingdao, "AuthorizeSecurityGroupEgress", permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "DestGroupId", "sg-2")...)
	rules := c.rulesOf("sg-a")
	require.Len(t, rules, 5)
	require.Equal(t, []any{"Drop", "100", "1024/65535", "192.168.1.0/24"}, []any{rules[0]["Policy"], rules[0]["Priority"], rules[0]["SourcePortRange"], rules[0]["DestCidrIp"]})
	require.Equal(t, []any{"sg-2", "two", c.AccountID(), ""}, []any{rules[1]["SourceGroupId"], rules[1]["SourceGroupName"], rules[1]["SourceGroupOwnerAccount"], rules[1]["SourceCidrIp"]})
	require.Equal(t, "2001:db8::/32", rules[2]["Ipv6SourceCidrIp"])
	require.Equal(t, []any{"10.0.0.0/8", ""}, []any{rules[3]["SourceCidrIp"], rules[3]["SourceGroupId"]}, "a block is used before a group")
	require.Equal(t, []any{"egress", "sg-2"}, []any{rules[4]["Direction"], rules[4]["DestGroupId"]})
	g := c.ok(qingdao, "DescribeSecurityGroups", "SecurityGroupId", "sg-a")
	require.EqualValues(t, 5, g.get("SecurityGroups.SecurityGroup.0.RuleCount"))
	require.EqualValues(t, 2, g.get("SecurityGroups.SecurityGroup.0.GroupToGroupRuleCount"))
	require.Len(t, c.rulesOf("sg-a", "Direction", "ingress"), 4)
}

func TestARuleThatNamesAGroupOfAnotherVPC(t *testing.T) {
	t.Parallel()
	p := permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "SourceGroupId", "sg-c")
	c := newECSCloud(t)
	c.vpcOfTheSameRegion()
	c.refused(400, "InvalidSourceGroupId.Mismatch", qingdao, "AuthorizeSecurityGroup", p...)
	c = newECSCloud(t, func(o *engine.Options) { o.Switches.GroupAcrossVPCsAllowed = true })
	c.vpcOfTheSameRegion()
	c.ok(qingdao, "AuthorizeSecurityGroup", p...)
}

func TestAnAdvancedGroup(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.second(engine.SecurityGroup{ID: "sg-2"})
	id := c.ok(qingdao, "CreateSecurityGroup", "VpcId", "vpc-a", "SecurityGroupType", "enterprise").at("SecurityGroupId")
	c.refused(403, "InvalidOperation.InvalidSecurityGroupType", qingdao, "AuthorizeSecurityGroup", "SecurityGroupId", id,
		"Permissions.1.IpProtocol", "ICMP", "Permissions.1.PortRange", "-1/-1", "Permissions.1.SourceGroupId", "sg-2")
	require.Equal(t, "Drop", c.ok(qingdao, "DescribeSecurityGroupAttribute", "SecurityGroupId", id).at("InnerAccessPolicy"))
	require.Equal(t, "Accept", c.ok(qingdao, "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-a").at("InnerAccessPolicy"))
	c.refused(403, "InvalidOperation.InvalidSecurityGroupType", qingdao, "JoinSecurityGroup", "SecurityGroupId", id, "InstanceId", "i-a")
}

func TestAServicesGroupCannotBeEdited(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.second(engine.SecurityGroup{ID: "sg-s", ServiceManaged: true})
	p := []string{"SecurityGroupId", "sg-s", "Permissions.1.IpProtocol", "ICMP", "Permissions.1.PortRange", "-1/-1", "Permissions.1.SourceCidrIp", "10.0.0.0/8"}
	for _, action := range []string{"AuthorizeSecurityGroup", "RevokeSecurityGroup"} {
		c.refused(403, "InvalidOperation.ResourceManagedByCloudProduct", qingdao, action, p...)
	}
	c.refused(403, "InvalidOperation.ResourceManagedByCloudProduct", qingdao, "DeleteSecurityGroup", "SecurityGroupId", "sg-s")
	require.Equal(t, 1, c.ok(qingdao, "DescribeSecurityGroups", "ServiceManaged", "true").size("SecurityGroups.SecurityGroup"))
}

func TestRulesHaveAQuota(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t, func(o *engine.Options) { o.Quotas.RulesPerSecurityGroup = 2 })
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.1.0.0/16")...)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.2.0.0/16")...)
	c.refused(403, "AuthorizationLimitExceed", qingdao, "AuthorizeSecurityGroup", pingFrom("10.3.0.0/16")...)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.1.0.0/16")...)
	var many []string
	for n := 1; n <= 101; n++ {
		many = append(many, permission(n, "IpProtocol", "ICMP", "PortRange", "-1/-1", "SourceCidrIp", fmt.Sprintf("10.0.%d.0/24", n))...)
	}
	c.refused(400, "InvalidParameter", qingdao, "AuthorizeSecurityGroup", many...)
}

func TestAnEditsClientToken(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	p := append(pingFrom("10.1.0.0/16"), "ClientToken", "one")
	c.ok(qingdao, "AuthorizeSecurityGroup", p...)
	c.ok(qingdao, "RevokeSecurityGroup", pingFrom("10.1.0.0/16")...)
	c.ok(qingdao, "AuthorizeSecurityGroup", p...)
	require.Empty(t, c.rulesOf("sg-a"), "the second call is answered like the first, and does nothing")
	r := c.raw(qingdao, "AuthorizeSecurityGroup", append(pingFrom("10.2.0.0/16"), "ClientToken", "one")...)
	require.NotNil(t, r.Err)
	require.Equal(t, "IdempotentParameterMismatch", r.Err.Code)
}

func TestReadsOfRulesLagBehindWrites(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t, func(o *engine.Options) { o.Faults = lagsBehind(3 * time.Second) })
	c.pass(time.Minute)
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.1.0.0/16")...)
	require.Empty(t, c.rulesOf("sg-a"))
	c.pass(4 * time.Second)
	require.Len(t, c.rulesOf("sg-a"), 1)
}

func TestListsOfGroupsAndRulesHavePages(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	for n := range 24 {
		c.second(engine.SecurityGroup{ID: fmt.Sprintf("sg-%02d", n), Name: fmt.Sprintf("web-%d", n), Tags: []engine.Tag{{Key: "n", Value: fmt.Sprint(n % 2)}}})
		c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom(fmt.Sprintf("10.%d.0.0/16", n))...)
	}
	list := func(more ...string) tree { return c.ok(qingdao, "DescribeSecurityGroups", more...) }
	require.Equal(t, 10, list().size("SecurityGroups.SecurityGroup"))
	require.Equal(t, 5, list("PageNumber", "3").size("SecurityGroups.SecurityGroup"))
	require.EqualValues(t, 25, list("PageSize", "50").get("TotalCount"))
	seen, token := map[string]bool{}, ""
	for range 9 {
		a := list("MaxResults", "4", "NextToken", token)
		for n := range a.size("SecurityGroups.SecurityGroup") {
			seen[a.at(fmt.Sprintf("SecurityGroups.SecurityGroup.%d.SecurityGroupId", n))] = true
		}
		if token = a.at("NextToken"); token == "" {
			break
		}
	}
	require.Len(t, seen, 25)
	require.Empty(t, token)
	require.EqualValues(t, 12, list("Tag.1.Key", "n", "Tag.1.Value", "1").get("TotalCount"))
	require.EqualValues(t, 12, list("Tag.1.key", "n", "Tag.1.value", "1").get("TotalCount"))
	require.EqualValues(t, 2, list("SecurityGroupIds", `["sg-01","sg-02","sg-none"]`).get("TotalCount"))
	require.EqualValues(t, 11, list("SecurityGroupName", "web-1", "FuzzyQuery", "true").get("TotalCount"))
	require.EqualValues(t, 1, list("SecurityGroupName", "web-1").get("TotalCount"))
	require.EqualValues(t, 0, list("NetworkType", "classic").get("TotalCount"))
	require.EqualValues(t, 1, list("SecurityGroupId", "sg-a", "IsQueryEcsCount", "true").get("SecurityGroups.SecurityGroup.0.EcsCount"))
	c.refused(400, "InvalidParameter.NextToken", qingdao, "DescribeSecurityGroups", "NextToken", "made up")
	c.refused(400, "InvalidParameter", qingdao, "DescribeSecurityGroups", "SecurityGroupIds", "sg-a")
	c.refused(400, "DryRunOperation", qingdao, "DescribeSecurityGroups", "DryRun", "true")

	one := c.ok(qingdao, "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-a", "MaxResults", "10")
	require.Equal(t, 10, one.size("Permissions.Permission"))
	two := c.ok(qingdao, "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-a", "MaxResults", "20", "NextToken", one.at("NextToken"))
	require.Equal(t, 14, two.size("Permissions.Permission"))
	require.Empty(t, two.at("NextToken"))
	require.Len(t, c.rulesOf("sg-a"), 24, "500 rules a page unless told otherwise")
	c.refused(400, "InvalidParameter.MaxResults", qingdao, "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-a", "MaxResults", "9")
	c.refused(404, "InvalidSecurityGroupId.NotFound", beijing, "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-a")
}

func TestAGroupsLife(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t)
	c.refused(403, "InvalidVpcId.NotFound", qingdao, "CreateSecurityGroup")
	c.refused(404, "InvalidVpcId.NotFound", qingdao, "CreateSecurityGroup", "VpcId", "vpc-b")
	c.refused(400, "InvalidSecurityGroupName.Malformed", qingdao, "CreateSecurityGroup", "VpcId", "vpc-a", "SecurityGroupName", "http://x")
	c.refused(400, "Duplicate.TagKey", qingdao, "CreateSecurityGroup", "VpcId", "vpc-a", "Tag.1.Key", "a", "Tag.2.key", "a")
	id := c.ok(qingdao, "CreateSecurityGroup", "VpcId", "vpc-a", "SecurityGroupName", "db", "Tag.1.Key", "a", "Tag.1.Value", "b").at("SecurityGroupId")
	c.ok(qingdao, "AuthorizeSecurityGroup", permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "SourceGroupId", id)...)
	c.refused(403, "DependencyViolation", qingdao, "DeleteSecurityGroup", "SecurityGroupId", id)
	c.ok(qingdao, "RevokeSecurityGroup", permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "SourceGroupId", id)...)

	c.ok(qingdao, "JoinSecurityGroup", "SecurityGroupId", id, "InstanceId", "i-a")
	c.refused(403, "InvalidInstanceId.AlreadyExists", qingdao, "JoinSecurityGroup", "SecurityGroupId", id, "InstanceId", "i-a")
	c.refused(403, "DependencyViolation", qingdao, "DeleteSecurityGroup", "SecurityGroupId", id)
	c.ok(qingdao, "LeaveSecurityGroup", "SecurityGroupId", "sg-a", "InstanceId", "i-a")
	c.refused(403, "InstanceNotInSecurityGroup", qingdao, "LeaveSecurityGroup", "SecurityGroupId", "sg-a", "InstanceId", "i-a")
	c.refused(403, "InstanceLastSecurityGroup", qingdao, "LeaveSecurityGroup", "SecurityGroupId", id, "InstanceId", "i-a")
	c.ok(qingdao, "JoinSecurityGroup", "SecurityGroupId", "sg-a", "InstanceId", "i-a")
	c.ok(qingdao, "LeaveSecurityGroup", "SecurityGroupId", id, "InstanceId", "i-a")
	c.ok(qingdao, "DeleteSecurityGroup", "SecurityGroupId", id)
	c.refused(404, "InvalidSecurityGroupId.NotFound", qingdao, "DeleteSecurityGroup", "SecurityGroupId", id)

	c.vpcOfTheSameRegion()
	c.refused(400, "InvalidInstanceId.Mismatch", qingdao, "JoinSecurityGroup", "SecurityGroupId", "sg-c", "InstanceId", "i-a")
	for n := range 4 {
		c.second(engine.SecurityGroup{ID: fmt.Sprint("sg-j", n)})
		c.ok(qingdao, "JoinSecurityGroup", "SecurityGroupId", fmt.Sprint("sg-j", n), "InstanceId", "i-a")
	}
	c.second(engine.SecurityGroup{ID: "sg-j6"})
	c.refused(400, "InstanceSecurityGroupLimitExceeded", qingdao, "JoinSecurityGroup", "SecurityGroupId", "sg-j6", "InstanceId", "i-a")
	c.refused(400, "UnsupportedParameter", qingdao, "JoinSecurityGroup", "SecurityGroupId", "sg-j6", "NetworkInterfaceId", "eni-1")
}

func TestGroupsHaveAQuota(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t, func(o *engine.Options) { o.Quotas.SecurityGroupsPerRegion = 2 })
	c.ok(qingdao, "CreateSecurityGroup", "VpcId", "vpc-a")
	c.refused(403, "QuotaExceed.SecurityGroup", qingdao, "CreateSecurityGroup", "VpcId", "vpc-a")
}

func TestEcsCallsAreThrottled(t *testing.T) {
	t.Parallel()
	c := newECSCloud(t, func(o *engine.Options) { o.NoRates = false })
	for range 500 {
		c.ok(qingdao, "DescribeSecurityGroups")
	}
	r := c.raw(qingdao, "DescribeSecurityGroups")
	require.NotNil(t, r.Err)
	require.Equal(t, "Throttling.User", r.Err.Code)
	c.ok(beijing, "DescribeSecurityGroups")
	c.pass(time.Minute)
	c.ok(qingdao, "DescribeSecurityGroups")
}
