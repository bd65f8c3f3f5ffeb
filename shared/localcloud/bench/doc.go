// Package bench turns what a run of the local cloud recorded into figures: how
// long the run took beside the longest chain of calls that need each other, how
// many calls it made and why, what a hop from function to function costs, and
// how much of what is billed is waiting for an answer.
//
// It measures nothing itself and knows no clock: a Recorder is told what
// happens, and everything else is computed from that. All figures are ratios or
// counts, so that they mean the same on a slow machine as on a fast one.
package bench
