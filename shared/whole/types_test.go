package whole_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

// asType is the tutorial's request for another type, with more fields; "" leaves
// the type open.
func asType(kind interconnect.Type, more string) string {
	if kind != "" {
		more = `"type": "` + string(kind) + `", ` + more
	}
	return strings.Replace(tutorial, `"type": "ExpressConnect", "specification": "Mini.2",`, more, 1)
}

// notEntitled is the tutorial's world with an account that may not create
// router interfaces.
func notEntitled() *world.World {
	w := world.Default()
	w.Switches = map[string]bool{"routerInterfaceClosed": true}
	return w
}

func TestATutorialByVPCPeering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world *world.World
		body  string
		mbps  int
		link  string
	}{
		"by name":                               {world.Default(), asType(interconnect.TypeVpcPeering, `"bandwidth": 100, "linkType": "Platinum",`), 100, "Platinum"},
		"by auto, where the account has no say": {notEntitled(), asType(interconnect.TypeAuto, ""), 1024, "Gold"},
		"as everything unconfirmed may be": {func() *world.World {
			w := world.Default()
			w.Switches = map[string]bool{"peeringSeenByInitiatorOnly": true, "deletedPeeringStaysListed": true, "repointToPeeringRefused": true, "peeringBesideInterfacesRefused": true}
			return w
		}(), asType(interconnect.TypeVpcPeering, ""), 1024, "Gold"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := start(t, stack.Options{World: c.world})
			require.Equal(t, interconnect.TypeVpcPeering, cloud.post(c.body).Request.Type)
			cloud.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
			o := cloud.untouched()
			require.Empty(t, o.interfaces)
			require.Len(t, o.peerings, 1)
			p := o.peerings[0]
			require.Equal(t, []any{"Activated", "interconnect.vi.tutorial", c.mbps, c.link}, []any{p.Status, p.Name, p.Bandwidth, p.LinkType})
			for _, table := range []string{table1, table2} {
				require.Equal(t, []world.NextHop{{Type: "VpcPeer", ID: p.ID}}, o.routes[table][0].NextHops)
			}

			cloud.drop("tutorial")
			cloud.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
			if c.world.Switches["deletedPeeringStaysListed"] {
				require.Equal(t, "Deleted", cloud.untouched().peerings[0].Status)
				return
			}
			cloud.asBefore()
		})
	}
}

func TestAnAccountThatMayNotBuyRouterInterfacesIsToldWhatToAskFor(t *testing.T) {
	unhurried(t)
	t.Parallel()
	c := calm(t, stack.Options{World: notEntitled()})
	c.post(strings.Replace(tutorial, `"id": "tutorial",`, `"id": "tutorial", "onFailure": "keep",`, 1))
	r := c.reaches("tutorial", interconnect.StateFailed, time.Minute)
	require.Contains(t, r.Why, "VpcPeering")
	c.asBefore()

	c.post(asType(interconnect.TypeVpcPeering, ""))
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
}

func TestAPeeringMadeByHandIsAdoptedAndStays(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := world.Default()
	w.PeerConnections = []world.PeerConnection{{ID: "pcc-by-hand", VpcID: vpc2, AcceptingVpcID: vpc1, Name: "by-hand"}}
	c := start(t, stack.Options{World: w})
	require.Equal(t, interconnect.TypeVpcPeering, c.post(asType(interconnect.TypeAuto, "")).Request.Type)
	c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
	o := c.untouched()
	require.Empty(t, o.peerings)
	for _, table := range []string{table1, table2} {
		require.Equal(t, "pcc-by-hand", o.routes[table][0].NextHops[0].ID)
	}
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 3*time.Minute)
	c.asBefore()
	for _, a := range c.changes() {
		require.NotContains(t, a, "VpcPeerConnection")
	}
}

// pinging sends packets both ways between the tutorial's instances, again and
// again until it is stopped, and tells how many were lost.
func (c *cloud) pinging() (stop func() (sent, lost int)) {
	var packets []dataplane.Packet
	instances := c.Engine.Topology().Instances
	for i, from := range instances {
		packets = append(packets, dataplane.Packet{From: from.ID, To: instances[1-i].PrivateIP, Protocol: "ICMP"})
	}
	var sent, lost atomic.Int64
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			now := c.Engine.Topology()
			for _, p := range packets {
				if sent.Add(1); dataplane.Deliver(now, p).Fate != dataplane.Answered {
					lost.Add(1)
				}
			}
		}
	}()
	return func() (int, int) {
		close(done)
		<-ended
		return int(sent.Load()), int(lost.Load())
	}
}

func TestMovingAConnectionToAPeering(t *testing.T) {
	unhurried(t)
	t.Parallel()
	for name, refused := range map[string]bool{"loses nothing where routes can be repointed": false, "cuts for a moment where they cannot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := world.Default()
			w.Switches = map[string]bool{"repointToPeeringRefused": refused}
			c := start(t, stack.Options{World: w})
			c.post(tutorial)
			c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)

			stop := c.pinging()
			c.post(asType(interconnect.TypeVpcPeering, `"allowCut": true,`))
			c.reaches("tutorial", interconnect.StateConnected, 2*time.Minute)
			require.Eventually(t, func() bool { return len(c.World().RouterInterfaces) == 0 }, time.Minute, 50*time.Millisecond, "the former pair is taken away")
			sent, lost := stop()
			require.Greater(t, sent, 100)
			require.Equal(t, refused, lost > 0, "%d of %d packets were lost", lost, sent)
			o := c.untouched()
			require.Len(t, o.peerings, 1)
			require.Equal(t, engine.PeerActivated, o.peerings[0].Status)
			for _, table := range []string{table1, table2} {
				require.Equal(t, "VpcPeer", o.routes[table][0].NextHops[0].Type)
			}
		})
	}
}

func TestAMoveThatTheCloudRefusesChangesNothing(t *testing.T) {
	unhurried(t)
	t.Parallel()
	w := world.Default()
	w.Switches = map[string]bool{"peeringBesideInterfacesRefused": true}
	c := calm(t, stack.Options{World: w})
	c.post(tutorial)
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)
	before := text(t, c.World())

	stop := c.pinging()
	c.post(asType(interconnect.TypeVpcPeering, `"allowCut": true,`))
	r := c.reaches("tutorial", interconnect.StateFailed, 2*time.Minute)
	require.Contains(t, r.Why, "Express Connect")
	sent, lost := stop()
	require.Greater(t, sent, 100)
	require.Zero(t, lost)
	require.Equal(t, before, text(t, c.World()))
}
