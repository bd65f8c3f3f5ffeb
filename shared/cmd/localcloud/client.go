package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// client asks intake.
type client struct{ url, token string }

func (c client) ask(ctx context.Context, method, path string, body []byte) (int, json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, text, err
}

// answer is intake's, as far as this command reads it.
type answer struct {
	ID         string       `json:"id"`
	Generation int          `json:"generation"`
	State      string       `json:"state"`
	Why        string       `json:"why"`
	Ended      bool         `json:"ended"`
	Steps      []stepAnswer `json:"steps"`
	Verdict    *struct {
		Outcome string `json:"outcome"`
		Pings   []struct {
			From     string  `json:"from"`
			Instance string  `json:"instance"`
			Loss     float64 `json:"loss"`
			Received int     `json:"received"`
			Avg      float64 `json:"avg"`
		} `json:"pings"`
	} `json:"verdict"`
	Warnings []struct {
		Field  string `json:"field"`
		Detail string `json:"detail"`
	} `json:"warnings"`
}

// untouched tells whether no step has begun.
func (a answer) untouched() bool {
	return !slices.ContainsFunc(a.Steps, func(s stepAnswer) bool { return s.Progress != "pending" })
}

// pinged are the instances that pinged, the initiator's first.
func (a answer) pinged() []string {
	if a.Verdict == nil {
		return nil
	}
	var out []string
	for _, p := range a.Verdict.Pings {
		out = append(out, p.Instance)
	}
	return out
}

type stepAnswer struct {
	Step      string          `json:"step"`
	Progress  string          `json:"progress"`
	TookMs    int64           `json:"tookMs"`
	Note      string          `json:"note"`
	Problem   json.RawMessage `json:"problem"`
	Resources []string        `json:"resources"`
}

func (s stepAnswer) problem() string {
	if len(s.Problem) == 0 || string(s.Problem) == "null" {
		return ""
	}
	return sentence(s.Problem)
}

// sentence takes the words out of a problem, whatever else it has.
func sentence(raw json.RawMessage) string {
	var p map[string]any
	if json.Unmarshal(raw, &p) != nil {
		return string(raw)
	}
	var parts []string
	for _, k := range []string{"title", "sentence", "detail", "message", "why"} {
		if v, ok := p[k].(string); ok && v != "" {
			parts = append(parts, v)
		}
	}
	if len(parts) == 0 {
		return string(raw)
	}
	return strings.Join(parts, "; ")
}

// problemText writes intake's refusal, a line a field.
func problemText(raw json.RawMessage) string {
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Field  string `json:"field"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	if json.Unmarshal(raw, &p) != nil || len(p.Errors) == 0 {
		return sentence(raw)
	}
	lines := []string{strings.TrimSpace(p.Title + " " + p.Detail)}
	for _, e := range p.Errors {
		lines = append(lines, fmt.Sprintf("%s: %s", e.Field, e.Detail))
	}
	return strings.Join(lines, "\n")
}

func listed(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ": " + strings.Join(ids, ", ")
}

// pingMarks are what the drawing shows beside the instances that pinged.
func pingMarks(a answer) map[string]string {
	marks := map[string]string{}
	if a.Verdict == nil {
		return marks
	}
	for _, p := range a.Verdict.Pings {
		text := "no reply"
		if p.Received > 0 {
			text = fmt.Sprintf("%.1f ms", p.Avg)
		}
		if p.From == "initiator" {
			marks[p.Instance] = text + " ─►"
		} else {
			marks[p.Instance] = "◄─ " + text
		}
	}
	return marks
}
