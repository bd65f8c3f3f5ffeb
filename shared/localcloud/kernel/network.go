package kernel

import (
	"errors"
	"time"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

// Options set a network up.
type Options struct {
	// Instant leaves out the time that packets take between VPCs, and the
	// wires' bandwidth.
	Instant bool
	// Warn is told what a person should know; nil: nobody.
	Warn func(error)
}

// ErrUnavailable is in the errors of Open that say what a machine lacks: Linux,
// root, a program, a kernel that allows it.
var ErrUnavailable = errors.New("the kernel's network is not to be had here")

// Patience is how long Deliver waits for what may come back.
type Patience struct {
	Awaited func(dataplane.Packet) bool // which packets are expected to bring something back
	For     time.Duration               // how long those may take
	After   time.Duration               // how long to wait, when all of them have, for what nobody expects
}

var _ engine.LiveGuest = (*Network)(nil)
