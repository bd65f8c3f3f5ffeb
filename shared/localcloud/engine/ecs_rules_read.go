package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

type describeGroupParams struct {
	RegionId        string `api:",required"`
	SecurityGroupId string `api:",required"`
	Attribute       string `ecs:"refused"`
	Direction       string
	MaxResults      int
	NextToken       string
	NicType         string
}

type describeGroupAnswer struct {
	Answer
	RegionId          string
	VpcId             string
	SecurityGroupId   string
	SecurityGroupName string
	Description       string
	InnerAccessPolicy string
	NextToken         string
	ReferencedInfo    struct {
		ReferencedPrefixListInfos struct{ ReferencedPrefixListInfo []referencedList }
	}
	Permissions struct{ Permission []permissionAnswer }
}

type referencedList struct{ PrefixListId, ProductProvider string }

type permissionAnswer struct {
	SecurityGroupRuleId     string
	Direction               string
	IpProtocol              string
	PortRange               string
	SourcePortRange         string
	Policy                  string
	Priority                string
	NicType                 string
	Description             string
	CreateTime              string
	SourceCidrIp            string
	Ipv6SourceCidrIp        string
	SourceGroupId           string
	SourceGroupName         string
	SourceGroupOwnerAccount string
	SourcePrefixListId      string
	SourcePrefixListName    string
	DestCidrIp              string
	Ipv6DestCidrIp          string
	DestGroupId             string
	DestGroupName           string
	DestGroupOwnerAccount   string
	DestPrefixListId        string
	DestPrefixListName      string
}

func (e *Engine) answerRule(asOf time.Time, r SecurityRule) permissionAnswer {
	a := permissionAnswer{
		SecurityGroupRuleId: r.ID, Direction: "ingress", IpProtocol: r.Protocol, PortRange: r.Ports.String(), Policy: "Accept",
		Priority: strconv.Itoa(r.Priority), NicType: "intranet", Description: r.Description, CreateTime: fmtTime(r.Created),
	}
	if r.Drop {
		a.Policy = "Drop"
	}
	if r.SourcePorts != AnyPort {
		a.SourcePortRange = r.SourcePorts.String()
	}
	theirs := [5]*string{&a.SourceCidrIp, &a.Ipv6SourceCidrIp, &a.SourceGroupId, &a.SourceGroupName, &a.SourceGroupOwnerAccount}
	ours := [2]*string{&a.DestCidrIp, &a.Ipv6DestCidrIp}
	if r.Egress {
		a.Direction = "egress"
		theirs = [5]*string{&a.DestCidrIp, &a.Ipv6DestCidrIp, &a.DestGroupId, &a.DestGroupName, &a.DestGroupOwnerAccount}
		ours = [2]*string{&a.SourceCidrIp, &a.Ipv6SourceCidrIp}
	}
	if r.Peer.IsValid() {
		*theirs[family(r.Peer)] = orDefault(r.PeerText, r.Peer.String())
	}
	if r.Own.IsValid() {
		*ours[family(r.Own)] = r.Own.String()
	}
	if r.PeerGroupID != "" {
		g, _ := e.groups.get(asOf, r.PeerGroupID)
		*theirs[2], *theirs[3], *theirs[4] = r.PeerGroupID, g.Name, e.opt.AccountID
	}
	return a
}

// family is 0 for IPv4, 1 for IPv6.
func family(p netip.Prefix) int {
	if p.Addr().Is6() {
		return 1
	}
	return 0
}

func (e *Engine) apiDescribeSecurityGroupAttribute(t *tx, p *describeGroupParams) (*describeGroupAnswer, error) {
	g, err := e.findGroup(t, t.seen, p.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	direction := orDefault(strings.ToLower(p.Direction), "all")
	if !slices.Contains([]string{"all", "ingress", "egress"}, direction) {
		return nil, &Error{400, "InvalidParameter", `The parameter "Direction" must be ingress, egress or all.`}
	}
	if p.NicType != "" && p.NicType != "intranet" && p.NicType != "internet" {
		return nil, &Error{400, "InvalidNicType.ValueNotSupported", "The specified NicType does not exist."}
	}
	if p.MaxResults != 0 && p.MaxResults < 10 {
		return nil, &Error{400, "InvalidParameter.MaxResults", "The specified parameter MaxResults is not valid: 10 to 1000."}
	}
	var chosen []SecurityRule
	for _, r := range g.Rules {
		if direction == "all" || (direction == "egress") == r.Egress {
			chosen = append(chosen, r)
		}
	}
	cut, perr := paginate(chosen, ecsPaging{MaxResults: orInt(p.MaxResults, 500), NextToken: p.NextToken}, 500, 1000)
	if perr != nil {
		return nil, perr
	}
	a := &describeGroupAnswer{
		RegionId: g.RegionID, VpcId: g.VpcID, SecurityGroupId: g.ID, SecurityGroupName: g.Name,
		Description: g.Description, InnerAccessPolicy: g.innerPolicy(), NextToken: cut.next,
	}
	a.ReferencedInfo.ReferencedPrefixListInfos.ReferencedPrefixListInfo = []referencedList{}
	a.Permissions.Permission = []permissionAnswer{}
	for _, r := range cut.items {
		a.Permissions.Permission = append(a.Permissions.Permission, e.answerRule(t.seen, r))
	}
	return a, nil
}
