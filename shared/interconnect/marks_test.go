package interconnect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vpcinterconnect/shared/interconnect"
)

func TestParseMark(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want interconnect.Mark
		ok   bool
	}{
		"a mark is read back":                     {"interconnect.vi.orders-to-billing", interconnect.Mark{Prefix: "vi", ConnectionID: "orders-to-billing"}, true},
		"nothing is no mark":                      {text: ""},
		"a person's words are no mark":            {text: "link to billing"},
		"another first word is no mark":           {text: "interconnects.vi.a"},
		"a mark without an id is none":            {text: "interconnect.vi."},
		"a mark without a prefix is none":         {text: "interconnect..a"},
		"a fourth part makes it no mark":          {text: "interconnect.vi.a.0"},
		"a blank before it makes it no mark":      {text: " interconnect.vi.a"},
		"a line end behind it makes it no mark":   {text: "interconnect.vi.a\n"},
		"an id that is too long is no mark":       {text: "interconnect.vi." + strings.Repeat("a", 49)},
		"letters of other scripts are in no mark": {text: "interconnect.vi.ä"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := interconnect.ParseMark(tt.text)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestMarksAreReadAsTheyAreSpelt(t *testing.T) {
	t.Parallel()
	part := rapid.StringMatching(`[a-z][a-z0-9-]{0,47}`)
	rapid.Check(t, func(t *rapid.T) {
		m := interconnect.Mark{Prefix: part.Draw(t, "prefix"), ConnectionID: part.Draw(t, "id")}
		got, ok := interconnect.ParseMark(m.String())
		require.True(t, ok)
		require.Equal(t, m, got)
		require.LessOrEqual(t, len(m.String()), 128, "the shortest limit of a name, an interface's")
		require.Regexp(t, `^[a-z][a-z0-9.-]+$`, m.String())

		owner, ok := interconnect.OwnerOf(&interconnect.RouterInterface{Name: "renamed by hand", Tags: m.Tags()})
		require.True(t, ok)
		require.Equal(t, m, owner)
	})
}

func FuzzParseMark(f *testing.F) {
	f.Add("interconnect.vi.a")
	f.Add("interconnect.vi.a.b")
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := interconnect.ParseMark(s); ok {
			require.Equal(t, s, m.String())
		}
	})
}

func TestClientTokensStandForTheirParts(t *testing.T) {
	t.Parallel()
	token := interconnect.ClientToken("vi", "a", "initiator", "0")
	require.Len(t, token, 64)
	require.Equal(t, token, interconnect.ClientToken("vi", "a", "initiator", "0"))
	require.NotEqual(t, token, interconnect.ClientToken("vi", "a", "initiator", "1"))
	require.NotEqual(t, interconnect.ClientToken("ab", "c"), interconnect.ClientToken("a", "bc"))
	require.NotEqual(t, interconnect.ClientToken("a", ""), interconnect.ClientToken("a"))
}
