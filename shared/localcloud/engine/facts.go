package engine

import "vpcinterconnect/shared/localcloud/facts"

// fact is a row of the table.
type fact facts.Fact

// Sections returns the table of what is known of the cloud that this engine and
// the wires in front of it are, by product.
func Sections() []facts.Section {
	var all []facts.Section
	for _, s := range []struct {
		name string
		rows []fact
	}{
		{"Every product", coreFacts},
		{"VPC", vpcFacts},
		{"ECS, Cloud Assistant and packets", ecsFacts},
		{"VPC peering connections", vpcPeerFacts},
		{"Parameter Store", oosFacts},
		{"Message Service", mnsFacts},
		{"STS", stsFacts},
	} {
		section := facts.Section{Name: s.name}
		for _, row := range s.rows {
			section.Facts = append(section.Facts, facts.Fact(row))
		}
		all = append(all, section)
	}
	return all
}

// coreFacts are those of every product that speaks the RPC protocol. Sources:
// "gateway errors" is the table of common errors on help.aliyun.com
// (document_detail/48054 and 51132, and PolarDB's client-error-codes page);
// "SDK" is alibaba-cloud-sdk-go v1.63.107; "SDK V2" is the documentation in the
// newer SDKs, which comes from the live API metadata.
var coreFacts = []fact{
	{"A request is signed with HMAC-SHA1 over method, path and sorted parameters of query and body; a wrong signature is a 400 SignatureDoesNotMatch whose message ends with the string that the server signed.", "SDK, sdk/auth and sdk/errors; gateway errors", "", "openapi.TestSignature"},
	{"The newer SDKs sign with ACS3-HMAC-SHA256 in the Authorization header.", "help.aliyun.com, V3 request body and signature mechanism, with a worked example", "", "openapi.TestACS3WorkedExample"},
	{"A timestamp may be 15 minutes off; more is a 400 InvalidTimeStamp.Expired, another form a 400 InvalidTimeStamp.Format.", "gateway errors", "", "openapi.TestRequestsThatTheGatewayRefuses"},
	{"A signature nonce serves once; a replay is a 400 SignatureNonceUsed.", "gateway errors", "", "openapi.TestReplayedNonce"},
	{"An unknown access key is InvalidAccessKeyId.NotFound, as a 404.", "UNCONFIRMED: gateway errors have it as 404 in one document and as 400 in another", "UnknownAccessKeyIs400", "openapi.TestUnknownAccessKey"},
	{"A temporary key needs its token, and is refused with InvalidSecurityToken.Expired when its time is over.", "gateway errors; the codes are those that SDKs and Terraform's provider look for", "", "openapi.TestTemporaryKeys"},
	{"A missing required parameter is a 400 MissingParameter that names it.", "UNCONFIRMED: gateway errors have MissingParameter in one document and Missing{ParameterName} in another", "MissingParameterNamed", "TestParametersAreChecked"},
	{"An unknown parameter is refused with a 400 UnsupportedParameter.", "UNCONFIRMED: the code is published (gateway errors), that every product refuses is not; this cloud always does, so that misspellings show", "UnknownParametersIgnored", "TestParametersAreChecked"},
	{"An action that the product does not have is a 404 InvalidAction.NotFound, a version that there is not a 400 InvalidVersion.", "gateway errors; SDK V2 error tables", "", "TestParametersAreChecked"},
	{"Parameters published as the query's are taken from the body too.", "Terraform's alicloud provider sends all parameters of VPC's actions in the body", "", "openapi.TestParametersInTheBody"},
	{"An unknown region is a 404 InvalidRegionId.NotFound.", "Express Connect API reference, ModifyRouterInterfaceAttribute", "", "TestDescribeVpcsFiltersAndPages"},
	{"The same client token with the same parameters gives the same answer, with others IdempotentParameterMismatch; it has at most 64 characters.", "SDK V2, ClientToken of each action; how long it is remembered is not published: here as long as the cloud lives", "", "TestClientTokens"},
	{"The router interface actions, CreateVSwitch, DeleteRouteEntries and ModifyRouteEntry take 300 calls per account and region in 60 s; more is Throttling.User.", "help.aliyun.com, api-vpc-2016-04-28-quota", "", "TestPublishedRatesThrottle"},
	{"The peering service's actions take 360 calls per account and region in 60 s, those of tags 1,000.", "help.aliyun.com, api-vpcpeer-2022-01-01-quota", "", "TestPublishedRatesThrottle"},
	{"A read may lag behind writes by some seconds.", "terraform-provider-alicloud pull request 9889: a cross-region acceptor is seen up to 10 s late", "", "TestFaultsHitCalls/a lagging read sees the past, a write and the next read do not"},
	{"A call may be carried out and yet be answered with an error, or not at all.", "terraform-provider-alicloud issues 537, 654, 10208: a retry that was given up still had made the route", "", "TestFaultsHitCalls/a misleading answer comes from a call that was carried out"},
}
