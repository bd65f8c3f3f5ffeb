package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// margin is what is kept of an invocation's time to report its end.
const margin = time.Second

// Func is a function's body: it is given the event as it was delivered and
// returns the answer's JSON. Invocations may run side by side.
type Func func(ctx context.Context, inv Invocation, event []byte) ([]byte, error)

// Start runs a function for ever, logging JSON lines to the standard output. It
// needs the environment of the Go runtime (FC_RUNTIME_API).
func Start(f Func) {
	slog.SetLogLoggerLevel(slog.LevelError) // what the SDK says by package log: that an invocation failed
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	fc.Start(func(ctx context.Context, event []byte) (json.RawMessage, error) {
		return handler(f).Invoke(ctx, event)
	})
}

// handler is one invocation in the SDK's words. The SDK starts functions of a
// context and an event only, not values with an Invoke method, whatever its
// StartHandler says. It hands bytes over as they came, empty ones too, and
// marshals the answer: RawMessage goes out as it is, []byte would be base64.
type handler Func

// Invoke runs the function once. A panic becomes an error, so that the log
// names it in one line.
func (f handler) Invoke(ctx context.Context, event []byte) (answer []byte, err error) {
	inv, err := invocation(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithDeadline(ctx, inv.Deadline)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			slog.Error("panic", "requestId", inv.RequestID, "function", inv.FunctionName, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			answer, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	return f(ctx, inv, event)
}

// invocation reads what Function Compute says about this invocation. It is
// called once each: the SDK writes to what it reads.
func invocation(ctx context.Context) (Invocation, error) {
	fcc, ok := fccontext.FromContext(ctx)
	if !ok {
		return Invocation{}, errors.New("the context is none of Function Compute's")
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return Invocation{}, errors.New("the invocation has no deadline")
	}
	return Invocation{
		RequestID:    fcc.RequestID,
		FunctionName: cmp.Or(fcc.Function.Name, os.Getenv("FC_FUNCTION_NAME")),
		Region:       cmp.Or(fcc.Region, os.Getenv("FC_REGION")),
		AccountID:    cmp.Or(fcc.AccountId, os.Getenv("FC_ACCOUNT_ID")),
		Credentials: Credentials{
			AccessKeyID:     fcc.Credentials.AccessKeyId,
			AccessKeySecret: fcc.Credentials.AccessKeySecret,
			SecurityToken:   fcc.Credentials.SecurityToken,
		},
		Deadline: deadline.Add(-margin),
	}, nil
}
