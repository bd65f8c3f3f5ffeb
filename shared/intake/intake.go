// Package intake is where work starts: it takes requests over HTTP, checks
// them against the cloud, records what is wanted, sends the first message, and
// sweeps the records so that no loss of a message lasts.
package intake

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"time"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/policy"
)

// Cloud is what intake reads of the cloud. It writes nothing there. A thing
// that is not there is an error of class Gone where a method returns one
// thing, and missing where it returns a list.
type Cloud interface {
	AccountID(ctx context.Context) (string, error)
	VPC(ctx context.Context, region, id string) (*interconnect.VPC, error)
	VSwitches(ctx context.Context, region, vpcID string) ([]interconnect.VSwitch, error)
	RouteTables(ctx context.Context, region, vpcID string) ([]interconnect.RouteTable, error)
	RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error)
	RouterInterfaces(ctx context.Context, region, routerID string) ([]interconnect.RouterInterface, error)
	PeeringConnections(ctx context.Context, region, vpcID string) ([]interconnect.PeeringConnection, error)
	SecurityGroups(ctx context.Context, region, vpcID string) ([]interconnect.GroupFacts, error)
	InstancesByID(ctx context.Context, region string, ids []string) ([]interconnect.Instance, error)
	// What follows is read for plans, and to show what exists.
	Instances(ctx context.Context, region, vpcID string) ([]interconnect.Instance, error)
	Rules(ctx context.Context, region, groupID string) ([]interconnect.Rule, error)
}

// Records is what intake needs of the records.
type Records interface {
	// Get reads everything about one connection. A missing record is
	// (nil, nil).
	Get(ctx context.Context, id string) (*interconnect.Record, error)
	// List reads all records. With an error it may return those that could be
	// read all the same.
	List(ctx context.Context) ([]interconnect.Record, error)
	// PutRequest records what is wanted and returns its generation.
	PutRequest(ctx context.Context, id string, w interconnect.Wanted) (generation int, err error)
	// PutConnected sets the desired state that a rollback returns to; nil for
	// nothing.
	PutConnected(ctx context.Context, id string, c *interconnect.Connection) error
	// PutSweep writes what the sweep remembers.
	PutSweep(ctx context.Context, id string, s interconnect.SweepStatus) error
	// Delete removes all that is stored about a connection, unless a newer
	// generation than the given one is.
	Delete(ctx context.Context, id string, generation int) (deleted bool, err error)
	// Frozen tells why nothing may be changed for now.
	Frozen(ctx context.Context) (reason string, frozen bool, err error)
}

// Queues sends messages. Queue is a name without the deployment's prefix.
type Queues interface {
	// Send puts body on the queue, to be seen after delay (whole seconds).
	Send(ctx context.Context, queue string, body []byte, delay time.Duration) error
}

// DefaultCheckInterval is how often a connection is checked that has ended
// well, unless told otherwise.
const DefaultCheckInterval = 5 * time.Minute

// Intake takes requests and sweeps records. Cloud, Records, Queues and Prefix
// are required; so is a token for anybody to be let in.
type Intake struct {
	Cloud         Cloud
	Records       Records
	Queues        Queues
	Prefix        string        // the deployment
	Account       string        // that the function runs in, as it is told; "" if it is not: then the cloud is asked
	Tokens        []Token       // who may ask
	Policy        policy.Policy // what may be asked for
	CheckInterval time.Duration // 0: DefaultCheckInterval; negative: no checks

	Clock    func() time.Time                           // nil: time.Now
	Pause    func(context.Context, time.Duration) error // waits between attempts; nil: really
	NewTrace func() string                              // names a run of the chain; nil: random
	Log      *slog.Logger                               // nil: slog.Default
}

func (in *Intake) now() time.Time {
	if in.Clock != nil {
		return in.Clock()
	}
	return time.Now().UTC()
}

func (in *Intake) trace() string {
	if in.NewTrace != nil {
		return in.NewTrace()
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (in *Intake) log() *slog.Logger {
	if in.Log != nil {
		return in.Log
	}
	return slog.Default()
}
