package dataplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"

	"vpcinterconnect/shared/localcloud/engine"
)

// program is one of the guest's programs: it returns its exit code, or an
// error that ends the script.
type program func(ctx context.Context, g *guest, args []string, out, errOut io.Writer) (int, error)

// programs are all that a guest has, beside the shell's own builtins.
var programs map[string]program

func init() {
	programs = map[string]program{
		"ping": runPing, "nc": runNetcat, "ip": runIP, "sleep": runSleep, "timeout": runTimeout,
		"bash": runShell, "sh": runShell, "date": runDate, "hostname": runHostname, "whoami": runWhoami, "uname": runUname,
	}
}

func runHostname(_ context.Context, g *guest, args []string, out, _ io.Writer) (int, error) {
	if len(args) == 1 && (args[0] == "-I" || args[0] == "-i") {
		fmt.Fprintln(out, g.self.PrivateIP)
		return 0, nil
	}
	fmt.Fprintln(out, g.self.HostName)
	return 0, nil
}

func runWhoami(_ context.Context, _ *guest, _ []string, out, _ io.Writer) (int, error) {
	fmt.Fprintln(out, "root")
	return 0, nil
}

func runUname(_ context.Context, g *guest, args []string, out, _ io.Writer) (int, error) {
	switch strings.Join(args, " ") {
	case "", "-s":
		fmt.Fprintln(out, "Linux")
	case "-n":
		fmt.Fprintln(out, g.self.HostName)
	default:
		fmt.Fprintf(out, "Linux %s 5.10.134-18.al8.x86_64 x86_64 GNU/Linux\n", g.self.HostName)
	}
	return 0, nil
}

// sleepTime reads sleep's and timeout's form of a time: 1.5, 10s, 2m, 1h.
func sleepTime(s string) (time.Duration, bool) {
	unit := time.Second
	if n := len(s) - 1; n > 0 {
		if u, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[n]]; ok {
			unit, s = u, s[:n]
		}
	}
	var d time.Duration
	if !seconds(s, &d) {
		return 0, false
	}
	return d * (unit / time.Second), true
}

func runSleep(_ context.Context, g *guest, args []string, _, errOut io.Writer) (int, error) {
	var sum time.Duration
	for _, a := range args {
		d, ok := sleepTime(a)
		if !ok {
			fmt.Fprintf(errOut, "sleep: invalid time interval '%s'\n", a)
			return 1, nil
		}
		sum += d
	}
	if len(args) == 0 {
		fmt.Fprintln(errOut, "sleep: missing operand")
		return 1, nil
	}
	return 0, g.spend(sum)
}

// runTimeout runs a program with a deadline on the guest's clock.
func runTimeout(ctx context.Context, g *guest, args []string, _, errOut io.Writer) (int, error) {
	if len(args) < 2 {
		fmt.Fprintln(errOut, "timeout: missing operand")
		return 125, nil
	}
	d, ok := sleepTime(args[0])
	if !ok {
		fmt.Fprintf(errOut, "timeout: invalid time interval '%s'\n", args[0])
		return 125, nil
	}
	if d > 0 { // 0 means: no limit
		g.mu.Lock()
		g.deadlines = append(g.deadlines, g.clock+d)
		depth := len(g.deadlines)
		g.mu.Unlock()
		defer func() {
			g.mu.Lock()
			g.deadlines = slices.Delete(g.deadlines, depth-1, len(g.deadlines))
			g.mu.Unlock()
		}()
	}
	err := g.exec(ctx, args[1:])
	var status interp.ExitStatus
	switch {
	case errors.Is(err, errKilled) && !g.over():
		return 124, nil
	case errors.As(err, &status):
		return int(status), nil
	}
	return 0, err
}

// runShell is bash -c.
func runShell(ctx context.Context, g *guest, args []string, out, errOut io.Writer) (int, error) {
	if len(args) != 2 || args[0] != "-c" {
		fmt.Fprintln(errOut, "bash: this guest's bash runs a script only: bash -c script")
		return 2, nil
	}
	return g.shell(ctx, "bash", args[1], out, errOut)
}

// dateForms are the conversions of date's format that this guest knows.
var dateForms = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'N': "000000000", 'y': "06", 'b': "Jan", 'a': "Mon",
	'F': "2006-01-02", 'T': "15:04:05", 'Z': "MST", 'z': "-0700",
}

func runDate(_ context.Context, g *guest, args []string, out, errOut io.Writer) (int, error) {
	g.mu.Lock()
	now := g.start.Add(g.clock).UTC()
	g.mu.Unlock()
	format := "+%a %b %d %T %Z %Y"
	for _, a := range args {
		switch {
		case strings.HasPrefix(a, "+"):
			format = a
		case a != "-u" && a != "--utc":
			fmt.Fprintf(errOut, "date: invalid date '%s'\n", a)
			return 1, nil
		}
	}
	var text strings.Builder
	for n := 1; n < len(format); n++ {
		switch {
		case format[n] != '%' || n+1 == len(format):
			text.WriteByte(format[n])
			continue
		case format[n+1] == 's':
			text.WriteString(strconv.FormatInt(now.Unix(), 10))
		case format[n+1] == 'N':
			fmt.Fprintf(&text, "%09d", now.Nanosecond())
		case dateForms[format[n+1]] != "":
			text.WriteString(now.Format(dateForms[format[n+1]]))
		default:
			text.WriteString(format[n : n+2])
		}
		n++
	}
	fmt.Fprintln(out, text.String())
	return 0, nil
}

// runIP shows the guest's addresses and routes.
func runIP(_ context.Context, g *guest, args []string, out, errOut io.Writer) (int, error) {
	for len(args) > 0 && args[0] == "-4" {
		args = args[1:]
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		fmt.Fprintln(errOut, "Usage: ip [ -4 ] { addr | route } ...")
		return 255, nil
	}
	switch is := func(full string, least int) bool { return len(args[0]) >= least && strings.HasPrefix(full, args[0]) }; {
	case is("address", 1) || args[0] == "addr":
		g.showAddresses(out)
	case is("route", 1) && len(args) >= 3 && args[1] == "get":
		to, err := netip.ParseAddr(args[2])
		if err != nil || !to.Is4() {
			fmt.Fprintf(errOut, "Error: inet prefix is expected rather than \"%s\".\n", args[2])
			return 1, nil
		}
		if !g.routeTo(to, out) {
			fmt.Fprintln(errOut, "RTNETLINK answers: Network is unreachable")
			return 2, nil
		}
	case is("route", 1):
		g.showRoutes(out)
	default:
		fmt.Fprintf(errOut, "Object \"%s\" is unknown, try \"ip help\".\n", args[0])
		return 1, nil
	}
	return 0, nil
}

// gateway is the address of a vSwitch's router: the third last of its block.
func gateway(block netip.Prefix) netip.Addr {
	b := block.Masked().Addr().As4()
	for bit := block.Bits(); bit < 32; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(b).Prev().Prev()
}

// bridgeAddress is the guest's own address on a bridge: the first of its block.
func bridgeAddress(r engine.GuestRoute) netip.Addr { return r.Destination.Masked().Addr().Next() }

func (g *guest) block() netip.Prefix { return g.world.vSwitch(g.self.VSwitchID).Block.Masked() }

func (g *guest) showAddresses(out io.Writer) {
	fmt.Fprint(out, "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    inet 127.0.0.1/8 scope host lo\n")
	flags, state := "BROADCAST,MULTICAST,UP,LOWER_UP", "UP"
	if g.self.Guest.InterfaceDown {
		flags, state = "BROADCAST,MULTICAST", "DOWN"
	}
	fmt.Fprintf(out, "2: eth0: <%s> mtu %d qdisc fq_codel state %s group default qlen 1000\n", flags, mtu(g.self), state)
	fmt.Fprintf(out, "    inet %s/%d scope global dynamic noprefixroute eth0\n", g.self.PrivateIP, g.block().Bits())
	for n, r := range g.self.Guest.Routes {
		fmt.Fprintf(out, "%d: %s: <BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state UP group default\n    inet %s/%d scope global %s\n",
			n+3, r.Device, bridgeAddress(r), r.Destination.Bits(), r.Device)
	}
}

func (g *guest) showRoutes(out io.Writer) {
	up := !g.self.Guest.InterfaceDown
	if up {
		fmt.Fprintf(out, "default via %s dev eth0 proto dhcp src %s metric 100\n", gateway(g.block()), g.self.PrivateIP)
	}
	for _, r := range g.self.Guest.Routes {
		fmt.Fprintf(out, "%s dev %s proto kernel scope link src %s\n", r.Destination, r.Device, bridgeAddress(r))
	}
	if up {
		fmt.Fprintf(out, "%s dev eth0 proto kernel scope link src %s metric 100\n", g.block(), g.self.PrivateIP)
	}
}

// routeTo shows the route to an address; false if there is none.
func (g *guest) routeTo(to netip.Addr, out io.Writer) bool {
	f := flow{source: g.self.PrivateIP, target: to, sender: g.self}
	s := g.world.leaveGuest(f, &Verdict{})
	switch {
	case to == g.self.PrivateIP || to.IsLoopback():
		fmt.Fprintf(out, "local %s dev lo src %s uid 0\n", to, to)
	case s != nil && s.fate == NoRoute:
		return false
	case s != nil:
		fmt.Fprintf(out, "%s dev %s src %s uid 0\n", to, g.device(to), s.by)
	case g.block().Contains(to):
		fmt.Fprintf(out, "%s dev eth0 src %s uid 0\n", to, g.self.PrivateIP)
	default:
		fmt.Fprintf(out, "%s via %s dev eth0 src %s uid 0\n", to, gateway(g.block()), g.self.PrivateIP)
	}
	fmt.Fprintln(out, "    cache")
	return true
}

// device is the bridge that covers an address, the longest prefix first.
func (g *guest) device(to netip.Addr) string {
	best := engine.GuestRoute{}
	for _, r := range g.self.Guest.Routes {
		if r.Destination.Contains(to) && (best.Device == "" || r.Destination.Bits() > best.Destination.Bits()) {
			best = r
		}
	}
	return best.Device
}
