package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SecurityRule is one rule of a security group.
type SecurityRule struct {
	ID          string
	Egress      bool
	Protocol    string // TCP, UDP, ICMP, ICMPv6, GRE, ALL
	Ports       PortRange
	SourcePorts PortRange // AnyPort unless narrowed
	Drop        bool      // policy Drop; else Accept
	Priority    int       // 1 to 100; the smaller wins
	Peer        netip.Prefix
	PeerText    string       // Peer as it was sent
	PeerGroupID string       // the other group, instead of Peer
	Own         netip.Prefix // narrows to a part of the group's own side; invalid: all
	Description string
	Created     time.Time
}

// PortRange is a range of ports, both ends in it; AnyPort is all of them.
type PortRange struct{ From, To int }

// AnyPort is -1/-1: every port, or a protocol that has none.
var AnyPort = PortRange{-1, -1}

func (r PortRange) String() string { return strconv.Itoa(r.From) + "/" + strconv.Itoa(r.To) }

// Has reports whether the range contains a port.
func (r PortRange) Has(port int) bool { return r == AnyPort || r.From <= port && port <= r.To }

// ParsePortRange reads "5432/5432" or "-1/-1".
func ParsePortRange(s string) (PortRange, bool) {
	if s == "-1/-1" {
		return AnyPort, true
	}
	a, b, ok := strings.Cut(s, "/")
	from, err1 := strconv.Atoi(a)
	to, err2 := strconv.Atoi(b)
	if !ok || err1 != nil || err2 != nil || from < 1 || to > 65535 || from > to {
		return PortRange{}, false
	}
	return PortRange{from, to}, true
}

// same reports whether two rules are one to the cloud: what they let in or keep
// out is equal, whatever their ids and descriptions. Whether the priority
// belongs to a rule's identity is UNCONFIRMED, hence the switch.
func (r SecurityRule) same(o SecurityRule, s Switches) bool {
	return r.Egress == o.Egress && r.Protocol == o.Protocol && r.Ports == o.Ports && r.SourcePorts == o.SourcePorts &&
		r.Drop == o.Drop && r.Peer == o.Peer && r.PeerGroupID == o.PeerGroupID && r.Own == o.Own &&
		(r.Priority == o.Priority || s.RuleIdentityWithoutPriority)
}

// permission is a rule as a request describes it. The ingress and the egress
// actions name the peer differently; each side's fields are in its own struct.
type permission struct {
	Policy           string
	Priority         string
	IpProtocol       string
	PortRange        string
	SourcePortRange  string
	NicType          string
	Description      string
	SourceCidrIp     string
	DestCidrIp       string
	Ipv6SourceCidrIp string
	Ipv6DestCidrIp   string
}

type ingressPermission struct {
	permission
	SourceGroupId           string
	SourceGroupOwnerAccount string
	SourceGroupOwnerId      string
	SourcePrefixListId      string
}

type egressPermission struct {
	permission
	DestGroupId           string
	DestGroupOwnerAccount string
	DestGroupOwnerId      string
	DestPrefixListId      string
}

// peer is the other side of a permission, whichever direction it has.
type peer struct {
	cidr, cidr6, group, prefixList string
	owners                         [2]string // of the group: id, and account as answers give it
	own, own6                      string
	parameter                      string // what the names of its parameters begin with
}

func (p ingressPermission) peer() peer {
	return peer{p.SourceCidrIp, p.Ipv6SourceCidrIp, p.SourceGroupId, p.SourcePrefixListId, [2]string{p.SourceGroupOwnerId, p.SourceGroupOwnerAccount}, p.DestCidrIp, p.Ipv6DestCidrIp, "Source"}
}

func (p egressPermission) peer() peer {
	return peer{p.DestCidrIp, p.Ipv6DestCidrIp, p.DestGroupId, p.DestPrefixListId, [2]string{p.DestGroupOwnerId, p.DestGroupOwnerAccount}, p.SourceCidrIp, p.Ipv6SourceCidrIp, "Dest"}
}

// protocolHasPorts says of each protocol whether its port range is a real one.
var protocolHasPorts = map[string]bool{"TCP": true, "UDP": true, "ICMP": false, "ICMPV6": false, "GRE": false, "ALL": false}

// rule checks a permission for a group and returns the rule it describes.
func (e *Engine) rule(g SecurityGroup, egress bool, p permission, other peer) (SecurityRule, *Error) {
	r := SecurityRule{Egress: egress, Protocol: strings.ToUpper(p.IpProtocol), SourcePorts: AnyPort, Priority: 1, Description: p.Description}
	hasPorts, known := protocolHasPorts[r.Protocol]
	if !known {
		return r, &Error{400, "InvalidIpProtocol.ValueNotSupported", "The parameter IpProtocol must be specified with case insensitive TCP, UDP, ICMP, GRE or All."}
	}
	var ok bool
	if r.Ports, ok = ParsePortRange(p.PortRange); !ok {
		return r, &Error{400, "InvalidIpProtocol.Malformed", `The specified parameter "PortRange" is not valid.`}
	}
	if hasPorts == (r.Ports == AnyPort) {
		return r, &Error{400, "OperationDenied", "The specified IpProtocol does not exist or IpProtocol and PortRange do not match."}
	}
	if p.SourcePortRange != "" {
		if r.SourcePorts, ok = ParsePortRange(p.SourcePortRange); !ok {
			return r, &Error{400, "InvalidSourcePortRange.Malformed", `The specified parameter "SourcePortRange" is not valid.`}
		}
	}
	switch strings.ToLower(p.Policy) {
	case "", "accept":
	case "drop":
		r.Drop = true
	default:
		return r, &Error{400, "InvalidPolicy.Malformed", `The specified parameter "Policy" is not valid.`}
	}
	if p.Priority != "" {
		n, err := strconv.Atoi(p.Priority)
		if err != nil {
			return r, &Error{400, "InvalidPriority.Malformed", "The parameter Priority is invalid."}
		}
		if n < 1 || n > 100 {
			return r, &Error{400, "InvalidPriority.ValueNotSupported", "The parameter Priority is invalid."}
		}
		r.Priority = n
	}
	if p.NicType != "" && p.NicType != "intranet" {
		return r, &Error{400, "InvalidNicType.ValueNotSupported", "The specified NicType is not valid: of a VPC's groups it is intranet."}
	}
	if !goodText(p.Description, 1, 512) {
		return r, &Error{400, "InvalidSecurityGroupDiscription.Malformed", "The specified security group rule description is not valid."}
	}
	return r, e.rulePeer(g, &r, other)
}

// rulePeer fills in the rule's other side: a CIDR block, or another group if
// there is no block.
func (e *Engine) rulePeer(g SecurityGroup, r *SecurityRule, o peer) *Error {
	malformed := &Error{400, "Invalid" + o.parameter + "CidrIp.Malformed", fmt.Sprintf("The specified parameter %q is not valid.", o.parameter+"CidrIp")}
	var ok bool
	switch {
	case o.prefixList != "":
		return &Error{404, "InvalidPrefixListId.NotFound", "The specified prefix list does not exist: this cloud has none."}
	case o.cidr != "":
		if r.Peer, ok = parseBlock(o.cidr); !ok || !r.Peer.Addr().Is4() {
			return malformed
		}
		r.PeerText = o.cidr
	case o.cidr6 != "":
		if r.Peer, ok = parseBlock(o.cidr6); !ok || !r.Peer.Addr().Is6() {
			return &Error{400, "InvalidParam.Ipv6" + o.parameter + "CidrIp", "The specified IPv6 block is not valid."}
		}
		r.PeerText = o.cidr6
	case o.group != "":
		if err := e.checkPeerGroup(g, o); err != nil {
			return err
		}
		r.PeerGroupID = o.group
	default:
		return &Error{400, "MissingParameter." + o.parameter, fmt.Sprintf("Either %[1]sCidrIp or %[1]sGroupId must be specified.", o.parameter)}
	}
	if err := checkFamily(*r); err != nil {
		return err
	}
	if own := orDefault(o.own, o.own6); own != "" {
		if r.Own, ok = parseBlock(own); !ok {
			return &Error{400, "InvalidDestCidrIp.Malformed", "The specified parameter DestCidrIp is not valid."}
		}
		if r.Own == r.Peer {
			return &Error{400, "InvalidParamter.Conflict", "The specified SourceCidrIp should be different from the DestCidrIp."}
		}
	}
	return nil
}

func checkFamily(r SecurityRule) *Error {
	six := r.Peer.IsValid() && r.Peer.Addr().Is6()
	switch {
	case r.Protocol == "ICMP" && six:
		return &Error{400, "InvalidParam.Ipv4ProtocolConflictWithIpv6Address", "ICMP is of IPv4; the address is of IPv6."}
	case r.Protocol == "ICMPV6" && r.Peer.IsValid() && !six:
		return &Error{400, "InvalidParam.Ipv6ProtocolConflictWithIpv4Address", "ICMPv6 is of IPv6; the address is of IPv4."}
	}
	return nil
}

func (e *Engine) checkPeerGroup(g SecurityGroup, o peer) *Error {
	other, ok := e.groups.get(latest, o.group)
	switch {
	case g.Type == GroupEnterprise:
		return &Error{403, "InvalidOperation.InvalidSecurityGroupType", "A rule of an advanced security group cannot name a security group."}
	case o.group == g.ID:
		return &Error{403, "InvalidParamter.Conflict", "The specified SecurityGroupId should be different from the SourceGroupId."}
	case !ok || other.RegionID != g.RegionID || !e.isOwner(o.owners):
		return &Error{404, "Invalid" + o.parameter + "GroupId.NotFound", fmt.Sprintf("The %sGroupId provided does not exist in our records.", o.parameter)}
	case other.VpcID != g.VpcID && !e.opt.Switches.GroupAcrossVPCsAllowed:
		return &Error{400, "Invalid" + o.parameter + "GroupId.Mismatch", "Specified security group and source group are not in the same VPC."}
	}
	return nil
}

// isOwner reports whether a rule's group, if it names an owner, is this
// account's; groups of other accounts this cloud does not have.
func (e *Engine) isOwner(named [2]string) bool {
	return !slices.ContainsFunc(named[:], func(s string) bool { return s != "" && s != e.opt.AccountID })
}

// The four edits take a list of permissions or, in the old form, one written
// flat; the revoking ones take rule ids too.

type authorizeParams struct {
	ingressPermission
	RegionId        string `api:",required"`
	SecurityGroupId string `api:",required"`
	ClientToken     string
	Permissions     []ingressPermission `api:",max=100"`
}

type revokeParams struct {
	authorizeParams
	SecurityGroupRuleId []string `api:",max=100"`
}

type authorizeEgressParams struct {
	egressPermission
	RegionId        string `api:",required"`
	SecurityGroupId string `api:",required"`
	ClientToken     string
	Permissions     []egressPermission `api:",max=100"`
}

type revokeEgressParams struct {
	authorizeEgressParams
	SecurityGroupRuleId []string `api:",max=100"`
}

// edit is one of the four calls, its direction and form taken away.
type edit struct {
	groupID string
	egress  bool
	rules   func(SecurityGroup) ([]SecurityRule, error)
	ids     []string
}

func (p *authorizeParams) edit(e *Engine) edit {
	return edit{groupID: p.SecurityGroupId, rules: func(g SecurityGroup) ([]SecurityRule, error) {
		return rulesOf(e, g, false, p.ingressPermission, p.Permissions)
	}}
}

func (p *authorizeEgressParams) edit(e *Engine) edit {
	return edit{groupID: p.SecurityGroupId, egress: true, rules: func(g SecurityGroup) ([]SecurityRule, error) {
		return rulesOf(e, g, true, p.egressPermission, p.Permissions)
	}}
}

type permissionForm interface {
	ingressPermission | egressPermission
	peer() peer
	base() permission
}

func (p permission) base() permission { return p }

func rulesOf[P permissionForm](e *Engine, g SecurityGroup, egress bool, flat P, list []P) ([]SecurityRule, error) {
	var zero P
	switch {
	case len(list) == 0:
		list = []P{flat}
	case flat != zero:
		return nil, unsupported("Permissions.N together with the deprecated flat parameters of one rule")
	}
	var out []SecurityRule
	for _, p := range list {
		r, err := e.rule(g, egress, p.base(), p.peer())
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// editableGroup returns the group of an edit.
func (e *Engine) editableGroup(t *tx, id string) (SecurityGroup, error) {
	g, err := e.findGroup(t, latest, id)
	switch {
	case err != nil:
		return g, err
	case g.ServiceManaged:
		return g, errServiceManaged
	}
	return g, nil
}

// authorize adds the rules that the group does not have; all or none. A rule
// that it has already is passed over in silence, its description not changed.
func (e *Engine) authorize(t *tx, call edit) (*Answer, error) {
	g, err := e.editableGroup(t, call.groupID)
	if err != nil {
		return nil, err
	}
	wanted, err := call.rules(g)
	if err != nil {
		return nil, err
	}
	rules := slices.Clone(g.Rules)
	for _, r := range wanted {
		if slices.ContainsFunc(rules, func(have SecurityRule) bool { return have.same(r, e.opt.Switches) }) {
			continue
		}
		r.ID, r.Created = e.newID("sgr"), t.now
		rules = append(rules, r)
	}
	if len(rules) > len(g.Rules) && (len(rules) > orInt(e.opt.Quotas.RulesPerSecurityGroup, 200) || namedGroups(rules) > groupsNamedPerGroup) {
		return nil, &Error{403, "AuthorizationLimitExceed", "The limit of authorization records in the security group reaches."}
	}
	e.groups.update(t.now, g.ID, func(g *SecurityGroup) { g.Rules = rules })
	return &Answer{}, nil
}

// groupsNamedPerGroup is how many other groups the rules of one may name.
const groupsNamedPerGroup = 20

func namedGroups(rules []SecurityRule) int {
	named := map[string]bool{}
	for _, r := range rules {
		if r.PeerGroupID != "" {
			named[r.PeerGroupID] = true
		}
	}
	return len(named)
}

// revoke removes rules: by id, each of which must be there; or by permission,
// where one that is not there is passed over in silence.
func (e *Engine) revoke(t *tx, call edit) (*Answer, error) {
	g, err := e.editableGroup(t, call.groupID)
	if err != nil {
		return nil, err
	}
	gone := func(r SecurityRule) bool { return slices.Contains(call.ids, r.ID) }
	if len(call.ids) > 0 {
		for _, id := range call.ids {
			if !slices.ContainsFunc(g.Rules, func(r SecurityRule) bool { return r.ID == id && r.Egress == call.egress }) {
				return nil, &Error{400, "InvalidParam.SecurityGroupRuleId", "The specified SecurityGroupRuleId does not exist: " + id + "."}
			}
		}
	} else {
		unwanted, err := call.rules(g)
		if err != nil {
			return nil, err
		}
		gone = func(r SecurityRule) bool {
			return slices.ContainsFunc(unwanted, func(u SecurityRule) bool { return r.same(u, e.opt.Switches) })
		}
	}
	e.groups.update(t.now, g.ID, func(g *SecurityGroup) { g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), gone) })
	return &Answer{}, nil
}

func (e *Engine) apiAuthorize(t *tx, p *authorizeParams) (*Answer, error) {
	return e.authorize(t, p.edit(e))
}

func (e *Engine) apiAuthorizeEgress(t *tx, p *authorizeEgressParams) (*Answer, error) {
	return e.authorize(t, p.edit(e))
}

func (e *Engine) apiRevoke(t *tx, p *revokeParams) (*Answer, error) {
	call := p.edit(e)
	call.ids = p.SecurityGroupRuleId
	return e.revoke(t, call)
}

func (e *Engine) apiRevokeEgress(t *tx, p *revokeEgressParams) (*Answer, error) {
	call := p.edit(e)
	call.ids = p.SecurityGroupRuleId
	return e.revoke(t, call)
}

func ecsRuleActions() []Action {
	return []Action{
		ecsWrite("AuthorizeSecurityGroup", (*Engine).apiAuthorize),
		ecsWrite("AuthorizeSecurityGroupEgress", (*Engine).apiAuthorizeEgress),
		ecsWrite("RevokeSecurityGroup", (*Engine).apiRevoke),
		ecsWrite("RevokeSecurityGroupEgress", (*Engine).apiRevokeEgress),
		ecsRead("DescribeSecurityGroupAttribute", (*Engine).apiDescribeSecurityGroupAttribute),
	}
}
