package trigger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// JSONVariable reads an environment variable that holds a JSON object, or the
// path of a file that does, which may be one beside the function's binary.
// Nothing is nothing.
func JSONVariable(value string) ([]byte, error) {
	text := []byte(strings.TrimSpace(value))
	if len(text) == 0 || text[0] == '{' {
		return text, nil
	}
	text, err := os.ReadFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("it is neither a JSON object nor a file that can be read: %w", err)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("the file is empty; nothing at all is written {}")
	}
	return text, nil
}
