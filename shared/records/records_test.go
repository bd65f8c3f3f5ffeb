package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/records"
)

var at = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

func wanted(id string) interconnect.Wanted {
	side := func(region, vpc, block string) interconnect.Side {
		return interconnect.Side{Account: "1", RegionID: region, VpcID: vpc, VRouterID: "vrt-" + vpc, CidrBlocks: []netip.Prefix{netip.MustParsePrefix(block)}, RouteTableIDs: []string{"vtb-" + vpc}}
	}
	return interconnect.Wanted{At: at, By: "alice", Connection: &interconnect.Connection{
		ID: id, Type: interconnect.TypeExpressConnect, Specification: "Mini.2",
		Initiator: side("cn-qingdao", "vpc-1", "192.168.0.0/16"), Acceptor: side("cn-beijing", "vpc-2", "172.16.0.0/16"),
	}}
}

func status(generation int, updated time.Time) interconnect.StepStatus {
	return interconnect.StepStatus{Generation: generation, Action: interconnect.Connect, Progress: interconnect.Waiting, Since: at, UpdatedAt: updated, Note: "for ri-1 to become Active"}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")

	none, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.Nil(t, none)

	generation, err := r.PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)
	require.Equal(t, 1, generation)
	st := status(1, at)
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, st))
	require.NoError(t, r.PutConnected(ctx, "a", wanted("a").Connection))
	sweep := interconnect.SweepStatus{Generation: 1, Sends: 2, Done: 1, SentAt: at}
	require.NoError(t, r.PutSweep(ctx, "a", sweep))
	s.made("")

	got, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, &interconnect.Record{
		ID: "a", Generation: 1, Wanted: wanted("a"), UpdatedAt: s.now, LastConnected: wanted("a").Connection,
		Steps: map[interconnect.Step]interconnect.StepStatus{interconnect.Peering: st}, Sweep: sweep,
	}, got)
	require.Len(t, s.calls, 1)

	w := wanted("a")
	w.Disconnect = true
	generation, err = r.PutRequest(ctx, "a", w)
	require.NoError(t, err)
	require.Equal(t, 2, generation)
	got, err = r.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, 2, got.Generation)
	require.False(t, got.Live())
}

func TestAListLeavesOutWhatIsNoRecord(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	for _, id := range []string{"b", "a", "ab"} {
		_, err := r.PutRequest(ctx, id, wanted(id))
		require.NoError(t, err)
	}
	require.NoError(t, r.Freeze(ctx, "maintenance"))
	s.put("/via/x/request", "{}")                  // another deployment's
	s.put("/vi/orphan/peering", `{"gen":1}`)       // written late, after the record was deleted
	s.put("/vi/a/deeper/request", "{}")            // somebody else's
	s.put("/vi/a/notes", "hand-written, not JSON") // somebody else's
	s.put("/vi/ab/sweep", `{"gen":1,"sends":3}`)   // of ab, not of a
	list, err := r.List(ctx)
	require.NoError(t, err)
	require.Len(t, list, 3)
	for i, id := range []string{"a", "ab", "b"} {
		require.Equal(t, id, list[i].ID)
	}
	require.Zero(t, list[0].Sweep.Sends)
	require.Equal(t, 3, list[1].Sweep.Sends)

	a, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.Zero(t, a.Sweep.Sends)
}

func TestARecordThatCannotBeUnderstoodIsToldAndTheOthersAreListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ entry, value string }{
		"a request that is not JSON":         {"request", "{"},
		"a request that names no connection": {"request", "{}"},
		"a request of another type":          {"request", `{"connection":[]}`},
		"a status that is not JSON":          {"peering", "done"},
		"a last connected that is not JSON":  {"connected", "x"},
		"a sweep of another type":            {"sweep", `{"gen":"one"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), newStore()
			r := records.New(s, "vi")
			for _, id := range []string{"bad", "good"} {
				_, err := r.PutRequest(ctx, id, wanted(id))
				require.NoError(t, err)
			}
			s.put("/vi/bad/"+c.entry, c.value)

			_, err := r.Get(ctx, "bad")
			var m *records.Malformed
			require.ErrorAs(t, err, &m)
			require.Equal(t, "bad", m.ID)
			require.Equal(t, "/vi/bad/"+c.entry, m.Entry)

			list, err := r.List(ctx)
			require.ErrorAs(t, err, &m)
			require.ErrorContains(t, err, "/vi/bad/"+c.entry)
			require.Len(t, list, 1)
			require.Equal(t, "good", list[0].ID)
		})
	}
}

func TestAListThatCannotBeReadIsNil(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.before["list"] = func() error { return failed(interconnect.Throttled, false) }
	list, err := records.New(s, "vi").List(t.Context())
	require.Equal(t, interconnect.Throttled, interconnect.ClassOf(err))
	require.Nil(t, list)
}

func TestARequestIsWrittenWhateverHappensOnTheWay(t *testing.T) {
	t.Parallel()
	const name = "/vi/a/request"
	for title, c := range map[string]struct {
		prepare    func(s *store)
		generation int
	}{
		"nothing happens":                       {func(*store) {}, 1},
		"it is there":                           {func(s *store) { s.put(name, "{}") }, 2},
		"a twin creates it after we looked":     {func(s *store) { s.before["create"] = func() error { s.put(name, "{}"); return nil } }, 2},
		"the creation is done but reported bad": {func(s *store) { s.lost["create"] = true }, 1},
		"the update is done but reported bad":   {func(s *store) { s.put(name, "{}"); s.lost["update"] = true }, 2},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := newStore()
			c.prepare(s)
			generation, err := records.New(s, "vi").PutRequest(t.Context(), "a", wanted("a"))
			require.NoError(t, err)
			require.Equal(t, c.generation, generation)
			require.Equal(t, c.generation, s.entries[name].Version)
			require.Contains(t, s.entries[name].Value, "vpc-1")
		})
	}
}

func TestARequestThatIsNotWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for title, c := range map[string]struct {
		prepare func(s *store)
		want    interconnect.Class
	}{
		"the entry cannot be read":            {func(s *store) { s.before["get"] = func() error { return failed(interconnect.Throttled, false) } }, interconnect.Throttled},
		"the creation is refused":             {func(s *store) { s.before["create"] = func() error { return failed(interconnect.Denied, false) } }, interconnect.Denied},
		"the creation fails and was not done": {func(s *store) { s.before["create"] = func() error { return failed(interconnect.Transient, true) } }, interconnect.Transient},
		"the update fails and was not done": {func(s *store) {
			s.put("/vi/a/request", "{}")
			s.before["update"] = func() error { return failed(interconnect.Transient, true) }
		}, interconnect.Transient},
		"it exists but a lagging read does not see it": {func(s *store) { s.before["create"] = func() error { return failed(interconnect.Exists, false) } }, interconnect.Busy},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := newStore()
			c.prepare(s)
			_, err := records.New(s, "vi").PutRequest(t.Context(), "a", wanted("a"))
			require.Equal(t, c.want, interconnect.ClassOf(err))
		})
	}
}

func TestANewRecordDoesNotInheritEntriesOfADeletedOne(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	s.put("/vi/a/peering", `{"gen":7,"progress":"done"}`)
	s.put("/vi/ab/request", "{}")
	generation, err := r.PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)
	require.Equal(t, 1, generation)
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Peering, status(1, at)))
	got, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, 1, got.Steps[interconnect.Peering].Generation)
	require.Contains(t, s.entries, "/vi/ab/request")
}

func TestALaggingReadDoesNotCostARecordItsEntries(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	_, err := r.PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)
	require.NoError(t, r.PutConnected(ctx, "a", wanted("a").Connection))

	s.before["get"] = func() error { return failed(interconnect.Gone, false) }
	w := wanted("a")
	w.Disconnect = true
	generation, err := r.PutRequest(ctx, "a", w)
	require.NoError(t, err)
	require.Equal(t, 2, generation)
	got, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.NotNil(t, got.LastConnected)
	require.True(t, got.Wanted.Disconnect)
}

func TestAStatusIsWrittenOnTransitionsAndOnceAMinute(t *testing.T) {
	t.Parallel()
	first := status(2, at)
	for name, c := range map[string]struct {
		change  func(s *interconnect.StepStatus)
		written bool
	}{
		"the same a moment later is held back":         {func(s *interconnect.StepStatus) { s.UpdatedAt = at.Add(59 * time.Second) }, false},
		"the same a minute later is a sign of life":    {func(s *interconnect.StepStatus) { s.UpdatedAt = at.Add(time.Minute) }, true},
		"the same at the same time is held back":       {func(*interconnect.StepStatus) {}, false},
		"another progress is written at once":          {func(s *interconnect.StepStatus) { s.Progress = interconnect.Done }, true},
		"another note is written at once":              {func(s *interconnect.StepStatus) { s.Note = "for the other side" }, true},
		"a problem is written at once":                 {func(s *interconnect.StepStatus) { s.Problem = &interconnect.Problem{Sentence: "x"} }, true},
		"a newer generation is written at once":        {func(s *interconnect.StepStatus) { s.Generation = 3 }, true},
		"an older generation is never written":         {func(s *interconnect.StepStatus) { s.Generation = 1; s.Progress = interconnect.Failed }, false},
		"a clock that was set back does not silence":   {func(s *interconnect.StepStatus) { s.UpdatedAt = at.Add(-time.Hour) }, true},
		"a generation over what cannot be read is put": {func(s *interconnect.StepStatus) { s.Generation = 2; s.Took = time.Second }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, s := t.Context(), newStore()
			r := records.New(s, "vi")
			require.NoError(t, r.PutStatus(ctx, "a", interconnect.Routes, first))
			next := first
			c.change(&next)
			s.made("")
			require.NoError(t, r.PutStatus(ctx, "a", interconnect.Routes, next))
			require.Equal(t, c.written, len(s.made("update")) == 1)
		})
	}
}

func TestAStatusThatCannotBeReadIsReplaced(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.put("/vi/a/peering", "scribble")
	require.NoError(t, records.New(s, "vi").PutStatus(t.Context(), "a", interconnect.Peering, status(1, at)))
	require.Contains(t, s.entries["/vi/a/peering"].Value, `"gen":1`)
}

func TestASweepOfAnOlderGenerationIsNotWritten(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	require.NoError(t, r.PutSweep(ctx, "a", interconnect.SweepStatus{Generation: 2, Sends: 1}))
	require.NoError(t, r.PutSweep(ctx, "a", interconnect.SweepStatus{Generation: 1, Sends: 9}))
	require.Contains(t, s.entries["/vi/a/sweep"].Value, `"gen":2`)
	require.NoError(t, r.PutSweep(ctx, "a", interconnect.SweepStatus{Generation: 2, Sends: 2}))
	require.Contains(t, s.entries["/vi/a/sweep"].Value, `"sends":2`)
}

func TestTheLastConnectedIsWrittenWhenItChanges(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	require.NoError(t, r.PutConnected(ctx, "a", wanted("a").Connection))
	require.NoError(t, r.PutConnected(ctx, "a", wanted("a").Connection))
	require.Empty(t, s.made("update"))
	other := wanted("a").Connection
	other.Specification = "Small.1"
	require.NoError(t, r.PutConnected(ctx, "a", other))
	require.Len(t, s.made("update"), 1)
}

func TestARequestThatDoesNotFitNamesItsLength(t *testing.T) {
	t.Parallel()
	s := newStore()
	w := wanted("a")
	for i := range 400 {
		w.Connection.Initiator.CidrBlocks = append(w.Connection.Initiator.CidrBlocks, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 256), byte(i), 0}), 24))
	}
	_, err := records.New(s, "vi").PutRequest(t.Context(), "a", w)
	var e *records.TooLarge
	require.ErrorAs(t, err, &e)
	require.Equal(t, "/vi/a/request", e.Entry)
	require.Greater(t, e.Length, records.MaxEntry)
	require.Empty(t, s.entries)
}

func verdicts(n int) []interconnect.Verdict {
	out := make([]interconnect.Verdict, n)
	for i := range out {
		out[i] = interconnect.Verdict{At: at.Add(-time.Duration(i) * time.Minute), Outcome: interconnect.VerdictBlocked, Why: "the ping from i-a to i-b fails", Pings: []interconnect.Ping{
			{From: interconnect.Initiator, InstanceID: "i-a", Source: "192.168.1.1", Target: "172.16.1.1", Sent: 4, LossPct: 100},
		}}
	}
	return out
}

func TestVerdictsAreKeptAsManyAsFit(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	_, err := r.PutRequest(ctx, "a", wanted("a"))
	require.NoError(t, err)

	small := make([]interconnect.Verdict, 30)
	for i := range small {
		small[i] = interconnect.Verdict{At: at.Add(-time.Duration(i) * time.Minute), Outcome: interconnect.VerdictConnected}
	}
	st := status(1, at)
	st.Verdicts = small
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Verification, st))
	got, err := r.Get(ctx, "a")
	require.NoError(t, err)
	require.Equal(t, small[:20], got.Steps[interconnect.Verification].Verdicts)

	st.Verdicts = verdicts(30)
	require.NoError(t, r.PutStatus(ctx, "a", interconnect.Verification, st))
	got, err = r.Get(ctx, "a")
	require.NoError(t, err)
	kept := got.Steps[interconnect.Verification].Verdicts
	require.Greater(t, len(kept), 10)
	require.Less(t, len(kept), 20)
	require.Equal(t, st.Verdicts[:len(kept)], kept, "the newest stay")
}

func TestAStatusAlwaysFits(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("ab <>&\"é中\n")), 0, 3000, -1)
	rapid.Check(t, func(rt *rapid.T) {
		s := newStore()
		r := records.New(s, "vi")
		st := status(1, at)
		st.Note = text.Draw(rt, "note")
		st.Problem = &interconnect.Problem{Sentence: text.Draw(rt, "problem"), Code: "C", RequestID: "r"}
		for i := range rapid.IntRange(0, 300).Draw(rt, "ids") {
			st.Resources = append(st.Resources, fmt.Sprintf("rte-%020d", i))
		}
		for range rapid.IntRange(0, 40).Draw(rt, "leftovers") {
			st.Leftovers = append(st.Leftovers, interconnect.Problem{Sentence: text.Draw(rt, "leftover"), Resource: "ri-1"})
		}
		st.Verdicts = verdicts(rapid.IntRange(0, 25).Draw(rt, "verdicts"))
		for i := range st.Verdicts {
			v := &st.Verdicts[i]
			v.Why = text.Draw(rt, "why")
			if i > 0 {
				continue
			}
			v.Stop = &interconnect.Stop{Layer: "security group ingress", Side: interconnect.Acceptor, Resource: "sgr-1", Mend: text.Draw(rt, "mend")}
			for range rapid.IntRange(0, 6).Draw(rt, "drift") {
				v.Drift = append(v.Drift, interconnect.Drift{Kind: interconnect.DriftMissing, Side: interconnect.Acceptor, Resource: "vtb-1", Sentence: text.Draw(rt, "what")})
			}
			for range rapid.IntRange(0, 24).Draw(rt, "ports") {
				fate := rapid.SampledFrom([]interconnect.PortFate{interconnect.PortOpen, interconnect.PortFiltered, interconnect.PortUntried}).Draw(rt, "fate")
				v.Ports = append(v.Ports, interconnect.PortProbe{From: interconnect.Initiator, Target: "172.16.100.100", Port: 65535, Fate: fate, Error: text.Draw(rt, "error")})
			}
			for range rapid.IntRange(0, 5).Draw(rt, "pings") {
				p := v.Pings[0]
				p.Error = text.Draw(rt, "no ping")
				v.Pings = append(v.Pings, p)
			}
		}
		before, _ := json.Marshal(st)
		if err := r.PutStatus(t.Context(), "a", interconnect.Peering, st); err != nil {
			rt.Fatalf("%v", err)
		}
		if after, _ := json.Marshal(st); string(after) != string(before) {
			rt.Fatalf("the caller's status was changed")
		}
		var got interconnect.StepStatus
		value := s.entries["/vi/a/peering"].Value
		if err := json.Unmarshal([]byte(value), &got); err != nil || len(value) > records.MaxEntry {
			rt.Fatalf("%d bytes: %v", len(value), err)
		}
		if len(st.Verdicts) > 0 && len(st.Verdicts[0].Drift) != len(got.Verdicts[0].Drift)+got.Verdicts[0].More {
			rt.Fatalf("what differs is neither told nor counted")
		}
		if len(st.Leftovers) > 0 && len(got.Leftovers) == 0 || len(st.Verdicts) > 0 && len(got.Verdicts) == 0 {
			rt.Fatalf("nothing is left of the leftovers or the verdicts")
		}
		left := len(got.Resources) < len(st.Resources) || len(got.Leftovers) < len(st.Leftovers)
		if left != strings.Contains(got.Note, "left out for want of room") {
			rt.Fatalf("the note does not tell what was left out: %q", got.Note)
		}
	})
}

func TestDeletingLeavesNothingAndTakesTheRequestLast(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	for _, id := range []string{"a", "ab"} {
		_, err := r.PutRequest(ctx, id, wanted(id))
		require.NoError(t, err)
		require.NoError(t, r.PutStatus(ctx, id, interconnect.Peering, status(1, at)))
		require.NoError(t, r.PutConnected(ctx, id, wanted(id).Connection))
	}
	s.before["delete"] = func() error { return failed(interconnect.Transient, true) }
	require.Error(t, second(r.Delete(ctx, "a", 1)))
	require.Contains(t, s.entries, "/vi/a/request", "died halfway, it can be deleted again")

	s.made("")
	require.NoError(t, second(r.Delete(ctx, "a", 1)))
	deleted := s.made("delete")
	require.Equal(t, "/vi/a/request", deleted[len(deleted)-1])
	require.Equal(t, []string{"/vi/ab/connected", "/vi/ab/peering", "/vi/ab/request"}, s.names())
	require.NoError(t, second(r.Delete(ctx, "a", 1)), "it is gone already")
}

func TestTheFreezeSwitch(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), newStore()
	r := records.New(s, "vi")
	_, frozen, err := r.Frozen(ctx)
	require.NoError(t, err)
	require.False(t, frozen)

	require.NoError(t, r.Freeze(ctx, "a change freeze until Monday"))
	reason, frozen, err := r.Frozen(ctx)
	require.NoError(t, err)
	require.True(t, frozen)
	require.Equal(t, "a change freeze until Monday", reason)
	require.Error(t, r.Freeze(ctx, ""))

	require.NoError(t, r.Thaw(ctx))
	require.NoError(t, r.Thaw(ctx))
	_, frozen, err = r.Frozen(ctx)
	require.NoError(t, err)
	require.False(t, frozen)

	s.before["get"] = func() error { return failed(interconnect.Transient, false) }
	_, _, err = r.Frozen(ctx)
	require.Error(t, err, "not knowing is not the same as not frozen")
}

func TestAnIDThatCannotBeAnEntrysNameIsRefused(t *testing.T) {
	t.Parallel()
	s := newStore()
	r := records.New(s, "vi")
	for _, id := range []string{"", "freeze", "a/b", "../x", "a b", "ä", strings.Repeat("x", 129)} {
		_, err := r.PutRequest(t.Context(), id, wanted(id))
		require.Error(t, err, id)
		_, err = r.Get(t.Context(), id)
		require.Error(t, err, id)
		require.Error(t, second(r.Delete(t.Context(), id, 1)), id)
	}
	require.Error(t, r.PutStatus(t.Context(), "a", "request", status(1, at)), "a step's name cannot be that of another entry")
	require.Empty(t, s.calls)
}

func TestErrorsOfTheStoreKeepTheirClass(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.before["names"] = func() error { return failed(interconnect.Denied, false) }
	_, err := records.New(s, "vi").Get(t.Context(), "a")
	var e *interconnect.CloudError
	require.True(t, errors.As(err, &e))
	require.Equal(t, interconnect.Denied, e.Class)
}
