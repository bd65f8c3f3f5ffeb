package fc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// The limits of HTTP requests (facts A6).
const (
	maxHeader = 8 << 10
	maxPath   = 4 << 10
)

// front is the HTTP trigger of one function on a port of its own, so that
// paths are as they will be.
type front struct {
	f      *function
	url    string
	domain string
	server *http.Server
}

func (p *Platform) listen(f *function) (*front, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("HTTP trigger of %s: %w", f.ID, err)
	}
	prefix := strings.ToLower(f.Name) + "-" + uuid.NewString()[:8]
	fr := &front{f: f, url: "http://" + l.Addr().String(), domain: prefix + "." + f.Region + ".fcapp.run"}
	fr.server = &http.Server{
		Handler: fr, ReadHeaderTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // clients that leave are no news
	}
	go func() { _ = fr.server.Serve(l) }() // it returns when it is closed
	return fr, nil
}

func (fr *front) close() { _ = fr.server.Close() } // its listener is gone either way

// httpEvent is what an HTTP trigger delivers (facts B).
type httpEvent struct {
	Version         string            `json:"version"`
	RawPath         string            `json:"rawPath"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Headers         map[string]string `json:"headers"`
	QueryParameters map[string]string `json:"queryParameters"`
	RequestContext  requestContext    `json:"requestContext"`
}

type requestContext struct {
	AccountID    string `json:"accountId"`
	DomainName   string `json:"domainName"`
	DomainPrefix string `json:"domainPrefix"`
	HTTP         struct {
		Method    string `json:"method"`
		Path      string `json:"path"`
		Protocol  string `json:"protocol"`
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent"`
	} `json:"http"`
	RequestID string `json:"requestId"`
	Time      string `json:"time"`
	TimeEpoch string `json:"timeEpoch"`
}

// ServeHTTP turns a request into an event, and the function's answer into a
// response.
func (fr *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(fr.f.HTTP.Methods, r.Method) {
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "the trigger lets "+strings.Join(fr.f.HTTP.Methods, ", ")+" in")
		return
	}
	if n := len(r.URL.RequestURI()); n > maxPath {
		refuse(w, http.StatusRequestURITooLong, "InvalidArgument", fmt.Sprintf("path and query of %d bytes are over 4 KB", n))
		return
	}
	if n := headerSize(r.Header); n > maxHeader {
		refuse(w, http.StatusRequestHeaderFieldsTooLarge, "InvalidArgument", fmt.Sprintf("headers of %d bytes are over 8 KB", n))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSync))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadSizeExceeded", "the body is over 32 MB")
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "InvalidArgument", "the body could not be read")
		return
	}
	event, err := json.Marshal(fr.event(r, body))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "InternalServerError", err.Error())
		return
	}
	fr.answer(w, fr.f.invoke(event, 0))
}

func (fr *front) event(r *http.Request, body []byte) httpEvent {
	now := time.Now().UTC()
	e := httpEvent{
		Version: "v1", RawPath: r.URL.EscapedPath(),
		Headers: flat(r.Header), QueryParameters: flat(queryOf(r.URL)),
		RequestContext: requestContext{
			AccountID: fr.f.p.cloud.AccountID(), DomainName: fr.domain, DomainPrefix: strings.SplitN(fr.domain, ".", 2)[0],
			RequestID: "1-" + uuid.NewString(), Time: now.Format(time.RFC3339), TimeEpoch: strconv.FormatInt(now.UnixMilli(), 10),
		},
	}
	e.Headers["Host"] = r.Host
	h := &e.RequestContext.HTTP
	h.Method, h.Path, h.Protocol, h.UserAgent = r.Method, r.URL.Path, r.Proto, r.UserAgent()
	h.SourceIP, _, _ = net.SplitHostPort(r.RemoteAddr)
	if e.IsBase64Encoded = fr.f.p.opt.Base64Bodies || !utf8.Valid(body); e.IsBase64Encoded {
		e.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		e.Body = string(body)
	}
	return e
}

// notSettable are the response headers that are not the function's (facts B).
var notSettable = []string{"Connection", "Content-Length", "Date", "Keep-Alive", "Server"}

func (fr *front) answer(w http.ResponseWriter, res Result) {
	w.Header().Set("X-Fc-Request-Id", res.RequestID)
	if res.Failure != nil {
		status := map[FailureKind]int{FailureThrottled: 429, FailureStopped: 503, FailureTimeout: 504}[res.Failure.Kind]
		if status == 0 {
			status = http.StatusBadGateway
		}
		w.Header().Set("X-Fc-Error-Type", string(res.Failure.Kind))
		refuse(w, status, string(res.Failure.Kind), res.Failure.Message)
		return
	}
	// Pointers tell what is there: other JSON than this struct is passed on as
	// a body with status 200 (inferred; the rules are UNCONFIRMED).
	var a struct {
		StatusCode      *int              `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
		Body            string            `json:"body"`
	}
	if err := json.Unmarshal(res.Payload, &a); err != nil || a.StatusCode == nil {
		_, _ = w.Write(res.Payload) // a client that has gone does not want it
		return
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			refuse(w, http.StatusBadGateway, "InvalidResponse", "the function's body is not base64")
			return
		}
	}
	if *a.StatusCode < 100 || *a.StatusCode > 599 {
		refuse(w, http.StatusBadGateway, "InvalidResponse", fmt.Sprintf("the function answered with status %d", *a.StatusCode))
		return
	}
	for k, v := range a.Headers {
		if name := http.CanonicalHeaderKey(k); !slices.Contains(notSettable, name) && !strings.HasPrefix(name, "X-Fc-") {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(*a.StatusCode)
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"ErrorCode": code, "ErrorMessage": message})
}

func headerSize(h http.Header) int {
	n := 0
	for k, vs := range h {
		for _, v := range vs {
			n += len(k) + len(v)
		}
	}
	return n
}

// flat joins repeated values by commas, as the event has them.
func flat(m map[string][]string) map[string]string {
	out := make(map[string]string, len(m)+1)
	for k, vs := range m {
		out[k] = strings.Join(vs, ",")
	}
	return out
}

func queryOf(u *url.URL) url.Values {
	q, _ := url.ParseQuery(u.RawQuery) // what cannot be parsed is left out
	return q
}
