package alicloud_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
)

func TestANetworkAclIsReadInItsOrder(t *testing.T) {
	t.Parallel()
	body := `{"RequestId":"r","NetworkAclAttribute":{"NetworkAclId":"nacl-1","VpcId":"vpc-1","Status":"Available",
		"IngressAclEntries":{"IngressAclEntry":[
			{"NetworkAclEntryId":"nae-2","NetworkAclEntryName":"no ping","Policy":"drop","Protocol":"icmp","Port":"-1/-1","SourceCidrIp":"10.0.0.7/8","EntryType":"custom","IpVersion":"IPV4"},
			{"NetworkAclEntryId":"nae-1","Policy":"Accept","Protocol":"all","Port":"-1/-1","SourceCidrIp":"0.0.0.0/0","EntryType":"custom"},
			{"NetworkAclEntryId":"nae-6","Policy":"accept","Protocol":"all","Port":"-1/-1","SourceCidrIp":"::/0","IpVersion":"IPV6"}]},
		"EgressAclEntries":{"EgressAclEntry":[
			{"NetworkAclEntryId":"nae-3","Policy":"accept","Protocol":"tcp","Port":"32768/60999","DestinationCidrIp":"10.1.0.0/16"},
			{"NetworkAclEntryId":"nae-4","Policy":"drop","Protocol":"udp","Port":"53/53"}]}}}`
	a, err := newFake(t).on("DescribeNetworkAclAttributes", says(200, body)).cloud().NetworkAcl(t.Context(), region, "nacl-1")
	require.NoError(t, err)
	require.Equal(t, &interconnect.NetworkAcl{
		ID: "nacl-1", VpcID: "vpc-1",
		Ingress: []interconnect.AclRule{
			{ID: "nae-2", Name: "no ping", Protocol: "ICMP", PortRange: "-1/-1", Peer: prefix("10.0.0.0/8")},
			{ID: "nae-1", Accept: true, Protocol: "ALL", PortRange: "-1/-1", Peer: prefix("0.0.0.0/0")},
			{ID: "nae-6", Accept: true, Protocol: "ALL", PortRange: "-1/-1"},
		},
		Egress: []interconnect.AclRule{
			{ID: "nae-3", Accept: true, Protocol: "TCP", PortRange: "32768/60999", Peer: prefix("10.1.0.0/16")},
			{ID: "nae-4", Protocol: "UDP", PortRange: "53/53"},
		},
	}, a)
}

func TestANetworkAclThatCannotBeUnderstoodIsAnError(t *testing.T) {
	t.Parallel()
	entry := func(fields string) string {
		return `{"RequestId":"r","NetworkAclAttribute":{"NetworkAclId":"nacl-1","IngressAclEntries":{"IngressAclEntry":[{` + fields + `}]}}}`
	}
	for name, c := range map[string]struct{ body, says string }{
		"another ACL":                 {`{"RequestId":"r","NetworkAclAttribute":{"NetworkAclId":"nacl-2"}}`, "nacl-2"},
		"a policy of another word":    {entry(`"Policy":"perhaps","Protocol":"all"`), "not a policy"},
		"a block that is none":        {entry(`"Policy":"drop","Protocol":"all","SourceCidrIp":"everywhere"`), "not a CIDR block"},
		"a rule without its protocol": {entry(`"Policy":"drop"`), "Protocol is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFake(t).on("DescribeNetworkAclAttributes", says(200, c.body)).cloud().NetworkAcl(t.Context(), region, "nacl-1")
			require.ErrorContains(t, err, c.says)
		})
	}
	t.Run("an ACL that is gone", func(t *testing.T) {
		t.Parallel()
		body := `{"RequestId":"r","Code":"InvalidNetworkAcl.NotFound","Message":"gone"}`
		_, err := newFake(t).on("DescribeNetworkAclAttributes", says(404, body)).cloud().NetworkAcl(t.Context(), region, "nacl-1")
		require.True(t, interconnect.IsGone(err), "%v", err)
	})
}

func TestAGroupTellsWhetherItsMembersAreKeptApart(t *testing.T) {
	t.Parallel()
	for policy, isolated := range map[string]bool{"Accept": false, "Drop": true, "": false} {
		body := `{"RequestId":"r","InnerAccessPolicy":"` + policy + `","Permissions":{"Permission":[]}}`
		_, got, err := newFake(t).on("DescribeSecurityGroupAttribute", says(200, body)).cloud().GroupRules(t.Context(), region, "sg-1")
		require.NoError(t, err)
		require.Equal(t, isolated, got, policy)
	}
}
