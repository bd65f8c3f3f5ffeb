package fc_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// orphanEnv makes this test binary a platform with one running function, for
// TestFunctionsDieWithAPlatformThatIsKilled.
const orphanEnv = "FC_TEST_PLATFORM"

func init() {
	code := os.Getenv(orphanEnv)
	if code == "" {
		return
	}
	p, err := fc.New(newCloud(), []manifest.Function{testFunction()}, fc.Options{Code: code})
	if err == nil {
		err = p.Start(context.Background())
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	p.Invoke("f", []byte("x"))
	fmt.Println(p.Processes()[0].PID)
	select {}
}

func TestFunctionsDieWithAPlatformThatIsKilled(t *testing.T) {
	t.Parallel()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), orphanEnv+"="+probe)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(t, err, line)
	require.True(t, alive(pid))
	require.NoError(t, c.Process.Kill())
	require.Error(t, c.Wait())
	require.Eventually(t, func() bool { return !runs(pid) }, 10*time.Second, 10*time.Millisecond, "the function is gone too")
}

// runs tells whether a process is there and no zombie: nobody may be left to
// reap one whose parent was killed.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}
