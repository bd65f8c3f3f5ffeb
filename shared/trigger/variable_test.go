package trigger_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vpcinterconnect/shared/trigger"
)

func TestAVariableHoldsJSONOrNamesAFileThatDoes(t *testing.T) {
	t.Parallel()
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "rules.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, c := range map[string]struct{ value, want, problem string }{
		"an object":                {` {"rules": []} `, `{"rules": []}`, ""},
		"a file with one":          {file(`{"a": 1}`), `{"a": 1}`, ""},
		"nothing":                  {"  ", "", ""},
		"a file that is empty":     {file("\n"), "", "the file is empty"},
		"a file that is not there": {"rules-of-nobody.json", "", "neither a JSON object nor a file that can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := trigger.JSONVariable(c.value)
			if c.problem != "" {
				require.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, string(text))
		})
	}
}
