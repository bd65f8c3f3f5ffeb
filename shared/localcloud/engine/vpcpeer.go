package engine

import (
	"cmp"
	"slices"
	"time"
)

var vpcPeerProduct = product{"VpcPeer", "2022-01-01"}

// vpcPeerState is the VPC peering service's part of the world.
type vpcPeerState struct{ peerings table[PeerConnection] }

func (e *Engine) initVpcPeer() {
	e.peerings = newTable[PeerConnection]()
	e.tenants = append(e.tenants, func() []tenant {
		var out []tenant
		for _, p := range e.peerings.list(latest, PeerConnection.live) {
			out = append(out, tenant{Kind: "VpcPeer", ID: p.ID, VpcID: p.VpcID}, tenant{Kind: "VpcPeer", ID: p.ID, VpcID: p.AcceptingVpcID})
		}
		return out
	})
}

// Statuses of a peering connection. Creating, Updating and Deleting are those
// of other resources.
const (
	PeerAccepting = "Accepting"
	PeerUpdating  = "Updating"
	PeerRejected  = "Rejected"
	PeerExpired   = "Expired"
	PeerActivated = "Activated"
	PeerDeleted   = "Deleted"
)

// PeerConnection is a VPC peering connection. One account has both VPCs.
type PeerConnection struct {
	ID                string // pcc-…
	RegionID, VpcID   string // the side that asked for it
	AcceptingRegionID string
	AcceptingVpcID    string
	Name, Description string
	Bandwidth         int    // Mb/s; -1 is unlimited, which it is within a region
	LinkType          string // Gold or Platinum across regions; "" within one
	Status            string // Creating, Accepting, Updating, Rejected, Expired, Activated, Deleting, Deleted
	BusinessStatus    string // Normal or FinancialLocked
	Created, Modified time.Time
	Expires           time.Time // of an Accepting or Expired one
	ResourceGroupID   string
	Tags              []Tag
}

// Documented values of a peering connection's bandwidth, in Mb/s, and link
// type.
const (
	peerUnlimited        = -1   // within a region
	peerDefaultBandwidth = 1024 // across regions
	peerDefaultLink      = "Gold"
	peerAcceptWithin     = 7 * 24 * time.Hour
)

// Parts of Options.Transition that a peering connection's changes take. None
// is published.
const (
	peerCreatePart = 0.6
	peerUpdatePart = 0.2
	peerDeletePart = 0.3
)

func (p PeerConnection) crossRegion() bool { return p.RegionID != p.AcceptingRegionID }

// joins tells whether a VPC is one of the two.
func (p PeerConnection) joins(vpcID string) bool {
	return p.VpcID == vpcID || p.AcceptingVpcID == vpcID
}

// live tells whether the connection is there for other purposes than being
// looked at.
func (p PeerConnection) live() bool {
	return p.Status != PeerRejected && p.Status != PeerExpired && p.Status != PeerDeleted
}

// changing tells whether a change of the connection is under way.
func (p PeerConnection) changing() bool {
	return p.Status == StatusCreating || p.Status == PeerUpdating || p.Status == StatusDeleting
}

// seenIn says whether a call in a region sees the connection.
func (e *Engine) seenIn(t *tx, p PeerConnection) bool {
	return t.inRegion(p.RegionID) || t.inRegion(p.AcceptingRegionID) && !e.opt.Switches.PeeringSeenByInitiatorOnly
}

func (e *Engine) findPeering(t *tx, asOf time.Time, id string) (PeerConnection, *Error) {
	p, ok := e.peerings.get(asOf, id)
	if !ok || !e.seenIn(t, p) {
		return PeerConnection{}, &Error{400, "ResourceNotFound.InstanceId", "The specified resource of InstanceId is not found."}
	}
	return p, nil
}

func (e *Engine) setPeering(id, status string) {
	e.peerings.update(e.now, id, func(p *PeerConnection) { p.Status, p.Modified = status, e.now })
}

// settlePeering moves a connection to a status after a part of the transition
// time.
func (e *Engine) settlePeering(part float64, id, status string) {
	e.afterPart(part, func() { e.setPeering(id, status) })
}

// awaitAcceptance lets an Accepting connection expire.
func (e *Engine) awaitAcceptance(id string) {
	e.after(peerAcceptWithin, func() {
		if p, ok := e.peerings.get(latest, id); ok && p.Status == PeerAccepting {
			e.setPeering(id, PeerExpired)
		}
	})
}

// routesTo lists the route entries that lead to a peering connection, of one
// VPC or ("") of both.
func (e *Engine) routesTo(peeringID, vpcID string) []RouteEntry {
	return e.routeEntries.list(latest, func(r RouteEntry) bool {
		return (vpcID == "" || r.VpcID == vpcID) && slices.ContainsFunc(r.NextHops, func(h NextHop) bool { return h.ID == peeringID })
	})
}

// checkPeeringHop says whether a peering connection can be the next hop of a
// route of a VPC.
func (e *Engine) checkPeeringHop(vpcID, id string) *Error {
	p, ok := e.peerings.get(latest, id)
	switch {
	case !ok || !p.joins(vpcID) || p.Status == PeerDeleted:
		return &Error{404, "ResourceNotFound.VpcPeer", "The specified resource of VpcPeer is not found."}
	case p.Status != PeerActivated:
		return errPeerStatus(p)
	}
	return nil
}

func errPeerStatus(p PeerConnection) *Error {
	return &Error{400, "IncorrectStatus.VpcPeer", "The status of VpcPeer [" + p.Status + "] is incorrect."}
}

var errPeerLocked = &Error{400, "IncorrectBusinessStatus.VpcPeer", "The business status of VpcPeer [FinancialLocked] is incorrect."}

func illegalParam(name string) *Error {
	return &Error{400, "IllegalParam." + name, "The param of " + name + " is illegal."}
}

func orBandwidth(asked *int, crossRegion bool) int {
	if !crossRegion {
		return peerUnlimited
	}
	return cmp.Or(deref(asked, 0), peerDefaultBandwidth)
}

func vpcPeerActions() []Action {
	return slices.Concat(peeringActions(), peeringReads(), peeringTagActions())
}
