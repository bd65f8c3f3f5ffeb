package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/bench"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// benchmark is one run of the bench command.
type benchmark struct {
	settings
	out         *cobra.Command
	parts       []string
	connections int // asked for at once
	hubs        int // that they share
	messages    int // to one process, for its memory
	starts      int // of a process
	pushes      int // of one queue at a time, in the other reading of Function Compute
	seeds       int // simulated

	dir, code string // the folders of s.yaml and of the built functions
	single    time.Duration
	report    bench.Report
}

// parts are what a bench consists of, in the order in which they run. The first
// is what the others are compared with.
var parts = []struct {
	name string
	run  func(*benchmark, context.Context) error
}{
	{"one", (*benchmark).one},
	{"many", (*benchmark).many},
	{"hubs", (*benchmark).shared},
	{"size", (*benchmark).size},
	{"start", (*benchmark).startUp},
	{"memory", (*benchmark).memory},
	{"simulation", (*benchmark).simulation},
}

func benchCommand() *cobra.Command {
	b := benchmark{settings: settings{dataplane: "memory"}} // the fast one
	var asJSON bool
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	c := &cobra.Command{
		Use: "bench", Short: "Measure how close connections come to what the cloud itself takes", Args: cobra.NoArgs,
		Long: `Measure how close connections come to what the cloud itself takes, on the calm local cloud with published rate limits.
All figures are ratios or counts: other work on the machine changes them little, but it does; the machine's load is printed.`,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, p := range b.parts {
				if !slices.Contains(names, p) {
					return fmt.Errorf("--parts %q: they are %s", p, strings.Join(names, ", "))
				}
			}
			b.out = c
			err := b.all(c.Context())
			if !asJSON {
				return errors.Join(err, b.report.Write(c.OutOrStdout()))
			}
			e := json.NewEncoder(c.OutOrStdout())
			e.SetIndent("", "  ")
			e.SetEscapeHTML(false)
			return errors.Join(err, e.Encode(b.report))
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print one JSON document instead")
	f.StringSliceVar(&b.parts, "parts", names, "what to measure; all but one are compared with it")
	f.StringVar(&b.build, "build-dir", "", "`FOLDER` of the built functions, <function>/main (default .build)")
	f.StringVar(&b.log, "log", "", "write what the functions print to `FILE`")
	f.StringVar(&b.record, "record", "", "write a JSON line per API request to `FILE`")
	f.DurationVar(&b.latency, "api-latency", 100*time.Millisecond, "how long an API call takes to the cloud and back")
	f.DurationVar(&b.transition, "transition-time", 6500*time.Millisecond, "how long a router interface takes to be Active; other states in proportion")
	f.IntVar(&b.connections, "connections", 100, "how many are asked for at once")
	f.DurationVar(&b.single, "single", 0, "how long one connection takes, where that is not measured")
	f.IntVar(&b.hubs, "hubs", 4, "how many VPCs they share, in the second of the two runs")
	f.IntVar(&b.messages, "messages", 1000, "after how many messages a function's memory is compared")
	f.IntVar(&b.pushes, "pushes", 32, "how many messages of one queue Function Compute takes at a time, where connections are asked for at once, beside the 4 of the local cloud's reading")
	f.IntVar(&b.starts, "starts", 15, "how often processes are started")
	f.IntVar(&b.seeds, "seeds", 2000, "how many seeds are simulated")
	return c
}

// all runs the parts one after the other. One that fails keeps no other from
// being measured.
func (b *benchmark) all(ctx context.Context) error {
	dir, err := projectFolder()
	if err != nil {
		return err
	}
	if b.code, err = b.built(ctx, dir, b.say); err != nil {
		return err
	}
	b.dir = dir
	b.report = bench.Report{
		Conditions: []string{fmt.Sprintf("Calm local cloud; an API call takes %s there and back, a router interface %s to be Active, other states in proportion; published rate limits; one route task at a time for each VPC.", b.latency, b.transition)},
		Paths:      map[string][]bench.Step{}, Counts: map[string]bench.Tally{},
	}
	var errs []error
	for _, p := range parts {
		if !slices.Contains(b.parts, p.name) || ctx.Err() != nil {
			continue
		}
		b.say("measuring: " + p.name)
		began, before := time.Now(), load()
		if err := p.run(b, ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s was not measured: %w", p.name, err))
		}
		b.report.Noise = append(b.report.Noise, fmt.Sprintf("%s took %s; the machine's load was %s before and %s after it, on %d processors", p.name, time.Since(began).Round(100*time.Millisecond), before, load(), runtime.NumCPU()))
	}
	return errors.Join(errs...)
}

func (b *benchmark) say(what string) { fmt.Fprintln(b.out.ErrOrStderr(), what) }

func (b *benchmark) figure(f bench.Figure) { b.report.Figures = append(b.report.Figures, f) }

// load is the machine's load, "unknown" where the system does not tell.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// laboratory is a cloud with somebody who writes down what happens.
type laboratory struct {
	*cloud
	client
	bench.Recorder
	stop context.CancelFunc
}

// laboratory starts a calm cloud with a world.
// It pushes as many messages of a queue at a time as given; 0: as fc's reading
// of what is not published has it.
func (b *benchmark) laboratory(ctx context.Context, w *world.World, latency time.Duration, pushes int) (*laboratory, error) {
	l := &laboratory{}
	l.Init(latency)
	s := b.settings
	s.latency, s.build = latency, b.code
	var err error
	l.cloud, err = s.start(ctx, w, false, stack.Options{
		Parallel: pushes,
		Record:   l.Call, Message: l.Message, Observe: l.Happened, Log: l.Printed,
		Ran: func(s engine.Script, x engine.Execution) { l.Ran(s, x, time.Now()) },
	}, b.say)
	if err != nil {
		return nil, err
	}
	l.client = client{url: l.Endpoints.Intake, token: l.Endpoints.APIToken}
	ctx, l.stop = context.WithCancel(ctx)
	if len(w.VPCs) == 2 {
		go l.look(ctx)
	}
	return l, nil
}

func (l *laboratory) close() error {
	l.stop()
	return l.cloud.close()
}

// look notes when things come to a state by themselves, and when they are gone,
// which no API would tell in time.
func (l *laboratory) look(ctx context.Context) {
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	seen := map[string]bool{}
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		now, s := time.Now(), l.Engine.VPCSnapshot()
		there := map[string]bool{}
		for _, i := range s.RouterInterfaces {
			there["interface "+i.ID] = true
			l.Is("interface", i.ID, i.Status, i.Modified)
		}
		for _, e := range s.RouteEntries {
			if e.Type == "Custom" {
				there["route "+e.ID] = true
				l.Is("route", e.ID, e.Status, now)
			}
		}
		for thing := range seen {
			if what, id, _ := strings.Cut(thing, " "); !there[thing] {
				l.Is(what, id, "", now)
			}
		}
		seen = there
	}
}

// asked is one request to intake, and what it said.
type asked struct {
	bench.Window
	answer
}

// want asks intake for something that it takes.
func (l *laboratory) want(ctx context.Context, method, path string, body []byte) (asked, error) {
	a := asked{Window: bench.Window{From: time.Now()}}
	status, raw, err := l.ask(ctx, method, path, body)
	a.To = time.Now()
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s %s: %d\n%s", method, path, status, problemText(raw))
	}
	if err != nil {
		return a, err
	}
	_ = json.Unmarshal(raw, &a.answer) // of a batch there is nothing to read
	return a, nil
}

// ended waits until a run of do for each connection has come to an end, and
// returns when the last one had.
func (l *laboratory) ended(ctx context.Context, do, verdict string, from time.Time, ids ...string) (at time.Time, err error) {
	for {
		left := 0
		for _, id := range ids {
			end, found, ok := l.Ended(id, do, from)
			switch {
			case !ok:
				left++
			case found != verdict:
				return at, fmt.Errorf("%s: %s came to the verdict %q, not %q", id, do, found, verdict)
			case end.After(at):
				at = end
			}
		}
		if left == 0 {
			return at, nil
		}
		select {
		case <-l.News():
		case <-time.After(time.Second):
		case <-ctx.Done():
			return at, fmt.Errorf("%d of %d have not ended: %w", left, len(ids), ctx.Err())
		}
	}
}

// state asks intake for a connection's state.
func (l *laboratory) state(ctx context.Context, id, want string) error {
	a, err := l.want(ctx, "GET", "/connections/"+id+"?live=false", nil)
	if err == nil && a.State != want {
		err = errors.New(id + " is " + a.State + ", not " + want + ": " + a.Why)
	}
	return err
}
