package whole_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// empty is a world with regions and nothing in them.
func empty() *world.World {
	w := world.Default()
	w.VPCs = nil
	return w
}

// builtVPC is a VPC that somebody made through the API, with what is needed to
// ping from it.
type builtVPC struct{ region, vpc, group string }

// buildVPC makes a VPC as a person with the official SDK would. Whatever is not
// there yet, or fails in passing, is asked for again.
func (c *cloud) buildVPC(region, zone, block, subnet string) builtVPC {
	c.t.Helper()
	key := credentials.NewAccessKeyCredential(c.Endpoints.AccessKeyID, c.Endpoints.AccessKeySecret)
	host := strings.TrimPrefix(c.Endpoints.OpenAPI, "http://")
	network, err := vpc.NewClientWithOptions(region, sdk.NewConfig().WithScheme("HTTP"), key)
	require.NoError(c.t, err)
	network.Domain = host
	machines, err := ecs.NewClientWithOptions(region, sdk.NewConfig().WithScheme("HTTP"), key)
	require.NoError(c.t, err)
	machines.Domain = host

	out := builtVPC{region: region}
	surely(c.t, func() error {
		r := vpc.CreateCreateVpcRequest()
		r.CidrBlock, r.VpcName, r.ClientToken = block, "made-by-hand", "vpc-"+region
		made, err := network.CreateVpc(r)
		if err == nil {
			out.vpc = made.VpcId
		}
		return err
	})
	var subnetID string
	surely(c.t, func() error {
		r := vpc.CreateCreateVSwitchRequest()
		r.VpcId, r.CidrBlock, r.ZoneId, r.ClientToken = out.vpc, subnet, zone, "vsw-"+region
		made, err := network.CreateVSwitch(r)
		if err == nil {
			subnetID = made.VSwitchId
		}
		return err
	})
	surely(c.t, func() error {
		r := ecs.CreateCreateSecurityGroupRequest()
		r.VpcId, r.SecurityGroupName, r.ClientToken = out.vpc, "made-by-hand", "sg-"+region
		made, err := machines.CreateSecurityGroup(r)
		if err == nil {
			out.group = made.SecurityGroupId
		}
		return err
	})
	var instance string
	surely(c.t, func() error {
		r := ecs.CreateRunInstancesRequest()
		r.VSwitchId, r.SecurityGroupId, r.ImageId, r.InstanceType, r.ClientToken = subnetID, out.group, "aliyun_3_x64_20G_alibase", "ecs.g7.large", "i-"+region
		made, err := machines.RunInstances(r)
		if err == nil {
			instance = made.InstanceIdSets.InstanceIdSet[0]
		}
		return err
	})
	require.Eventually(c.t, func() bool {
		r := ecs.CreateDescribeInstancesRequest()
		r.InstanceIds = fmt.Sprintf("[%q]", instance)
		all, err := machines.DescribeInstances(r)
		return err == nil && len(all.Instances.Instance) == 1 && all.Instances.Instance[0].Status == "Running"
	}, 30*time.Second, 200*time.Millisecond)
	return out
}

func TestAWorldMadeThroughTheAPIIsConnected(t *testing.T) {
	unhurried(t)
	t.Parallel()
	c := start(t, stack.Options{World: empty()})
	a := c.buildVPC("cn-qingdao", "cn-qingdao-b", "192.168.0.0/16", "192.168.1.0/24")
	b := c.buildVPC("cn-beijing", "cn-beijing-h", "172.16.0.0/16", "172.16.1.0/24")
	c.Engine.Begin()    // no read lags so far that it does not know the VPCs yet
	c.Start = c.World() // what is ours comes from here on
	side := func(v builtVPC) string {
		return fmt.Sprintf(`{"regionId": %q, "vpcId": %q, "securityGroups": [{"securityGroupId": %q}]}`, v.region, v.vpc, v.group)
	}
	c.post(fmt.Sprintf(`{"id": "new", "type": "ExpressConnect", "initiator": %s, "acceptor": %s}`, side(a), side(b)))
	c.reaches("new", interconnect.StateConnected, 2*time.Minute)
	require.Len(t, c.untouched().interfaces, 2)
}

func TestTheQueuesOfficialSDKWorksBesideTheFunctions(t *testing.T) {
	t.Parallel()
	c := calm(t, stack.Options{})
	client := ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{
		EndPoint: c.Endpoints.MNS, AccessKeyId: c.Endpoints.AccessKeyID, AccessKeySecret: c.Endpoints.AccessKeySecret, TimeoutSecond: 35,
	})
	manager := ali_mns.NewMNSQueueManager(client)
	require.NoError(t, manager.CreateQueue("examples", 0, 65536, 345600, 30, 0, 3))
	queue := ali_mns.NewMNSQueue("examples", client)
	sent, err := queue.SendMessage(ali_mns.MessageSendRequest{MessageBody: `hello <"sdk">`, DelaySeconds: 0, Priority: 8})
	require.NoError(t, err)

	answers, errs := make(chan ali_mns.MessageReceiveResponse, 1), make(chan error, 1)
	queue.ReceiveMessage(answers, errs, 5)
	select {
	case got := <-answers:
		require.Equal(t, sent.MessageId, got.MessageId)
		require.Equal(t, `hello <"sdk">`, got.MessageBody)
		changed, err := queue.ChangeMessageVisibility(got.ReceiptHandle, 5)
		require.NoError(t, err)
		require.NoError(t, queue.DeleteMessage(changed.ReceiptHandle))
	case err := <-errs:
		require.NoError(t, err)
	}
	queue.ReceiveMessage(answers, errs, 1)
	require.ErrorContains(t, <-errs, "MessageNotExist")
	require.NoError(t, manager.DeleteQueue("examples"))
}
