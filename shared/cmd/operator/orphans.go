package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"vpcinterconnect/shared/interconnect"
)

// readsAtOnce is how many reads of one region run side by side.
const readsAtOnce = 4

func orphansCommand(open opener) *cobra.Command {
	var remove, regions []string
	cmd := &cobra.Command{
		Use:   "orphans [--region REGION]... [--remove ID...]",
		Short: "List what bears this deployment's mark and no connection wants; remove what is named",
		Long: `List what bears this deployment's mark and no live connection wants: router
interfaces, VPC peering connections, routes and security group rules, in every
region that a record names, and in those given. Reads only.

With --remove, the things named are then removed, one by one, in the order that
they need. Each is looked at again first, together with the records; what leads
traffic is not taken away from a route that still points to it. Changes that are
frozen are frozen for this command, too.
` + environmentHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := open()
			if err != nil {
				return err
			}
			s := search{deployment: d, extra: regions}
			found, err := s.everywhere(cmd.Context())
			if err != nil {
				return err
			}
			showOrphans(cmd.OutOrStdout(), found)
			if len(remove) == 0 {
				return nil
			}
			return s.remove(cmd.Context(), cmd.OutOrStdout(), found, remove)
		},
	}
	cmd.Flags().StringSliceVar(&remove, "remove", nil, "`IDs` of what to remove, as listed, with commas between them; may be given again")
	cmd.Flags().StringSliceVar(&regions, "region", nil, "search this `region`, too; may be given again")
	return cmd
}

// search looks for orphans.
type search struct {
	*deployment
	extra   []string              // regions to search besides the records'
	records []interconnect.Record // as read last
	regions []interconnect.RegionSeen
}

// everywhere reads the records and all regions.
func (s *search) everywhere(ctx context.Context) ([]interconnect.Orphan, error) {
	if err := s.readRecords(ctx); err != nil {
		return nil, err
	}
	return s.in(ctx, append(regionsOf(s.records), s.extra...))
}

// readRecords reads all records. One that cannot be understood may want what
// looks like an orphan, so nothing can be said then.
func (s *search) readRecords(ctx context.Context) error {
	list, err := s.deployment.records.List(ctx)
	if err != nil {
		return fmt.Errorf("reading the records, without which nothing can be called an orphan: %w", err)
	}
	s.records = list
	return nil
}

func regionsOf(records []interconnect.Record) []string {
	var out []string
	for _, r := range records {
		for _, c := range []*interconnect.Connection{r.Wanted.Connection, r.LastConnected} {
			if c != nil {
				out = append(out, c.Initiator.RegionID, c.Acceptor.RegionID)
			}
		}
	}
	return out
}

// in reads regions, and finds the orphans there.
func (s *search) in(ctx context.Context, ids []string) ([]interconnect.Orphan, error) {
	slices.Sort(ids)
	s.regions = nil
	for _, id := range slices.Compact(ids) {
		seen, err := s.region(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("reading region %s: %w", id, err)
		}
		s.regions = append(s.regions, *seen)
	}
	return interconnect.Orphans(s.prefix, s.records, s.regions, s.now()), nil
}

// region reads all that may bear a mark in a region. What goes while it is read
// has nothing.
func (s *search) region(ctx context.Context, id string) (*interconnect.RegionSeen, error) {
	seen := &interconnect.RegionSeen{RegionID: id}
	var tables []interconnect.RouteTable
	var groups []interconnect.GroupFacts
	err := together(ctx,
		func(ctx context.Context) (err error) {
			seen.Interfaces, err = s.cloud.RegionRouterInterfaces(ctx, id)
			return err
		},
		func(ctx context.Context) (err error) {
			seen.Peerings, err = s.cloud.RegionPeeringConnections(ctx, id)
			return err
		},
		func(ctx context.Context) (err error) { tables, err = s.cloud.RegionRouteTables(ctx, id); return err },
		func(ctx context.Context) (err error) { groups, err = s.cloud.RegionSecurityGroups(ctx, id); return err },
	)
	if err != nil {
		return nil, err
	}
	routes, rules := make([][]interconnect.RouteEntry, len(tables)), make([][]interconnect.Rule, len(groups))
	var reads []func(context.Context) error
	for i, t := range tables {
		reads = append(reads, func(ctx context.Context) (err error) {
			routes[i], err = s.cloud.RouteEntries(ctx, id, t.ID)
			return orGone(err)
		})
	}
	for i, g := range groups {
		reads = append(reads, func(ctx context.Context) (err error) {
			rules[i], err = s.cloud.Rules(ctx, id, g.ID)
			return orGone(err)
		})
	}
	if err := together(ctx, reads...); err != nil {
		return nil, err
	}
	seen.Routes, seen.Rules = slices.Concat(routes...), slices.Concat(rules...)
	return seen, nil
}

func together(ctx context.Context, reads ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for _, read := range reads {
		group.Go(func() error { return read(ctx) })
	}
	return group.Wait()
}

func orGone(err error) error {
	if interconnect.IsGone(err) {
		return nil
	}
	return err
}

// showOrphans lists orphans by the connection that they were made for.
func showOrphans(out io.Writer, found []interconnect.Orphan) {
	if len(found) == 0 {
		fmt.Fprintln(out, "There are no orphans.")
		return
	}
	of := map[string][]interconnect.Orphan{}
	var ids []string
	for _, o := range found {
		id := o.Mark.ConnectionID
		if of[id] == nil {
			ids = append(ids, id)
		}
		of[id] = append(of[id], o)
	}
	slices.Sort(ids)
	for _, id := range ids {
		first := of[id][0]
		fmt.Fprintf(out, "%s: %s\n", id, standing(&first))
		for _, o := range of[id] {
			fmt.Fprintf(out, "  %-26s  %-14s  %s\n", o.ID, o.RegionID, o.Describe())
		}
	}
	fmt.Fprintf(out, "%d in all. Remove what you want gone with --remove and its id.\n", len(found))
}

// standing says how the record of an orphan's connection stands.
func standing(o *interconnect.Orphan) string {
	switch {
	case o.State == "":
		return "there is no record of it"
	case o.Going:
		return fmt.Sprintf("it is %s, and may be about to remove these itself", o.State)
	}
	return fmt.Sprintf("it is %s, and does not want these", strings.TrimSpace(string(o.State)))
}
