package interconnect

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Batch is a request for several connections at once, as POST /connections
// takes it: a list, a mesh (each VPC with each other), or a hub with its spokes.
type Batch struct {
	Connections []Request     `json:"connections,omitempty"`
	Mesh        []RequestSide `json:"mesh,omitempty"`
	Hub         *RequestSide  `json:"hub,omitempty"` // initiator of each connection
	Spokes      []RequestSide `json:"spokes,omitempty"`
	Each        *Shared       `json:"each,omitempty"`     // what all connections of a mesh, or of a hub, have in common
	PlanHash    string        `json:"planHash,omitempty"` // as Request's, of the whole batch
}

// Shared is what the connections that a batch expands into have in common.
type Shared struct {
	Type          Type      `json:"type,omitempty"`
	Specification string    `json:"specification,omitempty"`
	Bandwidth     *int      `json:"bandwidth,omitempty"`
	LinkType      string    `json:"linkType,omitempty"`
	OnFailure     OnFailure `json:"onFailure,omitempty"`
	Repair        Repair    `json:"repair,omitempty"`
	NotBefore     string    `json:"notBefore,omitempty"`
	ExpiresAt     string    `json:"expiresAt,omitempty"`
	AllowCut      bool      `json:"allowCut,omitempty"`
	RequestedBy   string    `json:"requestedBy,omitempty"`
}

// MaxBatch is how many connections one batch may ask for: they are looked at
// within one request.
const MaxBatch = 100

// DecodeAsked reads what POST /connections takes: one request or, if the object
// has any of a batch's fields, a batch. It is as strict as DecodeRequest, and
// returns exactly one of the three.
func DecodeAsked(body []byte) (*Request, *Batch, []FieldProblem) {
	var p problems
	root, ok := parse(body, &p)
	if !ok {
		return nil, nil, p.list
	}
	var r Request
	var b Batch
	many := slices.ContainsFunc(root.names, func(name string) bool {
		return slices.Contains([]string{"connections", "mesh", "hub", "spokes", "each"}, name)
	})
	if many {
		fill(reflect.ValueOf(&b).Elem(), root, "", &p)
	} else {
		fill(reflect.ValueOf(&r).Elem(), root, "", &p)
	}
	switch {
	case len(p.list) > 0:
		return nil, nil, p.list
	case many:
		return nil, &b, nil
	}
	return &r, nil, nil
}

// Member is one connection of a batch, and where in the batch its parts are.
type Member struct {
	Request Request
	at      [3]string // paths: of the initiator, of the acceptor, of the rest
}

// Locate turns a field of the member's request into one of the batch.
func (m *Member) Locate(field string) string {
	for i, role := range Roles {
		if rest, ok := strings.CutPrefix(field, "/"+string(role)); ok && m.at[i] != "" {
			return m.at[i] + rest
		}
	}
	return m.at[2] + field
}

// Expand spells a batch out into its connections, or says what is wrong with
// its form.
func (b *Batch) Expand() ([]Member, []FieldProblem) {
	var p problems
	forms := 0
	for _, given := range []bool{b.Connections != nil, b.Mesh != nil, b.Hub != nil || b.Spokes != nil} {
		if given {
			forms++
		}
	}
	var out []Member
	switch {
	case forms != 1:
		p.add("", "A batch is one of three: connections, mesh, or hub with spokes; give one of them.")
	case b.Connections != nil:
		if b.Each != nil {
			p.add("/each", "A list of connections says everything of each; leave this field out.")
		}
		for i, r := range b.Connections {
			at := item("/connections", i)
			out = append(out, Member{Request: r, at: [3]string{"", "", at}})
		}
	case b.Mesh != nil:
		for i := range b.Mesh {
			for j := i + 1; j < len(b.Mesh) && len(out) <= MaxBatch; j++ {
				out = append(out, b.member(b.Mesh[i], b.Mesh[j], item("/mesh", i), item("/mesh", j)))
			}
		}
		if len(b.Mesh) < 2 {
			p.add("/mesh", "A mesh needs at least two VPCs; name more.")
		}
	case b.Hub == nil:
		p.add("/hub", "The hub is missing; give the VPC that all spokes are to be connected with.")
	case len(b.Spokes) == 0:
		p.add("/spokes", "The spokes are missing; give the VPCs that are to be connected with the hub.")
	default:
		for i := range b.Spokes {
			out = append(out, b.member(*b.Hub, b.Spokes[i], "/hub", item("/spokes", i)))
		}
	}
	if len(out) > MaxBatch {
		p.add("", "The batch asks for more than %d connections; ask in several.", MaxBatch)
	}
	if len(p.list) == 0 && len(out) == 0 {
		p.add("/connections", "The list is empty; name connections.")
	}
	return out, p.list
}

func (b *Batch) member(initiator, acceptor RequestSide, at, there string) Member {
	r := Request{Initiator: initiator, Acceptor: acceptor}
	if e := b.Each; e != nil {
		r.Type, r.Specification, r.Bandwidth, r.LinkType = e.Type, e.Specification, e.Bandwidth, e.LinkType
		r.OnFailure, r.Repair, r.NotBefore, r.ExpiresAt, r.AllowCut = e.OnFailure, e.Repair, e.NotBefore, e.ExpiresAt, e.AllowCut
		r.RequestedBy = e.RequestedBy
	}
	return Member{Request: r, at: [3]string{at, there, "/each"}}
}

// Clash says why two connections cannot both be, or "": they are of one pair or
// have one id, or a route table would have to lead to addresses of two VPCs
// that share them.
func Clash(a, b *Connection) (field, why string) {
	switch {
	case a.ID == b.ID:
		return "/id", fmt.Sprintf("Two connections have the id %s; give each its own.", a.ID)
	case a.Pair() == b.Pair():
		return "/acceptor/vpcId", fmt.Sprintf("%s and %s are of the same two VPCs; one connection is enough.", a.ID, b.ID)
	}
	for _, ra := range Roles {
		for _, rb := range Roles {
			there, other := a.Side(ra.Other()), b.Side(rb.Other())
			if a.Side(ra).VpcID != b.Side(rb).VpcID || there.VpcID == other.VpcID {
				continue
			}
			shared := slices.ContainsFunc(a.Side(ra).RouteTableIDs, func(id string) bool { return slices.Contains(b.Side(rb).RouteTableIDs, id) })
			if x, y, found := overlap(there.CidrBlocks, other.CidrBlocks); shared && found {
				return "/" + string(ra.Other()) + "/cidrBlocks", fmt.Sprintf("%s of %s and %s of %s, which the connection %s is to reach, share addresses, so %s cannot route to both; name blocks that do not overlap.",
					x, there.VpcID, y, other.VpcID, b.ID, a.Side(ra).VpcID)
			}
		}
	}
	return "", ""
}
