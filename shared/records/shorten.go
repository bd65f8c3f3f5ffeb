package records

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// maxVerdicts is how many verdicts are kept, if they fit.
const maxVerdicts = 20

// maxText is what a text is cut to, in bytes, when nothing else is left to
// leave out.
const maxText = 300

// encodeStatus writes a status, shortened until it fits: a step must always be
// able to say how it stands. Old verdicts go first and silently, then ids and
// leftovers, of which the note tells; the newest verdict and the first
// leftover stay.
func encodeStatus(name string, s interconnect.StepStatus) (string, error) {
	if len(s.Verdicts) > maxVerdicts {
		s.Verdicts = s.Verdicts[:maxVerdicts]
	}
	ids, left := len(s.Resources), len(s.Leftovers)
	for {
		noted := s
		if n, m := ids-len(s.Resources), left-len(s.Leftovers); n+m > 0 {
			noted.Note = strings.TrimSpace(fmt.Sprintf("%s (left out for want of room: %d ids, %d leftovers)", s.Note, n, m))
		}
		value, err := encode(name, noted)
		var tooLarge *TooLarge
		if !errors.As(err, &tooLarge) || !shorten(&s) {
			return value, err
		}
	}
}

// shorten leaves out the least important part of a status. It returns false
// if there is nothing left to leave out.
func shorten(s *interconnect.StepStatus) bool {
	switch {
	case len(s.Verdicts) > 1:
		s.Verdicts = s.Verdicts[:len(s.Verdicts)-1]
	case len(s.Resources) > 0:
		s.Resources = s.Resources[:len(s.Resources)-1]
	case len(s.Leftovers) > 1:
		s.Leftovers = s.Leftovers[:len(s.Leftovers)-1]
	default:
		return cutTexts(s)
	}
	return true
}

// cutTexts cuts the texts of a status. It returns false if all are short.
func cutTexts(s *interconnect.StepStatus) bool {
	changed := cut(&s.Note)
	if s.Problem != nil {
		p := *s.Problem // the caller's stays whole
		changed = cut(&p.Sentence) || changed
		s.Problem = &p
	}
	s.Leftovers = slices.Clone(s.Leftovers)
	for i := range s.Leftovers {
		changed = cut(&s.Leftovers[i].Sentence) || changed
	}
	s.Verdicts = slices.Clone(s.Verdicts)
	for i := range s.Verdicts {
		v := &s.Verdicts[i]
		changed = cut(&v.Why) || changed
		v.Pings = slices.Clone(v.Pings)
		for k := range v.Pings {
			changed = cut(&v.Pings[k].Error) || changed
		}
	}
	return changed
}

func cut(text *string) bool {
	if len(*text) <= maxText {
		return false
	}
	*text = strings.ToValidUTF8((*text)[:maxText-3], "") + "..."
	return true
}
