package openapi

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
)

// Options set a Handler up.
type Options struct {
	Engine *engine.Engine

	// Now is the clock that requests' timestamps are held against; nil means
	// the machine's, which is what clients sign with whatever the cloud's clock
	// says.
	Now func() time.Time

	// Latency is slept before each request is looked at, as a distance to the
	// cloud; it holds up nobody else.
	Latency time.Duration

	// Record, if not nil, hears of every request after it was answered. It may
	// be called from many goroutines.
	Record func(Record)
}

// Record is one request and what became of it.
type Record struct {
	Time       time.Time         `json:"time"` // by the cloud's clock
	Product    string            `json:"product"`
	Version    string            `json:"version"`
	Action     string            `json:"action"`
	Parameters map[string]string `json:"parameters"` // without the protocol's own, and without RegionId unless the action declares it
	Region     string            `json:"region"`
	Role       string            `json:"role"`   // role or user whose key signed; "" for the account's or none
	Status     int               `json:"status"` // 0 if no answer was sent
	Code       string            `json:"code"`   // of an error
	RequestID  string            `json:"requestId"`
	Fault      string            `json:"fault,omitempty"` // what a hostile cloud did to it
	Took       time.Duration     `json:"took"`
}

// Handler answers requests of every product that the engine has.
type Handler struct {
	opt      Options
	nonces   nonces
	products map[string]string // by version
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{opt: o, products: map[string]string{locationVersion: locationProduct}}
	for _, a := range engine.Actions() {
		h.products[a.Version] = a.Product
	}
	return h
}

// longestBody is what a request's body may have; the real gateway's limit for
// form bodies is 1 MB.
const longestBody = 1 << 20

// request is one HTTP request on its way through the handler.
type request struct {
	*http.Request
	payload  []byte
	query    map[string]string
	form     map[string]string
	protocol protocol
	own      map[string]string // the action's parameters
	product  string
	action   engine.Action // zero if the engine does not have it
	caller   engine.Caller
}

// protocol is what every request says besides the action's own parameters.
type protocol struct {
	Action, Version, AccessKeyID, SecurityToken string
	Nonce, Timestamp, Format                    string
	signature                                   signature
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	if !h.wait(hr) {
		return
	}
	start := time.Now()
	rec := Record{Time: h.opt.Engine.Now()}
	r := &request{Request: hr}
	res := h.answer(r)
	rec.Product, rec.Version, rec.Action = r.product, r.protocol.Version, r.protocol.Action
	rec.Parameters, rec.Region, rec.Role = r.recorded(), r.own["RegionId"], r.caller.Name
	rec.RequestID, rec.Fault, rec.Took = res.RequestID, res.Fault, time.Since(start)
	if h.opt.Record != nil {
		defer func() { h.opt.Record(rec) }()
	}
	if res.Drop {
		panic(http.ErrAbortHandler) // the server closes the connection
	}
	var text []byte
	rec.Status, text = Render(res, r.product, hr.Host)
	if res.Err != nil {
		rec.Code = res.Err.Code
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.Header().Set("x-acs-request-id", res.RequestID)
	w.WriteHeader(rec.Status)
	_, _ = w.Write(text) //nolint:gosec // JSON, said to be so; a client that has gone does not want it
}

type errorBody struct {
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string
	Message   string
	Recommend string

	AccessDeniedDetail *engine.AccessDeniedDetail `json:",omitempty"`
}

// Render writes what a call came to as the gateway does: an HTTP status and a
// body. host is the one that was called.
func Render(res engine.Result, product, host string) (status int, text []byte) {
	status, body := http.StatusOK, res.Response
	if res.Err != nil {
		status = res.Err.Status
		body = errorBody{
			RequestID: res.RequestID, HostID: host, Code: res.Err.Code, Message: res.Err.Message,
			Recommend:          "https://api.alibabacloud.com/troubleshoot?q=" + url.QueryEscape(res.Err.Code) + "&product=" + url.QueryEscape(product),
			AccessDeniedDetail: res.Denied,
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		status = http.StatusInternalServerError
	}
	return status, text
}

// wait is the way to the cloud; false if the client gave up.
func (h *Handler) wait(r *http.Request) bool {
	if h.opt.Latency <= 0 {
		return true
	}
	timer := time.NewTimer(h.opt.Latency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// answer checks a request in the order in which the gateway does, then has it
// carried out.
func (h *Handler) answer(r *request) engine.Result {
	refuse := func(err *engine.Error) engine.Result {
		return engine.Result{RequestID: h.opt.Engine.NewRequestID(), Err: err}
	}
	for _, check := range []func(*request) *engine.Error{
		h.read, h.findAction, h.authenticate, h.checkPositions,
	} {
		if err := check(r); err != nil {
			return refuse(err)
		}
	}
	if r.product == locationProduct {
		return h.location(r)
	}
	return h.opt.Engine.Call(engine.Call{
		Product: r.product, Version: r.protocol.Version, Action: r.protocol.Action, Parameters: r.own, Caller: r.caller,
	})
}

// protocolParameters are those of the RPC protocol itself.
var protocolParameters = map[string]bool{
	"Action": true, "Version": true, "Format": true, "AccessKeyId": true, "SecurityToken": true, "Signature": true,
	"SignatureMethod": true, "SignatureVersion": true, "SignatureType": true, "SignatureNonce": true, "Timestamp": true,
}

// read takes a request apart.
func (h *Handler) read(r *request) *engine.Error {
	r.own, r.query, r.form = map[string]string{}, map[string]string{}, map[string]string{}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return &engine.Error{Status: 403, Code: "UnsupportedHTTPMethod", Message: "This http method not supported."}
	}
	var err error
	if r.payload, err = io.ReadAll(io.LimitReader(r.Body, longestBody+1)); err != nil || len(r.payload) > longestBody {
		return &engine.Error{Status: 413, Code: "RequestTooLarge", Message: "The request's body is too large, or was cut off."}
	}
	if err := flatten(r.URL.RawQuery, r.query); err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case len(r.payload) == 0:
	case kind == "application/x-www-form-urlencoded":
		if err := flatten(string(r.payload), r.form); err != nil {
			return err
		}
	default:
		return &engine.Error{Status: 400, Code: "UnsupportedContentType", Message: "A body is form-encoded: " + kind + " is not supported."}
	}
	all := map[string]string{}
	for _, from := range []map[string]string{r.query, r.form} {
		for k, v := range from {
			if _, twice := all[k]; twice {
				return invalid("The parameter " + k + " is given twice.")
			}
			all[k] = v
			if !protocolParameters[k] {
				r.own[k] = v
			}
		}
	}
	if strings.HasPrefix(r.Header.Get("Authorization"), acs3) {
		return r.readACS3()
	}
	return r.readRPC(all)
}

func flatten(encoded string, into map[string]string) *engine.Error {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return invalid("The parameters are not well encoded.")
	}
	for k, v := range values {
		if len(v) > 1 {
			return invalid("The parameter " + k + " is given twice.")
		}
		into[k] = v[0]
	}
	return nil
}

func invalid(message string) *engine.Error {
	return &engine.Error{Status: 400, Code: "InvalidParameter", Message: message}
}

func missing(name string) *engine.Error {
	return &engine.Error{Status: 400, Code: "MissingParameter", Message: "The input parameter \"" + name + "\" that is mandatory for processing this request is not supplied."}
}

// findAction tells the product by the version, for all share one endpoint.
func (h *Handler) findAction(r *request) *engine.Error {
	p := r.protocol
	if p.Action == "" {
		return missing("Action")
	}
	if p.Version == "" {
		return missing("Version")
	}
	product, ok := h.products[p.Version]
	if !ok {
		return &engine.Error{Status: 400, Code: "InvalidVersion", Message: "Specified parameter Version is not valid."}
	}
	r.product = product
	switch {
	case p.Format == "":
		return invalid("Without Format the real gateway answers XML; this one answers JSON only: send Format=JSON.")
	case !strings.EqualFold(p.Format, "JSON"):
		return invalid("Format " + p.Format + " is not supported by this cloud: send Format=JSON.")
	}
	var known bool
	if r.action, known = engine.Find(product, p.Action); !known && product != locationProduct {
		return &engine.Error{Status: 404, Code: "InvalidAction.NotFound", Message: "Specified api is not found, please check your url and method: " + product + " " + p.Action + "."}
	}
	return nil
}

// checkPositions refuses a parameter of the body that comes in the query. The
// reverse is allowed: Terraform's provider sends all of VPC's parameters, which
// are published as the query's, in the body, and the real gateway takes them.
// The region may come in the query always: the SDK sends it there.
func (h *Handler) checkPositions(r *request) *engine.Error {
	for _, p := range r.action.Parameters {
		if p.Position != engine.Body || p.Name == "RegionId" {
			continue
		}
		for k := range r.query {
			if k == p.Name || strings.HasPrefix(k, p.Name+".") {
				return invalid("The parameter " + k + " is to be sent in the body.")
			}
		}
	}
	return nil
}

// recorded is what a Record shows of the parameters: of RegionId, which most
// clients always send, only where the action has it.
func (r *request) recorded() map[string]string {
	out := map[string]string{}
	declared := false
	for _, p := range r.action.Parameters {
		declared = declared || p.Name == "RegionId"
	}
	for k, v := range r.own {
		if k != "RegionId" || declared {
			out[k] = v
		}
	}
	return out
}
