package manifest

import "time"

// Function is one function of s.yaml with its triggers.
type Function struct {
	ID          string // the resource's key in s.yaml
	Name        string
	Region      string
	Runtime     string
	Handler     string // path of the binary inside the code folder
	Code        string // folder, relative to s.yaml's
	Timeout     time.Duration
	MemoryMB    int
	DiskMB      int
	CPU         float64 // vCPU
	Role        string  // ARN
	Environment map[string]string
	Instances   int // most at a time; 0: no limit of its own
	Async       Async

	HTTP   *HTTPTrigger
	Timers []TimerTrigger
	Queues []QueueTrigger
}

// Async is what becomes of asynchronous invocations.
type Async struct {
	Retries   int           // after the first attempt
	MaxAge    time.Duration // of an event
	OnFailure string        // queue name; "" for none
	OnSuccess string        // queue name; "" for none
}

// HTTPTrigger lets requests in.
type HTTPTrigger struct {
	Name    string
	Methods []string
}

// TimerTrigger invokes by the clock.
type TimerTrigger struct {
	Name    string
	Cron    string // six fields, optionally behind CRON_TZ=…, or @every Nm
	Payload string
	Enabled bool
}

// QueueTrigger pushes a queue's messages into the function.
type QueueTrigger struct {
	Name         string
	Region       string
	Queue        string
	Base64Decode bool // the body is decoded before it is delivered
	Enabled      bool
	Async        bool // hand over and move on
	Streaming    bool // an array of events, even of one; else a single event
	RawData      bool // only each event's data
	Tolerant     bool // errorsTolerance ALL: a failing event goes to DeadLetters or is discarded; else it stops the stream
	Exponential  bool // EXPONENTIAL_DECAY_RETRY, else BACKOFF_RETRY
	Batch        int  // most events a push
	Window       time.Duration
	DeadLetters  string // queue name; "" for none
}
