//go:build race

package shared_test

func init() { underRace = true }
