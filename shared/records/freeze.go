package records

import (
	"context"
	"errors"
)

// Frozen tells whether all changes are stopped, and why. Right after a Get it
// costs no call.
func (r *Records) Frozen(ctx context.Context) (reason string, frozen bool, err error) {
	p, there, err := r.read(ctx, r.freeze())
	return p.Value, there, err
}

// Freeze stops all changes until Thaw. The reason is shown to whoever waits.
func (r *Records) Freeze(ctx context.Context, reason string) error {
	if reason == "" {
		return errors.New("say why: others will ask")
	}
	if len(reason) > MaxEntry {
		return &TooLarge{Entry: r.freeze(), Length: len(reason)}
	}
	return r.put(ctx, r.freeze(), reason, func(old string) bool { return old != reason })
}

// Thaw lets changes go on.
func (r *Records) Thaw(ctx context.Context) error { return r.remove(ctx, r.freeze()) }

func (r *Records) freeze() string { return "/" + r.prefix + "/" + freezeName }
