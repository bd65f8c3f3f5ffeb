package engine

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

type createACLParams struct {
	RegionId       string `api:",required"`
	VpcId          string `api:",required"`
	NetworkAclName string
	Description    string
	ClientToken    string
	DryRun         bool
	Tag            []Tag
}

type ingressItem struct {
	NetworkAclEntryId, NetworkAclEntryName, Description, EntryType string
	Policy, Protocol, Port, SourceCidrIp, IpVersion                string
}

type egressItem struct {
	NetworkAclEntryId, NetworkAclEntryName, Description, EntryType string
	Policy, Protocol, Port, DestinationCidrIp, IpVersion           string
}

type aclResource struct{ ResourceId, ResourceType, Status string }

type aclItem struct {
	NetworkAclId      string
	NetworkAclName    string
	Description       string
	VpcId             string
	RegionId          string
	OwnerId           int64
	Status            string
	CreationTime      string
	IngressAclEntries struct{ IngressAclEntry []ingressItem }
	EgressAclEntries  struct{ EgressAclEntry []egressItem }
	Resources         struct{ Resource []aclResource }
	Tags              tagTag
}

type createACLAnswer struct {
	Answer
	NetworkAclId        string
	NetworkAclAttribute aclItem
}

func (e *Engine) apiCreateNetworkAcl(t *tx, p *createACLParams) (*createACLAnswer, error) {
	v, err := e.findVPC(t, latest, p.VpcId)
	if err != nil {
		return nil, err
	}
	if err := checkTexts(p.NetworkAclName, p.Description); err != nil {
		return nil, err
	}
	if p.DryRun {
		return nil, errDryRun
	}
	everything := func(name string) []ACLEntry {
		return []ACLEntry{{
			ID: e.newID("nae"), Name: name, Policy: "accept", Protocol: "all", Port: "-1/-1",
			Peer: netip.PrefixFrom(netip.IPv4Unspecified(), 0), EntryType: "custom",
		}}
	}
	a := NetworkACL{
		ID: e.newID("nacl"), RegionID: v.RegionID, VpcID: v.ID, Name: p.NetworkAclName, Description: p.Description,
		Status: StatusAvailable, Ingress: everything("all-in"), Egress: everything("all-out"), Created: t.now, Tags: p.Tag,
	}
	e.acls.put(t.now, a.ID, a)
	return &createACLAnswer{NetworkAclId: a.ID, NetworkAclAttribute: e.describeACL(latest, a)}, nil
}

func (e *Engine) describeACL(asOf time.Time, a NetworkACL) aclItem {
	item := aclItem{
		NetworkAclId: a.ID, NetworkAclName: a.Name, Description: a.Description, VpcId: a.VpcID, RegionId: a.RegionID,
		OwnerId: e.ownerID(), Status: a.Status, CreationTime: fmtTime(a.Created), Tags: tagItems(a.Tags),
	}
	item.IngressAclEntries.IngressAclEntry, item.EgressAclEntries.EgressAclEntry = []ingressItem{}, []egressItem{}
	item.Resources.Resource = []aclResource{}
	for _, r := range a.Ingress {
		item.IngressAclEntries.IngressAclEntry = append(item.IngressAclEntries.IngressAclEntry,
			ingressItem{r.ID, r.Name, r.Description, r.EntryType, r.Policy, r.Protocol, r.Port, r.Peer.String(), "IPV4"})
	}
	for _, r := range a.Egress {
		item.EgressAclEntries.EgressAclEntry = append(item.EgressAclEntries.EgressAclEntry,
			egressItem{r.ID, r.Name, r.Description, r.EntryType, r.Policy, r.Protocol, r.Port, r.Peer.String(), "IPV4"})
	}
	for _, s := range e.vSwitches.list(asOf, func(s VSwitch) bool { return s.NetworkACLID == a.ID }) {
		item.Resources.Resource = append(item.Resources.Resource, aclResource{s.ID, "VSwitch", "BINDED"})
	}
	return item
}

func (e *Engine) findACL(t *tx, asOf time.Time, id string) (NetworkACL, *Error) {
	a, ok := e.acls.get(asOf, id)
	if !ok || !t.inRegion(a.RegionID) {
		return a, &Error{404, "InvalidNetworkAcl.NotFound", "The specified network ACL does not exist."}
	}
	return a, nil
}

type aclParams struct {
	RegionId     string `api:",required"`
	NetworkAclId string `api:",required"`
	ClientToken  string
}

type deleteACLParams struct {
	aclParams
	DryRun bool
}

func (e *Engine) apiDeleteNetworkAcl(t *tx, p *deleteACLParams) (*Answer, error) {
	a, err := e.findACL(t, latest, p.NetworkAclId)
	switch {
	case err != nil:
		return nil, err
	case len(e.describeACL(latest, a).Resources.Resource) > 0:
		return nil, dependency("VSwitch")
	case p.DryRun:
		return nil, errDryRun
	}
	e.acls.remove(t.now, a.ID)
	return &Answer{}, nil
}

type ingressParams struct {
	NetworkAclEntryId, NetworkAclEntryName, Description, EntryType string
	Policy, Protocol, Port, SourceCidrIp, IpVersion                string
}

type egressParams struct {
	NetworkAclEntryId, NetworkAclEntryName, Description, EntryType string
	Policy, Protocol, Port, DestinationCidrIp, IpVersion           string
}

type updateACLParams struct {
	aclParams
	UpdateIngressAclEntries bool
	UpdateEgressAclEntries  bool
	IngressAclEntries       []ingressParams `api:",max=20"`
	EgressAclEntries        []egressParams  `api:",max=20"`
	DryRun                  bool
}

// apiUpdateNetworkAclEntries replaces the rules of the directions that it is
// told to update.
func (e *Engine) apiUpdateNetworkAclEntries(t *tx, p *updateACLParams) (*Answer, error) {
	a, err := e.findACL(t, latest, p.NetworkAclId)
	if err != nil {
		return nil, err
	}
	var in, out []ACLEntry
	for _, r := range p.IngressAclEntries {
		in = append(in, ACLEntry{ID: r.NetworkAclEntryId, Name: r.NetworkAclEntryName, Description: r.Description, Policy: r.Policy, Protocol: r.Protocol, Port: r.Port, EntryType: r.EntryType})
		if err := e.completeACLEntry(&in[len(in)-1], r.SourceCidrIp, r.IpVersion); err != nil {
			return nil, err
		}
	}
	for _, r := range p.EgressAclEntries {
		out = append(out, ACLEntry{ID: r.NetworkAclEntryId, Name: r.NetworkAclEntryName, Description: r.Description, Policy: r.Policy, Protocol: r.Protocol, Port: r.Port, EntryType: r.EntryType})
		if err := e.completeACLEntry(&out[len(out)-1], r.DestinationCidrIp, r.IpVersion); err != nil {
			return nil, err
		}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.acls.update(t.now, a.ID, func(a *NetworkACL) {
		if p.UpdateIngressAclEntries {
			a.Ingress = in
		}
		if p.UpdateEgressAclEntries {
			a.Egress = out
		}
	})
	return &Answer{}, nil
}

func (e *Engine) completeACLEntry(r *ACLEntry, peer, version string) *Error {
	bad := func(what string) *Error {
		return &Error{400, "InvalidParameter", "The ACL entry's " + what + " is not valid."}
	}
	var err error
	r.Policy, r.Protocol, r.EntryType = strings.ToLower(r.Policy), strings.ToLower(r.Protocol), orDefault(r.EntryType, "custom")
	r.Port = orDefault(r.Port, "-1/-1")
	if r.Peer, err = netip.ParsePrefix(peer); err != nil || !r.Peer.Addr().Is4() || strings.EqualFold(version, "IPV6") {
		return bad("address block")
	}
	if r.Policy != "accept" && r.Policy != "drop" {
		return bad("policy")
	}
	ports := r.Protocol == "tcp" || r.Protocol == "udp"
	if !ports && !slices.Contains([]string{"all", "icmp", "gre"}, r.Protocol) {
		return bad("protocol")
	}
	from, to, _ := strings.Cut(r.Port, "/")
	low, errLow := strconv.Atoi(from)
	high, errHigh := strconv.Atoi(to)
	if ports && (errLow != nil || errHigh != nil || low < 1 || high > 65535 || low > high) || !ports && r.Port != "-1/-1" {
		return bad("port")
	}
	if r.EntryType != "custom" {
		return bad("type")
	}
	e.fill(&r.ID, "nae")
	return nil
}

type bindACLParams struct {
	aclParams
	Resource []struct{ ResourceId, ResourceType string } `api:",required"`
	DryRun   bool
}

func (e *Engine) apiAssociateNetworkAcl(t *tx, p *bindACLParams) (*Answer, error) {
	return e.bindACL(t, p, func(s VSwitch, a NetworkACL) (string, *Error) {
		if s.NetworkACLID != "" {
			return "", &Error{400, "OperationDenied.AlreadyAssociated", "The vSwitch is associated with a network ACL already."}
		}
		return a.ID, nil
	})
}

func (e *Engine) apiUnassociateNetworkAcl(t *tx, p *bindACLParams) (*Answer, error) {
	return e.bindACL(t, p, func(s VSwitch, a NetworkACL) (string, *Error) {
		if s.NetworkACLID != a.ID {
			return "", &Error{400, "OperationDenied.NotAssociated", "The vSwitch is not associated with the network ACL."}
		}
		return "", nil
	})
}

func (e *Engine) bindACL(t *tx, p *bindACLParams, bound func(VSwitch, NetworkACL) (string, *Error)) (*Answer, error) {
	a, err := e.findACL(t, latest, p.NetworkAclId)
	if err != nil {
		return nil, err
	}
	change := map[string]string{}
	for _, r := range p.Resource {
		s, err := e.findVSwitch(t, latest, r.ResourceId)
		if err != nil {
			return nil, err
		}
		if s.VpcID != a.VpcID || r.ResourceType != "VSwitch" {
			return nil, &Error{400, "InvalidParameter", "The resource is not a vSwitch of the network ACL's VPC."}
		}
		if change[s.ID], err = bound(s, a); err != nil {
			return nil, err
		}
	}
	if p.DryRun {
		return nil, errDryRun
	}
	for _, id := range sortedKeys(change) {
		e.afterPart(associationPart, func() {
			e.vSwitches.update(e.now, id, func(s *VSwitch) { s.NetworkACLID = change[id] })
		})
	}
	return &Answer{}, nil
}

type describeACLsParams struct {
	RegionId       string `api:",required"`
	NetworkAclId   string
	NetworkAclName string
	ResourceId     string
	ResourceType   string
	VpcId          string
	ClientToken    string
	Tags           []Tag
	page
}

type describeACLsAnswer struct {
	Answer
	PageNumber  string
	PageSize    string
	TotalCount  string
	NetworkAcls struct{ NetworkAcl []aclItem }
}

func (e *Engine) apiDescribeNetworkAcls(t *tx, p *describeACLsParams) (*describeACLsAnswer, error) {
	number, size, err := p.bounds()
	if err != nil {
		return nil, err
	}
	all := e.acls.list(t.seen, func(a NetworkACL) bool {
		bound := e.vSwitches.list(t.seen, func(s VSwitch) bool { return s.NetworkACLID == a.ID && s.ID == p.ResourceId })
		return t.inRegion(a.RegionID) && (p.NetworkAclId == "" || a.ID == p.NetworkAclId) && (p.NetworkAclName == "" || a.Name == p.NetworkAclName) &&
			(p.VpcId == "" || a.VpcID == p.VpcId) && (p.ResourceId == "" || len(bound) > 0) && tagged(a.Tags, p.Tags)
	})
	a := &describeACLsAnswer{PageNumber: strconv.Itoa(number), PageSize: strconv.Itoa(size), TotalCount: strconv.Itoa(len(all))}
	a.NetworkAcls.NetworkAcl = []aclItem{}
	for _, x := range pageOf(all, number, size) {
		a.NetworkAcls.NetworkAcl = append(a.NetworkAcls.NetworkAcl, e.describeACL(t.seen, x))
	}
	return a, nil
}

type describeACLAnswer struct {
	Answer
	NetworkAclAttribute aclItem
}

func (e *Engine) apiDescribeNetworkAcl(t *tx, p *aclParams) (*describeACLAnswer, error) {
	a, err := e.findACL(t, t.seen, p.NetworkAclId)
	if err != nil {
		return nil, err
	}
	return &describeACLAnswer{NetworkAclAttribute: e.describeACL(t.seen, a)}, nil
}

func aclActions() []Action {
	return []Action{
		write(vpcProduct, "CreateNetworkAcl", 0, (*Engine).apiCreateNetworkAcl),
		write(vpcProduct, "DeleteNetworkAcl", 0, (*Engine).apiDeleteNetworkAcl),
		write(vpcProduct, "UpdateNetworkAclEntries", 0, (*Engine).apiUpdateNetworkAclEntries),
		write(vpcProduct, "AssociateNetworkAcl", 0, (*Engine).apiAssociateNetworkAcl),
		write(vpcProduct, "UnassociateNetworkAcl", 0, (*Engine).apiUnassociateNetworkAcl),
		read(vpcProduct, "DescribeNetworkAcls", 0, (*Engine).apiDescribeNetworkAcls),
		read(vpcProduct, "DescribeNetworkAclAttributes", 0, (*Engine).apiDescribeNetworkAcl),
	}
}
