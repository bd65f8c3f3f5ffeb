package manifest

import (
	"regexp"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"vpcinterconnect/shared/localcloud/yamlfile"
)

// addTrigger reads one trigger into the function.
func addTrigger(f *yamlfile.File, at string, t triggerNode, fn *Function) error {
	read, known := map[string]func(*yamlfile.File, string, triggerNode, *Function) error{
		"http": httpTrigger, "timer": timerTrigger, "eventbridge": queueTrigger,
	}[t.TriggerType]
	switch {
	case t.TriggerName == "":
		return f.Errorf(at+".triggerName", "is needed")
	case !known:
		return f.Errorf(at+".triggerType", "http, timer and eventbridge are known here, this is %q", t.TriggerType)
	case t.Qualifier != "" && t.Qualifier != "LATEST":
		return f.Errorf(at+".qualifier", "versions and aliases are not implemented: only LATEST is")
	}
	for kind, keys := range t.TriggerConfig.present() {
		if kind != t.TriggerType && len(keys) > 0 {
			return f.Errorf(at+".triggerConfig."+keys[0], "is a key of triggers of type %s, not of %s", kind, t.TriggerType)
		}
	}
	return read(f, at+".triggerConfig", t, fn)
}

// methods are those that an HTTP trigger may list (facts B).
var methods = []string{"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"}

func httpTrigger(f *yamlfile.File, at string, t triggerNode, fn *Function) error {
	c := t.TriggerConfig
	switch {
	case fn.HTTP != nil:
		return f.Errorf(at, "a function has one HTTP trigger")
	case c.AuthType == nil || *c.AuthType != "anonymous":
		return f.Errorf(at+".authType", "only anonymous is implemented here")
	case c.DisableURLInternet != nil && *c.DisableURLInternet:
		return f.Errorf(at+".disableURLInternet", "a function without a public URL cannot be called here")
	case len(c.Methods) == 0:
		return f.Errorf(at+".methods", "at least one is needed")
	}
	for _, m := range c.Methods {
		if !slices.Contains(methods, m) {
			return f.Errorf(at+".methods", "%q is not one of %v", m, methods)
		}
	}
	fn.HTTP = &HTTPTrigger{Name: t.TriggerName, Methods: c.Methods}
	return nil
}

var everyMinutes = regexp.MustCompile(`^@every [1-9][0-9]*m$`)

// Schedule parses a timer's expression: @every Nm, or six fields in UTC unless
// CRON_TZ= says otherwise (facts C).
func Schedule(expression string) (cron.Schedule, error) {
	p := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	if everyMinutes.MatchString(expression) {
		p = cron.NewParser(cron.Descriptor)
	}
	s, err := p.Parse(expression)
	if err != nil {
		return nil, err
	}
	if spec, ok := s.(*cron.SpecSchedule); ok && spec.Location == time.Local {
		spec.Location = time.UTC
	}
	return s, nil
}

func timerTrigger(f *yamlfile.File, at string, t triggerNode, fn *Function) error {
	c := t.TriggerConfig
	switch {
	case c.CronExpression == nil:
		return f.Errorf(at+".cronExpression", "is needed")
	case c.Enable == nil:
		return f.Errorf(at+".enable", "is needed")
	}
	if _, err := Schedule(*c.CronExpression); err != nil {
		return f.Errorf(at+".cronExpression", "%s", err)
	}
	out := TimerTrigger{Name: t.TriggerName, Cron: *c.CronExpression, Enabled: *c.Enable}
	if c.Payload != nil {
		out.Payload = *c.Payload
	}
	if len(out.Payload) > 128<<10 {
		return f.Errorf(at+".payload", "%d bytes are more than 128 KB", len(out.Payload))
	}
	fn.Timers = append(fn.Timers, out)
	return nil
}

func queueTrigger(f *yamlfile.File, at string, t triggerNode, fn *Function) error {
	c := t.TriggerConfig
	if c.EventSourceConfig == nil {
		return f.Errorf(at+".eventSourceConfig", "is needed")
	}
	if k := c.EventSourceConfig.EventSourceType; k != "MNS" {
		return f.Errorf(at+".eventSourceConfig.eventSourceType", "only MNS is implemented here, this is %q", k)
	}
	src := c.EventSourceConfig.EventSourceParameters.SourceMNSParameters
	src.RegionId = orDefault(src.RegionId, fn.Region)
	out := QueueTrigger{
		Name: t.TriggerName, Region: src.RegionId, Queue: src.QueueName,
		Base64Decode: isTrue(src.IsBase64Decode, true), Enabled: isTrue(c.TriggerEnable, true),
		Async: isTrue(c.AsyncInvocationType, false), Batch: 1,
	}
	at0 := at + ".eventSourceConfig.eventSourceParameters.sourceMNSParameters"
	switch {
	case src.QueueName == "":
		return f.Errorf(at0+".QueueName", "is needed")
	case src.RegionId != fn.Region:
		return f.Errorf(at0+".RegionId", "the queue is to be in the function's region, %s", fn.Region)
	case c.EventRuleFilterPattern != nil && *c.EventRuleFilterPattern != "{}":
		return f.Errorf(at+".eventRuleFilterPattern", "filters are not implemented: only '{}', which lets all through, is")
	}
	mode := "event-driven" // what the older form without sink and options is
	if s := c.EventSinkConfig; s != nil {
		mode = orDefault(s.DeliveryOption.Mode, mode)
		switch s.DeliveryOption.EventSchema {
		case "", "CloudEvents":
		case "RawData":
			out.RawData = true
		default:
			return f.Errorf(at+".eventSinkConfig.deliveryOption.eventSchema", "CloudEvents and RawData are known")
		}
	}
	if o := c.RunOptions; o != nil {
		mode = orDefault(o.Mode, mode) // wins over deliveryOption's (facts D1)
		if err := options(f, at+".runOptions", o, &out); err != nil {
			return err
		}
	}
	switch mode {
	case "event-streaming":
		out.Streaming = true
	case "event-driven":
	default:
		return f.Errorf(at+".runOptions.mode", "event-streaming and event-driven are known, this is %q", mode)
	}
	if !out.Streaming && (out.Batch > 1 || out.RawData) {
		return f.Errorf(at+".runOptions", "batches and RawData are of event-streaming only")
	}
	fn.Queues = append(fn.Queues, out)
	return nil
}

func options(f *yamlfile.File, at string, o *runOptions, out *QueueTrigger) error {
	switch o.ErrorsTolerance {
	case "", "NONE":
	case "ALL":
		out.Tolerant = true
	default:
		return f.Errorf(at+".errorsTolerance", "NONE and ALL are known")
	}
	switch o.RetryStrategy.PushRetryStrategy {
	case "", "BACKOFF_RETRY":
	case "EXPONENTIAL_DECAY_RETRY":
		out.Exponential = true
	default:
		return f.Errorf(at+".retryStrategy.PushRetryStrategy", "BACKOFF_RETRY and EXPONENTIAL_DECAY_RETRY are known")
	}
	out.Batch = orDefault(o.BatchWindow.CountBasedWindow, 1)
	out.Window = time.Duration(o.BatchWindow.TimeBasedWindow) * time.Second
	if out.Batch < 1 || out.Batch > 10000 {
		return f.Errorf(at+".batchWindow.CountBasedWindow", "1 to 10000 are allowed")
	}
	if out.Window < 0 || out.Window > 15*time.Second {
		return f.Errorf(at+".batchWindow.TimeBasedWindow", "0 to 15 seconds are allowed")
	}
	if o.DeadLetterQueue != nil {
		q, ok := queueOf(o.DeadLetterQueue.Arn)
		if !ok {
			return f.Errorf(at+".deadLetterQueue.Arn", "only a queue is known here: acs:mns:<region>:<account>:/queues/<name>")
		}
		out.DeadLetters = q
	}
	return nil
}

func isTrue(b *bool, absent bool) bool {
	if b == nil {
		return absent
	}
	return *b
}

func orDefault[T comparable](v, absent T) T {
	var zero T
	if v == zero {
		return absent
	}
	return v
}
