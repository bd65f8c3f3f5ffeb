package simulation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

// errDead is what a function's calls get once it has died: it does nothing any
// more, and nobody listens to what it returns.
var errDead = errors.New("the function has died")

// invocation is one run of a function.
type invocation struct {
	id       int
	function string // intake, peering, ...
	what     string // for the trace
	ends     time.Time

	mu       sync.Mutex
	dead     bool
	finished bool
	err      error

	stalled   bool   // no call is answered until its time is up
	crashAt   int    // of its calls, the one at which it dies; 0: none
	crashLate bool   // that call is still carried out
	calls     int    // carried out so far
	verify    bool   // it changes no network
	reads     bool   // it writes nothing at all
	said      []said // its log
	refused   bool   // intake did not take what was asked
	done      func() // called by the scheduler when it has finished
}

// said is one line of a function's log.
type said struct {
	at   time.Time
	line string
}

// compareSaid puts lines of one instant, which calls side by side may have said
// in any order, into one that is the same each time.
func compareSaid(a, b said) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.line, b.line)) }

func (v *invocation) isDead() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dead || !time.Now().Before(v.ends)
}

func (v *invocation) die() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dead = true
}

func (v *invocation) isFinished() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.finished
}

// call is one request on its way to the cloud.
type call struct {
	by         *invocation
	part       int                 // which of its messages it is for
	direct     alicloud.DirectCall // of OpenAPI
	message    *http.Request       // of MNS; nil: it is of OpenAPI
	body       []byte              // of MNS
	product    string
	action     string
	parameters url.Values // without those of the protocol
	write      bool
	key        string // stable: what pending calls are sorted by
	answer     chan answer
}

type answer struct {
	status int
	body   []byte
	err    error
}

// gate collects the calls that functions make, until the scheduler lets them
// through.
type gate struct {
	mu      sync.Mutex
	pending []*call
}

// way is an invocation's way to the cloud: through the gate.
type way struct {
	gate *gate
	by   *invocation
}

// RoundTrip carries a message.
func (w way) RoundTrip(r *http.Request) (*http.Response, error) {
	c := &call{by: w.by, product: "MNS", action: "SendMessage", write: true}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	// It is carried out without the caller's deadline: a request that is on its
	// way arrives whether or not anybody still waits for it.
	c.message = r.Clone(context.Background())
	c.key = "MNS " + r.URL.Path + " " + string(c.body)
	a := w.wait(r.Context(), c)
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewReader(a.body)),
		ContentLength: int64(len(a.body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// Call carries a call of OpenAPI.
func (w way) Call(ctx context.Context, d alicloud.DirectCall) (int, []byte, error) {
	c := &call{by: w.by, direct: d, product: "OpenAPI", action: d.Action, parameters: make(url.Values, len(d.Parameters))}
	for k, v := range d.Parameters {
		c.parameters[k] = []string{v}
	}
	if a, ok := engine.Find(d.Product, c.action); ok {
		c.product, c.write = a.Product, a.Write
	}
	c.key = c.action + " " + c.parameters.Encode()
	a := w.wait(ctx, c)
	return a.status, a.body, a.err
}

// partKey is the key of a context that says which of an invocation's messages it
// is for.
type partKey struct{}

// wait waits for the scheduler, or for the caller to give up.
func (w way) wait(ctx context.Context, c *call) answer {
	if w.by.isDead() {
		return answer{err: errDead}
	}
	c.answer = make(chan answer, 1)
	c.part, _ = ctx.Value(partKey{}).(int)
	w.gate.mu.Lock()
	w.gate.pending = append(w.gate.pending, c)
	w.gate.mu.Unlock()
	select {
	case a := <-c.answer:
		return a
	case <-ctx.Done():
		w.gate.take(c)
		return answer{err: ctx.Err()}
	}
}

// waiting returns the pending calls in a stable order.
func (g *gate) waiting() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.pending)
	slices.SortStableFunc(out, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.by.id, b.by.id), cmp.Compare(a.part, b.part), cmp.Compare(a.key, b.key))
	})
	return out
}

// take removes a call from those that wait.
func (g *gate) take(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = slices.DeleteFunc(g.pending, func(o *call) bool { return o == c })
}

// networks are the products of what is a network's.
var networks = map[string]bool{"Vpc": true, "VpcPeer": true, "Ecs": true}

// changes tells whether the call changes networks, which is what the promises
// are about: not the record, not a queue, and a ping changes nothing.
func (c *call) changes() bool {
	return c.write && networks[c.product] && c.action != "RunCommand"
}

// String names a call for the trace.
func (c *call) String() string {
	if c.product == "MNS" {
		body := string(c.body)
		if i, j := strings.Index(body, "<MessageBody>"), strings.Index(body, "</MessageBody>"); i >= 0 && j > i {
			body = strings.ReplaceAll(body[i+len("<MessageBody>"):j], "&#34;", `"`)
		}
		return fmt.Sprintf("%s %s %.400s", c.action, strings.TrimSuffix(c.message.URL.Path, "/messages"), body)
	}
	var parts []string
	for _, k := range slices.Sorted(func(yield func(string) bool) {
		for k := range c.parameters {
			if !yield(k) {
				return
			}
		}
	}) {
		if k == "RegionId" || k == "PageSize" || k == "PageNumber" || k == "Description" || strings.HasPrefix(k, "Tag.") || strings.HasSuffix(k, ".Description") {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%.300s", k, c.parameters.Get(k)))
	}
	return c.action + " " + strings.Join(parts, " ")
}

// cloud is the cloud without the gate: it carries calls out at once, for one
// caller.
type cloud struct {
	engine *engine.Engine
	queues http.RoundTripper
	caller engine.Caller
}

// Call carries out a call of OpenAPI.
func (c cloud) Call(_ context.Context, d alicloud.DirectCall) (int, []byte, error) {
	r := c.engine.Call(engine.Call{Product: products[d.Version], Version: d.Version, Action: d.Action, Parameters: d.Parameters, Caller: c.caller})
	if r.Drop {
		return 0, nil, io.ErrUnexpectedEOF
	}
	status, body := openapi.Render(r, d.Product, "")
	return status, body, nil
}

// RoundTrip carries a message.
func (c cloud) RoundTrip(r *http.Request) (*http.Response, error) { return c.queues.RoundTrip(r) }

// products are the engine's names of the products, by version.
var products = func() map[string]string {
	out := map[string]string{}
	for _, a := range engine.Actions() {
		out[a.Version] = a.Product
	}
	return out
}()

// carry has the cloud carry the call out.
func (c *call) carry(cloud cloud) (a answer) {
	if c.message == nil {
		a.status, a.body, a.err = cloud.Call(context.Background(), c.direct)
		return a
	}
	r := c.message.Clone(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	res, err := cloud.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	body, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, body, err}
}
