package interconnect

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// markWord is the first word of every mark.
const markWord = "interconnect"

// markTag is the key of the tag that holds a mark.
const markTag = "vpc-interconnect"

// markPart is what a deployment's prefix and a connection's id look like in a
// mark. Neither may hold a dot, so that a mark falls apart in one way only.
var markPart = grammar{form(`^[A-Za-z0-9][A-Za-z0-9-]*$`), 1, 48}

// Mark says whose a thing in the cloud is: the deployment that made it and the
// connection that it was made for. It is written into names, descriptions and
// tags, and it is the only evidence on which anything is changed or removed.
type Mark struct {
	Prefix       string // of the deployment
	ConnectionID string
}

// String spells the mark: interconnect.<prefix>.<connection id>. It begins
// with a letter and holds letters, digits, '-' and '.' only, which every kind
// of name and description in the cloud accepts.
func (m Mark) String() string { return markWord + "." + m.Prefix + "." + m.ConnectionID }

// ParseMark reads a mark. Whatever String would not spell exactly so is no
// mark, and the thing that bears it is somebody else's.
func ParseMark(s string) (Mark, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || parts[0] != markWord || !markPart.MatchString(parts[1]) || !markPart.MatchString(parts[2]) {
		return Mark{}, false
	}
	return Mark{Prefix: parts[1], ConnectionID: parts[2]}, true
}

// Tags returns the mark as the tag of a resource.
func (m Mark) Tags() map[string]string { return map[string]string{markTag: m.String()} }

// ours tells whether text is a mark of the same deployment, and whose.
func (m Mark) ours(text string) (Mark, bool) {
	found, ok := ParseMark(text)
	return found, ok && found.Prefix == m.Prefix
}

// OwnerOf returns the mark that a router interface bears: its name's, or, if
// somebody gave it another name, its tag's.
func OwnerOf(i *RouterInterface) (Mark, bool) { return ownerOf(i.Name, i.Tags) }

// OwnerOfPeering returns the mark that a VPC peering connection bears, as
// OwnerOf does.
func OwnerOfPeering(p *PeeringConnection) (Mark, bool) { return ownerOf(p.Name, p.Tags) }

func ownerOf(name string, tags map[string]string) (Mark, bool) {
	if m, ok := ParseMark(name); ok {
		return m, true
	}
	return ParseMark(tags[markTag])
}

// ClientToken makes a client token (64 ASCII characters) of what it stands
// for: equal parts give equal tokens, in every process and for all time.
func ClientToken(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p) // the length keeps ("ab", "c") apart from ("a", "bc")
	}
	return hex.EncodeToString(h.Sum(nil))
}
