package fc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

var probe string // folder that holds <function>/main

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fc")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "f", "main"), "./testdata/probe").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s%s\n", out, err)
		return 1
	}
	probe = dir
	return m.Run()
}

// cloud is queues and roles and nothing else.
type cloud struct {
	mu      sync.Mutex
	queues  map[string][]fc.Message
	hidden  map[string]fc.Message
	deleted []string
	serial  int
}

func newCloud() *cloud {
	return &cloud{queues: map[string][]fc.Message{}, hidden: map[string]fc.Message{}}
}

func (c *cloud) AccountID() string { return "1234567890123456" }

func (c *cloud) Assume(role, session string, _ time.Duration) (fc.Credentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.HasSuffix(role, "role/r") {
		return fc.Credentials{}, errors.New("no such role")
	}
	c.serial++
	return fc.Credentials{AccessKeyID: "STS." + session + "." + strconv.Itoa(c.serial), AccessKeySecret: "s", SecurityToken: "t"}, nil
}

func (c *cloud) Receive(queue string, n int) ([]fc.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = min(n, len(c.queues[queue]))
	got := c.queues[queue][:n]
	c.queues[queue] = c.queues[queue][n:]
	for _, m := range got {
		c.hidden[m.Handle] = m
	}
	return got, nil
}

func (c *cloud) Delete(_, handle string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.hidden, handle)
	c.deleted = append(c.deleted, handle)
	return nil
}

func (c *cloud) Send(queue string, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	id := strconv.Itoa(c.serial)
	c.queues[queue] = append(c.queues[queue], fc.Message{ID: "m" + id, Handle: "h" + id, Body: body, Enqueued: time.Now()})
	return nil
}

func (c *cloud) bodies(queue string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, m := range c.queues[queue] {
		out = append(out, string(m.Body))
	}
	return out
}

func (c *cloud) unsettled() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.hidden)
}

// seen gathers what a platform reports.
type seen struct {
	mu     sync.Mutex
	events []fc.Event
	lines  []string
}

func (s *seen) observe(e fc.Event) { s.mu.Lock(); defer s.mu.Unlock(); s.events = append(s.events, e) }
func (s *seen) log(l fc.Line)      { s.mu.Lock(); defer s.mu.Unlock(); s.lines = append(s.lines, l.Text) }

func (s *seen) count(k fc.EventKind) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.events {
		if e.Kind == k {
			n++
		}
	}
	return n
}

func (s *seen) line(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return rest
		}
	}
	return ""
}

func testFunction() manifest.Function {
	return manifest.Function{
		ID: "f", Name: "my-f", Region: "cn-hangzhou", Runtime: "go1", Handler: "main", Timeout: 10 * time.Second,
		MemoryMB: 512, CPU: 0.35, Role: "acs:ram::1234567890123456:role/r", Environment: map[string]string{"GREETING": "hello"},
		Async: manifest.Async{Retries: 2, MaxAge: time.Hour},
	}
}

func started(t *testing.T, c *cloud, f manifest.Function, o fc.Options) (*fc.Platform, *seen) {
	t.Helper()
	s := &seen{}
	o.Code, o.Observe, o.Log = probe, s.observe, s.log
	p, err := fc.New(c, []manifest.Function{f}, o)
	require.NoError(t, err)
	require.NoError(t, p.Start(context.Background()))
	t.Cleanup(func() {
		processes := p.Processes()
		p.Close()
		for _, x := range processes {
			require.False(t, alive(x.PID), "process %d is left behind", x.PID)
		}
	})
	return p, s
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func soon(t *testing.T, what string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, 10*time.Millisecond, what)
}

func TestAnInstanceGetsWhatFunctionComputeGives(t *testing.T) {
	t.Parallel()
	p, _ := started(t, newCloud(), testFunction(), fc.Options{Overrides: map[string]map[string]string{"f": {"GREETING": "bye"}}})
	var first, second struct {
		PID, Served int
		Env         []string
		Key, Region string
		Function    string
		Left        float64
	}
	r := p.Invoke("f", []byte("do:context"))
	require.Nil(t, r.Failure)
	require.True(t, r.Cold)
	require.NoError(t, json.Unmarshal(r.Payload, &first))
	r = p.Invoke("f", []byte("do:context"))
	require.False(t, r.Cold)
	require.NoError(t, json.Unmarshal(r.Payload, &second))

	require.Equal(t, first.PID, second.PID, "the second event runs in the same process")
	require.Equal(t, 2, second.Served)
	require.NotEqual(t, first.Key, second.Key, "each invocation brings keys of its own")
	require.Equal(t, "cn-hangzhou", first.Region)
	require.Equal(t, "my-f", first.Function)
	require.InDelta(t, 10, first.Left, 1)
	require.Subset(t, first.Env, []string{"GREETING=bye", "FC_FUNCTION_NAME=my-f", "FC_REGION=cn-hangzhou", "FC_ACCOUNT_ID=1234567890123456"})
	for _, kv := range first.Env {
		require.False(t, strings.HasPrefix(kv, "GOPATH=") || strings.HasPrefix(kv, "USER="), "our own environment gets in: %s", kv)
	}
	require.Equal(t, 1, p.Stats()[0].ColdStarts)
	require.Equal(t, 2, p.Stats()[0].Invocations)
	require.Positive(t, p.Stats()[0].BilledMs)
}

func TestHowInvocationsFail(t *testing.T) {
	t.Parallel()
	f := testFunction()
	f.Timeout = time.Second
	for name, c := range map[string]struct {
		event    string
		kind     fc.FailureKind
		message  string
		survives bool
	}{
		"the function returns an error":         {"do:fail", fc.FailureHandled, "told to fail", true},
		"the function panics":                   {"do:panic", fc.FailureHandled, "told to", true},
		"the process exits":                     {"do:exit", fc.FailureExited, "exit status 3", false},
		"the function runs into its timeout":    {"do:hang", fc.FailureTimeout, "timed out after 1 seconds", false},
		"its children run into it all the same": {"do:breed", fc.FailureTimeout, "timed out after 1 seconds", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := started(t, newCloud(), f, fc.Options{})
			r := p.Invoke("f", []byte(c.event))
			require.NotNil(t, r.Failure)
			require.Equal(t, c.kind, r.Failure.Kind)
			require.Contains(t, r.Failure.Message, c.message)
			if child := s.line("child "); child != "" {
				pid, err := strconv.Atoi(child)
				require.NoError(t, err)
				soon(t, "the function's child is gone", func() bool { return !alive(pid) })
			}
			r = p.Invoke("f", []byte("again"))
			require.Nil(t, r.Failure)
			require.Equal(t, `"again"`, string(r.Payload))
			require.Equal(t, !c.survives, r.Cold)
		})
	}
}

func TestInvocationsAtOnceGetInstancesOfTheirOwn(t *testing.T) {
	t.Parallel()
	f := testFunction()
	f.Instances = 3
	p, _ := started(t, newCloud(), f, fc.Options{})
	results := make(chan fc.Result, 5)
	for range 5 {
		go func() { results <- p.Invoke("f", []byte("do:slow")) }()
	}
	throttled := 0
	for range 5 {
		if r := <-results; r.Failure != nil {
			require.Equal(t, fc.FailureThrottled, r.Failure.Kind)
			throttled++
		}
	}
	require.Equal(t, 2, throttled, "three instances are the most")
	require.Len(t, p.Processes(), 3)
}

func TestAnIdleInstanceThatDiesIsReplacedUnnoticed(t *testing.T) {
	t.Parallel()
	p, s := started(t, newCloud(), testFunction(), fc.Options{})
	require.Nil(t, p.Invoke("f", []byte("x")).Failure)
	for range 5 {
		pid := p.Processes()[0].PID
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		soon(t, "the process is gone", func() bool { return !alive(pid) })
		require.Nil(t, p.Invoke("f", []byte("x")).Failure)
	}
	require.Equal(t, 5, s.count(fc.EventCrashed))
}

func TestIdleInstancesAreReclaimed(t *testing.T) {
	t.Parallel()
	p, _ := started(t, newCloud(), testFunction(), fc.Options{Idle: time.Minute, Hurry: 300})
	require.Nil(t, p.Invoke("f", []byte("x")).Failure)
	soon(t, "no process is left", func() bool { return len(p.Processes()) == 0 })
	require.Zero(t, p.Stats()[0].Crashes)
}

func TestAFunctionWhoseRoleIsMissingFails(t *testing.T) {
	t.Parallel()
	f := testFunction()
	f.Role = "acs:ram::1234567890123456:role/other"
	p, _ := started(t, newCloud(), f, fc.Options{})
	require.ErrorContains(t, p.Invoke("f", nil).Failure, "no such role")
}

func TestAsynchronousInvocationsAreRetriedThenReported(t *testing.T) {
	t.Parallel()
	c := newCloud()
	f := testFunction()
	f.Async.OnFailure, f.Async.OnSuccess = "failed", "done"
	p, _ := started(t, c, f, fc.Options{Hurry: 100})
	require.NoError(t, p.InvokeAsync("f", []byte("do:fail")))
	require.NoError(t, p.InvokeAsync("f", []byte("fine")))
	require.Error(t, p.InvokeAsync("f", make([]byte, 129<<10)))
	soon(t, "both ends are reported", func() bool { return len(c.bodies("failed")) == 1 && len(c.bodies("done")) == 1 })
	require.Equal(t, 4, p.Stats()[0].Invocations, "once, twice more, and the one that succeeds")
	require.Contains(t, c.bodies("failed")[0], `"condition":"RetriesExhausted"`)
	require.Contains(t, c.bodies("failed")[0], `"requestPayload":"do:fail"`)
	require.Contains(t, c.bodies("done")[0], `"responsePayload":"\"fine\""`)
}

func TestTimersTick(t *testing.T) {
	t.Parallel()
	f := testFunction()
	f.Timers = []manifest.TimerTrigger{{Name: "tick", Cron: "@every 1m", Payload: `{"do":"x"}`, Enabled: true}, {Name: "off", Cron: "@every 1m"}}
	p, s := started(t, newCloud(), f, fc.Options{Hurry: 300})
	soon(t, "three ticks", func() bool { return p.Stats()[0].Invocations >= 3 })
	require.Zero(t, s.count(fc.EventDiscarded))
}
