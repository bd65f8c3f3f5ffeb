package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Figure is one row of the table.
type Figure struct {
	Key    string  `json:"key"`
	What   string  `json:"what"`
	Value  float64 `json:"value"`
	Target float64 `json:"target"`
	Rule   string  `json:"rule"` // how value and target compare where the target is met: <=, >= or ==
	Met    bool    `json:"met"`
	How    string  `json:"how"`            // what was divided by what, with its numbers
	Note   string  `json:"note,omitempty"` // what to know of it
}

// AtMost makes a figure whose value is to be no more than the target.
func AtMost(key, what string, value, target float64, how, note string) Figure {
	return Figure{key, what, value, target, "<=", value <= target, how, note}
}

// AtLeast makes a figure whose value is to be no less than the target.
func AtLeast(key, what string, value, target float64, how, note string) Figure {
	return Figure{key, what, value, target, ">=", value >= target, how, note}
}

// Exactly makes a figure whose value is to be the target.
func Exactly(key, what string, value, target float64, how, note string) Figure {
	return Figure{key, what, value, target, "==", value == target, how, note}
}

// Ratio divides; of nothing it is 0.
func Ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// Report is all that a bench has found.
type Report struct {
	Conditions []string          `json:"conditions"`
	Figures    []Figure          `json:"figures"`
	Paths      map[string][]Step `json:"paths"`  // of connect, disconnect, and of its removal until all is gone, call by call
	Counts     map[string]Tally  `json:"counts"` // of connect, check, check that somebody asks for, and disconnect
	Noise      []string          `json:"noise"`  // what the machine did meanwhile
}

// Step is a link of a path as it is printed.
type Step struct {
	FromMs  float64 `json:"fromMs"`
	TakesMs float64 `json:"takesMs"`
	Name    string  `json:"name"`
	Call    string  `json:"call"` // what was called by whom, or what was waited for
	Why     string  `json:"why"`
}

// Tally is what a stretch of a run called.
type Tally struct {
	Took     float64 `json:"tookMs"`
	Reads    []Count `json:"reads"`
	Writes   []Count `json:"writes"`
	Record   []Count `json:"record"`
	Messages int     `json:"messages"` // to steps
}

// TallyOf counts a recording.
func TallyOf(r Recording) Tally {
	return Tally{Took: ms(r.Took()), Reads: r.Reads(), Writes: r.Writes(), Record: r.Bookkeeping(), Messages: len(r.Hops())}
}

// Steps prints a path's links.
func (p Path) Steps() []Step {
	out := make([]Step, len(p.Links))
	for i, l := range p.Links {
		s := Step{FromMs: ms(l.From), TakesMs: ms(l.Takes), Name: l.Name, Why: l.Why, Call: "waits"}
		if len(l.Calls) > 0 {
			s.Call = l.Calls[0].By + " " + l.Calls[0].Action
			if len(l.Calls) > 1 {
				s.Call += fmt.Sprintf(" x%d", len(l.Calls))
			}
		}
		out[i] = s
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Round(100*time.Microsecond)) / 1e6 }

// Write prints the report as text.
func (r Report) Write(out io.Writer) error {
	b := &strings.Builder{}
	for _, line := range r.Conditions {
		fmt.Fprintln(b, line)
	}
	for _, name := range []string{"connect", "removal", "disconnect"} {
		steps, ok := r.Paths[name]
		if !ok {
			continue
		}
		fmt.Fprintf(b, "\nThe critical path of a %s, call by call\n", name)
		table := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
		for _, s := range steps {
			fmt.Fprintf(table, "  %8.0f ms\t+%6.0f ms\t%s\t%s\t%s\n", s.FromMs, s.TakesMs, s.Name, s.Call, s.Why)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, name := range []string{"connect", "check", "check that somebody asks for", "disconnect"} {
		if t, ok := r.Counts[name]; ok {
			t.write(b, name)
		}
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tmeasured\ttarget\t\tof")
	for _, f := range r.Figures {
		met := "met"
		if !f.Met {
			met = "NOT MET"
		}
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\t%s\n", f.What, number(f.Value), f.Rule, number(f.Target), met, f.How)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, f := range r.Figures {
		if f.Note != "" {
			fmt.Fprintf(b, "  %s: %s\n", f.What, f.Note)
		}
	}
	for _, line := range r.Noise {
		fmt.Fprintln(b, line)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// number writes counts without decimals, ratios with two.
func number(v float64) string {
	if v == float64(int(v)) {
		return fmt.Sprint(int(v))
	}
	return fmt.Sprintf("%.2f", v)
}

func (t Tally) write(b *strings.Builder, name string) {
	fmt.Fprintf(b, "\nThe calls of a %s: %d reads, %d changes, %d of the record; %d messages\n", name, Sum(t.Reads), Sum(t.Writes), Sum(t.Record), t.Messages)
	table := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	for _, c := range slices.Concat(t.Reads, t.Writes, t.Record) {
		fmt.Fprintf(table, "  %3d\t%s\t%s\t%s\n", c.Calls, c.By, c.Action, c.Why)
	}
	_ = table.Flush() // a Builder takes everything
}
