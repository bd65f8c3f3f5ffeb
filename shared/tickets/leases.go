package tickets

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// ParameterStore is what a lease needs of the OOS Parameter Store.
type ParameterStore interface {
	// ParametersByName returns those of the entries that are there.
	ParametersByName(ctx context.Context, names []string) ([]interconnect.Parameter, error)
	// CreateParameter and UpdateParameter return the entry's new version.
	CreateParameter(ctx context.Context, name, value string) (int, error)
	UpdateParameter(ctx context.Context, name, value string) (int, error)
	DeleteParameter(ctx context.Context, name string) error
}

// Leases lets one run at a time handle a ticket: two that read the comments at
// the same moment would both write what is missing. A lease is an entry of the
// Parameter Store, /<prefix>/ticket-lease-<connection>, that is there only as
// long as somebody holds it: making an entry that is there fails.
//
// One that is not given back, since its holder died, runs out. The store cannot
// update conditionally, but tells the new version: who reads a lease that has
// run out at version v, writes it anew, and is told v+1, was the first.
type Leases struct {
	Store  ParameterStore
	Prefix string           // of the deployment
	Clock  func() time.Time // nil: the wall clock

	Pause func(context.Context, time.Duration) error // waits between attempts to give back; nil: really
}

// lease is the entry's value.
type lease struct {
	Holder string    `json:"holder"`
	Until  time.Time `json:"until"`
}

// Take takes the lease of a connection's ticket for a time. ok is false where
// somebody else has it. The holder gives it back by release, and must not write
// any comment after the time.
func (l *Leases) Take(ctx context.Context, id string, term time.Duration) (release func(), ok bool, err error) {
	name := fmt.Sprintf("/%s/ticket-lease-%s", l.Prefix, id)
	until := l.now().Add(term)
	text, err := json.Marshal(lease{Holder: rand.Text()[:12], Until: until})
	if err != nil { // only a time beyond year 9999 could do that
		return nil, false, err
	}
	own := string(text)
	release = func() { l.release(ctx, name, until) }
	_, err = l.settled(ctx, name, own, 1, l.Store.CreateParameter)
	if err == nil {
		return release, true, nil
	}
	if interconnect.ClassOf(err) != interconnect.Exists {
		return nil, false, err
	}
	there, err := l.read(ctx, name)
	if err != nil {
		return nil, false, err
	}
	var held lease
	if there.Version == 0 || json.Unmarshal([]byte(there.Value), &held) == nil && l.now().Before(held.Until) {
		return nil, false, nil // somebody has it, or has just given it back
	}
	version, err := l.settled(ctx, name, own, there.Version+1, l.Store.UpdateParameter)
	switch {
	case interconnect.IsGone(err), err == nil && version != there.Version+1:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return release, true, nil
}

// settled writes an entry. If no answer came, it is read back: that it holds the
// value, at the version that it then has, is as good.
func (l *Leases) settled(ctx context.Context, name, value string, version int, write func(context.Context, string, string) (int, error)) (int, error) {
	got, err := write(ctx, name, value)
	var cloud *interconnect.CloudError
	if errors.As(err, &cloud) && cloud.Unknown {
		if there, readErr := l.read(ctx, name); readErr == nil && there.Value == value && there.Version == version {
			return version, nil
		}
	}
	return got, err
}

// release gives a lease back, unless it has run out: then it may be another's.
func (l *Leases) release(ctx context.Context, name string, until time.Time) {
	// The run may have been cut short; giving back is worth a moment more.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for n := 0; l.now().Before(until); n++ {
		err := l.Store.DeleteParameter(ctx, name)
		if err == nil || interconnect.IsGone(err) || n == len(pauses) || wait(ctx, l.Pause, pauses[n]) != nil {
			return // at worst it runs out
		}
	}
}

// read reads an entry; its version is 0 if it is not there.
func (l *Leases) read(ctx context.Context, name string) (interconnect.Parameter, error) {
	there, err := l.Store.ParametersByName(ctx, []string{name})
	switch {
	case interconnect.IsGone(err):
		return interconnect.Parameter{}, nil
	case err != nil || len(there) == 0:
		return interconnect.Parameter{}, err
	}
	return there[0], nil
}

func (l *Leases) now() time.Time {
	if l.Clock != nil {
		return l.Clock().UTC()
	}
	return time.Now().UTC()
}

// wait waits, unless ctx ends first.
func wait(ctx context.Context, by func(context.Context, time.Duration) error, d time.Duration) error {
	if by != nil {
		return by(ctx, d)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
