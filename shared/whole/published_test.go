package whole_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/interconnect"
	"vpcinterconnect/shared/localcloud/openapi"
	"vpcinterconnect/shared/localcloud/stack"
)

// parameter is a parameter as the published metadata describes it.
type parameter struct {
	Name, Type string
	Required   bool
	Members    []parameter `json:"sub_parameters"`
}

// lists are the SDK's structs of list members that the metadata leaves out.
var lists = map[string]any{
	"AuthorizeSecurityGroup":       ecs.AuthorizeSecurityGroupPermissions{},
	"AuthorizeSecurityGroupEgress": ecs.AuthorizeSecurityGroupEgressPermissions{},
	"RevokeSecurityGroup":          ecs.RevokeSecurityGroupPermissions{},
	"RevokeSecurityGroupEgress":    ecs.RevokeSecurityGroupEgressPermissions{},
}

func published(t *testing.T, product, action string) []parameter {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "..", "shared", "data", "api-meta", strings.ToLower(product), action+".json"))
	require.NoError(t, err, "%s is none of the published actions", action)
	var api struct{ Parameters []parameter }
	require.NoError(t, json.Unmarshal(text, &api))
	for i := range api.Parameters {
		p := &api.Parameters[i]
		if member, left := lists[action]; left && p.Name == "Permissions" && len(p.Members) == 0 {
			of := reflect.TypeOf(member)
			for j := range of.NumField() {
				p.Members = append(p.Members, parameter{Name: of.Field(j).Tag.Get("name")})
			}
		}
	}
	return api.Parameters
}

// faults tells what is wrong with a request's parameters.
func faults(known []parameter, got map[string]string, at string) []string {
	var out []string
	left := map[string]string{}
	for k, v := range got {
		left[k] = v
	}
	for _, p := range known {
		found := false
		if _, ok := left[p.Name]; ok && len(p.Members) == 0 {
			delete(left, p.Name)
			found = true
		}
		for n := 1; ; n++ { // a list: Name.1, or Name.1.Member
			item, members := p.Name+"."+strconv.Itoa(n), map[string]string{}
			_, plain := left[item]
			delete(left, item)
			for k, v := range left {
				if member, ok := strings.CutPrefix(k, item+"."); ok {
					members[member] = v
					delete(left, k)
				}
			}
			if !plain && len(members) == 0 {
				break
			}
			found = true
			if len(members) > 0 {
				out = append(out, faults(p.Members, members, at+item+".")...)
			}
		}
		if p.Required && !found {
			out = append(out, at+p.Name+" is missing")
		}
	}
	for k := range left {
		out = append(out, at+k+" is unknown")
	}
	return out
}

func TestEveryRequestIsOneThatIsPublished(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(filepath.Join(root, "..", "shared", "data", "api-meta")); err != nil {
		t.Skip("the published API metadata is not beside the project")
	}
	c := calm(t, stack.Options{})
	c.post(strings.ReplaceAll(tutorial, `[{"protocol": "ICMP"}]`, `[{"protocol": "ICMP"}, {"protocol": "TCP", "portRange": "5432/5433"}]`))
	c.reaches("tutorial", interconnect.StateConnected, time.Minute)
	c.drop("tutorial")
	c.reaches("tutorial", interconnect.StateDisconnected, 2*time.Minute)

	actions := map[string]int{}
	for _, r := range c.requests() {
		actions[r.Product+" "+r.Action]++
		got := map[string]string{}
		for k, v := range r.Parameters {
			got[k] = v
		}
		if r.Region != "" {
			got["RegionId"] = r.Region
		}
		known := published(t, r.Product, r.Action)
		known = append(known, parameter{Name: "RegionId"}) // every RPC request may say it
		require.Empty(t, faults(known, got, ""), fmt.Sprint(r))
	}
	for _, needed := range []string{"CreateRouterInterface", "ConnectRouterInterface", "CreateRouteEntries", "AuthorizeSecurityGroup", "RunCommand",
		"RevokeSecurityGroup", "DeleteRouteEntries", "DeactivateRouterInterface", "DeleteRouterInterface"} {
		require.Condition(t, func() bool { return has(c.requests(), needed) }, needed)
	}
	t.Log(actions)
}

func has(all []openapi.Record, action string) bool {
	for _, r := range all {
		if r.Action == action {
			return true
		}
	}
	return false
}

func TestWrongRequestsWouldBeFound(t *testing.T) {
	t.Parallel()
	known := []parameter{{Name: "Id", Required: true}, {Name: "Names"}, {Name: "Filter", Members: []parameter{{Name: "Key", Required: true}, {Name: "Value"}}}}
	for name, r := range map[string]struct {
		got  map[string]string
		want []string
	}{
		"all is well":          {map[string]string{"Id": "1", "Names.1": "a", "Names.2": "b", "Filter.1.Key": "k", "Filter.1.Value.1": "v"}, nil},
		"one is missing":       {map[string]string{"Names.1": "a"}, []string{"Id is missing"}},
		"one is unknown":       {map[string]string{"Id": "1", "Name.1": "a"}, []string{"Name.1 is unknown"}},
		"a member is missing":  {map[string]string{"Id": "1", "Filter.1.Value": "v"}, []string{"Filter.1.Key is missing"}},
		"a member is unknown":  {map[string]string{"Id": "1", "Filter.1.Key": "k", "Filter.1.X": "v"}, []string{"Filter.1.X is unknown"}},
		"a list begins with 0": {map[string]string{"Id": "1", "Names.0": "a"}, []string{"Names.0 is unknown"}},
	} {
		require.Equal(t, r.want, faults(known, r.got, ""), name)
	}
}
