package whole_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

func TestWrongRequestsAreRefusedAndNameTheirField(t *testing.T) {
	t.Parallel()
	w := twins(t)
	w.VPCs[2].CidrBlock, w.VPCs[2].VSwitches[0].CidrBlock, w.VPCs[2].Instances[0].PrivateIP = "192.168.0.0/17", "192.168.1.0/24", "192.168.1.20"
	w.VPCs[1].Cens = []world.Cen{}
	c := start(t, stack.Options{World: w})
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(tutorial) }
	for name, r := range map[string]struct {
		body, token string
		status      int
		field       string
	}{
		"overlapping VPCs":           {body: change(vpc2, "vpc-twin", group2, "sg-twin"), status: 422, field: "/acceptor/cidrBlocks"},
		"an unknown VPC":             {body: change(vpc2, "vpc-nowhere"), status: 422, field: "/acceptor/vpcId"},
		"a VPC of the wrong region":  {body: change(`"cn-beijing"`, `"cn-qingdao"`), status: 422, field: "/acceptor/vpcId"},
		"a region that there is not": {body: change(`"cn-beijing"`, `"cn-atlantis"`), status: 422, field: "/acceptor/regionId"},
		"a VPC with itself":          {body: change(vpc2, vpc1, `"cn-beijing"`, `"cn-qingdao"`, group2, group1), status: 400, field: "/acceptor/vpcId"},
		"a bad specification":        {body: change("Mini.2", "Maxi.2"), status: 400, field: "/specification"},
		"a port range for ICMP":      {body: change(`{"protocol": "ICMP"}`, `{"protocol": "ICMP", "portRange": "1/2"}`), status: 400, field: "/initiator/securityGroups/0/allow/0/portRange"},
		"an id of 300 characters":    {body: change(`"tutorial"`, `"`+strings.Repeat("a", 300)+`"`), status: 400, field: "/id"},
		"a body of 2 MB":             {body: change(`"tutorial"`, `"`+strings.Repeat("a", 2<<20)+`"`), status: 413, field: ""},
		"an unknown field":           {body: change(`"specification"`, `"specifikation"`), status: 400, field: "/specifikation"},
		"no JSON":                    {body: "please", status: 400, field: ""},
		"no token":                   {body: tutorial, token: "none", status: 401},
		"a wrong token":              {body: tutorial, token: "Bearer wrong", status: 401},
		"the other group's group":    {body: change(group2, group1), status: 422, field: "/acceptor/securityGroups/0/securityGroupId"},
	} {
		t.Run(name, func(t *testing.T) {
			token := r.token
			switch token {
			case "":
				token = "Bearer " + c.Endpoints.APIToken
			case "none":
				token = ""
			}
			var got reply
			for range 20 {
				var err error
				if got, err = c.try("POST", "/connections", r.body, token); err == nil && got.status < 500 {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
			require.Equal(t, r.status, got.status, got.text)
			if r.status == 401 {
				require.Contains(t, got.problem.Detail, "Authorization")
				return
			}
			require.NotNil(t, got.problem.Field, got.text)
			require.Equal(t, r.field, *got.problem.Field, got.text)
			t.Log(got.problem.Detail)
		})
	}
	require.Empty(t, c.changes())
	c.asBefore()
}
