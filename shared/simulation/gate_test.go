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

	"vpcinterconnect/shared/localcloud/engine"
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
	verify    bool   // it may look only
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
	request    *http.Request
	body       []byte
	product    string // MNS or OpenAPI
	action     string
	parameters url.Values // without those of the protocol
	write      bool
	key        string // stable: what pending calls are sorted by
	answer     chan answer
}

type answer struct {
	response *http.Response
	err      error
}

// gate collects the calls that functions make, until the scheduler lets them
// through.
type gate struct {
	mu      sync.Mutex
	pending []*call
}

// transport is an invocation's way to the cloud.
type transport struct {
	gate *gate
	by   *invocation
}

// RoundTrip waits for the scheduler, or for the caller to give up.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.by.isDead() {
		return nil, errDead
	}
	c, err := readCall(t.by, r)
	if err != nil {
		return nil, err
	}
	t.gate.mu.Lock()
	t.gate.pending = append(t.gate.pending, c)
	t.gate.mu.Unlock()
	select {
	case a := <-c.answer:
		return a.response, a.err
	case <-r.Context().Done():
		t.gate.take(c)
		return nil, r.Context().Err()
	}
}

// waiting returns the pending calls in a stable order.
func (g *gate) waiting() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := slices.Clone(g.pending)
	slices.SortStableFunc(out, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.by.id, b.by.id), cmp.Compare(a.key, b.key))
	})
	return out
}

// take removes a call from those that wait.
func (g *gate) take(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending = slices.DeleteFunc(g.pending, func(o *call) bool { return o == c })
}

// protocolParameters differ between two runs of a seed, or say nothing.
var protocolParameters = []string{
	"AccessKeyId", "Signature", "SignatureNonce", "SignatureMethod", "SignatureVersion", "SignatureType",
	"SecurityToken", "Timestamp", "Format", "Version", "Action",
}

// readCall reads what a request is.
func readCall(by *invocation, r *http.Request) (*call, error) {
	c := &call{by: by, answer: make(chan answer, 1), parameters: url.Values{}}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.body = body
	}
	// It is carried out without the caller's deadline: a request that is on its
	// way arrives whether or not anybody still waits for it.
	c.request = r.Clone(context.Background())
	if strings.Contains(r.URL.Host, ".mns.") {
		c.product, c.action, c.write = "MNS", "SendMessage", true
		c.key = "MNS " + r.URL.Path + " " + string(c.body)
		return c, nil
	}
	for _, text := range []string{r.URL.RawQuery, string(c.body)} {
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, err
		}
		for k, v := range values {
			c.parameters[k] = v
		}
	}
	c.product, c.action = "OpenAPI", c.parameters.Get("Action")
	for _, p := range []string{"Vpc", "Ecs", "oos", "Sts"} {
		if a, ok := engine.Find(p, c.action); ok {
			c.product, c.write = a.Product, a.Write
		}
	}
	for _, name := range protocolParameters {
		c.parameters.Del(name)
	}
	c.key = c.action + " " + c.parameters.Encode()
	return c, nil
}

// changes tells whether the call changes networks, which is what the promises
// are about: not the record, not a queue, and a ping changes nothing.
func (c *call) changes() bool {
	return c.write && (c.product == "Vpc" || c.product == "Ecs") && c.action != "RunCommand"
}

// String names a call for the trace.
func (c *call) String() string {
	if c.product == "MNS" {
		body := string(c.body)
		if i, j := strings.Index(body, "<MessageBody>"), strings.Index(body, "</MessageBody>"); i >= 0 && j > i {
			body = strings.ReplaceAll(body[i+len("<MessageBody>"):j], "&#34;", `"`)
		}
		return fmt.Sprintf("%s %s %.400s", c.action, strings.TrimSuffix(c.request.URL.Path, "/messages"), body)
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

// carry has the cloud carry the call out.
func (c *call) carry(cloud http.RoundTripper) answer {
	r := c.request.Clone(context.Background())
	r.Body = io.NopCloser(bytes.NewReader(c.body))
	res, err := cloud.RoundTrip(r)
	return answer{res, err}
}
