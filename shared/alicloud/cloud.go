package alicloud

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

// How long a call may take unless Options say otherwise. A write gets longer,
// because giving up on one leaves the question whether it was carried out.
const (
	DefaultReadTimeout = 10 * time.Second
	// A little less than a step allows a mutating call, so that it is the call
	// that says it got no answer.
	DefaultWriteTimeout = 14 * time.Second
)

// maxJournal bounds what Calls remembers. An invocation makes some dozens.
const maxJournal = 1000

// Options are what a deployment may choose.
type Options struct {
	// Endpoint is a URL, e.g. http://127.0.0.1:4000, that serves every product
	// and region. Empty: the real endpoints, by product and region, over HTTPS.
	Endpoint string
	// Transport carries the requests. nil: one that all Clouds of the process
	// share, so that connections are reused between invocations.
	Transport http.RoundTripper
	// Direct takes the calls instead, if it is set: a cloud in this process.
	Direct       Direct
	Log          *slog.Logger  // nil: nothing is logged
	ReadTimeout  time.Duration // 0: DefaultReadTimeout
	WriteTimeout time.Duration // 0: DefaultWriteTimeout
}

// Cloud calls Alibaba Cloud with one invocation's credentials: it reads, and it
// changes. It may be used by many goroutines at once.
type Cloud struct {
	*Assistant
	*Parameters
}

// Assistant is the part of a Cloud that looks, and runs commands in instances. A
// function that has only this has nothing else in its binary.
type Assistant struct{ *Reader }

// Assistant returns what runs commands with the same credentials.
func (c *Reader) Assistant() *Assistant { return &Assistant{c} }

// Reader is the part of a Cloud that looks at networks, groups and instances,
// and is able to change nothing of them. A function that has only this has
// nothing else in its binary.
type Reader struct {
	region      string // of the deployment
	credentials credentials.CredentialsProvider
	redact      func(string) string
	scheme      string
	host        string // "" for the real endpoints
	broken      error  // what is wrong with Options.Endpoint; every call fails with it
	transport   http.RoundTripper
	direct      Direct
	log         *slog.Logger
	timeout     map[bool]time.Duration // by: is it a write?

	journal journal
}

// journal remembers calls.
type journal struct {
	mu    sync.Mutex
	calls []Call
}

func (j *journal) add(c Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.calls) < maxJournal {
		j.calls = append(j.calls, c)
	}
}

func (j *journal) all() []Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.calls)
}

// Call is what one call came to, for step logs.
type Call struct {
	Action    string
	Region    string
	RequestID string // "" if no answer came
	Code      string // the cloud's error code; "" if it succeeded or no answer came
	Write     bool
	Took      time.Duration
}

// New returns a Cloud for one invocation. It makes no call. A bad
// Options.Endpoint makes every call fail, saying so.
func New(inv trigger.Invocation, o Options) *Cloud {
	r := NewReader(inv, o)
	return &Cloud{r.Assistant(), r.Parameters()}
}

// NewReader is New for a function that changes nothing.
func NewReader(inv trigger.Invocation, o Options) *Reader {
	k := inv.Credentials
	c := &Reader{
		region:      inv.Region,
		credentials: credentials.NewStaticSTSCredentialsProvider(k.AccessKeyID, k.AccessKeySecret, k.SecurityToken),
		redact:      redactor(k.AccessKeyID, k.AccessKeySecret, k.SecurityToken),
		scheme:      "HTTPS", // the SDK's own default is plain HTTP
		transport:   o.Transport,
		direct:      o.Direct,
		log:         o.Log,
		timeout:     map[bool]time.Duration{false: DefaultReadTimeout, true: DefaultWriteTimeout},
	}
	if o.Endpoint != "" {
		c.scheme, c.host, c.broken = splitEndpoint(o.Endpoint)
	}
	if c.transport == nil {
		c.transport = sharedTransport
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.ReadTimeout > 0 {
		c.timeout[false] = o.ReadTimeout
	}
	if o.WriteTimeout > 0 {
		c.timeout[true] = o.WriteTimeout
	}
	return c
}

// Parameters returns the Parameter Store, called with the same credentials.
func (c *Reader) Parameters() *Parameters { return &Parameters{c} }

// Calls returns the calls made so far, oldest first: at most the first
// thousand.
func (c *Reader) Calls() []Call { return c.journal.all() }

type journalKey struct{}

// Journal returns a context, and what returns the calls that were made with it
// so far in words, for a step's log line: action, region, the cloud's request id
// (none if no answer came) and, if it failed, the code. Of the messages of one
// invocation, which are handled side by side, each has its own.
func (c *Reader) Journal(ctx context.Context) (context.Context, func() []string) {
	own := &journal{}
	return context.WithValue(ctx, journalKey{}, own), func() []string {
		calls := own.all()
		lines := make([]string, len(calls))
		for i, call := range calls {
			lines[i] = strings.Join(strings.Fields(call.Action+" "+call.Region+" "+call.RequestID+" "+call.Code), " ")
		}
		return lines
	}
}

// soon is within what time a read has to fail to be tried once more at once.
const soon = 2 * time.Second

// read makes a call that changes nothing. One that fails in passing is made
// once more: a step reads much, and each of its runs that fails costs seconds.
func (c *Reader) read(ctx context.Context, region string, req requests.AcsRequest, resp responses.AcsResponse) error {
	began := time.Now()
	err := c.do(ctx, region, req, resp, false)
	if interconnect.ClassOf(err) == interconnect.Transient && ctx.Err() == nil && time.Since(began) < soon {
		err = c.do(ctx, region, req, resp, false)
	}
	return err
}

// write makes a call that changes something.
func (c *Reader) write(ctx context.Context, region string, req requests.AcsRequest, resp responses.AcsResponse) error {
	return c.do(ctx, region, req, resp, true)
}

// do makes one call: once, for further retries are the chain's, which has the
// time to wait. A failure is a *interconnect.CloudError, or wraps one.
func (c *Reader) do(ctx context.Context, region string, req requests.AcsRequest, resp responses.AcsResponse, isWrite bool) error {
	started := time.Now()
	err := c.attempt(ctx, region, req, resp, isWrite)
	call := Call{
		Action:    req.GetActionName(),
		Region:    region,
		RequestID: c.requestID(resp),
		Write:     isWrite,
		Took:      time.Since(started),
	}
	attrs := []slog.Attr{
		slog.String("action", call.Action),
		slog.String("region", region),
		slog.Int64("ms", call.Took.Milliseconds()),
		slog.String("cloudRequestId", call.RequestID),
	}
	if failed := asCloudError(err); failed != nil {
		call.Code = failed.Code
		attrs = append(attrs, slog.String("code", failed.Code), slog.String("class", string(failed.Class)), slog.String("error", failed.Message))
	}
	level := slog.LevelDebug
	if isWrite {
		level = slog.LevelInfo
	}
	c.log.LogAttrs(ctx, level, "api call", attrs...)
	c.journal.add(call)
	if own, ok := ctx.Value(journalKey{}).(*journal); ok {
		own.add(call)
	}
	return err
}

func (c *Reader) attempt(ctx context.Context, region string, req requests.AcsRequest, resp responses.AcsResponse, isWrite bool) error {
	action := req.GetActionName()
	if c.broken != nil {
		return &interconnect.CloudError{Class: interconnect.Permanent, Action: action, Message: c.broken.Error()}
	}
	host := c.host
	if host == "" {
		var err error
		if host, err = endpoint(req.GetProduct(), region); err != nil {
			return &interconnect.CloudError{Class: interconnect.Permanent, Action: action, Code: "InvalidRegionId.Malformed", Message: err.Error()}
		}
	}
	if err := ctx.Err(); err != nil {
		return interrupted(&interconnect.CloudError{Class: interconnect.Transient, Action: action, Message: "not called: " + err.Error()}, err)
	}
	timeout := c.timeout[isWrite]
	callCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	carrier := &carrier{ctx: callCtx, next: c.transport}
	if c.direct != nil {
		carrier.sent.Store(true)
		err := callDirect(callCtx, c.direct, region, req, resp)
		return c.withPermission(c.judge(ctx, action, resp, carrier, err), region, req, resp)
	}

	// A client for each call: SDK clients write to themselves while calling.
	client, err := sdk.NewClientWithOptions(region, &sdk.Config{
		Scheme:    c.scheme,
		Transport: carrier,
		UserAgent: "vpcinterconnect",
		// AutoRetry and MaxRetryTime stay zero: one attempt.
	}, c.credentials)
	if err != nil {
		return &interconnect.CloudError{Class: interconnect.Permanent, Action: action, Message: c.redact(err.Error())}
	}
	client.SetCloseTrace(true) // a trace span would hold the signed URL
	client.SetNoProxy("-")     // else the environment's list is compiled as regular expressions, and a bad one fails the call
	req.SetDomain(host)        // else concurrent calls race in the SDK's endpoint maps, or ask the location service
	req.SetReadTimeout(timeout)

	err = guarded(func() error { return client.DoAction(req, resp) })
	return c.withPermission(c.judge(ctx, action, resp, carrier, err), region, req, resp)
}

// guarded turns a panic of the SDK into an error. It panics, for one, on an
// error answer whose Code is a number. It calls the SDK from the top of a stack:
// for each nonce the SDK has the whole stack printed, which on ours takes as
// long as all the rest of a call.
func guarded(f func() error) error {
	done := make(chan error)
	go func() {
		var err error
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the SDK panicked: %v", r)
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}

// splitEndpoint checks an endpoint URL: a scheme and a host, no more, because
// RPC requests all go to the root.
func splitEndpoint(s string) (scheme, host string, err error) {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Host == "", u.Scheme != "http" && u.Scheme != "https", u.User != nil,
		u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return "", "", fmt.Errorf("the OpenAPI endpoint must be http://host or https://host, with a port if need be, and nothing else")
	case u.Scheme == "http":
		return "HTTP", u.Host, nil
	}
	return "HTTPS", u.Host, nil
}
