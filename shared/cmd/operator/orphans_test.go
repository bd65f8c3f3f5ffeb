package main

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/engine"
)

// litter leaves in the bench's world one pair of interfaces with a route on each
// side and a rule in each group, all of one mark.
func (b *bench) litter(mark, suffix, blockA, blockB string) {
	b.t.Helper()
	_, _, err := b.AddRouterInterfacePair(
		engine.RouterInterface{ID: "ri-a" + suffix, VpcID: "vpc-a", Name: mark}, engine.RouterInterface{ID: "ri-b" + suffix, VpcID: "vpc-b", Name: mark})
	require.NoError(b.t, err)
	for n, block := range map[string]string{"a": blockB, "b": blockA} {
		_, err := b.AddRouteEntry(engine.RouteEntry{ID: "rte-" + n + suffix, TableID: "vtb-" + n, Destination: netip.MustParsePrefix(block), Name: mark,
			NextHops: []engine.NextHop{{Type: "RouterInterface", ID: "ri-" + n + suffix}}})
		require.NoError(b.t, err)
		require.NoError(b.t, b.d.cloud.Authorize(b.t.Context(), map[string]string{"a": home, "b": away}[n], "sg-"+n, interconnect.Ingress, []interconnect.Rule{
			{Protocol: "ICMP", PortRange: "-1/-1", PeerBlock: netip.MustParsePrefix(block), Policy: "accept", Priority: 1, Description: mark}}))
	}
}

// rule returns the id of the rule of a group that bears a mark.
func (b *bench) rule(region, group, mark string) string {
	b.t.Helper()
	rules, err := b.d.cloud.Rules(b.t.Context(), region, group)
	require.NoError(b.t, err)
	for _, r := range rules {
		if r.Description == mark {
			return r.ID
		}
	}
	return ""
}

func TestWhatNobodyWantsIsListedAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record(interconnect.Wanted{Connection: connection("alive")}, true)
	b.litter("interconnect.vi.alive", "1", "192.168.0.0/16", "172.16.0.0/16")
	require.Contains(t, b.mustRun("orphans"), "There are no orphans.", "what a live connection wants is none")

	b.litter("interconnect.vi.lost", "2", "192.168.1.0/24", "172.16.1.0/24")
	b.litter("interconnect.other.lost", "3", "192.168.2.0/24", "172.16.2.0/24")
	b.litter("by hand", "4", "192.168.3.0/24", "172.16.3.0/24")
	out := b.mustRun("orphans")
	require.Empty(t, b.changed(), "it only reads")
	require.Contains(t, out, "lost: there is no record of it")
	require.Contains(t, out, "6 in all")
	for _, id := range []string{"ri-a2", "ri-b2", "rte-a2", "rte-b2", b.rule(home, "sg-a", "interconnect.vi.lost"), b.rule(away, "sg-b", "interconnect.vi.lost")} {
		require.Contains(t, out, id)
	}
	require.NotContains(t, out, "alive")

	_, err := b.AddPeerConnection(engine.PeerConnection{ID: "pcc-1", VpcID: "vpc-a", AcceptingVpcID: "vpc-b", Name: "interconnect.vi.lost"})
	require.NoError(t, err)
	require.Contains(t, b.mustRun("orphans"), "VPC peering connection of vpc-a with vpc-b")
}

func TestRegionsThatNoRecordNamesAreSearchedWhenAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.litter("interconnect.vi.lost", "2", "192.168.1.0/24", "172.16.1.0/24")
	require.Contains(t, b.mustRun("orphans"), "no orphans")
	require.Contains(t, b.mustRun("orphans", "--region", home), "3 in all")
	require.Contains(t, b.mustRun("orphans", "--region", home, "--region", away), "6 in all")
	_, err := b.run("orphans", "--region", "cn-nowhere")
	require.ErrorContains(t, err, "cn-nowhere")
}

func TestWhatIsNamedIsRemovedAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record(interconnect.Wanted{Connection: connection("alive")}, true)
	b.litter("interconnect.vi.alive", "1", "192.168.0.0/16", "172.16.0.0/16")
	b.litter("interconnect.vi.lost", "2", "192.168.1.0/24", "172.16.1.0/24")
	_, err := b.AddPeerConnection(engine.PeerConnection{ID: "pcc-1", VpcID: "vpc-a", AcceptingVpcID: "vpc-b", Name: "interconnect.vi.lost"})
	require.NoError(t, err)

	ruleA := b.rule(home, "sg-a", "interconnect.vi.lost")
	out := b.mustRun("orphans", "--remove", ruleA)
	require.Contains(t, out, ruleA+" is removed.")
	require.Contains(t, out, "7 in all", "it shows all before it removes one")
	require.Equal(t, []string{"RevokeSecurityGroup"}, b.changed())

	b.mustRun("orphans", "--remove", "ri-b2,ri-a2,rte-a2", "--remove", "rte-b2,pcc-1")
	out = b.mustRun("orphans")
	require.Contains(t, out, "1 in all")
	require.Contains(t, out, b.rule(away, "sg-b", "interconnect.vi.lost"), "what was not named is still there")
	var left []string
	for _, i := range b.VPCSnapshot().RouterInterfaces {
		left = append(left, i.ID)
	}
	require.ElementsMatch(t, []string{"ri-a1", "ri-b1"}, left)
	require.NotEmpty(t, b.rule(home, "sg-a", "interconnect.vi.alive"))
}

func TestWhatCannotBeRemovedStaysWithItsReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(b *bench)
		remove  string
		says    string
		stays   bool // listed still
	}{
		"what is no orphan":                  {func(*bench) {}, "rte-a1", "none of the orphans listed", false},
		"what does not exist":                {func(*bench) {}, "rte-x", "none of the orphans listed", true},
		"an interface that routes lead to":   {func(*bench) {}, "ri-a2", "remove that first", true},
		"an interface a route by hand needs": {func(b *bench) { b.handRoute("ri-b2") }, "ri-a2,rte-a2,rte-b2", "remove that first", true},
		"anything while changes are frozen":  {func(b *bench) { b.mustRun("freeze", "night shift") }, "rte-a2", "night shift", true},
		"what its own chain may remove":      {func(b *bench) { b.record(interconnect.Wanted{Connection: connection("lost"), Disconnect: true}, false) }, "rte-a2", "Disconnecting", true},
		"anything beside a record nobody can read": {func(b *bench) {
			_, err := b.d.cloud.CreateParameter(b.t.Context(), "/vi/odd/request", "not JSON")
			require.NoError(b.t, err)
		}, "rte-a2", "cannot be understood", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.record(interconnect.Wanted{Connection: connection("alive")}, true)
			b.litter("interconnect.vi.alive", "1", "192.168.0.0/16", "172.16.0.0/16")
			b.litter("interconnect.vi.lost", "2", "192.168.1.0/24", "172.16.1.0/24")
			c.prepare(b)
			_, err := b.run("orphans", "--remove", c.remove)
			require.ErrorContains(t, err, c.says)
			if c.stays {
				require.Contains(t, b.mustRun("orphans"), strings.Split(strings.Replace(c.remove, "rte-x", "rte-a2", 1), ",")[0])
			}
		})
	}
}

// handRoute adds a route that somebody else made to what leads somewhere.
func (b *bench) handRoute(hop string) {
	b.t.Helper()
	_, err := b.AddRouteEntry(engine.RouteEntry{ID: "rte-hand", TableID: "vtb-b", Destination: netip.MustParsePrefix("10.9.0.0/16"), Name: "by hand",
		NextHops: []engine.NextHop{{Type: "RouterInterface", ID: hop}}})
	require.NoError(b.t, err)
}

func TestWhatSomebodyWantsByNowStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.record(interconnect.Wanted{Connection: connection("a"), Disconnect: true}, true)
	b.litter("interconnect.vi.a", "1", "192.168.0.0/16", "172.16.0.0/16")
	s := search{deployment: b.d}
	found, err := s.everywhere(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 6)

	// Somebody asks for it again after it was listed.
	b.record(interconnect.Wanted{Connection: connection("a")}, false)
	var out strings.Builder
	err = s.remove(t.Context(), &out, found, []string{"rte-a1"})
	require.ErrorContains(t, err, "no orphan any more")
	require.Contains(t, out.String(), "a has changed meanwhile")
	entries, err := b.d.cloud.RouteEntries(t.Context(), home, "vtb-a")
	require.NoError(t, err)
	require.Contains(t, strings.Join(ids(entries), " "), "rte-a1")
}

func ids(entries []interconnect.RouteEntry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}
