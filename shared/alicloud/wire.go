package alicloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"

	"vpcinterconnect/shared/interconnect"
)

// sharedTransport keeps connections between calls and invocations. The idle
// time is short: a function's instance is frozen between invocations, and the
// far end closes connections meanwhile.
var sharedTransport http.RoundTripper = &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConnsPerHost:   8,
	IdleConnTimeout:       20 * time.Second,
	TLSHandshakeTimeout:   5 * time.Second,
	ExpectContinueTimeout: time.Second,
}

// maxBody bounds an answer. The largest real ones (100 instances) are some
// 500 KB.
const maxBody = 16 << 20

// carrier brings the context, which the SDK does not know, to the transport,
// and notes whether a request went out at all.
type carrier struct {
	ctx  context.Context
	next http.RoundTripper
	sent atomic.Bool
}

func (t *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	t.sent.Store(true)
	resp, err := t.next.RoundTrip(req.WithContext(t.ctx))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		// Following it would take the signature elsewhere, or turn a POST into a GET.
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the endpoint redirects (HTTP %d)", resp.StatusCode)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}

// answer is what every answer holds, in whatever JSON type it comes.
type answer struct {
	RequestID loose `json:"RequestId"`
	Code      loose `json:"Code"`
	Message   loose `json:"Message"`
}

// loose is a JSON scalar as text. The SDK takes error codes for strings and
// panics on numbers.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*l = loose(s)
	} else {
		*l = loose(b)
	}
	return nil
}

// requestID returns the id of an answer: as the SDK read it, which is the usual
// case and saves reading the answer again, or as it can be found.
func (c *Reader) requestID(resp responses.AcsResponse) string {
	if id := reflect.Indirect(reflect.ValueOf(resp)).FieldByName("RequestId"); id.Kind() == reflect.String && isUUID(id.String()) {
		return id.String() // it cannot hold a secret
	}
	var a answer
	if json.Unmarshal(resp.GetHttpContentBytes(), &a) != nil {
		return ""
	}
	return c.redact(string(a.RequestID))
}

// judge says what a call came to. It reads the answer itself: the SDK's error
// is of use only when there was no answer.
func (c *Reader) judge(ctx context.Context, action string, resp responses.AcsResponse, sent *carrier, err error) error {
	status := resp.GetHttpStatus()
	if status == 0 {
		return c.noAnswer(ctx, action, sent, err)
	}
	if resp.IsSuccess() && err == nil && c.requestID(resp) != "" {
		return nil
	}
	body := resp.GetHttpContentBytes()
	var a answer
	notJSON := json.Unmarshal(body, &a) != nil
	e := &interconnect.CloudError{
		Action:     action,
		Code:       c.redact(string(a.Code)),
		Message:    c.redact(string(a.Message)),
		RequestID:  c.redact(string(a.RequestID)),
		HTTPStatus: status,
		Unknown:    status >= 500,
	}
	switch {
	case !resp.IsSuccess():
		if notJSON {
			e.Message = c.redact(string(body))
		}
		if e.Message == "" {
			e.Message = fmt.Sprintf("HTTP %d without a message", status)
		}
		e.Class = Classify(action, e.Code, status)
		return e
	default:
		// The gateway said 200, so the call may well have been carried out.
		e.Class, e.Code, e.Unknown = interconnect.Transient, "", true
		e.Message = "HTTP 200, but the answer is empty or not what this API answers"
		return e
	}
}

// noAnswer describes a call to which no answer came. The SDK's error holds the
// whole URL with key, token and signature, so its text is never used; the
// cause below it is.
func (c *Reader) noAnswer(ctx context.Context, action string, sent *carrier, err error) error {
	e := &interconnect.CloudError{Class: interconnect.Transient, Action: action, Unknown: sent.sent.Load()}
	var outer *url.Error
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case ctx.Err() != nil:
		e.Message = "no answer before the invocation's time was up"
		return interrupted(e, ctx.Err())
	case sent.ctx.Err() != nil:
		e.Message = "no answer in time"
	case errors.As(err, &name):
		e.Unknown = false
		e.Code = "NoEndpoint"
		e.Message = c.redact("no endpoint: " + name.Error())
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Unknown = false
		e.Message = c.redact("no connection: " + dial.Error())
	case errors.As(err, &outer):
		e.Message = c.redact("no answer: " + outer.Err.Error())
	case err != nil:
		e.Message = c.redact("no answer: " + err.Error())
	default:
		e.Message = "no answer"
	}
	return e
}

// malformed is the error for an answer that came, but with a part that cannot
// be understood.
func (c *Reader) malformed(req requests.AcsRequest, resp responses.AcsResponse, err error) error {
	return &interconnect.CloudError{
		Class:      interconnect.Transient,
		Action:     req.GetActionName(),
		Message:    c.redact("the answer cannot be understood: " + err.Error()),
		RequestID:  c.requestID(resp),
		HTTPStatus: resp.GetHttpStatus(),
		Unknown:    true,
	}
}

// absent is the error for a thing that an answer does not list.
func (c *Reader) absent(req requests.AcsRequest, resp responses.AcsResponse, what string) error {
	return &interconnect.CloudError{
		Class:      interconnect.Gone,
		Action:     req.GetActionName(),
		Message:    what + " is not there",
		RequestID:  c.requestID(resp),
		HTTPStatus: resp.GetHttpStatus(),
	}
}

// refused is the error for a call that is not made because the API would not
// take it.
func refused(action, why string) error {
	return &interconnect.CloudError{Class: interconnect.Permanent, Action: action, Message: "not called: " + why}
}

// cut is a CloudError of a call that the caller's own context ended: it is
// both, for errors.As and for errors.Is.
type cut struct {
	*interconnect.CloudError
	cause error
}

func interrupted(e *interconnect.CloudError, cause error) error { return &cut{e, cause} }

func (e *cut) Unwrap() []error { return []error{e.CloudError, e.cause} }

func asCloudError(err error) *interconnect.CloudError {
	var e *interconnect.CloudError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// isUUID tells whether s has the form of the cloud's request ids, such as
// A57ED41C-F642-45CF-B081-B6DBB105309D.
func isUUID(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789ABCDEF", rune(s[i])) {
			return false
		}
	}
	return len(s) == 36
}

// maxMessage bounds what is kept of a message, in bytes.
const maxMessage = 400

var (
	// SignatureDoesNotMatch echoes all that was signed, the token included.
	echo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)\s*(the )?(server )?string to sign is.*`) })
	// Parameters of a signed URL, however often they were escaped.
	signed = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\b(signature|signaturenonce|securitytoken|accesskeyid|accesskeysecret)(=|%(25)*3D)[^&\s"']*`)
	})
	// Access key ids and STS tokens by their looks.
	keys = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(LTAI[0-9A-Za-z]{12,}|STS\.[0-9A-Za-z]{10,})`) })
)

// redactor returns a function that makes text safe to show: one line, not
// long, and without any of the secrets.
func redactor(secrets ...string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		if len(s) < 4 { // shorter ones would blot out innocent text
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.QueryEscape(url.QueryEscape(s))} {
			pairs = append(pairs, form, "***")
		}
	}
	known := strings.NewReplacer(pairs...)
	return func(s string) string {
		s = echo().ReplaceAllString(s, "")
		s = known.Replace(s)
		s = signed().ReplaceAllString(s, "$1=***")
		s = keys().ReplaceAllString(s, "***")
		s = strings.Join(strings.Fields(s), " ")
		if len(s) > maxMessage {
			s = strings.ToValidUTF8(s[:maxMessage], "") + "..."
		}
		return s
	}
}
