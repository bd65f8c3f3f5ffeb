package simulation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
)

// judge knows what the project promises.
type judge struct {
	disturbed  map[string]string // connections that somebody's deed keeps from working, and the deed
	robbed     map[string]bool   // those of which somebody removed something of ours, and did nothing else
	heldByHand map[string]bool   // our interfaces that somebody's routes lead to
	broken     map[string]bool   // VPCs that somebody tried to delete
	taken      bool              // somebody removed something of ours, or that ours stands on
	frozenAt   time.Time
	spoilt     int
	bodies     []sentMessage // every message delivered, once
	known      map[string]bool
	pings      map[string][]ping // by connection
	noChanges  string            // why nothing may change now; "" it may
}

type sentMessage struct{ queue, body string }

func (j *judge) init(*sim) {
	j.disturbed, j.heldByHand, j.broken, j.known = map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	j.robbed = map[string]bool{}
	j.pings = map[string][]ping{}
}

// mostMessage is how long a message may be (facts/peers-and-patterns.md 3.8).
const mostMessage = 47 << 10

func (j *judge) delivered(s *sim, queue, body string) {
	if len(body) > mostMessage {
		s.violate("a message is smaller than %d bytes: %d, on %s", mostMessage, len(body), queue)
	}
	if !j.known[queue+body] {
		j.known[queue+body] = true
		j.bodies = append(j.bodies, sentMessage{queue, body})
	}
}

// longestCall is how long after a look a call that it allowed may still arrive.
const longestCall = functionTimeout + 5*time.Second

// before is asked about each call right before it is carried out; what it
// returns is asked right after.
func (j *judge) before(s *sim, c *call) func(answer) {
	if c.action == "RunCommand" {
		j.pinged(s, c)
	}
	if (c.action == "CreateParameter" || c.action == "UpdateParameter") && strings.HasSuffix(c.parameters.Get("Name"), "/verification") {
		j.verdict(s, c)
	}
	if c.by.reads && c.write {
		s.violate("a dry run writes nothing: %s", c)
	}
	if !c.changes() {
		return func(answer) {}
	}
	s.stats.changes++
	if c.by.verify {
		s.violate("a check changes nothing: %s", c)
	}
	if j.noChanges != "" {
		s.violate("nothing is changed %s: %s", j.noChanges, c)
	}
	if !j.frozenAt.IsZero() && time.Since(j.frozenAt) > longestCall {
		s.violate("nothing is changed while frozen: %s", c)
	}
	was := s.others()
	return func(answer) {
		j.onePair(s, c)
		is := s.others()
		for _, id := range slices.Sorted(maps.Keys(was)) {
			if was[id] != is[id] {
				s.violate("what is not ours is left alone: %s changed\n  %s\n  to\n  %s", c, was[id], is[id])
			}
		}
		for _, id := range slices.Sorted(maps.Keys(is)) {
			if _, known := was[id]; !known {
				s.violate("what is made bears our mark: %s made\n  %s", c, is[id])
			}
		}
	}
}

// ours tells whether a mark is this deployment's.
func ours(text string) bool {
	m, ok := interconnect.ParseMark(text)
	return ok && m.Prefix == prefix
}

func ourInterface(i engine.RouterInterface) bool {
	if _, ok := interconnect.ParseMark(i.Name); ok {
		return ours(i.Name)
	}
	return slices.ContainsFunc(i.Tags, func(t engine.Tag) bool { return ours(t.Value) })
}

// others spells out everything that is not ours, by id.
func (s *sim) others() map[string]string {
	out := map[string]string{}
	t := s.engine.Topology()
	for _, v := range t.VPCs {
		out[v.ID] = fmt.Sprintf("%+v", v)
	}
	for _, v := range t.VSwitches {
		out[v.ID] = fmt.Sprintf("%+v", v)
	}
	for _, v := range t.RouteTables {
		out[v.ID] = fmt.Sprintf("%+v", v)
	}
	for _, v := range t.RouteEntries {
		if !ours(v.Name) {
			out[v.ID] = fmt.Sprintf("%+v", v)
		}
	}
	for _, v := range t.RouterInterfaces {
		if !ourInterface(v) {
			out[v.ID] = fmt.Sprintf("%+v", v)
		}
	}
	s.otherPeerings(out)
	for _, v := range t.Instances {
		out[v.ID] = fmt.Sprintf("%+v", v)
	}
	for _, g := range t.SecurityGroups {
		rules := g.Rules
		g.Rules = nil
		out[g.ID] = fmt.Sprintf("%+v", g)
		for _, r := range rules {
			if !ours(r.Description) {
				out[r.ID] = fmt.Sprintf("%s %+v", g.ID, r)
			}
		}
	}
	return out
}

// owned is everything that is ours.
type owned struct {
	interfaces []engine.RouterInterface
	peerings   []engine.PeerConnection
	routes     []engine.RouteEntry
	rules      []ownedRule
}

type ownedRule struct {
	group string
	engine.SecurityRule
}

func (s *sim) owned() (o owned) {
	t := s.engine.Topology()
	o.peerings = s.peerings()
	for _, v := range t.RouterInterfaces {
		if ourInterface(v) {
			o.interfaces = append(o.interfaces, v)
		}
	}
	for _, v := range t.RouteEntries {
		if ours(v.Name) {
			o.routes = append(o.routes, v)
		}
	}
	for _, g := range t.SecurityGroups {
		for _, r := range g.Rules {
			if ours(r.Description) {
				o.rules = append(o.rules, ownedRule{g.ID, r})
			}
		}
	}
	return o
}

// ping is what a ping that was asked for would find.
type ping struct {
	at     time.Time
	packet dataplane.Packet
	passes bool
}

// pinged notes what the ping that a command asks for finds in the world as it
// is.
func (j *judge) pinged(s *sim, c *call) {
	script, err := base64.StdEncoding.DecodeString(c.parameters.Get("CommandContent"))
	must(err)
	pings := pingOf.FindAllSubmatch(script, -1)
	if len(pings) == 0 {
		s.violate("what a function runs in a guest begins with a ping: %s", script)
	}
	parts := strings.Split(c.parameters.Get("Name"), ".")
	for _, found := range pings {
		to, err := netip.ParseAddr(string(found[1]))
		must(err)
		p := dataplane.Packet{From: c.parameters.Get("InstanceId.1"), To: to, Protocol: "ICMP"}
		passes := dataplane.Deliver(s.engine.Topology(), p).Fate == dataplane.Answered
		j.pings[parts[2]] = append(j.pings[parts[2]], ping{time.Now(), p, passes})
	}
}

// pingOf finds the addresses that a script pings.
var pingOf = regexp.MustCompile(`(?m)^ping [^|]* ([0-9.]+) \|\|`)

// verdict looks whether a verdict that is recorded is what the pings found:
// connected only if one of the last few minutes passed, or would now.
func (j *judge) verdict(s *sim, c *call) {
	var st interconnect.StepStatus
	if json.Unmarshal([]byte(c.parameters.Get("Value")), &st) != nil || len(st.Verdicts) == 0 || st.Verdicts[0].Outcome != interconnect.VerdictConnected ||
		time.Since(st.Verdicts[0].At) > 5*time.Second {
		return
	}
	id := strings.Split(c.parameters.Get("Name"), "/")[2]
	passed, failed := map[string]bool{}, map[string]bool{}
	for _, p := range j.pings[id] {
		if time.Since(p.at) > 5*time.Minute {
			continue
		}
		if p.passes || dataplane.Deliver(s.engine.Topology(), p.packet).Fate == dataplane.Answered {
			passed[p.packet.From] = true
		} else {
			failed[p.packet.From] = true
		}
	}
	for _, p := range st.Verdicts[0].Pings {
		from := p.InstanceID // another one's is of a request before
		if !failed[from] {
			continue
		}
		// Of a disconnect, one way that still passes is enough.
		if !passed[from] && (st.Action != interconnect.Prune || len(passed) == 0) {
			s.violate("a verdict is what the pings found: %s is connected, yet none from %s passed", id, from)
		}
	}
}

// onePair looks, after an interface was made, whether its side has had another
// for a moment only: then its token did not name the object.
func (j *judge) onePair(s *sim, c *call) {
	if c.action != "CreateRouterInterface" {
		return
	}
	seen := map[string]string{}
	for _, i := range s.owned().interfaces {
		key := i.Name + " at " + i.RouterID + " to " + i.OppositeRouterID
		if i.Status == "Deleting" || time.Since(i.Created) > 15*time.Second {
			continue
		}
		if seen[key] != "" {
			s.violate("a side is not made twice: %s and %s are %s", seen[key], i.ID, key)
		}
		seen[key] = i.ID
	}
}
