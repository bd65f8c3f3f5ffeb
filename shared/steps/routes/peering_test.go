package routes_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/routes"
)

func byPeering() *interconnect.Connection {
	c := chaintest.Tutorial()
	c.Type, c.Specification = interconnect.TypeVpcPeering, ""
	return c
}

func peeringUp() *chain.Task {
	return chaintest.Task(chaintest.Record(byPeering()), interconnect.Connect)
}

// withPeering is a cloud in which a VPC peering connection joins the two VPCs.
func withPeering(status string, entries ...interconnect.RouteEntry) *cloud {
	c := newCloud(entries...)
	c.peerings = []interconnect.PeeringConnection{{ID: "pcc-1", RegionID: "cn-qingdao", VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2", Status: status, Name: mark}}
	return c
}

// hopsOf maps each table's destination to its next hop.
func hopsOf(c *cloud) map[string]string {
	out := map[string]string{}
	for _, e := range c.entries {
		out[e.RouteTableID+" "+e.Destination.String()] = e.NextHopType + " " + e.NextHopID
	}
	return out
}

var (
	byPcc   = map[string]string{"vtb-1 172.16.0.0/16": "VpcPeer pcc-1", "vtb-2 192.168.0.0/16": "VpcPeer pcc-1"}
	byPair  = map[string]string{"vtb-1 172.16.0.0/16": "RouterInterface ri-1", "vtb-2 192.168.0.0/16": "RouterInterface ri-2"}
	regions = []string{" cn-qingdao", " cn-beijing"}
)

func each(actions ...string) []string {
	var out []string
	for _, a := range actions {
		for _, r := range regions {
			out = append(out, a+r)
		}
	}
	return out
}

func TestBothSidesLeadToThePeering(t *testing.T) {
	t.Parallel()
	c := withPeering("Activated")
	require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
	require.Equal(t, byPcc, hopsOf(c))
	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
	require.Empty(t, c.calls)

	for _, status := range []string{"Creating", "Updating", "Accepting", "Rejected", "Deleting"} {
		c := withPeering(status)
		out := routes.New(c).Run(context.Background(), peeringUp())
		require.Equal(t, chain.KindWait, out.Kind, status)
		require.Empty(t, c.calls)
	}
}

// pairOfRoutes are the connection's own routes by router interfaces.
func pairOfRoutes() []interconnect.RouteEntry {
	return []interconnect.RouteEntry{entry("vtb-1", "172.16.0.0/16", "ri-1", mark), entry("vtb-2", "192.168.0.0/16", "ri-2", mark)}
}

// refuseTypes has the cloud refuse to lead entries to another type of next hop.
func refuseTypes(c *cloud) {
	c.before = func(action string) error {
		if action == "ModifyRouteEntry" {
			return fail(interconnect.Permanent, action, "InvalidNextHopType.NotSupport")
		}
		return nil
	}
}

func TestAChangedTypeRepointsTheRoutes(t *testing.T) {
	t.Parallel()
	t.Run("without a gap where the cloud takes it", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", pairOfRoutes()...)
		require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
		require.Equal(t, byPcc, hopsOf(c))
		require.ElementsMatch(t, each("ModifyRouteEntry"), c.calls)
	})
	t.Run("by deleting and making them anew where it does not", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", pairOfRoutes()...)
		refuseTypes(c)
		require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
		require.Equal(t, byPcc, hopsOf(c))
		require.ElementsMatch(t, each("DeleteRouteEntries", "CreateRouteEntries"), c.calls)
		for _, e := range c.entries {
			require.Equal(t, mark, e.Name)
		}
	})
	t.Run("never somebody else's", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", entry("vtb-1", "172.16.0.0/16", "ri-1", "by hand"))
		refuseTypes(c)
		out := drive(t, c, peeringUp())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Empty(t, c.calls)
	})
	t.Run("and a refusal for want of permission cuts nothing", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", pairOfRoutes()...)
		c.before = func(action string) error { return fail(interconnect.Denied, action, "Forbidden.RAM") }
		out := drive(t, c, peeringUp())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Equal(t, byPair, hopsOf(c))
	})
	for status, cut := range map[string]bool{"Activated": false, "Updating": false, "Deleted": true, "Rejected": true, "": true} {
		t.Run("a refusal to lead it from another peering connection cuts nothing that works: "+status, func(t *testing.T) {
			t.Parallel()
			old := pairOfRoutes()
			for i := range old {
				old[i].NextHopType, old[i].NextHopID = "VpcPeer", "pcc-2"
			}
			c := withPeering("Activated", old...)
			if status != "" {
				other := c.peerings[0]
				other.ID, other.Status, other.CreatedAt = "pcc-2", status, other.CreatedAt.Add(time.Hour)
				c.peerings = append(c.peerings, other)
			}
			refuseTypes(c)
			out := drive(t, c, peeringUp())
			if !cut {
				require.Equal(t, chain.KindReject, out.Kind)
				require.Empty(t, c.calls)
				return
			}
			require.Equal(t, chain.KindDone, out.Kind)
			require.Equal(t, byPcc, hopsOf(c))
			require.ElementsMatch(t, each("DeleteRouteEntries", "CreateRouteEntries"), c.calls)
		})
	}
}

// rollingBack is a prune to the former state of a request that changed the type
// to VpcPeering.
func rollingBack() *chain.Task {
	r := chaintest.Record(byPeering())
	r.Generation, r.LastConnected = 2, chaintest.Tutorial()
	task := chaintest.Task(r, interconnect.Prune)
	task.Want = r.LastConnected
	return task
}

func TestARollbackOfAChangedTypeLeadsTheRoutesBack(t *testing.T) {
	t.Parallel()
	repointed := func() []interconnect.RouteEntry {
		list := pairOfRoutes()
		for i := range list {
			list[i].NextHopType, list[i].NextHopID = "VpcPeer", "pcc-1"
		}
		return list
	}
	t.Run("without a gap where the cloud takes it", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", repointed()...)
		require.Equal(t, chain.KindDone, drive(t, c, rollingBack()).Kind)
		require.Equal(t, byPair, hopsOf(c))
		require.ElementsMatch(t, each("ModifyRouteEntry"), c.calls)
	})
	t.Run("anew where it does not", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", repointed()...)
		refuseTypes(c)
		require.Equal(t, chain.KindDone, drive(t, c, rollingBack()).Kind)
		require.Equal(t, byPair, hopsOf(c))
	})
	t.Run("not where what was there before is gone", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", repointed()...)
		c.interfaces = nil
		require.Equal(t, chain.KindDone, drive(t, c, rollingBack()).Kind)
		require.Equal(t, byPcc, hopsOf(c))
	})
	t.Run("a prune of a request that took changes no route", func(t *testing.T) {
		t.Parallel()
		c := withPeering("Activated", repointed()...)
		require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(byPeering()), interconnect.Prune)).Kind)
		require.Empty(t, c.calls)
	})
}

func TestADisconnectTakesRoutesToAPeeringAway(t *testing.T) {
	t.Parallel()
	r := chaintest.Record(byPeering())
	r.Generation, r.Wanted.Disconnect = 2, true
	c := withPeering("Activated")
	require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
	require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(r, interconnect.Prune)).Kind)
	require.Empty(t, c.entries)
}
