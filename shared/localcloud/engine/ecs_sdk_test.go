package engine_test

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	ecsclient "github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

// The official SDK, over the wire, from nothing but a VPC: group, instances,
// rule, ping.
func TestOfficialSDKPingsFromOneInstanceToAnother(t *testing.T) {
	t.Parallel()
	cloud := newPair(t, func(o *engine.Options) { o.Guest = dataplane.Guests{} })
	pass := func(d time.Duration) { cloud.pass(d); cloud.Settle() }
	key := cloud.AddUser("", "", "")
	server := httptest.NewServer(openapi.New(openapi.Options{Engine: cloud.Engine}))
	t.Cleanup(server.Close)
	c, err := ecsclient.NewClientWithOptions(qingdao, sdk.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential(key.AccessKeyID, key.Secret))
	require.NoError(t, err)
	c.Domain = strings.TrimPrefix(server.URL, "http://")

	group := ecsclient.CreateCreateSecurityGroupRequest()
	group.VpcId, group.SecurityGroupType = "vpc-a", engine.GroupEnterprise
	made, err := c.CreateSecurityGroup(group)
	require.NoError(t, err)
	run := ecsclient.CreateRunInstancesRequest()
	run.VSwitchId, run.SecurityGroupId, run.ImageId, run.InstanceType, run.Amount = "vsw-a", made.SecurityGroupId, "aliyun_3", "ecs.g7.large", "2"
	instances, err := c.RunInstances(run)
	require.NoError(t, err)
	ids := instances.InstanceIdSets.InstanceIdSet
	require.Len(t, ids, 2)
	pass(transition)
	describe := ecsclient.CreateDescribeInstancesRequest()
	describe.InstanceIds = `["` + ids[1] + `"]`
	second, err := c.DescribeInstances(describe)
	require.NoError(t, err)
	require.Equal(t, "Running", second.Instances.Instance[0].Status)
	target := second.Instances.Instance[0].VpcAttributes.PrivateIpAddress.IpAddress[0]

	ping := func() (status, output string) {
		command := ecsclient.CreateRunCommandRequest()
		on := ids[:1]
		command.Type, command.ContentEncoding, command.InstanceId = "RunShellScript", "Base64", &on
		command.CommandContent = base64.StdEncoding.EncodeToString([]byte("ping -c 2 -W 1 " + target))
		started, err := c.RunCommand(command)
		require.NoError(t, err)
		pass(10 * time.Second)
		results := ecsclient.CreateDescribeInvocationResultsRequest()
		results.InvokeId = started.InvokeId
		ended, err := c.DescribeInvocationResults(results)
		require.NoError(t, err)
		r := ended.Invocation.InvocationResults.InvocationResult[0]
		text, err := base64.StdEncoding.DecodeString(r.Output)
		require.NoError(t, err)
		return r.InvocationStatus, string(text)
	}
	status, output := ping()
	require.Equal(t, "Failed", status, "an advanced group lets nothing out or in by itself")
	require.Contains(t, output, "100% packet loss")

	in := ecsclient.CreateAuthorizeSecurityGroupRequest()
	in.SecurityGroupId = made.SecurityGroupId
	in.Permissions = &[]ecsclient.AuthorizeSecurityGroupPermissions{{IpProtocol: "ICMP", PortRange: "-1/-1", SourceCidrIp: "192.168.0.0/16", Policy: "accept", Priority: "1", NicType: "intranet", Description: "interconnect.vi.orders"}}
	_, err = c.AuthorizeSecurityGroup(in)
	require.NoError(t, err)
	out := ecsclient.CreateAuthorizeSecurityGroupEgressRequest()
	out.SecurityGroupId = made.SecurityGroupId
	out.Permissions = &[]ecsclient.AuthorizeSecurityGroupEgressPermissions{{IpProtocol: "ICMP", PortRange: "-1/-1", DestCidrIp: "192.168.0.0/16"}}
	_, err = c.AuthorizeSecurityGroupEgress(out)
	require.NoError(t, err)
	status, output = ping()
	require.Equal(t, "Success", status)
	require.Contains(t, output, "2 packets transmitted, 2 received, 0% packet loss")

	rules := ecsclient.CreateDescribeSecurityGroupAttributeRequest()
	rules.SecurityGroupId, rules.NicType = made.SecurityGroupId, "intranet"
	attribute, err := c.DescribeSecurityGroupAttribute(rules)
	require.NoError(t, err)
	require.Len(t, attribute.Permissions.Permission, 2)
	require.Equal(t, "interconnect.vi.orders", attribute.Permissions.Permission[0].Description)
	revoke := ecsclient.CreateRevokeSecurityGroupRequest()
	revoke.SecurityGroupId = made.SecurityGroupId
	revoke.SecurityGroupRuleId = &[]string{"sgr-none"}
	_, err = c.RevokeSecurityGroup(revoke)
	var refused *sdkerrors.ServerError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, "InvalidParam.SecurityGroupRuleId", refused.ErrorCode())
}
