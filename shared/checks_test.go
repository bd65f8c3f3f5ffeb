package shared_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
)

var checked = flag.Int("checked", 16, "how many connections are checked in one period")

// watched is a deployment with many connections that were made, all between the
// same two regions.
type watched struct {
	*rehearsal
	connections int
	interval    time.Duration
	calls       map[string]int // by action, region and second
	throttled   int
	invocations int
	mu          sync.Mutex
}

// counting counts calls and those that are throttled.
type counting struct {
	w    *watched
	next http.RoundTripper
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.calls[fmt.Sprint(r.URL.Query().Get("Action"), " ", r.URL.Query().Get("RegionId"), " ", c.w.Now().Unix())]++
	if err == nil && answer.StatusCode >= 400 {
		body, readErr := io.ReadAll(answer.Body)
		if readErr != nil {
			return nil, readErr
		}
		if bytes.Contains(body, []byte("Throttling")) {
			c.w.throttled++
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
	}
	return answer, err
}

// watch makes n connections, as they are after a connect.
func watch(t *testing.T, n int, interval time.Duration) *watched {
	t.Helper()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	empty := world.Default()
	empty.VPCs = nil
	w := &watched{connections: n, interval: interval, calls: map[string]int{}}
	w.rehearsal = rehearseIn(t, string(template), empty, func(o *engine.Options) { o.NoRates = false })
	for i := range n {
		w.connect(fmt.Sprintf("c%d", i))
	}
	w.api = counting{w, w.api}
	return w
}

// connect adds two VPCs and all that a connect makes between them.
func (w *watched) connect(id string) {
	t, ctx := w.t, context.Background()
	mark := interconnect.Mark{Prefix: testPrefix, ConnectionID: id}.String()
	v := interconnect.Verdict{At: w.Now(), Outcome: interconnect.VerdictConnected}
	c := &interconnect.Connection{ID: id, Type: interconnect.TypeVpcPeering, OnFailure: interconnect.OnFailureRollback, Repair: interconnect.RepairAuto}
	for i, role := range interconnect.Roles {
		region, zone := []string{here, there}[i], []string{"cn-qingdao-b", "cn-beijing-h"}[i]
		blocks := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/16")}
		block := blocks[i]
		n := id + []string{"-a", "-b"}[i]
		_, _, err := w.engine.AddVPC(engine.VPC{ID: "vpc-" + n, RegionID: region, RouterID: "vrt-" + n, Block: block}, "vtb-"+n)
		require.NoError(t, err)
		_, err = w.engine.AddVSwitch(engine.VSwitch{ID: "vsw-" + n, VpcID: "vpc-" + n, ZoneID: zone, Block: netip.PrefixFrom(block.Addr(), 24)})
		require.NoError(t, err)
		_, err = w.engine.AddSecurityGroup(engine.SecurityGroup{ID: "sg-" + n, VpcID: "vpc-" + n, Rules: []engine.SecurityRule{{Protocol: "ICMP", Peer: blocks[1-i], Description: mark}}})
		require.NoError(t, err)
		i, err := w.engine.AddInstance(engine.Instance{ID: "i-" + n, VSwitchID: "vsw-" + n, SecurityGroupIDs: []string{"sg-" + n}, Guest: engine.GuestFacts{AgentOnline: true}})
		require.NoError(t, err)
		v.Pings = append(v.Pings, interconnect.Ping{From: role, InstanceID: i.ID, Source: i.PrivateIP.String()})
		*c.Side(role) = interconnect.Side{Account: testAccount, RegionID: region, VpcID: "vpc-" + n, VRouterID: "vrt-" + n, CidrBlocks: []netip.Prefix{block}, RouteTableIDs: []string{"vtb-" + n},
			SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-" + n, Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{{Protocol: "ICMP", PortRange: "-1/-1"}}}}}
	}
	_, err := w.engine.AddPeerConnection(engine.PeerConnection{ID: "pcc-" + id, VpcID: c.Initiator.VpcID, AcceptingVpcID: c.Acceptor.VpcID, Name: mark})
	require.NoError(t, err)
	for _, role := range interconnect.Roles {
		for _, r := range interconnect.WantedRoutes(c, role) {
			_, err := w.engine.AddRouteEntry(engine.RouteEntry{TableID: r.RouteTableID, Destination: r.Destination, NextHops: []engine.NextHop{{Type: "VpcPeer", ID: "pcc-" + id}}, Name: mark})
			require.NoError(t, err)
		}
	}
	_, kept, _ := w.clients("intake")
	_, err = kept.PutRequest(ctx, id, interconnect.Wanted{Connection: c, By: "test", At: w.Now()})
	require.NoError(t, err)
	_, kept, _ = w.clients("verification")
	require.NoError(t, kept.PutStatus(ctx, id, interconnect.Verification, interconnect.StepStatus{
		Generation: 1, Action: interconnect.Connect, Progress: interconnect.Done, Since: w.Now(), UpdatedAt: w.Now(),
		Verdicts: []interconnect.Verdict{v}, Finding: v.Finding(), Trace: "made",
	}))
}

// minute is the time from a sweep to the next. A stream that pushes one event at
// a time hands over the next when the last invocation has ended, each of which
// takes as long as told; 0: there are as many at once as there are events.
func (w *watched) minute(each time.Duration) {
	t := w.t
	in := w.intake()
	in.CheckInterval = w.interval
	_, err := in.Sweep(context.Background())
	require.NoError(t, err)
	q := engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + string(interconnect.Verification)}
	for end := w.Now().Add(time.Minute); w.Now().Before(end); {
		list, err := w.engine.ReceiveMessages(q, 1, 0)
		require.NoError(t, err)
		if len(list) == 0 {
			w.pass(time.Second)
			continue
		}
		w.invocations++
		require.NoError(t, w.deliver("verification", list[0].Body))
		require.NoError(t, w.engine.DeleteMessage(q, list[0].ReceiptHandle))
		if each > 0 {
			w.pass(each)
		}
	}
}

// verdicts counts the checks of each connection, and holds them to be well.
func (w *watched) verdicts() map[string]int {
	_, kept, _ := w.clients("intake")
	all, err := kept.List(context.Background())
	require.NoError(w.t, err)
	require.Len(w.t, all, w.connections)
	n := map[string]int{}
	for _, r := range all {
		v := r.Steps[interconnect.Verification].Verdicts
		require.Equal(w.t, interconnect.VerdictConnected, v[0].Outcome, v[0].Why)
		require.Empty(w.t, v[0].Drift)
		n[r.ID] = len(v) - 1
	}
	return n
}

// callsOfACheck is how many calls a check of the schedule makes that finds nothing
// wrong, in the hour in which the request was recorded: on each side a ping, what
// it prints, what joins the VPCs, a table and a group.
const callsOfACheck = 10

func TestAllConnectionsAreCheckedInEachPeriod(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		interval time.Duration
		each     time.Duration
	}{
		"as many events at once as there are":                   {intake.DefaultCheckInterval, 0},
		"one event at a time, of a second, in twice the period": {2 * intake.DefaultCheckInterval, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watch(t, *checked, tt.interval)
			for range int(tt.interval/time.Minute) + 1 { // the last begin at the end of the period
				w.minute(tt.each)
			}
			for id, n := range w.verdicts() {
				require.GreaterOrEqual(t, n, 1, "%s is missed", id)
				require.LessOrEqual(t, n, 2, "%s is checked more often than is due", id)
			}
			require.Zero(t, w.throttled)
			require.Empty(t, w.denied)
			busiest, most, pings, calls := "", 0, 0, 0
			for at, n := range w.calls {
				if strings.HasPrefix(at, "RunCommand ") {
					pings += n
					if n > most {
						busiest, most = at, n
					}
				}
				if !strings.Contains(at, "Parameter") { // what is recorded costs no network's rate limits
					calls += n
				}
			}
			require.Equal(t, callsOfACheck*pings/2, calls, "%v", w.calls)
			require.LessOrEqual(t, most, max(3, w.connections/20), "spread: %s", busiest)
			t.Logf("%d connections, every %s: %d invocations, at most %d commands a second in a region", w.connections, tt.interval, w.invocations, most)
			require.Equal(t, 0, len(w.queued(chain.DeadLettersQueue)))
		})
	}
}

func (w *watched) queued(name string) []engine.Message {
	w.t.Helper()
	all, err := w.engine.QueueMessages(engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + name})
	require.NoError(w.t, err)
	return all
}
