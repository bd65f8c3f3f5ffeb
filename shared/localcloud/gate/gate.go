package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"vpcinterconnect/shared/localcloud/engine"
)

// Key is the access key that everything is signed with.
type Key struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // "" for a long-lived key
}

// Options set a Gate up. Key and, unless Open, Ask are needed.
type Options struct {
	Key Key

	// Ask shows a text and asks whether that is wanted. It is called once at a
	// time, and may take as long as a person does.
	Ask  func(text string) bool
	Open bool // nobody is asked

	Endpoint  func(product, region string) (string, error) // base URL of a product in a region; nil: Public
	Transport http.RoundTripper                            // nil: http.DefaultTransport
}

// Gate answers OpenAPI requests by passing them on. An RPC request's signature
// does not cover the host, so what was signed for this one holds there too.
type Gate struct {
	opt      Options
	client   *http.Client
	products map[string]string // by version

	mu       sync.Mutex
	open     bool
	refused  bool      // the last answer was no
	standing *question // that nobody has answered yet
}

// question is one that a person is asked. yes is set before answered closes.
type question struct {
	answered chan struct{}
	yes      bool
}

// New returns a Gate.
func New(o Options) *Gate {
	if o.Endpoint == nil {
		o.Endpoint = Public
	}
	g := &Gate{opt: o, client: client(o.Transport), products: map[string]string{}, open: o.Open}
	for _, a := range engine.Actions() {
		g.products[a.Version] = a.Product
	}
	return g
}

// client follows no redirect: a signed request goes where it is meant to.
func client(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// errNo is what a write comes to that a person did not want.
var errNo = errors.New("this run may not change anything: the question at its terminal was not answered with yes")

// confirm returns nil if writes may pass, and has a person asked if nobody has
// been. A no holds until the next request of a person's own, which asks anew.
// The question stands until it is answered, however early its caller leaves.
func (g *Gate) confirm(ctx context.Context, anew bool, text string) error {
	for {
		q, mine, err := g.ask(anew, text)
		if q == nil {
			return err
		}
		select {
		case <-q.answered:
		case <-ctx.Done():
			return ctx.Err()
		}
		switch {
		case q.yes:
			return ctx.Err()
		case mine, !anew:
			return errNo
		}
	}
}

// ask returns the question that stands, or what the answer was if none does.
func (g *Gate) ask(anew bool, text string) (q *question, mine bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.open:
		return nil, false, nil
	case g.standing != nil:
		return g.standing, false, nil
	case g.refused && !anew:
		return nil, false, errNo
	}
	q = &question{answered: make(chan struct{})}
	g.standing = q
	go func() {
		yes := g.opt.Ask(text)
		g.mu.Lock()
		defer g.mu.Unlock()
		q.yes, g.open, g.refused, g.standing = yes, yes, !yes, nil
		close(q.answered)
	}()
	return q, true, nil
}

// Opened tells whether writes pass.
func (g *Gate) Opened() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

// longestBody is what a request's body may have, as at the real cloud.
const longestBody = 1 << 20

// request is an OpenAPI request as far as the gate reads it.
type request struct {
	product, action, region string
	parameters              url.Values // query and body
	body                    []byte
}

// ServeHTTP passes one OpenAPI request on, byte for byte.
func (g *Gate) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r, refusal := g.read(hr)
	if refusal != nil {
		refusal.write(w)
		return
	}
	base, err := g.opt.Endpoint(r.product, r.region)
	if err != nil {
		(&refused{http.StatusBadRequest, "InvalidRegionId.Malformed", err.Error()}).write(w)
		return
	}
	if !r.reads() {
		if err := g.confirm(hr.Context(), false, r.text()); err != nil {
			(&refused{http.StatusForbidden, "Forbidden.NotConfirmed", r.action + " was not passed on: " + err.Error() + "."}).write(w)
			return
		}
	}
	g.pass(w, hr, base, r.body)
}

// read takes a request apart, and refuses what cannot be told for certain to
// be one thing.
func (g *Gate) read(hr *http.Request) (*request, *refused) {
	bad := func(format string, args ...any) *refused {
		return &refused{http.StatusBadRequest, "InvalidParameter", fmt.Sprintf(format, args...)}
	}
	body, err := io.ReadAll(io.LimitReader(hr.Body, longestBody+1))
	if err != nil || len(body) > longestBody {
		return nil, &refused{http.StatusRequestEntityTooLarge, "RequestTooLarge", "The request's body is too large, or was cut off."}
	}
	if hr.URL.Path != "/" && hr.URL.Path != "" || hr.Header.Get("Authorization") != "" {
		return nil, bad("Only RPC requests that are signed in their parameters can be passed on: other signatures cover the host.")
	}
	r := &request{body: body, parameters: url.Values{}}
	for _, part := range []string{hr.URL.RawQuery, string(body)} {
		values, err := url.ParseQuery(part)
		if err != nil {
			return nil, bad("The parameters are not well encoded.")
		}
		for k, v := range values {
			if len(v) > 1 || r.parameters.Has(k) {
				return nil, bad("The parameter %.60s is given twice.", k)
			}
			r.parameters[k] = v
		}
	}
	r.action, r.region = r.parameters.Get("Action"), r.parameters.Get("RegionId")
	if named := hr.Header.Get("x-acs-action"); named != "" && named != r.action {
		return nil, bad("The header x-acs-action names another action than the parameters.")
	}
	if r.product = g.products[r.parameters.Get("Version")]; r.product == "" || r.action == "" {
		return nil, bad("Action and Version name nothing that this gate passes on.")
	}
	if k := g.opt.Key; r.parameters.Get("AccessKeyId") != k.AccessKeyID || r.parameters.Get("SecurityToken") != k.SecurityToken {
		return nil, &refused{http.StatusForbidden, "InvalidAccessKeyId.NotFound", "Only what the functions sign, with the key that this run was started with, is passed on."}
	}
	return r, nil
}

// reads tells whether a request changes nothing. What is not known to be a
// read is a write.
func (r *request) reads() bool {
	if a, known := engine.Find(r.product, r.action); known && a.Write {
		return false
	}
	return slices.ContainsFunc([]string{"Describe", "List", "Get"}, func(verb string) bool { return strings.HasPrefix(r.action, verb) })
}

// pass sends a request on and hands the answer back.
func (g *Gate) pass(w http.ResponseWriter, hr *http.Request, base string, body []byte) {
	fail := func(err error) {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // u's own text has the signed URL
		}
		(&refused{http.StatusServiceUnavailable, "ServiceUnavailable", "The real cloud did not answer: " + err.Error()}).write(w)
	}
	target := strings.TrimSuffix(base, "/") + "/"
	if hr.URL.RawQuery != "" {
		target += "?" + hr.URL.RawQuery
	}
	out, err := http.NewRequestWithContext(hr.Context(), hr.Method, target, bytes.NewReader(body)) //nolint:gosec // the host is the endpoint table's; a region that is none was refused
	if err != nil {
		fail(errors.New("the request cannot be passed on"))
		return
	}
	out.Header = endToEnd(hr.Header)
	if out.Header.Get("Accept-Encoding") == "" {
		out.Header.Set("Accept-Encoding", "identity") // else the transport asks for gzip by itself
	}
	res, err := g.client.Do(out) //nolint:gosec // as above
	if err != nil {
		fail(err)
		return
	}
	defer res.Body.Close()
	for k, v := range endToEnd(res.Header) {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // half an answer is none
	}
}

// endToEnd are the headers that concern more than one connection.
func endToEnd(h http.Header) http.Header {
	out := h.Clone()
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		out.Del(name)
	}
	return out
}

// refused is an answer of the gate's own, in the form of the cloud's.
type refused struct {
	status        int
	code, message string
}

func (r *refused) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"RequestId": "", "HostId": "gate", "Code": r.code, "Message": r.message}) // a client that has gone does not want it
}
