package engine

// Topology is a read-only picture of all that decides about packets.
type Topology struct{}
