package peering_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/peering"
)

// byPeering is the tutorial's connection as a VPC peering connection.
func byPeering() *interconnect.Connection {
	c := chaintest.Tutorial()
	c.Type, c.Specification = interconnect.TypeVpcPeering, ""
	return c
}

func peeringUp() *chain.Task {
	return chaintest.Task(chaintest.Record(byPeering()), interconnect.Connect)
}

func peeringDown() *chain.Task {
	r := chaintest.Record(byPeering())
	r.Generation, r.Wanted.Disconnect = 2, true
	return chaintest.Task(r, interconnect.Prune)
}

func peer(id, status, name string) interconnect.PeeringConnection {
	return interconnect.PeeringConnection{ID: id, RegionID: "cn-qingdao", VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2",
		Bandwidth: 1024, LinkType: "Gold", Status: status, BusinessStatus: "Normal", Name: name, CreatedAt: chaintest.Start}
}

func newPeers(list ...interconnect.PeeringConnection) *cloud {
	c := newCloud()
	c.peers.list = list
	return c
}

func TestFromNothingToAPeering(t *testing.T) {
	t.Parallel()
	c := newPeers()
	task := peeringUp()
	task.Want.Bandwidth, task.Want.LinkType = 100, "Platinum"
	out := drive(t, c, task)
	require.Equal(t, chain.KindDone, out.Kind)
	require.Equal(t, []string{"pcc-1"}, out.Resources)
	require.Equal(t, []string{"Create vpc-1 vpc-2"}, c.calls)
	want := peer("pcc-1", "Activated", mark)
	want.Bandwidth, want.LinkType, want.Tags = 100, "Platinum", map[string]string{"vpc-interconnect": mark}
	require.Equal(t, []interconnect.PeeringConnection{want}, c.peers.list)

	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Empty(t, c.calls, "the same request again changes nothing")
}

func TestAPeeringIsCarriedOnWhereverItIsCutOff(t *testing.T) {
	t.Parallel()
	for _, class := range []interconnect.Class{interconnect.Transient, interconnect.Busy, interconnect.Throttled} {
		t.Run("the call is done but reported failed as "+string(class), func(t *testing.T) {
			t.Parallel()
			c := newPeers()
			c.after = func(made int) error {
				if made == 1 {
					return fail(class, "CreateVpcPeerConnection", "SomethingFailed")
				}
				return nil
			}
			require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
			require.Len(t, c.peers.list, 1)
		})
	}
	for lag := 1; lag <= 8; lag++ {
		t.Run(fmt.Sprintf("reads are %d seconds behind", lag), func(t *testing.T) {
			t.Parallel()
			c := newPeers()
			c.lag = lag
			require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
			require.Len(t, c.peers.list, 1)
		})
	}
	t.Run("another peering of the VPC is being made", func(t *testing.T) {
		t.Parallel()
		c, refusals := newPeers(), 0
		c.before["Create"] = func() error {
			if refusals++; refusals < 30 {
				return fail(interconnect.Busy, "CreateVpcPeerConnection", "Conflict.Operation")
			}
			return nil
		}
		c.lag = 3
		require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
		require.Len(t, c.peers.list, 1)
	})
}

func TestBothVPCsAreAskedBeforeAPeeringIsMadeAndOneWhileItIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hides string
		reads []string // of each run, one after the other
	}{
		"both regions show it":              {"", []string{"vpc-1 vpc-2", "vpc-1", "vpc-1"}},
		"only the one that it was asked in": {"vpc-2", []string{"vpc-1 vpc-2", "vpc-1", "vpc-1"}},
		"only the other":                    {"vpc-1", []string{"vpc-1 vpc-2", "vpc-1 vpc-2", "vpc-1 vpc-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, task := newPeers(), peeringUp()
			cloud.peers.hides = c.hides
			for n, want := range c.reads {
				cloud.peers.reads = nil
				task.Now = task.Message.StartedAt.Add(time.Duration(n) * time.Second)
				out := peering.New(cloud).Run(context.Background(), task)
				slices.Sort(cloud.peers.reads)
				require.Equal(t, want, strings.Join(cloud.peers.reads, " "), "run %d", n)
				require.Equal(t, []string{"pcc-1"}, out.Resources)
				require.Equal(t, n == 2, out.Kind == chain.KindDone)
				if n == 1 {
					cloud.tick()
				}
			}
			require.Equal(t, []string{"Create vpc-1 vpc-2"}, cloud.calls)
		})
	}
}

func TestWhatStandsForAPeering(t *testing.T) {
	t.Parallel()
	turned := peer("pcc-h", "Activated", "by hand")
	turned.VpcID, turned.AcceptingVpcID = turned.AcceptingVpcID, turned.VpcID
	locked := peer("pcc-1", "Activated", mark)
	locked.BusinessStatus = "FinancialLocked"
	for name, tt := range map[string]struct {
		there []interconnect.PeeringConnection
		kind  chain.Kind
		ids   []string
		calls []string
		says  string
	}{
		"one by hand is used":                          {[]interconnect.PeeringConnection{peer("pcc-h", "Activated", "by hand")}, chain.KindDone, []string{"pcc-h (not ours)"}, nil, ""},
		"so is one that the other side asked for":      {[]interconnect.PeeringConnection{turned}, chain.KindDone, []string{"pcc-h (not ours)"}, nil, ""},
		"one by hand that is being made is waited for": {[]interconnect.PeeringConnection{peer("pcc-h", "Creating", "by hand")}, chain.KindDone, []string{"pcc-h (not ours)"}, nil, ""},
		"a rejected one counts as absent":              {[]interconnect.PeeringConnection{peer("pcc-h", "Rejected", "by hand")}, chain.KindDone, []string{"pcc-1"}, []string{"Create vpc-1 vpc-2"}, ""},
		"an expired one counts as absent":              {[]interconnect.PeeringConnection{peer("pcc-h", "Expired", mark)}, chain.KindDone, []string{"pcc-1"}, []string{"Create vpc-1 vpc-2"}, ""},
		"ours that goes is made anew":                  {[]interconnect.PeeringConnection{peer("pcc-h", "Deleting", mark)}, chain.KindDone, []string{"pcc-1"}, []string{"Create vpc-1 vpc-2"}, ""},
		"unpaid bills are told":                        {[]interconnect.PeeringConnection{locked}, chain.KindReject, nil, nil, "FinancialLocked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPeers(slices.Clone(tt.there)...)
			out := drive(t, c, peeringUp())
			require.Equal(t, tt.kind, out.Kind)
			require.Equal(t, tt.ids, out.Resources)
			require.Equal(t, tt.calls, c.calls)
			if tt.says != "" {
				require.Contains(t, out.Problem.Sentence, tt.says)
			}
		})
	}
}

func TestAnotherBandwidthIsAskedFor(t *testing.T) {
	t.Parallel()
	c, task := newPeers(peer("pcc-1", "Activated", mark)), peeringUp()
	task.Want.Bandwidth, task.Want.LinkType = 200, "Platinum"
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Equal(t, []string{"Modify pcc-1"}, c.calls)
	require.Equal(t, []any{200, "Platinum", "Activated"}, []any{c.peers.list[0].Bandwidth, c.peers.list[0].LinkType, c.peers.list[0].Status})

	c = newPeers(peer("pcc-h", "Activated", "by hand"))
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Empty(t, c.calls, "somebody else's is not altered")
}

func TestRefusalsOfAPeeringAreTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		class      interconnect.Class
		code, says string
	}{
		"router interfaces are in the way": {interconnect.Exists, "ResourceAlreadyExist.RouterInterface", "Express Connect"},
		"the quota is used up":             {interconnect.Quota, "QuotaExceeded.CrossRegionVpcPeerCountPerVpc", "limit"},
		"the role may not":                 {interconnect.Denied, "Forbidden.NoPermission", "denied"},
		"data transfer is not activated":   {interconnect.Permanent, "OperationFailed.CdtNotOpened", "CdtNotOpened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPeers()
			c.before["Create"] = func() error { return fail(tt.class, "CreateVpcPeerConnection", tt.code) }
			out := drive(t, c, peeringUp())
			require.Equal(t, chain.KindReject, out.Kind)
			require.Equal(t, []string{tt.code, "req"}, []string{out.Problem.Code, out.Problem.RequestID})
			require.Contains(t, out.Problem.Sentence, tt.says)
			require.Empty(t, c.calls)
		})
	}
}

func TestATokenWhosePeeringIsGone(t *testing.T) {
	t.Parallel()
	for name, listed := range map[string]bool{"and not listed any more": false, "and listed as deleted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPeers()
			c.peers.listed = listed
			require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
			require.Equal(t, chain.KindDone, drive(t, c, peeringDown()).Kind)
			task := peeringUp()
			out := drive(t, c, task)
			require.Equal(t, chain.KindDone, out.Kind)
			require.Equal(t, []string{"pcc-2"}, out.Resources)
			require.GreaterOrEqual(t, task.Now.Sub(chaintest.Start), 20*time.Second, "only time tells a lag from a loss")

			require.Equal(t, chain.KindDone, drive(t, c, peeringDown()).Kind)
			task = peeringUp()
			task.Record.Steps[interconnect.Verification] = interconnect.StepStatus{Generation: 2, Action: interconnect.Prune, Progress: interconnect.Done}
			require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
			require.Less(t, task.Now.Sub(chaintest.Start), 20*time.Second, "a disconnect that the record tells of uses no token up")
		})
	}
	t.Run("counts as used up if the cloud says that it had other parameters", func(t *testing.T) {
		t.Parallel()
		c, refusals := newPeers(), 0
		c.before["Create"] = func() error {
			if refusals++; refusals <= 25 {
				return fail(interconnect.Exists, "CreateVpcPeerConnection", "IdempotentParameterMismatch")
			}
			return nil
		}
		require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
		require.Len(t, c.peers.list, 1)
	})
}

func TestADisconnectTakesThePeeringAway(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		there []interconnect.PeeringConnection
		calls []string
		left  int
	}{
		"ours":                          {[]interconnect.PeeringConnection{peer("pcc-1", "Activated", mark)}, []string{"Delete pcc-1"}, 0},
		"ours that is still being made": {[]interconnect.PeeringConnection{peer("pcc-1", "Creating", mark)}, []string{"Delete pcc-1"}, 0},
		"one that was adopted stays":    {[]interconnect.PeeringConnection{peer("pcc-h", "Activated", "by hand")}, nil, 1},
		"another deployment's stays":    {[]interconnect.PeeringConnection{peer("pcc-h", "Activated", "interconnect.other.orders-to-billing")}, nil, 1},
		"two of ours, one at a time":    {[]interconnect.PeeringConnection{peer("pcc-1", "Activated", mark), peer("pcc-2", "Activated", mark)}, []string{"Delete pcc-1", "Delete pcc-2"}, 0},
		"what is rejected needs no one": {[]interconnect.PeeringConnection{peer("pcc-1", "Rejected", mark)}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPeers(slices.Clone(tt.there)...)
			require.Equal(t, chain.KindDone, drive(t, c, peeringDown()).Kind)
			require.Equal(t, tt.calls, c.calls)
			require.Len(t, c.peers.list, tt.left)
			c.calls = nil
			require.Equal(t, chain.KindDone, drive(t, c, peeringDown()).Kind)
			require.Empty(t, c.calls)
		})
	}
	t.Run("the call is done but reported failed", func(t *testing.T) {
		t.Parallel()
		c := newPeers(peer("pcc-1", "Activated", mark))
		c.after = func(int) error { return fail(interconnect.Transient, "DeleteVpcPeerConnection", "InternalError") }
		require.Equal(t, chain.KindDone, drive(t, c, peeringDown()).Kind)
		require.Len(t, c.calls, 1)
	})
	t.Run("what cannot be removed is left over", func(t *testing.T) {
		t.Parallel()
		c := newPeers(peer("pcc-1", "Activated", mark))
		c.before["Delete"] = func() error { return fail(interconnect.Denied, "DeleteVpcPeerConnection", "Forbidden.NoPermission") }
		out := drive(t, c, peeringDown())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Len(t, out.Leftovers, 1)
		require.Equal(t, "pcc-1", out.Leftovers[0].Resource)
	})
}

func TestAPeeringWithRoutesStays(t *testing.T) {
	t.Parallel()
	c := newPeers(peer("pcc-1", "Activated", mark))
	c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "pcc-1", Name: mark}}
	out := peering.New(c).Run(context.Background(), peeringDown())
	require.Equal(t, chain.KindWait, out.Kind, "a route of ours is waited for")

	c.routes[0].Name = "by hand"
	out = drive(t, c, peeringDown())
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "VPC peering connection pcc-1 cannot be removed")
	require.Len(t, out.Leftovers, 1)
	require.Empty(t, c.calls)
}

func TestOfTwoOwnPeeringsOneIsRemovedUnlessRoutesLeadToIt(t *testing.T) {
	t.Parallel()
	two := func() *cloud { return newPeers(peer("pcc-1", "Activated", mark), peer("pcc-2", "Activated", mark)) }
	c := two()
	require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
	require.Equal(t, []string{"Delete pcc-2"}, c.calls)

	c = two()
	c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "pcc-2"}}
	out := drive(t, c, peeringUp())
	require.Equal(t, chain.KindDone, out.Kind)
	require.Contains(t, out.Note, "one too many")
	require.Empty(t, c.calls)

	c = two()
	c.before["Delete"] = func() error { return fail(interconnect.Denied, "DeleteVpcPeerConnection", "Forbidden.NoPermission") }
	out = drive(t, c, peeringUp())
	require.Equal(t, chain.KindDone, out.Kind, "that the connection works does not depend on it")
	require.Contains(t, out.Note, "cannot be removed")
}

func TestAChangedTypeTakesTheFormerOneAway(t *testing.T) {
	t.Parallel()
	t.Run("from interfaces to a peering", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		require.Equal(t, chain.KindDone, drive(t, c, peeringUp()).Kind)
		require.Len(t, c.interfaces, 2, "connecting only adds")
		require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(byPeering()), interconnect.Prune)).Kind)
		require.Empty(t, c.interfaces)
		require.Len(t, c.peers.list, 1)
	})
	t.Run("from a peering to interfaces", func(t *testing.T) {
		t.Parallel()
		c := newPeers(peer("pcc-1", "Activated", mark))
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Prune)).Kind)
		require.Len(t, c.interfaces, 2)
		require.Empty(t, c.peers.list)
	})
}
