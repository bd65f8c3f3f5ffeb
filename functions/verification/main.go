// Verification proves that traffic passes between two VPCs, or no longer does: it
// runs the chain's verification step on what its queue delivers.
package main

import (
	"context"
	"os"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/records"
	"vpcinterconnect/shared/steps/verification"
	"vpcinterconnect/shared/trigger"
)

func main() { chain.Serve(handler) }

// handler wires the step to the cloud with one invocation's credentials.
func handler(_ context.Context, inv trigger.Invocation) (*chain.Handler, error) {
	prefix := os.Getenv("PREFIX")
	queues, err := mns.New(inv, mns.Options{Endpoint: os.Getenv("MNS_ENDPOINT"), Prefix: prefix})
	if err != nil {
		return nil, err
	}
	log := chain.Logger(inv)
	cloud := alicloud.NewReader(inv, alicloud.Options{Endpoint: os.Getenv("OPENAPI_ENDPOINT"), Log: log})
	return &chain.Handler{
		Runner: verification.New(cloud.Assistant()), Records: records.New(cloud.Parameters(), prefix),
		Queues: queues, Prefix: prefix, Log: log, Journal: cloud.Journal,
	}, nil
}
