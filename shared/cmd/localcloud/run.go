package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// errNotConnected means that the run has said why itself.
var errNotConnected = errors.New("not connected")

func runCommand() *cobra.Command {
	var s settings
	var file, kind, after string
	var asJSON bool
	var patience time.Duration
	c := &cobra.Command{
		Use: "run", Short: "Make one connection on the local cloud, show how, and leave nothing running", Args: cobra.NoArgs,
		Long: `Make one connection on the local cloud, show how, and leave nothing running.
The exit status is 0 only if it ends Connected. It is calm unless --seed is given.`,
		RunE: func(c *cobra.Command, _ []string) error {
			hostile := c.Flags().Changed("seed") && !s.calm
			patience = cmp.Or(patience, patienceWith(hostile))
			w, err := world.ReadFile(s.world)
			if err != nil {
				return err
			}
			body, req, err := requestBody(file, kind, w)
			if err != nil {
				return err
			}
			out, width := c.OutOrStdout(), terminal(c.OutOrStdout())
			if asJSON {
				out, width = io.Discard, 0
			}
			r := newRun(show.NewPrinter(out, width, time.Now), body, req)
			r.after = after
			report, err := r.do(c.Context(), &s, w, hostile, patience)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				err = e.Encode(report)
			} else {
				r.p.Summary(*report)
			}
			if err == nil && !report.Connected {
				err = errNotConnected
			}
			return err
		},
	}
	s.flags(c)
	c.Flags().StringVar(&file, "request", "", "`FILE` of the request (default: the tutorial's)")
	c.Flags().StringVar(&kind, "type", "", "connection type: ExpressConnect, VpcPeering or auto (default: the request's)")
	c.Flags().StringVar(&after, "world-out", "", "write the world as it is at the end to `FILE`; world prints it as it is at the start")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON document at the end instead")
	c.Flags().DurationVar(&patience, "timeout", 0, "how long to wait for the connection's end (default 3m, hostile 15m)")
	return c
}

// terminal returns a terminal's width, 0 if out is none.
func terminal(out io.Writer) int {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w < 20 {
		return 80
	}
	return w
}

// run is one run of the command.
type run struct {
	p     *show.Printer
	body  []byte
	req   request
	after string // the file for the world at the end; "" for none
	seen  tally
	said  map[string]bool // steps' news, each once
}

func newRun(p *show.Printer, body []byte, req request) *run {
	r := &run{p: p, body: body, req: req, said: map[string]bool{}}
	r.seen.init(p)
	return r
}

// do starts the cloud, asks for the connection, follows it to its end, and
// leaves nothing running.
func (r *run) do(ctx context.Context, s *settings, w *world.World, hostile bool, patience time.Duration) (*show.Report, error) {
	weather := "calm"
	if hostile {
		weather = fmt.Sprintf("hostile, seed %d", s.seed)
	}
	r.p.Line("VPC Interconnect on the local cloud (%s): %s in %s and %s in %s", weather,
		r.req.Initiator.VpcID, r.req.Initiator.RegionID, r.req.Acceptor.VpcID, r.req.Acceptor.RegionID)
	r.p.Status("starting the cloud")
	c, err := s.start(ctx, w, hostile, stack.Options{
		Record: r.seen.call, Message: r.seen.message, Ran: r.seen.ran, Observe: r.seen.happened, Log: r.seen.printed,
	}, func(what string) { r.p.Status("%s", what); r.p.Step(show.Dim, "localcloud", "%s", what) })
	if err != nil {
		r.p.Status("")
		return nil, err
	}
	defer c.Close()
	r.p.Step(show.Plain, "localcloud", "%d functions, %d regions, account %s", len(c.Functions.Stats()), len(c.Endpoints.Regions), c.Endpoints.AccountID)

	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	go r.tick(limited)
	began := time.Now()
	client := client{url: c.Endpoints.Intake, token: c.Endpoints.APIToken}
	last, raw, err := r.connect(limited, client)
	elapsed := time.Since(began)
	if ctx.Err() != nil {
		return nil, errors.New("interrupted")
	}
	if err != nil {
		r.p.Status("")
		return nil, err
	}
	report := &show.Report{
		Connected: last.State == "Connected", State: last.State, Why: last.Why, Seed: s.seed, Hostile: hostile,
		ElapsedMs: elapsed.Milliseconds(), Request: r.body, Answer: raw, Pings: r.seen.pings(last.pinged()),
	}
	if limited.Err() != nil && !report.Connected {
		report.Why = fmt.Sprintf("this was still so after %s. %s", patience, last.Why)
	}
	report.Drawing = show.Drawing(c.World(), r.req.Initiator.VpcID, r.req.Acceptor.VpcID, pingMarks(last))
	err = errors.Join(writeWorld(r.after, c.World()), c.close()) // before counting, so that all is in
	report.Took = r.seen.took(c.Functions.Stats())
	if !report.Connected {
		r.seen.complain()
	}
	return report, err
}

// askAgain is for how long no step may have begun before the request is posted
// again. That changes nothing, but sends the first message again: the sweep
// would too, minutes later.
const askAgain = 10 * time.Second

func (r *run) tick(ctx context.Context) {
	t := time.NewTicker(120 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			r.p.Tick()
		case <-ctx.Done():
			return
		}
	}
}

// connect asks for the connection and follows it until it has ended or ctx
// has. A cloud in bad weather answers some requests with 5xx: they are made
// again, which changes nothing more.
func (r *run) connect(ctx context.Context, c client) (answer, json.RawMessage, error) {
	var last answer
	var raw json.RawMessage
	var asked time.Time
	for posted := false; ; {
		var err error
		var status int
		if !posted || last.untouched() && time.Since(asked) > askAgain {
			asked = time.Now()
			status, raw, err = c.ask(ctx, "POST", "/connections", r.body)
		} else {
			status, raw, err = c.ask(ctx, "GET", "/connections/"+last.ID+"?live=false", nil)
		}
		switch {
		case err == nil && status < 300:
			var a answer
			if err := json.Unmarshal(raw, &a); err != nil {
				return last, raw, fmt.Errorf("intake's answer cannot be read: %w", err)
			}
			if !posted {
				r.p.Step(show.Strong, "intake", "took the request: connection %s, generation %d", a.ID, a.Generation)
				for _, w := range a.Warnings {
					r.p.Step(show.Plain, "intake", "warning: %s %s", w.Field, w.Detail)
				}
			}
			posted = true
			r.follow(a)
			if last = a; a.Ended {
				return last, raw, nil
			}
		case err == nil && status >= 400 && status < 500 && !posted:
			return last, raw, fmt.Errorf("intake refused the request:\n%s", show.Indent(problemText(raw)))
		case ctx.Err() == nil:
			why := fmt.Sprint(err)
			if err == nil {
				why = fmt.Sprintf("%d: %.300s", status, raw)
			}
			r.p.Step(show.Dim, "intake", "asked again: %s", why)
		}
		if !r.wait(ctx, posted) {
			return last, raw, nil
		}
	}
}

// wait pauses before intake is asked: until a step has run, since nothing
// changes otherwise, or some seconds; false if ctx has ended.
func (r *run) wait(ctx context.Context, posted bool) bool {
	patience := 5 * time.Second
	if !posted {
		patience = time.Second
	}
	select {
	case <-r.seen.changed:
		patience = 100 * time.Millisecond // for the status that it writes last, and what follows at once
	case <-time.After(patience):
		return true
	case <-ctx.Done():
		return false
	}
	select {
	case <-time.After(patience):
		return true
	case <-ctx.Done():
		return false
	}
}

// follow shows what an answer has that none had before: an answer may well be
// older than the last one, where reads lag.
func (r *run) follow(now answer) {
	for _, s := range now.Steps {
		tone, text := s.news()
		if text == "" || r.said[s.Step+text] {
			continue
		}
		r.said[s.Step+text] = true
		r.p.Step(tone, s.Step, "%s", text)
	}
	for _, s := range now.Steps {
		if s.Progress == "waiting" || s.Progress == "pending" {
			r.p.Status("%s %s", s.Step, s.Note)
			break
		}
	}
}

// news is what a step's answer says, "" if nothing.
func (s stepAnswer) news() (show.Tone, string) {
	switch {
	case s.Progress == "done":
		return show.Good, "done in " + (time.Duration(s.TookMs) * time.Millisecond).String() + listed(s.Resources)
	case s.Progress == "failed":
		return show.Bad, "failed: " + s.problem()
	case s.problem() != "":
		return show.Dim, "will try again: " + s.problem()
	case s.Note != "":
		return show.Plain, "waits: " + s.Note
	}
	return show.Plain, ""
}
