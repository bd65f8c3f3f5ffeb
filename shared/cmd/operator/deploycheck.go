package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

func deployCheckCommand(open opener, env func(string) string) *cobra.Command {
	return &cobra.Command{
		Use:   "deploy-check",
		Short: "Look whether all is ready for s deploy; change nothing",
		Long: `Look whether all is ready for "s deploy": the tools, the environment, the built
functions, the account, and what template.yml makes. It changes nothing.
` + environmentHelp + `
  ALIBABA_CLOUD_ACCOUNT_ID
                     the account that is meant: s.yaml writes it into roles and addresses
  API_TOKENS         who may ask, as "operator token" prints it
`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := deployCheck{env: env, out: cmd.OutOrStdout(), dir: ".", look: exec.LookPath}
			return c.run(cmd.Context(), open)
		},
	}
}

// deployCheck goes through what a deployment needs, and prints a line of each.
type deployCheck struct {
	env  func(string) string
	out  io.Writer
	dir  string // the folder of s.yaml and template.yml
	look func(tool string) (path string, err error)

	missing int
}

// found prints what one look came to: nil for all right, else what to do.
func (c *deployCheck) found(what string, err error) {
	if err == nil {
		fmt.Fprintf(c.out, "ok       %s\n", what)
		return
	}
	c.missing++
	fmt.Fprintf(c.out, "missing  %s: %s\n", what, err)
}

func (c *deployCheck) run(ctx context.Context, open opener) error {
	for _, tool := range []struct{ name, why string }{
		{"go", "install Go, which builds the functions"},
		{"s", "install Serverless Devs: npm install -g @serverless-devs/s"},
	} {
		_, err := c.look(tool.name)
		if err != nil {
			err = errors.New(tool.why)
		}
		c.found("the tool "+tool.name, err)
	}
	for _, v := range []struct{ name, why string }{
		{"REGION", "set it to the region of the deployment, e.g. cn-hangzhou"},
		{"ALIBABA_CLOUD_ACCOUNT_ID", "set it to the id of the account that is meant"},
	} {
		var err error
		if c.env(v.name) == "" {
			err = errors.New(v.why)
		}
		c.found("the variable "+v.name, err)
	}
	tokens, err := intake.ParseTokens(c.env("API_TOKENS"))
	if err == nil && len(tokens) == 0 {
		err = errors.New("set it, or nobody can ask: operator token NAME makes one")
	}
	c.found("the variable API_TOKENS", err)

	functions, base, err := c.files()
	c.found("s.yaml and template.yml", err)
	if err == nil {
		for _, f := range functions {
			c.found("the built function "+f.ID, built(filepath.Join(c.dir, f.Code, f.Handler)))
		}
		c.inTheCloud(ctx, open, base)
	}
	if c.missing > 0 {
		return fmt.Errorf("%d things are missing; nothing was deployed", c.missing)
	}
	return nil
}

// files reads both files as they are going to be deployed.
func (c *deployCheck) files() ([]manifest.Function, *manifest.Base, error) {
	text, err := os.ReadFile(filepath.Join(c.dir, "s.yaml"))
	if err != nil {
		return nil, nil, err
	}
	functions, err := manifest.Functions("s.yaml", text, func(name string) (string, bool) {
		v := c.env(name)
		return v, v != ""
	})
	if err != nil {
		return nil, nil, err
	}
	if text, err = os.ReadFile(filepath.Join(c.dir, "template.yml")); err != nil {
		return nil, nil, err
	}
	pseudo := manifest.Pseudo{Region: functions[0].Region, AccountID: c.env("ALIBABA_CLOUD_ACCOUNT_ID"), StackName: "deploy-check"}
	if p := c.env("PREFIX"); p != "" {
		pseudo.Parameters = map[string]string{"Prefix": p}
	}
	base, err := manifest.Template("template.yml", text, pseudo)
	return functions, base, err
}

// built tells what is wrong with a function's binary: go1 runs static programs
// for Linux on x86-64.
func built(path string) error {
	const how = "run make build"
	f, err := elf.Open(path)
	if err != nil {
		return errors.New(how)
	}
	defer func() { _ = f.Close() }()
	if f.Machine != elf.EM_X86_64 {
		return fmt.Errorf("it is for another machine; %s", how)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("it is not static; %s", how)
		}
	}
	return nil
}

func (c *deployCheck) inTheCloud(ctx context.Context, open opener, base *manifest.Base) {
	d, err := open()
	c.found("the key", err)
	if err != nil {
		return
	}
	account, err := d.cloud.AccountID(ctx)
	if want := c.env("ALIBABA_CLOUD_ACCOUNT_ID"); err == nil && want != "" && account != want {
		err = fmt.Errorf("the key is of account %s, ALIBABA_CLOUD_ACCOUNT_ID says %s", account, want)
	}
	c.found("the account", err)
	if err != nil {
		return
	}
	for _, want := range base.Queues {
		is, err := d.cloud.Queue(ctx, want.Name)
		c.found("the queue "+want.Name, asInTemplate(want, is, err))
	}
}

// asInTemplate tells how a queue differs from what template.yml makes.
func asInTemplate(want manifest.Queue, is *alicloud.Queue, err error) error {
	const again = "apply template.yml in this region (README, Deploy)"
	switch {
	case interconnect.IsGone(err):
		return errors.New(again)
	case err != nil:
		return err
	case want.VisibilityTimeout != nil && is.Visibility != time.Duration(*want.VisibilityTimeout)*time.Second:
		return fmt.Errorf("a message stays hidden for %s, template.yml says %d s; %s", is.Visibility, *want.VisibilityTimeout, again)
	case is.DeadLetters != "" && !strings.HasSuffix(is.DeadLetters, want.DeadLetters):
		return fmt.Errorf("its dead letters go to %s, template.yml says %s; %s", is.DeadLetters, want.DeadLetters, again)
	}
	return nil
}
