package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	sdk "github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// permissionMembers are the SDK's own, for the published metadata leaves the
// members of Permissions out.
var permissionMembers = map[string]reflect.Type{
	"AuthorizeSecurityGroup":       reflect.TypeFor[sdk.AuthorizeSecurityGroupPermissions](),
	"AuthorizeSecurityGroupEgress": reflect.TypeFor[sdk.AuthorizeSecurityGroupEgressPermissions](),
	"RevokeSecurityGroup":          reflect.TypeFor[sdk.RevokeSecurityGroupPermissions](),
	"RevokeSecurityGroupEgress":    reflect.TypeFor[sdk.RevokeSecurityGroupEgressPermissions](),
}

func TestEcsParametersAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "..", "shared", "data", "api-meta", "ecs", "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the published metadata is not here")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var meta struct {
			Name       string
			Parameters []publishedParameter
		}
		require.NoError(t, json.Unmarshal(text, &meta))
		t.Run(meta.Name, func(t *testing.T) {
			t.Parallel()
			a, ok := engine.Find("Ecs", meta.Name)
			require.True(t, ok, "not implemented")
			for n := range meta.Parameters {
				p := &meta.Parameters[n]
				switch p.Name {
				case "Permissions":
					p.Type = "RepeatList"
					for i := range permissionMembers[meta.Name].NumField() {
						p.Sub = append(p.Sub, publishedParameter{Name: permissionMembers[meta.Name].Field(i).Tag.Get("name"), Type: "String", Position: "Query"})
					}
				case "SourceGroupOwnerId", "DestGroupOwnerId":
					p.Type = "String" // as in Permissions.N: one struct reads both forms
				}
			}
			sameParameters(t, meta.Parameters, a.Parameters)
		})
	}
}

// An action that the metadata does not have is compared with the SDK: it may
// have fewer parameters, but none that the SDK does not send.
func TestEcsActionsToBuildAWorldTakeTheSDKsParameters(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]any{
		"RunInstances": sdk.RunInstancesRequest{}, "StartInstance": sdk.StartInstanceRequest{}, "StopInstance": sdk.StopInstanceRequest{},
		"DeleteInstance": sdk.DeleteInstanceRequest{}, "DeleteSecurityGroup": sdk.DeleteSecurityGroupRequest{},
		"JoinSecurityGroup": sdk.JoinSecurityGroupRequest{}, "LeaveSecurityGroup": sdk.LeaveSecurityGroupRequest{},
		"DescribeRegions": sdk.DescribeRegionsRequest{}, "DescribeZones": sdk.DescribeZonesRequest{},
	} {
		known := map[string]bool{"RegionId": true}
		for i := range reflect.TypeOf(request).NumField() {
			known[reflect.TypeOf(request).Field(i).Tag.Get("name")] = true
		}
		a, ok := engine.Find("Ecs", name)
		require.True(t, ok, name)
		for _, p := range a.Parameters {
			require.True(t, known[p.Name], "%s %s", name, p.Name)
		}
	}
}

func TestNoDocumentedFieldOfAnEcsAnswerIsLeftOut(t *testing.T) {
	t.Parallel()
	c, _ := commands(t, engine.Execution{Output: "pong"})
	c.ok(qingdao, "AuthorizeSecurityGroup", pingFrom("10.0.0.0/8")...)
	_, err := c.AddInstance(engine.Instance{ID: "i-2", VSwitchID: "vsw-a", SecurityGroupIDs: []string{"sg-a"}, Tags: []engine.Tag{{Key: "a", Value: "b"}}})
	require.NoError(t, err)
	c.second(engine.SecurityGroup{ID: "sg-2", Tags: []engine.Tag{{Key: "a", Value: "b"}}})
	invoke := c.ok(qingdao, "RunCommand", script("x", "Tag.1.Key", "a")...).at("InvokeId")
	c.pass(time.Minute)
	for _, x := range []struct {
		action string
		p      []string
		into   any
	}{
		{"DescribeRegions", nil, &sdk.DescribeRegionsResponse{}},
		{"DescribeZones", nil, &sdk.DescribeZonesResponse{}},
		{"DescribeInstances", nil, &sdk.DescribeInstancesResponse{}},
		{"DescribeSecurityGroups", nil, &sdk.DescribeSecurityGroupsResponse{}},
		{"DescribeSecurityGroupAttribute", []string{"SecurityGroupId", "sg-a"}, &sdk.DescribeSecurityGroupAttributeResponse{}},
		{"DescribeCloudAssistantStatus", nil, &sdk.DescribeCloudAssistantStatusResponse{}},
		{"DescribeInvocations", []string{"InvokeId", invoke, "IncludeOutput", "true"}, &sdk.DescribeInvocationsResponse{}},
		{"DescribeInvocationResults", []string{"InvokeId", invoke}, &sdk.DescribeInvocationResultsResponse{}},
		{"RunCommand", script("x"), &sdk.RunCommandResponse{}},
		{"StopInvocation", []string{"InvokeId", invoke}, &sdk.StopInvocationResponse{}},
		{"AuthorizeSecurityGroup", pingFrom("10.1.0.0/16"), &sdk.AuthorizeSecurityGroupResponse{}},
		{"RevokeSecurityGroup", pingFrom("10.1.0.0/16"), &sdk.RevokeSecurityGroupResponse{}},
		{"AuthorizeSecurityGroupEgress", permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "DestCidrIp", "10.0.0.0/8"), &sdk.AuthorizeSecurityGroupEgressResponse{}},
		{"RevokeSecurityGroupEgress", permission(1, "IpProtocol", "ICMP", "PortRange", "-1/-1", "DestCidrIp", "10.0.0.0/8"), &sdk.RevokeSecurityGroupEgressResponse{}},
		{"RunInstances", newInstance(), &sdk.RunInstancesResponse{}},
		{"CreateSecurityGroup", []string{"VpcId", "vpc-a"}, &sdk.CreateSecurityGroupResponse{}},
		{"JoinSecurityGroup", []string{"SecurityGroupId", "sg-2", "InstanceId", "i-2"}, &sdk.JoinSecurityGroupResponse{}},
		{"LeaveSecurityGroup", []string{"SecurityGroupId", "sg-2", "InstanceId", "i-2"}, &sdk.LeaveSecurityGroupResponse{}},
		{"DeleteSecurityGroup", []string{"SecurityGroupId", "sg-2"}, &sdk.DeleteSecurityGroupResponse{}},
	} {
		t.Run(x.action, func(t *testing.T) {
			r := c.raw(qingdao, x.action, x.p...)
			require.Nil(t, r.Err)
			requireDocumented(t, x.into, r.Response)
			// Lists that are empty here are looked at by type; the zones' are not,
			// for some of their fields have names that Go cannot have.
			if a, _ := engine.Find("Ecs", x.action); x.action != "DescribeZones" {
				covers(t, x.action, reflect.TypeOf(x.into).Elem(), a.AnswerType())
			}
		})
	}
}
