package fc_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// programs finds the Go programs in a document.
var programs = regexp.MustCompile("(?s)```go(?:lang)?\n(package main\n.*?)```")

// published builds the program that a document of the official runtime SDK's
// module shows.
func published(t *testing.T, document string) (folder string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aliyun/fc-runtime-go-sdk").Output()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), document))
	require.NoError(t, err)
	found := programs.FindAllSubmatch(text, -1)
	require.Len(t, found, 1)
	folder = t.TempDir()
	source := filepath.Join(folder, "main.go")
	require.NoError(t, os.WriteFile(source, found[0][1], 0o600))
	out, err = exec.Command("go", "build", "-o", filepath.Join(folder, "f", "main"), source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return folder
}

// The one of the HTTP trigger is left out: it does not compile.
func TestTheRuntimeSDKsExamplesRunUnmodified(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, c *cloud, f manifest.Function, document string) (*fc.Platform, *seen) {
		s := &seen{}
		p, err := fc.New(c, []manifest.Function{f}, fc.Options{Code: published(t, document), Hurry: 300, Observe: s.observe, Log: s.log})
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context()))
		t.Cleanup(p.Close)
		return p, s
	}
	t.Run("a function of an event of its own", func(t *testing.T) {
		t.Parallel()
		p, _ := run(t, newCloud(), testFunction(), "README.md")
		r := p.Invoke("f", []byte(`{"key": "world"}`))
		require.Nil(t, r.Failure)
		require.JSONEq(t, `"hello, world!"`, string(r.Payload))
		require.NotNil(t, p.Invoke("f", []byte(`no JSON`)).Failure)
	})
	t.Run("a function of a timer", func(t *testing.T) {
		t.Parallel()
		f := testFunction()
		f.Timers = []manifest.TimerTrigger{{Name: "tick", Cron: "@every 1m", Payload: "TestPayload", Enabled: true}}
		p, s := run(t, newCloud(), f, "events/README_TIMER.md")
		soon(t, "it was invoked", func() bool { return p.Stats()[0].Invocations > 0 })
		require.Zero(t, p.Stats()[0].Failures)
		soon(t, "it has logged", func() bool { return s.contains("[INFO] main.go:21: payload:") })
	})
	t.Run("a function of a queue, as an event rule pushes it", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		f := streaming(func(q *manifest.QueueTrigger) { q.Streaming = false })
		f.Timeout = 10 * time.Second
		p, s := run(t, c, f, "events/README_MNS_Queue.md")
		require.NoError(t, c.Send("work", []byte("TEST")))
		soon(t, "it was handled", func() bool { return c.unsettled() == 0 && p.Stats()[0].Invocations == 1 })
		require.Zero(t, p.Stats()[0].Failures)
		require.True(t, s.contains("TEST"))
	})
}

// contains tells whether a text was printed.
func (s *seen) contains(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.lines, "\n"), text)
}
