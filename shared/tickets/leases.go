package tickets

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"hash/fnv"
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
}

// Leases lets one run at a time handle a ticket: two that read the comments at
// the same moment would both write what is missing. A lease is an entry of the
// Parameter Store, /<prefix>/ticket-lease-<n>. There are few, shared by all
// tickets, so none has to be removed: that two tickets share one costs a
// moment.
//
// The store cannot update conditionally, but tells the new version: who finds a
// lease free at version v, writes, and is told v+1, was the only one. Who is
// told more was too late, and has at worst made others wait until the time that
// it wrote. A lagging read comes to the same. One that is not given back, since
// its holder died, runs out.
type Leases struct {
	Store  ParameterStore
	Prefix string           // of the deployment
	Clock  func() time.Time // nil: the wall clock
}

// leaseSlots is how many leases there are.
const leaseSlots = 16

// lease is the entry's value.
type lease struct {
	Holder string    `json:"holder,omitempty"`
	Until  time.Time `json:"until"`
}

func (l lease) value() string {
	text, err := json.Marshal(l)
	if err != nil { // only a time beyond year 9999 could do that
		panic(err)
	}
	return string(text)
}

// Take takes the lease of a connection's ticket for a time. ok is false where
// somebody else has it. The holder gives it back by release, and must not write
// any comment after the time.
func (l *Leases) Take(ctx context.Context, id string, term time.Duration) (release func(), ok bool, err error) {
	h := fnv.New32a()
	h.Write([]byte(id))
	name := fmt.Sprintf("/%s/ticket-lease-%d", l.Prefix, h.Sum32()%leaseSlots)
	now := time.Now().UTC()
	if l.Clock != nil {
		now = l.Clock().UTC()
	}
	own := lease{Holder: rand.Text()[:12], Until: now.Add(term)}
	there, err := l.Store.ParametersByName(ctx, []string{name})
	switch {
	case err != nil && !interconnect.IsGone(err):
		return nil, false, err
	case len(there) == 0:
		if _, err := l.Store.CreateParameter(ctx, name, own.value()); err != nil {
			// Somebody else was first, a read lagged, or it is not known: in
			// each case it is looked at again later.
			return nil, false, unless(err, interconnect.Exists)
		}
	default:
		var held lease
		if json.Unmarshal([]byte(there[0].Value), &held) == nil && now.Before(held.Until) {
			return nil, false, nil
		}
		version, err := l.Store.UpdateParameter(ctx, name, own.value())
		if err != nil || version != there[0].Version+1 {
			return nil, false, err
		}
	}
	return func() {
		// The run may have been cut short; giving back is worth a moment more.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = l.Store.UpdateParameter(ctx, name, lease{}.value()) // else it runs out
	}, true, nil
}

// unless drops an error of a class.
func unless(err error, c interconnect.Class) error {
	if interconnect.ClassOf(err) == c {
		return nil
	}
	return err
}
