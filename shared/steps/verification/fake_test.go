package verification_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// reads counts calls that look, by method.
type reads struct {
	mu sync.Mutex
	by map[string]int
}

func (r *reads) add(method string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by == nil {
		r.by = map[string]int{}
	}
	r.by[method]++
}

func (r *reads) take() (by map[string]int, all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	by, r.by = r.by, nil
	for _, n := range by {
		all += n
	}
	return by, all
}

// cloud is the part of the cloud that the step talks to.
type cloud struct {
	reads       reads
	looks       atomic.Int32 // at what joins the VPCs: two, one of each side, for a look at all that is there
	mu          sync.Mutex
	instances   []interconnect.Instance
	offline     []string
	accepts     bool // a command for an instance whose agent is offline, which fails then
	invocations []interconnect.Invocation
	tokens      map[string]string
	commands    []interconnect.Command // each that ran, once for each token
	calls       int
	lag         int // ticks until a command is listed
	ticks       int
	startedAt   map[string]int

	answer func(from string, try int) (output string, exit int, code string)
	late   time.Duration // when commands start, after chaintest.Start
	before func() error
	after  func() error

	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	entries    []interconnect.RouteEntry
	rules      []interconnect.Rule
	blocks     map[string][]netip.Prefix // secondary, by VPC
	acls       map[string]string         // by vSwitch
	unread     map[string]error          // by what cannot be read
}

func newCloud() *cloud {
	instance := func(id, n, ip string) interconnect.Instance {
		return interconnect.Instance{ID: id, VpcID: "vpc-" + n, VSwitchID: "vsw-" + n, PrivateIP: netip.MustParseAddr(ip), Running: true, OSType: "linux", SecurityGroupIDs: []string{"sg-" + n}}
	}
	return &cloud{
		instances: []interconnect.Instance{instance("i-1", "1", "192.168.0.10"), instance("i-2", "2", "172.16.0.10")},
		tokens:    map[string]string{}, startedAt: map[string]int{},
		answer: func(string, int) (string, int, string) { return reply, 0, "" },
	}
}

func fail(class interconnect.Class, action, code string) error {
	return &interconnect.CloudError{Class: class, Action: action, Code: code, Message: "as told", RequestID: "req", HTTPStatus: 400}
}

func (c *cloud) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticks++
	for i := range c.invocations {
		if v := &c.invocations[i]; !v.Finished && c.startedAt[v.ID] < c.ticks {
			v.Output, v.ExitCode, v.ErrorCode = c.answer(v.InstanceID, tryOf(v.CommandName))
			if slices.Contains(c.offline, v.InstanceID) {
				v.Output, v.ExitCode, v.ErrorCode = "", 0, "ClientNotRunning"
			}
			v.Finished, v.Status = true, "Success"
			if v.ExitCode != 0 {
				v.Status = "Failed"
				if v.ErrorCode == "" {
					v.ErrorCode = "ExitCodeNonzero"
				}
			}
		}
	}
}

func tryOf(name string) int {
	var try int
	_, _ = fmt.Sscan(name[strings.LastIndex(name, ".")+1:], &try)
	return try
}

func (c *cloud) Instances(_ context.Context, _, vpcID string) ([]interconnect.Instance, error) {
	c.reads.add("Instances")
	var out []interconnect.Instance
	for _, i := range c.instances {
		if i.VpcID == vpcID {
			out = append(out, i)
		}
	}
	return out, nil
}

func (c *cloud) InstancesByID(_ context.Context, _ string, ids []string) ([]interconnect.Instance, error) {
	c.reads.add("InstancesByID")
	var out []interconnect.Instance
	for _, i := range c.instances {
		if slices.Contains(ids, i.ID) {
			out = append(out, i)
		}
	}
	return out, nil
}

func (c *cloud) AgentsOnline(_ context.Context, _ string, ids []string) (map[string]bool, error) {
	c.reads.add("AgentsOnline")
	online := map[string]bool{}
	for _, id := range ids {
		online[id] = true
	}
	for _, id := range c.offline {
		online[id] = false
	}
	return online, nil
}

func (c *cloud) RunCommand(_ context.Context, _ string, cmd interconnect.Command) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		if err := c.before(); err != nil {
			return "", err
		}
	}
	at := slices.IndexFunc(c.instances, func(i interconnect.Instance) bool { return i.ID == cmd.InstanceID })
	switch {
	case at < 0:
		return "", fail(interconnect.Gone, "RunCommand", "InvalidInstance.NotFound")
	case !c.instances[at].Running || slices.Contains(c.offline, cmd.InstanceID) && !c.accepts:
		return "", fail(interconnect.Permanent, "RunCommand", "InvalidInstance.NotMatch")
	}
	c.calls++
	id, known := c.tokens[cmd.Token]
	if !known {
		id = fmt.Sprintf("t-%d", len(c.tokens)+1)
		c.tokens[cmd.Token] = id
		c.commands = append(c.commands, cmd)
		c.startedAt[id] = c.ticks
		c.invocations = append([]interconnect.Invocation{{ID: id, CommandName: cmd.Name, InstanceID: cmd.InstanceID, Script: cmd.Script, Status: "Running", CreatedAt: chaintest.Start.Add(c.late)}}, c.invocations...)
	}
	if c.after != nil {
		return "", c.after()
	}
	return id, nil
}

func (c *cloud) Invocations(_ context.Context, _, instanceID string) ([]interconnect.Invocation, error) {
	c.reads.add("Invocations")
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []interconnect.Invocation
	for _, v := range c.invocations {
		if v.InstanceID == instanceID && c.startedAt[v.ID]+c.lag <= c.ticks {
			out = append(out, v)
		}
	}
	return out, nil
}

func (c *cloud) RouterInterfaces(_ context.Context, _, routerID string) ([]interconnect.RouterInterface, error) {
	c.reads.add("RouterInterfaces")
	c.looks.Add(1)
	var out []interconnect.RouterInterface
	for _, i := range c.interfaces {
		if i.RouterID == routerID {
			out = append(out, i)
		}
	}
	return out, nil
}

func (c *cloud) PeeringConnections(_ context.Context, _, vpcID string) ([]interconnect.PeeringConnection, error) {
	c.reads.add("PeeringConnections")
	var out []interconnect.PeeringConnection
	for _, p := range c.peerings {
		if p.VpcID == vpcID || p.AcceptingVpcID == vpcID {
			out = append(out, p)
		}
	}
	return out, nil
}

func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	c.reads.add("RouteTables")
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[3:]}}, nil
}

func (c *cloud) RouteEntries(_ context.Context, _, tableID string) ([]interconnect.RouteEntry, error) {
	c.reads.add("RouteEntries")
	var out []interconnect.RouteEntry
	for _, e := range c.entries {
		if e.RouteTableID == tableID {
			out = append(out, e)
		}
	}
	return out, nil
}

func (c *cloud) Rules(_ context.Context, _, groupID string) ([]interconnect.Rule, error) {
	c.reads.add("Rules")
	var out []interconnect.Rule
	for _, r := range c.rules {
		if r.GroupID == groupID {
			out = append(out, r)
		}
	}
	return out, nil
}

func (c *cloud) VPC(_ context.Context, region, id string) (*interconnect.VPC, error) {
	c.reads.add("VPC")
	if err := c.unread["VPC"]; err != nil {
		return nil, err
	}
	block := map[string]string{"vpc-1": "192.168.0.0/16", "vpc-2": "172.16.0.0/16"}[id]
	return &interconnect.VPC{ID: id, RegionID: region, VRouterID: "vrt" + id[len("vpc"):], CidrBlock: netip.MustParsePrefix(block), SecondaryBlocks: c.blocks[id], Available: true}, nil
}

func (c *cloud) VSwitches(_ context.Context, _, vpcID string) ([]interconnect.VSwitch, error) {
	c.reads.add("VSwitches")
	n := vpcID[len("vpc-"):]
	block := map[string]string{"1": "192.168.0.0/24", "2": "172.16.0.0/24"}[n]
	return []interconnect.VSwitch{{ID: "vsw-" + n, VpcID: vpcID, CidrBlock: netip.MustParsePrefix(block), RouteTableID: "vtb-" + n, NetworkAclID: c.acls["vsw-"+n]}}, nil
}

func (c *cloud) SecurityGroups(_ context.Context, _, vpcID string) ([]interconnect.GroupFacts, error) {
	c.reads.add("SecurityGroups")
	return []interconnect.GroupFacts{{ID: "sg" + vpcID[len("vpc"):], VpcID: vpcID}}, nil
}

func (c *cloud) GroupRules(ctx context.Context, region, groupID string) ([]interconnect.Rule, bool, error) {
	rules, err := c.Rules(ctx, region, groupID)
	return rules, false, err
}

func (c *cloud) NetworkAcl(_ context.Context, _, id string) (*interconnect.NetworkAcl, error) {
	c.reads.add("NetworkAcl")
	if err := c.unread[id]; err != nil {
		return nil, err
	}
	return &interconnect.NetworkAcl{ID: id}, nil
}

// made puts all there that a connect makes.
func (c *cloud) made() *cloud {
	want := chaintest.Tutorial()
	pair := func(n, other string, role string) interconnect.RouterInterface {
		return interconnect.RouterInterface{ID: "ri-" + n, RouterID: "vrt-" + n, RouterType: "VRouter", OppositeRouterID: "vrt-" + other, OppositeID: "ri-" + other,
			Role: role, Specification: map[string]string{"1": "Mini.2", "2": "Negative"}[n], Status: "Active", OppositeStatus: "Active", BusinessStatus: "Normal", Name: mark}
	}
	c.interfaces = []interconnect.RouterInterface{pair("1", "2", "InitiatingSide"), pair("2", "1", "AcceptingSide")}
	for i, role := range interconnect.Roles {
		defer func() { // behind those that tests take away
			id := want.Side(role).RouteTableIDs[0]
			c.entries = append(c.entries, interconnect.RouteEntry{ID: "system-" + id, RouteTableID: id, Destination: netip.MustParsePrefix("100.64.0.0/10"), Type: "System", NextHopType: "service", Status: "Available"})
		}()
		for _, w := range interconnect.WantedRoutes(want, role) {
			c.entries = append(c.entries, interconnect.RouteEntry{ID: "rte-" + w.RouteTableID, RouteTableID: w.RouteTableID, Destination: w.Destination,
				NextHopType: "RouterInterface", NextHopID: c.interfaces[i].ID, Type: "Custom", Name: mark, Status: "Available"})
		}
		for _, r := range interconnect.WantedRules(want, role) {
			r.ID, r.Description = "sgr-"+r.GroupID, mark
			c.rules = append(c.rules, r)
		}
	}
	return c
}

func task(a interconnect.Action) *chain.Task {
	return chaintest.Task(chaintest.Record(chaintest.Tutorial()), a)
}

func disconnecting() *chain.Task {
	r := chaintest.Record(chaintest.Tutorial())
	r.Generation, r.Wanted.Disconnect = 2, true
	return chaintest.Task(r, interconnect.Prune)
}

func verdict(t *testing.T, c *cloud, task *chain.Task) interconnect.Verdict {
	t.Helper()
	out, err := chaintest.Drive(verification.New(c), task, c.tick)
	require.NoError(t, err)
	require.Equal(t, chain.KindDone, out.Kind, "%+v", out.Problem)
	require.NotNil(t, out.Verdict)
	return *out.Verdict
}
