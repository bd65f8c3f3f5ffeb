//go:build race

package stack_test

// With the race detector the functions are built with it too: what they need is
// compiled already, and their own races are found.
func init() { buildFlags = append(buildFlags, "-race") }
