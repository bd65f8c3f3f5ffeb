package engine

import (
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// errDryRun is what a dry run that found nothing wrong answers.
var errDryRun = &Error{400, "DryRunOperation", "Request validation has been passed with DryRun flag set."}

// unsupported refuses what is published but not implemented here.
func unsupported(what string) *Error {
	return &Error{400, "UnsupportedParameter", "This cloud does not implement it: " + what + "."}
}

func dependency(kind string) *Error {
	return &Error{400, "DependencyViolation." + kind, "Specified object has dependent resources " + kind + "."}
}

func (e *Engine) tenantsOf(f func(tenant) bool) []tenant {
	var out []tenant
	for _, source := range e.tenants {
		for _, x := range source() {
			if f(x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// vpcBlock parses a VPC's block: a private range or another one that is not
// reserved, mask 8 to 28.
func vpcBlock(s string) (netip.Prefix, *Error) {
	bad := &Error{400, "InvalidCidrBlock.Malformed", "Specified CIDR block is not valid."}
	b, err := netip.ParsePrefix(s)
	if err != nil || !b.Addr().Is4() || b != b.Masked() || b.Bits() < 8 || b.Bits() > 28 {
		return netip.Prefix{}, bad
	}
	for _, r := range reservedBlocks {
		if r.Overlaps(b) {
			return netip.Prefix{}, bad
		}
	}
	return b, nil
}

// reservedBlocks may not be a VPC's.
var reservedBlocks = []netip.Prefix{
	serviceBlock,
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
}

// checkTexts checks a resource's name (to 128 characters) and
// description (to 256): neither may start with http:// or https://.
func checkTexts(name, description string) *Error {
	if !goodText(name, 1, 128) {
		return &Error{400, "InvalidName.Malformed", "The specified name is not valid."}
	}
	if !goodText(description, 1, 256) {
		return &Error{400, "InvalidDescription.Malformed", "The specified description is not valid."}
	}
	return nil
}

func goodText(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	if n == 0 {
		return true
	}
	return n >= least && n <= most && !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://")
}

func splitList(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// fmtTime writes a time as the VPC service does; "" for none.
func fmtTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func (e *Engine) defaultResourceGroup() string {
	return "rg-acfm" + e.opt.AccountID[:min(8, len(e.opt.AccountID))]
}

// page is the common pair of paging parameters: page 1 and 10 a page unless
// told otherwise, at most 50.
type page struct {
	PageNumber int
	PageSize   int
}

func (p page) bounds() (number, size int, err *Error) {
	number, size = orInt(p.PageNumber, 1), orInt(p.PageSize, 10)
	if number < 1 || size < 1 || size > 50 {
		return 0, 0, &Error{400, "InvalidParameter", "PageNumber must be 1 or more, and PageSize between 1 and 50."}
	}
	return number, size, nil
}

// pageOf cuts one page out of a list.
func pageOf[T any](all []T, number, size int) []T {
	from := min((number-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

// tagged says whether a resource's tags have every one that is asked for; an
// asked tag without a value matches any.
func tagged(have, want []Tag) bool {
	for _, w := range want {
		found := false
		for _, h := range have {
			found = found || h.Key == w.Key && (w.Value == "" || h.Value == w.Value)
		}
		if !found {
			return false
		}
	}
	return true
}
