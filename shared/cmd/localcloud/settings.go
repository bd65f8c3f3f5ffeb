package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// settings are the flags that run and up have in common.
type settings struct {
	world, record, endpoints, build, log string
	seed                                 uint64
	dataplane                            string
	calm                                 bool
	latency, transition                  time.Duration
}

func (s *settings) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.world, "world", "", "`FILE` of the world to start with (default: the tutorial's)")
	f.Uint64Var(&s.seed, "seed", 0, "what ids and, unless --calm, everything that goes wrong are drawn from")
	f.BoolVar(&s.calm, "calm", false, "nothing goes wrong")
	f.StringVar(&s.dataplane, "dataplane", "memory", "what the network is: memory, or kernel, the Linux kernel's namespaces, for root")
	f.DurationVar(&s.latency, "api-latency", 0, "how long an API call takes to the cloud and back")
	f.DurationVar(&s.transition, "transition-time", 0, "how long a router interface takes to be Active; other states in proportion (default 6.5s)")
	f.StringVar(&s.record, "record", "", "write a JSON line per API request to `FILE`")
	f.StringVar(&s.endpoints, "endpoints", "", "write how to reach the cloud to `FILE`, as JSON, when it is ready")
	f.StringVar(&s.build, "build-dir", "", "`FOLDER` of the built functions, <function>/main (default .build)")
	f.StringVar(&s.log, "log", "", "write what the functions print to `FILE`")
}

// cloud is a started stack with what belongs to it.
type cloud struct {
	*stack.Stack
	files []*sink
}

func (c *cloud) close() error {
	c.Close()
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// start builds what is not built, and starts the stack. o brings the hooks.
func (s *settings) start(ctx context.Context, w *world.World, hostile bool, o stack.Options, say func(string)) (*cloud, error) {
	switch s.dataplane {
	case "memory", "kernel":
		o.Kernel = s.dataplane == "kernel"
	default:
		return nil, fmt.Errorf("--dataplane %q: it is memory or kernel", s.dataplane)
	}
	dir, err := projectFolder()
	if err != nil {
		return nil, err
	}
	if o.Code, err = s.built(ctx, dir, say); err != nil {
		return nil, err
	}
	c := &cloud{}
	record, err := c.sink(s.record)
	if err != nil {
		return nil, err
	}
	log, err := c.sink(s.log)
	if err != nil {
		return nil, err
	}
	o.Dir, o.World, o.Seed, o.Hostile, o.Latency, o.Transition = dir, w, s.seed, hostile, s.latency, s.transition
	given := o.Variables
	o.Variables = map[string]string{}
	for _, k := range []string{"REGION", "PREFIX", "API_TOKENS", "POLICY", "TICKETS", "JIRA_WEBHOOK_SECRET", "JIRA_TOKEN", "SERVICENOW_SECRET", "SERVICENOW_PASSWORD", "CLOUDEVENTS_SECRET"} {
		if v, ok := os.LookupEnv(k); ok {
			o.Variables[k] = v
		}
	}
	maps.Copy(o.Variables, given)
	o.Record = both(o.Record, func(r openapi.Record) { record.line(recorded(r)) })
	o.Log = both(o.Log, func(l fc.Line) {
		log.line(map[string]any{"time": l.Time, "function": l.Function, "instance": l.Instance, "text": l.Text})
	})
	if c.Stack, err = stack.New(ctx, o); err != nil {
		return nil, err
	}
	if s.endpoints != "" {
		if err := writeEndpoints(s.endpoints, c.Endpoints); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func both[T any](a, b func(T)) func(T) {
	if a == nil {
		return b
	}
	return func(v T) { a(v); b(v) }
}

// recorded is a request's line in the record.
func recorded(r openapi.Record) any {
	return struct {
		Product    string            `json:"product"`
		Version    string            `json:"version"`
		Action     string            `json:"action"`
		Parameters map[string]string `json:"parameters"`
		Role       string            `json:"role"`
		Status     int               `json:"status"`
		Code       string            `json:"code"`
		Time       time.Time         `json:"time"`
		Fault      string            `json:"fault,omitempty"`
	}{r.Product, r.Version, r.Action, r.Parameters, r.Role, r.Status, r.Code, r.Time.UTC(), r.Fault}
}

// writeEndpoints writes the file under another name first, so that who waits
// for it never reads half of it. It holds a secret.
func writeEndpoints(path string, e stack.Endpoints) error {
	text, err := json.MarshalIndent(e, "", "  ") //nolint:gosec // the token is what the file is for
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// sink is a file of JSON lines. A nil sink drops them.
type sink struct {
	mu   sync.Mutex
	file io.WriteCloser
	enc  *json.Encoder
	err  error
}

func (c *cloud) sink(path string) (*sink, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	s := &sink{file: f, enc: json.NewEncoder(f)}
	c.files = append(c.files, s)
	return s, nil
}

func (s *sink) line(v any) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = errors.Join(s.err, s.enc.Encode(v))
}

func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.err, s.file.Close())
}

// projectFolder is the nearest folder above that holds s.yaml.
func projectFolder() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "s.yaml")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("there is no s.yaml here or in a folder above: run this inside the project")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// built returns the folder of the functions' binaries, and builds those that
// are not there, as make build does.
func (s *settings) built(ctx context.Context, dir string, say func(string)) (string, error) {
	folder := s.build
	if folder == "" {
		folder = filepath.Join(dir, ".build")
		if platform := runtime.GOOS + "-" + runtime.GOARCH; platform != "linux-amd64" {
			folder = filepath.Join(folder, platform) // make build's are for the cloud
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "s.yaml"))
	if err != nil {
		return "", err
	}
	functions, err := manifest.Functions("s.yaml", text, os.LookupEnv)
	if err != nil {
		return "", err
	}
	for _, f := range functions {
		binary := filepath.Join(folder, f.ID, f.Handler)
		if _, err := os.Stat(binary); err == nil {
			continue
		}
		say("building function " + f.ID + " (the first takes minutes, cold)")
		c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=nethttpomithttp2", "-ldflags=-s -w -buildid=", "-o", binary, "./functions/"+f.ID)
		c.Dir, c.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", f.ID, err, strings.TrimSpace(string(out)))
		}
	}
	return folder, nil
}

// patienceWith is how long a run waits for its end, unless told otherwise.
func patienceWith(hostile bool) time.Duration {
	if hostile {
		return 15 * time.Minute
	}
	return 3 * time.Minute
}

// drawSeed gives a hostile cloud a seed if nobody has, small enough to type.
func (s *settings) drawSeed(given bool) {
	if !given {
		s.seed = 1 + rand.Uint64N(999999)
	}
}
