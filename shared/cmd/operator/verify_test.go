package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tools     []string
		schema    bool
		fail      string // the command that fails
		wantError string
		wantOut   string
		wantRuns  []string
	}{
		"without Node it is skipped":           {nil, true, "", "", "skipped: Serverless Devs needs Node", nil},
		"with the tool it previews, verifies":  {[]string{"node", "s"}, true, "", "", "ok       s verify", []string{"preview", "verify"}},
		"without the schema it only previews":  {[]string{"node", "s"}, false, "", "", "only the variables are tried", []string{"preview"}},
		"without the tool it installs it":      {[]string{"node"}, true, "", "", "ok       s verify", []string{"install", "preview", "verify"}},
		"what cannot be installed is skipped":  {[]string{"node"}, true, "install", "", "skipped: Serverless Devs is not here and could not be installed", []string{"install"}},
		"what the tool refuses is an error":    {[]string{"node", "s"}, true, "verify", "memorySize must be", "ok       s preview", []string{"preview", "verify"}},
		"a variable that is not there as well": {[]string{"node", "s"}, true, "preview", "s preview refuses", "", []string{"preview"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "s.yaml"), []byte("resources:\n  x:\n    component: fc3\n"), 0o600))
			if c.schema {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "schema.json"), []byte("{}"), 0o600))
			}
			var runs []string
			out := &bytes.Buffer{}
			v := verification{
				manifest: filepath.Join(dir, "s.yaml"), schema: filepath.Join(dir, "schema.json"), tools: filepath.Join(dir, "tools"), out: out,
				look: func(tool string) (string, error) {
					for _, t := range c.tools {
						if t == tool {
							return tool, nil
						}
					}
					return "", errors.New("not found")
				},
				run: func(_ context.Context, at string, env []string, _ string, args ...string) ([]byte, error) {
					runs = append(runs, args[0])
					if args[0] == "verify" {
						text, err := os.ReadFile(filepath.Join(at, "s.yaml"))
						require.NoError(t, err)
						require.Contains(t, string(text), "component: ${path('./component')}")
						require.FileExists(t, filepath.Join(at, "component", "schema.json"))
						require.Contains(t, strings.Join(env, "\n"), "serverless_devs_daemon_enable=false")
					}
					if args[0] == c.fail {
						return []byte("x/props/memorySize must be multiple of 64"), errors.New("exit status 1")
					}
					return nil, nil
				},
			}
			err := v.verify(context.Background())
			if c.wantError != "" {
				require.ErrorContains(t, err, c.wantError)
			} else {
				require.NoError(t, err)
			}
			require.Contains(t, out.String(), c.wantOut)
			require.Equal(t, c.wantRuns, runs)
		})
	}
}
