package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// bury puts a body on the dead-letter queue and returns its id there.
func (b *bench) bury(body []byte) string {
	b.t.Helper()
	sent, err := b.SendMessage(engine.QueueRef{Region: home, Name: "vi-dead-letters"}, engine.Outgoing{Body: string(body)})
	require.NoError(b.t, err)
	return sent.MessageID
}

// on returns the bodies on a queue, hidden ones too.
func (b *bench) on(queue string) []string {
	b.t.Helper()
	all, err := b.QueueMessages(engine.QueueRef{Region: home, Name: "vi-" + queue})
	require.NoError(b.t, err)
	var out []string
	for _, m := range all {
		out = append(out, m.Body)
	}
	return out
}

// order is a message that gave up long ago.
func order(id string, generation int) chain.Message {
	return chain.Message{
		Schema: chain.SchemaVersion, ConnectionID: id, Generation: generation, Action: interconnect.Connect, Trace: "t-1", Hops: 60, Attempts: 7,
		StartedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), GiveUpAt: time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC),
	}
}

func letter(queue string, body string) []byte {
	out, _ := json.Marshal(chain.DeadLetter{Queue: queue, Reason: "schema version 0 is not 1", Body: body, Size: len(body), Function: "vi-" + queue})
	return out
}

func pushed(queue string, bodies ...string) []byte {
	var events []any
	for _, body := range bodies {
		events = append(events, map[string]any{"specversion": "1.0", "subject": "acs:mns:cn-hangzhou:1:queues/vi-" + queue,
			"data": map[string]any{"messageId": "m-1", "messageBody": body}})
	}
	out, _ := json.Marshal(events)
	return out
}

func TestDeadLettersAreListedAndExplainedWithoutTouchingThem(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Contains(t, b.mustRun("dead-letters", "list"), "About 0 dead letters")
	require.Contains(t, b.mustRun("dead-letters", "explain"), "no dead letters")
	generation := b.record(interconnect.Wanted{Connection: connection("a")}, false)
	wanted := b.bury(pushed("routes", string(order("a", generation).Body())))
	lost := b.bury(order("gone", 1).Body())
	odd := b.bury(letter("peering", "\x1b[2J{\"schema\": 7}"))

	out := b.mustRun("dead-letters", "list")
	require.Empty(t, b.changed())
	require.Contains(t, out, "About 3 dead letters")
	for id, says := range map[string]string{
		wanted: "connect of a, generation 1: it goes to routes",
		lost:   "connect of gone, generation 1: it stays, not needed: There is no record",
		odd:    "it stays: It cannot be understood",
	} {
		require.Regexp(t, id+".*"+says, out)
	}
	out = b.mustRun("dead-letters", "explain", wanted, odd)
	require.Empty(t, b.changed())
	require.Contains(t, out, "EventBridge gave it up")
	require.Contains(t, out, `"connectionId":"a"`)
	require.Contains(t, out, "schema version 0 is not 1")
	require.NotContains(t, out, "\x1b", "a stranger's bytes do not reach the terminal")
	require.NotContains(t, out, lost)
	_, err := b.run("dead-letters", "explain", "nowhere")
	require.ErrorContains(t, err, "nowhere")
}

func TestARedriveSendsWhatIsSoundAndNeededAndDeletesItThen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.record(interconnect.Wanted{Connection: connection("a")}, false)
	b.bury(pushed("routes", string(order("a", g).Body())))
	bare := b.bury(order("a", g).Body())
	b.bury(pushed("peering", string(order("a", g).Body()), "{}"))
	b.bury(order("a", g+1).Body())
	b.bury([]byte("{}"))

	out := b.mustRun("dead-letters", "redrive", bare)
	require.Contains(t, out, "1 sent again, 0 stay.")
	require.Len(t, b.on("peering"), 1)
	require.Len(t, b.on("dead-letters"), 4)
	_, err := b.run("dead-letters", "redrive", bare)
	require.ErrorContains(t, err, "not to be received")

	require.NoError(t, b.wait(t.Context(), time.Minute)) // what was received is to be seen again
	out = b.mustRun("dead-letters", "redrive", "--all")
	require.Contains(t, out, "1 sent again, 3 stay.", out)
	require.Len(t, b.on("dead-letters"), 3, "a list of which one part is not sound stays as a whole")
	require.Len(t, b.on("routes"), 1)
	for _, queue := range []string{"routes", "peering"} {
		m, err := chain.ParseMessage([]byte(b.on(queue)[0]))
		require.NoError(t, err)
		require.Equal(t, []any{"a", g, interconnect.Connect}, []any{m.ConnectionID, m.Generation, m.Action})
		require.True(t, m.StartedAt.IsZero() && m.GiveUpAt.IsZero() && m.Hops == 0 && m.Attempts == 0,
			"its time and its attempts start anew: else it would be given up, and rolled back, at once")
	}
	for _, args := range [][]string{{}, {"--all", bare}} {
		_, err := b.run(append([]string{"dead-letters", "redrive"}, args...)...)
		require.Error(t, err)
	}
}

func TestALetterThatCouldNotBeSentStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.record(interconnect.Wanted{Connection: connection("a")}, false)
	b.bury(pushed("routes", string(order("a", g).Body())))
	b.DeleteQueue(engine.QueueRef{Region: home, Name: "vi-routes"})
	_, err := b.run("dead-letters", "redrive", "--all")
	require.ErrorContains(t, err, "was not sent, and stays")
	require.Len(t, b.on("dead-letters"), 1)
	require.NotContains(t, strings.Join(b.changed(), " "), "DeleteMessage")
}

func TestManyDeadLettersAreRedrivenEachOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.record(interconnect.Wanted{Connection: connection("a")}, false)
	for range 40 {
		b.bury(order("a", g).Body())
	}
	require.Contains(t, b.mustRun("dead-letters", "list"), "These are the next 16")
	require.Contains(t, b.mustRun("dead-letters", "redrive", "--all"), "40 sent again, 0 stay.")
	require.Len(t, b.on("peering"), 40)
	require.Empty(t, b.on("dead-letters"))
}
