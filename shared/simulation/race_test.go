//go:build race

package simulation

func init() { underRace, seedsInTests, replays = true, 20, 3 }
