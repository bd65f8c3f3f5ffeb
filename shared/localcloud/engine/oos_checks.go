package engine

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The documented limits of a parameter, in characters.
const (
	longestValue       = 4096
	longestDescription = 200
	mostTags           = 20
)

func checkDescription(s string) error {
	if utf8.RuneCountInString(s) > longestDescription {
		return errParameter("Description", fmt.Sprintf("it may have %d characters", longestDescription))
	}
	return nil
}

// parameterConstraints is what Constraints may say of values, as JSON.
type parameterConstraints struct {
	AllowedValues  []string
	AllowedPattern string
	MinLength      *int
	MaxLength      *int
}

// checkValue holds a value to the limit of the store and to the parameter's own
// constraints.
func checkValue(constraints, value string) error {
	n := utf8.RuneCountInString(value)
	if n < 1 || n > longestValue {
		return errParameter("Value", fmt.Sprintf("it has %d characters; 1 to %d are allowed", n, longestValue))
	}
	if constraints == "" {
		return nil
	}
	var c parameterConstraints
	d := json.NewDecoder(strings.NewReader(constraints))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return errParameter("Constraints", "it is not JSON with AllowedValues, AllowedPattern, MinLength or MaxLength")
	}
	pattern, err := regexp.Compile(c.AllowedPattern)
	switch {
	case err != nil:
		return errParameter("Constraints", "AllowedPattern is not a regular expression")
	case len(c.AllowedValues) > 0 && !slices.Contains(c.AllowedValues, value),
		!pattern.MatchString(value),
		c.MinLength != nil && n < *c.MinLength,
		c.MaxLength != nil && n > *c.MaxLength:
		return errParameter("Value", "it does not meet the parameter's constraints")
	}
	return nil
}

// parseTags reads tags as OOS takes them: one JSON object of strings.
func parseTags(s string) (map[string]string, error) {
	tags := map[string]string{}
	if s == "" {
		return tags, nil
	}
	if err := json.Unmarshal([]byte(s), &tags); err != nil || tags == nil {
		return nil, errParameter("Tags", "it is not a JSON object of strings")
	}
	if len(tags) > mostTags {
		return nil, errParameter("Tags", fmt.Sprintf("there are %d tags; %d are allowed", len(tags), mostTags))
	}
	return tags, nil
}
