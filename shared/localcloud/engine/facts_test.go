package engine_test

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

	"vpcinterconnect/shared/localcloud/engine"
)

// testsOf returns the test functions of a package's folder, and every string in
// its test files, among which the names of subtests are.
func testsOf(t *testing.T, folder string) (functions, texts map[string]bool) {
	t.Helper()
	functions, texts = map[string]bool{}, map[string]bool{}
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				functions[n.Name.Name] = n.Recv == nil
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					texts[s] = true
				}
			}
			return true
		})
	}
	return functions, texts
}

func TestEveryFactHasASourceAndATest(t *testing.T) {
	t.Parallel()
	switches, quotas := reflect.TypeFor[engine.Switches](), reflect.TypeFor[engine.Quotas]()
	type tests struct{ functions, texts map[string]bool }
	parsed := map[string]tests{} // by folder
	behaviours := map[string]bool{}
	switched := map[string]bool{}
	for _, f := range engine.Facts() {
		require.NotEmpty(t, f.Behaviour)
		require.False(t, behaviours[f.Behaviour], "twice: %s", f.Behaviour)
		behaviours[f.Behaviour] = true
		require.NotEmpty(t, f.Source, f.Behaviour)
		if f.Switch != "" {
			_, isSwitch := switches.FieldByName(f.Switch)
			_, isQuota := quotas.FieldByName(f.Switch)
			require.True(t, isSwitch || isQuota, "there is no switch %s: %s", f.Switch, f.Behaviour)
			switched[f.Switch] = true
		}
		folder, test := ".", f.Test
		if pkg, name, found := strings.Cut(f.Test, "."); found && !strings.Contains(pkg, "/") {
			folder, test = filepath.Join("..", pkg), name
		}
		function, sub, hasSub := strings.Cut(test, "/")
		if _, done := parsed[folder]; !done {
			functions, texts := testsOf(t, folder)
			parsed[folder] = tests{functions, texts}
		}
		require.True(t, parsed[folder].functions[function], "there is no test %s: %s", f.Test, f.Behaviour)
		require.True(t, !hasSub || parsed[folder].texts[sub], "there is no subtest %q: %s", sub, f.Behaviour)
	}
	for i := range switches.NumField() {
		require.True(t, switched[switches.Field(i).Name], "no fact names the switch %s", switches.Field(i).Name)
	}
}
