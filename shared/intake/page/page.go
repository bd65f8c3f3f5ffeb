// Package page is the page that people look at in a browser: it asks for a
// token, reads the API with it, and shows connections as pictures.
package page

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"net/http"
	"strings"
)

var (
	//go:embed page.html
	frame string
	//go:embed page.css
	style string
	//go:embed picture.js
	picture string
	//go:embed page.js
	visit string

	script = picture + visit

	// document is the whole page: one answer, so one invocation.
	document = strings.NewReplacer("{{style}}", style, "{{script}}", script).Replace(frame)

	// policy lets a browser run exactly the page's own script and style, and
	// talk to the API it came from. Were a text of the input ever taken for
	// markup, it could do nothing.
	policy = "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) +
		"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// hash names a part of the page as a content security policy does.
func hash(part string) string {
	sum := sha256.Sum256([]byte(part))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Serve answers with the page. It is the same for everybody and holds no data.
func Serve(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache")
	_, _ = w.Write([]byte(document)) // nobody is left to tell
}
