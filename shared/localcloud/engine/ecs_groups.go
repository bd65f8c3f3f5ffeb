package engine

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SecurityGroup is a security group of a VPC with its rules. The slices of
// these values must not be changed by those who read them.
type SecurityGroup struct {
	ID, RegionID, VpcID string
	Name, Description   string
	Type                string // normal, or enterprise: the "advanced" one
	Isolated            bool   // members do not reach each other (InnerAccessPolicy Drop); always so in an enterprise group
	ServiceManaged      bool   // another product's: its rules cannot be edited
	Created             time.Time
	ResourceGroupID     string
	Tags                []Tag
	Rules               []SecurityRule
}

// The two types of security group.
const (
	GroupNormal     = "normal"
	GroupEnterprise = "enterprise"
)

// innerPolicy is what members may do among themselves, in the API's words.
func (g SecurityGroup) innerPolicy() string {
	if g.Isolated || g.Type == GroupEnterprise {
		return "Drop"
	}
	return "Accept"
}

// findGroup returns a group of the caller's region.
func (e *Engine) findGroup(t *tx, asOf time.Time, id string) (SecurityGroup, *Error) {
	g, ok := e.groups.get(asOf, id)
	if !ok || !t.inRegion(g.RegionID) {
		return SecurityGroup{}, &Error{404, "InvalidSecurityGroupId.NotFound", "The specified SecurityGroupId does not exist."}
	}
	return g, nil
}

// members counts the instances in a group.
func (e *Engine) members(asOf time.Time, groupID string) int {
	return len(e.instances.list(asOf, func(i Instance) bool { return slices.Contains(i.SecurityGroupIDs, groupID) }))
}

type createGroupParams struct {
	RegionId          string `api:",required"`
	ClientToken       string
	Description       string
	ResourceGroupId   string
	SecurityGroupName string
	SecurityGroupType string
	ServiceManaged    bool        `ecs:"refused"`
	Tag               []ecsOldTag `api:",max=20"`
	VpcId             string
}

type createGroupAnswer struct {
	Answer
	SecurityGroupId string
}

func (e *Engine) apiCreateSecurityGroup(t *tx, p *createGroupParams) (*createGroupAnswer, error) {
	if p.VpcId == "" {
		return nil, &Error{403, "InvalidVpcId.NotFound", "vpc id must not empty when only support vpc vm."}
	}
	v, ok := e.vpcs.get(latest, p.VpcId)
	if !ok || v.RegionID != t.region {
		return nil, &Error{404, "InvalidVpcId.NotFound", "Specified VPC does not exist."}
	}
	if v.Status != StatusAvailable {
		return nil, &Error{400, "IncorrectVpcStatus", "Current VPC status does not support this operation."}
	}
	if !goodText(p.SecurityGroupName, 2, 128) {
		return nil, &Error{400, "InvalidSecurityGroupName.Malformed", "Specified security group name is not valid."}
	}
	if !goodText(p.Description, 2, 256) {
		return nil, &Error{400, "InvalidSecurityGroupDiscription.Malformed", "Specified security group description is not valid."}
	}
	typ := orDefault(p.SecurityGroupType, GroupNormal)
	if typ != GroupNormal && typ != GroupEnterprise {
		return nil, &Error{400, "InvalidParameter", `The parameter "SecurityGroupType" must be normal or enterprise.`}
	}
	tags, err := tagsOf(p.Tag)
	if err != nil {
		return nil, err
	}
	if len(e.groups.list(latest, func(g SecurityGroup) bool { return g.RegionID == t.region })) >= orInt(e.opt.Quotas.SecurityGroupsPerRegion, 100) {
		return nil, &Error{403, "QuotaExceed.SecurityGroup", "The maximum number of security groups is reached."}
	}
	id := e.newID("sg")
	e.groups.put(t.now, id, SecurityGroup{
		ID: id, RegionID: t.region, VpcID: v.ID, Name: p.SecurityGroupName, Description: p.Description, Type: typ,
		Created: t.now, ResourceGroupID: orDefault(p.ResourceGroupId, e.defaultResourceGroup()), Tags: tags,
	})
	return &createGroupAnswer{SecurityGroupId: id}, nil
}

type groupParams struct {
	RegionId        string `api:",required"`
	SecurityGroupId string `api:",required"`
}

func (e *Engine) apiDeleteSecurityGroup(t *tx, p *groupParams) (*Answer, error) {
	g, err := e.findGroup(t, latest, p.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	if g.ServiceManaged {
		return nil, errServiceManaged
	}
	if e.members(latest, g.ID) > 0 {
		return nil, &Error{403, "DependencyViolation", "There is still instance(s) in the specified security group."}
	}
	named := e.groups.list(latest, func(other SecurityGroup) bool {
		return other.ID != g.ID && slices.ContainsFunc(other.Rules, func(r SecurityRule) bool { return r.PeerGroupID == g.ID })
	})
	if len(named) > 0 {
		return nil, &Error{403, "DependencyViolation", "The specified security group has been authorized in another one."}
	}
	e.groups.remove(t.now, g.ID)
	return &Answer{}, nil
}

// errServiceManaged is what an edit of another product's group is answered.
var errServiceManaged = &Error{403, "InvalidOperation.ResourceManagedByCloudProduct", "The security group is managed by a cloud product and cannot be operated on."}

type membershipParams struct {
	RegionId           string
	InstanceId         string
	NetworkInterfaceId string `ecs:"refused"`
	SecurityGroupId    string `api:",required"`
}

// groupsPerInstance is how many groups the network interface of an instance
// may be in.
const groupsPerInstance = 5

func (e *Engine) membership(t *tx, p *membershipParams) (SecurityGroup, Instance, error) {
	g, err := e.findGroup(t, latest, p.SecurityGroupId)
	if err != nil {
		return g, Instance{}, err
	}
	i, err := e.findInstance(t, latest, p.InstanceId)
	if err != nil {
		return g, i, err
	}
	if i.Status != InstanceRunning && i.Status != InstanceStopped {
		return g, i, errInstanceStatus
	}
	return g, i, nil
}

func (e *Engine) apiJoinSecurityGroup(t *tx, p *membershipParams) (*Answer, error) {
	g, i, err := e.membership(t, p)
	if err != nil {
		return nil, err
	}
	switch {
	case g.VpcID != i.VpcID:
		return nil, &Error{400, "InvalidInstanceId.Mismatch", "Specified instance and security group are not in the same VPC."}
	case slices.Contains(i.SecurityGroupIDs, g.ID):
		return nil, &Error{403, "InvalidInstanceId.AlreadyExists", "The specified instance already exists in the specified security group."}
	case len(i.SecurityGroupIDs) >= groupsPerInstance:
		return nil, &Error{400, "InstanceSecurityGroupLimitExceeded", "Exceeding the allowed amount of security groups that an instance can be in."}
	}
	if first, ok := e.groups.get(latest, i.SecurityGroupIDs[0]); ok && first.Type != g.Type {
		return nil, &Error{403, "InvalidOperation.InvalidSecurityGroupType", "An instance cannot be in groups of different types."}
	}
	e.instances.update(t.now, i.ID, func(i *Instance) {
		i.SecurityGroupIDs = append(slices.Clone(i.SecurityGroupIDs), g.ID)
	})
	return &Answer{}, nil
}

func (e *Engine) apiLeaveSecurityGroup(t *tx, p *membershipParams) (*Answer, error) {
	g, i, err := e.membership(t, p)
	if err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(i.SecurityGroupIDs, g.ID):
		return nil, &Error{403, "InstanceNotInSecurityGroup", "The instance not in the group."}
	case len(i.SecurityGroupIDs) == 1:
		return nil, &Error{403, "InstanceLastSecurityGroup", "The specified security group is the last security group for the instance."}
	}
	e.instances.update(t.now, i.ID, func(i *Instance) {
		i.SecurityGroupIDs = slices.DeleteFunc(slices.Clone(i.SecurityGroupIDs), func(id string) bool { return id == g.ID })
	})
	return &Answer{}, nil
}

type describeGroupsParams struct {
	ecsPaging
	RegionId          string `api:",required"`
	DryRun            bool
	FuzzyQuery        bool
	IsQueryEcsCount   bool
	NetworkType       string
	ResourceGroupId   string
	SecurityGroupId   string
	SecurityGroupIds  string
	SecurityGroupName string
	SecurityGroupType string
	ServiceManaged    *bool
	Tag               []ecsOldTag `api:",max=20"`
	VpcId             string
}

type describeGroupsAnswer struct {
	Answer
	RegionId       string
	NextToken      string
	TotalCount     int
	PageNumber     int
	PageSize       int
	SecurityGroups struct{ SecurityGroup []groupAnswer }
}

type groupAnswer struct {
	SecurityGroupId         string
	SecurityGroupName       string
	Description             string
	SecurityGroupType       string
	VpcId                   string
	CreationTime            string
	EcsCount                int
	AvailableInstanceAmount int
	ResourceGroupId         string
	ServiceManaged          bool
	ServiceID               int64
	RuleCount               int
	GroupToGroupRuleCount   int
	Tags                    ecsTags
}

// idList reads a parameter that is a JSON array of at most 100 strings.
func idList(name, s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	var ids []string
	if err := json.Unmarshal([]byte(s), &ids); err != nil || len(ids) > 100 {
		return nil, &Error{400, "InvalidParameter", "The parameter " + strconv.Quote(name) + " must be a JSON array of at most 100 strings."}
	}
	return ids, nil
}

func (e *Engine) apiDescribeSecurityGroups(t *tx, p *describeGroupsParams) (*describeGroupsAnswer, error) {
	ids, err := idList("SecurityGroupIds", p.SecurityGroupIds)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(p.Tag)
	if err != nil {
		return nil, err
	}
	if p.NetworkType != "" && p.NetworkType != "vpc" && p.NetworkType != "classic" {
		return nil, &Error{400, "InvalidParameter", `The parameter "NetworkType" must be vpc or classic.`}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	named := func(g SecurityGroup) bool {
		if p.FuzzyQuery {
			return strings.Contains(g.Name, strings.Trim(p.SecurityGroupName, "*"))
		}
		return g.Name == p.SecurityGroupName
	}
	all := e.groups.list(t.seen, func(g SecurityGroup) bool {
		return g.RegionID == t.region &&
			(p.VpcId == "" || g.VpcID == p.VpcId) &&
			(p.SecurityGroupId == "" || g.ID == p.SecurityGroupId) &&
			(ids == nil || slices.Contains(ids, g.ID)) &&
			(p.SecurityGroupName == "" || named(g)) &&
			(p.SecurityGroupType == "" || g.Type == p.SecurityGroupType) &&
			(p.ResourceGroupId == "" || g.ResourceGroupID == p.ResourceGroupId) &&
			(p.ServiceManaged == nil || g.ServiceManaged == *p.ServiceManaged) &&
			p.NetworkType != "classic" && tagged(g.Tags, tags)
	})
	cut, err := paginate(all, p.ecsPaging, 10, 100)
	if err != nil {
		return nil, err
	}
	r := &describeGroupsAnswer{RegionId: t.region, NextToken: cut.next, TotalCount: cut.total, PageNumber: cut.number, PageSize: cut.size}
	r.SecurityGroups.SecurityGroup = []groupAnswer{}
	for _, g := range cut.items {
		a := groupAnswer{
			SecurityGroupId: g.ID, SecurityGroupName: g.Name, Description: g.Description, SecurityGroupType: g.Type,
			VpcId: g.VpcID, CreationTime: fmtTime(g.Created), ResourceGroupId: g.ResourceGroupID,
			ServiceManaged: g.ServiceManaged, RuleCount: len(g.Rules), GroupToGroupRuleCount: groupRules(g), Tags: answerTags(g.Tags),
		}
		if p.IsQueryEcsCount {
			a.EcsCount = e.members(t.seen, g.ID)
		}
		r.SecurityGroups.SecurityGroup = append(r.SecurityGroups.SecurityGroup, a)
	}
	return r, nil
}

// groupRules counts the rules that name another group.
func groupRules(g SecurityGroup) int {
	n := 0
	for _, r := range g.Rules {
		if r.PeerGroupID != "" {
			n++
		}
	}
	return n
}

func ecsGroupActions() []Action {
	return []Action{
		ecsWrite("CreateSecurityGroup", (*Engine).apiCreateSecurityGroup),
		ecsWrite("DeleteSecurityGroup", (*Engine).apiDeleteSecurityGroup),
		ecsWrite("JoinSecurityGroup", (*Engine).apiJoinSecurityGroup),
		ecsWrite("LeaveSecurityGroup", (*Engine).apiLeaveSecurityGroup),
		ecsRead("DescribeSecurityGroups", (*Engine).apiDescribeSecurityGroups),
	}
}
