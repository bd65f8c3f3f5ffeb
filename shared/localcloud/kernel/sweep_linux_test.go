package kernel

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// TestMain may be a local cloud that is going to be killed, or somebody who is
// not root.
func TestMain(m *testing.M) {
	switch os.Getenv("KERNEL_TEST_AS") {
	case "victim":
		os.Exit(victim())
	case "nobody":
		_, openErr := Open(Options{})
		_, sweepErr := Sweep()
		fmt.Print(openErr, "\n", sweepErr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestWhoIsNotRootIsToldSo(t *testing.T) {
	t.Parallel()
	c := exec.Command("/proc/self/exe", "-test.run=^$")
	c.Env = append(os.Environ(), "KERNEL_TEST_AS=nobody")
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, ErrUnavailable.Error()+": it needs root\n"+ErrUnavailable.Error()+": to sweep needs root", string(out))
}

// victim builds a network, runs a script in it, prints its name, and waits.
func victim() int {
	n, err := Open(Options{})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	l := newLab(&testing.T{}, engine.Options{})
	n.Start(engine.Script{Topology: l.Topology(), InstanceID: "i-b", Content: "sleep " + unique(9), Timeout: time.Hour}, func(engine.Execution) {})
	for {
		n.mu.Lock()
		built := len(n.now.guests)
		n.mu.Unlock()
		if built == 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	fmt.Println(n.run.name)
	select {}
}

func TestWhatAKilledCloudLeavesIsSweptAndNothingElse(t *testing.T) {
	t.Parallel()
	alive, l := network(t, Options{}), newLab(t, engine.Options{})
	require.NoError(t, alive.Apply(l.Topology()))

	c := exec.Command("/proc/self/exe", "-test.run=^$")
	c.Env = append(os.Environ(), "KERNEL_TEST_AS=victim")
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	run := strings.TrimSpace(line)
	require.Regexp(t, runName, run)
	script := strconv.Itoa(c.Process.Pid) + "09"
	require.Eventually(t, func() bool { return processes(t, script) == 1 }, 10*time.Second, 10*time.Millisecond)
	_, err = Sweep()
	require.NoError(t, err)
	require.Len(t, left(t, run), 5+2, "it is alive")

	require.NoError(t, c.Process.Kill())
	_ = c.Wait() // it was killed
	require.Eventually(t, func() bool { return processes(t, script) == 0 }, 10*time.Second, 10*time.Millisecond, "scripts go with it")
	// Some other test may sweep first.
	_, err = Sweep()
	require.NoError(t, err)
	require.Empty(t, left(t, run))
	again, err := Sweep()
	require.NoError(t, err)
	require.NotContains(t, strings.Join(again, " "), run)
	require.Len(t, left(t, alive.run.name), 5+2)
	require.Zero(t, l.run(alive, "i-a1", "ping -c 1 -W 2 172.16.1.10").ExitCode)
}
