// Package whole tries the whole by the local cloud, as strangers would: the
// binaries that are deployed, unmodified, over the wire. It consists of tests
// only.
//
// The cloud is hostile, by a seed that is the test's own unless -seed names
// one; a failing test prints it. What takes minutes runs with -long only.
//
//	go test ./shared/whole                              the tests of make test
//	go test ./shared/whole -run TestX -seed 7           one, by another seed
//	go test ./shared/whole -run TestSeeds -seeds 50 -v  the tutorial's connection by many
//	go test ./shared/whole -long -timeout 30m           everything
package whole
