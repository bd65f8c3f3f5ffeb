package alicloud

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"

	"vpcinterconnect/shared/interconnect"
)

// MaxRuleBatch is how many rules Authorize and Revoke take at once.
const MaxRuleBatch = 100

// nicType says that rules are about private addresses, as all rules of groups
// in VPCs are. Unsaid, the describing API once meant the internet.
const nicType = "intranet"

// SecurityGroup returns a group without its rules. The error's class is Gone
// if the region has none of this id.
func (c *Cloud) SecurityGroup(ctx context.Context, region, id string) (*interconnect.GroupFacts, error) {
	req, resp := ecs.CreateDescribeSecurityGroupsRequest(), ecs.CreateDescribeSecurityGroupsResponse()
	req.SecurityGroupId = id
	if err := c.read(ctx, region, req, resp); err != nil {
		return nil, err
	}
	for i := range resp.SecurityGroups.SecurityGroup {
		if g := &resp.SecurityGroups.SecurityGroup[i]; g.SecurityGroupId == id {
			facts, err := toGroup(g)
			if err != nil {
				return nil, c.malformed(req, resp, err)
			}
			return &facts, nil
		}
	}
	return nil, c.absent(req, resp, "security group "+id)
}

// SecurityGroups returns the groups of a VPC without their rules.
func (c *Reader) SecurityGroups(ctx context.Context, region, vpcID string) ([]interconnect.GroupFacts, error) {
	if vpcID == "" {
		return nil, refused("DescribeSecurityGroups", "no VPC given")
	}
	return c.securityGroups(ctx, region, vpcID)
}

// securityGroups returns the groups of a VPC, or, of "", the region's.
func (c *Reader) securityGroups(ctx context.Context, region, vpcID string) ([]interconnect.GroupFacts, error) {
	return byToken("DescribeSecurityGroups", func(token string) ([]interconnect.GroupFacts, string, error) {
		req, resp := ecs.CreateDescribeSecurityGroupsRequest(), ecs.CreateDescribeSecurityGroupsResponse()
		req.VpcId = vpcID
		req.MaxResults, req.NextToken = requests.NewInteger(100), token
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, "", err
		}
		items, err := each(resp.SecurityGroups.SecurityGroup, toGroup)
		if err != nil {
			return nil, "", c.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
}

func toGroup(g *ecs.SecurityGroup) (interconnect.GroupFacts, error) {
	return interconnect.GroupFacts{
		ID:             g.SecurityGroupId,
		VpcID:          g.VpcId,
		Advanced:       g.SecurityGroupType == "enterprise",
		ServiceManaged: g.ServiceManaged,
		RuleCount:      g.RuleCount,
	}, need("SecurityGroupId", g.SecurityGroupId)
}

// Rules returns a group's rules, in both directions.
func (c *Reader) Rules(ctx context.Context, region, groupID string) ([]interconnect.Rule, error) {
	rules, _, err := c.GroupRules(ctx, region, groupID)
	return rules, err
}

// GroupRules returns a group's rules, in both directions, and whether its
// members are kept from each other unless a rule lets them.
func (c *Reader) GroupRules(ctx context.Context, region, groupID string) (rules []interconnect.Rule, isolated bool, err error) {
	rules, err = byToken("DescribeSecurityGroupAttribute", func(token string) ([]interconnect.Rule, string, error) {
		req, resp := ecs.CreateDescribeSecurityGroupAttributeRequest(), ecs.CreateDescribeSecurityGroupAttributeResponse()
		req.SecurityGroupId = groupID
		req.NicType, req.Direction = nicType, "all"
		req.MaxResults, req.NextToken = requests.NewInteger(500), token
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, "", err
		}
		isolated = strings.EqualFold(resp.InnerAccessPolicy, "Drop")
		items, err := each(resp.Permissions.Permission, func(p *ecs.Permission) (interconnect.Rule, error) {
			return toRule(groupID, p)
		})
		if err != nil {
			return nil, "", c.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
	return rules, isolated, err
}

func toRule(groupID string, p *ecs.Permission) (interconnect.Rule, error) {
	r := interconnect.Rule{
		ID:          p.SecurityGroupRuleId,
		GroupID:     groupID,
		Direction:   interconnect.Direction(strings.ToLower(p.Direction)),
		Protocol:    strings.ToUpper(p.IpProtocol),
		PortRange:   p.PortRange,
		Policy:      strings.ToLower(p.Policy),
		Description: p.Description,
	}
	if err := need("Direction", p.Direction, "IpProtocol", p.IpProtocol, "PortRange", p.PortRange, "Policy", p.Policy); err != nil {
		return r, err
	}
	var err error
	if r.Priority, err = strconv.Atoi(p.Priority); err != nil {
		return r, fmt.Errorf("%.20q is not a priority", p.Priority)
	}
	own, block, group, list, block6 := p.DestCidrIp, p.SourceCidrIp, p.SourceGroupId, p.SourcePrefixListId, p.Ipv6SourceCidrIp
	switch r.Direction {
	case interconnect.Ingress:
	case interconnect.Egress:
		own, block, group, list, block6 = p.SourceCidrIp, p.DestCidrIp, p.DestGroupId, p.DestPrefixListId, p.Ipv6DestCidrIp
	default:
		return r, fmt.Errorf("%.20q is not a direction", p.Direction)
	}
	if block != "" { // given more than one, the cloud heeds the block
		if r.PeerBlock, err = parseBlock(block); err != nil {
			return r, err
		}
	} else {
		r.PeerGroupID = group
	}
	r.Narrow, err = narrow(p.SourcePortRange, own)
	if block == "" && group == "" {
		r.Narrow.PeerPrefixID, r.Narrow.PeerIPv6 = list, list == "" && block6 != ""
	}
	if r.Narrow != (interconnect.Narrow{}) {
		// It lets in less than its peer and ports say, or others. We never make
		// such a rule, and must not take it for one that suffices.
		r.Narrow.PeerBlock, r.Narrow.PeerGroupID = r.PeerBlock, r.PeerGroupID
		r.PeerBlock, r.PeerGroupID = netip.Prefix{}, ""
	}
	return r, err
}

// narrow reads what restricts a rule to source ports and to a part of its own
// end. What the cloud writes for no restriction is none.
func narrow(sourcePorts, own string) (n interconnect.Narrow, err error) {
	switch sourcePorts {
	case "", "-1/-1", "1/65535", "0/65535":
	default:
		n.SourcePorts = sourcePorts
	}
	if own != "" {
		if n.OwnBlock, err = parseBlock(own); err == nil && n.OwnBlock.Bits() == 0 {
			n.OwnBlock = netip.Prefix{}
		}
	}
	return n, err
}

// Authorize adds at most MaxRuleBatch rules to a group. It sends no client
// token: a rule that is there already is taken without a word and not added,
// so rules are to be read before and after.
func (c *Cloud) Authorize(ctx context.Context, region, groupID string, d interconnect.Direction, rules []interconnect.Rule) error {
	if d == interconnect.Egress {
		req := ecs.CreateAuthorizeSecurityGroupEgressRequest()
		if err := ruleBatch(req.GetActionName(), len(rules)); err != nil {
			return err
		}
		list := make([]ecs.AuthorizeSecurityGroupEgressPermissions, len(rules))
		for i, r := range rules {
			list[i] = ecs.AuthorizeSecurityGroupEgressPermissions{
				IpProtocol: r.Protocol, PortRange: r.PortRange, DestCidrIp: peerBlock(r), DestGroupId: r.PeerGroupID,
				Policy: policy(r), Priority: priority(r), NicType: nicType, Description: r.Description,
			}
		}
		req.SecurityGroupId, req.Permissions = groupID, &list
		return c.write(ctx, region, req, ecs.CreateAuthorizeSecurityGroupEgressResponse())
	}
	req := ecs.CreateAuthorizeSecurityGroupRequest()
	if err := ruleBatch(req.GetActionName(), len(rules)); err != nil {
		return err
	}
	list := make([]ecs.AuthorizeSecurityGroupPermissions, len(rules))
	for i, r := range rules {
		list[i] = ecs.AuthorizeSecurityGroupPermissions{
			IpProtocol: r.Protocol, PortRange: r.PortRange, SourceCidrIp: peerBlock(r), SourceGroupId: r.PeerGroupID,
			Policy: policy(r), Priority: priority(r), NicType: nicType, Description: r.Description,
		}
	}
	req.SecurityGroupId, req.Permissions = groupID, &list
	return c.write(ctx, region, req, ecs.CreateAuthorizeSecurityGroupResponse())
}

// Revoke removes at most MaxRuleBatch rules from a group, by id. The error's
// class is Gone if one of them is not there.
func (c *Cloud) Revoke(ctx context.Context, region, groupID string, d interconnect.Direction, ruleIDs []string) error {
	for _, id := range ruleIDs {
		if id == "" {
			return refused("RevokeSecurityGroup", "a rule has no id")
		}
	}
	if d == interconnect.Egress {
		req := ecs.CreateRevokeSecurityGroupEgressRequest()
		if err := ruleBatch(req.GetActionName(), len(ruleIDs)); err != nil {
			return err
		}
		req.SecurityGroupId, req.SecurityGroupRuleId = groupID, &ruleIDs
		return c.write(ctx, region, req, ecs.CreateRevokeSecurityGroupEgressResponse())
	}
	req := ecs.CreateRevokeSecurityGroupRequest()
	if err := ruleBatch(req.GetActionName(), len(ruleIDs)); err != nil {
		return err
	}
	req.SecurityGroupId, req.SecurityGroupRuleId = groupID, &ruleIDs
	return c.write(ctx, region, req, ecs.CreateRevokeSecurityGroupResponse())
}

func ruleBatch(action string, n int) error {
	switch {
	case n == 0:
		return refused(action, "no rule given")
	case n > MaxRuleBatch:
		return refused(action, fmt.Sprintf("%d rules, at most %d go into a call", n, MaxRuleBatch))
	}
	return nil
}

func peerBlock(r interconnect.Rule) string {
	if !r.PeerBlock.IsValid() {
		return ""
	}
	return r.PeerBlock.String()
}

func policy(r interconnect.Rule) string {
	if r.Policy == "" {
		return "accept"
	}
	return r.Policy
}

func priority(r interconnect.Rule) string {
	if r.Priority == 0 {
		return "1"
	}
	return strconv.Itoa(r.Priority)
}
