package trigger_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/trigger"
)

const (
	firstID  = "C6DB60D1574661357FA227277445****"
	ourBody  = `{"schema":1,"connectionId":"orders-to-billing"}`
	ourQueue = "vi-peering"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	event, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return event
}

func TestAQueuesMessagesAreFoundInEveryWrapping(t *testing.T) {
	t.Parallel()
	type want struct{ id, queue, body string }
	first := want{firstID, ourQueue, ourBody}
	for name, wants := range map[string][]want{
		"queue-one-event.json":            {first},
		"queue-with-bom.json":             {first},
		"queue-array.json":                {first},
		"queue-array-of-two.json":         {first, {"SECOND", ourQueue, ourBody}},
		"queue-array-of-strings.json":     {first, {"SECOND", ourQueue, ourBody}},
		"queue-array-of-data.json":        {{firstID, "", ourBody}, {"SECOND", "", ourBody}},
		"queue-data-alone.json":           {{firstID, "", ourBody}},
		"queue-data-as-string.json":       {first},
		"queue-one-string.json":           {first},
		"queue-body-object.json":          {first},
		"queue-body-base64.json":          {first},
		"queue-body-base64-unpadded.json": {first},
		"queue-body-text.json":            {{firstID, ourQueue, "hello"}},
		"queue-body-empty.json":           {{firstID, ourQueue, ""}},
		"queue-empty-array.json":          {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := trigger.Decode(sample(t, name))
			require.NoError(t, err)
			require.Equal(t, trigger.KindQueue, e.Kind)
			require.Nil(t, e.HTTP)
			require.Nil(t, e.Timer)
			require.Len(t, e.Queue, len(wants))
			for i, w := range wants {
				require.Equal(t, w.id, e.Queue[i].ID)
				require.Equal(t, w.queue, e.Queue[i].Queue)
				if strings.HasPrefix(w.body, "{") {
					require.JSONEq(t, w.body, string(e.Queue[i].Body))
				} else {
					require.Equal(t, w.body, string(e.Queue[i].Body))
				}
			}
		})
	}
}

func TestAnElementThatIsNotUnderstoodIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	event := sample(t, "queue-strange-elements.json")
	e, err := trigger.Decode(event)
	require.NoError(t, err)
	var elements []json.RawMessage
	require.NoError(t, json.Unmarshal(event, &elements))
	require.Len(t, e.Queue, len(elements))
	require.JSONEq(t, ourBody, string(e.Queue[0].Body))
	for i := 1; i < len(elements); i++ {
		require.JSONEq(t, string(elements[i]), string(e.Queue[i].Body))
		require.Empty(t, e.Queue[i].ID)
	}
}

func TestABodyIsTakenOutOfBase64OnlyIfThatMakesJSONOfIt(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"1234", "abcd", "aGVsbG8=", "true", `"x"`, "e30", " ", "\u0000"} {
		event, _ := json.Marshal(map[string]any{"messageBody": body})
		e, err := trigger.Decode(event)
		require.NoError(t, err)
		want := body
		if body == "e30" {
			want = "{}"
		}
		require.Equal(t, want, string(e.Queue[0].Body))
	}
}

func TestAnHTTPRequestIsDecoded(t *testing.T) {
	t.Parallel()
	e, err := trigger.Decode(sample(t, "http-plain.json"))
	require.NoError(t, err)
	require.Equal(t, trigger.Event{Kind: trigger.KindHTTP, HTTP: &trigger.HTTPEvent{
		Method: "POST", RawPath: "/connections/a%20b", Path: "/connections/a b",
		Query:  map[string]string{"dryRun": "true"},
		Header: map[string]string{"authorization": "Bearer t", "Content-Type": "application/json"},
		Body:   []byte(`{"id":"x"}`), SourceIP: "203.0.113.9", RequestID: "1-64f6cd87-1",
	}}, e)

	e, err = trigger.Decode(sample(t, "http-base64.json"))
	require.NoError(t, err)
	require.Equal(t, []byte{0, 255, 1}, e.HTTP.Body)

	e, err = trigger.Decode(sample(t, "http-bare.json"))
	require.NoError(t, err)
	require.NotNil(t, e.HTTP.Header)
	require.NotNil(t, e.HTTP.Query)
	require.Empty(t, e.HTTP.Body)
}

func TestATimersTickIsDecoded(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"timer.json": `{"kind":"sweep"}`, "timer-payload-object.json": `{"kind":"sweep"}`, "timer-without-payload.json": "",
	} {
		e, err := trigger.Decode(sample(t, name))
		require.NoError(t, err, name)
		require.Equal(t, trigger.KindTimer, e.Kind)
		require.Equal(t, "sweep", e.Timer.Name)
		require.Equal(t, time.Date(2026, 12, 26, 7, 49, 0, 0, time.UTC), e.Timer.At)
		if payload == "" {
			require.Empty(t, e.Timer.Payload)
		} else {
			require.JSONEq(t, payload, e.Timer.Payload)
		}
	}
}

func TestWhatIsNothingKnownIsAnError(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad-*.json")
	require.NoError(t, err)
	require.Greater(t, len(files), 8)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			e, err := trigger.Decode(sample(t, filepath.Base(file)))
			require.Error(t, err)
			require.Zero(t, e)
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		f.Add(sample(f, filepath.Base(file)))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		e, err := trigger.Decode(event)
		if err != nil {
			require.Zero(t, e)
			return
		}
		set := 0
		for _, is := range []bool{
			e.Kind == trigger.KindHTTP && e.HTTP != nil,
			e.Kind == trigger.KindTimer && e.Timer != nil,
			e.Kind == trigger.KindQueue && e.Queue != nil,
		} {
			if is {
				set++
			}
		}
		require.Equal(t, 1, set)
		var elements []json.RawMessage
		if json.Unmarshal(event, &elements) == nil && elements != nil {
			require.Len(t, e.Queue, len(elements), "no element may be lost")
		}
	})
}
