package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"vpcinterconnect/shared/localcloud/bench"
	"vpcinterconnect/shared/localcloud/world"
)

// patience is how long a part of the bench waits for its connections.
const patience = 10 * time.Minute

// settleFor is how long after the end of a run the functions' last calls may
// still be on their way.
const settleFor = 300 * time.Millisecond

// follow asks for something and returns what happened until it had ended.
func (l *laboratory) follow(ctx context.Context, method, path string, body []byte, id, do, verdict string) (bench.Recording, error) {
	a, err := l.want(ctx, method, path, body)
	if err != nil {
		return bench.Recording{}, err
	}
	end, err := l.ended(ctx, do, verdict, a.From, id)
	if err != nil {
		return bench.Recording{}, err
	}
	time.Sleep(settleFor)
	return l.Between(a.From, end, a.Window), nil
}

// scheduled has a connection checked as the schedule does, without waiting for the
// sweep, and returns what happened until the check had ended.
func (l *laboratory) scheduled(ctx context.Context, id string) (bench.Recording, error) {
	from := time.Now()
	message := fmt.Sprintf(`{"schema":1,"connectionId":%q,"generation":1,"action":"verify","hops":0,"trace":"slot-%d"}`, id, from.Unix())
	event, err := json.Marshal([]any{map[string]any{"data": map[string]any{"requestId": "r", "messageId": "m", "messageBody": message}}})
	if err != nil {
		return bench.Recording{}, err
	}
	if result := l.Functions.Invoke("verification", event); result.Failure != nil {
		return bench.Recording{}, result.Failure
	}
	end, err := l.ended(ctx, "verify", "connected", from, id)
	if err != nil {
		return bench.Recording{}, err
	}
	time.Sleep(settleFor)
	return l.Between(from, end), nil
}

// one makes the tutorial's connection, checks it, and takes it away.
func (b *benchmark) one(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w := world.Default()
	l, err := b.laboratory(ctx, w, b.latency, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	body, r, err := requestBody("", "ExpressConnect", w)
	if err != nil {
		return err
	}
	connect, err := l.follow(ctx, "POST", "/connections", body, r.ID, "connect", "connected")
	if err == nil {
		err = l.state(ctx, r.ID, "Connected")
	}
	if err != nil {
		return err
	}
	check, err := l.scheduled(ctx, r.ID)
	if err != nil {
		return err
	}
	asked, err := l.follow(ctx, "POST", "/connections/"+r.ID+"/verifications", nil, r.ID, "verify", "connected")
	if err != nil {
		return err
	}
	disconnect, err := l.follow(ctx, "DELETE", "/connections/"+r.ID, nil, r.ID, "prune", "isolated")
	if err == nil {
		err = l.state(ctx, r.ID, "Disconnected")
	}
	if err != nil {
		return err
	}
	b.single = connect.Took()
	for name, r := range map[string]bench.Recording{"connect": connect, "check": check, "check that somebody asks for": asked, "disconnect": disconnect} {
		b.report.Counts[name] = bench.TallyOf(r)
	}
	b.report.Paths["connect"] = bench.Critical(bench.Connect, connect, bench.Connected).Steps()
	b.report.Paths["disconnect"] = bench.Critical(bench.Disconnect, disconnect, bench.Disconnected).Steps()
	b.report.Paths["removal"] = bench.Critical(bench.Disconnect, disconnect, bench.Removed).Steps()
	b.report.Figures = append(b.report.Figures, bench.OfOne(connect, check, asked, disconnect)...)
	return nil
}

// many makes connections at once that have nothing in common.
func (b *benchmark) many(ctx context.Context) error {
	w, pairs := bench.Pairs(b.connections)
	return b.compare(ctx, w, pairs, bench.Figure{Key: "many", What: fmt.Sprintf("%d connections at once ÷ one", b.connections), Target: 2}, b.single, "")
}

// shared makes connections at once that share hubs, whose routes are one task
// at a time.
func (b *benchmark) shared(ctx context.Context) error {
	w, pairs := bench.Hubs(b.hubs, b.connections)
	task := time.Duration(bench.RouteTask * float64(b.transition))
	bound := b.single + time.Duration((b.connections+b.hubs-1)/b.hubs-1)*task
	return b.compare(ctx, w, pairs, bench.Figure{Key: "hubs", What: fmt.Sprintf("%d connections of %d hubs ÷ their bound", b.connections, b.hubs), Target: 1.25}, bound,
		fmt.Sprintf("; the bound is one connection and a hub's other route tasks, %.1f s each", task.Seconds()))
}

// compare makes connections at once, in both readings of how many messages of a
// queue Function Compute takes at a time: it is not published, and it bounds how
// many connections are worked on.
func (b *benchmark) compare(ctx context.Context, w *world.World, pairs []bench.Pair, f bench.Figure, with time.Duration, more string) error {
	took, how, err := b.atOnce(ctx, w, pairs, 0)
	if err != nil {
		return err
	}
	other, otherHow, err := b.atOnce(ctx, w, pairs, b.pushes)
	if err != nil {
		return err
	}
	against := fmt.Sprintf(" ÷ %.1f s; ", with.Seconds())
	b.figure(bench.AtMost(f.Key, f.What, bench.Ratio(took, with), f.Target, fmt.Sprintf("%.1f s%s%s%s", took.Seconds(), against, how, more),
		fmt.Sprintf("4 messages of a queue are taken at a time, which is the local cloud's reading of what is not published; with %d at a time it is %.2f: %.1f s%s%s", b.pushes, bench.Ratio(other, with), other.Seconds(), against, otherHow)))
	return nil
}

// atOnce asks for all pairs in one request and waits until all are Connected.
func (b *benchmark) atOnce(ctx context.Context, w *world.World, pairs []bench.Pair, pushes int) (took time.Duration, how string, err error) {
	if b.single == 0 {
		return 0, "", errors.New("it is compared with one connection: measure that too")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := b.laboratory(ctx, w, b.latency, pushes)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	var batch struct {
		Connections []request `json:"connections"`
	}
	var ids []string
	for n, p := range pairs {
		id := fmt.Sprintf("bench-%04d", n)
		ids = append(ids, id)
		batch.Connections = append(batch.Connections, request{
			ID: id, Type: "ExpressConnect", Specification: "Mini.2", Initiator: sideOf(w.VPCs[p.Initiator]), Acceptor: sideOf(w.VPCs[p.Acceptor]),
		})
	}
	body, err := json.Marshal(batch)
	if err != nil {
		return 0, "", err
	}
	a, err := l.want(ctx, "POST", "/connections", body)
	if err != nil {
		return 0, "", err
	}
	end, err := l.ended(ctx, "connect", "connected", a.From, ids...)
	if err != nil {
		return 0, "", err
	}
	took = end.Sub(a.From)
	r := l.Between(a.From, end, a.Window)
	refused, tasks := map[string]int{}, 0
	var codes []string
	for _, c := range r.Calls {
		if c.Code != "" {
			refused[c.Code]++
		} else if c.Action == "CreateRouteEntries" {
			tasks++
		}
	}
	for code, n := range refused {
		codes = append(codes, fmt.Sprintf("%d %s", n, code))
	}
	slices.Sort(codes)
	how = fmt.Sprintf("%d calls, %d of them tasks for routes, %d invocations, intake's answer after %.1f s, refused: %v", len(r.Calls), tasks, len(r.Runs), a.To.Sub(a.From).Seconds(), codes)
	return took, how, nil
}
