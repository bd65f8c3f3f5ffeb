package bench

import "time"

// This file says which calls of a run need which. A row needs what it is made
// of: an id that only another answer has, a state that has to have been
// reached, or a look that the rules of the README want right before it (rule 2:
// the generation, before each group of mutating calls and after the last one;
// rule 7: the other records, before and after something is removed). The order
// of the steps (rule 3), that each step reads the record and observes for itself
// (rules 2 and 4), count as needs too. What a run does besides, such as a look
// at something that is not ready yet, is in no row: that is what the ratio is
// about.

// The rows with which paths end.
const (
	Connected    = "state"
	Disconnected = "state"
	Removed      = "peering: seen gone" // of Disconnect: nothing is left
)

// Connect is a new ExpressConnect connection, from the request to Connected.
var Connect = []Row{
	{Name: "records", By: "intake", Action: "GetParametersByPath", Why: "a pair has one connection, an id one pair"},
	{Name: "VPCs", By: "intake", Action: "DescribeVpcAttribute", Why: "that they are there, their blocks, their routers"},
	{Name: "vSwitches", By: "intake", Action: "DescribeVSwitches", Why: "blocks that routes must not collide with; which table serves whom"},
	{Name: "groups", By: "intake", Action: "DescribeSecurityGroups", Why: "that they are there, in this VPC, and can be edited"},
	{Name: "interfaces", By: "intake", Action: "DescribeRouterInterfaces", Needs: []string{"VPCs"}, Why: "whether the pair is joined already, and how many more the router takes"},
	{Name: "entries", By: "intake", Action: "DescribeRouteEntryList", Needs: []string{"vSwitches"}, Why: "a route in the way, and how full the tables are"},
	{Name: "record", By: "intake", Action: "GetParameters", Pick: before, Of: "request", Needs: []string{"records", "VPCs", "groups", "interfaces", "entries"}, Why: "others may have asked meanwhile"},
	{Name: "request", By: "intake", Action: "CreateParameter UpdateParameter", About: "/request", Needs: []string{"record"}, Why: "what is wanted is recorded"},
	{Name: "remains", By: "intake", Action: "GetParameters", Pick: after, Of: "request", Needs: []string{"request"}, Why: "entries of a record of this id that was deleted"},
	{Name: "twins", By: "intake", Action: "GetParametersByPath", Pick: after, Of: "request", Needs: []string{"request"}, Why: "of two asked for at one moment the later gives way"},

	{Name: "peering: record", By: "peering", Action: "GetParameters", Needs: []string{"request", "remains", "twins"}, Why: "rule 2: what is wanted, and its generation"},
	{Name: "peering: interfaces", By: "peering", Action: "DescribeRouterInterfaces", Needs: []string{"peering: record"}, Why: "rule 4: what is there"},
	{Name: "peering: look before create", By: "peering", Action: "GetParameters", Pick: before, Of: "create", Needs: []string{"peering: interfaces"}, Why: "rule 2"},
	{Name: "create", By: "peering", Action: "CreateRouterInterface", Needs: []string{"peering: look before create"}, Why: "both sides"},
	{Name: "peering: look before face", By: "peering", Action: "GetParameters", Pick: before, Of: "face", Needs: []string{"create"}, Why: "rule 2"},
	{Name: "face", By: "peering", Action: "ModifyRouterInterfaceAttribute", Needs: []string{"peering: look before face"}, Why: "each side names the other, by its id"},
	{Name: "peering: look before connect", By: "peering", Action: "GetParameters", Pick: before, Of: "connect", Needs: []string{"face"}, Why: "rule 2"},
	{Name: "connect", By: "peering", Action: "ConnectRouterInterface", Needs: []string{"peering: look before connect"}, Why: "needs both to name each other"},
	{Name: "peering: look back", By: "peering", Action: "GetParameters", Pick: after, Of: "connect", Needs: []string{"connect"}, Why: "rule 2"},
	{Name: "both Active", What: "interface", Is: "Active", Needs: []string{"connect"}, Why: "the cloud's own time"},
	{Name: "peering: seen", By: "peering", Action: "DescribeRouterInterfaces", Pick: last, Needs: []string{"both Active", "peering: look back"}, Why: "routes are refused before"},

	{Name: "routes: record", By: "routes", Action: "GetParameters", Needs: []string{"peering: seen"}, Why: "rule 2"},
	{Name: "routes: interfaces", By: "routes", Action: "DescribeRouterInterfaces", Needs: []string{"routes: record"}, Why: "where the routes lead"},
	{Name: "routes: entries", By: "routes", Action: "DescribeRouteEntryList", Needs: []string{"routes: record"}, Why: "rule 4: what is there"},
	{Name: "routes: look", By: "routes", Action: "GetParameters", Pick: before, Of: "routes", Needs: []string{"routes: interfaces", "routes: entries"}, Why: "rule 2"},
	{Name: "routes", By: "routes", Action: "CreateRouteEntries", Needs: []string{"routes: look"}, Why: "a batch for each VPC"},
	{Name: "routes: look back", By: "routes", Action: "GetParameters", Pick: after, Of: "routes", Needs: []string{"routes"}, Why: "rule 2"},
	{Name: "routes Available", What: "route", Is: "Available", Needs: []string{"routes"}, Why: "the cloud's own time: a task for each VPC"},
	{Name: "routes: seen", By: "routes", Action: "DescribeRouteEntryList", Pick: last, Needs: []string{"routes Available", "routes: look back"}, Why: "a batch may be carried out in part"},

	{Name: "groups: record", By: "securitygroups", Action: "GetParameters", Needs: []string{"routes: seen"}, Why: "rule 2"},
	{Name: "groups: rules", By: "securitygroups", Action: "DescribeSecurityGroupAttribute", Needs: []string{"groups: record"}, Why: "rule 7: the cloud takes an equal rule of somebody else's without a word"},
	{Name: "groups: look", By: "securitygroups", Action: "GetParameters", Pick: before, Of: "authorize", Needs: []string{"groups: rules"}, Why: "rule 2"},
	{Name: "authorize", By: "securitygroups", Action: "AuthorizeSecurityGroup", Needs: []string{"groups: look"}, Why: "a call for each group"},
	{Name: "groups: seen", By: "securitygroups", Action: "DescribeSecurityGroupAttribute", Pick: after, Of: "authorize", Needs: []string{"authorize"}, Why: "whether the rules are there and whose, and their ids, which the answer does not name"},
	{Name: "groups: look back", By: "securitygroups", Action: "GetParameters", Pick: after, Of: "authorize", Needs: []string{"authorize"}, Why: "rule 2"},

	{Name: "verification: record", By: "verification", Action: "GetParameters", Needs: []string{"authorize", "groups: seen", "groups: look back"}, Why: "rule 2"},
	{Name: "instances", By: "verification", Action: "DescribeInstances", Needs: []string{"verification: record"}, Why: "from where to where"},
	{Name: "verification: look", By: "verification", Action: "GetParameters", Pick: before, Of: "pings", Needs: []string{"instances"}, Why: "rule 2"},
	{Name: "pings", By: "verification", Action: "RunCommand", Needs: []string{"verification: look"}, Why: "one on each side"},
	{Name: "verification: look back", By: "verification", Action: "GetParameters", Pick: after, Of: "pings", Needs: []string{"pings"}, Why: "rule 2"},
	{Name: "pings ended", What: "ping", Is: "ended", Needs: []string{"pings"}, Why: "four packets, 0.2 s apart, and their way"},
	{Name: "results", By: "verification", Action: "DescribeInvocations", Pick: last, Needs: []string{"pings ended", "verification: look back"}, Why: "what they print is the proof"},
	{Name: "kept", By: "verification", Action: "CreateParameter UpdateParameter", About: "/connected", Needs: []string{"results"}, Why: "what a rollback returns to, before the state says Connected"},
	{Name: "state", By: "verification", Action: "CreateParameter UpdateParameter", About: "/verification", Pick: last, Needs: []string{"kept"}, Why: "the state is Connected when this is written"},
}

// lateCalls is how long after a disconnect was recorded a call made before may
// still take effect: the second look at whether all is gone comes no sooner
// (README, rule 10, and package verification).
const lateCalls = time.Minute

// Disconnect is a disconnect, from the request to Disconnected.
var Disconnect = []Row{
	{Name: "record", By: "intake", Action: "GetParameters", Why: "what there is to disconnect"},
	{Name: "request", By: "intake", Action: "CreateParameter UpdateParameter", About: "/request", Needs: []string{"record"}, Why: "what is wanted is recorded"},
	{Name: "late calls' minute", For: lateCalls, Needs: []string{"request"}, Why: "rule 10: a call made before may still take effect until then"},

	{Name: "groups: record", By: "securitygroups", Action: "GetParameters", Needs: []string{"request"}, Why: "rule 2"},
	{Name: "groups: others", By: "securitygroups", Action: "GetParametersByPath", Needs: []string{"groups: record"}, Why: "rule 7: who else needs it"},
	{Name: "groups: rules", By: "securitygroups", Action: "DescribeSecurityGroupAttribute", Needs: []string{"groups: record"}, Why: "rule 4"},
	{Name: "groups: look", By: "securitygroups", Action: "GetParameters", Pick: before, Of: "revoke", Needs: []string{"groups: rules", "groups: others"}, Why: "rule 2"},
	{Name: "revoke", By: "securitygroups", Action: "RevokeSecurityGroup", Needs: []string{"groups: look"}, Why: "a call for each group"},
	{Name: "groups: seen", By: "securitygroups", Action: "DescribeSecurityGroupAttribute", Pick: after, Of: "revoke", Needs: []string{"revoke"}, Why: "that they are gone"},
	{Name: "groups: look back", By: "securitygroups", Action: "GetParameters", Pick: after, Of: "revoke", Needs: []string{"revoke"}, Why: "rule 2"},
	{Name: "groups: others again", By: "securitygroups", Action: "GetParametersByPath", Pick: after, Of: "revoke", Needs: []string{"revoke"}, Why: "rule 7"},

	{Name: "routes: record", By: "routes", Action: "GetParameters", Needs: []string{"groups: seen", "groups: look back", "groups: others again"}, Why: "rule 2"},
	{Name: "routes: others", By: "routes", Action: "GetParametersByPath", Needs: []string{"routes: record"}, Why: "rule 7"},
	{Name: "routes: tables", By: "routes", Action: "DescribeRouteTableList", Needs: []string{"routes: record"}, Why: "ours may be in a table that is no longer wanted"},
	{Name: "routes: entries", By: "routes", Action: "DescribeRouteEntryList", Needs: []string{"routes: tables"}, Why: "rule 4"},
	{Name: "routes: look", By: "routes", Action: "GetParameters", Pick: before, Of: "unroute", Needs: []string{"routes: others", "routes: entries"}, Why: "rule 2"},
	{Name: "unroute", By: "routes", Action: "DeleteRouteEntries", Needs: []string{"routes: look"}, Why: "a batch for each VPC"},
	{Name: "routes: look back", By: "routes", Action: "GetParameters", Pick: after, Of: "unroute", Needs: []string{"unroute"}, Why: "rule 2"},
	{Name: "routes gone", What: "route", Is: "", Needs: []string{"unroute"}, Why: "the cloud's own time"},
	{Name: "routes: seen", By: "routes", Action: "DescribeRouteEntryList", Pick: last, Needs: []string{"routes gone", "routes: look back"}, Why: "an interface cannot go before"},

	{Name: "peering: record", By: "peering", Action: "GetParameters", Needs: []string{"routes: seen"}, Why: "rule 2"},
	{Name: "peering: others", By: "peering", Action: "GetParametersByPath", Needs: []string{"peering: record"}, Why: "rule 7"},
	{Name: "peering: interfaces", By: "peering", Action: "DescribeRouterInterfaces", Needs: []string{"peering: record"}, Why: "rule 4"},
	{Name: "peering: tables", By: "peering", Action: "DescribeRouteTableList", Needs: []string{"peering: record"}, Why: "any table may have a route to it"},
	{Name: "peering: entries", By: "peering", Action: "DescribeRouteEntryList", Needs: []string{"peering: tables"}, Why: "nothing goes while a route leads to it"},
	{Name: "peering: look before deactivate", By: "peering", Action: "GetParameters", Pick: before, Of: "deactivate", Needs: []string{"peering: others", "peering: interfaces", "peering: entries"}, Why: "rule 2"},
	{Name: "deactivate", By: "peering", Action: "DeactivateRouterInterface", Needs: []string{"peering: look before deactivate"}, Why: "both sides"},
	{Name: "both Inactive", What: "interface", Is: "Inactive", Needs: []string{"deactivate"}, Why: "the cloud's own time"},
	{Name: "peering: seen Inactive", By: "peering", Action: "DescribeRouterInterfaces", Pick: before, Of: "delete", Needs: []string{"both Inactive"}, Why: "an Active one cannot be deleted"},
	{Name: "peering: look before delete", By: "peering", Action: "GetParameters", Pick: before, Of: "delete", Needs: []string{"peering: seen Inactive"}, Why: "rule 2"},
	{Name: "delete", By: "peering", Action: "DeleteRouterInterface", Needs: []string{"peering: look before delete"}, Why: "both sides"},
	{Name: "peering: look back", By: "peering", Action: "GetParameters", Pick: after, Of: "delete", Needs: []string{"delete"}, Why: "rule 2"},
	{Name: "both gone", What: "interface", Is: "", Needs: []string{"delete"}, Why: "the cloud's own time"},
	{Name: "peering: seen gone", By: "peering", Action: "DescribeRouterInterfaces", Pick: last, Needs: []string{"both gone", "peering: look back"}, Why: "gone is what no read shows"},

	{Name: "verification: record", By: "verification", Action: "GetParameters", Needs: []string{"peering: seen gone"}, Why: "rule 2"},
	{Name: "instances", By: "verification", Action: "DescribeInstances", Needs: []string{"verification: record"}, Why: "from where to where"},
	{Name: "verification: look", By: "verification", Action: "GetParameters", Pick: before, Of: "pings", Needs: []string{"instances"}, Why: "rule 2"},
	{Name: "pings", By: "verification", Action: "RunCommand", Needs: []string{"verification: look"}, Why: "one on each side, which must not pass"},
	{Name: "pings ended", What: "ping", Is: "ended", Needs: []string{"pings"}, Why: "four packets that nobody answers"},
	{Name: "results", By: "verification", Action: "DescribeInvocations", Pick: last, Needs: []string{"pings ended"}, Why: "what they print is the proof"},
	{Name: "last look", By: "verification", Action: "DescribeRouteEntryList", Pick: last, Needs: []string{"late calls' minute"}, Why: "rule 10: the second look, at all that a call may have made late"},
	{Name: "state", By: "verification", Action: "CreateParameter UpdateParameter", About: "/verification", Pick: last, Needs: []string{"results", "last look"}, Why: "the state is Disconnected when this is written"},
}
