package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/securitygroups"
)

const mark = "interconnect.vi.orders-to-billing"

// cloud is a mock of what the step needs. Reads answer from what the calls have
// made of the rules; every mutating call must be expected.
type cloud struct {
	mock.Mock
	mu    sync.Mutex
	rules []interconnect.Rule
}

func (c *cloud) Rules(_ context.Context, _, groupID string) ([]interconnect.Rule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.rules), func(r interconnect.Rule) bool { return r.GroupID != groupID }), nil
}

func (c *cloud) Authorize(_ context.Context, region, groupID string, d interconnect.Direction, rules []interconnect.Rule) error {
	return c.Called(region, groupID, d, rules).Error(0)
}

func (c *cloud) Revoke(_ context.Context, region, groupID string, d interconnect.Direction, ids []string) error {
	return c.Called(region, groupID, d, ids).Error(0)
}

// once expects a call exactly once, which then changes the rules.
func (c *cloud) once(method string, change func(), args ...any) *mock.Call {
	return c.On(method, args...).Once().Run(func(mock.Arguments) {
		c.mu.Lock()
		defer c.mu.Unlock()
		change()
	})
}

// lets is the rule with which a side, 1 or 2, lets the other in.
func lets(side, id, description string) interconnect.Rule {
	from := map[string]string{"1": "172.16.0.0/16", "2": "192.168.0.0/16"}[side]
	return interconnect.Rule{
		ID: id, GroupID: "sg-" + side, Direction: interconnect.Ingress, Protocol: "ICMP", PortRange: "-1/-1",
		PeerBlock: netip.MustParsePrefix(from), Policy: "accept", Priority: 1, Description: description,
	}
}

// authorized expects that a side's rule is added.
func (c *cloud) authorized(region, side string) {
	c.once("Authorize", func() { c.rules = append(c.rules, lets(side, "sgr-"+side, mark)) },
		region, "sg-"+side, interconnect.Ingress, []interconnect.Rule{lets(side, "", mark)}).Return(nil)
}

// revoked expects that a rule is removed.
func (c *cloud) revoked(region, side, id string) {
	c.once("Revoke", func() {
		c.rules = slices.DeleteFunc(c.rules, func(r interconnect.Rule) bool { return r.ID == id })
	}, region, "sg-"+side, interconnect.Ingress, []string{id}).Return(nil)
}

func TestEventsOfTheQueue(t *testing.T) {
	t.Parallel()
	live := chaintest.Record(chaintest.Tutorial())
	ended := live
	ended.Wanted.Disconnect = true
	other := chaintest.Record(chaintest.Tutorial())
	other.ID = "backups"
	tests := map[string]struct {
		event  string
		record interconnect.Record
		others []interconnect.Record
		cloud  func(c *cloud)
		next   []string // queues that the two deliveries send to: the second is a twin, and dropped
		step   interconnect.Progress
		ids    []string
		says   string // of the problem, or the note
	}{
		"each group lets the other side in": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.authorized("cn-qingdao", "1")
				c.authorized("cn-beijing", "2")
			},
			next: []string{"verification"}, step: interconnect.Done, ids: []string{"sgr-1", "sgr-2"},
		},
		"an equal rule by hand is used": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.rules = []interconnect.Rule{lets("1", "sgr-own", "monitoring")}
				c.authorized("cn-beijing", "2")
			},
			next: []string{"verification"}, step: interconnect.Done, ids: []string{"sgr-own (not ours)", "sgr-2"},
		},
		"a rule that drops the same is kept and told": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				drop := lets("1", "sgr-drop", "by hand")
				drop.Policy = "drop"
				c.rules = []interconnect.Rule{drop, lets("1", "sgr-1", mark), lets("2", "sgr-2", mark)}
			},
			next: []string{"verification"}, step: interconnect.Done, ids: []string{"sgr-1", "sgr-2"}, says: "sgr-drop",
		},
		"a rule that is not seen yet is waited for": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.rules = []interconnect.Rule{lets("1", "sgr-1", mark)}
				c.On("Authorize", "cn-beijing", "sg-2", interconnect.Ingress, []interconnect.Rule{lets("2", "", mark)}).Once().Return(nil)
			},
			next: []string{"security-groups"}, step: interconnect.Waiting, ids: []string{"sgr-1"},
		},
		"groups that may not name each other are rolled back from": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.rules = []interconnect.Rule{lets("2", "sgr-2", mark)}
				mismatch := &interconnect.CloudError{Class: interconnect.Permanent, Action: "AuthorizeSecurityGroup", Code: "InvalidSourceGroupId.Mismatch", HTTPStatus: 400}
				c.once("Authorize", func() {}, "cn-qingdao", "sg-1", interconnect.Ingress, []interconnect.Rule{lets("1", "", mark)}).Return(mismatch)
			},
			next: []string{"security-groups"}, step: interconnect.Failed, says: "CidrBlock",
		},
		"a disconnect takes ours and leaves the rest": {
			event: "prune.json", record: ended,
			cloud: func(c *cloud) {
				c.rules = []interconnect.Rule{lets("1", "sgr-1", mark), lets("2", "sgr-2", mark), lets("2", "sgr-own", "monitoring")}
				c.revoked("cn-qingdao", "1", "sgr-1")
				c.revoked("cn-beijing", "2", "sgr-2")
			},
			next: []string{"routes"}, step: interconnect.Done,
		},
		"a rule that another live connection needs stays": {
			event: "prune.json", record: ended, others: []interconnect.Record{other},
			cloud: func(c *cloud) {
				c.rules = []interconnect.Rule{lets("1", "sgr-1", mark), lets("2", "sgr-2", mark)}
			},
			next: []string{"routes"}, step: interconnect.Done,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{}
			c.Test(t)
			tt.cloud(c)
			memory := chaintest.NewMemory(append(tt.others, tt.record)...)
			h := chaintest.Handler(securitygroups.New(c), memory, chaintest.Start)
			event, err := os.ReadFile(filepath.Join("testdata", tt.event))
			require.NoError(t, err)

			var next []string
			for range 2 { // the queue delivers at least once: the repeat makes no further call
				require.NoError(t, h.Handle(context.Background(), event))
				for _, sent := range memory.Take() {
					next = append(next, sent.Queue)
				}
			}
			c.AssertExpectations(t)
			require.Equal(t, tt.next, next)
			got, err := memory.Get(context.Background(), tt.record.ID)
			require.NoError(t, err)
			status := got.Steps[interconnect.SecurityGroups]
			require.Equal(t, tt.step, status.Progress)
			require.Equal(t, tt.ids, status.Resources)
			said := status.Note
			if status.Problem != nil {
				said += status.Problem.Sentence
			}
			require.Contains(t, said, tt.says)
		})
	}
}

func TestWhatIsNoMessageGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	c.Test(t)
	memory := chaintest.NewMemory()
	h := chaintest.Handler(securitygroups.New(c), memory, chaintest.Start)
	require.NoError(t, h.Handle(context.Background(), chaintest.Event("security-groups", []byte("not JSON"))))
	sent := memory.Take()
	require.Len(t, sent, 1)
	require.Equal(t, chain.DeadLettersQueue, sent[0].Queue)
}
