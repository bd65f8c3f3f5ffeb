// Package kernel builds the local cloud's network from the Linux kernel: a
// network namespace for each vRouter and each running instance, with real
// interfaces, addresses, routing tables and filters, so that Cloud Assistant's
// RunCommand runs the very script that it was sent, and what it prints is what
// happened.
//
//	 namespace of an instance            namespace of a vRouter
//	┌────────────────────────┐  veth  ┌──────────────────────────────┐  wire
//	│ eth0, its address      ├────────┤ port: a rule by the port has │  (tun, tbf,
//	│ docker0, ... if it has │        │ the vSwitch's table decide   ├── the regions'
//	│ its own firewall       │        │ nftables: ACLs, then groups  │  latency) ──► the other vRouter
//	└────────────────────────┘        └──────────────────────────────┘
//
// A vSwitch is no bridge: as in the cloud, whatever leaves an instance goes to
// the vRouter's end of its link, so that groups and ACLs see each packet. The
// links need no ARP: both ends have one hardware address.
//
// Nothing leaves the namespaces, and nothing is in the machine's own. What the
// kernel is to hold is worked out in full from the engine's picture (plan), and
// the difference to what it holds is applied (Network.Apply).
package kernel
