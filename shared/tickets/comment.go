package tickets

import (
	"fmt"
	"strings"
)

// Comment is a comment to be written. Its text may hold what strangers typed:
// whoever renders it has to make that harmless.
type Comment struct {
	Marker Marker
	Blocks []Block
	Proven bool // it tells that the connection is proven: the ticket can be finished
}

// Block is a part of a comment: a paragraph, which has one line, or a list.
type Block struct {
	Lines []string
	List  bool
}

// Limits that keep a comment readable, and below what ticket systems take
// (Jira: 32,767 characters).
const (
	maxLine  = 400 // characters
	maxLines = 25  // of a list
)

// say adds a paragraph.
func (c *Comment) say(format string, args ...any) {
	c.Blocks = append(c.Blocks, Block{Lines: []string{oneLine(fmt.Sprintf(format, args...))}})
}

// list adds a list below a paragraph, cut where it is too long to be read.
func (c *Comment) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	c.say("%s", title)
	var out []string
	for i, l := range lines {
		if i == maxLines {
			out = append(out, fmt.Sprintf("… and %d more", len(lines)-i))
			break
		}
		out = append(out, oneLine(l))
	}
	c.Blocks = append(c.Blocks, Block{Lines: out, List: true})
}

// oneLine takes line breaks and control characters out of a text, and cuts it.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)), " ")
	if r := []rune(s); len(r) > maxLine {
		s = string(r[:maxLine]) + "…"
	}
	return s
}

// Text is the comment as plain text, without its marker.
func (c Comment) Text() string {
	var parts []string
	for _, b := range c.Blocks {
		if b.List {
			parts = append(parts, "- "+strings.Join(b.Lines, "\n- "))
		} else {
			parts = append(parts, strings.Join(b.Lines, "\n"))
		}
	}
	return strings.Join(parts, "\n\n")
}
