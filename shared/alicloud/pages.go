package alicloud

import (
	"fmt"
	"net/netip"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// maxPages bounds a listing: a cloud that never stops handing out pages must
// not keep a function busy until it is killed. The smallest pages are of 10.
const maxPages = 1000

// byNumber collects a listing that is paged by number. fetch returns the items
// of a page (the first is 1) and how many there are on all pages.
func byNumber[T any](action string, pageSize int, fetch func(page int) ([]T, int, error)) ([]T, error) {
	var all []T
	for page := 1; page <= maxPages; page++ {
		items, total, err := fetch(page)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if len(items) == 0 || page*pageSize >= total {
			return all, nil
		}
	}
	return nil, tooManyPages(action)
}

// byToken collects a listing that is paged by NextToken. The first token is
// empty, and so is the one that ends it.
func byToken[T any](action string, fetch func(token string) ([]T, string, error)) ([]T, error) {
	var all []T
	token := ""
	for range maxPages {
		items, next, err := fetch(token)
		if err != nil {
			return nil, err
		}
		all = append(all, items...)
		if next == "" {
			return all, nil
		}
		if next == token {
			return nil, &interconnect.CloudError{Class: interconnect.Transient, Action: action, Message: "the listing does not advance: the same NextToken twice"}
		}
		token = next
	}
	return nil, tooManyPages(action)
}

func tooManyPages(action string) error {
	return &interconnect.CloudError{Class: interconnect.Permanent, Action: action, Message: fmt.Sprintf("the listing has more than %d pages", maxPages)}
}

// each converts the items of an answer, and fails with the first that cannot
// be understood.
func each[From, To any](items []From, convert func(*From) (To, error)) ([]To, error) {
	out := make([]To, 0, len(items))
	for i := range items {
		v, err := convert(&items[i])
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// parseBlock reads a CIDR block; a bare address is a block of one. Host bits
// are cleared, as the cloud takes them.
func parseBlock(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%.60q is not a CIDR block", s)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func parseBlocks(list []string) ([]netip.Prefix, error) {
	return each(list, func(s *string) (netip.Prefix, error) { return parseBlock(*s) })
}

// parseTime reads the forms in which the APIs write times: RFC 3339, with or
// without seconds. None is the zero time.
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.60q is not a time", s)
}

// need returns an error that names the first field without a value. Fields are
// pairs of name and value.
func need(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return fmt.Errorf("%s is missing", pairs[i])
		}
	}
	return nil
}
