package engine

import (
	"cmp"
	"fmt"
)

// PeerSnapshot is what the VPC peering service holds at one moment, oldest
// first.
type PeerSnapshot struct{ PeerConnections []PeerConnection }

// PeerSnapshot returns the present.
func (e *Engine) PeerSnapshot() PeerSnapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	return e.peerSnapshot()
}

func (e *Engine) peerSnapshot() PeerSnapshot {
	return PeerSnapshot{PeerConnections: e.peerings.list(latest, nil)}
}

// AddPeerConnection adds a peering connection in any state. Of the value the
// two VPCs, and whatever else is to differ from an Activated one with the
// documented defaults, is given.
func (e *Engine) AddPeerConnection(p PeerConnection) (PeerConnection, error) {
	err := e.build(func() error {
		here, ok := e.vpcs.get(latest, p.VpcID)
		there, accepting := e.vpcs.get(latest, p.AcceptingVpcID)
		if !ok || !accepting {
			return fmt.Errorf("no VPC %q or %q", p.VpcID, p.AcceptingVpcID)
		}
		e.fill(&p.ID, "pcc")
		if _, there := e.peerings.get(latest, p.ID); there {
			return fmt.Errorf("%s is there already", p.ID)
		}
		p.RegionID, p.AcceptingRegionID = here.RegionID, there.RegionID
		p.Bandwidth = cmp.Or(p.Bandwidth, orBandwidth(nil, p.crossRegion()))
		if p.crossRegion() {
			p.LinkType = orDefault(p.LinkType, peerDefaultLink)
		}
		p.Status, p.BusinessStatus = orDefault(p.Status, PeerActivated), orDefault(p.BusinessStatus, "Normal")
		p.Created = e.orNow(p.Created)
		p.Modified = p.Created
		p.ResourceGroupID = orDefault(p.ResourceGroupID, e.defaultResourceGroup())
		if p.Status == PeerAccepting {
			p.Expires = p.Created.Add(peerAcceptWithin)
			e.awaitAcceptance(p.ID)
		}
		e.peerings.put(e.now, p.ID, p)
		return nil
	})
	return p, err
}

// EditPeerConnection changes a peering connection behind the API's back: its
// business status, say.
func (e *Engine) EditPeerConnection(id string, f func(*PeerConnection)) error {
	return e.build(func() error {
		if _, ok := e.peerings.get(latest, id); !ok {
			return fmt.Errorf("no peering connection %q", id)
		}
		e.peerings.update(e.now, id, f)
		return nil
	})
}
