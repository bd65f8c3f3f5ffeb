package routes_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/steps/routes"
)

const mark = "interconnect.vi.orders-to-billing"

func connecting() *chain.Task {
	return chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Connect)
}

func disconnecting() *chain.Task {
	r := chaintest.Record(chaintest.Tutorial())
	r.Generation, r.Wanted.Disconnect = 2, true
	return chaintest.Task(r, interconnect.Prune)
}

func entry(table, destination, hop, name string) interconnect.RouteEntry {
	return interconnect.RouteEntry{
		ID: "rte-" + table + "-" + hop, RouteTableID: table, Destination: netip.MustParsePrefix(destination),
		NextHopType: "RouterInterface", NextHopID: hop, Type: "Custom", Name: name, Status: "Available",
	}
}

func drive(t *testing.T, c *cloud, task *chain.Task) chain.Outcome {
	t.Helper()
	out, err := chaintest.Drive(routes.New(c), task, c.tick)
	require.NoError(t, err, "calls: %v", c.calls)
	require.Zero(t, c.conflicts, "no change is asked for while another runs")
	return out
}

func TestARouteOnEachSide(t *testing.T) {
	t.Parallel()
	c := newCloud()
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindDone, out.Kind)
	require.ElementsMatch(t, []string{"CreateRouteEntries cn-qingdao", "CreateRouteEntries cn-beijing"}, c.calls)
	require.Len(t, out.Resources, 2)
	hops := map[string]string{}
	for _, e := range c.entries {
		hops[e.RouteTableID+" "+e.Destination.String()] = e.NextHopID
		require.Equal(t, mark, e.Name)
	}
	require.Equal(t, map[string]string{"vtb-1 172.16.0.0/16": "ri-1", "vtb-2 192.168.0.0/16": "ri-2"}, hops)

	c.calls = nil
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
	require.Empty(t, c.calls, "the same request again changes nothing")
}

// wide is a connection with n blocks on the acceptor's side.
func wide(n int) *chain.Task {
	task := connecting()
	task.Want.Acceptor.CidrBlocks = nil
	for i := range n {
		task.Want.Acceptor.CidrBlocks = append(task.Want.Acceptor.CidrBlocks, netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", i)))
	}
	return task
}

func TestManyRoutesAreMadeInBatchesOneAtATime(t *testing.T) {
	t.Parallel()
	c := newCloud()
	require.Equal(t, chain.KindDone, drive(t, c, wide(120)).Kind)
	require.Equal(t, 121, len(c.entries))
	require.Len(t, c.calls, 3+1)
}

func TestEveryTableIsWaitedForBeforeABatch(t *testing.T) {
	t.Parallel()
	elsewhere := entry("vtb-1x", "10.9.0.0/16", "ri-9", "by hand")
	elsewhere.Status = "Creating"
	c := newCloud(elsewhere)
	out := routes.New(c).Run(context.Background(), connecting())
	require.Equal(t, chain.KindWait, out.Kind)
	require.Equal(t, []string{"CreateRouteEntries cn-beijing"}, c.calls, "the other VPC's routes need not wait")
	require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
}

func TestWhoWaitsForAVPCLooksAtItsEntriesOnly(t *testing.T) {
	t.Parallel()
	elsewhere := entry("vtb-1", "10.9.0.0/16", "ri-9", "interconnect.vi.another")
	elsewhere.Status = "Creating"
	c := newCloud(elsewhere, entry("vtb-2", "192.168.0.0/16", "ri-2", mark))
	first := routes.New(c).Run(context.Background(), connecting())
	require.Equal(t, chain.KindWait, first.Kind)
	require.Positive(t, first.Turn, "others may wait for it too")
	require.NotZero(t, c.interfaceReads)

	c.interfaceReads = 0
	again := connecting()
	again.Message.Waits = 1
	out := routes.New(c).Run(context.Background(), again)
	require.Equal(t, chain.KindWait, out.Kind)
	require.Positive(t, out.Turn)
	require.Zero(t, c.interfaceReads, "their rates are limited")
	require.Equal(t, chain.KindDone, drive(t, c, again).Kind)
}

func TestWhatIsThereAlready(t *testing.T) {
	t.Parallel()
	t.Run("an equal route by hand is used and left", func(t *testing.T) {
		t.Parallel()
		c := newCloud(entry("vtb-1", "172.16.0.0/16", "ri-1", "by hand"))
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindDone, out.Kind)
		require.Contains(t, out.Resources, "rte-vtb-1-ri-1 (not ours)")
		require.Equal(t, []string{"CreateRouteEntries cn-beijing"}, c.calls)

		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Len(t, c.entries, 1, "and stays after a disconnect")
	})
	t.Run("a route by hand that leads elsewhere is told, with table, block and next hop", func(t *testing.T) {
		t.Parallel()
		c := newCloud(entry("vtb-2", "192.168.0.0/16", "ri-9", "by hand"))
		out := drive(t, c, connecting())
		require.Equal(t, chain.KindReject, out.Kind)
		for _, word := range []string{"vtb-2", "192.168.0.0/16", "ri-9"} {
			require.Contains(t, out.Problem.Sentence, word)
		}
		require.Empty(t, c.calls)
	})
	t.Run("ours that leads elsewhere is led back", func(t *testing.T) {
		t.Parallel()
		c := newCloud(entry("vtb-1", "172.16.0.0/16", "ri-old", mark), entry("vtb-2", "192.168.0.0/16", "ri-2", mark))
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Equal(t, []string{"ModifyRouteEntry cn-qingdao"}, c.calls)
		require.Equal(t, "ri-1", c.entries[0].NextHopID)
	})
	t.Run("a leftover of a connection that is no more is led our way", func(t *testing.T) {
		t.Parallel()
		c := newCloud(entry("vtb-1", "172.16.0.0/16", "ri-old", "interconnect.vi.former"))
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Equal(t, "ri-1", c.entries[0].NextHopID)
	})
	t.Run("another deployment's is not", func(t *testing.T) {
		t.Parallel()
		c := newCloud(entry("vtb-1", "172.16.0.0/16", "ri-old", "interconnect.other.orders-to-billing"))
		require.Equal(t, chain.KindReject, drive(t, c, connecting()).Kind)
		require.Empty(t, c.calls)
	})
}

func TestNoRouteLeadsIntoAPairThatIsNotActive(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.interfaces[1].Status = "Inactive"
	out := routes.New(c).Run(context.Background(), connecting())
	require.Equal(t, chain.KindWait, out.Kind)
	require.Empty(t, c.calls)
}

func TestAFullTableIsNamed(t *testing.T) {
	t.Parallel()
	c := newCloud(entry("vtb-1x", "10.1.0.0/16", "ri-9", ""), entry("vtb-1x", "10.2.0.0/16", "ri-9", ""), entry("vtb-1x", "10.3.0.0/16", "ri-9", ""))
	c.quota = 3
	task := connecting()
	task.Want.Initiator.RouteTableIDs = []string{"vtb-1", "vtb-1x"}
	out := drive(t, c, task)
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "vtb-1x")
	require.Contains(t, out.Problem.Sentence, "3 custom")
	require.Equal(t, "vtb-1x", out.Problem.Resource)
	require.Equal(t, "QuotaExceeded.RouteEntry", out.Problem.Code)
}

func TestAQuotaThatRefusesTheWholeBatchNamesTheTableToo(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.before = func(action string) error { return fail(interconnect.Quota, action, "QuotaExceeded.RouteEntry") }
	out := drive(t, c, connecting())
	require.Equal(t, chain.KindReject, out.Kind)
	require.Contains(t, out.Problem.Sentence, "0 custom")
}

func TestEntriesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		class interconnect.Class
		kind  chain.Kind
	}{
		"for now are tried again":         {interconnect.Busy, chain.KindDone},
		"by a fault are tried again":      {interconnect.Transient, chain.KindDone},
		"as there already are looked for": {interconnect.Exists, chain.KindDone},
		"for good are told":               {interconnect.Permanent, chain.KindReject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			refusals := 0
			c.refuse = func(interconnect.NewRoute) *interconnect.CloudError {
				if refusals++; refusals <= 3 {
					return fail(tt.class, "CreateRouteEntries", "SomeCode")
				}
				return nil
			}
			out := drive(t, c, connecting())
			require.Equal(t, tt.kind, out.Kind)
			if tt.kind == chain.KindReject {
				require.Contains(t, out.Problem.Sentence, "SomeCode")
			}
		})
	}
}

func TestACallThatIsDoneButReportedFailed(t *testing.T) {
	t.Parallel()
	for _, class := range []interconnect.Class{interconnect.Transient, interconnect.Busy, interconnect.Exists} {
		c := newCloud()
		c.after = func(n int) error {
			if n <= 2 {
				return fail(class, "CreateRouteEntries", "SomeCode")
			}
			return nil
		}
		require.Equal(t, chain.KindDone, drive(t, c, connecting()).Kind)
		require.Len(t, c.entries, 2)
	}
}

func TestReadsThatLag(t *testing.T) {
	t.Parallel()
	for lag := 1; lag <= 4; lag++ {
		c := newCloud()
		c.lag = lag
		out, err := chaintest.Drive(routes.New(c), connecting(), c.tick)
		require.NoError(t, err)
		require.Equal(t, chain.KindDone, out.Kind)
		require.Len(t, c.entries, 2)
	}
}

func TestADisconnectTakesTheRoutesAway(t *testing.T) {
	t.Parallel()
	mine := func() *cloud {
		return newCloud(
			entry("vtb-1", "172.16.0.0/16", "ri-1", mark), entry("vtb-2", "192.168.0.0/16", "ri-2", mark),
			entry("vtb-1x", "10.0.0.0/8", "ri-1", mark), // of an earlier generation
			entry("vtb-2", "10.9.0.0/16", "ri-9", "by hand"), entry("vtb-2x", "192.168.0.0/16", "ri-2", "interconnect.other.orders-to-billing"),
		)
	}
	t.Run("and no other", func(t *testing.T) {
		t.Parallel()
		c := mine()
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.ElementsMatch(t, []string{"DeleteRouteEntries cn-qingdao", "DeleteRouteEntries cn-beijing"}, c.calls)
		require.Len(t, c.entries, 2)

		c.calls = nil
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
		require.Empty(t, c.calls)
	})
	t.Run("while a task runs it waits", func(t *testing.T) {
		t.Parallel()
		c := mine()
		c.entries[4].Status = "Modifying"
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
	})
	t.Run("done but reported failed", func(t *testing.T) {
		t.Parallel()
		c := mine()
		c.after = func(int) error { return fail(interconnect.Transient, "DeleteRouteEntries", "InternalError") }
		require.Equal(t, chain.KindDone, drive(t, c, disconnecting()).Kind)
	})
	t.Run("an entry that cannot go is left over and told", func(t *testing.T) {
		t.Parallel()
		c := mine()
		c.refuse = func(n interconnect.NewRoute) *interconnect.CloudError {
			if n.Destination.String() == "10.0.0.0/8" {
				return fail(interconnect.Denied, "DeleteRouteEntries", "Forbidden.RAM")
			}
			return nil
		}
		out := drive(t, c, disconnecting())
		require.Equal(t, chain.KindReject, out.Kind)
		require.Len(t, out.Leftovers, 1)
		require.Contains(t, out.Leftovers[0].Sentence, "10.0.0.0/8")
		require.NotEmpty(t, out.Leftovers[0].Resource, "one entry only leads there")
	})
	t.Run("a removal that is denied tells of each entry", func(t *testing.T) {
		t.Parallel()
		c := mine()
		c.before = func(string) error { return fail(interconnect.Denied, "DeleteRouteEntries", "Forbidden.RAM") }
		out := drive(t, c, disconnecting())
		require.Equal(t, chain.KindReject, out.Kind)
		require.NotEmpty(t, out.Leftovers)
		for _, left := range out.Leftovers {
			require.NotEmpty(t, left.Resource)
			require.Equal(t, "Forbidden.RAM", left.Code)
		}
	})
	t.Run("a changed request keeps what it still wants", func(t *testing.T) {
		t.Parallel()
		c := mine()
		require.Equal(t, chain.KindDone, drive(t, c, chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Prune)).Kind)
		require.Equal(t, []string{"DeleteRouteEntries cn-qingdao"}, c.calls)
		require.Len(t, c.entries, 4)
	})
}

func TestChecksDoNothingHere(t *testing.T) {
	t.Parallel()
	c := newCloud()
	task := chaintest.Task(chaintest.Record(chaintest.Tutorial()), interconnect.Verify)
	task.Now = task.Now.Add(time.Hour)
	require.Equal(t, chain.KindDone, drive(t, c, task).Kind)
	require.Empty(t, c.calls)
	require.Equal(t, interconnect.Routes, routes.New(c).Step())
}
