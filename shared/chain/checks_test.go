package chain_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

func TestChecksOfTheScheduleAreKnownByTheirTrace(t *testing.T) {
	t.Parallel()
	slot := time.Date(2026, 4, 8, 6, 5, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		action interconnect.Action
		trace  string
		want   bool
	}{
		"a check of a slot":         {interconnect.Verify, chain.ScheduledTrace(slot), true},
		"one that somebody asks":    {interconnect.Verify, "3f9c0a1be2d47765", false},
		"the repair that it begins": {interconnect.Connect, chain.ScheduledTrace(slot) + ".repair", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, chain.Message{Action: tt.action, Trace: tt.trace}.Scheduled())
		})
	}
	_, err := chain.ParseMessage(chain.Message{Schema: chain.SchemaVersion, ConnectionID: "a", Generation: 1, Action: interconnect.Verify, Trace: chain.ScheduledTrace(slot)}.Body())
	require.NoError(t, err, "it is a trace that messages may have")
}
