package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// confinement is what a script is run with.
type confinement struct {
	Root     string // an empty folder of this machine's
	HostName string
	Script   []byte
}

// scriptPath is where a guest finds the script that it runs.
const scriptPath = "/tmp/command.sh"

// allowed are the capabilities that a script has, as a guest's root: they reach
// no further than its namespaces.
var allowed = []uintptr{
	unix.CAP_NET_RAW, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE,
	unix.CAP_FOWNER, unix.CAP_KILL, unix.CAP_SETUID, unix.CAP_SETGID,
}

// enter makes this process, the first of its process namespace, the script's
// shell. What it finds of the machine's files are its programs, read only; its
// own files are in memory and gone with it. It returns only if that fails.
func (c confinement) enter() error {
	runtime.LockOSThread() // capabilities are a thread's
	for _, step := range []func() error{c.files, c.devices, c.system, c.dropPrivileges} {
		if err := step(); err != nil {
			return err
		}
	}
	environment := []string{
		"HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "USER=root", "LOGNAME=root",
		"SHELL=/bin/bash", "LANG=C", "HOSTNAME=" + c.HostName,
	}
	return fmt.Errorf("bash: %w", unix.Exec("/bin/bash", []string{"bash", scriptPath}, environment))
}

// files gives the process a root of its own.
func (c confinement) files() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	if err := unix.Mount("tmpfs", c.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64m,mode=755"); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	for _, d := range []string{"proc", "dev", "etc", "tmp", "root", "home", "run", "var/tmp", "mnt"} {
		if err := os.MkdirAll(filepath.Join(c.Root, d), 0o755); err != nil {
			return err
		}
	}
	for _, from := range []string{
		"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
		"/etc/alternatives", "/etc/ld.so.cache", "/etc/protocols", "/etc/services", "/etc/iproute2",
	} {
		if err := c.show(from); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	for name, text := range map[string]string{ //nolint:gosec // the only user has no password
		"/etc/passwd":        "root:x:0:0:root:/root:/bin/bash\n",
		"/etc/group":         "root:x:0:\n",
		"/etc/hostname":      c.HostName + "\n",
		"/etc/hosts":         "127.0.0.1 localhost\n127.0.0.1 " + c.HostName + "\n",
		"/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
		scriptPath:           string(c.Script),
	} {
		if err := os.WriteFile(filepath.Join(c.Root, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", filepath.Join(c.Root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	return nil
}

// show makes a file or folder of the machine's readable at the same place, as
// what it is: a link stays a link. What the machine does not have, is left out.
func (c confinement) show(from string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := filepath.Join(c.Root, from)
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.IsDir():
		err = os.MkdirAll(to, 0o755)
	default:
		err = os.WriteFile(to, nil, 0o600)
	}
	if err != nil {
		return err
	}
	return bindReadOnly(from, to)
}

func bindReadOnly(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return unix.Mount("", to, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "")
}

// devices makes the devices that programs expect, and no other.
func (c confinement) devices() error {
	dev := filepath.Join(c.Root, "dev")
	// The root is mounted so that devices do nothing in it.
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "size=64k,mode=755"); err != nil {
		return fmt.Errorf("/dev: %w", err)
	}
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9} {
		path := filepath.Join(dev, name)
		if err := unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, minor))); err != nil {
			return fmt.Errorf("/dev/%s: %w", name, err)
		}
		if err := os.Chmod(path, 0o666); err != nil { //nolint:gosec // everybody may use these devices
			return err
		}
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

// system leaves the machine's root behind, and what of /proc is not the
// guest's own.
func (c confinement) system() error {
	for _, name := range []string{"sys", "sysrq-trigger", "kcore", "kmsg", "keys", "timer_list"} {
		path := filepath.Join(c.Root, "proc", name)
		if _, err := os.Lstat(path); err != nil {
			continue // this kernel does not have it
		}
		from := path
		if name != "sys" {
			from = filepath.Join(c.Root, "dev/null")
		}
		if err := bindReadOnly(from, path); err != nil {
			return fmt.Errorf("/proc/%s: %w", name, err)
		}
	}
	if err := unix.Chdir(c.Root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if err := unix.Chdir("/root"); err != nil {
		return err
	}
	return unix.Sethostname([]byte(c.HostName))
}

// dropPrivileges takes from this thread, and from all that it becomes, what
// reaches beyond the namespaces.
func (c confinement) dropPrivileges() error {
	for n := uintptr(0); n <= unix.CAP_LAST_CAP; n++ {
		keep := false
		for _, a := range allowed {
			keep = keep || a == n
		}
		if keep {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, n, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("capability %d: %w", n, err)
		}
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}
