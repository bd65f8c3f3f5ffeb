package engine

import "slices"

// state is each product's part of the world; the product's own file says what
// is in it.
type state struct {
	regions []Region
	vpcState
	ecsState
	oosState
	stsState
	mnsState
	vpcPeerState
}

func (e *Engine) initState() {
	e.initVpc()
	e.initEcs()
	e.initOos()
	e.initSts()
	e.initMns()
	e.initVpcPeer()
}

// Region is a region of the cloud with its zones.
type Region struct {
	ID    string
	Zones []string
}

// catalogue lists every product's actions.
func catalogue() [][]Action {
	return [][]Action{vpcActions(), ecsActions(), oosActions(), stsActions(), mnsOpenActions(), vpcPeerActions()}
}

// checkRegion refuses a region that the world does not have. STS and OOS calls
// may come without one.
func (e *Engine) checkRegion(a *Action, region string) *Error {
	needed := slices.ContainsFunc(a.Parameters, func(p Parameter) bool { return p.Name == "RegionId" && p.Required })
	if region == "" && !needed {
		return nil
	}
	if !slices.ContainsFunc(e.regions, func(r Region) bool { return r.ID == region }) {
		return &Error{404, "InvalidRegionId.NotFound", "The specified RegionId does not exist."}
	}
	return nil
}

// Switches choose between two published or plausible readings of a behaviour
// that is UNCONFIRMED. The zero value is each one's default reading; Facts
// names the fact that each belongs to.
type Switches struct {
	RouteStatusCreated              bool // a route entry that is done says Created, not Available
	GroupAcrossVPCsAllowed          bool // a rule may name a group of another VPC of the region
	TagRouterInterfaceRefused       bool // tags on a router interface of a vRouter are refused
	RouterInterfaceClosed           bool // the account may not create router interfaces
	RouteToInactiveInterfaceAllowed bool // a route may be made to a router interface that is not Active
	InterfaceStatusCodeOld          bool // a wrong state is IncorrectStatus, not IncorrectRIStatus
	OneSideOppositeEnough           bool // the accepting side need not name its opposite before connecting
	MissingParameterNamed           bool // a missing parameter is Missing<Name>, not MissingParameter
	UnknownParametersIgnored        bool // the gateway ignores unknown parameters instead of refusing them
	UnknownAccessKeyIs400           bool // InvalidAccessKeyId.NotFound is a 400, not a 404
	RuleIdentityWithoutPriority     bool // two rules that differ only in priority are one
	OfflineAgentRefusesCommand      bool // RunCommand refuses an instance whose agent is offline, instead of letting the invocation fail
	PriorityZeroRefused             bool // MNS refuses a message with Priority 0, as its Go SDK sends it if not told better
	QueueNameCoolsDown              bool // the name of a deleted MNS queue stays taken for a minute
	QueueTimesInSeconds             bool // MNS writes a queue's times in Unix seconds, not milliseconds
	MessageCountsWithdrawn          bool // MNS answers 0 for a queue's numbers of messages, as it has announced
	PeeringSeenByInitiatorOnly      bool // the accepting region's reads do not show a peering connection
	PeeringForceDeletesOneSide      bool // Force deletes the initiator's routes to a peering connection only
	DeletedPeeringStaysListed       bool // a deleted peering connection is listed as Deleted
	PeeringBesideInterfacesRefused  bool // two VPCs that router interfaces join get no peering connection
	RepointToPeeringRefused         bool // ModifyRouteEntry takes no peering connection as next hop
	LongParameterNames              bool // an OOS parameter's name may have 200 characters, not 180
	ParameterErrorsAre400           bool // an OOS parameter that is not there, or is there already, is a 400, not a 404 or 409
}

// Quotas are limits per account or resource; a zero field means the documented
// default.
type Quotas struct {
	RouteEntriesPerTable        int // custom entries: 200
	RouterInterfacesPerRouter   int // 5
	RulesPerSecurityGroup       int // 200
	VpcsPerRegion               int // 10
	VSwitchesPerVpc             int // 150
	CustomRouteTablesPerVpc     int // 9
	SecondaryBlocksPerVpc       int // 5
	SecurityGroupsPerRegion     int // 100
	PeeringsPerVpcWithinRegion  int // 10
	PeeringsPerVpcAcrossRegions int // 20
	PeeringsPerRegion           int // of the account: 20
	QueuesPerRegion             int // 1000
}
