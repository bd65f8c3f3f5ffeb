package verification

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

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

// instances reads those of an end: the ones that the request names, or all of
// the VPC. What is gone has none.
func (s *Step) instances(ctx context.Context, side *interconnect.Side) ([]interconnect.Instance, error) {
	var list []interconnect.Instance
	var err error
	if side.ProbeID != "" {
		list, err = s.cloud.InstancesByID(ctx, side.RegionID, named(side))
	} else {
		list, err = s.cloud.Instances(ctx, side.RegionID, side.VpcID)
	}
	return list, there(err)
}

// named are the instances that the request names for a side, that which pings
// first.
func named(side *interconnect.Side) []string {
	return append([]string{side.ProbeID}, side.Targets...)
}

// choose finds what stands for a side, of its instances, as far as those tell,
// and returns the ones that can ping if their Cloud Assistant is online, the best
// first: where there are none, the end says why. tried is the one that did when it
// was last tried, if any: of equals it is the first, so that probes do not wander.
// That there is nothing is no error, and is said in words.
func (e *end) choose(list []interconnect.Instance, tried string) []interconnect.Instance {
	if e.side.ProbeID != "" {
		return e.chooseNamed(list)
	}
	return e.find(list, tried)
}

// chooseNamed takes the instances that the request names.
func (e *end) chooseNamed(list []interconnect.Instance) []interconnect.Instance {
	for _, id := range named(e.side) {
		t := target{Instance: interconnect.Instance{ID: id}}
		if i := slices.IndexFunc(list, func(i interconnect.Instance) bool { return i.ID == id }); i < 0 {
			t.flaw = fmt.Sprintf("The %s's probe, instance %s, is not there: name another one.", e.role, id)
		} else if t.Instance = list[i]; unfit(t.Instance, e.side) != "" {
			t.flaw = fmt.Sprintf("The %s's probe, instance %s, %s: correct that, or name another one.", e.role, id, unfit(t.Instance, e.side))
		}
		e.targets = append(e.targets, t)
	}
	switch first := &e.targets[0]; {
	case first.flaw != "":
		e.mute = first.flaw
	case first.OSType != "linux":
		e.mute = fmt.Sprintf("The %s's probe, instance %s, does not run Linux: name one that does.", e.role, first.ID)
	default:
		return []interconnect.Instance{first.Instance}
	}
	return nil
}

// take has an instance that was chosen stand for the side.
func (e *end) take(i interconnect.Instance) {
	if e.side.ProbeID == "" {
		e.targets = []target{{Instance: i}}
	}
}

// ask finds out which of the instances that were chosen can ping, and takes the
// first; if none can, the end says so.
func (s *Step) ask(ctx context.Context, e *end, chosen []interconnect.Instance) error {
	if len(chosen) == 0 {
		return nil
	}
	ids := make([]string, len(chosen))
	for i := range chosen {
		ids[i] = chosen[i].ID
	}
	online, err := s.cloud.AgentsOnline(ctx, e.side.RegionID, ids)
	if err != nil {
		return err
	}
	first := slices.IndexFunc(ids, func(id string) bool { return online[id] })
	if first < 0 {
		first, e.mute = 0, offline(e, ids[0])
	}
	e.take(chosen[first])
	return nil
}

func offline(e *end, id string) string {
	return fmt.Sprintf("Cloud Assistant is not online on the %s's probe, instance %s: start its agent, or name another instance.", e.role, id)
}

// find picks instances that will do: in a group of the request if there is one,
// and of equals the one with the lowest id, so that every run of a check finds the
// same. Where none will do, the one that comes closest stands for the side, and
// says what it lacks.
func (e *end) find(list []interconnect.Instance, tried string) []interconnect.Instance {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b interconnect.Instance) int {
		return cmp.Or(cmp.Compare(lacks(a, e.side), lacks(b, e.side)), cmp.Compare(other(a, tried), other(b, tried)),
			cmp.Compare(outsider(a, e.side), outsider(b, e.side)), cmp.Compare(a.ID, b.ID))
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
	return list[:min(good, maxCandidates)]
}

// other is 0 for the instance with an id, else 1.
func other(i interconnect.Instance, id string) int {
	if i.ID == id {
		return 0
	}
	return 1
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
	case !within(i.PrivateIP, side):
		return fmt.Sprintf("has the address %s, which is outside the connected blocks", i.PrivateIP)
	case !i.Running:
		return "is not running"
	}
	return ""
}

// within tells whether an address is in a side's connected blocks.
func within(a netip.Addr, side *interconnect.Side) bool {
	return slices.ContainsFunc(side.CidrBlocks, func(b netip.Prefix) bool { return b.Contains(a) })
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
