package alicloud

import (
	"path"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// rule gives the class of errors: of the actions and codes named, each a list
// of patterns (* stands for anything), without regard to case. The cloud
// itself spells one code in several ways.
type rule struct {
	actions string
	codes   string
	class   interconnect.Class
}

const (
	writesInterface = "ConnectRouterInterface ActivateRouterInterface DeactivateRouterInterface ModifyRouterInterface*"
	writesRoutes    = "CreateRouteEntr* DeleteRouteEntr* ModifyRouteEntry"
)

// rules is the table of error classes; the first that matches counts. The
// codes are those of the published error tables and those that other tools
// have learnt to retry; misspelt ones are the cloud's.
var rules = []rule{
	// Called too often. The HTTP status of these varies.
	{"*", "*Throttling* *FlowControl* Rejected.*", interconnect.Throttled},

	// Cured by calling again: a new signature, new credentials, another server.
	{"*", "ServiceUnavailable* InternalError* UnknownError SignatureNonceUsed InvalidTimeStamp.Expired IllegalTimestamp InvalidSecurityToken.Expired", interconnect.Transient},
	{"Authorize* Revoke*", "InvalidGressFlow.Malformed", interconnect.Transient},

	// Another task runs there. A request with this token still runs, too.
	{"*", "TaskConflict OperationConflict* Conflict.Operation Operation.Blocking SystemBusy *TokenProcessing OperationFailed.DistibuteLock OperationFailed.DistributeLock", interconnect.Busy},
	{"*", "IncorrectStatus.* IncorrectRouteEntryStatus IncorrcetRouteEntryStatus IncorrectVpcStatus IncorrectVSwitchStatus IncorrectHaVipStatus IncorrectInstanceStatus InvalidVBRStatus", interconnect.Busy},
	{"*", "*TASK_CONFLICT* *_STATUS_ERROR", interconnect.Busy},
	// The wrong state for this call: look again, and decide from the state.
	{"ConnectRouterInterface", "IncorrectOppositeInterfaceInfo.NotSet", interconnect.Busy},
	{writesInterface, "IncorrectStatus IncorrectRIStatus InvalidInstance.StatusError InvalidParam.ModifyRouterInterface", interconnect.Busy},
	{"DeleteRouterInterface", "IncorrectStatus IncorrectRIStatus InvalidInstance.StatusError DependencyViolation* ReferredByRouteEntry.* OperationFailed.OperationLocked", interconnect.Busy},
	{"DeleteVpcPeerConnection", "OperationDenied.RouteEntryExist", interconnect.Busy},
	{"DeleteRouteEntr*", "Forbbiden IncorrectStatus", interconnect.Busy},
	{"CreateRouteEntr* ModifyRouteEntry", "IncorrectStatus", interconnect.Busy},

	// These look like a thing that is gone, and are not.
	{"*", "InvalidAccessKeyId*", interconnect.Denied},
	{"*", "InvalidRegionId* InvalidAction* InvalidVersion* InvalidApi* InvalidPrice* InvalidCmdType* InvalidFilterKey* InvalidProduct*", interconnect.Permanent},
	{"RunCommand", "InstanceIds.ExceedLimit Username.ExceedLimit", interconnect.Permanent},
	// A prepaid interface cannot be deleted. Its HTTP status is 500.
	{"DeleteRouterInterface", "InvalidRouterInterfaceChargeType.*", interconnect.Permanent},

	// Not there.
	{"*", "*NotFound* *NotExist* *NOT_EXIST*", interconnect.Gone},
	{"Revoke*", "InvalidParam.SecurityGroupRuleId", interconnect.Gone},

	// There already. A token used before with other parameters made a thing,
	// so that counts as well.
	{"*", "*Duplicat* *AlreadyExist* *_EXIST *Idempoten*Mismatch", interconnect.Exists},
	{"ConnectRouterInterface", "Forbidden.OnlyOneConnection", interconnect.Exists},

	// A limit of the account.
	{"*", "*QuotaExceed* *LimitExceed* *ExceedLimit* *ExceedQuota* *Quota*Exceed* *QUOTA*", interconnect.Quota},

	// No permission helps against unpaid bills.
	{"*", "Forbidden.Financ* Forbidden.BillsOutstanding", interconnect.Permanent},
	{"*", "Forbidden* NoPermission* *.NoPermission* CROSS_BID.FORBIDDEN InvalidSecurityToken* *.AccessDenied AccessDenied*", interconnect.Denied},
	{writesInterface + " DeleteRouterInterface", "Forbbiden*", interconnect.Denied},
	// What an account answers that may not buy Express Connect between VPCs.
	{"CreateRouterInterface", "OperationDenied*", interconnect.Denied},
}

// Classify returns the class of an error: by the table, else transient from
// HTTP 500 on, else permanent.
func Classify(action, code string, status int) interconnect.Class {
	for _, r := range rules {
		if matches(r.actions, action) && matches(r.codes, code) {
			return r.class
		}
	}
	if status >= 500 {
		return interconnect.Transient
	}
	return interconnect.Permanent
}

func matches(patterns, s string) bool {
	s = strings.ToLower(s)
	for p := range strings.FieldsSeq(patterns) {
		if ok, _ := path.Match(strings.ToLower(p), s); ok {
			return true
		}
	}
	return false
}
