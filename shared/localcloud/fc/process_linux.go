package fc

import (
	"os/exec"
	"runtime"
	"syscall"
)

// ownGroup gives a process a group of its own, so that all that it starts can
// be killed with it, and asks the kernel to kill it when we die.
func ownGroup(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills a process and all that it has started; they may be gone
// already.
func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

func newSpawner() *spawner {
	s := &spawner{todo: make(chan func())}
	go func() {
		// The thread ends with the goroutine, since it is never unlocked.
		runtime.LockOSThread()
		for f := range s.todo {
			f()
		}
	}()
	return s
}
