package alicloud

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"

	"vpcinterconnect/shared/interconnect"
)

// services are RAM's names of products.
var services = map[string]string{"Vpc": "vpc", "VpcPeer": "vpc", "Ecs": "ecs", "oos": "oos", "Oos": "oos", "Sts": "sts", "Mns-open": "mns"}

// permissionResources says which resource a permission is on, by action and the
// parameter that names it; the first row that fits counts. Source: the RAM
// authorization tables of VPC, ECS and OOS (api-vpc-2016-04-28-ram and its
// like). Actions that know no narrower resource are on *.
var permissionResources = []struct{ actions, parameter, resource string }{
	{"AuthorizeSecurityGroup* *VpcPeerConnection* GetCallerIdentity", "", "*"},
	{"*", "RouteTableId", "vpc:routetable"},
	{"*", "RouteEntries.1.RouteTableId", "vpc:routetable"},
	{"*Route*Entr* DescribeRouteTableList", "", "vpc:routetable"},
	{"*", "RouterInterfaceId", "vpc:routerinterface"},
	{"*RouterInterface*", "", "vpc:routerinterface"},
	{"*", "SecurityGroupId", "ecs:securitygroup"},
	{"*SecurityGroup*", "", "ecs:securitygroup"},
	{"RunCommand DescribeCloudAssistantStatus DescribeInvocations", "InstanceId", "ecs:instance"},
	{"RunCommand DescribeCloudAssistantStatus DescribeInvocations", "InstanceId.1", "ecs:instance"},
	{"DescribeInstances", "", "ecs:instance"},
	{"DescribeVSwitches", "", "vpc:vswitch"},
	{"*", "VpcId", "vpc:vpc"},
	{"*Parameter", "Name", "oos:parameter"},
	{"GetParametersByPath", "Path", "oos:parameter"},
	{"GetParameters", "", "oos:parameter"},
}

// withPermission adds to an error of class Denied what has to be allowed. The
// cloud names the action in AccessDeniedDetail, if at all; the resource it
// names nowhere.
func (c *Reader) withPermission(err error, region string, req requests.AcsRequest, resp responses.AcsResponse) error {
	e := asCloudError(err)
	if e == nil || e.Class != interconnect.Denied || e.HTTPStatus != 403 {
		return err
	}
	var detail struct {
		AccessDeniedDetail struct{ AuthAction string }
	}
	_ = json.Unmarshal(resp.GetHttpContentBytes(), &detail) // it is a text in some products' answers
	action := c.redact(detail.AccessDeniedDetail.AuthAction)
	service := services[req.GetProduct()]
	if action == "" && service != "" {
		action = service + ":" + req.GetActionName()
	}
	if action != "" {
		e.Permission = action + " on " + permissionResource(region, req)
	}
	return err
}

func permissionResource(region string, req requests.AcsRequest) string {
	parameters := req.GetQueryParams()
	for _, row := range permissionResources {
		id := "*"
		if row.parameter != "" {
			id = strings.TrimPrefix(parameters[row.parameter], "/")
		}
		if id == "" || !matches(row.actions, req.GetActionName()) {
			continue
		}
		service, kind, narrow := strings.Cut(row.resource, ":")
		if !narrow {
			return row.resource
		}
		return "acs:" + service + ":" + region + ":*:" + path.Join(kind, id)
	}
	return "*"
}
