package openapi_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/openapi"
)

// cloud is a cloud behind its wire.
type cloud struct {
	*engine.Engine
	url string
	key engine.Credential

	mu      sync.Mutex
	records []openapi.Record
}

func newCloud(t *testing.T, change ...func(*engine.Options, *openapi.Options)) *cloud {
	c := &cloud{}
	var o engine.Options
	w := openapi.Options{Record: func(r openapi.Record) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.records = append(c.records, r)
	}}
	for _, f := range change {
		f(&o, &w)
	}
	c.Engine = engine.New(o)
	c.AddRegion(engine.Region{ID: "cn-qingdao", Zones: []string{"cn-qingdao-b"}})
	c.AddRegion(engine.Region{ID: "cn-beijing", Zones: []string{"cn-beijing-a"}})
	c.key = c.AddUser("", "", "")
	w.Engine = c.Engine
	server := httptest.NewServer(openapi.New(w))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *cloud) last() openapi.Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.records[len(c.records)-1]
}

// answer is what came back.
type answer struct {
	Status                           int `json:"-"` // HTTP's
	RequestId, HostId, Code, Message string
	Recommend                        string
	body                             string
}

// send signs by hand, independently of the SDK, and lets a test spoil the
// request: what spoil changes before signing is signed, what it returns is done
// after signing.
func (c *cloud) send(t *testing.T, method string, spoil func(p map[string]string) (after func(p map[string]string))) answer {
	t.Helper()
	p := map[string]string{
		"Action": "DescribeVpcs", "Version": "2016-04-28", "Format": "JSON", "RegionId": "cn-qingdao", "AccessKeyId": c.key.AccessKeyID,
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": fmt.Sprint(time.Now().UnixNano()),
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"), "VpcName": "a b*c~d+e/ü",
	}
	var after func(map[string]string)
	secret := c.key.Secret
	if spoil != nil {
		after = spoil(p)
	}
	if s, ok := p["-secret"]; ok {
		secret = s
		delete(p, "-secret")
	}
	p["Signature"] = sign(method, secret, p)
	if after != nil {
		after(p)
	}
	values := url.Values{}
	for k, v := range p {
		values.Set(k, v)
	}
	req, err := http.NewRequest(method, c.url+"/?"+values.Encode(), nil)
	require.NoError(t, err)
	return c.do(t, req)
}

func (c *cloud) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	a := answer{Status: res.StatusCode, body: string(text)}
	require.NoError(t, json.Unmarshal(text, &a), string(text))
	return a
}

func sign(method, secret string, p map[string]string) string {
	keys := make([]string, 0, len(p))
	for k := range p {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	encode := func(s string) string {
		var b strings.Builder
		for _, c := range []byte(s) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
		return b.String()
	}
	var pairs []string
	for _, k := range keys {
		pairs = append(pairs, encode(k)+"="+encode(p[k]))
	}
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + encode(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func set(k, v string) func(map[string]string) func(map[string]string) {
	return func(p map[string]string) func(map[string]string) {
		if v == "" {
			delete(p, k)
		} else {
			p[k] = v
		}
		return nil
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		require.Equal(t, 200, c.send(t, method, nil).Status, method)
	}
	wrong := c.send(t, http.MethodPost, set("-secret", "another"))
	require.Equal(t, 400, wrong.Status)
	require.Equal(t, "SignatureDoesNotMatch", wrong.Code)
	require.Contains(t, wrong.Message, "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId%3D")
	changed := c.send(t, http.MethodGet, func(map[string]string) func(map[string]string) {
		return func(p map[string]string) { p["VpcName"] = "changed on the way" }
	})
	require.Equal(t, "SignatureDoesNotMatch", changed.Code)
}

func TestRequestsThatTheGatewayRefuses(t *testing.T) {
	t.Parallel()
	old := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format("2006-01-02T15:04:05Z") }
	for name, test := range map[string]struct {
		spoil  func(map[string]string) func(map[string]string)
		status int
		code   string
	}{
		"no action":                           {set("Action", ""), 400, "MissingParameter"},
		"no version":                          {set("Version", ""), 400, "MissingParameter"},
		"no access key":                       {set("AccessKeyId", ""), 400, "MissingParameter"},
		"no timestamp":                        {set("Timestamp", ""), 400, "MissingParameter"},
		"no nonce":                            {set("SignatureNonce", ""), 400, "MissingParameter"},
		"an unknown action":                   {set("Action", "DescribeVpcz"), 404, "InvalidAction.NotFound"},
		"an unknown version":                  {set("Version", "2001-01-01"), 400, "InvalidVersion"},
		"XML":                                 {set("Format", "XML"), 400, "InvalidParameter"},
		"no format, which would be XML":       {set("Format", ""), 400, "InvalidParameter"},
		"another signature method":            {set("SignatureMethod", "HMAC-SHA256"), 400, "InvalidSignatureMethod"},
		"a timestamp 16 minutes old":          {set("Timestamp", old(16*time.Minute)), 400, "InvalidTimeStamp.Expired"},
		"a timestamp 16 minutes ahead":        {set("Timestamp", old(-16*time.Minute)), 400, "InvalidTimeStamp.Expired"},
		"a timestamp of another form":         {set("Timestamp", "1700000000"), 400, "InvalidTimeStamp.Format"},
		"a token with a long-lived key":       {set("SecurityToken", "CAIS"), 400, "InvalidSecurityToken.MismatchWithAccessKey"},
		"an unknown parameter":                {set("Colour", "red"), 400, "UnsupportedParameter"},
		"an unknown region":                   {set("RegionId", "cn-nowhere"), 404, "InvalidRegionId.NotFound"},
		"a missing parameter of the action's": {set("RegionId", ""), 400, "MissingParameter"},
		"an action of Location's there is not": {func(p map[string]string) func(map[string]string) {
			p["Version"] = "2015-06-12"
			return nil
		}, 404, "InvalidAction.NotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			a := c.send(t, http.MethodPost, test.spoil)
			require.Equal(t, test.code, a.Code, a.Message)
			require.Equal(t, test.status, a.Status)
			require.NotEmpty(t, a.RequestId)
			require.Contains(t, c.url, a.HostId)
			require.NotEmpty(t, a.Message)
			require.Contains(t, a.Recommend, test.code)
			require.Equal(t, test.code, c.last().Code)
			require.Equal(t, test.status, c.last().Status)
		})
	}
	t.Run("a timestamp 14 minutes old is taken", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, 200, newCloud(t).send(t, http.MethodPost, set("Timestamp", old(14*time.Minute))).Status)
	})
	t.Run("another method, a body of another kind, a body without end", func(t *testing.T) {
		t.Parallel()
		c := newCloud(t)
		for _, test := range []struct{ method, kind, body, code string }{
			{http.MethodPut, "application/x-www-form-urlencoded", "", "UnsupportedHTTPMethod"},
			{http.MethodPost, "application/json", "{}", "UnsupportedContentType"},
			{http.MethodPost, "application/x-www-form-urlencoded", strings.Repeat("x", 2<<20), "RequestTooLarge"},
			{http.MethodPost, "application/x-www-form-urlencoded", "Action=A&Action=B", "InvalidParameter"},
			{http.MethodPost, "application/x-www-form-urlencoded", "Action=%zz", "InvalidParameter"},
		} {
			req, err := http.NewRequest(test.method, c.url, strings.NewReader(test.body))
			require.NoError(t, err)
			req.Header.Set("Content-Type", test.kind)
			require.Equal(t, test.code, c.do(t, req).Code)
		}
	})
}

func TestReplayedNonce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := newCloud(t, func(_ *engine.Options, w *openapi.Options) { w.Now = func() time.Time { return now } })
	at := set("Timestamp", now.UTC().Format("2006-01-02T15:04:05Z"))
	once := func(p map[string]string) func(map[string]string) {
		at(p)
		p["SignatureNonce"] = "once"
		return nil
	}
	require.Equal(t, 200, c.send(t, http.MethodPost, once).Status)
	require.Equal(t, "SignatureNonceUsed", c.send(t, http.MethodPost, once).Code)
	require.Equal(t, 200, c.send(t, http.MethodPost, at).Status)
}

func TestUnknownAccessKey(t *testing.T) {
	t.Parallel()
	for status, is400 := range map[int]bool{404: false, 400: true} {
		c := newCloud(t, func(o *engine.Options, _ *openapi.Options) { o.Switches.UnknownAccessKeyIs400 = is400 })
		a := c.send(t, http.MethodPost, set("AccessKeyId", "LTAIunknown"))
		require.Equal(t, "InvalidAccessKeyId.NotFound", a.Code)
		require.Equal(t, status, a.Status)
	}
}

// handClock is the cloud's clock, moved by hand.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (h *handClock) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func TestTemporaryKeys(t *testing.T) {
	t.Parallel()
	clock := &handClock{now: time.Now()}
	c := newCloud(t, func(o *engine.Options, _ *openapi.Options) { o.Clock = clock })
	c.AddRole(engine.RoleSpec{Name: "fn"})
	k, err := c.RoleCredentials("fn", "s", time.Hour)
	require.NoError(t, err)
	as := func(token string) func(map[string]string) func(map[string]string) {
		return func(p map[string]string) func(map[string]string) {
			p["AccessKeyId"], p["-secret"] = k.AccessKeyID, k.Secret
			if token != "" {
				p["SecurityToken"] = token
			}
			return nil
		}
	}
	require.Equal(t, 200, c.send(t, http.MethodPost, as(k.Token)).Status)
	require.Equal(t, "fn", c.last().Role)
	require.NotContains(t, fmt.Sprint(c.last()), k.Token)
	require.Equal(t, "InvalidSecurityToken.MismatchWithAccessKey", c.send(t, http.MethodPost, as("CAISother")).Code)
	require.Equal(t, "InvalidAccessKeyId.NotFound", c.send(t, http.MethodPost, as("")).Code)
	clock.mu.Lock()
	clock.now = clock.now.Add(61 * time.Minute)
	clock.mu.Unlock()
	require.Equal(t, "InvalidSecurityToken.Expired", c.send(t, http.MethodPost, as(k.Token)).Code)
}

func TestParametersInTheBody(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := map[string]string{
		"Action": "CreateVpc", "Version": "2016-04-28", "Format": "json", "AccessKeyId": c.key.AccessKeyID, "RegionId": "cn-qingdao",
		"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureNonce": "n", "VpcName": "from the body",
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}
	signature := sign(http.MethodPost, c.key.Secret, p)
	query, form := url.Values{"Signature": {signature}}, url.Values{}
	for k, v := range p {
		if k == "VpcName" || k == "RegionId" {
			form.Set(k, v)
		} else {
			query.Set(k, v)
		}
	}
	req, err := http.NewRequest(http.MethodPost, c.url+"/?"+query.Encode(), strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 200, c.do(t, req).Status)
	require.Equal(t, "from the body", c.VPCSnapshot().VPCs[0].Name)
}

func TestRecord(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	a := c.send(t, http.MethodPost, nil)
	r := c.last()
	require.Equal(t, openapi.Record{
		Time: r.Time, Took: r.Took, RequestID: a.RequestId, Product: "Vpc", Version: "2016-04-28", Action: "DescribeVpcs",
		Parameters: map[string]string{"RegionId": "cn-qingdao", "VpcName": "a b*c~d+e/ü"}, Region: "cn-qingdao", Status: 200,
	}, r)
	c.send(t, http.MethodPost, func(p map[string]string) func(map[string]string) {
		delete(p, "VpcName")
		p["Action"] = "DescribeRegions"
		return nil
	})
	require.Empty(t, c.last().Parameters, "RegionId is recorded where the action declares it only")
	line, err := json.Marshal(c.last())
	require.NoError(t, err)
	for _, key := range []string{"product", "version", "action", "parameters", "role", "status", "code", "time"} {
		require.Contains(t, string(line), `"`+key+`":`)
	}
}

type always struct{ fault engine.Fault }

func (a always) Call(string, string, bool) engine.Fault { return a.fault }
func (always) Slow(time.Duration) time.Duration         { return 0 }

func TestLostAnswerClosesTheConnection(t *testing.T) {
	t.Parallel()
	lost := func(o *engine.Options, _ *openapi.Options) { o.Faults = always{engine.Fault{Drop: true}} }
	c := newCloud(t, lost)
	p := map[string]string{
		"Action": "CreateVpc", "Version": "2016-04-28", "Format": "JSON", "RegionId": "cn-qingdao", "AccessKeyId": c.key.AccessKeyID,
		"SignatureNonce": "n", "Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"),
	}
	p["Signature"] = sign(http.MethodGet, c.key.Secret, p)
	values := url.Values{}
	for k, v := range p {
		values.Set(k, v)
	}
	// A client that repeats a GET whose connection broke would not be told: one
	// that does not reuse connections is.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	_, err := client.Get(c.url + "/?" + values.Encode())
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, c.VPCSnapshot().VPCs, 1, "it was carried out")
	require.Eventually(t, func() bool { c.mu.Lock(); defer c.mu.Unlock(); return len(c.records) == 1 }, time.Second, time.Millisecond)
	require.Zero(t, c.last().Status)
	require.Equal(t, "answer lost", c.last().Fault)
}

func TestLatencyHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t, func(_ *engine.Options, w *openapi.Options) { w.Latency = 50 * time.Millisecond })
	start := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { c.send(t, http.MethodPost, nil) })
	}
	all.Wait()
	took := time.Since(start)
	require.GreaterOrEqual(t, took, 50*time.Millisecond)
	require.Less(t, took, 8*50*time.Millisecond)
}
