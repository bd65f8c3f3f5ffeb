package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// VPCSnapshot is everything that the VPC service holds at one moment, oldest
// first. What it points to is shared: read only.
type VPCSnapshot struct {
	Regions          []Region
	VPCs             []VPC
	VSwitches        []VSwitch
	RouteTables      []RouteTable
	RouteEntries     []RouteEntry
	RouterInterfaces []RouterInterface
	NetworkACLs      []NetworkACL
}

// VPCSnapshot returns the present.
func (e *Engine) VPCSnapshot() VPCSnapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	return e.vpcSnapshot()
}

// vpcSnapshot is VPCSnapshot for those who hold the lock.
func (e *Engine) vpcSnapshot() VPCSnapshot {
	return VPCSnapshot{
		Regions:          slices.Clone(e.regions),
		VPCs:             e.vpcs.list(latest, nil),
		VSwitches:        e.vSwitches.list(latest, nil),
		RouteTables:      e.routeTables.list(latest, nil),
		RouteEntries:     e.routeEntries.list(latest, nil),
		RouterInterfaces: e.interfaces.list(latest, nil),
		NetworkACLs:      e.acls.list(latest, nil),
	}
}

// The Add… methods put things into the world that are there from the start:
// at once, in their settled state, with the ids given ("" draws one). They
// check references and duplicates only, so that a world may be one that the
// API would not have made.

// AddRegion adds a region, or its zones to one that is there already.
func (e *Engine) AddRegion(r Region) {
	e.Do(func(time.Time) {
		i := slices.IndexFunc(e.regions, func(have Region) bool { return have.ID == r.ID })
		if i < 0 {
			e.regions = append(e.regions, Region{r.ID, slices.Clone(r.Zones)})
			return
		}
		for _, z := range r.Zones {
			if !slices.Contains(e.regions[i].Zones, z) {
				e.regions[i].Zones = append(e.regions[i].Zones, z)
			}
		}
	})
}

// AddVPC adds a VPC with its vRouter and a system route table. The table's id
// is drawn unless given.
func (e *Engine) AddVPC(v VPC, systemTableID string) (VPC, RouteTable, error) {
	var rt RouteTable
	err := e.build(func() error {
		if !e.hasRegion(v.RegionID) {
			return fmt.Errorf("no region %q", v.RegionID)
		}
		e.fill(&v.ID, "vpc")
		e.fill(&v.RouterID, "vrt")
		e.fill(&systemTableID, "vtb")
		v.Status, v.Created = orDefault(v.Status, StatusAvailable), e.orNow(v.Created)
		if err := e.unused(v.ID, systemTableID); err != nil {
			return err
		}
		rt = e.createVPC(v, systemTableID)
		return nil
	})
	return v, rt, err
}

// AddVSwitch adds a vSwitch; its table is the VPC's system table unless given.
func (e *Engine) AddVSwitch(s VSwitch) (VSwitch, error) {
	err := e.build(func() error {
		v, ok := e.vpcs.get(latest, s.VpcID)
		if !ok {
			return fmt.Errorf("no VPC %q", s.VpcID)
		}
		e.fill(&s.ID, "vsw")
		s.RegionID = v.RegionID
		s.RouteTableID = orDefault(s.RouteTableID, e.systemTable(latest, v.ID).ID)
		s.Status, s.Created = orDefault(s.Status, StatusAvailable), e.orNow(s.Created)
		if rt, ok := e.routeTables.get(latest, s.RouteTableID); !ok || rt.VpcID != v.ID {
			return fmt.Errorf("no route table %q in %s", s.RouteTableID, v.ID)
		}
		if s.NetworkACLID != "" {
			if a, ok := e.acls.get(latest, s.NetworkACLID); !ok || a.VpcID != v.ID {
				return fmt.Errorf("no network ACL %q in %s", s.NetworkACLID, v.ID)
			}
		}
		if err := e.unused(s.ID); err != nil {
			return err
		}
		e.createVSwitch(s)
		return nil
	})
	return s, err
}

// AddRouteTable adds a custom route table.
func (e *Engine) AddRouteTable(r RouteTable) (RouteTable, error) {
	err := e.build(func() error {
		v, ok := e.vpcs.get(latest, r.VpcID)
		if !ok {
			return fmt.Errorf("no VPC %q", r.VpcID)
		}
		e.fill(&r.ID, "vtb")
		r.RegionID, r.RouterID, r.Type = v.RegionID, v.RouterID, "Custom"
		r.AssociateType = orDefault(r.AssociateType, "VSwitch")
		r.Status, r.Created = orDefault(r.Status, StatusAvailable), e.orNow(r.Created)
		if err := e.unused(r.ID); err != nil {
			return err
		}
		e.createRouteTable(r)
		return nil
	})
	return r, err
}

// AssociateVSwitch makes a custom table serve a vSwitch.
func (e *Engine) AssociateVSwitch(vSwitchID, tableID string) error {
	return e.build(func() error {
		s, ok := e.vSwitches.get(latest, vSwitchID)
		rt, there := e.routeTables.get(latest, tableID)
		if !ok || !there || rt.VpcID != s.VpcID {
			return fmt.Errorf("vSwitch %q and route table %q are not of one VPC", vSwitchID, tableID)
		}
		e.vSwitches.update(e.now, vSwitchID, func(s *VSwitch) { s.RouteTableID = tableID })
		return nil
	})
}

// AddRouteEntry adds a custom route of any kind, valid by the API's rules or
// not.
func (e *Engine) AddRouteEntry(r RouteEntry) (RouteEntry, error) {
	err := e.build(func() error {
		rt, ok := e.routeTables.get(latest, r.TableID)
		if !ok {
			return fmt.Errorf("no route table %q", r.TableID)
		}
		e.fill(&r.ID, "rte")
		r.RegionID, r.VpcID, r.Destination = rt.RegionID, rt.VpcID, r.Destination.Masked()
		r.Type, r.Status = "Custom", orDefault(r.Status, e.routeDone())
		r.Modified = e.orNow(r.Modified)
		if err := e.unused(r.ID); err != nil {
			return err
		}
		e.routeEntries.put(e.now, r.ID, r)
		return nil
	})
	return r, err
}

// AddRouterInterface adds one side of a peering connection in any state.
func (e *Engine) AddRouterInterface(r RouterInterface) (RouterInterface, error) {
	err := e.build(func() error {
		v, ok := e.vpcOfRouter(latest, r.RouterID)
		if !ok {
			if v, ok = e.vpcs.get(latest, r.VpcID); !ok {
				return fmt.Errorf("no VPC %q and no vRouter %q", r.VpcID, r.RouterID)
			}
		}
		e.fill(&r.ID, "ri")
		r.RegionID, r.VpcID, r.RouterID, r.RouterType = v.RegionID, v.ID, v.RouterID, "VRouter"
		r.Role = orDefault(r.Role, "InitiatingSide")
		r.Status = orDefault(r.Status, riActive)
		r.BusinessStatus = orDefault(r.BusinessStatus, "Normal")
		r.ChargeType = orDefault(r.ChargeType, "AfterPay")
		r.Created = e.orNow(r.Created)
		r.OppositeOwnerID = orDefault(r.OppositeOwnerID, e.opt.AccountID)
		r.OppositeRouterType = orDefault(r.OppositeRouterType, "VRouter")
		if r.Status == riActive && r.Connected.IsZero() {
			r.Connected = r.Created
		}
		if err := e.unused(r.ID); err != nil {
			return err
		}
		e.interfaces.put(e.now, r.ID, r)
		return nil
	})
	return r, err
}

// AddRouterInterfacePair joins two VPCs by a pair of router interfaces that
// name each other. Of the two values VpcID, and whatever else is to differ
// from an Active connection of Mini.2, is given.
func (e *Engine) AddRouterInterfacePair(initiator, acceptor RouterInterface) (RouterInterface, RouterInterface, error) {
	a, okA := VPC{}, false
	b, okB := VPC{}, false
	e.Do(func(time.Time) {
		a, okA = e.vpcs.get(latest, initiator.VpcID)
		b, okB = e.vpcs.get(latest, acceptor.VpcID)
		e.fill(&initiator.ID, "ri")
		e.fill(&acceptor.ID, "ri")
	})
	if !okA || !okB {
		return initiator, acceptor, fmt.Errorf("no VPC %q or %q", initiator.VpcID, acceptor.VpcID)
	}
	initiator.Role, acceptor.Role = "InitiatingSide", "AcceptingSide"
	initiator.Spec, acceptor.Spec = orDefault(initiator.Spec, "Mini.2"), "Negative"
	initiator.OppositeID, acceptor.OppositeID = acceptor.ID, initiator.ID
	initiator.OppositeRegionID, acceptor.OppositeRegionID = b.RegionID, a.RegionID
	initiator.OppositeRouterID, acceptor.OppositeRouterID = b.RouterID, a.RouterID
	var err error
	if initiator, err = e.AddRouterInterface(initiator); err != nil {
		return initiator, acceptor, err
	}
	acceptor, err = e.AddRouterInterface(acceptor)
	return initiator, acceptor, err
}

// SetBusinessStatus locks a router interface, or unlocks it: Normal,
// FinancialLocked or SecurityLocked.
func (e *Engine) SetBusinessStatus(routerInterfaceID, status string) error {
	return e.build(func() error {
		if _, ok := e.interfaces.get(latest, routerInterfaceID); !ok {
			return fmt.Errorf("no router interface %q", routerInterfaceID)
		}
		e.interfaces.update(e.now, routerInterfaceID, func(r *RouterInterface) { r.BusinessStatus = status })
		return nil
	})
}

// AddNetworkACL adds a network ACL. AddVSwitch binds it.
func (e *Engine) AddNetworkACL(a NetworkACL) (NetworkACL, error) {
	err := e.build(func() error {
		v, ok := e.vpcs.get(latest, a.VpcID)
		if !ok {
			return fmt.Errorf("no VPC %q", a.VpcID)
		}
		e.fill(&a.ID, "nacl")
		a.Ingress, a.Egress = slices.Clone(a.Ingress), slices.Clone(a.Egress)
		for _, list := range [][]ACLEntry{a.Ingress, a.Egress} {
			for n := range list {
				e.fill(&list[n].ID, "nae")
			}
		}
		a.RegionID = v.RegionID
		a.Status, a.Created = orDefault(a.Status, StatusAvailable), e.orNow(a.Created)
		if err := e.unused(a.ID); err != nil {
			return err
		}
		e.acls.put(e.now, a.ID, a)
		return nil
	})
	return a, err
}

func (e *Engine) build(f func() error) (err error) {
	e.Do(func(time.Time) { err = f() })
	return err
}

func (e *Engine) hasRegion(id string) bool {
	return slices.ContainsFunc(e.regions, func(r Region) bool { return r.ID == id })
}

func (e *Engine) fill(id *string, prefix string) {
	if *id == "" {
		*id = e.newID(prefix)
	}
}

func (e *Engine) orNow(t time.Time) time.Time {
	if t.IsZero() {
		return e.now
	}
	return t
}

// unused refuses ids that the VPC service has given to something already.
func (e *Engine) unused(ids ...string) error {
	for _, id := range ids {
		_, a := e.vpcs.get(latest, id)
		_, b := e.vSwitches.get(latest, id)
		_, c := e.routeTables.get(latest, id)
		_, d := e.routeEntries.get(latest, id)
		_, f := e.interfaces.get(latest, id)
		_, g := e.acls.get(latest, id)
		if a || b || c || d || f || g {
			return fmt.Errorf("%s is there already", id)
		}
	}
	return nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// serviceBlock is the cloud services' own block; every route table has a
// system route for it.
var serviceBlock = netip.MustParsePrefix("100.64.0.0/10")
