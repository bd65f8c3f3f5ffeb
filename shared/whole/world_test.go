package whole_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/world"
)

// ours takes out of a world what bears the mark of a deployment, and returns
// both: what is left, and what was taken.
type ours struct {
	rest       *world.World
	interfaces []world.RouterInterface
	peerings   []world.PeerConnection
	routes     map[string][]world.Route // by table
	rules      map[string][]world.Rule  // by group
}

func sort(w *world.World) ours {
	marked := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(s string) bool { _, ok := interconnect.ParseMark(s); return ok })
	}
	o := ours{rest: w, routes: map[string][]world.Route{}, rules: map[string][]world.Rule{}}
	o.rest.RouterInterfaces = slices.DeleteFunc(w.RouterInterfaces, func(r world.RouterInterface) bool {
		mine := marked(r.Name, r.Description)
		if mine {
			o.interfaces = append(o.interfaces, r)
		}
		return mine
	})
	o.rest.PeerConnections = slices.DeleteFunc(w.PeerConnections, func(p world.PeerConnection) bool {
		mine := marked(p.Name, p.Description)
		if mine {
			o.peerings = append(o.peerings, p)
		}
		return mine
	})
	for i := range w.VPCs {
		v := &w.VPCs[i]
		for j := range v.RouteTables {
			rt := &v.RouteTables[j]
			rt.Routes = slices.DeleteFunc(rt.Routes, func(r world.Route) bool {
				mine := marked(r.Name, r.Description)
				if mine {
					o.routes[rt.ID] = append(o.routes[rt.ID], r)
				}
				return mine
			})
		}
		for j := range v.SecurityGroups {
			g := &v.SecurityGroups[j]
			g.Rules = slices.DeleteFunc(g.Rules, func(r world.Rule) bool {
				mine := marked(r.Description)
				if mine {
					o.rules[g.ID] = append(o.rules[g.ID], r)
				}
				return mine
			})
		}
	}
	return o
}

// text writes a world down, so that empty and absent lists are the same.
func text(t *testing.T, w *world.World) string {
	t.Helper()
	b, err := w.Marshal()
	require.NoError(t, err)
	return string(b)
}

// untouched requires that nothing in the world differs from its start but for
// what bears our mark, which it returns. A hostile cloud may take a moment to
// settle.
func (c *cloud) untouched() ours {
	c.t.Helper()
	o := sort(c.World())
	require.Equal(c.t, text(c.t, c.Start), text(c.t, o.rest))
	return o
}

// asBefore requires that the world is what it was at the start.
func (c *cloud) asBefore() {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return text(c.t, c.World()) == text(c.t, c.Start) }, 5*time.Second, 50*time.Millisecond)
	require.Equal(c.t, text(c.t, c.Start), text(c.t, c.World()))
}
