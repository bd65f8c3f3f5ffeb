package kernel

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"golang.org/x/sys/unix"
)

// runsFolder has a file for each local cloud that has namespaces; who holds its
// lock is alive.
const runsFolder = "/run/localcloud"

// runName is in the name of everything that belongs to one local cloud:
// lc-3f9c0a-i-m5e...
var runName = regexp.MustCompile(`^lc-([0-9a-f]{6})(?:-|$)`)

// run is a local cloud's claim to a name. The kernel drops the lock when its
// process dies, however it does.
type run struct {
	name string // lc-3f9c0a
	lock *os.File
}

// claimRun takes a name that nobody has.
func claimRun() (*run, error) {
	if err := os.MkdirAll(runsFolder, 0o700); err != nil {
		return nil, err
	}
	for range 20 {
		id := make([]byte, 3)
		_, _ = rand.Read(id) // never fails
		r := &run{name: "lc-" + hex.EncodeToString(id)}
		f, err := os.OpenFile(r.path(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r.lock = f
		if held(f) && stillThere(f) {
			return r, nil
		}
		_ = f.Close() // a sweep was faster; another name will do
	}
	return nil, errors.New("no free name for the local cloud's namespaces")
}

func (r *run) path() string { return filepath.Join(runsFolder, r.name) }

// root is where the run's scripts have their files, each its own.
func (r *run) root() string { return filepath.Join(runsFolder, r.name+".root") }

// release gives the name up, when nothing bears it any more.
func (r *run) release() error {
	err := errors.Join(os.RemoveAll(r.root()), os.Remove(r.path()))
	return errors.Join(err, r.lock.Close())
}

// held takes a file's lock unless somebody has it.
func held(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// stillThere reports whether an open file is still the one of its name.
func stillThere(f *os.File) bool {
	is, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(f.Name())
	return err == nil && os.SameFile(is, named)
}

// Sweep removes what local clouds left behind that died without going down, and
// returns the names of the namespaces that were removed. It touches nothing of
// those that are alive, and nothing that does not bear a local cloud's name.
func Sweep() ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: to sweep needs root", ErrUnavailable)
	}
	byRun := map[string][]string{}
	for _, folder := range []string{runsFolder, namesFolder} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			m := runName.FindString(e.Name() + "-")
			if m == "" {
				continue
			}
			name := m[:len("lc-3f9c0a")]
			byRun[name] = slices.Clip(byRun[name])
			if folder == namesFolder {
				byRun[name] = append(byRun[name], e.Name())
			}
		}
	}
	var removed []string
	var errs []error
	for _, name := range sortedKeys(byRun) {
		r := &run{name: name}
		f, err := os.OpenFile(r.path(), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !held(f) {
			_ = f.Close() // it is alive
			continue
		}
		r.lock = f
		for _, namespace := range byRun[name] {
			if err := deleteNamespace(namespace); err != nil {
				errs = append(errs, err)
				continue
			}
			removed = append(removed, namespace)
		}
		errs = append(errs, r.release())
	}
	if err := errors.Join(errs...); err != nil {
		return removed, fmt.Errorf("sweep: %w", err)
	}
	return removed, nil
}
