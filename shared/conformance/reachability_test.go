package conformance_test

import "strings"

// acl returns a network ACL of the session's own, as it was made, bound to
// nothing.
func (s *session) acl() string {
	return s.once("network ACL", func() string {
		network := s.vpc("a")
		s.spend("network ACL", 1)
		id := s.must(s.read("Vpc", "CreateNetworkAcl", "VpcId", network, "NetworkAclName", s.name), "CreateNetworkAcl").at("NetworkAclId")
		s.later("network ACL "+id, func() reply { return s.read("Vpc", "DeleteNetworkAcl", "NetworkAclId", id) })
		return id
	})
}

// entries says what rules an ACL has, in their order.
func (s *session) entries() string {
	r := s.must(s.read("Vpc", "DescribeNetworkAclAttributes", "NetworkAclId", s.acl()), "DescribeNetworkAclAttributes")
	var all []string
	for _, e := range r.list("NetworkAclAttribute.IngressAclEntries.IngressAclEntry") {
		if e.at("EntryType") != "custom" || e.at("IpVersion") == "IPV6" {
			continue // those of the system's own
		}
		all = append(all, strings.Join([]string{e.at("Policy"), e.at("Protocol"), e.at("Port"), e.at("SourceCidrIp")}, " "))
	}
	return strings.Join(all, ", ")
}

// reachabilityFacts are what the analysis of reachability relies on.
var reachabilityFacts = []fact{
	{says: "DescribeNetworkAclAttributes of an id that there is not is not found", local: "404 InvalidNetworkAcl.NotFound", fine: []string{"400 InvalidNetworkAcl.NotFound", "404 ResourceNotFound.NetworkAcl", "400 ResourceNotFound.NetworkAcl"},
		ask: func(s *session) string {
			return s.read("Vpc", "DescribeNetworkAclAttributes", "NetworkAclId", "nacl-conformancenone0000").String()
		}},
	{says: "members of a new group reach each other", writes: true, local: "Accept",
		ask: func(s *session) string {
			return s.must(s.read("Ecs", "DescribeSecurityGroupAttribute", "SecurityGroupId", s.group("a"), "NicType", "intranet", "Direction", "all"),
				"DescribeSecurityGroupAttribute").at("InnerAccessPolicy")
		}},
	{says: "a new network ACL lets everything in", writes: true, local: "accept all -1/-1 0.0.0.0/0",
		ask: func(s *session) string { return s.entries() }},
	{says: "a network ACL's rules are listed in the order in which they were given", writes: true, local: "drop icmp -1/-1 10.82.0.0/16, accept tcp 32768/60999 0.0.0.0/0, accept all -1/-1 0.0.0.0/0",
		ask: func(s *session) string {
			const n = "IngressAclEntries."
			with := []string{"NetworkAclId", s.acl(), "UpdateIngressAclEntries", "true"}
			for i, e := range [][4]string{{"drop", "icmp", "-1/-1", "10.82.0.0/16"}, {"accept", "tcp", "32768/60999", "0.0.0.0/0"}, {"accept", "all", "-1/-1", "0.0.0.0/0"}} {
				at := n + string(rune('1'+i)) + "."
				with = append(with, at+"Policy", e[0], at+"Protocol", e[1], at+"Port", e[2], at+"SourceCidrIp", e[3], at+"EntryType", "custom", at+"NetworkAclEntryName", "conformance")
			}
			s.must(s.read("Vpc", "UpdateNetworkAclEntries", with...), "UpdateNetworkAclEntries")
			return s.await(s.entries, "drop icmp -1/-1 10.82.0.0/16, accept tcp 32768/60999 0.0.0.0/0, accept all -1/-1 0.0.0.0/0")
		}},
}
