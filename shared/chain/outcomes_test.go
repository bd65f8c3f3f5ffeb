package chain_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// checks runs a check for each outcome, and returns what was told of them.
func (s *stage) checks(outcomes ...chain.Outcome) []chain.Announcement {
	s.t.Helper()
	before := len(s.announcements())
	for _, o := range outcomes {
		s.serial++
		s.steps[interconnect.Verification].says(o)
		s.mustDeliver(interconnect.Verification, message(interconnect.Verify, func(m *chain.Message) { m.Trace = "check-" + strconv.Itoa(s.serial) }))
	}
	return s.announcements()[before:]
}

func connected(t *testing.T) *stage {
	s := newStage(t)
	s.steps[interconnect.Verification].says(verdict("connected"))
	s.mustDeliver(interconnect.Verification, message(interconnect.Connect))
	return s
}

func types(all []chain.Announcement) (out []string) {
	for _, a := range all {
		out = append(out, a.Type)
	}
	return out
}

func TestEveryChangeOfStateIsTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.steps[interconnect.Peering].says(chain.WaitFor("both sides"), chain.WaitFor("both sides"), chain.DoneWith("ri-1"))
	s.steps[interconnect.Verification].says(verdict("connected"))
	s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
	s.play(100)
	s.checks(verdict("connected"), verdict("blocked"), verdict("unproven"), verdict("one-way"))

	state := interconnect.StatePending
	ids := map[string]bool{}
	for _, a := range s.told(func(chain.Announcement) bool { return true }) {
		require.False(t, ids[a.ID], "an id of its own: %s", a.ID)
		ids[a.ID] = true
		if a.Data.Was != "" {
			require.Equal(t, state, a.Data.Was)
		}
		if a.Data.State != state {
			require.Equal(t, state, a.Data.Was, "%s", a.Type)
		}
		state = a.Data.State
	}
	require.Equal(t, interconnect.StateBlocked, state)
	changes := s.told(func(a chain.Announcement) bool { return a.Data.Was != "" })
	var states []interconnect.State
	for _, a := range changes {
		states = append(states, a.Data.State)
	}
	require.Equal(t, []interconnect.State{
		interconnect.StateConnecting, interconnect.StateConnected, interconnect.StateBlocked, interconnect.StateUnproven, interconnect.StateBlocked,
	}, states)
	require.Equal(t, chain.TypeState, changes[0].Type)
	require.Equal(t, "both sides", changes[0].Data.Why)
}

func TestARepeatOfAnythingIsToldUnderTheSameID(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for range 2 {
		s.steps[interconnect.Peering].says(chain.WaitFor("states"))
		s.mustDeliver(interconnect.Peering, message(interconnect.Connect))
		s.records.put("a", 1, func(r *interconnect.Record) { clear(r.Steps) }) // as if it had died before the entry was written
	}
	all := s.told(func(chain.Announcement) bool { return true })
	require.Len(t, all, 2)
	require.Equal(t, all[0].ID, all[1].ID)
}

func TestAFlappingConnectionIsToldOfOnceWithACount(t *testing.T) {
	t.Parallel()
	s := connected(t)
	yes, no := verdict("connected"), verdict("blocked")
	require.Equal(t, []string{chain.TypeVerdict, chain.TypeVerdict, chain.TypeVerdict, chain.TypeFlapping}, types(s.checks(no, yes, no, yes)))
	require.Empty(t, s.checks(no, yes, yes, no, no, no, yes, no, no, no, no), "counted, not told")
	last := s.checks(no, no)
	require.Equal(t, []string{chain.TypeSteady}, types(last))
	require.Equal(t, 9, last[0].Data.Swings.Changes)
	require.Equal(t, interconnect.VerdictBlocked, last[0].Data.Verdict.Outcome)
	require.Equal(t, interconnect.StateBlocked, last[0].Data.State)
	require.Nil(t, s.status(interconnect.Verification).Swings, "nothing is left to be remembered")
	require.Equal(t, []string{chain.TypeVerdict}, types(s.checks(no, yes, yes, yes)), "afterwards it is told of as before")
}

func TestChangesFarApartAreNoFlapping(t *testing.T) {
	t.Parallel()
	s := connected(t)
	for range 10 {
		require.Equal(t, []string{chain.TypeVerdict}, types(s.checks(verdict("blocked"), verdict("blocked"), verdict("blocked"), verdict("blocked"), verdict("blocked"), verdict("blocked"))))
		require.Equal(t, []string{chain.TypeVerdict}, types(s.checks(verdict("connected"), verdict("connected"), verdict("connected"), verdict("connected"), verdict("connected"), verdict("connected"))))
	}
}

func TestDriftThatAPingDoesNotFeelIsTold(t *testing.T) {
	t.Parallel()
	s := connected(t)
	missing := drifted("connected", interconnect.DriftMissing)
	told := s.checks(missing, missing, missing)
	require.Equal(t, []string{chain.TypeVerdict}, types(told))
	require.Equal(t, interconnect.DriftMissing, told[0].Data.Verdict.Drift[0].Kind)
	require.Empty(t, told[0].Data.Was, "the state is the same")
	require.Len(t, s.checks(verdict("connected")), 1, "that it is mended as well")
}

func TestWhereItStopsIsAPartOfWhatIsFound(t *testing.T) {
	t.Parallel()
	s := connected(t)
	at := func(id, mend string) chain.Outcome {
		o := verdict("blocked")
		o.Verdict.Stop = &interconnect.Stop{Layer: "route", Side: interconnect.Acceptor, Resource: id, Mend: mend}
		return o
	}
	require.Len(t, s.checks(at("rte-1", "Do this."), at("rte-1", "Do that."), at("rte-2", "Do this.")), 2)
}

func TestRepairsAreCountedUntilNothingIsAmiss(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.records.put("a", 1, func(r *interconnect.Record) { r.Wanted.Connection.Repair = interconnect.RepairAuto })
	missing := drifted("blocked", interconnect.DriftMissing)
	for n := range 5 {
		s.queues.left = nil
		s.checks(missing)
		require.Equal(t, n < 3, len(s.queues.left) == 1)
		got := s.status(interconnect.Verification)
		require.Equal(t, min(n+1, 3), got.Repairs)
		require.Equal(t, n >= 3, strings.Contains(got.Verdicts[0].Why, "has not helped"))
	}
	s.checks(verdict("connected"))
	require.Zero(t, s.status(interconnect.Verification).Repairs)
}

func TestARepairTellsItsFailureAndWhatItMended(t *testing.T) {
	t.Parallel()
	s := connected(t)
	s.checks(drifted("connected", interconnect.DriftMissing))
	before := len(s.announcements())
	s.steps[interconnect.Routes].says(chain.RejectWith(sentence("There is another route."), nil))
	s.steps[interconnect.Verification].says(verdict("connected"))
	repair := message(interconnect.Connect, func(m *chain.Message) { m.Repair, m.Trace = true, "check-1.repair" })
	s.mustDeliver(interconnect.Peering, repair)
	s.play(100)
	told := s.announcements()[before:]
	require.Equal(t, []string{chain.TypeStepFailed, chain.TypeVerdict}, types(told))
	for _, a := range told {
		require.True(t, a.Data.Repair)
	}
	ids := map[string]bool{}
	for _, a := range s.announcements() {
		require.False(t, ids[a.ID], "a repair's outcomes are not taken for those of the connect before it")
		ids[a.ID] = true
	}
}

func TestTheEntryStaysBoundedHoweverItFlaps(t *testing.T) {
	t.Parallel()
	s := connected(t)
	for n := range 300 {
		s.checks([]chain.Outcome{verdict("connected"), verdict("blocked"), verdict("unproven")}[n%3])
	}
	got := s.status(interconnect.Verification)
	require.Len(t, got.Verdicts, 20)
	require.True(t, got.Swings.Flapping)
	require.Len(t, s.announcements(), 1+4)
}
