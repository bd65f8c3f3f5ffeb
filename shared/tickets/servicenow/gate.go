package servicenow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"vpcinterconnect/shared/tickets"
)

// window is how old a call may be. ServiceNow does not repeat what a business
// rule sends; the window is for clocks that differ.
const window = 5 * time.Minute

// The headers that the business rule sets: ServiceNow signs nothing by itself.
const (
	secretHeader = "X-Shared-Secret"
	timeHeader   = "X-Timestamp" // Unix seconds
)

// Gate takes a business rule's calls.
type Gate struct {
	Config  *Config
	Secrets tickets.Secrets
}

// Receive takes a call.
func (g *Gate) Receive(header http.Header, body []byte, now time.Time) (tickets.Delivery, error) {
	var d tickets.Delivery
	if !g.Secrets.Shared(header.Get(secretHeader)) {
		return d, fmt.Errorf("%w: %s is none that is known", tickets.ErrStranger, secretHeader)
	}
	if err := tickets.Recent(header.Get(timeHeader), now, window); err != nil {
		return d, err
	}
	var call struct {
		Number    string `json:"number"`
		Table     string `json:"table"`
		UpdatedBy string `json:"updated_by"`
	}
	if err := json.Unmarshal(body, &call); err != nil || call.Number == "" {
		return d, fmt.Errorf("%w: it names no record", tickets.ErrMalformed)
	}
	switch {
	case call.Table != g.Config.Table:
		return tickets.Delivery{Ignored: "it is of another table"}, nil
	case call.UpdatedBy == g.Config.Account:
		return tickets.Delivery{Ignored: "it was our own doing"}, nil
	}
	return tickets.Delivery{Key: call.Number}, nil
}
