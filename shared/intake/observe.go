package intake

import (
	"context"
	"errors"
	"slices"
	"sync"

	"vpcinterconnect/shared/interconnect"
)

// observation is what a request is checked against.
type observation struct {
	facts   interconnect.Facts
	records []interconnect.Record
}

// readError is a read that failed, and the field of the request that it was
// for; "" if for none.
type readError struct {
	field string
	err   error
}

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// sideBySide runs all reads at once and returns their errors in order.
func sideBySide(reads ...func() error) error {
	errs := make([]error, len(reads))
	var group sync.WaitGroup
	for i, read := range reads {
		group.Go(func() { errs[i] = read() })
	}
	group.Wait()
	return errors.Join(errs...)
}

// into makes a read of a call, whose answer goes to target.
func into[T any](ctx context.Context, p *Planner, target *T, field string, call func() (T, error)) func() error {
	return func() error {
		answer, err := again(ctx, p, call)
		if err != nil {
			return &readError{field, err}
		}
		*target = answer
		return nil
	}
}

// observe reads what a request is checked against, all side by side but for what
// needs another answer. The first error is of what decides whether the rest
// matters: whose account this is, whether the two VPCs are there, and what is
// recorded. The second is of the rest; it says nothing where a VPC is not there.
func (p *Planner) observe(ctx context.Context, r *interconnect.Request) (o *observation, first, rest error) {
	o = &observation{facts: interconnect.Facts{Prefix: p.Prefix}}
	var read [2]chan struct{} // closed when the VPC of a side was read
	var reads [2]func() error
	var sides []func() error
	for i, role := range interconnect.Roles {
		read[i] = make(chan struct{})
		reads[i] = func() error {
			defer close(read[i])
			return p.readVPC(ctx, r, role, &o.facts)()
		}
		sides = append(sides, func() error {
			return p.observeSide(ctx, r, role, o.facts.Side(role), read[i])
		})
	}
	_ = sideBySide( // each has an error of its own
		func() error { first = p.observeFirst(ctx, r, o, reads); return nil },
		func() error { rest = sideBySide(sides...); return nil },
	)
	return o, first, rest
}

// observeFirst reads what decides whether the rest matters.
func (p *Planner) observeFirst(ctx context.Context, r *interconnect.Request, o *observation, vpcs [2]func() error) error {
	reads := []func() error{
		// Other connections: one live connection per pair, one pair per id.
		into(ctx, p, &o.records, "", func() ([]interconnect.Record, error) { return p.readable(ctx) }),
		vpcs[0], vpcs[1],
	}
	// The account that both VPCs have to belong to. Whose credentials these are is
	// the cloud's to say; where both VPCs belong to the account that the function
	// is told of, it would say nothing else.
	account := into(ctx, p, &o.facts.Account, "", func() (string, error) { return p.Cloud.AccountID(ctx) })
	if o.facts.Account = p.Account; p.Account == "" {
		reads = append(reads, account)
	}
	if err := sideBySide(reads...); err != nil || p.Account == "" || ownedBy(r, o, p.Account) {
		return err
	}
	return account()
}

// ownedBy tells whether nothing that was read or asked for speaks of another
// account.
func ownedBy(r *interconnect.Request, o *observation, account string) bool {
	for _, role := range interconnect.Roles {
		vpc, asked := o.facts.Side(role).VPC, r.Side(role).Account
		if vpc != nil && vpc.OwnerID != account || asked != "" && asked != account {
			return false
		}
	}
	return true
}

// readable lists the records that can be understood: one that somebody spoilt
// must not keep everybody else from connecting.
func (p *Planner) readable(ctx context.Context) ([]interconnect.Record, error) {
	records, err := p.Records.List(ctx)
	if err != nil && records != nil {
		p.log().Error("some records cannot be understood", "error", err.Error())
		err = nil
	}
	return records, err
}

// readVPC reads the VPC of a side: its blocks, owner, router and CENs.
func (p *Planner) readVPC(ctx context.Context, r *interconnect.Request, role interconnect.Role, f *interconnect.Facts) func() error {
	return func() error {
		s, facts := r.Side(role), f.Side(role)
		vpc, err := again(ctx, p, func() (*interconnect.VPC, error) { return p.Cloud.VPC(ctx, s.RegionID, s.VpcID) })
		var cloud *interconnect.CloudError
		if interconnect.IsGone(err) && errors.As(err, &cloud) && !unknownRegion(err) {
			facts.NoVPC = cloud
			return nil
		}
		if err != nil {
			return &readError{"/" + string(role) + "/regionId", err}
		}
		facts.VPC = vpc
		return nil
	}
}

// observeSide reads what a side has besides its VPC, which is read meanwhile.
func (p *Planner) observeSide(ctx context.Context, r *interconnect.Request, role interconnect.Role, f *interconnect.SideFacts, vpcRead <-chan struct{}) error {
	s, field := r.Side(role), "/"+string(role)
	reads := []func() error{
		func() error { return p.observeTables(ctx, s, field, f) },
		// Whether the pair is joined already, and how many more the router takes.
		func() error {
			<-vpcRead
			if f.VPC == nil {
				return nil
			}
			return into(ctx, p, &f.Interfaces, field+"/vpcId", func() ([]interconnect.RouterInterface, error) {
				return p.Cloud.RouterInterfaces(ctx, s.RegionID, f.VPC.VRouterID)
			})()
		},
	}
	if interconnect.Matters(r.Type, interconnect.TypeVpcPeering) {
		reads = append(reads, p.observePeerings(ctx, s, field, f))
	}
	if len(s.SecurityGroups) > 0 {
		// Whether the groups are there, in this VPC, and can be edited.
		reads = append(reads, into(ctx, p, &f.Groups, field+"/securityGroups", func() ([]interconnect.GroupFacts, error) {
			return p.Cloud.SecurityGroups(ctx, s.RegionID, s.VpcID)
		}))
	}
	if ids := s.ProbeIDs(); len(ids) > 0 {
		// Whether the instances are there, in this VPC.
		reads = append(reads, func() error {
			list, err := again(ctx, p, func() ([]interconnect.Instance, error) {
				return p.Cloud.InstancesByID(ctx, s.RegionID, ids)
			})
			if err != nil && !interconnect.IsGone(err) {
				return &readError{field + "/probe", err}
			}
			f.Instances = list
			return nil
		})
	}
	return sideBySide(reads...)
}

// observePeerings makes a read of the VPC peering connections of a side's VPC.
func (p *Planner) observePeerings(ctx context.Context, s *interconnect.RequestSide, field string, f *interconnect.SideFacts) func() error {
	return into(ctx, p, &f.Peerings, field+"/vpcId", func() ([]interconnect.PeeringConnection, error) {
		return p.Cloud.PeeringConnections(ctx, s.RegionID, s.VpcID)
	})
}

// observeOther reads what joins the two VPCs by a type that the request's own
// has nothing to do with: a record that there is may have had it, and what was
// made of that goes.
func (p *Planner) observeOther(ctx context.Context, r *interconnect.Request, f *interconnect.Facts) error {
	if interconnect.Matters(r.Type, interconnect.TypeVpcPeering) {
		return nil // read already
	}
	var reads []func() error
	for _, role := range interconnect.Roles {
		reads = append(reads, p.observePeerings(ctx, r.Side(role), "/"+string(role), f.Side(role)))
	}
	return sideBySide(reads...)
}

// observeTables finds the route tables of a side, and reads the entries of those
// that get routes. A vSwitch names the table that serves it, so that the tables
// are listed only where the request names some, which have to be the VPC's, and
// where there is no vSwitch yet.
func (p *Planner) observeTables(ctx context.Context, s *interconnect.RequestSide, field string, f *interconnect.SideFacts) error {
	// Blocks that a route must not collide with, and which table serves whom.
	vswitches := into(ctx, p, &f.VSwitches, field+"/vpcId", func() ([]interconnect.VSwitch, error) {
		return p.Cloud.VSwitches(ctx, s.RegionID, s.VpcID)
	})
	// Which tables there are, and of what kind.
	tables := into(ctx, p, &f.Tables, field+"/routeTableIds", func() ([]interconnect.RouteTable, error) {
		return p.Cloud.RouteTables(ctx, s.RegionID, s.VpcID)
	})
	named := s.RouteTableIDs != nil
	reads := []func() error{vswitches}
	if named {
		reads = append(reads, tables)
	}
	if err := sideBySide(reads...); err != nil {
		return err
	}
	if !named && len(f.VSwitches) == 0 {
		if err := tables(); err != nil {
			return err
		}
	}
	return p.observeEntries(ctx, s, field, f)
}

// observeEntries reads the entries of the tables that will get routes: an
// entry in the way, and how full they are. A table that is named and is not the
// VPC's is not read; Resolve will say so. One that has gone since has no entries.
func (p *Planner) observeEntries(ctx context.Context, s *interconnect.RequestSide, field string, f *interconnect.SideFacts) error {
	var reads []func() error
	var ids []string
	for _, id := range interconnect.ChosenTables(s, f.Tables, f.VSwitches) {
		serves := func(t interconnect.RouteTable) bool { return t.ID == id && !t.Gateway }
		if s.RouteTableIDs == nil || slices.ContainsFunc(f.Tables, serves) {
			ids = append(ids, id)
		}
	}
	entries := make([][]interconnect.RouteEntry, len(ids))
	for i, id := range ids {
		reads = append(reads, into(ctx, p, &entries[i], field+"/routeTableIds", func() ([]interconnect.RouteEntry, error) {
			return unlessGone(p.Cloud.RouteEntries(ctx, s.RegionID, id))
		}))
	}
	if err := sideBySide(reads...); err != nil {
		return err
	}
	f.Entries = map[string][]interconnect.RouteEntry{}
	for i, id := range ids {
		f.Entries[id] = entries[i]
	}
	return nil
}
