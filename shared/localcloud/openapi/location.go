package openapi

import "vpcinterconnect/shared/localcloud/engine"

// The location service tells clients where a product's endpoint in a region
// is. Here that is always where they asked.
const (
	locationProduct = "Location"
	locationVersion = "2015-06-12"
)

type endpoint struct {
	ID        string `json:"Id"`
	Endpoint  string
	Namespace string
	Service   string `json:"SerivceCode"` // spelt so in the real answer
	Type      string
	Protocols struct{ Protocols []string }
}

type endpointsAnswer struct {
	RequestID string `json:"RequestId"`
	Success   bool
	Endpoints struct{ Endpoint []endpoint }
}

// location answers DescribeEndpoints.
func (h *Handler) location(r *request) engine.Result {
	id := h.opt.Engine.NewRequestID()
	if r.protocol.Action != "DescribeEndpoints" {
		return engine.Result{RequestID: id, Err: &engine.Error{Status: 404, Code: "InvalidAction.NotFound", Message: "Specified api is not found, please check your url and method."}}
	}
	for _, name := range []string{"Id", "ServiceCode"} {
		if r.own[name] == "" {
			return engine.Result{RequestID: id, Err: missing(name)}
		}
	}
	e := endpoint{ID: r.own["Id"], Endpoint: r.Host, Service: r.own["ServiceCode"], Type: "openAPI"}
	e.Protocols.Protocols = []string{"HTTP"}
	a := endpointsAnswer{RequestID: id, Success: true}
	a.Endpoints.Endpoint = []endpoint{e}
	return engine.Result{RequestID: id, Response: a}
}
