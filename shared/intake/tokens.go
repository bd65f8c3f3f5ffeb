package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// Token is a bearer token that lets its holder in, known by its hash alone.
type Token struct {
	Name string // of the holder, as records and logs show it
	Hash [sha256.Size]byte
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ParseTokens reads a comma-separated list of name:sha256 pairs, the hash in
// hexadecimal. An empty list is no token.
func ParseTokens(list string) ([]Token, error) {
	var tokens []Token
	for i, pair := range strings.Split(list, ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		name, sum, _ := strings.Cut(pair, ":")
		raw, err := hex.DecodeString(sum)
		if !tokenName.MatchString(name) || err != nil || len(raw) != sha256.Size {
			// The pair itself is not shown: somebody may have put the token
			// where its hash belongs.
			return nil, fmt.Errorf("token %d of the list is not a name, a colon and a SHA-256 in 64 hexadecimal digits", i+1)
		}
		tokens = append(tokens, Token{Name: name, Hash: [sha256.Size]byte(raw)})
	}
	return tokens, nil
}

// holder returns whose token an Authorization header bears. All tokens are
// compared, each in constant time, so that the answer's time tells nothing.
func holder(tokens []Token, authorization string) (name string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(sum[:], t.Hash[:]) == 1 {
			name, ok = t.Name, true
		}
	}
	return name, ok && strings.EqualFold(scheme, "Bearer")
}
