package reachability_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/reachability"
)

// hide takes a part of a side away, as one that could not be read: the id of a
// table, group or ACL, or a whole list. It returns whether there was such.
func hide(s *reachability.Side, key string) {
	s.Unread = maps.Clone(s.Unread)
	if s.Unread == nil {
		s.Unread = map[string]string{}
	}
	s.Unread[key] = "the role may not read it"
	switch key {
	case reachability.UnreadVSwitches:
		s.VSwitches = nil
	case reachability.UnreadInterfaces:
		s.Interfaces = nil
	case reachability.UnreadPeerings:
		s.Peerings = nil
	case reachability.UnreadInstances:
		s.Instances = nil
	}
	s.Entries = without(s.Entries, func(e interconnect.RouteEntry) string { return e.RouteTableID }, key)
	s.Groups = without(s.Groups, func(g interconnect.Group) string { return g.ID }, key)
	s.Acls = without(s.Acls, func(a interconnect.NetworkAcl) string { return a.ID }, key)
}

func without[T any](list []T, id func(T) string, key string) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return id(x) == key })
}

// hideable lists all that hide can take away.
func hideable(s *reachability.Side) []string {
	keys := []string{reachability.UnreadVSwitches, reachability.UnreadInterfaces, reachability.UnreadPeerings, reachability.UnreadInstances}
	for _, t := range s.Tables {
		keys = append(keys, t.ID)
	}
	for _, g := range s.Groups {
		keys = append(keys, g.ID)
	}
	for _, a := range s.Acls {
		keys = append(keys, a.ID)
	}
	return keys
}

// TestWhatCouldNotBeReadIsUnknownNeverWrong: whatever is taken from a Picture,
// the analysis says the same as before, or that it does not know.
func TestWhatCouldNotBeReadIsUnknownNeverWrong(t *testing.T) {
	t.Parallel()
	unsure, sure := 0, 0
	for n := range uint64(150) {
		s := stage(t, worldNumber(n+1))
		r := rand.New(rand.NewPCG(n, 12))
		role := interconnect.Roles[r.IntN(2)]
		less := *s.picture
		keys := hideable(less.Side(role))
		key := keys[r.IntN(len(keys))]
		hide(less.Side(role), key)
		for _, k := range s.packets(5432) {
			full, part := reachability.Analyze(s.picture, k), reachability.Analyze(&less, k)
			if part.Result == unknown {
				unsure++
				continue
			}
			sure++
			require.Equal(t, full.Result, part.Result, "world %d without %s of the %s's side, %+v: %+v", n+1, key, role, k, part.Hops)
		}
	}
	require.Greater(t, unsure, 100)
	require.Greater(t, sure, 100)
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	t.Parallel()
	ingress := func(p *reachability.Picture) *[]interconnect.Rule { return &p.Acceptor.Groups[0].Rules }
	for _, c := range []struct {
		name   string
		hide   string // "a " or "b ", and the key
		change func(p *reachability.Picture)
		packet reachability.Packet
		at     reachability.Hop // of Mend, a part
		why    string           // a part
	}{
		{name: "vSwitches", hide: "a " + reachability.UnreadVSwitches, at: at(reachability.LayerAcl, initiator, out, "", ""), why: "Whether a network ACL is bound to the vSwitch of i-a is not known: the role may not read it."},
		{name: "a route table", hide: "a vtb-a", at: at(reachability.LayerRoute, initiator, out, "vtb-a", ""), why: "could not be read: the role may not read it."},
		{name: "the far side's route table", hide: "b vtb-b", at: at(reachability.LayerRoute, acceptor, back, "vtb-b", ""), why: "could not be read"},
		{name: "near interfaces", hide: "a " + reachability.UnreadInterfaces, at: at(reachability.LayerPeering, initiator, out, "ri-a", ""), why: "Router interface ri-a could not be read"},
		{name: "far interfaces", hide: "b " + reachability.UnreadInterfaces, at: at(reachability.LayerPeering, initiator, out, "ri-a", ""), why: "The opposite ri-b of router interface ri-a could not be read"},
		{name: "the sender's group", hide: "a sg-a", at: at(reachability.LayerEgress, initiator, out, "sg-a", ""), why: "Security group sg-a of instance i-a could not be read: the role"},
		{name: "the target's group", hide: "b sg-b", at: at(reachability.LayerIngress, acceptor, out, "sg-b", ""), why: "Security group sg-b of instance i-b could not be read"},
		{name: "instances", hide: "b " + reachability.UnreadInstances, at: at(reachability.LayerInstance, acceptor, out, "i-b", ""), why: "Of instance i-b nothing is known"},
		{name: "an ACL", hide: "a nacl-1", change: func(p *reachability.Picture) { p.Initiator.VSwitches[0].NetworkAclID = "nacl-1" },
			at: at(reachability.LayerAcl, initiator, out, "nacl-1", ""), why: "Network ACL nacl-1 of vSwitch vsw-a could not be read: the role"},
		{name: "a rule by prefix list", change: func(p *reachability.Picture) {
			*ingress(p) = []interconnect.Rule{{ID: "sgr-list", Direction: "ingress", Protocol: "ICMP", Policy: "accept", Priority: 10, Narrow: interconnect.Narrow{PeerPrefixID: "pl-1"}}}
		}, at: at(reachability.LayerIngress, acceptor, out, "sgr-list", "with a priority number below 10."), why: "Whether rule sgr-list of security group sg-b is about pings from 192.168.1.10 cannot be told"},
		{name: "a drop by prefix list of the highest priority", change: func(p *reachability.Picture) {
			*ingress(p) = append(*ingress(p), interconnect.Rule{ID: "sgr-list", Direction: "ingress", Protocol: "ALL", Policy: "drop", Priority: 1, Narrow: interconnect.Narrow{PeerPrefixID: "pl-1"}})
		}, at: at(reachability.LayerIngress, acceptor, out, "sgr-list", "Look at rule sgr-list"), why: "cannot be told"},
		{name: "a protocol by number", change: func(p *reachability.Picture) {
			*ingress(p) = append(*ingress(p), interconnect.Rule{ID: "sgr-1", Direction: "ingress", Protocol: "1", PortRange: "-1/-1", PeerBlock: netip.MustParsePrefix("0.0.0.0/0"), Policy: "drop", Priority: 1})
		}, at: at(reachability.LayerIngress, acceptor, out, "sgr-1", "Look at rule sgr-1"), why: "cannot be told"},
		{name: "ports that cannot be read", packet: sql("i-a", "i-b"), change: func(p *reachability.Picture) {
			*ingress(p) = []interconnect.Rule{{ID: "sgr-odd", Direction: "ingress", Protocol: "TCP", PortRange: "many", PeerBlock: netip.MustParsePrefix("0.0.0.0/0"), Policy: "accept", Priority: 2}}
		}, at: at(reachability.LayerIngress, acceptor, out, "sgr-odd", "with a priority number below 2."), why: "cannot be told"},
		{name: "a route for a prefix list", change: func(p *reachability.Picture) {
			p.Initiator.Entries = append(p.Initiator.Entries, interconnect.RouteEntry{ID: "rte-list", RouteTableID: "vtb-a", NextHopType: "NatGateway", NextHopID: "ngw-1", Status: "Available", Type: "Custom"})
		}, at: at(reachability.LayerRoute, initiator, out, "rte-list", "Look at the prefix list"), why: "may hold 172.16.1.10"},
		{name: "a narrower route is being made", change: func(p *reachability.Picture) {
			p.Initiator.Entries = append(p.Initiator.Entries, interconnect.RouteEntry{ID: "rte-new", RouteTableID: "vtb-a", Destination: netip.MustParsePrefix("172.16.1.0/24"), NextHopType: "NatGateway", NextHopID: "ngw-1", Status: "Creating", Type: "Custom"})
		}, at: at(reachability.LayerRoute, initiator, out, "rte-new", "Wait until"), why: "is Creating; until it is done, 172.16.0.0/16 leads there"},
		{name: "the route is being led elsewhere", change: func(p *reachability.Picture) {
			all(p.Initiator.Entries, func(e *interconnect.RouteEntry) {
				if e.ID == "rte-a" {
					e.Status = "Modifying"
				}
			})
		}, at: at(reachability.LayerRoute, initiator, out, "rte-a", "Wait until"), why: "its old or its new next hop"},
		{name: "the interface's specification is being changed", change: func(p *reachability.Picture) { p.Initiator.Interfaces[0].Status = "Modifying" },
			at: at(reachability.LayerPeering, initiator, out, "ri-a", "Wait until router interface ri-a is Active."), why: "is Modifying"},
		{name: "one of two next hops is not Active", change: func(p *reachability.Picture) {
			second := p.Initiator.Interfaces[0]
			second.ID, second.Status = "ri-second", "Inactive"
			p.Initiator.Interfaces = append(p.Initiator.Interfaces, second)
			far := p.Acceptor.Interfaces[0]
			far.ID, far.OppositeID = "ri-second-b", "ri-second"
			p.Acceptor.Interfaces = append(p.Acceptor.Interfaces, far)
			p.Initiator.Interfaces[1].OppositeID = "ri-second-b"
			all(p.Initiator.Entries, func(e *interconnect.RouteEntry) {
				if e.ID == "rte-a" {
					e.NextHopID = "ri-a,ri-second"
				}
			})
		}, at: at(reachability.LayerPeering, initiator, out, "ri-second", "Activate router interface ri-second."), why: "one of several next hops"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := stage(t, connected(ec))
			if c.change != nil {
				c.change(s.picture)
			}
			if side, key, ok := strings.Cut(c.hide, " "); ok {
				hide(s.picture.Side(map[string]interconnect.Role{"a": initiator, "b": acceptor}[side]), key)
			}
			if c.packet.From == "" {
				c.packet = ping("i-a", "i-b")
			}
			path := reachability.Analyze(s.picture, c.packet)
			require.Equal(t, unknown, path.Result, "%+v", path.Hops)
			d := path.Doubt()
			require.Equal(t, [...]any{c.at.Layer, c.at.Side, c.at.Way, c.at.Resource}, [...]any{d.Layer, d.Side, d.Way, d.Resource}, "%+v", *d)
			require.Contains(t, d.Sentence, c.why)
			require.Contains(t, d.Mend, c.at.Mend)
			require.Equal(t, c.at.Mend == "", d.Mend == "", d.Mend)
		})
	}
}

// TestAPictureOfNothing: what a deployment without any permission sees.
func TestAPictureOfNothing(t *testing.T) {
	t.Parallel()
	for _, k := range []reachability.Packet{{}, ping("i-a", "i-b"), {From: "i-a", Address: address("172.16.1.10"), Protocol: "ICMP"}} {
		path := reachability.Analyze(&reachability.Picture{}, k)
		require.Equal(t, blocks, path.Result)
		require.Equal(t, reachability.LayerInstance, path.Stop().Layer)
		nothing := reachability.Side{Unread: map[string]string{reachability.UnreadInstances: "denied"}}
		require.Equal(t, unknown, reachability.Analyze(&reachability.Picture{Initiator: nothing, Acceptor: nothing}, k).Result)
	}
	only := reachability.Side{Instances: []interconnect.Instance{{ID: "i-a", Running: true, PrivateIP: address("10.0.0.1")}, {ID: "i-new", Running: true}}}
	path := reachability.Analyze(&reachability.Picture{Initiator: only}, reachability.Packet{From: "i-a", Address: address("10.9.9.9"), Protocol: "TCP", Port: 1})
	require.NotEqual(t, passes, path.Result)
	path = reachability.Analyze(&reachability.Picture{Initiator: only}, ping("i-a", "i-new"))
	require.Equal(t, "Instance i-new has no private address yet.", path.Stop().Sentence)
	require.Equal(t, passes, reachability.Analyze(&reachability.Picture{Initiator: only}, ping("i-a", "i-a")).Result)
}

func TestAPathIsShownAsJSON(t *testing.T) {
	t.Parallel()
	w := connected(ec)
	system(w, 0).Routes = nil
	path := reachability.Analyze(stage(t, w).picture, ping("i-a", "i-b"))
	text, err := json.Marshal(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `{"layer":"route","side":"initiator","way":"out","state":"blocks","id":"vtb-a","why":"Route table vtb-a, which serves vSwitch vsw-a, has no route to 172.16.1.10.","mend":"Add a route to 172.16.0.0/16 to route table vtb-a that leads to router interface ri-a."}`)
	require.Contains(t, string(text), `"result":"blocks"`)
}
