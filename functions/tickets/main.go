// Command tickets is the function between ticket systems and connections: its
// HTTP trigger takes what they send, its queue triggers have tickets planned,
// carried out and told how it goes, its timer finds what they were not told.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/tickets"
	"vpcinterconnect/shared/tickets/settings"
	"vpcinterconnect/shared/trigger"
)

func main() {
	trigger.Start(function(func(inv trigger.Invocation) (*parts, error) { return build(inv, os.Getenv) }))
}

// parts are what the function is made of.
type parts struct {
	door   *tickets.Door
	worker *tickets.Worker
}

// function tells the triggers' events apart. Build makes the parts anew for each
// invocation, from its credentials.
func function(build func(trigger.Invocation) (*parts, error)) trigger.Func {
	return func(ctx context.Context, inv trigger.Invocation, event []byte) ([]byte, error) {
		e, err := trigger.Decode(event)
		if err != nil {
			return nil, err
		}
		p, err := build(inv)
		if err != nil {
			slog.Error("not set up", "function", inv.FunctionName, "requestId", inv.RequestID, "error", err.Error())
			return nil, err
		}
		switch e.Kind {
		case trigger.KindHTTP:
			return trigger.ServeHTTP(ctx, p.door, e.HTTP), nil
		case trigger.KindQueue:
			if err := p.worker.Handle(ctx, e.Queue); err != nil {
				slog.Error("not handed on", "function", inv.FunctionName, "requestId", inv.RequestID, "error", err.Error())
				return nil, err
			}
			return []byte("{}"), nil
		case trigger.KindTimer:
			swept, err := p.worker.Sweep(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(map[string][]string{"sent": swept})
		}
		return nil, fmt.Errorf("an event of kind %s is none of this function's", e.Kind)
	}
}

// build wires the function from its environment.
func build(inv trigger.Invocation, env func(string) string) (*parts, error) {
	prefix := env("PREFIX")
	if prefix == "" {
		return nil, fmt.Errorf("the environment variable PREFIX is not set; it names the deployment")
	}
	text, err := trigger.JSONVariable(env("TICKETS"))
	if err != nil {
		return nil, fmt.Errorf("the environment variable TICKETS: %w", err)
	}
	configured, err := settings.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the environment variable TICKETS: %w", err)
	}
	counters, err := configured.Counters(settings.Secrets{
		JiraWebhook: env("JIRA_WEBHOOK_SECRET"), JiraToken: env("JIRA_TOKEN"),
		ServiceNow: env("SERVICENOW_SECRET"), Password: env("SERVICENOW_PASSWORD"), CloudEvents: env("CLOUDEVENTS_SECRET"),
	}, prefix)
	if err != nil {
		return nil, err
	}
	if text, err = trigger.JSONVariable(env("POLICY")); err != nil {
		return nil, fmt.Errorf("the environment variable POLICY: %w", err)
	}
	rules, err := policy.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the environment variable POLICY: %w", err)
	}
	log := slog.Default().With("function", inv.FunctionName, "requestId", inv.RequestID)
	queues, err := mns.New(inv, mns.Options{Endpoint: env("MNS_ENDPOINT"), Prefix: prefix})
	if err != nil {
		return nil, err
	}
	// What changes networks is not linked in: the function is able to do no more
	// than intake.
	cloud := alicloud.NewReader(inv, alicloud.Options{Endpoint: env("OPENAPI_ENDPOINT"), Log: log})
	parameters := cloud.Parameters()
	kept := records.New(parameters, prefix)
	clock := func() time.Time { return time.Now().UTC() }
	in := &intake.Intake{Cloud: cloud, Records: kept, Queues: queues, Prefix: prefix, Account: inv.AccountID, Policy: *rules, Log: log}
	plans := &intake.Planner{Cloud: cloud, Records: kept, Prefix: prefix, Account: inv.AccountID, Policy: *rules, Clock: clock, Log: log}
	return &parts{
		door: &tickets.Door{Counters: counters, Queues: queues, Prefix: prefix, Log: log},
		worker: &tickets.Worker{
			Counters: counters,
			Intake:   asker{in.Ask, in.Disconnect},
			Planner:  planner(plans.Plan),
			Records:  kept, Queues: queues, Leases: &tickets.Leases{Store: parameters, Prefix: prefix},
			Prefix: prefix, Function: inv.FunctionName, Log: log,
		},
	}, nil
}

// asker and planner are what the worker needs of the intake. They hold functions,
// not the intake: its type would bring its API and its page into the binary, and
// make the function's cold starts longer.
type asker struct {
	ask        func(context.Context, *interconnect.Request, intake.Asker) (*intake.Taken, error)
	disconnect func(context.Context, string, intake.Asker) (*intake.Taken, error)
}

func (a asker) Ask(ctx context.Context, r *interconnect.Request, by intake.Asker) (*intake.Taken, error) {
	return a.ask(ctx, r, by)
}

func (a asker) Disconnect(ctx context.Context, id string, by intake.Asker) (*intake.Taken, error) {
	return a.disconnect(ctx, id, by)
}

type planner func(context.Context, *interconnect.Request, intake.Asker) (*intake.Plan, error)

func (p planner) Plan(ctx context.Context, r *interconnect.Request, by intake.Asker) (*intake.Plan, error) {
	return p(ctx, r, by)
}
