// Package conformance asks a cloud what the rest of the project relies on: each
// fact is a sentence, a way to ask for it over the wire with the official SDKs,
// and what the local cloud says. It consists of tests only.
//
//	go test ./shared/conformance                  ask the local cloud, by both readings of each switch
//	make conformance CLOUD=local                  the same, as a list
//	make conformance CLOUD=aliyun                 ask the account of the environment's credentials what can
//	                                              be asked by reading, and print what differs
//	make conformance CLOUD=aliyun CONFORMANCE_WRITE=1
//	                                              print what the rest would make, and what it costs; with
//	                                              CONFIRM=<account id> make it, ask, and delete it all
//
// An account is asked only by the flag -cloud aliyun, which nothing but that
// make target gives. The regions are CONFORMANCE_REGIONS, two ids with a space
// between. What needs an instance is asked only if CONFORMANCE_INSTANCE names
// one of the first region's on which a command may be run.
package conformance
