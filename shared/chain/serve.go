package chain

import (
	"context"
	"log/slog"

	"vpcinterconnect/shared/trigger"
)

// Serve runs a step's function for ever. Build makes the handler anew for each
// invocation, from its credentials; an error there fails the invocation, so
// that its event is delivered again.
func Serve(build func(ctx context.Context, inv trigger.Invocation) (*Handler, error)) {
	trigger.Start(func(ctx context.Context, inv trigger.Invocation, event []byte) ([]byte, error) {
		return serve(ctx, inv, event, build)
	})
}

// Logger returns a logger that names the invocation in every line.
func Logger(inv trigger.Invocation) *slog.Logger {
	return slog.Default().With("function", inv.FunctionName, "requestId", inv.RequestID)
}

func serve(ctx context.Context, inv trigger.Invocation, event []byte, build func(context.Context, trigger.Invocation) (*Handler, error)) ([]byte, error) {
	h, err := build(ctx, inv)
	if err != nil {
		Logger(inv).Error("not set up", "error", err.Error())
		return nil, err
	}
	if h.Log == nil {
		h.Log = Logger(inv)
	}
	if h.Function == "" {
		h.Function = inv.FunctionName
	}
	if err := h.Handle(ctx, event); err != nil {
		h.Log.Error("not handed on", "error", err.Error())
		return nil, err
	}
	return []byte("{}"), nil
}
