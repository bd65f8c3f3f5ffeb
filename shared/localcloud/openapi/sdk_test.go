package openapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/endpoints"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

// client is the official SDK pointed at the cloud.
func (c *cloud) client(t *testing.T, region string) *vpc.Client {
	t.Helper()
	v, err := vpc.NewClientWithOptions(region, sdk.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential(c.key.AccessKeyID, c.key.Secret))
	require.NoError(t, err)
	v.Domain = strings.TrimPrefix(c.url, "http://")
	return v
}

func code(t *testing.T, err error) string {
	t.Helper()
	var server *sdkerrors.ServerError
	require.True(t, errors.As(err, &server), "%v", err)
	return server.ErrorCode()
}

func TestOfficialSDKConnectsTwoVPCs(t *testing.T) {
	clock := &handClock{now: time.Now()}
	pass := func() { clock.mu.Lock(); clock.now = clock.now.Add(20 * time.Second); clock.mu.Unlock() }
	c := newCloud(t, func(o *engine.Options, _ *openapi.Options) { o.Clock = clock })
	qingdao, beijing := c.client(t, "cn-qingdao"), c.client(t, "cn-beijing")

	build := func(v *vpc.Client, block, subnet, zone string) *vpc.CreateVpcResponse {
		create := vpc.CreateCreateVpcRequest()
		create.CidrBlock = block
		made, err := v.CreateVpc(create)
		require.NoError(t, err)
		pass()
		vsw := vpc.CreateCreateVSwitchRequest()
		vsw.VpcId, vsw.CidrBlock, vsw.ZoneId = made.VpcId, subnet, zone
		_, err = v.CreateVSwitch(vsw)
		require.NoError(t, err)
		pass()
		return made
	}
	a := build(qingdao, "192.168.0.0/16", "192.168.1.0/24", "cn-qingdao-b")
	b := build(beijing, "172.16.0.0/16", "172.16.1.0/24", "cn-beijing-a")

	side := func(v *vpc.Client, role, spec, router, otherRegion, otherRouter string) string {
		create := vpc.CreateCreateRouterInterfaceRequest()
		create.Role, create.Spec, create.RouterType, create.RouterId = role, spec, "VRouter", router
		create.OppositeRegionId, create.OppositeRouterId, create.OppositeRouterType = otherRegion, otherRouter, "VRouter"
		create.Name, create.ClientToken = "tutorial", role
		made, err := v.CreateRouterInterface(create)
		require.NoError(t, err)
		again, err := v.CreateRouterInterface(create)
		require.NoError(t, err)
		require.Equal(t, made.RouterInterfaceId, again.RouterInterfaceId, "a client token gives the same interface")
		return made.RouterInterfaceId
	}
	initiator := side(qingdao, "InitiatingSide", "Mini.2", a.VRouterId, "cn-beijing", b.VRouterId)
	acceptor := side(beijing, "AcceptingSide", "Negative", b.VRouterId, "cn-qingdao", a.VRouterId)

	connect := vpc.CreateConnectRouterInterfaceRequest()
	connect.RouterInterfaceId = initiator
	_, err := qingdao.ConnectRouterInterface(connect)
	require.Equal(t, "IncorrectOppositeInterfaceInfo.NotSet", code(t, err))

	name := func(v *vpc.Client, id, opposite, router string) {
		modify := vpc.CreateModifyRouterInterfaceAttributeRequest()
		modify.RouterInterfaceId, modify.OppositeInterfaceId, modify.OppositeRouterId = id, opposite, router
		modify.OppositeRouterType, modify.OppositeInterfaceOwnerId = "VRouter", requests.Integer(c.AccountID())
		_, err := v.ModifyRouterInterfaceAttribute(modify)
		require.NoError(t, err)
	}
	name(beijing, acceptor, initiator, a.VRouterId)
	name(qingdao, initiator, acceptor, b.VRouterId)
	_, err = qingdao.ConnectRouterInterface(connect)
	require.NoError(t, err)
	pass()

	filter := vpc.CreateDescribeRouterInterfacesRequest()
	filter.Filter = &[]vpc.DescribeRouterInterfacesFilter{{Key: "RouterInterfaceId", Value: &[]string{initiator}}}
	found, err := qingdao.DescribeRouterInterfaces(filter)
	require.NoError(t, err)
	ri := found.RouterInterfaceSet.RouterInterfaceType[0]
	require.Equal(t, []string{"Active", "Active", acceptor, "Negative", b.VpcId},
		[]string{ri.Status, ri.OppositeInterfaceStatus, ri.OppositeInterfaceId, ri.OppositeInterfaceSpec, ri.OppositeVpcInstanceId})
	require.Equal(t, 2, ri.Bandwidth)

	route := vpc.CreateCreateRouteEntriesRequest()
	route.RouteEntries = &[]vpc.CreateRouteEntriesRouteEntries{
		{RouteTableId: a.RouteTableId, DstCidrBlock: "172.16.0.0/16", NextHop: initiator, NextHopType: "RouterInterface", Name: "there"},
		{RouteTableId: a.RouteTableId, DstCidrBlock: "192.168.1.0/24", NextHop: initiator, NextHopType: "RouterInterface"},
	}
	routed, err := qingdao.CreateRouteEntries(route)
	require.NoError(t, err)
	require.Equal(t, 1, routed.SuccessCount)
	require.Equal(t, 1, routed.FailedCount)
	require.Equal(t, "InvalidCidrBlock.Overlapped", routed.FailedRouteEntries[0].FailedCode)
	_, err = qingdao.CreateRouteEntries(route)
	require.Equal(t, "TaskConflict", code(t, err))
	pass()
	list := vpc.CreateDescribeRouteEntryListRequest()
	list.RouteTableId, list.RouteEntryType = a.RouteTableId, "Custom"
	entries, err := qingdao.DescribeRouteEntryList(list)
	require.NoError(t, err)
	require.Len(t, entries.RouteEntrys.RouteEntry, 1)
	entry := entries.RouteEntrys.RouteEntry[0]
	require.Equal(t, []string{"Available", "there", initiator}, []string{entry.Status, entry.RouteEntryName, entry.NextHops.NextHop[0].NextHopId})

	remove := vpc.CreateDeleteRouterInterfaceRequest()
	remove.RouterInterfaceId = initiator
	_, err = qingdao.DeleteRouterInterface(remove)
	require.Equal(t, "IncorrectStatus", code(t, err))
}

func TestOfficialSDKUnderstandsRefusals(t *testing.T) {
	c := newCloud(t)
	v := c.client(t, "cn-qingdao")
	unknown := vpc.CreateDescribeVpcAttributeRequest()
	unknown.VpcId = "vpc-x"
	_, err := v.DescribeVpcAttribute(unknown)
	require.Equal(t, "InvalidVpcID.NotFound", code(t, err))
	var server *sdkerrors.ServerError
	require.True(t, errors.As(err, &server))
	require.Equal(t, 404, server.HttpStatus())
	require.NotEmpty(t, server.RequestId())

	stranger, err := vpc.NewClientWithOptions("cn-qingdao", sdk.NewConfig().WithScheme("HTTP"), credentials.NewAccessKeyCredential(c.key.AccessKeyID, "wrong"))
	require.NoError(t, err)
	stranger.Domain = v.Domain
	_, err = stranger.DescribeVpcs(vpc.CreateDescribeVpcsRequest())
	require.True(t, errors.As(err, &server))
	require.Equal(t, "SignatureDoesNotMatch", server.ErrorCode())
	require.Contains(t, server.Recommend(), "InvalidAccessKeySecret", "the SDK recognises its own string to sign")
}

func TestOfficialSDKInProcess(t *testing.T) {
	c := newCloud(t)
	cfg := sdk.NewConfig().WithScheme("HTTP")
	drop := false
	h := openapi.New(openapi.Options{Engine: c.Engine})
	cfg.Transport = openapi.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if drop {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	v, err := vpc.NewClientWithOptions("cn-qingdao", cfg, credentials.NewAccessKeyCredential(c.key.AccessKeyID, c.key.Secret))
	require.NoError(t, err)
	v.Domain = "cloud.invalid"
	_, _, err = c.AddVPC(engine.VPC{RegionID: "cn-qingdao", Block: netip.MustParsePrefix("10.0.0.0/8")}, "")
	require.NoError(t, err)
	answer, err := v.DescribeVpcs(vpc.CreateDescribeVpcsRequest())
	require.NoError(t, err)
	require.Equal(t, "10.0.0.0/8", answer.Vpcs.Vpc[0].CidrBlock)
	drop = true
	_, err = v.DescribeVpcs(vpc.CreateDescribeVpcsRequest())
	require.ErrorContains(t, err, "unexpected EOF")
}

func TestLocationAnswersWhereItWasAsked(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	a := c.send(t, http.MethodPost, func(p map[string]string) func(map[string]string) {
		p["Action"], p["Version"], p["ServiceCode"], p["Id"] = "DescribeEndpoints", "2015-06-12", "vpc", "cn-qingdao"
		delete(p, "VpcName")
		return nil
	})
	require.Equal(t, 200, a.Status)
	var decoded endpoints.GetEndpointResponse
	require.NoError(t, json.Unmarshal([]byte(a.body), &decoded))
	require.Equal(t, strings.TrimPrefix(c.url, "http://"), decoded.Endpoints.Endpoint[0].Endpoint)
	require.Equal(t, "vpc", decoded.Endpoints.Endpoint[0].SerivceCode)
	missing := c.send(t, http.MethodPost, func(p map[string]string) func(map[string]string) {
		p["Action"], p["Version"], p["Id"] = "DescribeEndpoints", "2015-06-12", "cn-qingdao"
		return nil
	})
	require.Equal(t, "MissingParameter", missing.Code)
}

// The example is the one that Alibaba Cloud's description of the V3 signature
// works out: its key, time, nonce and result.
func TestACS3WorkedExample(t *testing.T) {
	t.Parallel()
	c := newCloud(t, func(_ *engine.Options, w *openapi.Options) {
		w.Now = func() time.Time { return time.Date(2023, 10, 26, 10, 22, 40, 0, time.UTC) }
	})
	c.AddUser("", "YourAccessKeyId", "YourAccessKeySecret")
	send := func(signature, nonce string) string {
		req, err := http.NewRequest(http.MethodPost, c.url+"/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", nil)
		require.NoError(t, err)
		req.Host = "ecs.cn-shanghai.aliyuncs.com"
		for k, v := range map[string]string{
			"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": nonce,
			"x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"Authorization":        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=" + signature,
		} {
			req.Header.Set(k, v)
		}
		return c.do(t, req).Code
	}
	good, nonce := "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0", "3156853299f313e23d1673dc12e1703d"
	require.Equal(t, "SignatureDoesNotMatch", send(strings.Repeat("0", 64), nonce))
	require.Equal(t, "SignatureDoesNotMatch", send(good, "another"))
	require.NotContains(t, []string{"SignatureDoesNotMatch", "IncompleteSignature"}, send(good, nonce))
	require.Equal(t, "SignatureNonceUsed", send(good, nonce))
}
