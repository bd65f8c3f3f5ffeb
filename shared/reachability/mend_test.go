package reachability_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/reachability"
)

// engineer carries out mends, to the letter: what a person would do who trusts
// the verdict.
type engineer struct {
	*world.World
	made int
}

const (
	ruleForm  = `(ingress|egress) rule`
	groupForm = `security group (\S+)`
	whatForm  = `accepts (ICMP|TCP) ?(\S*) (?:from|to) (\d[\d.]+)(?:/32)?`
	jointForm = `(router interface|VPC peering connection) (\S+)`
	entryForm = `route entry (\S+) \((\S+)\) of route table (\S+)`
)

// mends are all forms that a mend has, and what an engineer does about each.
var mends = []struct {
	form  *regexp.Regexp
	carry func(e *engineer, m []string)
}{
	{form(`Start instance (\S+)`), func(e *engineer, m []string) { e.instance(m[1]).Status = "" }},
	{form(`Add an ` + ruleForm + ` to ` + groupForm + ` that ` + whatForm + `(?: with a priority number below (\d+))?`), func(e *engineer, m []string) {
		below, _ := strconv.Atoi(m[6])
		e.addRule(m[2], world.Rule{Direction: m[1], Protocol: m[3], PortRange: m[4], CidrBlock: m[5] + "/32", Priority: max(below-1, 1)})
	}},
	{form(`Replace ` + ruleForm + ` (\S+) of ` + groupForm + ` by one that ` + whatForm), func(e *engineer, m []string) {
		e.deleteRule(m[3], m[2])
		e.addRule(m[3], world.Rule{Direction: m[1], Protocol: m[4], PortRange: m[5], CidrBlock: m[6] + "/32"})
	}},
	{form(`Look at rule (\S+) of ` + groupForm + `, and replace it if it is about .*`), func(e *engineer, m []string) { e.deleteRule(m[2], m[1]) }},
	{form(`Delete ` + ruleForm + ` (\S+) of ` + groupForm), func(e *engineer, m []string) { e.deleteRule(m[3], m[2]) }},
	{form(`Delete ` + ruleForm + ` (\S+) of ` + groupForm + `, or give it a larger priority number than rule (\S+) of (\S+) has, which is (\d+)`), func(e *engineer, m []string) {
		above, _ := strconv.Atoi(m[6])
		e.rule(m[3], m[2]).Priority = above + 1
	}},
	{form(`Add an ` + ruleForm + ` to network ACL (\S+) that ` + whatForm + `(?: before rule \S+)?`), func(e *engineer, m []string) {
		entry := world.ACLEntry{Policy: "accept", Protocol: map[string]string{"ICMP": "icmp", "TCP": "tcp"}[m[3]], Port: m[4], Peer: m[5] + "/32"}
		list := e.acl(m[2], m[1])
		*list = append([]world.ACLEntry{entry}, *list...)
	}},

	{form(`Add a route to (\S+) to route table (\S+) that leads to ` + jointForm), func(e *engineer, m []string) { e.lead(m[2], m[1], hopTo(m[3], m[4])) }},
	{form(`Connect the two VPCs, and add a route to (\S+) to route table (\S+) that leads to the connection`), func(e *engineer, m []string) { e.lead(m[2], m[1], e.connect()) }},
	{form(`Have ` + entryForm + ` lead to ` + jointForm), func(e *engineer, m []string) { e.lead(m[3], m[2], hopTo(m[4], m[5])) }},
	{form(`Connect the two VPCs, and have ` + entryForm + ` lead to the connection`), func(e *engineer, m []string) { e.lead(m[3], m[2], e.connect()) }},
	{form(`Delete ` + entryForm + `: the route to \S+ leads to ` + jointForm), func(e *engineer, m []string) { e.unroute(m[3], m[2]) }},
	{form(`Wait until route entry (\S+) is Available(?:, or delete it and add it again)?`), func(e *engineer, m []string) { e.settle(m[1]) }},

	{form(`(?:Activate|Wait until) router interface (\S+?)(?: is Active)?`), func(e *engineer, m []string) { e.iface(m[1]).Status = "" }},
	{form(`Connect router interface (\S+), from the initiating side`), func(e *engineer, m []string) { e.iface(m[1]).Status = "" }},
	{form(`Pay the account's overdue bills, which unlocks ` + jointForm), func(e *engineer, m []string) { e.unlock(m[2]) }},
	{form(`Have Alibaba Cloud unlock ` + jointForm + `: open a ticket`), func(e *engineer, m []string) { e.unlock(m[2]) }},
	{form(`(?:Accept|Wait until) VPC peering connection (\S+) (?:on the accepting side|is Activated)`), func(e *engineer, m []string) { e.peering(m[1]).Status = "" }},
	{form(`Make a new VPC peering connection, and lead the routes there that lead to (\S+)`), func(e *engineer, m []string) { e.repoint(m[1]) }},
	{form(`(?:Delete router interface (\S+), and m|M)ake the connection anew`), func(e *engineer, m []string) { e.anew(m[1]) }},
	{form(`Give router interface (\S+) its opposite, and connect it`), func(e *engineer, m []string) { e.anew(m[1]) }},
	{form(`Have router interface (\S+) name (\S+) as its opposite, and connect it`), func(e *engineer, m []string) {
		e.iface(m[1]).Opposite, e.iface(m[1]).Status = &world.Opposite{ID: m[2]}, ""
	}},
}

func form(s string) *regexp.Regexp { return regexp.MustCompile(`^` + s + `\.$`) }

// do carries a mend out. false: nobody would know what to do.
func (e *engineer) do(mend string) bool {
	for _, m := range mends {
		if found := m.form.FindStringSubmatch(mend); found != nil {
			m.carry(e, found)
			return true
		}
	}
	return false
}

func find[T any](list []T, is func(*T) bool) *T {
	for n := range list {
		if is(&list[n]) {
			return &list[n]
		}
	}
	panic("the mend names what is not there")
}

func hopTo(kind, id string) world.NextHop {
	return world.NextHop{Type: map[string]string{"router interface": "RouterInterface", "VPC peering connection": "VpcPeer"}[kind], ID: id}
}

func (e *engineer) instance(id string) *world.Instance {
	v := find(e.VPCs, func(v *world.VPC) bool {
		return slices.ContainsFunc(v.Instances, func(i world.Instance) bool { return i.ID == id })
	})
	return find(v.Instances, func(i *world.Instance) bool { return i.ID == id })
}

func (e *engineer) group(id string) *world.SecurityGroup {
	v := find(e.VPCs, func(v *world.VPC) bool {
		return slices.ContainsFunc(v.SecurityGroups, func(g world.SecurityGroup) bool { return g.ID == id })
	})
	return find(v.SecurityGroups, func(g *world.SecurityGroup) bool { return g.ID == id })
}

func (e *engineer) rule(group, id string) *world.Rule {
	return find(e.group(group).Rules, func(r *world.Rule) bool { return r.ID == id })
}

func (e *engineer) addRule(group string, r world.Rule) {
	e.made++
	r.ID = fmt.Sprint("sgr-mend-", e.made)
	g := e.group(group)
	g.Rules = append(g.Rules, r)
}

func (e *engineer) deleteRule(group, id string) {
	e.rule(group, id)
	g := e.group(group)
	g.Rules = slices.DeleteFunc(g.Rules, func(r world.Rule) bool { return r.ID == id })
}

func (e *engineer) acl(id, direction string) *[]world.ACLEntry {
	v := find(e.VPCs, func(v *world.VPC) bool {
		return slices.ContainsFunc(v.NetworkACLs, func(a world.NetworkACL) bool { return a.ID == id })
	})
	a := find(v.NetworkACLs, func(a *world.NetworkACL) bool { return a.ID == id })
	if direction == "ingress" {
		return &a.Ingress
	}
	return &a.Egress
}

func (e *engineer) table(id string) *world.RouteTable {
	v := find(e.VPCs, func(v *world.VPC) bool {
		return slices.ContainsFunc(v.RouteTables, func(t world.RouteTable) bool { return t.ID == id })
	})
	return find(v.RouteTables, func(t *world.RouteTable) bool { return t.ID == id })
}

func (e *engineer) unroute(table, to string) {
	t := e.table(table)
	find(t.Routes, func(r *world.Route) bool { return r.Destination == to })
	t.Routes = slices.DeleteFunc(t.Routes, func(r world.Route) bool { return r.Destination == to })
}

func (e *engineer) lead(table, to string, hop world.NextHop) {
	t := e.table(table)
	for n := range t.Routes {
		if t.Routes[n].Destination == to {
			t.Routes[n].NextHops, t.Routes[n].Status = []world.NextHop{hop}, ""
			return
		}
	}
	e.made++
	t.Routes = append(t.Routes, world.Route{ID: fmt.Sprint("rte-mend-", e.made), Destination: to, NextHops: []world.NextHop{hop}})
}

func (e *engineer) routes(f func(*world.Route)) {
	all(e.VPCs, func(v *world.VPC) { all(v.RouteTables, func(t *world.RouteTable) { all(t.Routes, f) }) })
}

func (e *engineer) settle(id string) {
	e.routes(func(r *world.Route) {
		if r.ID == id {
			r.Status = ""
		}
	})
}

func (e *engineer) iface(id string) *world.RouterInterface {
	return find(e.RouterInterfaces, func(r *world.RouterInterface) bool { return r.ID == id })
}

func (e *engineer) peering(id string) *world.PeerConnection {
	return find(e.PeerConnections, func(p *world.PeerConnection) bool { return p.ID == id })
}

func (e *engineer) unlock(id string) {
	all(e.RouterInterfaces, func(r *world.RouterInterface) {
		if r.ID == id {
			r.BusinessStatus = ""
		}
	})
	all(e.PeerConnections, func(p *world.PeerConnection) {
		if p.ID == id {
			p.BusinessStatus = ""
		}
	})
}

// connect makes a VPC peering connection of the two sides.
func (e *engineer) connect() world.NextHop {
	e.made++
	id := fmt.Sprint("pcc-mend-", e.made)
	e.PeerConnections = append(e.PeerConnections, world.PeerConnection{ID: id, VpcID: e.VPCs[0].ID, AcceptingVpcID: e.VPCs[1].ID})
	return world.NextHop{Type: "VpcPeer", ID: id}
}

// repoint leads the routes elsewhere that lead to what no longer serves.
func (e *engineer) repoint(old ...string) {
	hop := e.connect()
	e.routes(func(r *world.Route) {
		if slices.ContainsFunc(r.NextHops, func(h world.NextHop) bool { return slices.Contains(old, h.ID) }) {
			r.NextHops = []world.NextHop{hop}
		}
	})
}

// anew makes a connection anew: "" is every one that is being deleted.
func (e *engineer) anew(id string) {
	var old []string
	for _, r := range e.RouterInterfaces {
		if r.ID == id || id == "" && r.Status == "Deleting" {
			old = append(old, r.ID)
			if r.Opposite != nil {
				old = append(old, r.Opposite.ID)
			}
		}
	}
	e.RouterInterfaces = slices.DeleteFunc(e.RouterInterfaces, func(r world.RouterInterface) bool { return slices.Contains(old, r.ID) })
	e.repoint(old...)
}

// TestMendsMend has an engineer do what the analysis says until the packet
// passes: every mend can be carried out, and in the end both judges let the
// packet pass.
func TestMendsMend(t *testing.T) {
	t.Parallel()
	mended, steps := 0, 0
	for n := uint64(1); n <= 120; n++ {
		packets := stage(t, worldNumber(2*n)).packets(5432)
		k := packets[int(n)%len(packets)]
		e := &engineer{World: worldNumber(2 * n)}
		var done []string
		for {
			s := stage(t, e.World)
			path := reachability.Analyze(s.picture, k)
			if path.Result == passes {
				v := dataplane.Deliver(s.topology, packetOf(s, k))
				require.True(t, came(v.Fate), "world %d, %+v, after %q: %s", 2*n, k, done, v.Where)
				break
			}
			stop := path.Stop()
			h := *cmp.Or(stop, path.Doubt())
			done = append(done, h.Mend)
			require.True(t, e.do(h.Mend), "world %d, %+v: nobody can carry this out: %q (%s)", 2*n, k, h.Mend, h.Sentence)
			require.Less(t, len(done), 20, "world %d, %+v: this has no end: %q", 2*n, k, done)
		}
		if len(done) > 0 {
			mended, steps = mended+1, steps+len(done)
		}
	}
	require.Greater(t, mended, 50)
	t.Logf("%d packets pass after %d mends", mended, steps)
}
