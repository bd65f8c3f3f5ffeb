package mns

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"
	"github.com/aliyun/credentials-go/credentials"
	"github.com/valyala/fasthttp"

	"vpcinterconnect/shared/trigger"
)

// maxAnswer is how many bytes of an answer are read: 16 messages of 64 KB,
// escaped.
const maxAnswer = 8 << 20

// shared carries the connections that invocations reuse. Idle ones are dropped
// soon: an instance may be frozen between two invocations, and a connection
// does not outlive that for long.
var shared = &http.Transport{
	Proxy:               http.ProxyFromEnvironment,
	DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	TLSHandshakeTimeout: 5 * time.Second,
	TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	IdleConnTimeout:     20 * time.Second,
	ForceAttemptHTTP2:   false,
}

// line is one SDK client with what the SDK gives no way to pass to a call: the
// context, the credentials and the way to the network. One call uses it at a
// time, and nothing of the call stays in it.
type line struct {
	sdk ali_mns.MNSClient

	ctx         context.Context
	credentials trigger.Credentials
	transport   http.RoundTripper

	err     error  // of the network, redacted
	refused *Error // of an answer that is none of success
}

// lines keeps unused lines by endpoint. Each holds a goroutine of the SDK's
// HTTP client for as long as it is in use, so making one for every call would
// pile them up.
var lines sync.Map // endpoint -> *sync.Pool

// take returns a line for one call.
func take(endpoint string) *line {
	pool, _ := lines.LoadOrStore(endpoint, &sync.Pool{})
	if l, ok := pool.(*sync.Pool).Get().(*line); ok {
		return l
	}
	l := &line{}
	l.sdk = ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{EndPoint: endpoint, Credential: l})
	l.sdk.SetTransport(l)
	return l
}

// put gives a line back for the next call.
func (l *line) put(endpoint string) {
	*l = line{sdk: l.sdk}
	if pool, ok := lines.Load(endpoint); ok {
		pool.(*sync.Pool).Put(l)
	}
}

// RoundTrip carries the SDK's request over net/http: with the call's context,
// with TLS as everywhere else, and without the SDK's own repeats, which would
// send a message up to five times.
func (l *line) RoundTrip(_ *fasthttp.HostClient, req *fasthttp.Request, resp *fasthttp.Response) (retry bool, err error) {
	r, err := http.NewRequestWithContext(l.ctx, string(req.Header.Method()), string(req.URI().FullURI()), bytes.NewReader(req.Body()))
	if err != nil {
		l.err = errors.New("the request could not be made")
		return false, l.err
	}
	req.Header.VisitAll(func(k, v []byte) {
		if key := string(k); key != fasthttp.HeaderHost && key != fasthttp.HeaderContentLength {
			r.Header.Set(key, string(v))
		}
	})
	answer, err := l.transport.RoundTrip(r)
	if err != nil {
		l.err = redact(l.ctx, err)
		return false, l.err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		l.err = redact(l.ctx, err)
		return false, l.err
	}
	if answer.StatusCode >= 300 {
		l.refused = fromAnswer(answer.StatusCode, answer.Header.Get("x-mns-request-id"), body)
	}
	resp.SetStatusCode(answer.StatusCode)
	resp.SetBody(body)
	return false, nil
}

// redact keeps of a network's error what says why, not where: an address may
// hold what nobody else is to see.
func redact(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed before an answer came")
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return errors.New("the network failed: " + op.Op)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New("the endpoint's name could not be resolved")
	}
	return errors.New("no answer came")
}

// The SDK's interface for credentials that change.
var _ credentials.Credential = (*line)(nil)

// GetCredential returns the call's credentials.
func (l *line) GetCredential() (*credentials.CredentialModel, error) {
	kind := "sts"
	return &credentials.CredentialModel{
		AccessKeyId:     &l.credentials.AccessKeyID,
		AccessKeySecret: &l.credentials.AccessKeySecret,
		SecurityToken:   &l.credentials.SecurityToken,
		Type:            &kind,
	}, nil
}

// GetAccessKeyId returns the call's access key id.
func (l *line) GetAccessKeyId() (*string, error) { return &l.credentials.AccessKeyID, nil }

// GetAccessKeySecret returns the call's access key secret.
func (l *line) GetAccessKeySecret() (*string, error) { return &l.credentials.AccessKeySecret, nil }

// GetSecurityToken returns the call's security token.
func (l *line) GetSecurityToken() (*string, error) { return &l.credentials.SecurityToken, nil }

// GetBearerToken returns none: MNS takes signatures.
func (l *line) GetBearerToken() *string { return new(string) }

// GetType says that the credentials are temporary.
func (l *line) GetType() *string {
	kind := "sts"
	return &kind
}
