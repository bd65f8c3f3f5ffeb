package desk

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// refusal is an error as Jira answers it.
func refusal(w http.ResponseWriter, status int, words string) {
	answer(w, status, map[string]any{"errorMessages": []string{words}, "errors": map[string]any{}})
}

// ServeHTTP answers REST calls: an issue, its comments, its transitions.
func (j *Jira) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.down {
		w.Header().Set("Retry-After", "1")
		answer(w, http.StatusServiceUnavailable, map[string]any{"message": "maintenance"})
		return
	}
	if !j.known(r) {
		refusal(w, http.StatusUnauthorized, "You are not authenticated.")
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 5 || len(parts) > 6 || parts[0] != "rest" || parts[1] != "api" || parts[3] != "issue" || parts[2] != "2" && (parts[2] != "3" || !j.o.Cloud) {
		refusal(w, http.StatusNotFound, "There is no such resource here.")
		return
	}
	i := j.issues[parts[4]]
	if i == nil {
		refusal(w, http.StatusNotFound, "Issue does not exist or you do not have permission to see it.")
		return
	}
	what := r.Method + " issue"
	if len(parts) == 6 {
		what += "/" + parts[5]
	}
	switch what {
	case "GET issue":
		j.showIssue(w, r, i)
	case "GET issue/comment":
		j.listComments(w, r, i)
	case "POST issue/comment":
		j.addComment(w, r, i, parts[2] == "3")
	case "POST issue/transitions":
		j.transition(w, r, i)
	default:
		refusal(w, http.StatusMethodNotAllowed, "This is not built: "+what)
	}
}

// known tells whether a call comes with our account's token.
func (j *Jira) known(r *http.Request) bool {
	if j.o.Cloud {
		user, token, ok := r.BasicAuth()
		return ok && user == j.o.User && token == j.o.Token
	}
	return r.Header.Get("Authorization") == "Bearer "+j.o.Token
}

func (j *Jira) showIssue(w http.ResponseWriter, r *http.Request, i *jiraIssue) {
	for name := range r.URL.Query() {
		if name != "fields" && name != "expand" {
			refusal(w, http.StatusBadRequest, "This is not built: "+name)
			return
		}
	}
	all, fields := j.all(i), map[string]any{}
	for _, f := range strings.Split(r.URL.Query().Get("fields"), ",") {
		if v, ok := all[f]; ok {
			fields[f] = v
		}
	}
	out := map[string]any{"id": i.id, "key": i.key, "fields": fields}
	if r.URL.Query().Get("expand") == "changelog" {
		histories := append([]map[string]any{}, i.histories...)
		if j.o.NewestFirst {
			slices.Reverse(histories)
		}
		out["changelog"] = map[string]any{"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}
	}
	answer(w, http.StatusOK, out)
}

// mostComments is how many comments one answer brings.
const mostComments = 100

func (j *Jira) listComments(w http.ResponseWriter, r *http.Request, i *jiraIssue) {
	from, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	most, err := strconv.Atoi(r.URL.Query().Get("maxResults"))
	if err != nil || most > mostComments {
		most = mostComments
	}
	list := []map[string]any{}
	for n := from; n < len(i.comments) && len(list) < most; n++ {
		list = append(list, j.comment(i.comments[n]))
	}
	answer(w, http.StatusOK, map[string]any{"startAt": from, "maxResults": most, "total": len(i.comments), "comments": list})
}

// longest is how many characters a comment may have.
const longest = 32767

func (j *Jira) addComment(w http.ResponseWriter, r *http.Request, i *jiraIssue, documents bool) {
	in, err := readObject(r)
	body := in["body"]
	text, isText := body.(string)
	doc, isDoc := body.(map[string]any)
	why := ""
	switch {
	case err != nil:
		why = err.Error()
	case documents && isDoc:
		if err := checkDocument(doc); err != nil {
			why = err.Error()
		}
	case documents || !isText || text == "":
		why = "Comment body is not valid!"
	}
	if why == "" && len([]rune(shown(body))) > longest {
		why = "The entered text is too long."
	}
	if why != "" {
		refusal(w, http.StatusBadRequest, why)
		return
	}
	answer(w, http.StatusCreated, j.comment(j.say(j.o.Account, i, body)))
}

// allowed are the nodes of a document that are known here, with what may be in
// them.
var allowed = map[string][]string{
	"doc": {"paragraph", "bulletList", "codeBlock"}, "paragraph": {"text"}, "bulletList": {"listItem"},
	"listItem": {"paragraph"}, "codeBlock": {"text"}, "text": nil,
}

// checkDocument refuses what is no document in Atlassian's format.
func checkDocument(doc map[string]any) error {
	if doc["type"] != "doc" || doc["version"] != 1.0 {
		return errors.New("INVALID_INPUT: it is no document of version 1")
	}
	return checkNode(doc)
}

func checkNode(n map[string]any) error {
	kind, _ := n["type"].(string)
	if text, _ := n["text"].(string); kind == "text" && text == "" {
		return errors.New("INVALID_INPUT: a text is empty")
	}
	content, _ := n["content"].([]any)
	for _, c := range content {
		child, _ := c.(map[string]any)
		name, _ := child["type"].(string)
		fits := false
		for _, a := range allowed[kind] {
			fits = fits || a == name
		}
		if !fits {
			return errors.New("INVALID_INPUT: a " + name + " is not allowed in a " + kind)
		}
		if err := checkNode(child); err != nil {
			return err
		}
	}
	return nil
}

func (j *Jira) transition(w http.ResponseWriter, r *http.Request, i *jiraIssue) {
	in, err := readObject(r)
	if err != nil {
		refusal(w, http.StatusBadRequest, err.Error())
		return
	}
	chosen, _ := in["transition"].(map[string]any)
	id, _ := chosen["id"].(string)
	to, ok := j.o.Transitions[id]
	if !ok || to == i.status {
		refusal(w, http.StatusBadRequest, "It seems that you have tried to perform a workflow operation that is not valid for the current state of this issue.")
		return
	}
	j.changeLocked(j.o.Account, i, to, nil)
	w.WriteHeader(http.StatusNoContent)
}

// unwiki takes wiki text's marks away, as rendering does.
var unwiki = strings.NewReplacer("{noformat}", "", "&#92;", `\`,
	`\-`, "-", `\#`, "#", `\*`, "*", `\_`, "_", `\+`, "+", `\?`, "?", `\!`, "!", `\^`, "^", `\~`, "~", `\|`, "|", `\%`, "%",
	`\{`, "{", `\}`, "}", `\[`, "[", `\]`, "]", `\(`, "(", `\)`, ")", `\@`, "@")

// shown is a comment's body as its reader sees it.
func shown(body any) string {
	switch b := body.(type) {
	case string:
		return unwiki.Replace(b)
	case map[string]any:
		return strings.TrimRight(shownNode(b), "\n")
	}
	return ""
}

func shownNode(n map[string]any) string {
	text, _ := n["text"].(string)
	content, _ := n["content"].([]any)
	for _, c := range content {
		if child, ok := c.(map[string]any); ok {
			text += shownNode(child)
		}
	}
	switch n["type"] {
	case "listItem":
		return "* " + strings.TrimRight(text, "\n") + "\n"
	case "paragraph", "codeBlock", "bulletList":
		return strings.TrimRight(text, "\n") + "\n\n"
	}
	return text
}
