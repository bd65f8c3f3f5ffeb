package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tagItem has both spellings that answers use.
type tagItem struct{ Key, Value, TagKey, TagValue string }

type tagTag struct{ Tag []tagItem }

func tagItems(tags []Tag) tagTag {
	out := []tagItem{}
	for _, t := range tags {
		out = append(out, tagItem{t.Key, t.Value, t.Key, t.Value})
	}
	return tagTag{out}
}

type resourceCount struct {
	ResourceType  string
	ResourceCount int
}

type cloudResources struct{ CloudResourceSetType []resourceCount }

func (e *Engine) ownerID() int64 {
	n, _ := strconv.ParseInt(e.opt.AccountID, 10, 64)
	return n
}

type regionsParams struct {
	AcceptLanguage string
	ProductType    string
}

type regionItem struct{ RegionId, LocalName, RegionEndpoint string }

type regionsAnswer struct {
	Answer
	Regions struct{ Region []regionItem }
}

func (e *Engine) apiDescribeVpcRegions(_ *tx, _ *regionsParams) (*regionsAnswer, error) {
	a := &regionsAnswer{}
	a.Regions.Region = []regionItem{}
	for _, r := range e.regions {
		a.Regions.Region = append(a.Regions.Region, regionItem{r.ID, r.ID, "vpc." + r.ID + ".aliyuncs.com"})
	}
	return a, nil
}

type zonesParams struct {
	RegionId       string `api:",required"`
	AcceptLanguage string
	ZoneType       string
}

type zoneItem struct{ ZoneId, LocalName, ZoneType string }

type zonesAnswer struct {
	Answer
	Zones struct{ Zone []zoneItem }
}

func (e *Engine) apiDescribeVpcZones(t *tx, _ *zonesParams) (*zonesAnswer, error) {
	a := &zonesAnswer{}
	a.Zones.Zone = []zoneItem{}
	for _, r := range e.regions {
		for _, z := range r.Zones {
			if r.ID == t.region {
				a.Zones.Zone = append(a.Zones.Zone, zoneItem{z, z, "AvailabilityZone"})
			}
		}
	}
	return a, nil
}

type describeVpcsParams struct {
	RegionId         string `api:",required"`
	VpcId            string // up to 20, joined by commas
	VpcName          string
	VpcOwnerId       *int64
	DhcpOptionsSetId string
	DryRun           bool
	EnableIpv6       *bool
	IsDefault        *bool
	ResourceGroupId  string
	Tag              []Tag
	page
}

type ipv6Block struct{ Ipv6Isp, Ipv6CidrBlock string }

// vpcBase is what the two answers about VPCs share.
type vpcBase struct {
	VpcId                string
	VpcName              string
	Description          string
	RegionId             string
	OwnerId              int64
	Status               string
	CreationTime         string
	IsDefault            bool
	VRouterId            string
	CidrBlock            string
	Ipv6CidrBlock        string
	EnabledIpv6          bool
	ResourceGroupId      string
	NetworkAclNum        string
	DhcpOptionsSetId     string
	DhcpOptionsSetStatus string
	DnsHostnameStatus    string
	VSwitchIds           struct{ VSwitchId []string }
	SecondaryCidrBlocks  struct{ SecondaryCidrBlock []string }
	UserCidrs            struct{ UserCidr []string }
	Ipv6CidrBlocks       struct{ Ipv6CidrBlock []ipv6Block }
	Tags                 tagTag
}

type vpcItem struct {
	vpcBase
	AdvancedResource       bool
	SupportAdvancedFeature bool
	CenStatus              string
	RouterTableIds         struct{ RouterTableIds []string }
	NatGatewayIds          struct{ NatGatewayIds []string }
}

type describeVpcsAnswer struct {
	Answer
	PageNumber int
	PageSize   int
	TotalCount int
	Vpcs       struct{ Vpc []vpcItem }
}

func (e *Engine) apiDescribeVpcs(t *tx, p *describeVpcsParams) (*describeVpcsAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	ids := splitList(p.VpcId)
	if len(ids) > 20 {
		return nil, &Error{400, "InvalidParameter", "VpcId takes at most 20 ids."}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	all := e.vpcs.list(t.seen, func(v VPC) bool {
		return t.inRegion(v.RegionID) && (len(ids) == 0 || slices.Contains(ids, v.ID)) && (p.VpcName == "" || v.Name == p.VpcName) &&
			(p.IsDefault == nil || *p.IsDefault == v.Default) && (p.EnableIpv6 == nil || !*p.EnableIpv6) && p.DhcpOptionsSetId == "" &&
			(p.VpcOwnerId == nil || *p.VpcOwnerId == e.ownerID()) && (p.ResourceGroupId == "" || p.ResourceGroupId == v.ResourceGroupID) && tagged(v.Tags, p.Tag)
	})
	a := &describeVpcsAnswer{PageNumber: number, PageSize: size, TotalCount: len(all)}
	a.Vpcs.Vpc = []vpcItem{}
	for _, v := range pageOf(all, number, size) {
		item := vpcItem{vpcBase: e.describeVPC(t.seen, v), AdvancedResource: true, SupportAdvancedFeature: true}
		if len(v.Cens) > 0 {
			item.CenStatus = "Attached"
		}
		item.RouterTableIds.RouterTableIds = idsOf(e.tablesOf(t.seen, v.ID), func(r RouteTable) string { return r.ID })
		item.NatGatewayIds.NatGatewayIds = []string{}
		a.Vpcs.Vpc = append(a.Vpcs.Vpc, item)
	}
	return a, nil
}

func (e *Engine) describeVPC(asOf time.Time, v VPC) vpcBase {
	b := vpcBase{
		VpcId: v.ID, VpcName: v.Name, Description: v.Description, RegionId: v.RegionID, OwnerId: e.ownerID(), Status: v.Status,
		CreationTime: fmtTime(v.Created), IsDefault: v.Default, VRouterId: v.RouterID, CidrBlock: v.Block.String(),
		ResourceGroupId:   orDefault(v.ResourceGroupID, e.defaultResourceGroup()),
		NetworkAclNum:     strconv.Itoa(len(e.acls.list(asOf, func(a NetworkACL) bool { return a.VpcID == v.ID }))),
		DnsHostnameStatus: "DISABLED", Tags: tagItems(v.Tags),
	}
	if v.DNSHostnames {
		b.DnsHostnameStatus = "ENABLED"
	}
	b.VSwitchIds.VSwitchId = idsOf(e.vSwitchesOf(asOf, v.ID), func(s VSwitch) string { return s.ID })
	b.SecondaryCidrBlocks.SecondaryCidrBlock = idsOf(v.Secondary, netip.Prefix.String)
	b.UserCidrs.UserCidr = idsOf(v.UserBlocks, netip.Prefix.String)
	b.Ipv6CidrBlocks.Ipv6CidrBlock = []ipv6Block{}
	return b
}

// idsOf maps to strings; never nil, for answers have [] and not null.
func idsOf[T any](all []T, id func(T) string) []string {
	out := make([]string, 0, len(all))
	for _, x := range all {
		out = append(out, id(x))
	}
	return out
}

type describeVpcParams struct {
	RegionId  string `api:",required"`
	VpcId     string `api:",required"`
	DryRun    bool
	IsDefault *bool
}

type cenItem struct {
	CenId      string
	CenOwnerId int64
	CenStatus  string
}

type propagationSource struct {
	SourceType       string
	SourceOwnerId    int64
	SourceInstanceId string
	Status           string
	RoutePropagated  bool
}

type describeVpcAnswer struct {
	Answer
	vpcBase
	ClassicLinkEnabled           bool
	SupportIpv4Gateway           bool
	Ipv4GatewayId                string
	AssociatedCens               struct{ AssociatedCen []cenItem }
	CloudResources               cloudResources
	AssociatedPropagationSources struct {
		AssociatedPropagationSources []propagationSource
	}
}

func (e *Engine) apiDescribeVpc(t *tx, p *describeVpcParams) (*describeVpcAnswer, error) {
	v, err := e.findVPC(t, t.seen, p.VpcId)
	if err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	a := &describeVpcAnswer{vpcBase: e.describeVPC(t.seen, v), SupportIpv4Gateway: true}
	a.AssociatedCens.AssociatedCen = []cenItem{}
	for _, c := range v.Cens {
		owner, _ := strconv.ParseInt(orDefault(c.OwnerID, e.opt.AccountID), 10, 64)
		a.AssociatedCens.AssociatedCen = append(a.AssociatedCens.AssociatedCen, cenItem{c.CenID, owner, "Attached"})
	}
	a.CloudResources.CloudResourceSetType = []resourceCount{
		{"VSwitch", len(e.vSwitchesOf(t.seen, v.ID))},
		{"VRouter", 1},
		{"RouteTable", len(e.tablesOf(t.seen, v.ID))},
	}
	counts := map[string]int{}
	for _, x := range e.tenantsOf(func(x tenant) bool { return x.VpcID == v.ID }) {
		counts[x.Kind]++
	}
	for _, kind := range sortedKeys(counts) {
		a.CloudResources.CloudResourceSetType = append(a.CloudResources.CloudResourceSetType, resourceCount{kind, counts[kind]})
	}
	a.AssociatedPropagationSources.AssociatedPropagationSources = []propagationSource{}
	return a, nil
}

type describeVRoutersParams struct {
	RegionId  string `api:",required"`
	VRouterId string
	page
}

type vRouterItem struct {
	VRouterId     string
	VRouterName   string
	Description   string
	VpcId         string
	RegionId      string
	CreationTime  string
	RouteTableIds struct{ RouteTableId []string }
}

type describeVRoutersAnswer struct {
	Answer
	PageNumber int
	PageSize   int
	TotalCount int
	VRouters   struct{ VRouter []vRouterItem }
}

func (e *Engine) apiDescribeVRouters(t *tx, p *describeVRoutersParams) (*describeVRoutersAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	all := e.vpcs.list(t.seen, func(v VPC) bool {
		return t.inRegion(v.RegionID) && (p.VRouterId == "" || v.RouterID == p.VRouterId)
	})
	a := &describeVRoutersAnswer{PageNumber: number, PageSize: size, TotalCount: len(all)}
	a.VRouters.VRouter = []vRouterItem{}
	for _, v := range pageOf(all, number, size) {
		item := vRouterItem{VRouterId: v.RouterID, VpcId: v.ID, RegionId: v.RegionID, CreationTime: fmtTime(v.Created)}
		item.RouteTableIds.RouteTableId = idsOf(e.tablesOf(t.seen, v.ID), func(r RouteTable) string { return r.ID })
		a.VRouters.VRouter = append(a.VRouters.VRouter, item)
	}
	return a, nil
}

type describeVSwitchesParams struct {
	RegionId        string
	VpcId           string
	VSwitchId       string
	VSwitchName     string
	VSwitchOwnerId  *int64
	ZoneId          string
	RouteTableId    string
	DryRun          bool
	EnableIpv6      *bool
	IsDefault       *bool
	ResourceGroupId string
	Tag             []Tag
	page
}

type vSwitchTable struct {
	RouteTableId    string
	RouteTableType  string
	VRouterId       string
	CreationTime    string
	ResourceGroupId string
	Status          string
	VSwitchIds      struct{ VSwitchId []string }
	RouteEntrys     struct{ RouteEntry []routeEntryItem }
}

type vSwitchItem struct {
	VSwitchId               string
	VSwitchName             string
	Description             string
	VpcId                   string
	ZoneId                  string
	OwnerId                 int64
	CidrBlock               string
	Ipv6CidrBlock           string
	EnabledIpv6             bool
	AvailableIpAddressCount int64
	NetworkAclId            string
	ResourceGroupId         string
	ShareType               string
	Status                  string
	CreationTime            string
	IsDefault               bool
	RouteTable              vSwitchTable
	Tags                    tagTag
}

type describeVSwitchesAnswer struct {
	Answer
	PageNumber int
	PageSize   int
	TotalCount int
	VSwitches  struct{ VSwitch []vSwitchItem }
}

func (e *Engine) apiDescribeVSwitches(t *tx, p *describeVSwitchesParams) (*describeVSwitchesAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	ids := splitList(p.VSwitchId)
	all := e.vSwitches.list(t.seen, func(s VSwitch) bool {
		return t.inRegion(s.RegionID) && (p.VpcId == "" || s.VpcID == p.VpcId) && (len(ids) == 0 || slices.Contains(ids, s.ID)) &&
			(p.VSwitchName == "" || s.Name == p.VSwitchName) && (p.ZoneId == "" || s.ZoneID == p.ZoneId) &&
			(p.RouteTableId == "" || s.RouteTableID == p.RouteTableId) && (p.IsDefault == nil || *p.IsDefault == s.Default) &&
			(p.EnableIpv6 == nil || !*p.EnableIpv6) && (p.VSwitchOwnerId == nil || *p.VSwitchOwnerId == e.ownerID()) &&
			(p.ResourceGroupId == "" || p.ResourceGroupId == e.defaultResourceGroup()) && tagged(s.Tags, p.Tag)
	})
	a := &describeVSwitchesAnswer{PageNumber: number, PageSize: size, TotalCount: len(all)}
	a.VSwitches.VSwitch = []vSwitchItem{}
	for _, s := range pageOf(all, number, size) {
		a.VSwitches.VSwitch = append(a.VSwitches.VSwitch, e.describeVSwitch(t.seen, s))
	}
	return a, nil
}

func (e *Engine) describeVSwitch(asOf time.Time, s VSwitch) vSwitchItem {
	item := vSwitchItem{
		VSwitchId: s.ID, VSwitchName: s.Name, Description: s.Description, VpcId: s.VpcID, ZoneId: s.ZoneID, OwnerId: e.ownerID(),
		CidrBlock: s.Block.String(), NetworkAclId: s.NetworkACLID, ResourceGroupId: e.defaultResourceGroup(), Status: s.Status,
		CreationTime: fmtTime(s.Created), IsDefault: s.Default, Tags: tagItems(s.Tags),
	}
	// The first and the last three addresses are the cloud's.
	used := len(e.tenantsOf(func(x tenant) bool { return x.VSwitchID == s.ID }))
	item.AvailableIpAddressCount = int64(1)<<(32-s.Block.Bits()) - 4 - int64(used)
	rt, _ := e.routeTables.get(asOf, s.RouteTableID)
	item.RouteTable = vSwitchTable{
		RouteTableId: rt.ID, RouteTableType: rt.Type, VRouterId: rt.RouterID, CreationTime: fmtTime(rt.Created),
		ResourceGroupId: orDefault(rt.ResourceGroupID, e.defaultResourceGroup()), Status: rt.Status,
	}
	item.RouteTable.VSwitchIds.VSwitchId = e.servedBy(asOf, rt.ID)
	item.RouteTable.RouteEntrys.RouteEntry = []routeEntryItem{}
	for _, r := range e.entriesOf(asOf, rt.ID) {
		item.RouteTable.RouteEntrys.RouteEntry = append(item.RouteTable.RouteEntrys.RouteEntry, e.describeRoute(asOf, r))
	}
	return item
}

func (e *Engine) servedBy(asOf time.Time, tableID string) []string {
	served := e.vSwitches.list(asOf, func(s VSwitch) bool { return s.RouteTableID == tableID })
	return idsOf(served, func(s VSwitch) string { return s.ID })
}

type describeVSwitchParams struct {
	RegionId  string
	VSwitchId string `api:",required"`
	DryRun    bool
}

type describeVSwitchAnswer struct {
	Answer
	vSwitchItem
	CloudResources cloudResources
}

// apiDescribeVSwitch answers 200 with empty fields if there is no such vSwitch:
// that is how clients see that a deletion is done.
func (e *Engine) apiDescribeVSwitch(t *tx, p *describeVSwitchParams) (*describeVSwitchAnswer, error) {
	if p.DryRun {
		return nil, errDryRun
	}
	a := &describeVSwitchAnswer{}
	a.Tags, a.CloudResources.CloudResourceSetType = tagItems(nil), []resourceCount{}
	a.RouteTable.VSwitchIds.VSwitchId, a.RouteTable.RouteEntrys.RouteEntry = []string{}, []routeEntryItem{}
	s, ok := e.vSwitches.get(t.seen, p.VSwitchId)
	if !ok || !t.inRegion(s.RegionID) {
		return a, nil
	}
	a.vSwitchItem = e.describeVSwitch(t.seen, s)
	if n := len(e.tenantsOf(func(x tenant) bool { return x.VSwitchID == s.ID && strings.EqualFold(x.Kind, "Instance") })); n > 0 {
		a.CloudResources.CloudResourceSetType = []resourceCount{{"ECS", n}}
	}
	return a, nil
}

func networkReads() []Action {
	return append([]Action{
		read(vpcProduct, "DescribeRegions", 0, (*Engine).apiDescribeVpcRegions),
		read(vpcProduct, "DescribeZones", 0, (*Engine).apiDescribeVpcZones),
		read(vpcProduct, "DescribeVpcs", 0, (*Engine).apiDescribeVpcs),
		read(vpcProduct, "DescribeVpcAttribute", 0, (*Engine).apiDescribeVpc),
		read(vpcProduct, "DescribeVRouters", 0, (*Engine).apiDescribeVRouters),
		read(vpcProduct, "DescribeVSwitches", 0, (*Engine).apiDescribeVSwitches),
		read(vpcProduct, "DescribeVSwitchAttributes", 0, (*Engine).apiDescribeVSwitch),
	}, routeReads()...)
}
