package tickets

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"vpcinterconnect/shared/chain"
)

// What a Gate refuses a delivery for.
var (
	ErrStranger  = errors.New("the delivery is not authentic")
	ErrMalformed = errors.New("the delivery cannot be read")
)

// maxDelivery is how large a delivery may be: a ticket's description comes with
// it, and is not looked at.
const maxDelivery = 8 << 20

// MaxEvent is how much of a delivery may travel on to the Desk: a queue's
// message takes 64 KB, and other things have to fit in too.
const MaxEvent = 40 << 10

// enqueueing is how long a message may take to be queued: ticket systems wait
// for the answer, some for five seconds only.
const enqueueing = 4 * time.Second

// Door is where ticket systems deliver: POST /tickets/<system>. It looks
// whether a delivery is authentic, queues that the ticket was touched, and
// answers:
//
//	202  queued
//	200  authentic, but nothing to do
//	400  authentic, but not to be read
//	401  not authentic, or too old
//	404  no such system is configured
//	503  could not be queued: only then is it to be delivered again
type Door struct {
	Counters map[System]*Counter
	Queues   Queues
	Prefix   string           // the deployment
	Clock    func() time.Time // nil: the wall clock
	Log      *slog.Logger     // nil: the default logger
}

// answer is what a ticket system is told.
type answer struct {
	Status     string `json:"status"`
	Connection string `json:"connection,omitempty"`
	Detail     string `json:"detail,omitempty"`
}

// ServeHTTP takes a delivery.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, a := d.receive(r)
	log := d.log().With("path", r.URL.Path, "status", status, "connection", a.Connection)
	switch {
	case status >= http.StatusInternalServerError:
		log.Error("delivery", "why", a.Detail)
	default:
		log.Info("delivery", "why", a.Detail)
	}
	text, err := json.Marshal(a)
	if err != nil { // texts cannot fail
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // nobody is left to tell
}

func (d *Door) receive(r *http.Request) (int, answer) {
	if r.URL.Path == "/healthz" {
		return http.StatusOK, answer{Status: "ok"}
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/tickets/")
	counter := d.Counters[System(name)]
	switch {
	case !ok || counter == nil:
		return http.StatusNotFound, answer{Status: "refused", Detail: "No such ticket system is configured here."}
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, answer{Status: "refused", Detail: "Deliveries come by POST."}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDelivery+1))
	switch {
	case err != nil:
		return http.StatusBadRequest, answer{Status: "refused", Detail: "The body could not be read."}
	case len(body) > maxDelivery:
		return http.StatusRequestEntityTooLarge, answer{Status: "refused", Detail: "The body is larger than any delivery."}
	}
	now := d.now()
	delivery, err := counter.Gate.Receive(r.Header, body, now)
	switch {
	case errors.Is(err, ErrStranger):
		return http.StatusUnauthorized, answer{Status: "refused", Detail: err.Error()}
	case err != nil:
		return http.StatusBadRequest, answer{Status: "refused", Detail: err.Error()}
	case delivery.Ignored != "":
		return http.StatusOK, answer{Status: "ignored", Detail: delivery.Ignored}
	}
	id, ok := ConnectionID(System(name), delivery.Key)
	switch {
	case !ok:
		return http.StatusBadRequest, answer{Status: "refused", Detail: "No connection can be named after this ticket's key."}
	case len(delivery.Event) > MaxEvent:
		return http.StatusRequestEntityTooLarge, answer{Status: "refused", Detail: "The event is too large to be queued; shorten it."}
	}
	e := touch(d.Prefix, id, trace(), delivery, now)
	ctx, cancel := context.WithTimeout(r.Context(), enqueueing)
	defer cancel()
	err = d.Queues.Send(ctx, chain.TicketsQueue, e.body(), 0)
	if err != nil { // once more at once: the sender's next attempt comes in minutes, or never
		err = d.Queues.Send(ctx, chain.TicketsQueue, e.body(), 0)
	}
	if err != nil {
		d.log().Error("delivery not queued", "connection", id, "error", err.Error())
		return http.StatusServiceUnavailable, answer{Status: "failed", Connection: id, Detail: "It could not be queued; deliver it again."}
	}
	return http.StatusAccepted, answer{Status: "queued", Connection: id}
}

// trace names one delivery.
func trace() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (d *Door) now() time.Time {
	if d.Clock != nil {
		return d.Clock().UTC()
	}
	return time.Now().UTC()
}

func (d *Door) log() *slog.Logger {
	if d.Log != nil {
		return d.Log
	}
	return slog.Default()
}
