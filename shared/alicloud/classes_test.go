package alicloud_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
)

func TestErrorsHaveClasses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action, code string
		status       int
		want         interconnect.Class
	}{
		"throttling of a user":                                    {"DescribeVpcAttribute", "Throttling.User", 400, interconnect.Throttled},
		"throttling of an API":                                    {"RunCommand", "Throttling.Api", 400, interconnect.Throttled},
		"throttling in an operation":                              {"CreateVpcPeerConnection", "OperationFailed.Throttling", 503, interconnect.Throttled},
		"a rejection is throttling":                               {"CreateRouteEntries", "Rejected.Throttling", 403, interconnect.Throttled},
		"a service that is not available":                         {"DescribeInstances", "ServiceUnavailable", 503, interconnect.Transient},
		"an internal error that says 400":                         {"DescribeInstances", "InternalError", 400, interconnect.Transient},
		"a dispatch that failed":                                  {"RunCommand", "InternalError.Dispatch", 500, interconnect.Transient},
		"an unknown error":                                        {"CreateRouteEntries", "UnknownError", 400, interconnect.Transient},
		"a nonce used before is cured by another":                 {"DescribeInstances", "SignatureNonceUsed", 400, interconnect.Transient},
		"a token that expired is replaced at the next invocation": {"DescribeInstances", "InvalidSecurityToken.Expired", 400, interconnect.Transient},
		"a flow that is malformed asks to call again":             {"AuthorizeSecurityGroup", "InvalidGressFlow.Malformed", 500, interconnect.Transient},
		"an unknown code from a server's error":                   {"CreateRouteEntries", "Whatever", 500, interconnect.Transient},

		"another task on the VPC":                                {"CreateRouteEntries", "TaskConflict", 400, interconnect.Busy},
		"an operation in conflict":                               {"DeleteRouterInterface", "OperationConflict", 409, interconnect.Busy},
		"a peering connection with routes":                       {"DeleteVpcPeerConnection", "OperationDenied.RouteEntryExist", 400, interconnect.Busy},
		"a peering connection in the wrong status":               {"DeleteVpcPeerConnection", "IncorrectStatus.VpcPeer", 400, interconnect.Busy},
		"a peering connection that is there":                     {"CreateVpcPeerConnection", "ResourceAlreadyExist.VpcPeer", 400, interconnect.Exists},
		"a peering connection that is not":                       {"DeleteVpcPeerConnection", "ResourceNotFound.InstanceId", 400, interconnect.Gone},
		"too many peering connections of a VPC":                  {"CreateVpcPeerConnection", "QuotaExceeded.IntraRegionVpcPeerCountPerVpc", 400, interconnect.Quota},
		"a peering connection that is locked":                    {"CreateVpcPeerConnection", "IncorrectBusinessStatus.VpcPeer", 400, interconnect.Permanent},
		"data transfer that is not activated":                    {"CreateVpcPeerConnection", "OperationFailed.CdtNotOpened", 400, interconnect.Permanent},
		"a region without peering":                               {"CreateVpcPeerConnection", "UnsupportedRegion", 400, interconnect.Permanent},
		"no permission for peering":                              {"CreateVpcPeerConnection", "Forbidden.NoPermission", 400, interconnect.Denied},
		"a peering operation in conflict":                        {"CreateVpcPeerConnection", "Conflict.Operation", 400, interconnect.Busy},
		"an operation that blocks":                               {"AttachCenChildInstance", "Operation.Blocking", 400, interconnect.Busy},
		"the last token is in work":                              {"CreateRouterInterface", "LastTokenProcessing", 400, interconnect.Busy},
		"an idempotent token is in work":                         {"CreateRouterInterface", "OperationFailed.IdempotentTokenProcessing", 400, interconnect.Busy},
		"a lock, misspelt":                                       {"CreateRouteEntries", "OperationFailed.DistibuteLock", 400, interconnect.Busy},
		"a system that is busy":                                  {"CreateRouteEntries", "SystemBusy", 400, interconnect.Busy},
		"a status with a suffix":                                 {"CreateRouteEntries", "IncorrectStatus.RouteTableStatus", 400, interconnect.Busy},
		"an entry in the wrong status":                           {"DeleteRouteEntries", "IncorrectRouteEntryStatus", 400, interconnect.Busy},
		"an entry in the wrong status, misspelt":                 {"DeleteRouteEntries", "IncorrcetRouteEntryStatus", 400, interconnect.Busy},
		"a VPC in the wrong status":                              {"CreateRouteEntries", "IncorrectVpcStatus", 400, interconnect.Busy},
		"the opposite side not seen yet":                         {"ConnectRouterInterface", "IncorrectOppositeInterfaceInfo.NotSet", 400, interconnect.Busy},
		"an interface that is not Idle":                          {"ConnectRouterInterface", "IncorrectRIStatus", 400, interconnect.Busy},
		"an interface that a twin connected meanwhile":           {"ModifyRouterInterfaceAttribute", "InvalidParam.ModifyRouterInterface", 400, interconnect.Busy},
		"an interface that is still Active":                      {"DeleteRouterInterface", "InvalidInstance.StatusError", 400, interconnect.Busy},
		"an interface that routes still point to":                {"DeleteRouterInterface", "DependencyViolation.RouterInterfaceReferedByRouteEntry", 400, interconnect.Busy},
		"an interface that routes still point to, by other name": {"DeleteRouterInterface", "ReferredByRouteEntry.RouterInterface", 400, interconnect.Busy},
		"a route that cannot be deleted just now":                {"DeleteRouteEntries", "Forbbiden", 400, interconnect.Busy},

		"a VPC that is not there":                      {"DescribeVpcAttribute", "InvalidVpcID.NotFound", 404, interconnect.Gone},
		"a VPC that is not there, spelt otherwise":     {"DescribeVpcAttribute", "InvalidVpcId.NotFound", 404, interconnect.Gone},
		"a VPC that one may not see is not there":      {"DescribeVpcAttribute", "Forbidden.VpcNotFound", 403, interconnect.Gone},
		"an interface that is not there":               {"DeleteRouterInterface", "InvalidInstanceId.NotFound", 404, interconnect.Gone},
		"a route that is not there":                    {"DeleteRouteEntries", "InvalidRouteEntry.NotFound", 404, interconnect.Gone},
		"a route of a batch that is not there":         {"DeleteRouteEntries", "VPC_ROUTER_ENTRY_NOT_EXIST", 400, interconnect.Gone},
		"a group that is not there":                    {"AuthorizeSecurityGroup", "InvalidSecurityGroupId.NotFound", 404, interconnect.Gone},
		"a rule that is not there":                     {"RevokeSecurityGroup", "InvalidParam.SecurityGroupRuleId", 400, interconnect.Gone},
		"a parameter that is not there":                {"GetParameter", "EntityNotExists.Parameter", 404, interconnect.Gone},
		"a peering connection that is not there":       {"DeleteVpcPeerConnection", "ResourceNotFound.InstanceId", 404, interconnect.Gone},
		"a region that is not there is a mistake":      {"DescribeVpcAttribute", "InvalidRegionId.NotFound", 404, interconnect.Permanent},
		"an action that is not there is a mistake":     {"DescribeVpcAttribute", "InvalidAction.NotFound", 404, interconnect.Permanent},
		"a price that is not there is final":           {"CreateRouterInterface", "InvalidPrice.NotFound", 400, interconnect.Permanent},
		"an access key that is not there is a refusal": {"DescribeVpcAttribute", "InvalidAccessKeyId.NotFound", 404, interconnect.Denied},

		"a route to that block":                           {"CreateRouteEntries", "RouterEntryConflict.Duplicated", 400, interconnect.Exists},
		"a route of a batch to that block":                {"CreateRouteEntries", "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", 400, interconnect.Exists},
		"a next hop that is there":                        {"CreateRouteEntry", "Duplicated.VpcNextHop", 400, interconnect.Exists},
		"a block that is there":                           {"CreateRouteEntry", "InvalidCIDRBlock.Duplicate", 400, interconnect.Exists},
		"a parameter that is there":                       {"CreateParameter", "EntityAlreadyExists.Parameter", 409, interconnect.Exists},
		"a token that was used with other parameters":     {"CreateRouterInterface", "IdempotentParameterMismatch", 400, interconnect.Exists},
		"a token that was used so, by other name":         {"CreateRouterInterface", "InvalidIdempotenceParameter.Mismatch", 400, interconnect.Exists},
		"a second pair between two routers":               {"ConnectRouterInterface", "Forbidden.OnlyOneConnection", 400, interconnect.Exists},
		"a group of another VPC is no mismatch of tokens": {"AuthorizeSecurityGroup", "InvalidSourceGroupId.Mismatch", 400, interconnect.Permanent},
		"a route table that is full":                      {"CreateRouteEntries", "QuotaExceeded.RouteEntry", 400, interconnect.Quota},
		"a group that is full":                            {"AuthorizeSecurityGroup", "AuthorizationLimitExceed", 403, interconnect.Quota},
		"too many commands":                               {"RunCommand", "CmdCount.ExceedQuota", 403, interconnect.Quota},
		"too many instances in a command is our mistake":  {"RunCommand", "InstanceIds.ExceedLimit", 400, interconnect.Permanent},
		"a role without permission":                       {"CreateRouterInterface", "Forbidden.RAM", 403, interconnect.Denied},
		"a role without permission for peering":           {"CreateVpcPeerConnection", "Forbidden.NoPermission", 403, interconnect.Denied},
		"a role without permission, plainly":              {"CreateParameter", "NoPermission", 403, interconnect.Denied},
		"an account of another site":                      {"ConnectRouterInterface", "CROSS_BID.FORBIDDEN", 404, interconnect.Denied},
		"an interface of another owner, misspelt":         {"DeactivateRouterInterface", "Forbbiden.InvaildOwner", 400, interconnect.Denied},
		"an account that may not buy Express Connect":     {"CreateRouterInterface", "OperationDenied.NotForSale", 400, interconnect.Denied},
		"unpaid bills":                                    {"ConnectRouterInterface", "Forbidden.BillsOutstanding", 400, interconnect.Permanent},
		"an interface locked for unpaid bills":            {"ActivateRouterInterface", "Forbidden.FinancialLocked", 400, interconnect.Permanent},
		"an interface locked for unpaid bills, misspelt":  {"ActivateRouterInterface", "Forbidden.FinancileLocked", 400, interconnect.Permanent},
		"a block that overlaps":                           {"CreateRouteEntries", "InvalidCidrBlock.Overlapped", 400, interconnect.Permanent},
		"a protocol that does not go with the ports":      {"AuthorizeSecurityGroup", "OperationDenied", 400, interconnect.Permanent},
		"a group of a cloud product":                      {"AuthorizeSecurityGroup", "InvalidOperation.ResourceManagedByCloudProduct", 403, interconnect.Permanent},
		"an acceptor that is to connect":                  {"ConnectRouterInterface", "IncorrectRole.NotInitiatingSide", 400, interconnect.Permanent},
		"an interface on the same router":                 {"ConnectRouterInterface", "IncorrectOppositeInterfaceInfo", 400, interconnect.Permanent},
		"a prepaid interface, though it says 500":         {"DeleteRouterInterface", "InvalidRouterInterfaceChargeType.Malformed", 500, interconnect.Permanent},
		"a missing parameter":                             {"CreateRouteEntries", "MissingParameter", 400, interconnect.Permanent},
		"a code that nobody knows":                        {"CreateRouteEntries", "Whatever", 400, interconnect.Permanent},
		"no code at all":                                  {"CreateRouteEntries", "", 400, interconnect.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, alicloud.Classify(c.action, c.code, c.status))
		})
	}
}

func TestEveryErrorHasAClass(t *testing.T) {
	t.Parallel()
	classes := []interconnect.Class{
		interconnect.Busy, interconnect.Throttled, interconnect.Transient, interconnect.Gone, interconnect.Exists,
		interconnect.Denied, interconnect.Quota, interconnect.Permanent,
	}
	rapid.Check(t, func(t *rapid.T) {
		got := alicloud.Classify(rapid.String().Draw(t, "action"), rapid.String().Draw(t, "code"), rapid.IntRange(0, 999).Draw(t, "status"))
		if !slices.Contains(classes, got) {
			t.Fatalf("%q is no class", got)
		}
	})
}

func TestCaseOfACodeDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"taskconflict", "TASKCONFLICT", "TaskConflict"} {
		require.Equal(t, interconnect.Busy, alicloud.Classify("CreateRouteEntries", code, 400))
	}
}
