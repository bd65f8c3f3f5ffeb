package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// publishedParameter is one parameter of the published API metadata.
type publishedParameter struct {
	Name, Type, Position string
	Required             bool
	Sub                  []publishedParameter `json:"sub_parameters"`
}

func TestVpcParametersAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "..", "shared", "data", "api-meta", "vpc")
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("the published metadata is not here: ", folder)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var meta struct {
			Name       string
			Parameters []publishedParameter
		}
		require.NoError(t, json.Unmarshal(text, &meta))
		t.Run(meta.Name, func(t *testing.T) {
			t.Parallel()
			a, ok := engine.Find("Vpc", meta.Name)
			require.True(t, ok, "not implemented")
			sameParameters(t, meta.Parameters, a.Parameters)
		})
	}
}

func sameParameters(t *testing.T, want []publishedParameter, have []engine.Parameter) {
	t.Helper()
	byName := map[string]engine.Parameter{}
	for _, h := range have {
		byName[h.Name] = h
	}
	for _, w := range want {
		h, ok := byName[w.Name]
		require.True(t, ok, "parameter %s is missing", w.Name)
		delete(byName, w.Name)
		require.Equal(t, strings.Replace(w.Type, "Long", "Integer", 1), h.Type, w.Name)
		require.Equal(t, w.Position, string(h.Position), w.Name)
		require.Equal(t, w.Required, h.Required, w.Name)
		sameParameters(t, w.Sub, h.Members)
	}
	require.Empty(t, byName, "parameters that are not published")
}

// vpcAnswers are the SDK's own answer types.
var vpcAnswers = map[string]any{
	"ActivateRouterInterface": vpc.ActivateRouterInterfaceResponse{}, "AssociateNetworkAcl": vpc.AssociateNetworkAclResponse{},
	"AssociateRouteTable": vpc.AssociateRouteTableResponse{}, "AssociateVpcCidrBlock": vpc.AssociateVpcCidrBlockResponse{},
	"ConnectRouterInterface": vpc.ConnectRouterInterfaceResponse{}, "CreateNetworkAcl": vpc.CreateNetworkAclResponse{},
	"CreateRouteEntries": vpc.CreateRouteEntriesResponse{}, "CreateRouteEntry": vpc.CreateRouteEntryResponse{},
	"CreateRouteTable": vpc.CreateRouteTableResponse{}, "CreateRouterInterface": vpc.CreateRouterInterfaceResponse{},
	"CreateVSwitch": vpc.CreateVSwitchResponse{}, "CreateVpc": vpc.CreateVpcResponse{},
	"DeactivateRouterInterface": vpc.DeactivateRouterInterfaceResponse{}, "DeleteNetworkAcl": vpc.DeleteNetworkAclResponse{},
	"DeleteRouteEntries": vpc.DeleteRouteEntriesResponse{}, "DeleteRouteEntry": vpc.DeleteRouteEntryResponse{},
	"DeleteRouteTable": vpc.DeleteRouteTableResponse{}, "DeleteRouterInterface": vpc.DeleteRouterInterfaceResponse{},
	"DeleteVSwitch": vpc.DeleteVSwitchResponse{}, "DeleteVpc": vpc.DeleteVpcResponse{},
	"DescribeNetworkAclAttributes": vpc.DescribeNetworkAclAttributesResponse{}, "DescribeNetworkAcls": vpc.DescribeNetworkAclsResponse{},
	"DescribeRegions": vpc.DescribeRegionsResponse{}, "DescribeRouteEntryList": vpc.DescribeRouteEntryListResponse{},
	"DescribeRouteTableList": vpc.DescribeRouteTableListResponse{}, "DescribeRouterInterfaceAttribute": vpc.DescribeRouterInterfaceAttributeResponse{},
	"DescribeRouterInterfaces": vpc.DescribeRouterInterfacesResponse{}, "DescribeVRouters": vpc.DescribeVRoutersResponse{},
	"DescribeVSwitchAttributes": vpc.DescribeVSwitchAttributesResponse{}, "DescribeVSwitches": vpc.DescribeVSwitchesResponse{},
	"DescribeVpcAttribute": vpc.DescribeVpcAttributeResponse{}, "DescribeVpcs": vpc.DescribeVpcsResponse{},
	"DescribeZones": vpc.DescribeZonesResponse{}, "ListTagResourcesForExpressConnect": vpc.ListTagResourcesForExpressConnectResponse{},
	"ModifyRouteEntry": vpc.ModifyRouteEntryResponse{}, "ModifyRouterInterfaceAttribute": vpc.ModifyRouterInterfaceAttributeResponse{},
	"ModifyRouterInterfaceSpec": vpc.ModifyRouterInterfaceSpecResponse{}, "ModifyVpcAttribute": vpc.ModifyVpcAttributeResponse{},
	"TagResourcesForExpressConnect": vpc.TagResourcesForExpressConnectResponse{}, "UnassociateNetworkAcl": vpc.UnassociateNetworkAclResponse{},
	"UnassociateRouteTable": vpc.UnassociateRouteTableResponse{}, "UnassociateVpcCidrBlock": vpc.UnassociateVpcCidrBlockResponse{},
	"UntagResourcesForExpressConnect": vpc.UntagResourcesForExpressConnectResponse{}, "UpdateNetworkAclEntries": vpc.UpdateNetworkAclEntriesResponse{},
}

func TestVpcAnswersHaveEveryFieldThatTheSDKDecodes(t *testing.T) {
	t.Parallel()
	for _, a := range engine.Actions() {
		if a.Product != "Vpc" {
			continue
		}
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			sdk, ok := vpcAnswers[a.Name]
			require.True(t, ok, "add the SDK's answer type to this test")
			covers(t, a.Name, reflect.TypeOf(sdk), a.AnswerType())
		})
	}
}

// covers holds what a client decodes against what the cloud answers, field by
// field: name and kind.
func covers(t *testing.T, path string, client, cloud reflect.Type) {
	t.Helper()
	kind := func(k reflect.Kind) reflect.Kind {
		if k == reflect.Int64 {
			return reflect.Int
		}
		return k
	}
	require.Equal(t, kind(client.Kind()), kind(cloud.Kind()), path)
	switch client.Kind() {
	case reflect.Slice:
		covers(t, path+"[]", client.Elem(), cloud.Elem())
	case reflect.Struct:
		for i := range client.NumField() {
			f := client.Field(i)
			name := f.Tag.Get("json")
			if f.Anonymous || name == "" || name == "-" {
				continue
			}
			field, ok := cloud.FieldByName(name)
			require.True(t, ok, "%s.%s is missing", path, name)
			require.Empty(t, field.Tag.Get("json"), "%s.%s is answered under another name", path, name)
			covers(t, path+"."+name, f.Type, field.Type)
		}
	}
}
