package kernel

import (
	"testing"

	"vpcinterconnect/shared/localcloud/engine"
)

func TestTry(t *testing.T) {
	n := network(t, Options{})
	l := newLab(t, engine.Options{})
	for _, s := range []string{
		"ping -c 4 -i 0.2 -W 2 172.16.1.10", "ping -c 2 -i 0.2 -W 1 192.168.2.10", "ip a; ip r; ip route get 172.16.1.10",
		"time head -c 500000 /dev/zero > /dev/tcp/172.16.1.10/5432; timeout 2 bash -c '</dev/tcp/172.16.1.10/5433'; echo $?; timeout 2 bash -c '</dev/tcp/172.16.1.10/5434'; echo $?",
		"ls -l / /etc /dev /run /proc/sys; ps ax; id; hostname; cat /proc/self/status | grep -i cap; cat /proc/mounts; touch /usr/x; echo b > /proc/sysrq-trigger; sysctl -w kernel.hostname=x; mount -t tmpfs x /mnt; mknod /tmp/x b 8 0; ip link",
	} {
		x := l.run(n, "i-a1", s)
		t.Logf("%s -> %d %s\n%s", s, x.ExitCode, x.Took, x.Output)
	}
}
