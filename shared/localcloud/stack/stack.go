// Package stack starts the whole local cloud in one process: the engine with a
// world in it, the OpenAPI and MNS wires on ports of their own, and Function
// Compute with the functions that s.yaml and template.yml describe.
package stack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
	"vpcinterconnect/shared/localcloud/kernel"
	"vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/ram"
	"vpcinterconnect/shared/localcloud/world"
)

// Options set a stack up. Dir, Code and World are needed.
type Options struct {
	Dir   string // the folder of s.yaml and template.yml
	Code  string // the folder of the built functions: <function>/main
	World *world.World

	Seed    uint64
	Hostile bool // whatever may go wrong does, drawn from Seed

	Latency    time.Duration     // of an API call
	Transition time.Duration     // of asynchronous states; 0: the real cloud's
	Hurry      float64           // divides Function Compute's pauses; see fc.Options
	Parallel   int               // pushes of one queue at a time; see fc.Options
	Variables  map[string]string // what ${env('X')} of s.yaml finds

	Kernel bool // the network is the Linux kernel's (root only); else it is worked out in memory

	Account *Account // a real one for all but queues and functions; nil: everything is local

	Record  func(openapi.Record)                  // each OpenAPI request
	Message func(mns.Record)                      // each MNS request
	Ran     func(engine.Script, engine.Execution) // each script in an instance
	Observe func(fc.Event)                        // what Function Compute does
	Log     func(fc.Line)                         // what functions print
}

// Account is an account of another cloud, whose network, instances and records
// the functions work on with the user's own key. World's Account is its id.
type Account struct {
	Keys   fc.Credentials
	API    http.Handler                     // answers OpenAPI requests in the engine's place
	Intake func(intake string) http.Handler // stands before intake, which is at that URL
}

// Endpoints is how to reach a stack. An account's key is not among them, nor
// is the engine's world, which nothing happens in then.
type Endpoints struct {
	OpenAPI         string   `json:"openapi"`
	MNS             string   `json:"mns"`
	Intake          string   `json:"intake"` // "" if no function of that name has an HTTP trigger
	World           string   `json:"world"`  // GET: the present world as a world file
	AccountID       string   `json:"accountId"`
	AccessKeyID     string   `json:"accessKeyId"`
	AccessKeySecret string   `json:"accessKeySecret"`
	APIToken        string   `json:"apiToken"`
	Regions         []string `json:"regions"`
	Namespaces      string   `json:"namespaces,omitempty"` // the kernel's network: what the names of its namespaces begin with, before an id
}

// Stack is a running local cloud.
type Stack struct {
	Engine    *engine.Engine
	Functions *fc.Platform
	Endpoints Endpoints
	Start     *world.World    // the world as it was before anything happened
	Judge     *ram.Judge      // of what functions' roles may do, and did
	Network   *kernel.Network // nil unless the network is the kernel's

	servers []*http.Server
	close   sync.Once
}

// New starts a stack. It runs until Close, or until ctx ends; Close is needed
// in any case.
func New(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{Judge: ram.New()}
	if err := s.start(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// start starts everything. What it has started when it fails, Close stops.
func (s *Stack) start(ctx context.Context, o Options) error {
	eo := engine.Options{Seed: o.Seed, Transition: o.Transition, Guest: watchedGuests{dataplane.Guests{}, o.Ran}, Judge: s.Judge.Judge}
	if o.Kernel {
		n, err := kernel.Open(kernel.Options{Warn: func(err error) { slog.Warn("the kernel's network", "error", err.Error()) }})
		if err != nil {
			return err
		}
		s.Network, eo.Guest = n, watchedNetwork{n, o.Ran}
	}
	if o.Hostile {
		eo.Faults = engine.Hostile(o.Seed, engine.UsualRates)
	}
	e := engine.New(o.World.Options(eo))
	if err := o.World.Apply(e); err != nil {
		return err
	}
	functions, base, err := deployment(o, e)
	if err != nil {
		return err
	}
	region := functions[0].Region
	if err := provide(e, region, base); err != nil {
		return err
	}
	s.Engine, s.Start = e, world.Export(e)
	if s.Network != nil {
		if err := s.Network.Follow(e); err != nil {
			return err
		}
	}
	if err := s.serve(o, region); err != nil {
		return err
	}
	local := cloud{e: e, region: region}
	if o.Account != nil {
		local.keys = &o.Account.Keys
	}
	if s.Functions, err = fc.New(local, functions, s.functionOptions(o, functions)); err == nil {
		err = s.Functions.Start(ctx)
	}
	if err != nil {
		return err
	}
	s.Endpoints.Intake = s.Functions.URL("intake")
	if o.Account == nil {
		return nil
	}
	port, err := s.listen(o.Account.Intake(s.Endpoints.Intake))
	s.Endpoints.Intake = "http://127.0.0.1:" + port
	return err
}

// Close stops everything and waits until no process is left.
func (s *Stack) Close() {
	s.close.Do(func() {
		if s.Functions != nil {
			s.Functions.Close()
		}
		for _, server := range s.servers {
			_ = server.Close() // its listener is gone either way
		}
		if s.Network != nil {
			if err := s.Network.Close(); err != nil {
				slog.Error("the kernel's network is not all gone: localcloud sweep", "error", err.Error())
			}
		}
	})
}

// World is what exists now.
func (s *Stack) World() *world.World { return world.Export(s.Engine) }

// deployment reads s.yaml and template.yml.
func deployment(o Options, e *engine.Engine) ([]manifest.Function, *manifest.Base, error) {
	read := func(name string) (string, []byte, error) {
		data, err := os.ReadFile(filepath.Join(o.Dir, name))
		return name, data, err
	}
	name, data, err := read("s.yaml")
	if err != nil {
		return nil, nil, err
	}
	functions, err := manifest.Functions(name, data, func(k string) (string, bool) {
		if k == "ALIBABA_CLOUD_ACCOUNT_ID" {
			return e.AccountID(), true
		}
		v, ok := o.Variables[k]
		return v, ok
	})
	if err != nil {
		return nil, nil, err
	}
	for _, f := range functions {
		if f.Region != functions[0].Region {
			return nil, nil, fmt.Errorf("s.yaml: functions in %s and in %s; the local cloud runs those of one region", functions[0].Region, f.Region)
		}
	}
	pseudo := manifest.Pseudo{Region: functions[0].Region, AccountID: e.AccountID(), StackName: "local"}
	if prefix := o.Variables["PREFIX"]; prefix != "" {
		pseudo.Parameters = map[string]string{"Prefix": prefix}
	}
	if name, data, err = read("template.yml"); err != nil {
		return nil, nil, err
	}
	base, err := manifest.Template(name, data, pseudo)
	return functions, base, err
}

// serve opens the wires.
func (s *Stack) serve(o Options, region string) error {
	s.Endpoints = Endpoints{AccountID: s.Engine.AccountID(), APIToken: rand.Text()}
	if s.Network != nil {
		s.Endpoints.Namespaces = s.Network.Prefix()
	}
	var calls http.Handler
	if a := o.Account; a != nil {
		s.Engine.AddKey(a.Keys.AccessKeyID, a.Keys.AccessKeySecret, a.Keys.SecurityToken)
		calls = a.API
	} else {
		root := s.Engine.AddUser("", "", "")
		s.Endpoints.AccessKeyID, s.Endpoints.AccessKeySecret = root.AccessKeyID, root.Secret
		calls = openapi.New(openapi.Options{Engine: s.Engine, Latency: o.Latency, Record: o.Record})
	}
	for _, r := range s.Start.Regions {
		s.Endpoints.Regions = append(s.Endpoints.Regions, r.ID)
	}
	api, err := s.listen(calls)
	if err != nil {
		return err
	}
	queues, err := s.listen(mns.New(mns.Options{Engine: s.Engine, Record: o.Message}))
	if err != nil {
		return err
	}
	s.Endpoints.OpenAPI = "http://127.0.0.1:" + api
	// The official Go SDK wants five names with dots between them, and takes
	// account and region from them; a host without dots leaves that to the path.
	s.Endpoints.MNS = fmt.Sprintf("http://localhost:%s/%s.mns.%s.aliyuncs.com", queues, s.Engine.AccountID(), region)
	if o.Account != nil {
		return nil
	}
	current, err := s.listen(http.HandlerFunc(s.serveWorld))
	s.Endpoints.World = "http://127.0.0.1:" + current + "/"
	return err
}

func (s *Stack) listen(h http.Handler) (port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // clients that leave are no news
	}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("a port of the local cloud closed", "address", l.Addr().String(), "error", err.Error())
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	return port, err
}

func (s *Stack) serveWorld(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	text, err := s.World().Marshal()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(text) // a client that has gone does not want it
}

// functionOptions points the functions at the wires, and draws Function
// Compute's open questions by the seed if the cloud is hostile.
func (s *Stack) functionOptions(o Options, functions []manifest.Function) fc.Options {
	fo := fc.Options{
		Code: o.Code, Hurry: o.Hurry, Parallel: o.Parallel, Log: o.Log, Observe: o.Observe,
		Environment: map[string]string{"OPENAPI_ENDPOINT": s.Endpoints.OpenAPI, "MNS_ENDPOINT": s.Endpoints.MNS},
		Overrides:   map[string]map[string]string{},
	}
	sum := sha256.Sum256([]byte(s.Endpoints.APIToken))
	for _, f := range functions {
		if given, wants := f.Environment["API_TOKENS"]; wants {
			own := "local:" + hex.EncodeToString(sum[:])
			fo.Overrides[f.ID] = map[string]string{"API_TOKENS": strings.TrimSuffix(own+","+given, ",")}
		}
	}
	if o.Hostile {
		fo.Chaos = fc.Chaos{Seed: o.Seed, PushTwice: 0.1, Crash: 0.01}
		fo.ColdStart = time.Duration(o.Seed%7) * 50 * time.Millisecond
		fo.DeleteFirst, fo.Base64Bodies = o.Seed%2 == 1, o.Seed%3 == 1
		fo.EventsAsText, fo.BodiesAsJSON = o.Seed%7 == 1, o.Seed%11 == 1
		if o.Seed%5 == 1 {
			fo.Parallel = 1
		}
	}
	return fo
}

// watchedGuests are guests with somebody looking on.
type watchedGuests struct {
	engine.Guest
	ran func(engine.Script, engine.Execution)
}

// Run runs a script.
func (g watchedGuests) Run(s engine.Script) engine.Execution {
	x := g.Guest.Run(s)
	if g.ran != nil {
		g.ran(s, x)
	}
	return x
}

// watchedNetwork is the same for the kernel's, whose scripts take their time.
type watchedNetwork struct {
	*kernel.Network
	ran func(engine.Script, engine.Execution)
}

// Start starts a script.
func (n watchedNetwork) Start(s engine.Script, done func(engine.Execution)) (stop func()) {
	return n.Network.Start(s, func(x engine.Execution) {
		if n.ran != nil {
			n.ran(s, x)
		}
		done(x)
	})
}
