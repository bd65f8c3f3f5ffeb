package engine

import "slices"

// peerResource is the one resource type of the VPC peering service's tags.
const peerResource = "PeerConnection"

// taggedPeerings returns the connections that a tag call names.
func (e *Engine) taggedPeerings(t *tx, kind string, ids []string) *Error {
	if kind != peerResource {
		return &Error{400, "InvalidInstanceType.NotFound", "The instance type is not found."}
	}
	for _, id := range ids {
		if _, err := e.findPeering(t, latest, id); err != nil {
			return &Error{400, "InvalidInstanceIds.NotFound", "The instance IDs are not found."}
		}
	}
	return nil
}

// withTags sets tags beside those that are there.
func withTags(have, set []Tag) []Tag {
	kept := slices.DeleteFunc(slices.Clone(have), func(h Tag) bool {
		return slices.ContainsFunc(set, func(s Tag) bool { return s.Key == h.Key })
	})
	return slices.Concat(kept, set)
}

type tagPeeringsParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",required,max=50"`
	Tag          []Tag    `api:",required,max=20"`
	ClientToken  string
}

type tagPeeringsAnswer struct {
	Answer
	Success bool
}

func (e *Engine) apiTagPeerings(t *tx, p *tagPeeringsParams) (*tagPeeringsAnswer, error) {
	if err := e.taggedPeerings(t, p.ResourceType, p.ResourceId); err != nil {
		return nil, err
	}
	for _, id := range p.ResourceId {
		e.peerings.update(t.now, id, func(c *PeerConnection) { c.Tags = withTags(c.Tags, p.Tag) })
	}
	return &tagPeeringsAnswer{Success: true}, nil
}

type untagPeeringsParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",required,max=50"`
	TagKey       []string `api:",max=20"`
	All          bool
	ClientToken  string
}

func (e *Engine) apiUntagPeerings(t *tx, p *untagPeeringsParams) (*tagPeeringsAnswer, error) {
	if err := e.taggedPeerings(t, p.ResourceType, p.ResourceId); err != nil {
		return nil, err
	}
	for _, id := range p.ResourceId {
		e.peerings.update(t.now, id, func(c *PeerConnection) {
			c.Tags = slices.DeleteFunc(slices.Clone(c.Tags), func(h Tag) bool {
				return p.All && len(p.TagKey) == 0 || slices.Contains(p.TagKey, h.Key)
			})
		})
	}
	return &tagPeeringsAnswer{Success: true}, nil
}

type listPeeringTagsParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",max=50"`
	Tag          []Tag    `api:",max=21"`
	Category     string
	NextToken    string
	MaxResults   int
}

type peeringTag struct {
	ResourceId   string
	ResourceType string
	RegionNo     string
	TagKey       string
	TagValue     string
}

type listPeeringTagsAnswer struct {
	Answer
	NextToken    string
	MaxResults   int
	TagResources []peeringTag
}

func (e *Engine) apiListPeeringTags(t *tx, p *listPeeringTagsParams) (*listPeeringTagsAnswer, error) {
	switch {
	case p.ResourceType != peerResource:
		return nil, &Error{400, "InvalidInstanceType.NotFound", "The instance type is not found."}
	case p.Category != "":
		return nil, unsupported("categories of tags")
	case len(p.ResourceId) == 0 && len(p.Tag) == 0:
		return nil, &Error{400, "BothEmpty.TagsAndResources", "The specified Tags and ResourcesIds are not allow to both empty."}
	}
	all := []peeringTag{}
	for _, c := range e.peerings.list(t.seen, func(c PeerConnection) bool { return e.seenIn(t, c) && tagged(c.Tags, p.Tag) }) {
		if len(p.ResourceId) > 0 && !slices.Contains(p.ResourceId, c.ID) {
			continue
		}
		for _, tag := range c.Tags {
			all = append(all, peeringTag{c.ID, peerResource, c.RegionID, tag.Key, tag.Value})
		}
	}
	size := orInt(p.MaxResults, 50)
	if size > 50 {
		return nil, illegalParam("MaxResults")
	}
	some, next, err := tokenPage(all, p.NextToken, size)
	if err != nil {
		return nil, err
	}
	return &listPeeringTagsAnswer{NextToken: next, MaxResults: size, TagResources: some}, nil
}

func peeringTagActions() []Action {
	return []Action{
		write(vpcPeerProduct, "TagResources", 1000, (*Engine).apiTagPeerings),
		write(vpcPeerProduct, "UnTagResources", 1000, (*Engine).apiUntagPeerings),
		read(vpcPeerProduct, "ListTagResources", 1000, (*Engine).apiListPeeringTags),
	}
}
