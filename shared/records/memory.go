package records

import (
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// fresh is how long what was read may stand for a read of its own: a step looks
// at the record right before it changes something and right after, so this only
// spares it to look twice. Lagging reads are seconds old, too.
const fresh = 5 * time.Second

// memory is what was read of the entries, and when.
type memory struct {
	mu   sync.Mutex
	seen map[string]remembered
}

type remembered struct {
	interconnect.Parameter
	there bool
	at    time.Time
}

// keep remembers what a read returned. Those that it asked for by name, and did
// not get, are known not to be there.
func (m *memory) keep(read []interconnect.Parameter, asked ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		m.seen = map[string]remembered{}
	}
	now := time.Now()
	for _, name := range asked {
		m.seen[name] = remembered{at: now}
	}
	for _, p := range read {
		m.seen[p.Name] = remembered{p, true, now}
	}
}

// recall returns an entry as it was read moments ago; known is false if it was
// not.
func (m *memory) recall(name string) (p interconnect.Parameter, there, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.seen[name]
	if !ok || time.Since(r.at) > fresh {
		return p, false, false
	}
	return r.Parameter, r.there, true
}

// forget has an entry read again: it is being written.
func (m *memory) forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, name)
}
