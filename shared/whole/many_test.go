package whole_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// star is a world of a hub and n VPCs around it, with quotas for all of them.
func star(n int) *world.World {
	w := world.Default()
	w.Quotas = map[string]int{"routerInterfacesPerRouter": n, "vpcsPerRegion": n + 1, "routeEntriesPerTable": 200}
	w.VPCs = nil
	for i := range n + 1 {
		region, zone := "cn-qingdao", "cn-qingdao-b"
		if i%2 == 1 {
			region, zone = "cn-beijing", "cn-beijing-h"
		}
		name := fmt.Sprintf("%02d", i)
		w.VPCs = append(w.VPCs, world.VPC{
			ID: "vpc-" + name, Region: region, RouterID: "vrt-" + name, CidrBlock: fmt.Sprintf("10.%d.0.0/16", i),
			RouteTables:    []world.RouteTable{{ID: "vtb-" + name, Type: "System"}},
			VSwitches:      []world.VSwitch{{ID: "vsw-" + name, Zone: zone, CidrBlock: fmt.Sprintf("10.%d.1.0/24", i)}},
			SecurityGroups: []world.SecurityGroup{{ID: "sg-" + name}},
			Instances: []world.Instance{{ID: "i-" + name, VSwitchID: "vsw-" + name, PrivateIP: fmt.Sprintf("10.%d.1.10", i), SecurityGroups: []string{"sg-" + name},
				Guest: world.Guest{CloudAssistant: "online"}}},
		})
	}
	return w
}

func TestManyConnectionsAtOnce(t *testing.T) {
	unhurried(t)
	t.Parallel()
	const n = 20
	c := start(t, stack.Options{World: star(n)})
	began := time.Now()
	var wg sync.WaitGroup
	refused := make([]string, n+1)
	for i := 1; i <= n; i++ {
		wg.Go(func() {
			body := fmt.Sprintf(`{"id": "c-%02d", "type": "ExpressConnect",
				"initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-00", "securityGroups": [{"securityGroupId": "sg-00"}]},
				"acceptor": {"regionId": %q, "vpcId": "vpc-%02d", "securityGroups": [{"securityGroupId": "sg-%02d"}]}}`, i, []string{"cn-qingdao", "cn-beijing"}[i%2], i, i)
			for range 60 {
				r, err := c.try("POST", "/connections", body, "Bearer "+c.Endpoints.APIToken)
				if err == nil && (r.status == 202 || r.status == 200) {
					refused[i] = ""
					return
				}
				if refused[i] = fmt.Sprint(err, r.text); err == nil && r.status < 500 && r.status != 429 {
					return
				}
				time.Sleep(2 * time.Second)
			}
		})
	}
	wg.Wait()
	for _, r := range refused {
		require.Empty(t, r)
	}
	t.Logf("%d asked for in %.1f s", n, time.Since(began).Seconds())
	for i := 1; i <= n; i++ {
		c.reaches(fmt.Sprintf("c-%02d", i), interconnect.StateConnected, 15*time.Minute)
	}
	t.Logf("%d connected in %.1f s", n, time.Since(began).Seconds())
	o := c.untouched()
	require.Len(t, o.interfaces, 2*n)
	require.Len(t, o.routes["vtb-00"], n)
	codes := map[string]int{}
	for _, r := range c.requests() {
		if a, _ := engine.Find(r.Product, r.Action); r.Code != "" {
			codes[fmt.Sprintf("%s (write: %t)", r.Code, a.Write)]++
		}
	}
	t.Log(codes)
}
