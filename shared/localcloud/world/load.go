package world

import (
	"embed"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"vpcinterconnect/shared/localcloud/yamlfile"
)

// Examples is one world file for each kind of thing that a world can have.
//
//go:embed examples/*.yaml
var Examples embed.FS

// Load reads a world file; name is what errors call it.
func Load(name string, data []byte) (*World, error) {
	f, err := yamlfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	var w World
	if err := f.Decode(&w); err != nil {
		return nil, err
	}
	if err := check(f, &w); err != nil {
		return nil, err
	}
	return &w, nil
}

// ReadFile loads the world file at a path; "" is the default world.
func ReadFile(path string) (*World, error) {
	if path == "" {
		return Default(), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Load(path, data)
}

// Default is the tutorial's world: VPC1 in cn-qingdao, VPC2 in cn-beijing, an
// instance with Cloud Assistant and a security group in each.
func Default() *World {
	const name = "examples/tutorial.yaml"
	data, err := Examples.ReadFile(name)
	if err == nil {
		var w *World
		if w, err = Load(name, data); err == nil {
			return w
		}
	}
	panic(fmt.Sprintf("the default world is broken: %s", err)) // a test loads it
}

// Marshal writes the world as a world file.
func (w *World) Marshal() ([]byte, error) {
	return yaml.MarshalWithOptions(w, yaml.Indent(2), yaml.IndentSequence(true))
}
