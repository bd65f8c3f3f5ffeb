package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// call is a call of a function between two moments, in milliseconds.
func call(by, action string, sent, answered int) Call {
	return Call{By: by, Product: "Vpc", Action: action, Sent: at(sent), Answered: at(answered)}
}

func names(p Path) (out []string) {
	for _, l := range p.Links {
		out = append(out, l.Name)
	}
	return out
}

func TestTheLongestChainCountsWhateverElseTheRunDid(t *testing.T) {
	t.Parallel()
	table := []Row{
		{Name: "a", By: "f", Action: "A"},
		{Name: "b", By: "f", Action: "B"},
		{Name: "look", By: "f", Action: "L", Pick: before, Of: "c", Needs: []string{"a", "b"}},
		{Name: "c", By: "f", Action: "C", Needs: []string{"look"}},
		{Name: "ready", What: "thing", Is: "Ready", Needs: []string{"c"}},
		{Name: "seen", By: "f", Action: "S", Pick: last, Needs: []string{"ready"}},
	}
	r := Recording{From: at(0), To: at(3000), Calls: []Call{
		call("f", "L", 0, 100), // too early to be the look before c
		call("f", "A", 100, 150), call("f", "B", 200, 300),
		call("f", "L", 400, 480),
		call("f", "C", 500, 600), call("f", "C", 510, 640), // side by side
		call("f", "S", 1000, 1100), call("f", "S", 2000, 2100), call("f", "S", 2900, 3000), // polls
		call("g", "S", 2950, 9000), // another function's
	}, States: []State{{"thing", "x", "Ready", at(1640)}, {"thing", "y", "Ready", at(2140)}, {"thing", "x", "Gone", at(2500)}}}
	p := Critical(table, r, "seen")
	require.Equal(t, []string{"b", "look", "c", "ready", "seen"}, names(p))
	require.Equal(t, (100+80+130+1500+100)*time.Millisecond, p.Takes)
	require.Len(t, p.Links[2].Calls, 2)
	require.Equal(t, 3*time.Second, p.Reached(r))
	require.InDelta(t, 3000.0/1910, Ratio(p.Reached(r), p.Takes), 0.001)

	t.Run("what did not happen stands for what it needs", func(t *testing.T) {
		t.Parallel()
		cut := r
		cut.Calls = append([]Call(nil), r.Calls[1:3]...)
		cut.Calls = append(cut.Calls, r.Calls[4:]...)
		require.Equal(t, []string{"b", "c", "ready", "seen"}, names(Critical(table, cut, "seen")), "without the look")
	})
	t.Run("a run that never came there has no path", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, Critical(table, Recording{}, "seen").Links)
		require.Zero(t, Critical(table, Recording{}, "seen").Reached(r))
	})
}

func TestTablesNameWhatIsThere(t *testing.T) {
	t.Parallel()
	for what, table := range map[string][]Row{"connect": Connect, "disconnect": Disconnect} {
		known := map[string]bool{}
		for _, row := range table {
			require.False(t, known[row.Name], "%s: %s is there twice", what, row.Name)
			for _, need := range row.Needs {
				require.True(t, known[need], "%s: %s needs %s, which does not come before it", what, row.Name, need)
			}
			known[row.Name] = true
			require.NotEmpty(t, row.Why, row.Name)
			require.True(t, (row.By != "") != (row.What != "" || row.For > 0), "%s is a call or a change of state", row.Name)
		}
		for _, row := range table {
			require.True(t, row.Of == "" || known[row.Of], "%s: %s is about %s", what, row.Name, row.Of)
		}
	}
}
