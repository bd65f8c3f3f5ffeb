package intake_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// with returns the tutorial's request with more fields.
func with(fields string) string {
	return strings.Replace(tutorial, "{", "{"+fields+",", 1)
}

// in returns a time so long after the house's present one, as requests have it.
func (h *house) in(d time.Duration) string { return h.time.Add(d).Format(time.RFC3339) }

func TestAConnectionThatExpiresIsToldOfTwiceAndThenTakenAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	expires := h.time.Add(30 * time.Hour)
	a := h.do("POST", "/connections", with(`"expiresAt": "`+h.in(30*time.Hour)+`"`))
	require.Equal(t, 202, a.status, a.body)
	require.Equal(t, expires.Format(time.RFC3339), a.Request.ExpiresAt)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)

	told := map[string]time.Duration{}
	for h.records["a"].Live() {
		require.False(t, h.time.After(expires.Add(time.Minute)), "it is gone by now")
		h.sweepFor(time.Minute)
		h.end("a", interconnect.Connect, interconnect.VerdictConnected)
		for _, n := range h.announced {
			if _, known := told[n.ID]; !known {
				told[n.ID] = expires.Sub(h.time)
				require.Equal(t, chain.TypeExpiring, n.Type)
				require.Equal(t, expires, n.Data.ExpiresAt)
				require.Equal(t, "someone", n.Data.By)
			}
		}
	}
	require.Equal(t, map[string]time.Duration{"a/1/-1": 24 * time.Hour, "a/1/-2": time.Hour}, told)
	require.Len(t, h.announced, 2, "each once")
	require.Equal(t, 2, h.records["a"].Generation)
	require.Equal(t, "expiry", h.records["a"].Wanted.By)
	last := h.sent[len(h.sent)-1]
	require.Equal(t, interconnect.Prune, last.Action)
	require.Equal(t, 2, last.Generation)

	h.end("a", interconnect.Prune, interconnect.VerdictIsolated)
	require.Equal(t, interconnect.StateDisconnected, h.do("GET", "/connections/a", "").State)
	before := len(h.sent)
	h.sweepFor(time.Hour)
	require.Len(t, h.sent, before, "once is enough")
}

func TestAShortLifeIsToldOfAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", with(`"expiresAt": "`+h.in(20*time.Minute)+`"`))
	h.sweepFor(15 * time.Minute)
	require.Len(t, h.announced, 1)
	require.Equal(t, "a/1/-2", h.announced[0].ID)
}

func TestANoticeThatCouldNotBeSentOrRememberedComesAgain(t *testing.T) {
	t.Parallel()
	for _, broken := range []string{"Send", "PutSweep"} {
		h := newHouse(t)
		h.do("POST", "/connections", with(`"expiresAt": "`+h.in(20*time.Hour)+`"`))
		h.end("a", interconnect.Connect, interconnect.VerdictConnected)
		h.fail[broken] = errors.New("down")
		_, err := h.Sweep(context.Background())
		require.Error(t, err, broken)
		delete(h.fail, broken)
		if broken == "PutSweep" {
			h.records["a"].Sweep = interconnect.SweepStatus{}
		}
		h.sweepFor(time.Minute)
		require.NotEmpty(t, h.announced, broken)
		for _, n := range h.announced {
			require.Equal(t, "a/1/-1", n.ID, "repeats have one id")
		}
	}
}

func TestAConnectionThatExpiresWhileItIsMadeIsTakenAway(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", with(`"expiresAt": "`+h.in(2*time.Minute)+`"`))
	h.step("a", interconnect.Peering, interconnect.StepStatus{Action: interconnect.Connect, Progress: interconnect.Done})
	h.sweepFor(2 * time.Minute)
	a := h.do("GET", "/connections/a", "")
	require.Equal(t, interconnect.StateDisconnecting, a.State)
	require.Equal(t, "expiry", a.RequestedBy)
	require.Empty(t, a.Request.ExpiresAt)
}

func TestTwinSweepsEndWhatExpiresTheSameWay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", with(`"expiresAt": "`+h.in(time.Minute)+`"`))
	h.time = h.time.Add(2 * time.Minute)
	h.beforePut = func() {
		_, err := h.Sweep(context.Background())
		require.NoError(t, err)
	}
	_, err := h.Sweep(context.Background())
	require.NoError(t, err)
	require.False(t, h.records["a"].Live())
	require.Equal(t, interconnect.Prune, h.sent[len(h.sent)-1].Action)
	require.Equal(t, h.records["a"].Generation, h.sent[len(h.sent)-1].Generation)

	generation := h.records["a"].Generation
	h.sweepFor(time.Minute)
	require.Equal(t, generation, h.records["a"].Generation)
}

func TestAConnectionThatIsProlongedInTheMomentInWhichItExpiresStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", with(`"expiresAt": "`+h.in(time.Minute)+`"`))
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.time = h.time.Add(2 * time.Minute)
	var prolonged answered
	h.beforePut = func() { prolonged = h.do("POST", "/connections", with(`"expiresAt": "`+h.in(48*time.Hour)+`"`)) }
	report, err := h.Sweep(context.Background())
	require.NoError(t, err)
	require.Equal(t, 202, prolonged.status, prolonged.body)
	require.Empty(t, report.Expired)
	require.True(t, h.records["a"].Live())
	require.Equal(t, h.in(48*time.Hour), h.do("GET", "/connections/a", "").Request.ExpiresAt)
	last := h.sent[len(h.sent)-1]
	require.Equal(t, interconnect.Connect, last.Action, "what stands has become the newest generation, and is told to go on")
	require.Equal(t, h.records["a"].Generation, last.Generation)
	require.Equal(t, 3, last.Generation)

	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.sweepFor(49 * time.Hour)
	require.False(t, h.records["a"].Live(), "it expires later")
}

func TestAConnectionThatWasProlongedInTimeStays(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", with(`"expiresAt": "`+h.in(time.Hour)+`"`))
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	a := h.do("POST", "/connections", with(`"expiresAt": "`+h.in(48*time.Hour)+`"`))
	require.Equal(t, 202, a.status)
	require.Equal(t, 2, a.Generation)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	a = h.do("POST", "/connections", tutorial)
	require.Equal(t, 3, a.Generation, "without a time it stays for good")
	require.Empty(t, a.Request.ExpiresAt)
	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	h.sweepFor(50 * time.Hour)
	require.True(t, h.records["a"].Live())
	require.Len(t, h.announced, 0)
}

func TestBeforeItsWindowNothingIsSent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := with(`"notBefore": "` + h.in(2*time.Hour) + `"`)
	a := h.do("POST", "/connections", body)
	require.Equal(t, 202, a.status, a.body)
	require.Equal(t, interconnect.StatePending, a.State)
	require.Contains(t, a.Why, h.in(2*time.Hour))
	require.Equal(t, h.in(2*time.Hour), a.Request.NotBefore)
	require.Equal(t, 200, h.do("POST", "/connections", body).status, "the same again changes nothing")

	sent, _, _ := h.sweepFor(2*time.Hour - time.Minute)
	require.Zero(t, sent)
	require.Empty(t, h.sent)
	require.Equal(t, interconnect.StatePending, h.do("GET", "/connections/a", "").State)

	sent, _, _ = h.sweepFor(time.Minute)
	require.Equal(t, 1, sent, "it begins with the first sweep in its window")
	require.Equal(t, interconnect.Connect, h.sent[0].Action)
	sent, _, _ = h.sweepFor(2 * time.Minute)
	require.Zero(t, sent, "from then on as ever")
	a = h.do("POST", "/connections", body)
	require.Equal(t, 200, a.status, "the same request is still the same when its time has come")
	require.Equal(t, 1, a.Generation)
	require.Empty(t, a.Request.NotBefore)
	require.Empty(t, a.Why)
}

func TestAChangeForLaterLeavesWhatThereIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	later := with(`"specification": "Small.1", "notBefore": "` + h.in(time.Hour) + `"`)
	a := h.do("POST", "/connections", later)
	require.Equal(t, 409, a.status, "what is under way would stop halfway")
	require.Equal(t, "/notBefore", *a.problem.Field)

	h.end("a", interconnect.Connect, interconnect.VerdictConnected)
	before := len(h.sent)
	require.Equal(t, 202, h.do("POST", "/connections", later).status)
	h.sweepFor(30 * time.Minute)
	require.Len(t, h.sent, before)
	require.Equal(t, 202, h.do("POST", "/connections", with(`"specification": "Small.2", "notBefore": "`+h.in(time.Hour)+`"`)).status, "what waits can be changed")

	a = h.do("DELETE", "/connections/a", "")
	require.Equal(t, 202, a.status, "a disconnect does not wait")
	require.Equal(t, interconnect.Prune, h.sent[len(h.sent)-1].Action)
}

func TestTimesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		fields, field string
		status        int
	}{
		"no time":                              {`"expiresAt": "tomorrow"`, "/expiresAt", 400},
		"a time without an offset":             {`"notBefore": "2030-01-31T18:00:00"`, "/notBefore", 400},
		"an end before the beginning":          {`"notBefore": "2027-02-01T00:00:00Z", "expiresAt": "2027-01-01T00:00:00Z"`, "/expiresAt", 400},
		"an end with the beginning":            {`"notBefore": "2027-01-01T00:00:00Z", "expiresAt": "2027-01-01T08:00:00+08:00"`, "/expiresAt", 400},
		"an end that is past":                  {`"expiresAt": "2026-11-20T11:59:59Z"`, "/expiresAt", 422},
		"a beginning that is past":             {`"notBefore": "2026-11-20T11:59:59Z"`, "/notBefore", 422},
		"a time that nobody means":             {`"expiresAt": "9999-12-31T23:59:59-23:00"`, "/expiresAt", 422},
		"an expiry that is now, to the second": {`"expiresAt": "2026-11-20T12:00:00.9Z"`, "/expiresAt", 422},
	} {
		a := h.do("POST", "/connections", with(c.fields))
		require.Equal(t, c.status, a.status, "%s: %s", name, a.body)
		require.Equal(t, c.field, *a.problem.Field, name)
	}
	require.Empty(t, h.records)
}

func TestAnswersSayThatChangesAreFrozen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.do("POST", "/connections", tutorial)
	require.Empty(t, h.do("GET", "/connections/a", "").Frozen)
	h.frozen = "a change freeze until Monday"
	for _, path := range []string{"/connections/a", "/connections"} {
		require.Contains(t, h.do("GET", path, "").body, `"frozen": "a change freeze until Monday"`, path)
	}
	a := h.do("DELETE", "/connections/a", "")
	require.Equal(t, 202, a.status, "what is wanted may change")
	require.Equal(t, interconnect.StateDisconnecting, a.State, "the state stays")
	require.Equal(t, h.frozen, a.Frozen)

	h.fail["Frozen"] = errors.New("down")
	require.Equal(t, 200, h.do("GET", "/connections/a", "").status)
}
