package simulation

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// judge knows what the project promises.
type judge struct {
	disturbed  map[string]string // connections that somebody's deed keeps from working, and the deed
	heldByHand map[string]bool   // our interfaces that somebody's routes lead to
	broken     map[string]bool   // VPCs that somebody tried to delete
	locked     []string
	frozenAt   time.Time
	spoilt     int
	bodies     []sentMessage // every message delivered, once
	known      map[string]bool
	noChanges  string // why nothing may change now; "" it may
}

type sentMessage struct{ queue, body string }

func (j *judge) init(*sim) {
	j.disturbed, j.heldByHand, j.broken, j.known = map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
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
	routes     []engine.RouteEntry
	rules      []ownedRule
}

type ownedRule struct {
	group string
	engine.SecurityRule
}

func (s *sim) owned() (o owned) {
	t := s.engine.Topology()
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

func readBody(a answer) string {
	b, err := io.ReadAll(a.response.Body)
	must(err)
	a.response.Body = io.NopCloser(bytes.NewReader(b))
	return string(b)
}
