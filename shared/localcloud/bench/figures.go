package bench

import (
	"fmt"
	"time"
)

// RouteTask is how long the local cloud's task for routes of one VPC takes, as a
// part of what a router interface takes to be Active.
const RouteTask = 0.2

// OfOne makes the figures of one connection: made, checked by the schedule and
// because somebody asked, and taken away.
func OfOne(connect, check, asked, disconnect Recording) []Figure {
	connecting, disconnecting := Critical(Connect, connect, Connected), Critical(Disconnect, disconnect, Disconnected)
	removing := Critical(Disconnect, disconnect, Removed)
	reads, writes := connect.Reads(), connect.Writes()
	byIntake := 0
	for _, c := range reads {
		if c.By == "intake" {
			byIntake += c.Calls
		}
	}
	calls := func(r Recording) int { return Sum(r.Reads()) + Sum(r.Writes()) }
	var hops time.Duration
	for _, h := range connect.Hops() {
		hops += h.Cost
	}
	return []Figure{
		AtMost("connect", "one connection ÷ its critical path", Ratio(connect.Took(), connecting.Takes), 1.25, seconds(connect.Took(), connecting.Takes), ""),
		AtMost("disconnect", "one disconnect ÷ its critical path", Ratio(disconnect.Took(), disconnecting.Takes), 1.25, seconds(disconnect.Took(), disconnecting.Takes),
			fmt.Sprintf("both hold the minute in which a call made before may still take effect; until everything was seen to be gone the ratio is %s, %s",
				number(round(Ratio(removing.Reached(disconnect), removing.Takes))), seconds(removing.Reached(disconnect), removing.Takes))),
		Exactly("changes", "mutating calls of a new connection", float64(Sum(writes)), 11, "create 2, modify 2, connect 1, routes 2, authorize 2, pings 2", ""),
		AtMost("reads", "reads for the same", float64(Sum(reads)), 20, fmt.Sprintf("intake's checks %d, the steps %d", byIntake, Sum(reads)-byIntake),
			fmt.Sprintf("beside them the record was read and written %d times", Sum(connect.Bookkeeping()))),
		AtMost("check", "calls of a check that finds nothing wrong", float64(calls(check)), 10, fmt.Sprintf("%d reads, %d pings", Sum(check.Reads()), Sum(check.Writes())),
			fmt.Sprintf("it is one of the schedule; the first in an hour, and one that somebody asks for, also look at what came to the VPCs: %d; beside them the record was read and written %d times", calls(asked), Sum(check.Bookkeeping()))),
		AtMost("billed", "billed time ÷ waiting for answers", Ratio(connect.Billed(), connect.Waited()), 1.3, seconds(connect.Billed(), connect.Waited()), ""),
		AtMost("hops", "queue hops ÷ the whole", Ratio(hops, connect.Took()), 0.05, fmt.Sprintf("%d hops of %.0f ms", len(connect.Hops()), ms(hops)/float64(max(len(connect.Hops()), 1))), ""),
	}
}

func seconds(a, b time.Duration) string {
	return fmt.Sprintf("%.2f s ÷ %.2f s", a.Seconds(), b.Seconds())
}

func round(v float64) float64 { return float64(int(v*100+0.5)) / 100 }
