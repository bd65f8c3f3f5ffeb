package chaintest

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"vpcinterconnect/shared/chain"
)

var outcomes = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(chain.Schema))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("outcomes.json", document); err != nil {
		return nil, err
	}
	return c.Compile("outcomes.json")
})

// Outcome reads a message of the queue outcomes. It is an error if that is not
// as the schema, which strangers go by, describes it.
func Outcome(body []byte) (a chain.Announcement, err error) {
	schema, err := outcomes()
	if err != nil {
		return a, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	if err := schema.Validate(value); err != nil {
		return a, err
	}
	return a, json.Unmarshal(body, &a)
}
