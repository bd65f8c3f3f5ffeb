package alicloud

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
)

// Direct is a cloud in the same process: calls reach it without HTTP and
// without signatures, which are most of what a call costs the caller. What the
// SDK's types make of a request, and of an answer, stays.
type Direct interface {
	// Call carries out one call. An error means that no answer came.
	Call(ctx context.Context, c DirectCall) (status int, body []byte, err error)
}

// DirectCall is a call as the SDK would have put it on the wire.
type DirectCall struct {
	Product, Version, Action string
	Parameters               map[string]string // lists as Name.1, Name.2.Member
}

// callDirect has the request carried out and the answer read.
func callDirect(ctx context.Context, to Direct, region string, req requests.AcsRequest, resp responses.AcsResponse) error {
	if err := requests.InitParams(req); err != nil {
		return err
	}
	c := DirectCall{Product: req.GetProduct(), Version: req.GetVersion(), Action: req.GetActionName(), Parameters: map[string]string{"RegionId": region}}
	for _, parameters := range []map[string]string{req.GetQueryParams(), req.GetFormParams()} {
		for k, v := range parameters {
			c.Parameters[k] = v
		}
	}
	status, body, err := to.Call(ctx, c)
	if err != nil {
		return err
	}
	return responses.Unmarshal(resp, &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, "JSON")
}
