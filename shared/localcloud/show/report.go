package show

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"vpcinterconnect/shared/localcloud/fc"
)

// Report is what a run came to.
type Report struct {
	Connected bool            `json:"connected"`
	State     string          `json:"state"`
	Why       string          `json:"why,omitempty"`
	Seed      uint64          `json:"seed"`
	Hostile   bool            `json:"hostile"`
	ElapsedMs int64           `json:"elapsedMs"` // from the request to its end
	Request   json.RawMessage `json:"request"`
	Answer    json.RawMessage `json:"answer,omitempty"` // intake's, at the end
	Pings     []Ping          `json:"pings"`            // the last of each instance
	Took      Took            `json:"took"`
	Drawing   string          `json:"-"`
}

// Ping is a script that ran in an instance, and what it printed.
type Ping struct {
	InstanceID string `json:"instanceId"`
	Command    string `json:"command"`
	Output     string `json:"output"`
	ExitCode   int    `json:"exitCode"`
}

// Took is what a run took.
type Took struct {
	Messages  int            `json:"messages"`  // sent to queues by functions
	Calls     map[string]int `json:"apiCalls"`  // by product and action
	Errors    map[string]int `json:"apiErrors"` // of these, by code
	Functions []fc.Stats     `json:"functions"`
	BilledMs  int64          `json:"billedMs"`
}

// Summary writes the end of a run.
func (p *Printer) Summary(r Report) {
	p.Status("")
	for _, ping := range r.Pings {
		p.Line("")
		p.Line("%s", p.Paint(Strong, clean(ping.InstanceID+" $ "+ping.Command)))
		p.Line("%s", Indent(ping.Output))
	}
	if r.Drawing != "" {
		p.Line("")
		p.Line("%s", strings.TrimRight(r.Drawing, "\n"))
	}
	p.Line("")
	tone, verdict := Bad, r.State
	if r.Connected {
		tone = Good
	}
	if r.Why != "" {
		verdict += ": " + r.Why
	}
	p.Line("%s  after %s", p.Paint(tone, clean(verdict)), elapsed(ms(r.ElapsedMs)))
	p.Line("%s", took(r.Took))
}

func took(t Took) string {
	var b strings.Builder
	invocations, cold := 0, 0
	for _, f := range t.Functions {
		invocations += f.Invocations
		cold += f.ColdStarts
	}
	total, kinds := 0, slices.Collect(maps.Keys(t.Calls))
	for _, n := range t.Calls {
		total += n
	}
	slices.SortFunc(kinds, func(x, y string) int { return cmp.Or(t.Calls[y]-t.Calls[x], cmp.Compare(x, y)) })
	fmt.Fprintf(&b, "It took %s, %s, %s (%d cold) and %s ms billed.\n",
		count(t.Messages, "message"), count(total, "API call"), count(invocations, "invocation"), cold, thousands(t.BilledMs))
	for _, f := range t.Functions {
		fmt.Fprintf(&b, "  %-16s %4d × %8s ms", f.Function, f.Invocations, thousands(f.BilledMs))
		for _, n := range []struct {
			n    int
			what string
		}{{f.Failures, "failed"}, {f.Crashes, "crashed"}, {f.Timeouts, "timed out"}, {f.DeadLetters, "dead letters"}} {
			if n.n > 0 {
				fmt.Fprintf(&b, ", %d %s", n.n, n.what)
			}
		}
		b.WriteByte('\n')
	}
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %4d × %s\n", t.Calls[k], k)
	}
	for _, code := range slices.Sorted(maps.Keys(t.Errors)) {
		fmt.Fprintf(&b, "  %4d of the calls answered %s\n", t.Errors[code], code)
	}
	return strings.TrimRight(b.String(), "\n")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", thousands(int64(n)), what)
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
