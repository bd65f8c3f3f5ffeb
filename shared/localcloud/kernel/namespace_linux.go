package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// namesFolder is where ip netns looks for namespaces by name.
const namesFolder = "/run/netns"

// ownNamespace is the network namespace of the thread that asks.
const ownNamespace = "/proc/thread-self/ns/net"

// createNamespace makes a network namespace that has a name, so that it
// outlives whoever made it and "ip netns exec" enters it.
func createNamespace(name string) error {
	if err := os.MkdirAll(namesFolder, 0o755); err != nil {
		return err
	}
	path := filepath.Join(namesFolder, name)
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_ = f.Close() // nothing was written
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return unix.Mount(ownNamespace, path, "", unix.MS_BIND, "")
	})
	if err != nil {
		return errors.Join(fmt.Errorf("network namespace %s: %w", name, err), os.Remove(path))
	}
	return nil
}

// deleteNamespace takes a namespace's name away. With its last process and
// socket the namespace goes, and all that is in it.
func deleteNamespace(name string) error {
	path := filepath.Join(namesFolder, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("network namespace %s: %w", name, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// onThread runs f on a thread that may change its namespace, and brings the
// thread back. One that cannot be brought back is given up with its goroutine.
func onThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := unix.Open(ownNamespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			result <- err
			return
		}
		defer func() { _ = unix.Close(home) }()
		err = f()
		if back := unix.Setns(home, unix.CLONE_NEWNET); back == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// inside runs f with a thread in a namespace: what f starts or opens is there.
func inside(name string, f func() error) error {
	return onThread(func() error {
		there, err := unix.Open(filepath.Join(namesFolder, name), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("network namespace %s: %w", name, err)
		}
		err = unix.Setns(there, unix.CLONE_NEWNET)
		_ = unix.Close(there) // it was only read
		if err != nil {
			return fmt.Errorf("network namespace %s: %w", name, err)
		}
		return f()
	})
}

// The tools take many commands at once: ip and tc with -batch, nft with -f.

func ip(commands []string) error {
	return tool("ip", []string{"-batch", "-"}, strings.Join(commands, "\n"))
}

func tc(commands []string) error {
	return tool("tc", []string{"-batch", "-"}, strings.Join(commands, "\n"))
}

func nft(text string) error { return tool("nft", []string{"-f", "-"}, text) }

func tool(name string, args []string, input string) error {
	if strings.TrimSpace(input) == "" {
		return nil
	}
	_, err := output(name, args, input)
	return err
}

func output(name string, args []string, input string) (string, error) {
	c := exec.Command(name, args...)
	c.Stdin = strings.NewReader(input + "\n")
	out, err := c.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// awaitLinks waits until the thread's namespace's devices carry packets. A
// device whose other end comes up after it does so when the kernel gets round
// to it; being asked about the device, newer kernels do it at once.
func awaitLinks(devices []string) error {
	if len(devices) == 0 {
		return nil
	}
	ask := "link show dev " + strings.Join(devices, "\nlink show dev ")
	for range 500 {
		out, err := output("ip", []string{"-o", "-batch", "-"}, ask)
		if err != nil || strings.Count(out, " state UP ") == len(devices) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("links that do not come up: %s", strings.Join(devices, ", "))
}
