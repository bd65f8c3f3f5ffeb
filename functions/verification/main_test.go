package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/verification"
)

const (
	mark    = "interconnect.vi.orders-to-billing"
	reply   = "4 packets transmitted, 4 received, 0% packet loss, time 603ms\nrtt min/avg/max/mdev = 28.0/28.1/28.3/0.1 ms\n"
	noReply = "4 packets transmitted, 0 received, 100% packet loss, time 3060ms\n"
)

// cloud is a mock of what the step needs. A command that is expected is listed
// from then on; every other one fails the test.
type cloud struct {
	mock.Mock
	mu          sync.Mutex
	instances   []interconnect.Instance
	invocations []interconnect.Invocation
	rules       []interconnect.Rule
}

func (c *cloud) Instances(_ context.Context, _, vpcID string) ([]interconnect.Instance, error) {
	return slices.DeleteFunc(slices.Clone(c.instances), func(i interconnect.Instance) bool { return i.VpcID != vpcID }), nil
}

func (c *cloud) InstancesByID(_ context.Context, _ string, ids []string) ([]interconnect.Instance, error) {
	return slices.DeleteFunc(slices.Clone(c.instances), func(i interconnect.Instance) bool { return !slices.Contains(ids, i.ID) }), nil
}

func (c *cloud) AgentsOnline(_ context.Context, _ string, ids []string) (map[string]bool, error) {
	online := map[string]bool{}
	for _, id := range ids {
		online[id] = true
	}
	return online, nil
}

func (c *cloud) RunCommand(_ context.Context, region string, cmd interconnect.Command) (string, error) {
	args := c.Called(region, cmd)
	return args.String(0), args.Error(1)
}

func (c *cloud) Invocations(_ context.Context, _, instanceID string) ([]interconnect.Invocation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.invocations), func(v interconnect.Invocation) bool { return v.InstanceID != instanceID }), nil
}

func (c *cloud) RouterInterfaces(context.Context, string, string) ([]interconnect.RouterInterface, error) {
	return nil, nil
}

func (c *cloud) PeeringConnections(context.Context, string, string) ([]interconnect.PeeringConnection, error) {
	return nil, nil
}

func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[len("vpc"):], VpcID: vpcID}}, nil
}

func (c *cloud) RouteEntries(context.Context, string, string) ([]interconnect.RouteEntry, error) {
	return nil, nil
}

func (c *cloud) Rules(_ context.Context, _, groupID string) ([]interconnect.Rule, error) {
	return slices.DeleteFunc(slices.Clone(c.rules), func(r interconnect.Rule) bool { return r.GroupID != groupID }), nil
}

func (c *cloud) VPC(_ context.Context, region, id string) (*interconnect.VPC, error) {
	return &interconnect.VPC{ID: id, RegionID: region, VRouterID: "vrt" + id[len("vpc"):]}, nil
}

func (c *cloud) VSwitches(context.Context, string, string) ([]interconnect.VSwitch, error) {
	return nil, nil
}

func (c *cloud) SecurityGroups(context.Context, string, string) ([]interconnect.GroupFacts, error) {
	return nil, nil
}

func (c *cloud) GroupRules(ctx context.Context, region, groupID string) ([]interconnect.Rule, bool, error) {
	rules, err := c.Rules(ctx, region, groupID)
	return rules, false, err
}

func (c *cloud) NetworkAcl(_ context.Context, _, id string) (*interconnect.NetworkAcl, error) {
	return &interconnect.NetworkAcl{ID: id}, nil
}

// pings expects one ping from each side, which ends at once with this output.
func (c *cloud) pings(output string, exit int) {
	for _, side := range []struct{ region, from, target string }{
		{"cn-qingdao", "i-1", "172.16.0.10"}, {"cn-beijing", "i-2", "192.168.0.10"},
	} {
		fits := mock.MatchedBy(func(cmd interconnect.Command) bool {
			return cmd.InstanceID == side.from && cmd.Script == "ping -c 4 -i 0.2 -W 2 "+side.target+" || ip route get "+side.target+" 2>&1" && len(cmd.Token) == 64
		})
		c.On("RunCommand", side.region, fits).Once().Return("t-1", nil).Run(func(args mock.Arguments) {
			c.mu.Lock()
			defer c.mu.Unlock()
			cmd, _ := args.Get(1).(interconnect.Command)
			c.invocations = append(c.invocations, interconnect.Invocation{
				ID: fmt.Sprintf("t-%d", len(c.invocations)+1), CommandName: cmd.Name, InstanceID: cmd.InstanceID,
				Finished: true, Status: "Success", Output: output, ExitCode: exit,
			})
		})
	}
}

func TestEventsOfTheQueue(t *testing.T) {
	t.Parallel()
	live := chaintest.Record(chaintest.Tutorial())
	ended := live
	ended.Wanted.Disconnect = true
	instance := func(n, ip string) interconnect.Instance {
		return interconnect.Instance{ID: "i-" + n, VpcID: "vpc-" + n, PrivateIP: netip.MustParseAddr(ip), Running: true, OSType: "linux"}
	}
	both := []interconnect.Instance{instance("1", "192.168.0.10"), instance("2", "172.16.0.10")}
	tests := map[string]struct {
		event     string
		record    interconnect.Record
		cloud     func(c *cloud)
		after     time.Duration // when the second and third deliveries come
		verdict   interconnect.VerdictOutcome
		again     string // the queue at which the removal begins once more; "" if it does not
		step      interconnect.Progress
		connected bool
	}{
		"a ping each way passes": {
			event: "connect.json", record: live, after: time.Second,
			cloud:   func(c *cloud) { c.instances = both; c.pings(reply, 0) },
			verdict: interconnect.VerdictConnected, step: interconnect.Done, connected: true,
		},
		"no reply, for a minute": {
			event: "connect.json", record: live, after: time.Minute,
			cloud:   func(c *cloud) { c.instances = both; c.pings(noReply, 1) },
			verdict: interconnect.VerdictBlocked, step: interconnect.Done,
		},
		"nothing to ping from": {
			event: "connect.json", record: live, after: time.Second,
			cloud:   func(c *cloud) { c.instances = both[:1] },
			verdict: interconnect.VerdictUnproven, step: interconnect.Done,
		},
		"a check": {
			event: "verify.json", record: live, after: time.Second,
			cloud:   func(c *cloud) { c.instances = both; c.pings(reply, 0) },
			verdict: interconnect.VerdictConnected, step: interconnect.Done, connected: true,
		},
		"a disconnect is proved after a minute": {
			event: "prune.json", record: ended, after: time.Minute,
			cloud:   func(c *cloud) { c.instances = both; c.pings(noReply, 1) },
			verdict: interconnect.VerdictIsolated, step: interconnect.Done,
		},
		"what is left after a disconnect is waited for, then taken away once more": {
			event: "prune.json", record: ended, after: time.Minute,
			cloud: func(c *cloud) {
				c.instances = both
				c.rules = []interconnect.Rule{{ID: "sgr-1", GroupID: "sg-1", Description: mark}}
			},
			again: "security-groups", step: interconnect.Waiting,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{}
			c.Test(t)
			tt.cloud(c)
			memory := chaintest.NewMemory(tt.record)
			event, err := os.ReadFile(filepath.Join("testdata", tt.event))
			require.NoError(t, err)

			// The message, then what it handed back, then that once more: the
			// queue delivers at least once, and a repeat makes no further call.
			now := chaintest.Start
			for range 3 {
				h := chaintest.Handler(verification.New(c), memory, now)
				require.NoError(t, h.Handle(context.Background(), event))
				for _, sent := range memory.Take() {
					if sent.Queue != "verification" { // what is left is taken away once more
						require.NotEmpty(t, tt.again)
						require.Equal(t, tt.again, sent.Queue)
						continue
					}
					event = chaintest.Event(sent.Queue, sent.Body)
				}
				now = chaintest.Start.Add(tt.after)
			}
			c.AssertExpectations(t)
			got, err := memory.Get(context.Background(), tt.record.ID)
			require.NoError(t, err)
			status := got.Steps[interconnect.Verification]
			require.Equal(t, tt.step, status.Progress)
			require.Equal(t, tt.connected, got.LastConnected != nil)
			if tt.verdict == "" {
				require.Empty(t, status.Verdicts)
				require.Contains(t, status.Note, "sgr-1")
				return
			}
			require.Len(t, status.Verdicts, 1, "one check has one verdict")
			require.Equal(t, tt.verdict, status.Verdicts[0].Outcome)
		})
	}
}

func TestWhatIsNoMessageGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	c.Test(t)
	memory := chaintest.NewMemory()
	h := chaintest.Handler(verification.New(c), memory, chaintest.Start)
	require.NoError(t, h.Handle(context.Background(), chaintest.Event("verification", []byte("not JSON"))))
	sent := memory.Take()
	require.Len(t, sent, 1)
	require.Equal(t, chain.DeadLettersQueue, sent[0].Queue)
}
