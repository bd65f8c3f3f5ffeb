package main

import (
	"archive/zip"
	"compress/flate"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func packageCommand() *cobra.Command {
	var build string
	cmd := &cobra.Command{
		Use:   "package FUNCTION...",
		Short: "Pack built functions into zips, the same bytes each time",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, functions []string) error {
			for _, f := range functions {
				size, sum, err := packFunction(filepath.Join(build, f, "main"), filepath.Join(build, f+".zip"))
				if err == nil && size > largestPackage {
					err = fmt.Errorf("it has %.2f MB, more than the %.0f MB that keep cold starts short; see what it imports", float64(size)/1e6, float64(largestPackage)/1e6)
				}
				if err != nil {
					return fmt.Errorf("package %s: %w", f, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%-16s %5.2f MB  sha256 %x\n", f, float64(size)/1e6, sum)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&build, "build-dir", ".build", "folder that holds FUNCTION/main, and receives FUNCTION.zip")
	return cmd
}

// largestPackage is what a function's zip may have, in bytes. Function Compute
// takes more; a cold start downloads it.
const largestPackage = 5_000_000

// packTime is the time that every packed file bears: zip's earliest, so that
// the same binary gives the same bytes.
var packTime = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// packFunction writes a zip that holds the binary as `main`, executable, and
// returns the zip's size in bytes and its SHA-256.
func packFunction(binary, target string) (size int64, sum [32]byte, err error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return 0, sum, err
	}
	out, err := os.Create(target)
	if err != nil {
		return 0, sum, err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	hash := sha256.New()
	z := zip.NewWriter(io.MultiWriter(out, hash))
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	h := &zip.FileHeader{Name: "main", Method: zip.Deflate, Modified: packTime}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		return 0, sum, err
	}
	if _, err := w.Write(content); err != nil {
		return 0, sum, err
	}
	if err := z.Close(); err != nil {
		return 0, sum, err
	}
	info, err := out.Stat()
	if err != nil {
		return 0, sum, err
	}
	return info.Size(), [32]byte(hash.Sum(nil)), nil
}
