package interconnect

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Job is what a side's probe is to do about one instance of the other side.
type Job struct {
	Address netip.Addr
	Ping    bool
	Ports   []int // TCP ports to connect to
}

// MaxPorts is how many TCP ports of an instance are connected to.
const MaxPorts = 4

// connectWait is how long, in seconds, a connect is waited for: long enough
// for the first packet to be sent a second time.
const connectWait = 3

// Ports lists the TCP ports that a connection opens on an instance with these
// security groups: the first of each range, at most MaxPorts. pinged tells
// whether pings are let in too, or whether nothing else can show that packets
// arrive.
func (s *Side) Ports(groups []string) (ports []int, pinged bool) {
	for _, g := range s.SecurityGroups {
		if !slices.Contains(groups, g.ID) {
			continue
		}
		for _, a := range g.Allow {
			switch first, _, ok := parsePorts(a.PortRange); {
			case a.Protocol == "ICMP" || a.Protocol == protocolAll:
				pinged = true
			case a.Protocol == "TCP" && ok:
				ports = append(ports, first)
			}
		}
	}
	slices.Sort(ports)
	ports = slices.Compact(ports)
	return ports[:min(len(ports), MaxPorts)], pinged || len(ports) == 0
}

// A ping sends a packet every PacketEvery, and waits for the answer to the last
// for PacketWait at the most.
const (
	PacketEvery = 200 * time.Millisecond
	PacketWait  = 2 * time.Second
)

// ProbeCommand is the script that pings addresses, and connects to ports of
// theirs, in order, and how long it may take. Where a probe fails it asks the
// guest where it sends what is for the address. ping, ip, timeout and bash are
// all it needs: every Linux image of the cloud has them. What matters of their
// complaints is led to the output, in case that holds nothing else. Only parsed
// addresses and numbers ever get into a script, which runs as root.
func ProbeCommand(packets int, jobs []Job) (script string, limit time.Duration) {
	var lines []string
	limit = 10 * time.Second
	for n, j := range jobs {
		to := j.Address.WithZone("").String()
		if n > 0 {
			lines = append(lines, "echo "+nextTarget+" "+to)
		}
		route := " || ip route get " + to + " 2>&1"
		if j.Ping {
			lines = append(lines, fmt.Sprintf("ping -c %d -i %g -W %g %s", packets, PacketEvery.Seconds(), PacketWait.Seconds(), to)+route)
			limit += time.Duration(packets)*PacketEvery + PacketWait
		}
		for i, port := range j.Ports {
			lines = append(lines, fmt.Sprintf(`LC_ALL=C timeout %d bash -c "</dev/tcp/%s/%d" 2>&1; echo %s %d $?`, connectWait, to, port, portDone, port))
			limit += connectWait * time.Second
			if !j.Ping && i == len(j.Ports)-1 {
				lines = append(lines, strings.TrimPrefix(route, " || "))
			}
		}
	}
	return strings.Join(lines, "\n"), limit
}

// Lines of a script, from which its jobs are read back.
var (
	pingLine    = form(`^ping -c (\d{1,3}) \S+ \S+ -W \d+ (\S+) `)
	connectLine = form(`"</dev/tcp/([^/"]+)/(\d{1,5})"`)
)

// ParseProbeCommand reads back from a script of ProbeCommand what it does. ok is
// false for any other script.
func ParseProbeCommand(script string) (jobs []Job, ok bool) {
	packets := DefaultPackets
	at := func(address string) *Job {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return nil
		}
		if n := len(jobs); n == 0 || jobs[n-1].Address != a {
			jobs = append(jobs, Job{Address: a})
		}
		return &jobs[len(jobs)-1]
	}
	for line := range strings.Lines(script) {
		if m := pingLine().FindStringSubmatch(line); m != nil {
			j := at(m[2])
			if j == nil {
				return nil, false
			}
			packets, _ = strconv.Atoi(m[1])
			j.Ping = true
		} else if m := connectLine().FindStringSubmatch(line); m != nil {
			j := at(m[1])
			if j == nil {
				return nil, false
			}
			port, _ := strconv.Atoi(m[2])
			j.Ports = append(j.Ports, port)
		}
	}
	// What makes the same script again was read right.
	same, _ := ProbeCommand(packets, jobs)
	return jobs, len(jobs) > 0 && same == strings.TrimSpace(script)
}

// What the script prints beside what its programs do.
const (
	nextTarget = "next-target"
	portDone   = "tcp-port"
)

// Probed is what came of a Job.
type Probed struct {
	Ping  *Ping // nil if there was to be none
	Ports []PortProbe
	Text  string // all that was printed
}

// ParseProbes reads what a script of ProbeCommand printed, one for each job.
// What is missing was cut off, and says so.
func ParseProbes(output string, jobs []Job) []Probed {
	texts := sections(output)
	out := make([]Probed, len(jobs))
	for n, j := range jobs {
		text, at := "", slices.IndexFunc(texts, func(s section) bool { return s.target == j.Address.WithZone("").String() })
		switch {
		case n == 0:
			text = texts[0].text
		case at > 0:
			text = texts[at].text
		}
		out[n].Text = text
		if j.Ping {
			out[n].Ping = pinged(text)
		}
		for _, port := range j.Ports {
			out[n].Ports = append(out[n].Ports, dialled(text, port))
		}
	}
	return out
}

type section struct{ target, text string }

// sections cuts an output where the next target begins.
func sections(output string) []section {
	out := []section{{}}
	for line := range strings.Lines(output) {
		if target, ok := strings.CutPrefix(strings.TrimSpace(line), nextTarget+" "); ok {
			out = append(out, section{target: target})
			continue
		}
		out[len(out)-1].text += line
	}
	return out
}

// unreachable is what ping and bash say where there is no way out.
var unreachable = form(`(?i)network is unreachable|no route to host`)

// pinged reads a ping; one that says that there is no way out has sent nothing.
func pinged(text string) *Ping {
	p, err := ParsePing(text)
	if err != nil {
		p.Error = err.Error()
	}
	return &p
}

// Unreachable tells whether the guest had no way out for the ping.
func (p *Ping) Unreachable() bool { return p.Sent == 0 && unreachable().MatchString(p.Error) }

// dialled reads what became of a connect: what was printed before the line
// with its exit status.
func dialled(text string, port int) PortProbe {
	p := PortProbe{Port: port, Fate: PortUntried, Error: "the script did not come that far"}
	end := regexp.MustCompile(fmt.Sprintf(`(?m)^%s (\d+) (\d+)\s*$`, portDone))
	from := 0
	for _, m := range end.FindAllStringSubmatchIndex(text, -1) {
		said := text[from:m[0]]
		from = m[1]
		if text[m[2]:m[3]] != strconv.Itoa(port) {
			continue
		}
		p.Fate, p.Error = portFate(said, text[m[4]:m[5]]), ""
		if p.Fate == PortUntried {
			p.Error = fmt.Sprintf("exit status %s: %q", text[m[4]:m[5]], shorten(strings.TrimSpace(said)))
		}
	}
	return p
}

// portFate reads bash's words and timeout's exit status: 124 where time was
// up, 143 or 137 where another timeout than the GNU one says so by the signal.
func portFate(said, exit string) PortFate {
	// Of what was printed only the last words are this connect's.
	last := said[max(0, len(said)-300):]
	switch {
	case exit == "0":
		return PortOpen
	case exit == "124" || exit == "143" || exit == "137" || strings.Contains(last, "timed out"):
		return PortFiltered
	case strings.Contains(last, "Connection refused"):
		return PortRefused
	case unreachable().MatchString(last):
		return PortUnreachable
	}
	return PortUntried
}
