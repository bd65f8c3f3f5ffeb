package openapi

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// signature is what a request claims, and how to compute what it should be.
type signature struct {
	claimed  string
	toSign   string
	compute  func(secret string) string
	nonceKey string // name of the parameter that a missing nonce is called by
}

// readRPC reads the protocol's parameters from query and body, and the string
// that the client was to sign: facts H.
func (r *request) readRPC(all map[string]string) *engine.Error {
	r.protocol = protocol{
		Action: all["Action"], Version: all["Version"], AccessKeyID: all["AccessKeyId"], SecurityToken: all["SecurityToken"],
		Nonce: all["SignatureNonce"], Timestamp: all["Timestamp"], Format: all["Format"],
	}
	toSign := stringToSign(r.Method, all)
	r.protocol.signature = signature{
		claimed: all["Signature"], toSign: toSign, nonceKey: "SignatureNonce",
		compute: func(secret string) string { return hmacSHA1(secret+"&", toSign) },
	}
	if m := all["SignatureMethod"]; m != "" && m != "HMAC-SHA1" {
		return &engine.Error{Status: 400, Code: "InvalidSignatureMethod", Message: "Specified signature method is not valid."}
	}
	return nil
}

// Sign signs an RPC request as a client does: all are its parameters, the
// protocol's own among them.
func Sign(method string, all map[string]string, secret string) string {
	return hmacSHA1(secret+"&", stringToSign(method, all))
}

func stringToSign(method string, all map[string]string) string {
	keys := make([]string, 0, len(all))
	for k := range all {
		if k != "Signature" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	pairs := make([]string, len(keys))
	for i, k := range keys {
		pairs[i] = escape(k) + "=" + escape(all[k])
	}
	return method + "&" + escape("/") + "&" + escape(strings.Join(pairs, "&"))
}

func hmacSHA1(key, text string) string {
	mac := hmac.New(sha1.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape is the protocol's percent-encoding: all but letters, digits and -_.~ .
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// window is how far a request's timestamp may be off.
const window = 15 * time.Minute

// authenticate checks whose key signed, that it is still good, when, and that
// the request is not a replay.
func (h *Handler) authenticate(r *request) *engine.Error {
	p := r.protocol
	for _, need := range [][2]string{
		{p.AccessKeyID, "AccessKeyId"}, {p.signature.claimed, "Signature"}, {p.Timestamp, "Timestamp"}, {p.Nonce, p.signature.nonceKey},
	} {
		if need[0] == "" {
			return missing(need[1])
		}
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", p.Timestamp)
	if err != nil {
		return &engine.Error{Status: 400, Code: "InvalidTimeStamp.Format", Message: "Specified time stamp or date value is not well formatted."}
	}
	now := h.opt.Now()
	if off := now.Sub(at); off > window || off < -window {
		return &engine.Error{Status: 400, Code: "InvalidTimeStamp.Expired", Message: "Specified time stamp or date value is expired."}
	}
	c, known := h.opt.Engine.Credential(p.AccessKeyID)
	switch {
	case !known, c.Token != "" && p.SecurityToken == "":
		return h.opt.Engine.UnknownAccessKey()
	case c.Token != p.SecurityToken:
		return &engine.Error{Status: 400, Code: "InvalidSecurityToken.MismatchWithAccessKey", Message: "The specified SecurityToken does not match the AccessKey."}
	case !c.Expires.IsZero() && !h.opt.Engine.Now().Before(c.Expires):
		return &engine.Error{Status: 400, Code: "InvalidSecurityToken.Expired", Message: "Specified SecurityToken is expired."}
	case !hmac.Equal([]byte(p.signature.compute(c.Secret)), []byte(p.signature.claimed)):
		return &engine.Error{Status: 400, Code: "SignatureDoesNotMatch", Message: "Specified signature is not matched with our calculation. server string to sign is:" + p.signature.toSign}
	case !h.nonces.use(p.AccessKeyID+" "+p.Nonce, now):
		return &engine.Error{Status: 400, Code: "SignatureNonceUsed", Message: "Specified signature nonce was used already."}
	}
	r.caller = c.Caller
	return nil
}

// nonces remembers what was used within the window; older requests are refused
// by their timestamp.
type nonces struct {
	mu   sync.Mutex
	used map[string]time.Time
	next time.Time // when to forget again
}

func (n *nonces) use(nonce string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.After(n.next) {
		kept := map[string]time.Time{}
		for k, at := range n.used {
			if now.Sub(at) <= 2*window {
				kept[k] = at
			}
		}
		n.used, n.next = kept, now.Add(window)
	}
	if _, ok := n.used[nonce]; ok {
		return false
	}
	n.used[nonce] = now
	return true
}
