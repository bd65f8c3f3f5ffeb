package simulation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/records"
)

// operator is a person's own way to the records.
func (s *sim) operator() *records.Records {
	v := &invocation{function: "intake", ends: time.Now().Add(time.Hour)}
	return records.New(alicloud.New(s.invocationOf(v), alicloud.Options{Direct: s.cloudOf(v.function)}), prefix)
}

const afterStorm = "after the storm"

// Bounds of what follows once nothing goes wrong any more.
const (
	mostToRest  = 1500          // messages
	longestRest = 4 * time.Hour // longer than what needs attention is tried again, and than what is stuck
)

// live is the life of a world: a storm, then calm, then the end of all
// connections. It stops at the first broken promise.
func (s *sim) live() {
	defer s.drain()
	for _, act := range []func(){
		s.storm, s.clear, func() { s.rest(afterStorm) }, s.heal, s.replay, s.again, s.endAll,
	} {
		if act(); s.violated != "" {
			return
		}
	}
}

// storm runs the script under all faults.
func (s *sim) storm() {
	script := s.plan.script
	end := s.started.Add(s.plan.length)
	for time.Now().Before(end) && s.violated == "" {
		due := end
		if len(script) > 0 {
			due = s.started.Add(script[0].at)
			if !time.Now().Before(due) {
				e := script[0]
				script = script[1:]
				deeds[e.do](s, e)
				continue
			}
		}
		s.step(due)
	}
}

// clear ends all faults: permissions are back, changes go on.
func (s *sim) clear() {
	s.say("calm")
	s.calm, s.weather.calm = true, true
	clear(s.weather.denied)
	s.thaw()
	if s.nextSweep.After(time.Now().Add(time.Minute)) {
		s.nextSweep = time.Now().Add(time.Minute)
	}
}

// settle runs until nothing is under way and every generation has ended, or
// needs attention for as long as nothing changes.
func (s *sim) settle(when string) []interconnect.Record {
	began, messages := time.Now(), s.stats.messages
	lastLook := time.Time{}
	for s.violated == "" {
		if s.quiet() && time.Since(lastLook) >= 20*time.Second {
			lastLook = time.Now()
			list := s.watch()
			if !slices.ContainsFunc(list, func(r interconnect.Record) bool { return !interconnect.Ended(&r) }) {
				return list
			}
			if time.Since(began) > longestRest {
				return list
			}
		}
		if time.Since(began) > longestRest+time.Hour || s.stats.messages-messages > mostToRest {
			s.violate("%s all comes to rest: not within %d messages and %s", when, s.stats.messages-messages, time.Since(began))
		}
		s.step(time.Now().Add(time.Minute))
	}
	return nil
}

// rest runs to quiescence and looks whether what is there is what was promised.
func (s *sim) rest(when string) {
	list := s.settle(when)
	if s.violated != "" {
		return
	}
	now := time.Now()
	pairs := map[string]string{}
	for i := range list {
		r := &list[i]
		state := interconnect.Overall(r, now)
		s.say("%s is %s (generation %d)", r.ID, state, r.Generation)
		if !interconnect.Ended(r) && state != interconnect.StateNeedsAttention {
			s.violate("%s every request has ended, or needs attention: %s is %s", when, r.ID, state)
		}
		if !interconnect.Ended(r) && s.judge.disturbed[r.ID] == "" {
			s.violate("%s what nobody keeps from ending ends: %s is %s: %s", when, r.ID, state, problems(r))
		}
		if r.Live() {
			if other := pairs[r.Wanted.Connection.Pair()]; other != "" && !s.plan.blind() {
				s.violate("%s a pair has one connection: %s and %s", when, r.ID, other)
			}
			pairs[r.Wanted.Connection.Pair()] = r.ID
		}
		if state == interconnect.StateFailed && when == afterStorm && s.judge.disturbed[r.ID] == "" && s.plan.gentle() {
			s.violate("%s what only has to wait does not fail: %s is %s: %s", when, r.ID, state, problems(r))
		}
		s.checkMade(when, r, state)
		s.checkRolledBack(when, r, state)
	}
	s.checkOwned(when, list)
	s.checkSpoilt(when)
}

func problems(r *interconnect.Record) string {
	var out []string
	for _, step := range interconnect.Steps {
		if st, ok := r.Steps[step]; ok {
			line := fmt.Sprintf("%s g%d %s%s %s %s", step, st.Generation, st.Action, st.Target, st.Progress, st.Note)
			if st.Problem != nil {
				line += ": " + st.Problem.Sentence
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, "; ")
}

// made are the states in which everything wanted exists.
var made = map[interconnect.State]bool{
	interconnect.StateConnected: true, interconnect.StateUnproven: true, interconnect.StateBlocked: true,
}

// checkMade holds a connection that is made to what that means.
func (s *sim) checkMade(when string, r *interconnect.Record, state interconnect.State) {
	if !made[state] || s.judge.disturbed[r.ID] != "" {
		return
	}
	c := r.Wanted.Connection
	t := s.engine.Topology()
	for _, role := range interconnect.Roles {
		hop := s.hopOf(c, role)
		if hop == "" {
			s.violate("%s %s is %s, so what joins its VPCs carries packets: the %s's does not", when, r.ID, state, role)
		}
		for _, w := range interconnect.WantedRoutes(c, role) {
			if !slices.ContainsFunc(t.RouteEntries, func(e engine.RouteEntry) bool {
				return e.TableID == w.RouteTableID && e.Destination == w.Destination && len(e.NextHops) == 1 && e.NextHops[0].ID == hop
			}) {
				s.violate("%s %s is %s, so its routes are there: not %s in %s", when, r.ID, state, w.Destination, w.RouteTableID)
			}
		}
		for _, w := range interconnect.WantedRules(c, role) {
			if !slices.ContainsFunc(t.SecurityGroups, func(g engine.SecurityGroup) bool {
				return g.ID == w.GroupID && slices.ContainsFunc(g.Rules, func(e engine.SecurityRule) bool { return equalRule(e, w) })
			}) {
				s.violate("%s %s is %s, so its rules are there: not %+v", when, r.ID, state, w)
			}
		}
	}
	passes := s.pings(c)
	switch {
	case state == interconnect.StateConnected && !passes:
		s.violate("%s %s is Connected, so packets pass", when, r.ID)
	case state == interconnect.StateBlocked && passes:
		s.violate("%s %s is Blocked, so packets do not pass", when, r.ID)
	}
}

// checkRolledBack looks whether what was connected before a change that failed
// is still there, unless somebody took it.
func (s *sim) checkRolledBack(when string, r *interconnect.Record, state interconnect.State) {
	c := r.LastConnected
	if state != interconnect.StateFailed || !interconnect.Ended(r) || c == nil || s.judge.taken {
		return
	}
	t := s.engine.Topology()
	for _, role := range interconnect.Roles {
		for _, w := range interconnect.WantedRoutes(c, role) {
			if !slices.ContainsFunc(t.RouteEntries, func(e engine.RouteEntry) bool { return e.TableID == w.RouteTableID && e.Destination == w.Destination }) {
				s.violate("%s %s is rolled back to what was connected: no route to %s in %s", when, r.ID, w.Destination, w.RouteTableID)
			}
		}
		for _, w := range interconnect.WantedRules(c, role) {
			if !slices.ContainsFunc(t.SecurityGroups, func(g engine.SecurityGroup) bool {
				return g.ID == w.GroupID && slices.ContainsFunc(g.Rules, func(e engine.SecurityRule) bool { return equalRule(e, w) })
			}) {
				s.violate("%s %s is rolled back to what was connected: not %+v", when, r.ID, w)
			}
		}
	}
}

func equalRule(e engine.SecurityRule, w interconnect.Rule) bool {
	return !e.Drop && e.Egress == (w.Direction == interconnect.Egress) && strings.EqualFold(e.Protocol, w.Protocol) &&
		e.Ports.String() == w.PortRange && e.Peer == w.PeerBlock && e.PeerGroupID == w.PeerGroupID
}

// pings tells whether packets pass both ways between a connection's probes, as
// the world is.
func (s *sim) pings(c *interconnect.Connection) bool {
	t := s.engine.Topology()
	find := func(side *interconnect.Side) *engine.Instance {
		for _, i := range t.Instances {
			if i.ID == side.ProbeID || side.ProbeID == "" && i.VpcID == side.VpcID {
				return &i
			}
		}
		return nil
	}
	a, b := find(&c.Initiator), find(&c.Acceptor)
	if a == nil || b == nil {
		return false
	}
	for _, p := range []dataplane.Packet{{From: a.ID, To: b.PrivateIP, Protocol: "ICMP"}, {From: b.ID, To: a.PrivateIP, Protocol: "ICMP"}} {
		if dataplane.Deliver(t, p).Fate != dataplane.Answered {
			return false
		}
	}
	return true
}

// checkOwned looks whether all that is ours is wanted, or told of.
func (s *sim) checkOwned(when string, list []interconnect.Record) {
	var wanted []*interconnect.Connection
	told := map[string]bool{}
	for i := range list {
		r := &list[i]
		if state := interconnect.Overall(r, time.Now()); r.Live() && state == interconnect.StateFailed && r.Wanted.Connection.OnFailure == interconnect.OnFailureKeep {
			s.tellOf(r.ID, told) // whoever asks to keep what a failed request has made keeps what was there before, too
		}
		for _, p := range r.Leftovers() {
			told[p.Resource] = true
		}
		if !r.Live() {
			continue
		}
		state := interconnect.Overall(r, time.Now())
		if r.LastConnected != nil {
			wanted = append(wanted, r.LastConnected)
		}
		if state != interconnect.StateFailed || r.Wanted.Connection.OnFailure == interconnect.OnFailureKeep {
			wanted = append(wanted, r.Wanted.Connection)
		}
	}
	o := s.owned()
	sides := map[string][]string{}
	for _, i := range o.interfaces {
		needed := slices.ContainsFunc(wanted, func(c *interconnect.Connection) bool {
			return c.Type == interconnect.TypeExpressConnect && i.RouterID == c.Initiator.VRouterID && i.OppositeRouterID == c.Acceptor.VRouterID ||
				c.Type == interconnect.TypeExpressConnect && i.RouterID == c.Acceptor.VRouterID && i.OppositeRouterID == c.Initiator.VRouterID
		})
		if !needed && !told[i.ID] {
			s.violate("%s nothing of ours is left that no record wants, untold: interface %+v", when, i)
		}
		key := i.RouterID + " to " + i.OppositeRouterID
		sides[key] = append(sides[key], i.ID)
		if len(sides[key]) > 1 && !slices.ContainsFunc(sides[key], func(id string) bool { return s.judge.heldByHand[id] }) {
			s.violate("%s a pair of VPCs has one peering connection: %v from %s", when, sides[key], key)
		}
	}
	s.checkPeerings(when, wanted, told)
	for _, e := range o.routes {
		if !slices.ContainsFunc(wanted, func(c *interconnect.Connection) bool {
			return slices.ContainsFunc(append(interconnect.WantedRoutes(c, interconnect.Initiator), interconnect.WantedRoutes(c, interconnect.Acceptor)...),
				func(w interconnect.WantedRoute) bool {
					return w.RouteTableID == e.TableID && w.Destination == e.Destination
				})
		}) && !told[e.ID] {
			s.violate("%s nothing of ours is left that no record wants, untold: route %+v", when, e)
		}
	}
	for _, r := range o.rules {
		if !slices.ContainsFunc(wanted, func(c *interconnect.Connection) bool {
			return slices.ContainsFunc(append(interconnect.WantedRules(c, interconnect.Initiator), interconnect.WantedRules(c, interconnect.Acceptor)...),
				func(w interconnect.Rule) bool { return w.GroupID == r.group && equalRule(r.SecurityRule, w) })
		}) && !told[r.ID] {
			s.violate("%s nothing of ours is left that no record wants, untold: rule %s %+v", when, r.group, r.SecurityRule)
		}
	}
}

// tellOf counts all that bears a connection's mark as told of.
func (s *sim) tellOf(id string, told map[string]bool) {
	o, mark := s.owned(), interconnect.Mark{Prefix: prefix, ConnectionID: id}.String()
	for _, i := range o.interfaces {
		told[i.ID] = told[i.ID] || i.Name == mark || i.Description == mark
	}
	for _, p := range o.peerings {
		told[p.ID] = told[p.ID] || p.Name == mark
	}
	for _, e := range o.routes {
		told[e.ID] = told[e.ID] || e.Name == mark
	}
	for _, r := range o.rules {
		told[r.ID] = told[r.ID] || r.Description == mark
	}
}

// checkSpoilt looks whether what could not be understood was buried.
func (s *sim) checkSpoilt(when string) {
	buried, err := s.engine.QueueMessages(queueRef(chain.DeadLettersQueue))
	must(err)
	if s.plan.lose == 0 && s.plan.purge == 0 && len(buried) < s.judge.spoilt {
		s.violate("%s what cannot be understood is in the dead letters: %d of %d are", when, len(buried), s.judge.spoilt)
	}
}

// replay delivers old messages again. Whatever has ended stays as it is.
func (s *sim) replay() {
	if !s.plan.replays || s.plan.expire || len(s.judge.disturbed) > 0 {
		return // a connect that comes again may mend what somebody broke, and what expires goes
	}
	before := s.watch()
	s.judge.noChanges = "for a message that comes again after its end"
	defer func() { s.judge.noChanges = "" }()
	bodies := slices.Clone(s.judge.bodies)
	s.rng.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	for _, m := range bodies[:min(len(bodies), 4)] {
		s.say("again on %s: %.200s", m.queue, m.body)
		_, err := s.engine.SendMessage(queueRef(m.queue), engine.Outgoing{Priority: 8, Body: m.body})
		must(err)
	}
	after := s.settle("after old messages came again")
	for i := range before {
		if i >= len(after) {
			return
		}
		was, is := interconnect.Overall(&before[i], time.Now()), interconnect.Overall(&after[i], time.Now())
		if was != is && !(made[was] && made[is]) { // a look that comes again may find something else
			s.violate("an old message changes no state: %s was %s, is %s", before[i].ID, was, is)
		}
	}
}

// undo takes back what others did by hand.
func (s *sim) undo() {
	s.judge.taken = true
	before := s.others()
	defer func() {
		if !maps.Equal(before, s.others()) { // whoever is not asked for again is as the world was
			for _, id := range ids {
				s.judge.disturbed[id] = "somebody takes things back"
			}
		}
	}()
	for _, e := range s.engine.VPCSnapshot().RouteEntries {
		if e.Name != "by-hand" && e.Name != "by hand" {
			continue
		}
		for range 10 { // it may be in the making, or another task be under way: one at a time
			err := s.console("Vpc", "DeleteRouteEntry", map[string]string{"RegionId": e.RegionID, "RouteEntryId": e.ID})
			time.Sleep(20 * time.Second)
			if err == nil {
				break
			}
		}
	}
	for _, g := range s.engine.Topology().SecurityGroups {
		must(s.engine.EditGroup(g.ID, func(g *engine.SecurityGroup) {
			g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r engine.SecurityRule) bool { return r.Description == "by hand" })
		}))
	}
	for _, i := range s.engine.Topology().Instances {
		must(s.engine.SetGuest(i.ID, func(g *engine.GuestFacts) { g.DropICMP = false }))
	}
	time.Sleep(20 * time.Second) // what was deactivated by hand is so by now
	defer time.Sleep(20 * time.Second)
	for _, i := range s.engine.VPCSnapshot().RouterInterfaces {
		if i.BusinessStatus != "Normal" {
			must(s.engine.SetBusinessStatus(i.ID, "Normal"))
		}
		if !ourInterface(i) && i.Status == "Inactive" {
			_ = s.console("Vpc", "ActivateRouterInterface", map[string]string{"RegionId": i.RegionID, "RouterInterfaceId": i.ID})
		} else if !ourInterface(i) && i.Status != "Active" {
			_ = s.console("Vpc", "DeleteRouterInterface", map[string]string{"RegionId": i.RegionID, "RouterInterfaceId": i.ID})
		}
	}
	for _, p := range s.engine.PeerSnapshot().PeerConnections {
		s.setBusinessStatus(between{p.ID, p.ID, interconnect.HopVpcPeer}, "Normal")
	}
	clear(s.judge.heldByHand)
}

// again asks once more, when nothing stands in the way: it must come to be.
func (s *sim) again() {
	s.undo()
	if s.plan.brief {
		return
	}
	id := []string{"one", "two"}[s.rng.IntN(2)]
	if s.judge.broken[far(id)] || s.plan.switches.RouterInterfaceClosed || s.plan.mayRefuse() {
		return
	}
	for _, r := range s.watch() {
		if r.Live() && r.ID == "rival" && id == "one" {
			id = "rival"
		}
	}
	s.say("asked once more: %s", id)
	delete(s.judge.disturbed, id)
	s.ask(entry{id: id, variant: afterwards})
	s.rest("asked once more")
	if s.violated != "" {
		return
	}
	for _, r := range s.watch() {
		state := interconnect.Overall(&r, time.Now())
		if r.ID == id && state != interconnect.StateConnected && !(s.plan.offline && state == interconnect.StateUnproven) {
			s.violate("what nothing stands in the way of is Connected: %s is %s: %s", id, state, problems(&r))
		}
	}
}

// endAll disconnects everything: then the world is as if we had never been.
func (s *sim) endAll() {
	if !s.plan.ends {
		return
	}
	clear(s.judge.disturbed)
	for _, r := range s.watch() {
		if r.Live() {
			s.disconnect(entry{id: r.ID})
		}
	}
	s.rest("after the last disconnect")
	if s.violated != "" {
		return
	}
	for _, r := range s.watch() {
		if state := interconnect.Overall(&r, time.Now()); state != interconnect.StateDisconnected {
			s.violate("what is disconnected is Disconnected: %s is %s: %s", r.ID, state, problems(&r))
		}
	}
	if o := s.owned(); len(o.interfaces)+len(o.peerings)+len(o.routes)+len(o.rules) > 0 {
		s.violate("after the last disconnect nothing of ours is left: %+v", o)
	}
}

// drain lets what still runs come to its end, so that the bubble can.
func (s *sim) drain() {
	for _, v := range s.running {
		v.die()
	}
	for _, c := range s.gate.waiting() {
		s.gate.take(c)
		c.answer <- answer{err: context.Canceled}
	}
	time.Sleep(2 * functionTimeout)
}
