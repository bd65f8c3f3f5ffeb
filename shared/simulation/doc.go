// Package simulation runs the real functions against the local cloud's engine
// under every fault that a seed can think of, in virtual time, and holds them
// to what the project promises. It consists of tests only.
//
// A run is one testing/synctest bubble. Every call that a function makes waits
// at a gate until all of the bubble stands still; then the seed picks what
// happens next: one of those calls is carried out, delayed, lost or answered
// wrongly, a message is delivered, a function dies, somebody asks for something
// or works at the console by hand. So a seed replays to the letter, although
// functions run side by side and their calls interleave.
//
//	go test ./shared/simulation                    some hundreds of seeds
//	SEED=n go test -run TestReplay ./shared/simulation -v    one, with its trace
//	make soak SEEDS=n                              as many as asked
package simulation
