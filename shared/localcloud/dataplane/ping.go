package dataplane

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// pinging is a ping's command line, in the words of iputils.
type pinging struct {
	count    int           // -c; 0: until killed
	interval time.Duration // -i
	linger   time.Duration // -W: how long to wait for the answer to the last request
	deadline time.Duration // -w; 0: none
	size     int           // -s: bytes of payload
	quiet    bool          // -q
	host     string
}

// pingOptions are ping's options that take a value.
var pingOptions = map[byte]func(p *pinging, value string) bool{
	'c': func(p *pinging, v string) bool { n, err := strconv.Atoi(v); p.count = n; return err == nil && n > 0 },
	'i': func(p *pinging, v string) bool { return seconds(v, &p.interval) && p.interval >= 2*time.Millisecond },
	'W': func(p *pinging, v string) bool { return seconds(v, &p.linger) },
	'w': func(p *pinging, v string) bool {
		n, err := strconv.Atoi(v)
		p.deadline = time.Duration(n) * time.Second
		return err == nil && n >= 0
	},
	's': func(p *pinging, v string) bool {
		n, err := strconv.Atoi(v)
		p.size = n
		return err == nil && n >= 0 && n <= 65507
	},
}

func seconds(s string, into *time.Duration) bool {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > 1e6 || math.IsNaN(f) {
		return false
	}
	*into = time.Duration(f * float64(time.Second))
	return true
}

// parsePing reads ping's arguments; problem is what ping would say of them.
func parsePing(args []string) (p pinging, problem string) {
	p = pinging{interval: time.Second, linger: 10 * time.Second, size: 56}
	for n := 0; n < len(args); n++ {
		arg := args[n]
		if len(arg) < 2 || arg[0] != '-' {
			if p.host != "" {
				return p, "usage error: one destination only"
			}
			p.host = arg
			continue
		}
		for k := 1; k < len(arg); k++ {
			o := arg[k]
			if strings.IndexByte("n4", o) >= 0 {
				continue
			}
			if o == 'q' {
				p.quiet = true
				continue
			}
			set := pingOptions[o]
			if set == nil {
				return p, fmt.Sprintf("invalid option -- '%c'", o)
			}
			value := arg[k+1:]
			if value == "" {
				if n++; n >= len(args) {
					return p, fmt.Sprintf("option requires an argument -- '%c'", o)
				}
				value = args[n]
			}
			if !set(&p, value) {
				return p, fmt.Sprintf("invalid argument: '%s'", value)
			}
			break
		}
	}
	if p.host == "" {
		return p, "usage error: Destination address required"
	}
	return p, ""
}

// pingRun is what a ping has come to.
type pingRun struct {
	pinging
	sent, received, errors int
	times                  []time.Duration
	took                   time.Duration // from the first request to the last thing that happened
}

func runPing(_ context.Context, g *guest, args []string, out, errOut io.Writer) (int, error) {
	p, problem := parsePing(args)
	if problem != "" {
		fmt.Fprintf(errOut, "ping: %s\n", problem)
		return 2, nil
	}
	to, ok := g.resolve(p.host)
	if !ok {
		fmt.Fprintf(errOut, "ping: %s: Name or service not known\n", p.host)
		return 2, nil
	}
	v := Deliver(g.world.Topology, Packet{From: g.self.ID, To: to, Protocol: "ICMP", Size: p.size + 28})
	if v.Fate == NoRoute {
		fmt.Fprintln(errOut, "ping: connect: Network is unreachable")
		return 2, nil
	}
	fmt.Fprintf(out, "PING %s (%s) %d(%d) bytes of data.\n", p.host, to, p.size, p.size+28)
	r := pingRun{pinging: p}
	send := func() error { return r.send(g, v, to, out) }
	if v.Fate == Unreachable {
		send = func() error { return r.despair(g, v.By, out) }
	}
	if err := send(); err != nil {
		return 0, err
	}
	r.summary(out)
	if r.received == 0 || r.deadline > 0 && r.count > 0 && r.received < r.count {
		return 1, nil
	}
	return 0, nil
}

// send sends the requests at their times. With a deadline ping goes on until
// it has as many answers as it was to send requests; without one it stops
// after as many requests.
func (r *pingRun) send(g *guest, v Verdict, to netip.Addr, out io.Writer) error {
	g.mu.Lock()
	g.pings++
	run := strconv.Itoa(g.pings)
	g.mu.Unlock()
	for seq := 1; ; seq++ {
		r.sent++
		spent := time.Duration(0)
		if v.Fate == Answered {
			rtt := jitter(max(v.RTT, 40*time.Microsecond), g.self.ID, to.String(), g.start.String(), run, strconv.Itoa(seq))
			if r.deadline > 0 && r.took+rtt > r.deadline {
				return r.pass(g, r.deadline-r.took)
			}
			if err := r.pass(g, rtt); err != nil {
				return err
			}
			spent = rtt
			r.received++
			r.times = append(r.times, rtt)
			if !r.quiet {
				fmt.Fprintf(out, "%d bytes from %s: icmp_seq=%d ttl=64 time=%s ms\n", r.size+8, to, seq, milliseconds(rtt))
			}
		}
		if done := r.count > 0 && (r.received >= r.count || r.deadline == 0 && r.sent >= r.count); done {
			break
		}
		rest := max(r.interval-spent, 0)
		if r.deadline > 0 && r.took+rest >= r.deadline {
			return r.pass(g, r.deadline-r.took)
		}
		if err := r.pass(g, rest); err != nil {
			return err
		}
	}
	if r.received == r.sent {
		return nil
	}
	// The last wait shows in what the program takes, not in the time it prints.
	return g.spend(r.linger)
}

// despair sends requests to a neighbour who is not there. The guest looks for
// him for some seconds; then all requests that waited fail, and the next one
// has it look again. ping is content when as many have failed as it was to
// send, and with a deadline when any has.
func (r *pingRun) despair(g *guest, by netip.Addr, out io.Writer) error {
	var now, next, failing time.Duration
	var waiting []int
	for {
		end := time.Duration(math.MaxInt64)
		sending := r.count == 0 || r.deadline > 0 || r.sent < r.count
		switch {
		case r.deadline > 0:
			end = r.deadline
		case !sending:
			end = r.took + r.linger
		}
		at := end
		if sending {
			at = min(at, next)
		}
		if len(waiting) > 0 {
			at = min(at, failing)
		}
		if err := g.spend(at - now); err != nil {
			return err
		}
		now = at
		switch {
		case len(waiting) > 0 && now == failing:
			for _, seq := range waiting {
				r.errors++
				if !r.quiet {
					fmt.Fprintf(out, "From %s icmp_seq=%d Destination Host Unreachable\n", by, seq)
				}
			}
			if waiting = nil; r.deadline > 0 || r.count > 0 && r.errors >= r.count {
				return nil
			}
		case now == end:
			return nil
		default:
			r.sent++
			r.took = now
			if len(waiting) == 0 {
				failing = now + unreachableAfter
			}
			waiting, next = append(waiting, r.sent), now+r.interval
		}
	}
}

func (r *pingRun) pass(g *guest, d time.Duration) error {
	if err := g.spend(d); err != nil {
		return err
	}
	r.took += d
	return nil
}

func (r *pingRun) summary(out io.Writer) {
	fmt.Fprintf(out, "\n--- %s ping statistics ---\n", r.host)
	fmt.Fprintf(out, "%d packets transmitted, %d received", r.sent, r.received)
	if r.errors > 0 {
		fmt.Fprintf(out, ", +%d errors", r.errors)
	}
	loss := strconv.FormatFloat(100*float64(r.sent-r.received)/float64(r.sent), 'g', 6, 64)
	fmt.Fprintf(out, ", %s%% packet loss, time %dms\n", loss, r.took.Milliseconds())
	if r.received == 0 {
		fmt.Fprintln(out)
		return
	}
	least, most, sum, squares := r.times[0], r.times[0], 0.0, 0.0
	for _, d := range r.times {
		least, most = min(least, d), max(most, d)
		us := float64(d.Microseconds())
		sum, squares = sum+us, squares+us*us
	}
	n := float64(len(r.times))
	deviation := math.Sqrt(max(squares/n-(sum/n)*(sum/n), 0))
	fmt.Fprintf(out, "rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", inMs(least), sum/n/1000, inMs(most), deviation/1000)
}

func inMs(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// milliseconds writes a round-trip time as ping does: the longer, the fewer
// digits.
func milliseconds(d time.Duration) string {
	ms := inMs(d)
	switch {
	case ms >= 99.95:
		return strconv.FormatFloat(ms, 'f', 0, 64)
	case ms >= 9.995:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	case ms >= 1:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	}
	return strconv.FormatFloat(ms, 'f', 3, 64)
}
