package reachability

import (
	"net/netip"

	"vpcinterconnect/shared/interconnect"
)

// Picture is what the cloud reports of the two sides, at about one moment.
type Picture struct {
	Initiator Side
	Acceptor  Side
}

// Side is one side of a Picture. A list is all that there is of its kind,
// unless Unread says otherwise.
type Side struct {
	RegionID   string
	VPC        interconnect.VPC
	VSwitches  []interconnect.VSwitch
	Tables     []interconnect.RouteTable
	Entries    []interconnect.RouteEntry // of all tables that serve a vSwitch of interest, system entries too
	Interfaces []interconnect.RouterInterface
	Peerings   []interconnect.PeeringConnection // either side's list may hold one that both have
	Acls       []interconnect.NetworkAcl
	Groups     []interconnect.Group
	Instances  []interconnect.Instance

	// Unread is what could not be read, and why, safe to show: by the id of a
	// table, ACL or group of which nothing is known, or by one of the constants
	// below for a whole list. What is not in a list that was not read, or was
	// not asked for, is unknown, not absent.
	Unread map[string]string
}

// Keys of Side.Unread for whole lists.
const (
	UnreadVSwitches  = "vSwitches"
	UnreadInterfaces = "router interfaces"
	UnreadPeerings   = "VPC peering connections"
	UnreadInstances  = "instances"
)

// Side returns the side in the given role.
func (p *Picture) Side(r interconnect.Role) *Side {
	if r == interconnect.Initiator {
		return &p.Initiator
	}
	return &p.Acceptor
}

// Packet is what an analysis follows: the first packet of an exchange. The
// reply is analyzed with it.
type Packet struct {
	From     string     // instance that sends it, on either side
	To       string     // instance that it is for; "": only an Address
	Address  netip.Addr // where To is "": the target, which need not be anybody's
	Protocol string     // ICMP, TCP or UDP
	Port     int        // TCP and UDP: the target's, 1 to 65535
}
