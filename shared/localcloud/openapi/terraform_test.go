package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inBody makes a call as Terraform's alicloud provider does: the protocol's
// parameters in the query, the format in small letters, and all of the action's
// in the body, the region among them.
func (c *cloud) inBody(t *testing.T, version, action string, own map[string]string) answer {
	t.Helper()
	p := map[string]string{
		"Action": action, "Version": version, "Format": "json", "AccessKeyId": c.key.AccessKeyID,
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": fmt.Sprint(time.Now().UnixNano()),
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}
	query, form := url.Values{}, url.Values{}
	for k, v := range p {
		query.Set(k, v)
	}
	for k, v := range own {
		form.Set(k, v)
		p[k] = v
	}
	query.Set("Signature", sign(http.MethodPost, c.key.Secret, p))
	req, err := http.NewRequest(http.MethodPost, c.url+"/?"+query.Encode(), strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(t, req)
}

// The calls are those of the provider's data sources and of its resource of a
// VPC, as a look into its source shows them; the provider itself is not at hand
// where these tests run.
func TestTheCallsOfTerraformsProvider(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var made struct{ VpcId, VRouterId string }
	a := c.inBody(t, "2016-04-28", "CreateVpc", map[string]string{
		"RegionId": "cn-qingdao", "ClientToken": "TF-CreateVpc-1", "CidrBlock": "10.9.0.0/16", "VpcName": "tf", "EnableIpv6": "false",
	})
	require.Equal(t, 200, a.Status, a.body)
	require.NoError(t, json.Unmarshal([]byte(a.body), &made))

	for name, call := range map[string]struct {
		version, action string
		own             map[string]string
		fields          []string // that the provider reads without asking whether they are there
	}{
		"the data source of VPCs": {"2016-04-28", "DescribeVpcs", map[string]string{"RegionId": "cn-qingdao", "PageSize": "50", "PageNumber": "1"},
			[]string{"TotalCount", "Vpcs", "VSwitchIds", "SecondaryCidrBlocks", "UserCidrs", "Tags", "RouterTableIds", "IsDefault", "CreationTime"}},
		"the resource of a VPC": {"2016-04-28", "DescribeVpcAttribute", map[string]string{"RegionId": "cn-qingdao", "VpcId": made.VpcId},
			[]string{"VpcId", "ClassicLinkEnabled", "Ipv6CidrBlocks", "SecondaryCidrBlocks", "UserCidrs", "Tags", "ResourceGroupId"}},
		"its route table": {"2016-04-28", "DescribeRouteTableList", map[string]string{"RegionId": "cn-qingdao", "VpcId": made.VpcId, "PageSize": "50", "PageNumber": "1"},
			[]string{"RouterTableList", "RouteTableType", "RouteTableId"}},
		"the data source of security groups":       {"2014-05-26", "DescribeSecurityGroups", map[string]string{"RegionId": "cn-qingdao", "PageSize": "50", "PageNumber": "1"}, []string{"SecurityGroups", "TotalCount"}},
		"the data source of peering connections":   {"2022-01-01", "ListVpcPeerConnections", map[string]string{"RegionId": "cn-qingdao", "MaxResults": "50"}, []string{"VpcPeerConnects", "NextToken"}},
		"who the provider is":                      {"2015-04-01", "GetCallerIdentity", map[string]string{"RegionId": "cn-qingdao"}, []string{"AccountId", "IdentityType"}},
		"where the provider asks for its endpoint": {"2015-06-12", "DescribeEndpoints", map[string]string{"Id": "cn-qingdao", "ServiceCode": "vpc", "Type": "openAPI"}, []string{"Endpoints", "SerivceCode"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := c.inBody(t, call.version, call.action, call.own)
			require.Equal(t, 200, a.Status, a.body)
			for _, f := range call.fields {
				require.Contains(t, a.body, `"`+f+`":`)
			}
		})
	}
}
