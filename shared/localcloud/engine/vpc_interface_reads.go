package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

type filterParams struct {
	Key   string
	Value []string
}

type describeInterfacesParams struct {
	RegionId               string         `api:",required"`
	Filter                 []filterParams `api:",max=5"`
	IncludeReservationData bool
	ResourceGroupId        string
	Tags                   []Tag
	page
}

// interfaceBase is what the two answers about router interfaces share.
type interfaceBase struct {
	RouterInterfaceId               string
	Name                            string
	Description                     string
	Role                            string
	Spec                            string
	Bandwidth                       int
	Status                          string
	BusinessStatus                  string
	ChargeType                      string
	RouterId                        string
	RouterType                      string
	VpcInstanceId                   string
	AccessPointId                   string
	CreationTime                    string
	ConnectedTime                   string
	EndTime                         string
	OppositeRegionId                string
	OppositeRouterId                string
	OppositeRouterType              string
	OppositeInterfaceId             string
	OppositeInterfaceOwnerId        string
	OppositeInterfaceSpec           string
	OppositeInterfaceStatus         string
	OppositeInterfaceBusinessStatus string
	OppositeVpcInstanceId           string
	OppositeAccessPointId           string
	OppositeBandwidth               int
	CrossBorder                     bool
	HealthCheckSourceIp             string
	HealthCheckTargetIp             string
	HcRate                          int
	HcThreshold                     int
	HasReservationData              string
	ReservationActiveTime           string
	ReservationBandwidth            string
	ReservationInternetChargeType   string
	ReservationOrderType            string
	ResourceGroupId                 string
	Tags                            tagsTags
}

type tagsTags struct{ Tags []Tag }

type interfaceItem struct {
	interfaceBase
	FastLinkMode bool
	Ipv6Status   string
}

type describeInterfacesAnswer struct {
	Answer
	PageNumber         int
	PageSize           int
	TotalCount         int
	RouterInterfaceSet struct{ RouterInterfaceType []interfaceItem }
}

// interfaceFilters are the documented filter keys, and what each looks at.
var interfaceFilters = map[string]func(e *Engine, r RouterInterface) string{
	"RouterInterfaceId":        func(_ *Engine, r RouterInterface) string { return r.ID },
	"RouterId":                 func(_ *Engine, r RouterInterface) string { return r.RouterID },
	"RouterType":               func(_ *Engine, r RouterInterface) string { return r.RouterType },
	"RouterInterfaceOwnerId":   func(e *Engine, _ RouterInterface) string { return e.opt.AccountID },
	"OppositeInterfaceId":      func(_ *Engine, r RouterInterface) string { return r.OppositeID },
	"OppositeRouterType":       func(_ *Engine, r RouterInterface) string { return r.OppositeRouterType },
	"OppositeRouterId":         func(_ *Engine, r RouterInterface) string { return r.OppositeRouterID },
	"OppositeInterfaceOwnerId": func(_ *Engine, r RouterInterface) string { return r.OppositeOwnerID },
	"Status":                   func(_ *Engine, r RouterInterface) string { return r.Status },
	"Name":                     func(_ *Engine, r RouterInterface) string { return r.Name },
}

func (e *Engine) apiDescribeRouterInterfaces(t *tx, p *describeInterfacesParams) (*describeInterfacesAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	for i, f := range p.Filter {
		if f.Key == "" || len(f.Value) == 0 {
			return nil, &Error{400, "InvalidParam.NotNull", "The parameter must not be null."}
		}
		if interfaceFilters[f.Key] == nil {
			return nil, &Error{404, "InvalidFilterKey.ValueNotSupported", "Specified filter key is not supported: Filter." + strconv.Itoa(i+1) + ".Key"}
		}
	}
	all := e.interfaces.list(t.seen, func(r RouterInterface) bool {
		for _, f := range p.Filter {
			if !slices.Contains(f.Value, interfaceFilters[f.Key](e, r)) {
				return false
			}
		}
		return t.inRegion(r.RegionID) && tagged(r.Tags, p.Tags) && (p.ResourceGroupId == "" || p.ResourceGroupId == r.ResourceGroupID)
	})
	a := &describeInterfacesAnswer{PageNumber: number, PageSize: size, TotalCount: len(all)}
	a.RouterInterfaceSet.RouterInterfaceType = []interfaceItem{}
	for _, r := range pageOf(all, number, size) {
		a.RouterInterfaceSet.RouterInterfaceType = append(a.RouterInterfaceSet.RouterInterfaceType, interfaceItem{interfaceBase: e.describeInterface(t.seen, r)})
	}
	return a, nil
}

func (e *Engine) describeInterface(asOf time.Time, r RouterInterface) interfaceBase {
	b := interfaceBase{
		RouterInterfaceId: r.ID, Name: r.Name, Description: r.Description, Role: r.Role, Spec: r.Spec, Bandwidth: Specs[r.Spec],
		Status: r.Status, BusinessStatus: r.BusinessStatus, ChargeType: r.ChargeType, RouterId: r.RouterID, RouterType: r.RouterType,
		VpcInstanceId: r.VpcID, CreationTime: fmtTime(r.Created), ConnectedTime: fmtTime(r.Connected), EndTime: "2999-09-08T16:00:00Z",
		OppositeRegionId: r.OppositeRegionID, OppositeRouterId: r.OppositeRouterID, OppositeRouterType: r.OppositeRouterType,
		OppositeInterfaceId: r.OppositeID, OppositeInterfaceOwnerId: r.OppositeOwnerID,
		CrossBorder:         mainland(r.RegionID) != mainland(r.OppositeRegionID),
		HealthCheckSourceIp: r.HealthCheckSource, HealthCheckTargetIp: r.HealthCheckTarget, HcRate: r.HealthCheckRate, HcThreshold: r.HealthCheckLimit,
		HasReservationData: "false", ResourceGroupId: r.ResourceGroupID, Tags: tagsTags{orEmpty(r.Tags)},
	}
	if v, ok := e.vpcOfRouter(asOf, r.OppositeRouterID); ok {
		b.OppositeVpcInstanceId = v.ID
	}
	if r.OppositeID == "" {
		return b
	}
	if o, ok := e.interfaces.get(asOf, r.OppositeID); ok {
		b.OppositeInterfaceSpec, b.OppositeBandwidth = o.Spec, Specs[o.Spec]
		b.OppositeInterfaceStatus, b.OppositeInterfaceBusinessStatus = o.Status, o.BusinessStatus
	} else {
		b.OppositeInterfaceStatus = "Deleted"
	}
	return b
}

// mainland says whether a region is in the Chinese mainland, for cross-border
// connections.
func mainland(region string) bool {
	return strings.HasPrefix(region, "cn-") && region != "cn-hongkong"
}

type describeInterfaceParams struct {
	RegionId   string `api:",required"`
	InstanceId string `api:",required"`
}

type describeInterfaceAnswer struct {
	Answer
	interfaceBase
	Success           bool
	Code              string
	Message           string
	GmtModified       string
	HealthCheckStatus string
	FastLinkMode      string
}

// apiDescribeRouterInterface answers 200 with empty fields if there is no such
// interface, as the real one does.
func (e *Engine) apiDescribeRouterInterface(t *tx, p *describeInterfaceParams) (*describeInterfaceAnswer, error) {
	a := &describeInterfaceAnswer{Success: true, FastLinkMode: "false"}
	a.Tags.Tags = []Tag{}
	if r, err := e.findInterface(t, t.seen, p.InstanceId); err == nil {
		a.interfaceBase, a.GmtModified = e.describeInterface(t.seen, r), fmtTime(r.Modified)
	}
	return a, nil
}

func interfaceReads() []Action {
	return []Action{
		read(vpcProduct, "DescribeRouterInterfaces", 0, (*Engine).apiDescribeRouterInterfaces),
		read(vpcProduct, "DescribeRouterInterfaceAttribute", 0, (*Engine).apiDescribeRouterInterface),
	}
}
