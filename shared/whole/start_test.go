package whole_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

var (
	long  = flag.Bool("long", false, "run what takes minutes too")
	seed  = flag.Uint64("seed", 0, "what everything that goes wrong is drawn from; 0: each test's own")
	seeds = flag.Uint64("seeds", 2, "how many seeds TestSeeds tries")

	raced       string // "-race", if the tests run so
	root, built string // the folders of go.mod and of the built functions
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Clouds wait more than they work: many fit on few processors.
	if flag.Lookup("test.parallel").Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", "16")
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// build builds the functions where they are not up to date: as they are
// deployed, or, with the race detector, from what the tests have compiled
// already. Two test runs do not build into one folder at once.
func build() error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	root = filepath.Dir(strings.TrimSpace(string(out)))
	built = filepath.Join(root, ".build", "tried"+raced)
	if err := os.MkdirAll(built, 0o755); err != nil {
		return err
	}
	lock, err := os.Create(filepath.Join(built, "lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	folders, err := os.ReadDir(filepath.Join(root, "functions"))
	if err != nil {
		return err
	}
	how := []string{"-trimpath", "-tags=nethttpomithttp2", "-ldflags=-s -w -buildid="} // as the Makefile
	if raced != "" {
		how = []string{raced}
	}
	for _, f := range folders {
		c := exec.Command("go", append(append([]string{"build"}, how...), "-o", filepath.Join(built, f.Name(), "main"), "./functions/"+f.Name())...)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", f.Name(), err, out)
		}
	}
	return nil
}

// cloud is a local cloud that tells its test what happens on it.
type cloud struct {
	*stack.Stack
	t    *testing.T
	seed uint64

	mu      sync.Mutex
	calls   []openapi.Record
	outputs []string // of scripts in guests
	lines   []fc.Line
	events  []fc.Event
}

// start starts a local cloud, hostile by the test's seed unless calm. What o
// leaves out is the tutorial's world with quick changes of state.
func start(t *testing.T, o stack.Options) *cloud {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = ownSeed(t)
	}
	o.Hostile = true
	return startAs(t, o)
}

// calm starts a local cloud on which nothing goes wrong.
func calm(t *testing.T, o stack.Options) *cloud {
	t.Helper()
	return startAs(t, o)
}

func startAs(t *testing.T, o stack.Options) *cloud {
	t.Helper()
	c := &cloud{t: t, seed: o.Seed}
	o.Dir, o.Code = root, built
	o.Record, o.Ran, o.Log, o.Observe = c.record, c.ran, c.log, c.observe
	if o.World == nil {
		o.World = world.Default()
	}
	if o.Transition == 0 {
		o.Transition = 300 * time.Millisecond
	}
	if o.Hurry == 0 {
		o.Hurry = 20
	}
	var err error
	began := time.Now()
	c.Stack, err = stack.New(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Close()
		t.Logf("seed %d, %s", o.Seed, time.Since(began).Round(time.Millisecond))
		if t.Failed() {
			c.tell()
		}
	})
	return c
}

// ownSeed is the seed that the flag names, or a test's own.
func ownSeed(t *testing.T) uint64 {
	if *seed != 0 {
		return *seed
	}
	h := fnv.New64a()
	h.Write([]byte(t.Name()))
	return 1 + h.Sum64()%1000
}

func onlyLong(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("takes minutes: with -long only")
	}
}

func (c *cloud) record(r openapi.Record) { c.note(func() { c.calls = append(c.calls, r) }) }
func (c *cloud) ran(_ engine.Script, x engine.Execution) {
	c.note(func() { c.outputs = append(c.outputs, x.Output) })
}
func (c *cloud) log(l fc.Line)      { c.note(func() { c.lines = append(c.lines, l) }) }
func (c *cloud) observe(e fc.Event) { c.note(func() { c.events = append(c.events, e) }) }

func (c *cloud) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// requests returns the OpenAPI requests so far.
func (c *cloud) requests() []openapi.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]openapi.Record(nil), c.calls...)
}

// printed returns what the functions have printed so far.
func (c *cloud) printed() []fc.Line {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]fc.Line(nil), c.lines...)
}

// changes returns the requests so far that change the network, or what is
// wanted of it, whatever came of them.
func (c *cloud) changes() []string {
	var out []string
	for _, r := range c.requests() {
		a, _ := engine.Find(r.Product, r.Action)
		switch {
		case !a.Write, r.Action == "RunCommand":
		case strings.EqualFold(r.Product, "oos") && !strings.HasSuffix(r.Parameters["Name"], "/request"):
		default:
			out = append(out, r.Action)
		}
	}
	return out
}

// tell prints what the functions printed: the beginning and the end.
func (c *cloud) tell() {
	lines := slices.DeleteFunc(c.printed(), func(l fc.Line) bool {
		return strings.HasPrefix(l.Text, "FC Invoke") || strings.Contains(l.Text, `"msg":"trying again"`) // polling makes many
	})
	const most = 80
	for i, l := range lines {
		switch {
		case i < most || i >= len(lines)-most:
			c.t.Logf("%s %s", l.Function, l.Text)
		case i == most:
			c.t.Logf("... %d lines more ...", len(lines)-2*most)
		}
	}
}

// unhurried skips a test that takes its time where the race detector slows it,
// so that an ordinary run stays short; it runs without it, or with -long.
func unhurried(t *testing.T) {
	t.Helper()
	if raced != "" && !*long {
		t.Skip("make test-long runs it")
	}
}
