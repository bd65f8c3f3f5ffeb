package chain

import (
	"fmt"
	"strings"
	"time"

	"vpcinterconnect/shared/interconnect"
)

// scheduled begins the traces of checks that the schedule asks for.
const scheduled = "slot-"

// ScheduledTrace names the check of a time slot. It is the same however often its
// message is sent, so that a check pings once.
func ScheduledTrace(slot time.Time) string { return fmt.Sprintf("%s%d", scheduled, slot.Unix()) }

// Scheduled tells whether the message is of a check that the schedule asks for,
// and nobody else.
func (m Message) Scheduled() bool {
	return m.Action == interconnect.Verify && strings.HasPrefix(m.Trace, scheduled)
}
