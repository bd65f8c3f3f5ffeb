package records

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// standing puts in place of a request that was to end another generation than the
// one before it what was wanted before.
func (r *Records) standing(ctx context.Context, entries map[string]interconnect.Parameter) error {
	p, ok := entries[entryRequest]
	if !ok {
		return nil
	}
	for version := p.Version; version > 1 && missed(p.Value, version); {
		version--
		before, err := r.store.ParameterAt(ctx, p.Name, version)
		switch {
		case interconnect.IsGone(err) && !settled(p):
			return &interconnect.CloudError{Class: interconnect.Busy, Action: "GetParameter", Message: fmt.Sprintf("version %d of the entry %s cannot be read yet", version, p.Name)}
		case interconnect.IsGone(err): // nothing else is known to be wanted
			return nil
		case err != nil:
			return err
		}
		p.Value = before.Value
	}
	entries[entryRequest] = p
	return nil
}

// missed tells whether a request was to end another generation than the one before
// it.
func missed(value string, version int) bool {
	var w interconnect.Wanted
	return strings.Contains(value, `"ends":`) && json.Unmarshal([]byte(value), &w) == nil && w.Ends != 0 && w.Ends != version-1
}

// settled tells whether an entry was written long enough ago that every read shows
// what was there before it.
func settled(p interconnect.Parameter) bool {
	at, err := time.Parse(time.RFC3339, p.Updated)
	return err != nil || time.Since(at) > interconnect.Landing
}
