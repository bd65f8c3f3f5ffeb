package alicloud

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/responses"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"

	"vpcinterconnect/shared/interconnect"
)

// MaxRouteBatch is how many entries CreateRouteEntries and DeleteRouteEntries
// take at once.
const MaxRouteBatch = 50

// RouteEntries returns all entries of a table, system ones too. An entry whose
// destination is a prefix list has no valid Destination. One with several next
// hops has their ids joined by commas, so that it equals none of ours.
func (c *Reader) RouteEntries(ctx context.Context, region, tableID string) ([]interconnect.RouteEntry, error) {
	return byToken("DescribeRouteEntryList", func(token string) ([]interconnect.RouteEntry, string, error) {
		req, resp := vpc.CreateDescribeRouteEntryListRequest(), vpc.CreateDescribeRouteEntryListResponse()
		req.RouteTableId = tableID
		req.NextToken = token
		req.MaxResult = requests.NewInteger(100)
		if err := c.read(ctx, region, req, resp); err != nil {
			return nil, "", err
		}
		items, err := each(resp.RouteEntrys.RouteEntry, func(r *vpc.RouteEntry) (interconnect.RouteEntry, error) {
			return toRouteEntry(tableID, r)
		})
		if err != nil {
			return nil, "", c.malformed(req, resp, err)
		}
		return items, resp.NextToken, nil
	})
}

func toRouteEntry(tableID string, r *vpc.RouteEntry) (interconnect.RouteEntry, error) {
	var destination netip.Prefix
	if !strings.HasPrefix(r.DestinationCidrBlock, "pl-") {
		var err error
		if destination, err = parseBlock(r.DestinationCidrBlock); err != nil {
			return interconnect.RouteEntry{}, err
		}
	}
	hopType, hopID := r.NextHopType, r.InstanceId
	if hops := r.NextHops.NextHop; len(hops) > 0 {
		hopType = hops[0].NextHopType
		ids := make([]string, len(hops))
		for i, h := range hops {
			ids[i] = h.NextHopId
		}
		hopID = strings.Join(ids, ",")
	}
	e := interconnect.RouteEntry{
		ID:           r.RouteEntryId,
		RouteTableID: tableID,
		Destination:  destination,
		NextHopType:  hopType,
		NextHopID:    hopID,
		Type:         r.Type,
		Name:         r.RouteEntryName,
		Status:       r.Status,
	}
	if err := need("Status", r.Status, "Type", r.Type); err != nil {
		return e, fmt.Errorf("entry %s: %w", r.DestinationCidrBlock, err)
	}
	if r.Type == "Custom" {
		return e, need("RouteEntryId", r.RouteEntryId)
	}
	return e, nil
}

// CreateRoutes adds at most MaxRouteBatch entries, of one VPC. The cloud says
// yes to the batch even if it refuses some entries: those are the failures.
// Entries appear a little later.
func (c *Cloud) CreateRoutes(ctx context.Context, region string, routes []interconnect.NewRoute) ([]interconnect.RouteFailure, error) {
	const action = "CreateRouteEntries"
	if err := batch(action, len(routes)); err != nil {
		return nil, err
	}
	entries := make([]vpc.CreateRouteEntriesRouteEntries, len(routes))
	for i, r := range routes {
		entries[i] = vpc.CreateRouteEntriesRouteEntries{
			RouteTableId: r.RouteTableID,
			DstCidrBlock: r.Destination.String(),
			NextHopType:  r.NextHop.Type,
			NextHop:      r.NextHop.ID,
			Name:         r.Name,
			Description:  r.Description,
		}
	}
	req, resp := vpc.CreateCreateRouteEntriesRequest(), vpc.CreateCreateRouteEntriesResponse()
	req.RouteEntries = &entries
	if err := c.write(ctx, region, req, resp); err != nil {
		return nil, err
	}
	return c.routeFailures(req, resp, resp.FailedCount, resp.FailedRouteEntries)
}

// RepointRoute changes an entry's next hop without a gap.
func (c *Cloud) RepointRoute(ctx context.Context, region, entryID string, hop interconnect.NextHop) error {
	req := vpc.CreateModifyRouteEntryRequest()
	req.RouteEntryId = entryID
	req.NewNextHopType, req.NewNextHopId = hop.Type, hop.ID
	return c.write(ctx, region, req, vpc.CreateModifyRouteEntryResponse())
}

// DeleteRoutes removes at most MaxRouteBatch entries, of one VPC. As with
// CreateRoutes, entries that the cloud refused to delete are the failures.
func (c *Cloud) DeleteRoutes(ctx context.Context, region string, routes []interconnect.RouteEntry) ([]interconnect.RouteFailure, error) {
	const action = "DeleteRouteEntries"
	if err := batch(action, len(routes)); err != nil {
		return nil, err
	}
	entries := make([]vpc.DeleteRouteEntriesRouteEntries, len(routes))
	for i, r := range routes {
		if r.ID == "" {
			// Without the id the API would take any entry to that block.
			return nil, refused(action, fmt.Sprintf("the entry to %s has no id", r.Destination))
		}
		entries[i] = vpc.DeleteRouteEntriesRouteEntries{
			RouteTableId: r.RouteTableID,
			RouteEntryId: r.ID,
			NextHop:      r.NextHopID,
		}
		if r.Destination.IsValid() {
			entries[i].DstCidrBlock = r.Destination.String()
		}
	}
	req, resp := vpc.CreateDeleteRouteEntriesRequest(), vpc.CreateDeleteRouteEntriesResponse()
	req.RouteEntries = &entries
	if err := c.write(ctx, region, req, resp); err != nil {
		return nil, err
	}
	return c.routeFailures(req, resp, resp.FailedCount, resp.FailedRouteEntries)
}

func batch(action string, n int) error {
	switch {
	case n == 0:
		return refused(action, "no entry given")
	case n > MaxRouteBatch:
		return refused(action, fmt.Sprintf("%d entries, at most %d go into a call", n, MaxRouteBatch))
	}
	return nil
}

// routeFailures reads what a batch says of the entries that it refused. A
// destination that cannot be read stays invalid: tables are read back anyway.
func (c *Cloud) routeFailures(req requests.AcsRequest, resp responses.AcsResponse, count int, items []vpc.FailedRouteEntriesItem) ([]interconnect.RouteFailure, error) {
	if count > len(items) {
		return nil, c.malformed(req, resp, fmt.Errorf("%d entries failed, %d are told", count, len(items)))
	}
	failures := make([]interconnect.RouteFailure, 0, len(items))
	for _, f := range items {
		destination, _ := parseBlock(f.DstCidrBlock)
		failures = append(failures, interconnect.RouteFailure{
			Destination: destination,
			NextHopID:   f.NextHop,
			Err: &interconnect.CloudError{
				Class:      Classify(req.GetActionName(), f.FailedCode, 400),
				Action:     req.GetActionName(),
				Code:       c.redact(f.FailedCode),
				Message:    c.redact(f.FailedMessage),
				RequestID:  c.requestID(resp),
				HTTPStatus: resp.GetHttpStatus(),
			},
		})
	}
	return failures, nil
}
