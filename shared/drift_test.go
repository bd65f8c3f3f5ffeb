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
