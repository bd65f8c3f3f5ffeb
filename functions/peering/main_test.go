package main

import (
	"context"
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
	"vpcinterconnect/shared/steps/peering"
)

// cloud is a mock of what the step needs. Reads answer from what the calls have
// made of the interfaces; every mutating call must be expected.
type cloud struct {
	mock.Mock
	mu         sync.Mutex
	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	routes     []interconnect.RouteEntry
}

func (c *cloud) RouterInterfaces(_ context.Context, _, routerID string) ([]interconnect.RouterInterface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.interfaces), func(i interconnect.RouterInterface) bool { return i.RouterID != routerID }), nil
}

func (c *cloud) PeeringConnections(_ context.Context, _, vpcID string) ([]interconnect.PeeringConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.peerings), func(p interconnect.PeeringConnection) bool { return p.VpcID != vpcID && p.AcceptingVpcID != vpcID }), nil
}

func (c *cloud) CreatePeeringConnection(_ context.Context, region string, n interconnect.NewPeeringConnection) (string, error) {
	args := c.Called(region, n)
	return args.String(0), args.Error(1)
}

func (c *cloud) ModifyPeeringConnection(_ context.Context, region, id, name string, bandwidth int, link string) error {
	return c.Called(region, id, name, bandwidth, link).Error(0)
}

func (c *cloud) DeletePeeringConnection(_ context.Context, region, id string) error {
	return c.Called(region, id).Error(0)
}

func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[len("vpc"):], VpcID: vpcID}}, nil
}

func (c *cloud) RouteEntries(_ context.Context, _, tableID string) ([]interconnect.RouteEntry, error) {
	return slices.DeleteFunc(slices.Clone(c.routes), func(e interconnect.RouteEntry) bool { return e.RouteTableID != tableID }), nil
}

func (c *cloud) CreateRouterInterface(_ context.Context, region string, n interconnect.NewRouterInterface) (string, error) {
	args := c.Called(region, n)
	return args.String(0), args.Error(1)
}

func (c *cloud) SetOpposite(_ context.Context, region, id string, o interconnect.Opposite) error {
	return c.Called(region, id, o).Error(0)
}

func (c *cloud) ConnectRouterInterface(_ context.Context, region, id string) error {
	return c.Called(region, id).Error(0)
}

func (c *cloud) ActivateRouterInterface(_ context.Context, region, id string) error {
	return c.Called(region, id).Error(0)
}

func (c *cloud) DeactivateRouterInterface(_ context.Context, region, id string) error {
	return c.Called(region, id).Error(0)
}

func (c *cloud) DeleteRouterInterface(_ context.Context, region, id string) error {
	return c.Called(region, id).Error(0)
}

func (c *cloud) ModifySpecification(_ context.Context, region, id, specification string) error {
	return c.Called(region, id, specification).Error(0)
}

// once expects a call exactly once, which then changes the interfaces.
func (c *cloud) once(method string, change func(), args ...any) *mock.Call {
	return c.On(method, args...).Once().Run(func(mock.Arguments) {
		c.mu.Lock()
		defer c.mu.Unlock()
		change()
	})
}

func (c *cloud) set(status string, ids ...string) func() {
	return func() {
		for i := range c.interfaces {
			if slices.Contains(ids, c.interfaces[i].ID) {
				c.interfaces[i].Status = status
			}
		}
	}
}

func (c *cloud) gone(id string) func() {
	return func() {
		c.interfaces = slices.DeleteFunc(c.interfaces, func(i interconnect.RouterInterface) bool { return i.ID == id })
	}
}

// pair is the connection's two interfaces, ours or by hand.
func pair(name, status string) []interconnect.RouterInterface {
	c := chaintest.Tutorial()
	ids := []string{"ri-1", "ri-2"}
	var out []interconnect.RouterInterface
	for n, role := range interconnect.Roles {
		out = append(out, interconnect.RouterInterface{
			ID: ids[n], RouterID: c.Side(role).VRouterID, OppositeRouterID: c.Side(role.Other()).VRouterID, OppositeID: ids[1-n],
			Role: []string{"InitiatingSide", "AcceptingSide"}[n], Specification: []string{"Mini.2", "Negative"}[n],
			Status: status, BusinessStatus: "Normal", Name: name, CreatedAt: chaintest.Start,
		})
	}
	return out
}

const mark = "interconnect.vi.orders-to-billing"

// made expects the creation of one side.
func (c *cloud) made(region string, which int) {
	isSide := mock.MatchedBy(func(n interconnect.NewRouterInterface) bool {
		want := pair(mark, "Idle")[which]
		return n.RouterID == want.RouterID && n.OppositeRouterID == want.OppositeRouterID && n.Role == interconnect.Roles[which] &&
			n.Specification == "Mini.2" && n.Name == mark && n.Description == mark && len(n.Token) == 64
	})
	c.once("CreateRouterInterface", func() {
		i := pair(mark, "Idle")[which]
		i.OppositeID = ""
		c.interfaces = append(c.interfaces, i)
	}, region, isSide).Return(pair(mark, "")[which].ID, nil)
}

func (c *cloud) faced(region, id, opposite, router string) {
	c.once("SetOpposite", func() {
		for i := range c.interfaces {
			if c.interfaces[i].ID == id {
				c.interfaces[i].OppositeID = opposite
			}
		}
	}, region, id, interconnect.Opposite{InterfaceID: opposite, RouterID: router, OwnerID: "1234567890123456"}).Return(nil)
}

func TestEventsOfTheQueue(t *testing.T) {
	t.Parallel()
	live := chaintest.Record(chaintest.Tutorial())
	ended := live
	ended.Wanted.Disconnect = true
	newer := live
	newer.Generation = 2
	tests := map[string]struct {
		event  string
		record interconnect.Record
		cloud  func(c *cloud)
		next   []string // queues that the two deliveries send to: the second is a twin, and dropped
		step   interconnect.Progress
		ids    []string
	}{
		"from nothing to a pair that is Active": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.made("cn-qingdao", 0)
				c.made("cn-beijing", 1)
				c.faced("cn-qingdao", "ri-1", "ri-2", "vrt-2")
				c.faced("cn-beijing", "ri-2", "ri-1", "vrt-1")
				c.once("ConnectRouterInterface", c.set("Active", "ri-1", "ri-2"), "cn-qingdao", "ri-1").Return(nil)
			},
			next: []string{"routes"}, step: interconnect.Done, ids: []string{"ri-1", "ri-2"},
		},
		"a pair that is still connecting is handed back": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) { c.interfaces = pair(mark, "Connecting") },
			next:  []string{"peering"}, step: interconnect.Waiting, ids: []string{"ri-1", "ri-2"},
		},
		"a pair by hand is used": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) { c.interfaces = pair("by hand", "Active") },
			next:  []string{"routes"}, step: interconnect.Done, ids: []string{"ri-1 (not ours)", "ri-2 (not ours)"},
		},
		"a pair by hand that is not Active is rolled back from": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) { c.interfaces = pair("by hand", "Inactive") },
			// The second delivery finds the rollback under way and starts it again.
			next: []string{"security-groups"}, step: interconnect.Failed,
		},
		"ours that is Inactive is activated": {
			event: "connect.json", record: live,
			cloud: func(c *cloud) {
				c.interfaces = pair(mark, "Inactive")
				c.once("ActivateRouterInterface", c.set("Active", "ri-1"), "cn-qingdao", "ri-1").Return(nil)
				c.once("ActivateRouterInterface", c.set("Active", "ri-2"), "cn-beijing", "ri-2").Return(nil)
			},
			next: []string{"routes"}, step: interconnect.Done, ids: []string{"ri-1", "ri-2"},
		},
		"a generation that is no longer the newest is dropped": {
			event: "connect.json", record: newer, cloud: func(*cloud) {},
		},
		"a disconnect deactivates and deletes both sides": {
			event: "prune.json", record: ended,
			cloud: func(c *cloud) {
				c.interfaces = pair(mark, "Active")
				c.once("DeactivateRouterInterface", c.set("Inactive", "ri-1"), "cn-qingdao", "ri-1").Return(nil)
				c.once("DeactivateRouterInterface", c.set("Inactive", "ri-2"), "cn-beijing", "ri-2").Return(nil)
				c.once("DeleteRouterInterface", c.gone("ri-1"), "cn-qingdao", "ri-1").Return(nil)
				c.once("DeleteRouterInterface", c.gone("ri-2"), "cn-beijing", "ri-2").Return(nil)
			},
			next: []string{"verification"}, step: interconnect.Done,
		},
		"a disconnect leaves a pair by hand alone": {
			event: "prune.json", record: ended,
			cloud: func(c *cloud) { c.interfaces = pair("by hand", "Active") },
			next:  []string{"verification"}, step: interconnect.Done,
		},
		"a disconnect waits while a route of ours leads there": {
			event: "prune.json", record: ended,
			cloud: func(c *cloud) {
				c.interfaces = pair(mark, "Active")
				c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "ri-1", Name: mark}}
			},
			next: []string{"peering"}, step: interconnect.Waiting,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{}
			c.Test(t)
			tt.cloud(c)
			memory := chaintest.NewMemory(tt.record)
			h := chaintest.Handler(peering.New(c), memory, chaintest.Start)
			event, err := os.ReadFile(filepath.Join("testdata", tt.event))
			require.NoError(t, err)

			next, err := chaintest.Play(h, memory, event)
			require.NoError(t, err)
			c.AssertExpectations(t)
			require.Equal(t, tt.next, next)
			got, err := memory.Get(context.Background(), tt.record.ID)
			require.NoError(t, err)
			require.Equal(t, tt.step, got.Steps[interconnect.Peering].Progress)
			require.Equal(t, tt.ids, got.Steps[interconnect.Peering].Resources)
		})
	}
}

// byPeering is the record of a connection by VPC peering.
func byPeering(disconnect bool) interconnect.Record {
	c := chaintest.Tutorial()
	c.Type, c.Specification, c.Bandwidth, c.LinkType = interconnect.TypeVpcPeering, "", 100, "Gold"
	r := chaintest.Record(c)
	r.Wanted.Disconnect = disconnect
	return r
}

func peer(status, name string) []interconnect.PeeringConnection {
	return []interconnect.PeeringConnection{{ID: "pcc-1", RegionID: "cn-qingdao", VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2",
		Bandwidth: 100, LinkType: "Gold", Status: status, BusinessStatus: "Normal", Name: name, CreatedAt: chaintest.Start}}
}

func TestEventsOfTheQueueForAPeering(t *testing.T) {
	t.Parallel()
	isPeering := mock.MatchedBy(func(n interconnect.NewPeeringConnection) bool {
		return n.VpcID == "vpc-1" && n.AcceptingVpcID == "vpc-2" && n.AcceptingRegionID == "cn-beijing" && n.AcceptingAccount == "1234567890123456" &&
			n.Bandwidth == 100 && n.LinkType == "Gold" && n.Name == mark && n.Description == mark && len(n.Tags) == 1 && len(n.Token) == 64
	})
	for name, tt := range map[string]struct {
		event  string
		record interconnect.Record
		cloud  func(c *cloud)
		next   []string
		step   interconnect.Progress
		ids    []string
	}{
		"it is asked for once, and waited for": {
			event: "connect.json", record: byPeering(false),
			cloud: func(c *cloud) {
				c.once("CreatePeeringConnection", func() { c.peerings = peer("Creating", mark) }, "cn-qingdao", isPeering).Return("pcc-1", nil)
			},
			next: []string{"peering"}, step: interconnect.Waiting, ids: []string{"pcc-1"},
		},
		"one that carries traffic is done with": {
			event: "connect.json", record: byPeering(false),
			cloud: func(c *cloud) { c.peerings = peer("Activated", mark) },
			next:  []string{"routes"}, step: interconnect.Done, ids: []string{"pcc-1"},
		},
		"one by hand is used": {
			event: "connect.json", record: byPeering(false),
			cloud: func(c *cloud) { c.peerings = peer("Activated", "by hand") },
			next:  []string{"routes"}, step: interconnect.Done, ids: []string{"pcc-1 (not ours)"},
		},
		"another bandwidth is asked for": {
			event: "connect.json", record: byPeering(false),
			cloud: func(c *cloud) {
				c.peerings = peer("Activated", mark)
				c.peerings[0].Bandwidth = 5
				c.once("ModifyPeeringConnection", func() { c.peerings = peer("Activated", mark) }, "cn-qingdao", "pcc-1", mark, 100, "Gold").Return(nil)
			},
			next: []string{"routes"}, step: interconnect.Done, ids: []string{"pcc-1"},
		},
		"a disconnect deletes it": {
			event: "prune.json", record: byPeering(true),
			cloud: func(c *cloud) {
				c.peerings = peer("Activated", mark)
				c.once("DeletePeeringConnection", func() { c.peerings = nil }, "cn-qingdao", "pcc-1").Return(nil)
			},
			next: []string{"verification"}, step: interconnect.Done,
		},
		"a disconnect leaves one by hand alone": {
			event: "prune.json", record: byPeering(true),
			cloud: func(c *cloud) { c.peerings = peer("Activated", "by hand") },
			next:  []string{"verification"}, step: interconnect.Done,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &cloud{}
			c.Test(t)
			tt.cloud(c)
			memory := chaintest.NewMemory(tt.record)
			h := chaintest.Handler(peering.New(c), memory, chaintest.Start)
			event, err := os.ReadFile(filepath.Join("testdata", tt.event))
			require.NoError(t, err)
			next, err := chaintest.Play(h, memory, event)
			require.NoError(t, err)
			c.AssertExpectations(t)
			require.Equal(t, tt.next, next)
			got, err := memory.Get(context.Background(), tt.record.ID)
			require.NoError(t, err)
			require.Equal(t, tt.step, got.Steps[interconnect.Peering].Progress)
			require.Equal(t, tt.ids, got.Steps[interconnect.Peering].Resources)
		})
	}
}

func TestWhatIsNoMessageGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	c := &cloud{}
	c.Test(t)
	memory := chaintest.NewMemory()
	h := chaintest.Handler(peering.New(c), memory, chaintest.Start)
	require.NoError(t, h.Handle(context.Background(), chaintest.Event("peering", []byte("not JSON"))))
	sent := memory.Take()
	require.Len(t, sent, 1)
	require.Equal(t, chain.DeadLettersQueue, sent[0].Queue)
}
