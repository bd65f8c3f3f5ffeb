package peering_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
)

// cloud is the part of the cloud that the step talks to, with its states, its
// tokens, and its refusals.
type cloud struct {
	mu         sync.Mutex
	interfaces []interconnect.RouterInterface
	peers      peers
	routes     []interconnect.RouteEntry
	tokens     map[string]string // token to the id that it made
	made       int
	calls      []string // mutating, in order

	noTags bool                    // interfaces with tags are refused
	before map[string]func() error // by action: an error keeps the call from being carried out
	after  func(n int) error       // after the n-th call, which was carried out
	past   [][]interconnect.RouterInterface
	lag    int // how many ticks old a read is
}

func newCloud(interfaces ...interconnect.RouterInterface) *cloud {
	return &cloud{interfaces: interfaces, tokens: map[string]string{}, before: map[string]func() error{}}
}

func fail(class interconnect.Class, action, code string) error {
	return &interconnect.CloudError{Class: class, Action: action, Code: code, Message: "as told", RequestID: "req", HTTPStatus: 400}
}

// tick lets a second pass: what is on its way arrives.
func (c *cloud) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = append(c.past, slices.Clone(c.interfaces))
	c.peers.tick()
	for i := range c.interfaces {
		switch c.interfaces[i].Status {
		case "Connecting", "AcceptingConnecting", "Activating":
			c.interfaces[i].Status = "Active"
		case "Deactivating":
			c.interfaces[i].Status = "Inactive"
		}
	}
	c.interfaces = slices.DeleteFunc(c.interfaces, func(i interconnect.RouterInterface) bool { return i.Status == "Deleting" })
}

func (c *cloud) RouterInterfaces(_ context.Context, _, routerID string) ([]interconnect.RouterInterface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.interfaces
	if c.lag > 0 {
		seen = nil
		if n := len(c.past) - c.lag; n >= 0 {
			seen = c.past[n]
		}
	}
	var out []interconnect.RouterInterface
	for _, i := range seen {
		if i.RouterID == routerID {
			out = append(out, i)
		}
	}
	return out, nil
}

func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[3:], VpcID: vpcID, System: true}}, nil
}

func (c *cloud) RouteEntries(_ context.Context, _, tableID string) ([]interconnect.RouteEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []interconnect.RouteEntry
	for _, e := range c.routes {
		if e.RouteTableID == tableID {
			out = append(out, e)
		}
	}
	return out, nil
}

// mutate makes a call unless it is told to fail.
func (c *cloud) mutate(action, what string, do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if refuse := c.before[action]; refuse != nil {
		if err := refuse(); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	c.calls = append(c.calls, action+" "+what)
	if c.after != nil {
		return c.after(len(c.calls))
	}
	return nil
}

func (c *cloud) CreateRouterInterface(_ context.Context, region string, n interconnect.NewRouterInterface) (id string, err error) {
	if c.noTags && len(n.Tags) > 0 {
		return "", fail(interconnect.Permanent, "CreateRouterInterface", "InvalidResourceType.NotSupport")
	}
	err = c.mutate("Create", n.RouterID, func() error {
		if id = c.tokens[n.Token]; id != "" {
			return nil
		}
		c.made++
		id = fmt.Sprintf("ri-%d", c.made)
		c.tokens[n.Token] = id
		i := interconnect.RouterInterface{
			ID: id, RegionID: region, RouterID: n.RouterID, Role: "InitiatingSide", Specification: n.Specification,
			Status: "Idle", BusinessStatus: "Normal", Name: n.Name, Tags: n.Tags,
			OppositeRegionID: n.OppositeRegionID, OppositeRouterID: n.OppositeRouterID,
			CreatedAt: chaintest.Start,
		}
		if n.Role == interconnect.Acceptor {
			i.Role, i.Specification = "AcceptingSide", "Negative"
		}
		c.interfaces = append(c.interfaces, i)
		return nil
	})
	if err != nil {
		id = ""
	}
	return id, err
}

// change changes an interface, if it is there and in one of the states.
func (c *cloud) change(action, id string, states []string, do func(i *interconnect.RouterInterface) error) error {
	return c.mutate(action, id, func() error {
		for n := range c.interfaces {
			if c.interfaces[n].ID != id {
				continue
			}
			if !slices.Contains(states, c.interfaces[n].Status) {
				return fail(interconnect.Busy, action, "IncorrectStatus")
			}
			return do(&c.interfaces[n])
		}
		return fail(interconnect.Gone, action, "InvalidRouterInterfaceId.NotFound")
	})
}

func (c *cloud) SetOpposite(_ context.Context, _, id string, o interconnect.Opposite) error {
	return c.change("SetOpposite", id, []string{"Idle"}, func(i *interconnect.RouterInterface) error {
		i.OppositeID, i.OppositeRouterID, i.OppositeOwnerID = o.InterfaceID, o.RouterID, o.OwnerID
		return nil
	})
}

func (c *cloud) ConnectRouterInterface(_ context.Context, _, id string) error {
	return c.change("Connect", id, []string{"Idle"}, func(i *interconnect.RouterInterface) error {
		if i.Role != "InitiatingSide" {
			return fail(interconnect.Permanent, "Connect", "IncorrectRole.NotInitiatingSide")
		}
		for n := range c.interfaces {
			if o := &c.interfaces[n]; o.ID == i.OppositeID && o.OppositeID == i.ID {
				i.Status, o.Status = "Connecting", "AcceptingConnecting"
				return nil
			}
		}
		return fail(interconnect.Busy, "Connect", "IncorrectOppositeInterfaceInfo.NotSet")
	})
}

func (c *cloud) to(action, id, status string, states ...string) error {
	return c.change(action, id, states, func(i *interconnect.RouterInterface) error {
		i.Status = status
		return nil
	})
}

func (c *cloud) ActivateRouterInterface(_ context.Context, _, id string) error {
	return c.to("Activate", id, "Activating", "Inactive")
}

func (c *cloud) DeactivateRouterInterface(_ context.Context, _, id string) error {
	return c.to("Deactivate", id, "Deactivating", "Active")
}

func (c *cloud) DeleteRouterInterface(_ context.Context, _, id string) error {
	for _, e := range c.routes {
		if e.NextHopID == id {
			return fail(interconnect.Busy, "Delete", "DependencyViolation.RouterInterfaceReferedByRouteEntry")
		}
	}
	return c.to("Delete", id, "Deleting", "Idle", "Inactive")
}

func (c *cloud) ModifySpecification(_ context.Context, _, id, specification string) error {
	return c.change("Modify", id, []string{"Active"}, func(i *interconnect.RouterInterface) error {
		i.Specification, i.Status = specification, "Activating"
		return nil
	})
}
