package conformance_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	ali_mns "github.com/aliyun/aliyun-mns-go-sdk"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/mns"
	"vpcinterconnect/shared/trigger"
)

// notAsked is why a fact could not be asked.
type notAsked string

// ourPrefix begins the name of everything that a session makes.
const ourPrefix = "conformance"

// budget is the most that a session may make of each thing, and what it costs.
// A session that would need more stops asking.
var budget = []struct {
	what string
	most int
	cost string
}{
	{"VPC", 3, "free"},
	{"vSwitch", 3, "free"},
	{"security group", 2, "free"},
	{"network ACL", 1, "free"},
	{"router interface", 4, "the initiating side of Mini.2 within one region by the hour while it exists, if it is charged at all; the accepting side is free"},
	{"peering connection", 3, "free; traffic between regions would cost, and there is none"},
	{"route entry", 6, "free"},
	{"parameter", 2, "free (standard parameters)"},
	{"queue", 3, "free; some dozens of requests"},
	{"command", 4, "free"},
}

// session is a conversation with one cloud: what has been made so far, and how
// to take it away again. Facts are asked one after the other.
type session struct {
	*target
	name  string // of everything that it makes
	write bool
	end   time.Time // no new question after it

	made   map[string]int
	undo   []undoing // the last first
	known  map[string]string
	client *mns.Client
}

type undoing struct {
	what string
	do   func() error
}

func newSession(t *target, write bool, end time.Time) *session {
	return &session{
		target: t, write: write, end: end, name: fmt.Sprintf("%s-%x", ourPrefix, time.Now().UnixNano()&0xffffffffff),
		made: map[string]int{}, known: map[string]string{},
	}
}

// ask asks one fact, and returns what was seen, or why it was not asked.
func (s *session) ask(f fact) (string, error) {
	switch {
	case f.writes && !s.write:
		return "", errors.New("needs to make something")
	case time.Now().After(s.end):
		return "", errors.New("the time is up")
	}
	return guarded(func() string { return f.ask(s) })
}

// guarded turns a question that was given up into an error.
func guarded(f func() string) (seen string, err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case notAsked:
			err = errors.New(string(r))
		default:
			panic(r)
		}
	}()
	return f(), nil
}

// skip gives a question up.
func (s *session) skip(format string, args ...any) { panic(notAsked(fmt.Sprintf(format, args...))) }

// read asks for something in the first region.
func (s *session) read(product, action string, with ...string) reply {
	return s.call(request{product: product, region: s.regions[0], action: action, with: with})
}

// in asks in a region.
func (s *session) in(region int, product, action string, with ...string) reply {
	return s.call(request{product: product, region: s.regions[region], action: action, with: with})
}

// must makes a call without which there is nothing to ask.
func (s *session) must(r reply, what string) reply {
	if !r.ok() {
		s.skip("%s: %s", what, r)
	}
	return r
}

// spend counts what is made against the budget.
func (s *session) spend(what string, n int) {
	for _, b := range budget {
		if b.what == what {
			if s.made[what] += n; s.made[what] > b.most {
				s.skip("that would be %s number %d, and the plan has %d", what, s.made[what], b.most)
			}
			return
		}
	}
	panic("the plan has no " + what)
}

// later has something taken away at the end. The calls that do it are made
// again until they succeed, or say that there is nothing.
func (s *session) later(what string, call func() reply) {
	s.undo = append(s.undo, undoing{what, func() error {
		r := call()
		if r.ok() || strings.Contains(r.code, "NotFound") || strings.Contains(r.code, "NotExist") {
			return nil
		}
		return errors.New(r.String())
	}})
}

// clean takes away whatever was made, and returns what could not be.
func (s *session) clean() []string {
	var left []string
	for i := len(s.undo) - 1; i >= 0; i-- {
		u := s.undo[i]
		if err := s.until(u.do); err != nil {
			left = append(left, u.what+": "+err.Error())
		}
	}
	s.undo = nil
	return left
}

// until does something again until it succeeds, for as long as the target's
// states may take.
func (s *session) until(do func() error) error {
	for end := time.Now().Add(s.patience); ; time.Sleep(s.moment) {
		var err error
		if _, given := guarded(func() string { err = do(); return "" }); given != nil {
			err = given
		}
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// await waits until a look sees what is wanted, and returns the last that was
// seen.
func (s *session) await(look func() string, wanted ...string) string {
	for end := time.Now().Add(s.patience); ; time.Sleep(s.moment) {
		seen := look()
		for _, w := range wanted {
			if seen == w {
				return seen
			}
		}
		if time.Now().After(end) {
			return seen
		}
	}
}

// once makes a thing the first time that it is needed, and returns its id.
func (s *session) once(what string, fresh func() string) string {
	if id, ok := s.known[what]; ok {
		if id == "" {
			s.skip("%s could not be had", what)
		}
		return id
	}
	s.known[what] = ""
	s.known[what] = fresh()
	return s.known[what]
}

// VPCs: two in the first region, one in the second.
var places = map[string]struct {
	region        int
	block, subnet string
}{
	"a": {0, "10.81.0.0/16", "10.81.1.0/24"}, "b": {0, "10.82.0.0/16", "10.82.1.0/24"}, "c": {1, "10.83.0.0/16", "10.83.1.0/24"},
}

// vpc returns a VPC of the session's own, with a vSwitch in it.
func (s *session) vpc(place string) string {
	return s.once("VPC "+place, func() string {
		p := places[place]
		s.spend("VPC", 1)
		made := s.must(s.in(p.region, "Vpc", "CreateVpc", "CidrBlock", p.block, "VpcName", s.name+"-"+place), "CreateVpc")
		id := made.at("VpcId")
		s.later("VPC "+id, func() reply { return s.in(p.region, "Vpc", "DeleteVpc", "VpcId", id) })
		s.await(func() string {
			return s.in(p.region, "Vpc", "DescribeVpcAttribute", "VpcId", id).at("Status")
		}, "Available")
		s.known["router "+place], s.known["table "+place] = made.at("VRouterId"), made.at("RouteTableId")
		zone := s.in(p.region, "Vpc", "DescribeZones").at("Zones.Zone.0.ZoneId")
		s.spend("vSwitch", 1)
		subnet := s.must(s.in(p.region, "Vpc", "CreateVSwitch", "VpcId", id, "ZoneId", zone, "CidrBlock", p.subnet, "VSwitchName", s.name), "CreateVSwitch").at("VSwitchId")
		s.later("vSwitch "+subnet, func() reply { return s.in(p.region, "Vpc", "DeleteVSwitch", "VSwitchId", subnet) })
		s.await(func() string {
			return s.in(p.region, "Vpc", "DescribeVSwitchAttributes", "VSwitchId", subnet).at("Status")
		}, "Available")
		return id
	})
}

func (s *session) router(place string) string { s.vpc(place); return s.known["router "+place] }
func (s *session) table(place string) string  { s.vpc(place); return s.known["table "+place] }

// group returns a security group of the session's own.
func (s *session) group(place string) string {
	return s.once("group "+place, func() string {
		region, network := places[place].region, s.vpc(place)
		s.spend("security group", 1)
		id := s.must(s.in(region, "Ecs", "CreateSecurityGroup", "VpcId", network, "SecurityGroupName", s.name), "CreateSecurityGroup").at("SecurityGroupId")
		s.later("security group "+id, func() reply { return s.in(region, "Ecs", "DeleteSecurityGroup", "SecurityGroupId", id) })
		return id
	})
}

// queue returns a queue of the session's own, by its name after the prefix.
func (s *session) queue() string {
	return s.once("queue", func() string {
		s.spend("queue", 1)
		if err := s.queues().CreateSimpleQueue(s.name + "-q"); err != nil {
			s.skip("CreateQueue: %s", mnsCode(err))
		}
		s.undo = append(s.undo, undoing{"queue " + s.name + "-q", func() error { return s.queues().DeleteQueue(s.name + "-q") }})
		return "q"
	})
}

// queues is the official SDK's own client.
func (s *session) queues() ali_mns.AliQueueManager {
	return ali_mns.NewMNSQueueManager(s.officialMNS())
}

func (s *session) officialMNS() ali_mns.MNSClient {
	return ali_mns.NewAliMNSClientWithConfig(ali_mns.AliMNSClientConfig{
		EndPoint: s.mns, AccessKeyId: s.key.id, AccessKeySecret: s.key.secret, Token: s.key.token, TimeoutSecond: 15,
	})
}

// messages is the project's client.
func (s *session) messages() *mns.Client {
	if s.client == nil {
		c, err := mns.New(trigger.Invocation{Region: s.regions[0], AccountID: s.account, Credentials: trigger.Credentials{
			AccessKeyID: s.key.id, AccessKeySecret: s.key.secret, SecurityToken: s.key.token,
		}}, mns.Options{Endpoint: s.mns, Prefix: s.name})
		if err != nil {
			s.skip("%s", err)
		}
		s.client = c
	}
	return s.client
}

// mnsCode is the code of an error of the official SDK, or of the project's
// client, "" for none.
func mnsCode(err error) string {
	var ours *mns.Error
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &ours):
		return ours.Code
	}
	text := err.Error()
	for _, code := range []string{"QueueNotExist", "QueueDeletedRecently", "QueueAlreadyExist", "InvalidArgument", "MessageNotExist", "ReceiptHandleError", "AccessDenied"} {
		if strings.Contains(text, code) {
			return code
		}
	}
	return fmt.Sprintf("%T", err)
}

// token is a client token of the session's own.
func (s *session) token(of string) string { return interconnect.ClientToken(s.name, of) }
