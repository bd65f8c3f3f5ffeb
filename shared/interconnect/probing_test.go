package interconnect_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

func address(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestTheProbeCommandHoldsAddressesAndNumbersAlone(t *testing.T) {
	t.Parallel()
	script, limit := interconnect.ProbeCommand(4, []interconnect.Job{{Address: address("172.16.0.10"), Ping: true}})
	require.Equal(t, "ping -c 4 -i 0.2 -W 2 172.16.0.10 || ip route get 172.16.0.10 2>&1", script)
	require.Equal(t, 12800*time.Millisecond, limit)

	script, _ = interconnect.ProbeCommand(20, []interconnect.Job{
		{Address: address("fe80::1%$(reboot)"), Ping: true, Ports: []int{443, 5432}},
		{Address: address("172.16.0.11"), Ports: []int{80}},
	})
	require.Equal(t, strings.Join([]string{
		"ping -c 20 -i 0.2 -W 2 fe80::1 || ip route get fe80::1 2>&1",
		`LC_ALL=C timeout 3 bash -c "</dev/tcp/fe80::1/443" 2>&1; echo tcp-port 443 $?`,
		`LC_ALL=C timeout 3 bash -c "</dev/tcp/fe80::1/5432" 2>&1; echo tcp-port 5432 $?`,
		"echo next-target 172.16.0.11",
		`LC_ALL=C timeout 3 bash -c "</dev/tcp/172.16.0.11/80" 2>&1; echo tcp-port 80 $?`,
		"ip route get 172.16.0.11 2>&1",
	}, "\n"), script, "a zone is free text, and is left out")
}

func TestAProbeCommandIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		jobs := rapid.SliceOfNDistinct(rapid.Custom(func(rt *rapid.T) interconnect.Job {
			j := interconnect.Job{Address: netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "address"))), Ping: rapid.Bool().Draw(rt, "ping")}
			if rapid.Bool().Draw(rt, "IPv6") {
				j.Address = netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "address of IPv6"))).Unmap()
			}
			j.Ports = rapid.SliceOfN(rapid.IntRange(1, 65535), 0, interconnect.MaxPorts).Draw(rt, "ports")
			j.Ping = j.Ping || len(j.Ports) == 0
			return j
		}), 1, 3, func(j interconnect.Job) netip.Addr { return j.Address }).Draw(rt, "jobs")
		script, _ := interconnect.ProbeCommand(rapid.IntRange(1, interconnect.MaxPackets).Draw(rt, "packets"), jobs)
		got, ok := interconnect.ParseProbeCommand(script)
		require.True(rt, ok, script)
		require.Len(rt, got, len(jobs))
		for n := range got {
			require.Equal(rt, jobs[n].Address, got[n].Address)
			require.Equal(rt, jobs[n].Ping, got[n].Ping)
			require.ElementsMatch(rt, jobs[n].Ports, got[n].Ports)
		}
		// What is not wholly this project's is nobody's.
		_, ok = interconnect.ParseProbeCommand(script + "\necho done")
		require.False(rt, ok)
	})
	for _, other := range []string{"", "uptime", "ping -c 4 -i 0.2 -W 2 nowhere || ip route get nowhere 2>&1", "ping -c 4 -i 1 -W 2 172.16.0.10 || ip route get 172.16.0.10 2>&1"} {
		_, ok := interconnect.ParseProbeCommand(other)
		require.False(t, ok, other)
	}
}

func FuzzParseProbeCommand(f *testing.F) {
	for _, jobs := range [][]interconnect.Job{
		{{Address: address("172.16.0.10"), Ping: true}},
		{{Address: address("172.16.0.10"), Ping: true, Ports: []int{22, 5432}}, {Address: address("fe80::1"), Ports: []int{80}}},
	} {
		script, _ := interconnect.ProbeCommand(4, jobs)
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		jobs, ok := interconnect.ParseProbeCommand(script)
		if ok {
			require.NotEmpty(t, jobs)
			for _, j := range jobs {
				require.True(t, j.Address.IsValid())
				require.True(t, j.Ping || len(j.Ports) > 0)
			}
		}
	})
}

func TestParseProbes(t *testing.T) {
	t.Parallel()
	one := address("172.16.0.10")
	port := func(n int, words string, exit int) string {
		return fmt.Sprintf("%stcp-port %d %d\n", words, n, exit)
	}
	for name, tt := range map[string]struct {
		output string
		fate   interconnect.PortFate
		says   string
	}{
		"open":                          {port(443, "", 0), interconnect.PortOpen, ""},
		"refused":                       {port(443, "bash: connect: Connection refused\nbash: line 1: /dev/tcp/172.16.0.10/443: Connection refused\n", 1), interconnect.PortRefused, ""},
		"no answer in time":             {port(443, "", 124), interconnect.PortFiltered, ""},
		"no answer, by busybox":         {port(443, "", 143), interconnect.PortFiltered, ""},
		"no answer, by the guest":       {port(443, "bash: connect: Connection timed out\n", 1), interconnect.PortFiltered, ""},
		"no way out":                    {port(443, "bash: connect: Network is unreachable\n", 1), interconnect.PortUnreachable, ""},
		"no neighbour":                  {port(443, "bash: connect: No route to host\n", 1), interconnect.PortUnreachable, ""},
		"a guest without bash":          {port(443, "timeout: failed to run command 'bash': No such file or directory\n", 127), interconnect.PortUntried, "127"},
		"cut off":                       {"", interconnect.PortUntried, "did not come that far"},
		"another port's words are none": {port(80, "bash: connect: Connection refused\n", 1) + port(443, "", 124), interconnect.PortFiltered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := interconnect.ParseProbes(iputils+tt.output, []interconnect.Job{{Address: one, Ping: true, Ports: []int{443}}})
			require.Equal(t, 4, got[0].Ping.Received)
			require.Len(t, got[0].Ports, 1)
			require.Equal(t, tt.fate, got[0].Ports[0].Fate)
			require.Contains(t, got[0].Ports[0].Error, tt.says)
			require.Equal(t, tt.fate == interconnect.PortUntried, got[0].Ports[0].Error != "")
		})
	}
}

func TestEachTargetHasItsOwnResult(t *testing.T) {
	t.Parallel()
	jobs := []interconnect.Job{
		{Address: address("172.16.0.10"), Ping: true}, {Address: address("172.16.0.11"), Ping: true, Ports: []int{80}}, {Address: address("172.16.0.12"), Ping: true},
	}
	lost := "4 packets transmitted, 0 received, 100% packet loss, time 3060ms\n172.16.0.11 dev docker0 src 172.16.0.1 uid 0\n    cache\n"
	got := interconnect.ParseProbes(iputils+"next-target 172.16.0.11\n"+lost+"tcp-port 80 0\n", jobs)
	require.Equal(t, 4, got[0].Ping.Received)
	require.Empty(t, got[0].Ping.Error)
	require.Equal(t, 0, got[1].Ping.Received)
	require.Equal(t, 4, got[1].Ping.Sent)
	require.Equal(t, interconnect.PortOpen, got[1].Ports[0].Fate)
	require.Contains(t, got[1].Text, "docker0")
	require.NotContains(t, got[0].Text, "docker0")
	require.NotEmpty(t, got[2].Ping.Error, "what was cut off says so")
}

func TestAGuestWithoutAWayOutIsToldFromOneThatCannotPing(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]bool{
		"connect: Network is unreachable\n": true, "ping: connect: Network is unreachable\nRTNETLINK answers: Network is unreachable\n": true,
		"sh: 1: ping: not found\n": false, "": false, iputils: false,
	} {
		got := interconnect.ParseProbes(output, []interconnect.Job{{Address: address("172.16.0.10"), Ping: true}})
		require.Equal(t, want, got[0].Ping.Unreachable(), output)
	}
}

func TestWhichPortsAreConnectedTo(t *testing.T) {
	t.Parallel()
	allow := func(rows ...string) (out []interconnect.Allow) {
		for _, r := range rows {
			p, ports, _ := strings.Cut(r, " ")
			out = append(out, interconnect.Allow{Protocol: p, PortRange: ports})
		}
		return out
	}
	side := interconnect.Side{SecurityGroups: []interconnect.SecurityGroup{
		{ID: "ping", Allow: allow("ICMP -1/-1", "TCP 443/443")},
		{ID: "ranges", Allow: allow("TCP 8000/8999", "TCP 22/22", "UDP 53/53", "TCP 443/443")},
		{ID: "all", Allow: allow("ALL -1/-1")},
		{ID: "udp", Allow: allow("UDP 53/53")},
		{ID: "many", Allow: allow("TCP 1/1", "TCP 2/2", "TCP 3/3", "TCP 4/4", "TCP 5/5")},
	}}
	for _, tt := range []struct {
		groups []string
		ports  []int
		pinged bool
	}{
		{nil, nil, true},
		{[]string{"another"}, nil, true},
		{[]string{"ping"}, []int{443}, true},
		{[]string{"ranges"}, []int{22, 443, 8000}, false},
		{[]string{"ping", "ranges"}, []int{22, 443, 8000}, true},
		{[]string{"all"}, nil, true},
		{[]string{"udp"}, nil, true},
		{[]string{"many"}, []int{1, 2, 3, 4}, false},
	} {
		ports, pinged := side.Ports(tt.groups)
		require.ElementsMatch(t, tt.ports, ports, tt.groups)
		require.Equal(t, tt.pinged, pinged, tt.groups)
	}
}

func FuzzParseProbes(f *testing.F) {
	f.Add(iputils + "bash: connect: Connection refused\ntcp-port 443 1\nnext-target 172.16.0.11\n")
	f.Add("next-target 172.16.0.10\nnext-target 172.16.0.11\ntcp-port 443 0\n")
	jobs := []interconnect.Job{{Address: address("172.16.0.10"), Ping: true, Ports: []int{443, 80}}, {Address: address("172.16.0.11"), Ports: []int{443}}}
	f.Fuzz(func(t *testing.T, output string) {
		got := interconnect.ParseProbes(output, jobs)
		require.Len(t, got, 2)
		require.NotNil(t, got[0].Ping)
		require.Nil(t, got[1].Ping)
		require.Len(t, got[0].Ports, 2)
		require.Len(t, got[1].Ports, 1)
	})
}
