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
	"vpcinterconnect/shared/steps/routes"
)

const mark = "interconnect.vi.orders-to-billing"

// cloud is a mock of what the step needs. Reads answer from what the calls have
// made of the entries; every mutating call must be expected.
type cloud struct {
	mock.Mock
	mu       sync.Mutex
	pair     string // status of the pair of router interfaces
	peerings []interconnect.PeeringConnection
	entries  []interconnect.RouteEntry
}

func (c *cloud) RouterInterfaces(_ context.Context, _, routerID string) ([]interconnect.RouterInterface, error) {
	i := interconnect.RouterInterface{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Status: c.pair, Name: mark}
	if routerID == "vrt-2" {
		i.ID, i.RouterID, i.OppositeRouterID, i.OppositeID = "ri-2", "vrt-2", "vrt-1", "ri-1"
	}
	return []interconnect.RouterInterface{i}, nil
}

func (c *cloud) PeeringConnections(context.Context, string, string) ([]interconnect.PeeringConnection, error) {
	return c.peerings, nil
}

func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[len("vpc"):], VpcID: vpcID, System: true}}, nil
}

func (c *cloud) RouteEntries(_ context.Context, _, tableID string) ([]interconnect.RouteEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.entries), func(e interconnect.RouteEntry) bool { return e.RouteTableID != tableID }), nil
}

func (c *cloud) CreateRoutes(_ context.Context, region string, list []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
	args := c.Called(region, list)
	failures, _ := args.Get(0).([]interconnect.RouteFailure)
	return failures, args.Error(1)
}

func (c *cloud) RepointRoute(_ context.Context, region, id string, hop interconnect.NextHop) error {
	return c.Called(region, id, hop).Error(0)
}

func (c *cloud) DeleteRoutes(_ context.Context, region string, list []interconnect.RouteEntry) ([]interconnect.RouteFailure, error) {
	args := c.Called(region, list)
	failures, _ := args.Get(0).([]interconnect.RouteFailure)
	return failures, args.Error(1)
}

// once expects a call exactly once, which then changes the entries.
func (c *cloud) once(method string, change func(), args ...any) *mock.Call {
	return c.On(method, args...).Once().Run(func(mock.Arguments) {
		c.mu.Lock()
		defer c.mu.Unlock()
		change()
	})
}

// add and drop change the entries.
func (c *cloud) add(e interconnect.RouteEntry) func() {
	return func() { c.entries = append(c.entries, e) }
}

func (c *cloud) drop(id string) func() {
	return func() {
		c.entries = slices.DeleteFunc(c.entries, func(e interconnect.RouteEntry) bool { return e.ID == id })
	}
}

// entry is the route of one side, 1 or 2.
func entry(side, name, hop, status string) interconnect.RouteEntry {
	to := map[string]string{"1": "172.16.0.0/16", "2": "192.168.0.0/16"}[side]
	return interconnect.RouteEntry{
		ID: "rte-" + side, RouteTableID: "vtb-" + side, Destination: netip.MustParsePrefix(to),
		NextHopType: "RouterInterface", NextHopID: hop, Type: "Custom", Name: name, Status: status,
	}
}

func asked(side string) []interconnect.NewRoute {
	e := entry(side, mark, "ri-"+side, "")
	return []interconnect.NewRoute{{
		RouteTableID: e.RouteTableID, Destination: e.Destination, Name: mark, Description: mark,
		NextHop: interconnect.NextHop{Type: e.NextHopType, ID: e.NextHopID},
	}}
}

func TestEventsOfTheQueue(t *testing.T) {
	t.Parallel()
	live := chaintest.Record(chaintest.Tutorial())
	ended := live
	ended.Wanted.Disconnect = true
	tests := map[string]struct {
		event  string
		record interconnect.Record
		cloud  func(c *cloud)
		next   []string // queues that the two deliveries send to: the second is a twin, and dropped
		step   interconnect.Progress
		ids    []string
		says   string // of the problem
	}{
		"a route on each side": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.once("CreateRoutes", c.add(entry("1", mark, "ri-1", "Available")), "cn-qingdao", asked("1")).Return(nil, nil)
				c.once("CreateRoutes", c.add(entry("2", mark, "ri-2", "Created")), "cn-beijing", asked("2")).Return(nil, nil)
			},
			next: []string{"security-groups"}, step: interconnect.Done, ids: []string{"rte-1", "rte-2"},
		},
		"routes that are still being made are handed back": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.once("CreateRoutes", c.add(entry("1", mark, "ri-1", "Creating")), "cn-qingdao", asked("1")).Return(nil, nil)
				c.once("CreateRoutes", c.add(entry("2", mark, "ri-2", "Pending")), "cn-beijing", asked("2")).Return(nil, nil)
			},
			next: []string{"routes"}, step: interconnect.Waiting,
		},
		"an equal route by hand is used": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.entries = []interconnect.RouteEntry{entry("1", "by hand", "ri-1", "Available"), entry("2", mark, "ri-2", "Available")}
			},
			next: []string{"security-groups"}, step: interconnect.Done, ids: []string{"rte-1 (not ours)", "rte-2"},
		},
		"a route by hand that leads elsewhere is rolled back from": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.entries = []interconnect.RouteEntry{entry("1", "by hand", "ri-9", "Available")}
			},
			next: []string{"security-groups"}, step: interconnect.Failed, says: "ri-9",
		},
		"ours that leads elsewhere is led back": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.entries = []interconnect.RouteEntry{entry("1", mark, "ri-old", "Available"), entry("2", mark, "ri-2", "Available")}
				c.once("RepointRoute", func() { c.entries[0].NextHopID = "ri-1" }, "cn-qingdao", "rte-1",
					interconnect.NextHop{Type: "RouterInterface", ID: "ri-1"}).Return(nil)
			},
			next: []string{"security-groups"}, step: interconnect.Done, ids: []string{"rte-1", "rte-2"},
		},
		"a full table is named and rolled back from": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.entries = []interconnect.RouteEntry{entry("1", mark, "ri-1", "Available")}
				full := &interconnect.CloudError{Class: interconnect.Quota, Action: "CreateRouteEntries", Code: "QuotaExceeded", HTTPStatus: 200}
				c.once("CreateRoutes", func() {}, "cn-beijing", asked("2")).
					Return([]interconnect.RouteFailure{{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHopID: "ri-2", Err: full}}, nil)
			},
			next: []string{"security-groups"}, step: interconnect.Failed, says: "vtb-2",
		},
		"a pair that is not Active gets no routes": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) { c.pair = "Inactive" },
			next:  []string{"routes"}, step: interconnect.Waiting,
		},
		"a disconnect takes ours and leaves one by hand": {
			event: "prune.json", record: ended,
			cloud: func(c *cloud) {
				c.entries = []interconnect.RouteEntry{entry("1", mark, "ri-1", "Available"), entry("2", "by hand", "ri-2", "Available")}
				c.once("DeleteRoutes", c.drop("rte-1"), "cn-qingdao", []interconnect.RouteEntry{c.entries[0]}).Return(nil, nil)
			},
			next: []string{"peering"}, step: interconnect.Done,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{pair: "Active"}
			c.Test(t)
			tt.cloud(c)
			memory := chaintest.NewMemory(tt.record)
			h := chaintest.Handler(routes.New(c), memory, chaintest.Start)
			event, err := os.ReadFile(filepath.Join("testdata", tt.event))
			require.NoError(t, err)

			next, err := chaintest.Play(h, memory, event)
			require.NoError(t, err)
			c.AssertExpectations(t)
			require.Equal(t, tt.next, next)
			got, err := memory.Get(context.Background(), tt.record.ID)
			require.NoError(t, err)
			status := got.Steps[interconnect.Routes]
			require.Equal(t, tt.step, status.Progress)
			require.Equal(t, tt.ids, status.Resources)
			if tt.says != "" {
				require.Contains(t, status.Problem.Sentence, tt.says)
			}
		})
	}
}

func TestWhatIsNoMessageGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	c.Test(t)
	memory := chaintest.NewMemory()
	h := chaintest.Handler(routes.New(c), memory, chaintest.Start)
	require.NoError(t, h.Handle(context.Background(), chaintest.Event("routes", []byte("not JSON"))))
	sent := memory.Take()
	require.Len(t, sent, 1)
	require.Equal(t, chain.DeadLettersQueue, sent[0].Queue)
}
