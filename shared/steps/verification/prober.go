package verification

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
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

// trial is how a step probes.
type trial struct {
	connection *interconnect.Connection
	ports      bool                                      // the request's TCP ports too; without, no ping is to pass
	enough     func(*found) bool                         // what need not be tried again
	before     func() (content bool, out *chain.Outcome) // asked right before a try is started: it may have an outcome instead, or be content with the last try; may be nil
}

// prober has each side's probe send to the other's, both at once, in one run of
// the step. It keeps what it has read.
//
// The message carries no facts: a command that an earlier run, or a twin, has
// started is found again by its name, which says for which check and which
// try it is. Its token says the same, so that starting it twice starts it once.
//
// Three ways lead to a result, and each falls back on the last one wherever
// anything is not as it is when all is well:
//
//   - begin, when the message is handled for the first time: it starts the first
//     try from instances that seem to do, without asking what the start will tell.
//   - recall, later: the commands say what was sent from where to where, and what
//     they print whether it arrived.
//   - thorough: which instances there are, whether their Cloud Assistant is online,
//     which commands there are; it starts what is missing, and names what lacks.
type prober struct {
	step *Step
	task *chain.Task
	trial
	name string // of the check's commands, without the number of the try

	mu        sync.Mutex
	instances map[interconnect.Role][]interconnect.Instance
	commands  map[string][]interconnect.Invocation // by region and instance
	asked     bool                                 // before was
	content   bool                                 // what it said
}

func (s *Step) prober(t *chain.Task, trial trial) *prober {
	return &prober{
		step: s, task: t, trial: trial,
		name:      interconnect.Mark{Prefix: t.Prefix, ConnectionID: trial.connection.ID}.String() + "." + checkID(t.Message) + ".",
		instances: map[interconnect.Role][]interconnect.Instance{},
		commands:  map[string][]interconnect.Invocation{},
	}
}

// probe probes until the result is enough or time is up. It returns the last
// results, or the outcome to return for now.
func (p *prober) probe(ctx context.Context) (*found, *chain.Outcome) {
	var f *found
	var out *chain.Outcome
	first := p.task.Elapsed() <= 0
	if first {
		out = p.begin(ctx)
	} else {
		f, out = p.recall(ctx)
	}
	if f != nil || out != nil {
		return f, out
	}
	return p.thorough(ctx)
}

// begin starts the first try without looking whether a twin has: the same token
// is the same run. It returns nil where it has started nothing.
func (p *prober) begin(ctx context.Context) *chain.Outcome {
	ends, likely, err := p.likely(ctx)
	if err != nil {
		return outcome(err)
	}
	if !likely {
		return nil
	}
	var calls []chain.Call
	for i := range ends {
		work := jobs(&ends[1-i], p.ports)
		if len(work) == 0 {
			return nil
		}
		calls = append(calls, p.start(&ends[i], plain(work), 0))
	}
	if p.before != nil {
		if out := p.ask(); out != nil {
			return out
		}
	}
	if err := p.task.Mutate(ctx, calls...); err != nil {
		if o := chain.FromError(err); o.Kind != chain.KindReject {
			return &o
		}
		return nil // the thorough way finds out why
	}
	wait := waiting(ends, 0)
	wait.Least = p.least()
	return wait
}

// likely finds what stands for each side if all is well, the initiator's first:
// the instances that did in the last check, or, where it takes more than those,
// what is there. Of several that nobody has named Cloud Assistant decides, which
// is not asked here.
func (p *prober) likely(ctx context.Context) (ends [2]end, ok bool, err error) {
	if ends, ok = p.tried(); ok {
		return ends, true, nil
	}
	chosen, err := p.choose(ctx, &ends)
	if err != nil {
		return ends, false, err
	}
	ids, _ := p.lastSenders()
	for i := range ends {
		e := &ends[i]
		if len(chosen[i]) == 0 || len(chosen[i]) > 1 && chosen[i][0].ID != ids[i] {
			return ends, false, nil
		}
		e.take(chosen[i][0])
		if slices.ContainsFunc(e.targets, func(t target) bool { return t.flaw != "" }) {
			return ends, false, nil
		}
	}
	return ends, true, nil
}

// choose has the instances of both sides read, side by side, and each end find
// those that can stand for it.
func (p *prober) choose(ctx context.Context, ends *[2]end) (chosen [2][]interconnect.Instance, err error) {
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		ends[i] = end{role: role, side: p.connection.Side(role)}
		if _, read := p.instances[role]; read {
			continue
		}
		reads = append(reads, func(ctx context.Context) error {
			list, err := p.step.instances(ctx, ends[i].side)
			if err == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.instances[role] = list
			}
			return err
		})
	}
	if err := p.task.Together(ctx, reads...); err != nil {
		return chosen, err
	}
	ids, _ := p.lastSenders()
	for i, role := range interconnect.Roles {
		chosen[i] = ends[i].choose(p.instances[role], ids[i])
	}
	return chosen, nil
}

// thorough looks at everything that decides about who can send.
func (p *prober) thorough(ctx context.Context) (*found, *chain.Outcome) {
	t := p.task
	var ends [2]end
	chosen, err := p.choose(ctx, &ends)
	if err != nil {
		return nil, outcome(err)
	}
	var asks []func(context.Context) error
	for i := range ends {
		asks = append(asks, func(ctx context.Context) error { return p.step.ask(ctx, &ends[i], chosen[i]) })
	}
	if err := t.Together(ctx, asks...); err != nil {
		return nil, outcome(err)
	}
	var work [2][]job
	idle := true
	for i := range ends {
		if ends[i].sender() != nil {
			work[i] = jobs(&ends[1-i], p.ports)
		}
		idle = idle && len(work[i]) == 0
	}
	if idle {
		return read(ends, work, [2]*interconnect.Invocation{}), nil
	}
	var ids [2]string
	for i := range ends {
		if len(work[i]) > 0 {
			ids[i] = ends[i].sender().ID
		}
	}
	if err := p.list(ctx, ids); err != nil {
		return refused(ends, err)
	}
	runs, try := p.latest(ids, func(i int, run *interconnect.Invocation) bool {
		// What has the name and sends something else was started when other
		// instances stood for the sides.
		does, known := interconnect.ParseProbeCommand(run.Script)
		return !known || equal(does, plain(work[i]))
	})
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
		if recent(t, runs) && (p.enough(last) || t.Elapsed() >= patience(t.Message)) {
			return last, nil
		}
		try, runs, started = try+1, [2]*interconnect.Invocation{}, false
	}
	if p.before != nil && !started {
		if out := p.ask(); out != nil || p.content && last != nil {
			return last, out
		}
	}
	var calls []chain.Call
	for i := range ends {
		if len(work[i]) > 0 && runs[i] == nil {
			calls = append(calls, p.start(&ends[i], plain(work[i]), try))
		}
	}
	if err := t.Mutate(ctx, calls...); err != nil {
		return refused(ends, err)
	}
	wait := waiting(ends, try)
	if len(calls) > 0 {
		wait.Least = p.least()
	}
	return nil, wait
}

// ask asks before, once in a run.
func (p *prober) ask() (out *chain.Outcome) {
	if !p.asked {
		p.content, out = p.before()
		p.asked = true
	}
	return out
}

// waiting is the outcome while a try goes on. The probes' ids are for whoever
// looks for what they print.
func waiting(ends [2]end, try int) *chain.Outcome {
	wait := chain.WaitFor("the pings to end")
	if try > 0 {
		wait.Note = fmt.Sprintf("the pings to end, try %d", try+1)
	}
	for i := range ends {
		if s := ends[i].sender(); s != nil {
			wait.Resources = append(wait.Resources, s.ID)
		}
	}
	return &wait
}

// passage is what a command needs beside its packets: to reach the agent, and to
// be told of. An assumption: no figure is published.
const passage = time.Second

// least is how long the pings that were just started take at the least. Who
// connects waits for the first look, which comes as soon as the packets may have
// been sent; for the end of a check nobody does, so it looks when the pings have
// probably ended, and where none is to be answered, when the last was waited for.
func (p *prober) least() time.Duration {
	packets := interconnect.DefaultPackets
	for _, role := range interconnect.Roles {
		packets = max(packets, p.connection.Side(role).Packets)
	}
	sending := time.Duration(packets-1) * interconnect.PacketEvery
	switch p.task.Message.Action {
	case interconnect.Verify:
		return sending + passage
	case interconnect.Prune:
		if !p.ports {
			return sending + interconnect.PacketWait + passage
		}
	}
	return sending
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
	return !slices.ContainsFunc(runs[:], func(run *interconnect.Invocation) bool { return run != nil && old(t, run) })
}

func old(t *chain.Task, run *interconnect.Invocation) bool {
	return !run.CreatedAt.IsZero() && run.CreatedAt.Before(t.Now.Add(-sameCheck))
}

// checkID names the check that a message is for: its run of the chain and what
// it does there.
func checkID(m chain.Message) string {
	return interconnect.ClientToken("check", m.Trace, string(m.Action), string(m.Target))[:12]
}

// list reads the commands that were run on an instance of each side, once in a
// run; "" is none.
func (p *prober) list(ctx context.Context, ids [2]string) error {
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		region, key := p.connection.Side(role).RegionID, p.key(i, ids[i])
		if _, read := p.commands[key]; read || ids[i] == "" {
			continue
		}
		reads = append(reads, func(ctx context.Context) error {
			list, err := p.step.cloud.Invocations(ctx, region, ids[i])
			if err == nil {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.commands[key] = list
			}
			return err
		})
	}
	return p.task.Together(ctx, reads...)
}

func (p *prober) key(side int, id string) string {
	return p.connection.Side(interconnect.Roles[side]).RegionID + " " + id
}

// latest finds the commands of the check's latest try, of those listed that fit;
// nil is one that has not been started.
func (p *prober) latest(ids [2]string, fits func(side int, run *interconnect.Invocation) bool) (runs [2]*interconnect.Invocation, try int) {
	for i := range ids {
		list := p.commands[p.key(i, ids[i])]
		for n := range list {
			run := &list[n]
			of, ok := tryOf(run.CommandName, p.name)
			if !ok || of < try || !fits(i, run) {
				continue
			}
			if of > try {
				try, runs = of, [2]*interconnect.Invocation{}
			}
			// Where there are two for one try, the one that ended first is
			// as good, unless it is of another day.
			if runs[i] == nil || run.Finished && !runs[i].Finished && !old(p.task, run) {
				runs[i] = run
			}
		}
	}
	return runs, try
}

// tryOf reads the number of a try from a command's name.
func tryOf(commandName, name string) (int, bool) {
	if len(commandName) <= len(name) || commandName[:len(name)] != name {
		return 0, false
	}
	number := commandName[len(name):]
	n, err := strconv.Atoi(number)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == number
}

// start runs one end's script. Died after it, or reported failed but done, or
// done by a twin: the same token is the same run.
func (p *prober) start(from *end, work []interconnect.Job, try int) chain.Call {
	packets := from.side.Packets
	if packets == 0 {
		packets = interconnect.DefaultPackets
	}
	script, limit := interconnect.ProbeCommand(packets, work)
	id := from.sender().ID
	command := interconnect.Command{
		Name:           p.name + strconv.Itoa(try),
		Script:         script,
		InstanceID:     id,
		TimeoutSeconds: int(limit.Round(time.Second).Seconds()),
		Token:          interconnect.ClientToken(p.task.Prefix, p.name, id, script, strconv.Itoa(try)),
	}
	return chain.Call{Action: "RunCommand", Resource: id, Do: func(ctx context.Context) error {
		_, err := p.step.cloud.RunCommand(ctx, from.side.RegionID, command)
		var known *interconnect.CloudError
		if errors.As(err, &known) && known.Class == interconnect.Exists {
			return nil // the token was used, by another version of this: the next run finds the command by its name
		}
		return err
	}}
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
