package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// Refusal says why a request was not taken. Nothing was written then, neither
// to the cloud nor to the records.
type Refusal struct {
	Status     int // of HTTP
	Detail     string
	Problems   []interconnect.FieldProblem // by field; empty where no field is to blame
	RequestID  string                      // of the cloud's answer that led to it, if one did
	Findings   []policy.Finding            // of the policy
	Difference []interconnect.Difference   // to the plan that was agreed to
	PlanHash   string                      // of the plan as it is now
	RetryAfter int                         // seconds after which the same may succeed; 0: it will not
	Err        error                       // for the log
}

func (r *Refusal) Error() string {
	s := r.Detail
	for _, p := range r.Problems {
		s += "; " + p.Error()
	}
	return s
}

func (r *Refusal) Unwrap() error { return r.Err }

// refuse makes a refusal of what is wrong with fields.
func refuse(status int, list ...interconnect.FieldProblem) *Refusal {
	r := &Refusal{Status: status, Problems: list, Detail: list[0].Sentence}
	if len(list) > 1 {
		r.Detail = fmt.Sprintf("%s And %d more: see errors.", r.Detail, len(list)-1)
	}
	for _, p := range list {
		if r.RequestID == "" {
			r.RequestID = p.RequestID
		}
	}
	return r
}

// unknownRegion tells whether the cloud says that there is no such region.
func unknownRegion(err error) bool {
	var cloud *interconnect.CloudError
	return errors.As(err, &cloud) && strings.HasPrefix(cloud.Code, "InvalidRegionId")
}

// byClass says how a failed call is answered: what it means is followed by
// the cloud's own words.
var byClass = map[interconnect.Class]struct {
	status     int
	retryAfter int
	sentence   string
}{
	interconnect.Busy:      {http.StatusServiceUnavailable, 5, "The cloud is busy with another task there; ask again in a moment."},
	interconnect.Throttled: {http.StatusServiceUnavailable, 10, "The cloud was asked too often; ask again in a moment."},
	interconnect.Transient: {http.StatusServiceUnavailable, 5, "The cloud could not answer; ask again in a moment."},
	interconnect.Denied:    {http.StatusBadGateway, 0, "The function's role may not do this; grant the role this action, and ask again."},
	interconnect.Quota:     {http.StatusBadGateway, 0, "A limit of the account is reached; have it raised, and ask again."},
}

// refuseError makes a refusal of a call that failed.
func refuseError(err error) *Refusal {
	field := ""
	var read *readError
	if errors.As(err, &read) {
		field = read.field
	}
	var cloud *interconnect.CloudError
	switch {
	case errors.As(err, &cloud):
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Refusal{Status: http.StatusServiceUnavailable, RetryAfter: 5, Err: err,
			Detail: "The request could not be looked at in time; ask again in a moment."}
	default:
		return &Refusal{Status: http.StatusInternalServerError, Err: err,
			Detail: fmt.Sprintf("The request could not be handled: %s. If this does not tell what to do, report it as a defect.", strings.TrimSuffix(err.Error(), "."))}
	}
	if unknownRegion(err) {
		return refuse(http.StatusUnprocessableEntity, interconnect.FieldProblem{
			Field: field, RequestID: cloud.RequestID, Sentence: "The cloud knows no such region; correct the region's id.",
		})
	}
	row, ok := byClass[cloud.Class]
	if !ok {
		row.status, row.sentence = http.StatusBadGateway, "The cloud refused a call; see what it says."
	}
	r := &Refusal{Status: row.status, RetryAfter: row.retryAfter, RequestID: cloud.RequestID, Err: err}
	if cloud.Permission != "" {
		row.sentence = fmt.Sprintf("The function's role lacks a permission; allow it %s, and ask again.", cloud.Permission)
	}
	r.Detail = fmt.Sprintf("%s It said: %s", row.sentence, cloud.Error())
	if field != "" {
		r.Problems = []interconnect.FieldProblem{{Field: field, Sentence: r.Detail, RequestID: cloud.RequestID}}
	}
	return r
}
