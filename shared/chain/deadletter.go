package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"vpcinterconnect/shared/trigger"
)

// maxBuried is how many bytes of a body a dead letter keeps, so that it fits
// into a queue's message (64 KB) however its characters are escaped.
const maxBuried = 8 << 10

// DeadLetter is what the dead-letter queue holds of a message that could not be
// understood.
type DeadLetter struct {
	Queue     string    `json:"queue"` // without the deployment's prefix
	Reason    string    `json:"reason"`
	Body      string    `json:"body,omitempty"`
	Bytes     []byte    `json:"bytes,omitempty"` // instead of Body (base64), where that is no text
	Size      int       `json:"size"`            // of the body in bytes; more than is kept means that it was cut
	MessageID string    `json:"messageId,omitempty"`
	At        time.Time `json:"at"`
	Function  string    `json:"function"`
}

// bury puts what cannot be understood on the dead-letter queue.
func (h *Handler) bury(ctx context.Context, q trigger.QueueMessage, why error) error {
	letter := DeadLetter{
		Queue: strings.TrimPrefix(q.Queue, h.Prefix+"-"), Reason: why.Error(), Size: len(q.Body),
		MessageID: q.ID, At: h.now(), Function: h.Function,
	}
	if letter.Queue == "" {
		letter.Queue = queueOf(h.Runner.Step())
	}
	kept := q.Body[:min(len(q.Body), maxBuried)]
	if plain(q.Body) {
		for !utf8.Valid(kept) { // cut inside a character
			kept = kept[:len(kept)-1]
		}
		letter.Body = string(kept)
	} else {
		letter.Bytes = kept
	}
	body, err := json.Marshal(letter)
	if err != nil {
		return fmt.Errorf("burying a message: %w", err)
	}
	h.log().Error("dead letter", "queue", letter.Queue, "reason", letter.Reason, "size", letter.Size, "messageId", letter.MessageID)
	if err := h.Queues.Send(ctx, DeadLettersQueue, body, 0); err != nil {
		return fmt.Errorf("burying a message: %w", err)
	}
	return nil
}

// plain tells whether a body can travel as text: JSON escapes control
// characters, but two of Unicode's non-characters are illegal in the queue's
// XML and not escaped.
func plain(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsAny(string(b), "\uFFFE\uFFFF")
}
