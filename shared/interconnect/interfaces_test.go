package interconnect_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

// ri makes a router interface at a side of the tutorial's connection.
func ri(id string, role interconnect.Role, change ...func(*interconnect.RouterInterface)) interconnect.RouterInterface {
	i := interconnect.RouterInterface{
		ID: id, RegionID: "cn-qingdao", RouterID: "vrt-1", RouterType: "VRouter", Role: "InitiatingSide", Specification: "Mini.2",
		Status: "Idle", BusinessStatus: "Normal", Name: mark.String(), OppositeRegionID: "cn-beijing", OppositeRouterID: "vrt-2",
	}
	if role == interconnect.Acceptor {
		i.RegionID, i.RouterID, i.Role, i.Specification = "cn-beijing", "vrt-2", "AcceptingSide", "Negative"
		i.OppositeRegionID, i.OppositeRouterID = "cn-qingdao", "vrt-1"
	}
	for _, f := range change {
		f(&i)
	}
	return i
}

func status(s string) func(*interconnect.RouterInterface) {
	return func(i *interconnect.RouterInterface) { i.Status = s }
}

func facing(id string) func(*interconnect.RouterInterface) {
	return func(i *interconnect.RouterInterface) { i.OppositeID = id }
}

func named(name string) func(*interconnect.RouterInterface) {
	return func(i *interconnect.RouterInterface) { i.Name = name }
}

func born(minute int) func(*interconnect.RouterInterface) {
	return func(i *interconnect.RouterInterface) { i.CreatedAt = time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
}

func TestPlanPair(t *testing.T) {
	t.Parallel()
	const a, b = interconnect.Initiator, interconnect.Acceptor
	byHand := named("by hand")
	type seen = []interconnect.RouterInterface
	tests := map[string]struct {
		seen      seen
		impatient bool
		moves     []string // "kind role"
		wait      bool
		problem   bool
	}{
		"nothing there: both are created":                         {moves: []string{"create initiator", "create acceptor"}},
		"one of ours there: the other is created":                 {seen: seen{ri("a", a)}, moves: []string{"create acceptor"}},
		"both there, strangers: both are made opposites":          {seen: seen{ri("a", a), ri("b", b)}, moves: []string{"set opposite initiator", "set opposite acceptor"}},
		"one opposite set: the other is":                          {seen: seen{ri("a", a, facing("b")), ri("b", b)}, moves: []string{"set opposite acceptor"}},
		"an opposite that is gone is set anew":                    {seen: seen{ri("a", a, facing("z")), ri("b", b, facing("a"))}, moves: []string{"set opposite initiator"}},
		"both joined and Idle: the initiator connects":            {seen: seen{ri("a", a, facing("b")), ri("b", b, facing("a"))}, moves: []string{"connect initiator"}},
		"on their way: wait":                                      {seen: seen{ri("a", a, facing("b"), status("Connecting")), ri("b", b, facing("a"), status("AcceptingConnecting"))}, wait: true},
		"one Active, one not seen to be: wait":                    {seen: seen{ri("a", a, facing("b"), status("Active")), ri("b", b, facing("a"))}, wait: true},
		"both Active: nothing to do":                              {seen: seen{ri("a", a, facing("b"), status("Active")), ri("b", b, facing("a"), status("Active"))}},
		"both Inactive: both are activated":                       {seen: seen{ri("a", a, facing("b"), status("Inactive")), ri("b", b, facing("a"), status("Inactive"))}, moves: []string{"activate initiator", "activate acceptor"}},
		"one Inactive: it is activated":                           {seen: seen{ri("a", a, facing("b"), status("Active")), ri("b", b, facing("a"), status("Inactive"))}, moves: []string{"activate acceptor"}},
		"one being deleted: wait":                                 {seen: seen{ri("a", a, facing("b"), status("Deleting")), ri("b", b, facing("a"), status("Inactive"))}, wait: true},
		"the other side of an Active one not listed: wait":        {seen: seen{ri("a", a, facing("b"), status("Active"))}, wait: true},
		"the other side still not listed: a new pair":             {seen: seen{ri("a", a, facing("b"), status("Active"))}, impatient: true, moves: []string{"create initiator", "create acceptor"}},
		"another specification: it is modified":                   {seen: seen{ri("a", a, facing("b"), status("Active"), func(i *interconnect.RouterInterface) { i.Specification = "Small.1" }), ri("b", b, facing("a"), status("Active"))}, moves: []string{"modify initiator"}},
		"another specification by hand: it is left":               {seen: seen{ri("a", a, byHand, facing("b"), status("Active"), func(i *interconnect.RouterInterface) { i.Specification = "Small.1" }), ri("b", b, byHand, facing("a"), status("Active"))}},
		"a pair by hand, Active: it is used":                      {seen: seen{ri("a", a, byHand, facing("b"), status("Active")), ri("b", b, byHand, facing("a"), status("Active"))}},
		"a pair by hand, Inactive: it is told":                    {seen: seen{ri("a", a, byHand, facing("b"), status("Inactive")), ri("b", b, byHand, facing("a"), status("Inactive"))}, problem: true},
		"one by hand, Idle: it is told":                           {seen: seen{ri("a", a, byHand)}, problem: true},
		"a pair by hand on its way: wait":                         {seen: seen{ri("a", a, byHand, facing("b"), status("Connecting")), ri("b", b, byHand, facing("a"))}, wait: true},
		"another deployment's is foreign":                         {seen: seen{ri("a", a, named("interconnect.other.a"))}, problem: true},
		"another connection's of ours is carried on":              {seen: seen{ri("a", a, named("interconnect.vi.b")), ri("b", b, named("interconnect.vi.b"))}, moves: []string{"set opposite initiator", "set opposite acceptor"}},
		"ours on its way beside one by hand: ours is carried on":  {seen: seen{ri("a", a, facing("b")), ri("b", b, facing("a")), ri("x", a, byHand)}, moves: []string{"connect initiator"}},
		"bills are unpaid: it is told":                            {seen: seen{ri("a", a, facing("b"), status("Active"), func(i *interconnect.RouterInterface) { i.BusinessStatus = "FinancialLocked" }), ri("b", b, facing("a"), status("Active"))}, problem: true},
		"an interface to another router is no matter":             {seen: seen{ri("x", a, func(i *interconnect.RouterInterface) { i.OppositeRouterID = "vrt-3" })}, moves: []string{"create initiator", "create acceptor"}},
		"ours that names no opposite router yet is known by mark": {seen: seen{ri("a", a, func(i *interconnect.RouterInterface) { i.OppositeRouterID = "" }), ri("b", b)}, moves: []string{"set opposite initiator", "set opposite acceptor"}},
		"ours renamed by hand is known by its tag":                {seen: seen{ri("a", a, byHand, func(i *interconnect.RouterInterface) { i.Tags = mark.Tags() }), ri("b", b)}, moves: []string{"set opposite initiator", "set opposite acceptor"}},
		"the sides the other way round: the initiating one connects": {seen: seen{
			ri("a", a, facing("b"), func(i *interconnect.RouterInterface) { i.Role = "AcceptingSide" }),
			ri("b", b, facing("a"), func(i *interconnect.RouterInterface) { i.Role = "InitiatingSide" }),
		}, moves: []string{"connect acceptor"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, order := range [][]interconnect.RouterInterface{tt.seen, reversed(tt.seen)} {
				plan := interconnect.PlanPair(tutorial(), interconnect.FindPair(tutorial(), "vi", order), !tt.impatient)
				var moves []string
				for _, m := range plan.Moves {
					moves = append(moves, string(m.Kind)+" "+string(m.Role))
				}
				require.Equal(t, tt.moves, moves)
				require.Equal(t, tt.wait, plan.Wait != "", plan.Wait)
				require.Equal(t, tt.problem, plan.Problem != nil)
			}
		})
	}
}

func reversed(list []interconnect.RouterInterface) []interconnect.RouterInterface {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestTheMissingSideOfASwappedPairKeepsItsRole(t *testing.T) {
	t.Parallel()
	seen := []interconnect.RouterInterface{ri("a", interconnect.Initiator, func(i *interconnect.RouterInterface) { i.Role = "AcceptingSide" })}
	plan := interconnect.PlanPair(tutorial(), interconnect.FindPair(tutorial(), "vi", seen), true)
	require.Equal(t, []interconnect.Move{{Kind: interconnect.MoveCreate, Role: interconnect.Acceptor, Initiating: true}}, plan.Moves)
}

func TestOfTwoOwnPairsTheOldestIsKept(t *testing.T) {
	t.Parallel()
	const a, b = interconnect.Initiator, interconnect.Acceptor
	seen := []interconnect.RouterInterface{
		ri("a2", a, facing("b2"), born(2)), ri("b2", b, facing("a2"), born(2)),
		ri("a1", a, facing("b1"), born(1)), ri("b1", b, facing("a1"), born(3)),
	}
	f := interconnect.FindPair(tutorial(), "vi", seen)
	require.Equal(t, "a1", f.Kept.Initiator.ID)
	require.Equal(t, "b1", f.Kept.Acceptor.ID)
	require.Len(t, f.Extra, 2)

	seen[0].Status, seen[1].Status = "Active", "Active"
	require.Equal(t, "a2", interconnect.FindPair(tutorial(), "vi", seen).Kept.Initiator.ID, "but never one that carries traffic")

	seen[2].CreatedAt, seen[0].Status, seen[1].Status = seen[0].CreatedAt, "Idle", "Idle"
	require.Equal(t, "a1", interconnect.FindPair(tutorial(), "vi", seen).Kept.Initiator.ID, "of one time the smallest id")
}

func TestAPairOfTwoOwnersIsUsedButNotOurs(t *testing.T) {
	t.Parallel()
	seen := []interconnect.RouterInterface{
		ri("a", interconnect.Initiator, facing("b"), status("Active")),
		ri("b", interconnect.Acceptor, facing("a"), status("Active"), named("by hand")),
	}
	f := interconnect.FindPair(tutorial(), "vi", seen)
	require.True(t, f.Kept.Active())
	require.False(t, f.Kept.Ours)
	require.Empty(t, f.Extra)
	require.Empty(t, f.Foreign)
}

func TestPlanRemoval(t *testing.T) {
	t.Parallel()
	const a, b = interconnect.Initiator, interconnect.Acceptor
	type seen = []interconnect.RouterInterface
	for name, tt := range map[string]struct {
		gone  seen
		moves []string
		wait  bool
	}{
		"both Active: both are deactivated":              {seen{ri("a", a, status("Active")), ri("b", b, status("Active"))}, []string{"deactivate initiator", "deactivate acceptor"}, false},
		"one still Active: it is deactivated first":      {seen{ri("a", a, status("Inactive")), ri("b", b, status("Active"))}, []string{"deactivate acceptor"}, false},
		"one on its way: wait, the other is not deleted": {seen{ri("a", a, status("Inactive")), ri("b", b, status("Deactivating"))}, nil, true},
		"both Inactive: both are deleted":                {seen{ri("a", a, status("Inactive")), ri("b", b, status("Inactive"))}, []string{"delete initiator", "delete acceptor"}, false},
		"both Idle: both are deleted":                    {seen{ri("a", a), ri("b", b)}, []string{"delete initiator", "delete acceptor"}, false},
		"one gone: the other is deleted":                 {seen{ri("b", b, status("Inactive"))}, []string{"delete acceptor"}, false},
		"one being deleted does not hold up the other":   {seen{ri("a", a, status("Deleting")), ri("b", b, status("Inactive"))}, []string{"delete acceptor"}, false},
		"both being deleted: wait":                       {seen{ri("a", a, status("Deleting")), ri("b", b, status("Deleting"))}, nil, true},
		"one that is connecting is waited for":           {seen{ri("a", a, status("Connecting")), ri("b", b)}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := interconnect.PlanRemoval(tutorial(), tt.gone)
			var moves []string
			for _, m := range plan.Moves {
				moves = append(moves, string(m.Kind)+" "+string(m.Role))
			}
			require.Equal(t, tt.moves, moves)
			require.Equal(t, tt.wait, plan.Wait != "")
		})
	}
}

// model is a cloud that carries a move out at once.
type model struct {
	interfaces []interconnect.RouterInterface
	created    int
}

func (m *model) at(id string) *interconnect.RouterInterface {
	for i := range m.interfaces {
		if m.interfaces[i].ID == id {
			return &m.interfaces[i]
		}
	}
	return nil
}

func (m *model) make(t *rapid.T, pair interconnect.InterfacePair, moves []interconnect.Move) {
	for _, move := range moves {
		if move.Kind == interconnect.MoveCreate {
			m.created++
			i := ri(numbered("new", m.created), move.Role, born(30+m.created))
			i.Role = map[bool]string{true: "InitiatingSide", false: "AcceptingSide"}[move.Initiating]
			m.interfaces = append(m.interfaces, i)
			continue
		}
		i := m.at(move.Interface.ID)
		owner, ok := interconnect.OwnerOf(i)
		require.True(t, ok && owner.Prefix == "vi", "%s of a foreign interface", move.Kind)
		switch move.Kind {
		case interconnect.MoveSetOpposite:
			require.Equal(t, "Idle", i.Status)
			i.OppositeID = pair.Side(move.Role.Other()).ID
		case interconnect.MoveConnect:
			other := m.at(i.OppositeID)
			require.NotNil(t, other)
			require.Equal(t, []string{"Idle", "Idle", i.ID}, []string{i.Status, other.Status, other.OppositeID})
			i.Status, other.Status = "Active", "Active"
		case interconnect.MoveActivate:
			require.Equal(t, "Inactive", i.Status)
			i.Status = "Active"
		case interconnect.MoveDeactivate:
			require.Equal(t, "Active", i.Status)
			i.Status = "Inactive"
		case interconnect.MoveModify:
			i.Specification = "Mini.2"
		case interconnect.MoveDelete:
			require.Contains(t, []string{"Idle", "Inactive"}, i.Status)
			m.interfaces = slices.DeleteFunc(m.interfaces, func(o interconnect.RouterInterface) bool { return o.ID == i.ID })
		}
	}
}

// pass lets what is on its way arrive.
func (m *model) pass() {
	for i := range m.interfaces {
		switch m.interfaces[i].Status {
		case "Connecting", "AcceptingConnecting", "Activating", "Modifying":
			m.interfaces[i].Status = "Active"
		case "Deactivating":
			m.interfaces[i].Status = "Inactive"
		}
	}
	m.interfaces = slices.DeleteFunc(m.interfaces, func(i interconnect.RouterInterface) bool { return i.Status == "Deleting" })
}

func drawInterfaces(t *rapid.T) []interconnect.RouterInterface {
	var out []interconnect.RouterInterface
	for _, role := range interconnect.Roles {
		for range rapid.IntRange(0, 3).Draw(t, "number") {
			out = append(out, ri(numbered("ri", len(out)), role, named(drawMark(t)), born(rapid.IntRange(0, 3).Draw(t, "age")),
				status(rapid.SampledFrom([]string{"Idle", "Idle", "Connecting", "Active", "Active", "Inactive", "Deactivating", "Deleting"}).Draw(t, "status")),
				facing(rapid.SampledFrom([]string{"", "ri-000", "ri-001", "ri-002", "ri-003", "ri-004", "ri-005"}).Draw(t, "facing"))))
		}
	}
	return out
}

func TestFromWhateverIsThereAPairComesAboutAndNothingForeignIsTouched(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{interfaces: drawInterfaces(t)}
		for range 20 {
			f := interconnect.FindPair(tutorial(), "vi", m.interfaces)
			require.Equal(t, f, interconnect.FindPair(tutorial(), "vi", m.interfaces), "every reader chooses alike")
			plan := interconnect.PlanPair(tutorial(), f, false)
			switch {
			case plan.Problem != nil:
				require.NotEmpty(t, f.Foreign)
				return
			case plan.Wait != "":
				m.pass()
			case len(plan.Moves) == 0:
				require.True(t, f.Kept.Active())
				return
			default:
				m.make(t, f.Kept, plan.Moves)
			}
		}
		// The cloud does not have one side Idle while the other, joined with
		// it, is past that: such a read is waited out.
		kept := interconnect.FindPair(tutorial(), "vi", m.interfaces).Kept
		require.True(t, kept.Complete() && (kept.Initiator.Status == "Idle") != (kept.Acceptor.Status == "Idle"), "no end: %+v", kept)
	})
}

func TestAPruneRemovesEveryInterfaceOfOursThatNothingNeedsAndNoOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{interfaces: drawInterfaces(t)}
		foreign := func() (out []interconnect.RouterInterface) {
			for _, i := range m.interfaces {
				if owner, ok := interconnect.OwnerOf(&i); (!ok || owner.Prefix != "vi") && i.Status != "Deleting" {
					i.Status = "" // some are on their way
					out = append(out, i)
				}
			}
			return out
		}
		untouched := foreign()
		self := record(tutorial())
		var want *interconnect.Connection
		if rapid.Bool().Draw(t, "keeps the pair") {
			want = tutorial()
		}
		p := interconnect.NewPruning("vi", &self, tutorial(), want, nil)
		for range 20 {
			gone := interconnect.PrunableInterfaces(p, m.interfaces)
			if len(gone) == 0 {
				break
			}
			plan := interconnect.PlanRemoval(tutorial(), gone)
			if plan.Wait != "" {
				m.pass()
				continue
			}
			m.make(t, interconnect.InterfacePair{}, plan.Moves)
		}
		require.Equal(t, untouched, foreign())
		left := interconnect.FindPair(tutorial(), "vi", m.interfaces)
		require.Empty(t, left.Extra)
		if want == nil {
			require.False(t, left.Kept.Ours)
		}
	})
}

func TestAPairThatAnotherLiveConnectionNeedsStays(t *testing.T) {
	t.Parallel()
	seen := []interconnect.RouterInterface{
		ri("a", interconnect.Initiator, facing("b"), status("Active")),
		ri("b", interconnect.Acceptor, facing("a"), status("Active")),
	}
	a, b := record(tutorial()), record(tutorial())
	b.ID, b.Wanted.Connection.ID = "b", "b"
	b.Wanted.Connection.Initiator, b.Wanted.Connection.Acceptor = b.Wanted.Connection.Acceptor, b.Wanted.Connection.Initiator
	require.Empty(t, interconnect.PrunableInterfaces(interconnect.NewPruning("vi", &a, a.Wanted.Connection, nil, []interconnect.Record{b}), seen))
	require.Len(t, interconnect.PrunableInterfaces(interconnect.NewPruning("vi", &b, b.Wanted.Connection, nil, nil), seen), 2, "it goes with the last that needs it")
}

func TestRoutesThatPointToAnInterface(t *testing.T) {
	t.Parallel()
	entries := []interconnect.RouteEntry{{ID: "1", NextHopID: "a"}, {ID: "2", NextHopID: "c"}, {ID: "3"}}
	require.Equal(t, entries[:1], interconnect.Pointing(entries, []interconnect.RouterInterface{ri("a", interconnect.Initiator)}))
}
