package show_test

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/show"
	"vpcinterconnect/shared/localcloud/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// joined is the tutorial's world after a run.
func joined() *world.World {
	w := world.Default()
	a, b := &w.VPCs[0], &w.VPCs[1]
	route := func(to, ri string) []world.Route {
		return []world.Route{{Destination: to, NextHops: []world.NextHop{{Type: "RouterInterface", ID: ri}}}}
	}
	a.RouteTables[0].Routes, b.RouteTables[0].Routes = route("172.16.0.0/16", "ri-a"), route("192.168.0.0/16", "ri-b")
	a.SecurityGroups[0].Rules = []world.Rule{
		{Direction: "ingress", Protocol: "ICMP", PortRange: "-1/-1", Policy: "accept", CidrBlock: "172.16.0.0/16"},
		{Direction: "egress", Protocol: "TCP", PortRange: "5432/5432", Policy: "drop", CidrBlock: "172.16.0.0/16"},
	}
	w.RouterInterfaces = []world.RouterInterface{
		{ID: "ri-a", VpcID: a.ID, Role: "InitiatingSide", Spec: "Mini.2", Status: "Active", Opposite: &world.Opposite{ID: "ri-b"}},
		{ID: "ri-b", VpcID: b.ID, Role: "AcceptingSide", Spec: "Negative", Status: "Active", Opposite: &world.Opposite{ID: "ri-a"}},
	}
	return w
}

func TestDrawings(t *testing.T) {
	t.Parallel()
	half := joined()
	half.RouterInterfaces[1].Status = "Activating"
	peered := world.Default()
	peered.PeerConnections = []world.PeerConnection{
		{ID: "pcc-1", VpcID: peered.VPCs[1].ID, AcceptingVpcID: peered.VPCs[0].ID, Bandwidth: 100, Status: "Activated"},
		{ID: "pcc-2", VpcID: peered.VPCs[0].ID, AcceptingVpcID: peered.VPCs[1].ID, Status: "Accepting"},
		{ID: "pcc-3", VpcID: "vpc-elsewhere", AcceptingVpcID: peered.VPCs[1].ID, Status: "Activated"},
	}
	foreign := joined()
	foreign.RouterInterfaces[0].Opposite.ID = "ri-elsewhere"
	for name, c := range map[string]struct {
		w     *world.World
		marks map[string]string
	}{
		"joined":     {joined(), map[string]string{"i-m5e1qingdao000000ecs1": "9.0 ms ─►", "i-2ze2beijing000000ecs2": "◄─ 8.9 ms"}},
		"half":       {half, nil},
		"not-joined": {world.Default(), nil},
		"elsewhere":  {foreign, nil},
		"peered":     {peered, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := show.Drawing(c.w, c.w.VPCs[0].ID, c.w.VPCs[1].ID, c.marks)
			golden(t, name+".txt", got)
			require.NotContains(t, got, "\x1b")
		})
	}
	require.Empty(t, show.Drawing(joined(), "vpc-nobody", joined().VPCs[1].ID, nil))
}

func TestADrawingOfAnEnginesWorldHasStraightEdges(t *testing.T) {
	t.Parallel()
	e := engine.New(engine.Options{Seed: 3})
	require.NoError(t, joined().Apply(e))
	w := world.Export(e)
	lines := strings.Split(strings.TrimSpace(show.Drawing(w, w.VPCs[1].ID, w.VPCs[0].ID, nil)), "\n")
	for _, l := range lines[2:] {
		require.Len(t, []rune(l), len([]rune(lines[1])), l)
	}
}

// at is a clock that stands still at the times given, one after the other.
func at(times ...time.Duration) func() time.Time {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return func() time.Time {
		d := times[0]
		if len(times) > 1 {
			times = times[1:]
		}
		return start.Add(d)
	}
}

func TestAPrinterWithoutATerminalWritesLinesOnly(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := show.NewPrinter(&b, 0, at(0, 1234*time.Millisecond, 83*time.Second))
	p.Status("working")
	p.Step(show.Good, "peering", "done")
	p.Tick()
	p.Step(show.Bad, "routes", "failed: \x1b[31mred\r\n")
	p.Status("")
	require.Equal(t, "   1.2s  peering          done\n  1m23s  routes           failed:  [31mred  \n", b.String())
}

func TestAPrinterOnATerminalKeepsItsStatusUnderTheLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := show.NewPrinter(&b, 30, at(0))
	p.Status("a status that is longer than the terminal is wide")
	p.Step(show.Good, "peering", "done")
	out := b.String()
	require.Contains(t, out, "\r\x1b[K")
	require.Contains(t, out, "\x1b[32mdone\x1b[0")
	for _, l := range strings.Split(out, "\n") {
		last := l[strings.LastIndex(l, "K")+1:]
		require.Less(t, len([]rune(last)), 60)
	}
	require.NotContains(t, out, "wide", "the status is cut to the terminal's width")
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	show.NewPrinter(&b, 0, at(0)).Summary(show.Report{
		State: "Blocked", Why: "no reply from 172.16.1.10", ElapsedMs: 83_456,
		Pings: []show.Ping{{InstanceID: "i-a", Command: "ping -c 1 172.16.1.10", Output: "PING\n\n--- 100% packet loss\n"}},
		Took: show.Took{
			Messages: 1, Calls: map[string]int{"Vpc A": 2, "Ecs B": 2, "Vpc C": 1200}, Errors: map[string]int{"Throttling.User": 3}, BilledMs: 1234567,
			Functions: []fc.Stats{{Function: "peering", Invocations: 12, ColdStarts: 1, BilledMs: 1234567, Failures: 2, Crashes: 1}},
		},
	})
	golden(t, "summary.txt", b.String())
}
