package manifest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"vpcinterconnect/shared/localcloud/yamlfile"
)

var (
	variable = regexp.MustCompile(`\$\{[^{}]*\}`)
	envForm  = regexp.MustCompile(`^env\(\s*['"]([A-Za-z_][A-Za-z0-9_]*)['"]\s*(?:,\s*(?:'([^']*)'|"([^"]*)")\s*)?\)$`)
)

// expandVariables replaces ${vars.x}, ${env('X', 'default')} and
// ${resources.x.props.y} in every value, in the order in which they need each
// other.
func expandVariables(f *yamlfile.File, env func(string) (string, bool)) error {
	raw := map[string]string{} // path -> value as written
	if err := f.Expand(func(path, value string) (string, error) { raw[path] = value; return value, nil }); err != nil {
		return err
	}
	x := expander{raw: raw, env: env, done: map[string]string{}, busy: map[string]bool{}}
	return f.Expand(func(path, _ string) (string, error) { return x.at(path) })
}

type expander struct {
	raw  map[string]string
	env  func(string) (string, bool)
	done map[string]string
	busy map[string]bool
}

// at returns the value at a path, expanded.
func (x *expander) at(path string) (string, error) {
	if v, ok := x.done[path]; ok {
		return v, nil
	}
	value, ok := x.raw[path]
	if !ok {
		return "", fmt.Errorf("there is no text at %s", path)
	}
	if x.busy[path] {
		return "", fmt.Errorf("%s needs itself", path)
	}
	x.busy[path] = true
	defer delete(x.busy, path)
	var problems []error
	out := variable.ReplaceAllStringFunc(value, func(v string) string {
		s, err := x.lookUp(strings.TrimSpace(v[2 : len(v)-1]))
		if err != nil {
			problems = append(problems, err)
		}
		return s
	})
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	x.done[path] = out
	return out, nil
}

func (x *expander) lookUp(what string) (string, error) {
	if m := envForm.FindStringSubmatch(what); m != nil {
		if v, ok := x.env(m[1]); ok {
			return v, nil
		}
		if !strings.Contains(what, ",") {
			return "", fmt.Errorf("the environment variable %s is not set and ${%s} has no default", m[1], what)
		}
		return m[2] + m[3], nil
	}
	if strings.HasPrefix(what, "vars.") || strings.HasPrefix(what, "resources.") {
		return x.at(what)
	}
	return "", fmt.Errorf("${%s} is not implemented: ${vars.…}, ${env('…', '…')} and ${resources.….props.…} are", what)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
