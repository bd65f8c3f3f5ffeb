// Package interconnect is the domain: what a connection between two VPCs is,
// what is wanted, what exists, how the two differ, and what state that makes.
//
// It is pure. It imports no SDK, does no I/O and reads no clock; whoever calls
// it brings what was observed and the time.
package interconnect
