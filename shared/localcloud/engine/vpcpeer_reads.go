package engine

import (
	"slices"
	"strconv"
	"time"
)

type peerVpc struct {
	VpcId     string
	Ipv4Cidrs []string
	Ipv6Cidrs []string
}

// peeringBase is what the two answers about peering connections share.
type peeringBase struct {
	InstanceId        string
	GmtCreate         string
	GmtModified       string
	GmtExpired        string // only of an Accepting or Expired one
	Name              string
	Description       string
	OwnerId           int64
	AcceptingOwnerUid int64
	RegionId          string
	AcceptingRegionId string
	Bandwidth         int
	LinkType          string // the newer SDKs have it, the older one does not
	Status            string
	BizStatus         string
	ResourceGroupId   string
	Vpc               peerVpc
	AcceptingVpc      peerVpc
	Tags              []Tag
}

func (e *Engine) describePeering(asOf time.Time, p PeerConnection) peeringBase {
	owner, _ := strconv.ParseInt(e.opt.AccountID, 10, 64)
	side := func(id string) peerVpc {
		v := peerVpc{VpcId: id, Ipv4Cidrs: []string{}, Ipv6Cidrs: []string{}}
		if vpc, ok := e.vpcs.get(asOf, id); ok {
			for _, b := range vpc.Blocks() {
				v.Ipv4Cidrs = append(v.Ipv4Cidrs, b.String())
			}
		}
		return v
	}
	b := peeringBase{
		InstanceId: p.ID, GmtCreate: fmtTime(p.Created), GmtModified: fmtTime(p.Modified), Name: p.Name, Description: p.Description,
		OwnerId: owner, AcceptingOwnerUid: owner, RegionId: p.RegionID, AcceptingRegionId: p.AcceptingRegionID,
		Bandwidth: p.Bandwidth, LinkType: p.LinkType, Status: p.Status, BizStatus: p.BusinessStatus, ResourceGroupId: p.ResourceGroupID,
		Vpc: side(p.VpcID), AcceptingVpc: side(p.AcceptingVpcID), Tags: orEmpty(p.Tags),
	}
	if p.Status == PeerAccepting || p.Status == PeerExpired {
		b.GmtExpired = fmtTime(p.Expires)
	}
	return b
}

type getPeeringParams struct {
	InstanceId string `api:",required,body"`
}

type getPeeringAnswer struct {
	Answer
	peeringBase
}

func (e *Engine) apiGetVpcPeerConnection(t *tx, p *getPeeringParams) (*getPeeringAnswer, error) {
	c, err := e.findPeering(t, t.seen, p.InstanceId)
	if err != nil {
		return nil, err
	}
	return &getPeeringAnswer{peeringBase: e.describePeering(t.seen, c)}, nil
}

type listPeeringsParams struct {
	RegionId        string   `api:",body"`
	InstanceId      string   `api:",body"`
	VpcId           []string `api:",body,max=2"`
	Name            string   `api:",body"`
	NextToken       string   `api:",body"`
	MaxResults      int      `api:",body"`
	Tags            []Tag    `api:",max=10"`
	ResourceGroupId string
}

type listPeeringsAnswer struct {
	Answer
	TotalCount      int
	MaxResults      int
	NextToken       string
	VpcPeerConnects []peeringBase
}

// apiListVpcPeerConnections filters by one VPC, or by both of a connection's,
// whichever of them asked for it.
func (e *Engine) apiListVpcPeerConnections(t *tx, p *listPeeringsParams) (*listPeeringsAnswer, error) {
	all := e.peerings.list(t.seen, func(c PeerConnection) bool {
		joined := !slices.ContainsFunc(p.VpcId, func(id string) bool { return !c.joins(id) })
		return joined && e.seenIn(t, c) && tagged(c.Tags, p.Tags) &&
			(p.InstanceId == "" || p.InstanceId == c.ID) && (p.Name == "" || p.Name == c.Name) &&
			(p.ResourceGroupId == "" || p.ResourceGroupId == c.ResourceGroupID)
	})
	size := orInt(p.MaxResults, 20)
	some, next, err := tokenPage(all, p.NextToken, size)
	if err != nil {
		return nil, err
	}
	a := &listPeeringsAnswer{TotalCount: len(all), MaxResults: size, NextToken: next, VpcPeerConnects: []peeringBase{}}
	for _, c := range some {
		a.VpcPeerConnects = append(a.VpcPeerConnects, e.describePeering(t.seen, c))
	}
	return a, nil
}

func peeringReads() []Action {
	return []Action{
		read(vpcPeerProduct, "GetVpcPeerConnectionAttribute", 360, (*Engine).apiGetVpcPeerConnection),
		read(vpcPeerProduct, "ListVpcPeerConnections", 360, (*Engine).apiListVpcPeerConnections),
	}
}
