package mns

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// mostSkew is how far a request's clock may be from ours.
const mostSkew = 15 * time.Minute

// authenticate checks, in this order: the headers that must be there, the date,
// the body's digest, the key, its token and the signature.
func (h *Handler) authenticate(r *request) error {
	authorization := r.Header.Get("Authorization")
	date := r.Header.Get("Date")
	if date == "" {
		date = r.Header.Get("x-mns-date")
	}
	switch {
	case authorization == "":
		return refuse(400, "MissingAuthorizationHeader", "Authorization header is required.")
	case r.Header.Get("x-mns-version") == "":
		return refuse(400, "MissingVersionHeader", "x-mns-version header is required.")
	case date == "":
		return refuse(400, "MissingDateHeader", "Date header is required.")
	}
	when, err := http.ParseTime(date)
	if err != nil {
		return refuse(400, "InvalidDateHeader", "The Date header format is invalid.")
	}
	if skew := h.opt.Now().Sub(when); skew > mostSkew || skew < -mostSkew {
		return refuse(400, "TimeExpired", "The http request you sent is expired.")
	}
	if !digestMatches(r.Header.Get("Content-MD5"), r.body) {
		return refuse(400, "InvalidDegist", "The Content-MD5 you specified is invalid.")
	}
	key, signature, ok := strings.Cut(strings.TrimPrefix(authorization, "MNS "), ":")
	if !ok || !strings.HasPrefix(authorization, "MNS ") || key == "" {
		return refuse(400, "InvalidAuthorizationHeader", "The Authorization header format is invalid.")
	}
	c, ok := h.engine.Credential(key)
	if !ok {
		return refuse(403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist.")
	}
	if !h.signed(r, c.Secret, signature) {
		return refuse(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	switch {
	case c.Token != r.Header.Get("security-token"):
		return refuse(403, "AccessDenied", "The security token does not belong to the access key.")
	case !c.Expires.IsZero() && h.engine.Now().After(c.Expires):
		return refuse(403, "AccessDenied", "The security token has expired.")
	}
	r.caller = c.Caller
	return nil
}

func refuse(status int, code, message string) *engine.Error {
	return &engine.Error{Status: status, Code: code, Message: message}
}

// digestMatches accepts both forms of Content-MD5 that the SDKs send: base64 of
// the digest in hex, and base64 of the digest. It may be left out.
func digestMatches(header string, body []byte) bool {
	sum := md5.Sum(body)
	return header == "" ||
		header == base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum[:]))) ||
		header == base64.StdEncoding.EncodeToString(sum[:])
}

// signed checks a signature. Where x-mns-date stands in for Date, the line of
// the date is either empty or that header's value: both are accepted.
func (h *Handler) signed(r *request, secret, signature string) bool {
	dates := []string{r.Header.Get("Date")}
	if dates[0] == "" {
		dates = append(dates, r.Header.Get("x-mns-date"))
	}
	return slices.ContainsFunc(dates, func(date string) bool {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(stringToSign(r, date)))
		want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		return hmac.Equal([]byte(want), []byte(signature))
	})
}

func stringToSign(r *request, date string) string {
	lines := []string{r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), date}
	var own []string
	for k, v := range r.Header {
		if k = strings.ToLower(k); strings.HasPrefix(k, "x-mns-") {
			own = append(own, k+":"+strings.TrimSpace(v[0]))
		}
	}
	slices.Sort(own)
	return strings.Join(append(append(lines, own...), r.target), "\n")
}
