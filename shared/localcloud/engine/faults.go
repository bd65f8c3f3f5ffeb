package engine

import "time"

// Faults decides, call by call, what goes wrong. The engine asks it once for
// every API call, in the order of the calls, so that a seed replays exactly.
type Faults interface {
	// Call is asked once per API call, before it is carried out.
	Call(product, action string, write bool) Fault
	// Slow is asked once per asynchronous change: how much longer than usual
	// it takes.
	Slow(usual time.Duration) time.Duration
}

// Fault is what goes wrong with one call; the zero value is nothing.
type Fault struct {
	Lag    time.Duration // of a read: it sees the world as it was this long ago
	Refuse *Error        // answered instead of carrying the call out
	Answer *Error        // carried out, but answered so
	Drop   bool          // carried out, but no answer comes: the wire closes the connection
}

// Caller is whose key signed a call.
type Caller struct {
	AccountID   string
	Type        string // Account, RAMUser or AssumedRoleUser
	Name        string // user or role name; "" for the account itself
	Session     string // role session name
	AccessKeyID string
}

// Error is an error answer of an API.
type Error struct {
	Status  int // HTTP
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Answer is the part of every response; response structs embed it.
type Answer struct{ RequestId string }

func (a *Answer) setRequestID(id string) { a.RequestId = id }
