package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/intake/page"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// ServeHTTP answers the API, which openapi.json describes:
//
//	POST   /connections                     ask for a connection, change it, or ask for many
//	POST   /connections?dryRun=true         what would come of it
//	GET    /connections                     list them
//	GET    /connections/{id}                show one, and what exists of it now
//	DELETE /connections/{id}                have it taken away
//	POST   /connections/{id}/verifications  have it checked
//	GET    /openapi.json                    the description
//	GET    /outcomes.json                   the schema of what the queue outcomes carries
//	GET    /                                the page, without a token: it asks for one
//	GET    /healthz                         without a token
//
// Errors are RFC 9457 problems, with the JSON pointer of the field that is to
// blame in field.
func (in *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := in.serve(w, r)
	if err == nil {
		return
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = refuseError(err)
	}
	level := in.log().Info
	if refusal.Status >= 500 {
		level = in.log().Error
	}
	level("refused", "method", r.Method, "path", r.URL.Path, "status", refusal.Status, "why", refusal.Error())
	writeProblem(w, refusal)
}

// call is what a method of a path is called with.
type call struct {
	id    string // from the path
	by    string // whose token came with it
	query url.Values
}

// endpoint is what a path does by one method.
type endpoint struct {
	do     func(in *Intake, w http.ResponseWriter, r *http.Request, c call) error
	writes bool     // not for a token that may only read, unless it is a dry run
	query  []string // parameters that it takes
	open   bool     // without a token
}

const connectionsPath = "/connections"

// resource is what a path leads to.
type resource struct {
	path    string // {id} stands for one part of it
	methods map[string]endpoint
}

// endpoints is the API: each path's methods. It is a function, so that a binary
// that serves no API does not hold one.
func endpoints() []resource {
	return []resource{
		{"/", map[string]endpoint{http.MethodGet: {do: (*Intake).page, open: true}}},
		{"/healthz", map[string]endpoint{http.MethodGet: {do: (*Intake).health, open: true}}},
		{"/openapi.json", map[string]endpoint{http.MethodGet: {do: (*Intake).describe}}},
		{"/outcomes.json", map[string]endpoint{http.MethodGet: {do: (*Intake).describeOutcomes}}},
		{connectionsPath, map[string]endpoint{
			http.MethodGet:  {do: (*Intake).list, query: []string{"state", "region", "vpc", "limit", "after"}},
			http.MethodPost: {do: (*Intake).post, writes: true, query: []string{"dryRun"}},
		}},
		{connectionsPath + "/{id}", map[string]endpoint{
			http.MethodGet:    {do: (*Intake).show, query: []string{"live"}},
			http.MethodDelete: {do: (*Intake).disconnect, writes: true},
		}},
		{connectionsPath + "/{id}/verifications", map[string]endpoint{
			http.MethodPost: {do: (*Intake).verify, writes: true},
		}},
	}
}

// route finds what a path leads to: nil for nothing.
func route(path string) (id string, methods map[string]endpoint) {
	given := strings.Split(path, "/")
	for _, e := range endpoints() {
		parts := strings.Split(e.path, "/")
		id, fits := "", len(parts) == len(given)
		for i := 0; fits && i < len(parts); i++ {
			if parts[i] == "{id}" && given[i] != "" {
				id = given[i]
			} else {
				fits = parts[i] == given[i]
			}
		}
		if fits {
			return id, e.methods
		}
	}
	return "", nil
}

func (in *Intake) serve(w http.ResponseWriter, r *http.Request) error {
	id, methods := route(r.URL.Path)
	e, known := methods[r.Method]
	c := call{id: id}
	var token Token
	if !openPath(methods) {
		var ok bool
		if token, ok = holder(in.Tokens, r.Header.Get("Authorization")); !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="vpc-interconnect"`)
			return &Refusal{Status: http.StatusUnauthorized, Detail: "Send the header Authorization: Bearer, with a token that this deployment knows."}
		}
		c.by = token.Name
	}
	switch {
	case methods == nil:
		return &Refusal{Status: http.StatusNotFound, Detail: "There is nothing here; the API is at /connections and /connections/{id}, and /openapi.json describes it."}
	case !known:
		allowed := slices.Sorted(maps.Keys(methods))
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Refusal{Status: http.StatusMethodNotAllowed, Detail: "Here one can only " + strings.Join(allowed, " and ") + "."}
	}
	var err error
	if c.query, err = parameters(r, e.query); err != nil {
		return err
	}
	if e.writes && token.ReadOnly && c.query.Get("dryRun") != "true" {
		return &Refusal{Status: http.StatusForbidden, Detail: "This token may only read. Use one that may write, or ask for a plan by ?dryRun=true."}
	}
	return e.do(in, w, r, c)
}

// openPath tells whether a path is for everybody.
func openPath(methods map[string]endpoint) bool {
	for _, e := range methods {
		if e.open {
			return true
		}
	}
	return false
}

// parameters reads a query strictly: each parameter is known, and there once.
func parameters(r *http.Request, known []string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &Refusal{Status: http.StatusBadRequest, Detail: "The query of the URL cannot be read; correct its encoding."}
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		what := "takes no query"
		if len(known) > 0 {
			what = "takes the query parameters " + strings.Join(known, ", ")
		}
		switch values := query[name]; {
		case !slices.Contains(known, name):
			return nil, &Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("There is no query parameter %.40q; this path %s.", name, what)}
		case len(values) > 1:
			return nil, &Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("The query parameter %s is given twice; give it once.", name)}
		case (name == "dryRun" || name == "live") && values[0] != "true" && values[0] != "false":
			return nil, &Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("The query parameter %s is true or false.", name)}
		}
	}
	return query, nil
}

func (in *Intake) health(w http.ResponseWriter, _ *http.Request, _ call) error {
	write(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
	return nil
}

func (in *Intake) page(w http.ResponseWriter, _ *http.Request, _ call) error {
	page.Serve(w)
	return nil
}

func (in *Intake) post(w http.ResponseWriter, r *http.Request, c call) error {
	if kind := r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return &Refusal{Status: http.StatusUnsupportedMediaType, Detail: "Send the request as application/json."}
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, interconnect.MaxRequestBytes+1))
	if err != nil {
		return &Refusal{Status: http.StatusBadRequest, Detail: "The body could not be read; send it again.", Err: err}
	}
	if len(body) > interconnect.MaxRequestBytes {
		return refuse(http.StatusRequestEntityTooLarge, interconnect.FieldProblem{
			Field: "", Sentence: "The body is larger than " + strconv.Itoa(interconnect.MaxRequestBytes) + " bytes; a request never is. Shorten its lists.",
		})
	}
	request, batch, list := interconnect.DecodeAsked(body)
	dry := c.query.Get("dryRun") == "true"
	switch {
	case len(list) > 0:
		return refuse(http.StatusBadRequest, list...)
	case batch != nil && dry:
		return in.answerBatch(w, r, in.planner().PlanAll, batch, Asker{Token: c.by})
	case batch != nil:
		return in.answerBatch(w, r, in.AskAll, batch, Asker{Token: c.by})
	case dry:
		plan, err := in.planner().Plan(r.Context(), request, Asker{Token: c.by})
		if err != nil {
			return err
		}
		write(w, http.StatusOK, "application/json", plan)
		return nil
	}
	t, err := in.Ask(r.Context(), request, Asker{Token: c.by})
	if err != nil {
		return err
	}
	w.Header().Set("Location", connectionsPath+"/"+t.Record.ID)
	in.writeTaken(r.Context(), w, t, t.Changed)
	return nil
}

func (in *Intake) disconnect(w http.ResponseWriter, r *http.Request, c call) error {
	t, err := in.Disconnect(r.Context(), c.id, Asker{Token: c.by})
	if err != nil {
		return err
	}
	in.writeTaken(r.Context(), w, t, !interconnect.Ended(&t.Record))
	return nil
}

// writeTaken answers 202 where something is going to happen, else 200.
func (in *Intake) writeTaken(ctx context.Context, w http.ResponseWriter, t *Taken, coming bool) {
	status := http.StatusOK
	if coming {
		status = http.StatusAccepted
	}
	a := answer(&t.Record, in.now(), t.Warnings)
	a.Difference = t.Difference
	a.Frozen = in.frozen(ctx)
	write(w, status, "application/json", a)
}

// notSaid is the reason of a freeze that somebody else made, who gave none.
const notSaid = "no reason was given"

// frozen says why changes are frozen, or "". That this cannot be read keeps
// nobody from an answer.
func (in *Intake) frozen(ctx context.Context) string {
	reason, frozen, err := in.Records.Frozen(ctx)
	switch {
	case err != nil:
		in.log().Warn("whether changes are frozen cannot be read", "error", err.Error())
	case frozen && reason == "":
		return notSaid
	case frozen:
		return reason
	}
	return ""
}

// Problem is an error's body, as RFC 9457 has it.
type Problem struct {
	Type      string                      `json:"type"`
	Title     string                      `json:"title"`
	Status    int                         `json:"status"`
	Detail    string                      `json:"detail"`
	Field     *string                     `json:"field,omitempty"`     // path of the first field to blame, "" for the whole request
	RequestID string                      `json:"requestId,omitempty"` // of the cloud's answer
	Errors    []interconnect.FieldProblem `json:"errors,omitempty"`    // every field to blame

	Policy     []policy.Finding          `json:"policy,omitempty"`     // the rules that refuse, and who can change them
	Difference []interconnect.Difference `json:"difference,omitempty"` // to what was planned
	PlanHash   string                    `json:"planHash,omitempty"`   // of the plan as it is now
}

func problemOf(r *Refusal) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(r.Status), Status: r.Status, Detail: r.Detail, RequestID: r.RequestID, Errors: r.Problems,
		Policy: r.Findings, Difference: r.Difference, PlanHash: r.PlanHash}
	if len(r.Problems) > 0 {
		p.Field = &r.Problems[0].Field
	}
	return p
}

func writeProblem(w http.ResponseWriter, r *Refusal) {
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	write(w, r.Status, "application/problem+json", problemOf(r))
}

func write(w http.ResponseWriter, status int, kind string, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil { // only a time beyond year 9999 could do that
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	writeText(w, status, kind, append(text, '\n'))
}

func writeText(w http.ResponseWriter, status int, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(text) // nobody is left to tell
}
