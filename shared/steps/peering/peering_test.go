package peering_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/peering"
)

const mark = "interconnect.vi.orders-to-billing"

func connecting() *chain.Task {
	return chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Connect)
}

// disconnecting is a prune to nothing.
func disconnecting() *chain.Task {
	r := chaintest.Record(chaintest.Tutorial())
	r.Generation, r.Wanted.Disconnect = 2, true
	return chaintest.Task(r, interconnect.Prune)
}

// active is a pair that carries traffic.
func active(name string, ids ...string) []interconnect.RouterInterface {
	c := chaintest.Tutorial()
	var out []interconnect.RouterInterface
	for n, role := range interconnect.Roles {
		here, there := c.Side(role), c.Side(role.Other())
		out = append(out, interconnect.RouterInterface{
			ID: ids[n], RegionID: here.RegionID, RouterID: here.VRouterID, Name: name, Status: "Active", BusinessStatus: "Normal",
			Role:             []string{"InitiatingSide", "AcceptingSide"}[n],
			Specification:    []string{"Mini.2", "Negative"}[n],
			OppositeRegionID: there.RegionID, OppositeRouterID: there.VRouterID, OppositeID: ids[1-n], CreatedAt: chaintest.Start,
		})
	}
	return out
}

func with(pair []interconnect.RouterInterface, change func(i *interconnect.RouterInterface)) []interconnect.RouterInterface {
	for i := range pair {
		change(&pair[i])
	}
	return pair
}

func drive(t *testing.T, c *cloud, task *chain.Task) chain.Outcome {
	t.Helper()
	out, err := chaintest.Drive(peering.New(c), task, c.tick)
	require.NoError(t, err, "calls: %v", c.calls)
	return out
}

func TestFromNothingToActive(t *testing.T) {
	t.Parallel()
	c := newCloud()
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindDone, out.Kind)
	require.ElementsMatch(t, []string{"ri-1", "ri-2"}, out.Resources)
	require.ElementsMatch(t, []string{"Create vrt-1", "Create vrt-2", "SetOpposite ri-1", "SetOpposite ri-2", "Connect " + out.Resources[0]}, c.calls)
	for _, i := range c.interfaces {
		require.Equal(t, "Active", i.Status)
		require.Equal(t, mark, i.Name)
		require.Equal(t, "1234567890123456", i.OppositeOwnerID)
	}

	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
	require.Empty(t, c.calls, "the same request again changes nothing")
}

func TestTheFirstLookAfterConnectingIsNoLookInVain(t *testing.T) {
	t.Parallel()
	for region, least := range map[string]time.Duration{"cn-beijing": 8 * time.Second, "cn-qingdao": 7 * time.Second} {
		task := connecting()
		task.Want.Acceptor.RegionID = region
		out := peering.New(newCloud()).Run(context.Background(), task)
		require.Equal(t, chain.KindWait, out.Kind)
		require.Equal(t, least, out.Least, region)
	}
}

func TestWhereverItIsCutOffItIsCarriedOn(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 5; n++ {
		for _, class := range []interconnect.Class{interconnect.Transient, interconnect.Busy} {
			t.Run(fmt.Sprintf("call %d is done but reported failed as %s", n, class), func(t *testing.T) {
				t.Parallel()
				c := newCloud()
				c.after = func(made int) error {
					if made == n {
						return fail(class, "CreateRouterInterface", "SomethingFailed")
					}
					return nil
				}
				require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
				require.Len(t, c.interfaces, 2)
			})
		}
	}
}

func TestReadsThatLagMakeNoSecondPair(t *testing.T) {
	t.Parallel()
	for lag := 1; lag <= 8; lag++ {
		t.Run(fmt.Sprintf("%d seconds behind", lag), func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.lag = lag
			require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
			require.Len(t, c.interfaces, 2)
		})
	}
}

func TestAPairThatSomebodyElseMade(t *testing.T) {
	t.Parallel()
	t.Run("is used if it is Active", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active("by hand", "ri-x", "ri-y")...)
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindDone, out.Kind)
		require.Equal(t, []string{"ri-x (not ours)", "ri-y (not ours)"}, out.Resources)
		require.Empty(t, c.calls)
	})
	t.Run("is told and left alone if it is not", func(t *testing.T) {
		t.Parallel()
		c := newCloud(with(active("by hand", "ri-x", "ri-y"), func(i *interconnect.RouterInterface) { i.Status = "Inactive" })...)
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Contains(t, out.Problem.Sentence, "ri-x (Inactive)")
		require.Empty(t, c.calls)
	})
	t.Run("is left alone by a disconnect", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active("by hand", "ri-x", "ri-y")...)
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.calls)
	})
}

func TestOursThatIsInactiveIsActivated(t *testing.T) {
	t.Parallel()
	c := newCloud(with(active(mark, "ri-1", "ri-2"), func(i *interconnect.RouterInterface) { i.Status = "Inactive" })...)
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
	require.ElementsMatch(t, []string{"Activate ri-1", "Activate ri-2"}, c.calls)
}

func TestAnotherSpecificationIsBought(t *testing.T) {
	t.Parallel()
	c := newCloud(active(mark, "ri-1", "ri-2")...)
	task := connecting()
	task.Want.Specification = "Small.1"
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Equal(t, []string{"Modify ri-1"}, c.calls)
	require.Equal(t, "Small.1", c.interfaces[0].Specification)
}

func TestATokenWhoseInterfaceIsGone(t *testing.T) {
	t.Parallel()
	reconnect := func(c *cloud) {
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.interfaces)
		c.calls = nil
	}
	t.Run("is passed over once the time for a lag is over", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		reconnect(c)
		task := connecting()
		require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
		require.Len(t, c.interfaces, 2)
		require.GreaterOrEqual(t, task.Now.Sub(chaintest.Start), 20*time.Second)
	})
	t.Run("is not even tried if the record tells of a disconnect", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		reconnect(c)
		task := connecting()
		task.Record.Steps[interconnect.Verification] = interconnect.StepStatus{Generation: 2, Action: interconnect.Prune, Progress: interconnect.Done}
		require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
		require.Len(t, c.interfaces, 2)
		require.Less(t, task.Now.Sub(chaintest.Start), 20*time.Second)
	})
	t.Run("counts as used up if the cloud says that it had other parameters", func(t *testing.T) {
		t.Parallel()
		c := newCloud()
		refusals := 0
		c.before["Create"] = func() error {
			if refusals++; refusals <= 2*25 {
				return fail(interconnect.Exists, "CreateRouterInterface", "IdempotentParameterMismatch")
			}
			return nil
		}
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Len(t, c.interfaces, 2)
	})
}

func TestAnAccountThatMayNotBuyIsToldWhatToAskFor(t *testing.T) {
	t.Parallel()
	for code, told := range map[string]bool{
		"OperationDenied.NotSupported": true, "Forbidden": true, "InvalidPrice.NotFound": true, "COMMODITY.INVALID_COMPONENT": true,
		"Forbidden.RAM": false, "Forbidden.FinancialLocked": false, "MissingParameter": false,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			c.before["Create"] = func() error { return fail(interconnect.Denied, "CreateRouterInterface", code) }
			out := drive(t, c, connecting())
			require.Equal(t, chain.KindReject, out.Kind)
			require.Equal(t, code, out.Problem.Code)
			require.Contains(t, out.Problem.Sentence, code)
			if told {
				require.Contains(t, out.Problem.Sentence, "VpcPeering")
			} else {
				require.NotContains(t, out.Problem.Sentence, "VpcPeering")
			}
		})
	}
}

func TestWhereInterfacesTakeNoTagsTheirNamesBearTheMark(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.noTags = true
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
	require.Len(t, c.interfaces, 2)
	for _, i := range c.interfaces {
		require.Equal(t, mark, i.Name)
		require.Empty(t, i.Tags)
	}
}

func TestAVpcInACenIsWaitedFor(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.before["Create"] = func() error { return fail(interconnect.Busy, "CreateRouterInterface", "IncorrectStatus.CenStatus") }
	out := peering.New(c).Run(context.Background(), connecting())
	require.Equal(t, chain.KindWait, out.Kind)
	require.Contains(t, out.Note, "IncorrectStatus.CenStatus")
}

func TestUnpaidBillsAreTold(t *testing.T) {
	t.Parallel()
	c := newCloud(with(active(mark, "ri-1", "ri-2"), func(i *interconnect.RouterInterface) { i.BusinessStatus = "FinancialLocked" })...)
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "FinancialLocked")
	require.Empty(t, c.calls)
}

func TestATypeThatIsNotKnownIsRejected(t *testing.T) {
	t.Parallel()
	task := connecting()
	task.Want.Type = "Pigeon"
	out := drive(t, newCloud(), task)
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "ExpressConnect")
}

func TestOfTwoOwnPairsOneIsRemovedUnlessRoutesLeadToIt(t *testing.T) {
	t.Parallel()
	second := with(active(mark, "ri-3", "ri-4"), func(i *interconnect.RouterInterface) { i.Status = "Idle" })
	t.Run("no route leads to it", func(t *testing.T) {
		t.Parallel()
		c := newCloud(append(active(mark, "ri-1", "ri-2"), slices.Clone(second)...)...)
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.ElementsMatch(t, []string{"Delete ri-3", "Delete ri-4"}, c.calls)
		require.Len(t, c.interfaces, 2)
	})
	t.Run("a route leads to it", func(t *testing.T) {
		t.Parallel()
		c := newCloud(append(active(mark, "ri-1", "ri-2"), slices.Clone(second)...)...)
		c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "ri-3"}, {ID: "rte-2", RouteTableID: "vtb-2", NextHopID: "ri-4"}}
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindDone, out.Kind)
		require.NotEmpty(t, out.Note)
		require.Empty(t, c.calls)
	})
	t.Run("it cannot be removed: the connection works all the same", func(t *testing.T) {
		t.Parallel()
		c := newCloud(append(active(mark, "ri-1", "ri-2"), slices.Clone(second)...)...)
		c.before["Delete"] = func() error { return fail(interconnect.Denied, "DeleteRouterInterface", "Forbidden.RAM") }
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindDone, out.Kind)
		require.NotEmpty(t, out.Note)
	})
}

func TestADisconnectTakesThePairAway(t *testing.T) {
	t.Parallel()
	t.Run("both sides are there", func(t *testing.T) {
		t.Parallel()
		c := newCloud(append(active(mark, "ri-1", "ri-2"), active("by hand", "ri-x", "ri-y")...)...)
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.ElementsMatch(t, []string{"Deactivate ri-1", "Deactivate ri-2", "Delete ri-1", "Delete ri-2"}, c.calls)
		require.Len(t, c.interfaces, 2)

		c.calls = nil
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.calls)
	})
	t.Run("one side is gone already", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")[1])
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Equal(t, []string{"Deactivate ri-2", "Delete ri-2"}, c.calls)
	})
	t.Run("each call is done but reported failed", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		c.after = func(int) error { return fail(interconnect.Transient, "DeleteRouterInterface", "InternalError") }
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Len(t, c.calls, 4)
	})
	t.Run("reads lag", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		c.tick()
		c.lag = 1
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.interfaces)
	})
}

func TestAnInterfaceWithRoutesStays(t *testing.T) {
	t.Parallel()
	t.Run("a route of ours is waited for", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "ri-1", Name: mark}}
		task := disconnecting()
		task.Now = task.Now.Add(time.Minute)
		out := peering.New(c).Run(context.Background(), task)
		require.Equal(t, chain.KindWait, out.Kind)
		require.Empty(t, c.calls)
	})
	t.Run("a route of ours that does not go is told", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", NextHopID: "ri-1", Name: mark}}
		task := disconnecting()
		task.Now = task.Now.Add(time.Hour)
		out := peering.New(c).Run(context.Background(), task)
		require.Equal(t, chain.KindReject, out.Kind)
		require.Equal(t, "ri-1", out.Leftovers[0].Resource)
		require.NotContains(t, out.Leftovers[0].Sentence, "did not make")
		require.Empty(t, c.calls)
	})
	t.Run("a route by hand is told", func(t *testing.T) {
		t.Parallel()
		c := newCloud(active(mark, "ri-1", "ri-2")...)
		c.routes = []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-2", NextHopID: "ri-2", Name: "by hand"}}
		out := drive(t, c, disconnecting())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Contains(t, out.Problem.Sentence, "vtb-2")
		require.Len(t, out.Leftovers, 1)
		require.Empty(t, c.calls)
	})
}

func TestAPruneOfAChangedRequestKeepsThePair(t *testing.T) {
	t.Parallel()
	c := newCloud(append(active(mark, "ri-1", "ri-2"), with(active(mark, "ri-3", "ri-4"), func(i *interconnect.RouterInterface) { i.Status = "Inactive" })...)...)
	require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Prune)).Kind)
	require.ElementsMatch(t, []string{"Delete ri-3", "Delete ri-4"}, c.calls)
}

func TestChecksDoNothingHere(t *testing.T) {
	t.Parallel()
	c := newCloud()
	require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Verify)).Kind)
	require.Empty(t, c.calls)
	require.Equal(t, interconnect.Peering, peering.New(c).Step())
}
