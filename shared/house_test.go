package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// This file holds the rules of the house: who may import whom, that every
// package says what it is, and that no file outgrows its reader.

const module = "vpcinterconnect/"

// file is one Go file of the project.
type file struct {
	path    string // from the project's root, with slashes
	pkg     string // folder, from the root
	test    bool
	lines   int
	imports []string
	doc     bool
}

func sources(t *testing.T) []file {
	t.Helper()
	root := ".."
	var out []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, content, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		f := file{
			path: filepath.ToSlash(rel), pkg: filepath.ToSlash(filepath.Dir(rel)),
			test: strings.HasSuffix(path, "_test.go"), lines: strings.Count(string(content), "\n"),
			doc: parsed.Doc != nil && isDoc(parsed),
		}
		for _, i := range parsed.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			f.imports = append(f.imports, p)
		}
		out = append(out, f)
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

func isDoc(f *ast.File) bool {
	return f.Name.Name == "main" || strings.HasPrefix(f.Doc.Text(), "Package "+f.Name.Name+" ")
}

func under(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	type rule struct {
		what string
		who  func(file) bool               // files that the rule is about
		bad  func(f file, imp string) bool // imports that break it
	}
	ours := func(imp string, folders ...string) bool {
		rest, ok := strings.CutPrefix(imp, module)
		return ok && under(rest, folders...)
	}
	rules := []rule{
		{"interconnect and reachability are pure: nothing of ours, no SDK", func(f file) bool { return !f.test && under(f.pkg, "shared/interconnect", "shared/reachability") },
			func(f file, imp string) bool {
				return strings.HasPrefix(imp, module) && !ours(imp, "shared/interconnect") || strings.HasPrefix(imp, "github.com/aliyun") || imp == "net/http"
			}},
		{"only alicloud imports the SDK", func(f file) bool { return !f.test && !under(f.pkg, "shared/alicloud") },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/aliyun/alibaba-cloud-sdk-go") }},
		{"only mns imports the MNS SDK", func(f file) bool { return !f.test && !under(f.pkg, "shared/mns") },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/aliyun/aliyun-mns-go-sdk") }},
		{"only trigger imports the runtime SDK", func(f file) bool { return !f.test && !under(f.pkg, "shared/trigger") },
			func(_ file, imp string) bool { return strings.HasPrefix(imp, "github.com/aliyun/fc-runtime-go-sdk") }},
		{"alicloud, mns and records are wired by main.go files and tests only",
			func(f file) bool { return !f.test && filepath.Base(f.path) != "main.go" && !under(f.pkg, "shared/cmd") },
			func(f file, imp string) bool {
				return ours(imp, "shared/alicloud", "shared/mns", "shared/records") && !under(f.pkg, "shared/alicloud", "shared/mns", "shared/records")
			}},
		{"steps import interconnect, reachability and chain, nothing else of ours", func(f file) bool { return !f.test && under(f.pkg, "shared/steps") },
			func(_ file, imp string) bool {
				return strings.HasPrefix(imp, module) && !ours(imp, "shared/interconnect", "shared/reachability", "shared/chain")
			}},
		{"the local cloud imports nothing of ours", func(f file) bool { return !f.test && under(f.pkg, "shared/localcloud") },
			func(_ file, imp string) bool {
				return strings.HasPrefix(imp, module) && !ours(imp, "shared/localcloud")
			}},
		{"no function imports the local cloud", func(f file) bool { return !f.test && under(f.pkg, "functions") },
			func(_ file, imp string) bool { return ours(imp, "shared/localcloud") }},
		{"test libraries stay out of what is deployed", func(f file) bool { return !f.test },
			func(_ file, imp string) bool {
				return strings.HasPrefix(imp, "github.com/stretchr/testify") || imp == "pgregory.net/rapid"
			}},
	}
	for _, f := range sources(t) {
		for _, r := range rules {
			if !r.who(f) {
				continue
			}
			for _, imp := range f.imports {
				if r.bad(f, imp) {
					t.Errorf("%s imports %s, but %s", f.path, imp, r.what)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		seen[f.pkg] = true
		documented[f.pkg] = documented[f.pkg] || f.doc
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestNoPackageIsACatchAll(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if slices.Contains([]string{"util", "utils", "common", "helpers", "types", "misc"}, filepath.Base(f.pkg)) {
			t.Errorf("%s: a name that says nothing", f.path)
		}
	}
}

// longFiles may be longer than the rest, each for a reason.
var longFiles = map[string]string{}

func TestNoFileOutgrowsItsReader(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if _, ok := longFiles[f.path]; f.lines > 500 && !ok {
			t.Errorf("%s has %d lines; 500 are the most", f.path, f.lines)
		}
	}
}

func TestTheTopLevelHoldsOnlyWhatItShould(t *testing.T) {
	t.Parallel()
	allowed := []string{"functions", "shared", "template.yml", "s.yaml", "go.mod", "go.sum", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"}
	entries, err := os.ReadDir("..")
	require.NoError(t, err)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}
