package interconnect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// HopRouterInterface is the type of a next hop that is a router interface.
const HopRouterInterface = "RouterInterface"

// Words of a router interface, as RouterInterface spells them.
const (
	roleInitiating = "InitiatingSide"
	businessNormal = "Normal"

	statusIdle     = "Idle"
	statusActive   = "Active"
	statusInactive = "Inactive"
	statusDeleting = "Deleting"
)

// passing are the statuses that end by themselves.
var passing = map[string]bool{
	"Connecting": true, "AcceptingConnecting": true, "Activating": true,
	"Modifying": true, "Deactivating": true, statusDeleting: true,
}

// InterfacePair is the two router interfaces of one peering connection, by the side of
// ours that they are at: nil is one that is not there. Which of the two is the
// initiator in the cloud's eyes is their own affair.
type InterfacePair struct {
	Initiator, Acceptor *RouterInterface
	Ours                bool // this deployment made what there is of it
}

// Side returns the interface at one side, or nil.
func (p InterfacePair) Side(r Role) *RouterInterface {
	if r == Initiator {
		return p.Initiator
	}
	return p.Acceptor
}

// Complete tells whether both interfaces are there.
func (p InterfacePair) Complete() bool { return p.Initiator != nil && p.Acceptor != nil }

// Active tells whether the pair carries traffic: both sides are Active, and
// are each other's opposite.
func (p InterfacePair) Active() bool {
	return p.joined() && p.Initiator.Status == statusActive && p.Acceptor.Status == statusActive
}

// joined tells whether the two are each other's opposite.
func (p InterfacePair) joined() bool {
	return p.Complete() && p.Initiator.OppositeID == p.Acceptor.ID && p.Acceptor.OppositeID == p.Initiator.ID
}

// all returns the interfaces that are there.
func (p InterfacePair) all() []RouterInterface {
	var out []RouterInterface
	for _, role := range Roles {
		if i := p.Side(role); i != nil {
			out = append(out, *i)
		}
	}
	return out
}

// FoundPair is what joins a connection's two routers, sorted out.
type FoundPair struct {
	Kept    InterfacePair     // to be used, or carried on: zero if there is none
	Extra   []RouterInterface // ours too, and too many
	Foreign []RouterInterface // somebody else's, and not in use
}

// FindPair sorts out the router interfaces seen at a connection's two routers.
//
// The pair that carries traffic is kept, whoever made it; else ours that is
// furthest, and of equals the one with the smallest creation time and id: every
// reader that sees the same comes to the same choice.
func FindPair(c *Connection, prefix string, seen []RouterInterface) FoundPair {
	mine, others := atRouters(c, Mark{Prefix: prefix, ConnectionID: c.ID}, seen)
	candidates := pairUp(mine, true)
	for _, p := range pairUp(others, false) {
		if p.Active() {
			candidates = append(candidates, p)
		}
	}
	// Halves of two owners can carry traffic as well; they are not ours.
	for _, p := range append(crossPairs(mine[Initiator], others[Acceptor]), crossPairs(others[Initiator], mine[Acceptor])...) {
		if p.Active() {
			candidates = append(candidates, p)
		}
	}
	slices.SortStableFunc(candidates, comparePairs)

	var f FoundPair
	kept := map[string]bool{}
	if len(candidates) > 0 {
		f.Kept = candidates[0]
		for _, i := range f.Kept.all() {
			kept[i.ID] = true
		}
	}
	for _, role := range Roles {
		f.Extra = append(f.Extra, without(mine[role], kept)...)
		f.Foreign = append(f.Foreign, without(others[role], kept)...)
	}
	return f
}

// atRouters returns the interfaces that join the connection's two routers, by
// side: those of the deployment, and the others, each in order of age.
func atRouters(c *Connection, m Mark, seen []RouterInterface) (mine, others map[Role][]RouterInterface) {
	mine, others = map[Role][]RouterInterface{}, map[Role][]RouterInterface{}
	for _, role := range Roles {
		here, there := c.Side(role).VRouterID, c.Side(role.Other()).VRouterID
		for _, i := range seen {
			if i.RouterID != here || slices.ContainsFunc(append(mine[role], others[role]...), func(o RouterInterface) bool { return o.ID == i.ID }) {
				continue
			}
			owner, marked := OwnerOf(&i)
			ours := marked && owner.Prefix == m.Prefix
			switch {
			// Until the opposite is set, its router may be missing as well:
			// then the mark says what the interface is for.
			case i.OppositeRouterID != there && !(i.OppositeRouterID == "" && ours && owner == m):
			case ours:
				mine[role] = append(mine[role], i)
			default:
				others[role] = append(others[role], i)
			}
		}
		slices.SortFunc(mine[role], compareAge)
		slices.SortFunc(others[role], compareAge)
	}
	return mine, others
}

// pairUp makes pairs of interfaces: first those that name each other, then
// those of which one names the other, then what is left and Idle, the oldest
// with the oldest; what stays single is half a pair.
func pairUp(at map[Role][]RouterInterface, ours bool) []InterfacePair {
	as, bs := slices.Clone(at[Initiator]), slices.Clone(at[Acceptor])
	var pairs []InterfacePair
	match := func(fit func(a, b *RouterInterface) bool) {
		for x := 0; x < len(as); x++ {
			for y := range bs {
				if a, b := as[x], bs[y]; fit(&a, &b) {
					pairs = append(pairs, InterfacePair{Initiator: &a, Acceptor: &b, Ours: ours})
					as, bs = slices.Delete(as, x, x+1), slices.Delete(bs, y, y+1)
					x--
					break
				}
			}
		}
	}
	match(func(a, b *RouterInterface) bool { return a.OppositeID == b.ID && b.OppositeID == a.ID })
	match(func(a, b *RouterInterface) bool {
		return a.OppositeID == b.ID && b.Status == statusIdle || b.OppositeID == a.ID && a.Status == statusIdle
	})
	match(func(a, b *RouterInterface) bool { return a.Status == statusIdle && b.Status == statusIdle })
	for _, a := range as {
		pairs = append(pairs, InterfacePair{Initiator: &a, Ours: ours})
	}
	for _, b := range bs {
		pairs = append(pairs, InterfacePair{Acceptor: &b, Ours: ours})
	}
	return pairs
}

// crossPairs makes the pairs of interfaces that name each other.
func crossPairs(as, bs []RouterInterface) []InterfacePair {
	var pairs []InterfacePair
	for _, a := range as {
		for _, b := range bs {
			if p := (InterfacePair{Initiator: &a, Acceptor: &b}); p.joined() {
				pairs = append(pairs, p)
			}
		}
	}
	return pairs
}

func comparePairs(a, b InterfacePair) int {
	return cmp.Or(cmp.Compare(rank(b), rank(a)), comparePairAge(a, b))
}

func comparePairAge(a, b InterfacePair) int { return compareAge(a.all()[0], b.all()[0]) }

func compareAge(a, b RouterInterface) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// rank says how far a pair is.
func rank(p InterfacePair) int {
	deleting := slices.ContainsFunc(p.all(), func(i RouterInterface) bool { return i.Status == statusDeleting })
	switch {
	case p.Active() && p.Ours:
		return 5
	case p.Active():
		return 4
	case deleting:
		return 0
	case p.joined():
		return 3
	case p.Complete():
		return 2
	}
	return 1
}

func without(list []RouterInterface, ids map[string]bool) []RouterInterface {
	return slices.DeleteFunc(slices.Clone(list), func(i RouterInterface) bool { return ids[i.ID] })
}

// MoveKind is what can be done with a router interface.
type MoveKind string

// The moves. Moves of one plan are of one kind and may run side by side.
const (
	MoveCreate      MoveKind = "create"       // the interface of a side that has none
	MoveSetOpposite MoveKind = "set opposite" // to the other side's interface
	MoveConnect     MoveKind = "connect"      // the initiating interface
	MoveActivate    MoveKind = "activate"
	MoveModify      MoveKind = "modify" // the specification
	MoveDeactivate  MoveKind = "deactivate"
	MoveDelete      MoveKind = "delete"
)

// Move is one step of a pair towards what is wanted.
type Move struct {
	Kind       MoveKind
	Role       Role             // the side of ours where it happens
	Interface  *RouterInterface // nil for MoveCreate
	Initiating bool             // MoveCreate: in the cloud's eyes it is the initiating side
}

// PairPlan is what to do next about a pair: make the moves, or wait, or give
// up; all empty, the pair is as wanted.
type PairPlan struct {
	Moves   []Move
	Wait    string
	Problem *Problem
}

// PlanPair says what to do next so that the pair carries traffic. While
// patient, what is not listed may be a read that lags.
func PlanPair(c *Connection, f FoundPair, patient bool) PairPlan {
	p := f.Kept
	if locked := lockedOne(p); locked != nil {
		return PairPlan{Problem: &Problem{
			Sentence: fmt.Sprintf("Router interface %s is %s: settle the account's bills or its security case in the console, then ask again.", locked.ID, locked.BusinessStatus),
			Resource: locked.ID,
		}}
	}
	if p.Active() {
		return planSpecification(c, p)
	}
	if len(p.all()) == 0 && len(f.Foreign) > 0 {
		return planForeign(f.Foreign, patient)
	}
	for _, i := range p.all() {
		if passing[i.Status] {
			return PairPlan{Wait: fmt.Sprintf("router interface %s is %s", i.ID, i.Status)}
		}
	}
	if !p.Complete() {
		return planMissing(p, patient)
	}
	var moves []Move
	if p.joined() {
		for _, role := range Roles {
			if i := p.Side(role); i.Status == statusInactive {
				moves = append(moves, Move{Kind: MoveActivate, Role: role, Interface: i})
			}
		}
		if len(moves) > 0 {
			return PairPlan{Moves: moves}
		}
		if p.Initiator.Status == statusIdle && p.Acceptor.Status == statusIdle {
			role := Initiator
			if p.Initiator.Role != roleInitiating {
				role = Acceptor
			}
			return PairPlan{Moves: []Move{{Kind: MoveConnect, Role: role, Interface: p.Side(role)}}}
		}
		return PairPlan{Wait: fmt.Sprintf("router interfaces %s is %s, %s is %s", p.Initiator.ID, p.Initiator.Status, p.Acceptor.ID, p.Acceptor.Status)}
	}
	for _, role := range Roles {
		if i := p.Side(role); i.OppositeID != p.Side(role.Other()).ID && i.Status == statusIdle {
			moves = append(moves, Move{Kind: MoveSetOpposite, Role: role, Interface: i})
		}
	}
	if len(moves) == 0 {
		return PairPlan{Wait: fmt.Sprintf("router interfaces %s and %s to be each other's opposite", p.Initiator.ID, p.Acceptor.ID)}
	}
	return PairPlan{Moves: moves}
}

// planSpecification compares what is bought with what is asked for. Only what
// is ours is changed.
func planSpecification(c *Connection, p InterfacePair) PairPlan {
	if !p.Ours {
		return PairPlan{}
	}
	for _, role := range Roles {
		if i := p.Side(role); i.Role == roleInitiating && c.Specification != "" && i.Specification != c.Specification {
			return PairPlan{Moves: []Move{{Kind: MoveModify, Role: role, Interface: i}}}
		}
	}
	return PairPlan{}
}

// planForeign is about interfaces that somebody else made between the same two
// routers, and that carry no traffic: the cloud takes one pair only, and what
// is not ours is not touched.
func planForeign(foreign []RouterInterface, patient bool) PairPlan {
	for _, i := range foreign {
		if passing[i.Status] || patient && i.Status == statusActive {
			return PairPlan{Wait: fmt.Sprintf("router interface %s, which is not ours, is %s", i.ID, i.Status)}
		}
	}
	names := make([]string, 0, len(foreign))
	for _, i := range foreign {
		names = append(names, fmt.Sprintf("%s (%s)", i.ID, i.Status))
	}
	return PairPlan{Problem: &Problem{
		Sentence: fmt.Sprintf("The two VPCs already have router interfaces between them that this deployment did not make and that are not Active: %s. Activate them, or delete them, then ask again.", strings.Join(names, ", ")),
		Resource: foreign[0].ID,
	}}
}

// planMissing makes the interfaces that are not there. A single one that is
// past Idle can get no new opposite: once it is certain that the other is gone,
// a new pair is made beside it.
func planMissing(p InterfacePair, patient bool) PairPlan {
	single := p.all()
	if len(single) == 1 && single[0].Status != statusIdle {
		if patient {
			return PairPlan{Wait: fmt.Sprintf("the other side of router interface %s to be listed", single[0].ID)}
		}
		p, single = InterfacePair{}, nil
	}
	var moves []Move
	for _, role := range Roles {
		if p.Side(role) == nil {
			initiating := role == Initiator
			if len(single) == 1 {
				initiating = single[0].Role != roleInitiating
			}
			moves = append(moves, Move{Kind: MoveCreate, Role: role, Initiating: initiating})
		}
	}
	return PairPlan{Moves: moves}
}

func lockedOne(p InterfacePair) *RouterInterface {
	for _, i := range p.all() {
		if i.BusinessStatus != businessNormal && i.BusinessStatus != "" {
			return &i
		}
	}
	return nil
}

// PlanRemoval says what to do next so that the interfaces go: deactivate
// those that are Active, wait until none is on its way, delete.
func PlanRemoval(c *Connection, gone []RouterInterface) PairPlan {
	var deactivate, remove []Move
	wait := ""
	for _, i := range gone {
		m := Move{Role: roleAt(c, i), Interface: &i}
		switch {
		case i.Status == statusActive:
			m.Kind = MoveDeactivate
			deactivate = append(deactivate, m)
		case passing[i.Status]:
			wait = fmt.Sprintf("router interface %s is %s", i.ID, i.Status)
		default:
			m.Kind = MoveDelete
			remove = append(remove, m)
		}
	}
	onItsWay := slices.ContainsFunc(gone, func(i RouterInterface) bool { return passing[i.Status] && i.Status != statusDeleting })
	switch {
	case len(deactivate) > 0:
		return PairPlan{Moves: deactivate}
	case onItsWay || len(remove) == 0:
		return PairPlan{Wait: wait}
	}
	return PairPlan{Moves: remove}
}

func roleAt(c *Connection, i RouterInterface) Role {
	if i.RouterID == c.Acceptor.VRouterID {
		return Acceptor
	}
	return Initiator
}

// PrunableInterfaces lists the router interfaces that a prune removes, of those
// seen at the connection's two routers.
func PrunableInterfaces(p Pruning, seen []RouterInterface) []RouterInterface {
	needed := map[string]bool{}
	for _, live := range p.liveOf(TypeExpressConnect) {
		for _, i := range FindPair(live, p.Mark.Prefix, seen).Kept.all() {
			needed[i.ID] = true
		}
	}
	listed := map[string]bool{}
	var out []RouterInterface
	for _, i := range seen {
		owner, marked := OwnerOf(&i)
		wanted := slices.ContainsFunc(p.Wanted, func(c *Connection) bool { return joins(c, i) })
		if marked && p.owned(owner.String(), wanted) && !needed[i.ID] && !listed[i.ID] {
			listed[i.ID] = true
			out = append(out, i)
		}
	}
	slices.SortFunc(out, compareAge)
	return out
}

// joins tells whether the interface leads from one of the connection's routers
// to the other.
func joins(c *Connection, i RouterInterface) bool {
	return i.RouterID == c.Initiator.VRouterID && i.OppositeRouterID == c.Acceptor.VRouterID ||
		i.RouterID == c.Acceptor.VRouterID && i.OppositeRouterID == c.Initiator.VRouterID
}

// Pointing lists the route entries that lead to one of the interfaces: while
// there are any, it cannot go.
func Pointing(entries []RouteEntry, interfaces []RouterInterface) []RouteEntry {
	ids := make([]string, 0, len(interfaces))
	for _, i := range interfaces {
		ids = append(ids, i.ID)
	}
	return PointingTo(entries, ids...)
}
