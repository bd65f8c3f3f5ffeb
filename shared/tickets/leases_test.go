package tickets_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/tickets"
)

// store is the Parameter Store as far as leases need it, with faults.
type store struct {
	mu      sync.Mutex
	entries map[string]interconnect.Parameter
	lost    map[string]int // of an action: how many answers get lost after it was carried out
	refused map[string]int // of an action: how many are refused before
}

func newStore() *store {
	return &store{entries: map[string]interconnect.Parameter{}, lost: map[string]int{}, refused: map[string]int{}}
}

// fault is what becomes of a call.
func (s *store) fault(m map[string]int, action string, unknown bool) error {
	if m[action] == 0 {
		return nil
	}
	m[action]--
	return &interconnect.CloudError{Class: interconnect.Transient, Action: action, Message: "no answer", Unknown: unknown}
}

func (s *store) ParametersByName(_ context.Context, names []string) ([]interconnect.Parameter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []interconnect.Parameter
	for _, n := range names {
		if p, ok := s.entries[n]; ok {
			out = append(out, p)
		}
	}
	return out, s.fault(s.refused, "GetParameters", false)
}

func (s *store) write(action, name, value string, there bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fault(s.refused, action, false); err != nil {
		return 0, err
	}
	p, ok := s.entries[name]
	if ok != there {
		class := map[bool]interconnect.Class{true: interconnect.Exists, false: interconnect.Gone}[ok]
		return 0, &interconnect.CloudError{Class: class, Action: action}
	}
	p.Name, p.Value, p.Version = name, value, p.Version+1
	s.entries[name] = p
	return p.Version, s.fault(s.lost, action, true)
}

func (s *store) CreateParameter(_ context.Context, name, value string) (int, error) {
	return s.write("CreateParameter", name, value, false)
}

func (s *store) UpdateParameter(_ context.Context, name, value string) (int, error) {
	return s.write("UpdateParameter", name, value, true)
}

func (s *store) DeleteParameter(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fault(s.refused, "DeleteParameter", false); err != nil {
		return err
	}
	if _, ok := s.entries[name]; !ok {
		return &interconnect.CloudError{Class: interconnect.Gone, Action: "DeleteParameter"}
	}
	delete(s.entries, name)
	return s.fault(s.lost, "DeleteParameter", true)
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

func nopause(context.Context, time.Duration) error { return nil }

// clock is one that a test sets.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}
func (c *clock) now() time.Time       { return time.UnixMilli(c.at.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.at.Add(d.Milliseconds()) }

func TestALeaseHasOneHolder(t *testing.T) {
	t.Parallel()
	s, c := newStore(), newClock()
	l := &tickets.Leases{Store: s, Prefix: "vi", Clock: c.now, Pause: nopause}
	var inside, most, took atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				release, ok, err := l.Take(context.Background(), "jira-net-1", time.Minute)
				if err != nil || !ok {
					continue
				}
				took.Add(1)
				most.Store(max(most.Load(), inside.Add(1)))
				inside.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
	require.Equal(t, int32(1), most.Load())
	require.Positive(t, took.Load())
	require.Zero(t, s.count(), "a lease that nobody holds is not there")
}

func TestALeaseOfTheDeadRunsOutAndOneTakesItOver(t *testing.T) {
	t.Parallel()
	s, c := newStore(), newClock()
	l := &tickets.Leases{Store: s, Prefix: "vi", Clock: c.now, Pause: nopause}
	dead, ok, err := l.Take(context.Background(), "a", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = l.Take(context.Background(), "a", time.Minute)
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, _ = l.Take(context.Background(), "b", time.Minute)
	require.True(t, ok, "another ticket's is another lease")

	c.pass(time.Minute)
	var got atomic.Int32
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, ok, err := l.Take(context.Background(), "a", time.Minute); err == nil && ok {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int32(1), got.Load())
	dead() // it was not dead, only slow
	_, ok, _ = l.Take(context.Background(), "a", time.Minute)
	require.False(t, ok, "who is too late gives back nothing that is another's")
}

func TestALeaseSurvivesLostAnswers(t *testing.T) {
	t.Parallel()
	s, c := newStore(), newClock()
	l := &tickets.Leases{Store: s, Prefix: "vi", Clock: c.now, Pause: nopause}
	s.lost["CreateParameter"], s.lost["DeleteParameter"] = 1, 1
	release, ok, err := l.Take(context.Background(), "a", time.Minute)
	require.NoError(t, err)
	require.True(t, ok, "it was made, though nobody said so")
	release()
	require.Zero(t, s.count())

	_, _, _ = l.Take(context.Background(), "a", time.Minute)
	c.pass(2 * time.Minute)
	s.lost["UpdateParameter"] = 1
	release, ok, err = l.Take(context.Background(), "a", time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	s.refused["DeleteParameter"] = 2
	release()
	require.Zero(t, s.count(), "giving back is tried again")

	s.refused["CreateParameter"] = 1
	_, ok, err = l.Take(context.Background(), "a", time.Minute)
	require.False(t, ok)
	require.ErrorContains(t, err, "no answer")
}
