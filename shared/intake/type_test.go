package intake_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

// open is the tutorial's request with the type left open.
var open = strings.NewReplacer(`"type": "ExpressConnect", `, "").Replace(tutorial)

func TestARequestWithoutATypeIsAPeeringUnlessSomethingJoinsThePair(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world func(h *house)
		want  interconnect.Type
		says  string
	}{
		"nothing joins it": {func(*house) {}, interconnect.TypeVpcPeering, "nothing joins"},
		"a peering by hand": {func(h *house) {
			h.peerings = map[string][]interconnect.PeeringConnection{"vpc-2": {{ID: "pcc-hand", RegionID: "cn-beijing", VpcID: "vpc-2", AcceptingRegionID: "cn-qingdao", AcceptingVpcID: "vpc-1", Status: "Activated"}}}
		}, interconnect.TypeVpcPeering, "pcc-hand"},
		"a pair by hand": {func(h *house) {
			h.interfaces = map[string][]interconnect.RouterInterface{
				"vrt-1": {{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Status: "Active"}},
				"vrt-2": {{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-1", Status: "Active"}},
			}
		}, interconnect.TypeExpressConnect, "ri-1 and ri-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			c.world(h)
			a := h.do("POST", "/connections", open)
			require.Equal(t, http.StatusAccepted, a.status, a.body)
			require.Equal(t, c.want, h.records["a"].Wanted.Connection.Type)
			require.Equal(t, "/type", a.Warnings[0].Field)
			require.Contains(t, a.Warnings[0].Sentence, c.says)
		})
	}
}

func TestARecordedConnectionKeepsItsType(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	require.Equal(t, http.StatusAccepted, h.do("POST", "/connections", tutorial).status)
	require.Equal(t, interconnect.TypeExpressConnect, h.records["a"].Wanted.Connection.Type)
	a := h.do("POST", "/connections", open)
	require.Equal(t, http.StatusOK, a.status, "nothing of it is there yet, and it is the same all the same")
	a = h.do("POST", "/connections", strings.Replace(open, `"id"`, `"type": "VpcPeering", "id"`, 1))
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	require.Equal(t, interconnect.TypeVpcPeering, h.records["a"].Wanted.Connection.Type)
	require.Len(t, h.records["a"].Wanted.Former, 2, "the tables of both sides, whose routes lead elsewhere now")
}
