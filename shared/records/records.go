// Package records keeps what is wanted of each connection, and what each step
// last said of it, as JSON entries in the OOS Parameter Store.
//
// The entries of a connection are /<prefix>/<id>/<entry>, where entry is
// request (interconnect.Wanted; its parameter version is the generation), the
// name of a step (interconnect.StepStatus), connected (the last desired state
// that was Connected) or sweep (interconnect.SweepStatus). The entry
// /<prefix>/freeze, while it exists, stops all changes.
//
// Records are made anew for each invocation, and remember for some seconds what
// they have read, the freeze included: a write right after a read needs none of
// its own.
//
// The store cannot update conditionally. So each entry has one writer (intake,
// one step), and an entry of a newer generation is never overwritten knowingly.
// What ends a connection without being asked to (interconnect.Wanted.Ends) names
// the generation that it ends: where another one came between, every reader takes
// that one for what is wanted, as the store keeps former versions.
package records

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// MaxEntry is the largest value of an entry. The store counts characters;
// counting bytes is on the safe side.
const MaxEntry = 4096

// Entry names below a connection's id, besides those of the steps.
const (
	entryRequest   = "request"
	entryConnected = "connected"
	entrySweep     = "sweep"
	freezeName     = "freeze"
)

// entryNames are all entries that a connection may have.
var entryNames = func() []string {
	names := []string{entryRequest, entryConnected, entrySweep}
	for _, step := range interconnect.Steps {
		names = append(names, string(step))
	}
	return names
}()

// quiet is how long a sign of life that says nothing new is held back.
const quiet = time.Minute

// ParameterStore is what is needed of the OOS Parameter Store. Errors have the
// classes of interconnect: Gone for an entry that is not there.
type ParameterStore interface {
	// ParametersByName returns those of up to 10 entries that are there.
	ParametersByName(ctx context.Context, names []string) ([]interconnect.Parameter, error)
	// ParameterAt returns an entry as it was at a version; Gone: that is not kept.
	ParameterAt(ctx context.Context, name string, version int) (interconnect.Parameter, error)
	// ParametersByPath returns all entries below path, at any depth.
	ParametersByPath(ctx context.Context, path string) ([]interconnect.Parameter, error)
	// CreateParameter and UpdateParameter return the entry's new version.
	CreateParameter(ctx context.Context, name, value string) (int, error)
	UpdateParameter(ctx context.Context, name, value string) (int, error)
	DeleteParameter(ctx context.Context, name string) error
}

// Records reads and writes the records of one deployment.
type Records struct {
	store  ParameterStore
	prefix string
	memory memory
}

// New returns the records of the deployment of the given prefix, e.g. vi.
func New(store ParameterStore, prefix string) *Records {
	return &Records{store: store, prefix: prefix}
}

// TooLarge says that an entry would not fit into the store.
type TooLarge struct {
	Entry  string // e.g. /vi/orders-to-billing/request
	Length int    // in bytes
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("the entry %s would be %d bytes long, at most %d fit; name fewer blocks, tables, groups or ports", e.Entry, e.Length, MaxEntry)
}

// Malformed says that an entry in the store cannot be understood: somebody
// else wrote it.
type Malformed struct {
	ID    string // of the connection
	Entry string // e.g. /vi/orders-to-billing/peering
	Err   error
}

func (e *Malformed) Error() string {
	return fmt.Sprintf("the entry %s cannot be understood (%v); correct it or delete it", e.Entry, e.Err)
}

func (e *Malformed) Unwrap() error { return e.Err }

// An id becomes part of an entry's name. The store takes letters, digits, -
// and _ between slashes, 180 characters in all.
var idForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`) })

// longestID is how long an id may be. A repetition that is counted would take
// longer to compile than the rest of a function's start.
const longestID = 128

func (r *Records) name(id, entry string) (string, error) {
	if len(id) > longestID || !idForm().MatchString(id) || id == freezeName {
		return "", fmt.Errorf("%.60q cannot be a connection's id: letters, digits, - and _, at most 128, and not %q", id, freezeName)
	}
	return "/" + r.prefix + "/" + id + "/" + entry, nil
}

// Get reads everything about one connection, and the freeze, in one call. A
// missing record is
// (nil, nil). The error is a *Malformed if any of its entries cannot be
// understood.
func (r *Records) Get(ctx context.Context, id string) (*interconnect.Record, error) {
	entries, err := r.entries(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := r.standing(ctx, entries); err != nil {
		return nil, err
	}
	return assemble(id, entries)
}

// entries reads the entries of a connection, by name, and the freeze.
func (r *Records) entries(ctx context.Context, id string) (map[string]interconnect.Parameter, error) {
	base, err := r.name(id, "")
	if err != nil {
		return nil, err
	}
	names := []string{r.freeze()}
	for _, entry := range entryNames {
		names = append(names, base+entry)
	}
	there, err := r.store.ParametersByName(ctx, names)
	if err != nil && !interconnect.IsGone(err) {
		return nil, err
	}
	r.memory.keep(there, names...)
	entries := map[string]interconnect.Parameter{}
	for _, p := range there {
		if entry, ok := strings.CutPrefix(p.Name, base); ok {
			entries[entry] = p
		}
	}
	return entries, nil
}

// List reads all records, sorted by id. If some cannot be understood it
// returns the others together with the errors, *Malformed ones or refusals, joined:
// a list that is not nil beside an error is what could be read. Whoever removes things
// must take the error for what it is, for a record that cannot be read may
// still want them.
func (r *Records) List(ctx context.Context) ([]interconnect.Record, error) {
	entries, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(entries))
	for id := range entries {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	list := make([]interconnect.Record, 0, len(ids))
	var bad []error
	for _, id := range ids {
		err := r.standing(ctx, entries[id])
		if interconnect.Passes(err) {
			return nil, err
		}
		var record *interconnect.Record
		if err == nil {
			record, err = assemble(id, entries[id])
		}
		switch {
		case err != nil:
			bad = append(bad, err)
		case record != nil:
			list = append(list, *record)
		}
	}
	return list, errors.Join(bad...)
}

// all reads all entries, by connection id and entry name. What is no entry of a
// connection is left out.
func (r *Records) all(ctx context.Context) (map[string]map[string]interconnect.Parameter, error) {
	all, err := r.store.ParametersByPath(ctx, "/"+r.prefix)
	if err != nil && !interconnect.IsGone(err) {
		return nil, err
	}
	r.memory.keep(all)
	out := map[string]map[string]interconnect.Parameter{}
	for _, p := range all {
		rest, ours := strings.CutPrefix(p.Name, "/"+r.prefix+"/")
		id, entry, found := strings.Cut(rest, "/")
		if !ours || !found || id == "" || strings.Contains(entry, "/") {
			continue
		}
		if out[id] == nil {
			out[id] = map[string]interconnect.Parameter{}
		}
		out[id][entry] = p
	}
	return out, nil
}

// assemble makes a record of its entries; nil without a request entry.
func assemble(id string, entries map[string]interconnect.Parameter) (*interconnect.Record, error) {
	request, ok := entries[entryRequest]
	if !ok {
		return nil, nil
	}
	record := &interconnect.Record{ID: id, Generation: request.Version, Steps: map[interconnect.Step]interconnect.StepStatus{}}
	var bad []error
	read := func(entry string, into any) bool {
		p, ok := entries[entry]
		if !ok {
			return false
		}
		if err := json.Unmarshal([]byte(p.Value), into); err != nil {
			bad = append(bad, &Malformed{ID: id, Entry: p.Name, Err: err})
			return false
		}
		return true
	}
	if read(entryRequest, &record.Wanted) && record.Wanted.Connection == nil {
		bad = append(bad, &Malformed{ID: id, Entry: request.Name, Err: errors.New("it names no connection")})
	}
	read(entryConnected, &record.LastConnected)
	read(entrySweep, &record.Sweep)
	for _, step := range interconnect.Steps {
		var s interconnect.StepStatus
		if read(string(step), &s) {
			record.Steps[step] = s
		}
	}
	record.UpdatedAt = record.Wanted.At
	if at, err := time.Parse(time.RFC3339, request.Updated); err == nil {
		record.UpdatedAt = at.UTC()
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return record, nil
}

// PutRequest writes what is desired and returns the generation that this
// makes. Done but reported failed: calling again makes a newer generation of
// the same, which does no harm.
func (r *Records) PutRequest(ctx context.Context, id string, w interconnect.Wanted) (int, error) {
	name, err := r.name(id, entryRequest)
	if err != nil {
		return 0, err
	}
	value, err := encode(name, w)
	if err != nil {
		return 0, err
	}
	_, known, err := r.read(ctx, name)
	switch {
	case err != nil:
		return 0, err
	case known:
		return r.update(ctx, name, value)
	}
	generation, made, err := r.create(ctx, name, value, func(string) bool { return true })
	if err != nil || !made {
		return generation, err
	}
	// The record is new, so other entries are of one that was deleted: written
	// late, of generations that this one has not reached, or to be rolled back
	// to. Only now is that certain, for the read above may have lagged.
	return generation, r.deleteEntries(ctx, id)
}

// PutStatus writes a step's entry, unless the entry there is of a newer
// generation, or says the same and is less than a minute older. A status that
// does not fit is shortened: old verdicts first, then ids, then leftovers.
func (r *Records) PutStatus(ctx context.Context, id string, step interconnect.Step, s interconnect.StepStatus) error {
	if !slices.Contains(interconnect.Steps, step) {
		return fmt.Errorf("%.60q is not a step", step)
	}
	name, err := r.name(id, string(step))
	if err != nil {
		return err
	}
	value, err := encodeStatus(name, s)
	if err != nil {
		return err
	}
	return r.put(ctx, name, value, func(old string) bool {
		var there interconnect.StepStatus
		if json.Unmarshal([]byte(old), &there) != nil {
			return true
		}
		if there.Generation > s.Generation {
			return false
		}
		age := s.UpdatedAt.Sub(there.UpdatedAt)
		there.UpdatedAt = s.UpdatedAt
		same, err := encode(name, there)
		return err != nil || same != value || age < 0 || age >= quiet
	})
}

// PutConnected keeps the desired state that was found Connected.
func (r *Records) PutConnected(ctx context.Context, id string, c *interconnect.Connection) error {
	name, err := r.name(id, entryConnected)
	if err != nil {
		return err
	}
	value, err := encode(name, c)
	if err != nil {
		return err
	}
	return r.put(ctx, name, value, func(old string) bool { return old != value })
}

// PutSweep writes what the sweep is to remember, unless the entry there is of
// a newer generation.
func (r *Records) PutSweep(ctx context.Context, id string, s interconnect.SweepStatus) error {
	name, err := r.name(id, entrySweep)
	if err != nil {
		return err
	}
	value, err := encode(name, s)
	if err != nil {
		return err
	}
	return r.put(ctx, name, value, func(old string) bool {
		var there interconnect.SweepStatus
		return old != value && (json.Unmarshal([]byte(old), &there) != nil || there.Generation <= s.Generation)
	})
}

// Delete removes all entries of a connection, its request last: died halfway,
// the record is still there to be deleted again. generation is the one that is over:
// what was asked for anew stays, by a look right before the request is removed.
func (r *Records) Delete(ctx context.Context, id string, generation int) (deleted bool, err error) {
	name, err := r.name(id, entryRequest)
	if err != nil {
		return false, err
	}
	if err := r.deleteEntries(ctx, id); err != nil {
		return false, err
	}
	p, there, err := r.readBack(ctx, name)
	if err != nil || there && p.Version != generation {
		return false, err
	}
	err = r.remove(ctx, name)
	return err == nil, err
}

// deleteEntries removes all entries of a connection but its request.
func (r *Records) deleteEntries(ctx context.Context, id string) error {
	entries, err := r.entries(ctx, id)
	if err != nil {
		return err
	}
	for entry, p := range entries {
		if entry == entryRequest {
			continue
		}
		if err := r.remove(ctx, p.Name); err != nil {
			return err
		}
	}
	return nil
}

func (r *Records) remove(ctx context.Context, name string) error {
	r.memory.forget(name)
	if err := r.store.DeleteParameter(ctx, name); err != nil && !interconnect.IsGone(err) {
		return err
	}
	return nil
}

// read returns an entry as it was moments ago, or reads it.
func (r *Records) read(ctx context.Context, name string) (p interconnect.Parameter, there bool, err error) {
	if p, there, known := r.memory.recall(name); known {
		return p, there, nil
	}
	return r.readBack(ctx, name)
}

// readBack reads an entry.
func (r *Records) readBack(ctx context.Context, name string) (p interconnect.Parameter, there bool, err error) {
	got, err := r.store.ParametersByName(ctx, []string{name})
	if err != nil && !interconnect.IsGone(err) {
		return p, false, err
	}
	i := slices.IndexFunc(got, func(p interconnect.Parameter) bool { return p.Name == name })
	if i < 0 {
		return p, false, nil
	}
	return got[i], true, nil
}

// put looks at an entry, asks replace about the value there, and creates or
// updates it.
func (r *Records) put(ctx context.Context, name, value string, replace func(old string) bool) error {
	p, there, err := r.read(ctx, name)
	switch {
	case err != nil, there && !replace(p.Value):
		return err
	case there:
		_, err = r.update(ctx, name, value)
		if !interconnect.IsGone(err) {
			return err
		}
	}
	// Not there, or, where an update says so, not there any more.
	_, _, err = r.create(ctx, name, value, replace)
	return err
}

// create makes an entry. If it is there already, or may be, because no answer
// came, the entry is read back, and updated if it holds another value: then it
// was not made here, and replace is asked.
func (r *Records) create(ctx context.Context, name, value string, replace func(old string) bool) (version int, made bool, err error) {
	r.memory.forget(name)
	version, err = r.store.CreateParameter(ctx, name, value)
	if err == nil || !doubtful(err) && interconnect.ClassOf(err) != interconnect.Exists {
		return version, err == nil, err
	}
	p, there, readErr := r.readBack(ctx, name)
	switch {
	case readErr != nil:
		return 0, false, readErr
	case !there && doubtful(err):
		return 0, false, err // not carried out, or not to be seen yet: the caller tries again
	case !there:
		// It exists, but a lagging read does not show it yet.
		return 0, false, &interconnect.CloudError{Class: interconnect.Busy, Action: "CreateParameter", Message: "the entry " + name + " exists, but cannot be read yet"}
	case p.Value == value:
		return p.Version, doubtful(err), nil
	case !replace(p.Value):
		return p.Version, false, nil
	}
	version, err = r.update(ctx, name, value)
	return version, false, err
}

// update gives an entry a new value. If no answer came, the entry is read
// back: that it holds the value is as good.
func (r *Records) update(ctx context.Context, name, value string) (int, error) {
	r.memory.forget(name)
	version, err := r.store.UpdateParameter(ctx, name, value)
	if err == nil || !doubtful(err) {
		return version, err
	}
	if p, there, readErr := r.readBack(ctx, name); readErr == nil && there && p.Value == value {
		return p.Version, nil
	}
	return 0, err
}

// doubtful tells whether a call that failed may have been carried out.
func doubtful(err error) bool {
	var e *interconnect.CloudError
	return errors.As(err, &e) && e.Unknown
}

// encode writes a value as compact JSON, and fails if it does not fit.
func encode(name string, v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("the entry %s: %w", name, err)
	}
	s := strings.TrimSuffix(b.String(), "\n")
	if len(s) > MaxEntry {
		return "", &TooLarge{Entry: name, Length: len(s)}
	}
	return s, nil
}
