package intake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/intake"
	"vpcinterconnect/shared/interconnect"
)

// described is the API's own description, and the schemas compiled so far.
type described struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
	document struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
}

var description = sync.OnceValue(func() *described {
	d := &described{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	d.compiler.AssertFormat()
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(intake.Description))
	if err == nil {
		err = d.compiler.AddResource("openapi.json", whole)
	}
	if err == nil {
		err = json.Unmarshal(intake.Description, &d.document)
	}
	if err != nil {
		panic(err)
	}
	return d
})

// pathOf finds the description's path that a real one is.
func (d *described) pathOf(path string) string {
	parts := strings.Split(path, "/")
	for pattern := range d.document.Paths {
		want := strings.Split(pattern, "/")
		if slices.EqualFunc(parts, want, func(is, want string) bool { return is == want || want == "{id}" && is != "" }) {
			return pattern
		}
	}
	return ""
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

// holds fails the test if the answer is not one that the description announces.
func (d *described) holds(t testing.TB, method, path string, status int, kind string, body []byte) {
	t.Helper()
	kind, _, err := mime.ParseMediaType(kind)
	require.NoError(t, err)
	pattern := d.pathOf(path)
	pointer := "openapi.json#/components/schemas/Problem"
	if pattern != "" && d.document.Paths[pattern][strings.ToLower(method)] != nil {
		var operation struct {
			Responses map[string]struct {
				Ref     string                     `json:"$ref"`
				Content map[string]json.RawMessage `json:"content"`
			} `json:"responses"`
		}
		require.NoError(t, json.Unmarshal(d.document.Paths[pattern][strings.ToLower(method)], &operation))
		response, announced := operation.Responses[fmt.Sprint(status)]
		require.True(t, announced, "%s %s answers %d, which the description does not say", method, pattern, status)
		if response.Ref == "" {
			require.Contains(t, response.Content, kind)
			pointer = fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/%s/schema", escape.Replace(pattern), strings.ToLower(method), status, escape.Replace(kind))
		}
	} else {
		require.GreaterOrEqual(t, status, 400, "%s %s is not described", method, path)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	schema := d.schemas[pointer]
	if schema == nil {
		var err error
		schema, err = d.compiler.Compile(pointer)
		require.NoError(t, err)
		d.schemas[pointer] = schema
	}
	var value any = string(body)
	if strings.HasSuffix(kind, "json") {
		value, err = jsonschema.UnmarshalJSON(bytes.NewReader(body))
		require.NoError(t, err)
	}
	require.NoError(t, schema.Validate(value), "%s %s: %s", method, path, body)
}

func TestTheDescriptionIsServedAndIsOfThisAPI(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.do("GET", "/openapi.json", "")
	require.Equal(t, 200, a.status)
	require.JSONEq(t, string(intake.Description), a.body)
	require.Contains(t, a.body, `"openapi": "3.1.0"`)

	// Every path and method is there, and every other one is not.
	for pattern, methods := range description().document.Paths {
		path := strings.ReplaceAll(pattern, "{id}", "a")
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
			_, described := methods[strings.ToLower(method)]
			require.Equal(t, described, h.do(method, path, "").status != http.StatusMethodNotAllowed, "%s %s", method, path)
		}
	}
}

func TestEveryReferenceOfTheDescriptionLeadsSomewhere(t *testing.T) {
	t.Parallel()
	var whole any
	require.NoError(t, json.Unmarshal(intake.Description, &whole))
	used := map[string]bool{}
	var walk func(at any)
	walk = func(at any) {
		switch v := at.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
			}
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(whole)
	components := whole.(map[string]any)["components"].(map[string]any)
	for name := range components["schemas"].(map[string]any) {
		require.True(t, used["#/components/schemas/"+name], "nothing uses the schema %s", name)
	}
	for ref := range used {
		parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
		require.Contains(t, components[parts[0]], parts[1], ref)
	}
}

func TestTheDescriptionHasTheFieldsThatTheAPIHas(t *testing.T) {
	t.Parallel()
	var whole struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
				Required   []string       `json:"required"`
			} `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(intake.Description, &whole))
	for name, v := range map[string]any{
		"Request": interconnect.Request{}, "Side": interconnect.RequestSide{}, "SecurityGroup": interconnect.RequestGroup{}, "Allow": interconnect.RequestAllow{},
		"Probe": interconnect.RequestProbe{}, "Batch": interconnect.Batch{}, "Shared": interconnect.Shared{}, "Connection": intake.Answer{}, "Step": intake.StepAnswer{},
		"Problem": intake.Problem{}, "FieldProblem": interconnect.FieldProblem{}, "Plan": intake.Plan{}, "Thing": interconnect.Thing{}, "Live": intake.Live{}, "LiveSide": intake.LiveSide{},
		"LiveTable": intake.LiveTable{}, "LiveRoute": intake.LiveRoute{}, "LiveBlock": intake.LiveBlock{}, "List": intake.List{}, "Result": intake.Result{},
		"Verdict": interconnect.Verdict{}, "Ping": interconnect.Ping{}, "PortProbe": interconnect.PortProbe{}, "Stop": interconnect.Stop{}, "Drift": interconnect.Drift{}, "StepProblem": interconnect.Problem{}, "Reach": interconnect.Reach{},
	} {
		fields, needed := jsonFields(reflect.TypeOf(v))
		var described []string
		for property := range whole.Components.Schemas[name].Properties {
			described = append(described, property)
		}
		require.ElementsMatch(t, fields, described, name)
		require.ElementsMatch(t, needed, whole.Components.Schemas[name].Required, name)
	}
}

// jsonFields lists a type's fields in JSON, and those that are always there.
func jsonFields(t reflect.Type) (all, needed []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && !tagged:
			a, n := jsonFields(f.Type)
			all, needed = append(all, a...), append(needed, n...)
		case !f.IsExported() || name == "-":
		default:
			all = append(all, name)
			if !strings.Contains(options, "omit") {
				needed = append(needed, name)
			}
		}
	}
	return all, needed
}

func TestTheDescribedRequestsAreTaken(t *testing.T) {
	t.Parallel()
	d := description()
	d.mu.Lock()
	schema, err := d.compiler.Compile("openapi.json#/components/schemas/Request")
	d.mu.Unlock()
	require.NoError(t, err)
	h := newHouse(t)
	for _, body := range []string{tutorial, nameless, changed, narrower, probing} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(value))
		require.Less(t, h.do("POST", "/connections", body).status, 300)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(tutorial, `"id"`, `"ID"`, 1)))
	require.NoError(t, err)
	require.Error(t, schema.Validate(value))
}

func TestTheEventsOfTheFunctionsTestsAreOfThisAPI(t *testing.T) {
	t.Parallel()
	samples, err := filepath.Glob("../../functions/intake/testdata/http-*.json")
	require.NoError(t, err)
	require.NotEmpty(t, samples)
	for _, sample := range samples {
		text, err := os.ReadFile(sample)
		require.NoError(t, err)
		var event struct {
			RawPath string `json:"rawPath"`
		}
		require.NoError(t, json.Unmarshal(text, &event))
		require.NotEmpty(t, description().pathOf(event.RawPath), sample)
	}
}
