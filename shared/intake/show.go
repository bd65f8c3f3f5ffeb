package intake

import (
	_ "embed" // the description of the API
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// Description is the API's OpenAPI document.
//
//go:embed openapi.json
var Description []byte

func (in *Intake) describe(w http.ResponseWriter, _ *http.Request, _ call) error {
	writeText(w, http.StatusOK, "application/json", Description)
	return nil
}

func (in *Intake) describeOutcomes(w http.ResponseWriter, _ *http.Request, _ call) error {
	writeText(w, http.StatusOK, "application/json", chain.Schema)
	return nil
}

// show answers with what is recorded of a connection and, unless asked not to,
// with what exists of it.
func (in *Intake) show(w http.ResponseWriter, r *http.Request, c call) error {
	record, err := in.get(r.Context(), c.id)
	if err != nil {
		return err
	}
	a := answer(record, in.now(), nil)
	a.Frozen = in.frozen(r.Context())
	a.History = record.Steps[interconnect.Verification].Verdicts
	if c.query.Get("live") != "false" {
		planner := in.planner()
		others, err := planner.readable(r.Context())
		a.Live = planner.Live(r.Context(), record, slices.DeleteFunc(others, func(o interconnect.Record) bool { return o.ID == record.ID }))
		if err != nil {
			a.Live.Problems = append(a.Live.Problems, err.Error())
		}
	}
	write(w, http.StatusOK, "application/json", a)
	return nil
}

// List is the answer to GET /connections.
type List struct {
	Connections []*Answer `json:"connections"`          // sorted by id
	Next        string    `json:"next,omitempty"`       // path of the next page; missing on the last
	Unreadable  string    `json:"unreadable,omitempty"` // what is stored of further connections but cannot be understood
	Frozen      string    `json:"frozen,omitempty"`     // why nothing is changed for now; checks go on
}

// mostListed is how many connections one page holds at most.
const mostListed = 500

// states are those that a list can be narrowed down to.
var states = []interconnect.State{
	interconnect.StatePending, interconnect.StateConnecting, interconnect.StateConnected, interconnect.StateUnproven, interconnect.StateBlocked,
	interconnect.StateFailed, interconnect.StateDisconnecting, interconnect.StateDisconnected, interconnect.StateNeedsAttention,
}

func (in *Intake) list(w http.ResponseWriter, r *http.Request, c call) error {
	limit := mostListed
	if text := c.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostListed {
			return &Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("The query parameter limit is a number from 1 to %d.", mostListed)}
		}
		limit = n
	}
	if state := interconnect.State(c.query.Get("state")); state != "" && !slices.Contains(states, state) {
		return &Refusal{Status: http.StatusBadRequest, Detail: fmt.Sprintf("There is no such state; the query parameter state is one of %s.", strings.Trim(fmt.Sprint(states), "[]"))}
	}
	records, err := again(r.Context(), in, func() ([]interconnect.Record, error) { return in.Records.List(r.Context()) })
	if err != nil && records == nil {
		return err
	}
	list := List{Connections: []*Answer{}, Frozen: in.frozen(r.Context())}
	if err != nil {
		list.Unreadable = err.Error()
	}
	slices.SortFunc(records, func(a, b interconnect.Record) int { return strings.Compare(a.ID, b.ID) })
	for i := range records {
		a := answer(&records[i], in.now(), nil)
		if a.ID <= c.query.Get("after") || !fits(a, c.query) {
			continue
		}
		if len(list.Connections) == limit {
			next := c.query
			next.Set("after", list.Connections[limit-1].ID)
			list.Next = connectionsPath + "?" + next.Encode()
			break
		}
		list.Connections = append(list.Connections, a)
	}
	write(w, http.StatusOK, "application/json", list)
	return nil
}

// fits tells whether a connection is one of those asked for. A region or a VPC
// may be of either side.
func fits(a *Answer, query url.Values) bool {
	either := func(name string, one, other string) bool {
		want := query.Get(name)
		return want == "" || want == one || want == other
	}
	i, o := &a.Request.Initiator, &a.Request.Acceptor
	return either("state", string(a.State), "") && either("region", i.RegionID, o.RegionID) && either("vpc", i.VpcID, o.VpcID)
}

// Verification is the answer to a check that was asked for.
type Verification struct {
	ID         string `json:"id"`
	Generation int    `json:"generation"`
	Trace      string `json:"trace"` // names the check in logs and outcomes
	Watch      string `json:"watch"` // where its verdict will be, as the first of history
}

// verify has a connection checked now.
func (in *Intake) verify(w http.ResponseWriter, r *http.Request, c call) error {
	record, err := in.get(r.Context(), c.id)
	if err != nil {
		return err
	}
	if state := interconnect.Overall(record, in.now()); !interconnect.Ended(record) || !checked[state] {
		return &Refusal{Status: http.StatusConflict, Detail: fmt.Sprintf("The connection is %s, so there is nothing to check yet; ask again when it is made.", state)}
	}
	queue, m := chain.CheckMessage(record, in.trace())
	if err := in.tell(r.Context(), queue, m); err != nil {
		in.log().Error("the check could not be sent", "connection", record.ID, "error", err.Error())
		return &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: 5, Err: err, Detail: "The check could not be started; ask again in a moment."}
	}
	in.log().Info("check asked for", "connection", record.ID, "by", c.by, "trace", m.Trace)
	w.Header().Set("Location", connectionsPath+"/"+record.ID)
	write(w, http.StatusAccepted, "application/json", Verification{ID: record.ID, Generation: record.Generation, Trace: m.Trace, Watch: connectionsPath + "/" + record.ID + "?live=false"})
	return nil
}
