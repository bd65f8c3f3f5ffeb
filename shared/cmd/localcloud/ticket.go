package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/tickets/samples"
)

func runTicketCommand() *cobra.Command {
	var s settings
	var system string
	var patience time.Duration
	c := &cobra.Command{
		Use: "run-ticket", Short: "Have a ticket connect two VPCs on the local cloud, and show what its reporter reads", Args: cobra.NoArgs,
		Long: `Have a ticket connect two VPCs on the local cloud, and show what its reporter
reads: it is created, planned, approved, connected, verified and closed. The
ticket system is a stand-in for Jira or ServiceNow, configured by the samples in
shared/tickets/samples. The exit status is 0 only if the ticket ends done.`,
		RunE: func(c *cobra.Command, _ []string) error {
			hostile := c.Flags().Changed("seed") && !s.calm
			patience = cmp.Or(patience, patienceWith(hostile))
			w, err := world.ReadFile(s.world)
			if err != nil {
				return err
			}
			if len(w.VPCs) < 2 {
				return errors.New("the world has no two VPCs that a ticket could be about")
			}
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			p := show.NewPrinter(c.OutOrStdout(), terminal(c.OutOrStdout()), time.Now)
			return (&ticketRun{p: p, printed: 0}).do(ctx, &s, w, hostile, system)
		},
	}
	s.flags(c)
	c.Flags().StringVar(&system, "system", "jira", "the ticket `SYSTEM`: jira (Cloud), jira-datacenter or servicenow")
	c.Flags().DurationVar(&patience, "timeout", 0, "how long to wait for the ticket's end (default 3m, hostile 15m)")
	return c
}

// The people of a run, and our own account, as the samples have it.
var (
	reporter = desk.Person{ID: "ann", Name: "Ann (reporter)"}
	approver = desk.Person{ID: "bob", Name: "Bob (network team)"}
)

// office is what a run needs of a ticket system's stand-in.
type office struct {
	handler  http.Handler
	sample   string // its configuration
	change   map[string]any
	secrets  map[string]string
	path     string // where it delivers
	hook     func(url string)
	create   func(w *world.World) (key string)
	approve  func(key string)
	notes    func(key string) []desk.Note
	finished func(key string) bool
	close    func()
}

// ticketRun is one run of the command.
type ticketRun struct {
	p       *show.Printer
	printed int // notes that were shown
}

// offices are the ticket systems that there are stand-ins for.
var offices = map[string]func() office{
	"jira":            func() office { return jiraOffice(true) },
	"jira-datacenter": func() office { return jiraOffice(false) },
	"servicenow":      serviceNowOffice,
}

func jiraOffice(cloud bool) office {
	own := desk.Person{ID: "557058:vpc-interconnect", Name: "VPC Interconnect"}
	token, secret := rand.Text(), rand.Text()
	j := desk.NewJira(desk.JiraOptions{Cloud: cloud, Account: own, User: "vpc-interconnect@example.com", Token: token, Transitions: map[string]string{"31": "Done"}})
	o := office{
		handler: j, sample: "jira.json", path: "/tickets/jira", change: map[string]any{},
		secrets:  map[string]string{"JIRA_TOKEN": token, "JIRA_WEBHOOK_SECRET": secret},
		hook:     func(url string) { j.Hook(url, secret) },
		approve:  func(key string) { j.Move(approver, key, "Approved") },
		notes:    j.Comments,
		finished: func(key string) bool { return j.Status(key) == "Done" },
		close:    j.Close,
	}
	if !cloud {
		o.change["edition"], o.change["user"] = "datacenter", nil
	}
	o.create = func(w *world.World) string {
		a, b := sideOf(w.VPCs[0]), sideOf(w.VPCs[1])
		option := func(v string) any { return map[string]any{"value": v, "id": "1"} }
		return j.Create(reporter, "NET", "VPC connection", "Orders need to reach billing", map[string]any{
			"customfield_10010": option(a.RegionID), "customfield_10011": a.VpcID, "customfield_10013": groupsOf(a), "customfield_10014": "ICMP",
			"customfield_10020": option(b.RegionID), "customfield_10021": b.VpcID, "customfield_10023": groupsOf(b), "customfield_10024": "ICMP, TCP 5432",
			"description": "Please connect our two VPCs.",
		})
	}
	return o
}

func serviceNowOffice() office {
	own := desk.Person{ID: "vpc.interconnect", Name: "VPC Interconnect"}
	password, secret := rand.Text(), rand.Text()
	s := desk.NewServiceNow(desk.ServiceNowOptions{Account: own, Password: password, Table: "sc_req_item"})
	return office{
		handler: s, sample: "servicenow.json", path: "/tickets/servicenow",
		secrets: map[string]string{"SERVICENOW_PASSWORD": password, "SERVICENOW_SECRET": secret},
		hook:    func(url string) { s.Rule(url, secret) },
		create: func(w *world.World) string {
			a, b := sideOf(w.VPCs[0]), sideOf(w.VPCs[1])
			return s.Create(reporter, "VPC connection", map[string]string{
				"initiator_region": a.RegionID, "initiator_vpc": a.VpcID, "initiator_groups": groupsOf(a), "initiator_ports": "ICMP",
				"acceptor_region": b.RegionID, "acceptor_vpc": b.VpcID, "acceptor_groups": groupsOf(b), "acceptor_ports": "ICMP, TCP 5432",
			})
		},
		approve:  func(key string) { s.Approve(approver, key) },
		notes:    s.Notes,
		finished: func(key string) bool { return s.Value(key, "state") == "3" },
		close:    s.Close,
	}
}

func groupsOf(s side) string {
	var ids []string
	for _, g := range s.SecurityGroups {
		ids = append(ids, g.SecurityGroupID)
	}
	return strings.Join(ids, ", ")
}

// do starts the cloud and the ticket system, and follows one ticket to its end.
func (r *ticketRun) do(ctx context.Context, s *settings, w *world.World, hostile bool, system string) error {
	open, known := offices[system]
	if !known {
		return fmt.Errorf("--system %q: it is jira, jira-datacenter or servicenow", system)
	}
	o := open()
	defer o.close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: o.handler, ReadHeaderTimeout: time.Minute}
	defer func() { _ = server.Close() }() // its listener is gone either way
	go func() { _ = server.Serve(l) }()   // it returns when it is closed
	variables, err := o.variables("http://" + l.Addr().String())
	if err != nil {
		return err
	}
	r.p.Line("VPC Interconnect on the local cloud, asked by a ticket of %s", system)
	r.p.Status("starting the cloud")
	var seen tally
	seen.init(r.p)
	c, err := s.start(ctx, w, hostile, stack.Options{
		Variables: variables, Record: seen.call, Message: seen.message, Ran: seen.ran, Observe: seen.happened, Log: seen.printed,
	}, func(what string) { r.p.Step(show.Dim, "localcloud", "%s", what) })
	r.p.Status("")
	if err != nil {
		return err
	}
	defer c.Close()
	o.hook(c.Functions.URL("tickets") + o.path)
	key := o.create(w)
	r.p.Step(show.Strong, reporter.Name, "makes the ticket %s", key)
	done := r.follow(ctx, o, key)
	if ctx.Err() == nil || done {
		err = c.close()
	}
	if !done {
		seen.complain()
		r.p.Line("\nThe ticket %s has not ended: %v", key, context.Cause(ctx))
		return errNotConnected
	}
	r.p.Line("\n%s is done.", key)
	return err
}

// variables are the function's environment.
func (o office) variables(url string) (map[string]string, error) {
	text, err := samples.Files.ReadFile(o.sample)
	if err != nil {
		return nil, err
	}
	var config map[string]map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, err
	}
	for _, c := range config {
		c["url"] = url
		for k, v := range o.change {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(config); err != nil {
		return nil, err
	}
	out := map[string]string{"TICKETS": strings.TrimSpace(b.String())}
	for k, v := range o.secrets {
		out[k] = v
	}
	return out, nil
}

// follow shows what is said on the ticket, has it approved once it is planned,
// and returns whether it ended done.
func (r *ticketRun) follow(ctx context.Context, o office, key string) bool {
	approved := false
	for {
		notes := o.notes(key)
		for ; r.printed < len(notes); r.printed++ {
			n := notes[r.printed]
			text, mark, _ := cutMarker(n.Text)
			r.p.Step(show.Strong, n.By.Name, "comments:")
			r.p.Line("%s", show.Indent(show.Indent(text)))
			if !approved && strings.Contains(mark, "/plan/") {
				approved = true
				time.Sleep(1100 * time.Millisecond) // nobody reads a plan faster, and ServiceNow's times have seconds
				r.p.Step(show.Strong, approver.Name, "approves the plan")
				o.approve(key)
			}
		}
		if o.finished(key) && len(notes) > 0 && strings.Contains(notes[len(notes)-1].Text, "/verdict/") {
			return strings.Contains(notes[len(notes)-1].Text, "/connected/")
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// cutMarker takes the last line, which is for machines, off a comment.
func cutMarker(text string) (rest, mark string, ok bool) {
	text = strings.TrimSpace(text)
	at := strings.LastIndex(text, "\n")
	if at < 0 || !strings.HasPrefix(text[at+1:], "vpc-interconnect/") {
		return text, "", false
	}
	return strings.TrimSpace(text[:at]), text[at+1:], true
}
