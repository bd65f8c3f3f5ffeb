package alicloud

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"vpcinterconnect/shared/interconnect"
)

// NetworkAcl returns a network ACL with its rules. The error's class is Gone if
// the region has none of this id.
func (c *Reader) NetworkAcl(ctx context.Context, region, id string) (*interconnect.NetworkAcl, error) {
	req, resp := vpc.CreateDescribeNetworkAclAttributesRequest(), vpc.CreateDescribeNetworkAclAttributesResponse()
	req.NetworkAclId = id
	if err := c.read(ctx, region, req, resp); err != nil {
		return nil, err
	}
	a, err := toNetworkAcl(id, &resp.NetworkAclAttribute)
	if err != nil {
		return nil, c.malformed(req, resp, err)
	}
	return a, nil
}

func toNetworkAcl(id string, a *vpc.NetworkAclAttribute) (*interconnect.NetworkAcl, error) {
	if a.NetworkAclId != id {
		return nil, fmt.Errorf("asked for %s, told of %q", id, a.NetworkAclId)
	}
	in, err := each(a.IngressAclEntries.IngressAclEntry, func(e *vpc.IngressAclEntry) (interconnect.AclRule, error) {
		return toAclRule(e.NetworkAclEntryId, e.NetworkAclEntryName, e.Policy, e.Protocol, e.Port, e.SourceCidrIp)
	})
	if err != nil {
		return nil, err
	}
	out, err := each(a.EgressAclEntries.EgressAclEntry, func(e *vpc.EgressAclEntry) (interconnect.AclRule, error) {
		return toAclRule(e.NetworkAclEntryId, e.NetworkAclEntryName, e.Policy, e.Protocol, e.Port, e.DestinationCidrIp)
	})
	return &interconnect.NetworkAcl{ID: id, VpcID: a.VpcId, Ingress: in, Egress: out}, err
}

func toAclRule(id, name, policy, protocol, port, peer string) (interconnect.AclRule, error) {
	r := interconnect.AclRule{ID: id, Name: name, Protocol: strings.ToUpper(protocol), PortRange: port}
	switch strings.ToLower(policy) {
	case "accept":
		r.Accept = true
	case "drop":
	default:
		return r, fmt.Errorf("%.20q is not a policy", policy)
	}
	if peer != "" { // a rule by prefix list has none
		var err error
		if r.Peer, err = parseBlock(peer); err != nil {
			return r, err
		}
		if !r.Peer.Addr().Is4() {
			r.Peer = netip.Prefix{}
		}
	}
	return r, need("Protocol", protocol)
}
