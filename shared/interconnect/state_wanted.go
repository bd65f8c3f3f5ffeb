package interconnect

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// MaxRecordChars is how long a record's entry may be: the Parameter Store's
// limit.
const MaxRecordChars = 4096

// Landing is how long a call may take to take effect whose answer nobody waits
// for any more: the longest that a step's function runs (its timeout in
// template.yml).
const Landing = time.Minute

// Overtakes tells whether a generation that is written now comes so soon after
// r's that a removal of that one may still land. What it removes, the new
// generation's steps have perhaps found in place before: they look once more when
// Landing is over. A connect that has ended has removed nothing.
func Overtakes(r *Record, now time.Time) bool {
	if r == nil {
		return false
	}
	if r.phase() == phaseMade && len(r.Wanted.Former) == 0 {
		return false
	}
	last := r.UpdatedAt
	for _, s := range Steps {
		if st, ok := r.current(s); ok && st.Since.After(last) {
			last = st.Since
		}
	}
	return !Ended(r) || now.Sub(last) < Landing
}

// SettledAt is when no call of a generation before r's can land any more.
func (r *Record) SettledAt() time.Time { return r.UpdatedAt.Add(Landing) }

// NextWanted is what is to be recorded when c is asked for where r is recorded
// (nil: nothing is). It gathers the places that may still hold things of ours
// which c does not want.
func NextWanted(r *Record, c *Connection) Wanted {
	return Wanted{Connection: c, Former: formerPlaces(r, c)}
}

// NextDisconnect is what is to be recorded when the record's connection is to
// go.
func NextDisconnect(r *Record) Wanted {
	return Wanted{Connection: r.Wanted.Connection, Disconnect: true, Former: formerPlaces(r, r.Wanted.Connection)}
}

// SameWanted tells whether the record already desires c.
func SameWanted(r *Record, c *Connection) bool {
	return r.Live() && reflect.DeepEqual(r.Wanted.Connection, c)
}

// formerPlaces lists the tables and groups in which something of ours may be
// that next does not want: of the desired state before it, of the last one
// that was Connected (which a rollback has returned to), and of generations
// before those that were never cleaned up. Of the latter two nothing else is
// left once the record's generation is made.
func formerPlaces(r *Record, next *Connection) []Place {
	if r == nil || r.phase() == phaseRemoved {
		return nil
	}
	var places []Place
	olds := []*Connection{r.Wanted.Connection}
	if r.phase() != phaseMade {
		places = append(places, r.Wanted.Former...)
		olds = append(olds, r.LastConnected)
	}
	for _, old := range olds {
		if old == nil || next == nil || old.Pair() != next.Pair() {
			continue
		}
		places = append(places, unwanted(old, next)...)
	}
	slices.SortFunc(places, func(a, b Place) int { return strings.Compare(a.key(), b.key()) })
	return slices.Compact(places)
}

// PlacesOf lists a connection's own tables and groups: where to look for what a
// generation that nobody has seen may have left.
func PlacesOf(c *Connection) []Place {
	var places []Place
	for _, role := range Roles {
		for _, id := range c.Side(role).RouteTableIDs {
			places = append(places, Place{Role: role, Table: id})
		}
		for _, g := range c.Side(role).SecurityGroups {
			places = append(places, Place{Role: role, Group: g.ID})
		}
	}
	return places
}

func (p Place) key() string { return string(p.Role) + "/" + p.Table + "/" + p.Group }

// unwanted lists the places where old wants a route or a rule that next does
// not. Where the type differs that is every place, since each route then leads
// somewhere else.
func unwanted(old, next *Connection) []Place {
	var places []Place
	for _, role := range []Role{Initiator, Acceptor} {
		// The sides may have changed places: a role is always next's.
		oldRole := role
		if old.Side(role).VpcID != next.Side(role).VpcID || old.Side(role).RegionID != next.Side(role).RegionID {
			oldRole = role.Other()
		}
		routes, rules := wantedKeys(next, role)
		oldRoutes, oldRules := wantedKeys(old, oldRole)
		for key, table := range oldRoutes {
			if _, still := routes[key]; !still || old.Type != next.Type {
				places = append(places, Place{Role: role, Table: table})
			}
		}
		for key, group := range oldRules {
			if _, still := rules[key]; !still {
				places = append(places, Place{Role: role, Group: group})
			}
		}
	}
	return places
}

// wantedKeys maps what a side wants, without regard to its role, to the table
// or group that it is in.
func wantedKeys(c *Connection, role Role) (routes, rules map[string]string) {
	routes, rules = map[string]string{}, map[string]string{}
	for _, w := range WantedRoutes(c, role) {
		routes[w.RouteTableID+" "+w.Destination.String()] = w.RouteTableID
	}
	for _, w := range WantedRules(c, role) {
		key := fmt.Sprint(w.GroupID, w.Direction, w.Protocol, w.PortRange, w.PeerBlock, w.PeerGroupID)
		rules[key] = w.GroupID
	}
	return routes, rules
}

// RefuseRecord says what to shorten where a record would be longer than the
// Parameter Store takes, or nil. Whoever ends the connection, that is to fit, too.
func RefuseRecord(w Wanted) *FieldProblem {
	if !w.Disconnect {
		w.Disconnect, w.Ends, w.By = true, 1<<20, strings.Repeat("x", longestName)
	}
	length := encodedLength(w)
	if length <= MaxRecordChars {
		return nil
	}
	var p problems
	c := w.Connection
	worst, most := "", 0
	for _, role := range []Role{Initiator, Acceptor} {
		s := c.Side(role)
		for name, part := range map[string]any{"cidrBlocks": s.CidrBlocks, "routeTableIds": s.RouteTableIDs, "securityGroups": s.SecurityGroups} {
			n, at := encodedLength(part), field(role, name)
			if n > most || n == most && at < worst {
				worst, most = at, n
			}
		}
	}
	if n := encodedLength(w.Former); n > most {
		p.add("", "The connection's record would have %d characters, and %d are possible; most of them list what earlier requests made in other tables and groups. Disconnect it, wait until it is Disconnected, and ask again.", length, MaxRecordChars)
		return &p.list[0]
	}
	p.add(worst, "Spelled out, the connection has %d characters, and a record holds %d; shorten this list, the longest: wider blocks instead of many, port ranges instead of ports, fewer groups or tables.", length, MaxRecordChars)
	return &p.list[0]
}

func encodedLength(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	return len([]rune(string(text)))
}
