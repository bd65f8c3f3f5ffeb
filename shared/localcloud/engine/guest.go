package engine

import "time"

// Guest runs a Cloud Assistant script inside an instance: what the script
// prints, how it exits, and how long it takes on the cloud's clock. The data
// plane is one; a Linux kernel may be another.
type Guest interface {
	Run(s Script) Execution
}

// Script is one command on one instance.
type Script struct {
	Topology   *Topology
	InstanceID string
	Content    string // decoded
	Timeout    time.Duration
	Start      time.Time
}

// Execution is what became of a script.
type Execution struct {
	Output   string
	ExitCode int
	Took     time.Duration
}
