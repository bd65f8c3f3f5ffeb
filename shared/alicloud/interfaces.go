package alicloud

import (
	"context"
	"fmt"
	"slices"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"vpcinterconnect/shared/interconnect"
)

// The API's words for what every router interface of ours has.
const (
	vRouter            = "VRouter"
	acceptorSpec       = "Negative" // what an acceptor's specification must be
	payAsYouGo         = "PostPaid" // a prepaid interface cannot be deleted
	initiatingSideRole = "InitiatingSide"
	acceptingSideRole  = "AcceptingSide"
)

// RouterInterfaces returns the interfaces of a vRouter.
func (c *Reader) RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error) {
	return c.routerInterfaces(ctx, region, &[]vpc.DescribeRouterInterfacesFilter{{Key: "RouterId", Value: &[]string{routerID}}})
}

func (c *Reader) routerInterfaces(ctx context.Context, region string, filter *[]vpc.DescribeRouterInterfacesFilter) ([]interconnect.RouterInterface, error) {
	return byNumber("DescribeRouterInterfaces", vpcPage, func(page int) ([]interconnect.RouterInterface, int, error) {
		req, resp := vpc.CreateDescribeRouterInterfacesRequest(), vpc.CreateDescribeRouterInterfacesResponse()
		req.Filter = filter
		req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(vpcPage)
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, 0, err
		}
		items, err := each(resp.RouterInterfaceSet.RouterInterfaceType, func(r *vpc.RouterInterfaceType) (interconnect.RouterInterface, error) {
			return toRouterInterface(region, r)
		})
		if err != nil {
			return nil, 0, c.malformed(req, resp, err)
		}
		return items, resp.TotalCount, nil
	})
}

func toRouterInterface(region string, r *vpc.RouterInterfaceType) (interconnect.RouterInterface, error) {
	created, err := parseTime(r.CreationTime)
	if err != nil {
		return interconnect.RouterInterface{}, err
	}
	tags := map[string]string{}
	for _, t := range r.Tags.TagsItem {
		tags[t.Key] = t.Value
	}
	return interconnect.RouterInterface{
		ID:                 r.RouterInterfaceId,
		RegionID:           region,
		RouterID:           r.RouterId,
		RouterType:         r.RouterType,
		Role:               r.Role,
		Specification:      r.Spec,
		Status:             r.Status,
		BusinessStatus:     r.BusinessStatus,
		Name:               r.Name,
		OppositeRegionID:   r.OppositeRegionId,
		OppositeRouterID:   r.OppositeRouterId,
		OppositeRouterType: r.OppositeRouterType,
		OppositeID:         r.OppositeInterfaceId,
		OppositeOwnerID:    r.OppositeInterfaceOwnerId,
		OppositeStatus:     r.OppositeInterfaceStatus,
		CreatedAt:          created,
		Tags:               tags,
	}, need("RouterInterfaceId", r.RouterInterfaceId, "RouterId", r.RouterId, "Role", r.Role, "Status", r.Status)
}

// CreateRouterInterface makes one side of an Express Connect peering
// connection and returns its id. Died here, or reported failed but done: the
// same token returns the same interface.
func (c *Cloud) CreateRouterInterface(ctx context.Context, region string, n interconnect.NewRouterInterface) (string, error) {
	req, resp := vpc.CreateCreateRouterInterfaceRequest(), vpc.CreateCreateRouterInterfaceResponse()
	req.Role, req.Spec = initiatingSideRole, n.Specification
	if n.Role == interconnect.Acceptor {
		req.Role, req.Spec = acceptingSideRole, acceptorSpec
	}
	req.RouterType, req.RouterId = vRouter, n.RouterID
	req.OppositeRegionId, req.OppositeRouterType, req.OppositeRouterId = n.OppositeRegionID, vRouter, n.OppositeRouterID
	req.InstanceChargeType = payAsYouGo
	req.Name, req.Description = n.Name, n.Description
	req.ClientToken = n.Token
	if len(n.Tags) > 0 {
		tags := make([]vpc.CreateRouterInterfaceTags, 0, len(n.Tags))
		for _, k := range sortedKeys(n.Tags) {
			tags = append(tags, vpc.CreateRouterInterfaceTags{Key: k, Value: n.Tags[k]})
		}
		req.Tags = &tags
	}
	if err := c.write(ctx, region, req, resp); err != nil {
		return "", err
	}
	if err := need("RouterInterfaceId", resp.RouterInterfaceId); err != nil {
		return "", c.malformed(req, resp, err)
	}
	return resp.RouterInterfaceId, nil
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// SetOpposite tells an interface that is not yet connected which one it faces.
func (c *Cloud) SetOpposite(ctx context.Context, region, interfaceID string, o interconnect.Opposite) error {
	req := vpc.CreateModifyRouterInterfaceAttributeRequest()
	req.RouterInterfaceId = interfaceID
	req.OppositeInterfaceId = o.InterfaceID
	req.OppositeRouterId = o.RouterID
	req.OppositeRouterType = vRouter // the API's default is VBR
	req.OppositeInterfaceOwnerId = requests.Integer(o.OwnerID)
	return c.write(ctx, region, req, vpc.CreateModifyRouterInterfaceAttributeResponse())
}

// ConnectRouterInterface connects an initiator with the interface it faces.
func (c *Cloud) ConnectRouterInterface(ctx context.Context, region, id string) error {
	req := vpc.CreateConnectRouterInterfaceRequest()
	req.RouterInterfaceId = id
	return c.write(ctx, region, req, vpc.CreateConnectRouterInterfaceResponse())
}

// ActivateRouterInterface makes an Inactive interface Active.
func (c *Cloud) ActivateRouterInterface(ctx context.Context, region, id string) error {
	req := vpc.CreateActivateRouterInterfaceRequest()
	req.RouterInterfaceId = id
	return c.write(ctx, region, req, vpc.CreateActivateRouterInterfaceResponse())
}

// DeactivateRouterInterface makes an Active interface Inactive, so that it can
// be deleted.
func (c *Cloud) DeactivateRouterInterface(ctx context.Context, region, id string) error {
	req := vpc.CreateDeactivateRouterInterfaceRequest()
	req.RouterInterfaceId = id
	return c.write(ctx, region, req, vpc.CreateDeactivateRouterInterfaceResponse())
}

// DeleteRouterInterface deletes an Idle or Inactive interface. It sends no
// client token: a deletion that is tried again is a new one.
func (c *Cloud) DeleteRouterInterface(ctx context.Context, region, id string) error {
	req := vpc.CreateDeleteRouterInterfaceRequest()
	req.RouterInterfaceId = id
	return c.write(ctx, region, req, vpc.CreateDeleteRouterInterfaceResponse())
}

// ModifySpecification changes an initiator's specification, e.g. to Small.1.
func (c *Cloud) ModifySpecification(ctx context.Context, region, id, specification string) error {
	if specification == "" {
		return refused("ModifyRouterInterfaceSpec", fmt.Sprintf("no specification for %s", id))
	}
	req := vpc.CreateModifyRouterInterfaceSpecRequest()
	req.RouterInterfaceId, req.Spec = id, specification
	return c.write(ctx, region, req, vpc.CreateModifyRouterInterfaceSpecResponse())
}
