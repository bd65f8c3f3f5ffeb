package mns

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// Product and Version are what a Record calls this API.
const (
	Product = "MNS"
	Version = "2015-06-06"
)

// Options set a Handler up.
type Options struct {
	Engine *engine.Engine

	// Region is that of requests that name none, neither by host nor by the
	// first segment of their path; "" refuses them.
	Region string

	// Record, if not nil, hears of every request when it has been carried out,
	// just before the answer is sent. It may be called from many goroutines.
	Record func(Record)

	// Now is the clock that requests' dates are held against; nil means the
	// machine's, which is what clients sign with whatever the cloud's clock says.
	Now func() time.Time

	// Latency is waited before each request is looked at, as a distance to the
	// cloud.
	Latency time.Duration

	// After is time.After, or a test's; nil means time.After. Long polls wait
	// by it.
	After func(time.Duration) <-chan time.Time
}

// Record is one request and what became of it. It has the fields of
// openapi.Record, so that one can be written as the other.
type Record struct {
	Time       time.Time         `json:"time"` // by the cloud's clock
	Product    string            `json:"product"`
	Version    string            `json:"version"`
	Action     string            `json:"action"`     // SendMessage, ...; "" if the URL is no operation's
	Parameters map[string]string `json:"parameters"` // the queue's name and the query
	Region     string            `json:"region"`
	Role       string            `json:"role"`   // role or user whose key signed; "" for the account's or none
	Status     int               `json:"status"` // 0 if no answer was sent
	Code       string            `json:"code"`   // of an error
	RequestID  string            `json:"requestId"`
	Fault      string            `json:"fault,omitempty"` // what a hostile cloud did to it
	Took       time.Duration     `json:"took"`            // by the machine's clock
}

// Handler answers MNS requests. The service is told by the host,
// <account>.mns.<region>.aliyuncs.com, or by a first path segment of that form,
// which is how the official Go SDK can be pointed at another address.
type Handler struct {
	engine *engine.Engine
	opt    Options
	bell   *bell
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.After == nil {
		o.After = time.After
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{engine: o.Engine, opt: o, bell: newBell()}
	o.Engine.Watch(h.bell.ring)
	return h
}

// request is one HTTP request on its way through the handler.
type request struct {
	*http.Request
	prefix  string // path segment that names the service, with its slash; "" if the host does
	target  string // path and query as signed
	parts   []string
	query   map[string]string // keys in lower case
	body    []byte
	account string
	region  string
	hostID  string
	caller  engine.Caller
}

func (r *request) queue() engine.QueueRef {
	return engine.QueueRef{Region: r.region, Name: r.parts[1]}
}

// reply is an answer: a status, and a document that is sent as XML unless nil.
type reply struct {
	status   int
	document any
	location string
}

// longestRequest bounds what is read of a body: a full batch of messages, each
// character escaped, fits.
const longestRequest = 1 << 20

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if h.opt.Latency > 0 {
		select {
		case <-h.opt.After(h.opt.Latency):
		case <-hr.Context().Done():
			return
		}
	}
	start := time.Now()
	rec := Record{Time: h.engine.Now(), Product: Product, Version: Version}
	r, op, err := h.admit(hr)
	rec.Action, rec.Region, rec.Parameters, rec.Role = op.action, r.region, r.parameters(), r.caller.Name
	var answer reply
	drop := false
	if err != nil {
		rec.RequestID = h.engine.NewRequestID()
	} else {
		var fault engine.Fault
		rec.RequestID, fault = h.engine.Admit(Product, op.action, op.write)
		answer, err = h.carryOut(r, op, fault, &rec)
		drop = fault.Drop
	}
	if err != nil {
		e := apiError(err)
		rec.Code = e.Code
		answer = reply{status: e.Status, document: errorDocument{
			Code: e.Code, Message: e.Message, RequestId: rec.RequestID, HostId: r.hostID,
		}}
	}
	if !drop {
		rec.Status = answer.status
	}
	if h.opt.Record != nil {
		rec.Took = time.Since(start)
		h.opt.Record(rec)
	}
	if drop {
		panic(http.ErrAbortHandler)
	}
	h.write(w, rec.RequestID, answer)
}

func apiError(err error) *engine.Error {
	var e *engine.Error
	if errors.As(err, &e) {
		return e
	}
	return &engine.Error{Status: 500, Code: "InternalError", Message: err.Error()}
}

// carryOut does what was asked, and to it what the faults say.
func (h *Handler) carryOut(r *request, op operation, f engine.Fault, rec *Record) (reply, error) {
	if f.Refuse != nil {
		rec.Fault = "refused"
		return reply{}, f.Refuse
	}
	answer, err := op.run(h, r)
	switch {
	case f.Drop:
		rec.Fault = "answer lost"
	case f.Answer != nil && err == nil:
		rec.Fault = "done but reported failed"
		return reply{}, f.Answer
	}
	return answer, err
}

func (h *Handler) write(w http.ResponseWriter, requestID string, a reply) {
	w.Header().Set("x-mns-request-id", requestID)
	w.Header().Set("x-mns-version", Version)
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	var body []byte
	if a.document != nil {
		var err error
		if body, err = xml.Marshal(a.document); err != nil {
			a.status, body = http.StatusInternalServerError, nil
		}
		body = append([]byte(xml.Header), body...)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // a client that has gone away is no error of ours
}

// admit reads a request, finds its operation and checks who sent it. The
// request is never nil, so that a refusal can be recorded.
func (h *Handler) admit(hr *http.Request) (*request, operation, error) {
	r := &request{Request: hr}
	if err := h.address(r); err != nil {
		return r, operation{}, err
	}
	body, err := io.ReadAll(io.LimitReader(hr.Body, longestRequest+1))
	if err != nil || len(body) > longestRequest {
		return r, operation{}, &engine.Error{Status: 400, Code: "InvalidArgument", Message: "The request body is too long or was cut short."}
	}
	r.body = body
	if err := r.readQuery(); err != nil {
		return r, operation{}, err
	}
	op, err := r.operation()
	if err != nil {
		return r, op, err
	}
	if err := h.authenticate(r); err != nil {
		return r, op, err
	}
	return r, op, h.permitted(r, op)
}

// permitted asks whether the caller's role may do this. A refusal names
// neither: the answers of this wire have no room for it.
func (h *Handler) permitted(r *request, op operation) error {
	p := map[string]string{"RegionId": r.region}
	if len(r.parts) > 1 {
		p["QueueName"] = r.parts[1]
	}
	if d := h.engine.Denied(engine.Call{Product: Product, Version: Version, Action: op.action, Parameters: p, Caller: r.caller}); d != nil {
		return &d.Error
	}
	return nil
}

// service is the form of MNS's host names; -internal is the network's inside.
var service = regexp.MustCompile(`^([^./]+)\.mns\.([a-z0-9-]+?)(-internal)?\.aliyuncs\.com$`)

// address finds out which account's and region's service is meant.
func (h *Handler) address(r *request) error {
	r.target = r.RequestURI
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil && u.IsAbs() {
		r.target = u.RequestURI()
	}
	path := r.URL.Path
	host, _, _ := strings.Cut(r.Host, ":")
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	r.account, r.region = h.engine.AccountID(), h.opt.Region
	if m := service.FindStringSubmatch(host); m != nil {
		r.account, r.region = m[1], m[2]
	} else if m := service.FindStringSubmatch(first); m != nil {
		r.account, r.region = m[1], m[2]
		r.prefix = "/" + first
		path = strings.TrimPrefix(path, r.prefix)
		r.target = strings.TrimPrefix(r.target, r.prefix)
	}
	r.parts = strings.Split(strings.Trim(path, "/"), "/")
	r.hostID = "http://" + r.account + ".mns." + r.region + ".aliyuncs.com"
	switch {
	case r.region == "":
		return &engine.Error{Status: 400, Code: "InvalidRequestURL", Message: "Http request URL format invalid: neither host nor path says <account>.mns.<region>.aliyuncs.com."}
	case r.account != h.engine.AccountID():
		return &engine.Error{Status: 403, Code: "AccessDenied", Message: "The OwnerId that your Access Key Id associated to is forbidden for this operation."}
	}
	return nil
}

// readQuery reads the query; the SDKs do not agree on the case of its names.
func (r *request) readQuery() error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errQuery(r.URL.RawQuery)
	}
	r.query = map[string]string{}
	for k, v := range values {
		r.query[strings.ToLower(k)] = v[0]
	}
	return nil
}

func errQuery(item string) *engine.Error {
	return &engine.Error{Status: 400, Code: "InvalidQueryString", Message: "Http request URL contains invalid querystring item \"" + item + "\"."}
}

// parameters is the request as a Record has it.
func (r *request) parameters() map[string]string {
	p := map[string]string{}
	for k, v := range r.query {
		p[k] = v
	}
	if len(r.parts) > 1 {
		p["QueueName"] = r.parts[1]
	}
	return p
}
