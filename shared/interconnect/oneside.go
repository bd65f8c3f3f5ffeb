package interconnect

// This file holds what one side's answer tells of both: a router interface names
// the one it faces, and that one's status (Express Connect API reference,
// DescribeRouterInterfaces), and a VPC peering connection is one thing for both
// sides. It saves the other side's read where it leaves no doubt.

// ActiveFromOneSide returns the pair that carries traffic by the interfaces seen
// at the router of one side alone. Of the other side's interface only what this
// side knows of it is filled in: id, status and opposite. It returns false where
// the answer leaves a doubt, so that both sides have to be read: it shows none
// or several to the other router, or one that is not Active on both sides, or
// not yet, or of which it does not say.
func ActiveFromOneSide(c *Connection, role Role, seen []RouterInterface) (InterfacePair, bool) {
	side, there := c.Side(role), c.Side(role.Other())
	var only *RouterInterface
	for _, i := range seen {
		switch {
		case i.RouterID != side.VRouterID || i.OppositeRouterID != there.VRouterID:
		case only == nil:
			only = &i
		case only.ID != i.ID:
			return InterfacePair{}, false
		}
	}
	if only == nil || only.OppositeID == "" {
		return InterfacePair{}, false
	}
	p := InterfacePair{Initiator: only, Acceptor: &RouterInterface{
		ID: only.OppositeID, RegionID: there.RegionID, RouterID: there.VRouterID, Status: only.OppositeStatus,
		OppositeID: only.ID, OppositeRegionID: side.RegionID, OppositeRouterID: side.VRouterID, OppositeStatus: only.Status,
	}}
	if role == Acceptor {
		p.Initiator, p.Acceptor = p.Acceptor, p.Initiator
	}
	if !p.Active() {
		return InterfacePair{}, false
	}
	return p, true
}
