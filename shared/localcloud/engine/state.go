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
}

func (e *Engine) initState() {
	e.initVpc()
	e.initEcs()
	e.initOos()
	e.initSts()
	e.initMns()
}

// Region is a region of the cloud with its zones.
type Region struct {
	ID    string
	Zones []string
}

// catalogue lists every product's actions.
func catalogue() [][]Action {
	return [][]Action{vpcActions(), ecsActions(), oosActions(), stsActions(), mnsOpenActions()}
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
// that is UNCONFIRMED. The zero value is each one's default reading.
type Switches struct {
	RouteStatusCreated        bool // a route entry that is done says Created, not Available
	GroupAcrossVPCsAllowed    bool // a rule may name a group of another VPC of the region
	TagRouterInterfaceRefused bool // Tags on a VRouter-type router interface are refused
	RouterInterfaceClosed     bool // the account may not create router interfaces
	PriorityZeroRefused       bool // MNS refuses a message with Priority 0, as its Go SDK sends it if not told better
	QueueNameCoolsDown        bool // the name of a deleted MNS queue stays taken for a minute
	QueueTimesInSeconds       bool // MNS writes a queue's times in Unix seconds, not milliseconds
	MessageCountsWithdrawn    bool // MNS answers 0 for a queue's numbers of messages, as it has announced
	LongParameterNames        bool // an OOS parameter's name may have 200 characters, not 180
}

// Quotas are limits per account or resource; a zero field means the documented
// default.
type Quotas struct {
	RouteEntriesPerTable      int // custom entries: 200
	RouterInterfacesPerRouter int // 5
	RulesPerSecurityGroup     int // 200
	QueuesPerRegion           int // 1000
}
