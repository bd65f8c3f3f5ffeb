package bench

import (
	"fmt"

	"vpcinterconnect/shared/localcloud/world"
)

// Pair is two VPCs of a world that are to be connected, by their places in it.
type Pair struct{ Initiator, Acceptor int }

// Pairs returns a world of n pairs of VPCs that have nothing in common, and the
// pairs.
func Pairs(n int) (*world.World, []Pair) {
	w := empty()
	var pairs []Pair
	for i := range n {
		w.VPCs = append(w.VPCs, vpc(2*i, "cn-qingdao"), vpc(2*i+1, "cn-beijing"))
		pairs = append(pairs, Pair{2 * i, 2*i + 1})
	}
	return w, pairs
}

// Hubs returns a world of n pairs in which each hub has an equal share of the
// spokes: the routes of a hub are one task at a time.
func Hubs(hubs, n int) (*world.World, []Pair) {
	w := empty()
	for i := range hubs {
		w.VPCs = append(w.VPCs, vpc(i, "cn-qingdao"))
	}
	var pairs []Pair
	for i := range n {
		w.VPCs = append(w.VPCs, vpc(hubs+i, "cn-beijing"))
		pairs = append(pairs, Pair{i % hubs, hubs + i})
	}
	return w, pairs
}

func empty() *world.World {
	w := &world.World{Quotas: map[string]int{"routerInterfacesPerRouter": 100, "routeEntriesPerTable": 200}}
	for _, id := range []string{"cn-qingdao", "cn-beijing", "cn-hangzhou"} {
		w.Regions = append(w.Regions, world.Region{ID: id, Zones: []string{id + "-a"}})
	}
	return w
}

// vpc is a VPC with the block 10.n.0.0/16, a table, a group and an instance
// whose Cloud Assistant is online.
func vpc(n int, region string) world.VPC {
	return world.VPC{
		ID: fmt.Sprintf("vpc-bench%04d", n), Region: region, RouterID: fmt.Sprintf("vrt-bench%04d", n), CidrBlock: fmt.Sprintf("10.%d.0.0/16", n),
		RouteTables:    []world.RouteTable{{ID: fmt.Sprintf("vtb-bench%04d", n), Type: "System"}},
		VSwitches:      []world.VSwitch{{ID: fmt.Sprintf("vsw-bench%04d", n), Zone: region + "-a", CidrBlock: fmt.Sprintf("10.%d.1.0/24", n)}},
		SecurityGroups: []world.SecurityGroup{{ID: fmt.Sprintf("sg-bench%04d", n)}},
		Instances: []world.Instance{{
			ID: fmt.Sprintf("i-bench%04d", n), VSwitchID: fmt.Sprintf("vsw-bench%04d", n), PrivateIP: fmt.Sprintf("10.%d.1.10", n),
			SecurityGroups: []string{fmt.Sprintf("sg-bench%04d", n)}, Guest: world.Guest{CloudAssistant: "online"},
		}},
	}
}
