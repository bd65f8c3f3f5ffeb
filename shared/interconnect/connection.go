package interconnect

import "net/netip"

// Connection is a resolved request: the desired state with every block, table,
// group and port spelled out, as the record holds it. A block that is added to
// a VPC later does not enter a Connection unseen.
//
// The JSON names are short because a record is at most 4,096 characters.
type Connection struct {
	ID            string    `json:"id"`
	Type          Type      `json:"type"`
	Specification string    `json:"spec,omitempty"` // of the initiator's router interface, e.g. Mini.2; "" for other types
	Bandwidth     int       `json:"mbps,omitempty"` // of a VPC peering connection across regions; 0: as the cloud has it
	LinkType      string    `json:"link,omitempty"` // likewise
	Initiator     Side      `json:"initiator"`
	Acceptor      Side      `json:"acceptor"`
	OnFailure     OnFailure `json:"onFailure"`
	Repair        Repair    `json:"repair"`
}

// Side is one VPC's end of a Connection.
type Side struct {
	Account        string          `json:"account"` // main account id, from STS
	RegionID       string          `json:"region"`
	VpcID          string          `json:"vpc"`
	VRouterID      string          `json:"vrouter"`
	CidrBlocks     []netip.Prefix  `json:"cidrs"`             // what of this side the other may reach
	RouteTableIDs  []string        `json:"tables"`            // tables of this side that get routes to the other side's CidrBlocks
	SecurityGroups []SecurityGroup `json:"groups,omitempty"`  // groups of this side that get rules
	ProbeID        string          `json:"probe,omitempty"`   // instance to ping from and to, if the request names one; "" means: find one
	Targets        []string        `json:"targets,omitempty"` // further instances to ping to
	Packets        int             `json:"packets,omitempty"` // of a ping from this side's probe; 0: DefaultPackets
	Omits          []string        `json:"omits,omitempty"`   // blocks of the VPC, and tables that serve its vSwitches, which the request left out knowingly
}

// SecurityGroup is a group of one side and what it is to let in from the other.
type SecurityGroup struct {
	ID            string        `json:"id"`
	Authorization Authorization `json:"auth"`
	Advanced      bool          `json:"advanced,omitempty"` // an advanced ("enterprise") group denies egress unless a rule allows it
	Allow         []Allow       `json:"allow"`
}

// Allow is a protocol and, for TCP and UDP, a port range, as the security group
// API spells them: "TCP" "5432/5432", "ICMP" "-1/-1".
type Allow struct {
	Protocol  string `json:"p"`
	PortRange string `json:"ports"`
}

// Side returns the side in the given role.
func (c *Connection) Side(r Role) *Side {
	if r == Initiator {
		return &c.Initiator
	}
	return &c.Acceptor
}

// CrossRegion tells whether the two sides are in different regions.
func (c *Connection) CrossRegion() bool { return c.Initiator.RegionID != c.Acceptor.RegionID }
