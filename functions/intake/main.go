// Command intake is the function that starts all work: its HTTP trigger takes
// requests, its timer trigger sweeps the records.
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
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/policy"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/trigger"
)

func main() {
	trigger.Start(function(func(inv trigger.Invocation) (*intake.Intake, error) { return build(inv, os.Getenv) }))
}

// function tells the triggers' events apart. Build makes the intake anew for
// each invocation, from its credentials.
func function(build func(trigger.Invocation) (*intake.Intake, error)) trigger.Func {
	return func(ctx context.Context, inv trigger.Invocation, event []byte) ([]byte, error) {
		e, err := trigger.Decode(event)
		if err != nil {
			return nil, err
		}
		in, err := build(inv)
		if err != nil {
			slog.Error("not set up", "function", inv.FunctionName, "requestId", inv.RequestID, "error", err.Error())
			return nil, err
		}
		switch e.Kind {
		case trigger.KindHTTP:
			return trigger.ServeHTTP(ctx, in, e.HTTP), nil
		case trigger.KindTimer:
			report, err := in.Sweep(ctx)
			if err != nil {
				return nil, err
			}
			return json.Marshal(report)
		}
		return nil, fmt.Errorf("intake has no queue, yet got an event of kind %s", e.Kind)
	}
}

// build wires the intake from the function's environment.
func build(inv trigger.Invocation, env func(string) string) (*intake.Intake, error) {
	prefix := env("PREFIX")
	if prefix == "" {
		return nil, fmt.Errorf("the environment variable PREFIX is not set; it names the deployment")
	}
	tokens, err := intake.ParseTokens(env("API_TOKENS"))
	if err != nil {
		return nil, fmt.Errorf("the environment variable API_TOKENS: %w", err)
	}
	text, err := trigger.JSONVariable(env("POLICY"))
	if err != nil {
		return nil, fmt.Errorf("the environment variable POLICY: %w", err)
	}
	rules, err := policy.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the environment variable POLICY: %w", err)
	}
	interval, err := checkInterval(env("CHECK_INTERVAL"))
	if err != nil {
		return nil, fmt.Errorf("the environment variable CHECK_INTERVAL: %w", err)
	}
	log := slog.Default().With("function", inv.FunctionName, "requestId", inv.RequestID)
	queues, err := mns.New(inv, mns.Options{Endpoint: env("MNS_ENDPOINT"), Prefix: prefix})
	if err != nil {
		return nil, err
	}
	// Intake changes nothing but records, so its binary is able to do no more.
	cloud := alicloud.NewReader(inv, alicloud.Options{Endpoint: env("OPENAPI_ENDPOINT"), Log: log})
	return &intake.Intake{
		Cloud: cloud, Records: records.New(cloud.Parameters(), prefix), Queues: queues,
		Prefix: prefix, Account: inv.AccountID, Tokens: tokens, Policy: *rules, CheckInterval: interval, Log: log,
	}, nil
}

// checkInterval reads how often connections are checked: a duration of at
// least a second, though never more often than the sweep comes; off; or
// nothing for the default.
func checkInterval(s string) (time.Duration, error) {
	switch s {
	case "":
		return intake.DefaultCheckInterval, nil
	case "off":
		return -1, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, fmt.Errorf("%q is neither a duration of at least 1s nor off", s)
	}
	return d, nil
}
