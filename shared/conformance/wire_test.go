package conformance_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpcpeer"
)

var versions = map[string]string{
	"Vpc": "2016-04-28", "Ecs": "2014-05-26", "Sts": "2015-04-01", "Oos": "2019-06-01", "VpcPeer": "2022-01-01",
}

// key is an access key.
type key struct{ id, secret, token string }

// target is a cloud that can be asked.
type target struct {
	name    string // local, or aliyun
	url     string // of every product's API; "" for the real, per product and region
	mns     string // the queues' endpoint in the first region
	key     key
	account string
	regions [2]string
	// instance is one on which a command may be run, offline one whose agent
	// does not run; "" if there is none.
	instance, offline string
	moment            time.Duration // between two looks at something that takes time
	patience          time.Duration // for something that takes time
}

// host is where a product is in a region.
func (t *target) host(product, region string) string {
	if t.url != "" {
		return strings.TrimPrefix(t.url, "http://")
	}
	known := map[string]map[string]string{
		"Vpc": vpc.GetEndpointMap(), "Ecs": ecs.GetEndpointMap(), "Oos": oos.GetEndpointMap(), "Sts": sts.GetEndpointMap(), "VpcPeer": vpcpeer.GetEndpointMap(),
	}[product]
	switch host := known[region]; {
	case host != "":
		return host
	case product == "VpcPeer": // one for all regions
		return "vpcpeer.aliyuncs.com"
	}
	return strings.ToLower(product) + "." + region + ".aliyuncs.com"
}

// request is one call of the API. Parameters whose names begin with "body:"
// go into the body.
type request struct {
	product, region, action string
	with                    []string           // names and values in turn
	key                     *key               // nil: the target's
	spoil                   func(url.Values)   // changes the signed query
	resign                  func(p url.Values) // changes the query, which is then signed again
	twice                   bool               // sends the very same request again, and returns the second answer
}

// reply is what came back.
type reply struct {
	status int
	code   string
	body   map[string]any
	raw    string
}

// String is what was seen: the status, and the code of an error.
func (r reply) String() string {
	if r.status == 200 {
		return "200"
	}
	return fmt.Sprintf("%d %s", r.status, r.code)
}

// ok tells whether the call succeeded.
func (r reply) ok() bool { return r.status == 200 }

// at returns a value by its path: names and indices with dots between; "" if
// there is none.
func (r reply) at(path string) string {
	var v any = r.body
	for part := range strings.SplitSeq(path, ".") {
		switch now := v.(type) {
		case map[string]any:
			v = now[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n >= len(now) {
				return ""
			}
			v = now[n]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// list returns the elements at a path.
func (r reply) list(path string) []reply {
	var v any = r.body
	for part := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	var out []reply
	all, _ := v.([]any)
	for _, e := range all {
		m, _ := e.(map[string]any)
		out = append(out, reply{status: 200, body: m})
	}
	return out
}

// call makes a call by the official SDK, which signs it.
func (t *target) call(r request) reply {
	k := t.key
	if r.key != nil {
		k = *r.key
	}
	q := requests.NewCommonRequest()
	q.Method, q.Product, q.Version, q.ApiName, q.Domain = "POST", r.product, versions[r.product], r.action, t.host(r.product, r.region)
	q.Scheme = "https"
	if t.url != "" {
		q.Scheme = "http"
	}
	for i := 0; i+1 < len(r.with); i += 2 {
		if name, inBody := strings.CutPrefix(r.with[i], "body:"); inBody {
			q.FormParams[name] = r.with[i+1]
		} else {
			q.QueryParams[name] = r.with[i+1]
		}
	}
	client, err := sdk.NewClientWithOptions(r.region, &sdk.Config{
		Scheme: strings.ToUpper(q.Scheme), Transport: &meddler{request: r, secret: k.secret},
	}, credentials.NewStaticSTSCredentialsProvider(k.id, k.secret, k.token))
	if err != nil {
		panic(err)
	}
	client.SetCloseTrace(true)
	client.SetNoProxy("-")
	q.TransToAcsRequest()
	response := responses.NewCommonResponse()
	err = client.DoAction(q, response)
	out := reply{status: response.GetHttpStatus(), raw: string(response.GetHttpContentBytes())}
	if out.status == 0 {
		// The SDK's error holds the signed URL.
		panic(notAsked(fmt.Sprintf("%s %s got no answer from %s (%T)", r.product, r.action, q.Domain, err)))
	}
	if json.Unmarshal([]byte(out.raw), &out.body) != nil {
		out.code = "(no JSON)"
	} else {
		out.code = out.at("Code")
	}
	return out
}

// meddler is a transport that changes requests after they were signed.
type meddler struct {
	request
	secret string
}

// RoundTrip sends a request, changed as is asked.
func (m *meddler) RoundTrip(req *http.Request) (*http.Response, error) {
	p := req.URL.Query()
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	if m.resign != nil {
		m.resign(p)
		p.Set("Signature", sign(p, m.secret))
	}
	if m.spoil != nil {
		m.spoil(p)
	}
	req.URL.RawQuery = p.Encode()
	req.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || !m.twice {
		return answer, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(again)
}

// sign signs a query as the RPC protocol has it, for the few requests that the
// SDK would not make.
func sign(p url.Values, secret string) string {
	p.Del("Signature")
	encode := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte("POST&%2F&" + encode(url.QueryEscape(encode(p.Encode())))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
