package shared_test

import (
	"context"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
)

// Parts of the tutorial's world.
const (
	hereVPC, thereVPC           = "vpc-m5e1qingdao000000vpc1", "vpc-2ze2beijing000000vpc2"
	hereTable, thereTable       = "vtb-m5e1qingdao000000vpc1", "vtb-2ze2beijing000000vpc2"
	hereVSwitch                 = "vsw-m5e1qingdao000000vsw1"
	hereGroup, thereGroup       = "sg-m5e1qingdao0000group", "sg-2ze2beijing0000group"
	hereInstance, thereInstance = "i-m5e1qingdao000000ecs1", "i-2ze2beijing000000ecs2"
	advancedGroup               = "sg-m5e1qingdaoadvanced"
	here, there                 = "cn-qingdao", "cn-beijing"
)

// broken is one way in which a connection breaks, and what a check has to say.
type broken struct {
	name     string // as in the README's table
	only     interconnect.Type
	advanced bool // the initiator's instance is in an advanced group
	how      func(b *breakage)
	outcome  interconnect.VerdictOutcome
	layer    string
	side     interconnect.Role
	id       func(b *breakage) string
	mended   bool // with repair: auto
}

// breakage is a connected world in which something is broken by hand.
type breakage struct {
	*rehearsal
	kind interconnect.Type
	id   string // of what was made by hand
}

// hand makes a call as the account's owner would in the console.
func (b *breakage) hand(product, region, action string, parameters ...string) {
	b.t.Helper()
	p := map[string]string{"RegionId": region}
	for i := 0; i < len(parameters); i += 2 {
		p[parameters[i]] = parameters[i+1]
	}
	version := map[string]string{"Vpc": "2016-04-28", "Ecs": "2014-05-26", "VpcPeer": "2022-01-01"}[product]
	got := b.engine.Call(engine.Call{Product: product, Version: version, Action: action, Parameters: p, Caller: b.root})
	require.Nil(b.t, got.Err, "%s: %v", action, got.Err)
	b.pass(time.Minute)
}

// route is our entry of a table.
func (b *breakage) route(table string) string {
	for _, e := range b.engine.Topology().RouteEntries {
		if e.TableID == table && strings.HasPrefix(e.Name, "interconnect.") {
			return e.ID
		}
	}
	return ""
}

// joint is our interface at one VPC, or our peering connection.
func (b *breakage) joint(vpc string) string {
	t := b.engine.Topology()
	for _, i := range t.RouterInterfaces {
		if i.VpcID == vpc {
			return i.ID
		}
	}
	for _, p := range t.PeerConnections {
		return p.ID
	}
	return ""
}

// rule is our rule in a group, in or out.
func (b *breakage) rule(group string, egress bool) string {
	return b.ruleThat(group, func(r engine.SecurityRule) bool {
		return r.Egress == egress && strings.HasPrefix(r.Description, "interconnect.")
	})
}

func (b *breakage) ruleThat(group string, fits func(engine.SecurityRule) bool) string {
	for _, g := range b.engine.Topology().SecurityGroups {
		if i := slices.IndexFunc(g.Rules, fits); g.ID == group && i >= 0 {
			return g.Rules[i].ID
		}
	}
	return ""
}

func (b *breakage) drop(group string, egress bool) {
	action, peer := "AuthorizeSecurityGroup", "SourceCidrIp"
	region, block := there, "192.168.0.0/16"
	if egress {
		action, peer = "AuthorizeSecurityGroupEgress", "DestCidrIp"
	}
	if group == hereGroup {
		region, block = here, "172.16.0.0/16"
	}
	b.hand("Ecs", region, action, "SecurityGroupId", group, "Permissions.1.Policy", "drop", "Permissions.1.Priority", "1",
		"Permissions.1.IpProtocol", "ICMP", "Permissions.1.PortRange", "-1/-1", "Permissions.1."+peer, block)
	b.id = b.ruleThat(group, func(r engine.SecurityRule) bool { return r.Drop })
}

func byHand(b *breakage) string { return b.id }

func is(id string) func(*breakage) string { return func(*breakage) string { return id } }

// breaks is the README's table.
var breaks = []broken{
	{name: "a route is deleted on the initiator's side", how: func(b *breakage) {
		b.hand("Vpc", here, "DeleteRouteEntry", "RouteEntryId", b.route(hereTable))
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Initiator, id: is(hereTable), mended: true},
	{name: "a route is deleted on the acceptor's side", how: func(b *breakage) {
		b.hand("Vpc", there, "DeleteRouteEntry", "RouteEntryId", b.route(thereTable))
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Acceptor, id: is(thereTable), mended: true},
	{name: "our route is led elsewhere", how: func(b *breakage) {
		b.hand("Vpc", here, "ModifyRouteEntry", "RouteEntryId", b.route(hereTable), "NewNextHopType", "Instance", "NewNextHopId", hereInstance)
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Initiator, id: func(b *breakage) string { return b.route(hereTable) }, mended: true},
	{name: "somebody's more specific route leads elsewhere", how: func(b *breakage) {
		b.hand("Vpc", here, "CreateRouteEntry", "RouteTableId", hereTable, "DestinationCidrBlock", "172.16.1.0/24", "NextHopType", "Instance", "NextHopId", hereInstance)
		for _, e := range b.engine.Topology().RouteEntries {
			if e.Destination == netip.MustParsePrefix("172.16.1.0/24") && e.TableID == hereTable {
				b.id = e.ID
			}
		}
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Initiator, id: byHand},
	{name: "the instance's vSwitch is put on a custom route table", how: func(b *breakage) {
		b.hand("Vpc", here, "CreateRouteTable", "VpcId", hereVPC, "RouteTableName", "by-hand")
		for _, table := range b.engine.Topology().RouteTables {
			if table.Name == "by-hand" {
				b.id = table.ID
			}
		}
		b.hand("Vpc", here, "AssociateRouteTable", "RouteTableId", b.id, "VSwitchId", hereVSwitch)
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Initiator, id: byHand},
	{name: "a router interface is deactivated", only: interconnect.TypeExpressConnect, how: func(b *breakage) {
		b.hand("Vpc", there, "DeactivateRouterInterface", "RouterInterfaceId", b.joint(thereVPC))
	}, outcome: interconnect.VerdictBlocked, layer: "peering", side: interconnect.Acceptor, id: func(b *breakage) string { return b.joint(thereVPC) }, mended: true},
	{name: "the VPC peering connection is deleted by force", only: interconnect.TypeVpcPeering, how: func(b *breakage) {
		b.id = b.route(hereTable)
		b.hand("VpcPeer", here, "DeleteVpcPeerConnection", "InstanceId", b.joint(hereVPC), "Force", "true")
	}, outcome: interconnect.VerdictBlocked, layer: "route", side: interconnect.Initiator, id: is(hereTable), mended: true},
	{name: "what joins the VPCs is locked for an unpaid bill", how: func(b *breakage) {
		b.id = b.joint(hereVPC)
		if b.kind == interconnect.TypeVpcPeering {
			require.NoError(b.t, b.engine.EditPeerConnection(b.id, func(p *engine.PeerConnection) { p.BusinessStatus = "FinancialLocked" }))
		} else {
			require.NoError(b.t, b.engine.SetBusinessStatus(b.id, "FinancialLocked"))
		}
	}, outcome: interconnect.VerdictBlocked, layer: "peering", side: interconnect.Initiator, id: byHand},
	{name: "our rule is removed", how: func(b *breakage) {
		b.hand("Ecs", there, "RevokeSecurityGroup", "SecurityGroupId", thereGroup, "SecurityGroupRuleId.1", b.rule(thereGroup, false))
	}, outcome: interconnect.VerdictOneWay, layer: "security group ingress", side: interconnect.Acceptor, id: is(thereGroup), mended: true},
	{name: "a drop rule at the priority of ours", how: func(b *breakage) { b.drop(thereGroup, false) },
		outcome: interconnect.VerdictOneWay, layer: "security group ingress", side: interconnect.Acceptor, id: byHand},
	{name: "a drop rule on the way out", how: func(b *breakage) { b.drop(hereGroup, true) },
		outcome: interconnect.VerdictOneWay, layer: "security group egress", side: interconnect.Initiator, id: byHand},
	{name: "an advanced group loses its rule for the way out", advanced: true, how: func(b *breakage) {
		b.hand("Ecs", here, "RevokeSecurityGroupEgress", "SecurityGroupId", advancedGroup, "SecurityGroupRuleId.1", b.rule(advancedGroup, true))
	}, outcome: interconnect.VerdictOneWay, layer: "security group egress", side: interconnect.Initiator, id: is(advancedGroup), mended: true},
	{name: "a network ACL drops the other side", how: func(b *breakage) {
		b.hand("Vpc", here, "CreateNetworkAcl", "VpcId", hereVPC, "NetworkAclName", "by-hand")
		acl := b.engine.Topology().NetworkACLs[0].ID
		b.hand("Vpc", here, "UpdateNetworkAclEntries", "NetworkAclId", acl, "UpdateIngressAclEntries", "true",
			"IngressAclEntries.1.Policy", "drop", "IngressAclEntries.1.Protocol", "all", "IngressAclEntries.1.Port", "-1/-1", "IngressAclEntries.1.SourceCidrIp", "172.16.0.0/16")
		b.hand("Vpc", here, "AssociateNetworkAcl", "NetworkAclId", acl, "Resource.1.ResourceId", hereVSwitch, "Resource.1.ResourceType", "VSwitch")
		b.id = acl
	}, outcome: interconnect.VerdictBlocked, layer: "network ACL", side: interconnect.Initiator, id: byHand},
	{name: "the instance is stopped", how: func(b *breakage) { b.hand("Ecs", there, "StopInstance", "InstanceId", thereInstance) },
		outcome: interconnect.VerdictUnproven, layer: "instance", side: interconnect.Acceptor, id: is(thereInstance)},
	{name: "Cloud Assistant is offline", how: func(b *breakage) {
		require.NoError(b.t, b.engine.SetGuest(thereInstance, func(g *engine.GuestFacts) { g.AgentOnline = false }))
	}, outcome: interconnect.VerdictUnproven, id: is(thereInstance)},
	{name: "a container bridge covers the other side", how: func(b *breakage) {
		require.NoError(b.t, b.engine.SetGuest(hereInstance, func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: netip.MustParsePrefix("172.16.0.0/15"), Device: "docker0"}}
		}))
	}, outcome: interconnect.VerdictBlocked, layer: "guest", side: interconnect.Initiator, id: is(hereInstance)},
	{name: "a firewall inside the instance", how: func(b *breakage) {
		require.NoError(b.t, b.engine.SetGuest(thereInstance, func(g *engine.GuestFacts) { g.DropICMP = true }))
	}, outcome: interconnect.VerdictOneWay, layer: "guest", side: interconnect.Acceptor, id: is(thereInstance)},
}

// made is a world in which a connection was made, and its record.
type made struct {
	world  *world.World
	record *interconnect.Record
}

type madeKey struct {
	kind     interconnect.Type
	advanced bool
}

var (
	madeOnce sync.Mutex
	madeIn   = map[madeKey]made{}
)

// connectedWorld has the functions connect the tutorial's two VPCs, once for
// each kind.
func connectedWorld(t *testing.T, template string, k madeKey) made {
	t.Helper()
	madeOnce.Lock()
	defer madeOnce.Unlock()
	if m, ok := madeIn[k]; ok {
		return m
	}
	w := world.Default()
	group := hereGroup
	if k.advanced {
		group = advancedGroup
		w.VPCs[0].SecurityGroups = append(w.VPCs[0].SecurityGroups, world.SecurityGroup{ID: group, Type: "enterprise"})
		w.VPCs[0].Instances[0].SecurityGroups = []string{group}
	}
	r := rehearseIn(t, template, w)
	r.ask(`{"id": "c", "type": "` + string(k.kind) + `", "repair": "auto",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "` + hereVPC + `", "securityGroups": [{"securityGroupId": "` + group + `"}]},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "` + thereVPC + `", "securityGroups": [{"securityGroupId": "` + thereGroup + `"}]}}`)
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"))
	m := made{world.Export(r.engine), r.record("c")}
	madeIn[k] = m
	return m
}

// breakIn returns a connected world in which nothing is broken yet.
func breakIn(t *testing.T, template string, k madeKey, tune ...func(*engine.Options)) *breakage {
	t.Helper()
	m := connectedWorld(t, template, k)
	r := rehearseIn(t, template, m.world, tune...)
	_, kept, _ := r.clients("intake")
	ctx := context.Background()
	_, err := kept.PutRequest(ctx, "c", m.record.Wanted)
	require.NoError(t, err)
	for step, status := range m.record.Steps {
		_, kept, _ := r.clients(strings.ReplaceAll(string(step), "-", ""))
		require.NoError(t, kept.PutStatus(ctx, "c", step, status))
	}
	require.Equal(t, interconnect.StateConnected, r.state("c"))
	return &breakage{rehearsal: r, kind: k.kind}
}

// check has the connection checked, and returns what the check itself found,
// and what was told after it.
func (b *breakage) check() (*interconnect.Verdict, []chain.Announcement) {
	b.t.Helper()
	b.http("POST", "/connections/c/verifications", "")
	b.settle()
	told := b.told()
	at := slices.IndexFunc(told, func(a chain.Announcement) bool { return a.Type == chain.TypeVerdict })
	require.GreaterOrEqual(b.t, at, 0, "what the check found is told: %+v", told)
	return told[at].Data.Verdict, told[at+1:]
}

// The connected tutorial is broken in one way at a time, as a person would. One
// check names the very thing, its id and the mend; what is this deployment's own
// is mended by it, and nothing else is touched.
func TestACheckNamesWhatBrokeAndMendsWhatIsOurs(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	for _, kind := range []interconnect.Type{interconnect.TypeExpressConnect, interconnect.TypeVpcPeering} {
		for _, tt := range breaks {
			if tt.only != "" && tt.only != kind {
				continue
			}
			t.Run(string(kind)+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				tt.holds(t, breakIn(t, string(template), madeKey{kind, tt.advanced}))
			})
		}
	}
}

// holds breaks a connected world, and holds what one check says and does.
func (tt broken) holds(t *testing.T, b *breakage) {
	t.Helper()
	tt.how(b)
	id := tt.id(b)
	require.NotEmpty(t, id)
	before := world.Export(b.engine)

	v, after := b.check()
	require.Equal(t, tt.outcome, v.Outcome, v.Why)
	require.Contains(t, v.Why, id)
	if tt.layer != "" {
		require.NotNil(t, v.Stop, v.Why)
		require.Equal(t, tt.layer, v.Stop.Layer, v.Why)
		require.Equal(t, tt.side, v.Stop.Side, v.Why)
		require.Equal(t, id, v.Stop.Resource, v.Why)
		require.NotEmpty(t, v.Stop.Mend)
		require.Contains(t, v.Why, v.Stop.Mend)
	}
	require.Equal(t, tt.mended, v.Mendable(), "%+v", v.Drift)
	require.Empty(t, b.denied)
	if tt.mended {
		require.Equal(t, interconnect.StateConnected, b.state("c"), b.record("c").Steps)
		require.NotEmpty(t, after)
		require.True(t, after[len(after)-1].Data.Repair)
		require.Equal(t, interconnect.StateConnected, after[len(after)-1].Data.State)
		return
	}
	require.Equal(t, before, world.Export(b.engine), "what is not ours is left as it is")
	require.NotEqual(t, interconnect.StateConnected, b.state("c"))
	b.http("POST", "/connections/c/verifications", "")
	b.settle()
	require.Empty(t, b.told(), "it is told once")
}

func TestTheREADMEHasEveryBreak(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(breaks), 14)
	for _, tt := range breaks {
		require.Contains(t, string(readme), "| "+tt.name+" |")
	}
}
