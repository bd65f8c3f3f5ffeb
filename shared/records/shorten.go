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

// few is how many of a verdict's ports and pings stay however little room there
// is.
const few = 2

// encodeStatus writes a status, shortened until it fits: a step must always be
// able to say how it stands. Old verdicts go first and silently, then ids and
// leftovers, of which the note tells; the newest verdict and the first
// leftover stay. Of the newest verdict differences are left out but for the
// first, and counted, then ports, those that were reached first, and pings.
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
		return shortenVerdict(s) || cutTexts(s)
	}
	return true
}

// shortenVerdict leaves out the least important part of the newest verdict. It
// returns false if there is nothing left to leave out.
func shortenVerdict(s *interconnect.StepStatus) bool {
	if len(s.Verdicts) == 0 {
		return false
	}
	v := s.Verdicts[0] // the caller's stays whole
	reached := slices.IndexFunc(v.Ports, func(p interconnect.PortProbe) bool {
		return p.Fate == interconnect.PortOpen || p.Fate == interconnect.PortRefused
	})
	switch {
	case len(v.Drift) > 1:
		v.Drift, v.More = v.Drift[:len(v.Drift)-1], v.More+1
	case reached >= 0:
		v.Ports = slices.Delete(slices.Clone(v.Ports), reached, reached+1)
	case len(v.Ports) > few:
		v.Ports = v.Ports[:len(v.Ports)-1]
	case len(v.Pings) > few:
		v.Pings = v.Pings[:len(v.Pings)-1]
	default:
		return false
	}
	s.Verdicts = append([]interconnect.Verdict{v}, s.Verdicts[1:]...)
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
		if v.Stop != nil {
			stop := *v.Stop
			changed = cut(&stop.Mend) || changed
			v.Stop = &stop
		}
		v.Drift = slices.Clone(v.Drift)
		for k := range v.Drift {
			changed = cut(&v.Drift[k].Sentence) || changed
		}
		v.Ports = slices.Clone(v.Ports)
		for k := range v.Ports {
			changed = cut(&v.Ports[k].Error) || changed
		}
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
