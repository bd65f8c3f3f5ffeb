package engine

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The states of a router interface.
const (
	riIdle         = "Idle"
	riConnecting   = "Connecting"
	riAccepting    = "AcceptingConnecting"
	riActivating   = "Activating"
	riActive       = "Active"
	riModifying    = "Modifying"
	riDeactivating = "Deactivating"
	riInactive     = "Inactive"
	riDeleting     = "Deleting"
)

// Specs is the published bandwidth of each specification, in Mb/s. The
// accepting side's is Negative and has none.
var Specs = map[string]int{
	"Mini.2": 2, "Mini.5": 5, "Small.1": 10, "Small.2": 20, "Small.5": 50, "Middle.1": 100, "Middle.2": 200,
	"Middle.5": 500, "Large.1": 1000, "Large.2": 2000, "Large.5": 5000, "Xlarge.1": 10000,
}

const negative = "Negative"

type createInterfaceParams struct {
	RegionId                 string `api:",required"`
	Role                     string `api:",required"`
	OppositeRegionId         string `api:",required"`
	Spec                     string `api:",required"`
	RouterType               string `api:",required"`
	RouterId                 string `api:",required"`
	OppositeInterfaceId      string
	OppositeRouterId         string
	OppositeRouterType       string
	OppositeInterfaceOwnerId string
	AccessPointId            string
	OppositeAccessPointId    string
	InstanceChargeType       string
	Period                   int
	PricingCycle             string
	AutoPay                  bool
	AutoRenew                bool
	FastLinkMode             bool
	Name                     string
	Description              string
	HealthCheckSourceIp      string
	HealthCheckTargetIp      string
	ResourceGroupId          string
	Tags                     []Tag
	ClientToken              string
}

type createInterfaceAnswer struct {
	Answer
	RouterInterfaceId string
	OrderId           int64
}

// apiCreateRouterInterface makes one side of a peering connection; the other
// side and the connecting are calls of their own.
func (e *Engine) apiCreateRouterInterface(t *tx, p *createInterfaceParams) (*createInterfaceAnswer, error) {
	v, err := e.checkNewInterface(p)
	if err != nil {
		return nil, err
	}
	r := RouterInterface{
		ID: e.newID("ri"), RegionID: v.RegionID, VpcID: v.ID, RouterType: "VRouter", RouterID: v.RouterID,
		Name: p.Name, Description: p.Description, Role: p.Role, Spec: p.Spec,
		Status: riIdle, BusinessStatus: "Normal", ChargeType: "AfterPay", Created: t.now, Modified: t.now,
		OppositeRegionID: p.OppositeRegionId, OppositeRouterType: p.OppositeRouterType, OppositeRouterID: p.OppositeRouterId,
		OppositeID: p.OppositeInterfaceId, OppositeOwnerID: p.OppositeInterfaceOwnerId,
		HealthCheckSource: p.HealthCheckSourceIp, HealthCheckTarget: p.HealthCheckTargetIp,
		ResourceGroupID: orDefault(p.ResourceGroupId, e.defaultResourceGroup()), Tags: p.Tags,
	}
	e.interfaces.put(t.now, r.ID, r)
	return &createInterfaceAnswer{RouterInterfaceId: r.ID}, nil
}

func (e *Engine) checkNewInterface(p *createInterfaceParams) (VPC, *Error) {
	v, ok := e.vpcOfRouter(latest, p.RouterId)
	switch {
	case e.opt.Switches.RouterInterfaceClosed:
		return v, &Error{400, "COMMODITY.INVALID_COMPONENT", "The commodity is not on sale for this account."}
	case e.billsOutstanding():
		return v, errBills
	case p.RouterType != "VRouter" || p.AccessPointId != "" || p.OppositeAccessPointId != "" || p.FastLinkMode:
		return v, unsupported("virtual border routers")
	case p.InstanceChargeType != "" && p.InstanceChargeType != "PostPaid" || p.Period != 0 || p.PricingCycle != "" || p.AutoPay || p.AutoRenew:
		return v, unsupported("prepaid router interfaces")
	case !ok || v.RegionID != p.RegionId:
		return v, &Error{404, "InvalidRouterId.NotFound", "The specified RouterId does not exist in our records."}
	case !e.hasRegion(p.OppositeRegionId):
		return v, &Error{404, "InvalidOppositeRegionId.NotFound", "The specified OppositeRegionId does not exist in our records."}
	case p.Role != "InitiatingSide" && p.Role != "AcceptingSide":
		return v, &Error{400, "InvalidRole.ValueNotSupported", "The specified Role is not valid."}
	case !goodOppositeType(p.OppositeRouterType):
		return v, errOppositeType
	case p.Role == "AcceptingSide" && p.Spec != negative, p.Role == "InitiatingSide" && Specs[p.Spec] == 0:
		return v, errSpec
	case !goodLetterText(p.Name, 128):
		return v, errInterfaceName
	case !goodLetterText(p.Description, 256):
		return v, errInterfaceDescription
	case len(p.Tags) > 0 && e.opt.Switches.TagRouterInterfaceRefused:
		return v, errTagsRefused
	case len(v.Cens) > 0:
		return v, &Error{400, "IncorrectStatus.CenStatus", "The VPC is attached to a CEN instance."}
	case len(e.interfaces.list(latest, func(r RouterInterface) bool { return r.RouterID == v.RouterID })) >= orInt(e.opt.Quotas.RouterInterfacesPerRouter, 5):
		return v, &Error{400, "QuotaExceeded.RouterInterface", "The quota of router interfaces of this router is exceeded."}
	}
	return v, nil
}

var (
	errBills                = &Error{400, "Forbidden.BillsOutstanding", "You cannot use this action because you have bills outstanding."}
	errLocked               = &Error{400, "Forbidden.FinancileLocked", "This RouterInterface is locked because of bills outstanding."} // spelt so in the published table
	errSpec                 = &Error{400, "InvalidSpec.ValudNotSupported", "The specified Spec is not supported."}                     // spelt so
	errOppositeType         = &Error{400, "InvalidOppositeRouterType.ValueNotSupported", "The specified OppositeRouterType is not valid."}
	errInterfaceName        = &Error{400, "InvalidName.Malformd", "The attribute name is not valid."} // spelt so
	errInterfaceDescription = &Error{400, "InvalidDescription.Malformed", "The Description is not valid."}
	errNotSet               = &Error{400, "IncorrectOppositeInterfaceInfo.NotSet", "The opposite interface's information is not set."}
	errTagsRefused          = &Error{400, "InvalidResourceType.NotSupport", "Router interfaces of virtual routers cannot be tagged."}
)

func goodOppositeType(s string) bool { return s == "" || s == "VRouter" || s == "VBR" }

// goodLetterText is the rule for a router interface's name and description: at
// least two characters, a letter first.
func goodLetterText(s string, most int) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s == "" || goodText(s, 2, most) && unicode.IsLetter(first)
}

// billsOutstanding says whether some router interface of the account is locked
// for money, which forbids making and connecting others.
func (e *Engine) billsOutstanding() bool {
	return len(e.interfaces.list(latest, func(r RouterInterface) bool { return r.BusinessStatus == "FinancialLocked" })) > 0
}

// errInterfaceStatus is what a call in the wrong state answers; older and newer
// documents name it differently.
func (e *Engine) errInterfaceStatus(r RouterInterface) *Error {
	code := "IncorrectRIStatus"
	if e.opt.Switches.InterfaceStatusCodeOld {
		code = "IncorrectStatus"
	}
	return &Error{400, code, "The router interface is " + r.Status + ", which does not allow this operation."}
}

type modifyInterfaceParams struct {
	RegionId                 string `api:",required"`
	RouterInterfaceId        string `api:",required"`
	Name                     *string
	Description              *string
	OppositeInterfaceId      string
	OppositeInterfaceOwnerId *int64
	OppositeRouterId         string
	OppositeRouterType       string
	HealthCheckSourceIp      string
	HealthCheckTargetIp      string
	DeleteHealthCheckIp      bool
	HcRate                   *int
	HcThreshold              *int
}

func (e *Engine) apiModifyRouterInterface(t *tx, p *modifyInterfaceParams) (*Answer, error) {
	r, err := e.findInterface(t, latest, p.RouterInterfaceId)
	if err != nil {
		return nil, err
	}
	opposite := p.OppositeInterfaceId != "" || p.OppositeInterfaceOwnerId != nil || p.OppositeRouterId != "" || p.OppositeRouterType != ""
	switch {
	case r.BusinessStatus == "FinancialLocked":
		return nil, errLocked
	case r.Status == riDeleting:
		return nil, &Error{400, "IncorrectStatus", "The router interface is being deleted."}
	case opposite && r.Status != riIdle:
		return nil, &Error{400, "IncorrectStatus", "The opposite interface can be changed only while the router interface is Idle."}
	case !goodOppositeType(p.OppositeRouterType):
		return nil, errOppositeType
	case !goodLetterText(deref(p.Name, r.Name), 128):
		return nil, errInterfaceName
	case !goodLetterText(deref(p.Description, r.Description), 256):
		return nil, errInterfaceDescription
	}
	e.interfaces.update(t.now, r.ID, func(r *RouterInterface) {
		r.Name, r.Description, r.Modified = deref(p.Name, r.Name), deref(p.Description, r.Description), t.now
		r.HealthCheckSource = orDefault(p.HealthCheckSourceIp, r.HealthCheckSource)
		r.HealthCheckTarget = orDefault(p.HealthCheckTargetIp, r.HealthCheckTarget)
		if p.DeleteHealthCheckIp {
			r.HealthCheckSource, r.HealthCheckTarget = "", ""
		}
		r.HealthCheckRate, r.HealthCheckLimit = deref(p.HcRate, r.HealthCheckRate), deref(p.HcThreshold, r.HealthCheckLimit)
		if !opposite {
			return
		}
		r.OppositeID = orDefault(p.OppositeInterfaceId, r.OppositeID)
		r.OppositeRouterID = orDefault(p.OppositeRouterId, r.OppositeRouterID)
		if p.OppositeInterfaceOwnerId != nil {
			r.OppositeOwnerID = strconv.FormatInt(*p.OppositeInterfaceOwnerId, 10)
		}
		r.OppositeRouterType = orDefault(p.OppositeRouterType, "VBR") // the published default
	})
	if opposite {
		e.settleOpposite(r.ID)
	}
	return &Answer{}, nil
}

// settleOpposite keeps ConnectRouterInterface from seeing what was just set for
// as long as Faults says: connecting right after modifying is known to fail
// with NotSet for a while.
func (e *Engine) settleOpposite(id string) {
	if e.opt.Faults == nil {
		return
	}
	if e.unsettled == nil {
		e.unsettled = map[string]int{}
	}
	e.unsettled[id]++
	e.after(0, func() {
		if e.unsettled[id]--; e.unsettled[id] == 0 {
			delete(e.unsettled, id)
		}
	})
}

type interfaceParams struct {
	RegionId          string `api:",required"`
	RouterInterfaceId string `api:",required"`
}

// apiConnectRouterInterface is called on the initiating side; both sides end
// Active, the accepting one a little later.
func (e *Engine) apiConnectRouterInterface(t *tx, p *interfaceParams) (*Answer, error) {
	r, err := e.findInterface(t, latest, p.RouterInterfaceId)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Role != "InitiatingSide":
		return nil, &Error{400, "IncorrectRole.NotInitiatingSide", "The specified RouterInterface is not InitiatingSide."}
	case e.billsOutstanding():
		return nil, errBills
	case r.Status != riIdle:
		return nil, e.errInterfaceStatus(r)
	}
	acceptor, err := e.checkOpposite(r)
	if err != nil {
		return nil, err
	}
	if err := e.checkOnlyConnection(r); err != nil {
		return nil, err
	}
	e.connect(r.ID, acceptor.ID)
	return &Answer{}, nil
}

// checkOpposite holds the two sides against each other.
func (e *Engine) checkOpposite(r RouterInterface) (RouterInterface, *Error) {
	wrong := func(why string) *Error {
		return &Error{400, "IncorrectOppositeInterfaceInfo", "The opposite interface's information is not correct: " + why + "."}
	}
	unset := func(r RouterInterface) bool {
		return r.OppositeID == "" || r.OppositeRouterID == "" || e.unsettled[r.ID] > 0
	}
	if unset(r) {
		return r, errNotSet
	}
	if r.OppositeRouterID == r.RouterID {
		return r, wrong("cannot connect on the same router")
	}
	other, ok := e.interfaces.get(latest, r.OppositeID)
	if !ok || other.RegionID != r.OppositeRegionID {
		return r, wrong("there is no such interface in the opposite region")
	}
	if unset(other) && !e.opt.Switches.OneSideOppositeEnough {
		return r, errNotSet
	}
	switch {
	case other.Role != "AcceptingSide":
		return r, wrong("it is not the accepting side")
	case r.OppositeRouterType != "VRouter" || other.OppositeRouterType != "VRouter" && !e.opt.Switches.OneSideOppositeEnough:
		return r, wrong("the opposite router's type does not match")
	case other.RouterID != r.OppositeRouterID:
		return r, wrong("it is not of the opposite router")
	case other.OppositeID != "" && other.OppositeID != r.ID, other.OppositeRouterID != "" && other.OppositeRouterID != r.RouterID,
		other.OppositeRegionID != r.RegionID:
		return r, wrong("it names another opposite interface")
	case r.OppositeOwnerID != "" && r.OppositeOwnerID != e.opt.AccountID, other.OppositeOwnerID != "" && other.OppositeOwnerID != e.opt.AccountID:
		return r, wrong("the owner does not match")
	case other.Status != riIdle:
		return r, e.errInterfaceStatus(other)
	}
	return other, nil
}

// checkOnlyConnection allows one connected pair between two routers.
func (e *Engine) checkOnlyConnection(r RouterInterface) *Error {
	same := e.interfaces.list(latest, func(o RouterInterface) bool {
		return o.ID != r.ID && o.RouterID == r.RouterID && o.OppositeRouterID == r.OppositeRouterID && o.Status != riIdle && o.Status != riDeleting
	})
	if len(same) == 0 {
		return nil
	}
	message := "The Specified routers have a connection already"
	if s := same[0].Status; s == riConnecting || s == riAccepting || s == riActivating {
		message = "Cannot connect concurrently between same routers"
	}
	return &Error{400, "Forbidden.OnlyOneConnection", message}
}

func (e *Engine) connect(initiatorID, acceptorID string) {
	e.setInterface(initiatorID, riConnecting)
	e.setInterface(acceptorID, riAccepting)
	e.afterPart(connectingPart, func() {
		e.setInterface(initiatorID, riActivating)
		e.setInterface(acceptorID, riActivating)
		e.afterPart(wholeTransition-connectingPart, func() {
			at := e.now
			e.activate(initiatorID, at)
			e.afterPart(acceptorLagPart, func() { e.activate(acceptorID, at) })
		})
	})
}

func (e *Engine) activate(id string, connected time.Time) {
	e.interfaces.update(e.now, id, func(r *RouterInterface) {
		r.Status, r.Connected, r.Modified = riActive, connected, e.now
	})
}

func (e *Engine) setInterface(id, status string) {
	e.interfaces.update(e.now, id, func(r *RouterInterface) { r.Status, r.Modified = status, e.now })
}

func (e *Engine) apiActivateRouterInterface(t *tx, p *interfaceParams) (*Answer, error) {
	return e.shift(t, p, riInactive, riActivating, riActive, reactivatingPart)
}

func (e *Engine) apiDeactivateRouterInterface(t *tx, p *interfaceParams) (*Answer, error) {
	return e.shift(t, p, riActive, riDeactivating, riInactive, deactivatingPart)
}

// shift moves one side from one state over another to a third.
func (e *Engine) shift(t *tx, p *interfaceParams, from, over, to string, part float64) (*Answer, error) {
	r, err := e.findInterface(t, latest, p.RouterInterfaceId)
	switch {
	case err != nil:
		return nil, err
	case r.BusinessStatus == "FinancialLocked":
		return nil, errLocked
	case r.Status != from:
		return nil, e.errInterfaceStatus(r)
	}
	e.setInterface(r.ID, over)
	e.afterPart(part, func() { e.setInterface(r.ID, to) })
	return &Answer{}, nil
}

type deleteInterfaceParams struct {
	interfaceParams
	ClientToken string
}

func (e *Engine) apiDeleteRouterInterface(t *tx, p *deleteInterfaceParams) (*Answer, error) {
	r, err := e.findInterface(t, latest, p.RouterInterfaceId)
	switch {
	case err != nil:
		return nil, &Error{404, "InvalidInstanceId.NotFound", "The specified router interface does not exist."}
	case strings.EqualFold(r.ChargeType, "Prepaid"):
		return nil, &Error{500, "InvalidRouterInterfaceChargeType.Malformed", "A prepaid router interface cannot be deleted."}
	case r.Status != riIdle && r.Status != riInactive:
		return nil, &Error{400, "IncorrectStatus", "The router interface is " + r.Status + ": only an Idle or Inactive one can be deleted."}
	}
	refers := e.routeEntries.list(latest, func(o RouteEntry) bool {
		for _, h := range o.NextHops {
			if h.ID == r.ID {
				return true
			}
		}
		return false
	})
	if len(refers) > 0 {
		return nil, &Error{400, "DependencyViolation.RouterInterfaceReferedByRouteEntry", "The router interface is referred to by a route entry."} // spelt so
	}
	e.setInterface(r.ID, riDeleting)
	e.afterPart(interfaceGonePart, func() { e.interfaces.remove(e.now, r.ID) })
	return &Answer{}, nil
}

type modifySpecParams struct {
	interfaceParams
	Spec        string `api:",required"`
	ClientToken string
}

type modifySpecAnswer struct {
	Answer
	Spec string
}

func (e *Engine) apiModifyRouterInterfaceSpec(t *tx, p *modifySpecParams) (*modifySpecAnswer, error) {
	r, err := e.findInterface(t, latest, p.RouterInterfaceId)
	switch {
	case err != nil:
		return nil, err
	case r.BusinessStatus == "FinancialLocked":
		return nil, errLocked
	case r.Role != "InitiatingSide":
		return nil, &Error{400, "LinkRole.NotSupport", "This linkrole is not supported"}
	case Specs[p.Spec] == 0:
		return nil, errSpec
	case r.Status != riActive && r.Status != riIdle:
		return nil, &Error{400, "InvalidInstance.StatusError", "The status of the router interface does not allow this operation."}
	}
	settled := r.Status
	e.interfaces.update(t.now, r.ID, func(r *RouterInterface) { r.Spec, r.Modified = p.Spec, t.now })
	if settled == riActive {
		e.setInterface(r.ID, riModifying)
		e.afterPart(reactivatingPart, func() { e.setInterface(r.ID, settled) })
	}
	return &modifySpecAnswer{Spec: p.Spec}, nil
}

// interfaceActions' limits are those of the published quota page.
func interfaceActions() []Action {
	return []Action{
		write(vpcProduct, "CreateRouterInterface", 300, (*Engine).apiCreateRouterInterface),
		write(vpcProduct, "ModifyRouterInterfaceAttribute", 300, (*Engine).apiModifyRouterInterface),
		write(vpcProduct, "ConnectRouterInterface", 300, (*Engine).apiConnectRouterInterface),
		write(vpcProduct, "ActivateRouterInterface", 300, (*Engine).apiActivateRouterInterface),
		write(vpcProduct, "DeactivateRouterInterface", 300, (*Engine).apiDeactivateRouterInterface),
		write(vpcProduct, "DeleteRouterInterface", 300, (*Engine).apiDeleteRouterInterface),
		write(vpcProduct, "ModifyRouterInterfaceSpec", 300, (*Engine).apiModifyRouterInterfaceSpec),
	}
}
