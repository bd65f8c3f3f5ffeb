// Package fc is Function Compute on a laptop: it starts the very binaries that
// would be deployed, one process an instance and one request at a time in
// each, speaks the runtime API to them, and is the triggers in front of them:
// HTTP, timers, and queues by way of event streams and event buses.
//
// Sources: the published quotas and trigger documentation, and what the
// official runtime SDK was seen to need. It knows the rest of the cloud by the
// Cloud interface only.
package fc
