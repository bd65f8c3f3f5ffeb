package chain_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// A twin has removed what one of several calls was to remove, and another call
// failed in passing.
func TestOfSeveralFailuresThoseThatReadingAnewSettlesDoNotCount(t *testing.T) {
	t.Parallel()
	of := func(c interconnect.Class) error {
		return &interconnect.CloudError{Class: c, Action: "RevokeSecurityGroup"}
	}
	for name, c := range map[string]struct {
		err  error
		want chain.Kind
	}{
		"gone beside transient":           {errors.Join(of(interconnect.Gone), of(interconnect.Transient)), chain.KindRetry},
		"there already beside throttled":  {errors.Join(of(interconnect.Throttled), of(interconnect.Exists)), chain.KindWait},
		"gone beside denied":              {errors.Join(of(interconnect.Gone), of(interconnect.Denied)), chain.KindReject},
		"gone beside superseded":          {errors.Join(of(interconnect.Gone), chain.ErrSuperseded), chain.KindDrop},
		"nothing but gone, which decides": {errors.Join(of(interconnect.Gone), of(interconnect.Gone)), chain.KindReject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := chain.FromError(c.err)
			require.Equal(t, c.want, out.Kind)
			require.ErrorIs(t, out.Err, c.err)
		})
	}
}
