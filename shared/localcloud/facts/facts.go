// Package facts is the form of a row of the table of what the local cloud
// knows of the real one, and the table as text.
package facts

import (
	"fmt"
	"io"
	"strings"
)

// Fact is one behaviour of the local cloud, and why we believe that the real
// cloud has it too.
type Fact struct {
	Behaviour string // one sentence
	Source    string // where it is published; "UNCONFIRMED: " and why this reading, if nowhere
	Switch    string // what chooses the other reading: a field of engine.Switches, engine.Quotas or fc.Options; "" if there is one reading only
	Test      string // the test that shows it: TestX, TestX/subtest, or openapi.TestX for another package of localcloud
}

// unconfirmed begins the source of what is published nowhere.
const unconfirmed = "UNCONFIRMED"

// Open tells whether the behaviour is one of two readings, or a guess.
func (f Fact) Open() bool { return f.Switch != "" || strings.Contains(f.Source, unconfirmed) }

// Section is the facts of a part of the cloud.
type Section struct {
	Name  string
	Facts []Fact
}

// Markdown writes sections as tables.
func Markdown(w io.Writer, sections []Section) error {
	for _, s := range sections {
		if len(s.Facts) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "## %s\n\n| Behaviour | Source | Switch | Test |\n|---|---|---|---|\n", s.Name); err != nil {
			return err
		}
		for _, f := range s.Facts {
			row := []string{f.Behaviour, f.Source, f.Switch, f.Test}
			for i, cell := range row {
				row[i] = strings.ReplaceAll(cell, "|", `\|`)
			}
			if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | ")); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	return nil
}
