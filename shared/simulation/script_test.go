package simulation

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// entry is something that somebody does at a time.
type entry struct {
	at      time.Duration
	do      string // a key of deeds
	id      string // of a connection
	variant int
}

// deeds are what people do: users by asking intake, others at the console.
var deeds = map[string]func(*sim, entry){
	"ask":        (*sim).ask,
	"disconnect": (*sim).disconnect,

	"collide":      (*sim).collide,
	"equal route":  (*sim).equalRoute,
	"equal rule":   (*sim).equalRule,
	"drop rule":    (*sim).dropRule,
	"firewall":     (*sim).firewall,
	"take route":   (*sim).takeRoute,
	"take rule":    (*sim).takeRule,
	"deactivate":   (*sim).deactivate,
	"take pair":    (*sim).takePair,
	"point to us":  (*sim).pointToUs,
	"lock":         (*sim).lock,
	"delete VPC":   (*sim).deleteVPC,
	"deny":         (*sim).deny,
	"freeze":       (*sim).freeze,
	"spoil":        (*sim).spoil,
	"sweep late":   (*sim).sweepLate,
	"reorder time": (*sim).wakeAll,

	"check":        (*sim).check,
	"plan":         (*sim).dryRun,
	"widen":        (*sim).widen,
	"narrow":       (*sim).narrow,
	"take peering": (*sim).takePeering,
}

// foreign are the deeds of others, by how often they are drawn.
var foreign = []string{
	"collide", "equal route", "equal route", "equal rule", "equal rule", "drop rule", "firewall", "take route", "take rule",
	"deactivate", "take pair", "point to us", "lock", "delete VPC", "deny", "deny", "deny", "freeze", "freeze", "spoil", "sweep late", "reorder time",
}

// ids are those that connections are asked for by.
var ids = []string{"one", "two", "rival"}

// drawScript draws what people do during the storm.
func drawScript(r *rand.Rand, p *plan) ([]entry, time.Duration) {
	length := time.Duration(1+r.IntN(9)) * time.Minute
	most := 5
	if p.brief {
		length, most = time.Duration(30+r.IntN(210))*time.Second, 3
	}
	at := func() time.Duration { return time.Duration(r.Int64N(int64(length))) }
	script := []entry{{do: "ask", id: "one", variant: r.IntN(variants)}}
	users := []func() entry{
		func() entry { return entry{at(), "ask", "one", r.IntN(variants)} },
		func() entry { return entry{at(), "ask", "two", r.IntN(variants)} },
		func() entry { return entry{at(), "disconnect", "one", 0} },
		func() entry { return entry{at(), "disconnect", "two", 0} },
		func() entry { return entry{at(), "ask", "rival", r.IntN(variants)} },
		func() entry { return entry{at(), "disconnect", "rival", 0} },
	}
	weights := []int{4, 3, 4, 2, 1, 1}
	if p.hasty { // a disconnect while the connect is under way
		script = append(script, entry{time.Duration(1+r.IntN(40)) * time.Second, "disconnect", "one", 0})
	}
	if p.sharedRule {
		script = append(script, entry{at(), "ask", "two", 0})
	}
	for range r.IntN(most) {
		n := r.IntN(15)
		for i, w := range weights {
			if n -= w; n < 0 {
				script = append(script, users[i]())
				break
			}
		}
	}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(most-2) {
			id := []string{"one", "one", "two"}[r.IntN(3)]
			script = append(script, entry{at(), foreign[r.IntN(len(foreign))], id, r.IntN(1 << 16)})
		}
	}
	slices.SortStableFunc(script, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	return script, length
}

const (
	// variants is how many requests a connection can be asked for by.
	variants = 5
	// afterwards is one more, which nobody asks for during the storm: so it is
	// always a change.
	afterwards = variants
)

// request is a connection's request in one of its variants.
func (s *sim) request(id string, variant int) *interconnect.Request {
	there := "b"
	if id == "two" {
		there = "c"
	}
	allow := []interconnect.RequestAllow{{Protocol: "ICMP"}}
	spec := "Mini.2"
	switch variant {
	case 1:
		allow = append(allow, interconnect.RequestAllow{Protocol: "TCP", PortRange: "5432/5432"})
	case 2:
		spec = "Mini.5"
	case 3:
		allow = append(allow, interconnect.RequestAllow{Protocol: "TCP", PortRange: "443/443"}, interconnect.RequestAllow{Protocol: "UDP", PortRange: "53/53"})
	case afterwards:
		allow = append(allow, interconnect.RequestAllow{Protocol: "TCP", PortRange: "8443/8443"})
	}
	group := func(id string) []interconnect.RequestGroup {
		return []interconnect.RequestGroup{{SecurityGroupID: id, Allow: allow}}
	}
	r := &interconnect.Request{
		ID: id, Type: interconnect.TypeExpressConnect, Specification: spec, AllowCut: true,
		Initiator: interconnect.RequestSide{RegionID: home, VpcID: "vpc-a", SecurityGroups: group("sg-a"), Probe: &interconnect.RequestProbe{InstanceID: "i-a"}},
		Acceptor:  interconnect.RequestSide{RegionID: away, VpcID: "vpc-" + there, SecurityGroups: group("sg-" + there)},
	}
	if s.plan.keep {
		r.OnFailure = interconnect.OnFailureKeep
	}
	if variant == 4 {
		r.Initiator.RouteTableIDs = []string{"vtb-a"}
	}
	if s.plan.sharedRule { // both blocks are one: each connection has its table
		r.Initiator.RouteTableIDs = []string{"vtb-a"}
		if id == "two" {
			r.Initiator.RouteTableIDs = []string{"vtb-a2"}
		}
	}
	if id == "two" && (variant != 4 || s.plan.sharedRule) { // the probe's table has the routes
		r.Initiator.Probe.InstanceID = "i-a2"
	}
	s.plan.retype(r, variant)
	s.plan.besides(r, variant, time.Now())
	return r
}

func (s *sim) ask(e entry) {
	r := s.request(e.id, e.variant)
	s.start("intake", fmt.Sprintf("ask for %s, variant %d", e.id, e.variant), func(v *invocation) func(context.Context) error {
		return s.intakeFunction(v, func(ctx context.Context, in *intake.Intake) error {
			_, err := in.Ask(ctx, r, intake.Asker{Token: "somebody"})
			return s.refusal(v, err)
		})
	})
}

func (s *sim) disconnect(e entry) {
	s.start("intake", "disconnect "+e.id, func(v *invocation) func(context.Context) error {
		return s.intakeFunction(v, func(ctx context.Context, in *intake.Intake) error {
			_, err := in.Disconnect(ctx, e.id, intake.Asker{Token: "somebody"})
			return s.refusal(v, err)
		})
	})
}

// refusal notes what intake answered: that is no failure of the function.
func (s *sim) refusal(v *invocation, err error) error {
	if err != nil {
		v.mu.Lock()
		v.said = append(v.said, said{time.Now(), "refused: " + err.Error()})
		v.refused = true
		v.mu.Unlock()
	}
	return nil
}

// console does something by hand, past all faults.
func (s *sim) console(product, action string, parameters map[string]string) *engine.Error {
	s.weather.watching = true
	defer func() { s.weather.watching = false }()
	a, ok := engine.Find(product, action)
	if !ok {
		panic("no action " + action)
	}
	res := s.engine.Call(engine.Call{Product: a.Product, Version: a.Version, Action: action, Parameters: parameters,
		Caller: engine.Caller{AccountID: s.account, Type: engine.CallerAccount}})
	if res.Err != nil {
		s.say("by hand: %s -> %s", action, res.Err)
	}
	return res.Err
}

// far is a connection's other VPC.
func far(id string) string {
	if id == "two" {
		return "c"
	}
	return "b"
}

func (s *sim) disturb(id, why string) {
	s.say("somebody: %s (%s)", why, id)
	s.judge.robbed[id] = strings.HasPrefix(why, "removes") && (s.judge.disturbed[id] == "" || s.judge.robbed[id])
	s.judge.disturbed[id] = why
	if id == "one" {
		s.judge.disturbed["rival"] = why
	}
	s.judge.taken = s.judge.taken || strings.HasPrefix(why, "removes") || strings.HasPrefix(why, "deletes")
}

func (s *sim) collide(e entry) {
	_, err := s.engine.AddRouteEntry(engine.RouteEntry{ID: fmt.Sprintf("rte-hand-%d", s.hands()), TableID: "vtb-" + far(e.id),
		Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHops: []engine.NextHop{{Type: "Instance", ID: "i-" + far(e.id)}}, Name: "by hand"})
	s.disturb(e.id, fmt.Sprintf("makes a route that collides: %v", err))
}

// pairs lists the router interfaces at a VPC that lead to a connection's other.
func (s *sim) interfaceOf(vpc, other string) *engine.RouterInterface {
	for _, i := range s.engine.VPCSnapshot().RouterInterfaces {
		if i.VpcID == "vpc-"+vpc && i.OppositeRouterID == "vrt-"+other && i.Status == "Active" {
			return &i
		}
	}
	return nil
}

// equalRoute makes by hand what we are about to make, where we have not yet.
func (s *sim) equalRoute(e entry) {
	if id := s.leadByHand(e.id, s.blockOf("vpc-"+far(e.id)).String()); id != "" {
		s.disturb(e.id, "makes a route equal to ours")
	}
}

func (s *sim) blockOf(vpc string) netip.Prefix {
	for _, v := range s.engine.VPCSnapshot().VPCs {
		if v.ID == vpc {
			return v.Block
		}
	}
	return netip.MustParsePrefix("10.0.0.0/16")
}

func (s *sim) equalRule(e entry) {
	s.say("somebody makes a rule equal to ours (%s)", e.id)
	rule := engine.SecurityRule{ID: fmt.Sprintf("sgr-hand-%d", s.hands()), Protocol: "ICMP", Peer: s.blockOf("vpc-" + far(e.id)), Ports: engine.AnyPort,
		SourcePorts: engine.AnyPort, Priority: 1 + e.variant%2*4, Description: "by hand", Created: time.Now()}
	must(s.engine.EditGroup("sg-a", func(g *engine.SecurityGroup) {
		for _, have := range g.Rules {
			if have.Protocol == rule.Protocol && have.Peer == rule.Peer && !have.Egress && have.Priority == rule.Priority {
				return // the cloud takes an equal rule only once
			}
		}
		g.Rules = append(slices.Clone(g.Rules), rule)
	}))
}

func (s *sim) dropRule(e entry) {
	if err := s.engine.EditGroup("sg-"+far(e.id), func(g *engine.SecurityGroup) {
		g.Rules = append(slices.Clone(g.Rules), engine.SecurityRule{ID: fmt.Sprintf("sgr-drop-%d", s.hands()), Protocol: "ALL", Drop: true,
			Peer: netip.MustParsePrefix("192.168.0.0/16"), Ports: engine.AnyPort, SourcePorts: engine.AnyPort, Priority: 1, Description: "by hand", Created: time.Now()})
	}); err == nil {
		s.disturb(e.id, "drops the other side's packets")
	}
}

func (s *sim) firewall(e entry) {
	if s.engine.SetGuest("i-"+far(e.id), func(g *engine.GuestFacts) { g.DropICMP = true }) == nil {
		s.disturb(e.id, "has the guest drop pings")
	}
}

func (s *sim) takeRoute(e entry) {
	for _, r := range s.engine.VPCSnapshot().RouteEntries {
		if m, ok := interconnect.ParseMark(r.Name); ok && m.Prefix == prefix && m.ConnectionID == e.id {
			if s.console("Vpc", "DeleteRouteEntry", map[string]string{"RegionId": r.RegionID, "RouteEntryId": r.ID}) == nil {
				s.disturb(e.id, "removes our route "+r.ID)
			}
			return
		}
	}
}

func (s *sim) takeRule(e entry) {
	s.weather.watching = true
	defer func() { s.weather.watching = false }()
	err := s.engine.EditGroup("sg-"+far(e.id), func(g *engine.SecurityGroup) {
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r engine.SecurityRule) bool {
			m, ok := interconnect.ParseMark(r.Description)
			return ok && m.Prefix == prefix
		})
	})
	if err == nil {
		s.disturb(e.id, "removes our rules")
	}
}

func (s *sim) deactivate(e entry) {
	if i := s.interfaceOf("a", far(e.id)); i != nil && s.console("Vpc", "DeactivateRouterInterface", map[string]string{"RegionId": home, "RouterInterfaceId": i.ID}) == nil {
		s.disturb(e.id, "deactivates "+i.ID)
	}
}

// takePair removes our pair by hand, as far as the cloud lets them.
func (s *sim) takePair(e entry) {
	for _, side := range [][2]string{{"a", far(e.id)}, {far(e.id), "a"}} {
		i := s.interfaceOf(side[0], side[1])
		if i == nil {
			continue
		}
		why := "removes "
		if !ourInterface(*i) {
			why = "deactivates "
		}
		s.disturb(e.id, why+i.ID)
		for _, action := range []string{"DeactivateRouterInterface", "DeleteRouterInterface"} {
			_ = s.console("Vpc", action, map[string]string{"RegionId": i.RegionID, "RouterInterfaceId": i.ID})
		}
	}
}

// pointToUs makes a route of somebody's that leads to an interface of ours.
func (s *sim) pointToUs(e entry) {
	if id := s.leadByHand(e.id, "100.99.0.0/24"); id != "" {
		s.disturb(e.id, "leads a route to our "+id)
	}
}

func (s *sim) lock(e entry) {
	ways := s.waysBetween("a", far(e.id))
	if len(ways) == 0 {
		return
	}
	s.setBusinessStatus(ways[0], "FinancialLocked")
	for _, id := range []string{"one", "two"} { // what is owed is the account's
		s.disturb(id, "does not pay for "+ways[0].id)
	}
}

// deleteVPC removes a VPC with what is in it, as far as the cloud lets them.
func (s *sim) deleteVPC(e entry) {
	x := far(e.id)
	s.disturb(e.id, "deletes the VPC "+x)
	for _, a := range [][3]string{
		{"Ecs", "StopInstance", "InstanceId=i-" + x}, {"", "", ""}, {"Ecs", "DeleteInstance", "InstanceId=i-" + x},
		{"Vpc", "DeleteVSwitch", "VSwitchId=vsw-" + x}, {"Ecs", "DeleteSecurityGroup", "SecurityGroupId=sg-" + x}, {"", "", ""}, {"Vpc", "DeleteVpc", "VpcId=vpc-" + x},
	} {
		if a[0] == "" {
			time.Sleep(10 * time.Second)
			continue
		}
		k, v, _ := strings.Cut(a[2], "=")
		p := map[string]string{k: v}
		if act, ok := engine.Find(a[0], a[1]); ok {
			for _, q := range act.Parameters {
				if q.Name == "RegionId" {
					p["RegionId"] = away
				}
				if q.Name == "ForceStop" {
					p["ForceStop"] = "true"
				}
			}
			_ = s.console(a[0], a[1], p)
		}
	}
	s.judge.broken[x] = true
}

// denials are what a role may lose the permission for.
var denials = []string{
	"CreateRouterInterface", "ModifyRouterInterfaceAttribute", "ConnectRouterInterface", "DeactivateRouterInterface", "DeleteRouterInterface",
	"CreateRouteEntries", "DeleteRouteEntries", "AuthorizeSecurityGroup", "RevokeSecurityGroup", "RunCommand",
	"DescribeRouterInterfaces", "DescribeRouteEntryList", "DescribeSecurityGroupAttribute", "UpdateParameter", "GetParametersByPath", "CreateParameter",
}

// deny takes a permission away, or gives all back if one is away.
func (s *sim) deny(e entry) {
	if len(s.weather.denied) > 0 {
		s.say("somebody gives the permissions back")
		clear(s.weather.denied)
		return
	}
	action := denials[e.variant%len(denials)]
	s.weather.denied[action] = true
	for _, id := range []string{"one", "two"} {
		s.disturb(id, "takes the permission for "+action+" away")
	}
}

// freeze stops all changes, or lets them go on.
func (s *sim) freeze(entry) {
	s.weather.watching = true
	defer func() { s.weather.watching = false }()
	if s.judge.frozenAt.IsZero() {
		s.say("somebody freezes all changes")
		must(s.operator().Freeze(context.Background(), "the network is being moved"))
		s.judge.frozenAt = time.Now()
		return
	}
	s.thaw()
}

func (s *sim) thaw() {
	if s.judge.frozenAt.IsZero() {
		return
	}
	s.weather.watching = true
	defer func() { s.weather.watching = false }()
	s.say("somebody thaws")
	must(s.operator().Thaw(context.Background()))
	s.judge.frozenAt = time.Time{}
}

// spoil sends something that is no message.
func (s *sim) spoil(e entry) {
	q := functions[1+e.variant%4]
	s.say("somebody sends something else to %s", q)
	_, err := s.engine.SendMessage(queueRef(q), engine.Outgoing{Priority: 8, Body: []string{"hello", `{"schema":99}`, `[]`, `{"schema":1,"connectionId":"../x"}`}[e.variant/4%4]})
	must(err)
	s.judge.spoilt++
}

// sweepLate has the timer fail for a while.
func (s *sim) sweepLate(entry) {
	s.nextSweep = time.Now().Add(10 * time.Minute)
	s.say("the timer fails for ten minutes")
}

// wakeAll makes every message visible again that a function holds.
func (s *sim) wakeAll(entry) {
	for _, st := range chain.Stages(interconnect.Connect) {
		all, err := s.engine.QueueMessages(queueRef(st.Queue))
		must(err)
		for _, m := range all {
			_, err := s.engine.SendMessage(queueRef(st.Queue), engine.Outgoing{Priority: 8, Body: m.Body})
			must(err)
		}
	}
	s.say("the queues deliver all that they hold twice")
}
