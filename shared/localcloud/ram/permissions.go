package ram

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"vpcinterconnect/shared/localcloud/engine"
)

// need is what a call needs: an action on every one of the resources.
type need struct {
	action    string
	resources []string // ARNs with {Parameter}; {Parameter.N} stands for each of a list's
	source    string   // where that is published; "UNCONFIRMED: ..." if nowhere
}

const (
	instances  = "acs:ecs:{RegionId}:{Account}:instance/"
	commands   = "acs:ecs:{RegionId}:{Account}:command/*"
	groups     = "acs:ecs:{RegionId}:{Account}:securitygroup/"
	interfaces = "acs:vpc:{RegionId}:{Account}:routerinterface/"
	tables     = "acs:vpc:{RegionId}:{Account}:routetable/"

	ecsTable  = "help, api-ecs-2014-05-26-ram (2026)"
	vpcPages  = "help, the action's own page, RAM authorization (2026)"
	vpcTable  = "help, api-vpc-2016-04-28-ram: RouterInterface"
	peerPages = "help, the action's own page: All Resources (2026)"
	sibling   = "UNCONFIRMED: its own row was not found; as the other actions on the same resource"
	oosForm   = "UNCONFIRMED: whether a name's first slash is in the ARN. Compute Nest's service role allows parameter/computenest/*; both forms have to be allowed here"
	mnsTable  = "help, MNS, RAM: queues"
)

// needs is the table of permissions, by product and action, both in the API's
// spelling. A call that is not in it is refused: nobody knows what it needs.
var needs = map[string]need{
	"Vpc/DescribeVpcAttribute":           {"vpc:DescribeVpcAttribute", []string{"acs:vpc:{RegionId}:{Account}:vpc/{VpcId}"}, vpcPages},
	"Vpc/DescribeVpcs":                   {"vpc:DescribeVpcs", []string{"acs:vpc:{RegionId}:{Account}:vpc/{VpcId}"}, sibling},
	"Vpc/DescribeVSwitches":              {"vpc:DescribeVSwitches", []string{"acs:vpc:{RegionId}:{Account}:vswitch/*"}, vpcPages},
	"Vpc/DescribeRouteTableList":         {"vpc:DescribeRouteTableList", []string{tables + "*"}, vpcPages},
	"Vpc/DescribeRouteEntryList":         {"vpc:DescribeRouteEntryList", []string{tables + "{RouteTableId}"}, vpcPages},
	"Vpc/CreateRouteEntries":             {"vpc:CreateRouteEntries", []string{tables + "{RouteEntries.N.RouteTableId}"}, vpcPages},
	"Vpc/DeleteRouteEntries":             {"vpc:DeleteRouteEntries", []string{tables + "{RouteEntries.N.RouteTableId}"}, vpcPages},
	"Vpc/ModifyRouteEntry":               {"vpc:ModifyRouteEntry", []string{tables + "*"}, sibling},
	"Vpc/DescribeNetworkAclAttributes":   {"vpc:DescribeNetworkAclAttributes", []string{"acs:vpc:{RegionId}:{Account}:networkacl/{NetworkAclId}"}, vpcPages},
	"Vpc/DescribeRouterInterfaces":       {"vpc:DescribeRouterInterfaces", []string{interfaces + "*"}, vpcPages},
	"Vpc/CreateRouterInterface":          {"vpc:CreateRouterInterface", []string{interfaces + "*"}, sibling},
	"Vpc/ModifyRouterInterfaceAttribute": {"vpc:ModifyRouterInterfaceAttribute", []string{interfaces + "{RouterInterfaceId}"}, vpcPages},
	"Vpc/ModifyRouterInterfaceSpec":      {"vpc:ModifyRouterInterfaceSpec", []string{interfaces + "{RouterInterfaceId}"}, sibling},
	"Vpc/ConnectRouterInterface":         {"vpc:ConnectRouterInterface", []string{interfaces + "{RouterInterfaceId}"}, sibling},
	"Vpc/ActivateRouterInterface":        {"vpc:ActivateRouterInterface", []string{interfaces + "{RouterInterfaceId}"}, vpcTable},
	"Vpc/DeactivateRouterInterface":      {"vpc:DeactivateRouterInterface", []string{interfaces + "{RouterInterfaceId}"}, sibling},
	"Vpc/DeleteRouterInterface":          {"vpc:DeleteRouterInterface", []string{interfaces + "{RouterInterfaceId}"}, sibling},

	"VpcPeer/CreateVpcPeerConnection":       {"vpc:CreateVpcPeerConnection", []string{"*"}, peerPages},
	"VpcPeer/AcceptVpcPeerConnection":       {"vpc:AcceptVpcPeerConnection", []string{"*"}, sibling},
	"VpcPeer/DeleteVpcPeerConnection":       {"vpc:DeleteVpcPeerConnection", []string{"*"}, peerPages},
	"VpcPeer/ModifyVpcPeerConnection":       {"vpc:ModifyVpcPeerConnection", []string{"*"}, sibling},
	"VpcPeer/GetVpcPeerConnectionAttribute": {"vpc:GetVpcPeerConnectionAttribute", []string{"*"}, sibling},
	"VpcPeer/ListVpcPeerConnections":        {"vpc:ListVpcPeerConnections", []string{"*"}, sibling},

	"Ecs/DescribeSecurityGroups":         {"ecs:DescribeSecurityGroups", []string{groups + "*"}, ecsTable},
	"Ecs/DescribeSecurityGroupAttribute": {"ecs:DescribeSecurityGroupAttribute", []string{groups + "{SecurityGroupId}"}, ecsTable},
	"Ecs/AuthorizeSecurityGroup":         {"ecs:AuthorizeSecurityGroup", []string{"*"}, ecsTable},
	"Ecs/AuthorizeSecurityGroupEgress":   {"ecs:AuthorizeSecurityGroupEgress", []string{"*"}, ecsTable},
	"Ecs/RevokeSecurityGroup":            {"ecs:RevokeSecurityGroup", []string{groups + "{SecurityGroupId}"}, ecsTable},
	"Ecs/RevokeSecurityGroupEgress":      {"ecs:RevokeSecurityGroupEgress", []string{groups + "{SecurityGroupId}"}, ecsTable},
	"Ecs/DescribeInstances":              {"ecs:DescribeInstances", []string{instances + "*"}, ecsTable},
	"Ecs/DescribeCloudAssistantStatus":   {"ecs:DescribeCloudAssistantStatus", []string{instances + "{InstanceId.N}"}, ecsTable},
	"Ecs/RunCommand":                     {"ecs:RunCommand", []string{instances + "{InstanceId.N}", commands}, ecsTable + " has the instance; the Cloud Assistant page's sample policies have the command too"},
	"Ecs/DescribeInvocations":            {"ecs:DescribeInvocations", []string{instances + "{InstanceId}", commands}, ecsTable},

	"oos/GetParameters":       {"oos:GetParameters", parameter("{Names[]}"), oosForm + "; that it is each name's own is on the action's page (2026)"},
	"oos/GetParameter":        {"oos:GetParameter", parameter("{Name}"), oosForm},
	"oos/CreateParameter":     {"oos:CreateParameter", parameter("{Name}"), oosForm},
	"oos/UpdateParameter":     {"oos:UpdateParameter", parameter("{Name}"), oosForm},
	"oos/DeleteParameter":     {"oos:DeleteParameter", parameter("{Name}"), oosForm},
	"oos/GetParametersByPath": {"oos:GetParametersByPath", parameter("{Path}"), oosForm},

	"Sts/GetCallerIdentity": {"sts:GetCallerIdentity", []string{"*"}, "UNCONFIRMED: whether it needs a permission at all; it is allowed, in case"},
	"Sts/AssumeRole":        {"sts:AssumeRole", []string{"{RoleArn}"}, "help, STS, AssumeRole"},

	"MNS/SendMessage":      {"mns:SendMessage", []string{"acs:mns:{RegionId}:{Account}:/queues/{QueueName}/messages"}, mnsTable},
	"MNS/BatchSendMessage": {"mns:SendMessage", []string{"acs:mns:{RegionId}:{Account}:/queues/{QueueName}/messages"}, mnsTable},
}

func parameter(name string) []string {
	const in = "acs:oos:{RegionId}:{Account}:parameter/"
	return []string{in + "{-" + name[1:], in + name}
}

// byFold finds a row whatever the case of the product.
var byFold = func() map[string]need {
	m := map[string]need{}
	for k, n := range needs {
		product, action, _ := strings.Cut(k, "/")
		m[strings.ToLower(product)+"/"+action] = n
	}
	return m
}()

// Actions lists the rows of the table, as product/action.
func Actions() []string { return slices.Sorted(maps.Keys(needs)) }

// Permission is an action on resources: on every one of them.
type Permission struct {
	Action    string
	Resources []string
}

// dependent are the further actions that a call needs, on everything. Source:
// the VPC peering connection page's FAQ (CDT bills them).
var dependent = map[string][]string{"VpcPeer/CreateVpcPeerConnection": {"cdt:GetCdtServiceStatus"}}

// Needs returns the permissions that a call needs. ok is false for a call that
// nothing is known of.
func Needs(c engine.Call) (all []Permission, ok bool) {
	n, ok := byFold[strings.ToLower(c.Product)+"/"+c.Action]
	if !ok {
		return nil, false
	}
	var resources []string
	for _, r := range n.resources {
		resources = append(resources, expand(r, c.Caller.AccountID, c.Parameters)...)
	}
	slices.Sort(resources)
	all = []Permission{{n.action, slices.Compact(resources)}}
	for _, action := range dependent[c.Product+"/"+c.Action] {
		all = append(all, Permission{action, []string{"*"}})
	}
	return all, true
}

// expand puts a call's parameters into an ARN: {Name} the parameter's value,
// {-Name} the same without a slash in front, {Name.N} or {Name.N.Member} the
// value of each of a list's elements, {Name[]} each string of a JSON list. One that is not there is *.
func expand(arn, account string, parameters map[string]string) []string {
	before, rest, found := strings.Cut(arn, "{")
	if !found {
		return []string{arn}
	}
	name, after, _ := strings.Cut(rest, "}")
	bare := strings.TrimPrefix(name, "-")
	var values []string
	jsonList, isJSON := strings.CutSuffix(bare, "[]")
	switch list, member, many := strings.Cut(bare, ".N"); {
	case bare == "Account":
		values = []string{account}
	case isJSON:
		_ = json.Unmarshal([]byte(parameters[jsonList]), &values) // else it is *: the action itself refuses it
	case many:
		for k, v := range parameters {
			if element, ok := strings.CutPrefix(k, list+"."); ok && strings.TrimLeft(element, "0123456789") == member {
				values = append(values, v)
			}
		}
	case parameters[bare] != "":
		values = []string{parameters[bare]}
	}
	if len(values) == 0 {
		values = []string{"*"}
	}
	var out []string
	for _, v := range values {
		if bare != name {
			v = strings.TrimPrefix(v, "/")
		}
		for _, tail := range expand(after, account, parameters) {
			out = append(out, before+v+tail)
		}
	}
	return out
}
