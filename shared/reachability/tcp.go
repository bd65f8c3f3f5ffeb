package reachability

import (
	"fmt"
	"net/netip"
	"strings"
)

// tcpPatience is how long, in seconds, a TCP probe waits: two more of its first
// packets are sent meanwhile, after one second and after three.
const tcpPatience = 4

// timedOut is timeout(1)'s exit status when it has ended what it ran.
const timedOut = 124

// TCPCommand is the script that tries a TCP connection, and closes it again
// without a byte sent: bash's own redirection, so that it needs nothing that is
// not on every Linux image. ReadTCP reads what came of it. Only a parsed
// address and a number ever get into a script, which runs as root.
func TCPCommand(to netip.Addr, port int) string {
	return fmt.Sprintf("LC_ALL=C timeout %d bash -c ': </dev/tcp/%s/%d'", tcpPatience, to.WithZone("").String(), port)
}

// ReadTCP reads what a TCPCommand came to: its exit status and what it said.
// why says what kept it from being sent, for the fate NotSent.
func ReadTCP(exit int, said string) (fate Fate, why string) {
	switch {
	case exit == 0:
		return Answered, ""
	case exit == timedOut || strings.Contains(said, "Connection timed out"):
		return Silent, ""
	case strings.Contains(said, "Connection refused"):
		return Refused, ""
	case strings.Contains(said, "No route to host"), strings.Contains(said, "Network is unreachable"):
		return Unreachable, ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return NotSent, fmt.Sprintf("the connection could not be tried (exit status %d): %.120q", exit, first)
}
