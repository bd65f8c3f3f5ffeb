package peering_test

import (
	"context"
	"fmt"
	"slices"

	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
)

// peers is the VPC peering service's part of the cloud.
type peers struct {
	list      []interconnect.PeeringConnection
	past      [][]interconnect.PeeringConnection
	made      int
	duplicate bool     // two VPCs may have several
	reads     []string // VPCs that were asked
	hides     string   // a VPC whose list shows none
	listed    bool     // what is deleted stays listed
}

func (p *peers) tick() {
	p.past = append(p.past, slices.Clone(p.list))
	for i := range p.list {
		switch p.list[i].Status {
		case "Creating", "Updating":
			p.list[i].Status = "Activated"
		case "Deleting":
			p.list[i].Status = "Deleted"
		}
	}
	if !p.listed {
		p.list = slices.DeleteFunc(p.list, func(x interconnect.PeeringConnection) bool { return x.Status == "Deleted" })
	}
}

func (c *cloud) PeeringConnections(_ context.Context, _, vpcID string) ([]interconnect.PeeringConnection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.peers.reads = append(c.peers.reads, vpcID)
	if c.peers.hides == vpcID {
		return nil, nil
	}
	seen := c.peers.list
	if c.lag > 0 {
		seen = nil
		if n := len(c.peers.past) - c.lag; n >= 0 {
			seen = c.peers.past[n]
		}
	}
	var out []interconnect.PeeringConnection
	for _, p := range seen {
		if p.VpcID == vpcID || p.AcceptingVpcID == vpcID {
			out = append(out, p)
		}
	}
	return out, nil
}

func (c *cloud) CreatePeeringConnection(_ context.Context, region string, n interconnect.NewPeeringConnection) (id string, err error) {
	err = c.mutate("Create", n.VpcID+" "+n.AcceptingVpcID, func() error {
		if id = c.tokens[n.Token]; id != "" {
			return nil
		}
		for _, p := range c.peers.list {
			if !c.peers.duplicate && p.Status != "Rejected" && p.Status != "Expired" && p.Status != "Deleted" {
				return fail(interconnect.Exists, "CreateVpcPeerConnection", "ResourceAlreadyExist.VpcPeer")
			}
		}
		c.peers.made++
		id = fmt.Sprintf("pcc-%d", c.peers.made)
		c.tokens[n.Token] = id
		bandwidth := n.Bandwidth
		if bandwidth == 0 {
			bandwidth = 1024
		}
		c.peers.list = append(c.peers.list, interconnect.PeeringConnection{
			ID: id, RegionID: region, VpcID: n.VpcID, AcceptingRegionID: n.AcceptingRegionID, AcceptingVpcID: n.AcceptingVpcID, Bandwidth: bandwidth, LinkType: n.LinkType,
			Status: "Creating", BusinessStatus: "Normal", Name: n.Name, Tags: n.Tags, CreatedAt: chaintest.Start,
		})
		return nil
	})
	if err != nil {
		id = ""
	}
	return id, err
}

func (c *cloud) changePeer(action, id string, do func(p *interconnect.PeeringConnection)) error {
	return c.mutate(action, id, func() error {
		for i := range c.peers.list {
			p := &c.peers.list[i]
			if p.ID != id {
				continue
			}
			if p.Status != "Activated" && (action != "Delete" || p.Status != "Rejected") {
				return fail(interconnect.Busy, action, "IncorrectStatus.VpcPeer")
			}
			do(p)
			return nil
		}
		return fail(interconnect.Gone, action, "ResourceNotFound.InstanceId")
	})
}

func (c *cloud) ModifyPeeringConnection(_ context.Context, _, id, name string, bandwidth int, link string) error {
	return c.changePeer("Modify", id, func(p *interconnect.PeeringConnection) {
		p.Name, p.Status = name, "Updating"
		if bandwidth != 0 {
			p.Bandwidth = bandwidth
		}
		if link != "" {
			p.LinkType = link
		}
	})
}

func (c *cloud) DeletePeeringConnection(_ context.Context, _, id string) error {
	for _, e := range c.routes {
		if e.NextHopID == id {
			return fail(interconnect.Busy, "Delete", "OperationDenied.RouteEntryExist")
		}
	}
	return c.changePeer("Delete", id, func(p *interconnect.PeeringConnection) { p.Status = "Deleting" })
}
