package verification

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

const (
	// tryFor is how long a ping that is not as it should be is tried again.
	tryFor = time.Minute
	// sameCheck is how much older than the message's coming here a ping may be
	// and still answer it: a twin that came a moment sooner has asked for it.
	sameCheck = 2 * time.Minute
	// commandTimeout is how long, in seconds, Cloud Assistant lets a ping run:
	// four packets, 0.2 s apart, and 2 s for the last reply.
	commandTimeout = 20
)

// ping has each side's probe ping the other's, both at once, until the result
// is as expected or time is up. It returns the last pings, or why there are
// none, or the outcome to return for now. Where before is given it is asked right
// before a try is started: it may have an outcome instead, or be content with the
// pings of the last try.
//
// The message carries no facts: a command that an earlier run, or a twin, has
// started is found again by its name, which says for which check and which
// try it is. Its token says the same, so that starting it twice starts it once.
func (s *Step) ping(ctx context.Context, t *chain.Task, c *interconnect.Connection, expected func([]interconnect.Ping) bool, before func() (content bool, out *chain.Outcome)) (pings []interconnect.Ping, why string, out *chain.Outcome) {
	probes, why, err := s.probes(ctx, t, c)
	if err != nil || why != "" {
		return nil, why, outcome(err)
	}
	name := interconnect.Mark{Prefix: t.Prefix, ConnectionID: c.ID}.String() + "." + checkID(t.Message) + "."
	runs, try, err := s.runs(ctx, t, c, probes, name)
	if err != nil {
		why, out = unprovable(err)
		return nil, why, out
	}
	finished := true
	for i := range interconnect.Roles {
		finished = finished && runs[i] != nil && runs[i].Finished
	}
	if finished {
		for i, role := range interconnect.Roles {
			pings = append(pings, read(role, probes[i], probes[1-i], runs[i]))
		}
		if recent(t, runs) && (expected(pings) || t.Now.Sub(startedAt(t)) >= tryFor) {
			return pings, "", nil
		}
		try, runs = try+1, [2]*interconnect.Invocation{}
	}
	if before != nil && runs[0] == nil && runs[1] == nil {
		if content, out := before(); out != nil || content && len(pings) > 0 {
			return pings, "", out
		}
	}
	var calls []chain.Call
	for i, role := range interconnect.Roles {
		if runs[i] == nil {
			calls = append(calls, s.start(t, c.Side(role).RegionID, probes[i], probes[1-i], name, try))
		}
	}
	if err := t.Mutate(ctx, calls...); err != nil {
		why, out = unprovable(err)
		return nil, why, out
	}
	wait := chain.WaitFor("the pings to end")
	if try > 0 {
		wait.Note = fmt.Sprintf("the pings to end, try %d", try+1)
	}
	return nil, "", &wait
}

// recent tells whether the pings are of the time in which the step handles this
// message. A message of the same check that comes again much later pings anew:
// what was true then is no answer now.
func recent(t *chain.Task, runs [2]*interconnect.Invocation) bool {
	for _, run := range runs {
		if !run.CreatedAt.IsZero() && run.CreatedAt.Before(startedAt(t).Add(-sameCheck)) {
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
func (s *Step) runs(ctx context.Context, t *chain.Task, c *interconnect.Connection, probes [2]interconnect.Instance, name string) (runs [2]*interconnect.Invocation, try int, err error) {
	var lists [2][]interconnect.Invocation
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) (err error) {
			lists[i], err = s.cloud.Invocations(ctx, c.Side(role).RegionID, probes[i].ID)
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

// start runs one ping. Died after it, or reported failed but done, or done by a
// twin: the same token is the same run.
func (s *Step) start(t *chain.Task, region string, from, to interconnect.Instance, name string, try int) chain.Call {
	command := interconnect.Command{
		Name:           name + strconv.Itoa(try),
		Script:         interconnect.PingCommand(to.PrivateIP),
		InstanceID:     from.ID,
		TimeoutSeconds: commandTimeout,
		Token:          interconnect.ClientToken(t.Prefix, name, from.ID, to.PrivateIP.String(), strconv.Itoa(try)),
	}
	return chain.Call{Action: "RunCommand", Resource: from.ID, Do: func(ctx context.Context) error {
		_, err := s.cloud.RunCommand(ctx, region, command)
		return err
	}}
}

// read turns a finished command into a ping. That ping had no reply is a
// result; that the command did not run, or was no ping, is an error.
func read(from interconnect.Role, probe, target interconnect.Instance, run *interconnect.Invocation) interconnect.Ping {
	p := interconnect.Ping{}
	if code := run.ErrorCode; code != "" && !strings.EqualFold(code, "ExitCodeNonzero") {
		p.Error = strings.TrimSuffix(code+": "+run.ErrorInfo, ": ")
	} else if parsed, err := interconnect.ParsePing(run.Output); err != nil {
		p.Error = fmt.Sprintf("exit status %d, %v", run.ExitCode, err)
	} else {
		p = parsed
	}
	p.From, p.InstanceID, p.Source, p.Target = from, probe.ID, probe.PrivateIP.String(), target.PrivateIP.String()
	return p
}

// unprovable is about calls that failed: what will fail the same way again
// leaves the connection unproven, for it says nothing about it.
func unprovable(err error) (why string, out *chain.Outcome) {
	o := chain.FromError(err)
	if o.Kind == chain.KindReject && o.Problem != nil {
		return o.Problem.Sentence, nil
	}
	return "", &o
}

func outcome(err error) *chain.Outcome {
	if err == nil {
		return nil
	}
	o := chain.FromError(err)
	return &o
}
