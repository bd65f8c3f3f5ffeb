package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/fc"
	"vpcinterconnect/shared/localcloud/mns"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/world"
)

// recorded is a run of two steps: peering waits once and hands on to routes.
func recorded() *Recorder {
	var r Recorder
	r.Init(100 * time.Millisecond)
	request := func(role, product, action string, arrived int, parameters map[string]string) {
		r.Call(openapi.Record{Time: at(arrived), Took: 10 * time.Millisecond, Role: role, Product: product, Action: action, Parameters: parameters})
	}
	run := func(function, id string, began, ended int) {
		r.Happened(fc.Event{Kind: fc.EventStarted, Function: function, RequestID: id, Time: at(began)})
		r.Happened(fc.Event{Kind: fc.EventEnded, Function: function, RequestID: id, Time: at(ended)})
	}
	say := func(function, id, next string, delay int) {
		r.Printed(fc.Line{Function: function, Text: fmt.Sprintf(`{"time":%q,"msg":"step","requestId":%q,"connection":"a","step":"peering","do":"connect","outcome":"wait","next":%q,"delay":%d}`, at(0).Format(time.RFC3339Nano), id, next, delay)})
	}
	send := func(role, queue string, sent int) {
		r.Message(mns.Record{Action: "SendMessage", Role: role, Time: at(sent), Took: time.Millisecond, Parameters: map[string]string{"QueueName": queue}})
	}
	run("intake", "i1", 0, 250)
	request("vi-intake", "Vpc", "DescribeVpcAttribute", 110, nil)
	send("vi-intake", "vi-peering", 200)
	run("peering", "p1", 230, 700)
	request("vi-peering", "oos", "GetParameters", 340, nil)
	request("vi-peering", "Vpc", "DescribeRouterInterfaces", 450, nil)
	request("vi-peering", "Vpc", "DescribeRouterInterfaces", 452, nil)
	request("vi-peering", "Vpc", "ConnectRouterInterface", 580, map[string]string{"RouterInterfaceId": "ri-1"})
	send("vi-peering", "vi-outcomes", 620)
	send("vi-peering", "vi-peering", 650)
	say("peering", "p1", "peering", 1)
	run("peering", "p2", 1700, 2000)
	request("vi-peering", "oos", "GetParameters", 1820, nil)
	run("intake", "i2", 1800, 1900) // somebody looks on
	request("vi-intake", "oos", "GetParameters", 1850, nil)
	r.Printed(fc.Line{Text: "FC Invoke Start"})
	r.Message(mns.Record{Action: "ReceiveMessage", Role: "vi-x", Parameters: map[string]string{"QueueName": "vi-routes"}})
	return &r
}

func TestARecordingIsOfTheRequestAndNotOfWhoLooksOn(t *testing.T) {
	t.Parallel()
	r := recorded().Between(at(0), at(3000), Window{at(0), at(300)})
	require.Len(t, r.Calls, 6)
	require.Len(t, r.Runs, 3)
	require.Equal(t, 3*time.Second, r.Took())
	require.Equal(t, []Count{{"intake", "DescribeVpcAttribute", 1, Why("intake", "DescribeVpcAttribute")}, {"peering", "DescribeRouterInterfaces", 2, Why("peering", "DescribeRouterInterfaces")}}, r.Reads())
	require.Equal(t, []Count{{"peering", "ConnectRouterInterface", 1, ""}}, r.Writes())
	require.Equal(t, 2, Sum(r.Bookkeeping()))
	require.Equal(t, "ri-1", r.Calls[4].About)
}

func TestAHopCostsWhatPassesUntilTheNextFirstCallBesideTheDelay(t *testing.T) {
	t.Parallel()
	r := recorded().Between(at(0), at(3000), Window{at(0), at(300)})
	require.Equal(t, []Hop{
		{From: "intake", To: "peering", Cost: 40 * time.Millisecond},
		{From: "peering", To: "peering", Delay: time.Second, Cost: 70 * time.Millisecond},
	}, r.Hops(), "what goes to no step is no hop")
}

func TestWaitingIsCountedOnceForCallsSideBySide(t *testing.T) {
	t.Parallel()
	r := recorded().Between(at(0), at(3000), Window{at(0), at(300)})
	require.Equal(t, (250+470+300)*time.Millisecond, r.Billed())
	// intake 110+1; peering 110 + 112 + 110 + 2 sends, then 110.
	require.Equal(t, (111+110+112+110+2+110)*time.Millisecond, r.Waited())
}

func TestARunEndsWhenVerificationWroteWhatItFound(t *testing.T) {
	t.Parallel()
	var r Recorder
	r.Init(0)
	line := func(do, outcome string, when int) {
		r.Printed(fc.Line{Text: fmt.Sprintf(`{"time":%q,"msg":"step","connection":"a","step":"verification","do":%q,"outcome":%q,"verdict":"connected"}`, at(when).Format(time.RFC3339Nano), do, outcome)})
	}
	write := func(entry, code string, when int) {
		r.Call(openapi.Record{Time: at(when), Role: "vi-verification", Product: "oos", Action: "UpdateParameter", Code: code, Parameters: map[string]string{"Name": "/vi/a/" + entry}})
	}
	ended := func(do string, from int) bool { _, _, ok := r.Ended("a", do, at(from)); return ok }
	line("connect", "wait", 100)
	write("verification", "", 200)
	require.False(t, ended("connect", 0), "it waits")
	line("connect", "done", 300)
	require.False(t, ended("connect", 0), "it is not written yet")
	write("connected", "", 400)
	write("verification", "Throttling", 450)
	require.False(t, ended("connect", 0))
	write("verification", "", 500)
	end, verdict, ok := r.Ended("a", "connect", at(0))
	require.True(t, ok)
	require.Equal(t, at(500), end)
	require.Equal(t, "connected", verdict)
	require.False(t, ended("connect", 350), "another request's")
	require.False(t, ended("prune", 0))
}

func TestAStateIsNotedWhenItIsNew(t *testing.T) {
	t.Parallel()
	var r Recorder
	r.Init(0)
	for i, state := range []string{"Connecting", "Connecting", "Active", "Active", ""} {
		r.Is("interface", "ri-1", state, at(i))
	}
	r.Ran(engine.Script{InstanceID: "i-1"}, engine.Execution{Took: time.Second}, at(10))
	var states []string
	for _, s := range r.Between(at(0), at(2000)).States {
		states = append(states, s.What+" "+s.Is)
	}
	require.Equal(t, []string{"interface Connecting", "interface Active", "interface ", "ping ended"}, states)
}

func TestAReportSaysWhatIsMetAndWhatIsNot(t *testing.T) {
	t.Parallel()
	r := recorded().Between(at(0), at(3000), Window{at(0), at(300)})
	report := Report{Figures: OfOne(r, r, r, r), Counts: map[string]Tally{"connect": TallyOf(r)}, Paths: map[string][]Step{"connect": Critical(Connect, r, "peering: interfaces").Steps()}}
	report.Figures = append(report.Figures, AtMost("a", "small enough", 1.25, 1.25, "5 ÷ 4", ""), AtLeast("b", "large enough", 2, 3, "2", "why not"), Exactly("c", "just so", 11, 11, "", ""))
	var out bytes.Buffer
	require.NoError(t, report.Write(&out))
	for _, line := range []string{
		`small enough +1.25 +<= 1.25 +met +5 ÷ 4`, `large enough +2 +>= 3 +NOT MET`, `just so +11 +== 11 +met`, `large enough: why not`,
		`mutating calls of a new connection +1 +== 11 +NOT MET`, `The calls of a connect: 3 reads, 1 changes, 2 of the record; 2 messages`,
		`0 ms +\+ +110 ms +VPCs +intake DescribeVpcAttribute`,
	} {
		require.Regexp(t, line, out.String())
	}
}

func TestWorldsForManyConnectionsLoad(t *testing.T) {
	t.Parallel()
	independent, pairs := Pairs(100)
	sharing, spokes := Hubs(4, 100)
	require.Len(t, independent.VPCs, 200)
	require.Len(t, sharing.VPCs, 104)
	of := map[int]int{}
	for _, p := range spokes {
		of[p.Initiator]++
		require.Equal(t, "cn-beijing", sharing.VPCs[p.Acceptor].Region)
	}
	require.Equal(t, map[int]int{0: 25, 1: 25, 2: 25, 3: 25}, of)
	require.Len(t, pairs, 100)
	for _, w := range []*world.World{independent, sharing} {
		text, err := w.Marshal()
		require.NoError(t, err)
		_, err = world.Load("drawn", text)
		require.NoError(t, err)
		require.NoError(t, w.Apply(engine.New(w.Options(engine.Options{}))))
	}
}

func TestAZipIsSmallerThanWhatIsInIt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "main")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("the same ", 10000)), 0o600))
	n, err := Zipped(path)
	require.NoError(t, err)
	require.Less(t, n, int64(2000))
	require.Greater(t, n, int64(100))
	_, err = Zipped(path + "x")
	require.ErrorIs(t, err, os.ErrNotExist)
}
