package interconnect

// Step is one of the four stages that make (or remove) a connection.
type Step string

// The steps, in the order in which a connection is made.
const (
	Peering        Step = "peering"
	Routes         Step = "routes"
	SecurityGroups Step = "security-groups"
	Verification   Step = "verification"
)

// Steps lists the steps in the order in which a connection is made.
var Steps = []Step{Peering, Routes, SecurityGroups, Verification}

// Type is how two VPCs are joined.
type Type string

// The connection types. TypeAuto is resolved by intake before anything is
// recorded, so no step ever sees it.
const (
	TypeAuto           Type = "auto"
	TypeExpressConnect Type = "ExpressConnect"
	TypeVpcPeering     Type = "VpcPeering"
)

// Role says which side of a peering connection is meant.
type Role string

// The two sides. The initiator pays and connects.
const (
	Initiator Role = "initiator"
	Acceptor  Role = "acceptor"
)

// Other returns the opposite side.
func (r Role) Other() Role {
	if r == Initiator {
		return Acceptor
	}
	return Initiator
}

// Authorization is how a security group names whom it lets in.
type Authorization string

// The two ways in which a rule names its source. SecurityGroup works within a
// region only.
const (
	ByCidrBlock     Authorization = "CidrBlock"
	BySecurityGroup Authorization = "SecurityGroup"
)

// OnFailure is what becomes of a connect that fails for good.
type OnFailure string

// What a failed connect leaves behind.
const (
	OnFailureRollback OnFailure = "rollback"
	OnFailureKeep     OnFailure = "keep"
)

// Repair is what a check does about drift.
type Repair string

// What a check does when something of ours is missing.
const (
	RepairOff    Repair = "off"
	RepairReport Repair = "report"
	RepairAuto   Repair = "auto"
)

// Roles lists the two sides, the initiator first.
var Roles = []Role{Initiator, Acceptor}
