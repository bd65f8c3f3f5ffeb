package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/engine"
)

func asMap(t *testing.T, response any) map[string]any {
	t.Helper()
	b, err := json.Marshal(response)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m))
	return m
}

func callOos(e *engine.Engine, action string, p ...string) engine.Result {
	m := map[string]string{"RegionId": home}
	for i := 0; i < len(p); i += 2 {
		m[p[i]] = p[i+1]
	}
	return e.Call(asCall(engine.Credential{}, "oos", "2019-06-01", action, m))
}

func oosOK(t *testing.T, e *engine.Engine, action string, p ...string) map[string]any {
	t.Helper()
	r := callOos(e, action, p...)
	require.Nil(t, r.Err)
	return asMap(t, r.Response)
}

func putParameter(t *testing.T, e *engine.Engine, name, value string, more ...string) map[string]any {
	t.Helper()
	return oosOK(t, e, "CreateParameter", append([]string{"Name", name, "Type", "String", "Value", value}, more...)...)["Parameter"].(map[string]any)
}

func parameterNames(list any) []string {
	out := []string{}
	for _, x := range list.([]any) {
		out = append(out, x.(map[string]any)["Name"].(string))
	}
	return out
}

func TestAParameterKeepsItsVersions(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	made := putParameter(t, e, "/vi/a/request", "one", "Tags", `{"k":"v"}`, "Description", "d")
	require.EqualValues(t, 1, made["ParameterVersion"])
	require.Equal(t, "Private", made["ShareType"])
	require.Equal(t, map[string]any{"k": "v"}, made["Tags"])
	clock.advance(time.Minute)
	updated := oosOK(t, e, "UpdateParameter", "Name", "/vi/a/request", "Value", "two")["Parameter"].(map[string]any)
	require.EqualValues(t, 2, updated["ParameterVersion"])
	require.Equal(t, `{"k":"v"}`, updated["Tags"], "a string, in this answer alone")
	require.NotContains(t, updated, "Value")
	again := oosOK(t, e, "UpdateParameter", "Name", "/vi/a/request", "Value", "two")["Parameter"].(map[string]any)
	require.EqualValues(t, 3, again["ParameterVersion"], "an equal value is a version too")

	got := oosOK(t, e, "GetParameter", "Name", "/vi/a/request")["Parameter"].(map[string]any)
	require.Equal(t, "two", got["Value"])
	require.Equal(t, "2026-11-23T12:00:00Z", got["CreatedDate"])
	require.Equal(t, "2026-11-23T12:01:00Z", got["UpdatedDate"])
	old := oosOK(t, e, "GetParameter", "Name", "/vi/a/request", "ParameterVersion", "1")["Parameter"].(map[string]any)
	require.Equal(t, "one", old["Value"])
	require.Equal(t, "EntityNotExists.ParameterVersion", callOos(e, "GetParameter", "Name", "/vi/a/request", "ParameterVersion", "9").Err.Code)

	page := oosOK(t, e, "ListParameterVersions", "Name", "/vi/a/request", "MaxResults", "2")
	require.EqualValues(t, 3, page["TotalCount"])
	require.EqualValues(t, 3, page["ParameterVersions"].([]any)[0].(map[string]any)["ParameterVersion"], "the newest first")
	rest := oosOK(t, e, "ListParameterVersions", "Name", "/vi/a/request", "MaxResults", "2", "NextToken", page["NextToken"].(string))
	require.Len(t, rest["ParameterVersions"], 1)
	require.Empty(t, rest["NextToken"])

	require.NotEmpty(t, oosOK(t, e, "DeleteParameter", "Name", "/vi/a/request")["RequestId"])
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "GetParameter", "Name", "/vi/a/request").Err.Code)
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "UpdateParameter", "Name", "/vi/a/request", "Value", "x").Err.Code)
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "DeleteParameter", "Name", "/vi/a/request").Err.Code)
	require.EqualValues(t, 1, putParameter(t, e, "/vi/a/request", "new")["ParameterVersion"], "a new one begins anew")
}

func TestAParametersHistoryIsBounded(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	putParameter(t, e, "long", "0")
	for i := range 120 {
		oosOK(t, e, "UpdateParameter", "Name", "long", "Value", fmt.Sprint(i))
	}
	list := oosOK(t, e, "ListParameterVersions", "Name", "long")
	require.EqualValues(t, 100, list["TotalCount"])
	require.EqualValues(t, 121, list["ParameterVersions"].([]any)[0].(map[string]any)["ParameterVersion"])
}

func TestWhatAParameterMayBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change   map[string]string
		switches engine.Switches
		code     string
	}{
		"a value of 4,096 characters":           {change: map[string]string{"Value": strings.Repeat("ü", 4096)}},
		"a value of 4,097 characters":           {change: map[string]string{"Value": strings.Repeat("x", 4097)}, code: "InvalidParameter"},
		"a value of none":                       {change: map[string]string{"Value": ""}, code: "MissingParameter"},
		"a name of 180 characters":              {change: map[string]string{"Name": strings.Repeat("n", 180)}},
		"a name of 181 characters":              {change: map[string]string{"Name": strings.Repeat("n", 181)}, code: "InvalidParameter"},
		"a name of 200 characters, if switched": {change: map[string]string{"Name": strings.Repeat("n", 200)}, switches: engine.Switches{LongParameterNames: true}},
		"a name of one character":               {change: map[string]string{"Name": "n"}, code: "InvalidParameter"},
		"a name with a dot":                     {change: map[string]string{"Name": "a.b"}, code: "InvalidParameter"},
		"a name that is the cloud's":            {change: map[string]string{"Name": "oos-mine"}, code: "InvalidParameter"},
		"a list":                                {change: map[string]string{"Type": "StringList", "Value": "a,b"}},
		"a number":                              {change: map[string]string{"Type": "Number"}, code: "InvalidParameter"},
		"a description of 201 characters":       {change: map[string]string{"Description": strings.Repeat("d", 201)}, code: "InvalidParameter"},
		"tags that are no JSON":                 {change: map[string]string{"Tags": "k=v"}, code: "InvalidParameter"},
		"a value within its constraints":        {change: map[string]string{"Constraints": `{"AllowedValues":["v","w"],"AllowedPattern":"^.$","MinLength":1,"MaxLength":1}`}},
		"a value that is not allowed":           {change: map[string]string{"Constraints": `{"AllowedValues":["w"]}`}, code: "InvalidParameter"},
		"a value of another pattern":            {change: map[string]string{"Constraints": `{"AllowedPattern":"^[0-9]+$"}`}, code: "InvalidParameter"},
		"a value that is too short":             {change: map[string]string{"Constraints": `{"MinLength":2}`}, code: "InvalidParameter"},
		"constraints that nobody knows":         {change: map[string]string{"Constraints": `{"Odd":true}`}, code: "InvalidParameter"},
		"a parameter that the action lacks":     {change: map[string]string{"Overwrite": "true"}, code: "UnsupportedParameter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, _ := cloudByHand(engine.Options{Switches: tc.switches})
			p := map[string]string{"Name": "name", "Type": "String", "Value": "v"}
			for k, v := range tc.change {
				p[k] = v
			}
			var flat []string
			for k, v := range p {
				flat = append(flat, k, v)
			}
			r := callOos(e, "CreateParameter", flat...)
			if tc.code == "" {
				require.Nil(t, r.Err)
				return
			}
			require.NotNil(t, r.Err)
			require.Equal(t, tc.code, r.Err.Code)
		})
	}
}

func TestANameIsTakenOncePerRegion(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	putParameter(t, e, "one", "v")
	again := callOos(e, "CreateParameter", "Name", "one", "Type", "String", "Value", "w")
	require.Equal(t, "EntityAlreadyExists.Parameter", again.Err.Code)
	require.Equal(t, 409, again.Err.Status)
	require.Nil(t, callOos(e, "CreateParameter", "Name", "one", "Type", "String", "Value", "w", "RegionId", "cn-beijing").Err)
	require.Equal(t, "v", oosOK(t, e, "GetParameter", "Name", "one")["Parameter"].(map[string]any)["Value"])
	require.Equal(t, "InvalidRegionId.NotFound", callOos(e, "GetParameter", "Name", "one", "RegionId", "mars").Err.Code)
	require.Equal(t, 404, callOos(e, "GetParameter", "Name", "two").Err.Status)

	e, _ = cloudByHand(engine.Options{Switches: engine.Switches{ParameterErrorsAre400: true}})
	putParameter(t, e, "one", "v")
	again = callOos(e, "CreateParameter", "Name", "one", "Type", "String", "Value", "w")
	require.Equal(t, []any{"EntityAlreadyExists.Parameter", 400}, []any{again.Err.Code, again.Err.Status})
	missing := callOos(e, "GetParameter", "Name", "two")
	require.Equal(t, []any{"EntityNotExists.Parameter", 400}, []any{missing.Err.Code, missing.Err.Status})
}

func TestAClientTokenMakesAParameterOnce(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	first := putParameter(t, e, "one", "v", "ClientToken", "t")
	second := putParameter(t, e, "one", "v", "ClientToken", "t")
	require.Equal(t, first, second)
	require.Equal(t, "IdempotentParameterMismatch", callOos(e, "CreateParameter", "Name", "one", "Type", "String", "Value", "w", "ClientToken", "t").Err.Code)
}

func TestParametersByPath(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	for _, name := range []string{"/vi/b/request", "/vi/a/request", "/vi/a/peering", "/vi/top", "/vim/a/request", "/other"} {
		putParameter(t, e, name, "v")
	}
	for name, tc := range map[string]struct {
		path, recursive string
		want            []string
	}{
		"a folder alone":             {"/vi", "false", []string{"/vi/top"}},
		"a folder and all below":     {"/vi", "true", []string{"/vi/a/peering", "/vi/a/request", "/vi/b/request", "/vi/top"}},
		"a folder with its slash":    {"/vi/a/", "", []string{"/vi/a/peering", "/vi/a/request"}},
		"a folder that is not there": {"/none", "true", []string{}},
		"everything":                 {"/", "true", []string{"/other", "/vi/a/peering", "/vi/a/request", "/vi/b/request", "/vi/top", "/vim/a/request"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := oosOK(t, e, "GetParametersByPath", "Path", tc.path, "Recursive", tc.recursive)
			require.Equal(t, tc.want, parameterNames(got["Parameters"]))
			require.EqualValues(t, len(tc.want), got["TotalCount"])
		})
	}
	t.Run("in pages", func(t *testing.T) {
		t.Parallel()
		var all []string
		for token, pages := "", 0; ; pages++ {
			require.Less(t, pages, 4)
			got := oosOK(t, e, "GetParametersByPath", "Path", "/vi", "Recursive", "true", "MaxResults", "3", "NextToken", token)
			all = append(all, parameterNames(got["Parameters"])...)
			if token = got["NextToken"].(string); token == "" {
				break
			}
		}
		require.Equal(t, []string{"/vi/a/peering", "/vi/a/request", "/vi/b/request", "/vi/top"}, all)
	})
	for name, p := range map[string][]string{
		"a path that does not begin with a slash": {"Path", "vi"},
		"a page of none":       {"Path", "/vi", "MaxResults", "0"},
		"a token of one's own": {"Path", "/vi", "NextToken", "x"},
	} {
		require.Equal(t, "InvalidParameter", callOos(e, "GetParametersByPath", p...).Err.Code, name)
	}
}

func TestListingParameters(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{})
	for i, name := range []string{"/b/x", "/a/y", "/a/x"} {
		putParameter(t, e, name, "v", "Tags", fmt.Sprintf(`{"n":"%d"}`, i))
		clock.advance(time.Second)
	}
	oosOK(t, e, "CreateParameter", "Name", "list", "Type", "StringList", "Value", "v", "ResourceGroupId", "rg-1")
	for name, tc := range map[string]struct {
		p    []string
		want []string
	}{
		"all, by name":         {nil, []string{"/a/x", "/a/y", "/b/x", "list"}},
		"by part of a name":    {[]string{"Name", "x"}, []string{"/a/x", "/b/x"}},
		"by path":              {[]string{"Path", "/a"}, []string{"/a/x", "/a/y"}},
		"by type":              {[]string{"Type", "StringList"}, []string{"list"}},
		"by tag":               {[]string{"Tags", `{"n":"1"}`}, []string{"/a/y"}},
		"by group":             {[]string{"ResourceGroupId", "rg-1"}, []string{"list"}},
		"the newest first":     {[]string{"SortField", "CreatedDate", "SortOrder", "Descending"}, []string{"list", "/a/x", "/a/y", "/b/x"}},
		"private ones, as all": {[]string{"ShareType", "Private"}, []string{"/a/x", "/a/y", "/b/x", "list"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := oosOK(t, e, "ListParameters", tc.p...)
			require.Equal(t, tc.want, parameterNames(got["Parameters"]))
			require.Equal(t, "1", got["Parameters"].([]any)[0].(map[string]any)["ParameterVersion"], "a string, in this answer alone")
		})
	}
	require.Equal(t, "UnsupportedParameter", callOos(e, "ListParameters", "ShareType", "Public").Err.Code)
	got := oosOK(t, e, "GetParameters", "Names", `["/a/x","none","list"]`)
	require.Equal(t, []string{"/a/x", "list"}, parameterNames(got["Parameters"]))
	require.Equal(t, []any{"none"}, got["InvalidParameters"])
	require.Equal(t, "InvalidParameter", callOos(e, "GetParameters", "Names", "/a/x").Err.Code)
}

func TestASecretShowsItsValueOnlyDecrypted(t *testing.T) {
	t.Parallel()
	e, _ := cloudByHand(engine.Options{})
	made := oosOK(t, e, "CreateSecretParameter", "Name", "token", "Value", "hush", "KeyId", "key-1")["Parameter"].(map[string]any)
	require.Equal(t, "Secret", made["Type"])
	require.Equal(t, "key-1", made["KeyId"])
	require.Empty(t, made["Value"])
	get := func(p ...string) any {
		return oosOK(t, e, "GetSecretParameter", append([]string{"Name", "token"}, p...)...)["Parameter"].(map[string]any)["Value"]
	}
	require.Empty(t, get())
	require.Equal(t, "hush", get("WithDecryption", "true"))
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "GetParameter", "Name", "token").Err.Code)
	require.Empty(t, oosOK(t, e, "ListParameters")["Parameters"])
	require.Equal(t, "EntityAlreadyExists.Parameter", callOos(e, "CreateParameter", "Name", "token", "Type", "String", "Value", "x").Err.Code)
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "DeleteParameter", "Name", "token").Err.Code)
	require.Nil(t, callOos(e, "DeleteSecretParameter", "Name", "token").Err)
}

// lagging makes reads see the world as it was two seconds ago.
type lagging struct{}

func (lagging) Call(_, _ string, write bool) engine.Fault {
	if write {
		return engine.Fault{}
	}
	return engine.Fault{Lag: 2 * time.Second}
}

func (lagging) Slow(time.Duration) time.Duration { return 0 }

func TestAReadMayLagAndAWriteMayNot(t *testing.T) {
	t.Parallel()
	e, clock := cloudByHand(engine.Options{Faults: lagging{}})
	putParameter(t, e, "one", "old")
	require.Equal(t, "EntityNotExists.Parameter", callOos(e, "GetParameter", "Name", "one").Err.Code)
	require.Equal(t, "EntityAlreadyExists.Parameter", callOos(e, "CreateParameter", "Name", "one", "Type", "String", "Value", "x").Err.Code)
	clock.advance(2 * time.Second)
	oosOK(t, e, "UpdateParameter", "Name", "one", "Value", "new")
	require.Equal(t, "old", oosOK(t, e, "GetParameter", "Name", "one")["Parameter"].(map[string]any)["Value"])
	clock.advance(2 * time.Second)
	require.Equal(t, "new", oosOK(t, e, "GetParameter", "Name", "one")["Parameter"].(map[string]any)["Value"])
}
