package main

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASweepSaysWhatItRemoved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		removed []string
		err     error
		says    string
	}{
		{"some", []string{"lc-1-vpc-a", "lc-1-i-a"}, nil, "removed lc-1-vpc-a\nremoved lc-1-i-a\n"},
		{"nothing", nil, nil, "nothing to remove\n"},
		{"some, and then it failed", []string{"lc-1-vpc-a"}, errors.New("not root"), "removed lc-1-vpc-a\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			command := sweepCommand(func() ([]string, error) { return c.removed, c.err })
			command.SilenceErrors, command.SilenceUsage = true, true
			command.SetOut(&out)
			command.SetErr(io.Discard)
			command.SetArgs([]string{})
			require.Equal(t, c.err, command.Execute())
			require.Equal(t, c.says, out.String())
		})
	}
}

func TestTheNetworkIsOneOfTwo(t *testing.T) {
	t.Parallel()
	_, err := command(t.Context(), "up", "--calm", "--dataplane", "paper")
	require.ErrorContains(t, err, `--dataplane "paper": it is memory or kernel`)
}
