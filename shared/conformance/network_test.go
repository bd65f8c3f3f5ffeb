package conformance_test

import (
	"fmt"
	"strings"
)

// permission is one ingress rule.
func permission(priority string, source ...string) []string {
	return append([]string{
		"Permissions.1.IpProtocol", "ICMP", "Permissions.1.PortRange", "-1/-1", "Permissions.1.Policy", "accept", "Permissions.1.Priority", priority,
	}, source...)
}

// authorized authorizes a rule and says what became of it, and of how many there are.
func (s *session) authorized(group string, with []string) string {
	before := len(s.rules(group))
	if r := s.read("Ecs", "AuthorizeSecurityGroup", append([]string{"SecurityGroupId", group}, with...)...); !r.ok() {
		return r.String()
	}
	added := func() string { return fmt.Sprintf("%d more", len(s.rules(group))-before) }
	return s.await(added, "1 more")
}

func (s *session) rules(group string) []reply {
	return s.must(s.read("Ecs", "DescribeSecurityGroupAttribute", "SecurityGroupId", group, "NicType", "intranet", "Direction", "ingress"),
		"DescribeSecurityGroupAttribute").list("Permissions.Permission")
}

var groupFacts = []fact{
	{says: "a rule is added", writes: true, local: "1 more",
		ask: func(s *session) string {
			return s.authorized(s.group("a"), permission("1", "Permissions.1.SourceCidrIp", "10.82.0.0/16"))
		}},
	{says: "the same rule again is a success that adds nothing", writes: true, local: "0 more",
		ask: func(s *session) string {
			g := s.group("a")
			s.authorized(g, permission("1", "Permissions.1.SourceCidrIp", "10.83.0.0/16"))
			before := len(s.rules(g))
			s.must(s.read("Ecs", "AuthorizeSecurityGroup", append([]string{"SecurityGroupId", g, "Permissions.1.Description", "other"},
				permission("1", "Permissions.1.SourceCidrIp", "10.83.0.0/16")...)...), "AuthorizeSecurityGroup")
			return fmt.Sprintf("%d more", len(s.rules(g))-before)
		}},
	{says: "a rule of another priority is another rule", writes: true, local: "1 more", with: "RuleIdentityWithoutPriority", other: "0 more",
		ask: func(s *session) string {
			g := s.group("a")
			s.authorized(g, permission("1", "Permissions.1.SourceCidrIp", "10.84.0.0/16"))
			return s.authorized(g, permission("2", "Permissions.1.SourceCidrIp", "10.84.0.0/16"))
		}},
	{says: "a rule cannot name a group of another VPC", writes: true, local: "400 InvalidSourceGroupId.Mismatch", with: "GroupAcrossVPCsAllowed", other: "1 more",
		ask: func(s *session) string {
			a, rule := s.group("a"), permission("1", "Permissions.1.SourceGroupId", s.group("b"))
			seen := s.authorized(a, rule)
			if strings.HasSuffix(seen, "more") { // b is not deleted before it
				s.later("rule", func() reply {
					return s.read("Ecs", "RevokeSecurityGroup", append([]string{"SecurityGroupId", a}, rule...)...)
				})
			}
			return seen
		}},
	{says: "a rule is revoked by its id", writes: true, local: "200",
		ask: func(s *session) string {
			g := s.group("a")
			s.authorized(g, permission("1", "Permissions.1.SourceCidrIp", "10.85.0.0/16"))
			for _, r := range s.rules(g) {
				if r.at("SourceCidrIp") == "10.85.0.0/16" {
					return s.read("Ecs", "RevokeSecurityGroup", "SecurityGroupId", g, "SecurityGroupRuleId.1", r.at("SecurityGroupRuleId")).String()
				}
			}
			return "the rule is not listed"
		}},
	{says: "a rule id that there is not is refused", writes: true, local: "400 InvalidParam.SecurityGroupRuleId", fine: []string{"404 InvalidParam.SecurityGroupRuleId", "403 InvalidParam.SecurityGroupRuleId"},
		ask: func(s *session) string {
			return s.read("Ecs", "RevokeSecurityGroup", "SecurityGroupId", s.group("a"), "SecurityGroupRuleId.1", "sgr-conformancenone00000").String()
		}},
	{says: "one bad rule of a batch keeps the others out", writes: true, local: "a 4xx, 0 more",
		ask: func(s *session) string {
			g := s.group("a")
			before := len(s.rules(g))
			r := s.read("Ecs", "AuthorizeSecurityGroup", append([]string{"SecurityGroupId", g,
				"Permissions.2.IpProtocol", "ICMP", "Permissions.2.PortRange", "-1/-1", "Permissions.2.SourceCidrIp", "no block"},
				permission("1", "Permissions.1.SourceCidrIp", "10.86.0.0/16")...)...)
			return fmt.Sprintf("a %dxx, %d more", r.status/100, len(s.rules(g))-before)
		}},
}

// makeInterface makes one side of a connection between the VPCs a and b.
func (s *session) makeInterface(place, opposite, role, spec, token string, with ...string) reply {
	return s.read("Vpc", "CreateRouterInterface", append([]string{
		"Role", role, "Spec", spec, "RouterType", "VRouter", "RouterId", s.router(place), "OppositeRegionId", s.regions[0],
		"OppositeRouterType", "VRouter", "OppositeRouterId", s.router(opposite), "Name", s.name, "InstanceChargeType", "PostPaid", "ClientToken", token,
	}, with...)...)
}

// side returns an interface of the session's own: the initiating one is in a,
// the accepting one in b.
func (s *session) side(place string) string {
	return s.once("interface "+place, func() string {
		s.spend("router interface", 1)
		role, spec, opposite := "InitiatingSide", "Mini.2", "b"
		if place == "b" {
			role, spec, opposite = "AcceptingSide", "Negative", "a"
		}
		return s.keepInterface(s.must(s.makeInterface(place, opposite, role, spec, s.token(role)), "CreateRouterInterface"))
	})
}

func (s *session) keepInterface(made reply) string {
	id := made.at("RouterInterfaceId")
	s.later("router interface "+id, func() reply {
		switch s.statusOf(id) {
		case "": // gone
			return reply{status: 200}
		case "Active":
			s.read("Vpc", "DeactivateRouterInterface", "RouterInterfaceId", id)
		case "Idle", "Inactive":
			s.read("Vpc", "DeleteRouterInterface", "RouterInterfaceId", id)
		}
		return reply{status: 409, code: "it is " + s.statusOf(id)} // looked at again
	})
	s.await(func() string { return s.statusOf(id) }, "Idle")
	return id
}

// statusOf is an interface's status; "" if it is gone.
func (s *session) statusOf(id string) string {
	return s.must(s.read("Vpc", "DescribeRouterInterfaces", "Filter.1.Key", "RouterInterfaceId", "Filter.1.Value.1", id), "DescribeRouterInterfaces").
		at("RouterInterfaceSet.RouterInterfaceType.0.Status")
}

// face tells an interface which one is opposite.
func (s *session) face(place, opposite string) reply {
	return s.read("Vpc", "ModifyRouterInterfaceAttribute", "RouterInterfaceId", s.side(place), "OppositeInterfaceId", s.side(opposite),
		"OppositeRouterId", s.router(opposite), "OppositeRouterType", "VRouter", "OppositeInterfaceOwnerId", s.account)
}

func (s *session) connect(place string) reply {
	return s.read("Vpc", "ConnectRouterInterface", "RouterInterfaceId", s.side(place))
}

// connected has the two interfaces connected.
func (s *session) connected() (a, b string) {
	s.once("connection", func() string {
		s.must(s.face("b", "a"), "ModifyRouterInterfaceAttribute")
		s.must(s.face("a", "b"), "ModifyRouterInterfaceAttribute")
		if s.statusOf(s.side("a")) == "Idle" {
			s.await(func() string { return s.connect("a").String() }, "200")
		}
		if seen := s.await(s.both, "Active and Active"); seen != "Active and Active" {
			s.skip("the interfaces stay %s", seen)
		}
		return "done"
	})
	return s.side("a"), s.side("b")
}

func (s *session) both() string { return s.statusOf(s.side("a")) + " and " + s.statusOf(s.side("b")) }

var interfaceFacts = []fact{
	{says: "the account may make router interfaces", writes: true, local: "200", with: "RouterInterfaceClosed", other: "400 COMMODITY.INVALID_COMPONENT",
		ask: func(s *session) string {
			s.spend("router interface", 1)
			r := s.makeInterface("a", "b", "InitiatingSide", "Mini.2", s.token("InitiatingSide"))
			if r.ok() {
				s.known["interface a"] = s.keepInterface(r)
			}
			return r.String()
		}},
	{says: "the same client token gives the same interface", writes: true, local: "the same",
		ask: func(s *session) string {
			id := s.side("a")
			r := s.makeInterface("a", "b", "InitiatingSide", "Mini.2", s.token("InitiatingSide"))
			switch {
			case !r.ok():
				return r.String()
			case r.at("RouterInterfaceId") == id:
				return "the same"
			}
			s.keepInterface(r)
			return "another"
		}},
	{says: "the same client token with other parameters is a mismatch", writes: true, local: "400 IdempotentParameterMismatch", fine: []string{"400 InvalidIdempotenceParameter.Mismatch"},
		ask: func(s *session) string {
			s.side("a")
			return s.makeInterface("a", "b", "InitiatingSide", "Mini.5", s.token("InitiatingSide")).String()
		}},
	{says: "an interface of a vRouter can be tagged as it is made", writes: true, local: "200", with: "TagRouterInterfaceRefused", other: "400 InvalidResourceType.NotSupport",
		ask: func(s *session) string {
			s.spend("router interface", 1)
			r := s.makeInterface("b", "a", "AcceptingSide", "Negative", s.token("tagged"), "Tags.1.Key", "conformance", "Tags.1.Value", s.name)
			if r.ok() {
				s.known["interface b"] = s.keepInterface(r)
			}
			return r.String()
		}},
	{says: "the accepting side does not connect", writes: true, local: "400 IncorrectRole.NotInitiatingSide",
		ask: func(s *session) string { s.side("a"); return s.connect("b").String() }},
	{says: "interfaces that do not name each other do not connect", writes: true, local: "400 IncorrectOppositeInterfaceInfo.NotSet",
		ask: func(s *session) string { s.side("b"); return s.connect("a").String() }},
	{says: "an interface that is Idle cannot be deactivated", writes: true, local: "400 IncorrectRIStatus", with: "InterfaceStatusCodeOld", other: "400 IncorrectStatus",
		ask: func(s *session) string {
			return s.read("Vpc", "DeactivateRouterInterface", "RouterInterfaceId", s.side("a")).String()
		}},
	{says: "a route needs an Active interface", writes: true, local: "IncorrectStatus.RouterInterface", with: "RouteToInactiveInterfaceAllowed", other: "made",
		ask: func(s *session) string { return s.route("a", "10.182.0.0/16", "RouterInterface", s.side("a")) }},
	{says: "both sides must name each other before they connect", writes: true, local: "400 IncorrectOppositeInterfaceInfo.NotSet", with: "OneSideOppositeEnough", other: "200",
		ask: func(s *session) string {
			s.must(s.face("a", "b"), "ModifyRouterInterfaceAttribute")
			return s.connect("a").String()
		}},
	{says: "a connection makes both sides Active", writes: true, local: "Active and Active",
		ask: func(s *session) string { s.connected(); return s.both() }},
	{says: "an Active interface is not deleted", writes: true, local: "400 IncorrectStatus", fine: []string{"400 InvalidInstance.StatusError", "400 IncorrectRIStatus"},
		ask: func(s *session) string {
			a, _ := s.connected()
			return s.read("Vpc", "DeleteRouterInterface", "RouterInterfaceId", a).String()
		}},
	{says: "the opposite of a connected interface is not changed", writes: true, local: "a 4xx",
		ask: func(s *session) string { s.connected(); return fmt.Sprintf("a %dxx", s.face("a", "b").status/100) }},
}

// batch makes routes in a table, and returns the answer.
func (s *session) batch(place, kind, hop string, blocks ...string) reply {
	var with []string
	for i, b := range blocks {
		n := fmt.Sprintf("RouteEntries.%d.", i+1)
		with = append(with, n+"RouteTableId", s.table(place), n+"DstCidrBlock", b, n+"NextHopType", kind, n+"NextHop", hop, n+"Name", s.name)
	}
	return s.in(places[place].region, "Vpc", "CreateRouteEntries", with...)
}

// route makes one route, and says what became of it.
func (s *session) route(place, block, kind, hop string) string {
	s.spend("route entry", 1)
	r := s.batch(place, kind, hop, block)
	switch {
	case !r.ok():
		return strings.TrimPrefix(r.String(), "400 ")
	case r.at("SuccessCount") != "1":
		return r.at("FailedRouteEntries.0.FailedCode")
	}
	s.later("route to "+block, func() reply {
		e := s.entry(place, block)
		if e.body == nil {
			return reply{status: 200}
		}
		r := s.in(places[place].region, "Vpc", "DeleteRouteEntry", "RouteEntryId", e.at("RouteEntryId"))
		if r.ok() {
			r = reply{status: 409, code: "it is going"}
		}
		return r
	})
	s.await(func() string { return s.entry(place, block).at("Status") }, "Available", "Created")
	return "made"
}

// entry finds a route by its destination; without a body if there is none.
func (s *session) entry(place, block string) reply {
	r := s.must(s.in(places[place].region, "Vpc", "DescribeRouteEntryList", "RouteTableId", s.table(place), "DestinationCidrBlock", block), "DescribeRouteEntryList")
	for _, e := range r.list("RouteEntrys.RouteEntry") {
		return e
	}
	return reply{}
}

var routeFacts = []fact{
	{says: "a batch is a success that tells what it did not make", writes: true, local: "1 made, InvalidCidrBlock.Overlapped", fine: []string{"1 made, InvalidCIDRBlock.Overlapped"},
		ask: func(s *session) string {
			a, _ := s.connected()
			s.spend("route entry", 1)
			r := s.must(s.batch("a", "RouterInterface", a, "10.182.1.0/24", places["a"].subnet), "CreateRouteEntries")
			s.later("route to 10.182.1.0/24", func() reply {
				if e := s.entry("a", "10.182.1.0/24"); e.body != nil {
					s.read("Vpc", "DeleteRouteEntry", "RouteEntryId", e.at("RouteEntryId"))
					return reply{status: 409, code: "it is going"}
				}
				return reply{status: 200}
			})
			return fmt.Sprintf("%s made, %s", r.at("SuccessCount"), r.at("FailedRouteEntries.0.FailedCode"))
		}},
	{says: "a VPC has one route task at a time", writes: true, local: "400 TaskConflict", fine: []string{"200", "409 OperationConflict"},
		ask: func(s *session) string {
			a, _ := s.connected()
			s.await(func() string { return s.entry("a", "10.182.1.0/24").at("Status") }, "Available", "Created")
			s.spend("route entry", 1)
			if r := s.batch("a", "RouterInterface", a, "10.182.2.0/24"); !r.ok() {
				return r.String()
			}
			s.later("route to 10.182.2.0/24", func() reply {
				if e := s.entry("a", "10.182.2.0/24"); e.body != nil {
					s.read("Vpc", "DeleteRouteEntry", "RouteEntryId", e.at("RouteEntryId"))
					return reply{status: 409, code: "it is going"}
				}
				return reply{status: 200}
			})
			r := s.batch("a", "RouterInterface", a, "10.182.2.0/24") // the same: it makes nothing more
			s.await(func() string { return s.entry("a", "10.182.2.0/24").at("Status") }, "Available", "Created")
			return r.String()
		}},
	{says: "a route that is done is Available", writes: true, local: "Available", with: "RouteStatusCreated", other: "Created",
		ask: func(s *session) string {
			a, _ := s.connected()
			if made := s.route("a", "10.82.0.0/16", "RouterInterface", a); made != "made" {
				return made
			}
			return s.entry("a", "10.82.0.0/16").at("Status")
		}},
	{says: "a route's next hop is listed under NextHops", writes: true, local: "RouterInterface",
		ask: func(s *session) string {
			s.routed()
			return s.entry("a", "10.82.0.0/16").at("NextHops.NextHop.0.NextHopType")
		}},
	{says: "a destination that is taken fails with a code that says so", writes: true, local: "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE", fine: []string{"RouterEntryConflict.Duplicated", "InvalidCIDRBlock.Duplicate"},
		ask: func(s *session) string {
			a, _ := s.connected()
			s.routed()
			r := s.batch("a", "RouterInterface", a, "10.82.0.0/16")
			if r.ok() {
				return r.at("FailedRouteEntries.0.FailedCode")
			}
			return r.code
		}},
	{says: "an interface to which a route leads is not deleted", writes: true, local: "DependencyViolation.RouterInterfaceReferedByRouteEntry", fine: []string{"IncorrectStatus", "IncorrectRIStatus", "InvalidInstance.StatusError", "ReferredByRouteEntry.RouterInterface"},
		ask: func(s *session) string {
			a, _ := s.connected()
			s.routed()
			s.must(s.read("Vpc", "DeactivateRouterInterface", "RouterInterfaceId", a), "DeactivateRouterInterface")
			s.await(func() string { return s.statusOf(a) }, "Inactive")
			r := s.read("Vpc", "DeleteRouterInterface", "RouterInterfaceId", a)
			s.must(s.read("Vpc", "ActivateRouterInterface", "RouterInterfaceId", a), "ActivateRouterInterface")
			s.await(func() string { return s.statusOf(a) }, "Active")
			return r.code
		}},
}

// routed has a route from a to b's block through the interface.
func (s *session) routed() {
	a, _ := s.connected()
	if s.entry("a", "10.82.0.0/16").body == nil {
		if made := s.route("a", "10.82.0.0/16", "RouterInterface", a); made != "made" {
			s.skip("a route: %s", made)
		}
	}
}
