package whole_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// joined is the tutorial's world, its VPCs joined by hand.
func joined() *world.World {
	w := world.Default()
	w.RouterInterfaces = []world.RouterInterface{
		{ID: "ri-by-hand-1", VpcID: vpc1, Name: "made-by-hand", Role: "InitiatingSide", Spec: "Small.1", Opposite: &world.Opposite{ID: "ri-by-hand-2"}},
		{ID: "ri-by-hand-2", VpcID: vpc2, Role: "AcceptingSide", Spec: "Negative", Opposite: &world.Opposite{ID: "ri-by-hand-1"}},
	}
	return w
}

func TestAPairJoinedByHandIsUsedAndLeftAlone(t *testing.T) {
	t.Parallel()
	c := start(t, stack.Options{World: joined()})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	o := c.untouched()
	require.Empty(t, o.interfaces, "none of ours is made")
	require.Equal(t, "ri-by-hand-1", o.routes[table1][0].NextHops[0].ID)
	require.Equal(t, "ri-by-hand-2", o.routes[table2][0].NextHops[0].ID)
	require.Len(t, o.rules[group1], 1)
	require.Len(t, o.rules[group2], 1)
	for _, a := range c.changes() {
		require.NotContains(t, a, "RouterInterface")
	}

	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
	for _, a := range c.changes() {
		require.NotContains(t, a, "RouterInterface")
	}
}

func TestARouteAndARuleByHandThatEqualOursSurvive(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := joined()
	w.VPCs[0].RouteTables[0].Routes = []world.Route{{ID: "rte-by-hand", Name: "to-beijing", Destination: "172.16.0.0/16",
		NextHops: []world.NextHop{{Type: "RouterInterface", ID: "ri-by-hand-1"}}}}
	w.VPCs[1].SecurityGroups[0].Rules = []world.Rule{{ID: "sgr-by-hand", Direction: "ingress", Protocol: "ICMP", CidrBlock: "192.168.0.0/16", Description: "ping from VPC1"}}
	c := start(t, stack.Options{World: w})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	o := c.untouched()
	require.Empty(t, o.routes[table1], "the equal route is used")
	require.Empty(t, o.rules[group2], "the equal rule is used")
	require.Len(t, o.routes[table2], 1)
	require.Len(t, o.rules[group1], 1)
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
}

// twins is a world in which one VPC, with two route tables, may be connected to
// either of two VPCs that have the same block.
func twins(t *testing.T) *world.World {
	t.Helper()
	w := world.Default()
	v := &w.VPCs[0]
	v.RouteTables = append(v.RouteTables, world.RouteTable{ID: "vtb-workers"})
	v.VSwitches = append(v.VSwitches, world.VSwitch{ID: "vsw-workers", Zone: "cn-qingdao-b", CidrBlock: "192.168.2.0/24", RouteTableID: "vtb-workers"})
	v.Instances = append(v.Instances, world.Instance{ID: "i-worker", VSwitchID: "vsw-workers", PrivateIP: "192.168.2.10", SecurityGroups: []string{group1},
		Guest: world.Guest{CloudAssistant: "online"}})
	b := w.VPCs[1]
	b.ID, b.RouterID, b.Name = "vpc-twin", "vrt-twin", "VPC3"
	b.RouteTables = []world.RouteTable{{ID: "vtb-twin", Type: "System"}}
	b.VSwitches = []world.VSwitch{{ID: "vsw-twin", Zone: "cn-beijing-h", CidrBlock: "172.16.1.0/24"}}
	b.SecurityGroups = []world.SecurityGroup{{ID: "sg-twin"}}
	b.Instances = []world.Instance{{ID: "i-twin", VSwitchID: "vsw-twin", PrivateIP: "172.16.1.20", SecurityGroups: []string{"sg-twin"}, Guest: world.Guest{CloudAssistant: "online"}}}
	w.VPCs = append(w.VPCs, b)
	return w
}

func TestARuleThatTwoConnectionsNeedGoesWithTheSecond(t *testing.T) {
	unhurried(t)
	t.Parallel()
	c := start(t, stack.Options{World: twins(t)})
	request := func(id, table, probe, vpc, group string) string {
		return `{"id": "` + id + `", "type": "ExpressConnect",
			"initiator": {"regionId": "cn-qingdao", "vpcId": "` + vpc1 + `", "routeTableIds": ["` + table + `"], "probe": {"instanceId": "` + probe + `"},
				"securityGroups": [{"securityGroupId": "` + group1 + `"}]},
			"acceptor": {"regionId": "cn-beijing", "vpcId": "` + vpc + `", "securityGroups": [{"securityGroupId": "` + group + `"}]}}`
	}
	c.post(request("first", table1, "i-m5e1qingdao000000ecs1", vpc2, group2))
	c.post(request("second", "vtb-workers", "i-worker", "vpc-twin", "sg-twin"))
	c.reaches("first", interconnect.StateConnected, 3*time.Minute)
	c.reaches("second", interconnect.StateConnected, 3*time.Minute)
	require.Len(t, c.untouched().rules[group1], 1, "both need the ping from 172.16.0.0/16")

	seeded := []string{"first", "second"}
	if c.seed%2 == 1 {
		slices.Reverse(seeded)
	}
	c.drop(seeded[0])
	c.reaches(seeded[0], interconnect.StateDisconnected, 3*time.Minute)
	require.Len(t, c.untouched().rules[group1], 1, "the other one needs it still")
	c.drop(seeded[1])
	c.reaches(seeded[1], interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
}
