package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

// serverlessDevs is the deployer's npm package, at the version that the
// manifest was tried with.
const serverlessDevs = "@serverless-devs/s@3.1.10"

func verifyCommand() *cobra.Command {
	v := verification{look: exec.LookPath, run: runTool}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Have Serverless Devs itself read s.yaml, offline, where Node is there",
		Long: `Have Serverless Devs itself read s.yaml: it resolves all variables, and holds the
functions against the schema of its component fc3. That schema is src/schema.json
of the component's repository (devsapp/fc3): the component is downloaded at each
deployment and is not part of the tool, so without the file only the variables are
tried. Nothing of the cloud is asked. Without Node this is skipped, saying so.
`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v.out = cmd.OutOrStdout()
			ctx, cancel := context.WithTimeout(cmd.Context(), 5*time.Minute)
			defer cancel()
			return v.verify(ctx)
		},
	}
	cmd.Flags().StringVar(&v.manifest, "manifest", "s.yaml", "the file to read")
	cmd.Flags().StringVar(&v.schema, "schema", filepath.Join("..", "shared", "data", "fc3-schema.json"), "the component's schema")
	cmd.Flags().StringVar(&v.tools, "tools-dir", filepath.Join(".build", "serverless-devs"), "where the tool is installed if it is not in the path")
	return cmd
}

// verification runs the deployer's own checks.
type verification struct {
	manifest, schema, tools string

	out  io.Writer
	look func(tool string) (path string, err error)
	run  func(ctx context.Context, dir string, env []string, name string, args ...string) (output []byte, err error)
}

func (v *verification) verify(ctx context.Context) error {
	if _, err := v.look("node"); err != nil {
		fmt.Fprintln(v.out, "skipped: Serverless Devs needs Node, which is not here")
		return nil
	}
	tool, err := v.tool(ctx)
	if err != nil {
		fmt.Fprintf(v.out, "skipped: Serverless Devs is not here and could not be installed: %s\n", err)
		return nil
	}
	dir, err := os.MkdirTemp("", "verify")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// A folder of its own for what the tool keeps, and no process left behind.
	env := append(os.Environ(), "HOME="+dir, "serverless_devs_config_home="+dir, "serverless_devs_daemon_enable=false")

	text, err := os.ReadFile(v.manifest)
	if err != nil {
		return err
	}
	schema, err := os.ReadFile(v.schema)
	if err != nil {
		fmt.Fprintf(v.out, "note: the schema of the component fc3 is not at %s, so only the variables are tried\n", v.schema)
	}
	if err := layOut(dir, text, schema); err != nil {
		return err
	}
	commands := []string{"preview"}
	if schema != nil {
		commands = append(commands, "verify")
	}
	for _, command := range commands {
		output, err := v.run(ctx, dir, env, tool, command, "-t", "s.yaml")
		if err != nil {
			return fmt.Errorf("s %s refuses %s:\n%s", command, v.manifest, bytes.TrimSpace(output))
		}
		fmt.Fprintf(v.out, "ok       s %s\n", command)
	}
	return nil
}

// tool finds the deployer, or installs it.
func (v *verification) tool(ctx context.Context) (string, error) {
	if path, err := v.look("s"); err == nil {
		return path, nil
	}
	dir, err := filepath.Abs(v.tools)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "node_modules", ".bin", "s")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	output, err := v.run(ctx, dir, os.Environ(), "npm", "install", "--no-audit", "--no-fund", "--prefix", dir, serverlessDevs)
	if err != nil {
		return "", fmt.Errorf("npm install %s: %w: %.300s", serverlessDevs, err, bytes.TrimSpace(output))
	}
	return path, nil
}

// component stands in for fc3, which would be downloaded: it has the schema and
// nothing else.
const component = `const fs = require('fs'), path = require('path');
class Component {
  async getSchema() { return fs.readFileSync(path.join(__dirname, 'schema.json'), 'utf-8'); }
}
module.exports = Component;
module.exports.default = Component;
`

// layOut writes the manifest and the component that it is to be held against.
func layOut(dir string, manifest, schema []byte) error {
	files := map[string][]byte{"s.yaml": manifest}
	if schema != nil {
		files = map[string][]byte{
			"s.yaml":                 bytes.ReplaceAll(manifest, []byte("component: fc3"), []byte("component: ${path('./component')}")),
			"component/package.json": []byte(`{"name": "component", "version": "0.0.1", "main": "index.js"}`),
			"component/index.js":     []byte(component),
			"component/schema.json":  schema,
		}
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func runTool(ctx context.Context, dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	return cmd.CombinedOutput()
}
