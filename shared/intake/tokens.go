package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Token is a bearer token that lets its holder in, known by its hash alone.
type Token struct {
	Name     string // of the holder, as records and logs show it
	Hash     [sha256.Size]byte
	ReadOnly bool // it may look and plan, and change nothing
}

// roles are what a token can be for.
var roles = map[string]bool{"read-only": true, "read-write": false}

var tokenName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// ParseTokens reads a comma-separated list of name:role:sha256 entries, the
// role read-only or read-write, the hash in hexadecimal. Without a role an entry
// is read-write. An empty list is no token.
func ParseTokens(list string) ([]Token, error) {
	var tokens []Token
	for i, pair := range strings.Split(list, ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		name, sum, _ := strings.Cut(pair, ":")
		readOnly, known := false, true
		if role, rest, three := strings.Cut(sum, ":"); three {
			readOnly, known = roles[role]
			sum = rest
		}
		raw, err := hex.DecodeString(sum)
		if !tokenName().MatchString(name) || !known || err != nil || len(raw) != sha256.Size {
			// The entry itself is not shown: somebody may have put the token
			// where its hash belongs.
			return nil, fmt.Errorf("token %d of the list is not a name, a role (read-only or read-write; it may be left out) and a SHA-256 in 64 hexadecimal digits, with colons between", i+1)
		}
		tokens = append(tokens, Token{Name: name, Hash: [sha256.Size]byte(raw), ReadOnly: readOnly})
	}
	return tokens, nil
}

// holder returns whose token an Authorization header bears. All tokens are
// compared, each in constant time, so that the answer's time tells nothing.
func holder(tokens []Token, authorization string) (found Token, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(sum[:], t.Hash[:]) == 1 {
			found, ok = t, true
		}
	}
	return found, ok && strings.EqualFold(scheme, "Bearer")
}
