package reachability

import (
	"fmt"
	"net/netip"
	"strings"

	"vpcinterconnect/shared/interconnect"
)

// look returns where an instance, one end of a probe, sends what is for the
// other end, if that was looked at.
func (j *judge) look(id string, b *Probe) (GuestRoute, bool) {
	to := b.Address
	if id != b.Sender {
		i, _ := j.instance(b.Sender)
		if i == nil {
			return GuestRoute{}, false
		}
		to = i.PrivateIP
	}
	for _, l := range j.looks {
		if l.Instance == id && l.Address.Unmap() == to.Unmap() {
			return l.Route, true
		}
	}
	return GuestRoute{}, false
}

func (j *judge) instance(id string) (*interconnect.Instance, *Side) {
	for _, role := range interconnect.Roles {
		s := j.picture.Side(role)
		for n := range s.Instances {
			if s.Instances[n].ID == id {
				return &s.Instances[n], s
			}
		}
	}
	return nil, nil
}

// seen lists what looks into the two guests show that keeps a probe, or its
// answer, from leaving.
func (j *judge) seen(b *Probe) []Hop {
	var out []Hop
	for _, e := range []struct {
		id   string
		role interconnect.Role
		way  Way
		to   netip.Addr
	}{
		{b.Sender, b.From, Out, b.Address},
		{b.Target, b.From.Other(), Back, j.addressOf(b.Sender)},
	} {
		r, looked := j.look(e.id, b)
		i, side := j.instance(e.id)
		if !looked || i == nil {
			continue
		}
		if sentence, mend := astray(r, i, side, e.to); sentence != "" {
			out = append(out, Hop{Layer: LayerGuest, Side: e.role, Way: e.way, State: Blocks, Resource: e.id, Sentence: sentence, Mend: mend})
		}
	}
	return out
}

func (j *judge) addressOf(id string) netip.Addr {
	if i, _ := j.instance(id); i != nil {
		return i.PrivateIP
	}
	return netip.Addr{}
}

// bridges are the beginnings of the names of devices that containers and
// virtual machines make, and who makes them.
var bridges = []struct{ prefix, maker string }{
	{"docker", "Docker"}, {"br-", "Docker"}, {"cni", "Kubernetes"}, {"flannel", "Kubernetes"}, {"cali", "Kubernetes"},
	{"kube", "Kubernetes"}, {"podman", "Podman"}, {"virbr", "libvirt"}, {"lxc", "LXC"}, {"tun", "a VPN"}, {"tap", "a VPN"}, {"wg", "WireGuard"},
}

// astray says why what a guest has for an address of the other side never gets
// to the VPC, and what mends it; "" if it does. It gets there by a gateway, from
// the instance's own address.
func astray(r GuestRoute, i *interconnect.Instance, side *Side, to netip.Addr) (sentence, mend string) {
	v := side.vSwitch(i.VSwitchID)
	neighbour := v != nil && v.CidrBlock.Contains(to)
	switch {
	case r.Kind == "local":
		return fmt.Sprintf("Instance %s has the address %s itself, on %s, and sends what is for it nowhere.", i.ID, to, r.Device),
			fmt.Sprintf("Take the address %s from %s inside instance %s.", to, r.Device, i.ID)
	case r.Kind != "":
		return fmt.Sprintf("Instance %s has no usable route to %s (%s).", i.ID, to, r.Kind),
			fmt.Sprintf("Remove the route to %s inside instance %s that refuses it, or give the instance its default route back, by the vSwitch's gateway.", to, i.ID)
	case r.Via.IsValid() && (!r.Source.IsValid() || r.Source.Unmap() == i.PrivateIP.Unmap()):
		return "", ""
	case !r.Via.IsValid() && neighbour && (!r.Source.IsValid() || r.Source.Unmap() == i.PrivateIP.Unmap()):
		return "", ""
	}
	made := ""
	for _, b := range bridges {
		if strings.HasPrefix(r.Device, b.prefix) {
			made = ", which " + b.maker + " has made"
			break
		}
	}
	sentence = fmt.Sprintf("Instance %s sends what is for %s to its own device %s%s, so that it never gets to the VPC.", i.ID, to, r.Device, made)
	mend = fmt.Sprintf("Give %s inside instance %s a block that does not hold %s, or remove the route that leads there.", r.Device, i.ID, to)
	if strings.Contains(made, "Docker") {
		mend = fmt.Sprintf("Give %s inside instance %s a block that does not hold %s: bip and default-address-pools in /etc/docker/daemon.json.", r.Device, i.ID, to)
	}
	return sentence, mend
}
