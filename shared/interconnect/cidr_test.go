package interconnect

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func block(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func blocksOf(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, block(s))
	}
	return out
}

// anyBlock draws blocks that are near one another, so that they often touch.
func anyBlock(t *rapid.T, label string) netip.Prefix {
	a := rapid.Uint32Range(0, 1<<12-1).Draw(t, label)
	addr := netip.AddrFrom4([4]byte{10, 0, byte(a >> 8), byte(a)})
	return netip.PrefixFrom(addr, rapid.IntRange(20, 32).Draw(t, label+"Bits")).Masked()
}

// addresses lists what is in a block, by counting.
func addresses(b netip.Prefix) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for a := b.Addr(); b.Contains(a); a = a.Next() {
		all[a] = true
	}
	return all
}

func TestBlockArithmeticAgreesWithCounting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyBlock(t, "a"), anyBlock(t, "b")
		in, both := addresses(a), 0
		for x := range addresses(b) {
			if in[x] {
				both++
			}
		}
		require.Equal(t, both == len(in), Within(a, b))
		_, _, found := overlap([]netip.Prefix{a}, []netip.Prefix{b})
		require.Equal(t, both > 0, found)
		require.Equal(t, both > 0, RefuseDestination(a, []VSwitch{{CidrBlock: b}}) != "", "a route must not share an address with a vSwitch")
	})
}

func TestSortedBlocksAreOrderedAndUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Custom(func(t *rapid.T) netip.Prefix { return anyBlock(t, "block") })).Draw(t, "list")
		mixed := rapid.Permutation(list).Draw(t, "mixed")
		sorted := sortedBlocks(list)
		require.Equal(t, sorted, sortedBlocks(mixed))
		for i := range sorted {
			require.Contains(t, list, sorted[i])
			require.True(t, i == 0 || compareBlocks(sorted[i-1], sorted[i]) < 0)
		}
	})
}

func TestABlockThatIsParsedIsSpelledTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := anyBlock(t, "block")
		parsed, err := ParseBlock(b.String())
		require.NoError(t, err)
		require.Equal(t, b, parsed)
	})
}

func TestADestinationIsRefusedAsCreateRouteEntriesRefusesIt(t *testing.T) {
	t.Parallel()
	vswitches := []VSwitch{{ID: "vsw-1", CidrBlock: block("172.16.1.0/24")}}
	for name, c := range map[string]struct{ destination, says string }{
		"beside every vSwitch":            {"172.16.2.0/24", ""},
		"equal to a vSwitch":              {"172.16.1.0/24", "equals 172.16.1.0/24, the block of vSwitch vsw-1"},
		"inside a vSwitch":                {"172.16.1.128/25", "is inside"},
		"around a vSwitch":                {"172.16.0.0/16", "contains"},
		"the cloud's own block":           {"100.64.0.0/10", "own services"},
		"inside the cloud's own block":    {"100.100.2.136/32", "own services"},
		"next to the cloud's own block":   {"100.128.0.0/10", ""},
		"around the cloud's own, allowed": {"100.0.0.0/8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := RefuseDestination(block(c.destination), vswitches)
			if c.says == "" {
				require.Empty(t, got)
			} else {
				require.Contains(t, got, c.says)
			}
		})
	}
}
