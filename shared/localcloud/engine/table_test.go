package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTableShowsThePast(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	tab := newTable[int]()
	tab.put(at(1), "a", 1)
	tab.update(at(2), "a", func(v *int) { *v = 2 })
	tab.remove(at(3), "a")
	tab.update(at(4), "a", func(v *int) { *v = 9 })
	for _, test := range []struct {
		at    float64
		value int
		there bool
	}{{0.5, 0, false}, {1, 1, true}, {1.5, 1, true}, {2, 2, true}, {2.9, 2, true}, {3, 0, false}, {9, 0, false}} {
		v, ok := tab.get(at(test.at), "a")
		require.Equal(t, test.there, ok, "at %v", test.at)
		require.Equal(t, test.value, v, "at %v", test.at)
	}
	require.Empty(t, tab.list(latest, nil))
	require.Equal(t, []int{2}, tab.list(at(2.5), nil))
}

// A table that forgets agrees with one that does not, for whoever looks back no
// further than longestLag.
func TestTableForgetsOnlyWhatNobodyCanSee(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		tab := newTable[int]()
		type event struct {
			at    time.Time
			id    string
			value int // 0: removed
		}
		var history []event
		for i := range rapid.IntRange(1, 700).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			id := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "id"))
			if rapid.Bool().Draw(t, "put") {
				tab.put(now, id, i+1)
				history = append(history, event{now, id, i + 1})
			} else {
				tab.remove(now, id)
				history = append(history, event{now, id, 0})
			}
		}
		seen := now.Add(-time.Duration(rapid.IntRange(0, int(longestLag.Milliseconds())).Draw(t, "lag")) * time.Millisecond)
		want := map[string]int{}
		for _, h := range history {
			if !h.at.After(seen) {
				want[h.id] = h.value
			}
		}
		for id := range 6 {
			v, ok := tab.get(seen, fmt.Sprint(id))
			if v != want[fmt.Sprint(id)] || ok != (v != 0) {
				t.Fatalf("row %d: %d, want %d", id, v, want[fmt.Sprint(id)])
			}
		}
	})
}
