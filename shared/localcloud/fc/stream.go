package fc

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// pollEvery is how often a stream looks for messages when there are none. It
// is not divided by Hurry.
const pollEvery = 50 * time.Millisecond

// stream pulls a queue's messages and pushes them into a function, as the
// EventBridge resource behind an eventbridge trigger does (facts D).
type stream struct {
	p       *Platform
	f       *function
	t       manifest.QueueTrigger
	stopped atomic.Bool // errorsTolerance NONE, and an event failed
}

// runStream starts the trigger: one puller, and as many pushes at a time as
// the platform is to make.
func (p *Platform) runStream(f *function, t manifest.QueueTrigger) {
	s := &stream{p: p, f: f, t: t}
	p.goWork(s.run)
}

func (s *stream) run() {
	slots := make(chan struct{}, s.p.opt.Parallel)
	for {
		select {
		case slots <- struct{}{}:
		case <-s.p.ctx.Done():
			return
		}
		var batch []Message
		for len(batch) == 0 {
			select {
			case <-s.p.ctx.Done():
				return
			default:
			}
			if s.stopped.Load() {
				return
			}
			if batch = s.pull(); len(batch) == 0 {
				select {
				case <-time.After(pollEvery):
				case <-s.p.ctx.Done():
					return
				}
			}
		}
		s.p.goWork(func() {
			s.push(batch)
			<-slots
		})
	}
}

// push delivers a batch and takes it off the queue.
func (s *stream) push(batch []Message) {
	if s.p.opt.DeleteFirst {
		s.remove(batch)
	}
	if s.deliver(batch) && !s.p.opt.DeleteFirst {
		s.remove(batch)
	}
}

// mostPerReceive is MNS's limit of one batch.
const mostPerReceive = 16

// pull collects a batch: until its count or its window is full, whichever is
// first.
func (s *stream) pull() []Message {
	var batch []Message
	began := s.p.now()
	for len(batch) < s.t.Batch {
		got, err := s.p.cloud.Receive(s.t.Queue, min(s.t.Batch-len(batch), mostPerReceive))
		if err == nil {
			batch = append(batch, got...)
		}
		if len(batch) == 0 || s.t.Window <= 0 || s.p.now().Sub(began) >= s.t.Window {
			break
		}
		if len(got) == 0 && !s.p.pause(s.t.Window/10) {
			break
		}
	}
	return batch
}

func (s *stream) remove(batch []Message) {
	for _, m := range batch {
		// A handle that has expired is no news: the message comes again.
		_ = s.p.cloud.Delete(s.t.Queue, m.Handle)
	}
}

// deliver pushes a batch until it succeeds or is given up; false if the
// messages are to stay on the queue.
func (s *stream) deliver(batch []Message) bool {
	events := make([]json.RawMessage, len(batch))
	for i, m := range batch {
		event, err := s.event(m)
		if err != nil {
			s.p.observe(Event{Kind: EventDiscarded, Function: s.f.ID, Error: err.Error()})
			return true
		}
		events[i] = event
	}
	body := []byte(events[0])
	if s.t.Streaming {
		if s.p.opt.EventsAsText {
			for i, e := range events {
				events[i], _ = json.Marshal(string(e)) // a string cannot fail
			}
		}
		body, _ = json.Marshal(events) // valid JSON each: it cannot fail
	}
	if s.t.Async {
		return s.handOver(body)
	}
	for try := 0; ; try++ {
		r := s.f.invoke(body, 0)
		if r.Failure == nil {
			if s.p.chance(s.p.opt.Chaos.PushTwice) {
				s.f.invoke(body, 0)
			}
			return true
		}
		if r.Failure.Kind == FailureStopped {
			return false
		}
		pause, again := s.backoff(try)
		if !again {
			return s.giveUp(body, r)
		}
		s.p.observe(Event{Kind: EventRetry, Function: s.f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
		if !s.p.pause(pause) {
			return false
		}
	}
}

func (s *stream) handOver(body []byte) bool {
	if err := s.p.InvokeAsync(s.f.ID, body); err != nil {
		return s.giveUp(body, Result{Failure: &Failure{Kind: FailureHandled, Message: err.Error()}})
	}
	return true
}

// backoff is the pause before the next try, after try+1 of them failed.
// BACKOFF_RETRY: 3 more at random 10 to 20 s. EXPONENTIAL_DECAY_RETRY: 176
// more, 1, 2, 4 ... 512 s.
func (s *stream) backoff(try int) (time.Duration, bool) {
	if s.t.Exponential {
		return min(time.Second<<min(try, 9), 512*time.Second), try < 176
	}
	return 10*time.Second + time.Duration(s.p.draw()*float64(10*time.Second)), try < 3
}

// giveUp is what becomes of a batch whose retries are spent: with
// errorsTolerance ALL it goes to the dead-letter queue or is discarded; with
// NONE the stream stops, and the messages stay where they are.
func (s *stream) giveUp(body []byte, r Result) bool {
	if !s.t.Tolerant {
		if !s.stopped.Swap(true) {
			s.p.observe(Event{Kind: EventStopped, Function: s.f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
		}
		return false
	}
	if s.t.DeadLetters == "" {
		s.p.observe(Event{Kind: EventDiscarded, Function: s.f.ID, RequestID: r.RequestID, Error: r.Failure.Error()})
		return true
	}
	// The form of a dead letter is UNCONFIRMED (facts D3): the event as pushed.
	return s.p.deadLetter(s.f, s.t.DeadLetters, body, r) == nil
}

// event wraps a message as a CloudEvent (facts D2), or as its data only.
func (s *stream) event(m Message) (json.RawMessage, error) {
	body := string(m.Body)
	if s.t.Base64Decode {
		// What becomes of a body that is no base64 is UNCONFIRMED: it is left
		// as it is.
		if plain, err := base64.StdEncoding.DecodeString(body); err == nil {
			body = string(plain)
		}
	}
	data := map[string]any{"requestId": uuid.NewString(), "messageId": m.ID, "messageBody": body}
	if s.p.opt.BodiesAsJSON && json.Valid([]byte(body)) {
		data["messageBody"] = json.RawMessage(body)
	}
	if s.t.RawData {
		return json.Marshal(data)
	}
	const format = "2006-01-02T15:04:05.000Z"
	account := s.p.cloud.AccountID()
	return json.Marshal(map[string]any{
		"id": uuid.NewString(), "source": fmt.Sprintf("MNS-%s-%s", s.f.Name, s.t.Name), "specversion": "1.0",
		"type": "mns:Queue:SendMessage", "datacontenttype": "application/json; charset=utf-8",
		"subject": fmt.Sprintf("acs:mns:%s:%s:queues/%s", s.t.Region, account, s.t.Queue),
		"time":    m.Enqueued.UTC().Format(format), "aliyunpublishtime": time.Now().UTC().Format(format),
		"aliyunaccountid": account, "aliyunoriginalaccountid": account, "aliyuneventbusname": "mns-" + s.t.Queue,
		"aliyunregionid": s.t.Region, "aliyunpublishaddr": "127.0.0.1", "data": data,
	})
}
