package openapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"sort"
	"strings"

	"vpcinterconnect/shared/localcloud/engine"
)

// acs3 is the signature of the newer official SDKs, in the Authorization header.
const acs3 = "ACS3-HMAC-SHA256"

// readACS3 reads the protocol's values from headers, and rebuilds the request
// that the client was to sign.
func (r *request) readACS3() *engine.Error {
	incomplete := &engine.Error{Status: 400, Code: "IncompleteSignature", Message: "The request signature does not conform to Aliyun standards."}
	parts := map[string]string{}
	for field := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), acs3), ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(field), "=")
		parts[k] = v
	}
	r.protocol = protocol{
		Action: r.Header.Get("x-acs-action"), Version: r.Header.Get("x-acs-version"), AccessKeyID: parts["Credential"],
		SecurityToken: r.Header.Get("x-acs-security-token"), Nonce: r.Header.Get("x-acs-signature-nonce"),
		Timestamp: r.Header.Get("x-acs-date"), Format: "JSON",
	}
	hash := hexSHA256(r.payload)
	if parts["SignedHeaders"] == "" || r.Header.Get("x-acs-content-sha256") != hash {
		return incomplete
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	for _, must := range []string{"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"} {
		if !contains(names, must) {
			return incomplete
		}
	}
	toSign := acs3StringToSign(r, names, hash)
	r.protocol.signature = signature{
		claimed: parts["Signature"], toSign: toSign, nonceKey: "x-acs-signature-nonce",
		compute: func(secret string) string { return hexHMACSHA256(secret, toSign) },
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func acs3StringToSign(r *request, names []string, hash string) string {
	pairs := make([]string, 0, len(r.query))
	for k, v := range r.query {
		pairs = append(pairs, escape(k)+"="+escape(v))
	}
	sort.Strings(pairs)
	var headers strings.Builder
	for _, n := range names {
		v := strings.TrimSpace(r.Header.Get(n))
		if n == "host" {
			v = r.Host
		}
		headers.WriteString(n + ":" + v + "\n")
	}
	path := (&url.URL{Path: orSlash(r.URL.Path)}).EscapedPath()
	canonical := strings.Join([]string{r.Method, path, strings.Join(pairs, "&"), headers.String(), strings.Join(names, ";"), hash}, "\n")
	return acs3 + "\n" + hexSHA256([]byte(canonical))
}

func orSlash(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hexHMACSHA256(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}
