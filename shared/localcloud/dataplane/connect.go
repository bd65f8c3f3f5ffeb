package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// patience is how long Linux tries to connect, with net.ipv4.tcp_syn_retries
// at its default.
const patience = 127 * time.Second

// unreachableAfter is how long it takes the guest to say that a neighbour is
// not there.
const unreachableAfter = 3 * time.Second

// dial tries a TCP connection. The error is that of what was killed meanwhile.
func (g *guest) dial(to netip.Addr, port int, wait time.Duration) (Fate, error) {
	v := Deliver(g.world.Topology, Packet{From: g.self.ID, To: to, Protocol: "TCP", Port: port})
	took := v.RTT
	switch v.Fate {
	case Lost:
		took = wait
	case Unreachable:
		took = min(wait, unreachableAfter)
	}
	return v.Fate, g.spend(took)
}

// openTCP is bash's redirection from or to /dev/tcp/host/port: it connects.
func (g *guest) openTCP(path, address string) (io.ReadWriteCloser, error) {
	refuse := func(said, why string) (io.ReadWriteCloser, error) {
		return nil, &os.PathError{Op: "bash: " + said + "\nbash: line 1:", Path: path, Err: errors.New(why)}
	}
	host, service, _ := strings.Cut(address, "/")
	port, ok := portNumber(service)
	if !ok {
		return refuse(service+": Servname not supported for ai_socktype", "Invalid argument")
	}
	to, ok := g.resolve(host)
	if !ok {
		return refuse(host+": Name or service not known", "Invalid argument")
	}
	fate, err := g.dial(to, port, patience)
	if err != nil {
		return nil, err
	}
	if why, failed := connectSays[fate]; failed {
		return refuse("connect: "+why, why)
	}
	return nowhere{}, nil
}

func portNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535
}

// connectSays is the system's word for a connection that comes to nothing.
var connectSays = map[Fate]string{
	Refused: "Connection refused", Unreachable: "No route to host", Lost: "Connection timed out",
	NoRoute: "Network is unreachable",
}

// netcatSays is what nc -v prints: host and port go in.
var netcatSays = map[Fate]string{
	Answered:    "Connection to %s %d port [tcp/*] succeeded!\n",
	Refused:     "nc: connect to %s port %d (tcp) failed: Connection refused\n",
	Unreachable: "nc: connect to %s port %d (tcp) failed: No route to host\n",
	NoRoute:     "nc: connect to %s port %d (tcp) failed: Network is unreachable\n",
	Lost:        "nc: connect to %s port %d (tcp) timed out: Operation now in progress\n",
}

// runNetcat is nc -z: does something listen there?
func runNetcat(_ context.Context, g *guest, args []string, out, errOut io.Writer) (int, error) {
	wait, loud, zero := patience, false, false
	var rest []string
	for n := 0; n < len(args); n++ {
		a := args[n]
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		for k := 1; k < len(a); k++ {
			switch a[k] {
			case 'z':
				zero = true
			case 'v':
				loud = true
			case 'n', '4':
			case 'w':
				value := a[k+1:]
				if value == "" && n+1 < len(args) {
					n++
					value = args[n]
				}
				if !seconds(value, &wait) || wait == 0 {
					fmt.Fprintf(errOut, "nc: timeout invalid: %s\n", value)
					return 1, nil
				}
				k = len(a)
			default:
				fmt.Fprintf(errOut, "nc: invalid option -- '%c'\n", a[k])
				return 1, nil
			}
		}
	}
	if !zero || len(rest) != 2 {
		fmt.Fprintln(errOut, "nc: this guest's nc only scans: nc -z [-v] [-w seconds] address port")
		return 1, nil
	}
	port, ok := portNumber(rest[1])
	if !ok {
		fmt.Fprintf(errOut, "nc: port number invalid: %s\n", rest[1])
		return 1, nil
	}
	to, ok := g.resolve(rest[0])
	if !ok {
		fmt.Fprintf(errOut, "nc: getaddrinfo for host \"%s\" port %d: Name or service not known\n", rest[0], port)
		return 1, nil
	}
	fate, err := g.dial(to, port, wait)
	if err != nil {
		return 0, err
	}
	if loud {
		fmt.Fprintf(errOut, netcatSays[fate], rest[0], port)
	}
	if fate == Answered {
		return 0, nil
	}
	return 1, nil
}
