package intake

import (
	"context"
	"strings"
	"sync"

	"vpcinterconnect/shared/interconnect"
)

// memo is a cloud that asks each question once: the connections of a batch
// have VPCs in common. What is asked for one probe alone is passed through.
type memo struct {
	Cloud
	mu      sync.Mutex
	answers map[string]*remembered
}

// remembered is an answer, once it is there.
type remembered struct {
	once  sync.Once
	value any
	err   error
}

func remember[T any](m *memo, call func() (T, error), question ...string) (T, error) {
	key := strings.Join(question, " ")
	m.mu.Lock()
	r := m.answers[key]
	if r == nil {
		r = &remembered{}
		m.answers[key] = r
	}
	m.mu.Unlock()
	r.once.Do(func() { r.value, r.err = call() })
	if r.err != nil { // the next one asks again
		m.mu.Lock()
		if m.answers[key] == r {
			delete(m.answers, key)
		}
		m.mu.Unlock()
	}
	value, _ := r.value.(T)
	return value, r.err
}

func (m *memo) AccountID(ctx context.Context) (string, error) {
	return remember(m, func() (string, error) { return m.Cloud.AccountID(ctx) }, "AccountID")
}

func (m *memo) VPC(ctx context.Context, region, id string) (*interconnect.VPC, error) {
	return remember(m, func() (*interconnect.VPC, error) { return m.Cloud.VPC(ctx, region, id) }, "VPC", region, id)
}

func (m *memo) VSwitches(ctx context.Context, region, vpcID string) ([]interconnect.VSwitch, error) {
	return remember(m, func() ([]interconnect.VSwitch, error) { return m.Cloud.VSwitches(ctx, region, vpcID) }, "VSwitches", region, vpcID)
}

func (m *memo) RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error) {
	return remember(m, func() ([]interconnect.RouteTable, error) { return m.Cloud.RouteTables(ctx, region, vpcID) }, "RouteTables", region, vpcID)
}

func (m *memo) RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error) {
	return remember(m, func() ([]interconnect.RouteEntry, error) { return m.Cloud.RouteEntries(ctx, region, tableID) }, "RouteEntries", region, tableID)
}

func (m *memo) RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error) {
	return remember(m, func() ([]interconnect.RouterInterface, error) { return m.Cloud.RouterInterfaces(ctx, region, routerID) }, "RouterInterfaces", region, routerID)
}

func (m *memo) PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error) {
	return remember(m, func() ([]interconnect.PeeringConnection, error) {
		return m.Cloud.PeeringConnections(ctx, region, vpcID)
	}, "PeeringConnections", region, vpcID)
}

func (m *memo) SecurityGroups(ctx context.Context, region, vpcID string) ([]interconnect.GroupFacts, error) {
	return remember(m, func() ([]interconnect.GroupFacts, error) { return m.Cloud.SecurityGroups(ctx, region, vpcID) }, "SecurityGroups", region, vpcID)
}

func (m *memo) Instances(ctx context.Context, region, vpcID string) ([]interconnect.Instance, error) {
	return remember(m, func() ([]interconnect.Instance, error) { return m.Cloud.Instances(ctx, region, vpcID) }, "Instances", region, vpcID)
}

func (m *memo) Rules(ctx context.Context, region, groupID string) ([]interconnect.Rule, error) {
	return remember(m, func() ([]interconnect.Rule, error) { return m.Cloud.Rules(ctx, region, groupID) }, "Rules", region, groupID)
}

// memoRecords lists the records once.
type memoRecords struct {
	Recorded
	list func() ([]interconnect.Record, error)
}

func (m memoRecords) List(context.Context) ([]interconnect.Record, error) { return m.list() }

// remembering returns a planner that asks each question once.
func (p *Planner) remembering(ctx context.Context) *Planner {
	own := *p
	own.Cloud = &memo{Cloud: p.Cloud, answers: map[string]*remembered{}}
	own.Records = memoRecords{p.Records, sync.OnceValues(func() ([]interconnect.Record, error) { return p.readable(ctx) })}
	return &own
}
