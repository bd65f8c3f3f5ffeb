package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/world"
)

func TestTheFactsAreATable(t *testing.T) {
	t.Parallel()
	all, err := command(t.Context(), "facts")
	require.NoError(t, err)
	open, err := command(t.Context(), "facts", "--unconfirmed")
	require.NoError(t, err)
	rows := func(s string) int { return strings.Count(s, "\n| ") }
	require.Greater(t, rows(all), rows(open))
	require.Contains(t, open, "| RouteStatusCreated | TestRouteEntryLifecycle |")
	require.Contains(t, all, "## Triggers of functions")
	for line := range strings.Lines(open) {
		cells := strings.Split(line, " | ")
		require.True(t, len(cells) != 4 || cells[0] == "| Behaviour" || cells[2] != "" || strings.Contains(line, "UNCONFIRMED"), line)
	}
}

func TestAWorldIsWrittenToAFileThatLoads(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "after.yaml")
	require.NoError(t, writeWorld(file, world.Default()))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	w, err := world.Load(file, text)
	require.NoError(t, err)
	require.Equal(t, world.Default(), w)
	require.NoError(t, writeWorld("", w), "no file is asked for")
	require.Error(t, writeWorld(filepath.Join(file, "below"), w))
}
