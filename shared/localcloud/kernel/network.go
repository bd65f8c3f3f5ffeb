package kernel

import "vpcinterconnect/shared/localcloud/engine"

// Options set a network up.
type Options struct {
	// Instant leaves out the time that packets take between VPCs, and the
	// wires' bandwidth.
	Instant bool
	// Warn is told what a person should know; nil: nobody.
	Warn func(error)
}

var _ engine.LiveGuest = (*Network)(nil)
