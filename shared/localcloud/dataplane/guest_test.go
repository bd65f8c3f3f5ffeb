package dataplane

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/localcloud/engine"
)

func (l *lab) run(instance, script string) engine.Execution {
	return Guests{}.Run(engine.Script{
		Topology: l.Topology(), InstanceID: instance, Content: script, Timeout: time.Minute,
		Start: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	})
}

// masked replaces what jitter decides: the times of single answers.
func masked(output string) string {
	lines := strings.Split(output, "\n")
	for n, line := range lines {
		if head, _, ok := strings.Cut(line, " time="); ok {
			lines[n] = head + " time=T ms"
		}
		if strings.HasPrefix(line, "rtt ") {
			lines[n] = "rtt ..."
		}
	}
	return strings.Join(lines, "\n")
}

func TestPingPrintsWhatIputilsPrints(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	done := l.run("i-a1", "ping -c 3 -i 0.2 -W 2 172.16.1.10")
	require.Equal(t, 0, done.ExitCode)
	require.Equal(t, `PING 172.16.1.10 (172.16.1.10) 56(84) bytes of data.
64 bytes from 172.16.1.10: icmp_seq=1 ttl=64 time=T ms
64 bytes from 172.16.1.10: icmp_seq=2 ttl=64 time=T ms
64 bytes from 172.16.1.10: icmp_seq=3 ttl=64 time=T ms

--- 172.16.1.10 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time 409ms
rtt ...
`, masked(done.Output))
	require.InDelta(t, 0.41, done.Took.Seconds(), 0.02, "three requests, 0.2 s apart")
}

func TestPing(t *testing.T) {
	t.Parallel()
	silent := func(l *lab) { l.rules("sg-b") }
	docker := func(l *lab) {
		l.guest("i-a1", func(g *engine.GuestFacts) {
			g.Routes = []engine.GuestRoute{{Destination: block("172.16.0.0/12"), Device: "docker0"}}
		})
	}
	down := func(l *lab) { l.guest("i-a1", func(g *engine.GuestFacts) { g.InterfaceDown = true }) }
	for _, c := range []struct {
		name   string
		world  func(*lab)
		script string
		code   int
		took   float64 // seconds
		has    []string
	}{
		{"without an answer it waits for the last one, says so and exits 1", silent, "ping -c 4 -i 0.2 -W 2 172.16.1.10", 1, 2.6,
			[]string{"4 packets transmitted, 0 received, 100% packet loss, time 600ms\n\n"}},
		{"without -W it waits ten seconds for the last answer", silent, "ping -c 1 172.16.1.10", 1, 10, []string{"1 packets transmitted, 0 received, 100% packet loss, time 0ms"}},
		{"a deadline ends it", silent, "ping -w 3 172.16.1.10", 1, 3, []string{"3 packets transmitted, 0 received"}},
		{"with deadline and count it ends with enough answers", nil, "ping -c 2 -w 30 172.16.1.10", 0, 1, []string{"2 packets transmitted, 2 received"}},
		{"with deadline and count too few answers are a failure", nil, "ping -c 10 -w 2 172.16.1.10", 1, 2, []string{"packets transmitted, 2 received"}},
		{"quietly it prints the end only", nil, "ping -q -c 2 172.16.1.10", 0, 1, []string{"of data.\n\n---", "2 received"}},
		{"options may stand in one word", nil, "ping -nqc2 -i.5 172.16.1.10", 0, 0.5, []string{"2 received"}},
		// As the kernel's network prints it: see kernel.TestGuestsTroublesAreReal.
		{"a bridge inside the guest says that the host is unreachable, after three seconds", docker, "ping -c 1 -W 4 172.16.1.10", 1, 3,
			[]string{"From 172.16.0.1 icmp_seq=1 Destination Host Unreachable\n", "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms"}},
		{"who does not wait so long is not told", docker, "ping -c 4 -i 0.2 -W 2 172.16.1.10", 1, 2.6,
			[]string{"of data.\n\n---", "4 packets transmitted, 0 received, 100% packet loss, time 600ms"}},
		{"all who wait are told at once", docker, "ping -c 5 -W 1 172.16.1.10", 1, 5,
			[]string{"icmp_seq=2 Destination Host Unreachable\nFrom 172.16.0.1 icmp_seq=3 Destination Host Unreachable\n\n---", "5 packets transmitted, 0 received, +3 errors, 100% packet loss, time 4000ms"}},
		{"with a deadline the first failure is the end", docker, "ping -w 5 172.16.1.10", 1, 3, []string{"3 packets transmitted, 0 received, +3 errors, 100% packet loss, time 2000ms"}},
		{"a deadline may come first", docker, "ping -q -w 2 172.16.1.10", 1, 2, []string{"of data.\n\n---", "2 packets transmitted, 0 received, 100% packet loss"}},
		{"with its interface down a guest knows no way", down, "ping -c 1 172.16.1.10", 2, 0, []string{"ping: connect: Network is unreachable\n"}},
		{"with its interface down ip says so", down, "ip -4 addr; ip route; ip route get 172.16.1.10", 2, 0,
			[]string{"2: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc fq_codel state DOWN", "RTNETLINK answers: Network is unreachable"}},
		{"a name that nobody knows is exit 2", nil, "ping -c 1 db.internal", 2, 0, []string{"ping: db.internal: Name or service not known"}},
		{"an option that it does not have is exit 2", nil, "ping -Z 172.16.1.10", 2, 0, []string{"ping: invalid option -- 'Z'"}},
		{"a count of nothing is exit 2", nil, "ping -c 0 172.16.1.10", 2, 0, []string{"invalid argument: '0'"}},
		{"no destination is exit 2", nil, "ping -c 1", 2, 0, []string{"Destination address required"}},
		{"its own name is an address", nil, "ping -c 1 host-i-a1", 0, 0, []string{"PING host-i-a1 (192.168.1.10)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, engine.Options{})
			if c.world != nil {
				c.world(l)
			}
			done := l.run("i-a1", c.script)
			require.Equal(t, c.code, done.ExitCode, done.Output)
			require.InDelta(t, c.took, done.Took.Seconds(), 0.1, done.Output)
			for _, part := range c.has {
				require.Contains(t, done.Output, part)
			}
		})
	}
}

func TestGuestPrograms(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	l.guest("i-a2", func(g *engine.GuestFacts) {
		g.Routes = []engine.GuestRoute{{Destination: block("172.17.0.0/16"), Device: "docker0"}}
	})
	for _, c := range []struct {
		name, script, output string
		code                 int
		took                 float64
	}{
		{"echo, variables and conditions are the shell's", `x=5; if [ $x -gt 3 ]; then echo "more: $((x * 2))"; fi`, "more: 10\n", 0, 0},
		{"a program that is not there is 127", "curl http://example.com", "bash: curl: command not found\n", 127, 0},
		{"the shell within is the guest's, not this machine's", "/bin/sh -c 'echo in $HOSTNAME; ls /'", "in host-i-a2\nbash: ls: command not found\n", 127, 0},
		{"a shell within is as bounded as the one around", "timeout 3 bash -c 'sleep 2; sleep 2; echo never'; echo $?", "124\n", 0, 3},
		{"sleep takes the guest's time, not ours", "sleep 20; sleep 0.5m", "", 0, 50},
		{"date runs with the guest's clock", "date +%s; sleep 10; date -u +%FT%TZ", "1772366400\n2026-03-01T12:00:10Z\n", 0, 10},
		{"timeout ends what takes longer", "timeout 3 sleep 10; echo $?", "124\n", 0, 3},
		{"timeout leaves alone what is shorter", "timeout 3 sleep 1; echo $?; sleep 4", "0\n", 0, 5},
		{"hostname is the instance's", "hostname; hostname -I; whoami", "host-i-a2\n192.168.2.10\nroot\n", 0, 0},
		{"nc finds a port that is open", "nc -z -v -w 2 172.16.1.10 5432", "Connection to 172.16.1.10 5432 port [tcp/*] succeeded!\n", 0, 0},
		{"nc waits for one that is filtered", "nc -zv -w 2 172.16.1.10 22", "nc: connect to 172.16.1.10 port 22 (tcp) timed out: Operation now in progress\n", 1, 2},
		{"bash connects to a port that is open", "timeout 3 bash -c ': </dev/tcp/172.16.1.10/5432'", "", 0, 0},
		{"bash says that a port is refused", "timeout 3 bash -c ': </dev/tcp/192.168.2.10/80'",
			"bash: connect: Connection refused\nbash: line 1: /dev/tcp/192.168.2.10/80: Connection refused\n", 1, 0},
		{"bash waits for a port that is filtered", "timeout 3 bash -c ': </dev/tcp/172.16.1.10/22'", "", 124, 3},
		{"bash gives up by itself after two minutes, which the script does not live to see", ": </dev/tcp/172.16.1.10/22", "", 137, 60},
		{"bash says that nobody is there", "bash -c 'echo </dev/tcp/172.17.4.4/22'",
			"bash: connect: No route to host\nbash: line 1: /dev/tcp/172.17.4.4/22: No route to host\n", 1, 3},
		{"bash knows no other names", ": >/dev/tcp/billing/22", "bash: billing: Name or service not known\nbash: line 1: /dev/tcp/billing/22: Invalid argument\n", 1, 0},
		{"bash knows ports by number", ": >/dev/tcp/172.16.1.10/ssh", "bash: ssh: Servname not supported for ai_socktype\nbash: line 1: /dev/tcp/172.16.1.10/ssh: Invalid argument\n", 1, 0},
		{"ip route get names the gateway", "ip route get 172.16.1.10", "172.16.1.10 via 192.168.2.253 dev eth0 src 192.168.2.10 uid 0\n    cache\n", 0, 0},
		{"ip route get names the bridge", "ip r get 172.17.4.4", "172.17.4.4 dev docker0 src 172.17.0.1 uid 0\n    cache\n", 0, 0},
		{"ip route lists them", "ip route", "default via 192.168.2.253 dev eth0 proto dhcp src 192.168.2.10 metric 100\n172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1\n192.168.2.0/24 dev eth0 proto kernel scope link src 192.168.2.10 metric 100\n", 0, 0},
		{"errors go where they are sent", "nosuch 2>/dev/null || echo none", "none\n", 0, 0},
		{"a script that does not parse is 2", "if then", "", 2, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			done := l.run("i-a2", c.script)
			require.Equal(t, c.code, done.ExitCode, done.Output)
			if c.output != "" {
				require.Equal(t, c.output, done.Output)
			}
			require.InDelta(t, c.took, done.Took.Seconds(), 0.1)
		})
	}
}

// Nothing of this machine is to be seen or touched from inside a guest.
func TestGuestHasNoWayOut(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("of this machine"), 0o600))
	t.Setenv("HOST_SECRET", "of this machine")
	t.Setenv("TMPDIR", dir)
	l := newLab(t, engine.Options{})
	for _, script := range []string{
		"cat " + secret, "read x < " + secret + "; echo $x", "echo $(< " + secret + ")", "source " + secret, ". " + secret,
		"mapfile -t x < " + secret + "; echo ${x[0]}", "echo " + dir + "/*", "cd " + dir + " && echo *", "test -e " + secret + " && echo there",
		"test -r " + secret + " && echo there", "echo $HOST_SECRET", "env", "export", "declare -p", "set", "echo x > " + filepath.Join(dir, "written"),
		"echo x >> " + secret, "exec /bin/sh", "command -v sh && sh -c env", "echo ~nobody", "/usr/bin/env", "diff <(echo a) <(echo b)",
		"exec 3<>/dev/tcp/127.0.0.1/80", "type ls", "echo $PPID", "echo $$", "pwd -P; dirs",
	} {
		done := l.run("i-a1", script)
		require.NotContains(t, done.Output, "of this machine", script)
		require.NotContains(t, done.Output, "there\n", script)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing was made")
	kept, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "of this machine", string(kept), "nothing was written")
	require.Contains(t, l.run("i-a1", "echo ~nobody $HOME $PATH").Output, "/home/nobody /root /usr/local/sbin", "homes are the guest's, too")
	for _, script := range []string{"sleep 1 &", "time sleep 1", "echo $RANDOM", "cat <(echo a)", "coproc sleep 1"} {
		done := l.run("i-a1", script)
		require.Equal(t, 2, done.ExitCode, script)
		require.Contains(t, done.Output, "this guest's shell has no", script)
	}
}

func TestAScriptThatDoesNotEndIsKilledAtItsTimeout(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	for script, before := range map[string]string{
		"echo one; ping 172.16.1.10":            "icmp_seq=59",
		"echo one; while :; do :; done":         "one",
		"echo one; while sleep 1; do :; done":   "one",
		"echo one; timeout 500 sleep 400":       "one",
		"f() { f; }; echo one; f":               "one",
		"echo one; ping -c 9 -i 30 172.16.1.10": "icmp_seq=2",
	} {
		started := time.Now()
		done := l.run("i-a1", script)
		require.Equal(t, time.Minute, done.Took, script)
		require.Contains(t, done.Output, before, script)
		require.Less(t, time.Since(started), 5*time.Second, script)
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	done := newLab(t, engine.Options{}).run("i-a1", "for i in 1 2 3 4 5 6 7 8 9; do for j in 1 2 3 4 5 6 7 8 9; do printf '%09999d' 7; done; done")
	require.Equal(t, 0, done.ExitCode)
	require.Len(t, done.Output, mostOutput)
}

// The same script on the same picture always comes to the same.
func TestRunsReplay(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	script := "ping -c 5 172.16.1.10; ping -c 2 192.168.1.10; nc -z -w 1 172.16.1.10 5432 && echo open; timeout 2 bash -c ': </dev/tcp/172.16.1.10/22' || echo shut; echo a | while read x; do echo $x; done"
	first := l.run("i-a1", script)
	for range 5 {
		require.Equal(t, first, l.run("i-a1", script))
	}
}

// Whatever text is run, it ends, and takes no longer than it may.
func TestAnyScriptEnds(t *testing.T) {
	t.Parallel()
	l := newLab(t, engine.Options{})
	word := rapid.SampledFrom([]string{"ping", "-c", "1", "172.16.1.10", "sleep", "nc", "-z", "-w", ";", "&&", "|", "$(", ")", "{", "}", "if", "then", "fi", "echo", "timeout", "ip", "route", "get", "date", "+%s", "'", "\"", "x=1", "$x", "\n", "while", "do", "done", "<", ">", "/dev/null"})
	rapid.Check(t, func(t *rapid.T) {
		script := strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "script"), " ")
		done := l.run("i-a1", script)
		require.LessOrEqual(t, done.Took, time.Minute)
	})
}
