package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// mostOutput bounds what is kept of a script's output. Cloud Assistant keeps
// less.
const mostOutput = 256 << 10

// runScript runs a script in a guest: in its network namespace, with processes,
// files and a host name of its own (see confine). It ends with the script, its
// timeout, or ctx; nothing that the script started is left then.
func runScript(ctx context.Context, namespace, root, hostName string, s engine.Script) (engine.Execution, error) {
	inner, err := json.Marshal(confinement{Root: root, HostName: hostName, Script: []byte(s.Content)})
	if err != nil {
		return engine.Execution{}, err
	}
	limited, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	out := &limitedOutput{}
	begun := time.Now()
	// The thread that starts the process waits for it too: the process is killed
	// when that thread ends, which it does with this program.
	err = inside(namespace, func() error {
		c := exec.CommandContext(limited, "/proc/self/exe")
		c.Args = []string{confinedName, string(inner)}
		c.Env = []string{}
		c.Stdout, c.Stderr = out, out
		c.WaitDelay = time.Second
		c.SysProcAttr = &syscall.SysProcAttr{
			Setsid: true, Pdeathsig: syscall.SIGKILL,
			Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		}
		return c.Run()
	})
	x := engine.Execution{Output: out.String(), Took: min(time.Since(begun), s.Timeout-1)} // all of its time is for those who are killed by it
	var exit *exec.ExitError
	switch {
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		x.ExitCode, x.Took = 137, max(time.Since(begun), s.Timeout)
	case limited.Err() != nil:
		x.ExitCode = 137
	case errors.As(err, &exit):
		if x.ExitCode = exit.ExitCode(); x.ExitCode < 0 {
			x.ExitCode = 137 // killed by a signal
		}
	case err != nil:
		return x, fmt.Errorf("the script could not be run: %w", err)
	}
	return x, nil
}

// limitedOutput keeps the beginning of what is written.
type limitedOutput struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

// Write keeps what there is room for, and claims to have kept all.
func (l *limitedOutput) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Write(p[:min(len(p), mostOutput-l.kept.Len())])
	return len(p), nil
}

func (l *limitedOutput) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

// A confined script's process begins as this very program, under this name.
const confinedName = "localcloud-guest"

// init makes a process that runScript has started into the script's. It stands
// here, and not in a main, so that no program that runs scripts can forget it.
func init() {
	if len(os.Args) != 2 || os.Args[0] != confinedName {
		return
	}
	var c confinement
	err := json.Unmarshal([]byte(os.Args[1]), &c)
	if err == nil {
		err = c.enter()
	}
	fmt.Fprintln(os.Stderr, "localcloud:", err)
	os.Exit(126)
}
