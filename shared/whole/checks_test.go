package whole_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// pairs is a world of n pairs of VPCs.
func pairs(n int) *world.World {
	w := world.Default()
	w.Quotas = map[string]int{"vpcsPerRegion": n, "peeringsPerRegion": n}
	w.VPCs = nil
	for i := range n {
		for k, region := range []string{"cn-qingdao", "cn-beijing"} {
			name := fmt.Sprintf("%03d%c", i, 'a'+k)
			w.VPCs = append(w.VPCs, world.VPC{
				ID: "vpc-" + name, Region: region, RouterID: "vrt-" + name, CidrBlock: fmt.Sprintf("10.%d.0.0/16", k),
				RouteTables:    []world.RouteTable{{ID: "vtb-" + name, Type: "System"}},
				VSwitches:      []world.VSwitch{{ID: "vsw-" + name, Zone: []string{"cn-qingdao-b", "cn-beijing-h"}[k], CidrBlock: fmt.Sprintf("10.%d.1.0/24", k)}},
				SecurityGroups: []world.SecurityGroup{{ID: "sg-" + name}},
				Instances: []world.Instance{{ID: "i-" + name, VSwitchID: "vsw-" + name, PrivateIP: fmt.Sprintf("10.%d.1.10", k), SecurityGroups: []string{"sg-" + name},
					Guest: world.Guest{CloudAssistant: "online"}}},
			})
		}
	}
	return w
}

// Two hundred connections are all checked within one interval of five minutes,
// by the deployed binaries and with the times of the real cloud.
func TestTwoHundredConnectionsAreCheckedInOnePeriod(t *testing.T) {
	if !*long {
		t.Skip("takes ten minutes; run it with -long")
	}
	const n, interval = 200, 5 * time.Minute
	c := calm(t, stack.Options{World: pairs(n), Hurry: 1})
	began := time.Now()
	for i := range n {
		c.asks(fmt.Sprintf(`{"id": "c-%03d", "type": "VpcPeering",
			"initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-%03da", "securityGroups": [{"securityGroupId": "sg-%03da"}]},
			"acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-%03db", "securityGroups": [{"securityGroupId": "sg-%03db"}]}}`, i, i, i, i, i))
	}
	t.Logf("%d asked for in %.0f s", n, time.Since(began).Seconds())
	for i := range n {
		c.reaches(fmt.Sprintf("c-%03d", i), interconnect.StateConnected, 15*time.Minute)
	}
	t.Logf("%d connected in %.0f s", n, time.Since(began).Seconds())

	from, before := time.Now(), len(c.requests())
	time.Sleep(interval + time.Minute)
	missed := 0
	for i := range n {
		r := c.reaches(fmt.Sprintf("c-%03d", i), interconnect.StateConnected, time.Minute)
		if r.Verdict == nil || r.Verdict.At.Before(from) {
			missed++
		}
	}
	require.Zero(t, missed, "connections that were not checked")
	perSecond, most := map[time.Time]int{}, 0
	for _, r := range c.requests()[before:] {
		require.False(t, strings.HasPrefix(r.Code, "Throttling"), "%s: %s", r.Action, r.Code)
		if r.Action == "RunCommand" {
			second := r.Time.Truncate(time.Second)
			perSecond[second]++
			most = max(most, perSecond[second])
		}
	}
	t.Logf("in %s at most %d commands began in one second", interval+time.Minute, most)
	require.LessOrEqual(t, most, 20, "spread")
}

// asks asks until the cloud, which takes so many calls a minute, has not been
// asked too often.
func (c *cloud) asks(body string) {
	c.t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(2 * time.Second) {
		r, err := c.try("POST", "/connections", body, "Bearer "+c.Endpoints.APIToken)
		if err == nil && r.status == 202 {
			return
		}
		require.True(c.t, time.Now().Before(end) && (err != nil || r.status == 503), "%v %s", err, r.text)
	}
}
