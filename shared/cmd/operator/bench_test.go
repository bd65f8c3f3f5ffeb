package main

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	localmns "vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
)

const (
	home = "cn-hangzhou"
	away = "cn-beijing"
)

// bench is a deployment on a local cloud in process, with two VPCs, and the
// operator's commands on it. Its clock moves when a command waits.
type bench struct {
	*engine.Engine
	t   *testing.T
	env map[string]string
	d   *deployment

	mu    sync.Mutex
	now   time.Time
	calls []string // made over the wire: action
}

func (b *bench) Now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) wait(_ context.Context, d time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
	return nil
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: time.Now(), env: map[string]string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "operator-key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "operator-secret",
	}}
	b.Engine = engine.New(engine.Options{Clock: b, Seed: 1, NoRates: true})
	b.AddUser("operator", "operator-key", "operator-secret")
	for region, n := range map[string]string{home: "a", away: "b"} {
		b.AddRegion(engine.Region{ID: region, Zones: []string{region + "-a"}})
		block := map[string]string{"a": "192.168.0.0/16", "b": "172.16.0.0/16"}[n]
		_, _, err := b.AddVPC(engine.VPC{ID: "vpc-" + n, RegionID: region, RouterID: "vrt-" + n, Block: netip.MustParsePrefix(block)}, "vtb-"+n)
		require.NoError(t, err)
		_, err = b.AddSecurityGroup(engine.SecurityGroup{ID: "sg-" + n, VpcID: "vpc-" + n})
		require.NoError(t, err)
	}
	for _, name := range chain.QueueNames() {
		_, err := b.CreateQueue(engine.QueueRef{Region: home, Name: "vi-" + name}, engine.DefaultQueueAttributes())
		require.NoError(t, err)
	}
	noted := func(action string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.calls = append(b.calls, action)
	}
	cloud := openapi.InProcess(openapi.New(openapi.Options{Engine: b.Engine, Record: func(r openapi.Record) { noted(r.Action) }}))
	queues := openapi.InProcess(localmns.New(localmns.Options{Engine: b.Engine, Record: func(r localmns.Record) { noted(r.Action) }}))
	way := roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Host, ".mns.") {
			return queues.RoundTrip(r)
		}
		return cloud.RoundTrip(r)
	})
	d, err := fromEnvironment(func(k string) string { return b.env[k] }, way)()
	require.NoError(t, err)
	d.now, d.pause = b.Now, b.wait
	b.d = d
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// run runs a command as the command line would.
func (b *bench) run(args ...string) (string, error) {
	b.t.Helper()
	open := func() (*deployment, error) { return b.d, nil }
	root := &cobra.Command{Use: "operator", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(freezeCommand(open), thawCommand(open), orphansCommand(open), deadLettersCommand(open))
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(args)
	b.mu.Lock()
	b.calls = nil
	b.mu.Unlock()
	err := root.ExecuteContext(b.t.Context())
	return out.String(), err
}

// mustRun runs a command that is to succeed.
func (b *bench) mustRun(args ...string) string {
	b.t.Helper()
	out, err := b.run(args...)
	require.NoError(b.t, err, out)
	return out
}

// changed lists the calls of the last command that were no reads.
func (b *bench) changed() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, c := range b.calls {
		if !strings.HasPrefix(c, "Describe") && !strings.HasPrefix(c, "Get") && !strings.HasPrefix(c, "List") && !strings.HasPrefix(c, "BatchPeek") {
			out = append(out, c)
		}
	}
	return out
}

// connection is one of the bench's two VPCs.
func connection(id string) *interconnect.Connection {
	side := func(region, n, block string) interconnect.Side {
		return interconnect.Side{
			Account: "1234567890123456", RegionID: region, VpcID: "vpc-" + n, VRouterID: "vrt-" + n,
			CidrBlocks: []netip.Prefix{netip.MustParsePrefix(block)}, RouteTableIDs: []string{"vtb-" + n},
			SecurityGroups: []interconnect.SecurityGroup{{ID: "sg-" + n, Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{{Protocol: "ICMP", PortRange: "-1/-1"}}}},
		}
	}
	return &interconnect.Connection{
		ID: id, Type: interconnect.TypeExpressConnect, Specification: "Mini.2", OnFailure: interconnect.OnFailureRollback, Repair: interconnect.RepairReport,
		Initiator: side(home, "a", "192.168.0.0/16"), Acceptor: side(away, "b", "172.16.0.0/16"),
	}
}

// record writes a record, and the end of its chain if it is to have ended.
func (b *bench) record(w interconnect.Wanted, ended bool) (generation int) {
	b.t.Helper()
	w.At = b.Now()
	id := w.Connection.ID
	generation, err := b.d.records.PutRequest(b.t.Context(), id, w)
	require.NoError(b.t, err)
	if ended {
		action := interconnect.Connect
		if w.Disconnect {
			action = interconnect.Prune
		}
		require.NoError(b.t, b.d.records.PutStatus(b.t.Context(), id, interconnect.Verification, interconnect.StepStatus{
			Generation: generation, Action: action, Progress: interconnect.Done, UpdatedAt: b.Now(),
			Verdicts: []interconnect.Verdict{{At: b.Now(), Outcome: interconnect.VerdictConnected}},
		}))
	}
	return generation
}
