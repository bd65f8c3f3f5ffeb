package shared_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/dataplane"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc/manifest"
	wire "vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/ram"
	"vpcinterconnect/shared/localcloud/world"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/steps/peering"
	"vpcinterconnect/shared/steps/routes"
	"vpcinterconnect/shared/steps/securitygroups"
	"vpcinterconnect/shared/steps/verification"
	"vpcinterconnect/shared/trigger"
)

// rehearsal is the deployment of template.yml on the local cloud: every
// function with its role, its clients and nothing else, in virtual time.
type rehearsal struct {
	t       *testing.T
	engine  *engine.Engine
	judge   *ram.Judge
	base    *manifest.Base
	roles   map[string]string // function -> role
	api     http.RoundTripper
	queues  http.RoundTripper
	root    engine.Caller
	denied  []string
	refusal *engine.Error

	mu     sync.Mutex
	now    time.Time
	before func(role, action string) // called before each call of a function
}

func (r *rehearsal) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rehearsal) pass(d time.Duration) {
	r.mu.Lock()
	r.now = r.now.Add(d)
	r.mu.Unlock()
	r.engine.Settle()
}

// Call and Slow make it the engine's faults: it refuses what refusal says.
func (r *rehearsal) Call(_, action string, _ bool) engine.Fault {
	if r.refusal != nil && action == "CreateRouterInterface" {
		return engine.Fault{Refuse: r.refusal}
	}
	return engine.Fault{}
}

func (r *rehearsal) Slow(time.Duration) time.Duration { return 0 }

func rehearse(t *testing.T, template string) *rehearsal {
	t.Helper()
	w := world.Default()
	w.VPCs[0].SecurityGroups = append(w.VPCs[0].SecurityGroups, world.SecurityGroup{ID: "sg-m5e1qingdaoadvanced", Type: "enterprise"})
	w.VPCs[0].NetworkACLs = []world.NetworkACL{{ID: "nacl-m5e1qingdao", Ingress: []world.ACLEntry{passing("in")}, Egress: []world.ACLEntry{passing("out")}}}
	w.VPCs[0].VSwitches[0].NetworkACLID = "nacl-m5e1qingdao"
	return rehearseIn(t, template, w)
}

// rehearseIn is rehearse in another world than the tutorial's.
func rehearseIn(t *testing.T, template string, w *world.World, tune ...func(*engine.Options)) *rehearsal {
	t.Helper()
	functions, _ := deployment(t)
	base, err := manifest.Template("template.yml", []byte(template), manifest.Pseudo{Region: testRegion, AccountID: testAccount, StackName: "test"})
	require.NoError(t, err)
	r := &rehearsal{t: t, base: base, roles: map[string]string{}, judge: ram.New(), now: time.Now().UTC().Truncate(time.Second)}
	o := engine.Options{
		Clock: r, Faults: r, Guest: dataplane.Guests{}, AccountID: testAccount, NoRates: true,
		Judge: func(c engine.Call, policies []string, session string) *engine.Denial {
			d := r.judge.Judge(c, policies, session)
			if d != nil {
				needs, _ := ram.Needs(c)
				r.denied = append(r.denied, fmt.Sprint(c.Caller.Name, " ", d.Detail.AuthAction, " of ", needs))
			}
			return d
		},
	}
	for _, f := range tune {
		f(&o)
	}
	r.engine = engine.New(w.Options(o))
	require.NoError(t, w.Apply(r.engine))
	r.engine.AddRegion(engine.Region{ID: testRegion})
	for _, q := range base.Queues {
		_, err := r.engine.CreateQueue(engine.QueueRef{Region: testRegion, Name: q.Name}, engine.DefaultQueueAttributes())
		require.NoError(t, err)
	}
	for _, role := range base.Roles {
		spec := engine.RoleSpec{Name: role.Name}
		for _, p := range role.Policies {
			spec.Policies = append(spec.Policies, string(p.Document))
		}
		r.engine.AddRole(spec)
	}
	for _, f := range functions {
		r.roles[f.ID] = f.Role
	}
	r.api = openapi.InProcess(openapi.New(openapi.Options{Engine: r.engine}))
	r.queues = openapi.InProcess(wire.New(wire.Options{Engine: r.engine}))
	r.root = r.engine.AddUser("", "", "").Caller
	return r
}

// passing is an entry that lets everything through.
func passing(name string) world.ACLEntry {
	return world.ACLEntry{Name: name, Policy: "accept", Protocol: "all", Peer: "0.0.0.0/0"}
}

// invocation is one run of a function, with fresh keys of its role.
func (r *rehearsal) invocation(function string) trigger.Invocation {
	key, err := r.engine.RoleCredentials(r.roles[function], function, time.Hour)
	require.NoError(r.t, err)
	return trigger.Invocation{
		RequestID: "request", FunctionName: testPrefix + "-" + function, Region: testRegion, AccountID: testAccount,
		Credentials: trigger.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: key.Secret, SecurityToken: key.Token},
	}
}

func (r *rehearsal) clients(function string) (*alicloud.Cloud, *records.Records, *mns.Client) {
	inv := r.invocation(function)
	way := hooked{r, function, r.api}
	cloud := alicloud.New(inv, alicloud.Options{Transport: way})
	queues, err := mns.New(inv, mns.Options{Endpoint: "https://" + testAccount + ".mns." + testRegion + ".aliyuncs.com", Prefix: testPrefix, Transport: r.queues})
	require.NoError(r.t, err)
	return cloud, records.New(cloud, testPrefix), queues
}

// hooked lets a test act right before a function's call.
type hooked struct {
	r        *rehearsal
	function string
	next     http.RoundTripper
}

func (h hooked) RoundTrip(req *http.Request) (*http.Response, error) {
	h.r.mu.Lock()
	before := h.r.before
	h.r.mu.Unlock()
	if before != nil {
		before(h.function, req.URL.Query().Get("Action"))
	}
	return h.next.RoundTrip(req)
}

// once acts before a function's first call of an action.
func (r *rehearsal) once(function, action string, do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var first sync.Once // a step may make the same call on both sides at once
	r.before = func(f, a string) {
		if f == function && a == action {
			first.Do(do)
		}
	}
}

func (r *rehearsal) intake() *intake.Intake {
	cloud, kept, queues := r.clients("intake")
	return &intake.Intake{Cloud: cloud, Records: kept, Queues: queues, Prefix: testPrefix, Clock: r.Now, Log: slog.New(slog.DiscardHandler)}
}

// ask asks for a connection.
func (r *rehearsal) ask(request string) {
	r.t.Helper()
	parsed, problems := interconnect.DecodeRequest([]byte(request))
	require.Empty(r.t, problems)
	_, err := r.intake().Ask(context.Background(), parsed, intake.Asker{Token: "test"})
	require.NoError(r.t, err)
}

func (r *rehearsal) disconnect(id string) {
	r.t.Helper()
	_, err := r.intake().Disconnect(context.Background(), id, intake.Asker{Token: "test"})
	require.NoError(r.t, err)
}

func (r *rehearsal) sweep() {
	r.t.Helper()
	_, err := r.intake().Sweep(context.Background())
	require.NoError(r.t, err)
}

// http asks the API, as somebody with a token.
func (r *rehearsal) http(method, path, body string) string {
	r.t.Helper()
	const token = "secret"
	in := r.intake()
	sum := sha256.Sum256([]byte(token))
	in.Tokens = []intake.Token{{Name: "test", Hash: sum}}
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	in.ServeHTTP(w, req)
	require.Less(r.t, w.Code, 300, "%s %s: %s", method, path, w.Body)
	return w.Body.String()
}

// runners makes each step's function.
var runners = map[string]func(*alicloud.Cloud) chain.Runner{
	"peering":        func(c *alicloud.Cloud) chain.Runner { return peering.New(c) },
	"routes":         func(c *alicloud.Cloud) chain.Runner { return routes.New(c) },
	"securitygroups": func(c *alicloud.Cloud) chain.Runner { return securitygroups.New(c) },
	"verification":   func(c *alicloud.Cloud) chain.Runner { return verification.New(c) },
}

// deliver has a function handle one message.
func (r *rehearsal) deliver(function, body string) error {
	cloud, kept, queues := r.clients(function)
	event, err := json.Marshal([]any{map[string]any{
		"specversion": "1.0", "type": "mns:Queue:SendMessage", "source": "test", "id": "1", "subject": "acs:mns:x:1:queues/" + testPrefix + "-x",
		"data": map[string]string{"requestId": "1", "messageId": "1", "messageBody": body},
	}})
	require.NoError(r.t, err)
	h := &chain.Handler{Runner: runners[function](cloud), Records: kept, Queues: queues, Prefix: testPrefix, Clock: r.Now, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return h.Handle(ctx, event)
}

// settle delivers messages until the queues of the steps stay empty.
func (r *rehearsal) settle() {
	r.t.Helper()
	for idle, n := 0, 0; idle < 70; n++ { // a step may wait a minute for a moment that it knows
		require.Less(r.t, n, 2000, "the chain does not come to an end")
		got := false
		for _, s := range chain.Stages(interconnect.Connect) {
			q := engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + s.Queue}
			list, err := r.engine.ReceiveMessages(q, 1, 0)
			require.NoError(r.t, err)
			for _, m := range list {
				got = true
				require.NoError(r.t, r.deliver(strings.ReplaceAll(string(s.Step), "-", ""), m.Body))
				require.NoError(r.t, r.engine.DeleteMessage(q, m.ReceiptHandle))
			}
		}
		if got {
			idle = 0
			continue
		}
		idle++
		r.pass(time.Second)
	}
}

// by hand makes a call as the account's owner would in the console.
func (r *rehearsal) byHand(region, action string, parameters map[string]string) {
	r.t.Helper()
	p := map[string]string{"RegionId": region}
	for k, v := range parameters {
		p[k] = v
	}
	got := r.engine.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: action, Parameters: p, Caller: r.root})
	require.Nil(r.t, got.Err, action)
	r.pass(time.Minute)
}

func (r *rehearsal) record(id string) *interconnect.Record {
	r.t.Helper()
	_, kept, _ := r.clients("intake")
	rec, err := kept.Get(context.Background(), id)
	require.NoError(r.t, err)
	return rec
}

func (r *rehearsal) state(id string) interconnect.State {
	r.t.Helper()
	return interconnect.Overall(r.record(id), r.Now())
}

// request is the tutorial's, with an advanced group on one side.
func request(specification string, advanced bool) string {
	more := ""
	if advanced {
		more = `, {"securityGroupId": "sg-m5e1qingdaoadvanced", "allow": [{"protocol": "ICMP"}]}`
	}
	return `{"id": "c", "type": "ExpressConnect", "allowCut": true, "specification": "` + specification + `",
  "initiator": {"regionId": "cn-qingdao", "vpcId": "vpc-m5e1qingdao000000vpc1",
    "securityGroups": [{"securityGroupId": "sg-m5e1qingdao0000group", "allow": [{"protocol": "ICMP"}]}` + more + `],
    "probe": {"instanceId": "i-m5e1qingdao000000ecs1"}},
  "acceptor": {"regionId": "cn-beijing", "vpcId": "vpc-2ze2beijing000000vpc2",
    "securityGroups": [{"securityGroupId": "sg-2ze2beijing0000group", "allow": [{"protocol": "ICMP"}]}]}}`
}

// endTooLate ends a connection of which a newer generation is recorded than the one
// that is to end.
func (r *rehearsal) endTooLate(id string) {
	r.t.Helper()
	rec := r.record(id)
	w := interconnect.NextDisconnect(rec)
	w.Disconnect, w.Ends = true, rec.Generation-1
	_, kept, _ := r.clients("intake")
	g, err := kept.PutRequest(context.Background(), id, w)
	require.NoError(r.t, err)
	require.Equal(r.t, rec.Generation+1, g)
	rec = r.record(id)
	require.True(r.t, rec.Live())
	queue, m := chain.FirstMessage(rec, "again")
	_, err = r.engine.SendMessage(engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + queue}, engine.Outgoing{Body: string(m.Body())})
	require.NoError(r.t, err)
}

// everything has the project do all that it can do.
func (r *rehearsal) everything() {
	t := r.t
	// A refused router interface is rolled back.
	r.refusal = &engine.Error{Status: 400, Code: "InvalidSpec.Malformed", Message: "No."}
	r.ask(request("Mini.2", true))
	r.settle()
	require.Equal(t, interconnect.StateFailed, r.state("c"))
	r.refusal = nil

	r.ask(request("Mini.2", true))
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"))

	// Something was to end it that did not see that it was asked for anew.
	r.ask(request("Mini.5", true))
	r.endTooLate("c")
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"))

	// Whoever asks is shown what exists, and what would come of a change.
	r.http("GET", "/connections/c", "")
	r.http("POST", "/connections?dryRun=true", request("Small.1", false))
	r.http("POST", "/connections/c/verifications", "")
	r.settle()

	// A change: another size, and a group less, whose rules are pruned.
	r.ask(request("Small.1", false))
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"))

	// What somebody else did is repaired: a side deactivated, a route led
	// elsewhere.
	now := world.Export(r.engine)
	for _, i := range now.RouterInterfaces {
		if i.Role == "InitiatingSide" {
			r.byHand("cn-qingdao", "DeactivateRouterInterface", map[string]string{"RouterInterfaceId": i.ID})
		}
	}
	for _, v := range now.VPCs {
		if v.Region == "cn-qingdao" {
			r.byHand(v.Region, "ModifyRouteEntry", map[string]string{
				"RouteEntryId": v.RouteTables[0].Routes[0].ID, "NewNextHopType": "Instance", "NewNextHopId": v.Instances[0].ID,
			})
		}
	}
	queue, m := chain.RepairMessage(r.record("c"), "repair")
	_, err := r.engine.SendMessage(engine.QueueRef{Region: testRegion, Name: testPrefix + "-" + queue}, engine.Outgoing{Body: string(m.Body())})
	require.NoError(t, err)
	r.settle()

	// Time passes, and it is checked.
	r.pass(10 * time.Minute)
	r.sweep()
	r.settle()
	require.Equal(t, interconnect.StateConnected, r.state("c"))

	// Packets stop, and all that may stop them is looked at.
	for _, silent := range []bool{true, false} {
		require.NoError(t, r.engine.SetGuest("i-m5e1qingdao000000ecs1", func(g *engine.GuestFacts) { g.DropICMP = silent }))
		r.http("POST", "/connections/c/verifications", "")
		r.settle()
		require.Equal(t, map[bool]interconnect.State{true: interconnect.StateBlocked, false: interconnect.StateConnected}[silent], r.state("c"))
	}

	// While a step is at work the request is changed: it makes way.
	for _, c := range []struct{ function, action string }{
		{"securitygroups", "AuthorizeSecurityGroupEgress"}, {"verification", "RunCommand"},
	} {
		r.ask(request("Mini.2", c.function == "securitygroups"))
		r.once(c.function, c.action, func() { r.ask(request("Small.1", false)) })
		r.settle()
	}

	// Messages from the future, and some that say nothing.
	for function := range runners {
		ahead := m
		ahead.Generation += 100
		if function == "verification" {
			ahead.Action, ahead.Repair = interconnect.Verify, false
		}
		require.NoError(t, r.deliver(function, string(ahead.Body())))
		require.NoError(t, r.deliver(function, "not a message"))
	}
	r.settle()

	r.disconnect("c")
	r.settle()
	require.Equal(t, interconnect.StateDisconnected, r.state("c"))

	// The same by a VPC peering connection, wider later.
	for _, bandwidth := range []string{"10", "20"} {
		r.ask(strings.Replace(strings.Replace(request("", false), "ExpressConnect", "VpcPeering", 1), `"specification": ""`, `"bandwidth": `+bandwidth, 1))
		r.settle()
		require.Equal(t, interconnect.StateConnected, r.state("c"))
	}
	r.disconnect("c")
	r.settle()
	require.Equal(t, interconnect.StateDisconnected, r.state("c"))
	require.Equal(t, interconnect.StateDisconnected, follow(t, r.told()))
	r.pass(15 * 24 * time.Hour)
	r.sweep()
	require.Nil(t, r.record("c"))
	r.byTicket()
}

// What roles may do is what they do: nothing lacks, and nothing is too much.
func TestRolesMayDoExactlyWhatTheyDo(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	r := rehearse(t, string(template))
	r.everything()
	require.Empty(t, r.denied, "a permission lacks in template.yml")

	used := r.judge.Used()
	for _, role := range r.base.Roles {
		for _, p := range role.Policies {
			parsed, err := ram.Parse(string(p.Document))
			require.NoError(t, err)
			for _, g := range parsed.Grants() {
				found := false
				for _, u := range used {
					found = found || u.Role == role.Name && g.Covers(u.Action, u.Resource)
				}
				if !found {
					t.Errorf("template.yml allows %s %s on %s, which it never does", role.Name, g.Action, g.Resource)
				}
			}
		}
	}
}

// A function whose role lacks an action says which action on what is to be
// allowed, wherever the connection's state is read.
func TestARoleThatLacksAnActionIsToldWhich(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("../template.yml")
	require.NoError(t, err)
	for lacking, c := range map[string]struct {
		role string // whose permission goes
		want string
	}{
		"vpc:CreateRouteEntries":       {"Routes", "vpc:CreateRouteEntries on acs:vpc:cn-qingdao:*:routetable/vtb-m5e1qingdao000000vpc1"},
		"vpc:ConnectRouterInterface":   {"Peering", "vpc:ConnectRouterInterface on acs:vpc:cn-qingdao:*:routerinterface/ri-"},
		"ecs:AuthorizeSecurityGroup":   {"SecurityGroups", "ecs:AuthorizeSecurityGroup on *"},
		"ecs:RunCommand":               {"Verification", "ecs:RunCommand on acs:ecs:cn-qingdao:*:instance/i-m5e1qingdao000000ecs1"},
		"vpc:DescribeRouterInterfaces": {"Peering", "vpc:DescribeRouterInterfaces on acs:vpc:cn-"},
	} {
		t.Run(lacking, func(t *testing.T) {
			t.Parallel()
			from := strings.Index(string(template), "\n  "+c.role+"Role:\n")
			at := from + strings.Index(string(template)[from:], "- "+lacking+"\n")
			require.Greater(t, at, from)
			r := rehearse(t, string(template)[:at]+"- vpc:Nothing\n"+string(template)[at+len("- "+lacking+"\n"):])
			r.ask(request("Mini.2", false))
			r.settle()
			require.NotEmpty(t, r.denied)
			said := r.http("GET", "/connections/c", "")
			require.Contains(t, said, c.want)
		})
	}
}
