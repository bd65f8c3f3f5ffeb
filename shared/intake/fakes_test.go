package intake_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/chain/chaintest"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

const token = "open sesame"

// house is an intake with everything around it in memory: the tutorial's two
// VPCs in the cloud, no record, empty queues, and a clock that stands still.
type house struct {
	*intake.Intake
	mu      sync.Mutex
	t       testing.TB
	time    time.Time
	account string
	vpcs    map[string]*interconnect.VPC // by region/id
	fail    map[string]error             // by method: of the cloud, the records, the queues
	hiccups map[string]int               // by method: how often it fails before it does not
	calls   []string                     // of the cloud

	noVSwitches bool                                 // the VPCs have none yet
	moreTables  map[string][]interconnect.RouteTable // by VPC: that serve nobody

	interfaces map[string][]interconnect.RouterInterface   // by router
	peerings   map[string][]interconnect.PeeringConnection // by VPC
	entries    map[string][]interconnect.RouteEntry        // by table
	rules      map[string][]interconnect.Rule              // by group
	instances  map[string][]interconnect.Instance          // by VPC

	records    map[string]*interconnect.Record
	frozen     string // why, if changes are frozen
	misleading bool   // a request whose writing fails is written
	beforePut  func() // runs once, right before a request is written
	sent       []chain.Message
	sentQueues []string
	delays     []time.Duration // of what was sent
	announced  []chain.Announcement
	changes    []chain.Announcement // of the state
	log        bytes.Buffer
}

func newHouse(t testing.TB) *house {
	sum := sha256.Sum256([]byte(token))
	tokens, err := intake.ParseTokens("someone:" + hex.EncodeToString(sum[:]))
	require.NoError(t, err)
	h := &house{t: t, time: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), account: "1234",
		fail: map[string]error{}, hiccups: map[string]int{}, records: map[string]*interconnect.Record{}, vpcs: map[string]*interconnect.VPC{}}
	for _, v := range []struct{ region, n, cidr string }{{"cn-qingdao", "1", "192.168.0.0/16"}, {"cn-beijing", "2", "172.16.0.0/16"}, {"cn-beijing", "3", "10.0.0.0/16"}} {
		h.vpcs[v.region+"/vpc-"+v.n] = &interconnect.VPC{ID: "vpc-" + v.n, RegionID: v.region, OwnerID: "1234", VRouterID: "vrt-" + v.n, CidrBlock: netip.MustParsePrefix(v.cidr), Available: true}
	}
	var traces atomic.Int64
	h.Intake = &intake.Intake{
		Cloud: cloud{h}, Records: records{h}, Queues: queues{h}, Prefix: "vi", Tokens: tokens,
		Clock:    func() time.Time { return h.time },
		Pause:    func(context.Context, time.Duration) error { return nil },
		NewTrace: func() string { return fmt.Sprintf("trace-%d", traces.Add(1)) },
		Log:      slog.New(slog.NewJSONHandler(&h.log, nil)),
	}
	return h
}

// failing returns the error that a method is to end in.
func (h *house) failing(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if left, counted := h.hiccups[name]; counted {
		if h.hiccups[name]--; left <= 0 {
			return nil
		}
	}
	return h.fail[name]
}

// cloud is the tutorial's world.
type cloud struct{ h *house }

func (c cloud) called(name, region, id string) error {
	c.h.mu.Lock()
	c.h.calls = append(c.h.calls, strings.TrimSpace(name+" "+region+" "+id))
	c.h.mu.Unlock()
	if err := c.h.failing(name + " " + region); err != nil {
		return err
	}
	return c.h.failing(name)
}

func (c cloud) AccountID(context.Context) (string, error) {
	return c.h.account, c.called("AccountID", "", "")
}

func (c cloud) VPC(_ context.Context, region, id string) (*interconnect.VPC, error) {
	if err := c.called("VPC", region, id); err != nil {
		return nil, err
	}
	if v := c.h.vpcs[region+"/"+id]; v != nil {
		return v, nil
	}
	return nil, &interconnect.CloudError{Class: interconnect.Gone, Action: "DescribeVpcAttribute", Code: "InvalidVpcID.NotFound", RequestID: "req-vpc", HTTPStatus: 404}
}

func (c cloud) VSwitches(_ context.Context, region, vpcID string) ([]interconnect.VSwitch, error) {
	n := strings.TrimPrefix(vpcID, "vpc-")
	v := c.h.vpcs[region+"/"+vpcID]
	if v == nil || c.h.noVSwitches {
		return nil, c.called("VSwitches", region, vpcID)
	}
	b := v.CidrBlock
	return []interconnect.VSwitch{{ID: "vsw-" + n, VpcID: vpcID, CidrBlock: netip.PrefixFrom(b.Addr(), 24), RouteTableID: "vtb-" + n}}, c.called("VSwitches", region, vpcID)
}

func (c cloud) RouteTables(_ context.Context, region, vpcID string) ([]interconnect.RouteTable, error) {
	n := strings.TrimPrefix(vpcID, "vpc-")
	return append([]interconnect.RouteTable{{ID: "vtb-" + n, VpcID: vpcID, System: true, VSwitchIDs: []string{"vsw-" + n}}, {ID: "vtb-gw", Gateway: true}}, c.h.moreTables[vpcID]...), c.called("RouteTables", region, vpcID)
}

func (c cloud) RouteEntries(_ context.Context, region, tableID string) ([]interconnect.RouteEntry, error) {
	return c.h.entries[tableID], c.called("RouteEntries", region, tableID)
}

func (c cloud) RouterInterfaces(_ context.Context, region, routerID string) ([]interconnect.RouterInterface, error) {
	return c.h.interfaces[routerID], c.called("RouterInterfaces", region, routerID)
}

func (c cloud) PeeringConnections(_ context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error) {
	return c.h.peerings[vpcID], c.called("PeeringConnections", region, vpcID)
}

func (c cloud) SecurityGroups(_ context.Context, region, vpcID string) ([]interconnect.GroupFacts, error) {
	return []interconnect.GroupFacts{{ID: "sg-" + strings.TrimPrefix(vpcID, "vpc-"), VpcID: vpcID}}, c.called("SecurityGroups", region, vpcID)
}

func (c cloud) InstancesByID(_ context.Context, region string, ids []string) ([]interconnect.Instance, error) {
	n := strings.TrimPrefix(ids[0], "i-")
	return []interconnect.Instance{{ID: ids[0], VpcID: "vpc-" + n, Running: true}}, c.called("InstancesByID", region, ids[0])
}

func (c cloud) Instances(_ context.Context, region, vpcID string) ([]interconnect.Instance, error) {
	return c.h.instances[vpcID], c.called("Instances", region, vpcID)
}

func (c cloud) Rules(_ context.Context, region, groupID string) ([]interconnect.Rule, error) {
	return c.h.rules[groupID], c.called("Rules", region, groupID)
}

// records keeps records by value, as a store does.
type records struct{ h *house }

func (r records) Get(_ context.Context, id string) (*interconnect.Record, error) {
	if err := r.h.failing("Get"); err != nil {
		return nil, err
	}
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	if rec := r.h.records[id]; rec != nil {
		copied := *rec
		return &copied, nil
	}
	return nil, nil
}

func (r records) List(context.Context) ([]interconnect.Record, error) {
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	var list []interconnect.Record
	for _, rec := range r.h.records {
		list = append(list, *rec)
	}
	slices.SortFunc(list, func(a, b interconnect.Record) int { return strings.Compare(a.ID, b.ID) })
	return list, r.h.fail["List"]
}

func (r records) PutRequest(_ context.Context, id string, w interconnect.Wanted) (int, error) {
	if r.h.beforePut != nil {
		f := r.h.beforePut
		r.h.beforePut = nil
		f()
	}
	failed := r.h.failing("PutRequest")
	if failed != nil && !r.h.misleading {
		return 0, failed
	}
	text, err := json.Marshal(w)
	require.NoError(r.h.t, err)
	require.LessOrEqual(r.h.t, len(text), interconnect.MaxRecordChars)
	r.h.mu.Lock()
	defer r.h.mu.Unlock()
	rec := r.h.records[id]
	if rec == nil {
		rec = &interconnect.Record{ID: id}
		r.h.records[id] = rec
	}
	if w.Ends == 0 || w.Ends == rec.Generation { // as records reads it
		rec.Wanted = interconnect.Wanted{}
		require.NoError(r.h.t, json.Unmarshal(text, &rec.Wanted))
	}
	rec.Generation++
	rec.UpdatedAt = r.h.time
	return rec.Generation, failed
}

func (r records) PutConnected(_ context.Context, id string, c *interconnect.Connection) error {
	r.h.records[id].LastConnected = c
	return r.h.failing("PutConnected")
}

func (r records) PutSweep(_ context.Context, id string, s interconnect.SweepStatus) error {
	r.h.records[id].Sweep = s
	return r.h.failing("PutSweep")
}

func (r records) Delete(_ context.Context, id string, generation int) (bool, error) {
	err := r.h.failing("Delete")
	if rec := r.h.records[id]; rec != nil && rec.Generation != generation {
		return false, err
	}
	delete(r.h.records, id)
	return err == nil, err
}

func (r records) Frozen(context.Context) (string, bool, error) {
	return r.h.frozen, r.h.frozen != "", r.h.failing("Frozen")
}

// queues keeps what is sent.
type queues struct{ h *house }

func (q queues) Send(_ context.Context, queue string, body []byte, delay time.Duration) error {
	if err := q.h.failing("Send"); err != nil {
		return err
	}
	q.h.mu.Lock()
	defer q.h.mu.Unlock()
	if queue == chain.OutcomesQueue {
		a, err := chaintest.Outcome(body)
		require.NoError(q.h.t, err)
		if a.Type == chain.TypeState {
			q.h.changes = append(q.h.changes, a)
		} else {
			q.h.announced = append(q.h.announced, a)
		}
		return nil
	}
	m, err := chain.ParseMessage(body)
	require.NoError(q.h.t, err, "every message that is sent can be understood")
	q.h.sent = append(q.h.sent, m)
	q.h.sentQueues, q.h.delays = append(q.h.sentQueues, queue), append(q.h.delays, delay)
	return nil
}

// answered is an answer of the API.
type answered struct {
	status int
	header http.Header
	intake.Answer
	problem intake.Problem
	body    string
}

// do asks the API with the house's token.
func (h *house) do(method, path, body string) answered {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return h.ask(r)
}

func (h *house) ask(r *http.Request) answered {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Body)
	require.NoError(h.t, err)
	a := answered{status: w.Code, header: w.Header(), body: string(text)}
	description().holds(h.t, r.Method, r.URL.Path, w.Code, w.Header().Get("Content-Type"), text)
	if w.Code >= 400 {
		require.Equal(h.t, "application/problem+json", w.Header().Get("Content-Type"))
		require.NoError(h.t, json.Unmarshal(text, &a.problem))
		require.Equal(h.t, w.Code, a.problem.Status)
		require.NotEmpty(h.t, a.problem.Detail)
		return a
	}
	if r.URL.Path == "/" {
		return a
	}
	require.Equal(h.t, "application/json", w.Header().Get("Content-Type"))
	require.NoError(h.t, json.Unmarshal(text, &a.Answer))
	return a
}

// step writes a step's entry into a record.
func (h *house) step(id string, step interconnect.Step, s interconnect.StepStatus) {
	rec := h.records[id]
	if rec.Steps == nil {
		rec.Steps = map[interconnect.Step]interconnect.StepStatus{}
	}
	s.Generation, s.UpdatedAt, s.Since = rec.Generation, h.time, h.time
	rec.Steps[step] = s
}

// end writes what a chain leaves that has come to its end.
func (h *house) end(id string, action interconnect.Action, outcome interconnect.VerdictOutcome) {
	for _, step := range interconnect.Steps {
		s := interconnect.StepStatus{Action: action, Progress: interconnect.Done}
		if step == interconnect.Verification {
			s.Verdicts = []interconnect.Verdict{{At: h.time, Outcome: outcome, Why: "the verdict's reason"}}
		}
		h.step(id, step, s)
	}
	if outcome == interconnect.VerdictConnected && action == interconnect.Connect {
		h.records[id].LastConnected = h.records[id].Wanted.Connection
	}
}

// hooked is a cloud in which something happens while intake reads.
type hooked struct {
	cloud
	then func()
}

func (c hooked) RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error) {
	c.h.mu.Lock()
	if c.then != nil && region == "cn-qingdao" {
		c.then()
	}
	c.h.mu.Unlock()
	return c.cloud.RouteEntries(ctx, region, tableID)
}
