package engine

import "slices"

type batchRouteParams struct {
	RouteTableId string `api:",required"`
	DstCidrBlock string `api:",required"`
	NextHop      string `api:",required"`
	NextHopType  string `api:",required"`
	IpVersion    int
	Name         string
	Description  string
}

type createRouteEntriesParams struct {
	RegionId     string             `api:",required"`
	RouteEntries []batchRouteParams `api:",required,max=50"`
	DryRun       bool
}

type failedRoute struct {
	RouteEntryId  string
	DstCidrBlock  string
	NextHop       string
	FailedCode    string
	FailedMessage string
}

type createRouteEntriesAnswer struct {
	Answer
	SuccessCount       int
	FailedCount        int
	RouteEntryIds      []string
	FailedRouteEntries []failedRoute
}

// batchCodes are the codes that a batch has for a single call's; others are
// the single call's own.
var batchCodes = map[string]string{
	"RouterEntryConflict.Duplicated": "VPC_ROUTE_ENTRY_CIDR_BLOCK_DUPLICATE",
	"InvalidRouteEntry.NotFound":     "VPC_ROUTER_ENTRY_NOT_EXIST",
}

func batchCode(code string) string { return orDefault(batchCodes[code], code) }

// apiCreateRouteEntries answers 200 whatever becomes of the single entries. All
// that are good are made as one task.
func (e *Engine) apiCreateRouteEntries(t *tx, p *createRouteEntriesParams) (*createRouteEntriesAnswer, error) {
	for _, b := range p.RouteEntries {
		if b.IpVersion == 6 || ipv6(b.DstCidrBlock) {
			return nil, unsupported("IPv6 routes")
		}
	}
	if err := e.checkBatchTask(t, tablesIn(p.RouteEntries, func(b batchRouteParams) string { return b.RouteTableId })); err != nil {
		return nil, err
	}
	a := &createRouteEntriesAnswer{RouteEntryIds: []string{}, FailedRouteEntries: []failedRoute{}}
	var good []RouteEntry
	added := map[string]int{}
	for _, b := range p.RouteEntries {
		r, err := e.checkRoute(t, newRoute{
			TableID: b.RouteTableId, Destination: b.DstCidrBlock, Name: b.Name, Description: b.Description,
			Hops: []NextHop{{Type: b.NextHopType, ID: b.NextHop}}, strict: true,
		})
		if err == nil && slices.ContainsFunc(good, func(g RouteEntry) bool { return g.TableID == r.TableID && g.Destination == r.Destination }) {
			err = &Error{400, "RouterEntryConflict.Duplicated", "Specified CIDR block is already exists, entry.cidrBlock=" + r.Destination.String()}
		}
		if err == nil && e.customRoutes(r.TableID)+added[r.TableID] >= orInt(e.opt.Quotas.RouteEntriesPerTable, 200) {
			err = &Error{400, "QuotaExceeded", "Route entry quota exceeded in this route table."}
		}
		if err != nil {
			a.FailedRouteEntries = append(a.FailedRouteEntries, failedRoute{
				DstCidrBlock: b.DstCidrBlock, NextHop: b.NextHop, FailedCode: batchCode(err.Code), FailedMessage: err.Message,
			})
			continue
		}
		added[r.TableID]++
		good = append(good, r)
		a.RouteEntryIds = append(a.RouteEntryIds, r.ID)
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.addRoutes(good)
	a.SuccessCount, a.FailedCount = len(good), len(a.FailedRouteEntries)
	return a, nil
}

func (e *Engine) customRoutes(tableID string) int {
	n := 0
	for _, r := range e.entriesOf(latest, tableID) {
		if r.Type == "Custom" {
			n++
		}
	}
	return n
}

// tablesIn returns the tables that a batch names.
func tablesIn[T any](batch []T, table func(T) string) []string {
	var ids []string
	for _, b := range batch {
		if id := table(b); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// checkBatchTask refuses a batch that touches a VPC with a task under way.
func (e *Engine) checkBatchTask(t *tx, tableIDs []string) *Error {
	for _, id := range tableIDs {
		if rt, err := e.findRouteTable(t, latest, id); err == nil {
			if err := e.checkRouteTask(rt.VpcID); err != nil {
				return err
			}
		}
	}
	return nil
}

type batchDeleteParams struct {
	RouteTableId string `api:",required"`
	RouteEntryId string
	DstCidrBlock string
	NextHop      string
}

type deleteRouteEntriesParams struct {
	RegionId     string              `api:",required"`
	RouteEntries []batchDeleteParams `api:",max=50"`
	DryRun       bool
}

type deleteRouteEntriesAnswer struct {
	Answer
	SuccessCount       int
	FailedCount        int
	FailedRouteEntries []failedRoute
}

func (e *Engine) apiDeleteRouteEntries(t *tx, p *deleteRouteEntriesParams) (*deleteRouteEntriesAnswer, error) {
	if err := e.checkBatchTask(t, tablesIn(p.RouteEntries, func(b batchDeleteParams) string { return b.RouteTableId })); err != nil {
		return nil, err
	}
	a := &deleteRouteEntriesAnswer{FailedRouteEntries: []failedRoute{}}
	var good []RouteEntry
	for _, b := range p.RouteEntries {
		k := routeKey{id: b.RouteEntryId, tableID: b.RouteTableId, destination: b.DstCidrBlock}
		if b.NextHop != "" {
			k.hops = []string{b.NextHop}
		}
		r, err := e.findRoute(t, k)
		if err == nil {
			err = e.deletable(r)
		}
		if err != nil {
			a.FailedRouteEntries = append(a.FailedRouteEntries, failedRoute{
				RouteEntryId: b.RouteEntryId, DstCidrBlock: b.DstCidrBlock, NextHop: b.NextHop,
				FailedCode: batchCode(err.Code), FailedMessage: err.Message,
			})
			continue
		}
		good = append(good, r)
	}
	if p.DryRun {
		return nil, errDryRun
	}
	e.deleteRoutes(good)
	a.SuccessCount, a.FailedCount = len(good), len(a.FailedRouteEntries)
	return a, nil
}

func routeEntryActions() []Action {
	return []Action{
		write(vpcProduct, "CreateRouteEntry", 0, (*Engine).apiCreateRouteEntry),
		write(vpcProduct, "CreateRouteEntries", 0, (*Engine).apiCreateRouteEntries),
		write(vpcProduct, "DeleteRouteEntry", 0, (*Engine).apiDeleteRouteEntry),
		write(vpcProduct, "DeleteRouteEntries", 300, (*Engine).apiDeleteRouteEntries),
		write(vpcProduct, "ModifyRouteEntry", 300, (*Engine).apiModifyRouteEntry),
	}
}
