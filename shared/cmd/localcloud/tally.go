package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/show"
)

// tally counts what a run takes, and shows what it changes.
type tally struct {
	p *show.Printer

	mu       sync.Mutex
	calls    map[string]int
	errors   map[string]int
	changed  chan struct{} // one waits in it when a step has run since it was last emptied
	messages int
	last     map[string]show.Ping // by instance
	troubles []string             // what functions logged as warnings and errors, the newest last
}

func (t *tally) init(p *show.Printer) {
	t.p, t.calls, t.errors, t.last = p, map[string]int{}, map[string]int{}, map[string]show.Ping{}
	t.changed = make(chan struct{}, 1)
}

// call hears of each API request.
func (t *tally) call(r openapi.Record) {
	t.mu.Lock()
	t.calls[r.Product+" "+r.Action]++
	if r.Code != "" {
		t.errors[r.Code]++
	}
	t.mu.Unlock()
	a, _ := engine.Find(r.Product, r.Action)
	if !a.Write || strings.EqualFold(a.Product, "Oos") {
		return
	}
	step := r.Role[strings.LastIndex(r.Role, "-")+1:]
	what := r.Action + " in " + r.Region
	for _, k := range []string{"RouterInterfaceId", "RouterId", "RouteTableId", "RouteEntries.1.RouteTableId", "SecurityGroupId", "InstanceId.1"} {
		if v := r.Parameters[k]; v != "" {
			what += ", " + v
			break
		}
	}
	switch {
	case r.Status == 0:
		t.p.Step(show.Dim, step, "%s: the answer was lost", what)
	case r.Status != 200:
		t.p.Step(show.Dim, step, "%s: %s", what, r.Code)
	default:
		t.p.Step(show.Plain, step, "%s", what)
	}
}

// message hears of each MNS request.
func (t *tally) message(r mns.Record) {
	if strings.Contains(r.Action, "SendMessage") && r.Code == "" {
		t.mu.Lock()
		t.messages++
		t.mu.Unlock()
	}
}

// ran hears of each script in an instance. It is called under the engine's
// lock.
func (t *tally) ran(s engine.Script, x engine.Execution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last[s.InstanceID] = show.Ping{InstanceID: s.InstanceID, Command: strings.TrimSpace(s.Content), Output: x.Output, ExitCode: x.ExitCode}
}

// happened hears of what Function Compute does.
func (t *tally) happened(e fc.Event) {
	trouble(t.p, e)
	if e.Kind == fc.EventEnded && e.Function != "intake" {
		select {
		case t.changed <- struct{}{}:
		default:
		}
	}
}

// mostTroubles is how many lines of trouble are kept.
const mostTroubles = 20

// printed hears of each line that a function prints.
func (t *tally) printed(l fc.Line) {
	var rec struct {
		Level string `json:"level"`
	}
	if json.Unmarshal([]byte(l.Text), &rec) == nil && rec.Level != "WARN" && rec.Level != "ERROR" {
		return
	}
	if rec.Level == "" && !strings.Contains(l.Text, "ERROR") && !strings.Contains(l.Text, "panic") {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.troubles = append(t.troubles, l.Function+": "+l.Text)
	if len(t.troubles) > mostTroubles {
		t.troubles = t.troubles[1:]
	}
}

// complain shows what functions said went wrong.
func (t *tally) complain() {
	t.mu.Lock()
	lines := slices.Clone(t.troubles)
	t.mu.Unlock()
	if len(lines) > 0 {
		t.p.Status("")
		t.p.Line("\nThe functions' last warnings and errors:\n%s", show.Indent(strings.Join(lines, "\n")))
	}
}

// pings returns the last ping of each instance, those of first before others.
func (t *tally) pings(first []string) []show.Ping {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []show.Ping{}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(t.last)), func(id string) bool { return slices.Contains(first, id) })
	for _, id := range append(slices.Clone(first), rest...) {
		if p, ok := t.last[id]; ok {
			out = append(out, p)
		}
	}
	return out
}

func (t *tally) took(functions []fc.Stats) show.Took {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := show.Took{Messages: t.messages, Calls: maps.Clone(t.calls), Errors: maps.Clone(t.errors), Functions: functions}
	for _, f := range functions {
		k.BilledMs += f.BilledMs
	}
	return k
}
