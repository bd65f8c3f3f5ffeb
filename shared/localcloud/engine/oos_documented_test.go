package engine_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	mnsopen "github.com/aliyun/alibaba-cloud-sdk-go/services/mns-open"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/oos"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

// requireDocumented checks that an answer has every field that the SDK's struct
// of it has, members of lists included, and that the struct can read it.
func requireDocumented(t *testing.T, into any, response any) {
	t.Helper()
	b, err := json.Marshal(response)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
	var got any
	require.NoError(t, json.Unmarshal(b, &got))
	requireFields(t, reflect.TypeOf(into).Elem(), got, "")
}

func requireFields(t *testing.T, typ reflect.Type, got any, path string) {
	t.Helper()
	switch typ.Kind() {
	case reflect.Struct:
		m, ok := got.(map[string]any)
		require.True(t, ok, "%s is no object", path)
		for i := range typ.NumField() {
			if f := typ.Field(i); !f.Anonymous {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				require.Contains(t, m, name, "in %s", path)
				requireFields(t, f.Type, m[name], path+"."+name)
			}
		}
	case reflect.Slice:
		list, ok := got.([]any)
		require.True(t, ok, "%s is no list", path)
		for _, x := range list {
			requireFields(t, typ.Elem(), x, path+"[]")
		}
	default:
		require.NotNil(t, got, path)
	}
}

func TestNoDocumentedFieldOfAnAnswerIsLeftOut(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	ann := e.AddUser("ann", "", "")
	role := e.AddRole(engine.RoleSpec{Name: "r", Trust: []string{"acs:ram::" + e.AccountID() + ":root"}})
	in := func(p ...string) map[string]string {
		m := map[string]string{"RegionId": home}
		for i := 0; i < len(p); i += 2 {
			m[p[i]] = p[i+1]
		}
		return m
	}
	for _, x := range []struct {
		product, version, action string
		p                        map[string]string
		into                     any
	}{
		{"oos", "2019-06-01", "CreateParameter", in("Name", "/a/n", "Type", "String", "Value", "v"), &oos.CreateParameterResponse{}},
		{"oos", "2019-06-01", "CreateSecretParameter", in("Name", "/a/s", "Value", "v"), &oos.CreateSecretParameterResponse{}},
		{"oos", "2019-06-01", "UpdateParameter", in("Name", "/a/n", "Value", "w"), &oos.UpdateParameterResponse{}},
		{"oos", "2019-06-01", "GetParameter", in("Name", "/a/n"), &oos.GetParameterResponse{}},
		{"oos", "2019-06-01", "GetSecretParameter", in("Name", "/a/s"), &oos.GetSecretParameterResponse{}},
		{"oos", "2019-06-01", "GetParameters", in("Names", `["/a/n","x"]`), &oos.GetParametersResponse{}},
		{"oos", "2019-06-01", "GetParametersByPath", in("Path", "/a"), &oos.GetParametersByPathResponse{}},
		{"oos", "2019-06-01", "ListParameters", in(), &oos.ListParametersResponse{}},
		{"oos", "2019-06-01", "ListParameterVersions", in("Name", "/a/n"), &oos.ListParameterVersionsResponse{}},
		{"oos", "2019-06-01", "DeleteParameter", in("Name", "/a/n"), &oos.DeleteParameterResponse{}},
		{"oos", "2019-06-01", "DeleteSecretParameter", in("Name", "/a/s"), &oos.DeleteSecretParameterResponse{}},
		{"Sts", "2015-04-01", "GetCallerIdentity", in(), &sts.GetCallerIdentityResponse{}},
		{"Sts", "2015-04-01", "AssumeRole", in("RoleArn", role.ARN, "RoleSessionName", "name"), &sts.AssumeRoleResponse{}},
		{"Mns-open", "2022-01-19", "CreateQueue", in("QueueName", "q"), &mnsopen.CreateQueueResponse{}},
		{"Mns-open", "2022-01-19", "SetQueueAttributes", in("QueueName", "q", "DelaySeconds", "1"), &mnsopen.SetQueueAttributesResponse{}},
		{"Mns-open", "2022-01-19", "GetQueueAttributes", in("QueueName", "q"), &mnsopen.GetQueueAttributesResponse{}},
		{"Mns-open", "2022-01-19", "ListQueue", in(), &mnsopen.ListQueueResponse{}},
		{"Mns-open", "2022-01-19", "DeleteQueue", in("QueueName", "q"), &mnsopen.DeleteQueueResponse{}},
	} {
		r := e.Call(asCall(ann, x.product, x.version, x.action, x.p))
		require.Nil(t, r.Err, x.action)
		requireDocumented(t, x.into, r.Response)
	}
}

// published is the folder of the published metadata; it does not ship with the
// project.
func published(t *testing.T, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		require.NotEqual(t, filepath.Dir(dir), dir, "no go.mod above")
	}
	path := filepath.Join(append([]string{dir, "..", "shared"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("the published metadata is not at hand")
	}
	return path
}

func TestParametersAreThePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"oos", "sts"} {
		files, err := filepath.Glob(filepath.Join(published(t, "data", "api-meta", name), "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			var meta struct {
				Name       string
				Parameters []struct {
					Name, Type, Position string
					Required             bool
				}
			}
			require.NoError(t, json.Unmarshal(b, &meta))
			a, ok := engine.Find(name, meta.Name)
			require.True(t, ok, "%s has no %s", name, meta.Name)
			want, have := []engine.Parameter{}, append([]engine.Parameter{}, a.Parameters...)
			for _, p := range meta.Parameters {
				if p.Name == "RegionId" {
					continue // every call may have it
				}
				if p.Type == "Long" {
					p.Type = "Integer" // the metadata tells them apart, the wire does not
				}
				want = append(want, engine.Parameter{Name: p.Name, Type: p.Type, Position: engine.Position(p.Position), Required: p.Required})
			}
			for i := range have {
				if have[i].Type == "Long" {
					have[i].Type = "Integer"
				}
			}
			require.ElementsMatch(t, want, have, meta.Name)
		}
	}
}

func TestAnAnswersTimesAreUTC(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	clock.now = clock.now.In(time.FixedZone("far", 8*3600))
	require.Equal(t, "2026-11-23T12:00:00Z", putParameter(t, e, "one", "v")["CreatedDate"])
}
