package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/steps/peering"
	"vpcinterconnect/shared/steps/routes"
	"vpcinterconnect/shared/steps/securitygroups"
	"vpcinterconnect/shared/steps/verification"
	"vpcinterconnect/shared/trigger"
)

// What Function Compute gives a function: s.yaml's timeout, less what the
// runtime's wrapper keeps to report the end.
const (
	functionTimeout = 60 * time.Second
	functionMargin  = time.Second
)

// stepCloud is all that the steps need of the cloud.
type stepCloud interface {
	peering.Cloud
	routes.Cloud
	securitygroups.Cloud
	verification.Cloud
}

// store is what intake and the chain need of the records.
type store interface {
	intake.Records
	chain.Records
	chain.Freezer
}

// wiring is how functions are put together. The zero value is how main.go files
// do it; a wrong implementation wraps one of the parts.
type wiring struct {
	cloud   func(stepCloud) stepCloud
	store   func(store) store
	queues  func(chain.Queues) chain.Queues
	runner  func(chain.Runner) chain.Runner
	message func(chain.Message, store) store // the store of the handler of one message
	intake  func(what string, in *intake.Intake)
}

// carrier takes what a function sends to the cloud.
type carrier interface {
	alicloud.Direct
	http.RoundTripper
}

// client makes an invocation's clients, as its main.go does.
func (s *sim) client(inv trigger.Invocation, way carrier) (*alicloud.Cloud, store, chain.Queues) {
	cloud := alicloud.New(inv, alicloud.Options{Direct: way})
	queues, err := mns.New(inv, mns.Options{Endpoint: "https://" + s.account + ".mns." + home + ".aliyuncs.com", Prefix: prefix, Transport: way})
	must(err)
	return cloud, records.New(cloud, prefix), queues
}

// stepFunction returns a step's function: the handler that its main.go builds. The
// events are one, of several messages, taken apart so that each message's calls can
// be told from the others'.
func (s *sim) stepFunction(v *invocation, events ...[]byte) func(context.Context) error {
	return func(ctx context.Context) error {
		real, kept, queues := s.client(s.invocationOf(v), way{&s.gate, v})
		var cloud stepCloud = real
		w := s.wiring
		if w.cloud != nil {
			cloud = w.cloud(cloud)
		}
		if w.store != nil {
			kept = w.store(kept)
		}
		if w.message != nil {
			if e, err := trigger.Decode(events[0]); err == nil && len(e.Queue) == 1 {
				if m, err := chain.ParseMessage(e.Queue[0].Body); err == nil {
					kept = w.message(m, kept)
				}
			}
		}
		if w.queues != nil {
			queues = w.queues(queues)
		}
		runner := map[string]chain.Runner{
			"peering": peering.New(cloud), "routes": routes.New(cloud),
			"security-groups": securitygroups.New(cloud), "verification": verification.New(cloud),
		}[v.function]
		if w.runner != nil {
			runner = w.runner(runner)
		}
		h := &chain.Handler{Runner: runner, Records: kept, Queues: queues, Prefix: prefix, Function: v.function, Log: s.log(v)}
		errs := make([]error, len(events))
		var group sync.WaitGroup
		for i, event := range events {
			group.Go(func() { errs[i] = h.Handle(context.WithValue(ctx, partKey{}, i), event) })
		}
		group.Wait()
		return errors.Join(errs...)
	}
}

// intakeFunction returns something that intake's function does.
func (s *sim) intakeFunction(v *invocation, do func(context.Context, *intake.Intake) error) func(context.Context) error {
	return func(ctx context.Context) error {
		cloud, kept, queues := s.client(s.invocationOf(v), way{&s.gate, v})
		if s.wiring.store != nil {
			kept = s.wiring.store(kept)
		}
		n := 0
		in := &intake.Intake{
			Cloud: cloud, Records: kept, Queues: queues, Prefix: prefix, CheckInterval: s.checkInterval, Log: s.log(v),
			NewTrace: func() string { n++; return fmt.Sprintf("t%d-%d", v.id, n) },
		}
		if s.wiring.intake != nil {
			s.wiring.intake(v.what, in)
		}
		return do(ctx, in)
	}
}

func (s *sim) invocationOf(v *invocation) trigger.Invocation {
	c := s.credentials[v.function]
	return trigger.Invocation{
		RequestID: fmt.Sprintf("inv-%d", v.id), FunctionName: prefix + "-" + v.function, Region: home, AccountID: s.account,
		Credentials: trigger.Credentials{AccessKeyID: c.AccessKeyID, AccessKeySecret: c.Secret, SecurityToken: c.Token},
		Deadline:    v.ends.Add(-functionMargin),
	}
}

// log returns a logger that writes a step's outcome into the trace.
func (s *sim) log(v *invocation) *slog.Logger { return slog.New(&outcomes{sim: s, by: v}) }

// outcomes keeps what functions say of their steps.
type outcomes struct {
	sim *sim
	by  *invocation
}

func (o *outcomes) Enabled(context.Context, slog.Level) bool { return !o.sim.mute }
func (o *outcomes) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o *outcomes) WithGroup(string) slog.Handler            { return o }
func (o *outcomes) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "audit" || r.Message == "api call" {
		return nil
	}
	line := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "stack" {
			line += fmt.Sprintf(" %s=%.250s", a.Key, a.Value)
		}
		return true
	})
	o.by.mu.Lock()
	defer o.by.mu.Unlock()
	o.by.said = append(o.by.said, said{time.Now(), line})
	return nil
}

// event wraps a message as the queue's trigger delivers it.
func event(queue, id, body string) []byte {
	type data struct {
		RequestID   string `json:"requestId"`
		MessageID   string `json:"messageId"`
		MessageBody string `json:"messageBody"`
	}
	e := []any{map[string]any{
		"specversion": "1.0", "type": "mns:Queue:SendMessage", "source": prefix, "id": id,
		"subject": "acs:mns:" + home + ":0:queues/" + prefix + "-" + queue,
		"data":    data{id, id, body},
	}}
	b, err := json.Marshal(e)
	must(err)
	return b
}

// watch reads all records as they are now, without faults.
func (s *sim) watch() []interconnect.Record {
	s.weather.watching = true
	defer func() { s.weather.watching = false }()
	v := &invocation{function: "intake", ends: time.Now().Add(time.Hour)}
	_, kept, _ := s.client(s.invocationOf(v), s.cloudOf(v.function))
	list, err := kept.List(context.Background())
	if err != nil {
		s.violate("the records can be read: %v", err)
	}
	return list
}
