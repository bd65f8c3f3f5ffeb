package intake

import (
	"context"
	"log/slog"
	"time"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// pauses are those between the attempts of a call that may pass. Somebody waits
// for the answer, so they are few and short; and no queue would hand an HTTP
// request back later, as it does with a step's message.
var pauses = []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second}

// patient is who waits between attempts, and says so in the log.
type patient interface {
	pause(ctx context.Context, d time.Duration) error
	log() *slog.Logger
}

// again makes a call until it succeeds, fails for good, or was tried often
// enough. What is given to it must do no harm when it is done twice.
func again[T any](ctx context.Context, in patient, call func() (T, error)) (T, error) {
	for _, pause := range pauses {
		answer, err := call()
		if err == nil || !interconnect.Passes(err) || in.pause(ctx, pause) != nil {
			return answer, err
		}
		in.log().Info("trying again", "error", err.Error(), "after", pause.String())
	}
	return call()
}

// tell sends a message as often as again makes a call, whatever the error is: a
// message that arrives twice changes nothing, one that is lost costs minutes.
func (in *Intake) tell(ctx context.Context, queue string, m chain.Message) error {
	for _, pause := range pauses {
		err := in.Queues.Send(ctx, queue, m.Body(), 0)
		if err == nil || in.pause(ctx, pause) != nil {
			return err
		}
		in.log().Info("sending again", "queue", queue, "error", err.Error(), "after", pause.String())
	}
	return in.Queues.Send(ctx, queue, m.Body(), 0)
}

// pause waits, unless ctx ends first.
func (in *Intake) pause(ctx context.Context, d time.Duration) error { return wait(ctx, in.Pause, d) }

func wait(ctx context.Context, by func(context.Context, time.Duration) error, d time.Duration) error {
	if by != nil {
		return by(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
