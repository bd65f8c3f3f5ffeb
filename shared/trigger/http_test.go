package trigger_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/trigger"
)

type response struct {
	StatusCode      *int              `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	IsBase64Encoded *bool             `json:"isBase64Encoded"`
	Body            *string           `json:"body"`
}

func serve(t *testing.T, h http.HandlerFunc, e *trigger.HTTPEvent) response {
	t.Helper()
	var r response
	require.NoError(t, json.Unmarshal(trigger.ServeHTTP(context.Background(), h, e), &r))
	require.NotNil(t, r.StatusCode, "the answer is always whole")
	require.NotNil(t, r.IsBase64Encoded)
	require.NotNil(t, r.Body)
	require.NotNil(t, r.Headers)
	return r
}

func TestAnHTTPHandlerSeesTheEventsRequest(t *testing.T) {
	t.Parallel()
	e, err := trigger.Decode(sample(t, "http-plain.json"))
	require.NoError(t, err)
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "kept")
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "POST", r.Method)
		require.Equal(t, "/connections/a b", r.URL.Path)
		require.Equal(t, "/connections/a%20b", r.URL.EscapedPath())
		require.Equal(t, "true", r.URL.Query().Get("dryRun"))
		require.Equal(t, "Bearer t", r.Header.Get("Authorization"))
		require.Equal(t, "203.0.113.9", r.RemoteAddr)
		require.Equal(t, "kept", r.Context().Value(key{}))
		require.EqualValues(t, 10, r.ContentLength)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, `{"id":"x"}`, string(body))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Date", "today")
		w.Header().Set("X-Fc-Odd", "no")
		w.Header().Add("Vary", "A")
		w.Header().Add("Vary", "B")
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
	require.JSONEq(t,
		`{"statusCode":202,"headers":{"Content-Type":"application/json","Vary":"A, B"},"isBase64Encoded":false,"body":"{\"ok\":true}"}`,
		string(trigger.ServeHTTP(ctx, h, e.HTTP)))
}

func TestAnHTTPAnswerIsAlwaysWhole(t *testing.T) {
	t.Parallel()
	get := &trigger.HTTPEvent{Method: "GET", RawPath: "/"}
	t.Run("a handler that writes nothing answers 200", func(t *testing.T) {
		t.Parallel()
		r := serve(t, func(http.ResponseWriter, *http.Request) {}, get)
		require.Equal(t, 200, *r.StatusCode)
		require.Empty(t, *r.Body)
	})
	t.Run("a body that is no text travels in base64", func(t *testing.T) {
		t.Parallel()
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0}) }, get)
		require.True(t, *r.IsBase64Encoded)
		require.Equal(t, base64.StdEncoding.EncodeToString([]byte{0xff, 0}), *r.Body)
		require.NotEmpty(t, r.Headers["Content-Type"])
	})
	t.Run("a panic is a 500 without its words", func(t *testing.T) {
		t.Parallel()
		r := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("half")); panic("secret") }, get)
		require.Equal(t, 500, *r.StatusCode)
		require.NotContains(t, *r.Body, "secret")
		require.NotContains(t, *r.Body, "half")
	})
	for name, e := range map[string]*trigger.HTTPEvent{
		"a path with a control character": {Method: "GET", RawPath: "/a\x7fb"},
		"a path badly escaped":            {Method: "GET", RawPath: "/%zz"},
		"a method that is none":           {Method: "G T", RawPath: "/"},
	} {
		t.Run(name+" is a 400", func(t *testing.T) {
			t.Parallel()
			r := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it got through") }, e)
			require.Equal(t, 400, *r.StatusCode)
		})
	}
	t.Run("a path without a slash gets one", func(t *testing.T) {
		t.Parallel()
		serve(t, func(_ http.ResponseWriter, r *http.Request) { require.Equal(t, "/x", r.URL.Path) }, &trigger.HTTPEvent{Method: "GET", Path: "x"})
	})
}
