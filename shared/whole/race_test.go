//go:build race

package whole_test

// With the race detector the functions are built with it too: what they need is
// compiled already, and their own races are found.
func init() { raced = "-race" }
