package engine

import (
	"fmt"
	"slices"
)

// Topology is all that decides about packets, at one moment. It shares its
// slices with the engine: read only.
type Topology struct {
	VPCSnapshot
	ECSSnapshot
	PeerSnapshot
}

// ECSSnapshot is what ECS holds at one moment, oldest first.
type ECSSnapshot struct {
	SecurityGroups []SecurityGroup
	Instances      []Instance
}

// Topology returns the present.
func (e *Engine) Topology() *Topology {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance()
	return e.topology()
}

// topology is Topology for those who hold the lock.
func (e *Engine) topology() *Topology {
	return &Topology{e.vpcSnapshot(), e.ecsSnapshot(), e.peerSnapshot()}
}

func (e *Engine) ecsSnapshot() ECSSnapshot {
	return ECSSnapshot{
		SecurityGroups: e.groups.list(latest, nil),
		Instances:      e.instances.list(latest, nil),
	}
}

// AddSecurityGroup adds a group with its rules, as the other Add methods do: at
// once, valid by the API's rules or not. Rules get an id, priority 1 and the
// present as their time unless given.
func (e *Engine) AddSecurityGroup(g SecurityGroup) (SecurityGroup, error) {
	err := e.build(func() error {
		v, ok := e.vpcs.get(latest, g.VpcID)
		if !ok {
			return fmt.Errorf("no VPC %q", g.VpcID)
		}
		e.fill(&g.ID, "sg")
		if _, there := e.groups.get(latest, g.ID); there {
			return fmt.Errorf("%s is there already", g.ID)
		}
		g.RegionID, g.Created = v.RegionID, e.orNow(g.Created)
		g.Type = orDefault(g.Type, GroupNormal)
		g.ResourceGroupID = orDefault(g.ResourceGroupID, e.defaultResourceGroup())
		g.Rules = slices.Clone(g.Rules)
		for n := range g.Rules {
			r := &g.Rules[n]
			if r.Peer.IsValid() == (r.PeerGroupID != "") {
				return fmt.Errorf("rule %d of %s must name a block or a group, and not both", n+1, g.ID)
			}
			e.fill(&r.ID, "sgr")
			r.Created, r.Priority = e.orNow(r.Created), orInt(r.Priority, 1)
			if r.Ports == (PortRange{}) {
				r.Ports = AnyPort
			}
			if r.SourcePorts == (PortRange{}) {
				r.SourcePorts = AnyPort
			}
		}
		e.groups.put(e.now, g.ID, g)
		return nil
	})
	return g, err
}

// AddInstance adds an instance, Running unless told otherwise, with a free
// address of its vSwitch unless given.
func (e *Engine) AddInstance(i Instance) (Instance, error) {
	err := e.build(func() error {
		s, ok := e.vSwitches.get(latest, i.VSwitchID)
		if !ok {
			return fmt.Errorf("no vSwitch %q", i.VSwitchID)
		}
		e.fill(&i.ID, "i")
		if _, there := e.instances.get(latest, i.ID); there {
			return fmt.Errorf("%s is there already", i.ID)
		}
		if len(i.SecurityGroupIDs) == 0 {
			return fmt.Errorf("%s must be in a security group", i.ID)
		}
		if err := e.checkGroups(s.VpcID, i.SecurityGroupIDs); err != nil {
			return err
		}
		asked := ""
		if i.PrivateIP.IsValid() {
			asked = i.PrivateIP.String()
		}
		addresses, refused := e.chooseAddresses(s, asked, 1, 1)
		if refused != nil {
			return refused
		}
		e.fill(&i.InterfaceID, "eni")
		i.RegionID, i.ZoneID, i.VpcID, i.PrivateIP = s.RegionID, s.ZoneID, s.VpcID, addresses[0]
		i.Status, i.Created = orDefault(i.Status, InstanceRunning), e.orNow(i.Created)
		if i.Status == InstanceRunning {
			i.Started = e.orNow(i.Started)
		}
		i.ImageID = orDefault(i.ImageID, "aliyun_3_x64_20G_alibase_20250117.vhd")
		i.InstanceType = orDefault(i.InstanceType, "ecs.g7.large")
		i.ResourceGroupID = orDefault(i.ResourceGroupID, e.defaultResourceGroup())
		i.Guest.OS = orDefault(i.Guest.OS, "linux")
		i.nameDefaults()
		e.instances.put(e.now, i.ID, i)
		return nil
	})
	return i, err
}

// SetGuest changes what is true inside an instance.
func (e *Engine) SetGuest(instanceID string, f func(*GuestFacts)) error {
	return e.build(func() error {
		i, ok := e.instances.get(latest, instanceID)
		if !ok {
			return fmt.Errorf("no instance %q", instanceID)
		}
		f(&i.Guest)
		e.instances.put(e.now, instanceID, i)
		return nil
	})
}

// EditGroup changes a group behind the API's back, as a person at the console
// does to a world under test. The slices of the group may not be written to.
func (e *Engine) EditGroup(groupID string, f func(*SecurityGroup)) error {
	return e.build(func() error {
		if _, ok := e.groups.get(latest, groupID); !ok {
			return fmt.Errorf("no security group %q", groupID)
		}
		e.groups.update(e.now, groupID, f)
		return nil
	})
}
