package engine

import (
	"net/netip"
	"time"
)

var vpcProduct = product{"Vpc", "2016-04-28"}

// vpcState is the VPC service's part of the world.
type vpcState struct {
	vpcs         table[VPC]
	vSwitches    table[VSwitch]
	routeTables  table[RouteTable]
	routeEntries table[RouteEntry]
	interfaces   table[RouterInterface]
	acls         table[NetworkACL]

	// tenants tell what other products keep inside VPCs, so that a VPC or
	// vSwitch in use is not deleted. Products add theirs when they start.
	tenants []func() []tenant

	// unsettled counts, by router interface, the changes of the opposite side
	// that connecting does not see yet.
	unsettled map[string]int
}

// tenant is a thing of another product inside a VPC. Kind is as in the code of
// the dependency error: Instance, SecurityGroup, ...
type tenant struct{ Kind, ID, VpcID, VSwitchID string }

func (e *Engine) initVpc() {
	e.vpcs = newTable[VPC]()
	e.vSwitches = newTable[VSwitch]()
	e.routeTables = newTable[RouteTable]()
	e.routeEntries = newTable[RouteEntry]()
	e.interfaces = newTable[RouterInterface]()
	e.acls = newTable[NetworkACL]()
}

// Statuses of the VPC service's resources, as its answers name them.
const (
	StatusPending   = "Pending"
	StatusAvailable = "Available"
	StatusCreating  = "Creating"
	StatusCreated   = "Created"
	StatusModifying = "Modifying"
	StatusDeleting  = "Deleting"
)

// Tag is a key and value on a resource.
type Tag struct{ Key, Value string }

// VPC is a virtual private cloud. The slices of these values must not be
// changed by those who read them.
type VPC struct {
	ID, RegionID      string
	Name, Description string
	RouterID          string         // of its vRouter: vrt-…
	Block             netip.Prefix   // primary IPv4 block
	Secondary         []netip.Prefix // secondary IPv4 blocks
	UserBlocks        []netip.Prefix // "user CIDRs"
	Status            string         // Pending, Available, Deleting
	Created           time.Time
	Default           bool
	ResourceGroupID   string
	Cens              []CenAttachment // the CENs that it is attached to
	Tags              []Tag
	DNSHostnames      bool
}

// Blocks returns the primary and the secondary blocks.
func (v VPC) Blocks() []netip.Prefix {
	return append([]netip.Prefix{v.Block}, v.Secondary...)
}

// CenAttachment says that a VPC is attached to a Cloud Enterprise Network.
type CenAttachment struct {
	CenID   string
	OwnerID string
}

// VSwitch is a subnet of a VPC in one zone.
type VSwitch struct {
	ID, RegionID, VpcID, ZoneID string
	Name, Description           string
	Block                       netip.Prefix
	RouteTableID                string // the table that serves it
	NetworkACLID                string // "" if none is bound
	Status                      string // Pending, Available
	Created                     time.Time
	Default                     bool
	Tags                        []Tag
}

// RouteTable is a route table of a VPC's vRouter.
type RouteTable struct {
	ID, RegionID, VpcID, RouterID string
	Name, Description             string
	Type                          string // System or Custom
	AssociateType                 string // VSwitch or Gateway
	Status                        string // Pending, Available, Associating...
	Created                       time.Time
	ResourceGroupID               string
	Tags                          []Tag
}

// RouteEntry is one route. System entries (a vSwitch's own block, the cloud
// services' 100.64.0.0/10) come with the table.
type RouteEntry struct {
	ID, RegionID, VpcID, TableID string
	Name, Description            string
	Destination                  netip.Prefix
	NextHops                     []NextHop // more than one: ECMP
	Type                         string    // System or Custom
	Status                       string    // see Switches.RouteStatusCreated
	Modified                     time.Time
}

// NextHop is where a route leads.
type NextHop struct {
	Type   string // RouterInterface, Instance, VpcPeer, Attachment, local, service, ...
	ID     string // "" for local and service
	Weight int
}

// RouterInterface is one side of a peering connection between two routers.
type RouterInterface struct {
	ID, RegionID      string
	Name, Description string
	Role              string // InitiatingSide or AcceptingSide
	Spec              string // Mini.2, ...; Negative on the accepting side
	RouterType        string // VRouter
	RouterID          string // vrt-…
	VpcID             string
	Status            string // Idle, Connecting, AcceptingConnecting, Activating, Active, Modifying, Deactivating, Inactive, Deleting
	BusinessStatus    string // Normal, FinancialLocked, SecurityLocked
	ChargeType        string // as Describe names it: AfterPay or Prepaid
	Created           time.Time
	Connected         time.Time // zero until connected
	Modified          time.Time

	OppositeRegionID   string
	OppositeRouterType string
	OppositeRouterID   string
	OppositeID         string
	OppositeOwnerID    string

	HealthCheckSource, HealthCheckTarget string
	HealthCheckRate, HealthCheckLimit    int
	ResourceGroupID                      string
	Tags                                 []Tag
}

// NetworkACL is a stateless filter bound to vSwitches.
type NetworkACL struct {
	ID, RegionID, VpcID string
	Name, Description   string
	Status              string // Available, Modifying
	Ingress, Egress     []ACLEntry
	Created             time.Time
	Tags                []Tag
}

// ACLEntry is one rule of a network ACL; rules are tried in order, and what
// none matches is dropped.
type ACLEntry struct {
	ID, Name, Description string
	Policy                string       // accept or drop
	Protocol              string       // all, icmp, tcp, udp, gre
	Port                  string       // from/to, or -1/-1
	Peer                  netip.Prefix // source of an ingress rule, destination of an egress rule
	EntryType             string       // custom or system
}

// How long asynchronous states take, as parts of Options.Transition, which is
// what a router interface takes from Connecting to Active.
const (
	wholeTransition   = 1.0
	vpcPart           = 0.2  // VPC, vSwitch, table: Pending to Available
	routePart         = 0.2  // a route entry's task
	associationPart   = 0.15 // route table or ACL to vSwitch
	connectingPart    = 0.75 // Connecting to Activating
	acceptorLagPart   = 0.15 // by which the accepting side is Active later
	deactivatingPart  = 0.25
	reactivatingPart  = 0.25
	interfaceGonePart = 0.2
)

// afterPart carries f out after a part of the transition time.
func (e *Engine) afterPart(part float64, f func()) {
	e.after(time.Duration(part*float64(e.opt.Transition)), f)
}

// inRegion says whether a resource of a region is one that a call sees. Calls
// to an endpoint that is not regional may come without a region: they see all.
func (t *tx) inRegion(region string) bool { return t.region == "" || t.region == region }

func (e *Engine) findVPC(t *tx, asOf time.Time, id string) (VPC, *Error) {
	v, ok := e.vpcs.get(asOf, id)
	if !ok || !t.inRegion(v.RegionID) {
		return VPC{}, &Error{404, "InvalidVpcID.NotFound", "Specified VPC does not exist."}
	}
	return v, nil
}

func (e *Engine) findVSwitch(t *tx, asOf time.Time, id string) (VSwitch, *Error) {
	v, ok := e.vSwitches.get(asOf, id)
	if !ok || !t.inRegion(v.RegionID) {
		return VSwitch{}, &Error{404, "InvalidVSwitchId.NotFound", "The specified virtual switch does not exist."}
	}
	return v, nil
}

func (e *Engine) findRouteTable(t *tx, asOf time.Time, id string) (RouteTable, *Error) {
	v, ok := e.routeTables.get(asOf, id)
	if !ok || !t.inRegion(v.RegionID) {
		return RouteTable{}, &Error{404, "InvalidRouteTableId.NotFound", "Specified route table does not exist."}
	}
	return v, nil
}

func (e *Engine) findInterface(t *tx, asOf time.Time, id string) (RouterInterface, *Error) {
	v, ok := e.interfaces.get(asOf, id)
	if !ok || !t.inRegion(v.RegionID) {
		return RouterInterface{}, &Error{404, "InvalidRouterInterfaceId.NotFound", "The specified RouterInterfaceId does not exist in our records."}
	}
	return v, nil
}

// vpcOfRouter returns the VPC whose vRouter has the id, in any region.
func (e *Engine) vpcOfRouter(asOf time.Time, routerID string) (VPC, bool) {
	found := e.vpcs.list(asOf, func(v VPC) bool { return v.RouterID == routerID })
	if routerID == "" || len(found) == 0 {
		return VPC{}, false
	}
	return found[0], true
}

func (e *Engine) tablesOf(asOf time.Time, vpcID string) []RouteTable {
	return e.routeTables.list(asOf, func(r RouteTable) bool { return r.VpcID == vpcID })
}

func (e *Engine) vSwitchesOf(asOf time.Time, vpcID string) []VSwitch {
	return e.vSwitches.list(asOf, func(v VSwitch) bool { return v.VpcID == vpcID })
}

func (e *Engine) entriesOf(asOf time.Time, tableID string) []RouteEntry {
	return e.routeEntries.list(asOf, func(r RouteEntry) bool { return r.TableID == tableID })
}

func vpcActions() []Action {
	var all []Action
	for _, list := range [][]Action{
		networkActions(), networkReads(), routeTableActions(), routeEntryActions(),
		interfaceActions(), interfaceReads(), expressConnectTagActions(), aclActions(),
	} {
		all = append(all, list...)
	}
	return all
}
