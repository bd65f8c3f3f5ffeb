package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"vpcinterconnect/shared/localcloud/engine"
	"vpcinterconnect/shared/localcloud/stack"
	"vpcinterconnect/shared/localcloud/world"
)

func worldCommand() *cobra.Command {
	var file, endpoints, example string
	c := &cobra.Command{
		Use: "world", Short: "Print a world as a world file", Args: cobra.NoArgs,
		Long: `Print a world as a world file: that of a running cloud (--endpoints, as up
wrote it), the one that a file describes with all that it leaves open filled in
(--world), an example (--example NAME; "list" for their names), or else the
tutorial's.`,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := worldText(file, endpoints, example)
			if err == nil {
				_, err = c.OutOrStdout().Write(text)
			}
			return err
		},
	}
	c.Flags().StringVar(&file, "world", "", "`FILE` to read")
	c.Flags().StringVar(&endpoints, "endpoints", "", "`FILE` that a running up wrote")
	c.Flags().StringVar(&example, "example", "", "`NAME` of an example")
	c.MarkFlagsMutuallyExclusive("world", "endpoints", "example")
	return c
}

func worldText(file, endpoints, example string) ([]byte, error) {
	switch {
	case endpoints != "":
		return runningWorld(endpoints)
	case example == "list":
		return exampleNames()
	case example != "":
		return world.Examples.ReadFile("examples/" + example + ".yaml")
	}
	w, err := world.ReadFile(file)
	if err != nil {
		return nil, err
	}
	e := engine.New(w.Options(engine.Options{}))
	if err := w.Apply(e); err != nil {
		return nil, err
	}
	return world.Export(e).Marshal()
}

func exampleNames() ([]byte, error) {
	list, err := world.Examples.ReadDir("examples")
	var out []byte
	for _, f := range list {
		name := f.Name()
		out = append(out, name[:len(name)-len(".yaml")]+"\n"...)
	}
	return out, err
}

// runningWorld asks a running cloud.
func runningWorld(endpoints string) ([]byte, error) {
	text, err := os.ReadFile(endpoints)
	if err != nil {
		return nil, err
	}
	var e stack.Endpoints
	if err := json.Unmarshal(text, &e); err != nil || e.World == "" {
		return nil, fmt.Errorf("%s is no file of endpoints", endpoints)
	}
	res, err := http.Get(e.World)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", e.World, res.Status)
	}
	return body, err
}

// writeWorld writes a world to a file; an empty path is none.
func writeWorld(path string, w *world.World) error {
	if path == "" {
		return nil
	}
	text, err := w.Marshal()
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644) //nolint:gosec // the path is what the user named
}
