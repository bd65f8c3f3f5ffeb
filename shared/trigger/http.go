package trigger

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"unicode/utf8"
)

// httpResponse is the answer that the HTTP trigger takes. It is always sent
// whole: what Function Compute makes of a part is not documented.
type httpResponse struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Body            string            `json:"body"`
}

// refused are the headers that a function may not set (Function Compute,
// "HTTP trigger invoking function"); x-fc-* besides.
var refused = map[string]bool{"Connection": true, "Content-Length": true, "Date": true, "Keep-Alive": true, "Server": true}

// ServeHTTP lets h answer the request of an HTTP event and returns the answer
// as the trigger takes it. A body that is no text travels in base64. A panic of
// h is a 500.
func ServeHTTP(ctx context.Context, h http.Handler, e *HTTPEvent) []byte {
	w := &recorder{header: http.Header{}}
	r, err := request(ctx, e)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	} else {
		w = answer(h, r)
	}
	return w.encode()
}

func answer(h http.Handler, r *http.Request) (w *recorder) {
	w = &recorder{header: http.Header{}}
	defer func() {
		if p := recover(); p != nil {
			slog.Error("panic", "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			w = &recorder{header: http.Header{}}
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		}
	}()
	h.ServeHTTP(w, r)
	return w
}

func request(ctx context.Context, e *HTTPEvent) (*http.Request, error) {
	target := e.RawPath
	if target == "" {
		target = (&url.URL{Path: e.Path}).EscapedPath()
	}
	if !strings.HasPrefix(target, "/") {
		target = "/" + target
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("the path is malformed")
	}
	query := u.Query()
	for k, v := range e.Query {
		query.Set(k, v)
	}
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, e.Method, u.String(), bytes.NewReader(e.Body))
	if err != nil {
		return nil, fmt.Errorf("the request is malformed")
	}
	for k, v := range e.Header {
		r.Header.Set(k, v)
	}
	r.RequestURI = u.RequestURI()
	r.Host = r.Header.Get("Host")
	r.RemoteAddr = e.SourceIP
	return r, nil
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // informational answers cannot be sent
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

func (r *recorder) encode() []byte {
	r.WriteHeader(http.StatusOK)
	out := httpResponse{StatusCode: r.status, Headers: make(map[string]string, len(r.header))}
	if r.body.Len() > 0 && r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", http.DetectContentType(r.body.Bytes()))
	}
	for k, values := range r.header {
		if !refused[http.CanonicalHeaderKey(k)] && !strings.HasPrefix(strings.ToLower(k), "x-fc-") {
			out.Headers[k] = strings.Join(values, ", ")
		}
	}
	if body := r.body.Bytes(); utf8.Valid(body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	encoded, err := json.Marshal(out)
	if err != nil { // no field can fail to encode
		panic(err)
	}
	return encoded
}
