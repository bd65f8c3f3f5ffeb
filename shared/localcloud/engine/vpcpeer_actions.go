package engine

import (
	"fmt"
	"strconv"
)

type createPeeringParams struct {
	RegionId          string `api:",required,body"`
	VpcId             string `api:",required,body"`
	AcceptingAliUid   int64  `api:",required,body"`
	AcceptingRegionId string `api:",required,body"`
	AcceptingVpcId    string `api:",required,body"`
	Name              string `api:",body"`
	Description       string `api:",body"`
	Bandwidth         *int   `api:",body"`
	LinkType          string
	DryRun            bool   `api:",body"`
	ClientToken       string `api:",body"`
	ResourceGroupId   string `api:",body"`
	Tag               []Tag  `api:",max=20"`
}

type createPeeringAnswer struct {
	Answer
	InstanceId string
}

// apiCreateVpcPeerConnection makes a connection of two VPCs of the account,
// which accepts it by itself.
func (e *Engine) apiCreateVpcPeerConnection(t *tx, p *createPeeringParams) (*createPeeringAnswer, error) {
	if err := e.checkNewPeering(t, p); err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	c := PeerConnection{
		ID: e.newID("pcc"), RegionID: p.RegionId, VpcID: p.VpcId, AcceptingRegionID: p.AcceptingRegionId, AcceptingVpcID: p.AcceptingVpcId,
		Name: p.Name, Description: p.Description, Bandwidth: orBandwidth(p.Bandwidth, p.RegionId != p.AcceptingRegionId),
		Status: StatusCreating, BusinessStatus: "Normal", Created: t.now, Modified: t.now,
		ResourceGroupID: orDefault(p.ResourceGroupId, e.defaultResourceGroup()), Tags: p.Tag,
	}
	if c.crossRegion() {
		c.LinkType = orDefault(p.LinkType, peerDefaultLink)
	}
	e.peerings.put(t.now, c.ID, c)
	e.settlePeering(peerCreatePart, c.ID, PeerActivated)
	return &createPeeringAnswer{InstanceId: c.ID}, nil
}

func (e *Engine) checkNewPeering(t *tx, p *createPeeringParams) *Error {
	cross := p.RegionId != p.AcceptingRegionId
	here, ok := e.vpcs.get(latest, p.VpcId)
	there, accepting := e.vpcs.get(latest, p.AcceptingVpcId)
	switch {
	case strconv.FormatInt(p.AcceptingAliUid, 10) != e.opt.AccountID:
		return unsupported("peering with VPCs of other accounts")
	case !e.hasRegion(p.AcceptingRegionId):
		return illegalParam("AcceptingRegionId")
	case !ok || here.RegionID != p.RegionId:
		return &Error{400, "ResourceNotFound.VpcId", "The specified resource of VpcId is not found."}
	case !accepting || there.RegionID != p.AcceptingRegionId:
		return &Error{400, "ResourceNotFound.AcceptingVpcId", "The specified resource of AcceptingVpcId is not found."}
	case here.ID == there.ID:
		return illegalParam("AcceptingVpcId")
	case here.Status != StatusAvailable:
		return &Error{400, "IncorrectStatus.Vpc", "The status of Vpc [" + here.Status + "] is incorrect."}
	case there.Status != StatusAvailable:
		return &Error{400, "IncorrectStatus.AcceptingVpc", "The status of AcceptingVpc [" + there.Status + "] is incorrect."}
	case len(e.peerings.list(latest, func(o PeerConnection) bool { return o.BusinessStatus == "FinancialLocked" })) > 0:
		return errPeerLocked
	}
	if err := checkPeeringTexts(p.Name, p.Description); err != nil {
		return err
	}
	if err := checkPeeringLink(p.Bandwidth, p.LinkType, cross); err != nil {
		return err
	}
	if err := e.checkPair(here, there); err != nil {
		return err
	}
	return e.checkPeeringQuotas(t, here.ID, there.ID, cross)
}

// checkPair looks at what joins the two VPCs, and at what goes on with them.
func (e *Engine) checkPair(here, there VPC) *Error {
	exists := func(what string) *Error {
		return &Error{400, "ResourceAlreadyExist." + what, "The specified resource of " + what + " already exists."}
	}
	for _, o := range e.peerings.list(latest, PeerConnection.live) {
		if o.joins(here.ID) && o.joins(there.ID) && o.Status != StatusDeleting {
			return exists("VpcPeer")
		}
	}
	if err := e.checkPeeringTask("", here.ID, there.ID); err != nil {
		return err
	}
	if e.opt.Switches.PeeringBesideInterfacesRefused {
		for _, r := range e.interfaces.list(latest, func(r RouterInterface) bool {
			return r.RouterID == here.RouterID && r.OppositeRouterID == there.RouterID
		}) {
			if r.Status != riDeleting {
				return exists("RouterInterface")
			}
		}
	}
	return nil
}

// checkPeeringTask refuses a change while a peering connection of one of the
// VPCs, other than the one to be changed, is being made or deleted.
func (e *Engine) checkPeeringTask(except string, vpcIDs ...string) *Error {
	for _, o := range e.peerings.list(latest, PeerConnection.changing) {
		for _, id := range vpcIDs {
			if o.ID != except && o.joins(id) {
				return &Error{400, "Conflict.Operation", "There are other peering operations on the requester VPC or accepter VPC, try again later."}
			}
		}
	}
	return nil
}

func (e *Engine) checkPeeringQuotas(t *tx, here, there string, cross bool) *Error {
	exceeded := func(what string, used, quota int) *Error {
		return &Error{400, "QuotaExceeded." + what, fmt.Sprintf("The quota of %s is exceeded, usage %d/%d.", what, used, quota)}
	}
	name, quota := "IntraRegionVpcPeerCountPerVpc", orInt(e.opt.Quotas.PeeringsPerVpcWithinRegion, 10)
	if cross {
		name, quota = "CrossRegionVpcPeerCountPerVpc", orInt(e.opt.Quotas.PeeringsPerVpcAcrossRegions, 20)
	}
	live := e.peerings.list(latest, PeerConnection.live)
	for _, vpcID := range []string{here, there} {
		used := 0
		for _, o := range live {
			if o.joins(vpcID) && o.crossRegion() == cross {
				used++
			}
		}
		if used >= quota {
			return exceeded(name, used, quota)
		}
	}
	inRegion := 0
	for _, o := range live {
		if o.RegionID == t.region {
			inRegion++
		}
	}
	if quota := orInt(e.opt.Quotas.PeeringsPerRegion, 20); inRegion >= quota {
		return exceeded("VpcPeerCountPerUserPerRegion", inRegion, quota)
	}
	return nil
}

func checkPeeringTexts(name, description string) *Error {
	if !goodLetterText(name, 128) {
		return illegalParam("Name")
	}
	if !goodLetterText(description, 256) {
		return illegalParam("Description")
	}
	return nil
}

func checkPeeringLink(bandwidth *int, link string, cross bool) *Error {
	switch {
	case bandwidth != nil && (!cross || *bandwidth <= 0):
		return illegalParam("Bandwidth")
	case bandwidth != nil && *bandwidth > peerDefaultBandwidth:
		return &Error{400, "QuotaExceeded.Bandwidth", "The quota of bandwidth is exceeded."}
	case link != "" && (!cross || link != "Gold" && link != "Platinum"):
		return illegalParam("LinkType")
	}
	return nil
}

type acceptPeeringParams struct {
	InstanceId      string `api:",required,body"`
	DryRun          bool   `api:",body"`
	ClientToken     string `api:",body"`
	ResourceGroupId string `api:",body"`
	Tag             []Tag  `api:",max=20"`
}

func (e *Engine) apiAcceptVpcPeerConnection(t *tx, p *acceptPeeringParams) (*Answer, error) {
	c, err := e.findPeering(t, latest, p.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case c.Status != PeerAccepting:
		return nil, errPeerStatus(c)
	case c.BusinessStatus != "Normal":
		return nil, errPeerLocked
	case p.DryRun:
		return nil, errDryRun
	}
	e.setPeering(c.ID, PeerUpdating)
	if len(p.Tag) > 0 {
		e.peerings.update(t.now, c.ID, func(c *PeerConnection) { c.Tags = withTags(c.Tags, p.Tag) })
	}
	e.settlePeering(peerUpdatePart, c.ID, PeerActivated)
	return &Answer{}, nil
}

type modifyPeeringParams struct {
	InstanceId  string  `api:",required,body"`
	Name        *string `api:",body"`
	Description *string `api:",body"`
	Bandwidth   *int    `api:",body"`
	LinkType    string
	DryRun      bool   `api:",body"`
	ClientToken string `api:",body"`
}

func (e *Engine) apiModifyVpcPeerConnection(t *tx, p *modifyPeeringParams) (*Answer, error) {
	c, err := e.findPeering(t, latest, p.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case c.Status != PeerActivated:
		return nil, errPeerStatus(c)
	case c.BusinessStatus != "Normal":
		return nil, errPeerLocked
	case p.Bandwidth != nil && !c.crossRegion():
		return nil, &Error{400, "OperationFailed.BandwidthCannotBeChangedInSameRegion", "The operation failed because the bandwidth cannot be changed in the same region."}
	}
	if err := checkPeeringTexts(deref(p.Name, ""), deref(p.Description, "")); err != nil {
		return nil, err
	}
	if err := checkPeeringLink(p.Bandwidth, p.LinkType, c.crossRegion()); err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.peerings.update(t.now, c.ID, func(c *PeerConnection) {
		c.Name, c.Description, c.Status, c.Modified = deref(p.Name, c.Name), deref(p.Description, c.Description), PeerUpdating, t.now
		c.Bandwidth, c.LinkType = deref(p.Bandwidth, c.Bandwidth), orDefault(p.LinkType, c.LinkType)
	})
	e.settlePeering(peerUpdatePart, c.ID, PeerActivated)
	return &Answer{}, nil
}

type deletePeeringParams struct {
	InstanceId  string `api:",required,body"`
	Force       bool   `api:",body"`
	DryRun      bool   `api:",body"`
	ClientToken string `api:",body"`
}

func (e *Engine) apiDeleteVpcPeerConnection(t *tx, p *deletePeeringParams) (*Answer, error) {
	c, err := e.findPeering(t, latest, p.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case c.changing() || c.Status == PeerDeleted:
		return nil, errPeerStatus(c)
	}
	if err := e.checkPeeringTask(c.ID, c.VpcID, c.AcceptingVpcID); err != nil {
		return nil, err
	}
	routes := e.routesTo(c.ID, "")
	if len(routes) > 0 && !p.Force {
		return nil, &Error{400, "OperationDenied.RouteEntryExist", "The operation is not allowed because of existing routeEntry point to VpcPeer."}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	if e.opt.Switches.PeeringForceDeletesOneSide {
		routes = e.routesTo(c.ID, c.VpcID)
	}
	e.deleteRoutes(routes)
	e.setPeering(c.ID, StatusDeleting)
	e.afterPart(peerDeletePart, func() {
		if e.opt.Switches.DeletedPeeringStaysListed {
			e.setPeering(c.ID, PeerDeleted)
			return
		}
		e.peerings.remove(e.now, c.ID)
	})
	return &Answer{}, nil
}

// peeringActions' limits are those of the published quota page.
func peeringActions() []Action {
	return []Action{
		write(vpcPeerProduct, "CreateVpcPeerConnection", 360, (*Engine).apiCreateVpcPeerConnection),
		write(vpcPeerProduct, "AcceptVpcPeerConnection", 360, (*Engine).apiAcceptVpcPeerConnection),
		write(vpcPeerProduct, "ModifyVpcPeerConnection", 360, (*Engine).apiModifyVpcPeerConnection),
		write(vpcPeerProduct, "DeleteVpcPeerConnection", 360, (*Engine).apiDeleteVpcPeerConnection),
	}
}
