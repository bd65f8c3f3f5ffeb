package stack

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// cloud is the engine as Function Compute sees it from a region.
type cloud struct {
	e      *engine.Engine
	region string
	keys   *fc.Credentials // that functions get, whatever their role; nil: keys of their roles
}

var _ fc.Cloud = cloud{}

func (c cloud) AccountID() string { return c.e.AccountID() }

// fcService is who assumes functions' roles.
const fcService = "fc.aliyuncs.com"

func (c cloud) Assume(role, session string, ttl time.Duration) (fc.Credentials, error) {
	if r, ok := c.e.Role(role); ok && !slices.Contains(r.Trust, fcService) {
		return fc.Credentials{}, fmt.Errorf("%s does not trust %s", r.Name, fcService)
	}
	if c.keys != nil {
		return *c.keys, nil
	}
	k, err := c.e.RoleCredentials(role, session, ttl)
	return fc.Credentials{AccessKeyID: k.AccessKeyID, AccessKeySecret: k.Secret, SecurityToken: k.Token}, err
}

func (c cloud) queue(name string) engine.QueueRef {
	return engine.QueueRef{Region: c.region, Name: name}
}

func (c cloud) Receive(queue string, n int) ([]fc.Message, error) {
	got, err := c.e.ReceiveMessages(c.queue(queue), n, 0)
	out := make([]fc.Message, 0, len(got))
	for _, m := range got {
		out = append(out, fc.Message{ID: m.ID, Handle: m.ReceiptHandle, Body: []byte(m.Body), Enqueued: m.Enqueued})
	}
	return out, err
}

func (c cloud) Delete(queue, handle string) error { return c.e.DeleteMessage(c.queue(queue), handle) }

func (c cloud) Send(queue string, body []byte) error {
	_, err := c.e.SendMessage(c.queue(queue), engine.Outgoing{Body: string(body)})
	return err
}

// provide makes what template.yml asks for, in the deployment's region, which
// is added to the world if it has none of that name.
func provide(e *engine.Engine, region string, base *manifest.Base) error {
	if known := e.VPCSnapshot().Regions; !slices.ContainsFunc(known, func(r engine.Region) bool { return r.ID == region }) {
		e.AddRegion(engine.Region{ID: region, Zones: []string{region + "-a"}})
	}
	// Dead-letter queues first: a policy names one that is there.
	queues := slices.Clone(base.Queues)
	slices.SortStableFunc(queues, func(a, b manifest.Queue) int { return len(a.DeadLetters) - len(b.DeadLetters) })
	for _, q := range queues {
		if _, err := e.CreateQueue(engine.QueueRef{Region: region, Name: q.Name}, attributes(q)); err != nil {
			return fmt.Errorf("queue %s: %w", q.Name, err)
		}
	}
	for _, r := range base.Roles {
		spec := engine.RoleSpec{Name: r.Name}
		var err error
		if spec.Trust, err = trusted(r.Trust); err != nil {
			return fmt.Errorf("role %s: %w", r.Name, err)
		}
		for _, p := range r.Policies {
			spec.Policies = append(spec.Policies, string(p.Document))
		}
		e.AddRole(spec)
	}
	return nil
}

func attributes(q manifest.Queue) engine.QueueAttributes {
	a := engine.DefaultQueueAttributes()
	for _, f := range []struct {
		from *int
		to   *int
	}{
		{q.DelaySeconds, &a.DelaySeconds}, {q.MaximumSize, &a.MaximumMessageSize}, {q.Retention, &a.MessageRetentionPeriod},
		{q.VisibilityTimeout, &a.VisibilityTimeout}, {q.PollingWait, &a.PollingWaitSeconds},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if q.DeadLetters != "" {
		a.DeadLetter = engine.DeadLetterPolicy{Enabled: true, Target: q.DeadLetters, MaxReceiveCount: q.MaxReceiveCount}
	}
	return a
}

// trusted reads who a trust policy lets assume a role.
func trusted(document json.RawMessage) ([]string, error) {
	var doc struct {
		Statement []struct {
			Effect    string
			Action    any
			Principal struct{ Service, RAM []string }
		}
	}
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, fmt.Errorf("its trust policy cannot be read: %w", err)
	}
	var out []string
	for _, s := range doc.Statement {
		if s.Effect == "Allow" && s.Action == any("sts:AssumeRole") {
			out = append(append(out, s.Principal.Service...), s.Principal.RAM...)
		}
	}
	return out, nil
}
