package peering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// maxTokens is how many tokens in a row one run finds used up by interfaces
// that are gone.
const maxTokens = 8

// create makes the interfaces that are missing, both at once, and sets the
// opposite of both. Where it made both it returns the initiating one's id, for
// the pair is all known then.
//
// A client token names the interface, so it does not matter who calls, how
// often, and whether an answer is lost: the same token is the same interface.
// A token whose interface is gone would return that one for as long as the
// cloud remembers it; then the next token in the row is taken. Only the cloud's
// word, some time after this step began, makes an interface count as gone.
func (e expressConnect) create(ctx context.Context, t *chain.Task, pair interconnect.InterfacePair, moves []interconnect.Move) (initiating string, err error) {
	ids, next := map[interconnect.Role]string{}, map[interconnect.Role]int{}
	if len(moves) < len(interconnect.Roles) {
		for _, role := range interconnect.Roles {
			if i := pair.Side(role); i != nil {
				ids[role] = i.ID
			}
		}
	}
	for _, m := range moves {
		next[m.Role] = firstToken(&t.Record)
	}
	for range maxTokens {
		spent, err := e.createMissing(ctx, t, moves, ids, next)
		if err == nil {
			spent, err = e.face(ctx, t, moves, ids)
		}
		if err == nil {
			return initiator(moves, ids), nil
		}
		if len(spent) == 0 || !interconnect.Stale(err) {
			return "", err
		}
		if patient(t) {
			return "", nil // it may only not be known everywhere yet
		}
		for _, role := range spent {
			delete(ids, role)
			next[role]++
		}
	}
	return "", nil
}

// initiator is the id of the initiating one of two interfaces just made, "" if
// one was there before: in what state is to be seen.
func initiator(moves []interconnect.Move, ids map[interconnect.Role]string) string {
	for _, m := range moves {
		if m.Initiating && len(moves) == len(interconnect.Roles) {
			return ids[m.Role]
		}
	}
	return ""
}

// firstToken is where the row of tokens begins: at the generation of the last
// prune that ended, whose interfaces are gone, else at 0.
func firstToken(r *interconnect.Record) int {
	if s := r.Steps[interconnect.Verification]; s.Action == interconnect.Prune && s.Progress == interconnect.Done {
		return s.Generation
	}
	return 0
}

// createMissing creates the interfaces that have no id yet, and returns the
// sides whose token belongs to something else.
func (e expressConnect) createMissing(ctx context.Context, t *chain.Task, moves []interconnect.Move, ids map[interconnect.Role]string, token map[interconnect.Role]int) ([]interconnect.Role, error) {
	var calls []chain.Call
	created, errs := make([]string, len(moves)), make([]error, len(moves))
	for n, m := range moves {
		if ids[m.Role] != "" {
			continue
		}
		side := t.Want.Side(m.Role)
		request := newInterface(t, m, token[m.Role])
		calls = append(calls, chain.Call{
			Action: "CreateRouterInterface", Resource: side.VRouterID,
			Do: func(ctx context.Context) error {
				created[n], errs[n] = e.cloud.CreateRouterInterface(ctx, side.RegionID, request)
				if untaggable(errs[n]) {
					created[n], errs[n] = e.cloud.CreateRouterInterface(ctx, side.RegionID, untagged(request))
				}
				return errs[n]
			},
		})
	}
	err := t.Mutate(ctx, calls...)
	var spent []interconnect.Role
	for n, m := range moves {
		if created[n] != "" {
			ids[m.Role] = created[n]
		}
		if interconnect.ClassOf(errs[n]) == interconnect.Exists {
			spent = append(spent, m.Role)
		}
	}
	return spent, err
}

// face makes both sides each other's opposite, and returns the sides just made
// of which the cloud knows nothing.
func (e expressConnect) face(ctx context.Context, t *chain.Task, moves []interconnect.Move, ids map[interconnect.Role]string) ([]interconnect.Role, error) {
	var calls []chain.Call
	errs := map[interconnect.Role]*error{}
	for _, role := range interconnect.Roles {
		call := e.setOpposite(t.Want, role, ids[role], ids[role.Other()])
		do, result := call.Do, new(error)
		errs[role] = result
		call.Do = func(ctx context.Context) error {
			*result = do(ctx)
			return *result
		}
		calls = append(calls, call)
	}
	err := t.Mutate(ctx, calls...)
	var spent []interconnect.Role
	for _, m := range moves {
		if interconnect.IsGone(*errs[m.Role]) {
			spent = append(spent, m.Role)
		}
	}
	return spent, err
}

func newInterface(t *chain.Task, m interconnect.Move, token int) interconnect.NewRouterInterface {
	c := t.Want
	side, there := c.Side(m.Role), c.Side(m.Role.Other())
	mark := interconnect.Mark{Prefix: t.Prefix, ConnectionID: c.ID}
	role := interconnect.Acceptor
	if m.Initiating {
		role = interconnect.Initiator
	}
	return interconnect.NewRouterInterface{
		Role:             role,
		Specification:    c.Specification,
		RouterID:         side.VRouterID,
		OppositeRegionID: there.RegionID,
		OppositeRouterID: there.VRouterID,
		Name:             mark.String(),
		Description:      mark.String(),
		Tags:             mark.Tags(),
		Token:            interconnect.ClientToken(t.Prefix, c.ID, string(m.Role), "router-interface", strconv.Itoa(token)),
	}
}

// untaggable tells whether the cloud refused an interface for its tags: whether
// those of virtual routers take any is not certain.
func untaggable(err error) bool {
	var cloud *interconnect.CloudError
	if !errors.As(err, &cloud) || cloud.Class != interconnect.Permanent {
		return false
	}
	return strings.Contains(cloud.Code, "ResourceType") || strings.Contains(cloud.Code, "Tag")
}

// untagged is the same interface without tags: its name bears the mark as well.
// Its token is another one, since the first may be taken by the refusal.
func untagged(n interconnect.NewRouterInterface) interconnect.NewRouterInterface {
	n.Tags, n.Token = nil, interconnect.ClientToken(n.Token, "untagged")
	return n
}

// Codes that an account may get that cannot buy Express Connect between VPCs,
// which has been closed to new purchase since 2019-06-20. Which one it is has
// not been published. Missing permissions and unpaid bills begin alike.
var (
	saleCodes    = []string{"Forbidden", "OperationDenied", "InvalidPrice", "COMMODITY."}
	notSaleCodes = []string{"RAM", "NoPermission", "Financ", "Bills", "OnlyOneConnection"}
)

// notForSale recognises the refusal of an account's first router interface.
func notForSale(err error, found interconnect.FoundPair) (interconnect.Problem, bool) {
	var cloud *interconnect.CloudError
	if len(resources(found.Kept)) > 0 || !errors.As(err, &cloud) || cloud.Action != "CreateRouterInterface" || cloud.HTTPStatus >= 500 {
		return interconnect.Problem{}, false
	}
	starts := func(prefix string) bool { return strings.HasPrefix(cloud.Code, prefix) }
	holds := func(part string) bool { return strings.Contains(cloud.Code, part) }
	if !slices.ContainsFunc(saleCodes, starts) || slices.ContainsFunc(notSaleCodes, holds) {
		return interconnect.Problem{}, false
	}
	return interconnect.Problem{
		Sentence: fmt.Sprintf("The cloud refused the first router interface with %s: the account probably may not buy Express Connect between VPCs, which is closed to new purchase; ask for the type VpcPeering instead.", cloud.Code),
		Code:     cloud.Code, RequestID: cloud.RequestID,
	}, true
}
