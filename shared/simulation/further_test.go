package simulation

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// further is what is drawn apart from the rest of a plan, so that the other draws
// of a seed stay what they are: what requests ask for besides, and what more
// people do.
type further struct {
	repair bool          // repair: auto
	checks time.Duration // between the schedule's checks; 0: there are none
	expire bool          // some requests are for some minutes
	window bool          // some are for later
}

// furtherDeeds are those that a plan's further draws are of, by how often.
var furtherDeeds = []string{"check", "check", "check", "plan", "widen", "widen", "narrow", "take peering", "take peering"}

// drawFurther draws it.
func (p *plan) drawFurther() {
	r := rand.New(rand.NewPCG(p.seed, 0x66757274686572))
	chance := func(c float64) bool { return r.Float64() < c }
	p.further = further{repair: chance(0.25), expire: chance(0.1), window: chance(0.1)}
	if chance(0.3) || p.repair {
		p.checks = []time.Duration{3, 6, 15}[r.IntN(3)] * time.Minute
	}
	if chance(0.35) {
		for range 1 + r.IntN(3) {
			p.script = append(p.script, entry{time.Duration(r.Int64N(int64(p.length))), furtherDeeds[r.IntN(len(furtherDeeds))], []string{"one", "one", "two"}[r.IntN(3)], r.IntN(1 << 16)})
		}
	}
	if p.repair { // there is to be something to repair, made by then in most seeds
		p.script = append(p.script, entry{p.length - time.Duration(1+r.IntN(20))*time.Second, []string{"take route", "take rule", "take pair", "take peering"}[r.IntN(4)], "one", r.IntN(1 << 16)})
	}
	slices.SortStableFunc(p.script, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
}

// every is the interval of the schedule's checks, as intake has it.
func (f further) every() time.Duration {
	if f.checks == 0 {
		return -1
	}
	return f.checks
}

// besides gives a request what the plan has it ask for besides.
func (f further) besides(r *interconnect.Request, variant int, now time.Time) {
	if f.repair {
		r.Repair = interconnect.RepairAuto
	}
	if variant == afterwards {
		return
	}
	if f.expire && variant%2 == 1 {
		r.ExpiresAt = now.Add(time.Duration(2*variant) * time.Minute).Format(time.RFC3339)
	}
	if f.window && variant%3 == 2 {
		r.NotBefore = now.Add(time.Duration(variant) * time.Minute / 2).Format(time.RFC3339)
	}
}

// somebody is who asks over HTTP.
var somebody = intake.Token{Name: "somebody", Hash: sha256.Sum256([]byte("somebody's"))}

// overHTTP sends intake a request of its API. What it does may only look, if looks.
func (s *sim) overHTTP(method, path string, body []byte, looks bool) {
	v := s.start("intake", method+" "+path, func(v *invocation) func(context.Context) error {
		return s.intakeFunction(v, func(ctx context.Context, in *intake.Intake) error {
			in.Tokens = []intake.Token{somebody}
			r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
			r.Header.Set("Authorization", "Bearer somebody's")
			w := httptest.NewRecorder()
			in.ServeHTTP(w, r)
			v.mu.Lock()
			defer v.mu.Unlock()
			v.said = append(v.said, said{time.Now(), fmt.Sprintf("answered %d", w.Code)})
			return nil
		})
	})
	v.verify, v.reads = looks, looks
}

// check asks for a check.
func (s *sim) check(e entry) {
	s.overHTTP(http.MethodPost, "/connections/"+e.id+"/verifications", nil, false)
}

// dryRun asks what would come of a request.
func (s *sim) dryRun(e entry) {
	body, err := json.Marshal(s.request(e.id, e.variant%variants))
	must(err)
	s.overHTTP(http.MethodPost, "/connections?dryRun=true", body, true)
}

// widen adds a block to one of a connection's VPCs, which nothing else has. A
// connection covers what its VPCs had when it was asked for.
func (s *sim) widen(e entry) {
	id, region := s.oneOf(e)
	block := fmt.Sprintf("10.%d.0.0/16", 100+s.hands())
	if s.console("Vpc", "AssociateVpcCidrBlock", map[string]string{"RegionId": region, "VpcId": id, "SecondaryCidrBlock": block}) == nil {
		s.say("somebody gives %s the block %s", id, block)
	}
}

// narrow takes such a block away.
func (s *sim) narrow(e entry) {
	id, region := s.oneOf(e)
	for _, v := range s.engine.VPCSnapshot().VPCs {
		if v.ID == id && len(v.Secondary) > 0 {
			block := v.Secondary[0].String()
			err := s.console("Vpc", "UnassociateVpcCidrBlock", map[string]string{"RegionId": region, "VpcId": id, "SecondaryCidrBlock": block})
			s.say("somebody takes the block %s from %s: %v", block, id, err)
		}
	}
}

// oneOf is one of a connection's VPCs.
func (s *sim) oneOf(e entry) (id, region string) {
	if e.variant%2 == 0 {
		return "vpc-a", home
	}
	return "vpc-" + far(e.id), away
}

// between is what joins two VPCs, seen from one of them.
type between struct {
	id, opposite string // of a peering connection one id
	hop          string // the type of next hop that it is
}

// waysBetween are the active ones, whoever made them, router interfaces first.
func (s *sim) waysBetween(vpc, other string) (out []between) {
	if i := s.interfaceOf(vpc, other); i != nil {
		out = append(out, between{i.ID, i.OppositeID, interconnect.HopRouterInterface})
	}
	for _, p := range s.engine.PeerSnapshot().PeerConnections {
		if p.Status == engine.PeerActivated && joinsVPCs(p, "vpc-"+vpc, "vpc-"+other) {
			out = append(out, between{p.ID, p.ID, interconnect.HopVpcPeer})
		}
	}
	return out
}

// leadByHand makes a route of somebody's into what joins a connection's VPCs, and
// says what that is; "" if it cannot be made.
func (s *sim) leadByHand(id, destination string) string {
	for _, w := range s.waysBetween("a", far(id)) {
		if s.console("Vpc", "CreateRouteEntry", map[string]string{"RegionId": home, "RouteTableId": "vtb-a",
			"DestinationCidrBlock": destination, "NextHopType": w.hop, "NextHopId": w.id, "RouteEntryName": "by-hand"}) == nil {
			s.judge.heldByHand[w.id], s.judge.heldByHand[w.opposite] = true, true
			return w.id
		}
	}
	return ""
}

// setBusinessStatus says whether what joins two VPCs is paid for.
func (s *sim) setBusinessStatus(w between, status string) {
	if w.hop == interconnect.HopRouterInterface {
		must(s.engine.SetBusinessStatus(w.id, status))
		return
	}
	must(s.engine.EditPeerConnection(w.id, func(p *engine.PeerConnection) { p.BusinessStatus = status }))
}

// takePeering removes our peering connection by hand; every other time its routes,
// too.
func (s *sim) takePeering(e entry) {
	for _, p := range s.peerings() {
		if p.VpcID != "vpc-"+far(e.id) && p.AcceptingVpcID != "vpc-"+far(e.id) || p.Status != engine.PeerActivated {
			continue
		}
		force := fmt.Sprint(e.variant%2 == 0)
		if s.console("VpcPeer", "DeleteVpcPeerConnection", map[string]string{"RegionId": p.RegionID, "InstanceId": p.ID, "Force": force}) == nil {
			s.disturb(e.id, "removes "+p.ID)
		}
	}
}

// heal lets the schedule's checks mend what has only lost something of ours, where
// requests say so.
func (s *sim) heal() {
	if !s.plan.repair || s.plan.expire {
		return
	}
	hurt := map[string]bool{}
	for _, r := range s.watch() {
		hurt[r.ID] = s.judge.robbed[r.ID] && made[interconnect.Overall(&r, time.Now())]
	}
	end := time.Now().Add(2*s.plan.checks + 5*time.Minute)
	for time.Now().Before(end) && s.violated == "" {
		s.step(end)
	}
	for _, r := range s.settle("after checks") {
		if !hurt[r.ID] || !r.Live() {
			continue
		}
		state := interconnect.Overall(&r, time.Now())
		s.say("%s is %s", r.ID, state)
		if state != interconnect.StateConnected && !(s.plan.offline && state == interconnect.StateUnproven) {
			s.violate("what has lost something of ours is connected again by its checks: %s is %s: %s", r.ID, state, problems(&r))
		}
		delete(s.judge.disturbed, r.ID)
		s.checkMade("after checks", &r, state)
	}
}

// unmarked is a cloud on which peering connections are made without our mark.
type unmarked struct{ stepCloud }

func (u unmarked) CreatePeeringConnection(ctx context.Context, region string, n interconnect.NewPeeringConnection) (string, error) {
	n.Name, n.Description, n.Tags = "peering", "peering", nil
	return u.stepCloud.CreatePeeringConnection(ctx, region, n)
}

func TestSeedsDrawWhatIsDrawnApart(t *testing.T) {
	t.Parallel()
	drawn := map[string]int{}
	for seed := range uint64(2000) {
		p := draw(seed + 1)
		for _, e := range p.script {
			drawn[e.do]++
		}
		for name, is := range map[string]bool{"repair": p.repair, "checks": p.checks > 0, "expire": p.expire, "window": p.window} {
			if is {
				drawn[name]++
			}
		}
	}
	for _, name := range append([]string{"repair", "checks", "expire", "window"}, furtherDeeds...) {
		require.Greater(t, drawn[name], 50, name)
		if !slices.Contains([]string{"repair", "checks", "expire", "window"}, name) {
			require.Contains(t, deeds, name)
		}
	}
}
