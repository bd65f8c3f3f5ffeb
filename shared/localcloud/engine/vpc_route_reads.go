package engine

import (
	"slices"
	"strings"
	"time"
)

type describeTablesParams struct {
	RegionId        string `api:",required"`
	VpcId           string
	RouterId        string
	RouterType      string
	RouteTableId    string
	RouteTableName  string
	RouteTableType  string
	ResourceGroupId string
	Tag             []Tag
	page
}

type routeTableItem struct {
	RouteTableId           string
	RouteTableName         string
	RouteTableType         string
	Description            string
	AssociateType          string
	VpcId                  string
	RouterId               string
	RouterType             string
	OwnerId                int64
	ResourceGroupId        string
	RoutePropagationEnable bool
	Status                 string
	CreationTime           string
	VSwitchIds             struct{ VSwitchId []string }
	GatewayIds             struct{ GatewayIds []string }
	Tags                   tagTag
}

type describeTablesAnswer struct {
	Answer
	Success         bool
	Code            string
	Message         string
	PageNumber      int
	PageSize        int
	TotalCount      int
	RouterTableList struct{ RouterTableListType []routeTableItem }
}

func (e *Engine) apiDescribeRouteTableList(t *tx, p *describeTablesParams) (*describeTablesAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	all := e.routeTables.list(t.seen, func(r RouteTable) bool {
		return t.inRegion(r.RegionID) && (p.VpcId == "" || r.VpcID == p.VpcId) && (p.RouterId == "" || r.RouterID == p.RouterId) &&
			(p.RouterType == "" || p.RouterType == "VRouter") && (p.RouteTableId == "" || r.ID == p.RouteTableId) &&
			(p.RouteTableName == "" || r.Name == p.RouteTableName) && (p.RouteTableType == "" || strings.EqualFold(p.RouteTableType, r.Type)) &&
			(p.ResourceGroupId == "" || p.ResourceGroupId == orDefault(r.ResourceGroupID, e.defaultResourceGroup())) && tagged(r.Tags, p.Tag)
	})
	a := &describeTablesAnswer{Success: true, PageNumber: number, PageSize: size, TotalCount: len(all)}
	a.RouterTableList.RouterTableListType = []routeTableItem{}
	for _, r := range pageOf(all, number, size) {
		item := routeTableItem{
			RouteTableId: r.ID, RouteTableName: r.Name, RouteTableType: r.Type, Description: r.Description, AssociateType: r.AssociateType,
			VpcId: r.VpcID, RouterId: r.RouterID, RouterType: "VRouter", OwnerId: e.ownerID(), RoutePropagationEnable: true,
			ResourceGroupId: orDefault(r.ResourceGroupID, e.defaultResourceGroup()), Status: r.Status, CreationTime: fmtTime(r.Created), Tags: tagItems(r.Tags),
		}
		item.VSwitchIds.VSwitchId = e.servedBy(t.seen, r.ID)
		item.GatewayIds.GatewayIds = []string{}
		a.RouterTableList.RouterTableListType = append(a.RouterTableList.RouterTableListType, item)
	}
	return a, nil
}

type describeRoutesParams struct {
	RegionId             string `api:",required"`
	RouteTableId         string `api:",required"`
	RouteEntryId         string
	DestinationCidrBlock string
	DestCidrBlockList    []string
	NextHopType          string
	NextHopId            string
	RouteEntryType       string
	RouteEntryName       string
	IpVersion            string
	ServiceType          string
	MaxResult            int
	NextToken            string
}

type relatedInfo struct{ InstanceId, InstanceType, RegionId string }

type nextHopItem struct {
	NextHopId                string
	NextHopType              string
	Enabled                  int
	Weight                   int
	NextHopRegionId          string
	NextHopOppsiteInstanceId string // spelt so in the published answer
	NextHopOppsiteRegionId   string
	NextHopOppsiteType       string
	NextHopRelatedInfo       relatedInfo
}

type publishTarget struct{ PublishStatus, PublishTargetType, PublishTargetInstanceId string }

type routeEntryItem struct {
	RouteEntryId             string
	RouteEntryName           string
	Description              string
	RouteTableId             string
	DestinationCidrBlock     string
	Type                     string
	Status                   string
	IpVersion                string
	Origin                   string
	ServiceType              string
	GmtModified              string
	InstanceId               string
	NextHopType              string
	NextHopRegionId          string
	NextHopOppsiteInstanceId string
	NextHopOppsiteRegionId   string
	NextHopOppsiteType       string
	PrivateIpAddress         string
	NextHops                 struct{ NextHop []nextHopItem }
	RoutePublishTargets      []publishTarget
}

type describeRoutesAnswer struct {
	Answer
	NextToken   string
	RouteEntrys struct{ RouteEntry []routeEntryItem }
}

func (e *Engine) apiDescribeRouteEntryList(t *tx, p *describeRoutesParams) (*describeRoutesAnswer, error) {
	if _, err := e.findRouteTable(t, t.seen, p.RouteTableId); err != nil {
		return nil, err
	}
	hops := func(r RouteEntry, f func(NextHop) bool) bool { return slices.ContainsFunc(r.NextHops, f) }
	all := e.routeEntries.list(t.seen, func(r RouteEntry) bool {
		return r.TableID == p.RouteTableId && (p.RouteEntryId == "" || r.ID == p.RouteEntryId) &&
			(p.DestinationCidrBlock == "" || r.Destination.String() == p.DestinationCidrBlock) &&
			(len(p.DestCidrBlockList) == 0 || slices.Contains(p.DestCidrBlockList, r.Destination.String())) &&
			(p.NextHopType == "" || hops(r, func(n NextHop) bool { return n.Type == p.NextHopType })) &&
			(p.NextHopId == "" || hops(r, func(n NextHop) bool { return n.ID == p.NextHopId })) &&
			(p.RouteEntryType == "" || strings.EqualFold(p.RouteEntryType, r.Type)) &&
			(p.RouteEntryName == "" || r.Name == p.RouteEntryName) && !strings.EqualFold(p.IpVersion, "ipv6") &&
			(p.ServiceType == "" || p.ServiceType == serviceType(r))
	})
	some, next, err := tokenPage(all, p.NextToken, orInt(p.MaxResult, 10))
	if err != nil {
		return nil, err
	}
	a := &describeRoutesAnswer{NextToken: next}
	a.RouteEntrys.RouteEntry = []routeEntryItem{}
	for _, r := range some {
		a.RouteEntrys.RouteEntry = append(a.RouteEntrys.RouteEntry, e.describeRoute(t.seen, r))
	}
	return a, nil
}

func serviceType(r RouteEntry) string {
	if r.Destination == serviceBlock {
		return "ServiceInstance"
	}
	return ""
}

// describeRoute leaves the flat next hop fields empty, as DescribeRouteEntryList
// does: the next hop is under NextHops.
func (e *Engine) describeRoute(asOf time.Time, r RouteEntry) routeEntryItem {
	item := routeEntryItem{
		RouteEntryId: r.ID, RouteEntryName: r.Name, Description: r.Description, RouteTableId: r.TableID,
		DestinationCidrBlock: r.Destination.String(), Type: r.Type, Status: r.Status, IpVersion: "ipv4", Origin: "UserCreated",
		ServiceType: serviceType(r), GmtModified: fmtTime(r.Modified), RoutePublishTargets: []publishTarget{},
	}
	if r.Type == "System" {
		item.Origin = "SystemCreated"
	}
	item.NextHops.NextHop = []nextHopItem{}
	for _, h := range r.NextHops {
		hop := nextHopItem{NextHopId: h.ID, NextHopType: h.Type, Enabled: 1, Weight: h.Weight, NextHopRegionId: r.RegionID}
		if ri, ok := e.interfaces.get(asOf, h.ID); ok && h.Type == "RouterInterface" {
			hop.NextHopOppsiteInstanceId, hop.NextHopOppsiteRegionId = ri.OppositeRouterID, ri.OppositeRegionID
			hop.NextHopOppsiteType = ri.OppositeRouterType
			if v, ok := e.vpcOfRouter(asOf, ri.OppositeRouterID); ok {
				hop.NextHopRelatedInfo = relatedInfo{v.ID, "VPC", v.RegionID}
			}
		}
		item.NextHops.NextHop = append(item.NextHops.NextHop, hop)
	}
	return item
}

func routeReads() []Action {
	return []Action{
		read(vpcProduct, "DescribeRouteTableList", 0, (*Engine).apiDescribeRouteTableList),
		read(vpcProduct, "DescribeRouteEntryList", 0, (*Engine).apiDescribeRouteEntryList),
	}
}
