package interconnect

import (
	"net/netip"
	"time"
)

// This file holds what the cloud reports, in the domain's own types: alicloud
// produces them, steps consume them. Unknown or malformed parts of an answer
// are an error in alicloud, never a zero value here.

// VPC is a virtual private cloud as DescribeVpcAttribute reports it.
type VPC struct {
	ID              string
	RegionID        string
	OwnerID         string
	VRouterID       string
	CidrBlock       netip.Prefix
	SecondaryBlocks []netip.Prefix
	UserBlocks      []netip.Prefix
	Available       bool
	CenIDs          []string // CENs that this VPC is attached to
	Tags            map[string]string
}

// Blocks returns the VPC's primary and secondary blocks.
func (v *VPC) Blocks() []netip.Prefix {
	return append([]netip.Prefix{v.CidrBlock}, v.SecondaryBlocks...)
}

// VSwitch is a subnet of a VPC.
type VSwitch struct {
	ID           string
	VpcID        string
	ZoneID       string
	CidrBlock    netip.Prefix
	RouteTableID string // the table that serves it
	NetworkAclID string // "" if none
}

// RouteTable is a vRouter's table; a system table serves every vSwitch that no
// custom table serves.
type RouteTable struct {
	ID         string
	VpcID      string
	System     bool
	Gateway    bool // AssociateType Gateway: serves an internet gateway, never a vSwitch
	VSwitchIDs []string
}

// RouteEntry is one entry of a route table. Status is the cloud's word;
// see Settled.
type RouteEntry struct {
	ID           string
	RouteTableID string
	Destination  netip.Prefix // not valid if the destination is a prefix list
	NextHopType  string       // RouterInterface, VpcPeer, Instance, local, ...
	NextHopID    string       // of several next hops: all ids, joined by commas
	Type         string       // Custom, System, BGP, CEN, ECR
	Name         string       // holds our mark, if it is ours
	Status       string       // Available or Created when done; Pending, Creating, Modifying, Deleting
}

// Settled tells whether no task is running on the entry. Both words for done
// are accepted: the documentation says Created, practice shows Available.
func (e *RouteEntry) Settled() bool { return e.Status == "Available" || e.Status == "Created" }

// RouterInterface is one side of an Express Connect peering connection.
type RouterInterface struct {
	ID                 string
	RegionID           string
	RouterID           string
	RouterType         string
	Role               string // InitiatingSide, AcceptingSide
	Specification      string
	Status             string // Idle, Connecting, AcceptingConnecting, Activating, Active, Modifying, Deactivating, Inactive, Deleting
	BusinessStatus     string // Normal, FinancialLocked, SecurityLocked
	Name               string // holds our mark, if it is ours
	OppositeRegionID   string
	OppositeRouterID   string
	OppositeRouterType string
	OppositeID         string // "" until the opposite side is set
	OppositeOwnerID    string
	OppositeStatus     string
	CreatedAt          time.Time
	Tags               map[string]string
}

// PeeringConnection is a VPC peering connection: one thing for both sides.
type PeeringConnection struct {
	ID                string
	RegionID          string // of the side that asked for it
	VpcID             string
	AcceptingRegionID string
	AcceptingVpcID    string
	Bandwidth         int    // Mb/s; -1: not limited
	LinkType          string // Gold or Platinum; "" within a region, or where the cloud does not tell
	Status            string // Creating, Accepting, Updating, Rejected, Expired, Activated, Deleting, Deleted
	BusinessStatus    string // Normal, FinancialLocked
	Name              string // holds our mark, if it is ours
	CreatedAt         time.Time
	Tags              map[string]string
}

// GroupFacts is a security group without its rules.
type GroupFacts struct {
	ID             string
	VpcID          string
	Advanced       bool // SecurityGroupType enterprise
	ServiceManaged bool // belongs to a cloud product: cannot be edited
	RuleCount      int
}

// Direction of a security group rule.
type Direction string

// The two directions.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// Rule is a security group rule. For ingress the peer is the source, for
// egress the destination: exactly one of PeerBlock and PeerGroupID is set, or
// neither for kinds of rule that we never make: by prefix list, for IPv6, or
// narrowed to a source port or a part of the group's own side, which Narrow
// tells.
type Rule struct {
	ID          string
	GroupID     string
	Direction   Direction
	Protocol    string // TCP, UDP, ICMP, GRE, ALL, upper case
	PortRange   string // -1/-1 for ICMP, GRE and ALL
	PeerBlock   netip.Prefix
	PeerGroupID string
	Policy      string // accept or drop, lower case
	Priority    int    // 1 (highest) to 100
	Description string // holds our mark, if it is ours
	Narrow      Narrow // of a kind of rule that we never make
}

// Instance is an ECS instance.
type Instance struct {
	ID               string
	VpcID            string
	VSwitchID        string
	PrivateIP        netip.Addr
	Running          bool
	OSType           string // linux, windows
	SecurityGroupIDs []string
}

// Invocation is one run of a Cloud Assistant command on one instance.
type Invocation struct {
	ID          string
	CommandName string
	InstanceID  string
	Script      string // what was run; "" where the cloud does not tell
	Status      string // Pending, Scheduled, Running, Stopping; Success, Failed, Error, Timeout, Invalid, Aborted, Cancelled, Terminated
	Finished    bool   // Status is a terminal one
	ExitCode    int    // meaningful only if the script ran
	Output      string // decoded
	ErrorCode   string // Cloud Assistant's, e.g. ClientNotRunning
	ErrorInfo   string
	CreatedAt   time.Time
}
