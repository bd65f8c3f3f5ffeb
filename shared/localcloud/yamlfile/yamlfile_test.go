package yamlfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/localcloud/yamlfile"
)

type house struct {
	Name  string `yaml:"name"`
	Rooms []room `yaml:"rooms"`
}

type room struct {
	Name    string            `yaml:"name"`
	Windows int               `yaml:"windows"`
	Doors   map[string]string `yaml:"doors"`
}

func TestErrorsNameTheFileTheLineAndTheKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":            {"name: x\nrooms:\n  - name: a\n    windos: 3\n", "h.yaml:4: rooms[0].windos: "},
		"an unknown key at the top": {"nam: x\n", "h.yaml:1: nam: "},
		"a value of the wrong type": {"rooms:\n  - name: a\n    windows: many\n", "h.yaml:3: rooms[0].windows: "},
		"a key twice":               {"name: x\nname: y\n", "h.yaml:2: "},
		"bad syntax":                {"name: [x\n", "h.yaml:1: "},
		"nothing":                   {"# only a comment\n", "h.yaml: the file is empty"},
		"two documents":             {"name: x\n---\nname: y\n", "h.yaml:3: the file holds more than one"},
		"a tag":                     {"rooms: ! \n", "h.yaml:1: rooms: tags, anchors"},
		"an anchor":                 {"name: &a x\n", "h.yaml:1: name: tags, anchors"},
		"a merge":                   {"rooms:\n  - <<: {name: x}\n", "h.yaml:2: rooms[0]: << is not"},
		"too much":                  {strings.Repeat("#", 5<<20), "h.yaml: 5242880 bytes are too many"},
		"a list":                    {"- x\n", "h.yaml:1: the file is not a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := yamlfile.Parse("h.yaml", []byte(c.text))
			if err == nil {
				err = f.Decode(&house{})
			}
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), c.want), "%q does not start with %q", err.Error(), c.want)
		})
	}
}

func TestExpandReplacesStringsAndSaysWhereItCannot(t *testing.T) {
	t.Parallel()
	text := "name: hall\nrooms:\n  - name: a\n    windows: 2\n    doors: {left: hall, right: attic}\n"
	f, err := yamlfile.Parse("h.yaml", []byte(text))
	require.NoError(t, err)
	require.NoError(t, f.Expand(func(_, v string) (string, error) { return strings.ReplaceAll(v, "hall", "lobby"), nil }))
	var h house
	require.NoError(t, f.Decode(&h))
	require.Equal(t, house{Name: "lobby", Rooms: []room{{Name: "a", Windows: 2, Doors: map[string]string{"left": "lobby", "right": "attic"}}}}, h)

	err = f.Expand(func(_, v string) (string, error) {
		if v == "attic" {
			return "", errors.New("no attic")
		}
		return v, nil
	})
	require.EqualError(t, err, "h.yaml:5: rooms[0].doors.right: no attic")
}

func TestErrorfPlacesAMissingKeyAtItsAncestor(t *testing.T) {
	t.Parallel()
	f, err := yamlfile.Parse("h.yaml", []byte("name: x\nrooms:\n  - name: a\n"))
	require.NoError(t, err)
	require.EqualError(t, f.Errorf("rooms[0].doors.left", "is needed"), "h.yaml:3: rooms[0].doors.left: is needed")
	require.EqualError(t, f.Errorf("", "is odd"), "h.yaml: is odd")
}
