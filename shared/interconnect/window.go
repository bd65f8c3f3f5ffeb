package interconnect

import (
	"fmt"
	"time"
)

// Window is when a request counts. A zero time is no bound.
type Window struct {
	NotBefore time.Time `json:"notBefore,omitzero"` // before it nothing is changed
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // from it on the connection is taken away
}

// Notices are how long before a connection expires that is told, each once.
var Notices = []time.Duration{24 * time.Hour, time.Hour}

// maxAhead bounds a request's times: what is further ahead is a slip of the pen.
const maxAhead = 10 * 366 * 24 * time.Hour

// Window returns when the request counts. A time that is none is no bound:
// Validate reports it.
func (r *Request) Window() Window {
	var unheard problems
	return parseWindow(r, &unheard)
}

func parseWindow(r *Request, p *problems) Window {
	w := Window{
		NotBefore: parseMoment(r.NotBefore, "/notBefore", p),
		ExpiresAt: parseMoment(r.ExpiresAt, "/expiresAt", p),
	}
	if !w.NotBefore.IsZero() && !w.ExpiresAt.IsZero() && !w.NotBefore.Before(w.ExpiresAt) {
		p.add("/expiresAt", "The connection would expire at %s, before it may be made, which is from %s on; let it expire later.", spell(w.ExpiresAt), spell(w.NotBefore))
	}
	return w
}

// parseMoment reads a time. Fractions of a second are dropped.
func parseMoment(text, field string, p *problems) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.add(field, "%q is not a time; give one as RFC 3339 has it, with its offset, like \"2030-01-31T18:00:00+08:00\".", short(text))
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// spell writes a time for a sentence.
func spell(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// RefuseWindow lists what is wrong with the time for which a request asks where
// r is recorded (nil: nothing is). What is past is refused, but not where it is
// recorded already: then the same request came again.
func RefuseWindow(w Window, r *Record, now time.Time) []FieldProblem {
	var was Window
	if r != nil && r.Live() {
		was = r.Wanted.Window
	}
	var p problems
	look := func(field string, is, was time.Time) {
		switch {
		case is.IsZero() || is.Equal(was):
		case !is.After(now):
			p.add(field, "%s is past, it is %s; give a time to come, or leave the field out.", spell(is), spell(now))
		case is.Sub(now) > maxAhead:
			p.add(field, "%s is more than ten years ahead; give an earlier time, or leave the field out.", spell(is))
		}
	}
	look("/notBefore", w.NotBefore, was.NotBefore)
	look("/expiresAt", w.ExpiresAt, was.ExpiresAt)
	return p.list
}

// At returns what of the window still matters at a time: that it may begin
// matters no more once it has.
func (w Window) At(now time.Time) Window {
	if !now.Before(w.NotBefore) {
		w.NotBefore = time.Time{}
	}
	return w
}

// Same tells whether two windows mean the same from now on.
func (w Window) Same(o Window, now time.Time) bool {
	a, b := w.At(now), o.At(now)
	return a.NotBefore.Equal(b.NotBefore) && a.ExpiresAt.Equal(b.ExpiresAt)
}

// Fields returns the window as a request spells it.
func (w Window) Fields() (notBefore, expiresAt string) {
	if !w.NotBefore.IsZero() {
		notBefore = spell(w.NotBefore)
	}
	if !w.ExpiresAt.IsZero() {
		expiresAt = spell(w.ExpiresAt)
	}
	return notBefore, expiresAt
}

// Held tells whether the newest generation has to wait for its window: until
// then nothing is sent for it, and whatever was there before stays as it is.
func Held(r *Record, now time.Time) bool { return r.Live() && now.Before(r.Wanted.NotBefore) }

// HeldUntil says in a sentence what a generation that is held waits for.
func HeldUntil(r *Record) string {
	return fmt.Sprintf("It is made from %s on; until then nothing is changed.", spell(r.Wanted.NotBefore))
}

// Expired tells whether the time of what is recorded is over, so that it is to
// be taken away.
func Expired(r *Record, now time.Time) bool {
	return r.Live() && !r.Wanted.ExpiresAt.IsZero() && !now.Before(r.Wanted.ExpiresAt)
}

// NoticeDue returns which of Notices, counted from 1, is to be given now. Of
// several that are due the last one is given, and those before it no more.
func NoticeDue(r *Record, now time.Time) (n int, due bool) {
	if !r.Live() || r.Wanted.ExpiresAt.IsZero() || Expired(r, now) {
		return 0, false
	}
	for i, ahead := range Notices {
		if !now.Before(r.Wanted.ExpiresAt.Add(-ahead)) {
			n = i + 1
		}
	}
	return n, n > r.swept().Told
}

// Told is what the sweep is to remember after it has given a notice.
func Told(r *Record, n int) SweepStatus {
	s := r.swept()
	s.Told = n
	return s
}
