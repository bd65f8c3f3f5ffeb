package routes_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/routes"
)

func TestOneSideTellsWhereRoutesLeadUnlessItLeavesADoubt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(c *cloud)
		reads int // of a run
		wait  bool
	}{
		"it names the other side, Active":                  {func(*cloud) {}, 1, false},
		"it does not say how the other is":                 {func(c *cloud) { c.opposite = "-" }, 2, false},
		"what it says of the other is old":                 {func(c *cloud) { c.opposite = "Activating" }, 2, false},
		"the other side is not Active":                     {func(c *cloud) { c.interfaces[1].Status = "Activating" }, 2, true},
		"it is not Active itself":                          {func(c *cloud) { c.interfaces[0].Status = "Inactive" }, 2, true},
		"it has no opposite":                               {func(c *cloud) { c.interfaces[0].OppositeID = "" }, 2, true},
		"there is none":                                    {func(c *cloud) { c.interfaces = nil }, 2, true},
		"it has one to another VPC too, which matters not": {func(c *cloud) { c.add("ri-9", "vrt-9") }, 1, false},
		"it has two to the other VPC":                      {func(c *cloud) { c.add("ri-9", "vrt-2") }, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloud()
			c.given(cloud)
			out := routes.New(cloud).Run(context.Background(), connecting())
			require.Equal(t, chain.KindWait, out.Kind)
			require.Equal(t, c.reads, cloud.interfaceReads)
			if c.wait {
				require.Contains(t, out.Note, "to be Active on both sides")
				require.Empty(t, cloud.calls)
				return
			}
			require.Equal(t, chain.KindDone, drive(t, cloud, connecting()).Kind)
			require.Equal(t, byPair, hopsOf(cloud))
		})
	}
}

func TestOneSideTellsOfAPeeringWhereItShowsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status string
		hides  []string
		reads  int
		wait   bool
	}{
		"both regions show it":            {"Activated", nil, 1, false},
		"only the one that did not ask":   {"Activated", []string{"vpc-1"}, 2, false},
		"only the one that asked":         {"Activated", []string{"vpc-2"}, 1, false},
		"neither does":                    {"Activated", []string{"vpc-1", "vpc-2"}, 2, true},
		"it is there, and not yet usable": {"Creating", nil, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := withPeering(c.status)
			cloud.hides = c.hides
			out := routes.New(cloud).Run(context.Background(), peeringUp())
			require.Equal(t, chain.KindWait, out.Kind)
			require.Equal(t, c.reads, cloud.peeringReads)
			if c.wait {
				require.Contains(t, out.Note, "to be Activated")
				require.Empty(t, cloud.calls)
				return
			}
			require.Equal(t, chain.KindDone, drive(t, cloud, peeringUp()).Kind)
			require.Equal(t, byPcc, hopsOf(cloud))
		})
	}
}

// add puts one more interface at the initiator's router, Idle.
func (c *cloud) add(id, there string) {
	c.interfaces = append(c.interfaces, interconnect.RouterInterface{ID: id, RouterID: "vrt-1", OppositeRouterID: there, Status: "Idle", Name: mark})
}
