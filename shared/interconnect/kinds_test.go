package interconnect

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// openRequest is the tutorial's request with the type left open.
func openRequest() *Request {
	r := pinging()
	r.Type = ""
	return r
}

func withPair(name string) func(f *Facts) {
	return func(f *Facts) {
		f.Initiator.Interfaces = []RouterInterface{{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Role: "InitiatingSide", Specification: "Small.1", Status: "Active", Name: name}}
		f.Acceptor.Interfaces = []RouterInterface{{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-1", Role: "AcceptingSide", Specification: "Negative", Status: "Active", Name: name}}
	}
}

func withPeering(p PeeringConnection) func(f *Facts) {
	return func(f *Facts) { f.Acceptor.Peerings = append(f.Acceptor.Peerings, p) }
}

func withCEN(f *Facts) {
	f.Initiator.VPC.CenIDs, f.Acceptor.VPC.CenIDs = []string{"cen-1"}, []string{"cen-0", "cen-1"}
}

func TestAutoAdoptsWhatJoinsThePairElseItIsVpcPeering(t *testing.T) {
	t.Parallel()
	mark := Mark{"vi", DefaultID(pinging())}.String()
	inactive := func(name string) func(f *Facts) {
		return func(f *Facts) {
			withPair(name)(f)
			f.Initiator.Interfaces[0].Status = "Inactive"
		}
	}
	for name, c := range map[string]struct {
		world []func(f *Facts)
		want  Type
		why   string
	}{
		"nothing joins it":                           {nil, TypeVpcPeering, "nothing joins"},
		"a pair of interfaces, ours":                 {[]func(*Facts){withPair(mark)}, TypeExpressConnect, "ri-1 and ri-2"},
		"a pair of interfaces by hand":               {[]func(*Facts){withPair("by hand")}, TypeExpressConnect, "ri-1 and ri-2"},
		"interfaces of ours that are not ready":      {[]func(*Facts){inactive(mark)}, TypeExpressConnect, "ri-1"},
		"interfaces by hand that carry nothing":      {[]func(*Facts){inactive("by hand")}, TypeVpcPeering, "nothing joins"},
		"a peering by hand":                          {[]func(*Facts){withPeering(peeringAt("pcc-1", "Activated", "by hand"))}, TypeVpcPeering, "pcc-1"},
		"a peering that was rejected":                {[]func(*Facts){withPeering(peeringAt("pcc-1", "Rejected", "by hand"))}, TypeVpcPeering, "nothing joins"},
		"a peering that goes, and interfaces":        {[]func(*Facts){withPeering(peeringAt("pcc-1", "Deleting", mark)), withPair("by hand")}, TypeExpressConnect, "ri-1"},
		"a peering being made, interfaces that work": {[]func(*Facts){withPeering(peeringAt("pcc-1", "Creating", mark)), withPair("by hand")}, TypeExpressConnect, "ri-1"},
		"both carry traffic":                         {[]func(*Facts){withPair(mark), withPeering(peeringAt("pcc-1", "Activated", mark))}, TypeVpcPeering, "pcc-1"},
		"a pair in a CEN too":                        {[]func(*Facts){withPair("by hand"), withCEN}, TypeExpressConnect, "ri-1"},
		"one VPC is in a CEN":                        {[]func(*Facts){func(f *Facts) { f.Initiator.VPC.CenIDs = []string{"cen-1"} }}, TypeVpcPeering, "nothing joins"},
	} {
		for _, asked := range []Type{"", TypeAuto} {
			t.Run(name+" "+string(asked), func(t *testing.T) {
				t.Parallel()
				f, r := tutorialFacts(), openRequest()
				r.Type = asked
				for _, change := range c.world {
					change(f)
				}
				got, warnings, list := Resolve(r, f)
				require.Empty(t, list)
				require.Equal(t, c.want, got.Type)
				require.Contains(t, warnings[0].Sentence, string(c.want)+" was chosen")
				require.Contains(t, warnings[0].Sentence, c.why)
				require.Equal(t, "/type", warnings[0].Field)

				again, _, list := Resolve(RequestOf(got), f)
				require.Empty(t, list)
				require.Equal(t, got, again, "what is resolved names its type, and resolves to itself")
			})
		}
	}
}

func TestASharedCENIsToldAndNothingIsMade(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	withCEN(f)
	_, _, list := Resolve(openRequest(), f)
	require.Len(t, list, 1)
	require.Equal(t, "/type", list[0].Field)
	require.Contains(t, list[0].Sentence, "cen-1")
	require.Contains(t, list[0].Sentence, "VpcPeering")

	r := openRequest()
	r.Type = TypeVpcPeering
	got, warnings, list := Resolve(r, f)
	require.Empty(t, list, "by name it is made beside the CEN")
	require.Equal(t, TypeVpcPeering, got.Type)
	require.Contains(t, warnings[0].Sentence, "cen-1")
}

func TestAnAdoptedPairKeepsItsSpecification(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	withPair(Mark{"vi", DefaultID(pinging())}.String())(f)
	got, _, list := Resolve(openRequest(), f)
	require.Empty(t, list)
	require.Equal(t, "Small.1", got.Specification)
	r := openRequest()
	r.Specification = "Large.1"
	got, _, list = Resolve(r, f)
	require.Empty(t, list)
	require.Equal(t, "Large.1", got.Specification)
}

func TestFieldsOfTheTypeThatWasNotChosenAreRefused(t *testing.T) {
	t.Parallel()
	r := openRequest()
	r.Specification = "Mini.2"
	_, _, list := Resolve(r, tutorialFacts())
	require.Len(t, list, 1)
	require.Equal(t, "/specification", list[0].Field)
	require.Contains(t, list[0].Sentence, "ExpressConnect")

	r, f := openRequest(), tutorialFacts()
	r.Bandwidth = new(100)
	withPair("by hand")(f)
	_, _, list = Resolve(r, f)
	require.Len(t, list, 1)
	require.Equal(t, "/bandwidth", list[0].Field)
}

func TestAPeeringHasBandwidthAndLinkButNoSpecification(t *testing.T) {
	t.Parallel()
	r := openRequest()
	r.Type, r.Bandwidth, r.LinkType = TypeVpcPeering, new(2000), "Platinum"
	got, warnings, list := Resolve(r, tutorialFacts())
	require.Empty(t, list)
	require.Equal(t, []any{2000, "Platinum", ""}, []any{got.Bandwidth, got.LinkType, got.Specification})
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0].Sentence, "1024")
	again, _, list := Resolve(RequestOf(got), tutorialFacts())
	require.Empty(t, list)
	require.Equal(t, got, again)
}

func TestWhatMayGoWrongWithAPeeringIsWarnedOf(t *testing.T) {
	t.Parallel()
	many := func(n int) func(f *Facts) {
		return func(f *Facts) {
			for range n {
				p := peeringAt("pcc-x", "Activated", "")
				p.VpcID = "vpc-x"
				withPeering(p)(f)
			}
		}
	}
	own := func(f *Facts) {
		inTheWay(f, RouteEntry{NextHopType: "RouterInterface", NextHopID: "ri-1", Name: Mark{"vi", DefaultID(pinging())}.String()})
	}
	for name, c := range map[string]struct {
		world       func(f *Facts)
		change      func(r *Request)
		field, says string
	}{
		"a pair of router interfaces is there": {withPair("by hand"), nil, "/type", "may refuse"},
		"routes are to be led to another type": {own, nil, "/initiator/routeTableIds", "cuts traffic"},
		"a VPC with many peering connections":  {many(18), nil, "/acceptor/vpcId", "18 VPC peering connections"},
		"a bandwidth for somebody else's":      {withPeering(peeringAt("pcc-1", "Activated", "by hand")), func(r *Request) { r.Bandwidth = new(5) }, "/bandwidth", "stay as they are"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, f := openRequest(), tutorialFacts()
			r.Type = TypeVpcPeering
			c.world(f)
			if c.change != nil {
				c.change(r)
			}
			_, warnings, list := Resolve(r, f)
			require.Empty(t, list)
			require.True(t, slices.ContainsFunc(warnings, func(w Warning) bool { return w.Field == c.field && strings.Contains(w.Sentence, c.says) }), "%v", warnings)
		})
	}
}

func TestARouteToThePeeringIsFineAndOneToSomethingElseIsNot(t *testing.T) {
	t.Parallel()
	r, f := openRequest(), tutorialFacts()
	withPeering(peeringAt("pcc-1", "Activated", "by hand"))(f)
	inTheWay(f, RouteEntry{NextHopType: "VpcPeer", NextHopID: "pcc-1"})
	_, _, list := Resolve(r, f)
	require.Empty(t, list)
	inTheWay(f, RouteEntry{NextHopType: "VpcPeer", NextHopID: "pcc-other"})
	_, _, list = Resolve(r, f)
	require.Len(t, list, 1)
}

func TestEveryTypeHasItsKind(t *testing.T) {
	t.Parallel()
	for _, name := range []Type{TypeExpressConnect, TypeVpcPeering} {
		require.NotNil(t, kindOf(name))
	}
	require.Nil(t, kindOf(TypeAuto))
	require.NotNil(t, kindOf(fallbackType))
}

func TestAConnectionKeepsItsTypeUnlessAnotherIsNamed(t *testing.T) {
	t.Parallel()
	f := tutorialFacts()
	f.Recorded = TypeExpressConnect
	got, warnings, list := Resolve(openRequest(), f)
	require.Empty(t, list)
	require.Empty(t, warnings)
	require.Equal(t, TypeExpressConnect, got.Type, "nothing of it may be there yet")
	r := openRequest()
	r.Type = TypeVpcPeering
	got, _, list = Resolve(r, f)
	require.Empty(t, list)
	require.Equal(t, TypeVpcPeering, got.Type)
}
