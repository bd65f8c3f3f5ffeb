package fc

import (
	"encoding/json"
	"fmt"
	"time"
)

// InvokeAsync hands an event over; the platform sees to its retries and
// destinations. It returns at once.
func (p *Platform) InvokeAsync(id string, event []byte) error {
	f := p.functions[id]
	switch {
	case f == nil:
		return fmt.Errorf("there is no function %s", id)
	case len(event) > maxAsync:
		return fmt.Errorf("an event of %d bytes is over 128 KB, the limit of asynchronous invocations", len(event))
	case p.ctx.Err() != nil:
		return errStopped
	}
	p.goWork(func() { p.async(f, event) })
	return nil
}

// async tries until the event succeeds, its retries are spent, or it is too
// old. The function's own failures spend retries; the platform's do not
// (facts A7). The pauses between tries are not published; they grow from 1 s
// to 60 s here.
func (p *Platform) async(f *function, event []byte) {
	began, spent, tries := p.now(), 0, 0
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		r := f.invoke(event, tries)
		tries++
		if r.Failure == nil {
			p.destination(f, f.Async.OnSuccess, "Success", event, r, tries)
			return
		}
		if r.Failure.Kind != FailureThrottled {
			spent++
		}
		condition := ""
		switch {
		case r.Failure.Kind == FailureStopped:
			return
		case spent > f.Async.Retries:
			condition = "RetriesExhausted"
		case p.now().Add(pause).Sub(began) > f.Async.MaxAge:
			condition = "EventAgeExceeded"
		}
		if condition != "" {
			if f.Async.OnFailure == "" {
				p.observe(Event{Kind: EventDiscarded, Function: f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
			}
			p.destination(f, f.Async.OnFailure, condition, event, r, tries)
			return
		}
		p.observe(Event{Kind: EventRetry, Function: f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
		if !p.pause(pause) {
			return
		}
	}
}

// destination reports the end of an asynchronous invocation to a queue.
func (p *Platform) destination(f *function, queue, condition string, event []byte, r Result, tries int) {
	if queue == "" {
		return
	}
	response := map[string]any{"statusCode": 200, "functionError": ""}
	if r.Failure != nil {
		response["functionError"] = string(r.Failure.Kind)
	}
	doc, err := json.Marshal(map[string]any{
		"timestamp": p.now().UnixMilli(),
		"requestContext": map[string]any{
			"requestId": r.RequestID, "condition": condition, "approximateInvokeCount": tries,
			"functionArn": fmt.Sprintf("acs:fc:%s:%s:functions/%s", f.Region, p.cloud.AccountID(), f.Name),
		},
		"requestPayload": string(event), "responseContext": response, "responsePayload": string(r.Payload),
	})
	if err == nil {
		err = p.deadLetter(f, queue, doc, r)
	}
	if err != nil {
		p.observe(Event{Kind: EventDiscarded, Function: f.ID, RequestID: r.RequestID, Error: err.Error()})
	}
}

// deadLetter sends doc to a queue; a queue that answers with an error is tried
// some times more.
func (p *Platform) deadLetter(f *function, queue string, doc []byte, r Result) error {
	var err error
	for range 5 {
		if err = p.cloud.Send(queue, doc); err == nil {
			if r.Failure != nil {
				f.count(func(s *Stats) { s.DeadLetters++ })
				p.observe(Event{Kind: EventDeadLetter, Function: f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
			}
			return nil
		}
		if !p.pause(time.Second) {
			return errStopped
		}
	}
	return fmt.Errorf("queue %s: %w", queue, err)
}
