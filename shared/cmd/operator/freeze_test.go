package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFreezeAndThaw(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Contains(t, b.mustRun("thaw"), "Nothing was frozen.")
	require.Contains(t, b.mustRun("freeze", "  night shift "), "frozen: night shift")
	reason, frozen, err := b.d.records.Frozen(t.Context())
	require.NoError(t, err)
	require.True(t, frozen)
	require.Equal(t, "night shift", reason)
	require.Contains(t, b.mustRun("freeze", "audit"), "frozen already (night shift)")
	require.Contains(t, b.mustRun("thaw"), "They were frozen: audit")
	_, frozen, err = b.d.records.Frozen(t.Context())
	require.NoError(t, err)
	require.False(t, frozen)
	for _, args := range [][]string{{"freeze"}, {"freeze", " "}, {"freeze", "a", "b"}, {"thaw", "now"}} {
		_, err := b.run(args...)
		require.Error(t, err, args)
	}
}

func TestTheEnvironmentNamesTheDeployment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		says string
	}{
		"no key":                       {map[string]string{}, "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"half a key":                   {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "x"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
		"another cloud's API alone":    {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "y", "OPENAPI_ENDPOINT": "http://127.0.0.1:1"}, "both"},
		"another cloud's queues alone": {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "y", "MNS_ENDPOINT": "http://localhost:1/1.mns.cn-hangzhou.aliyuncs.com"}, "both"},
		"a key is enough":              {map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "y"}, ""},
	} {
		d, err := fromEnvironment(func(k string) string { return c.env[k] }, nil)()
		if c.says != "" {
			require.ErrorContains(t, err, c.says, name)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "vi", d.prefix)
		require.Equal(t, "cn-hangzhou", d.region)
	}
}
