package engine

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Instance is a virtual machine with one network interface. The slices of
// these values must not be changed by those who read them.
type Instance struct {
	ID, RegionID, ZoneID, VpcID, VSwitchID string
	Name, HostName, Description            string
	InterfaceID                            string // of its primary network interface: eni-…
	PrivateIP                              netip.Addr
	SecurityGroupIDs                       []string
	Status                                 string
	ImageID, InstanceType                  string
	Created, Started                       time.Time
	DeletionProtection                     bool
	ResourceGroupID                        string
	Tags                                   []Tag
	Guest                                  GuestFacts
}

// The states of an instance.
const (
	InstancePending  = "Pending"
	InstanceStarting = "Starting"
	InstanceRunning  = "Running"
	InstanceStopping = "Stopping"
	InstanceStopped  = "Stopped"
)

// How long an instance's states take, as parts of Options.Transition.
const (
	pendingPart  = 0.1
	startingPart = 0.3
	stoppingPart = 0.3
)

var errInstanceStatus = &Error{403, "IncorrectInstanceStatus", "The current status of the resource does not support this operation."}

func (e *Engine) findInstance(t *tx, asOf time.Time, id string) (Instance, *Error) {
	i, ok := e.instances.get(asOf, id)
	if !ok || !t.inRegion(i.RegionID) {
		return Instance{}, &Error{404, "InvalidInstanceId.NotFound", "The specified InstanceId does not exist."}
	}
	return i, nil
}

// assignable reports whether an address of a vSwitch's block may be an
// instance's.
func assignable(block netip.Prefix, a netip.Addr) bool {
	if !block.Contains(a) || a == block.Masked().Addr() {
		return false
	}
	for range 3 {
		if a = a.Next(); !block.Contains(a) {
			return false
		}
	}
	return true
}

type runInstancesParams struct {
	RegionId           string `api:",required"`
	Amount             int
	ClientToken        string
	DeletionProtection bool
	Description        string
	DryRun             bool
	HostName           string
	ImageId            string
	InstanceChargeType string
	InstanceName       string
	InstanceType       string
	MinAmount          int
	Password           string
	PrivateIpAddress   string
	ResourceGroupId    string
	SecurityGroupId    string
	SecurityGroupIds   []string `api:",max=5"`
	SystemDiskCategory string   `api:"SystemDisk.Category"`
	SystemDiskSize     string   `api:"SystemDisk.Size"`
	Tag                []Tag    `api:",max=20"`
	VSwitchId          string
	ZoneId             string
}

type runInstancesAnswer struct {
	Answer
	OrderId        string
	TradePrice     float64
	InstanceIdSets struct{ InstanceIdSet []string }
}

func (e *Engine) apiRunInstances(t *tx, p *runInstancesParams) (*runInstancesAnswer, error) {
	groups := p.SecurityGroupIds
	if p.SecurityGroupId != "" {
		groups = append(groups, p.SecurityGroupId)
	}
	for _, needed := range [][2]string{{"VSwitchId", p.VSwitchId}, {"ImageId", p.ImageId}, {"InstanceType", p.InstanceType}} {
		if needed[1] == "" {
			return nil, errMissing(needed[0])
		}
	}
	if len(groups) == 0 {
		return nil, errMissing("SecurityGroupId")
	}
	s, ok := e.vSwitches.get(latest, p.VSwitchId)
	switch {
	case !ok || s.RegionID != t.region:
		return nil, &Error{404, "InvalidVSwitchId.NotFound", "Specified vSwitch does not exist."}
	case s.Status != StatusAvailable:
		return nil, &Error{400, "IncorrectVSwitchStatus", "The current status of virtual switch does not support this operation."}
	case p.ZoneId != "" && p.ZoneId != s.ZoneID:
		return nil, &Error{400, "InvalidParameter.Mismatch", "Specified virtual switch is not in the specified zone."}
	case p.InstanceChargeType != "" && p.InstanceChargeType != "PostPaid":
		return nil, unsupported("instances that are not PostPaid")
	}
	if err := e.checkGroups(s.VpcID, groups); err != nil {
		return nil, err
	}
	if err := checkTags(p.Tag); err != nil {
		return nil, err
	}
	amount := orInt(p.Amount, 1)
	if amount < 1 || amount > 100 {
		return nil, &Error{400, "InvalidMaxAmount.Malformed", "The specified parameter MaxAmount is not valid."}
	}
	addresses, err := e.chooseAddresses(s, p.PrivateIpAddress, amount, orInt(p.MinAmount, amount))
	if err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	answer := &runInstancesAnswer{}
	answer.InstanceIdSets.InstanceIdSet = []string{}
	for _, address := range addresses {
		i := Instance{
			ID: e.newID("i"), RegionID: t.region, ZoneID: s.ZoneID, VpcID: s.VpcID, VSwitchID: s.ID,
			Name: p.InstanceName, HostName: p.HostName, Description: p.Description, InterfaceID: e.newID("eni"),
			PrivateIP: address, SecurityGroupIDs: groups, Status: InstancePending, ImageID: p.ImageId, InstanceType: p.InstanceType,
			Created: t.now, DeletionProtection: p.DeletionProtection, Tags: p.Tag,
			ResourceGroupID: orDefault(p.ResourceGroupId, e.defaultResourceGroup()),
			// An image of the cloud's own has the agent.
			Guest: GuestFacts{OS: osOfImage(p.ImageId), AgentOnline: true},
		}
		i.nameDefaults()
		e.instances.put(t.now, i.ID, i)
		e.afterPart(pendingPart, func() { e.step(i.ID, InstancePending, InstanceStarting) })
		e.afterPart(pendingPart+startingPart, func() { e.step(i.ID, InstanceStarting, InstanceRunning) })
		answer.InstanceIdSets.InstanceIdSet = append(answer.InstanceIdSets.InstanceIdSet, i.ID)
	}
	return answer, nil
}

// osOfImage tells a Windows image from the others by its id, as the ids of
// public images allow.
func osOfImage(imageID string) string {
	if strings.HasPrefix(imageID, "win") {
		return "windows"
	}
	return "linux"
}

func (i *Instance) nameDefaults() {
	i.HostName = orDefault(i.HostName, "iZ"+strings.TrimPrefix(i.ID, "i-")+"Z")
	i.Name = orDefault(i.Name, i.HostName)
}

// checkGroups holds that groups exist in a VPC and are of one type.
func (e *Engine) checkGroups(vpcID string, ids []string) *Error {
	types := map[string]bool{}
	for _, id := range ids {
		g, ok := e.groups.get(latest, id)
		switch {
		case !ok:
			return &Error{400, "InvalidSecurityGroupId.NotFound", "The SecurityGroupId provided does not exist in our records."}
		case g.VpcID != vpcID:
			return &Error{400, "InvalidParameter.Mismatch", "Specified security group and virtual switch are not in the same VPC."}
		}
		types[g.Type] = true
	}
	if len(types) > 1 {
		return &Error{403, "InvalidOperation.InvalidSecurityGroupType", "An instance cannot be in groups of different types."}
	}
	return nil
}

// chooseAddresses returns an address for each new instance: the one that was
// asked for, or free ones, at least as many as least.
func (e *Engine) chooseAddresses(s VSwitch, asked string, amount, least int) ([]netip.Addr, *Error) {
	if asked != "" {
		a, err := netip.ParseAddr(asked)
		switch {
		case err != nil || amount > 1:
			return nil, &Error{400, "InvalidPrivateIpAddress.Malformed", "The specified parameter PrivateIpAddress is not valid."}
		case !assignable(s.Block, a):
			return nil, &Error{400, "InvalidPrivateIpAddress", "Specified private IP address is not in the CIDR block of virtual switch."}
		case len(e.instances.list(latest, func(i Instance) bool { return i.VSwitchID == s.ID && i.PrivateIP == a })) > 0:
			return nil, &Error{400, "InvalidPrivateIpAddress.Duplicated", "Specified private IP address is duplicated."}
		}
		return []netip.Addr{a}, nil
	}
	used := map[netip.Addr]bool{}
	for _, i := range e.instances.list(latest, func(i Instance) bool { return i.VSwitchID == s.ID }) {
		used[i.PrivateIP] = true
	}
	var out []netip.Addr
	for a := s.Block.Masked().Addr().Next(); len(out) < amount && assignable(s.Block, a); a = a.Next() {
		if !used[a] {
			out = append(out, a)
		}
	}
	if len(out) < least {
		return nil, &Error{400, "QuotaExceeded.PrivateIpAddress", "Don't have enough private IPs in this switch"}
	}
	return out, nil
}

// step moves an instance on, if it is still where the step starts.
func (e *Engine) step(id, from, to string) {
	e.instances.update(e.now, id, func(i *Instance) {
		if i.Status != from {
			return
		}
		i.Status = to
		if to == InstanceRunning {
			i.Started = e.now
		}
	})
}

type instanceParams struct {
	RegionId      string
	InstanceId    string `api:",required"`
	DryRun        bool
	InitLocalDisk bool `ecs:"refused"`
}

type stopInstanceParams struct {
	RegionId    string
	InstanceId  string `api:",required"`
	ConfirmStop bool
	DryRun      bool
	ForceStop   bool
	Hibernate   bool `ecs:"refused"`
	StoppedMode string
}

type deleteInstanceParams struct {
	RegionId              string
	InstanceId            string `api:",required"`
	DryRun                bool
	Force                 bool
	TerminateSubscription bool
}

func (e *Engine) apiStartInstance(t *tx, p *instanceParams) (*Answer, error) {
	i, err := e.findInstance(t, latest, p.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case i.Status != InstanceStopped:
		return nil, errInstanceStatus
	case p.DryRun:
		return nil, errDryRun
	}
	e.step(i.ID, InstanceStopped, InstanceStarting)
	e.afterPart(startingPart, func() { e.step(i.ID, InstanceStarting, InstanceRunning) })
	return &Answer{}, nil
}

func (e *Engine) apiStopInstance(t *tx, p *stopInstanceParams) (*Answer, error) {
	i, err := e.findInstance(t, latest, p.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case i.Status != InstanceRunning:
		return nil, errInstanceStatus
	case p.DryRun:
		return nil, errDryRun
	}
	e.step(i.ID, InstanceRunning, InstanceStopping)
	e.afterPart(stoppingPart, func() { e.step(i.ID, InstanceStopping, InstanceStopped) })
	e.interrupt(i.ID, "InstanceNotRunning")
	return &Answer{}, nil
}

func (e *Engine) apiDeleteInstance(t *tx, p *deleteInstanceParams) (*Answer, error) {
	i, err := e.findInstance(t, latest, p.InstanceId)
	if err != nil {
		return nil, err
	}
	routes := e.routeEntries.list(latest, func(r RouteEntry) bool {
		return slices.ContainsFunc(r.NextHops, func(h NextHop) bool { return h.ID == i.ID })
	})
	switch {
	case i.DeletionProtection:
		return nil, &Error{403, "InvalidOperation.DeletionProtection", "The instance is protected from deletion."}
	case len(routes) > 0:
		return nil, &Error{400, "DependencyViolation.RouteEntry", "Specified instance is used by route entry."}
	case i.Status == InstancePending || i.Status == InstanceStarting:
		return nil, &Error{403, "IncorrectInstanceStatus.Initializing", "The specified instance status does not support this operation."}
	case i.Status != InstanceStopped && !p.Force:
		return nil, errInstanceStatus
	case p.DryRun:
		return nil, errDryRun
	}
	e.instances.remove(t.now, i.ID)
	e.interrupt(i.ID, "InstanceReleased")
	return &Answer{}, nil
}

func ecsInstanceActions() []Action {
	return []Action{
		ecsWrite("RunInstances", (*Engine).apiRunInstances),
		ecsWrite("StartInstance", (*Engine).apiStartInstance),
		ecsWrite("StopInstance", (*Engine).apiStopInstance),
		ecsWrite("DeleteInstance", (*Engine).apiDeleteInstance),
		ecsRead("DescribeInstances", (*Engine).apiDescribeInstances),
	}
}
