package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/stack"
)

// upAt is the up command where another cloud stands for the real one.
func upAt(url string, out io.Writer, args ...string) *cobra.Command {
	c := upCommand(func(string, string) (string, error) { return url, nil })
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(out)
	c.SetErr(io.Discard)
	c.SetIn(strings.NewReader("yes\n"))
	c.SetArgs(append([]string{"--cloud", "aliyun"}, args...))
	return c
}

func TestUpOnAnAccountSaysWhatItLacks(t *testing.T) {
	names := []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "REGION"}
	for _, n := range names {
		t.Setenv(n, "")
	}
	up := func(args ...string) string {
		err := upAt("http://127.0.0.1:1", io.Discard, args...).ExecuteContext(t.Context())
		require.Error(t, err)
		return err.Error()
	}
	for _, n := range names {
		require.True(t, strings.HasPrefix(up("--yes"), n+" is not set: --cloud aliyun needs"), n)
		t.Setenv(n, "cn-shanghai")
	}
	require.Contains(t, up(), "no terminal to ask at")
	require.Contains(t, up("--yes"), "the real cloud cannot be reached")
	require.Contains(t, up("--yes", "--prefix", "Vi_1"), "small letters")
	require.Contains(t, up("--yes", "--seed", "7"), "--seed is the local cloud's")
	_, err := command(t.Context(), "up", "--cloud", "moon")
	require.ErrorContains(t, err, "it is local or aliyun")
}

// text is a buffer that may be read while it is written.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func TestUpOnAnAccountRunsTheFunctionsWithItsKeyAndNamesTheAccount(t *testing.T) {
	flags := small(t)
	template, err := os.ReadFile("template.yml")
	require.NoError(t, err)
	template = bytes.Replace(template, []byte("Resources:"), []byte("Parameters:\n  Prefix: {Type: String, Default: vi}\nResources:"), 1)
	require.NoError(t, os.WriteFile("template.yml", template, 0o644))
	real := engine.New(engine.Options{}) // of the account that the small project's role is of
	const id, secret = "LTAI5tOwnersKey", "owners-very-own-secret"
	real.AddRegion(engine.Region{ID: "cn-shanghai", Zones: []string{"cn-shanghai-a"}})
	real.AddUser("ann", id, secret)
	server := httptest.NewServer(openapi.New(openapi.Options{Engine: real}))
	t.Cleanup(server.Close)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", id)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", secret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	t.Setenv("REGION", "cn-shanghai")
	t.Setenv("PREFIX", "vi")
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var out text
	go func() {
		ended <- upAt(server.URL, &out, append([]string{"--yes", "--endpoints", "e.json"}, flags...)...).ExecuteContext(ctx)
	}()
	var e stack.Endpoints
	require.Eventually(t, func() bool {
		got, err := os.ReadFile("e.json")
		return len(ended) > 0 || err == nil && json.Unmarshal(got, &e) == nil
	}, 20*time.Second, 10*time.Millisecond)
	if len(ended) > 0 {
		require.NoError(t, <-ended)
	}
	require.Equal(t, "1234567890123456", e.AccountID)
	require.Empty(t, e.AccessKeySecret)
	require.Empty(t, e.World)
	res, err := http.Post(e.Intake, "text/plain", strings.NewReader("do:context"))
	require.NoError(t, err)
	defer res.Body.Close()
	var seen struct{ Key string }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&seen))
	require.Equal(t, id, seen.Key, "the function has the account's key")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), e.Intake) }, 5*time.Second, time.Millisecond)
	interrupt()
	require.NoError(t, <-ended)
	require.Contains(t, out.String(), "Account 1234567890123456, as acs:ram::1234567890123456:user/ann.")
	require.Contains(t, out.String(), "below /vi-local/", "not the prefix of the deployment that the shell is set up for")
	require.NotContains(t, out.String(), secret)
}

func TestOnlyYesSpeltOutIsYes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer string
		want   bool
	}{{"yes\n", true}, {" yes \n", true}, {"no\n", false}, {"y\n", false}, {"\n", false}, {"", false}} {
		in, typed := io.Pipe()
		var out text
		a := newAsker(in, show.NewPrinter(&out, 0, time.Now))
		got := make(chan bool)
		go func() { got <- a.ask("CreateVpc") }()
		require.Eventually(t, func() bool { return strings.Contains(out.String(), "CreateVpc") }, 5*time.Second, time.Millisecond)
		io.WriteString(typed, c.answer)
		typed.Close()
		require.Equal(t, c.want, <-got, "%q", c.answer)
		require.Eventually(t, func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.ended }, 5*time.Second, time.Millisecond)
		require.False(t, a.ask("again"), "nobody can answer any more")
	}
}

func TestWhatWasTypedBeforeAQuestionDoesNotAnswerIt(t *testing.T) {
	t.Parallel()
	in, typed := io.Pipe()
	reads := make(chan struct{}, 16)
	a := newAsker(noted{in, reads}, show.NewPrinter(io.Discard, 0, time.Now))
	io.WriteString(typed, "yes\nyes\n")
	<-reads
	<-reads // read again: the lines before have been dealt with
	got := make(chan bool)
	go func() { got <- a.ask("CreateVpc") }()
	require.Eventually(t, func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.answer != nil }, 5*time.Second, time.Millisecond)
	io.WriteString(typed, "no\n")
	require.False(t, <-got)
}

// noted tells of each Read before it waits.
type noted struct {
	io.Reader
	reads chan<- struct{}
}

func (n noted) Read(p []byte) (int, error) {
	n.reads <- struct{}{}
	return n.Reader.Read(p)
}
