package interconnect

import "net/netip"

// NetworkAcl is a network ACL: a filter without memory at the edge of the
// vSwitches that it is bound to. An answer needs rules of its own. It is as
// DescribeNetworkAclAttributes reports it.
type NetworkAcl struct {
	ID      string
	VpcID   string
	Ingress []AclRule // in the order in which they are tried
	Egress  []AclRule
}

// AclRule is a rule of a network ACL: the first that matches decides.
type AclRule struct {
	ID        string
	Name      string
	Accept    bool
	Protocol  string       // ALL, TCP, UDP, ICMP, GRE, upper case
	PortRange string       // of the destination; -1/-1 for ALL, ICMP and GRE
	Peer      netip.Prefix // ingress: the source; egress: the destination. Not valid: a rule for something that is no IPv4 block
}

// Group is a security group with its rules and what its members may say to each
// other.
type Group struct {
	GroupFacts
	Isolated bool // InnerAccessPolicy Drop: members reach each other only by rules
	Rules    []Rule
}

// Narrow is what makes a rule smaller than its Protocol, PortRange, PeerBlock
// and PeerGroupID say, or another kind of rule: the zero value of every rule
// that we make. A rule that has any of it has neither PeerBlock nor PeerGroupID,
// so that nobody takes it for one that suffices; its peer is here.
type Narrow struct {
	PeerBlock    netip.Prefix
	PeerGroupID  string
	PeerPrefixID string       // the peer is a prefix list, whose blocks are not looked up
	PeerIPv6     bool         // the peer is an IPv6 block
	SourcePorts  string       // from/to; "": all
	OwnBlock     netip.Prefix // of the group's own end: ingress, the destination; egress, the source
}
