package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Front stands before intake, which is at the URL given: what only looks
// passes, and a request that would change something waits until a person has
// seen what would come of it and has said yes.
func (g *Gate) Front(intake string) http.Handler {
	target, err := url.Parse(intake)
	if err != nil || target.Host == "" {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			problem(w, http.StatusServiceUnavailable, "There is no intake to ask.")
		})
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			problem(w, http.StatusBadGateway, "Intake did not answer: "+err.Error())
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead || r.URL.Query().Get("dryRun") == "true" || g.Opened() {
			pass.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
		if err != nil {
			problem(w, http.StatusRequestEntityTooLarge, "The request's body is too large, or was cut off.")
			return
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		p := preview{client: g.client, target: target, of: r, body: body}
		text, harmless, err := p.text(r.Context())
		if err != nil {
			problem(w, http.StatusBadGateway, "What would come of this could not be found out, so it was not passed on: "+err.Error())
			return
		}
		if !harmless {
			switch err := g.confirm(r.Context(), true, text); {
			case errors.Is(err, errNo):
				problem(w, http.StatusForbidden, "This was not confirmed at the terminal that the functions were started at. Nothing was changed.")
				return
			case err != nil:
				return // the client has gone
			}
		}
		pass.ServeHTTP(w, r)
	})
}

// preview finds out what a request to intake would do.
type preview struct {
	client *http.Client
	target *url.URL
	of     *http.Request
	body   []byte
}

// text is what to show. A request that intake would refuse is harmless: it may
// go on and get its answer.
func (p preview) text(ctx context.Context) (text string, harmless bool, err error) {
	method, path, query, title := http.MethodPost, p.of.URL.EscapedPath(), "?dryRun=true", "The plan:"
	switch {
	case p.of.Method == http.MethodDelete:
		method, query, title = http.MethodGet, "", "To be taken away, as far as this deployment made it:"
	case strings.HasSuffix(path, "/connections"):
	default:
		return fmt.Sprintf("%s %s\n%s", p.of.Method, printable(path), outline(p.body)), false, nil
	}
	var body []byte
	if method == http.MethodPost {
		body = p.body
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(p.target.String(), "/")+path+query, bytes.NewReader(body))
	if err != nil {
		return "", false, err
	}
	for _, name := range []string{"Authorization", "Content-Type"} {
		if v := p.of.Header.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	res, err := p.client.Do(req)
	if err != nil {
		return "", false, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", false, err
	}
	if res.StatusCode >= http.StatusInternalServerError {
		return "", false, fmt.Errorf("intake answered HTTP %d: %s", res.StatusCode, printable(string(answer)))
	}
	var plan struct {
		Would string `json:"would"`
	}
	_ = json.Unmarshal(answer, &plan) // a batch's answer has no such field, and is asked about
	return fmt.Sprintf("%s %s\n%s\n%s", p.of.Method, printable(path), title, outline(answer)),
		res.StatusCode >= http.StatusBadRequest || plan.Would == "refuse", nil
}

// problem answers as intake does.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}) // a client that has gone does not want it
}
