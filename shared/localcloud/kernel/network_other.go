//go:build !linux

package kernel

import (
	"fmt"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

// Network is one local cloud's network in the kernel, which has to be Linux.
type Network struct{}

var errNotLinux = fmt.Errorf("%w: it needs Linux", ErrUnavailable)

// Open says that this is not Linux.
func Open(Options) (*Network, error) { return nil, errNotLinux }

// Sweep has nothing to remove.
func Sweep() ([]string, error) { return nil, errNotLinux }

// The methods of a network that Open never returns.

func (*Network) Namespace(string) string                            { return "" }
func (*Network) Prefix() string                                     { return "" }
func (*Network) Apply(*engine.Topology) error                       { return errNotLinux }
func (*Network) Follow(*engine.Engine) error                        { return errNotLinux }
func (*Network) Start(engine.Script, func(engine.Execution)) func() { return func() {} }
func (*Network) Run(engine.Script) engine.Execution                 { return engine.Execution{ExitCode: 1} }
func (*Network) Deliver([]dataplane.Packet, Patience) ([]dataplane.Fate, error) {
	return nil, errNotLinux
}
func (*Network) Close() error { return nil }
