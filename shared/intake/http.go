package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// ServeHTTP answers the API:
//
//	POST   /connections       ask for a connection, or change it
//	GET    /connections       list them
//	GET    /connections/{id}  show one
//	DELETE /connections/{id}  have it taken away
//	GET    /healthz           without a token
//
// Errors are RFC 9457 problems, with the path of the field that is to blame in
// field.
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
	id string // from the path
	by string // whose token came with it
}

type method func(w http.ResponseWriter, r *http.Request, c call) error

func (in *Intake) serve(w http.ResponseWriter, r *http.Request) error {
	id, methods := in.route(r.URL.Path)
	c := call{id: id}
	if r.URL.Path != healthPath {
		var known bool
		if c.by, known = holder(in.Tokens, r.Header.Get("Authorization")); !known {
			w.Header().Set("WWW-Authenticate", `Bearer realm="vpc-interconnect"`)
			return &Refusal{Status: http.StatusUnauthorized, Detail: "Send the header Authorization: Bearer, with a token that this deployment knows."}
		}
	}
	if methods == nil {
		return &Refusal{Status: http.StatusNotFound, Detail: "There is nothing here; the API is at /connections and /connections/{id}."}
	}
	if do, ok := methods[r.Method]; ok {
		return do(w, r, c)
	}
	var allowed []string
	for m := range methods {
		allowed = append(allowed, m)
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &Refusal{Status: http.StatusMethodNotAllowed, Detail: "Here one can only " + strings.Join(allowed, " and ") + "."}
}

const (
	healthPath      = "/healthz"
	connectionsPath = "/connections"
)

// route finds what a path leads to: nil for nothing.
func (in *Intake) route(path string) (id string, methods map[string]method) {
	if path == healthPath {
		return "", map[string]method{http.MethodGet: in.health}
	}
	rest, ok := strings.CutPrefix(path, connectionsPath)
	switch {
	case !ok:
	case rest == "":
		return "", map[string]method{http.MethodGet: in.list, http.MethodPost: in.post}
	case rest[0] == '/' && len(rest) > 1 && !strings.Contains(rest[1:], "/"):
		return rest[1:], map[string]method{http.MethodGet: in.show, http.MethodDelete: in.disconnect}
	}
	return "", nil
}

func (in *Intake) health(w http.ResponseWriter, _ *http.Request, _ call) error {
	write(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
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
	request, list := interconnect.DecodeRequest(body)
	if len(list) > 0 {
		return refuse(http.StatusBadRequest, list...)
	}
	t, err := in.Ask(r.Context(), request, c.by)
	if err != nil {
		return err
	}
	w.Header().Set("Location", connectionsPath+"/"+t.Record.ID)
	in.writeTaken(r.Context(), w, t, t.Changed)
	return nil
}

func (in *Intake) disconnect(w http.ResponseWriter, r *http.Request, c call) error {
	t, err := in.Disconnect(r.Context(), c.id, c.by)
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

func (in *Intake) show(w http.ResponseWriter, r *http.Request, c call) error {
	record, err := in.get(r.Context(), c.id)
	if err != nil {
		return err
	}
	a := answer(record, in.now(), nil)
	a.Frozen = in.frozen(r.Context())
	write(w, http.StatusOK, "application/json", a)
	return nil
}

// List is the answer to GET /connections.
type List struct {
	Connections []*Answer `json:"connections"`          // sorted by id
	Unreadable  string    `json:"unreadable,omitempty"` // what is stored of further connections but cannot be understood
	Frozen      string    `json:"frozen,omitempty"`     // why nothing is changed for now; checks go on
}

func (in *Intake) list(w http.ResponseWriter, r *http.Request, _ call) error {
	records, err := again(r.Context(), in, func() ([]interconnect.Record, error) { return in.Records.List(r.Context()) })
	if err != nil && records == nil {
		return err
	}
	list := List{Connections: []*Answer{}, Frozen: in.frozen(r.Context())}
	if err != nil {
		list.Unreadable = err.Error()
	}
	slices.SortFunc(records, func(a, b interconnect.Record) int { return strings.Compare(a.ID, b.ID) })
	for i := range records {
		list.Connections = append(list.Connections, answer(&records[i], in.now(), nil))
	}
	write(w, http.StatusOK, "application/json", list)
	return nil
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
}

func writeProblem(w http.ResponseWriter, r *Refusal) {
	p := Problem{Type: "about:blank", Title: http.StatusText(r.Status), Status: r.Status, Detail: r.Detail, RequestID: r.RequestID, Errors: r.Problems}
	if len(r.Problems) > 0 {
		p.Field = &r.Problems[0].Field
	}
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	write(w, r.Status, "application/problem+json", p)
}

func write(w http.ResponseWriter, status int, kind string, body any) {
	text, err := json.MarshalIndent(body, "", "  ")
	if err != nil { // only a time beyond year 9999 could do that
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // nobody is left to tell
}
