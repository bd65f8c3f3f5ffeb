package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// unshown are the parameters of the protocol, which name and prove the caller.
var unshown = []string{
	"Action", "Version", "Format", "AccessKeyId", "SecurityToken", "Signature", "SignatureMethod", "SignatureVersion",
	"SignatureType", "SignatureNonce", "Timestamp", "RegionId",
}

// secretWords are in the names of parameters, and of actions with a Value, that
// carry what nobody should read.
var secretWords = []string{"password", "secret", "privatekey", "credential"}

func secret(name string) bool {
	return slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(strings.ToLower(name), w) })
}

// longestValue is how many characters of a value a question shows.
const longestValue = 300

// text is what a person is asked about a write: the action and its parameters.
func (r *request) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s in %s\n", r.product, printable(r.action), printable(r.region))
	for _, k := range slices.Sorted(maps.Keys(r.parameters)) {
		v := printable(r.parameters.Get(k))
		switch {
		case slices.Contains(unshown, k):
			continue
		case secret(k), secret(r.action) && k == "Value":
			v = "(not shown)"
		}
		if runes := []rune(v); len(runes) > longestValue {
			v = string(runes[:longestValue]) + "..."
		}
		fmt.Fprintf(&b, "  %s: %s\n", printable(k), v)
	}
	return b.String()
}

// printable keeps a terminal from obeying what a value holds.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return '?'
	}, s)
}

// outline writes a JSON text as an indented list, without what is empty, in its
// own order.
func outline(text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var b strings.Builder
	if err := value(d, &b, ""); err != nil {
		return printable(string(text)) + "\n"
	}
	return b.String()
}

// value writes the next value of d: a scalar behind what stands on the line, an
// object or list on lines of its own below.
func value(d *json.Decoder, b *strings.Builder, indent string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	delim, nested := t.(json.Delim)
	if !nested {
		if t != nil && t != "" {
			fmt.Fprintf(b, " %s", printable(fmt.Sprint(t)))
		}
		b.WriteString("\n")
		return nil
	}
	if indent != "" {
		b.WriteString("\n")
	}
	for d.More() {
		label := "-"
		if delim == '{' {
			k, err := d.Token()
			if err != nil {
				return err
			}
			label = printable(fmt.Sprint(k)) + ":"
		}
		var below strings.Builder
		if err := value(d, &below, indent+"  "); err != nil {
			return err
		}
		if strings.TrimSpace(below.String()) != "" {
			b.WriteString(indent + "  " + label + below.String())
		}
	}
	_, err = d.Token() // the end of it
	return err
}
