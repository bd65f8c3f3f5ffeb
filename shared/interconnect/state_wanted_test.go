package interconnect

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// resolved is the tutorial's connection, after a change of the request.
func resolved(t *testing.T, change func(r *Request)) *Connection {
	t.Helper()
	r, f := pinging(), tutorialFacts()
	f.Initiator.Tables = append(f.Initiator.Tables, RouteTable{ID: "vtb-1b"})
	f.Initiator.Groups = append(f.Initiator.Groups, GroupFacts{ID: "sg-1b"})
	if change != nil {
		change(r)
	}
	c, _, list := Resolve(r, f)
	require.Empty(t, list)
	return c
}

func made(t *testing.T, change func(r *Request)) *Record {
	r := recorded(with(all(status(Connect, Done)), Verification, proven(Connect, VerdictConnected)))
	r.Wanted = Wanted{Connection: resolved(t, change)}
	r.LastConnected = r.Wanted.Connection
	return r
}

func twoTables(r *Request) { r.Initiator.RouteTableIDs = []string{"vtb-1", "vtb-1b"} }
func twoGroups(r *Request) {
	r.Initiator.SecurityGroups = append(r.Initiator.SecurityGroups, RequestGroup{SecurityGroupID: "sg-1b"})
}

func TestAChangedRequestNamesThePlacesThatMayHoldWhatItNoLongerWants(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was, is func(r *Request)
		places  []Place
	}{
		"nothing, where only more is wanted":       {nil, func(r *Request) { twoTables(r); twoGroups(r) }, nil},
		"nothing, where no route or rule changes":  {nil, func(r *Request) { r.Repair = RepairAuto; r.Specification = "Large.1" }, nil},
		"a table that is no longer named":          {twoTables, nil, []Place{{Role: Initiator, Table: "vtb-1b"}}},
		"a group that is no longer named":          {twoGroups, nil, []Place{{Role: Initiator, Group: "sg-1b"}}},
		"the group where less is let in":           {func(r *Request) { r.Acceptor.SecurityGroups[0].Allow = []RequestAllow{{"ALL", ""}, {"ICMP", ""}} }, nil, []Place{{Role: Acceptor, Group: "sg-2"}}},
		"tables and groups where a block has gone": {nil, func(r *Request) { r.Acceptor.CidrBlocks = []string{"172.16.1.0/24"} }, []Place{{Role: Initiator, Group: "sg-1"}, {Role: Initiator, Table: "vtb-1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := resolved(t, c.is)
			require.Equal(t, c.places, NextWanted(made(t, c.was), next).Former)
		})
	}
}

func TestPlacesAreKeptUntilTheyAreClean(t *testing.T) {
	t.Parallel()
	stuck := made(t, nil)
	stuck.Wanted.Former = []Place{{Role: Initiator, Table: "vtb-1b"}} // the connect ended, its prune not yet
	require.Equal(t, stuck.Wanted.Former, NextWanted(stuck, stuck.Wanted.Connection).Former)
	require.Equal(t, stuck.Wanted.Former, NextDisconnect(stuck).Former)

	stuck.Steps[Verification] = proven(Prune, VerdictConnected)
	require.Empty(t, NextWanted(stuck, stuck.Wanted.Connection).Former)

	undone := made(t, twoGroups)
	undone.Wanted.Connection = resolved(t, nil)
	undone.Steps = all(undo(Done))
	require.Equal(t, []Place{{Role: Initiator, Group: "sg-1b"}}, NextDisconnect(undone).Former, "a rollback has returned to what was Connected")

	gone := made(t, twoTables)
	gone.Wanted.Disconnect = true
	gone.Steps = all(status(Prune, Done))
	require.Empty(t, NextWanted(gone, resolved(t, nil)).Former)
	require.Empty(t, NextWanted(nil, resolved(t, nil)).Former)
}

func TestPlacesAreOfTheSideThatTheyAreOnNow(t *testing.T) {
	t.Parallel()
	was := made(t, twoTables)
	next := resolved(t, nil)
	next.Initiator, next.Acceptor = next.Acceptor, next.Initiator
	require.Equal(t, []Place{{Role: Acceptor, Table: "vtb-1b"}}, NextWanted(was, next).Former)
}

func TestAnotherTypeLeavesRoutesEverywhere(t *testing.T) {
	t.Parallel()
	was, next := made(t, nil), resolved(t, nil)
	next.Type = TypeVpcPeering
	require.Equal(t, []Place{{Role: Acceptor, Table: "vtb-2"}, {Role: Initiator, Table: "vtb-1"}}, NextWanted(was, next).Former)
}

func TestTheSameRequestIsRecognised(t *testing.T) {
	t.Parallel()
	r := made(t, twoGroups)
	require.True(t, SameWanted(r, resolved(t, twoGroups)))
	require.False(t, SameWanted(r, resolved(t, nil)))
	r.Wanted.Disconnect = true
	require.False(t, SameWanted(r, resolved(t, twoGroups)))
}

func TestARecordThatIsTooLongNamesTheLongestList(t *testing.T) {
	t.Parallel()
	c := resolved(t, nil)
	require.Nil(t, RefuseRecord(Wanted{Connection: c}))

	for i := range 200 {
		c.Acceptor.SecurityGroups[0].Allow = append(c.Acceptor.SecurityGroups[0].Allow, Allow{"TCP", fmt.Sprintf("%d/%d", i+1, i+1)})
	}
	p := RefuseRecord(Wanted{Connection: c})
	require.NotNil(t, p)
	require.Equal(t, "/acceptor/securityGroups", p.Field)
	require.Contains(t, p.Sentence, "4096")

	c = resolved(t, nil)
	var places []Place
	for i := range 100 {
		places = append(places, Place{Role: Initiator, Table: fmt.Sprintf("vtb-%030d", i)})
	}
	p = RefuseRecord(Wanted{Connection: c, Former: places})
	require.NotNil(t, p)
	require.Contains(t, p.Sentence, "Disconnect it")
}

func TestAGenerationOvertakesWhatMayStillHaveACallOnItsWay(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ended := func(at time.Duration) *Record {
		r := made(t, nil)
		r.UpdatedAt = began
		for step, st := range r.Steps {
			st.Since, st.UpdatedAt = began.Add(at), began.Add(time.Hour) // checked since
			r.Steps[step] = st
		}
		return r
	}
	underway := ended(0)
	delete(underway.Steps, Verification)
	narrowed := func() *Record {
		r := ended(10 * time.Second)
		r.Wanted.Former = []Place{{Role: Initiator, Table: "vtb-1b"}}
		for step, st := range r.Steps {
			st.Action = Prune
			r.Steps[step] = st
		}
		return r
	}
	for name, c := range map[string]struct {
		before *Record
		after  time.Duration // since the one before was recorded
		want   bool
	}{
		"none before it": {nil, 0, false},
		"one that removed something until a minute ago": {narrowed(), 70 * time.Second, false},
		"one that removed something just now":           {narrowed(), 69 * time.Second, true},
		"one that only added, and ended just now":       {ended(10 * time.Second), 11 * time.Second, false},
		"one that is under way for long":                {underway, 24 * time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Overtakes(c.before, began.Add(c.after)))
		})
	}
}
