package intake_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

func TestTheCloudIsAskedNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	both := func(calls string) (all []string) {
		for _, n := range []string{"cn-qingdao 1", "cn-beijing 2"} {
			region, id, _ := strings.Cut(n, " ")
			all = append(all, strings.Split(strings.NewReplacer("REGION", region, "ID", id).Replace(calls), ", ")...)
		}
		return all
	}
	least := both("VPC REGION vpc-ID, VSwitches REGION vpc-ID, RouteEntries REGION vtb-ID, RouterInterfaces REGION vrt-ID")
	peerings, tables := both("PeeringConnections REGION vpc-ID"), both("RouteTables REGION vpc-ID")
	account := []string{"AccountID"}
	for name, c := range map[string]struct {
		body  string
		given func(h *house)
		more  [][]string
	}{
		"who is told whose account it is does not ask":                {tutorial, func(h *house) { h.Account = "1234" }, nil},
		"who is not told asks":                                        {tutorial, nil, [][]string{account}},
		"a VPC of another account than the one told is asked":         {tutorial, func(h *house) { h.Account = "99" }, [][]string{account}},
		"so is a request that names another":                          {strings.Replace(tutorial, `"vpcId": "vpc-2"`, `"vpcId": "vpc-2", "account": "99"`, 1), func(h *house) { h.Account = "1234" }, [][]string{account}},
		"VPC peering says nothing of a new pair of router interfaces": {tutorial, nil, [][]string{account}},
		"it does where the type is open":                              {open, nil, [][]string{account, peerings}},
		"and where the connection is recorded, which may have had it": {tutorial, func(h *house) {
			h.do("POST", "/connections", tutorial)
			h.calls = nil
		}, [][]string{account, peerings}},
		"tables are listed where some are named":  {strings.NewReplacer(`"vpcId": "vpc-1"`, `"vpcId": "vpc-1", "routeTableIds": ["vtb-1"]`, `"vpcId": "vpc-2"`, `"vpcId": "vpc-2", "routeTableIds": ["vtb-2"]`).Replace(tutorial), nil, [][]string{account, tables}},
		"and where no vSwitch names any":          {tutorial, func(h *house) { h.noVSwitches = true }, [][]string{account, tables}},
		"groups and instances only if some named": {probing, nil, [][]string{account, {"SecurityGroups cn-qingdao vpc-1", "InstancesByID cn-qingdao i-1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if c.given != nil {
				c.given(h)
			}
			h.do("POST", "/connections", c.body)
			require.ElementsMatch(t, append(slices.Clone(least), slices.Concat(c.more...)...), h.calls)
		})
	}

	h := newHouse(t)
	h.do("POST", "/connections", strings.Replace(tutorial, "vpc-2", "vpc-9", 1))
	require.LessOrEqual(t, len(h.calls), 12, "a VPC that is not there is found out beside the rest, not before it")
	require.NotContains(t, strings.Join(h.calls, " "), "vrt-9")
}

func TestAPlanFindsWhatIsLeftInTablesThatAreNoLongerWanted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.moreTables = map[string][]interconnect.RouteTable{"vpc-1": {{ID: "vtb-1x"}}}
	h.do("POST", "/connections", strings.Replace(tutorial, `"vpcId": "vpc-1"`, `"vpcId": "vpc-1", "routeTableIds": ["vtb-1", "vtb-1x"]`, 1))
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.joined(ours, "Mini.2")
	h.route("vtb-1x", "172.16.0.0/16", ours, "ri-1")
	p := h.plan(tutorial) // names no table: the checks list none
	require.Len(t, p.Removed, 1)
	require.Equal(t, "vtb-1x", p.Removed[0].In)
}

func TestAChangeOfTypeThatKeepsNoPeeringTellsThatItGoes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", strings.Replace(tutorial, "ExpressConnect", "VpcPeering", 1))
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.peerings = map[string][]interconnect.PeeringConnection{"vpc-1": {{ID: "pcc-1", RegionID: "cn-qingdao", VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2", Status: "Activated", Name: ours}}}
	require.Equal(t, map[string]int{interconnect.KindPeeringConnection: 1}, kinds(h.plan(tutorial).Removed))
}

func TestWhoseAccountItIsTheCloudDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		told, credentials, owner string
		status                   int
	}{
		"told right":                           {"1234", "1234", "1234", 202},
		"told nothing":                         {"", "1234", "1234", 202},
		"told wrong":                           {"99", "1234", "1234", 202},
		"told right, and a VPC of another":     {"1234", "1234", "77", 422},
		"told wrong, and a VPC of that other":  {"99", "1234", "77", 422},
		"told nothing, and a VPC of another's": {"", "1234", "77", 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.Account, h.account, h.vpcs["cn-beijing/vpc-2"].OwnerID = c.told, c.credentials, c.owner
			a := h.do("POST", "/connections", tutorial)
			require.Equal(t, c.status, a.status, a.body)
			if c.status == 422 {
				require.Equal(t, "/acceptor/vpcId", *a.problem.Field)
				require.Contains(t, a.body, "belongs to the account 77, not to the deployment's, 1234")
			} else {
				require.Equal(t, "1234", h.records["a"].Wanted.Connection.Initiator.Account)
			}
		})
	}
}
