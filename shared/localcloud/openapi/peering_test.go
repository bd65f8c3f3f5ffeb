package openapi_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpcpeer"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

func TestThePeeringServiceThroughTheSDK(t *testing.T) {
	t.Parallel()
	clock := &handClock{now: time.Now()}
	c := newCloud(t, func(o *engine.Options, _ *openapi.Options) { o.Clock = clock })
	for id, region := range map[string]string{"vpc-pa": "cn-qingdao", "vpc-pb": "cn-beijing"} {
		_, _, err := c.AddVPC(engine.VPC{ID: id, RegionID: region, Block: netip.MustParsePrefix("10.0.0.0/16")}, "")
		require.NoError(t, err)
	}
	v, err := vpcpeer.NewClientWithOptions("cn-qingdao", sdk.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential(c.key.AccessKeyID, c.key.Secret))
	require.NoError(t, err)
	v.Domain = strings.TrimPrefix(c.url, "http://")

	create := vpcpeer.CreateCreateVpcPeerConnectionRequest()
	create.VpcId, create.AcceptingVpcId, create.AcceptingRegionId, create.AcceptingAliUid = "vpc-pa", "vpc-pb", "cn-beijing", requests.Integer(c.AccountID())
	create.FormParams["Bandwidth"] = "100" // the SDK's struct does not have it
	made, err := v.CreateVpcPeerConnection(create)
	require.NoError(t, err)
	clock.mu.Lock()
	clock.now = clock.now.Add(20 * time.Second)
	clock.mu.Unlock()

	list := vpcpeer.CreateListVpcPeerConnectionsRequest()
	list.VpcId = &[]string{"vpc-pb"}
	listed, err := v.ListVpcPeerConnections(list)
	require.NoError(t, err)
	require.Len(t, listed.VpcPeerConnects, 1)
	got := listed.VpcPeerConnects[0]
	require.Equal(t, made.InstanceId, got.InstanceId)
	require.Equal(t, []any{"Activated", 100, "vpc-pa", []string{"10.0.0.0/16"}}, []any{got.Status, got.Bandwidth, got.Vpc.VpcId, got.Vpc.Ipv4Cidrs})

	// What is published as the body's is refused in the query.
	get := vpcpeer.CreateGetVpcPeerConnectionAttributeRequest()
	get.QueryParams["InstanceId"] = made.InstanceId
	_, err = v.GetVpcPeerConnectionAttribute(get)
	require.Equal(t, "InvalidParameter", code(t, err))

	remove := vpcpeer.CreateDeleteVpcPeerConnectionRequest()
	remove.InstanceId, remove.DryRun = made.InstanceId, requests.NewBoolean(true)
	_, err = v.DeleteVpcPeerConnection(remove)
	require.Equal(t, "DryRunOperation", code(t, err))
	remove = vpcpeer.CreateDeleteVpcPeerConnectionRequest() // a request keeps what was sent
	remove.InstanceId = made.InstanceId
	_, err = v.DeleteVpcPeerConnection(remove)
	require.NoError(t, err)
}
