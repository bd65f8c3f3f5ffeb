package conformance_test

import (
	"encoding/base64"
	"fmt"
	"strings"
)

func (s *session) makePeering(from, to string) reply {
	return s.in(places[from].region, "VpcPeer", "CreateVpcPeerConnection", "body:VpcId", s.vpc(from), "body:AcceptingVpcId", s.vpc(to),
		"body:AcceptingRegionId", s.regions[places[to].region], "body:AcceptingAliUid", s.account, "body:Name", s.name, "body:ClientToken", s.token("peering "+from+to))
}

// peering returns a peering connection of the session's own that is Activated.
func (s *session) peering(from, to string) string {
	return s.once("peering "+from+to, func() string {
		s.spend("peering connection", 1)
		return s.keepPeering(from, s.must(s.makePeering(from, to), "CreateVpcPeerConnection").at("InstanceId"))
	})
}

func (s *session) keepPeering(from, id string) string {
	region := places[from].region
	s.later("peering connection "+id, func() reply {
		if seen := s.peeringStatus(region, id); strings.Contains(seen, "NotFound") || seen == "Deleted" {
			return reply{status: 200}
		}
		r := s.in(region, "VpcPeer", "DeleteVpcPeerConnection", "body:InstanceId", id, "body:Force", "true")
		if r.ok() {
			r = reply{status: 409, code: "it is going"}
		}
		return r
	})
	s.await(func() string { return s.peeringStatus(region, id) }, "Activated")
	return id
}

// peeringStatus is a peering connection's status, or why there is none.
func (s *session) peeringStatus(region int, id string) string {
	r := s.in(region, "VpcPeer", "GetVpcPeerConnectionAttribute", "body:InstanceId", id)
	if !r.ok() {
		return r.String()
	}
	return r.at("Status")
}

var peeringFacts = []fact{
	{says: "a peering connection within the account becomes Activated by itself", writes: true, local: "Activated",
		ask: func(s *session) string { return s.peeringStatus(0, s.peering("a", "c")) }},
	{says: "the same client token gives the same peering connection", writes: true, local: "the same",
		ask: func(s *session) string {
			id := s.peering("a", "c")
			if r := s.makePeering("a", "c"); !r.ok() || r.at("InstanceId") != id {
				return r.String()
			}
			return "the same"
		}},
	{says: "two VPCs have one peering connection", writes: true, local: "400 ResourceAlreadyExist.VpcPeer", fine: []string{"409 ResourceAlreadyExist.VpcPeer"},
		ask: func(s *session) string {
			s.peering("a", "c")
			return s.in(0, "VpcPeer", "CreateVpcPeerConnection", "body:VpcId", s.vpc("a"), "body:AcceptingVpcId", s.vpc("c"),
				"body:AcceptingRegionId", s.regions[1], "body:AcceptingAliUid", s.account, "body:Name", s.name).String()
		}},
	{says: "the accepting region shows a peering connection too", writes: true, local: "Activated", with: "PeeringSeenByInitiatorOnly", other: "400 ResourceNotFound.InstanceId",
		ask: func(s *session) string { return s.peeringStatus(1, s.peering("a", "c")) }},
	{says: "two VPCs that router interfaces join get a peering connection too", writes: true, local: "200", with: "PeeringBesideInterfacesRefused", other: "400 ResourceAlreadyExist.RouterInterface",
		ask: func(s *session) string {
			s.connected()
			s.spend("peering connection", 1)
			r := s.makePeering("a", "b")
			if r.ok() {
				s.known["peering ab"] = s.keepPeering("a", r.at("InstanceId"))
			}
			return r.String()
		}},
	{says: "a route is repointed from a router interface to a peering connection", writes: true, local: "200", with: "RepointToPeeringRefused", other: "400 InvalidNextHopType.NotSupport",
		ask: func(s *session) string {
			s.routed()
			p := s.peering("a", "b")
			r := s.read("Vpc", "ModifyRouteEntry", "RouteEntryId", s.entry("a", "10.82.0.0/16").at("RouteEntryId"), "NewNextHopType", "VpcPeer", "NewNextHopId", p)
			if r.ok() {
				s.await(func() string {
					e := s.entry("a", "10.82.0.0/16")
					return e.at("NextHops.NextHop.0.NextHopId") + " " + e.at("Status")
				}, p+" Available", p+" Created")
			}
			return r.String()
		}},
	{says: "Force deletes the routes of both VPCs to a peering connection", writes: true, local: "no route is left", with: "PeeringForceDeletesOneSide", other: "the acceptor's route is left",
		ask: func(s *session) string {
			p := s.peering("a", "c")
			for place, block := range map[string]string{"a": places["c"].block, "c": places["a"].block} {
				if made := s.route(place, block, "VpcPeer", p); made != "made" {
					s.skip("a route to the peering connection: %s", made)
				}
			}
			s.must(s.in(0, "VpcPeer", "DeleteVpcPeerConnection", "body:InstanceId", p, "body:Force", "true"), "DeleteVpcPeerConnection")
			gone := func(place, block string) string { return fmt.Sprint(s.entry(place, block).body == nil) }
			s.await(func() string { return gone("a", places["c"].block) }, "true")
			if s.await(func() string { return gone("c", places["a"].block) }, "true") == "true" {
				return "no route is left"
			}
			return "the acceptor's route is left"
		}},
	{says: "a peering connection that was deleted is not found", writes: true, local: "400 ResourceNotFound.InstanceId", with: "DeletedPeeringStaysListed", other: "Deleted", fine: []string{"404 ResourceNotFound.InstanceId"},
		ask: func(s *session) string {
			p := s.peering("a", "c")
			s.in(0, "VpcPeer", "DeleteVpcPeerConnection", "body:InstanceId", p, "body:Force", "true")
			return s.await(func() string { return s.peeringStatus(0, p) }, "404 ResourceNotFound.InstanceId", "400 ResourceNotFound.InstanceId", "Deleted")
		}},
}

// command runs a script on an instance.
func (s *session) command(instance, script, token string) reply {
	return s.read("Ecs", "RunCommand", "Type", "RunShellScript", "CommandContent", base64.StdEncoding.EncodeToString([]byte(script)),
		"ContentEncoding", "Base64", "InstanceId.1", instance, "Timeout", "60", "Name", s.name, "ClientToken", s.token(token))
}

// ran waits for a command's end, and returns its status, code and output.
func (s *session) ran(id string) (status, code, output string) {
	var last reply
	s.await(func() string {
		last = s.read("Ecs", "DescribeInvocations", "InvokeId", id, "IncludeOutput", "true", "ContentEncoding", "PlainText")
		switch last.at("Invocations.Invocation.0.InvokeInstances.InvokeInstance.0.InvocationStatus") {
		case "", "Pending", "Scheduled", "Running":
			return "running"
		}
		return "ended"
	}, "ended")
	at := func(name string) string {
		return last.at("Invocations.Invocation.0.InvokeInstances.InvokeInstance.0." + name)
	}
	return at("InvocationStatus"), at("ErrorCode"), at("Output")
}

func (s *session) guest() string {
	if s.instance == "" {
		s.skip("needs an instance: CONFORMANCE_INSTANCE")
	}
	return s.instance
}

var commandFacts = []fact{
	{says: "a command's output and end are read", writes: true, local: "Success, hello",
		ask: func(s *session) string {
			i := s.guest()
			s.spend("command", 1)
			status, _, output := s.ran(s.must(s.command(i, "echo hello", "hello"), "RunCommand").at("InvokeId"))
			return status + ", " + strings.TrimSpace(output)
		}},
	{says: "DescribeInvocations of an instance lists what has ended, with its script and its output", writes: true, local: "echo listed: listed",
		ask: func(s *session) string {
			i := s.guest()
			s.spend("command", 1)
			id := s.must(s.command(i, "echo listed", "listed"), "RunCommand").at("InvokeId")
			s.ran(id)
			for _, v := range s.read("Ecs", "DescribeInvocations", "InstanceId", i, "IncludeOutput", "true", "ContentEncoding", "PlainText", "PageSize", "50").list("Invocations.Invocation") {
				if v.at("InvokeId") == id {
					return v.at("CommandContent") + ": " + strings.TrimSpace(v.at("InvokeInstances.InvokeInstance.0.Output"))
				}
			}
			return "not listed"
		}},
	{says: "the same client token is the same run of a command", writes: true, local: "the same",
		ask: func(s *session) string {
			i := s.guest()
			s.spend("command", 1)
			first := s.must(s.command(i, "echo once", "once"), "RunCommand")
			if r := s.command(i, "echo once", "once"); !r.ok() || r.at("InvokeId") != first.at("InvokeId") {
				return "not the same: " + r.String()
			}
			return "the same"
		}},
	{says: "a script that exits with 1 is Failed with ExitCodeNonzero", writes: true, local: "Failed, ExitCodeNonzero",
		ask: func(s *session) string {
			i := s.guest()
			s.spend("command", 1)
			status, code, _ := s.ran(s.must(s.command(i, "exit 1", "fails"), "RunCommand").at("InvokeId"))
			return status + ", " + code
		}},
	{says: "a command for an instance whose agent does not run is taken, and fails", writes: true, local: "taken, ClientNotRunning", with: "OfflineAgentRefusesCommand", other: "refused", fine: []string{"taken, ClientNotResponse", "taken, DeliveryTimeout"},
		ask: func(s *session) string {
			if s.offline == "" {
				s.skip("needs an instance whose agent does not run")
			}
			r := s.command(s.offline, "echo", "offline")
			if !r.ok() {
				return "refused"
			}
			_, code, _ := s.ran(r.at("InvokeId"))
			return "taken, " + code
		}},
}
