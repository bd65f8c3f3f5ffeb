package mns_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/mns"
)

// exampleEndpoint is what the examples say is to be replaced with one's own.
var exampleEndpoint = regexp.MustCompile(`"http://[x*]+\.mns\.cn-hangzhou\.aliyuncs\.com"`)

// example builds a program that the official SDK's module ships, with the
// endpoint put in, and as a module of its own, for it needs what the project
// does not.
func example(t *testing.T, name, endpoint string) (binary string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}} {{.Version}}", "github.com/aliyun/aliyun-mns-go-sdk").Output()
	require.NoError(t, err)
	sdk, version, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	text, err := os.ReadFile(filepath.Join(sdk, "example", name))
	require.NoError(t, err)
	require.Len(t, exampleEndpoint.FindAll(text, -1), 1)
	text = exampleEndpoint.ReplaceAll(text, []byte(`"`+endpoint+`"`))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"),
		[]byte("module example\n\ngo 1.20.0\n\nrequire github.com/aliyun/aliyun-mns-go-sdk "+version+"\n"), 0o600))
	binary = filepath.Join(dir, "example")
	build := exec.Command("go", "build", "-mod=mod", "-o", binary, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the example's own dependencies cannot be had: %s", out)
	}
	return binary
}

func TestTheOfficialSDKsExamplesRunUnmodified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file string
		want []string // in what it prints
		left string   // the number of messages that it leaves
	}{
		"make a queue, then send, receive, hide and delete nine messages": {"queue_example.go", []string{"hello ", "visibility changed", "delete it now"}, "0"},
		"make a queue with options and change them":                       {"create_queue_example.go", []string{"queue attributes:", " 5 1024 86400 ", "queue attributes after set:", " 1024 7200 30 10 ", " true}"}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := engine.New(engine.Options{})
			e.AddRegion(engine.Region{ID: region})
			key := e.AddUser("", "", "")
			server := httptest.NewServer(mns.New(mns.Options{Engine: e}))
			t.Cleanup(server.Close)
			binary := example(t, test.file, fmt.Sprintf("%s/%s.mns.%s.aliyuncs.com", strings.Replace(server.URL, "127.0.0.1", "localhost", 1), e.AccountID(), region))

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			run := exec.CommandContext(ctx, binary)
			run.Env = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=" + key.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + key.Secret, "HOME=" + t.TempDir()}
			out, err := run.CombinedOutput()
			require.NoError(t, err, "%s", out)
			for _, text := range test.want {
				require.Contains(t, string(out), text)
			}
			require.NotContains(t, string(out), "ali_mns response status error", "%s", out)
			q, err := e.Queue(engine.QueueRef{Region: region, Name: "test-queue"})
			require.NoError(t, err)
			require.Equal(t, test.left, fmt.Sprint(q.Active+q.Inactive+q.Delayed), "%s", out)
		})
	}
}
