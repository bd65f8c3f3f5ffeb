package show

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"vpcinterconnect/shared/localcloud/world"
)

// Drawing draws two VPCs of a world side by side, and what joins them: their
// blocks, router interfaces, routes to each other, security groups and
// instances. marks puts a text into the middle beside each instance's line, by
// instance id; arrows and losses of pings, for one.
func Drawing(w *world.World, leftID, rightID string, marks map[string]string) string {
	left, right := find(w, leftID), find(w, rightID)
	if left == nil || right == nil {
		return ""
	}
	joins := joinsOf(w, leftID, rightID)
	a, b := sideOf(left, joins, 0, marks), sideOf(right, joins, 1, marks)
	return sideBySide(a, b)
}

// join is what joins the two VPCs: a pair of router interfaces, or a peering
// connection, which shows on both sides.
type join struct {
	name   string
	active bool
	ends   [2]end
}

// end is one side of a join.
type end struct{ id, state string }

func joinsOf(w *world.World, leftID, rightID string) []join {
	var out []join
	for _, p := range w.PeerConnections {
		name, asks, accepts := "VPC peering", "asks, ", "is asked, "
		if p.Bandwidth > 0 {
			name += fmt.Sprintf(" %d Mb/s", p.Bandwidth)
		}
		if p.VpcID == rightID && p.AcceptingVpcID == leftID {
			asks, accepts = accepts, asks
		} else if p.VpcID != leftID || p.AcceptingVpcID != rightID {
			continue
		}
		out = append(out, join{name, p.Status == "Activated", [2]end{{p.ID, asks + p.Status}, {p.ID, accepts + p.Status}}})
	}
	for _, l := range w.RouterInterfaces {
		if l.VpcID != leftID || l.Opposite == nil {
			continue
		}
		i := slices.IndexFunc(w.RouterInterfaces, func(r world.RouterInterface) bool {
			return r.ID == l.Opposite.ID && r.VpcID == rightID && r.Opposite != nil && r.Opposite.ID == l.ID
		})
		if i >= 0 {
			r := w.RouterInterfaces[i]
			out = append(out, join{
				"Express Connect " + strings.TrimSuffix(l.Spec+r.Spec, "Negative"), l.Status == "Active" && r.Status == "Active",
				[2]end{{l.ID, roleOf(l) + ", " + l.Status}, {r.ID, roleOf(r) + ", " + r.Status}},
			})
		}
	}
	return out
}

func find(w *world.World, id string) *world.VPC {
	if i := slices.IndexFunc(w.VPCs, func(v world.VPC) bool { return v.ID == id }); i >= 0 {
		return &w.VPCs[i]
	}
	return nil
}

// side is one VPC's box. rows that stand in the same place on both sides have
// the same kind.
type side struct {
	title, region string
	rows          []row
}

type row struct {
	kind kind
	text string
	mid  string // what stands between the boxes, of either side
}

type kind int

const (
	kindVPC kind = iota
	kindJoin
	kindRoute
	kindGroup
	kindInstance
	kinds
)

func sideOf(v *world.VPC, joins []join, which int, marks map[string]string) side {
	s := side{title: v.Name, region: v.Region}
	if s.title == "" {
		s.title = v.ID
	}
	s.add(kindVPC, v.ID, "")
	s.add(kindVPC, strings.Join(append([]string{v.CidrBlock}, v.SecondaryBlocks...), ", "), "")
	for _, j := range joins {
		line := "═"
		if !j.active {
			line = "╌"
		}
		s.add(kindJoin, j.ends[which].id, line+j.name)
		s.add(kindJoin, "  "+j.ends[which].state, "")
	}
	if len(joins) == 0 {
		s.add(kindJoin, "nothing joins it to the other", " ")
	}
	for _, t := range v.RouteTables {
		for _, r := range t.Routes {
			var hops []string
			for _, h := range r.NextHops {
				hops = append(hops, h.ID)
			}
			s.add(kindRoute, t.ID, "")
			s.add(kindRoute, "  "+r.Destination+" → "+strings.Join(hops, ", "), "")
		}
	}
	for _, g := range v.SecurityGroups {
		s.add(kindGroup, g.ID, "")
		for _, r := range g.Rules {
			s.add(kindGroup, "  "+ruleText(r), "")
		}
		if len(g.Rules) == 0 {
			s.add(kindGroup, "  no rules", "")
		}
	}
	for _, i := range v.Instances {
		s.add(kindInstance, i.ID+"  "+i.PrivateIP, marks[i.ID])
	}
	return s
}

func roleOf(r world.RouterInterface) string {
	if r.Role == "InitiatingSide" {
		return "initiator"
	}
	return "acceptor"
}

func ruleText(r world.Rule) string {
	verb, where := "lets in", "from"
	if r.Policy == "drop" {
		verb = "drops"
	}
	if r.Direction == "egress" {
		where = "to"
		if verb == "lets in" {
			verb = "lets out"
		}
	}
	ports := ""
	if r.PortRange != "" && r.PortRange != "-1/-1" {
		ports = " " + r.PortRange
	}
	return fmt.Sprintf("%s %s%s %s %s%s", verb, r.Protocol, ports, where, r.CidrBlock, r.GroupID)
}

func (s *side) add(k kind, text, mid string) { s.rows = append(s.rows, row{k, text, mid}) }

func (s *side) of(k kind) (out []row) {
	for _, r := range s.rows {
		if r.kind == k {
			out = append(out, r)
		}
	}
	return out
}

// middle is the least width between the boxes.
const middle = 26

func sideBySide(a, b side) string {
	wa, wb, wm := width(a), width(b), middle
	for _, r := range append(slices.Clone(a.rows), b.rows...) {
		wm = max(wm, runes(r.mid)+6)
	}
	var out strings.Builder
	line := func(s string) { out.WriteString(strings.TrimRight(s, " ") + "\n") }
	line(pad("  "+a.region, wa+4+wm) + "  " + b.region)
	line(top(a.title, wa) + strings.Repeat(" ", wm) + top(b.title, wb))
	for k := range kinds {
		as, bs := a.of(k), b.of(k)
		if k > 0 && len(as)+len(bs) > 0 {
			line(boxed("", wa) + strings.Repeat(" ", wm) + boxed("", wb))
		}
		for i := range max(len(as), len(bs)) {
			var l, r row
			if i < len(as) {
				l = as[i]
			}
			if i < len(bs) {
				r = bs[i]
			}
			line(boxed(l.text, wa) + between(l, r, wm) + boxed(r.text, wb))
		}
	}
	line(bottom(wa) + strings.Repeat(" ", wm) + bottom(wb))
	return out.String()
}

// between is what stands in the middle of one line. A join runs through from
// box to box, with its name in it.
func between(l, r row, w int) string {
	if l.kind == kindJoin && l.mid != "" && r.mid != "" && l.mid != " " {
		fill, size := utf8.DecodeRuneInString(l.mid)
		return centred(" "+l.mid[size:]+" ", w, string(fill))
	}
	text := l.mid
	if r.mid != "" && text != "" {
		text += "  "
	}
	return centred(text+r.mid, w, " ")
}

func width(s side) int {
	w := runes(s.title) + 4
	for _, r := range s.rows {
		w = max(w, runes(r.text))
	}
	return w
}

func runes(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, w int) string { return s + strings.Repeat(" ", max(0, w-runes(s))) }

func centred(s string, w int, fill string) string {
	rest := max(0, w-runes(s))
	return strings.Repeat(fill, rest/2) + s + strings.Repeat(fill, rest-rest/2)
}

func top(title string, w int) string {
	return "┌─ " + title + " " + strings.Repeat("─", w-runes(title)-1) + "┐"
}
func boxed(s string, w int) string { return "│ " + pad(s, w) + " │" }
func bottom(w int) string          { return "└" + strings.Repeat("─", w+2) + "┘" }
