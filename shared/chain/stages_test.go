package chain_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/chain"
	"vpcinterconnect/shared/interconnect"
)

// TestTheChartInThePackageCommentIsTheTable renders the table as doc.go shows it.
func TestTheChartInThePackageCommentIsTheTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, a := range []interconnect.Action{interconnect.Connect, interconnect.Prune, interconnect.Verify} {
		for i, s := range chain.Stages(a) {
			name := string(a)
			if i > 0 {
				name = ""
			}
			limit := "never"
			if s.GiveUp > 0 {
				limit = strings.TrimSuffix(s.GiveUp.String(), "0s")
			}
			next := "end"
			if i+1 < len(chain.Stages(a)) {
				next = chain.Stages(a)[i+1].Queue
			} else if a == interconnect.Connect {
				next = "end, or prune of a changed request"
			}
			reject := "end"
			switch {
			case s.Observe:
				reject = "done, unproven"
			case a == interconnect.Connect:
				reject = "prune to what was connected"
			case i+1 < len(chain.Stages(a)):
				reject = next
			case s.Rounds > 0:
				reject = fmt.Sprintf("%s again, %d times; end", a, s.Rounds)
			}
			b.WriteString(strings.TrimRight(fmt.Sprintf("//\t%-8s %-16s %-7s %-35s %s", name, s.Queue, limit, next, reject), " ") + "\n")
		}
	}
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	require.Contains(t, string(doc), b.String(), "doc.go should hold:\n%s", b.String())
}
