package engine_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// peerPair is the tutorial's two VPCs, and two more in the first one's region.
type peerPair struct{ *pair }

func newPeerPair(t *testing.T, change ...func(*engine.Options)) *peerPair {
	p := &peerPair{newPair(t, change...)}
	for _, n := range []string{"c", "d"} {
		_, _, err := p.AddVPC(engine.VPC{ID: "vpc-" + n, RegionID: qingdao, Block: netip.MustParsePrefix("10." + strconv.Itoa(int(n[0])) + ".0.0/16")}, "vtb-"+n)
		require.NoError(t, err)
	}
	return p
}

// peer calls the peering service.
func (p *peerPair) peer(region, action string, parameters ...string) engine.Result {
	all := map[string]string{"RegionId": region}
	for i := 0; i < len(parameters); i += 2 {
		all[parameters[i]] = parameters[i+1]
	}
	return p.Call(engine.Call{Product: "VpcPeer", Version: "2022-01-01", Action: action, Parameters: all})
}

func (p *peerPair) did(region, action string, parameters ...string) tree {
	p.t.Helper()
	return answered(p.t, p.peer(region, action, parameters...))
}

func (p *peerPair) denied(code, region, action string, parameters ...string) {
	p.t.Helper()
	r := p.peer(region, action, parameters...)
	require.NotNil(p.t, r.Err, "%s succeeds, wanted %s", action, code)
	require.Equal(p.t, code, r.Err.Code, r.Err.Message)
	require.Equal(p.t, 400, r.Err.Status)
}

// answered is the JSON of a call that is to have succeeded.
func answered(t *testing.T, r engine.Result) tree {
	t.Helper()
	if r.Err != nil {
		require.NoError(t, r.Err)
	}
	text, err := json.Marshal(r.Response)
	require.NoError(t, err)
	require.NotContains(t, string(text), "null", "null is answered somewhere")
	var m tree
	require.NoError(t, json.Unmarshal(text, &m.v))
	return m
}

// turn sets a switch by its name.
func turn(t *testing.T, s *engine.Switches, name string, on bool) {
	t.Helper()
	f := reflect.ValueOf(s).Elem().FieldByName(name)
	require.True(t, f.IsValid(), name)
	f.SetBool(on)
}

// between are the parameters of a connection of two VPCs.
func (p *peerPair) between(here, there string, more ...string) []string {
	region := qingdao
	if there == "vpc-b" {
		region = beijing
	}
	return append([]string{"VpcId", here, "AcceptingVpcId", there, "AcceptingRegionId", region, "AcceptingAliUid", p.AccountID()}, more...)
}

// joined is an Activated connection of the tutorial's VPCs.
func (p *peerPair) joined() string {
	p.t.Helper()
	id := p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-a", "vpc-b", "Name", "interconnect.vi.a")...).at("InstanceId")
	p.pass(2 * transition)
	return id
}

func (p *peerPair) peerStatus(id string) string {
	p.t.Helper()
	return p.did(qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", id).at("Status")
}

func TestPeeringLifecycle(t *testing.T) {
	t.Parallel()
	t.Run("made, changed and deleted", func(t *testing.T) {
		t.Parallel()
		p := newPeerPair(t)
		id := p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-a", "vpc-b", "Name", "one", "Tag.1.Key", "k", "Tag.1.Value", "v")...).at("InstanceId")
		require.Equal(t, "Creating", p.peerStatus(id))
		p.pass(2 * transition)
		got := p.did(beijing, "GetVpcPeerConnectionAttribute", "InstanceId", id)
		require.Equal(t, []any{"Activated", "Normal", qingdao, beijing, "vpc-a", "vpc-b", "192.168.0.0/16", "v", ""}, []any{
			got.at("Status"), got.at("BizStatus"), got.at("RegionId"), got.at("AcceptingRegionId"), got.at("Vpc.VpcId"), got.at("AcceptingVpc.VpcId"),
			got.at("Vpc.Ipv4Cidrs.0"), got.at("Tags.0.Value"), got.at("GmtExpired"),
		})
		p.did(qingdao, "ModifyVpcPeerConnection", "InstanceId", id, "Name", "other", "Bandwidth", "100")
		require.Equal(t, "Updating", p.peerStatus(id))
		p.denied("IncorrectStatus.VpcPeer", qingdao, "ModifyVpcPeerConnection", "InstanceId", id, "Name", "third")
		p.pass(transition)
		got = p.did(qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", id)
		require.Equal(t, []any{"Activated", "other", 100.0, "Gold"}, []any{got.at("Status"), got.at("Name"), got.get("Bandwidth"), got.at("LinkType")})

		p.did(qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
		require.Equal(t, "Deleting", p.peerStatus(id))
		p.denied("IncorrectStatus.VpcPeer", qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
		p.pass(transition)
		p.denied("ResourceNotFound.InstanceId", qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", id)
		p.denied("ResourceNotFound.InstanceId", qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
	})
	t.Run("a dry run makes nothing", func(t *testing.T) {
		t.Parallel()
		p := newPeerPair(t)
		p.denied("DryRunOperation", qingdao, "CreateVpcPeerConnection", p.between("vpc-a", "vpc-b", "DryRun", "true")...)
		require.Empty(t, p.PeerSnapshot().PeerConnections)
		id := p.joined()
		p.denied("DryRunOperation", qingdao, "DeleteVpcPeerConnection", "InstanceId", id, "DryRun", "true")
		p.denied("DryRunOperation", qingdao, "ModifyVpcPeerConnection", "InstanceId", id, "DryRun", "true")
		require.Equal(t, "Activated", p.peerStatus(id))
	})
	t.Run("a token names the connection", func(t *testing.T) {
		t.Parallel()
		p := newPeerPair(t)
		ask := p.between("vpc-a", "vpc-b", "ClientToken", "t")
		require.Equal(t, p.did(qingdao, "CreateVpcPeerConnection", ask...).at("InstanceId"), p.did(qingdao, "CreateVpcPeerConnection", ask...).at("InstanceId"))
		p.denied("IdempotentParameterMismatch", qingdao, "CreateVpcPeerConnection", append(ask, "Name", "else")...)
	})
}

func TestAnAcceptingPeeringIsAcceptedOrExpires(t *testing.T) {
	t.Parallel()
	p := newPeerPair(t)
	c, err := p.AddPeerConnection(engine.PeerConnection{VpcID: "vpc-b", AcceptingVpcID: "vpc-a", Status: "Accepting"})
	require.NoError(t, err)
	d, err := p.AddPeerConnection(engine.PeerConnection{VpcID: "vpc-c", AcceptingVpcID: "vpc-d", Status: "Accepting"})
	require.NoError(t, err)
	require.NotEmpty(t, p.did(qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", c.ID).at("GmtExpired"))
	p.did(qingdao, "AcceptVpcPeerConnection", "InstanceId", c.ID)
	require.Equal(t, "Updating", p.peerStatus(c.ID))
	p.pass(transition)
	require.Equal(t, "Activated", p.peerStatus(c.ID))
	p.denied("IncorrectStatus.VpcPeer", qingdao, "AcceptVpcPeerConnection", "InstanceId", c.ID)
	p.pass(8 * 24 * time.Hour)
	require.Equal(t, "Activated", p.peerStatus(c.ID))
	require.Equal(t, "Expired", p.peerStatus(d.ID))
	p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-c", "vpc-d")...)
}

func TestPeeringBandwidthAndLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there, bandwidth, link string
		code                   string
		wantBandwidth          float64
		wantLink               string
	}{
		"across regions, by default":          {"vpc-b", "", "", "", 1024, "Gold"},
		"across regions, as asked":            {"vpc-b", "5", "Platinum", "", 5, "Platinum"},
		"across regions, too much":            {"vpc-b", "1025", "", "QuotaExceeded.Bandwidth", 0, ""},
		"across regions, nothing":             {"vpc-b", "0", "", "IllegalParam.Bandwidth", 0, ""},
		"across regions, an unknown link":     {"vpc-b", "", "Silver", "IllegalParam.LinkType", 0, ""},
		"within a region, by default":         {"vpc-c", "", "", "", -1, ""},
		"within a region with a bandwidth":    {"vpc-c", "5", "", "IllegalParam.Bandwidth", 0, ""},
		"within a region with a type of link": {"vpc-c", "", "Gold", "IllegalParam.LinkType", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeerPair(t)
			ask := p.between("vpc-a", c.there)
			if c.bandwidth != "" {
				ask = append(ask, "Bandwidth", c.bandwidth)
			}
			if c.link != "" {
				ask = append(ask, "LinkType", c.link)
			}
			if c.code != "" {
				p.denied(c.code, qingdao, "CreateVpcPeerConnection", ask...)
				return
			}
			id := p.did(qingdao, "CreateVpcPeerConnection", ask...).at("InstanceId")
			got := p.did(qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", id)
			require.Equal(t, c.wantBandwidth, got.get("Bandwidth"))
			require.Equal(t, c.wantLink, got.at("LinkType"))
			if p.pass(2 * transition); c.there == "vpc-c" {
				p.denied("OperationFailed.BandwidthCannotBeChangedInSameRegion", qingdao, "ModifyVpcPeerConnection", "InstanceId", id, "Bandwidth", "5")
			}
		})
	}
}

func TestPeeringsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		world func(p *peerPair)
		ask   func(p *peerPair) []string
		code  string
	}{
		"a VPC that is not there":   {nil, func(p *peerPair) []string { return p.between("vpc-x", "vpc-b") }, "ResourceNotFound.VpcId"},
		"another that is not there": {nil, func(p *peerPair) []string { return p.between("vpc-a", "vpc-x") }, "ResourceNotFound.AcceptingVpcId"},
		"a VPC with itself":         {nil, func(p *peerPair) []string { return p.between("vpc-a", "vpc-a") }, "IllegalParam.AcceptingVpcId"},
		"a name that starts badly":  {nil, func(p *peerPair) []string { return p.between("vpc-a", "vpc-b", "Name", "1-2") }, "IllegalParam.Name"},
		"a description that does":   {nil, func(p *peerPair) []string { return p.between("vpc-a", "vpc-b", "Description", "http://x") }, "IllegalParam.Description"},
		"an unknown parameter":      {nil, func(p *peerPair) []string { return p.between("vpc-a", "vpc-b", "Colour", "red") }, "UnsupportedParameter"},
		"no accepting account":      {nil, func(p *peerPair) []string { return []string{"VpcId", "vpc-a"} }, "MissingParameter"},
		"a VPC of another account":  {nil, func(p *peerPair) []string { return append(p.between("vpc-a", "vpc-b")[:7], "7") }, "UnsupportedParameter"},
		"a second connection of the same two VPCs, either way round": {
			func(p *peerPair) {
				_, _ = p.AddPeerConnection(engine.PeerConnection{VpcID: "vpc-b", AcceptingVpcID: "vpc-a"})
			},
			func(p *peerPair) []string { return p.between("vpc-a", "vpc-b") }, "ResourceAlreadyExist.VpcPeer",
		},
		"a second connection of a VPC while the first is being made": {
			func(p *peerPair) { p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-a", "vpc-c")...) },
			func(p *peerPair) []string { return p.between("vpc-a", "vpc-b") }, "Conflict.Operation",
		},
		"one while another of the account is locked for money": {
			func(p *peerPair) {
				_, _ = p.AddPeerConnection(engine.PeerConnection{VpcID: "vpc-c", AcceptingVpcID: "vpc-d", BusinessStatus: "FinancialLocked"})
			},
			func(p *peerPair) []string { return p.between("vpc-a", "vpc-b") }, "IncorrectBusinessStatus.VpcPeer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeerPair(t)
			if c.world != nil {
				c.world(p)
			}
			p.denied(c.code, qingdao, "CreateVpcPeerConnection", c.ask(p)...)
		})
	}
}

func TestPeeringQuotas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		have  func(n int) engine.PeerConnection
		most  int
		there string
		code  string
	}{
		"within the region": {func(n int) engine.PeerConnection {
			return engine.PeerConnection{VpcID: fmt.Sprintf("vpc-q%d", n), AcceptingVpcID: "vpc-a"}
		}, 10, "vpc-c", "QuotaExceeded.IntraRegionVpcPeerCountPerVpc"},
		"across regions": {func(n int) engine.PeerConnection {
			return engine.PeerConnection{VpcID: fmt.Sprintf("vpc-r%d", n), AcceptingVpcID: "vpc-a"}
		}, 20, "vpc-b", "QuotaExceeded.CrossRegionVpcPeerCountPerVpc"},
		"of the account": {func(n int) engine.PeerConnection {
			return engine.PeerConnection{VpcID: fmt.Sprintf("vpc-q%d", n), AcceptingVpcID: fmt.Sprintf("vpc-r%d", n)}
		}, 20, "vpc-b", "QuotaExceeded.VpcPeerCountPerUserPerRegion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeerPair(t)
			for n := range c.most {
				if n == c.most-1 {
					p.denied("DryRunOperation", qingdao, "CreateVpcPeerConnection", p.between("vpc-a", c.there, "DryRun", "true")...)
				}
				for letter, region := range map[string]string{"q": qingdao, "r": beijing} {
					_, _, err := p.AddVPC(engine.VPC{ID: fmt.Sprintf("vpc-%s%d", letter, n), RegionID: region, Block: netip.MustParsePrefix("10.0.0.0/16")}, "")
					require.NoError(t, err)
				}
				_, err := p.AddPeerConnection(c.have(n))
				require.NoError(t, err)
			}
			p.denied(c.code, qingdao, "CreateVpcPeerConnection", p.between("vpc-a", c.there)...)
		})
	}
}

func TestPeeringLists(t *testing.T) {
	t.Parallel()
	p := newPeerPair(t)
	one := p.joined()
	two := p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-c", "vpc-a", "Name", "second", "Tag.1.Key", "k", "Tag.1.Value", "v")...).at("InstanceId")
	for name, c := range map[string]struct {
		region string
		filter []string
		want   []string
	}{
		"all of a region":             {qingdao, nil, []string{one, two}},
		"of the accepting region":     {beijing, nil, []string{one}},
		"of one VPC":                  {qingdao, []string{"VpcId.1", "vpc-a"}, []string{one, two}},
		"of one VPC that accepts":     {qingdao, []string{"VpcId.1", "vpc-b"}, []string{one}},
		"of both VPCs, in any order":  {qingdao, []string{"VpcId.1", "vpc-b", "VpcId.2", "vpc-a"}, []string{one}},
		"of two that are not joined":  {qingdao, []string{"VpcId.1", "vpc-b", "VpcId.2", "vpc-c"}, nil},
		"by name":                     {qingdao, []string{"Name", "second"}, []string{two}},
		"by id":                       {qingdao, []string{"InstanceId", one}, []string{one}},
		"by tag":                      {qingdao, []string{"Tags.1.Key", "k", "Tags.1.Value", "v"}, []string{two}},
		"by a tag of another value":   {qingdao, []string{"Tags.1.Key", "k", "Tags.1.Value", "w"}, nil},
		"by a resource group of none": {qingdao, []string{"ResourceGroupId", "rg-x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.did(c.region, "ListVpcPeerConnections", c.filter...)
			var ids []string
			for n := range got.size("VpcPeerConnects") {
				ids = append(ids, got.at(fmt.Sprintf("VpcPeerConnects.%d.InstanceId", n)))
			}
			require.Equal(t, c.want, ids)
			require.Equal(t, float64(len(c.want)), got.get("TotalCount"))
		})
	}
	first := p.did(qingdao, "ListVpcPeerConnections", "MaxResults", "1")
	require.Equal(t, one, first.at("VpcPeerConnects.0.InstanceId"))
	next := p.did(qingdao, "ListVpcPeerConnections", "MaxResults", "1", "NextToken", first.at("NextToken"))
	require.Equal(t, two, next.at("VpcPeerConnects.0.InstanceId"))
	require.Empty(t, next.at("NextToken"))
}

func TestPeeringTags(t *testing.T) {
	t.Parallel()
	p := newPeerPair(t)
	id := p.joined()
	on := []string{"ResourceType", "PeerConnection", "ResourceId.1", id}
	p.did(qingdao, "TagResources", append(on, "Tag.1.Key", "a", "Tag.1.Value", "1", "Tag.2.Key", "b", "Tag.2.Value", "2")...)
	p.did(qingdao, "TagResources", append(on, "Tag.1.Key", "a", "Tag.1.Value", "3")...)
	got := p.did(qingdao, "ListTagResources", append(on, "MaxResults", "1")...)
	require.Equal(t, []any{id, qingdao, "b"}, []any{got.at("TagResources.0.ResourceId"), got.at("TagResources.0.RegionNo"), got.at("TagResources.0.TagKey")})
	require.NotEmpty(t, got.at("NextToken"))
	p.did(qingdao, "UnTagResources", append(on, "TagKey.1", "b")...)
	got = p.did(qingdao, "ListTagResources", "ResourceType", "PeerConnection", "Tag.1.Key", "a")
	require.Equal(t, []any{1, "3"}, []any{got.size("TagResources"), got.at("TagResources.0.TagValue")})
	p.did(qingdao, "UnTagResources", append(on, "All", "true")...)
	require.Zero(t, p.did(qingdao, "ListTagResources", on...).size("TagResources"))
	p.denied("BothEmpty.TagsAndResources", qingdao, "ListTagResources", "ResourceType", "PeerConnection")
	p.denied("InvalidInstanceType.NotFound", qingdao, "ListTagResources", "ResourceType", "Boat")
	p.denied("InvalidInstanceIds.NotFound", qingdao, "TagResources", "ResourceType", "PeerConnection", "ResourceId.1", "pcc-x", "Tag.1.Key", "a")
}

func TestRoutesToAPeering(t *testing.T) {
	t.Parallel()
	p := newPeerPair(t)
	route := func(id string) []string {
		return []string{"RouteTableId", "vtb-a", "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "VpcPeer", "NextHopId", id}
	}
	p.refused("ResourceNotFound.VpcPeer", qingdao, "CreateRouteEntry", route("pcc-x")...)
	id := p.did(qingdao, "CreateVpcPeerConnection", p.between("vpc-a", "vpc-b")...).at("InstanceId")
	p.refused("IncorrectStatus.VpcPeer", qingdao, "CreateRouteEntry", route(id)...)
	p.pass(2 * transition)
	p.ok(qingdao, "CreateRouteEntry", route(id)...)
	p.pass(transition)
	p.refused("ResourceNotFound.VpcPeer", qingdao, "CreateRouteEntry", "RouteTableId", "vtb-c", "DestinationCidrBlock", "172.16.0.0/16", "NextHopType", "VpcPeer", "NextHopId", id)
	p.denied("OperationDenied.RouteEntryExist", qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
	p.did(qingdao, "DeleteVpcPeerConnection", "InstanceId", id, "Force", "true")
	p.pass(transition)
	for _, r := range p.VPCSnapshot().RouteEntries {
		require.NotEqual(t, "Custom", r.Type, "Force took the route away")
	}
}

func TestAVPCWithAPeeringIsNotDeleted(t *testing.T) {
	t.Parallel()
	p := newPeerPair(t)
	_, err := p.AddPeerConnection(engine.PeerConnection{ID: "pcc-1", VpcID: "vpc-b", AcceptingVpcID: "vpc-c"})
	require.NoError(t, err)
	p.refused("DependencyViolation.VpcPeer", qingdao, "DeleteVpc", "VpcId", "vpc-c")
	_, err = p.AddPeerConnection(engine.PeerConnection{ID: "pcc-1", VpcID: "vpc-b", AcceptingVpcID: "vpc-d"})
	require.ErrorContains(t, err, "there already")
	_, err = p.AddPeerConnection(engine.PeerConnection{VpcID: "vpc-b", AcceptingVpcID: "vpc-x"})
	require.ErrorContains(t, err, "no VPC")
	require.NoError(t, p.EditPeerConnection("pcc-1", func(c *engine.PeerConnection) { c.BusinessStatus = "FinancialLocked" }))
	p.denied("IncorrectBusinessStatus.VpcPeer", beijing, "ModifyVpcPeerConnection", "InstanceId", "pcc-1", "Name", "ab")
	require.ErrorContains(t, p.EditPeerConnection("pcc-x", nil), "no peering connection")
}

func TestSwitchesOfPeering(t *testing.T) {
	t.Parallel()
	// Each case shows both readings.
	for name, both := range map[string]func(t *testing.T, on bool, p *peerPair){
		"DeletedPeeringStaysListed": func(t *testing.T, on bool, p *peerPair) {
			id := p.joined()
			p.did(qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
			p.pass(transition)
			if on {
				require.Equal(t, "Deleted", p.peerStatus(id))
				p.denied("IncorrectStatus.VpcPeer", qingdao, "DeleteVpcPeerConnection", "InstanceId", id)
			} else {
				p.denied("ResourceNotFound.InstanceId", qingdao, "GetVpcPeerConnectionAttribute", "InstanceId", id)
			}
			p.joined()
		},
		"PeeringBesideInterfacesRefused": func(t *testing.T, on bool, p *peerPair) {
			p.connected()
			if ask := p.between("vpc-a", "vpc-b"); on {
				p.denied("ResourceAlreadyExist.RouterInterface", qingdao, "CreateVpcPeerConnection", ask...)
			} else {
				p.did(qingdao, "CreateVpcPeerConnection", ask...)
			}
		},
		"PeeringForceDeletesOneSide": func(t *testing.T, on bool, p *peerPair) {
			id := p.joined()
			for table, block := range map[string]string{"vtb-a": "172.16.0.0/16", "vtb-b": "192.168.0.0/16"} {
				_, err := p.AddRouteEntry(engine.RouteEntry{TableID: table, Destination: netip.MustParsePrefix(block), NextHops: []engine.NextHop{{Type: "VpcPeer", ID: id}}})
				require.NoError(t, err)
			}
			p.did(qingdao, "DeleteVpcPeerConnection", "InstanceId", id, "Force", "true")
			p.pass(transition)
			left := 0
			for _, r := range p.VPCSnapshot().RouteEntries {
				if r.Type == "Custom" {
					require.Equal(t, "vtb-b", r.TableID)
					left++
				}
			}
			require.Equal(t, on, left == 1)
		},
		"PeeringSeenByInitiatorOnly": func(t *testing.T, on bool, p *peerPair) {
			id := p.joined()
			require.Equal(t, 1, p.did(qingdao, "ListVpcPeerConnections").size("VpcPeerConnects"))
			if on {
				require.Zero(t, p.did(beijing, "ListVpcPeerConnections").size("VpcPeerConnects"))
				p.denied("ResourceNotFound.InstanceId", beijing, "GetVpcPeerConnectionAttribute", "InstanceId", id)
			} else {
				require.Equal(t, 1, p.did(beijing, "ListVpcPeerConnections").size("VpcPeerConnects"))
			}
		},
		"RepointToPeeringRefused": func(t *testing.T, on bool, p *peerPair) {
			ri, _ := p.connected()
			peering := p.joined()
			r, err := p.AddRouteEntry(engine.RouteEntry{TableID: "vtb-a", Destination: netip.MustParsePrefix("172.16.0.0/16"), NextHops: []engine.NextHop{{Type: "RouterInterface", ID: ri}}})
			require.NoError(t, err)
			if ask := []string{"RouteEntryId", r.ID, "NewNextHopType", "VpcPeer", "NewNextHopId", peering}; on {
				p.refused("InvalidNextHopType.NotSupport", qingdao, "ModifyRouteEntry", ask...)
			} else {
				p.ok(qingdao, "ModifyRouteEntry", ask...)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, on := range []bool{false, true} {
				both(t, on, newPeerPair(t, func(o *engine.Options) { turn(t, &o.Switches, name, on) }))
			}
		})
	}
}
