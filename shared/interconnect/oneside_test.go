package interconnect_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

// Whatever one side's answer is taken to tell, both sides' answers tell too.
func TestOneSideTellsNothingElseThanBoth(t *testing.T) {
	t.Parallel()
	told := 0
	rapid.Check(t, func(t *rapid.T) {
		c := tutorial()
		statuses := rapid.SampledFrom([]string{"Active", "Active", "Active", "Idle", "Activating", "Inactive", "Deleting"})
		names := rapid.SampledFrom([]string{mark.String(), "by hand", "interconnect.vi.another"})
		var seen []interconnect.RouterInterface
		at := map[interconnect.Role][]interconnect.RouterInterface{}
		for n := range rapid.IntRange(0, 3).Draw(t, "pairs") {
			a := ri(fmt.Sprint("a", n), interconnect.Initiator, status(statuses.Draw(t, "a")), named(names.Draw(t, "name a")), facing(fmt.Sprint("b", n)))
			b := ri(fmt.Sprint("b", n), interconnect.Acceptor, status(statuses.Draw(t, "b")), named(names.Draw(t, "name b")), facing(a.ID))
			a.OppositeStatus, b.OppositeStatus = b.Status, a.Status
			switch rapid.SampledFrom([]string{"both", "both", "a alone", "b alone", "a tells nothing", "to another VPC"}).Draw(t, "how") {
			case "a alone":
				a.OppositeStatus = ""
				at[interconnect.Initiator] = append(at[interconnect.Initiator], a)
				continue
			case "b alone":
				b.OppositeStatus = ""
				at[interconnect.Acceptor] = append(at[interconnect.Acceptor], b)
				continue
			case "a tells nothing":
				a.OppositeStatus = ""
			case "to another VPC":
				a.OppositeRouterID, b.RouterID = "vrt-9", "vrt-9"
			}
			at[interconnect.Initiator], at[interconnect.Acceptor] = append(at[interconnect.Initiator], a), append(at[interconnect.Acceptor], b)
		}
		seen = append(append(seen, at[interconnect.Initiator]...), at[interconnect.Acceptor]...)
		for _, role := range interconnect.Roles {
			p, ok := interconnect.ActiveFromOneSide(c, role, at[role])
			if !ok {
				continue
			}
			told++
			both := interconnect.FindPair(c, mark.Prefix, seen).Kept
			require.True(t, both.Active())
			for _, r := range interconnect.Roles {
				require.Equal(t, both.Side(r).ID, p.Side(r).ID)
				require.Equal(t, both.Side(r).RouterID, p.Side(r).RouterID)
			}
		}
	})
	require.NotZero(t, told)
}
