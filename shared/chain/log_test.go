package chain_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// What the README's queries and template.yml's alarms go by.
func TestTheLogSaysWhoAskedWhatWasDoneAndWhatCameOfIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.By, r.Wanted.ApprovedBy = "ann", "bob" })
	s.steps[interconnect.Verification].do = []func(context.Context, *chain.Task) chain.Outcome{func(ctx context.Context, task *chain.Task) chain.Outcome {
		require.NoError(t, task.Mutate(ctx, chain.Call{Action: "RunCommand", Resource: "i-1", Do: func(context.Context) error { return nil }}))
		return chain.Outcome{Kind: chain.KindDone, Verdict: &interconnect.Verdict{At: s.now, Outcome: interconnect.VerdictBlocked, Why: "No answer."}}
	}}
	h := s.handler(interconnect.Verification)
	h.Journal = func(ctx context.Context) (context.Context, func() []string) {
		return ctx, func() []string { return []string{"RunCommand cn-x r-1"} }
	}
	require.NoError(t, h.Handle(context.Background(), event(string(message(interconnect.Verify).Body()))))

	lines := map[string]map[string]any{}
	for line := range strings.Lines(s.logs.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		lines[l["msg"].(string)] = l
	}
	for _, kind := range []string{"audit", "step"} {
		for key, want := range map[string]any{"connection": "a", "generation": 1.0, "step": "verification", "do": "verify", "by": "ann", "approvedBy": "bob", "trace": "trace"} {
			require.Equal(t, want, lines[kind][key], "%s of the line %s", key, kind)
		}
	}
	require.Equal(t, "RunCommand", lines["audit"]["action"])
	require.Equal(t, "i-1", lines["audit"]["resource"])
	require.Equal(t, true, lines["audit"]["ok"])
	require.Equal(t, "done", lines["step"]["outcome"])
	require.Equal(t, "blocked", lines["step"]["verdict"])
	require.Equal(t, []any{"RunCommand cn-x r-1"}, lines["step"]["calls"])
	require.Less(t, lines["step"]["ms"], float64(time.Minute.Milliseconds()))
}
