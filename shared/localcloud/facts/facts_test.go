package facts_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/desk"
	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/facts"
	"vpcinterconnect/shared/localcloud/fc"
)

// tests are a package's test functions, and every string in its test files,
// among which the names of subtests are.
type tests struct{ functions, texts map[string]bool }

func testsOf(t *testing.T, folder string) tests {
	t.Helper()
	found := tests{map[string]bool{}, map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				found.functions[n.Name.Name] = n.Recv == nil
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					found.texts[s] = true
				}
			}
			return true
		})
	}
	return found
}

// switchesOf are the names of a struct's fields.
func switchesOf(of ...reflect.Type) map[string]bool {
	names := map[string]bool{}
	for _, t := range of {
		for _, f := range reflect.VisibleFields(t) {
			names[f.Name] = true
		}
	}
	return names
}

func TestEveryFactHasASourceAndATest(t *testing.T) {
	t.Parallel()
	behaviours, switched, parsed := map[string]bool{}, map[string]bool{}, map[string]tests{}
	for _, part := range []struct {
		home     string
		sections []facts.Section
		switches map[string]bool
	}{
		{"engine", engine.Sections(), switchesOf(reflect.TypeFor[engine.Switches](), reflect.TypeFor[engine.Quotas]())},
		{"fc", fc.Sections(), switchesOf(reflect.TypeFor[fc.Options]())},
		{"desk", desk.Sections(), switchesOf(reflect.TypeFor[desk.JiraOptions](), reflect.TypeFor[desk.ServiceNowOptions]())},
	} {
		for _, s := range part.sections {
			require.NotEmpty(t, s.Name)
			require.NotEmpty(t, s.Facts, s.Name)
			for _, f := range s.Facts {
				require.NotEmpty(t, f.Behaviour)
				require.False(t, behaviours[f.Behaviour], "twice: %s", f.Behaviour)
				behaviours[f.Behaviour] = true
				require.NotEmpty(t, f.Source, f.Behaviour)
				if f.Switch != "" {
					require.True(t, part.switches[f.Switch], "there is no switch %s: %s", f.Switch, f.Behaviour)
					switched[f.Switch] = true
				}
				folder, test := part.home, f.Test
				if pkg, name, found := strings.Cut(f.Test, "."); found && !strings.Contains(pkg, "/") {
					folder, test = pkg, name
				}
				if folder == "manifest" {
					folder = "fc/manifest"
				}
				function, sub, hasSub := strings.Cut(test, "/")
				if _, done := parsed[folder]; !done {
					parsed[folder] = testsOf(t, filepath.Join("..", folder))
				}
				require.True(t, parsed[folder].functions[function], "there is no test %s: %s", f.Test, f.Behaviour)
				require.True(t, !hasSub || parsed[folder].texts[sub], "there is no subtest %q: %s", sub, f.Behaviour)
			}
		}
	}
	for name := range switchesOf(reflect.TypeFor[engine.Switches]()) {
		require.True(t, switched[name], "no fact names the switch %s", name)
	}
}

func TestTheTableAsText(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, facts.Markdown(&out, []facts.Section{{Name: "Empty"}, {Name: "VPC", Facts: []facts.Fact{{Behaviour: "It is|so.", Source: "UNCONFIRMED: a guess", Switch: "Other", Test: "TestIt"}}}}))
	require.Equal(t, "## VPC\n\n| Behaviour | Source | Switch | Test |\n|---|---|---|---|\n| It is\\|so. | UNCONFIRMED: a guess | Other | TestIt |\n\n", out.String())
	require.True(t, facts.Fact{Source: "UNCONFIRMED: x"}.Open())
	require.True(t, facts.Fact{Source: "a document", Switch: "X"}.Open())
	require.False(t, facts.Fact{Source: "a document"}.Open())
}
