package reachability

import (
	"strconv"
	"strings"
)

// ports is a range of ports, both ends included.
type ports struct{ from, to int }

// everyPort is what a packet without ports has: every rule's range holds it
// that is not narrowed to some.
var everyPort = ports{-1, -1}

// clientPorts are those that a client's system picks from for its own end:
// Linux's net.ipv4.ip_local_port_range, as Alibaba Cloud's images have it.
var clientPorts = ports{32768, 60999}

// match is whether a rule is about a flow.
type match int

// A rule that is maybe about a flow is about a part of it, or cannot be
// understood from what the cloud reports.
const (
	no match = iota
	maybe
	yes
)

// portMatch holds a rule's range, as the APIs spell it, against a flow's ports.
func portMatch(spelled string, f ports) match {
	r, all, ok := parsePorts(spelled)
	switch {
	case all:
		return yes
	case !ok:
		return maybe
	case f == everyPort:
		return no // a range of ports is not about what has none
	case r.from <= f.from && f.to <= r.to:
		return yes
	case r.to < f.from || f.to < r.from:
		return no
	}
	return maybe
}

// parsePorts reads from/to. all: it is about everything.
func parsePorts(s string) (r ports, all, ok bool) {
	if s == "" || s == "-1/-1" {
		return r, true, true
	}
	from, to, _ := strings.Cut(s, "/")
	var err1, err2 error
	r.from, err1 = strconv.Atoi(from)
	r.to, err2 = strconv.Atoi(to)
	if err1 != nil || err2 != nil || r.from > r.to {
		return r, false, false
	}
	return r, r.from <= 1 && r.to == 65535, true
}

// least is the weakest of several conditions that must all hold.
func least(all ...match) match {
	m := yes
	for _, x := range all {
		m = min(m, x)
	}
	return m
}
