package alicloud

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpcpeer"

	"vpcinterconnect/shared/interconnect"
)

// peeringPage is the largest page of ListVpcPeerConnections.
const peeringPage = 100

// PeeringConnections returns the VPC peering connections of a VPC, whichever
// side asked for them, those too that are rejected, expired or deleted. It is
// not published whether a region's answer has those that another region's VPC
// asked for: ask both regions.
func (c *Reader) PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error) {
	return c.peeringConnections(ctx, region, &[]string{vpcID})
}

func (c *Reader) peeringConnections(ctx context.Context, region string, vpcIDs *[]string) ([]interconnect.PeeringConnection, error) {
	return byToken("ListVpcPeerConnections", func(token string) ([]interconnect.PeeringConnection, string, error) {
		req, resp := vpcpeer.CreateListVpcPeerConnectionsRequest(), vpcpeer.CreateListVpcPeerConnectionsResponse()
		req.VpcId = vpcIDs
		req.NextToken = token
		req.MaxResults = requests.NewInteger(peeringPage)
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, "", err
		}
		links := linkTypes(resp.GetHttpContentBytes())
		items, err := each(resp.VpcPeerConnects, func(p *vpcpeer.VpcPeerConnectsItem) (interconnect.PeeringConnection, error) {
			return toPeering(p, links[p.InstanceId])
		})
		if err != nil {
			return nil, "", c.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
}

// linkTypes reads what the SDK's struct has no field for.
func linkTypes(answer []byte) map[string]string {
	var a struct {
		VpcPeerConnects []struct{ InstanceId, LinkType string }
	}
	out := map[string]string{}
	if json.Unmarshal(answer, &a) == nil {
		for _, p := range a.VpcPeerConnects {
			out[p.InstanceId] = p.LinkType
		}
	}
	return out
}

func toPeering(p *vpcpeer.VpcPeerConnectsItem, link string) (interconnect.PeeringConnection, error) {
	created, err := parseTime(p.GmtCreate)
	if err != nil {
		return interconnect.PeeringConnection{}, err
	}
	tags := map[string]string{}
	for _, t := range p.Tags {
		tags[t.Key] = t.Value
	}
	return interconnect.PeeringConnection{
		ID:                p.InstanceId,
		RegionID:          p.RegionId,
		VpcID:             p.Vpc.VpcId,
		AcceptingRegionID: p.AcceptingRegionId,
		AcceptingVpcID:    p.AcceptingVpc.VpcId,
		Bandwidth:         p.Bandwidth,
		LinkType:          link,
		Status:            p.Status,
		BusinessStatus:    p.BizStatus,
		Name:              p.Name,
		CreatedAt:         created,
		Tags:              tags,
	}, need("InstanceId", p.InstanceId, "RegionId", p.RegionId, "Vpc.VpcId", p.Vpc.VpcId, "AcceptingRegionId", p.AcceptingRegionId, "AcceptingVpc.VpcId", p.AcceptingVpc.VpcId, "Status", p.Status)
}

// CreatePeeringConnection asks for a VPC peering connection, which the account
// accepts by itself, and returns its id. Died here, or reported failed but
// done: the same token returns the same connection.
func (c *Cloud) CreatePeeringConnection(ctx context.Context, region string, n interconnect.NewPeeringConnection) (string, error) {
	req, resp := vpcpeer.CreateCreateVpcPeerConnectionRequest(), vpcpeer.CreateCreateVpcPeerConnectionResponse()
	req.VpcId = n.VpcID
	req.AcceptingAliUid = requests.Integer(n.AcceptingAccount)
	req.AcceptingRegionId, req.AcceptingVpcId = n.AcceptingRegionID, n.AcceptingVpcID
	req.Name, req.Description = n.Name, n.Description
	req.ClientToken = n.Token
	// The API names RegionId among the body's parameters, and the SDK sends it
	// in the query, as of every request. These the SDK's struct does not have.
	if n.Bandwidth > 0 {
		req.FormParams["Bandwidth"] = strconv.Itoa(n.Bandwidth)
	}
	if n.LinkType != "" {
		req.QueryParams["LinkType"] = n.LinkType
	}
	for i, k := range sortedKeys(n.Tags) {
		at := fmt.Sprintf("Tag.%d.", i+1)
		req.QueryParams[at+"Key"], req.QueryParams[at+"Value"] = k, n.Tags[k]
	}
	if err := c.write(ctx, region, req, resp); err != nil {
		return "", err
	}
	if err := need("InstanceId", resp.InstanceId); err != nil {
		return "", c.malformed(req, resp, err)
	}
	return resp.InstanceId, nil
}

// ModifyPeeringConnection changes name, bandwidth (Mb/s; 0: not) and link type
// ("": not), the latter two of a connection across regions. It sends no client
// token: the same values again change nothing.
func (c *Cloud) ModifyPeeringConnection(ctx context.Context, region, id, name string, bandwidth int, link string) error {
	req := vpcpeer.CreateModifyVpcPeerConnectionRequest()
	req.InstanceId, req.Name = id, name
	if bandwidth > 0 {
		req.Bandwidth = requests.NewInteger(bandwidth)
	}
	if link != "" {
		req.QueryParams["LinkType"] = link
	}
	return c.write(ctx, region, req, vpcpeer.CreateModifyVpcPeerConnectionResponse())
}

// DeletePeeringConnection deletes a connection to which no route leads. It does
// not force: that would take others' routes with it. It sends no client token:
// a deletion that is tried again is a new one.
func (c *Cloud) DeletePeeringConnection(ctx context.Context, region, id string) error {
	req := vpcpeer.CreateDeleteVpcPeerConnectionRequest()
	req.InstanceId = id
	return c.write(ctx, region, req, vpcpeer.CreateDeleteVpcPeerConnectionResponse())
}
