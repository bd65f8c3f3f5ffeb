package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// routeDone and routePending are the names of a route's settled and of its
// first state: the documentation and observers do not agree on them.
func (e *Engine) routeDone() string {
	if e.opt.Switches.RouteStatusCreated {
		return StatusCreated
	}
	return StatusAvailable
}

func (e *Engine) routePending() string {
	if e.opt.Switches.RouteStatusCreated {
		return StatusCreating
	}
	return StatusPending
}

// checkRouteTask refuses a route change while another one of the same VPC is
// under way.
func (e *Engine) checkRouteTask(vpcID string) *Error {
	busy := e.routeEntries.list(latest, func(r RouteEntry) bool { return r.VpcID == vpcID && r.Status != e.routeDone() })
	if len(busy) > 0 {
		return &Error{400, "TaskConflict", "The operation is too frequent. Please wait a moment and try again."}
	}
	return nil
}

// newRoute is what CreateRouteEntry and each element of CreateRouteEntries say.
type newRoute struct {
	TableID, Destination, Name, Description string
	Hops                                    []NextHop
	strict                                  bool // by CreateRouteEntries' rules
}

// checkRoute says what is wrong with a new route, or returns the entry to make.
func (e *Engine) checkRoute(t *tx, n newRoute) (RouteEntry, *Error) {
	rt, err := e.findRouteTable(t, latest, n.TableID)
	if err != nil {
		return RouteEntry{}, err
	}
	if rt.Status != StatusAvailable {
		return RouteEntry{}, &Error{400, "IncorrectStatus.RouteTableStatus", "The current status of the route table does not support this operation."}
	}
	if v, _ := e.vpcs.get(latest, rt.VpcID); v.Status != StatusAvailable {
		return RouteEntry{}, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	}
	dest, err := routeDestination(n.Destination)
	if err != nil {
		return RouteEntry{}, err
	}
	if err := e.checkDestination(rt.VpcID, dest, n.strict); err != nil {
		return RouteEntry{}, err
	}
	if err := checkTexts(n.Name, n.Description); err != nil {
		return RouteEntry{}, err
	}
	custom := 0
	for _, have := range e.entriesOf(latest, rt.ID) {
		if have.Type == "Custom" {
			custom++
		}
		if have.Destination == dest {
			return RouteEntry{}, &Error{400, "RouterEntryConflict.Duplicated", fmt.Sprintf("A route entry already exists, which CIDR is '%s'", dest)}
		}
	}
	if custom >= orInt(e.opt.Quotas.RouteEntriesPerTable, 200) {
		return RouteEntry{}, &Error{400, "QuotaExceeded", "Route entry quota exceeded in this route table."}
	}
	for _, h := range n.Hops {
		if err := e.checkNextHop(rt, h); err != nil {
			return RouteEntry{}, err
		}
	}
	return RouteEntry{
		ID: e.newID("rte"), RegionID: rt.RegionID, VpcID: rt.VpcID, TableID: rt.ID, Name: n.Name, Description: n.Description,
		Destination: dest, NextHops: n.Hops, Type: "Custom", Status: e.routePending(), Modified: t.now,
	}, nil
}

// routeDestination parses a destination: a block, or an address, which counts
// as a /32.
func routeDestination(s string) (netip.Prefix, *Error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Is4() {
		return netip.PrefixFrom(a, 32), nil
	}
	b, err := netip.ParsePrefix(s)
	if err != nil || !b.Addr().Is4() || b != b.Masked() {
		return netip.Prefix{}, &Error{400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid."}
	}
	return b, nil
}

// checkDestination holds a destination against the VPC's vSwitches and the
// cloud services' block. CreateRouteEntry allows what contains a vSwitch and
// what is more specific than the services' block; CreateRouteEntries neither.
func (e *Engine) checkDestination(vpcID string, dest netip.Prefix, strict bool) *Error {
	overlapped := &Error{400, "InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with the CIDR block of a vSwitch or of the system."}
	if dest == serviceBlock || strict && serviceBlock.Bits() <= dest.Bits() && serviceBlock.Contains(dest.Addr()) {
		return overlapped
	}
	for _, s := range e.vSwitchesOf(latest, vpcID) {
		if !s.Block.Overlaps(dest) {
			continue
		}
		if strict || s.Block.Bits() <= dest.Bits() {
			return overlapped
		}
	}
	return nil
}

// nextHopTypes are the published types of a route's next hop; those that map
// to true can be created through this cloud's API. World files may have all.
var nextHopTypes = map[string]bool{
	"RouterInterface": true, "Instance": true, "VpcPeer": true,
	"HaVip": false, "NetworkInterface": false, "VpnGateway": false, "IPv6Gateway": false, "NatGateway": false, "Attachment": false,
	"Ipv4Gateway": false, "GatewayEndpoint": false, "CenBasic": false, "Ecr": false,
	"GatewayLoadBalancerEndpoint": false, "RouteTargetGroup": false,
}

func (e *Engine) checkNextHop(rt RouteTable, h NextHop) *Error {
	implemented, known := nextHopTypes[h.Type]
	switch {
	case !known:
		return &Error{400, "InvalidNextHopType.NotSupport", "Specified NextHopType is not valid: " + h.Type + "."}
	case !implemented:
		return unsupported("next hops of type " + h.Type)
	case h.Type == "Instance":
		if len(e.tenantsOf(func(x tenant) bool { return x.Kind == "Instance" && x.ID == h.ID && x.VpcID == rt.VpcID })) == 0 {
			return errNextHop
		}
		return nil
	case h.Type == "VpcPeer":
		return e.checkPeeringHop(rt.VpcID, h.ID)
	}
	ri, ok := e.interfaces.get(latest, h.ID)
	if !ok || ri.RouterID != rt.RouterID {
		return errNextHop
	}
	if ri.Status != riActive && !e.opt.Switches.RouteToInactiveInterfaceAllowed {
		return &Error{400, "IncorrectStatus.RouterInterface", "The status of the router interface is incorrect: " + ri.Status + "."}
	}
	return nil
}

var errNextHop = &Error{404, "InvalidNextHopId.NotFound", "The specified NextHopId does not exist in the VPC of the route table."}

// addRoutes makes checked entries as one task of their VPC.
func (e *Engine) addRoutes(entries []RouteEntry) {
	if len(entries) == 0 {
		return
	}
	for _, r := range entries {
		e.routeEntries.put(e.now, r.ID, r)
	}
	e.afterPart(routePart, func() {
		for _, r := range entries {
			e.routeEntries.update(e.now, r.ID, func(r *RouteEntry) { r.Status = e.routeDone() })
		}
	})
}

func (e *Engine) deleteRoutes(entries []RouteEntry) {
	if len(entries) == 0 {
		return
	}
	for _, r := range entries {
		e.routeEntries.update(e.now, r.ID, func(r *RouteEntry) { r.Status = StatusDeleting })
	}
	e.afterPart(routePart, func() {
		for _, r := range entries {
			e.routeEntries.remove(e.now, r.ID)
		}
	})
}

type hopParams struct {
	NextHopId   string
	NextHopType string
	Weight      int
}

type createRouteEntryParams struct {
	RegionId             string
	RouteTableId         string `api:",required"`
	DestinationCidrBlock string `api:",required"`
	NextHopType          string
	NextHopId            string
	NextHopList          []hopParams
	RouteEntryName       string
	Description          string
	ClientToken          string
	DryRun               bool
}

type createRouteEntryAnswer struct {
	Answer
	RouteEntryId string
}

func (e *Engine) apiCreateRouteEntry(t *tx, p *createRouteEntryParams) (*createRouteEntryAnswer, error) {
	n := newRoute{TableID: p.RouteTableId, Destination: p.DestinationCidrBlock, Name: p.RouteEntryName, Description: p.Description}
	switch {
	case len(p.NextHopList) > 0 && (p.NextHopId != "" || p.NextHopType != ""):
		return nil, &Error{400, "InvalidParameter", "NextHopList cannot be given with NextHopId or NextHopType."}
	case len(p.NextHopList) > 0:
		for _, h := range p.NextHopList {
			if h.NextHopType != "RouterInterface" {
				return nil, &Error{400, "InvalidNextHopType.NotSupport", "ECMP routes lead to router interfaces only."}
			}
			n.Hops = append(n.Hops, NextHop{h.NextHopType, h.NextHopId, h.Weight})
		}
	case p.NextHopId == "":
		return nil, errMissing("NextHopId")
	default:
		n.Hops = []NextHop{{Type: orDefault(p.NextHopType, "Instance"), ID: p.NextHopId}}
	}
	r, err := e.checkRoute(t, n)
	if err != nil {
		return nil, err
	}
	if err := e.checkRouteTask(r.VpcID); err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.addRoutes([]RouteEntry{r})
	return &createRouteEntryAnswer{RouteEntryId: r.ID}, nil
}

type deleteRouteEntryParams struct {
	RegionId             string
	RouteEntryId         string
	RouteTableId         string
	DestinationCidrBlock string
	NextHopId            string
	NextHopList          []struct{ NextHopId, NextHopType string }
	DryRun               bool
}

func (e *Engine) apiDeleteRouteEntry(t *tx, p *deleteRouteEntryParams) (*Answer, error) {
	want := routeKey{p.RouteEntryId, p.RouteTableId, p.DestinationCidrBlock, nil}
	if p.NextHopId != "" {
		want.hops = []string{p.NextHopId}
	}
	for _, h := range p.NextHopList {
		want.hops = append(want.hops, h.NextHopId)
	}
	r, err := e.findRoute(t, want)
	if err != nil {
		return nil, err
	}
	if err := e.deletable(r); err != nil {
		return nil, err
	}
	if err := e.checkRouteTask(r.VpcID); err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.deleteRoutes([]RouteEntry{r})
	return &Answer{}, nil
}

// deletable refuses system routes and such as are not settled.
func (e *Engine) deletable(r RouteEntry) *Error {
	if r.Type != "Custom" {
		return &Error{400, "OperationDenied.SystemRouteEntry", "A system route entry cannot be changed."}
	}
	if r.Status != e.routeDone() {
		return &Error{400, "IncorrcetRouteEntryStatus", "The current status of the route entry does not support this operation."} // spelt so in the published table
	}
	return nil
}

// routeKey names a route: by id, or by table and destination (and next hops).
type routeKey struct {
	id, tableID, destination string
	hops                     []string
}

func (e *Engine) findRoute(t *tx, k routeKey) (RouteEntry, *Error) {
	missing := &Error{404, "InvalidRouteEntry.NotFound", "The specified route entry does not exist."}
	var r RouteEntry
	switch {
	case k.id != "":
		found, ok := e.routeEntries.get(latest, k.id)
		if !ok || !t.inRegion(found.RegionID) || k.tableID != "" && found.TableID != k.tableID {
			return r, missing
		}
		r = found
	case k.tableID == "":
		return r, errMissing("RouteTableId")
	case k.destination == "":
		return r, errMissing("DestinationCidrBlock")
	default:
		if _, err := e.findRouteTable(t, latest, k.tableID); err != nil {
			return r, err
		}
		dest, err := routeDestination(k.destination)
		if err != nil {
			return r, err
		}
		entries := e.entriesOf(latest, k.tableID)
		i := slices.IndexFunc(entries, func(r RouteEntry) bool { return r.Destination == dest })
		if i < 0 {
			return r, missing
		}
		r = entries[i]
	}
	for _, h := range k.hops {
		if !slices.ContainsFunc(r.NextHops, func(n NextHop) bool { return n.ID == h }) {
			return r, missing
		}
	}
	return r, nil
}

type modifyRouteEntryParams struct {
	RegionId             string `api:",required"`
	RouteEntryId         string
	RouteTableId         string
	DestinationCidrBlock string
	NewNextHopId         string
	NewNextHopType       string
	RouteEntryName       *string
	Description          *string
	DryRun               bool
}

// apiModifyRouteEntry renames a route, or repoints it without a gap.
func (e *Engine) apiModifyRouteEntry(t *tx, p *modifyRouteEntryParams) (*Answer, error) {
	r, err := e.findRoute(t, routeKey{p.RouteEntryId, p.RouteTableId, p.DestinationCidrBlock, nil})
	if err != nil {
		return nil, err
	}
	if err := checkTexts(deref(p.RouteEntryName, r.Name), deref(p.Description, r.Description)); err != nil {
		return nil, err
	}
	repoint := p.NewNextHopId != "" || p.NewNextHopType != ""
	if repoint {
		if err := e.deletable(r); err != nil {
			return nil, err
		}
		if p.NewNextHopType == "VpcPeer" && e.opt.Switches.RepointToPeeringRefused {
			return nil, &Error{400, "InvalidNextHopType.NotSupport", "Specified NextHopType is not valid: VpcPeer."}
		}
		rt, _ := e.routeTables.get(latest, r.TableID)
		if err := e.checkNextHop(rt, NextHop{Type: p.NewNextHopType, ID: p.NewNextHopId}); err != nil {
			return nil, err
		}
		if err := e.checkRouteTask(r.VpcID); err != nil {
			return nil, err
		}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.routeEntries.update(t.now, r.ID, func(r *RouteEntry) {
		r.Name, r.Description, r.Modified = deref(p.RouteEntryName, r.Name), deref(p.Description, r.Description), t.now
		if repoint {
			r.Status = StatusModifying
		}
	})
	if repoint {
		e.afterPart(routePart, func() {
			e.routeEntries.update(e.now, r.ID, func(r *RouteEntry) {
				r.NextHops, r.Status = []NextHop{{Type: p.NewNextHopType, ID: p.NewNextHopId}}, e.routeDone()
			})
		})
	}
	return &Answer{}, nil
}

func ipv6(s string) bool { return strings.Contains(s, ":") }
