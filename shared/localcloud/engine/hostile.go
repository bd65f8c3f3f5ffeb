package engine

import (
	"math/rand/v2"
	"time"
)

// Rates say how often, and how far, a hostile cloud goes wrong. Shares are of
// all calls, 0 to 1.
type Rates struct {
	Lagging    float64       // reads that see the past
	Lag        time.Duration // at most so far back; up to 3 s has been seen
	Throttled  float64       // calls refused with Throttling.User
	Refused    float64       // calls refused with a 5xx before anything is done
	Misleading float64       // calls carried out and answered with a 5xx
	Lost       float64       // calls carried out whose answer never comes
	Slow       float64       // asynchronous changes that take longer than usual
	Slower     float64       // at most so many times longer
	Settling   time.Duration // how long, at most, a change that is instant otherwise is not seen by what follows

	Late       float64       // messages that come later than asked
	LateBy     time.Duration // at most
	BatchFails float64       // messages of a batch refused while the rest is taken
	Disorder   float64       // receives that do not get the first message
	Repeated   float64       // messages received that can be received once more
	RepeatedIn time.Duration // at most so much later
}

// UsualRates are bad weather: everything happens within a run of the tutorial's
// connection, and a correct client gets through.
var UsualRates = Rates{
	Lagging: 0.3, Lag: 3 * time.Second,
	Throttled: 0.03, Refused: 0.03, Misleading: 0.02, Lost: 0.02,
	Slow: 0.2, Slower: 3, Settling: 2 * time.Second,
	Late: 0.1, LateBy: 3 * time.Second, BatchFails: 0.05, Disorder: 0.2, Repeated: 0.1, RepeatedIn: 5 * time.Second,
}

// hostile draws what goes wrong from a seed. It is asked under the engine's
// lock only, and draws the same number of values whatever comes of them, so
// that one changed rate does not reshuffle the rest.
type hostile struct {
	rng   *rand.Rand
	rates Rates
}

// Hostile returns faults drawn from a seed; the same seed and the same calls in
// the same order give the same faults. A calm cloud has nil Faults.
func Hostile(seed uint64, r Rates) Faults {
	return &hostile{rng: rand.New(rand.NewPCG(seed, 0xda942042e4dd58b5)), rates: r}
}

// mnsErrors are MNS's own; its wire has no others for these cases.
var mnsErrors = map[string]*Error{
	"throttled": {403, "QpsLimitExceeded", "The qps limit of the queue is exceeded."},
	"refused":   {500, "InternalError", "Internal error."},
}

var openAPIErrors = map[string]*Error{
	"throttled":   {400, "Throttling.User", "Request was denied due to user flow control."},
	"refused":     {503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
	"refused too": {500, "InternalError", "The request processing has failed due to some unknown error."},
}

func (h *hostile) Call(product, _ string, write bool) Fault {
	what, lag, far, kind := h.rng.Float64(), h.rng.Float64(), h.rng.Float64(), h.rng.IntN(2)
	errs, failure := openAPIErrors, [2]string{"refused", "refused too"}[kind]
	if product == "MNS" {
		errs, failure = mnsErrors, "refused"
	}
	var f Fault
	r := h.rates
	switch {
	case what < r.Throttled:
		f.Refuse = errs["throttled"]
	case what < r.Throttled+r.Refused:
		f.Refuse = errs[failure]
	case what < r.Throttled+r.Refused+r.Misleading:
		f.Answer = errs[failure]
	case what < r.Throttled+r.Refused+r.Misleading+r.Lost:
		f.Drop = true
	}
	if !write && lag < r.Lagging {
		f.Lag = time.Duration(far * float64(r.Lag))
	}
	return f
}

func (h *hostile) Slow(usual time.Duration) time.Duration {
	slow, far := h.rng.Float64() < h.rates.Slow, h.rng.Float64()
	if !slow {
		return 0
	}
	if usual == 0 {
		return time.Duration(far * float64(h.rates.Settling))
	}
	return time.Duration(far * h.rates.Slower * float64(usual))
}

func (h *hostile) Late(string) time.Duration {
	return h.sometimes(h.rates.Late, h.rates.LateBy)
}

func (h *hostile) RefuseEntry(string) bool { return h.rng.Float64() < h.rates.BatchFails }

func (h *hostile) Pick(_ string, n int) int {
	disorder, which := h.rng.Float64() < h.rates.Disorder, h.rng.Uint64()
	if !disorder || n < 2 {
		return 0
	}
	return int(which % uint64(n))
}

func (h *hostile) Again(string) (time.Duration, bool) {
	again, far := h.rng.Float64() < h.rates.Repeated, h.rng.Float64()
	return time.Duration(far * float64(h.rates.RepeatedIn)), again
}

func (h *hostile) sometimes(share float64, most time.Duration) time.Duration {
	hit, far := h.rng.Float64() < share, h.rng.Float64()
	if !hit {
		return 0
	}
	return time.Duration(far * float64(most))
}
