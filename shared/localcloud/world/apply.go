package world

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"

	"vpcinterconnect/shared/localcloud/engine"
)

// Options returns o with what the world says about the cloud as a whole: its
// account, quotas and switches.
func (w *World) Options(o engine.Options) engine.Options {
	if w.Account != "" {
		o.AccountID = w.Account
	}
	quotas, switches := reflect.ValueOf(&o.Quotas).Elem(), reflect.ValueOf(&o.Switches).Elem()
	for _, f := range reflect.VisibleFields(quotas.Type()) {
		if n, ok := w.Quotas[small(f.Name)]; ok {
			quotas.FieldByIndex(f.Index).SetInt(int64(n))
		}
	}
	for _, f := range reflect.VisibleFields(switches.Type()) {
		if on, ok := w.Switches[small(f.Name)]; ok {
			switches.FieldByIndex(f.Index).SetBool(on)
		}
	}
	return o
}

// Apply puts everything into an engine that was made with Options, as what has
// been there for long.
func (w *World) Apply(e *engine.Engine) error {
	for _, r := range w.Regions {
		e.AddRegion(engine.Region{ID: r.ID, Zones: r.Zones})
	}
	for _, u := range w.Users {
		e.AddUser(u.Name, u.AccessKeyID, u.AccessKeySecret)
	}
	a := applier{e: e}
	for i := range w.VPCs {
		a.network(&w.VPCs[i])
	}
	for i := range w.RouterInterfaces {
		a.routerInterface(w, &w.RouterInterfaces[i])
	}
	for i := range w.PeerConnections {
		a.peerConnection(&w.PeerConnections[i])
	}
	// Routes, groups and instances may name what another VPC has.
	for i := range w.VPCs {
		a.inside(&w.VPCs[i])
	}
	e.Begin()
	return a.err
}

// applier keeps the first error; what comes after one is not applied.
type applier struct {
	e   *engine.Engine
	err error
}

func (a *applier) do(what string, f func() error) {
	if a.err != nil {
		return
	}
	if err := f(); err != nil {
		a.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (a *applier) network(v *VPC) {
	system := RouteTable{}
	if i := slices.IndexFunc(v.RouteTables, func(t RouteTable) bool { return t.Type == "System" }); i >= 0 {
		system = v.RouteTables[i]
	}
	a.do(v.ID, func() error {
		vpc := engine.VPC{
			ID: v.ID, RegionID: v.Region, Name: v.Name, Description: v.Description, RouterID: v.RouterID,
			Block: block(v.CidrBlock), Secondary: blocks(v.SecondaryBlocks), UserBlocks: blocks(v.UserBlocks),
			Default: v.Default, Tags: tags(v.Tags),
		}
		for _, c := range v.Cens {
			owner := c.Owner
			if owner == "" {
				owner = a.e.AccountID()
			}
			vpc.Cens = append(vpc.Cens, engine.CenAttachment{CenID: c.ID, OwnerID: owner})
		}
		_, table, err := a.e.AddVPC(vpc, system.ID)
		system.ID = table.ID
		return err
	})
	for _, t := range v.RouteTables {
		if t.Type == "System" {
			continue
		}
		a.do(t.ID, func() error {
			_, err := a.e.AddRouteTable(engine.RouteTable{
				ID: t.ID, VpcID: v.ID, Name: t.Name, Description: t.Description, AssociateType: t.AssociateType, Tags: tags(t.Tags),
			})
			return err
		})
	}
	for _, n := range v.NetworkACLs {
		a.do(n.ID, func() error {
			_, err := a.e.AddNetworkACL(engine.NetworkACL{
				ID: n.ID, VpcID: v.ID, Name: n.Name, Ingress: aclEntries(n.Ingress), Egress: aclEntries(n.Egress),
			})
			return err
		})
	}
	for _, s := range v.VSwitches {
		a.do(s.ID, func() error {
			_, err := a.e.AddVSwitch(engine.VSwitch{
				ID: s.ID, VpcID: v.ID, ZoneID: s.Zone, Name: s.Name, Block: block(s.CidrBlock),
				RouteTableID: s.RouteTableID, NetworkACLID: s.NetworkACLID, Tags: tags(s.Tags),
			})
			return err
		})
	}
}

func (a *applier) inside(v *VPC) {
	for _, t := range v.RouteTables {
		for _, r := range t.Routes {
			a.do(t.ID+" "+r.Destination, func() error {
				entry := engine.RouteEntry{
					ID: r.ID, TableID: t.ID, Name: r.Name, Description: r.Description, Destination: block(r.Destination), Status: r.Status,
				}
				for _, h := range r.NextHops {
					entry.NextHops = append(entry.NextHops, engine.NextHop{Type: h.Type, ID: h.ID, Weight: h.Weight})
				}
				_, err := a.e.AddRouteEntry(entry)
				return err
			})
		}
	}
	for _, g := range v.SecurityGroups {
		a.do(g.ID, func() error {
			group := engine.SecurityGroup{
				ID: g.ID, VpcID: v.ID, Name: g.Name, Description: g.Description, Type: g.Type,
				Isolated: g.Isolated, ServiceManaged: g.ServiceManaged, Tags: tags(g.Tags),
			}
			for _, r := range g.Rules {
				group.Rules = append(group.Rules, engine.SecurityRule{
					ID: r.ID, Egress: r.Direction == "egress", Protocol: r.Protocol, Ports: ports(r.PortRange), SourcePorts: ports(r.SourcePorts),
					Drop: r.Policy == "drop", Priority: r.Priority, Peer: block(r.CidrBlock), PeerText: r.CidrBlock, PeerGroupID: r.GroupID,
					Own: block(r.OwnBlock), Description: r.Description,
				})
			}
			_, err := a.e.AddSecurityGroup(group)
			return err
		})
	}
	for _, i := range v.Instances {
		a.do(i.ID, func() error {
			guest := engine.GuestFacts{
				OS: i.Guest.OS, AgentOnline: i.Guest.CloudAssistant == "online" || i.Guest.CloudAssistant == "hangs",
				AgentHangs: i.Guest.CloudAssistant == "hangs", DropICMP: i.Guest.DropICMP, ListenTCP: i.Guest.ListenTCP,
				InterfaceDown: i.Guest.InterfaceDown, MTU: i.Guest.MTU, ReversePath: i.Guest.ReversePath,
			}
			for _, p := range i.Guest.DropTCP {
				guest.DropTCP = append(guest.DropTCP, ports(p))
			}
			for _, r := range i.Guest.Routes {
				guest.Routes = append(guest.Routes, engine.GuestRoute{Destination: block(r.Destination), Device: r.Device})
			}
			address, _ := netip.ParseAddr(i.PrivateIP) // checked; absent: invalid, which draws one
			_, err := a.e.AddInstance(engine.Instance{
				ID: i.ID, VSwitchID: i.VSwitchID, Name: i.Name, PrivateIP: address, SecurityGroupIDs: i.SecurityGroups,
				Status: i.Status, Tags: tags(i.Tags), Guest: guest,
			})
			return err
		})
	}
}

func (a *applier) routerInterface(w *World, r *RouterInterface) {
	a.do(r.ID, func() error {
		ri := engine.RouterInterface{
			ID: r.ID, VpcID: r.VpcID, Name: r.Name, Description: r.Description, Role: r.Role, Spec: r.Spec,
			Status: r.Status, BusinessStatus: r.BusinessStatus, Tags: tags(r.Tags),
		}
		if o := r.Opposite; o != nil {
			ri.OppositeID, ri.OppositeRegionID, ri.OppositeRouterID, ri.OppositeOwnerID = o.ID, o.Region, o.RouterID, o.Owner
			a.fillOpposite(w, &ri)
		}
		_, err := a.e.AddRouterInterface(ri)
		return err
	})
}

func (a *applier) peerConnection(p *PeerConnection) {
	a.do(p.ID, func() error {
		_, err := a.e.AddPeerConnection(engine.PeerConnection{
			ID: p.ID, VpcID: p.VpcID, AcceptingVpcID: p.AcceptingVpcID, Name: p.Name, Description: p.Description,
			Bandwidth: p.Bandwidth, LinkType: p.LinkType, Status: p.Status, BusinessStatus: p.BusinessStatus, Tags: tags(p.Tags),
		})
		return err
	})
}

// fillOpposite takes what the world file leaves out from the interface named.
func (a *applier) fillOpposite(w *World, ri *engine.RouterInterface) {
	i := slices.IndexFunc(w.RouterInterfaces, func(o RouterInterface) bool { return o.ID == ri.OppositeID })
	if i < 0 {
		return
	}
	for _, v := range a.e.VPCSnapshot().VPCs {
		if v.ID != w.RouterInterfaces[i].VpcID {
			continue
		}
		if ri.OppositeRegionID == "" {
			ri.OppositeRegionID = v.RegionID
		}
		if ri.OppositeRouterID == "" {
			ri.OppositeRouterID = v.RouterID
		}
	}
}

// The texts below were checked when the world was loaded; "" is the zero value.

func block(s string) netip.Prefix {
	p, _ := netip.ParsePrefix(s)
	return p
}

func blocks(all []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range all {
		out = append(out, block(s))
	}
	return out
}

func ports(s string) engine.PortRange {
	if s == "" {
		return engine.AnyPort
	}
	p, _ := engine.ParsePortRange(s)
	return p
}

func tags(m map[string]string) []engine.Tag {
	var out []engine.Tag
	for _, k := range sorted(m) {
		out = append(out, engine.Tag{Key: k, Value: m[k]})
	}
	return out
}

func aclEntries(list []ACLEntry) []engine.ACLEntry {
	var out []engine.ACLEntry
	for _, e := range list {
		port := e.Port
		if port == "" {
			port = "-1/-1"
		}
		out = append(out, engine.ACLEntry{Name: e.Name, Policy: e.Policy, Protocol: e.Protocol, Port: port, Peer: block(e.Peer), EntryType: "custom"})
	}
	return out
}
