package interconnect

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesAreShortAndPlain(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{
		"": true, "ann": true, "Žofie Müller-Ⅳ": true, "张伟 2": true, "ann+ci@example.com": true, strings.Repeat("é", 64): true,
		strings.Repeat("a", 65): false, "ann\n": false, "ann\tb": false, "a;b": false, "<b>": false, "a\xff": false, "a\u202e": false, `"`: false,
	} {
		require.Equal(t, plain, plainName(name), "%q", name)
	}
}
