package interconnect

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
)

// sharedBlock is the block that the cloud keeps for its own services in every
// VPC: no route of ours may lead there.
var sharedBlock = netip.MustParsePrefix("100.64.0.0/10")

// privateBlocks are those that RFC 1918 sets aside. Traffic to other blocks
// leaves an instance that has a public address by the internet instead.
var privateBlocks = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
}

// ParseBlock reads an IPv4 CIDR block in its one spelling: no host bits, not
// the whole internet. The error is a sentence that says what to write.
func ParseBlock(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		if a, aerr := netip.ParseAddr(s); aerr == nil && a.Is4() {
			return netip.Prefix{}, fmt.Errorf("%q has no prefix length; for this one address write %q", s, s+"/32")
		}
		return netip.Prefix{}, fmt.Errorf("%q is not a CIDR block; write one like \"192.168.0.0/16\"", short(s))
	case !p.Addr().Is4():
		return netip.Prefix{}, fmt.Errorf("%q is not an IPv4 block; only IPv4 is connected", s)
	case p != p.Masked():
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its prefix length; write %q", s, p.Masked().String())
	case p.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%q is every address there is; name the blocks that the other side may reach", s)
	}
	return p, nil
}

// Within tells whether every address of inner is in outer.
func Within(inner, outer netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// withinAny tells whether one of the blocks holds all of inner.
func withinAny(inner netip.Prefix, blocks []netip.Prefix) bool {
	return slices.ContainsFunc(blocks, func(b netip.Prefix) bool { return Within(inner, b) })
}

// overlap returns the first two blocks, one of each list, that share an
// address.
func overlap(as, bs []netip.Prefix) (a, b netip.Prefix, found bool) {
	for _, a := range as {
		for _, b := range bs {
			if a.Overlaps(b) {
				return a, b, true
			}
		}
	}
	return netip.Prefix{}, netip.Prefix{}, false
}

// compareBlocks orders blocks by address, then by length.
func compareBlocks(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// sortedBlocks returns the blocks in order, each once.
func sortedBlocks(blocks []netip.Prefix) []netip.Prefix {
	out := slices.SortedFunc(slices.Values(blocks), compareBlocks)
	return slices.Compact(out)
}

// RefuseDestination says why CreateRouteEntries would refuse a route to
// destination in a VPC with these vSwitches, or "". Its rule is the strict
// one: neither equal to, nor inside, nor around a vSwitch's block, and neither
// 100.64.0.0/10 nor inside it.
func RefuseDestination(destination netip.Prefix, vswitches []VSwitch) string {
	if Within(destination, sharedBlock) {
		return fmt.Sprintf("%s is in %s, which the cloud keeps for its own services", destination, sharedBlock)
	}
	for _, v := range vswitches {
		relation := ""
		switch {
		case destination == v.CidrBlock:
			relation = "equals"
		case Within(destination, v.CidrBlock):
			relation = "is inside"
		case Within(v.CidrBlock, destination):
			relation = "contains"
		default:
			continue
		}
		return fmt.Sprintf("%s %s %s, the block of vSwitch %s", destination, relation, v.CidrBlock, v.ID)
	}
	return ""
}

func joinBlocks(blocks []netip.Prefix) string {
	s := ""
	for i, b := range blocks {
		if i > 0 {
			s += ", "
		}
		s += b.String()
	}
	return s
}
