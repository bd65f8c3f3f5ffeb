package main

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc"
)

func TestABenchSaysWhichPartsThereAre(t *testing.T) {
	t.Parallel()
	_, err := command(t.Context(), "bench", "--parts", "one,everything")
	require.ErrorContains(t, err, `"everything": they are one, many, hubs, size, start, memory, simulation`)
}

func TestMediansAreOfSortedTimes(t *testing.T) {
	t.Parallel()
	require.Equal(t, 3*time.Second, median([]time.Duration{5 * time.Second, time.Second, 3 * time.Second}))
}

func TestAStartIsTimedUpToTheFirstPoll(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "main")
	out, err := exec.Command("go", "build", "-o", binary, "./testdata/bare").CombinedOutput()
	require.NoError(t, err, "%s", out)
	took, err := firstPoll(t.Context(), binary)
	require.NoError(t, err)
	require.Positive(t, took)
	require.Less(t, took, 20*time.Second)
	_, err = firstPoll(t.Context(), binary+"x")
	require.Error(t, err)
}

func TestTheMemoryOfAFunctionIsItsProcesss(t *testing.T) {
	t.Parallel()
	sleeping := exec.Command("sleep", "60")
	require.NoError(t, sleeping.Start())
	t.Cleanup(func() { _ = sleeping.Process.Kill(); _ = sleeping.Wait() })
	n, err := resident([]fc.Process{{Function: "a", PID: -1}, {Function: "b", PID: sleeping.Process.Pid}}, "b")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	require.Positive(t, n)
	_, err = resident(nil, "b")
	require.ErrorContains(t, err, "no process")
}
