package world

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"vpcinterconnect/shared/localcloud/engine"
)

// Export writes down what exists in an engine now, sorted by id, so that two
// exports of equal clouds are equal. Times, accounts' keys, quotas and switches
// are left out.
func Export(e *engine.Engine) *World {
	t := e.Topology()
	w := &World{Account: e.AccountID()}
	for _, r := range t.Regions {
		w.Regions = append(w.Regions, Region{ID: r.ID, Zones: slices.Sorted(slices.Values(r.Zones))})
	}
	for _, v := range t.VPCs {
		w.VPCs = append(w.VPCs, exportVPC(t, v, e.AccountID()))
	}
	for _, r := range t.RouterInterfaces {
		ri := RouterInterface{
			ID: r.ID, VpcID: r.VpcID, Name: r.Name, Description: r.Description, Role: r.Role, Spec: r.Spec,
			Status: r.Status, BusinessStatus: r.BusinessStatus, Tags: tagMap(r.Tags),
		}
		o := Opposite{ID: r.OppositeID, Region: r.OppositeRegionID, RouterID: r.OppositeRouterID, Owner: r.OppositeOwnerID}
		if o != (Opposite{}) {
			ri.Opposite = &o
		}
		w.RouterInterfaces = append(w.RouterInterfaces, ri)
	}
	for _, p := range t.PeerConnections {
		w.PeerConnections = append(w.PeerConnections, PeerConnection{
			ID: p.ID, VpcID: p.VpcID, AcceptingVpcID: p.AcceptingVpcID, Name: p.Name, Description: p.Description,
			Bandwidth: p.Bandwidth, LinkType: p.LinkType, Status: p.Status, BusinessStatus: p.BusinessStatus, Tags: tagMap(p.Tags),
		})
	}
	byID(w.Regions, func(r Region) string { return r.ID })
	byID(w.VPCs, func(v VPC) string { return v.ID })
	byID(w.RouterInterfaces, func(r RouterInterface) string { return r.ID })
	byID(w.PeerConnections, func(p PeerConnection) string { return p.ID })
	return w
}

func exportVPC(t *engine.Topology, v engine.VPC, account string) VPC {
	out := VPC{
		ID: v.ID, Region: v.RegionID, Name: v.Name, Description: v.Description, RouterID: v.RouterID, CidrBlock: v.Block.String(),
		SecondaryBlocks: texts(v.Secondary), UserBlocks: texts(v.UserBlocks), Default: v.Default, Tags: tagMap(v.Tags),
	}
	for _, c := range v.Cens {
		owner := c.OwnerID
		if owner == account {
			owner = ""
		}
		out.Cens = append(out.Cens, Cen{ID: c.CenID, Owner: owner})
	}
	for _, rt := range t.RouteTables {
		if rt.VpcID == v.ID {
			out.RouteTables = append(out.RouteTables, exportTable(t, rt))
		}
	}
	for _, a := range t.NetworkACLs {
		if a.VpcID == v.ID {
			out.NetworkACLs = append(out.NetworkACLs, NetworkACL{ID: a.ID, Name: a.Name, Ingress: exportEntries(a.Ingress), Egress: exportEntries(a.Egress)})
		}
	}
	for _, s := range t.VSwitches {
		if s.VpcID == v.ID {
			out.VSwitches = append(out.VSwitches, VSwitch{
				ID: s.ID, Name: s.Name, Zone: s.ZoneID, CidrBlock: s.Block.String(), RouteTableID: s.RouteTableID,
				NetworkACLID: s.NetworkACLID, Tags: tagMap(s.Tags),
			})
		}
	}
	for _, g := range t.SecurityGroups {
		if g.VpcID == v.ID {
			out.SecurityGroups = append(out.SecurityGroups, exportGroup(g))
		}
	}
	for _, i := range t.Instances {
		if i.VpcID == v.ID {
			out.Instances = append(out.Instances, exportInstance(i))
		}
	}
	byID(out.Cens, func(c Cen) string { return c.ID })
	byID(out.RouteTables, func(r RouteTable) string { return r.ID })
	byID(out.NetworkACLs, func(n NetworkACL) string { return n.ID })
	byID(out.VSwitches, func(s VSwitch) string { return s.ID })
	byID(out.SecurityGroups, func(g SecurityGroup) string { return g.ID })
	byID(out.Instances, func(i Instance) string { return i.ID })
	return out
}

func exportTable(t *engine.Topology, rt engine.RouteTable) RouteTable {
	out := RouteTable{ID: rt.ID, Type: rt.Type, Name: rt.Name, Description: rt.Description, Tags: tagMap(rt.Tags)}
	if rt.AssociateType != "VSwitch" {
		out.AssociateType = rt.AssociateType
	}
	for _, r := range t.RouteEntries {
		if r.TableID != rt.ID || r.Type != "Custom" {
			continue
		}
		entry := Route{ID: r.ID, Name: r.Name, Description: r.Description, Destination: r.Destination.String(), Status: r.Status}
		for _, h := range r.NextHops {
			entry.NextHops = append(entry.NextHops, NextHop{Type: h.Type, ID: h.ID, Weight: h.Weight})
		}
		out.Routes = append(out.Routes, entry)
	}
	byID(out.Routes, func(r Route) string { return r.Destination + " " + r.ID })
	return out
}

func exportGroup(g engine.SecurityGroup) SecurityGroup {
	out := SecurityGroup{
		ID: g.ID, Name: g.Name, Description: g.Description, Type: g.Type, Isolated: g.Isolated, ServiceManaged: g.ServiceManaged, Tags: tagMap(g.Tags),
	}
	for _, r := range g.Rules {
		rule := Rule{
			ID: r.ID, Direction: "ingress", Protocol: r.Protocol, PortRange: r.Ports.String(), Policy: "accept", Priority: r.Priority,
			CidrBlock: text(r.Peer), GroupID: r.PeerGroupID, OwnBlock: text(r.Own), Description: r.Description,
		}
		if r.Egress {
			rule.Direction = "egress"
		}
		if r.Drop {
			rule.Policy = "drop"
		}
		if r.SourcePorts != engine.AnyPort {
			rule.SourcePorts = r.SourcePorts.String()
		}
		out.Rules = append(out.Rules, rule)
	}
	byID(out.Rules, func(r Rule) string { return r.Direction + r.Protocol + r.PortRange + r.CidrBlock + r.GroupID + r.ID })
	return out
}

func exportInstance(i engine.Instance) Instance {
	out := Instance{
		ID: i.ID, Name: i.Name, VSwitchID: i.VSwitchID, PrivateIP: i.PrivateIP.String(), SecurityGroups: slices.Clone(i.SecurityGroupIDs),
		Status: i.Status, Tags: tagMap(i.Tags),
		Guest: Guest{OS: i.Guest.OS, CloudAssistant: "offline", DropICMP: i.Guest.DropICMP, ListenTCP: i.Guest.ListenTCP,
			InterfaceDown: i.Guest.InterfaceDown, MTU: i.Guest.MTU, ReversePath: i.Guest.ReversePath},
	}
	switch {
	case i.Guest.AgentHangs:
		out.Guest.CloudAssistant = "hangs"
	case i.Guest.AgentOnline:
		out.Guest.CloudAssistant = "online"
	}
	for _, p := range i.Guest.DropTCP {
		out.Guest.DropTCP = append(out.Guest.DropTCP, p.String())
	}
	for _, r := range i.Guest.Routes {
		out.Guest.Routes = append(out.Guest.Routes, GuestRoute{Destination: r.Destination.String(), Device: r.Device})
	}
	return out
}

func exportEntries(list []engine.ACLEntry) []ACLEntry {
	var out []ACLEntry
	for _, e := range list {
		if e.EntryType == "system" {
			continue
		}
		out = append(out, ACLEntry{Name: e.Name, Policy: e.Policy, Protocol: e.Protocol, Port: e.Port, Peer: e.Peer.String()})
	}
	return out
}

func tagMap(list []engine.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, t := range list {
		out[t.Key] = t.Value
	}
	return out
}

func texts(all []netip.Prefix) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.String())
	}
	return out
}

func text(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func byID[T any](list []T, id func(T) string) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
