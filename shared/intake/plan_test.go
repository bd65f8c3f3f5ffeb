package intake_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

// opening is a request that opens PostgreSQL to the other side.
const opening = `{"id": "a", "type": "ExpressConnect",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-1", "securityGroups": [{"securityGroupId": "sg-1"}]},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2", "securityGroups": [{"securityGroupId": "sg-2", "allow": [{"protocol": "TCP", "portRange": "5432/5432"}]}]}}`

// plan makes a dry run.
func (h *house) plan(body string) *intake.Plan {
	h.t.Helper()
	puts, sent := len(h.records), len(h.sent)
	a := h.do("POST", "/connections?dryRun=true", body)
	require.Equal(h.t, http.StatusOK, a.status, a.body)
	require.Len(h.t, h.records, puts, "a dry run records nothing")
	require.Len(h.t, h.sent, sent, "a dry run sends nothing")
	var p intake.Plan
	require.NoError(h.t, json.Unmarshal([]byte(a.body), &p))
	return &p
}

// joined makes a connection's router interfaces, Active, as the peering step
// would have.
func (h *house) joined(name, specification string) {
	h.interfaces = map[string][]interconnect.RouterInterface{
		"vrt-1": {{ID: "ri-1", RegionID: "cn-qingdao", RouterID: "vrt-1", Role: "InitiatingSide", Specification: specification, Status: "Active", BusinessStatus: "Normal", Name: name, OppositeRouterID: "vrt-2", OppositeID: "ri-2"}},
		"vrt-2": {{ID: "ri-2", RegionID: "cn-beijing", RouterID: "vrt-2", Role: "AcceptingSide", Specification: "Negative", Status: "Active", BusinessStatus: "Normal", Name: name, OppositeRouterID: "vrt-1", OppositeID: "ri-1"}},
	}
}

func (h *house) route(table, block, name, hop string) {
	if h.entries == nil {
		h.entries = map[string][]interconnect.RouteEntry{}
	}
	h.entries[table] = append(h.entries[table], interconnect.RouteEntry{ID: "rte-" + table + hop, RouteTableID: table, Destination: netip.MustParsePrefix(block), NextHopType: "RouterInterface", NextHopID: hop, Type: "Custom", Name: name, Status: "Available"})
}

const ours = "interconnect.vi.a"

func kinds(list []interconnect.Thing) map[string]int {
	out := map[string]int{}
	for _, t := range list {
		out[t.Kind]++
	}
	return out
}

func TestAPlanSaysWhatWouldBeMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.plan(opening)
	require.Equal(t, "create", p.Would)
	require.Equal(t, http.StatusAccepted, p.Status)
	require.Equal(t, map[string]int{"router-interface": 2, "route": 2, "security-group-rule": 2}, kinds(p.Added))
	require.Empty(t, p.Kept)
	require.Empty(t, p.Removed)
	require.Empty(t, p.Conflicts)
	require.Equal(t, []string{"172.16.0.0/16"}, p.Request.Acceptor.CidrBlocks)
	require.Contains(t, p.Warnings[len(p.Warnings)-1].Sentence, "charged by the specification, Mini.2")
	require.Empty(t, h.records)
}

func TestAPlanOfWhatIsThereKeepsIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", opening)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined(ours, "Mini.2")
	h.route("vtb-1", "172.16.0.0/16", ours, "ri-1")
	h.route("vtb-2", "192.168.0.0/16", "by hand", "ri-2")
	h.rules = map[string][]interconnect.Rule{"sg-2": {{ID: "sgr-1", GroupID: "sg-2", Direction: interconnect.Ingress, Protocol: "TCP", PortRange: "5432/5432", PeerBlock: netip.MustParsePrefix("192.168.0.0/16"), Policy: "accept", Priority: 1, Description: ours}}}
	p := h.plan(opening)
	require.Equal(t, "keep", p.Would)
	require.Equal(t, http.StatusOK, p.Status)
	require.Equal(t, map[string]int{"router-interface": 2, "route": 2, "security-group-rule": 1}, kinds(p.Kept))
	require.Equal(t, map[string]int{"security-group-rule": 1}, kinds(p.Added), "the initiator's rule is missing")
	require.Equal(t, "sg-1", p.Added[0].In)
	owners := map[string]string{}
	for _, thing := range p.Kept {
		owners[thing.ID] = thing.Owner
	}
	require.Equal(t, "a", owners["rte-vtb-1ri-1"])
	require.Empty(t, owners["rte-vtb-2ri-2"], "used, and not ours")
}

func TestAPlanOfAChangeSaysWhatIsRepointedAndRemovedAndHowTheRequestDiffers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined(ours, "Mini.2")
	h.route("vtb-1", "172.16.0.0/16", ours, "ri-1")
	h.route("vtb-2", "192.168.0.0/16", ours, "ri-gone")
	p := h.plan(narrower)
	require.Equal(t, "change", p.Would)
	require.Equal(t, []interconnect.Difference{{Field: "/acceptor/cidrBlocks", Added: []string{"172.16.0.0/24"}, Removed: []string{"172.16.0.0/16"}}}, p.Difference)
	require.Len(t, p.Added, 1)
	require.Equal(t, "172.16.0.0/24", p.Added[0].What)
	require.Len(t, p.Repointed, 1)
	require.Equal(t, "leads to RouterInterface ri-2", p.Repointed[0].Change)
	require.Len(t, p.Removed, 1)
	require.Equal(t, "172.16.0.0/16", p.Removed[0].What)
	require.False(t, p.NeedsAllowCut, "a narrower route is added before the wider one goes")

	a := h.do("POST", "/connections", narrower)
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, p.Difference, a.Difference)
}

func TestWhatSpeaksAgainstARequestIsAConflictOfItsPlan(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.plan(strings.Replace(tutorial, "vpc-2", "vpc-9", 1))
	require.Equal(t, "refuse", p.Would)
	require.Equal(t, http.StatusUnprocessableEntity, p.Status)
	require.Equal(t, "/acceptor/vpcId", p.Conflicts[0].Field)

	h.do("POST", "/connections", tutorial)
	p = h.plan(strings.Replace(turned, `"a"`, `"c"`, 1))
	require.Equal(t, http.StatusConflict, p.Status)
	require.Equal(t, "/id", p.Conflicts[0].Field)

	h = newHouse(t)
	h.interfaces = map[string][]interconnect.RouterInterface{"vrt-1": {{ID: "ri-x", RouterID: "vrt-1", OppositeRouterID: "vrt-2", Status: "Inactive", BusinessStatus: "Normal", Name: "by hand"}}}
	p = h.plan(tutorial)
	require.Contains(t, p.Conflicts[0].Sentence, "ri-x (Inactive)")

	require.Equal(t, http.StatusBadRequest, h.do("POST", "/connections?dryRun=true", `{"id": 5}`).status, "what is malformed has no plan")
	h.fail["Instances"] = &interconnect.CloudError{Class: interconnect.Denied, Action: "DescribeInstances", Code: "Forbidden.RAM", RequestID: "req-1"}
	a := h.do("POST", "/connections?dryRun=true", tutorial)
	require.Equal(t, http.StatusBadGateway, a.status, "nor has what could not be looked at")
	require.Equal(t, "req-1", a.problem.RequestID)
}

func TestABlastRadiusSaysWhichInstancesReachWhichOnWhat(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.instances = map[string][]interconnect.Instance{
		"vpc-1": {{ID: "i-1", VpcID: "vpc-1", VSwitchID: "vsw-1", PrivateIP: netip.MustParseAddr("192.168.0.5"), SecurityGroupIDs: []string{"sg-1"}}},
		"vpc-2": {
			{ID: "i-2", VpcID: "vpc-2", VSwitchID: "vsw-2", PrivateIP: netip.MustParseAddr("172.16.0.5"), SecurityGroupIDs: []string{"sg-2"}},
			{ID: "i-3", VpcID: "vpc-2", VSwitchID: "vsw-2", PrivateIP: netip.MustParseAddr("172.16.0.6"), SecurityGroupIDs: []string{"sg-open"}},
		},
	}
	h.rules = map[string][]interconnect.Rule{"sg-open": {{ID: "sgr-1", GroupID: "sg-open", Direction: interconnect.Ingress, Protocol: "TCP", PortRange: "22/22", PeerBlock: netip.MustParsePrefix("0.0.0.0/0"), Policy: "accept", Priority: 1}}}
	p := h.plan(opening)
	at := func(target, protocol, ports string, added bool, sources ...string) interconnect.Reach {
		from, address := interconnect.Initiator, map[string]string{"i-1": "192.168.0.5", "i-2": "172.16.0.5", "i-3": "172.16.0.6"}[target]
		if target == "i-1" {
			from = interconnect.Acceptor
		}
		return interconnect.Reach{Opening: interconnect.Opening{From: from, Target: target, Address: address, Protocol: protocol, PortRange: ports, Added: added}, Sources: sources}
	}
	require.Equal(t, []interconnect.Reach{
		at("i-2", "TCP", "5432/5432", true, "i-1"),
		at("i-3", "TCP", "22/22", false, "i-1"), // a rule for everybody counts once there is a route
		at("i-1", "ICMP", "-1/-1", true, "i-2", "i-3"),
	}, p.BlastRadius)
}

func TestAPlansHashIsRefusedOnceTheWorldHasChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	p := h.plan(tutorial)
	with := func(hash string) string { return strings.Replace(tutorial, `"id"`, `"planHash": "`+hash+`", "id"`, 1) }

	vpc := h.vpcs["cn-beijing/vpc-2"]
	vpc.SecondaryBlocks = []netip.Prefix{netip.MustParsePrefix("10.5.0.0/16")} // added in between
	a := h.do("POST", "/connections", with(p.PlanHash))
	require.Equal(t, http.StatusConflict, a.status)
	require.Equal(t, "/planHash", *a.problem.Field)
	require.Equal(t, []interconnect.Difference{{Field: "/acceptor/cidrBlocks", Added: []string{"10.5.0.0/16"}}}, a.problem.Difference)
	require.Contains(t, a.problem.Detail, "/acceptor/cidrBlocks has 10.5.0.0/16 now")
	require.Empty(t, h.records)
	require.Equal(t, h.plan(tutorial).PlanHash, a.problem.PlanHash)

	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", with(a.problem.PlanHash)).status)
	require.Equal(t, http.StatusOK, h.do("POST", "/connections", with(a.problem.PlanHash)).status)

	vpc.SecondaryBlocks = nil
	a = h.do("POST", "/connections", with(a.problem.PlanHash))
	require.Equal(t, 1, a.problem.Difference[0].Gone)
	for _, bad := range []string{"x", "0123.AAAA", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef.A"} {
		a = h.do("POST", "/connections", with(bad))
		require.Equal(t, http.StatusBadRequest, a.status, bad)
		require.Equal(t, "/planHash", *a.problem.Field)
	}
}

func TestWhatTheCloudForcesToCutNeedsLeave(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined(ours, "Mini.2")
	p := h.plan(changed)
	require.True(t, p.NeedsAllowCut)
	require.Contains(t, p.Cuts[0], "from Mini.2 to Large.1")
	require.Equal(t, "refuse", p.Would)

	a := h.do("POST", "/connections", changed)
	require.Equal(t, http.StatusConflict, a.status)
	require.Equal(t, "/allowCut", *a.problem.Field)
	require.Equal(t, 1, h.records["a"].Generation)

	leave := strings.Replace(changed, `"id"`, `"allowCut": true, "id"`, 1)
	require.Equal(t, "change", h.plan(leave).Would)
	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", leave).status)
	require.Equal(t, http.StatusOK, h.do("POST", "/connections", changed).status, "what is under way needs no leave again")
}

// writes are words that a method's name has which changes something.
var writes = []string{"Put", "Delete", "Create", "Update", "Send", "Modify", "Authorize", "Revoke", "Run", "Connect", "Set", "Activate", "Deactivate", "Repoint", "Freeze", "Thaw"}

func TestADryRunHoldsNothingThatIsAbleToWrite(t *testing.T) {
	t.Parallel()
	planner := reflect.TypeFor[intake.Planner]()
	for i := range planner.NumField() {
		f := planner.Field(i)
		require.NotContains(t, f.Type.String(), "intake.Intake", f.Name)
		require.NotContains(t, f.Type.String(), "intake.Queues", f.Name)
		for m := range f.Type.NumMethod() {
			for _, word := range writes {
				if f.Type.Kind() == reflect.Interface {
					require.False(t, strings.HasPrefix(f.Type.Method(m).Name, word), "%s has %s", f.Name, f.Type.Method(m).Name)
				}
			}
		}
	}
	// What is more, it plans with nothing but these.
	h := newHouse(t)
	p := intake.Planner{Cloud: cloud{h}, Records: readOnly{records{h}}, Prefix: "vi", Clock: h.Clock, Pause: h.Pause, Log: h.Log}
	request, list := interconnect.DecodeRequest([]byte(opening))
	require.Empty(t, list)
	plan, err := p.Plan(context.Background(), request, intake.Asker{Token: "someone"})
	require.NoError(t, err)
	require.Equal(t, "create", plan.Would)
}

// readOnly has the two methods that a planner needs of the records.
type readOnly struct{ from records }

func (r readOnly) Get(ctx context.Context, id string) (*interconnect.Record, error) {
	return r.from.Get(ctx, id)
}
func (r readOnly) List(ctx context.Context) ([]interconnect.Record, error) { return r.from.List(ctx) }
