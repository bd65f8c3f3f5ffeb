//go:build race

package simulation

func init() { underRace, seedsInTests, replays = true, 12, 1 }
