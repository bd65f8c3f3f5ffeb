package tickets_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/tickets"
)

// gate takes what begins with its word for authentic.
type gate struct{ seen *int }

func (g gate) Receive(_ http.Header, body []byte, _ time.Time) (tickets.Delivery, error) {
	*g.seen++
	word, rest, _ := strings.Cut(string(body), " ")
	switch {
	case word != "open":
		return tickets.Delivery{}, fmt.Errorf("%w: it does not say so", tickets.ErrStranger)
	case rest == "":
		return tickets.Delivery{}, fmt.Errorf("%w: it says no more", tickets.ErrMalformed)
	case rest == "ignore":
		return tickets.Delivery{Ignored: "our own doing"}, nil
	}
	d := tickets.Delivery{Key: strings.Fields(rest)[0]}
	if n := len(rest); n > 1000 {
		d.Event, _ = json.Marshal(strings.Repeat("x", n))
	}
	return d, nil
}

func TestTheDoorAnswersAsItsSendersExpect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		queued             int
	}{
		"an authentic delivery":              {"POST", "/tickets/jira", "open NET-1", 202, 1},
		"a stranger's":                       {"POST", "/tickets/jira", "please NET-1", 401, 0},
		"an authentic one without a meaning": {"POST", "/tickets/jira", "open ", 400, 0},
		"one that is ignored":                {"POST", "/tickets/jira", "open ignore", 200, 0},
		"a key that cannot be one":           {"POST", "/tickets/jira", "open ../../etc", 400, 0},
		"another method":                     {"GET", "/tickets/jira", "", 405, 0},
		"a system that is not configured":    {"POST", "/tickets/servicenow", "open RITM1", 404, 0},
		"no system":                          {"POST", "/tickets/", "open NET-1", 404, 0},
		"another path":                       {"POST", "/connections", "open NET-1", 404, 0},
		"is it there":                        {"GET", "/healthz", "", 200, 0},
		"an event that is too large":         {"POST", "/tickets/jira", "open NET-1 " + strings.Repeat("x", tickets.MaxEvent), 413, 0},
		"a body larger than any":             {"POST", "/tickets/jira", "open NET-1 " + strings.Repeat("x", 9<<20), 413, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, seen := newOffice(t), 0
			door := &tickets.Door{Counters: map[tickets.System]*tickets.Counter{tickets.Jira: {Gate: gate{&seen}}}, Queues: o, Prefix: "vi", Clock: o.now, Log: slog.New(slog.DiscardHandler)}
			w := httptest.NewRecorder()
			door.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			require.Equal(t, c.status, w.Code, w.Body.String())
			require.Len(t, o.queued, c.queued)
			var answer map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
			require.NotEmpty(t, answer["status"])
			if c.queued == 0 {
				return
			}
			require.Equal(t, "jira-net-1", answer["connection"])
			require.Equal(t, chain.TicketsQueue, o.queued[0].queue)
			var e tickets.Event
			require.NoError(t, json.Unmarshal(o.queued[0].body, &e))
			require.Equal(t, tickets.TypeTouched, e.Type)
			require.Equal(t, "jira-net-1", e.Subject)
			require.Less(t, len(o.queued[0].body), 48<<10)
		})
	}
}

// halfDown is a queue that refuses some sends.
type halfDown struct{ left int }

func (q *halfDown) Send(context.Context, string, []byte, time.Duration) error {
	if q.left--; q.left >= 0 {
		return errors.New("throttled")
	}
	return nil
}

func TestOnlyWhatCouldNotBeQueuedIsToBeDeliveredAgain(t *testing.T) {
	t.Parallel()
	for refusals, status := range map[int]int{0: 202, 1: 202, 2: 503} {
		seen := 0
		door := &tickets.Door{Counters: map[tickets.System]*tickets.Counter{tickets.Jira: {Gate: gate{&seen}}}, Queues: &halfDown{refusals}, Prefix: "vi", Log: slog.New(slog.DiscardHandler)}
		w := httptest.NewRecorder()
		door.ServeHTTP(w, httptest.NewRequest("POST", "/tickets/jira", strings.NewReader("open NET-1")))
		require.Equal(t, status, w.Code)
	}
}
