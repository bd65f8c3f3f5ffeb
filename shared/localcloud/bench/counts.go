package bench

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Count is how often a function made a kind of call, and why.
type Count struct {
	By     string `json:"by"`
	Action string `json:"action"`
	Calls  int    `json:"calls"`
	Why    string `json:"why,omitempty"`
}

// Reads counts the calls that look at networks, by function and action.
func (r Recording) Reads() []Count {
	return r.count(func(c Call) bool { return !c.Write && !c.Store() })
}

// Writes counts the calls that change networks, or run something in them.
func (r Recording) Writes() []Count {
	return r.count(func(c Call) bool { return c.Write && !c.Store() })
}

// Bookkeeping counts the calls to the Parameter Store.
func (r Recording) Bookkeeping() []Count { return r.count(Call.Store) }

func (r Recording) count(which func(Call) bool) []Count {
	var out []Count
	for _, c := range r.Calls {
		if !which(c) {
			continue
		}
		i := slices.IndexFunc(out, func(o Count) bool { return o.By == c.By && o.Action == c.Action })
		if i < 0 {
			out = append(out, Count{By: c.By, Action: c.Action, Why: Why(c.By, c.Action)})
			i = len(out) - 1
		}
		out[i].Calls++
	}
	slices.SortStableFunc(out, func(a, b Count) int { return cmp.Compare(place(a.By), place(b.By)) })
	return out
}

// Sum is how many calls counts are together.
func Sum(counts []Count) (n int) {
	for _, c := range counts {
		n += c.Calls
	}
	return n
}

// functions are in the order in which a connection meets them.
var functions = []string{"intake", "peering", "routes", "securitygroups", "verification"}

func place(function string) int { return slices.Index(functions, function) }

// whys says of each read what it is needed for.
var whys = map[string]string{
	"intake GetCallerIdentity":        "whose account it is, where a VPC does not belong to the one that Function Compute names",
	"intake DescribeVpcAttribute":     "that both VPCs are there; their blocks, owners and routers",
	"intake DescribeVSwitches":        "blocks that a route must not collide with, and which table serves whom",
	"intake DescribeRouteTableList":   "tables that a request names, or that a plan looks at; else vSwitches name those that get routes",
	"intake DescribeRouteEntryList":   "a route that is in the way, and how full the tables are",
	"intake DescribeRouterInterfaces": "whether router interfaces join the pair already, and how many more the routers take",
	"intake ListVpcPeerConnections":   "whether a VPC peering connection joins the pair already, of a request that may become one, or a connection that may have been one",
	"intake DescribeSecurityGroups":   "that the groups are there, in their VPC, and can be edited",

	"peering DescribeRouterInterfaces":              "what is there before anything is made, and that both sides are Active",
	"routes DescribeRouterInterfaces":               "where the routes are to lead: the message carries no facts; one side names both",
	"peering DescribeRouteTableList":                "any table may have a route to what is to go",
	"peering DescribeRouteEntryList":                "nothing goes while a route leads to it",
	"peering ListVpcPeerConnections":                "what is there before anything is made or removed, of either type, and that it is Activated",
	"routes ListVpcPeerConnections":                 "where the routes are to lead: the message carries no facts; one side tells of both",
	"routes DescribeRouteTableList":                 "all tables of both VPCs: those too in which a task may run, or that are no longer wanted",
	"routes DescribeRouteEntryList":                 "what is there before, and that all was made: a batch may be carried out in part",
	"securitygroups DescribeSecurityGroupAttribute": "rules that are there already and whose they are, and the ids of those made",

	"verification DescribeInstances":              "from where to where a ping goes; a check goes by the last one",
	"verification DescribeCloudAssistantStatus":   "which of several instances can run a command, and why one could not",
	"verification DescribeInvocations":            "what the pings print; from where to where they went they say themselves",
	"verification DescribeRouterInterfaces":       "what joins the two VPCs, compared with what was made",
	"verification ListVpcPeerConnections":         "what joins the two VPCs, compared with what was made",
	"verification DescribeRouteTableList":         "the tables of both VPCs, compared with what was made",
	"verification DescribeRouteEntryList":         "their routes, compared with what was made",
	"verification DescribeSecurityGroupAttribute": "the groups' rules, compared with what was made",
	"verification DescribeVpcAttribute":           "blocks that came to the VPCs, hourly and when asked; the blocks, to follow a packet",
	"verification DescribeVSwitches":              "vSwitches that came to the VPCs, hourly and when asked; to follow a packet",
	"verification DescribeSecurityGroups":         "the groups' types, to follow a packet",
	"verification DescribeNetworkAclAttributes":   "the vSwitches' ACLs, to follow a packet",
}

// Why says what a function's read is needed for, "" if nobody has said.
func Why(by, action string) string { return whys[by+" "+action] }

// Hop is a message on its way from a function to the next, or to itself.
type Hop struct {
	From, To string
	Delay    time.Duration // that was asked for
	Cost     time.Duration // from when it could be handled to the handler's first call
}

// Hops finds the messages of one connection's chain. With several connections
// at once it would take one's for another's.
func (r Recording) Hops() []Hop {
	var out []Hop
	for _, s := range r.Sends {
		to := ""
		for _, f := range functions {
			if strings.ReplaceAll(s.Queue[strings.Index(s.Queue, "-")+1:], "-", "") == f {
				to = f
			}
		}
		if to == "" {
			continue // nobody's step reads it
		}
		h := Hop{From: s.By, To: to}
		for _, run := range r.Runs {
			if run.Function == s.By && run.Step != nil && !run.Began.After(s.Sent) && !run.Ended.Before(s.Sent) {
				h.Delay = time.Duration(run.Step.Delay * float64(time.Second))
			}
		}
		due := s.Sent.Add(h.Delay)
		next := slices.IndexFunc(r.Calls, func(c Call) bool { return c.By == to && !c.Sent.Before(due) })
		if next < 0 {
			continue
		}
		h.Cost = r.Calls[next].Sent.Sub(due)
		out = append(out, h)
	}
	return out
}

// Billed is how long the functions ran, each invocation by itself.
func (r Recording) Billed() (total time.Duration) {
	for _, run := range r.Runs {
		total += run.Ended.Sub(run.Began)
	}
	return total
}

// Waited is for how long of that an answer was waited for: calls that go on side
// by side count once.
func (r Recording) Waited() (total time.Duration) {
	for _, run := range r.Runs {
		var spans [][2]time.Time
		add := func(by string, sent, answered time.Time) {
			if by == run.Function && !sent.Before(run.Began) && !sent.After(run.Ended) {
				spans = append(spans, [2]time.Time{sent, answered})
			}
		}
		for _, c := range r.Calls {
			add(c.By, c.Sent, c.Answered)
		}
		for _, s := range r.Sends {
			add(s.By, s.Sent, s.Answered)
		}
		total += union(spans)
	}
	return total
}

// union is how long spans are together, what they share counted once.
func union(spans [][2]time.Time) (total time.Duration) {
	slices.SortFunc(spans, func(a, b [2]time.Time) int { return a[0].Compare(b[0]) })
	var upTo time.Time
	for _, s := range spans {
		from := s[0]
		if from.Before(upTo) {
			from = upTo
		}
		if s[1].After(from) {
			total += s[1].Sub(from)
			upTo = s[1]
		}
	}
	return total
}
