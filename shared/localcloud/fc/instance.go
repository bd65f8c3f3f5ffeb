package fc

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// instance is one process of a function. It handles one event at a time, which
// is what go1 has (facts A4).
type instance struct {
	id     string
	f      *function
	cmd    *exec.Cmd
	server *http.Server
	events chan *invocation // taken by the process's call of next
	exited chan struct{}    // closed when the process has ended
	how    string           // it ended; set before exited is closed

	idleSince time.Time // guarded by f.mu

	mu      sync.Mutex
	current *invocation
	killed  bool // by us
}

// initTime is for how long a new process may take until it asks for its first
// event.
const initTime = 20 * time.Second

// born starts a process. The caller holds f.mu.
func (f *function) born() (*instance, error) {
	keys, err := f.p.cloud.Assume(f.Role, f.Name, roleTTL)
	if err != nil {
		return nil, fmt.Errorf("role %s: %w", f.Role, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &instance{id: "c-" + uuid.NewString()[:18], f: f, events: make(chan *invocation), exited: make(chan struct{})}
	i.server = &http.Server{Handler: i.runtimeAPI(), ReadHeaderTimeout: time.Minute}
	go func() { _ = i.server.Serve(l) }() // it returns when it is closed
	out := &lines{to: func(text string) {
		if f.p.opt.Log != nil {
			f.p.opt.Log(Line{time.Now(), f.ID, i.id, text})
		}
	}}
	i.cmd = exec.Command(f.binary)
	i.cmd.Dir = filepath.Dir(f.binary)
	i.cmd.Env = f.environment(i.id, l.Addr().String(), keys)
	i.cmd.Stdout, i.cmd.Stderr = out, out
	i.cmd.WaitDelay = time.Second
	ownGroup(i.cmd)
	if err := f.p.fork.start(i.cmd); err != nil {
		return nil, errors.Join(err, i.server.Close())
	}
	f.p.goWork(func() {
		err := i.cmd.Wait()
		killGroup(i.cmd) // what it may have started itself
		out.flush()
		i.how = "the process exited with status 0"
		if err != nil {
			i.how = "the process ended: " + err.Error()
		}
		_ = i.server.Close() // only now: the SDK spins when next fails (facts A3)
		i.mu.Lock()
		ours := i.killed
		i.mu.Unlock()
		if !ours {
			f.count(func(s *Stats) { s.Crashes++ })
			f.p.observe(Event{Kind: EventCrashed, Function: f.ID, Instance: i.id, Error: i.how})
		}
		close(i.exited)
		f.forget(i)
	})
	return i, nil
}

// environment is what Function Compute gives a process (facts A5); nothing of
// our own gets in.
func (f *function) environment(instanceID, api string, keys Credentials) []string {
	env := map[string]string{
		"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8",
	}
	maps.Copy(env, f.Environment)
	maps.Copy(env, f.p.opt.Environment)
	maps.Copy(env, f.p.opt.Overrides[f.ID])
	maps.Copy(env, map[string]string{
		"FC_RUNTIME_API":                  api,
		"FC_FUNC_CODE_PATH":               filepath.Dir(f.binary),
		"FC_ACCOUNT_ID":                   f.p.cloud.AccountID(),
		"FC_FUNCTION_HANDLER":             f.Handler,
		"FC_FUNCTION_MEMORY_SIZE":         fmt.Sprint(f.MemoryMB),
		"FC_FUNCTION_NAME":                f.Name,
		"FC_REGION":                       f.Region,
		"FC_INSTANCE_ID":                  instanceID,
		"FC_VER_ID":                       "LATEST",
		"ALIBABA_CLOUD_ACCESS_KEY_ID":     keys.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN":    keys.SecurityToken,
	})
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}

func (i *instance) gone() bool {
	select {
	case <-i.exited:
		return true
	default:
		return false
	}
}

// dead asks the system whether the process has ended, which it knows before
// exited is closed.
func (i *instance) dead() bool { return i.cmd.Process.Signal(syscall.Signal(0)) != nil }

// kill ends the process and all that it started, and waits until it is gone.
func (i *instance) kill() {
	i.mu.Lock()
	i.killed = true
	i.mu.Unlock()
	if !i.gone() {
		killGroup(i.cmd)
	}
	<-i.exited
}

// run lets the process handle one event, and says how long it took.
func (i *instance) run(inv *invocation) (outcome, time.Duration) {
	f := i.f
	limit := time.NewTimer(initTime)
	defer limit.Stop()
	i.waitColdStart()
	select {
	case i.events <- inv:
	case <-i.exited:
		return outcome{failure: &Failure{FailureExited, i.how, ""}, untaken: true}, 0
	case <-limit.C:
		i.kill()
		return outcome{failure: &Failure{FailureTimeout, "the process did not ask for an event within " + initTime.String(), ""}}, 0
	case <-f.p.ctx.Done():
		return outcome{failure: &Failure{FailureStopped, errStopped.Error(), ""}}, 0
	}
	began := time.Now()
	f.p.observe(Event{Kind: EventStarted, Function: f.ID, Instance: i.id, RequestID: inv.id})
	timeout := time.NewTimer(f.Timeout)
	defer timeout.Stop()
	var crash <-chan time.Time
	if f.p.chance(f.p.opt.Chaos.Crash) {
		crash = time.After(time.Duration(f.p.draw() * float64(50*time.Millisecond)))
	}
	for {
		select {
		case o := <-inv.done:
			return o, time.Since(began)
		case <-crash:
			killGroup(i.cmd)
			crash = nil
		case <-i.exited:
			select {
			case o := <-inv.done: // it answered, then died
				return o, time.Since(began)
			default:
				return outcome{failure: &Failure{FailureExited, i.how, ""}, untaken: !inv.taken.Load()}, time.Since(began)
			}
		case <-timeout.C:
			i.kill()
			return outcome{failure: &Failure{FailureTimeout, fmt.Sprintf("Function timed out after %g seconds", f.Timeout.Seconds()), ""}}, time.Since(began)
		case <-f.p.ctx.Done():
			return outcome{failure: &Failure{FailureStopped, errStopped.Error(), ""}}, time.Since(began)
		}
	}
}

// waitColdStart lets a new instance's cold start pass.
func (i *instance) waitColdStart() {
	i.f.mu.Lock()
	fresh := i.idleSince.IsZero()
	i.f.mu.Unlock()
	if d := i.f.p.opt.ColdStart; fresh && d > 0 {
		select {
		case <-time.After(d):
		case <-i.exited:
		case <-i.f.p.ctx.Done():
		}
	}
}

// finish counts an invocation and makes its result.
func (f *function) finish(i *instance, inv *invocation, o outcome, took time.Duration) Result {
	billed := (took + time.Millisecond - 1).Truncate(time.Millisecond)
	f.count(func(s *Stats) {
		s.Invocations++
		s.Billed += billed
		if o.failure != nil {
			s.Failures++
			if o.failure.Kind == FailureTimeout {
				s.Timeouts++
			}
		}
	})
	e := Event{Kind: EventEnded, Function: f.ID, Instance: i.id, RequestID: inv.id, Took: took}
	if o.failure != nil {
		e.Error = o.failure.Error()
	}
	f.p.observe(e)
	return Result{RequestID: inv.id, Payload: o.payload, Failure: o.failure, Took: billed}
}

// lines cuts what a process prints into lines.
type lines struct {
	to   func(string)
	mu   sync.Mutex
	part []byte
}

// maxLine bounds what is kept of a line without an end.
const maxLine = 64 << 10

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, b...)
	for {
		n := slices.Index(l.part, '\n')
		if n < 0 && len(l.part) < maxLine {
			return len(b), nil
		}
		if n < 0 {
			n = len(l.part) - 1
		}
		l.to(strings.TrimRight(string(l.part[:n+1]), "\r\n"))
		l.part = l.part[n+1:]
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.part) > 0 {
		l.to(string(l.part))
		l.part = nil
	}
}

// spawner starts every process from one OS thread: a process that asked to be
// killed when its parent dies is killed when that thread ends.
type spawner struct{ todo chan func() }

func (s *spawner) start(c *exec.Cmd) error {
	done := make(chan error, 1)
	s.todo <- func() { done <- c.Start() }
	return <-done
}

func (s *spawner) close() { close(s.todo) }

var errForeign = errors.New("no such invocation is running here")
