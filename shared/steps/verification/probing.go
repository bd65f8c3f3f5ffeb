package verification

import (
	"fmt"
	"slices"
	"strings"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// found is what probes came to.
type found struct {
	ends   [2]end
	pings  []interconnect.Ping
	ports  []interconnect.PortProbe
	probes []reachability.Probe // the same as they are judged, and those that could not be sent
	looks  []reachability.Look

	recalled bool // from the commands alone: the instances hold no more than that
}

// passed tells whether all that was to be sent was sent, and passed.
func (f *found) passed() bool {
	for _, p := range f.probes {
		if !p.Fate.Got() {
			return false
		}
	}
	return len(f.probes) > 0
}

// settled tells whether trying again would show nothing else: all that can be
// sent passes.
func (f *found) settled() bool {
	for _, p := range f.probes {
		if !p.Fate.Got() && !(p.Fate == reachability.NotSent && f.cannot(p)) {
			return false
		}
	}
	return true
}

// cannot tells whether a probe could not even be tried.
func (f *found) cannot(p reachability.Probe) bool {
	for i := range f.ends {
		e := &f.ends[i]
		if e.role == p.From && e.sender() == nil {
			return true
		}
		if e.role != p.From && (len(e.targets) == 0 || slices.ContainsFunc(e.targets, func(t target) bool { return t.ID == p.Target && t.flaw != "" })) {
			return true
		}
	}
	return false
}

// passes tells whether anything came back at all.
func (f *found) passes() bool {
	for _, p := range f.probes {
		if p.Fate.Got() {
			return true
		}
	}
	return false
}

// all tells whether everything that was to be sent was sent, whatever came of it.
func (f *found) all() bool {
	return !slices.ContainsFunc(f.probes, func(p reachability.Probe) bool { return p.Fate == reachability.NotSent })
}

// sent tells whether each side has sent something.
func (f *found) sent() bool {
	var sides [2]bool
	for _, p := range f.probes {
		for i, role := range interconnect.Roles {
			sides[i] = sides[i] || p.From == role && p.Fate != reachability.NotSent
		}
	}
	return sides[0] && sides[1]
}

// unsent says why something could not be sent, or "".
func (f *found) unsent() string {
	for _, p := range f.probes {
		if p.Fate == reachability.NotSent {
			return p.Why
		}
	}
	return ""
}

// job is what one end does about an instance of the other.
type job struct {
	interconnect.Job
	target *target
}

// jobs lists what an end has to send to the other: a ping and, where the
// request opens ports, a connect to each. withPorts is false where a ping says
// all.
func jobs(other *end, withPorts bool) (out []job) {
	for n := range other.targets {
		t := &other.targets[n]
		if t.flaw != "" {
			continue
		}
		j := job{Job: interconnect.Job{Address: t.PrivateIP, Ping: true}, target: t}
		if withPorts {
			j.Ports, j.Ping = other.side.Ports(t.SecurityGroupIDs)
		}
		out = append(out, j)
	}
	return out
}

func plain(all []job) []interconnect.Job {
	out := make([]interconnect.Job, len(all))
	for i := range all {
		out[i] = all[i].Job
	}
	return out
}

// read reads finished commands. That a probe had no answer is a result; that a
// command did not run, or was no probe, makes one that was not sent.
func read(ends [2]end, work [2][]job, runs [2]*interconnect.Invocation) *found {
	f := &found{ends: ends}
	for i := range ends {
		from, other := &ends[i], &ends[1-i]
		broken := from.mute
		var results []interconnect.Probed
		if run := runs[i]; run != nil {
			if code := run.ErrorCode; code != "" && !strings.EqualFold(code, "ExitCodeNonzero") {
				broken = fmt.Sprintf("Cloud Assistant could not run the command on %s: %s", from.sender().ID, strings.TrimSuffix(code+": "+run.ErrorInfo, ": "))
			}
			results = interconnect.ParseProbes(run.Output, plain(work[i]))
		}
		for n, j := range work[i] {
			switch {
			case broken != "":
				f.unrun(from, j, broken)
			case results != nil:
				f.add(from, j, results[n], runs[i].ExitCode)
			}
		}
		// What nobody could send is judged by the analysis alone.
		for n := range other.targets {
			t := &other.targets[n]
			why := t.flaw
			if from.sender() == nil {
				why = from.mute
			}
			if why != "" && len(from.targets) > 0 {
				f.probes = append(f.probes, reachability.Probe{From: from.role, Sender: from.targets[0].ID, Target: t.ID, Address: t.PrivateIP, Protocol: "ICMP", Fate: reachability.NotSent, Why: why})
			}
		}
		if len(from.targets) == 0 || len(other.targets) == 0 {
			f.probes = append(f.probes, nobody(from, other))
		}
	}
	return f
}

// nobody is a probe that lacks an end.
func nobody(from, other *end) reachability.Probe {
	p := reachability.Probe{From: from.role, Protocol: "ICMP", Fate: reachability.NotSent, Why: from.mute}
	if len(from.targets) > 0 {
		p.Sender = from.targets[0].ID
	}
	if len(other.targets) > 0 {
		p.Target, p.Address = other.targets[0].ID, other.targets[0].PrivateIP
	}
	if p.Why == "" {
		p.Why = other.mute
	}
	return p
}

// probeOf is a job's probe, without what came of it.
func probeOf(from *end, j job, protocol string, port int) reachability.Probe {
	return reachability.Probe{From: from.role, Sender: from.sender().ID, Target: j.target.ID, Address: j.Address, Protocol: protocol, Port: port}
}

// unrun notes a job whose command did not run.
func (f *found) unrun(from *end, j job, why string) {
	p := probeOf(from, j, "ICMP", 0)
	if !j.Ping {
		p = probeOf(from, j, "TCP", j.Ports[0])
	}
	p.Fate, p.Why = reachability.NotSent, why
	f.probes = append(f.probes, p)
	if j.Ping {
		f.pings = append(f.pings, interconnect.Ping{From: from.role, InstanceID: p.Sender, Source: from.sender().PrivateIP.String(), Target: j.Address.String(), Error: why})
	}
}

var portFates = map[interconnect.PortFate]reachability.Fate{
	interconnect.PortOpen: reachability.Answered, interconnect.PortRefused: reachability.Refused,
	interconnect.PortFiltered: reachability.Silent, interconnect.PortUnreachable: reachability.Unreachable, interconnect.PortUntried: reachability.NotSent,
}

// add notes what came of a job.
func (f *found) add(from *end, j job, r interconnect.Probed, exit int) {
	sent := false
	if ping := r.Ping; ping != nil {
		ping.From, ping.InstanceID, ping.Source, ping.Target = from.role, from.sender().ID, from.sender().PrivateIP.String(), j.Address.String()
		p := probeOf(from, j, "ICMP", 0)
		switch {
		case ping.Unreachable():
			p.Fate, p.Why = reachability.Unreachable, ping.Error
		case ping.Error != "":
			p.Fate, p.Why = reachability.NotSent, fmt.Sprintf("the ping from %s could not be run: exit status %d, %s", p.Sender, exit, ping.Error)
		case ping.Received == 0:
			p.Fate = reachability.Silent
		case ping.Received < ping.Sent:
			p.Fate = reachability.Some
		default:
			p.Fate = reachability.Answered
		}
		sent = p.Fate != reachability.NotSent
		f.pings, f.probes = append(f.pings, *ping), append(f.probes, p)
	}
	for _, port := range r.Ports {
		port.From, port.Target = from.role, j.Address.String()
		p := probeOf(from, j, "TCP", port.Port)
		p.Fate, p.Why = portFates[port.Fate], port.Error
		f.ports = append(f.ports, port)
		// A guest in which one cannot connect says nothing, where a ping does.
		if p.Fate != reachability.NotSent || !sent {
			f.probes = append(f.probes, p)
		}
	}
	if route, err := reachability.ParseRouteGet(r.Text); err == nil {
		f.looks = append(f.looks, reachability.Look{Instance: from.sender().ID, Address: j.Address, Route: route})
	}
}
