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

// end is what stands for a side: instances that are pinged, of which the first
// pings.
type end struct {
	role    interconnect.Role
	side    *interconnect.Side
	targets []target
	mute    string // why the first cannot ping, in a sentence; "": it can
}

// target is an instance of one end.
type target struct {
	interconnect.Instance
	flaw string // why it cannot answer, in a sentence; "": it can
}

// sender is the instance that pings, if one can.
func (e *end) sender() *interconnect.Instance {
	if e.mute != "" || len(e.targets) == 0 {
		return nil
	}
	return &e.targets[0].Instance
}

// ends finds what stands for each side, the initiator's first. That there is
// nothing is no error, and is said in words.
func (s *Step) ends(ctx context.Context, t *chain.Task, c *interconnect.Connection) (ends [2]end, err error) {
	var reads []func(context.Context) error
	for i, role := range interconnect.Roles {
		ends[i] = end{role: role, side: c.Side(role)}
		reads = append(reads, func(ctx context.Context) error {
			if ends[i].side.ProbeID != "" {
				return s.named(ctx, &ends[i])
			}
			return s.find(ctx, &ends[i])
		})
	}
	err = t.Together(ctx, reads...)
	return ends, err
}

// named takes the instances that the request names.
func (s *Step) named(ctx context.Context, e *end) error {
	ids := append([]string{e.side.ProbeID}, e.side.Targets...)
	list, err := s.cloud.InstancesByID(ctx, e.side.RegionID, ids)
	if err != nil && !interconnect.IsGone(err) {
		return err
	}
	for _, id := range ids {
		t := target{Instance: interconnect.Instance{ID: id}}
		if i := slices.IndexFunc(list, func(i interconnect.Instance) bool { return i.ID == id }); i < 0 {
			t.flaw = fmt.Sprintf("The %s's probe, instance %s, is not there: name another one.", e.role, id)
		} else if t.Instance = list[i]; unfit(t.Instance, e.side) != "" {
			t.flaw = fmt.Sprintf("The %s's probe, instance %s, %s: correct that, or name another one.", e.role, id, unfit(t.Instance, e.side))
		}
		e.targets = append(e.targets, t)
	}
	return s.askAgent(ctx, e)
}

// askAgent finds out whether an end's first instance can ping.
func (s *Step) askAgent(ctx context.Context, e *end) error {
	first := &e.targets[0]
	switch {
	case first.flaw != "":
		e.mute = first.flaw
		return nil
	case first.OSType != "linux":
		e.mute = fmt.Sprintf("The %s's probe, instance %s, does not run Linux: name one that does.", e.role, first.ID)
		return nil
	}
	online, err := s.cloud.AgentsOnline(ctx, e.side.RegionID, []string{first.ID})
	if err == nil && !online[first.ID] {
		e.mute = offline(e, first.ID)
	}
	return err
}

func offline(e *end, id string) string {
	return fmt.Sprintf("Cloud Assistant is not online on the %s's probe, instance %s: start its agent, or name another instance.", e.role, id)
}

// find picks an instance that will do: in a group of the request if there is
// one, and of equals the one with the lowest id, so that every run of a check
// finds the same. Where none will do, the one that comes closest stands for the
// side, and says what it lacks.
func (s *Step) find(ctx context.Context, e *end) error {
	list, err := s.cloud.Instances(ctx, e.side.RegionID, e.side.VpcID)
	if err != nil && !interconnect.IsGone(err) {
		return err
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b interconnect.Instance) int {
		return cmp.Or(cmp.Compare(lacks(a, e.side), lacks(b, e.side)), cmp.Compare(outsider(a, e.side), outsider(b, e.side)), cmp.Compare(a.ID, b.ID))
	})
	none := fmt.Sprintf("In the %s's VPC %s there is no running Linux instance in the connected blocks with Cloud Assistant online to ping from: start one, and ask for a check.", e.role, e.side.VpcID)
	if len(list) == 0 {
		e.mute = none
		return nil
	}
	good := slices.IndexFunc(list, func(i interconnect.Instance) bool { return lacks(i, e.side) > 0 })
	if good < 0 {
		good = len(list)
	}
	if good == 0 {
		e.targets = []target{{list[0], fmt.Sprintf("%s The closest is %s, which %s.", none, list[0].ID, cmp.Or(unfit(list[0], e.side), "does not run Linux"))}}
		e.mute = e.targets[0].flaw
		return nil
	}
	list = list[:min(good, maxCandidates)]
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	online, err := s.cloud.AgentsOnline(ctx, e.side.RegionID, ids)
	if err != nil {
		return err
	}
	first := slices.IndexFunc(list, func(i interconnect.Instance) bool { return online[i.ID] })
	if first < 0 {
		first, e.mute = 0, offline(e, list[0].ID)
	}
	e.targets = []target{{Instance: list[first]}}
	return nil
}

// lacks is 0 for an instance that can stand for a side, if Cloud Assistant is
// online; more the more has to be done about it.
func lacks(i interconnect.Instance, side *interconnect.Side) int {
	switch {
	case i.OSType != "linux":
		return 3
	case unfit(i, side) == "":
		return 0
	case !i.Running:
		return 1
	}
	return 2
}

// unfit says why an instance of a side cannot answer, or "".
func unfit(i interconnect.Instance, side *interconnect.Side) string {
	switch {
	case i.VpcID != side.VpcID:
		return "is not in VPC " + side.VpcID
	case !i.PrivateIP.IsValid():
		return "has no private address"
	case !slices.ContainsFunc(side.CidrBlocks, func(b netip.Prefix) bool { return b.Contains(i.PrivateIP) }):
		return fmt.Sprintf("has the address %s, which is outside the connected blocks", i.PrivateIP)
	case !i.Running:
		return "is not running"
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
