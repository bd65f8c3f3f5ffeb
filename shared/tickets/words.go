package tickets

import (
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// planWords says what would come of a ticket: what would be made, what it would
// open, and what to do to have it.
func planWords(c *Comment, p *intake.Plan, how string) {
	r := p.Request
	verb := map[string]string{"create": "would be made", "change": "would be changed"}[p.Would]
	if verb == "" {
		verb = "would be as follows"
	}
	c.say("Plan: the connection %s %s.", p.ID, verb)
	c.say("It joins %s (%s) and %s (%s) by %s.", r.Initiator.VpcID, r.Initiator.RegionID, r.Acceptor.VpcID, r.Acceptor.RegionID, joinedBy(r.Type))
	c.list("What differs from the connection as it is wanted now:", differences(p.Difference))
	c.list("Made:", things(p.Added))
	c.list("Led elsewhere or altered:", things(p.Repointed))
	c.list("Taken away:", things(p.Removed))
	c.list("Used as it is:", things(p.Kept))
	c.list("What it cuts:", p.Cuts)
	var opened []string
	for _, reach := range p.BlastRadius {
		opened = append(opened, reachWords(reach))
	}
	if len(opened) == 0 {
		opened = []string{"nothing: no instance of one side gets at an instance of the other"}
	}
	c.list("What it opens:", opened)
	c.list("Mind:", append(warnings(p.Warnings), p.Notes...))
	c.say("%s", how)
	c.say("Hash of the plan: %s", brief(p.PlanHash))
}

// brief is the part of a plan's hash that people compare.
func brief(hash string) string {
	whole, _, _ := strings.Cut(hash, ".")
	return whole[:min(len(whole), 12)]
}

func joinedBy(t interconnect.Type) string {
	if t == interconnect.TypeExpressConnect {
		return "a pair of router interfaces (Express Connect)"
	}
	return "a VPC peering connection"
}

// kinds are what things are called.
var kinds = map[string]string{
	interconnect.KindRouterInterface: "router interface", interconnect.KindPeeringConnection: "VPC peering connection",
	interconnect.KindRoute: "route", interconnect.KindRule: "rule",
}

func things(list []interconnect.Thing) []string {
	var out []string
	for _, t := range list {
		s := kinds[t.Kind]
		if t.What != "" {
			s += " " + t.What
		}
		if t.ID != "" {
			s += " " + t.ID
		}
		s += " in " + t.In
		if t.Change != "" {
			s += ": " + t.Change
		}
		out = append(out, s)
	}
	return out
}

func reachWords(r interconnect.Reach) string {
	ports := ""
	if r.PortRange != "" && r.PortRange != "-1/-1" {
		ports = " " + r.PortRange
	}
	why := "by a rule that is there already"
	if r.Added {
		why = "by a rule that is added"
	}
	return fmt.Sprintf("%s to %s (%s) on %s%s, %s", strings.Join(r.Sources, ", "), r.Target, r.Address, r.Protocol, ports, why)
}

func differences(list []interconnect.Difference) []string {
	var out []string
	for _, d := range list {
		field := strings.TrimPrefix(d.Field, "/")
		if len(d.Added) > 0 {
			out = append(out, fmt.Sprintf("%s: %s is new", field, strings.Join(d.Added, ", ")))
		}
		if len(d.Removed) > 0 {
			out = append(out, fmt.Sprintf("%s: %s is gone", field, strings.Join(d.Removed, ", ")))
		}
		if d.Gone > 0 {
			out = append(out, fmt.Sprintf("%d of what was planned is no longer so", d.Gone))
		}
	}
	return out
}

func warnings(list []interconnect.Warning) []string {
	var out []string
	for _, w := range list {
		out = append(out, w.Sentence)
	}
	return out
}

func findings(list []policy.Finding) []string {
	var out []string
	for _, f := range list {
		out = append(out, f.Sentence)
	}
	return out
}

func flawLines(list []Flaw) []string {
	var out []string
	for _, f := range list {
		if f.Field == "" {
			out = append(out, f.Sentence)
		} else {
			out = append(out, f.Field+": "+f.Sentence)
		}
	}
	return out
}

// stepWords says what a step has done.
var stepWords = map[interconnect.Step]string{
	interconnect.Peering:        "Done, 1 of 4: the two VPCs are joined",
	interconnect.Routes:         "Done, 2 of 4: routes lead to the other side on both sides",
	interconnect.SecurityGroups: "Done, 3 of 4: the security groups let in what was asked for",
}

// stepNames are what the steps are called in a sentence.
var stepNames = map[interconnect.Step]string{
	interconnect.Peering: "joining the two VPCs", interconnect.Routes: "setting routes",
	interconnect.SecurityGroups: "opening security groups", interconnect.Verification: "pinging",
}

// verdictWords says what verification found, and before what it had found.
func verdictWords(c *Comment, v *interconnect.Verdict, before interconnect.VerdictOutcome) {
	first := before == ""
	switch {
	case v.Outcome == interconnect.VerdictConnected && first:
		c.say("Connected: what is to pass passes both ways (4 of 4).")
	case v.Outcome == interconnect.VerdictConnected:
		c.say("Healed: since %s what is to pass passes both ways again.", clock(v.At))
	case v.Outcome.Fails() && first:
		c.say("Made, but %s: what is to pass does not. It stays, and is checked on.", v.Outcome)
	case v.Outcome.Fails():
		c.say("Broken (%s): since %s what is to pass does not.", v.Outcome, clock(v.At))
	case first:
		c.say("Made, but unproven: nothing could be sent through it.")
	default:
		c.say("Unproven: since %s nothing could be sent through it.", clock(v.At))
	}
	if v.Why != "" {
		c.say("%s", v.Why)
	}
	if s := v.Stop; s != nil {
		where := fmt.Sprintf("It breaks at: %s, on the %s's side", s.Layer, s.Side)
		if s.Resource != "" {
			where += ", " + s.Resource
		}
		c.say("%s.", where)
		if s.Mend != "" {
			c.say("To mend it: %s", s.Mend)
		}
	}
	var drifts []string
	for _, d := range v.Drift {
		drifts = append(drifts, d.Sentence)
	}
	c.list("What differs from what is wanted:", drifts)
	var pings []string
	for _, p := range v.Pings {
		pings = append(pings, pingWords(p))
	}
	for _, p := range v.Ports {
		pings = append(pings, fmt.Sprintf("TCP %d of %s: %s", p.Port, p.Target, strings.TrimSpace(fates[p.Fate]+" "+p.Error)))
	}
	c.list("What was sent:", pings)
}

// fates are what became of a connect.
var fates = map[interconnect.PortFate]string{
	interconnect.PortOpen: "open", interconnect.PortRefused: "reached, though nothing listens there",
	interconnect.PortFiltered: "no answer", interconnect.PortUnreachable: "not to be reached", interconnect.PortUntried: "not tried:",
}

func pingWords(p interconnect.Ping) string {
	s := fmt.Sprintf("%s (%s) to %s: ", p.InstanceID, p.Source, p.Target)
	switch {
	case p.Error != "":
		return s + p.Error
	case p.Received == 0:
		return s + fmt.Sprintf("%d sent, none came back", p.Sent)
	}
	return s + fmt.Sprintf("%d of %d came back, %g%% loss, round trip %.1f / %.1f / %.1f ms", p.Received, p.Sent, p.LossPct, p.MinMs, p.AvgMs, p.MaxMs)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func problemWords(p *interconnect.Problem) string {
	if p == nil {
		return ""
	}
	if p.RequestID != "" {
		return fmt.Sprintf("%s (The cloud's request id: %s.)", p.Sentence, p.RequestID)
	}
	return p.Sentence
}
