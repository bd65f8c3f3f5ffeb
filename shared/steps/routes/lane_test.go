package routes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

// spoke is the n-th connection of a hub.
func spoke(n int) *interconnect.Connection {
	return &interconnect.Connection{
		ID:        fmt.Sprintf("spoke-%d", n),
		Initiator: interconnect.Side{RegionID: "cn-qingdao", VpcID: "vpc-hub"},
		Acceptor:  interconnect.Side{RegionID: "cn-beijing", VpcID: fmt.Sprintf("vpc-%d", n)},
	}
}

func routesTo(n, count int) (out []interconnect.NewRoute) {
	for i := range count {
		out = append(out, interconnect.NewRoute{RouteTableID: "vtb-hub", Destination: netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", n, i)),
			NextHop: interconnect.NextHop{ID: fmt.Sprintf("ri-%d", n)}})
	}
	return out
}

// tasks remembers the calls, and answers as it is told.
type tasks struct {
	mu     sync.Mutex
	calls  [][]interconnect.NewRoute
	answer func(routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error)
}

func (c *tasks) create(_ context.Context, _ string, routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, routes)
	if c.answer == nil {
		return nil, nil
	}
	return c.answer(routes)
}

func TestRunsThatComeTogetherShareATask(t *testing.T) {
	t.Parallel()
	refusal := func(class interconnect.Class) error { return &interconnect.CloudError{Class: class, Code: "Because"} }
	stray := interconnect.RouteFailure{Destination: netip.MustParsePrefix("172.16.0.0/24"), NextHopID: "ri-9"}
	type came struct {
		failed []interconnect.RouteFailure
		err    error
	}
	for name, c := range map[string]struct {
		each   int // routes of each of three
		answer func(routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error)
		calls  int
		want   map[int]came // by spoke; none: it went well
	}{
		"in one call":                            {each: 2, calls: 1},
		"in as many as a batch's limit asks for": {each: 20, calls: 2},
		"a task that runs keeps all of them away": {1, func([]interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
			return nil, refusal(interconnect.Busy)
		}, 1, map[int]came{1: {nil, refusal(interconnect.Busy)}, 2: {nil, refusal(interconnect.Busy)}, 3: {nil, refusal(interconnect.Busy)}}},
		"an entry that is refused is its asker's": {1, func(routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
			return []interconnect.RouteFailure{{Destination: netip.MustParsePrefix("10.2.0.0/24"), NextHopID: "ri-2"}}, nil
		}, 1, map[int]came{2: {failed: []interconnect.RouteFailure{{Destination: netip.MustParsePrefix("10.2.0.0/24"), NextHopID: "ri-2"}}}}},
		"a failure that fits nobody is everybody's": {1, func([]interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
			return []interconnect.RouteFailure{stray}, nil
		}, 1, map[int]came{1: {failed: []interconnect.RouteFailure{stray}}, 2: {failed: []interconnect.RouteFailure{stray}}, 3: {failed: []interconnect.RouteFailure{stray}}}},
		"a call that is refused for one's fault is made for each": {1, func(routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
			for _, r := range routes {
				if r.NextHop.ID == "ri-2" {
					return nil, refusal(interconnect.Gone)
				}
			}
			return nil, nil
		}, 4, map[int]came{2: {nil, refusal(interconnect.Gone)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := lanes[interconnect.NewRoute]{fit: adds}
				cloud := &tasks{answer: c.answer}
				got := map[int]came{}
				var mu sync.Mutex
				var group sync.WaitGroup
				seats := map[int]*seat[interconnect.NewRoute]{}
				for n := 1; n <= 4; n++ { // the fourth asks for nothing
					seats[n] = l.join(spoke(n))
				}
				began := time.Now()
				for n := 1; n <= 3; n++ {
					group.Go(func() {
						defer seats[n].leave()
						time.Sleep(time.Duration(n) * time.Millisecond)
						failed, err := seats[n].ask(t.Context(), &spoke(n).Initiator, routesTo(n, c.each), cloud.create)
						if failed != nil || err != nil {
							mu.Lock()
							defer mu.Unlock()
							got[n] = came{failed, err}
						}
					})
				}
				time.Sleep(10 * time.Millisecond)
				require.Empty(t, cloud.calls, "the fourth may yet ask")
				seats[4].leave()
				group.Wait()
				require.Len(t, cloud.calls, c.calls)
				if c.want == nil {
					c.want = map[int]came{}
				}
				require.Equal(t, c.want, got)
				require.Less(t, time.Since(began), gather)
			})
		})
	}
}

func TestNobodyWaitsLongForARunThatDoesNotAsk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes[interconnect.NewRoute]{fit: adds}
		cloud := &tasks{}
		a, slow := l.join(spoke(1)), l.join(spoke(2))
		began := time.Now()
		_, err := a.ask(t.Context(), &spoke(1).Initiator, routesTo(1, 1), cloud.create)
		require.NoError(t, err)
		require.Equal(t, gather, time.Since(began))
		_, err = a.ask(t.Context(), &spoke(1).Acceptor, routesTo(1, 1), cloud.create)
		require.NoError(t, err, "its own VPC is nobody else's")
		_, err = slow.ask(t.Context(), &spoke(2).Initiator, routesTo(2, 1), cloud.create)
		require.NoError(t, err)
		_, err = slow.ask(t.Context(), &spoke(2).Initiator, routesTo(2, 1), cloud.create)
		require.NoError(t, err, "and once more")
		require.Equal(t, gather, time.Since(began))
		a.leave()
		slow.leave()
		require.Len(t, cloud.calls, 4)
		require.Empty(t, l.of)
	})
}

func TestWhatGoesWrongInALaneReachesWhoAsked(t *testing.T) {
	t.Parallel()
	l := lanes[interconnect.NewRoute]{fit: adds}
	s := l.join(spoke(1))
	defer s.leave()
	lost := errors.New("lost")
	_, err := s.ask(t.Context(), &spoke(1).Initiator, routesTo(1, 1), func(context.Context, string, []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
		return nil, lost
	})
	require.ErrorIs(t, err, lost)
}
