package shared_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
)

// opened connects the tutorial with TCP ports that the acceptor opens to the
// initiator, and a second instance there.
func opened(t *testing.T) *breakage {
	t.Helper()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	w := world.Default()
	second := w.VPCs[1].Instances[0]
	second.ID, second.Name, second.PrivateIP = "i-second", "second", "172.16.1.11"
	w.VPCs[1].Instances = append(w.VPCs[1].Instances, second)
	r := rehearseIn(t, string(template), w)
	b := &breakage{rehearsal: r, kind: interconnect.TypeVpcPeering}
	b.guest(thereInstance, func(g *engine.GuestFacts) { g.ListenTCP = []int{5432} })
	b.guest("i-second", func(g *engine.GuestFacts) { g.ListenTCP = []int{5432} })
	r.ask(`{"id": "c", "type": "VpcPeering", "repair": "auto",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "` + hereVPC + `", "securityGroups": [{"securityGroupId": "` + hereGroup + `"}], "probe": {"packets": 6}},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "` + thereVPC + `", "probe": {"instanceIds": ["` + thereInstance + `", "i-second"]},
    "securityGroups": [{"securityGroupId": "` + thereGroup + `", "allow": [{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "5432/5432"}, {"protocol": "TCP", "portRange": "8000/8999"}]}]}}`)
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"), r.record("c").Steps)
	r.told()
	return b
}

func (b *breakage) guest(id string, f func(*engine.GuestFacts)) {
	b.t.Helper()
	require.NoError(b.t, b.engine.SetGuest(id, f))
}

func (b *breakage) verdict() interconnect.Verdict {
	return b.record("c").Steps[interconnect.Verification].Verdicts[0]
}

func TestPortsAndSeveralInstancesAreProbedInTheGuests(t *testing.T) {
	t.Parallel()
	b := opened(t)
	v := b.verdict()
	fates := map[string]interconnect.PortFate{}
	for _, p := range v.Ports {
		fates[p.Target+" "+map[int]string{5432: "database", 8000: "range"}[p.Port]] = p.Fate
	}
	require.Equal(t, map[string]interconnect.PortFate{
		"172.16.1.10 database": interconnect.PortOpen, "172.16.1.10 range": interconnect.PortRefused,
		"172.16.1.11 database": interconnect.PortOpen, "172.16.1.11 range": interconnect.PortRefused,
	}, fates)
	require.Len(t, v.Pings, 3)
	for _, p := range v.Pings {
		require.Equal(t, map[interconnect.Role]int{interconnect.Initiator: 6, interconnect.Acceptor: 4}[p.From], p.Sent)
		require.Zero(t, p.LossPct)
	}

	// A firewall inside the second instance: pings pass, one port does not.
	b.guest("i-second", func(g *engine.GuestFacts) { g.DropTCP = []engine.PortRange{{From: 5432, To: 5432}} })
	found, _ := b.check()
	require.Equal(t, interconnect.VerdictBlocked, found.Outcome, found.Why)
	require.Equal(t, "guest", found.Stop.Layer)
	require.Equal(t, "i-second", found.Stop.Resource)
	require.Contains(t, found.Why, "5432")
	b.guest("i-second", func(g *engine.GuestFacts) { g.DropTCP = nil })

	// The rule of one port alone: the verdict names the group, the check mends it.
	rule := b.ruleThat(thereGroup, func(r engine.SecurityRule) bool { return r.Ports.From == 5432 })
	b.hand("Ecs", there, "RevokeSecurityGroup", "SecurityGroupId", thereGroup, "SecurityGroupRuleId.1", rule)
	found, after := b.check()
	require.Equal(t, thereGroup, found.Stop.Resource, found.Why)
	require.Contains(t, found.Stop.Mend, "5432")
	require.NotEmpty(t, after)
	require.Equal(t, interconnect.StateConnected, b.state("c"))
	require.Empty(t, b.denied)
}

// What a ping does not feel is found and mended all the same; what came to a VPC
// later is told, and nothing is routed to it unasked.
func TestDriftIsMendedWhilePacketsPassAndNewBlocksAreTold(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.hand("Ecs", there, "AuthorizeSecurityGroup", "SecurityGroupId", thereGroup, "Permissions.1.Policy", "accept", "Permissions.1.Priority", "50",
		"Permissions.1.IpProtocol", "ALL", "Permissions.1.PortRange", "-1/-1", "Permissions.1.SourceCidrIp", "192.168.0.0/16")
	b.hand("Ecs", there, "RevokeSecurityGroup", "SecurityGroupId", thereGroup, "SecurityGroupRuleId.1", b.rule(thereGroup, false))
	found, _ := b.check()
	require.Equal(t, interconnect.VerdictConnected, found.Outcome)
	require.Equal(t, interconnect.DriftMissing, found.Drift[0].Kind)
	require.Contains(t, found.Why, "not all is as it was made")
	require.Empty(t, b.verdict().Drift, "mended")

	b.hand("Vpc", there, "AssociateVpcCidrBlock", "VpcId", thereVPC, "SecondaryCidrBlock", "10.9.0.0/16")
	before := world.Export(b.engine)
	found, after := b.check()
	require.Equal(t, interconnect.VerdictConnected, found.Outcome)
	require.Equal(t, interconnect.DriftUncovered, found.Drift[0].Kind)
	require.Contains(t, found.Drift[0].Sentence, "10.9.0.0/16")
	require.Empty(t, after, "no repair is begun for it")
	require.Equal(t, before, world.Export(b.engine))
	shown := b.http("GET", "/connections/c", "")
	require.Contains(t, shown, `"uncovered"`)

	// Asked for again, it is in.
	b.ask(strings.Replace(`{"id": "c", "type": "VpcPeering",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "HERE", "securityGroups": [{"securityGroupId": "`+hereGroup+`"}]},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "`+thereVPC+`", "securityGroups": [{"securityGroupId": "`+thereGroup+`"}]}}`, "HERE", hereVPC, 1))
	b.settle()
	require.Equal(t, interconnect.StateConnected, b.state("c"))
	b.pass(10 * time.Minute)
	b.sweep()
	b.settle()
	require.Empty(t, b.verdict().Drift)
	require.Empty(t, b.denied)
}

// Of several things that are amiss at once those of ours are mended, and those
// of others are left, whatever the order in which they are met.
func TestWhatIsOursIsMendedBesideWhatIsNot(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	byName := map[string]broken{}
	for _, tt := range breaks {
		byName[tt.name] = tt
	}
	for _, names := range [][]string{
		{"a route is deleted on the initiator's side", "our rule is removed", "a route is deleted on the acceptor's side"},
		{"somebody's more specific route leads elsewhere", "our rule is removed"},
		{"a drop rule at the priority of ours", "a route is deleted on the acceptor's side"},
		{"the instance is stopped", "our rule is removed", "a route is deleted on the initiator's side"},
		{"a network ACL drops the other side", "our route is led elsewhere"},
	} {
		t.Run(strings.Join(names, ", and "), func(t *testing.T) {
			t.Parallel()
			kind := interconnect.TypeExpressConnect
			b := breakIn(t, string(template), madeKey{kind: kind})
			connected := true
			for _, name := range names {
				byName[name].how(b)
				connected = connected && byName[name].mended
			}
			b.http("POST", "/connections/c/verifications", "")
			b.settle()
			b.http("POST", "/connections/c/verifications", "")
			b.settle()
			v := b.verdict()
			require.False(t, v.Mendable(), "%+v", v.Drift)
			require.Equal(t, connected, b.state("c") == interconnect.StateConnected, v.Why)
			if b.id != "" {
				require.Contains(t, v.Why, b.id, "what is left is named")
			}
			require.Empty(t, b.denied)
		})
	}

	// A route of somebody else's in the place of ours keeps the routes step from
	// its work, and not the groups' from theirs.
	b := breakIn(t, string(template), madeKey{kind: interconnect.TypeVpcPeering})
	b.hand("Vpc", here, "DeleteRouteEntry", "RouteEntryId", b.route(hereTable))
	b.hand("Vpc", here, "CreateRouteEntry", "RouteTableId", hereTable, "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "Instance", "NextHopId", hereInstance)
	byName["our rule is removed"].how(b)
	b.http("POST", "/connections/c/verifications", "")
	b.settle()
	require.NotEmpty(t, b.rule(thereGroup, false), "our rule is there again")
	require.Empty(t, b.route(hereTable), "and the route is not ours to take away")
}

func TestAConnectionThatFlapsIsToldOfOnceOnTheWholeChain(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	b := breakIn(t, string(template), madeKey{kind: interconnect.TypeVpcPeering})
	for n := range 8 {
		b.guest(thereInstance, func(g *engine.GuestFacts) { g.DropICMP = n%2 == 0 })
		b.http("POST", "/connections/c/verifications", "")
		b.settle()
	}
	for range 5 {
		b.http("POST", "/connections/c/verifications", "")
		b.settle()
	}
	var types []string
	for _, a := range b.told() {
		types = append(types, strings.TrimPrefix(a.Type, "vpcinterconnect.verdict."))
	}
	require.Equal(t, []string{"changed", "changed", "changed", "flapping", "steady"}, types)
}
