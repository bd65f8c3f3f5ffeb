package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc/manifest"
	"vpcinterconnect/shared/localcloud/openapi"
)

// site is a folder that is ready to be deployed, and a cloud that has what
// template.yml makes.
type site struct {
	dir    string
	env    map[string]string
	tools  []string
	engine *engine.Engine
	base   *manifest.Base
}

func newSite(t *testing.T, program []byte) *site {
	t.Helper()
	const account, region = "1234567890123456", "cn-hangzhou"
	s := &site{dir: t.TempDir(), tools: []string{"go", "s"}}
	for _, name := range []string{"s.yaml", "template.yml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), text, 0o600))
		if name == "template.yml" {
			s.base, err = manifest.Template(name, text, manifest.Pseudo{Region: region, AccountID: account, StackName: "x"})
			require.NoError(t, err)
		} else {
			functions, err := manifest.Functions(name, text, func(string) (string, bool) { return "", false })
			require.NoError(t, err)
			for _, f := range functions {
				path := filepath.Join(s.dir, f.Code, f.Handler)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, program, 0o600))
			}
		}
	}
	s.engine = engine.New(engine.Options{AccountID: account})
	s.engine.AddRegion(engine.Region{ID: region})
	key := s.engine.AddUser("deployer", "", "")
	s.env = map[string]string{
		"REGION": region, "ALIBABA_CLOUD_ACCOUNT_ID": account, "ALIBABA_CLOUD_ACCESS_KEY_ID": key.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.Secret, "API_TOKENS": "ann:" + strings.Repeat("0", 64),
	}
	for _, dead := range []bool{true, false} {
		for _, q := range s.base.Queues {
			if (q.DeadLetters == "") != dead {
				continue
			}
			a := engine.DefaultQueueAttributes()
			if q.VisibilityTimeout != nil {
				a.VisibilityTimeout = *q.VisibilityTimeout
			}
			if q.DeadLetters != "" {
				a.DeadLetter = engine.DeadLetterPolicy{Enabled: true, Target: q.DeadLetters, MaxReceiveCount: q.MaxReceiveCount}
			}
			_, err := s.engine.CreateQueue(engine.QueueRef{Region: region, Name: q.Name}, a)
			require.NoError(t, err)
		}
	}
	return s
}

func (s *site) check() (string, error) {
	env := func(name string) string { return s.env[name] }
	way := openapi.InProcess(openapi.New(openapi.Options{Engine: s.engine}))
	out := &bytes.Buffer{}
	c := deployCheck{env: env, out: out, dir: s.dir, look: func(tool string) (string, error) {
		for _, t := range s.tools {
			if t == tool {
				return "/bin/" + tool, nil
			}
		}
		return "", errors.New("not found")
	}}
	err := c.run(context.Background(), fromEnvironment(env, way))
	return out.String(), err
}

// staticProgram builds a small program as functions are built.
func staticProgram(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\nfunc main() {}\n"), 0o600))
	cmd := exec.Command("go", "build", "-o", "main", "main.go")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	program, err := os.ReadFile(filepath.Join(dir, "main"))
	require.NoError(t, err)
	return program
}

func TestDeployCheck(t *testing.T) {
	t.Parallel()
	program := staticProgram(t)
	out, err := newSite(t, program).check()
	require.NoError(t, err, out)
	require.NotContains(t, out, "missing")
	require.Contains(t, out, "ok       the queue vi-peering\n")

	for name, c := range map[string]struct {
		spoil func(t *testing.T, s *site)
		want  string
	}{
		"a tool that is not there":      {func(_ *testing.T, s *site) { s.tools = []string{"go"} }, "the tool s: install Serverless Devs"},
		"no region":                     {func(_ *testing.T, s *site) { delete(s.env, "REGION") }, "the variable REGION: "},
		"no account":                    {func(_ *testing.T, s *site) { delete(s.env, "ALIBABA_CLOUD_ACCOUNT_ID") }, "the variable ALIBABA_CLOUD_ACCOUNT_ID: "},
		"a key of another account":      {func(_ *testing.T, s *site) { s.env["ALIBABA_CLOUD_ACCOUNT_ID"] = "99" }, "the key is of account 1234567890123456, ALIBABA_CLOUD_ACCOUNT_ID says 99"},
		"no key":                        {func(_ *testing.T, s *site) { delete(s.env, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") }, "the key: set ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"nobody who may ask":            {func(_ *testing.T, s *site) { delete(s.env, "API_TOKENS") }, "operator token NAME makes one"},
		"a token in place of its hash":  {func(_ *testing.T, s *site) { s.env["API_TOKENS"] = "ann:secret" }, "the variable API_TOKENS: token 1"},
		"a function that was not built": {func(t *testing.T, s *site) { require.NoError(t, os.RemoveAll(filepath.Join(s.dir, ".build/routes"))) }, "the built function routes: run make build"},
		"a function for another machine": {func(t *testing.T, s *site) {
			other := bytes.Clone(program)
			other[18] = 183 // the ELF header's machine: AArch64
			require.NoError(t, os.WriteFile(filepath.Join(s.dir, ".build/routes/main"), other, 0o600))
		}, "the built function routes: it is for another machine"},
		"a template that was not applied": {func(_ *testing.T, s *site) {
			for _, q := range s.base.Queues {
				s.engine.DeleteQueue(engine.QueueRef{Region: "cn-hangzhou", Name: q.Name})
			}
		}, "the queue vi-dead-letters: apply template.yml"},
		"a template that was changed since": {func(t *testing.T, s *site) {
			require.NoError(t, s.engine.SetQueueAttributes(engine.QueueRef{Region: "cn-hangzhou", Name: "vi-routes"}, func(a *engine.QueueAttributes) { a.VisibilityTimeout = 30 }))
		}, "the queue vi-routes: a message stays hidden for 30s, template.yml says 360 s"},
		"another prefix": {func(_ *testing.T, s *site) { s.env["PREFIX"] = "other" }, "the queue other-peering: apply template.yml"},
		"a typo in s.yaml": {func(t *testing.T, s *site) {
			path := filepath.Join(s.dir, "s.yaml")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte("timeout:"), []byte("timeOut:"), 1), 0o600))
		}, "timeOut"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, program)
			s.env = maps.Clone(s.env)
			c.spoil(t, s)
			out, err := s.check()
			require.ErrorContains(t, err, "nothing was deployed")
			require.Contains(t, out, "missing  ")
			require.Contains(t, out, c.want)
			if key := s.env["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]; key != "" {
				require.NotContains(t, out, key)
			}
		})
	}
}

func TestATokenIsPrintedOnceWithItsHash(t *testing.T) {
	t.Parallel()
	mint := func(args ...string) (token, pair string, err error) {
		out := &bytes.Buffer{}
		cmd := tokenCommand()
		cmd.SetOut(out)
		cmd.SetErr(io.Discard)
		cmd.SetArgs(args)
		err = cmd.Execute()
		if words := strings.Fields(out.String()); len(words) == 4 {
			token, pair = words[1], words[3]
		}
		return token, pair, err
	}
	token, pair, err := mint("ann")
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(token))
	require.Equal(t, "ann:"+hex.EncodeToString(sum[:]), pair)
	require.GreaterOrEqual(t, len(token), 26)
	again, _, err := mint("ann")
	require.NoError(t, err)
	require.NotEqual(t, token, again)

	_, pair, err = mint("--read-only", "bob")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(pair, "bob:read-only:"), pair)
	_, _, err = mint("a:b")
	require.ErrorContains(t, err, "cannot be a token's name")
}
