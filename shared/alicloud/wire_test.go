package alicloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

// failure runs a write against a fake that gives this answer, and returns what
// it fails with.
func failure(t *testing.T, a answer) *interconnect.CloudError {
	err := newFake(t).on("ConnectRouterInterface", a).cloud().ConnectRouterInterface(t.Context(), region, "ri-1")
	var e *interconnect.CloudError
	require.ErrorAs(t, err, &e)
	require.Equal(t, "ConnectRouterInterface", e.Action)
	return e
}

func TestOddAnswersBecomeErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		body    string
		class   interconnect.Class
		code    string
		message string // part of it
		unknown bool
	}{
		"an error as documented keeps its code and request id": {404, `{"RequestId":"r-9","Code":"InvalidRouterInterfaceId.NotFound","Message":"no such interface"}`, interconnect.Gone, "InvalidRouterInterfaceId.NotFound", "no such interface", false},
		"an error of a server may have been carried out":       {500, `{"RequestId":"r-9","Code":"InternalError","Message":"oops"}`, interconnect.Transient, "InternalError", "oops", true},
		"a numeric code does not panic":                        {400, `{"RequestId":"r-9","Code":400,"Message":"odd"}`, interconnect.Permanent, "400", "odd", false},
		"a numeric code of a server's error is transient":      {503, `{"RequestId":"r-9","Code":503,"Message":"odd"}`, interconnect.Transient, "503", "odd", true},
		"a message that is no string does not panic":           {400, `{"RequestId":"r-9","Code":"X","Message":{"a":1}}`, interconnect.Permanent, "X", `{"a":1}`, false},
		"a gateway's HTML page is told as it is":               {502, `<html>Bad Gateway</html>`, interconnect.Transient, "", "Bad Gateway", true},
		"an empty error says at least its status":              {418, ``, interconnect.Permanent, "", "HTTP 418", false},
		"an empty 200 is an error":                             {200, ``, interconnect.Transient, "", "empty", true},
		"a 200 without a request id is an error":               {200, `{}`, interconnect.Transient, "", "empty", true},
		"a 200 that is not JSON is an error":                   {200, `OK`, interconnect.Transient, "", "not what this API answers", true},
		"a 200 that is a JSON list is an error":                {200, `[]`, interconnect.Transient, "", "not what this API answers", true},
		"throttling is known by its code, whatever the status": {400, `{"RequestId":"r-9","Code":"Throttling.User","Message":"slow down"}`, interconnect.Throttled, "Throttling.User", "slow down", false},
		"a wrong state means: look again":                      {400, `{"RequestId":"r-9","Code":"IncorrectStatus","Message":"not idle"}`, interconnect.Busy, "IncorrectStatus", "not idle", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := failure(t, says(c.status, c.body))
			require.Equal(t, c.class, e.Class)
			require.Equal(t, c.code, e.Code)
			require.Contains(t, e.Message, c.message)
			require.Equal(t, c.unknown, e.Unknown)
			require.Equal(t, c.status, e.HTTPStatus)
			if strings.Contains(c.body, "r-9") {
				require.Equal(t, "r-9", e.RequestID)
			}
		})
	}
}

func TestAnAnswerWithoutTheIDThatWasMadeIsAnError(t *testing.T) {
	t.Parallel()
	for action, drive := range map[string]string{
		"CreateRouterInterface": "CreateRouterInterface", "CreateVpcPeerConnection": "CreatePeeringConnection", "RunCommand": "RunCommand", "CreateParameter": "CreateParameter",
		"UpdateParameter": "UpdateParameter", "GetCallerIdentity": "AccountID", "DescribeVpcAttribute": "VPC",
	} {
		err := drives[drive](t.Context(), newFake(t).on(action, says(200, `{"RequestId":"r-7"}`)).cloud())
		var e *interconnect.CloudError
		require.ErrorAs(t, err, &e, action)
		require.Equal(t, interconnect.Transient, e.Class, action)
		require.Equal(t, "r-7", e.RequestID, action)
		require.True(t, e.Unknown, action)
	}
}

// carries is a RoundTripper made of a function.
type carries func(*http.Request) (*http.Response, error)

func (f carries) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func over(endpoint string, rt http.RoundTripper) *alicloud.Cloud {
	return alicloud.New(invocation(), alicloud.Options{Endpoint: endpoint, Transport: rt, ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond})
}

func TestACallThatNobodyAnswersMayHaveBeenCarriedOut(t *testing.T) {
	t.Parallel()
	silent := carries(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	err := over("http://fake.example", silent).ConnectRouterInterface(t.Context(), region, "ri-1")
	var e *interconnect.CloudError
	require.ErrorAs(t, err, &e)
	require.True(t, e.Unknown)
	require.Equal(t, interconnect.Transient, e.Class)
	require.Contains(t, e.Message, "no answer in time")
	require.NotErrorIs(t, err, context.DeadlineExceeded, "it was the call's own time, not the invocation's")
}

func TestACallIsCutByTheInvocationsDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cutting := carries(func(r *http.Request) (*http.Response, error) {
		cancel()
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	cloud := alicloud.New(invocation(), alicloud.Options{Endpoint: "http://fake.example", Transport: cutting})
	err := cloud.ConnectRouterInterface(ctx, region, "ri-1")
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, interconnect.Transient, interconnect.ClassOf(err))
	var e *interconnect.CloudError
	require.ErrorAs(t, err, &e)
	require.True(t, e.Unknown)

	err = cloud.ConnectRouterInterface(ctx, region, "ri-1")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorAs(t, err, &e)
	require.False(t, e.Unknown, "it was not called at all")
}

func TestABodyThatBreaksOffMayHaveBeenCarriedOut(t *testing.T) {
	t.Parallel()
	broken := carries(func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"RequestId":`), errReader{})
		return &http.Response{StatusCode: 200, Proto: "HTTP/1.1", Body: io.NopCloser(body), Request: r}, nil
	})
	err := over("http://fake.example", broken).ConnectRouterInterface(t.Context(), region, "ri-1")
	var e *interconnect.CloudError
	require.ErrorAs(t, err, &e)
	require.True(t, e.Unknown)
	require.Equal(t, interconnect.Transient, e.Class)
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestAPortThatNobodyListensOnWasNotCalled(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	gone := server.URL
	server.Close()
	err := alicloud.New(invocation(), alicloud.Options{Endpoint: gone}).ConnectRouterInterface(t.Context(), region, "ri-1")
	var e *interconnect.CloudError
	require.ErrorAs(t, err, &e)
	require.False(t, e.Unknown)
	require.Equal(t, interconnect.Transient, e.Class)
	require.Contains(t, e.Message, "no connection")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	calls := 0
	redirecting := carries(func(r *http.Request) (*http.Response, error) {
		calls++
		return &http.Response{
			StatusCode: 307, Proto: "HTTP/1.1", Header: http.Header{"Location": {"http://elsewhere.example/"}},
			Body: io.NopCloser(strings.NewReader("")), Request: r,
		}, nil
	})
	err := over("http://fake.example", redirecting).ConnectRouterInterface(t.Context(), region, "ri-1")
	require.ErrorContains(t, err, "redirects")
	require.Equal(t, 1, calls)
}

func TestAFailedCallIsNotRepeated(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("ConnectRouterInterface", says(500, `{"RequestId":"r","Code":"InternalError","Message":"x"}`))
	require.Error(t, f.cloud().ConnectRouterInterface(t.Context(), region, "ri-1"))
	require.Len(t, f.received(), 1)
}

func TestAnEnvironmentThatListsProxiesOddlyDoesNotMatter(t *testing.T) {
	t.Setenv("NO_PROXY", "*.internal,[") // not a regular expression, which the SDK takes it for
	require.NoError(t, newFake(t).cloud().ConnectRouterInterface(t.Context(), region, "ri-1"))
}

func TestRealEndpointsAreByProductAndRegionOverHTTPS(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{}
	f := newFake(t)
	noting := carries(func(r *http.Request) (*http.Response, error) {
		hosts[r.URL.Query().Get("Action")+" "+r.URL.Query().Get("RegionId")] = r.URL.Scheme + "://" + r.URL.Host
		return f.RoundTrip(r)
	})
	cloud := alicloud.New(invocation(), alicloud.Options{Transport: noting})
	for _, region := range []string{"cn-qingdao", "cn-hangzhou"} {
		require.NoError(t, second(cloud.VPC(t.Context(), region, "vpc-1")))
		require.NoError(t, second(cloud.Instances(t.Context(), region, "vpc-1")))
	}
	require.NoError(t, second(cloud.PeeringConnections(t.Context(), "cn-hangzhou", "vpc-1")))
	require.NoError(t, second(cloud.AccountID(t.Context())))
	require.NoError(t, second(cloud.ParametersByName(t.Context(), []string{"/vi/freeze"})))
	require.Equal(t, map[string]string{
		"DescribeVpcAttribute cn-qingdao":    "https://vpc.cn-qingdao.aliyuncs.com",
		"DescribeVpcAttribute cn-hangzhou":   "https://vpc.aliyuncs.com",
		"DescribeInstances cn-qingdao":       "https://ecs.cn-qingdao.aliyuncs.com",
		"DescribeInstances cn-hangzhou":      "https://ecs-cn-hangzhou.aliyuncs.com",
		"ListVpcPeerConnections cn-hangzhou": "https://vpcpeer.aliyuncs.com", // one for all regions
		"GetCallerIdentity cn-qingdao":       "https://sts.cn-qingdao.aliyuncs.com",
		"GetParameters cn-qingdao":           "https://oos.cn-qingdao.aliyuncs.com",
	}, hosts)
}

func TestARegionThatIsNoneIsNotCalled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	cloud := alicloud.New(invocation(), alicloud.Options{Transport: f})
	for _, region := range []string{"", "qingdao", "cn-x.evil.example/", "cn-qingdao@evil.example", "CN-QINGDAO", "cn_qingdao", "cn-" + strings.Repeat("x", 80)} {
		_, err := cloud.VPC(t.Context(), region, "vpc-1")
		require.Equal(t, interconnect.Permanent, interconnect.ClassOf(err), region)
	}
	require.Empty(t, f.received())
}

func TestABadEndpointFailsEveryCall(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"127.0.0.1:4000", "ftp://host", "http://", "http://host/path", "http://user:pass@host", "http://host?x=1", "::"} {
		f := newFake(t)
		err := over(endpoint, f).ConnectRouterInterface(t.Context(), region, "ri-1")
		require.ErrorContains(t, err, "endpoint must be", endpoint)
		require.Empty(t, f.received())
	}
}

func TestNothingShownHoldsASecret(t *testing.T) {
	t.Parallel()
	secrets := []string{keyID, secret, token, url.QueryEscape(token), url.QueryEscape(url.QueryEscape(token)), "Signature=", "SecurityToken="}
	clean := func(t *testing.T, text string) {
		for _, s := range secrets {
			if i := strings.Index(text, s); i >= 0 {
				require.True(t, strings.HasPrefix(text[i:], s+"***"), "%q is shown in %s", s, text)
			}
		}
	}
	echo := func(r request) (int, string) { // an error that repeats all that it was sent
		return 400, fmt.Sprintf(`{"RequestId":%q,"Code":%q,"Message":%q}`, "r-"+keyID, "Odd."+token, "sent: http://x/?"+r.params.Encode()+" "+secret)
	}
	page := func(r request) (int, string) { return 502, "<html>" + r.params.Encode() + "</html>" }
	for name, a := range map[string]answer{"an error that echoes the request": echo, "a page that echoes the request": page} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud, log := newFake(t).on("ConnectRouterInterface", a).overHTTP()
			err := cloud.ConnectRouterInterface(t.Context(), region, "ri-1")
			require.Error(t, err)
			clean(t, err.Error())
			clean(t, log.String())
			b, _ := json.Marshal(cloud.Calls())
			require.NotContains(t, string(b), token)
		})
	}
	t.Run("a signature that does not match echoes what was signed", func(t *testing.T) {
		t.Parallel()
		f := newFake(t)
		inv := invocation()
		inv.Credentials.AccessKeySecret = "another-secret-altogether"
		err := alicloud.New(inv, alicloud.Options{Endpoint: "http://fake.example", Transport: f}).ConnectRouterInterface(t.Context(), region, "ri-1")
		require.ErrorContains(t, err, "SignatureDoesNotMatch")
		clean(t, err.Error())
		require.NotContains(t, err.Error(), "another-secret")
		require.NotContains(t, err.Error(), "AccessKeyId")
	})
	t.Run("a transport's error holds the whole URL", func(t *testing.T) {
		t.Parallel()
		leaking := carries(func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("cannot reach %s with %s", r.URL, secret)
		})
		err := over("http://fake.example", leaking).ConnectRouterInterface(t.Context(), region, "ri-1")
		require.Error(t, err)
		clean(t, err.Error())
	})
}

func TestAJournalHasTheCallsOfItsOwnContextOnly(t *testing.T) {
	t.Parallel()
	cloud, _ := newFake(t).on("DeleteRouterInterface", says(404, `{"RequestId":"r-2","Code":"InvalidInstanceId.NotFound","Message":"gone"}`)).overHTTP()
	one, ofOne := cloud.Journal(t.Context())
	two, ofTwo := cloud.Journal(t.Context())
	require.NoError(t, second(cloud.VPC(one, "cn-beijing", "vpc-1")))
	require.Error(t, cloud.DeleteRouterInterface(two, region, "ri-1"))
	require.Equal(t, []string{"DescribeVpcAttribute cn-beijing r-1"}, ofOne())
	require.Equal(t, []string{"DeleteRouterInterface " + region + " r-2 InvalidInstanceId.NotFound"}, ofTwo())
}

func TestCallsAreKeptAndLogged(t *testing.T) {
	t.Parallel()
	f := newFake(t).on("DeleteRouterInterface", says(404, `{"RequestId":"r-2","Code":"InvalidInstanceId.NotFound","Message":"gone"}`))
	cloud, log := f.overHTTP()
	require.NoError(t, second(cloud.VPC(t.Context(), "cn-beijing", "vpc-1")))
	require.True(t, interconnect.IsGone(cloud.DeleteRouterInterface(t.Context(), region, "ri-1")))
	calls := cloud.Calls()
	for i := range calls {
		require.Positive(t, calls[i].Took)
		calls[i].Took = 0
	}
	require.Equal(t, []alicloud.Call{
		{Action: "DescribeVpcAttribute", Region: "cn-beijing", RequestID: "r-1"},
		{Action: "DeleteRouterInterface", Region: region, RequestID: "r-2", Code: "InvalidInstanceId.NotFound", Write: true},
	}, calls)

	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		lines = append(lines, l)
	}
	require.Len(t, lines, 2)
	require.Equal(t, "DEBUG", lines[0]["level"])
	require.Equal(t, "INFO", lines[1]["level"])
	require.Equal(t, "DeleteRouterInterface", lines[1]["action"])
	require.Equal(t, "InvalidInstanceId.NotFound", lines[1]["code"])
	require.Equal(t, "r-2", lines[1]["cloudRequestId"], "requestId is the invocation's")
}

func TestManyGoroutinesShareACloud(t *testing.T) {
	t.Parallel()
	cloud, _ := newFake(t).overHTTP()
	var wg sync.WaitGroup
	errs := make(chan error, 20*len(drives))
	for range 20 {
		wg.Go(func() {
			for _, drive := range drives {
				errs <- drive(context.Background(), cloud)
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	require.NotEmpty(t, cloud.Calls())
}

func TestManyCloudsAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			cloud := alicloud.New(invocation(), alicloud.Options{Transport: f}) // real endpoints: the SDK's maps
			_, _ = cloud.VPC(context.Background(), region, "vpc-1")
			_, _ = cloud.Instances(context.Background(), region, "vpc-1")
		})
	}
	wg.Wait()
	require.Len(t, f.received(), 40)
}

func TestWithoutATokenPlainKeysAreUsed(t *testing.T) {
	t.Parallel()
	var got url.Values
	plain := carries(func(r *http.Request) (*http.Response, error) {
		got = r.URL.Query()
		return nil, errors.New("enough")
	})
	inv := trigger.Invocation{Region: region, Credentials: trigger.Credentials{AccessKeyID: keyID, AccessKeySecret: secret}}
	_ = alicloud.New(inv, alicloud.Options{Endpoint: "http://fake.example", Transport: plain}).DeleteParameter(t.Context(), "/vi/freeze")
	require.Equal(t, keyID, got.Get("AccessKeyId"))
	require.False(t, got.Has("SecurityToken"))
}

func TestAReadThatFailsInPassingIsMadeOnceMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action   string
		status   int
		code     string
		requests int
	}{
		"a read of a service that is busy":   {"DescribeVpcAttribute", 503, "ServiceUnavailable", 2},
		"a read that is throttled":           {"DescribeVpcAttribute", 400, "Throttling.User", 1},
		"a read of what is not there":        {"DescribeVpcAttribute", 404, "InvalidVpcId.NotFound", 1},
		"a change, which the chain looks up": {"DeleteRouterInterface", 503, "ServiceUnavailable", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, drive := newFake(t), drives["VPC"]
			if c.action == "DeleteRouterInterface" {
				drive = drives[c.action]
			}
			failed := 0
			f.on(c.action, func(r request) (int, string) {
				if failed++; failed == 1 {
					return c.status, `{"RequestId":"r-1","Code":"` + c.code + `","Message":"odd"}`
				}
				return canned[c.action](r)
			})
			err := drive(t.Context(), f.cloud())
			require.Len(t, f.received(), c.requests)
			require.Equal(t, c.requests == 2, err == nil, "%v", err)
		})
	}
}
