package dataplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"

	"vpcinterconnect/shared/localcloud/engine"
)

// Guests runs scripts in the guests of a topology: a shell with a handful of
// programs (see programs), a clock of its own, and no way to this machine's
// files, environment, programs or network. It is an engine.Guest.
type Guests struct{}

var _ engine.Guest = Guests{}

const (
	// longestRun bounds what a script may take of this machine's time; one that
	// loops without any of the guest's time passing ends as if timed out.
	longestRun = 2 * time.Second
	// mostCommands bounds the same by count, so that most such scripts end at
	// the same place in every replay.
	mostCommands = 2000
	// mostOutput bounds what is kept of a script's output. Cloud Assistant
	// keeps less.
	mostOutput = 256 << 10
	// commandTime is what starting a program takes of the guest's time.
	commandTime = time.Millisecond
)

// errKilled ends a script whose time is over.
var errKilled = errors.New("killed")

// guest is one script's run.
type guest struct {
	world     world
	self      *engine.Instance
	start     time.Time
	mu        sync.Mutex // of what follows: the stages of a pipeline run side by side
	clock     time.Duration
	deadlines []time.Duration // of the script, and of each timeout(1) around what runs
	commands  int
	pings     int // so that two pings of one script differ
}

// Run interprets a script.
func (Guests) Run(s engine.Script) engine.Execution {
	w := world{s.Topology}
	self := w.instance(s.InstanceID)
	if self == nil {
		return engine.Execution{ExitCode: 1}
	}
	g := &guest{world: w, self: self, start: s.Start, deadlines: []time.Duration{s.Timeout}}
	out := &limited{}
	code := g.interpret(s.Content, out)
	if g.over() {
		return engine.Execution{Output: out.String(), ExitCode: code, Took: s.Timeout}
	}
	return engine.Execution{Output: out.String(), ExitCode: code, Took: g.clock}
}

// interpret runs the script itself.
func (g *guest) interpret(script string, out io.Writer) int {
	ctx, cancel := context.WithTimeout(context.Background(), longestRun)
	defer cancel()
	code, err := g.shell(ctx, "script", script, out, out)
	switch {
	case err == nil:
		return code
	case ctx.Err() != nil:
		g.kill()
	}
	return 137
}

// shell runs a script in a shell of its own. The error is that of what was
// killed.
func (g *guest) shell(ctx context.Context, name, script string, out, errOut io.Writer) (int, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), name)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2, nil
	}
	if what := refused(file); what != "" {
		fmt.Fprintf(errOut, "%s: this guest's shell has no %s\n", name, what)
		return 2, nil
	}
	r, err := interp.New(
		interp.Env(newEnvironment(g.self.HostName)), interp.Dir("/"), interp.StdIO(nil, out, errOut),
		interp.CallHandler(g.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return g.exec }),
		interp.OpenHandler(g.open), interp.ReadDirHandler2(noDirectory), interp.StatHandler(noFile), interp.AccessHandler(noAccess),
	)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 2, nil
	}
	var status interp.ExitStatus
	switch err = r.Run(ctx, file); {
	case err == nil:
		return 0, nil
	case errors.As(err, &status):
		return int(status), nil
	}
	return 0, err
}

// refused names what a script has that this shell does not do: it would need
// this machine's processes, pipes, ids or chance.
func refused(file *syntax.File) string {
	what := ""
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Coprocess {
				what = "background jobs"
			}
		case *syntax.CoprocClause:
			what = "coprocesses"
		case *syntax.ProcSubst:
			what = "process substitution"
		case *syntax.TimeClause:
			what = "time keyword"
		case *syntax.ParamExp:
			switch n.Param.Value {
			case "$", "PPID", "RANDOM", "SRANDOM":
				what = "variable " + n.Param.Value
			}
		}
		return what == ""
	})
	return what
}

// spend lets time pass in the guest. Past a deadline what runs is killed.
func (g *guest) spend(d time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	limit := g.deadlines[0]
	for _, l := range g.deadlines {
		limit = min(limit, l)
	}
	if g.clock+d >= limit {
		g.clock = max(g.clock, limit)
		return errKilled
	}
	g.clock += d
	return nil
}

// over reports whether the script's own time has passed.
func (g *guest) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.clock >= g.deadlines[0]
}

func (g *guest) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock = g.deadlines[0]
}

// call is asked before every simple command, builtins and functions included.
func (g *guest) call(_ context.Context, args []string) ([]string, error) {
	g.mu.Lock()
	g.commands++
	tooMany := g.commands > mostCommands
	g.mu.Unlock()
	if tooMany {
		g.kill()
	}
	if g.over() {
		return nil, errKilled
	}
	return args, nil
}

// exec runs one of the guest's programs.
func (g *guest) exec(ctx context.Context, args []string) error {
	h := interp.HandlerCtx(ctx)
	name := args[0][strings.LastIndex(args[0], "/")+1:]
	program := programs[name]
	if program == nil {
		fmt.Fprintf(h.Stderr, "bash: %s: command not found\n", args[0])
		return interp.ExitStatus(127)
	}
	if err := g.spend(commandTime); err != nil {
		return err
	}
	code, err := program(ctx, g, args[1:], h.Stdout, h.Stderr)
	switch {
	case err != nil:
		return err
	case code != 0:
		return interp.ExitStatus(code)
	}
	return nil
}

// environment is all that a script finds in its environment. It also answers
// the shell's question for other users' homes, which it would else ask of
// this machine.
type environment map[string]string

func newEnvironment(hostName string) environment {
	return environment{
		"HOME": "/root", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "USER": "root", "LOGNAME": "root",
		"SHELL": "/bin/bash", "HOSTNAME": hostName, "LANG": "C", "TMPDIR": "/tmp", "UID": "0", "EUID": "0", "GID": "0",
	}
}

// Get returns a variable.
func (e environment) Get(name string) expand.Variable {
	value, ok := e[name]
	if user, isHome := strings.CutPrefix(name, "HOME "); isHome {
		value, ok = "/home/"+user, true
	}
	return expand.Variable{Set: ok, Exported: ok, Kind: expand.String, Str: value}
}

// Each goes over all variables, in order, so that scripts that list them
// replay.
func (e environment) Each(f func(string, expand.Variable) bool) {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		if !f(name, e.Get(name)) {
			return
		}
	}
}

// The guest has no files but /dev/null, and bash's way to connect.

func (g *guest) open(_ context.Context, path string, flag int, _ os.FileMode) (io.ReadWriteCloser, error) {
	if path == "/dev/null" {
		return nowhere{}, nil
	}
	if address, ok := strings.CutPrefix(path, "/dev/tcp/"); ok {
		return g.openTCP(path, address)
	}
	err := fs.ErrNotExist
	if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE) != 0 {
		err = fs.ErrPermission
	}
	return nil, &os.PathError{Op: "open", Path: path, Err: err}
}

func noDirectory(_ context.Context, path string) ([]fs.DirEntry, error) {
	return nil, &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func noFile(_ context.Context, path string, _ bool) (fs.FileInfo, error) {
	return nil, &os.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
}

func noAccess(_ context.Context, path string, _ interp.AccessMode) error {
	return &os.PathError{Op: "access", Path: path, Err: fs.ErrNotExist}
}

// nowhere is /dev/null, and a connection on which nobody says anything.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)    { return 0, io.EOF }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) Close() error                { return nil }

// limited keeps the beginning of what is written.
type limited struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Write(p[:min(len(p), mostOutput-l.kept.Len())])
	return len(p), nil
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

// resolve turns a program's argument into an address: the guest knows its own
// name and localhost, and has no name server.
func (g *guest) resolve(host string) (netip.Addr, bool) {
	switch host {
	case "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	case g.self.HostName:
		return g.self.PrivateIP, true
	}
	a, err := netip.ParseAddr(host)
	return a, err == nil && a.Is4()
}
