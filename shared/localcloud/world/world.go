// Package world is the world file: what exists in the local cloud when it
// starts, as strict YAML, and what exists in it later, written the same way,
// so that a run's end can be compared with its start.
package world

// World is everything in the cloud. The zero value of an optional field means
// what a new resource of its kind has.
type World struct {
	Account  string          `yaml:"account,omitempty"` // id of the main account
	Users    []User          `yaml:"users,omitempty"`
	Quotas   map[string]int  `yaml:"quotas,omitempty"`   // routeEntriesPerTable, ...: engine.Quotas, first letter small
	Switches map[string]bool `yaml:"switches,omitempty"` // routeStatusCreated, ...: engine.Switches, first letter small

	Regions          []Region          `yaml:"regions"`
	VPCs             []VPC             `yaml:"vpcs"`
	RouterInterfaces []RouterInterface `yaml:"routerInterfaces,omitempty"`
	PeerConnections  []PeerConnection  `yaml:"peerConnections,omitempty"`
}

// User is a RAM user with an access key.
type User struct {
	Name            string `yaml:"name"`
	AccessKeyID     string `yaml:"accessKeyId"`
	AccessKeySecret string `yaml:"accessKeySecret"`
}

// Region is a region with its zones.
type Region struct {
	ID    string   `yaml:"id"`
	Zones []string `yaml:"zones,flow"`
}

// VPC is a VPC with everything in it.
type VPC struct {
	ID              string            `yaml:"id"`
	Region          string            `yaml:"region"`
	Name            string            `yaml:"name,omitempty"`
	Description     string            `yaml:"description,omitempty"`
	RouterID        string            `yaml:"routerId,omitempty"`
	CidrBlock       string            `yaml:"cidrBlock"`
	SecondaryBlocks []string          `yaml:"secondaryCidrBlocks,flow,omitempty"`
	UserBlocks      []string          `yaml:"userCidrs,flow,omitempty"`
	Default         bool              `yaml:"default,omitempty"`
	Tags            map[string]string `yaml:"tags,omitempty"`
	Cens            []Cen             `yaml:"cens,omitempty"`

	RouteTables    []RouteTable    `yaml:"routeTables,omitempty"`
	NetworkACLs    []NetworkACL    `yaml:"networkAcls,omitempty"`
	VSwitches      []VSwitch       `yaml:"vSwitches,omitempty"`
	SecurityGroups []SecurityGroup `yaml:"securityGroups,omitempty"`
	Instances      []Instance      `yaml:"instances,omitempty"`
}

// Cen is an attachment to a Cloud Enterprise Network.
type Cen struct {
	ID    string `yaml:"id"`
	Owner string `yaml:"owner,omitempty"` // account id; absent: the main account
}

// RouteTable is a route table. Every VPC has one of type System, which may be
// left out if it needs neither an id nor routes.
type RouteTable struct {
	ID            string            `yaml:"id"`
	Type          string            `yaml:"type,omitempty"` // System or Custom (absent)
	Name          string            `yaml:"name,omitempty"`
	Description   string            `yaml:"description,omitempty"`
	AssociateType string            `yaml:"associateType,omitempty"` // VSwitch (absent) or Gateway
	Tags          map[string]string `yaml:"tags,omitempty"`
	Routes        []Route           `yaml:"routes,omitempty"` // custom ones
}

// Route is a custom route entry.
type Route struct {
	ID          string    `yaml:"id,omitempty"`
	Name        string    `yaml:"name,omitempty"`
	Description string    `yaml:"description,omitempty"`
	Destination string    `yaml:"destination"`
	NextHops    []NextHop `yaml:"nextHops"`
	Status      string    `yaml:"status,omitempty"` // absent: settled
}

// NextHop is where a route leads.
type NextHop struct {
	Type   string `yaml:"type"` // RouterInterface, Instance, VpcPeer, ...
	ID     string `yaml:"id"`
	Weight int    `yaml:"weight,omitempty"`
}

// NetworkACL is a stateless filter that vSwitches may be bound to.
type NetworkACL struct {
	ID      string     `yaml:"id"`
	Name    string     `yaml:"name,omitempty"`
	Ingress []ACLEntry `yaml:"ingress,omitempty"`
	Egress  []ACLEntry `yaml:"egress,omitempty"`
}

// ACLEntry is one rule of a network ACL. They are tried in order.
type ACLEntry struct {
	Name     string `yaml:"name,omitempty"`
	Policy   string `yaml:"policy"`         // accept or drop
	Protocol string `yaml:"protocol"`       // all, icmp, tcp, udp, gre
	Port     string `yaml:"port,omitempty"` // from/to; absent: -1/-1
	Peer     string `yaml:"cidrBlock"`      // source of an ingress rule, destination of an egress rule
}

// VSwitch is a subnet.
type VSwitch struct {
	ID           string            `yaml:"id"`
	Name         string            `yaml:"name,omitempty"`
	Zone         string            `yaml:"zone"`
	CidrBlock    string            `yaml:"cidrBlock"`
	RouteTableID string            `yaml:"routeTableId,omitempty"` // absent: the system table
	NetworkACLID string            `yaml:"networkAclId,omitempty"`
	Tags         map[string]string `yaml:"tags,omitempty"`
}

// SecurityGroup is a security group with its rules.
type SecurityGroup struct {
	ID             string            `yaml:"id"`
	Name           string            `yaml:"name,omitempty"`
	Description    string            `yaml:"description,omitempty"`
	Type           string            `yaml:"type,omitempty"` // normal (absent) or enterprise, the advanced one
	Isolated       bool              `yaml:"isolated,omitempty"`
	ServiceManaged bool              `yaml:"serviceManaged,omitempty"`
	Tags           map[string]string `yaml:"tags,omitempty"`
	Rules          []Rule            `yaml:"rules,omitempty"`
}

// Rule is one rule of a security group: of a block or of a group.
type Rule struct {
	ID          string `yaml:"id,omitempty"`
	Direction   string `yaml:"direction"`                 // ingress or egress
	Protocol    string `yaml:"protocol"`                  // TCP, UDP, ICMP, ICMPv6, GRE, ALL
	PortRange   string `yaml:"portRange,omitempty"`       // absent: -1/-1
	SourcePorts string `yaml:"sourcePortRange,omitempty"` // absent: -1/-1
	Policy      string `yaml:"policy,omitempty"`          // accept (absent) or drop
	Priority    int    `yaml:"priority,omitempty"`        // absent: 1
	CidrBlock   string `yaml:"cidrBlock,omitempty"`
	GroupID     string `yaml:"securityGroupId,omitempty"`
	OwnBlock    string `yaml:"ownCidrBlock,omitempty"` // narrows to a part of the group's own side
	Description string `yaml:"description,omitempty"`
}

// Instance is a virtual machine.
type Instance struct {
	ID             string            `yaml:"id"`
	Name           string            `yaml:"name,omitempty"`
	VSwitchID      string            `yaml:"vSwitchId"`
	PrivateIP      string            `yaml:"privateIp,omitempty"` // absent: a free one
	SecurityGroups []string          `yaml:"securityGroupIds,flow"`
	Status         string            `yaml:"status,omitempty"` // Running (absent), Stopped, ...
	Tags           map[string]string `yaml:"tags,omitempty"`
	Guest          Guest             `yaml:"guest,omitempty"`
}

// Guest is what is true inside an instance.
type Guest struct {
	OS             string       `yaml:"os,omitempty"`             // linux (absent) or windows
	CloudAssistant string       `yaml:"cloudAssistant,omitempty"` // online, offline (absent), or hangs: online, but takes no command
	DropICMP       bool         `yaml:"dropIcmp,omitempty"`
	DropTCP        []string     `yaml:"dropTcp,flow,omitempty"`   // port ranges, from/to
	ListenTCP      []int        `yaml:"listenTcp,flow,omitempty"` // ports
	Routes         []GuestRoute `yaml:"routes,omitempty"`
	InterfaceDown  bool         `yaml:"interfaceDown,omitempty"`
	MTU            int          `yaml:"mtu,omitempty"`         // of its network interface, in bytes; absent: 1500
	ReversePath    string       `yaml:"reversePath,omitempty"` // a packet whose answer would leave another way: strict drops it, loose (absent) takes it
}

// GuestRoute is a route inside a guest, over a container bridge for one.
type GuestRoute struct {
	Destination string `yaml:"destination"`
	Device      string `yaml:"device"`
}

// RouterInterface is one side of a peering connection that is there already.
type RouterInterface struct {
	ID             string            `yaml:"id"`
	VpcID          string            `yaml:"vpcId"`
	Name           string            `yaml:"name,omitempty"`
	Description    string            `yaml:"description,omitempty"`
	Role           string            `yaml:"role"`                     // InitiatingSide or AcceptingSide
	Spec           string            `yaml:"spec"`                     // Mini.2, ...; Negative on the accepting side
	Status         string            `yaml:"status,omitempty"`         // absent: Active
	BusinessStatus string            `yaml:"businessStatus,omitempty"` // absent: Normal
	Tags           map[string]string `yaml:"tags,omitempty"`
	Opposite       *Opposite         `yaml:"opposite,omitempty"`
}

// Opposite is the other side as a router interface names it. What is absent
// comes from the interface named, if the world has it.
type Opposite struct {
	ID       string `yaml:"id,omitempty"`
	Region   string `yaml:"region,omitempty"`
	RouterID string `yaml:"routerId,omitempty"`
	Owner    string `yaml:"owner,omitempty"` // account id; absent: the main account
}

// PeerConnection is a VPC peering connection that is there already.
type PeerConnection struct {
	ID             string            `yaml:"id"`
	VpcID          string            `yaml:"vpcId"`          // of the side that asked for it
	AcceptingVpcID string            `yaml:"acceptingVpcId"` // of the other
	Name           string            `yaml:"name,omitempty"`
	Description    string            `yaml:"description,omitempty"`
	Bandwidth      int               `yaml:"bandwidth,omitempty"`      // Mb/s; absent: unlimited within a region, 1024 across
	LinkType       string            `yaml:"linkType,omitempty"`       // Gold (absent, across regions) or Platinum
	Status         string            `yaml:"status,omitempty"`         // absent: Activated
	BusinessStatus string            `yaml:"businessStatus,omitempty"` // absent: Normal
	Tags           map[string]string `yaml:"tags,omitempty"`
}
