package verification

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

const (
	// tryFor is how long what is not as it should be is tried again after a
	// change, which may need a moment to take effect.
	tryFor = time.Minute
	// checkFor is likewise, where nothing was changed: a packet or two may be
	// lost at any time.
	checkFor = 5 * time.Second
	// sameCheck is how old a probe may be and still answer: the minute for which
	// a prune waits for its second look, and some.
	sameCheck = 2 * time.Minute
)

// found is what probes came to.
type found struct {
	ends   [2]end
	pings  []interconnect.Ping
	ports  []interconnect.PortProbe
	probes []reachability.Probe // the same as they are judged, and those that could not be sent
	looks  []reachability.Look
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

// trial is how a step probes.
type trial struct {
	connection *interconnect.Connection
	ports      bool                                      // the request's TCP ports too
	enough     func(*found) bool                         // what need not be tried again
	before     func() (content bool, out *chain.Outcome) // asked right before a try is started: it may have an outcome instead, or be content with the last try; may be nil
}

// probe has each side's probe send to the other's, both at once, until the
// result is enough or time is up. It returns the last results, or the outcome to
// return for now.
//
// The message carries no facts: a command that an earlier run, or a twin, has
// started is found again by its name, which says for which check and which
// try it is. Its token says the same, so that starting it twice starts it once.
func (s *Step) probe(ctx context.Context, t *chain.Task, trial trial) (*found, *chain.Outcome) {
	ends, err := s.ends(ctx, t, trial.connection)
	if err != nil {
		return nil, outcome(err)
	}
	var work [2][]job
	idle := true
	for i := range ends {
		if ends[i].sender() != nil {
			work[i] = jobs(&ends[1-i], trial.ports)
		}
		idle = idle && len(work[i]) == 0
	}
	if idle {
		return read(ends, work, [2]*interconnect.Invocation{}), nil
	}
	name := interconnect.Mark{Prefix: t.Prefix, ConnectionID: trial.connection.ID}.String() + "." + checkID(t.Message) + "."
	runs, try, err := s.runs(ctx, t, ends, work, name)
	if err != nil {
		return refused(ends, err)
	}
	started, finished := false, true
	for i := range ends {
		if len(work[i]) > 0 {
			started = started || runs[i] != nil
			finished = finished && runs[i] != nil && runs[i].Finished
		}
	}
	var last *found
	if finished {
		last = read(ends, work, runs)
		if recent(t, runs) && (trial.enough(last) || t.Now.Sub(startedAt(t)) >= patience(t.Message)) {
			return last, nil
		}
		try, runs, started = try+1, [2]*interconnect.Invocation{}, false
	}
	if trial.before != nil && !started {
		if content, out := trial.before(); out != nil || content && last != nil {
			return last, out
		}
	}
	var calls []chain.Call
	for i := range ends {
		if len(work[i]) > 0 && runs[i] == nil {
			calls = append(calls, s.start(t, &ends[i], plain(work[i]), name, try))
		}
	}
	if err := t.Mutate(ctx, calls...); err != nil {
		return refused(ends, err)
	}
	wait := chain.WaitFor("the pings to end")
	if try > 0 {
		wait.Note = fmt.Sprintf("the pings to end, try %d", try+1)
	}
	return nil, &wait
}

// patience is how long a message's probes are tried again.
func patience(m chain.Message) time.Duration {
	if m.Action == interconnect.Verify {
		return checkFor
	}
	return tryFor
}

// recent tells whether the probes are still an answer. A message of the same
// check that comes again much later probes anew: what was true then is not what
// is true now.
func recent(t *chain.Task, runs [2]*interconnect.Invocation) bool {
	for _, run := range runs {
		if run != nil && !run.CreatedAt.IsZero() && run.CreatedAt.Before(t.Now.Add(-sameCheck)) {
			return false
		}
	}
	return true
}

// checkID names the check that a message is for: its run of the chain and what
// it does there.
func checkID(m chain.Message) string {
	return interconnect.ClientToken("check", m.Trace, string(m.Action), string(m.Target))[:12]
}

// runs finds the commands of the check's latest try; nil is one that has not
// been started.
func (s *Step) runs(ctx context.Context, t *chain.Task, ends [2]end, work [2][]job, name string) (runs [2]*interconnect.Invocation, try int, err error) {
	var lists [2][]interconnect.Invocation
	var reads []func(context.Context) error
	for i := range ends {
		if len(work[i]) == 0 {
			continue
		}
		reads = append(reads, func(ctx context.Context) (err error) {
			lists[i], err = s.cloud.Invocations(ctx, ends[i].side.RegionID, ends[i].sender().ID)
			return err
		})
	}
	if err := t.Together(ctx, reads...); err != nil {
		return runs, 0, err
	}
	for i := range lists {
		for n := range lists[i] {
			run := &lists[i][n]
			of, ok := tryOf(run.CommandName, name)
			if !ok || of < try {
				continue
			}
			if of > try {
				try, runs = of, [2]*interconnect.Invocation{}
			}
			// Where there are two for one try, the one that ended first is
			// as good.
			if runs[i] == nil || run.Finished && !runs[i].Finished {
				runs[i] = run
			}
		}
	}
	return runs, try, nil
}

// tryOf reads the number of a try from a command's name.
func tryOf(commandName, name string) (int, bool) {
	number, ok := strings.CutPrefix(commandName, name)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == number
}

// start runs one end's script. Died after it, or reported failed but done, or
// done by a twin: the same token is the same run.
func (s *Step) start(t *chain.Task, from *end, work []interconnect.Job, name string, try int) chain.Call {
	packets := from.side.Packets
	if packets == 0 {
		packets = interconnect.DefaultPackets
	}
	script, limit := interconnect.ProbeCommand(packets, work)
	id := from.sender().ID
	command := interconnect.Command{
		Name:           name + strconv.Itoa(try),
		Script:         script,
		InstanceID:     id,
		TimeoutSeconds: int(limit.Round(time.Second).Seconds()),
		Token:          interconnect.ClientToken(t.Prefix, name, id, script, strconv.Itoa(try)),
	}
	return chain.Call{Action: "RunCommand", Resource: id, Do: func(ctx context.Context) error {
		_, err := s.cloud.RunCommand(ctx, from.side.RegionID, command)
		return err
	}}
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

// refused is about calls that failed: what will fail the same way again leaves
// the connection unproven, for it says nothing about it.
func refused(ends [2]end, err error) (*found, *chain.Outcome) {
	o := chain.FromError(err)
	if o.Kind != chain.KindReject || o.Problem == nil {
		return nil, &o
	}
	for i := range ends {
		if ends[i].mute == "" {
			ends[i].mute = o.Problem.Sentence
		}
	}
	return read(ends, [2][]job{}, [2]*interconnect.Invocation{}), nil
}

func outcome(err error) *chain.Outcome {
	if err == nil {
		return nil
	}
	o := chain.FromError(err)
	return &o
}
