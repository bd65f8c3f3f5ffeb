// Package desk stands in for ticket systems: Jira, Cloud and Data Center, and
// ServiceNow. People act on tickets by methods; what the systems then send, and
// what they answer to REST calls, has the shapes of the real ones, with their
// rules of delivery. What is not built is refused, never ignored.
package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Person is somebody with an account.
type Person struct {
	ID   string // account id or user name
	Name string // as people see it
}

// Note is a comment or a work note.
type Note struct {
	By   Person
	At   time.Time
	Text string // as its reader sees it
}

// Delivery is an attempt to deliver something.
type Delivery struct {
	Event   string
	Header  http.Header
	Body    []byte
	Retry   int // 0: the first attempt
	Status  int // 0: no answer came
	Elapsed time.Duration
}

// sender delivers in the background.
type sender struct {
	client  *http.Client
	pauses  []time.Duration // before each repeat; none: nothing is repeated
	repeat  func(status int) bool
	ctx     context.Context
	stop    context.CancelFunc
	pending sync.WaitGroup

	mu  sync.Mutex
	log []Delivery
}

func newSender(timeout time.Duration, pauses []time.Duration, repeat func(int) bool) *sender {
	s := &sender{client: &http.Client{Timeout: timeout}, pauses: pauses, repeat: repeat}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// send delivers a body, again and again where that is the system's way. header
// makes the headers of an attempt.
func (s *sender) send(url, event string, body []byte, header func(retry int) http.Header) {
	s.pending.Add(1)
	go func() {
		defer s.pending.Done()
		for retry := 0; ; retry++ {
			h := header(retry)
			status, took := s.attempt(url, body, h)
			s.mu.Lock()
			s.log = append(s.log, Delivery{event, h, body, retry, status, took})
			s.mu.Unlock()
			if retry >= len(s.pauses) || status != 0 && !s.repeat(status) {
				return
			}
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(s.pauses[retry]):
			}
		}
	}()
}

func (s *sender) attempt(url string, body []byte, header http.Header) (status int, took time.Duration) {
	began := time.Now()
	r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, 0
	}
	r.Header = header.Clone()
	res, err := s.client.Do(r)
	if err != nil {
		return 0, time.Since(began)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body) // its words are for people
	return res.StatusCode, time.Since(began)
}

func (s *sender) deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery(nil), s.log...)
}

func (s *sender) close() {
	s.stop()
	s.pending.Wait()
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v) // whoever has gone does not want it
	}
}

// readObject reads a request's body as one JSON object.
func readObject(r *http.Request) (map[string]any, error) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return nil, errors.New("the content type is not application/json")
	}
	var v map[string]any
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&v); err != nil {
		return nil, errors.New("the body is no JSON object")
	}
	return v, nil
}
