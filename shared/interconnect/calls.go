package interconnect

import "net/netip"

// This file holds what mutating calls are given. A Token is a client token
// (at most 64 ASCII characters): the same token is the same object.

// NewRouterInterface is what CreateRouterInterface is given.
type NewRouterInterface struct {
	Role             Role
	Specification    string // of the initiator; the acceptor's is always Negative
	RouterID         string
	OppositeRegionID string
	OppositeRouterID string
	Name             string            // our mark
	Description      string            // our mark
	Tags             map[string]string // our mark
	Token            string
}

// Opposite is the other side of a router interface. The router type is always
// VRouter.
type Opposite struct {
	InterfaceID string
	RouterID    string
	OwnerID     string
}

// NewPeeringConnection is what CreateVpcPeerConnection is given. Both VPCs are
// of one account, which accepts by itself.
type NewPeeringConnection struct {
	VpcID             string
	AcceptingAccount  string // main account id
	AcceptingRegionID string
	AcceptingVpcID    string
	Bandwidth         int               // Mb/s, across regions only; 0: the cloud's default
	LinkType          string            // across regions only; "": the cloud's default
	Name              string            // our mark
	Description       string            // our mark
	Tags              map[string]string // our mark
	Token             string
}

// NextHop is where a route entry leads.
type NextHop struct {
	Type string // RouterInterface or VpcPeer
	ID   string
}

// NewRoute is one entry of a CreateRouteEntries batch.
type NewRoute struct {
	RouteTableID string
	Destination  netip.Prefix
	NextHop      NextHop
	Name         string // our mark
	Description  string
}

// RouteFailure is one entry of a batch that the cloud refused. The answer does
// not name the route table.
type RouteFailure struct {
	Destination netip.Prefix
	NextHopID   string
	Err         *CloudError // classified
}

// Command is what RunCommand is given.
type Command struct {
	Name           string // at most 128 characters; how a later run finds it again
	Script         string // shell; only parsed addresses are ever put into it
	InstanceID     string
	TimeoutSeconds int
	Token          string
}

// Parameter is an entry of the Parameter Store.
type Parameter struct {
	Name    string
	Value   string
	Version int
	Updated string // RFC 3339, the cloud's clock
}
