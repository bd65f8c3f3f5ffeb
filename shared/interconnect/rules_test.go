package interconnect_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

func ruleOf(group string, d interconnect.Direction, a interconnect.Allow, peer string) interconnect.Rule {
	r := interconnect.Rule{GroupID: group, Direction: d, Protocol: a.Protocol, PortRange: a.PortRange, Policy: "accept", Priority: 1}
	if b, err := netip.ParsePrefix(peer); err == nil {
		r.PeerBlock = b
	} else {
		r.PeerGroupID = peer
	}
	return r
}

func TestWantedRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(c *interconnect.Connection)
		side   interconnect.Role
		want   []interconnect.Rule
	}{
		"a basic group lets the other side's blocks in": {
			func(*interconnect.Connection) {}, interconnect.Acceptor,
			[]interconnect.Rule{ruleOf("sg-2", interconnect.Ingress, icmp, "192.168.0.0/16"), ruleOf("sg-2", interconnect.Ingress, postgres, "192.168.0.0/16")},
		},
		"by security group it lets the other side's groups in": {
			func(c *interconnect.Connection) {
				c.Initiator.SecurityGroups[0].Authorization = interconnect.BySecurityGroup
			}, interconnect.Initiator,
			[]interconnect.Rule{ruleOf("sg-1", interconnect.Ingress, icmp, "sg-2")},
		},
		"an advanced group lets out what the other side's groups let in": {
			func(c *interconnect.Connection) { c.Initiator.SecurityGroups[0].Advanced = true }, interconnect.Initiator,
			[]interconnect.Rule{
				ruleOf("sg-1", interconnect.Ingress, icmp, "172.16.0.0/16"),
				ruleOf("sg-1", interconnect.Egress, icmp, "172.16.0.0/16"), ruleOf("sg-1", interconnect.Egress, postgres, "172.16.0.0/16"),
			},
		},
		"an advanced group facing no group lets out what it lets in": {
			func(c *interconnect.Connection) {
				c.Acceptor.SecurityGroups[0].Advanced, c.Initiator.SecurityGroups = true, nil
			}, interconnect.Acceptor,
			[]interconnect.Rule{
				ruleOf("sg-2", interconnect.Ingress, icmp, "192.168.0.0/16"), ruleOf("sg-2", interconnect.Ingress, postgres, "192.168.0.0/16"),
				ruleOf("sg-2", interconnect.Egress, icmp, "192.168.0.0/16"), ruleOf("sg-2", interconnect.Egress, postgres, "192.168.0.0/16"),
			},
		},
		"what two groups of the other side let in is let out once": {
			func(c *interconnect.Connection) {
				c.Initiator.SecurityGroups[0].Advanced = true
				c.Acceptor.SecurityGroups = []interconnect.SecurityGroup{
					{ID: "sg-2", Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{icmp}},
					{ID: "sg-3", Authorization: interconnect.ByCidrBlock, Allow: []interconnect.Allow{icmp}},
				}
			}, interconnect.Initiator,
			[]interconnect.Rule{ruleOf("sg-1", interconnect.Ingress, icmp, "172.16.0.0/16"), ruleOf("sg-1", interconnect.Egress, icmp, "172.16.0.0/16")},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tutorial()
			tt.change(c)
			require.Equal(t, tt.want, interconnect.WantedRules(c, tt.side))
		})
	}
	require.Empty(t, interconnect.WantedRules(nil, interconnect.Initiator))
}

func TestDiffRules(t *testing.T) {
	t.Parallel()
	want := ruleOf("sg-1", interconnect.Ingress, icmp, "172.16.0.0/16")
	with := func(change func(r *interconnect.Rule)) interconnect.Rule {
		r := want
		r.ID = "sgr-1"
		change(&r)
		return r
	}
	drop := func(change func(r *interconnect.Rule)) interconnect.Rule {
		return with(func(r *interconnect.Rule) { r.ID, r.Policy = "sgr-drop", "drop"; change(r) })
	}
	tests := map[string]struct {
		existing                    []interconnect.Rule
		missing, present, overruled int
	}{
		"a rule that is missing is added":                           {nil, 1, 0, 0},
		"an equal rule by hand is used":                             {[]interconnect.Rule{with(func(*interconnect.Rule) {})}, 0, 1, 0},
		"an equal rule in lower case is used":                       {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.Protocol = "icmp" })}, 0, 1, 0},
		"an equal rule at another priority is used":                 {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.Priority = 50 })}, 0, 1, 0},
		"a rule for another block is not equal":                     {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.PeerBlock = netip.MustParsePrefix("172.16.0.0/12") })}, 1, 0, 0},
		"a rule the other way is not equal":                         {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.Direction = interconnect.Egress })}, 1, 0, 0},
		"a drop at the same priority overrules ours and is told":    {[]interconnect.Rule{drop(func(*interconnect.Rule) {})}, 1, 0, 1},
		"a drop of everything from everywhere overrules ours":       {[]interconnect.Rule{drop(func(r *interconnect.Rule) { r.Protocol, r.PeerBlock = "ALL", netip.MustParsePrefix("0.0.0.0/0") })}, 1, 0, 1},
		"a drop at a lower priority does not":                       {[]interconnect.Rule{drop(func(r *interconnect.Rule) { r.Priority = 2 })}, 1, 0, 0},
		"a drop of another protocol does not":                       {[]interconnect.Rule{drop(func(r *interconnect.Rule) { r.Protocol, r.PortRange = "TCP", "1/65535" })}, 1, 0, 0},
		"a drop of another block does not":                          {[]interconnect.Rule{drop(func(r *interconnect.Rule) { r.PeerBlock = netip.MustParsePrefix("10.0.0.0/8") })}, 1, 0, 0},
		"an equal rule that a drop comes before is outdone by ours": {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.Priority = 50 }), drop(func(r *interconnect.Rule) { r.Priority = 20 })}, 1, 0, 0},
		"adding ours beside it would not help against a first drop": {[]interconnect.Rule{with(func(r *interconnect.Rule) { r.Priority = 50 }), drop(func(*interconnect.Rule) {})}, 0, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := interconnect.DiffRules(mark, []interconnect.Rule{want}, tt.existing)
			require.Equal(t, []int{tt.missing, tt.present, tt.overruled}, []int{len(d.Missing), len(d.Present), len(d.Overruled)})
			for _, r := range d.Missing {
				require.Equal(t, "interconnect.vi.a", r.Description)
				require.Equal(t, 1, r.Priority)
			}
		})
	}
}

func TestADropOverrulesOnlyThePortsItNames(t *testing.T) {
	t.Parallel()
	want := ruleOf("sg-1", interconnect.Ingress, postgres, "172.16.0.0/16")
	for ports, overruled := range map[string]int{"5432/5432": 1, "1/65535": 1, "5400/5431": 0, "5433/6000": 0, "-1/-1": 1} {
		d := want
		d.ID, d.Policy, d.PortRange = "sgr-drop", "drop", ports
		require.Len(t, interconnect.DiffRules(mark, []interconnect.Rule{want}, []interconnect.Rule{d}).Overruled, overruled, ports)
	}
}

// drawRules draws rules that may exist in the groups.
func drawRules(t *rapid.T) []interconnect.Rule {
	one := rapid.Custom(func(t *rapid.T) interconnect.Rule {
		r := ruleOf(
			rapid.SampledFrom([]string{"sg-1", "sg-1x", "sg-2", "sg-2x"}).Draw(t, "group"),
			rapid.SampledFrom([]interconnect.Direction{interconnect.Ingress, interconnect.Egress}).Draw(t, "direction"),
			rapid.SampledFrom([]interconnect.Allow{icmp, postgres}).Draw(t, "allow"),
			rapid.SampledFrom([]string{"172.16.0.0/16", "10.2.0.0/16", "192.168.0.0/16", "10.1.0.0/16", "sg-1", "sg-2"}).Draw(t, "peer"),
		)
		r.Policy = rapid.SampledFrom([]string{"accept", "accept", "drop"}).Draw(t, "policy")
		r.Priority = rapid.SampledFrom([]int{1, 50}).Draw(t, "priority")
		r.Description = drawMark(t)
		return r
	})
	rules := rapid.SliceOfN(one, 0, 20).Draw(t, "rules")
	for i := range rules {
		rules[i].ID = numbered("sgr", i)
	}
	return rules
}

func TestApplyingARuleDiffReachesWhatIsWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c, existing := drawConnection(t, "a"), drawRules(t)
		wanted := slices.Concat(interconnect.WantedRules(c, interconnect.Initiator), interconnect.WantedRules(c, interconnect.Acceptor))
		d := interconnect.DiffRules(mark, wanted, existing)
		require.Len(t, wanted, len(d.Missing)+len(d.Present))
		for i, r := range d.Missing {
			r.ID = numbered("new", i)
			existing = append(existing, r)
		}
		require.Empty(t, interconnect.DiffRules(mark, wanted, existing).Missing)
	})
}

func TestAPruneOfRulesTakesOnlyWhatIsOursAndNotNeeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		existing := drawRules(t)
		p, live := drawPruning(t)
		var needed []interconnect.Rule
		for _, c := range live {
			needed = append(needed, interconnect.WantedRules(c, interconnect.Initiator)...)
			needed = append(needed, interconnect.WantedRules(c, interconnect.Acceptor)...)
		}
		gone := interconnect.PrunableRules(p, existing)
		for _, r := range gone {
			m, ok := interconnect.ParseMark(r.Description)
			require.True(t, ok, "a rule without a mark is somebody else's")
			require.Equal(t, "vi", m.Prefix)
		}
		rest := slices.DeleteFunc(slices.Clone(existing), func(r interconnect.Rule) bool {
			return slices.ContainsFunc(gone, func(g interconnect.Rule) bool { return g.ID == r.ID })
		})
		require.Empty(t, interconnect.PrunableRules(p, rest))
		// Whatever a live record had, it still has.
		before, after := interconnect.DiffRules(mark, needed, existing), interconnect.DiffRules(mark, needed, rest)
		require.Len(t, after.Missing, len(before.Missing))
	})
}

func TestTwoConnectionsThatNeedOneRule(t *testing.T) {
	t.Parallel()
	a, b := tutorial(), tutorial()
	b.ID = "b"
	shared := ruleOf("sg-1", interconnect.Ingress, icmp, "172.16.0.0/16")
	shared.ID, shared.Description = "sgr-1", "interconnect.vi.a"
	ra, rb := record(a), record(b)

	whileBLives := interconnect.NewPruning("vi", &ra, a, nil, []interconnect.Record{rb})
	require.Empty(t, interconnect.PrunableRules(whileBLives, []interconnect.Rule{shared}), "removing one leaves it")

	thenB := interconnect.NewPruning("vi", &rb, b, nil, nil)
	require.Len(t, interconnect.PrunableRules(thenB, []interconnect.Rule{shared}), 1, "removing both leaves nothing")

	failed := rb
	failed.Generation = 1
	failed.Steps = map[interconnect.Step]interconnect.StepStatus{
		interconnect.Routes:       {Generation: 1, Action: interconnect.Prune, Target: interconnect.TargetConnected, Progress: interconnect.Done},
		interconnect.Verification: {Generation: 1, Action: interconnect.Prune, Target: interconnect.TargetConnected, Progress: interconnect.Done},
	}
	whereBFailed := interconnect.NewPruning("vi", &ra, a, nil, []interconnect.Record{failed})
	require.Len(t, interconnect.PrunableRules(whereBFailed, []interconnect.Rule{shared}), 1, "one that failed and was rolled back needs nothing")
	failed.LastConnected = b
	toFormerB := interconnect.NewPruning("vi", &ra, a, nil, []interconnect.Record{failed})
	require.Empty(t, interconnect.PrunableRules(toFormerB, []interconnect.Rule{shared}), "but what it was rolled back to")

	// a went first and left it for b, which then changes so that it needs it no
	// longer, and has forgotten that it ever did.
	gone := ra
	gone.Generation, gone.Wanted.Disconnect = 2, true
	needless := tutorial()
	needless.ID = "b"
	needless.Acceptor.SecurityGroups, needless.Initiator.SecurityGroups = nil, nil
	changed := record(needless)
	still := interconnect.NewPruning("vi", &changed, needless, needless, []interconnect.Record{gone})
	require.Empty(t, interconnect.PrunableRules(still, []interconnect.Rule{shared}), "while a is being removed, that is a's to do")
	gone.Steps = map[interconnect.Step]interconnect.StepStatus{}
	for _, step := range interconnect.Steps {
		gone.Steps[step] = interconnect.StepStatus{Generation: 2, Action: interconnect.Prune, Progress: interconnect.Done}
	}
	require.True(t, interconnect.Ended(&gone))
	last := interconnect.NewPruning("vi", &changed, needless, needless, []interconnect.Record{gone})
	require.Len(t, interconnect.PrunableRules(last, []interconnect.Rule{shared}), 1, "nobody is left who would come back for it")
	needed := interconnect.NewPruning("vi", &changed, needless, needless, []interconnect.Record{gone, func() interconnect.Record { c := tutorial(); c.ID = "c"; return record(c) }()})
	require.Empty(t, interconnect.PrunableRules(needed, []interconnect.Rule{shared}), "unless a third one needs it")

	// Or a is still there, and has changed so as well.
	other := record(func() *interconnect.Connection { c := *needless; c.ID = "a"; return &c }())
	under := interconnect.NewPruning("vi", &changed, needless, needless, []interconnect.Record{other})
	require.Empty(t, interconnect.PrunableRules(under, []interconnect.Rule{shared}), "while a is being changed, that is a's to do")
	other.Steps = map[interconnect.Step]interconnect.StepStatus{}
	for _, step := range interconnect.Steps {
		other.Steps[step] = interconnect.StepStatus{Generation: other.Generation, Action: interconnect.Connect, Progress: interconnect.Done}
	}
	require.True(t, interconnect.Ended(&other))
	settled := interconnect.NewPruning("vi", &changed, needless, needless, []interconnect.Record{other})
	require.Len(t, interconnect.PrunableRules(settled, []interconnect.Rule{shared}), 1)

	byHand := shared
	byHand.Description = "monitoring"
	require.Empty(t, interconnect.PrunableRules(thenB, []interconnect.Rule{byHand}), "an equal rule of a user stays")
}

func TestGroupsOfEarlierGenerationsAreLookedAt(t *testing.T) {
	t.Parallel()
	r := record(tutorial())
	r.LastConnected = tutorial()
	r.LastConnected.Initiator.SecurityGroups[0].ID = "sg-older"
	p := interconnect.NewPruning("vi", &r, r.Wanted.Connection, nil, nil)
	former := []interconnect.Place{{Role: interconnect.Initiator, Group: "sg-old"}, {Role: interconnect.Initiator, Table: "vtb-old"}, {Role: interconnect.Acceptor, Group: "sg-2"}}
	require.Equal(t, []string{"sg-1", "sg-older", "sg-old"}, p.Groups(interconnect.Initiator, former))
	require.Equal(t, []string{"sg-2"}, p.Groups(interconnect.Acceptor, former))
}

func TestAStatusListsNoMoreIdsThanItCanHold(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 45 {
		ids = append(ids, numbered("rte", i))
	}
	got := interconnect.Few(ids)
	require.Len(t, got, 31)
	require.Equal(t, "and 15 more", got[30])
	require.Equal(t, ids[:30], interconnect.Few(ids[:30]))
	require.Len(t, ids, 45)
}
