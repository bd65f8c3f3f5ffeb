package engine

import (
	"net/netip"
	"slices"
	"strings"
)

// createVPC puts a VPC with its system route table into the world; the table
// has the system route that every table has.
func (e *Engine) createVPC(v VPC, systemTableID string) RouteTable {
	e.vpcs.put(e.now, v.ID, v)
	rt := RouteTable{
		ID: systemTableID, RegionID: v.RegionID, VpcID: v.ID, RouterID: v.RouterID,
		Type: "System", AssociateType: "VSwitch", Status: StatusAvailable, Created: v.Created,
		ResourceGroupID: v.ResourceGroupID,
	}
	e.createRouteTable(rt)
	return rt
}

func (e *Engine) createRouteTable(rt RouteTable) {
	e.routeTables.put(e.now, rt.ID, rt)
	e.systemEntry(rt, serviceBlock, "service")
	for _, s := range e.vSwitchesOf(latest, rt.VpcID) {
		e.systemEntry(rt, s.Block, "local")
	}
}

// createVSwitch puts a vSwitch into the world, with a system route in every
// table of its VPC.
func (e *Engine) createVSwitch(s VSwitch) {
	e.vSwitches.put(e.now, s.ID, s)
	for _, rt := range e.tablesOf(latest, s.VpcID) {
		e.systemEntry(rt, s.Block, "local")
	}
}

func (e *Engine) systemEntry(rt RouteTable, block netip.Prefix, hop string) {
	id := e.newID("rte")
	e.routeEntries.put(e.now, id, RouteEntry{
		ID: id, RegionID: rt.RegionID, VpcID: rt.VpcID, TableID: rt.ID, Destination: block.Masked(),
		NextHops: []NextHop{{Type: hop}}, Type: "System", Status: e.routeDone(), Modified: e.now,
	})
}

func (e *Engine) removeVSwitch(s VSwitch) {
	e.vSwitches.remove(e.now, s.ID)
	for _, rt := range e.tablesOf(latest, s.VpcID) {
		for _, r := range e.entriesOf(latest, rt.ID) {
			if r.Type == "System" && r.Destination == s.Block.Masked() {
				e.routeEntries.remove(e.now, r.ID)
			}
		}
	}
}

func (e *Engine) removeRouteTable(rt RouteTable) {
	for _, r := range e.entriesOf(latest, rt.ID) {
		e.routeEntries.remove(e.now, r.ID)
	}
	e.routeTables.remove(e.now, rt.ID)
}

type createVpcParams struct {
	RegionId          string `api:",required"`
	CidrBlock         string
	ClientToken       string
	Description       string
	DryRun            bool
	EnableDnsHostname bool
	EnableIpv6        bool
	Ipv4CidrMask      int
	Ipv4IpamPoolId    string
	Ipv6CidrBlock     string
	Ipv6CidrMask      int
	Ipv6IpamPoolId    string
	Ipv6Isp           string
	ResourceGroupId   string
	Tag               []Tag
	UserCidr          string
	VpcName           string
}

type createVpcAnswer struct {
	Answer
	VpcId           string
	VRouterId       string
	RouteTableId    string
	ResourceGroupId string
}

// defaultVPCBlock is what a VPC gets that names no block.
const defaultVPCBlock = "172.16.0.0/12"

func (e *Engine) apiCreateVpc(t *tx, p *createVpcParams) (*createVpcAnswer, error) {
	if p.EnableIpv6 || p.Ipv6CidrBlock != "" || p.Ipv6Isp != "" || p.Ipv6IpamPoolId != "" || p.Ipv6CidrMask != 0 || p.Ipv4IpamPoolId != "" || p.Ipv4CidrMask != 0 {
		return nil, unsupported("IPv6 and IPAM pools")
	}
	block, err := vpcBlock(orDefault(p.CidrBlock, defaultVPCBlock))
	if err != nil {
		return nil, err
	}
	var user []netip.Prefix
	for _, s := range splitList(p.UserCidr) {
		b, err := netip.ParsePrefix(s)
		if err != nil || !b.Addr().Is4() {
			return nil, &Error{400, "InvalidUserCidr.Malformed", "Specified UserCidr is not valid: " + s + "."}
		}
		user = append(user, b.Masked())
	}
	if err := checkTexts(p.VpcName, p.Description); err != nil {
		return nil, err
	}
	if n := len(e.vpcs.list(latest, func(v VPC) bool { return v.RegionID == t.region })); n >= orInt(e.opt.Quotas.VpcsPerRegion, 10) {
		return nil, &Error{400, "QuotaExceeded.Vpc", "VPC quota exceeded."}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	v := VPC{
		ID: e.newID("vpc"), RegionID: t.region, RouterID: e.newID("vrt"), Name: p.VpcName, Description: p.Description,
		Block: block, UserBlocks: user, Status: StatusPending, Created: t.now,
		ResourceGroupID: orDefault(p.ResourceGroupId, e.defaultResourceGroup()), Tags: p.Tag, DNSHostnames: p.EnableDnsHostname,
	}
	rt := e.createVPC(v, e.newID("vtb"))
	e.afterPart(vpcPart, func() {
		e.vpcs.update(e.now, v.ID, func(v *VPC) { v.Status = StatusAvailable })
	})
	return &createVpcAnswer{VpcId: v.ID, VRouterId: v.RouterID, RouteTableId: rt.ID, ResourceGroupId: v.ResourceGroupID}, nil
}

type deleteVpcParams struct {
	RegionId    string
	VpcId       string `api:",required"`
	ClientToken string
	DryRun      bool
	ForceDelete bool
}

// apiDeleteVpc refuses while anything is in the VPC. The codes are those of the
// published error table of DeleteVpc.
func (e *Engine) apiDeleteVpc(t *tx, p *deleteVpcParams) (*Answer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	switch {
	case p.ForceDelete:
		return nil, unsupported("ForceDelete")
	case v.Status != StatusAvailable:
		return nil, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	case len(e.vSwitchesOf(latest, v.ID)) > 0:
		return nil, dependency("VSwitch")
	case len(e.interfaces.list(latest, func(r RouterInterface) bool { return r.VpcID == v.ID })) > 0:
		return nil, dependency("RouterInterface")
	case len(e.tablesOf(latest, v.ID)) > 1:
		return nil, &Error{400, "DependencyViolation.RouteTable", "VPC cannot be deleted when custom route table exists."}
	case len(e.acls.list(latest, func(a NetworkACL) bool { return a.VpcID == v.ID })) > 0:
		return nil, dependency("NetworkAcl")
	case len(v.Cens) > 0:
		return nil, dependency("Cen")
	}
	for _, rt := range e.tablesOf(latest, v.ID) {
		if slices.ContainsFunc(e.entriesOf(latest, rt.ID), func(r RouteEntry) bool { return r.Type == "Custom" }) {
			return nil, dependency("RouteEntry")
		}
	}
	if in := e.tenantsOf(func(x tenant) bool { return x.VpcID == v.ID }); len(in) > 0 {
		return nil, dependency(in[0].Kind)
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.vpcs.update(t.now, v.ID, func(v *VPC) { v.Status = StatusDeleting })
	e.afterPart(vpcPart, func() {
		for _, rt := range e.tablesOf(latest, v.ID) {
			e.removeRouteTable(rt)
		}
		e.vpcs.remove(e.now, v.ID)
	})
	return &Answer{}, nil
}

type modifyVpcParams struct {
	RegionId          string `api:",required"`
	VpcId             string `api:",required"`
	VpcName           *string
	Description       *string
	CidrBlock         string
	EnableDnsHostname *bool
	EnableIPv6        bool
	Ipv6CidrBlock     string
	Ipv6Isp           string
}

func (e *Engine) apiModifyVpc(t *tx, p *modifyVpcParams) (*Answer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	if p.EnableIPv6 || p.Ipv6CidrBlock != "" || p.Ipv6Isp != "" || p.CidrBlock != "" {
		return nil, unsupported("changing a VPC's blocks")
	}
	if err := checkTexts(deref(p.VpcName, v.Name), deref(p.Description, v.Description)); err != nil {
		return nil, err
	}
	e.vpcs.update(t.now, v.ID, func(v *VPC) {
		v.Name, v.Description = deref(p.VpcName, v.Name), deref(p.Description, v.Description)
		v.DNSHostnames = deref(p.EnableDnsHostname, v.DNSHostnames)
	})
	return &Answer{}, nil
}

type vpcBlockParams struct {
	RegionId           string `api:",required"`
	VpcId              string `api:",required"`
	SecondaryCidrBlock string
	IPv6CidrBlock      string
}

type associateBlockParams struct {
	vpcBlockParams
	IPv6CidrType      string
	IpVersion         string
	IpamPoolId        string
	Ipv6Isp           string
	SecondaryCidrMask int
}

func (e *Engine) apiAssociateBlock(t *tx, p *associateBlockParams) (*Answer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	if p.IPv6CidrBlock != "" || p.IPv6CidrType != "" || p.Ipv6Isp != "" || p.IpamPoolId != "" || p.SecondaryCidrMask != 0 || strings.EqualFold(p.IpVersion, "ipv6") {
		return nil, unsupported("IPv6 and IPAM pools")
	}
	if v.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	}
	block, err := vpcBlock(p.SecondaryCidrBlock)
	if err != nil {
		return nil, err
	}
	for _, b := range v.Blocks() {
		if b.Overlaps(block) {
			return nil, &Error{400, "InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with other CIDR blocks of the VPC."}
		}
	}
	if len(v.Secondary) >= orInt(e.opt.Quotas.SecondaryBlocksPerVpc, 5) {
		return nil, &Error{400, "QuotaExceeded.SecondaryCidrBlock", "The quota of secondary CIDR blocks is exceeded."}
	}
	e.vpcs.update(t.now, v.ID, func(v *VPC) { v.Secondary = append(slices.Clone(v.Secondary), block) })
	return &Answer{}, nil
}

func (e *Engine) apiUnassociateBlock(t *tx, p *vpcBlockParams) (*Answer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	block, perr := netip.ParsePrefix(p.SecondaryCidrBlock)
	if perr != nil || !slices.Contains(v.Secondary, block) {
		return nil, &Error{400, "InvalidCidrBlock.NotFound", "The specified secondary CIDR block is not associated with the VPC."}
	}
	for _, s := range e.vSwitchesOf(latest, v.ID) {
		if block.Overlaps(s.Block) {
			return nil, dependency("VSwitch")
		}
	}
	e.vpcs.update(t.now, v.ID, func(v *VPC) {
		v.Secondary = slices.DeleteFunc(slices.Clone(v.Secondary), func(b netip.Prefix) bool { return b == block })
	})
	return &Answer{}, nil
}

type createVSwitchParams struct {
	RegionId         string
	CidrBlock        string `api:",required"`
	VpcId            string `api:",required"`
	ZoneId           string `api:",required"`
	ClientToken      string
	Description      string
	Ipv6CidrBlock    *int
	Tag              []Tag
	VSwitchName      string
	VpcIpv6CidrBlock string
}

type createVSwitchAnswer struct {
	Answer
	VSwitchId string
}

func (e *Engine) apiCreateVSwitch(t *tx, p *createVSwitchParams) (*createVSwitchAnswer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	if p.Ipv6CidrBlock != nil || p.VpcIpv6CidrBlock != "" {
		return nil, unsupported("IPv6")
	}
	if v.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	}
	region := slices.IndexFunc(e.regions, func(r Region) bool { return r.ID == v.RegionID })
	if !slices.Contains(e.regions[region].Zones, p.ZoneId) {
		return nil, &Error{404, "InvalidZoneId.NotFound", "Specified zone does not exist."}
	}
	block, perr := netip.ParsePrefix(p.CidrBlock)
	switch {
	case perr != nil || !block.Addr().Is4() || block != block.Masked() || block.Bits() < 16 || block.Bits() > 29:
		return nil, &Error{400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid."}
	case !slices.ContainsFunc(v.Blocks(), func(b netip.Prefix) bool { return b.Bits() <= block.Bits() && b.Contains(block.Addr()) }):
		return nil, &Error{400, "InvalidCidrBlock.Mismatch", "Specified CIDR block is not a subset of the VPC's CIDR blocks."}
	}
	for _, s := range e.vSwitchesOf(latest, v.ID) {
		if s.Block.Overlaps(block) {
			return nil, &Error{400, "InvalidCidrBlock.Overlapped", "Specified CIDR block overlapped with other subnets."}
		}
	}
	for _, rt := range e.tablesOf(latest, v.ID) {
		for _, r := range e.entriesOf(latest, rt.ID) {
			if r.Type == "Custom" && r.Destination.Bits() >= block.Bits() && block.Contains(r.Destination.Addr()) {
				return nil, &Error{400, "InvalidCidrBlock.Conflict", "Specified CIDR block conflicts with a route entry."}
			}
		}
	}
	if err := checkTexts(p.VSwitchName, p.Description); err != nil {
		return nil, err
	}
	if len(e.vSwitchesOf(latest, v.ID)) >= orInt(e.opt.Quotas.VSwitchesPerVpc, 150) {
		return nil, &Error{400, "QuotaExceeded.VSwitch", "VSwitch quota exceeded."}
	}
	s := VSwitch{
		ID: e.newID("vsw"), RegionID: v.RegionID, VpcID: v.ID, ZoneID: p.ZoneId, Name: p.VSwitchName, Description: p.Description,
		Block: block, RouteTableID: e.systemTable(latest, v.ID).ID, Status: StatusPending, Created: t.now, Tags: p.Tag,
	}
	e.createVSwitch(s)
	e.afterPart(vpcPart, func() {
		e.vSwitches.update(e.now, s.ID, func(s *VSwitch) { s.Status = StatusAvailable })
	})
	return &createVSwitchAnswer{VSwitchId: s.ID}, nil
}

type deleteVSwitchParams struct {
	RegionId  string
	VSwitchId string `api:",required"`
	DryRun    bool
}

func (e *Engine) apiDeleteVSwitch(t *tx, p *deleteVSwitchParams) (*Answer, error) {
	s, err := e.findVSwitch(t, latest, p.VSwitchId)
	if err != nil {
		return nil, err
	}
	if s.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectVSwitchStatus", "The current status of the vSwitch does not support this operation."}
	}
	if err := e.checkRouteTask(s.VpcID); err != nil {
		return nil, err
	}
	if in := e.tenantsOf(func(x tenant) bool { return x.VSwitchID == s.ID }); len(in) > 0 {
		return nil, &Error{400, "DependencyViolation", "Specified object has dependent resources: " + in[0].Kind + "."}
	}
	if rt, _ := e.routeTables.get(latest, s.RouteTableID); rt.Type == "Custom" {
		return nil, dependency("RouteTable")
	}
	if s.NetworkACLID != "" {
		return nil, dependency("NetworkAcl")
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.vSwitches.update(t.now, s.ID, func(s *VSwitch) { s.Status = StatusPending })
	e.afterPart(vpcPart, func() { e.removeVSwitch(s) })
	return &Answer{}, nil
}

func networkActions() []Action {
	return []Action{
		write(vpcProduct, "CreateVpc", 0, (*Engine).apiCreateVpc),
		write(vpcProduct, "DeleteVpc", 0, (*Engine).apiDeleteVpc),
		write(vpcProduct, "ModifyVpcAttribute", 0, (*Engine).apiModifyVpc),
		write(vpcProduct, "AssociateVpcCidrBlock", 0, (*Engine).apiAssociateBlock),
		write(vpcProduct, "UnassociateVpcCidrBlock", 0, (*Engine).apiUnassociateBlock),
		write(vpcProduct, "CreateVSwitch", 300, (*Engine).apiCreateVSwitch),
		write(vpcProduct, "DeleteVSwitch", 0, (*Engine).apiDeleteVSwitch),
	}
}
