package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/trigger"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const id = "orders-to-billing"

type cloudMock struct{ mock.Mock }

// got returns a mocked method's answer.
func got[T any](a mock.Arguments) (T, error) {
	v, _ := a.Get(0).(T)
	return v, a.Error(1)
}

func (m *cloudMock) AccountID(ctx context.Context) (string, error) {
	return got[string](m.Called())
}

func (m *cloudMock) VPC(_ context.Context, region, id string) (*interconnect.VPC, error) {
	return got[*interconnect.VPC](m.Called(region, id))
}

func (m *cloudMock) VSwitches(_ context.Context, region, vpcID string) ([]interconnect.VSwitch, error) {
	return got[[]interconnect.VSwitch](m.Called(region, vpcID))
}

func (m *cloudMock) RouteTables(_ context.Context, region, vpcID string) ([]interconnect.RouteTable, error) {
	return got[[]interconnect.RouteTable](m.Called(region, vpcID))
}

func (m *cloudMock) RouteEntries(_ context.Context, region, tableID string) ([]interconnect.RouteEntry, error) {
	return got[[]interconnect.RouteEntry](m.Called(region, tableID))
}

func (m *cloudMock) RouterInterfaces(_ context.Context, region, routerID string) ([]interconnect.RouterInterface, error) {
	return got[[]interconnect.RouterInterface](m.Called(region, routerID))
}

func (m *cloudMock) SecurityGroups(_ context.Context, region, vpcID string) ([]interconnect.GroupFacts, error) {
	return got[[]interconnect.GroupFacts](m.Called(region, vpcID))
}

func (m *cloudMock) PeeringConnections(_ context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error) {
	return got[[]interconnect.PeeringConnection](m.Called(region, vpcID))
}

func (m *cloudMock) Instances(_ context.Context, region, vpcID string) ([]interconnect.Instance, error) {
	return got[[]interconnect.Instance](m.Called(region, vpcID))
}

func (m *cloudMock) Rules(_ context.Context, region, groupID string) ([]interconnect.Rule, error) {
	return got[[]interconnect.Rule](m.Called(region, groupID))
}

func (m *cloudMock) InstancesByID(_ context.Context, region string, ids []string) ([]interconnect.Instance, error) {
	return got[[]interconnect.Instance](m.Called(region, ids))
}

type recordsMock struct{ mock.Mock }

func (m *recordsMock) Get(_ context.Context, id string) (*interconnect.Record, error) {
	return got[*interconnect.Record](m.Called(id))
}

func (m *recordsMock) List(context.Context) ([]interconnect.Record, error) {
	return got[[]interconnect.Record](m.Called())
}

func (m *recordsMock) PutRequest(_ context.Context, id string, w interconnect.Wanted) (int, error) {
	return got[int](m.Called(id, w))
}

func (m *recordsMock) PutConnected(_ context.Context, id string, c *interconnect.Connection) error {
	return m.Called(id, c).Error(0)
}

func (m *recordsMock) PutSweep(_ context.Context, id string, s interconnect.SweepStatus) error {
	return m.Called(id, s).Error(0)
}

func (m *recordsMock) Delete(_ context.Context, id string, generation int) (bool, error) {
	args := m.Called(id, generation)
	return args.Bool(0), args.Error(1)
}

func (m *recordsMock) Frozen(context.Context) (string, bool, error) { return "", false, nil }

type queuesMock struct{ mock.Mock }

func (m *queuesMock) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	return m.Called(queue, string(body), delay).Error(0)
}

// tells expects one change of state on the outcomes queue.
func (m *mocks) tells(state string) {
	m.queues.On("Send", chain.OutcomesQueue, mock.MatchedBy(func(body string) bool {
		return strings.Contains(body, `"type":"`+chain.TypeState+`"`) && strings.Contains(body, `"state":"`+state+`"`)
	}), time.Duration(0)).Return(nil).Once()
}

// mocks are everything around the function.
type mocks struct {
	cloud   cloudMock
	records recordsMock
	queues  queuesMock
}

// tutorial lets the cloud answer with the tutorial's two VPCs.
func (m *mocks) tutorial() {
	m.cloud.On("AccountID").Return("1234567890123456", nil)
	for _, s := range []struct{ n, region, block, sub string }{{"1", "cn-qingdao", "192.168.0.0/16", "192.168.1.0/24"}, {"2", "cn-beijing", "172.16.0.0/16", "172.16.1.0/24"}} {
		vpc := "vpc-" + s.n
		m.cloud.On("VPC", s.region, vpc).Return(&interconnect.VPC{ID: vpc, RegionID: s.region, OwnerID: "1234567890123456", VRouterID: "vrt-" + s.n, CidrBlock: netip.MustParsePrefix(s.block), Available: true}, nil)
		m.cloud.On("VSwitches", s.region, vpc).Return([]interconnect.VSwitch{{ID: "vsw-" + s.n, CidrBlock: netip.MustParsePrefix(s.sub), RouteTableID: "vtb-" + s.n}}, nil)
		m.cloud.On("RouteTables", s.region, vpc).Return([]interconnect.RouteTable{{ID: "vtb-" + s.n, System: true, VSwitchIDs: []string{"vsw-" + s.n}}}, nil).Maybe() // for a plan
		m.cloud.On("RouteEntries", s.region, "vtb-"+s.n).Return(nil, nil)
		m.cloud.On("RouterInterfaces", s.region, "vrt-"+s.n).Return(nil, nil)
		m.cloud.On("PeeringConnections", s.region, vpc).Return(nil, nil)
	}
}

// invoke gives the function a sample event.
func (m *mocks) invoke(t *testing.T, sample string) ([]byte, error) {
	t.Helper()
	event, err := os.ReadFile(filepath.Join("testdata", sample))
	require.NoError(t, err)
	f := function(func(trigger.Invocation) (*intake.Intake, error) {
		return &intake.Intake{
			Cloud: &m.cloud, Records: &m.records, Queues: &m.queues, Prefix: "vi",
			Tokens: []intake.Token{{Name: "someone", Hash: sha256.Sum256([]byte("open sesame"))}},
			Clock:  func() time.Time { return noon }, NewTrace: func() string { return "trace-1" },
			Log: slog.New(slog.DiscardHandler),
		}, nil
	})
	return f(context.Background(), trigger.Invocation{RequestID: "req-1", FunctionName: "vi-intake"}, event)
}

// respond is invoke for HTTP: the answer's status and body.
func (m *mocks) respond(t *testing.T, sample string) (int, map[string]any) {
	t.Helper()
	answer, err := m.invoke(t, sample)
	require.NoError(t, err)
	var response struct {
		StatusCode      int               `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		IsBase64Encoded bool              `json:"isBase64Encoded"`
		Body            string            `json:"body"`
	}
	require.NoError(t, json.Unmarshal(answer, &response))
	require.False(t, response.IsBase64Encoded)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(response.Body), &body))
	return response.StatusCode, body
}

func (m *mocks) holds(t *testing.T) {
	t.Helper()
	m.cloud.AssertExpectations(t)
	m.records.AssertExpectations(t)
	m.queues.AssertExpectations(t)
}

// stored is what the tutorial's request is recorded as.
func stored(generation int) *interconnect.Record {
	side := func(n, region, block string) interconnect.Side {
		return interconnect.Side{Account: "1234567890123456", RegionID: region, VpcID: "vpc-" + n, VRouterID: "vrt-" + n,
			CidrBlocks: []netip.Prefix{netip.MustParsePrefix(block)}, RouteTableIDs: []string{"vtb-" + n}}
	}
	return &interconnect.Record{ID: id, Generation: generation, UpdatedAt: noon, Wanted: interconnect.Wanted{By: "someone", At: noon, Connection: &interconnect.Connection{
		ID: id, Type: interconnect.TypeExpressConnect, Specification: "Mini.2",
		Initiator: side("1", "cn-qingdao", "192.168.0.0/16"), Acceptor: side("2", "cn-beijing", "172.16.0.0/16"),
		OnFailure: interconnect.OnFailureRollback, Repair: interconnect.RepairReport,
	}}}
}

func first(action interconnect.Action, generation int) string {
	return string(chain.Message{Schema: 1, ConnectionID: id, Generation: generation, Action: action, Trace: "trace-1"}.Body())
}

func TestARequestIsRecordedOnceHoweverOftenAndInWhicheverShapeItComes(t *testing.T) {
	t.Parallel()
	for _, sample := range []string{"http-post-plain.json", "http-post-base64.json"} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			var m mocks
			m.tutorial()
			m.records.On("List").Return(nil, nil).Twice() // before, and to find a twin
			m.records.On("Get", id).Return(nil, nil).Once()
			m.records.On("PutRequest", id, stored(1).Wanted).Return(1, nil).Once()
			m.queues.On("Send", "peering", first(interconnect.Connect, 1), time.Duration(0)).Return(nil)
			m.tells("Pending")
			status, body := m.respond(t, sample)
			require.Equal(t, 202, status)
			require.Equal(t, "Pending", body["state"])

			m.records.On("List").Return([]interconnect.Record{*stored(1)}, nil)
			m.records.On("Get", id).Return(stored(1), nil)
			status, body = m.respond(t, sample)
			require.Equal(t, 200, status)
			require.Equal(t, float64(1), body["generation"])
			m.holds(t)
			m.queues.AssertNumberOfCalls(t, "Send", 3)
		})
	}
}

func TestWhatIsNotTakenTouchesNothing(t *testing.T) {
	t.Parallel()
	for sample, want := range map[string]int{"http-post-no-token.json": 401, "http-post-broken.json": 400} {
		t.Run(sample, func(t *testing.T) {
			t.Parallel()
			var m mocks // any call would panic
			for range 2 {
				status, body := m.respond(t, sample)
				require.Equal(t, want, status)
				require.NotEmpty(t, body["detail"])
			}
		})
	}
}

func TestHealthNeedsNoToken(t *testing.T) {
	t.Parallel()
	var m mocks
	status, body := m.respond(t, "http-health.json")
	require.Equal(t, 200, status)
	require.Equal(t, "ok", body["status"])
}

func TestAConnectionIsShownWithWhatExistsOfIt(t *testing.T) {
	t.Parallel()
	var m mocks
	m.tutorial()
	m.records.On("Get", id).Return(stored(4), nil)
	m.records.On("List").Return([]interconnect.Record{*stored(4)}, nil)
	for range 2 {
		status, body := m.respond(t, "http-get.json")
		require.Equal(t, 200, status)
		require.Equal(t, id, body["id"])
		require.Equal(t, float64(4), body["generation"])
		require.Len(t, body["live"].(map[string]any)["missing"], 4, "two router interfaces, two routes")
	}
	m.queues.AssertNotCalled(t, "Send")
}

func TestADisconnectIsRecordedOnce(t *testing.T) {
	t.Parallel()
	var m mocks
	gone := stored(1).Wanted
	gone.Disconnect = true
	m.records.On("Get", id).Return(stored(1), nil).Once()
	m.records.On("PutRequest", id, gone).Return(2, nil).Once()
	m.queues.On("Send", "security-groups", first(interconnect.Prune, 2), time.Duration(0)).Return(nil)
	m.tells("Disconnecting")
	status, body := m.respond(t, "http-delete.json")
	require.Equal(t, 202, status)
	require.Equal(t, "Disconnecting", body["state"])

	again := stored(2)
	again.Wanted = gone
	m.records.On("Get", id).Return(again, nil)
	status, _ = m.respond(t, "http-delete.json")
	require.Equal(t, 202, status)
	m.holds(t)
	m.queues.AssertNumberOfCalls(t, "Send", 3)
}

func TestTheTimerSweeps(t *testing.T) {
	t.Parallel()
	var m mocks
	silent := stored(1)
	silent.UpdatedAt = noon.Add(-5 * time.Minute)
	swept := *silent
	swept.Sweep = interconnect.SweepStatus{Generation: 1, Sends: 1, SentAt: noon}
	m.records.On("List").Return([]interconnect.Record{*silent}, nil).Once()
	m.records.On("PutSweep", id, swept.Sweep).Return(nil).Once()
	m.queues.On("Send", "peering", first(interconnect.Connect, 1), time.Duration(0)).Return(nil).Once()
	answer, err := m.invoke(t, "timer.json")
	require.NoError(t, err)
	require.Contains(t, string(answer), id)

	m.records.On("List").Return([]interconnect.Record{swept}, nil)
	_, err = m.invoke(t, "timer.json")
	require.NoError(t, err)
	m.holds(t)
}

func TestASweepThatFailedFailsItsInvocation(t *testing.T) {
	t.Parallel()
	var m mocks
	m.records.On("List").Return(nil, &interconnect.CloudError{Class: interconnect.Transient, Action: "GetParametersByPath", Message: "no answer"})
	_, err := m.invoke(t, "timer.json")
	require.ErrorContains(t, err, "GetParametersByPath")
}

func TestAnEventOfAQueueOrOfNobodyIsAnError(t *testing.T) {
	t.Parallel()
	var m mocks
	_, err := m.invoke(t, "queue.json")
	require.ErrorContains(t, err, "intake has no queue")
	_, err = function(nil)(context.Background(), trigger.Invocation{}, []byte(`"hello"`))
	require.Error(t, err)
}

func TestTheEnvironmentIsReadStrictly(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("open sesame"))
	good := map[string]string{
		"PREFIX": "vi", "MNS_ENDPOINT": "https://1234567890123456.mns.cn-hangzhou.aliyuncs.com",
		"API_TOKENS": "someone:" + hex.EncodeToString(sum[:]), "CHECK_INTERVAL": "2m",
	}
	inv := trigger.Invocation{Region: "cn-hangzhou", FunctionName: "vi-intake", Credentials: trigger.Credentials{AccessKeyID: "id", AccessKeySecret: "secret"}}
	with := func(name, value string) func(string) string {
		return func(n string) string {
			if n == name {
				return value
			}
			return good[n]
		}
	}
	in, err := build(inv, with("", ""))
	require.NoError(t, err)
	require.Equal(t, 2*time.Minute, in.CheckInterval)
	require.Len(t, in.Tokens, 1)

	in, err = build(inv, with("CHECK_INTERVAL", "off"))
	require.NoError(t, err)
	require.Negative(t, in.CheckInterval)
	in, err = build(inv, with("CHECK_INTERVAL", ""))
	require.NoError(t, err)
	require.Equal(t, intake.DefaultCheckInterval, in.CheckInterval)

	file := filepath.Join(t.TempDir(), "policy.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"rules": [{"name": "r", "effect": "forbid"}]}`), 0o600))
	for _, value := range []string{file, `{"rules": [{"name": "r", "effect": "forbid"}]}`} {
		in, err = build(inv, with("POLICY", value))
		require.NoError(t, err)
		require.Equal(t, "r", in.Policy.Rules[0].Name)
	}
	_, err = build(inv, with("POLICY", file+".gone"))
	require.ErrorContains(t, err, "POLICY")
	for name, value := range map[string]string{"PREFIX": "", "API_TOKENS": "open sesame", "CHECK_INTERVAL": "5", "POLICY": `{"rules": [{}]}`, "MNS_ENDPOINT": "ftp://nowhere"} {
		_, err = build(inv, with(name, value))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "sesame")
	}
}
