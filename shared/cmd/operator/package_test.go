package main

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPackageHoldsAnExecutableMainAndIsTheSameBytesEachTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "main")
	require.NoError(t, os.WriteFile(binary, []byte("not really a binary"), 0o600))

	_, first, err := packFunction(binary, filepath.Join(dir, "a.zip"))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(binary, packTime.AddDate(40, 0, 0), packTime.AddDate(41, 0, 0)))
	_, second, err := packFunction(binary, filepath.Join(dir, "b.zip"))
	require.NoError(t, err)
	require.Equal(t, first, second)

	z, err := zip.OpenReader(filepath.Join(dir, "a.zip"))
	require.NoError(t, err)
	defer z.Close()
	require.Len(t, z.File, 1)
	require.Equal(t, "main", z.File[0].Name)
	require.Equal(t, os.FileMode(0o755), z.File[0].Mode())
}
