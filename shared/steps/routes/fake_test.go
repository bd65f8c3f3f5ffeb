package routes_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
)

// cloud is the part of the cloud that the step talks to. It takes one change
// of a VPC's routes at a time, as the real one does.
type cloud struct {
	mu         sync.Mutex
	interfaces []interconnect.RouterInterface
	peerings   []interconnect.PeeringConnection
	entries    []interconnect.RouteEntry
	made       int
	calls      []string // mutating, by VPC, in order
	conflicts  int      // changes that came while another ran
	quota      int      // entries of a table; 0: any number

	interfaceReads int
	peeringReads   int
	opposite       string   // what a side says of the other's status; "": as it is; "-": nothing
	hides          []string // VPCs whose list does not show the peering connection

	refuse func(n interconnect.NewRoute) *interconnect.CloudError // an entry of a batch
	before func(action string) error                              // a whole call
	after  func(n int) error                                      // after the n-th call, which was carried out
	lag    int
	past   [][]interconnect.RouteEntry
}

func newCloud(entries ...interconnect.RouteEntry) *cloud {
	c := &cloud{entries: entries}
	want := chaintest.Tutorial()
	for n, role := range interconnect.Roles {
		c.interfaces = append(c.interfaces, interconnect.RouterInterface{
			ID: fmt.Sprintf("ri-%d", n+1), RouterID: want.Side(role).VRouterID, OppositeRouterID: want.Side(role.Other()).VRouterID,
			OppositeID: fmt.Sprintf("ri-%d", 2-n), Status: "Active", Name: mark,
		})
	}
	return c
}

func fail(class interconnect.Class, action, code string) *interconnect.CloudError {
	return &interconnect.CloudError{Class: class, Action: action, Code: code, Message: "as told", RequestID: "req", HTTPStatus: 400}
}

// tick lets a second pass.
func (c *cloud) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past = append(c.past, slices.Clone(c.entries))
	for i := range c.entries {
		if s := &c.entries[i].Status; *s == "Creating" || *s == "Modifying" {
			*s = "Available"
		}
	}
	c.entries = slices.DeleteFunc(c.entries, func(e interconnect.RouteEntry) bool { return e.Status == "Deleting" })
}

func (c *cloud) RouterInterfaces(_ context.Context, _, routerID string) ([]interconnect.RouterInterface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interfaceReads++
	var out []interconnect.RouterInterface
	for _, i := range c.interfaces {
		if i.RouterID == routerID {
			i.OppositeStatus = c.statusOf(i.OppositeID)
			out = append(out, i)
		}
	}
	return out, nil
}

// statusOf is what the other side says of an interface.
func (c *cloud) statusOf(id string) string {
	at := slices.IndexFunc(c.interfaces, func(i interconnect.RouterInterface) bool { return i.ID == id })
	switch {
	case c.opposite == "-" || at < 0:
		return ""
	case c.opposite != "":
		return c.opposite
	}
	return c.interfaces[at].Status
}

func (c *cloud) PeeringConnections(_ context.Context, _, vpcID string) ([]interconnect.PeeringConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peeringReads++
	if slices.Contains(c.hides, vpcID) {
		return nil, nil
	}
	var out []interconnect.PeeringConnection
	for _, p := range c.peerings {
		if p.VpcID == vpcID || p.AcceptingVpcID == vpcID {
			out = append(out, p)
		}
	}
	return out, nil
}

// Each VPC has a system table that the tutorial names, and a custom one.
func (c *cloud) RouteTables(_ context.Context, _, vpcID string) ([]interconnect.RouteTable, error) {
	return []interconnect.RouteTable{{ID: "vtb" + vpcID[3:], VpcID: vpcID, System: true}, {ID: "vtb" + vpcID[3:] + "x", VpcID: vpcID}}, nil
}

func (c *cloud) RouteEntries(_ context.Context, _, tableID string) ([]interconnect.RouteEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.entries
	if n := len(c.past) - c.lag; c.lag > 0 && n >= 0 {
		seen = c.past[n]
	} else if c.lag > 0 {
		seen = nil
	}
	var out []interconnect.RouteEntry
	for _, e := range seen {
		if e.RouteTableID == tableID {
			out = append(out, e)
		}
	}
	return out, nil
}

// task makes a change of a region's routes, one at a time.
func (c *cloud) task(action, region string, do func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		if err := c.before(action); err != nil {
			return err
		}
	}
	for _, e := range c.entries {
		if !e.Settled() && regionOf(e.RouteTableID) == region {
			c.conflicts++
			return fail(interconnect.Busy, action, "TaskConflict")
		}
	}
	if err := do(); err != nil {
		return err
	}
	c.calls = append(c.calls, action+" "+region)
	if c.after != nil {
		return c.after(len(c.calls))
	}
	return nil
}

func regionOf(table string) string {
	if table[:5] == "vtb-1" {
		return "cn-qingdao"
	}
	return "cn-beijing"
}

func (c *cloud) CreateRoutes(_ context.Context, region string, routes []interconnect.NewRoute) (failed []interconnect.RouteFailure, err error) {
	if len(routes) == 0 || len(routes) > 50 {
		return nil, fail(interconnect.Permanent, "CreateRouteEntries", "BatchSize")
	}
	err = c.task("CreateRouteEntries", region, func() error {
		for _, n := range routes {
			refused := func(e *interconnect.CloudError) {
				failed = append(failed, interconnect.RouteFailure{Destination: n.Destination, NextHopID: n.NextHop.ID, Err: e})
			}
			at := slices.IndexFunc(c.entries, func(e interconnect.RouteEntry) bool {
				return e.RouteTableID == n.RouteTableID && e.Destination == n.Destination
			})
			if c.refuse != nil {
				if err := c.refuse(n); err != nil {
					refused(err)
					continue
				}
			}
			switch {
			case at >= 0:
				refused(fail(interconnect.Exists, "CreateRouteEntries", "RouterEntryConflict.Duplicated"))
			case c.quota > 0 && interconnect.CustomEntries(c.entries, n.RouteTableID) >= c.quota:
				refused(fail(interconnect.Quota, "CreateRouteEntries", "QuotaExceeded.RouteEntry"))
			default:
				c.made++
				c.entries = append(c.entries, interconnect.RouteEntry{
					ID: fmt.Sprintf("rte-%d", c.made), RouteTableID: n.RouteTableID, Destination: n.Destination,
					NextHopType: n.NextHop.Type, NextHopID: n.NextHop.ID, Type: "Custom", Name: n.Name, Status: "Creating",
				})
			}
		}
		return nil
	})
	return failed, err
}

func (c *cloud) RepointRoute(_ context.Context, region, id string, hop interconnect.NextHop) error {
	return c.task("ModifyRouteEntry", region, func() error {
		for i := range c.entries {
			if e := &c.entries[i]; e.ID == id {
				e.NextHopType, e.NextHopID, e.Status = hop.Type, hop.ID, "Modifying"
				return nil
			}
		}
		return fail(interconnect.Gone, "ModifyRouteEntry", "InvalidRouteEntry.NotFound")
	})
}

func (c *cloud) DeleteRoutes(_ context.Context, region string, routes []interconnect.RouteEntry) (failed []interconnect.RouteFailure, err error) {
	err = c.task("DeleteRouteEntries", region, func() error {
		for _, r := range routes {
			at := slices.IndexFunc(c.entries, func(e interconnect.RouteEntry) bool { return e.ID == r.ID })
			if at < 0 {
				failed = append(failed, interconnect.RouteFailure{Destination: r.Destination, Err: fail(interconnect.Gone, "DeleteRouteEntries", "VPC_ROUTER_ENTRY_NOT_EXIST")})
				continue
			}
			if c.refuse != nil {
				if err := c.refuse(interconnect.NewRoute{Destination: r.Destination}); err != nil {
					failed = append(failed, interconnect.RouteFailure{Destination: r.Destination, Err: err})
					continue
				}
			}
			c.entries[at].Status = "Deleting"
		}
		return nil
	})
	return failed, err
}
