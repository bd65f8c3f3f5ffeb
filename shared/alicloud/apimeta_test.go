package alicloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/alicloud"
	"vpcinterconnect/shared/interconnect"
)

const region = "cn-qingdao"

// drives calls every method once, with all that it can send, and fails if one
// fails.
var drives = map[string]func(ctx context.Context, c *alicloud.Cloud) error{
	"AccountID":   func(ctx context.Context, c *alicloud.Cloud) error { return second(c.AccountID(ctx)) },
	"VPC":         func(ctx context.Context, c *alicloud.Cloud) error { return second(c.VPC(ctx, region, "vpc-1")) },
	"VSwitches":   func(ctx context.Context, c *alicloud.Cloud) error { return second(c.VSwitches(ctx, region, "vpc-1")) },
	"RouteTables": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.RouteTables(ctx, region, "vpc-1")) },
	"RouteEntries": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RouteEntries(ctx, region, "vtb-1"))
	},
	"RouterInterfaces": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RouterInterfaces(ctx, region, "vrt-1"))
	},
	"CreateRouterInterface": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.CreateRouterInterface(ctx, region, interconnect.NewRouterInterface{
			Role: interconnect.Initiator, Specification: "Mini.2", RouterID: "vrt-1", OppositeRegionID: "cn-beijing", OppositeRouterID: "vrt-2",
			Name: "interconnect.vi.a", Description: "interconnect.vi.a", Tags: map[string]string{"k": "v", "a": "b"}, Token: "t",
		}))
	},
	"SetOpposite": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.SetOpposite(ctx, region, "ri-1", interconnect.Opposite{InterfaceID: "ri-2", RouterID: "vrt-2", OwnerID: "1234567890123456"})
	},
	"ConnectRouterInterface": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.ConnectRouterInterface(ctx, region, "ri-1")
	},
	"ActivateRouterInterface": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.ActivateRouterInterface(ctx, region, "ri-1")
	},
	"DeactivateRouterInterface": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.DeactivateRouterInterface(ctx, region, "ri-1")
	},
	"DeleteRouterInterface": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.DeleteRouterInterface(ctx, region, "ri-1")
	},
	"ModifySpecification": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.ModifySpecification(ctx, region, "ri-1", "Small.1")
	},
	"PeeringConnections": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.PeeringConnections(ctx, region, "vpc-1"))
	},
	"CreatePeeringConnection": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.CreatePeeringConnection(ctx, region, interconnect.NewPeeringConnection{
			VpcID: "vpc-1", AcceptingAccount: "1234567890123456", AcceptingRegionID: "cn-beijing", AcceptingVpcID: "vpc-2", Bandwidth: 100, LinkType: "Gold",
			Name: "interconnect.vi.a", Description: "interconnect.vi.a", Tags: map[string]string{"k": "v", "a": "b"}, Token: "t",
		}))
	},
	"ModifyPeeringConnection": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.ModifyPeeringConnection(ctx, region, "pcc-1", "interconnect.vi.a", 100, "Platinum")
	},
	"DeletePeeringConnection": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.DeletePeeringConnection(ctx, region, "pcc-1")
	},
	"CreateRoutes": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.CreateRoutes(ctx, region, []interconnect.NewRoute{{
			RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("172.16.0.0/16"),
			NextHop: interconnect.NextHop{Type: "RouterInterface", ID: "ri-1"}, Name: "interconnect.vi.a", Description: "interconnect.vi.a",
		}}))
	},
	"RepointRoute": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.RepointRoute(ctx, region, "rte-1", interconnect.NextHop{Type: "VpcPeer", ID: "pcc-1"})
	},
	"DeleteRoutes": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.DeleteRoutes(ctx, region, []interconnect.RouteEntry{{ID: "rte-1", RouteTableID: "vtb-1", Destination: netip.MustParsePrefix("172.16.0.0/16"), NextHopID: "ri-1"}}))
	},
	"SecurityGroup": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.SecurityGroup(ctx, region, "sg-1"))
	},
	"SecurityGroups": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.SecurityGroups(ctx, region, "vpc-1"))
	},
	"Rules": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.Rules(ctx, region, "sg-1")) },
	"Authorize": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.Authorize(ctx, region, "sg-1", interconnect.Ingress, someRules)
	},
	"Authorize egress": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.Authorize(ctx, region, "sg-1", interconnect.Egress, someRules)
	},
	"Revoke": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.Revoke(ctx, region, "sg-1", interconnect.Ingress, []string{"sgr-1", "sgr-2"})
	},
	"Revoke egress": func(ctx context.Context, c *alicloud.Cloud) error {
		return c.Revoke(ctx, region, "sg-1", interconnect.Egress, []string{"sgr-1"})
	},
	"Instances": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.Instances(ctx, region, "vpc-1")) },
	"InstancesByID": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.InstancesByID(ctx, region, []string{"i-1"}))
	},
	"AgentsOnline": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.AgentsOnline(ctx, region, []string{"i-1"}))
	},
	"RunCommand": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RunCommand(ctx, region, interconnect.Command{Name: "n", Script: "ping -c 4 192.0.2.1", InstanceID: "i-1", TimeoutSeconds: 30, Token: "t"}))
	},
	"Invocations": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.Invocations(ctx, region, "i-1")) },
	"ParameterAt": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.ParameterAt(ctx, "/vi/a/request", 3))
	},
	"ParametersByName": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.ParametersByName(ctx, []string{"/vi/freeze", "/vi/a/request"}))
	},
	"ParametersByPath": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.ParametersByPath(ctx, "/vi")) },
	"CreateParameter": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.CreateParameter(ctx, "/vi/a/request", "{}"))
	},
	"UpdateParameter": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.UpdateParameter(ctx, "/vi/a/request", "{}"))
	},
	"DeleteParameter": func(ctx context.Context, c *alicloud.Cloud) error { return c.DeleteParameter(ctx, "/vi/a/request") },
	"Queue":           func(ctx context.Context, c *alicloud.Cloud) error { return second(c.Queue(ctx, "vi-dead-letters")) },
	"RegionRouterInterfaces": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RegionRouterInterfaces(ctx, region))
	},
	"RegionPeeringConnections": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RegionPeeringConnections(ctx, region))
	},
	"RegionRouteTables": func(ctx context.Context, c *alicloud.Cloud) error { return second(c.RegionRouteTables(ctx, region)) },
	"RegionSecurityGroups": func(ctx context.Context, c *alicloud.Cloud) error {
		return second(c.RegionSecurityGroups(ctx, region))
	},
}

var someRules = []interconnect.Rule{
	{Protocol: "ICMP", PortRange: "-1/-1", PeerBlock: netip.MustParsePrefix("172.16.0.0/16"), Policy: "accept", Priority: 1, Description: "interconnect.vi.a"},
	{Protocol: "TCP", PortRange: "5432/5432", PeerGroupID: "sg-2", Description: "interconnect.vi.a"},
}

func second[T any](_ T, err error) error { return err }

func TestEveryMethodIsDriven(t *testing.T) {
	// A new action in canned without a drive, or the other way round, would
	// leave a request unchecked.
	f := newFake(t)
	for name, drive := range drives {
		require.NoError(t, drive(t.Context(), f.cloud()), name)
	}
	seen := map[string]bool{}
	for _, r := range f.received() {
		seen[r.action] = true
	}
	for action := range canned {
		require.True(t, seen[action], "no method calls %s", action)
	}
}

// apiParameter is a parameter as the published metadata describes it.
type apiParameter struct {
	Name     string
	Position string
	Type     string
	Required bool
	Members  []apiParameter `json:"sub_parameters"`
}

// permissions returns the members of the security group calls' list, which the
// published metadata leaves out; from the API reference of the calls.
func permissions(action string) []apiParameter {
	group := "SourceGroupId"
	if strings.HasSuffix(action, "Egress") {
		group = "DestGroupId"
	}
	return []apiParameter{
		{Name: "IpProtocol", Required: true}, {Name: "PortRange", Required: true}, {Name: "Policy"}, {Name: "Priority"}, {Name: "NicType"},
		{Name: "Description"}, {Name: "SourceCidrIp"}, {Name: "DestCidrIp"}, {Name: group},
	}
}

// common are the parameters of every RPC request.
var common = map[string]bool{
	"Action": true, "Version": true, "Format": true, "AccessKeyId": true, "SecurityToken": true, "Signature": true, "SignatureMethod": true,
	"SignatureVersion": true, "SignatureType": true, "SignatureNonce": true, "Timestamp": true, "RegionId": true,
}

func TestRequestsAgreeWithThePublishedMetadata(t *testing.T) {
	t.Parallel()
	root := metadata(t)
	for name, drive := range drives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			require.NoError(t, drive(t.Context(), f.cloud()))
			for _, r := range f.received() {
				api := readAPI(t, root, r.params.Get("Version"), r.action)
				got := map[string]string{}
				for k := range r.params {
					got[k] = r.params.Get(k)
				}
				require.NoError(t, check(api, got), r.action)
				require.NoError(t, positioned(api, r), r.action)
			}
		})
	}
}

// metadata finds the folder of published metadata, which is no part of the
// project.
func metadata(t *testing.T) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, parent, dir, "no go.mod above the test")
		dir = parent
	}
	root := filepath.Join(dir, "..", "shared", "data", "api-meta")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the published API metadata is not beside the project")
	}
	return root
}

var products = map[string]string{"2016-04-28": "vpc", "2014-05-26": "ecs", "2015-04-01": "sts", "2019-06-01": "oos", "2022-01-01": "vpcpeer", "2022-01-19": "mns-open"}

func readAPI(t *testing.T, root, version, action string) []apiParameter {
	if _, err := os.Stat(filepath.Join(root, products[version])); products[version] != "" && os.IsNotExist(err) {
		t.Skipf("the published metadata of %s is not beside the project", products[version])
	}
	b, err := os.ReadFile(filepath.Join(root, products[version], action+".json"))
	require.NoError(t, err)
	var api struct{ Parameters []apiParameter }
	require.NoError(t, json.Unmarshal(b, &api))
	for i := range api.Parameters {
		if p := &api.Parameters[i]; p.Name == "Permissions" && len(p.Members) == 0 {
			p.Members = permissions(action)
		}
	}
	return api.Parameters
}

// check tells what is wrong with a request: a name that is not known, or a
// required one that is missing, in lists as well.
func check(api []apiParameter, got map[string]string) error {
	for key := range got {
		if !common[key] && !known(api, key) {
			return fmt.Errorf("unknown parameter %s", key)
		}
	}
	return missing(api, got, "")
}

func known(api []apiParameter, key string) bool {
	for _, p := range api {
		rest, ok := strings.CutPrefix(key, p.Name)
		if !ok {
			continue
		}
		if rest == "" {
			return p.Type != "RepeatList" && p.Type != "Array"
		}
		index, member, nested := strings.Cut(strings.TrimPrefix(rest, "."), ".")
		if n, err := strconv.Atoi(index); err != nil || n < 1 || rest[0] != '.' {
			continue
		}
		if nested {
			return known(p.Members, member)
		}
		return len(p.Members) == 0
	}
	return false
}

// positioned tells what is sent in the query that is published as the body's.
// RegionId the SDK sends in the query always.
func positioned(api []apiParameter, r request) error {
	for _, p := range api {
		if p.Position == "Body" && r.query.Has(p.Name) && p.Name != "RegionId" {
			return fmt.Errorf("%s is in the query, and belongs into the body", p.Name)
		}
	}
	return nil
}

func missing(api []apiParameter, got map[string]string, prefix string) error {
	for _, p := range api {
		key := prefix + p.Name
		present := false
		for k := range got {
			if k == key || strings.HasPrefix(k, key+".") {
				present = true
			}
		}
		if p.Required && !present {
			return fmt.Errorf("required parameter %s is missing", key)
		}
		for n := 1; present && len(p.Members) > 0; n++ {
			item := key + "." + strconv.Itoa(n) + "."
			if !anyWithPrefix(got, item) {
				break
			}
			if err := missing(p.Members, got, item); err != nil {
				return err
			}
		}
	}
	return nil
}

func anyWithPrefix(got map[string]string, prefix string) bool {
	for k := range got {
		if strings.HasPrefix(k, prefix) {
			return true
		}
	}
	return false
}

func TestTheCheckOfRequestsFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	api := []apiParameter{
		{Name: "Id", Type: "String", Required: true},
		{Name: "Names", Type: "RepeatList"},
		{Name: "Filter", Type: "RepeatList", Members: []apiParameter{{Name: "Key", Type: "String", Required: true}, {Name: "Value", Type: "RepeatList"}}},
	}
	for name, c := range map[string]struct {
		got  map[string]string
		want string
	}{
		"all is well":                       {map[string]string{"Id": "1", "Names.1": "a", "Filter.1.Key": "k", "Filter.1.Value.1": "v"}, ""},
		"a required parameter is missing":   {map[string]string{"Names.1": "a"}, "required parameter Id is missing"},
		"a name is not known":               {map[string]string{"Id": "1", "Nmes.1": "a"}, "unknown parameter Nmes.1"},
		"a list is sent as a scalar":        {map[string]string{"Id": "1", "Names": "a"}, "unknown parameter Names"},
		"a list is counted from zero":       {map[string]string{"Id": "1", "Names.0": "a"}, "unknown parameter Names.0"},
		"a member of a list is not known":   {map[string]string{"Id": "1", "Filter.1.Key": "k", "Filter.1.Vaule.1": "v"}, "unknown parameter Filter.1.Vaule.1"},
		"a list lacks a required member":    {map[string]string{"Id": "1", "Filter.1.Value.1": "v"}, "required parameter Filter.1.Key is missing"},
		"the second of a list lacks a part": {map[string]string{"Id": "1", "Filter.1.Key": "k", "Filter.2.Value.1": "v"}, "required parameter Filter.2.Key is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(api, c.got)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
		})
	}
}
