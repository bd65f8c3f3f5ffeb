package alicloud_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/trigger"
)

const (
	keyID  = "LTAI5tFakeFakeFakeFake01"
	secret = "s3cr3tS3cr3tS3cr3tS3cr3tS3cr3t"
	token  = "CAISfakeTokenWith/Slashes+And=Signs"
)

func invocation() trigger.Invocation {
	return trigger.Invocation{
		Region:      "cn-qingdao",
		Credentials: trigger.Credentials{AccessKeyID: keyID, AccessKeySecret: secret, SecurityToken: token},
	}
}

// request is what a fake cloud received.
type request struct {
	action string
	params url.Values // of query and body
	query  url.Values
	header http.Header
	host   string
}

// answer is what it says to that.
type answer func(r request) (status int, body string)

func says(status int, body string) answer {
	return func(request) (int, string) { return status, body }
}

// fake is a cloud that checks signatures and gives canned answers. It is an
// http.Handler and an http.RoundTripper.
type fake struct {
	t        *testing.T
	mu       sync.Mutex
	answers  map[string]answer
	requests []request
}

func newFake(t *testing.T) *fake { return &fake{t: t, answers: map[string]answer{}} }

func (f *fake) on(action string, a answer) *fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[action] = a
	return f
}

func (f *fake) received() []request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// last returns the parameters of the last request.
func (f *fake) last() url.Values {
	all := f.received()
	return all[len(all)-1].params
}

func (f *fake) handle(r *http.Request) (int, string) {
	params := r.URL.Query()
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return 400, `{"RequestId":"r-form","Code":"InvalidParameter","Message":"the form cannot be read"}`
		}
		for k, v := range form {
			params[k] = append(params[k], v...)
		}
	}
	if err := signatureError(r.Method, params); err != nil {
		return 400, fmt.Sprintf(`{"RequestId":"r-sig","Code":"SignatureDoesNotMatch","Message":%q}`, err.Error())
	}
	req := request{action: params.Get("Action"), params: params, query: r.URL.Query(), header: r.Header, host: r.URL.Host}
	f.mu.Lock()
	f.requests = append(f.requests, req)
	a, ok := f.answers[req.action]
	f.mu.Unlock()
	if !ok {
		a, ok = canned[req.action]
	}
	if !ok {
		return 404, `{"RequestId":"r-0","Code":"InvalidAction.NotFound","Message":"no such action"}`
	}
	return a(req)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, body := f.handle(r)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, body := f.handle(r)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", Header: http.Header{}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// cloud returns a Cloud that talks to the fake in process.
func (f *fake) cloud() *alicloud.Cloud {
	return alicloud.New(invocation(), alicloud.Options{Endpoint: "http://fake.example", Transport: f})
}

// overHTTP returns a Cloud that talks to the fake over the wire, and what it
// logs.
func (f *fake) overHTTP() (*alicloud.Cloud, *safeBuffer) {
	server := httptest.NewServer(f)
	f.t.Cleanup(server.Close)
	log := &safeBuffer{}
	return alicloud.New(invocation(), alicloud.Options{
		Endpoint: server.URL,
		Log:      slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}), log
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// signatureError checks a request as the RPC gateway does, and echoes what it
// signed as the gateway does.
func signatureError(method string, params url.Values) error {
	if params.Get("AccessKeyId") != keyID || params.Get("SecurityToken") != token {
		return fmt.Errorf("unknown key")
	}
	var pairs []string
	for k := range params {
		if k != "Signature" {
			pairs = append(pairs, escape(k)+"="+escape(params.Get(k)))
		}
	}
	slices.Sort(pairs)
	toSign := method + "&" + escape("/") + "&" + escape(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(toSign))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); params.Get("Signature") != want {
		return fmt.Errorf("Specified signature is not matched with our calculation. server string to sign is:%s", toSign)
	}
	return nil
}

func escape(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// canned are answers in the shapes that the real services give, one for each
// action in use.
var canned = map[string]answer{
	"GetCallerIdentity": says(200, `{"RequestId":"r-1","AccountId":"1234567890123456","IdentityType":"AssumedRoleUser","Arn":"acs:ram::1234567890123456:assumed-role/vi/fc"}`),
	"DescribeVpcAttribute": func(r request) (int, string) {
		return 200, fmt.Sprintf(`{"RequestId":"r-1","VpcId":%q,"VRouterId":"vrt-1","Status":"Available","OwnerId":1234567890123456,"RegionId":"cn-qingdao","CidrBlock":"192.168.0.0/16",
			"SecondaryCidrBlocks":{"SecondaryCidrBlock":["10.1.0.0/16"]},"UserCidrs":{"UserCidr":["10.9.0.0/24"]},"AssociatedCens":{"AssociatedCen":[{"CenId":"cen-1","CenOwnerId":1,"CenStatus":"Attached"}]}}`, r.params.Get("VpcId"))
	},
	"DescribeVSwitches":              says(200, `{"RequestId":"r-1","TotalCount":1,"PageNumber":1,"PageSize":50,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","VpcId":"vpc-1","ZoneId":"cn-qingdao-b","CidrBlock":"192.168.1.0/24","NetworkAclId":"","RouteTable":{"RouteTableId":"vtb-1","RouteTableType":"System"}}]}}`),
	"DescribeRouteTableList":         says(200, `{"RequestId":"r-1","TotalCount":1,"RouterTableList":{"RouterTableListType":[{"RouteTableId":"vtb-1","VpcId":"vpc-1","RouterId":"vrt-1","RouteTableType":"System","VSwitchIds":{"VSwitchId":["vsw-1"]}}]}}`),
	"DescribeRouteEntryList":         says(200, `{"RequestId":"r-1","NextToken":"","RouteEntrys":{"RouteEntry":[{"RouteEntryId":"rte-1","DestinationCidrBlock":"172.16.0.0/16","Status":"Available","Type":"Custom","RouteEntryName":"interconnect.vi.a","NextHops":{"NextHop":[{"NextHopId":"ri-1","NextHopType":"RouterInterface","Enabled":1}]}}]}}`),
	"DescribeRouterInterfaces":       says(200, `{"RequestId":"r-1","TotalCount":1,"RouterInterfaceSet":{"RouterInterfaceType":[{"RouterInterfaceId":"ri-1","RouterId":"vrt-1","RouterType":"VRouter","Role":"InitiatingSide","Spec":"Mini.2","Status":"Active","BusinessStatus":"Normal","Name":"interconnect.vi.a","OppositeRegionId":"cn-beijing","OppositeRouterId":"vrt-2","OppositeRouterType":"VRouter","OppositeInterfaceId":"ri-2","OppositeInterfaceOwnerId":"1234567890123456","OppositeInterfaceStatus":"Active","CreationTime":"2026-01-02T03:04Z","Tags":{"Tags":[{"Key":"vpc-interconnect","Value":"interconnect.vi.a"}]}}]}}`),
	"CreateRouterInterface":          says(200, `{"RequestId":"r-1","RouterInterfaceId":"ri-new","OrderId":0}`),
	"ModifyRouterInterfaceAttribute": says(200, `{"RequestId":"r-1"}`),
	"ConnectRouterInterface":         says(200, `{"RequestId":"r-1"}`),
	"ActivateRouterInterface":        says(200, `{"RequestId":"r-1"}`),
	"DeactivateRouterInterface":      says(200, `{"RequestId":"r-1"}`),
	"DeleteRouterInterface":          says(200, `{"RequestId":"r-1"}`),
	"ModifyRouterInterfaceSpec":      says(200, `{"RequestId":"r-1","Spec":"Small.1"}`),
	"ListVpcPeerConnections":         says(200, `{"RequestId":"r-1","TotalCount":1,"MaxResults":100,"NextToken":"","VpcPeerConnects":[{"InstanceId":"pcc-1","GmtCreate":"2026-01-02T03:04:05Z","Name":"interconnect.vi.a","OwnerId":1234567890123456,"AcceptingOwnerUid":1234567890123456,"RegionId":"cn-qingdao","AcceptingRegionId":"cn-beijing","Bandwidth":100,"LinkType":"Platinum","Status":"Activated","BizStatus":"Normal","Vpc":{"VpcId":"vpc-1","Ipv4Cidrs":["192.168.0.0/16"],"Ipv6Cidrs":[]},"AcceptingVpc":{"VpcId":"vpc-2","Ipv4Cidrs":["172.16.0.0/16"],"Ipv6Cidrs":[]},"Tags":[{"Key":"vpc-interconnect","Value":"interconnect.vi.a"}]}]}`),
	"CreateVpcPeerConnection":        says(200, `{"RequestId":"r-1","InstanceId":"pcc-new"}`),
	"ModifyVpcPeerConnection":        says(200, `{"RequestId":"r-1"}`),
	"DeleteVpcPeerConnection":        says(200, `{"RequestId":"r-1"}`),
	"CreateRouteEntries":             says(200, `{"RequestId":"r-1","SuccessCount":1,"FailedCount":0,"RouteEntryIds":["rte-1"],"FailedRouteEntries":[]}`),
	"ModifyRouteEntry":               says(200, `{"RequestId":"r-1"}`),
	"DeleteRouteEntries":             says(200, `{"RequestId":"r-1","SuccessCount":1,"FailedCount":0,"FailedRouteEntries":[]}`),
	"DescribeSecurityGroups":         says(200, `{"RequestId":"r-1","TotalCount":1,"NextToken":"","SecurityGroups":{"SecurityGroup":[{"SecurityGroupId":"sg-1","VpcId":"vpc-1","SecurityGroupType":"enterprise","ServiceManaged":true,"RuleCount":3}]}}`),
	"DescribeSecurityGroupAttribute": says(200, `{"RequestId":"r-1","SecurityGroupId":"sg-1","Permissions":{"Permission":[{"SecurityGroupRuleId":"sgr-1","Direction":"ingress","IpProtocol":"icmp","PortRange":"-1/-1","SourceCidrIp":"172.16.0.0/16","Policy":"Accept","Priority":"1","NicType":"intranet","Description":"interconnect.vi.a"}]}}`),
	"AuthorizeSecurityGroup":         says(200, `{"RequestId":"r-1"}`),
	"AuthorizeSecurityGroupEgress":   says(200, `{"RequestId":"r-1"}`),
	"RevokeSecurityGroup":            says(200, `{"RequestId":"r-1"}`),
	"RevokeSecurityGroupEgress":      says(200, `{"RequestId":"r-1"}`),
	"DescribeInstances":              says(200, `{"RequestId":"r-1","TotalCount":1,"NextToken":"","Instances":{"Instance":[{"InstanceId":"i-1","Status":"Running","OSType":"linux","VpcAttributes":{"VpcId":"vpc-1","VSwitchId":"vsw-1","PrivateIpAddress":{"IpAddress":["192.168.1.10"]}},"SecurityGroupIds":{"SecurityGroupId":["sg-1"]}}]}}`),
	"DescribeCloudAssistantStatus":   says(200, `{"RequestId":"r-1","InstanceCloudAssistantStatusSet":{"InstanceCloudAssistantStatus":[{"InstanceId":"i-1","CloudAssistantStatus":"true"}]}}`),
	"RunCommand":                     says(200, `{"RequestId":"r-1","CommandId":"c-1","InvokeId":"t-1"}`),
	"DescribeInvocations":            says(200, `{"RequestId":"r-1","TotalCount":1,"Invocations":{"Invocation":[{"InvokeId":"t-1","CommandName":"interconnect.vi.a","InvocationStatus":"Failed","CreationTime":"2026-01-02T03:04:05Z","InvokeInstances":{"InvokeInstance":[{"InstanceId":"i-1","InvocationStatus":"Failed","ExitCode":1,"ErrorCode":"ExitCodeNonzero","Output":"MiBwYWNrZXRz"}]}}]}}`),
	"GetParameters":                  says(200, `{"RequestId":"r-1","InvalidParameters":["/vi/freeze"],"Parameters":[{"Name":"/vi/a/request","Value":"{}","ParameterVersion":3,"UpdatedDate":"2026-01-02T03:04:05Z"}]}`),
	"GetParameter":                   says(200, `{"RequestId":"r-1","Parameter":{"Name":"/vi/a/request","Value":"{}","ParameterVersion":3,"UpdatedDate":"2026-01-02T03:04:05Z"}}`),
	"GetParametersByPath":            says(200, `{"RequestId":"r-1","NextToken":"","Parameters":[{"Name":"/vi/a/request","Value":"{}","ParameterVersion":3,"UpdatedDate":"2026-01-02T03:04:05Z"}]}`),
	"CreateParameter":                says(200, `{"RequestId":"r-1","Parameter":{"Name":"/vi/a/request","ParameterVersion":1}}`),
	"UpdateParameter":                says(200, `{"RequestId":"r-1","Parameter":{"Name":"/vi/a/request","ParameterVersion":4}}`),
	"DeleteParameter":                says(200, `{"RequestId":"r-1"}`),
	"GetQueueAttributes":             says(200, `{"RequestId":"r-1","Code":200,"Status":"Success","Message":"operation success","Success":true,"Data":{"QueueName":"vi-dead-letters","ActiveMessages":3,"InactiveMessages":2,"DelayMessages":1,"MessageRetentionPeriod":604800,"VisibilityTimeout":30,"PageData":[]}}`),
}
