package conformance_test

import (
	"net/url"
	"strings"
	"time"
)

// describe is a read that every account may make.
func describe(s *session) request {
	return request{product: "Vpc", region: s.regions[0], action: "DescribeVpcs", with: []string{"PageSize", "1"}}
}

func with(s *session, more ...string) request {
	r := describe(s)
	r.with = append(r.with, more...)
	return r
}

// stamped is a request signed with another timestamp.
func stamped(s *session, timestamp string) reply {
	r := describe(s)
	r.resign = func(p url.Values) { p.Set("Timestamp", timestamp) }
	return s.call(r)
}

var gatewayFacts = []fact{
	{says: "a request that the SDK signs is taken", local: "200",
		ask: func(s *session) string { return s.call(describe(s)).String() }},
	{says: "a request changed after it was signed is refused", local: "400 SignatureDoesNotMatch",
		ask: func(s *session) string {
			r := describe(s)
			r.spoil = func(p url.Values) { p.Set("PageSize", "2") }
			return s.call(r).String()
		}},
	{says: "the refusal of a signature ends with what the server signed, after a fixed text", local: "it does",
		ask: func(s *session) string {
			r := describe(s)
			r.spoil = func(p url.Values) { p.Set("PageSize", "2") }
			if strings.Contains(s.call(r).at("Message"), "server string to sign is:POST&%2F&") {
				return "it does"
			}
			return "it does not"
		}},
	{says: "an access key that there is not is refused", local: "404 InvalidAccessKeyId.NotFound", with: "UnknownAccessKeyIs400", other: "400 InvalidAccessKeyId.NotFound",
		ask: func(s *session) string {
			r := describe(s)
			r.key = &key{id: "LTAI5tConformanceNone", secret: "none"}
			return s.call(r).String()
		}},
	{says: "a token that is none is refused", local: "400 InvalidSecurityToken.MismatchWithAccessKey", fine: []string{"400 InvalidSecurityToken.Malformed", "400 InvalidSecurityToken"},
		ask: func(s *session) string {
			r := describe(s)
			r.key = &key{s.key.id, s.key.secret, "conformance"}
			return s.call(r).String()
		}},
	{says: "a timestamp of an hour ago is refused", local: "400 InvalidTimeStamp.Expired", fine: []string{"400 IllegalTimestamp"},
		ask: func(s *session) string {
			return stamped(s, time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05Z")).String()
		}},
	{says: "a timestamp of 14 minutes ago is taken", local: "200",
		ask: func(s *session) string {
			return stamped(s, time.Now().Add(-14*time.Minute).UTC().Format("2006-01-02T15:04:05Z")).String()
		}},
	{says: "a timestamp of another form is refused", local: "400 InvalidTimeStamp.Format", fine: []string{"400 IllegalTimestamp"},
		ask: func(s *session) string { return stamped(s, "1700000000").String() }},
	{says: "the same request a second time is refused", local: "400 SignatureNonceUsed",
		ask: func(s *session) string {
			r := describe(s)
			r.twice = true
			return s.call(r).String()
		}},
	{says: "an unknown parameter is refused", local: "400 UnsupportedParameter", with: "UnknownParametersIgnored", other: "200",
		ask: func(s *session) string { return s.call(with(s, "Colour", "red")).String() }},
	{says: "a missing parameter is refused", local: "400 MissingParameter", with: "MissingParameterNamed", other: "400 MissingRouteTableId",
		ask: func(s *session) string { return s.read("Vpc", "DescribeRouteEntryList").String() }},
	{says: "an action that there is not is refused", local: "404 InvalidAction.NotFound", fine: []string{"404 InvalidApi.NotFound"},
		ask: func(s *session) string { return s.read("Vpc", "DescribeConformance").String() }},
	{says: "a region that there is not is refused by VPC", local: "404 InvalidRegionId.NotFound", fine: []string{"400 InvalidRegionId.NotFound"},
		ask: func(s *session) string {
			r := describe(s) // at an endpoint that there is, for one of this region there is not
			r.resign = func(p url.Values) { p.Set("RegionId", "cn-nowhere") }
			return s.call(r).String()
		}},
	{says: "VPC takes parameters in the body too", local: "200",
		ask: func(s *session) string {
			r := describe(s)
			r.with = []string{"body:PageSize", "1"}
			return s.call(r).String()
		}},
	{says: "answers have a RequestId", local: "yes",
		ask: func(s *session) string {
			if s.call(describe(s)).at("RequestId") == "" {
				return "no"
			}
			return "yes"
		}},
}

// isEmpty says whether a list in an answer is empty.
func isEmpty(r reply, path string) string {
	if !r.ok() {
		return r.String()
	}
	if len(r.list(path)) == 0 {
		return "an empty list"
	}
	return "a list that is not empty"
}

var readFacts = []fact{
	{says: "GetCallerIdentity names the main account in digits", local: "digits",
		ask: func(s *session) string {
			r := s.must(s.read("Sts", "GetCallerIdentity"), "GetCallerIdentity")
			if id := r.at("AccountId"); id == "" || strings.Trim(id, "0123456789") != "" {
				return "not digits"
			}
			return "digits"
		}},
	{says: "DescribeVpcs of an id that there is not is an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Vpc", "DescribeVpcs", "VpcId", "vpc-conformancenone00000"), "Vpcs.Vpc")
		}},
	{says: "DescribeVpcAttribute of an id that there is not is not found", local: "404 InvalidVpcID.NotFound", fine: []string{"404 InvalidVpcId.NotFound", "404 Forbidden.VpcNotFound", "400 InvalidVpcId.NotFound"},
		ask: func(s *session) string {
			return s.read("Vpc", "DescribeVpcAttribute", "VpcId", "vpc-conformancenone00000").String()
		}},
	{says: "DescribeVpcs has pages of up to 50", local: "200",
		ask: func(s *session) string { return s.read("Vpc", "DescribeVpcs", "PageSize", "50").String() }},
	{says: "DescribeVSwitches of a VPC that there is not is an empty list", local: "an empty list", fine: []string{"404 InvalidVpcID.NotFound", "404 InvalidVpcId.NotFound"},
		ask: func(s *session) string {
			return isEmpty(s.read("Vpc", "DescribeVSwitches", "VpcId", "vpc-conformancenone00000"), "VSwitches.VSwitch")
		}},
	{says: "DescribeRouteTableList of a VPC that there is not is an empty list", local: "an empty list", fine: []string{"404 InvalidVpcID.NotFound", "404 InvalidVpcId.NotFound"},
		ask: func(s *session) string {
			return isEmpty(s.read("Vpc", "DescribeRouteTableList", "VpcId", "vpc-conformancenone00000"), "RouterTableList.RouterTableListType")
		}},
	{says: "DescribeRouteEntryList of a table that there is not is not found", local: "404 InvalidRouteTableId.NotFound", fine: []string{"400 InvalidRouteTableId.NotFound"},
		ask: func(s *session) string {
			return s.read("Vpc", "DescribeRouteEntryList", "RouteTableId", "vtb-conformancenone00000").String()
		}},
	{says: "DescribeRouterInterfaces filters by the two routers", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Vpc", "DescribeRouterInterfaces", "Filter.1.Key", "RouterId", "Filter.1.Value.1", "vrt-conformancenone00000",
				"Filter.2.Key", "OppositeRouterId", "Filter.2.Value.1", "vrt-conformancenone00001"), "RouterInterfaceSet.RouterInterfaceType")
		}},
	{says: "DescribeRouterInterfaces refuses a filter that it does not have", local: "404 InvalidFilterKey.ValueNotSupported",
		ask: func(s *session) string {
			return s.read("Vpc", "DescribeRouterInterfaces", "Filter.1.Key", "Colour", "Filter.1.Value.1", "red").String()
		}},
	{says: "DescribeRouterInterfaceAttribute of an id that there is not is a success without an id", local: "200, no id",
		ask: func(s *session) string {
			r := s.read("Vpc", "DescribeRouterInterfaceAttribute", "InstanceId", "ri-conformancenone00000")
			if r.ok() && r.at("RouterInterfaceId") == "" {
				return "200, no id"
			}
			return r.String()
		}},
	{says: "DescribeSecurityGroups of an id that there is not is an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Ecs", "DescribeSecurityGroups", "SecurityGroupId", "sg-conformancenone00000"), "SecurityGroups.SecurityGroup")
		}},
	{says: "DescribeSecurityGroupAttribute of an id that there is not is not found", local: "404 InvalidSecurityGroupId.NotFound",
		ask: func(s *session) string {
			return s.read("Ecs", "DescribeSecurityGroupAttribute", "SecurityGroupId", "sg-conformancenone00000", "NicType", "intranet").String()
		}},
	{says: "DescribeInstances of an id that there is not is an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Ecs", "DescribeInstances", "InstanceIds", `["i-conformancenone00000"]`, "MaxResults", "10"), "Instances.Instance")
		}},
	{says: "DescribeInvocations of an instance that there is not is an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Ecs", "DescribeInvocations", "InstanceId", "i-conformancenone00000"), "Invocations.Invocation")
		}},
	{says: "a parameter that there is not is not found", local: "404 EntityNotExists.Parameter", with: "ParameterErrorsAre400", other: "400 EntityNotExists.Parameter",
		ask: func(s *session) string {
			return s.read("Oos", "GetParameter", "Name", "/conformance/none").String()
		}},
	{says: "a path below which there are no parameters is an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("Oos", "GetParametersByPath", "Path", "/conformance/none", "Recursive", "true", "MaxResults", "50"), "Parameters")
		}},
	{says: "a peering connection that there is not is not found", local: "400 ResourceNotFound.InstanceId", fine: []string{"404 ResourceNotFound.InstanceId"},
		ask: func(s *session) string {
			return s.read("VpcPeer", "GetVpcPeerConnectionAttribute", "body:InstanceId", "pcc-conformancenone00000").String()
		}},
	{says: "the peering connections of a VPC that there is not are an empty list", local: "an empty list",
		ask: func(s *session) string {
			return isEmpty(s.read("VpcPeer", "ListVpcPeerConnections", "body:VpcId.1", "vpc-conformancenone00000"), "VpcPeerConnects")
		}},
	{says: "a queue that there is not is QueueNotExist", local: "QueueNotExist",
		ask: func(s *session) string {
			_, err := s.messages().Peek(background, "none", 1)
			return mnsCode(err)
		}},
}
