package whole_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/trigger"
)

func TestEveryTableThatServesAVSwitchGetsEveryBlock(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := world.Default()
	v := &w.VPCs[0]
	v.SecondaryBlocks = []string{"10.8.0.0/16"}
	v.RouteTables = append(v.RouteTables, world.RouteTable{ID: "vtb-workers"}, world.RouteTable{ID: "vtb-unused"})
	v.VSwitches = append(v.VSwitches, world.VSwitch{ID: "vsw-workers", Zone: "cn-qingdao-b", CidrBlock: "10.8.2.0/24", RouteTableID: "vtb-workers"})
	c := start(t, stack.Options{World: w})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	o := c.untouched()
	destinations := func(table string) []string {
		var out []string
		for _, r := range o.routes[table] {
			out = append(out, r.Destination)
		}
		slices.Sort(out)
		return out
	}
	require.Equal(t, []string{"172.16.0.0/16"}, destinations(table1))
	require.Equal(t, []string{"172.16.0.0/16"}, destinations("vtb-workers"))
	require.Empty(t, destinations("vtb-unused"))
	require.Equal(t, []string{"10.8.0.0/16", "192.168.0.0/16"}, destinations(table2))
	require.Len(t, o.rules[group2], 2)
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
}

func TestAdvancedGroupsAreOpenedBothWays(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := world.Default()
	w.VPCs[0].SecurityGroups[0].Type = "enterprise"
	w.VPCs[1].SecurityGroups[0].Type = "enterprise"
	c := start(t, stack.Options{World: w})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	o := c.untouched()
	for _, group := range []string{group1, group2} {
		var directions []string
		for _, r := range o.rules[group] {
			directions = append(directions, r.Direction)
		}
		require.ElementsMatch(t, []string{"ingress", "egress"}, directions)
	}
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
}

// neighbours is the tutorial's world with both VPCs in one region.
func neighbours() *world.World {
	w := world.Default()
	w.VPCs[1].Region, w.VPCs[1].VSwitches[0].Zone = "cn-qingdao", "cn-qingdao-b"
	return w
}

func TestGroupsLetGroupsInWithinARegion(t *testing.T) {
	unhurried(t)
	t.Parallel()
	request := strings.NewReplacer(`"CidrBlock"`, `"SecurityGroup"`, "cn-beijing", "cn-qingdao").Replace(tutorial)
	t.Run("where the cloud allows it, they do", func(t *testing.T) {
		t.Parallel()
		w := neighbours()
		w.Switches = map[string]bool{"groupAcrossVPCsAllowed": true}
		c := start(t, stack.Options{World: w})
		c.post(request)
		c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
		o := c.untouched()
		require.Len(t, o.rules[group1], 1)
		require.Equal(t, group2, o.rules[group1][0].GroupID)
		require.Equal(t, group1, o.rules[group2][0].GroupID)
	})
	t.Run("where it does not, that is said, and nothing wider is opened", func(t *testing.T) {
		t.Parallel()
		c := start(t, stack.Options{World: neighbours()})
		c.post(request)
		r := c.reaches("tutorial", interconnect.StateFailed, 3*time.Minute)
		t.Log(r.Why)
		require.Contains(t, r.Why, "CidrBlock")
		c.asBefore()
	})
}

func TestAFullTableRollsTheOtherSideBack(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := world.Default()
	w.Quotas = map[string]int{"routeEntriesPerTable": 2}
	for _, to := range []string{"10.1.0.0/16", "10.2.0.0/16"} {
		w.VPCs[1].RouteTables[0].Routes = append(w.VPCs[1].RouteTables[0].Routes, world.Route{Destination: to, NextHops: []world.NextHop{{Type: "Instance", ID: "i-2ze2beijing000000ecs2"}}})
	}
	c := start(t, stack.Options{World: w})
	c.post(tutorial)
	r := c.reaches("tutorial", interconnect.StateFailed, 4*time.Minute)
	t.Log(r.Why)
	require.Contains(t, r.Why, table2)
	require.Contains(t, r.Why, "2 ")
	require.Empty(t, r.Leftovers)
	c.asBefore()
	require.Contains(t, c.changes(), "CreateRouterInterface", "it was begun")
}

// freezer stops and resumes all changes, as an operator does.
func (c *cloud) freezer() *records.Records {
	inv := trigger.Invocation{Region: "cn-hangzhou", Credentials: trigger.Credentials{AccessKeyID: c.Endpoints.AccessKeyID, AccessKeySecret: c.Endpoints.AccessKeySecret}}
	return records.New(alicloud.New(inv, alicloud.Options{Endpoint: c.Endpoints.OpenAPI}), "vi")
}

// surely calls f until it succeeds: the cloud is hostile.
func surely(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for range 20 {
		if err = f(); err == nil {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	require.NoError(t, err)
}

func TestAFreezeStopsChangesUntilTheThaw(t *testing.T) {
	unhurried(t)
	t.Parallel()
	c := start(t, stack.Options{})
	freezer := c.freezer()
	freeze := func() {
		surely(t, func() error { return freezer.Freeze(context.Background(), "a change freeze until Monday") })
		time.Sleep(7 * time.Second) // lagging reads, calls under way
	}
	thaw := func() { surely(t, func() error { return freezer.Thaw(context.Background()) }) }

	c.post(tutorial)
	time.Sleep(time.Duration(c.seed%4000) * time.Millisecond)
	freeze()
	before := c.changes()
	time.Sleep(3 * time.Second)
	require.Equal(t, before, c.changes())
	r := c.ask("GET", "/connections/tutorial", "")
	if !r.Ended {
		require.Contains(t, r.text, "a change freeze until Monday")
	}
	thaw()
	c.reaches("tutorial", interconnect.StateConnected, 3*time.Minute)
	c.untouched()

	c.drop("tutorial")
	time.Sleep(time.Duration(c.seed%2000) * time.Millisecond)
	freeze()
	before = c.changes()
	time.Sleep(3 * time.Second)
	require.Equal(t, before, c.changes())
	thaw()
	c.reaches("tutorial", interconnect.StateDisconnected, 4*time.Minute)
	c.asBefore()
}
