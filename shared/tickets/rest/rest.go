// Package rest calls the JSON interfaces of ticket systems: to a host that the
// configuration names and no other, with a time limit, and with errors that hold
// no credentials and say whether the same may succeed later.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"vpcinterconnect/shared/tickets"
)

// timeout is how long a call may take; a comment that is written twice for lack
// of an answer is found when comments are read again.
const timeout = 10 * time.Second

// maxAnswer is how much of an answer is read.
const maxAnswer = 16 << 20

// Client calls one system.
type Client struct {
	base      *url.URL
	authorize func(*http.Request)
	client    *http.Client
}

// ParseURL reads a base URL: https, or http on this machine for trials; nothing
// behind the path, and no credentials in it.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(text, "/"))
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("%.80q is no base URL; one looks like https://example.atlassian.net", text)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme == "http" && (u.Hostname() == "localhost" || loopback(u.Hostname())):
		return u, nil
	}
	return nil, fmt.Errorf("%.80q is not https: credentials would travel in the clear", text)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// New returns a client for a base URL. With a user it logs in by user and
// secret, without by the secret alone, as a bearer token.
func New(base, user, secret string) (*Client, error) {
	u, err := ParseURL(base)
	if err != nil {
		return nil, err
	}
	c := &Client{base: u, authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }}
	switch {
	case secret == "":
		c.authorize = func(*http.Request) {}
	case user != "":
		c.authorize = func(r *http.Request) { r.SetBasicAuth(user, secret) }
	}
	c.client = &http.Client{
		Timeout: timeout,
		// A redirect would take credentials elsewhere, and turn POST into GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Error is an answer that is no success.
type Error struct {
	What   string // method and path
	Status int
	Text   string // of the answer, cut
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %d %s", e.What, e.Status, e.Text) }

// StatusOf is the status of an answer that is no success; 0 for other errors.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// passing are the answers after which the same may succeed, besides 5xx.
var passing = map[int]bool{http.StatusRequestTimeout: true, http.StatusTooEarly: true, http.StatusTooManyRequests: true}

// Do makes a call below the base URL and reads the answer into a value, if that
// is not nil. path is escaped already. An error is an *Error; what may pass, and
// that no answer came, is a *tickets.Unreachable.
func (c *Client) Do(ctx context.Context, method, path string, query url.Values, header http.Header, body []byte, into any) error {
	target := *c.base
	target.RawPath = target.EscapedPath() + path
	target.Path, _ = url.PathUnescape(target.RawPath)
	target.RawQuery = query.Encode()
	what := method + " " + path
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("Accept", "application/json")
	if body != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	c.authorize(r)
	res, err := c.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, whose query may be long
		}
		return &tickets.Unreachable{Err: fmt.Errorf("%s: %w", what, err)}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode >= 300:
		e := &Error{What: what, Status: res.StatusCode, Text: cut(text)}
		if res.StatusCode >= 500 || passing[res.StatusCode] {
			return &tickets.Unreachable{Err: e, After: after(res.Header.Get("Retry-After"))}
		}
		return e
	case err != nil:
		return &tickets.Unreachable{Err: fmt.Errorf("%s: %w", what, err)}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: the answer cannot be read: %w", what, err)
	}
	return nil
}

// after reads a Retry-After header in seconds; its other form, a date, is left
// to the caller's own pauses.
func after(header string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil || n < 0 || n > 24*3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// cut keeps an answer short enough for a log line.
func cut(text []byte) string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
