package verification

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// maxCandidates is how many instances are asked for their Cloud Assistant.
const maxCandidates = 100

// probes returns an instance on each side to ping from and to, the initiator's
// first, or a sentence that says why there is none.
func (s *Step) probes(ctx context.Context, t *chain.Task, c *interconnect.Connection) (found [2]interconnect.Instance, why string, err error) {
	var whys [2]string
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		reads = append(reads, func(ctx context.Context) (err error) {
			if c.Side(role).ProbeID != "" {
				found[i], whys[i], err = s.named(ctx, role, c.Side(role))
			} else {
				found[i], whys[i], err = s.find(ctx, role, c.Side(role))
			}
			return err
		})
	}
	err = t.Together(ctx, reads...)
	return found, cmp.Or(whys[0], whys[1]), err
}

// named returns the instance that the request names.
func (s *Step) named(ctx context.Context, role interconnect.Role, side *interconnect.Side) (interconnect.Instance, string, error) {
	list, err := s.cloud.InstancesByID(ctx, side.RegionID, []string{side.ProbeID})
	if err != nil && !interconnect.IsGone(err) {
		return interconnect.Instance{}, "", err
	}
	i := slices.IndexFunc(list, func(i interconnect.Instance) bool { return i.ID == side.ProbeID })
	if i < 0 {
		return interconnect.Instance{}, fmt.Sprintf("The %s's probe, instance %s, is not there: name another one.", role, side.ProbeID), nil
	}
	probe := list[i]
	if flaw := unfit(probe, side); flaw != "" {
		return probe, fmt.Sprintf("The %s's probe, instance %s, %s: correct that, or name another one.", role, probe.ID, flaw), nil
	}
	online, err := s.cloud.AgentsOnline(ctx, side.RegionID, []string{probe.ID})
	if err == nil && !online[probe.ID] {
		return probe, fmt.Sprintf("Cloud Assistant is not online on the %s's probe, instance %s: start its agent, or name another instance.", role, probe.ID), nil
	}
	return probe, "", err
}

// find picks an instance that will do: in a group of the request if there is
// one, and of equals the one with the lowest id, so that every run of a check
// finds the same.
func (s *Step) find(ctx context.Context, role interconnect.Role, side *interconnect.Side) (interconnect.Instance, string, error) {
	list, err := s.cloud.Instances(ctx, side.RegionID, side.VpcID)
	if err != nil && !interconnect.IsGone(err) {
		return interconnect.Instance{}, "", err
	}
	list = slices.DeleteFunc(slices.Clone(list), func(i interconnect.Instance) bool { return unfit(i, side) != "" })
	slices.SortFunc(list, func(a, b interconnect.Instance) int {
		return cmp.Or(cmp.Compare(outsider(a, side), outsider(b, side)), cmp.Compare(a.ID, b.ID))
	})
	list = list[:min(len(list), maxCandidates)]
	none := fmt.Sprintf("In the %s's VPC %s there is no running Linux instance in the connected blocks with Cloud Assistant online to ping from: start one, and ask for a check.", role, side.VpcID)
	if len(list) == 0 {
		return interconnect.Instance{}, none, nil
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	online, err := s.cloud.AgentsOnline(ctx, side.RegionID, ids)
	if err != nil {
		return interconnect.Instance{}, "", err
	}
	for _, i := range list {
		if online[i.ID] {
			return i, "", nil
		}
	}
	return interconnect.Instance{}, none, nil
}

// unfit says why an instance cannot be a side's probe, or "".
func unfit(i interconnect.Instance, side *interconnect.Side) string {
	switch {
	case i.VpcID != side.VpcID:
		return "is not in VPC " + side.VpcID
	case !i.Running:
		return "is not running"
	case i.OSType != "linux":
		return "does not run Linux"
	case !i.PrivateIP.IsValid():
		return "has no private address"
	case !slices.ContainsFunc(side.CidrBlocks, func(b netip.Prefix) bool { return b.Contains(i.PrivateIP) }):
		return fmt.Sprintf("has the address %s, which is outside the connected blocks", i.PrivateIP)
	}
	return ""
}

// outsider is 0 for an instance in one of the side's groups, else 1.
func outsider(i interconnect.Instance, side *interconnect.Side) int {
	for _, g := range side.SecurityGroups {
		if slices.Contains(i.SecurityGroupIDs, g.ID) {
			return 0
		}
	}
	return 1
}
