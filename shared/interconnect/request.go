package interconnect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Request is what somebody asks for, as POST /connections takes it. Only the
// two sides' RegionID and VpcID are required; Resolve spells the rest out.
type Request struct {
	ID            string      `json:"id,omitempty"`            // default: DefaultID of the pair
	Type          Type        `json:"type,omitempty"`          // default: auto
	Specification string      `json:"specification,omitempty"` // bandwidth of the initiator's router interface; default: DefaultSpecification. Other types have none
	Bandwidth     *int        `json:"bandwidth,omitempty"`     // Mb/s of a VPC peering connection across regions; default: as it is, a new one's the cloud's (1024)
	LinkType      string      `json:"linkType,omitempty"`      // likewise: Gold or Platinum; default: as it is, a new one's the cloud's (Gold)
	Initiator     RequestSide `json:"initiator"`
	Acceptor      RequestSide `json:"acceptor"`
	OnFailure     OnFailure   `json:"onFailure,omitempty"`   // default: rollback
	Repair        Repair      `json:"repair,omitempty"`      // default: report
	NotBefore     string      `json:"notBefore,omitempty"`   // RFC 3339: nothing is changed before; default: at once
	ExpiresAt     string      `json:"expiresAt,omitempty"`   // RFC 3339: then it is taken away; default: never
	RequestedBy   string      `json:"requestedBy,omitempty"` // who asks, where somebody else posts it; default: the token's name alone
	PlanHash      string      `json:"planHash,omitempty"`    // of the plan that this request was decided on; it is refused if that has changed
	AllowCut      bool        `json:"allowCut,omitempty"`    // traffic that passes, and still is to, may stop while this is carried out
}

// RequestSide is one VPC's side of a Request.
type RequestSide struct {
	Account        string         `json:"account,omitempty"` // main account id; default and, for now, only choice: the deployment's
	RegionID       string         `json:"regionId"`
	VpcID          string         `json:"vpcId"`
	CidrBlocks     []string       `json:"cidrBlocks,omitempty"`     // what of this side the other may reach; default: the VPC's blocks
	RouteTableIDs  []string       `json:"routeTableIds,omitempty"`  // default: every table that serves a vSwitch
	SecurityGroups []RequestGroup `json:"securityGroups,omitempty"` // default: none
	Probe          *RequestProbe  `json:"probe,omitempty"`          // default: a running instance with Cloud Assistant online
}

// RequestGroup is a security group of a side and what it is to let in.
type RequestGroup struct {
	SecurityGroupID string         `json:"securityGroupId"`
	Authorization   Authorization  `json:"authorization,omitempty"` // default: CidrBlock
	Allow           []RequestAllow `json:"allow,omitempty"`         // default: ICMP
}

// RequestAllow is a protocol and, for TCP and UDP, a port range such as
// "5432/5432".
type RequestAllow struct {
	Protocol  string `json:"protocol"`
	PortRange string `json:"portRange,omitempty"`
}

// RequestProbe says what proves that a side is connected: one instance, or
// several, of which the first pings, and all are pinged.
type RequestProbe struct {
	InstanceID  string   `json:"instanceId,omitempty"`  // default: a running instance with Cloud Assistant online
	InstanceIDs []string `json:"instanceIds,omitempty"` // instead: at most MaxProbes
	Packets     *int     `json:"packets,omitempty"`     // of each ping from this side, 1 to MaxPackets; default: DefaultPackets
}

// Bounds of a probe.
const (
	MaxProbes      = 3
	MaxPackets     = 20
	DefaultPackets = 4
)

// ids are the instances that the probe names, in order.
func (p *RequestProbe) ids() []string {
	switch {
	case p == nil:
		return nil
	case p.InstanceID != "":
		return []string{p.InstanceID}
	}
	return p.InstanceIDs
}

// ProbeIDs are the instances that the side's probe names, in order.
func (s *RequestSide) ProbeIDs() []string { return s.Probe.ids() }

// Side returns the side in the given role.
func (r *Request) Side(role Role) *RequestSide {
	if role == Initiator {
		return &r.Initiator
	}
	return &r.Acceptor
}

// RequestOf spells a resolved connection out as the request that resolves to
// it again: what an answer shows, and what can be posted back.
func RequestOf(c *Connection) *Request {
	r := &Request{
		ID:            c.ID,
		Type:          c.Type,
		Specification: c.Specification,
		LinkType:      c.LinkType,
		Initiator:     requestSideOf(&c.Initiator),
		Acceptor:      requestSideOf(&c.Acceptor),
		OnFailure:     c.OnFailure,
		Repair:        c.Repair,
	}
	if c.Bandwidth != 0 {
		r.Bandwidth = &c.Bandwidth
	}
	return r
}

func requestSideOf(s *Side) RequestSide {
	out := RequestSide{Account: s.Account, RegionID: s.RegionID, VpcID: s.VpcID, RouteTableIDs: s.RouteTableIDs}
	for _, b := range s.CidrBlocks {
		out.CidrBlocks = append(out.CidrBlocks, b.String())
	}
	for _, g := range s.SecurityGroups {
		rg := RequestGroup{SecurityGroupID: g.ID, Authorization: g.Authorization}
		for _, a := range g.Allow {
			rg.Allow = append(rg.Allow, RequestAllow(a))
		}
		out.SecurityGroups = append(out.SecurityGroups, rg)
	}
	out.Probe = requestProbeOf(s)
	return out
}

func requestProbeOf(s *Side) *RequestProbe {
	var p RequestProbe
	switch {
	case s.ProbeID == "" && s.Packets == 0:
		return nil
	case len(s.Targets) > 0:
		p.InstanceIDs = append([]string{s.ProbeID}, s.Targets...)
	default:
		p.InstanceID = s.ProbeID
	}
	if s.Packets != 0 {
		p.Packets = &s.Packets
	}
	return &p
}

// Pair names two VPCs without regard to which comes first: equal pairs have
// equal keys.
func Pair(regionA, vpcA, regionB, vpcB string) string {
	a, b := regionA+"/"+vpcA, regionB+"/"+vpcB
	if b < a {
		a, b = b, a
	}
	return a + " " + b
}

// Pair returns the connection's pair of VPCs.
func (c *Connection) Pair() string {
	return Pair(c.Initiator.RegionID, c.Initiator.VpcID, c.Acceptor.RegionID, c.Acceptor.VpcID)
}

// Pair returns the request's pair of VPCs.
func (r *Request) Pair() string {
	return Pair(r.Initiator.RegionID, r.Initiator.VpcID, r.Acceptor.RegionID, r.Acceptor.VpcID)
}

// DefaultID is the id of a request that names none. It is the same whichever
// side comes first, so that A to B and B to A are one connection.
func DefaultID(r *Request) string {
	sum := sha256.Sum256([]byte(r.Pair()))
	return "pair-" + hex.EncodeToString(sum[:8])
}

// FieldProblem is what is wrong with one field of a request, and what to do.
type FieldProblem struct {
	Field     string `json:"field"`               // path from the request's root, e.g. /acceptor/securityGroups/0/allow/1/portRange; "" is the whole
	Sentence  string `json:"detail"`              // says what to do
	RequestID string `json:"requestId,omitempty"` // of the cloud's answer that shows it
}

func (p FieldProblem) Error() string {
	if p.Field == "" {
		return p.Sentence
	}
	return p.Field + ": " + p.Sentence
}

// Warning is something about a request that does not stop it.
type Warning struct {
	Field    string `json:"field,omitempty"` // as FieldProblem's
	Sentence string `json:"detail"`
}

// problems collects what is wrong, up to a limit that keeps answers readable.
type problems struct{ list []FieldProblem }

// maxProblems is how many problems of one request are reported at once.
const maxProblems = 20

func (p *problems) add(field, format string, args ...any) {
	p.addAnswered("", field, format, args...)
}

func (p *problems) addAnswered(requestID, field, format string, args ...any) {
	if len(p.list) < maxProblems {
		p.list = append(p.list, FieldProblem{Field: field, Sentence: fmt.Sprintf(format, args...), RequestID: requestID})
	}
}

// child appends one step to a field's path, as a JSON pointer does.
func child(path, key string) string {
	return path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(short(key))
}

// item appends an index to a field's path.
func item(path string, i int) string { return path + "/" + strconv.Itoa(i) }

// short cuts what a stranger sent to a length that can be shown.
func short(s string) string {
	const most = 64
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
