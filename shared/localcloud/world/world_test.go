package world_test

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/world"
)

func built(t *testing.T, w *world.World) *engine.Engine {
	t.Helper()
	e := engine.New(w.Options(engine.Options{Seed: 1}))
	require.NoError(t, w.Apply(e))
	return e
}

func TestEveryExampleLoadsAppliesAndComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	examples, err := fs.Glob(world.Examples, "examples/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, name := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := world.Examples.ReadFile(name)
			require.NoError(t, err)
			w, err := world.Load(name, data)
			require.NoError(t, err)
			first := world.Export(built(t, w))
			text, err := first.Marshal()
			require.NoError(t, err)

			again, err := world.Load("exported", text)
			require.NoError(t, err, "%s", text)
			require.Equal(t, first, again, "what was written is what is read")
			require.Equal(t, first, world.Export(built(t, again)), "a cloud made from an export exports the same")
		})
	}
}

func TestExportHasWhatTheFileSaid(t *testing.T) {
	t.Parallel()
	data, err := world.Examples.ReadFile("examples/groups.yaml")
	require.NoError(t, err)
	w, err := world.Load("groups", data)
	require.NoError(t, err)
	groups := world.Export(built(t, w)).VPCs[0].SecurityGroups
	require.Len(t, groups, 3)
	require.Equal(t, "enterprise", groups[0].Type)
	require.True(t, groups[2].ServiceManaged)
	var rules []string
	for _, r := range groups[1].Rules {
		require.NotEmpty(t, r.ID)
		rules = append(rules, strings.Join([]string{r.Direction, r.Protocol, r.PortRange, r.Policy, r.CidrBlock + r.GroupID}, " "))
	}
	require.Equal(t, []string{
		"ingress ALL -1/-1 accept sg-advanced", "ingress ICMP -1/-1 drop 10.0.0.0/8", "ingress TCP 443/443 accept 0.0.0.0/0",
	}, rules)
}

func TestOptionsTakeQuotasSwitchesAndTheAccount(t *testing.T) {
	t.Parallel()
	data, err := world.Examples.ReadFile("examples/account.yaml")
	require.NoError(t, err)
	w, err := world.Load("account", data)
	require.NoError(t, err)
	o := w.Options(engine.Options{})
	require.Equal(t, "1029384756102938", o.AccountID)
	require.Equal(t, 2, o.Quotas.RouteEntriesPerTable)
	require.True(t, o.Switches.RouteStatusCreated)
	e := built(t, w)
	c, ok := e.Credential("LTAIexampleoperator")
	require.True(t, ok)
	require.Equal(t, "operator", c.Caller.Name)
	require.Equal(t, "1029384756102938", e.Topology().VPCs[0].Cens[0].OwnerID)
}

func TestAnOppositeIsFilledInFromTheInterfaceNamed(t *testing.T) {
	t.Parallel()
	data, err := world.Examples.ReadFile("examples/expressconnect.yaml")
	require.NoError(t, err)
	w, err := world.Load("x", data)
	require.NoError(t, err)
	e := built(t, w)
	ri := e.Topology().RouterInterfaces[0]
	require.Equal(t, "Active", ri.Status)
	require.Equal(t, "cn-beijing", ri.OppositeRegionID)
	require.Equal(t, e.Topology().VPCs[1].RouterID, ri.OppositeRouterID)
	require.Equal(t, e.AccountID(), ri.OppositeOwnerID)
}

const base = `regions:
  - id: cn-a
    zones: [cn-a-1]
vpcs:
  - id: vpc-1
    region: cn-a
    cidrBlock: 10.0.0.0/16
    routeTables:
      - {id: vtb-1, type: System}
    vSwitches:
      - {id: vsw-1, zone: cn-a-1, cidrBlock: 10.0.1.0/24}
    securityGroups:
      - id: sg-1
        rules:
          - {direction: ingress, protocol: TCP, portRange: 1/2, cidrBlock: 10.0.0.0/8}
    instances:
      - id: i-1
        vSwitchId: vsw-1
        privateIp: 10.0.1.5
        securityGroupIds: [sg-1]
routerInterfaces:
  - {id: ri-1, vpcId: vpc-1, role: InitiatingSide, spec: Mini.2}
`

func TestErrorsNameLineAndKey(t *testing.T) {
	t.Parallel()
	_, err := world.Load("w.yaml", []byte(base))
	require.NoError(t, err)
	for name, c := range map[string]struct{ old, new, want string }{
		"an unknown key":                  {"privateIp:", "privateIP:", "w.yaml:19: vpcs[0].instances[0].privateIP: "},
		"a key that is twice":             {"region: cn-a", "id: vpc-2", "w.yaml:6: "},
		"a region that is not there":      {"region: cn-a", "region: cn-b", `w.yaml:6: vpcs[0].region: "cn-b" is not among the regions`},
		"a zone that is not there":        {"zone: cn-a-1", "zone: cn-a-2", "w.yaml:11: vpcs[0].vSwitches[0].zone: is not one of cn-a-1"},
		"a block that is none":            {"10.0.0.0/16", "10.0.0.0", `w.yaml:7: vpcs[0].cidrBlock: "10.0.0.0" is no CIDR block`},
		"a block with host bits":          {"10.0.0.0/16", "10.0.9.0/16", "w.yaml:7: vpcs[0].cidrBlock: 10.0.9.0/16 has bits behind"},
		"a vSwitch outside its VPC":       {"10.0.1.0/24", "10.1.1.0/24", "vpcs[0].vSwitches[0].cidrBlock: 10.1.1.0/24 is in none"},
		"an address outside its vSwitch":  {"10.0.1.5", "10.0.2.5", "w.yaml:19: vpcs[0].instances[0].privateIp: "},
		"an id of another kind":           {"id: vsw-1,", "id: vpc-x,", `vpcs[0].vSwitches[0].id: "vpc-x" does not start with vsw-`},
		"an id that is twice":             {"id: i-1", "id: sg-1", "does not start with i-"},
		"no id":                           {"id: ri-1, ", "", "w.yaml:22: routerInterfaces[0].id: is needed"},
		"a port range that is none":       {"1/2", "2/1", `w.yaml:15: vpcs[0].securityGroups[0].rules[0].portRange: "2/1" is no port range`},
		"a protocol that is none":         {"TCP", "TCP6", "rules[0].protocol: is not one of TCP"},
		"a rule of a block and a group":   {"portRange: 1/2", "securityGroupId: sg-1", "rules[0]: either cidrBlock or securityGroupId"},
		"a group of nobody":               {"[sg-1]", "[sg-2]", `w.yaml:20: vpcs[0].instances[0].securityGroupIds[0]: "sg-2" is no security group of vpc-1`},
		"a router interface of nobody":    {"vpcId: vpc-1", "vpcId: vpc-9", `routerInterfaces[0].vpcId: there is no VPC "vpc-9"`},
		"a quota that is none":            {"regions:", "quotas: {vpcs: 3}\nregions:", "w.yaml:1: quotas.vpcs: is not one of "},
		"a switch that is none":           {"regions:", "switches: {on: true}\nregions:", "w.yaml:1: switches.on: is not one of "},
		"an instance in no vSwitch":       {"vSwitchId: vsw-1", "vSwitchId: vsw-2", "w.yaml:18: vpcs[0].instances[0].vSwitchId: "},
		"a table that serves nobody here": {"id: vsw-1,", "id: vsw-1, routeTableId: vtb-9,", "vpcs[0].vSwitches[0].routeTableId: is not one of vtb-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, base, c.old)
			_, err := world.Load("w.yaml", []byte(strings.Replace(base, c.old, c.new, 1)))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(base))
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		w, err := world.Load("w.yaml", data)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("it took %s", took)
		}
		if err != nil {
			return
		}
		if _, err := w.Marshal(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNoReadSeesTheCloudWithoutItsWorld(t *testing.T) {
	t.Parallel()
	w := world.Default()
	rates := engine.Rates{Lagging: 1, Lag: 3 * time.Second}
	e := engine.New(w.Options(engine.Options{Seed: 1, Faults: engine.Hostile(1, rates)}))
	require.NoError(t, w.Apply(e))
	for range 20 {
		r := e.Call(engine.Call{Product: "Vpc", Version: "2016-04-28", Action: "DescribeVpcAttribute", Parameters: map[string]string{
			"RegionId": "cn-qingdao", "VpcId": "vpc-m5e1qingdao000000vpc1",
		}})
		require.Nil(t, r.Err)
		require.Contains(t, r.Fault, "lags")
	}
}
