package verification

import (
	"context"
	"net/netip"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// equal tells whether two lists of jobs send the same.
func equal(a, b []interconnect.Job) bool {
	return slices.EqualFunc(a, b, func(a, b interconnect.Job) bool {
		return a.Address == b.Address && a.Ping == b.Ping && slices.Equal(a.Ports, b.Ports)
	})
}

// recall finds the results of this check by its commands alone, which say what
// was sent from where to where. It returns nil and nil where they do not settle
// it: one is missing, or not all was sent, or what came of it is to be tried
// again.
func (p *prober) recall(ctx context.Context) (*found, *chain.Outcome) {
	ids := p.senders()
	if ids[0] == "" || ids[1] == "" {
		ends, likely, err := p.likely(ctx)
		if err != nil || !likely {
			return nil, outcome(err)
		}
		for i := range ends {
			ids[i] = ends[i].sender().ID
		}
	}
	if err := p.list(ctx, ids); err != nil {
		return nil, outcome(err)
	}
	runs, try := p.latest(ids, func(int, *interconnect.Invocation) bool { return true })
	ends, work, ok := p.recalled(runs)
	switch {
	case !ok:
		return nil, nil
	case !runs[0].Finished || !runs[1].Finished:
		return nil, waiting(ends, try)
	}
	f := read(ends, work, runs)
	if !f.all() || !recent(p.task, runs) || !p.enough(f) {
		return nil, nil
	}
	f.recalled = true
	return f, nil
}

// recalled makes the ends, and what each has sent, of a try's commands. ok is
// false where they do not tell.
func (p *prober) recalled(runs [2]*interconnect.Invocation) (ends [2]end, work [2][]job, ok bool) {
	var does [2][]interconnect.Job
	for i, run := range runs {
		if run == nil {
			return ends, work, false
		}
		if does[i], ok = interconnect.ParseProbeCommand(run.Script); !ok {
			return ends, work, false
		}
	}
	for i, role := range interconnect.Roles {
		side := p.connection.Side(role)
		ends[i] = end{role: role, side: side}
		ids := []string{runs[i].InstanceID}
		if side.ProbeID != "" {
			ids = named(side)
		}
		if len(does[1-i]) != len(ids) || ids[0] != runs[i].InstanceID {
			return ends, work, false
		}
		for n, j := range does[1-i] {
			if !within(j.Address, side) {
				return ends, work, false
			}
			ends[i].targets = append(ends[i].targets, target{Instance: probed(ids[n], j.Address, side)})
		}
	}
	for i := range ends {
		for n, j := range does[i] {
			work[i] = append(work[i], job{Job: j, target: &ends[1-i].targets[n]})
		}
	}
	return ends, work, true
}

// probed is an instance of which no more is known than that it stood for a side.
func probed(id string, address netip.Addr, side *interconnect.Side) interconnect.Instance {
	return interconnect.Instance{ID: id, VpcID: side.VpcID, PrivateIP: address, Running: true, OSType: "linux"}
}

// entry is what this step last wrote of the generation.
func entry(t *chain.Task) interconnect.StepStatus {
	if st := t.Record.Steps[interconnect.Verification]; st.Generation == t.Message.Generation {
		return st
	}
	return interconnect.StepStatus{}
}

// senders are the instances on which this check's commands were probably run, the
// initiator's first: by the entry that an earlier run wrote when it began to wait;
// a check writes none, and its probes are mostly those of the last one.
func (p *prober) senders() (ids [2]string) {
	st, m := entry(p.task), p.task.Message
	if st.Progress == interconnect.Waiting && st.Trace == m.Trace && st.Action == m.Action && st.Target == m.Target && len(st.Resources) == len(ids) {
		copy(ids[:], st.Resources)
		return ids
	}
	ids, _ = p.lastSenders()
	for i, role := range interconnect.Roles {
		if id := p.connection.Side(role).ProbeID; id != "" {
			ids[i] = id
		}
	}
	return ids
}

// lastSenders are the instances that pinged in the last check of this generation,
// and their addresses; "" where that did not find it connected, or did not ping
// once from each side.
func (p *prober) lastSenders() (ids [2]string, at [2]netip.Addr) {
	st := entry(p.task)
	if p.task.Message.Action != interconnect.Verify || len(st.Verdicts) == 0 || st.Verdicts[0].Outcome != interconnect.VerdictConnected {
		return ids, at
	}
	for i, role := range interconnect.Roles {
		for _, ping := range st.Verdicts[0].Pings {
			if a, err := netip.ParseAddr(ping.Source); ping.From == role && err == nil {
				ids[i], at[i] = ping.InstanceID, a
			}
		}
	}
	return ids, at
}

// tried are the ends of the last check, as far as nothing else is needed: one
// instance on each side, and no ports, which go by an instance's groups. That they
// are as they were then is for granted only while they pass: what has happened to
// them since keeps the ping from being sent, or from being answered, and then they
// are looked at.
func (p *prober) tried() (ends [2]end, ok bool) {
	ids, at := p.lastSenders()
	for i, role := range interconnect.Roles {
		side := p.connection.Side(role)
		opens := slices.ContainsFunc(side.SecurityGroups, func(g interconnect.SecurityGroup) bool {
			ports, _ := side.Ports([]string{g.ID})
			return len(ports) > 0
		})
		if ids[i] == "" || !within(at[i], side) || opens && p.ports || len(side.Targets) > 0 || side.ProbeID != "" && side.ProbeID != ids[i] {
			return ends, false
		}
		ends[i] = end{role: role, side: side, targets: []target{{Instance: probed(ids[i], at[i], side)}}}
	}
	return ends, true
}
