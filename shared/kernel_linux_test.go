package shared_test

import (
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/kernel"
)

var everyBreak = flag.Bool("kernel", false, "break the tutorial in every way on the kernel's network, not in some")

// onKernel runs scripts on the kernel's network, and has the cloud's clock,
// which is the test's, wait for them.
type onKernel struct{ network *kernel.Network }

func (k onKernel) Run(s engine.Script) engine.Execution { return k.network.Run(s) }

// The README's table of breaks on the kernel's network: real packets lead to the
// same verdicts. make breaks has all of them, which takes a minute or two.
func TestTheSameVerdictsOnTheKernel(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	some := map[string]bool{
		"a route is deleted on the acceptor's side": true, "our rule is removed": true, "a container bridge covers the other side": true,
	}
	for number, tt := range breaks {
		for _, kind := range []interconnect.Type{interconnect.TypeExpressConnect, interconnect.TypeVpcPeering} {
			if tt.only != "" && tt.only != kind || !*everyBreak && (!some[tt.name] || kind == interconnect.TypeVpcPeering == (number%2 == 0)) {
				continue
			}
			t.Run(string(kind)+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				n, err := kernel.Open(kernel.Options{Instant: true, Warn: func(err error) { t.Error(err) }})
				if errors.Is(err, kernel.ErrUnavailable) {
					t.Skip(err)
				}
				require.NoError(t, err)
				defer func() { require.NoError(t, n.Close()) }()
				tt.holds(t, breakIn(t, string(template), madeKey{kind, tt.advanced}, func(o *engine.Options) { o.Guest = onKernel{n} }))
			})
		}
	}
}
