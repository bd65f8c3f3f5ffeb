package intake_test

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// batch asks for a batch.
func (h *house) batch(query, body string) intake.BatchAnswer {
	h.t.Helper()
	a := h.do("POST", "/connections"+query, body)
	require.Equal(h.t, http.StatusMultiStatus, a.status, a.body)
	var b intake.BatchAnswer
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &b))
	return b
}

func statuses(b intake.BatchAnswer) []int {
	var out []int
	for _, r := range b.Results {
		out = append(out, r.Status)
	}
	return out
}

const (
	sides = `{"regionId": "cn-qingdao", "vpcId": "vpc-1"}, {"regionId": "cn-beijing", "vpcId": "vpc-2"}, {"regionId": "cn-beijing", "vpcId": "vpc-3"}`
	mesh  = `{"mesh": [` + sides + `], "each": {"type": "ExpressConnect", "onFailure": "keep"}}`
	star  = `{"hub": {"regionId": "cn-qingdao", "vpcId": "vpc-1"}, "spokes": [{"regionId": "cn-beijing", "vpcId": "vpc-2"}, {"regionId": "cn-beijing", "vpcId": "vpc-3"}]}`
)

func TestABatchIsSpelledOutAndAnsweredOneByOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		n    int
	}{
		"a list":               {`{"connections": [` + tutorial + `, ` + other + `]}`, 2},
		"a mesh":               {mesh, 3},
		"a hub and its spokes": {star, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			b := h.batch("", c.body)
			require.Len(t, b.Results, c.n)
			for _, r := range b.Results {
				require.Equal(t, http.StatusAccepted, r.Status, r)
				require.Equal(t, interconnect.StatePending, r.Connection.State)
				require.Contains(t, h.records, r.ID)
			}
			require.Len(t, h.records, c.n)
			require.Len(t, h.sent, c.n)
			for _, status := range statuses(h.batch("", c.body)) {
				require.Equal(t, http.StatusOK, status, "again it changes nothing")
			}
			require.Len(t, h.records, c.n)
		})
	}
}

func TestABatchAsksTheCloudEachQuestionOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.batch("", mesh)
	for _, call := range h.calls {
		n := 0
		for _, other := range h.calls {
			if call == other {
				n++
			}
		}
		require.Equal(t, 1, n, call)
	}
}

func TestABatchOfWhichOneIsRefusedWritesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.batch("", `{"connections": [`+tutorial+`, `+strings.Replace(other, "vpc-3", "vpc-9", 1)+`]}`)
	require.Equal(t, []int{http.StatusFailedDependency, http.StatusUnprocessableEntity}, statuses(b))
	require.Equal(t, "/connections/1/acceptor/vpcId", *b.Results[1].Problem.Field)
	require.Contains(t, b.Results[0].Problem.Detail, "nothing was written")
	require.Empty(t, h.records)

	b = h.batch("", `{"mesh": [`+sides+`, {"regionId": "cn-x", "vpcId": "vpc-9"}]}`)
	require.Equal(t, "/mesh/3/vpcId", *b.Results[2].Problem.Field)
	b = h.batch("", strings.Replace(star, `{"hub"`, `{"each": {"repair": "maybe"}, "hub"`, 1))
	require.Equal(t, "/each/repair", *b.Results[0].Problem.Field)
	require.Empty(t, h.records)
}

func TestConnectionsOfABatchAreCheckedAgainstEachOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.vpcs["cn-beijing/vpc-3"].CidrBlock = netip.MustParsePrefix("172.16.0.0/12") // overlaps vpc-2's
	b := h.batch("", star)
	require.Equal(t, []int{http.StatusConflict, http.StatusConflict}, statuses(b))
	require.Equal(t, "/spokes/0/cidrBlocks", *b.Results[0].Problem.Field)
	require.Contains(t, b.Results[0].Problem.Detail, "vpc-1 cannot route to both")
	require.Empty(t, h.records)
	plans := h.batch("?dryRun=true", star)
	require.Equal(t, "refuse", plans.Results[0].Plan.Would)
	require.Contains(t, plans.Results[0].Plan.Conflicts[0].Sentence, "cannot route to both")

	h = newHouse(t)
	b = h.batch("", `{"connections": [`+tutorial+`, `+strings.Replace(turned, `"a"`, `"b"`, 1)+`]}`)
	require.Equal(t, []int{http.StatusConflict, http.StatusConflict}, statuses(b), "one pair, two ids")
	b = h.batch("", `{"connections": [`+tutorial+`, `+strings.Replace(other, `"b"`, `"a"`, 1)+`]}`)
	require.Equal(t, []int{http.StatusConflict, http.StatusConflict}, statuses(b), "one id, two pairs")
	require.Empty(t, h.records)
}

func TestABatchsPlanIsAgreedToByItsHash(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	plans := h.batch("?dryRun=true", mesh)
	require.Empty(t, h.records)
	require.Len(t, plans.Results, 3)
	require.Equal(t, "create", plans.Results[0].Plan.Would)
	with := strings.Replace(mesh, `{"mesh"`, `{"planHash": "`+plans.PlanHash+`", "mesh"`, 1)
	h.vpcs["cn-beijing/vpc-3"].SecondaryBlocks = []netip.Prefix{netip.MustParsePrefix("11.0.0.0/16")}
	a := h.do("POST", "/connections", with)
	require.Equal(t, http.StatusConflict, a.status)
	require.True(t, slices.ContainsFunc(a.problem.Difference, func(d interconnect.Difference) bool { return slices.Contains(d.Added, "11.0.0.0/16") }), a.body)
	h.vpcs["cn-beijing/vpc-3"].SecondaryBlocks = nil
	require.Equal(t, []int{202, 202, 202}, statuses(h.batch("", with)))
}

func TestABatchOfNoFormIsRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	many := strings.Repeat(tutorial+",", 101)
	for body, field := range map[string]string{
		`{"connections": []}`: "/connections", `{"mesh": [{"regionId": "cn-qingdao", "vpcId": "vpc-1"}]}`: "/mesh", `{"spokes": []}`: "/hub", `{"hub": {"regionId": "a", "vpcId": "b"}}`: "/spokes",
		`{"mesh": [], "connections": []}`: "", `{"each": {}}`: "", `{"connections": [], "each": {}}`: "/each", `{"connections": [` + strings.TrimSuffix(many, ",") + `]}`: "",
		`{"connections": [{"mesh": []}]}`: "/connections/0/mesh", `{"mesh": {}}`: "/mesh",
	} {
		a := h.do("POST", "/connections", body)
		require.Equal(t, http.StatusBadRequest, a.status, body)
		require.Equal(t, field, *a.problem.Field, body)
	}
}

func TestAFailureOfOneWriteIsAnsweredForThatOneAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.beforePut = func() {
		h.fail["PutRequest"], h.hiccups["PutRequest"] = &interconnect.CloudError{Class: interconnect.Denied, Action: "CreateParameter"}, 1
	}
	b := h.batch("", `{"connections": [`+tutorial+`, `+other+`]}`)
	require.ElementsMatch(t, []int{http.StatusBadGateway, http.StatusAccepted}, statuses(b))
	require.Len(t, h.records, 1)
}

func TestThePolicyRefusesByRuleAndSaysWhoCanChangeIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.vpcs["cn-qingdao/vpc-1"].Tags = map[string]string{"env": "production"}
	p, err := policy.Parse([]byte(`{"owner": "the network team", "rules": [
	  {"name": "production-stays-apart", "effect": "forbid", "between": [{"tags": {"env": "production"}}, {"vpc": "vpc-2"}]},
	  {"name": "databases", "effect": "forbid", "open": [{"protocol": "TCP", "portRange": "5432/5432"}]},
	  {"name": "two-persons", "effect": "approve", "between": [{"vpc": "vpc-3"}], "approvers": ["security"]}]}`))
	require.NoError(t, err)
	h.Policy = *p

	a := h.do("POST", "/connections", opening)
	require.Equal(t, http.StatusForbidden, a.status)
	require.Equal(t, "production-stays-apart", a.problem.Policy[0].Rule)
	require.Equal(t, "the network team", a.problem.Policy[0].Owner)
	require.Equal(t, "/acceptor/securityGroups", *a.problem.Field)
	require.Empty(t, h.records)
	plan := h.plan(opening)
	require.Equal(t, policy.Refused, plan.Policy.Decision)
	require.Equal(t, http.StatusForbidden, plan.Status)
	require.Len(t, plan.Policy.Findings, 2)

	a = h.do("POST", "/connections", other)
	require.Equal(t, http.StatusForbidden, a.status)
	require.Contains(t, a.problem.Detail, "one of security has to post it")
	h.Tokens[0].Name = "security"
	onBehalf := strings.Replace(other, `"id"`, `"requestedBy": "ann@example.com", "id"`, 1)
	a = h.do("POST", "/connections", onBehalf)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, "security for ann@example.com", a.RequestedBy)
	require.Equal(t, "security", a.ApprovedBy)
	require.Equal(t, "security", h.records["b"].Wanted.ApprovedBy)
	require.Equal(t, "/requestedBy", *h.do("POST", "/connections", strings.Replace(other, `"id"`, `"requestedBy": "<b>", "id"`, 1)).problem.Field)
	h.Tokens[0].Name = "someone"
	require.Equal(t, http.StatusOK, h.do("POST", "/connections", other).status, "that it is wanted was approved")
	require.Equal(t, http.StatusForbidden, h.do("POST", "/connections", strings.Replace(other, `"id"`, `"repair": "auto", "id"`, 1)).status, "a change is not")

	p, err = policy.Parse([]byte(`{"rules": [{"name": "theirs", "effect": "allow", "tokens": ["payments-*"]}]}`))
	require.NoError(t, err)
	h.Policy = *p
	require.Equal(t, http.StatusForbidden, h.do("DELETE", "/connections/b", "").status)
	h.Tokens[0].Name = "payments-ci"
	require.Equal(t, http.StatusAccepted, h.do("DELETE", "/connections/b", "").status)
}
