package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpcpeer"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func TestVpcPeerParametersAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "..", "..", "shared", "data", "api-meta", "vpcpeer")
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
			a, ok := engine.Find("VpcPeer", meta.Name)
			require.True(t, ok, "not implemented")
			sameParameters(t, meta.Parameters, a.Parameters)
		})
	}
}

// vpcPeerAnswers are the SDK's own answer types.
var vpcPeerAnswers = map[string]any{
	"AcceptVpcPeerConnection": vpcpeer.AcceptVpcPeerConnectionResponse{}, "CreateVpcPeerConnection": vpcpeer.CreateVpcPeerConnectionResponse{},
	"DeleteVpcPeerConnection": vpcpeer.DeleteVpcPeerConnectionResponse{}, "GetVpcPeerConnectionAttribute": vpcpeer.GetVpcPeerConnectionAttributeResponse{},
	"ListTagResources": vpcpeer.ListTagResourcesResponse{}, "ListVpcPeerConnections": vpcpeer.ListVpcPeerConnectionsResponse{},
	"ModifyVpcPeerConnection": vpcpeer.ModifyVpcPeerConnectionResponse{}, "TagResources": vpcpeer.TagResourcesResponse{}, "UnTagResources": vpcpeer.UnTagResourcesResponse{},
}

func TestVpcPeerAnswersHaveEveryFieldThatTheSDKDecodes(t *testing.T) {
	t.Parallel()
	for _, a := range engine.Actions() {
		if a.Product != "VpcPeer" {
			continue
		}
		sdk, ok := vpcPeerAnswers[a.Name]
		require.True(t, ok, "add the SDK's answer type of %s to this test", a.Name)
		covers(t, a.Name, reflect.TypeOf(sdk), a.AnswerType())
	}
}
