package whole_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	browserName = flag.String("browser", "", "the Chromium that the page is tried in; none: not tried")
	shots       = flag.String("shots", "", "the folder for screenshots of the page")
)

// browser is a running Chromium with one page, told what to do by the DevTools
// protocol over a pipe: JSON messages with a zero byte behind each.
type browser struct {
	t       *testing.T
	to      *os.File
	session string // of the page

	mu      sync.Mutex
	last    int
	waiting map[int]chan devtools
	said    []string // exceptions, and what the console shows as an error
}

// devtools is a message of the protocol.
type devtools struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// browse starts a Chromium that knows nothing of any other, with an empty page.
func browse(t *testing.T) *browser {
	t.Helper()
	if *browserName == "" {
		t.Skip("needs a Chromium: make test-page")
	}
	theirs, to, err := os.Pipe()
	require.NoError(t, err)
	from, their, err := os.Pipe()
	require.NoError(t, err)
	c := exec.Command(*browserName, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-pipe",
		"--user-data-dir="+t.TempDir(), "about:blank")
	c.ExtraFiles = []*os.File{theirs, their}
	require.NoError(t, c.Start())
	_ = theirs.Close()
	_ = their.Close()
	b := &browser{t: t, to: to, waiting: map[int]chan devtools{}}
	go b.listen(from)
	t.Cleanup(func() {
		b.session = ""
		_, _ = b.call("Browser.close", nil)
		_ = to.Close()
		killed := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		killed.Stop()
	})
	var target struct{ TargetID string }
	b.into(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var session struct{ SessionID string }
	b.into(&session, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.do(domain+".enable", nil)
	}
	b.do("Emulation.setScrollbarsHidden", map[string]any{"hidden": true})
	b.width(1200)
	return b
}

func (b *browser) listen(from *os.File) {
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m devtools
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if answer := b.waiting[m.ID]; m.ID != 0 && answer != nil {
			answer <- m
			delete(b.waiting, m.ID)
		}
		if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" || m.Method == "Page.javascriptDialogOpening" {
			b.said = append(b.said, string(m.Params))
		}
		b.mu.Unlock()
	}
}

func (b *browser) call(method string, params any) (json.RawMessage, error) {
	answer := make(chan devtools, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	p, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(devtools{ID: id, Method: method, Params: p, SessionID: b.session})
	if err != nil {
		return nil, err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return nil, err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(30 * time.Second):
		return nil, fmt.Errorf("%s: the browser does not answer", method)
	}
}

func (b *browser) do(method string, params any) json.RawMessage {
	b.t.Helper()
	if params == nil {
		params = struct{}{}
	}
	result, err := b.call(method, params)
	require.NoError(b.t, err)
	return result
}

func (b *browser) into(v any, method string, params any) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(b.do(method, params), v))
}

// open goes to an address. The same address but for the fragment is no new page.
func (b *browser) open(url string) {
	b.t.Helper()
	b.do("Page.navigate", map[string]any{"url": url})
}

// run runs JavaScript in the page and returns what comes of it, as text.
func (b *browser) run(script string) string {
	b.t.Helper()
	var v struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails json.RawMessage `json:"exceptionDetails"`
	}
	b.into(&v, "Runtime.evaluate", map[string]any{"expression": "String(" + script + ")", "awaitPromise": true, "returnByValue": true})
	require.Empty(b.t, string(v.ExceptionDetails), script)
	var s string
	require.NoError(b.t, json.Unmarshal(v.Result.Value, &s))
	return s
}

// reads waits until the page's text has this in it.
func (b *browser) reads(within time.Duration, wanted string) {
	b.t.Helper()
	quoted, err := json.Marshal(wanted)
	require.NoError(b.t, err)
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if b.run("document.body.innerText.includes("+string(quoted)+")") == "true" {
			return
		}
	}
	b.shot("failed")
	require.Fail(b.t, "the page does not read "+wanted, "%s\n%v", b.run("document.body.innerText"), b.complaints())
}

// enter gives the page its token.
func (b *browser) enter(token string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); b.run("!!document.getElementById('token')") != "true"; time.Sleep(50 * time.Millisecond) {
		require.True(b.t, time.Now().Before(end), "the page does not ask for a token")
	}
	quoted, err := json.Marshal(token)
	require.NoError(b.t, err)
	b.run("document.getElementById('token').value = " + string(quoted))
	b.run("document.getElementById('enter').click()")
}

// width makes the window as wide as that many CSS pixels.
func (b *browser) width(pixels int) {
	b.t.Helper()
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 600})
}

// scheme is light or dark.
func (b *browser) scheme(s string) {
	b.t.Helper()
	b.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": s}}})
}

// complaints returns what the page's script and the console have complained of
// since the last time.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said
	b.said = nil
	return said
}

// shot takes a picture of the whole page, if a folder for it is given.
func (b *browser) shot(name string) {
	b.t.Helper()
	if *shots == "" {
		return
	}
	var v struct{ Data string }
	b.into(&v, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
	png, err := base64.StdEncoding.DecodeString(v.Data)
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(*shots, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(*shots, name+".png"), png, 0o644))
}
