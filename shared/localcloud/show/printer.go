// Package show turns what happens on the local cloud into text for people: lines
// as it happens, a status line where there is a terminal, and a drawing.
package show

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fatih/color"
)

// Printer writes lines with the time since its start. On a terminal it colours
// them and keeps a status line under them; else it writes plain text only. Its
// methods may be called from many goroutines.
type Printer struct {
	mu     sync.Mutex
	out    io.Writer
	live   bool
	wide   int
	start  time.Time
	now    func() time.Time
	status string
	turn   int
}

// NewPrinter returns a printer. width is the terminal's, 0 if out is none.
func NewPrinter(out io.Writer, width int, now func() time.Time) *Printer {
	return &Printer{out: out, live: width > 0, wide: width, start: now(), now: now}
}

// Tone says what a line is about.
type Tone int

// The tones, each with its colour.
const (
	Plain Tone = iota
	Good
	Bad
	Dim
	Strong
)

var colours = map[Tone]*color.Color{
	Good: color.New(color.FgGreen), Bad: color.New(color.FgRed), Dim: color.New(color.Faint), Strong: color.New(color.Bold),
}

// Paint colours a text, if this is a terminal.
func (p *Printer) Paint(t Tone, s string) string {
	c := colours[t]
	if !p.live || c == nil {
		return s
	}
	c.EnableColor() // we know what we write to; the library looks at the standard output only
	return c.Sprint(s)
}

// Step writes a line of something that happened: when, who, what.
func (p *Printer) Step(t Tone, who, format string, args ...any) {
	p.Line("%7s  %-16s %s", elapsed(p.now().Sub(p.start)), who, p.Paint(t, clean(fmt.Sprintf(format, args...))))
}

// Line writes a line as it is.
func (p *Printer) Line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
	p.draw()
}

// Status sets what the status line says; "" takes it away.
func (p *Printer) Status(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.status = clean(fmt.Sprintf(format, args...))
	p.draw()
}

// Tick turns the status line's wheel.
func (p *Printer) Tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	p.clear()
	p.draw()
}

var wheel = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

func (p *Printer) clear() {
	if p.live && p.status != "" {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func (p *Printer) draw() {
	if !p.live || p.status == "" {
		return
	}
	text := []rune(fmt.Sprintf("%7s  %c %s", elapsed(p.now().Sub(p.start)), wheel[p.turn%len(wheel)], p.status))
	if len(text) >= p.wide {
		text = text[:p.wide-1]
	}
	fmt.Fprint(p.out, string(text))
}

// elapsed writes a time as people read it: 0.4s, 12.3s, 2m03s.
func elapsed(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
}

// clean keeps what a terminal would act on out of what is shown.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// Indent puts two spaces before each line, and makes a block of text safe to
// show.
func Indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight("  "+clean(strings.ReplaceAll(l, "\t", "    ")), " ")
	}
	return strings.Join(lines, "\n")
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
