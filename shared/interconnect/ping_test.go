package interconnect_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

const iputils = `PING 172.16.0.10 (172.16.0.10) 56(84) bytes of data.
64 bytes from 172.16.0.10: icmp_seq=1 ttl=64 time=28.1 ms
64 bytes from 172.16.0.10: icmp_seq=2 ttl=64 time=28.0 ms

--- 172.16.0.10 ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 603ms
rtt min/avg/max/mdev = 28.012/28.134/28.301/0.112 ms
`

const busybox = `PING 172.16.0.10 (172.16.0.10): 56 data bytes
64 bytes from 172.16.0.10: seq=0 ttl=64 time=0.094 ms

--- 172.16.0.10 ping statistics ---
4 packets transmitted, 3 packets received, 25% packet loss
round-trip min/avg/max = 0.071/0.080/0.094 ms
`

func TestParsePing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		output string
		want   interconnect.Ping
	}{
		"iputils":                 {iputils, interconnect.Ping{Sent: 4, Received: 4, MinMs: 28.012, AvgMs: 28.134, MaxMs: 28.301}},
		"busybox with one lost":   {busybox, interconnect.Ping{Sent: 4, Received: 3, LossPct: 25, MinMs: 0.071, AvgMs: 0.080, MaxMs: 0.094}},
		"no reply":                {"4 packets transmitted, 0 received, 100% packet loss, time 3060ms\n\n", interconnect.Ping{Sent: 4, LossPct: 100}},
		"no reply, with errors":   {"4 packets transmitted, 0 received, +4 errors, 100% packet loss, time 3060ms\npipe 4\n", interconnect.Ping{Sent: 4, LossPct: 100}},
		"replies that came twice": {"4 packets transmitted, 4 received, +1 duplicates, 0% packet loss, time 603ms\nrtt min/avg/max/mdev = 1/2/3/0.1 ms\n", interconnect.Ping{Sent: 4, Received: 4, MinMs: 1, AvgMs: 2, MaxMs: 3}},
		"line ends of Windows":    {"4 packets transmitted, 4 received, 0% packet loss, time 603ms\r\nrtt min/avg/max/mdev = 1.5/2.5/3.5/0.1 ms\r\n", interconnect.Ping{Sent: 4, Received: 4, MinMs: 1.5, AvgMs: 2.5, MaxMs: 3.5}},
		"a third lost":            {"3 packets transmitted, 2 received, 33.3333% packet loss, time 1ms", interconnect.Ping{Sent: 3, Received: 2, LossPct: 33.333}},
		"the last of two counts":  {"4 packets transmitted, 4 received\n4 packets transmitted, 1 received\n", interconnect.Ping{Sent: 4, Received: 1, LossPct: 75}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := interconnect.ParsePing(tt.output)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestWhatIsNoPingIsAnError(t *testing.T) {
	t.Parallel()
	for name, output := range map[string]string{
		"nothing":                     "",
		"no such command":             "sh: 1: ping: not found\n",
		"no route in the guest":       "connect: Network is unreachable\n",
		"more received than sent":     "4 packets transmitted, 5 received, 0% packet loss",
		"nothing sent":                "0 packets transmitted, 0 received",
		"a number that does not fit":  "99999999999999999999 packets transmitted, 4 received",
		"the words in another's text": "see: 4 packets transmitted, 4 received",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := interconnect.ParsePing(output)
			require.Error(t, err)
		})
	}
}

func FuzzParsePing(f *testing.F) {
	f.Add(iputils)
	f.Add(busybox)
	f.Add("4 packets transmitted, 0 received, +4 errors, 100% packet loss, time 3060ms\n")
	f.Add("sh: 1: ping: not found\n")
	f.Fuzz(func(t *testing.T, output string) {
		p, err := interconnect.ParsePing(output)
		if err != nil {
			return
		}
		require.Positive(t, p.Sent)
		require.GreaterOrEqual(t, p.Received, 0)
		require.LessOrEqual(t, p.Received, p.Sent)
		require.True(t, p.LossPct >= 0 && p.LossPct <= 100)
		for _, ms := range []float64{p.MinMs, p.AvgMs, p.MaxMs} {
			require.True(t, ms >= 0 && !math.IsInf(ms, 0) && !math.IsNaN(ms))
			require.True(t, p.Received > 0 || ms == 0)
		}
	})
}
