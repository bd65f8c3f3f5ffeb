package interconnect

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// tutorialPeering is a connection of the tutorial's two VPCs that is wanted.
func tutorialPeering(id string) *Connection {
	return &Connection{ID: id, Type: TypeVpcPeering,
		Initiator: Side{Account: "1234", RegionID: "cn-qingdao", VpcID: "vpc-1", VRouterID: "vrt-1"},
		Acceptor:  Side{Account: "1234", RegionID: "cn-beijing", VpcID: "vpc-2", VRouterID: "vrt-2"},
	}
}

// peeringAt is a VPC peering connection of the tutorial's two VPCs.
func peeringAt(id, status, name string) PeeringConnection {
	return PeeringConnection{ID: id, Status: status, Name: name, RegionID: "cn-qingdao", VpcID: "vpc-1", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2",
		Bandwidth: 1024, LinkType: "Gold", BusinessStatus: "Normal", CreatedAt: time.Unix(100, 0)}
}

const oursNamed = "interconnect.vi.a"

func TestOneOfThePeeringsIsKept(t *testing.T) {
	t.Parallel()
	turned := peeringAt("pcc-t", "Activated", "by hand")
	turned.VpcID, turned.AcceptingVpcID = turned.AcceptingVpcID, turned.VpcID
	elsewhere := peeringAt("pcc-e", "Activated", oursNamed)
	elsewhere.AcceptingVpcID = "vpc-3"
	tagged := peeringAt("pcc-g", "Activated", "renamed")
	tagged.Tags = Mark{"vi", "a"}.Tags()
	older := peeringAt("pcc-o", "Activated", oursNamed)
	older.CreatedAt = time.Unix(50, 0)
	for name, c := range map[string]struct {
		seen  []PeeringConnection
		kept  string
		ours  bool
		extra []string
	}{
		"none":                                   {nil, "", false, nil},
		"ours":                                   {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed)}, "pcc-1", true, nil},
		"ours by its tag":                        {[]PeeringConnection{tagged}, "pcc-g", true, nil},
		"one by hand":                            {[]PeeringConnection{peeringAt("pcc-h", "Activated", "by hand")}, "pcc-h", false, nil},
		"one by hand, asked for by the acceptor": {[]PeeringConnection{turned}, "pcc-t", false, nil},
		"another deployment's is somebody else's": {[]PeeringConnection{peeringAt("pcc-x", "Activated", "interconnect.other.a")}, "pcc-x", false, nil},
		"one to another VPC joins nothing here":   {[]PeeringConnection{elsewhere}, "", false, nil},
		"seen in both regions it is one":          {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed), peeringAt("pcc-1", "Activated", oursNamed)}, "pcc-1", true, nil},
		"rejected, expired and deleted count as absent": {[]PeeringConnection{peeringAt("pcc-1", "Rejected", oursNamed), peeringAt("pcc-2", "Expired", "by hand"),
			peeringAt("pcc-3", "Deleted", oursNamed)}, "", false, nil},
		"ours before one by hand": {[]PeeringConnection{peeringAt("pcc-h", "Activated", "by hand"), peeringAt("pcc-z", "Activated", oursNamed)}, "pcc-z", true, nil},
		"one that carries traffic before ours that does not": {[]PeeringConnection{peeringAt("pcc-1", "Creating", oursNamed), peeringAt("pcc-h", "Activated", "by hand")},
			"pcc-h", false, []string{"pcc-1"}},
		"the oldest of ours": {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed), older}, "pcc-o", true, []string{"pcc-1"}},
		"the smallest id of those made at once": {[]PeeringConnection{peeringAt("pcc-2", "Activated", oursNamed), peeringAt("pcc-1", "Activated", oursNamed)},
			"pcc-1", true, []string{"pcc-2"}},
		"one that goes, where there is no other": {[]PeeringConnection{peeringAt("pcc-1", "Deleting", oursNamed)}, "pcc-1", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				f := FindPeering(tutorialPeering("a"), "vi", c.seen)
				kept, extra := "", []string(nil)
				if f.Kept != nil {
					kept = f.Kept.ID
				}
				for _, x := range f.Extra {
					extra = append(extra, x.ID)
				}
				require.Equal(t, []any{c.kept, c.ours, c.extra}, []any{kept, f.Ours, extra})
				c.seen = slices.Clone(c.seen)
				slices.Reverse(c.seen) // the order of a listing makes no difference
			}
		})
	}
}

func TestWhatIsToBeDoneAboutAPeering(t *testing.T) {
	t.Parallel()
	with := func(status, name string, change func(p *PeeringConnection, c *Connection)) func() (*Connection, []PeeringConnection) {
		return func() (*Connection, []PeeringConnection) {
			p, c := peeringAt("pcc-1", status, name), tutorialPeering("a")
			if change != nil {
				change(&p, c)
			}
			return c, []PeeringConnection{p}
		}
	}
	for name, c := range map[string]struct {
		world               func() (*Connection, []PeeringConnection)
		move                MoveKind
		wait, problem, carr string
	}{
		"nothing is there":               {world: with("Rejected", "by hand", nil), move: MoveCreate},
		"it is as wanted":                {world: with("Activated", oursNamed, nil), carr: "pcc-1"},
		"it is being made":               {world: with("Creating", oursNamed, nil), wait: "pcc-1 is Creating"},
		"it is being accepted":           {world: with("Accepting", oursNamed, nil), wait: "pcc-1 is Accepting"},
		"it is being changed":            {world: with("Updating", oursNamed, nil), wait: "pcc-1 is Updating"},
		"it goes":                        {world: with("Deleting", oursNamed, nil), wait: "pcc-1 is Deleting"},
		"somebody else's, being made":    {world: with("Creating", "by hand", nil), wait: "pcc-1 is Creating"},
		"bills are not paid":             {world: with("Activated", "by hand", func(p *PeeringConnection, _ *Connection) { p.BusinessStatus = "FinancialLocked" }), problem: "FinancialLocked", carr: "pcc-1"},
		"another bandwidth is wanted":    {world: with("Activated", oursNamed, func(_ *PeeringConnection, c *Connection) { c.Bandwidth = 5 }), move: MoveModify, carr: "pcc-1"},
		"another link type is wanted":    {world: with("Activated", oursNamed, func(_ *PeeringConnection, c *Connection) { c.LinkType = "Platinum" }), move: MoveModify, carr: "pcc-1"},
		"the same bandwidth is wanted":   {world: with("Activated", oursNamed, func(_ *PeeringConnection, c *Connection) { c.Bandwidth, c.LinkType = 1024, "Gold" }), carr: "pcc-1"},
		"the link type is not told":      {world: with("Activated", oursNamed, func(p *PeeringConnection, c *Connection) { p.LinkType, c.LinkType = "", "Platinum" }), carr: "pcc-1"},
		"somebody else's is not altered": {world: with("Activated", "by hand", func(_ *PeeringConnection, c *Connection) { c.Bandwidth = 5 }), carr: "pcc-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, seen := c.world()
			found := FindPeering(conn, "vi", seen)
			plan := PlanPeering(conn, found)
			require.Equal(t, c.move, plan.Move)
			require.Contains(t, plan.Wait, c.wait)
			require.Equal(t, c.wait == "", plan.Wait == "")
			require.Equal(t, c.carr != "", found.Carries())
			if c.problem == "" {
				require.Nil(t, plan.Problem)
			} else {
				require.Contains(t, plan.Problem.Sentence, c.problem)
			}
		})
	}
}

func TestWhichPeeringsAPruneRemoves(t *testing.T) {
	t.Parallel()
	want := tutorialPeering("a")
	byInterfaces := tutorialPeering("a")
	byInterfaces.Type = TypeExpressConnect
	live := func(c *Connection) Record { return Record{ID: c.ID, Generation: 1, Wanted: Wanted{Connection: c}} }
	others := peeringAt("pcc-2", "Activated", "interconnect.vi.b")
	for name, c := range map[string]struct {
		seen   []PeeringConnection
		want   *Connection
		others []Record
		gone   []string
	}{
		"ours, of a disconnect":                       {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed)}, nil, nil, []string{"pcc-1"}},
		"one by hand never":                           {[]PeeringConnection{peeringAt("pcc-1", "Activated", "by hand")}, nil, nil, nil},
		"another deployment's never":                  {[]PeeringConnection{peeringAt("pcc-1", "Activated", "interconnect.other.a")}, nil, nil, nil},
		"what is wanted stays":                        {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed)}, want, nil, nil},
		"one too many goes":                           {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed), peeringAt("pcc-2", "Activated", oursNamed)}, want, nil, []string{"pcc-2"}},
		"ours, where the type has changed":            {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed)}, byInterfaces, nil, []string{"pcc-1"}},
		"a former connection's, where nobody is left": {[]PeeringConnection{others}, nil, nil, []string{"pcc-2"}},
		"one that another live connection uses":       {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed)}, nil, []Record{live(tutorialPeering("b"))}, nil},
		"what is rejected counts as gone":             {[]PeeringConnection{peeringAt("pcc-1", "Rejected", oursNamed), peeringAt("pcc-2", "Deleted", oursNamed)}, nil, nil, nil},
		"seen in both regions it goes once":           {[]PeeringConnection{peeringAt("pcc-1", "Activated", oursNamed), peeringAt("pcc-1", "Activated", oursNamed)}, nil, nil, []string{"pcc-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := live(want)
			p := NewPruning("vi", &r, want, c.want, c.others)
			var gone []string
			for _, x := range PrunablePeerings(p, c.seen) {
				gone = append(gone, x.ID)
			}
			require.Equal(t, c.gone, gone)
		})
	}
}

func TestInterfacesGoWhereTheTypeHasChanged(t *testing.T) {
	t.Parallel()
	c := tutorialPeering("a")
	pair := []RouterInterface{
		{ID: "ri-1", RouterID: "vrt-1", OppositeRouterID: "vrt-2", OppositeID: "ri-2", Status: "Active", Name: oursNamed},
		{ID: "ri-2", RouterID: "vrt-2", OppositeRouterID: "vrt-1", OppositeID: "ri-1", Status: "Active", Name: oursNamed},
	}
	r := Record{ID: "a", Generation: 2, Wanted: Wanted{Connection: c}}
	require.Len(t, PrunableInterfaces(NewPruning("vi", &r, c, c, nil), pair), 2)
	c.Type = TypeExpressConnect
	require.Empty(t, PrunableInterfaces(NewPruning("vi", &r, c, c, nil), pair))
}

func TestARemovalWaitsForAChange(t *testing.T) {
	t.Parallel()
	remove, wait := PlanPeeringRemoval([]PeeringConnection{peeringAt("pcc-1", "Updating", oursNamed)})
	require.Empty(t, remove)
	require.Contains(t, wait, "pcc-1 is Updating")
	remove, _ = PlanPeeringRemoval([]PeeringConnection{peeringAt("pcc-1", "Deleting", oursNamed), peeringAt("pcc-2", "Activated", oursNamed), peeringAt("pcc-3", "Accepting", oursNamed)})
	require.Len(t, remove, 2)
}

func TestAForeignPeeringIsNeverPrunedNorAltered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		statuses := []string{"Creating", "Accepting", "Updating", "Rejected", "Expired", "Activated", "Deleting", "Deleted", "Whatever"}
		names := []string{"", "by hand", oursNamed, "interconnect.vi.b", "interconnect.other.a", "interconnect.vi"}
		var seen []PeeringConnection
		for i := range rapid.IntRange(0, 5).Draw(t, "n") {
			p := peeringAt("pcc-"+string(rune('a'+i)), rapid.SampledFrom(statuses).Draw(t, "status"), rapid.SampledFrom(names).Draw(t, "name"))
			p.CreatedAt = time.Unix(rapid.Int64Range(0, 2).Draw(t, "age"), 0)
			seen = append(seen, p)
		}
		c := tutorialPeering("a")
		c.Bandwidth = rapid.SampledFrom([]int{0, 5}).Draw(t, "bandwidth")
		r := Record{ID: "a", Generation: 1, Wanted: Wanted{Connection: c}}
		for _, want := range []*Connection{nil, c} {
			for _, x := range PrunablePeerings(NewPruning("vi", &r, c, want, nil), seen) {
				m, ok := ParseMark(x.Name)
				require.True(t, ok && m.Prefix == "vi", "%+v is not ours", x)
				if f := FindPeering(c, "vi", seen); want != nil {
					require.NotEqual(t, f.Kept.ID, x.ID, "what is used stays")
				}
			}
		}
		f := FindPeering(c, "vi", seen)
		if PlanPeering(c, f).Move == MoveModify {
			m, _ := ParseMark(f.Kept.Name)
			require.Equal(t, "vi", m.Prefix)
		}
	})
}
