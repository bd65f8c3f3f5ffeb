//go:build unix && !linux

package fc

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a process a group of its own, so that all that it starts can
// be killed with it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills a process and all that it has started; they may be gone
// already.
func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }

func newSpawner() *spawner {
	s := &spawner{todo: make(chan func())}
	go func() {
		for f := range s.todo {
			f()
		}
	}()
	return s
}
