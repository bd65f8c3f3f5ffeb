package interconnect

import (
	"fmt"
	"math"
	"strconv"
)

// What ping prints at its end: iputils says "4 received", busybox and BSD "4
// packets received"; iputils says rtt, the others round-trip.
var (
	pingCounts = form(`(?m)^\s*(\d{1,9}) packets transmitted, (\d{1,9})(?: packets)? received`)
	pingTimes  = form(`(?m)^\s*(?:rtt|round-trip) min/avg/max(?:/(?:mdev|stddev))? = (\d{1,9}(?:\.\d{1,9})?)/(\d{1,9}(?:\.\d{1,9})?)/(\d{1,9}(?:\.\d{1,9})?)`)
)

// ParsePing reads what ping printed: packets sent and received, loss in
// percent, round-trip times in milliseconds (0 if nothing was received). The
// error says what is wrong with output that is no ping's.
func ParsePing(output string) (Ping, error) {
	counts := pingCounts().FindAllStringSubmatch(output, -1)
	if len(counts) == 0 {
		return Ping{}, fmt.Errorf("this is not what ping prints: %q", shorten(output))
	}
	last := counts[len(counts)-1]
	sent, _ := strconv.Atoi(last[1])
	received, _ := strconv.Atoi(last[2])
	if sent == 0 || received > sent {
		return Ping{}, fmt.Errorf("ping claims %d packets sent and %d received", sent, received)
	}
	p := Ping{Sent: sent, Received: received, LossPct: round3(100 * float64(sent-received) / float64(sent))}
	if times := pingTimes().FindAllStringSubmatch(output, -1); received > 0 && len(times) > 0 {
		t := times[len(times)-1]
		for i, to := range []*float64{&p.MinMs, &p.AvgMs, &p.MaxMs} {
			*to, _ = strconv.ParseFloat(t[i+1], 64)
		}
	}
	return p, nil
}

func round3(f float64) float64 { return math.Round(f*1000) / 1000 }

// shorten cuts text that is to be shown.
func shorten(s string) string {
	const most = 120
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "..."
}
