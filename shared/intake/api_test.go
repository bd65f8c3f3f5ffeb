package intake_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

const (
	tutorial = `{"id": "a", "type": "ExpressConnect", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2"}}`
	turned   = `{"id": "a", "type": "ExpressConnect", "initiator": {"regionId": "cn-beijing", "vpcId": "vpc-2"}, "acceptor": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}}`
	nameless = `{"type": "ExpressConnect", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2"}}`
	changed  = `{"id": "a", "type": "ExpressConnect", "specification": "Large.1", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2"}}`
	narrower = `{"id": "a", "type": "ExpressConnect", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2", "cidrBlocks": ["172.16.0.0/24"]}}`
	other    = `{"id": "b", "type": "ExpressConnect", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-3"}}`
	probing  = `{"id": "a", "type": "ExpressConnect", "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1", "probe": {"instanceId": "i-1"}, "securityGroups": [{"securityGroupId": "sg-1"}]}, "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2"}}`
)

func TestARequestIsRecordedResolvedAndTheFirstMessageSent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	require.Equal(t, "/connections/a", a.header.Get("Location"))
	require.Equal(t, "a", a.ID)
	require.Equal(t, 1, a.Generation)
	require.Equal(t, interconnect.StatePending, a.State)
	require.Len(t, a.Steps, 4)
	require.Equal(t, interconnect.Progress("pending"), a.Steps[0].Progress)
	require.Equal(t, "someone", a.RequestedBy)
	require.Equal(t, []string{"172.16.0.0/16"}, a.Request.Acceptor.CidrBlocks)
	require.Len(t, a.Warnings, 2, "no security group on either side")

	require.Equal(t, []string{"peering"}, h.sentQueues)
	require.Equal(t, chain.Message{Schema: 1, ConnectionID: "a", Generation: 1, Action: interconnect.Connect, Trace: "trace-1"}, h.sent[0])
	require.Equal(t, "vrt-2", h.records["a"].Wanted.Connection.Acceptor.VRouterID)
	require.Equal(t, "someone", h.records["a"].Wanted.By)
	require.NotContains(t, h.log.String(), token)
}

func TestTheSameRequestChangesNothingAndSendsAgainUntilItHasEnded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, 1, a.Generation)
	require.Len(t, h.sent, 2)
	require.NotEqual(t, h.sent[0].Trace, h.sent[1].Trace, "a new run of the chain")

	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	a = h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, interconnect.StateConnected, a.State)
	require.Len(t, h.sent, 2)

	// What an answer shows as the request can be posted back.
	shown := `{"id":"a","type":"ExpressConnect","specification":"Mini.2","onFailure":"rollback","repair":"report",
	 "initiator":{"account":"1234","regionId":"cn-qingdao","vpcId":"vpc-1","cidrBlocks":["192.168.0.0/16"],"routeTableIds":["vtb-1"]},
	 "acceptor":{"account":"1234","regionId":"cn-beijing","vpcId":"vpc-2","cidrBlocks":["172.16.0.0/16"],"routeTableIds":["vtb-2"]}}`
	require.Equal(t, http.StatusOK, h.do("POST", "/connections", shown).status)
	require.Equal(t, 1, h.records["a"].Generation)
}

func TestAChangedRequestIsANewGeneration(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	a := h.do("POST", "/connections", changed)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 2, a.Generation)
	require.Equal(t, interconnect.StatePending, a.State)
	require.Empty(t, h.records["a"].Wanted.Former, "nothing to take away")

	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	a = h.do("POST", "/connections", narrower)
	require.Equal(t, 3, a.Generation)
	require.Equal(t, []interconnect.Place{{Role: interconnect.Initiator, Table: "vtb-1"}}, h.records["a"].Wanted.Former)
	require.False(t, h.records["a"].Wanted.Overtook, "the one before has ended, and removed nothing")
	require.Equal(t, 3, h.sent[len(h.sent)-1].Generation)
	require.Equal(t, interconnect.Connect, h.sent[len(h.sent)-1].Action)
}

func TestAfterAFailureTheSameRequestIsANewAttempt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", strings.Replace(tutorial, `"id"`, `"onFailure": "keep", "id"`, 1))
	h.step("a", interconnect.Peering, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Failed, Problem: &interconnect.Problem{Sentence: "It is full.", RequestID: "req-1"}})
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateFailed, a.State)
	require.Equal(t, "Step peering: It is full.", a.Why)
	require.Equal(t, "req-1", a.Steps[0].Problem.RequestID)

	a = h.do("POST", "/connections", strings.Replace(tutorial, `"id"`, `"onFailure": "keep", "id"`, 1))
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 2, a.Generation)
}

func TestTheSidesTurnedRoundAreTheSameConnection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	a := h.do("POST", "/connections", turned)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "vpc-1", a.Request.Initiator.VpcID)
	require.Contains(t, a.Warnings[len(a.Warnings)-1].Sentence, "vpc-1 as its initiator")
}

func TestARequestWithoutAnIDIsAboutThePairsConnection(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.do("POST", "/connections", nameless)
	require.True(t, strings.HasPrefix(first.ID, "pair-"))
	require.Equal(t, http.StatusOK, h.do("POST", "/connections", nameless).status)

	h = newHouse(t)
	h.do("POST", "/connections", tutorial)
	a := h.do("POST", "/connections", nameless)
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "a", a.ID)
}

func TestOnePairHasOneConnectionAndOneIDOnePair(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.do("POST", "/connections", other)
	require.Len(t, h.records, 2)

	second := h.do("POST", "/connections", strings.Replace(turned, `"a"`, `"c"`, 1))
	require.Equal(t, http.StatusConflict, second.status)
	require.Equal(t, "/id", *second.problem.Field)
	require.Contains(t, second.problem.Detail, "the connection a already")

	moved := h.do("POST", "/connections", strings.Replace(other, `"b"`, `"a"`, 1))
	require.Equal(t, http.StatusConflict, moved.status)
	require.Contains(t, moved.problem.Detail, "vpc-1 and vpc-2")
	require.Len(t, h.sent, 2)

	// Once it is Disconnected both the pair and the id are free.
	h.do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusConflict, h.do("POST", "/connections", strings.Replace(tutorial, `"a"`, `"c"`, 1)).status)
	h.end("a", interconnect.Prune, interconnect.VerdictIsolated)
	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", strings.Replace(tutorial, `"a"`, `"c"`, 1)).status)
	require.Equal(t, http.StatusConflict, h.do("POST", "/connections", tutorial).status)
}

func TestADisconnectIsRecordedAndPruned(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)

	a := h.do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 2, a.Generation)
	require.Equal(t, interconnect.StateDisconnecting, a.State)
	require.Equal(t, "security-groups", h.sentQueues[1])
	require.Equal(t, interconnect.Prune, h.sent[1].Action)
	require.NotNil(t, h.records["a"].Wanted.Connection, "prune has to know where to look")

	a = h.do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 2, a.Generation)
	require.Len(t, h.sent, 3)

	h.end("a", interconnect.Prune, interconnect.VerdictIsolated)
	a = h.do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, interconnect.StateDisconnected, a.State)
	require.Len(t, h.sent, 3)

	require.Equal(t, http.StatusNotFound, h.do("DELETE", "/connections/nobody", "").status)
}

func TestWhatWasConnectedBeforeADisconnectIsNothingToRollBackTo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	require.NotNil(t, h.records["a"].LastConnected)
	h.do("DELETE", "/connections/a", "")
	h.end("a", interconnect.Prune, interconnect.VerdictIsolated)

	a := h.do("POST", "/connections", narrower)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, 3, a.Generation)
	require.Nil(t, h.records["a"].LastConnected)
	require.Empty(t, h.records["a"].Wanted.Former)
}

func TestEachRefusalNamesItsFieldAndWritesNothing(t *testing.T) {
	t.Parallel()
	replace := func(from, to string) string { return strings.Replace(tutorial, from, to, 1) }
	for name, c := range map[string]struct {
		body   string
		status int
		field  string
		says   string
	}{
		"an unknown VPC":            {replace("vpc-2", "vpc-9"), 422, "/acceptor/vpcId", "no VPC vpc-9"},
		"a VPC of the wrong region": {replace("cn-qingdao", "cn-beijing"), 422, "/initiator/vpcId", "its region"},
		"a bad specification":       {replace(`"id"`, `"specification": "Mini.3", "id"`), 400, "/specification", "Mini.2"},
		"an id of 300 characters":   {replace(`"a"`, `"`+strings.Repeat("a", 300)+`"`), 400, "/id", "1 to 48"},
		"a port range for ICMP": {replace(`"vpc-2"`, `"vpc-2", "securityGroups": [{"securityGroupId": "sg-2", "allow": [{"protocol": "ICMP", "portRange": "1/2"}]}]`),
			400, "/acceptor/securityGroups/0/allow/0/portRange", "no ports"},
		"an unknown field":            {replace(`"id"`, `"ID"`), 400, "/ID", "no such field"},
		"a body that is not JSON":     {"hello", 400, "", "not one JSON value"},
		"a body of 2 MB":              {`{"id": "` + strings.Repeat("a", 2<<20) + `"}`, 413, "", "larger than 65536 bytes"},
		"a record that is too long":   {replace(`"vpc-2"`, `"vpc-2", "securityGroups": [{"securityGroupId": "sg-2", "allow": [`+manyPorts(200)+`]}]`), 422, "/acceptor/securityGroups", "shorten"},
		"a block of the other side's": {replace(`"vpc-2"`, `"vpc-2", "cidrBlocks": ["192.168.0.0/24"]`), 422, "/acceptor/cidrBlocks/0", "not inside the VPC"},
		"a route table of a gateway":  {replace(`"vpc-2"`, `"vpc-2", "routeTableIds": ["vtb-gw"]`), 422, "/acceptor/routeTableIds/0", "serves no vSwitch"},
		"a type that there is not":    {replace(`"ExpressConnect"`, `"Carrier"`), 400, "/type", "not a connection type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			a := h.do("POST", "/connections", c.body)
			require.Equal(t, c.status, a.status, a.body)
			require.NotNil(t, a.problem.Field)
			require.Equal(t, c.field, *a.problem.Field)
			require.Equal(t, c.field, a.problem.Errors[0].Field)
			require.Contains(t, a.problem.Detail, c.says)
			require.Empty(t, h.records)
			require.Empty(t, h.sent)
		})
	}
}

func manyPorts(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"protocol": "TCP", "portRange": "%d/%d"}`, i+1, i+1))
	}
	return strings.Join(list, ",")
}

func TestOverlappingVPCsAreRefusedByName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.vpcs["cn-beijing/vpc-2"].CidrBlock = h.vpcs["cn-qingdao/vpc-1"].CidrBlock
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, 422, a.status)
	require.Equal(t, "/acceptor/cidrBlocks", *a.problem.Field)
	require.Contains(t, a.problem.Detail, "share addresses")
	require.Contains(t, a.problem.Detail, "And 2 more")
	require.Len(t, a.problem.Errors, 3, "and neither's route could be made")
}

func TestTheCloudsAnswerIsNamedWhereItDecided(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.do("POST", "/connections", strings.Replace(tutorial, "vpc-2", "vpc-9", 1))
	require.Equal(t, "req-vpc", a.problem.RequestID)
	require.Equal(t, "req-vpc", a.problem.Errors[0].RequestID)
}

func TestACallThatFailsIsAnsweredByItsClass(t *testing.T) {
	t.Parallel()
	cloudError := func(class interconnect.Class, code string) error {
		return &interconnect.CloudError{Class: class, Action: "Describe", Code: code, Message: "as it is", RequestID: "req-5"}
	}
	for name, c := range map[string]struct {
		method string
		err    error
		status int
		field  string
		retry  string
	}{
		"throttled":                 {"VSwitches cn-beijing", cloudError(interconnect.Throttled, "Throttling.User"), 503, "/acceptor/vpcId", "10"},
		"not answering":             {"RouteEntries cn-qingdao", cloudError(interconnect.Transient, ""), 503, "/initiator/routeTableIds", "5"},
		"denied":                    {"AccountID", cloudError(interconnect.Denied, "NoPermission"), 502, "", ""},
		"refused":                   {"RouterInterfaces", cloudError(interconnect.Permanent, "Odd"), 502, "/initiator/vpcId", ""},
		"a region that is none":     {"VPC cn-beijing", cloudError(interconnect.Gone, "InvalidRegionId.NotFound"), 422, "/acceptor/regionId", ""},
		"out of time":               {"VPC cn-beijing", context.DeadlineExceeded, 503, "", "5"},
		"a record that is spoilt":   {"Get", errors.New("the entry /vi/a/request cannot be understood"), 500, "", ""},
		"records that cannot be":    {"PutRequest", cloudError(interconnect.Denied, "NoPermission"), 502, "", ""},
		"records that are not read": {"Get", cloudError(interconnect.Transient, ""), 503, "", "5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.fail[c.method] = c.err
			a := h.do("POST", "/connections", tutorial)
			require.Equal(t, c.status, a.status, a.body)
			require.Equal(t, c.retry, a.header.Get("Retry-After"))
			if c.field != "" {
				require.Equal(t, c.field, *a.problem.Field)
			}
			if interconnect.ClassOf(c.err) != "" {
				require.Equal(t, "req-5", a.problem.RequestID)
			}
			require.Empty(t, h.sent)
		})
	}
}

func TestWhatMayPassIsTriedAgainWhileTheCallerWaits(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"AccountID", "VPC cn-beijing", "VSwitches", "RouteEntries cn-qingdao", "InstancesByID", "Get", "PutRequest"} {
		for _, class := range []interconnect.Class{interconnect.Transient, interconnect.Throttled, interconnect.Busy} {
			h := newHouse(t)
			h.fail[method], h.hiccups[method] = &interconnect.CloudError{Class: class, Action: "Describe", RequestID: "req-5"}, 2
			require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", probing).status, method)
			require.Len(t, h.sent, 1)
		}
	}
}

func TestNobodyWaitsForACallThatIsGivenUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.Pause = nil // real pauses, and a context that has ended
	h.fail["Get"] = &interconnect.CloudError{Class: interconnect.Transient, Action: "GetParametersByPath"}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	began := time.Now()
	_, err := h.Disconnect(ctx, "a", intake.Asker{Token: "someone"})
	require.Error(t, err)
	require.Less(t, time.Since(began), 150*time.Millisecond)
}

func TestAMessageThatCannotBeSentCostsTimeOnly(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fail["Send"] = errors.New("no queue")
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Contains(t, a.Warnings[len(a.Warnings)-1].Sentence, "the sweep")
	require.Len(t, h.records, 1)
}

func TestAMessageThatCannotBeSentAtOnceIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.fail["Send"], h.hiccups["Send"] = errors.New("the queue is throttled"), 2
	a := h.do("POST", "/connections", tutorial)
	require.Equal(t, http.StatusAccepted, a.status)
	require.NotContains(t, a.body, "the sweep")
	require.Len(t, h.sent, 1)
}

func TestRecordsThatSomebodySpoiltDoNotKeepOthersOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", other)
	h.fail["List"] = errors.New("the entry /vi/x/request cannot be understood")
	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", tutorial).status)
	list := h.do("GET", "/connections", "")
	require.Equal(t, 200, list.status)
	require.Contains(t, list.body, "cannot be understood")
}

func TestConnectionsAreListedByID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.JSONEq(t, `{"connections": []}`, h.do("GET", "/connections", "").body)
	h.do("POST", "/connections", other)
	h.do("POST", "/connections", tutorial)
	body := h.do("GET", "/connections", "").body
	require.Less(t, strings.Index(body, `"id": "a"`), strings.Index(body, `"id": "b"`))
}

func TestAnAnswerSaysWhereItStandsAndWhy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.step("a", interconnect.Peering, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Done, Took: 1500 * time.Millisecond, Resources: []string{"ri-1", "ri-2"}})
	h.step("a", interconnect.Routes, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Waiting, Note: "the VPC's tables"})
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateConnecting, a.State)
	require.False(t, a.Ended)
	require.Equal(t, int64(1500), a.Steps[0].TookMs)
	require.Equal(t, []string{"ri-1", "ri-2"}, a.Steps[0].Resources)
	require.Equal(t, "the VPC's tables", a.Steps[1].Note)
	require.Nil(t, a.Verdict)
	require.Empty(t, a.Why)

	h.records["a"].Sweep = interconnect.SweepStatus{Generation: 1, Sends: 5, Done: 1, SentAt: h.time}
	h.time = h.time.Add(3 * time.Minute)
	a = h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateNeedsAttention, a.State)
	require.Contains(t, a.Why, "Step routes")
	require.Contains(t, a.Why, "the VPC's tables")

	h.end("a", interconnect.Connect, interconnect.VerdictBlocked)
	a = h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateBlocked, a.State)
	require.True(t, a.Ended)
	require.Equal(t, "the verdict's reason", a.Why)
	require.Equal(t, interconnect.VerdictBlocked, a.Verdict.Outcome)

	h.do("DELETE", "/connections/a", "")
	h.step("a", interconnect.Routes, interconnect.StepStatus{Action: interconnect.Prune, Progress: interconnect.Done, Leftovers: []interconnect.Problem{{Sentence: "The route stays.", Resource: "rte-1"}}})
	a = h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateNeedsAttention, a.State)
	require.Equal(t, "rte-1", a.Leftovers[0].Resource)
	require.Contains(t, a.Why, "The route stays.")
	require.Nil(t, a.Verdict, "the verdict was the former generation's")
}
