// Package reachability says where a packet between two VPCs stops, and why: on
// the way there or on its reply's way back, at which security group, network
// ACL, route, interface or connection, with the id of what stops it and the
// change that mends it.
//
// It is pure: it judges a Picture, what the cloud reports of both sides.
// Analyze follows one packet through a Picture. Judge holds what probes and
// looks into guests found against such analyses and makes one Finding of both.
// Nothing here knows what is desired: a foreign rule stops a packet as well as
// one of ours.
//
// What it knows of the cloud is published, and listed with sources in the
// table of worked worlds, worked_test.go. The local cloud's data plane decides
// the same questions for itself; the two share no code, and random worlds hold
// each against the other.
package reachability
