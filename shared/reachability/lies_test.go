package reachability_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// lies are Pictures that leave out one thing that decides. An analysis that
// did not look at it would say the same.
var lies = []struct {
	about string
	tell  func(s *reachability.Side)
}{
	{"whether instances run", func(s *reachability.Side) { all(s.Instances, func(i *interconnect.Instance) { i.Running = true }) }},
	{"whose table serves a vSwitch", func(s *reachability.Side) {
		all(s.VSwitches, func(v *interconnect.VSwitch) { v.RouteTableID = s.Tables[0].ID })
	}},
	{"network ACLs", func(s *reachability.Side) { all(s.VSwitches, func(v *interconnect.VSwitch) { v.NetworkAclID = "" }) }},
	{"what ACLs let in", func(s *reachability.Side) { all(s.Acls, func(a *interconnect.NetworkAcl) { a.Ingress = a.Egress }) }},
	{"ports of ACLs", func(s *reachability.Side) {
		all(s.Acls, func(a *interconnect.NetworkAcl) {
			all(a.Ingress, func(r *interconnect.AclRule) { r.PortRange = "-1/-1" })
		})
	}},
	{"the state of router interfaces", func(s *reachability.Side) {
		all(s.Interfaces, func(r *interconnect.RouterInterface) { r.Status = "Active" })
	}},
	{"locks of router interfaces", func(s *reachability.Side) {
		all(s.Interfaces, func(r *interconnect.RouterInterface) { r.BusinessStatus = "Normal" })
	}},
	{"the state of peering connections", func(s *reachability.Side) {
		all(s.Peerings, func(p *interconnect.PeeringConnection) { p.Status = "Activated" })
	}},
	{"locks of peering connections", func(s *reachability.Side) {
		all(s.Peerings, func(p *interconnect.PeeringConnection) { p.BusinessStatus = "Normal" })
	}},
	{"whether a route is there yet", func(s *reachability.Side) {
		all(s.Entries, func(e *interconnect.RouteEntry) { e.Status = "Available" })
	}},
	{"the second of a route's next hops", func(s *reachability.Side) { all(s.Entries, firstHop) }},
	{"priorities of rules", func(s *reachability.Side) { everyRule(s, func(r *interconnect.Rule) { r.Priority = 1 }) }},
	{"policies of rules", func(s *reachability.Side) { everyRule(s, func(r *interconnect.Rule) { r.Policy = "accept" }) }},
	{"directions of rules", func(s *reachability.Side) {
		everyRule(s, func(r *interconnect.Rule) { r.Direction = interconnect.Ingress })
	}},
	{"protocols of rules", func(s *reachability.Side) { everyRule(s, func(r *interconnect.Rule) { r.Protocol = "ALL" }) }},
	{"ports of rules", func(s *reachability.Side) { everyRule(s, func(r *interconnect.Rule) { r.PortRange = "-1/-1" }) }},
	{"what narrows a rule", func(s *reachability.Side) {
		everyRule(s, func(r *interconnect.Rule) {
			if n := r.Narrow; n != (interconnect.Narrow{}) {
				r.PeerBlock, r.PeerGroupID, r.Narrow = n.PeerBlock, n.PeerGroupID, interconnect.Narrow{}
			}
		})
	}},
	{"groups as peers", func(s *reachability.Side) {
		everyRule(s, func(r *interconnect.Rule) {
			if r.PeerGroupID != "" {
				r.PeerGroupID = "sg-nobody"
			}
		})
	}},
	{"types of groups", func(s *reachability.Side) { all(s.Groups, func(g *interconnect.Group) { g.Advanced = false }) }},
	{"isolation of groups", func(s *reachability.Side) { all(s.Groups, func(g *interconnect.Group) { g.Isolated = false }) }},
	{"all groups but the first", func(s *reachability.Side) {
		all(s.Instances, func(i *interconnect.Instance) { i.SecurityGroupIDs = i.SecurityGroupIDs[:1] })
	}},
}

func all[T any](list []T, f func(*T)) {
	for n := range list {
		f(&list[n])
	}
}

func everyRule(s *reachability.Side, f func(*interconnect.Rule)) {
	all(s.Groups, func(g *interconnect.Group) { all(g.Rules, f) })
}

func firstHop(e *interconnect.RouteEntry) {
	for n, c := range e.NextHopID {
		if c == ',' {
			e.NextHopID = e.NextHopID[:n]
			return
		}
	}
}

// TestALieAboutAnythingIsFoundOut shows that agreement on random worlds is no
// accident: leave one thing out of the Picture, and the two judges differ.
func TestALieAboutAnythingIsFoundOut(t *testing.T) {
	t.Parallel()
	const enough = 600
	for _, lie := range lies {
		t.Run(lie.about, func(t *testing.T) {
			t.Parallel()
			for n := uint64(1); n <= enough; n++ {
				s := stage(t, worldNumber(n))
				lie.tell(&s.picture.Initiator)
				lie.tell(&s.picture.Acceptor)
				if disagreement(s, newTally()) != "" {
					return
				}
			}
			require.Failf(t, "not found out", "in %d random worlds nothing depends on %s", enough, lie.about)
		})
	}
}
