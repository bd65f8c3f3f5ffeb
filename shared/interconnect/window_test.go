package interconnect

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func windowed(w Window) *Record {
	return &Record{ID: "a", Generation: 1, UpdatedAt: noon, Wanted: Wanted{Connection: &Connection{ID: "a"}, At: noon, Window: w}}
}

func TestWhatWaitsForItsWindowIsPendingAndNotSilentUntilItBegins(t *testing.T) {
	t.Parallel()
	r := windowed(Window{NotBefore: noon.Add(time.Hour)})
	for after, silent := range map[time.Duration]bool{0: false, 59 * time.Minute: false, time.Hour: true, 2 * time.Hour: true} {
		require.Equal(t, silent, Silent(r, noon.Add(after)), after)
		require.Equal(t, !silent, Held(r, noon.Add(after)), after)
		require.Equal(t, StatePending, Overall(r, noon.Add(after)), after)
	}
	r.Sweep = Sent(r, noon.Add(time.Hour))
	require.False(t, Silent(r, noon.Add(time.Hour+2*time.Minute)), "once it was sent it gets its time")
	require.True(t, Silent(r, noon.Add(time.Hour+SilenceLimit)))

	r.Wanted.Disconnect = true
	require.False(t, Held(r, noon), "a disconnect does not wait")
}

func TestNoticesComeInOrderAndTheLastThatIsDueStandsForAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		life := time.Duration(rapid.IntRange(1, 72*60).Draw(rt, "life")) * time.Minute
		every := time.Duration(rapid.IntRange(1, 30).Draw(rt, "every")) * time.Minute
		r := windowed(Window{ExpiresAt: noon.Add(life)})
		last := 0
		for now := noon; !Expired(r, now); now = now.Add(every) {
			if n, due := NoticeDue(r, now); due {
				require.Greater(rt, n, last)
				require.LessOrEqual(rt, r.Wanted.ExpiresAt.Sub(now), Notices[n-1])
				last, r.Sweep = n, Told(r, n)
				_, again := NoticeDue(r, now)
				require.False(rt, again)
			}
			r.Sweep = Sent(r, now) // what else the sweep remembers does not make it forget
		}
		if every < time.Hour && life > time.Hour {
			require.Equal(rt, len(Notices), last)
		}
		_, due := NoticeDue(r, noon.Add(life))
		require.False(rt, due, "it is too late then")
	})
}

func TestANewGenerationIsToldOfAnew(t *testing.T) {
	t.Parallel()
	r := windowed(Window{ExpiresAt: noon.Add(time.Hour)})
	r.Sweep = Told(r, 2)
	_, due := NoticeDue(r, noon)
	require.False(t, due)
	r.Generation++
	n, due := NoticeDue(r, noon)
	require.True(t, due)
	require.Equal(t, 2, n)
}

func TestAWindowIsRecordedAndReadBack(t *testing.T) {
	t.Parallel()
	r := small()
	r.NotBefore, r.ExpiresAt = "2026-11-20T20:00:00+08:00", "2027-01-01T00:00:00.5Z"
	require.Empty(t, Validate(r))
	w := r.Window()
	text, err := json.Marshal(Wanted{Window: w})
	require.NoError(t, err)
	require.Contains(t, string(text), `"notBefore":"2026-11-20T12:00:00Z","expiresAt":"2027-01-01T00:00:00Z"`)
	var back Wanted
	require.NoError(t, json.Unmarshal(text, &back))
	require.True(t, back.Same(w, noon.Add(-time.Hour)))

	require.True(t, w.Same(Window{ExpiresAt: w.ExpiresAt}, noon), "a window that has begun is one without a beginning")
	require.False(t, w.Same(Window{ExpiresAt: w.ExpiresAt}, noon.Add(-time.Second)))
	require.False(t, w.Same(Window{NotBefore: w.NotBefore}, noon))
	none, err := json.Marshal(Wanted{})
	require.NoError(t, err)
	require.NotContains(t, string(none), "not")
}
