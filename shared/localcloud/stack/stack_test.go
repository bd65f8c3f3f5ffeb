package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

var buildFlags []string

// root is the folder of go.mod; built is that of the functions.
var root, built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stack")
	if err == nil {
		defer os.RemoveAll(dir)
		built = dir
		root, err = moduleRoot()
	}
	if err == nil {
		err = buildFunctions()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(out))), err
}

func buildFunctions() error {
	for _, f := range []string{"intake", "peering", "routes", "securitygroups", "verification"} {
		args := append(append([]string{"build"}, buildFlags...), "-o", filepath.Join(built, f, "main"), "./functions/"+f)
		c := exec.Command("go", args...)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", f, err, out)
		}
	}
	return nil
}

// watched gathers what happens on a stack.
type watched struct {
	mu      sync.Mutex
	calls   []openapi.Record
	outputs []string
	lines   []string
}

func (w *watched) record(r openapi.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r)
}

func (w *watched) ran(_ engine.Script, x engine.Execution) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outputs = append(w.outputs, x.Output)
}

func (w *watched) log(l fc.Line) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l.Function+": "+l.Text)
}

// writes returns the mutating calls on networks that were answered with
// success.
func (w *watched) writes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, c := range w.calls {
		a, _ := engine.Find(c.Product, c.Action)
		if a.Write && c.Status == 200 && c.Product != "Oos" && c.Action != "RunCommand" {
			out = append(out, c.Action)
		}
	}
	return out
}

func started(t *testing.T, o stack.Options) (*stack.Stack, *watched) {
	t.Helper()
	w := &watched{}
	o.Dir, o.Code, o.Record, o.Ran, o.Log = root, built, w.record, w.ran, w.log
	if o.World == nil {
		o.World = world.Default()
	}
	if o.Transition == 0 {
		o.Transition = 200 * time.Millisecond
	}
	s, err := stack.New(context.Background(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		s.Close()
		if t.Failed() {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, l := range w.lines[max(0, len(w.lines)-40):] {
				t.Log(l)
			}
		}
	})
	return s, w
}

const tutorial = `{
  "id": "tutorial", "type": "ExpressConnect", "specification": "Mini.2",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-m5e1qingdao000000vpc1",
    "securityGroups": [{"securityGroupId": "sg-m5e1qingdao0000group", "allow": [{"protocol": "ICMP"}]}]},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2ze2beijing000000vpc2",
    "securityGroups": [{"securityGroupId": "sg-2ze2beijing0000group", "allow": [{"protocol": "ICMP"}]}]}
}`

func ask(t *testing.T, s *stack.Stack, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, s.Endpoints.Intake+path, bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+s.Endpoints.APIToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var answer map[string]any
	require.NoError(t, json.Unmarshal(text, &answer), "%d %s", res.StatusCode, text)
	return res.StatusCode, answer
}

func reaches(t *testing.T, s *stack.Stack, state string, within time.Duration) map[string]any {
	t.Helper()
	var last map[string]any
	end := time.Now().Add(within)
	for time.Now().Before(end) {
		if _, last = ask(t, s, "GET", "/connections/tutorial", ""); last["state"] == state {
			return last
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := json.MarshalIndent(last, "", " ")
	require.Fail(t, "the state is not "+state, "%s", text)
	return nil
}

func TestTheTutorialsConnectionIsMadeByTheFunctionsThemselves(t *testing.T) {
	t.Parallel()
	s, w := started(t, stack.Options{})
	status, answer := ask(t, s, "POST", "/connections", tutorial)
	require.Equal(t, 202, status, "%v", answer)
	reaches(t, s, "Connected", time.Minute)

	now := s.World()
	require.Len(t, now.RouterInterfaces, 2)
	for _, r := range now.RouterInterfaces {
		require.Equal(t, "Active", r.Status)
	}
	for i, v := range now.VPCs {
		require.Len(t, v.RouteTables[0].Routes, 1, v.ID)
		require.Len(t, v.SecurityGroups[0].Rules, 1, v.ID)
		// What else there is, is as it was.
		v.RouteTables[0].Routes, v.SecurityGroups[0].Rules = nil, nil
		require.Equal(t, s.Start.VPCs[i], v)
	}
	require.Contains(t, strings.Join(w.outputs, "\n"), "0% packet loss")

	before := w.writes()
	status, _ = ask(t, s, "POST", "/connections", tutorial)
	require.Equal(t, 200, status)
	time.Sleep(300 * time.Millisecond)
	require.Equal(t, before, w.writes(), "the same request again changes nothing")
}

func TestKilledFunctionsDoNotStopAConnection(t *testing.T) {
	t.Parallel()
	s, _ := started(t, stack.Options{Hurry: 20})
	status, answer := ask(t, s, "POST", "/connections", tutorial)
	require.Equal(t, 202, status, "%v", answer)
	killed := 0
	for end := time.Now().Add(1500 * time.Millisecond); time.Now().Before(end); time.Sleep(70 * time.Millisecond) {
		for _, p := range s.Functions.Processes() {
			if p.Busy && p.Function != "intake" && syscall.Kill(p.PID, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	require.Positive(t, killed)
	reaches(t, s, "Connected", 2*time.Minute)
}
