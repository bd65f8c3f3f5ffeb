// Package dataplane decides, from a picture of the local cloud, whether a
// packet gets through and its answer back, hop by hop, and runs Cloud
// Assistant's scripts in guests whose only network is that picture.
//
// It is one of two judges of reachability: the project's own analysis is the
// other. They share no code, so that they can disagree.
package dataplane
