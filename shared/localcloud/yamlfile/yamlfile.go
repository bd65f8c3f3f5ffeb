// Package yamlfile reads YAML strictly: a key that nothing stands behind is an
// error, and every error names the file, the line and the key's path.
package yamlfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Error is what is wrong with a file, and where.
type Error struct {
	File    string
	Line    int    // 1 is the first; 0 if the problem is of the file as a whole
	Path    string // "vpcs[0].cidrBlock"; "" for the file as a whole
	Problem string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// File is a parsed YAML file of one document.
type File struct {
	name string
	root ast.Node
	at   map[string]int    // path -> line of its key, or of its element
	path map[[2]int]string // line and column of a token -> path
}

// longest is the longest file that is read, in bytes.
const longest = 4 << 20

// Parse reads data; name is what errors call the file. Tags, anchors and
// aliases are refused: nothing here needs them.
func Parse(name string, data []byte) (file *File, err error) {
	if len(data) > longest {
		return nil, &Error{File: name, Problem: fmt.Sprintf("%d bytes are too many: %d are allowed", len(data), longest)}
	}
	defer noPanic(name, &err)
	f := &File{name: name, at: map[string]int{}, path: map[[2]int]string{}}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, f.translate(err)
	}
	var docs []ast.Node
	for _, d := range parsed.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType {
			docs = append(docs, d.Body)
		}
	}
	switch len(docs) {
	case 0:
		return nil, &Error{File: name, Problem: "the file is empty"}
	case 1:
	default:
		return nil, &Error{File: name, Line: docs[1].GetToken().Position.Line, Problem: "the file holds more than one document"}
	}
	f.root = docs[0]
	if f.root.Type() != ast.MappingType && f.root.Type() != ast.MappingValueType {
		return nil, &Error{File: name, Line: f.root.GetToken().Position.Line, Problem: "the file is not a mapping of keys to values"}
	}
	if err := f.index(f.root, ""); err != nil {
		return nil, err
	}
	return f, nil
}

// noPanic makes an error of a panic: the YAML library has some left for input
// that makes no sense.
func noPanic(name string, err *error) {
	if p := recover(); p != nil {
		*err = &Error{File: name, Problem: fmt.Sprintf("this is no YAML that can be read: %v", p)}
	}
}

// index notes where each path is.
func (f *File) index(n ast.Node, path string) error {
	if n == nil {
		return nil
	}
	if t := n.GetToken(); t != nil && path != "" {
		f.note(t.Position.Line, t.Position.Column, path)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := f.index(v, path); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		if n.Key.Type() == ast.MergeKeyType {
			return f.Errorf(path, "<< is not understood here")
		}
		key := n.Key.GetToken()
		child := join(path, key.Value)
		f.note(key.Position.Line, key.Position.Column, child)
		f.at[child] = key.Position.Line
		return f.index(n.Value, child)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			child := path + "[" + strconv.Itoa(i) + "]"
			if t := v.GetToken(); t != nil {
				f.at[child] = t.Position.Line
			}
			if err := f.index(v, child); err != nil {
				return err
			}
		}
	case *ast.AnchorNode, *ast.TagNode, *ast.AliasNode:
		return f.Errorf(path, "tags, anchors and aliases are not understood here")
	}
	return nil
}

func (f *File) note(line, column int, path string) {
	f.path[[2]int{line, column}] = path
	if f.at[path] == 0 {
		f.at[path] = line
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Expand replaces every string value by what f makes of it.
func (f *File) Expand(expand func(path, value string) (string, error)) error {
	return f.expand(f.root, "", expand)
}

func (f *File) expand(n ast.Node, path string, expand func(path, value string) (string, error)) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := f.expand(v, path, expand); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		return f.expand(n.Value, join(path, n.Key.GetToken().Value), expand)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			if err := f.expand(v, path+"["+strconv.Itoa(i)+"]", expand); err != nil {
				return err
			}
		}
	case *ast.StringNode:
		v, err := expand(path, n.Value)
		if err != nil {
			return f.Errorf(path, "%s", err)
		}
		n.Value = v
	case *ast.LiteralNode:
		return f.expand(n.Value, path, expand)
	}
	return nil
}

// Decode fills into, a pointer to a struct. Keys without a field are refused.
func (f *File) Decode(into any) (err error) {
	defer noPanic(f.name, &err)
	if err := yaml.NodeToValue(f.root, into, yaml.Strict()); err != nil {
		return f.translate(err)
	}
	return nil
}

// Errorf makes an error about the key at a path ("" for the whole file). A
// path that the file does not have is placed at its nearest ancestor.
func (f *File) Errorf(path, format string, args ...any) error {
	return &Error{File: f.name, Line: f.line(path), Path: path, Problem: fmt.Sprintf(format, args...)}
}

func (f *File) line(path string) int {
	for path != "" {
		if l := f.at[path]; l > 0 {
			return l
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

// translate turns the parser's and the decoder's errors into ours.
func (f *File) translate(err error) error {
	var at yaml.Error
	if !errors.As(err, &at) {
		return &Error{File: f.name, Problem: err.Error()}
	}
	e := &Error{File: f.name, Problem: at.GetMessage()}
	if t := at.GetToken(); t != nil {
		e.Line = t.Position.Line
		e.Path = f.path[[2]int{t.Position.Line, t.Position.Column}]
	}
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		e.Problem = "nothing here has this key, or it is not implemented: " + unknown.GetMessage()
	}
	return e
}
