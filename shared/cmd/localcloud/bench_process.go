package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/localcloud/bench"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/world"
)

// This file measures functions as programs: how large, how fast to start, how
// much memory; and the simulation.

// release is how functions are built that are deployed, as in the Makefile.
var release = []string{"-trimpath", "-tags=nethttpomithttp2", "-ldflags=-s -w -buildid="}

// bare builds the least that a function can be, and returns its binary.
func (b *benchmark) bare(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "main")
	c := exec.CommandContext(ctx, "go", append(append([]string{"build"}, release...), "-o", binary, "./shared/cmd/localcloud/testdata/bare")...)
	c.Dir, c.Env = b.dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building a bare handler: %w\n%s", err, out)
	}
	return binary, nil
}

// binaries are the functions', by name.
func (b *benchmark) binaries() (map[string]string, error) {
	all, err := filepath.Glob(filepath.Join(b.code, "*", "main"))
	if err == nil && len(all) == 0 {
		err = errors.New("there is no built function: make build")
	}
	out := map[string]string{}
	for _, path := range all {
		out[filepath.Base(filepath.Dir(path))] = path
	}
	return out, err
}

// beside hands out a bare handler's binary and the functions', by name.
func (b *benchmark) beside(ctx context.Context, do func(bare string, all map[string]string) error) error {
	dir, err := os.MkdirTemp("", "localcloud")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is the system's to clean up
	bare, err := b.bare(ctx, dir)
	if err != nil {
		return err
	}
	all, err := b.binaries()
	if err != nil {
		return err
	}
	return do(bare, all)
}

// size compares zips.
func (b *benchmark) size(ctx context.Context) error { return b.beside(ctx, b.sizes) }

func (b *benchmark) sizes(bare string, all map[string]string) error {
	small, err := bench.Zipped(bare)
	if err != nil {
		return err
	}
	var largest int64
	var which string
	for name, path := range all {
		n, err := bench.Zipped(path)
		if err != nil {
			return err
		}
		if n > largest {
			largest, which = n, name
		}
	}
	b.figure(bench.AtMost("size", "a function's zip ÷ a bare handler's", float64(largest)/float64(small), 2, fmt.Sprintf("%s, the largest: %d bytes ÷ %d", which, largest, small), ""))
	return nil
}

// startUp compares how long processes take from their start to their first poll
// for an event, one of each in turn.
func (b *benchmark) startUp(ctx context.Context) error {
	return b.beside(ctx, func(bare string, all map[string]string) error { return b.starting(ctx, bare, all) })
}

func (b *benchmark) starting(ctx context.Context, bare string, all map[string]string) error {
	var ours, least []time.Duration
	for range b.starts {
		for _, one := range []struct {
			binary string
			into   *[]time.Duration
		}{{all["verification"], &ours}, {bare, &least}} {
			took, err := firstPoll(ctx, one.binary)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, took)
		}
	}
	a, z := median(ours), median(least)
	b.figure(bench.AtMost("start", "start to first poll ÷ a bare handler's", bench.Ratio(a, z), 1.5, fmt.Sprintf("verification %.1f ms ÷ %.1f ms, medians of %d starts in turn", float64(a)/1e6, float64(z)/1e6, b.starts), ""))
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// firstPoll starts a function as Function Compute does and returns after how
// long it asks for its first event.
func firstPoll(ctx context.Context, binary string) (time.Duration, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	polled := make(chan time.Time, 1)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case polled <- time.Now():
		default:
		}
		<-r.Context().Done()
	})}
	go func() { _ = server.Serve(l) }() // it returns when it is closed
	c := exec.CommandContext(ctx, binary)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=/tmp", "FC_RUNTIME_API=" + l.Addr().String(), "FC_FUNCTION_MEMORY_SIZE=512", "PREFIX=vi", "MNS_ENDPOINT=http://127.0.0.1:1"}
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, errors.Join(err, server.Close())
	}
	var took time.Duration
	select {
	case at := <-polled:
		took = at.Sub(began)
	case <-time.After(20 * time.Second):
		err = fmt.Errorf("%s has not asked for an event", binary)
	}
	_ = c.Process.Kill()
	_ = c.Wait() // it was killed
	return took, errors.Join(err, server.Close())
}

// memory compares what a process holds after few messages and after many. Each
// message has its step look at everything, and is not handed on: it is at the
// limit of hops.
func (b *benchmark) memory(ctx context.Context) (err error) {
	quick := *b
	quick.transition = 200 * time.Millisecond
	w := world.Default()
	l, err := quick.laboratory(ctx, w, 0, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	_, r, err := requestBody("", "ExpressConnect", w)
	if err != nil {
		return err
	}
	body, err := json.Marshal(struct {
		request
		OnFailure string `json:"onFailure"`
	}{r, "keep"})
	if err != nil {
		return err
	}
	if _, err := l.follow(ctx, "POST", "/connections", body, r.ID, "connect", "connected"); err != nil {
		return err
	}
	steps := []string{"peering", "routes", "securitygroups"}
	ratios, hows, errs := make([]float64, len(steps)), make([]string, len(steps)), make([]error, len(steps))
	var group sync.WaitGroup
	for i, function := range steps {
		group.Go(func() { ratios[i], hows[i], errs[i] = l.grow(ctx, function, r.ID, b.messages) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	b.figure(bench.AtMost("memory", fmt.Sprintf("memory after %d messages ÷ after 10", b.messages), slices.Max(ratios), 1.1, strings.Join(hows, "; "), "what the system holds for the process, the largest of three functions"))
	return nil
}

// grow sends messages to one process of a function and returns how its memory
// grew after the tenth.
func (l *laboratory) grow(ctx context.Context, function, id string, messages int) (float64, string, error) {
	var early int64
	for n := 1; n <= messages && ctx.Err() == nil; n++ {
		message := fmt.Sprintf(`{"schema":1,"connectionId":%q,"generation":1,"action":"connect","repair":true,"hops":500,"trace":"bench%d"}`, id, n)
		event, err := json.Marshal([]any{map[string]any{"data": map[string]any{"requestId": "r", "messageId": "m", "messageBody": message}}})
		if err != nil {
			return 0, "", err
		}
		if result := l.Functions.Invoke(function, event); result.Failure != nil {
			return 0, "", result.Failure
		}
		if n == 10 {
			if early, err = resident(l.Functions.Processes(), function); err != nil {
				return 0, "", err
			}
		}
	}
	late, err := resident(l.Functions.Processes(), function)
	if err != nil {
		return 0, "", err
	}
	return float64(late) / float64(early), fmt.Sprintf("%s %.1f MB ÷ %.1f MB", function, float64(late)/1e6, float64(early)/1e6), ctx.Err()
}

// resident is the memory that the system holds for a function's process, in
// bytes.
func resident(all []fc.Process, function string) (int64, error) {
	i := slices.IndexFunc(all, func(p fc.Process) bool { return p.Function == function })
	if i < 0 {
		return 0, fmt.Errorf("%s has no process", function)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", all[i].PID))
	if err != nil {
		return 0, fmt.Errorf("the memory of a process is read from Linux's /proc: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, errors.New("/proc tells no memory")
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}

var simulated = regexp.MustCompile(`(\d+) seeds in [\d.]+ s .*; 0 seeds broke a promise`)

// simulation measures how many seeds a processor simulates in a second of its
// time, whatever else it does beside.
func (b *benchmark) simulation(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "localcloud")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is the system's to clean up
	binary := filepath.Join(dir, "simulation")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./shared/simulation")
	build.Dir = b.dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the simulation: %w\n%s", err, out)
	}
	c := exec.CommandContext(ctx, binary, "-test.run", "^TestSoak$", "-test.v", "-test.timeout", "0", "-seeds", strconv.Itoa(b.seeds))
	c.Dir = filepath.Join(b.dir, "shared", "simulation")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	began := time.Now()
	if err := c.Run(); err != nil {
		return fmt.Errorf("simulating: %w\n%s", err, out.String())
	}
	wall, busy := time.Since(began), c.ProcessState.UserTime()+c.ProcessState.SystemTime()
	m := simulated.FindStringSubmatch(out.String())
	if m == nil {
		return fmt.Errorf("the simulation did not say how many seeds it ran:\n%s", out.String())
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	b.figure(bench.AtLeast("simulation", "seeds simulated per second and core", float64(n)/busy.Seconds(), 1000, fmt.Sprintf("%d seeds ÷ %.1f s of processors' time; %.1f s by the wall", n, busy.Seconds(), wall.Seconds()), ""))
	return nil
}
