package fc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// invocation is one event on its way through a process.
type invocation struct {
	id    string
	event []byte
	retry int
	done  chan outcome
	taken atomic.Bool // a process that was alive was about to get it
}

// outcome is what the process posted, or why it did not. Exactly one of the
// two is not nil.
type outcome struct {
	payload []byte
	failure *Failure
	untaken bool // the process was dead before it could take the event
}

// runtimeAPI is what a process's runtime talks to (facts A2).
func (i *instance) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2020-11-11/runtime/invocation/next", i.next)
	mux.HandleFunc("POST /2020-11-11/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		i.posted(w, r, func(body []byte) outcome { return outcome{payload: body} })
	})
	mux.HandleFunc("POST /2020-11-11/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		i.posted(w, r, func(body []byte) outcome { return outcome{failure: failureOf(body)} })
	})
	return mux
}

// next blocks until there is an event. The SDK calls it again while an event is
// still being handled; events come one at a time nevertheless, since the
// platform gives a busy instance none.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	var inv *invocation
	select {
	case inv = <-i.events:
	case <-i.exited:
		return
	case <-r.Context().Done():
		return
	}
	f := i.f
	if r.Context().Err() != nil || i.dead() {
		return // run sees that it ended with the event untaken
	}
	inv.taken.Store(true)
	keys, err := f.p.cloud.Assume(f.Role, f.Name, roleTTL)
	if err != nil {
		inv.done <- outcome{failure: &Failure{FailureExited, "role " + f.Role + ": " + err.Error(), ""}}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	i.mu.Lock()
	i.current = inv
	i.mu.Unlock()
	for k, v := range map[string]string{
		"Content-Type":           "application/octet-stream",
		"x-fc-request-id":        inv.id,
		"x-fc-function-deadline": strconv.FormatInt(time.Now().Add(f.Timeout).UnixMilli(), 10),
		"x-fc-function-timeout":  strconv.Itoa(int(f.Timeout.Seconds())),
		"x-fc-function-type":     "0",
		"x-fc-retry-count":       strconv.Itoa(inv.retry),
		"x-fc-access-key-id":     keys.AccessKeyID,
		"x-fc-access-key-secret": keys.AccessKeySecret,
		"x-fc-security-token":    keys.SecurityToken,
		"x-fc-function-name":     f.Name,
		"x-fc-function-handler":  f.Handler,
		"x-fc-function-memory":   strconv.Itoa(f.MemoryMB),
		"x-fc-region":            f.Region,
		"x-fc-account-id":        f.p.cloud.AccountID(),
		"x-fc-qualifier":         "LATEST",
		"x-fc-version-id":        "LATEST",
		"x-fc-instance-id":       i.id,
	} {
		w.Header().Set(k, v)
	}
	_, _ = w.Write(inv.event) // if it cannot be written the process has ended, which run sees
}

// posted takes what a process says about the event that it was given.
func (i *instance) posted(w http.ResponseWriter, r *http.Request, read func([]byte) outcome) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSync+1))
	i.mu.Lock()
	inv := i.current
	if inv != nil && inv.id == r.PathValue("id") {
		i.current = nil
	} else {
		inv = nil
	}
	i.mu.Unlock()
	switch {
	case inv == nil:
		http.Error(w, errForeign.Error(), http.StatusNotFound)
		return
	case err != nil:
		inv.done <- outcome{failure: &Failure{FailureHandled, "the answer could not be read: " + err.Error(), ""}}
	case len(body) > maxSync:
		inv.done <- outcome{failure: &Failure{FailureHandled, "the answer is over 32 MB", "ResponseSizeExceeded"}}
	default:
		w.WriteHeader(http.StatusOK)
		if body == nil {
			body = []byte{}
		}
		inv.done <- read(body)
	}
}

// failureOf reads the error document of the runtime SDK.
func failureOf(body []byte) *Failure {
	var doc struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if err := json.Unmarshal(body, &doc); err != nil || doc.Message == "" {
		doc.Message = fmt.Sprintf("%.200s", body)
	}
	return &Failure{Kind: FailureHandled, Message: doc.Message, Type: doc.Type}
}
