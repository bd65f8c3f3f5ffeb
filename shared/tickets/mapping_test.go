package tickets_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/tickets"
)

// mapping reads fields that are called as the targets are.
func mapping(extra ...string) tickets.Mapping {
	m := tickets.Mapping{}
	for _, name := range append([]string{"initiator.regionId", "initiator.vpcId", "acceptor.regionId", "acceptor.vpcId"}, extra...) {
		m[name] = tickets.Source{Field: name, Label: "The " + name}
	}
	return m
}

// fields are those of a sound ticket.
func fields(extra ...string) map[string][]string {
	f := map[string][]string{
		"initiator.regionId": {"cn-qingdao"}, "initiator.vpcId": {" vpc-1 "}, "acceptor.regionId": {"cn-beijing"}, "acceptor.vpcId": {"vpc-2"},
	}
	for i := 0; i < len(extra); i += 2 {
		f[extra[i]] = []string{extra[i+1]}
	}
	return f
}

func TestATicketsFieldsBecomeARequest(t *testing.T) {
	t.Parallel()
	m := mapping("initiator.securityGroups", "initiator.allow", "acceptor.cidrBlocks", "acceptor.routeTableIds", "acceptor.probe", "bandwidth", "allowCut", "expiresAt", "type")
	m["repair"] = tickets.Source{Value: "auto"}
	m["type"] = tickets.Source{Field: "type", Value: "auto"}
	require.NoError(t, m.Check())
	r, flaws := m.Request("jira-net-1", fields("initiator.securityGroups", "sg-a; sg-b", "initiator.allow", "icmp, TCP 443\ntcp/8000-8080, UDP 53/53",
		"acceptor.cidrBlocks", "10.1.0.0/16 10.2.0.0/16", "acceptor.probe", "i-b", "bandwidth", "20", "allowCut", "Yes", "expiresAt", "2030-01-31T18:00:00+08:00"))
	require.Empty(t, flaws)
	require.Equal(t, "jira-net-1", r.ID)
	require.Equal(t, "vpc-1", r.Initiator.VpcID)
	require.Equal(t, interconnect.TypeAuto, r.Type)
	require.Equal(t, interconnect.RepairAuto, r.Repair)
	require.Equal(t, 20, *r.Bandwidth)
	require.True(t, r.AllowCut)
	require.Equal(t, []string{"10.1.0.0/16", "10.2.0.0/16"}, r.Acceptor.CidrBlocks)
	require.Equal(t, "i-b", r.Acceptor.Probe.InstanceID)
	require.Nil(t, r.Acceptor.RouteTableIDs)
	allow := []interconnect.RequestAllow{{Protocol: "ICMP"}, {Protocol: "TCP", PortRange: "443/443"}, {Protocol: "TCP", PortRange: "8000/8080"}, {Protocol: "UDP", PortRange: "53/53"}}
	require.Equal(t, []interconnect.RequestGroup{{SecurityGroupID: "sg-a", Allow: allow}, {SecurityGroupID: "sg-b", Allow: allow}}, r.Initiator.SecurityGroups)
}

func TestAFlawNamesTheFieldAsPeopleCallIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ field, value, blames, says string }{
		"an empty field":                   {"acceptor.vpcId", " ", "The acceptor.vpcId (acceptor.vpcId)", "It is empty; give the acceptor's VPC's id"},
		"a VPC that cannot be one":         {"initiator.vpcId", "<script>alert(1)</script>", "The initiator.vpcId (initiator.vpcId)", ""},
		"ports that nobody can read":       {"initiator.allow", "everything", "The initiator.allow (initiator.allow)", ""},
		"a port that is none":              {"initiator.allow", "TCP 99999", "The initiator.allow (initiator.allow)", ""},
		"a protocol that is none":          {"initiator.allow", "SPX 1", "The initiator.allow (initiator.allow)", ""},
		"ports in the wrong form":          {"initiator.allow", "TCP from 1 to 2", "The initiator.allow (initiator.allow)", "cannot be read"},
		"a group that cannot be one":       {"initiator.securityGroups", "sg/a", "The initiator.securityGroups (initiator.securityGroups)", ""},
		"a bandwidth in words":             {"bandwidth", "a lot", "The bandwidth (bandwidth)", "no whole number"},
		"half a bandwidth":                 {"bandwidth", "1.5", "The bandwidth (bandwidth)", "no whole number"},
		"neither yes nor no":               {"allowCut", "perhaps", "The allowCut (allowCut)", "neither yes nor no"},
		"a time that is none":              {"expiresAt", "soon", "The expiresAt (expiresAt)", "RFC 3339"},
		"a text that is much too long":     {"initiator.regionId", strings.Repeat("x", 100_000), "The initiator.regionId (initiator.regionId)", ""},
		"a block that is none":             {"acceptor.cidrBlocks", "10.0.0.0", "The acceptor.cidrBlocks (acceptor.cidrBlocks)", ""},
		"the same VPC on both sides":       {"acceptor.vpcId", "vpc-1", "The acceptor.vpcId (acceptor.vpcId)", ""},
		"ports without a group for them":   {"acceptor.allow", "ICMP", "The acceptor.allow (acceptor.allow)", "no security group"},
		"control characters in a VPC's id": {"acceptor.vpcId", "vpc\x00\x1b[31m", "The acceptor.vpcId (acceptor.vpcId)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mapping("initiator.securityGroups", "initiator.allow", "acceptor.allow", "acceptor.cidrBlocks", "bandwidth", "allowCut", "expiresAt")
			f := fields("initiator.securityGroups", "sg-a", c.field, c.value)
			if name == "the same VPC on both sides" {
				f["acceptor.regionId"] = []string{"cn-qingdao"}
			}
			r, flaws := m.Request("jira-net-1", f)
			require.Nil(t, r)
			require.NotEmpty(t, flaws)
			require.Equal(t, c.blames, flaws[0].Field, flaws[0].Sentence)
			require.Contains(t, flaws[0].Sentence, c.says)
			require.Less(t, len(flaws[0].Sentence), 1000)
		})
	}
}

func TestAFieldWithTwoValuesWhereOneIsNeededIsAFlaw(t *testing.T) {
	t.Parallel()
	f := fields()
	f["acceptor.vpcId"] = []string{"vpc-2", "vpc-3"}
	_, flaws := mapping().Request("jira-net-1", f)
	require.Len(t, flaws, 1)
	require.Contains(t, flaws[0].Sentence, "2 values")
}

func TestAMappingIsCheckedKeyByKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(m tickets.Mapping)
		want   string
	}{
		"a target that there is not": {func(m tickets.Mapping) { m["initiator.vpc"] = tickets.Source{Field: "x"} }, "initiator.vpc: a request has no such part; there are acceptor.allow"},
		"a source without anything":  {func(m tickets.Mapping) { m["repair"] = tickets.Source{} }, "repair: it needs a field, or a value"},
		"a label without a field":    {func(m tickets.Mapping) { m["repair"] = tickets.Source{Value: "auto", Label: "Repair"} }, "repair: a label is a field's"},
		"a target that lacks":        {func(m tickets.Mapping) { delete(m, "acceptor.vpcId") }, "acceptor.vpcId: it is needed"},
	} {
		m := mapping()
		c.change(m)
		require.ErrorContains(t, m.Check(), c.want, name)
	}
	require.NoError(t, mapping().Check())
}
