package records_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/records"
)

// What main.go files put together must fit.
var (
	_ records.ParameterStore = (*alicloud.Cloud)(nil)
	_ chain.Records          = (*records.Records)(nil)
)

// store is a Parameter Store in memory that can misbehave: hooks run before a
// call and may fail it; lost makes a call that was carried out fail.
type store struct {
	mu      sync.Mutex
	entries map[string]interconnect.Parameter
	former  map[string][]interconnect.Parameter // every version, by name
	now     time.Time
	calls   []string // action and name
	before  map[string]func() error
	lost    map[string]bool // by action: done but reported failed, once
}

func newStore() *store {
	return &store{
		entries: map[string]interconnect.Parameter{}, former: map[string][]interconnect.Parameter{}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		before: map[string]func() error{}, lost: map[string]bool{},
	}
}

func failed(class interconnect.Class, unknown bool) error {
	return &interconnect.CloudError{Class: class, Action: "Test", Unknown: unknown}
}

// call notes a call, runs its hook once, and runs the call.
func (s *store) call(action, name string, f func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, action+" "+name)
	hook := s.before[action]
	delete(s.before, action)
	s.mu.Unlock()
	if hook != nil {
		if err := hook(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	if s.lost[action] {
		delete(s.lost, action)
		return failed(interconnect.Transient, true)
	}
	return nil
}

func (s *store) ParametersByName(_ context.Context, names []string) ([]interconnect.Parameter, error) {
	var out []interconnect.Parameter
	action := "names"
	if len(names) == 1 {
		action = "get"
	}
	err := s.call(action, strings.Join(names, " "), func() error {
		for _, name := range names {
			if p, ok := s.entries[name]; ok {
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

func (s *store) ParameterAt(_ context.Context, name string, version int) (p interconnect.Parameter, err error) {
	err = s.call("at", name, func() error {
		for _, p = range s.former[name] {
			if p.Version == version {
				return nil
			}
		}
		return failed(interconnect.Gone, false)
	})
	return p, err
}

func (s *store) ParametersByPath(_ context.Context, path string) ([]interconnect.Parameter, error) {
	var out []interconnect.Parameter
	err := s.call("list", path, func() error {
		for name, p := range s.entries {
			if strings.HasPrefix(name, path) { // laxer than a store may be: /vi finds /via as well
				out = append(out, p)
			}
		}
		return nil
	})
	return out, err
}

func (s *store) CreateParameter(_ context.Context, name, value string) (int, error) {
	return s.write("create", name, value, interconnect.Exists, false)
}

func (s *store) UpdateParameter(_ context.Context, name, value string) (int, error) {
	return s.write("update", name, value, interconnect.Gone, true)
}

func (s *store) write(action, name, value string, otherwise interconnect.Class, exists bool) (int, error) {
	version := 0
	err := s.call(action, name, func() error {
		if _, ok := s.entries[name]; ok != exists {
			return failed(otherwise, false)
		}
		version = s.put(name, value)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// put writes an entry as somebody else would.
func (s *store) put(name, value string) int {
	v := s.entries[name].Version + 1
	s.entries[name] = interconnect.Parameter{Name: name, Value: value, Version: v, Updated: s.now.Format(time.RFC3339)}
	s.former[name] = append(s.former[name], s.entries[name])
	return v
}

func (s *store) DeleteParameter(_ context.Context, name string) error {
	return s.call("delete", name, func() error {
		if _, ok := s.entries[name]; !ok {
			return failed(interconnect.Gone, false)
		}
		delete(s.entries, name)
		return nil
	})
}

// made returns the calls of an action since the last time, and forgets all.
func (s *store) made(action string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, c := range s.calls {
		if name, ok := strings.CutPrefix(c, action+" "); ok {
			out = append(out, name)
		}
	}
	s.calls = nil
	return out
}

func (s *store) names() []string {
	var out []string
	for name := range s.entries {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
