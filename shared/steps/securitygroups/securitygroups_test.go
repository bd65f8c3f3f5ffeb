package securitygroups_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/securitygroups"
)

const mark = "interconnect.vi.orders-to-billing"

// cloud is the part of the cloud that the step talks to: an equal rule is taken
// without a word and not added, and an unknown id refuses a whole revocation.
type cloud struct {
	mu     sync.Mutex
	groups []string
	rules  []interconnect.Rule
	made   int
	calls  []string
	before func(action string) error
	after  func(n int) error
	lag    int
	past   [][]interconnect.Rule
}

func newCloud(rules ...interconnect.Rule) *cloud {
	return &cloud{groups: []string{"sg-1", "sg-2"}, rules: slices.Clone(rules)}
}

func fail(class interconnect.Class, action, code string) error {
	return &interconnect.CloudError{Class: class, Action: action, Code: code, Message: "as told", RequestID: "req", HTTPStatus: 400}
}

func (c *cloud) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = append(c.past, slices.Clone(c.rules))
}

func (c *cloud) Rules(_ context.Context, _, id string) ([]interconnect.Rule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.groups, id) {
		return nil, fail(interconnect.Gone, "DescribeSecurityGroupAttribute", "InvalidSecurityGroupId.NotFound")
	}
	seen := c.rules
	if n := len(c.past) - c.lag; c.lag > 0 && n >= 0 {
		seen = c.past[n]
	} else if c.lag > 0 {
		seen = nil
	}
	return slices.DeleteFunc(slices.Clone(seen), func(r interconnect.Rule) bool { return r.GroupID != id }), nil
}

func (c *cloud) mutate(action string, id string, n int, do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n == 0 || n > 100 {
		return fail(interconnect.Permanent, action, "BatchSize")
	}
	if c.before != nil {
		if err := c.before(action); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	c.calls = append(c.calls, action+" "+id)
	if c.after != nil {
		return c.after(len(c.calls))
	}
	return nil
}

func (c *cloud) Authorize(_ context.Context, _, id string, d interconnect.Direction, rules []interconnect.Rule) error {
	return c.mutate("Authorize "+string(d), id, len(rules), func() error {
		for _, r := range rules {
			equal := func(e interconnect.Rule) bool {
				e.ID, e.Description = r.ID, r.Description
				return e == r
			}
			if r.GroupID != id || r.Direction != d {
				return fail(interconnect.Permanent, "AuthorizeSecurityGroup", "NotOfThisCall")
			}
			if !slices.ContainsFunc(c.rules, equal) {
				c.made++
				r.ID = fmt.Sprintf("sgr-%d", c.made)
				c.rules = append(c.rules, r)
			}
		}
		return nil
	})
}

func (c *cloud) Revoke(_ context.Context, _, id string, d interconnect.Direction, ids []string) error {
	return c.mutate("Revoke "+string(d), id, len(ids), func() error {
		for _, one := range ids {
			if !slices.ContainsFunc(c.rules, func(r interconnect.Rule) bool { return r.ID == one && r.GroupID == id && r.Direction == d }) {
				return fail(interconnect.Gone, "RevokeSecurityGroup", "InvalidParam.SecurityGroupRuleId")
			}
		}
		c.rules = slices.DeleteFunc(c.rules, func(r interconnect.Rule) bool { return slices.Contains(ids, r.ID) })
		return nil
	})
}

func icmp(id, group, block, description string) interconnect.Rule {
	return interconnect.Rule{
		ID: id, GroupID: group, Direction: interconnect.Ingress, Protocol: "ICMP", PortRange: "-1/-1",
		PeerBlock: netip.MustParsePrefix(block), Policy: "accept", Priority: 1, Description: description,
	}
}

func connecting() *chain.Task {
	return chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Connect)
}

func disconnecting() *chain.Task {
	r := chaintest.Record(chaintest.Tutorial())
	r.Generation, r.Wanted.Disconnect = 2, true
	return chaintest.Task(r, interconnect.Prune)
}

func drive(t *testing.T, c *cloud, task *chain.Task) chain.Outcome {
	t.Helper()
	out, err := chaintest.Drive(securitygroups.New(c), task, c.tick)
	require.NoError(t, err, "calls: %v", c.calls)
	return out
}

func TestEachGroupLetsTheOtherSideIn(t *testing.T) {
	t.Parallel()
	c := newCloud(icmp("sgr-own", "sg-1", "0.0.0.0/0", "by hand"))
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindDone, out.Kind)
	require.ElementsMatch(t, []string{"Authorize ingress sg-1", "Authorize ingress sg-2"}, c.calls)
	require.Len(t, c.rules, 3)
	for _, r := range c.rules[1:] {
		require.Equal(t, mark, r.Description)
		require.Equal(t, 1, r.Priority)
		require.Equal(t, "accept", r.Policy)
	}

	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
	require.Empty(t, c.calls, "the same request again changes nothing")
}

func TestAnAdvancedGroupLetsOutToo(t *testing.T) {
	t.Parallel()
	c := newCloud()
	task := connecting()
	task.Want.Initiator.SecurityGroups[0].Advanced = true
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.ElementsMatch(t, []string{"Authorize ingress sg-1", "Authorize egress sg-1", "Authorize ingress sg-2"}, c.calls)
}

func TestManyRulesAreAddedInBatches(t *testing.T) {
	t.Parallel()
	c := newCloud()
	task := connecting()
	task.Want.Acceptor.CidrBlocks = nil
	for i := range 230 {
		task.Want.Acceptor.CidrBlocks = append(task.Want.Acceptor.CidrBlocks, netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", i)))
	}
	out := drive(t, c, task)
	require.Equal(t, chain.KindDone, out.Kind)
	require.Len(t, c.rules, 231)
	require.Len(t, c.calls, 4)
	require.Less(t, len(strings.Join(out.Resources, ",")), 1000)
}

func TestAnEqualRuleByHandSurvivesConnectAndDisconnect(t *testing.T) {
	t.Parallel()
	c := newCloud(icmp("sgr-own", "sg-1", "172.16.0.0/16", "monitoring"))
	out := drive(t, c, connecting())
	require.Contains(t, out.Resources, "sgr-own (not ours)")
	require.Equal(t, []string{"Authorize ingress sg-2"}, c.calls)
	require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
	require.Equal(t, []interconnect.Rule{icmp("sgr-own", "sg-1", "172.16.0.0/16", "monitoring")}, c.rules)
}

func TestADropThatOverrulesOursIsKeptAndTold(t *testing.T) {
	t.Parallel()
	drop := icmp("sgr-drop", "sg-2", "192.168.0.0/16", "by hand")
	drop.Policy = "drop"
	c := newCloud(drop)
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindDone, out.Kind)
	require.Contains(t, out.Note, "sgr-drop")
	require.Contains(t, c.rules, drop)
}

func TestGroupsThatMayNotNameEachOther(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.before = func(string) error {
		return fail(interconnect.Permanent, "AuthorizeSecurityGroup", "InvalidSourceGroupId.Mismatch")
	}
	task := connecting()
	for _, role := range interconnect.Roles {
		task.Want.Side(role).SecurityGroups[0].Authorization = interconnect.BySecurityGroup
	}
	out := drive(t, c, task)
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "CidrBlock")
	require.Equal(t, "InvalidSourceGroupId.Mismatch", out.Problem.Code)
	require.Empty(t, c.rules, "a block in the group's place would let in more")
}

func TestFailuresOfACall(t *testing.T) {
	t.Parallel()
	for class, kind := range map[interconnect.Class]chain.Kind{
		interconnect.Throttled: chain.KindWait, interconnect.Transient: chain.KindRetry,
		interconnect.Quota: chain.KindReject, interconnect.Denied: chain.KindReject,
	} {
		c := newCloud()
		c.before = func(string) error { return fail(class, "AuthorizeSecurityGroup", "SomeCode") }
		require.Equal(t, kind, securitygroups.New(c).Run(context.Background(), connecting()).Kind, class)
	}
}

func TestAGroupThatIsGone(t *testing.T) {
	t.Parallel()
	t.Run("ends a connect", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.groups = []string{"sg-1"}
		require.Equal(t, chain.KindReject, drive(t, c, connecting()).Kind)
	})
	t.Run("named as a peer ends a connect, too", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		c.before = func(string) error {
			return fail(interconnect.Gone, "AuthorizeSecurityGroup", "InvalidSourceGroupId.NotFound")
		}
		require.Equal(t, chain.KindReject, drive(t, c, connecting()).Kind)
	})
	t.Run("has nothing to remove", func(t *testing.T) {
		t.Parallel()
		c := newCloud(icmp("sgr-1", "sg-1", "172.16.0.0/16", mark))
		c.groups = []string{"sg-1"}
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.rules)
	})
}

func TestReadsThatLagAndAnswersThatAreLost(t *testing.T) {
	t.Parallel()
	for lag := range 4 {
		for lost := range 3 {
			c := newCloud()
			c.lag = lag
			c.after = func(n int) error {
				if n <= lost {
					return fail(interconnect.Transient, "AuthorizeSecurityGroup", "InternalError")
				}
				return nil
			}
			require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
			require.Len(t, c.rules, 2)
			c.calls = nil
			require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
			require.Empty(t, c.rules)
		}
	}
}

func TestADisconnectTakesOurRulesAway(t *testing.T) {
	t.Parallel()
	all := []interconnect.Rule{
		icmp("sgr-1", "sg-1", "172.16.0.0/16", mark), icmp("sgr-2", "sg-2", "192.168.0.0/16", mark),
		icmp("sgr-3", "sg-2", "10.0.0.0/8", "by hand"), icmp("sgr-4", "sg-2", "10.0.0.0/8", "interconnect.other.orders-to-billing"),
		icmp("sgr-5", "sg-old", "172.16.0.0/16", mark),
	}
	c := newCloud(all...)
	c.groups = append(c.groups, "sg-old")
	task := disconnecting()
	task.Record.Wanted.Former = []interconnect.Place{{Role: interconnect.Initiator, Group: "sg-old"}}
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Equal(t, all[2:4], c.rules)
	require.ElementsMatch(t, []string{"Revoke ingress sg-1", "Revoke ingress sg-2", "Revoke ingress sg-old"}, c.calls)

	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
	require.Empty(t, c.calls)
}

func TestRulesThatCannotBeRemovedAreLeftOverAndTold(t *testing.T) {
	t.Parallel()
	c := newCloud(icmp("sgr-1", "sg-1", "172.16.0.0/16", mark))
	c.before = func(string) error { return fail(interconnect.Denied, "RevokeSecurityGroup", "Forbidden.RAM") }
	out := drive(t, c, disconnecting())
	require.Equal(t, chain.KindReject, out.Kind)
	require.Len(t, out.Leftovers, 1)
	require.Equal(t, "sgr-1", out.Leftovers[0].Resource)
	require.Equal(t, "Forbidden.RAM", out.Leftovers[0].Code, "with the cloud's error")
}

func TestAConnectionWithoutGroupsIsDone(t *testing.T) {
	t.Parallel()
	c := newCloud()
	task := connecting()
	task.Want.Initiator.SecurityGroups, task.Want.Acceptor.SecurityGroups = nil, nil
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Empty(t, c.calls)
	require.Equal(t, interconnect.SecurityGroups, securitygroups.New(c).Step())
}
