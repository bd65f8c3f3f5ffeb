package engine

import (
	"slices"
	"strconv"
)

type tagParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",required,max=20"`
	Tag          []Tag    `api:",required,max=20"`
}

// taggable returns the router interfaces that a tag call names.
func (e *Engine) taggable(t *tx, kind string, ids []string) *Error {
	if kind != "ROUTERINTERFACE" {
		return unsupported("resource type " + kind)
	}
	if e.opt.Switches.TagRouterInterfaceRefused {
		return errTagsRefused
	}
	for _, id := range ids {
		if _, err := e.findInterface(t, latest, id); err != nil {
			return &Error{404, "InvalidResourceId.NotFound", "The specified ResourceId does not exist: " + id + "."}
		}
	}
	return nil
}

func (e *Engine) apiTagExpressConnect(t *tx, p *tagParams) (*Answer, error) {
	if err := e.taggable(t, p.ResourceType, p.ResourceId); err != nil {
		return nil, err
	}
	for _, id := range p.ResourceId {
		e.interfaces.update(t.now, id, func(r *RouterInterface) {
			tags := slices.DeleteFunc(slices.Clone(r.Tags), func(have Tag) bool {
				return slices.ContainsFunc(p.Tag, func(n Tag) bool { return n.Key == have.Key })
			})
			r.Tags = slices.Concat(tags, p.Tag)
		})
	}
	return &Answer{}, nil
}

type untagParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",required,max=20"`
	TagKey       []string `api:",max=20"`
	All          bool
}

func (e *Engine) apiUntagExpressConnect(t *tx, p *untagParams) (*Answer, error) {
	if err := e.taggable(t, p.ResourceType, p.ResourceId); err != nil {
		return nil, err
	}
	if len(p.TagKey) == 0 && !p.All {
		return nil, errMissing("TagKey")
	}
	for _, id := range p.ResourceId {
		e.interfaces.update(t.now, id, func(r *RouterInterface) {
			r.Tags = slices.DeleteFunc(slices.Clone(r.Tags), func(have Tag) bool {
				return len(p.TagKey) == 0 || slices.Contains(p.TagKey, have.Key)
			})
		})
	}
	return &Answer{}, nil
}

type listTagsParams struct {
	RegionId     string   `api:",required"`
	ResourceType string   `api:",required"`
	ResourceId   []string `api:",max=20"`
	Tag          []Tag    `api:",max=20"`
	MaxResults   int
	NextToken    string
}

type tagResource struct {
	ResourceType string
	ResourceId   string
	ResourcId    string // a misspelling that clients decode
	TagKey       string
	TagValue     string
}

type listTagsAnswer struct {
	Answer
	NextToken    string
	TagResources struct{ TagResource []tagResource }
}

func (e *Engine) apiListTagsExpressConnect(t *tx, p *listTagsParams) (*listTagsAnswer, error) {
	if p.ResourceType != "ROUTERINTERFACE" {
		return nil, unsupported("resource type " + p.ResourceType)
	}
	if len(p.ResourceId) == 0 && len(p.Tag) == 0 {
		return nil, errMissing("ResourceId")
	}
	var all []tagResource
	for _, r := range e.interfaces.list(t.seen, func(r RouterInterface) bool { return t.inRegion(r.RegionID) && tagged(r.Tags, p.Tag) }) {
		if len(p.ResourceId) > 0 && !slices.Contains(p.ResourceId, r.ID) {
			continue
		}
		for _, tag := range r.Tags {
			all = append(all, tagResource{p.ResourceType, r.ID, r.ID, tag.Key, tag.Value})
		}
	}
	some, next, err := tokenPage(all, p.NextToken, orInt(p.MaxResults, 20))
	if err != nil {
		return nil, err
	}
	a := &listTagsAnswer{NextToken: next}
	a.TagResources.TagResource = orEmpty(some)
	return a, nil
}

// tokenPage cuts what follows a NextToken, at most size (1 to 100), and names
// the next token; "" at the end.
func tokenPage[T any](all []T, token string, size int) ([]T, string, *Error) {
	from := 0
	if token != "" {
		n, err := strconv.Atoi(token)
		if err != nil || n < 0 {
			return nil, "", &Error{400, "InvalidNextToken", "The specified NextToken is not valid."}
		}
		from = min(n, len(all))
	}
	if size < 1 || size > 100 {
		return nil, "", &Error{400, "InvalidParameter", "A page has 1 to 100 results."}
	}
	to := min(from+size, len(all))
	if to == len(all) {
		return all[from:to], "", nil
	}
	return all[from:to], strconv.Itoa(to), nil
}

func expressConnectTagActions() []Action {
	return []Action{
		write(vpcProduct, "TagResourcesForExpressConnect", 0, (*Engine).apiTagExpressConnect),
		write(vpcProduct, "UntagResourcesForExpressConnect", 0, (*Engine).apiUntagExpressConnect),
		read(vpcProduct, "ListTagResourcesForExpressConnect", 0, (*Engine).apiListTagsExpressConnect),
	}
}
