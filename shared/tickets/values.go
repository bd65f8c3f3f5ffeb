package tickets

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxDepth is how deep a field's value is looked into.
const maxDepth = 20

// Values takes the texts out of a field's value as ticket systems spell it: a
// text, a number, an option with a value or a name, a document, a list of these.
func Values(raw json.RawMessage) []string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return values(v, 0)
}

func values(v any, depth int) []string {
	if depth > maxDepth {
		return nil
	}
	switch x := v.(type) {
	case string:
		return []string{x}
	case float64:
		return []string{strconv.FormatFloat(x, 'f', -1, 64)}
	case bool:
		return []string{strconv.FormatBool(x)}
	case []any:
		var out []string
		for _, item := range x {
			out = append(out, values(item, depth+1)...)
		}
		return out
	case map[string]any:
		if x["type"] == "doc" {
			return []string{strings.TrimSpace(document(x, depth))}
		}
		for _, key := range []string{"value", "name", "key", "id"} {
			if inner, ok := x[key]; ok {
				return values(inner, depth+1)
			}
		}
	}
	return nil
}

// ends are the parts of a document behind which a line ends.
var ends = map[any]bool{"paragraph": true, "heading": true, "codeBlock": true, "listItem": true, "hardBreak": true, "tableCell": true}

// document is the text of a document in Atlassian's format, line by line.
func document(node map[string]any, depth int) string {
	if depth > maxDepth {
		return ""
	}
	text, _ := node["text"].(string)
	parts, _ := node["content"].([]any)
	for _, p := range parts {
		if child, ok := p.(map[string]any); ok {
			text += document(child, depth+1)
		}
	}
	if ends[node["type"]] {
		text += "\n"
	}
	return text
}
