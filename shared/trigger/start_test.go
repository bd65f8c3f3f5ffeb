package trigger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/trigger"
)

// TestMain lets the test binary be a function too: with the runtime's address
// in its environment it serves what TestAFunctionAnswersTheRuntime asks.
func TestMain(m *testing.M) {
	if os.Getenv("FC_RUNTIME_API") != "" {
		trigger.Start(function)
	}
	os.Exit(m.Run())
}

func function(ctx context.Context, inv trigger.Invocation, event []byte) ([]byte, error) {
	switch string(event) {
	case "panic":
		panic("oh no")
	case "error":
		return nil, errors.New("sorry")
	}
	deadline, _ := ctx.Deadline()
	slog.Info("working", "invocation", inv.RequestID, "credentials", inv.Credentials)
	return fmt.Appendf(nil, `{"event":%q,"key":%q,"function":%q,"region":%q,"account":%q,"deadline":%d,"same":%t}`,
		event, inv.Credentials.AccessKeyID+"/"+inv.Credentials.AccessKeySecret+"/"+inv.Credentials.SecurityToken,
		inv.FunctionName, inv.Region, inv.AccountID, deadline.UnixMilli(), deadline.Equal(inv.Deadline)), nil
}

// runtime is as much of the runtime API as a function needs.
type runtime struct {
	mu      sync.Mutex
	events  [][]byte
	answers chan string // "<id> <response|error> <body>"
	until   time.Time
}

func (r *runtime) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	const base = "/2020-11-11/runtime/invocation/"
	if q.URL.Path != base+"next" {
		body, _ := io.ReadAll(q.Body)
		r.answers <- strings.ReplaceAll(strings.TrimPrefix(q.URL.Path, base), "/", " ") + " " + string(body)
		return
	}
	r.mu.Lock()
	if len(r.events) == 0 {
		r.mu.Unlock()
		<-q.Context().Done() // until the function is killed
		return
	}
	event := r.events[0]
	r.events = r.events[1:]
	id := "id-" + strconv.Itoa(len(r.events))
	r.mu.Unlock()
	for k, v := range map[string]string{
		"request-id": id, "function-deadline": strconv.FormatInt(r.until.UnixMilli(), 10), "function-timeout": "60",
		"access-key-id": "AK" + id, "access-key-secret": "SK" + id, "security-token": "ST" + id,
		"function-name": "vi-peering", "region": "cn-qingdao", "account-id": "1234567890123456",
	} {
		w.Header().Set("x-fc-"+k, v)
	}
	_, _ = w.Write(event)
}

func TestAFunctionAnswersTheRuntime(t *testing.T) {
	t.Parallel()
	rt := &runtime{until: time.Now().Add(time.Minute), answers: make(chan string, 8),
		events: [][]byte{[]byte("panic"), []byte("error"), {}, []byte(`{"a":1}`)}}
	server := httptest.NewServer(rt)
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(self)
	child.Env = append(os.Environ(), "FC_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"))
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	require.NoError(t, child.Start())
	got := map[string]string{}
	for range 4 {
		select {
		case a := <-rt.answers:
			id, rest, _ := strings.Cut(a, " ")
			got[id] = rest
		case <-time.After(30 * time.Second):
			t.Error("the function does not answer")
		}
	}
	require.NoError(t, child.Process.Kill()) // before the server goes: the SDK would spin
	_ = child.Wait()
	server.Close()

	require.Contains(t, got["id-3"], "error ")
	require.Contains(t, got["id-3"], "oh no")
	require.Contains(t, got["id-2"], "sorry")
	for id, event := range map[string]string{"id-1": "", "id-0": `{"a":1}`} {
		var answer map[string]any
		body, ok := strings.CutPrefix(got[id], "response ")
		require.True(t, ok, got[id])
		require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
		require.Equal(t, event, answer["event"])
		require.Equal(t, fmt.Sprintf("AK%[1]s/SK%[1]s/ST%[1]s", id), answer["key"], "credentials are the invocation's own")
		require.Equal(t, "vi-peering", answer["function"])
		require.Equal(t, "cn-qingdao", answer["region"])
		require.Equal(t, "1234567890123456", answer["account"])
		require.Equal(t, true, answer["same"])
		require.Less(t, int64(answer["deadline"].(float64)), rt.until.UnixMilli())
	}
	require.NotContains(t, out.String(), "SKid", "no secret in the log")
	lines := 0
	for scan := bufio.NewScanner(&out); scan.Scan(); {
		if line := scan.Text(); strings.Contains(line, `"msg":"working"`) {
			lines++
			require.True(t, json.Valid([]byte(line)), line)
		}
	}
	require.Equal(t, 2, lines)
}

func TestCredentialsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	c := trigger.Credentials{AccessKeyID: "AKIDX", AccessKeySecret: "SECRETX", SecurityToken: "TOKENX"}
	inv := trigger.Invocation{RequestID: "r", Credentials: c}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "inv", inv, "credentials", c)
	encoded, err := json.Marshal(inv)
	require.NoError(t, err)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", inv, inv, inv, c), log.String(), string(encoded)} {
		for _, secret := range []string{"AKIDX", "SECRETX", "TOKENX"} {
			require.NotContains(t, text, secret)
		}
	}
}
