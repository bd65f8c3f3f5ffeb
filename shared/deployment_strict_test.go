package shared_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/fc/manifest"
)

// What the deployers themselves let pass: a misspelt key of s.yaml is ignored
// by Serverless Devs, and comes to light as a function without its timeout.

// triggerConfigs are the schema's definitions by trigger type. The schema
// itself takes any of them for any type, and an empty one for all. It leaves
// runOptions and the parameters of an event source open; the project's own
// table of keys, in package manifest, does not.
var triggerConfigs = map[string]string{
	"http": "IHttpTriggerConfig", "timer": "ITimerTriggerConfig", "eventbridge": "IEventBridge",
	"log": "ILogTriggerConfig", "oss": "IOssTriggerConfig", "mns_topic": "IMnsTriggerConfig", "cdn_events": "ICdnTriggerConfig",
}

// strict makes every object of a schema take its own properties only. The
// branches of conditions are left alone: they name some properties of a whole.
func strict(node any) any {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			if k != "if" && k != "then" && k != "else" {
				n[k] = strict(v)
			}
		}
		_, properties := n["properties"]
		_, open := n["additionalProperties"]
		if properties && !open && n["type"] == "object" {
			n["additionalProperties"] = false
		}
	case []any:
		for i := range n {
			n[i] = strict(n[i])
		}
	}
	return node
}

// componentSchema compiles the fc3 component's own schema, made strict.
func componentSchema(t *testing.T) (props *jsonschema.Schema, triggers map[string]*jsonschema.Schema) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "fc3-schema.json"))
	if err != nil {
		t.Skip("the schema of the component fc3 is not here; the project's own table of keys holds s.yaml in TestATypoInAnyKeyIsRefusedByItsName")
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	root := strict(doc).(map[string]any)
	definitions := root["definitions"].(map[string]any)
	// Each trigger's config is held to its own type's definition, apart.
	definitions["ITrigger"].(map[string]any)["properties"].(map[string]any)["triggerConfig"] = map[string]any{"type": "object"}
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("fc3.json", root))
	props, err = c.Compile("fc3.json")
	require.NoError(t, err)
	triggers = map[string]*jsonschema.Schema{}
	for kind, name := range triggerConfigs {
		triggers[kind], err = c.Compile("fc3.json#/definitions/" + name)
		require.NoError(t, err)
	}
	return props, triggers
}

var (
	fromEnvironment = regexp.MustCompile(`\$\{env\('[A-Z_]+', '([^']*)'\)\}`)
	fromVars        = regexp.MustCompile(`\$\{vars\.([a-z]+)\}`)
)

// resolved is s.yaml with its variables at their defaults.
func resolved(t *testing.T, text string) map[string]any {
	t.Helper()
	text = fromEnvironment.ReplaceAllString(text, "'$1'")
	var first struct {
		Vars map[string]string `yaml:"vars"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &first))
	text = fromVars.ReplaceAllStringFunc(text, func(v string) string {
		name := fromVars.FindStringSubmatch(v)[1]
		value, ok := first.Vars[name]
		require.True(t, ok, "there is no variable %s", name)
		return value
	})
	require.NotContains(t, text, "${", "a variable of a kind that this test does not resolve")
	var file map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &file))
	asJSON, err := json.Marshal(file)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	require.NoError(t, err)
	return doc.(map[string]any)
}

// againstSchema returns what the strict schema has against a s.yaml.
func againstSchema(props *jsonschema.Schema, triggers map[string]*jsonschema.Schema, file map[string]any) (problems []error) {
	resources, _ := file["resources"].(map[string]any)
	for id, r := range resources {
		p, ok := r.(map[string]any)["props"]
		if !ok {
			problems = append(problems, fmt.Errorf("resource %s has no props", id))
			continue
		}
		if err := props.Validate(p); err != nil {
			problems = append(problems, fmt.Errorf("resource %s: %w", id, err))
		}
		list, _ := p.(map[string]any)["triggers"].([]any)
		for _, item := range list {
			trigger, _ := item.(map[string]any)
			kind, _ := trigger["triggerType"].(string)
			if s := triggers[kind]; s == nil {
				problems = append(problems, fmt.Errorf("resource %s: no definition for triggers of type %q", id, kind))
			} else if err := s.Validate(trigger["triggerConfig"]); err != nil {
				problems = append(problems, fmt.Errorf("resource %s, trigger %v: %w", id, trigger["triggerName"], err))
			}
		}
	}
	return problems
}

func TestTheManifestFitsTheComponentsSchemaMadeStrict(t *testing.T) {
	t.Parallel()
	props, triggers := componentSchema(t)
	content, err := os.ReadFile("../s.yaml")
	require.NoError(t, err)
	require.Empty(t, againstSchema(props, triggers, resolved(t, string(content))))

	// That it is strict: what the component's own validation lets pass fails.
	for name, change := range map[string][2]string{
		"a key that there is not":             {"memorySize:", "memorysize:"},
		"a key of a trigger that is not":      {"authType:", "authTypo:"},
		"a key inside a queue trigger":        {"deliveryOption:", "deliveryOptions:"},
		"a memory that is no multiple":        {"memorySize: 512", "memorySize: 500"},
		"a runtime that there is not":         {"runtime: go1", "runtime: go2"},
		"a trigger's config of another type":  {"triggerType: timer", "triggerType: http"},
		"a queue trigger without its options": {"            runOptions:\n              mode", "            eventRunOptions:\n              mode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, string(content), change[0])
			bad := strings.Replace(string(content), change[0], change[1], 1)
			require.NotEmpty(t, againstSchema(props, triggers, resolved(t, bad)))
		})
	}
}

// key is one key of a YAML file, with its place.
type key struct {
	name       string
	path       []string
	start, end int // in the file
}

// place is the key's path with what one resource is in place of its name, so
// that the same key of two queues counts once.
func (k key) place(content string) string {
	path := slices.Clone(k.path)
	if len(path) > 2 && path[0] == "Resources" {
		if _, after, ok := strings.Cut(content, "\n  "+path[1]+":\n    Type: "); ok {
			path[1] = strings.Fields(after)[0]
		}
	}
	if len(path) > 2 && (path[0] == "resources" || path[0] == "Outputs") {
		path[1] = "*"
	}
	return strings.Join(path, ".")
}

var keyForm = regexp.MustCompile(`(?:^|[\s{,])(?:- )?([A-Za-z][A-Za-z0-9:._-]*?):(?:\s|$)`)

// keysOf finds every key of a YAML file, those of flow mappings too. It knows
// as much of YAML as the two files use.
func keysOf(t *testing.T, content string) (keys []key) {
	t.Helper()
	type level struct {
		indent int
		name   string
	}
	var at []level
	offset, block := 0, -1
	for line := range strings.Lines(content) {
		text := strings.TrimRight(line, "\n")
		bare := strings.TrimLeft(text, " ")
		indent := len(text) - len(bare)
		inBlock := block >= 0 && (indent > block || bare == "")
		switch {
		case bare == "" || strings.HasPrefix(bare, "#") || inBlock:
		default:
			block = -1
			for strings.HasPrefix(bare, "- ") { // an element's keys are one level deeper
				bare = bare[2:]
				indent += 2
			}
			for len(at) > 0 && at[len(at)-1].indent >= indent {
				at = at[:len(at)-1]
			}
			quoted := regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("_", len(s)) })
			for n, m := range keyForm.FindAllStringSubmatchIndex(quoted, -1) {
				name := text[m[2]:m[3]]
				var path []string
				for _, l := range at {
					path = append(path, l.name)
				}
				keys = append(keys, key{name, append(path, name), offset + m[2], offset + m[3]})
				if n == 0 {
					at = append(at, level{indent, name})
				}
			}
			if strings.HasSuffix(bare, ">-") || strings.HasSuffix(bare, "|") {
				block = at[len(at)-1].indent
			}
		}
		offset += len(line)
	}
	require.Greater(t, len(keys), 50)
	return keys
}

// isName tells whether a key is a name that its writer chooses.
func isName(path []string) bool {
	parent := ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	return len(path) == 2 && slices.Contains([]string{"Parameters", "Resources", "Outputs", "vars", "resources"}, parent) ||
		parent == "environmentVariables"
}

// twins are resources that have no key that another one does not have; nothing
// refers to them but outputs. Without them the files are read in half the time.
var twins = regexp.MustCompile(`(?ms)^  (?:(?:Routes|SecurityGroups|Verification|Outcomes)Queue|(?:Intake|Peering|SecurityGroups|Verification)Role|BrokenAlarm|SilentAlarm|Outcomes|OutcomesUrl|routes|securitygroups|verification):\n(?:    .*?\n|\n)+?(?:  # The .*?\n)*(  [A-Za-z]+:\n|  #|\n?\S|\z)`)

func withoutTwins(text string) string {
	for {
		shorter := twins.ReplaceAllString(text, "$1")
		if shorter == text {
			return text
		}
		text = shorter
	}
}

// places are the places of a file's keys.
func places(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for _, k := range keysOf(t, text) {
		if !isName(k.path) {
			all = append(all, k.place(text))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// underRace is set where the race detector makes everything many times slower.
var underRace bool

func TestATypoInAnyKeyIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	readers := map[string]func(string) error{
		"../s.yaml": func(text string) error {
			_, err := manifest.Functions("s.yaml", []byte(text), func(string) (string, bool) { return "", false })
			return err
		},
		"../template.yml": func(text string) error {
			_, err := manifest.Template("template.yml", []byte(text), manifest.Pseudo{Region: testRegion, AccountID: testAccount, StackName: "test"})
			return err
		},
	}
	for file, read := range readers {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		text := withoutTwins(string(content))
		require.NoError(t, read(text))
		require.Equal(t, places(t, string(content)), places(t, text))
		seen := map[string]bool{}
		for i, k := range keysOf(t, text) {
			if underRace && i%5 > 0 {
				continue // make verify tries all, without the race detector
			}
			place := k.place(text)
			if seen[place] {
				continue
			}
			seen[place] = true
			wrong := k.name + "x"
			err := read(text[:k.start] + wrong + text[k.end:])
			switch {
			case isName(k.path):
				// A name that something refers to is missed; of another a test
				// tells that nobody knows it.
			case err == nil:
				t.Errorf("%s: %s for %s passes", file, wrong, strings.Join(k.path, "."))
			case !strings.Contains(err.Error(), k.name):
				t.Errorf("%s: %s for %s: the error does not name it: %s", file, wrong, strings.Join(k.path, "."), err)
			}
		}
	}
}

// An environment variable that no function reads is a typo, too.
func TestEveryEnvironmentVariableIsReadByItsFunction(t *testing.T) {
	t.Parallel()
	functions, _ := deployment(t)
	for _, f := range functions {
		sources, err := filepath.Glob(filepath.Join("..", "functions", f.ID, "*.go"))
		require.NoError(t, err)
		read := ""
		for _, s := range sources {
			if !strings.HasSuffix(s, "_test.go") {
				content, err := os.ReadFile(s)
				require.NoError(t, err)
				read += string(content)
			}
		}
		for name := range f.Environment {
			require.Contains(t, read, `"`+name+`"`, "functions/%s does not read %s", f.ID, name)
		}
	}
}
