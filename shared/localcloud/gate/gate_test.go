package gate_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/gate"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/world"
)

const (
	keyID  = "LTAI5tOwnersKey"
	secret = "owners-very-own-secret"
	table  = "vtb-m5e1qingdao000000vpc1"
)

// scene is a gate before a second local cloud, which stands for the real one.
type scene struct {
	*gate.Gate
	t       *testing.T
	real    *engine.Engine
	asked   chan string
	answers chan bool

	mu    sync.Mutex
	calls []string // that the real one saw
}

func begin(t *testing.T, o gate.Options) *scene {
	t.Helper()
	w := world.Default()
	s := &scene{t: t, real: engine.New(w.Options(engine.Options{Seed: 3})), asked: make(chan string, 9), answers: make(chan bool)}
	require.NoError(t, w.Apply(s.real))
	s.real.AddUser("", keyID, secret)
	server := httptest.NewServer(openapi.New(openapi.Options{Engine: s.real, Record: func(r openapi.Record) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, r.Action)
	}}))
	t.Cleanup(server.Close)
	o.Key = gate.Key{AccessKeyID: keyID, AccessKeySecret: secret}
	o.Ask = func(text string) bool { s.asked <- text; return <-s.answers }
	if o.Endpoint == nil {
		o.Endpoint = func(product, region string) (string, error) {
			if _, err := gate.Public(product, region); err != nil {
				return "", err
			}
			return server.URL, nil
		}
	}
	s.Gate = gate.New(o)
	return s
}

func (s *scene) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// parameters are those of a signed call: pairs of name and value.
func parameters(action string, own ...string) map[string]string {
	all := map[string]string{
		"Action": action, "Version": "2016-04-28", "Format": "JSON", "AccessKeyId": keyID, "SignatureMethod": "HMAC-SHA1",
		"SignatureVersion": "1.0", "SignatureType": "", "SignatureNonce": time.Now().String() + action,
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05Z"), "RegionId": "cn-qingdao",
	}
	for i := 0; i < len(own); i += 2 {
		all[own[i]] = own[i+1]
	}
	return all
}

func signed(all map[string]string) string {
	all["Signature"] = openapi.Sign(http.MethodPost, all, secret)
	q := url.Values{}
	for k, v := range all {
		q.Set(k, v)
	}
	return q.Encode()
}

func (s *scene) call(ctx context.Context, query string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/?"+query, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func route() string {
	return signed(parameters("CreateRouteEntry", "RouteTableId", table, "DestinationCidrBlock", "10.9.0.0/16",
		"NextHopType", "Instance", "NextHopId", "i-m5e1qingdao000000ecs1", "Description", "a\x1b[2Jb"))
}

func TestReadsPassAndTheFirstWriteWaitsForYes(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	w := s.call(t.Context(), signed(parameters("DescribeVpcs")))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), "vpc-m5e1qingdao000000vpc1")
	require.NotEmpty(t, w.Header().Get("x-acs-request-id"))
	require.Empty(t, s.asked)

	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- s.call(t.Context(), route()) }()
	text := <-s.asked
	require.Contains(t, text, "Vpc CreateRouteEntry in cn-qingdao\n")
	require.Contains(t, text, "DestinationCidrBlock: 10.9.0.0/16\n")
	require.NotContains(t, text, "\x1b", "a terminal does not obey what a value holds")
	require.NotContains(t, text, keyID)
	require.NotContains(t, text, "Signature")
	require.Equal(t, []string{"DescribeVpcs"}, s.seen(), "it waits")
	s.answers <- true
	<-done
	require.Equal(t, []string{"DescribeVpcs", "CreateRouteEntry"}, s.seen())
	s.call(t.Context(), route())
	require.Len(t, s.seen(), 3, "yes is for the whole run")
	require.Empty(t, s.asked)
}

func TestANoRefusesThisWriteAndAllThatFollow(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	done := make(chan *httptest.ResponseRecorder)
	for range 2 {
		go func() { done <- s.call(t.Context(), route()) }()
	}
	<-s.asked
	s.answers <- false
	for range 2 {
		w := <-done
		require.Equal(t, http.StatusForbidden, w.Code)
		require.Contains(t, w.Body.String(), `"Code":"Forbidden.NotConfirmed"`)
	}
	require.Equal(t, http.StatusForbidden, s.call(t.Context(), route()).Code)
	require.Empty(t, s.asked, "it is asked once")
	require.Empty(t, s.seen())
}

func TestAWriteWhoseCallerHasGoneIsNotMadeLater(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.call(ctx, route()) }()
	<-s.asked
	leave()
	<-done
	s.answers <- true
	require.Eventually(t, s.Opened, 5*time.Second, time.Millisecond, "the answer holds for what comes")
	require.Empty(t, s.seen())
}

func TestOpenFromTheStartAsksNobody(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{Open: true})
	s.call(t.Context(), route())
	require.Equal(t, []string{"CreateRouteEntry"}, s.seen())
}

func TestASecretIsNotShown(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	p := parameters("CreateSecretParameter", "Name", "n", "Value", "hidden-value", "Password", "hidden-word")
	p["Version"] = "2019-06-01"
	go s.call(t.Context(), signed(p))
	text := <-s.asked
	require.Contains(t, text, "oos CreateSecretParameter")
	require.NotContains(t, text, "hidden")
	s.answers <- false
}

func TestWhatIsNotCertainlyOneThingIsRefused(t *testing.T) {
	t.Parallel()
	read := func() string { return signed(parameters("DescribeVpcs")) }
	foreign := parameters("DescribeVpcs")
	foreign["AccessKeyId"] = "LTAISomebodyElse"
	other := parameters("DescribeVpcs")
	other["Version"] = "1999-01-01"
	place := parameters("DescribeVpcs")
	place["RegionId"] = "evil.example/"
	for name, c := range map[string]struct {
		query  string
		header []string
		status int
	}{
		"an action given twice":            {read() + "&Action=DeleteVpc", nil, 400},
		"a header that names another":      {read(), []string{"x-acs-action", "DeleteVpc"}, 400},
		"a signature that covers the host": {read(), []string{"Authorization", "ACS3-HMAC-SHA256 Credential=x"}, 400},
		"somebody else's key":              {signed(foreign), nil, 403},
		"a product that is not known":      {signed(other), nil, 400},
		"a region that is none":            {signed(place), nil, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, gate.Options{Open: true})
			require.Equal(t, c.status, s.call(t.Context(), c.query, c.header...).Code)
			require.Empty(t, s.seen())
		})
	}
}

func TestACloudThatDoesNotAnswerIsSaidToWithoutTheSignedURL(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{Endpoint: func(string, string) (string, error) { return "http://127.0.0.1:1", nil }})
	w := s.call(t.Context(), signed(parameters("DescribeVpcs")))
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.NotContains(t, w.Body.String(), "Signature")
	require.NotContains(t, w.Body.String(), keyID)
}

func TestIdentifySaysWhoseAKeyIs(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o := gate.Options{Key: gate.Key{AccessKeyID: keyID, AccessKeySecret: secret}, Endpoint: func(string, string) (string, error) { return server.URL, nil }}
	who, err := gate.Identify(t.Context(), o, "cn-qingdao")
	require.NoError(t, err)
	require.Equal(t, s.real.AccountID(), who.AccountID)
	require.NotEmpty(t, who.ARN)

	o.Key.AccessKeySecret = "wrong"
	_, err = gate.Identify(t.Context(), o, "cn-qingdao")
	require.ErrorContains(t, err, "does not say whose this key is: HTTP 400 SignatureDoesNotMatch")
	require.NotContains(t, err.Error(), keyID)
}

func TestPublicEndpointsAreThoseThatTheSDKShips(t *testing.T) {
	t.Parallel()
	for product, exceptions := range map[string]map[string]string{
		"Vpc": vpc.GetEndpointMap(), "Ecs": ecs.GetEndpointMap(), "Sts": sts.GetEndpointMap(), "Oos": oos.GetEndpointMap(),
	} {
		for _, region := range []string{
			"cn-hangzhou", "cn-beijing", "cn-qingdao", "cn-zhangjiakou", "cn-hangzhou-finance", "cn-shanghai-finance-1", "cn-shenzhen-finance-1",
			"cn-beijing-finance-1", "cn-beijing-finance-pop", "cn-beijing-gov-1", "cn-north-2-gov-1", "cn-wuhan", "cn-fujian", "ap-southeast-1",
		} {
			want := exceptions[region]
			if want == "" {
				want = strings.ToLower(product) + "." + region + ".aliyuncs.com"
			}
			got, err := gate.Public(product, region)
			require.NoError(t, err)
			require.Equal(t, "https://"+want, got, product)
		}
	}
	got, err := gate.Public("VpcPeer", "cn-beijing")
	require.NoError(t, err)
	require.Equal(t, "https://vpcpeer.aliyuncs.com", got)
	for _, bad := range []string{"", "cn", "cn-beijing.evil.example", "cn-beijing/", "CN-beijing"} {
		_, err := gate.Public("Vpc", bad)
		require.Error(t, err, bad)
	}
}

// intake is one by a script; it notes what reaches it.
func intake(t *testing.T, s *scene, answer func(r *http.Request) (int, string)) (do func(method, path, body string) (int, string), reached *[]string) {
	t.Helper()
	var mu sync.Mutex
	reached = &[]string{}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		*reached = append(*reached, r.Method+" "+r.URL.RequestURI()+" "+string(body)+" "+r.Header.Get("Authorization"))
		mu.Unlock()
		status, text := answer(r)
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(behind.Close)
	front := httptest.NewServer(s.Front(behind.URL))
	t.Cleanup(front.Close)
	return func(method, path, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, front.URL+path, strings.NewReader(body))
		if err != nil {
			return 0, err.Error()
		}
		r.Header.Set("Authorization", "Bearer tok")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}, reached
}

func TestARequestOfAPersonsIsShownAsAPlanBeforeItPasses(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	do, reached := intake(t, s, func(r *http.Request) (int, string) {
		if r.URL.Query().Get("dryRun") == "true" {
			return 200, `{"would": "create", "added": [{"kind": "route", "in": "vtb-1"}, "x"], "removed": [], "planHash": ""}`
		}
		return 202, "taken"
	})
	go func() { s.answers <- false; s.answers <- true }()
	status, text := do("POST", "/connections", "{}")
	require.Equal(t, http.StatusForbidden, status, text)
	require.Equal(t, "POST /connections\nThe plan:\n  would: create\n  added:\n    -\n      kind: route\n      in: vtb-1\n    - x\n", strings.ReplaceAll(<-s.asked, "\n\n", "\n"))
	require.Equal(t, []string{"POST /connections?dryRun=true {} Bearer tok"}, *reached)

	status, text = do("POST", "/connections", "{}")
	require.Equal(t, http.StatusAccepted, status, "a no is asked about anew when a person asks again")
	require.Equal(t, "taken", text)
	require.Equal(t, "POST /connections {} Bearer tok", (*reached)[2])
	status, _ = do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusAccepted, status, "yes is for the whole run")
	require.Len(t, s.asked, 1)
}

func TestWhatADeleteWouldTakeAwayIsShown(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	do, reached := intake(t, s, func(r *http.Request) (int, string) { return 200, `{"id": "a", "resources": ["ri-1"]}` })
	go func() { s.answers <- false }()
	status, _ := do("DELETE", "/connections/a", "")
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, <-s.asked, "- ri-1")
	require.Equal(t, []string{"GET /connections/a  Bearer tok"}, *reached)

	go func() { s.answers <- false }()
	status, _ = do("POST", "/connections/a/verifications", `{"why": "me"}`)
	require.Equal(t, http.StatusForbidden, status)
	require.Contains(t, <-s.asked, "POST /connections/a/verifications\n  why: me")
	require.Len(t, *reached, 1)
}

func TestWhatIntakeWouldRefuseGoesOnUnasked(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	do, reached := intake(t, s, func(r *http.Request) (int, string) { return 422, `{"detail": "no"}` })
	status, text := do("POST", "/connections", "{}")
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.JSONEq(t, `{"detail": "no"}`, text)
	require.Len(t, *reached, 2)
	do("GET", "/connections", "")
	do("POST", "/connections?dryRun=true", "{}")
	require.Len(t, *reached, 4, "what only looks passes")
	require.Empty(t, s.asked)
}

func TestARequestWhosePlanCannotBeMadeDoesNotPass(t *testing.T) {
	t.Parallel()
	s := begin(t, gate.Options{})
	do, reached := intake(t, s, func(r *http.Request) (int, string) { return 503, `{"detail": "busy"}` })
	status, text := do("POST", "/connections", "{}")
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, text, "busy")
	require.Len(t, *reached, 1)
	require.Equal(t, http.StatusServiceUnavailable, func() int {
		w := httptest.NewRecorder()
		s.Front("").ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/connections", nil))
		return w.Code
	}())
}
