package alicloud

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"vpcinterconnect/shared/interconnect"
)

// vpcPage is the largest page of the VPC APIs that page by number.
const vpcPage = 50

// AccountID returns the id of the main account that the credentials belong to.
func (c *Reader) AccountID(ctx context.Context) (string, error) {
	req, resp := sts.CreateGetCallerIdentityRequest(), sts.CreateGetCallerIdentityResponse()
	if err := c.read(ctx, c.region, req, resp); err != nil {
		return "", err
	}
	if err := need("AccountId", resp.AccountId); err != nil {
		return "", c.malformed(req, resp, err)
	}
	return resp.AccountId, nil
}

// VPC returns a VPC. The error's class is Gone if the region has none of this
// id.
func (c *Reader) VPC(ctx context.Context, region, id string) (*interconnect.VPC, error) {
	req, resp := vpc.CreateDescribeVpcAttributeRequest(), vpc.CreateDescribeVpcAttributeResponse()
	req.VpcId = id
	if err := c.read(ctx, region, req, resp); err != nil {
		return nil, err
	}
	v, err := toVPC(region, id, resp)
	if err != nil {
		return nil, c.malformed(req, resp, err)
	}
	return v, nil
}

func toVPC(region, id string, r *vpc.DescribeVpcAttributeResponse) (*interconnect.VPC, error) {
	if r.VpcId != id {
		return nil, fmt.Errorf("asked for %s, told of %q", id, r.VpcId)
	}
	if err := need("VRouterId", r.VRouterId, "Status", r.Status); err != nil {
		return nil, err
	}
	if r.OwnerId == 0 {
		return nil, fmt.Errorf("OwnerId is missing")
	}
	v := &interconnect.VPC{
		ID:        id,
		RegionID:  region,
		OwnerID:   strconv.FormatInt(r.OwnerId, 10),
		VRouterID: r.VRouterId,
		Available: r.Status == "Available",
	}
	var err error
	if v.CidrBlock, err = parseBlock(r.CidrBlock); err != nil {
		return nil, err
	}
	if v.SecondaryBlocks, err = parseBlocks(r.SecondaryCidrBlocks.SecondaryCidrBlock); err != nil {
		return nil, err
	}
	if v.UserBlocks, err = parseBlocks(r.UserCidrs.UserCidr); err != nil {
		return nil, err
	}
	for _, cen := range r.AssociatedCens.AssociatedCen {
		v.CenIDs = append(v.CenIDs, cen.CenId)
	}
	for _, tag := range r.Tags.Tag {
		if v.Tags == nil {
			v.Tags = map[string]string{}
		}
		v.Tags[tag.Key] = tag.Value
	}
	return v, nil
}

// VSwitches returns a VPC's vSwitches.
func (c *Reader) VSwitches(ctx context.Context, region, vpcID string) ([]interconnect.VSwitch, error) {
	return byNumber("DescribeVSwitches", vpcPage, func(page int) ([]interconnect.VSwitch, int, error) {
		req, resp := vpc.CreateDescribeVSwitchesRequest(), vpc.CreateDescribeVSwitchesResponse()
		req.VpcId = vpcID
		req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(vpcPage)
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, 0, err
		}
		items, err := each(resp.VSwitches.VSwitch, toVSwitch)
		if err != nil {
			return nil, 0, c.malformed(req, resp, err)
		}
		return items, resp.TotalCount, nil
	})
}

func toVSwitch(s *vpc.VSwitch) (interconnect.VSwitch, error) {
	block, err := parseBlock(s.CidrBlock)
	if err != nil {
		return interconnect.VSwitch{}, err
	}
	return interconnect.VSwitch{
		ID:           s.VSwitchId,
		VpcID:        s.VpcId,
		ZoneID:       s.ZoneId,
		CidrBlock:    block,
		RouteTableID: s.RouteTable.RouteTableId,
		NetworkAclID: s.NetworkAclId,
	}, need("VSwitchId", s.VSwitchId, "VpcId", s.VpcId, "RouteTable.RouteTableId", s.RouteTable.RouteTableId)
}

// RouteTables returns the tables of a VPC's vRouter, the system table and
// custom ones.
func (c *Reader) RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error) {
	if vpcID == "" {
		return nil, refused("DescribeRouteTableList", "no VPC given")
	}
	return c.routeTables(ctx, region, vpcID)
}

// routeTables returns the tables of a VPC, or, of "", the region's.
func (c *Reader) routeTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error) {
	return byNumber("DescribeRouteTableList", vpcPage, func(page int) ([]interconnect.RouteTable, int, error) {
		req, resp := vpc.CreateDescribeRouteTableListRequest(), vpc.CreateDescribeRouteTableListResponse()
		req.VpcId = vpcID
		req.RouterType = "VRouter"
		req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(vpcPage)
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, 0, err
		}
		items, err := each(resp.RouterTableList.RouterTableListType, toRouteTable)
		if err != nil {
			return nil, 0, c.malformed(req, resp, err)
		}
		return items, resp.TotalCount, nil
	})
}

func toRouteTable(t *vpc.RouterTableListType) (interconnect.RouteTable, error) {
	return interconnect.RouteTable{
		ID:         t.RouteTableId,
		VpcID:      t.VpcId,
		System:     t.RouteTableType == "System",
		Gateway:    t.AssociateType == "Gateway",
		VSwitchIDs: t.VSwitchIds.VSwitchId,
	}, need("RouteTableId", t.RouteTableId, "VpcId", t.VpcId, "RouteTableType", t.RouteTableType)
}
