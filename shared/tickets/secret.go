package tickets

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// minSecret is how short a secret may be, in characters: what can be guessed
// protects nothing.
const minSecret = 16

// Secrets are those of which any makes a delivery authentic: two while one
// replaces the other.
type Secrets []string

// ParseSecrets reads secrets with commas between.
func ParseSecrets(list string) (Secrets, error) {
	var out Secrets
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if len(s) < minSecret {
			return nil, fmt.Errorf("a secret of %d characters can be guessed; take at least %d", len(s), minSecret)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is none")
	}
	return out, nil
}

// String keeps secrets out of every log line.
func (Secrets) String() string { return "[secrets]" }

// GoString keeps secrets out of %#v.
func (Secrets) GoString() string { return "[secrets]" }

// Signed tells whether a signature of the form sha256=<hex> is the HMAC of a
// text by any of the secrets. All are compared, each in constant time, so that
// the answer's time tells nothing.
func (s Secrets) Signed(signature string, text []byte) bool {
	method, sum, _ := strings.Cut(signature, "=")
	given, err := hex.DecodeString(sum)
	if !strings.EqualFold(method, "sha256") || err != nil {
		return false
	}
	ok := false
	for _, secret := range s {
		if hmac.Equal(given, Sum(secret, text)) {
			ok = true
		}
	}
	return ok
}

// Shared tells whether a text is any of the secrets, likewise.
func (s Secrets) Shared(given string) bool {
	ok := false
	own := sha256.Sum256([]byte(given))
	for _, secret := range s {
		sum := sha256.Sum256([]byte(secret))
		if subtle.ConstantTimeCompare(sum[:], own[:]) == 1 {
			ok = true
		}
	}
	return ok
}

// Sum is a text's HMAC-SHA256.
func Sum(secret string, text []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(text)
	return mac.Sum(nil)
}

// Recent refuses a delivery whose time, in Unix seconds, is further from now
// than window.
func Recent(seconds string, now time.Time, window time.Duration) error {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: its timestamp is none", ErrStranger)
	}
	if age := now.Sub(time.Unix(n, 0)); age > window || age < -window {
		return fmt.Errorf("%w: it is of %s, which is too far from now", ErrStranger, time.Unix(n, 0).UTC().Format(time.RFC3339))
	}
	return nil
}
